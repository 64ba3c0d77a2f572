//! `lab paper`: measure what a paper claims, and judge.

mod collections;

use super::{Cast, gc, report, settings, thread_subject};
use crate::arms::{self, Arm};
use crate::cli::{Common, Paper as Command, StartMethod};
use crate::compare::Samples;
use crate::definition::{self, DRIVER, Size, Workload};
use crate::failure::{Failure, Result, while_doing};
use crate::holds::Hold;
use crate::host::{self, Host};
use crate::lines;
use crate::papers::{self, Build, Metric, Metrics, Paper, Rounds, Step, StepArm, Verdict};
use crate::process::{Finished, Launch};
use crate::record::{Recorder, Status};
use crate::runner::{self, Cell, Key, Outcome, Reading, Role, Run, Settings, Subject};
use crate::stats::{Effect, Pair, Rng};
use crate::table::Table;
use crate::workdir::Workdir;
use std::path::PathBuf;

/// Lists, measures or judges.
pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::List => list(),
        Command::Run { slug, common } => measure(&papers::find(slug)?, common),
        Command::Check { slug } => check(&papers::find(slug)?),
    }
}

fn list() -> Result<()> {
    crate::interrupt::end_when_output_closes();
    for paper in papers::all()? {
        let about = &paper.about;
        let doi = about.doi.as_ref().map_or(String::new(), |doi| format!(" https://doi.org/{doi}"));
        println!("{}: {}. {}. {}.{doi}", paper.slug, about.authors, about.title, about.venue);
        println!("  question:   {}", paper.experiment.question);
        println!("  prediction: {}", paper.experiment.prediction);
        for claim in &paper.claims {
            println!("  {} ({}): {}", claim.id, claim.place, claim.text);
        }
    }
    Ok(())
}

fn check(paper: &Paper) -> Result<()> {
    let path = papers::results(&paper.slug)?;
    let text = std::fs::read_to_string(&path)
        .map_err(|_| Failure::Usage(format!("nothing measured yet: cargo lab paper run {}", paper.slug)))?;
    let metrics = papers::metrics_in(&text);
    if metrics.is_empty() {
        let slug = &paper.slug;
        return Err(Failure::Usage(format!("the last run was cut off; repeat cargo lab paper run {slug}")));
    }
    verdicts(paper, &metrics)
}

fn verdicts(paper: &Paper, metrics: &Metrics) -> Result<()> {
    let host = Host::here();
    let mut table = Table::new(["claim", "verdict", "measured"]);
    let mut counted = [0usize; 2];
    println!("{}. {}. {}.\n", paper.about.authors, paper.about.title, paper.about.venue);
    for claim in &paper.claims {
        println!("{} ({}): {}", claim.id, claim.place, claim.text);
        let judged = papers::judge(claim, metrics, &host);
        match judged.verdict {
            Verdict::NotReproduced => counted[0] += 1,
            Verdict::Inconclusive | Verdict::HardwareTooSmall => counted[1] += 1,
            Verdict::Reproduced | Verdict::NotSupported => {}
        }
        table.row(vec![claim.id.clone(), judged.verdict.name().to_string(), judged.because]);
    }
    println!("\n{}", table.render());
    match counted {
        [0, 0] => Ok(()),
        [0, open] => Err(Failure::Inconclusive(format!("{open} claims stay open"))),
        [failed, _] => Err(Failure::NotReproduced(format!("{failed} claims were not reproduced"))),
    }
}

struct Lab<'a> {
    common: &'a Common,
    typhon: PathBuf,
    workdir: Workdir,
    recorder: Recorder,
    metrics: Metrics,
    runs: Vec<Run>,
    /// What to print when everything is measured.
    tables: String,
}

