//! Shapes (hidden classes): the type of an object and where its attributes lie, behind one 32-bit id.
//!
//! The id stands in the object's header. Ids are indices into one table, handed out once and never
//! reused, so a cache that holds an id can be stale but never wrong. A built-in type owns the id of
//! its place in `builtin_types!`; a class owns a tree of shapes, one per set of instance attributes in
//! order of first assignment.
//!
//! When a class changes in a way that a cache may have relied on, its shapes are deprecated: caches
//! check [`Shape::is_valid`], and an object with a deprecated shape is moved to the one that
//! [`refresh`] names the next time the slow path meets it.
//!
//! Source: Chambers, Ungar, Lee, OOPSLA 1989 (maps); V8's map deprecation and slack tracking.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use typhon_sync::prim::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::types::Type;
use crate::word::Word;

/// Shapes that fit the table; ids stay below so that caches can hold 24 bits.
const MAX_SHAPES: usize = 1 << 24;
/// Transitions stop here: what is left is for classes.
const MAX_TRANSITIONS: usize = MAX_SHAPES - (1 << 21);

/// Class attributes are as they were when the shape was made.
const VALID: u32 = 1;
/// Instance attributes are in a real dict; the object has no slots of its own.
const DICT_MODE: u32 = 2;

/// One shape. Immutable once published, but for `flags`, `successor` and the first transition.
#[repr(C, align(64))]
pub struct Shape {
    ty: AtomicPtr<Type>,
    keys: AtomicPtr<Box<[Word]>>,
    kind: AtomicU32,
    flags: AtomicU32,
    slots_offset: AtomicU32,
    successor: AtomicU32,
    capacity: AtomicU32,
    size: AtomicU32,
    /// The attribute of the first transition (identity of its name) and where it leads, so that most
    /// transitions are found without the tree's lock. Written once, under that lock; 0 until then.
    first_name: AtomicU64,
    first_id: AtomicU32,
}

impl Shape {
    /// The type of objects with this shape.
    #[inline(always)]
    pub fn ty(&self) -> *const Type {
        // ORDERING Relaxed: written before the id was published.
        self.ty.load(Ordering::Relaxed)
    }

    /// [`crate::typedef::kind`] bits of the type and its bases.
    #[inline(always)]
    pub fn kind(&self) -> u32 {
        // ORDERING Relaxed: as above.
        self.kind.load(Ordering::Relaxed)
    }

    /// Is the class unchanged, as far as caches care, since this shape was made?
    #[inline(always)]
    pub fn is_valid(&self) -> bool {
        // ORDERING Relaxed: a late reader acts as if it had run just before the class changed.
        self.flags.load(Ordering::Relaxed) & VALID != 0
    }

    #[inline(always)]
    pub fn is_dict_mode(&self) -> bool {
        // ORDERING Relaxed: fixed at birth.
        self.flags.load(Ordering::Relaxed) & DICT_MODE != 0
    }

    /// Attribute names (interned words), in slot order.
    #[inline(always)]
    pub fn keys(&self) -> &'static [Word] {
        // ORDERING Acquire: pairs with the Release in `fill`.
        let p = self.keys.load(Ordering::Acquire);
        // SAFETY: a published key list is never freed.
        if p.is_null() { &[] } else { unsafe { &*p } }
    }

    /// Byte offset of slot 0 in an instance.
    #[inline(always)]
    pub fn slots_offset(&self) -> usize {
        // ORDERING Relaxed: fixed at birth.
        self.slots_offset.load(Ordering::Relaxed) as usize
    }

    /// How many inline attribute slots objects of this shape have room for.
    #[inline(always)]
    pub fn capacity(&self) -> usize {
        // ORDERING Relaxed: fixed at birth.
        self.capacity.load(Ordering::Relaxed) as usize
    }

    /// Bytes of a new object with this (root) shape, without trailing items.
    #[inline(always)]
    pub fn instance_size(&self) -> usize {
        // ORDERING Relaxed: fixed at birth.
        self.size.load(Ordering::Relaxed) as usize
    }

    /// Slot index of the attribute `name` (an interned string).
    #[inline]
    pub fn find(&self, name: Word) -> Option<usize> {
        let id = name.identity();
        self.keys().iter().position(|k| k.identity() == id)
    }

    /// The shape that replaces a deprecated one, or 0.
    pub fn successor(&self) -> u32 {
        // ORDERING Acquire: pairs with the Release in `refresh`.
        self.successor.load(Ordering::Acquire)
    }
}

static TABLE: AtomicPtr<Shape> = AtomicPtr::new(core::ptr::null_mut());

/// Hash of small integer keys.
#[derive(Default)]
pub(crate) struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 29
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&b| self.write_u64(u64::from(b)));
    }
    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }
    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0 ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    }
}

pub(crate) type MixMap<K, V> = HashMap<K, V, BuildHasherDefault<Mix>>;

struct Tree {
    next_id: u32,
    /// (shape, name or marker) → shape after adding the attribute.
    transitions: MixMap<(u32, u64), u32>,
    /// Shapes of each class, by its address.
    by_type: MixMap<usize, Vec<u32>>,
}

