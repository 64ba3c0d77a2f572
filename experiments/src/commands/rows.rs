//! Programs that are lists of rows, each a body that several threads run at once (`workloads/rows.py`): what `sharing`,
//! `scaling` and the step of papers with collections have in common.

use super::{Results, report, threads};
use crate::arms::{self, Arm};
use crate::cli::RowsOptions;
use crate::compare::Samples;
use crate::failure::Result;
use crate::lines;
use crate::process::{Finished, Launch};
use crate::record::{Recorder, Status};
use crate::runner::{self, Cell, Key, Outcome, Reading, Role, Run, Settings, Subject};
use crate::table::{self, Table};
use std::path::PathBuf;

/// Behind the name of an arm: the same, with the counts counted. Its times mean nothing.
const COUNTED: &str = " counted";

/// A program with rows, and how much of it to run.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub path: PathBuf,
    /// Operations of each worker.
    pub ops: u32,
    /// How often, after one time that is not reported.
    pub repeats: u32,
    pub quick: bool,
}

impl Program {
    /// One row in one arm, which counts if its name says so: a process with `workers` threads; for a ceiling as many
    /// processes with one thread each.
    pub(super) fn cell(&self, row: &str, arm: &Arm, role: Role, workers: usize) -> Cell {
        let n_processes = if role == Role::Ceiling { workers } else { 1 };
        let mut command = arm.command.clone();
        command.extend([self.path.display().to_string(), row.to_string()]);
        command.push(format!("workers={}", workers / n_processes));
        command.extend([format!("ops={}", self.ops), format!("repeats={}", self.repeats)]);
        command.extend((role == Role::Ceiling).then(|| "hold=1".to_string()));
        command.extend(arm.name.ends_with(COUNTED).then(|| "count=1".to_string()));
        let folder = self.path.parent().map(PathBuf::from).unwrap_or_default();
        let launch = Launch { command, env: arm.env.clone(), folder };
        Cell { key: Key { arm: arm.name.clone(), workers, role }, launches: vec![launch; n_processes] }
    }

    /// One row in all its cells.
    pub(super) fn subject(&self, row: &str, cells: Vec<Cell>) -> Subject {
        Subject { name: row.to_string(), size: if self.quick { "quick" } else { "full" }, cells }
    }
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

/// Everybody who runs the rows: Typhon without a GIL, by way of counting, with one, and the peers.
pub(super) struct Field {
    /// What a row is called in the tables.
    pub title: &'static str,
    /// All that are timed.
    pub arms: Vec<Arm>,
    /// Those that differ in what they count, counting that.
    pub counted: Vec<Arm>,
    /// How many threads there are at once.
    pub n: usize,
}

impl Field {
    /// Builds the interpreter first, if none was given.
    ///
    /// Errors: see [`arms::typhon`].
    pub(super) fn new(title: &'static str, options: &RowsOptions) -> Result<Field> {
        let common = &options.common;
        let typhon = arms::typhon(common.typhon.as_deref())?;
        let mut arms: Vec<Arm> = ["biased", "atomic", "deferred"]
            .iter()
            .map(|name| Arm::typhon(name, &typhon, &["gil=0", &format!("refcount={name}")]))
            .collect();
        let counted = arms
            .iter()
            .map(|arm| {
                let mut command = arm.command.clone();
                command.extend(["-X".to_string(), "sync-stats=/dev/null".to_string()]);
                Arm::new(&format!("{}{COUNTED}", arm.name), command)
            })
            .collect();
        arms.push(Arm::typhon("gil", &typhon, &["gil=1"]));
        arms.extend(common.peers.iter().map(|peer| peer.arm()));
        let n = options.threads.map_or_else(threads::default_workers, usize::from);
        Ok(Field { title, arms, counted, n })
    }

    /// A row with one thread, with n, as n processes that share nothing, and with n whose counts are counted.
    pub(super) fn scaled(&self, program: &Program, row: &str) -> Subject {
        let mut cells = Vec::new();
        for arm in &self.arms {
            cells.extend([1, self.n].map(|workers| program.cell(row, arm, Role::Measure, workers)));
            cells.push(program.cell(row, arm, Role::Ceiling, self.n));
        }
        cells.extend(self.counted.iter().map(|arm| program.cell(row, arm, Role::Measure, self.n)));
        program.subject(row, cells)
    }

