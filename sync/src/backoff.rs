//! How long a thread that finds a lock taken leaves it alone before it sleeps.
//!
//! A look at a lock takes the cache line away from its holder, and two threads that change one object in turn
//! fetch every line of it from the other processor for each change, which takes many times as long as the change.
//! So a thread that is in the way of another again and again stays away longer each time, and the other meanwhile
//! makes many changes at the speed of one thread, as it would under a GIL. A thread that seldom meets another
//! waits as long as a short critical section takes.
//!
//! Nothing here is part of a protocol: the wait ends by itself, and at once when something is asked of the thread.

use super::parking::now_us;
use super::prim::spin_loop;
use super::rules;
use std::cell::Cell;

/// Contention that is this far behind is forgotten, in µs.
const FORGOTTEN_AFTER_US: usize = 200;
/// Pauses between two looks, for a thread that has met nobody lately.
const SHORTEST: u32 = 8;
/// Doublings of it, for one that meets others all the time.
const MOST_DOUBLINGS: u32 = 4;

/// A thread's memory of the contention that it met.
#[derive(Default)]
pub struct Backoff {
    doublings: Cell<u32>,
    /// When it last waited, in [`now_us`] time.
    last_us: Cell<usize>,
}

impl Backoff {
    /// Waits until `taken` says yes, which is tried after each pause, but not for long. `called_away`: the thread
    /// is asked for something, and stops waiting. True: it was taken.
    #[inline]
    pub fn wait(&self, called_away: impl Fn() -> bool, taken: impl Fn() -> bool) -> bool {
        if rules::SPINS == 0 {
            return false;
        }
        let now = now_us();
        let doublings = if now.wrapping_sub(self.last_us.get()) > FORGOTTEN_AFTER_US {
            0
        } else {
            (self.doublings.get() + 1).min(MOST_DOUBLINGS)
        };
        self.doublings.set(doublings);
        let look = || {
            for _ in 0..rules::SPINS {
                for _ in 0..SHORTEST << doublings {
                    if called_away() {
                        return false;
                    }
                    spin_loop();
                }
                if taken() {
                    return true;
                }
            }
            false
        };
        let got = look();
        self.last_us.set(now_us());
        got
    }
}
