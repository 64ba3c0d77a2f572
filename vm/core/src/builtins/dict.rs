//! `dict`.

mod both;
pub mod iterator;
pub mod lookup;
pub mod methods;
pub mod table;
#[cfg(test)]
mod tests;
pub mod view;

use typhon_sync::prim::{AtomicU32, Ordering};

use typhon_sync::header::OwnerId;

pub use self::methods::{merge, merge_any, missing, update};
pub use self::table::{Table, TablePtr};
use crate::builtins::str::Str;
use crate::flags;
use crate::object::{Borrowed, Owned, PyResult, namespace_word, own_slot_word};
use crate::sharing;
use crate::thread::{self, ObjectGuard, Thread, unborn};
use crate::typedef::{TypeDef, TypeId, kind, type_flags};
use crate::word::{UNCOUNTED, Word};

use self::lookup::{Key, Place};

crate::payload! {
    /// A dict.
    pub struct Dict: DEF {
        pub table: TablePtr,
    }
}

unsafe fn row(o: *const crate::Header) -> Option<core::ptr::NonNull<[crate::Slot]>> {
    // SAFETY: used for dicts only.
    unsafe { (*(o as *const Dict)).table().row() }
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::DICT),
    kind: kind::DICT,
    flags: type_flags::GC | type_flags::BASE | type_flags::MAPPING | type_flags::MATCH_SELF,
    doc: "dict() -> new empty dictionary\ndict(mapping) -> new dictionary initialized from a mapping object's\n    \
          (key, value) pairs\ndict(iterable) -> new dictionary initialized as if via:\n    d = {}\n    for k, v in \
          iterable:\n        d[k] = v\ndict(**kwargs) -> new dictionary initialized with the name=value pairs\n    \
          in the keyword argument list.  For example:  dict(one=1, two=2)",
    shared: Some(methods::SHARED),
    slots: methods::SLOTS,
    methods: methods::METHODS,
    layout: crate::typedef::Layout::confined::<Dict>().in_pairs(row),
    ..TypeDef::of::<Dict>("dict")
};

static NEXT_VERSION: AtomicU32 = AtomicU32::new(1);

/// A version that no table has had, or 0 when they are used up.
fn fresh_version() -> u32 {
    // ORDERING Relaxed: only uniqueness matters.
    NEXT_VERSION.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |v| v.checked_add(1)).unwrap_or(0)
}

/// What [`Dict::set_default`] found or did.
pub enum Entry {
    Found(Owned),
    Inserted,
}

impl Dict {
    /// A dict payload without keys, for `alloc_as`.
    pub fn new() -> Dict {
        Dict { header: unborn(), table: TablePtr::empty() }
    }

    /// The published table. Valid until this thread's next safepoint if [`sharing::enter`] came before,
    /// or while the lock is held.
    #[inline(always)]
    pub fn table(&self) -> &Table {
        // SAFETY: a published table is not freed under a reader (SH-1, SH-2).
        unsafe { &*self.table.load() }
    }

    /// Is `t` still the published table?
    #[inline(always)]
    pub(crate) fn is_current(&self, t: &Table) -> bool {
        core::ptr::eq(self.table.load(), t)
    }

