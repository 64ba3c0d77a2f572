//! `lab run loops`: what an interpreter does most, one loop at a time; `lab run ops`: the operations of the
//! built-in types, one at a time; `lab run memory`: objects of one kind, many at a time.

use super::{Results, report};
use crate::arms::{self, Arm};
use crate::cli::{Common, LoopsOptions, MemoryOptions, OpsOptions};
use crate::compare::Samples;
use crate::definition::{LOOP_NAMES, LOOPS, MEMORY, MEMORY_KINDS, OP_TYPES, OPS};
use crate::failure::Result;
use crate::lines;
use crate::process::{Finished, Launch};
use crate::record::{Recorder, Status};
use crate::runner::{self, Cell, Key, Outcome, Reading, Subject};
use crate::stats::Effect;
use crate::table::{self, Table};
use crate::workdir::Workdir;

/// The name of the arm with nothing to switch ([`arms::folded_typhon`]).
pub(super) const FOLDED: &str = "folded";

/// A program that measures what it is asked for by name.
struct Suite {
    /// Of the experiment.
    name: &'static str,
    program: &'static str,
    /// What it can be asked for, and what one of those is called.
    parts: &'static [&'static str],
    part: &'static str,
    /// The field of a report that holds the number, and what it is.
    field: &'static str,
    unit: &'static str,
}

/// Runs the loops in all arms and prints ns per iteration.
///
/// Errors: `Usage` for an unknown loop; `Runs` if a process failed.
pub fn run(options: &LoopsOptions) -> Result<()> {
    let suite = Suite {
        name: "loops",
        program: LOOPS,
        parts: LOOP_NAMES,
        part: "loop",
        field: "ns",
        unit: "ns per iteration",
    };
    measure(&suite, &options.common, &options.only)
}

/// Runs the operations of the types in all arms and prints ns per operation.
///
/// Errors: `Usage` for an unknown type; `Runs` if a process failed.
pub fn run_ops(options: &OpsOptions) -> Result<()> {
    let suite = Suite {
        name: "ops",
        program: OPS,
        parts: OP_TYPES,
        part: "type",
        field: "ns",
        unit: "ns per operation",
    };
    measure(&suite, &options.common, &options.only)
}

/// Makes the objects in all arms and prints resident bytes per object.
///
/// Errors: `Usage` for an unknown kind; `Runs` if a process failed.
pub fn run_memory(options: &MemoryOptions) -> Result<()> {
    let suite = Suite {
        name: "memory",
        program: MEMORY,
        parts: MEMORY_KINDS,
        part: "kind",
        field: "bytes",
        unit: "bytes per object",
    };
    measure(&suite, &options.common, &options.only)
}

