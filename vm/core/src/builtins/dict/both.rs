//! What one dict does with all entries of another, under the locks of both.
//!
//! No code runs under the locks. At a key or value that only its type can compare, these functions give them back and
//! say where they stopped; the caller compares, and calls again.

use typhon_sync::prim::Ordering;

use super::Dict;
use super::lookup::{self, Key, Place};
use crate::equality;
use crate::flags;
use crate::object::{Borrowed, Owned};
use crate::sharing;
use crate::thread::lock_both;
use crate::word::Word;

/// An entry whose key must be compared by running code.
pub struct Asked {
    pub key: Owned,
    pub hash: i64,
    pub value: Owned,
    /// Keys of the dict that it comes from.
    pub n: usize,
}

/// Adds entries of `other` from position `pos` on; `replace` false leaves keys that are there already alone.
/// `Some`: the locks were given back at this entry, which is still to be added.
pub fn merge(d: &Dict, other: &Dict, replace: bool, pos: &mut usize) -> Option<Asked> {
    // Dropped when the locks are given back.
    let mut dropped = Vec::new();
    let _guards = lock_both(&d.header, &other.header);
    let from = other.table();
    // ORDERING Relaxed: a namespace is one from its birth on.
    let namespace = d.header.flags.load(Ordering::Relaxed) & flags::DICT_NAMESPACE != 0;
    if d.table().live() == 0 {
        if *pos == 0 && !namespace {
            d.adopt(other.copy_locked());
            return None;
        }
        d.reserve_locked(from.live());
    }
    while *pos < from.n() as usize {
        let i = *pos as u32;
        *pos += 1;
        let (k, v) = (from.key(i).peek(), from.value(i).peek());
        if k == Word::UNBOUND {
            continue;
        }
        // SAFETY: the lock pins key and value.
        let (hash, key) = unsafe { (from.hash(i, k), Borrowed::from_raw(k.uncounted())) };
        // SAFETY: as above.
        let value = || unsafe { sharing::own_pinned(v) };
        let (key, t) = (Key::hashed(key, hash), d.table());
        match lookup::probe(t, &key, None, true) {
            Place::Absent => d.insert(&key, value()),
            Place::At(at) if replace => dropped.extend(d.replace_value(t, at, value())),
            Place::At(_) => {}
            Place::Ask(_) => {
                // SAFETY: as above.
                let key = unsafe { sharing::own_pinned(k) };
                return Some(Asked { key, hash, value: value(), n: from.live() });
            }
        }
    }
    None
}

/// Whether two dicts are equal, as far as that can be told.
pub enum Equal {
    Known(bool),
    /// Key, hash and value of an entry of the first that must be looked for, and compared, by running code.
    Ask(Owned, i64, Owned),
}

/// Compares the entries of `x` from position `pos` on with those of `y`.
pub fn compare(x: &Dict, y: &Dict, pos: &mut usize) -> Equal {
    let _guards = lock_both(&x.header, &y.header);
    let t = x.table();
    // Only once, as in CPython: comparisons may change either.
    if *pos == 0 && t.live() != y.table().live() {
        return Equal::Known(false);
    }
    while *pos < t.n() as usize {
        let i = *pos as u32;
        *pos += 1;
        let (k, v) = (t.key(i).peek(), t.value(i).peek());
        if k == Word::UNBOUND {
            continue;
        }
        // SAFETY: the lock pins key and value.
        let (hash, key, value) =
            unsafe { (t.hash(i, k), Borrowed::from_raw(k.uncounted()), Borrowed::from_raw(v.uncounted())) };
        let same = match lookup::probe(y.table(), &Key::hashed(key, hash), None, true) {
            Place::Absent => Some(false),
            Place::At(at) => {
                let w = y.table().value(at).peek();
                // SAFETY: as above.
                equality::quick(value, unsafe { Borrowed::from_raw(w.uncounted()) })
            }
            Place::Ask(_) => None,
        };
        match same {
            Some(true) => {}
            Some(false) => return Equal::Known(false),
            // SAFETY: as above.
            None => return unsafe { Equal::Ask(sharing::own_pinned(k), hash, sharing::own_pinned(v)) },
        }
    }
    Equal::Known(true)
}
