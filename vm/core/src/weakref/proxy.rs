//! `weakref.proxy`: an object that stands for another one without keeping it alive.

use typhon_sync::prim::{AtomicI64, AtomicPtr};

use typhon_sync::header::Header;

use super::{WeakRef, get, make, payload, repr, weak_payload};
use crate::builtins::exceptions as ex;
use crate::number::{self, BinaryOp};
use crate::object::{Borrowed, Data, Owned, PyResult, Slot};
use crate::slots::{Args, CompareOp, Slots};
use crate::thread::Thread;
use crate::typedef::{NativeDef, TypeDef, type_flags};
use crate::types::Type;

macro_rules! binary {
    ($op:ident) => {
        Some(|th, a, b| {
            let (a, b) = (target(th, a)?, target(th, b)?);
            number::binary_op(th, BinaryOp::$op, a.borrow(), b.borrow())
        })
    };
}

macro_rules! inplace {
    ($op:ident) => {
        Some(|th, a, b| {
            let (a, b) = (target(th, a)?, target(th, b)?);
            number::inplace_op(th, BinaryOp::$op, a.borrow(), b.borrow())
        })
    };
}

const SLOTS: Slots = Slots {
    repr: Some(repr),
    str: Some(|th, o| {
        let t = target(th, o)?;
        t.borrow().str(th)
    }),
    hash: Some(|th, o| {
        let msg = format!("unhashable type: '{}'", o.type_name(th));
        Err(th.type_error(&msg))
    }),
    getattr: Some(|th, o, name| {
        let t = target(th, o)?;
        t.borrow().getattr(th, name)
    }),
    setattr: Some(|th, o, name, v| {
        let t = target(th, o)?;
        t.borrow().setattr(th, name, v)
    }),
    compare: Some(compare),
    iter: Some(|th, o| {
        let t = target(th, o)?;
        t.borrow().iter(th)
    }),
    next: Some(|th, o| {
        let t = target(th, o)?;
        if t.borrow().ty().slots.next().is_none() {
            let msg =
                format!("Weakref proxy referenced a non-iterator '{}' object", t.borrow().type_name(th));
            return Err(th.type_error(&msg));
        }
        t.borrow().next(th)
    }),
    bool: Some(|th, o| {
        let t = target(th, o)?;
        t.borrow().truth(th)
    }),
    len: Some(|th, o| {
        let t = target(th, o)?;
        t.borrow().len(th)
    }),
    getitem: Some(|th, o, k| {
        let t = target(th, o)?;
        t.borrow().getitem(th, k)
    }),
    setitem: Some(|th, o, k, v| {
        let t = target(th, o)?;
        match v {
            Some(v) => t.borrow().setitem(th, k, v),
            None => t.borrow().delitem(th, k),
        }
    }),
    contains: Some(|th, o, v| {
        let t = target(th, o)?;
        t.borrow().contains(th, v)
    }),
    add: binary!(Add),
    subtract: binary!(Subtract),
    multiply: binary!(Multiply),
    matmul: binary!(MatMul),
    true_divide: binary!(TrueDivide),
    floor_divide: binary!(FloorDivide),
    remainder: binary!(Remainder),
    divmod: Some(|th, a, b| {
        let (a, b) = (target(th, a)?, target(th, b)?);
        number::divmod(th, a.borrow(), b.borrow())
    }),
    power: Some(|th, a, b, m| {
        let (a, b) = (target(th, a)?, target(th, b)?);
        if m.is_null() {
            return number::power(th, a.borrow(), b.borrow(), m);
        }
        let m = target(th, m)?;
        number::power(th, a.borrow(), b.borrow(), m.borrow())
    }),
    lshift: binary!(Lshift),
    rshift: binary!(Rshift),
    and: binary!(And),
    xor: binary!(Xor),
    or: binary!(Or),
    inplace_add: inplace!(Add),
    inplace_subtract: inplace!(Subtract),
    inplace_multiply: inplace!(Multiply),
    inplace_matmul: inplace!(MatMul),
    inplace_true_divide: inplace!(TrueDivide),
    inplace_floor_divide: inplace!(FloorDivide),
    inplace_remainder: inplace!(Remainder),
    inplace_lshift: inplace!(Lshift),
    inplace_rshift: inplace!(Rshift),
    inplace_and: inplace!(And),
    inplace_xor: inplace!(Xor),
    inplace_or: inplace!(Or),
    negative: Some(|th, o| {
        let t = target(th, o)?;
        number::negative(th, t.borrow())
    }),
    positive: Some(|th, o| {
        let t = target(th, o)?;
        number::positive(th, t.borrow())
    }),
    absolute: Some(|th, o| {
        let t = target(th, o)?;
        number::absolute(th, t.borrow())
    }),
    invert: Some(|th, o| {
        let t = target(th, o)?;
        number::invert(th, t.borrow())
    }),
    int: Some(|th, o| {
        let t = target(th, o)?;
        crate::builtins::int::convert::to_int(th, t.borrow())
    }),
    float: Some(|th, o| {
        let t = target(th, o)?;
        let f = crate::builtins::float::convert::to_float(th, t.borrow())?;
        Ok(th.new_float(f))
    }),
    index: Some(|th, o| {
        let t = target(th, o)?;
        t.borrow().index(th)
    }),
    ..Slots::NONE
};

