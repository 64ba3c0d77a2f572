//! What a set does with all keys of another container, under the locks of both.

use super::{Place, Set, probe};
use crate::Header;
use crate::builtins::dict::Dict;
use crate::builtins::dict::lookup::Key;
use crate::object::{Borrowed, Owned, PyResult, own_slot_word};
use crate::sharing;
use crate::thread::{Thread, lock_both};
use crate::word::Word;

/// A container with keys that know their hashes.
pub(super) trait Keys {
    fn header(&self) -> &Header;
    /// The key at or behind position `*pos`, and its hash; advances `*pos` behind it. Under the lock.
    fn next_word(&self, pos: &mut usize) -> Option<(Word, i64)>;
}

impl Keys for Set {
    fn header(&self) -> &Header {
        &self.header
    }
    fn next_word(&self, pos: &mut usize) -> Option<(Word, i64)> {
        let t = self.table();
        while *pos < t.places() {
            let e = t.entry(*pos);
            *pos += 1;
            let w = e.key().peek();
            if w != Word::ZERO && w != Word::UNBOUND {
                return Some((w, e.hash()));
            }
        }
        None
    }
}

impl Keys for Dict {
    fn header(&self) -> &Header {
        &self.header
    }
    fn next_word(&self, pos: &mut usize) -> Option<(Word, i64)> {
        let t = self.table();
        while *pos < t.n() as usize {
            let i = *pos as u32;
            *pos += 1;
            let w = t.key(i).peek();
            if w != Word::UNBOUND {
                // SAFETY: pinned by the lock.
                return Some((w, unsafe { t.hash(i, w) }));
            }
        }
        None
    }
}

/// Calls `step` with every key of `from` until it says false, under the locks of `from` and `with`. `step` is called
/// without a thread first, and must then run no code; if it says `None`, the locks are given back and it is called
/// with one.
///
/// Errors: those of `step`.
pub(super) fn each(
    th: &mut Thread,
    from: &impl Keys,
    with: &Header,
    mut step: impl FnMut(Option<&mut Thread>, &Key<'_>) -> PyResult<Option<bool>>,
) -> PyResult<()> {
    let mut pos = 0;
    loop {
        let (key, hash) = {
            let _guards = lock_both(from.header(), with);
            loop {
                let Some((w, hash)) = from.next_word(&mut pos) else { return Ok(()) };
                // SAFETY: the lock pins the key.
                let key = unsafe { Borrowed::from_raw(w.uncounted()) };
                match step(None, &Key::hashed(key, hash))? {
                    Some(true) => {}
                    Some(false) => return Ok(()),
                    // SAFETY: as above.
                    None => break (unsafe { sharing::own_pinned(w) }, hash),
                }
            }
        };
        if step(Some(&mut *th), &Key::hashed(key.borrow(), hash))? == Some(false) {
            return Ok(());
        }
    }
}

impl Set {
    /// Is the key there? `None`: keys must be asked to tell. Under the lock.
    #[inline(always)]
    fn has_locked(&self, key: &Key<'_>) -> Option<bool> {
        let t = self.table();
        if let Some(answer) = t.has(key.value.word(), key.hash) {
            return Some(answer);
        }
        match probe(t, key, None, true) {
            Place::At(_) => Some(true),
            Place::Absent => Some(false),
            Place::Ask(_) => None,
        }
    }

    /// Is every key of this set in `other`, and do their lengths fit? `None`: keys must be compared to tell.
    pub(super) fn is_in(&self, other: &Set, fit: impl Fn(usize, usize) -> bool) -> Option<bool> {
        let _guards = lock_both(&self.header, &other.header);
        let (mine, theirs) = (self.table(), other.table());
        if !fit(mine.used(), theirs.used()) {
            return Some(false);
        }
        for (w, hash) in mine.words() {
            match theirs.has(w, hash) {
                Some(true) => {}
                answer => return answer,
            }
        }
        Some(true)
    }

    /// As [`Set::contains_key`] with a thread; without one, as [`Set::has_locked`].
    pub(super) fn has_by(&self, th: Option<&mut Thread>, key: &Key<'_>) -> PyResult<Option<bool>> {
        match th {
            None => Ok(self.has_locked(key)),
            Some(th) => self.contains_key(th, key).map(Some),
        }
    }

    /// Adds a key; without a thread under the lock, and if no keys need to be asked: `None`. Else true.
    pub(super) fn add_by(&self, th: Option<&mut Thread>, key: &Key<'_>) -> PyResult<Option<bool>> {
        if let Some(th) = th {
            return self.add_key(th, key).map(|_| Some(true));
        }
        let t = self.table();
        Ok(match probe(t, key, None, true) {
            Place::Ask(_) => None,
            place => {
                self.put(t, place, key);
                Some(true)
            }
        })
    }

    /// Removes a key if it is there, as [`Set::add_by`] adds one. What is removed goes to `gone`, to be dropped without
    /// the lock. Whether it was there.
    pub(super) fn discard_by(
        &self,
        th: Option<&mut Thread>,
        key: &Key<'_>,
        gone: &mut Vec<Owned>,
    ) -> PyResult<Option<bool>> {
        if let Some(th) = th {
            return self.discard_key(th, key).map(Some);
        }
        let t = self.table();
        Ok(match probe(t, key, None, true) {
            Place::Ask(_) => None,
            Place::Absent => Some(false),
            Place::At(at) => {
                // SAFETY: out of the table.
                gone.extend(unsafe { own_slot_word(t.remove(at)) });
                Some(true)
            }
        })
    }

    /// Adds a key that is not there to a set that nobody else can reach.
    pub(super) fn push_fresh(&mut self, key: &Key<'_>) {
        let t = self.table();
        self.put(t, Place::Absent, key);
    }

    /// Keeps of the set what is in `other`, too. False: keys must be asked, and nothing was done.
    pub(super) fn intersect(&self, other: &Set) -> bool {
        let _old: Vec<Owned>;
        let _guards = lock_both(&self.header, &other.header);
        let swapped = other.table().used() > self.table().used();
        let (walk, ask) = if swapped { (self, other) } else { (other, self) };
        let mut out = Set::new();
        let mut pos = 0;
        while let Some((w, hash)) = walk.next_word(&mut pos) {
            // SAFETY: the lock pins the key.
            let key = Key::hashed(unsafe { Borrowed::from_raw(w.uncounted()) }, hash);
            match ask.has_locked(&key) {
                Some(true) => out.push_fresh(&key),
                Some(false) => {}
                None => return false,
            }
        }
        _old = self.replace_locked(out);
        true
    }

    /// The keys of this set and of another. `None`: keys must be asked to tell.
    pub(super) fn joined(&self, other: &Set) -> Option<Set> {
        let _guards = lock_both(&self.header, &other.header);
        let mut out = self.copy_locked();
        for (w, hash) in other.table().words() {
            if out.table().has(w, hash) == Some(true) {
                continue;
            }
            // SAFETY: the lock pins the key.
            let key = Key::hashed(unsafe { Borrowed::from_raw(w.uncounted()) }, hash);
            if !out.has_locked(&key)? {
                out.push_fresh(&key);
            }
        }
        Some(out)
    }

    /// Gives a set that never had a key those of `other`. False: this one had keys.
    pub(super) fn adopt(&self, other: &Set) -> bool {
        let _guards = lock_both(&self.header, &other.header);
        let adopts = self.table().is_nothing();
        if adopts {
            let copy = core::mem::ManuallyDrop::new(other.copy_locked());
            self.table.publish(copy.table.load().cast_mut());
        }
        adopts
    }
}
