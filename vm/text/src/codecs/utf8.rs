//! UTF-8.

use super::driver::{Encoder, put_ascii};
use super::single_byte::ascii_prefix;
use super::{DecodeHandler, EncodeHandler, Fault};
use crate::buf::StrBuf;
use crate::data::StrData;

const NAME: &str = "utf-8";

/// Decodes UTF-8 and returns the number of bytes consumed: all of them if `last`. Valid stretches are checked by
/// `core` and copied in bulk.
pub fn decode<H: DecodeHandler>(
    input: &[u8],
    handler: &mut H,
    last: bool,
    out: &mut StrBuf,
) -> Result<usize, H::Error> {
    let mut at = ascii_prefix(input);
    out.push_ascii(&input[..at]);
    while at < input.len() {
        let rest = &input[at..];
        let error = match std::str::from_utf8(rest) {
            Ok(text) => {
                out.push_str(text);
                return Ok(input.len());
            }
            Err(error) => error,
        };
        let valid = error.valid_up_to();
        if let Ok(text) = std::str::from_utf8(&rest[..valid]) {
            out.push_str(text);
        }
        at += valid;
        let (end, reason) = match error.error_len() {
            None if !last => return Ok(at),
            // Two thirds of a surrogate: `surrogatepass` may want it once it is complete.
            Some(_) if !last && matches!(input[at..], [0xED, 0xA0..=0xBF]) => return Ok(at),
            None => (input.len(), "unexpected end of data"),
            Some(len) if matches!(input[at], 0xC2..=0xF4) => (at + len, "invalid continuation byte"),
            Some(len) => (at + len, "invalid start byte"),
        };
        at = handler.handle(input, &Fault { encoding: NAME, start: at, end, reason }, out)?;
    }
    Ok(at)
}

/// Appends a code point of U+0800 to U+FFFF, surrogates included.
#[inline]
pub(super) fn push_three(point: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&[
        0xE0 | (point >> 12) as u8,
        0x80 | (point >> 6 & 0x3F) as u8,
        0x80 | (point & 0x3F) as u8,
    ]);
}

#[inline]
fn put(point: u32, out: &mut Vec<u8>) -> bool {
    match point {
        0..0x80 => out.push(point as u8),
        0x80..0x800 => out.extend_from_slice(&[0xC0 | (point >> 6) as u8, 0x80 | (point & 0x3F) as u8]),
        0xD800..0xE000 => return false,
        0x800..0x1_0000 => push_three(point, out),
        _ => out.extend_from_slice(&[
            0xF0 | (point >> 18) as u8,
            0x80 | (point >> 12 & 0x3F) as u8,
            0x80 | (point >> 6 & 0x3F) as u8,
            0x80 | (point & 0x3F) as u8,
        ]),
    }
    true
}

/// Encodes as UTF-8; runs of lone surrogates are faults.
pub fn encode<H: EncodeHandler>(
    text: StrData<'_>,
    handler: &mut H,
    out: &mut Vec<u8>,
) -> Result<(), H::Error> {
    let mut done = 0;
    match text {
        StrData::One(s) => {
            done = ascii_prefix(s);
            out.reserve(s.len());
            out.extend_from_slice(&s[..done]);
            if done == s.len() {
                return Ok(());
            }
        }
        StrData::Two(s) => out.reserve(s.len() * 2),
        StrData::Four(s) => out.reserve(s.len() * 3),
    }
    Encoder {
        encoding: NAME,
        reason: "surrogates not allowed",
        runs: true,
        unit: 1,
        put,
        put_replacement: put_ascii,
    }
    .run(text, done, handler, out)
}

/// Encodes without faults: lone surrogates become three bytes each. This is also how hashes of names, cache keys and
/// the like can see any text as bytes.
pub fn encode_surrogates(text: StrData<'_>, out: &mut Vec<u8>) {
    out.reserve(text.len());
    for point in text {
        if !put(point, out) {
            push_three(point, out);
        }
    }
}
