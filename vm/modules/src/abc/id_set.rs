//! A set of small ids that many threads read without a lock: classes in the caches of an abstract class.

use typhon_sync::prim::{AtomicPtr, AtomicU32, Ordering};

use parking_lot::Mutex;

/// One table of the set; never changed but by filling free places. A power of two of them.
struct Table {
    /// Entries count only while the caller's generation is this one.
    generation: u64,
    places: Box<[AtomicU32]>,
    used: AtomicU32,
}

/// Ids (not 0) of one generation. Replaced tables stay until the set dies: their sizes double, so that
/// is no more memory than the last one takes, except for clearing, which is rare.
pub struct IdSet {
    now: AtomicPtr<Table>,
    tables: Mutex<Vec<Box<Table>>>,
}

fn start(id: u32, places: usize) -> usize {
    (id.wrapping_mul(0x9e37_79b1) >> 7) as usize & (places - 1)
}

impl Table {
    fn new(generation: u64, places: usize) -> Table {
        Table {
            generation,
            places: (0..places).map(|_| AtomicU32::new(0)).collect(),
            used: AtomicU32::new(0),
        }
    }

    fn contains(&self, id: u32) -> bool {
        let n = self.places.len();
        let mut i = start(id, n);
        loop {
            // ORDERING Relaxed: an id says all there is to say.
            match self.places[i].load(Ordering::Relaxed) {
                0 => return false,
                found if found == id => return true,
                _ => i = (i + 1) & (n - 1),
            }
        }
    }

    /// Under the set's lock; there is a free place.
    fn insert(&self, id: u32) {
        let n = self.places.len();
        let mut i = start(id, n);
        // ORDERING Relaxed: as in `contains`; writers hold the lock.
        while self.places[i].load(Ordering::Relaxed) != 0 {
            i = (i + 1) & (n - 1);
        }
        self.places[i].store(id, Ordering::Relaxed);
        self.used.fetch_add(1, Ordering::Relaxed);
    }

    fn ids(&self) -> impl Iterator<Item = u32> {
        // ORDERING Relaxed: as in `contains`.
        self.places.iter().map(|p| p.load(Ordering::Relaxed)).filter(|id| *id != 0)
    }
}

impl IdSet {
    pub fn new() -> IdSet {
        IdSet { now: AtomicPtr::new(core::ptr::null_mut()), tables: Mutex::new(Vec::new()) }
    }

    fn table(&self) -> Option<&Table> {
        // ORDERING Acquire: pairs with the Release in `publish`.
        let p = self.now.load(Ordering::Acquire);
        // SAFETY: a published table lives as long as the set.
        if p.is_null() { None } else { Some(unsafe { &*p }) }
    }

    fn publish(&self, tables: &mut Vec<Box<Table>>, t: Table) {
        let mut t = Box::new(t);
        let p: *mut Table = &raw mut *t;
        tables.push(t);
        // ORDERING Release: the table is complete.
        self.now.store(p, Ordering::Release);
    }

    /// Is the id in the set, as of this generation?
    #[inline]
    pub fn contains(&self, id: u32, generation: u64) -> bool {
        id != 0 && self.table().is_some_and(|t| t.generation == generation && t.contains(id))
    }

    /// Adds an id; entries of other generations are forgotten.
    pub fn insert(&self, id: u32, generation: u64) {
        let mut tables = self.tables.lock();
        let old = self.table().filter(|t| t.generation == generation);
        match old {
            Some(t) if t.contains(id) => return,
            // ORDERING Relaxed: under the lock.
            Some(t) if (t.used.load(Ordering::Relaxed) as usize + 1) * 2 <= t.places.len() => {
                return t.insert(id);
            }
            _ => {}
        }
        let places = old.map_or(8, |t| t.places.len() * 2);
        let new = Table::new(generation, places);
        if let Some(t) = old {
            t.ids().for_each(|id| new.insert(id));
        }
        new.insert(id);
        self.publish(&mut tables, new);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let mut tables = self.tables.lock();
        let generation = self.table().map_or(0, |t| t.generation);
        self.publish(&mut tables, Table::new(generation, 8));
    }

    /// The ids of a generation.
    pub fn ids(&self, generation: u64) -> Vec<u32> {
        match self.table() {
            Some(t) if t.generation == generation => t.ids().collect(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_ids_through_growth_and_forgets_by_generation() {
        let s = IdSet::new();
        assert!(!s.contains(1, 0));
        for id in 1..200 {
            s.insert(id * 3, 7);
        }
        assert!((1..200).all(|id| s.contains(id * 3, 7)));
        assert!(!s.contains(4, 7) && !s.contains(3, 8));
        s.insert(5, 8);
        assert_eq!((s.ids(8), s.ids(7)), (vec![5], vec![]));
        s.clear();
        assert!(!s.contains(5, 8));
    }
}
