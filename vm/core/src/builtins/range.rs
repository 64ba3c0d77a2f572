//! `range`.

mod big;
pub mod iterator;

use dashu_int::IBig;
use typhon_text::StrBuf;
use typhon_text::hash::{TupleHasher, hash_bigint};

use self::big::Numbers;
use super::sequence::{self, push_repr};
use super::slice::{Slice, big};
use crate::builtins::int::{BigInt, IntRef};
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{Args, CompareOp, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{GetSetDef, NativeDef, TypeDef, TypeId, type_flags};
use crate::types::Type;
use crate::word::Word;

/// Start, step and length of a range whose numbers all fit in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Small {
    pub start: i64,
    pub step: i64,
    pub len: i64,
}

crate::holds_no_references!(Small);

crate::payload! {
    /// A range; never changes. `stop` is kept for `repr` and the attribute.
    pub struct Range: DEF {
        pub start: Slot,
        pub stop: Slot,
        pub step: Slot,
        /// Numbers in words, unless start, stop, step or length is too large.
        pub small: Option<Small>,
        /// The length, if it is not small.
        long: Option<IBig>,
    }
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::RANGE),
    doc: "range(stop) -> range object\nrange(start, stop[, step]) -> range object\n\nReturn an object that produces a \
          sequence of integers from start (inclusive)\nto stop (exclusive) by step.  range(i, j) produces i, i+1, i+2, \
          ..., j-1.\nstart defaults to 0, and stop is omitted!  range(4) produces 0, 1, 2, 3.\nThese are exactly the \
          valid indices for a list of 4 elements.\nWhen step is given, it specifies the increment (or decrement).",
    flags: type_flags::SEQUENCE,
    slots: Slots {
        repr: Some(repr),
        hash: Some(hash),
        compare: Some(compare),
        iter: Some(|th, o| Ok(iterator::new(th, of(o)))),
        new: Some(new),
        bool: Some(|_, o| Ok(!of(o).is_empty())),
        len: Some(len),
        getitem: Some(getitem),
        contains: Some(contains),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new(
            "__reversed__",
            "($self, /)",
            |th, a| Ok(iterator::reversed(th, of(a[0]))),
            "Return a reverse iterator.",
        ),
        NativeDef::new("__reduce__", "($self, /)", reduce, ""),
        NativeDef::new(
            "count",
            "($self, value, /)",
            count,
            "rangeobject.count(value) -> integer -- return number of occurrences of value",
        ),
        NativeDef::new(
            "index",
            "($self, value, /)",
            index,
            "rangeobject.index(value) -> integer -- return index of value.\nRaise ValueError if the value is not present.",
        ),
    ],
    getset: &[
        GetSetDef::get("start", |_, o| Ok(of(o).start().to_owned())),
        GetSetDef::get("stop", |_, o| Ok(of(o).stop().to_owned())),
        GetSetDef::get("step", |_, o| Ok(of(o).step().to_owned())),
    ],
    ..TypeDef::of::<Range>("range")
};

#[inline(always)]
fn of<'a>(o: Borrowed<'a>) -> &'a Range {
    o.downcast_exact::<Range>().expect("checked by the slot's type")
}

fn field(s: &Slot) -> Borrowed<'_> {
    s.fixed().unwrap_or(Borrowed::none())
}

/// Number of items of a small range, if it fits.
fn small_len(start: i64, stop: i64, step: i64) -> Option<i64> {
    let (low, high) = if step > 0 { (start, stop) } else { (stop, start) };
    if low >= high {
        return Some(0);
    }
    let distance = high.abs_diff(low) - 1;
    i64::try_from(distance / step.unsigned_abs() + 1).ok()
}

impl Range {
    fn start(&self) -> Borrowed<'_> {
        field(&self.start)
    }
    fn stop(&self) -> Borrowed<'_> {
        field(&self.stop)
    }
    fn step(&self) -> Borrowed<'_> {
        field(&self.step)
    }

    fn numbers(&self) -> Numbers {
        let len = match (&self.small, &self.long) {
            (Some(s), _) => IBig::from(s.len),
            (None, Some(n)) => n.clone(),
            (None, None) => IBig::ZERO,
        };
        Numbers { start: big(self.start()), step: big(self.step()), len }
    }

    fn is_empty(&self) -> bool {
        match (&self.small, &self.long) {
            (Some(s), _) => s.len == 0,
            (None, Some(n)) => *n == IBig::ZERO,
            (None, None) => true,
        }
    }
}

