//! Computed attributes of classes: `__name__`, `__bases__`, `__doc__`, `__annotations__`, ….

use super::attributes::set_entry;
use super::{check_mutable, class_of, no_class_attribute};
use crate::builtins::dict::Dict;
use crate::builtins::str::Str;
use crate::builtins::tuple::Tuple;
use crate::names::Name;
use crate::object::{Borrowed, Owned, PyResult};
use crate::shape;
use crate::thread::Thread;
use crate::typedef::{GetSetDef, kind, type_flags};
use crate::types::Type;

use typhon_sync::prim::Ordering;

pub const TYPE_GETSET: &[GetSetDef] = &[
    GetSetDef::get("__name__", get_name).set(set_name),
    GetSetDef::get("__qualname__", get_qualname).set(set_qualname),
    GetSetDef::get("__bases__", get_bases).set(super::layout::set_bases),
    GetSetDef::get("__mro__", |_, o| {
        Ok(class_of(o).mro.get(&class_of(o).header).unwrap_or_else(Owned::none))
    }),
    GetSetDef::get("__base__", get_base),
    GetSetDef::get("__module__", get_module).set(set_module),
    GetSetDef::get("__doc__", get_doc).set(set_doc),
    GetSetDef::get("__dict__", get_dict),
    GetSetDef::get("__abstractmethods__", get_abstract).set(set_abstract),
    GetSetDef::get("__annotations__", get_annotations).set(set_annotations),
    GetSetDef::get("__annotate__", get_annotate).set(set_annotate),
    GetSetDef::get("__type_params__", get_type_params).set(set_type_params),
    GetSetDef::get("__text_signature__", get_text_signature),
    GetSetDef::get("__basicsize__", |th, o| Ok(th.new_int(i64::from(class_of(o).basic_size())))),
    GetSetDef::get("__itemsize__", |th, o| {
        Ok(th.new_int(if class_of(o).has_flag(type_flags::VAR_SIZED) { 8 } else { 0 }))
    }),
    GetSetDef::get("__dictoffset__", |th, o| Ok(th.new_int(i64::from(class_of(o).dict_offset())))),
    GetSetDef::get("__weakrefoffset__", |th, o| {
        Ok(th.new_int(if class_of(o).has_flag(type_flags::WEAKREF) { -1 } else { 0 }))
    }),
    GetSetDef::get("__flags__", get_flags),
];

fn entry(ty: &Type, name: &Name) -> Option<Owned> {
    ty.namespace().get_interned(name.word())
}

fn is_heap(ty: &Type) -> bool {
    ty.has_flag(type_flags::HEAP)
}

/// A value for a changeable attribute: TypeError when it is deleted or the class is immutable.
fn new_value<'a>(th: &mut Thread, ty: &Type, name: &Name, v: Option<Borrowed<'a>>) -> PyResult<Borrowed<'a>> {
    check_mutable(th, ty, name.get())?;
    match v {
        Some(v) => Ok(v),
        None => {
            let text = name.get().downcast::<Str>().map(|s| s.to_text()).unwrap_or_default();
            let msg = format!("cannot delete '{text}' attribute of type '{}'", ty.display_name());
            Err(th.type_error(&msg))
        }
    }
}

fn get_name(_th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let ty = class_of(o);
    Ok(ty.name.get(&ty.header).unwrap_or_else(Owned::none))
}

fn set_name(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let ty = class_of(o);
    let v = new_value(th, ty, &th.rt.names.__name__, v)?;
    let Some(s) = v.downcast::<Str>() else {
        let msg =
            format!("can only assign string to {}.__name__, not '{}'", ty.display_name(), v.type_name(th));
        return Err(th.type_error(&msg));
    };
    if s.data().iter().any(|c| c == 0) {
        return Err(th.value_error("type name must not contain null characters"));
    }
    ty.name.set(&ty.header, v.to_owned());
    Ok(())
}

fn get_qualname(_th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let ty = class_of(o);
    Ok(ty.qualname.get(&ty.header).unwrap_or_else(Owned::none))
}

fn set_qualname(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let ty = class_of(o);
    let v = new_value(th, ty, &th.rt.names.__qualname__, v)?;
    if v.downcast::<Str>().is_none() {
        let msg = format!(
            "can only assign string to {}.__qualname__, not '{}'",
            ty.display_name(),
            v.type_name(th)
        );
        return Err(th.type_error(&msg));
    }
    ty.qualname.set(&ty.header, v.to_owned());
    Ok(())
}

fn get_bases(_th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let ty = class_of(o);
    Ok(ty.bases.get(&ty.header).unwrap_or_else(Owned::none))
}

fn get_base(_th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(class_of(o).base().map_or_else(Owned::none, |b| b.as_value().to_owned()))
}

