//! Stopping the world, and handshakes: one thread brings all others to a known point.
//!
//! A *stop* suspends every other thread until it is released. A *handshake* only waits until each
//! thread has passed a safepoint once, at its own time; for a detached thread the requester acts
//! itself while it holds that thread suspended.
//!
//! The requester does not count arrivals. It looks at every thread's word again whenever one of
//! them reports, so a late report can never be counted for the next stop (ST-8). Stops are
//! numbered, one at a time; a thread that registers during a stop starts suspended.
//!
//! Threads that a stop held up run before the next stop, for as long as they stood, within bounds: it takes
//! them longer to wake than it takes to stop the world again, and a program that stops it in a loop would
//! never let them in.

use super::events;
use super::monitor::Monitor;
use super::prim::{MutexGuard, time_until};
use super::registry::Registry;
use super::rules;
use super::thread_state::{Stopping, ThreadState, breaker};
use std::time::{Duration, Instant};

/// Bounds of the time that a stop owes to those whom it held up. Less would not wake them.
const LEAST_OWED: Duration = Duration::from_micros(100);
const MOST_OWED: Duration = Duration::from_millis(1);

#[derive(Default)]
pub(super) struct Inner {
    /// Somebody is stopping the world or shaking hands.
    busy: bool,
    /// New threads start suspended.
    pub(super) stopped: bool,
    /// Stops and handshakes begun.
    number: u64,
    /// The stop began.
    began: Option<Instant>,
    /// Until then those run whom the last stop held up.
    others_run: Option<Instant>,
}

/// The meeting point. Second in the lock order, after the registry.
#[derive(Default)]
pub struct Rendezvous {
    inner: Monitor<Inner>,
}

impl Rendezvous {
    pub(super) fn enter(&self) -> MutexGuard<'_, Inner> {
        self.inner.enter()
    }

    /// A thread has detached, come down, exited or passed its safepoint: whoever waits looks again.
    pub(super) fn report(&self) {
        drop(self.inner.enter());
        self.inner.notify();
    }

    /// Stops and handshakes begun so far.
    pub fn number(&self) -> u64 {
        self.inner.enter().number
    }

    /// Becomes the one requester. `false`: there is another one.
    pub(super) fn try_begin(&self, stop: bool) -> bool {
        let mut inner = self.inner.enter();
        if inner.busy {
            return false;
        }
        inner.busy = true;
        inner.stopped = stop;
        inner.began = stop.then(Instant::now);
        inner.number += 1;
        true
    }

    /// How long a thread that wants to stop the world should leave it alone first, detached.
    pub(super) fn owed(&self) -> Option<Duration> {
        self.inner.enter().others_run.and_then(time_until)
    }

    /// Sleeps while there is a requester. The caller is detached.
    pub(super) fn wait_idle(&self) {
        let mut inner = self.inner.enter();
        while inner.busy {
            inner = self.inner.wait(inner);
        }
    }

    /// The requester is done; lets every thread but `me` go if it had stopped them.
    pub(super) fn end(&self, registry: &Registry, me: &ThreadState) {
        let mut inner = self.inner.enter();
        let stopped = std::mem::take(&mut inner.stopped);
        if stopped && !rules::END_BEFORE_LETTING_GO {
            inner.stopped = true;
        }
        drop(inner);
        let held_up = stopped && self.let_go(registry, me);
        let mut inner = self.inner.enter();
        if let Some(began) = inner.began.take().filter(|_| held_up) {
            let now = Instant::now();
            inner.others_run = Some(now + (now - began).clamp(LEAST_OWED, MOST_OWED));
        }
        inner.stopped = false;
        inner.busy = false;
        drop(inner);
        self.inner.notify();
    }

    /// Brings every thread but `me` down. `false`: not all came within `limit`.
    pub(super) fn bring_down(&self, registry: &Registry, me: &ThreadState, limit: Option<Duration>) -> bool {
        tell_who_is_asked(registry, me);
        self.until(limit, || {
            let others = registry.threads().filter(|other| !std::ptr::eq(*other, me));
            others.fold(true, |all, other| all & (other.bring_down() == Stopping::Down))
        })
    }

    /// Threads that register from now on start detached, so nobody is suspended after this (ST-9). Did
    /// anybody sleep who wanted to run?
    fn let_go(&self, registry: &Registry, me: &ThreadState) -> bool {
        let others = registry.threads().filter(|other| !std::ptr::eq(*other, me));
        others.fold(false, |any, other| {
            let held_up = other.is_held_up();
            other.resume(0, breaker::STOP);
            any | held_up
        })
    }

    /// Waits until every thread but `me` has passed a safepoint or been served `on_behalf`.
    pub(super) fn shake(
        &self,
        registry: &Registry,
        me: &ThreadState,
        mut on_behalf: impl FnMut(&ThreadState),
    ) {
        tell_who_is_asked(registry, me);
        for other in registry.threads().filter(|other| !std::ptr::eq(*other, me)) {
            other.raise(breaker::HANDSHAKE);
        }
        self.until(None, || {
            let others = registry.threads().filter(|other| !std::ptr::eq(*other, me));
            others.fold(true, |all, other| {
                if other.has_served(breaker::HANDSHAKE) {
                    return all;
                }
                if !other.suspend() {
                    return false;
                }
                if other.clear(breaker::HANDSHAKE) & breaker::HANDSHAKE != 0 {
                    on_behalf(other);
                }
                other.resume(0, 0);
                all
            })
        });
    }

    /// Looks with `done` after every report, until it is true or the time is up.
    fn until(&self, limit: Option<Duration>, mut done: impl FnMut() -> bool) -> bool {
        let deadline = limit.map(|limit| Instant::now() + limit);
        let mut inner = self.inner.enter();
        while !done() {
            inner = match deadline {
                None => self.inner.wait(inner),
                Some(deadline) => {
                    let now = Instant::now();
                    if now >= deadline {
                        return false;
                    }
                    self.inner.wait_for(inner, deadline - now).0
                }
            };
        }
        true
    }

    /// Makes the mutex anew; the stop under which the fork was made goes on.
    ///
    /// # Safety
    /// This is the child of a fork, its only thread, and it holds no reference into the meeting point.
    pub(super) unsafe fn renew_after_fork(&self) {
        let inner = Inner { busy: true, stopped: true, ..Inner::default() };
        // SAFETY: the caller is alone; the old mutex is forgotten, not dropped, because a thread that
        // is gone may have held it.
        unsafe { std::ptr::from_ref(&self.inner).cast_mut().write(Monitor::new(inner)) };
    }
}

/// Before a stop or a handshake is asked of all threads but `me`.
fn tell_who_is_asked(registry: &Registry, me: &ThreadState) {
    if events::on() {
        for other in registry.threads().filter(|other| !std::ptr::eq(*other, me)) {
            events::asked(other.id(), other.is_attached());
        }
    }
}
