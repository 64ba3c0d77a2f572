//! `TextIOWrapper`: text over a binary stream.
//!
//! Text that was decoded but not read lies in `text` from `pos` on; the part from `chunk_start` on comes from
//! the last chunk of bytes, which `snapshot` remembers for `tell()`.

use std::time::Instant;
use typhon_sync::prim::AtomicBool;

use typhon_core::builtins::bytes::Bytes;
use typhon_core::builtins::str::Str;
use typhon_core::signature::bind;
use typhon_core::thread::unborn;
use typhon_core::{
    Args, ArgsExt, Borrowed, GetSetDef, NativeDef, Owned, PyResult, Slots, Thread, Trace, TypeDef, Word,
};
use typhon_text::StrBuf;

pub mod coder;
pub mod lines;
mod position;
mod settings;

use super::base::{self, STREAM};
use super::buffered_types::{core_of, exact_core};
use super::lock::{Guarded, IoGuard, IoLock};
use super::newlines::Newlines;
use coder::{Decoder, Encoder, Text};
use lines::{LineEnd, find_line};

typhon_core::payload! {
    /// `_io.TextIOWrapper`
    pub struct TextIo: TEXT_IO {
        closed: AtomicBool,
        lock: IoLock,
        state: Guarded<State>,
    }
}

/// What the lock guards.
pub(super) struct State {
    buffer: Option<Owned>,
    encoding: Owned,
    errors: Owned,
    decoder: Option<Decoder>,
    encoder: Option<Encoder>,
    /// Universal newlines on reading.
    newlines: Option<Newlines>,
    line_end: LineEnd,
    /// What `\n` becomes on writing; `None` = itself.
    write_newline: Option<&'static str>,
    /// The `newline` argument.
    newline: Option<&'static str>,
    line_buffering: bool,
    write_through: bool,
    seekable: bool,
    /// May `tell()` be asked? Not while iterating.
    telling: bool,
    has_read1: bool,
    chunk_size: usize,
    /// Encoded text that waits.
    pending: Vec<u8>,
    text: StrBuf,
    pos: usize,
    chunk_start: usize,
    /// The decoder's flags before the last chunk, and the bytes of the chunk with what was undecoded.
    snapshot: Option<(i64, Vec<u8>)>,
    detached: bool,
}

impl Trace for State {
    fn trace(&self, visit: &mut dyn FnMut(Word)) {
        self.buffer.trace(visit);
        self.encoding.trace(visit);
        self.errors.trace(visit);
        self.decoder.trace(visit);
        self.encoder.trace(visit);
    }
    fn clear(&mut self, drop: &mut dyn FnMut(Word)) {
        self.buffer.clear(drop);
        self.decoder.clear(drop);
        self.encoder.clear(drop);
    }
}

pub static TEXT_IO: TypeDef = TypeDef {
    module: "_io",
    flags: STREAM,
    base: Some(&base::TEXT_IO_BASE),
    doc: "Character and line based layer over a BufferedIOBase object, buffer.",
    slots: Slots {
        new: Some(|th, ty, _| {
            let state = State {
                buffer: None,
                encoding: Owned::none(),
                errors: Owned::none(),
                decoder: None,
                encoder: None,
                newlines: None,
                line_end: LineEnd::Lf,
                write_newline: None,
                newline: None,
                line_buffering: false,
                write_through: false,
                seekable: false,
                telling: false,
                has_read1: false,
                chunk_size: CHUNK,
                pending: Vec::new(),
                text: StrBuf::new(),
                pos: 0,
                chunk_start: 0,
                snapshot: None,
                detached: false,
            };
            let payload = TextIo {
                header: unborn(),
                closed: AtomicBool::new(false),
                lock: IoLock::new(),
                state: Guarded::new(state),
            };
            Ok(th.alloc_as(payload, ty))
        }),
        init: Some(init),
        repr: Some(repr),
        iter: Some(|th, o| {
            open(th, o)?;
            Ok(o.to_owned())
        }),
        next: Some(next),
        finalize: Some(finalize),
        ..Slots::NONE
    },
    methods: METHODS,
    getset: GETSET,
    ..TypeDef::of::<TextIo>("TextIOWrapper")
};

/// Bytes decoded at a time.
const CHUNK: usize = 8192;

