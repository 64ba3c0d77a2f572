//! `-X refcount=deferred`: objects that several threads read often are borrowed instead of counted.
//!
//! Counting an object of another thread writes to the line that its readers need. So every
//! [`SHARE_EVERY`]th time that a thread does it, it makes the object *shared* (`typhon_sync::shared`): handlers that
//! load it leave it uncounted on the stack ([`crate::sharing::borrow`]), and it no longer dies when its count falls
//! to zero. It is *retired* then, and the reaper decides: with the world stopped it dies if no count and no stack
//! names it. Until then it can still be found through weak references.
//!
//! Who reaps: the collector's thread, [`REAP_EVERY`] after the first object has retired; a thread at a safepoint, if
//! more than [`MANY`] wait; and whoever calls `gc.collect()`, which leaves none that is dead. Finalisers run in a
//! thread of the program, as for garbage of the collector.
//!
//! What only dead objects refer to dies with them and not one stop later, so a chain does not take a stop for each
//! of its links.

use std::collections::{HashMap, HashSet};
use std::time::Duration;
use typhon_sync::prim::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use typhon_gc::Trace;
use typhon_sync::count::Fate;
use typhon_sync::header::Header;
use typhon_sync::{Mode, OwnerId, Reaped};

use crate::collect::Tracer;
use crate::interp::eval;
use crate::runtime::{Refcount, Runtime, rt};
use crate::thread::{self, Thread};

/// Objects of strangers that a thread counts before it makes one of them shared: so many that what is handed from
/// thread to thread hardly ever is. A prime, so that it does not keep step with loops.
const SHARE_EVERY: u32 = 251;
/// How long retired objects wait for the reaper, at the longest about.
pub(crate) const REAP_EVERY: Duration = Duration::from_millis(20);
/// How long the reaper waits for all threads to stop; if they do not, it comes again.
const STOP_LIMIT: Duration = Duration::from_micros(500);
/// Retired objects with which a thread reaps itself.
const MANY: usize = 4096;
/// Objects looked at in one stop to find what dies with the dead.
const MOST_FOLLOWED: usize = 4096;
/// Stops of one `gc.collect()`, which finalisers could prolong for ever.
const MOST_STOPS: usize = 10_000;

/// What the reaper has to decide about, and what it did.
#[derive(Default)]
pub struct Reaper {
    retired: Mutex<Vec<Retired>>,
    /// How many those are: changed under the lock.
    waiting: AtomicUsize,
    shared: AtomicU64,
    reaped: AtomicU64,
    stops: AtomicU64,
}

struct Retired(*mut Header);
// SAFETY: an address; the reaper is the only one who ends what stands there.
unsafe impl Send for Retired {}

/// What [`sys._gc_stats`](crate::sysmod) says of the reaper. All since the start of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Objects that were made shared.
    pub shared: u64,
    /// Objects that wait for a decision.
    pub waiting: u64,
    /// Objects that were found dead.
    pub reaped: u64,
    /// Times that the world was stopped.
    pub stops: u64,
}

impl Reaper {
    /// Does nothing wait?
    pub(crate) fn is_idle(&self) -> bool {
        // ORDERING Relaxed: a hint; who retires an object sees to it that somebody comes.
        self.waiting.load(Ordering::Relaxed) == 0
    }

    /// Do so many objects wait that a thread should not leave it to the collector's?
    pub(crate) fn is_due(&self) -> bool {
        // ORDERING Relaxed: as above.
        self.waiting.load(Ordering::Relaxed) >= MANY
    }

    /// Visits what waits. The world is stopped.
    pub(crate) fn for_each_retired(&self, mut visit: impl FnMut(&Header)) {
        // SAFETY: a retired object is there until the reaper finds it dead.
        self.retired.lock().iter().for_each(|retired| visit(unsafe { &*retired.0 }));
    }

    pub fn totals(&self) -> Totals {
        // ORDERING Relaxed: statistics.
        Totals {
            shared: self.shared.load(Ordering::Relaxed),
            waiting: self.waiting.load(Ordering::Relaxed) as u64,
            reaped: self.reaped.load(Ordering::Relaxed),
            stops: self.stops.load(Ordering::Relaxed),
        }
    }
}

/// How often a thread makes an object shared; 0: never.
pub(crate) fn share_every(rt: &Runtime) -> u32 {
    match rt.config.refcount {
        Refcount::Deferred if rt.config.zeal > 0 => 1,
        Refcount::Deferred => SHARE_EVERY,
        Refcount::Biased | Refcount::Atomic => 0,
    }
}

/// The calling thread has just taken a count of `object`, perhaps a stranger's, and still has it.
#[inline]
pub(crate) fn note_count(object: &Header) {
    let th = thread::current_ptr();
    if th.is_null() {
        return;
    }
    // SAFETY: the current thread is valid; the field is its own.
    let until_shared = unsafe { &mut (*th).until_shared };
    match *until_shared {
        0 => {}
        1 => {
            *until_shared = share_every(rt());
            share(object);
        }
        n => *until_shared = n - 1,
    }
}

