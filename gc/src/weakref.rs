//! Who is weakly referenced by whom: a table from an object's address to the weak references to it,
//! in stripes of their own locks.
//!
//! An object without weak references costs nothing: [`HAS_WEAKREFS`] in its `flags` says so, and its
//! destruction looks at that bit only. The table holds addresses, no references.
//!
//! Rules:
//!
//! - **GC-W1** Referent and weak reference are PUBLISHED before the table knows them, so that an
//!   upgrade and a death are decided by the one count word (`try_incref` against the last decrement).
//! - **GC-W2** A weak reference leaves the table, under the stripe's lock, before its slot is freed;
//!   and a dying referent takes all its weak references out of the table, and empties them, before
//!   its own slot is freed. So addresses in the table are never dangling.
//! - **GC-W3** No Python code runs under a stripe's lock.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};
use typhon_sync::prim::Ordering;

use typhon_sync::header::{Header, OwnerId};

/// Bit of `flags`: the object may have weak references in the table.
pub const HAS_WEAKREFS: u16 = 1;

const STRIPES: usize = 64;

/// Hash of an address: the product's high bits reach the low ones that the map uses.
#[derive(Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_usize(usize::from(byte) ^ self.0 as usize);
        }
    }

    fn write_usize(&mut self, address: usize) {
        let product = (address as u64 >> 4).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = product ^ (product >> 32);
    }
}

/// Weak references to one object, oldest first. Addresses, to be read under the stripe's lock.
type Entry = Vec<usize>;
type Map = HashMap<usize, Entry, BuildHasherDefault<AddressHasher>>;

#[repr(align(64))]
#[derive(Default)]
struct Stripe(Mutex<Map>);

/// The weak references of one runtime.
pub struct WeakTable {
    stripes: Box<[Stripe]>,
    /// Held while objects are condemned that may be spared again.
    unsettled: RwLock<()>,
}

impl Default for WeakTable {
    fn default() -> Self {
        WeakTable::new()
    }
}

impl WeakTable {
    /// An empty table.
    pub fn new() -> WeakTable {
        let stripes = (0..STRIPES).map(|_| Stripe::default()).collect();
        WeakTable { stripes, unsettled: RwLock::new(()) }
    }

    /// Turns a weak reference into a strong one, as [`upgrade`]; who meets a condemned object waits until it is
    /// settled that it is garbage.
    #[inline]
    pub fn upgrade(
        &self,
        load: impl Fn() -> *const Header,
        me: OwnerId,
        give_back: impl Fn(*const Header),
    ) -> Option<*const Header> {
        upgrade(&load, me, &give_back).or_else(|| {
            let referent = load();
            // SAFETY: the word held the address of an object of the heap, so it is and stays a header.
            let condemned = !referent.is_null() && unsafe { &*referent }.is_condemned();
            if !condemned {
                return None;
            }
            let _settled = self.unsettled.read().unwrap_or_else(PoisonError::into_inner);
            upgrade(&load, me, &give_back)
        })
    }

    /// For as long as objects are condemned that may be spared again.
    pub(crate) fn settle(&self) -> RwLockWriteGuard<'_, ()> {
        self.unsettled.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn stripe(&self, referent: *const Header) -> MutexGuard<'_, Map> {
        let hash = (referent as usize >> 4).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58;
        self.stripes[hash % STRIPES].0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters `weak` as a weak reference to `referent`. The caller holds references to both, and
    /// stores the referent's address in `weak` before the call.
    pub fn register(&self, referent: &Header, weak: &Header) {
        referent.publish();
        weak.publish();
        let mut map = self.stripe(referent);
        map.entry(address(referent)).or_default().push(address(weak));
        // ORDERING Relaxed: read after the last decrement, which acquires ours (GC-W1).
        referent.flags.fetch_or(HAS_WEAKREFS, Ordering::Relaxed);
    }

    /// Removes `weak`, which is about to be destroyed and held `referent`'s address. False: the
    /// referent has died meanwhile and taken it out.
    ///
    /// # Safety
    /// `weak` was registered for `referent` and its slot has not been freed.
    pub unsafe fn unregister(&self, referent: *const Header, weak: *const Header) -> bool {
        let mut map = self.stripe(referent);
        let Some(entry) = map.get_mut(&(referent as usize)) else { return false };
        let Some(index) = entry.iter().rposition(|&other| other == weak as usize) else { return false };
        entry.remove(index);
        if entry.is_empty() {
            map.remove(&(referent as usize));
            // SAFETY: the entry existed until now, so the referent's slot is not freed (GC-W2).
            // ORDERING Relaxed: a destructor that misses the change finds an empty entry.
            unsafe { (*referent).flags.fetch_and(!HAS_WEAKREFS, Ordering::Relaxed) };
        }
        true
    }

