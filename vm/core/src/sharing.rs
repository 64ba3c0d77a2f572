//! Containers that several threads use: who may look at a buffer, and when an old one may be freed.
//!
//! A container publishes its buffer by one pointer. Writers hold the object's lock; readers hold nothing
//! and look again afterwards. Rules:
//! * SH-1: a thread that is not the container's owner sets FOREIGN, under the lock, before it uses a
//!   buffer for the first time ([`enter`], [`lock_object`]).
//! * SH-2: who replaces a buffer holds the lock; it frees the old one at once if FOREIGN is unset, since
//!   then only the owner (itself) can be reading, and retires it otherwise ([`release`]). A collector
//!   beside the mutators is a reader of every container; [`crate::quarantine`] waits for it.
//! * SH-3: a word read out of a buffer without the lock becomes a reference by [`try_own`]: either the
//!   object belongs to this thread (then nobody frees it before this thread's next safepoint), or its
//!   count is taken and the slot *and* the buffer pointer are found unchanged afterwards.
//! * SH-4: no safepoint lies between the load of a buffer pointer and its last use.
//! * SH-5: a word for the stack needs no count if threads may borrow its object ([`borrow`]); whatever leaves the
//!   stack is counted ([`crate::interp::handlers::cold::own_word`], [`Borrowed::to_owned`]). See [`crate::reaper`].

use typhon_sync::prim::Ordering;

use typhon_sync::header::{Header, OwnerId, gc_bits};

use crate::builtins::type_::is_uncounted;
use crate::object::{Borrowed, Owned, Slot};
use crate::quarantine;
use crate::thread::{self, lock_object, me};
use crate::word::{UNCOUNTED, Word};

/// Has a stranger ever used the buffers of `h`? Call under its lock.
#[inline(always)]
pub fn is_foreign(h: &Header) -> bool {
    // ORDERING Relaxed: set under the lock that the caller holds.
    h.gc.load(Ordering::Relaxed) & gc_bits::FOREIGN != 0
}

/// May somebody be reading buffers of `h` without its lock: a stranger, or a collector?
#[inline(always)]
pub fn is_read(h: &Header) -> bool {
    is_foreign(h) || quarantine::is_active()
}

/// May this thread read buffers of `h` without its lock? If not yet, see [`enter`].
#[inline(always)]
pub fn may_read(h: &Header, me: OwnerId) -> bool {
    // ORDERING Acquire: FOREIGN is never unset, and every replaced buffer since it was set is retired; a stale
    // "unset" only takes the lock once more.
    h.is_owned_by(me) || h.gc.load(Ordering::Acquire) & gc_bits::FOREIGN != 0
}

/// Announces a reader that holds no lock (SH-1). One load and compare for the owner.
#[inline(always)]
pub fn enter(h: &Header) {
    if !may_read(h, me()) {
        enter_slow(h)
    }
}

#[cold]
#[inline(never)]
fn enter_slow(h: &Header) {
    drop(lock_object(h));
}

/// Turns a word that was read from `slot` without a lock into a reference. `None`: the word is no
/// longer there, or its object was never seen by another thread; look again under the lock.
///
/// `still` tells whether the buffer that `slot` lies in is still the published one.
#[inline]
pub fn try_own(slot: &Slot, w: Word, still: impl Fn() -> bool) -> Option<Owned> {
    if !w.is_ptr() {
        return Some(Owned::from_const(w));
    }
    // SAFETY: heap slots are type-stable: even a stale pointer points at a header.
    let h = unsafe { &*w.ptr() };
    if h.is_owned_by(me()) {
        h.incref(me());
        // SAFETY: the count was just taken.
        return Some(unsafe { Owned::from_raw(Word(w.ptr() as u64)) });
    }
    try_own_foreign(slot, w, h, still)
}

/// The stack word, without a count, of what was read from `slot` without a lock, if threads may borrow it;
/// [`Word::ZERO`] if not, or if it is no longer there (SH-5). `still`: as in [`try_own`].
///
/// Cost: two loads and what `still` costs.
///
/// # Safety
/// The word was read from the slot, of a live object, since the last safepoint; it is a pointer.
#[inline(always)]
pub unsafe fn borrow(slot: &Slot, w: Word, still: impl Fn() -> bool) -> Word {
    // SAFETY: heap slots are type-stable: even a stale pointer points at a header.
    let h = unsafe { &*w.ptr() };
    if h.borrow(|| slot.peek() == w && still()) { w.uncounted() } else { Word::ZERO }
}

