//! The count word's transitions, exhaustively over small counts, and births through raw memory.

use std::mem::MaybeUninit;
use std::sync::atomic::Ordering::Relaxed;
use typhon_sync::count::{IMMORTAL_COUNT, Tag};
use typhon_sync::{Birth, Fate, Header, OwnerId, Reaped, Shared};

const ME: OwnerId = OwnerId(7);
const OTHER: OwnerId = OwnerId(8);

fn born(birth: Birth) -> Header {
    let mut slot = MaybeUninit::<Header>::uninit();
    // SAFETY: the slot is ours, large enough and aligned, and nobody looks at it.
    unsafe {
        Header::write_birth(slot.as_mut_ptr(), &birth, 0xABCD_1234, 0x41, 0xBEEF);
        slot.assume_init()
    }
}

/// Every word with a count in -3..=3, every tag, every combination of the flags in bits 2 to 6.
fn words() -> impl Iterator<Item = Shared> {
    (-3i64..=3).flat_map(|count| (0..128i64).map(move |low| Shared(count << 24 | low)))
}

/// Flags that no transition but those of deferred counting changes.
fn flags(word: Shared) -> i64 {
    word.0 & 0xFF_FFFC & !(Shared::TOUCHED | Shared::RETIRED)
}

fn has(word: Shared, flag: i64) -> bool {
    word.0 & flag != 0
}

/// What a decrement or a merge of `word` means, and whether the object is retired then. `end`: the whole count is zero.
fn ended(word: Shared, end: bool) -> (Fate, bool) {
    let shared = has(word, Shared::SHARED);
    let again = shared && has(word, Shared::RETIRED);
    let fate = if end && !again { Fate::Dead } else { Fate::Alive };
    (fate, has(word, Shared::RETIRED) || end && shared)
}

#[test]
fn birth_fills_every_field() {
    for (birth, owner, local, shared, count) in [
        (Birth::gil(), 1, 1, 0, 1),
        (Birth::biased(ME), 7, 1, 0, 1),
        (Birth::atomic(), 0, 0, Shared::ONE | Shared::MERGED, 1),
        (Birth::immortal(), u32::MAX, 0, 0, IMMORTAL_COUNT),
    ] {
        let header = born(birth);
        assert_eq!(header.owner.load(Relaxed), owner);
        assert_eq!(header.local.load(Relaxed), local);
        assert_eq!(header.shared.load(Relaxed), shared);
        assert_eq!(header.shape.load(Relaxed), 0xABCD_1234);
        assert_eq!(header.lock.load(Relaxed), 0);
        assert_eq!(header.gc.load(Relaxed), 0x41);
        assert_eq!(header.flags.load(Relaxed), 0xBEEF);
        assert_eq!(header.refcount(), count);
    }
}

#[test]
fn transitions_keep_flags_and_record_touches() {
    for word in words() {
        let watched = word.0 & Shared::WATCH != 0;
        let steps = [Some(word.dec().0), word.upgrade(), Some(word.merge(1).0), word.publish()];
        for (i, next) in steps.into_iter().enumerate() {
            let Some(next) = next else { continue };
            assert_eq!(flags(next), flags(word), "step {i} on {word:?}");
            let changed_count = i != 3;
            let touched = next.0 & Shared::TOUCHED != 0;
            assert_eq!(touched, word.0 & Shared::TOUCHED != 0 || (watched && changed_count));
        }
    }
}

#[test]
fn a_decrement_takes_one_or_gives_it_to_the_queue() {
    for word in words() {
        let (next, fate) = word.dec();
        let owned = matches!(word.tag(), Tag::Owned | Tag::Published);
        if owned && word.count() == 0 {
            assert_eq!((next.count(), next.tag(), fate), (0, Tag::Queued, Fate::Queue));
        } else {
            assert_eq!((next.count(), next.tag()), (word.count() - 1, word.tag()));
            let last = word.tag() == Tag::Merged && word.count() == 1;
            assert_eq!((fate, has(next, Shared::RETIRED)), ended(word, last));
        }
    }
}

#[test]
fn an_upgrade_refuses_the_dead_and_the_condemned() {
    for word in words() {
        let unheld = word.count() == 0 && matches!(word.tag(), Tag::Owned | Tag::Merged);
        let nobody = unheld && !has(word, Shared::RETIRED);
        let refused = nobody || word.0 & Shared::CONDEMNED != 0;
        assert_eq!(word.upgrade().is_none(), refused, "{word:?}");
        if let Some(next) = word.upgrade() {
            assert_eq!(next.count(), word.count() + 1);
        }
    }
}

#[test]
fn a_merge_adds_and_ends_ownership() {
    for word in words() {
        for add in -1..4 {
            let (next, fate) = word.merge(add);
            assert_eq!((next.count(), next.tag()), (word.count() + add, Tag::Merged));
            assert_eq!((fate, has(next, Shared::RETIRED)), ended(word, next.count() == 0));
        }
    }
}

