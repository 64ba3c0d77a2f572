//! The buffer of a set: open addressing over (hash, key) pairs.
//!
//! A place is used once: removal leaves [`Word::UNBOUND`], which is neither empty nor a key, until the
//! table is rebuilt. So a reader without the lock never sees one key's hash beside another. Order of
//! places, and with it of iteration, is CPython's: short linear runs, then a jump by the hash's upper bits.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use typhon_sync::prim::{AtomicI64, AtomicPtr, AtomicUsize, Ordering};

use crate::object::{Beside, Owned, Slot, Trace, own_slot_word};
use crate::word::{Wanted, Word};

/// One place: empty if its key is the word 0.
#[repr(C)]
pub struct Entry {
    hash: AtomicI64,
    key: Slot,
}

impl Entry {
    #[inline(always)]
    pub fn key(&self) -> &Slot {
        &self.key
    }
    #[inline(always)]
    pub fn hash(&self) -> i64 {
        // ORDERING Relaxed: written before the key was published.
        self.hash.load(Ordering::Relaxed)
    }
}

/// Head of a table; its entries follow.
#[repr(C)]
pub struct Table {
    /// Number of places − 1; 0 = the table of empty sets.
    mask: usize,
    /// Places that are not empty.
    fill: AtomicUsize,
    /// Keys.
    used: AtomicUsize,
}

#[repr(C)]
struct Nothing {
    head: Table,
    entry: [AtomicI64; 2],
}
static NOTHING: Nothing = Nothing {
    head: Table { mask: 0, fill: AtomicUsize::new(0), used: AtomicUsize::new(0) },
    entry: [const { AtomicI64::new(0) }; 2],
};

/// Places looked at in a row before a jump.
const RUN: usize = 9;

/// Order in which places are looked at.
pub struct Walk {
    at: usize,
    run: usize,
    home: usize,
    perturb: usize,
    mask: usize,
}

impl Walk {
    #[inline(always)]
    pub fn new(hash: i64, mask: usize) -> Walk {
        let home = hash as usize & mask;
        let run = if home + RUN <= mask { RUN } else { 0 };
        Walk { at: home, run, home, perturb: hash as usize, mask }
    }
    #[inline(always)]
    pub fn at(&self) -> usize {
        self.at
    }
    #[inline(always)]
    pub fn step(&mut self) {
        if self.run > 0 {
            self.run -= 1;
            self.at += 1;
            return;
        }
        self.perturb >>= 5;
        self.home = self.home.wrapping_mul(5).wrapping_add(1).wrapping_add(self.perturb) & self.mask;
        self.at = self.home;
        self.run = if self.home + RUN <= self.mask { RUN } else { 0 };
    }
}

unsafe fn free(p: *mut u8, bytes: usize) {
    // SAFETY: allocated by `Table::create` with this size.
    unsafe { dealloc(p, Layout::from_size_align_unchecked(bytes, 8)) }
}

impl Table {
    const ENTRIES: usize = size_of::<Table>();

    pub fn nothing() -> *mut Table {
        &raw const NOTHING.head as *mut Table
    }

    pub fn is_nothing(&self) -> bool {
        self.mask == 0
    }

    /// A table of `places` (a power of two ≥ 8) empty places.
    pub fn create(places: usize) -> *mut Table {
        let layout = Layout::from_size_align(Self::ENTRIES + places.saturating_mul(16), 8);
        let Ok(layout) = layout else { handle_alloc_error(Layout::new::<Table>()) };
        // SAFETY: not of size zero; zero is an empty entry.
        unsafe {
            let p = alloc_zeroed(layout);
            if p.is_null() {
                handle_alloc_error(layout);
            }
            let p = p as *mut Table;
            p.write(Table { mask: places - 1, fill: AtomicUsize::new(0), used: AtomicUsize::new(0) });
            p
        }
    }

    /// What [`crate::sharing::release`] needs to free the table.
    pub fn block(&self) -> (*mut u8, usize, unsafe fn(*mut u8, usize)) {
        (self as *const Table as *mut u8, Self::ENTRIES + (self.mask + 1) * 16, free)
    }

