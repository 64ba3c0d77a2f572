//! `lab run threads`: the table GIL / no GIL / processes.

use super::report;
use crate::arms::{self, Arm, Workers};
use crate::cli::{StartMethod, ThreadsOptions};
use crate::compare::Samples;
use crate::definition::{self, DRIVER, Size, Workload};
use crate::failure::{Failure, Result};
use crate::lines;
use crate::process::{Finished, Launch};
use crate::record::{Recorder, Status};
use crate::runner::{self, Cell, Key, Outcome, Reading, Role, Run, Subject};
use crate::stats::{self, Effect};
use crate::table::{self, Table};
use crate::workdir::Workdir;
use std::path::Path;

/// Everything that decides how one workload is run.
pub(crate) struct Cast {
    /// All arms, Typhon's first.
    pub arms: Vec<Arm>,
    /// N.
    pub n_workers: usize,
    /// Untimed iterations at the start of a process.
    pub n_warmups: usize,
    /// Timed iterations of a process.
    pub n_iterations: usize,
    /// How much work an iteration is.
    pub size: Size,
    /// Of the process arm.
    pub start_method: StartMethod,
    /// The arm whose body measures the machine's ceiling and the noise floor.
    pub base: &'static str,
}

/// The arms of Typhon at `typhon`, and the peers.
pub(crate) fn cast(typhon: &Path, options: &ThreadsOptions, n_workers: usize) -> Result<Cast> {
    let gil = Arm::typhon("gil", typhon, &["gil=1"]);
    let mut arms = vec![
        gil.clone(),
        Arm::typhon("free", typhon, &["gil=0"]),
        // People who use processes today run them with a GIL.
        gil.with_processes("processes"),
    ];
    for peer in &options.common.peers {
        if arms.iter().any(|arm| arm.name == peer.name) {
            return Err(Failure::Usage(format!("--peer: there are two arms called {}", peer.name)));
        }
        arms.push(peer.arm());
    }
    let quick = options.common.quick;
    Ok(Cast {
        arms,
        n_workers,
        n_warmups: 1,
        n_iterations: if quick { 2 } else { 4 },
        size: if quick { Size::Quick } else { Size::Full },
        start_method: options.start_method,
        base: "free",
    })
}

/// N where the user gave none: this machine's processors, but at least 2 and at most 8.
pub(super) fn default_workers() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8)
}

/// N of these options.
pub(super) fn n_workers(options: &ThreadsOptions) -> usize {
    options.threads.map_or_else(default_workers, usize::from)
}

impl Cast {
    /// The process that runs `workload` in `arm`; `hold` makes it wait for a line before it begins.
    pub(super) fn launch(
        &self,
        workload: &Workload,
        arm: &Arm,
        workers: usize,
        hold: bool,
        folder: &Path,
    ) -> Launch {
        let mut command = arm.command.clone();
        command.push(folder.join("driver.py").display().to_string());
        command.push(workload.name.clone());
        command
            .push(format!("arm={}", if arm.workers == Workers::Threads { "threads" } else { "processes" }));
        command.push(format!("workers={workers}"));
        command.push(format!("warmups={}", self.n_warmups));
        command.push(format!("iterations={}", self.n_iterations));
        if arm.workers == Workers::Processes {
            command.push(format!("start_method={}", self.start_method.name()));
        }
        if hold {
            command.push("hold=1".to_string());
        }
        for (name, value) in &workload.scale(self.size).parameters {
            command.push(format!("{name}={value}"));
        }
        Launch { command, env: arm.env.clone(), folder: folder.to_path_buf() }
    }
}

/// One workload in all arms at 1 and N workers, with the twin and the ceiling.
pub(crate) fn subject(workload: &Workload, cast: &Cast, folder: &Path) -> Subject {
    let mut cells = Vec::new();
    for arm in &cast.arms {
        for workers in [1, cast.n_workers] {
            cells.push(Cell {
                key: Key::measure(&arm.name, workers),
                launches: vec![cast.launch(workload, arm, workers, false, folder)],
            });
        }
    }
    if let Some(base) = cast.arms.iter().find(|arm| arm.name == cast.base) {
        cells.push(Cell {
            key: Key { arm: base.name.clone(), workers: 1, role: Role::Again },
            launches: vec![cast.launch(workload, base, 1, false, folder)],
        });
        cells.push(Cell {
            key: Key { arm: base.name.clone(), workers: cast.n_workers, role: Role::Ceiling },
            launches: vec![cast.launch(workload, base, 1, true, folder); cast.n_workers],
        });
    }
    Subject { name: workload.name.clone(), size: cast.size.name(), cells }
}

