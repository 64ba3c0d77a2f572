//! What threads do to each other, told to an observer while there is one (`typhon -X sync-stats`).
//!
//! Nothing here is part of a protocol: no other thread ever waits for it, and without an observer every call
//! ends at one relaxed load. All calls stand on ways that are out of line already. Models include this file;
//! in them nobody observes.

use super::header::{Header, OwnerId};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

/// Something that happened to an object and took no time that is worth measuring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// A reference was counted, or given back, in the shared word.
    SharedCount,
    /// The object's lock is about to be taken, at once or after a wait.
    LockTaken,
    /// A stranger left the object to its owner's merge queue.
    Queued,
    /// The owner merged what a stranger had left it, or what the collector wished for.
    MergedByOwner,
    /// Another thread did, because the owner was detached, stopped or gone.
    MergedOnBehalf,
}

/// A wait of the calling thread that is over.
#[derive(Clone, Copy)]
pub enum Wait<'a> {
    /// For an object's lock. `slept`: looking at it again and again was not enough.
    Lock { object: &'a Header, slept: bool },
    /// For the GIL.
    Gil,
}

/// Who wants to know.
///
/// It is called by the thread that did it, while that is attached or holds the GIL, possibly with an object's
/// lock held, and possibly while it goes to sleep on one. So it takes no object locks and none of `parking_lot`,
/// passes no safepoint, and whatever it counts itself is told to it again unless it guards against that. It may read
/// the object: the caller holds a reference to it.
pub trait Observer: Sync {
    /// The calling thread did this to `object`.
    fn counted(&self, what: Count, object: &Header);

    /// The calling thread has waited since `begun`.
    fn waited(&self, wait: Wait<'_>, begun: Instant);

    /// A stop or a handshake is about to be asked of `thread`. `runs`: it is attached, so the caller will have
    /// to wait for it; otherwise an earlier question is void.
    fn asked(&self, thread: OwnerId, runs: bool);

    /// The calling thread is about to answer what it was asked, if it was.
    fn answers(&self);
}

static ON: AtomicBool = AtomicBool::new(false);
static OBSERVER: OnceLock<&'static dyn Observer> = OnceLock::new();

/// From now on `observer` is told. To be called before there are threads; only the first one counts.
pub fn start(observer: &'static dyn Observer) {
    if OBSERVER.set(observer).is_ok() {
        // ORDERING Relaxed: threads that are started later see it; `OBSERVER` synchronises by itself.
        ON.store(true, Relaxed);
    }
}

/// Nobody is told any more: in the child of a fork.
pub fn stop() {
    // ORDERING Relaxed: the caller is the only thread.
    ON.store(false, Relaxed);
}

/// Somebody observes.
#[inline(always)]
pub fn on() -> bool {
    // ORDERING Relaxed: a switch that is set before there are threads.
    ON.load(Relaxed)
}

fn tell(f: impl FnOnce(&'static dyn Observer)) {
    if let Some(observer) = OBSERVER.get() {
        f(*observer)
    }
}

/// Tells of something done to `object`.
#[inline(always)]
pub fn counted(what: Count, object: &Header) {
    if on() {
        tell_counted(what, object)
    }
}

#[cold]
#[inline(never)]
fn tell_counted(what: Count, object: &Header) {
    tell(|observer| observer.counted(what, object))
}

/// The beginning of a wait, if somebody will want to know how long it was.
#[inline(always)]
pub fn begin() -> Option<Instant> {
    on().then(Instant::now)
}

/// Tells of a wait that is over.
#[inline(always)]
pub fn waited(wait: Wait<'_>, begun: Option<Instant>) {
    if let Some(begun) = begun {
        tell_waited(wait, begun)
    }
}

#[cold]
#[inline(never)]
fn tell_waited(wait: Wait<'_>, begun: Instant) {
    tell(|observer| observer.waited(wait, begun))
}

/// See [`Observer::asked`].
#[inline]
pub fn asked(thread: OwnerId, runs: bool) {
    if on() {
        tell(|observer| observer.asked(thread, runs))
    }
}

/// See [`Observer::answers`].
#[inline]
pub fn answers() {
    if on() {
        tell(|observer| observer.answers())
    }
}
