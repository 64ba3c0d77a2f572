//! `range_iterator` and `longrange_iterator`.

use typhon_sync::prim::{AtomicI64, Ordering};

use dashu_int::IBig;

use super::big::Numbers;
use super::{Range, Small};
use crate::builtins::slice::big;
use crate::builtins::{ids, sequence};
use crate::object::{Borrowed, Locked, Owned, PyResult};
use crate::slots::Slots;
use crate::thread::{Thread, unborn};
use crate::typedef::{NativeDef, Safety, Shared, TypeDef, TypeId};
use crate::word::Word;

crate::payload! {
    /// Iterator of a range of words. Where it stands is one word, so threads that share it may see a number twice,
    /// but none that is not in the range.
    pub struct RangeIterator: DEF {
        /// Next number, or `end`.
        next: AtomicI64,
        step: i64,
        /// One step behind the last number.
        end: i64,
    }
}

/// State of a [`LongRangeIterator`].
pub struct Long {
    numbers: Numbers,
    index: IBig,
}
impl crate::Trace for Long {
    fn trace(&self, _: &mut dyn FnMut(Word)) {}
}

crate::payload! {
    /// Iterator of a range beyond words.
    pub struct LongRangeIterator: LONG {
        state: Locked<Long>,
    }
}

const HINT: &str = "Private method returning an estimate of len(list(it)).";
const REDUCE: &str = "Return state information for pickling.";
const SETSTATE: &str = "Set state information for unpickling.";

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(ids::RANGE_ITERATOR),
    flags: 0,
    slots: Slots {
        iter: Some(|_, o| Ok(o.to_owned())),
        next: Some(|_, o| Ok(of(o).next().map(Owned::from_const))),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new("__length_hint__", "($self, /)", length_hint, HINT),
        NativeDef::new("__reduce__", "($self, /)", reduce, REDUCE),
        NativeDef::new("__setstate__", "($self, state, /)", setstate, SETSTATE),
    ],
    shared: Some(Shared::ITERATOR),
    ..TypeDef::of::<RangeIterator>("range_iterator")
};

pub static LONG: TypeDef = TypeDef {
    flags: 0,
    slots: Slots { iter: Some(|_, o| Ok(o.to_owned())), next: Some(long_next), ..Slots::NONE },
    methods: &[
        NativeDef::new("__length_hint__", "($self, /)", long_hint, HINT),
        NativeDef::new("__reduce__", "($self, /)", long_reduce, REDUCE),
        NativeDef::new("__setstate__", "($self, state, /)", long_setstate, SETSTATE),
    ],
    shared: Some(Shared::but(Safety::Locked, &[(Safety::Constant, "__iter__")])),
    ..TypeDef::of::<LongRangeIterator>("longrange_iterator")
};

fn of<'a>(o: Borrowed<'a>) -> &'a RangeIterator {
    o.downcast_exact::<RangeIterator>().expect("checked by the slot's type")
}

fn long<'a>(o: Borrowed<'a>) -> &'a LongRangeIterator {
    o.downcast_exact::<LongRangeIterator>().expect("checked by the slot's type")
}

impl Range {
    /// The numbers, if they and the one a step behind the last are words.
    #[inline(always)]
    pub fn in_words(&self) -> Option<Small> {
        self.small.filter(|s| fits(s.start, s.step, s.len))
    }
}

/// Last number of a small range and one step further must be words for the small iterator.
#[inline]
fn fits(start: i64, step: i64, len: i64) -> bool {
    let end = start as i128 + step as i128 * len as i128;
    (Word::INT_MIN as i128..=Word::INT_MAX as i128).contains(&end)
}

fn small(th: &mut Thread, start: i64, step: i64, len: i64) -> Owned {
    let end = start.wrapping_add(step.wrapping_mul(len));
    th.alloc(RangeIterator { header: unborn(), next: AtomicI64::new(start), step, end })
}

