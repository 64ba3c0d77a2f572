//! Address space from the system: reserve, commit, give back.

use std::io;
use std::ptr;

/// A range of address space, unmapped when dropped.
pub(crate) struct Reservation {
    base: usize,
    len: usize,
    mapped: (usize, usize),
}

/// Bases are aligned to this, which lets the system use 2 MiB pages.
const ALIGN: usize = 2 << 20;

impl Reservation {
    /// `len` bytes that fault until committed.
    pub fn inaccessible(len: usize) -> io::Result<Reservation> {
        Reservation::map(len, libc::PROT_NONE)
    }

    /// `len` zero bytes, which take memory as they are touched.
    pub fn zeroed(len: usize) -> io::Result<Reservation> {
        Reservation::map(len, libc::PROT_READ | libc::PROT_WRITE)
    }

    fn map(len: usize, protection: i32) -> io::Result<Reservation> {
        let whole = len.checked_add(ALIGN).ok_or(io::ErrorKind::OutOfMemory)?;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a fresh anonymous mapping at an address of the system's choice touches nothing of ours.
        let start = unsafe { libc::mmap(ptr::null_mut(), whole, protection, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = start as usize;
        Ok(Reservation { base: start.next_multiple_of(ALIGN), len, mapped: (start, whole) })
    }

    #[inline(always)]
    pub fn base(&self) -> usize {
        self.base
    }

    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Makes `len` bytes at `offset` readable and writable. False if the system refuses.
    pub fn commit(&self, offset: usize, len: usize) -> bool {
        assert!(offset + len <= self.len);
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the range lies inside our own mapping.
        unsafe { libc::mprotect((self.base + offset) as *mut libc::c_void, len, protection) == 0 }
    }

    /// Tells the system that the contents of the whole pages in the range are not needed; they read
    /// as zero afterwards.
    pub fn discard(&self, offset: usize, len: usize) {
        assert!(offset + len <= self.len);
        // SAFETY: the range lies inside our own mapping and, says the caller, holds nothing in use.
        unsafe { libc::madvise((self.base + offset) as *mut libc::c_void, len, libc::MADV_DONTNEED) };
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // SAFETY: exactly the range that `map` obtained; nobody can hold addresses into it any more.
        unsafe { libc::munmap(self.mapped.0 as *mut libc::c_void, self.mapped.1) };
    }
}