const METHODS: &[NativeDef] = &[
    NativeDef::new("__bytes__", "($self, /)", |th, a| forward(th, a[0], "__bytes__"), ""),
    NativeDef::new("__reversed__", "($self, /)", |th, a| forward(th, a[0], "__reversed__"), ""),
];

pub static PROXY: TypeDef = TypeDef {
    module: "weakref",
    flags: type_flags::GC | type_flags::NO_NEW,
    layout: super::LAYOUT,
    slots: SLOTS,
    methods: METHODS,
    ..TypeDef::of::<Proxy>("ProxyType")
};

pub static CALLABLE_PROXY: TypeDef = TypeDef {
    module: "weakref",
    flags: type_flags::GC | type_flags::NO_NEW,
    layout: super::LAYOUT,
    slots: Slots { call: Some(call), ..SLOTS },
    methods: METHODS,
    ..TypeDef::of::<CallableProxy>("CallableProxyType")
};

weak_payload! {
    /// A proxy.
    Proxy: PROXY
}

weak_payload! {
    /// A proxy of something callable.
    CallableProxy: CALLABLE_PROXY
}

/// Makes a reference or proxy of class `ty`.
pub(super) fn alloc(th: &mut Thread, w: WeakRef, ty: &Type) -> Owned {
    let WeakRef { header, referent, callback, hash, registered } = w;
    if core::ptr::eq(ty, PROXY.ty()) {
        th.alloc(Proxy { header, referent, callback, hash, registered })
    } else if core::ptr::eq(ty, CALLABLE_PROXY.ty()) {
        th.alloc(CallableProxy { header, referent, callback, hash, registered })
    } else {
        th.alloc_as(WeakRef { header, referent, callback, hash, registered }, ty)
    }
}

/// `weakref.proxy(o, callback)`
pub fn new_proxy(th: &mut Thread, o: Borrowed<'_>, callback: Option<Borrowed<'_>>) -> PyResult {
    let def = if o.is_callable() { &CALLABLE_PROXY } else { &PROXY };
    make(th, def.ty(), o, callback)
}

fn is_proxy(o: Borrowed<'_>) -> bool {
    let ty = o.ty();
    core::ptr::eq(ty, PROXY.ty()) || core::ptr::eq(ty, CALLABLE_PROXY.ty())
}

/// What a proxy stands for; other objects stand for themselves.
fn target(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    if !is_proxy(o) {
        return Ok(o.to_owned());
    }
    match payload(o).and_then(get) {
        Some(v) => Ok(v),
        None => Err(th.raise(&ex::REFERENCE_ERROR, "weakly-referenced object no longer exists")),
    }
}

fn forward(th: &mut Thread, o: Borrowed<'_>, name: &str) -> PyResult {
    let t = target(th, o)?;
    t.borrow().call_method_str(th, name, &[])
}

fn call(th: &mut Thread, o: Borrowed<'_>, a: Args<'_>) -> PyResult {
    let t = target(th, o)?;
    t.borrow().call_args(th, a)
}

fn compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    let (a, b) = (target(th, a)?, target(th, b)?);
    a.borrow().compare(th, b.borrow(), op)
}
