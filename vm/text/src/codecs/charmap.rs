//! Character maps: one byte per character by table, as most legacy encodings use.

use super::{DecodeHandler, EncodeHandler, Fault, Replacement};
use crate::buf::StrBuf;
use crate::data::StrData;

const NAME: &str = "charmap";
const REASON: &str = "character maps to <undefined>";
/// In a decoding table: no character.
pub const UNDEFINED: u32 = 0xFFFE;

/// Decodes through a table in which the character for byte `b` is at index `b`.
pub fn decode<H: DecodeHandler>(
    input: &[u8],
    table: StrData<'_>,
    handler: &mut H,
    out: &mut StrBuf,
) -> Result<(), H::Error> {
    decode_with(input, handler, out, |byte, out| {
        let index = usize::from(byte);
        let point = if index < table.len() { table.get(index) } else { UNDEFINED };
        if point != UNDEFINED {
            out.push(point);
        }
        Ok(point != UNDEFINED)
    })
}

/// Decodes through `lookup`, which appends the text for a byte or returns false.
pub fn decode_with<H: DecodeHandler>(
    input: &[u8],
    handler: &mut H,
    out: &mut StrBuf,
    mut lookup: impl FnMut(u8, &mut StrBuf) -> Result<bool, H::Error>,
) -> Result<(), H::Error> {
    out.reserve(input.len());
    let mut at = 0;
    while at < input.len() {
        if lookup(input[at], out)? {
            at += 1;
        } else {
            let fault = Fault { encoding: NAME, start: at, end: at + 1, reason: REASON };
            at = handler.handle(input, &fault, out)?;
        }
    }
    Ok(())
}

/// The reverse of a decoding table (`codecs.charmap_build`): a two-stage table for characters of the BMP and a sorted
/// list for the others.
#[derive(Clone, Debug)]
pub struct EncodingMap {
    /// Block of 256 characters → index into `blocks`, 0 for none.
    stages: Box<[u8; 256]>,
    /// Byte + 1 for each character of a block, 0 for none.
    blocks: Vec<[u16; 256]>,
    beyond: Vec<(u32, u8)>,
}

impl EncodingMap {
    /// Builds the map from a decoding table of up to 256 characters. Later bytes win.
    pub fn new(table: StrData<'_>) -> EncodingMap {
        let mut map = EncodingMap { stages: Box::new([0; 256]), blocks: vec![[0; 256]], beyond: Vec::new() };
        for (byte, point) in (0..=0xFFu8).zip(table) {
            if point == UNDEFINED {
                continue;
            }
            if point > 0xFFFF {
                map.beyond.push((point, byte));
                continue;
            }
            let stage = &mut map.stages[point as usize >> 8];
            // At most 256 characters, but block 0 is the empty one; a table using every block shares the last index.
            if *stage == 0 && map.blocks.len() < 256 {
                *stage = map.blocks.len() as u8;
                map.blocks.push([0; 256]);
            }
            if *stage == 0 {
                map.beyond.push((point, byte));
            } else {
                map.blocks[usize::from(*stage)][point as usize & 0xFF] = u16::from(byte) + 1;
            }
        }
        map.beyond.reverse();
        map.beyond.sort_by_key(|pair| pair.0);
        map.beyond.dedup_by_key(|pair| pair.0);
        map
    }

    /// The byte for a character.
    #[inline]
    pub fn get(&self, point: u32) -> Option<u8> {
        if let Some(&stage) = self.stages.get(point as usize >> 8)
            && let value @ 1.. = self.blocks[usize::from(stage)][point as usize & 0xFF]
        {
            return Some((value - 1) as u8);
        }
        let found = self.beyond.binary_search_by_key(&point, |pair| pair.0).ok()?;
        Some(self.beyond[found].1)
    }
}

/// Encodes through a map.
pub fn encode<H: EncodeHandler>(
    text: StrData<'_>,
    map: &EncodingMap,
    handler: &mut H,
    out: &mut Vec<u8>,
) -> Result<(), H::Error> {
    encode_with(text, handler, out, |point, out| {
        let byte = map.get(point);
        out.extend(byte);
        Ok(byte.is_some())
    })
}

/// Encodes through `lookup`, which appends the bytes for a code point or returns false.
pub fn encode_with<H: EncodeHandler>(
    text: StrData<'_>,
    handler: &mut H,
    out: &mut Vec<u8>,
    mut lookup: impl FnMut(u32, &mut Vec<u8>) -> Result<bool, H::Error>,
) -> Result<(), H::Error> {
    out.reserve(text.len());
    let mut at = 0;
    while at < text.len() {
        if lookup(text.get(at), out)? {
            at += 1;
            continue;
        }
        let mut end = at + 1;
        let written = out.len();
        while end < text.len() && !lookup(text.get(end), out)? {
            end += 1;
        }
        out.truncate(written);
        let fault = Fault { encoding: NAME, start: at, end, reason: REASON };
        let (replacement, resume) = handler.handle(text, &fault)?;
        match replacement {
            Replacement::Bytes(bytes) => out.extend_from_slice(&bytes),
            Replacement::Text(replacement) => {
                for point in replacement.data() {
                    if !lookup(point, out)? {
                        return Err(handler.strict(text, &fault));
                    }
                }
            }
        }
        at = resume;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codecs::{ErrorMode, Failure};

    #[test]
    fn maps_like_python() {
        let table: Vec<u32> = (0..256u32).map(|b| if b == 0x80 { 0x20AC } else { b }).collect();
        let mut table = table;
        table[0x81] = UNDEFINED;
        table[0x82] = 0x1F600;
        let table = StrData::Four(&table);
        let mut out = StrBuf::new();
        decode(b"a\x80\x82\xe9", table, &mut ErrorMode::Strict, &mut out).unwrap();
        assert_eq!(out, "a€😀é");
        let fault = Fault { encoding: NAME, start: 1, end: 2, reason: REASON };
        assert_eq!(decode(b"a\x81", table, &mut ErrorMode::Strict, &mut out), Err(Failure::Fault(fault)));
        let map = EncodingMap::new(table);
        let mut bytes = Vec::new();
        encode(out.data(), &map, &mut ErrorMode::Strict, &mut bytes).unwrap();
        assert_eq!(bytes, b"a\x80\x82\xe9a", "text decoded before a fault stays");
        let text = StrBuf::from("€é😀\u{81}āb");
        let mut bytes = Vec::new();
        encode(text.data(), &map, &mut ErrorMode::XmlCharRefReplace, &mut bytes).unwrap();
        assert_eq!(bytes, b"\x80\xe9\x82&#129;&#257;b");
        assert_eq!(
            encode(text.data(), &map, &mut ErrorMode::Strict, &mut Vec::new()),
            Err(Failure::Fault(Fault { encoding: NAME, start: 3, end: 5, reason: REASON }))
        );
    }

    #[test]
    fn short_tables_and_lookups() {
        let mut out = StrBuf::new();
        decode(b"\0\x01\x02", StrData::One(b"xy"), &mut ErrorMode::Replace, &mut out).unwrap();
        assert_eq!(out, "xy\u{FFFD}");
        let mut bytes = Vec::new();
        let lookup = |point: u32, out: &mut Vec<u8>| {
            match point {
                0x61 => out.extend_from_slice(b"zz"),
                0x3F => out.extend_from_slice(b"!!"),
                _ => return Ok(false),
            }
            Ok(true)
        };
        encode_with(StrData::One(b"a\xe9"), &mut ErrorMode::Replace, &mut bytes, lookup).unwrap();
        assert_eq!(bytes, b"zz!!");
    }
}
