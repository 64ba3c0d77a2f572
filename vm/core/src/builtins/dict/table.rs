//! The buffer of a dict: counters, entries in insertion order, and an open-addressing index of them.
//!
//! | part    | content                                                              |
//! |---------|----------------------------------------------------------------------|
//! | head    | [`Table`]                                                            |
//! | entries | `capacity` × (key, value), with a third word, the hash, if *general* |
//! | index   | power of two many entry numbers of 1, 2 or 4 bytes; all ones = empty |
//!
//! A table is *simple* while every key is an exact str (which keeps its hash) or an int inside a word
//! (whose hash is cheap). An entry is used once: removal leaves [`Word::UNBOUND`] in it and its number
//! in the index, so a reader without the lock never sees one key's value under another. The place in the
//! index goes to the next key that comes by it.
//!
//! Source: Hettinger's compact dict (2012); the probe order is CPython's, after Knuth 6.4.

use core::ptr::NonNull;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use typhon_sync::prim::{AtomicI64, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, Ordering};

use typhon_text::hash::hash_int;

use crate::builtins::str::Str;
use crate::object::{Beside, Owned, Slot, Trace, own_slot_word};
use crate::pages;
use crate::word::Word;

/// Head of a table. Entries begin [`Table::ENTRIES`] bytes behind its start.
#[repr(C)]
pub struct Table {
    /// Identity of this set of keys at these places, for caches; 0 = not asked for yet. Reset to 0 by
    /// every insertion of a new key and every removal; unchanged when a value is replaced.
    pub version: AtomicU32,
    /// Entries used so far, removed ones included.
    n: AtomicU32,
    /// Entries that hold a key.
    live: AtomicU32,
    capacity: u32,
    /// All entries from here on are removed or unused.
    tail: AtomicU32,
    log2_index: u8,
    /// Index entries have `1 << width` bytes.
    width: u8,
    general: bool,
    /// Its memory is mapped ([`pages`]).
    is_mapped: bool,
    index_at: usize,
}

/// In the index: nothing here.
pub const EMPTY: u32 = u32::MAX;

/// Shared by all dicts that never had a key.
#[repr(C)]
struct Nothing {
    head: Table,
    index: AtomicU8,
}
static NOTHING: Nothing = Nothing {
    head: Table {
        version: AtomicU32::new(0),
        n: AtomicU32::new(0),
        live: AtomicU32::new(0),
        capacity: 0,
        tail: AtomicU32::new(0),
        log2_index: 0,
        width: 0,
        general: false,
        is_mapped: false,
        index_at: core::mem::offset_of!(Nothing, index),
    },
    index: AtomicU8::new(u8::MAX),
};

/// Probe order over an index of `mask + 1` places.
pub struct Walk {
    at: usize,
    perturb: usize,
    mask: usize,
}

impl Walk {
    #[inline(always)]
    pub fn new(hash: i64, mask: usize) -> Walk {
        Walk { at: hash as usize & mask, perturb: hash as usize, mask }
    }
    #[inline(always)]
    pub fn at(&self) -> usize {
        self.at
    }
    #[inline(always)]
    pub fn step(&mut self) {
        self.perturb >>= 5;
        self.at = self.at.wrapping_mul(5).wrapping_add(self.perturb).wrapping_add(1) & self.mask;
    }
}

/// Most entries in an index of `1 << log2` places.
const fn usable(log2: u8) -> usize {
    if log2 == 0 { 0 } else { (1usize << log2) * 2 / 3 }
}

/// Smallest index for `n` entries.
pub fn log2_for(n: usize) -> u8 {
    let places = n.saturating_mul(3).div_ceil(2).max(8).next_power_of_two();
    let log2 = places.trailing_zeros() as u8;
    if usable(log2) < n { log2 + 1 } else { log2 }
}

/// The hash of a key that simple tables take.
///
/// # Safety
/// A pointer word points at a live exact str.
#[inline(always)]
pub unsafe fn simple_hash(key: Word) -> i64 {
    if key.is_int() {
        hash_int(key.int())
    } else {
        // SAFETY: by contract.
        unsafe { &*(key.ptr() as *const Str) }.text_hash()
    }
}

unsafe fn free(p: *mut u8, bytes: usize) {
    // SAFETY: allocated by `Table::create` with this size.
    unsafe { dealloc(p, Layout::from_size_align_unchecked(bytes, 8)) }
}

