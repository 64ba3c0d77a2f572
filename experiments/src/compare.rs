//! From runs to ratios: picks the numbers of two cells, pairs them by block.

use crate::record::Status;
use crate::runner::{Key, Role, Run};
use crate::stats::{self, Effect, Pair, Rng};
use std::collections::{BTreeMap, BTreeSet};

/// All numbers of a run by program and cell; failed processes contribute none.
pub struct Samples {
    numbers: BTreeMap<(String, Key), BTreeMap<usize, Vec<f64>>>,
    subjects: Vec<String>,
    seed: u64,
}

impl Samples {
    /// Collects the iterations, without warm-ups. One of a ceiling takes as long as in its slowest process.
    pub fn new(runs: &[Run], seed: u64) -> Samples {
        let mut numbers: BTreeMap<(String, Key), BTreeMap<usize, Vec<f64>>> = BTreeMap::new();
        let mut subjects = BTreeSet::new();
        for run in runs.iter().filter(|run| run.status == Status::Ok) {
            for (at, reading) in run.outcome.readings.iter().filter(|reading| !reading.warmup).enumerate() {
                let subject = reading.subject.clone().unwrap_or_else(|| run.subject.clone());
                subjects.insert(subject.clone());
                let blocks = numbers.entry((subject, run.key.clone())).or_default();
                let block = blocks.entry(run.block).or_default();
                match block.get_mut(at).filter(|_| run.key.role == Role::Ceiling) {
                    // Processes at once are done when the slowest is, as threads are.
                    Some(slowest) => *slowest = slowest.max(reading.wall_ns),
                    None => block.push(reading.wall_ns),
                }
            }
        }
        Samples { numbers, subjects: subjects.into_iter().collect(), seed }
    }

    /// Collects the largest resident memory of each process, in MiB.
    pub fn memory(runs: &[Run], seed: u64) -> Samples {
        let mut numbers: BTreeMap<(String, Key), BTreeMap<usize, Vec<f64>>> = BTreeMap::new();
        for run in runs.iter().filter(|run| run.status == Status::Ok) {
            let blocks = numbers.entry((run.subject.clone(), run.key.clone())).or_default();
            blocks.entry(run.block).or_default().push(run.finished.max_rss_kib as f64 / 1024.0);
        }
        let subjects: BTreeSet<String> = numbers.keys().map(|(subject, _)| subject.clone()).collect();
        Samples { numbers, subjects: subjects.into_iter().collect(), seed }
    }

    /// The programs that gave at least one number, by name.
    pub fn subjects(&self) -> &[String] {
        &self.subjects
    }

    /// Median of all iterations, in the unit they were reported in.
    pub fn median(&self, subject: &str, key: &Key) -> Option<f64> {
        let blocks = self.numbers.get(&(subject.to_string(), key.clone()))?;
        Some(stats::median(&blocks.values().flatten().copied().collect::<Vec<_>>()))
    }

    /// `above / below` over the blocks in which both have numbers.
    pub fn ratio(&self, subject: &str, above: &Key, below: &Key) -> Option<Effect> {
        self.across(subject, above, subject, below)
    }

    /// `(a / b) / (c / d)` of the medians, over the blocks in which all have numbers: is the first ratio larger?
    pub fn ratio_of_ratios(&self, subject: &str, [a, b]: [&Key; 2], [c, d]: [&Key; 2]) -> Option<Effect> {
        let stream = crate::host::hash(&format!("{subject}|{a:?}|{b:?}|{c:?}|{d:?}"));
        let of = |key: &Key| self.numbers.get(&(subject.to_string(), key.clone()));
        let (a, b, c, d) = (of(a)?, of(b)?, of(c)?, of(d)?);
        let products: Vec<([f64; 1], [f64; 1])> = a
            .iter()
            .filter_map(|(block, a)| {
                let median = |side: &BTreeMap<usize, Vec<f64>>| Some(stats::median(side.get(block)?));
                Some(([stats::median(a) * median(d)?], [median(b)? * median(c)?]))
            })
            .collect();
        let pairs: Vec<Pair> = products.iter().map(|(above, below)| Pair { above, below }).collect();
        Effect::ratio(&pairs, &mut Rng::new(self.seed ^ stream))
    }

    /// As [`Samples::ratio`], of one program to another.
    pub fn across(&self, over: &str, above: &Key, under: &str, below: &Key) -> Option<Effect> {
        // Every comparison has its own stream, so that adding one arm does not change the others.
        let stream = crate::host::hash(&format!("{over}|{above:?}|{under}|{below:?}"));
        let over = self.numbers.get(&(over.to_string(), above.clone()))?;
        let under = self.numbers.get(&(under.to_string(), below.clone()))?;
        let pairs: Vec<Pair> =
            over.iter().filter_map(|(block, above)| Some(Pair { above, below: under.get(block)? })).collect();
        Effect::ratio(&pairs, &mut Rng::new(self.seed ^ stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Ending, Finished};
    use crate::runner::{Outcome, Reading};

    fn run(key: Key, times: &[f64]) -> Run {
        let finished = Finished::at_once(String::new(), Ending::Code(0));
        let warmup = Reading { warmup: true, wall_ns: 99.0, ..Reading::default() };
        let measured = times.iter().map(|&wall_ns| Reading { wall_ns, ..Reading::default() });
        let outcome =
            Outcome { readings: std::iter::once(warmup).chain(measured).collect(), ..Outcome::default() };
        Run {
            subject: "a".into(),
            key,
            block: 0,
            outcome,
            status: Status::Ok,
            detail: String::new(),
            finished,
        }
    }

    #[test]
    fn a_ceiling_takes_as_long_as_its_slowest_process() {
        let ceiling = Key { arm: "free".into(), workers: 2, role: Role::Ceiling };
        let runs = [run(ceiling.clone(), &[3.0, 5.0, 4.0]), run(ceiling.clone(), &[4.0, 1.0, 8.0])];
        assert_eq!(Samples::new(&runs, 1).median("a", &ceiling), Some(5.0));
        let measured = Key::measure("free", 2);
        let runs = [run(measured.clone(), &[3.0, 5.0, 4.0]), run(measured.clone(), &[4.0, 1.0, 8.0])];
        assert_eq!(Samples::new(&runs, 1).median("a", &measured), Some(4.0));
    }
}