    /// A row with n threads.
    pub(super) fn at_once(&self, program: &Program, row: &str) -> Subject {
        let cells = self.arms.iter().map(|arm| program.cell(row, arm, Role::Measure, self.n));
        program.subject(row, cells.collect())
    }

    /// Runs the experiment `name` and reports it; `tables` prints what was found.
    ///
    /// Errors: `Runs` if a process failed or gave another result than one of another arm.
    pub(super) fn measure(
        &self,
        name: &str,
        options: &RowsOptions,
        settings: Settings,
        program: &Program,
        subjects: &[Subject],
        tables: impl FnOnce(&Samples, &[Run]),
    ) -> Result<()> {
        let common = &options.common;
        let described = serde_json::json!({
            "experiment": name, "arms": self.arms, "n_workers": self.n, "rounds": settings.rounds,
            "seed": settings.seed, "ops": program.ops, "repeats": program.repeats,
            "versions": self.arms.iter().map(|arm| crate::host::version(&arm.command)).collect::<Vec<_>>(),
        });
        let mut recorder = Recorder::open(name, common.out.as_deref(), settings.seed, &described)?;
        let results = Results::default();
        let reader = |subject: &Subject, _: &Cell, finished: &Finished| read(subject, finished, &results);
        let runs = runner::run(subjects, settings, &reader, &mut recorder)?;
        recorder.close("done")?;
        report::opening(&recorder, settings);
        tables(&Samples::new(&runs, settings.seed), &runs);
        report::closing(&recorder, &runs, common);
        runner::verdict(&runs)
    }

    /// A column per arm and number of threads.
    pub(super) fn times(&self, rows: &[&str], samples: &Samples) -> Table {
        let both = |arm: &Arm| [1, self.n].map(|workers| Key::measure(&arm.name, workers));
        let keys: Vec<Key> = self.arms.iter().flat_map(both).collect();
        let heads = keys.iter().map(|key| format!("{} {}", key.arm, key.workers)).collect();
        self.table(rows, heads, |row, at| {
            samples.median(row, &keys[at]).map_or("–".to_string(), table::digits)
        })
    }

    /// How much of what n processes that share nothing reach, n threads reach.
    pub(super) fn shares(&self, rows: &[&str], samples: &Samples) -> Table {
        self.table(rows, names(&self.arms), |row, at| {
            let arm = &self.arms[at].name;
            let ceiling = Key { arm: arm.clone(), workers: self.n, role: Role::Ceiling };
            table::share(samples.ratio(row, &ceiling, &Key::measure(arm, self.n)).as_ref())
        })
    }

    /// What n threads do in the time in which one does 1.
    pub(super) fn speedups(&self, rows: &[&str], samples: &Samples) -> Table {
        self.table(rows, names(&self.arms), |row, at| {
            let [one, all] = [1, self.n].map(|workers| Key::measure(&self.arms[at].name, workers));
            // Each thread does as much as one alone.
            let effect = samples.ratio(row, &one, &all).map(|effect| effect.scaled(self.n as f64));
            table::effect(effect.as_ref())
        })
    }

    /// References counted in shared words, per operation.
    pub(super) fn counts(&self, rows: &[&str], runs: &[Run]) -> Table {
        self.table(rows, names(&self.counted), |row, at| {
            let arm = &self.counted[at].name;
            let of = |what: &str| -> u64 {
                let here = runs.iter().filter(|run| run.subject == *row && run.key.arm == *arm);
                here.filter_map(|run| run.outcome.counts.get(what)).sum()
            };
            let ops = of("ops");
            if ops == 0 { "–".to_string() } else { format!("{:.5}", of("shared") as f64 / ops as f64) }
        })
    }

    /// A table with these columns beside the rows; `cell` fills in a column of a row.
    pub(super) fn table(
        &self,
        rows: &[&str],
        heads: Vec<String>,
        cell: impl Fn(&str, usize) -> String,
    ) -> Table {
        let n_columns = heads.len();
        let mut table = Table::new(std::iter::once(self.title.to_string()).chain(heads));
        for row in rows {
            let cells = (0..n_columns).map(|column| cell(row, column));
            table.row(std::iter::once(row.to_string()).chain(cells).collect());
        }
        table
    }
}

/// The names of `arms` as heads of columns.
pub(super) fn names(arms: &[Arm]) -> Vec<String> {
    arms.iter().map(|arm| arm.name.trim_end_matches(COUNTED).to_string()).collect()
}
