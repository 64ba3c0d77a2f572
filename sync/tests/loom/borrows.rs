//! L16: objects that threads borrow out of slots without a count.
//!
//! A lock stands for the stop of the world: the reader holds it while it runs, and lets it go at safepoints; the
//! reaper takes it. What the other thread does besides is done while the reader runs.

use super::count::{Fate, Shared};
use super::header::OwnerId;
use super::object::{OTHER, OWNER, Object};
use super::prim::AtomicU64;
use super::prim::Ordering::{Acquire, Relaxed, Release};
use super::prim::{Mutex, lock};
use super::rules;
use super::shared::Reaped;
use loom::thread;
use std::sync::Arc;

/// What the slot holds: the object, or nothing.
const OBJECT: u64 = 1;
const NOTHING: u64 = 0;

/// What a stop lets the reaper see.
#[derive(Default)]
struct Stopped {
    /// The reader's stack names the object.
    borrowed: bool,
    /// How often the object is on the reaper's list.
    listed: usize,
}

struct World {
    object: Object,
    slot: AtomicU64,
    runs: Mutex<Stopped>,
}

impl World {
    fn new(object: Object) -> Arc<World> {
        Arc::new(World { object, slot: AtomicU64::new(OBJECT), runs: Mutex::new(Stopped::default()) })
    }

    /// One counted reference, in the slot.
    fn of_shared() -> Arc<World> {
        World::new(Object::new(OwnerId::MERGED, 0, Shared::ONE | Shared::MERGED | Shared::SHARED))
    }

    fn borrow(&self) -> bool {
        self.slot.load(Acquire) == OBJECT && self.object.header.borrow(|| self.slot.load(Acquire) == OBJECT)
    }

    /// What is done with the outcome of a decrement. Whether the object is to be listed.
    fn is_retired(&self, fate: Fate) -> bool {
        if fate == Fate::Dead && self.object.header.is_retired() {
            return true;
        }
        self.object.settle(fate);
        false
    }

    /// Empties the slot. Whether the object is to be listed.
    fn remove(&self) -> bool {
        // ORDERING Release: as every store into a slot.
        self.slot.store(NOTHING, Release);
        self.is_retired(self.object.header.decref(OTHER))
    }

    /// The reaper, in a stop.
    fn reap(&self, stopped: &mut Stopped) {
        for _ in 0..std::mem::take(&mut stopped.listed) {
            match self.object.header.reap(stopped.borrowed) {
                Reaped::Counted => {}
                Reaped::Borrowed => stopped.listed += 1,
                Reaped::Dead => self.object.die(),
            }
        }
    }

    fn retire_and_reap(&self, retired: bool) {
        let mut stopped = lock(&self.runs);
        stopped.listed += usize::from(retired);
        self.reap(&mut stopped);
    }

    /// When all threads are done.
    fn end(&self) {
        self.retire_and_reap(false);
        assert_eq!(self.object.n_deaths(), 1);
    }
}

/// A reader borrows the object over a safepoint while the slot is emptied.
pub fn borrowed() {
    let world = World::of_shared();
    let theirs = world.clone();
    let reader = thread::spawn(move || {
        {
            let mut running = lock(&theirs.runs);
            if theirs.borrow() {
                theirs.object.touch();
                running.borrowed = true;
            }
        }
        let mut running = lock(&theirs.runs);
        if std::mem::take(&mut running.borrowed) {
            theirs.object.touch();
        }
    });
    let retired = world.remove();
    world.retire_and_reap(retired);
    reader.join().unwrap();
    world.end();
}

/// A reader counts what it has borrowed, and gives the count back behind a safepoint: the count falls to zero twice.
pub fn stored() {
    let world = World::of_shared();
    let theirs = world.clone();
    let reader = thread::spawn(move || {
        let stored = {
            let _running = lock(&theirs.runs);
            let borrowed = theirs.borrow();
            if borrowed {
                theirs.object.header.incref(OTHER);
            }
            borrowed
        };
        if stored {
            let mut running = lock(&theirs.runs);
            theirs.object.touch();
            running.listed += usize::from(theirs.is_retired(theirs.object.header.decref(OTHER)));
        }
    });
    let retired = world.remove();
    world.retire_and_reap(retired);
    reader.join().unwrap();
    world.end();
}

/// An ordinary object dies, and another one that is born in its memory is shared, under a reader's eyes.
pub fn reused() {
    let world = World::new(Object::new(OwnerId::MERGED, 0, Shared::ONE | Shared::MERGED));
    let theirs = world.clone();
    let reader = thread::spawn(move || {
        let _running = lock(&theirs.runs);
        if theirs.borrow() {
            theirs.object.touch_first();
        }
    });
    assert!(!world.remove(), "it is not shared");
    world.object.reuse();
    assert_eq!(world.object.header.share(), Fate::Alive);
    reader.join().unwrap();
}

/// A stranger shares the object while its owner empties the slot.
pub fn shared() {
    let world = World::new(Object::new(OWNER, 1, 0));
    world.object.header.publish();
    let theirs = world.clone();
    let stranger = thread::spawn(move || {
        let mut running = lock(&theirs.runs);
        let header = &theirs.object.header;
        if theirs.slot.load(Acquire) != OBJECT {
            return false;
        }
        if !rules::SHARER_HOLDS_COUNT {
            let _ = header.share();
            if theirs.borrow() {
                theirs.object.touch();
            }
            return false;
        }
        if !header.try_incref(OTHER) {
            return false;
        }
        let queued = theirs.slot.load(Acquire) == OBJECT && header.share() == Fate::Queue;
        theirs.object.touch();
        let fate = header.decref(OTHER);
        if fate == Fate::Queue {
            assert!(!queued, "it is queued once");
            return true;
        }
        running.listed += usize::from(theirs.is_retired(fate));
        queued
    });
    // ORDERING Release: as every store into a slot.
    world.slot.store(NOTHING, Release);
    let retired = world.is_retired(world.object.header.decref(OWNER));
    let queued = stranger.join().unwrap();
    if queued {
        // The owner serves its queue.
        let merged = world.object.header.owner.load(Relaxed) == OWNER.0;
        let fate = if merged { world.object.header.merge(-1) } else { world.object.header.decref(OWNER) };
        let again = world.is_retired(fate);
        world.retire_and_reap(again);
    }
    world.retire_and_reap(retired);
    world.end();
}
