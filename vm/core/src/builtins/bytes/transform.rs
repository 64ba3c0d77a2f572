//! Methods of `bytes` and `bytearray` that make changed copies, tests of their characters, and hexadecimal
//! text.

use typhon_text::StrData;

use super::methods::{alike, snapshot, with_self};
use crate::buffer::{bytes_like, bytes_like_opt};
use crate::builtins::bytearray::ByteArray;
use crate::builtins::str::Str;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::ArgsExt;
use crate::thread::Thread;
use crate::types::Type;

/// A copy of self, changed byte by byte.
fn mapped(th: &mut Thread, o: Borrowed<'_>, f: impl Fn(usize, &[u8]) -> u8) -> PyResult {
    let b = snapshot(th, o);
    if o.downcast::<ByteArray>().is_some() {
        let v = (0..b.len()).map(|i| f(i, &b)).collect();
        return Ok(th.new_bytearray(v));
    }
    th.new_bytes_with(b.len(), |out| {
        for (i, c) in out.iter_mut().enumerate() {
            *c = f(i, &b);
        }
    })
}

pub(crate) fn lower(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    mapped(th, a[0], |i, b| b[i].to_ascii_lowercase())
}

pub(crate) fn upper(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    mapped(th, a[0], |i, b| b[i].to_ascii_uppercase())
}

pub(crate) fn swapcase(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    mapped(th, a[0], |i, b| if b[i].is_ascii_alphabetic() { b[i] ^ 0x20 } else { b[i] })
}

pub(crate) fn capitalize(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    mapped(th, a[0], |i, b| if i == 0 { b[i].to_ascii_uppercase() } else { b[i].to_ascii_lowercase() })
}

pub(crate) fn title(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    mapped(th, a[0], |i, b| {
        if i > 0 && b[i - 1].is_ascii_alphabetic() {
            b[i].to_ascii_lowercase()
        } else {
            b[i].to_ascii_uppercase()
        }
    })
}

macro_rules! predicates {
    ($($name:ident($b:ident) $test:expr;)*) => { $(
        pub(crate) fn $name(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
            Ok(Owned::bool(with_self(th, a[0], |$b| $test)))
        }
    )* };
}

predicates! {
    isalnum(b) !b.is_empty() && b.iter().all(u8::is_ascii_alphanumeric);
    isalpha(b) !b.is_empty() && b.iter().all(u8::is_ascii_alphabetic);
    isascii(b) b.is_ascii();
    isdigit(b) !b.is_empty() && b.iter().all(u8::is_ascii_digit);
    islower(b) b.iter().any(u8::is_ascii_lowercase) && !b.iter().any(u8::is_ascii_uppercase);
    isupper(b) b.iter().any(u8::is_ascii_uppercase) && !b.iter().any(u8::is_ascii_lowercase);
    isspace(b) !b.is_empty() && b.iter().all(|c| typhon_text::search::is_byte_space(*c));
    istitle(b) is_title(b);
}

fn is_title(b: &[u8]) -> bool {
    let (mut cased, mut inside) = (false, false);
    for c in b {
        if c.is_ascii_uppercase() == inside && c.is_ascii_alphabetic() {
            return false;
        }
        inside = c.is_ascii_alphabetic();
        cased |= inside;
    }
    cased
}

/// A copy of self with fill bytes on both sides.
fn padded(th: &mut Thread, o: Borrowed<'_>, b: &[u8], left: usize, right: usize, fill: u8) -> PyResult {
    if left == 0 && right == 0 && o.downcast::<ByteArray>().is_none() {
        return Ok(super::ops::piece(th, o, 0, b.len()));
    }
    let n = left.saturating_add(b.len()).saturating_add(right);
    th.check_size(n)?;
    let mut out = Vec::with_capacity(n);
    out.resize(left, fill);
    out.extend_from_slice(b);
    out.resize(n, fill);
    Ok(if o.downcast::<ByteArray>().is_some() { th.new_bytearray(out) } else { th.new_bytes(&out) })
}

