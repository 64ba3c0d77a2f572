//! `lab run sharing`: what it costs threads to read the same objects.
//!
//! A ladder of programs, from one in which threads share nothing to one in which they walk the same ring. All threads
//! only read. Beside the time stands its cause: how many references were counted in words that threads share, for
//! each read.

use super::{Results, report, threads};
use crate::arms::{self, Arm};
use crate::cli::SharingOptions;
use crate::compare::Samples;
use crate::definition::{SHARING, SHARING_ROWS};
use crate::failure::Result;
use crate::lines;
use crate::process::{Finished, Launch};
use crate::record::{Recorder, Status};
use crate::runner::{self, Cell, Key, Outcome, Reading, Role, Run, Subject};
use crate::table::{self, Table};
use crate::workdir::Workdir;

/// Behind the name of an arm: the same, with the counts counted. Its times mean nothing.
const COUNTED: &str = " counted";

/// The whole experiment.
///
/// Errors: `Usage` for an unknown row; `Runs` if a process failed or gave another result than one of another arm.
pub fn run(options: &SharingOptions) -> Result<()> {
    let common = &options.common;
    let rows = super::chosen(SHARING_ROWS, &options.only, "row")?;
    let n = options.threads.map_or_else(threads::default_workers, usize::from);
    let typhon = arms::typhon(common.typhon.as_deref())?;
    let mut arms: Vec<Arm> = ["biased", "atomic", "deferred"]
        .iter()
        .map(|name| Arm::typhon(name, &typhon, &["gil=0", &format!("refcount={name}")]))
        .collect();
    let counted: Vec<Arm> = arms
        .iter()
        .map(|arm| {
            let mut command = arm.command.clone();
            command.extend(["-X".to_string(), "sync-stats=/dev/null".to_string()]);
            Arm::new(&format!("{}{COUNTED}", arm.name), command)
        })
        .collect();
    arms.push(Arm::typhon("gil", &typhon, &["gil=1"]));
    arms.extend(common.peers.iter().map(|peer| peer.arm()));
    let workdir = Workdir::new()?;
    let program = workdir.write("sharing.py", SHARING)?;
    let settings = super::settings(common, 3, 9);
    let (reads, repeats) = if common.quick { (128_000, 2) } else { (1_280_000, 4) };
    // Arm, role, workers, and whether counts are counted.
    let mut kinds: Vec<(&Arm, Role, usize, bool)> = Vec::new();
    for arm in &arms {
        kinds.extend([(arm, Role::Measure, 1, false), (arm, Role::Measure, n, false)]);
        kinds.push((arm, Role::Ceiling, n, false));
    }
    kinds.extend(counted.iter().map(|arm| (arm, Role::Measure, n, true)));
    let cell = |row: &str, &(arm, role, workers, counted): &(&Arm, Role, usize, bool)| {
        let n_processes = if role == Role::Ceiling { workers } else { 1 };
        let mut command = arm.command.clone();
        command.extend([program.display().to_string(), row.to_string()]);
        command.push(format!("workers={}", workers / n_processes));
        command.extend([format!("reads={reads}"), format!("repeats={repeats}")]);
        command.extend((role == Role::Ceiling).then(|| "hold=1".to_string()));
        command.extend(counted.then(|| "count=1".to_string()));
        let launch = Launch { command, env: arm.env.clone(), folder: workdir.path().to_path_buf() };
        Cell { key: Key { arm: arm.name.clone(), workers, role }, launches: vec![launch; n_processes] }
    };
    let subjects: Vec<Subject> = rows
        .iter()
        .map(|row| Subject {
            name: row.to_string(),
            size: if common.quick { "quick" } else { "full" },
            cells: kinds.iter().map(|kind| cell(row, kind)).collect(),
        })
        .collect();
    let described = serde_json::json!({
        "experiment": "sharing", "arms": arms, "n_workers": n, "rounds": settings.rounds, "seed": settings.seed,
        "reads": reads, "repeats": repeats,
        "versions": arms.iter().map(|arm| crate::host::version(&arm.command)).collect::<Vec<_>>(),
    });
    let mut recorder = Recorder::open("sharing", common.out.as_deref(), settings.seed, &described)?;
    let results = Results::default();
    let reader = |subject: &Subject, _: &Cell, finished: &Finished| read(subject, finished, &results);
    let runs = runner::run(&subjects, settings, &reader, &mut recorder)?;
    recorder.close("done")?;
    report::opening(&recorder, settings);
    let samples = Samples::new(&runs, settings.seed);
    println!(
        "ns per read of one thread (median), with 1 thread and with {n} at once, all of them strangers to what"
    );
    println!("they read");
    println!("{}", times(&rows, &arms, n, &samples).render());
    println!("Share of the ceiling, which is what {n} processes that share nothing reach at once");
    println!("{}", shares(&rows, &arms, n, &samples).render());
    println!("References counted in shared words, for each read, with {n} threads");
    println!("{}", counts(&rows, &counted, &runs).render());
    report::closing(&recorder, &runs, common);
    runner::verdict(&runs)
}