/// `__module__`, if it is known.
pub(crate) fn module_of(th: &mut Thread, ty: &Type) -> Option<Owned> {
    match ty.def.0 {
        Some(def) => Some(th.intern(def.module)),
        None => entry(ty, &th.rt.names.__module__),
    }
}

fn get_module(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let ty = class_of(o);
    match module_of(th, ty) {
        Some(m) => Ok(m),
        None => Err(no_class_attribute(th, ty, th.rt.names.__module__.get())),
    }
}

fn set_module(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let ty = class_of(o);
    let name = &th.rt.names.__module__;
    let v = new_value(th, ty, name, v)?;
    let line = th.rt.names.__firstlineno__.get();
    set_entry(th, ty, name.get(), Some(v.to_owned()))?;
    set_entry(th, ty, line, None)?;
    Ok(())
}

fn get_doc(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let ty = class_of(o);
    if let Some(def) = ty.def.0 {
        return Ok(if def.doc.is_empty() { Owned::none() } else { th.new_str(def.doc) });
    }
    let Some(doc) = entry(ty, &th.rt.names.__doc__) else { return Ok(Owned::none()) };
    match doc.borrow().ty().slots.descr_get() {
        Some(get) => get(th, doc.borrow(), None, o),
        None => Ok(doc),
    }
}

fn set_doc(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let ty = class_of(o);
    let name = &th.rt.names.__doc__;
    let v = new_value(th, ty, name, v)?;
    set_entry(th, ty, name.get(), Some(v.to_owned())).map(drop)
}

fn get_dict(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let ty = class_of(o);
    let d = ty.dict.fixed().expect("a type has a namespace");
    Ok(crate::builtins::mappingproxy::new(th, d.to_owned()))
}

fn get_abstract(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let ty = class_of(o);
    let name = &th.rt.names.__abstractmethods__;
    // `type` itself has the descriptor, not the attribute.
    if core::ptr::eq(ty, super::DEF.ty()) {
        return Err(no_class_attribute(th, ty, name.get()));
    }
    match entry(ty, name) {
        Some(v) => Ok(v),
        None => Err(no_class_attribute(th, ty, name.get())),
    }
}

fn set_abstract(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let ty = class_of(o);
    let name = th.rt.names.__abstractmethods__.get();
    let abstract_ = match v {
        Some(v) => v.truth(th)?,
        None => false,
    };
    let old = set_entry(th, ty, name, v.map(|v| v.to_owned()))?;
    if v.is_none() && old.is_none() {
        return Err(no_class_attribute(th, ty, name));
    }
    if abstract_ {
        // ORDERING Relaxed: a class is made abstract before anybody instantiates it.
        ty.flags.fetch_or(type_flags::ABSTRACT, Ordering::Relaxed);
    } else {
        // ORDERING Relaxed: as above.
        ty.flags.fetch_and(!type_flags::ABSTRACT, Ordering::Relaxed);
    }
    if is_heap(ty) {
        let _lock = super::lock_types();
        shape::deprecate(ty);
    }
    Ok(())
}

fn get_annotate(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let ty = class_of(o);
    let names = &th.rt.names;
    if !is_heap(ty) {
        let msg = format!("type object '{}' has no attribute '__annotate__'", ty.display_name());
        return Err(crate::attributes::attribute_error(th, &msg, o, names.__annotate__.get()));
    }
    let found = entry(ty, &names.__annotate_func__).or_else(|| entry(ty, &names.__annotate__));
    match found {
        Some(f) => match f.borrow().ty().slots.descr_get() {
            Some(get) => get(th, f.borrow(), None, o),
            None => Ok(f),
        },
        None => {
            set_entry(th, ty, names.__annotate_func__.get(), Some(Owned::none()))?;
            Ok(Owned::none())
        }
    }
}

fn set_annotate(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let ty = class_of(o);
    let Some(v) = v else { return Err(th.type_error("cannot delete __annotate__ attribute")) };
    let names = &th.rt.names;
    check_mutable(th, ty, names.__annotate__.get())?;
    if !v.is_none() && !v.is_callable() {
        return Err(th.type_error("__annotate__ must be callable or None"));
    }
    set_entry(th, ty, names.__annotate_func__.get(), Some(v.to_owned()))?;
    if !v.is_none() {
        set_entry(th, ty, names.__annotations_cache__.get(), None)?;
    }
    Ok(())
}

