//! The load-bearing choices of the protocols: orderings and steps that a model may weaken.
//!
//! Shipped code reads them as constants, so they cost nothing. A mutant of a loom model includes
//! the same sources beside a `rules` in which exactly one of them is changed, and must fail.

use super::prim::Ordering;

/// RC-2: a decrement hands its uses to whoever frees, and takes everyone else's when it frees.
pub const DECREMENT: Ordering = Ordering::AcqRel;
/// RC-5: an upgrade acquires what the last holder or the publisher did to the object.
pub const UPGRADE: Ordering = Ordering::Acquire;
/// RC-6: `owner` is cleared before the CAS that publishes MERGED, never after it.
pub const CLEAR_OWNER_FIRST: bool = true;
/// RC-7: an upgrade refuses a word that says "nobody holds this".
pub const UPGRADE_REFUSES_DEAD: bool = true;
/// RC-8: a foreign drop that finds count 0 leaves its reference to the queue, and does not subtract it.
pub const QUEUE_OWNS_REFERENCE: bool = true;
/// RC-9: references added to an immortal object, so that a race over `owner` cannot let it die.
pub const IMMORTAL_BIAS: i64 = 1 << 36;
/// RC-10: the shared word of a dying object is reset to OWNED 0 while its finaliser runs.
pub const RESURRECT_AS_OWNED: bool = true;
/// RC-11: a lock-free reader looks at the slot again after it has its reference.
pub const RECHECK_SLOT: bool = true;
/// RC-12: a header is born with Release: a late lock-free reader that acquires the newborn in old memory
/// thereby knows that its slot has changed.
pub const BIRTH: Ordering = Ordering::Release;

/// RC-13: the first reference that a stranger takes without being given one's count marks the object.
pub const STRANGERS_PUBLISH: bool = true;
/// RC-14: the first change by a stranger marks the object, before it is made.
pub const STRANGERS_MARK: bool = true;

/// DC-2: a shared object whose count falls to zero is left to the reaper.
pub const SHARED_RETIRE: bool = true;
/// DC-2: only the first of these falls puts it on the reaper's list.
pub const RETIRED_ONCE: bool = true;
/// DC-3: a reader that borrows looks at the slot again.
pub const RECHECK_BORROW: bool = true;
/// DC-4: the reaper asks for the count once more, when nobody runs.
pub const REAPER_ASKS_COUNT: bool = true;
/// DC-4: the reaper asks whether a thread borrows the object.
pub const REAPER_ASKS_STACKS: bool = true;

/// WT-1: a condemnation fails if the count was touched, whatever it is now.
pub const CONDEMN_NEEDS_UNTOUCHED: bool = true;
/// WT-2: the proof asks whether a lock was taken since the watch began.
pub const WATCH_ASKS_LOCK: bool = true;

/// GIL-1: whoever finds the GIL taken waits.
pub const GIL_EXCLUDES: bool = true;

/// ST-2: a thread does not detach while its merge queue has news.
pub const DETACH_SERVES_MERGES: bool = true;
/// ST-3: attaching waits while somebody holds the thread suspended.
pub const ATTACH_WAITS_WHILE_SUSPENDED: bool = true;
/// ST-4: taking hold of a detached thread acquires what it wrote before it detached.
pub const SUSPEND: Ordering = Ordering::AcqRel;
/// ST-5: letting a suspended thread go hands it what was done on its behalf.
pub const RESUME: Ordering = Ordering::AcqRel;
/// ST-6: an exiting thread closes its queue only when it is empty, under the queue's lock.
pub const EXIT_CLOSES_QUEUE: bool = true;
/// ST-7: a thread that is about to attach looks for a stop and stays down.
pub const ATTACH_HONOURS_STOP: bool = true;
/// ST-9: the end of a stop is announced to registrations before the suspended threads are let go.
pub const END_BEFORE_LETTING_GO: bool = true;
/// ST-10: seeing that a thread has acknowledged a handshake acquires what it did before.
pub const ACKNOWLEDGED: Ordering = Ordering::Acquire;

/// QS-1: going online is ordered before the first read by a full fence.
pub const ONLINE_FENCE: bool = true;
/// QS-2: a quiescent state releases the reads before it.
pub const QUIESCENT: Ordering = Ordering::Release;

/// QR-1: a quantum is open, for everybody to see, before its first read.
pub const QUANTUM_FENCE: bool = true;
/// QR-3: the end of a quantum releases its reads.
pub const QUANTUM_END: Ordering = Ordering::Release;

/// LK-2: whoever is about to sleep on a lock makes every unlocker see WAITERS, or sees it unlocked.
pub const WAITER_FENCE: bool = true;
/// LK-3: unlocking releases what was written under the lock.
pub const UNLOCK: Ordering = Ordering::Release;
/// LK-4: a thread gives up its critical sections when it detaches.
pub const DETACH_GIVES_UP_SECTIONS: bool = true;
/// LK-5: attaching takes the innermost critical section again.
pub const ATTACH_RESUMES_SECTION: bool = true;
/// LK-6: a hand-off really takes the lock, which a third thread may have got meanwhile.
pub const HAND_OFF_TAKES_LOCK: bool = true;
/// LK-7: whoever has stopped the world takes no object locks.
pub const STOP_SKIPS_LOCKS: bool = true;

/// Thread slots in one chunk of the registry.
pub const CHUNK: usize = 64;
/// Looks at a taken lock before sleeping on it.
pub const SPINS: u32 = 5;
