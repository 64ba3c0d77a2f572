//! L1, L2, L6, L7, L8, L13: the count word alone.

use super::count::{Fate, Shared};
use super::object::{OTHER, OWNER, Object};
use super::prim::Ordering::{Acquire, Relaxed, Release};
use super::prim::AtomicU64;
use super::slot::read_slot;
use loom::thread;
use std::sync::Arc;

const PUBLISHED: i64 = 1;
const QUEUED: i64 = 2;

/// The owner and a stranger drop the last two references.
pub fn two_decrements() {
    let object = Arc::new(Object::new(OWNER, 1, Shared::ONE | PUBLISHED));
    let theirs = object.clone();
    let other = thread::spawn(move || theirs.drop_ref(OTHER));
    object.drop_ref(OWNER);
    other.join().unwrap();
    assert_eq!(object.n_deaths(), 1);
}

/// A stranger's pair of operations brings the word back to exact zero while the owner drops.
pub fn exact_zero() {
    let object = Arc::new(Object::new(OWNER, 1, Shared::ONE));
    let theirs = object.clone();
    let other = thread::spawn(move || {
        theirs.header.incref(OTHER);
        theirs.drop_ref(OTHER);
        theirs.drop_ref(OTHER);
    });
    object.drop_ref(OWNER);
    other.join().unwrap();
    assert_eq!(object.n_deaths(), 1);
}

/// The owner gives up its bias while a stranger drops the last reference and uses the memory again:
/// no write of the old owner may land in the new object.
pub fn no_late_write() {
    let object = Arc::new(Object::new(OWNER, 1, Shared::ONE | PUBLISHED));
    let theirs = object.clone();
    let other = thread::spawn(move || {
        if theirs.header.decref(OTHER) != Fate::Dead {
            return;
        }
        theirs.die();
        theirs.reuse_as_owned(OTHER);
        theirs.header.incref(OTHER);
        assert!(theirs.header.try_dec_local(OTHER), "the newborn lost its owner");
    });
    object.settle(object.header.decref(OWNER));
    other.join().unwrap();
    assert_eq!(object.n_deaths(), 1);
}

/// A stranger upgrades a weak reference while the owner drops the last strong one.
pub fn weak_upgrade() {
    weak_upgrades(1);
}

/// As [`weak_upgrade`], with two strangers.
pub fn weak_upgrade_twice() {
    weak_upgrades(2);
}

fn weak_upgrades(n_strangers: usize) {
    let object = Arc::new(Object::new(OWNER, 1, PUBLISHED));
    let upgrade = |weak: Arc<Object>| {
        thread::spawn(move || {
            if weak.header.try_incref(OTHER) {
                weak.drop_ref(OTHER);
            }
        })
    };
    let others: Vec<_> = (0..n_strangers).map(|_| upgrade(object.clone())).collect();
    object.drop_ref(OWNER);
    others.into_iter().for_each(|other| other.join().unwrap());
    assert_eq!(object.n_deaths(), 1);
}

/// What a former holder wrote is visible to whoever upgrades: the writer drops, the reader acquires
/// while a third reference keeps the object alive.
pub fn upgrade_acquires() {
    use loom::cell::UnsafeCell;
    struct Shared2(Object, UnsafeCell<u32>);
    // SAFETY: loom checks every access.
    unsafe impl Sync for Shared2 {}
    // SAFETY: as above.
    unsafe impl Send for Shared2 {}
    let shared = Arc::new(Shared2(Object::new(OWNER, 1, Shared::ONE | PUBLISHED), UnsafeCell::new(0)));
    let theirs = shared.clone();
    let writer = thread::spawn(move || {
        // SAFETY: loom checks it.
        theirs.1.with_mut(|cell| unsafe { *cell = 1 });
        theirs.0.settle(theirs.0.header.decref(OTHER));
    });
    let before = shared.0.header.shared.load(Relaxed);
    if before >> 24 == 0 && shared.0.header.try_incref(OTHER) {
        // SAFETY: loom checks it.
        shared.1.with(|cell| assert_eq!(unsafe { *cell }, 1));
        shared.0.settle(shared.0.header.decref(OTHER));
    }
    writer.join().unwrap();
    shared.0.settle(shared.0.header.decref(OWNER));
    assert_eq!(shared.0.n_deaths(), 1);
}

