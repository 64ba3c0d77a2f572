//! Real threads: what a model checker cannot see (long histories, the operating system's sleep, many
//! threads). Short by default; `TYPHON_STRESS=10` multiplies the rounds.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::*};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use typhon_sync::{
    Acquired, Birth, Fate, Header, Host, Mode, OwnerId, ReentrantLock, Smr, ThreadCtx, WaitLock, Wake, World,
    breaker,
};

fn rounds(n: usize) -> usize {
    let factor = std::env::var("TYPHON_STRESS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    n * factor
}

/// An object that counts its deaths.
#[repr(C)]
struct Object {
    header: Header,
    payload: AtomicU64,
}

const ALIVE: u64 = 0x1357_9BDF;

impl Object {
    fn new(thread: &ThreadCtx) -> &'static Object {
        Object::with(thread.birth())
    }

    fn with(birth: Birth) -> &'static Object {
        let memory = Box::leak(Box::new(std::mem::MaybeUninit::<Object>::uninit()));
        // SAFETY: fresh memory of the right size; the payload is written before anybody reads it.
        unsafe {
            Header::write_birth(memory.as_mut_ptr().cast(), &birth, 1, 0, 0);
            (&raw mut (*memory.as_mut_ptr()).payload).write(AtomicU64::new(ALIVE));
            memory.assume_init_ref()
        }
    }

    fn of(header: *const Header) -> &'static Object {
        // SAFETY: every header here is the first field of a leaked `Object`.
        unsafe { &*header.cast::<Object>() }
    }
}

#[derive(Default)]
struct Graveyard {
    n_dead: AtomicUsize,
}

impl Host for Graveyard {
    fn dealloc(&self, _thread: &ThreadCtx, object: *const Header) {
        let before = Object::of(object).payload.swap(0, AcqRel);
        assert_eq!(before, ALIVE, "an object died twice");
        self.n_dead.fetch_add(1, AcqRel);
    }
}

fn drop_ref(thread: &ThreadCtx, host: &dyn Host, object: &'static Object) {
    assert_eq!(object.payload.load(Relaxed), ALIVE, "used after death");
    match object.header.decref(thread.me()) {
        Fate::Alive => {}
        Fate::Dead => host.dealloc(thread, &object.header),
        Fate::Queue => thread.enqueue(&object.header, host),
    }
}

fn poll(thread: &ThreadCtx, host: &dyn Host) {
    if thread.breaker() != 0 {
        thread.safepoint(host);
    }
}

/// Runs `n` attached threads and waits for them.
fn run(
    world: &Arc<World>,
    host: &Arc<Graveyard>,
    n: usize,
    work: impl Fn(&ThreadCtx, &Graveyard, usize) + Sync,
) {
    thread::scope(|scope| {
        for i in 0..n {
            let (world, host, work) = (world.clone(), host.clone(), &work);
            scope.spawn(move || {
                let thread = world.register();
                thread.attach();
                work(&thread, &host, i);
                thread.exit(&*host);
            });
        }
    });
    assert!(world.registry().is_empty());
}

const MODES: [Mode; 3] = [Mode::Gil, Mode::Biased, Mode::Atomic];

