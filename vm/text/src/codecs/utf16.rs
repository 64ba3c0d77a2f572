//! UTF-16, with and without a byte order mark.

use super::driver::Encoder;
use super::{ByteOrder, DecodeHandler, EncodeHandler, Fault};
use crate::buf::StrBuf;
use crate::data::StrData;

/// What a decoder consumed, and the byte order it found or was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Bytes consumed, a byte order mark included.
    pub consumed: usize,
    /// `None` when no mark was seen and none was given.
    pub order: Option<ByteOrder>,
}

/// Decodes UTF-16. Without an `order` a byte order mark is looked for; without one the machine's order is used.
pub fn decode<H: DecodeHandler>(
    input: &[u8],
    order: Option<ByteOrder>,
    handler: &mut H,
    last: bool,
    out: &mut StrBuf,
) -> Result<Decoded, H::Error> {
    let mut at = 0;
    let mut order = order;
    if order.is_none() {
        order = match input {
            [0xFF, 0xFE, ..] => Some(ByteOrder::Little),
            [0xFE, 0xFF, ..] => Some(ByteOrder::Big),
            _ => None,
        };
        at = if order.is_some() { 2 } else { 0 };
    }
    let consumed = match order.unwrap_or(ByteOrder::NATIVE) {
        ByteOrder::Little => decode_units(input, at, "utf-16-le", u16::from_le_bytes, handler, last, out),
        ByteOrder::Big => decode_units(input, at, "utf-16-be", u16::from_be_bytes, handler, last, out),
    }?;
    Ok(Decoded { consumed, order })
}

fn decode_units<H: DecodeHandler>(
    input: &[u8],
    mut at: usize,
    encoding: &'static str,
    read: impl Fn([u8; 2]) -> u16,
    handler: &mut H,
    last: bool,
    out: &mut StrBuf,
) -> Result<usize, H::Error> {
    out.reserve((input.len() - at) / 2);
    while at < input.len() {
        let (end, reason) = match input[at..] {
            [a, b, ref rest @ ..] => {
                let unit = u32::from(read([a, b]));
                match (unit, rest) {
                    (0xD800..0xDC00, &[c, d, ..]) => {
                        let low = u32::from(read([c, d]));
                        if (0xDC00..0xE000).contains(&low) {
                            out.push(0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
                            at += 4;
                            continue;
                        }
                        (at + 2, "illegal UTF-16 surrogate")
                    }
                    (0xD800..0xDC00, _) if !last => return Ok(at),
                    (0xD800..0xDC00, _) => (input.len(), "unexpected end of data"),
                    (0xDC00..0xE000, _) => (at + 2, "illegal encoding"),
                    _ => {
                        out.push(unit);
                        at += 2;
                        continue;
                    }
                }
            }
            _ if !last => return Ok(at),
            _ => (input.len(), "truncated data"),
        };
        at = handler.handle(input, &Fault { encoding, start: at, end, reason }, out)?;
    }
    Ok(at)
}

/// Encodes as UTF-16. Without an `order` a byte order mark and the machine's order are used.
pub fn encode<H: EncodeHandler>(
    text: StrData<'_>,
    order: Option<ByteOrder>,
    handler: &mut H,
    out: &mut Vec<u8>,
) -> Result<(), H::Error> {
    let encoding = match order {
        None => "utf-16",
        Some(ByteOrder::Little) => "utf-16-le",
        Some(ByteOrder::Big) => "utf-16-be",
    };
    out.reserve(text.len() * 2 + 2);
    match order.unwrap_or(ByteOrder::NATIVE) {
        ByteOrder::Little => encode_units(text, encoding, order.is_none(), u16::to_le_bytes, handler, out),
        ByteOrder::Big => encode_units(text, encoding, order.is_none(), u16::to_be_bytes, handler, out),
    }
}

fn encode_units<H: EncodeHandler>(
    text: StrData<'_>,
    encoding: &'static str,
    mark: bool,
    bytes: impl Fn(u16) -> [u8; 2] + Copy,
    handler: &mut H,
    out: &mut Vec<u8>,
) -> Result<(), H::Error> {
    if mark {
        out.extend_from_slice(&bytes(0xFEFF));
    }
    let put = move |point: u32, out: &mut Vec<u8>| {
        match point {
            0xD800..0xE000 => return false,
            0..0x1_0000 => out.extend_from_slice(&bytes(point as u16)),
            _ => {
                let offset = point - 0x1_0000;
                out.extend_from_slice(&bytes(0xD800 | (offset >> 10) as u16));
                out.extend_from_slice(&bytes(0xDC00 | (offset & 0x3FF) as u16));
            }
        }
        true
    };
    let put_replacement = move |point: u32, out: &mut Vec<u8>| point < 0x80 && put(point, out);
    Encoder { encoding, reason: "surrogates not allowed", runs: false, unit: 2, put, put_replacement }
        .run(text, 0, handler, out)
}
