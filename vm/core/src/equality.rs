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
    if let (Some(s), Some(t)) = (a.downcast_exact::<Str>(), b.downcast_exact::<Str>()) {
        return Some(s.same_text(t));
    }
    others(a, b, DEPTH)
}

/// [`quick`] for two pointers that are no strs.
#[inline(never)]
fn others(a: Borrowed<'_>, b: Borrowed<'_>, depth: u32) -> Option<bool> {
    if let (Some(s), Some(t)) = (a.downcast_exact::<Bytes>(), b.downcast_exact::<Bytes>()) {
        return Some(s.as_bytes() == t.as_bytes());
    }
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
        let same = match (v.downcast_exact::<Str>(), w.downcast_exact::<Str>()) {
            (Some(s), Some(t)) => s.same_text(t),
            _ if depth == 0 => return None,
            _ => others(v, w, depth - 1)?,
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
