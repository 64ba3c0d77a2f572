use std::time::Instant;
use typhon_sync::prim::AtomicPtr;

use typhon_sync::Birth;

use super::*;

struct NoReferences;
impl Trace for NoReferences {
    type Slot = ();

    fn confined<'a>(&self, _: &'a Header) -> Option<Confined<'a, ()>> {
        None
    }

    fn referent(_: &()) -> Option<*const Header> {
        None
    }

    fn trace(&self, _: &Header, _: impl FnMut(*const Header)) {}

    fn has_finalizer(&self, _: &Header) -> bool {
        false
    }
}

#[test]
fn a_block_that_is_freed_during_the_passes_is_passed_over() {
    let heap = Box::leak(Box::new(Heap::with_reservation(1 << 30).expect("address space")));
    let mut local = LocalHeap::new(heap);
    let object = local.alloc(1 << 20);
    // SAFETY: a fresh slot; born as an object with one reference, of an owner that tests make up.
    unsafe { Header::write_birth(object, &Birth::biased(OwnerId(3)), 7, gc_bits::TRACKED, 0) };
    let sieve = Sieve::of_heap(heap, Scope::Full, &mut Pace::Stopped);
    assert!(sieve.contains(object));
    let mut freed = false;
    let mut quanta = Quanta(|| {
        if !std::mem::replace(&mut freed, true) {
            // SAFETY: freed once; the memory stays a header.
            unsafe { local.free(object) };
        }
    });
    let mut pace = Pace::Beside(&mut quanta);
    pace.breathe();
    sieve.subtract(&NoReferences, false, &mut pace);
    sieve.propagate(&NoReferences, &mut pace);
    let divided = sieve.divide(&mut pace, |_| {});
    sieve.clean_blocks(&mut pace);
    assert!(freed && divided.members == 1);
}

/// Quanta that are over as soon as somebody asks, with a helper in each.
struct Quanta<F>(F);

impl<F: FnMut()> Beside for Quanta<F> {
    fn breathe(&mut self) {
        (self.0)();
    }

    fn shift(&self, _: usize) -> Shift {
        Shift::with_helper(Instant::now())
    }
}

/// A heap of `n` objects in rings, through addresses in random order; and for each object, whether one of its ring is
/// held from outside.
fn rings(n: usize) -> (&'static Heap, Vec<(*const Header, bool)>) {
    let heap: &Heap = Box::leak(Box::new(Heap::with_reservation(1 << 30).expect("address space")));
    let mut local = LocalHeap::new(heap);
    let mut state = 1u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % below
    };
    let size = size_of::<Header>() + size_of::<AtomicPtr<Header>>();
    let mut objects: Vec<(*mut Header, bool)> = (0..n).map(|_| (local.alloc(size), false)).collect();
    (1..n).for_each(|at| objects.swap(at, random(at + 1)));
    let mut rest = &mut objects[..];
    while !rest.is_empty() {
        let (ring, others) = rest.split_at_mut((1 + random(2000)).min(rest.len()));
        rest = others;
        let held = if random(2) == 0 { Some(random(ring.len())) } else { None };
        let mut refers_to = ring[0].0;
        for (at, (object, is_held)) in ring.iter_mut().enumerate().rev() {
            // SAFETY: a fresh slot.
            unsafe { Header::write_birth(*object, &Birth::biased(OwnerId(3)), 7, gc_bits::TRACKED, 0) };
            // SAFETY: just born.
            let header = unsafe { &**object };
            header.local.store(1 + u32::from(held == Some(at)), Ordering::Relaxed);
            slot(header).store(std::mem::replace(&mut refers_to, *object), Ordering::Relaxed);
            *is_held = held.is_some();
        }
    }
    (heap, objects.into_iter().map(|(object, is_held)| (object.cast_const(), is_held)).collect())
}

