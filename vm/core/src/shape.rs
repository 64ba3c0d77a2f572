//! Shapes (hidden classes): the type of an object and where its attributes lie, behind one 32-bit id.
//!
//! The id stands in the object's header. Ids are indices into one table, handed out once and never
//! reused, so a cache that holds an id can be stale but never wrong. A built-in type owns the id of
//! its place in `builtin_types!`; a class owns a tree of shapes, one per set of instance attributes in
//! order of first assignment.
//!
//! When a class changes, its shapes are deprecated: caches that rely on class attributes check
//! [`Shape::is_valid`], and an object with a deprecated shape is moved to [`Shape::successor`] the next
//! time the slow path meets it.
//!
//! Source: Chambers, Ungar, Lee, OOPSLA 1989 (maps); V8's map deprecation.

use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use std::collections::HashMap;

use parking_lot::Mutex;

use crate::types::Type;
use crate::word::Word;

/// Shapes that fit the table; ids stay below so that caches can hold 24 bits.
const MAX_SHAPES: usize = 1 << 24;

/// Class attributes are as they were when the shape was made.
const VALID: u32 = 1;
/// Instance attributes are in a real dict; the object has no slots of its own.
const DICT_MODE: u32 = 2;

/// One shape. Immutable once published, but for `flags` and `successor`.
#[repr(C, align(64))]
pub struct Shape {
    ty: AtomicPtr<Type>,
    keys: AtomicPtr<Box<[Word]>>,
    kind: AtomicU32,
    flags: AtomicU32,
    slots_offset: AtomicU32,
    successor: AtomicU32,
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

    /// Is the class unchanged since this shape was made?
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
        // ORDERING Acquire: pairs with the Release in `create`.
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

    /// Slot index of the attribute `name` (an interned string).
    #[inline]
    pub fn find(&self, name: Word) -> Option<usize> {
        let id = name.identity();
        self.keys().iter().position(|k| k.identity() == id)
    }

    /// The shape that replaces a deprecated one, or 0.
    pub fn successor(&self) -> u32 {
        // ORDERING Acquire: pairs with the Release in `deprecate`.
        self.successor.load(Ordering::Acquire)
    }
}

static TABLE: AtomicPtr<Shape> = AtomicPtr::new(core::ptr::null_mut());

struct Tree {
    next_id: u32,
    /// (shape, name or DICT marker) → shape after adding the attribute.
    transitions: HashMap<(u32, u64), u32>,
}

static TREE: Mutex<Option<Tree>> = Mutex::new(None);

/// Reserves the table. `first_free` is the first id behind the fixed ones of `builtin_types!`.
///
/// Errors: the system refuses the reservation (1 GiB of address space).
pub fn init(first_free: u32) -> Result<(), std::io::Error> {
    if !TABLE.load(Ordering::Acquire).is_null() {
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
    *TREE.lock() = Some(Tree { next_id: first_free, transitions: HashMap::new() });
    // ORDERING Release: pairs with the loads in `get`.
    TABLE.store(p as *mut Shape, Ordering::Release);
    Ok(())
}

/// The shape with this id.
#[inline(always)]
pub fn get(id: u32) -> &'static Shape {
    debug_assert!((id as usize) < MAX_SHAPES);
    // SAFETY: ids come from headers, hence from `create`; the table lives for ever.
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

fn fill(id: u32, ty: *const Type, kind: u32, flags: u32, slots_offset: u32, keys: Box<[Word]>) {
    let s = get(id);
    // ORDERING Relaxed: published by the Release below, or by whoever publishes the id.
    s.ty.store(ty.cast_mut(), Ordering::Relaxed);
    s.kind.store(kind, Ordering::Relaxed);
    s.slots_offset.store(slots_offset, Ordering::Relaxed);
    s.flags.store(flags, Ordering::Relaxed);
    let keys = if keys.is_empty() { core::ptr::null_mut() } else { Box::into_raw(Box::new(keys)) };
    // ORDERING Release: pairs with `keys`.
    s.keys.store(keys, Ordering::Release);
}

/// Makes the root shape of a built-in type with a fixed id.
pub(crate) fn create_fixed(id: u32, ty: *const Type, kind: u32) {
    fill(id, ty, kind, VALID, 0, Box::new([]));
}

/// Makes a root shape (no attributes yet) with a fresh id.
pub fn create_root(ty: *const Type, kind: u32, slots_offset: u32) -> u32 {
    let mut tree = TREE.lock();
    let tree = tree.as_mut().expect("shapes are initialised first");
    let id = fresh(tree);
    fill(id, ty, kind, VALID, slots_offset, Box::new([]));
    id
}

fn fresh(tree: &mut Tree) -> u32 {
    let id = tree.next_id;
    assert!((id as usize) < MAX_SHAPES, "more than {MAX_SHAPES} shapes");
    tree.next_id += 1;
    id
}

/// The shape after adding attribute `name` to objects of shape `from`.
pub fn with_attribute(from: u32, name: Word) -> u32 {
    let mut tree = TREE.lock();
    let tree = tree.as_mut().expect("shapes are initialised first");
    let key = (from, name.identity());
    if let Some(&id) = tree.transitions.get(&key) {
        return id;
    }
    let old = get(from);
    let mut keys = old.keys().to_vec();
    keys.push(name);
    let id = fresh(tree);
    let flags = if old.is_valid() { VALID } else { 0 };
    fill(id, old.ty(), old.kind(), flags, old.slots_offset() as u32, keys.into());
    tree.transitions.insert(key, id);
    id
}

/// The shape of objects of shape `from` once their attributes moved into a real dict.
pub fn in_dict_mode(from: u32) -> u32 {
    let mut tree = TREE.lock();
    let tree = tree.as_mut().expect("shapes are initialised first");
    let key = (root_key(from), u64::MAX);
    if let Some(&id) = tree.transitions.get(&key)
        && get(id).is_valid()
    {
        return id;
    }
    let old = get(from);
    let id = fresh(tree);
    fill(id, old.ty(), old.kind(), VALID | DICT_MODE, old.slots_offset() as u32, Box::new([]));
    tree.transitions.insert(key, id);
    id
}

/// All shapes of one type share their dict-mode shape.
fn root_key(of: u32) -> u32 {
    // SAFETY: shapes point at live types while objects with them exist.
    unsafe { (*get(of).ty()).root_shape() }
}

/// Marks every shape of `ty` as out of date: caches of class attributes stop matching.
pub fn deprecate(ty: *const Type) {
    let tree = TREE.lock();
    let n = tree.as_ref().map_or(0, |t| t.next_id);
    for id in 1..n {
        let s = get(id);
        if core::ptr::eq(s.ty(), ty) {
            // ORDERING Release: whoever sees the flag gone also sees the class as changed.
            s.flags.fetch_and(!VALID, Ordering::Release);
        }
    }
}

/// The up-to-date shape for an object of deprecated shape `id`, with the same attributes.
pub fn refresh(id: u32) -> u32 {
    let old = get(id);
    if old.is_valid() {
        return id;
    }
    if old.successor() != 0 {
        return refresh(old.successor());
    }
    // SAFETY: as in `root_key`.
    let root = unsafe { (*old.ty()).root_shape() };
    let mut new = if old.is_dict_mode() { in_dict_mode(root) } else { root };
    for &name in old.keys() {
        new = with_attribute(new, name);
    }
    // ORDERING Release: pairs with `successor`.
    old.successor.store(new, Ordering::Release);
    new
}
