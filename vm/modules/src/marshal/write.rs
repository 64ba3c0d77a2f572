//! Writing.

use std::collections::HashMap;

use dashu_int::ops::Abs;
use typhon_core::builtins::bytes::Bytes;
use typhon_core::builtins::complex::Complex;
use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::int::IntRef;
use typhon_core::builtins::list::List;
use typhon_core::builtins::set::{FrozenSet, Set};
use typhon_core::builtins::slice::Slice;
use typhon_core::builtins::str::Str;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::code::CodeObject;
use typhon_core::{Borrowed, Owned, PyResult, Raised, Thread, Word};
use typhon_text::codecs::utf8;

use super::{MAX_DEPTH, code};

struct Writer {
    out: Vec<u8>,
    version: i64,
    allow_code: bool,
    depth: usize,
    /// Number of each object that was written, by address.
    seen: HashMap<u64, u32>,
    /// Keeps what was numbered alive, so that no address is used twice.
    kept: Vec<Owned>,
}

/// The bytes of a value.
///
/// Errors: ValueError for what the format does not have.
pub fn dump(th: &mut Thread, v: Borrowed<'_>, version: i64, allow_code: bool) -> PyResult<Vec<u8>> {
    let mut w =
        Writer { out: Vec::new(), version, allow_code, depth: 0, seen: HashMap::new(), kept: Vec::new() };
    w.value(th, v)?;
    Ok(w.out)
}

#[cold]
fn unmarshallable(th: &mut Thread) -> Raised {
    th.value_error("unmarshallable object")
}

impl Writer {
    fn u32(&mut self, n: u32) {
        self.out.extend_from_slice(&n.to_le_bytes());
    }

    fn size(&mut self, th: &mut Thread, n: usize) -> PyResult<()> {
        match i32::try_from(n) {
            Ok(n) => {
                self.u32(n as u32);
                Ok(())
            }
            Err(_) => Err(unmarshallable(th)),
        }
    }

    fn blob(&mut self, th: &mut Thread, b: &[u8]) -> PyResult<()> {
        self.size(th, b.len())?;
        self.out.extend_from_slice(b);
        Ok(())
    }

    fn int(&mut self, v: IntRef<'_>) {
        if let IntRef::Small(v) = v
            && let Ok(v) = i32::try_from(v)
        {
            self.out.push(code::INT);
            self.out.extend_from_slice(&v.to_le_bytes());
            return;
        }
        let (negative, bytes) = match v {
            IntRef::Small(v) => (v < 0, v.unsigned_abs().to_le_bytes().to_vec()),
            IntRef::Big(b) => {
                let magnitude = b.clone().abs();
                let magnitude = dashu_int::UBig::try_from(magnitude).unwrap_or_default();
                (*b < dashu_int::IBig::ZERO, magnitude.to_le_bytes().to_vec())
            }
        };
        let mut digits: Vec<u16> = Vec::with_capacity(bytes.len() * 8 / 15 + 1);
        let (mut acc, mut bits) = (0u32, 0u32);
        for b in bytes {
            acc |= u32::from(b) << bits;
            bits += 8;
            if bits >= 15 {
                digits.push((acc & 0x7fff) as u16);
                acc >>= 15;
                bits -= 15;
            }
        }
        digits.push(acc as u16);
        while digits.last() == Some(&0) {
            digits.pop();
        }
        self.out.push(code::LONG);
        let n = digits.len() as i32;
        self.u32((if negative { -n } else { n }) as u32);
        for d in digits {
            self.out.extend_from_slice(&d.to_le_bytes());
        }
    }

