//! Text encodings: decoders from bytes to text, encoders back, and what happens at faults.
//!
//! Every codec takes a handler for faults. [`ErrorMode`] is the handler for the built-in `errors=` names and costs
//! nothing until a fault occurs; the object layer implements [`DecodeHandler`] and [`EncodeHandler`] for names
//! registered with `codecs.register_error`. Decoders take `last`: unless set they stop before an incomplete
//! sequence at the end and report how much they consumed.

pub mod bytes_escape;
pub mod charmap;
mod driver;
mod errors;
pub mod single_byte;
#[cfg(test)]
mod tests;
pub mod unicode_escape;
pub mod utf16;
pub mod utf32;
pub mod utf7;
pub mod utf8;

pub use errors::{ErrorMode, Failure};

use crate::buf::StrBuf;
use crate::data::StrData;

/// Input a codec cannot convert: the arguments of a `UnicodeDecodeError` or `UnicodeEncodeError`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Name of the codec as the exception shows it.
    pub encoding: &'static str,
    /// First offending byte or code point.
    pub start: usize,
    /// One past the last offending one.
    pub end: usize,
    /// What is wrong.
    pub reason: &'static str,
}

/// Decides what becomes of undecodable bytes.
pub trait DecodeHandler {
    /// What ends the decoding.
    type Error;
    /// Appends a replacement to `out` and returns where to resume, at most `input.len()`.
    fn handle(&mut self, input: &[u8], fault: &Fault, out: &mut StrBuf) -> Result<usize, Self::Error>;
}

/// What an encoder writes in place of unencodable text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// Text, to be encoded in turn; if that fails too, the fault is an error.
    Text(StrBuf),
    /// Bytes to copy. Their number must be a multiple of the code unit's size.
    Bytes(Vec<u8>),
}

/// Decides what becomes of unencodable text.
pub trait EncodeHandler {
    /// What ends the encoding.
    type Error;
    /// The replacement, and where to resume, at most `text.len()`.
    fn handle(&mut self, text: StrData<'_>, fault: &Fault) -> Result<(Replacement, usize), Self::Error>;
    /// The error for a replacement that cannot be encoded itself.
    fn strict(&mut self, text: StrData<'_>, fault: &Fault) -> Self::Error;
}

/// Byte order of UTF-16 and UTF-32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl ByteOrder {
    /// The machine's.
    pub const NATIVE: ByteOrder =
        if cfg!(target_endian = "little") { ByteOrder::Little } else { ByteOrder::Big };
}

/// Codecs implemented here that need no tables from Python code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// UTF-8
    Utf8,
    /// ASCII
    Ascii,
    /// ISO 8859-1
    Latin1,
    /// UTF-16 with a byte order mark
    Utf16,
    /// UTF-16LE
    Utf16Le,
    /// UTF-16BE
    Utf16Be,
    /// UTF-32 with a byte order mark
    Utf32,
    /// UTF-32LE
    Utf32Le,
    /// UTF-32BE
    Utf32Be,
}

impl Codec {
    /// The codec called `name` in one of its usual spellings, compared without case and with `_` as `-`. `None` means
    /// only that the codec registry has to be asked.
    pub fn by_name(name: &str) -> Option<Codec> {
        let mut lower = [0u8; 12];
        let lower = lower.get_mut(..name.len())?;
        for (to, from) in lower.iter_mut().zip(name.bytes()) {
            *to = if from == b'_' { b'-' } else { from.to_ascii_lowercase() };
        }
        Some(match &*lower {
            b"utf-8" | b"utf8" => Codec::Utf8,
            b"ascii" | b"us-ascii" => Codec::Ascii,
            b"latin-1" | b"latin1" | b"iso-8859-1" | b"iso8859-1" => Codec::Latin1,
            b"utf-16" | b"utf16" => Codec::Utf16,
            b"utf-16-le" | b"utf-16le" => Codec::Utf16Le,
            b"utf-16-be" | b"utf-16be" => Codec::Utf16Be,
            b"utf-32" | b"utf32" => Codec::Utf32,
            b"utf-32-le" | b"utf-32le" => Codec::Utf32Le,
            b"utf-32-be" | b"utf-32be" => Codec::Utf32Be,
            _ => return None,
        })
    }

