//! `repr` and `ascii` of text, `repr` of bytes.

use crate::buf::StrBuf;
use crate::data::{StrData, Unit};
use crate::unicode::is_printable;
use crate::with_units;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Single quotes unless there are single and no double ones inside.
fn quote(single: bool, double: bool) -> u8 {
    if single && !double { b'"' } else { b'\'' }
}

/// Appends `\xhh`, `\uhhhh` or `\Uhhhhhhhh`, the shortest that fits.
pub fn push_escape(point: u32, out: &mut Vec<u8>) {
    let (letter, digits) = match point {
        0..=0xFF => (b'x', 2),
        0x100..=0xFFFF => (b'u', 4),
        _ => (b'U', 8),
    };
    out.extend_from_slice(&[b'\\', letter]);
    for i in (0..digits).rev() {
        out.push(HEX[(point >> (4 * i) & 0xF) as usize]);
    }
}

fn write_units<U: Unit>(units: &[U], ascii_only: bool, out: &mut StrBuf) {
    let has = |c: u8| U::from_point(c.into()).is_some_and(|c| c.position(units).is_some());
    let quote = quote(has(b'\''), has(b'"'));
    out.reserve(units.len() + 2);
    out.push(quote.into());
    let mut plain = 0;
    for (i, &unit) in units.iter().enumerate() {
        let point: u32 = unit.into();
        let keep = match point {
            0x5C => false,
            0x20..0x7F => point != u32::from(quote),
            0..0x80 => false,
            _ => !ascii_only && is_printable(point),
        };
        if keep {
            continue;
        }
        out.push_data(U::data(&units[plain..i]));
        plain = i + 1;
        match point {
            0x09 => out.push_ascii(b"\\t"),
            0x0A => out.push_ascii(b"\\n"),
            0x0D => out.push_ascii(b"\\r"),
            0x5C => out.push_ascii(b"\\\\"),
            _ if point == u32::from(quote) => out.push_ascii(&[b'\\', quote]),
            _ => out.extend_ascii(|bytes| push_escape(point, bytes)),
        }
    }
    out.push_data(U::data(&units[plain..]));
    out.push(quote.into());
}

/// Appends `repr(text)`.
pub fn write_str_repr(data: StrData<'_>, out: &mut StrBuf) {
    with_units!(data, s => write_units(s, false, out));
}

/// `repr(text)`.
pub fn str_repr(data: StrData<'_>) -> StrBuf {
    let mut out = StrBuf::with_capacity(data.len() + 2);
    write_str_repr(data, &mut out);
    out
}

/// `ascii(text)`: `repr` with everything beyond ASCII escaped.
pub fn str_ascii(data: StrData<'_>) -> StrBuf {
    let mut out = StrBuf::with_capacity(data.len() + 2);
    with_units!(data, s => write_units(s, true, &mut out));
    out
}

/// Escapes what is beyond ASCII in text that already is a `repr`: `ascii(x)` given `repr(x)`.
pub fn escape_non_ascii(data: StrData<'_>) -> StrBuf {
    let mut out = Vec::with_capacity(data.len());
    for point in data {
        if point < 0x80 { out.push(point as u8) } else { push_escape(point, &mut out) }
    }
    StrBuf::from_ascii(out)
}

/// Appends `repr(bytes)`, `b'…'`.
pub fn write_bytes_repr(bytes: &[u8], out: &mut Vec<u8>) {
    let quote = quote(bytes.contains(&b'\''), bytes.contains(&b'"'));
    out.reserve(bytes.len() + 3);
    out.extend_from_slice(&[b'b', quote]);
    for &b in bytes {
        match b {
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\\' => out.extend_from_slice(b"\\\\"),
            _ if b == quote => out.extend_from_slice(&[b'\\', quote]),
            0x20..0x7F => out.push(b),
            _ => push_escape(b.into(), out),
        }
    }
    out.push(quote);
}

/// `repr(bytes)`.
pub fn bytes_repr(bytes: &[u8]) -> StrBuf {
    let mut out = Vec::new();
    write_bytes_repr(bytes, &mut out);
    StrBuf::from_ascii(out)
}

/// `repr(bytearray)`, with the class name (`bytearray` or a subclass).
pub fn bytearray_repr(class: &str, bytes: &[u8]) -> StrBuf {
    let mut out = StrBuf::with_capacity(class.len() + bytes.len() + 5);
    out.push_str(class);
    out.extend_ascii(|out| {
        out.push(b'(');
        write_bytes_repr(bytes, out);
        out.push(b')');
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repr(text: &str) -> StrBuf {
        str_repr(StrBuf::from(text).data())
    }

    #[test]
    fn str_repr_like_python() {
        assert_eq!(repr("abc"), "'abc'");
        assert_eq!(repr("it's"), "\"it's\"");
        assert_eq!(repr("it's \"x\""), "'it\\'s \"x\"'");
        assert_eq!(repr("\t\n\r\\\0\x7f"), "'\\t\\n\\r\\\\\\x00\\x7f'");
        assert_eq!(repr("é\u{ad}\u{a0}€\u{200b}😀"), "'é\\xad\\xa0€\\u200b😀'");
        assert_eq!(repr("\u{10ffff}"), "'\\U0010ffff'");
        assert_eq!(str_repr(StrData::Two(&[0xD800, 0x20AC])), "'\\ud800€'");
        assert!(str_repr(StrData::Two(&[0xD800])).is_ascii());
        assert_eq!(str_ascii(StrBuf::from("é€😀'").data()), "\"\\xe9\\u20ac\\U0001f600'\"");
        assert_eq!(escape_non_ascii(StrBuf::from("[é]").data()), "[\\xe9]");
    }

    #[test]
    fn bytes_repr_like_python() {
        assert_eq!(bytes_repr(b"a'\n\xff\x7f"), "b\"a'\\n\\xff\\x7f\"");
        assert_eq!(bytes_repr(b""), "b''");
        assert_eq!(bytearray_repr("bytearray", b"'\""), "bytearray(b'\\'\"')");
    }
}
