//! From runs to ratios: picks the numbers of two cells, pairs them by block.

use crate::record::Status;
use crate::runner::{Key, Run};
use crate::stats::{self, Effect, Pair, Rng};
use std::collections::{BTreeMap, BTreeSet};

/// All numbers of a run by program and cell; failed processes contribute none.
pub struct Samples {
    times: BTreeMap<(String, Key), BTreeMap<usize, Vec<f64>>>,
    subjects: Vec<String>,
    seed: u64,
}

impl Samples {
    /// Collects the iterations, without warm-ups.
    pub fn new(runs: &[Run], seed: u64) -> Samples {
        let mut times: BTreeMap<(String, Key), BTreeMap<usize, Vec<f64>>> = BTreeMap::new();
        let mut subjects = BTreeSet::new();
        for run in runs.iter().filter(|run| run.status == Status::Ok) {
            for reading in run.outcome.readings.iter().filter(|reading| !reading.warmup) {
                let subject = reading.subject.clone().unwrap_or_else(|| run.subject.clone());
                subjects.insert(subject.clone());
                times
                    .entry((subject, run.key.clone()))
                    .or_default()
                    .entry(run.block)
                    .or_default()
                    .push(reading.wall_ns);
            }
        }
        Samples { times, subjects: subjects.into_iter().collect(), seed }
    }

    /// The programs that gave at least one number, by name.
    pub fn subjects(&self) -> &[String] {
        &self.subjects
    }

    /// Median of all iterations, in the unit they were reported in.
    pub fn median(&self, subject: &str, key: &Key) -> Option<f64> {
        let blocks = self.times.get(&(subject.to_string(), key.clone()))?;
        Some(stats::median(&blocks.values().flatten().copied().collect::<Vec<_>>()))
    }

    /// `above / below` over the blocks in which both have numbers.
    pub fn ratio(&self, subject: &str, above: &Key, below: &Key) -> Option<Effect> {
        self.across(subject, above, subject, below)
    }

    /// As [`Samples::ratio`], of one program to another.
    pub fn across(&self, over: &str, above: &Key, under: &str, below: &Key) -> Option<Effect> {
        // Every comparison has its own stream, so that adding one arm does not change the others.
        let stream = crate::host::hash(&format!("{over}|{above:?}|{under}|{below:?}"));
        let over = self.times.get(&(over.to_string(), above.clone()))?;
        let under = self.times.get(&(under.to_string(), below.clone()))?;
        let pairs: Vec<Pair> =
            over.iter().filter_map(|(block, above)| Some(Pair { above, below: under.get(block)? })).collect();
        Effect::ratio(&pairs, &mut Rng::new(self.seed ^ stream))
    }
}
