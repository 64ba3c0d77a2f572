//! `complex`.

pub mod arith;
pub mod convert;

use crate::builtins::int::arith::compare_with_float;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::{CompareOp, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{GetSetDef, NativeDef, TypeDef, TypeId, type_flags};
use crate::types::Type;

pub(crate) use arith::power_of_floats;

crate::payload! {
    /// A complex number.
    pub struct Complex: DEF {
        pub re: f64,
        pub im: f64,
    }
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::COMPLEX),
    flags: type_flags::BASE,
    doc: "Create a complex number from a string or numbers.\n\n\
          If a string is given, parse it as a complex number.\n\
          If a single number is given, convert it to a complex number.\n\
          If the 'real' or 'imag' arguments are given, create a complex number\n\
          with the specified real and imaginary components.",
    slots: Slots {
        repr: Some(convert::slot_repr),
        hash: Some(hash),
        compare: Some(compare),
        new: Some(convert::new),
        bool: Some(truth),
        add: Some(arith::slot_add),
        subtract: Some(arith::slot_subtract),
        multiply: Some(arith::slot_multiply),
        true_divide: Some(arith::slot_true_divide),
        power: Some(arith::slot_power),
        negative: Some(arith::slot_negative),
        positive: Some(arith::slot_positive),
        absolute: Some(arith::slot_absolute),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new(
            "conjugate",
            "($self, /)",
            conjugate,
            "Return the complex conjugate of its argument. (3-4j).conjugate() == 3+4j.",
        ),
        NativeDef::new(
            "__complex__",
            "($self, /)",
            convert::dunder_complex,
            "Convert this value to exact type complex.",
        ),
        NativeDef::new(
            "from_number",
            "($type, number, /)",
            convert::from_number,
            "Convert number to a complex floating-point number.",
        )
        .class(),
        NativeDef::new("__getnewargs__", "($self, /)", getnewargs, ""),
        NativeDef::new(
            "__format__",
            "($self, format_spec, /)",
            convert::format,
            "Convert to a string according to format_spec.",
        ),
    ],
    getset: &[
        GetSetDef { name: "real", get: real, set: None, doc: "the real part of a complex number" },
        GetSetDef { name: "imag", get: imag, set: None, doc: "the imaginary part of a complex number" },
    ],
    ..TypeDef::of::<Complex>("complex")
};

impl Thread {
    /// An exact complex.
    pub fn new_complex(&mut self, re: f64, im: f64) -> Owned {
        self.alloc(Complex { header: unborn(), re, im })
    }

    /// An instance of `complex` or a subclass.
    pub fn new_complex_as(&mut self, ty: &Type, re: f64, im: f64) -> Owned {
        if core::ptr::eq(ty, DEF.ty()) {
            return self.new_complex(re, im);
        }
        self.alloc_as(Complex { header: unborn(), re, im }, ty)
    }
}

/// The parts of a complex that is known to be one.
fn of(o: Borrowed<'_>) -> (f64, f64) {
    let c = o.downcast::<Complex>().expect("self is a complex");
    (c.re, c.im)
}

fn hash(_th: &mut Thread, o: Borrowed<'_>) -> PyResult<i64> {
    let (re, im) = of(o);
    let part = |v| {
        typhon_text::hash::hash_float(v)
            .unwrap_or_else(|| typhon_text::hash::hash_pointer(o.word().identity() as usize))
    };
    Ok(typhon_text::hash::hash_complex(part(re), part(im)))
}

fn compare(_th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Owned::not_implemented());
    }
    let (re, im) = of(a);
    let equal = if let Some(c) = b.downcast::<Complex>() {
        re == c.re && im == c.im
    } else if let Some(f) = b.as_float() {
        re == f && im == 0.0
    } else if let Some(i) = b.as_int() {
        im == 0.0 && compare_with_float(i, re) == Some(core::cmp::Ordering::Equal)
    } else {
        return Ok(Owned::not_implemented());
    };
    Ok(Owned::bool(equal == (op == CompareOp::Eq)))
}

fn truth(_th: &mut Thread, o: Borrowed<'_>) -> PyResult<bool> {
    let (re, im) = of(o);
    Ok(re != 0.0 || im != 0.0)
}

fn real(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(th.new_float(of(o).0))
}

fn imag(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(th.new_float(of(o).1))
}

fn conjugate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (re, im) = of(a[0]);
    Ok(th.new_complex(re, -im))
}

fn getnewargs(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (re, im) = of(a[0]);
    let pair = vec![th.new_float(re), th.new_float(im)];
    Ok(th.new_tuple(pair))
}
