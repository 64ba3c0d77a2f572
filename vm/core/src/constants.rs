//! Constants of compiled code as objects.

use dashu_int::IBig;
use typhon_compile::code::Const;

use crate::builtins::str::Str;
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult};
use crate::runtime::immortal;
use crate::thread::Thread;

/// Strings of up to this many characters are interned: programs expect it of what looks like a name, and
/// threads that share a program then write nothing to its constants. Longer ones can die with their code.
const INTERNED: usize = 128;

/// Tuples of up to this many items are interned for the same reason, if nothing in them can die.
const INTERNED_ITEMS: usize = 16;

/// The constants of a code object, with short strings and tuples interned.
pub fn intern(th: &mut Thread, consts: Owned) -> Owned {
    let Some(items) = consts.downcast::<Tuple>() else { return consts };
    match interned_items(th, items) {
        Some(new) => th.new_tuple(new),
        None => consts,
    }
}

/// What stands for a constant; None: itself.
fn interned(th: &mut Thread, v: Borrowed<'_>) -> Option<Owned> {
    if let Some(s) = v.downcast_exact::<Str>() {
        return (s.data().len() <= INTERNED && !s.is_interned()).then(|| th.intern_str(v));
    }
    let items = v.downcast_exact::<Tuple>()?;
    if v.header().is_some_and(|h| h.is_immortal()) {
        return None;
    }
    let new = interned_items(th, items);
    let all: Vec<Borrowed<'_>> = match &new {
        Some(new) => new.iter().map(|item| item.borrow()).collect(),
        None => items.iter().collect(),
    };
    let short = all.len() <= INTERNED_ITEMS;
    let tuple = if short { th.intern_tuple(&all) } else { None };
    tuple.or_else(|| new.map(|new| th.new_tuple(new)))
}

/// As [`interned`], for all items; None: they stand for themselves.
fn interned_items(th: &mut Thread, items: &Tuple) -> Option<Vec<Owned>> {
    let new: Vec<_> = items.iter().map(|item| interned(th, item)).collect();
    if new.iter().all(Option::is_none) {
        return None;
    }
    let merged = new.into_iter().zip(items.iter());
    Some(merged.map(|(new, old)| new.unwrap_or_else(|| old.to_owned())).collect())
}

/// The object of a constant.
pub fn make(th: &mut Thread, c: &Const) -> PyResult {
    Ok(match c {
        Const::None => Owned::none(),
        Const::True => Owned::bool(true),
        Const::False => Owned::bool(false),
        Const::Ellipsis => Owned::from_const(crate::Word::ELLIPSIS),
        Const::Int(v) => th.new_int(*v),
        Const::BigInt(digits) => {
            let v = parse_big(digits).ok_or_else(|| th.value_error("damaged int constant"))?;
            th.new_big(v)
        }
        Const::Float(v) => th.new_float(*v),
        Const::Complex(re, im) => th.new_complex(*re, *im),
        Const::Str(s) => th.new_pystr(s),
        Const::Bytes(b) => th.new_bytes(b),
        Const::Tuple(items) => {
            let mut v = Vec::with_capacity(items.len());
            for i in items {
                v.push(make(th, i)?);
            }
            th.new_tuple(v)
        }
        Const::FrozenSet(items) => {
            let mut v = Vec::with_capacity(items.len());
            for i in items {
                v.push(make(th, i)?);
            }
            let items: Vec<_> = v.iter().map(|v| v.borrow()).collect();
            th.new_frozenset_of(&items)?
        }
        Const::Slice(parts) => {
            let start = make(th, &parts[0])?;
            let stop = make(th, &parts[1])?;
            let step = make(th, &parts[2])?;
            th.new_slice(start, stop, step)
        }
        Const::Code(code) => th.new_code((**code).clone())?,
    })
}

/// Hexadecimal digits with an optional sign.
fn parse_big(digits: &str) -> Option<IBig> {
    let (sign, rest) = match digits.strip_prefix('-') {
        Some(r) => (-1, r),
        None => (1, digits),
    };
    let v = IBig::from_str_radix(rest.trim_start_matches("0x"), 16).ok()?;
    Some(v * sign)
}

/// Makes a constant that never dies (for tables of the VM itself).
pub fn make_immortal(th: &mut Thread, c: &Const) -> PyResult {
    let v = make(th, c)?;
    Ok(Owned::from_const(immortal(v)))
}
