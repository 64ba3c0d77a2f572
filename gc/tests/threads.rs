//! Mutators on several threads, trading objects, while collections stop them.
mod mock;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use mock::*;
use typhon_gc::cycles::Options;
use typhon_gc::{Collector, Generation, Heap, Strategy, verify};
use typhon_sync::Birth;

#[derive(Default)]
struct Shared {
    world: World,
    /// References that belong to whoever takes them.
    pool: Mutex<Vec<usize>>,
    /// Weak references that live as long as the test.
    weak: Mutex<Vec<usize>>,
    finalized: AtomicUsize,
    made_with_finalizer: AtomicUsize,
    collected: AtomicUsize,
    upgraded: AtomicUsize,
}

fn step(mock: &mut Mock, shared: &Shared, random: &mut u64) {
    let mut below = |n: u64| {
        *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*random >> 33) % n
    };
    // A ring, to which others' objects may be tied.
    let n = 1 + below(12) as usize;
    let ring: Vec<Ref> = (0..n).map(|_| mock.node()).collect();
    for i in 0..n {
        mock.give(ring[i], 0, ring[(i + 1) % n]);
        if below(3) == 0 {
            mock.set(ring[i], 1, ring[below(n as u64) as usize]);
        }
    }
    // The references to the ring's nodes are all in the ring now, so hold one while we work on it.
    mock.incref(ring[0]);
    let held = ring[0];
    if below(8) == 0 {
        get(held).word.store(COUNTED, Ordering::Relaxed);
        shared.made_with_finalizer.fetch_add(1, Ordering::Relaxed);
    }
    if below(10) == 0 {
        let weak = mock.weakref(held, below(2) == 0);
        shared.weak.lock().unwrap().push(weak as usize);
    }
    match below(4) {
        0 => shared.pool.lock().unwrap().push(held as usize),
        1 => {
            let other = shared.pool.lock().unwrap().pop();
            if let Some(other) = other {
                mock.give(held, 2, other as Ref);
            }
            mock.drop_ref(held);
        }
        2 => {
            // Move a reference out of a stranger's object into ours: no count changes.
            let other = shared.pool.lock().unwrap().pop();
            if let Some(other) = other {
                let moved = get(other as Ref).slots[0].swap(0, Ordering::AcqRel) as Ref;
                mock.give(held, 3, moved);
                mock.drop_ref(other as Ref);
            }
            mock.drop_ref(held);
        }
        _ => mock.drop_ref(held),
    }
    let weak = {
        let weak = shared.weak.lock().unwrap();
        if weak.is_empty() { None } else { Some(weak[below(weak.len() as u64) as usize]) }
    };
    if let Some(strong) = weak.and_then(|weak| mock.upgrade(weak as Ref)) {
        shared.upgraded.fetch_add(1, Ordering::Relaxed);
        assert_eq!(get(strong).header.shape.load(Ordering::Relaxed), NODE);
        mock.drop_ref(strong);
    }
}

fn run(atomic: bool) {
    let heap = Box::leak(Box::new(Heap::with_reservation(4 << 30).unwrap()));
    let collector: &'static Collector = Box::leak(Box::new(Collector::new(heap, Strategy::Stop)));
    let shared: &'static Shared = Box::leak(Box::new(Shared::default()));
    let new_mock = move |me| {
        let mut mock = mock_on(collector, me);
        mock.world = Some(&shared.world);
        if atomic {
            mock.birth = Birth::atomic();
        }
        mock
    };
    let threads: Vec<_> = (0..3)
        .map(|i| {
            thread::spawn(move || {
                let mut mock = new_mock(3 + i);
                let mut random = u64::from(i) + 1;
                for round in 0..20_000 {
                    {
                        let _running = shared.world.running.read().unwrap();
                        step(&mut mock, shared, &mut random);
                    }
                    if round % 50 == 17 * i {
                        let generation = Generation::from_index(round as usize / 50 % 3).unwrap();
                        let outcome = collector.collect(&mut mock, generation, Options::default());
                        shared.collected.fetch_add(outcome.collected, Ordering::Relaxed);
                    }
                }
                shared.finalized.fetch_add(mock.finalized, Ordering::Relaxed);
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let mut mock = new_mock(99);
    for object in shared.pool.lock().unwrap().drain(..) {
        mock.drop_ref(object as Ref);
    }
    for weak in shared.weak.lock().unwrap().drain(..) {
        mock.drop_ref(weak as Ref);
    }
    let last = collector.collect(&mut mock, Generation::Full, Options::default());
    shared.collected.fetch_add(last.collected, Ordering::Relaxed);
    assert_eq!(verify::verify(heap, &Tracer), []);
    let leftovers: Vec<u32> = {
        let mut shapes = Vec::new();
        heap.for_each_object(|header| shapes.push(header.shape.load(Ordering::Relaxed)));
        shapes
    };
    assert_eq!(leftovers, [], "everything was garbage");
    assert!(shared.collected.load(Ordering::Relaxed) > 10_000);
    assert!(shared.upgraded.load(Ordering::Relaxed) > 0);
    let finalized = shared.finalized.load(Ordering::Relaxed) + mock.finalized;
    assert!(finalized > 0 && finalized <= shared.made_with_finalizer.load(Ordering::Relaxed));
}

#[test]
fn biased_counts_with_a_merge_queue() {
    run(false);
}

#[test]
fn atomic_counts() {
    run(true);
}
