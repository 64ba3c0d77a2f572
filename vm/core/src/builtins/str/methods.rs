//! Methods of `str`.

use typhon_text::search::{self, Sides};
use typhon_text::{StrData, unicode};

use super::core::{of, piece, substring};
use super::{Class, Str, fill};
use crate::builtins::subscript::bounds;
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::ArgsExt;
use crate::thread::Thread;
use crate::typedef::NativeDef;

macro_rules! methods {
    ($($name:literal $sig:literal $f:path, $doc:literal;)*) => {
        &[
            $(NativeDef::new($name, $sig, $f, $doc),)*
            NativeDef::new(
                "maketrans",
                "(x, y=None, z=None, /)",
                super::translate::maketrans,
                "Return a translation table usable for str.translate().",
            )
            .static_(),
        ]
    };
}

pub(super) static METHODS: &[NativeDef] = methods! {
    "encode" "($self, /, encoding='utf-8', errors='strict')" encode, "Encode the string using the codec registered for encoding.";
    "replace" "($self, old, new, /, count=-1)" replace, "Return a copy with all occurrences of substring old replaced by new.";
    "split" "($self, /, sep=None, maxsplit=-1)" split, "Return a list of the substrings in the string, using sep as the separator string.";
    "rsplit" "($self, /, sep=None, maxsplit=-1)" rsplit, "Return a list of the substrings in the string, using sep as the separator string.\n\nSplitting starts at the end of the string and works to the front.";
    "join" "($self, iterable, /)" join, "Concatenate any number of strings.\n\nThe string whose method is called is inserted in between each given string.";
    "capitalize" "($self, /)" capitalize, "Return a capitalized version of the string.";
    "casefold" "($self, /)" casefold, "Return a version of the string suitable for caseless comparisons.";
    "title" "($self, /)" title, "Return a version of the string where each word is titlecased.";
    "center" "($self, width, fillchar=' ', /)" center, "Return a centered string of length width.";
    "count" "($self, sub, start=None, end=None, /)" count, "Return the number of non-overlapping occurrences of substring sub in string S[start:end].";
    "expandtabs" "($self, /, tabsize=8)" expandtabs, "Return a copy where all tab characters are expanded using spaces.";
    "find" "($self, sub, start=None, end=None, /)" find, "Return the lowest index in S where substring sub is found, such that sub is contained within S[start:end].";
    "partition" "($self, sep, /)" partition, "Partition the string into three parts using the given separator.";
    "index" "($self, sub, start=None, end=None, /)" index, "Return the lowest index in S where substring sub is found, such that sub is contained within S[start:end].\n\nRaises ValueError when the substring is not found.";
    "ljust" "($self, width, fillchar=' ', /)" ljust, "Return a left-justified string of length width.";
    "lower" "($self, /)" lower, "Return a copy of the string converted to lowercase.";
    "lstrip" "($self, chars=None, /)" lstrip, "Return a copy of the string with leading whitespace removed.";
    "rfind" "($self, sub, start=None, end=None, /)" rfind, "Return the highest index in S where substring sub is found, such that sub is contained within S[start:end].";
    "rindex" "($self, sub, start=None, end=None, /)" rindex, "Return the highest index in S where substring sub is found, such that sub is contained within S[start:end].\n\nRaises ValueError when the substring is not found.";
    "rjust" "($self, width, fillchar=' ', /)" rjust, "Return a right-justified string of length width.";
    "rstrip" "($self, chars=None, /)" rstrip, "Return a copy of the string with trailing whitespace removed.";
    "rpartition" "($self, sep, /)" rpartition, "Partition the string into three parts using the given separator.";
    "splitlines" "($self, /, keepends=False)" splitlines, "Return a list of the lines in the string, breaking at line boundaries.";
    "strip" "($self, chars=None, /)" strip, "Return a copy of the string with leading and trailing whitespace removed.";
    "swapcase" "($self, /)" swapcase, "Convert uppercase characters to lowercase and lowercase characters to uppercase.";
    "translate" "($self, table, /)" super::translate::translate, "Replace each character in the string using the given translation table.";
    "upper" "($self, /)" upper, "Return a copy of the string converted to uppercase.";
    "startswith" "($self, prefix, start=None, end=None, /)" startswith, "Return True if the string starts with the specified prefix, False otherwise.";
    "endswith" "($self, suffix, start=None, end=None, /)" endswith, "Return True if the string ends with the specified suffix, False otherwise.";
    "removeprefix" "($self, prefix, /)" removeprefix, "Return a str with the given prefix string removed if present.";
    "removesuffix" "($self, suffix, /)" removesuffix, "Return a str with the given suffix string removed if present.";
    "isascii" "($self, /)" isascii, "Return True if all characters in the string are ASCII, False otherwise.";
    "islower" "($self, /)" islower, "Return True if the string is a lowercase string, False otherwise.";
    "isupper" "($self, /)" isupper, "Return True if the string is an uppercase string, False otherwise.";
    "istitle" "($self, /)" istitle, "Return True if the string is a title-cased string, False otherwise.";
    "isspace" "($self, /)" isspace, "Return True if the string is a whitespace string, False otherwise.";
    "isdecimal" "($self, /)" isdecimal, "Return True if the string is a decimal string, False otherwise.";
    "isdigit" "($self, /)" isdigit, "Return True if the string is a digit string, False otherwise.";
    "isnumeric" "($self, /)" isnumeric, "Return True if the string is a numeric string, False otherwise.";
    "isalpha" "($self, /)" isalpha, "Return True if the string is an alphabetic string, False otherwise.";
    "isalnum" "($self, /)" isalnum, "Return True if the string is an alpha-numeric string, False otherwise.";
    "isidentifier" "($self, /)" isidentifier, "Return True if the string is a valid Python identifier, False otherwise.";
    "isprintable" "($self, /)" isprintable, "Return True if all characters in the string are printable, False otherwise.";
    "zfill" "($self, width, /)" zfill, "Pad a numeric string with zeros on the left, to fill a field of the given width.";
    "format" "($self, /, *args, **kwargs)" super::format::format, "Return a formatted version of the string, using substitutions from args and kwargs.";
    "format_map" "($self, mapping, /)" super::format::format_map, "Return a formatted version of the string, using substitutions from mapping.";
    "__format__" "($self, format_spec, /)" dunder_format, "Return a formatted version of the string as described by format_spec.";
    "__sizeof__" "($self, /)" sizeof, "Return the size of the string in memory, in bytes.";
    "__getnewargs__" "($self, /)" getnewargs, "";
};

