//! Cycle collection: what a collector needs to know about objects, and the collectors.

mod candidates;
mod cells;
mod crew;
mod freeze;
pub(crate) mod graph;
mod marking;
mod own;
mod rendezvous;
mod stop;
mod teardown;
mod watch;

use std::time::{Duration, Instant};
use typhon_sync::prim::{AtomicBool, AtomicU32, Ordering};

use typhon_sync::header::{Header, OwnerId};

use crate::heap::{Heap, LocalHeap};
use crate::policy::{Generation, Policy};
use crate::weakref::WeakTable;

pub use freeze::{freeze, frozen_count, unfreeze};
pub use rendezvous::{Portion, Search, Shared, Suspect};
pub use teardown::Garbage;

/// What objects refer to. Called by any thread, also by several at a time: while the world is stopped, by
/// the owner of private objects, or, through [`Host::tracer_beside`], beside mutators.
///
/// `visit` takes addresses of headers inside the heap or outside it; null and others are ignored.
pub trait Trace: Sync {
    /// A field that may hold a reference.
    type Slot;

    /// Visits every reference that `object` holds **and counts**, once per count. To leave one out
    /// is safe (its target looks alive); to report one that is not counted is not.
    fn trace(&self, object: &Header, visit: impl FnMut(*const Header));

    /// Visits what `object` keeps alive without counting it: an instance's class, and the like.
    /// Targets must be DEFERRED, and `object` must be TRACKED.
    fn trace_uncounted(&self, object: &Header, visit: impl FnMut(*const Header)) {
        let _ = (object, visit);
    }

    /// Whether every change of the references in `object` is made by its owner, or marked by
    /// [`Header::mark_change`] first. Such an object can be proved garbage by its owner alone.
    fn is_confined(&self, object: &Header) -> bool {
        let _ = object;
        false
    }

    /// Whether [`Host::finalize`] would do anything for `object`.
    fn has_finalizer(&self, object: &Header) -> bool;

    /// What there is to know of an object that [is confined](Trace::is_confined), for its owner.
    fn confined<'a>(&self, object: &'a Header) -> Option<Confined<'a, Self::Slot>>;

    /// What a slot refers to, if that is counted, and not of a deferred kind; null may stand for nothing.
    fn referent(slot: &Self::Slot) -> Option<*const Header>;
}

/// See [`Trace::confined`].
pub struct Confined<'a, S> {
    /// [`Trace::has_finalizer`]
    pub has_finalizer: bool,
    /// The slots with all its references; `None`: [`Trace::trace`] finds them.
    pub rows: Option<[&'a [S]; 2]>,
}

/// The runtime, as the collecting thread sees it.
pub trait Host {
    /// Reads objects.
    type Tracer: Trace;

    /// The tracer; a handle without state, or a copy of one.
    fn tracer(&self) -> Self::Tracer;

    /// As [`Host::tracer`], for reading beside mutators: it may leave references out, and passes over
    /// what is being changed.
    fn tracer_beside(&self) -> Self::Tracer {
        self.tracer()
    }

    /// The id under which this thread counts references.
    fn me(&self) -> OwnerId;

    /// From now until [`Host::end_beside`] this thread reads the heap while mutators run: memory that
    /// they free must stay readable until the next breath. Returns when every mutator knows.
    fn begin_beside(&mut self) {}

    /// A point at which this thread keeps addresses only: mutators may use freed memory anew, stops and
    /// other requests are served, others get the processor.
    fn breathe(&mut self) {}

    /// When the next breath is due.
    fn next_breath(&self) -> Instant {
        Instant::now()
    }

    /// Other threads that need a processor at this moment, between [`Host::begin_beside`] and its end.
    fn running_mutators(&self) -> usize {
        usize::MAX
    }

    /// Ends [`Host::begin_beside`].
    fn end_beside(&mut self) {}

    /// As [`Host::stop_world`], without draining merge queues; false, and everything goes on, if not all
    /// threads have come within `limit`.
    fn try_stop_world(&mut self, limit: Duration) -> bool {
        let _ = limit;
        self.stop_world();
        true
    }

