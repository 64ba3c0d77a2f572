//! The collector that finds garbage beside the mutators and proves it in short stops.
//!
//! 1. The *sieve* walks the heap while mutators run. What it finds alive is old from then on; the rest
//!    are candidates.
//! 2. Candidates that lead to each other are put into batches.
//! 3. A batch that is private to one thread goes to that thread, which proves it at a safepoint. For any
//!    other, all threads are brought to a safepoint, for no longer than a bounded time (the *rendezvous*);
//!    then the batch is proved, and what is dead is seized. A batch for which not all threads came in time
//!    is tried again, with more time, and given up after [`TRIES`].
//!
//! With [`Strategy::Concurrent`] the batches of objects that change only under locks are *watched* instead
//! ([`watch`]), and nobody is stopped for them.
//!
//! So the length of a stop depends on the batch and not on the heap, and most batches need none. One
//! component is one batch, however large. Objects born meanwhile are no members: what they refer to is
//! simply held from outside, so mutators need no barrier.
//!
//! Sources: trial deletion on true counts as in [`super::stop`]; Bacon, Rajan, "Concurrent cycle
//! collection in reference counted systems", ECOOP 2001, for proving candidates apart from finding them.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;
use typhon_sync::prim::Ordering;

use typhon_sync::header::{Header, OwnerId, gc_bits};

use super::candidates::{Batch, Prover, batches};
use super::crew::Shift;
use super::graph::{Beside, Divided, Pace, Scope, Sieve, is_readable};
use super::teardown::Garbage;
use super::{Collector, Host, Strategy, Trace, watch};
use crate::pauses::Watch;
use crate::policy::{self, Generation};

/// Objects in a batch, which are proved and taken apart in one go.
const BATCH: usize = 1024;
/// How long the first try waits for the threads; each further one waits twice as long.
const WAIT: Duration = Duration::from_micros(200);
/// Tries to bring all threads together for one batch.
const TRIES: u32 = 8;
/// Searches of which one stops the world for what others left undecided.
const UNDECIDED_STOPS_EVERY: u32 = 4;
/// Shifts of which one has a helper however small the heap is, where proofs are doubted.
const DOUBTED_HELP_EVERY: u32 = 8;

/// What a search did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Objects that the sieve looked at.
    pub members: usize,
    /// Of them, those that it did not find alive.
    pub candidates: usize,
    /// Objects in batches that went to their owners.
    pub private: usize,
    /// Objects proved dead by watching.
    pub watched: usize,
    /// Batches of which some object was touched while it was watched.
    pub undecided: usize,
    /// Objects proved dead by watching that were looked at again in a stop.
    pub doubted: usize,
    /// Of them, those that a stop did not find dead: none, if this collector is right.
    pub disagreements: usize,
    /// Objects proved dead in stops.
    pub seized: usize,
    /// Stops that proved a batch.
    pub stops: usize,
    /// Stops that were given up because a thread did not come.
    pub misses: usize,
    /// Batches that were given up.
    pub abandoned: usize,
}

impl std::ops::AddAssign for Search {
    fn add_assign(&mut self, other: Search) {
        self.members += other.members;
        self.candidates += other.candidates;
        self.private += other.private;
        self.watched += other.watched;
        self.undecided += other.undecided;
        self.doubted += other.doubted;
        self.disagreements += other.disagreements;
        self.seized += other.seized;
        self.stops += other.stops;
        self.misses += other.misses;
        self.abandoned += other.abandoned;
    }
}

