//! Memory for large buffers of lists, dicts and sets: pages of their own from the system.
//!
//! A buffer that grows leaves smaller ones behind, and an allocator keeps those for later. Mapped pages grow where
//! they are or move without a copy, cost nothing until they are touched, and are gone when they are given back. But
//! new pages are dear, so a program that gives back large buffers again and again had better get them from the
//! allocator: what is unmapped raises the size from which buffers are mapped, as in glibc's malloc (mallopt(3),
//! `M_MMAP_THRESHOLD`).

use core::ptr;
use typhon_sync::prim::{AtomicUsize, Ordering};

/// Smallest buffer that may be mapped, in bytes.
pub const LEAST: usize = 1 << 20;
/// Buffers larger than this are mapped whatever was unmapped before, in bytes.
const ALWAYS: usize = 32 << 20;

/// Buffers larger than this are mapped. Any thread raises it; a stale value is as good.
static THRESHOLD: AtomicUsize = AtomicUsize::new(LEAST);

/// Is a buffer of so many bytes to be mapped?
#[inline]
pub fn are_for(bytes: usize) -> bool {
    // ORDERING Relaxed: a hint.
    bytes > LEAST && bytes > THRESHOLD.load(Ordering::Relaxed)
}
/// What the size of a buffer is rounded to if it is mapped because it grows, in bytes.
pub const GRANULE: usize = 4096;

const PROTECTION: i32 = libc::PROT_READ | libc::PROT_WRITE;
const ANONYMOUS: i32 = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;

/// Maps `bytes` zero bytes. Null: not so much memory.
pub fn map(bytes: usize) -> *mut u8 {
    // SAFETY: a fresh mapping at an address of the system's choice touches nothing of ours.
    let p = unsafe { libc::mmap(ptr::null_mut(), bytes, PROTECTION, ANONYMOUS, -1, 0) };
    if p == libc::MAP_FAILED { ptr::null_mut() } else { p.cast() }
}

/// Says that `bytes` of a mapping will be written soon: the system then provides them at once instead of page by page.
///
/// # Safety
/// The range lies inside a mapping.
pub unsafe fn expect(p: *mut u8, bytes: usize) {
    #[cfg(target_os = "linux")]
    {
        let start = p as usize / GRANULE * GRANULE;
        // SAFETY: the contents stay. Systems that cannot do it (before Linux 5.14, other page sizes) refuse.
        unsafe {
            libc::madvise(start as *mut libc::c_void, p as usize + bytes - start, libc::MADV_POPULATE_WRITE)
        };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (p, bytes);
}

/// Gives a mapping back.
///
/// # Safety
/// `p` is what [`map`] or [`resize`] returned for `bytes`, and nobody uses it any more.
pub unsafe fn unmap(p: *mut u8, bytes: usize) {
    // SAFETY: exactly that mapping. It cannot fail: no mapping is split.
    unsafe { libc::munmap(p.cast(), bytes) };
    // ORDERING Relaxed: a hint.
    THRESHOLD.fetch_max(bytes.min(ALWAYS), Ordering::Relaxed);
}

/// Makes a mapping larger or smaller; it may move. Null: not so much memory, and nothing has changed.
///
/// # Safety
/// As [`unmap`].
pub unsafe fn resize(p: *mut u8, old: usize, new: usize) -> *mut u8 {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: exactly that mapping.
        let moved = unsafe { libc::mremap(p.cast(), old, new, libc::MREMAP_MAYMOVE) };
        if moved == libc::MAP_FAILED { ptr::null_mut() } else { moved.cast() }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let fresh = map(new);
        if !fresh.is_null() {
            // SAFETY: both hold at least that much; the old one is no longer used.
            unsafe {
                ptr::copy_nonoverlapping(p, fresh, old.min(new));
                unmap(p, old);
            }
        }
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_keeps_its_contents_when_it_grows_and_shrinks() {
        let (small, large) = (LEAST, 5 * LEAST + GRANULE);
        let mut p = map(small);
        assert!(!p.is_null());
        // SAFETY: inside the mapping, whose size is followed.
        unsafe {
            p.add(small - 1).write(7);
            p = resize(p, small, large);
            assert!(!p.is_null());
            assert_eq!((p.add(small - 1).read(), p.add(large - 1).read()), (7, 0));
            p = resize(p, large, small);
            assert_eq!(p.add(small - 1).read(), 7);
            unmap(p, small);
        }
    }

    #[test]
    fn too_much_memory_is_refused() {
        assert!(map(1 << 60).is_null());
    }
}