fn padding(th: &mut Thread, a: &[Borrowed<'_>], method: &str) -> PyResult<(usize, u8)> {
    let width = a[1].to_isize(th)?.max(0) as usize;
    let fill = match a.opt(2) {
        None => b' ',
        Some(v) => {
            let b = if v.downcast::<super::Bytes>().is_some() || v.downcast::<ByteArray>().is_some() {
                bytes_like_opt(th, v)?
            } else {
                None
            };
            match b.as_deref() {
                Some([one]) => *one,
                Some(more) => {
                    let msg = format!(
                        "{method}(): argument 2 must be a byte string of length 1, not a {} object of length {}",
                        v.type_name(th),
                        more.len()
                    );
                    return Err(th.type_error(&msg));
                }
                None => {
                    let msg = format!(
                        "{method}() argument 2 must be a byte string of length 1, not {}",
                        v.type_name(th)
                    );
                    return Err(th.type_error(&msg));
                }
            }
        }
    };
    Ok((width, fill))
}

pub(crate) fn center(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (width, fill) = padding(th, a, "center")?;
    let b = snapshot(th, a[0]);
    let missing = width.saturating_sub(b.len());
    let left = missing / 2 + (missing & width & 1);
    padded(th, a[0], &b, left, missing - left, fill)
}

pub(crate) fn ljust(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (width, fill) = padding(th, a, "ljust")?;
    let b = snapshot(th, a[0]);
    padded(th, a[0], &b, 0, width.saturating_sub(b.len()), fill)
}

pub(crate) fn rjust(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (width, fill) = padding(th, a, "rjust")?;
    let b = snapshot(th, a[0]);
    padded(th, a[0], &b, width.saturating_sub(b.len()), 0, fill)
}

pub(crate) fn zfill(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let width = a[1].to_isize(th)?.max(0) as usize;
    let b = snapshot(th, a[0]);
    let zeros = width.saturating_sub(b.len());
    if zeros == 0 {
        return padded(th, a[0], &b, 0, 0, b'0');
    }
    th.check_size(width)?;
    let sign = usize::from(matches!(b.first(), Some(b'+' | b'-')));
    let mut out = Vec::with_capacity(width);
    out.extend_from_slice(&b[..sign]);
    out.resize(sign + zeros, b'0');
    out.extend_from_slice(&b[sign..]);
    Ok(alike(th, a[0], &out))
}

pub(crate) fn expandtabs(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let size = match a.opt(1) {
        Some(n) => match i32::try_from(n.to_i64(th)?) {
            Ok(n) => n.max(0) as usize,
            Err(_) => return Err(th.overflow_error("Python int too large to convert to C int")),
        },
        None => 8,
    };
    let b = snapshot(th, a[0]);
    let tabs = memchr::memchr_iter(b'\t', &b).count();
    th.check_size(tabs.saturating_mul(size).saturating_add(b.len()))?;
    let out = typhon_text::padding::expand_tabs(StrData::One(&b), size);
    match out.data() {
        StrData::One(b) => Ok(alike(th, a[0], b)),
        _ => unreachable!("one-byte text stays one-byte text"),
    }
}

pub(crate) fn translate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let table = match a.some(1) {
        None => None,
        Some(t) => {
            let t = bytes_like(th, t)?;
            if t.len() != 256 {
                return Err(th.value_error("translation table must be 256 characters long"));
            }
            Some(t)
        }
    };
    let delete = match a.opt(2) {
        None => None,
        Some(d) => Some(bytes_like(th, d)?),
    };
    // A copy, as the table may change; its length is known then.
    let to: [u8; 256] = match table.as_ref().and_then(|t| t.first_chunk()) {
        Some(t) => *t,
        None => core::array::from_fn(|i| i as u8),
    };
    let b = snapshot(th, a[0]);
    let out: Vec<u8> = match delete {
        Some(delete) if !delete.is_empty() => {
            let mut dropped = [false; 256];
            delete.iter().for_each(|c| dropped[usize::from(*c)] = true);
            let mut out = Vec::with_capacity(b.len());
            out.extend(b.iter().filter(|c| !dropped[usize::from(**c)]).map(|c| to[usize::from(*c)]));
            out
        }
        _ => b.iter().map(|c| to[usize::from(*c)]).collect(),
    };
    if out == *b && a[0].downcast::<ByteArray>().is_none() {
        return Ok(super::ops::piece(th, a[0], 0, b.len()));
    }
    Ok(alike(th, a[0], &out))
}

pub(crate) fn maketrans(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (from, to) = (bytes_like(th, a[0])?, bytes_like(th, a[1])?);
    if from.len() != to.len() {
        return Err(th.value_error("maketrans arguments must have same length"));
    }
    let mut table: [u8; 256] = core::array::from_fn(|i| i as u8);
    from.iter().zip(to.iter()).for_each(|(f, t)| table[usize::from(*f)] = *t);
    Ok(th.new_bytes(&table))
}

