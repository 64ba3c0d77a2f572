//! `_codecs`: the native codecs and the registry, for the module `codecs`.

mod charmap;
mod handlers;

use typhon_core::buffer::bytes_like;
use typhon_core::builtins::bytes::Bytes;
use typhon_core::builtins::str::Str;
use typhon_core::codecs::{self as registry, Handler};
use typhon_core::{ArgsExt, Borrowed, ModuleDef, NativeDef, Owned, PyResult, Raised, Thread};
use typhon_text::codecs::{
    ByteOrder, ErrorMode, bytes_escape, single_byte, unicode_escape, utf7, utf8, utf16, utf32,
};
use typhon_text::{StrBuf, StrData};

pub static MODULE: ModuleDef = ModuleDef {
    name: "_codecs",
    doc: "",
    functions: FUNCTIONS,
    types: &[&charmap::MAP],
    setup: Some(handlers::setup),
};

macro_rules! functions {
    ($($name:literal $sig:literal $f:path;)*) => { &[$(NativeDef::new($name, $sig, $f, "")),*] };
}

static FUNCTIONS: &[NativeDef] = functions! {
    "register" "(search_function, /)" register;
    "unregister" "(search_function, /)" unregister;
    "lookup" "(encoding, /)" lookup;
    "encode" "(obj, encoding='utf-8', errors='strict')" encode;
    "decode" "(obj, encoding='utf-8', errors='strict')" decode;
    "register_error" "(errors, handler, /)" register_error;
    "_unregister_error" "(errors, /)" unregister_error;
    "lookup_error" "(name, /)" lookup_error;
    "_normalize_encoding" "(encoding)" normalize_encoding;
    "escape_encode" "(data, errors=None, /)" escape_encode;
    "escape_decode" "(data, errors=None, /)" escape_decode;
    "readbuffer_encode" "(data, errors=None, /)" readbuffer_encode;
    "utf_8_encode" "(str, errors=None, /)" utf_8_encode;
    "utf_8_decode" "(data, errors=None, final=False, /)" utf_8_decode;
    "utf_7_encode" "(str, errors=None, /)" utf_7_encode;
    "utf_7_decode" "(data, errors=None, final=False, /)" utf_7_decode;
    "utf_16_encode" "(str, errors=None, byteorder=0, /)" utf_16_encode;
    "utf_16_le_encode" "(str, errors=None, /)" utf_16_le_encode;
    "utf_16_be_encode" "(str, errors=None, /)" utf_16_be_encode;
    "utf_16_decode" "(data, errors=None, final=False, /)" utf_16_decode;
    "utf_16_le_decode" "(data, errors=None, final=False, /)" utf_16_le_decode;
    "utf_16_be_decode" "(data, errors=None, final=False, /)" utf_16_be_decode;
    "utf_16_ex_decode" "(data, errors=None, byteorder=0, final=False, /)" utf_16_ex_decode;
    "utf_32_encode" "(str, errors=None, byteorder=0, /)" utf_32_encode;
    "utf_32_le_encode" "(str, errors=None, /)" utf_32_le_encode;
    "utf_32_be_encode" "(str, errors=None, /)" utf_32_be_encode;
    "utf_32_decode" "(data, errors=None, final=False, /)" utf_32_decode;
    "utf_32_le_decode" "(data, errors=None, final=False, /)" utf_32_le_decode;
    "utf_32_be_decode" "(data, errors=None, final=False, /)" utf_32_be_decode;
    "utf_32_ex_decode" "(data, errors=None, byteorder=0, final=False, /)" utf_32_ex_decode;
    "unicode_escape_encode" "(str, errors=None, /)" unicode_escape_encode;
    "unicode_escape_decode" "(data, errors=None, final=True, /)" unicode_escape_decode;
    "raw_unicode_escape_encode" "(str, errors=None, /)" raw_unicode_escape_encode;
    "raw_unicode_escape_decode" "(data, errors=None, final=True, /)" raw_unicode_escape_decode;
    "latin_1_encode" "(str, errors=None, /)" latin_1_encode;
    "latin_1_decode" "(data, errors=None, /)" latin_1_decode;
    "ascii_encode" "(str, errors=None, /)" ascii_encode;
    "ascii_decode" "(data, errors=None, /)" ascii_decode;
    "charmap_encode" "(str, errors=None, mapping=None, /)" charmap::encode;
    "charmap_decode" "(data, errors=None, mapping=None, /)" charmap::decode;
    "charmap_build" "(map, /)" charmap::build;
    "_strict_errors" "(exception, /)" handlers::strict_errors;
    "_ignore_errors" "(exception, /)" handlers::ignore_errors;
    "_replace_errors" "(exception, /)" handlers::replace_errors;
    "_xmlcharrefreplace_errors" "(exception, /)" handlers::xmlcharrefreplace_errors;
    "_backslashreplace_errors" "(exception, /)" handlers::backslashreplace_errors;
    "_namereplace_errors" "(exception, /)" handlers::namereplace_errors;
    "_surrogatepass" "(exception, /)" handlers::surrogatepass_errors;
    "_surrogateescape" "(exception, /)" handlers::surrogateescape_errors;
};