const METHODS: &[NativeDef] = &[
    NativeDef::new("detach", "($self, /)", detach, "Separate the buffer and return it."),
    NativeDef::new(
        "reconfigure",
        "($self, *, encoding=None, errors=None, newline=None, line_buffering=None, write_through=None)",
        settings::reconfigure,
        "Reconfigure the text stream with new parameters.",
    ),
    NativeDef::new(
        "write",
        "($self, text, /)",
        write,
        "Write the string and return the number of characters written.",
    ),
    NativeDef::new("read", "($self, size=-1, /)", read, "Read at most size characters."),
    NativeDef::new("readline", "($self, size=-1, /)", readline, "Read a line."),
    NativeDef::new("flush", "($self, /)", flush, "Write what waits."),
    NativeDef::new("close", "($self, /)", close, "Flush and close the stream."),
    NativeDef::new("fileno", "($self, /)", |th, a| forward(th, a[0], "fileno"), "The descriptor."),
    NativeDef::new(
        "seekable",
        "($self, /)",
        |th, a| forward(th, a[0], "seekable"),
        "Whether the stream can seek.",
    ),
    NativeDef::new(
        "readable",
        "($self, /)",
        |th, a| forward(th, a[0], "readable"),
        "Whether the stream can be read.",
    ),
    NativeDef::new(
        "writable",
        "($self, /)",
        |th, a| forward(th, a[0], "writable"),
        "Whether the stream can be written.",
    ),
    NativeDef::new(
        "isatty",
        "($self, /)",
        |th, a| forward(th, a[0], "isatty"),
        "Whether the stream is a terminal.",
    ),
    NativeDef::new(
        "seek",
        "($self, cookie, whence=0, /)",
        position::seek,
        "Set the stream position, and return the new stream position.",
    ),
    NativeDef::new("tell", "($self, /)", position::tell, "Return the stream position as an opaque number."),
    NativeDef::new("truncate", "($self, pos=None, /)", position::truncate, "Cut the stream."),
    NativeDef::new("__reduce__", "($self, /)", base::no_pickle, ""),
    NativeDef::new("__reduce_ex__", "($self, protocol, /)", base::no_pickle, ""),
];

const GETSET: &[GetSetDef] = &[
    GetSetDef::get("encoding", |th, o| read_state(th, o, |_, s| s.encoding.clone())),
    GetSetDef::get("errors", |th, o| read_state(th, o, |_, s| s.errors.clone())),
    GetSetDef::get("buffer", |th, o| buffer_of(th, o)),
    GetSetDef::get("line_buffering", |th, o| read_state(th, o, |_, s| Owned::bool(s.line_buffering))),
    GetSetDef::get("write_through", |th, o| read_state(th, o, |_, s| Owned::bool(s.write_through))),
    GetSetDef::get("newlines", |th, o| {
        let n = of(o).state.get(&mut of(o).lock.enter_nested(th)).newlines;
        Ok(n.map_or_else(Owned::none, |n| n.attribute(th)))
    }),
    GetSetDef::get("closed", |th, o| {
        let b = buffer_of(th, o)?;
        b.borrow().getattr_str(th, "closed")
    }),
    GetSetDef::get("name", |th, o| {
        let b = buffer_of(th, o)?;
        let name = th.rt.names.name.get();
        b.borrow().getattr(th, name)
    }),
    GetSetDef::get("_CHUNK_SIZE", |th, o| {
        let n = of(o).state.get(&mut of(o).lock.enter_nested(th)).chunk_size;
        Ok(th.new_int(n as i64))
    })
    .set(|th, o, v| {
        let Some(v) = v else { return Err(th.type_error("cannot delete attribute")) };
        let n = v.to_isize(th)?;
        if n <= 0 {
            return Err(th.value_error("a strictly positive integer is required"));
        }
        of(o).state.get(&mut of(o).lock.enter_nested(th)).chunk_size = n as usize;
        Ok(())
    }),
];

fn of(o: Borrowed<'_>) -> &TextIo {
    o.downcast::<TextIo>().expect("a method of TextIOWrapper")
}

