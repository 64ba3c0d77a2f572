//! `dict`.

use core::sync::atomic::AtomicPtr;

use crate::object::{Borrowed, Data, Owned, PyResult};
use crate::thread::{Thread, unborn};
use crate::typedef::{TypeDef, TypeId, kind, type_flags};
use crate::word::Word;

/// One published buffer of a dict: sizes, index table, entries in insertion order.
#[repr(C)]
pub struct Table {
    /// Identity of this set of keys at these places, for caches; 0 = not asked for yet. Reset to 0 by
    /// every insertion of a new key and every deletion; unchanged when a value is replaced.
    pub version: core::sync::atomic::AtomicU32,
}

crate::payload! {
    /// A dict.
    pub struct Dict: DEF {
        pub table: Data<AtomicPtr<Table>>,
    }
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::DICT),
    kind: kind::DICT,
    flags: type_flags::GC | type_flags::BASE | type_flags::MAPPING | type_flags::MATCH_SELF,
    ..TypeDef::of::<Dict>("dict")
};

impl Dict {
    pub fn len(&self) -> usize {
        0
    }
    /// The value under `key`. Errors: what `__hash__` and `__eq__` raise.
    pub fn get(&self, _th: &mut Thread, _key: Borrowed<'_>) -> PyResult<Option<Owned>> {
        Ok(None)
    }
    /// The value under an interned str (cannot raise; skips keys that are not exact strs only if hash and
    /// text differ, so it is exact for namespaces).
    pub fn get_interned(&self, _name: Word) -> Option<Owned> {
        None
    }
    pub fn set(&self, _th: &mut Thread, _key: Borrowed<'_>, _value: Owned) -> PyResult<()> {
        Ok(())
    }
    /// Removes a key; its value, or `None` if it was not there.
    pub fn remove(&self, _th: &mut Thread, _key: Borrowed<'_>) -> PyResult<Option<Owned>> {
        Ok(None)
    }
    /// The entry at or behind position `*pos` in insertion order; advances `*pos` behind it.
    pub fn next_entry(&self, _pos: &mut usize) -> Option<(Owned, Owned)> {
        None
    }
    /// A snapshot of the entries.
    pub fn entries(&self) -> Vec<(Owned, Owned)> {
        Vec::new()
    }
}

impl Thread {
    /// An empty dict.
    pub fn new_dict(&mut self) -> Owned {
        self.alloc(Dict { header: unborn(), table: Data(AtomicPtr::new(core::ptr::null_mut())) })
    }
}
