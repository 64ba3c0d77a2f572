//! Type objects: what every class is made of.

use typhon_sync::prim::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

use typhon_sync::header::Header;

use crate::builtins::dict::Dict;
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Data, Slot};
use crate::slots::SlotCells;
use crate::typedef::{Layout, TypeDef};
use crate::word::Word;

crate::payload! {
    /// A class. Deferred kind: dies by the collector only.
    pub struct Type: crate::builtins::type_::DEF {
        /// Operations; written when the class is made and when a dunder of it (or of a base) changes.
        pub slots: SlotCells,
        /// The definition of a built-in type.
        pub def: Data<Option<&'static TypeDef>>,
        /// `__name__`, `__qualname__`: str.
        pub name: Slot,
        pub qualname: Slot,
        /// `__bases__`: tuple.
        pub bases: Slot,
        /// `__mro__`: tuple, the type itself first.
        pub mro: Slot,
        /// Namespace: dict.
        pub dict: Slot,
        /// `__base__`: the base whose layout this type extends; held by `bases`.
        pub base: Data<AtomicPtr<Type>>,
        /// Direct subclasses, not counted, and the bases that list this class: a dying class takes
        /// itself out of both. Changed under the type lock.
        pub subclasses: Data<parking_lot::Mutex<Vec<*const Type>>>,
        pub parents: Data<parking_lot::Mutex<Vec<*const Type>>>,
        /// Class attributes that inline caches of instances may have relied on.
        pub planned: Data<parking_lot::Mutex<Vec<Planned>>>,
        /// [`crate::typedef::type_flags`].
        pub flags: AtomicU32,
        /// [`crate::typedef::kind`], with those of the bases.
        pub kind: AtomicU32,
        /// Shape of a new instance.
        pub root_shape: AtomicU32,
        /// Changes with every change of the class or a base; 0 = never assigned. Never reused.
        pub version: AtomicU32,
        /// What a call of the class amounts to ([`crate::interp::calls::plain_init`]), and the version for
        /// which that holds. Written under the type lock.
        pub plain_init: AtomicU64,
        pub plain_init_version: AtomicU32,
        /// How to trace and drop the built-in payload that instances begin with.
        pub layout: Data<Layout>,
        /// Bytes of a new instance: payload, `__slots__` members, dict word, inline attribute slots.
        pub basic_size: AtomicU32,
        /// Byte offset of the word that holds the instance's dict (0 = instances have none).
        pub dict_offset: AtomicU32,
        /// Byte offset of the first value behind the payload, and how many words there are before the
        /// inline attribute slots: `__slots__` members, then the dict word unless it is in the payload.
        pub values_offset: AtomicU32,
        pub n_values: AtomicU32,
        /// Inline attribute slots of a new instance, behind the values. An existing object has as many
        /// as its shape's capacity says.
        pub n_inline: AtomicU32,
    }
}

/// A class attribute that was looked up for an inline cache of instances.
#[derive(Clone, Copy)]
pub struct Planned {
    /// Interned name.
    pub name: Word,
    /// Since the last change.
    pub active: bool,
    /// Changes that cost the class its shapes. After a few the name is not cached any more.
    pub changes: u8,
}

// SAFETY: the raw pointers in `subclasses` are behind a mutex and point at types that remove
// themselves; everything else is atomic or fixed at birth.
unsafe impl Sync for Type {}
// SAFETY: as above.
unsafe impl Send for Type {}

macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => { $(
        $(#[$doc])*
        #[inline(always)]
        pub fn $name(&self) -> u32 {
            // ORDERING Relaxed: written before the class is published, or read again by the slow path.
            self.$name.load(Ordering::Relaxed)
        }
    )* };
}

impl Type {
    getters!(flags, kind, root_shape, version, basic_size, dict_offset, values_offset, n_values, n_inline);

    #[inline(always)]
    pub fn has_flag(&self, flag: u32) -> bool {
        self.flags() & flag != 0
    }