    /// Whether every change of a [confined](Trace::is_confined) object without an owner is made under its lock,
    /// so that objects can be watched.
    fn can_watch(&self) -> bool {
        false
    }

    /// Asks the owner of an object to give it up, if it has one. Done when [`Host::begin_beside`] returns next, if it can be.
    fn disown(&mut self, object: &Header) {
        let _ = object;
    }

    /// Whether every proof by watching is to be made again in a stop, that of private garbage at once, and every
    /// second search of the young is to suspect everything, so that the living are proved, too. For finding
    /// errors of this collector.
    fn doubts_proofs(&self) -> bool {
        false
    }

    /// Lets mutators run for about `time`.
    fn rest(&mut self, time: Duration) {
        let _ = time;
    }

    /// Brings every other thread to a safepoint or finds it detached, with its merge queue drained
    /// and its stack stored. Counts and slots do not change until [`Host::resume_world`].
    fn stop_world(&mut self);

    /// Ends [`Host::stop_world`].
    fn resume_world(&mut self);

    /// May stacks hold objects without a count that are of no deferred kind ([`Header::is_shared`])?
    fn borrows(&self) -> bool {
        false
    }

    /// Visits the DEFERRED and the shared objects on the stacks of all threads, this one included (nothing else
    /// is uncounted there), and what objects that wait for their end keep alive without counting it. World
    /// stopped.
    fn stack_roots(&mut self, visit: &mut dyn FnMut(*const Header));

    /// Visits objects that live as long as the runtime and from which most others can be reached: a full
    /// collection need not prove that those are alive. World stopped.
    fn known_alive(&mut self, visit: &mut dyn FnMut(*const Header)) {
        let _ = visit;
    }

    /// Runs the finaliser of `object`; an exception in it is reported, not returned.
    fn finalize(&mut self, object: &Header);

    /// Drops what `object` refers to, as far as is needed to break cycles.
    fn clear(&mut self, object: &Header);

    /// Destroys garbage that the calling thread found among its private objects: each member has one reference
    /// more than other members hold; none has a weak reference or a finaliser.
    fn destroy_private(&mut self, members: &[*const Header]) {
        for &member in members {
            // SAFETY: pinned.
            self.clear(unsafe { &*member });
        }
        for &member in members {
            self.decref(member);
        }
    }

    /// Drops one reference, and destroys the object if it was the last.
    fn decref(&mut self, object: *const Header);

    /// Instead of [`Host::clear`], with [`Options::save_all`]: keep `object` for inspection. The
    /// host takes a reference of its own.
    fn save(&mut self, object: &Header) {
        let _ = object;
    }

    /// Whether the weak reference `weak` has a callback.
    fn weakref_has_callback(&self, weak: &Header) -> bool;

    /// Whether all weak references to `object` are emptied before finalisers run, and not only those with
    /// callbacks: then a finaliser finds none that leads back into the garbage.
    fn empties_early(&self, object: &Header) -> bool {
        let _ = object;
        false
    }

    /// Empties the weak reference `weak`. Runs under a lock: stores a word, nothing else.
    fn detach_weakref(&self, weak: &Header);

    /// Calls the callback of `weak`, if it has one; it is detached. The reference remains the caller's.
    fn call_weakref(&mut self, weak: &Header);
}

