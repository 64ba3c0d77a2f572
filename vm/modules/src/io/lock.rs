//! The lock of a stream: held over system calls and calls of Python code, unlike an object's own lock.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use parking_lot::lock_api::RawMutex as _;
use typhon_core::{Borrowed, PyResult, Thread, Trace, Word};

use crate::support::blocking;

/// A lock that knows its owner, so that a signal handler or a raw stream that comes back to its own buffer
/// gets an exception instead of a deadlock.
pub struct IoLock {
    raw: parking_lot::RawMutex,
    /// Which thread holds it; 0 = nobody.
    owner: AtomicU64,
    /// How often the owner entered again.
    depth: AtomicU32,
}

typhon_core::holds_no_references!(IoLock);

fn me() -> u64 {
    typhon_core::thread::current_ptr() as u64
}

impl IoLock {
    pub const fn new() -> IoLock {
        IoLock { raw: parking_lot::RawMutex::INIT, owner: AtomicU64::new(0), depth: AtomicU32::new(0) }
    }

    /// Is the lock held by the calling thread?
    pub fn mine(&self) -> bool {
        // ORDERING Relaxed: only this thread stores its own address.
        self.owner.load(Ordering::Relaxed) == me()
    }

    fn take(&self, th: &mut Thread) {
        let held = match self.raw.try_lock() {
            Some(held) => held,
            None => blocking(th, || self.raw.lock()),
        };
        #[allow(clippy::forget_non_drop, reason = "the guard unlocks when dropped")]
        core::mem::forget(held);
        // ORDERING Relaxed: read by `mine` of the same thread only.
        self.owner.store(me(), Ordering::Relaxed);
    }

    /// Takes the lock. Errors: RuntimeError if this thread holds it already.
    pub fn enter(&self, th: &mut Thread, of: Borrowed<'_>) -> PyResult<IoGuard<'_>> {
        if self.mine() {
            let shown = of.repr_text(th)?;
            return Err(th.runtime_error(&format!("reentrant call inside {shown}")));
        }
        self.take(th);
        Ok(IoGuard(self))
    }

    /// Takes the lock; a thread that holds it may take it again.
    pub fn enter_nested(&self, th: &mut Thread) -> IoGuard<'_> {
        if self.mine() {
            // ORDERING Relaxed: changed by the owner only.
            self.depth.fetch_add(1, Ordering::Relaxed);
        } else {
            self.take(th);
        }
        IoGuard(self)
    }
}

impl IoLock {
    /// Gives the lock back once. The calling thread holds it.
    pub fn leave(&self) {
        drop(IoGuard(self))
    }
}

/// The lock is held. Not released by a panic alone: streams stay usable.
pub struct IoGuard<'a>(&'a IoLock);

impl Drop for IoGuard<'_> {
    fn drop(&mut self) {
        // ORDERING Relaxed: changed by the owner only.
        if self.0.depth.load(Ordering::Relaxed) > 0 {
            self.0.depth.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        // ORDERING Relaxed: as in `take`.
        self.0.owner.store(0, Ordering::Relaxed);
        // SAFETY: this guard stands for the held lock, whose own guard `take` forgot.
        unsafe { self.0.raw.unlock(parking_lot::lock_api::GuardNoSend::new()) }
    }
}

/// State behind an [`IoLock`]. References into it must not live across a call that can run Python code of
/// a stream that may be entered again.
pub struct Guarded<T>(UnsafeCell<T>);

// SAFETY: reached only through a guard of the object's lock, or by the collector in a stop.
unsafe impl<T: Send> Sync for Guarded<T> {}

impl<T> Guarded<T> {
    pub fn new(v: T) -> Guarded<T> {
        Guarded(UnsafeCell::new(v))
    }

    /// The state; `guard` is that of the lock beside it.
    #[inline]
    pub fn get<'g>(&'g self, guard: &'g mut IoGuard<'_>) -> &'g mut T {
        let _ = guard;
        // SAFETY: the lock is held, and the exclusive borrow of the guard keeps this the only reference.
        unsafe { &mut *self.0.get() }
    }
}

impl<T: Trace> Trace for Guarded<T> {
    fn trace(&self, visit: &mut dyn FnMut(Word)) {
        // SAFETY: the collector traces while the world is stopped.
        unsafe { &*self.0.get() }.trace(visit)
    }
    fn clear(&mut self, drop: &mut dyn FnMut(Word)) {
        self.0.get_mut().clear(drop)
    }
}
