//! Birth of a header: three 8-byte stores.
//!
//! The only place where header fields are written with another size than they are read with. A
//! reader that still holds the slot's address from before (a lock-free slot read) may see any mix
//! of old and new fields; its `try_incref` can then succeed on the newborn, its second look at the
//! slot fails, and it drops what it took. Nothing else is read before that second look.

use super::count::Shared;
use super::header::{Header, OwnerId};
use super::mode::Mode;
use super::prim::{AtomicI64, AtomicU64, Ordering};
use super::rules;
use super::thread::ThreadCtx;

const _: () = {
    assert!(size_of::<Header>() == 24 && align_of::<Header>() == 8);
    assert!(std::mem::offset_of!(Header, shared) == 8);
    assert!(std::mem::offset_of!(Header, shape) == 16);
    assert!(std::mem::offset_of!(Header, lock) == 20);
};

/// The words a new object is born with. Which ones is the mode's choice, so the mode is data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Birth {
    /// Bytes 0..8: owner id and local count.
    pub owner_local: u64,
    /// Bytes 8..16: the shared word.
    pub shared: i64,
}

impl Birth {
    /// GIL mode: owned by the id that every thread wears.
    pub const fn gil() -> Birth {
        Birth::biased(OwnerId::GIL)
    }

    /// Free threads, biased counts: owned by its creator.
    pub const fn biased(owner: OwnerId) -> Birth {
        Birth { owner_local: pack(owner, 1), shared: 0 }
    }

    /// Free threads, atomic counts: owned by nobody.
    pub const fn atomic() -> Birth {
        Birth { owner_local: pack(OwnerId::MERGED, 0), shared: Shared::ONE | Shared::MERGED }
    }

    /// Never freed.
    pub const fn immortal() -> Birth {
        Birth { owner_local: pack(OwnerId::IMMORTAL, 0), shared: 0 }
    }
}

const fn pack(owner: OwnerId, local: u32) -> u64 {
    if cfg!(target_endian = "little") {
        owner.0 as u64 | (local as u64) << 32
    } else {
        (owner.0 as u64) << 32 | local as u64
    }
}

const fn pack_shape(shape: u32, gc: u8, flags: u16) -> u64 {
    if cfg!(target_endian = "little") {
        shape as u64 | (gc as u64) << 40 | (flags as u64) << 48
    } else {
        (shape as u64) << 32 | (gc as u64) << 16 | flags as u64
    }
}

impl Mode {
    /// The birth words of an object made by the thread with registry id `thread`.
    pub const fn birth(self, thread: OwnerId) -> Birth {
        match self {
            Mode::Gil => Birth::gil(),
            Mode::Biased | Mode::Deferred => Birth::biased(thread),
            Mode::Atomic => Birth::atomic(),
        }
    }
}

impl ThreadCtx {
    /// The birth words of this thread's new objects.
    pub fn birth(&self) -> Birth {
        self.world().mode().birth(self.id())
    }
}

impl Header {
    /// Writes the header of a new object with one reference and its lock free.
    ///
    /// # Safety
    /// - `this` points to 24 writable bytes, aligned to 8, of a slot that no live object uses;
    /// - whoever still looks at the slot from before only uses atomic header fields.
    #[inline(always)]
    pub unsafe fn write_birth(this: *mut Header, birth: &Birth, shape: u32, gc: u8, flags: u16) {
        let words = this.cast::<u64>();
        // SAFETY: the caller's first point; 8-byte alignment makes each word a valid atomic.
        let (owner_local, shared, rest) = unsafe {
            (
                AtomicU64::from_ptr(words),
                AtomicI64::from_ptr(words.add(1).cast::<i64>()),
                AtomicU64::from_ptr(words.add(2)),
            )
        };
        // ORDERING Release: whoever finds IMMORTAL, or acquires a count, in memory that was another
        // object's must then see that its slot has changed (RC-12); pairs with `try_incref`.
        owner_local.store(birth.owner_local, rules::BIRTH);
        // ORDERING Release: as above.
        shared.store(birth.shared, rules::BIRTH);
        // ORDERING Release: a collector that walks the heap finds TRACKED here before anybody publishes
        // the object, and reads the payload.
        rest.store(pack_shape(shape, gc, flags), Ordering::Release);
    }
}