/// How garbage cycles are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Stop all threads, find everything, resume, destroy. The baseline.
    Stop,
    /// Find garbage beside the mutators, prove it in short stops.
    Rendezvous,
    /// Find garbage beside the mutators, and prove there, by watching, what they can only change under locks;
    /// the rest as before.
    Concurrent,
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
    /// Young objects that the collection of a thread's own left to others.
    pub left: usize,
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
    /// Searches so far.
    searches: AtomicU32,
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
            searches: AtomicU32::new(0),
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

    /// Takes the right to call [`Turn::collect`]. `None`: another collection has it, or the strategy is Off.
    pub fn try_begin(&self) -> Option<Turn<'_>> {
        // ORDERING Acquire: what the previous collection did is visible.
        let begun = self.strategy != Strategy::Off && !self.running.swap(true, Ordering::Acquire);
        // Not `then_some`: a turn that was made in vain would end another thread's when it is dropped.
        begun.then(|| Turn(self))
    }

    /// The thread whose turn it was does not run any more: in the child of a fork, or at the end of the process.
    pub fn end_turn_of_gone_thread(&self) {
        // ORDERING Relaxed: there is one thread.
        self.running.store(false, Ordering::Relaxed);
    }

    /// [`Turn::collect`], or [`Outcome::skipped`] where [`Collector::try_begin`] refuses.
    pub fn collect<H: Host>(&self, host: &mut H, generation: Generation, options: Options) -> Outcome {
        match self.try_begin() {
            Some(turn) => turn.collect(host, generation, options),
            None => Outcome { skipped: true, ..Outcome::default() },
        }
    }

    /// Finds garbage beside the mutators, on a thread that runs no Python code, and delivers it in
    /// portions for [`Collector::take_apart`]. One thread at a time, and not during a
    /// [`Turn::collect`]: the caller sees to that, and keeps what the portions share until all are taken apart.
    pub fn search<H: Host>(
        &self,
        host: &mut H,
        generation: Generation,
        deliver: impl FnMut(&mut H, Portion),
    ) -> (Search, Shared) {
        let start = Instant::now();
        let (search, shared) = rendezvous::search(self, host, generation, deliver);
        self.policy.record(generation, |stats| {
            stats.collections += 1;
            stats.candidates += search.members as u64;
            stats.duration += start.elapsed();
        });
        (search, shared)
    }

    /// Collects, on the calling thread and without a stop, the young objects that are private to it;
    /// `local` gives its share of the heap. Other threads may collect meanwhile; what this one takes apart is
    /// pinned, and so alive for them.
    pub fn collect_own<H: Host>(
        &self,
        host: &mut H,
        local: impl Fn(&mut H) -> &mut LocalHeap,
        options: Options,
    ) -> Outcome {
        own::collect(self, host, local, options)
    }

    /// Proves, by a stop, what its owner did not come for; by the searching thread.
    pub fn prove_for_owner<H: Host>(
        &self,
        host: &mut H,
        generation: Generation,
        suspect: Suspect,
        search: &mut Search,
    ) -> Option<Portion> {
        rendezvous::prove_for_owner(self, host, generation, suspect, search).map(Portion::Garbage)
    }

    /// Takes portions of garbage apart on the calling thread until `next` gives no more, with
    /// everything that [`Turn::collect`] says about that. Several threads may do so at once, and others
    /// may collect meanwhile; portions go to their owners.
    pub fn take_apart<H: Host>(
        &self,
        host: &mut H,
        generation: Generation,
        options: Options,
        mut next: impl FnMut() -> Option<Portion>,
    ) -> Outcome {
        let mut total = Outcome::default();
        while let Some(portion) = next() {
            let start = Instant::now();
            let garbage = match portion {
                Portion::Garbage(garbage) => garbage,
                Portion::Suspect(suspect) => suspect.prove(self, host),
            };
            let outcome = teardown::take_apart(self, host, generation, garbage, options);
            total.collected += outcome.collected;
            total.uncollectable += outcome.uncollectable;
            total.resurrected += outcome.resurrected;
            self.policy.record(generation, |stats| {
                stats.add_work(&outcome, start.elapsed());
            });
        }
        total
    }
}

/// The right to collect, which one thread has at a time; dropping it gives it back.
pub struct Turn<'a>(&'a Collector);

impl Turn<'_> {
    /// Collects on the calling thread, which runs finalisers, weak-reference callbacks and
    /// destructors after the world has been resumed. Exact for garbage that exists at the call and that
    /// nobody is taking apart.
    pub fn collect<H: Host>(&self, host: &mut H, generation: Generation, options: Options) -> Outcome {
        stop::collect(self.0, host, generation, options)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // ORDERING Release: pairs with the Acquire in `try_begin`.
        self.0.running.store(false, Ordering::Release);
    }
}
