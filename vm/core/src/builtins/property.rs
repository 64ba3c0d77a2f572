//! `property`.

use typhon_sync::prim::{AtomicBool, Ordering};

use crate::builtins::descriptors::{payload, set_function};
use crate::builtins::staticmethod::is_abstract;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::signature::bind;
use crate::slots::{Args, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{GetSetDef, MemberDef, NativeDef, TypeDef, TypeId, type_flags};
use crate::types::Type;

crate::payload! {
    /// An attribute computed by Python functions.
    pub struct Property: DEF {
        get: Slot,
        set: Slot,
        del: Slot,
        doc: Slot,
        name: Slot,
        doc_of_getter: AtomicBool,
    }
}

impl Property {
    /// `fget`, unless it is missing or `None`.
    pub fn getter(&self) -> Option<Owned> {
        self.get.get(&self.header).filter(|f| !f.is_none())
    }
    /// `fset`
    pub fn setter(&self) -> Option<Owned> {
        self.set.get(&self.header).filter(|f| !f.is_none())
    }
    /// `fdel`
    pub fn deleter(&self) -> Option<Owned> {
        self.del.get(&self.header).filter(|f| !f.is_none())
    }
}

fn blank() -> Property {
    Property {
        header: unborn(),
        get: Slot::empty(),
        set: Slot::empty(),
        del: Slot::empty(),
        doc: Slot::empty(),
        name: Slot::empty(),
        doc_of_getter: AtomicBool::new(false),
    }
}

fn new(th: &mut Thread, ty: &Type, _args: Args<'_>) -> PyResult {
    Ok(th.alloc_as(blank(), ty))
}

fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    let a = bind(th, "property", "(fget=None, fset=None, fdel=None, doc=None)", args)?;
    let p = payload::<Property>(o);
    let given = |i: usize| a.get(i).copied().filter(|v| !v.is_null() && !v.is_none());
    set_function(&p.header, &p.get, given(0).map(|f| f.to_owned()));
    for (slot, i) in [(&p.set, 1), (&p.del, 2)] {
        match given(i) {
            Some(f) => slot.set(&p.header, f.to_owned()),
            None => drop(slot.clear(&p.header)),
        }
    }
    drop(p.name.clear(&p.header));
    // ORDERING Relaxed: set before the property is shared.
    p.doc_of_getter.store(false, Ordering::Relaxed);
    let mut doc = given(3).map(|d| d.to_owned());
    if doc.is_none()
        && let Some(f) = given(0)
    {
        let found = f.getattr_opt(th, th.rt.names.__doc__.get())?;
        doc = found.filter(|d| !d.is_none());
        // ORDERING Relaxed: as above.
        p.doc_of_getter.store(doc.is_some(), Ordering::Relaxed);
    }
    let exact = core::ptr::eq(o.ty(), DEF.ty());
    let doc = doc.unwrap_or_else(Owned::none);
    if !exact && o.ty().dict_offset() != 0 {
        // A subclass has a `__doc__` of its own in the way: it goes to the instance.
        let name = th.rt.names.__doc__.get();
        let r = o.setattr(th, name, Some(doc.borrow()));
        return th.absorb(r, &super::exceptions::ATTRIBUTE_ERROR).map(drop);
    }
    p.doc.set(&p.header, doc);
    Ok(())
}

/// The name for messages and `__name__`: given by `__set_name__`, or the getter's.
fn name_of(th: &mut Thread, p: &Property) -> PyResult<Option<Owned>> {
    if let Some(n) = p.name.get(&p.header) {
        return Ok(Some(n));
    }
    match p.getter() {
        Some(f) => f.borrow().getattr_opt(th, th.rt.names.__name__.get()),
        None => Ok(None),
    }
}

#[cold]
fn missing(th: &mut Thread, p: &Property, o: Borrowed<'_>, what: &str) -> PyResult<crate::Raised> {
    let class = super::type_::qualname_text(o.ty());
    let msg = match name_of(th, p)? {
        Some(n) => {
            let n = n.borrow().repr_text(th)?;
            format!("property {n} of '{class}' object has no {what}")
        }
        None => format!("property of '{class}' object has no {what}"),
    };
    Ok(th.raise(&super::exceptions::ATTRIBUTE_ERROR, &msg))
}

fn descr_get(th: &mut Thread, d: Borrowed<'_>, o: Option<Borrowed<'_>>, _cls: Borrowed<'_>) -> PyResult {
    let Some(o) = o else { return Ok(d.to_owned()) };
    let p = payload::<Property>(d);
    match p.getter() {
        Some(f) => f.borrow().call(th, &[o]),
        None => Err(missing(th, p, o, "getter")?),
    }
}

