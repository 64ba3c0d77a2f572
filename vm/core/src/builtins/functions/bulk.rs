//! Functions over whole iterables: `sum`, `min`, `max`, `any`, `all`, `sorted`.

use super::iterate::Items;
use crate::builtins::bytearray::ByteArray;
use crate::builtins::bytes::Bytes;
use crate::builtins::complex::Complex;
use crate::builtins::int::IntRef;
use crate::builtins::str::Str;
use crate::number::{BinaryOp, binary_op};
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::{Args, ArgsExt, CompareOp};
use crate::thread::Thread;
use crate::word::Word;

pub fn any(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let mut items = Items::of(th, a[0])?;
    while let Some(v) = items.next(th)? {
        if v.borrow().truth(th)? {
            return Ok(Owned::bool(true));
        }
    }
    Ok(Owned::bool(false))
}

pub fn all(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let mut items = Items::of(th, a[0])?;
    while let Some(v) = items.next(th)? {
        if !v.borrow().truth(th)? {
            return Ok(Owned::bool(false));
        }
    }
    Ok(Owned::bool(true))
}

pub fn sorted(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let reverse = match a.opt(2) {
        Some(v) => v.truth(th)?,
        None => false,
    };
    let mut items = a[0].to_vec(th)?;
    crate::builtins::list::sort::sort_items(th, &mut items, a.some(1), reverse)?;
    Ok(th.new_list(items))
}

/// A sum of doubles with a compensation term.
///
/// Source: Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen" (1974).
#[derive(Clone, Copy)]
struct Compensated {
    high: f64,
    low: f64,
}

impl Compensated {
    fn new(v: f64) -> Compensated {
        Compensated { high: v, low: 0.0 }
    }

    #[inline]
    fn add(&mut self, x: f64) {
        let t = self.high + x;
        self.low += if self.high.abs() >= x.abs() { (self.high - t) + x } else { (x - t) + self.high };
        self.high = t;
    }

    /// The rounded sum. A compensation that overflowed says nothing.
    fn total(self) -> f64 {
        if self.low != 0.0 && self.low.is_finite() { self.high + self.low } else { self.high }
    }
}

/// An exact float, boxed or not.
#[inline]
fn exact_float(v: Borrowed<'_>) -> Option<f64> {
    match v.word().unboxed_float() {
        Some(f) => Some(f),
        None => v.downcast_exact::<crate::builtins::float::BoxedFloat>().and_then(|_| v.as_float()),
    }
}

pub fn sum(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let mut items = Items::of(th, a[0])?;
    let mut total = match a.opt(1) {
        Some(start) => {
            refuse_text(th, start)?;
            start.to_owned()
        }
        None => Owned::from_const(Word::small_int(0)),
    };
    if total.word().is_int() && !sum_ints(th, &mut items, &mut total)? {
        return Ok(total);
    }
    if let Some(start) = exact_float(total.borrow())
        && !sum_floats(th, &mut items, &mut total, start)?
    {
        return Ok(total);
    }
    if total.borrow().downcast_exact::<Complex>().is_some() && !sum_complex(th, &mut items, &mut total)? {
        return Ok(total);
    }
    while let Some(v) = items.next(th)? {
        total = binary_op(th, BinaryOp::Add, total.borrow(), v.borrow())?;
    }
    Ok(total)
}

fn refuse_text(th: &mut Thread, start: Borrowed<'_>) -> PyResult<()> {
    let msg = if start.downcast::<Str>().is_some() {
        "sum() can't sum strings [use ''.join(seq) instead]"
    } else if start.downcast::<Bytes>().is_some() {
        "sum() can't sum bytes [use b''.join(seq) instead]"
    } else if start.downcast::<ByteArray>().is_some() {
        "sum() can't sum bytearray [use b''.join(seq) instead]"
    } else {
        return Ok(());
    };
    Err(th.type_error(msg))
}

/// Adds ints while the sum fits a machine word. True: there may be more items, and `total` is no
/// longer (only) an int of a word.
fn sum_ints(th: &mut Thread, items: &mut Items<'_>, total: &mut Owned) -> PyResult<bool> {
    let mut n = total.word().int();
    while let Some(v) = items.next(th)? {
        let w = v.word();
        let next = if w.is_int() {
            n.checked_add(w.int())
        } else if w.is_bool() {
            n.checked_add(i64::from(w == Word::TRUE))
        } else {
            None
        };
        match next {
            Some(s) => n = s,
            None => {
                let so_far = th.new_int(n);
                *total = binary_op(th, BinaryOp::Add, so_far.borrow(), v.borrow())?;
                return Ok(true);
            }
        }
    }
    *total = th.new_int(n);
    Ok(false)
}

