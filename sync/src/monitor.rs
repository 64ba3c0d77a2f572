//! A mutex with its condition variable: the plain way to sleep for something that is not hot.

use super::prim::{Condvar, Mutex, MutexGuard, lock, wait, wait_for};
use std::time::Duration;

/// A value under a lock, and a way to wait for it to change.
pub struct Monitor<T> {
    value: Mutex<T>,
    changed: Condvar,
}

impl<T: Default> Default for Monitor<T> {
    fn default() -> Monitor<T> {
        Monitor::new(T::default())
    }
}

impl<T> Monitor<T> {
    pub fn new(value: T) -> Monitor<T> {
        Monitor { value: Mutex::new(value), changed: Condvar::new() }
    }

    /// Takes the lock.
    pub fn enter(&self) -> MutexGuard<'_, T> {
        lock(&self.value)
    }

    /// Releases the lock, sleeps until notified (or for no reason), takes the lock again.
    pub fn wait<'a>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        wait(&self.changed, guard)
    }

    /// As [`Monitor::wait`], for at most `limit`. `true`: the time is up.
    pub fn wait_for<'a>(&self, guard: MutexGuard<'a, T>, limit: Duration) -> (MutexGuard<'a, T>, bool) {
        wait_for(&self.changed, guard, limit)
    }

    /// Wakes everybody who waits. Call it with the lock held, or after having held it since the
    /// change was made.
    pub fn notify(&self) {
        self.changed.notify_all();
    }

    /// Wakes one of those who wait.
    pub fn notify_one(&self) {
        self.changed.notify_one();
    }
}
