//! `staticmethod`.

use crate::attributes;
use crate::builtins::descriptors::{payload, set_function};
use crate::builtins::type_::is_uncounted;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::signature::bind;
use crate::slots::{Args, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{GetSetDef, TypeDef, TypeId, type_flags};
use crate::types::Type;
use crate::word::Word;

crate::payload! {
    /// A function that a class attribute access does not bind.
    pub struct StaticMethod: DEF {
        function: Slot,
    }
}

impl StaticMethod {
    /// `__func__`; `None` before `__init__` ran.
    pub fn function(&self) -> Option<Owned> {
        self.function.get(&self.header)
    }

    /// `__func__`, if it needs no count on stacks.
    pub fn uncounted_function(&self) -> Option<Borrowed<'_>> {
        let w = self.function.peek();
        // SAFETY: of a deferred kind, or immortal: it does not die before the next safepoint, and not while the
        // stack has it.
        (w.is_ptr() && w != Word::UNBOUND && is_uncounted(w))
            .then(|| unsafe { Borrowed::from_raw(w.uncounted()) })
    }
}

/// A static method of a callable.
pub fn new_staticmethod(th: &mut Thread, function: Owned) -> Owned {
    th.alloc(StaticMethod { header: unborn(), function: Slot::new(function) })
}

fn new(th: &mut Thread, ty: &Type, _args: Args<'_>) -> PyResult {
    Ok(th.alloc_as(StaticMethod { header: unborn(), function: Slot::empty() }, ty))
}

fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    let a = bind(th, "staticmethod", "(function, /)", args)?;
    let m = payload::<StaticMethod>(o);
    set_function(&m.header, &m.function, Some(a[0].to_owned()));
    copy_wrapped(th, o, a[0])
}

/// Copies `__module__`, `__name__`, `__qualname__`, `__doc__` of the wrapped function, as
/// `functools.update_wrapper` does.
pub(crate) fn copy_wrapped(th: &mut Thread, wrapper: Borrowed<'_>, wrapped: Borrowed<'_>) -> PyResult<()> {
    let n = &th.rt.names;
    for name in [&n.__module__, &n.__name__, &n.__qualname__, &n.__doc__] {
        if let Some(v) = wrapped.getattr_opt(th, name.get())? {
            attributes::generic_setattr(th, wrapper, name.get(), Some(v.borrow()))?;
        }
    }
    Ok(())
}

#[cold]
pub(crate) fn uninitialised(th: &mut Thread, what: &str) -> crate::Raised {
    th.runtime_error(&format!("uninitialized {what} object"))
}

fn descr_get(th: &mut Thread, d: Borrowed<'_>, _o: Option<Borrowed<'_>>, _cls: Borrowed<'_>) -> PyResult {
    match payload::<StaticMethod>(d).function() {
        Some(f) => Ok(f),
        None => Err(uninitialised(th, "staticmethod")),
    }
}

fn call(th: &mut Thread, d: Borrowed<'_>, args: Args<'_>) -> PyResult {
    match payload::<StaticMethod>(d).function() {
        Some(f) => f.borrow().call_args(th, args),
        None => Err(uninitialised(th, "staticmethod")),
    }
}

fn repr(th: &mut Thread, d: Borrowed<'_>) -> PyResult {
    let f = payload::<StaticMethod>(d).function().unwrap_or_else(Owned::none);
    let f = f.borrow().repr_text(th)?;
    Ok(th.new_str(&format!("<staticmethod({f})>")))
}

fn get_function(_th: &mut Thread, d: Borrowed<'_>) -> PyResult {
    Ok(payload::<StaticMethod>(d).function().unwrap_or_else(Owned::none))
}

fn get_abstract(th: &mut Thread, d: Borrowed<'_>) -> PyResult {
    let f = payload::<StaticMethod>(d).function();
    is_abstract(th, f.as_ref()).map(Owned::bool)
}

/// Is `__isabstractmethod__` of a wrapped function true?
pub(crate) fn is_abstract(th: &mut Thread, f: Option<&Owned>) -> PyResult<bool> {
    let Some(f) = f else { return Ok(false) };
    let name = th.rt.names.__isabstractmethod__.get();
    match f.borrow().getattr_opt(th, name)? {
        Some(v) => v.borrow().truth(th),
        None => Ok(false),
    }
}

fn forward(th: &mut Thread, d: Borrowed<'_>, name: &str) -> PyResult {
    match payload::<StaticMethod>(d).function() {
        Some(f) => f.borrow().getattr_str(th, name),
        None => Err(uninitialised(th, "staticmethod")),
    }
}

fn get_annotations(th: &mut Thread, d: Borrowed<'_>) -> PyResult {
    forward(th, d, "__annotations__")
}

fn get_annotate(th: &mut Thread, d: Borrowed<'_>) -> PyResult {
    forward(th, d, "__annotate__")
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::dynamic(),
    doc: "Convert a function to be a static method.\n\nA static method does not receive an implicit first argument.",
    flags: type_flags::GC | type_flags::BASE | type_flags::DICT,
    slots: Slots {
        repr: Some(repr),
        call: Some(call),
        descr_get: Some(descr_get),
        new: Some(new),
        init: Some(init),
        ..Slots::NONE
    },
    getset: &[
        GetSetDef::get("__func__", get_function),
        GetSetDef::get("__wrapped__", get_function),
        GetSetDef::get("__isabstractmethod__", get_abstract),
        GetSetDef::get("__annotations__", get_annotations),
        GetSetDef::get("__annotate__", get_annotate),
    ],
    ..TypeDef::of::<StaticMethod>("staticmethod")
};