    /// Number of weak references to `referent`.
    pub fn count(&self, referent: &Header) -> usize {
        if !has_weakrefs(referent) {
            return 0;
        }
        self.stripe(referent).get(&address(referent)).map_or(0, Vec::len)
    }

    /// Calls `f` with the address of every weak reference to `referent`, under the lock (GC-W3).
    pub fn for_each(&self, referent: &Header, f: impl FnMut(*const Header)) {
        if has_weakrefs(referent)
            && let Some(entry) = self.stripe(referent).get(&address(referent))
        {
            entry.iter().map(|&weak| weak as *const Header).for_each(f);
        }
    }

    /// The oldest living weak reference to `referent` that `wanted` accepts, with a reference to it
    /// taken for the caller. `wanted` runs under the lock (GC-W3) and may only read the object.
    pub fn find(
        &self,
        referent: &Header,
        me: OwnerId,
        mut wanted: impl FnMut(&Header) -> bool,
    ) -> Option<*const Header> {
        if !has_weakrefs(referent) {
            return None;
        }
        let map = self.stripe(referent);
        let entry = map.get(&address(referent))?;
        entry.iter().map(|&weak| weak as *const Header).find(|&weak| {
            // SAFETY: addresses in the table are not dangling while its lock is held (GC-W2).
            let weak = unsafe { &*weak };
            wanted(weak) && weak.try_incref(me)
        })
    }

    /// All living weak references to `referent`, oldest first, with a reference to each taken.
    pub fn all(&self, referent: &Header, me: OwnerId) -> Vec<*const Header> {
        if !has_weakrefs(referent) {
            return Vec::new();
        }
        let map = self.stripe(referent);
        let Some(entry) = map.get(&address(referent)) else { return Vec::new() };
        entry.iter().map(|&weak| weak as *const Header).filter(|&weak| take(weak, me)).collect()
    }

    /// The death of `referent` (its count is zero, or it is condemned): every weak reference leaves
    /// the table and is emptied by `detach`, also those that are dying themselves. Returns those
    /// that live, newest first (the order in which callbacks run), with a reference to each taken.
    pub fn take_all(
        &self,
        referent: &Header,
        me: OwnerId,
        detach: impl FnMut(&Header),
    ) -> Vec<*const Header> {
        self.take_if(referent, me, |_| true, detach)
    }

    /// As [`WeakTable::take_all`], for the weak references that `chosen` accepts.
    pub fn take_if(
        &self,
        referent: &Header,
        me: OwnerId,
        mut chosen: impl FnMut(&Header) -> bool,
        mut detach: impl FnMut(&Header),
    ) -> Vec<*const Header> {
        let mut taken = Vec::new();
        if !has_weakrefs(referent) {
            return taken;
        }
        let mut map = self.stripe(referent);
        let Some(entry) = map.get_mut(&address(referent)) else { return taken };
        entry.retain(|&weak| {
            let weak = weak as *const Header;
            // SAFETY: addresses in the table are not dangling while its lock is held (GC-W2).
            let header = unsafe { &*weak };
            if !chosen(header) {
                return true;
            }
            detach(header);
            if take(weak, me) {
                taken.push(weak);
            }
            false
        });
        if entry.is_empty() {
            map.remove(&address(referent));
            // ORDERING Relaxed: changed under the lock, like every other change of this bit.
            referent.flags.fetch_and(!HAS_WEAKREFS, Ordering::Relaxed);
        }
        taken.reverse();
        taken
    }
}

/// Whether `object` may have weak references.
#[inline(always)]
pub fn has_weakrefs(object: &Header) -> bool {
    // ORDERING Relaxed: set under the lock by somebody who held a reference; see `register`.
    object.flags.load(Ordering::Relaxed) & HAS_WEAKREFS != 0
}

/// Turns a weak reference into a strong one, without a lock: `load` reads (with Acquire) the word
/// that holds the referent, null if it was emptied. The second look makes sure that what was
/// acquired is not a younger object in the same slot (memory is type-stable, GC-H3).
///
/// The reference to such an object goes to `give_back`. It may be the last one by then.
#[inline]
fn upgrade(
    load: &impl Fn() -> *const Header,
    me: OwnerId,
    give_back: &impl Fn(*const Header),
) -> Option<*const Header> {
    let referent = load();
    if referent.is_null() {
        return None;
    }
    // SAFETY: the word held the address of an object of the heap, so it is and stays a header.
    if !unsafe { &*referent }.try_incref(me) {
        return None;
    }
    if load() == referent {
        return Some(referent);
    }
    give_back(referent);
    None
}

fn address(header: &Header) -> usize {
    std::ptr::from_ref(header) as usize
}

fn take(weak: *const Header, me: OwnerId) -> bool {
    // SAFETY: called for addresses in the table, under its lock (GC-W2).
    unsafe { &*weak }.try_incref(me)
}
