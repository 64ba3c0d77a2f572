//! Strings in quotes.

use typhon_core::{Borrowed, PyResult, Thread};
use typhon_text::buf::StrBuf;
use typhon_text::{StrData, with_units};

/// What stands for a character below 128 (and DEL): nothing if it stands for itself.
const fn short(c: u32) -> Option<&'static [u8]> {
    match c {
        0x22 => Some(b"\\\""),
        0x5c => Some(b"\\\\"),
        0x0a => Some(b"\\n"),
        0x0d => Some(b"\\r"),
        0x09 => Some(b"\\t"),
        0x08 => Some(b"\\b"),
        0x0c => Some(b"\\f"),
        _ => None,
    }
}

fn unicode_escape(out: &mut StrBuf, unit: u32) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let digit = |shift: u32| HEX[(unit >> shift & 15) as usize];
    out.push_ascii(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
}

/// Appends `data` with quotes; `ascii`: everything beyond ASCII as escapes.
pub fn write(out: &mut StrBuf, data: StrData<'_>, ascii: bool) {
    if let StrData::One(bytes) = data
        && super::plain::run::<true>(bytes) == bytes.len()
    {
        return out.extend_ascii(|out| {
            out.reserve(bytes.len() + 2);
            out.push(b'"');
            out.extend_from_slice(bytes);
            out.push(b'"');
        });
    }
    out.push_ascii(b"\"");
    match data {
        StrData::One(bytes) => write_bytes(out, bytes, ascii),
        wide => with_units!(wide, units => {
            for &u in units {
                let c = u32::from(u);
                match short(c) {
                    Some(escape) => out.push_ascii(escape),
                    None if c < 0x20 => unicode_escape(out, c),
                    None if ascii && c > 0xffff => {
                        let c = c - 0x10000;
                        unicode_escape(out, 0xd800 + (c >> 10));
                        unicode_escape(out, 0xdc00 + (c & 0x3ff));
                    }
                    None if ascii && c >= 0x7f => unicode_escape(out, c),
                    None => out.push(c),
                }
            }
        }),
    }
    out.push_ascii(b"\"");
}

fn write_bytes(out: &mut StrBuf, bytes: &[u8], ascii: bool) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let plain = super::plain::run::<true>(rest);
        out.push_ascii(&rest[..plain]);
        let Some(&b) = rest.get(plain) else { return };
        match short(u32::from(b)) {
            Some(escape) => out.push_ascii(escape),
            None if b < 0x20 || (ascii && b > 0x7e) => unicode_escape(out, u32::from(b)),
            None => out.push(u32::from(b)),
        }
        rest = &rest[plain + 1..];
    }
}

/// `encode_basestring` and `encode_basestring_ascii`.
pub fn to_str(th: &mut Thread, o: Borrowed<'_>, ascii: bool) -> PyResult {
    let s = super::text(th, o)?;
    let mut out = StrBuf::with_capacity(s.data().len() + 2);
    write(&mut out, s.data(), ascii);
    Ok(th.new_str_buf(out))
}