#[test]
fn sharing_takes_the_owner_away_and_reaping_ends_it() {
    for word in words() {
        let (next, fate) = word.share();
        assert!(has(next, Shared::SHARED), "{word:?}");
        assert_eq!(flags(next) & !Shared::SHARED, flags(word) & !Shared::SHARED);
        let owned = matches!(word.tag(), Tag::Owned | Tag::Published);
        let expected = if owned { (1, Tag::Queued, Fate::Queue) } else { (0, word.tag(), Fate::Alive) };
        assert_eq!((next.count() - word.count(), next.tag(), fate), expected);
        for is_borrowed in [false, true] {
            let (next, reaped) = word.reap(is_borrowed);
            assert_eq!((next.count(), next.tag()), (word.count(), word.tag()));
            let expected = match (word.count() != 0, is_borrowed) {
                (true, _) => Reaped::Counted,
                (false, true) => Reaped::Borrowed,
                (false, false) => Reaped::Dead,
            };
            assert_eq!(reaped, expected);
            assert_eq!(has(next, Shared::SHARED), has(word, Shared::SHARED) && reaped != Reaped::Dead);
            assert_eq!(has(next, Shared::RETIRED), has(word, Shared::RETIRED) && reaped == Reaped::Borrowed);
        }
    }
}

#[test]
fn owner_counts_without_touching_the_shared_word() {
    let header = born(Birth::biased(ME));
    assert!(header.is_unique(ME) && !header.is_unique(OTHER));
    header.incref(ME);
    assert_eq!((header.refcount(), header.shared.load(Relaxed)), (2, 0));
    assert!(!header.is_unique(ME));
    assert!(header.try_dec_local(ME));
    assert!(!header.try_dec_local(ME), "never writes a zero");
    assert!(!header.try_dec_local(OTHER));
    assert_eq!(header.decref(ME), Fate::Dead);
    assert!(!header.try_incref(ME) && !header.try_incref(OTHER), "a dead object is not acquired");
}

#[test]
fn a_moved_reference_is_queued_and_merged() {
    let header = born(Birth::biased(ME));
    header.incref(ME);
    assert_eq!(header.decref(OTHER), Fate::Queue, "OTHER was given a reference counted in `local`");
    assert_eq!(header.refcount(), 2, "the queue holds it now");
    assert_eq!(header.merge(-1), Fate::Alive);
    assert_eq!(header.decref(ME), Fate::Dead);
}

#[test]
fn atomic_birth_counts_in_the_shared_word_only() {
    let header = born(Birth::atomic());
    assert!(header.is_unique(ME));
    header.incref(ME);
    assert_eq!((header.refcount(), header.local.load(Relaxed)), (2, 0));
    assert!(header.try_incref(OTHER));
    assert_eq!(header.decref(OTHER), Fate::Alive);
    assert_eq!(header.decref(ME), Fate::Alive);
    assert_eq!(header.decref(OTHER), Fate::Dead);
}

#[test]
fn a_published_object_can_be_acquired_until_it_dies() {
    let header = born(Birth::biased(ME));
    assert!(!header.try_incref(OTHER), "private");
    header.publish();
    assert!(header.try_incref(OTHER));
    assert_eq!(header.decref(ME), Fate::Alive);
    assert_eq!(header.owner.load(Relaxed), OwnerId::MERGED.0);
    assert_eq!(header.decref(OTHER), Fate::Dead);
    assert!(!header.try_incref(OTHER));
}

#[test]
fn immortals_ignore_counting() {
    let born_so = born(Birth::immortal());
    let header = born(Birth::biased(ME));
    header.immortalise();
    for header in [born_so, header] {
        for _ in 0..3 {
            assert_eq!(header.decref(ME), Fate::Alive);
            assert_eq!(header.decref(OTHER), Fate::Alive);
        }
        assert_eq!(header.merge(-1), Fate::Alive);
        assert!(header.try_incref(OTHER) && header.is_immortal());
        assert_eq!(header.refcount(), IMMORTAL_COUNT);
    }
}

#[test]
fn a_full_local_count_saturates() {
    let header = born(Birth::biased(ME));
    header.local.store(u32::MAX - 1, Relaxed);
    header.incref(ME);
    assert!(header.is_immortal());
    assert_eq!(header.decref(ME), Fate::Alive);
}

#[test]
fn resurrection_keeps_what_escaped() {
    let header = born(Birth::biased(ME));
    assert_eq!(header.decref(ME), Fate::Dead);
    header.resurrect_begin(ME);
    assert!(!header.try_incref(OTHER), "strangers are refused while the finaliser runs");
    assert_eq!(header.resurrect_end(ME), Fate::Dead);

    header.resurrect_begin(ME);
    header.incref(ME);
    assert_eq!(header.resurrect_end(ME), Fate::Alive);
    assert_eq!((header.refcount(), header.owner.load(Relaxed)), (1, ME.0));
}