/// A str argument. Errors: TypeError.
fn text_arg<'a>(th: &mut Thread, v: Borrowed<'a>, function: &str, position: usize) -> PyResult<&'a Str> {
    match v.downcast::<Str>() {
        Some(s) => Ok(s),
        None => {
            let msg = format!("{function}() argument {position} must be str, not {}", v.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

/// The name of the error handler: `strict` unless given.
fn errors_arg(th: &mut Thread, a: &[Borrowed<'_>], i: usize) -> PyResult<String> {
    match a.some(i) {
        None => Ok(String::from("strict")),
        Some(e) => match e.downcast::<Str>() {
            Some(s) => Ok(s.to_text()),
            None => {
                let msg = format!("argument {} must be str or None, not {}", i + 1, e.type_name(th));
                Err(th.type_error(&msg))
            }
        },
    }
}

fn flag(th: &mut Thread, a: &[Borrowed<'_>], i: usize, default: bool) -> PyResult<bool> {
    match a.opt(i) {
        Some(v) => v.truth(th),
        None => Ok(default),
    }
}

/// `(result, length)`
fn pair(th: &mut Thread, v: Owned, n: usize) -> Owned {
    let n = th.new_int(n as i64);
    th.new_tuple(vec![v, n])
}

fn register(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    registry::register(th, a[0])?;
    Ok(Owned::none())
}

fn unregister(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    registry::unregister(th, a[0]);
    Ok(Owned::none())
}

fn lookup(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    text_arg(th, a[0], "lookup", 1)?;
    registry::lookup(th, a[0])
}

fn named(th: &mut Thread, v: Option<Borrowed<'_>>, function: &str, name: &str) -> PyResult<Option<Owned>> {
    match v {
        None => Ok(None),
        Some(v) if v.downcast::<Str>().is_some() => Ok(Some(v.to_owned())),
        Some(v) => {
            let msg = format!("{function}() argument '{name}' must be str, not {}", v.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

fn encode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let encoding = named(th, a.opt(1), "encode", "encoding")?;
    let errors = named(th, a.opt(2), "encode", "errors")?;
    let encoding = encoding.unwrap_or_else(|| th.intern("utf-8"));
    registry::encode_any(th, a[0], encoding.borrow(), errors.as_ref().map(Owned::borrow))
}

fn decode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let encoding = named(th, a.opt(1), "decode", "encoding")?;
    let errors = named(th, a.opt(2), "decode", "errors")?;
    let encoding = encoding.unwrap_or_else(|| th.intern("utf-8"));
    registry::decode_any(th, a[0], encoding.borrow(), errors.as_ref().map(Owned::borrow))
}

fn register_error(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    text_arg(th, a[0], "register_error", 1)?;
    registry::register_error(th, a[0], a[1])?;
    Ok(Owned::none())
}

fn unregister_error(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let name = text_arg(th, a[0], "_unregister_error", 1)?.to_text();
    if ErrorMode::by_name(&name).is_some() {
        let msg = format!("cannot un-register built-in error handler '{name}'");
        return Err(th.value_error(&msg));
    }
    Ok(Owned::bool(registry::unregister_error(th, a[0])?))
}

fn lookup_error(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let name = text_arg(th, a[0], "lookup_error", 1)?.to_text();
    registry::lookup_error(th, &name)
}

fn normalize_encoding(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let name = registry::normalized(&text_arg(th, a[0], "_normalize_encoding", 1)?.to_text());
    Ok(th.new_str(&name))
}

/// Runs an encoder: `(bytes, length of the text)`.
fn encoded(
    th: &mut Thread,
    a: &[Borrowed<'_>],
    function: &str,
    run: impl FnOnce(StrData<'_>, &mut Handler<'_>, &mut Vec<u8>) -> Result<(), Raised>,
) -> PyResult {
    let s = text_arg(th, a[0], function, 1)?;
    let errors = errors_arg(th, a, 1)?;
    let mut out = Vec::with_capacity(s.len());
    run(s.data(), &mut Handler::new(th, &errors, a[0]), &mut out)?;
    let b = th.new_bytes(&out);
    Ok(pair(th, b, s.len()))
}

/// Runs a decoder that reports how many bytes it used: `(text, bytes)`.
fn decoded(
    th: &mut Thread,
    a: &[Borrowed<'_>],
    run: impl FnOnce(&[u8], &mut Handler<'_>, &mut StrBuf) -> Result<usize, Raised>,
) -> PyResult {
    let b = bytes_like(th, a[0])?;
    let errors = errors_arg(th, a, 1)?;
    let mut out = StrBuf::with_capacity(b.len());
    let n = run(&b, &mut Handler::new(th, &errors, a[0]), &mut out)?;
    let s = th.new_str_buf(out);
    Ok(pair(th, s, n))
}

fn escape_encode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(b) = a[0].downcast::<Bytes>() else {
        let msg = format!("escape_encode() argument 1 must be bytes, not {}", a[0].type_name(th));
        return Err(th.type_error(&msg));
    };
    let out = bytes_escape::encode(b.as_bytes());
    let v = th.new_bytes(&out);
    Ok(pair(th, v, b.len()))
}

fn escape_decode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let errors = errors_arg(th, a, 1)?;
    let Some(mode) = ErrorMode::by_name(&errors) else {
        let msg = format!("decoding error; unknown error handling code: {errors}");
        return Err(th.value_error(&msg));
    };
    let owned;
    let b = match utf8_of(th, a[0])? {
        Some(v) => {
            owned = v;
            typhon_core::buffer::ByteArg::Bytes(&owned)
        }
        None => bytes_like(th, a[0])?,
    };
    match bytes_escape::decode(&b, mode) {
        Ok(d) => {
            let v = th.new_bytes(&d.bytes);
            Ok(pair(th, v, b.len()))
        }
        Err(e) => Err(th.text_error(&e)),
    }
}

/// A str given where bytes are decoded counts as its UTF-8 bytes; `None` for what is no str.
fn utf8_of(th: &mut Thread, v: Borrowed<'_>) -> PyResult<Option<Vec<u8>>> {
    if v.downcast::<Str>().is_none() {
        return Ok(None);
    }
    let b = registry::encode(th, v, "utf-8", "strict")?;
    Ok(b.downcast::<Bytes>().map(|b| b.as_bytes().to_vec()))
}

fn readbuffer_encode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let v = match utf8_of(th, a[0])? {
        Some(v) => v,
        None => bytes_like(th, a[0])?.to_vec(),
    };
    let b = th.new_bytes(&v);
    Ok(pair(th, b, v.len()))
}

fn utf_8_encode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    encoded(th, a, "utf_8_encode", |d, h, out| utf8::encode(d, h, out))
}

fn utf_8_decode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let last = flag(th, a, 2, false)?;
    decoded(th, a, |b, h, out| utf8::decode(b, h, last, out))
}

fn utf_7_encode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    encoded(th, a, "utf_7_encode", |d, _, out| {
        utf7::encode(d, out);
        Ok(())
    })
}

fn utf_7_decode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let last = flag(th, a, 2, false)?;
    decoded(th, a, |b, h, out| utf7::decode(b, h, last, out))
}

/// The argument `byteorder`: negative little, positive big, 0 the machine's with a mark.
fn order_arg(th: &mut Thread, v: Option<Borrowed<'_>>) -> PyResult<Option<ByteOrder>> {
    let n = match v {
        Some(v) => v.to_i64(th)?,
        None => 0,
    };
    Ok(match n {
        0 => None,
        n if n < 0 => Some(ByteOrder::Little),
        _ => Some(ByteOrder::Big),
    })
}

/// The byte order a decoder found, as `*_ex_decode` reports it.
fn order_number(order: Option<ByteOrder>) -> i64 {
    match order {
        None => 0,
        Some(ByteOrder::Little) => -1,
        Some(ByteOrder::Big) => 1,
    }
}

macro_rules! wide_codecs {
    ($codec:ident: $encode:ident $le_encode:ident $be_encode:ident $decode:ident $le_decode:ident $be_decode:ident $ex_decode:ident) => {
        fn $encode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
            let order = order_arg(th, a.opt(2))?;
            encoded(th, a, stringify!($encode), |d, h, out| $codec::encode(d, order, h, out))
        }
        fn $le_encode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
            encoded(th, a, stringify!($le_encode), |d, h, out| {
                $codec::encode(d, Some(ByteOrder::Little), h, out)
            })
        }
        fn $be_encode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
            encoded(th, a, stringify!($be_encode), |d, h, out| {
                $codec::encode(d, Some(ByteOrder::Big), h, out)
            })
        }
        fn $decode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
            let last = flag(th, a, 2, false)?;
            decoded(th, a, |b, h, out| Ok($codec::decode(b, None, h, last, out)?.consumed))
        }
        fn $le_decode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
            let last = flag(th, a, 2, false)?;
            decoded(th, a, |b, h, out| Ok($codec::decode(b, Some(ByteOrder::Little), h, last, out)?.consumed))
        }
        fn $be_decode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
            let last = flag(th, a, 2, false)?;
            decoded(th, a, |b, h, out| Ok($codec::decode(b, Some(ByteOrder::Big), h, last, out)?.consumed))
        }
        fn $ex_decode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
            let order = order_arg(th, a.opt(2))?;
            let last = flag(th, a, 3, false)?;
            let b = bytes_like(th, a[0])?;
            let errors = errors_arg(th, a, 1)?;
            let mut out = StrBuf::new();
            let d = $codec::decode(&b, order, &mut Handler::new(th, &errors, a[0]), last, &mut out)?;
            let parts =
                vec![th.new_str_buf(out), th.new_int(d.consumed as i64), th.new_int(order_number(d.order))];
            Ok(th.new_tuple(parts))
        }
    };
}

