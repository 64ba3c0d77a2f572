//! `slice`.

use typhon_text::StrBuf;
use typhon_text::hash::TupleHasher;

use super::sequence::{self, positional_only};
use crate::builtins::int::IntRef;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{Args, CompareOp, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{GetSetDef, NativeDef, TypeDef, TypeId, type_flags};
use crate::types::Type;
use dashu_int::IBig;

crate::payload! {
    /// A slice object; its fields never change.
    pub struct Slice: DEF {
        pub start: Slot,
        pub stop: Slot,
        pub step: Slot,
    }
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::SLICE),
    doc: "slice(stop)\nslice(start, stop[, step])\n\nCreate a slice object.",
    flags: type_flags::GC,
    slots: Slots {
        repr: Some(repr),
        hash: Some(hash),
        compare: Some(compare),
        new: Some(new),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new(
            "indices",
            "($self, len, /)",
            indices,
            "Start, stop and step for a sequence of this length.",
        ),
        NativeDef::new("__reduce__", "($self, /)", reduce, "Return state information for pickling."),
    ],
    getset: &[
        GetSetDef::get("start", |_, o| Ok(field(&of(o).start).to_owned())),
        GetSetDef::get("stop", |_, o| Ok(field(&of(o).stop).to_owned())),
        GetSetDef::get("step", |_, o| Ok(field(&of(o).step).to_owned())),
    ],
    ..TypeDef::of::<Slice>("slice")
};

/// The items that a slice takes out of a sequence: `n` of them, at `start`, `start + step`, ….
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: isize,
    pub stop: isize,
    pub step: isize,
    pub n: usize,
}

impl Span {
    /// The indices of a span with step 1.
    pub fn range(self) -> core::ops::Range<usize> {
        debug_assert_eq!(self.step, 1);
        let start = if self.n == 0 { 0 } else { self.start as usize };
        start..start + self.n
    }

    /// Indices of the items, in order.
    pub fn indices(self) -> impl Iterator<Item = usize> {
        (0..self.n).map(move |k| self.at(k))
    }

    /// The index of its item `k`.
    #[inline(always)]
    pub fn at(self, k: usize) -> usize {
        (self.start + self.step * k as isize) as usize
    }
}

/// Start, stop and step as numbers, before the length is known: defaults of a negative step are the
/// limits of `isize`.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub start: isize,
    pub stop: isize,
    pub step: isize,
}

impl Bounds {
    /// Fits the bounds to a sequence of `len` items.
    pub fn adjust(self, len: usize) -> Span {
        let len = len as isize;
        let backwards = self.step < 0;
        let (low, high) = if backwards { (-1, len - 1) } else { (0, len) };
        let fit = |i: isize| if i < 0 { (i + len).max(low) } else { i.min(high) };
        let (start, stop) = (fit(self.start), fit(self.stop));
        let n = if backwards && stop < start {
            ((start - stop - 1) / -self.step + 1) as usize
        } else if !backwards && start < stop {
            ((stop - start - 1) / self.step + 1) as usize
        } else {
            0
        };
        Span { start, stop, step: self.step, n }
    }
}

fn of<'a>(o: Borrowed<'a>) -> &'a Slice {
    o.downcast::<Slice>().expect("checked by the descriptor")
}

fn field(s: &Slot) -> Borrowed<'_> {
    s.fixed().unwrap_or(Borrowed::none())
}

impl Slice {
    pub fn fields(&self) -> [Borrowed<'_>; 3] {
        [field(&self.start), field(&self.stop), field(&self.step)]
    }

    /// The bounds. Errors: TypeError (no integers), ValueError (step 0), what `__index__` raises.
    pub fn bounds(&self, th: &mut Thread) -> PyResult<Bounds> {
        let [start, stop, step] = self.fields();
        bounds(th, start, stop, step)
    }

    /// The items that the slice takes out of a sequence of `len` items.
    pub fn indices(&self, th: &mut Thread, len: usize) -> PyResult<Span> {
        Ok(self.bounds(th)?.adjust(len))
    }
}

/// As [`Slice::bounds`] without a slice object.
pub fn bounds(
    th: &mut Thread,
    start: Borrowed<'_>,
    stop: Borrowed<'_>,
    step: Borrowed<'_>,
) -> PyResult<Bounds> {
    let step = match step.is_none() {
        true => 1,
        false => bound(th, step)?.max(-isize::MAX),
    };
    if step == 0 {
        return Err(th.value_error("slice step cannot be zero"));
    }
    let start = match start.is_none() {
        true if step < 0 => isize::MAX,
        true => 0,
        false => bound(th, start)?,
    };
    let stop = match stop.is_none() {
        true if step < 0 => isize::MIN,
        true => isize::MAX,
        false => bound(th, stop)?,
    };
    Ok(Bounds { start, stop, step })
}

/// The item range of `sequence[slice]`: start, stop, step and number of items.
pub fn slice_indices(th: &mut Thread, slice: &Slice, len: usize) -> PyResult<Span> {
    slice.indices(th, len)
}

fn bound(th: &mut Thread, v: Borrowed<'_>) -> PyResult<isize> {
    if v.word().is_int() {
        return Ok(v.word().int() as isize);
    }
    if v.ty().slots.index().is_none() {
        return Err(th.type_error("slice indices must be integers or None or have an __index__ method"));
    }
    v.to_isize_clipped(th)
}