/// References are moved between threads through mailboxes, copied, dropped; stops and collections of
/// all queues happen meanwhile. Each object dies exactly once.
#[test]
fn moved_references_die_once() {
    for mode in MODES {
        let (world, host) = (Arc::new(World::new(mode)), Arc::new(Graveyard::default()));
        let mailboxes: Vec<Mutex<Vec<&'static Object>>> = (0..4).map(|_| Mutex::default()).collect();
        let n_made = AtomicUsize::new(0);
        run(&world, &host, 4, |thread, host, i| {
            for round in 0..rounds(5_000) {
                let object = Object::new(thread);
                n_made.fetch_add(1, Relaxed);
                for (k, mailbox) in mailboxes.iter().enumerate() {
                    if (round + i + k) % 3 == 0 {
                        object.header.incref(thread.me());
                        mailbox.lock().unwrap().push(object);
                    }
                }
                drop_ref(thread, host, object);
                let got = mailboxes[i].lock().unwrap().pop();
                if let Some(object) = got {
                    object.header.incref(thread.me());
                    drop_ref(thread, host, object);
                    drop_ref(thread, host, object);
                }
                match round % 97 {
                    0 => thread.blocking(host, thread::yield_now),
                    1 if i == 0 => {
                        let mut dead = Vec::new();
                        let stopped = thread.stop_the_world();
                        stopped.merge_all(|object| dead.push(object));
                        drop(stopped);
                        dead.into_iter().for_each(|object| host.dealloc(thread, object));
                    }
                    2 if i == 1 => thread.handshake(|_| {}),
                    _ => poll(thread, host),
                }
            }
        });
        run(&world, &host, 1, |thread, host, _| {
            for mailbox in &mailboxes {
                for object in std::mem::take(&mut *mailbox.lock().unwrap()) {
                    drop_ref(thread, host, object);
                }
            }
        });
        assert_eq!(host.n_dead.load(Relaxed), n_made.load(Relaxed), "{mode:?}");
    }
}

/// F4, F44: objects of a blocked owner die at once; an owner that attaches and detaches all the time
/// never works on the same queue as the thread that merges for it.
#[test]
fn a_blocked_owner_holds_nothing_up() {
    let (world, host) = (Arc::new(World::new(Mode::Biased)), Arc::new(Graveyard::default()));
    let owner = world.register();
    owner.attach();
    let objects: Vec<_> = (0..1000).map(|_| Object::new(&owner)).collect();
    owner.detach(&*host);
    thread::scope(|scope| {
        scope.spawn(|| {
            let thread = world.register();
            thread.attach();
            objects.iter().for_each(|object| drop_ref(&thread, &*host, object));
            assert_eq!(host.n_dead.load(Relaxed), 1000, "while the owner sleeps");
            thread.exit(&*host);
        });
    });
    let done = AtomicBool::new(false);
    owner.attach();
    let objects: Vec<_> = (0..rounds(20_000)).map(|_| Object::new(&owner)).collect();
    thread::scope(|scope| {
        scope.spawn(|| {
            let thread = world.register();
            thread.attach();
            for object in &objects {
                drop_ref(&thread, &*host, object);
                poll(&thread, &*host);
            }
            done.store(true, Release);
            thread.exit(&*host);
        });
        while !done.load(Acquire) {
            owner.blocking(&*host, || {});
        }
    });
    owner.exit(&*host);
    assert_eq!(host.n_dead.load(Relaxed), 1000 + objects.len());
}

/// F12, F14: contended locks held for longer than the hand-off time, sections that nest in both
/// orders, and a stop every millisecond. Nobody is lost, and increments under the lock are exact.
#[test]
fn locks_sections_and_stops() {
    let (world, host) = (Arc::new(World::new(Mode::Biased)), Arc::new(Graveyard::default()));
    let objects = [Object::with(Birth::immortal()), Object::with(Birth::immortal())];
    let plain: [Count; 2] = Default::default();
    let n_running = AtomicUsize::new(3);
    let n_stops = AtomicUsize::new(0);
    let per_thread = rounds(20_000);
    run(&world, &host, 4, |thread, host, i| {
        if i == 3 {
            while n_running.load(Acquire) > 0 {
                let stopped = thread.stop_the_world();
                let seen = [plain[0].get(), plain[1].get()];
                thread::yield_now();
                assert_eq!(seen, [plain[0].get(), plain[1].get()], "a thread ran during a stop");
                drop(stopped);
                n_stops.fetch_add(1, Relaxed);
                thread.blocking(host, || thread::sleep(Duration::from_micros(200)));
            }
            return;
        }
        for round in 0..per_thread {
            let (a, b) = if (round + i) % 2 == 0 { (0, 1) } else { (1, 0) };
            match round % 4 {
                0 => {
                    let _guard = thread.lock(&objects[a].header);
                    plain[a].bump();
                }
                1 => {
                    let _guard = thread.lock2(&objects[a].header, &objects[b].header);
                    plain[a].bump();
                    plain[b].bump();
                }
                2 => {
                    let outer = thread.section(&objects[a].header);
                    if outer.is_held() {
                        plain[a].bump();
                    }
                    let inner = thread.section(&objects[b].header);
                    assert!(inner.is_held());
                    plain[b].bump();
                    if round % 64 == 2 {
                        thread.blocking(host, thread::yield_now);
                        assert!(inner.is_held());
                    }
                    drop(inner);
                    assert!(outer.is_held(), "the outer section is taken up again");
                    plain[a].bump();
                }
                _ => {
                    let _section = thread.section2(&objects[a].header, &objects[b].header);
                    plain[b].bump();
                    if round % 512 == 3 {
                        thread::sleep(Duration::from_micros(1500));
                    }
                    plain[a].bump();
                }
            }
            poll(thread, host);
        }
        n_running.fetch_sub(1, AcqRel);
    });
    assert!(n_stops.load(Relaxed) > 0);
    let total = plain[0].get() + plain[1].get();
    assert_eq!(total as usize, 3 * (per_thread / 4) * (1 + 2 + 3 + 2), "an increment was lost");
    assert!(objects.iter().all(|object| !object.header.is_locked()));
}

