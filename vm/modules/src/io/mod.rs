//! `_io`: streams.

pub mod base;
mod buffered;
pub mod buffered_types;
mod bytesio;
pub mod fileio;
pub mod lock;
pub mod newlines;
pub mod stdio;
mod stringio;
pub mod text;

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::str::Str;
use typhon_core::{Args, ArgsExt, Borrowed, ModuleDef, NativeDef, Owned, PyResult, Thread};

use crate::support::{self, ModuleExt};

/// Bytes a buffer holds, unless the file system asks for more.
pub const DEFAULT_BUFFER_SIZE: usize = 128 * 1024;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_io",
    doc: "The io module provides the Python interfaces to stream handling.",
    functions: &[
        NativeDef::new(
            "open",
            "($module, /, file, mode='r', buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None)",
            open,
            "Open file and return a stream.  Raise OSError upon failure.",
        ),
        NativeDef::new(
            "open_code",
            "($module, /, path)",
            open_code,
            "Opens the provided file with the intent to import the contents.",
        ),
        NativeDef::new(
            "text_encoding",
            "($module, encoding, stacklevel=2, /)",
            text_encoding,
            "A helper function to choose the text encoding.",
        ),
    ],
    types: &[
        &base::IO_BASE,
        &base::RAW_IO_BASE,
        &base::BUFFERED_IO_BASE,
        &base::TEXT_IO_BASE,
        &fileio::FILE_IO,
        &bytesio::BYTES_IO,
        &bytesio::BYTES_IO_BUFFER,
        &buffered_types::BUFFERED_READER,
        &buffered_types::BUFFERED_WRITER,
        &buffered_types::BUFFERED_RANDOM,
        &buffered_types::BUFFERED_RW_PAIR,
        &newlines::NEWLINE_DECODER,
        &stringio::STRING_IO,
        &text::TEXT_IO,
    ],
    setup: Some(setup),
};

fn setup(th: &mut Thread, module: Borrowed<'_>) -> PyResult<()> {
    module.add_int(th, "DEFAULT_BUFFER_SIZE", DEFAULT_BUFFER_SIZE as i64)?;
    let blocking = support::builtin(th, "BlockingIOError");
    module.add(th, "BlockingIOError", blocking)?;
    // class UnsupportedOperation(OSError, ValueError)
    let (os, value) = (support::builtin(th, "OSError"), support::builtin(th, "ValueError"));
    let bases = th.new_tuple(vec![os, value]);
    let namespace = th.new_dict();
    let key = th.rt.names.__module__.get();
    let io = th.intern("io");
    namespace.payload::<Dict>().set(th, key, io)?;
    let class = support::builtin(th, "type");
    let name = th.intern("UnsupportedOperation");
    let class = class.borrow().call(th, &[name.borrow(), bases.borrow(), namespace.borrow()])?;
    drop(th.rt.store("_io.UnsupportedOperation", class.clone()));
    module.add(th, "UnsupportedOperation", class)
}

/// `memoryview(o)`
pub fn memoryview(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let class = support::builtin(th, "memoryview");
    class.borrow().call(th, &[o])
}

fn exc_is(th: &mut Thread, name: &str) -> bool {
    let class = support::builtin(th, name);
    let Some(exc) = th.exc() else { return false };
    match class.downcast::<typhon_core::Type>() {
        Some(class) => exc.ty().is_subtype_of(class),
        None => false,
    }
}

/// Is the exception on its way an InterruptedError (EINTR)?
pub(crate) fn is_interrupted(th: &mut Thread) -> bool {
    exc_is(th, "InterruptedError")
}

/// Is the exception on its way a BlockingIOError?
pub(crate) fn is_blocking_error(th: &mut Thread) -> bool {
    exc_is(th, "BlockingIOError")
}

/// The outcome of `flush` and then `close`: the first failure counts, the second one gets it as context.
pub(crate) fn first_error(th: &mut Thread, first: Option<Owned>, second: PyResult) -> PyResult {
    match (first, second) {
        (None, r) => r.map(|_| Owned::none()),
        (Some(first), Ok(_)) => Err(th.set_exc(first)),
        (Some(first), Err(raised)) => {
            let second = th.catch(raised);
            let context = th.rt.names.__context__.get();
            second.borrow().setattr(th, context, Some(first.borrow()))?;
            Err(th.set_exc(second))
        }
    }
}

