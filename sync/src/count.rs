//! Biased reference counting on [`Header`].
//!
//! An object's true count is `local + (shared >> 24)`. The owner changes `local` with plain-cost
//! loads and stores; everybody else changes `shared` with read-modify-writes. When the owner lets
//! go, both halves are *merged* into `shared` and the object has no owner any more.
//!
//! The shared word is a value type with pure transitions ([`Shared`]); [`Header`]'s methods are one
//! CAS loop around them. Invariants RC-1 to RC-14 are listed in the crate's README.
//!
//! Source: PEP 703; Choi, Shull, Torrellas, "Biased Reference Counting", PACT 2018. Deviations:
//! a merged object has owner 0, the queue holds a reference of its own instead of a flag that
//! promises one, and immortality is an owner id, so that the owner's path pays nothing for it.

use super::header::{FOLDED, Header, OwnerId, gc_bits};
use super::prim::Ordering::{AcqRel, Acquire, Relaxed, Release};
use super::{events, rules, stats};

/// What the caller of a decrement must now do.
#[must_use = "ignoring a `Fate` leaks the object or loses a queued merge"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Others hold references.
    Alive,
    /// That was the last reference: destroy the object, or, if it [`Header::is_retired`], leave it to the reaper.
    Dead,
    /// The reference now belongs to the owner's merge queue: enqueue the object.
    Queue,
}

/// Who keeps the count, as told by bits 0 and 1 of the shared word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// The owner; no stranger can obtain a reference without being given one.
    Owned,
    /// The owner; strangers may upgrade a weak reference or read a slot without a lock.
    Published,
    /// The owner; its merge queue holds one reference.
    Queued,
    /// Nobody: `shared` has the whole count.
    Merged,
}

/// The shared half of a count: `count << 24 | flags | tag`. The count is signed; while QUEUED it
/// may be negative, the total never is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shared(pub i64);

impl Shared {
    /// One reference.
    pub const ONE: i64 = 1 << 24;
    const TAG: i64 = 3;
    const OWNED: i64 = 0;
    const PUBLISHED: i64 = 1;
    pub(super) const QUEUED: i64 = 2;
    /// Tag of a word that has the whole count.
    pub const MERGED: i64 = 3;
    /// The collector watches the object; a change of the count must set [`Shared::TOUCHED`].
    pub const WATCH: i64 = 1 << 2;
    /// The count changed while watched.
    pub const TOUCHED: i64 = 1 << 3;
    /// The collector proved it garbage; nobody may acquire it any more.
    pub const CONDEMNED: i64 = 1 << 4;
    /// Deferred counting: threads may borrow the object out of slots, see [`crate::shared`].
    pub const SHARED: i64 = 1 << 5;
    /// Deferred counting: its count has been zero, and the reaper decides.
    pub const RETIRED: i64 = 1 << 6;

    /// The count in this half.
    #[inline(always)]
    pub const fn count(self) -> i64 {
        self.0 >> 24
    }

    /// Who keeps the count.
    #[inline(always)]
    pub const fn tag(self) -> Tag {
        match self.0 & Self::TAG {
            Self::OWNED => Tag::Owned,
            Self::PUBLISHED => Tag::Published,
            Self::QUEUED => Tag::Queued,
            _ => Tag::Merged,
        }
    }

    pub(super) const fn with_tag(self, tag: i64) -> Shared {
        Shared((self.0 & !Self::TAG) | tag)
    }

    /// Marks a change of the count for a collector that watches.
    pub(super) const fn touched(self) -> Shared {
        if self.0 & Self::WATCH != 0 { Shared(self.0 | Self::TOUCHED) } else { self }
    }

    /// A stranger adds a reference without holding one (weak upgrade, lock-free slot read).
    /// `None`: the object is dying or condemned.
    pub const fn upgrade(self) -> Option<Shared> {
        let gone = self.count() == 0
            && matches!(self.tag(), Tag::Owned | Tag::Merged)
            && self.0 & Self::RETIRED == 0;
        if self.0 & Self::CONDEMNED != 0 || (gone && rules::UPGRADE_REFUSES_DEAD) {
            return None;
        }
        let next = Shared(self.0 + Self::ONE).touched();
        Some(match next.publish() {
            Some(published) if rules::STRANGERS_PUBLISH => published,
            _ => next,
        })
    }

