//! ASCII and Latin-1.

use super::driver::{Encoder, put_ascii};
use super::{DecodeHandler, EncodeHandler, Fault};
use crate::buf::StrBuf;
use crate::data::StrData;

/// Length of the leading run of ASCII bytes.
pub fn ascii_prefix(bytes: &[u8]) -> usize {
    const BLOCK: usize = 32;
    let mut at = 0;
    while let Some(block) = bytes.get(at..at + BLOCK)
        && block.is_ascii()
    {
        at += BLOCK;
    }
    at + bytes[at..].iter().take_while(|b| b.is_ascii()).count()
}

/// Decodes ASCII; each byte above 127 is a fault of its own.
pub fn decode_ascii<H: DecodeHandler>(
    input: &[u8],
    handler: &mut H,
    out: &mut StrBuf,
) -> Result<(), H::Error> {
    let mut at = 0;
    while at < input.len() {
        let run = ascii_prefix(&input[at..]);
        out.push_ascii(&input[at..at + run]);
        at += run;
        if at < input.len() {
            let fault =
                Fault { encoding: "ascii", start: at, end: at + 1, reason: "ordinal not in range(128)" };
            at = handler.handle(input, &fault, out)?;
        }
    }
    Ok(())
}

/// Decodes Latin-1, which cannot fail.
pub fn decode_latin1(input: &[u8], out: &mut StrBuf) {
    out.push_data(StrData::One(input));
}

/// Encodes as ASCII.
pub fn encode_ascii<H: EncodeHandler>(
    text: StrData<'_>,
    handler: &mut H,
    out: &mut Vec<u8>,
) -> Result<(), H::Error> {
    let mut done = 0;
    if let StrData::One(s) = text {
        done = ascii_prefix(s);
        out.extend_from_slice(&s[..done]);
        if done == s.len() {
            return Ok(());
        }
    }
    out.reserve(text.len() - done);
    Encoder {
        encoding: "ascii",
        reason: "ordinal not in range(128)",
        runs: true,
        unit: 1,
        put: put_ascii,
        put_replacement: put_ascii,
    }
    .run(text, done, handler, out)
}

fn put_latin1(point: u32, out: &mut Vec<u8>) -> bool {
    if point <= 0xFF {
        out.push(point as u8);
    }
    point <= 0xFF
}

/// Encodes as Latin-1.
pub fn encode_latin1<H: EncodeHandler>(
    text: StrData<'_>,
    handler: &mut H,
    out: &mut Vec<u8>,
) -> Result<(), H::Error> {
    if let StrData::One(s) = text {
        out.extend_from_slice(s);
        return Ok(());
    }
    out.reserve(text.len());
    Encoder {
        encoding: "latin-1",
        reason: "ordinal not in range(256)",
        runs: true,
        unit: 1,
        put: put_latin1,
        put_replacement: put_latin1,
    }
    .run(text, 0, handler, out)
}
