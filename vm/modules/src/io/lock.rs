//! The lock of a stream: held over system calls and calls of Python code, unlike an object's own lock.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::lock_api::{RawMutex as _, RawMutexTimed as _};
use typhon_core::{Borrowed, PyResult, Thread, Trace, Word, threads};

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

    /// Takes the lock, with a limit if there is one. False: its time is up, or the holder will never run again.
    fn take(&self, th: &mut Thread, limit: Option<Instant>) -> bool {
        let held = match (self.raw.try_lock(), limit) {
            (Some(held), _) => Some(held),
            (None, _) if threads::is_alone() => None,
            (None, Some(limit)) => blocking(th, || self.raw.try_lock_until(limit)),
            (None, None) => Some(blocking(th, || self.raw.lock())),
        };
        let Some(held) = held else { return false };
        #[allow(clippy::forget_non_drop, reason = "the guard unlocks when dropped")]
        core::mem::forget(held);
        // ORDERING Relaxed: read by `mine` of the same thread only.
        self.owner.store(me(), Ordering::Relaxed);
        true
    }

    /// Takes the lock. Errors: RuntimeError if this thread holds it already, or one that was left behind at the end
    /// of the process: it may be in a system call that uses the buffer.
    pub fn enter(&self, th: &mut Thread, of: Borrowed<'_>) -> PyResult<IoGuard<'_>> {
        if self.mine() {
            let shown = of.repr_text(th)?;
            return Err(th.runtime_error(&format!("reentrant call inside {shown}")));
        }
        if !self.take(th, None) {
            let shown = of.repr_text(th)?;
            return Err(th.runtime_error(&format!(
                "could not acquire lock for {shown} at interpreter shutdown, possibly due to daemon threads"
            )));
        }
        Ok(IoGuard { lock: self, taken: true })
    }

    /// Takes the lock; a thread that holds it may take it again. At the end of the process, a holder that was left
    /// behind is passed over: it is outside, calling something else.
    pub fn enter_nested(&self, th: &mut Thread) -> IoGuard<'_> {
        let taken = self.enter_again() || self.take(th, None);
        IoGuard { lock: self, taken }
    }

    /// As [`IoLock::enter_nested`]. `None`: it took too long.
    pub fn enter_before(&self, th: &mut Thread, limit: Instant) -> Option<IoGuard<'_>> {
        let taken = self.enter_again() || self.take(th, Some(limit));
        taken.then_some(IoGuard { lock: self, taken })
    }

    /// Takes the lock once more, if this thread holds it.
    fn enter_again(&self) -> bool {
        let mine = self.mine();
        if mine {
            // ORDERING Relaxed: changed by the owner only.
            self.depth.fetch_add(1, Ordering::Relaxed);
        }
        mine
    }

    /// Gives the lock back once. The calling thread holds it.
    pub fn leave(&self) {
        drop(IoGuard { lock: self, taken: true })
    }
}

/// The lock is held. Not released by a panic alone: streams stay usable.
pub struct IoGuard<'a> {
    lock: &'a IoLock,
    /// False: its holder was passed over.
    taken: bool,
}

impl Drop for IoGuard<'_> {
    fn drop(&mut self) {
        if !self.taken {
            return;
        }
        let lock = self.lock;
        // ORDERING Relaxed: changed by the owner only.
        if lock.depth.load(Ordering::Relaxed) > 0 {
            lock.depth.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        // ORDERING Relaxed: as in `take`.
        lock.owner.store(0, Ordering::Relaxed);
        // SAFETY: this guard stands for the held lock, whose own guard `take` forgot.
        unsafe { lock.raw.unlock(parking_lot::lock_api::GuardNoSend::new()) }
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
