//! A thread's parker: every wait that Python can see (locks, queues, sleep, join) sleeps here.
//!
//! One place to sleep means one place to wake: a signal, a deadline and the event itself all end
//! the same wait. The sleeping thread is detached.

use super::monitor::Monitor;
use std::time::Instant;

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Somebody called [`Parker::unpark`], perhaps for an earlier wait: look again.
    Unparked,
    /// The deadline passed.
    TimedOut,
    /// A signal is pending, and the wait was interruptible.
    Signal,
}

/// Holds at most one wake-up token.
#[derive(Default)]
pub struct Parker {
    token: Monitor<bool>,
}

impl Parker {
    /// Forgets a wake-up meant for somebody else.
    pub fn reset(&self) {
        *self.token.enter() = false;
    }

    /// Sleeps until there is a token (and takes it), `interrupted` holds, or `deadline` passes.
    pub fn wait(&self, deadline: Option<Instant>, interrupted: impl Fn() -> bool) -> Wake {
        let mut token = self.token.enter();
        loop {
            if std::mem::take(&mut *token) {
                return Wake::Unparked;
            }
            if interrupted() {
                return Wake::Signal;
            }
            token = match deadline {
                None => self.token.wait(token),
                Some(deadline) => {
                    let now = Instant::now();
                    if now >= deadline {
                        return Wake::TimedOut;
                    }
                    self.token.wait_for(token, deadline - now).0
                }
            };
        }
    }

    /// Wakes the thread, or lets its next wait return at once.
    pub fn unpark(&self) {
        *self.token.enter() = true;
        self.token.notify();
    }

    /// Makes a sleeping thread test `interrupted` again.
    pub fn alert(&self) {
        drop(self.token.enter());
        self.token.notify();
    }
}
