//! Encoding and decoding text: the built-in codecs directly, others through the registry that the module
//! `codecs` shows (PEP 100, PEP 293).

use typhon_text::codecs::{Codec, DecodeHandler, EncodeHandler, ErrorMode, Failure, Fault, Replacement};
use typhon_text::{StrBuf, StrData};

use crate::builtins::bytes::Bytes;
use crate::builtins::dict::Dict;
use crate::builtins::exceptions as ex;
use crate::builtins::list::List;
use crate::builtins::str::Str;
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult, Raised};
use crate::thread::Thread;

/// Keys under which the runtime keeps the registry.
const SEARCH_PATH: &str = "codecs.search_path";
const CACHE: &str = "codecs.cache";
const HANDLERS: &str = "codecs.error_handlers";

/// `s.encode(encoding, errors)`: bytes. `s` is a str.
pub fn encode(th: &mut Thread, s: Borrowed<'_>, encoding: &str, errors: &str) -> PyResult {
    let text = crate::builtins::str::core::of(s);
    if let Some(codec) = Codec::by_name(encoding) {
        return encode_with(th, s, errors, |d, handler| codec.encode(d, handler), plain(codec, text));
    }
    let name = th.new_str(encoding);
    let errors = th.new_str(errors);
    encode_registered(th, s, name.borrow(), errors.borrow())
}

/// As [`encode`], with the optional arguments of `str.encode`.
pub fn encode_arg(
    th: &mut Thread,
    s: Borrowed<'_>,
    encoding: Option<&Str>,
    errors: Option<&Str>,
) -> PyResult {
    let errors_text = match errors {
        Some(e) => e.to_text(),
        None => String::from("strict"),
    };
    let Some(name) = encoding else { return encode(th, s, "utf-8", &errors_text) };
    if let Some(ascii) = name.as_ascii() {
        reject_nul(th, ascii)?;
        return encode(th, s, ascii, &errors_text);
    }
    let errors = th.new_str(&errors_text);
    encode_registered(th, s, Borrowed::from_payload(name), errors.borrow())
}

fn reject_nul(th: &mut Thread, name: &str) -> PyResult<()> {
    if name.contains('\0') { Err(th.value_error("embedded null character")) } else { Ok(()) }
}

/// `bytes.decode(encoding, errors)`: a str. `object` is what holds the bytes, for exceptions.
pub fn decode(th: &mut Thread, object: Borrowed<'_>, bytes: &[u8], encoding: &str, errors: &str) -> PyResult {
    match Codec::by_name(encoding) {
        Some(Codec::Utf8 | Codec::Ascii) if bytes.is_ascii() => Ok(th.new_ascii(bytes)),
        Some(Codec::Latin1) => Ok(th.new_str_data(StrData::One(bytes))),
        Some(codec) => decode_with(th, object, bytes, errors, |b, handler| codec.decode(b, handler)),
        None => {
            reject_nul(th, encoding)?;
            let name = th.new_str(encoding);
            let errors = th.new_str(errors);
            decode_registered(th, object, name.borrow(), errors.borrow())
        }
    }
}

/// As [`decode`], with the optional arguments of `bytes.decode` and `str`.
pub fn decode_arg(
    th: &mut Thread,
    object: Borrowed<'_>,
    bytes: &[u8],
    encoding: Option<&Str>,
    errors: Option<&Str>,
) -> PyResult {
    let encoding = match encoding {
        Some(e) => e.to_text(),
        None => String::from("utf-8"),
    };
    let errors = match errors {
        Some(e) => e.to_text(),
        None => String::from("strict"),
    };
    decode(th, object, bytes, &encoding, &errors)
}

/// Text whose bytes are those of the encoding already.
fn plain(codec: Codec, s: &Str) -> bool {
    s.is_ascii() && matches!(codec, Codec::Utf8 | Codec::Ascii | Codec::Latin1)
}

/// Runs an encoder on a str with the named error handler; `plain` says that the text needs no encoding.
pub fn encode_with(
    th: &mut Thread,
    s: Borrowed<'_>,
    errors: &str,
    run: impl FnOnce(StrData<'_>, &mut Handler<'_>) -> Result<Vec<u8>, Raised>,
    plain: bool,
) -> PyResult {
    let d = crate::builtins::str::core::of(s).data();
    if plain && let StrData::One(b) = d {
        return Ok(th.new_bytes(b));
    }
    let mut handler = Handler::new(th, errors, s);
    let out = run(d, &mut handler)?;
    Ok(th.new_bytes(&out))
}