/// What the batches of a search have in common: a word for each slot of the heap. Giving that back takes a
/// while, which the searching thread has and a mutator has not, so it should be the last to drop it.
pub struct Shared(Arc<Sieve<'static>>);

impl Shared {
    /// Has every other thread dropped its batches?
    pub fn is_mine(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

/// Work for a mutator: one batch.
pub enum Portion {
    /// To be proved and taken apart by one thread; see [`Portion::owner`].
    Suspect(Suspect),
    /// To be taken apart by any thread.
    Garbage(Garbage),
}

/// A batch that is private to one thread.
pub struct Suspect {
    batch: Batch,
    owner: OwnerId,
}

impl Portion {
    /// The only thread that may take the portion; `None`: any.
    pub fn owner(&self) -> Option<OwnerId> {
        match self {
            Portion::Suspect(suspect) => Some(suspect.owner),
            Portion::Garbage(_) => None,
        }
    }
}

impl Suspect {
    /// What is proved dead, on the owner's thread.
    pub(super) fn prove<H: Host>(self, collector: &Collector, host: &mut H) -> Garbage {
        let dead = self.batch.prove(&host.tracer(), |_| {}).dead().collect();
        Garbage::keep(collector, host, dead, true)
    }
}

/// Finds garbage beside the mutators; `deliver` gets it in portions, to be handed to a mutator that takes
/// it apart. The calling thread is attached, and runs no destructor.
pub(super) fn search<H: Host>(
    collector: &Collector,
    host: &mut H,
    generation: Generation,
    mut deliver: impl FnMut(&mut H, Portion),
) -> (Search, Shared) {
    let heap = collector.heap;
    let mut search = Search::default();
    let births = heap.young().max(0) as usize;
    heap.reset_young();
    host.begin_beside();
    let (shared, batches) = sieve(collector, host, generation, &mut search);
    host.end_beside();
    collector.policy.note(
        generation,
        policy::Found {
            births,
            survivors: search.members - search.candidates,
            unreachable: search.candidates,
            old_deaths: heap.take_old_deaths(),
        },
    );
    let watches = collector.strategy() == Strategy::Concurrent && host.can_watch();
    let mut to_watch = Vec::new();
    let mut to_stop = Vec::new();
    for batch in batches {
        match batch.prover {
            Prover::Owner(owner) => {
                search.private += batch.len();
                deliver(host, Portion::Suspect(Suspect { batch, owner }));
            }
            Prover::Watch if watches => to_watch.push(batch),
            Prover::Watch | Prover::Stop | Prover::StopWithRoots => to_stop.push(batch),
        }
    }
    if !to_watch.is_empty() {
        let undecided = watch_all(collector, host, generation, to_watch, &mut search, &mut deliver);
        // ORDERING Relaxed: one search at a time.
        let searches = collector.searches.load(Ordering::Relaxed);
        // What is touched again and again may be garbage all the same: weak references can be read for ever.
        if searches.is_multiple_of(UNDECIDED_STOPS_EVERY) {
            to_stop.extend(undecided);
        }
    }
    for batch in to_stop {
        if let Some(garbage) = rendezvous(collector, host, generation, &batch, &mut search) {
            search.seized += garbage.len();
            deliver(host, Portion::Garbage(garbage));
        }
    }
    (search, shared)
}

/// Proves batches by watching, and delivers what is dead. Returns those on which it could not decide.
fn watch_all<H: Host>(
    collector: &Collector,
    host: &mut H,
    generation: Generation,
    batches: Vec<Batch>,
    search: &mut Search,
    deliver: &mut impl FnMut(&mut H, Portion),
) -> Vec<Batch> {
    for &object in batches.iter().flat_map(Batch::objects) {
        // SAFETY: the address of a slot, which is and stays a header (GC-H3).
        let object = unsafe { &*object };
        if is_readable(object) {
            host.disown(object);
        }
    }
    host.begin_beside();
    let mut undecided = Vec::new();
    let mut found = Vec::new();
    for batch in batches {
        let watched = watch::prove(collector, host, &batch);
        if !watched.dead.is_empty() {
            search.watched += watched.dead.len();
            found.push(Garbage::seize_condemned(collector, host, watched.dead));
        }
        if watched.undecided {
            search.undecided += 1;
            undecided.push(batch);
        }
    }
    host.end_beside();
    if host.doubts_proofs() && !found.is_empty() {
        prove_again(collector, host, generation, &found, search);
    }
    for garbage in found {
        deliver(host, Portion::Garbage(garbage));
    }
    undecided
}

/// Looks in a stop at what was proved by watching.
fn prove_again<H: Host>(
    collector: &Collector,
    host: &mut H,
    generation: Generation,
    found: &[Garbage],
    search: &mut Search,
) {
    let watch = Watch::start();
    if !host.try_stop_world(WAIT * (1 << TRIES)) {
        return;
    }
    let tracer = host.tracer();
    for garbage in found {
        search.doubted += garbage.len();
        search.disagreements += garbage.unexplained(collector.heap, &tracer);
    }
    host.resume_world();
    collector.policy.record_stop(generation, &watch);
}

/// Proves a batch in a stop that its owner did not come to prove.
pub(super) fn prove_for_owner<H: Host>(
    collector: &Collector,
    host: &mut H,
    generation: Generation,
    mut suspect: Suspect,
    search: &mut Search,
) -> Option<Garbage> {
    suspect.batch.prover = Prover::Stop;
    rendezvous(collector, host, generation, &suspect.batch, search)
}

/// The searching thread.
struct Quanta<'h, H> {
    host: &'h mut H,
    shifts: Cell<u32>,
}

impl<H: Host> Beside for Quanta<'_, H> {
    fn breathe(&mut self) {
        self.host.breathe();
    }

    fn shift(&self, slots: usize) -> Shift {
        let end = self.host.next_breath();
        self.shifts.set(self.shifts.get().wrapping_add(1));
        // Now and then, since who is doubted has no processor to spare, and waits for the helper.
        if self.host.doubts_proofs() && self.shifts.get().is_multiple_of(DOUBTED_HELP_EVERY) {
            Shift::with_helper(end)
        } else {
            Shift::of_quantum(slots, self.host.running_mutators(), end)
        }
    }
}

/// The racy part: batches of candidates.
fn sieve<H: Host>(
    collector: &Collector,
    host: &mut H,
    generation: Generation,
    search: &mut Search,
) -> (Shared, Vec<Batch>) {
    let tracer = host.tracer_beside();
    // ORDERING Relaxed: one search at a time.
    let turn = collector.searches.fetch_add(1, Ordering::Relaxed);
    let suspect_all = host.doubts_proofs() && turn.is_multiple_of(2);
    let scope = if generation == Generation::Full { Scope::Full } else { Scope::Young };
    let mut quanta = Quanta { host, shifts: Cell::new(0) };
    let pace = &mut Pace::Beside(&mut quanta);
    let sieve = Sieve::of_heap(collector.heap, scope, pace);
    if !(scope == Scope::Young && suspect_all) {
        sieve.subtract(&tracer, false, pace);
        sieve.propagate(&tracer, pace);
    }
    let Divided { members, unreached } = sieve.divide(pace, grow_old);
    sieve.clean_blocks(pace);
    search.members += members;
    search.candidates = unreached.len();
    let weak = |object: &Header, visit: &mut dyn FnMut(*const Header)| {
        collector.weakrefs.for_each(object, |weak| visit(weak));
    };
    let sieve = Arc::new(sieve);
    let batches = batches(&sieve, scope, &unreached, &tracer, BATCH, pace, weak);
    (Shared(sieve), batches)
}

/// Stops the world for one batch, proves it, and seizes what is dead.
fn rendezvous<H: Host>(
    collector: &Collector,
    host: &mut H,
    generation: Generation,
    batch: &Batch,
    search: &mut Search,
) -> Option<Garbage> {
    for attempt in 0..TRIES {
        let watch = Watch::start();
        if !host.try_stop_world(WAIT * (1 << attempt)) {
            search.misses += 1;
            host.rest(WAIT);
            continue;
        }
        let tracer = host.tracer();
        let proved = batch.prove(&tracer, |visit| {
            host.stack_roots(visit);
            collector.heap.for_each_tracked(|object| {
                if batch.place_of(object).is_none() {
                    tracer.trace_uncounted(object, &mut *visit);
                }
            });
        });
        let garbage =
            Garbage::seize(collector, host, proved.dead().collect(), |object| proved.is_dead(object));
        host.resume_world();
        search.stops += 1;
        collector.policy.record_stop(generation, &watch);
        return Some(garbage).filter(|garbage| !garbage.is_empty());
    }
    search.abandoned += 1;
    None
}

/// Puts a survivor into the old generation, if it still lives.
pub(super) fn grow_old(object: &Header) {
    // ORDERING Relaxed: a hint for the next collection.
    if is_readable(object) && object.gc.load(Ordering::Relaxed) & gc_bits::OLD == 0 {
        // ORDERING Relaxed: as above; a read-modify-write, since mutators change other bits.
        object.gc.fetch_or(gc_bits::OLD, Ordering::Relaxed);
    }
}