/// The stack word of what was read from `slot` without a lock: counted if it is this thread's, without a count if it
/// needs none there or threads may borrow it; else, or if it is no longer there, [`Word::ZERO`] (SH-3, SH-5). `still`: as
/// in [`try_own`].
///
/// # Safety
/// The word was read from the slot since the last safepoint, and is no [`Word::UNBOUND`]; the calling thread counts as
/// `me`.
#[inline(always)]
pub unsafe fn own_for_stack(me: OwnerId, slot: &Slot, w: Word, still: impl Fn() -> bool) -> Word {
    if !w.is_ptr() {
        return w;
    }
    // SAFETY: heap slots are type-stable: even a stale pointer points at a header.
    let h = unsafe { &*w.ptr() };
    if h.try_inc_local(me) {
        return w.owned_now();
    }
    if is_uncounted(w) && slot.peek() == w {
        return w.uncounted();
    }
    // SAFETY: by contract.
    unsafe { borrow(slot, w, still) }
}

/// A copy for the stack of a word that stands there or in a field that nobody changes: counted, unless its object
/// needs no count there.
///
/// # Safety
/// The word is live.
#[inline]
pub unsafe fn copy_for_stack(w: Word) -> Word {
    // SAFETY: live.
    if is_uncounted(w) || unsafe { &*w.ptr() }.is_shared() {
        return w.uncounted();
    }
    // SAFETY: live.
    let (v, h) = unsafe { (Borrowed::from_raw(w.uncounted()).to_owned(), &*w.ptr()) };
    crate::reaper::note_count(h);
    v.into_raw()
}

#[inline(never)]
fn try_own_foreign(slot: &Slot, w: Word, h: &Header, still: impl Fn() -> bool) -> Option<Owned> {
    if !h.try_incref(me()) {
        return None;
    }
    let bit = if h.is_immortal() { UNCOUNTED } else { 0 };
    // SAFETY: the count was just taken (an immortal object needs none).
    let v = unsafe { Owned::from_raw(Word(w.ptr() as u64 | bit)) };
    if slot.peek() != w || !still() {
        return None;
    }
    crate::reaper::note_count(h);
    Some(v)
}

/// Turns a word into a reference while the container's lock pins it, and lets later readers do so
/// without the lock.
///
/// # Safety
/// `w` stands in a slot whose object's lock is held, so its object is alive.
#[inline]
pub unsafe fn own_pinned(w: Word) -> Owned {
    if !w.is_ptr() {
        return Owned::from_const(w);
    }
    // SAFETY: alive by contract.
    let h = unsafe { &*w.ptr() };
    if h.owner() == OwnerId::IMMORTAL {
        return Owned::from_const(Word(w.ptr() as u64 | UNCOUNTED));
    }
    if !h.is_owned_by(me()) {
        h.publish();
    }
    h.incref(me());
    // SAFETY: the count was just taken.
    unsafe { Owned::from_raw(Word(w.ptr() as u64)) }
}

/// Gives back a buffer that is no longer published (SH-2).
///
/// # Safety
/// * The lock of `h` is held; the buffer was its own and cannot be found any more.
/// * `free(address, bytes)` may run once, now or later, on any thread.
#[inline]
pub unsafe fn release(h: &Header, address: *mut u8, bytes: usize, free: unsafe fn(*mut u8, usize)) {
    if is_foreign(h) && !me().has_gil() {
        // SAFETY: passed on.
        unsafe { crate::threads::retire(address, bytes, free) }
    } else {
        // SAFETY: no other mutator can be reading it.
        unsafe { quarantine::free_buffer(address, bytes, free) }
    }
}

/// Position of an iterator that came to its end while strangers could be looking into its source: that
/// stays where it is until the iterator dies, which is sooner than retiring it would end it.
pub const EXHAUSTED: usize = usize::MAX >> 1;

/// Drops a reference once no thread can be looking at its object any more: for what readers look
/// into without owning it (str keys of a dict) while FOREIGN says whether there can be such readers.
pub fn release_owned(h: &Header, v: Owned) {
    if is_foreign(h) { retire_owned(v) } else { drop(v) }
}

/// Drops a reference once every thread has passed a safepoint: for fields that are read without a count.
pub fn retire_owned(v: Owned) {
    unsafe fn drop_it(p: *mut u8, _: usize) {
        // SAFETY: the count was handed over below.
        unsafe { thread::drop_count(p as *mut Header) }
    }
    if v.word().is_counted() && !me().has_gil() {
        // SAFETY: the reference is unlinked; its count moves to the list.
        unsafe { crate::threads::retire(v.into_raw().ptr() as *mut u8, 0, drop_it) }
    }
}