    fn text(&mut self, th: &mut Thread, s: &Str, flag: u8) -> PyResult<()> {
        match s.as_ascii() {
            Some(text) if self.version >= 4 => {
                let short = text.len() < 256;
                let kind = match (short, s.is_interned()) {
                    (true, true) => code::SHORT_ASCII_INTERNED,
                    (true, false) => code::SHORT_ASCII,
                    (false, true) => code::ASCII_INTERNED,
                    (false, false) => code::ASCII,
                };
                self.out.push(kind | flag);
                if short {
                    self.out.push(text.len() as u8);
                    self.out.extend_from_slice(text.as_bytes());
                    Ok(())
                } else {
                    self.blob(th, text.as_bytes())
                }
            }
            _ => {
                let mut bytes = Vec::new();
                utf8::encode_surrogates(s.data(), &mut bytes);
                let kind = if self.version >= 3 && s.is_interned() { code::INTERNED } else { code::UNICODE };
                self.out.push(kind | flag);
                self.blob(th, &bytes)
            }
        }
    }

    fn float(&mut self, v: f64) {
        if self.version > 1 {
            self.out.extend_from_slice(&v.to_le_bytes());
        } else {
            let text = format!("{v:?}");
            self.out.push(text.len() as u8);
            self.out.extend_from_slice(text.as_bytes());
        }
    }

    fn value(&mut self, th: &mut Thread, v: Borrowed<'_>) -> PyResult<()> {
        if self.depth >= MAX_DEPTH {
            return Err(th.value_error("object too deeply nested to marshal"));
        }
        th.check_native_stack(" while marshalling an object")?;
        self.depth += 1;
        let r = self.value_of(th, v);
        self.depth -= 1;
        r
    }

    fn value_of(&mut self, th: &mut Thread, v: Borrowed<'_>) -> PyResult<()> {
        match v.word() {
            Word::NONE => self.out.push(code::NONE),
            Word::TRUE => self.out.push(code::TRUE),
            Word::FALSE => self.out.push(code::FALSE),
            Word::ELLIPSIS => self.out.push(code::ELLIPSIS),
            w if w.is_int() => self.int(IntRef::Small(w.int())),
            w if w.is_ptr() => return self.object(th, v),
            _ => match v.as_float() {
                Some(f) => {
                    self.out.push(if self.version > 1 { code::FLOAT } else { code::FLOAT_TEXT });
                    self.float(f);
                }
                None => return Err(unmarshallable(th)),
            },
        }
        Ok(())
    }

    fn object(&mut self, th: &mut Thread, v: Borrowed<'_>) -> PyResult<()> {
        let mut flag = 0;
        if self.version >= 3 {
            if let Some(&n) = self.seen.get(&v.word().identity()) {
                self.out.push(code::REF);
                self.u32(n);
                return Ok(());
            }
            let n = self.seen.len() as u32;
            self.seen.insert(v.word().identity(), n);
            self.kept.push(v.to_owned());
            flag = code::FLAG_REF;
        }
        if let Some(s) = v.downcast_exact::<Str>() {
            return self.text(th, s, flag);
        }
        if let Some(t) = v.downcast_exact::<Tuple>() {
            match u8::try_from(t.len()) {
                Ok(n) if self.version >= 4 => self.out.extend_from_slice(&[code::SMALL_TUPLE | flag, n]),
                _ => {
                    self.out.push(code::TUPLE | flag);
                    self.size(th, t.len())?;
                }
            }
            return t.iter().try_for_each(|item| self.value(th, item));
        }
        if let Some(b) = v.downcast_exact::<Bytes>() {
            self.out.push(code::BYTES | flag);
            return self.blob(th, b.as_bytes());
        }
        if let Some(f) = v.as_float().filter(|_| is_exact(v, "float")) {
            self.out.push(if self.version > 1 { code::FLOAT } else { code::FLOAT_TEXT } | flag);
            self.float(f);
            return Ok(());
        }
        if let Some(i) = v.as_int().filter(|_| is_exact(v, "int")) {
            let at = self.out.len();
            self.int(i);
            self.out[at] |= flag;
            return Ok(());
        }
        if let Some(c) = v.downcast_exact::<Complex>() {
            self.out.push(if self.version > 1 { code::COMPLEX } else { code::COMPLEX_TEXT } | flag);
            self.float(c.re);
            self.float(c.im);
            return Ok(());
        }
        if let Some(l) = v.downcast_exact::<List>() {
            let items = l.to_vec();
            self.out.push(code::LIST | flag);
            self.size(th, items.len())?;
            return items.iter().try_for_each(|item| self.value(th, item.borrow()));
        }
        if let Some(d) = v.downcast_exact::<Dict>() {
            self.out.push(code::DICT | flag);
            for (k, item) in d.entries() {
                self.value(th, k.borrow())?;
                self.value(th, item.borrow())?;
            }
            self.out.push(code::NULL);
            return Ok(());
        }
        if let Some(items) = set_items(v) {
            let frozen = v.downcast_exact::<Set>().is_none();
            self.out.push(if frozen { code::FROZENSET } else { code::SET } | flag);
            self.size(th, items.len())?;
            return self.sorted_items(th, items);
        }
        if let Some(s) = v.downcast_exact::<Slice>() {
            if self.version < 5 {
                return Err(unmarshallable(th));
            }
            self.out.push(code::SLICE | flag);
            return s.fields().into_iter().try_for_each(|f| self.value(th, f));
        }
        if let Some(c) = v.downcast_exact::<CodeObject>() {
            if !self.allow_code {
                return Err(th.value_error("marshalling code objects is disallowed"));
            }
            return self.code(th, c, flag);
        }
        if v.is(typhon_core::builtins::exceptions::STOP_ITERATION.ty().as_value().word()) {
            // Reading it back takes no place among the numbered objects.
            self.seen.remove(&v.word().identity());
            self.out.push(code::STOP_ITERATION);
            return Ok(());
        }
        if let Some(b) = typhon_core::buffer::bytes_like_opt(th, v)? {
            self.out.push(code::BYTES | flag);
            return self.blob(th, &b);
        }
        Err(unmarshallable(th))
    }

