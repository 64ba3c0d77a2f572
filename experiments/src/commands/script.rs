//! `lab run script`: the user's own program in every arm.

use super::report;
use crate::arms::{self, Arm};
use crate::cli::ScriptOptions;
use crate::compare::Samples;
use crate::failure::{Failure, Result};
use crate::process::{Ending, Finished, Launch};
use crate::record::{Recorder, Status};
use crate::runner::{self, Cell, Key, Outcome, Reading, Run, Subject};
use crate::stats;
use crate::table::{self, Table};
use std::cell::RefCell;

/// Runs the program in all arms; exit status and standard output must agree.
pub fn run(options: &ScriptOptions) -> Result<()> {
    let Some((file, arguments)) = options.program.split_first() else {
        return Err(Failure::Usage("name a program".to_string()));
    };
    let file = std::fs::canonicalize(file)
        .ok()
        .filter(|file| file.is_file())
        .ok_or_else(|| Failure::Usage(format!("{file}: no such file")))?;
    let typhon = arms::typhon(options.common.typhon.as_deref())?;
    let mut arms = vec![Arm::typhon("gil", &typhon, &["gil=1"]), Arm::typhon("free", &typhon, &["gil=0"])];
    arms.extend(options.common.peers.iter().map(|peer| peer.arm()));
    let settings = super::settings(&options.common, 3, 10);
    let folder = std::env::current_dir().map_err(crate::failure::while_doing("no current folder"))?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let cells = arms
        .iter()
        .map(|arm| {
            let mut command = arm.command.clone();
            command.push(file.display().to_string());
            command.extend(arguments.iter().cloned());
            let launch = Launch { command, env: arm.env.clone(), folder: folder.clone() };
            Cell { key: Key::measure(&arm.name, 1), launches: vec![launch] }
        })
        .collect();
    let subject = Subject { name: name.clone(), size: "", cells };
    let described = serde_json::json!({
        "experiment": "script", "file": file, "arguments": arguments, "arms": arms,
        "rounds": settings.rounds, "seed": settings.seed,
        "versions": arms.iter().map(|arm| crate::host::version(&arm.command)).collect::<Vec<_>>(),
    });
    let mut recorder = Recorder::open("script", options.common.out.as_deref(), settings.seed, &described)?;
    // What the first process printed and how it ended: all others are held against it.
    let first: RefCell<Option<(Ending, String, String)>> = RefCell::default();
    let reader =
        |_: &Subject, cell: &Cell, finished: &Finished| read(cell, finished, &mut first.borrow_mut());
    let runs = runner::run(&[subject], settings, &reader, &mut recorder)?;
    recorder.close("done")?;
    report::opening(&recorder, settings);
    println!("The whole process, medians; the ratio is of wall times");
    println!("{}", summary(&name, &arms, &runs, settings.seed).render());
    let output: Option<&str> = runs.first().map(|run| run.finished.stdout.as_str());
    if runs.iter().all(|run| Some(run.finished.stdout.as_str()) == output) {
        println!("All arms printed the same.");
    } else {
        println!("The arms printed different things.");
    }
    report::closing(&recorder, &runs, &options.common);
    runner::verdict(&runs)
}

fn read(cell: &Cell, finished: &Finished, first: &mut Option<(Ending, String, String)>) -> Outcome {
    let mut outcome = Outcome {
        readings: vec![Reading {
            wall_ns: finished.wall_ns as f64,
            cpu_ns: Some(finished.cpu_ns),
            checksum: Some(format!("{:016x}", crate::host::hash(&finished.stdout))),
            ..Reading::default()
        }],
        ..Outcome::default()
    };
    if !matches!(finished.ending, Ending::Code(_)) {
        return outcome;
    }
    let (ending, stdout, arm) =
        first.get_or_insert_with(|| (finished.ending, finished.stdout.clone(), cell.key.arm.clone()));
    outcome.fault = if *ending != finished.ending {
        let last = finished.stderr.lines().last().unwrap_or("").to_string();
        Some((
            Some(Status::Crash),
            format!("{:?}, but arm {arm} ended with {ending:?}: {last}", finished.ending),
        ))
    } else if *stdout != finished.stdout {
        let differs = stdout.lines().zip(finished.stdout.lines()).position(|(one, other)| one != other);
        let line = differs.unwrap_or_else(|| stdout.lines().count().min(finished.stdout.lines().count())) + 1;
        Some((Some(Status::Badsum), format!("its output differs from arm {arm}'s from line {line} on")))
    } else {
        // A program may end with any code, as long as it does so everywhere.
        Some((Some(Status::Ok), String::new()))
    };
    outcome
}

fn summary(name: &str, arms: &[Arm], runs: &[Run], seed: u64) -> Table {
    let samples = Samples::new(runs, seed);
    let mut table = Table::new(["arm", "wall", "processor", "cores busy", "memory", "exit", "ratio to gil"]);
    for arm in arms {
        let key = Key::measure(&arm.name, 1);
        let mine: Vec<&Run> = runs.iter().filter(|run| run.key == key).collect();
        let median = |value: &dyn Fn(&Run) -> f64| {
            stats::median(&mine.iter().map(|run| value(run)).collect::<Vec<_>>())
        };
        let wall = median(&|run| run.finished.wall_ns as f64);
        let cpu = median(&|run| run.finished.cpu_ns as f64);
        let memory = median(&|run| run.finished.max_rss_kib as f64);
        let ending = mine.last().map_or("–".to_string(), |run| match run.finished.ending {
            Ending::Code(code) => code.to_string(),
            Ending::Signal(signal) => format!("signal {signal}"),
            Ending::Timeout => "too slow".to_string(),
        });
        let ratio = samples.ratio(name, &key, &Key::measure("gil", 1));
        table.row(vec![
            arm.name.clone(),
            table::time(wall),
            table::time(cpu),
            table::digits(cpu / wall),
            format!("{} MiB", table::digits(memory / 1024.0)),
            ending,
            if arm.name == "gil" { "1".to_string() } else { table::effect(ratio.as_ref()) },
        ]);
    }
    table
}