/// A str argument of a method. Errors: TypeError as argument clinic words it.
fn str_arg<'a>(th: &mut Thread, v: Borrowed<'a>, method: &str, position: usize) -> PyResult<&'a Str> {
    match v.downcast::<Str>() {
        Some(s) => Ok(s),
        None => {
            let at = if position == 0 { String::new() } else { format!(" {position}") };
            let msg = format!("{method}() argument{at} must be str, not {}", type_or_none(th, v));
            Err(th.type_error(&msg))
        }
    }
}

/// The type name as clinic's messages show it: `None` for None itself.
pub(crate) fn type_or_none(th: &Thread, v: Borrowed<'_>) -> String {
    if v.is_none() { String::from("None") } else { v.type_name(th) }
}

fn encode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let encoding = match a.opt(1) {
        Some(e) => Some(str_arg_named(th, e, "encode", "encoding")?),
        None => None,
    };
    let errors = match a.opt(2) {
        Some(e) => Some(str_arg_named(th, e, "encode", "errors")?),
        None => None,
    };
    crate::codecs::encode_arg(th, a[0], encoding, errors)
}

fn str_arg_named<'a>(th: &mut Thread, v: Borrowed<'a>, method: &str, name: &str) -> PyResult<&'a Str> {
    match v.downcast::<Str>() {
        Some(s) => Ok(s),
        None => {
            let msg = format!("{method}() argument '{name}' must be str, not {}", type_or_none(th, v));
            Err(th.type_error(&msg))
        }
    }
}

/// A count such as `maxsplit`: negative means no limit.
fn limit(th: &mut Thread, v: Option<Borrowed<'_>>) -> PyResult<usize> {
    match v {
        None => Ok(usize::MAX),
        Some(v) => Ok(usize::try_from(v.to_isize(th)?).unwrap_or(usize::MAX)),
    }
}

