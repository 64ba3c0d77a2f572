//! How long the collector kept mutators from running, as histograms: by the clock on the wall, and by the
//! processor time of the thread that did the work. Where the first is long and the second short, the
//! machine had something else to do, or the thread waited.
//!
//! Two buckets per doubling, from 1 µs to half a minute: coarse enough to be cheap, fine enough to read
//! percentiles and a distribution off it.

use std::time::{Duration, Instant};
use typhon_sync::prim::{AtomicU64, Ordering};

/// Why a mutator stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Pause {
    /// The world was stopped: from the request until it was let go.
    Stop = 0,
    /// It took garbage apart, finalisers included.
    Slice = 1,
    /// It had outrun the collector.
    Nap = 2,
}

impl Pause {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Pause; 3] = [Pause::Stop, Pause::Slice, Pause::Nap];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Pause::Stop => "stop",
            Pause::Slice => "slice",
            Pause::Nap => "nap",
        }
    }
}

const BUCKETS: usize = 50;

/// Pauses of one kind. Any thread may record; a reader sees each counter at some time.
#[derive(Debug)]
pub struct Histogram {
    counts: [AtomicU64; BUCKETS],
    total_ns: AtomicU64,
    longest_ns: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram {
            counts: [const { AtomicU64::new(0) }; BUCKETS],
            total_ns: AtomicU64::new(0),
            longest_ns: AtomicU64::new(0),
        }
    }
}

/// The bucket of a pause of `ns` nanoseconds.
fn bucket(ns: u64) -> usize {
    let us = ns / 1000;
    if us == 0 {
        return 0;
    }
    let doubling = us.ilog2() as usize;
    let upper_half = us >= (3u64 << doubling).div_ceil(2) && doubling > 0;
    (1 + 2 * doubling + usize::from(upper_half)).min(BUCKETS - 1)
}

/// Where a bucket begins, in nanoseconds.
fn begin(bucket: usize) -> u64 {
    match bucket {
        0 => 0,
        b => {
            let doubling = (b - 1) / 2;
            (if b % 2 == 1 { 1 << doubling } else { (3u64 << doubling).div_ceil(2) }) * 1000
        }
    }
}

// ORDERING Relaxed throughout: statistics.
impl Histogram {
    /// Adds one pause.
    pub fn record(&self, pause: Duration) {
        let ns = pause.as_nanos() as u64;
        // ORDERING Relaxed: see the impl.
        self.counts[bucket(ns)].fetch_add(1, Ordering::Relaxed);
        // ORDERING Relaxed: see the impl.
        self.total_ns.fetch_add(ns, Ordering::Relaxed);
        // ORDERING Relaxed: see the impl.
        self.longest_ns.fetch_max(ns, Ordering::Relaxed);
    }

    /// Number of pauses.
    pub fn count(&self) -> u64 {
        self.counts().map(|(_, n)| n).sum()
    }

    /// The longest pause.
    pub fn longest(&self) -> Duration {
        // ORDERING Relaxed: see the impl.
        Duration::from_nanos(self.longest_ns.load(Ordering::Relaxed))
    }

    /// All pauses together.
    pub fn total(&self) -> Duration {
        // ORDERING Relaxed: see the impl.
        Duration::from_nanos(self.total_ns.load(Ordering::Relaxed))
    }

    /// Buckets that are not empty: where each begins, and how many pauses it has.
    pub fn counts(&self) -> impl Iterator<Item = (Duration, u64)> {
        self.counts.iter().enumerate().filter_map(|(bucket, n)| {
            // ORDERING Relaxed: see the impl.
            let n = n.load(Ordering::Relaxed);
            (n > 0).then(|| (Duration::from_nanos(begin(bucket)), n))
        })
    }
}

/// Pauses by kind, and handshakes.
#[derive(Debug, Default)]
pub struct Pauses {
    wall: [Histogram; 3],
    processor: [Histogram; 3],
    /// From the request for a handshake until every thread has answered. Nobody stands for it.
    pub handshakes: Histogram,
}

impl Pauses {
    /// How long those of one kind lasted.
    pub fn of(&self, kind: Pause) -> &Histogram {
        &self.wall[kind as usize]
    }

    /// The processor time that those of one kind took, of the thread that worked.
    pub fn processor(&self, kind: Pause) -> &Histogram {
        &self.processor[kind as usize]
    }

    /// Adds a pause that ends now; returns how long it lasted.
    pub fn record(&self, kind: Pause, watch: &Watch) -> Duration {
        let took = watch.elapsed();
        self.of(kind).record(took);
        self.processor(kind).record(processor_time().saturating_sub(watch.processor));
        took
    }
}

/// The beginning of a pause, by both clocks. For one thread.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    wall: Instant,
    processor: Duration,
}

impl Watch {
    /// Now.
    pub fn start() -> Watch {
        Watch { wall: Instant::now(), processor: processor_time() }
    }

    /// Time since, on the wall.
    pub fn elapsed(&self) -> Duration {
        self.wall.elapsed()
    }
}

/// Processor time of this thread so far; zero where the system does not tell.
fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` outlives the call.
    if unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) } != 0 {
        return Duration::ZERO;
    }
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pause_lies_in_its_bucket() {
        for ns in (0..200_000).step_by(137).chain([999, 1000, 1001, 1 << 34, 1 << 36]) {
            let b = bucket(ns);
            assert!(begin(b) <= ns, "{ns} in {b}");
            assert!(b == BUCKETS - 1 || b == 1 || ns < begin(b + 1), "{ns} in {b}");
        }
    }

    #[test]
    fn totals() {
        let histogram = Histogram::default();
        for us in [3, 5, 500] {
            histogram.record(Duration::from_micros(us));
        }
        assert_eq!(histogram.count(), 3);
        assert_eq!(histogram.longest(), Duration::from_micros(500));
        assert_eq!(histogram.total(), Duration::from_micros(508));
    }
}
