//! The methods of arrays.

use typhon_core::builtins::exceptions::EOF_ERROR;
use typhon_core::builtins::list::List;
use typhon_core::builtins::sequence::clipped;
use typhon_core::builtins::str::Str;
use typhon_core::builtins::{generic_alias, subscript};
use typhon_core::{ArgsExt, Borrowed, GetSetDef, NativeDef, Owned, PyResult, Thread, Type};
use typhon_text::StrBuf;

use super::item::Foreign;
use super::{ARRAY, Array, Kind, bad_typecode, of_class, ops, plain};
use crate::args::this;
use crate::support::import_attr;

const SELF: &str = "($self, /)";

pub const GETSET: &[GetSetDef] = &[
    GetSetDef::get("typecode", |th, o| {
        let code = this::<Array>(o).kind.code();
        Ok(th.char_str(code.into()))
    }),
    GetSetDef::get("itemsize", |th, o| Ok(th.new_int(this::<Array>(o).kind.size() as i64))),
];

pub const METHODS: &[NativeDef] = &[
    NativeDef::new("append", "($self, v, /)", append, "Append new value v to the end of the array."),
    NativeDef::new(
        "buffer_info",
        SELF,
        buffer_info,
        "Return a tuple (address, length) giving the current memory address and the length in items.",
    ),
    NativeDef::new("byteswap", SELF, byteswap, "Byteswap all items of the array."),
    NativeDef::new("clear", SELF, clear, "Remove all items from the array."),
    NativeDef::new("count", "($self, v, /)", count, "Return number of occurrences of v in the array."),
    NativeDef::new(
        "extend",
        "($self, bb, /)",
        |th, a| ops::extend(th, this(a[0]), a[1]).map(|()| Owned::none()),
        "Append items to the end of the array.",
    ),
    NativeDef::new(
        "fromfile",
        "($self, f, n, /)",
        fromfile,
        "Read n objects from the file object f and append them to the end of the array.",
    ),
    NativeDef::new("fromlist", "($self, list, /)", fromlist, "Append items to array from list."),
    NativeDef::new(
        "frombytes",
        "($self, buffer, /)",
        frombytes,
        "Appends items from the string, interpreting it as an array of machine values.",
    ),
    NativeDef::new(
        "fromunicode",
        "($self, ustr, /)",
        fromunicode,
        "Extends this array with data from the unicode string ustr.",
    ),
    NativeDef::new(
        "index",
        "($self, v, start=0, stop=sys.maxsize, /)",
        index,
        "Return index of first occurrence of v in the array.",
    ),
    NativeDef::new(
        "insert",
        "($self, i, v, /)",
        insert,
        "Insert a new item v into the array before position i.",
    ),
    NativeDef::new("pop", "($self, i=-1, /)", pop, "Return the i-th element and delete it from the array."),
    NativeDef::new("remove", "($self, v, /)", remove, "Remove the first occurrence of v in the array."),
    NativeDef::new("reverse", SELF, reverse, "Reverse the order of the items in the array."),
    NativeDef::new(
        "tobytes",
        SELF,
        |th, a| {
            let items = this::<Array>(a[0]).copied(th);
            Ok(th.new_bytes(&items))
        },
        "Convert the array to an array of machine values and return the bytes representation.",
    ),
    NativeDef::new(
        "tofile",
        "($self, f, /)",
        tofile,
        "Write all items (as machine values) to the file object f.",
    ),
    NativeDef::new(
        "tolist",
        SELF,
        |th, a| Ok(list(th, this(a[0]))),
        "Convert array to an ordinary list with the same items.",
    ),
    NativeDef::new(
        "tounicode",
        SELF,
        |th, a| {
            let a: &Array = this(a[0]);
            if !a.kind.is_text() {
                return Err(
                    th.value_error("tounicode() may only be called on unicode type arrays ('u' or 'w')")
                );
            }
            text(th, a)
        },
        "Extends this array with data from the unicode string ustr.",
    ),
    NativeDef::new("__copy__", SELF, copy, "Return a copy of the array."),
    NativeDef::new("__deepcopy__", "($self, unused, /)", copy, "Return a copy of the array."),
    NativeDef::new("__reduce_ex__", "($self, value, /)", reduce_ex, "Return state information for pickling."),
    generic_alias::CLASS_GETITEM,
];

