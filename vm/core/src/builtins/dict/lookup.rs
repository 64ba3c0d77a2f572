//! Finding keys.
//!
//! A probe compares without running code: words, and texts of strs. Where only `==` can tell, it stops
//! and says at which key; the caller owns that key, lets the lock go, compares, adds the answer to what
//! is [`Known`], and probes again. So no lock is held while Python code runs, and a dict that changes
//! under `__eq__` is simply probed as it then is.

use typhon_sync::header::OwnerId;
use typhon_text::hash::hash_int;

use super::table::{EMPTY, Table};
use super::{Dict, Entry};
use crate::builtins::exceptions as ex;
use crate::builtins::int;
use crate::builtins::object;
use crate::builtins::str::Str;
use crate::builtins::tuple::{self, Tuple};
use crate::object::{Borrowed, Owned, PyResult};
use crate::sharing;
use crate::thread::{self, Thread};
use crate::word::{Wanted, Word};

/// A key and its hash.
pub struct Key<'a> {
    pub value: Borrowed<'a>,
    pub hash: i64,
    sort: Sort<'a>,
}

#[derive(Clone, Copy)]
enum Sort<'a> {
    Int,
    Str(&'a Str),
    Other,
}

/// Keys of the dict that were compared with the wanted one.
#[derive(Default)]
pub struct Known {
    /// The one that is equal, and where it was found.
    equal: Option<(Owned, usize)>,
    unequal: Vec<Owned>,
}

/// Result of a probe.
pub enum Place {
    At(u32),
    Absent,
    /// The key of this entry must be compared.
    Ask(u32),
}

impl Known {
    /// Where the equal key was, and its word: a guess to try before a probe.
    #[inline(always)]
    pub fn guess(&self) -> Option<(usize, Word)> {
        self.equal.as_ref().map(|(k, at)| (*at, k.word()))
    }

    fn remembers(&self, k: Word) -> Option<bool> {
        if self.equal.as_ref().is_some_and(|e| e.0.is(k)) {
            return Some(true);
        }
        if self.unequal.iter().any(|e| e.is(k)) { Some(false) } else { None }
    }
}

