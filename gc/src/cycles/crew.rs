//! Threads that help the collecting one with a pass over the heap: in a stop, or for one quantum of a search
//! beside mutators.
//!
//! Nobody helps beyond a quantum: what a helper reads is protected by the quantum of the thread that it helps,
//! which waits for all of them before it takes a breath.

use std::hint::spin_loop;
use std::sync::OnceLock;
use std::time::Instant;
use typhon_sync::prim::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use typhon_sync::passage;

/// Slots from which on a pass over the heap is worth waking others for.
const WORTHWHILE: usize = 1 << 19;
/// More threads than these would wait for memory.
const MOST: usize = 8;
/// How often a thread looks for the last helper before it sleeps: some ten microseconds.
const LOOKS: u32 = 1000;

/// Who takes part in a pass, and for how long: until the pass ends, or the quantum.
pub(crate) struct Shift {
    /// Threads beside the calling one.
    helpers: usize,
    until: Option<Instant>,
}

impl Shift {
    /// In a stop: as many as there are processors, for a heap of so many slots.
    pub fn of_stop(slots: usize) -> Shift {
        Shift { helpers: if slots < WORTHWHILE { 0 } else { processors() - 1 }, until: None }
    }

    /// Until the end of a quantum: processors that `mutators` leave.
    pub fn of_quantum(slots: usize, mutators: usize, end: Instant) -> Shift {
        let helpers = if slots < WORTHWHILE { 0 } else { (processors() - 1).saturating_sub(mutators) };
        Shift { helpers, until: Some(end) }
    }

    /// Until the end of a quantum, with a helper however little there is to do. For finding errors.
    pub fn with_helper(end: Instant) -> Shift {
        Shift { helpers: (processors() - 1).min(1), until: Some(end) }
    }

    /// The calling thread works alone.
    pub fn is_alone(&self) -> bool {
        self.helpers == 0
    }

    /// Is it time for a breath?
    #[inline]
    pub fn is_over(&self) -> bool {
        self.until.is_some_and(|end| Instant::now() >= end)
    }

    /// Calls `work` on every thread of the shift, and returns when all have.
    pub fn run(&self, work: impl Fn() + Sync) {
        match if self.is_alone() { None } else { pool() } {
            None => work(),
            Some(pool) => {
                let working = AtomicUsize::new(self.helpers);
                pool.in_place_scope(|scope| {
                    for _ in 0..self.helpers {
                        scope.spawn(|_| {
                            work();
                            // ORDERING Relaxed: a hint; the scope orders what was done.
                            working.fetch_sub(1, Ordering::Relaxed);
                        });
                    }
                    work();
                    // All are about to end, and to be woken takes a good part of a quantum.
                    // ORDERING Relaxed: as above.
                    for _ in (0..LOOKS).take_while(|_| working.load(Ordering::Relaxed) > 0) {
                        spin_loop();
                    }
                });
            }
        }
    }
}

/// Processors that collections use, at least one.
fn processors() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| std::thread::available_parallelism().map_or(1, |n| n.get().min(MOST)))
}

/// The helpers, started by the first pass that wants some; `None`: the system refuses them. Those of a process
/// that has forked are not its child's.
fn pool() -> Option<&'static rayon::ThreadPool> {
    static POOL: Mutex<Option<(u32, &rayon::ThreadPool)>> = Mutex::new(None);
    let mut pool = POOL.lock();
    let me = std::process::id();
    if let Some((process, pool)) = *pool
        && process == me
    {
        return Some(pool);
    }
    let builder = rayon::ThreadPoolBuilder::new().num_threads(processors() - 1).spawn_handler(|helper| {
        let builder = std::thread::Builder::new().name(format!("gc-{}", helper.index()));
        passage::spawn(builder, |beginning| {
            drop(beginning);
            helper.run();
        })
        .map(drop)
    });
    let made = builder.build().ok()?;
    let made: &rayon::ThreadPool = Box::leak(Box::new(made));
    *pool = Some((me, made));
    Some(made)
}