/// Runs a decoder on bytes with the named error handler; `object` is what holds the bytes.
pub fn decode_with(
    th: &mut Thread,
    object: Borrowed<'_>,
    bytes: &[u8],
    errors: &str,
    run: impl FnOnce(&[u8], &mut Handler<'_>) -> Result<StrBuf, Raised>,
) -> PyResult {
    let mut handler = Handler::new(th, errors, object);
    let out = run(bytes, &mut handler)?;
    Ok(th.new_str_buf(out))
}

/// The error handler of a conversion: a built-in one, or a callable from the registry.
pub struct Handler<'a> {
    pub th: &'a mut Thread,
    errors: &'a str,
    mode: Option<ErrorMode>,
    object: Borrowed<'a>,
}

impl<'a> Handler<'a> {
    /// `object` is the str or bytes-like object that is converted.
    pub fn new(th: &'a mut Thread, errors: &'a str, object: Borrowed<'a>) -> Handler<'a> {
        Handler { th, errors, mode: ErrorMode::by_name(errors), object }
    }

    /// Asks a registered handler: the replacement and where to go on.
    fn ask(&mut self, exc: Owned, len: usize, kind: &str) -> PyResult<(Owned, usize)> {
        let th = &mut *self.th;
        let handler = lookup_error(th, self.errors)?;
        let r = handler.borrow().call(th, &[exc.borrow()])?;
        let pair = r.downcast::<Tuple>().filter(|t| t.len() == 2);
        let Some((text, at)) = pair.map(|t| (t.get(0).to_owned(), t.get(1).to_owned())) else {
            return Err(th.type_error(&format!("{kind} error handler must return (str, int) tuple")));
        };
        let at = at.borrow().to_isize(th)?;
        let resume = if at < 0 { at + len as isize } else { at };
        if resume < 0 || resume as usize > len {
            let msg = format!("position {at} from error handler out of bounds");
            return Err(th.index_error(&msg));
        }
        Ok((text, resume as usize))
    }
}

impl DecodeHandler for Handler<'_> {
    type Error = Raised;

    #[cold]
    fn handle(&mut self, input: &[u8], fault: &Fault, out: &mut StrBuf) -> Result<usize, Raised> {
        if let Some(mode) = self.mode {
            return match mode.decode_replacement(input, fault, out) {
                Ok(resume) => Ok(resume),
                Err(Failure::Fault(f)) => {
                    let exc = decode_error(self.th, self.object, input, &f);
                    Err(self.th.set_exc(exc))
                }
                Err(Failure::EncodeOnly) => {
                    Err(self.th.type_error("don't know how to handle UnicodeDecodeError in error callback"))
                }
            };
        }
        let exc = decode_error(self.th, self.object, input, fault);
        let (text, resume) = self.ask(exc, input.len(), "decoding")?;
        match text.downcast::<Str>() {
            Some(s) => out.push_data(s.data()),
            None => {
                return Err(self.th.type_error("decoding error handler must return (str, int) tuple"));
            }
        }
        Ok(resume)
    }
}

impl EncodeHandler for Handler<'_> {
    type Error = Raised;

    #[cold]
    fn handle(&mut self, text: StrData<'_>, fault: &Fault) -> Result<(Replacement, usize), Raised> {
        if let Some(mode) = self.mode {
            return match mode.encode_replacement(text, fault) {
                Some(r) => Ok(r),
                None => Err(self.strict(text, fault)),
            };
        }
        let exc = encode_error(self.th, self.object, fault);
        let (r, resume) = self.ask(exc, text.len(), "encoding")?;
        if let Some(s) = r.downcast::<Str>() {
            return Ok((Replacement::Text(StrBuf::from(s.data())), resume));
        }
        match r.downcast::<Bytes>() {
            Some(b) => Ok((Replacement::Bytes(b.as_bytes().to_vec()), resume)),
            None => Err(self.th.type_error("encoding error handler must return (str/bytes, int) tuple")),
        }
    }

    #[cold]
    fn strict(&mut self, _text: StrData<'_>, fault: &Fault) -> Raised {
        let exc = encode_error(self.th, self.object, fault);
        self.th.set_exc(exc)
    }
}

