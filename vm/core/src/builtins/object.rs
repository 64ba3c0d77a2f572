//! `object`.

use crate::object::{Borrowed, PyResult};
use crate::thread::Thread;
use crate::typedef::{TypeDef, TypeId, type_flags};

crate::payload! {
    /// A bare instance: attributes, if any, are values of its class.
    pub struct Object: DEF {}
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::OBJECT),
    flags: type_flags::BASE,
    ..TypeDef::of::<Object>("object")
};

/// `<module.Type object at 0x…>`
pub fn default_repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let text = format!("<{} object at {:#x}>", o.ty().display_name(), o.word().identity());
    Ok(th.new_str(&text))
}