fn measure(paper: &Paper, common: &Common) -> Result<()> {
    if !common.peers.is_empty() {
        return Err(Failure::Usage("--peer: a paper names its own arms".to_string()));
    }
    let minutes = paper.experiment.budget_minutes;
    let minutes = if common.quick { minutes.quick } else { minutes.full };
    println!("{}: up to {minutes} minutes", paper.slug);
    let typhon = arms::typhon(common.typhon.as_deref())?;
    let shared = settings(common, 1, 1);
    let out = common.out.clone().map_or_else(|| papers::results(&paper.slug), Ok)?;
    let described = serde_json::json!({
        "experiment": "paper", "slug": paper.slug, "quick": common.quick, "seed": shared.seed,
        "typhon": typhon, "version": host::version(&[typhon.display().to_string()]),
    });
    let recorder = Recorder::open(&paper.slug, Some(&out), shared.seed, &described)?;
    let workdir = Workdir::new()?;
    workdir.write("driver.py", DRIVER)?;
    let mut lab = Lab {
        common,
        typhon,
        workdir,
        recorder,
        metrics: Metrics::new(),
        runs: Vec::new(),
        tables: String::new(),
    };
    for step in &paper.experiment.steps {
        let settings = |rounds: Rounds| {
            let chosen = if common.quick { rounds.quick } else { rounds.full };
            Settings { rounds: common.rounds.unwrap_or(chosen).into(), ..shared }
        };
        match step {
            Step::Counting { name, rounds, ratios } => lab.counting(name, settings(*rounds), ratios)?,
            Step::Programs { name, rounds, workers, arms, ratios, workloads } => {
                lab.programs(name, settings(*rounds), (*workers).into(), arms, ratios, workloads)?;
            }
            Step::Operations { name, rounds, workers, options, workloads } => {
                lab.operations(name, settings(*rounds), (*workers).into(), options, workloads)?;
            }
            Step::Collectors { name, rounds, workers, live_thousands, seconds, handed, arms, ratios } => {
                let chosen = |rounds: &Rounds| if common.quick { rounds.quick } else { rounds.full };
                let scale = gc::Scale {
                    n_workers: (*workers).into(),
                    live: u32::from(chosen(live_thousands)) * 1000,
                    seconds: chosen(seconds).into(),
                    handed: *handed,
                    size: if common.quick { "quick" } else { "full" },
                };
                lab.collectors(name, settings(*rounds), scale, arms, ratios)?;
            }
            Step::Collections { name, rounds, workers, kilo_operations, arms, ratios, row_ratios, rows } => {
                let kilo = if common.quick { kilo_operations.quick } else { kilo_operations.full };
                let scale =
                    collections::Scale { n_workers: (*workers).into(), operations: u32::from(kilo) * 1024 };
                lab.collections(name, settings(*rounds), scale, arms, ratios, row_ratios, rows)?;
            }
        }
    }
    for line in papers::metric_lines(&lab.metrics) {
        lab.recorder.line(&line)?;
    }
    lab.recorder.close("done")?;
    report::opening(&lab.recorder, shared);
    print!("{}", lab.tables);
    let verdict = verdicts(paper, &lab.metrics);
    report::closing(&lab.recorder, &lab.runs, common);
    runner::verdict(&lab.runs)?;
    verdict
}

fn sides(ratio: &str) -> Result<(&str, &str)> {
    ratio.split_once('/').ok_or_else(|| Failure::Broken(format!("experiment.toml: {ratio:?} is not A/B")))
}

/// `A/B`, or `A/B over C/D`, of one workload.
fn quotient(samples: &Samples, workload: &str, ratio: &str, workers: usize) -> Result<Option<Effect>> {
    let keys = |ratio: &str| {
        let (above, below) = sides(ratio)?;
        Ok([Key::measure(above, workers), Key::measure(below, workers)])
    };
    Ok(match ratio.split_once(" over ") {
        None => {
            let [above, below] = keys(ratio)?;
            samples.ratio(workload, &above, &below)
        }
        Some((first, second)) => {
            let ([a, b], [c, d]) = (keys(first)?, keys(second)?);
            samples.ratio_of_ratios(workload, [&a, &b], [&c, &d])
        }
    })
}

fn metric(effect: Option<Effect>, why_not: &str) -> Metric {
    effect.map_or_else(|| Metric::Missing(why_not.to_string()), |effect| Metric::Measured(effect.estimate()))
}

