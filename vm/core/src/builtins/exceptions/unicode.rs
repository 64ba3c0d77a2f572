//! UnicodeEncodeError, UnicodeDecodeError, UnicodeTranslateError.

use typhon_sync::prim::{AtomicIsize, Ordering};

use super::{
    ExceptionPayload, UNICODE_DECODE_ERROR, UNICODE_ENCODE_ERROR, UNICODE_ERROR, UNICODE_TRANSLATE_ERROR,
    base, chain_context, exception_payload, no_keywords, slot_attribute, slots_of, this,
};
use crate::builtins::bytes::Bytes;
use crate::builtins::str::Str;
use crate::object::{Borrowed, Owned, PyResult, Raised, Slot};
use crate::slots::{Args, Slots};
use crate::thread::Thread;
use crate::typedef::{GetSetDef, TypeDef};

exception_payload! {
    /// `UnicodeError` and its subclasses; only these use the fields, and translation has no encoding.
    pub struct UnicodeError: UNICODE_ERROR {
        pub encoding: Slot = Slot::empty(),
        /// What was being encoded (str) or decoded (bytes).
        pub object: Slot = Slot::empty(),
        pub reason: Slot = Slot::empty(),
        /// First offending unit, and one behind the last.
        pub start: AtomicIsize = AtomicIsize::new(0),
        pub end: AtomicIsize = AtomicIsize::new(0),
    }
}

pub(super) const BASE_SLOTS: Slots = Slots { new: Some(super::construct::<UnicodeError>), ..Slots::NONE };
pub(super) const DECODE_SLOTS: Slots =
    Slots { str: Some(decode_str), ..slots_of::<UnicodeError>(decode_init) };
pub(super) const ENCODE_SLOTS: Slots =
    Slots { str: Some(encode_str), ..slots_of::<UnicodeError>(encode_init) };
pub(super) const TRANSLATE_SLOTS: Slots =
    Slots { str: Some(translate_str), ..slots_of::<UnicodeError>(translate_init) };

const START: GetSetDef = GetSetDef::get("start", |th, o| get_index(th, o, |e| &e.start))
    .set(|th, o, v| set_index(th, o, v, |e| &e.start));
const END: GetSetDef = GetSetDef::get("end", |th, o| get_index(th, o, |e| &e.end))
    .set(|th, o, v| set_index(th, o, v, |e| &e.end));

pub(super) const CODEC_GETSET: &[GetSetDef] = &[
    slot_attribute!(UnicodeError, "encoding", encoding),
    slot_attribute!(UnicodeError, "object", object),
    START,
    END,
    slot_attribute!(UnicodeError, "reason", reason),
];
pub(super) const TRANSLATE_GETSET: &[GetSetDef] = &[
    slot_attribute!(UnicodeError, "object", object),
    START,
    END,
    slot_attribute!(UnicodeError, "reason", reason),
];

fn get_index(th: &mut Thread, o: Borrowed<'_>, field: fn(&UnicodeError) -> &AtomicIsize) -> PyResult {
    // ORDERING Relaxed: a plain number.
    let n = field(this::<UnicodeError>(o)).load(Ordering::Relaxed);
    Ok(th.new_int(n as i64))
}

fn set_index(
    th: &mut Thread,
    o: Borrowed<'_>,
    v: Option<Borrowed<'_>>,
    field: fn(&UnicodeError) -> &AtomicIsize,
) -> PyResult<()> {
    let Some(v) = v else { return Err(th.type_error("can't delete numeric/char attribute")) };
    let n = v.to_isize(th)?;
    // ORDERING Relaxed: a plain number.
    field(this::<UnicodeError>(o)).store(n, Ordering::Relaxed);
    Ok(())
}

/// Checks the number of arguments; `args` of the exception are those given.
fn expect(th: &mut Thread, o: Borrowed<'_>, a: &Args<'_>, n: usize) -> PyResult<()> {
    no_keywords(th, o.ty(), a)?;
    base::set_positional(th, o, a.pos());
    if a.pos().len() != n {
        let msg = format!("function takes exactly {n} arguments ({} given)", a.pos().len());
        return Err(th.type_error(&msg));
    }
    Ok(())
}

