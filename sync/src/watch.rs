//! Watching objects that several threads know, so that they can be proved garbage beside these threads.
//!
//! A watched object shows whether it has changed since: a change of its count sets TOUCHED in the same word
//! (WT-1), and a change of its slots needs its lock, whose byte says WATCHED, so that whoever takes it ends
//! the watch (WT-2). Only objects without an owner can be watched (WT-3): an owner's counting shows nothing, and
//! the word that condemns says MERGED.
//!
//! The proof: watch all of a set; read their counts and slots, in any order; then ask every lock byte whether
//! it is still WATCHED, and [`Header::condemn`] what is explained, which asks every count. Each word was
//! constant from the one question to the other, so all that was read was true at one instant: the
//! one between the last watch and the first question. Nobody waits for anybody, and no thread is stopped.
//!
//! What is CONDEMNED cannot be acquired. If the condemnation of a set fails half-way, what is condemned
//! already is spared again; who met it meanwhile has to look once more when that is settled
//! (`typhon_gc::WeakTable::upgrade`).
//!
//! Sources: the Σ- and Δ-tests of Bacon and Rajan, "Concurrent cycle collection in reference counted
//! systems", ECOOP 2001, asked of live counts instead of logged ones.

use super::count::{Shared, Tag};
use super::header::Header;
use super::lock::{FREE, WATCHED};
use super::prim::Ordering::{AcqRel, Acquire, Relaxed, Release};
use super::rules;

impl Header {
    /// Begins to watch an object. False: it has an owner, is dying or condemned, or is being changed.
    ///
    /// The memory is and stays a header; one thread watches at a time.
    pub fn watch(&self) -> bool {
        // ORDERING Relaxed: a late touch of an earlier watch only makes this one fail.
        self.shared.fetch_and(!Shared::TOUCHED, Relaxed);
        // ORDERING AcqRel: what was done under earlier values of the count is visible; later changes see WATCH.
        let before = Shared(self.shared.fetch_or(Shared::WATCH, AcqRel));
        let watchable =
            before.tag() == Tag::Merged && before.count() > 0 && before.0 & Shared::CONDEMNED == 0;
        // ORDERING AcqRel: what the last holder wrote is visible; the next one finds the watch (WT-2).
        if watchable && self.lock.compare_exchange(FREE, WATCHED, AcqRel, Relaxed).is_ok() {
            return true;
        }
        self.unwatch();
        false
    }

    /// Ends a watch, or what is left of it.
    pub fn unwatch(&self) {
        // ORDERING Relaxed: nothing is published by not looking.
        self.shared.fetch_and(!(Shared::WATCH | Shared::TOUCHED), Relaxed);
        // ORDERING AcqRel: who takes the lock acquires what the last holder released, through this.
        let _ = self.lock.compare_exchange(WATCHED, FREE, AcqRel, Relaxed);
    }

    /// Whether nobody has taken the watched object's lock since.
    pub fn is_unlocked_since_watch(&self) -> bool {
        // ORDERING AcqRel: a read-modify-write, so that the newest value is seen; not before the reads of the
        // slots, which acquire.
        !rules::WATCH_ASKS_LOCK || self.lock.compare_exchange(WATCHED, WATCHED, AcqRel, Relaxed).is_ok()
    }

    /// The count of a watched object.
    pub fn watched_count(&self) -> i64 {
        // ORDERING Acquire: what was done before the change that this shows is visible.
        Shared(self.shared.load(Acquire)).count()
    }

    /// Makes it impossible to acquire a watched object, unless its count has been touched since, or is not
    /// `count`.
    pub fn condemn(&self, count: i64) -> bool {
        let untouched = (count << 24) | Shared::MERGED | Shared::WATCH;
        if !rules::CONDEMN_NEEDS_UNTOUCHED {
            // ORDERING AcqRel: only mutants come here.
            let seen = Shared(self.shared.fetch_or(Shared::CONDEMNED, AcqRel));
            return seen.count() == count;
        }
        // ORDERING AcqRel: what was done to it is visible to who takes it apart.
        let exchanged =
            self.shared.compare_exchange(untouched, untouched | Shared::CONDEMNED, AcqRel, Relaxed);
        exchanged.is_ok()
    }

    /// Whether the object was proved garbage, and nobody may acquire it.
    #[inline(always)]
    pub fn is_condemned(&self) -> bool {
        // ORDERING Acquire: what was done before the condemnation is visible.
        self.shared.load(Acquire) & Shared::CONDEMNED != 0
    }

    /// Lets the object be acquired again.
    pub fn spare(&self) {
        // ORDERING Release: who acquires the object after this sees what was done to it before.
        self.shared.fetch_and(!Shared::CONDEMNED, Release);
    }
}
