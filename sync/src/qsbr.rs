//! Quiescent-state-based reclamation: memory that lock-free readers may still look at is freed only
//! after every attached thread has passed a safepoint.
//!
//! A reader pays nothing. Each thread has a *seat* with the last sequence number it has seen at a
//! quiescent point; 0 means offline (detached). Retired memory is tagged with a *goal*; once every
//! seat is 0 or has reached the goal, nobody can still hold a pointer from before.
//!
//! Source: McKenney & Slingwine, "Read-Copy Update", PDCS 1998; Hart et al., "Performance of memory
//! reclamation for lockless synchronization", JPDC 2007. Deviations: quiescent points are reached on
//! demand (a breaker bit), and offline is the same step as detaching.

use super::prim::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use super::prim::{AtomicU64, AtomicUsize, CachePadded, Mutex, fence, lock};
use super::rules;
use std::collections::VecDeque;

const STEP: u64 = 2;
const FIRST: u64 = 1;

/// Bytes that may wait on a thread's list before it looks for a grace period.
pub const BYTE_LIMIT: usize = 1 << 20;
/// Blocks that may wait on a thread's list before it looks for a grace period.
pub const BLOCK_LIMIT: usize = 64;

/// A thread's announcement: 0 offline, else the sequence number of its last quiescent point.
#[derive(Default)]
pub struct Seat {
    seen: CachePadded<AtomicU64>,
}

impl Seat {
    /// Is this thread online and behind `goal`?
    pub fn lags(&self, goal: u64) -> bool {
        // ORDERING Relaxed: a hint whom to hurry.
        let seen = self.seen.load(Relaxed);
        seen != 0 && seen < goal
    }
}

/// Frees a block: address and size in bytes, as given to `retire`.
pub type Free = unsafe fn(*mut u8, usize);

/// Memory that waits for a grace period.
pub struct Retired {
    address: *mut u8,
    bytes: usize,
    free: Free,
    /// May be freed once this number is reached; not yet known while the batch is open.
    goal: u64,
}

// SAFETY: a retired block belongs to whoever holds this value; `free` may run on any thread.
unsafe impl Send for Retired {}

impl Retired {
    /// Frees the block.
    ///
    /// # Safety
    /// The goal has been reached.
    pub unsafe fn free(self) {
        // SAFETY: `retire`'s caller promised that `free` takes exactly these arguments; the goal
        // has been reached, so no reader is left.
        unsafe { (self.free)(self.address, self.bytes) }
    }
}

/// A thread's retired blocks: an open batch without a goal, and sealed ones that wait for theirs.
///
/// The goal is taken by the read-modify-write that *ends* the batch, after every unlinking in it. A
/// goal predicted from a load could be reached by an epoch that another thread started before our
/// unlinking became visible (QS-3).
#[derive(Default)]
pub struct RetireList {
    open: Vec<Retired>,
    sealed: VecDeque<Retired>,
    open_bytes: usize,
}

impl RetireList {
    /// Adds a block; `true`: enough waits to look for a grace period.
    pub fn push(&mut self, address: *mut u8, bytes: usize, free: Free) -> bool {
        self.open.push(Retired { address, bytes, free, goal: 0 });
        self.open_bytes += bytes;
        self.open_bytes > BYTE_LIMIT || self.open.len() >= BLOCK_LIMIT
    }

    /// Gives the open batch a goal; returns the newest goal anything waits for.
    pub fn seal(&mut self, qsbr: &Qsbr) -> Option<u64> {
        if !self.open.is_empty() {
            let goal = qsbr.advance();
            self.open_bytes = 0;
            self.sealed.extend(self.open.drain(..).map(|block| Retired { goal, ..block }));
        }
        self.sealed.back().map(|block| block.goal)
    }

    /// Takes the sealed blocks whose goal `is_reached`.
    pub fn ripe(&mut self, mut is_reached: impl FnMut(u64) -> bool) -> Vec<Retired> {
        let mut known = 0;
        let n = self.sealed.iter().take_while(|block| {
            let ripe = block.goal <= known || is_reached(block.goal);
            known = if ripe { known.max(block.goal) } else { known };
            ripe
        });
        let n = n.count();
        self.sealed.drain(..n).collect()
    }

    /// Takes everything, sealed.
    pub fn take_all(&mut self, qsbr: &Qsbr) -> Vec<Retired> {
        self.seal(qsbr);
        self.sealed.drain(..).collect()
    }