/// What the driver's lines mean: every timed iteration must be there with the declared checksum.
pub(crate) fn read(workload: &Workload, cast: &Cast, cell: &Cell, finished: &Finished) -> Outcome {
    let expected = workload.scale(cast.size).checksum.to_string();
    let mut outcome = Outcome::default();
    for fields in lines::reports(&finished.stdout) {
        let warmup = fields.contains_key("warmup");
        if warmup || fields.contains_key("iteration") {
            let Some(wall_ns) = lines::number::<f64>(&fields, "wall_ns").filter(|ns| *ns > 0.0) else {
                continue;
            };
            let checksum = fields.get("checksum").cloned();
            if checksum.as_deref() != Some(expected.as_str()) {
                let got = checksum.as_deref().unwrap_or("no checksum");
                outcome.fault = Some((Some(Status::Badsum), format!("checksum {got}, expected {expected}")));
            }
            outcome.readings.push(Reading {
                subject: None,
                warmup,
                wall_ns,
                // The processor time of other processes is not in it.
                cpu_ns: lines::number(&fields, "cpu_ns").filter(|_| cell.key.arm != "processes"),
                checksum,
            });
        } else if let Some(gil) = fields.get("gil") {
            let wrong = match cell.key.arm.as_str() {
                "free" => gil == "1",
                "gil" | "processes" => gil == "0",
                _ => false,
            };
            if wrong {
                outcome.taint.push("wrong_mode");
            }
        } else if fields.contains_key("local") || fields.contains_key("shared") {
            outcome.counts =
                fields.iter().filter_map(|(key, value)| Some((key.clone(), value.parse().ok()?))).collect();
        }
    }
    let n_expected = cast.n_warmups + cast.n_iterations;
    if outcome.fault.is_none() && outcome.readings.len() != n_expected && finished.succeeded() {
        let text = format!("{} iterations reported, {n_expected} expected", outcome.readings.len());
        outcome.fault = Some((None, text));
    }
    outcome
}

/// Writes driver and workloads into the folder.
pub(super) fn lay_out(workdir: &Workdir, workloads: &[Workload]) -> Result<()> {
    workdir.write("driver.py", DRIVER)?;
    for workload in workloads {
        workdir.write(&workload.module(), &workload.source)?;
    }
    Ok(())
}

/// The whole experiment.
pub fn run(options: &ThreadsOptions) -> Result<()> {
    let workloads = definition::selected(&options.only)?;
    let n_workers = n_workers(options);
    let typhon = arms::typhon(options.common.typhon.as_deref())?;
    let cast = cast(&typhon, options, n_workers)?;
    let workdir = Workdir::new()?;
    lay_out(&workdir, &workloads)?;
    let subjects: Vec<Subject> = workloads.iter().map(|w| subject(w, &cast, workdir.path())).collect();
    let settings = super::settings(&options.common, 5, 15);
    let described = serde_json::json!({
        "experiment": "threads", "arms": cast.arms, "n_workers": n_workers, "size": cast.size.name(),
        "rounds": settings.rounds, "seed": settings.seed, "warmups": cast.n_warmups,
        "iterations": cast.n_iterations, "start_method": cast.start_method.name(),
        "versions": cast.arms.iter().map(|arm| crate::host::version(&arm.command)).collect::<Vec<_>>(),
        "workloads": workloads.iter().map(|w| (w.name.clone(), w.scale(cast.size).parameters.clone())).collect::<Vec<_>>(),
    });
    let mut recorder = Recorder::open("threads", options.common.out.as_deref(), settings.seed, &described)?;
    let reader = |subject: &Subject, cell: &Cell, finished: &Finished| match workloads
        .iter()
        .find(|workload| workload.name == subject.name)
    {
        Some(workload) => read(workload, &cast, cell, finished),
        None => Outcome::default(),
    };
    let runs = runner::run(&subjects, settings, &reader, &mut recorder)?;
    recorder.close("done")?;
    report::opening(&recorder, settings);
    let names: Vec<&str> = workloads.iter().map(|workload| workload.name.as_str()).collect();
    print_tables(&names, &cast, &runs, settings.seed);
    report::closing(&recorder, &runs, &options.common);
    runner::verdict(&runs)
}