    /// A non-owner drops a reference.
    pub const fn dec(self) -> (Shared, Fate) {
        if self.count() == 0 && matches!(self.tag(), Tag::Owned | Tag::Published) {
            let left = if rules::QUEUE_OWNS_REFERENCE { self } else { Shared(self.0 - Self::ONE) };
            return (left.with_tag(Self::QUEUED).touched(), Fate::Queue);
        }
        Shared(self.0 - Self::ONE).touched().ended()
    }

    /// What a count that has just been lowered, or become the whole one, means.
    const fn ended(self) -> (Shared, Fate) {
        if !matches!(self.tag(), Tag::Merged) || self.count() != 0 {
            return (self, Fate::Alive);
        }
        self.retired()
    }

    /// The object loses its owner, who brings `add` references along.
    pub const fn merge(self, add: i64) -> (Shared, Fate) {
        let next = Shared(self.0 + (add << 24)).with_tag(Self::MERGED);
        if add != 0 { next.touched().ended() } else { next.ended() }
    }

    /// Strangers may acquire the object from now on. `None`: nothing to change.
    pub const fn publish(self) -> Option<Shared> {
        if matches!(self.tag(), Tag::Owned) { Some(self.with_tag(Self::PUBLISHED)) } else { None }
    }
}

/// The count [`Header::refcount`] reports for an immortal object.
pub const IMMORTAL_COUNT: i64 = u32::MAX as i64;

impl Header {
    /// Adds a strong reference; the caller holds one, or the object cannot be freed meanwhile.
    ///
    /// Cost: owner two loads, a compare and a store; others a call and one read-modify-write.
    /// A local count that would overflow makes the object immortal.
    #[inline(always)]
    pub fn incref(&self, me: OwnerId) {
        if self.is_owned_by(me) {
            stats::local();
            // ORDERING Relaxed: the owner is the only writer (RC-1).
            let local = self.local.load(Relaxed);
            if local < u32::MAX - 1 {
                // ORDERING Relaxed: as above; not an RMW because nobody else writes.
                self.local.store(local + 1, Relaxed);
            } else {
                self.immortalise();
            }
        } else {
            self.incref_shared();
        }
    }

    #[cold]
    #[inline(never)]
    fn incref_shared(&self) {
        // A missed IMMORTAL only costs a harmless count (RC-9).
        if self.owner() == OwnerId::IMMORTAL {
            return;
        }
        stats::shared();
        // ORDERING Relaxed: the caller holds a reference, so no free can race with this; what
        // carried that reference here already ordered the contents.
        let before = self.shared.fetch_add(Shared::ONE, Relaxed);
        if matches!(Shared(before).tag(), Tag::Owned) && rules::STRANGERS_PUBLISH {
            self.publish();
        }
        if before & Shared::WATCH != 0 {
            // ORDERING Relaxed: our reference keeps the object alive; the collector reads the word
            // after a handshake with this thread.
            self.shared.fetch_or(Shared::TOUCHED, Relaxed);
        }
        events::counted(events::Count::SharedCount, self);
    }

    /// Takes one more reference where that needs no more than a store: the caller owns the object, whose local count
    /// has room. Calls nothing, so code that has another way for the rest saves no registers for it.
    #[inline(always)]
    pub fn try_inc_local(&self, me: OwnerId) -> bool {
        if !self.is_owned_by(me) {
            return false;
        }
        // ORDERING Relaxed: as in `incref`.
        let local = self.local.load(Relaxed);
        if local >= u32::MAX - 1 {
            return false;
        }
        stats::local();
        // ORDERING Relaxed: as in `incref`.
        self.local.store(local + 1, Relaxed);
        true
    }

    /// Drops a reference where that needs no more than a store: the caller owns the object and
    /// holds more than the last local reference. Never writes a zero.
    #[inline(always)]
    pub fn try_dec_local(&self, me: OwnerId) -> bool {
        if !self.is_owned_by(me) {
            return false;
        }
        // ORDERING Relaxed: as in `incref`.
        let local = self.local.load(Relaxed);
        if local <= 1 {
            return false;
        }
        stats::local();
        // ORDERING Relaxed: as in `incref`.
        self.local.store(local - 1, Relaxed);
        true
    }

    /// Drops a strong reference.
    #[inline]
    pub fn decref(&self, me: OwnerId) -> Fate {
        if self.is_owned_by(me) {
            // ORDERING Relaxed: as in `incref`.
            let local = self.local.load(Relaxed);
            if FOLDED && local <= 1 && self.is_immortal() {
                return Fate::Alive;
            }
            debug_assert!(local != 0, "decref of an object that has no local reference");
            stats::local();
            // ORDERING Relaxed: as in `incref`.
            self.local.store(local.wrapping_sub(1), Relaxed);
            if local != 1 { Fate::Alive } else { self.local_reached_zero() }
        } else {
            self.dec_shared()
        }
    }

