//! Methods that `bytes` and `bytearray` share: searching, splitting, stripping, decoding.

use core::ops::Range;

use typhon_text::search::{self, Sides};

use super::ops::{Needle, of};
use crate::buffer::{ByteArg, bytes_like, bytes_like_opt};
use crate::builtins::bytearray::ByteArray;
use crate::builtins::str::Str;
use crate::builtins::subscript::bounds;
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::ArgsExt;
use crate::thread::Thread;
use crate::typedef::NativeDef;

macro_rules! shared {
    ($($name:literal $sig:literal $f:path, $doc:literal;)* => $($more:expr),* $(,)?) => {
        [$(NativeDef::new($name, $sig, $f, $doc),)* $($more),*]
    };
}
pub(crate) use shared;

macro_rules! with_shared {
    ($($more:expr),* $(,)?) => {
        $crate::builtins::bytes::methods::shared! {
            "capitalize" "($self, /)" $crate::builtins::bytes::transform::capitalize, "Return a copy with only its first character capitalized (ASCII) and the rest lower-cased.";
            "center" "($self, width, fillchar=b' ', /)" $crate::builtins::bytes::transform::center, "Return a centered string of length width.";
            "count" "($self, sub, start=None, end=None, /)" $crate::builtins::bytes::methods::count, "Return the number of non-overlapping occurrences of subsection sub.";
            "decode" "($self, /, encoding='utf-8', errors='strict')" $crate::builtins::bytes::methods::decode, "Decode the bytes using the codec registered for encoding.";
            "endswith" "($self, suffix, start=None, end=None, /)" $crate::builtins::bytes::methods::endswith, "Return True if the bytes end with the specified suffix, False otherwise.";
            "expandtabs" "($self, /, tabsize=8)" $crate::builtins::bytes::transform::expandtabs, "Return a copy where all tab characters are expanded using spaces.";
            "find" "($self, sub, start=None, end=None, /)" $crate::builtins::bytes::methods::find, "Return the lowest index where subsection sub is found, -1 on failure.";
            "hex" "($self, /, sep=None, bytes_per_sep=1)" $crate::builtins::bytes::transform::hex, "Create a string of hexadecimal numbers.";
            "index" "($self, sub, start=None, end=None, /)" $crate::builtins::bytes::methods::index, "Return the lowest index where subsection sub is found.\n\nRaise ValueError if the subsection is not found.";
            "isalnum" "($self, /)" $crate::builtins::bytes::transform::isalnum, "Return True if all bytes are alphanumeric and there is at least one.";
            "isalpha" "($self, /)" $crate::builtins::bytes::transform::isalpha, "Return True if all bytes are alphabetic and there is at least one.";
            "isascii" "($self, /)" $crate::builtins::bytes::transform::isascii, "Return True if all bytes are ASCII.";
            "isdigit" "($self, /)" $crate::builtins::bytes::transform::isdigit, "Return True if all bytes are digits and there is at least one.";
            "islower" "($self, /)" $crate::builtins::bytes::transform::islower, "Return True if all cased bytes are lowercase and there is at least one.";
            "isspace" "($self, /)" $crate::builtins::bytes::transform::isspace, "Return True if all bytes are whitespace and there is at least one.";
            "istitle" "($self, /)" $crate::builtins::bytes::transform::istitle, "Return True if the bytes are title-cased and there is at least one.";
            "isupper" "($self, /)" $crate::builtins::bytes::transform::isupper, "Return True if all cased bytes are uppercase and there is at least one.";
            "join" "($self, iterable_of_bytes, /)" $crate::builtins::bytes::methods::join, "Concatenate any number of bytes objects, with these bytes in between.";
            "ljust" "($self, width, fillchar=b' ', /)" $crate::builtins::bytes::transform::ljust, "Return a left-justified string of length width.";
            "lower" "($self, /)" $crate::builtins::bytes::transform::lower, "Return a copy with all ASCII characters converted to lowercase.";
            "lstrip" "($self, bytes=None, /)" $crate::builtins::bytes::methods::lstrip, "Strip leading bytes contained in the argument, or whitespace.";
            "partition" "($self, sep, /)" $crate::builtins::bytes::methods::partition, "Partition into three parts using the given separator.";
            "replace" "($self, old, new, count=-1, /)" $crate::builtins::bytes::methods::replace, "Return a copy with all occurrences of subsection old replaced by new.";
            "removeprefix" "($self, prefix, /)" $crate::builtins::bytes::methods::removeprefix, "Return a copy with the given prefix removed if present.";
            "removesuffix" "($self, suffix, /)" $crate::builtins::bytes::methods::removesuffix, "Return a copy with the given suffix removed if present.";
            "rfind" "($self, sub, start=None, end=None, /)" $crate::builtins::bytes::methods::rfind, "Return the highest index where subsection sub is found, -1 on failure.";
            "rindex" "($self, sub, start=None, end=None, /)" $crate::builtins::bytes::methods::rindex, "Return the highest index where subsection sub is found.\n\nRaise ValueError if the subsection is not found.";
            "rjust" "($self, width, fillchar=b' ', /)" $crate::builtins::bytes::transform::rjust, "Return a right-justified string of length width.";
            "rpartition" "($self, sep, /)" $crate::builtins::bytes::methods::rpartition, "Partition into three parts using the given separator, searching from the end.";
            "rsplit" "($self, /, sep=None, maxsplit=-1)" $crate::builtins::bytes::methods::rsplit, "Return a list of the sections, using sep as the delimiter, working from the end.";
            "rstrip" "($self, bytes=None, /)" $crate::builtins::bytes::methods::rstrip, "Strip trailing bytes contained in the argument, or whitespace.";
            "split" "($self, /, sep=None, maxsplit=-1)" $crate::builtins::bytes::methods::split, "Return a list of the sections, using sep as the delimiter.";
            "splitlines" "($self, /, keepends=False)" $crate::builtins::bytes::methods::splitlines, "Return a list of the lines, breaking at line boundaries.";
            "startswith" "($self, prefix, start=None, end=None, /)" $crate::builtins::bytes::methods::startswith, "Return True if the bytes start with the specified prefix, False otherwise.";
            "strip" "($self, bytes=None, /)" $crate::builtins::bytes::methods::strip, "Strip leading and trailing bytes contained in the argument, or whitespace.";
            "swapcase" "($self, /)" $crate::builtins::bytes::transform::swapcase, "Return a copy with uppercase ASCII characters converted to lowercase and vice versa.";
            "title" "($self, /)" $crate::builtins::bytes::transform::title, "Return a titlecased version, in ASCII.";
            "translate" "($self, table, /, delete=b'')" $crate::builtins::bytes::transform::translate, "Return a copy with each character mapped by the given translation table.";
            "upper" "($self, /)" $crate::builtins::bytes::transform::upper, "Return a copy with all ASCII characters converted to uppercase.";
            "zfill" "($self, width, /)" $crate::builtins::bytes::transform::zfill, "Pad a numeric string with zeros on the left, to fill a field of the given width.";
            => $crate::typedef::NativeDef::new("fromhex", "($type, string, /)", $crate::builtins::bytes::transform::fromhex, "Create from a string of hexadecimal numbers.").class(),
            $crate::typedef::NativeDef::new("maketrans", "(frm, to, /)", $crate::builtins::bytes::transform::maketrans, "Return a translation table usable for the bytes or bytearray translate method.").static_(),
            $($more),*
        }
    };
}
pub(crate) use with_shared;