fn expect_str(th: &mut Thread, v: Borrowed<'_>, n: usize) -> PyResult<()> {
    if v.downcast::<Str>().is_none() {
        let msg = format!("argument {n} must be str, not {}", v.type_name(th));
        return Err(th.type_error(&msg));
    }
    Ok(())
}

fn store(
    th: &mut Thread,
    o: Borrowed<'_>,
    encoding: Option<Borrowed<'_>>,
    object: Owned,
    range: [Borrowed<'_>; 2],
    reason: Borrowed<'_>,
) -> PyResult<()> {
    let (start, end) = (range[0].to_isize(th)?, range[1].to_isize(th)?);
    let e = this::<UnicodeError>(o);
    if let Some(encoding) = encoding {
        e.encoding.set(&e.header, encoding.to_owned());
    }
    e.object.set(&e.header, object);
    e.reason.set(&e.header, reason.to_owned());
    // ORDERING Relaxed: plain numbers.
    e.start.store(start, Ordering::Relaxed);
    // ORDERING Relaxed: plain numbers.
    e.end.store(end, Ordering::Relaxed);
    Ok(())
}

fn encode_init(th: &mut Thread, o: Borrowed<'_>, a: Args<'_>) -> PyResult<()> {
    expect(th, o, &a, 5)?;
    let p = a.pos();
    expect_str(th, p[0], 1)?;
    expect_str(th, p[1], 2)?;
    expect_str(th, p[4], 5)?;
    store(th, o, Some(p[0]), p[1].to_owned(), [p[2], p[3]], p[4])
}

fn decode_init(th: &mut Thread, o: Borrowed<'_>, a: Args<'_>) -> PyResult<()> {
    expect(th, o, &a, 5)?;
    let p = a.pos();
    expect_str(th, p[0], 1)?;
    expect_str(th, p[4], 5)?;
    let object = match p[1].downcast::<Bytes>() {
        Some(_) => p[1].to_owned(),
        None => {
            let bytes = crate::buffer::get(th, p[1])?;
            th.new_bytes(bytes.as_slice())
        }
    };
    store(th, o, Some(p[0]), object, [p[2], p[3]], p[4])
}

fn translate_init(th: &mut Thread, o: Borrowed<'_>, a: Args<'_>) -> PyResult<()> {
    expect(th, o, &a, 4)?;
    let p = a.pos();
    expect_str(th, p[0], 1)?;
    expect_str(th, p[3], 4)?;
    store(th, o, None, p[0].to_owned(), [p[1], p[2]], p[3])
}

/// The parts of a message; `None`: `__init__` did not run.
struct Parts {
    object: Owned,
    encoding: Owned,
    reason: Owned,
    start: isize,
    end: isize,
}

fn parts(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Parts>> {
    let e = this::<UnicodeError>(o);
    let Some(object) = e.object.get(&e.header) else { return Ok(None) };
    let text = |th: &mut Thread, slot: &Slot| match slot.get(&e.header) {
        Some(v) => v.borrow().str(th),
        None => Ok(th.intern("None")),
    };
    let encoding = text(th, &e.encoding)?;
    let reason = text(th, &e.reason)?;
    let len = if let Some(s) = object.downcast::<Str>() {
        s.len()
    } else if let Some(b) = object.downcast::<Bytes>() {
        b.as_bytes().len()
    } else {
        return Ok(None);
    } as isize;
    // ORDERING Relaxed: plain numbers.
    let start = e.start.load(Ordering::Relaxed).clamp(0, (len - 1).max(0));
    // ORDERING Relaxed: plain numbers.
    let end = e.end.load(Ordering::Relaxed).clamp(0, len).max(1.min(len));
    Ok(Some(Parts { object, encoding, reason, start, end }))
}

/// `\xe9`, `\u20ac` or `\U0001f600`
fn escaped(c: u32) -> String {
    match c {
        0..=0xff => format!("\\x{c:02x}"),
        0x100..=0xffff => format!("\\u{c:04x}"),
        _ => format!("\\U{c:08x}"),
    }
}

fn message(th: &mut Thread, o: Borrowed<'_>, doing: &str, unit: &str, coded: bool) -> PyResult {
    let Some(p) = parts(th, o)? else { return Ok(th.intern("")) };
    let mut out = typhon_text::StrBuf::with_capacity(80);
    if coded {
        out.push_str("'");
        out.push_data(p.encoding.payload::<Str>().data());
        out.push_str("' codec ");
    }
    let one = if p.end == p.start + 1 {
        let at = p.start as usize;
        if let Some(s) = p.object.downcast::<Str>() {
            (at < s.len()).then(|| format!("'{}'", escaped(s.data().get(at))))
        } else {
            p.object.downcast::<Bytes>().and_then(|b| b.as_bytes().get(at)).map(|b| format!("0x{b:02x}"))
        }
    } else {
        None
    };
    let text = match one {
        Some(shown) => format!("can't {doing} {unit} {shown} in position {}: ", p.start),
        None => {
            let plural = if unit == "byte" { "bytes" } else { "characters" };
            format!("can't {doing} {plural} in position {}-{}: ", p.start, p.end - 1)
        }
    };
    out.push_str(&text);
    out.push_data(p.reason.payload::<Str>().data());
    Ok(th.new_str_buf(out))
}

fn encode_str(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    message(th, o, "encode", "character", true)
}

fn decode_str(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    message(th, o, "decode", "byte", true)
}

fn translate_str(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    message(th, o, "translate", "character", false)
}

fn make(
    th: &mut Thread,
    def: &'static TypeDef,
    encoding: Option<&str>,
    object: Borrowed<'_>,
    range: core::ops::Range<usize>,
    reason: &str,
) -> Owned {
    let encoding = encoding.map(|e| th.new_str(e));
    let reason = th.new_str(reason);
    let (start, end) = (th.new_int(range.start as i64), th.new_int(range.end as i64));
    let mut args: Vec<Owned> = encoding.iter().cloned().collect();
    args.extend([object.to_owned(), start, end, reason.clone()]);
    let args = th.new_tuple(args);
    let exc = UnicodeError {
        encoding: Slot::from_option(encoding),
        object: Slot::new(object.to_owned()),
        reason: Slot::new(reason),
        start: AtomicIsize::new(range.start as isize),
        end: AtomicIsize::new(range.end as isize),
        ..UnicodeError::blank(args)
    };
    let exc = th.alloc_as(exc, def.ty());
    chain_context(th, exc.borrow());
    exc
}

/// A new UnicodeDecodeError, for codec error handlers. `object` is a bytes.
pub fn new_unicode_decode_error(
    th: &mut Thread,
    encoding: &str,
    object: Borrowed<'_>,
    range: core::ops::Range<usize>,
    reason: &str,
) -> Owned {
    make(th, &UNICODE_DECODE_ERROR, Some(encoding), object, range, reason)
}

/// A new UnicodeEncodeError, for codec error handlers. `object` is a str.
pub fn new_unicode_encode_error(
    th: &mut Thread,
    encoding: &str,
    object: Borrowed<'_>,
    range: core::ops::Range<usize>,
    reason: &str,
) -> Owned {
    make(th, &UNICODE_ENCODE_ERROR, Some(encoding), object, range, reason)
}

/// Raises UnicodeDecodeError. `object` is a bytes.
#[cold]
pub fn unicode_decode_error(
    th: &mut Thread,
    encoding: &str,
    object: Borrowed<'_>,
    start: usize,
    end: usize,
    reason: &str,
) -> Raised {
    let exc = make(th, &UNICODE_DECODE_ERROR, Some(encoding), object, start..end, reason);
    th.set_exc(exc)
}

/// Raises UnicodeEncodeError. `object` is a str.
#[cold]
pub fn unicode_encode_error(
    th: &mut Thread,
    encoding: &str,
    object: Borrowed<'_>,
    start: usize,
    end: usize,
    reason: &str,
) -> Raised {
    let exc = make(th, &UNICODE_ENCODE_ERROR, Some(encoding), object, start..end, reason);
    th.set_exc(exc)
}

/// Raises UnicodeTranslateError. `object` is a str.
#[cold]
pub fn unicode_translate_error(
    th: &mut Thread,
    object: Borrowed<'_>,
    start: usize,
    end: usize,
    reason: &str,
) -> Raised {
    let exc = make(th, &UNICODE_TRANSLATE_ERROR, None, object, start..end, reason);
    th.set_exc(exc)
}