    /// Blocks that wait.
    pub fn len(&self) -> usize {
        self.open.len() + self.sealed.len()
    }

    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The sequence numbers all threads share.
pub struct Qsbr {
    /// Number of the current epoch; grows by [`STEP`].
    write: CachePadded<AtomicU64>,
    /// A number that every seat is known to have reached.
    read: CachePadded<AtomicU64>,
    orphans: Mutex<Vec<Retired>>,
    n_orphans: AtomicUsize,
}

impl Default for Qsbr {
    fn default() -> Qsbr {
        Qsbr::new()
    }
}

impl Qsbr {
    pub fn new() -> Qsbr {
        Qsbr {
            write: CachePadded::new(AtomicU64::new(FIRST)),
            read: CachePadded::new(AtomicU64::new(FIRST)),
            orphans: Mutex::new(Vec::new()),
            n_orphans: AtomicUsize::new(0),
        }
    }

    /// The thread may read shared memory from now on.
    pub fn online(&self, seat: &Seat) {
        // ORDERING Acquire: unlinking that came before this number is visible.
        let now = self.write.load(Acquire);
        // ORDERING Relaxed: the fence orders it.
        seat.seen.store(now, Relaxed);
        if rules::ONLINE_FENCE {
            // ORDERING SeqCst fence: Dekker pair with `reached`: either the scanner sees us online,
            // or our reads see what it unlinked (QS-1).
            fence(SeqCst);
        }
    }

    /// The thread holds no pointer into shared memory until it goes online again.
    pub fn offline(&self, seat: &Seat) {
        // ORDERING Release: our reads come before the free; pairs with `reached` (QS-2).
        seat.seen.store(0, Release);
    }

    /// The thread holds no pointer from before this point.
    pub fn quiescent(&self, seat: &Seat) {
        // ORDERING Acquire: as in `online`.
        let now = self.write.load(Acquire);
        // ORDERING Release: as in `offline`.
        seat.seen.store(now, rules::QUIESCENT);
    }

    /// Starts a new epoch and returns its number: a goal for everything unlinked before.
    pub fn advance(&self) -> u64 {
        // ORDERING AcqRel: Release: unlinking comes before the number; pairs with `online`,
        // `quiescent`. Acquire: keeps the chain of earlier epochs.
        self.write.fetch_add(STEP, AcqRel) + STEP
    }

    /// Has every one of `seats` passed `goal`?
    pub fn reached<'a>(&self, goal: u64, seats: impl Iterator<Item = &'a Seat>) -> bool {
        // ORDERING Acquire: pairs with the `fetch_max` below: what the scanner knew, we know.
        if self.read.load(Acquire) >= goal {
            return true;
        }
        // ORDERING Acquire: the unlinking of every epoch up to this one is ordered before the fence.
        let mut oldest = self.write.load(Acquire);
        // ORDERING SeqCst fence: pairs with `online` (QS-1).
        fence(SeqCst);
        for seat in seats {
            // ORDERING Acquire: the reads before that quiescent point come before our free (QS-2).
            let seen = seat.seen.load(Acquire);
            if seen != 0 {
                oldest = oldest.min(seen);
            }
        }
        // ORDERING AcqRel: hands this knowledge to the next caller.
        self.read.fetch_max(oldest, AcqRel);
        oldest >= goal
    }

    /// Leaves `blocks` of an exiting thread to the others.
    pub fn adopt(&self, blocks: Vec<Retired>) {
        if blocks.is_empty() {
            return;
        }
        let mut orphans = lock(&self.orphans);
        orphans.extend(blocks);
        // ORDERING Relaxed: a hint; the lock protects the list.
        self.n_orphans.store(orphans.len(), Relaxed);
    }

    /// Takes the orphaned blocks whose goal `is_reached`.
    pub fn ripe_orphans(&self, mut is_reached: impl FnMut(u64) -> bool) -> Vec<Retired> {
        // ORDERING Relaxed: a hint; the lock protects the list.
        if self.n_orphans.load(Relaxed) == 0 {
            return Vec::new();
        }
        let mut orphans = lock(&self.orphans);
        let (ripe, rest) = std::mem::take(&mut *orphans).into_iter().partition(|b| is_reached(b.goal));
        *orphans = rest;
        // ORDERING Relaxed: as above.
        self.n_orphans.store(orphans.len(), Relaxed);
        ripe
    }
}

/// What the embedder needs of safe memory reclamation, per thread. [`super::thread::ThreadCtx`] is
/// the shipped implementation; the benches compare it with `crossbeam-epoch`.
pub trait Smr {
    /// May read shared memory from now on.
    fn online(&self);
    /// Holds no pointer into shared memory until it goes online again.
    fn offline(&self);
    /// Holds no pointer from before this point.
    fn quiescent(&self);
    /// Frees `bytes` at `address` with `free` once no reader can be left.
    ///
    /// # Safety
    /// - The block is unlinked: a reader that starts now cannot find it;
    /// - `free(address, bytes)` may run once, on any thread, at any later time.
    unsafe fn retire(&self, address: *mut u8, bytes: usize, free: Free);
    /// Starts a new epoch; returns the goal for everything that this thread unlinked before.
    fn advance(&self) -> u64;
    /// Has every thread passed `goal`?
    fn reached(&self, goal: u64) -> bool;
}
