//! Items and slices of a map.

use typhon_sync::prim::{AtomicUsize, Ordering};

use typhon_core::buffer;
use typhon_core::builtins::exceptions as ex;
use typhon_core::builtins::slice::{Bounds, Slice};
use typhon_core::number::is_index;
use typhon_core::{
    Borrowed, Owned, PyResult, Shared, Slot, Slots, Thread, TypeDef, payload, type_flags, unborn,
};

use super::{Mmap, Open, Refusal, refused};
use crate::args::{itself, this};

/// A key as numbers, which need no more Python code to find their place under the lock.
#[derive(Clone, Copy)]
enum Key {
    Index(isize),
    Slice(Bounds),
}

/// Errors: TypeError, with `wrong` for what is neither an index nor a slice; what `__index__` raises.
fn numbers(th: &mut Thread, key: Borrowed<'_>, wrong: &str) -> PyResult<Key> {
    if let Some(s) = key.downcast::<Slice>() {
        return Ok(Key::Slice(s.bounds(th)?));
    }
    if !is_index(key) {
        return Err(th.type_error(wrong));
    }
    Ok(Key::Index(key.to_isize_clipped(th)?))
}

fn place(open: &Open, i: isize) -> Result<usize, Refusal> {
    let len = open.map.len();
    let at = if i < 0 { i.saturating_add(len as isize) } else { i };
    match usize::try_from(at) {
        Ok(at) if at < len => Ok(at),
        _ => refused(&ex::INDEX_ERROR, "mmap index out of range"),
    }
}

enum Found {
    Byte(u8),
    Bytes(Vec<u8>),
}

pub fn getitem(th: &mut Thread, o: Borrowed<'_>, key: Borrowed<'_>) -> PyResult {
    let m: &Mmap = this(o);
    m.with(th, |_| Ok(()))?;
    let key = numbers(th, key, "mmap indices must be integers")?;
    let found = m.with(th, |open| match key {
        Key::Index(i) => Ok(Found::Byte(open.map.get(place(open, i)?))),
        Key::Slice(bounds) => {
            let span = bounds.adjust(open.map.len());
            Ok(Found::Bytes(match span.step {
                1 => open.map.read(span.range().start, span.n),
                _ => span.indices().map(|i| open.map.get(i)).collect(),
            }))
        }
    })?;
    Ok(match found {
        Found::Byte(b) => th.new_int(i64::from(b)),
        Found::Bytes(b) => th.new_bytes(&b),
    })
}

pub fn setitem(
    th: &mut Thread,
    o: Borrowed<'_>,
    key: Borrowed<'_>,
    value: Option<Borrowed<'_>>,
) -> PyResult<()> {
    let m: &Mmap = this(o);
    m.with_writable(th, |_| Ok(()))?;
    let Some(value) = value else {
        return Err(match key.downcast::<Slice>() {
            Some(_) => th.type_error("mmap object doesn't support slice deletion"),
            None => th.type_error("mmap doesn't support item deletion"),
        });
    };
    match numbers(th, key, "mmap indices must be integer")? {
        Key::Index(i) => set_byte(th, m, i, value),
        Key::Slice(bounds) => {
            let data = buffer::get(th, value)?;
            m.with_writable(th, |open| {
                let span = bounds.adjust(open.map.len());
                if span.n != data.len() {
                    return refused(&ex::INDEX_ERROR, "mmap slice assignment is wrong size");
                }
                match span.step {
                    1 => open.map.write(span.range().start, &data),
                    // A copy first, as the value may be a view of this map.
                    _ => span.indices().zip(data.to_vec()).for_each(|(i, b)| open.map.set(i, b)),
                }
                Ok(())
            })
        }
    }
}

fn set_byte(th: &mut Thread, m: &Mmap, i: isize, value: Borrowed<'_>) -> PyResult<()> {
    // An index out of range is reported before a value that is none.
    m.with_writable(th, |open| place(open, i))?;
    if !is_index(value) {
        return Err(th.type_error("mmap item value must be an int"));
    }
    let Ok(byte) = u8::try_from(value.to_isize_clipped(th)?) else {
        return Err(th.value_error("mmap item value must be in range(0, 256)"));
    };
    m.with_writable(th, |open| {
        open.map.set(place(open, i)?, byte);
        Ok(())
    })
}

payload! {
    /// Iterator of a map: bytes of length 1.
    pub struct MmapIterator: ITERATOR {
        map: Slot,
        at: AtomicUsize,
    }
}

pub static ITERATOR: TypeDef = TypeDef {
    module: "mmap",
    flags: type_flags::GC | type_flags::NO_NEW,
    slots: Slots { iter: Some(itself), next: Some(next), ..Slots::NONE },
    shared: Some(Shared::ITERATOR),
    ..TypeDef::of::<MmapIterator>("mmap_iterator")
};

pub fn iter(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let map = Slot::new(o.to_owned());
    Ok(th.alloc(MmapIterator { header: unborn(), map, at: AtomicUsize::new(0) }))
}

fn next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let it: &MmapIterator = this(o);
    let Some(map) = it.map.fixed() else { return Ok(None) };
    let byte = this::<Mmap>(map).with(th, |open| {
        // ORDERING Relaxed: a position; the map's lock orders the bytes.
        let at = it.at.load(Ordering::Relaxed);
        if at >= open.map.len() {
            return Ok(None);
        }
        // ORDERING Relaxed: as above.
        it.at.store(at + 1, Ordering::Relaxed);
        Ok(Some(open.map.get(at)))
    })?;
    Ok(byte.map(|b| th.new_bytes(&[b])))
}