fn print_tables(names: &[&str], cast: &Cast, runs: &[Run], seed: u64) {
    let samples = Samples::new(runs, seed);
    let n = cast.n_workers;
    println!("Time of one iteration (median)");
    println!("{}", times(names, cast, &samples).render());
    println!("Speed-up with {n} workers over 1, in the same arm, beside the machine's ceiling:");
    println!(
        "what {n} independent processes with the same body reach at once. `of ceiling` is for arm free."
    );
    println!("{}", speedups(names, cast, &samples).render());
    println!("Ratios of times: above 1, the arm named first is slower");
    println!("{}", ratios(names, cast, &samples).render());
    let twin = Key { arm: cast.base.to_string(), workers: 1, role: Role::Again };
    let same: Vec<Effect> =
        names.iter().filter_map(|name| samples.ratio(name, &twin, &Key::measure(cast.base, 1))).collect();
    if let Some(floor) = stats::noise_floor(&same) {
        let percent = (floor - 1.0) * 100.0;
        println!("Noise floor: two identical arms differ by up to {percent:.1} % in the geometric mean.");
    }
}

fn times(names: &[&str], cast: &Cast, samples: &Samples) -> Table {
    let mut head = vec!["workload".to_string()];
    for arm in &cast.arms {
        let suffix = if arm.workers == Workers::Processes {
            format!(" ({})", cast.start_method.name())
        } else {
            String::new()
        };
        head.push(format!("{}{suffix} 1", arm.name));
        head.push(format!("{}{suffix} {}", arm.name, cast.n_workers));
    }
    let mut table = Table::new(head);
    for name in names {
        let mut row = vec![name.to_string()];
        for arm in &cast.arms {
            for workers in [1, cast.n_workers] {
                let ns = samples.median(name, &Key::measure(&arm.name, workers));
                row.push(table::time(ns.unwrap_or(f64::NAN)));
            }
        }
        table.row(row);
    }
    table
}

/// Adds one row per workload and the geometric means; `columns` gives each workload's effects.
fn fill(table: &mut Table, names: &[&str], columns: impl Fn(&str) -> Vec<Option<Effect>>, shares: &[usize]) {
    let mut all: Vec<Vec<Effect>> = Vec::new();
    let show = |column: usize, effect: Option<&Effect>| {
        if shares.contains(&column) { table::share(effect) } else { table::effect(effect) }
    };
    for name in names {
        let effects = columns(name);
        all.resize(effects.len(), Vec::new());
        let mut row = vec![name.to_string()];
        for (column, effect) in effects.into_iter().enumerate() {
            row.push(show(column, effect.as_ref()));
            all[column].extend(effect);
        }
        table.row(row);
    }
    table.rule();
    let mut row = vec!["geometric mean".to_string()];
    for (column, effects) in all.iter().enumerate() {
        row.push(show(column, Effect::geomean(effects).as_ref()));
    }
    table.row(row);
}

fn speedups(names: &[&str], cast: &Cast, samples: &Samples) -> Table {
    let n = cast.n_workers;
    let mut head = vec!["workload".to_string()];
    head.extend(cast.arms.iter().map(|arm| arm.name.clone()));
    head.push("ceiling".to_string());
    head.push("of ceiling".to_string());
    let mut table = Table::new(head);
    let ceiling = Key { arm: cast.base.to_string(), workers: n, role: Role::Ceiling };
    let columns = |name: &str| {
        let mut effects: Vec<Option<Effect>> = cast
            .arms
            .iter()
            .map(|arm| samples.ratio(name, &Key::measure(&arm.name, 1), &Key::measure(&arm.name, n)))
            .collect();
        // Each of the n processes does the whole work, so together n times as much.
        let base = Key::measure(cast.base, 1);
        effects.push(samples.ratio(name, &base, &ceiling).map(|effect| effect.scaled(n as f64)));
        let share = samples.ratio(name, &ceiling, &Key::measure(cast.base, n));
        effects.push(share.map(|effect| effect.scaled(1.0 / n as f64)));
        effects
    };
    fill(&mut table, names, columns, &[cast.arms.len() + 1]);
    table
}