/// A counter that is only right if a lock protects it: read, then write.
#[derive(Default)]
struct Count(AtomicU64);

impl Count {
    fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    fn bump(&self) {
        self.0.store(self.0.load(Relaxed) + 1, Relaxed);
    }
}

/// One lock, all threads, no work: every wake-up is needed.
#[test]
fn a_hot_object_lock_loses_no_waiter() {
    let (world, host) = (Arc::new(World::new(Mode::Atomic)), Arc::new(Graveyard::default()));
    let (object, count) = (Object::with(Birth::immortal()), Count::default());
    let per_thread = rounds(50_000);
    run(&world, &host, 6, |thread, _, _| {
        for _ in 0..per_thread {
            let _guard = thread.lock(&object.header);
            count.bump();
        }
    });
    assert_eq!(count.get() as usize, 6 * per_thread);
}

/// Threads in GIL mode take turns although none of them blocks, and the object locks are skipped.
/// Three objects without an owner, each with a slot for a reference to one of them. One thread always holds
/// one of them; the others are held by slots.
struct Three {
    objects: [&'static Object; 3],
    slots: [AtomicU64; 3],
}

const NOTHING: u64 = u64::MAX;

impl Three {
    fn exchange(&self, thread: &ThreadCtx, i: u64, new: u64) -> u64 {
        let _guard = thread.lock(&self.objects[i as usize].header);
        self.slots[i as usize].swap(new, AcqRel)
    }

    /// In a ring: takes a reference to the next object, and drops that to the one before.
    fn walk(&self, thread: &ThreadCtx, held: u64) -> u64 {
        let next = self.slots[held as usize].load(Acquire);
        self.objects[next as usize].header.incref(thread.me());
        assert_eq!(self.objects[held as usize].header.decref(thread.me()), Fate::Alive);
        next
    }

    /// In a chain: takes the second object out of the first, which is held, and moves that to the end. No count
    /// changes.
    fn turn(&self, thread: &ThreadCtx, held: u64) -> u64 {
        let second = self.exchange(thread, held, NOTHING);
        let last = self.slots[second as usize].load(Acquire);
        assert_eq!(self.exchange(thread, last, held), NOTHING);
        second
    }

    /// The collector's proof, which must fail. `pace`: how long it takes over each word.
    fn is_condemned(&self, pace: usize) -> bool {
        let headers = self.objects.map(|object| &object.header);
        let watched = headers.map(Header::watch) == [true; 3];
        let condemned = watched && self.is_explained(headers, pace);
        headers.iter().for_each(|header| header.unwatch());
        condemned
    }

