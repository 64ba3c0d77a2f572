//! `method`: a callable bound to its first argument.

use crate::builtins::descriptors::payload;
use crate::builtins::str::Str;
use crate::held::Held;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::signature::bind;
use crate::slots::{Args, CompareOp, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{GetSetDef, NativeDef, TypeDef, TypeId, type_flags};
use crate::types::Type;

crate::payload! {
    /// A bound method.
    pub struct BoundMethod: DEF {
        function: Held,
        receiver: Slot,
    }
}

impl BoundMethod {
    /// `__func__`
    #[inline(always)]
    pub fn function(&self) -> Borrowed<'_> {
        self.function.get()
    }

    /// `__self__`
    #[inline(always)]
    pub fn receiver(&self) -> Borrowed<'_> {
        self.receiver.fixed().expect("set at birth")
    }
}

impl Thread {
    /// `function` bound to `receiver`.
    pub fn new_method_object(&mut self, function: Borrowed<'_>, receiver: Owned) -> Owned {
        let (function, receiver) = (Held::new(function), Slot::new(receiver));
        self.alloc(BoundMethod { header: unborn(), function, receiver })
    }
}

/// The `descr_get` slot of functions: binds on instances, stays a function on classes.
pub fn bind_function(
    th: &mut Thread,
    f: Borrowed<'_>,
    o: Option<Borrowed<'_>>,
    _cls: Borrowed<'_>,
) -> PyResult {
    match o {
        Some(o) => Ok(th.new_method_object(f, o.to_owned())),
        None => Ok(f.to_owned()),
    }
}

fn new(th: &mut Thread, _ty: &Type, args: Args<'_>) -> PyResult {
    if args.has_keywords() {
        return Err(th.type_error("method() takes no keyword arguments"));
    }
    let a = bind(th, "method", "(function, instance, /)", args)?;
    if !a[0].is_callable() {
        return Err(th.type_error("first argument must be callable"));
    }
    if a[1].is_none() {
        return Err(th.type_error("instance must not be None"));
    }
    Ok(th.new_method_object(a[0], a[1].to_owned()))
}

fn call(th: &mut Thread, m: Borrowed<'_>, args: Args<'_>) -> PyResult {
    let m = payload::<BoundMethod>(m);
    crate::call::call_with_first(th, m.function(), m.receiver(), args)
}

/// Own attributes first, then the function's.
fn getattr(th: &mut Thread, m: Borrowed<'_>, name: Borrowed<'_>) -> PyResult {
    if let Some(v) = crate::attributes::lookup(th, m, name)? {
        return Ok(v);
    }
    payload::<BoundMethod>(m).function().getattr(th, name)
}

fn repr(th: &mut Thread, m: Borrowed<'_>) -> PyResult {
    let b = payload::<BoundMethod>(m);
    let names = &th.rt.names;
    let mut name = b.function().getattr_opt(th, names.__qualname__.get())?;
    if name.as_ref().is_none_or(|n| n.downcast::<Str>().is_none()) {
        name = b.function().getattr_opt(th, names.__name__.get())?;
    }
    let name = name.and_then(|n| n.downcast::<Str>().map(|s| s.to_text())).unwrap_or_else(|| "?".into());
    let receiver = b.receiver().repr_text(th)?;
    Ok(th.new_str(&format!("<bound method {name} of {receiver}>")))
}

fn compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast_exact::<BoundMethod>(), b.downcast_exact::<BoundMethod>()) else {
        return Ok(Owned::not_implemented());
    };
    let want = match op {
        CompareOp::Eq => true,
        CompareOp::Ne => false,
        _ => return Ok(Owned::not_implemented()),
    };
    let same =
        x.receiver().is(y.receiver().word()) && x.function().compare_bool(th, y.function(), CompareOp::Eq)?;
    Ok(Owned::bool(same == want))
}

fn hash(th: &mut Thread, m: Borrowed<'_>) -> PyResult<i64> {
    let m = payload::<BoundMethod>(m);
    let h = super::object::identity_hash(m.receiver().word()) ^ m.function().hash(th)?;
    Ok(if h == -1 { -2 } else { h })
}

fn get_function(_th: &mut Thread, m: Borrowed<'_>) -> PyResult {
    Ok(payload::<BoundMethod>(m).function().to_owned())
}

fn get_receiver(_th: &mut Thread, m: Borrowed<'_>) -> PyResult {
    Ok(payload::<BoundMethod>(m).receiver().to_owned())
}

fn get_doc(th: &mut Thread, m: Borrowed<'_>) -> PyResult {
    let name = th.rt.names.__doc__.get();
    payload::<BoundMethod>(m).function().getattr(th, name)
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let m = payload::<BoundMethod>(a[0]);
    let name = m.function().getattr(th, th.rt.names.__name__.get())?;
    super::object::reduce_as_getattr(th, m.receiver().to_owned(), name)
}

fn descr_get(_th: &mut Thread, m: Borrowed<'_>, _o: Option<Borrowed<'_>>, _cls: Borrowed<'_>) -> PyResult {
    // Already bound.
    Ok(m.to_owned())
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::METHOD),
    doc: "Create a bound instance method object.",
    flags: type_flags::GC | type_flags::WEAKREF,
    slots: Slots {
        repr: Some(repr),
        call: Some(call),
        compare: Some(compare),
        hash: Some(hash),
        getattr: Some(getattr),
        descr_get: Some(descr_get),
        new: Some(new),
        ..Slots::NONE
    },
    methods: &[NativeDef::new("__reduce__", "($self, /)", reduce, "")],
    getset: &[
        GetSetDef::get("__func__", get_function),
        GetSetDef::get("__self__", get_receiver),
        GetSetDef::get("__doc__", get_doc),
    ],
    layout: crate::typedef::Layout::confined::<BoundMethod>(),
    ..TypeDef::of::<BoundMethod>("method")
};
