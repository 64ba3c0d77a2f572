//! Papers as data: what they claim, how we measure it, and the verdict.
//!
//! A folder `papers/SLUG` has `paper.toml` (whose work), `experiment.toml` (steps that produce named
//! metrics) and `claims.toml` (what the metrics must be like). A metric is an estimate with an
//! interval, or a reason why it could not be measured.

mod claim;

pub use claim::{Claim, Judged, Kind, Needs, Relation, Verdict, judge};

use crate::arms;
use crate::failure::{Failure, Result, while_doing};
use crate::stats::Estimate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// `paper.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Title.
    pub title: String,
    /// Authors, as printed.
    pub authors: String,
    /// Where and when it appeared.
    pub venue: String,
    /// Digital object identifier; a draft of ours has none.
    pub doi: Option<String>,
}

/// Numbers for a short and for a full run.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rounds {
    /// With `--quick`.
    pub quick: u16,
    /// Otherwise.
    pub full: u16,
}

/// Which build of Typhon an arm runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Build {
    /// The one that ships.
    #[default]
    Release,
    /// The one with a GIL and nothing to switch ([`crate::arms::folded_typhon`]).
    Folded,
}

/// One arm of a step: its name and Typhon's `-X` options.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepArm {
    /// As in `ratios`.
    pub name: String,
    /// Without the `-X`.
    pub options: Vec<String>,
    #[expect(missing_docs, reason = "see its type")]
    #[serde(default)]
    pub build: Build,
}

/// A part of the experiment. Its metrics are called `NAME.…`.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Step {
    /// The lab's own measuring program. Metrics: `NAME.A.inc/B.inc`, `NAME.A.dec/B.dec`, for each ratio `A/B`.
    Counting {
        #[expect(missing_docs, reason = "see the type")]
        name: String,
        #[expect(missing_docs, reason = "see the type")]
        rounds: Rounds,
        /// Which variants to divide, as `A/B`.
        ratios: Vec<String>,
    },
    /// Threaded workloads in several arms. Metrics: `NAME.A/B` (geometric mean) and `NAME.A/B.WORKLOAD`.
    Programs {
        #[expect(missing_docs, reason = "see the type")]
        name: String,
        #[expect(missing_docs, reason = "see the type")]
        rounds: Rounds,
        /// How many threads.
        workers: u16,
        /// What to compare.
        arms: Vec<StepArm>,
        /// Which arms to divide, as `A/B`; or which ratios, as `A/B over C/D`.
        ratios: Vec<String>,
        /// Empty: all.
        workloads: Vec<String>,
    },
    /// Counts of counting, from an interpreter that counts them. Metrics: `NAME.local` (share of
    /// operations that took the owner's path, all workloads together) and `NAME.local.WORKLOAD`.
    Operations {
        #[expect(missing_docs, reason = "see the type")]
        name: String,
        #[expect(missing_docs, reason = "see the type")]
        rounds: Rounds,
        /// How many threads.
        workers: u16,
        /// Typhon's `-X` options.
        options: Vec<String>,
        /// Empty: all.
        workloads: Vec<String>,
    },
    /// The program of `lab run gc` in several arms. Metrics: `NAME.throughput.A/B` and
    /// `NAME.longest-wall.A/B`, `NAME.longest-processor.A/B` with cyclic garbage for each ratio `A/B`; for
    /// each arm `A` `NAME.longest-wall.A` and `NAME.longest-processor.A` in ms, and `NAME.throughput.A`, the
    /// throughput as a share of that with acyclic garbage.
    Collectors {
        #[expect(missing_docs, reason = "see the type")]
        name: String,
        #[expect(missing_docs, reason = "see the type")]
        rounds: Rounds,
        /// How many threads.
        workers: u16,
        /// Objects that stay alive, in thousands.
        live_thousands: Rounds,
        /// How long the threads run.
        seconds: Rounds,
        /// The threads give each other what they make.
        #[serde(default)]
        handed: bool,
        /// What to compare.
        arms: Vec<StepArm>,
        /// Which arms to divide, as `A/B`.
        ratios: Vec<String>,
    },
    /// Rows of the program for collections ([`crate::definition::COLLECTIONS`]). Metrics: `NAME.A/B` (geometric mean)
    /// and `NAME.A/B.ROW`, ratios of times with that many workers. With several, for the first arm also
    /// `NAME.share.ROW`, the throughput as a share of that of as many processes at once, and `NAME.R/S` for each of
    /// `row_ratios`. Not run on a machine with fewer cores than workers.
    Collections {
        #[expect(missing_docs, reason = "see the type")]
        name: String,
        #[expect(missing_docs, reason = "see the type")]
        rounds: Rounds,
        /// How many threads. With one, the rows for one thread.
        workers: u16,
        /// Operations of each worker, in units of 1024.
        kilo_operations: Rounds,
        /// What to compare; the first is the one whose scaling is asked for.
        arms: Vec<StepArm>,
        /// Which arms to divide, as `A/B`.
        ratios: Vec<String>,
        /// Which rows to divide, as `R/S`, in the first arm.
        #[serde(default)]
        row_ratios: Vec<String>,
        /// Empty: all.
        rows: Vec<String>,
    },
}

/// `experiment.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// What is asked.
    pub question: String,
    /// What we expected before the first run.
    pub prediction: String,
    /// Minutes: quick, full.
    pub budget_minutes: Rounds,
    /// In this order.
    #[serde(rename = "step")]
    pub steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    claim: Vec<Claim>,
}

