//! The bridge to `typhon-sync`: modes, attaching threads, object locks, the merge queue.

use typhon_sync::header::Header;

use crate::runtime::Config;

/// What a VM thread keeps of the synchronisation layer.
pub struct SyncThread {}

/// All threads of the process.
pub struct Threads {}

impl Threads {
    pub(crate) fn new(_config: &Config) -> Threads {
        Threads {}
    }
}

/// Queues an object whose owner must merge its count.
///
/// # Safety
/// The queue owns one count of the object from here on.
pub unsafe fn enqueue(_p: *mut Header) {}

/// Takes an object's lock.
#[inline(always)]
pub fn lock(_of: &Header) {}

/// Releases an object's lock.
#[inline(always)]
pub fn unlock(_of: &Header) {}

/// Bits of a thread's word that ask it to stop at a safepoint.
pub const BREAKER_MASK: u32 = !3;

/// Calls `free(address, bytes)` once no thread can be reading the block any more.
///
/// # Safety
/// The block is unlinked, and `free` may run once, on any thread, at any later time.
pub unsafe fn retire(_address: *mut u8, _bytes: usize, _free: unsafe fn(*mut u8, usize)) {}

/// Runs `f`, which may wait in the system and touches no object, without the interpreter: other
/// threads go on meanwhile.
pub fn blocking<R>(_th: &mut crate::Thread, f: impl FnOnce() -> R) -> R {
    f()
}

/// Runs the Python handlers of signals that arrived, if this is the main thread.
pub fn check_signals(_th: &mut crate::Thread) -> crate::PyResult<()> {
    Ok(())
}