fn get_annotations(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let ty = class_of(o);
    let names = &th.rt.names;
    if !is_heap(ty) {
        return Err(no_class_attribute(th, ty, names.__annotations__.get()));
    }
    let found = entry(ty, &names.__annotations__).or_else(|| entry(ty, &names.__annotations_cache__));
    if let Some(v) = found {
        return match v.borrow().ty().slots.descr_get() {
            Some(get) => get(th, v.borrow(), None, o),
            None => Ok(v),
        };
    }
    let annotate = get_annotate(th, o)?;
    let v = if annotate.borrow().is_callable() {
        let one = th.new_int(1);
        let v = annotate.borrow().call(th, &[one.borrow()])?;
        if v.downcast::<Dict>().is_none() {
            let msg = format!("__annotate__ returned non-dict of type '{}'", v.borrow().type_name(th));
            return Err(th.type_error(&msg));
        }
        v
    } else {
        th.new_dict()
    };
    set_entry(th, ty, names.__annotations_cache__.get(), Some(v.clone()))?;
    Ok(v)
}

fn set_annotations(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let ty = class_of(o);
    let names = &th.rt.names;
    check_mutable(th, ty, names.__annotations__.get())?;
    let place = match entry(ty, &names.__annotations__) {
        Some(_) => &names.__annotations__,
        None => &names.__annotations_cache__,
    };
    let old = set_entry(th, ty, place.get(), v.map(|v| v.to_owned()))?;
    if v.is_none() && old.is_none() {
        return Err(no_class_attribute(th, ty, names.__annotations__.get()));
    }
    set_entry(th, ty, names.__annotate_func__.get(), Some(Owned::none()))?;
    Ok(())
}

fn get_type_params(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let ty = class_of(o);
    match entry(ty, &th.rt.names.__type_params__) {
        Some(v) if is_heap(ty) => Ok(v),
        _ => Ok(th.new_tuple(vec![])),
    }
}

fn set_type_params(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let ty = class_of(o);
    let name = &th.rt.names.__type_params__;
    let v = new_value(th, ty, name, v)?;
    if v.downcast::<Tuple>().is_none() {
        let msg = format!("__type_params__ must be set to a tuple, not '{}'", v.type_name(th));
        return Err(th.type_error(&msg));
    }
    set_entry(th, ty, name.get(), Some(v.to_owned())).map(drop)
}

fn get_text_signature(_th: &mut Thread, _o: Borrowed<'_>) -> PyResult {
    Ok(Owned::none())
}

/// The bits that Python code looks at: `inspect.isabstract`, heap type, base type, subclass of ….
fn get_flags(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let ty = class_of(o);
    let flag = |set: bool, bit: u32| if set { 1i64 << bit } else { 0 };
    let (f, k) = (ty.flags(), ty.kind());
    let has = |bit: u32| f & bit != 0;
    let v = flag(has(type_flags::SEQUENCE), 5)
        | flag(has(type_flags::MAPPING), 6)
        | flag(has(type_flags::NO_NEW), 7)
        | flag(!has(type_flags::HEAP) || has(type_flags::IMMUTABLE), 8)
        | flag(has(type_flags::HEAP), 9)
        | flag(has(type_flags::BASE), 10)
        | flag(true, 12)
        | flag(has(type_flags::GC), 14)
        | flag(has(type_flags::ABSTRACT), 20)
        | flag(has(type_flags::MATCH_SELF), 22)
        | flag(k & kind::INT != 0, 24)
        | flag(k & kind::LIST != 0, 25)
        | flag(k & kind::TUPLE != 0, 26)
        | flag(k & kind::BYTES != 0, 27)
        | flag(k & kind::STR != 0, 28)
        | flag(k & kind::DICT != 0, 29)
        | flag(k & kind::EXCEPTION != 0, 30)
        | flag(k & kind::TYPE != 0, 31);
    Ok(th.new_int(v))
}

/// `__dict__` of the instances of a class that added a dict word.
pub static INSTANCE_DICT: GetSetDef = GetSetDef {
    doc: "dictionary for instance variables",
    ..GetSetDef::get("__dict__", dict_of).set(set_dict_of)
};

/// `__weakref__` of such instances.
pub static INSTANCE_WEAKREF: GetSetDef =
    GetSetDef { doc: "list of weak references to the object", ..GetSetDef::get("__weakref__", weakref_of) };

fn dict_of(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    match o.header() {
        Some(h) if o.ty().dict_offset() != 0 => crate::attributes::instance_dict(th, h),
        _ => Err(th.no_attribute(o, th.rt.names.__dict__.get())),
    }
}

fn set_dict_of(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let Some(h) = o.header().filter(|_| o.ty().dict_offset() != 0) else {
        return Err(th.no_attribute(o, th.rt.names.__dict__.get()));
    };
    let d = match v {
        None => th.new_dict(),
        Some(v) if v.downcast::<Dict>().is_some() => v.to_owned(),
        Some(v) => {
            let msg = format!("__dict__ must be set to a dictionary, not a '{}'", v.type_name(th));
            return Err(th.type_error(&msg));
        }
    };
    crate::attributes::set_instance_dict(th, h, d)
}

fn weakref_of(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(crate::weakref::first(th, o).unwrap_or_else(Owned::none))
}
