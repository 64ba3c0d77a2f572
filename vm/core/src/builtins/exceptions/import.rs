//! ImportError and ModuleNotFoundError.

use super::names::keywords;
use super::{
    ExceptionPayload, IMPORT_ERROR, MODULE_NOT_FOUND_ERROR, base, chain_context, exception_payload,
    slot_attribute, slots_of, this,
};
use crate::builtins::dict::Dict;
use crate::builtins::str::Str;
use crate::object::{Borrowed, PyResult, Raised, Slot};
use crate::slots::{Args, Slots};
use crate::thread::Thread;
use crate::typedef::{GetSetDef, NativeDef};

exception_payload! {
    /// `ImportError`.
    pub struct ImportError: IMPORT_ERROR {
        pub msg: Slot = Slot::empty(),
        /// The module that was to be imported.
        pub name: Slot = Slot::empty(),
        pub path: Slot = Slot::empty(),
        /// The name that `from name import name_from` did not find.
        pub name_from: Slot = Slot::empty(),
    }
}

pub(super) const SLOTS: Slots = Slots { str: Some(str), ..slots_of::<ImportError>(init) };
pub(super) const METHODS: &[NativeDef] =
    &[NativeDef::new("__reduce__", "($self, /)", reduce, "Helper for pickle.")];
pub(super) const GETSET: &[GetSetDef] = &[
    slot_attribute!(ImportError, "msg", msg),
    slot_attribute!(ImportError, "name", name),
    slot_attribute!(ImportError, "path", path),
    slot_attribute!(ImportError, "name_from", name_from),
];

fn init(th: &mut Thread, o: Borrowed<'_>, a: Args<'_>) -> PyResult<()> {
    let [name, path, name_from] = keywords(th, "ImportError", &a, ["name", "path", "name_from"])?;
    base::set_positional(th, o, a.pos());
    let e = this::<ImportError>(o);
    let msg = if let [one] = a.pos() { Some(*one) } else { None };
    for (slot, v) in [(&e.msg, msg), (&e.name, name), (&e.path, path), (&e.name_from, name_from)] {
        match v {
            Some(v) => slot.set(&e.header, v.to_owned()),
            None => drop(slot.clear(&e.header)),
        }
    }
    Ok(())
}

fn str(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let e = this::<ImportError>(o);
    match e.msg.get(&e.header) {
        Some(m) if m.borrow().downcast_exact::<Str>().is_some() => Ok(m),
        _ => base::str(th, o),
    }
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let e = this::<ImportError>(a[0]);
    let own = base::dict_with_entries(th, a[0])?;
    let state = th.new_dict();
    let d = state.payload::<Dict>();
    if let Some(own) = own.as_ref().and_then(|d| d.downcast::<Dict>()) {
        for (k, v) in own.entries() {
            d.set(th, k.borrow(), v)?;
        }
    }
    for (key, slot) in [("name", &e.name), ("path", &e.path), ("name_from", &e.name_from)] {
        if let Some(v) = slot.get(&e.header) {
            let key = th.intern(key);
            d.set(th, key.borrow(), v)?;
        }
    }
    let mut parts = vec![a[0].ty().as_value().to_owned(), base::args_of(th, a[0])];
    if d.len() != 0 {
        parts.push(state);
    }
    Ok(th.new_tuple(parts))
}

/// Raises `ImportError(msg, name=name)`, or ModuleNotFoundError if `missing`.
#[cold]
pub fn import_error(th: &mut Thread, msg: &str, name: Option<Borrowed<'_>>, missing: bool) -> Raised {
    let msg = th.new_str(msg);
    let args = th.new_tuple(vec![msg.clone()]);
    let exc = ImportError {
        msg: Slot::new(msg),
        name: Slot::from_option(name.map(|n| n.to_owned())),
        ..ImportError::blank(args)
    };
    let ty = if missing { MODULE_NOT_FOUND_ERROR.ty() } else { IMPORT_ERROR.ty() };
    let exc = th.alloc_as(exc, ty);
    chain_context(th, exc.borrow());
    th.set_exc(exc)
}
