//! Equality that can be told without running code: of the same objects, of numbers inside words, of strs, of bytes,
//! and of tuples of these.

use crate::builtins::bytes::Bytes;
use crate::builtins::str::Str;
use crate::builtins::tuple::{self, Tuple};
use crate::object::Borrowed;

/// How many tuples inside each other are looked into.
const DEPTH: u32 = 8;

/// What `a is b or a == b` says; `None`: only the types can tell. Passes no safepoint, takes no reference.
#[inline]
pub fn quick(a: Borrowed<'_>, b: Borrowed<'_>) -> Option<bool> {
    let (x, y) = (a.word(), b.word());
    if x.is(y) {
        return Some(true);
    }
    if x.both_int(y) || x.both_tagged_float(y) {
        return Some(false);
    }
    if !x.is_ptr() || !y.is_ptr() {
        return None;
    }
    texts(a, b).or_else(|| tuples(a, b, DEPTH))
}

/// [`quick`] for two pointers to strs, or to bytes.
#[inline(always)]
fn texts(a: Borrowed<'_>, b: Borrowed<'_>) -> Option<bool> {
    match (a.downcast_exact::<Str>(), b.downcast_exact::<Str>()) {
        (Some(s), Some(t)) => Some(s.same_text(t)),
        _ => match (a.downcast_exact::<Bytes>(), b.downcast_exact::<Bytes>()) {
            (Some(s), Some(t)) => Some(s.same_bytes(t)),
            _ => None,
        },
    }
}

/// [`quick`] for two pointers to tuples.
#[inline(never)]
fn tuples(a: Borrowed<'_>, b: Borrowed<'_>, depth: u32) -> Option<bool> {
    let (x, y) = (as_tuple(a)?.items(), as_tuple(b)?.items());
    if x.len() != y.len() {
        return Some(false);
    }
    for (p, q) in x.iter().zip(y) {
        let (v, w) = (p.peek(), q.peek());
        if v.is(w) {
            continue;
        }
        if v.both_int(w) || v.both_tagged_float(w) {
            return Some(false);
        }
        if !v.is_ptr() || !w.is_ptr() {
            return None;
        }
        let (v, w) = (p.fixed()?, q.fixed()?);
        let same = match texts(v, w) {
            Some(same) => same,
            None if depth == 0 => return None,
            None => tuples(v, w, depth - 1)?,
        };
        if !same {
            return Some(false);
        }
    }
    Some(true)
}

/// A tuple, or an instance of a subclass that compares as tuples do.
#[inline(always)]
fn as_tuple(o: Borrowed<'_>) -> Option<&Tuple> {
    o.downcast_exact::<Tuple>().or_else(|| {
        let slot = o.ty().slots.compare()?;
        if slot as usize != tuple::methods::compare as *const () as usize {
            None
        } else {
            o.downcast::<Tuple>()
        }
    })
}
