//! L12: garbage proved by its owner alone, while a stranger moves or takes references.

use super::count::{Fate, Shared};
use super::header::Header;
use super::object::{OTHER, OWNER, Object};
use super::prim::AtomicU64;
use super::prim::Ordering::{AcqRel, Acquire, Relaxed};
use super::rules;
use loom::thread;
use std::sync::Arc;

const NOTHING: u64 = u64::MAX;

/// Two objects of the owner, with one slot each.
struct Pair {
    objects: [Object; 2],
    slots: [AtomicU64; 2],
}

impl Pair {
    fn new(slots: [u64; 2]) -> Arc<Pair> {
        Arc::new(Pair {
            objects: [Object::new(OWNER, 1, 0), Object::new(OWNER, 1, 0)],
            slots: slots.map(AtomicU64::new),
        })
    }

    fn header(&self, i: usize) -> &Header {
        &self.objects[i].header
    }

    /// The owner's proof that the first `N` are garbage: slots explain counts, and nobody else was there.
    fn is_garbage<const N: usize>(&self) -> bool {
        let mut unexplained: [i64; N] =
            std::array::from_fn(|i| self.header(i).local.load(Relaxed).into());
        for slot in &self.slots[..N] {
            let to = slot.load(Acquire);
            if to != NOTHING {
                unexplained[to as usize] -= 1;
            }
        }
        unexplained == [0; N] && (0..N).all(|i| self.header(i).is_private(OWNER))
    }

    fn lock(&self, i: usize) {
        while !self.header(i).try_lock() {
            thread::yield_now();
        }
    }

    /// A stranger exchanges what a slot holds, under the object's lock.
    fn exchange(&self, i: usize, new: u64) -> u64 {
        self.lock(i);
        self.header(i).mark_change(OTHER);
        let old = self.slots[i].swap(new, AcqRel);
        self.header(i).unlock();
        old
    }
}

/// A stranger holds object 0, through a reference that the owner gave it. It takes 1 out of 0, and puts 0
/// into 1: for the slots, each is explained at some time.
pub fn shuffled() {
    let pair = Pair::new([1, NOTHING]);
    let theirs = pair.clone();
    let other = thread::spawn(move || {
        assert_eq!(theirs.exchange(0, NOTHING), 1);
        assert_eq!(theirs.exchange(1, 0), NOTHING);
    });
    assert!(!pair.is_garbage::<2>(), "a stranger holds one of them");
    other.join().unwrap();
}

/// A stranger with a reference of its own walks round a cycle.
pub fn walked() {
    let pair = Pair::new([1, 0]);
    pair.header(0).incref(OTHER);
    let theirs = pair.clone();
    let other = thread::spawn(move || {
        for (to, from) in [(1, 0), (0, 1)] {
            theirs.header(to).incref(OTHER);
            assert_eq!(theirs.header(from).decref(OTHER), Fate::Alive);
        }
    });
    assert!(!pair.is_garbage::<2>(), "a stranger holds one of them");
    other.join().unwrap();
    assert_eq!(Shared(pair.header(0).shared.load(Relaxed)).count(), 1);
}

/// Object 0 refers to itself, and 1 refers to it. A stranger takes a reference out of 1 while the owner drops that
/// one.
pub fn taken() {
    let pair = Pair::new([0, 0]);
    pair.header(0).incref(OWNER);
    let theirs = pair.clone();
    let other = thread::spawn(move || {
        theirs.lock(1);
        let found = theirs.slots[1].load(Acquire) != NOTHING;
        if found {
            theirs.header(0).publish();
            theirs.header(0).incref(OTHER);
        }
        theirs.header(1).unlock();
        found
    });
    if rules::REMOVAL_LOCKS {
        pair.lock(1);
    }
    pair.slots[1].store(NOTHING, Relaxed);
    if rules::REMOVAL_LOCKS {
        pair.header(1).unlock();
    }
    assert_eq!(pair.header(0).decref(OWNER), Fate::Alive);
    let garbage = pair.is_garbage::<1>();
    assert!(!(other.join().unwrap() && garbage), "a stranger holds it");
}