/// A paper that can be reproduced.
#[derive(Clone, Debug)]
pub struct Paper {
    /// The name of its folder.
    pub slug: String,
    /// Whose work.
    pub about: About,
    /// How to measure.
    pub experiment: Experiment,
    /// What to hold it against.
    pub claims: Vec<Claim>,
}

/// A measured quantity.
#[derive(Clone, Debug, PartialEq)]
pub enum Metric {
    /// With its interval.
    Measured(Estimate),
    /// Why there is none.
    Missing(String),
}

/// All metrics of a run by name.
pub type Metrics = BTreeMap<String, Metric>;

fn read_toml<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read_to_string(path).map_err(while_doing(path.display()))?;
    toml::from_str(&text).map_err(while_doing(path.display()))
}

impl Paper {
    /// Reads the three files of a folder.
    ///
    /// Errors: a file that is missing or wrong, by name.
    pub fn load(folder: &Path) -> Result<Paper> {
        let claims: Claims = read_toml(&folder.join("claims.toml"))?;
        Ok(Paper {
            slug: folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            about: read_toml(&folder.join("paper.toml"))?,
            experiment: read_toml(&folder.join("experiment.toml"))?,
            claims: claims.claim,
        })
    }
}

/// All papers with an experiment, by name.
///
/// Errors: a paper whose files are wrong.
pub fn all() -> Result<Vec<Paper>> {
    let folder = arms::workspace()?.join("papers");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&folder)
        .map_err(while_doing(folder.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.join("experiment.toml").is_file())
        .collect();
    folders.sort();
    folders.iter().map(|folder| Paper::load(folder)).collect()
}

/// The paper called `slug`.
///
/// Errors: an unknown name is refused together with the names there are.
pub fn find(slug: &str) -> Result<Paper> {
    let all = all()?;
    let names: Vec<String> = all.iter().map(|paper| paper.slug.clone()).collect();
    all.into_iter().find(|paper| paper.slug == slug).ok_or_else(|| {
        Failure::Usage(format!("no paper is called {slug:?}; there are: {}", names.join(", ")))
    })
}

#[derive(Serialize, Deserialize)]
struct MetricLine {
    kind: String,
    name: String,
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    n_blocks: usize,
    missing: Option<String>,
}

/// The metrics as lines for the result file.
pub fn metric_lines(metrics: &Metrics) -> Vec<serde_json::Value> {
    let finite = |value: f64| value.is_finite().then_some(value);
    metrics
        .iter()
        .map(|(name, metric)| {
            let line = match metric {
                Metric::Measured(estimate) => MetricLine {
                    kind: "metric".into(),
                    name: name.clone(),
                    value: finite(estimate.value),
                    low: finite(estimate.low),
                    high: finite(estimate.high),
                    n_blocks: estimate.n_blocks,
                    missing: None,
                },
                Metric::Missing(reason) => MetricLine {
                    kind: "metric".into(),
                    name: name.clone(),
                    value: None,
                    low: None,
                    high: None,
                    n_blocks: 0,
                    missing: Some(reason.clone()),
                },
            };
            serde_json::to_value(line).unwrap_or_default()
        })
        .collect()
}

/// The metrics of the last run in a result file.
pub fn metrics_in(text: &str) -> Metrics {
    let mut metrics = Metrics::new();
    for line in text.lines() {
        let Ok(value) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        if value["kind"] == "run" {
            metrics.clear();
        }
        let Ok(line) = serde_json::from_value::<MetricLine>(value) else { continue };
        let metric = match (line.value, line.missing) {
            (Some(value), _) => Metric::Measured(Estimate {
                value,
                low: line.low.unwrap_or(f64::NAN),
                high: line.high.unwrap_or(f64::NAN),
                n_blocks: line.n_blocks,
            }),
            (None, reason) => Metric::Missing(reason.unwrap_or_else(|| "not measured".into())),
        };
        metrics.insert(line.name, metric);
    }
    metrics
}

/// Where the results of a paper are kept.
///
/// Errors: outside the repository.
pub fn results(slug: &str) -> Result<PathBuf> {
    Ok(arms::workspace()?.join("target/lab/papers").join(format!("{slug}.jsonl")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_survive_the_file_and_the_last_run_wins() {
        let estimate = Estimate { value: 1.5, low: 1.25, high: 1.75, n_blocks: 9 };
        let mut metrics = Metrics::new();
        metrics.insert("a.x/y".into(), Metric::Measured(estimate));
        metrics.insert("b".into(), Metric::Missing("no counters".into()));
        let mut text = "{\"kind\":\"run\"}\n{\"kind\":\"metric\",\"name\":\"old\",\"value\":1.0,\"n_blocks\":1}\n{\"kind\":\"run\"}\n".to_string();
        for line in metric_lines(&metrics) {
            text.push_str(&format!("{line}\n"));
        }
        assert_eq!(metrics_in(&text), metrics);
    }

    #[test]
    fn every_paper_in_the_repository_is_well_formed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../papers");
        let mut n_papers = 0;
        for entry in std::fs::read_dir(folder).expect("papers").flatten() {
            if entry.path().join("experiment.toml").is_file() {
                let paper =
                    Paper::load(&entry.path()).unwrap_or_else(|failure| panic!("{:?}", failure.message()));
                assert!(!paper.claims.is_empty() && !paper.experiment.steps.is_empty(), "{}", paper.slug);
                for claim in &paper.claims {
                    claim.check_form().unwrap_or_else(|wrong| panic!("{} {}: {wrong}", paper.slug, claim.id));
                }
                n_papers += 1;
            }
        }
        assert!(n_papers >= 1);
    }
}
