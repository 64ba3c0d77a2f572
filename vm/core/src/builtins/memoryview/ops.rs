//! What a memoryview does as a value and as a sequence, and its iterator.

use typhon_sync::prim::{AtomicUsize, Ordering};

use super::{Format, MemoryView, View, make, of_object};
use crate::builtins::str::Str;
use crate::builtins::subscript::{self, Subscript};
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{Args, CompareOp, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{TypeDef, TypeId, type_flags};
use crate::types::Type;

#[inline(always)]
pub(super) fn of(o: Borrowed<'_>) -> &MemoryView {
    o.downcast::<MemoryView>().expect("self is a memoryview")
}

pub(super) fn new(th: &mut Thread, _ty: &Type, args: Args<'_>) -> PyResult {
    let named = args.keywords().find(|(k, _)| k.downcast::<Str>().is_some_and(|s| s.is_text("object")));
    match (args.pos(), named) {
        ([o], None) if !args.has_keywords() => of_object(th, *o),
        ([], Some((_, o))) if args.all.len() == 1 => of_object(th, o),
        ([], None) if args.all.is_empty() => {
            Err(th.type_error("memoryview() missing required argument 'object' (pos 1)"))
        }
        _ => {
            let msg = format!("memoryview() takes exactly one argument ({} given)", args.all.len());
            Err(th.type_error(&msg))
        }
    }
}

pub(super) fn slot_repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    // ORDERING Acquire: as in `hold`.
    let what = if of(o).released.load(Ordering::Acquire) { "released memory" } else { "memory" };
    let text = format!("<{what} at {:#x}>", o.word().identity());
    Ok(th.new_str(&text))
}

pub(super) fn slot_hash(th: &mut Thread, o: Borrowed<'_>) -> PyResult<i64> {
    let m = of(o);
    // ORDERING Relaxed: every thread computes the same value.
    let known = m.hash.load(Ordering::Relaxed);
    if known != 0 {
        return Ok(known);
    }
    let (view, managed) = m.hold(th)?;
    if !view.readonly {
        return Err(th.value_error("cannot hash writable memoryview object"));
    }
    if !Format::of(view.format).is_some_and(Format::is_byte) {
        return Err(th.value_error("memoryview: hashing is restricted to formats 'B', 'b' or 'c'"));
    }
    MemoryView::owner(&managed).borrow().hash(th)?;
    let h = th.rt.hash_key.hash_bytes(&view.to_vec());
    // ORDERING Relaxed: as above.
    m.hash.store(h, Ordering::Relaxed);
    Ok(h)
}

/// The format of a view, for what only native formats of one character can do.
pub(super) fn native(th: &mut Thread, view: &View) -> PyResult<Format> {
    match Format::of(view.format) {
        Some(f) => Ok(f),
        None => {
            let msg = format!("memoryview: unsupported format {}", view.format);
            Err(th.not_implemented_error(&msg))
        }
    }
}

pub(super) fn slot_compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Owned::not_implemented());
    }
    let answer = |equal: bool| Ok(Owned::bool(equal == (op == CompareOp::Eq)));
    if a.is(b.word()) {
        return answer(true);
    }
    let Ok((x, _held)) = of(a).hold(th).map_err(|raised| drop(th.catch(raised))) else {
        return answer(false);
    };
    if b.downcast::<MemoryView>().is_none() && b.ty().slots.buffer().is_none() {
        return Ok(Owned::not_implemented());
    }
    let other = match of_object(th, b) {
        Ok(m) => m,
        Err(raised) => {
            drop(th.catch(raised));
            return if b.downcast::<MemoryView>().is_some() {
                answer(false)
            } else {
                Ok(Owned::not_implemented())
            };
        }
    };
    let (y, _other_held) = of(other.borrow()).hold(th)?;
    if x.shape != y.shape {
        return answer(false);
    }
    let (Some(f), Some(g)) = (Format::of(x.format), Format::of(y.format)) else {
        return answer(x.format == y.format && x.to_vec() == y.to_vec());
    };
    let (left, right) = (x.to_vec(), y.to_vec());
    if f == g && f.equal_as_bytes() {
        return answer(left == right);
    }
    for (p, q) in left.chunks_exact(x.itemsize).zip(right.chunks_exact(y.itemsize)) {
        let (p, q) = (f.load(th, p), g.load(th, q));
        if !p.borrow().compare_bool(th, q.borrow(), CompareOp::Eq)? {
            return answer(false);
        }
    }
    answer(true)
}

