//! The GIL: a mutex with a waiting room, and a switch interval.
//!
//! A thread that has waited one interval while nobody else got the lock asks the holder to drop it
//! (a breaker bit). The holder then waits until another thread has really taken it: without that it
//! would win the lock back before the other wakes up.
//!
//! Source: A. Pitrou's GIL of CPython 3.2 ("Reworking the GIL", 2009).

use super::events;
use super::monitor::Monitor;
use super::prim::Ordering::Relaxed;
use super::prim::{AtomicU64, Condvar, wait};
use super::rules;
use super::thread_state::{ThreadState, breaker};
use std::ptr;
use std::time::Duration;

/// How long a thread waits for the GIL before it asks for it.
pub const SWITCH_INTERVAL: Duration = Duration::from_millis(5);

struct Inner {
    /// Null: free.
    holder: *const ThreadState,
    /// Times the lock was taken.
    n_taken: u64,
    n_waiting: usize,
    /// Droppers that wait until somebody has taken the lock.
    n_handing: usize,
}

// SAFETY: the pointer leads to a registry slot, which is shared and never moves.
unsafe impl Send for Inner {}

/// One lock around the interpreter.
pub struct Gil {
    inner: Monitor<Inner>,
    /// Signalled when the lock is taken; droppers who hand it over wait here.
    taken: Condvar,
    interval_ns: AtomicU64,
}

impl Default for Gil {
    fn default() -> Gil {
        Gil::new()
    }
}

impl Gil {
    pub fn new() -> Gil {
        Gil {
            inner: Monitor::new(Inner { holder: ptr::null(), n_taken: 0, n_waiting: 0, n_handing: 0 }),
            taken: Condvar::new(),
            interval_ns: AtomicU64::new(SWITCH_INTERVAL.as_nanos() as u64),
        }
    }

    /// `sys.getswitchinterval()`.
    pub fn interval(&self) -> Duration {
        // ORDERING Relaxed: a setting, not a message.
        Duration::from_nanos(self.interval_ns.load(Relaxed))
    }

    /// `sys.setswitchinterval()`; takes effect with the next wait.
    pub fn set_interval(&self, interval: Duration) {
        let ns = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX).max(1);
        // ORDERING Relaxed: a setting, not a message.
        self.interval_ns.store(ns, Relaxed);
    }

    /// Sleeps until the lock is free, and takes it for `me`. `urgent`: the holder is asked at once.
    pub fn take(&self, me: &ThreadState, urgent: bool) {
        let mut inner = self.inner.enter();
        let mut begun = None;
        if !inner.holder.is_null() && rules::GIL_EXCLUDES {
            begun = events::begin();
            inner.n_waiting += 1;
            if urgent {
                // SAFETY: as below.
                unsafe { &*inner.holder }.raise(breaker::GIL_DROP);
            }
            while !inner.holder.is_null() {
                let before = inner.n_taken;
                let timed_out;
                (inner, timed_out) = self.inner.wait_for(inner, self.interval());
                if timed_out && !inner.holder.is_null() && inner.n_taken == before {
                    // SAFETY: a registry slot; it never moves, and its thread holds the lock.
                    unsafe { &*inner.holder }.raise(breaker::GIL_DROP);
                }
            }
            inner.n_waiting -= 1;
        }
        inner.holder = me;
        inner.n_taken += 1;
        let handed = inner.n_handing > 0;
        // Under the lock, as the requests are made: one that is meant for this turn is not lost.
        if me.pending() & breaker::GIL_DROP != 0 {
            me.clear(breaker::GIL_DROP);
        }
        drop(inner);
        if handed {
            self.taken.notify_all();
        }
        events::waited(events::Wait::Gil, begun);
    }

    /// Frees the lock. With `hand_over`, waits until one of the waiting threads has taken it.
    pub fn release(&self, me: &ThreadState, hand_over: bool) {
        let mut inner = self.inner.enter();
        debug_assert!(
            ptr::eq(inner.holder, me) || !rules::GIL_EXCLUDES,
            "only the holder can release the GIL"
        );
        inner.holder = ptr::null();
        if inner.n_waiting == 0 {
            return;
        }
        self.inner.notify_one();
        if hand_over {
            let before = inner.n_taken;
            inner.n_handing += 1;
            while inner.n_taken == before && inner.n_waiting > 0 {
                inner = wait(&self.taken, inner);
            }
            inner.n_handing -= 1;
        }
    }

    /// Times the lock was taken: switches and blocking calls.
    pub fn n_taken(&self) -> u64 {
        self.inner.enter().n_taken
    }

    /// Makes the lock anew, held by `me` if `held`.
    ///
    /// # Safety
    /// This is the child of a fork, its only thread, and it holds no reference into the lock.
    pub(super) unsafe fn renew_after_fork(&self, me: &ThreadState, held: bool) {
        let holder = if held { ptr::from_ref(me) } else { ptr::null() };
        let inner = Monitor::new(Inner { holder, n_taken: 0, n_waiting: 0, n_handing: 0 });
        // SAFETY: the caller is alone; the old mutex is forgotten, not dropped, because a thread that
        // is gone may have held it.
        unsafe {
            ptr::from_ref(&self.inner).cast_mut().write(inner);
            ptr::from_ref(&self.taken).cast_mut().write(Condvar::new());
        }
    }
}