/// A lock-free reader against removal, death and reuse of the memory by an object that counts in its
/// shared word from birth.
pub fn slot_read() {
    slot_read_with(|object| object.reuse());
}

/// As [`slot_read`], reused by an owned object that is then published elsewhere.
pub fn slot_read_published() {
    slot_read_with(|object| {
        object.reuse_as_owned(OWNER);
        object.header.publish();
    });
}

fn slot_read_with(reuse: fn(&Object)) {
    const HERE: u64 = 16;
    let object = Arc::new(Object::new(OWNER, 1, PUBLISHED));
    let slot = Arc::new(AtomicU64::new(HERE));
    let (theirs, their_slot) = (object.clone(), slot.clone());
    let reader = thread::spawn(move || {
        let header = std::ptr::from_ref(&theirs.header);
        let mut lost = Vec::new();
        // SAFETY: the model's memory is one object, whose header outlives the thread.
        let word = unsafe {
            read_slot(
                &their_slot,
                OTHER,
                |word| (word == HERE).then_some(header),
                |_, fate| lost.push(fate),
            )
        };
        match word {
            Some(HERE) => {
                theirs.touch_first();
                theirs.drop_ref(OTHER);
            }
            Some(word) => assert_eq!(word, 0),
            None => {}
        }
        lost.into_iter().for_each(|fate| theirs.settle(fate));
    });
    // ORDERING Release: as every store into a slot.
    slot.store(0, Release);
    let died_here = object.header.decref(OWNER) == Fate::Dead;
    if died_here {
        object.die();
        reuse(&object);
        // The newborn is in no slot; a late reader may touch only its count.
        object.drop_ref(OWNER);
    }
    reader.join().unwrap();
    assert_eq!(object.n_deaths(), if died_here { 2 } else { 1 });
}

/// A finaliser lets its object escape while a stranger tries a weak reference.
pub fn resurrection() {
    resurrect(|object, _| {
        if object.header.try_incref(OTHER) {
            // Before death or after the escape, never in between.
            object.drop_ref(OTHER);
        }
    });
}

/// A finaliser lets its object escape while a stranger looks at the place of escape.
pub fn escape() {
    resurrect(|object, escaped| {
        if escaped.load(Acquire) == 1 && object.header.try_incref(OTHER) {
            object.drop_ref(OTHER);
        }
    });
}

fn resurrect(stranger: fn(&Object, &AtomicU64)) {
    let object = Arc::new(Object::new(OWNER, 1, PUBLISHED));
    let escaped = Arc::new(AtomicU64::new(0));
    let (theirs, their_escaped) = (object.clone(), escaped.clone());
    let other = thread::spawn(move || stranger(&theirs, &their_escaped));
    object.touch();
    if object.header.decref(OWNER) == Fate::Dead {
        object.header.resurrect_begin(OWNER);
        object.header.publish();
        object.header.incref(OWNER);
        // ORDERING Release: as every store into a slot.
        escaped.store(1, Release);
        assert_eq!(object.header.resurrect_end(OWNER), Fate::Alive);
        object.drop_ref(OWNER);
    }
    other.join().unwrap();
    assert_eq!(object.n_deaths(), 1);
}

/// A finaliser that lets nothing escape: a weak reference must not bring the object back.
pub fn resurrection_refused() {
    let object = Arc::new(Object::new(OWNER, 0, Shared::MERGED));
    let weak = object.clone();
    let other = thread::spawn(move || {
        if weak.header.try_incref(OTHER) {
            weak.drop_ref(OTHER);
        }
    });
    object.header.resurrect_begin(OWNER);
    object.settle(object.header.resurrect_end(OWNER));
    other.join().unwrap();
    assert_eq!(object.n_deaths(), 1);
}

/// A stranger makes an object immortal while its owner merges a queued reference and drops its own.
pub fn immortalise() {
    // References: the owner's, the queue's, and one of the stranger's.
    let object = Arc::new(Object::new(OWNER, 2, Shared::ONE | QUEUED));
    let theirs = object.clone();
    let other = thread::spawn(move || {
        theirs.header.immortalise();
        theirs.header.incref(OTHER);
        theirs.drop_ref(OTHER);
        theirs.drop_ref(OTHER);
    });
    object.settle(object.header.merge(-1));
    object.drop_ref(OWNER);
    other.join().unwrap();
    assert_eq!(object.n_deaths(), 0);
}