    fn is_explained(&self, headers: [&Header; 3], pace: usize) -> bool {
        let wait = || (0..pace).for_each(|_| std::hint::spin_loop());
        let counts = headers.map(|header| {
            wait();
            header.watched_count()
        });
        let mut unexplained = counts;
        for slot in &self.slots {
            wait();
            if let Some(count) = unexplained.get_mut(slot.load(Acquire) as usize) {
                *count -= 1;
            }
        }
        if unexplained != [0; 3] || !headers.iter().all(|header| header.is_unlocked_since_watch()) {
            return false;
        }
        let n = headers.iter().zip(counts).take_while(|(header, count)| header.condemn(*count)).count();
        headers[..n].iter().for_each(|header| header.spare());
        n == 3
    }
}

#[test]
fn what_a_thread_holds_is_never_condemned() {
    let birth = Mode::Atomic.birth(OwnerId::FIRST_THREAD);
    type Step = fn(&Three, &ThreadCtx, u64) -> u64;
    // Each object is born with one reference. In the ring the slots have these, in the chain the thread has one.
    for (slots, step) in [([1, 2, 0], Three::walk as Step), ([1, 2, NOTHING], Three::turn)] {
        let (world, host) = (Arc::new(World::new(Mode::Atomic)), Arc::new(Graveyard::default()));
        let three =
            Three { objects: [(); 3].map(|()| Object::with(birth)), slots: slots.map(AtomicU64::new) };
        if !slots.contains(&NOTHING) {
            three.objects[0].header.incref(OwnerId::FIRST_THREAD);
        }
        let over = AtomicBool::new(false);
        run(&world, &host, 2, |thread, _, i| {
            if i == 0 {
                let mut held = 0;
                while !over.load(Relaxed) {
                    held = step(&three, thread, held);
                }
            } else {
                let condemned = (0..rounds(200_000)).any(|round| three.is_condemned(round % 16));
                over.store(true, Relaxed);
                assert!(!condemned, "a thread holds one of them");
            }
        });
    }
}

#[test]
fn gil_switches_between_busy_threads() {
    let (world, host) = (Arc::new(World::new(Mode::Gil)), Arc::new(Graveyard::default()));
    world.gil().set_interval(Duration::from_millis(1));
    let object = Object::with(Birth::gil());
    let turns: [AtomicUsize; 3] = Default::default();
    let last = AtomicUsize::new(usize::MAX);
    let deadline = Instant::now() + Duration::from_secs(30);
    run(&world, &host, 3, |thread, host, i| {
        while turns.iter().any(|n| n.load(Relaxed) < 5) {
            assert!(Instant::now() < deadline, "turns: {turns:?}");
            let _guard = thread.lock(&object.header);
            assert!(!object.header.is_locked());
            if last.swap(i, Relaxed) != i {
                turns[i].fetch_add(1, Relaxed);
            }
            poll(thread, host);
        }
    });
}

/// Memory is not freed while a reader may hold it, and is freed soon after.
#[test]
fn retired_memory_outlives_readers() {
    use std::sync::atomic::AtomicPtr;

    static N_FREED: AtomicUsize = AtomicUsize::new(0);
    unsafe fn free(address: *mut u8, bytes: usize) {
        assert_eq!(bytes, 8);
        let cell = address.cast::<AtomicU64>();
        // SAFETY: `retire`'s arguments, once; made by `Box::into_raw` below.
        unsafe {
            (*cell).store(0, Relaxed);
            drop(Box::from_raw(cell));
        }
        N_FREED.fetch_add(1, Relaxed);
    }
    let (world, host) = (Arc::new(World::new(Mode::Biased)), Arc::new(Graveyard::default()));
    let slot = AtomicPtr::new(Box::into_raw(Box::new(AtomicU64::new(ALIVE))));
    let n_retired = AtomicUsize::new(0);
    let per_thread = rounds(20_000);
    run(&world, &host, 4, |thread, host, i| {
        for round in 0..per_thread {
            if i < 2 {
                let new = Box::into_raw(Box::new(AtomicU64::new(ALIVE)));
                let old = slot.swap(new, AcqRel);
                // SAFETY: unlinked by the swap; `free` takes it once.
                unsafe { thread.retire(old.cast(), 8, free) };
                n_retired.fetch_add(1, Relaxed);
            } else {
                let cell = slot.load(Acquire);
                // SAFETY: this thread is online and passes no safepoint before the last use.
                assert_eq!(unsafe { (*cell).load(Relaxed) }, ALIVE);
                if round % 100 == 0 {
                    thread::yield_now();
                }
                // SAFETY: as above.
                assert_eq!(unsafe { (*cell).load(Relaxed) }, ALIVE);
            }
            if round % 500 == 0 {
                thread.blocking(host, || {});
            }
            poll(thread, host);
        }
    });
    run(&world, &host, 1, |thread, _, _| {
        for _ in 0..2 {
            thread.reclaim();
        }
    });
    assert_eq!(N_FREED.load(Relaxed), n_retired.load(Relaxed), "orphans are freed by whoever is left");
    // SAFETY: the last one, no thread left.
    drop(unsafe { Box::from_raw(slot.into_inner()) });
}

#[test]
fn wait_locks_hand_over_time_out_and_are_interrupted() {
    for mode in MODES {
        let (world, host) = (Arc::new(World::new(mode)), Arc::new(Graveyard::default()));
        let (lock, count) = (WaitLock::new(), Count::default());
        let per_thread = rounds(3_000);
        run(&world, &host, 4, |thread, host, _| {
            for round in 0..per_thread {
                let deadline = (round % 3 == 0).then(|| Instant::now() + Duration::from_micros(50));
                match lock.acquire(thread, host, deadline, true) {
                    Acquired::Yes => {
                        count.bump();
                        if round % 50 == 0 {
                            thread.blocking(host, thread::yield_now);
                        }
                        assert!(lock.release());
                    }
                    Acquired::TimedOut => count_atomically(&count, &lock, thread, host),
                    Acquired::Interrupted => panic!("no signal was raised"),
                }
                poll(thread, host);
            }
        });
        assert_eq!(count.get() as usize, 4 * per_thread, "{mode:?}");
        assert!(!lock.release(), "an unlocked lock cannot be released");

        assert!(lock.try_acquire());
        let sleeper_id = AtomicUsize::new(0);
        run(&world, &host, 2, |thread, host, i| {
            if i == 0 {
                sleeper_id.store(thread.id().0 as usize, Release);
                assert_eq!(lock.acquire(thread, host, None, true), Acquired::Interrupted);
                thread.take(breaker::SIGNAL);
                let soon = Instant::now() + Duration::from_millis(5);
                assert_eq!(lock.acquire(thread, host, Some(soon), true), Acquired::TimedOut);
                assert!(Instant::now() >= soon);
            } else {
                thread.blocking(host, || {
                    while sleeper_id.load(Acquire) == 0 {
                        thread::yield_now();
                    }
                    thread::sleep(Duration::from_millis(5));
                });
                let id = typhon_sync::OwnerId(sleeper_id.load(Acquire) as u32);
                assert!(thread.world().raise(id, breaker::SIGNAL));
            }
        });
    }
}

fn count_atomically(count: &Count, lock: &WaitLock, thread: &ThreadCtx, host: &dyn Host) {
    assert_eq!(lock.acquire(thread, host, None, false), Acquired::Yes);
    count.bump();
    lock.release();
}

#[test]
fn reentrant_locks_count_their_holder() {
    let (world, host) = (Arc::new(World::new(Mode::Biased)), Arc::new(Graveyard::default()));
    let (lock, count) = (ReentrantLock::new(), Count::default());
    let per_thread = rounds(2_000);
    run(&world, &host, 3, |thread, host, _| {
        assert!(!lock.release(thread), "not the holder");
        for _ in 0..per_thread {
            for depth in 1..=3 {
                assert_eq!(lock.acquire(thread, host, None, false), Acquired::Yes);
                assert_eq!(lock.depth(), depth);
            }
            count.bump();
            assert_eq!(lock.release_all(thread), Some(3));
            lock.reacquire(thread, host, 3);
            for _ in 0..3 {
                assert!(lock.release(thread));
            }
        }
    });
    assert_eq!(count.get() as usize, 3 * per_thread);
    assert_eq!(lock.owner(), 0);
}

#[test]
fn sleep_ends_at_the_deadline_or_at_a_signal() {
    let (world, host) = (Arc::new(World::new(Mode::Gil)), Arc::new(Graveyard::default()));
    run(&world, &host, 1, |thread, host, _| {
        let deadline = Instant::now() + Duration::from_millis(10);
        thread.state().raise(0);
        assert_eq!(thread.sleep_until(host, deadline), Wake::TimedOut);
        assert!(Instant::now() >= deadline);
        thread.raise(breaker::SIGNAL);
        assert_eq!(thread.sleep_until(host, deadline + Duration::from_secs(60)), Wake::Signal);
        assert_eq!(thread.safepoint(host), breaker::SIGNAL, "the signal is the embedder's to clear");
    });
}

/// F5, F9, F11: contexts that never run, many short threads, more threads than a chunk has slots, and
/// stops all the while.
#[test]
fn threads_come_and_go_during_stops() {
    for mode in [Mode::Biased, Mode::Gil] {
        let (world, host) = (Arc::new(World::new(mode)), Arc::new(Graveyard::default()));
        let unused: Vec<_> = (0..100).map(|_| world.register()).collect();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let thread = world.register();
                thread.attach();
                while !done.load(Acquire) {
                    let stopped = thread.stop_the_world();
                    assert!(stopped.others().all(|other| !other.is_attached()));
                    drop(stopped);
                    if let Some(stopped) = thread.try_stop_the_world(Duration::from_micros(20)) {
                        assert!(stopped.others().all(|other| !other.is_attached()));
                    }
                    thread.handshake(|_| {});
                    thread.blocking(&*host, thread::yield_now);
                }
                thread.exit(&*host);
            });
            for _ in 0..rounds(40) {
                thread::scope(|scope| {
                    for _ in 0..8 {
                        scope.spawn(|| {
                            let thread = world.register();
                            thread.attach();
                            let object = Object::new(&thread);
                            poll(&thread, &*host);
                            drop_ref(&thread, &*host, object);
                            thread.exit(&*host);
                        });
                    }
                });
            }
            done.store(true, Release);
        });
        assert_eq!(world.registry().len(), unused.len());
        drop(unused);
        assert!(world.registry().is_empty());
    }
}

