//! Memory that the system maps. Everything that touches it goes through pointers: other threads, and other processes,
//! may write to it at any time.

use std::os::fd::{AsRawFd, OwnedFd};

/// A mapping, until dropped.
pub struct Mapping {
    start: *mut u8,
    len: usize,
}

// SAFETY: plain memory of the process; who may touch it is said by the lock of the object that has it.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

/// What to map.
pub struct Wanted {
    pub len: usize,
    pub prot: i32,
    pub flags: i32,
    /// -1: none.
    pub fd: i32,
    pub offset: i64,
}

impl Mapping {
    /// Errors: the number of the system's.
    pub fn new(w: &Wanted) -> Result<Mapping, i32> {
        // SAFETY: a new mapping at a place that the system chooses.
        let p = unsafe { libc::mmap(core::ptr::null_mut(), w.len, w.prot, w.flags, w.fd, w.offset) };
        if p == libc::MAP_FAILED {
            return Err(crate::support::errno());
        }
        Ok(Mapping { start: p.cast(), len: w.len })
    }

    /// Bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The first byte.
    pub fn start(&self) -> *mut u8 {
        self.start
    }

    /// A copy of `n` bytes from `at` on. Panics if they are not all inside.
    pub fn read(&self, at: usize, n: usize) -> Vec<u8> {
        assert!(at <= self.len && n <= self.len - at);
        let mut out = vec![0; n];
        // SAFETY: inside the mapping, and `out` is new.
        unsafe { core::ptr::copy_nonoverlapping(self.start.add(at), out.as_mut_ptr(), n) };
        out
    }

    /// One byte. Panics if it is outside.
    pub fn get(&self, at: usize) -> u8 {
        assert!(at < self.len);
        // SAFETY: inside the mapping.
        unsafe { self.start.add(at).read_volatile() }
    }

    /// Writes one byte. Panics if it is outside.
    pub fn set(&self, at: usize, byte: u8) {
        assert!(at < self.len);
        // SAFETY: inside the mapping.
        unsafe { self.start.add(at).write_volatile(byte) }
    }

    /// Writes bytes, which may lie in the mapping themselves. Panics if there is no room.
    pub fn write(&self, at: usize, bytes: &[u8]) {
        assert!(at <= self.len && bytes.len() <= self.len - at);
        // SAFETY: inside the mapping; the places may overlap.
        unsafe { core::ptr::copy(bytes.as_ptr(), self.start.add(at), bytes.len()) }
    }

    /// Copies inside the mapping. Panics if anything is outside.
    pub fn copy_within(&self, from: usize, to: usize, n: usize) {
        assert!(from <= self.len && to <= self.len && n <= self.len - from && n <= self.len - to);
        // SAFETY: inside the mapping; the places may overlap.
        unsafe { core::ptr::copy(self.start.add(from), self.start.add(to), n) }
    }

    /// The bytes from `at` to `end`, to search in: a search that others write into finds something old or new.
    /// Panics if they are not all inside.
    pub fn look(&self, at: usize, end: usize) -> &[u8] {
        assert!(at <= end && end <= self.len);
        // SAFETY: inside the mapping, as for every buffer that is lent.
        unsafe { core::slice::from_raw_parts(self.start.add(at), end - at) }
    }

    /// Changes the length, and perhaps the place. Errors: the number of the system's.
    pub fn resize(&mut self, len: usize) -> Result<(), i32> {
        // SAFETY: the whole mapping, which nobody else uses.
        let p = unsafe { libc::mremap(self.start.cast(), self.len, len, libc::MREMAP_MAYMOVE) };
        if p == libc::MAP_FAILED {
            return Err(crate::support::errno());
        }
        (self.start, self.len) = (p.cast(), len);
        Ok(())
    }

    /// `msync`. Panics if the span is not inside. Errors: the number of the system's.
    pub fn sync(&self, at: usize, n: usize, flags: i32) -> Result<(), i32> {
        assert!(at <= self.len && n <= self.len - at);
        // SAFETY: inside the mapping.
        let r = unsafe { libc::msync(self.start.add(at).cast(), n, flags) };
        if r < 0 { Err(crate::support::errno()) } else { Ok(()) }
    }

    /// `madvise`. Panics if the span is not inside. Errors: the number of the system's.
    pub fn advise(&self, at: usize, n: usize, option: i32) -> Result<(), i32> {
        assert!(at <= self.len && n <= self.len - at);
        // SAFETY: inside the mapping. Some advice empties pages: bytes change, as they may at any time.
        let r = unsafe { libc::madvise(self.start.add(at).cast(), n, option) };
        if r < 0 { Err(crate::support::errno()) } else { Ok(()) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the whole mapping, which nobody uses any more.
        unsafe { libc::munmap(self.start.cast(), self.len) };
    }
}

/// Is it a plain file, and how long? Errors: the number of the system's.
pub fn file_size(fd: i32) -> Result<Option<i64>, i32> {
    // SAFETY: a whole structure that the call fills.
    unsafe {
        let mut s: libc::stat = core::mem::zeroed();
        if libc::fstat(fd, &mut s) < 0 {
            return Err(crate::support::errno());
        }
        Ok((s.st_mode & libc::S_IFMT == libc::S_IFREG).then_some(s.st_size))
    }
}

/// The size that `fstat` tells. Errors: the number of the system's.
pub fn any_size(fd: &OwnedFd) -> Result<i64, i32> {
    // SAFETY: as above.
    unsafe {
        let mut s: libc::stat = core::mem::zeroed();
        if libc::fstat(fd.as_raw_fd(), &mut s) < 0 { Err(crate::support::errno()) } else { Ok(s.st_size) }
    }
}

/// Cuts or extends a file. Errors: the number of the system's.
pub fn truncate(fd: &OwnedFd, len: i64) -> Result<(), i32> {
    // SAFETY: a plain call.
    let r = unsafe { libc::ftruncate(fd.as_raw_fd(), len) };
    if r < 0 { Err(crate::support::errno()) } else { Ok(()) }
}

/// Bytes of a page.
pub fn page_size() -> usize {
    // SAFETY: a plain call.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}
