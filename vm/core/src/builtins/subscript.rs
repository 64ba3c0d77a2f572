//! What stands between the brackets of a text or byte sequence, and `start`/`end` arguments of its methods.

use crate::builtins::slice::Slice;
use crate::object::{Borrowed, PyResult};
use crate::thread::Thread;

/// A subscript resolved against a sequence's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscript {
    /// An index in range, or `None`.
    Index(Option<usize>),
    /// `count` items from `start` on, each `step` behind the one before.
    Slice { start: usize, step: isize, count: usize },
}

/// Resolves a key; `None` when it is neither an index nor a slice. Errors: IndexError for huge ints, and what
/// `__index__` raises.
pub fn of(th: &mut Thread, key: Borrowed<'_>, len: usize) -> PyResult<Option<Subscript>> {
    if let Some(s) = key.downcast::<Slice>() {
        let span = s.indices(th, len)?;
        return Ok(Some(Subscript::Slice {
            start: span.start.max(0) as usize,
            step: span.step,
            count: span.n,
        }));
    }
    if !crate::number::is_index(key) {
        return Ok(None);
    }
    let i = key.index(th)?;
    let i = match i.borrow().as_int() {
        Some(crate::builtins::int::IntRef::Small(v)) => v as isize,
        _ => {
            let msg = format!("cannot fit '{}' into an index-sized integer", key.type_name(th));
            return Err(th.index_error(&msg));
        }
    };
    let at = if i < 0 { i + len as isize } else { i };
    Ok(Some(Subscript::Index((at >= 0 && (at as usize) < len).then_some(at as usize))))
}

/// Positions of the items that a slice takes, in order.
pub fn positions(start: usize, step: isize, count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |k| (start as isize + step * k as isize) as usize)
}

/// The arguments `start` and `end` of methods such as `str.find`, clipped to a length; `start` may lie
/// behind the end. Missing or None: the whole.
pub fn bounds(
    th: &mut Thread,
    start: Option<Borrowed<'_>>,
    end: Option<Borrowed<'_>>,
    len: usize,
) -> PyResult<(usize, usize)> {
    let mut clip = |v: Option<Borrowed<'_>>, default: usize| -> PyResult<usize> {
        let Some(v) = v else { return Ok(default) };
        if !crate::number::is_index(v) {
            return Err(th.type_error("slice indices must be integers or None or have an __index__ method"));
        }
        let i = v.to_isize_clipped(th)?;
        Ok(if i < 0 { i.saturating_add(len as isize).max(0) as usize } else { i as usize })
    };
    let start = clip(start, 0)?;
    let end = clip(end, len)?.min(len);
    Ok((start, end))
}
