//! `unicode_escape` and `raw_unicode_escape`.

use super::{DecodeHandler, Fault};
use crate::buf::StrBuf;
use crate::data::StrData;
use crate::repr::push_escape;

/// What a decoder consumed, and the first escape that deserves a `DeprecationWarning`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Bytes consumed.
    pub consumed: usize,
    /// Position of the backslash of the first unknown escape, or octal escape above `\377`.
    pub invalid_escape: Option<usize>,
}

/// An escape that does not work out.
enum Trouble {
    /// More input could complete it.
    Incomplete(usize, &'static str),
    /// Nothing can.
    Wrong(usize, &'static str),
}

/// `count` hexadecimal digits from `at`.
fn hex(input: &[u8], at: usize, count: usize, truncated: &'static str) -> Result<u32, Trouble> {
    let mut value = 0;
    for i in at..at + count {
        match input.get(i).map(|&b| char::from(b).to_digit(16)) {
            Some(Some(digit)) => value = value << 4 | digit,
            Some(None) => return Err(Trouble::Wrong(i, truncated)),
            None => return Err(Trouble::Incomplete(i, truncated)),
        }
    }
    Ok(value)
}

/// Decodes the escape whose backslash is at `start`; returns where it ends.
fn escape(
    input: &[u8],
    start: usize,
    invalid: &mut Option<usize>,
    out: &mut StrBuf,
) -> Result<usize, Trouble> {
    let Some(&kind) = input.get(start + 1) else {
        return Err(Trouble::Incomplete(start + 1, "\\ at end of string"));
    };
    let at = start + 2;
    let simple = match kind {
        b'\n' => return Ok(at),
        b'\\' | b'\'' | b'"' => kind,
        b'a' => 0x07,
        b'b' => 0x08,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 0x0B,
        b'f' => 0x0C,
        b'r' => b'\r',
        b'0'..=b'7' => {
            let digits = input[start + 1..].iter().take(3).take_while(|b| matches!(b, b'0'..=b'7')).count();
            let value =
                input[start + 1..start + 1 + digits].iter().fold(0, |v, b| v << 3 | u32::from(b - b'0'));
            if value > 0xFF {
                invalid.get_or_insert(start);
            }
            out.push(value);
            return Ok(start + 1 + digits);
        }
        b'x' => {
            out.push(hex(input, at, 2, "truncated \\xXX escape")?);
            return Ok(at + 2);
        }
        b'u' => {
            out.push(hex(input, at, 4, "truncated \\uXXXX escape")?);
            return Ok(at + 4);
        }
        b'U' => {
            let point = hex(input, at, 8, "truncated \\UXXXXXXXX escape")?;
            if point > 0x10_FFFF {
                return Err(Trouble::Wrong(at + 8, "illegal Unicode character"));
            }
            out.push(point);
            return Ok(at + 8);
        }
        b'N' => return named(input, at, out),
        _ => {
            invalid.get_or_insert(start);
            out.push(b'\\'.into());
            kind
        }
    };
    out.push(simple.into());
    Ok(at)
}

/// `\N{NAME}` from the brace on.
fn named(input: &[u8], at: usize, out: &mut StrBuf) -> Result<usize, Trouble> {
    const MALFORMED: &str = "malformed \\N character escape";
    match input.get(at) {
        Some(b'{') => {}
        Some(_) => return Err(Trouble::Wrong(at, MALFORMED)),
        None => return Err(Trouble::Incomplete(at, MALFORMED)),
    }
    let Some(len) = memchr::memchr(b'}', &input[at + 1..]) else {
        return Err(Trouble::Incomplete(input.len(), MALFORMED));
    };
    let close = at + 1 + len;
    if len == 0 {
        return Err(Trouble::Wrong(close, MALFORMED));
    }
    let name = std::str::from_utf8(&input[at + 1..close]).ok();
    match name.and_then(rustpython_unicode::data::lookup_character) {
        Some(c) => out.push_char(c),
        None => return Err(Trouble::Wrong(close + 1, "unknown Unicode character name")),
    }
    Ok(close + 1)
}

/// Decodes `unicode_escape`: Latin-1 with the escapes of string literals.
pub fn decode<H: DecodeHandler>(
    input: &[u8],
    handler: &mut H,
    last: bool,
    out: &mut StrBuf,
) -> Result<Decoded, H::Error> {
    let mut invalid = None;
    let mut at = 0;
    while at < input.len() {
        let backslash = memchr::memchr(b'\\', &input[at..]).map_or(input.len(), |i| at + i);
        out.push_data(StrData::One(&input[at..backslash]));
        at = backslash;
        if at == input.len() {
            break;
        }
        let (end, reason) = match escape(input, at, &mut invalid, out) {
            Ok(end) => {
                at = end;
                continue;
            }
            Err(Trouble::Incomplete(..)) if !last => break,
            Err(Trouble::Incomplete(end, reason) | Trouble::Wrong(end, reason)) => (end, reason),
        };
        at = handler.handle(input, &Fault { encoding: "unicodeescape", start: at, end, reason }, out)?;
    }
    Ok(Decoded { consumed: at, invalid_escape: invalid })
}

/// Decodes `raw_unicode_escape`: Latin-1 with `\u` and `\U` only. Returns the number of bytes consumed.
pub fn decode_raw<H: DecodeHandler>(
    input: &[u8],
    handler: &mut H,
    last: bool,
    out: &mut StrBuf,
) -> Result<usize, H::Error> {
    let mut at = 0;
    while at < input.len() {
        let backslash = memchr::memchr(b'\\', &input[at..]).map_or(input.len(), |i| at + i);
        out.push_data(StrData::One(&input[at..backslash]));
        at = backslash;
        let (count, truncated) = match input.get(at + 1) {
            None if at < input.len() && !last => break,
            None => {
                out.push_data(StrData::One(&input[at..]));
                return Ok(input.len());
            }
            Some(b'u') => (4, "truncated \\uXXXX escape"),
            Some(b'U') => (8, "truncated \\UXXXXXXXX escape"),
            Some(_) => {
                out.push_data(StrData::One(&input[at..at + 2]));
                at += 2;
                continue;
            }
        };
        let (end, reason) = match hex(input, at + 2, count, truncated) {
            Ok(point @ 0..=0x10_FFFF) => {
                out.push(point);
                at += 2 + count;
                continue;
            }
            Ok(_) => (at + 2 + count, "\\Uxxxxxxxx out of range"),
            Err(Trouble::Incomplete(..)) if !last => break,
            Err(Trouble::Incomplete(end, reason) | Trouble::Wrong(end, reason)) => (end, reason),
        };
        at = handler.handle(input, &Fault { encoding: "rawunicodeescape", start: at, end, reason }, out)?;
    }
    Ok(at)
}

/// Encodes as `unicode_escape`, which cannot fail.
pub fn encode(text: StrData<'_>, out: &mut Vec<u8>) {
    out.reserve(text.len());
    for point in text {
        match point {
            0x5C => out.extend_from_slice(b"\\\\"),
            0x09 => out.extend_from_slice(b"\\t"),
            0x0A => out.extend_from_slice(b"\\n"),
            0x0D => out.extend_from_slice(b"\\r"),
            0x20..0x7F => out.push(point as u8),
            _ => push_escape(point, out),
        }
    }
}

/// Encodes as `raw_unicode_escape`, which cannot fail.
pub fn encode_raw(text: StrData<'_>, out: &mut Vec<u8>) {
    out.reserve(text.len());
    for point in text {
        match point {
            0..=0xFF => out.push(point as u8),
            _ => push_escape(point, out),
        }
    }
}
