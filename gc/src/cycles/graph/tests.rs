use std::ptr::NonNull;
use std::sync::atomic::AtomicPtr;

use typhon_sync::Birth;

use super::*;

struct NoReferences;
impl Trace for NoReferences {
    type Slot = ();

    fn confined<'a>(&self, _: &'a Header) -> Option<Confined<'a, ()>> {
        None
    }

    fn referent(_: &()) -> Option<NonNull<Header>> {
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
    let mut breathe = || {
        if !std::mem::replace(&mut freed, true) {
            // SAFETY: freed once; the memory stays a header.
            unsafe { local.free(object) };
        }
    };
    let mut pace = Pace::Beside(&mut breathe);
    sieve.subtract(&NoReferences, false, &mut pace);
    sieve.propagate(&NoReferences, &mut pace);
    sieve.for_each_member(&mut pace, |member, _| assert!(std::ptr::eq(member, object)));
    sieve.clean_blocks(&mut pace);
    assert!(freed);
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

    fn referent(slot: &AtomicPtr<Header>) -> Option<NonNull<Header>> {
        NonNull::new(slot.load(Ordering::Relaxed))
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