/// What the lines of a program with rows mean: `ns` and `checksum` of each repeat, and counts.
pub(super) fn read(subject: &Subject, finished: &Finished, results: &Results) -> Outcome {
    let mut outcome = Outcome::default();
    for fields in lines::reports(&finished.stdout) {
        if let (Some(ns), Some(checksum)) = (lines::number::<f64>(&fields, "ns"), fields.get("checksum")) {
            if let Some(fault) = results.differs(&subject.name, checksum) {
                outcome.fault = Some((Some(Status::Badsum), fault));
            }
            outcome.readings.push(Reading {
                wall_ns: ns,
                checksum: Some(checksum.clone()),
                ..Reading::default()
            });
        } else if fields.contains_key("shared") {
            outcome.counts =
                fields.iter().filter_map(|(key, value)| Some((key.clone(), value.parse().ok()?))).collect();
        }
    }
    if outcome.readings.is_empty() && finished.succeeded() {
        outcome.fault = Some((None, "no result reported".to_string()));
    }
    outcome
}

fn times(rows: &[&str], arms: &[Arm], n: usize, samples: &Samples) -> Table {
    let mut head = vec!["shared".to_string()];
    head.extend(arms.iter().flat_map(|arm| [1, n].map(|workers| format!("{} {workers}", arm.name))));
    let mut table = Table::new(head);
    for row in rows {
        let mut cells = vec![row.to_string()];
        for arm in arms {
            for workers in [1, n] {
                let ns = samples.median(row, &Key::measure(&arm.name, workers));
                cells.push(ns.map_or("–".to_string(), table::digits));
            }
        }
        table.row(cells);
    }
    table
}

fn shares(rows: &[&str], arms: &[Arm], n: usize, samples: &Samples) -> Table {
    let mut table =
        Table::new(std::iter::once("shared".to_string()).chain(arms.iter().map(|arm| arm.name.clone())));
    for row in rows {
        let mut cells = vec![row.to_string()];
        for arm in arms {
            let ceiling = Key { arm: arm.name.clone(), workers: n, role: Role::Ceiling };
            cells.push(table::share(samples.ratio(row, &ceiling, &Key::measure(&arm.name, n)).as_ref()));
        }
        table.row(cells);
    }
    table
}

fn counts(rows: &[&str], counted: &[Arm], runs: &[Run]) -> Table {
    let names = counted.iter().map(|arm| arm.name.trim_end_matches(COUNTED).to_string());
    let mut table = Table::new(std::iter::once("shared".to_string()).chain(names));
    for row in rows {
        let mut cells = vec![row.to_string()];
        for arm in counted {
            let of = |what: &str| -> u64 {
                let here = runs.iter().filter(|run| run.subject == *row && run.key.arm == arm.name);
                here.filter_map(|run| run.outcome.counts.get(what)).sum()
            };
            let reads = of("reads");
            let per_read = of("shared") as f64 / reads as f64;
            cells.push(if reads == 0 { "–".to_string() } else { format!("{per_read:.5}") });
        }
        table.row(cells);
    }
    table
}
