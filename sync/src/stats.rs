//! Counting the counting: how many operations on reference counts took the owner's path, and how many
//! the shared word; and how many merges were done for an owner that was detached.
//!
//! The former is compiled in with the feature `refcount-stats` only; without it the two functions are empty.
//! Each thread counts in cells of its own, so the numbers are exact and threads do not meet over them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Not a part of any protocol, and so no business of the models.
static MERGED_ON_BEHALF: AtomicU64 = AtomicU64::new(0);

/// Merges since the start that a thread did in place of the detached owner.
pub fn merged_on_behalf() -> u64 {
    // ORDERING Relaxed: a statistic.
    MERGED_ON_BEHALF.load(Relaxed)
}

pub(super) fn add_merged_on_behalf(n: usize) {
    // ORDERING Relaxed: as above.
    MERGED_ON_BEHALF.fetch_add(n as u64, Relaxed);
}

/// Operations since the start, all threads together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// By the owner, with plain loads and stores.
    pub local: u64,
    /// By anybody else, and on objects without an owner, with a read-modify-write.
    pub shared: u64,
}

#[cfg(feature = "refcount-stats")]
mod counting {
    use super::Totals;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    use std::sync::{Arc, Mutex, PoisonError};

    #[derive(Default)]
    struct Cells {
        local: AtomicU64,
        shared: AtomicU64,
    }

    /// The cells of all threads, exited ones too.
    static ALL: Mutex<Vec<Arc<Cells>>> = Mutex::new(Vec::new());

    thread_local! {
        static MINE: Arc<Cells> = {
            let cells = Arc::new(Cells::default());
            ALL.lock().unwrap_or_else(PoisonError::into_inner).push(cells.clone());
            cells
        };
    }

    fn add_one(which: impl Fn(&Cells) -> &AtomicU64) {
        // A thread that is past its last destructor is not counted any more.
        let _ = MINE.try_with(|cells| {
            let cell = which(cells);
            // ORDERING Relaxed: this thread is the only writer; readers want a statistic.
            cell.store(cell.load(Relaxed) + 1, Relaxed);
        });
    }

    /// An operation on the owner's path.
    pub fn local() {
        add_one(|cells| &cells.local)
    }

    /// An operation on the shared word.
    pub fn shared() {
        add_one(|cells| &cells.shared)
    }

    /// All threads together.
    pub fn totals() -> Option<Totals> {
        let all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        // ORDERING Relaxed: a statistic.
        let sum = |which: fn(&Cells) -> &AtomicU64| all.iter().map(|cells| which(cells).load(Relaxed)).sum();
        Some(Totals { local: sum(|cells| &cells.local), shared: sum(|cells| &cells.shared) })
    }
}

#[cfg(not(feature = "refcount-stats"))]
mod counting {
    use super::Totals;

    /// An operation on the owner's path.
    #[inline(always)]
    pub fn local() {}

    /// An operation on the shared word.
    #[inline(always)]
    pub fn shared() {}

    /// `None`: this build does not count.
    pub fn totals() -> Option<Totals> {
        None
    }
}

pub use counting::{local, shared, totals};