fn read_state(th: &mut Thread, o: Borrowed<'_>, f: impl FnOnce(&mut Thread, &State) -> Owned) -> PyResult {
    buffer_of(th, o)?;
    let me = of(o);
    let mut guard = me.lock.enter_nested(th);
    Ok(f(th, me.state.get(&mut guard)))
}

/// The binary stream below. Errors: ValueError before `__init__` and after `detach`.
fn buffer_of(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let me = of(o);
    let mut guard = me.lock.enter_nested(th);
    let s = me.state.get(&mut guard);
    match (&s.buffer, s.detached) {
        (Some(b), _) => Ok(b.clone()),
        (None, true) => Err(th.value_error("underlying buffer has been detached")),
        (None, false) => Err(th.value_error("I/O operation on uninitialized object")),
    }
}

/// Takes the lock of a stream, if that is possible in time; also the binary stream below.
pub(super) fn enter_before<'a>(
    th: &mut Thread,
    o: Borrowed<'a>,
    limit: Instant,
) -> Option<(IoGuard<'a>, Option<Owned>)> {
    let me = o.downcast::<TextIo>()?;
    let mut guard = me.lock.enter_before(th, limit)?;
    let buffer = me.state.get(&mut guard).buffer.clone();
    Some((guard, buffer))
}

/// A stream with its lock held.
struct Stream<'a> {
    me: &'a TextIo,
    guard: IoGuard<'a>,
    buffer: Owned,
}

/// Takes the lock of an open stream. Errors: ValueError.
fn open<'a>(th: &mut Thread, o: Borrowed<'a>) -> PyResult<Stream<'a>> {
    let me = of(o);
    let buffer = buffer_of(th, o)?;
    let closed = match exact_core(buffer.borrow()) {
        Some(core) => core.open_state(th)?,
        None => base::is_closed(th, buffer.borrow())?,
    };
    if closed {
        return Err(base::closed_error(th));
    }
    let guard = me.lock.enter_nested(th);
    Ok(Stream { me, guard, buffer })
}

