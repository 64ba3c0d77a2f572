//! How a text stream is set up: encoding, error handler, line ends, buffering.

use typhon_core::builtins::str::Str;
use typhon_core::{ArgsExt, Borrowed, Owned, PyResult, Thread, Word};

use super::coder::{Decoder, Encoder, Native};
use super::lines::LineEnd;
use super::{CHUNK, of, open};
use crate::io::base;
use crate::io::buffered_types::exact_core;
use crate::io::newlines::Newlines;
use crate::io::stringio::newline_arg;
use crate::support;

/// Decoder and encoder for a stream.
struct Coders {
    decoder: Option<Decoder>,
    encoder: Option<Encoder>,
}

fn text_arg(th: &mut Thread, arg: Borrowed<'_>, what: &str) -> PyResult<String> {
    let Some(s) = arg.downcast::<Str>() else {
        let msg = format!("TextIOWrapper() argument '{what}' must be str or None, not {}", arg.type_name(th));
        return Err(th.type_error(&msg));
    };
    let text = s.to_text();
    if text.contains('\0') {
        return Err(th.value_error("embedded null character"));
    }
    Ok(text)
}

/// Finds the codec. Errors: LookupError for unknown names and for what is no text encoding.
fn coders(
    th: &mut Thread,
    encoding: Borrowed<'_>,
    errors: Borrowed<'_>,
    readable: bool,
    writable: bool,
) -> PyResult<Coders> {
    let (name, handler) = (encoding.str_text(th)?, errors.str_text(th)?);
    if let Some(native) = Native::by_names(&name, &handler) {
        return Ok(Coders {
            decoder: readable.then(|| Decoder::Native { native, pending: Vec::new() }),
            encoder: writable.then_some(Encoder::Native(native)),
        });
    }
    let lookup = support::import_attr(th, "_codecs", "lookup")?;
    let info = lookup.borrow().call(th, &[encoding])?;
    let key = th.intern("_is_text_encoding");
    if let Some(is_text) = info.borrow().getattr_opt(th, key.borrow())?
        && !is_text.borrow().truth(th)?
    {
        let msg = format!("'{name}' is not a text encoding; use codecs.open() to handle arbitrary codecs");
        return Err(th.lookup_error(&msg));
    }
    let mut out = Coders { decoder: None, encoder: None };
    if readable {
        let d = info.borrow().call_method_str(th, "incrementaldecoder", &[errors])?;
        out.decoder = Some(Decoder::Object(d));
    }
    if writable {
        let e = info.borrow().call_method_str(th, "incrementalencoder", &[errors])?;
        out.encoder = Some(Encoder::Object(e));
    }
    Ok(out)
}

/// Line ends of a stream: on reading, and what `\n` becomes on writing.
fn line_ends(newline: Option<&'static str>) -> (Option<Newlines>, LineEnd, Option<&'static str>) {
    let newlines = match newline {
        None => Some(Newlines::new(true)),
        Some("") => Some(Newlines::new(false)),
        Some(_) => None,
    };
    let end = match newline {
        None => LineEnd::Lf,
        Some("") => LineEnd::Universal,
        Some("\r") => LineEnd::Cr,
        Some("\r\n") => LineEnd::CrLf,
        Some(_) => LineEnd::Lf,
    };
    let write = match newline {
        Some(n @ ("\r" | "\r\n")) => Some(n),
        _ => None,
    };
    (newlines, end, write)
}

fn ask(th: &mut Thread, o: Borrowed<'_>, method: &str) -> PyResult<bool> {
    let r = o.call_method_str(th, method, &[])?;
    r.borrow().truth(th)
}

