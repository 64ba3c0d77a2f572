//! The built-in error handlers as functions (`codecs.strict_errors` and its siblings): they take a
//! UnicodeError and return a replacement and the position to go on at.

use typhon_core::builtins::bytes::Bytes;
use typhon_core::builtins::exceptions::{
    UNICODE_DECODE_ERROR, UNICODE_ENCODE_ERROR, UNICODE_TRANSLATE_ERROR, is_exception,
};
use typhon_core::builtins::str::Str;
use typhon_core::{Borrowed, Owned, PyResult, Thread};
use typhon_text::StrBuf;
use typhon_text::codecs::{ErrorMode, Fault, Replacement};

use super::pair;

/// Registers the handlers under their names and takes them out of the module.
pub(super) fn setup(th: &mut Thread, module: Borrowed<'_>) -> PyResult<()> {
    const HANDLERS: [(&str, &str); 8] = [
        ("strict", "_strict_errors"),
        ("ignore", "_ignore_errors"),
        ("replace", "_replace_errors"),
        ("xmlcharrefreplace", "_xmlcharrefreplace_errors"),
        ("backslashreplace", "_backslashreplace_errors"),
        ("namereplace", "_namereplace_errors"),
        ("surrogatepass", "_surrogatepass"),
        ("surrogateescape", "_surrogateescape"),
    ];
    for (name, function) in HANDLERS {
        let attribute = th.intern(function);
        let handler = module.getattr(th, attribute.borrow())?;
        let name = th.intern(name);
        typhon_core::codecs::register_error(th, name.borrow(), handler.borrow())?;
        module.setattr(th, attribute.borrow(), None)?;
    }
    Ok(())
}

/// Codec names for which surrogates have a form of their own.
const KNOWN: [&str; 7] = ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"];

fn known_name(name: &str) -> &'static str {
    let plain: String = name.to_ascii_lowercase().chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    KNOWN.into_iter().find(|k| k.replace('-', "") == plain).unwrap_or("")
}

/// `start` and `end` of a UnicodeError, clipped to its object.
fn range(th: &mut Thread, exc: Borrowed<'_>, len: usize) -> PyResult<(usize, usize)> {
    let start = exc.getattr_str(th, "start")?.borrow().to_isize(th)?.max(0) as usize;
    let end = exc.getattr_str(th, "end")?.borrow().to_isize(th)?.max(0) as usize;
    let start = start.min(len.saturating_sub(1));
    Ok((start, end.clamp(start, len)))
}

fn unknown(th: &mut Thread, exc: Borrowed<'_>) -> typhon_core::Raised {
    let msg = format!("don't know how to handle {} in error callback", exc.type_name(th));
    th.type_error(&msg)
}

fn handle(th: &mut Thread, exc: Borrowed<'_>, mode: ErrorMode) -> PyResult {
    let decode = exc.is_instance_of(&UNICODE_DECODE_ERROR);
    let encode = exc.is_instance_of(&UNICODE_ENCODE_ERROR);
    let translate = exc.is_instance_of(&UNICODE_TRANSLATE_ERROR);
    if !decode && !encode && !translate {
        return Err(unknown(th, exc));
    }
    let object = exc.getattr_str(th, "object")?;
    let encoding =
        if translate { "" } else { known_name(&exc.getattr_str(th, "encoding")?.borrow().str_text(th)?) };
    let stands = |th: &mut Thread| Err(th.set_exc(exc.to_owned()));
    if decode {
        let Some(b) = object.downcast::<Bytes>() else { return Err(unknown(th, exc)) };
        let b = b.as_bytes();
        let (start, end) = range(th, exc, b.len())?;
        let fault = Fault { encoding, start, end, reason: "" };
        let mut out = StrBuf::new();
        return match mode.decode_replacement(b, &fault, &mut out) {
            Ok(resume) => {
                let text = th.new_str_buf(out);
                Ok(pair(th, text, resume))
            }
            Err(typhon_text::codecs::Failure::EncodeOnly) => Err(unknown(th, exc)),
            Err(_) => stands(th),
        };
    }
    let Some(s) = object.downcast::<Str>() else { return Err(unknown(th, exc)) };
    let (start, end) = range(th, exc, s.len())?;
    if translate {
        // Unencodable is not the question here: the characters themselves are to be replaced.
        let mut out = StrBuf::new();
        match mode {
            ErrorMode::Ignore => {}
            ErrorMode::Replace => out.push_repeated(0xFFFD, end - start),
            ErrorMode::BackslashReplace => {
                let fault = Fault { encoding, start, end, reason: "" };
                if let Some((Replacement::Text(t), _)) = mode.encode_replacement(s.data(), &fault) {
                    out = t;
                }
            }
            _ => return Err(unknown(th, exc)),
        }
        let text = th.new_str_buf(out);
        return Ok(pair(th, text, end));
    }
    let fault = Fault { encoding, start, end, reason: "" };
    match mode.encode_replacement(s.data(), &fault) {
        Some((Replacement::Text(t), resume)) => {
            let text = th.new_str_buf(t);
            Ok(pair(th, text, resume))
        }
        Some((Replacement::Bytes(b), resume)) => {
            let bytes = th.new_bytes(&b);
            Ok(pair(th, bytes, resume))
        }
        None => stands(th),
    }
}

pub(super) fn strict_errors(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if !is_exception(a[0]) {
        return Err(th.type_error("codec must pass exception instance"));
    }
    Err(th.set_exc(a[0].to_owned()))
}

macro_rules! handlers {
    ($($name:ident $mode:ident;)*) => { $(
        pub(super) fn $name(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult<Owned> {
            handle(th, a[0], ErrorMode::$mode)
        }
    )* };
}

handlers! {
    ignore_errors Ignore;
    replace_errors Replace;
    xmlcharrefreplace_errors XmlCharRefReplace;
    backslashreplace_errors BackslashReplace;
    namereplace_errors NameReplace;
    surrogatepass_errors SurrogatePass;
    surrogateescape_errors SurrogateEscape;
}
