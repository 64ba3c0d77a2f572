//! `set` and `frozenset`.

pub mod algebra;
mod both;
pub mod iterator;
mod methods;
mod table;

use typhon_sync::header::OwnerId;
use typhon_sync::prim::{AtomicI64, Ordering};

pub use self::algebra::{difference_update, new_empty, new_from, symmetric_difference_update, update};
use self::table::{Table, TablePtr, places_for};
use crate::builtins::dict::lookup::{Key, Known, ask, hash_for, verdict};
use crate::object::{Borrowed, Owned, PyResult, own_slot_word};
use crate::sharing;
use crate::thread::{self, ObjectGuard, Thread, unborn};
use crate::typedef::{TypeDef, TypeId, kind, type_flags};
use crate::types::Type;
use crate::word::{Wanted, Word};

crate::payload! {
    /// A set, or (as [`FrozenSet`], with the same layout) a frozenset: both are of kind SET, and
    /// `downcast::<Set>` accepts both.
    pub struct Set: DEF {
        table: TablePtr,
        /// Hash of a frozenset; -1 = not computed yet.
        hash: AtomicI64,
    }
}

crate::payload! {
    /// A frozenset: a [`Set`] that does not change once Python code can see it.
    pub struct FrozenSet: FROZEN {
        table: TablePtr,
        hash: AtomicI64,
    }
}

const _: () = assert!(size_of::<Set>() == size_of::<FrozenSet>());

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::SET),
    kind: kind::SET,
    doc: "Build an unordered collection of unique elements.",
    flags: type_flags::GC | type_flags::BASE | type_flags::MATCH_SELF | type_flags::WEAKREF,
    shared: Some(methods::SHARED),
    slots: methods::SLOTS,
    methods: methods::METHODS,
    layout: crate::typedef::Layout::confined::<Set>(),
    ..TypeDef::of::<Set>("set")
};

pub static FROZEN: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::FROZENSET),
    kind: kind::SET,
    doc: "Build an immutable unordered collection of unique elements.",
    flags: type_flags::GC | type_flags::BASE | type_flags::MATCH_SELF | type_flags::WEAKREF,
    shared: Some(methods::FROZEN_SHARED),
    slots: methods::FROZEN_SLOTS,
    methods: methods::FROZEN_METHODS,
    layout: crate::typedef::Layout::confined::<FrozenSet>(),
    ..TypeDef::of::<FrozenSet>("frozenset")
};

/// Result of a probe: as for dicts, with the place in the table.
enum Place {
    At(usize),
    Absent,
    Ask(usize),
}

/// Hashes a set element.
pub(crate) fn element<'a>(th: &mut Thread, value: Borrowed<'a>) -> PyResult<Key<'a>> {
    if let Some(key) = Key::quick(value) {
        return Ok(key);
    }
    Ok(Key::hashed(value, hash_for(th, value, "set element")?))
}

#[inline(always)]
fn probe(t: &Table, key: &Key<'_>, known: Option<&Known>, pinned: bool) -> Place {
    if let Some((at, k)) = known.and_then(Known::guess)
        && at < t.places()
        && t.entry(at).key().peek().is(k)
    {
        return Place::At(at);
    }
    let wanted = Wanted::new(key.value.word());
    let mut walk = t.walk(key.hash);
    loop {
        let e = t.entry(walk.at());
        let w = e.key().peek();
        if w == Word::ZERO {
            return Place::Absent;
        }
        if wanted.is(w) {
            return Place::At(walk.at());
        }
        if e.hash() == key.hash && w != Word::UNBOUND {
            match verdict(known, w, key, pinned) {
                Some(true) => return Place::At(walk.at()),
                Some(false) => {}
                None => return Place::Ask(walk.at()),
            }
        }
        walk.step();
    }
}

impl Set {
    fn from_table(t: *mut Table) -> Set {
        let table = TablePtr::empty();
        table.publish(t);
        Set { header: unborn(), table, hash: AtomicI64::new(-1) }
    }

    /// A set payload without keys.
    pub fn new() -> Set {
        Set::from_table(Table::nothing())
    }

    fn into_frozen(self) -> FrozenSet {
        FrozenSet { header: self.header, table: self.table, hash: self.hash }
    }

