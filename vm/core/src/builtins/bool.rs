//! `bool`: two constants of the word.

use crate::typedef::{TypeDef, TypeId, kind, type_flags};

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::BOOL),
    base: Some(&super::int::DEF),
    kind: kind::INT,
    flags: type_flags::MATCH_SELF,
    ..TypeDef::of::<super::int::BigInt>("bool")
};