fn assert_divides(pace: &mut Pace<'_>, n: usize) {
    let (heap, objects) = rings(n);
    let sieve = Sieve::of_heap(heap, Scope::Full, pace);
    sieve.subtract(&OneReference, false, pace);
    sieve.propagate(&OneReference, pace);
    let alive = AtomicUsize::new(0);
    let divided = sieve.divide(pace, |_| {
        alive.fetch_add(1, Ordering::Relaxed);
    });
    let mut garbage = Vec::new();
    for (object, is_held) in objects {
        assert_eq!(sieve.is_alive(object), is_held);
        if !is_held {
            garbage.push(object);
        }
    }
    garbage.sort_unstable();
    assert!(!garbage.is_empty() && garbage.len() < n);
    assert_eq!(divided.members, n);
    assert_eq!(alive.into_inner(), n - garbage.len());
    assert_eq!(divided.unreached, garbage);
}

#[test]
fn a_crew_that_is_interrupted_again_and_again_finds_what_one_thread_would() {
    let mut breaths = 0;
    let mut quanta = Quanta(|| breaths += 1);
    assert_divides(&mut Pace::Beside(&mut quanta), 100_000);
    assert!(breaths > 200, "{breaths}");
}

#[test]
fn a_crew_in_a_stop_finds_what_one_thread_would() {
    assert_divides(&mut Pace::Stopped, 600_000);
    assert_divides(&mut Pace::Stopped, 10_000);
}

/// Objects with one slot behind the header.
struct OneReference;

fn slot(object: &Header) -> &AtomicPtr<Header> {
    // SAFETY: the slots of these tests have room for it.
    unsafe { &*(std::ptr::from_ref(object).add(1).cast()) }
}

impl Trace for OneReference {
    type Slot = AtomicPtr<Header>;

    fn confined<'a>(&self, object: &'a Header) -> Option<Confined<'a, AtomicPtr<Header>>> {
        Some(Confined { has_finalizer: false, rows: Some([std::slice::from_ref(slot(object)), &[]]) })
    }

    fn referent(slot: &AtomicPtr<Header>) -> Option<*const Header> {
        Some(slot.load(Ordering::Relaxed).cast_const())
    }

    fn trace(&self, object: &Header, mut visit: impl FnMut(*const Header)) {
        visit(slot(object).load(Ordering::Relaxed));
    }

    fn has_finalizer(&self, _: &Header) -> bool {
        false
    }
}

#[test]
fn threads_that_collect_for_themselves_at_the_same_time_do_not_mix_up_their_objects() {
    let heap = Box::leak(Box::new(Heap::with_reservation(1 << 30).expect("address space")));
    let mut mine = LocalHeap::new(heap);
    let mut others = LocalHeap::new(heap);
    let born = |local: &mut LocalHeap, owner: OwnerId, refers_to: *const Header| {
        let object = local.alloc(size_of::<Header>() + size_of::<AtomicPtr<Header>>());
        // SAFETY: a fresh slot; born as an object with one reference.
        unsafe { Header::write_birth(object, &Birth::biased(owner), 7, gc_bits::TRACKED, 0) };
        // SAFETY: just born.
        slot(unsafe { &*object }).store(refers_to.cast_mut(), Ordering::Relaxed);
        local.count_container(object);
        object
    };
    let (me, other) = (OwnerId(3), OwnerId(4));
    let theirs = born(&mut others, other, std::ptr::null());
    // Each is the first of its thread, and held by nothing but a stack.
    let first = born(&mut mine, me, std::ptr::null());
    let second = born(&mut mine, me, theirs);
    let (theirs_meanwhile, _) = Sieve::of_own(&others, other, &OneReference);
    let (sieve, _) = Sieve::of_own(&mine, me, &OneReference);
    assert!(theirs_meanwhile.contains(theirs) && !sieve.contains(theirs));
    sieve.propagate(&OneReference, &mut Pace::Stopped);
    for object in [first, second] {
        assert!(sieve.is_alive(object));
    }
}
