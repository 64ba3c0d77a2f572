//! `list`.

use core::sync::atomic::{AtomicPtr, AtomicUsize};

use crate::object::{Data, Owned, Slot};
use crate::thread::{Thread, unborn};
use crate::typedef::{TypeDef, TypeId, kind, type_flags};

crate::payload! {
    /// A list: a buffer of slots that carries its own capacity, published by one pointer.
    ///
    /// Writers hold the object's lock. Readers load `items`, then a slot, and re-check
    /// ([`Slot::get`]); a buffer that a stranger may be reading (FOREIGN) is retired, not freed.
    pub struct List: DEF {
        pub len: AtomicUsize,
        /// Points at slot 0; the capacity lies one word in front. Dangling-free: null when empty.
        pub items: Data<AtomicPtr<Slot>>,
    }
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::LIST),
    kind: kind::LIST,
    flags: type_flags::GC | type_flags::BASE | type_flags::SEQUENCE | type_flags::MATCH_SELF,
    ..TypeDef::of::<List>("list")
};

impl List {
    /// A snapshot of the items.
    pub fn to_vec(&self) -> Vec<Owned> {
        Vec::new()
    }
    /// Item `i` now, if there is one. No lock on the common path.
    pub fn get(&self, _i: usize) -> Option<Owned> {
        None
    }
    pub fn len(&self) -> usize {
        0
    }
    /// `list.append`
    pub fn push(&self, _v: Owned) {}
}

impl Thread {
    /// A list of these items.
    pub fn new_list(&mut self, _items: Vec<Owned>) -> Owned {
        self.alloc(List {
            header: unborn(),
            len: AtomicUsize::new(0),
            items: Data(AtomicPtr::new(core::ptr::null_mut())),
        })
    }
}