impl Thread {
    pub fn new_slice(&mut self, start: Owned, stop: Owned, step: Owned) -> Owned {
        self.alloc(Slice {
            header: unborn(),
            start: Slot::new(start),
            stop: Slot::new(stop),
            step: Slot::new(step),
        })
    }
}

fn new(th: &mut Thread, _: &Type, args: Args<'_>) -> PyResult {
    positional_only(th, "slice", args, 1, 3)?;
    let at = |i: usize| args.pos().get(i).map_or(Owned::none(), |v| (*v).to_owned());
    if args.n_positional == 1 {
        return Ok(th.new_slice(Owned::none(), at(0), Owned::none()));
    }
    Ok(th.new_slice(at(0), at(1), at(2)))
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let mut out = StrBuf::with_capacity(24);
    out.push_str("slice(");
    for (i, f) in of(o).fields().into_iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        sequence::push_repr(th, &mut out, f)?;
    }
    out.push_str(")");
    Ok(th.new_str_buf(out))
}

fn hash(th: &mut Thread, o: Borrowed<'_>) -> PyResult<i64> {
    let mut h = TupleHasher::new();
    for f in of(o).fields() {
        h.add(f.hash(th)?);
    }
    Ok(h.finish(3))
}

fn compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast::<Slice>(), b.downcast::<Slice>()) else {
        return Ok(Owned::not_implemented());
    };
    sequence::compare(
        th,
        op,
        || (3, 3),
        |i| Some(((*x.fields().get(i)?).to_owned(), (*y.fields().get(i)?).to_owned())),
    )
}

fn indices(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let len = a[1].index(th)?;
    let slice = of(a[0]);
    if let Some(IntRef::Small(n)) = len.borrow().as_int() {
        if n < 0 {
            return Err(th.value_error("length should not be negative"));
        }
        let span = slice.indices(th, n as usize)?;
        let parts = [span.start, span.stop, span.step].map(|v| th.new_int(v as i64));
        return Ok(th.new_tuple(parts.into()));
    }
    big_indices(th, slice, len.borrow())
}

/// `slice.indices` for lengths beyond a word.
fn big_indices(th: &mut Thread, slice: &Slice, len: Borrowed<'_>) -> PyResult {
    let len = big(len);
    if len < IBig::ZERO {
        return Err(th.value_error("length should not be negative"));
    }
    let [start, stop, step] = slice.fields();
    let mut number = |v: Borrowed<'_>| -> PyResult<Option<IBig>> {
        if v.is_none() {
            return Ok(None);
        }
        bound(th, v)?;
        let i = v.index(th)?;
        Ok(Some(big(i.borrow())))
    };
    let step = number(step)?.unwrap_or(IBig::ONE);
    let (start, stop) = (number(start)?, number(stop)?);
    if step == IBig::ZERO {
        return Err(th.value_error("slice step cannot be zero"));
    }
    let backwards = step < IBig::ZERO;
    let (low, high) = if backwards { (IBig::from(-1), &len - IBig::ONE) } else { (IBig::ZERO, len.clone()) };
    let fit = |v: Option<IBig>, default: &IBig| match v {
        None => default.clone(),
        Some(v) if v < IBig::ZERO => (v + &len).max(low.clone()),
        Some(v) => v.min(high.clone()),
    };
    let (first, last) = if backwards { (&high, &low) } else { (&low, &high) };
    let (start, stop) = (fit(start, first), fit(stop, last));
    let parts = [start, stop, step].map(|v| th.new_big(v));
    Ok(th.new_tuple(parts.into()))
}

/// The value of an int of any size.
pub(crate) fn big(v: Borrowed<'_>) -> IBig {
    match v.as_int() {
        Some(IntRef::Small(v)) => IBig::from(v),
        Some(IntRef::Big(v)) => v.clone(),
        None => IBig::ZERO,
    }
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let args = of(a[0]).fields().map(Borrowed::to_owned);
    let args = th.new_tuple(args.into());
    let ty = a[0].ty().as_value().to_owned();
    Ok(th.new_tuple(vec![ty, args]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_agree_with_walking() {
        let limits = [isize::MIN, -7, -3, -1, 0, 1, 2, 5, 9, isize::MAX];
        for len in 0..6usize {
            for start in limits {
                for stop in limits {
                    for step in [-isize::MAX, -3, -2, -1, 1, 2, 3, isize::MAX] {
                        let span = Bounds { start, stop, step }.adjust(len);
                        let clip = |i: isize| if i < 0 { i.saturating_add(len as isize) } else { i };
                        let (from, to) = (clip(start), clip(stop));
                        // Walk over the indices of the sequence only.
                        let mut model: Vec<usize> = (0..len)
                            .filter(|&i| {
                                let i = i as isize;
                                if step > 0 { i >= from.max(0) && i < to } else { i <= from && i > to }
                            })
                            .collect();
                        if step < 0 {
                            model.reverse();
                        }
                        let model: Vec<usize> = model.into_iter().step_by(step.unsigned_abs()).collect();
                        assert_eq!(
                            span.indices().collect::<Vec<_>>(),
                            model,
                            "{start}:{stop}:{step} of {len}"
                        );
                    }
                }
            }
        }
    }
}
