//! NameError and AttributeError: which name was missing, and on what.

use super::{
    ATTRIBUTE_ERROR, ExceptionPayload, NAME_ERROR, base, chain_context, exception_payload, slot_attribute,
    slots_of, this,
};
use crate::builtins::dict::Dict;
use crate::builtins::str::Str;
use crate::object::{Borrowed, Owned, PyResult, Raised, Slot};
use crate::slots::{Args, Slots};
use crate::thread::Thread;
use crate::typedef::{GetSetDef, NativeDef};

exception_payload! {
    /// `NameError`.
    pub struct NameError: NAME_ERROR {
        pub name: Slot = Slot::empty(),
    }
}

pub(super) const NAME_ERROR_SLOTS: Slots = slots_of::<NameError>(name_error_init);
pub(super) const NAME_ERROR_GETSET: &[GetSetDef] = &[slot_attribute!(NameError, "name", name)];

/// Keyword arguments by name; others raise TypeError.
pub(super) fn keywords<'a, const N: usize>(
    th: &mut Thread,
    class: &str,
    a: &Args<'a>,
    names: [&str; N],
) -> PyResult<[Option<Borrowed<'a>>; N]> {
    let mut found = [None; N];
    for (key, value) in a.keywords() {
        let text = key.expect_str(th, "keywords")?.to_text();
        match names.iter().position(|n| *n == text) {
            Some(i) => found[i] = Some(value),
            None => {
                let msg = format!("{class}() got an unexpected keyword argument '{text}'");
                return Err(th.type_error(&msg));
            }
        }
    }
    Ok(found)
}

fn name_error_init(th: &mut Thread, o: Borrowed<'_>, a: Args<'_>) -> PyResult<()> {
    let [name] = keywords(th, "NameError", &a, ["name"])?;
    base::set_positional(th, o, a.pos());
    let e = this::<NameError>(o);
    store(&e.name, &e.header, name);
    Ok(())
}

fn store(slot: &Slot, of: &crate::Header, v: Option<Borrowed<'_>>) {
    match v {
        Some(v) => slot.set(of, v.to_owned()),
        None => drop(slot.clear(of)),
    }
}

exception_payload! {
    /// `AttributeError`.
    pub struct AttributeError: ATTRIBUTE_ERROR {
        pub obj: Slot = Slot::empty(),
        pub name: Slot = Slot::empty(),
    }
}

pub(super) const ATTRIBUTE_ERROR_SLOTS: Slots = slots_of::<AttributeError>(attribute_error_init);
pub(super) const ATTRIBUTE_ERROR_GETSET: &[GetSetDef] =
    &[slot_attribute!(AttributeError, "name", name), slot_attribute!(AttributeError, "obj", obj)];
pub(super) const ATTRIBUTE_ERROR_METHODS: &[NativeDef] = &[
    NativeDef::new("__getstate__", "($self, /)", attribute_error_getstate, ""),
    NativeDef::new("__reduce__", "($self, /)", attribute_error_reduce, "Helper for pickle."),
];

fn attribute_error_init(th: &mut Thread, o: Borrowed<'_>, a: Args<'_>) -> PyResult<()> {
    let [name, obj] = keywords(th, "AttributeError", &a, ["name", "obj"])?;
    base::set_positional(th, o, a.pos());
    let e = this::<AttributeError>(o);
    store(&e.name, &e.header, name);
    store(&e.obj, &e.header, obj);
    Ok(())
}

/// State for pickle. `obj` stays out: what lacks an attribute often cannot be pickled.
fn attribute_error_getstate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let state = th.new_dict();
    let d = state.payload::<Dict>();
    if let Some(own) = base::dict_with_entries(th, a[0])?
        && let Some(own) = own.downcast::<Dict>()
    {
        for (k, v) in own.entries() {
            d.set(th, k.borrow(), v)?;
        }
    }
    let e = this::<AttributeError>(a[0]);
    if let Some(name) = e.name.get(&e.header) {
        let key = th.rt.names.name.get();
        d.set(th, key, name)?;
    }
    let args = base::args_of(th, a[0]);
    let key = th.rt.names.args.get();
    d.set(th, key, args)?;
    Ok(state)
}

fn attribute_error_reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let args = base::args_of(th, a[0]);
    let state = attribute_error_getstate(th, a)?;
    let class = a[0].ty().as_value().to_owned();
    Ok(th.new_tuple(vec![class, args, state]))
}

/// Raises `NameError(msg, name=name)`.
#[cold]
pub fn name_error(th: &mut Thread, msg: &str, name: Borrowed<'_>) -> Raised {
    let msg = th.new_str(msg);
    let args = th.new_tuple(vec![msg]);
    let exc = NameError { name: Slot::new(name.to_owned()), ..NameError::blank(args) };
    let exc = th.alloc_as(exc, NAME_ERROR.ty());
    chain_context(th, exc.borrow());
    th.set_exc(exc)
}

/// Raises `AttributeError(msg, name=name, obj=obj)`. `name` is a str.
#[cold]
pub fn attribute_error(th: &mut Thread, msg: &str, obj: Borrowed<'_>, name: Borrowed<'_>) -> Raised {
    debug_assert!(name.downcast::<Str>().is_some());
    let msg = th.new_str(msg);
    let args = th.new_tuple(vec![msg]);
    let exc = AttributeError {
        name: Slot::new(name.to_owned()),
        obj: Slot::new(obj.to_owned()),
        ..AttributeError::blank(args)
    };
    let exc: Owned = th.alloc_as(exc, ATTRIBUTE_ERROR.ty());
    chain_context(th, exc.borrow());
    th.set_exc(exc)
}
