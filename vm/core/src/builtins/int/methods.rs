//! Methods and attributes of `int`.

use dashu_int::{IBig, UBig};
use typhon_text::int::bit_len;

use super::arith::{slot_same, with_big};
use super::{IntRef, of};
use crate::builtins::str::Str;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::ArgsExt;
use crate::thread::Thread;
use crate::typedef::{GetSetDef, NativeDef};
use crate::types::Type;
use crate::word::Word;

pub(super) static METHODS: &[NativeDef] = &[
    NativeDef::new("conjugate", "($self, /)", same, "Returns self, the complex conjugate of any int."),
    NativeDef::new(
        "bit_length",
        "($self, /)",
        bit_length,
        "Number of bits necessary to represent self in binary.",
    ),
    NativeDef::new(
        "bit_count",
        "($self, /)",
        bit_count,
        "Number of ones in the binary representation of the absolute value of self.",
    ),
    NativeDef::new(
        "to_bytes",
        "($self, /, length=1, byteorder='big', *, signed=False)",
        to_bytes,
        "Return an array of bytes representing an integer.",
    ),
    NativeDef::new(
        "from_bytes",
        "($type, /, bytes, byteorder='big', *, signed=False)",
        from_bytes,
        "Return the integer represented by the given array of bytes.",
    )
    .class(),
    NativeDef::new(
        "as_integer_ratio",
        "($self, /)",
        as_integer_ratio,
        "Return a pair of integers, whose ratio is equal to the original int.",
    ),
    NativeDef::new(
        "is_integer",
        "($self, /)",
        is_integer,
        "Returns True. Exists for duck type compatibility with float.is_integer.",
    ),
    NativeDef::new("__trunc__", "($self, /)", same, "Truncating an Integral returns itself."),
    NativeDef::new("__floor__", "($self, /)", same, "Flooring an Integral returns itself."),
    NativeDef::new("__ceil__", "($self, /)", same, "Ceiling of an Integral returns itself."),
    NativeDef::new(
        "__round__",
        "($self, ndigits=None, /)",
        round,
        "Rounding an Integral returns itself.\n\nRounding with an ndigits argument also returns an integer.",
    ),
    NativeDef::new("__getnewargs__", "($self, /)", getnewargs, ""),
    NativeDef::new(
        "__format__",
        "($self, format_spec, /)",
        format,
        "Convert to a string according to format_spec.",
    ),
    NativeDef::new("__sizeof__", "($self, /)", sizeof, "Returns size in memory, in bytes."),
];

pub(super) static GETSET: &[GetSetDef] = &[
    GetSetDef { name: "real", get: slot_same, set: None, doc: "the real part of a complex number" },
    GetSetDef { name: "imag", get: zero, set: None, doc: "the imaginary part of a complex number" },
    GetSetDef {
        name: "numerator",
        get: slot_same,
        set: None,
        doc: "the numerator of a rational number in lowest terms",
    },
    GetSetDef {
        name: "denominator",
        get: one,
        set: None,
        doc: "the denominator of a rational number in lowest terms",
    },
];

fn zero(_th: &mut Thread, _o: Borrowed<'_>) -> PyResult {
    Ok(Owned::from_const(Word::small_int(0)))
}

fn one(_th: &mut Thread, _o: Borrowed<'_>) -> PyResult {
    Ok(Owned::from_const(Word::small_int(1)))
}

fn same(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    slot_same(th, a[0])
}

fn bit_length(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let bits = match of(a[0]) {
        IntRef::Small(v) => 64 - v.unsigned_abs().leading_zeros() as usize,
        IntRef::Big(v) => bit_len(v),
    };
    Ok(th.new_int(bits as i64))
}

fn bit_count(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let ones = match of(a[0]) {
        IntRef::Small(v) => v.unsigned_abs().count_ones() as u64,
        IntRef::Big(v) => v.as_sign_words().1.iter().map(|w| u64::from(w.count_ones())).sum(),
    };
    Ok(th.new_int(ones as i64))
}

fn as_integer_ratio(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let pair = vec![slot_same(th, a[0])?, Owned::from_const(Word::small_int(1))];
    Ok(th.new_tuple(pair))
}

