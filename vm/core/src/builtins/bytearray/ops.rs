//! What `bytearray` does as a value and as a mutable sequence, and its iterator.

use typhon_sync::prim::{AtomicIsize, Ordering};

use super::ByteArray;
use crate::buffer::{Buffer, bytes_like_opt};
use crate::builtins::bytes::construct::Source;
use crate::builtins::bytes::ops::{contained, fill_repeated, repeated};
use crate::builtins::bytes::{byte_value, collect};
use crate::builtins::subscript::{self, Subscript};
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{Args, BufferFlags, CompareOp, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{NativeDef, TypeDef, TypeId, type_flags};
use crate::types::Type;
use crate::word::Word;

#[inline(always)]
pub(super) fn of(o: Borrowed<'_>) -> &ByteArray {
    o.downcast::<ByteArray>().expect("self is a bytearray")
}

/// A copy of the bytes.
pub(super) fn copied(th: &mut Thread, o: Borrowed<'_>) -> Vec<u8> {
    of(o).lock(th).0.clone()
}

pub(super) fn new(th: &mut Thread, ty: &Type, _args: Args<'_>) -> PyResult {
    Ok(th.new_bytearray_as(ty, Vec::new()))
}

pub(super) fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    let source = Source::bind(th, "bytearray", args)?;
    let v = source.bytes(th, "bytearray")?;
    of(o).resize_with(th, |data| *data = v)
}

pub(super) fn slot_repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let b = copied(th, o);
    let name = o.type_name(th);
    Ok(th.new_str_buf(typhon_text::repr::bytearray_repr(&name, &b)))
}

pub(super) fn slot_compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    if b.downcast::<crate::builtins::str::Str>().is_some() {
        return Ok(Owned::not_implemented());
    }
    if a.is(b.word()) {
        return Ok(Owned::bool(op.matches(core::cmp::Ordering::Equal)));
    }
    let Some(y) = bytes_like_opt(th, b)? else { return Ok(Owned::not_implemented()) };
    let x = of(a).lock(th);
    Ok(Owned::bool(match op {
        CompareOp::Eq => x.0[..] == *y,
        CompareOp::Ne => x.0[..] != *y,
        _ => op.matches(x.0[..].cmp(&y)),
    }))
}

pub(super) fn slot_len(th: &mut Thread, o: Borrowed<'_>) -> PyResult<usize> {
    Ok(of(o).lock(th).0.len())
}

fn bad_index(th: &mut Thread, key: Borrowed<'_>) -> crate::Raised {
    let msg = format!("bytearray indices must be integers or slices, not {}", key.type_name(th));
    th.type_error(&msg)
}

pub(super) fn slot_getitem(th: &mut Thread, o: Borrowed<'_>, key: Borrowed<'_>) -> PyResult {
    let a = of(o);
    if key.word().is_int() {
        let i = key.word().int();
        let found = {
            let b = a.lock(th);
            let at = if i < 0 { i + b.0.len() as i64 } else { i };
            usize::try_from(at).ok().and_then(|at| b.0.get(at).copied())
        };
        return match found {
            Some(v) => Ok(Owned::from_const(Word::small_int(v.into()))),
            None => Err(th.index_error("bytearray index out of range")),
        };
    }
    let n = a.lock(th).0.len();
    match subscript::of(th, key, n)? {
        Some(Subscript::Index(i)) => {
            let found = i.and_then(|i| a.lock(th).0.get(i).copied());
            match found {
                Some(v) => Ok(Owned::from_const(Word::small_int(v.into()))),
                None => Err(th.index_error("bytearray index out of range")),
            }
        }
        Some(Subscript::Slice { start, step, count }) => {
            let picked = {
                let b = a.lock(th);
                if step == 1 {
                    b.0.get(start..start + count).map_or_else(Vec::new, <[u8]>::to_vec)
                } else {
                    subscript::positions(start, step, count).filter_map(|i| b.0.get(i).copied()).collect()
                }
            };
            Ok(th.new_bytearray(picked))
        }
        None => Err(bad_index(th, key)),
    }
}

