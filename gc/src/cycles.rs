//! Cycle collection: what a collector needs to know about objects, and the collectors.

pub(crate) mod graph;
mod stop;

use std::sync::atomic::{AtomicBool, Ordering};

use typhon_sync::header::{Header, OwnerId};

use crate::heap::Heap;
use crate::policy::{Generation, Policy};
use crate::weakref::WeakTable;

pub use stop::{freeze, frozen_count, unfreeze};

/// What objects refer to. Called by any thread, also by several at a time, while the world is stopped.
///
/// `visit` takes addresses of headers inside the heap or outside it; null and others are ignored.
pub trait Trace: Sync {
    /// Visits every reference that `object` holds **and counts**, once per count. To leave one out
    /// is safe (its target looks alive); to report one that is not counted is not.
    fn trace(&self, object: &Header, visit: &mut dyn FnMut(*const Header));

    /// Visits what `object` keeps alive without counting it: an instance's class, and the like.
    /// Targets must be DEFERRED, and `object` must be TRACKED.
    fn trace_uncounted(&self, object: &Header, visit: &mut dyn FnMut(*const Header)) {
        let _ = (object, visit);
    }
}

/// The runtime, as the collecting thread sees it.
pub trait Host {
    /// Reads objects during a stop.
    type Tracer: Trace;

    /// The tracer; a handle without state, or a copy of one.
    fn tracer(&self) -> Self::Tracer;

    /// The id under which this thread counts references.
    fn me(&self) -> OwnerId;

    /// Brings every other thread to a safepoint or finds it detached, with its merge queue drained
    /// and its stack stored. Counts and slots do not change until [`Host::resume_world`].
    fn stop_world(&mut self);

    /// Ends [`Host::stop_world`].
    fn resume_world(&mut self);

    /// Visits the DEFERRED objects on the stacks of all threads, this one included (nothing else is
    /// uncounted there). World stopped.
    fn stack_roots(&mut self, visit: &mut dyn FnMut(*const Header));

    /// Whether [`Host::finalize`] would do anything for `object`. World stopped.
    fn has_finalizer(&self, object: &Header) -> bool;

    /// Runs the finaliser of `object`; an exception in it is reported, not returned.
    fn finalize(&mut self, object: &Header);

    /// Drops what `object` refers to, as far as is needed to break cycles.
    fn clear(&mut self, object: &Header);

    /// Drops one reference, and destroys the object if it was the last.
    fn decref(&mut self, object: *const Header);

    /// Instead of [`Host::clear`], with [`Options::save_all`]: keep `object` for inspection. The
    /// host takes a reference of its own.
    fn save(&mut self, object: &Header) {
        let _ = object;
    }

    /// Whether the weak reference `weak` has a callback.
    fn weakref_has_callback(&self, weak: &Header) -> bool;

    /// Empties the weak reference `weak`. Runs under a lock: stores a word, nothing else.
    fn detach_weakref(&self, weak: &Header);

    /// Calls the callback of `weak`, which is detached. The reference remains the caller's.
    fn call_weakref(&mut self, weak: &Header);
}

/// How garbage cycles are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Stop all threads, find everything, resume, destroy. The baseline.
    Stop,
    /// Never collect cycles.
    Off,
}

/// Flags of one collection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Garbage is handed to [`Host::save`] instead of being destroyed (`gc.DEBUG_SAVEALL`).
    pub save_all: bool,
}

/// What a collection did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// A collection was already running (or the strategy is Off): nothing was done.
    pub skipped: bool,
    /// Unreachable objects that were destroyed.
    pub collected: usize,
    /// Unreachable objects that were kept: those saved for inspection.
    pub uncollectable: usize,
    /// Objects that were looked at.
    pub candidates: usize,
    /// Unreachable objects that a finaliser or callback brought back, with all they refer to.
    pub resurrected: usize,
}

impl Outcome {
    /// What `gc.collect` returns.
    pub fn unreachable(&self) -> usize {
        self.collected + self.uncollectable
    }
}

/// The collector of one runtime: heap, weak references, policy, and the strategy in use.
pub struct Collector {
    /// Where the objects are.
    pub heap: &'static Heap,
    /// Their weak references.
    pub weakrefs: WeakTable,
    /// When to collect, and statistics.
    pub policy: Policy,
    strategy: Strategy,
    running: AtomicBool,
}

impl Collector {
    /// A collector over `heap`.
    pub fn new(heap: &'static Heap, strategy: Strategy) -> Collector {
        Collector {
            heap,
            weakrefs: WeakTable::new(),
            policy: Policy::new(),
            strategy,
            running: AtomicBool::new(false),
        }
    }

    /// The strategy in use.
    pub fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// Whether a thread that has just published `births` should ask for a collection.
    #[inline]
    pub fn is_due(&self, births: i64) -> bool {
        self.strategy != Strategy::Off && self.policy.is_due(births)
    }

    /// Whether a collection is running, finalisers included.
    pub fn is_running(&self) -> bool {
        // ORDERING Relaxed: a hint; `collect` decides by compare-exchange.
        self.running.load(Ordering::Relaxed)
    }

    /// Collects on the calling thread, which runs finalisers, weak-reference callbacks and
    /// destructors after the world has been resumed. Exact for garbage that exists at the call.
    /// [`Outcome::skipped`] if called from inside a collection (from a finaliser, or by a thread
    /// that runs while another one's finalisers do).
    pub fn collect<H: Host>(&self, host: &mut H, generation: Generation, options: Options) -> Outcome {
        // ORDERING Acquire: what the previous collection did is visible.
        let entered = self.running.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
        if self.strategy == Strategy::Off || entered.is_err() {
            if entered.is_ok() {
                // ORDERING Release: pairs with the Acquire above.
                self.running.store(false, Ordering::Release);
            }
            return Outcome { skipped: true, ..Outcome::default() };
        }
        let outcome = stop::collect(self, host, generation, options);
        // ORDERING Release: pairs with the Acquire above.
        self.running.store(false, Ordering::Release);
        outcome
    }
}