fn measure(suite: &Suite, common: &Common, only: &[String]) -> Result<()> {
    let names = super::chosen(suite.parts, only, suite.part)?;
    let typhon = arms::typhon(common.typhon.as_deref())?;
    let mut arms = vec![Arm::typhon("free", &typhon, &["gil=0"]), Arm::typhon("gil", &typhon, &["gil=1"])];
    arms.extend(common.peers.iter().map(|peer| peer.arm()));
    let workdir = Workdir::new()?;
    let program = workdir.write(&format!("{}.py", suite.name), suite.program)?;
    let settings = super::settings(common, 3, 7);
    let (percent, repeats) = if common.quick { (20, 3) } else { (100, 4) };
    let subjects: Vec<Subject> = names
        .iter()
        .map(|name| Subject {
            name: name.to_string(),
            size: if common.quick { "quick" } else { "full" },
            cells: arms
                .iter()
                .map(|arm| {
                    let mut command = arm.command.clone();
                    command.extend([program.display().to_string(), name.to_string()]);
                    command.extend([percent.to_string(), repeats.to_string()]);
                    let launch =
                        Launch { command, env: arm.env.clone(), folder: workdir.path().to_path_buf() };
                    Cell { key: Key::measure(&arm.name, 1), launches: vec![launch] }
                })
                .collect(),
        })
        .collect();
    let described = serde_json::json!({
        "experiment": suite.name, "arms": arms, "rounds": settings.rounds, "seed": settings.seed,
        "percent": percent, "repeats": repeats, "unit": format!("{}, best of the repeats", suite.unit),
        "versions": arms.iter().map(|arm| crate::host::version(&arm.command)).collect::<Vec<_>>(),
    });
    let mut recorder = Recorder::open(suite.name, common.out.as_deref(), settings.seed, &described)?;
    let results = Results::default();
    let reader =
        |subject: &Subject, _: &Cell, finished: &Finished| read(suite.field, subject, finished, &results);
    let runs = runner::run(&subjects, settings, &reader, &mut recorder)?;
    recorder.close("done")?;
    report::opening(&recorder, settings);
    let unit = suite.unit;
    println!("{unit} (median of each process's best), and the ratio of Typhon's to the peer's");
    let samples = Samples::new(&runs, settings.seed);
    // A part may have reported several things, in its own order. One that ran nowhere keeps its row.
    let mut rows = Vec::new();
    for name in names {
        let before = rows.len();
        let all = samples.subjects().iter().map(String::as_str);
        rows.extend(all.filter(|row| row.split('/').next() == Some(name)));
        if rows.len() == before {
            rows.push(name);
        }
    }
    println!("{}", per_program(&rows, &arms, &samples, table::digits).render());
    report::closing(&recorder, &runs, common);
    runner::verdict(&runs)
}

fn read(field: &str, subject: &Subject, finished: &Finished, results: &Results) -> Outcome {
    let mut outcome = Outcome::default();
    for fields in lines::reports(&finished.stdout) {
        let (Some(ns), Some(checksum)) = (lines::number::<f64>(&fields, field), fields.get("checksum"))
        else {
            continue;
        };
        let part = fields.get("op").map(|op| format!("{}/{op}", subject.name));
        let name = part.clone().unwrap_or_else(|| subject.name.clone());
        if let Some(fault) = results.differs(&name, checksum) {
            outcome.fault = Some((Some(Status::Badsum), fault));
        }
        outcome.readings.push(Reading {
            subject: part,
            wall_ns: ns,
            checksum: Some(checksum.clone()),
            ..Reading::default()
        });
    }
    if outcome.readings.is_empty() && finished.succeeded() {
        outcome.fault = Some((None, "no result reported".to_string()));
    }
    outcome
}

/// A row per program: the median in each arm, then for every arm but the first its ratio, and geometric means of the
/// ratios. The first arm is `free`, and the ratio is `free / arm`; what [`FOLDED`] is compared with is `gil`.
pub(super) fn per_program(names: &[&str], arms: &[Arm], samples: &Samples, show: fn(f64) -> String) -> Table {
    let above = |arm: &Arm| if arm.name == FOLDED { "gil" } else { &arms[0].name };
    let ratios: Vec<(&str, &str)> = arms[1..].iter().map(|arm| (above(arm), arm.name.as_str())).collect();
    let mut head = vec!["program".to_string()];
    head.extend(arms.iter().map(|arm| arm.name.clone()));
    head.extend(ratios.iter().map(|(above, below)| format!("{above} / {below}")));
    let mut table = Table::new(head);
    let mut all: Vec<Vec<Effect>> = vec![Vec::new(); ratios.len()];
    for name in names {
        let mut row = vec![name.to_string()];
        for arm in arms {
            row.push(samples.median(name, &Key::measure(&arm.name, 1)).map_or("–".to_string(), show));
        }
        for (column, (above, below)) in ratios.iter().enumerate() {
            let effect = samples.ratio(name, &Key::measure(above, 1), &Key::measure(below, 1));
            row.push(table::effect(effect.as_ref()));
            all[column].extend(effect);
        }
        table.row(row);
    }
    table.rule();
    let mut row = vec!["geometric mean".to_string()];
    row.extend(arms.iter().map(|_| String::new()));
    row.extend(all.iter().map(|effects| table::effect(Effect::geomean(effects).as_ref())));
    table.row(row);
    table
}
