//! Functions that make one value of another: numbers, text, hashes, identities.

use crate::builtins::bytearray::ByteArray;
use crate::builtins::bytes::Bytes;
use crate::builtins::float::convert as float_convert;
use crate::builtins::int::convert as int_convert;
use crate::builtins::str::Str;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::ArgsExt;
use crate::thread::Thread;
use crate::word::Word;

pub fn abs(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let w = a[0].word();
    if w.is_int() {
        return Ok(th.new_int(w.int().abs()));
    }
    crate::number::absolute(th, a[0])
}

pub fn divmod(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    crate::number::divmod(th, a[0], a[1])
}

pub fn pow(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    match a.some(2) {
        Some(modulus) => crate::number::power(th, a[0], a[1], modulus),
        None => crate::number::power(th, a[0], a[1], Borrowed::null()),
    }
}

pub fn bin(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    int_convert::to_base(th, a[0], 2)
}

pub fn oct(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    int_convert::to_base(th, a[0], 8)
}

pub fn hex(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    int_convert::to_base(th, a[0], 16)
}

pub fn repr(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    a[0].repr(th)
}

pub fn ascii(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    ascii_of(th, a[0])
}

/// `ascii(o)`
pub fn ascii_of(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let r = o.repr(th)?;
    let s = r.payload::<Str>();
    if s.is_ascii() {
        return Ok(r);
    }
    let escaped = typhon_text::repr::escape_non_ascii(s.data());
    Ok(th.new_str_buf(escaped))
}

pub fn chr(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = a[0].index(th)?;
    match n.word() {
        w if w.is_int() && (0..=0x10ffff).contains(&w.int()) => Ok(th.char_str(w.int() as u32)),
        _ => Err(th.value_error("chr() arg not in range(0x110000)")),
    }
}

pub fn ord(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let o = a[0];
    let found = if let Some(s) = o.downcast::<Str>() {
        if s.len() == 1 {
            return Ok(Owned::from_const(Word::small_int(i64::from(s.data().get(0)))));
        }
        s.len()
    } else if o.downcast::<Bytes>().is_some() || o.downcast::<ByteArray>().is_some() {
        let bytes = crate::buffer::get(th, o)?;
        if let [one] = bytes.as_slice() {
            return Ok(Owned::from_const(Word::small_int(i64::from(*one))));
        }
        bytes.len
    } else {
        let msg = format!("ord() expected string of length 1, but {} found", o.type_name(th));
        return Err(th.type_error(&msg));
    };
    let what =
        if o.downcast::<Str>().is_some() { "a character, but string" } else { "a character, but bytes" };
    let msg = format!("ord() expected {what} of length {found} found");
    Err(th.type_error(&msg))
}

pub fn hash(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let h = a[0].hash(th)?;
    Ok(th.new_int(h))
}

pub fn id(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    Ok(th.new_uint(a[0].word().identity()))
}

pub fn len(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = a[0].len(th)?;
    Ok(th.new_int(n as i64))
}

pub fn round(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let name = th.rt.names.__round__.get();
    let r = match a.some(1) {
        Some(digits) => a[0].call_special(th, name, &[digits])?,
        None => a[0].call_special(th, name, &[])?,
    };
    match r {
        Some(v) => Ok(v),
        None => {
            let msg = format!("type {} doesn't define __round__ method", a[0].type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

pub fn format(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if let Some(spec) = a.opt(1)
        && spec.downcast::<Str>().is_none()
    {
        let msg = format!("format() argument 2 must be str, not {}", spec.type_name(th));
        return Err(th.type_error(&msg));
    }
    format_value(th, a[0], a.opt(1))
}

/// `format(value, spec)`: a str. No spec and the empty one are the same; exact strs, ints and floats
/// with an empty spec need no method call.
pub fn format_value(th: &mut Thread, value: Borrowed<'_>, spec: Option<Borrowed<'_>>) -> PyResult {
    let empty = spec.is_none_or(|s| s.downcast::<Str>().is_some_and(|s| s.is_empty()));
    if empty {
        if value.downcast_exact::<Str>().is_some() {
            return Ok(value.to_owned());
        }
        let w = value.word();
        if w.is_int() {
            return Ok(int_convert::small_to_str(th, w.int()));
        }
        if let Some(f) = w.unboxed_float() {
            return Ok(float_convert::to_str(th, f));
        }
    }
    let spec = match spec {
        Some(s) => s.to_owned(),
        None => th.empty_str(),
    };
    let name = th.rt.names.__format__.get();
    match value.call_special(th, name, &[spec.borrow()])? {
        Some(r) if r.downcast::<Str>().is_some() => Ok(r),
        Some(r) => {
            let msg = format!("__format__ must return a str, not {}", r.borrow().type_name(th));
            Err(th.type_error(&msg))
        }
        None => {
            let msg = format!("Type {} doesn't define __format__", value.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}