/// A copy of `o.__dict__`, or None if it is empty.
pub(crate) fn instance_dict_copy(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let name = th.rt.names.__dict__.get();
    match o.getattr_opt(th, name)? {
        Some(d) => {
            if d.borrow().len(th)? == 0 {
                return Ok(Owned::none());
            }
            d.borrow().call_method_str(th, "copy", &[])
        }
        None => Ok(Owned::none()),
    }
}

/// `o.__dict__.update(with)`
pub(crate) fn update_instance_dict(th: &mut Thread, o: Borrowed<'_>, with: Borrowed<'_>) -> PyResult<()> {
    let name = th.rt.names.__dict__.get();
    let d = o.getattr(th, name)?;
    let name = th.rt.names.update.get();
    d.borrow().call_method(th, name, &[with]).map(drop)
}

fn text_encoding(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if a[0].is_none() {
        let warn = match th.sys_get("flags") {
            Some(flags) => {
                let v = flags.borrow().getattr_str(th, "warn_default_encoding")?;
                v.borrow().truth(th)?
            }
            None => false,
        };
        if warn {
            let f = support::import_attr(th, "_warnings", "warn")?;
            let msg = th.new_str("'encoding' argument not specified");
            let class = support::builtin(th, "EncodingWarning");
            let level = match a.opt(1) {
                Some(l) => l.to_owned(),
                None => th.new_int(2),
            };
            f.borrow().call(th, &[msg.borrow(), class.borrow(), level.borrow()])?;
        }
        return Ok(th.intern(if th.rt.config.utf8_mode { "utf-8" } else { "locale" }));
    }
    Ok(a[0].to_owned())
}

fn open_code(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(_) = a[0].downcast::<Str>() else {
        let msg = format!("open_code() argument 'path' must be str, not {}", a[0].type_name(th));
        return Err(th.type_error(&msg));
    };
    let mode = th.intern("rb");
    let args = [a[0], mode.borrow()];
    open(th, &args)
}

fn text_or_none(th: &mut Thread, arg: Option<Borrowed<'_>>, what: &str) -> PyResult<bool> {
    match arg {
        Some(v) if v.downcast::<Str>().is_none() => {
            let msg = format!("open() argument '{what}' must be str or None, not {}", v.type_name(th));
            Err(th.type_error(&msg))
        }
        v => Ok(v.is_some()),
    }
}

/// `open(file, mode, buffering, encoding, errors, newline, closefd, opener)`
pub fn open(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let file = a[0];
    let mode_text = match a.opt(1) {
        Some(m) => match m.downcast::<Str>() {
            Some(s) => s.to_text(),
            None => {
                let msg = format!("open() argument 'mode' must be str, not {}", m.type_name(th));
                return Err(th.type_error(&msg));
            }
        },
        None => String::from("r"),
    };
    let buffering = match a.opt(2) {
        Some(b) => support::c_int(th, b)?,
        None => -1,
    };
    let has_encoding = text_or_none(th, a.some(3), "encoding")?;
    let has_errors = text_or_none(th, a.some(4), "errors")?;
    let has_newline = text_or_none(th, a.some(5), "newline")?;
    let close_fd = support::flag(th, a.opt(6), true)?;
    let path = if file.as_int().is_some() || file.downcast::<Str>().is_some() {
        file.to_owned()
    } else {
        fspath_or_int(th, file)?
    };
    let invalid = |th: &mut Thread| th.value_error(&format!("invalid mode: '{mode_text}'"));
    let (mut creating, mut reading, mut writing, mut appending) = (false, false, false, false);
    let (mut updating, mut text, mut binary) = (false, false, false);
    for c in mode_text.chars() {
        let flag = match c {
            'x' => &mut creating,
            'r' => &mut reading,
            'w' => &mut writing,
            'a' => &mut appending,
            '+' => &mut updating,
            't' => &mut text,
            'b' => &mut binary,
            _ => return Err(invalid(th)),
        };
        if *flag {
            return Err(invalid(th));
        }
        *flag = true;
    }
    if text && binary {
        return Err(th.value_error("can't have text and binary mode at once"));
    }
    if u8::from(creating) + u8::from(reading) + u8::from(writing) + u8::from(appending) != 1 {
        return Err(th.value_error("must have exactly one of create/read/write/append mode"));
    }
    if binary && has_encoding {
        return Err(th.value_error("binary mode doesn't take an encoding argument"));
    }
    if binary && has_errors {
        return Err(th.value_error("binary mode doesn't take an errors argument"));
    }
    if binary && has_newline {
        return Err(th.value_error("binary mode doesn't take a newline argument"));
    }
    if binary && buffering == 1 {
        let f = support::import_attr(th, "_warnings", "warn")?;
        let msg = th.new_str(
            "line buffering (buffering=1) isn't supported in binary mode, the default buffer size will be used",
        );
        let class = support::builtin(th, "RuntimeWarning");
        f.borrow().call(th, &[msg.borrow(), class.borrow()])?;
    }
    let mut raw_mode = String::new();
    for (on, c) in [(creating, 'x'), (reading, 'r'), (writing, 'w'), (appending, 'a'), (updating, '+')] {
        if on {
            raw_mode.push(c);
        }
    }
    let raw_mode = th.new_str(&raw_mode);
    let close_flag = Owned::bool(close_fd);
    let opener = a.some(7).unwrap_or(Borrowed::none());
    let raw = fileio::FILE_IO
        .ty()
        .as_value()
        .call(th, &[path.borrow(), raw_mode.borrow(), close_flag.borrow(), opener])?;
    let r = layers(th, &raw, a, &mode_text, binary, buffering, updating, creating || writing || appending);
    if r.is_err() {
        // The file must not stay open behind the caller's back.
        let Err(raised) = r else { return r };
        let exc = th.catch(raised);
        let name = th.rt.names.close.get();
        let closed = raw.borrow().call_method(th, name, &[]);
        return first_error(th, Some(exc), closed);
    }
    r
}

