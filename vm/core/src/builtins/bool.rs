//! `bool`: two constants of the word.

use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::{Args, Slots};
use crate::thread::Thread;
use crate::typedef::{TypeDef, TypeId, kind, type_flags};
use crate::types::Type;
use crate::word::Word;

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::BOOL),
    base: Some(&super::int::DEF),
    kind: kind::INT,
    flags: type_flags::MATCH_SELF,
    doc: "Returns True when the argument is true, False otherwise.\n\
          The builtins True and False are the only two instances of the class bool.\n\
          The class bool is a subclass of the class int, and cannot be subclassed.",
    slots: Slots {
        repr: Some(repr),
        new: Some(new),
        and: Some(and),
        or: Some(or),
        xor: Some(xor),
        invert: Some(invert),
        ..Slots::NONE
    },
    ..TypeDef::of::<super::int::BigInt>("bool")
};

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let names = &th.rt.names;
    let name = if o.word() == Word::TRUE { &names.true_ } else { &names.false_ };
    Ok(name.get().to_owned())
}

fn new(th: &mut Thread, _ty: &Type, args: Args<'_>) -> PyResult {
    if args.has_keywords() {
        return Err(th.type_error("bool() takes no keyword arguments"));
    }
    match args.pos() {
        [] => Ok(Owned::bool(false)),
        [x] => Ok(Owned::bool(x.truth(th)?)),
        more => {
            let msg = format!("bool expected at most 1 argument, got {}", more.len());
            Err(th.type_error(&msg))
        }
    }
}

fn and(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    match both(a, b) {
        Some((a, b)) => Ok(Owned::bool(a & b)),
        None => super::int::arith::slot_and(th, a, b),
    }
}

fn or(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    match both(a, b) {
        Some((a, b)) => Ok(Owned::bool(a | b)),
        None => super::int::arith::slot_or(th, a, b),
    }
}

fn xor(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    match both(a, b) {
        Some((a, b)) => Ok(Owned::bool(a ^ b)),
        None => super::int::arith::slot_xor(th, a, b),
    }
}

fn invert(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    super::int::warn_deprecated(
        th,
        "Bitwise inversion '~' on bool is deprecated and will be removed in Python 3.16. This returns the \
         bitwise inversion of the underlying int object and is usually not what you expect from the negation of \
         a bool object. Use the 'not' operator for boolean negation or ~int(x) for the bitwise inversion of the \
         underlying int.",
    )?;
    Ok(Owned::from_const(Word::small_int(if o.word() == Word::TRUE { -2 } else { -1 })))
}

fn both(a: Borrowed<'_>, b: Borrowed<'_>) -> Option<(bool, bool)> {
    let (a, b) = (a.word(), b.word());
    (a.is_bool() && b.is_bool()).then_some((a == Word::TRUE, b == Word::TRUE))
}