    /// Moves the payload to the heap as an instance of `ty`: `set`, `frozenset` or a subclass.
    fn alloc(self, th: &mut Thread, ty: &Type) -> Owned {
        if ty.is_subtype_of(DEF.ty()) { th.alloc_as(self, ty) } else { th.alloc_as(self.into_frozen(), ty) }
    }

    #[inline(always)]
    fn table(&self) -> &Table {
        // SAFETY: a published table is not freed under a reader (SH-1, SH-2).
        unsafe { &*self.table.load() }
    }

    #[inline(always)]
    fn lock(&self) -> ObjectGuard<'_> {
        crate::thread::lock_object(&self.header)
    }

    #[inline(always)]
    pub fn len(&self) -> usize {
        sharing::enter(&self.header);
        self.table().used()
    }

    /// [`Set::len`] for the thread that owns the set, or after [`sharing::enter`].
    #[inline(always)]
    pub(crate) fn own_len(&self) -> usize {
        self.table().used()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The key at a place, unless that needs the lock.
    #[inline(always)]
    fn own(&self, t: &Table, at: usize, pinned: bool) -> Option<Owned> {
        let slot = t.entry(at).key();
        let w = slot.peek();
        if w == Word::UNBOUND || w == Word::ZERO {
            return None;
        }
        if pinned {
            // SAFETY: the lock pins the key.
            return Some(unsafe { sharing::own_pinned(w) });
        }
        sharing::try_own(slot, w, || core::ptr::eq(self.table.load(), t))
    }

    /// `value in set`
    pub fn contains(&self, th: &mut Thread, value: Borrowed<'_>) -> PyResult<bool> {
        let key = element(th, value)?;
        self.contains_key(th, &key)
    }

    /// As [`Set::contains`] with a known hash.
    #[inline]
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
        let known = self.table().has(key.value.word(), key.hash);
        if known.is_some() { known } else { self.has_equal(key) }
    }

    #[inline(never)]
    fn has_equal(&self, key: &Key<'_>) -> Option<bool> {
        match probe(self.table(), key, None, thread::me().has_gil()) {
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
                    Place::Ask(at) => match self.own(t, at, locked) {
                        Some(k) => (k, at),
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

    /// Runs `act` with the place of the key, which is not [`Place::Ask`]; under the lock, unless the set is `fresh`:
    /// nobody else can reach it.
    #[inline(always)]
    fn at_place<R>(
        &self,
        th: &mut Thread,
        key: &Key<'_>,
        fresh: bool,
        act: impl FnOnce(&Set, &Table, Place) -> R,
    ) -> PyResult<R> {
        let guard = (!fresh).then(|| self.lock());
        let t = self.table();
        match probe(t, key, None, true) {
            Place::Ask(_) => {}
            place => return Ok(act(self, t, place)),
        }
        drop(guard);
        self.at_place_slow(th, key, fresh, act)
    }

    #[inline(never)]
    fn at_place_slow<R>(
        &self,
        th: &mut Thread,
        key: &Key<'_>,
        fresh: bool,
        act: impl FnOnce(&Set, &Table, Place) -> R,
    ) -> PyResult<R> {
        let mut known = Known::default();
        loop {
            let (candidate, at) = {
                let _guard = (!fresh).then(|| self.lock());
                let t = self.table();
                match probe(t, key, Some(&known), true) {
                    // SAFETY: the lock pins the key.
                    Place::Ask(at) => (unsafe { sharing::own_pinned(t.entry(at).key().peek()) }, at),
                    place => return Ok(act(self, t, place)),
                }
            };
            ask(Some(th), candidate, at, key, &mut known)?;
        }
    }

    /// `set.add`; was it new?
    pub fn add(&self, th: &mut Thread, value: Borrowed<'_>) -> PyResult<bool> {
        let key = element(th, value)?;
        self.add_key(th, &key)
    }

    /// As [`Set::add`] with a known hash.
    pub fn add_key(&self, th: &mut Thread, key: &Key<'_>) -> PyResult<bool> {
        self.at_place(th, key, false, |s, t, place| s.put(t, place, key))
    }

    /// As [`Set::add_key`] while nobody else can reach the set.
    pub fn add_fresh(&mut self, th: &mut Thread, key: &Key<'_>) -> PyResult<bool> {
        self.at_place(th, key, true, |s, t, place| s.put(t, place, key))
    }

    /// Adds a key as it is, count and all, to the set, which is locked and has room. Was it new? `None`: nothing was
    /// done, and keys must be asked, or room made.
    #[inline(always)]
    pub(crate) fn put_locked(&self, key: Word, hash: i64) -> Option<bool> {
        let t = self.table();
        let Some(place) = t.place_for(key, hash)? else { return Some(false) };
        if t.is_full() {
            return None;
        }
        t.fill_place(place, key, hash);
        Some(true)
    }

    #[inline(always)]
    fn put(&self, t: &Table, place: Place, key: &Key<'_>) -> bool {
        if let Place::At(_) = place {
            return false;
        }
        let t = if t.is_full() { self.grow() } else { t };
        t.push(key.value.to_owned().into_raw(), key.hash);
        true
    }

    /// `set.discard`; was it there?
    pub fn discard_key(&self, th: &mut Thread, key: &Key<'_>) -> PyResult<bool> {
        let gone = self.at_place(th, key, false, |_, t, place| match place {
            // SAFETY: out of the table.
            Place::At(at) => unsafe { own_slot_word(t.remove(at)) },
            _ => None,
        })?;
        Ok(gone.is_some())
    }

    /// Rebuilds the table with room to grow. Under the lock.
    #[cold]
    #[inline(never)]
    fn grow(&self) -> &Table {
        let old = self.table();
        let new = Table::create(places_for(old.used()));
        // SAFETY: fresh.
        let table = unsafe { &*new };
        for (w, h) in old.words() {
            table.push(w, h);
        }
        self.table.publish(new);
        self.release(old);
        table
    }

    fn release(&self, old: &Table) {
        if !old.is_nothing() {
            let (p, bytes, free) = old.block();
            // SAFETY: unpublished, lock held; its keys moved out.
            unsafe { sharing::release(&self.header, p, bytes, free) }
        }
    }

    /// Removes some key.
    pub fn pop(&self) -> Option<Owned> {
        let _guard = self.lock();
        let t = self.table();
        let (places, used) = (t.places(), t.used());
        if used == 0 {
            return None;
        }
        let start = self.pop_hint();
        for k in 0..places {
            let at = (start + k) & (places - 1);
            let w = t.entry(at).key().peek();
            if w != Word::ZERO && w != Word::UNBOUND {
                self.set_pop_hint(at + 1);
                // SAFETY: out of the table.
                return unsafe { own_slot_word(t.remove(at)) };
            }
        }
        None
    }

    /// Where the next `pop` begins to search. Only frozensets need the field for their hash.
    fn pop_hint(&self) -> usize {
        // ORDERING Relaxed: under the lock.
        self.hash.load(Ordering::Relaxed).max(0) as usize
    }

    fn set_pop_hint(&self, at: usize) {
        // ORDERING Relaxed: under the lock.
        self.hash.store(at as i64, Ordering::Relaxed)
    }

    /// Removes everything.
    pub fn clear(&self) {
        let guard = self.lock();
        let old = self.table();
        self.table.publish(Table::nothing());
        // SAFETY: the keys are ours now.
        let keys: Vec<Owned> = old.words().filter_map(|(w, _)| unsafe { own_slot_word(w) }).collect();
        self.release(old);
        drop(guard);
        drop(keys);
    }

    /// Makes this set hold what `other` holds; the old keys are dropped.
    fn replace_with(&self, other: Set) {
        let guard = self.lock();
        let old = self.replace_locked(other);
        drop(guard);
        drop(old);
    }

    /// As [`Set::replace_with`], under the lock; the old keys.
    fn replace_locked(&self, mut other: Set) -> Vec<Owned> {
        let old = self.table();
        let new = core::mem::replace(&mut other.table, TablePtr::empty());
        let new = core::mem::ManuallyDrop::new(new);
        self.table.publish(new.load().cast_mut());
        // SAFETY: the keys are ours now.
        let keys: Vec<Owned> = old.words().filter_map(|(w, _)| unsafe { own_slot_word(w) }).collect();
        self.release(old);
        keys
    }

    /// The key at or behind place `pos`, and the place behind it, without ever taking the lock: `None` also if that
    /// would be needed. After [`sharing::enter`].
    #[inline(always)]
    fn next_unlocked(&self, pos: usize) -> Option<(Owned, usize)> {
        let t = self.table();
        let (slot, w, next) = t.next_used(pos)?;
        let k = sharing::try_own(slot, w, || core::ptr::eq(self.table.load(), t))?;
        Some((k, next))
    }

    /// As [`Set::next_unlocked`], as a word for the stack; [`Word::ZERO`] for `None`. `me` is the calling thread.
    #[inline(always)]
    fn next_for_stack(&self, me: OwnerId, pos: usize) -> (Word, usize) {
        let t = self.table();
        match t.next_used(pos) {
            None => (Word::ZERO, pos),
            // SAFETY: read just now.
            Some((slot, w, next)) => unsafe {
                (sharing::own_for_stack(me, slot, w, || core::ptr::eq(self.table.load(), t)), next)
            },
        }
    }

    /// The key at or behind place `*pos`, with its hash; advances `*pos` behind it.
    #[inline]
    pub fn next_key(&self, pos: &mut usize) -> Option<(Owned, i64)> {
        sharing::enter(&self.header);
        let t = self.table();
        while *pos < t.places() {
            let at = *pos;
            let w = t.entry(at).key().peek();
            if w != Word::ZERO && w != Word::UNBOUND {
                let hash = t.entry(at).hash();
                return match self.own(t, at, false) {
                    Some(k) => {
                        *pos += 1;
                        Some((k, hash))
                    }
                    None => self.next_locked(pos),
                };
            }
            *pos += 1;
        }
        None
    }

    #[cold]
    #[inline(never)]
    fn next_locked(&self, pos: &mut usize) -> Option<(Owned, i64)> {
        let _guard = self.lock();
        let t = self.table();
        while *pos < t.places() {
            let at = *pos;
            *pos += 1;
            if let Some(k) = self.own(t, at, true) {
                return Some((k, t.entry(at).hash()));
            }
        }
        None
    }

    /// A snapshot of the keys.
    pub fn to_vec(&self) -> Vec<Owned> {
        let _guard = self.lock();
        // SAFETY: the lock pins the keys.
        self.table().words().map(|(w, _)| unsafe { sharing::own_pinned(w) }).collect()
    }

    /// A payload with the same keys.
    pub fn copy_payload(&self) -> Set {
        let _guard = self.lock();
        self.copy_locked()
    }

    fn copy_locked(&self) -> Set {
        let t = self.table();
        if t.used() == 0 {
            return Set::new();
        }
        let places = (t.used() * 5 / 3 + 1).next_power_of_two().max(8);
        let places = if t.used() * 5 >= (places - 1) * 3 { places * 2 } else { places };
        let new = Table::create(places);
        // SAFETY: fresh.
        let table = unsafe { &*new };
        // SAFETY: the lock pins the keys.
        let own = |w| unsafe { sharing::own_pinned(w) }.into_raw();
        if places == t.places() && t.has_no_gaps() {
            table.fill_as(t, own);
        } else {
            t.words().for_each(|(w, h)| table.push(own(w), h));
        }
        Set::from_table(new)
    }
}

impl Default for Set {
    fn default() -> Set {
        Set::new()
    }
}

impl Thread {
    /// An empty set.
    pub fn new_set(&mut self) -> Owned {
        self.alloc(Set::new())
    }

    /// A set of these values. Errors: what `__hash__` and `__eq__` raise.
    pub fn new_set_of(&mut self, values: &[Borrowed<'_>]) -> PyResult {
        let s = self.new_set();
        for v in values {
            s.payload::<Set>().add(self, *v)?;
        }
        Ok(s)
    }

    /// A frozenset of these values. Errors: what `__hash__` and `__eq__` raise.
    pub fn new_frozenset_of(&mut self, values: &[Borrowed<'_>]) -> PyResult {
        let s = Set::new();
        for v in values {
            s.add(self, *v)?;
        }
        Ok(s.alloc(self, FROZEN.ty()))
    }
}