wide_codecs!(utf16: utf_16_encode utf_16_le_encode utf_16_be_encode utf_16_decode utf_16_le_decode utf_16_be_decode utf_16_ex_decode);
wide_codecs!(utf32: utf_32_encode utf_32_le_encode utf_32_be_encode utf_32_decode utf_32_le_decode utf_32_be_decode utf_32_ex_decode);

fn unicode_escape_encode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    encoded(th, a, "unicode_escape_encode", |d, _, out| {
        unicode_escape::encode(d, out);
        Ok(())
    })
}

fn raw_unicode_escape_encode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    encoded(th, a, "raw_unicode_escape_encode", |d, _, out| {
        unicode_escape::encode_raw(d, out);
        Ok(())
    })
}

/// As [`decoded`], for codecs that take text as well.
fn text_or_bytes_decoded(
    th: &mut Thread,
    a: &[Borrowed<'_>],
    run: impl FnOnce(&[u8], &mut Handler<'_>, &mut StrBuf) -> Result<usize, Raised>,
) -> PyResult {
    match utf8_of(th, a[0])? {
        Some(v) => {
            let b = th.new_bytes(&v);
            let mut args = a.to_vec();
            args[0] = b.borrow();
            decoded(th, &args, run)
        }
        None => decoded(th, a, run),
    }
}

fn unicode_escape_decode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let last = flag(th, a, 2, true)?;
    text_or_bytes_decoded(th, a, |b, h, out| Ok(unicode_escape::decode(b, h, last, out)?.consumed))
}

fn raw_unicode_escape_decode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let last = flag(th, a, 2, true)?;
    text_or_bytes_decoded(th, a, |b, h, out| unicode_escape::decode_raw(b, h, last, out))
}

fn latin_1_encode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    encoded(th, a, "latin_1_encode", |d, h, out| single_byte::encode_latin1(d, h, out))
}

fn latin_1_decode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    decoded(th, a, |b, _, out| {
        single_byte::decode_latin1(b, out);
        Ok(b.len())
    })
}

fn ascii_encode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    encoded(th, a, "ascii_encode", |d, h, out| single_byte::encode_ascii(d, h, out))
}

fn ascii_decode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    decoded(th, a, |b, h, out| {
        single_byte::decode_ascii(b, h, out)?;
        Ok(b.len())
    })
}