pub(super) fn slot_len(th: &mut Thread, o: Borrowed<'_>) -> PyResult<usize> {
    let (view, _held) = of(o).hold(th)?;
    match view.shape.first() {
        Some(n) => Ok(*n),
        None => Err(th.type_error("0-dim memory has no length")),
    }
}

/// The item at an address.
fn item<'a>(view: &View, p: *mut u8) -> &'a mut [u8] {
    // SAFETY: `p` is the address of an item of the view, whose memory the caller holds.
    unsafe { core::slice::from_raw_parts_mut(p, view.itemsize) }
}

/// The address of the item that a key names, or a slice of the first dimension.
enum Target {
    Item(*mut u8),
    Part(View),
}

fn out_of_bounds(th: &mut Thread, dimension: usize) -> crate::Raised {
    th.index_error(&format!("index out of bounds on dimension {}", dimension + 1))
}

fn target(th: &mut Thread, view: &View, key: Borrowed<'_>) -> PyResult<Target> {
    if let Some(t) = key.downcast::<Tuple>() {
        if t.len() > view.shape.len() {
            let msg =
                format!("cannot index {}-dimension view with {}-element tuple", view.shape.len(), t.len());
            return Err(th.type_error(&msg));
        }
        if t.iter().any(|i| !crate::number::is_index(i)) {
            if !t.is_empty() && t.iter().all(|i| i.downcast::<crate::builtins::slice::Slice>().is_some()) {
                return Err(th.not_implemented_error("multi-dimensional slicing is not implemented"));
            }
            return Err(th.type_error("memoryview: invalid slice key"));
        }
        if t.len() < view.shape.len() {
            return Err(th.not_implemented_error("sub-views are not implemented"));
        }
        let mut p = view.start;
        for (d, i) in t.iter().enumerate() {
            let Some(Subscript::Index(Some(i))) = subscript::of(th, i, view.shape[d])? else {
                return Err(out_of_bounds(th, d));
            };
            // SAFETY: the index is inside the dimension.
            p = unsafe { p.offset(view.strides[d] * i as isize) };
        }
        return Ok(Target::Item(p));
    }
    let Some(n) = view.shape.first() else {
        if key.word() == crate::word::Word::ELLIPSIS {
            return Ok(Target::Item(view.start));
        }
        return Err(th.type_error("invalid indexing of 0-dim memory"));
    };
    match subscript::of(th, key, *n)? {
        Some(Subscript::Index(_)) if view.shape.len() > 1 => {
            Err(th.not_implemented_error("multi-dimensional sub-views are not implemented"))
        }
        Some(Subscript::Index(Some(i))) => {
            // SAFETY: the index is inside the dimension.
            Ok(Target::Item(unsafe { view.start.offset(view.strides[0] * i as isize) }))
        }
        Some(Subscript::Index(None)) => Err(out_of_bounds(th, 0)),
        Some(Subscript::Slice { start, step, count }) => {
            let mut part = view.clone();
            if count > 0 {
                // SAFETY: the first item of the slice is inside the dimension.
                part.start = unsafe { view.start.offset(view.strides[0] * start as isize) };
            }
            part.shape[0] = count;
            part.strides[0] = view.strides[0].wrapping_mul(step);
            Ok(Target::Part(part))
        }
        None => Err(th.type_error("memoryview: invalid slice key")),
    }
}