fn descr_set(th: &mut Thread, d: Borrowed<'_>, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let p = payload::<Property>(d);
    match v {
        Some(v) => match p.setter() {
            Some(f) => f.borrow().call(th, &[o, v]).map(drop),
            None => Err(missing(th, p, o, "setter")?),
        },
        None => match p.deleter() {
            Some(f) => f.borrow().call(th, &[o]).map(drop),
            None => Err(missing(th, p, o, "deleter")?),
        },
    }
}

/// A copy with one function replaced, made by calling the class.
fn copy(th: &mut Thread, o: Borrowed<'_>, which: usize, f: Borrowed<'_>) -> PyResult {
    let p = payload::<Property>(o);
    let mut parts: Vec<Owned> =
        [p.getter(), p.setter(), p.deleter()].into_iter().map(|f| f.unwrap_or_else(Owned::none)).collect();
    if !f.is_none() {
        parts[which] = f.to_owned();
    }
    // ORDERING Relaxed: written by `init` only.
    let from_getter = p.doc_of_getter.load(Ordering::Relaxed) && !parts[0].is_none();
    parts.push(if from_getter { Owned::none() } else { p.doc.get(&p.header).unwrap_or_else(Owned::none) });
    let args: Vec<Borrowed<'_>> = parts.iter().map(|p| p.borrow()).collect();
    let new = o.ty().as_value().call(th, &args)?;
    if let Some(n) = new.downcast::<Property>()
        && let Some(name) = p.name.get(&p.header)
    {
        n.name.set(&n.header, name);
    }
    Ok(new)
}

fn getter(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    copy(th, a[0], 0, a[1])
}

fn setter(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    copy(th, a[0], 1, a[1])
}

fn deleter(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    copy(th, a[0], 2, a[1])
}

fn set_name(_th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let p = payload::<Property>(a[0]);
    p.name.set(&p.header, a[2].to_owned());
    Ok(Owned::none())
}

fn get_name(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    match name_of(th, payload::<Property>(o))? {
        Some(n) => Ok(n),
        None => Err(th.no_attribute(o, th.rt.names.__name__.get())),
    }
}

fn put_name(_th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let p = payload::<Property>(o);
    match v {
        Some(v) => p.name.set(&p.header, v.to_owned()),
        None => drop(p.name.clear(&p.header)),
    }
    Ok(())
}

fn get_doc(_th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let p = payload::<Property>(o);
    Ok(p.doc.get(&p.header).unwrap_or_else(Owned::none))
}

fn put_doc(_th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let p = payload::<Property>(o);
    match v {
        Some(v) => p.doc.set(&p.header, v.to_owned()),
        None => drop(p.doc.clear(&p.header)),
    }
    Ok(())
}

fn get_abstract(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let p = payload::<Property>(o);
    for f in [p.getter(), p.setter(), p.deleter()] {
        if is_abstract(th, f.as_ref())? {
            return Ok(Owned::bool(true));
        }
    }
    Ok(Owned::bool(false))
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::dynamic(),
    doc: "Property attribute.\n\n  fget\n    function to be used for getting an attribute value\n  fset\n    function to be used for setting an attribute value\n  fdel\n    function to be used for del'ing an attribute\n  doc\n    docstring",
    flags: type_flags::GC | type_flags::BASE,
    slots: Slots {
        descr_get: Some(descr_get),
        descr_set: Some(descr_set),
        new: Some(new),
        init: Some(init),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new(
            "getter",
            "($self, object, /)",
            getter,
            "Descriptor to obtain a copy of the property with a different getter.",
        ),
        NativeDef::new(
            "setter",
            "($self, object, /)",
            setter,
            "Descriptor to obtain a copy of the property with a different setter.",
        ),
        NativeDef::new(
            "deleter",
            "($self, object, /)",
            deleter,
            "Descriptor to obtain a copy of the property with a different deleter.",
        ),
        NativeDef::new(
            "__set_name__",
            "($self, owner, name, /)",
            set_name,
            "Method to set name of a property.",
        ),
    ],
    getset: &[
        GetSetDef::get("__name__", get_name).set(put_name),
        GetSetDef::get("__doc__", get_doc).set(put_doc),
        GetSetDef::get("__isabstractmethod__", get_abstract),
    ],
    members: &[
        MemberDef { name: "fget", offset: core::mem::offset_of!(Property, get), doc: "" },
        MemberDef { name: "fset", offset: core::mem::offset_of!(Property, set), doc: "" },
        MemberDef { name: "fdel", offset: core::mem::offset_of!(Property, del), doc: "" },
    ],
    ..TypeDef::of::<Property>("property")
};