fn replace(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let s = of(a[0]);
    let old = str_arg(th, a[1], "replace", 1)?;
    let new = str_arg(th, a[2], "replace", 2)?;
    let max = limit(th, a.opt(3))?;
    if let (Some(text), Some(old), Some(new)) = (s.as_ascii(), old.as_ascii(), new.as_ascii())
        && let ([from], [to]) = (old.as_bytes(), new.as_bytes())
        && max == usize::MAX
    {
        let b = text.as_bytes();
        let Some(first) = memchr::memchr(*from, b) else { return Ok(substring(th, a[0], 0, s.len())) };
        if b.len() == 1 {
            return Ok(th.char_str(u32::from(*to)));
        }
        let (v, p) = th.alloc_str(b.len(), Class::Ascii);
        // SAFETY: room for the text was asked for; positions are inside it.
        unsafe {
            core::ptr::copy_nonoverlapping(b.as_ptr(), p, b.len());
            for at in memchr::memchr_iter(*from, &b[first..]) {
                *p.add(first + at) = *to;
            }
        }
        return Ok(v);
    }
    match search::replace(s.data(), old.data(), new.data(), max) {
        Some(b) => Ok(th.new_str_buf(b)),
        None => Ok(substring(th, a[0], 0, s.len())),
    }
}