    #[inline(always)]
    pub fn used(&self) -> usize {
        // ORDERING Relaxed: a length.
        self.used.load(Ordering::Relaxed)
    }

    /// Number of places.
    #[inline(always)]
    pub fn places(&self) -> usize {
        self.mask + 1
    }

    #[inline(always)]
    pub fn entry(&self, at: usize) -> &Entry {
        debug_assert!(at <= self.mask);
        // SAFETY: places are below the size of the table.
        unsafe { &*((self as *const Table as *const u8).add(Self::ENTRIES + at * 16) as *const Entry) }
    }

    #[inline(always)]
    pub fn walk(&self, hash: i64) -> Walk {
        Walk::new(hash, self.mask)
    }

    /// Is this key, or an equal one, in the table? `None`: keys must be compared to tell.
    #[inline(always)]
    pub fn has(&self, key: Word, hash: i64) -> Option<bool> {
        Some(self.place_for(key, hash)?.is_none())
    }

    /// The empty place where this key belongs; `Some(None)`: it is there already, or an equal one. `None`: keys must be
    /// compared to tell.
    #[inline(always)]
    pub fn place_for(&self, key: Word, hash: i64) -> Option<Option<&Entry>> {
        let wanted = Wanted::new(key);
        let mut walk = self.walk(hash);
        loop {
            let e = self.entry(walk.at());
            let w = e.key.peek();
            if w == Word::ZERO {
                return Some(Some(e));
            }
            if wanted.is(w) {
                return Some(None);
            }
            if e.hash() == hash && w != Word::UNBOUND {
                return None;
            }
            walk.step();
        }
    }

    /// Must the table be rebuilt before another key is added?
    #[inline(always)]
    pub fn is_full(&self) -> bool {
        // ORDERING Relaxed: under the lock.
        self.fill.load(Ordering::Relaxed) * 5 >= self.mask * 3
    }

    /// Adds a key that is not there. Under the lock (or unpublished).
    #[inline(always)]
    pub fn push(&self, key: Word, hash: i64) {
        let mut walk = self.walk(hash);
        while self.entry(walk.at()).key.peek() != Word::ZERO {
            walk.step();
        }
        self.fill_place(self.entry(walk.at()), key, hash);
    }