pub(super) static BYTES: &[NativeDef] = &with_shared![
    NativeDef::new("__bytes__", "($self, /)", dunder_bytes, "Convert this value to exact type bytes."),
    NativeDef::new("__getnewargs__", "($self, /)", getnewargs, ""),
    NativeDef::new("__sizeof__", "($self, /)", sizeof, "Return the size of the object in memory, in bytes."),
];

/// Runs `f` on the bytes of self, which is bytes or a bytearray (then under its lock).
pub(crate) fn with_self<R>(th: &mut Thread, o: Borrowed<'_>, f: impl FnOnce(&[u8]) -> R) -> R {
    match o.downcast::<ByteArray>() {
        Some(a) => {
            let data = a.data.lock(&a.header, th);
            f(&data.0)
        }
        None => f(of(o)),
    }
}

/// The bytes of self for pieces that become objects: bytes in place, of a bytearray a copy.
pub(crate) fn snapshot<'a>(th: &mut Thread, o: Borrowed<'a>) -> std::borrow::Cow<'a, [u8]> {
    match o.downcast::<ByteArray>() {
        Some(a) => a.data.lock(&a.header, th).0.clone().into(),
        None => of(o).into(),
    }
}

/// A new object of self's built-in kind.
pub(crate) fn alike(th: &mut Thread, o: Borrowed<'_>, b: &[u8]) -> Owned {
    if o.downcast::<ByteArray>().is_some() { th.new_bytearray(b.to_vec()) } else { th.new_bytes(b) }
}

