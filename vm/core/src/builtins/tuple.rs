//! `tuple`.

pub mod iterator;
pub(crate) mod methods;

use crate::flags;
use crate::object::{Owned, Slot};
use crate::thread::{Thread, unborn};
use crate::typedef::{TypeDef, TypeId, kind, type_flags};
use crate::types::Type;
use crate::word::Word;
use core::ptr::NonNull;
use typhon_sync::header::{Header, gc_bits};
use typhon_sync::prim::{AtomicI64, Ordering};

crate::payload! {
    /// Head of a tuple. The items (slots, never changed after construction) lie behind it: at
    /// [`Tuple::ITEMS`] bytes, or behind a subclass's own values.
    pub struct Tuple: DEF {
        len: usize,
        /// The hash, once it was asked for; 0 = not yet. Tuples are keys so often that it pays to keep.
        hash: AtomicI64,
    }
}

impl Tuple {
    fn head(len: usize) -> Tuple {
        Tuple { header: unborn(), len, hash: AtomicI64::new(0) }
    }

    /// Byte offset of item 0 in an exact tuple.
    pub const ITEMS: usize = size_of::<Tuple>();

    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The hash if it was computed before, else 0.
    #[inline(always)]
    pub(crate) fn known_hash(&self) -> i64 {
        // ORDERING Relaxed: every thread computes the same value.
        self.hash.load(Ordering::Relaxed)
    }

    /// The items. They do not change once Python code can see the tuple.
    #[inline(always)]
    pub fn items(&self) -> &[Slot] {
        // ORDERING Relaxed: set at birth.
        let off = if self.header.flags.load(Ordering::Relaxed) & flags::ITEMS_BEHIND_VALUES == 0 {
            Self::ITEMS
        } else {
            crate::Borrowed::from_payload(self).ty().basic_size() as usize
        };
        // SAFETY: `len` slots lie there, initialised at birth.
        unsafe {
            core::slice::from_raw_parts((self as *const Tuple as *const u8).add(off) as *const Slot, self.len)
        }
    }

    /// The items of what is exactly a tuple.
    #[inline(always)]
    pub(crate) fn exact_items(&self) -> *const Slot {
        (self as *const Tuple).wrapping_byte_add(Self::ITEMS) as *const Slot
    }

    /// Item `i`. Panics when out of range.
    #[inline(always)]
    pub fn get(&self, i: usize) -> crate::Borrowed<'_> {
        self.items()[i].fixed().expect("tuple items are set at birth")
    }

    /// Items as borrowed values.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = crate::Borrowed<'_>> {
        self.items().iter().map(|s| s.fixed().expect("tuple items are set at birth"))
    }
}

/// Does the collector know the object?
#[inline(always)]
fn is_tracked(w: Word) -> bool {
    // ORDERING Relaxed: an object is tracked from birth on; one that became immortal since is no matter.
    // SAFETY: a live word.
    w.is_ptr() && unsafe { (*w.ptr()).gc.load(Ordering::Relaxed) } & gc_bits::TRACKED != 0
}

impl Thread {
    /// A tuple of these items.
    pub fn new_tuple(&mut self, items: Vec<Owned>) -> Owned {
        let n = items.len();
        let mut items = items.into_iter();
        self.new_tuple_with(n, |_| items.next().expect("n items"))
    }

    /// A tuple of `n` items made by `item`, in order; the shared empty tuple for none. The collector hears of it only if an item can be part
    /// of a cycle: items never change.
    #[inline]
    pub fn new_tuple_with(&mut self, n: usize, mut item: impl FnMut(usize) -> Owned) -> Owned {
        if n == 0
            && let Some(t) = self.rt.empty_tuple.fixed()
        {
            return t.to_owned();
        }
        let t = self.alloc_var_untracked(Tuple::head(n), n * 8);
        // SAFETY: `n` words were asked for behind the head.
        let slots = unsafe { (t.word().ptr() as *mut u8).add(Tuple::ITEMS) as *mut Slot };
        let mut tracked = false;
        for i in 0..n {
            let v = item(i);
            tracked |= is_tracked(v.word());
            // SAFETY: i < n; fresh memory.
            unsafe { slots.add(i).write(Slot::new(v)) }
        }
        if tracked {
            self.start_tracking(&t.payload::<Tuple>().header);
        }
        t
    }

    /// A tuple of `n` words that are moved out of `from`.
    ///
    /// # Safety
    /// Each word owns its count (OB-1) and is forgotten by the caller.
    #[inline]
    pub unsafe fn new_tuple_from_words(&mut self, from: *const Word, n: usize) -> Owned {
        // SAFETY: passed on.
        self.new_tuple_with(n, |i| unsafe { Owned::from_raw(*from.add(i)) })
    }