impl Stream<'_> {
    #[inline]
    fn s(&mut self) -> &mut State {
        self.me.state.get(&mut self.guard)
    }

    /// Hands encoded text that waits to the buffer.
    fn write_pending(&mut self, th: &mut Thread) -> PyResult<()> {
        if self.s().pending.is_empty() {
            return Ok(());
        }
        let mut bytes = core::mem::take(&mut self.s().pending);
        if let Some(core) = exact_core(self.buffer.borrow()).filter(|c| c.writable) {
            let buffer = self.buffer.clone();
            let r = match core.open_checked(th, buffer.borrow(), "write") {
                Ok(mut b) => b.write(th, &bytes).map(drop),
                Err(raised) => Err(raised),
            };
            if r.is_ok() {
                bytes.clear();
                let s = self.s();
                if s.pending.is_empty() {
                    // Keeps the allocation.
                    s.pending = bytes;
                }
            }
            return r;
        }
        let data = th.new_bytes(&bytes);
        let name = th.rt.names.write.get();
        let buffer = self.buffer.clone();
        buffer.borrow().call_method(th, name, &[data.borrow()]).map(drop)
    }

    /// Forgets what was decoded but not read.
    fn forget_text(&mut self) {
        let s = self.s();
        s.text.clear();
        s.pos = 0;
        s.chunk_start = 0;
        s.snapshot = None;
    }

    fn flush(&mut self, th: &mut Thread) -> PyResult<()> {
        let s = self.s();
        s.telling = s.seekable;
        self.write_pending(th)?;
        flush_buffer(th, self.buffer.borrow())
    }

    /// Decodes the next chunk and appends its text. False at the end. `hint` asks for about so many bytes.
    fn read_chunk(&mut self, th: &mut Thread, hint: usize) -> PyResult<bool> {
        let (telling, chunk, has_read1) = {
            let s = self.s();
            (s.telling, s.chunk_size.max(hint), s.has_read1)
        };
        let Some(mut decoder) = self.s().decoder.as_mut().map(Decoder::take) else {
            return Err(base::unsupported(th, "not readable"));
        };
        let r = (|| {
            let before = if telling { Some(decoder.state(th)?) } else { None };
            let newlines = self.s().newlines;
            let flag = newlines.is_some_and(|n| n.pending_cr);
            let buffer = self.buffer.clone();
            let input = match exact_core(buffer.borrow()).filter(|c| c.readable) {
                Some(core) => core.open_checked(th, buffer.borrow(), "read")?.chunk(th, chunk)?,
                None => {
                    let n = th.new_int(chunk as i64);
                    let method = if has_read1 { "read1" } else { "read" };
                    let r = buffer.borrow().call_method_str(th, method, &[n.borrow()])?;
                    match typhon_core::buffer::bytes_like_opt(th, r.borrow())? {
                        Some(b) => b.to_vec(),
                        None => {
                            let msg = format!(
                                "underlying {method}() should have returned a bytes-like object, not '{}'",
                                r.borrow().type_name(th)
                            );
                            return Err(th.type_error(&msg));
                        }
                    }
                }
            };
            let last = input.is_empty();
            let mut newlines = newlines;
            let text = decoder.decode(th, &input, last, newlines.as_mut())?;
            Ok((before, flag, input, last, newlines, text))
        })();
        let s = self.s();
        if let Some(d) = &mut s.decoder {
            d.put_back(decoder);
        }
        let (before, cr, input, last, newlines, text) = r?;
        s.newlines = newlines;
        // What was read is dropped before more is appended.
        if s.pos > 0 {
            let rest = if s.pos < s.text.len() {
                StrBuf::from(s.text.data().slice(s.pos, s.text.len()))
            } else {
                StrBuf::new()
            };
            s.text = rest;
            s.pos = 0;
        }
        s.chunk_start = s.text.len();
        let data = text.data();
        let empty = data.is_empty();
        match text {
            Text::Buf(b) if s.text.is_empty() => s.text = b,
            ref text => s.text.push_data(text.data()),
        }
        if let Some((mut undecoded, flags)) = before {
            undecoded.extend_from_slice(&input);
            let flags = if newlines.is_some() { flags << 1 | i64::from(cr) } else { flags };
            s.snapshot = Some((flags, undecoded));
        } else {
            s.snapshot = None;
        }
        Ok(!(last && empty))
    }

    /// Makes a str of the next `n` characters.
    fn take(&mut self, th: &mut Thread, n: usize) -> Owned {
        let s = self.me.state.get(&mut self.guard);
        let (start, end) = (s.pos, s.pos + n);
        s.pos = end;
        match s.text.data() {
            typhon_text::StrData::One(b) if s.text.is_ascii() => th.new_ascii(&b[start..end]),
            d => th.new_str_data(d.slice(start, end)),
        }
    }

    fn read_line(&mut self, th: &mut Thread, limit: usize) -> PyResult {
        self.write_pending(th)?;
        let mut searched = 0usize;
        loop {
            let s = self.s();
            let have = s.text.len() - s.pos;
            // A two-character end may straddle two chunks.
            let from = s.pos + searched.saturating_sub(1).min(have);
            let from =
                if s.line_end == LineEnd::Lf || s.line_end == LineEnd::Cr { s.pos + searched } else { from };
            if let Some(end) = find_line(s.text.data(), from, s.line_end) {
                let n = (end - s.pos).min(limit);
                return Ok(self.take(th, n));
            }
            if have >= limit {
                return Ok(self.take(th, limit));
            }
            searched = have;
            let mut more = true;
            while more && self.s().text.len() - self.s().pos == have {
                more = self.read_chunk(th, 0)?;
            }
            if !more {
                let s = self.s();
                let rest = s.text.len() - s.pos;
                if rest == 0 {
                    self.forget_text();
                    return Ok(th.empty_str());
                }
                let rest = rest.min(limit);
                let line = self.take(th, rest);
                self.s().snapshot = None;
                return Ok(line);
            }
        }
    }
}

fn flush_buffer(th: &mut Thread, buffer: Borrowed<'_>) -> PyResult<()> {
    if let Some(core) = exact_core(buffer) {
        return core.open_checked(th, buffer, "flush")?.flush(th);
    }
    let name = th.rt.names.flush.get();
    buffer.call_method(th, name, &[]).map(drop)
}

fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    let a = bind(
        th,
        "TextIOWrapper",
        "(buffer, encoding=None, errors=None, newline=None, line_buffering=False, write_through=False)",
        args,
    )?;
    settings::init(th, o, &a)
}

