//! Order that can be told without running code: of numbers, of strs, and of tuples of these.

use core::cmp::Ordering;

use crate::builtins::float::BoxedFloat;
use crate::builtins::int::arith::{compare_ints, compare_with_float};
use crate::builtins::int::{BigInt, IntRef};
use crate::builtins::str::Str;
use crate::builtins::tuple::Tuple;
use crate::equality;
use crate::object::Borrowed;

/// How many tuples inside each other are looked into.
const DEPTH: u32 = 8;

enum Number<'a> {
    Int(IntRef<'a>),
    Float(f64),
}

/// Exact ints and floats: subclasses may compare otherwise.
fn number<'a>(o: Borrowed<'a>) -> Option<Number<'a>> {
    let w = o.word();
    if w.is_int() {
        return Some(Number::Int(IntRef::Small(w.int())));
    }
    if let Some(v) = w.unboxed_float() {
        return Some(Number::Float(v));
    }
    if let Some(b) = o.downcast_exact::<BoxedFloat>() {
        return Some(Number::Float(b.value));
    }
    o.downcast_exact::<BigInt>().map(|b| Number::Int(IntRef::Big(&b.value)))
}

/// The order of two objects, `Some(None)` if they have none; `None`: only their types can tell.
fn plain(a: Borrowed<'_>, b: Borrowed<'_>) -> Option<Option<Ordering>> {
    if let (Some(s), Some(t)) = (a.downcast_exact::<Str>(), b.downcast_exact::<Str>()) {
        return Some(Some(s.data().compare(t.data())));
    }
    Some(match (number(a)?, number(b)?) {
        (Number::Int(x), Number::Int(y)) => Some(compare_ints(x, y)),
        (Number::Float(x), Number::Float(y)) => x.partial_cmp(&y),
        (Number::Int(x), Number::Float(y)) => compare_with_float(x, y),
        (Number::Float(x), Number::Int(y)) => compare_with_float(y, x).map(Ordering::reverse),
    })
}

/// Can objects like this one be compared with their like without running code?
pub fn is_quick(o: Borrowed<'_>) -> bool {
    fn look(o: Borrowed<'_>, depth: u32) -> bool {
        if number(o).is_some() || o.downcast_exact::<Str>().is_some() {
            return true;
        }
        depth > 0 && o.downcast_exact::<Tuple>().is_some_and(|t| t.iter().all(|item| look(item, depth - 1)))
    }
    look(o, DEPTH)
}

/// What `a < b` says; `None`: only the types can tell. Passes no safepoint, takes no reference.
#[inline]
pub fn quick_less(a: Borrowed<'_>, b: Borrowed<'_>) -> Option<bool> {
    let (x, y) = (a.word(), b.word());
    if x.both_int(y) {
        return Some((x.0 as i64) < y.0 as i64);
    }
    less(a, b, DEPTH)
}

fn less(a: Borrowed<'_>, b: Borrowed<'_>, depth: u32) -> Option<bool> {
    if let Some(order) = plain(a, b) {
        return Some(order == Some(Ordering::Less));
    }
    let (x, y) = (a.downcast_exact::<Tuple>()?, b.downcast_exact::<Tuple>()?);
    for (p, q) in x.iter().zip(y.iter()) {
        let same = equality::quick(p, q).or_else(|| plain(p, q).map(|o| o == Some(Ordering::Equal)))?;
        if !same {
            return if depth == 0 { None } else { less(p, q, depth - 1) };
        }
    }
    Some(x.len() < y.len())
}