fn ratios(names: &[&str], cast: &Cast, samples: &Samples) -> Table {
    let n = cast.n_workers;
    let mut pairs = vec![
        (format!("free / gil, {}", workers(1)), Key::measure("free", 1), Key::measure("gil", 1)),
        (format!("free / gil, {}", workers(n)), Key::measure("free", n), Key::measure("gil", n)),
        (format!("free / processes, {}", workers(n)), Key::measure("free", n), Key::measure("processes", n)),
    ];
    for peer in cast.arms.iter().filter(|arm| !["gil", "free", "processes"].contains(&arm.name.as_str())) {
        for workers_here in [1, n] {
            let title = format!("free / {}, {}", peer.name, workers(workers_here));
            pairs.push((title, Key::measure("free", workers_here), Key::measure(&peer.name, workers_here)));
        }
    }
    let mut table =
        Table::new(std::iter::once("workload".to_string()).chain(pairs.iter().map(|pair| pair.0.clone())));
    let columns = |name: &str| {
        pairs.iter().map(|(_, above, below)| samples.ratio(name, above, below)).collect::<Vec<_>>()
    };
    fill(&mut table, names, columns, &[]);
    table
}

fn workers(n: usize) -> String {
    if n == 1 { "1 worker".to_string() } else { format!("{n} workers") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Ending;

    fn example() -> (Workload, Cast) {
        let workload = definition::selected(&["compute".into()]).unwrap_or_default().remove(0);
        let cast = Cast {
            arms: vec![
                Arm::typhon("gil", Path::new("/t"), &["gil=1"]),
                Arm::typhon("free", Path::new("/t"), &["gil=0"]),
                Arm::typhon("gil", Path::new("/t"), &["gil=1"]).with_processes("processes"),
            ],
            n_workers: 4,
            n_warmups: 1,
            n_iterations: 1,
            size: Size::Quick,
            start_method: StartMethod::Spawn,
            base: "free",
        };
        (workload, cast)
    }

    #[test]
    fn every_arm_runs_with_one_and_with_n_workers() {
        let (workload, cast) = example();
        let subject = subject(&workload, &cast, Path::new("/dir"));
        assert_eq!(subject.cells.len(), 3 * 2 + 2);
        let processes =
            subject.cells.iter().find(|cell| cell.key == Key::measure("processes", 4)).expect("there");
        let command = processes.launches[0].command.join(" ");
        assert!(
            command.starts_with("/t -X gil=1 /dir/driver.py compute arm=processes workers=4"),
            "{command}"
        );
        assert!(command.contains("start_method=spawn"), "{command}");
        let ceiling = subject.cells.iter().find(|cell| cell.key.role == Role::Ceiling).expect("there");
        assert_eq!(ceiling.launches.len(), 4);
        assert!(ceiling.launches[0].command.contains(&"workers=1".to_string()));
    }

    #[test]
    fn a_wrong_checksum_is_a_failure() {
        let (workload, cast) = example();
        let cell = &subject(&workload, &cast, Path::new("/dir")).cells[0];
        let right = workload.head.quick.checksum;
        let text = |sum: u64| {
            format!(
                "lab warmup=0 wall_ns=9 checksum={right}\nlab iteration=1 wall_ns=8 cpu_ns=7 checksum={sum}\n"
            )
        };
        let good = read(&workload, &cast, cell, &Finished::at_once(text(right), Ending::Code(0)));
        assert!(good.fault.is_none() && good.readings.len() == 2 && good.readings[0].warmup);
        let bad = read(&workload, &cast, cell, &Finished::at_once(text(right + 1), Ending::Code(0)));
        assert_eq!(bad.fault.map(|fault| fault.0), Some(Some(Status::Badsum)));
    }

    #[test]
    fn missing_iterations_are_a_failure() {
        let (workload, cast) = example();
        let cell = &subject(&workload, &cast, Path::new("/dir")).cells[0];
        let silent = read(&workload, &cast, cell, &Finished::at_once("hello\n".into(), Ending::Code(0)));
        assert!(silent.fault.is_some());
    }

    #[test]
    fn the_wrong_mode_taints() {
        let (workload, cast) = example();
        let cells = subject(&workload, &cast, Path::new("/dir")).cells;
        let free = cells.iter().find(|cell| cell.key.arm == "free").expect("there");
        let outcome = read(&workload, &cast, free, &Finished::at_once("lab gil=1\n".into(), Ending::Code(0)));
        assert_eq!(outcome.taint, ["wrong_mode"]);
    }
}
