//! A thread's merge queue: references that strangers dropped and only the owner may take away.

use super::count::Fate;
use super::header::{Header, OwnerId};
use super::prim::{Mutex, lock};
use super::rules;

/// An object whose reference the queue holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queued(pub *const Header);

// SAFETY: the queue holds a reference to the object, and headers are shared between threads.
unsafe impl Send for Queued {}

/// What became of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Push {
    /// The queue holds the reference.
    Pushed,
    /// The owner has exited: merged here and now.
    Merged(Fate),
    /// Another thread uses this slot now; the owner has exited.
    WrongOwner,
}

#[derive(Default)]
struct Inner {
    owner: u32,
    closed: bool,
    items: Vec<Queued>,
}

/// Objects waiting for their owner. `closed` and the items share one lock, so no push is lost when
/// the owner exits (R5).
pub struct MergeQueue {
    inner: Mutex<Inner>,
}

impl Default for MergeQueue {
    fn default() -> MergeQueue {
        MergeQueue { inner: Mutex::new(Inner::default()) }
    }
}

impl MergeQueue {
    /// Serves a new owner.
    pub fn open(&self, owner: OwnerId) {
        let mut inner = lock(&self.inner);
        debug_assert!(inner.items.is_empty());
        inner.owner = owner.0;
        inner.closed = false;
    }

    /// Gives the queue one reference to `object`, which `owner` owned when the caller looked.
    pub fn push(&self, owner: OwnerId, object: &Header) -> Push {
        let mut inner = lock(&self.inner);
        if inner.owner != owner.0 {
            return Push::WrongOwner;
        }
        if inner.closed {
            // The owner has exited, so under this lock nobody else writes `local`.
            return Push::Merged(object.merge(-1));
        }
        inner.items.push(Queued(object));
        Push::Pushed
    }

    /// Takes everything and merges it; calls `dead` for each object that nobody holds any more.
    /// The caller is the owner, or holds it suspended. No lock is held while `dead` runs.
    pub fn drain(&self, mut dead: impl FnMut(*const Header)) {
        let items = std::mem::take(&mut lock(&self.inner).items);
        for Queued(object) in items {
            // SAFETY: the queue held a reference to it until this merge.
            if unsafe { &*object }.merge(-1) == Fate::Dead {
                dead(object);
            }
        }
    }

    /// Refuses pushes from now on. `false`: there are items, drain them first.
    pub fn close(&self) -> bool {
        let mut inner = lock(&self.inner);
        if !inner.items.is_empty() {
            return false;
        }
        inner.closed = rules::EXIT_CLOSES_QUEUE;
        true
    }

    /// Objects waiting. A snapshot.
    pub fn len(&self) -> usize {
        lock(&self.inner).items.len()
    }

    /// Nothing waits. A snapshot.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
