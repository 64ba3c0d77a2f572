//! Writing.

use std::collections::HashMap;

use super::code;
use crate::{
    code::{Code, Const},
    pystr::PyStr,
};

/// Serialises a code object.
pub fn dump_code(value: &Code) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.code(value);
    writer.out
}

/// Serialises a constant.
pub fn dump(value: &Const) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.value(value);
    writer.out
}

#[derive(Default)]
struct Writer<'a> {
    out: Vec<u8>,
    strings: HashMap<&'a PyStr, u32>,
}

impl<'a> Writer<'a> {
    fn u32(&mut self, n: u32) {
        self.out.extend(n.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.out.push(code::BYTES);
        self.u32(bytes.len() as u32);
        self.out.extend_from_slice(bytes);
    }

    fn string(&mut self, text: &'a PyStr, interned: bool) {
        if let Some(&at) = self.strings.get(text) {
            self.out.push(code::REF);
            return self.u32(at);
        }
        self.strings.insert(text, self.strings.len() as u32);
        let bytes = text.as_bytes();
        let (kind, short) = match (bytes.is_ascii(), bytes.len() < 256, interned) {
            (true, true, true) => (code::SHORT_ASCII_INTERNED, true),
            (true, true, false) => (code::SHORT_ASCII, true),
            (true, false, true) => (code::ASCII_INTERNED, false),
            (true, false, false) => (code::ASCII, false),
            (false, _, true) => (code::INTERNED, false),
            (false, _, false) => (code::UNICODE, false),
        };
        self.out.push(kind | code::FLAG_REF);
        if short {
            self.out.push(bytes.len() as u8);
        } else {
            self.u32(bytes.len() as u32);
        }
        self.out.extend_from_slice(bytes);
    }

    fn strings(&mut self, list: &'a [PyStr]) {
        self.tuple_head(list.len());
        list.iter().for_each(|text| self.string(text, true));
    }

    fn tuple_head(&mut self, len: usize) {
        if let Ok(short) = u8::try_from(len) {
            self.out.extend([code::SMALL_TUPLE, short]);
        } else {
            self.out.push(code::TUPLE);
            self.u32(len as u32);
        }
    }

    fn values(&mut self, list: &'a [Const]) {
        list.iter().for_each(|value| self.value(value));
    }

    fn value(&mut self, value: &'a Const) {
        match value {
            Const::None => self.out.push(code::NONE),
            Const::True => self.out.push(code::TRUE),
            Const::False => self.out.push(code::FALSE),
            Const::Ellipsis => self.out.push(code::ELLIPSIS),
            Const::Int(n) => match i32::try_from(*n) {
                Ok(n) => {
                    self.out.push(code::INT);
                    self.out.extend(n.to_le_bytes());
                }
                Err(_) => {
                    let sign = if *n < 0 { "-" } else { "" };
                    self.long(&format!("{sign}{:x}", n.unsigned_abs()));
                }
            },
            Const::BigInt(digits) => self.long(digits),
            Const::Float(x) => {
                self.out.push(code::FLOAT);
                self.out.extend(x.to_le_bytes());
            }
            Const::Complex(re, im) => {
                self.out.push(code::COMPLEX);
                self.out.extend(re.to_le_bytes());
                self.out.extend(im.to_le_bytes());
            }
            Const::Str(text) => self.string(text, is_name(text)),
            Const::Bytes(bytes) => self.bytes(bytes),
            Const::Tuple(items) => {
                self.tuple_head(items.len());
                crate::symtable::grow(|| self.values(items));
            }
            Const::FrozenSet(items) => {
                self.out.push(code::FROZENSET);
                self.u32(items.len() as u32);
                self.values(items);
            }
            Const::Slice(parts) => {
                self.out.push(code::SLICE);
                self.values(&parts[..]);
            }
            Const::Code(inner) => crate::symtable::grow(|| self.code(inner)),
        }
    }

    /// Hexadecimal digits as digits of 15 bits, least first; their number has the sign.
    fn long(&mut self, text: &str) {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let mut limbs: Vec<u16> = Vec::new();
        let (mut pending, mut bits) = (0_u32, 0);
        for nibble in digits.chars().rev().filter_map(|c| c.to_digit(16)) {
            pending |= nibble << bits;
            bits += 4;
            if bits >= 15 {
                limbs.push((pending & 0x7FFF) as u16);
                pending >>= 15;
                bits -= 15;
            }
        }
        if pending > 0 {
            limbs.push(pending as u16);
        }
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
        self.out.push(code::LONG);
        let count = limbs.len() as i32;
        self.out.extend(if negative { -count } else { count }.to_le_bytes());
        limbs.into_iter().for_each(|limb| self.out.extend(limb.to_le_bytes()));
    }

    fn code(&mut self, value: &'a Code) {
        self.out.push(code::CODE);
        for n in [value.argcount, value.posonlyargcount, value.kwonlyargcount, value.stacksize, value.flags] {
            self.u32(n);
        }
        self.bytes(&value.code);
        self.tuple_head(value.consts.len());
        self.values(&value.consts);
        self.strings(&value.names);
        self.strings(&value.localsplusnames);
        self.bytes(&value.localspluskinds);
        self.string(&value.filename, true);
        self.string(&value.name, true);
        self.string(&value.qualname, true);
        self.u32(value.firstlineno);
        self.bytes(&value.linetable);
        self.bytes(&value.exceptiontable);
    }
}

/// Strings that look like names are interned when loaded.
fn is_name(text: &PyStr) -> bool {
    text.as_bytes().iter().all(|&b| b.is_ascii_alphanumeric() || b == b'_')
}
