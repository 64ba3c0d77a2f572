//! When threads were held up, as `workloads/collector.py` reports it: distribution, and minimum mutator
//! utilisation.
//!
//! Utilisation is the share of a window of time in which a thread did its own work; its minimum over all
//! windows of one length tells how badly pauses bunch, which the longest pause alone does not. Source:
//! Cheng, Blelloch, "A parallel, real-time garbage collector", PLDI 2001.

use crate::lines::{Fields, number};
use serde::Serialize;

/// One hold of one thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Its beginning, since the start of the workers.
    pub at_ns: u64,
    /// How much longer than usual a batch took, on the wall.
    pub wall_ns: u64,
    /// The same in processor time of the thread.
    pub cpu_ns: u64,
}

/// What one process reported.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Pairs of objects that all workers made.
    pub pairs: u64,
    /// The holds of each worker, in order of time.
    pub workers: Vec<Vec<Hold>>,
    /// Resident memory over time: ns since the start, KiB.
    pub memory: Vec<(u64, u64)>,
    /// What the interpreter itself says of its pauses, if it does.
    pub own: Vec<Own>,
}

/// The interpreter's own count of its pauses of one kind and about one length, by one clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Own {
    /// `stop`, `slice`, `nap`.
    pub kind: String,
    /// `wall` or `processor`.
    pub clock: String,
    /// They took at least so long; half as long again would be counted apart.
    pub from_ns: u64,
    /// How many.
    pub count: u64,
}

impl Report {
    /// Reads the lines of one process. `None`: they are not whole.
    pub fn read(lines: &[Fields]) -> Option<Report> {
        let mut report = Report::default();
        for fields in lines {
            if let Some(kind) = fields.get("pause") {
                report.own.push(Own {
                    kind: kind.clone(),
                    clock: fields.get("clock")?.clone(),
                    from_ns: number(fields, "from_ns")?,
                    count: number(fields, "count")?,
                });
            } else if let Some(kib) = number(fields, "rss_kib") {
                report.memory.push((number(fields, "at_ns")?, kib));
            } else if let Some(pairs) = number::<u64>(fields, "pairs") {
                report.pairs += pairs;
                report.workers.push(Vec::new());
            } else {
                report.workers.get_mut(number::<usize>(fields, "worker")?)?.push(Hold {
                    at_ns: number(fields, "at_ns")?,
                    wall_ns: number(fields, "wall_ns")?,
                    cpu_ns: number(fields, "cpu_ns")?,
                });
            }
        }
        (report.pairs > 0).then_some(report)
    }

    /// The length of every hold of every worker, by one clock, the shortest first.
    pub fn lengths(&self, clock: impl Fn(&Hold) -> u64) -> Vec<u64> {
        let mut lengths: Vec<u64> = self.workers.iter().flatten().map(clock).collect();
        lengths.sort_unstable();
        lengths
    }

    /// Largest resident memory, in KiB.
    pub fn peak_kib(&self) -> u64 {
        self.memory.iter().map(|&(_, kib)| kib).max().unwrap_or(0)
    }

    /// Minimum utilisation of any worker over windows of `window_ns` that lie in a run of `run_ns`.
    pub fn utilisation(&self, window_ns: u64, run_ns: u64) -> f64 {
        let window = window_ns.min(run_ns).max(1);
        let worst = self.workers.iter().map(|holds| most_held(holds, window, run_ns)).max().unwrap_or(0);
        1.0 - worst.min(window) as f64 / window as f64
    }
}

/// The most time held in any window. A worst window begins with a hold or ends with one.
fn most_held(holds: &[Hold], window: u64, run_ns: u64) -> u64 {
    let starts = holds.iter().map(|hold| hold.at_ns);
    let ends = holds.iter().map(|hold| (hold.at_ns + hold.wall_ns).saturating_sub(window));
    let held_in = |from: u64| -> u64 {
        let first = holds.partition_point(|hold| hold.at_ns + hold.wall_ns <= from);
        let inside = holds[first..].iter().take_while(|hold| hold.at_ns < from + window);
        inside.map(|hold| (hold.at_ns + hold.wall_ns).min(from + window) - hold.at_ns.max(from)).sum()
    };
    starts.chain(ends).map(|from| held_in(from.min(run_ns.saturating_sub(window)))).max().unwrap_or(0)
}

/// The value below which `share` of the sorted values lie; 0 of none.
pub fn percentile(sorted: &[u64], share: f64) -> u64 {
    let place = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len().max(1));
    sorted.get(place - 1).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::reports;

    const MS: u64 = 1_000_000;

    fn hold(at_ms: u64, wall_ms: u64) -> Hold {
        Hold { at_ns: at_ms * MS, wall_ns: wall_ms * MS, cpu_ns: 0 }
    }

    fn of(holds: Vec<Hold>) -> Report {
        Report { workers: vec![Vec::new(), holds], ..Report::default() }
    }

    #[test]
    fn utilisation_is_that_of_the_worst_window() {
        let report = of(vec![hold(10, 2), hold(15, 3), hold(80, 4)]);
        assert_eq!(report.utilisation(4 * MS, 100 * MS), 0.0);
        assert_eq!(report.utilisation(8 * MS, 100 * MS), 1.0 - 5.0 / 8.0);
        assert_eq!(report.utilisation(100 * MS, 100 * MS), 1.0 - 9.0 / 100.0);
        // Longer than the run: the whole run.
        assert_eq!(report.utilisation(1000 * MS, 100 * MS), 1.0 - 9.0 / 100.0);
        assert_eq!(of(Vec::new()).utilisation(MS, 100 * MS), 1.0);
    }

    #[test]
    fn reads_what_the_program_prints() {
        let text = "lab worker=0 pairs=40 usual_ns=9\nlab worker=0 at_ns=5 wall_ns=60000 cpu_ns=7\n\
                    lab worker=1 pairs=80 usual_ns=9\nlab at_ns=3 rss_kib=100\n\
                    lab pause=stop clock=wall from_ns=4000 count=1\n";
        let report = Report::read(&reports(text)).expect("whole");
        assert_eq!((report.pairs, report.workers.len(), report.peak_kib()), (120, 2, 100));
        assert_eq!(report.lengths(|hold| hold.wall_ns), [60_000]);
        assert_eq!((report.own[0].from_ns, report.own[0].count), (4000, 1));
        assert!(Report::read(&reports("lab worker=9 at_ns=1 wall_ns=1 cpu_ns=1\n")).is_none());
        assert!(Report::read(&[]).is_none());
    }

    #[test]
    fn percentiles() {
        assert_eq!(percentile(&[], 0.5), 0);
        assert_eq!(percentile(&[1, 2, 3, 4], 0.5), 2);
        assert_eq!(percentile(&[1, 2, 3, 4], 0.99), 4);
    }
}