    /// `__base__`; null for `object`.
    #[inline(always)]
    pub fn base(&self) -> Option<&Type> {
        // ORDERING Acquire: `__bases__` assignment may publish another base.
        let p = self.base.0.load(Ordering::Acquire);
        // SAFETY: held by `bases`.
        if p.is_null() { None } else { Some(unsafe { &*p }) }
    }

    /// The MRO as types, this one first.
    #[inline]
    pub fn mro_types(&self) -> impl Iterator<Item = &Type> {
        let mro = self.mro.fixed().and_then(|m| m.downcast::<Tuple>());
        let items: &[Slot] = mro.map_or(&[], |t| t.items());
        items.iter().filter_map(|s| s.fixed()).filter_map(|b| b.downcast::<Type>())
    }

    /// The namespace.
    #[inline]
    pub fn namespace(&self) -> &Dict {
        self.dict.fixed().and_then(|d| d.downcast::<Dict>()).expect("a type has a namespace")
    }

    /// Is `other` this type or in its MRO? (No `__subclasscheck__`.)
    #[inline]
    pub fn is_subtype_of(&self, other: &Type) -> bool {
        core::ptr::eq(self, other) || self.is_subtype_slow(other)
    }

    fn is_subtype_slow(&self, other: &Type) -> bool {
        if self.mro.is_empty() {
            let mut t = self.base();
            while let Some(b) = t {
                if core::ptr::eq(b, other) {
                    return true;
                }
                t = b.base();
            }
            return false;
        }
        let other = other as *const Type as u64;
        let mro = self.mro.fixed().and_then(|m| m.downcast_exact::<Tuple>());
        mro.is_some_and(|m| m.items().iter().any(|s| s.peek().identity() == other))
    }

    /// As a value.
    #[inline(always)]
    pub fn as_value(&self) -> Borrowed<'_> {
        Borrowed::from_payload(self)
    }

    /// The dict word of an instance, if instances of this type have one.
    ///
    /// # Safety
    /// `obj` is an instance of this type.
    #[inline(always)]
    pub unsafe fn dict_slot<'a>(&self, obj: &'a Header) -> Option<&'a Slot> {
        let off = self.dict_offset() as usize;
        if off == 0 {
            None
        } else {
            // SAFETY: instances are `basic_size` bytes long and initialised by the allocator.
            Some(unsafe { &*((obj as *const Header as *const u8).add(off) as *const Slot) })
        }
    }

    /// Every word of an instance behind its payload: members, dict word, inline attributes.
    ///
    /// # Safety
    /// `obj` is an instance of this type.
    #[inline(always)]
    pub unsafe fn values<'a>(&self, obj: &'a Header) -> &'a [Slot] {
        // ORDERING Relaxed: a transition keeps the capacity or gives up the (then empty) slots.
        let shape = crate::shape::get(obj.shape.load(Ordering::Relaxed));
        // SAFETY: passed on.
        unsafe { self.values_by(obj, shape) }
    }

    /// [`Type::values`], where the shape is at hand.
    ///
    /// # Safety
    /// As said; `shape` is or was the shape of `obj`.
    #[inline(always)]
    pub unsafe fn values_by<'a>(&self, obj: &'a Header, shape: &crate::shape::Shape) -> &'a [Slot] {
        // SAFETY: as in `dict_slot`.
        unsafe {
            let p = (obj as *const Header as *const u8).add(self.values_offset() as usize) as *const Slot;
            core::slice::from_raw_parts(p, self.n_values() as usize + shape.capacity())
        }
    }

    /// The slot at a byte offset.
    ///
    /// # Safety
    /// A slot lies there in `obj`: the offset comes from the object's shape, or from a member
    /// descriptor of its class.
    #[inline(always)]
    pub unsafe fn slot_at(obj: &Header, offset: usize) -> &Slot {
        // SAFETY: by contract.
        unsafe { &*((obj as *const Header as *const u8).add(offset) as *const Slot) }
    }
}

impl Drop for Type {
    fn drop(&mut self) {
        crate::builtins::type_::unlink(self);
        crate::shape::forget(self);
    }
}
