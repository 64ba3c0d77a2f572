//! What every report begins and ends with.

use crate::cli::Common;
use crate::record::{Recorder, Status};
use crate::runner::{Run, Settings, one_line};
use std::collections::BTreeMap;

/// Machine, seed, rounds.
pub fn opening(recorder: &Recorder, settings: Settings) {
    crate::interrupt::end_when_output_closes();
    let host = &recorder.host;
    let load = host.load_before.map_or(String::new(), |load| format!(", load {load:.1} per processor"));
    println!();
    println!(
        "{}; {} processors on {} cores, {} GiB, {}{load}",
        host.cpu,
        host.n_logical,
        host.n_physical,
        (host.memory_mib + 512) / 1024,
        host.kernel
    );
    println!(
        "{} rounds of fresh processes in random order, seed {}; [low, high] are 95 % intervals",
        settings.rounds, settings.seed
    );
    println!();
}

/// Failures, taints, where the results are.
pub fn closing(recorder: &Recorder, runs: &[Run], common: &Common) {
    let failed: Vec<&Run> = runs.iter().filter(|run| run.status != Status::Ok).collect();
    if !failed.is_empty() {
        println!();
        println!("{} of {} processes failed:", failed.len(), runs.len());
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for run in failed {
            *kinds.entry(one_line(run)).or_default() += 1;
        }
        for (kind, times) in kinds {
            println!("  {times} × {kind}");
        }
    }
    println!();
    let mut taints: BTreeMap<&str, usize> = BTreeMap::new();
    for taint in runs.iter().flat_map(|run| &run.outcome.taint) {
        *taints.entry(taint).or_default() += 1;
    }
    for (taint, times) in taints {
        let meaning = match taint {
            "other_load" => "ran while other programs used more than a tenth of a processor",
            "wrong_mode" => "ran with the GIL in another state than their arm says",
            other => other,
        };
        println!("{times} of {} processes {meaning}", runs.len());
    }
    if common.quick {
        println!("--quick: shows that everything works; not for publication");
    }
    println!("results: {}", recorder.path().display());
}
