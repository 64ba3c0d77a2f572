//! UTF-7 (RFC 2152), with the liberties CPython takes: optional direct characters and whitespace are written
//! directly, lone surrogates pass.

use super::{DecodeHandler, Fault};
use crate::buf::StrBuf;
use crate::data::StrData;

const NAME: &str = "utf7";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64_value(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

/// Written as itself outside a shift sequence.
fn is_direct(point: u32) -> bool {
    match u8::try_from(point) {
        Ok(b'+' | b'\\' | b'~') => false,
        Ok(b'\t' | b'\n' | b'\r' | b' '..=b'~') => true,
        _ => false,
    }
}

/// Base64 bits and a surrogate waiting for its partner.
#[derive(Default)]
struct Shift {
    buffer: u32,
    bits: u32,
    surrogate: Option<u32>,
}

impl Shift {
    fn add(&mut self, sextet: u32, out: &mut StrBuf) {
        self.buffer = self.buffer << 6 | sextet;
        self.bits += 6;
        if self.bits < 16 {
            return;
        }
        self.bits -= 16;
        let unit = self.buffer >> self.bits;
        self.buffer &= (1 << self.bits) - 1;
        if let Some(high) = self.surrogate.take() {
            if (0xDC00..0xE000).contains(&unit) {
                out.push(0x1_0000 + ((high - 0xD800) << 10) + (unit - 0xDC00));
                return;
            }
            out.push(high);
        }
        if (0xD800..0xDC00).contains(&unit) {
            self.surrogate = Some(unit);
        } else {
            out.push(unit);
        }
    }

    /// What is wrong with bits left over when the sequence ends.
    fn leftover(&self) -> Option<&'static str> {
        if self.bits >= 6 {
            Some("partial character in shift sequence")
        } else if self.bits > 0 && self.buffer != 0 {
            Some("non-zero padding bits in shift sequence")
        } else {
            None
        }
    }
}

/// Start of the shift sequence the input ends in, if it does.
fn open_shift(input: &[u8]) -> Option<usize> {
    let mut start = None;
    for (i, &b) in input.iter().enumerate() {
        match start {
            None if b == b'+' => start = Some(i),
            Some(_) if base64_value(b).is_none() => start = None,
            _ => {}
        }
    }
    start
}

/// Decodes UTF-7 and returns the number of bytes consumed: all of them if `last`, else up to an open shift sequence.
pub fn decode<H: DecodeHandler>(
    input: &[u8],
    handler: &mut H,
    last: bool,
    out: &mut StrBuf,
) -> Result<usize, H::Error> {
    let end = if last { input.len() } else { open_shift(input).unwrap_or(input.len()) };
    let mut at = 0;
    while at < end {
        let start = at;
        let byte = input[at];
        at += 1;
        let reason = match (byte, input[at..end].first()) {
            (b'+', Some(b'-')) => {
                out.push(b'+'.into());
                at += 1;
                continue;
            }
            (b'+', Some(&next)) if base64_value(next).is_none() => {
                at += 1;
                "ill-formed sequence"
            }
            (b'+', _) => match decode_shift(&input[..end], &mut at, out) {
                Some(reason) => reason,
                None => continue,
            },
            (0..0x80, _) => {
                out.push(byte.into());
                continue;
            }
            _ => "unexpected special character",
        };
        at = handler.handle(input, &Fault { encoding: NAME, start, end: at, reason }, out)?;
    }
    Ok(at)
}

/// Decodes the shift sequence whose `+` was just read, its closing `-` included. Returns what is wrong with it.
fn decode_shift(input: &[u8], at: &mut usize, out: &mut StrBuf) -> Option<&'static str> {
    let mut shift = Shift::default();
    while let Some(&byte) = input.get(*at) {
        if let Some(sextet) = base64_value(byte) {
            shift.add(sextet, out);
            *at += 1;
            continue;
        }
        if let Some(reason) = shift.leftover() {
            *at += 1;
            return Some(reason);
        }
        if let Some(high) = shift.surrogate {
            out.push(high);
        }
        *at += usize::from(byte == b'-');
        return None;
    }
    let unterminated = shift.surrogate.is_some() || shift.leftover().is_some();
    unterminated.then_some("unterminated shift sequence")
}

/// Encodes as UTF-7, which cannot fail.
pub fn encode(text: StrData<'_>, out: &mut Vec<u8>) {
    let (mut buffer, mut bits) = (0u32, 0);
    let mut shifted = false;
    let flush = |buffer: u32, bits: &mut u32, out: &mut Vec<u8>| {
        if *bits > 0 {
            out.push(BASE64[(buffer << (6 - *bits) & 0x3F) as usize]);
            *bits = 0;
        }
    };
    for point in text {
        if is_direct(point) {
            if shifted {
                flush(buffer, &mut bits, out);
                shifted = false;
                if base64_value(point as u8).is_some() || point == u32::from(b'-') {
                    out.push(b'-');
                }
            }
            out.push(point as u8);
            continue;
        }
        if !shifted {
            if point == u32::from(b'+') {
                out.extend_from_slice(b"+-");
                continue;
            }
            out.push(b'+');
            shifted = true;
        }
        let mut units = [0u16; 2];
        let units: &[u16] = match point {
            0x1_0000.. => {
                let offset = point - 0x1_0000;
                units = [0xD800 | (offset >> 10) as u16, 0xDC00 | (offset & 0x3FF) as u16];
                &units
            }
            _ => {
                units[0] = point as u16;
                &units[..1]
            }
        };
        for &unit in units {
            buffer = (buffer & 0x3F) << 16 | u32::from(unit);
            bits += 16;
            while bits >= 6 {
                bits -= 6;
                out.push(BASE64[(buffer >> bits & 0x3F) as usize]);
            }
        }
    }
    flush(buffer, &mut bits, out);
    if shifted {
        out.push(b'-');
    }
}