fn append(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let array: &Array = this(a[0]);
    let raw = array.kind.write(th, a[1])?;
    let size = array.kind.size();
    array.resize_with(th, |d| d.extend_from_slice(&raw[..size]))?;
    Ok(Owned::none())
}

fn buffer_info(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let array: &Array = this(a[0]);
    let (at, n) = {
        let data = array.lock(th);
        (data.0.as_ptr() as u64, data.0.len() / array.kind.size())
    };
    let (at, n) = (th.new_uint(at), th.new_int(n as i64));
    Ok(th.new_pair(at, n))
}

fn byteswap(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let array: &Array = this(a[0]);
    let size = array.kind.size();
    for item in array.lock(th).0.chunks_exact_mut(size) {
        item.reverse();
    }
    Ok(Owned::none())
}

fn clear(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    this::<Array>(a[0]).resize_with(th, Vec::clear)?;
    Ok(Owned::none())
}

fn count(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let array: &Array = this(a[0]);
    let (mut i, mut n) = (0, 0);
    while let Some(v) = array.get(th, i) {
        n += i64::from(v.borrow().equals(th, a[1])?);
        i += 1;
    }
    Ok(th.new_int(n))
}

fn fromfile(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let array: &Array = this(a[0]);
    let n = a[2].to_isize(th)?;
    let Ok(n) = usize::try_from(n) else { return Err(th.value_error("negative count")) };
    let Some(want) = n.checked_mul(array.kind.size()).filter(|w| *w <= isize::MAX as usize) else {
        return Err(th.raise_empty(&typhon_core::builtins::exceptions::MEMORY_ERROR));
    };
    let bytes = th.new_int(want as i64);
    let got = a[1].call_method_str(th, "read", &[bytes.borrow()])?;
    let Some(b) = got.downcast::<typhon_core::builtins::bytes::Bytes>() else {
        return Err(th.type_error("read() didn't return bytes"));
    };
    let got = b.as_bytes();
    let bytes = th.new_bytes(got);
    frombytes(th, &[a[0], bytes.borrow()])?;
    if got.len() != want {
        return Err(th.raise(&EOF_ERROR, "read() didn't return enough bytes"));
    }
    Ok(Owned::none())
}

fn fromlist(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let array: &Array = this(a[0]);
    if a[1].downcast::<List>().is_none() {
        return Err(th.type_error("arg must be list"));
    }
    let mut new = Vec::new();
    ops::gather(th, array.kind, a[1], &mut new)?;
    if !new.is_empty() {
        array.resize_with(th, |d| d.extend_from_slice(&new))?;
    }
    Ok(Owned::none())
}

fn frombytes(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let array: &Array = this(a[0]);
    let new = {
        let b = typhon_core::buffer::get(th, a[1])?;
        if b.itemsize != 1 {
            return Err(th.type_error("a bytes-like object is required"));
        }
        b.to_vec()
    };
    ops::whole(th, array.kind, &new)?;
    if !new.is_empty() {
        array.resize_with(th, |d| d.extend_from_slice(&new))?;
    }
    Ok(Owned::none())
}

fn fromunicode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let array: &Array = this(a[0]);
    let s = a[1].expect_str(th, "fromunicode() argument")?;
    if !array.kind.is_text() {
        return Err(th.value_error("fromunicode() may only be called on unicode type arrays ('u' or 'w')"));
    }
    let new = ops::units(s);
    if !new.is_empty() {
        array.resize_with(th, |d| d.extend_from_slice(&new))?;
    }
    Ok(Owned::none())
}