impl Lab<'_> {
    fn show(&mut self, title: &str, table: &Table) {
        self.tables.push_str(&format!("{title}\n{}\n", table.render()));
    }

    fn counting(&mut self, name: &str, settings: Settings, ratios: &[String]) -> Result<()> {
        let lab = std::env::current_exe().map_err(while_doing("cannot find the lab itself"))?;
        let ms = if self.common.quick { "15" } else { "50" };
        let command =
            [lab.display().to_string(), "measure".into(), "counting".into(), "--ms".into(), ms.into()];
        let launch =
            Launch { command: command.to_vec(), env: Vec::new(), folder: self.workdir.path().to_path_buf() };
        let cell = Cell { key: Key::measure("lab", 1), launches: vec![launch] };
        let subject = Subject { name: name.to_string(), size: "", cells: vec![cell] };
        let reader = |_: &Subject, _: &Cell, finished: &Finished| read_counting(finished);
        let runs = runner::run(&[subject], settings, &reader, &mut self.recorder)?;
        let samples = Samples::new(&runs, settings.seed);
        let mut table = Table::new(["variant", "inc", "dec"]);
        for variant in crate::counting::VARIANTS {
            let ns = |operation| samples.median(&format!("{variant}.{operation}"), &Key::measure("lab", 1));
            let show = |value: Option<f64>| value.map_or("–".to_string(), |ns| format!("{ns:.2}"));
            table.row(vec![variant.to_string(), show(ns("inc")), show(ns("dec"))]);
        }
        self.show("Counting, ns per operation (median)", &table);
        for ratio in ratios {
            let (above, below) = sides(ratio)?;
            for operation in ["inc", "dec"] {
                let effect = variants(
                    &runs,
                    &format!("{above}.{operation}"),
                    &format!("{below}.{operation}"),
                    settings.seed,
                );
                let key = format!("{name}.{above}.{operation}/{below}.{operation}");
                self.metrics.insert(key, metric(effect, "a variant is missing"));
            }
        }
        self.runs.extend(runs);
        Ok(())
    }

    fn arms(&self, arms: &[StepArm]) -> Result<Vec<Arm>> {
        let arm = |arm: &StepArm| {
            let options: Vec<&str> = arm.options.iter().map(String::as_str).collect();
            Ok(match arm.build {
                Build::Release => Arm::typhon(&arm.name, &self.typhon, &options),
                Build::Folded => Arm::typhon(&arm.name, &arms::folded_typhon(None)?, &options),
            })
        };
        arms.iter().map(arm).collect()
    }

    fn collectors(
        &mut self,
        name: &str,
        settings: Settings,
        scale: gc::Scale,
        arms: &[StepArm],
        ratios: &[String],
    ) -> Result<()> {
        let arms = self.arms(arms)?;
        let subjects = scale.subjects(&arms, &self.workdir)?;
        let reader = |_: &Subject, cell: &Cell, finished: &Finished| gc::read(cell, finished, scale);
        let runs = runner::run(&subjects, settings, &reader, &mut self.recorder)?;
        let samples = Samples::new(&runs, settings.seed);
        let all = gc::Measured::new(&runs, scale);
        let why_not = "an arm failed";
        let mut metrics = Vec::new();
        let key = |arm: &str| Key::measure(arm, scale.n_workers);
        for arm in &arms {
            let share = samples.across("acyclic", &key(&arm.name), "cyclic", &key(&arm.name));
            metrics.push((format!("throughput.{}", arm.name), metric(share, why_not)));
        }
        for ratio in ratios {
            let (above, below) = sides(ratio)?;
            // Throughput is the reciprocal of time.
            let effect = samples.ratio("cyclic", &key(below), &key(above));
            metrics.push((format!("throughput.{ratio}"), metric(effect, why_not)));
        }
        let clocks: [(&str, fn(&Hold) -> u64); 2] =
            [("wall", |hold| hold.wall_ns), ("processor", |hold| hold.cpu_ns)];
        for (clock, of) in clocks {
            let longest = |arm: &str| all.longest("cyclic", arm, of);
            // 0 ns would have no logarithm; a nanosecond is as good as none.
            let pairs = |above: &str, below: Option<&str>| -> Option<Effect> {
                let below = below.map(longest);
                let sides: Vec<(Vec<f64>, Vec<f64>)> = longest(above)
                    .into_iter()
                    .filter_map(|(round, ns)| {
                        let under = match &below {
                            None => 1e6,
                            Some(below) => below.iter().find(|(other, _)| *other == round)?.1.max(1.0),
                        };
                        Some((vec![ns.max(1.0)], vec![under]))
                    })
                    .collect();
                share(&sides, settings.seed)
            };
            for arm in &arms {
                metrics
                    .push((format!("longest-{clock}.{}", arm.name), metric(pairs(&arm.name, None), why_not)));
            }
            for ratio in ratios {
                let (above, below) = sides(ratio)?;
                metrics
                    .push((format!("longest-{clock}.{ratio}"), metric(pairs(above, Some(below)), why_not)));
            }
        }
        self.metrics.extend(metrics.into_iter().map(|(key, metric)| (format!("{name}.{key}"), metric)));
        let title = format!(
            "{name}: {} threads make garbage{} for {} s over {} live objects",
            scale.n_workers,
            if scale.handed { ", give it to each other" } else { "" },
            scale.seconds,
            scale.live
        );
        let table = all.summary(&arms, &samples);
        self.show(&title, &table);
        self.runs.extend(runs);
        Ok(())
    }

    fn threaded(
        &self,
        workloads: &[String],
        arms: Vec<Arm>,
        workers: usize,
    ) -> Result<(Vec<Workload>, Cast, Vec<Subject>)> {
        let workloads = definition::selected(workloads)?;
        let cast = Cast {
            arms,
            n_workers: workers,
            n_warmups: 1,
            n_iterations: if self.common.quick { 2 } else { 4 },
            size: if self.common.quick { Size::Quick } else { Size::Full },
            start_method: StartMethod::Fork,
            base: "",
        };
        let mut subjects = Vec::new();
        for workload in &workloads {
            self.workdir.write(&workload.module(), &workload.source)?;
            let mut subject = thread_subject(workload, &cast, self.workdir.path());
            let mut seen = Vec::new();
            subject.cells.retain(|cell| {
                let wanted = cell.key.role == Role::Measure
                    && cell.key.workers == workers
                    && !seen.contains(&cell.key);
                seen.push(cell.key.clone());
                wanted
            });
            subjects.push(subject);
        }
        Ok((workloads, cast, subjects))
    }

    fn run_threaded(
        &mut self,
        workloads: &[Workload],
        cast: &Cast,
        subjects: &[Subject],
        settings: Settings,
    ) -> Result<Vec<Run>> {
        let reader = |subject: &Subject, cell: &Cell, finished: &Finished| match workloads
            .iter()
            .find(|workload| workload.name == subject.name)
        {
            Some(workload) => super::read_threads(workload, cast, cell, finished),
            None => Outcome::default(),
        };
        runner::run(subjects, settings, &reader, &mut self.recorder)
    }

    fn programs(
        &mut self,
        name: &str,
        settings: Settings,
        workers: usize,
        arms: &[StepArm],
        ratios: &[String],
        workloads: &[String],
    ) -> Result<()> {
        let arms = self.arms(arms)?;
        let (workloads, cast, subjects) = self.threaded(workloads, arms, workers)?;
        let runs = self.run_threaded(&workloads, &cast, &subjects, settings)?;
        let samples = Samples::new(&runs, settings.seed);
        let mut table = Table::new(std::iter::once("workload".to_string()).chain(ratios.iter().cloned()));
        let mut all = vec![Vec::new(); ratios.len()];
        for workload in &workloads {
            let mut row = vec![workload.name.clone()];
            for (column, ratio) in ratios.iter().enumerate() {
                let effect = quotient(&samples, &workload.name, ratio, workers)?;
                row.push(crate::table::effect(effect.as_ref()));
                self.metrics.insert(
                    format!("{name}.{ratio}.{}", workload.name),
                    metric(effect.clone(), "an arm failed"),
                );
                all[column].extend(effect);
            }
            table.row(row);
        }
        for (ratio, effects) in ratios.iter().zip(&all) {
            self.metrics.insert(
                format!("{name}.{ratio}"),
                metric(Effect::geomean(effects), "no workload ran in both arms"),
            );
        }
        self.show(&format!("Whole programs, threads: {workers}. Ratios of times"), &table);
        self.runs.extend(runs);
        Ok(())
    }

    fn operations(
        &mut self,
        name: &str,
        settings: Settings,
        workers: usize,
        options: &[String],
        workloads: &[String],
    ) -> Result<()> {
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let arms = vec![Arm::typhon("counted", &arms::counting_typhon()?, &options)];
        let (workloads, cast, subjects) = self.threaded(workloads, arms, workers)?;
        let runs = self.run_threaded(&workloads, &cast, &subjects, settings)?;
        let of = |run: &Run, kind: &str| run.outcome.counts.get(kind).copied().unwrap_or(0) as f64;
        let why_not = "no run counted its reference counting (sys._refcount_stats)";
        let mut table = Table::new(["workload", "owner's path", "shared path", "owner's share"]);
        let mut rounds: Vec<(Vec<f64>, Vec<f64>)> = vec![(vec![0.0], vec![0.0]); settings.rounds];
        for workload in &workloads {
            let mine: Vec<&Run> = runs
                .iter()
                .filter(|run| {
                    run.subject == workload.name && run.status == Status::Ok && !run.outcome.counts.is_empty()
                })
                .collect();
            let counts: Vec<(Vec<f64>, Vec<f64>)> = mine
                .iter()
                .map(|run| (vec![of(run, "local")], vec![of(run, "local") + of(run, "shared")]))
                .collect();
            for (run, (local, all)) in mine.iter().zip(&counts) {
                rounds[run.block].0[0] += local[0];
                rounds[run.block].1[0] += all[0];
            }
            let share = share(&counts, settings.seed);
            if let (Some(run), Some(effect)) = (mine.first(), &share) {
                let (local, shared) = (of(run, "local"), of(run, "shared"));
                table.row(vec![
                    workload.name.clone(),
                    local.to_string(),
                    shared.to_string(),
                    crate::table::share(Some(effect)),
                ]);
            }
            self.metrics.insert(format!("{name}.local.{}", workload.name), metric(share, why_not));
        }
        rounds.retain(|(_, all)| all[0] > 0.0);
        self.metrics.insert(format!("{name}.local"), metric(share(&rounds, settings.seed), why_not));
        if !rounds.is_empty() {
            self.show(&format!("Reference counting, threads: {workers}"), &table);
        }
        self.runs.extend(runs);
        Ok(())
    }
}