    /// Puts a key into the empty place that [`Table::place_for`] found. Under the lock, and not into a full table.
    #[inline(always)]
    pub fn fill_place(&self, e: &Entry, key: Word, hash: i64) {
        // ORDERING Relaxed: published by the key.
        e.hash.store(hash, Ordering::Relaxed);
        e.key.store_raw(key);
        // ORDERING Relaxed: the only writer.
        self.fill.store(self.fill.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        self.used.store(self.used.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// No key was removed since the table was made.
    pub fn has_no_gaps(&self) -> bool {
        // ORDERING Relaxed: under the lock.
        self.fill.load(Ordering::Relaxed) == self.used()
    }

    /// Takes the keys of a table of the same size and without gaps, each by `own`, in the same places. Unpublished.
    pub fn fill_as(&self, from: &Table, mut own: impl FnMut(Word) -> Word) {
        for at in 0..=self.mask {
            let (e, new) = (from.entry(at), self.entry(at));
            let w = e.key.peek();
            if w != Word::ZERO {
                // ORDERING Relaxed: unpublished.
                new.hash.store(e.hash(), Ordering::Relaxed);
                new.key.store_raw(own(w));
            }
        }
        // ORDERING Relaxed: as above.
        self.fill.store(from.used(), Ordering::Relaxed);
        self.used.store(from.used(), Ordering::Relaxed);
    }

    /// Removes the key at a place; its word. Under the lock.
    pub fn remove(&self, at: usize) -> Word {
        let e = self.entry(at);
        let w = e.key.peek();
        e.key.store_raw(Word::UNBOUND);
        // ORDERING Relaxed: the only writer.
        self.used.store(self.used.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
        w
    }

    /// The first place at or behind `pos` with a key: its slot, the key's word, and the place behind it.
    #[inline(always)]
    pub fn next_used(&self, mut pos: usize) -> Option<(&Slot, Word, usize)> {
        while pos < self.places() {
            let slot = self.entry(pos).key();
            let w = slot.peek();
            pos += 1;
            if w != Word::ZERO && w != Word::UNBOUND {
                return Some((slot, w, pos));
            }
        }
        None
    }

    /// Keys and hashes. Under the lock (or unpublished); without it, to look at the words alone.
    pub fn words(&self) -> impl Iterator<Item = (Word, i64)> {
        (0..=self.mask).filter_map(|at| {
            let e = self.entry(at);
            let w = e.key.peek();
            (w != Word::ZERO && w != Word::UNBOUND).then(|| (w, e.hash()))
        })
    }
}

/// Places of a table for `n` keys with room to grow.
pub fn places_for(n: usize) -> usize {
    let want = if n > 50_000 { n * 2 } else { n * 4 };
    (want + 1).next_power_of_two().max(8)
}

/// Pointer to the published table of a set.
pub struct TablePtr(AtomicPtr<Table>);

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
        // No further than the last key: most places are empty.
        let (mut at, mut left) = (0, table.used());
        let keys = core::iter::from_fn(|| {
            left = left.checked_sub(1)?;
            let (_, w, next) = table.next_used(at)?;
            at = next;
            Some(w)
        });
        crate::object::drop_words(crate::thread::me(), keys);
        let (p, bytes, free) = table.block();
        crate::quarantine::free_buffer(p, bytes, free);
    }
}

impl Drop for TablePtr {
    fn drop(&mut self) {
        // SAFETY: the set is dead.
        unsafe { destroy(*self.0.get_mut()) }
    }
}

impl Trace for TablePtr {
    const BESIDE: Beside = Beside::Always;
    fn trace(&self, visit: &mut dyn FnMut(Word)) {
        // SAFETY: the published table is alive.
        let t = unsafe { &*self.load() };
        for at in 0..t.places() {
            t.entry(at).key.trace(visit);
        }
    }
    fn clear(&mut self, drop: &mut dyn FnMut(Word)) {
        // SAFETY: the collector is alone with the set.
        let t = unsafe { &*self.load() };
        for at in 0..t.places() {
            let w = t.entry(at).key.peek();
            if w != Word::ZERO && w != Word::UNBOUND {
                // SAFETY: out of the entry.
                if let Some(v) = unsafe { own_slot_word(t.remove(at)) } {
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
        for mask in [7usize, 31, 255] {
            for hash in [0i64, 1, -1, 0x1234_5678_9abc_def0, i64::MIN] {
                let mut walk = Walk::new(hash, mask);
                let mut seen = vec![false; mask + 1];
                for _ in 0..(mask + 1) * 40 {
                    seen[walk.at()] = true;
                    walk.step();
                }
                assert!(seen.iter().all(|s| *s), "{hash:#x} in {mask}");
            }
        }
    }

    #[test]
    fn keys_survive_growth_by_rebuilding() {
        let mut t = Table::create(8);
        for i in 0..1000 {
            // SAFETY: ours alone.
            let table = unsafe { &*t };
            if table.is_full() {
                let new = Table::create(places_for(table.used()));
                for (w, h) in table.words() {
                    // SAFETY: fresh.
                    unsafe { &*new }.push(w, h);
                }
                // SAFETY: as above; ints need no drop.
                unsafe { destroy(t) };
                t = new;
            }
            // SAFETY: as above.
            unsafe { &*t }.push(Word::small_int(i), i);
        }
        // SAFETY: as above.
        let table = unsafe { &*t };
        let mut all: Vec<i64> = table.words().map(|(w, _)| w.int()).collect();
        all.sort_unstable();
        assert_eq!(all, (0..1000).collect::<Vec<_>>());
        // SAFETY: as above.
        unsafe { destroy(t) };
    }
}