    #[inline]
    fn local_reached_zero(&self) -> Fate {
        // ORDERING Relaxed: zero means that no stranger has ever held it (RC-4, RC-13), so there is
        // nothing to acquire.
        let seen = self.shared.load(Relaxed);
        if seen == 0 {
            // Nobody else can appear; `owner` stays, so that "owner 0" keeps implying MERGED.
            return Fate::Dead;
        }
        self.give_up_ownership(0)
    }

    /// Stores "no owner" and publishes MERGED, with `add` more references in the shared word.
    #[cold]
    #[inline(never)]
    fn give_up_ownership(&self, add: i64) -> Fate {
        if rules::CLEAR_OWNER_FIRST {
            // ORDERING Relaxed: published by the CAS below (RC-6). After that CAS the object may be
            // freed by anyone, so no plain write may follow it.
            self.owner.store(OwnerId::MERGED.0, Relaxed);
        }
        let fate = self.update(|word| word.merge(add));
        if !rules::CLEAR_OWNER_FIRST {
            // ORDERING Relaxed: only mutants come here.
            self.owner.store(OwnerId::MERGED.0, Relaxed);
        }
        fate
    }

    #[cold]
    #[inline(never)]
    fn dec_shared(&self) -> Fate {
        // A missed IMMORTAL only costs a harmless count (RC-9).
        if self.owner() == OwnerId::IMMORTAL {
            return Fate::Alive;
        }
        stats::shared();
        events::counted(events::Count::SharedCount, self);
        self.update(Shared::dec)
    }

    #[inline]
    fn update(&self, step: impl Fn(Shared) -> (Shared, Fate)) -> Fate {
        // ORDERING Relaxed: a guess; the CAS decides.
        let mut seen = self.shared.load(Relaxed);
        loop {
            let (next, fate) = step(Shared(seen));
            // ORDERING AcqRel: Release hands our uses to whoever frees, Acquire takes everyone
            // else's when we do (RC-2); pairs with itself and with `local_reached_zero`.
            match self.shared.compare_exchange_weak(seen, next.0, rules::DECREMENT, Relaxed) {
                Ok(_) => return fate,
                Err(now) => seen = now,
            }
        }
    }

    /// Adds a reference without holding one: weak upgrade, or a slot read without a lock. `false`:
    /// the object is dying. A lock-free reader must look at the slot again after success.
    #[inline]
    pub fn try_incref(&self, me: OwnerId) -> bool {
        // An object of mine is freed by nobody else before my next safepoint; one that I am freeing
        // has `local` 0.
        if self.is_owned_by(me) {
            // ORDERING Relaxed: as in `incref`.
            if self.local.load(Relaxed) == 0 {
                return false;
            }
            // ORDERING Relaxed: under the GIL.
            if FOLDED && self.shared.load(Relaxed) & Shared::CONDEMNED != 0 {
                return false;
            }
            self.incref(me);
            return true;
        }
        self.try_incref_shared()
    }

    #[cold]
    #[inline(never)]
    fn try_incref_shared(&self) -> bool {
        // ORDERING Acquire: pairs with birth (RC-12); an immortal object never stops being one (RC-9).
        if self.owner.load(Acquire) == OwnerId::IMMORTAL.0 {
            return true;
        }
        stats::shared();
        // ORDERING Relaxed: a guess; the CAS decides.
        let mut seen = self.shared.load(Relaxed);
        loop {
            let Some(next) = Shared(seen).upgrade() else { return false };
            // ORDERING Acquire: pairs with the Release of the previous holder's decrement and of
            // whoever published the object, so its contents may be read (RC-5).
            match self.shared.compare_exchange_weak(seen, next.0, rules::UPGRADE, Relaxed) {
                Ok(_) => {
                    events::counted(events::Count::SharedCount, self);
                    return true;
                }
                Err(now) => seen = now,
            }
        }
    }