pub(super) fn slot_getitem(th: &mut Thread, o: Borrowed<'_>, key: Borrowed<'_>) -> PyResult {
    let (view, managed) = of(o).hold(th)?;
    match target(th, view, key)? {
        Target::Item(p) => {
            let format = native(th, view)?;
            Ok(format.load(th, item(view, p)))
        }
        Target::Part(part) => Ok(make(th, managed, part)),
    }
}

pub(super) fn slot_setitem(
    th: &mut Thread,
    o: Borrowed<'_>,
    key: Borrowed<'_>,
    value: Option<Borrowed<'_>>,
) -> PyResult<()> {
    let (view, _held) = of(o).hold(th)?;
    if view.readonly {
        return Err(th.type_error("cannot modify read-only memory"));
    }
    let Some(value) = value else { return Err(th.type_error("cannot delete memory")) };
    match target(th, view, key)? {
        Target::Item(p) => {
            let format = native(th, view)?;
            // The value's own code may run, and release the view: its bytes are made aside.
            let mut bytes = vec![0; view.itemsize];
            format.store(th, value, &mut bytes)?;
            let (view, _held) = of(o).hold(th)?;
            item(view, p).copy_from_slice(&bytes);
            Ok(())
        }
        Target::Part(part) => {
            if part.shape.len() != 1 {
                return Err(th.not_implemented_error(
                    "memoryview slice assignments are currently restricted to ndim = 1",
                ));
            }
            let source = of_object(th, value)?;
            let (from, _source_held) = of(source.borrow()).hold(th)?;
            let bare = |f: &'static str| f.strip_prefix('@').unwrap_or(f);
            if from.shape != part.shape
                || bare(from.format) != bare(part.format)
                || from.itemsize != part.itemsize
            {
                return Err(
                    th.value_error("memoryview assignment: lvalue and rvalue have different structures")
                );
            }
            // The source may overlap the target.
            let bytes = from.to_vec();
            let mut chunks = bytes.chunks_exact(part.itemsize.max(1));
            part.each(&mut |p| match chunks.next() {
                Some(c) => {
                    item(&part, p).copy_from_slice(c);
                    true
                }
                None => false,
            });
            Ok(())
        }
    }
}

crate::payload! {
    /// An iterator over a memoryview of one dimension.
    pub struct MemoryIterator: ITERATOR_DEF {
        source: Slot,
        next: AtomicUsize,
    }
}

pub static ITERATOR_DEF: TypeDef = TypeDef {
    id: TypeId::fixed(crate::builtins::ids::MEMORY_ITERATOR),
    flags: type_flags::GC | type_flags::NO_NEW,
    slots: Slots { iter: Some(iterator_self), next: Some(iterator_next), ..Slots::NONE },
    ..TypeDef::of::<MemoryIterator>("memory_iterator")
};

pub(super) fn slot_iter(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let (view, _held) = of(o).hold(th)?;
    match view.shape.len() {
        0 => return Err(th.type_error("invalid indexing of 0-dim memory")),
        1 => {}
        _ => return Err(th.not_implemented_error("multi-dimensional sub-views are not implemented")),
    }
    native(th, view)?;
    let source = Slot::new(o.to_owned());
    Ok(th.alloc(MemoryIterator { header: unborn(), source, next: AtomicUsize::new(0) }))
}

fn iterator_self(_th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(o.to_owned())
}

fn iterator_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let it = o.downcast::<MemoryIterator>().expect("self is a memory iterator");
    let source = it.source.fixed().expect("an iterator keeps its view");
    let (view, _held) = of(source).hold(th)?;
    // ORDERING Relaxed: a position; threads that share an iterator may see an item twice.
    let i = it.next.load(Ordering::Relaxed);
    if i >= view.shape[0] {
        return Ok(None);
    }
    // ORDERING Relaxed: as above.
    it.next.store(i + 1, Ordering::Relaxed);
    let format = native(th, view)?;
    // SAFETY: the index is inside the dimension.
    let p = unsafe { view.start.offset(view.strides[0] * i as isize) };
    Ok(Some(format.load(th, item(view, p))))
}
