//! What `bytes` does as a value and as a sequence, and its iterator.

use typhon_sync::prim::{AtomicUsize, Ordering};

use super::Bytes;
use crate::buffer::{Buffer, bytes_like_opt};
use crate::builtins::subscript::{self, Subscript};
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{BufferFlags, CompareOp, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{NativeDef, TypeDef, TypeId, type_flags};
use crate::word::Word;

/// The bytes of a bytes object that is known to be one.
#[inline(always)]
pub(crate) fn of(o: Borrowed<'_>) -> &[u8] {
    o.downcast::<Bytes>().expect("self is bytes").as_bytes()
}

pub(super) fn slot_repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(th.new_str_buf(typhon_text::repr::bytes_repr(of(o))))
}

pub(super) fn slot_hash(_th: &mut Thread, o: Borrowed<'_>) -> PyResult<i64> {
    Ok(o.downcast::<Bytes>().expect("self is bytes").bytes_hash())
}

pub(super) fn slot_compare(_th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast::<Bytes>(), b.downcast::<Bytes>()) else {
        return Ok(Owned::not_implemented());
    };
    let (x, y) = (x.as_bytes(), y.as_bytes());
    Ok(Owned::bool(match op {
        CompareOp::Eq => x == y,
        CompareOp::Ne => x != y,
        _ => op.matches(x.cmp(y)),
    }))
}

pub(super) fn slot_len(_th: &mut Thread, o: Borrowed<'_>) -> PyResult<usize> {
    Ok(of(o).len())
}

/// `start..end` as a bytes object; the object itself where possible.
pub(crate) fn piece(th: &mut Thread, o: Borrowed<'_>, start: usize, end: usize) -> Owned {
    let b = of(o);
    if start == 0 && end == b.len() && o.downcast_exact::<Bytes>().is_some() {
        return o.to_owned();
    }
    th.new_bytes(&b[start..end])
}

pub(super) fn slot_getitem(th: &mut Thread, o: Borrowed<'_>, key: Borrowed<'_>) -> PyResult {
    let b = of(o);
    match subscript::of(th, key, b.len())? {
        Some(Subscript::Index(Some(i))) => Ok(Owned::from_const(Word::small_int(b[i].into()))),
        Some(Subscript::Index(None)) => Err(th.index_error("index out of range")),
        Some(Subscript::Slice { start, step: 1, count }) => Ok(piece(th, o, start, start + count)),
        Some(Subscript::Slice { start, step, count }) => {
            let picked: Vec<u8> = subscript::positions(start, step, count).map(|i| b[i]).collect();
            Ok(th.new_bytes(&picked))
        }
        None => {
            let msg = format!("byte indices must be integers or slices, not {}", key.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

/// What a search looks for: a byte or a run of bytes.
pub(crate) enum Needle<'a> {
    Byte([u8; 1]),
    Bytes(crate::buffer::ByteArg<'a>),
}

impl core::ops::Deref for Needle<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Needle::Byte(b) => b,
            Needle::Bytes(b) => b,
        }
    }
}

/// `item in bytes`: an int or a bytes-like object.
pub(crate) fn contained<'a>(th: &mut Thread, item: Borrowed<'a>) -> PyResult<Needle<'a>> {
    if crate::number::is_index(item) && item.ty().slots.buffer().is_none() {
        return Ok(Needle::Byte([super::byte_value(th, item, "byte must be in range(0, 256)")?]));
    }
    Ok(Needle::Bytes(crate::buffer::bytes_like(th, item)?))
}

pub(super) fn slot_contains(th: &mut Thread, o: Borrowed<'_>, item: Borrowed<'_>) -> PyResult<bool> {
    let needle = contained(th, item)?;
    Ok(typhon_text::search::find_bytes(of(o), &needle).is_some())
}

pub(super) fn slot_concat(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    let x = of(a);
    let Some(y) = bytes_like_opt(th, b)? else {
        let msg = format!("can't concat {} to {}", b.type_name(th), a.type_name(th));
        return Err(th.type_error(&msg));
    };
    if y.is_empty() && a.downcast_exact::<Bytes>().is_some() {
        return Ok(a.to_owned());
    }
    if x.is_empty() && b.downcast_exact::<Bytes>().is_some() {
        return Ok(b.to_owned());
    }
    th.new_bytes_with(x.len() + y.len(), |out| {
        out[..x.len()].copy_from_slice(x);
        out[x.len()..].copy_from_slice(&y);
    })
}