/// Marker of the dict-mode shape below a root.
const TO_DICT: u64 = u64::MAX;

static TREE: Mutex<Option<Tree>> = Mutex::new(None);

/// Reserves the table. `first_free` is the first id behind the fixed ones of `builtin_types!`.
///
/// Errors: the system refuses the reservation (1 GiB of address space).
pub fn init(first_free: u32) -> Result<(), std::io::Error> {
    let mut tree = TREE.lock();
    if tree.is_some() {
        return Ok(());
    }
    let size = MAX_SHAPES * size_of::<Shape>();
    // SAFETY: a fresh anonymous mapping; zero pages are valid shapes (all fields are atomics).
    let p = unsafe {
        libc::mmap(
            core::ptr::null_mut(),
            size,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if p == libc::MAP_FAILED {
        return Err(std::io::Error::last_os_error());
    }
    *tree = Some(Tree { next_id: first_free, transitions: MixMap::default(), by_type: MixMap::default() });
    // ORDERING Release: pairs with the loads in `get`.
    TABLE.store(p as *mut Shape, Ordering::Release);
    Ok(())
}

/// The shape with this id.
#[inline(always)]
pub fn get(id: u32) -> &'static Shape {
    debug_assert!((id as usize) < MAX_SHAPES);
    // SAFETY: ids come from headers, hence from `fill`; the table lives for ever.
    // ORDERING Relaxed: the table was set before the first object existed.
    unsafe { &*TABLE.load(Ordering::Relaxed).add(id as usize) }
}

/// Base of the table, for handlers.
#[inline(always)]
pub fn table() -> *const Shape {
    // ORDERING Relaxed: as in `get`.
    TABLE.load(Ordering::Relaxed)
}

/// Shape ids of values that are not pointers, by `constant` number.
const CONSTANT_IDS: [u32; 9] = {
    use crate::builtins::ids::*;
    [NONE, BOOL, BOOL, OBJECT, OBJECT, FLOAT, FLOAT, NOT_IMPLEMENTED, ELLIPSIS]
};

/// Shape id of an int, float or constant word.
#[inline(always)]
pub fn id_of_immediate(w: Word) -> u32 {
    if w.is_int() {
        crate::builtins::ids::INT
    } else if w.is_tagged_float() {
        crate::builtins::ids::FLOAT
    } else {
        CONSTANT_IDS[(w.0 >> 4) as usize % CONSTANT_IDS.len()]
    }
}

/// What all shapes of one tree have in common.
#[derive(Clone, Copy)]
pub struct Root {
    pub ty: *const Type,
    /// [`crate::typedef::kind`] bits.
    pub kind: u32,
    /// Byte offset of inline slot 0, and how many there are.
    pub slots_offset: u32,
    pub capacity: u32,
    /// Bytes of an instance.
    pub size: u32,
}

impl Root {
    fn of(s: &Shape) -> Root {
        Root {
            ty: s.ty(),
            kind: s.kind(),
            slots_offset: s.slots_offset() as u32,
            capacity: s.capacity() as u32,
            size: s.instance_size() as u32,
        }
    }
}

fn fill(id: u32, root: Root, flags: u32, keys: Box<[Word]>) {
    let s = get(id);
    // ORDERING Relaxed: published by the Release below, or by whoever publishes the id.
    s.ty.store(root.ty.cast_mut(), Ordering::Relaxed);
    s.kind.store(root.kind, Ordering::Relaxed);
    s.slots_offset.store(root.slots_offset, Ordering::Relaxed);
    s.capacity.store(root.capacity, Ordering::Relaxed);
    s.size.store(root.size, Ordering::Relaxed);
    s.flags.store(flags, Ordering::Relaxed);
    let keys = if keys.is_empty() { core::ptr::null_mut() } else { Box::into_raw(Box::new(keys)) };
    // ORDERING Release: pairs with `keys`.
    s.keys.store(keys, Ordering::Release);
}

/// Makes the root shape of a built-in type with a fixed id.
pub(crate) fn create_fixed(id: u32, root: Root) {
    fill(id, root, VALID, Box::new([]));
}

/// Makes a root shape (no attributes yet) with a fresh id.
pub fn create_root(root: Root) -> u32 {
    with_tree(|t| t.fresh(root, VALID, Box::new([])))
}

fn with_tree<R>(f: impl FnOnce(&mut Tree) -> R) -> R {
    f(TREE.lock().as_mut().expect("shapes are initialised first"))
}

impl Tree {
    fn fresh(&mut self, root: Root, flags: u32, keys: Box<[Word]>) -> u32 {
        let id = self.next_id;
        assert!((id as usize) < MAX_SHAPES, "more than {MAX_SHAPES} shapes");
        self.next_id += 1;
        fill(id, root, flags, keys);
        self.by_type.entry(root.ty as usize).or_default().push(id);
        id
    }

    fn with_attribute(&mut self, from: u32, name: Word) -> Option<u32> {
        let key = (from, name.identity());
        if let Some(&id) = self.transitions.get(&key) {
            return Some(id);
        }
        let old = get(from);
        if old.keys().len() >= old.capacity() || self.next_id as usize >= MAX_TRANSITIONS {
            return None;
        }
        let mut keys = Vec::with_capacity(old.keys().len() + 1);
        keys.extend_from_slice(old.keys());
        keys.push(name);
        let flags = if old.is_valid() { VALID } else { 0 };
        let id = self.fresh(Root::of(old), flags, keys.into());
        self.transitions.insert(key, id);
        // ORDERING Relaxed: written under the tree's lock only.
        if old.first_name.load(Ordering::Relaxed) == 0 {
            old.first_id.store(id, Ordering::Relaxed);
            // ORDERING Release: pairs with `with_attribute`.
            old.first_name.store(name.identity(), Ordering::Release);
        }
        Some(id)
    }

    fn in_dict_mode(&mut self, from: u32) -> u32 {
        // All shapes of one class share the dict-mode shape of its present root.
        // SAFETY: shapes point at live types while objects with them exist.
        let root = unsafe { (*get(from).ty()).root_shape() };
        if let Some(&id) = self.transitions.get(&(root, TO_DICT)) {
            return id;
        }
        let id = self.fresh(Root { capacity: 0, ..Root::of(get(root)) }, VALID | DICT_MODE, Box::new([]));
        self.transitions.insert((root, TO_DICT), id);
        id
    }

    /// The present root of the class, for objects with room for `capacity` inline attributes.
    fn root_for(&mut self, ty: *const Type, capacity: u32) -> u32 {
        // SAFETY: as above.
        let root = unsafe { (*ty).root_shape() };
        if get(root).capacity() as u32 == capacity {
            return root;
        }
        let key = (root, TO_DICT - 1 - u64::from(capacity));
        if let Some(&id) = self.transitions.get(&key) {
            return id;
        }
        let id = self.fresh(Root { capacity, ..Root::of(get(root)) }, VALID, Box::new([]));
        self.transitions.insert(key, id);
        id
    }
}

/// The shape after adding attribute `name` to objects of shape `from`; `None`: no room, the object
/// goes to dict mode.
pub fn with_attribute(from: u32, name: Word) -> Option<u32> {
    let shape = get(from);
    // ORDERING Acquire: whoever sees the name sees the id, and the shape behind it.
    if shape.first_name.load(Ordering::Acquire) == name.identity() {
        // ORDERING Relaxed: as above.
        return Some(shape.first_id.load(Ordering::Relaxed));
    }
    with_tree(|t| t.with_attribute(from, name))
}

/// The shape of objects of shape `from` once their attributes moved into a real dict.
pub fn in_dict_mode(from: u32) -> u32 {
    with_tree(|t| t.in_dict_mode(from))
}

/// Gives new instances of `ty` another root shape, with room for `capacity` inline attributes.
/// Objects that exist keep theirs.
pub(crate) fn replace_root(ty: &Type, root: Root) {
    with_tree(|t| {
        let id = t.fresh(root, VALID, Box::new([]));
        // ORDERING Release: an allocation that sees the id sees the shape.
        ty.root_shape.store(id, Ordering::Release);
    })
}

/// Marks every shape of `ty` as out of date: caches of class attributes stop matching. New instances
/// get a new root shape. The caller holds the type lock.
pub fn deprecate(ty: &Type) {
    with_tree(|t| {
        for id in t.by_type.remove(&(ty as *const Type as usize)).unwrap_or_default() {
            // ORDERING Release: whoever sees the flag gone also sees the class as changed.
            get(id).flags.fetch_and(!VALID, Ordering::Release);
        }
        let root = Root::of(get(ty.root_shape()));
        let id = t.fresh(root, VALID, Box::new([]));
        // ORDERING Release: as in `replace_root`.
        ty.root_shape.store(id, Ordering::Release);
    })
}

/// A dying class gives up its shapes; their ids are never used again.
pub(crate) fn forget(ty: *const Type) {
    if let Some(t) = TREE.lock().as_mut() {
        t.by_type.remove(&(ty as usize));
    }
}

/// The up-to-date shape for an object of deprecated shape `id`, with the same attributes in the same
/// places.
pub fn refresh(id: u32) -> u32 {
    let mut at = id;
    while !get(at).is_valid() && get(at).successor() != 0 {
        at = get(at).successor();
    }
    let old = get(at);
    if old.is_valid() {
        return at;
    }
    with_tree(|t| {
        let mut new = if old.is_dict_mode() {
            // SAFETY: as in `in_dict_mode`.
            let root = unsafe { (*old.ty()).root_shape() };
            t.in_dict_mode(root)
        } else {
            t.root_for(old.ty(), old.capacity() as u32)
        };
        for &name in old.keys() {
            match t.with_attribute(new, name) {
                Some(n) => new = n,
                // The table is nearly full: go on without caches.
                None => return at,
            }
        }
        // ORDERING Release: pairs with `successor`.
        old.successor.store(new, Ordering::Release);
        new
    })
}