fn forward(th: &mut Thread, o: Borrowed<'_>, method: &str) -> PyResult {
    let b = buffer_of(th, o)?;
    if method == "isatty" || method == "fileno" {
        return b.borrow().call_method_str(th, method, &[]);
    }
    b.borrow().call_method_str(th, method, &[])
}

fn detach(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    buffer_of(th, a[0])?;
    let name = th.rt.names.flush.get();
    a[0].call_method(th, name, &[])?;
    let me = of(a[0]);
    let mut guard = me.lock.enter_nested(th);
    let s = me.state.get(&mut guard);
    s.detached = true;
    match s.buffer.take() {
        Some(b) => Ok(b),
        None => Err(th.value_error("underlying buffer has been detached")),
    }
}

fn write(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(text) = a[1].downcast::<Str>() else {
        let msg = format!("write() argument must be str, not {}", a[1].type_name(th));
        return Err(th.type_error(&msg));
    };
    let mut io = open(th, a[0])?;
    let data = text.data();
    let (translate, line_buffering) = {
        let s = io.s();
        if s.encoder.is_none() {
            return Err(base::unsupported(th, "not writable"));
        }
        (s.write_newline, s.line_buffering)
    };
    let mut has_line = false;
    if translate.is_some() || line_buffering {
        has_line = match data {
            typhon_text::StrData::One(b) => memchr::memchr(b'\n', b).is_some(),
            wide => wide.iter().any(|c| c == 10),
        };
    }
    let translated = translate.filter(|_| has_line).map(|end| {
        let mut out = StrBuf::with_capacity(data.len() + 16);
        for c in data.iter() {
            if c == 10 { out.push_ascii(end.as_bytes()) } else { out.push(c) }
        }
        out
    });
    let out = translated.as_ref().map_or(data, |t| t.data());
    let flush_after = line_buffering && (has_line || data.iter().any(|c| c == 13));
    let native = match &io.s().encoder {
        Some(Encoder::Native(n)) => Some(*n),
        _ => None,
    };
    match native {
        Some(native) => {
            let s = io.me.state.get(&mut io.guard);
            coder::encode_native(th, native, out, &mut s.pending)?;
        }
        None => {
            let encoder = match &io.s().encoder {
                Some(Encoder::Object(o)) => o.clone(),
                _ => Owned::none(),
            };
            let arg = match &translated {
                Some(t) => th.new_str_data(t.data()),
                None => a[1].to_owned(),
            };
            let b = encoder.borrow().call_method_str(th, "encode", &[arg.borrow()])?;
            let Some(bytes) = b.downcast::<Bytes>() else {
                let msg = format!("encoder should return a bytes object, not '{}'", b.borrow().type_name(th));
                return Err(th.type_error(&msg));
            };
            io.s().pending.extend_from_slice(bytes.as_bytes());
        }
    }
    let s = io.s();
    let full = s.pending.len() >= s.chunk_size || s.write_through || flush_after;
    if !s.text.is_empty() || s.snapshot.is_some() {
        io.forget_text();
        if let Some(mut d) = io.s().decoder.as_mut().map(Decoder::take) {
            let r = d.reset(th);
            if let Some(back) = &mut io.s().decoder {
                back.put_back(d);
            }
            r?;
        }
    }
    if full {
        io.write_pending(th)?;
        if flush_after {
            flush_buffer(th, io.buffer.clone().borrow())?;
        }
    }
    Ok(th.new_int(text.len() as i64))
}

fn read(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = base::size_arg(th, a.opt(1))?;
    let mut io = open(th, a[0])?;
    if io.s().decoder.is_none() {
        return Err(base::unsupported(th, "not readable"));
    }
    io.write_pending(th)?;
    if n < 0 {
        return read_all(th, &mut io);
    }
    let n = n as usize;
    loop {
        let s = io.s();
        let have = s.text.len() - s.pos;
        if have >= n {
            return Ok(io.take(th, n));
        }
        if !io.read_chunk(th, n - have)? {
            let s = io.s();
            let rest = (s.text.len() - s.pos).min(n);
            return Ok(io.take(th, rest));
        }
    }
}

