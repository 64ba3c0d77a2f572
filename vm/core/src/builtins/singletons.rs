//! `None`, `NotImplemented` and `Ellipsis`: constants of the word.

use super::object::Object;
use crate::typedef::{TypeDef, TypeId};

pub static NONE: TypeDef =
    TypeDef { id: TypeId::fixed(super::ids::NONE), flags: 0, ..TypeDef::of::<Object>("NoneType") };
pub static NOT_IMPLEMENTED: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::NOT_IMPLEMENTED),
    flags: 0,
    ..TypeDef::of::<Object>("NotImplementedType")
};
pub static ELLIPSIS: TypeDef =
    TypeDef { id: TypeId::fixed(super::ids::ELLIPSIS), flags: 0, ..TypeDef::of::<Object>("ellipsis") };
