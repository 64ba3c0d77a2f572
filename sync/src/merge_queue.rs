//! A thread's merge queue: references that strangers dropped and only the owner may take away.

use super::count::Fate;
use super::events::{self, Count};
use super::header::{Header, OwnerId};
use super::prim::{Mutex, lock};
use super::rules;

/// Something for an owner to merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queued {
    /// The queue holds a reference to the object, which goes with the merge.
    Reference(*const Header),
    /// The object, if the owner still has it, is to be given up. The memory is and stays a header.
    Wanted(*const Header),
}

// SAFETY: the queue holds a reference to the object, or only an address; headers are shared between threads.
unsafe impl Send for Queued {}

impl Queued {
    /// Merges; by the owner, or by who holds it suspended, or after its exit; `by` says which. The object, if that
    /// was its end.
    pub(super) fn merge(self, owner: OwnerId, by: Count) -> Option<*const Header> {
        let (object, extra) = match self {
            Queued::Reference(object) => (object, -1),
            Queued::Wanted(object) => (object, 0),
        };
        // SAFETY: a header, in either case.
        let header = unsafe { &*object };
        // What is wanted may be another object by now, or dying: one without a count is left alone.
        let exists = extra != 0 || header.owner() == owner && header.refcount() > 0;
        if exists {
            events::counted(by, header);
        }
        (exists && header.merge(extra) == Fate::Dead).then_some(object)
    }
}

/// What became of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Push {
    /// The queue holds the reference.
    Pushed,
    /// The owner has exited: merged here and now. The object, if that was its end.
    Merged(Option<*const Header>),
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

    /// Gives the queue something about an object which `owner` owned when the caller looked.
    pub fn push(&self, owner: OwnerId, item: Queued) -> Push {
        let mut inner = lock(&self.inner);
        if inner.owner != owner.0 {
            return Push::WrongOwner;
        }
        if inner.closed {
            // The owner has exited, so under this lock nobody else writes `local`.
            return Push::Merged(item.merge(owner, Count::MergedOnBehalf));
        }
        inner.items.push(item);
        Push::Pushed
    }

    /// Takes everything and merges it; calls `dead` for each object that nobody holds any more.
    /// The caller is the owner, or holds it suspended; `by` says which. No lock is held while `dead` runs. How many
    /// there were.
    pub fn drain(&self, by: Count, dead: impl FnMut(*const Header)) -> usize {
        let (owner, items) = {
            let mut inner = lock(&self.inner);
            (OwnerId(inner.owner), std::mem::take(&mut inner.items))
        };
        let n = items.len();
        items.into_iter().filter_map(|item| item.merge(owner, by)).for_each(dead);
        n
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
