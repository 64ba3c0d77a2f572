//! L10: the object lock and critical sections.

use super::header::{Header, OwnerId};
use super::mode::Mode;
use super::object::Object;
use super::thread::{Host, ThreadCtx};
use super::world::World;
use loom::cell::UnsafeCell;
use loom::thread;
use std::sync::Arc;

struct Guarded {
    object: Object,
    value: UnsafeCell<u32>,
}

// SAFETY: loom checks every access.
unsafe impl Sync for Guarded {}
// SAFETY: as above.
unsafe impl Send for Guarded {}

impl Guarded {
    fn new() -> Arc<Guarded> {
        Arc::new(Guarded { object: Object::new(OwnerId::IMMORTAL, 0, 0), value: UnsafeCell::new(0) })
    }

    fn header(&self) -> &Header {
        &self.object.header
    }

    fn bump(&self) {
        // SAFETY: loom checks it.
        self.value.with_mut(|value| unsafe { *value += 1 });
    }

    fn get(&self) -> u32 {
        // SAFETY: loom checks it.
        self.value.with(|value| unsafe { *value })
    }
}

struct NoObjects;

impl Host for NoObjects {
    fn dealloc(&self, _thread: &ThreadCtx, _object: *const Header) {
        unreachable!()
    }
}

fn attached(world: &Arc<World>) -> ThreadCtx {
    let thread = world.register();
    thread.attach();
    thread
}

/// Ends threads one after another, when only this one is left running.
fn finish<const N: usize>(threads: [ThreadCtx; N]) {
    for thread in &threads {
        if thread.state().is_attached() {
            thread.detach(&NoObjects);
        }
    }
    for thread in threads {
        thread.attach();
        thread.exit(&NoObjects);
    }
}

/// Both threads take the same lock once; one may have to sleep, and must be woken (or be handed the
/// lock, in the variant where every sleeper is overdue).
pub fn contended() {
    let world = Arc::new(World::new(Mode::Biased));
    let (mine, theirs) = (attached(&world), attached(&world));
    let guarded = Guarded::new();
    let their_guarded = guarded.clone();
    let other = thread::spawn(move || {
        let guard = theirs.lock(their_guarded.header());
        their_guarded.bump();
        drop(guard);
        theirs
    });
    let guard = mine.lock(guarded.header());
    guarded.bump();
    drop(guard);
    finish([other.join().unwrap(), mine]);
    assert_eq!(guarded.get(), 2);
    assert!(!guarded.header().is_locked());
}

/// As [`contended`], with a third thread that may take the lock between its release and the hand-off.
pub fn barging() {
    let world = Arc::new(World::new(Mode::Biased));
    let guarded = Guarded::new();
    let others = [attached(&world), attached(&world)].map(|thread| {
        let guarded = guarded.clone();
        thread::spawn(move || {
            let guard = thread.lock(guarded.header());
            guarded.bump();
            drop(guard);
            thread
        })
    });
    let mine = attached(&world);
    let guard = mine.lock(guarded.header());
    guarded.bump();
    drop(guard);
    let [first, second] = others.map(|other| other.join().unwrap());
    finish([first, second, mine]);
    assert_eq!(guarded.get(), 3);
}

/// A section is given up while its thread is detached, and taken again before the thread goes on.
pub fn suspended_section() {
    let world = Arc::new(World::new(Mode::Biased));
    let (mine, theirs) = (attached(&world), attached(&world));
    let guarded = Guarded::new();
    let their_guarded = guarded.clone();
    let other = thread::spawn(move || {
        let guard = theirs.lock(their_guarded.header());
        their_guarded.bump();
        drop(guard);
        theirs
    });
    let section = mine.section(guarded.header());
    guarded.bump();
    mine.detach(&NoObjects);
    mine.attach();
    assert!(section.is_held());
    guarded.bump();
    drop(section);
    finish([other.join().unwrap(), mine]);
    assert_eq!(guarded.get(), 3);
}

/// Sections nest in opposite orders: whoever sleeps gives its outer section up, so nobody waits for
/// ever.
pub fn opposite_nesting() {
    let world = Arc::new(World::new(Mode::Biased));
    let (mine, theirs) = (attached(&world), attached(&world));
    let (a, b) = (Guarded::new(), Guarded::new());
    let (their_a, their_b) = (a.clone(), b.clone());
    let other = thread::spawn(move || {
        let outer = theirs.section(their_b.header());
        let inner = theirs.section(their_a.header());
        their_a.bump();
        drop(inner);
        assert!(outer.is_held());
        their_b.bump();
        drop(outer);
        theirs
    });
    let outer = mine.section(a.header());
    let inner = mine.section(b.header());
    b.bump();
    drop(inner);
    assert!(outer.is_held());
    a.bump();
    drop(outer);
    finish([other.join().unwrap(), mine]);
    assert_eq!((a.get(), b.get()), (2, 2));
}

/// A stop falls into a contended hand-over: the thread that sleeps, or was just made the lock's
/// holder, counts as down, and nobody waits for ever.
pub fn stop_against_lock() {
    let world = Arc::new(World::new(Mode::Biased));
    let (mine, theirs) = (attached(&world), attached(&world));
    let guarded = Guarded::new();
    let their_guarded = guarded.clone();
    let other = thread::spawn(move || {
        let guard = theirs.lock(their_guarded.header());
        their_guarded.bump();
        drop(guard);
        theirs.detach(&NoObjects);
        theirs
    });
    let guard = mine.lock(guarded.header());
    guarded.bump();
    drop(guard);
    let stopped = mine.stop_the_world();
    let seen = guarded.get();
    drop(mine.lock(guarded.header()));
    drop(stopped);
    mine.detach(&NoObjects);
    finish([other.join().unwrap(), mine]);
    assert!(seen <= 2);
    assert_eq!(guarded.get(), 2);
}
