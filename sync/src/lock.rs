//! The object lock: one byte of the header.
//!
//! Taking it is one CAS, giving it back is a plain store and a look at WAITERS in the `gc` byte. The
//! store and the look are ordered against a thread that is about to sleep by an asymmetric fence
//! pair: the sleeper pays for a process-wide barrier, the unlocker for nothing (LK-2).
//!
//! A thread that must sleep detaches first, and gives up its critical sections, so a blocked thread
//! never holds up a stop or another section.

use super::events;
use super::header::{Header, gc_bits};
use super::parking::{Sleepers, Woken, now_us, park, unpark_one};
use super::prim::Ordering::{AcqRel, Acquire, Relaxed};
use super::prim::{heavy_fence, light_fence};
use super::rules;
use super::thread::ThreadCtx;
use std::time::Duration;

pub(super) const FREE: u8 = 0;
const LOCKED: u8 = 1;
/// Free, and the collector wants to know who takes it: see [`super::watch`].
pub(super) const WATCHED: u8 = 2;
/// Where the system has no process-wide barrier, a sleeper looks again by itself after this time.
const WITHOUT_BARRIER: Duration = Duration::from_millis(1);

impl Header {
    /// Takes the lock if it is free.
    #[inline(always)]
    pub fn try_lock(&self) -> bool {
        // ORDERING Acquire: what the last holder wrote is visible; pairs with `unlock` (LK-3).
        self.lock.compare_exchange(FREE, LOCKED, Acquire, Relaxed).is_ok()
    }

    /// Takes the lock if it is free, watched or not.
    pub(super) fn try_lock_watched(&self) -> bool {
        self.try_lock()
            // ORDERING Acquire: as in `try_lock`: who set the watch acquired what the last holder wrote (WT-2).
            || self.lock.compare_exchange(WATCHED, LOCKED, Acquire, Relaxed).is_ok()
    }

    /// Gives the lock back. The caller holds it, and a reference to the object.
    #[inline(always)]
    pub fn unlock(&self) {
        if self.release() {
            self.wake_waiter();
        }
    }

    /// The first half of [`Header::unlock`]. True: somebody waits, and the caller must call
    /// [`Header::wake_waiter`] while it still has its reference.
    #[inline(always)]
    #[must_use]
    pub fn release(&self) -> bool {
        // ORDERING Release: pairs with `try_lock` (LK-3). A plain store: nobody but the holder
        // writes the byte while it is LOCKED (LK-1).
        self.lock.store(FREE, rules::UNLOCK);
        light_fence();
        // ORDERING Relaxed: the fence pair orders it after the store (LK-2).
        self.gc.load(Relaxed) & gc_bits::WAITERS != 0
    }