impl Table {
    /// Byte offset of entry 0.
    pub const ENTRIES: usize = size_of::<Table>();

    /// The table of dicts without keys.
    pub fn nothing() -> *mut Table {
        &raw const NOTHING.head as *mut Table
    }

    pub fn is_nothing(&self) -> bool {
        self.capacity == 0
    }

    /// A table with room for [`usable`] entries. `None`: not so much memory.
    pub fn try_create(log2: u8, general: bool) -> Option<*mut Table> {
        if log2 > 32 {
            return None;
        }
        let capacity = usable(log2);
        let width = if log2 <= 7 { 0 } else { (log2 > 16) as u8 + 1 };
        let index_at = Self::ENTRIES + capacity * if general { 24 } else { 16 };
        let index_bytes = 1usize << log2 << width;
        let layout = Layout::from_size_align((index_at + index_bytes).next_multiple_of(8), 8).ok()?;
        let is_mapped = pages::are_for(layout.size());
        // SAFETY: not of size zero.
        let p = if is_mapped { pages::map(layout.size()) } else { unsafe { alloc(layout) } };
        if p.is_null() {
            return None;
        }
        if is_mapped {
            // A dict that grows brings half of the entries along.
            // SAFETY: parts of the mapping.
            unsafe {
                pages::expect(p, index_at / 2);
                pages::expect(p.add(index_at), index_bytes);
            }
        }
        // SAFETY: the layout has room for all parts. Entries are initialised when they are used.
        unsafe {
            (p as *mut Table).write(Table {
                version: AtomicU32::new(0),
                n: AtomicU32::new(0),
                live: AtomicU32::new(0),
                capacity: capacity as u32,
                tail: AtomicU32::new(0),
                log2_index: log2,
                width,
                general,
                is_mapped,
                index_at,
            });
            p.add(index_at).write_bytes(0xff, index_bytes);
        }
        Some(p as *mut Table)
    }

    /// As [`Table::try_create`]; without memory the process ends.
    pub fn create(log2: u8, general: bool) -> *mut Table {
        Self::try_create(log2, general).unwrap_or_else(|| handle_alloc_error(Layout::new::<Table>()))
    }

    fn bytes(&self) -> usize {
        (self.index_at + (1usize << self.log2_index << self.width)).next_multiple_of(8)
    }

    /// What [`crate::sharing::release`] needs to free the table: its entries are somebody else's now.
    pub fn block(&self) -> (*mut u8, usize, unsafe fn(*mut u8, usize)) {
        (self as *const Table as *mut u8, self.bytes(), if self.is_mapped { pages::unmap } else { free })
    }

    /// The version of the key set; 0 = none was asked for.
    #[inline(always)]
    pub fn version(&self) -> u32 {
        // ORDERING Acquire: entries are read after it.
        self.version.load(Ordering::Acquire)
    }

    #[inline(always)]
    pub fn is_general(&self) -> bool {
        self.general
    }

    /// Entries used, removed ones included.
    #[inline(always)]
    pub fn n(&self) -> u32 {
        // ORDERING Acquire: entries below it are initialised.
        self.n.load(Ordering::Acquire)
    }

    /// Keys in the table.
    #[inline(always)]
    pub fn live(&self) -> usize {
        // ORDERING Relaxed: a length.
        self.live.load(Ordering::Relaxed) as usize
    }

    #[inline(always)]
    pub fn capacity(&self) -> u32 {
        self.capacity
    }

    pub fn log2_index(&self) -> u8 {
        self.log2_index
    }

    #[inline(always)]
    fn entry(&self, i: u32) -> *mut u64 {
        debug_assert!(i < self.capacity);
        let words = if self.general { i as usize * 3 } else { i as usize * 2 };
        // SAFETY: entry numbers are below the capacity.
        unsafe { self.entry_base().add(words) }
    }

    /// The key of entry `i` (< n).
    #[inline(always)]
    pub fn key(&self, i: u32) -> &Slot {
        // SAFETY: initialised before `n` grew beyond it, or before its number stood in the index.
        unsafe { &*(self.entry(i) as *const Slot) }
    }

    /// The value of entry `i` (< n).
    #[inline(always)]
    pub fn value(&self, i: u32) -> &Slot {
        // SAFETY: as in `key`.
        unsafe { &*(self.entry(i).add(1) as *const Slot) }
    }

