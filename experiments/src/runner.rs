//! Randomised blocks of fresh processes.
//!
//! A run has rounds; a round takes all programs in random order; for each program all its cells run
//! once, in random order, one after the other. So whatever drifts on the machine hits all arms alike,
//! and ratios are formed between neighbours. All orders come from one seed, which is recorded.

use crate::failure::{Failure, Result};
use crate::host;
use crate::interrupt;
use crate::process::{self, Ending, Finished, Launch};
use crate::progress::Progress;
use crate::record::{Line, Recorder, SCHEMA, Status};
use crate::stats::Rng;
use std::time::Duration;

/// What a cell is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// An arm that the table shows.
    Measure,
    /// The twin of an arm: tells how far apart two identical arms are.
    Again,
    /// Independent processes at once: tells how much the machine can do at all.
    Ceiling,
}

impl Role {
    /// As in records.
    pub fn name(self) -> &'static str {
        match self {
            Role::Measure => "measure",
            Role::Again => "again",
            Role::Ceiling => "ceiling",
        }
    }
}

/// Which cell of the comparison a number belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The name of the arm.
    pub arm: String,
    /// Workers inside the process, or processes at once for a ceiling.
    pub workers: usize,
    /// What it is for.
    pub role: Role,
}

impl Key {
    /// A measured arm.
    pub fn measure(arm: &str, workers: usize) -> Key {
        Key { arm: arm.to_string(), workers, role: Role::Measure }
    }
}

/// One cell: the processes to start together.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Where its numbers go.
    pub key: Key,
    /// One process, or several identical ones for a ceiling.
    pub launches: Vec<Launch>,
}

/// A program and all the ways to run it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The name in tables and records.
    pub name: String,
    /// `quick`, `full` or empty.
    pub size: &'static str,
    /// Everything that a block runs.
    pub cells: Vec<Cell>,
}

/// One number that a process reported.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The program, where it is not the subject itself (one file with several benchmarks).
    pub subject: Option<String>,
    /// Not to be compared, only kept.
    pub warmup: bool,
    /// Wall time in nanoseconds (or what stands for it).
    pub wall_ns: f64,
    /// Processor time in nanoseconds.
    pub cpu_ns: Option<u64>,
    /// The result.
    pub checksum: Option<String>,
}

/// What a process's output means.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Its numbers.
    pub readings: Vec<Reading>,
    /// What is wrong with it, if anything.
    pub fault: Option<(Option<Status>, String)>,
    /// Why its numbers may be worth less.
    pub taint: Vec<&'static str>,
    /// Reference counts by kind, where it counted them.
    pub counts: std::collections::BTreeMap<String, u64>,
}

/// One process and what came of it.
#[derive(Clone, Debug)]
pub struct Run {
    /// The program.
    pub subject: String,
    /// The cell.
    pub key: Key,
    /// The block; numbers are compared inside it.
    pub block: usize,
    /// What the output meant.
    pub outcome: Outcome,
    /// What became of the process.
    pub status: Status,
    /// The end of its standard error, or what is wrong with its results.
    pub detail: String,
    /// The whole process: time, memory, output.
    pub finished: Finished,
}

/// How to run.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How many blocks per program.
    pub rounds: usize,
    /// Of all random choices.
    pub seed: u64,
    /// Longest time for one process.
    pub limit: Duration,
}

/// Reads the output of a process.
pub type Reader<'a> = &'a dyn Fn(&Subject, &Cell, &Finished) -> Outcome;

/// Runs everything. Failing processes are kept as data.
///
/// Errors: only what makes going on senseless: a program that cannot be started, a full disk, the
/// user's wish to stop (then the file is closed properly).
pub fn run(
    subjects: &[Subject],
    settings: Settings,
    read: Reader,
    recorder: &mut Recorder,
) -> Result<Vec<Run>> {
    let n_cells: usize = subjects.iter().map(|subject| subject.cells.len()).sum();
    let mut progress = Progress::new(n_cells * settings.rounds);
    let mut rng = Rng::new(settings.seed);
    let mut runs = Vec::new();
    for round in 0..settings.rounds {
        let mut order: Vec<usize> = (0..subjects.len()).collect();
        rng.shuffle(&mut order);
        for at in order {
            let block = Block { subject: &subjects[at], index: at, round, layout_seed: rng.bits(), settings };
            let mut cells: Vec<usize> = (0..block.subject.cells.len()).collect();
            rng.shuffle(&mut cells);
            for (place, cell) in cells.into_iter().enumerate() {
                let cell = &block.subject.cells[cell];
                progress.now(&format!("{} {} × {}", block.subject.name, cell.key.arm, cell.key.workers));
                match block.run_cell(cell, place, read, recorder) {
                    Ok(mut done) => {
                        for run in done.iter().filter(|run| run.status != Status::Ok) {
                            progress.note(&format!("lab: {}", one_line(run)));
                        }
                        runs.append(&mut done);
                    }
                    Err(failure) => {
                        let how = if interrupt::requested() { "interrupted" } else { "broken" };
                        recorder.close(how)?;
                        return Err(failure);
                    }
                }
                progress.step();
            }
        }
    }
    Ok(runs)
}

/// A failed run in one line, for people.
pub fn one_line(run: &Run) -> String {
    let what = match run.status {
        Status::Ok => "fine",
        Status::Crash => match run.finished.ending {
            Ending::Signal(_) => "killed by a signal",
            _ => "failed",
        },
        Status::Timeout => "took too long",
        Status::Badsum => "gave a wrong result",
    };
    let last = run.detail.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("");
    let role = match run.key.role {
        Role::Measure => "",
        Role::Again => " (twin)",
        Role::Ceiling => " (ceiling)",
    };
    format!("{} in arm {} × {}{role} {what}: {last}", run.subject, run.key.arm, run.key.workers)
}

