//! `lab run gc`: what the cycle collectors cost the threads that run beside them.
//!
//! Threads make garbage over a graph that stays ([`COLLECTOR`]), once cyclic and once acyclic, under every
//! strategy. How long they were held up is measured from outside, in the same way for every interpreter.

use super::{report, threads};
use crate::arms::{self, Arm};
use crate::cli::GcOptions;
use crate::compare::Samples;
use crate::definition::COLLECTOR;
use crate::failure::Result;
use crate::holds::{self, Hold, Own, Report};
use crate::lines;
use crate::plot::{self, Figure, Series};
use crate::process::{Finished, Launch};
use crate::record::Recorder;
use crate::runner::{self, Cell, Key, Outcome, Reading, Run, Subject};
use crate::table::{self, Table};
use crate::workdir::Workdir;
use serde::Serialize;

/// What the threads make.
const GARBAGE: [&str; 2] = ["cyclic", "acyclic"];
/// They only count: what holds them up then is the machine.
const NONE: &str = "none";
/// Windows of the utilisation curve, in ms.
const WINDOWS_MS: [u64; 10] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
/// Bounds of the printed histogram, in µs.
const BOUNDS_US: [u64; 9] = [50, 100, 250, 500, 1000, 2500, 10_000, 100_000, 1_000_000];

/// Clocks of the interpreter's own pauses.
const CLOCKS: [&str; 2] = ["wall", "processor"];
/// Bounds of the printed counts of those: steps of `typhon_gc::pauses::Histogram`.
const OWN_BOUNDS_NS: [u64; 2] = [256_000, 1_024_000];

/// How large an experiment with collectors is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub n_workers: usize,
    /// Objects that stay alive.
    pub live: u32,
    /// How long the threads run.
    pub seconds: u32,
    /// The threads give each other what they make.
    pub handed: bool,
    /// As in records.
    pub size: &'static str,
}

impl Scale {
    /// Every kind of garbage in every arm. Writes the program into `workdir`.
    ///
    /// Errors: when it cannot be written.
    pub fn subjects(self, arms: &[Arm], workdir: &Workdir) -> Result<Vec<Subject>> {
        GARBAGE.iter().map(|garbage| self.subject(garbage, arms, workdir)).collect()
    }

    fn subject(self, garbage: &str, arms: &[Arm], workdir: &Workdir) -> Result<Subject> {
        let program = workdir.write("collector.py", COLLECTOR)?;
        let cell = |arm: &Arm| {
            let mut command = arm.command.clone();
            command.push(program.display().to_string());
            command.extend([format!("live={}", self.live), format!("workers={}", self.n_workers)]);
            command.extend([format!("seconds={}", self.seconds), format!("garbage={garbage}")]);
            command.push(format!("handed={}", if self.handed { "yes" } else { "no" }));
            let launch = Launch { command, env: arm.env.clone(), folder: workdir.path().to_path_buf() };
            Cell { key: Key::measure(&arm.name, self.n_workers), launches: vec![launch] }
        };
        Ok(Subject { name: garbage.to_string(), size: self.size, cells: arms.iter().map(cell).collect() })
    }
}

/// Everything about one process that the record keeps.
#[derive(Serialize)]
struct Details<'a> {
    kind: &'static str,
    workload: &'a str,
    arm: &'a str,
    invocation: usize,
    pairs: u64,
    holds: usize,
    wall: Distribution,
    cpu: Distribution,
    /// Window in ms, and the minimum mutator utilisation over it.
    utilisation: Vec<(u64, f64)>,
    peak_kib: u64,
    /// What the interpreter says of itself.
    own: &'a [Own],
}

/// Lengths of holds, in ns.
#[derive(Serialize)]
struct Distribution {
    p50: u64,
    p99: u64,
    longest: u64,
    total: u64,
    /// Lower bound in µs, and holds from there to the next.
    histogram: Vec<(u64, usize)>,
}

impl Distribution {
    fn of(lengths: &[u64]) -> Distribution {
        let count = |place: usize| {
            let low = BOUNDS_US[place] * 1000;
            let high = BOUNDS_US.get(place + 1).map_or(u64::MAX, |us| us * 1000);
            lengths.partition_point(|&ns| ns < high) - lengths.partition_point(|&ns| ns < low)
        };
        Distribution {
            p50: holds::percentile(lengths, 0.5),
            p99: holds::percentile(lengths, 0.99),
            longest: lengths.last().copied().unwrap_or(0),
            total: lengths.iter().sum(),
            histogram: (0..BOUNDS_US.len()).map(|place| (BOUNDS_US[place], count(place))).collect(),
        }
    }
}

