//! `ParamSpec`, its `args` and `kwargs`.

use super::{Lazy, Variance, call_typing, given_default, marked_repr, set_module, type_check, union};
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{Args, ArgsExt, CompareOp, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{GetSetDef, NativeDef, TypeDef, type_flags};
use crate::types::Type;

crate::payload! {
    /// `typing.ParamSpec`.
    pub struct ParamSpec: PARAM_SPEC {
        name: Slot,
        bound: Slot,
        pub(super) default: Lazy,
        variance: Variance,
    }
}

pub static PARAM_SPEC: TypeDef = TypeDef {
    module: "typing",
    flags: type_flags::GC | type_flags::DICT | type_flags::WEAKREF | type_flags::IMMUTABLE,
    doc: "Parameter specification variable.\n\nThe preferred way to construct a parameter specification is via \
          the\ndedicated syntax for generic functions, classes, and type aliases,\nwhere the use of '**' creates a \
          parameter specification::\n\n    type IntFunc[**P] = Callable[P, int]",
    slots: Slots {
        new: Some(new),
        repr: Some(|th, o| {
            let p = of(o);
            marked_repr(th, &p.name, p.variance)
        }),
        or: Some(union),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new(
            "__typing_subst__",
            "($self, arg, /)",
            |th, a| call_typing(th, "_paramspec_subst", &[a[0], a[1]]),
            "",
        ),
        NativeDef::new(
            "__typing_prepare_subst__",
            "($self, alias, args, /)",
            |th, a| call_typing(th, "_paramspec_prepare_subst", &[a[0], a[1], a[2]]),
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
            |th, _| Err(super::cannot_subclass(th, "ParamSpec")),
            "",
        ),
    ],
    getset: &[
        GetSetDef::get("__name__", |_, o| Ok(name_of(o))),
        GetSetDef::get("__bound__", |_, o| Ok(of(o).bound.fixed().unwrap_or(Borrowed::none()).to_owned())),
        GetSetDef::get("__covariant__", |_, o| Ok(Owned::bool(of(o).variance == Variance::Covariant))),
        GetSetDef::get("__contravariant__", |_, o| {
            Ok(Owned::bool(of(o).variance == Variance::Contravariant))
        }),
        GetSetDef::get("__infer_variance__", |_, o| Ok(Owned::bool(of(o).variance == Variance::Inferred))),
        GetSetDef::get("__default__", |th, o| super::default_of(th, o, &of(o).default)),
        GetSetDef::get("evaluate_default", |th, o| {
            Ok(of(o).default.evaluator(th, o).unwrap_or_else(Owned::none))
        }),
        GetSetDef::get("args", |th, o| {
            Ok(th.alloc(ParamSpecArgs { header: unborn(), origin: Slot::new(o.to_owned()) }))
        }),
        GetSetDef::get("kwargs", |th, o| {
            Ok(th.alloc(ParamSpecKwargs { header: unborn(), origin: Slot::new(o.to_owned()) }))
        }),
    ],
    ..TypeDef::of::<ParamSpec>("ParamSpec")
};

fn of<'a>(o: Borrowed<'a>) -> &'a ParamSpec {
    o.downcast().expect("checked by the slot's type")
}

fn name_of(o: Borrowed<'_>) -> Owned {
    of(o).name.fixed().unwrap_or(Borrowed::none()).to_owned()
}

/// A parameter specification of PEP 695 syntax.
pub fn make_paramspec(th: &mut Thread, name: Borrowed<'_>) -> PyResult {
    let p = th.alloc(ParamSpec {
        header: unborn(),
        name: Slot::new(name.to_owned()),
        bound: Slot::empty(),
        default: Lazy::none(),
        variance: Variance::Inferred,
    });
    set_module(th, p.borrow())?;
    Ok(p)
}

fn new(th: &mut Thread, _: &Type, args: Args<'_>) -> PyResult {
    const SIG: &str = "(name, *, bound=None, default=typing.NoDefault, covariant=False, contravariant=False, \
                       infer_variance=False)";
    let a = crate::signature::bind(th, "paramspec", SIG, args)?;
    super::expect_name(th, "ParamSpec", a[0])?;
    let variance = Variance::from_flags(th, a.opt(3), a.opt(4), a.opt(5))?;
    let bound = match a.some(1) {
        Some(b) => Some(type_check(th, b, "Bound must be a type.")?),
        None => None,
    };
    let default = given_default(th, a.opt(2));
    let p = th.alloc(ParamSpec {
        header: unborn(),
        name: Slot::new(a[0].to_owned()),
        bound: Slot::from_option(bound),
        default,
        variance,
    });
    set_module(th, p.borrow())?;
    Ok(p)
}

crate::payload! {
    /// `P.args`
    pub struct ParamSpecArgs: ARGS {
        origin: Slot,
    }
}

crate::payload! {
    /// `P.kwargs`
    pub struct ParamSpecKwargs: KWARGS {
        origin: Slot,
    }
}

macro_rules! part {
    ($def:ident $payload:ident $name:literal $suffix:literal) => {
        pub static $def: TypeDef = TypeDef {
            module: "typing",
            flags: type_flags::GC | type_flags::WEAKREF | type_flags::IMMUTABLE,
            slots: Slots {
                new: Some(|th, _, args| {
                    let a = crate::signature::bind(th, $name, "(origin)", args)?;
                    Ok(th.alloc($payload { header: unborn(), origin: Slot::new(a[0].to_owned()) }))
                }),
                repr: Some(|th, o| {
                    let origin = origin::<$payload>(o, |p| &p.origin);
                    let text = match origin.downcast::<ParamSpec>() {
                        Some(_) => name_of(origin).borrow().str_text(th)?,
                        None => origin.repr_text(th)?,
                    };
                    Ok(th.new_str(&format!("{text}{}", $suffix)))
                }),
                compare: Some(|th, a, b, op| {
                    if !matches!(op, CompareOp::Eq | CompareOp::Ne) || b.downcast::<$payload>().is_none() {
                        return Ok(Owned::not_implemented());
                    }
                    let (x, y) = (origin::<$payload>(a, |p| &p.origin), origin::<$payload>(b, |p| &p.origin));
                    x.compare(th, y, op)
                }),
                hash: Some(|th, o| origin::<$payload>(o, |p| &p.origin).hash(th)),
                ..Slots::NONE
            },
            methods: &[NativeDef::new(
                "__mro_entries__",
                "($self, bases, /)",
                |th, _| Err(super::cannot_subclass(th, $name)),
                "",
            )],
            getset: &[GetSetDef::get("__origin__", |_, o| {
                Ok(origin::<$payload>(o, |p| &p.origin).to_owned())
            })],
            ..TypeDef::of::<$payload>($name)
        };
    };
}

part!(ARGS ParamSpecArgs "ParamSpecArgs" ".args");
part!(KWARGS ParamSpecKwargs "ParamSpecKwargs" ".kwargs");

fn origin<'a, T: crate::Payload>(o: Borrowed<'a>, f: impl Fn(&'a T) -> &'a Slot) -> Borrowed<'a> {
    let p: &'a T = o.downcast().expect("checked by the slot's type");
    f(p).fixed().unwrap_or(Borrowed::none())
}