    /// Somebody holds the lock. A snapshot.
    #[inline]
    pub fn is_locked(&self) -> bool {
        // ORDERING Relaxed: a snapshot.
        self.lock.load(Relaxed) == LOCKED
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self) as usize
    }

    /// In the child of a fork: the lock's holder, if it has one, does not exist.
    pub(super) fn free_lock_after_fork(&self) {
        if self.is_locked() {
            // ORDERING Relaxed: there is one thread.
            self.lock.store(FREE, Relaxed);
        }
    }

    /// The second half of [`Header::unlock`]: hands the lock on.
    #[cold]
    #[inline(never)]
    pub fn wake_waiter(&self) {
        unpark_one(self.address(), |sleepers: Sleepers| {
            // The lock has been free since the store in `unlock`; another thread may have it by now.
            let handed = sleepers.found
                && sleepers.overdue
                && (self.try_lock_watched() || !rules::HAND_OFF_TAKES_LOCK);
            if !sleepers.more {
                // ORDERING Relaxed: WAITERS is cleared, and re-tested by whoever is about to sleep,
                // under the address's lock; who set it meanwhile finds it gone and sets it again.
                self.gc.fetch_and(!gc_bits::WAITERS, Relaxed);
            }
            handed
        });
    }

    /// Takes the lock, however long it takes. `resume`: also take up the innermost critical section
    /// again after having slept.
    #[cold]
    #[inline(never)]
    pub(super) fn lock_contended(&self, thread: &ThreadCtx, resume: bool) {
        // ORDERING Relaxed: a lock that is only watched need not be waited for.
        let begun = events::begin().filter(|_| self.lock.load(Relaxed) != WATCHED);
        let slept = self.contend(thread, resume);
        if slept && resume {
            thread.state().claim(std::ptr::null());
        }
        events::waited(events::Wait::Lock { object: self, slept }, begun);
    }

    /// As [`Header::lock_contended`]; whether it slept.
    fn contend(&self, thread: &ThreadCtx, resume: bool) -> bool {
        let take = || !self.is_locked() && self.try_lock_watched();
        if take() || thread.backoff.wait(|| thread.breaker() != 0, take) {
            return false;
        }
        let since = now_us();
        loop {
            // ORDERING AcqRel: ordered before the look in `validate` by the fence.
            self.gc.fetch_or(gc_bits::WAITERS, AcqRel);
            let fenced = !rules::WAITER_FENCE || heavy_fence();
            let limit = if fenced { None } else { Some(WITHOUT_BARRIER) };
            let still_locked = || {
                // ORDERING Relaxed: the fence pair makes either this see the lock free, or the
                // unlocker see WAITERS (LK-2).
                self.lock.load(Relaxed) == LOCKED
                    // ORDERING Relaxed: changed under the address's lock, which is held now.
                    && self.gc.load(Relaxed) & gc_bits::WAITERS != 0
            };
            if resume {
                thread.state().claim(self);
            }
            let woken = park(self.address(), since, limit, still_locked, || thread.detach_in_place());
            if woken != Woken::Invalid {
                thread.attach_without_sections();
                if resume {
                    thread.resume_section();
                }
            }
            if woken == Woken::Handed {
                // ORDERING Acquire: the unlocker took the lock in our name with Acquire; its wake-up
                // carries that on.
                self.lock.load(Acquire);
                return true;
            }
            if self.try_lock_watched() {
                return true;
            }
        }
    }
}

/// A short hold on an object's lock. The code under it cannot call Python, pass a safepoint or take
/// another object's lock.
#[must_use = "the lock is given back when the guard is dropped"]
pub struct ObjectGuard<'h> {
    first: Option<&'h Header>,
    second: Option<&'h Header>,
}

impl ObjectGuard<'_> {
    /// No lock was taken: GIL mode, or a stopped world.
    pub fn is_skipped(&self) -> bool {
        self.first.is_none()
    }
}

impl Drop for ObjectGuard<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(second) = self.second {
            second.unlock();
        }
        if let Some(first) = self.first {
            first.unlock();
        }
    }
}

impl ThreadCtx {
    /// Takes the lock of `object`, which must stay alive until the guard is dropped. Skipped, by one
    /// test, in GIL mode and while this thread has stopped the world.
    #[inline(always)]
    pub fn lock<'h>(&self, object: &'h Header) -> ObjectGuard<'h> {
        if !self.takes_locks() {
            return ObjectGuard { first: None, second: None };
        }
        self.lock_header(object);
        ObjectGuard { first: Some(object), second: None }
    }

    /// Takes the locks of two objects, the lower address first; of one, if they are the same.
    #[inline]
    pub fn lock2<'h>(&self, a: &'h Header, b: &'h Header) -> ObjectGuard<'h> {
        if !self.takes_locks() {
            return ObjectGuard { first: None, second: None };
        }
        if std::ptr::eq(a, b) {
            return self.lock(a);
        }
        let (low, high) = if a.address() < b.address() { (a, b) } else { (b, a) };
        self.lock_header(low);
        self.lock_header(high);
        ObjectGuard { first: Some(low), second: Some(high) }
    }

    /// Takes the lock without a guard; give it back with [`Header::unlock`]. For callers that have
    /// tested [`ThreadCtx::takes_locks`].
    #[inline(always)]
    pub fn lock_header(&self, object: &Header) {
        if !object.try_lock() {
            object.lock_contended(self, true);
        }
    }
}