impl Thread {
    /// `range(start, stop, step)` of exact ints; `step` is not 0.
    pub fn new_range(&mut self, start: Owned, stop: Owned, step: Owned) -> Owned {
        let words = [&start, &stop, &step].map(|v| match v.borrow().as_int() {
            Some(IntRef::Small(i)) if Word::try_int(i).is_some() => Some(i),
            _ => None,
        });
        let small = match words {
            [Some(start), Some(stop), Some(step)] => small_len(start, stop, step)
                .filter(|n| Word::try_int(*n).is_some())
                .map(|len| Small { start, step, len }),
            _ => None,
        };
        let long = match small {
            Some(_) => None,
            None => Some(big::length(&big(start.borrow()), &big(stop.borrow()), &big(step.borrow()))),
        };
        self.alloc(Range {
            header: unborn(),
            start: Slot::new(start),
            stop: Slot::new(stop),
            step: Slot::new(step),
            small,
            long,
        })
    }
}

fn new(th: &mut Thread, _: &Type, args: Args<'_>) -> PyResult {
    sequence::positional_only(th, "range", args, 1, 3)?;
    let a = args.pos();
    if let [stop] = a {
        let stop = stop.index(th)?;
        return Ok(th.new_range(
            Owned::from_const(Word::small_int(0)),
            stop,
            Owned::from_const(Word::small_int(1)),
        ));
    }
    let start = a[0].index(th)?;
    let stop = a[1].index(th)?;
    let step = match a.get(2) {
        Some(s) => s.index(th)?,
        None => Owned::from_const(Word::small_int(1)),
    };
    if big(step.borrow()) == IBig::ZERO {
        return Err(th.value_error("range() arg 3 must not be zero"));
    }
    Ok(th.new_range(start, stop, step))
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let r = of(o);
    let mut out = StrBuf::with_capacity(24);
    out.push_str("range(");
    push_repr(th, &mut out, r.start())?;
    out.push_str(", ");
    push_repr(th, &mut out, r.stop())?;
    if r.step().word() != Word::small_int(1) {
        out.push_str(", ");
        push_repr(th, &mut out, r.step())?;
    }
    out.push_str(")");
    Ok(th.new_str_buf(out))
}

/// Equal ranges have equal items, so start and step count only as far as there are items.
fn hash(th: &mut Thread, _o: Borrowed<'_>) -> PyResult<i64> {
    let n = of(_o).numbers();
    let none = Borrowed::none().hash(th)?;
    let mut h = TupleHasher::new();
    h.add(hash_bigint(&n.len));
    h.add(if n.len == IBig::ZERO { none } else { hash_bigint(&n.start) });
    h.add(if n.len <= IBig::ONE { none } else { hash_bigint(&n.step) });
    Ok(h.finish(3))
}

fn compare(_: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast_exact::<Range>(), b.downcast_exact::<Range>()) else {
        return Ok(Owned::not_implemented());
    };
    let equal = match (x.small, y.small) {
        (Some(x), Some(y)) => {
            x.len == y.len && (x.len == 0 || x.start == y.start && (x.len == 1 || x.step == y.step))
        }
        _ => x.numbers().same_items(&y.numbers()),
    };
    match op {
        CompareOp::Eq => Ok(Owned::bool(equal)),
        CompareOp::Ne => Ok(Owned::bool(!equal)),
        _ => Ok(Owned::not_implemented()),
    }
}

fn len(th: &mut Thread, o: Borrowed<'_>) -> PyResult<usize> {
    match (&of(o).small, &of(o).long) {
        (Some(s), _) => Ok(s.len as usize),
        (None, Some(n)) => match isize::try_from(n) {
            Ok(n) => Ok(n as usize),
            Err(_) => Err(th.overflow_error("Python int too large to convert to C ssize_t")),
        },
        (None, None) => Ok(0),
    }
}

fn getitem(th: &mut Thread, o: Borrowed<'_>, key: Borrowed<'_>) -> PyResult {
    let r = of(o);
    if let Some(s) = key.downcast_exact::<Slice>() {
        return sliced(th, r, s);
    }
    if key.ty().slots.index().is_none() {
        let msg = format!("range indices must be integers or slices, not {}", key.type_name(th));
        return Err(th.type_error(&msg));
    }
    let i = key.index(th)?;
    let found = match (r.small, i.borrow().as_int()) {
        (Some(s), Some(IntRef::Small(i))) => {
            let at = if i < 0 { i + s.len } else { i };
            if at < 0 || at >= s.len { None } else { Some(th.new_int(s.start + at * s.step)) }
        }
        _ => r.numbers().item(big(i.borrow())).map(|v| th.new_big(v)),
    };
    match found {
        Some(v) => Ok(v),
        None => Err(th.index_error("range object index out of range")),
    }
}