pub(crate) fn hex(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (sep, group) = hex_arguments(th, a.some(1), a.opt(2))?;
    let b = snapshot(th, a[0]);
    hex_text(th, &b, sep, group)
}

/// The arguments `sep` and `bytes_per_sep`.
pub(crate) fn hex_arguments(
    th: &mut Thread,
    sep: Option<Borrowed<'_>>,
    group: Option<Borrowed<'_>>,
) -> PyResult<(Option<u8>, isize)> {
    let group = match group {
        Some(g) => g.to_isize(th)?,
        None => 1,
    };
    let Some(sep) = sep else { return Ok((None, group)) };
    let c = if let Some(s) = sep.downcast::<Str>() {
        if s.len() != 1 {
            return Err(th.value_error("sep must be length 1."));
        }
        s.data().get(0)
    } else if let Some(b) = crate::buffer::bytes_or_bytearray(th, sep)? {
        match &*b {
            [one] => u32::from(*one),
            _ => return Err(th.value_error("sep must be length 1.")),
        }
    } else {
        return Err(th.type_error("sep must be str or bytes."));
    };
    if c >= 128 {
        return Err(th.value_error("sep must be ASCII."));
    }
    Ok((Some(c as u8), group))
}

/// Hexadecimal digits of the bytes, with a separator every `group` bytes counted from the right (or from
/// the left when negative).
pub(crate) fn hex_text(th: &mut Thread, b: &[u8], sep: Option<u8>, group: isize) -> PyResult {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let every = group.unsigned_abs();
    let seps = if sep.is_some() && every > 0 && !b.is_empty() { (b.len() - 1) / every } else { 0 };
    th.check_size(b.len().saturating_mul(2).saturating_add(seps))?;
    let mut out = Vec::with_capacity(b.len() * 2 + seps);
    for (i, c) in b.iter().enumerate() {
        let before = if group > 0 { b.len() - i } else { i };
        if let Some(sep) = sep
            && i > 0
            && every > 0
            && before % every == 0
        {
            out.push(sep);
        }
        out.extend_from_slice(&[DIGITS[usize::from(c >> 4)], DIGITS[usize::from(c & 15)]]);
    }
    Ok(th.new_ascii(&out))
}

fn parse_hex(th: &mut Thread, text: &[u8], offset_of_first_wide: Option<usize>) -> PyResult<Vec<u8>> {
    let digit = |c: u8| (c as char).to_digit(16).map(|d| d as u8);
    let mut out = Vec::with_capacity(text.len() / 2);
    let mut i = 0;
    let bad = |th: &mut Thread, at: usize| {
        th.value_error(&format!("non-hexadecimal number found in fromhex() arg at position {at}"))
    };
    while i < text.len() {
        if typhon_text::search::is_byte_space(text[i]) {
            i += 1;
            continue;
        }
        let Some(high) = digit(text[i]) else { return Err(bad(th, i)) };
        let Some(next) = text.get(i + 1) else {
            if offset_of_first_wide.is_some() {
                return Err(bad(th, i + 1));
            }
            return Err(th.value_error("fromhex() arg must contain an even number of hexadecimal digits"));
        };
        let Some(low) = digit(*next) else { return Err(bad(th, i + 1)) };
        out.push(high << 4 | low);
        i += 2;
    }
    match offset_of_first_wide {
        Some(at) => Err(bad(th, at)),
        None => Ok(out),
    }
}

pub(crate) fn fromhex(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let v = if let Some(s) = a[1].downcast::<Str>() {
        match s.as_ascii() {
            Some(t) => parse_hex(th, t.as_bytes(), None)?,
            None => {
                let ascii: Vec<u8> = s.data().iter().take_while(|c| *c < 128).map(|c| c as u8).collect();
                let at = ascii.len();
                parse_hex(th, &ascii, Some(at))?
            }
        }
    } else if let Some(b) = bytes_like_opt(th, a[1])? {
        parse_hex(th, &b, None)?
    } else {
        let msg = format!("fromhex() argument must be str or bytes-like, not {}", a[1].type_name(th));
        return Err(th.type_error(&msg));
    };
    let Some(ty) = a[0].downcast::<Type>() else { return Ok(th.new_bytes(&v)) };
    if core::ptr::eq(ty, super::DEF.ty()) {
        return Ok(th.new_bytes(&v));
    }
    if core::ptr::eq(ty, crate::builtins::bytearray::DEF.ty()) {
        return Ok(th.new_bytearray(v));
    }
    let v = th.new_bytes(&v);
    a[0].call(th, &[v.borrow()])
}
