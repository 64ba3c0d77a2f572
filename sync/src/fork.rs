//! Fork: the child keeps one thread, the one that forked.
//!
//! The parent stops the world and takes the registry's lock first, so no thread is inside a merge, a
//! registration or an object's lock queue when memory is copied. What detached threads may hold (the
//! GIL's mutex, a gate, a parker) is made anew in the child.

use super::events::Count;
use super::parking;
use super::passage;
use super::prim::MutexGuard;
use super::registry::Roster;
use super::thread::{Stopped, ThreadCtx};

/// The world is ready to be copied. Call [`Fork::in_parent`] or [`Fork::in_child`] after the fork.
pub struct Fork<'t> {
    thread: &'t ThreadCtx,
    roster: MutexGuard<'t, Roster>,
    stopped: Stopped<'t>,
    _still: MutexGuard<'static, usize>,
}

impl ThreadCtx {
    /// Prepares for `fork()`. Blocks until all other threads are down.
    pub fn prepare_fork(&self) -> Fork<'_> {
        let stopped = self.stop_the_world();
        // First: who begins needs the registry.
        let still = passage::still();
        let roster = self.world().registry.lock();
        Fork { thread: self, roster, stopped, _still: still }
    }
}

impl Fork<'_> {
    /// In the parent, or after a fork that failed: everything goes on.
    pub fn in_parent(self) {
        drop(self.roster);
        drop(self.stopped);
    }

    /// In the child: the other threads do not exist here. Objects that they owned count as owned by
    /// exited threads; what waited in their queues is merged, and `dead` is called for each object
    /// that nobody holds any more.
    ///
    /// # Safety
    /// The process has been forked since this was made, and this is the child.
    pub unsafe fn in_child(self, mut dead: impl FnMut(*const super::header::Header)) {
        let Fork { thread, roster, stopped, _still } = self;
        let world = thread.world();
        parking::forget_sleepers();
        thread.suspend_sections();
        for other in stopped.others() {
            // SAFETY: the thread that used this slot does not exist in the child, and the one that
            // does is here; nobody else looks at the slot.
            unsafe { other.abandon_after_fork() };
        }
        // SAFETY: as above; whoever held the mutexes stayed behind, or is this thread, which was not
        // inside them.
        unsafe {
            thread.state().renew_after_fork();
            world.gil.renew_after_fork(thread.state(), world.mode().has_gil());
        }
        for other in stopped.others() {
            other.queue.drain(Count::MergedOnBehalf, &mut dead);
            other.vacate();
        }
        drop(roster);
        // SAFETY: as above.
        unsafe { world.rendezvous.renew_after_fork() };
        drop(stopped);
        thread.resume_section();
    }
}