/// A `UnicodeDecodeError` for a fault.
pub fn decode_error(th: &mut Thread, object: Borrowed<'_>, input: &[u8], f: &Fault) -> Owned {
    let object = if object.downcast::<Bytes>().is_some() { object.to_owned() } else { th.new_bytes(input) };
    ex::new_unicode_decode_error(th, f.encoding, object.borrow(), f.start..f.end, f.reason)
}

/// A `UnicodeEncodeError` for a fault.
pub fn encode_error(th: &mut Thread, object: Borrowed<'_>, f: &Fault) -> Owned {
    ex::new_unicode_encode_error(th, f.encoding, object, f.start..f.end, f.reason)
}

fn kept(th: &mut Thread, key: &'static str, new: fn(&mut Thread) -> Owned) -> Owned {
    match th.rt.stored(key) {
        Some(v) => v,
        None => {
            let v = new(th);
            th.rt.store(key, v.clone());
            v
        }
    }
}

fn search_path(th: &mut Thread) -> Owned {
    kept(th, SEARCH_PATH, |th| th.new_list(Vec::new()))
}

fn cache(th: &mut Thread) -> Owned {
    kept(th, CACHE, |th| th.new_dict())
}

fn handlers(th: &mut Thread) -> Owned {
    kept(th, HANDLERS, |th| th.new_dict())
}

/// `codecs.register(search)`
pub fn register(th: &mut Thread, search: Borrowed<'_>) -> PyResult<()> {
    if !search.is_callable() {
        return Err(th.type_error("argument must be callable"));
    }
    search_path(th).payload::<List>().push(search.to_owned());
    Ok(())
}

/// `codecs.unregister(search)`
pub fn unregister(th: &mut Thread, search: Borrowed<'_>) {
    let path = search_path(th);
    let left = path.payload::<List>().to_vec().into_iter().filter(|f| !f.is(search.word())).collect();
    let left = th.new_list(left);
    th.rt.store(SEARCH_PATH, left);
    cache(th).payload::<Dict>().clear();
}

/// `codecs.register_error(name, handler)`
pub fn register_error(th: &mut Thread, name: Borrowed<'_>, handler: Borrowed<'_>) -> PyResult<()> {
    if !handler.is_callable() {
        return Err(th.type_error("handler must be callable"));
    }
    handlers(th).payload::<Dict>().set(th, name, handler.to_owned())
}

/// `codecs._unregister_error(name)`: was there one?
pub fn unregister_error(th: &mut Thread, name: Borrowed<'_>) -> PyResult<bool> {
    Ok(handlers(th).payload::<Dict>().remove(th, name)?.is_some())
}

/// `codecs.lookup_error(name)`. Errors: LookupError.
pub fn lookup_error(th: &mut Thread, name: &str) -> PyResult {
    let key = th.new_str(name);
    let d = handlers(th);
    match d.payload::<Dict>().get(th, key.borrow())? {
        Some(h) => Ok(h),
        None => {
            let msg = format!("unknown error handler name '{name}'");
            Err(th.lookup_error(&msg))
        }
    }
}

/// The name under which a codec is searched: lower case, runs of punctuation other than `.` as `_`.
pub fn normalized(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut gap = false;
    for c in name.chars() {
        if c.is_alphanumeric() || c == '.' {
            if gap && !out.is_empty() {
                out.push('_');
            }
            gap = false;
            out.extend(c.to_lowercase().filter(char::is_ascii));
        } else {
            gap = true;
        }
    }
    out
}

/// `codecs.lookup(encoding)`: the CodecInfo. Errors: LookupError.
pub fn lookup(th: &mut Thread, encoding: Borrowed<'_>) -> PyResult {
    let text = encoding.str_text(th)?;
    reject_nul(th, &text)?;
    let name = normalized(&text);
    let key = th.new_str(&name);
    let known = cache(th);
    if let Some(v) = known.payload::<Dict>().get(th, key.borrow())? {
        return Ok(v);
    }
    if search_path(th).payload::<List>().is_empty() {
        crate::import::import_module(th, "encodings")?;
    }
    let path = search_path(th).payload::<List>().to_vec();
    if path.is_empty() {
        return Err(th.lookup_error("no codec search functions registered: can't find encoding"));
    }
    for search in path {
        let found = search.borrow().call(th, &[key.borrow()])?;
        if found.is_none() {
            continue;
        }
        if found.downcast::<Tuple>().is_none_or(|t| t.len() != 4) {
            return Err(th.type_error("codec search functions must return 4-tuples"));
        }
        known.payload::<Dict>().set(th, key.borrow(), found.clone())?;
        return Ok(found);
    }
    let msg = format!("unknown encoding: {text}");
    Err(th.lookup_error(&msg))
}