fn index(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let array: &Array = this(a[0]);
    let n = array.len(th);
    let start = a.opt(2);
    let (start, end) = match a.opt(3) {
        Some(stop) => subscript::bounds(th, start, Some(stop), n)?,
        None => (subscript::bounds(th, start, None, n)?.0, usize::MAX),
    };
    match ops::position(th, array, a[1], start, end)? {
        Some(i) => Ok(th.new_int(i as i64)),
        None => Err(th.value_error("array.index(x): x not in array")),
    }
}

fn insert(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let array: &Array = this(a[0]);
    let i = a[1].to_isize(th)?;
    let raw = array.kind.write(th, a[2])?;
    let size = array.kind.size();
    array.resize_with(th, |d| {
        let at = clipped(i, d.len() / size) * size;
        d.splice(at..at, raw[..size].iter().copied());
    })?;
    Ok(Owned::none())
}

fn pop(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let array: &Array = this(a[0]);
    let i = match a.opt(1) {
        Some(i) => i.to_isize(th)?,
        None => -1,
    };
    let n = array.len(th);
    if n == 0 {
        return Err(th.index_error("pop from empty array"));
    }
    let size = array.kind.size();
    let at = if i < 0 { i + n as isize } else { i };
    let raw = array.resize_with(th, |d| {
        let at = usize::try_from(at).ok()?.checked_mul(size)?;
        let mut raw = [0; 8];
        raw[..size].copy_from_slice(d.get(at..at.checked_add(size)?)?);
        d.drain(at..at + size);
        Some(raw)
    })?;
    match raw {
        Some(raw) => Ok(array.kind.read(th, raw)),
        None => Err(th.index_error("pop index out of range")),
    }
}

fn remove(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let array: &Array = this(a[0]);
    let Some(i) = ops::position(th, array, a[1], 0, usize::MAX)? else {
        return Err(th.value_error("array.remove(x): x not in array"));
    };
    let size = array.kind.size();
    array.resize_with(th, |d| {
        if (i + 1) * size <= d.len() {
            d.drain(i * size..(i + 1) * size);
        }
    })?;
    Ok(Owned::none())
}

fn reverse(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let array: &Array = this(a[0]);
    let size = array.kind.size();
    let mut data = array.lock(th);
    data.0.reverse();
    for item in data.0.chunks_exact_mut(size) {
        item.reverse();
    }
    Ok(Owned::none())
}

/// Bytes per call of `write`.
const BLOCK: usize = 64 * 1024;

fn tofile(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let items = this::<Array>(a[0]).copied(th);
    for block in items.chunks(BLOCK) {
        let block = th.new_bytes(block);
        a[1].call_method_str(th, "write", &[block.borrow()])?;
    }
    Ok(Owned::none())
}

/// The items of a copy of an array's bytes.
fn values(th: &mut Thread, kind: Kind, items: &[u8]) -> Vec<Owned> {
    let size = kind.size();
    let read = |item: &[u8]| {
        let mut raw = [0; 8];
        raw[..size].copy_from_slice(item);
        kind.read(th, raw)
    };
    items.chunks_exact(size).map(read).collect()
}

/// The items as a list.
pub fn list(th: &mut Thread, a: &Array) -> Owned {
    let items = a.copied(th);
    let items = values(th, a.kind, &items);
    th.new_list(items)
}

/// The items as a str. Errors: ValueError for what is no code point.
pub fn text(th: &mut Thread, a: &Array) -> PyResult {
    let items = a.copied(th);
    let mut out = StrBuf::new();
    for c in items.chunks_exact(4) {
        let point = u32::from_ne_bytes([c[0], c[1], c[2], c[3]]);
        if point > 0x0010_FFFF {
            let msg = format!("character U+{point:x} is not in range [U+0000; U+10ffff]");
            return Err(th.value_error(&msg));
        }
        out.push(point);
    }
    Ok(th.new_str_buf(out))
}

