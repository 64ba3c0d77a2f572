//! Methods and attributes of `float`.

use dashu_int::IBig;

use super::arith::{of, slot_same};
use super::convert;
use crate::builtins::str::Str;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::ArgsExt;
use crate::thread::Thread;
use crate::typedef::{GetSetDef, NativeDef};
use crate::types::Type;
use crate::word::Word;

pub(super) static METHODS: &[NativeDef] = &[
    NativeDef::new("conjugate", "($self, /)", same, "Return self, the complex conjugate of any float."),
    NativeDef::new("__trunc__", "($self, /)", trunc, "Return the Integral closest to x between 0 and x."),
    NativeDef::new("__floor__", "($self, /)", floor, "Return the floor as an Integral."),
    NativeDef::new("__ceil__", "($self, /)", ceil, "Return the ceiling as an Integral."),
    NativeDef::new(
        "__round__",
        "($self, ndigits=None, /)",
        round,
        "Return the Integral closest to x, rounding half toward even.\n\n\
         When an argument is passed, work like built-in round(x, ndigits).",
    ),
    NativeDef::new(
        "as_integer_ratio",
        "($self, /)",
        as_integer_ratio,
        "Return a pair of integers, whose ratio is exactly equal to the original float.",
    ),
    NativeDef::new(
        "from_number",
        "($type, number, /)",
        from_number,
        "Convert real number to a floating-point number.",
    )
    .class(),
    NativeDef::new(
        "fromhex",
        "($type, string, /)",
        fromhex,
        "Create a floating-point number from a hexadecimal string.",
    )
    .class(),
    NativeDef::new(
        "hex",
        "($self, /)",
        hex,
        "Return a hexadecimal representation of a floating-point number.",
    ),
    NativeDef::new("is_integer", "($self, /)", is_integer, "Return True if the float is an integer."),
    NativeDef::new("__getnewargs__", "($self, /)", getnewargs, ""),
    NativeDef::new(
        "__getformat__",
        "($type, typestr, /)",
        getformat,
        "You probably don't want to use this function.",
    )
    .class(),
    NativeDef::new(
        "__format__",
        "($self, format_spec, /)",
        format,
        "Formats the float according to format_spec.",
    ),
];

pub(super) static GETSET: &[GetSetDef] = &[
    GetSetDef { name: "real", get: slot_same, set: None, doc: "the real part of a complex number" },
    GetSetDef { name: "imag", get: zero, set: None, doc: "the imaginary part of a complex number" },
];

fn zero(_th: &mut Thread, _o: Borrowed<'_>) -> PyResult {
    Ok(Owned::from_const(Word::POS_ZERO))
}

fn same(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    slot_same(th, a[0])
}

fn trunc(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    super::arith::to_int(th, of(a[0]))
}

fn floor(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    super::arith::to_int(th, of(a[0]).floor())
}

fn ceil(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    super::arith::to_int(th, of(a[0]).ceil())
}

fn round(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let v = of(a[0]);
    let Some(digits) = a.some(1) else {
        return super::arith::to_int(th, typhon_text::float::round_to_integer(v));
    };
    let digits = digits.to_isize_clipped(th)?;
    match typhon_text::float::round(v, digits as i64) {
        Ok(v) => Ok(th.new_float(v)),
        Err(_) => Err(th.overflow_error("rounded value too large to represent")),
    }
}

fn as_integer_ratio(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let v = of(a[0]);
    if v.is_infinite() {
        return Err(th.overflow_error("cannot convert Infinity to integer ratio"));
    }
    if v.is_nan() {
        return Err(th.value_error("cannot convert NaN to integer ratio"));
    }
    let (n, d) = typhon_text::float::integer_ratio(v);
    let pair = vec![th.new_big(n), th.new_big(IBig::from(d))];
    Ok(th.new_tuple(pair))
}

/// An instance of the class `cls`, through its constructor unless it is `float`.
fn build(th: &mut Thread, cls: Borrowed<'_>, v: f64) -> PyResult {
    let v = th.new_float(v);
    match cls.downcast::<Type>() {
        Some(ty) if !core::ptr::eq(ty, super::DEF.ty()) => cls.call(th, &[v.borrow()]),
        _ => Ok(v),
    }
}

fn from_number(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let v = convert::real(th, a[1], "must be real number, not ")?;
    build(th, a[0], v)
}

fn fromhex(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(s) = a[1].downcast::<Str>() else {
        return Err(th.type_error("bad argument type for built-in operation"));
    };
    use typhon_text::float_hex::{HexError, parse_hex};
    let parsed = match s.as_ascii() {
        Some(text) => parse_hex(text.as_bytes()),
        None => Err(HexError::Invalid),
    };
    match parsed {
        Ok(v) => build(th, a[0], v),
        Err(e @ HexError::Invalid) => Err(th.value_error(e.message())),
        Err(e @ HexError::TooLarge) => Err(th.overflow_error(e.message())),
    }
}

fn hex(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let mut out = Vec::with_capacity(32);
    typhon_text::float_hex::write_hex(of(a[0]), &mut out);
    Ok(th.new_ascii(&out))
}

fn is_integer(_th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let v = of(a[0]);
    Ok(Owned::bool(v.is_finite() && v.trunc() == v))
}

fn getnewargs(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let v = slot_same(th, a[0])?;
    Ok(th.new_tuple(vec![v]))
}

fn getformat(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let s = a[1].expect_str(th, "__getformat__() argument")?;
    if !s.is_text("double") && !s.is_text("float") {
        return Err(th.value_error("__getformat__() argument 1 must be 'double' or 'float'"));
    }
    Ok(th.new_str(if cfg!(target_endian = "little") { "IEEE, little-endian" } else { "IEEE, big-endian" }))
}

fn format(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let spec = a[1].expect_str(th, "__format__() argument")?;
    format_float(th, a[0], spec)
}

/// `format(o, spec)` of a float.
pub(crate) fn format_float(th: &mut Thread, o: Borrowed<'_>, spec: &Str) -> PyResult {
    if spec.is_empty() {
        return o.str(th);
    }
    let name = o.type_name(th);
    match typhon_text::format_spec::format_float(of(o), spec.data(), &name) {
        Ok(b) => Ok(th.new_str_buf(b)),
        Err(e) => Err(th.text_error(&e)),
    }
}
