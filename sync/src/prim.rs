//! The only door to shared memory.
//!
//! Every file of this crate takes its atomics, locks and fences from `super::prim`. A loom model
//! includes the same file by `#[path]` beside a `prim` of loom's types, so the code that is
//! model-checked is the code that ships. The other crates take their atomics from here as well:
//! with the feature `chaos` all of them give way at random.

#[cfg(feature = "chaos")]
pub use super::chaos::{
    AtomicBool, AtomicI8, AtomicI32, AtomicI64, AtomicIsize, AtomicPtr, AtomicU8, AtomicU16, AtomicU32,
    AtomicU64, AtomicUsize, fence,
};
pub use core::hint::spin_loop;
pub use core::sync::atomic::Ordering;
#[cfg(not(feature = "chaos"))]
pub use core::sync::atomic::{
    AtomicBool, AtomicI8, AtomicI32, AtomicI64, AtomicIsize, AtomicPtr, AtomicU8, AtomicU16, AtomicU32,
    AtomicU64, AtomicUsize, fence,
};
pub use crossbeam_utils::CachePadded;
pub use std::sync::{Condvar, Mutex, MutexGuard};

use std::sync::PoisonError;

/// Locks, whatever a panicking thread may have left: no invariant of ours spans a panic.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sleeps until notified; may wake for no reason.
pub fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condvar.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

/// As [`wait`], for at most `limit`. `true`: the time is up.
pub fn wait_for<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    limit: std::time::Duration,
) -> (MutexGuard<'a, T>, bool) {
    let (guard, result) = condvar.wait_timeout(guard, limit).unwrap_or_else(PoisonError::into_inner);
    (guard, result.timed_out())
}

/// How far off `moment` is; `None`: it has passed.
pub fn time_until(moment: std::time::Instant) -> Option<std::time::Duration> {
    moment.checked_duration_since(std::time::Instant::now())
}

/// The cheap half of an asymmetric fence pair: orders an earlier store before a later load, as seen
/// by a thread that runs [`heavy_fence`] between its own store and load. Costs nothing.
///
/// The one `compiler_fence` of the crate: where no process-wide barrier exists, `heavy_fence` says
/// so and its caller sleeps with a time limit instead.
#[inline(always)]
pub fn light_fence() {
    // ORDERING SeqCst: store before load; `heavy_fence` makes the processor's half of it.
    core::sync::atomic::compiler_fence(Ordering::SeqCst);
}

/// The dear half: after it, every thread of the process has passed a full memory barrier. Costs
/// 1 to 10 µs. `false`: the system has no such barrier, so the pair orders nothing.
#[cold]
pub fn heavy_fence() -> bool {
    // ORDERING SeqCst: store before load, in this thread; pairs with `light_fence` in all others.
    fence(Ordering::SeqCst);
    barrier::process_wide()
}

/// Tells the kernel that [`heavy_fence`] will be used: cheap while the process has one thread,
/// milliseconds later.
pub fn prepare_heavy_fence() {
    barrier::process_wide();
}

#[cfg(all(target_os = "linux", not(miri)))]
mod barrier {
    use super::{AtomicU8, Ordering};

    const UNKNOWN: u8 = 0;
    const READY: u8 = 1;
    const ABSENT: u8 = 2;
    static SUPPORT: AtomicU8 = AtomicU8::new(UNKNOWN);

    const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;
    const PRIVATE_EXPEDITED: libc::c_int = 1 << 3;

    fn membarrier(command: libc::c_int) -> bool {
        // SAFETY: the call reads no memory of ours; unknown commands fail with an error.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }

    pub fn process_wide() -> bool {
        // ORDERING Relaxed: a hint; registering twice is harmless.
        match SUPPORT.load(Ordering::Relaxed) {
            READY => membarrier(PRIVATE_EXPEDITED),
            ABSENT => false,
            _ => {
                let ready = membarrier(REGISTER_PRIVATE_EXPEDITED);
                // ORDERING Relaxed: as above.
                SUPPORT.store(if ready { READY } else { ABSENT }, Ordering::Relaxed);
                ready && membarrier(PRIVATE_EXPEDITED)
            }
        }
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
mod barrier {
    pub fn process_wide() -> bool {
        false
    }
}
