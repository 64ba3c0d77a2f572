//! `types.MappingProxyType`: a read-only view of a mapping.

use crate::builtins::descriptors::payload;
use crate::builtins::dict::Dict;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{Args, ArgsExt, CompareOp, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{NativeDef, TypeDef, TypeId, type_flags};
use crate::types::Type;

crate::payload! {
    /// The view. The mapping is never changed through it.
    pub struct MappingProxy: DEF {
        mapping: Slot,
    }
}

/// A read-only view of `mapping`.
pub fn new(th: &mut Thread, mapping: Owned) -> Owned {
    th.alloc(MappingProxy { header: unborn(), mapping: Slot::new(mapping) })
}

fn inner(o: Borrowed<'_>) -> Borrowed<'_> {
    payload::<MappingProxy>(o).mapping.fixed().expect("set at birth")
}

fn make(th: &mut Thread, _ty: &Type, args: Args<'_>) -> PyResult {
    let a = crate::signature::bind(th, "mappingproxy", "(mapping)", args)?;
    let m = a[0];
    let is_sequence =
        m.downcast::<super::list::List>().is_some() || m.downcast::<super::tuple::Tuple>().is_some();
    if is_sequence || m.ty().slots.getitem().is_none() {
        let msg = format!("mappingproxy() argument must be a mapping, not {}", m.type_name(th));
        return Err(th.type_error(&msg));
    }
    Ok(new(th, m.to_owned()))
}

fn getitem(th: &mut Thread, o: Borrowed<'_>, key: Borrowed<'_>) -> PyResult {
    inner(o).getitem(th, key)
}

fn len(th: &mut Thread, o: Borrowed<'_>) -> PyResult<usize> {
    inner(o).len(th)
}

fn contains(th: &mut Thread, o: Borrowed<'_>, key: Borrowed<'_>) -> PyResult<bool> {
    match inner(o).downcast_exact::<Dict>() {
        Some(d) => d.contains(th, key),
        None => inner(o).contains(th, key),
    }
}

fn iter(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    inner(o).iter(th)
}

fn str(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    inner(o).str(th)
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let text = inner(o).repr_text(th)?;
    Ok(th.new_str(&format!("mappingproxy({text})")))
}

fn hash(th: &mut Thread, o: Borrowed<'_>) -> PyResult<i64> {
    inner(o).hash(th)
}

fn compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    match a.downcast::<MappingProxy>() {
        Some(_) => inner(a).compare(th, b, op),
        None => Ok(Owned::not_implemented()),
    }
}

fn unwrap(o: Borrowed<'_>) -> Borrowed<'_> {
    match o.downcast::<MappingProxy>() {
        Some(_) => inner(o),
        None => o,
    }
}

fn or(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    crate::number::binary_op(th, crate::number::BinaryOp::Or, unwrap(a), unwrap(b))
}

fn inplace_or(th: &mut Thread, a: Borrowed<'_>, _b: Borrowed<'_>) -> PyResult {
    let msg = format!("'|=' is not supported by {}; use '|' instead", super::type_::qualname_text(a.ty()));
    Err(th.type_error(&msg))
}

fn get(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let default = a.opt(2).unwrap_or(Borrowed::none());
    let name = th.rt.names.get.get();
    inner(a[0]).call_method(th, name, &[a[1], default])
}

fn keys(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    inner(a[0]).call_method(th, th.rt.names.keys.get(), &[])
}

fn values(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    inner(a[0]).call_method(th, th.rt.names.values.get(), &[])
}

fn items(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    inner(a[0]).call_method(th, th.rt.names.items.get(), &[])
}

fn copy(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    inner(a[0]).call_method_str(th, "copy", &[])
}

fn reversed(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    inner(a[0]).call_method(th, th.rt.names.__reversed__.get(), &[])
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::dynamic(),
    doc: "Read-only proxy of a mapping.",
    flags: type_flags::GC | type_flags::MAPPING,
    slots: Slots {
        repr: Some(repr),
        str: Some(str),
        hash: Some(hash),
        compare: Some(compare),
        getitem: Some(getitem),
        len: Some(len),
        contains: Some(contains),
        iter: Some(iter),
        or: Some(or),
        inplace_or: Some(inplace_or),
        new: Some(make),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new(
            "get",
            "($self, key, default=None, /)",
            get,
            "Return the value for key if key is in the mapping, else default.",
        ),
        NativeDef::new("keys", "($self, /)", keys, "a set-like object providing a view on D's keys"),
        NativeDef::new("values", "($self, /)", values, "an object providing a view on D's values"),
        NativeDef::new("items", "($self, /)", items, "a set-like object providing a view on D's items"),
        NativeDef::new("copy", "($self, /)", copy, "a shallow copy of D"),
        NativeDef::new("__reversed__", "($self, /)", reversed, "reverse iterator"),
        super::generic_alias::CLASS_GETITEM,
    ],
    ..TypeDef::of::<MappingProxy>("mappingproxy")
};