    #[inline(always)]
    pub fn lock(&self) -> ObjectGuard<'_> {
        crate::thread::lock_object(&self.header)
    }

    #[inline(always)]
    pub fn len(&self) -> usize {
        sharing::enter(&self.header);
        self.table().live()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// From now on values are stored as [`namespace_word`]s: this is the dict of a module or class.
    pub fn set_namespace(&self) {
        let _guard = self.lock();
        // ORDERING Relaxed: under the lock.
        self.header.flags.fetch_or(flags::DICT_NAMESPACE, Ordering::Relaxed);
        let t = self.table();
        for i in 0..t.n() {
            // SAFETY: the same reference goes back into its slot, marked.
            if let Some(v) = unsafe { own_slot_word(t.value(i).peek()) } {
                t.value(i).store_raw(namespace_word(v));
            }
        }
    }

    #[inline(always)]
    fn value_word(&self, v: Owned) -> Word {
        // ORDERING Relaxed: set before the namespace is shared.
        if self.header.flags.load(Ordering::Relaxed) & flags::DICT_NAMESPACE == 0 {
            v.into_raw()
        } else {
            namespace_word(v)
        }
    }

    /// The value under `key`. Errors: what `__hash__` and `__eq__` raise.
    #[inline]
    pub fn get(&self, th: &mut Thread, key: Borrowed<'_>) -> PyResult<Option<Owned>> {
        let key = Key::new(th, key)?;
        self.get_key(Some(th), &key)
    }

    /// The value under an interned str (cannot raise; a key that is no exact str is never taken for it).
    #[inline]
    pub fn get_interned(&self, name: Word) -> Option<Owned> {
        // SAFETY: interned strs are immortal.
        let name = unsafe { Borrowed::from_raw(name.uncounted()) };
        self.get_key(None, &Key::of_str(name)?).ok().flatten()
    }

    /// The value under an exact str, as [`Dict::get_interned`].
    pub fn get_str(&self, name: Borrowed<'_>) -> Option<Owned> {
        self.get_key(None, &Key::of_str(name)?).ok().flatten()
    }

    /// Is `key` in the dict?
    pub fn contains(&self, th: &mut Thread, key: Borrowed<'_>) -> PyResult<bool> {
        let key = Key::new(th, key)?;
        self.contains_key(th, &key)
    }

    /// `d[key] = value`
    #[inline]
    pub fn set(&self, th: &mut Thread, key: Borrowed<'_>, value: Owned) -> PyResult<()> {
        let key = Key::new(th, key)?;
        drop(self.set_key(Some(th), &key, value)?);
        Ok(())
    }

    /// As [`Dict::set`] for an exact str: cannot raise. Returns the value that was there.
    pub fn set_str(&self, name: Borrowed<'_>, value: Owned) -> Option<Owned> {
        let key = Key::of_str(name).expect("an exact str");
        self.set_key(None, &key, value).ok().flatten()
    }

    /// Adds an exact str that is not among the keys to a dict that nobody else has seen.
    pub(crate) fn insert_name(&self, name: Borrowed<'_>, value: Owned) {
        let key = Key::of_str(name).expect("an exact str");
        self.insert(&key, value)
    }

    /// Adds a keyword argument: `false` (and nothing stored) if the name is there already.
    pub fn set_str_fresh(&self, name: Borrowed<'_>, value: Owned) -> bool {
        let Some(key) = Key::of_str(name) else { return false };
        matches!(self.insert_if_absent(None, &key, value), Ok(Entry::Inserted))
    }

    /// `d.setdefault(key, value)`, atomic. `value` is dropped if the key is there.
    pub fn set_default(&self, th: &mut Thread, key: Borrowed<'_>, value: Owned) -> PyResult<Entry> {
        let key = Key::new(th, key)?;
        self.insert_if_absent(Some(th), &key, value)
    }

    /// Removes a key; its value, or `None` if it was not there.
    pub fn remove(&self, th: &mut Thread, key: Borrowed<'_>) -> PyResult<Option<Owned>> {
        let key = Key::new(th, key)?;
        self.remove_key(Some(th), &key)
    }

    /// As [`Dict::remove`] for an exact str: cannot raise.
    pub fn remove_str(&self, name: Borrowed<'_>) -> Option<Owned> {
        self.remove_key(None, &Key::of_str(name)?).ok().flatten()
    }

    /// Removes the entry that was inserted last.
    pub fn pop_last(&self) -> Option<(Owned, Owned)> {
        let _guard = self.lock();
        let t = self.table();
        let i = t.last()?;
        Some(self.take_entry(t, i))
    }

    /// Removes everything.
    pub fn clear(&self) {
        let guard = self.lock();
        let old = self.table();
        self.table.publish(Table::nothing());
        if old.is_nothing() {
            return;
        }
        if !sharing::is_foreign(&self.header) || thread::me().has_gil() {
            drop(guard);
            // SAFETY: unpublished, and nobody but this thread may have been reading it.
            unsafe { table::destroy(old as *const Table as *mut Table) };
            return;
        }
        let mut dropped = Vec::with_capacity(old.live());
        for (k, v, _) in old.words() {
            // SAFETY: the table's references are ours now.
            let (k, v) = unsafe { (own_slot_word(k), own_slot_word(v)) };
            match k {
                Some(k) if k.borrow().downcast_exact::<Str>().is_some() => {
                    sharing::release_owned(&self.header, k)
                }
                k => dropped.extend(k),
            }
            dropped.extend(v);
        }
        self.release_table(old);
        drop(guard);
    }

    /// The entry at or behind position `*pos` in insertion order; advances `*pos` behind it.
    pub fn next_entry(&self, pos: &mut usize) -> Option<(Owned, Owned)> {
        self.next_with(pos, |d, t, i, pinned| Some((d.own_key(t, i, pinned)?, d.own_value(t, i, pinned)?)))
    }

    /// As [`Dict::next_entry`], only the key.
    pub fn next_key(&self, pos: &mut usize) -> Option<Owned> {
        self.next_with(pos, |d, t, i, pinned| d.own_key(t, i, pinned))
    }

    /// As [`Dict::next_entry`], only the value.
    pub fn next_value(&self, pos: &mut usize) -> Option<Owned> {
        self.next_with(pos, |d, t, i, pinned| d.own_value(t, i, pinned))
    }

    /// As [`Dict::next_entry`], with the key's hash.
    pub fn next_hashed(&self, pos: &mut usize) -> Option<(Owned, Owned, i64)> {
        self.next_with(pos, |d, t, i, pinned| {
            let k = d.own_key(t, i, pinned)?;
            // SAFETY: the key is held.
            let h = unsafe { t.hash(i, k.word()) };
            Some((k, d.own_value(t, i, pinned)?, h))
        })
    }

    /// Walks to the next entry that `take` can take; what cannot be taken without the lock is taken
    /// with it.
    #[inline(always)]
    fn next_with<R>(
        &self,
        pos: &mut usize,
        take: impl Fn(&Dict, &Table, u32, bool) -> Option<R>,
    ) -> Option<R> {
        sharing::enter(&self.header);
        let t = self.table();
        while *pos < t.n() as usize {
            let i = *pos as u32;
            if t.key(i).peek() != Word::UNBOUND {
                match take(self, t, i, false) {
                    Some(r) => {
                        *pos += 1;
                        return Some(r);
                    }
                    None => return self.next_locked(pos, take),
                }
            }
            *pos += 1;
        }
        None
    }

    #[cold]
    #[inline(never)]
    fn next_locked<R>(
        &self,
        pos: &mut usize,
        take: impl Fn(&Dict, &Table, u32, bool) -> Option<R>,
    ) -> Option<R> {
        let _guard = self.lock();
        let t = self.table();
        while *pos < t.n() as usize {
            let i = *pos as u32;
            *pos += 1;
            if t.key(i).peek() != Word::UNBOUND {
                return take(self, t, i, true);
            }
        }
        None
    }

    /// A snapshot of the entries.
    pub fn entries(&self) -> Vec<(Owned, Owned)> {
        let _guard = self.lock();
        // SAFETY: the lock pins keys and values.
        self.table()
            .words()
            .map(|(k, v, _)| unsafe { (sharing::own_pinned(k), sharing::own_pinned(v)) })
            .collect()
    }

    /// A snapshot of the keys.
    pub fn keys(&self) -> Vec<Owned> {
        let _guard = self.lock();
        // SAFETY: the lock pins the keys.
        self.table().words().map(|(k, _, _)| unsafe { sharing::own_pinned(k) }).collect()
    }

    /// A snapshot of the values.
    pub fn values(&self) -> Vec<Owned> {
        let _guard = self.lock();
        // SAFETY: the lock pins the values.
        self.table().words().map(|(_, v, _)| unsafe { sharing::own_pinned(v) }).collect()
    }

    /// For an inline cache: the table's version and the number of the entry of an interned str, if the
    /// dict has it and all its keys are strs or ints.
    pub fn lookup_entry(&self, name: Word) -> Option<(u32, u32)> {
        // SAFETY: interned strs are immortal.
        let key = Key::of_str(unsafe { Borrowed::from_raw(name.uncounted()) })?;
        let _guard = self.lock();
        let t = self.table();
        match lookup::probe(t, &key, None, true) {
            Place::At(i) if !t.is_general() => match self.version_locked(t) {
                0 => None,
                v => Some((v, i)),
            },
            _ => None,
        }
    }

    /// For an inline cache: the version of the present set of keys, 0 if there is none. It changes when
    /// a key is added or removed.
    pub fn keys_version(&self) -> u32 {
        let _guard = self.lock();
        self.version_locked(self.table())
    }

    fn version_locked(&self, t: &Table) -> u32 {
        if t.is_nothing() {
            return 0;
        }
        if t.version() == 0 {
            // ORDERING Release: keys are as they are; insertions and removals need the lock.
            t.version.store(fresh_version(), Ordering::Release);
        }
        t.version()
    }

    /// The value that [`Dict::lookup_entry`] found, as an owned stack word, or [`Word::ZERO`] if the
    /// cache no longer holds or the value is another thread's. Deferred kinds in namespaces come
    /// without a count.
    #[inline(always)]
    pub fn load_entry(&self, me: OwnerId, version: u32, index: u32) -> Word {
        if !sharing::may_read(&self.header, me) {
            return Word::ZERO;
        }
        let t = self.table();
        if t.version() != version {
            return Word::ZERO;
        }
        // SAFETY: a version is given to simple tables that have this entry.
        let slot = unsafe { &*t.value_slot(index) };
        let w = slot.peek();
        if !w.is_counted() {
            // A number, a constant, or an object that dies in a stop of the world only.
            return if w == Word::UNBOUND { Word::ZERO } else { w };
        }
        // SAFETY: type-stable memory (SH-3).
        let h = unsafe { &*w.ptr() };
        if h.is_owned_by(me) {
            h.incref(me);
            return w;
        }
        if h.is_immortal() && slot.peek() == w && self.is_current(t) {
            return Word(w.0 | UNCOUNTED);
        }
        Word::ZERO
    }

    /// Replaces the value of a cached entry; gives it back if the cache no longer holds.
    #[inline]
    pub fn store_entry(&self, version: u32, index: u32, v: Owned) -> Result<(), Owned> {
        let old = {
            let _guard = self.lock();
            let t = self.table();
            if t.version() != version {
                return Err(v);
            }
            self.replace_value(t, index, v)
        };
        drop(old);
        Ok(())
    }

    #[inline(always)]
    fn replace_value(&self, t: &Table, i: u32, v: Owned) -> Option<Owned> {
        let slot = t.value(i);
        let old = slot.peek();
        slot.store_raw(self.value_word(v));
        // SAFETY: writers are serialised by the lock, so the slot's reference is ours now.
        unsafe { own_slot_word(old) }
    }

    /// The key of entry `i`, unless that needs the lock.
    #[inline(always)]
    fn own_key(&self, t: &Table, i: u32, pinned: bool) -> Option<Owned> {
        let slot = t.key(i);
        self.own(t, slot, pinned)
    }

    #[inline(always)]
    fn own_value(&self, t: &Table, i: u32, pinned: bool) -> Option<Owned> {
        let slot = t.value(i);
        self.own(t, slot, pinned)
    }

    #[inline(always)]
    fn own(&self, t: &Table, slot: &crate::object::Slot, pinned: bool) -> Option<Owned> {
        let w = slot.peek();
        if w == Word::UNBOUND {
            return None;
        }
        if pinned {
            // SAFETY: the lock pins the entry.
            return Some(unsafe { sharing::own_pinned(w) });
        }
        sharing::try_own(slot, w, || self.is_current(t))
    }

    /// Takes entry `i` out. Under the lock.
    fn take_entry(&self, t: &Table, i: u32) -> (Owned, Owned) {
        let (k, v) = t.remove(i);
        // SAFETY: both references are ours now. The key stays readable for readers without the lock:
        // one reference goes to the retire list if somebody may be reading.
        let (k, v) = unsafe { (own_slot_word(k), own_slot_word(v)) };
        let (k, v) = (k.unwrap_or_else(Owned::none), v.unwrap_or_else(Owned::none));
        if sharing::is_foreign(&self.header) && k.borrow().downcast_exact::<Str>().is_some() {
            sharing::release_owned(&self.header, k.clone());
        }
        (k, v)
    }

    /// Adds an entry for a key that is not there. Under the lock.
    #[inline(always)]
    fn insert(&self, key: &Key<'_>, value: Owned) {
        let mut t = self.table();
        if t.n() == t.capacity() || (key.is_other() && !t.is_general()) {
            self.make_room(key.is_other());
            t = self.table();
        }
        t.push(key.value.to_owned().into_raw(), self.value_word(value), key.hash);
    }

    #[cold]
    #[inline(never)]
    fn make_room(&self, for_general: bool) {
        let t = self.table();
        let general = t.is_general() || for_general;
        if t.live() == 0 && !t.is_nothing() && general == t.is_general() && !sharing::is_read(&self.header) {
            return t.restart();
        }
        let places = (t.live().max(1) * 3).next_power_of_two().max(8);
        self.replace_table(t.rebuilt(places.trailing_zeros() as u8, general));
    }

    /// Publishes a table that took over all entries of the present one. Under the lock.
    fn replace_table(&self, new: *mut Table) {
        let old = self.table();
        self.table.publish(new);
        self.release_table(old);
    }

    fn release_table(&self, old: &Table) {
        if old.is_nothing() {
            return;
        }
        let (p, bytes, free) = old.block();
        // SAFETY: unpublished, lock held; its references moved out.
        unsafe { sharing::release(&self.header, p, bytes, free) }
    }

    /// Makes room for `extra` more keys. False: there is not so much memory.
    pub fn reserve(&self, extra: usize) -> bool {
        let _guard = self.lock();
        self.reserve_locked(extra)
    }

    fn reserve_locked(&self, extra: usize) -> bool {
        let t = self.table();
        if t.n() as usize + extra <= t.capacity() as usize {
            return true;
        }
        let Some(new) = Table::try_create(table::log2_for(t.live() + extra), t.is_general()) else {
            return false;
        };
        // SAFETY: fresh, unpublished.
        unsafe { t.move_to(&*new) };
        self.replace_table(new);
        true
    }

    /// Takes over the entries of `other`; there is none here. Under the lock.
    fn adopt(&self, mut other: Dict) {
        let old = self.table();
        debug_assert!(old.live() == 0);
        self.table.publish(core::mem::replace(other.table.0.get_mut(), Table::nothing()));
        self.release_table(old);
    }

    /// Bytes of the table.
    fn table_bytes(&self) -> usize {
        let _guard = self.lock();
        let t = self.table();
        if t.is_nothing() { 0 } else { t.block().1 }
    }

    /// A payload with the same entries.
    pub fn copy_payload(&self) -> Dict {
        let _guard = self.lock();
        self.copy_locked()
    }

    fn copy_locked(&self) -> Dict {
        let t = self.table();
        if t.live() == 0 {
            return Dict::new();
        }
        let log2 = if t.live() * 2 >= t.n() as usize { t.log2_index() } else { table::log2_for(t.live()) };
        let new = Table::create(log2, t.is_general());
        // SAFETY: fresh, unpublished.
        let table = unsafe { &*new };
        for (k, v, h) in t.words() {
            // SAFETY: the lock pins keys and values.
            let (k, v) = unsafe { (sharing::own_pinned(k), sharing::own_pinned(v)) };
            table.push(k.into_raw(), v.into_raw(), h);
        }
        let d = Dict::new();
        d.table.publish(new);
        d
    }
}