fn copy(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let array: &Array = this(a[0]);
    let items = array.copied(th);
    Ok(plain(th, array.kind, items))
}

fn reduce_ex(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let array: &Array = this(a[0]);
    let protocol = a[1].to_i64(th)?;
    let name = th.intern("__dict__");
    let state = a[0].getattr_opt(th, name.borrow())?.unwrap_or_else(Owned::none);
    let class = a[0].ty().as_value().to_owned();
    let code = th.char_str(array.kind.code().into());
    let (function, args) = if protocol < 3 {
        let items = list(th, array);
        (class, vec![code, items])
    } else {
        let function = import_attr(th, "array", "_array_reconstructor")?;
        let format = th.new_int(array.kind.machine_format());
        let items = array.copied(th);
        let items = th.new_bytes(&items);
        (function, vec![class, code, format, items])
    };
    let args = th.new_tuple(args);
    Ok(th.new_tuple(vec![function, args, state]))
}

/// Makes an array of a pickle: bytes in a machine format that may differ from ours.
pub fn reconstruct(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(ty) = a[0].downcast::<Type>() else {
        let msg = format!("first argument must be a type object, not {}", a[0].type_name(th));
        return Err(th.type_error(&msg));
    };
    if !is_array_class(ty) {
        let msg = format!("{} is not a subtype of array.array", a[0].repr_text(th)?);
        return Err(th.type_error(&msg));
    }
    let code = a[1].downcast::<Str>().filter(|s| s.len() == 1).map(|s| s.data().get(0));
    let Some(kind) = code.and_then(Kind::of_code) else {
        return Err(match code {
            Some(_) => bad_typecode(th),
            None => th.type_error("_array_reconstructor() argument 2 must be a unicode character"),
        });
    };
    let number = a[2].to_i64(th)?;
    let Some(format) = Foreign::of_number(number) else {
        return Err(th.value_error("third argument must be a valid machine format code."));
    };
    let Some(b) = a[3].downcast::<typhon_core::builtins::bytes::Bytes>() else {
        let msg = format!("fourth argument should be bytes, not {}", a[3].type_name(th));
        return Err(th.type_error(&msg));
    };
    let bytes = b.as_bytes();
    if number == kind.machine_format() {
        ops::whole(th, kind, bytes)?;
        return of_class(th, ty, kind, bytes.to_vec());
    }
    if !bytes.len().is_multiple_of(format.size) {
        return Err(th.value_error("string length not a multiple of item size"));
    }
    let mut out = Vec::new();
    let mut high = None;
    for item in bytes.chunks_exact(format.size) {
        let mut word = [0; 8];
        for (i, b) in item.iter().enumerate() {
            word[if format.big { format.size - 1 - i } else { i }] = *b;
        }
        let word = u64::from_le_bytes(word);
        let value = if format.text {
            // A surrogate pair of UTF-16 is one item.
            match (high.take(), word as u32) {
                (None, unit @ 0xD800..=0xDBFF) if format.size == 2 => {
                    high = Some(unit);
                    continue;
                }
                (Some(first), unit @ 0xDC00..=0xDFFF) => {
                    th.char_str(0x10000 + ((first - 0xD800) << 10) + (unit - 0xDC00))
                }
                (_, unit) => th.char_str(unit.min(0x0010_FFFF)),
            }
        } else if format.float {
            let x = if format.size == 4 { f32::from_bits(word as u32).into() } else { f64::from_bits(word) };
            th.new_float(x)
        } else if format.signed {
            let unused = 64 - 8 * format.size as u32;
            th.new_int(((word << unused) as i64) >> unused)
        } else {
            th.new_uint(word)
        };
        let raw = kind.write(th, value.borrow())?;
        out.extend_from_slice(&raw[..kind.size()]);
    }
    of_class(th, ty, kind, out)
}

fn is_array_class(ty: &Type) -> bool {
    ty.is_subtype_of(ARRAY.ty())
}