/// The separator argument of `split`: `None` for whitespace. Errors: TypeError, ValueError when empty.
fn separator<'a>(th: &mut Thread, v: Option<Borrowed<'a>>) -> PyResult<Option<&'a Str>> {
    let Some(v) = v else { return Ok(None) };
    match v.downcast::<Str>() {
        Some(s) if s.is_empty() => Err(th.value_error("empty separator")),
        Some(s) => Ok(Some(s)),
        None => {
            let msg = format!("must be str or None, not {}", v.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

fn split(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let s = of(a[0]);
    let sep = separator(th, a.some(1))?;
    let max = limit(th, a.opt(2))?;
    let mut out = Vec::with_capacity(8);
    if max == 0 && sep.is_some() {
        out.push(substring(th, a[0], 0, s.len()));
        return Ok(th.new_list(out));
    }
    match sep {
        None => search::split_whitespace(s.data(), max, |r| out.push(substring(th, a[0], r.start, r.end))),
        Some(sep) => match (s.data(), sep.data()) {
            (StrData::One(b), StrData::One([one])) if s.is_ascii() => {
                let mut start = 0;
                for at in memchr::memchr_iter(*one, b).take(max) {
                    out.push(th.new_ascii(&b[start..at]));
                    start = at + 1;
                }
                out.push(substring(th, a[0], start, b.len()));
            }
            (d, sep) => search::split(d, sep, max, |r| out.push(substring(th, a[0], r.start, r.end))),
        },
    }
    Ok(th.new_list(out))
}

fn rsplit(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let s = of(a[0]);
    let sep = separator(th, a.some(1))?;
    let max = limit(th, a.opt(2))?;
    let ranges = match sep {
        None => search::rsplit_whitespace(s.data(), max),
        Some(sep) => search::rsplit(s.data(), sep.data(), max),
    };
    let parts = ranges.into_iter().map(|r| substring(th, a[0], r.start, r.end)).collect();
    Ok(th.new_list(parts))
}

fn splitlines(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let keep = match a.opt(1) {
        Some(k) => k.truth(th)?,
        None => false,
    };
    let mut out = Vec::with_capacity(8);
    search::split_lines(of(a[0]).data(), keep, |r| out.push(substring(th, a[0], r.start, r.end)));
    Ok(th.new_list(out))
}

fn join(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    super::core::join(th, a[0], a[1])
}

/// The separator of `partition`. Errors: TypeError, ValueError when empty.
fn partition_separator<'a>(th: &mut Thread, v: Borrowed<'a>) -> PyResult<&'a Str> {
    match v.downcast::<Str>() {
        Some(s) if s.is_empty() => Err(th.value_error("empty separator")),
        Some(s) => Ok(s),
        None => {
            let msg = format!("must be str, not {}", v.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

fn partition(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let s = of(a[0]);
    let sep = partition_separator(th, a[1])?;
    let parts = match search::partition(s.data(), sep.data()) {
        Some((before, after)) => {
            let before = piece(th, s, before.start, before.end);
            let after = piece(th, s, after.start, after.end);
            vec![before, substring(th, a[1], 0, sep.len()), after]
        }
        None => vec![substring(th, a[0], 0, s.len()), th.empty_str(), th.empty_str()],
    };
    Ok(th.new_tuple(parts))
}

fn rpartition(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let s = of(a[0]);
    let sep = partition_separator(th, a[1])?;
    let parts = match search::rpartition(s.data(), sep.data()) {
        Some((before, after)) => {
            let before = piece(th, s, before.start, before.end);
            let after = piece(th, s, after.start, after.end);
            vec![before, substring(th, a[1], 0, sep.len()), after]
        }
        None => vec![th.empty_str(), th.empty_str(), substring(th, a[0], 0, s.len())],
    };
    Ok(th.new_tuple(parts))
}

macro_rules! finders {
    ($($name:ident $search:path, $literal:literal;)*) => { $(
        fn $name(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult<Option<usize>> {
            let s = of(a[0]);
            let sub = str_arg(th, a[1], $literal, 1)?;
            let (start, end) = bounds(th, a.some(2), a.some(3), s.len())?;
            if start > end {
                return Ok(None);
            }
            let d = if start == 0 && end == s.len() { s.data() } else { s.data().slice(start, end) };
            Ok($search(d, sub.data()).map(|i| i + start))
        }
    )* };
}

finders! {
    find_at search::find, "find";
    rfind_at search::rfind, "rfind";
    index_at search::find, "index";
    rindex_at search::rfind, "rindex";
}

fn found_or_minus(th: &mut Thread, at: Option<usize>) -> PyResult {
    Ok(th.new_int(at.map_or(-1, |i| i as i64)))
}

fn found_or_error(th: &mut Thread, at: Option<usize>) -> PyResult {
    match at {
        Some(i) => Ok(th.new_int(i as i64)),
        None => Err(th.value_error("substring not found")),
    }
}

fn find(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let at = find_at(th, a)?;
    found_or_minus(th, at)
}

fn rfind(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let at = rfind_at(th, a)?;
    found_or_minus(th, at)
}

fn index(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let at = index_at(th, a)?;
    found_or_error(th, at)
}

fn rindex(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let at = rindex_at(th, a)?;
    found_or_error(th, at)
}

fn count(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let s = of(a[0]);
    let sub = str_arg(th, a[1], "count", 1)?;
    let (start, end) = bounds(th, a.some(2), a.some(3), s.len())?;
    let n = if start > end { 0 } else { search::count(s.data().slice(start, end), sub.data()) };
    Ok(th.new_int(n as i64))
}

fn affix(
    th: &mut Thread,
    a: &[Borrowed<'_>],
    method: &str,
    matches: fn(StrData<'_>, StrData<'_>) -> bool,
) -> PyResult {
    let s = of(a[0]);
    let whole = if a.some(2).is_none() && a.some(3).is_none() {
        Some(s.data())
    } else {
        let (start, end) = bounds(th, a.some(2), a.some(3), s.len())?;
        (start <= end).then(|| s.data().slice(start, end))
    };
    let test = |p: &Str| whole.is_some_and(|d| matches(d, p.data()));
    if let Some(p) = a[1].downcast::<Str>() {
        return Ok(Owned::bool(test(p)));
    }
    let Some(t) = a[1].downcast::<Tuple>() else {
        let msg = format!("{method} first arg must be str or a tuple of str, not {}", a[1].type_name(th));
        return Err(th.type_error(&msg));
    };
    for p in t.iter() {
        match p.downcast::<Str>() {
            Some(p) if test(p) => return Ok(Owned::bool(true)),
            Some(_) => {}
            None => {
                let msg = format!("tuple for {method} must only contain str, not {}", p.type_name(th));
                return Err(th.type_error(&msg));
            }
        }
    }
    Ok(Owned::bool(false))
}

fn startswith(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    affix(th, a, "startswith", search::starts_with)
}

fn endswith(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    affix(th, a, "endswith", search::ends_with)
}

fn removeprefix(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (s, p) = (of(a[0]), str_arg(th, a[1], "removeprefix", 0)?);
    let start = if search::starts_with(s.data(), p.data()) { p.len() } else { 0 };
    Ok(substring(th, a[0], start, s.len()))
}

fn removesuffix(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (s, p) = (of(a[0]), str_arg(th, a[1], "removesuffix", 0)?);
    let cut = if search::ends_with(s.data(), p.data()) { p.len() } else { 0 };
    Ok(substring(th, a[0], 0, s.len() - cut))
}

fn strip_with(th: &mut Thread, a: &[Borrowed<'_>], sides: Sides, method: &str) -> PyResult {
    let s = of(a[0]);
    let r = match a.some(1) {
        None => search::strip_whitespace(s.data(), sides),
        Some(chars) => match chars.downcast::<Str>() {
            Some(chars) => search::strip(s.data(), chars.data(), sides),
            None => {
                let msg = format!("{method} arg must be None or str");
                return Err(th.type_error(&msg));
            }
        },
    };
    Ok(substring(th, a[0], r.start, r.end))
}

fn strip(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    strip_with(th, a, Sides::Both, "strip")
}

fn lstrip(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    strip_with(th, a, Sides::Left, "lstrip")
}

fn rstrip(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    strip_with(th, a, Sides::Right, "rstrip")
}

/// A new ASCII str of the same length, byte by byte.
fn map_ascii(th: &mut Thread, b: &[u8], f: impl Fn(u8) -> u8) -> Owned {
    match b {
        [] => th.empty_str(),
        [one] => th.char_str(u32::from(f(*one))),
        _ => {
            let (v, p) = th.alloc_str(b.len(), Class::Ascii);
            for (i, c) in b.iter().enumerate() {
                // SAFETY: `len` bytes were asked for.
                unsafe { *p.add(i) = f(*c) }
            }
            v
        }
    }
}

fn lower(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let s = of(a[0]);
    Ok(match s.as_ascii() {
        Some(t) => map_ascii(th, t.as_bytes(), |b| b.to_ascii_lowercase()),
        None => th.new_str_buf(unicode::lower(s.data())),
    })
}

fn upper(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let s = of(a[0]);
    Ok(match s.as_ascii() {
        Some(t) => map_ascii(th, t.as_bytes(), |b| b.to_ascii_uppercase()),
        None => th.new_str_buf(unicode::upper(s.data())),
    })
}

fn casefold(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let s = of(a[0]);
    Ok(match s.as_ascii() {
        Some(t) => map_ascii(th, t.as_bytes(), |b| b.to_ascii_lowercase()),
        None => th.new_str_buf(unicode::casefold(s.data())),
    })
}

fn swapcase(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let s = of(a[0]);
    let swap = |b: u8| if b.is_ascii_alphabetic() { b ^ 0x20 } else { b };
    Ok(match s.as_ascii() {
        Some(t) => map_ascii(th, t.as_bytes(), swap),
        None => th.new_str_buf(unicode::swapcase(s.data())),
    })
}

fn capitalize(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    Ok(th.new_str_buf(unicode::capitalize(of(a[0]).data())))
}

fn title(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    Ok(th.new_str_buf(unicode::title(of(a[0]).data())))
}

/// The text with `left` and `right` fill characters around it.
fn pad(th: &mut Thread, o: Borrowed<'_>, left: usize, right: usize, c: u32) -> PyResult {
    let s = of(o);
    if left == 0 && right == 0 {
        return Ok(substring(th, o, 0, s.len()));
    }
    let class = s.class().max(Class::of_max(c));
    let width = class.width();
    let Some(n) = left.checked_add(right).and_then(|p| p.checked_add(s.len())) else {
        return Err(th.overflow_error("padded string is too long"));
    };
    th.check_size(n.saturating_mul(width))?;
    if n == 1 {
        return Ok(th.char_str(c));
    }
    let (v, p) = th.alloc_str(n, class);
    // SAFETY: `n` characters of the class were asked for.
    unsafe {
        fill_char(p, c, left, width);
        fill(p.add(left * width), s.data(), width);
        fill_char(p.add((left + s.len()) * width), c, right, width);
    }
    Ok(v)
}

/// # Safety
/// `p` has room for `n` units of `width` bytes, and `c` fits.
unsafe fn fill_char(p: *mut u8, c: u32, n: usize, width: usize) {
    // SAFETY: by contract.
    unsafe {
        match width {
            1 => core::ptr::write_bytes(p, c as u8, n),
            2 => (0..n).for_each(|i| *(p as *mut u16).add(i) = c as u16),
            _ => (0..n).for_each(|i| *(p as *mut u32).add(i) = c),
        }
    }
}

/// Arguments `width` and `fillchar`: how many characters are missing, and which.
fn padding(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult<(usize, u32)> {
    let width = a[1].to_isize(th)?;
    let c = match a.opt(2) {
        None => b' '.into(),
        Some(c) => match c.downcast::<Str>() {
            Some(c) if c.len() == 1 => c.data().get(0),
            Some(_) => return Err(th.type_error("The fill character must be exactly one character long")),
            None => {
                let msg = format!("The fill character must be a unicode character, not {}", c.type_name(th));
                return Err(th.type_error(&msg));
            }
        },
    };
    Ok(((width.max(0) as usize).saturating_sub(of(a[0]).len()), c))
}

fn center(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (missing, c) = padding(th, a)?;
    let width = missing + of(a[0]).len();
    let left = missing / 2 + (missing & width & 1);
    pad(th, a[0], left, missing - left, c)
}

fn ljust(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (missing, c) = padding(th, a)?;
    pad(th, a[0], 0, missing, c)
}

fn rjust(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (missing, c) = padding(th, a)?;
    pad(th, a[0], missing, 0, c)
}

fn zfill(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let width = a[1].to_isize(th)?.max(0) as usize;
    th.check_size(width)?;
    let s = of(a[0]);
    match typhon_text::padding::zero_fill(s.data(), width) {
        Some(b) => Ok(th.new_str_buf(b)),
        None => Ok(substring(th, a[0], 0, s.len())),
    }
}

fn expandtabs(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let size = match a.opt(1) {
        Some(n) => {
            let n = n.to_i64(th)?;
            match i32::try_from(n) {
                Ok(n) => n.max(0) as usize,
                Err(_) => return Err(th.overflow_error("Python int too large to convert to C int")),
            }
        }
        None => 8,
    };
    let s = of(a[0]);
    let tabs = search::count(s.data(), StrData::One(b"\t"));
    if tabs == 0 {
        return Ok(substring(th, a[0], 0, s.len()));
    }
    let Some(n) = tabs.checked_mul(size).and_then(|n| n.checked_add(s.len())) else {
        return Err(th.overflow_error("new string is too long"));
    };
    th.check_size(n)?;
    Ok(th.new_str_buf(typhon_text::padding::expand_tabs(s.data(), size)))
}

macro_rules! predicates {
    ($($name:ident($s:ident) $test:expr;)*) => { $(
        fn $name(_th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
            let $s = of(a[0]);
            Ok(Owned::bool($test))
        }
    )* };
}

/// As `unicode::all`, byte by byte for ASCII.
fn every(s: &Str, ascii: fn(&u8) -> bool, any: fn(u32) -> bool) -> bool {
    match s.as_ascii() {
        Some(t) => !t.is_empty() && t.as_bytes().iter().all(ascii),
        None => unicode::all(s.data(), any),
    }
}

predicates! {
    isascii(s) s.is_ascii() || s.is_empty();
    islower(s) unicode::text_is_lower(s.data());
    isupper(s) unicode::text_is_upper(s.data());
    istitle(s) unicode::text_is_title(s.data());
    isspace(s) every(s, |b| typhon_text::int::is_space(*b), unicode::is_space);
    isdecimal(s) every(s, u8::is_ascii_digit, unicode::is_decimal);
    isdigit(s) every(s, u8::is_ascii_digit, unicode::is_digit);
    isnumeric(s) every(s, u8::is_ascii_digit, unicode::is_numeric);
    isalpha(s) every(s, u8::is_ascii_alphabetic, unicode::is_alpha);
    isalnum(s) every(s, u8::is_ascii_alphanumeric, unicode::is_alnum);
    isidentifier(s) unicode::text_is_identifier(s.data());
    isprintable(s) unicode::text_is_printable(s.data());
}

fn dunder_format(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let spec = str_arg(th, a[1], "__format__", 0)?;
    super::core::format_str(th, a[0], spec)
}

fn sizeof(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let s = of(a[0]);
    Ok(th.new_int((Str::CHARS + s.len() * s.class().width()) as i64))
}

fn getnewargs(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let s = substring(th, a[0], 0, of(a[0]).len());
    Ok(th.new_tuple(vec![s]))
}