fn sliced(th: &mut Thread, r: &Range, s: &Slice) -> PyResult {
    if let Some(small) = r.small {
        let span = s.indices(th, small.len as usize)?;
        let at = |i: isize| small.start as i128 + i as i128 * small.step as i128;
        let parts = [at(span.start), at(span.stop), small.step as i128 * span.step as i128]
            .map(|v| th.new_big(IBig::from(v)));
        let [start, stop, step] = parts;
        return Ok(th.new_range(start, stop, step));
    }
    let n = r.numbers();
    let len = th.new_big(n.len.clone());
    let name = th.intern("indices");
    let bounds = Borrowed::from_payload(s).call_method(th, name.borrow(), &[len.borrow()])?;
    let bounds = bounds.borrow().to_vec(th)?;
    let parts = [
        &n.start + big(bounds[0].borrow()) * &n.step,
        &n.start + big(bounds[1].borrow()) * &n.step,
        &n.step * big(bounds[2].borrow()),
    ];
    let [start, stop, step] = parts.map(|v| th.new_big(v));
    Ok(th.new_range(start, stop, step))
}

/// Is it exactly an int or a bool, whose equality needs no code?
fn is_exact_int(v: Borrowed<'_>) -> bool {
    v.word().is_int() || v.word().is_bool() || v.downcast_exact::<BigInt>().is_some()
}

/// Index of an exact int.
fn position(r: &Range, v: Borrowed<'_>) -> Option<IBig> {
    match (r.small, v.as_int()) {
        (Some(s), Some(IntRef::Small(v))) => {
            let distance = v as i128 - s.start as i128;
            let (at, rest) = (distance / s.step as i128, distance % s.step as i128);
            (rest == 0 && at >= 0 && at < s.len as i128).then(|| IBig::from(at))
        }
        _ => r.numbers().position(&big(v)),
    }
}

fn contains(th: &mut Thread, o: Borrowed<'_>, v: Borrowed<'_>) -> PyResult<bool> {
    if is_exact_int(v) {
        return Ok(position(of(o), v).is_some());
    }
    Ok(search(th, o, v, false)?.0)
}

/// Compares item by item, for values that are no ints: was it found (or how often), and where first.
fn search(th: &mut Thread, o: Borrowed<'_>, v: Borrowed<'_>, all: bool) -> PyResult<(bool, i64)> {
    let it = o.iter(th)?;
    let mut n = 0;
    let mut at = 0;
    while let Some(item) = it.borrow().next(th)? {
        if item.borrow().equals(th, v)? {
            if !all {
                return Ok((true, at));
            }
            n += 1;
        }
        at += 1;
    }
    Ok((n > 0, n))
}

fn count(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if is_exact_int(a[1]) {
        return Ok(th.new_int(i64::from(position(of(a[0]), a[1]).is_some())));
    }
    let (_, n) = search(th, a[0], a[1], true)?;
    Ok(th.new_int(n))
}

fn index(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if is_exact_int(a[1]) {
        return match position(of(a[0]), a[1]) {
            Some(i) => Ok(th.new_big(i)),
            None => Err(th.value_error("range.index(x): x not in range")),
        };
    }
    match search(th, a[0], a[1], false)? {
        (true, at) => Ok(th.new_int(at)),
        _ => Err(th.value_error("sequence.index(x): x not in sequence")),
    }
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let r = of(a[0]);
    let args = vec![r.start().to_owned(), r.stop().to_owned(), r.step().to_owned()];
    let args = th.new_tuple(args);
    let ty = a[0].ty().as_value().to_owned();
    Ok(th.new_tuple(vec![ty, args]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_agree_with_walking() {
        for start in -4i64..5 {
            for stop in -6i64..7 {
                for step in [-3i64, -2, -1, 1, 2, 3] {
                    let mut n = 0;
                    let mut i = start;
                    while if step > 0 { i < stop } else { i > stop } {
                        n += 1;
                        i += step;
                    }
                    assert_eq!(small_len(start, stop, step), Some(n), "{start} {stop} {step}");
                    let long = big::length(&start.into(), &stop.into(), &step.into());
                    assert_eq!(long, IBig::from(n));
                }
            }
        }
        assert_eq!(small_len(i64::MIN, i64::MAX, 1), None);
        assert_eq!(small_len(Word::INT_MIN, Word::INT_MAX, i64::MAX), Some(1));
    }
}
