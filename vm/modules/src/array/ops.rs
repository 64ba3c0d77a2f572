//! What an array does as a value and as a mutable sequence.

use std::cmp::Ordering as Order;
use typhon_sync::prim::Ordering;

use typhon_core::buffer::{Buffer, bytes_or_bytearray};
use typhon_core::builtins::str::Str;
use typhon_core::builtins::subscript::{self, Subscript};
use typhon_core::{Args, Borrowed, BufferFlags, CompareOp, Owned, PyResult, Raised, Thread, Type};

use super::{ARRAY, Array, Kind, bad_typecode, of_class, plain};
use crate::args::this;

pub fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    if core::ptr::eq(ty, ARRAY.ty()) && args.has_keywords() {
        return Err(th.type_error("array.array() takes no keyword arguments"));
    }
    let (code, initial) = match args.pos() {
        [code] => (*code, None),
        [code, initial] => (*code, Some(*initial)),
        [] => return Err(th.type_error("array() takes at least 1 argument (0 given)")),
        more => {
            let msg = format!("array() takes at most 2 arguments ({} given)", more.len());
            return Err(th.type_error(&msg));
        }
    };
    let Some(code) = code.downcast::<Str>().filter(|s| s.len() == 1).map(|s| s.data().get(0)) else {
        let msg = format!("array() argument 1 must be a unicode character, not {}", code.type_name(th));
        return Err(th.type_error(&msg));
    };
    let Some(kind) = Kind::of_code(code) else {
        refuse_text(th, code, None, initial)?;
        return Err(bad_typecode(th));
    };
    if kind == Kind::Wide {
        typhon_core::warnings::warn(
            th,
            &typhon_core::builtins::exceptions::DEPRECATION_WARNING,
            "The 'u' type code is deprecated and will be removed in Python 3.16",
            1,
        )?;
    }
    refuse_text(th, code, Some(kind), initial)?;
    let Some(initial) = initial else { return of_class(th, ty, kind, Vec::new()) };
    let items = if let Some(a) = initial.downcast::<Array>()
        && a.kind == kind
    {
        a.copied(th)
    } else if let Some(s) = initial.downcast::<Str>() {
        units(s)
    } else if let Some(b) = bytes_or_bytearray(th, initial)? {
        whole(th, kind, &b)?;
        b.to_vec()
    } else {
        return filled(th, ty, kind, initial);
    };
    of_class(th, ty, kind, items)
}

/// A new array with the items of an iterable.
fn filled(th: &mut Thread, ty: &Type, kind: Kind, items: Borrowed<'_>) -> PyResult {
    let mut bytes = Vec::new();
    gather(th, kind, items, &mut bytes)?;
    of_class(th, ty, kind, bytes)
}

/// Adds the bytes of every item of an iterable.
pub fn gather(th: &mut Thread, kind: Kind, items: Borrowed<'_>, out: &mut Vec<u8>) -> PyResult<()> {
    let size = kind.size();
    let hint = items.length_hint(th, 0)?;
    out.reserve(hint.min(1 << 20) * size);
    let it = items.iter(th)?;
    while let Some(v) = it.borrow().next(th)? {
        let raw = kind.write(th, v.borrow())?;
        out.extend_from_slice(&raw[..size]);
    }
    Ok(())
}

fn refuse_text(
    th: &mut Thread,
    code: u32,
    kind: Option<Kind>,
    initial: Option<Borrowed<'_>>,
) -> PyResult<()> {
    if kind.is_some_and(Kind::is_text) {
        return Ok(());
    }
    let Some(initial) = initial else { return Ok(()) };
    let code = char::from_u32(code).unwrap_or('?');
    if initial.downcast::<Str>().is_some() {
        let msg = format!("cannot use a str to initialize an array with typecode '{code}'");
        return Err(th.type_error(&msg));
    }
    if initial.downcast::<Array>().is_some_and(|a| a.kind.is_text()) {
        let msg = format!("cannot use a unicode array to initialize an array with typecode '{code}'");
        return Err(th.type_error(&msg));
    }
    Ok(())
}

/// The code points of a str as items.
pub fn units(s: &Str) -> Vec<u8> {
    s.data().iter().flat_map(u32::to_ne_bytes).collect()
}

/// Errors: ValueError if the bytes end inside an item.
pub fn whole(th: &mut Thread, kind: Kind, bytes: &[u8]) -> PyResult<()> {
    if bytes.len().is_multiple_of(kind.size()) {
        return Ok(());
    }
    Err(th.value_error("bytes length not a multiple of item size"))
}

pub fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let a: &Array = this(o);
    let name = o.type_name(th);
    let name = name.rsplit('.').next().unwrap_or(&name);
    let code = char::from(a.kind.code());
    if a.len(th) == 0 {
        return Ok(th.new_str(&format!("{name}('{code}')")));
    }
    let items = if a.kind.is_text() { super::methods::text(th, a)? } else { super::methods::list(th, a) };
    let inner = items.borrow().repr(th)?;
    let mut out = typhon_text::StrBuf::new();
    out.push_str(&format!("{name}('{code}', "));
    out.push_data(inner.payload::<Str>().data());
    out.push_str(")");
    Ok(th.new_str_buf(out))
}