fn read_all(th: &mut Thread, io: &mut Stream<'_>) -> PyResult {
    let buffer = io.buffer.clone();
    let input = match exact_core(buffer.borrow()).filter(|c| c.readable) {
        Some(core) => core.open_checked(th, buffer.borrow(), "read")?.read_all(th)?.unwrap_or_default(),
        None => {
            let name = th.rt.names.read.get();
            let r = buffer.borrow().call_method(th, name, &[])?;
            match typhon_core::buffer::bytes_like_opt(th, r.borrow())? {
                Some(b) => b.to_vec(),
                None => {
                    let msg = format!(
                        "underlying read() should have returned a bytes-like object, not '{}'",
                        r.borrow().type_name(th)
                    );
                    return Err(th.type_error(&msg));
                }
            }
        }
    };
    let Some(mut decoder) = io.s().decoder.as_mut().map(Decoder::take) else {
        return Err(base::unsupported(th, "not readable"));
    };
    let mut newlines = io.s().newlines;
    let r = decoder.decode(th, &input, true, newlines.as_mut());
    let s = io.s();
    if let Some(d) = &mut s.decoder {
        d.put_back(decoder);
    }
    let text = r?;
    s.newlines = newlines;
    let out = if s.pos == s.text.len() {
        match text {
            Text::Buf(b) => th.new_str_buf(b),
            Text::Object(o) => o,
        }
    } else {
        let mut out = StrBuf::from(s.text.data().slice(s.pos, s.text.len()));
        out.push_data(text.data());
        th.new_str_buf(out)
    };
    io.forget_text();
    Ok(out)
}

fn readline(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = base::size_arg(th, a.opt(1))?;
    let mut io = open(th, a[0])?;
    io.read_line(th, if n < 0 { usize::MAX } else { n as usize })
}

fn next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let line = if o.downcast_exact::<TextIo>().is_some() {
        let mut io = open(th, o)?;
        io.s().telling = false;
        io.read_line(th, usize::MAX)?
    } else {
        let name = th.rt.names.readline.get();
        let line = o.call_method(th, name, &[])?;
        if line.downcast::<Str>().is_none() {
            let msg = format!(
                "readline() should have returned a str object, not '{}'",
                line.borrow().type_name(th)
            );
            return Err(base::os_like(th, &msg));
        }
        line
    };
    if line.payload::<Str>().is_empty() {
        let me = of(o);
        let mut guard = me.lock.enter_nested(th);
        let s = me.state.get(&mut guard);
        s.snapshot = None;
        s.telling = s.seekable;
        return Ok(None);
    }
    Ok(Some(line))
}

fn flush(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    open(th, a[0])?.flush(th)?;
    Ok(Owned::none())
}

fn close(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let buffer = buffer_of(th, a[0])?;
    if base::is_closed(th, buffer.borrow())? {
        return Ok(Owned::none());
    }
    let name = th.rt.names.flush.get();
    let flushed = a[0].call_method(th, name, &[]);
    let first = flushed.err().map(|raised| th.catch(raised));
    let name = th.rt.names.close.get();
    let closed = buffer.borrow().call_method(th, name, &[]);
    super::first_error(th, first, closed)
}

fn finalize(th: &mut Thread, o: Borrowed<'_>) -> PyResult<()> {
    let Ok(buffer) = buffer_of(th, o).map_err(|raised| drop(th.catch(raised))) else { return Ok(()) };
    let closed = base::is_closed(th, buffer.borrow());
    match closed {
        Ok(true) => return Ok(()),
        Ok(false) => {}
        Err(raised) => drop(th.catch(raised)),
    }
    if core_of(buffer.borrow()).is_some()
        && let Err(raised) = buffer.borrow().call_method_str(th, "_dealloc_warn", &[o])
    {
        drop(th.catch(raised));
    }
    base::finalize(th, o)
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let mut text = format!("<{}", o.type_name(th));
    for key in ["name", "mode"] {
        let r = o.getattr_str(th, key);
        match r {
            Ok(v) => {
                text.push_str(&format!(" {key}={}", v.borrow().repr_text(th)?));
            }
            Err(raised) => drop(th.catch(raised)),
        }
    }
    let encoding = of(o).state.get(&mut of(o).lock.enter_nested(th)).encoding.clone();
    text.push_str(&format!(" encoding={}>", encoding.borrow().repr_text(th)?));
    Ok(th.new_str(&text))
}