/// Length of `n` repetitions. Errors: OverflowError, MemoryError.
pub(crate) fn repeated(th: &mut Thread, len: usize, n: isize) -> PyResult<usize> {
    match len.checked_mul(n.max(0) as usize).filter(|n| isize::try_from(*n).is_ok()) {
        Some(total) => {
            th.check_size(total)?;
            Ok(total)
        }
        None => Err(th.overflow_error("repeated bytes are too long")),
    }
}

/// Fills `out` with copies of `unit`, whose length divides that of `out`.
pub(crate) fn fill_repeated(out: &mut [u8], unit: &[u8]) {
    match unit {
        [] => {}
        [one] => out.fill(*one),
        _ => out.chunks_exact_mut(unit.len()).for_each(|c| c.copy_from_slice(unit)),
    }
}

pub(super) fn slot_repeat(th: &mut Thread, o: Borrowed<'_>, n: isize) -> PyResult {
    let b = of(o);
    if n == 1 {
        return Ok(piece(th, o, 0, b.len()));
    }
    let len = repeated(th, b.len(), n)?;
    th.new_bytes_with(len, |out| fill_repeated(out, b))
}

pub(super) fn slot_buffer(th: &mut Thread, o: Borrowed<'_>, flags: BufferFlags) -> PyResult<Buffer> {
    if flags.writable {
        return Err(th.buffer_error("Object is not writable."));
    }
    let b = of(o);
    Ok(Buffer::bytes(o.to_owned(), b.as_ptr().cast_mut(), b.len(), true, None))
}

crate::payload! {
    /// An iterator over the bytes of a bytes object.
    pub struct BytesIterator: ITERATOR_DEF {
        source: Slot,
        next: AtomicUsize,
    }
}

pub static ITERATOR_DEF: TypeDef = TypeDef {
    id: TypeId::fixed(crate::builtins::ids::BYTES_ITERATOR),
    flags: type_flags::GC | type_flags::NO_NEW,
    slots: Slots { iter: Some(iterator_self), next: Some(iterator_next), ..Slots::NONE },
    methods: &[
        NativeDef::new(
            "__length_hint__",
            "($self, /)",
            length_hint,
            "Private method returning an estimate of len(list(it)).",
        ),
        NativeDef::new("__reduce__", "($self, /)", reduce, "Return state information for pickling."),
        NativeDef::new(
            "__setstate__",
            "($self, state, /)",
            setstate,
            "Set state information for unpickling.",
        ),
    ],
    ..TypeDef::of::<BytesIterator>("bytes_iterator")
};

pub(super) fn slot_iter(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let source = Slot::new(o.to_owned());
    Ok(th.alloc(BytesIterator { header: unborn(), source, next: AtomicUsize::new(0) }))
}

fn iterator_self(_th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(o.to_owned())
}

fn iterator(o: Borrowed<'_>) -> (&BytesIterator, &[u8]) {
    let it = o.downcast::<BytesIterator>().expect("self is a bytes iterator");
    (it, it.source.fixed().map_or(&[], of))
}

fn iterator_next(_th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let (it, b) = iterator(o);
    // ORDERING Relaxed: a position; threads that share an iterator may see a byte twice.
    let i = it.next.load(Ordering::Relaxed);
    let Some(v) = b.get(i) else { return Ok(None) };
    // ORDERING Relaxed: as above.
    it.next.store(i + 1, Ordering::Relaxed);
    Ok(Some(Owned::from_const(Word::small_int((*v).into()))))
}

fn length_hint(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (it, b) = iterator(a[0]);
    // ORDERING Relaxed: as in `iterator_next`.
    Ok(th.new_int(b.len().saturating_sub(it.next.load(Ordering::Relaxed)) as i64))
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (it, _) = iterator(a[0]);
    let source = it.source.fixed().unwrap_or(Borrowed::none()).to_owned();
    // ORDERING Relaxed: as in `iterator_next`.
    let at = th.new_int(it.next.load(Ordering::Relaxed) as i64);
    crate::builtins::sequence::reduced(th, "iter", vec![source], Some(at))
}

fn setstate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let i = crate::builtins::sequence::state_index(th, a[1])?;
    let (it, b) = iterator(a[0]);
    // ORDERING Relaxed: as in `iterator_next`.
    it.next.store(i.min(b.len()), Ordering::Relaxed);
    Ok(Owned::none())
}
