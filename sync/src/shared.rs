//! Deferred counting: objects that threads borrow out of slots without counting.
//!
//! An object that several threads read often is made *shared* ([`Header::share`]), for good: it loses its owner, and
//! from then on a thread may *borrow* it ([`Header::is_shared`]): use what a slot holds, on its own stack, without
//! a count. So readers of one object write nothing that others read.
//!
//! In return a shared object does not die when its count falls to zero: it is *retired*, and waits for the
//! *reaper*, which stops the world. Then every borrow lies on a stack that it can look at: what is neither
//! counted nor borrowed is dead ([`Header::reap`]).
//!
//! | rule | |
//! |------|-|
//! | DC-1 | only who holds a count shares an object. A bit that is set in memory without holding it may land in what died meanwhile, and in what is born there next. |
//! | DC-2 | the decrement that finds the last count of a shared object retires it, in the same step; one that finds it retired already does nothing. So it is on the reaper's list once. |
//! | DC-3 | who borrows looks at the slot again after it has seen that the object is shared. The memory is safe without that (what is shared outlives the operation), but the value may be one that the slot never held. |
//! | DC-4 | the reaper decides while nobody runs, by the count and by the words on all stacks. A borrow that is stored anywhere else is counted first. |
//! | DC-5 | a look at it is an Acquire, and sharing a read-modify-write behind the Release of birth (RC-12): who finds a newborn shared in old memory sees that the slot has changed. |
//!
//! Sources: Deutsch, Bobrow, "An efficient, incremental, automatic garbage collector", CACM 1976 (a list of what has
//! a zero count, settled by a look at the stacks); PEP 703, "Deferred Reference Counting". Deviation: by object,
//! decided at run time by how often strangers read it, so that all others keep their prompt end.

use super::count::{Fate, Shared, Tag};
use super::header::{FOLDED, Header};
use super::prim::Ordering::{Acquire, Relaxed};
use super::rules;

/// What the reaper found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaped {
    /// Somebody counts it: it is off the list, and may be retired again.
    Counted,
    /// A thread borrows it: it stays on the list.
    Borrowed,
    /// Nobody has it, and nobody can get it any more: destroy it.
    Dead,
}

impl Shared {
    /// Threads may borrow the object from now on. [`Fate::Queue`]: its owner is to give it up, and the reference
    /// that this adds belongs to the owner's merge queue.
    pub const fn share(self) -> (Shared, Fate) {
        let next = Shared(self.0 | Self::SHARED);
        match self.tag() {
            Tag::Owned | Tag::Published => {
                (Shared(next.0 + Self::ONE).with_tag(Self::QUEUED).touched(), Fate::Queue)
            }
            Tag::Queued | Tag::Merged => (next, Fate::Alive),
        }
    }

    /// The count is zero, and nobody owns the object: dead, unless it is shared.
    pub(super) const fn retired(self) -> (Shared, Fate) {
        if self.0 & Self::SHARED == 0 || !rules::SHARED_RETIRE {
            return (self, Fate::Dead);
        }
        let again = self.0 & Self::RETIRED != 0 && rules::RETIRED_ONCE;
        (Shared(self.0 | Self::RETIRED), if again { Fate::Alive } else { Fate::Dead })
    }

    /// What becomes of a retired object while nobody runs.
    pub const fn reap(self, is_borrowed: bool) -> (Shared, Reaped) {
        if self.count() != 0 && rules::REAPER_ASKS_COUNT {
            (Shared(self.0 & !Self::RETIRED), Reaped::Counted)
        } else if is_borrowed && rules::REAPER_ASKS_STACKS {
            (self, Reaped::Borrowed)
        } else {
            (self.unshared(), Reaped::Dead)
        }
    }

    /// Nobody may borrow the object any more.
    const fn unshared(self) -> Shared {
        Shared(self.0 & !(Self::SHARED | Self::RETIRED))
    }
}

impl Header {
    /// May threads borrow this object?
    ///
    /// Cost: one load.
    #[inline(always)]
    pub fn is_shared(&self) -> bool {
        // ORDERING Acquire: a newborn that is shared in the memory of what a slot held shows that the slot has
        // changed (DC-5).
        !FOLDED && self.shared.load(Acquire) & Shared::SHARED != 0
    }

    /// Borrows what the caller has found in a slot, if threads may: it may use the object until its next safepoint,
    /// and longer while a word of its stack names it. `still`: the slot, and what it lies in, are unchanged (DC-3).
    #[inline(always)]
    pub fn borrow(&self, still: impl FnOnce() -> bool) -> bool {
        self.is_shared() && (!rules::RECHECK_BORROW || still())
    }

    /// Does the reaper decide about this object?
    #[inline(always)]
    pub fn is_retired(&self) -> bool {
        // ORDERING Relaxed: whoever asks holds what the decrement left, or has stopped the world; for others it is
        // a hint.
        self.shared.load(Relaxed) & Shared::RETIRED != 0
    }

    /// Makes the object one that threads may borrow, for good. The caller holds a count of it (DC-1). After
    /// [`Fate::Queue`] it must be enqueued, as after a decrement; never [`Fate::Dead`].
    pub fn share(&self) -> Fate {
        // ORDERING Relaxed: a guess; the CAS decides.
        let mut seen = self.shared.load(Relaxed);
        loop {
            if seen & Shared::SHARED != 0 {
                return Fate::Alive;
            }
            let (next, fate) = Shared(seen).share();
            // ORDERING Relaxed: continues the release sequence that birth began (DC-5, RC-12).
            match self.shared.compare_exchange_weak(seen, next.0, Relaxed, Relaxed) {
                Ok(_) => return fate,
                Err(now) => seen = now,
            }
        }
    }

    /// Decides about a retired object, while nobody runs. `is_borrowed`: a word on some stack names it.
    pub fn reap(&self, is_borrowed: bool) -> Reaped {
        // ORDERING Acquire: what all threads did to the object comes before its end; they have come down since.
        let (next, reaped) = Shared(self.shared.load(Acquire)).reap(is_borrowed);
        // ORDERING Relaxed: nobody runs; who goes on after the stop acquires this with it.
        self.shared.store(next.0, Relaxed);
        reaped
    }

    /// Makes the object, which nobody borrows, an ordinary one again. While nobody runs. It is not retired.
    pub fn unshare(&self) {
        // ORDERING Relaxed: as in `reap`.
        let seen = Shared(self.shared.load(Relaxed));
        self.shared.store(seen.unshared().0, Relaxed);
    }
}
