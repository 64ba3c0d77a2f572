//! What an observer is told. One test per process state: there is one observer, and it stays.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use typhon_sync::events::{self, Count, Observer, Wait};
use typhon_sync::{Fate, Header, Host, Mode, OwnerId, ThreadCtx, World};

/// What was told, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Counted(Count),
    WaitedForLock { slept: bool },
    WaitedForGil,
    Asked { runs: bool },
    Answers,
}

struct Notes(Mutex<Vec<Told>>);

static NOTES: Notes = Notes(Mutex::new(Vec::new()));

impl Notes {
    fn add(&self, told: Told) {
        self.0.lock().expect("no panic").push(told);
    }

    fn take(&self) -> Vec<Told> {
        std::mem::take(&mut *self.0.lock().expect("no panic"))
    }
}

impl Observer for Notes {
    fn counted(&self, what: Count, _: &Header) {
        self.add(Told::Counted(what));
    }

    fn waited(&self, wait: Wait<'_>, begun: Instant) {
        assert!(begun <= Instant::now());
        self.add(match wait {
            Wait::Lock { slept, .. } => Told::WaitedForLock { slept },
            Wait::Gil => Told::WaitedForGil,
        });
    }

    fn asked(&self, _: OwnerId, runs: bool) {
        self.add(Told::Asked { runs });
    }

    fn answers(&self) {
        self.add(Told::Answers);
    }
}

struct Nobody;

impl Host for Nobody {
    fn dealloc(&self, _: &ThreadCtx, _: *const Header) {}
}

fn born(thread: &ThreadCtx) -> &'static Header {
    let memory = Box::leak(Box::new(MaybeUninit::<Header>::uninit()));
    // SAFETY: fresh memory of the right size.
    unsafe {
        Header::write_birth(memory.as_mut_ptr(), &thread.birth(), 1, 0, 0);
        memory.assume_init_ref()
    }
}

fn enter(world: &Arc<World>) -> ThreadCtx {
    let thread = world.register();
    thread.attach();
    thread
}

/// Waits, detached, for another thread.
fn until(thread: &ThreadCtx, done: impl Fn() -> bool) {
    thread.blocking(&Nobody, || {
        while !done() {
            thread::sleep(Duration::from_micros(100));
        }
    });
}

#[test]
fn everything_is_told_once() {
    let world = Arc::new(World::new(Mode::Biased));
    let mine = enter(&world);
    assert!(mine.takes_plain_locks());
    let object = born(&mine);
    // Nobody wants to know.
    object.incref(OwnerId(77));
    assert_eq!(object.decref(OwnerId(77)), Fate::Alive);
    events::start(&NOTES);
    assert_eq!(NOTES.take(), []);

    // Counts of the owner are its own; those of others are told, one by one, unless they fail.
    object.incref(mine.me());
    assert!(object.try_dec_local(mine.me()));
    assert_eq!(NOTES.take(), []);
    object.incref(OwnerId(77));
    assert!(object.try_incref(OwnerId(77)));
    assert_eq!(object.decref(OwnerId(77)), Fate::Alive);
    assert_eq!(NOTES.take(), [Told::Counted(Count::SharedCount); 3]);
    let unpublished = born(&mine);
    assert!(!unpublished.try_incref(OwnerId(77)));
    assert_eq!(NOTES.take(), []);
    assert_eq!(object.decref(OwnerId(77)), Fate::Alive);
    NOTES.take();

    // A stranger drops what it was given.
    let theirs = world.register();
    assert!(theirs.takes_locks() && !theirs.takes_plain_locks(), "its locks are counted");
    object.incref(mine.me());
    assert_eq!(object.decref(theirs.me()), Fate::Queue);
    thread::scope(|scope| {
        scope.spawn(|| {
            let theirs = theirs;
            theirs.attach();
            theirs.enqueue(object, &Nobody);
            theirs.exit(&Nobody);
        });
    });
    mine.run_merges(&Nobody);
    let shared = Told::Counted(Count::SharedCount);
    assert_eq!(NOTES.take(), [shared, Told::Counted(Count::Queued), Told::Counted(Count::MergedByOwner)]);
    let given = born(&mine);
    given.incref(mine.me());
    assert_eq!(given.decref(OwnerId(77)), Fate::Queue);
    let (done, me) = (AtomicBool::new(false), mine.id());
    thread::scope(|scope| {
        scope.spawn(|| {
            let theirs = enter(&world);
            until(&theirs, || world.registry().find(me).is_some_and(|mine| !mine.is_attached()));
            theirs.enqueue(given, &Nobody);
            theirs.exit(&Nobody);
            done.store(true, Release);
        });
        until(&mine, || done.load(Acquire));
    });
    assert_eq!(NOTES.take(), [shared, Told::Counted(Count::Queued), Told::Counted(Count::MergedOnBehalf)]);

    // A lock that is held for long is slept for.
    let lock = born(&mine);
    assert!(lock.try_lock());
    thread::scope(|scope| {
        scope.spawn(|| {
            let theirs = enter(&world);
            drop(theirs.lock(lock));
            theirs.exit(&Nobody);
        });
        while lock.gc.load(Relaxed) & typhon_sync::gc_bits::WAITERS == 0 {
            thread::yield_now();
        }
        thread::sleep(Duration::from_millis(2));
        lock.unlock();
    });
    assert_eq!(NOTES.take(), [Told::WaitedForLock { slept: true }]);
    // One that the collector watches is not.
    let watched = born(&mine);
    assert_eq!(watched.merge(0), Fate::Alive);
    assert!(watched.watch());
    drop(mine.lock(watched));
    watched.unwatch();
    assert_eq!(NOTES.take(), []);

    // A stop waits for who runs.
    let (running, end) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let theirs = enter(&world);
            running.store(true, Release);
            while theirs.breaker() == 0 {
                std::hint::spin_loop();
            }
            theirs.safepoint(&Nobody);
            until(&theirs, || end.load(Acquire));
            theirs.exit(&Nobody);
        });
        while !running.load(Acquire) {
            thread::yield_now();
        }
        drop(mine.stop_the_world());
        assert_eq!(NOTES.take(), [Told::Asked { runs: true }, Told::Answers]);
        while world.registry().threads().filter(|thread| thread.is_attached()).count() > 1 {
            thread::yield_now();
        }
        mine.handshake(|_| {});
        assert_eq!(NOTES.take(), [Told::Asked { runs: false }]);
        end.store(true, Release);
    });
    mine.exit(&Nobody);

    // The GIL is waited for.
    let world = Arc::new(World::new(Mode::Gil));
    let mine = enter(&world);
    assert_eq!(NOTES.take(), []);
    thread::scope(|scope| {
        scope.spawn(|| {
            let theirs = enter(&world);
            theirs.exit(&Nobody);
        });
        // Who has waited long enough says so.
        while mine.breaker() == 0 {
            thread::yield_now();
        }
        mine.safepoint(&Nobody);
    });
    assert!(NOTES.take().contains(&Told::WaitedForGil));
    mine.exit(&Nobody);

    // No more.
    events::stop();
    object.incref(OwnerId(77));
    assert_eq!(NOTES.take(), []);
}
