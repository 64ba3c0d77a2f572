//! Ints from text and other objects, and ints as text.

use typhon_sync::prim::{AtomicUsize, Ordering};

use typhon_text::StrData;
use typhon_text::int::{self as text, DecimalBuffer, ParseIntError};

use super::{Int, IntRef};
use crate::builtins::str::Str;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::Args;
use crate::thread::Thread;
use crate::types::Type;
use crate::word::Word;

/// `sys.get_int_max_str_digits()`; 0 = no limit.
static MAX_STR_DIGITS: AtomicUsize = AtomicUsize::new(text::DEFAULT_MAX_STR_DIGITS);

/// The limit on decimal digits in conversions between int and str; 0 = none.
pub fn max_str_digits() -> usize {
    // ORDERING Relaxed: a plain setting.
    MAX_STR_DIGITS.load(Ordering::Relaxed)
}

/// `sys.set_int_max_str_digits(n)`; the caller checks the range.
pub fn set_max_str_digits(n: usize) {
    // ORDERING Relaxed: a plain setting.
    MAX_STR_DIGITS.store(n, Ordering::Relaxed)
}

pub(super) fn setup(th: &mut Thread, _ty: &Type) -> PyResult<()> {
    if let Ok(n) = usize::try_from(th.rt.config.int_max_str_digits) {
        set_max_str_digits(n);
    }
    Ok(())
}

/// `str(v)` of a machine word.
#[inline]
pub fn small_to_str(th: &mut Thread, v: i64) -> Owned {
    if let 0..=9 = v {
        return th.char_str(u32::from(b'0') + v as u32);
    }
    let mut buffer = DecimalBuffer::new();
    let digits = buffer.format(v);
    th.new_ascii(digits)
}

/// Appends the decimal digits of an int of any size. Errors: ValueError beyond the digit limit.
pub fn write_decimal(th: &mut Thread, v: IntRef<'_>, out: &mut Vec<u8>) -> PyResult<()> {
    let limit = max_str_digits();
    text::write_decimal(v, limit, out).map_err(|_| th.value_error(&text::too_large_to_print(limit)))
}

pub(super) fn slot_repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    match super::of(o) {
        IntRef::Small(v) => Ok(small_to_str(th, v)),
        v => {
            let mut out = Vec::new();
            write_decimal(th, v, &mut out)?;
            Ok(th.new_ascii(&out))
        }
    }
}

/// `bin`, `oct`, `hex`: `base` is 2, 8 or 16; accepts what has `__index__`.
pub fn to_base(th: &mut Thread, o: Borrowed<'_>, base: u32) -> PyResult {
    let i = o.index(th)?;
    let mut out = Vec::new();
    text::write_prefixed(super::of(i.borrow()), base, &mut out);
    Ok(th.new_ascii(&out))
}

/// `int(text, base)`; `shown` is the argument, for the error message.
pub fn parse_ascii(th: &mut Thread, bytes: &[u8], base: u32, shown: Borrowed<'_>) -> PyResult {
    match text::parse(bytes, base, max_str_digits()) {
        Ok(Int::Small(v)) => Ok(th.new_int(v)),
        Ok(Int::Big(v)) => Ok(th.new_big(v)),
        Err(ParseIntError::Base) => Err(th.value_error(text::BAD_BASE)),
        Err(ParseIntError::TooManyDigits { limit, digits }) => {
            Err(th.value_error(&text::too_many_digits(limit, digits)))
        }
        Err(ParseIntError::Invalid) => {
            let repr = shown.repr(th)?;
            let repr = repr.payload::<Str>().data();
            let repr = repr.slice(0, repr.len().min(200));
            let mut msg = typhon_text::StrBuf::new();
            msg.push_str(&text::invalid_literal(base, ""));
            msg.push_data(repr);
            let msg = th.new_str_buf(msg);
            Err(th.raise_value(&crate::builtins::exceptions::VALUE_ERROR, msg))
        }
    }
}

/// `int(s, base)` of a str.
pub fn parse_str(th: &mut Thread, s: &Str, base: u32) -> PyResult {
    let shown = Borrowed::from_payload(s);
    match s.data() {
        StrData::One(b) if s.is_ascii() => parse_ascii(th, b, base, shown),
        d => {
            let ascii = typhon_text::unicode::to_ascii_number(d);
            parse_ascii(th, &ascii, base, shown)
        }
    }
}

/// `int(o)`
pub fn to_int(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let w = o.word();
    if w.is_int() || o.downcast_exact::<super::BigInt>().is_some() {
        return Ok(o.to_owned());
    }
    if let Some(f) = o.ty().slots.int() {
        let r = f(th, o)?;
        return crate::number::exact_result(th, o, r, "__int__");
    }
    if o.ty().slots.index().is_some() {
        return o.index(th);
    }
    if let Some(s) = o.downcast::<Str>() {
        return parse_str(th, s, 10);
    }
    match crate::buffer::bytes_like_opt(th, o)? {
        Some(bytes) => parse_ascii(th, &bytes, 10, o),
        None => {
            let msg = format!(
                "int() argument must be a string, a bytes-like object or a real number, not '{}'",
                o.type_name(th)
            );
            Err(th.type_error(&msg))
        }
    }
}

pub(super) fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let pos = args.pos();
    if args.all.len() > 2 {
        let msg = format!("int() takes at most 2 arguments ({} given)", args.all.len());
        return Err(th.type_error(&msg));
    }
    let mut base = pos.get(1).copied();
    for (name, value) in args.keywords() {
        if name.downcast::<Str>().is_some_and(|s| s.is_text("base")) && base.is_none() {
            base = Some(value);
        } else {
            let msg = format!("int() got an unexpected keyword argument '{}'", name.str_text(th)?);
            return Err(th.type_error(&msg));
        }
    }
    let value = match (pos.first(), base) {
        (None, None) => Owned::from_const(Word::small_int(0)),
        (None, Some(_)) => return Err(th.type_error("int() missing string argument")),
        (Some(x), None) => to_int(th, *x)?,
        (Some(x), Some(base)) => {
            let base = base.to_isize(th)?;
            if base != 0 && !(2..=36).contains(&base) {
                return Err(th.value_error(text::BAD_BASE));
            }
            if let Some(s) = x.downcast::<Str>() {
                parse_str(th, s, base as u32)?
            } else if let Some(bytes) = crate::buffer::bytes_or_bytearray(th, *x)? {
                parse_ascii(th, &bytes, base as u32, *x)?
            } else {
                return Err(th.type_error("int() can't convert non-string with explicit base"));
            }
        }
    };
    if core::ptr::eq(ty, super::DEF.ty()) {
        return Ok(value);
    }
    Ok(th.new_int_as(ty, super::of(value.borrow())))
}