pub(super) fn slot_setitem(
    th: &mut Thread,
    o: Borrowed<'_>,
    key: Borrowed<'_>,
    value: Option<Borrowed<'_>>,
) -> PyResult<()> {
    let a = of(o);
    if let Some(v) = value.map(Borrowed::word)
        && key.word().is_int()
        && v.is_int()
        && let Ok(byte) = u8::try_from(v.int())
    {
        let mut bytes = a.lock(th);
        let i = key.word().int();
        let i = if i < 0 { i + bytes.0.len() as i64 } else { i };
        if let Some(place) = usize::try_from(i).ok().and_then(|i| bytes.0.get_mut(i)) {
            *place = byte;
            return Ok(());
        }
    }
    if key.downcast::<crate::builtins::slice::Slice>().is_none() && crate::number::is_index(key) {
        let byte = match value {
            Some(v) => Some(byte_value(th, v, "byte must be in range(0, 256)")?),
            None => None,
        };
        let n = a.lock(th).0.len();
        let Some(Subscript::Index(Some(i))) = subscript::of(th, key, n)? else {
            return Err(th.index_error("bytearray index out of range"));
        };
        let done = match byte {
            Some(v) => a.lock(th).0.get_mut(i).map(|b| *b = v),
            None => a.resize_with(th, |d| {
                (i < d.len()).then(|| {
                    d.remove(i);
                })
            })?,
        };
        return done.ok_or_else(|| th.index_error("bytearray index out of range"));
    }
    let new = match value {
        None => Vec::new(),
        Some(v) if crate::number::is_index(v) && v.ty().slots.buffer().is_none() => {
            return Err(
                th.type_error("can assign only bytes, buffers, or iterables of ints in range(0, 256)")
            );
        }
        Some(v) => collect(th, v)?,
    };
    let n = a.lock(th).0.len();
    let Some(Subscript::Slice { start, step, count }) = subscript::of(th, key, n)? else {
        return Err(bad_index(th, key));
    };
    if step == 1 {
        if new.len() == count {
            let mut data = a.lock(th);
            if let Some(target) = data.0.get_mut(start..start + count) {
                target.copy_from_slice(&new);
            }
            return Ok(());
        }
        return a.resize_with(th, |d| {
            let (start, end) = (start.min(d.len()), (start + count).min(d.len()));
            d.splice(start..end, new);
        });
    }
    if value.is_none() {
        let mut dropped: Vec<usize> = subscript::positions(start, step, count).collect();
        dropped.sort_unstable();
        return a.resize_with(th, |d| {
            let mut next = dropped.iter().peekable();
            let mut i = 0;
            d.retain(|_| {
                let drop = next.next_if(|at| **at == i).is_some();
                i += 1;
                !drop
            });
        });
    }
    if new.len() != count {
        let msg = format!("attempt to assign bytes of size {} to extended slice of size {count}", new.len());
        return Err(th.value_error(&msg));
    }
    let mut data = a.lock(th);
    for (i, v) in subscript::positions(start, step, count).zip(new) {
        if let Some(b) = data.0.get_mut(i) {
            *b = v;
        }
    }
    Ok(())
}

pub(super) fn slot_contains(th: &mut Thread, o: Borrowed<'_>, item: Borrowed<'_>) -> PyResult<bool> {
    let needle = contained(th, item)?;
    Ok(typhon_text::search::find_bytes(&of(o).lock(th).0, &needle).is_some())
}