    /// Decodes all of `input`.
    pub fn decode<H: DecodeHandler>(self, input: &[u8], handler: &mut H) -> Result<StrBuf, H::Error> {
        let mut out = StrBuf::new();
        match self {
            Codec::Utf8 => utf8::decode(input, handler, true, &mut out).map(drop),
            Codec::Ascii => single_byte::decode_ascii(input, handler, &mut out),
            Codec::Latin1 => {
                single_byte::decode_latin1(input, &mut out);
                Ok(())
            }
            Codec::Utf16 => utf16::decode(input, None, handler, true, &mut out).map(drop),
            Codec::Utf16Le => {
                utf16::decode(input, Some(ByteOrder::Little), handler, true, &mut out).map(drop)
            }
            Codec::Utf16Be => utf16::decode(input, Some(ByteOrder::Big), handler, true, &mut out).map(drop),
            Codec::Utf32 => utf32::decode(input, None, handler, true, &mut out).map(drop),
            Codec::Utf32Le => {
                utf32::decode(input, Some(ByteOrder::Little), handler, true, &mut out).map(drop)
            }
            Codec::Utf32Be => utf32::decode(input, Some(ByteOrder::Big), handler, true, &mut out).map(drop),
        }?;
        Ok(out)
    }

    /// Encodes all of `text`.
    pub fn encode<H: EncodeHandler>(self, text: StrData<'_>, handler: &mut H) -> Result<Vec<u8>, H::Error> {
        let mut out = Vec::new();
        match self {
            Codec::Utf8 => utf8::encode(text, handler, &mut out),
            Codec::Ascii => single_byte::encode_ascii(text, handler, &mut out),
            Codec::Latin1 => single_byte::encode_latin1(text, handler, &mut out),
            Codec::Utf16 => utf16::encode(text, None, handler, &mut out),
            Codec::Utf16Le => utf16::encode(text, Some(ByteOrder::Little), handler, &mut out),
            Codec::Utf16Be => utf16::encode(text, Some(ByteOrder::Big), handler, &mut out),
            Codec::Utf32 => utf32::encode(text, None, handler, &mut out),
            Codec::Utf32Le => utf32::encode(text, Some(ByteOrder::Little), handler, &mut out),
            Codec::Utf32Be => utf32::encode(text, Some(ByteOrder::Big), handler, &mut out),
        }?;
        Ok(out)
    }
}

/// `str()` of a `UnicodeDecodeError`. `byte` is the offending byte when there is exactly one.
pub fn decode_message(encoding: &str, byte: Option<u8>, start: usize, end: usize, reason: &str) -> String {
    match byte {
        Some(byte) if end == start + 1 => {
            format!("'{encoding}' codec can't decode byte 0x{byte:02x} in position {start}: {reason}")
        }
        _ => {
            let last = end as isize - 1;
            format!("'{encoding}' codec can't decode bytes in position {start}-{last}: {reason}")
        }
    }
}

fn quoted(point: u32) -> String {
    let mut out = vec![b'\''];
    crate::repr::push_escape(point, &mut out);
    out.push(b'\'');
    String::from_utf8(out).unwrap_or_default()
}

/// `str()` of a `UnicodeEncodeError`. `point` is the offending code point when there is exactly one.
pub fn encode_message(encoding: &str, point: Option<u32>, start: usize, end: usize, reason: &str) -> String {
    match point {
        Some(point) if end == start + 1 => {
            format!(
                "'{encoding}' codec can't encode character {} in position {start}: {reason}",
                quoted(point)
            )
        }
        _ => {
            let last = end as isize - 1;
            format!("'{encoding}' codec can't encode characters in position {start}-{last}: {reason}")
        }
    }
}

/// `str()` of a `UnicodeTranslateError`.
pub fn translate_message(point: Option<u32>, start: usize, end: usize, reason: &str) -> String {
    match point {
        Some(point) if end == start + 1 => {
            format!("can't translate character {} in position {start}: {reason}", quoted(point))
        }
        _ => format!("can't translate characters in position {start}-{}: {reason}", end as isize - 1),
    }
}
