//! `type`: making classes, looking attributes up in them, calling them.

use crate::object::{Borrowed, Owned, PyResult};
use crate::thread::Thread;
use crate::typedef::{TypeDef, TypeId, kind, type_flags};
use crate::types::Type;

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::TYPE),
    kind: kind::TYPE,
    flags: type_flags::BASE | type_flags::GC | type_flags::DEFERRED,
    ..TypeDef::of::<Type>("type")
};

impl Type {
    /// The attribute `name` (interned str) of the class or the first base that has it, unbound.
    /// Fast through a cache.
    pub fn lookup(&self, _name: Borrowed<'_>) -> Option<Owned> {
        None
    }
    /// `__name__` for messages.
    pub fn display_name(&self) -> String {
        String::new()
    }
}

/// `cls[item]` through `__class_getitem__`, or the TypeError for what is not subscriptable.
pub fn class_getitem(th: &mut Thread, _obj: Borrowed<'_>, _key: Borrowed<'_>) -> PyResult {
    Err(th.type_error("object is not subscriptable"))
}

/// `isinstance(obj, class_or_tuple_or_union)`
pub fn isinstance(_th: &mut Thread, _obj: Borrowed<'_>, _class: Borrowed<'_>) -> PyResult<bool> {
    Ok(false)
}

/// `issubclass(cls, class_or_tuple_or_union)`
pub fn issubclass(_th: &mut Thread, _cls: Borrowed<'_>, _class: Borrowed<'_>) -> PyResult<bool> {
    Ok(false)
}