fn is_integer(_th: &mut Thread, _a: &[Borrowed<'_>]) -> PyResult {
    Ok(Owned::bool(true))
}

fn getnewargs(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let v = slot_same(th, a[0])?;
    Ok(th.new_tuple(vec![v]))
}

fn sizeof(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let words = match a[0].downcast::<super::BigInt>() {
        Some(b) => b.value.as_sign_words().1.len(),
        None => return Ok(th.new_int(8)),
    };
    // Up to two words lie inside the payload.
    let extra = if words > 2 { words * 8 } else { 0 };
    Ok(th.new_int((size_of::<super::BigInt>() + extra) as i64))
}

fn format(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let spec = a[1].expect_str(th, "__format__() argument")?;
    format_int(th, a[0], spec)
}

/// `format(o, spec)` of an int or bool.
pub(crate) fn format_int(th: &mut Thread, o: Borrowed<'_>, spec: &Str) -> PyResult {
    if spec.is_empty() {
        return o.str(th);
    }
    let name = o.type_name(th);
    match typhon_text::format_spec::format_int(of(o), spec.data(), &name, super::convert::max_str_digits()) {
        Ok(b) => Ok(th.new_str_buf(b)),
        Err(e) => Err(th.text_error(&e)),
    }
}

fn round(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(digits) = a.some(1) else { return slot_same(th, a[0]) };
    let digits = digits.index(th)?;
    let digits = match of(digits.borrow()) {
        d if !d.is_negative() => return slot_same(th, a[0]),
        IntRef::Small(d) => d.unsigned_abs(),
        IntRef::Big(_) => u64::MAX,
    };
    let value = of(a[0]);
    let length = with_big(value, bit_len) as u64;
    // 10^d exceeds twice the value: the multiple of it that is nearest is zero.
    if digits > length / 3 + 1 {
        return zero(th, a[0]);
    }
    let unit = UBig::from(10u8).pow(digits as usize);
    let rounded = with_big(value, |v| {
        let (sign, magnitude) = v.clone().into_parts();
        let (q, r) = dashu_int::ops::DivRem::div_rem(magnitude, &unit);
        let twice = r << 1;
        let odd = dashu_int::ops::BitTest::bit(&q, 0);
        let up = twice > unit || (twice == unit && odd);
        let q = if up { q + UBig::ONE } else { q };
        IBig::from_parts(sign, q * &unit)
    });
    Ok(th.new_big(rounded))
}

/// `'big'` = false, `'little'` = true. Errors: ValueError.
fn is_little(th: &mut Thread, order: Option<Borrowed<'_>>, function: &str) -> PyResult<bool> {
    let Some(order) = order else { return Ok(false) };
    let Some(s) = order.downcast::<Str>() else {
        let msg = format!("{function}() argument 'byteorder' must be str, not {}", order.type_name(th));
        return Err(th.type_error(&msg));
    };
    if s.is_text("little") {
        Ok(true)
    } else if s.is_text("big") {
        Ok(false)
    } else {
        Err(th.value_error("byteorder must be either 'little' or 'big'"))
    }
}

fn to_bytes(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let length = match a.opt(1) {
        Some(n) => n.to_isize(th)?,
        None => 1,
    };
    let little = is_little(th, a.opt(2), "to_bytes")?;
    let signed = match a.opt(3) {
        Some(s) => s.truth(th)?,
        None => false,
    };
    if length < 0 {
        return Err(th.value_error("length argument must be non-negative"));
    }
    let length = length as usize;
    let value = of(a[0]);
    if value.is_negative() && !signed {
        return Err(th.overflow_error("can't convert negative int to unsigned"));
    }
    let fill = if value.is_negative() { 0xFF } else { 0 };
    let (small, big);
    let source: &[u8] = match value {
        IntRef::Small(v) => {
            small = v.to_le_bytes();
            &small
        }
        IntRef::Big(v) => {
            big = v.to_le_bytes();
            &big
        }
    };
    let fits = source.get(length..).is_none_or(|rest| rest.iter().all(|b| *b == fill))
        && (!signed
            || (length == 0 && fill == 0)
            || source.get(length.wrapping_sub(1)).is_none_or(|top| top & 0x80 == fill & 0x80));
    if !fits {
        return Err(th.overflow_error("int too big to convert"));
    }
    let n = source.len().min(length);
    th.new_bytes_with(length, |out| {
        out[..n].copy_from_slice(&source[..n]);
        out[n..].fill(fill);
        if !little {
            out.reverse();
        }
    })
}

fn from_bytes(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let little = is_little(th, a.opt(2), "from_bytes")?;
    let signed = match a.opt(3) {
        Some(s) => s.truth(th)?,
        None => false,
    };
    let bytes = crate::builtins::bytes::collect(th, a[1])?;
    let value = value_of_bytes(th, &bytes, little, signed);
    match a[0].downcast::<Type>() {
        Some(ty) if !core::ptr::eq(ty, super::DEF.ty()) => a[0].call(th, &[value.borrow()]),
        _ => Ok(value),
    }
}

fn value_of_bytes(th: &mut Thread, bytes: &[u8], little: bool, signed: bool) -> Owned {
    let negative = signed
        && match (little, bytes) {
            (true, [.., top]) | (false, [top, ..]) => top & 0x80 != 0,
            _ => false,
        };
    if bytes.len() <= 8 {
        let mut word = if negative { [0xFF; 8] } else { [0; 8] };
        for (i, b) in bytes.iter().enumerate() {
            word[if little { i } else { bytes.len() - 1 - i }] = *b;
        }
        let v = i64::from_le_bytes(word);
        return if signed || v >= 0 { th.new_int(v) } else { th.new_uint(v as u64) };
    }
    let v = match (signed, little) {
        (true, true) => IBig::from_le_bytes(bytes),
        (true, false) => IBig::from_be_bytes(bytes),
        (false, true) => UBig::from_le_bytes(bytes).into(),
        (false, false) => UBig::from_be_bytes(bytes).into(),
    };
    th.new_big(v)
}
