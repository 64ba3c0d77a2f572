//! L12: garbage proved by its owner alone, while a stranger moves or takes references.

use super::count::{Fate, Shared};
use super::header::Header;
use super::object::{OTHER, OWNER, Object};
use super::prim::AtomicU64;
use super::prim::Ordering::{AcqRel, Acquire, Relaxed};
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

    /// The owner's proof: slots explain counts, and nobody else was there.
    fn is_garbage(&self) -> bool {
        let mut unexplained = [0, 1].map(|i| self.header(i).local.load(Relaxed) as i64);
        for slot in &self.slots {
            let to = slot.load(Acquire);
            if to != NOTHING {
                unexplained[to as usize] -= 1;
            }
        }
        unexplained == [0, 0] && (0..2).all(|i| self.header(i).is_private(OWNER))
    }

    /// A stranger exchanges what a slot holds, under the object's lock.
    fn exchange(&self, i: usize, new: u64) -> u64 {
        while !self.header(i).try_lock() {
            thread::yield_now();
        }
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
    assert!(!pair.is_garbage(), "a stranger holds one of them");
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
    assert!(!pair.is_garbage(), "a stranger holds one of them");
    other.join().unwrap();
    assert_eq!(Shared(pair.header(0).shared.load(Relaxed)).count(), 1);
}