pub fn compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast::<Array>(), b.downcast::<Array>()) else {
        return Ok(Owned::not_implemented());
    };
    if matches!(op, CompareOp::Eq | CompareOp::Ne) {
        if x.len(th) != y.len(th) {
            return Ok(Owned::bool(op == CompareOp::Ne));
        }
        if x.kind == y.kind && x.kind.bytes_decide() {
            let mine = x.copied(th);
            let same = mine == y.lock(th).0;
            return Ok(Owned::bool(same == (op == CompareOp::Eq)));
        }
    }
    let mut i = 0;
    loop {
        match (x.get(th, i), y.get(th, i)) {
            (Some(p), Some(q)) => {
                if !p.borrow().compare_bool(th, q.borrow(), CompareOp::Eq)? {
                    if matches!(op, CompareOp::Eq | CompareOp::Ne) {
                        return Ok(Owned::bool(op == CompareOp::Ne));
                    }
                    return p.borrow().compare(th, q.borrow(), op);
                }
            }
            (None, None) => return Ok(Owned::bool(op.matches(Order::Equal))),
            (None, _) => return Ok(Owned::bool(op.matches(Order::Less))),
            (_, None) => return Ok(Owned::bool(op.matches(Order::Greater))),
        }
        i += 1;
    }
}

pub fn contains(th: &mut Thread, o: Borrowed<'_>, item: Borrowed<'_>) -> PyResult<bool> {
    Ok(position(th, this(o), item, 0, usize::MAX)?.is_some())
}

/// The first place of an equal item in a range.
pub fn position(
    th: &mut Thread,
    a: &Array,
    item: Borrowed<'_>,
    start: usize,
    end: usize,
) -> PyResult<Option<usize>> {
    let mut i = start;
    while i < end
        && let Some(v) = a.get(th, i)
    {
        if v.borrow().equals(th, item)? {
            return Ok(Some(i));
        }
        i += 1;
    }
    Ok(None)
}

pub fn getitem(th: &mut Thread, o: Borrowed<'_>, key: Borrowed<'_>) -> PyResult {
    let a: &Array = this(o);
    if key.word().is_int()
        && let Ok(i) = usize::try_from(key.word().int())
        && let Some(v) = a.get(th, i)
    {
        return Ok(v);
    }
    let n = a.len(th);
    match subscript::of(th, key, n)? {
        Some(Subscript::Index(i)) => match i.and_then(|i| a.get(th, i)) {
            Some(v) => Ok(v),
            None => Err(th.index_error("array index out of range")),
        },
        Some(Subscript::Slice { start, step, count }) => {
            let size = a.kind.size();
            let picked = {
                let data = a.lock(th);
                if step == 1 {
                    data.0.get(start * size..(start + count) * size).map_or_else(Vec::new, <[u8]>::to_vec)
                } else {
                    subscript::positions(start, step, count)
                        .filter_map(|i| data.0.get(i * size..(i + 1) * size))
                        .flatten()
                        .copied()
                        .collect()
                }
            };
            Ok(plain(th, a.kind, picked))
        }
        None => Err(th.type_error("array indices must be integers")),
    }
}

pub fn setitem(
    th: &mut Thread,
    o: Borrowed<'_>,
    key: Borrowed<'_>,
    value: Option<Borrowed<'_>>,
) -> PyResult<()> {
    let a: &Array = this(o);
    let size = a.kind.size();
    if let Some(v) = value
        && typhon_core::number::is_index(key)
    {
        return set_one(th, a, key, v);
    }
    let n = a.len(th);
    let (start, step, count) = match subscript::of(th, key, n)? {
        Some(Subscript::Index(Some(i))) => (i, 1, 1),
        Some(Subscript::Index(None)) => return Err(no_place(th)),
        Some(Subscript::Slice { start, step, count }) => (start, step, count),
        None => return Err(th.type_error("array indices must be integers")),
    };
    let new = match value {
        None => Vec::new(),
        Some(v) => match v.downcast::<Array>() {
            None => {
                let msg = format!("can only assign array (not \"{}\") to array slice", v.type_name(th));
                return Err(th.type_error(&msg));
            }
            Some(v) if v.kind != a.kind => return Err(mixed(th)),
            Some(v) => v.copied(th),
        },
    };
    if step == 1 {
        if new.len() == count * size {
            let mut data = a.lock(th);
            if let Some(target) = data.0.get_mut(start * size..(start + count) * size) {
                target.copy_from_slice(&new);
            }
            return Ok(());
        }
        return a.resize_with(th, |d| {
            let (start, end) = ((start * size).min(d.len()), ((start + count) * size).min(d.len()));
            d.splice(start..end, new);
        });
    }
    if value.is_none() {
        let mut dropped: Vec<usize> = subscript::positions(start, step, count).collect();
        dropped.sort_unstable();
        return a.resize_with(th, |d| {
            let mut next = dropped.iter().peekable();
            let mut at = 0;
            d.retain(|_| {
                while next.next_if(|i| (**i + 1) * size <= at).is_some() {}
                let drop = next.peek().is_some_and(|i| **i * size <= at);
                at += 1;
                !drop
            });
        });
    }
    if new.len() != count * size {
        let msg =
            format!("attempt to assign array of size {} to extended slice of size {count}", new.len() / size);
        return Err(th.value_error(&msg));
    }
    let mut data = a.lock(th);
    for (i, v) in subscript::positions(start, step, count).zip(new.chunks_exact(size)) {
        if let Some(target) = data.0.get_mut(i * size..(i + 1) * size) {
            target.copy_from_slice(v);
        }
    }
    Ok(())
}

