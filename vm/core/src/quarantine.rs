//! Freeing beside a collector: while one reads the heap without a stop, dead slots and their buffers
//! stay as they are until it has moved on ([`typhon_sync::quarantine`]).
//!
//! What is read where it lies in the slot needs no more than that. Payloads that own memory of another
//! kind (a `Vec`, state behind the object's lock) are read under the object's lock, and their destroyer
//! passes through the same lock first ([`pass_lock`]); see [`crate::object::Trace::BESIDE`].

use typhon_sync::prim::{AtomicBool, AtomicU64, Ordering};

use typhon_sync::Limbo;
use typhon_sync::header::Header;

use crate::runtime::rt;
use crate::thread::{self, Thread};

/// A collector reads the heap beside the mutators, or is about to. Set before a handshake and unset after
/// the last quantum, so a thread that passes no safepoint sees one value.
static ACTIVE: AtomicBool = AtomicBool::new(false);

/// Bytes that have left quarantine. A statistic.
static RETIRED: AtomicU64 = AtomicU64::new(0);
/// What a slot counts for, whatever its size.
const SLOT_BYTES: usize = 64;

/// Bytes that threads freed beside a collector since the start, and that could be used anew.
pub(crate) fn retired_bytes() -> u64 {
    // ORDERING Relaxed: a statistic.
    RETIRED.load(Ordering::Relaxed)
}

/// Memory in quarantine: a dead object's slot, or a buffer with what frees it.
pub(crate) struct Piece {
    address: *mut u8,
    buffer: Option<(usize, unsafe fn(*mut u8, usize))>,
}

/// Pieces that [`release`] frees without holding the thread up.
pub(crate) const A_FEW: usize = Limbo::<Piece>::TURN;

/// Must frees go through quarantine? One load, on every free.
#[inline(always)]
pub fn is_active() -> bool {
    // ORDERING Relaxed: the handshake orders it (see the field).
    ACTIVE.load(Ordering::Relaxed)
}

/// Must this thread's frees go through quarantine? Also for a while afterwards: what waits is freed little by
/// little, as more is added.
#[inline(always)]
pub(crate) fn takes_slots(th: &Thread) -> bool {
    is_active() || !th.limbo.is_empty()
}

/// Switched by the collecting thread, which shakes hands after `true`.
pub(crate) fn set_active(on: bool) {
    // ORDERING SeqCst: before the handshake's first look at the other threads, and after the last
    // quantum; once per collection, so the strongest will do.
    ACTIVE.store(on, Ordering::SeqCst);
}

/// Frees a buffer that no mutator can be reading: now, or when the collector has moved on.
///
/// # Safety
/// `free(address, bytes)` may run once, now or later, on this thread or another.
#[inline]
pub unsafe fn free_buffer(address: *mut u8, bytes: usize, free: unsafe fn(*mut u8, usize)) {
    if is_active() {
        // SAFETY: passed on.
        unsafe { hold_buffer(address, bytes, free) }
    } else {
        // SAFETY: nobody reads it.
        unsafe { free(address, bytes) }
    }
}

#[cold]
#[inline(never)]
unsafe fn hold_buffer(address: *mut u8, bytes: usize, free: unsafe fn(*mut u8, usize)) {
    let th = thread::current_ptr();
    assert!(!th.is_null(), "objects die on threads of the VM");
    // SAFETY: the calling thread's own state.
    hold(unsafe { &mut *th }, Piece { address, buffer: Some((bytes, free)) }, bytes);
}

/// Puts the slot of a destroyed object, whose death has been counted, into quarantine.
#[inline]
pub(crate) fn hold_slot(th: &mut Thread, object: *mut Header) {
    hold(th, Piece { address: object.cast(), buffer: None }, SLOT_BYTES);
}

#[inline]
fn hold(th: &mut Thread, piece: Piece, bytes: usize) {
    if th.limbo.push(piece, bytes) {
        release(th, A_FEW);
    }
}

/// Frees what the collector has passed, at most `most` pieces.
#[cold]
#[inline(never)]
pub(crate) fn release(th: &mut Thread, most: usize) {
    let heap = &mut th.heap;
    let mut retired = 0;
    th.limbo.turn(rt().threads.world.quarantine(), most, |piece| {
        // SAFETY: the piece was handed over once, by whoever owned it; its quantum is over.
        unsafe {
            match piece.buffer {
                Some((bytes, free)) => {
                    free(piece.address, bytes);
                    retired += bytes;
                }
                None => {
                    heap.recycle(piece.address.cast());
                    retired += SLOT_BYTES;
                }
            }
        }
    });
    if retired > 0 {
        // ORDERING Relaxed: a statistic.
        RETIRED.fetch_add(retired as u64, Ordering::Relaxed);
    }
}

/// Waits out a collector that may be reading the payload of a dead object under its lock.
#[cold]
pub(crate) fn pass_lock(object: &Header) {
    drop(thread::lock_object(object));
}
