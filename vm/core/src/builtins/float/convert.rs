//! Floats from text and other objects, and floats as text.

use typhon_text::StrData;
use typhon_text::float::ReprBuffer;

use super::arith::of;
use crate::builtins::str::Str;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::Args;
use crate::thread::Thread;
use crate::types::Type;
use crate::word::Word;

pub(super) fn slot_repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(to_str(th, of(o)))
}

/// `repr(v)`
#[inline]
pub fn to_str(th: &mut Thread, v: f64) -> Owned {
    let mut buffer = ReprBuffer::new();
    let text = buffer.format(v);
    th.new_ascii(text)
}

/// The double of a float, int, or object with `__float__` or `__index__`; `message` begins the TypeError
/// for others, whose type name ends it.
pub(crate) fn real(th: &mut Thread, o: Borrowed<'_>, message: &str) -> PyResult<f64> {
    match real_opt(th, o)? {
        Some(v) => Ok(v),
        None => {
            let msg = format!("{message}{}", o.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

/// As [`real`]; `None` for what is no real number.
pub(crate) fn real_opt(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<f64>> {
    if let Some(v) = o.word().unboxed_float() {
        return Ok(Some(v));
    }
    if let Some(b) = o.downcast_exact::<super::BoxedFloat>() {
        return Ok(Some(b.value));
    }
    if let Some(f) = o.ty().slots.float() {
        let r = f(th, o)?;
        let Some(v) = r.borrow().as_float() else {
            let msg = format!(
                "{}.__float__() must return a float, not {}",
                o.type_name(th),
                r.borrow().type_name(th)
            );
            return Err(th.type_error(&msg));
        };
        if r.word().is_ptr() && r.borrow().downcast_exact::<super::BoxedFloat>().is_none() {
            let msg = format!(
                "{}.__float__() must return a float, not {}.  The ability to return an instance of a strict \
                 subclass of float is deprecated, and may not be supported in a future version of Python.",
                o.type_name(th),
                r.borrow().type_name(th)
            );
            crate::builtins::int::warn_deprecated(th, &msg)?;
        }
        return Ok(Some(v));
    }
    if o.ty().slots.index().is_some() {
        let i = o.index(th)?;
        return super::arith::to_double(th, i.borrow());
    }
    Ok(None)
}

fn parse_ascii(th: &mut Thread, bytes: &[u8], shown: Borrowed<'_>) -> PyResult<f64> {
    match typhon_text::float::parse(bytes) {
        Some(v) => Ok(v),
        None => {
            let repr = shown.repr(th)?;
            let mut msg = typhon_text::StrBuf::from("could not convert string to float: ");
            msg.push_data(repr.payload::<Str>().data());
            let msg = th.new_str_buf(msg);
            Err(th.raise_value(&crate::builtins::exceptions::VALUE_ERROR, msg))
        }
    }
}

/// `float(o)` as a double.
pub fn to_float(th: &mut Thread, o: Borrowed<'_>) -> PyResult<f64> {
    if let Some(v) = real_opt(th, o)? {
        return Ok(v);
    }
    if let Some(s) = o.downcast::<Str>() {
        return match s.data() {
            StrData::One(b) if s.is_ascii() => parse_ascii(th, b, o),
            d => parse_ascii(th, &typhon_text::unicode::to_ascii_number(d), o),
        };
    }
    match crate::buffer::bytes_like_opt(th, o)? {
        Some(bytes) => parse_ascii(th, &bytes, o),
        None => {
            let msg =
                format!("float() argument must be a string or a real number, not '{}'", o.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

pub(super) fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    if args.has_keywords() && core::ptr::eq(ty, super::DEF.ty()) {
        return Err(th.type_error("float() takes no keyword arguments"));
    }
    match args.pos() {
        [] => {
            if core::ptr::eq(ty, super::DEF.ty()) {
                return Ok(Owned::from_const(Word::POS_ZERO));
            }
            Ok(th.new_float_as(ty, 0.0))
        }
        [x] => {
            let v = to_float(th, *x)?;
            Ok(th.new_float_as(ty, v))
        }
        more => {
            let msg = format!("float expected at most 1 argument, got {}", more.len());
            Err(th.type_error(&msg))
        }
    }
}
