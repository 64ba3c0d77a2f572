//! `lab run leaks`: exact numbers of objects and references at exit, after few and after many iterations.
//!
//! A program that leaks nothing ends with the same objects however often it did its work. Modules,
//! classes and caches live to the end; they are the same after the second iteration as after the sixth.
//! Errors: at least one object or reference more for each further iteration.

use super::report;
use super::threads::{self, Cast};
use crate::arms::{self, Arm};
use crate::cli::{StartMethod, ThreadsOptions};
use crate::definition::{self, Size, Workload};
use crate::failure::{Failure, Result};
use crate::process::Finished;
use crate::record::Recorder;
use crate::runner::{self, Cell, Key, Outcome, Run, Subject};
use crate::table::Table;
use crate::workdir::Workdir;

/// Iterations of the short and of the long process.
const ITERATIONS: [usize; 2] = [2, 6];

/// What every iteration leaks is there as often as it ran. Smaller differences are shown, but are no verdict: once in
/// more than a thousand processes one object less was left, for a reason that was not found.
const LEAST_LEAK: i64 = (ITERATIONS[1] - ITERATIONS[0]) as i64;

/// What `-X showrefcount` prints at the end: mortal objects and references to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Left {
    references: i64,
    objects: i64,
}

impl Left {
    fn parse(stderr: &str) -> Option<Left> {
        let line = stderr.lines().rev().find(|line| line.starts_with('['))?;
        let (references, objects) =
            line.strip_prefix('[')?.strip_suffix(" blocks]")?.split_once(" refs, ")?;
        Some(Left { references: references.parse().ok()?, objects: objects.parse().ok()? })
    }
}

/// A mode, in a process of so many iterations.
fn arm_name(mode: &str, n_iterations: usize) -> String {
    format!("{mode} after {n_iterations}")
}

/// Runs every workload in both modes and compares what is left.
///
/// Errors: `Runs` if a process failed or anything leaked.
pub fn run(options: &ThreadsOptions) -> Result<()> {
    if !options.common.peers.is_empty() {
        return Err(Failure::Usage("--peer: only typhon says how many objects are left".to_string()));
    }
    let workloads = definition::selected(&options.only)?;
    let n_workers = threads::n_workers(options);
    let typhon = arms::typhon(options.common.typhon.as_deref())?;
    let modes = [("gil", "gil=1"), ("free", "gil=0")];
    let casts: Vec<Cast> = ITERATIONS
        .iter()
        .map(|&n_iterations| Cast {
            arms: modes
                .iter()
                .map(|(mode, option)| {
                    Arm::typhon(&arm_name(mode, n_iterations), &typhon, &[option, "showrefcount"])
                })
                .collect(),
            n_workers,
            n_warmups: 0,
            n_iterations,
            size: if options.common.quick { Size::Quick } else { Size::Full },
            start_method: StartMethod::Fork,
            base: "",
        })
        .collect();
    let workdir = Workdir::new()?;
    threads::lay_out(&workdir, &workloads)?;
    let subjects: Vec<Subject> = workloads
        .iter()
        .map(|workload| Subject {
            name: workload.name.clone(),
            size: casts[0].size.name(),
            cells: casts
                .iter()
                .flat_map(|cast| cast.arms.iter().map(move |arm| (cast, arm)))
                .map(|(cast, arm)| Cell {
                    key: Key::measure(&arm.name, n_workers),
                    launches: vec![cast.launch(workload, arm, n_workers, false, workdir.path())],
                })
                .collect(),
        })
        .collect();
    let settings = super::settings(&options.common, 1, 3);
    let described = serde_json::json!({
        "experiment": "leaks", "arms": casts.iter().flat_map(|cast| &cast.arms).collect::<Vec<_>>(),
        "n_workers": n_workers, "size": casts[0].size.name(), "rounds": settings.rounds, "seed": settings.seed,
        "iterations": ITERATIONS,
    });
    let mut recorder = Recorder::open("leaks", options.common.out.as_deref(), settings.seed, &described)?;
    let reader = |subject: &Subject, cell: &Cell, finished: &Finished| {
        read(&workloads, &casts, subject, cell, finished)
    };
    let runs = runner::run(&subjects, settings, &reader, &mut recorder)?;
    recorder.close("done")?;
    report::opening(&recorder, settings);
    println!("Objects at exit, without immortal ones, after the last collection; {n_workers} workers");
    let (table, n_leaks) = compare(&workloads, &modes.map(|(mode, _)| mode), n_workers, &runs);
    println!("{}", table.render());
    report::closing(&recorder, &runs, &options.common);
    runner::verdict(&runs)?;
    if n_leaks > 0 {
        return Err(Failure::Runs(format!("{n_leaks} workloads leak")));
    }
    Ok(())
}

fn read(
    workloads: &[Workload],
    casts: &[Cast],
    subject: &Subject,
    cell: &Cell,
    finished: &Finished,
) -> Outcome {
    let workload = workloads.iter().find(|workload| workload.name == subject.name);
    let cast = casts.iter().find(|cast| cast.arms.iter().any(|arm| arm.name == cell.key.arm));
    let (Some(workload), Some(cast)) = (workload, cast) else { return Outcome::default() };
    let mut outcome = threads::read(workload, cast, cell, finished);
    outcome.taint.clear();
    if outcome.fault.is_none() && finished.succeeded() && Left::parse(&finished.stderr).is_none() {
        outcome.fault = Some((None, "did not say what is left at exit".to_string()));
    }
    outcome
}

/// A row per workload and mode, and how many of the rows show a leak.
fn compare(workloads: &[Workload], modes: &[&str], n_workers: usize, runs: &[Run]) -> (Table, usize) {
    let [short, long] = ITERATIONS;
    let mut table = Table::new([
        "workload".to_string(),
        "mode".to_string(),
        format!("after {short}"),
        format!("after {long}"),
        "objects leaked".to_string(),
        "references leaked".to_string(),
    ]);
    let mut n_leaks = 0;
    for workload in workloads {
        for mode in modes {
            let left = |n_iterations: usize| -> Vec<Left> {
                let key = Key::measure(&arm_name(mode, n_iterations), n_workers);
                let mine = runs.iter().filter(|run| run.subject == workload.name && run.key == key);
                mine.filter_map(|run| Left::parse(&run.finished.stderr)).collect()
            };
            // The largest of the long against the smallest of the short: a difference in any round shows.
            let before = left(short).into_iter().min_by_key(|left| (left.objects, left.references));
            let after = left(long).into_iter().max_by_key(|left| (left.objects, left.references));
            let (Some(before), Some(after)) = (before, after) else { continue };
            let (objects, references) =
                (after.objects - before.objects, after.references - before.references);
            n_leaks += usize::from(objects.max(references) >= LEAST_LEAK);
            table.row(vec![
                workload.name.clone(),
                (*mode).to_string(),
                before.objects.to_string(),
                after.objects.to_string(),
                objects.to_string(),
                references.to_string(),
            ]);
        }
    }
    (table, n_leaks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_last_line_that_counts() {
        let left = Left::parse("warning\n[12062 refs, 10693 blocks]\n");
        assert_eq!(left, Some(Left { references: 12062, objects: 10693 }));
        assert_eq!(Left::parse("[refs]"), None);
        assert_eq!(Left::parse(""), None);
    }
}