fn large(th: &mut Thread, numbers: Numbers) -> Owned {
    th.alloc(LongRangeIterator { header: unborn(), state: Locked::new(Long { numbers, index: IBig::ZERO }) })
}

/// `iter(range)`
pub fn new(th: &mut Thread, r: &Range) -> Owned {
    match r.in_words() {
        Some(s) => small(th, s.start, s.step, s.len),
        None => large(th, r.numbers()),
    }
}

/// `reversed(range)`
pub fn reversed(th: &mut Thread, r: &Range) -> Owned {
    if let Some(s) = r.small
        && let Some(step) = s.step.checked_neg()
        && fits(s.start, s.step, s.len - 1)
        && fits(s.start, s.step, -1)
    {
        return small(th, s.start + (s.len - 1).max(0) * s.step, step, s.len);
    }
    let n = r.numbers();
    let last = &n.start + (&n.len - IBig::ONE) * &n.step;
    large(th, Numbers { start: last, step: -n.step, len: n.len })
}

impl RangeIterator {
    #[inline(always)]
    fn at(&self) -> i64 {
        // ORDERING Relaxed: the word is all there is.
        self.next.load(Ordering::Relaxed)
    }

    /// How many numbers come from `at` on.
    fn left_from(&self, at: i64) -> i64 {
        self.end.wrapping_sub(at) / self.step
    }

    /// The next number.
    #[inline(always)]
    pub fn next(&self) -> Option<Word> {
        let v = self.at();
        if v == self.end {
            return None;
        }
        // ORDERING Relaxed: as in `at`.
        self.next.store(v.wrapping_add(self.step), Ordering::Relaxed);
        Some(Word((v as u64) << 1 | 1))
    }
}

fn length_hint(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = of(a[0]);
    Ok(th.new_int(it.left_from(it.at())))
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = of(a[0]);
    let at = it.at();
    reduced(th, &Numbers { start: at.into(), step: it.step.into(), len: it.left_from(at).into() })
}

/// `(iter, (range(…),), None)` for what is left.
fn reduced(th: &mut Thread, n: &Numbers) -> PyResult {
    let stop = &n.start + &n.len * &n.step;
    let [start, stop, step] = [n.start.clone(), stop, n.step.clone()].map(|v| th.new_big(v));
    let range = th.new_range(start, stop, step);
    sequence::reduced(th, "iter", vec![range], Some(Owned::none()))
}

fn setstate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = of(a[0]);
    let skip = a[1].to_isize(th)? as i64;
    let at = it.at();
    let skip = skip.clamp(0, it.left_from(at));
    // ORDERING Relaxed: as in `RangeIterator::at`.
    it.next.store(at.wrapping_add(skip.wrapping_mul(it.step)), Ordering::Relaxed);
    Ok(Owned::none())
}

fn long_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let it = long(o);
    let v = {
        let mut s = it.state.lock(&it.header, th);
        if s.index >= s.numbers.len {
            return Ok(None);
        }
        let v = &s.numbers.start + &s.index * &s.numbers.step;
        s.index += IBig::ONE;
        v
    };
    Ok(Some(th.new_big(v)))
}

fn long_hint(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = long(a[0]);
    let left = {
        let s = it.state.lock(&it.header, th);
        &s.numbers.len - &s.index
    };
    Ok(th.new_big(left))
}

fn long_reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = long(a[0]);
    let rest = {
        let s = it.state.lock(&it.header, th);
        Numbers {
            start: &s.numbers.start + &s.index * &s.numbers.step,
            step: s.numbers.step.clone(),
            len: &s.numbers.len - &s.index,
        }
    };
    reduced(th, &rest)
}

fn long_setstate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let state = a[1].index(th)?;
    let it = long(a[0]);
    let mut s = it.state.lock(&it.header, th);
    let len = s.numbers.len.clone();
    s.index = big(state.borrow()).clamp(IBig::ZERO, len);
    Ok(Owned::none())
}
