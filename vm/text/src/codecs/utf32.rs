//! UTF-32, with and without a byte order mark.

use super::driver::Encoder;
use super::utf16::Decoded;
use super::{ByteOrder, DecodeHandler, EncodeHandler, Fault};
use crate::buf::StrBuf;
use crate::data::StrData;

/// Decodes UTF-32. Without an `order` a byte order mark is looked for; without one the machine's order is used.
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
            [0xFF, 0xFE, 0, 0, ..] => Some(ByteOrder::Little),
            [0, 0, 0xFE, 0xFF, ..] => Some(ByteOrder::Big),
            _ => None,
        };
        at = if order.is_some() { 4 } else { 0 };
    }
    let consumed = match order.unwrap_or(ByteOrder::NATIVE) {
        ByteOrder::Little => decode_units(input, at, "utf-32-le", u32::from_le_bytes, handler, last, out),
        ByteOrder::Big => decode_units(input, at, "utf-32-be", u32::from_be_bytes, handler, last, out),
    }?;
    Ok(Decoded { consumed, order })
}

fn decode_units<H: DecodeHandler>(
    input: &[u8],
    mut at: usize,
    encoding: &'static str,
    read: impl Fn([u8; 4]) -> u32,
    handler: &mut H,
    last: bool,
    out: &mut StrBuf,
) -> Result<usize, H::Error> {
    out.reserve((input.len() - at) / 4);
    while at < input.len() {
        let (end, reason) = match input[at..] {
            [a, b, c, d, ..] => match read([a, b, c, d]) {
                0xD800..0xE000 => (at + 4, "code point in surrogate code point range(0xd800, 0xe000)"),
                point @ 0..0x11_0000 => {
                    out.push(point);
                    at += 4;
                    continue;
                }
                _ => (at + 4, "code point not in range(0x110000)"),
            },
            _ if !last => return Ok(at),
            _ => (input.len(), "truncated data"),
        };
        at = handler.handle(input, &Fault { encoding, start: at, end, reason }, out)?;
    }
    Ok(at)
}

/// Encodes as UTF-32. Without an `order` a byte order mark and the machine's order are used.
pub fn encode<H: EncodeHandler>(
    text: StrData<'_>,
    order: Option<ByteOrder>,
    handler: &mut H,
    out: &mut Vec<u8>,
) -> Result<(), H::Error> {
    let encoding = match order {
        None => "utf-32",
        Some(ByteOrder::Little) => "utf-32-le",
        Some(ByteOrder::Big) => "utf-32-be",
    };
    let bytes = match order.unwrap_or(ByteOrder::NATIVE) {
        ByteOrder::Little => u32::to_le_bytes,
        ByteOrder::Big => u32::to_be_bytes,
    };
    out.reserve(text.len() * 4 + 4);
    if order.is_none() {
        out.extend_from_slice(&bytes(0xFEFF));
    }
    let put = |point: u32, out: &mut Vec<u8>| {
        let fine = !(0xD800..0xE000).contains(&point);
        if fine {
            out.extend_from_slice(&bytes(point));
        }
        fine
    };
    let put_replacement = |point: u32, out: &mut Vec<u8>| point < 0x80 && put(point, out);
    Encoder { encoding, reason: "surrogates not allowed", runs: false, unit: 4, put, put_replacement }
        .run(text, 0, handler, out)
}
