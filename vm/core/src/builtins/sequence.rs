//! What the built-in containers share: arguments of constructors, indices, comparison, repr.

use core::cell::RefCell;

use typhon_text::StrBuf;

use crate::builtins::exceptions as ex;
use crate::builtins::int::IntRef;
use crate::builtins::str::Str;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::{Args, CompareOp};
use crate::thread::Thread;

/// Checks the arguments of a constructor that takes between `min` and `max` positional ones.
pub fn positional_only(th: &mut Thread, name: &str, args: Args<'_>, min: usize, max: usize) -> PyResult<()> {
    if args.has_keywords() {
        return Err(th.type_error(&format!("{name}() takes no keyword arguments")));
    }
    let n = args.n_positional;
    if n < min || n > max {
        let (bound, k) = if n < min { ("at least", min) } else { ("at most", max) };
        let s = if k == 1 { "" } else { "s" };
        let exactly = if min == max { "" } else { bound };
        let sep = if exactly.is_empty() { "" } else { " " };
        return Err(th.type_error(&format!("{name} expected {exactly}{sep}{k} argument{s}, got {n}")));
    }
    Ok(())
}

/// As [`positional_only`] with exactly the type's own constructor: a subclass may take keywords in its
/// `__init__`.
pub fn constructor_arg<'a>(
    th: &mut Thread,
    name: &str,
    args: Args<'a>,
    exact: bool,
) -> PyResult<Option<Borrowed<'a>>> {
    if exact || !args.has_keywords() {
        positional_only(th, name, args, 0, 1)?;
    }
    Ok(args.pos().first().copied())
}

/// The index that a subscript means. Errors: TypeError naming `what`; IndexError beyond a word.
#[inline]
pub fn subscript(th: &mut Thread, key: Borrowed<'_>, what: &str) -> PyResult<isize> {
    if key.word().is_int() {
        return Ok(key.word().int() as isize);
    }
    subscript_slow(th, key, what)
}

#[cold]
fn subscript_slow(th: &mut Thread, key: Borrowed<'_>, what: &str) -> PyResult<isize> {
    if key.ty().slots.index().is_none() {
        let msg = format!("{what} indices must be integers or slices, not {}", key.type_name(th));
        return Err(th.type_error(&msg));
    }
    let i = key.index(th)?;
    match i.borrow().as_int() {
        Some(IntRef::Small(v)) => Ok(v as isize),
        _ => {
            let msg = format!("cannot fit '{}' into an index-sized integer", key.type_name(th));
            Err(th.index_error(&msg))
        }
    }
}

/// Counts a negative index from the end. `None`: out of range.
#[inline(always)]
pub fn in_range(i: isize, len: usize) -> Option<usize> {
    let at = if i < 0 { i.wrapping_add(len as isize) } else { i };
    if (at as usize) < len { Some(at as usize) } else { None }
}

/// Clips an index into `0..=len`, counting a negative one from the end.
#[inline]
pub fn clipped(i: isize, len: usize) -> usize {
    if i < 0 { (i.saturating_add_unsigned(len)).max(0) as usize } else { (i as usize).min(len) }
}

/// `start` and `stop` of `index` methods, clipped later: integers or anything with `__index__`.
pub fn bounds(
    th: &mut Thread,
    start: Option<Borrowed<'_>>,
    stop: Option<Borrowed<'_>>,
) -> PyResult<(isize, isize)> {
    let mut one = |v: Option<Borrowed<'_>>, default: isize| match v {
        None => Ok(default),
        Some(v) if v.ty().slots.index().is_none() => {
            Err(th.type_error("slice indices must be integers or have an __index__ method"))
        }
        Some(v) => v.to_isize_clipped(th),
    };
    Ok((one(start, 0)?, one(stop, isize::MAX)?))
}

/// Rich comparison of two sequences whose items may change meanwhile: the first pair that differs
/// decides, then the lengths.
pub fn compare(
    th: &mut Thread,
    op: CompareOp,
    len: impl Fn() -> (usize, usize),
    at: impl Fn(usize) -> Option<(Owned, Owned)>,
) -> PyResult {
    let (n, m) = len();
    if n != m && matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Owned::bool(op == CompareOp::Ne));
    }
    th.check_native_stack(" in comparison")?;
    let mut i = 0;
    while let Some((a, b)) = at(i) {
        if !a.borrow().equals(th, b.borrow())? {
            return match op {
                CompareOp::Eq => Ok(Owned::bool(false)),
                CompareOp::Ne => Ok(Owned::bool(true)),
                _ => a.borrow().compare(th, b.borrow(), op),
            };
        }
        i += 1;
    }
    let (n, m) = len();
    Ok(Owned::bool(op.matches(n.cmp(&m))))
}

thread_local! {
    /// Containers whose repr is being made by this thread.
    static IN_REPR: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Runs `f` unless this thread is already inside it for the same object; then the repr is `again`.
pub fn guarded_repr(
    th: &mut Thread,
    of: Borrowed<'_>,
    again: &str,
    f: impl FnOnce(&mut Thread) -> PyResult,
) -> PyResult {
    let id = of.word().identity() as usize;
    if IN_REPR.with_borrow(|v| v.contains(&id)) {
        return Ok(th.new_str(again));
    }
    IN_REPR.with_borrow_mut(|v| v.push(id));
    let r = f(th);
    IN_REPR.with_borrow_mut(|v| {
        v.pop();
    });
    r
}

/// Adds `repr(v)` to a text.
pub fn push_repr(th: &mut Thread, out: &mut StrBuf, v: Borrowed<'_>) -> PyResult<()> {
    let r = v.repr(th)?;
    out.push_data(r.payload::<Str>().data());
    Ok(())
}

/// `items * n` has this many items. Errors: MemoryError.
pub fn repeated_len(th: &mut Thread, len: usize, n: isize) -> PyResult<usize> {
    match len.checked_mul(n.max(0) as usize) {
        Some(total) if total <= isize::MAX as usize / 16 && (total < 1 << 24 || memory_for(total)) => {
            Ok(total)
        }
        _ => Err(th.raise_empty(&ex::MEMORY_ERROR)),
    }
}

/// Would the system give room for that many words?
fn memory_for(words: usize) -> bool {
    let Ok(layout) = std::alloc::Layout::array::<u64>(words) else { return false };
    // SAFETY: not of size zero; given back at once.
    unsafe {
        let p = std::alloc::alloc(layout);
        if !p.is_null() {
            std::alloc::dealloc(p, layout);
        }
        !p.is_null()
    }
}

/// Checks the value of `__setstate__` on an iterator: an index, clipped at 0.
pub fn state_index(th: &mut Thread, state: Borrowed<'_>) -> PyResult<usize> {
    Ok(state.to_isize(th)?.max(0) as usize)
}

/// `builtins.name` as it is now, for `__reduce__` of iterators.
pub fn builtin(th: &mut Thread, name: &str) -> PyResult {
    let key = th.intern(name);
    let d = th.builtins_dict().downcast::<crate::builtins::dict::Dict>();
    match d.and_then(|d| d.get_str(key.borrow())) {
        Some(v) => Ok(v),
        None => Err(th.raise(&ex::ATTRIBUTE_ERROR, name)),
    }
}

/// `name` of the built-in iterator functions with arguments and state: what `__reduce__` returns.
pub fn reduced(th: &mut Thread, function: &str, args: Vec<Owned>, state: Option<Owned>) -> PyResult {
    let f = builtin(th, function)?;
    let args = th.new_tuple(args);
    let mut parts = vec![f, args];
    parts.extend(state);
    Ok(th.new_tuple(parts))
}