    /// Address of the value of entry `i` of a *simple* table: at a fixed place, for inline caches.
    #[inline(always)]
    pub fn value_slot(&self, i: u32) -> *const Slot {
        debug_assert!(!self.general && i < self.capacity);
        // SAFETY: inside the table.
        unsafe { (self as *const Table as *const u8).add(Self::ENTRIES + 8 + i as usize * 16) as *const Slot }
    }

    /// Keys and values of a simple table.
    pub(super) fn row(&self) -> Option<NonNull<[Slot]>> {
        let n = self.n() as usize * 2;
        let entries = core::ptr::slice_from_raw_parts_mut(self.entry_base() as *mut Slot, n);
        if self.general { None } else { NonNull::new(entries) }
    }

    #[inline(always)]
    fn entry_base(&self) -> *mut u64 {
        // SAFETY: inside the table, or at its end.
        unsafe { (self as *const Table as *mut u8).add(Self::ENTRIES) as *mut u64 }
    }

    /// The stored hash of entry `i` of a general table.
    #[inline(always)]
    fn stored_hash(&self, i: u32) -> &AtomicI64 {
        debug_assert!(self.general);
        // SAFETY: as in `key`; general entries have three words.
        unsafe { &*(self.entry(i).add(2) as *const AtomicI64) }
    }

    /// The hash of entry `i`, whose key word is `key`.
    ///
    /// # Safety
    /// `key` was read from the entry just now, and is a value; the str it points at is alive (pinned by
    /// the lock, or not freed before the next safepoint as keys of dicts are not).
    #[inline(always)]
    pub unsafe fn hash(&self, i: u32, key: Word) -> i64 {
        if self.general {
            // ORDERING Relaxed: written before the entry was published.
            self.stored_hash(i).load(Ordering::Relaxed)
        } else {
            // SAFETY: keys of simple tables are ints and exact strs.
            unsafe { simple_hash(key) }
        }
    }

    /// A walk over the index for this hash.
    #[inline(always)]
    pub fn walk(&self, hash: i64) -> Walk {
        Walk::new(hash, (1usize << self.log2_index) - 1)
    }

    /// Entry number at place `at` of the index, or [`EMPTY`].
    #[inline(always)]
    pub fn index(&self, at: usize) -> u32 {
        // SAFETY: walks stay inside the index.
        // ORDERING Acquire: the entry was initialised before its number was stored.
        unsafe {
            let base = (self as *const Table as *const u8).add(self.index_at);
            match self.width {
                0 => {
                    let v = (*(base.add(at) as *const AtomicU8)).load(Ordering::Acquire);
                    if v == u8::MAX { EMPTY } else { u32::from(v) }
                }
                1 => {
                    let v = (*(base.add(at * 2) as *const AtomicU16)).load(Ordering::Acquire);
                    if v == u16::MAX { EMPTY } else { u32::from(v) }
                }
                _ => (*(base.add(at * 4) as *const AtomicU32)).load(Ordering::Acquire),
            }
        }
    }

    #[inline(always)]
    fn set_index(&self, at: usize, entry: u32) {
        // SAFETY: as in `index`.
        // ORDERING Release: pairs with the Acquire there.
        unsafe {
            let base = (self as *const Table as *const u8).add(self.index_at);
            match self.width {
                0 => (*(base.add(at) as *const AtomicU8)).store(entry as u8, Ordering::Release),
                1 => (*(base.add(at * 2) as *const AtomicU16)).store(entry as u16, Ordering::Release),
                _ => (*(base.add(at * 4) as *const AtomicU32)).store(entry, Ordering::Release),
            }
        }
    }

