//! Sleeping on an address. The only file that knows `parking_lot_core`; models bring their own.

use parking_lot_core::{
    DEFAULT_UNPARK_TOKEN, FilterOp, ParkResult, ParkToken, UnparkToken, park as core_park, unpark_filter,
};
use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const HANDED: UnparkToken = UnparkToken(1);
/// A thread that has waited this long is given the lock instead of being woken to compete for it.
const HAND_OFF_AFTER_US: usize = 1000;

/// How a sleep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// The unlocker took the lock in this thread's name.
    Handed,
    /// Woken: compete for the lock.
    Unparked,
    /// `validate` said no; the thread did not sleep and `before_sleep` did not run.
    Invalid,
    /// The time limit passed.
    TimedOut,
}

/// What the unlocker finds at the address.
#[derive(Clone, Copy, Debug)]
pub struct Sleepers {
    /// A thread is being woken.
    pub found: bool,
    /// Others go on sleeping.
    pub more: bool,
    /// The woken thread has waited so long that it should be given the lock.
    pub overdue: bool,
}

/// Microseconds since the first call.
pub fn now_us() -> usize {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_micros() as usize
}

/// Part of every key. A child process counts on, so that it never meets the sleepers that its parent
/// had at the moment of the fork.
static GENERATION: AtomicUsize = AtomicUsize::new(0);

/// Forgets all sleepers: they stayed behind in the parent process.
pub fn forget_sleepers() {
    // ORDERING Relaxed: the child has one thread.
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

fn key(address: usize) -> usize {
    // ORDERING Relaxed: changes only while there is one thread. Addresses are multiples of 8.
    address ^ (GENERATION.load(Ordering::Relaxed) & 7)
}

/// Sleeps on `address` if `validate` still holds, tested under the address's lock. `before_sleep` runs
/// after this thread can be woken; it may unpark, not park. `since`: when the wait began, in
/// [`now_us`] time.
pub fn park(
    address: usize,
    since: usize,
    limit: Option<Duration>,
    validate: impl FnOnce() -> bool,
    before_sleep: impl FnOnce(),
) -> Woken {
    let deadline = limit.map(|limit| Instant::now() + limit);
    // SAFETY: the key is the address of an object this thread holds, so nobody else uses it for
    // something different; `validate` and the timeout callback neither panic nor park, and
    // `before_sleep` does not park.
    let result =
        unsafe { core_park(key(address), validate, before_sleep, |_, _| {}, ParkToken(since), deadline) };
    match result {
        ParkResult::Unparked(HANDED) => Woken::Handed,
        ParkResult::Unparked(_) => Woken::Unparked,
        ParkResult::Invalid => Woken::Invalid,
        ParkResult::TimedOut => Woken::TimedOut,
    }
}

/// Wakes the thread that sleeps longest on `address`. `decide` runs under the address's lock, and says
/// whether it took the lock for the sleeper.
pub fn unpark_one(address: usize, decide: impl FnOnce(Sleepers) -> bool) {
    let since = Cell::new(None);
    let filter = |token: ParkToken| {
        if since.get().is_some() {
            return FilterOp::Stop;
        }
        since.set(Some(token.0));
        FilterOp::Unpark
    };
    let callback = |result: parking_lot_core::UnparkResult| {
        let overdue = since.get().is_some_and(|since| now_us().wrapping_sub(since) > HAND_OFF_AFTER_US);
        let found = result.unparked_threads > 0;
        let handed = decide(Sleepers { found, more: result.have_more_threads, overdue });
        if handed { HANDED } else { DEFAULT_UNPARK_TOKEN }
    };
    // SAFETY: as in `park`; `decide` only changes bytes of the header.
    unsafe { unpark_filter(key(address), filter, callback) };
}
