//! `None`, `NotImplemented` and `Ellipsis`: constants of the word.

use super::object::Object;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::{Args, Slots};
use crate::thread::Thread;
use crate::typedef::{NativeDef, TypeDef, TypeId};
use crate::types::Type;
use crate::word::Word;

pub static NONE: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::NONE),
    flags: 0,
    doc: "The type of the None singleton.",
    slots: Slots {
        repr: Some(none_repr),
        hash: Some(none_hash),
        bool: Some(|_, _| Ok(false)),
        new: Some(none_new),
        ..Slots::NONE
    },
    ..TypeDef::of::<Object>("NoneType")
};

pub static NOT_IMPLEMENTED: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::NOT_IMPLEMENTED),
    flags: 0,
    doc: "The type of the NotImplemented singleton.",
    slots: Slots {
        repr: Some(not_implemented_repr),
        bool: Some(not_implemented_bool),
        new: Some(not_implemented_new),
        ..Slots::NONE
    },
    methods: &[NativeDef::new("__reduce__", "($self, /)", not_implemented_reduce, "")],
    ..TypeDef::of::<Object>("NotImplementedType")
};

pub static ELLIPSIS: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::ELLIPSIS),
    flags: 0,
    doc: "The type of the Ellipsis singleton.",
    slots: Slots { repr: Some(ellipsis_repr), new: Some(ellipsis_new), ..Slots::NONE },
    methods: &[NativeDef::new("__reduce__", "($self, /)", ellipsis_reduce, "")],
    ..TypeDef::of::<Object>("ellipsis")
};

fn none_repr(th: &mut Thread, _o: Borrowed<'_>) -> PyResult {
    Ok(th.rt.names.none_.get().to_owned())
}

fn none_hash(_th: &mut Thread, _o: Borrowed<'_>) -> PyResult<i64> {
    Ok(typhon_text::hash::NONE)
}

fn not_implemented_repr(th: &mut Thread, _o: Borrowed<'_>) -> PyResult {
    Ok(th.intern("NotImplemented"))
}

fn not_implemented_bool(th: &mut Thread, _o: Borrowed<'_>) -> PyResult<bool> {
    Err(th.type_error("NotImplemented should not be used in a boolean context"))
}

fn not_implemented_reduce(th: &mut Thread, _a: &[Borrowed<'_>]) -> PyResult {
    Ok(th.intern("NotImplemented"))
}

fn ellipsis_repr(th: &mut Thread, _o: Borrowed<'_>) -> PyResult {
    Ok(th.intern("Ellipsis"))
}

fn ellipsis_reduce(th: &mut Thread, _a: &[Borrowed<'_>]) -> PyResult {
    Ok(th.intern("Ellipsis"))
}

/// The constructor of a singleton's type.
fn only(th: &mut Thread, args: Args<'_>, name: &str, value: Word) -> PyResult {
    if !args.all.is_empty() {
        return Err(th.type_error(&format!("{name} takes no arguments")));
    }
    Ok(Owned::from_const(value))
}

fn none_new(th: &mut Thread, _ty: &Type, args: Args<'_>) -> PyResult {
    only(th, args, "NoneType", Word::NONE)
}

fn not_implemented_new(th: &mut Thread, _ty: &Type, args: Args<'_>) -> PyResult {
    only(th, args, "NotImplementedType", Word::NOT_IMPLEMENTED)
}

fn ellipsis_new(th: &mut Thread, _ty: &Type, args: Args<'_>) -> PyResult {
    only(th, args, "EllipsisType", Word::ELLIPSIS)
}
