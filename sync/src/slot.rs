//! Reading a reference out of a slot that other threads change, without taking the container's lock.

use super::count::Fate;
use super::header::{Header, OwnerId};
use super::prim::AtomicU64;
use super::prim::Ordering::Acquire;
use super::rules;

/// Attempts before the reader should take the container's lock instead.
const ATTEMPTS: usize = 3;

/// Loads `slot` and takes a reference to what it holds. `header_of` gives the header a word leads to;
/// `None`: the word is no counted pointer and is returned as it is. The result is `None` if the
/// object must be read under the container's lock (and [`Header::publish`]ed there), or if writers
/// keep changing the slot. `lost` gets the references that a late look had to give back, when that
/// was more than a decrement.
///
/// Why it is sound (RC-11): object memory is type-stable, so a late reader always finds a header.
/// Its `try_incref` may succeed on a *newer* object in the same memory; the second look at the slot
/// then shows another word, and the reference is given back before anything else is read.
///
/// # Safety
/// - Every pointer ever stored in `slot` leads to memory that stays a header while a thread that has
///   passed no safepoint since may look at it;
/// - stores into `slot` are Release, and each word stored there owns a reference until it is replaced.
#[inline]
pub unsafe fn read_slot(
    slot: &AtomicU64,
    me: OwnerId,
    header_of: impl Fn(u64) -> Option<*const Header>,
    mut lost: impl FnMut(*const Header, Fate),
) -> Option<u64> {
    for _ in 0..ATTEMPTS {
        // ORDERING Acquire: the object was initialised before it was stored; pairs with the store.
        let word = slot.load(Acquire);
        let Some(object) = header_of(word) else { return Some(word) };
        // SAFETY: the caller's first point.
        let header = unsafe { &*object };
        if !header.try_incref(me) {
            return None;
        }
        // ORDERING Acquire: not earlier than the `try_incref`, which is an Acquire itself.
        if !rules::RECHECK_SLOT || slot.load(Acquire) == word {
            return Some(word);
        }
        match header.decref(me) {
            Fate::Alive => {}
            fate => lost(object, fate),
        }
    }
    None
}
