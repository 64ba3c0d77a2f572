//! `TypeVar`.

use super::{Lazy, Variance, call_typing, given_default, marked_repr, set_module, type_check, union};
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{Args, ArgsExt, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{GetSetDef, NativeDef, TypeDef, type_flags};
use crate::types::Type;

crate::payload! {
    /// `typing.TypeVar`.
    pub struct TypeVar: TYPE_VAR {
        name: Slot,
        bound: Lazy,
        constraints: Lazy,
        pub(super) default: Lazy,
        variance: Variance,
    }
}

pub static TYPE_VAR: TypeDef = TypeDef {
    module: "typing",
    flags: type_flags::GC | type_flags::DICT | type_flags::WEAKREF | type_flags::IMMUTABLE,
    doc: "Type variable.\n\nThe preferred way to construct a type variable is via the dedicated\nsyntax for generic \
          functions, classes, and type aliases::\n\n    class Sequence[T]:  # T is a TypeVar\n        ...",
    slots: Slots {
        new: Some(new),
        repr: Some(|th, o| {
            let t = of(o);
            marked_repr(th, &t.name, t.variance)
        }),
        or: Some(union),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new(
            "__typing_subst__",
            "($self, arg, /)",
            |th, a| call_typing(th, "_typevar_subst", &[a[0], a[1]]),
            "",
        ),
        NativeDef::new("__typing_prepare_subst__", "($self, alias, args, /)", prepare_subst, ""),
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
            |th, _| Err(super::cannot_subclass(th, "TypeVar")),
            "",
        ),
    ],
    getset: &[
        GetSetDef::get("__name__", |_, o| Ok(name_of(o))),
        GetSetDef::get("__covariant__", |_, o| Ok(Owned::bool(of(o).variance == Variance::Covariant))),
        GetSetDef::get("__contravariant__", |_, o| {
            Ok(Owned::bool(of(o).variance == Variance::Contravariant))
        }),
        GetSetDef::get("__infer_variance__", |_, o| Ok(Owned::bool(of(o).variance == Variance::Inferred))),
        GetSetDef::get("__bound__", |th, o| Ok(of(o).bound.get(th, o)?.unwrap_or_else(Owned::none))),
        GetSetDef::get("__constraints__", |th, o| match of(o).constraints.get(th, o)? {
            Some(c) => Ok(c),
            None => Ok(th.new_tuple(vec![])),
        }),
        GetSetDef::get("__default__", |th, o| super::default_of(th, o, &of(o).default)),
        GetSetDef::get("evaluate_bound", |th, o| {
            Ok(of(o).bound.evaluator(th, o).unwrap_or_else(Owned::none))
        }),
        GetSetDef::get("evaluate_constraints", |th, o| {
            Ok(of(o).constraints.evaluator(th, o).unwrap_or_else(Owned::none))
        }),
        GetSetDef::get("evaluate_default", |th, o| {
            Ok(of(o).default.evaluator(th, o).unwrap_or_else(Owned::none))
        }),
    ],
    ..TypeDef::of::<TypeVar>("TypeVar")
};

fn of<'a>(o: Borrowed<'a>) -> &'a TypeVar {
    o.downcast().expect("checked by the slot's type")
}

fn name_of(o: Borrowed<'_>) -> Owned {
    of(o).name.fixed().unwrap_or(Borrowed::none()).to_owned()
}

/// A type variable of PEP 695 syntax, with a lazy bound or lazy constraints.
pub fn make_typevar(
    th: &mut Thread,
    name: Borrowed<'_>,
    bound: Option<Borrowed<'_>>,
    constraints: Option<Borrowed<'_>>,
) -> PyResult {
    let t = th.alloc(TypeVar {
        header: unborn(),
        name: Slot::new(name.to_owned()),
        bound: Lazy::late(bound),
        constraints: Lazy::late(constraints),
        default: Lazy::none(),
        variance: Variance::Inferred,
    });
    set_module(th, t.borrow())?;
    Ok(t)
}

fn new(th: &mut Thread, _: &Type, args: Args<'_>) -> PyResult {
    const SIG: &str = "(name, *constraints, bound=None, default=typing.NoDefault, covariant=False, \
                       contravariant=False, infer_variance=False)";
    let a = crate::signature::bind(th, "typevar", SIG, args)?;
    super::expect_name(th, "TypeVar", a[0])?;
    let given = a[1].downcast::<Tuple>().map_or(0, |t| t.len());
    let variance = Variance::from_flags(th, a.opt(4), a.opt(5), a.opt(6))?;
    let bound = match a.some(2) {
        Some(b) => Some(type_check(th, b, "Bound must be a type.")?),
        None => None,
    };
    let constraints = match given {
        0 => None,
        1 => return Err(th.type_error("A single constraint is not allowed")),
        _ if bound.is_some() => return Err(th.type_error("Constraints cannot be combined with bound=...")),
        _ => {
            let mut checked = Vec::with_capacity(given);
            for c in a[1].to_vec(th)? {
                checked.push(type_check(
                    th,
                    c.borrow(),
                    "TypeVar(name, constraint, ...): constraints must be types.",
                )?);
            }
            Some(th.new_tuple(checked))
        }
    };
    let default = given_default(th, a.opt(3));
    let t = th.alloc(TypeVar {
        header: unborn(),
        name: Slot::new(a[0].to_owned()),
        bound: Lazy::known(bound),
        constraints: Lazy::known(constraints),
        default,
        variance,
    });
    set_module(th, t.borrow())?;
    Ok(t)
}

/// Adds the default where an alias has one argument too few.
fn prepare_subst(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (parameter, alias, args) = (a[0], a[1], a[2]);
    let parameters = alias.getattr_str(th, "__parameters__")?;
    let given = args.len(th)?;
    let mut index = None;
    for (i, p) in parameters.borrow().to_vec(th)?.into_iter().enumerate() {
        if p.is(parameter.word()) {
            index = Some(i);
            break;
        }
    }
    let index = index.unwrap_or(0);
    if index < given {
        return Ok(args.to_owned());
    }
    if index == given && super::has_default(th, parameter, &of(parameter).default)?.borrow().truth(th)? {
        let default = super::default_of(th, parameter, &of(parameter).default)?;
        let mut items = args.to_vec(th)?;
        items.push(default);
        return Ok(th.new_tuple(items));
    }
    let msg =
        format!("Too few arguments for {}; actual {given}, expected {}", alias.str_text(th)?, index + 1);
    Err(th.type_error(&msg))
}
