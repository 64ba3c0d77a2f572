//! The lock of a stream: held over system calls and calls of Python code, unlike an object's own lock, and waited
//! for outside the VM.

use core::cell::UnsafeCell;
use std::time::Instant;
use typhon_sync::prim::{AtomicU32, AtomicU64, Ordering};

use typhon_core::threads::{self, ThreadPtr};
use typhon_core::{Borrowed, PyResult, Thread, Trace, Word};
use typhon_sync::{Acquired, WaitLock};

/// A lock that knows its owner, so that a signal handler or a raw stream that comes back to its own buffer
/// gets an exception instead of a deadlock.
pub struct IoLock {
    raw: WaitLock,
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
    pub fn new() -> IoLock {
        IoLock { raw: WaitLock::new(), owner: AtomicU64::new(0), depth: AtomicU32::new(0) }
    }

    /// Is the lock held by the calling thread?
    pub fn mine(&self) -> bool {
        // ORDERING Relaxed: only this thread stores its own address.
        self.owner.load(Ordering::Relaxed) == me()
    }

    /// Takes the lock, with a limit if there is one. False: its time is up, or the holder will never run again.
    fn take(&self, th: &mut Thread, limit: Option<Instant>) -> bool {
        let taken = self.raw.try_acquire() || {
            if threads::is_alone() {
                return false;
            }
            self.release_for_gone_holder(th);
            let acquired = self.raw.acquire(&th.sync.ctx, &threads::VmHost, limit, false);
            th.drain_drops();
            acquired == Acquired::Yes
        };
        if taken {
            // ORDERING Relaxed: others ask only whether this is them.
            self.owner.store(me(), Ordering::Relaxed);
        }
        taken
    }

    /// In the child of a fork the holder may not exist.
    fn release_for_gone_holder(&self, th: &Thread) {
        // ORDERING Relaxed: a guess; the exchange decides.
        let owner = self.owner.load(Ordering::Relaxed);
        if owner == 0 {
            return;
        }
        th.rt.threads.if_gone(ThreadPtr(owner as *mut Thread), || {
            // ORDERING Relaxed: one thread gets it, and releases the lock for all.
            if self.owner.compare_exchange(owner, 0, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                // ORDERING Relaxed: as `owner`; the release orders it for the next holder.
                self.depth.store(0, Ordering::Relaxed);
                self.raw.release();
            }
        });
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
        lock.raw.release();
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