impl<'a> Key<'a> {
    /// Hashes `value`. Errors: what `__hash__` raises.
    #[inline(always)]
    pub fn new(th: &mut Thread, value: Borrowed<'a>) -> PyResult<Key<'a>> {
        match Self::quick(value) {
            Some(key) => Ok(key),
            None => Self::other(th, value),
        }
    }

    /// A key whose hash needs no call: an int in a word, an exact str.
    #[inline(always)]
    pub fn quick(value: Borrowed<'a>) -> Option<Key<'a>> {
        let w = value.word();
        if w.is_int() {
            return Some(Key { value, hash: hash_int(w.int()), sort: Sort::Int });
        }
        Self::of_str(value)
    }

    /// A key whose hash needs no code of a program, as far as that is seen at once.
    #[inline(always)]
    pub(crate) fn without_code(value: Borrowed<'a>) -> Option<Key<'a>> {
        Self::quick(value).or_else(|| Self::of_object(value))
    }

    /// An object that is hashed by identity or as an int, or a tuple that was hashed before.
    fn of_object(value: Borrowed<'a>) -> Option<Key<'a>> {
        let slot = value.ty().slots.hash()? as usize;
        let hash = if slot == object::hash as *const () as usize {
            object::identity_hash(value.word())
        } else if slot == int::arith::slot_hash as *const () as usize {
            int::arith::hash_of(value)
        } else if slot == tuple::methods::hash as *const () as usize {
            value.downcast::<Tuple>().map(Tuple::known_hash).filter(|hash| *hash != 0)?
        } else {
            return None;
        };
        Some(Key { value, hash, sort: Sort::Other })
    }

    #[inline(never)]
    fn other(th: &mut Thread, value: Borrowed<'a>) -> PyResult<Key<'a>> {
        Ok(Key { value, hash: hash_for(th, value, "dict key")?, sort: Sort::Other })
    }

    /// An exact str as a key.
    #[inline(always)]
    pub fn of_str(value: Borrowed<'a>) -> Option<Key<'a>> {
        let s = value.downcast_exact::<Str>()?;
        Some(Key { value, hash: s.text_hash(), sort: Sort::Str(s) })
    }

    /// A key whose hash is known.
    pub fn hashed(value: Borrowed<'a>, hash: i64) -> Key<'a> {
        let sort = if value.word().is_int() {
            Sort::Int
        } else {
            value.downcast_exact::<Str>().map_or(Sort::Other, Sort::Str)
        };
        Key { value, hash, sort }
    }

    /// Does it need a general table?
    #[inline(always)]
    pub fn is_other(&self) -> bool {
        matches!(self.sort, Sort::Other)
    }
}

/// `hash(value)`; a TypeError says that `value` cannot be used as `what`.
pub fn hash_for(th: &mut Thread, value: Borrowed<'_>, what: &str) -> PyResult<i64> {
    let raised = match value.ty().slots.hash() {
        Some(f) => match f(th, value) {
            Ok(h) => return Ok(h),
            Err(raised) => raised,
        },
        None => {
            let msg = format!("unhashable type: '{}'", value.type_name(th));
            th.type_error(&msg)
        }
    };
    if !th.exc().is_some_and(|e| core::ptr::eq(e.ty(), ex::TYPE_ERROR.ty())) {
        return Err(raised);
    }
    let exc = th.catch(raised);
    let why = exc.borrow().str_text(th)?;
    let msg = format!("cannot use '{}' as a {what} ({why})", value.type_name(th));
    Err(th.type_error(&msg))
}

/// Is the key `k` of a table, which was just read there, the wanted one? `None`: it must be asked.
#[inline(always)]
pub fn verdict(known: Option<&Known>, k: Word, key: &Key<'_>, pinned: bool) -> Option<bool> {
    known.and_then(|known| known.remembers(k)).or_else(|| decide(k, key, pinned))
}

/// Looks for a key; `known`: what was compared before, if anything was. `pinned`: keys of the table cannot go away
/// meanwhile (lock or GIL held).
#[inline(always)]
pub fn probe(t: &Table, key: &Key<'_>, known: Option<&Known>, pinned: bool) -> Place {
    match key.sort {
        Sort::Str(s) if !t.is_general() => probe_str(t, key.value.word(), s, key.hash),
        Sort::Int if !t.is_general() => probe_int(t, key.value.word(), key.hash),
        _ => probe_any(t, key, known, pinned),
    }
}

/// A str in a simple table.
#[inline(always)]
fn probe_str(t: &Table, name: Word, s: &Str, hash: i64) -> Place {
    let wanted = Wanted::new(name);
    let mut walk = t.walk(hash);
    loop {
        let i = t.index(walk.at());
        if i == EMPTY {
            return Place::Absent;
        }
        let k = t.key(i).peek();
        if wanted.is(k) {
            return Place::At(i);
        }
        if k.is_ptr() {
            // SAFETY: pointers in a simple table are exact strs, which outlive readers (SH-2).
            let other = unsafe { &*(k.ptr() as *const Str) };
            if other.text_hash() == hash && other.same_text(s) {
                return Place::At(i);
            }
        }
        walk.step();
    }
}

/// An int in a simple table.
#[inline(always)]
fn probe_int(t: &Table, key: Word, hash: i64) -> Place {
    let mut walk = t.walk(hash);
    loop {
        let i = t.index(walk.at());
        if i == EMPTY {
            return Place::Absent;
        }
        if t.key(i).peek() == key {
            return Place::At(i);
        }
        walk.step();
    }
}

#[inline(never)]
fn probe_any(t: &Table, key: &Key<'_>, known: Option<&Known>, pinned: bool) -> Place {
    if let Some((at, k)) = known.and_then(Known::guess)
        && at < t.n() as usize
        && t.key(at as u32).peek().is(k)
    {
        return Place::At(at as u32);
    }
    let wanted = Wanted::new(key.value.word());
    let mut walk = t.walk(key.hash);
    loop {
        let i = t.index(walk.at());
        if i == EMPTY {
            return Place::Absent;
        }
        let k = t.key(i).peek();
        if wanted.is(k) {
            return Place::At(i);
        }
        // SAFETY: strs in simple tables outlive readers; general tables store the hash.
        if k != Word::UNBOUND && unsafe { t.hash(i, k) } == key.hash {
            match verdict(known, k, key, pinned) {
                Some(true) => return Place::At(i),
                Some(false) => {}
                None => return Place::Ask(i),
            }
        }
        walk.step();
    }
}

/// Equality that needs neither code nor a reference.
#[inline(always)]
fn decide(k: Word, key: &Key<'_>, pinned: bool) -> Option<bool> {
    if !k.is_ptr() || !key.value.word().is_ptr() {
        return if k.is_int() && key.value.word().is_int() { Some(false) } else { None };
    }
    if !pinned && !is_kept(k) {
        return None;
    }
    // SAFETY: alive: pinned, or kept until this thread's next safepoint.
    let k = unsafe { Borrowed::from_raw(k.uncounted()) };
    match key.sort {
        Sort::Str(s) => k.downcast_exact::<Str>().map(|other| other.same_text(s)),
        _ => crate::equality::quick(k, key.value),
    }
}

/// Does an object that was just read out of a table live until this thread's next safepoint, whatever others do? So
/// does one of this thread, which nobody else frees.
#[inline(always)]
fn is_kept(k: Word) -> bool {
    // SAFETY: memory of objects is type-stable.
    unsafe { (*k.ptr()).is_owned_by(thread::me()) }
}

/// Compares a key, found at place `at`, with the wanted one and notes the answer.
pub fn ask(
    th: Option<&mut Thread>,
    candidate: Owned,
    at: usize,
    key: &Key<'_>,
    known: &mut Known,
) -> PyResult<()> {
    let texts = (candidate.borrow().downcast_exact::<Str>(), key.value.downcast_exact::<Str>());
    let equal = match (texts, th) {
        ((Some(a), Some(b)), _) => a.same_text(b),
        (_, Some(th)) => candidate.borrow().equals(th, key.value)?,
        (_, None) => false,
    };
    if equal {
        known.equal = Some((candidate, at));
    } else {
        known.unequal.push(candidate);
    }
    Ok(())
}

impl Dict {
    /// The value under a key. Without `th` only strs are compared.
    #[inline(always)]
    pub fn get_key(&self, th: Option<&mut Thread>, key: &Key<'_>) -> PyResult<Option<Owned>> {
        sharing::enter(&self.header);
        let t = self.table();
        let place = match key.sort {
            Sort::Str(s) if !t.is_general() => probe_str(t, key.value.word(), s, key.hash),
            Sort::Int if !t.is_general() => probe_int(t, key.value.word(), key.hash),
            _ => return self.get_slow(th, key),
        };
        match place {
            Place::At(i) => match self.own_value(t, i, false) {
                Some(v) => Ok(Some(v)),
                None => self.get_slow(th, key),
            },
            _ => Ok(None),
        }
    }

    /// As [`Dict::get_interned`], without ever waiting for a lock, which would be a safepoint: for a dict
    /// that the caller only borrows. `None`: it would have to wait.
    pub fn try_get_interned(&self, name: Borrowed<'_>) -> Option<Option<Owned>> {
        match self.probe_interned(name)? {
            (t, Place::At(i)) => self.own_value(t, i, false).map(Some),
            _ => Some(None),
        }
    }

    /// The value under an interned str, if it is of a deferred kind or immortal and can be had without
    /// waiting. Without a count: to be used up before this thread's next safepoint. Only a namespace
    /// knows which of its values these are.
    pub fn peek_deferred(&self, name: Borrowed<'_>) -> Option<Borrowed<'_>> {
        let (t, Place::At(i)) = self.probe_interned(name)? else { return None };
        // SAFETY: the probe found the entry in this table.
        let w = unsafe { &*t.value_slot(i) }.peek();
        // SAFETY: a pointer without a count in a slot dies in a stop only (OB-2), and this thread stops
        // at safepoints only.
        (w.is_ptr() && !w.is_counted()).then(|| unsafe { Borrowed::from_raw(w) })
    }

    fn probe_interned(&self, name: Borrowed<'_>) -> Option<(&Table, Place)> {
        let key = Key::of_str(name)?;
        let Sort::Str(s) = key.sort else { return None };
        if !sharing::may_read(&self.header, thread::me()) {
            return None;
        }
        let t = self.table();
        (!t.is_general()).then(|| (t, probe_str(t, name.word(), s, key.hash)))
    }

    #[inline(never)]
    fn get_slow(&self, th: Option<&mut Thread>, key: &Key<'_>) -> PyResult<Option<Owned>> {
        let pinned = thread::me().has_gil();
        let t = self.table();
        match probe(t, key, None, pinned) {
            Place::Absent => Ok(None),
            Place::At(i) => match self.own_value(t, i, pinned) {
                None => self.get_asking(th, key),
                found => Ok(found),
            },
            Place::Ask(_) => self.get_asking(th, key),
        }
    }

    #[inline(never)]
    fn get_asking(&self, mut th: Option<&mut Thread>, key: &Key<'_>) -> PyResult<Option<Owned>> {
        let mut known = Known::default();
        let mut locked = thread::me().has_gil();
        loop {
            let (candidate, at) = {
                let _guard = locked.then(|| self.lock());
                let t = self.table();
                let found = match probe(t, key, Some(&known), locked) {
                    Place::Absent => return Ok(None),
                    Place::At(i) => self.own_value(t, i, locked).map(Ok),
                    Place::Ask(i) => self.own_key(t, i, locked).map(|k| Err((k, i as usize))),
                };
                match found {
                    Some(Ok(v)) => return Ok(Some(v)),
                    Some(Err(k)) => k,
                    None => {
                        locked = true;
                        continue;
                    }
                }
            };
            ask(th.as_deref_mut(), candidate, at, key, &mut known)?;
        }
    }

    /// The value under a key as a word for the stack: without a count if it needs none. [`Word::UNBOUND`]: there is no
    /// such key; [`Word::ZERO`]: the general way must tell. After [`sharing::enter`].
    ///
    /// # Safety
    /// `me` is the calling thread's id.
    pub(crate) unsafe fn get_for_stack(&self, me: OwnerId, key: &Key<'_>) -> Word {
        let t = self.table();
        let i = match probe(t, key, None, me.has_gil()) {
            Place::Absent => return Word::UNBOUND,
            Place::Ask(_) => return Word::ZERO,
            Place::At(i) => i,
        };
        let slot = t.value(i);
        let w = slot.peek();
        if w == Word::UNBOUND || !self.is_current(t) {
            return Word::ZERO;
        }
        // SAFETY: read since the last safepoint.
        unsafe { sharing::own_for_stack(me, slot, w, || self.is_current(t)) }
    }

    /// Is the key there?
    pub fn contains_key(&self, th: &mut Thread, key: &Key<'_>) -> PyResult<bool> {
        sharing::enter(&self.header);
        match self.has(key) {
            Some(there) => Ok(there),
            None => self.contains_asked(th, key),
        }
    }

    /// Is the key there? `None`: keys must be asked to tell. After [`sharing::enter`].
    #[inline(always)]
    pub(crate) fn has(&self, key: &Key<'_>) -> Option<bool> {
        match probe(self.table(), key, None, thread::me().has_gil()) {
            Place::Absent => Some(false),
            Place::At(_) => Some(true),
            Place::Ask(_) => None,
        }
    }

    /// As [`Dict::has`], under the lock.
    pub(crate) fn has_locked(&self, key: &Key<'_>) -> Option<bool> {
        match probe(self.table(), key, None, true) {
            Place::Absent => Some(false),
            Place::At(_) => Some(true),
            Place::Ask(_) => None,
        }
    }

    #[inline(never)]
    fn contains_asked(&self, th: &mut Thread, key: &Key<'_>) -> PyResult<bool> {
        let mut known = Known::default();
        let mut locked = thread::me().has_gil();
        loop {
            let (candidate, at) = {
                let _guard = locked.then(|| self.lock());
                let t = self.table();
                match probe(t, key, Some(&known), locked) {
                    Place::Absent => return Ok(false),
                    Place::At(_) => return Ok(true),
                    Place::Ask(i) => match self.own_key(t, i, locked) {
                        Some(k) => (k, i as usize),
                        None => {
                            locked = true;
                            continue;
                        }
                    },
                }
            };
            ask(Some(th), candidate, at, key, &mut known)?;
        }
    }

    /// Runs `act` under the lock with the place of the key, which is not [`Place::Ask`].
    #[inline(always)]
    fn at_place<R>(
        &self,
        th: Option<&mut Thread>,
        key: &Key<'_>,
        act: impl FnOnce(&Dict, &Table, Place) -> R,
    ) -> PyResult<R> {
        let guard = self.lock();
        let t = self.table();
        match probe(t, key, None, true) {
            Place::Ask(_) => {}
            place => return Ok(act(self, t, place)),
        }
        drop(guard);
        self.at_place_slow(th, key, act)
    }

    #[inline(never)]
    fn at_place_slow<R>(
        &self,
        mut th: Option<&mut Thread>,
        key: &Key<'_>,
        act: impl FnOnce(&Dict, &Table, Place) -> R,
    ) -> PyResult<R> {
        let mut known = Known::default();
        loop {
            let (candidate, at) = {
                let _guard = self.lock();
                let t = self.table();
                match probe(t, key, Some(&known), true) {
                    // SAFETY: the lock pins the key.
                    Place::Ask(i) => (unsafe { sharing::own_pinned(t.key(i).peek()) }, i as usize),
                    place => return Ok(act(self, t, place)),
                }
            };
            ask(th.as_deref_mut(), candidate, at, key, &mut known)?;
        }
    }

    /// `d[key] = value`; the value that was there.
    #[inline]
    pub fn set_key(&self, th: Option<&mut Thread>, key: &Key<'_>, value: Owned) -> PyResult<Option<Owned>> {
        self.at_place(th, key, |d, t, place| match place {
            Place::At(i) => d.replace_value(t, i, value),
            _ => {
                d.insert(key, value);
                None
            }
        })
    }

    /// `setdefault`
    pub fn insert_if_absent(&self, th: Option<&mut Thread>, key: &Key<'_>, value: Owned) -> PyResult<Entry> {
        self.at_place(th, key, |d, t, place| match place {
            // SAFETY: the lock pins the value.
            Place::At(i) => Entry::Found(unsafe { sharing::own_pinned(t.value(i).peek()) }),
            _ => {
                d.insert(key, value);
                Entry::Inserted
            }
        })
    }

    /// Removes a key; its value.
    pub fn remove_key(&self, th: Option<&mut Thread>, key: &Key<'_>) -> PyResult<Option<Owned>> {
        let taken = self.at_place(th, key, |d, t, place| match place {
            Place::At(i) => Some(d.take_entry(t, i)),
            _ => None,
        })?;
        Ok(taken.map(|(_, v)| v))
    }

    /// Removes a key if its value is this very object.
    pub fn remove_pair(&self, th: &mut Thread, key: Borrowed<'_>, value: Borrowed<'_>) -> PyResult<()> {
        let key = Key::new(th, key)?;
        self.at_place(Some(th), &key, |d, t, place| match place {
            Place::At(i) if t.value(i).peek().is(value.word()) => Some(d.take_entry(t, i)),
            _ => None,
        })
        .map(drop)
    }
}
