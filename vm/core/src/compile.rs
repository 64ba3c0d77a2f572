//! From source objects to code objects: decoding, compiling, warnings and syntax errors as exceptions.

use typhon_compile::{ErrorKind, Mode, Options, SyntaxError, Warning};

use crate::builtins::bytes::Bytes;
use crate::builtins::exceptions::{self as ex, SyntaxErrorKind};
use crate::builtins::str::Str;
use crate::object::{Borrowed, PyResult, Raised};
use crate::thread::Thread;

/// How to compile.
#[derive(Clone, Copy, Debug)]
pub struct CompileOptions {
    pub mode: Mode,
    pub optimize: u8,
    /// `__future__` bits in force from outside.
    pub future: u32,
    pub allow_top_level_await: bool,
    pub allow_incomplete_input: bool,
    /// In single mode an indented block ends only with a line end.
    pub dont_imply_dedent: bool,
    /// Source bytes are UTF-8, whatever they declare.
    pub ignore_cookie: bool,
}

impl CompileOptions {
    pub fn new(mode: Mode, optimize: u8) -> CompileOptions {
        CompileOptions {
            mode,
            optimize,
            future: 0,
            allow_top_level_await: false,
            allow_incomplete_input: false,
            dont_imply_dedent: false,
            ignore_cookie: false,
        }
    }

    fn options(&self) -> Options {
        Options {
            optimize: self.optimize,
            future: self.future,
            allow_top_level_await: self.allow_top_level_await,
            allow_incomplete_input: self.allow_incomplete_input,
            dont_imply_dedent: self.dont_imply_dedent,
        }
    }
}

/// May this be compiled: str or bytes-like?
pub fn is_source(o: Borrowed<'_>) -> bool {
    o.downcast::<Str>().is_some() || o.ty().slots.buffer().is_some()
}

/// Compiles a str or bytes-like object to a code object.
///
/// Errors: SyntaxError and its subclasses; UnicodeEncodeError for a str with surrogates.
pub fn compile_source(
    th: &mut Thread,
    source: Borrowed<'_>,
    filename: &str,
    options: &CompileOptions,
) -> PyResult {
    if let Some(s) = source.downcast::<Str>() {
        if let Some(text) = s.as_ascii() {
            return compile_text(th, text, filename, options);
        }
        if let Some((at, _)) = s.data().iter().enumerate().find(|(_, c)| (0xd800..0xe000).contains(c)) {
            return Err(ex::unicode_encode_error(th, "utf-8", source, at, at + 1, "surrogates not allowed"));
        }
        return compile_text(th, &s.to_text(), filename, options);
    }
    let bytes = match source.downcast::<Bytes>() {
        Some(b) => b.as_bytes().to_vec(),
        None => crate::buffer::get(th, source)?.to_vec(),
    };
    compile_bytes(th, &bytes, filename, options)
}

/// Compiles source text.
pub fn compile_text(th: &mut Thread, text: &str, filename: &str, options: &CompileOptions) -> PyResult {
    match typhon_compile::compile(text, filename, options.mode, options.options()) {
        Ok((code, warnings)) => {
            for w in &warnings {
                warn(th, w, filename, text)?;
            }
            th.new_code(code)
        }
        Err(e) => Err(raise(th, &e, filename)),
    }
}

/// Compiles source bytes, which may declare their encoding (PEP 263).
pub fn compile_bytes(th: &mut Thread, bytes: &[u8], filename: &str, options: &CompileOptions) -> PyResult {
    if options.ignore_cookie
        && let Ok(text) = core::str::from_utf8(bytes)
    {
        return compile_text(th, text, filename, options);
    }
    let text = decode_source(th, bytes, filename)?;
    compile_text(th, &text, filename, options)
}

/// Decodes source bytes, which may declare their encoding (PEP 263). Errors: SyntaxError.
pub fn decode_source(th: &mut Thread, bytes: &[u8], filename: &str) -> PyResult<String> {
    let decoded = {
        let shared = core::cell::RefCell::new(&mut *th);
        typhon_compile::decode_source(bytes, filename, &|encoding, bytes| {
            decode(&mut shared.borrow_mut(), encoding, bytes)
        })
    };
    decoded.map_err(|e| raise(th, &e, filename))
}

/// Decodes by a codec of the library. `None`: unknown codec, or it refuses the bytes.
fn decode(th: &mut Thread, encoding: &str, bytes: &[u8]) -> Option<String> {
    let data = th.new_bytes(bytes);
    let name = th.new_str(encoding);
    let r = data.borrow().call_method_str(th, "decode", &[name.borrow()]);
    let text = th.absorb(r, &ex::EXCEPTION).ok().flatten()?;
    text.downcast::<Str>().map(|s| s.to_text())
}

/// Raises the compiler's error as a Python exception.
pub fn raise(th: &mut Thread, e: &SyntaxError, filename: &str) -> Raised {
    let kind = match e.kind {
        ErrorKind::Syntax => SyntaxErrorKind::Syntax,
        ErrorKind::Indentation => SyntaxErrorKind::Indentation,
        ErrorKind::Tab => SyntaxErrorKind::Tab,
        ErrorKind::Incomplete => SyntaxErrorKind::Incomplete,
    };
    if e.lineno == 0 {
        return th.raise(&ex::SYNTAX_ERROR, &e.msg);
    }
    let filename = th.new_str(filename);
    let text = e.text.as_ref().map(|t| th.new_str(t));
    ex::syntax_error(
        th,
        kind,
        &e.msg,
        filename.borrow(),
        e.lineno,
        e.offset,
        text.as_ref().map(|t| t.borrow()),
        e.end_lineno,
        e.end_offset,
    )
}

/// Issues a compiler warning. A SyntaxWarning that the filters turn into an error becomes a
/// SyntaxError that shows the line.
fn warn(th: &mut Thread, w: &Warning, filename: &str, source: &str) -> PyResult<()> {
    let category = if w.deprecation { &ex::DEPRECATION_WARNING } else { &ex::SYNTAX_WARNING };
    let file = th.new_str(filename);
    let r = crate::warnings::warn_source(th, category, &w.msg, file.borrow(), i64::from(w.lineno));
    match r {
        Ok(_) => Ok(()),
        Err(raised) if th.exc_is(category) => {
            drop(th.catch(raised));
            let text = source.lines().nth(w.lineno.saturating_sub(1) as usize).map(|l| th.new_str(l));
            let text = text.as_ref().map(|t| t.borrow());
            let kind = SyntaxErrorKind::Syntax;
            Err(ex::syntax_error(th, kind, &w.msg, file.borrow(), w.lineno, 1, text, w.lineno, 0))
        }
        Err(raised) => Err(raised),
    }
}

/// The text of a file name argument: str, bytes or a path object.
pub fn filename_text(th: &mut Thread, o: Borrowed<'_>) -> PyResult<String> {
    if let Some(s) = o.downcast::<Str>() {
        return Ok(s.to_text());
    }
    if let Some(b) = o.downcast::<Bytes>() {
        return Ok(String::from_utf8_lossy(b.as_bytes()).into_owned());
    }
    let name = th.intern("__fspath__");
    match o.call_special(th, name.borrow(), &[])? {
        Some(p) if p.downcast::<Str>().is_some() || p.downcast::<Bytes>().is_some() => {
            filename_text(th, p.borrow())
        }
        _ => {
            let msg = format!("expected str, bytes or os.PathLike object, not {}", o.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}
