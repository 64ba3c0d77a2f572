//! Quarantine: memory that is freed while a collector reads the heap beside the mutators.
//!
//! The collector reads in *quanta*. Between two of them it keeps addresses, never a belief about what
//! lies there; within one it relies on every object that it saw alive staying what it is, buffers
//! included. So memory freed meanwhile may be used anew once no quantum is open that was open at the
//! free. A mutator pays for it with one flag test per free while the collector is idle.
//!
//! * QR-1: a quantum is open before its first read, by a full fence;
//! * QR-2: whoever frees makes the death visible, by a full fence, before it asks whether a quantum is
//!   open: either it sees the open quantum, or the quantum sees the death;
//! * QR-3: the reads of a quantum come before its end.
//!
//! Source: Hart et al., "Performance of memory reclamation for lockless synchronization", JPDC 2007
//! (quiescent states). Deviation: there is one reader, so its clock is all the state there is.

use super::prim::Ordering::{Acquire, Relaxed, Release, SeqCst};
use super::prim::{AtomicU64, CachePadded, fence};
use super::rules;

/// The number of a quantum, or of the pause before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantum(u64);

impl Quantum {
    /// Is somebody reading?
    pub fn is_open(self) -> bool {
        self.0 & 1 != 0
    }

    /// The next quantum (after a pause), or pause (after a quantum).
    #[must_use]
    pub fn next(self) -> Quantum {
        Quantum(self.0 + 1)
    }
}

/// The collector's clock. Written by one collecting thread at a time.
#[derive(Default)]
pub struct Quarantine {
    clock: CachePadded<AtomicU64>,
}

impl Quarantine {
    /// Opens a quantum. For the one collecting thread.
    pub fn begin(&self) {
        // ORDERING Relaxed: only this thread writes it.
        let now = Quantum(self.clock.load(Relaxed));
        debug_assert!(!now.is_open());
        // ORDERING Release: who reads this number instead of that of the last end knows the same (QR-3).
        self.clock.store(now.next().0, Release);
        if rules::QUANTUM_FENCE {
            // ORDERING SeqCst fence: Dekker pair with `now` (QR-1).
            fence(SeqCst);
        }
    }

    /// Closes the quantum: what was freed before may be used anew.
    pub fn end(&self) {
        // ORDERING Relaxed: only this thread writes it.
        let now = Quantum(self.clock.load(Relaxed));
        debug_assert!(now.is_open());
        // ORDERING Release: the reads come before the reuse (QR-3); pairs with `has_passed`.
        self.clock.store(now.next().0, rules::QUANTUM_END);
    }

    /// What everything that the calling thread has freed so far must wait for.
    pub fn now(&self) -> Quantum {
        // ORDERING SeqCst fence: the deaths are visible before the look (QR-2).
        fence(SeqCst);
        // ORDERING Acquire: the reads of closed quanta are done (QR-3).
        Quantum(self.clock.load(Acquire))
    }

    /// May memory that was freed at `since` be used anew?
    pub fn has_passed(&self, since: Quantum) -> bool {
        // ORDERING Acquire: pairs with `end`.
        !since.is_open() || Quantum(self.clock.load(Acquire)) != since
    }
}

/// One thread's memory in quarantine: a batch that grows, and one that waits for its quantum.
///
/// A collector that loses its processor within a quantum lets the batch grow to some ten thousand pieces.
/// They are freed a few at a time, more than are added, so that the thread is never held up for long.
pub struct Limbo<T> {
    open: Vec<T>,
    open_bytes: usize,
    sealed: Vec<T>,
    since: Quantum,
}

impl<T> Default for Limbo<T> {
    fn default() -> Limbo<T> {
        Limbo { open: Vec::new(), open_bytes: 0, sealed: Vec::new(), since: Quantum::default() }
    }
}

impl<T> Limbo<T> {
    /// Pieces after which a thread looks whether the collector has moved on.
    const BATCH: usize = 64;
    /// Bytes after which it does.
    const BATCH_BYTES: usize = 1 << 20;
    /// Pieces that it frees then, and no more.
    pub const TURN: usize = 4 * Self::BATCH;

    /// Adds a piece of memory; `true`: it is time to [`Limbo::turn`].
    #[inline]
    pub fn push(&mut self, piece: T, bytes: usize) -> bool {
        self.open.push(piece);
        self.open_bytes += bytes;
        self.open.len().is_multiple_of(Self::BATCH) || self.open_bytes >= Self::BATCH_BYTES
    }

    /// Calls `free` for what nobody can be reading any more, at most `most` pieces.
    pub fn turn(&mut self, quarantine: &Quarantine, most: usize, mut free: impl FnMut(T)) {
        let mut left = most;
        while quarantine.has_passed(self.since) {
            let n = left.min(self.sealed.len());
            self.sealed.drain(self.sealed.len() - n..).for_each(&mut free);
            left -= n;
            if left == 0 || self.open.is_empty() {
                break;
            }
            self.since = quarantine.now();
            std::mem::swap(&mut self.open, &mut self.sealed);
            self.open_bytes = 0;
        }
    }

    /// Nothing waits.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty() && self.sealed.is_empty()
    }
}
