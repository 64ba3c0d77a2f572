//! `classmethod`.

use crate::builtins::descriptors::{payload, set_function};
use crate::builtins::staticmethod::{copy_wrapped, is_abstract, uninitialised};
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::signature::bind;
use crate::slots::{Args, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{GetSetDef, TypeDef, TypeId, type_flags};
use crate::types::Type;

crate::payload! {
    /// A function that is bound to the class, however it is reached.
    pub struct ClassMethod: DEF {
        function: Slot,
    }
}

impl ClassMethod {
    /// `__func__`; `None` before `__init__` ran.
    pub fn function(&self) -> Option<Owned> {
        self.function.get(&self.header)
    }
}

/// A class method of a callable.
pub fn new_classmethod(th: &mut Thread, function: Owned) -> Owned {
    th.alloc(ClassMethod { header: unborn(), function: Slot::new(function) })
}

fn new(th: &mut Thread, ty: &Type, _args: Args<'_>) -> PyResult {
    Ok(th.alloc_as(ClassMethod { header: unborn(), function: Slot::empty() }, ty))
}

fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    let a = bind(th, "classmethod", "(function, /)", args)?;
    let m = payload::<ClassMethod>(o);
    set_function(&m.header, &m.function, Some(a[0].to_owned()));
    copy_wrapped(th, o, a[0])
}

fn descr_get(th: &mut Thread, d: Borrowed<'_>, o: Option<Borrowed<'_>>, cls: Borrowed<'_>) -> PyResult {
    let Some(f) = payload::<ClassMethod>(d).function() else { return Err(uninitialised(th, "classmethod")) };
    let cls = match o {
        Some(o) if cls.is_none() => o.ty().as_value(),
        _ => cls,
    };
    Ok(th.new_method_object(f.borrow(), cls.to_owned()))
}

fn repr(th: &mut Thread, d: Borrowed<'_>) -> PyResult {
    let f = payload::<ClassMethod>(d).function().unwrap_or_else(Owned::none);
    let f = f.borrow().repr_text(th)?;
    Ok(th.new_str(&format!("<classmethod({f})>")))
}

fn get_function(_th: &mut Thread, d: Borrowed<'_>) -> PyResult {
    Ok(payload::<ClassMethod>(d).function().unwrap_or_else(Owned::none))
}

fn get_abstract(th: &mut Thread, d: Borrowed<'_>) -> PyResult {
    let f = payload::<ClassMethod>(d).function();
    is_abstract(th, f.as_ref()).map(Owned::bool)
}

fn forward(th: &mut Thread, d: Borrowed<'_>, name: &str) -> PyResult {
    match payload::<ClassMethod>(d).function() {
        Some(f) => f.borrow().getattr_str(th, name),
        None => Err(uninitialised(th, "classmethod")),
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
    doc: "Convert a function to be a class method.\n\nA class method receives the class as implicit first argument,\njust like an instance method receives the instance.",
    flags: type_flags::GC | type_flags::BASE | type_flags::DICT,
    slots: Slots {
        repr: Some(repr),
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
    ..TypeDef::of::<ClassMethod>("classmethod")
};
