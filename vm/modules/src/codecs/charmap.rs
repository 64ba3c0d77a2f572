//! `charmap_encode`, `charmap_decode`, `charmap_build`: codecs given by a table.

use std::collections::HashMap;

use typhon_core::buffer::bytes_like;
use typhon_core::builtins::bytes::Bytes;
use typhon_core::builtins::exceptions as ex;
use typhon_core::builtins::int::IntRef;
use typhon_core::builtins::str::Str;
use typhon_core::{ArgsExt, Borrowed, Data, NativeDef, Owned, PyResult, Thread, TypeDef, unborn};
use typhon_text::codecs::{charmap, single_byte};
use typhon_text::{StrBuf, StrData};

use super::{decoded, encoded, text_arg};

typhon_core::payload! {
    /// The reverse of a decoding table.
    pub struct EncodingMap: MAP {
        map: Data<charmap::EncodingMap>,
    }
}

pub static MAP: TypeDef = TypeDef {
    flags: typhon_core::type_flags::NO_NEW,
    methods: &[NativeDef::new("size", "($self, /)", size, "Return the size (in bytes) of this object.")],
    ..TypeDef::of::<EncodingMap>("EncodingMap")
};

fn size(th: &mut Thread, _a: &[Borrowed<'_>]) -> PyResult {
    Ok(th.new_int(size_of::<EncodingMap>() as i64))
}

pub(super) fn build(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let table = text_arg(th, a[0], "charmap_build", 1)?;
    let map = charmap::EncodingMap::new(table.data());
    Ok(th.alloc(EncodingMap { header: unborn(), map: Data(map) }))
}

/// What a mapping says: nothing, or something.
fn look_up(th: &mut Thread, mapping: Borrowed<'_>, key: i64) -> PyResult<Option<Owned>> {
    let key = th.new_int(key);
    let r = mapping.getitem(th, key.borrow());
    Ok(th.absorb(r, &ex::LOOKUP_ERROR)?.filter(|v| !v.is_none()))
}

/// The text for a byte.
fn decode_byte(th: &mut Thread, mapping: Borrowed<'_>, byte: u8) -> PyResult<Option<StrBuf>> {
    let Some(v) = look_up(th, mapping, byte.into())? else { return Ok(None) };
    if let Some(i) = v.borrow().as_int() {
        return match i {
            IntRef::Small(p) if p == i64::from(charmap::UNDEFINED) => Ok(None),
            IntRef::Small(p @ 0..=0x10_FFFF) => {
                let mut b = StrBuf::new();
                b.push(p as u32);
                Ok(Some(b))
            }
            _ => Err(th.type_error("character mapping must be in range(0x110000)")),
        };
    }
    match v.downcast::<Str>() {
        Some(s) if matches!(s.data(), StrData::Two([0xFFFE])) => Ok(None),
        Some(s) => Ok(Some(StrBuf::from(s.data()))),
        None => Err(th.type_error("character mapping must return integer, None or str")),
    }
}

pub(super) fn decode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(mapping) = a.some(2) else {
        return decoded(th, a, |b, _, out| {
            single_byte::decode_latin1(b, out);
            Ok(b.len())
        });
    };
    if let Some(table) = mapping.downcast::<Str>() {
        return decoded(th, a, |b, h, out| {
            charmap::decode(b, table.data(), h, out)?;
            Ok(b.len())
        });
    }
    // The mapping's own code runs before the decoder does.
    let input = bytes_like(th, a[0])?;
    let mut known: Vec<Option<StrBuf>> = vec![None; 256];
    let mut seen = [false; 256];
    for byte in input.iter().copied() {
        if !core::mem::replace(&mut seen[usize::from(byte)], true) {
            known[usize::from(byte)] = decode_byte(th, mapping, byte)?;
        }
    }
    decoded(th, a, |b, h, out| {
        charmap::decode_with(b, h, out, |byte, out| match &known[usize::from(byte)] {
            Some(text) => {
                out.push_data(text.data());
                Ok(true)
            }
            None => Ok(false),
        })?;
        Ok(b.len())
    })
}

/// The bytes for a character.
fn encode_point(th: &mut Thread, mapping: Borrowed<'_>, point: u32) -> PyResult<Option<Vec<u8>>> {
    let Some(v) = look_up(th, mapping, point.into())? else { return Ok(None) };
    if let Some(i) = v.borrow().as_int() {
        return match i {
            IntRef::Small(b @ 0..=255) => Ok(Some(vec![b as u8])),
            _ => Err(th.type_error("character mapping must be in range(256)")),
        };
    }
    match v.downcast::<Bytes>() {
        Some(b) => Ok(Some(b.as_bytes().to_vec())),
        None => {
            let msg = format!(
                "character mapping must return integer, bytes or None, not {}",
                v.borrow().type_name(th)
            );
            Err(th.type_error(&msg))
        }
    }
}

pub(super) fn encode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(mapping) = a.some(2) else {
        return encoded(th, a, "charmap_encode", |d, h, out| single_byte::encode_latin1(d, h, out));
    };
    if let Some(m) = mapping.downcast::<EncodingMap>() {
        return encoded(th, a, "charmap_encode", |d, h, out| charmap::encode(d, &m.map.0, h, out));
    }
    // The mapping's own code runs before the encoder does; ASCII is what error handlers put in.
    let s = text_arg(th, a[0], "charmap_encode", 1)?;
    let mut known: HashMap<u32, Option<Vec<u8>>> = HashMap::new();
    for point in s.data().iter().chain(0x20..0x7F) {
        if let std::collections::hash_map::Entry::Vacant(e) = known.entry(point) {
            e.insert(encode_point(th, mapping, point)?);
        }
    }
    encoded(th, a, "charmap_encode", |d, h, out| {
        charmap::encode_with(d, h, out, |point, out| match known.get(&point) {
            Some(Some(bytes)) => {
                out.extend_from_slice(bytes);
                Ok(true)
            }
            _ => Ok(false),
        })
    })
}