    /// A tuple of two.
    #[inline]
    pub fn new_pair(&mut self, a: Owned, b: Owned) -> Owned {
        let mut parts = [Some(a), Some(b)];
        self.new_tuple_with(2, |i| parts[i].take().unwrap_or_else(Owned::none))
    }

    /// A pair for an iterator to hand out: the one in `kept` again, if nobody else holds it any more.
    ///
    /// Sound because only the owner of the iterator `of` touches `kept`: an unshared object of this
    /// thread with one count is held by `kept` alone, and whoever borrows it would hold a count.
    pub(crate) fn reused_pair(&mut self, of: &Header, kept: &Slot, a: Owned, b: Owned) -> Owned {
        if !of.is_owned_by(self.owner) {
            return self.new_pair(a, b);
        }
        match kept.fixed() {
            Some(pair)
                if pair.header().is_some_and(|h| h.is_unique(self.owner))
                    && (is_tracked(pair.word()) || !is_tracked(a.word()) && !is_tracked(b.word())) =>
            {
                let tuple = pair.downcast_exact::<Tuple>().expect("a pair");
                // ORDERING Relaxed: nobody else holds it.
                tuple.hash.store(0, Ordering::Relaxed);
                for (slot, v) in tuple.items().iter().zip([a, b]) {
                    drop(crate::builtins::list::replace(slot, v));
                }
                pair.to_owned()
            }
            Some(_) => self.new_pair(a, b),
            None => {
                let pair = self.new_pair(a, b);
                kept.store_raw(pair.clone().into_raw());
                pair
            }
        }
    }

    /// An instance of a tuple subclass.
    pub fn new_tuple_as(&mut self, ty: &Type, items: Vec<Owned>) -> Owned {
        if core::ptr::eq(ty, DEF.ty()) {
            return self.new_tuple(items);
        }
        let n = items.len();
        let off = (ty.basic_size() as usize).max(Tuple::ITEMS);
        let t = self.alloc_var_as(Tuple::head(n), ty, n * 8);
        if off != Tuple::ITEMS {
            // ORDERING Relaxed: not published yet.
            t.payload::<Tuple>().header.flags.fetch_or(flags::ITEMS_BEHIND_VALUES, Ordering::Relaxed);
        }
        // SAFETY: `n` words were asked for behind the instance's values.
        let slots = unsafe { (t.word().ptr() as *mut u8).add(off) as *mut Slot };
        for (i, v) in items.into_iter().enumerate() {
            // SAFETY: i < n; fresh memory.
            unsafe { slots.add(i).write(Slot::new(v)) }
        }
        t
    }
}

/// Reports the head's items as well: they are not fields.
mod layout {
    use super::*;
    use crate::typedef::{Layout, References};
    use typhon_sync::header::Header;

    pub const LAYOUT: Layout =
        Layout { references: References::Row(row, trace), clear, drop, ..Layout::confined::<Tuple>() };

    unsafe fn row(o: *const Header) -> Option<NonNull<[Slot]>> {
        // SAFETY: used for tuples only.
        Some(NonNull::from(unsafe { (*(o as *const Tuple)).items() }))
    }
    unsafe fn trace(o: *const Header, visit: &mut dyn FnMut(Word)) {
        // SAFETY: used for tuples only.
        unsafe { (*(o as *const Tuple)).items() }.iter().for_each(|slot| crate::Trace::trace(slot, visit))
    }
    unsafe fn clear(_: *mut Header, _: &mut dyn FnMut(Word)) {
        // A tuple stays whole: a cycle through it is broken at its mutable members.
    }
    unsafe fn drop(o: *mut Header) {
        // SAFETY: used for tuples only, once.
        let items = unsafe { (*(o as *const Tuple)).items() };
        // SAFETY: the tuple is dead: nobody else looks at its slots.
        unsafe { crate::object::drop_words(crate::thread::me(), items.iter().map(Slot::peek)) }
    }
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::TUPLE),
    kind: kind::TUPLE,
    flags: type_flags::GC
        | type_flags::BASE
        | type_flags::SEQUENCE
        | type_flags::MATCH_SELF
        | type_flags::VAR_SIZED,
    layout: layout::LAYOUT,
    doc: "Built-in immutable sequence.\n\nIf no argument is given, the constructor returns an empty tuple.\nIf \
          iterable is specified the tuple is initialized from iterable's items.\n\nIf the argument is a tuple, \
          the return value is the same object.",
    slots: methods::SLOTS,
    methods: methods::METHODS,
    ..TypeDef::of::<Tuple>("tuple")
};