/// `start..end` of self, whose bytes are `b`; a bytes object itself where possible.
fn piece(th: &mut Thread, o: Borrowed<'_>, b: &[u8], r: Range<usize>) -> Owned {
    if o.downcast::<ByteArray>().is_some() {
        return th.new_bytearray(b[r].to_vec());
    }
    super::ops::piece(th, o, r.start, r.end)
}

/// The subject of a search: an int or bytes-like.
fn needle<'a>(th: &mut Thread, v: Borrowed<'a>) -> PyResult<Needle<'a>> {
    if let Some(b) = bytes_like_opt(th, v)? {
        return Ok(Needle::Bytes(b));
    }
    if crate::number::is_index(v) {
        return Ok(Needle::Byte([super::byte_value(th, v, "byte must be in range(0, 256)")?]));
    }
    let msg = format!("argument should be integer or bytes-like object, not '{}'", v.type_name(th));
    Err(th.type_error(&msg))
}

fn search_for(
    th: &mut Thread,
    a: &[Borrowed<'_>],
    f: fn(&[u8], &[u8]) -> Option<usize>,
) -> PyResult<Option<usize>> {
    let sub = needle(th, a[1])?;
    let n = with_self(th, a[0], <[u8]>::len);
    let (start, end) = bounds(th, a.some(2), a.some(3), n)?;
    Ok(with_self(th, a[0], |b| {
        let end = end.min(b.len());
        if start > end { None } else { f(&b[start..end], &sub).map(|i| i + start) }
    }))
}

pub(crate) fn find(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let at = search_for(th, a, search::find_bytes)?;
    Ok(th.new_int(at.map_or(-1, |i| i as i64)))
}

pub(crate) fn rfind(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let at = search_for(th, a, search::rfind_bytes)?;
    Ok(th.new_int(at.map_or(-1, |i| i as i64)))
}

pub(crate) fn index(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    match search_for(th, a, search::find_bytes)? {
        Some(i) => Ok(th.new_int(i as i64)),
        None => Err(th.value_error("subsection not found")),
    }
}

pub(crate) fn rindex(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    match search_for(th, a, search::rfind_bytes)? {
        Some(i) => Ok(th.new_int(i as i64)),
        None => Err(th.value_error("subsection not found")),
    }
}

pub(crate) fn count(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let sub = needle(th, a[1])?;
    let n = with_self(th, a[0], <[u8]>::len);
    let (start, end) = bounds(th, a.some(2), a.some(3), n)?;
    let n = with_self(th, a[0], |b| {
        let end = end.min(b.len());
        if start > end { 0 } else { search::count_bytes(&b[start..end], &sub) }
    });
    Ok(th.new_int(n as i64))
}

fn affix(th: &mut Thread, a: &[Borrowed<'_>], method: &str, at_end: bool) -> PyResult {
    let n = with_self(th, a[0], <[u8]>::len);
    let (start, end) = bounds(th, a.some(2), a.some(3), n)?;
    let test = |th: &mut Thread, p: &[u8]| {
        with_self(th, a[0], |b| {
            let end = end.min(b.len());
            start <= end && if at_end { b[start..end].ends_with(p) } else { b[start..end].starts_with(p) }
        })
    };
    if let Some(t) = a[1].downcast::<Tuple>() {
        for p in t.iter() {
            let p = bytes_like(th, p)?;
            if test(th, &p) {
                return Ok(Owned::bool(true));
            }
        }
        return Ok(Owned::bool(false));
    }
    match bytes_like_opt(th, a[1])? {
        Some(p) => Ok(Owned::bool(test(th, &p))),
        None => {
            let msg =
                format!("{method} first arg must be bytes or a tuple of bytes, not {}", a[1].type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

pub(crate) fn startswith(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    affix(th, a, "startswith", false)
}

pub(crate) fn endswith(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    affix(th, a, "endswith", true)
}

pub(crate) fn removeprefix(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let p = bytes_like(th, a[1])?;
    let b = snapshot(th, a[0]);
    let start = if b.starts_with(&p) { p.len() } else { 0 };
    Ok(piece(th, a[0], &b, start..b.len()))
}

pub(crate) fn removesuffix(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let p = bytes_like(th, a[1])?;
    let b = snapshot(th, a[0]);
    let cut = if b.ends_with(&p) { p.len() } else { 0 };
    Ok(piece(th, a[0], &b, 0..b.len() - cut))
}

fn strip_sides(th: &mut Thread, a: &[Borrowed<'_>], sides: Sides) -> PyResult {
    let drop = match a.some(1) {
        Some(v) => Some(bytes_like(th, v)?),
        None => None,
    };
    let b = snapshot(th, a[0]);
    let r = search::strip_bytes(&b, drop.as_deref(), sides);
    Ok(piece(th, a[0], &b, r))
}

pub(crate) fn strip(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    strip_sides(th, a, Sides::Both)
}

pub(crate) fn lstrip(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    strip_sides(th, a, Sides::Left)
}

pub(crate) fn rstrip(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    strip_sides(th, a, Sides::Right)
}

/// `sep` and `maxsplit`. Errors: TypeError, ValueError for an empty separator.
fn split_arguments<'a>(th: &mut Thread, a: &[Borrowed<'a>]) -> PyResult<(Option<ByteArg<'a>>, usize)> {
    let max = match a.opt(2) {
        Some(n) => usize::try_from(n.to_isize(th)?).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    let sep = match a.some(1) {
        Some(v) => Some(bytes_like(th, v)?),
        None => None,
    };
    if sep.as_ref().is_some_and(|s| s.is_empty()) {
        return Err(th.value_error("empty separator"));
    }
    Ok((sep, max))
}

fn pieces(th: &mut Thread, o: Borrowed<'_>, b: &[u8], ranges: Vec<Range<usize>>) -> Owned {
    let items = ranges.into_iter().map(|r| piece(th, o, b, r)).collect();
    th.new_list(items)
}

pub(crate) fn split(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (sep, max) = split_arguments(th, a)?;
    let b = snapshot(th, a[0]);
    let mut ranges = Vec::with_capacity(8);
    match &sep {
        None => search::split_whitespace_bytes(&b, max, |r| ranges.push(r)),
        Some(_) if max == 0 => ranges.push(0..b.len()),
        Some(sep) => search::split(typhon_text::StrData::One(&b), typhon_text::StrData::One(sep), max, |r| {
            ranges.push(r)
        }),
    }
    Ok(pieces(th, a[0], &b, ranges))
}

pub(crate) fn rsplit(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (sep, max) = split_arguments(th, a)?;
    let b = snapshot(th, a[0]);
    let ranges = match &sep {
        None => search::rsplit_whitespace_bytes(&b, max),
        Some(sep) => search::rsplit(typhon_text::StrData::One(&b), typhon_text::StrData::One(sep), max),
    };
    Ok(pieces(th, a[0], &b, ranges))
}

pub(crate) fn splitlines(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let keep = match a.opt(1) {
        Some(k) => k.truth(th)?,
        None => false,
    };
    let b = snapshot(th, a[0]);
    let mut ranges = Vec::with_capacity(8);
    search::split_lines_bytes(&b, keep, |r| ranges.push(r));
    Ok(pieces(th, a[0], &b, ranges))
}

fn partition_at(th: &mut Thread, a: &[Borrowed<'_>], last: bool) -> PyResult {
    let sep = bytes_like(th, a[1])?;
    if sep.is_empty() {
        return Err(th.value_error("empty separator"));
    }
    let b = snapshot(th, a[0]);
    let at = if last { search::rfind_bytes(&b, &sep) } else { search::find_bytes(&b, &sep) };
    let parts = match at {
        Some(i) => {
            let before = alike(th, a[0], &b[..i]);
            let middle = if a[0].downcast::<ByteArray>().is_none()
                && a[1].downcast_exact::<super::Bytes>().is_some()
            {
                a[1].to_owned()
            } else {
                alike(th, a[0], &sep)
            };
            vec![before, middle, alike(th, a[0], &b[i + sep.len()..])]
        }
        None => {
            let whole = piece(th, a[0], &b, 0..b.len());
            let (x, y) = (alike(th, a[0], b""), alike(th, a[0], b""));
            if last { vec![x, y, whole] } else { vec![whole, x, y] }
        }
    };
    Ok(th.new_tuple(parts))
}

pub(crate) fn partition(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    partition_at(th, a, false)
}

pub(crate) fn rpartition(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    partition_at(th, a, true)
}

pub(crate) fn replace(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let old = bytes_like(th, a[1])?;
    let new = bytes_like(th, a[2])?;
    let max = match a.opt(3) {
        Some(n) => usize::try_from(n.to_isize(th)?).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    let b = snapshot(th, a[0]);
    match search::replace_bytes(&b, &old, &new, max) {
        Some(v) if a[0].downcast::<ByteArray>().is_some() => Ok(th.new_bytearray(v)),
        Some(v) => Ok(th.new_bytes(&v)),
        None => Ok(piece(th, a[0], &b, 0..b.len())),
    }
}

pub(crate) fn join(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let items = match a[1].to_vec(th) {
        Ok(v) => v,
        Err(raised) => {
            if a[1].ty().slots.iter().is_none() && th.exc_is(&crate::builtins::exceptions::TYPE_ERROR) {
                drop(th.catch(raised));
                return Err(th.type_error("can only join an iterable"));
            }
            return Err(raised);
        }
    };
    let mut parts = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        match bytes_like_opt(th, item.borrow())? {
            Some(b) => parts.push(b),
            None => {
                let msg = format!(
                    "sequence item {i}: expected a bytes-like object, {} found",
                    item.borrow().type_name(th)
                );
                return Err(th.type_error(&msg));
            }
        }
    }
    if let [one] = &items[..]
        && a[0].downcast::<ByteArray>().is_none()
        && one.borrow().downcast_exact::<super::Bytes>().is_some()
    {
        return Ok(one.clone());
    }
    let sep = snapshot(th, a[0]);
    let total = parts.iter().map(|p| p.len()).sum::<usize>() + sep.len() * parts.len().saturating_sub(1);
    let write = |out: &mut [u8]| {
        let mut at = 0;
        let mut put = |b: &[u8]| {
            out[at..at + b.len()].copy_from_slice(b);
            at += b.len();
        };
        for (i, p) in parts.iter().enumerate() {
            if i > 0 {
                put(&sep);
            }
            put(p);
        }
    };
    if a[0].downcast::<ByteArray>().is_some() {
        th.check_size(total)?;
        let mut out = vec![0; total];
        write(&mut out);
        return Ok(th.new_bytearray(out));
    }
    th.new_bytes_with(total, write)
}

pub(crate) fn decode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let mut text = |v: Option<Borrowed<'_>>, name: &str| -> PyResult<Option<String>> {
        match v {
            None => Ok(None),
            Some(v) => match v.downcast::<Str>() {
                Some(s) => Ok(Some(s.to_text())),
                None => {
                    let msg = format!("decode() argument '{name}' must be str, not {}", v.type_name(th));
                    Err(th.type_error(&msg))
                }
            },
        }
    };
    let encoding = text(a.opt(1), "encoding")?;
    let errors = text(a.opt(2), "errors")?;
    let b = snapshot(th, a[0]);
    crate::codecs::decode(
        th,
        a[0],
        &b,
        encoding.as_deref().unwrap_or("utf-8"),
        errors.as_deref().unwrap_or("strict"),
    )
}

fn dunder_bytes(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    Ok(super::ops::piece(th, a[0], 0, of(a[0]).len()))
}

fn getnewargs(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let b = super::ops::piece(th, a[0], 0, of(a[0]).len());
    Ok(th.new_tuple(vec![b]))
}

fn sizeof(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    Ok(th.new_int((super::Bytes::ITEMS + of(a[0]).len()) as i64))
}