fn no_concat(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> crate::Raised {
    let msg = format!("can't concat {} to {}", b.type_name(th), a.type_name(th));
    th.type_error(&msg)
}

pub(super) fn slot_concat(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    let Some(y) = bytes_like_opt(th, b)? else { return Err(no_concat(th, a, b)) };
    let mut v = copied(th, a);
    v.extend_from_slice(&y);
    Ok(th.new_bytearray(v))
}

pub(super) fn slot_repeat(th: &mut Thread, o: Borrowed<'_>, n: isize) -> PyResult {
    let unit = copied(th, o);
    let len = repeated(th, unit.len(), n)?;
    let mut v = vec![0; len];
    fill_repeated(&mut v, &unit);
    Ok(th.new_bytearray(v))
}

/// Appends the bytes of `b`, which may be the array itself.
pub(super) fn extend_from(th: &mut Thread, o: Borrowed<'_>, b: Borrowed<'_>) -> PyResult<()> {
    if o.is(b.word()) {
        return of(o).resize_with(th, |d| d.extend_from_within(..));
    }
    let Some(y) = bytes_like_opt(th, b)? else { return Err(no_concat(th, o, b)) };
    if y.is_empty() {
        return Ok(());
    }
    th.check_size(y.len())?;
    of(o).resize_with(th, |d| d.extend_from_slice(&y))
}

pub(super) fn slot_inplace_concat(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    extend_from(th, a, b)?;
    Ok(a.to_owned())
}

pub(super) fn slot_inplace_repeat(th: &mut Thread, o: Borrowed<'_>, n: isize) -> PyResult {
    let old = of(o).lock(th).0.len();
    let len = repeated(th, old, n)?;
    if len != old {
        of(o).resize_with(th, |d| {
            let unit = core::mem::take(d);
            d.resize(len, 0);
            if len.checked_rem(unit.len()) == Some(0) {
                fill_repeated(d, &unit);
            }
        })?;
    }
    Ok(o.to_owned())
}

pub(super) fn slot_buffer(th: &mut Thread, o: Borrowed<'_>, _flags: BufferFlags) -> PyResult<Buffer> {
    let a = of(o);
    let (ptr, len) = {
        let mut data = a.lock(th);
        // ORDERING Relaxed: under the lock, which resizing takes before it looks.
        a.exports.fetch_add(1, Ordering::Relaxed);
        (data.0.as_mut_ptr(), data.0.len())
    };
    Ok(Buffer::bytes(o.to_owned(), ptr, len, false, Some(release)))
}

fn release(owner: &Owned) {
    // ORDERING Release: our use of the bytes comes before a later change of their number.
    of(owner.borrow()).exports.fetch_sub(1, Ordering::Release);
}

crate::payload! {
    /// An iterator over a bytearray, which may change meanwhile.
    pub struct ByteArrayIterator: ITERATOR_DEF {
        source: Slot,
        /// Next position; -1 = exhausted.
        next: AtomicIsize,
    }
}

pub static ITERATOR_DEF: TypeDef = TypeDef {
    id: TypeId::fixed(crate::builtins::ids::BYTEARRAY_ITERATOR),
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
    ..TypeDef::of::<ByteArrayIterator>("bytearray_iterator")
};

pub(super) fn slot_iter(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let source = Slot::new(o.to_owned());
    Ok(th.alloc(ByteArrayIterator { header: unborn(), source, next: AtomicIsize::new(0) }))
}

fn iterator_self(_th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(o.to_owned())
}

fn iterator(o: Borrowed<'_>) -> (&ByteArrayIterator, Borrowed<'_>) {
    let it = o.downcast::<ByteArrayIterator>().expect("self is a bytearray iterator");
    (it, it.source.fixed().expect("an iterator keeps its bytearray"))
}

fn iterator_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let (it, source) = iterator(o);
    // ORDERING Relaxed: a position; threads that share an iterator may see a byte twice.
    let i = it.next.load(Ordering::Relaxed);
    let Ok(at) = usize::try_from(i) else { return Ok(None) };
    let v = of(source).lock(th).0.get(at).copied();
    // ORDERING Relaxed: as above.
    it.next.store(if v.is_some() { i + 1 } else { -1 }, Ordering::Relaxed);
    Ok(v.map(|v| Owned::from_const(Word::small_int(v.into()))))
}

fn length_hint(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (it, source) = iterator(a[0]);
    let n = of(source).lock(th).0.len() as i64;
    // ORDERING Relaxed: as in `iterator_next`.
    let i = it.next.load(Ordering::Relaxed) as i64;
    Ok(th.new_int(if i < 0 { 0 } else { (n - i).max(0) }))
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (it, source) = iterator(a[0]);
    // ORDERING Relaxed: as in `iterator_next`.
    let i = it.next.load(Ordering::Relaxed);
    if i < 0 {
        let nothing = th.new_tuple(Vec::new());
        return crate::builtins::sequence::reduced(th, "iter", vec![nothing], None);
    }
    let at = th.new_int(i as i64);
    crate::builtins::sequence::reduced(th, "iter", vec![source.to_owned()], Some(at))
}

fn setstate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let i = crate::builtins::sequence::state_index(th, a[1])?;
    // ORDERING Relaxed: as in `iterator_next`.
    if iterator(a[0]).0.next.load(Ordering::Relaxed) >= 0 {
        // ORDERING Relaxed: as in `iterator_next`.
        iterator(a[0]).0.next.store(i as isize, Ordering::Relaxed);
    }
    Ok(Owned::none())
}
