//! Methods of `bytearray` that change it.

use super::ops::{copied, extend_from, of};
use crate::builtins::bytes::{byte_value, collect};
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::ArgsExt;
use crate::thread::Thread;
use crate::typedef::NativeDef;

pub(super) static METHODS: &[NativeDef] = &crate::builtins::bytes::methods::with_shared![
    NativeDef::new("append", "($self, item, /)", append, "Append a single item to the end of the bytearray."),
    NativeDef::new("clear", "($self, /)", clear, "Remove all items from the bytearray."),
    NativeDef::new("copy", "($self, /)", copy, "Return a copy of B."),
    NativeDef::new(
        "extend",
        "($self, iterable_of_ints, /)",
        extend,
        "Append all the items from the iterator or sequence to the end of the bytearray."
    ),
    NativeDef::new(
        "insert",
        "($self, index, item, /)",
        insert,
        "Insert a single item into the bytearray before the given index."
    ),
    NativeDef::new(
        "pop",
        "($self, index=-1, /)",
        pop,
        "Remove and return a single item from B.\n\nIf no index argument is given, will pop the last item."
    ),
    NativeDef::new(
        "remove",
        "($self, value, /)",
        remove,
        "Remove the first occurrence of a value in the bytearray."
    ),
    NativeDef::new("resize", "($self, size, /)", resize, "Resize the internal buffer of bytearray to len."),
    NativeDef::new("reverse", "($self, /)", reverse, "Reverse the order of the values in B in place."),
    NativeDef::new(
        "__alloc__",
        "($self, /)",
        alloc,
        "B.__alloc__() -> int\n\nReturn the number of bytes actually allocated."
    ),
    NativeDef::new(
        "__sizeof__",
        "($self, /)",
        sizeof,
        "Returns the size of the bytearray object in memory, in bytes."
    ),
    NativeDef::new("__reduce__", "($self, /)", reduce, "Return state information for pickling."),
    NativeDef::new(
        "__reduce_ex__",
        "($self, proto=0, /)",
        reduce_ex,
        "Return state information for pickling."
    ),
];

fn item(th: &mut Thread, v: Borrowed<'_>) -> PyResult<u8> {
    byte_value(th, v, "byte must be in range(0, 256)")
}

fn append(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let v = item(th, a[1])?;
    of(a[0]).resize_with(th, |d| d.push(v))?;
    Ok(Owned::none())
}

fn clear(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    of(a[0]).resize_with(th, |d| *d = Vec::new())?;
    Ok(Owned::none())
}

fn copy(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let v = copied(th, a[0]);
    Ok(th.new_bytearray(v))
}

fn extend(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if a[1].ty().slots.buffer().is_some() {
        extend_from(th, a[0], a[1])?;
        return Ok(Owned::none());
    }
    if a[1].downcast::<crate::builtins::str::Str>().is_some() {
        return Err(th.type_error("expected iterable of integers; got: 'str'"));
    }
    if a[1].ty().slots.iter().is_none() && a[1].ty().slots.getitem().is_none() {
        let msg = format!("can't extend bytearray with {}", a[1].type_name(th));
        return Err(th.type_error(&msg));
    }
    let new = collect(th, a[1])?;
    of(a[0]).resize_with(th, |d| d.extend_from_slice(&new))?;
    Ok(Owned::none())
}

fn insert(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let i = a[1].to_isize(th)?;
    let v = item(th, a[2])?;
    of(a[0]).resize_with(th, |d| {
        let at = if i < 0 { (i + d.len() as isize).max(0) as usize } else { (i as usize).min(d.len()) };
        d.insert(at, v);
    })?;
    Ok(Owned::none())
}

fn pop(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let i = match a.opt(1) {
        Some(i) => i.to_isize(th)?,
        None => -1,
    };
    let popped = of(a[0]).resize_with(th, |d| {
        if d.is_empty() {
            return Err("pop from empty bytearray");
        }
        let at = if i < 0 { i + d.len() as isize } else { i };
        match usize::try_from(at) {
            Ok(at) if at < d.len() => Ok(d.remove(at)),
            _ => Err("pop index out of range"),
        }
    })?;
    match popped {
        Ok(v) => Ok(th.new_int(v.into())),
        Err(msg) => Err(th.index_error(msg)),
    }
}

fn remove(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let v = item(th, a[1])?;
    let found = of(a[0]).resize_with(th, |d| memchr::memchr(v, d).map(|i| d.remove(i)))?;
    match found {
        Some(_) => Ok(Owned::none()),
        None => Err(th.value_error("value not found in bytearray")),
    }
}

fn resize(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = a[1].to_isize(th)?;
    let Ok(n) = usize::try_from(n) else {
        let msg = format!("bytearray.resize(): new size must be >= 0, got {n}");
        return Err(th.value_error(&msg));
    };
    th.check_size(n)?;
    of(a[0]).resize_with(th, |d| d.resize(n, 0))?;
    Ok(Owned::none())
}

fn reverse(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    of(a[0]).lock(th).0.reverse();
    Ok(Owned::none())
}

fn alloc(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = of(a[0]).lock(th).0.capacity();
    Ok(th.new_int(n as i64))
}

fn sizeof(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = of(a[0]).lock(th).0.capacity();
    Ok(th.new_int((size_of::<super::ByteArray>() + n) as i64))
}

/// `(type, arguments, instance attributes)`; old protocols get Latin-1 text, as they have no bytes.
fn reduced(th: &mut Thread, o: Borrowed<'_>, protocol: i64) -> PyResult {
    let b = copied(th, o);
    let args = if b.is_empty() {
        th.new_tuple(Vec::new())
    } else if protocol < 3 {
        let pair = vec![th.new_str_data(typhon_text::StrData::One(&b)), th.new_str("latin-1")];
        th.new_tuple(pair)
    } else {
        let bytes = th.new_bytes(&b);
        th.new_tuple(vec![bytes])
    };
    let dict = th.rt.names.__dict__.get();
    let state = match o.getattr_opt(th, dict)? {
        Some(d) => d,
        None => Owned::none(),
    };
    let ty = o.ty().as_value().to_owned();
    Ok(th.new_tuple(vec![ty, args, state]))
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    reduced(th, a[0], 2)
}

fn reduce_ex(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let protocol = match a.opt(1) {
        Some(p) => p.to_i64(th)?,
        None => 0,
    };
    reduced(th, a[0], protocol)
}
