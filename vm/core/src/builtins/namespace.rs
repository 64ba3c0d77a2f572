//! `types.SimpleNamespace`.

use crate::attributes::instance_dict;
use crate::builtins::descriptors::payload;
use crate::builtins::dict::Dict;
use crate::builtins::str::Str;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::{Args, CompareOp, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{NativeDef, TypeDef, TypeId, type_flags};
use crate::types::Type;

crate::payload! {
    /// An object with nothing but attributes.
    pub struct Namespace: DEF {}
}

impl Thread {
    /// A `SimpleNamespace` with these attributes.
    pub fn new_namespace(&mut self, attributes: Vec<(&str, Owned)>) -> PyResult {
        let ns = self.alloc(Namespace { header: unborn() });
        for (name, v) in attributes {
            let name = self.intern(name);
            ns.borrow().setattr(self, name.borrow(), Some(v.borrow()))?;
        }
        Ok(ns)
    }
}

fn dict_of(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    instance_dict(th, &payload::<Namespace>(o).header)
}

fn new(th: &mut Thread, ty: &Type, _args: Args<'_>) -> PyResult {
    Ok(th.alloc_as(Namespace { header: unborn() }, ty))
}

fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    let pos = args.pos();
    if pos.len() > 1 {
        let msg =
            format!("{} expected at most 1 argument, got {}", super::type_::qualname_text(o.ty()), pos.len());
        return Err(th.type_error(&msg));
    }
    let dict = dict_of(th, o)?;
    let dict = dict.payload::<Dict>();
    if let Some(arg) = pos.first() {
        let source = th.new_dict();
        source.borrow().call_method(th, th.rt.names.update.get(), &[*arg])?;
        for (k, v) in source.payload::<Dict>().entries() {
            if k.downcast::<Str>().is_none() {
                return Err(th.type_error("keywords must be strings"));
            }
            dict.set(th, k.borrow(), v)?;
        }
    }
    for (k, v) in args.keywords() {
        dict.set(th, k, v.to_owned())?;
    }
    Ok(())
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let name = if core::ptr::eq(o.ty(), DEF.ty()) {
        String::from("namespace")
    } else {
        super::type_::qualname_text(o.ty())
    };
    super::sequence::guarded_repr(th, o, &format!("{name}(...)"), |th| {
        let dict = dict_of(th, o)?;
        let mut parts = Vec::new();
        for (k, v) in dict.payload::<Dict>().entries() {
            if let Some(k) = k.downcast::<Str>()
                && !k.is_empty()
            {
                parts.push(format!("{}={}", k.to_text(), v.borrow().repr_text(th)?));
            }
        }
        Ok(th.new_str(&format!("{name}({})", parts.join(", "))))
    })
}

fn compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    if a.downcast::<Namespace>().is_none() || b.downcast::<Namespace>().is_none() {
        return Ok(Owned::not_implemented());
    }
    let (x, y) = (dict_of(th, a)?, dict_of(th, b)?);
    x.borrow().compare(th, y.borrow(), op)
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let empty = th.new_tuple(vec![]);
    let dict = dict_of(th, a[0])?;
    Ok(th.new_tuple(vec![a[0].ty().as_value().to_owned(), empty, dict]))
}

/// `copy.replace(ns, **changes)`
fn replace(th: &mut Thread, args: Args<'_>) -> PyResult {
    if args.n_positional > 1 {
        let msg = format!("__replace__() takes no positional arguments ({} given)", args.n_positional - 1);
        return Err(th.type_error(&msg));
    }
    let o = args.all[0];
    let new = o.ty().as_value().call(th, &[])?;
    if new.downcast::<Namespace>().is_none() {
        let msg = format!(
            "expect types.SimpleNamespace type, but {}() returned '{}' object",
            o.type_name(th),
            new.borrow().type_name(th)
        );
        return Err(th.type_error(&msg));
    }
    let (from, to) = (dict_of(th, o)?, dict_of(th, new.borrow())?);
    for (k, v) in from.payload::<Dict>().entries() {
        to.payload::<Dict>().set(th, k.borrow(), v)?;
    }
    for (k, v) in args.keywords() {
        to.payload::<Dict>().set(th, k, v.to_owned())?;
    }
    Ok(new)
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::dynamic(),
    module: "types",
    doc: "A simple attribute-based namespace.",
    flags: type_flags::GC | type_flags::BASE | type_flags::DICT,
    slots: Slots {
        repr: Some(repr),
        compare: Some(compare),
        new: Some(new),
        init: Some(init),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new("__reduce__", "($self, /)", reduce, "Return state information for pickling"),
        NativeDef::raw(
            "__replace__",
            "($self, /, **changes)",
            replace,
            "Return a copy of the namespace object with new values for the specified attributes.",
        ),
    ],
    ..TypeDef::of::<Namespace>("SimpleNamespace")
};
