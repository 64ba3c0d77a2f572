//! `ContextVar`.

use typhon_core::builtins::exceptions as ex;
use typhon_core::builtins::str::Str;
use typhon_core::{
    Args, ArgsExt, Borrowed, GetSetDef, NativeDef, Owned, PyResult, Slot, Slots, Thread, Type, TypeDef,
    payload, signature, type_flags, unborn,
};

use super::token::{self, Token};
use super::{Context, current};
use crate::args::this;

payload! {
    /// `contextvars.ContextVar`. Its hash is its identity.
    pub struct ContextVar: CONTEXT_VAR {
        name: Slot,
        default: Slot,
    }
}

pub static CONTEXT_VAR: TypeDef = TypeDef {
    module: "_contextvars",
    flags: type_flags::GC,
    slots: Slots { new: Some(new), repr: Some(repr), ..Slots::NONE },
    methods: &[
        NativeDef::new(
            "get",
            "($self, default=<unrepresentable>, /)",
            get,
            "Return a value for the context variable for the current context.\n\nIf there is no value for the variable \
             in the current context, the method will:\n * return the value of the default argument of the method, if \
             provided; or\n * return the default value for the context variable, if it was created\n   with one; or\n * \
             raise a LookupError.",
        ),
        NativeDef::new(
            "set",
            "($self, value, /)",
            set,
            "Call to set a new value for the context variable in the current context.\n\nThe required *value* argument \
             is the new value for the context variable.\n\nReturns a Token object that can be used to restore the \
             variable to its previous\nvalue via the `ContextVar.reset()` method.",
        ),
        NativeDef::new(
            "reset",
            "($self, token, /)",
            |th, a| reset(th, a[0], a[1]).map(|()| Owned::none()),
            "Reset the context variable.\n\nThe variable is reset to the value it had before the `ContextVar.set()` \
             that\ncreated the token was used.",
        ),
        typhon_core::builtins::generic_alias::CLASS_GETITEM,
    ],
    getset: &[GetSetDef::get("name", |_, o| {
        Ok(this::<ContextVar>(o).name.fixed().unwrap_or(Borrowed::none()).to_owned())
    })],
    ..TypeDef::of::<ContextVar>("ContextVar")
};

fn new(th: &mut Thread, _: &Type, args: Args<'_>) -> PyResult {
    let a = signature::bind(th, "ContextVar", "(name, /, *, default=<unrepresentable>)", args)?;
    if a[0].downcast::<Str>().is_none() {
        return Err(th.type_error("context variable name must be a str"));
    }
    let default = Slot::from_option(a.opt(1).map(Borrowed::to_owned));
    Ok(th.alloc(ContextVar { header: unborn(), name: Slot::new(a[0].to_owned()), default }))
}

/// A variable without a default.
pub(super) fn new_named(th: &mut Thread, name: &str) -> Owned {
    let name = th.new_str(name);
    th.alloc(ContextVar { header: unborn(), name: Slot::new(name), default: Slot::empty() })
}

fn get(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let var: &ContextVar = this(a[0]);
    let now = current(th);
    if let Some(v) = now.payload::<Context>().value(th, a[0])? {
        return Ok(v);
    }
    match a.opt(1).or(var.default.fixed()) {
        Some(d) => Ok(d.to_owned()),
        None => Err(th.raise_value(&ex::LOOKUP_ERROR, a[0].to_owned())),
    }
}

fn set(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let now = current(th);
    let c = now.payload::<Context>();
    let old = c.value(th, a[0])?;
    c.set(th, a[0], a[1].to_owned())?;
    Ok(token::new(th, now.clone(), a[0].to_owned(), old))
}

/// `variable.reset(token)`
pub(super) fn reset(th: &mut Thread, var: Borrowed<'_>, t: Borrowed<'_>) -> PyResult<()> {
    let Some(token) = t.downcast::<Token>() else {
        let msg = format!("expected an instance of Token, got {}", t.repr_text(th)?);
        return Err(th.type_error(&msg));
    };
    if token.is_used() {
        let msg = format!("{} has already been used once", t.repr_text(th)?);
        return Err(th.runtime_error(&msg));
    }
    if !token.variable().is(var.word()) {
        let msg = format!("{} was created by a different ContextVar", t.repr_text(th)?);
        return Err(th.value_error(&msg));
    }
    let now = current(th);
    if !token.context().is(now.word()) {
        let msg = format!("{} was created in a different Context", t.repr_text(th)?);
        return Err(th.value_error(&msg));
    }
    if token.use_up() {
        let msg = format!("{} has already been used once", t.repr_text(th)?);
        return Err(th.runtime_error(&msg));
    }
    let c = now.payload::<Context>();
    match token.old() {
        Some(v) => c.set(th, var, v.to_owned()),
        None => c.remove(th, var),
    }
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let var: &ContextVar = this(o);
    let name = var.name.fixed().unwrap_or(Borrowed::none()).repr_text(th)?;
    let default = match var.default.fixed() {
        Some(d) => format!(" default={}", d.repr_text(th)?),
        None => String::new(),
    };
    Ok(th.new_str(&format!("<ContextVar name={name}{default} at {:#x}>", o.word().identity())))
}
