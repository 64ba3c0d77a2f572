//! L3, L4, L5, L11, L14: threads, their queues, stops and the GIL.

use super::count::Fate;
use super::header::Header;
use super::mode::Mode;
use super::object::Object;
use super::thread::{Host, ThreadCtx};
use super::world::World;
use loom::cell::UnsafeCell;
use loom::thread;
use std::sync::Arc;

/// Destroys the one object of a model.
struct Grave(Arc<Object>);

impl Host for Grave {
    fn dealloc(&self, _thread: &ThreadCtx, object: *const Header) {
        assert!(std::ptr::eq(object, &self.0.header));
        self.0.die();
    }
}

impl Grave {
    fn drop_ref(&self, thread: &ThreadCtx) {
        self.0.touch();
        match self.0.header.decref(thread.me()) {
            Fate::Alive => {}
            Fate::Dead => self.0.die(),
            Fate::Queue => thread.enqueue(&self.0.header, self),
        }
    }
}

pub fn attached(world: &Arc<World>) -> ThreadCtx {
    let thread = world.register();
    thread.attach();
    thread
}

/// Ends threads one after another, when only this one is left running.
pub fn finish<const N: usize>(threads: [ThreadCtx; N], host: &dyn Host) {
    let waiting: Vec<_> = threads.into_iter().collect();
    for thread in &waiting {
        if thread.state().is_attached() {
            thread.detach(host);
        }
    }
    for thread in waiting {
        thread.attach();
        thread.exit(host);
    }
}

/// An object with `local` references counted by `owner`.
fn owned_by(owner: &ThreadCtx, local: u32) -> Arc<Object> {
    Arc::new(Object::new(owner.me(), local, 0))
}

/// A reference is moved to a stranger, who drops it; the owner drops its own and passes a safepoint.
pub fn moved_reference() {
    let world = Arc::new(World::new(Mode::Biased));
    let (owner, stranger) = (attached(&world), attached(&world));
    let object = owned_by(&owner, 2);
    let theirs = object.clone();
    let other = thread::spawn(move || {
        Grave(theirs).drop_ref(&stranger);
        stranger
    });
    let grave = Grave(object.clone());
    grave.drop_ref(&owner);
    if owner.breaker() != 0 {
        owner.safepoint(&grave);
    }
    let stranger = other.join().unwrap();
    finish([owner, stranger], &grave);
    assert_eq!(object.n_deaths(), 1);
}

/// The owner exits while a stranger drops a reference that was counted by the owner.
pub fn exit_against_push() {
    let world = Arc::new(World::new(Mode::Biased));
    let (owner, stranger) = (attached(&world), attached(&world));
    let object = owned_by(&owner, 1);
    let theirs = object.clone();
    let other = thread::spawn(move || {
        Grave(theirs).drop_ref(&stranger);
        stranger
    });
    let grave = Grave(object.clone());
    owner.exit(&grave);
    finish([other.join().unwrap()], &grave);
    assert_eq!(object.n_deaths(), 1);
}

/// A stranger merges for a detached owner, who attaches and counts at the same time.
pub fn merge_on_behalf() {
    let world = Arc::new(World::new(Mode::Biased));
    let (owner, stranger) = (attached(&world), attached(&world));
    let object = owned_by(&owner, 2);
    let grave = Grave(object.clone());
    let theirs = object.clone();
    let other = thread::spawn(move || {
        Grave(theirs).drop_ref(&stranger);
        stranger
    });
    owner.detach(&grave);
    owner.attach();
    grave.drop_ref(&owner);
    let stranger = other.join().unwrap();
    finish([owner, stranger], &grave);
    assert_eq!(object.n_deaths(), 1);
}

/// A stranger drops the last reference, which a detached owner counts: it dies then, not when the
/// owner comes back.
pub fn detached_owner() {
    let world = Arc::new(World::new(Mode::Biased));
    let (owner, stranger) = (attached(&world), attached(&world));
    let object = owned_by(&owner, 2);
    let grave = Grave(object.clone());
    let theirs = object.clone();
    let other = thread::spawn(move || {
        Grave(theirs).drop_ref(&stranger);
        stranger
    });
    grave.drop_ref(&owner);
    owner.detach(&grave);
    let stranger = other.join().unwrap();
    assert_eq!(object.n_deaths(), 1, "while the owner is detached");
    finish([owner, stranger], &grave);
}

/// A value that only attached threads, or whoever stopped them all, may touch.
struct Heap(UnsafeCell<u32>);

// SAFETY: loom checks every access.
unsafe impl Sync for Heap {}
// SAFETY: as above.
unsafe impl Send for Heap {}

