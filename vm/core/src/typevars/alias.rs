//! `TypeAliasType`: what the `type` statement makes.

use super::{Lazy, union};
use crate::builtins::str::Str;
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{Args, ArgsExt, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{GetSetDef, NativeDef, TypeDef, type_flags};
use crate::types::Type;

crate::payload! {
    /// `typing.TypeAliasType`.
    pub struct TypeAlias: TYPE_ALIAS {
        name: Slot,
        /// Tuple, or empty.
        type_params: Slot,
        value: Lazy,
        module: Slot,
    }
}

pub static TYPE_ALIAS: TypeDef = TypeDef {
    module: "typing",
    flags: type_flags::GC | type_flags::WEAKREF | type_flags::IMMUTABLE,
    doc: "Type alias.\n\nType aliases are created through the type statement::\n\n    type Alias = int",
    slots: Slots {
        new: Some(new),
        repr: Some(|_, o| Ok(name_of(o))),
        iter: Some(super::unpack_iterator),
        getitem: Some(getitem),
        or: Some(union),
        ..Slots::NONE
    },
    methods: &[NativeDef::new("__reduce__", "($self, /)", |_, a| Ok(name_of(a[0])), "")],
    getset: &[
        GetSetDef::get("__name__", |_, o| Ok(name_of(o))),
        GetSetDef::get("__value__", |th, o| Ok(of(o).value.get(th, o)?.unwrap_or_else(Owned::none))),
        GetSetDef::get("evaluate_value", |th, o| {
            Ok(of(o).value.evaluator(th, o).unwrap_or_else(Owned::none))
        }),
        GetSetDef::get("__type_params__", |th, o| match of(o).type_params.fixed() {
            Some(p) => Ok(p.to_owned()),
            None => Ok(th.new_tuple(vec![])),
        }),
        GetSetDef::get("__parameters__", parameters),
        GetSetDef::get("__module__", |_, o| Ok(of(o).module.fixed().unwrap_or(Borrowed::none()).to_owned())),
    ],
    ..TypeDef::of::<TypeAlias>("TypeAliasType")
};

fn of<'a>(o: Borrowed<'a>) -> &'a TypeAlias {
    o.downcast().expect("checked by the slot's type")
}

fn name_of(o: Borrowed<'_>) -> Owned {
    of(o).name.fixed().unwrap_or(Borrowed::none()).to_owned()
}

fn running_module(th: &mut Thread) -> PyResult<Slot> {
    match th.sys_get("_getframemodulename") {
        Some(f) => Ok(Slot::new(f.borrow().call(th, &[])?)),
        None => Ok(Slot::empty()),
    }
}

/// The alias of a `type` statement. `parts` is the tuple `(name, type parameters or None, evaluator)`.
pub fn make_type_alias(th: &mut Thread, parts: Borrowed<'_>) -> PyResult {
    let parts = parts.downcast::<Tuple>().filter(|t| t.len() == 3);
    let Some(parts) = parts else { return Err(th.system_error("a type alias is made of three parts")) };
    let type_params = Some(parts.get(1)).filter(|p| !p.is_none()).map(Borrowed::to_owned);
    let module = running_module(th)?;
    Ok(th.alloc(TypeAlias {
        header: unborn(),
        name: Slot::new(parts.get(0).to_owned()),
        type_params: Slot::from_option(type_params),
        value: Lazy::late(Some(parts.get(2))),
        module,
    }))
}

fn new(th: &mut Thread, _: &Type, args: Args<'_>) -> PyResult {
    let a = crate::signature::bind(th, "typealias", "(name, value, *, type_params=())", args)?;
    if a[0].downcast::<Str>().is_none() {
        let msg = format!("typealias() argument 'name' must be str, not {}", a[0].type_name(th));
        return Err(th.type_error(&msg));
    }
    let type_params = match a.opt(2) {
        None => None,
        Some(p) => {
            let Some(t) = p.downcast::<Tuple>() else {
                return Err(th.type_error("type_params must be a tuple"));
            };
            check_params(th, t)?;
            Some(p.to_owned()).filter(|_| !t.is_empty())
        }
    };
    let module = running_module(th)?;
    Ok(th.alloc(TypeAlias {
        header: unborn(),
        name: Slot::new(a[0].to_owned()),
        type_params: Slot::from_option(type_params),
        value: Lazy::known(Some(a[1].to_owned())),
        module,
    }))
}

/// Every member is a type parameter, and those without a default come first.
fn check_params(th: &mut Thread, params: &Tuple) -> PyResult<()> {
    let mut default_seen = false;
    for p in params.iter() {
        let has_default = if let Some(v) = p.downcast::<super::type_var::TypeVar>() {
            super::has_default(th, p, &v.default)?
        } else if let Some(v) = p.downcast::<super::param_spec::ParamSpec>() {
            super::has_default(th, p, &v.default)?
        } else if let Some(v) = p.downcast::<super::type_var_tuple::TypeVarTuple>() {
            super::has_default(th, p, &v.default)?
        } else {
            let msg = format!("Expected a type param, got {}", p.repr_text(th)?);
            return Err(th.type_error(&msg));
        };
        if has_default.borrow().truth(th)? {
            default_seen = true;
        } else if default_seen {
            let msg =
                format!("non-default type parameter '{}' follows default type parameter", p.repr_text(th)?);
            return Err(th.type_error(&msg));
        }
    }
    Ok(())
}

/// The type parameters, with type variable tuples unpacked.
fn parameters(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    match of(o).type_params.fixed() {
        Some(p) => super::generic::unpacked(th, p),
        None => Ok(th.new_tuple(vec![])),
    }
}

fn getitem(th: &mut Thread, o: Borrowed<'_>, item: Borrowed<'_>) -> PyResult {
    if of(o).type_params.is_empty() {
        return Err(th.type_error("Only generic type aliases are subscriptable"));
    }
    crate::builtins::generic_alias::new(th, o, item)
}