/// Runs all strategies and prints throughput, holds, utilisation and memory; draws them, too.
///
/// Errors: `Runs` if a process failed.
pub fn run(options: &GcOptions) -> Result<()> {
    let typhon = arms::typhon(options.common.typhon.as_deref())?;
    let mut arms = vec![
        Arm::typhon("concurrent", &typhon, &["gil=0", "gc=concurrent"]),
        Arm::typhon("rendezvous", &typhon, &["gil=0", "gc=rendezvous"]),
        Arm::typhon("stop", &typhon, &["gil=0", "gc=stop"]),
        Arm::typhon("gil", &typhon, &["gil=1", "gc=rendezvous"]),
    ];
    arms.extend(options.common.peers.iter().map(|peer| peer.arm()));
    let scale = Scale {
        n_workers: options.threads.map_or_else(threads::default_workers, usize::from),
        live: options.live.unwrap_or(if options.common.quick { 20_000 } else { 1_000_000 }),
        seconds: options.seconds.unwrap_or(if options.common.quick { 1 } else { 30 }),
        handed: options.handed,
        size: if options.common.quick { "quick" } else { "full" },
    };
    let Scale { n_workers, live, seconds, .. } = scale;
    let settings = super::settings(&options.common, 1, 3);
    let workdir = Workdir::new()?;
    let mut subjects = scale.subjects(&arms, &workdir)?;
    subjects.push(scale.subject(NONE, &arms[..1], &workdir)?);
    let described = serde_json::json!({
        "experiment": "gc", "arms": arms, "n_workers": n_workers, "live": live, "seconds": seconds,
        "handed": scale.handed,
        "rounds": settings.rounds, "seed": settings.seed, "unit": "ns per pair and worker",
        "versions": arms.iter().map(|arm| crate::host::version(&arm.command)).collect::<Vec<_>>(),
    });
    let mut recorder = Recorder::open("gc", options.common.out.as_deref(), settings.seed, &described)?;
    let reader = |_: &Subject, cell: &Cell, finished: &Finished| read(cell, finished, scale);
    let runs = runner::run(&subjects, settings, &reader, &mut recorder)?;
    let all = Measured::new(&runs, scale);
    all.record(&mut recorder)?;
    recorder.close("done")?;
    report::opening(&recorder, settings);
    let handed = if scale.handed { ", give them to each other" } else { "" };
    println!(
        "{n_workers} threads make pairs of objects{handed} and drop them for {seconds} s over {live} live ones."
    );
    println!("A hold is a batch of 40 pairs that took 50 µs longer than usual. With a GIL, threads are");
    println!("also held while another one runs. Longest and memory are the worst of all rounds.");
    println!("Threads that make `none` only count: what holds them up is the machine.");
    println!();
    let samples = Samples::new(&runs, settings.seed);
    println!("{}", all.summary(&arms, &samples).render());
    println!(
        "Holds by length, of cyclic garbage; on the wall, and in processor time of the thread that was held"
    );
    println!("{}", all.histogram(&arms).render());
    println!("Minimum mutator utilisation, per cent of a window");
    println!("{}", all.utilisation(&arms).render());
    println!("What the interpreters say of their own pauses meanwhile: how many, and how many were longer");
    println!("{}", all.own(&arms).render());
    let figure = recorder.path().with_extension("svg");
    plot::write(&figure, &all.figures(&arms))?;
    println!("figure: {}", figure.display());
    report::closing(&recorder, &runs, &options.common);
    runner::verdict(&runs)
}

fn report_of(finished: &Finished) -> Option<Report> {
    Report::read(&lines::reports(&finished.stdout))
}

/// What one process reported.
pub(crate) fn read(cell: &Cell, finished: &Finished, scale: Scale) -> Outcome {
    let Some(report) = report_of(finished) else {
        return Outcome { fault: Some((None, "reported nothing".to_string())), ..Outcome::default() };
    };
    let wall_ns = f64::from(scale.seconds) * 1e9 * cell.key.workers as f64 / report.pairs as f64;
    let reading = Reading { wall_ns, cpu_ns: Some(finished.cpu_ns), ..Reading::default() };
    Outcome { readings: vec![reading], ..Outcome::default() }
}

/// All processes of an experiment with collectors.
pub(crate) struct Measured<'a> {
    processes: Vec<(&'a Run, Report)>,
    scale: Scale,
}