    /// The items of a set in an order that does not depend on hashes, so that equal sets give equal bytes.
    fn sorted_items(&mut self, th: &mut Thread, items: Vec<Owned>) -> PyResult<()> {
        let mut keyed = Vec::with_capacity(items.len());
        for item in items {
            keyed.push((dump(th, item.borrow(), self.version, self.allow_code)?, item));
        }
        keyed.sort_by(|a, b| a.0.cmp(&b.0));
        keyed.iter().try_for_each(|(_, item)| self.value(th, item.borrow()))
    }

    fn code(&mut self, th: &mut Thread, c: &CodeObject, flag: u8) -> PyResult<()> {
        let data = &c.data.0;
        self.out.push(code::CODE | flag);
        for n in [data.argcount, data.posonlyargcount, data.kwonlyargcount, data.stacksize, data.flags] {
            self.u32(n);
        }
        self.plain_bytes(th, &data.code)?;
        for slot in [&c.consts, &c.names, &c.localsplusnames] {
            self.slot(th, slot)?;
        }
        self.plain_bytes(th, &data.localspluskinds)?;
        for slot in [&c.filename, &c.name, &c.qualname] {
            self.slot(th, slot)?;
        }
        self.u32(data.firstlineno);
        self.plain_bytes(th, &data.linetable)?;
        self.plain_bytes(th, &data.exceptiontable)
    }

    fn plain_bytes(&mut self, th: &mut Thread, b: &[u8]) -> PyResult<()> {
        self.out.push(code::BYTES);
        self.blob(th, b)
    }

    fn slot(&mut self, th: &mut Thread, slot: &typhon_core::Slot) -> PyResult<()> {
        match slot.fixed() {
            Some(v) => self.value(th, v),
            None => Err(unmarshallable(th)),
        }
    }
}

fn is_exact(v: Borrowed<'_>, name: &str) -> bool {
    v.ty().display_name() == name && v.ty().flags() & typhon_core::type_flags::HEAP == 0
}

fn set_items(v: Borrowed<'_>) -> Option<Vec<Owned>> {
    if v.downcast_exact::<Set>().is_none() && v.downcast_exact::<FrozenSet>().is_none() {
        return None;
    }
    v.downcast::<Set>().map(Set::to_vec)
}
