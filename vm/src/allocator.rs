//! The allocator of everything but objects: mimalloc.
//!
//! The crate's own type passes every alignment on, which sends most blocks down mimalloc's slow path.
//! What it gives without being asked (16 bytes, or the size of smaller blocks) is enough for nearly all.

use std::alloc::{GlobalAlloc, Layout};

use libmimalloc_sys as sys;
use mimalloc::MiMalloc;

unsafe extern "C" {
    /// mimalloc.h: with `force`, memory that waits for its time to be given back to the system is given back now.
    fn mi_collect(force: bool);
}

/// Gives the system back what was freed. Left to itself mimalloc does it a second later, on whichever thread then
/// allocates or frees, for milliseconds.
pub fn return_memory() {
    // SAFETY: may be called on any thread at any time.
    unsafe { mi_collect(true) }
}

/// See the module.
pub struct Allocator;

/// Is the block aligned well enough without being asked to be?
#[inline(always)]
fn is_plain(layout: &Layout, size: usize) -> bool {
    layout.align() <= 8 || (layout.align() <= 16 && size >= 16)
}

// SAFETY: both ways lead to the same heap, and `mi_free` takes blocks of either.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_plain(&layout, layout.size()) {
            // SAFETY: any size will do.
            return unsafe { sys::mi_malloc(layout.size()).cast() };
        }
        // SAFETY: passed on.
        unsafe { MiMalloc.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_plain(&layout, layout.size()) {
            // SAFETY: any size will do.
            return unsafe { sys::mi_zalloc(layout.size()).cast() };
        }
        // SAFETY: passed on.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, p: *mut u8, _: Layout) {
        // SAFETY: a block of this heap, says the caller.
        unsafe { sys::mi_free(p.cast()) }
    }

    #[inline]
    unsafe fn realloc(&self, p: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if is_plain(&layout, size) {
            // SAFETY: a block of this heap, says the caller.
            return unsafe { sys::mi_realloc(p.cast(), size).cast() };
        }
        // SAFETY: passed on.
        unsafe { MiMalloc.realloc(p, layout, size) }
    }
}