/// Which function of a codec, for messages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Encode,
    Decode,
}

/// The encoder or decoder of a text encoding.
fn text_function(th: &mut Thread, encoding: Borrowed<'_>, direction: Direction) -> PyResult {
    let codec = lookup(th, encoding)?;
    let flag = th.intern("_is_text_encoding");
    if codec.borrow().downcast_exact::<Tuple>().is_none()
        && let Some(is_text) = codec.borrow().getattr_opt(th, flag.borrow())?
        && !is_text.borrow().truth(th)?
    {
        let function = if direction == Direction::Encode { "codecs.encode()" } else { "codecs.decode()" };
        let msg = format!(
            "'{}' is not a text encoding; use {function} to handle arbitrary codecs",
            encoding.str_text(th)?
        );
        return Err(th.lookup_error(&msg));
    }
    Ok(codec.payload::<Tuple>().get(direction as usize).to_owned())
}

/// Calls an encoder or decoder and takes the result out of its `(result, length)`.
fn converted(
    th: &mut Thread,
    function: Borrowed<'_>,
    object: Borrowed<'_>,
    errors: Option<Borrowed<'_>>,
    direction: Direction,
) -> PyResult {
    let r = match errors {
        Some(e) => function.call(th, &[object, e])?,
        None => function.call(th, &[object])?,
    };
    match r.downcast::<Tuple>() {
        Some(t) if t.len() == 2 => Ok(t.get(0).to_owned()),
        _ => Err(th.type_error(match direction {
            Direction::Encode => "encoder must return a tuple (object, integer)",
            Direction::Decode => "decoder must return a tuple (object,integer)",
        })),
    }
}

fn encode_registered(
    th: &mut Thread,
    s: Borrowed<'_>,
    encoding: Borrowed<'_>,
    errors: Borrowed<'_>,
) -> PyResult {
    let f = text_function(th, encoding, Direction::Encode)?;
    let r = converted(th, f.borrow(), s, Some(errors), Direction::Encode)?;
    if r.downcast::<Bytes>().is_some() {
        return Ok(r);
    }
    let msg = format!(
        "'{}' encoder returned '{}' instead of 'bytes'; use codecs.encode() to encode to arbitrary types",
        encoding.str_text(th)?,
        r.borrow().type_name(th)
    );
    Err(th.type_error(&msg))
}

fn decode_registered(
    th: &mut Thread,
    object: Borrowed<'_>,
    encoding: Borrowed<'_>,
    errors: Borrowed<'_>,
) -> PyResult {
    let f = text_function(th, encoding, Direction::Decode)?;
    let r = converted(th, f.borrow(), object, Some(errors), Direction::Decode)?;
    if r.downcast::<Str>().is_some() {
        return Ok(r);
    }
    let msg = format!(
        "'{}' decoder returned '{}' instead of 'str'; use codecs.decode() to decode to arbitrary types",
        encoding.str_text(th)?,
        r.borrow().type_name(th)
    );
    Err(th.type_error(&msg))
}

/// `codecs.encode(object, encoding, errors)`: any codec, any types.
pub fn encode_any(
    th: &mut Thread,
    object: Borrowed<'_>,
    encoding: Borrowed<'_>,
    errors: Option<Borrowed<'_>>,
) -> PyResult {
    let codec = lookup(th, encoding)?;
    let f = codec.payload::<Tuple>().get(0).to_owned();
    converted(th, f.borrow(), object, errors, Direction::Encode)
}

/// `codecs.decode(object, encoding, errors)`: any codec, any types.
pub fn decode_any(
    th: &mut Thread,
    object: Borrowed<'_>,
    encoding: Borrowed<'_>,
    errors: Option<Borrowed<'_>>,
) -> PyResult {
    let codec = lookup(th, encoding)?;
    let f = codec.payload::<Tuple>().get(1).to_owned();
    converted(th, f.borrow(), object, errors, Direction::Decode)
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_normalized() {
        assert_eq!(super::normalized("UTF-8"), "utf_8");
        assert_eq!(super::normalized("  ISO  8859--1 "), "iso_8859_1");
        assert_eq!(super::normalized("cp1252"), "cp1252");
    }
}
