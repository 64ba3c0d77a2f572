//! `TypeVarTuple`.

use super::{Lazy, call_typing, given_default, set_module};
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{Args, ArgsExt, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{GetSetDef, NativeDef, TypeDef, type_flags};
use crate::types::Type;

crate::payload! {
    /// `typing.TypeVarTuple`.
    pub struct TypeVarTuple: TYPE_VAR_TUPLE {
        name: Slot,
        pub(super) default: Lazy,
    }
}

pub static TYPE_VAR_TUPLE: TypeDef = TypeDef {
    module: "typing",
    flags: type_flags::GC | type_flags::DICT | type_flags::WEAKREF | type_flags::IMMUTABLE,
    doc: "Type variable tuple. A specialized form of type variable that enables\nvariadic generics.",
    slots: Slots {
        new: Some(new),
        repr: Some(|_, o| Ok(name_of(o))),
        iter: Some(super::unpack_iterator),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new(
            "__typing_subst__",
            "($self, arg, /)",
            |th, _| Err(th.type_error("Substitution of bare TypeVarTuple is not supported")),
            "",
        ),
        NativeDef::new(
            "__typing_prepare_subst__",
            "($self, alias, args, /)",
            |th, a| call_typing(th, "_typevartuple_prepare_subst", &[a[0], a[1], a[2]]),
            "",
        ),
        NativeDef::new("__reduce__", "($self, /)", |_, a| Ok(name_of(a[0])), ""),
        NativeDef::new(
            "has_default",
            "($self, /)",
            |th, a| super::has_default(th, a[0], &of(a[0]).default),
            "",
        ),
        NativeDef::new(
            "__mro_entries__",
            "($self, bases, /)",
            |th, _| Err(super::cannot_subclass(th, "TypeVarTuple")),
            "",
        ),
    ],
    getset: &[
        GetSetDef::get("__name__", |_, o| Ok(name_of(o))),
        GetSetDef::get("__default__", |th, o| super::default_of(th, o, &of(o).default)),
        GetSetDef::get("evaluate_default", |th, o| {
            Ok(of(o).default.evaluator(th, o).unwrap_or_else(Owned::none))
        }),
    ],
    ..TypeDef::of::<TypeVarTuple>("TypeVarTuple")
};

fn of<'a>(o: Borrowed<'a>) -> &'a TypeVarTuple {
    o.downcast().expect("checked by the slot's type")
}

fn name_of(o: Borrowed<'_>) -> Owned {
    of(o).name.fixed().unwrap_or(Borrowed::none()).to_owned()
}

/// A type variable tuple of PEP 695 syntax.
pub fn make_typevartuple(th: &mut Thread, name: Borrowed<'_>) -> PyResult {
    let t =
        th.alloc(TypeVarTuple { header: unborn(), name: Slot::new(name.to_owned()), default: Lazy::none() });
    set_module(th, t.borrow())?;
    Ok(t)
}

fn new(th: &mut Thread, _: &Type, args: Args<'_>) -> PyResult {
    let a = crate::signature::bind(th, "typevartuple", "(name, *, default=typing.NoDefault)", args)?;
    super::expect_name(th, "TypeVarTuple", a[0])?;
    let default = given_default(th, a.opt(1));
    let t = th.alloc(TypeVarTuple { header: unborn(), name: Slot::new(a[0].to_owned()), default });
    set_module(th, t.borrow())?;
    Ok(t)
}