struct Block<'a> {
    subject: &'a Subject,
    index: usize,
    round: usize,
    layout_seed: u64,
    settings: Settings,
}

impl Block<'_> {
    /// The cell's processes with the block's layout: the same hash seed and size of the environment
    /// in all arms, others in the next block (Mytkowicz et al., ASPLOS 2009).
    fn laid_out(&self, cell: &Cell) -> Vec<Launch> {
        let mut launches = cell.launches.clone();
        for launch in &mut launches {
            let set = |launch: &Launch, name: &str| launch.env.iter().any(|(key, _)| key == name);
            if !set(launch, "PYTHONHASHSEED") {
                let seed = (self.layout_seed & 0xFFFF_FFFF).to_string();
                launch.env.push(("PYTHONHASHSEED".into(), seed));
            }
            launch.env.push(("LAB_PADDING".into(), "x".repeat((self.layout_seed >> 32) as usize % 4096)));
        }
        launches
    }

    fn run_cell(&self, cell: &Cell, place: usize, read: Reader, recorder: &mut Recorder) -> Result<Vec<Run>> {
        let started_utc = host::utc(host::now());
        let hold = cell.key.role == Role::Ceiling;
        let busy = host::busy_ns();
        let finished = process::run_together(&self.laid_out(cell), hold, self.settings.limit)?;
        let busy = host::busy_ns().saturating_sub(busy);
        let ours: u64 = finished.iter().map(|one| one.cpu_ns).sum();
        let wall = finished.iter().map(|one| one.wall_ns).max().unwrap_or(1);
        // A tenth of one processor for others, plus three clock ticks that the counter may be off.
        let crowded = busy.saturating_sub(ours) > wall / 10 + 30_000_000;
        let mut runs = Vec::new();
        for (copy, finished) in finished.into_iter().enumerate() {
            let mut outcome = read(self.subject, cell, &finished);
            if crowded {
                outcome.taint.push("other_load");
            }
            let (status, detail) = judge(&finished, &outcome);
            let run = Run {
                subject: self.subject.name.clone(),
                key: cell.key.clone(),
                block: self.round,
                outcome,
                status,
                detail,
                finished,
            };
            self.record(&run, place, copy, &started_utc, recorder)?;
            runs.push(run);
        }
        Ok(runs)
    }

    fn record(
        &self,
        run: &Run,
        place: usize,
        copy: usize,
        started: &str,
        recorder: &mut Recorder,
    ) -> Result<()> {
        let (host_fp, commit, config_hash) =
            (recorder.host.fingerprint.clone(), recorder.commit.clone(), recorder.config_hash.clone());
        let line = |reading: Option<(usize, &Reading)>| Line {
            kind: match reading {
                None => "failure",
                Some((_, reading)) if reading.warmup => "warmup",
                Some(_) => "iteration",
            },
            schema: SCHEMA,
            job_id: format!("{}-{}-{place}-{copy}", self.round, self.index),
            block_id: format!("{}-{}", self.round, self.index),
            workload: self.subject.name.as_str(),
            size: self.subject.size,
            arm: &run.key.arm,
            workers: run.key.workers,
            role: run.key.role.name(),
            invocation: self.round,
            iteration: reading.map_or(0, |(at, _)| at),
            seed: self.settings.seed,
            layout_seed: self.layout_seed,
            t_wall_ns: reading.map(|(_, reading)| reading.wall_ns),
            t_cpu_ns: reading.and_then(|(_, reading)| reading.cpu_ns),
            max_rss_kib: run.finished.max_rss_kib,
            checksum: None,
            status: run.status,
            taint: &run.outcome.taint,
            detail: &run.detail,
            host_fp: &host_fp,
            vm_commit: &commit,
            config_hash: &config_hash,
            started_utc: started.to_string(),
        };
        for (at, reading) in run.outcome.readings.iter().enumerate() {
            let mut line = line(Some((at, reading)));
            line.checksum = reading.checksum.as_deref();
            if let Some(subject) = &reading.subject {
                line.workload = subject;
            }
            recorder.line(&line)?;
        }
        if run.status != Status::Ok && run.outcome.readings.is_empty() {
            recorder.line(&line(None))?;
        }
        Ok(())
    }
}

fn judge(finished: &Finished, outcome: &Outcome) -> (Status, String) {
    let tail = |text: &str| {
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    };
    // A reader that states a status has looked at the ending itself.
    match (&outcome.fault, finished.ending) {
        (Some((Some(status), text)), _) => (*status, text.clone()),
        (_, Ending::Timeout) => (Status::Timeout, tail(&finished.stderr)),
        (_, Ending::Signal(signal)) => {
            (Status::Crash, format!("{}\nsignal {signal}", tail(&finished.stderr)).trim_start().to_string())
        }
        (Some((None, text)), Ending::Code(0)) => (Status::Crash, text.clone()),
        (_, Ending::Code(0)) => (Status::Ok, String::new()),
        (_, Ending::Code(code)) => {
            let text = tail(&finished.stderr);
            (Status::Crash, if text.is_empty() { format!("exit code {code}") } else { text })
        }
    }
}

/// What to return at the end of a run: an error if anything failed.
///
/// Errors: `Runs`, with how many of how many processes failed.
pub fn verdict(runs: &[Run]) -> Result<()> {
    let n_failed = runs.iter().filter(|run| run.status != Status::Ok).count();
    if n_failed == 0 {
        return Ok(());
    }
    Err(Failure::Runs(format!(
        "{n_failed} of {} processes failed; see above and the result file",
        runs.len()
    )))
}