impl<'a> Measured<'a> {
    /// Reads what the processes printed; those that failed are left out.
    pub fn new(runs: &'a [Run], scale: Scale) -> Measured<'a> {
        let processes = runs.iter().filter_map(|run| Some((run, report_of(&run.finished)?))).collect();
        Measured { processes, scale }
    }

    fn run_ns(&self) -> u64 {
        u64::from(self.scale.seconds) * 1_000_000_000
    }

    /// The longest hold of an arm in each round, in ns.
    pub fn longest(
        &self,
        garbage: &str,
        arm: &str,
        clock: impl Fn(&Hold) -> u64 + Copy,
    ) -> Vec<(usize, f64)> {
        let longest = |report: &Report| report.lengths(clock).last().map_or(0.0, |&ns| ns as f64);
        self.of(garbage, arm).map(|(run, report)| (run.block, longest(report))).collect()
    }

    /// What was made in which arms.
    fn made<'b>(&'b self, arms: &'b [Arm]) -> impl Iterator<Item = (&'static str, &'b Arm)> + 'b {
        let all =
            GARBAGE.into_iter().chain([NONE]).flat_map(|garbage| arms.iter().map(move |arm| (garbage, arm)));
        all.filter(|(garbage, arm)| self.of(garbage, &arm.name).next().is_some())
    }

    /// The processes of an arm.
    fn of(&self, garbage: &str, arm: &str) -> impl Iterator<Item = &(&'a Run, Report)> {
        self.processes.iter().filter(move |(run, _)| run.subject == garbage && run.key.arm == arm)
    }

    /// What they reported.
    fn reports(&self, garbage: &str, arm: &str) -> impl Iterator<Item = &Report> {
        self.of(garbage, arm).map(|(_, report)| report)
    }

    /// The lengths of an arm's holds in all rounds, the shortest first.
    fn lengths(&self, garbage: &str, arm: &str, clock: impl Fn(&Hold) -> u64 + Copy) -> Vec<u64> {
        let mut lengths: Vec<u64> =
            self.reports(garbage, arm).flat_map(|report| report.lengths(clock)).collect();
        lengths.sort_unstable();
        lengths
    }

    fn record(&self, recorder: &mut Recorder) -> Result<()> {
        for (run, report) in &self.processes {
            let windows = WINDOWS_MS.iter();
            recorder.line(&Details {
                kind: "holds",
                workload: &run.subject,
                arm: &run.key.arm,
                invocation: run.block,
                pairs: report.pairs,
                holds: report.workers.iter().map(Vec::len).sum(),
                wall: Distribution::of(&report.lengths(|hold| hold.wall_ns)),
                cpu: Distribution::of(&report.lengths(|hold| hold.cpu_ns)),
                utilisation: windows
                    .map(|&ms| (ms, report.utilisation(ms * 1_000_000, self.run_ns())))
                    .collect(),
                peak_kib: report.peak_kib(),
                own: &report.own,
            })?;
        }
        Ok(())
    }

    pub fn summary(&self, arms: &[Arm], samples: &Samples) -> Table {
        let mut table = Table::new([
            "garbage",
            "arm",
            "ns per pair",
            "share of acyclic",
            "holds",
            "longest, wall",
            "longest, processor",
            "99 %, wall",
            "99 %, processor",
            "memory",
        ]);
        for (garbage, arm) in self.made(arms) {
            let key = Key::measure(&arm.name, self.scale.n_workers);
            let wall = Distribution::of(&self.lengths(garbage, &arm.name, |hold| hold.wall_ns));
            let cpu = Distribution::of(&self.lengths(garbage, &arm.name, |hold| hold.cpu_ns));
            let reports = || self.reports(garbage, &arm.name);
            let n_holds: usize = reports().flat_map(|report| &report.workers).map(Vec::len).sum();
            let peak = reports().map(Report::peak_kib).max().unwrap_or(0);
            let (mut per_pair, mut share) = ("–".to_string(), "–".to_string());
            if garbage != NONE {
                per_pair = samples.median(garbage, &key).map_or(per_pair, table::digits);
                // Throughput with cycles as a share of that without.
                share = table::effect(samples.across("acyclic", &key, garbage, &key).as_ref());
            }
            table.row(vec![
                garbage.to_string(),
                arm.name.clone(),
                per_pair,
                share,
                n_holds.to_string(),
                table::time(wall.longest as f64),
                table::time(cpu.longest as f64),
                table::time(wall.p99 as f64),
                table::time(cpu.p99 as f64),
                format!("{} MiB", peak / 1024),
            ]);
        }
        table
    }

    fn histogram(&self, arms: &[Arm]) -> Table {
        let mut head = vec!["from".to_string()];
        let mut columns = Vec::new();
        for (garbage, arm) in self.made(arms).filter(|&(garbage, _)| garbage != "acyclic") {
            head.push(format!("{}, wall", if garbage == NONE { NONE } else { &arm.name }));
            head.push("processor".to_string());
            columns.push(Distribution::of(&self.lengths(garbage, &arm.name, |hold| hold.wall_ns)));
            columns.push(Distribution::of(&self.lengths(garbage, &arm.name, |hold| hold.cpu_ns)));
        }
        let mut table = Table::new(head);
        for (place, us) in BOUNDS_US.iter().enumerate() {
            let mut row = vec![table::time(*us as f64 * 1e3)];
            row.extend(columns.iter().map(|column| column.histogram[place].1.to_string()));
            table.row(row);
        }
        table
    }

    fn own(&self, arms: &[Arm]) -> Table {
        let mut head = ["garbage", "arm", "pause"].map(String::from).to_vec();
        for clock in CLOCKS {
            head.push(clock.to_string());
            head.extend(OWN_BOUNDS_NS.map(|ns| format!("from {}", table::time(ns as f64))));
        }
        let mut table = Table::new(head);
        for (garbage, arm) in self.made(arms) {
            let own: Vec<&Own> = self.reports(garbage, &arm.name).flat_map(|report| &report.own).collect();
            let mut kinds: Vec<&str> =
                own.iter().filter(|own| own.count > 0).map(|own| own.kind.as_str()).collect();
            kinds.sort_unstable();
            kinds.dedup();
            for kind in kinds {
                let mut row = vec![garbage.to_string(), arm.name.clone(), kind.to_string()];
                for clock in CLOCKS {
                    row.extend([0].iter().chain(&OWN_BOUNDS_NS).map(|&ns| {
                        let mine = own
                            .iter()
                            .filter(|own| own.kind == kind && own.clock == clock && own.from_ns >= ns);
                        mine.map(|own| own.count).sum::<u64>().to_string()
                    }));
                }
                table.row(row);
            }
        }
        table
    }

    /// The worst utilisation of an arm in any round.
    fn worst(&self, garbage: &str, arm: &str, window_ms: u64) -> Option<f64> {
        let of = |report: &Report| report.utilisation(window_ms * 1_000_000, self.run_ns());
        self.reports(garbage, arm).map(of).min_by(f64::total_cmp)
    }

    fn utilisation(&self, arms: &[Arm]) -> Table {
        let mut head = vec!["garbage".to_string(), "arm".to_string()];
        head.extend(WINDOWS_MS.iter().map(|ms| format!("{ms} ms")));
        let mut table = Table::new(head);
        for (garbage, arm) in self.made(arms) {
            let mut row = vec![garbage.to_string(), arm.name.clone()];
            row.extend(WINDOWS_MS.iter().map(|&ms| {
                let worst = self.worst(garbage, &arm.name, ms);
                worst.map_or("–".to_string(), |share| format!("{:.0}", share * 100.0))
            }));
            table.row(row);
        }
        table
    }

    /// Distribution, utilisation and memory, with cyclic garbage.
    fn figures(&self, arms: &[Arm]) -> [Figure; 3] {
        let series = |points: &dyn Fn(&str) -> Vec<(f64, f64)>| -> Vec<Series> {
            arms.iter().map(|arm| Series { name: arm.name.clone(), points: points(&arm.name) }).collect()
        };
        let longer = |arm: &str| {
            let lengths = self.lengths("cyclic", arm, |hold| hold.wall_ns);
            // A point where the length changes: thousands of equal steps draw nothing.
            let n = lengths.len().max(1) as f64;
            let thin = (lengths.len() / 500).max(1);
            let shown = lengths.iter().enumerate().rev().step_by(thin);
            shown.map(|(place, &ns)| (ns as f64 / 1e6, (place + 1) as f64 / n * 100.0)).collect::<Vec<_>>()
        };
        let utilisation = |arm: &str| {
            let of = |ms: &u64| Some((*ms as f64, self.worst("cyclic", arm, *ms)? * 100.0));
            WINDOWS_MS.iter().filter_map(of).collect()
        };
        let memory = |arm: &str| {
            let first = self.reports("cyclic", arm).next();
            let points = first.map(|report| report.memory.as_slice()).unwrap_or_default();
            points.iter().map(|&(at, kib)| (at as f64 / 1e9, kib as f64 / 1024.0)).collect()
        };
        [
            Figure {
                title: "Holds not longer than this",
                x: "length, ms",
                y: "per cent of holds",
                logarithmic: true,
                series: series(&longer),
            },
            Figure {
                title: "Minimum mutator utilisation",
                x: "window, ms",
                y: "per cent",
                logarithmic: true,
                series: series(&utilisation),
            },
            Figure {
                title: "Resident memory, first round",
                x: "s",
                y: "MiB",
                logarithmic: false,
                series: series(&memory),
            },
        ]
    }
}
