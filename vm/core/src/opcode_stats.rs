//! `-X opcode-stats`: how often each instruction ran, what followed what, and how often caches missed.
//!
//! Linked code then consists of handlers that count and go on to the real ones
//! ([`crate::interp::opcodes::Op::noting_handler`]), as for [`crate::contention`]; without the option nothing of
//! this exists. A thread counts in a table of its own, which nobody else writes, so threads do not meet over it.
//! Only pairs are counted: how often an instruction ran is how often it followed any other, or began a thread.
//!
//! A cache that misses always reaches the cold function that chooses a new one, so misses are counted there.

use std::sync::Arc;
use typhon_sync::prim::{AtomicU64, AtomicUsize, Ordering};

use typhon_sync::prim::{Mutex, lock};

use crate::interp::opcodes::{Op, note_instructions};
use crate::runtime::Config;
use crate::thread::Thread;

mod report;

pub use report::finish;

/// Columns of the table of pairs.
const COLUMNS: usize = 256;
/// The row before the first instruction of a thread.
const START: usize = COLUMNS - 1;
const _: () = assert!(Op::ALL.len() < START);

/// What one thread counts.
pub struct Counts {
    /// The instruction that runs, times [`COLUMNS`]: the row of its successors.
    row: AtomicUsize,
    /// Row: an instruction; column: the one that ran next.
    pairs: Box<[AtomicU64]>,
    /// By instruction: what it remembered did not fit.
    misses: Box<[AtomicU64]>,
}

impl Counts {
    fn new() -> Counts {
        let zeros = |n| (0..n).map(|_| AtomicU64::new(0)).collect();
        Counts {
            row: AtomicUsize::new(START * COLUMNS),
            pairs: zeros(COLUMNS * COLUMNS),
            misses: zeros(COLUMNS),
        }
    }

    /// Counts an instruction of the calling thread, whose counts these are.
    #[inline(always)]
    pub(crate) fn count(&self, op: Op) {
        // ORDERING Relaxed, and no RMW: only the thread itself writes; who adds up takes what is there.
        let row = self.row.load(Ordering::Relaxed);
        // SAFETY: a row, and a column of it.
        increment(unsafe { self.pairs.get_unchecked(row + op as usize) });
        // ORDERING Relaxed: as above.
        self.row.store(op as usize * COLUMNS, Ordering::Relaxed);
    }
}

#[inline(always)]
fn increment(n: &AtomicU64) {
    // ORDERING Relaxed, and no RMW: only one thread writes.
    n.store(n.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed)
}

/// Sums over threads.
struct Sums {
    pairs: Vec<u64>,
    misses: Vec<u64>,
    /// Threads that ran instructions.
    n_threads: usize,
}

impl Sums {
    fn new() -> Sums {
        Sums { pairs: vec![0; COLUMNS * COLUMNS], misses: vec![0; COLUMNS], n_threads: 0 }
    }

    fn add(&mut self, counts: &Counts) {
        // ORDERING Relaxed: a thread that runs goes on counting.
        let add = |sums: &mut [u64], from: &[AtomicU64]| {
            sums.iter_mut().zip(from).for_each(|(sum, n)| *sum += n.load(Ordering::Relaxed));
        };
        add(&mut self.pairs, &counts.pairs);
        add(&mut self.misses, &counts.misses);
        // ORDERING Relaxed: as above.
        self.n_threads += usize::from(counts.row.load(Ordering::Relaxed) != START * COLUMNS);
    }
}

struct Threads {
    live: Vec<Arc<Counts>>,
    ended: Sums,
}

/// `None`: nothing is counted.
static THREADS: Mutex<Option<Threads>> = Mutex::new(None);

/// Starts counting, if the configuration asks for it; before the first thread enters.
pub(crate) fn start(config: &Config) {
    if config.opcode_stats.is_some() {
        note_instructions();
        *lock(&THREADS) = Some(Threads { live: Vec::new(), ended: Sums::new() });
    }
}

/// The counts of a thread that has just attached, if there are any.
pub(crate) fn enrol() -> Option<Arc<Counts>> {
    let mut threads = lock(&THREADS);
    let threads = threads.as_mut()?;
    let counts = Arc::new(Counts::new());
    threads.live.push(counts.clone());
    Some(counts)
}

/// A thread that is about to end leaves what it counted.
pub(crate) fn leave(counts: Option<Arc<Counts>>) {
    let mut threads = lock(&THREADS);
    let (Some(counts), Some(threads)) = (counts, threads.as_mut()) else { return };
    threads.live.retain(|other| !Arc::ptr_eq(other, &counts));
    threads.ended.add(&counts);
}

/// In the child of a fork: what the parent counted is the parent's to report, and the child reports nothing.
/// Whoever uses the table is attached, so no thread was in the middle of that.
pub(crate) fn stop_after_fork(th: &mut Thread) {
    *lock(&THREADS) = None;
    th.opcodes = None;
}

/// The cache of the instruction that runs did not fit, or there was none yet.
#[inline]
pub(crate) fn missed(th: &Thread) {
    if let Some(counts) = &th.opcodes {
        // ORDERING Relaxed: the thread's own.
        increment(&counts.misses[counts.row.load(Ordering::Relaxed) / COLUMNS]);
    }
}

/// What all threads counted until now. `None`: nothing is counted.
fn sums() -> Option<Sums> {
    let threads = lock(&THREADS);
    let threads = threads.as_ref()?;
    let mut sums = Sums::new();
    sums.pairs.copy_from_slice(&threads.ended.pairs);
    sums.misses.copy_from_slice(&threads.ended.misses);
    sums.n_threads = threads.ended.n_threads;
    threads.live.iter().for_each(|counts| sums.add(counts));
    Some(sums)
}