impl Heap {
    fn bump(&self) {
        // SAFETY: loom checks it.
        self.0.with_mut(|value| unsafe { *value += 1 });
    }

    fn get(&self) -> u32 {
        // SAFETY: loom checks it.
        self.0.with(|value| unsafe { *value })
    }
}

pub struct NoObjects;

impl Host for NoObjects {
    fn dealloc(&self, _thread: &ThreadCtx, _object: *const Header) {
        unreachable!()
    }
}

/// One thread detaches and attaches, another stops the world twice: the second stop must not take a
/// report meant for the first.
pub fn stop_against_attach() {
    let world = Arc::new(World::new(Mode::Biased));
    let (runner, requester) = (attached(&world), attached(&world));
    let heap = Arc::new(Heap(UnsafeCell::new(0)));
    let theirs = heap.clone();
    let other = thread::spawn(move || {
        theirs.bump();
        runner.detach(&NoObjects);
        runner.attach();
        theirs.bump();
        runner.detach(&NoObjects);
        runner
    });
    for _ in 0..2 {
        let stopped = requester.stop_the_world();
        heap.bump();
        drop(stopped);
    }
    finish([other.join().unwrap(), requester], &NoObjects);
    assert_eq!(heap.get(), 4);
}

/// A handshake: the runner's writes before its safepoint, or before it detached, are visible.
pub fn handshake() {
    let world = Arc::new(World::new(Mode::Biased));
    let (runner, requester) = (attached(&world), attached(&world));
    let heap = Arc::new(Heap(UnsafeCell::new(0)));
    let theirs = heap.clone();
    let other = thread::spawn(move || {
        theirs.bump();
        if runner.breaker() != 0 {
            runner.safepoint(&NoObjects);
        }
        runner.detach(&NoObjects);
        runner
    });
    requester.handshake(|_| {});
    heap.bump();
    finish([other.join().unwrap(), requester], &NoObjects);
    assert_eq!(heap.get(), 2);
}

/// A thread registers and attaches while a stop begins and ends.
pub fn register_against_stop() {
    let world = Arc::new(World::new(Mode::Biased));
    let requester = attached(&world);
    let heap = Arc::new(Heap(UnsafeCell::new(0)));
    let (theirs, their_world) = (heap.clone(), world.clone());
    let other = thread::spawn(move || {
        let newcomer = their_world.register();
        newcomer.attach();
        theirs.bump();
        newcomer.detach(&NoObjects);
        newcomer
    });
    let stopped = requester.stop_the_world();
    heap.bump();
    drop(stopped);
    requester.detach(&NoObjects);
    finish([other.join().unwrap(), requester], &NoObjects);
    assert_eq!(heap.get(), 2);
}

/// A stop falls into a merge on behalf: the owner, found suspended by the merger, is let go by it
/// before the merger itself comes down. One thread plays the merger, then the owner.
pub fn stop_against_merge() {
    let world = Arc::new(World::new(Mode::Biased));
    let (owner, merger, requester) = (attached(&world), attached(&world), attached(&world));
    let heap = Arc::new(Heap(UnsafeCell::new(0)));
    owner.detach(&NoObjects);
    let (theirs, their_world) = (heap.clone(), world.clone());
    let other = thread::spawn(move || {
        their_world.merge_on_behalf(owner.state(), |_| unreachable!());
        merger.detach(&NoObjects);
        owner.attach();
        theirs.bump();
        owner.detach(&NoObjects);
        [owner, merger]
    });
    let stopped = requester.stop_the_world();
    heap.bump();
    drop(stopped);
    requester.detach(&NoObjects);
    let [owner, merger] = other.join().unwrap();
    finish([owner, merger, requester], &NoObjects);
    assert_eq!(heap.get(), 2);
}

/// L1 to L3 under one shared id: counts are plain, the GIL is what excludes.
pub fn gil() {
    let world = Arc::new(World::new(Mode::Gil));
    let (mine, theirs) = (world.register(), world.register());
    let object = owned_by(&mine, 2);
    let moved = object.clone();
    let other = thread::spawn(move || {
        let grave = Grave(moved);
        theirs.attach();
        grave.0.header.incref(theirs.me());
        grave.drop_ref(&theirs);
        theirs.yield_now(&grave);
        grave.drop_ref(&theirs);
        theirs.detach(&grave);
        theirs
    });
    let grave = Grave(object.clone());
    mine.attach();
    grave.0.header.incref(mine.me());
    grave.drop_ref(&mine);
    grave.drop_ref(&mine);
    mine.detach(&grave);
    finish([other.join().unwrap(), mine], &grave);
    assert_eq!(object.n_deaths(), 1);
}
