//! The first three words of every heap object, and the value types of its protocol words.
//!
//! | bytes  | field    | who writes it, and under what                                             |
//! |--------|----------|---------------------------------------------------------------------------|
//! | 0..4   | `owner`  | birth; whoever merges stores [`OwnerId::MERGED`]                            |
//! | 4..8   | `local`  | the owner only                                                            |
//! | 8..16  | `shared` | any thread, read-modify-write only (after birth)                          |
//! | 16..20 | `shape`  | birth; a shape transition, under the object's lock                        |
//! | 20     | `lock`   | whoever takes the lock (CAS), and its holder (plain Release store of 0)    |
//! | 21     | `gc`     | any thread, read-modify-write only; whoever destroys the object stores 0  |
//! | 22..24 | `flags`  | birth; afterwards read-modify-write, under the object's lock              |
//!
//! Source: PEP 703, "Biased Reference Counting"; Choi, Shull, Torrellas, PACT 2018.
//! Deviation: 24 bytes instead of 32, 32-bit owner ids that are never reused, one word for the lock
//! alone so that unlock can be a plain store.

use super::prim::{AtomicI64, AtomicU8, AtomicU16, AtomicU32, Ordering};

/// Identity of a reference-count owner. Ids of threads are handed out once and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct OwnerId(pub u32);

/// This build has a GIL only: nobody asks at run time who owns an object or whether locks are taken. For measuring
/// what being switchable costs (decision 0004). Immortal objects are counted, and saved by their bias (RC-9).
pub const FOLDED: bool = cfg!(feature = "folded");

impl OwnerId {
    /// Nobody: the count lives in `shared` alone.
    pub const MERGED: OwnerId = OwnerId(0);
    /// Worn by every thread in GIL mode.
    pub const GIL: OwnerId = OwnerId(1);
    /// The collector and its workers; owns no object.
    pub const COLLECTOR: OwnerId = OwnerId(2);
    /// The first id a thread can get in free mode.
    pub const FIRST_THREAD: OwnerId = OwnerId(3);
    /// Objects that are never freed.
    pub const IMMORTAL: OwnerId = OwnerId(u32::MAX);

    /// Does a thread that counts with this id run under the GIL?
    #[inline(always)]
    pub const fn has_gil(self) -> bool {
        FOLDED || self.0 == OwnerId::GIL.0
    }
}

/// The header of every heap object. 24 bytes; see the module's table for who may write what.
#[repr(C)]
pub struct Header {
    pub owner: AtomicU32,
    pub local: AtomicU32,
    pub shared: AtomicI64,
    pub shape: AtomicU32,
    pub lock: AtomicU8,
    pub gc: AtomicU8,
    pub flags: AtomicU16,
}

impl Header {
    /// Whose local count this is.
    #[inline(always)]
    pub fn owner(&self) -> OwnerId {
        // ORDERING Relaxed: the caller's own id is never stale (RC-1); any other is only a hint.
        OwnerId(self.owner.load(Ordering::Relaxed))
    }

    /// Is this object counted locally by `me`, the caller's id?
    #[inline(always)]
    pub fn is_owned_by(&self, me: OwnerId) -> bool {
        // ORDERING Relaxed: only `me` made it equal to `me`, and only `me` or somebody who holds `me` suspended
        // unmakes it, so "yes" is never stale (RC-1).
        FOLDED || self.owner.load(Ordering::Relaxed) == me.0
    }
}

/// Bits of the `gc` byte. Changed by read-modify-write only.
pub mod gc_bits {
    /// The collector may trace this object.
    pub const TRACKED: u8 = 1;
    /// The finaliser ran (or is running); it never runs again.
    pub const FINALIZED: u8 = 2;
    /// Deferred kind: uncounted on stacks, dies by the collector only.
    pub const DEFERRED: u8 = 4;
    /// Survived a young collection.
    pub const OLD: u8 = 8;
    /// `gc.freeze()` took it out of all collections.
    pub const FROZEN: u8 = 16;
    /// A stranger has used this container: its buffers are retired, never freed at once.
    pub const FOREIGN: u8 = 32;
    /// Somebody sleeps on the object's lock.
    pub const WAITERS: u8 = 128;
}