/// What the threads of `who_is_left_behind_never_runs_again` share.
struct Behind {
    world: Arc<World>,
    host: Graveyard,
    object: &'static Object,
    lock: WaitLock,
    n_steps: [AtomicUsize; 5],
    made: Mutex<Vec<&'static Object>>,
}

impl Behind {
    /// Does for ever, attached, what thread `i` does.
    fn run(&self, i: usize) {
        let (thread, host) = (self.world.register(), &self.host);
        thread.attach();
        loop {
            self.n_steps[i].fetch_add(1, Relaxed);
            match i {
                0 => drop(thread.lock(&self.object.header)),
                1 => thread.blocking(host, thread::yield_now),
                2 if self.lock.acquire(&thread, host, None, false) == Acquired::Yes => {
                    self.lock.release();
                }
                3 => self.made.lock().unwrap().push(Object::new(&thread)),
                _ => thread.handshake(|_| {}),
            }
            poll(&thread, host);
        }
    }

    fn n_steps(&self) -> [usize; 5] {
        self.n_steps.each_ref().map(|n| n.load(Relaxed))
    }
}

/// One thread outlives the others, wherever they are; what they own dies without them, and it can go on
/// stopping the world.
#[test]
fn who_is_left_behind_never_runs_again() {
    for mode in MODES {
        for _ in 0..rounds(5) {
            let all = Arc::new(Behind {
                world: Arc::new(World::new(mode)),
                host: Graveyard::default(),
                object: Object::with(Birth::immortal()),
                lock: WaitLock::new(),
                n_steps: Default::default(),
                made: Mutex::default(),
            });
            let begin = |i| {
                let all = all.clone();
                thread::spawn(move || all.run(i));
            };
            (0..4).for_each(begin);
            let last = all.world.register();
            while all.n_steps()[..4].iter().any(|n| *n < 20) {
                thread::yield_now();
            }
            last.attach();
            last.outlive_others(|| {});
            let before = all.n_steps();
            begin(4);
            let made = std::mem::take(&mut *all.made.lock().unwrap());
            let n_made = made.len();
            for object in made {
                let _guard = last.lock(&all.object.header);
                drop_ref(&last, &all.host, object);
            }
            assert_eq!(all.host.n_dead.load(Acquire), n_made, "{mode:?}");
            for _ in 0..3 {
                drop(last.stop_the_world());
                last.handshake(|_| {});
                last.blocking(&all.host, || thread::sleep(Duration::from_millis(1)));
            }
            assert_eq!(all.n_steps(), before, "{mode:?}");
            last.exit(&all.host);
        }
    }
}