    /// Lets strangers acquire the object through [`Header::try_incref`]. Must come before the store
    /// that makes it reachable that way (a weak reference, a foreign read of its slot).
    pub fn publish(&self) {
        // ORDERING Relaxed: a guess; the CAS decides.
        let mut seen = self.shared.load(Relaxed);
        while let Some(next) = Shared(seen).publish() {
            // ORDERING Relaxed: the store that makes the object reachable is a Release, or happens under
            // a lock, and carries this along; and this continues the release sequence that birth
            // began (RC-12).
            match self.shared.compare_exchange_weak(seen, next.0, Relaxed, Relaxed) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }

    /// Notes that a thread other than the owner is about to change the object. Under the object's lock,
    /// before the change (RC-14).
    #[inline(always)]
    pub fn mark_change(&self, me: OwnerId) {
        // ORDERING Relaxed: FOREIGN is never unset.
        if !self.is_owned_by(me) && self.gc.load(Relaxed) & gc_bits::FOREIGN == 0 {
            self.mark_foreign();
        }
    }

    #[cold]
    #[inline(never)]
    fn mark_foreign(&self) {
        if rules::STRANGERS_MARK {
            // ORDERING AcqRel: who sees the change sees the mark; other bits of the byte are kept.
            self.gc.fetch_or(gc_bits::FOREIGN, AcqRel);
        }
    }

    /// No thread but `owner` has ever held a counted reference to the object or changed it (RC-13, RC-14).
    ///
    /// For `owner` itself, at a point at which it does nothing else, a set of such objects is garbage if
    /// its references explain all of its counts, and all are still private when asked again after that:
    /// whoever else could reach a member would have had to take the first step through a reference from
    /// outside, which would be an unexplained count, or be marked.
    ///
    /// Cost: three loads.
    #[inline(always)]
    pub fn is_private(&self, owner: OwnerId) -> bool {
        // ORDERING Relaxed: every mark that matters happened before. A stranger's first step is made under the
        // lock of what holds the reference, which the owner takes when it drops that one (RC-15); what a stranger
        // moved, the owner acquired with the slots that it read.
        self.owner() == owner
            && self.shared.load(Relaxed) == 0
            && self.gc.load(Relaxed) & gc_bits::FOREIGN == 0
    }

    /// The references to an object that [`Header::is_private`] to `owner`. A dying one has none.
    #[inline(always)]
    pub fn private_count(&self, owner: OwnerId) -> Option<u32> {
        // ORDERING Relaxed: the owner is the only writer (RC-1).
        self.is_private(owner).then(|| self.local.load(Relaxed))
    }

    /// Takes one more reference for `owner`, the caller, if the object [`Header::is_private`] to it; whether it is.
    #[inline(always)]
    pub fn pin_private(&self, owner: OwnerId) -> bool {
        let count = self.private_count(owner);
        if let Some(count) = count {
            // ORDERING Relaxed: the owner is the only writer (RC-1).
            self.local.store(count + 1, Relaxed);
        }
        count.is_some()
    }

    /// Condemns an object that its owner, the caller, has just found private and dead. Until the caller passes a
    /// safepoint, collectors that read beside it are the only ones who can see the difference.
    #[inline]
    pub fn condemn_private(&self) {
        // ORDERING Release: whoever reads beside the owner sees the proof's end before its consequences.
        self.shared.store(Shared::CONDEMNED, Release);
    }

    /// Drops the last reference to what [`Header::condemn_private`] condemned: it is dead, and its slot can go back.
    #[inline]
    pub fn drop_condemned_private(&self) {
        // ORDERING Relaxed: the owner is the only writer (RC-1).
        debug_assert_eq!(self.local.load(Relaxed), 1, "members hold no references any more");
        // ORDERING Relaxed: as above.
        self.local.store(0, Relaxed);
        // ORDERING Release: who reads beside the owner and finds no condemnation finds no count.
        self.shared.store(0, Release);
    }

    /// Takes the ownership away and adds `extra` references (`-1`: the queue's own).
    ///
    /// The caller is the owner, or holds the owner suspended, or the owner has exited. Merging a
    /// merged object only applies `extra`.
    pub fn merge(&self, extra: i64) -> Fate {
        // ORDERING Relaxed: whoever may merge is, or has synchronised with, the owner.
        if self.owner.load(Relaxed) == OwnerId::IMMORTAL.0 {
            return Fate::Alive;
        }
        // ORDERING Relaxed: as above; `local` of a merged object is 0.
        let local = self.local.load(Relaxed);
        if FOLDED {
            // There is nobody to take the count from its owner.
            let Some(sum) = local.checked_add_signed(extra as i32) else { unreachable!("a negative count") };
            // ORDERING Relaxed: under the GIL.
            self.local.store(sum, Relaxed);
            return if sum == 0 { self.local_reached_zero() } else { Fate::Alive };
        }
        if rules::CLEAR_OWNER_FIRST {
            // ORDERING Relaxed: published by the CAS in `give_up_ownership` (RC-6).
            self.local.store(0, Relaxed);
        }
        self.give_up_ownership(i64::from(local) + extra)
    }

    /// Makes the object live for ever. The caller holds a reference, which it may go on using.
    ///
    /// A race with the owner's merge may leave the object with an ordinary owner id; the bias then
    /// keeps it alive, and it only costs counting.
    #[cold]
    pub fn immortalise(&self) {
        if FOLDED && self.is_immortal() {
            return;
        }
        // ORDERING Relaxed: the caller's reference keeps the object alive; coherence of this one
        // word is all that is needed (RC-9).
        self.shared.fetch_add(rules::IMMORTAL_BIAS << 24, Relaxed);
        // ORDERING Release: who reads IMMORTAL and skips its count must find the bias in the word
        // if it later sees another owner id.
        self.owner.store(OwnerId::IMMORTAL.0, Release);
    }

    /// Holds a dying object (its count was found to be zero) alive while its finaliser runs.
    pub fn resurrect_begin(&self, me: OwnerId) {
        // ORDERING Relaxed: nobody else holds a reference, and `try_incref` of strangers is refused
        // before (MERGED 0 or OWNED 0) and after (OWNED 0) these stores (RC-10).
        self.local.store(1, Relaxed);
        if rules::RESURRECT_AS_OWNED {
            // ORDERING Release: a new life in the same memory, so as at birth (RC-12).
            self.shared.store(0, rules::BIRTH);
        } else {
            // ORDERING Relaxed: only mutants come here.
            self.shared.store(Shared::ONE | Shared::MERGED, Relaxed);
        }
        // ORDERING Relaxed: as above.
        self.owner.store(me.0, Relaxed);
    }

    /// Ends [`Header::resurrect_begin`]: drops the finaliser's reference. `Dead`: nobody kept the
    /// object, go on destroying it. `Alive`: somebody did.
    pub fn resurrect_end(&self, me: OwnerId) -> Fate {
        let fate = self.decref(me);
        // ORDERING Relaxed: after `Dead` we are the only one left.
        if fate == Fate::Dead && self.owner.load(Relaxed) == me.0 {
            // ORDERING Relaxed: as above. No owner, so that not even our own weak references can
            // take it up again.
            self.owner.store(OwnerId::MERGED.0, Relaxed);
            // ORDERING Relaxed: as above; OWNED 0 and MERGED 0 both refuse strangers.
            self.shared.store(Shared::MERGED, Relaxed);
        }
        fate
    }

    /// References in existence, as `sys.getrefcount` counts them; [`IMMORTAL_COUNT`] for immortal
    /// objects. Racy for shared objects.
    pub fn refcount(&self) -> i64 {
        self.mortal_refcount().unwrap_or(IMMORTAL_COUNT)
    }

    /// As [`Header::refcount`]; `None` for immortal objects.
    #[inline]
    pub fn mortal_refcount(&self) -> Option<i64> {
        // ORDERING Relaxed: a snapshot of three words that is only exact where the caller makes it so.
        let owner = self.owner.load(Relaxed);
        // ORDERING Relaxed: as above.
        let local = self.local.load(Relaxed);
        // ORDERING Relaxed: as above.
        let shared = self.shared.load(Relaxed);
        let immortal = owner == OwnerId::IMMORTAL.0 || shared >> 24 >= IMMORTAL_FLOOR;
        (!immortal).then(|| i64::from(local) + Shared(shared).count())
    }

    /// The caller holds the only reference there is, and no stranger can obtain one from a slot.
    /// True for an owned private object, and for a merged one with count 1; a kind that can be
    /// weakly referenced must look for weak references as well in the second case.
    #[inline]
    pub fn is_unique(&self, me: OwnerId) -> bool {
        // ORDERING Acquire: former holders' uses come before what we do with a unique object;
        // pairs with their decrements (RC-4).
        let shared = self.shared.load(Acquire);
        if self.is_owned_by(me) {
            // ORDERING Relaxed: as in `incref`.
            return shared == 0 && self.local.load(Relaxed) == 1;
        }
        shared == (Shared::ONE | Shared::MERGED)
    }

    /// The object is never freed.
    #[inline]
    pub fn is_immortal(&self) -> bool {
        // ORDERING Relaxed: an immortal object never stops being one.
        self.owner.load(Relaxed) == OwnerId::IMMORTAL.0
            // ORDERING Relaxed: as above.
            || self.shared.load(Relaxed) >> 24 >= IMMORTAL_FLOOR
    }
}

const IMMORTAL_FLOOR: i64 = 1 << 35;