    /// Adds an entry for a key that is not there. Under the lock (or unpublished); n < capacity.
    #[inline(always)]
    pub fn push(&self, key: Word, value: Word, hash: i64) {
        // ORDERING Relaxed: the only writer.
        let i = self.n.load(Ordering::Relaxed);
        debug_assert!(i < self.capacity);
        // ORDERING Relaxed: a cache that saw the old version acts as if it had run before.
        self.version.store(0, Ordering::Relaxed);
        self.value(i).store_raw(value);
        if self.general {
            // ORDERING Relaxed: published by the index.
            self.stored_hash(i).store(hash, Ordering::Relaxed);
        }
        self.key(i).store_raw(key);
        let mut walk = self.walk(hash);
        while self.is_taken(self.index(walk.at())) {
            walk.step();
        }
        // ORDERING Release: the entry is initialised for iteration.
        self.n.store(i + 1, Ordering::Release);
        self.set_index(walk.at(), i);
        // ORDERING Relaxed: the only writer.
        self.tail.store(i + 1, Ordering::Relaxed);
        self.live.store(self.live.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// Does an entry number in the index stand for a key?
    #[inline(always)]
    fn is_taken(&self, i: u32) -> bool {
        i != EMPTY && self.key(i).peek() != Word::UNBOUND
    }

    /// Removes entry `i`; its key and value words. Under the lock.
    pub fn remove(&self, i: u32) -> (Word, Word) {
        // ORDERING Release: who still finds the key afterwards sees no version.
        self.version.store(0, Ordering::Release);
        let pair = (self.key(i).peek(), self.value(i).peek());
        self.key(i).store_raw(Word::UNBOUND);
        self.value(i).store_raw(Word::UNBOUND);
        // ORDERING Relaxed: the only writer.
        self.live.store(self.live.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
        if i + 1 == self.tail.load(Ordering::Relaxed) {
            self.tail.store(i, Ordering::Relaxed);
        }
        pair
    }

    /// The last entry that holds a key. Under the lock.
    pub fn last(&self) -> Option<u32> {
        // ORDERING Relaxed: the only writer.
        let mut i = self.tail.load(Ordering::Relaxed);
        while i > 0 {
            i -= 1;
            if self.key(i).peek() != Word::UNBOUND {
                self.tail.store(i + 1, Ordering::Relaxed);
                return Some(i);
            }
        }
        self.tail.store(0, Ordering::Relaxed);
        None
    }

    /// The table has removed entries only, nobody reads it without the lock: begin afresh.
    pub fn restart(&self) {
        debug_assert!(self.live() == 0 && !self.is_nothing());
        // ORDERING Relaxed: the only user.
        self.version.store(0, Ordering::Relaxed);
        self.n.store(0, Ordering::Relaxed);
        self.tail.store(0, Ordering::Relaxed);
        // SAFETY: the index lies there.
        unsafe {
            (self as *const Table as *mut u8)
                .add(self.index_at)
                .write_bytes(0xff, 1usize << self.log2_index << self.width)
        }
    }

    /// Entries that hold a key, as (key, value, hash) words. Under the lock (or unpublished).
    pub fn words(&self) -> impl Iterator<Item = (Word, Word, i64)> {
        (0..self.n()).filter_map(|i| {
            let k = self.key(i).peek();
            if k == Word::UNBOUND {
                return None;
            }
            // SAFETY: pinned by the lock.
            Some((k, self.value(i).peek(), unsafe { self.hash(i, k) }))
        })
    }

    /// Moves all entries to a new table. Under the lock; the old one keeps dangling words.
    pub fn rebuilt(&self, log2: u8, general: bool) -> *mut Table {
        let new = Table::create(log2, general);
        // SAFETY: fresh, unpublished.
        unsafe { self.move_to(&*new) };
        new
    }

    /// Moves all entries to `new`, which has room for them, no entry yet, and is not published. Under the lock.
    pub fn move_to(&self, new: &Table) {
        let n = self.n();
        if self.general != new.general || n as usize != self.live() {
            for (k, v, h) in self.words() {
                new.push(k, v, h);
            }
            return;
        }
        let words = if self.general { n as usize * 3 } else { n as usize * 2 };
        // SAFETY: there is room; nobody writes here, nobody sees the new one.
        unsafe { core::ptr::copy_nonoverlapping(self.entry_base(), new.entry_base(), words) };
        // SAFETY: the index lies there, in entries of that width.
        unsafe {
            let index = (new as *const Table as *mut u8).add(new.index_at);
            match new.width {
                0 => new.fill_index(n, index, u8::MAX, |i| i as u8),
                1 => new.fill_index(n, index.cast(), u16::MAX, |i| i as u16),
                _ => new.fill_index(n, index.cast(), EMPTY, |i| i),
            }
        }
        // ORDERING Relaxed: not published, for all three.
        new.n.store(n, Ordering::Relaxed);
        new.tail.store(n, Ordering::Relaxed);
        new.live.store(n, Ordering::Relaxed);
    }

    /// Enters the first `n` entries, all of which hold keys, in an index that is empty and not published.
    ///
    /// # Safety
    /// `index` is the table's, with entries of type `E`.
    #[inline(always)]
    unsafe fn fill_index<E: Copy + PartialEq>(
        &self,
        n: u32,
        index: *mut E,
        empty: E,
        number: impl Fn(u32) -> E,
    ) {
        for i in 0..n {
            // SAFETY: initialised; walks stay inside the index.
            unsafe {
                let mut walk = self.walk(self.hash(i, self.key(i).peek()));
                while *index.add(walk.at()) != empty {
                    walk.step();
                }
                *index.add(walk.at()) = number(i);
            }
        }
    }
}

/// Pointer to the published table of a dict.
pub struct TablePtr(pub AtomicPtr<Table>);

impl TablePtr {
    pub fn empty() -> TablePtr {
        TablePtr(AtomicPtr::new(Table::nothing()))
    }

    #[inline(always)]
    pub fn load(&self) -> *const Table {
        // ORDERING Acquire: the table is initialised.
        self.0.load(Ordering::Acquire)
    }

    pub fn publish(&self, t: *mut Table) {
        // ORDERING Release: pairs with `load`.
        self.0.store(t, Ordering::Release)
    }
}

/// Drops what a table holds, and the table.
///
/// # Safety
/// Nobody else can reach it.
pub unsafe fn destroy(t: *mut Table) {
    // SAFETY: alone by contract.
    unsafe {
        let table = &*t;
        if table.is_nothing() {
            return;
        }
        let me = crate::thread::me();
        for i in 0..table.n() {
            crate::object::drop_words(me, [table.key(i), table.value(i)].into_iter().map(Slot::peek));
        }
        let (p, bytes, free) = table.block();
        crate::quarantine::free_buffer(p, bytes, free);
    }
}

impl Drop for TablePtr {
    fn drop(&mut self) {
        // SAFETY: the dict is dead.
        unsafe { destroy(*self.0.get_mut()) }
    }
}

impl Trace for TablePtr {
    const BESIDE: Beside = Beside::Always;
    fn trace(&self, visit: &mut dyn FnMut(Word)) {
        // SAFETY: the published table is alive.
        let t = unsafe { &*self.load() };
        for i in 0..t.n() {
            t.key(i).trace(visit);
            t.value(i).trace(visit);
        }
    }
    fn clear(&mut self, drop: &mut dyn FnMut(Word)) {
        // SAFETY: the collector is alone with the dict.
        let t = unsafe { &*self.load() };
        for i in 0..t.n() {
            if t.key(i).peek() == Word::UNBOUND {
                continue;
            }
            let (k, v) = t.remove(i);
            for w in [k, v] {
                // SAFETY: out of the entry.
                if let Some(v) = unsafe { own_slot_word(w) } {
                    drop(Owned::into_raw(v))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_reach_every_place() {
        for hash in [0i64, 1, -1, 0x1234_5678_9abc_def0, i64::MIN] {
            let mut walk = Walk::new(hash, 63);
            let mut seen = [false; 64];
            for _ in 0..64 + 14 * 64 {
                seen[walk.at()] = true;
                walk.step();
            }
            assert!(seen.iter().all(|s| *s), "{hash:#x}");
        }
    }

    #[test]
    fn sizes_hold_what_they_promise() {
        for n in 0..5000 {
            assert!(usable(log2_for(n)) >= n, "{n}");
        }
        assert_eq!(log2_for(5), 3);
        assert_eq!(log2_for(6), 4);
    }

    #[test]
    fn int_entries_are_found_in_every_index_width() {
        for log2 in [3u8, 7, 8, 12, 16, 17, 18] {
            let p = Table::create(log2, false);
            // SAFETY: fresh.
            let t = unsafe { &*p };
            let n = t.capacity() as i64;
            let key = |i: i64| Word::small_int(i * 7 - 50);
            for i in 0..n {
                // SAFETY: ints.
                t.push(key(i), Word::small_int(i), unsafe { simple_hash(key(i)) });
            }
            for i in 0..n {
                // SAFETY: ints.
                let mut walk = t.walk(unsafe { simple_hash(key(i)) });
                let found = loop {
                    let e = t.index(walk.at());
                    assert_ne!(e, EMPTY, "lost {i} at 2^{log2}");
                    if t.key(e).peek() == key(i) {
                        break e;
                    }
                    walk.step();
                };
                assert_eq!(i64::from(found), i);
            }
            t.remove(n as u32 - 1);
            assert_eq!(t.last(), Some(n as u32 - 2));
            assert_eq!(t.live() as i64, n - 1);
            // SAFETY: unpublished.
            unsafe { destroy(p) };
        }
    }
}