/// Buffer and text layer over a raw file.
fn layers(
    th: &mut Thread,
    raw: &Owned,
    a: &[Borrowed<'_>],
    mode: &str,
    binary: bool,
    buffering: i32,
    updating: bool,
    writing: bool,
) -> PyResult {
    let terminal = buffering < 0 && {
        let r = raw.borrow().call_method_str(th, "isatty", &[])?;
        r.borrow().truth(th)?
    };
    let line_buffering = !binary && (buffering == 1 || terminal);
    let size = match buffering {
        0 if !binary => return Err(th.value_error("can't have unbuffered text I/O")),
        0 => {
            set_mode(th, raw, mode)?;
            return Ok(raw.clone());
        }
        2.. => buffering as i64,
        _ => {
            let n = raw.borrow().getattr_str(th, "_blksize")?;
            let n = n.borrow().to_i64(th)?;
            // Large files come in large pieces; devices in their own.
            n.clamp(8192.max(DEFAULT_BUFFER_SIZE as i64), 8 << 20)
        }
    };
    let class = if updating {
        &buffered_types::BUFFERED_RANDOM
    } else if writing {
        &buffered_types::BUFFERED_WRITER
    } else {
        &buffered_types::BUFFERED_READER
    };
    let size = th.new_int(size);
    let buffer = class.ty().as_value().call(th, &[raw.borrow(), size.borrow()])?;
    if binary {
        return Ok(buffer);
    }
    let none = Borrowed::none();
    let encoding = match a.some(3) {
        Some(e) => e.to_owned(),
        None => text_encoding(th, &[none])?,
    };
    let line = Owned::bool(line_buffering);
    let args = [
        buffer.borrow(),
        encoding.borrow(),
        a.some(4).unwrap_or(none),
        a.some(5).unwrap_or(none),
        line.borrow(),
    ];
    let text = text::TEXT_IO.ty().as_value().call_args(th, Args::positional(&args))?;
    set_mode(th, &text, mode)?;
    Ok(text)
}

fn set_mode(th: &mut Thread, stream: &Owned, mode: &str) -> PyResult<()> {
    if stream.downcast::<fileio::FileIo>().is_some() {
        return Ok(());
    }
    let value = th.new_str(mode);
    let key = th.rt.names.mode.get();
    stream.borrow().setattr(th, key, Some(value.borrow()))
}

fn fspath_or_int(th: &mut Thread, file: Borrowed<'_>) -> PyResult {
    if file.downcast::<typhon_core::builtins::bytes::Bytes>().is_some() {
        return Ok(file.to_owned());
    }
    if let Some(p) = support::fspath_opt(th, file)? {
        return Ok(p);
    }
    if typhon_core::number::is_index(file) {
        return file.index(th);
    }
    let msg = format!("expected str, bytes or os.PathLike object, not {}", file.type_name(th));
    Err(th.type_error(&msg))
}