/// F29: fork under load; the child merges, locks, stops its world, and starts a thread.
#[cfg(target_os = "linux")]
#[test]
fn a_forked_child_lives_on() {
    for mode in MODES {
        let (world, host) = (Arc::new(World::new(mode)), Arc::new(Graveyard::default()));
        let done = AtomicBool::new(false);
        let object = Object::with(Birth::immortal());
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let thread = world.register();
                    thread.attach();
                    while !done.load(Acquire) {
                        let guard = thread.lock(&object.header);
                        // Long enough for those who wait to be given the lock.
                        let since = Instant::now();
                        while since.elapsed() < Duration::from_micros(600) {}
                        drop(guard);
                        thread.blocking(&*host, || {});
                    }
                    thread.exit(&*host);
                });
            }
            let thread = world.register();
            thread.attach();
            for _ in 0..rounds(12) {
                let fork = thread.prepare_fork();
                // SAFETY: the child only uses this crate and ends with `_exit`.
                match unsafe { libc::fork() } {
                    0 => {
                        // SAFETY: this is the child.
                        unsafe { fork.in_child(|_| {}) };
                        // SAFETY: a watchdog for a child that hangs.
                        unsafe { libc::alarm(20) };
                        // Its owner may be a thread that does not exist here.
                        drop(thread.lock(&object.header));
                        let ok = child_works(&world, &thread, &host);
                        // SAFETY: ends the process without running the parent's exit handlers.
                        unsafe { libc::_exit(if ok { 0 } else { 1 }) };
                    }
                    child => {
                        fork.in_parent();
                        assert!(child > 0);
                        let mut status = 0;
                        // SAFETY: a valid pointer, our own child.
                        thread.blocking(&*host, || unsafe { libc::waitpid(child, &mut status, 0) });
                        if status != 0 {
                            done.store(true, Release);
                        }
                        assert_eq!(status, 0, "{mode:?}");
                    }
                }
            }
            done.store(true, Release);
            thread.exit(&*host);
        });
    }
}

#[cfg(target_os = "linux")]
fn child_works(world: &Arc<World>, thread: &ThreadCtx, host: &Graveyard) -> bool {
    if world.registry().len() != 1 {
        return false;
    }
    let object = Object::new(thread);
    drop(thread.stop_the_world());
    let _guard = thread.lock(&object.header);
    drop(_guard);
    drop_ref(thread, host, object);
    thread.detach(host);
    let ok = thread::spawn({
        let world = world.clone();
        move || {
            let (thread, host) = (world.register(), Graveyard::default());
            thread.attach();
            let object = Object::new(&thread);
            drop_ref(&thread, &host, object);
            thread.exit(&host);
            host.n_dead.load(Relaxed) == 1
        }
    })
    .join()
    .unwrap_or(false);
    thread.attach();
    ok
}