/// Adds floats (and ints that fit a machine word) to a float. True: an item of another type ended it.
fn sum_floats(th: &mut Thread, items: &mut Items<'_>, total: &mut Owned, start: f64) -> PyResult<bool> {
    let mut sum = Compensated::new(start);
    while let Some(v) = items.next(th)? {
        if let Some(f) = exact_float(v.borrow()) {
            sum.add(f);
        } else if let Some(IntRef::Small(n)) = v.borrow().as_int() {
            sum.high += n as f64;
        } else {
            let so_far = th.new_float(sum.total());
            *total = binary_op(th, BinaryOp::Add, so_far.borrow(), v.borrow())?;
            return Ok(true);
        }
    }
    *total = th.new_float(sum.total());
    Ok(false)
}

/// Adds complex numbers, floats and small ints to a complex number; as [`sum_floats`].
fn sum_complex(th: &mut Thread, items: &mut Items<'_>, total: &mut Owned) -> PyResult<bool> {
    let start = total.payload::<Complex>();
    let (mut re, mut im) = (Compensated::new(start.re), Compensated::new(start.im));
    while let Some(v) = items.next(th)? {
        if let Some(c) = v.borrow().downcast_exact::<Complex>() {
            re.add(c.re);
            im.add(c.im);
        } else if let Some(f) = exact_float(v.borrow()) {
            re.add(f);
        } else if let Some(IntRef::Small(n)) = v.borrow().as_int() {
            re.high += n as f64;
        } else {
            let so_far = th.new_complex(re.total(), im.total());
            *total = binary_op(th, BinaryOp::Add, so_far.borrow(), v.borrow())?;
            return Ok(true);
        }
    }
    *total = th.new_complex(re.total(), im.total());
    Ok(false)
}

pub fn min(th: &mut Thread, a: Args<'_>) -> PyResult {
    extreme(th, a, "min", CompareOp::Lt)
}

pub fn max(th: &mut Thread, a: Args<'_>) -> PyResult {
    extreme(th, a, "max", CompareOp::Gt)
}

fn extreme(th: &mut Thread, a: Args<'_>, name: &str, op: CompareOp) -> PyResult {
    let (mut key, mut default) = (None, None);
    for (k, v) in a.keywords() {
        let k = k.expect_str(th, "keywords")?;
        if k.is_text("key") {
            key = Some(v).filter(|v| !v.is_none());
        } else if k.is_text("default") {
            default = Some(v);
        } else {
            let msg = format!("{name}() got an unexpected keyword argument '{}'", k.to_text());
            return Err(th.type_error(&msg));
        }
    }
    let values = a.pos();
    match values {
        [] => {
            let msg = format!("{name} expected at least 1 argument, got 0");
            Err(th.type_error(&msg))
        }
        &[iterable] => {
            let mut items = Items::of(th, iterable)?;
            match best(th, |th| items.next(th), key, op)? {
                Some(v) => Ok(v),
                None => match default {
                    Some(d) => Ok(d.to_owned()),
                    None => {
                        let msg = format!("{name}() iterable argument is empty");
                        Err(th.value_error(&msg))
                    }
                },
            }
        }
        _ => {
            if default.is_some() {
                let msg = format!("Cannot specify a default for {name}() with multiple positional arguments");
                return Err(th.type_error(&msg));
            }
            if key.is_none() {
                let mut found = values[0];
                for &v in &values[1..] {
                    if better(th, v, found, op)? {
                        found = v;
                    }
                }
                return Ok(found.to_owned());
            }
            let mut rest = values.iter();
            let found = best(th, |_| Ok(rest.next().map(|v| (*v).to_owned())), key, op)?;
            Ok(found.unwrap_or_else(Owned::none))
        }
    }
}

#[inline]
fn better(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult<bool> {
    let (x, y) = (a.word(), b.word());
    if x.both_tagged_float(y) {
        let (x, y) = (x.tagged_float(), y.tagged_float());
        return Ok(if op == CompareOp::Lt { x < y } else { x > y });
    }
    a.compare_bool(th, b, op)
}

/// The first item that no later one beats.
fn best(
    th: &mut Thread,
    mut next: impl FnMut(&mut Thread) -> PyResult<Option<Owned>>,
    key: Option<Borrowed<'_>>,
    op: CompareOp,
) -> PyResult<Option<Owned>> {
    let Some(mut found) = next(th)? else { return Ok(None) };
    let Some(key) = key else {
        while let Some(v) = next(th)? {
            if better(th, v.borrow(), found.borrow(), op)? {
                found = v;
            }
        }
        return Ok(Some(found));
    };
    let mut found_key = key.call(th, &[found.borrow()])?;
    while let Some(v) = next(th)? {
        let k = key.call(th, &[v.borrow()])?;
        if better(th, k.borrow(), found_key.borrow(), op)? {
            found = v;
            found_key = k;
        }
        th.drain_drops();
    }
    Ok(Some(found))
}