impl Default for Dict {
    fn default() -> Dict {
        Dict::new()
    }
}

impl Thread {
    /// An empty dict.
    pub fn new_dict(&mut self) -> Owned {
        self.alloc(Dict::new())
    }

    /// A dict of the keys and values that stand in `items` in turn, up to the first key that came before, or that is
    /// neither a str nor an int in a word.
    pub fn new_dict_of(&mut self, items: &[Borrowed<'_>]) -> Owned {
        let d = Dict::new();
        if items.first().and_then(|key| Key::quick(*key)).is_some() {
            let new = Table::create(table::log2_for(items.len() / 2), false);
            // SAFETY: fresh, unpublished.
            let table = unsafe { &*new };
            for pair in items.chunks_exact(2) {
                let Some(key) = Key::quick(pair[0]) else { break };
                let Place::Absent = lookup::probe(table, &key, None, true) else { break };
                table.push(pair[0].to_owned().into_raw(), pair[1].to_owned().into_raw(), key.hash);
            }
            d.table.publish(new);
        }
        self.alloc(d)
    }

    /// An empty dict with room for `n` keys.
    pub fn new_dict_sized(&mut self, n: usize) -> Owned {
        let d = Dict::new();
        if n > 0 {
            d.table.publish(Table::create(table::log2_for(n), false));
        }
        self.alloc(d)
    }
}