pub fn init(th: &mut Thread, o: Borrowed<'_>, a: &[Borrowed<'_>]) -> PyResult<()> {
    let buffer = a[0];
    let encoding = match a.some(1) {
        Some(e) => {
            let text = text_arg(th, e, "encoding")?;
            if text == "locale" { th.new_str("UTF-8") } else { e.to_owned() }
        }
        None => th.new_str("UTF-8"),
    };
    let errors = match a.some(2) {
        Some(e) => {
            text_arg(th, e, "errors")?;
            e.to_owned()
        }
        None => th.intern("strict"),
    };
    let newline = newline_arg(th, a.opt(3))?;
    let line_buffering = support::flag(th, a.opt(4), false)?;
    let write_through = support::flag(th, a.opt(5), false)?;
    let core = exact_core(buffer);
    let (readable, writable) = match core {
        Some(c) => (c.readable, c.writable),
        None => (ask(th, buffer, "readable")?, ask(th, buffer, "writable")?),
    };
    let found = coders(th, encoding.borrow(), errors.borrow(), readable, writable)?;
    let seekable = ask(th, buffer, "seekable")?;
    let read1 = th.intern("read1");
    let has_read1 = core.is_some() || buffer.getattr_opt(th, read1.borrow())?.is_some();
    // An encoder that begins with a byte order mark must not write it in the middle of a file.
    if let (true, Some(Encoder::Object(e))) = (seekable, &found.encoder) {
        let pos = buffer.call_method_str(th, "tell", &[])?;
        if !pos.is(Word::small_int(0)) {
            let zero = th.new_int(0);
            e.borrow().call_method_str(th, "setstate", &[zero.borrow()])?;
        }
    }
    let (newlines, line_end, write_newline) = line_ends(newline);
    let me = of(o);
    let mut guard = me.lock.enter_nested(th);
    let s = me.state.get(&mut guard);
    let old = (
        s.buffer.replace(buffer.to_owned()),
        core::mem::replace(&mut s.encoding, encoding),
        core::mem::replace(&mut s.errors, errors),
        core::mem::replace(&mut s.decoder, found.decoder),
        core::mem::replace(&mut s.encoder, found.encoder),
    );
    s.newlines = newlines;
    s.line_end = line_end;
    s.write_newline = write_newline;
    s.newline = newline;
    s.line_buffering = line_buffering;
    s.write_through = write_through;
    s.seekable = seekable;
    s.telling = seekable;
    s.has_read1 = has_read1;
    s.chunk_size = CHUNK;
    s.pending.clear();
    s.text.clear();
    s.pos = 0;
    s.chunk_start = 0;
    s.snapshot = None;
    s.detached = false;
    drop(guard);
    drop(old);
    Ok(())
}

pub fn reconfigure(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let mut io = open(th, a[0])?;
    let reading = !io.s().text.is_empty() || io.s().snapshot.is_some();
    if reading && (a.some(1).is_some() || a.some(2).is_some() || a.opt(3).is_some()) {
        return Err(base::unsupported(
            th,
            "not possible to set the encoding or newline of stream after the first read",
        ));
    }
    let newline = match a.opt(3) {
        Some(n) => Some(newline_arg(th, Some(n))?),
        None => None,
    };
    let line_buffering = match a.some(4) {
        Some(v) => v.truth(th)?,
        None => io.s().line_buffering,
    };
    let write_through = match a.some(5) {
        Some(v) => v.truth(th)?,
        None => io.s().write_through,
    };
    io.flush(th)?;
    if a.some(1).is_some() || a.some(2).is_some() || newline.is_some() {
        let encoding = match a.some(1) {
            Some(e) => {
                let text = text_arg(th, e, "encoding")?;
                if text == "locale" { th.new_str("UTF-8") } else { e.to_owned() }
            }
            None => io.s().encoding.clone(),
        };
        let errors = match (a.some(2), a.some(1)) {
            (Some(e), _) => {
                text_arg(th, e, "errors")?;
                e.to_owned()
            }
            (None, Some(_)) => th.intern("strict"),
            (None, None) => io.s().errors.clone(),
        };
        let (readable, writable) = (io.s().decoder.is_some(), io.s().encoder.is_some());
        let found = coders(th, encoding.borrow(), errors.borrow(), readable, writable)?;
        let (newlines, line_end, write_newline) = line_ends(newline.unwrap_or(io.s().newline));
        let s = io.s();
        let old = (
            core::mem::replace(&mut s.encoding, encoding),
            core::mem::replace(&mut s.errors, errors),
            core::mem::replace(&mut s.decoder, found.decoder),
            core::mem::replace(&mut s.encoder, found.encoder),
        );
        s.newlines = newlines;
        s.line_end = line_end;
        s.write_newline = write_newline;
        if let Some(n) = newline {
            s.newline = n;
        }
        drop(old);
    }
    let s = io.s();
    s.line_buffering = line_buffering;
    s.write_through = write_through;
    Ok(Owned::none())
}
