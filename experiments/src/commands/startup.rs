//! `lab run startup`: how long a process takes that does next to nothing.

use super::loops::per_program;
use super::report;
use crate::arms::{self, Arm};
use crate::cli::StartupOptions;
use crate::compare::Samples;
use crate::failure::Result;
use crate::process::{Finished, Launch};
use crate::record::Recorder;
use crate::runner::{self, Cell, Key, Outcome, Reading, Subject};
use crate::table;
use crate::workdir::Workdir;

/// What the processes are given to do, and what it is called.
const TASKS: &[(&str, &str)] = &[
    ("pass", "pass"),
    ("script", "import argparse, json, os, re, sys"),
    ("threads", "import threading; t = threading.Thread(target=int); t.start(); t.join()"),
    ("asyncio", "import asyncio; asyncio.run(asyncio.sleep(0))"),
];

/// Runs the tasks in all arms and prints the time of the whole process.
///
/// Errors: `Runs` if a process failed.
pub fn run(options: &StartupOptions) -> Result<()> {
    let common = &options.common;
    let typhon = arms::typhon(common.typhon.as_deref())?;
    let mut arms = vec![Arm::typhon("free", &typhon, &["gil=0"]), Arm::typhon("gil", &typhon, &["gil=1"])];
    arms.extend(common.peers.iter().map(|peer| peer.arm()));
    let workdir = Workdir::new()?;
    let settings = super::settings(common, 5, 60);
    let subjects: Vec<Subject> = TASKS
        .iter()
        .map(|(name, source)| Subject {
            name: name.to_string(),
            size: "full",
            cells: arms
                .iter()
                .map(|arm| {
                    let mut command = arm.command.clone();
                    command.extend(["-c".to_string(), source.to_string()]);
                    let launch =
                        Launch { command, env: arm.env.clone(), folder: workdir.path().to_path_buf() };
                    Cell { key: Key::measure(&arm.name, 1), launches: vec![launch] }
                })
                .collect(),
        })
        .collect();
    let described = serde_json::json!({
        "experiment": "startup", "arms": arms, "rounds": settings.rounds, "seed": settings.seed,
        "tasks": TASKS, "unit": "ns, from before the process is started until it has ended",
        "versions": arms.iter().map(|arm| crate::host::version(&arm.command)).collect::<Vec<_>>(),
    });
    let mut recorder = Recorder::open("startup", common.out.as_deref(), settings.seed, &described)?;
    let runs = runner::run(&subjects, settings, &read, &mut recorder)?;
    recorder.close("done")?;
    report::opening(&recorder, settings);
    println!("Time of the whole process (median), and the ratio of times");
    let names: Vec<&str> = TASKS.iter().map(|(name, _)| *name).collect();
    let samples = Samples::new(&runs, settings.seed);
    println!("{}", per_program(&names, &arms, &samples, table::time).render());
    println!("\nLargest resident memory of a process, MiB (median), and the ratio of memory");
    let memory = Samples::memory(&runs, settings.seed);
    println!("{}", per_program(&names, &arms, &memory, table::digits).render());
    report::closing(&recorder, &runs, common);
    runner::verdict(&runs)
}

fn read(_: &Subject, _: &Cell, finished: &Finished) -> Outcome {
    let reading = Reading { wall_ns: finished.wall_ns as f64, ..Reading::default() };
    Outcome { readings: vec![reading], ..Outcome::default() }
}
