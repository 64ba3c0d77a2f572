//! `%`-formatting of bytes and bytearrays (PEP 461).

use typhon_text::StrData;
use typhon_text::printf::{self, Conversion, Field, Parser, Piece};

use super::Bytes;
use super::methods::{alike, snapshot};
use crate::buffer::bytes_like_opt;
use crate::builtins::bytearray::ByteArray;
use crate::builtins::str::Str;
use crate::builtins::str::percent::{Values, number};
use crate::object::{Borrowed, Owned, PyResult};
use crate::thread::Thread;

pub(crate) fn slot_remainder(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    if a.downcast::<Bytes>().is_none() && a.downcast::<ByteArray>().is_none() {
        return Ok(Owned::not_implemented());
    }
    let text = snapshot(th, a);
    let is_text = b.downcast::<Str>().is_some()
        || b.downcast::<Bytes>().is_some()
        || b.downcast::<ByteArray>().is_some();
    let mut values = Values::new(b, is_text);
    let mut out = Vec::with_capacity(text.len() + 16);
    for piece in Parser::new(StrData::One(&text)) {
        match piece.map_err(|e| th.text_error(&e))? {
            Piece::Literal(StrData::One(d)) => out.extend_from_slice(d),
            Piece::Literal(_) => unreachable!("pieces are as narrow as the format"),
            Piece::Conversion(c) => convert(th, &c, &mut values, &mut out)?,
        }
    }
    values.finish(th, printf::TOO_MANY_BYTES)?;
    Ok(alike(th, a, &out))
}

fn convert(th: &mut Thread, c: &Conversion<'_>, values: &mut Values<'_>, out: &mut Vec<u8>) -> PyResult<()> {
    let named = match c.key {
        Some(StrData::One(key)) => {
            let key = th.new_bytes(key);
            Some(values.named(th, key.borrow())?)
        }
        _ => None,
    };
    let field = values.field(th, c)?;
    let code = u8::try_from(c.code).unwrap_or(0);
    if !b"bsradiuoxXeEfFgGc".contains(&code) {
        return Err(th.text_error(&printf::unsupported(c.code, c.index)));
    }
    let v = match &named {
        Some(v) => v.borrow(),
        None => values.next(th)?,
    };
    match code {
        b'b' | b's' => write_object(th, v, field, out),
        b'r' | b'a' => {
            let s = crate::builtins::str::format::ascii(th, v)?;
            let text = s.payload::<Str>().as_ascii().unwrap_or("").as_bytes();
            printf::write_bytes(text, field, out).map_err(|e| th.text_error(&e))
        }
        b'c' => {
            let b = byte(th, v)?;
            printf::write_bytes(&[b], Field { precision: None, ..field }, out).map_err(|e| th.text_error(&e))
        }
        _ => number(th, v, code, field, out),
    }
}

fn write_object(th: &mut Thread, v: Borrowed<'_>, field: Field, out: &mut Vec<u8>) -> PyResult<()> {
    let name = th.rt.names.__bytes__.get();
    let owned;
    let bytes = if let Some(b) = bytes_like_opt(th, v)? {
        b
    } else if let Some(r) = v.call_special(th, name, &[])? {
        owned = r;
        match owned.downcast::<Bytes>() {
            Some(b) => crate::buffer::ByteArg::Bytes(b.as_bytes()),
            None => {
                let msg = format!("__bytes__ returned non-bytes (type {})", owned.borrow().type_name(th));
                return Err(th.type_error(&msg));
            }
        }
    } else {
        let name = v.type_name(th);
        return Err(th.text_error(&printf::wrong_bytes(&name)));
    };
    printf::write_bytes(&bytes, field, out).map_err(|e| th.text_error(&e))
}

fn byte(th: &mut Thread, v: Borrowed<'_>) -> PyResult<u8> {
    if let Some(b) = crate::buffer::bytes_or_bytearray(th, v)? {
        return match &*b {
            [one] => Ok(*one),
            more => {
                let name = v.type_name(th);
                Err(th.text_error(&printf::wrong_byte(&printf::of_length(
                    &format!("{name} object"),
                    more.len(),
                ))))
            }
        };
    }
    if !crate::number::is_index(v) {
        let name = v.type_name(th);
        return Err(th.text_error(&printf::wrong_byte(&name)));
    }
    let i = v.index(th)?;
    printf::byte_from_int(crate::builtins::int::of(i.borrow())).map_err(|e| th.text_error(&e))
}
