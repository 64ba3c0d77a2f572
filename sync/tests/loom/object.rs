//! An object of a model: a real header, and a payload that every holder reads and its destructor
//! writes. Loom reports a free that is not ordered after every use as a causality violation, and the
//! payload's value shows a second free.

use super::count::{Fate, Shared};
use super::header::{Header, OwnerId};
use super::prim::Ordering::Relaxed;
use super::prim::{AtomicI64, AtomicU8, AtomicU16, AtomicU32};
use super::rules;
use loom::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// Owner in the models of counts alone.
pub const OWNER: OwnerId = OwnerId(3);
/// A stranger.
pub const OTHER: OwnerId = OwnerId(4);

/// Payload in the first life of the memory, and in the second.
const FIRST: u32 = 7;
const SECOND: u32 = 8;

pub struct Object {
    pub header: Header,
    payload: UnsafeCell<u32>,
    /// Not modelled: a plain tally.
    n_deaths: AtomicUsize,
}

// SAFETY: loom checks every access to the payload.
unsafe impl Sync for Object {}
// SAFETY: as above.
unsafe impl Send for Object {}

impl Object {
    /// `local` references counted by `owner`, `shared` ones and the tag in the shared word.
    pub fn new(owner: OwnerId, local: u32, shared: i64) -> Object {
        Object {
            header: Header {
                owner: AtomicU32::new(owner.0),
                local: AtomicU32::new(local),
                shared: AtomicI64::new(shared),
                shape: AtomicU32::new(0),
                lock: AtomicU8::new(0),
                gc: AtomicU8::new(0),
                flags: AtomicU16::new(0),
            },
            payload: UnsafeCell::new(FIRST),
            n_deaths: AtomicUsize::new(0),
        }
    }

    /// What a holder of a reference may do.
    pub fn touch(&self) {
        assert!(self.payload() >= FIRST, "used after death");
    }

    /// This is the object that was here first, not another one in the same memory.
    pub fn touch_first(&self) {
        assert_eq!(self.payload(), FIRST, "another object in the same memory");
    }

    fn payload(&self) -> u32 {
        // SAFETY: loom checks it.
        self.payload.with(|payload| unsafe { *payload })
    }

    /// What only the destructor may do.
    pub fn die(&self) {
        self.payload.with_mut(|payload| {
            // SAFETY: loom checks it.
            let payload = unsafe { &mut *payload };
            assert!(*payload >= FIRST, "died twice");
            *payload = 0;
        });
        self.n_deaths.fetch_add(1, SeqCst);
    }

    /// New life in the same memory, as an object of atomic mode with one reference.
    pub fn reuse(&self) {
        self.rebirth(OwnerId::MERGED, 0, Shared::ONE | Shared::MERGED);
    }

    /// New life in the same memory, with one reference counted by `owner`.
    pub fn reuse_as_owned(&self, owner: OwnerId) {
        self.rebirth(owner, 1, 0);
    }

    /// As `Header::write_birth`, in stores of loom's sizes.
    fn rebirth(&self, owner: OwnerId, local: u32, shared: i64) {
        // SAFETY: loom checks it.
        self.payload.with_mut(|payload| unsafe { *payload = SECOND });
        self.header.owner.store(owner.0, rules::BIRTH);
        self.header.local.store(local, Relaxed);
        self.header.shared.store(shared, rules::BIRTH);
    }

    /// Uses and then drops a reference; the model has no queue.
    pub fn drop_ref(&self, me: OwnerId) {
        self.touch();
        self.settle(self.header.decref(me));
    }

    pub fn settle(&self, fate: Fate) {
        match fate {
            Fate::Alive => {}
            Fate::Dead => self.die(),
            Fate::Queue => panic!("this model leaves nothing to the queue"),
        }
    }

    pub fn n_deaths(&self) -> usize {
        self.n_deaths.load(SeqCst)
    }
}
