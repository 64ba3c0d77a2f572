//! L15: garbage proved beside threads that move and take references, by watching it.

use super::count::{Fate, Shared};
use super::header::{Header, OwnerId};
use super::object::{OTHER, Object};
use super::prim::Ordering::{AcqRel, Acquire};
use super::prim::{AtomicU64, Mutex, lock};
use super::threads::{NoObjects, attached, finish};
use super::world::World;
use super::{mode::Mode, rules};
use loom::thread;
use std::sync::Arc;

const NOTHING: u64 = u64::MAX;
const MERGED: i64 = Shared::MERGED;
const ONE: i64 = Shared::ONE;

/// Two objects with one slot each, and what settles condemnations.
struct Pair {
    objects: [Object; 2],
    slots: [AtomicU64; 2],
    gate: Mutex<()>,
}

impl Pair {
    /// Objects without an owner, with these counts.
    fn new(counts: [i64; 2], slots: [u64; 2]) -> Arc<Pair> {
        let objects = counts.map(|count| Object::new(OwnerId::MERGED, 0, count * ONE | MERGED));
        Arc::new(Pair { objects, slots: slots.map(AtomicU64::new), gate: Mutex::new(()) })
    }

    fn header(&self, i: usize) -> &Header {
        &self.objects[i].header
    }

    /// The collector's proof, as in `typhon_gc::cycles::watch`, for a set that is garbage as a whole or not at
    /// all. True: condemned.
    fn prove(&self) -> bool {
        self.prove_after(|| {})
    }

    /// The same; `watched` is called while the objects are watched, before they are read.
    fn prove_after(&self, watched: impl FnOnce()) -> bool {
        let is_watched = (0..2).all(|i| self.header(i).watch());
        if is_watched {
            watched();
        }
        let condemned = is_watched && self.condemn_explained();
        for i in 0..2 {
            self.header(i).unwatch();
        }
        condemned
    }

    fn condemn_explained(&self) -> bool {
        let count1 = self.header(1).watched_count();
        let counts = [self.header(0).watched_count(), count1];
        let mut unexplained = counts;
        for slot in &self.slots {
            let to = slot.load(Acquire);
            if to != NOTHING {
                unexplained[to as usize] -= 1;
            }
        }
        if unexplained != [0, 0] || !(0..2).all(|i| self.header(i).is_unlocked_since_watch()) {
            return false;
        }
        let _gate = lock(&self.gate);
        let condemned = (0..2).take_while(|&i| self.header(i).condemn(counts[i])).count();
        if condemned < 2 {
            for i in 0..condemned {
                self.header(i).spare();
            }
        }
        condemned == 2
    }

    /// Exchanges what a slot holds, under the object's lock.
    fn exchange(&self, i: usize, new: u64) -> u64 {
        while !self.header(i).try_lock_watched() {
            thread::yield_now();
        }
        let old = self.slots[i].swap(new, AcqRel);
        self.header(i).unlock();
        old
    }

    /// Reads a weak reference to an object.
    fn upgrade(&self, i: usize) -> bool {
        self.header(i).try_incref(OTHER)
            || rules::CONDEMNED_IS_SETTLED && {
                let _gate = lock(&self.gate);
                self.header(i).try_incref(OTHER)
            }
    }
}

/// A thread holds object 0. It takes 1 out of 0, and puts 0 into 1: no count changes, and for the slots each is
/// explained at some time.
pub fn shuffled() {
    let pair = Pair::new([1, 1], [1, NOTHING]);
    let theirs = pair.clone();
    let other = thread::spawn(move || {
        assert_eq!(theirs.exchange(0, NOTHING), 1);
        assert_eq!(theirs.exchange(1, 0), NOTHING);
    });
    assert!(!pair.prove(), "a thread holds one of them");
    other.join().unwrap();
}

/// A thread with a reference walks round a cycle.
pub fn walked() {
    let pair = Pair::new([2, 1], [1, 0]);
    let theirs = pair.clone();
    let other = thread::spawn(move || {
        for (to, from) in [(1, 0), (0, 1)] {
            theirs.header(to).incref(OTHER);
            assert_eq!(theirs.header(from).decref(OTHER), Fate::Alive);
        }
    });
    assert!(!pair.prove(), "a thread holds one of them");
    other.join().unwrap();
    assert_eq!([0, 1].map(|i| pair.header(i).refcount()), [2, 1]);
}

/// Nobody holds the cycle; a thread reads weak references to both objects. The second may be condemned already
/// when the first is got, which spares it.
pub fn upgraded() {
    let pair = Pair::new([1, 1], [1, 0]);
    let theirs = pair.clone();
    let other = thread::spawn(move || [1, 0].map(|i| theirs.upgrade(i)));
    let condemned = pair.prove();
    let upgraded = other.join().unwrap();
    assert_eq!(upgraded, [!condemned; 2], "either they are garbage, or both references are good");
    assert_eq!(pair.header(1).refcount(), 1 + i64::from(!condemned));
}

/// A thread reads object 1 out of 0, counts nothing, and lets 0 go. Such a borrow is counted when the thread next
/// answers a handshake, and before it detaches. The collector shakes hands while it watches: an older borrow is
/// counted then, which shows; a younger one was read out of an object that was held by a count at that time.
///
/// No shipped code borrows from other threads' objects yet: this is the proof as it would have to be.
pub fn borrowed() {
    let world = Arc::new(World::new(Mode::Biased));
    let (reader, collector) = (attached(&world), attached(&world));
    let pair = Pair::new([2, 1], [1, 0]);
    let theirs = pair.clone();
    let other = thread::spawn(move || {
        let borrow = theirs.header(theirs.slots[0].load(Acquire) as usize);
        assert_eq!(theirs.header(0).decref(OTHER), Fate::Alive);
        if reader.breaker() == 0 {
            assert!(!borrow.is_condemned(), "a thread uses it");
        }
        count_borrow(borrow);
        if reader.breaker() != 0 {
            reader.safepoint(&NoObjects);
        }
        assert!(!borrow.is_condemned(), "a thread uses it");
        reader.detach(&NoObjects);
        assert!(!borrow.is_condemned(), "a thread uses it");
        reader
    });
    let condemned = pair.prove_after(|| {
        if rules::PROOF_SHAKES_HANDS {
            collector.handshake(|_| {});
        }
    });
    collector.detach(&NoObjects);
    finish([other.join().unwrap(), collector], &NoObjects);
    assert!(!condemned, "a thread uses one of them");
}

/// Has a borrow own a count.
fn count_borrow(borrow: &Header) {
    if rules::HANDSHAKE_COUNTS_BORROWS {
        borrow.incref(OTHER);
    }
}
