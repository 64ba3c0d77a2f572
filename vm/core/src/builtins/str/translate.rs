//! `str.translate` and `str.maketrans`.

use typhon_text::{StrBuf, StrData};

use super::Str;
use super::core::{of, substring};
use crate::builtins::dict::Dict;
use crate::builtins::exceptions as ex;
use crate::builtins::int::IntRef;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::ArgsExt;
use crate::thread::Thread;
use crate::word::Word;

/// What a table says of a character.
enum Mapped {
    Same,
    Deleted,
    Point(u32),
    Text(Owned),
}

fn look_up(th: &mut Thread, table: Borrowed<'_>, c: u32) -> PyResult<Mapped> {
    let key = Borrowed::from_const(Word::small_int(i64::from(c)));
    let found = match table.downcast_exact::<Dict>() {
        Some(d) => d.get(th, key)?,
        None => {
            let r = table.getitem(th, key);
            th.absorb(r, &ex::LOOKUP_ERROR)?
        }
    };
    let Some(v) = found else { return Ok(Mapped::Same) };
    if v.is_none() {
        return Ok(Mapped::Deleted);
    }
    if let Some(i) = v.borrow().as_int() {
        return match i {
            IntRef::Small(p @ 0..=0x10_ffff) => Ok(Mapped::Point(p as u32)),
            _ => Err(th.value_error("character mapping must be in range(0x110000)")),
        };
    }
    if v.downcast::<Str>().is_some() {
        return Ok(Mapped::Text(v));
    }
    Err(th.type_error("character mapping must return integer, None or str"))
}

pub(super) fn translate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (s, table) = (of(a[0]), a[1]);
    // Single ASCII results are asked for once per character.
    let mut known = [UNKNOWN; 128];
    let mut changed = false;
    let mut start = 0;
    let mut out = StrBuf::new();
    if let Some(text) = s.as_ascii() {
        let mut ascii = Vec::with_capacity(s.len());
        for b in text.bytes() {
            let k = &mut known[usize::from(b)];
            if *k == UNKNOWN {
                match look_up(th, table, b.into())? {
                    Mapped::Same => *k = b,
                    Mapped::Point(p @ 0..0x80) => *k = p as u8,
                    Mapped::Deleted => *k = DELETED,
                    _ => break,
                }
            }
            changed |= *k != b;
            start += 1;
            if *k != DELETED {
                ascii.push(*k);
            }
        }
        if start == s.len() {
            return Ok(if changed { th.new_ascii(&ascii) } else { substring(th, a[0], 0, s.len()) });
        }
        out = StrBuf::from_ascii(ascii);
    }
    for c in s.data().slice(start, s.len()).iter() {
        match known.get(c as usize).copied() {
            Some(DELETED) => {
                changed = true;
                continue;
            }
            Some(k) if k != UNKNOWN => {
                changed |= u32::from(k) != c;
                out.push(k.into());
                continue;
            }
            _ => {}
        }
        match look_up(th, table, c)? {
            Mapped::Same => out.push(c),
            Mapped::Point(p) => {
                changed |= p != c;
                out.push(p);
            }
            Mapped::Deleted => changed = true,
            Mapped::Text(t) => {
                changed = true;
                out.push_data(of(t.borrow()).data());
            }
        }
    }
    if !changed {
        return Ok(substring(th, a[0], 0, s.len()));
    }
    Ok(th.new_str_buf(out))
}

/// Marks in the table of known single results.
const UNKNOWN: u8 = 0xff;
const DELETED: u8 = 0xfe;

fn set(th: &mut Thread, d: &Owned, c: u32, v: Owned) -> PyResult<()> {
    d.payload::<Dict>().set(th, Borrowed::from_const(Word::small_int(i64::from(c))), v)
}

pub(super) fn maketrans(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let out = th.new_dict();
    let Some(y) = a.opt(1) else {
        let Some(d) = a[0].downcast::<Dict>() else {
            return Err(th.type_error("if you give only one argument to maketrans it must be a dict"));
        };
        for (k, v) in d.entries() {
            if k.borrow().as_int().is_some() {
                out.payload::<Dict>().set(th, k.borrow(), v)?;
            } else if let Some(s) = k.downcast::<Str>() {
                if s.len() != 1 {
                    return Err(th.value_error("string keys in translate table must be of length 1"));
                }
                set(th, &out, s.data().get(0), v)?;
            } else {
                return Err(th.type_error("keys in translate table must be strings or integers"));
            }
        }
        return Ok(out);
    };
    let Some(x) = a[0].downcast::<Str>() else {
        return Err(th.type_error("first maketrans argument must be a string if there is a second argument"));
    };
    let y = text(th, y, 2)?;
    if x.len() != y.len() {
        return Err(th.value_error("the first two maketrans arguments must have equal length"));
    }
    for (from, to) in x.data().iter().zip(y.iter()) {
        set(th, &out, from, Owned::from_const(Word::small_int(i64::from(to))))?;
    }
    if let Some(z) = a.opt(2) {
        for c in text(th, z, 3)?.iter() {
            set(th, &out, c, Owned::none())?;
        }
    }
    Ok(out)
}

fn text<'a>(th: &mut Thread, v: Borrowed<'a>, position: usize) -> PyResult<StrData<'a>> {
    match v.downcast::<Str>() {
        Some(s) => Ok(s.data()),
        None => {
            let msg = format!("maketrans() argument {position} must be str, not {}", v.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}