fn set_one(th: &mut Thread, a: &Array, key: Borrowed<'_>, v: Borrowed<'_>) -> PyResult<()> {
    let at = if key.word().is_int() && key.word().int() >= 0 {
        Some(key.word().int() as usize)
    } else {
        let n = a.len(th);
        match subscript::of(th, key, n)? {
            Some(Subscript::Index(i)) => i,
            _ => None,
        }
    };
    let Some(at) = at else { return Err(no_place(th)) };
    let raw = a.kind.write(th, v)?;
    let done = a.kind.store(&mut a.lock(th).0, at, raw);
    if done { Ok(()) } else { Err(no_place(th)) }
}

#[cold]
fn no_place(th: &mut Thread) -> Raised {
    th.index_error("array assignment index out of range")
}

#[cold]
fn mixed(th: &mut Thread) -> Raised {
    th.type_error("bad argument type for built-in operation")
}

pub fn concat(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    let x: &Array = this(a);
    let Some(y) = b.downcast::<Array>() else {
        let msg = format!("can only append array (not \"{}\") to array", b.type_name(th));
        return Err(th.type_error(&msg));
    };
    if x.kind != y.kind {
        return Err(mixed(th));
    }
    let mut items = x.copied(th);
    items.extend_from_slice(&y.lock(th).0);
    Ok(plain(th, x.kind, items))
}

/// `items` over and over. Errors: MemoryError.
fn repeated(th: &mut Thread, items: &[u8], n: isize) -> PyResult<Vec<u8>> {
    let total = items.len().checked_mul(n.max(0) as usize).unwrap_or(usize::MAX);
    th.check_size(total)?;
    Ok(items.repeat(if total == 0 { 0 } else { n as usize }))
}

pub fn repeat(th: &mut Thread, o: Borrowed<'_>, n: isize) -> PyResult {
    let a: &Array = this(o);
    let items = a.copied(th);
    let items = repeated(th, &items, n)?;
    Ok(plain(th, a.kind, items))
}

/// Adds the items of another array or iterable. Errors: TypeError for another kind.
pub fn extend(th: &mut Thread, a: &Array, more: Borrowed<'_>) -> PyResult<()> {
    let new = match more.downcast::<Array>() {
        Some(b) if b.kind == a.kind => b.copied(th),
        Some(_) => return Err(th.type_error("can only extend with array of same kind")),
        None => {
            let size = a.kind.size();
            let it = more.iter(th)?;
            // Each item counts at once: what came before an error stays.
            while let Some(v) = it.borrow().next(th)? {
                let raw = a.kind.write(th, v.borrow())?;
                a.resize_with(th, |d| d.extend_from_slice(&raw[..size]))?;
            }
            return Ok(());
        }
    };
    if new.is_empty() {
        return Ok(());
    }
    a.resize_with(th, |d| d.extend_from_slice(&new))
}

pub fn inplace_concat(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    if b.downcast::<Array>().is_none() {
        let msg = format!("can only extend with array (not \"{}\")", b.type_name(th));
        return Err(th.type_error(&msg));
    }
    extend(th, this(a), b)?;
    Ok(a.to_owned())
}

pub fn inplace_repeat(th: &mut Thread, o: Borrowed<'_>, n: isize) -> PyResult {
    let a: &Array = this(o);
    let old = a.copied(th);
    let new = repeated(th, &old, n)?;
    if new.len() != old.len() {
        a.resize_with(th, |d| *d = new)?;
    }
    Ok(o.to_owned())
}

pub fn buffer(th: &mut Thread, o: Borrowed<'_>, _flags: BufferFlags) -> PyResult<Buffer> {
    let a: &Array = this(o);
    let (ptr, len) = {
        let mut data = a.lock(th);
        // ORDERING Relaxed: under the lock, which resizing takes before it looks.
        a.exports.fetch_add(1, Ordering::Relaxed);
        (data.0.as_mut_ptr(), data.0.len())
    };
    let mut b = Buffer::bytes(o.to_owned(), ptr, len, false, Some(release));
    b.format = a.kind.format();
    b.itemsize = a.kind.size();
    Ok(b)
}

fn release(owner: &Owned) {
    // ORDERING Release: our use of the bytes comes before a later change of their number.
    this::<Array>(owner.borrow()).exports.fetch_sub(1, Ordering::Release);
}