#[cold]
fn share(object: &Header) {
    if object.owner() == thread::me() || object.is_immortal() || object.is_shared() {
        return;
    }
    // ORDERING Relaxed: a statistic.
    rt().reaper.shared.fetch_add(1, Ordering::Relaxed);
    if object.share() == Fate::Queue {
        // SAFETY: the count that sharing added is the queue's.
        unsafe { crate::runtime::enqueue(core::ptr::from_ref(object).cast_mut()) }
    }
}

/// The count of a shared object has fallen to zero. Called once until the reaper has decided.
#[cold]
pub(crate) fn retire(th: &mut Thread, object: *mut Header) {
    let reaper = &th.rt.reaper;
    let waiting = {
        let mut retired = reaper.retired.lock();
        retired.push(Retired(object));
        // ORDERING Relaxed: a hint for those who hold no lock.
        reaper.waiting.store(retired.len(), Ordering::Relaxed);
        retired.len()
    };
    if waiting.is_power_of_two() {
        crate::collect::reap_soon(th);
    }
    if waiting == MANY {
        th.sync.ctx.raise(typhon_sync::breaker::GC);
    }
}

/// Stops the world, and finds which retired objects are dead: they are on the thread's list afterwards. `limit`: how
/// long to wait for the others to stop. False: they did not.
fn stop_and_look(th: &mut Thread, limit: Option<Duration>) -> bool {
    let reaper = &th.rt.reaper;
    let ctx = &th.sync.ctx;
    let stopped = match limit {
        None => Some(ctx.stop_the_world()),
        Some(limit) => ctx.try_stop_the_world(limit),
    };
    let Some(stopped) = stopped else { return false };
    // ORDERING Relaxed: a statistic.
    reaper.stops.fetch_add(1, Ordering::Relaxed);
    let borrowed = borrowed();
    let mut dead = Vec::new();
    {
        let mut retired = reaper.retired.lock();
        retired.retain(|&Retired(object)| {
            // SAFETY: a retired object is there until the reaper finds it dead.
            let header = unsafe { &*object };
            let reaped = header.reap(borrowed.contains(&object.cast_const()));
            if reaped == Reaped::Dead {
                dead.push(object);
            }
            reaped == Reaped::Borrowed
        });
        // ORDERING Relaxed: as in `retire`.
        reaper.waiting.store(retired.len(), Ordering::Relaxed);
    }
    // ORDERING Relaxed: a statistic.
    reaper.reaped.fetch_add(dead.len() as u64, Ordering::Relaxed);
    unshare_what_dies(&dead, &borrowed);
    drop(stopped);
    th.pending_drops.extend(dead);
    true
}

/// Shared objects that words of stacks name. The world is stopped.
fn borrowed() -> HashSet<*const Header> {
    let mut borrowed = HashSet::new();
    for thread in rt().threads.all() {
        // SAFETY: the world is stopped, so no thread changes or goes away.
        eval::stack_words(unsafe { &*thread.0 }, &mut |word| {
            // SAFETY: heap slots are type-stable, so that a stale word leads to a header, too.
            if unsafe { &*word }.is_shared() {
                borrowed.insert(word);
            }
        });
    }
    borrowed
}

/// Makes ordinary objects of those whose references all come from dead ones: they die when those are taken apart. What
/// is not shared is followed, too. To be wrong here does no harm: what nobody borrows at this moment may be ordinary.
fn unshare_what_dies(dead: &[*mut Header], borrowed: &HashSet<*const Header>) {
    let tracer = Tracer::stopped();
    let mut explained: HashMap<*const Header, i64> = HashMap::new();
    let mut look_at: Vec<*const Header> = dead.iter().map(|object| object.cast_const()).collect();
    let mut n = 0;
    while let Some(object) = look_at.pop()
        && n < MOST_FOLLOWED
    {
        n += 1;
        // SAFETY: dead but not destroyed.
        tracer.trace(unsafe { &*object }, |child| {
            // SAFETY: referred to, so alive.
            let header = unsafe { &*child };
            // One that is retired is the business of whoever takes it to the list.
            if header.is_retired() || header.is_immortal() {
                return;
            }
            let n = explained.entry(child).or_default();
            *n += 1;
            if *n == header.refcount() && !borrowed.contains(&child) {
                if header.owner() == OwnerId::MERGED {
                    header.unshare();
                }
                look_at.push(child);
            }
        });
    }
}

/// Destroys retired objects that are dead, and what dies of them, until none is left.
pub(crate) fn reap_all(th: &mut Thread) {
    for _ in 0..MOST_STOPS {
        th.drain_drops();
        if th.rt.reaper.is_idle() || !stop_and_look(th, None) || th.pending_drops.is_empty() {
            return;
        }
    }
    th.drain_drops();
}

/// What a thread does at a safepoint when many objects wait.
#[cold]
pub(crate) fn reap_at_safepoint(th: &mut Thread) {
    stop_and_look(th, Some(STOP_LIMIT));
    th.drain_drops();
}

/// What the collector's thread does when the time has come; it hands the dead over. Whether it should come again.
pub(crate) fn reap_in_background(th: &mut Thread) -> bool {
    if !th.rt.reaper.is_idle() {
        stop_and_look(th, Some(STOP_LIMIT));
    }
    !th.rt.reaper.is_idle()
}

/// Do threads borrow what others own?
pub(crate) fn is_in_use(rt: &Runtime) -> bool {
    rt.threads.mode() == Mode::Deferred
}