fn share(counts: &[(Vec<f64>, Vec<f64>)], seed: u64) -> Option<Effect> {
    let pairs: Vec<Pair> = counts.iter().map(|(above, below)| Pair { above, below }).collect();
    Effect::ratio(&pairs, &mut Rng::new(seed))
}

fn read_counting(finished: &Finished) -> Outcome {
    let mut outcome = Outcome::default();
    for fields in lines::reports(&finished.stdout) {
        let Some(variant) = fields.get("count") else { continue };
        for operation in ["inc", "dec"] {
            if let Some(wall_ns) = lines::number::<f64>(&fields, &format!("{operation}_ns")) {
                let subject = Some(format!("{variant}.{operation}"));
                outcome.readings.push(Reading { subject, wall_ns, ..Reading::default() });
            }
        }
    }
    if outcome.readings.is_empty() && finished.succeeded() {
        outcome.fault = Some((None, "it reported nothing".to_string()));
    }
    outcome
}

/// The ratio of two variants that the same process measured.
fn variants(runs: &[Run], above: &str, below: &str, seed: u64) -> Option<Effect> {
    let of = |run: &Run, wanted: &str| -> Vec<f64> {
        let readings = run.outcome.readings.iter();
        readings
            .filter(|reading| reading.subject.as_deref() == Some(wanted))
            .map(|reading| reading.wall_ns)
            .collect()
    };
    let sides: Vec<(Vec<f64>, Vec<f64>)> = runs
        .iter()
        .filter(|run| run.status == Status::Ok)
        .map(|run| (of(run, above), of(run, below)))
        .collect();
    share(&sides, seed)
}
