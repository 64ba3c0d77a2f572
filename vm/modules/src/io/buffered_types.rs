//! The Python types `BufferedReader`, `BufferedWriter`, `BufferedRandom` and `BufferedRWPair`.

use typhon_sync::prim::AtomicBool;

use typhon_core::builtins::str::Str;
use typhon_core::signature::bind;
use typhon_core::thread::unborn;
use typhon_core::typedef::TypeDef;
use typhon_core::{Args, ArgsExt, Borrowed, GetSetDef, NativeDef, Owned, PyResult, Slot, Slots, Thread};

use super::base::{self, STREAM};
use super::buffered::Buffered;
use super::fileio::{self, FileIo};

typhon_core::payload! {
    /// `_io.BufferedReader`
    pub struct BufferedReader: BUFFERED_READER { closed: AtomicBool, core: Buffered }
}
typhon_core::payload! {
    /// `_io.BufferedWriter`
    pub struct BufferedWriter: BUFFERED_WRITER { closed: AtomicBool, core: Buffered }
}
typhon_core::payload! {
    /// `_io.BufferedRandom`
    pub struct BufferedRandom: BUFFERED_RANDOM { closed: AtomicBool, core: Buffered }
}
typhon_core::payload! {
    /// `_io.BufferedRWPair`
    pub struct BufferedRwPair: BUFFERED_RW_PAIR { closed: AtomicBool, reader: Slot, writer: Slot }
}

/// The buffer of any of the three types.
#[inline]
pub fn core_of(o: Borrowed<'_>) -> Option<&Buffered> {
    if let Some(r) = o.downcast_exact::<BufferedReader>() {
        return Some(&r.core);
    }
    if let Some(w) = o.downcast_exact::<BufferedWriter>() {
        return Some(&w.core);
    }
    o.downcast::<BufferedReader>()
        .map(|r| &r.core)
        .or_else(|| o.downcast::<BufferedWriter>().map(|w| &w.core))
        .or_else(|| o.downcast::<BufferedRandom>().map(|r| &r.core))
}

/// The buffer of an object of exactly one of the three types: no method of it is overridden.
#[inline]
pub fn exact_core(o: Borrowed<'_>) -> Option<&Buffered> {
    if let Some(r) = o.downcast_exact::<BufferedReader>() {
        return Some(&r.core);
    }
    if let Some(w) = o.downcast_exact::<BufferedWriter>() {
        return Some(&w.core);
    }
    o.downcast_exact::<BufferedRandom>().map(|r| &r.core)
}

fn of(o: Borrowed<'_>) -> &Buffered {
    core_of(o).expect("a method of a buffered stream")
}

macro_rules! new {
    ($payload:ident, $readable:literal, $writable:literal) => {
        Some(|th, ty, _| {
            let core = Buffered::new($readable, $writable);
            Ok(th.alloc_as($payload { header: unborn(), closed: AtomicBool::new(false), core }, ty))
        })
    };
}

pub static BUFFERED_READER: TypeDef = TypeDef {
    module: "_io",
    flags: STREAM,
    base: Some(&base::BUFFERED_IO_BASE),
    doc: "Create a new buffered reader using the given readable raw IO object.",
    slots: Slots {
        new: new!(BufferedReader, true, false),
        init: Some(|th, o, args| init(th, o, args, "BufferedReader")),
        repr: Some(repr),
        next: Some(next),
        finalize: Some(finalize),
        ..Slots::NONE
    },
    methods: READER,
    getset: GETSET,
    ..TypeDef::of::<BufferedReader>("BufferedReader")
};

pub static BUFFERED_WRITER: TypeDef = TypeDef {
    module: "_io",
    flags: STREAM,
    base: Some(&base::BUFFERED_IO_BASE),
    doc: "A buffer for a writeable sequential RawIO object.",
    slots: Slots {
        new: new!(BufferedWriter, false, true),
        init: Some(|th, o, args| init(th, o, args, "BufferedWriter")),
        repr: Some(repr),
        finalize: Some(finalize),
        ..Slots::NONE
    },
    methods: WRITER,
    getset: GETSET,
    ..TypeDef::of::<BufferedWriter>("BufferedWriter")
};

pub static BUFFERED_RANDOM: TypeDef = TypeDef {
    module: "_io",
    flags: STREAM,
    base: Some(&base::BUFFERED_IO_BASE),
    doc: "A buffered interface to random access streams.",
    slots: Slots {
        new: new!(BufferedRandom, true, true),
        init: Some(|th, o, args| init(th, o, args, "BufferedRandom")),
        repr: Some(repr),
        next: Some(next),
        finalize: Some(finalize),
        ..Slots::NONE
    },
    methods: RANDOM,
    getset: GETSET,
    ..TypeDef::of::<BufferedRandom>("BufferedRandom")
};

const GETSET: &[GetSetDef] = &[
    GetSetDef::get("closed", closed),
    GetSetDef::get("name", |th, o| forward(th, o, "name")),
    GetSetDef::get("mode", |th, o| forward(th, o, "mode")),
    GetSetDef::get("raw", |th, o| of(o).raw(th)),
];

macro_rules! methods {
    ($($extra:expr),* $(,)?) => { &[
        NativeDef::new("detach", "($self, /)", detach, "Disconnect this buffer from its underlying raw stream and return it."),
        NativeDef::new("flush", "($self, /)", flush, "Flush the buffers of the stream."),
        NativeDef::new("close", "($self, /)", close, "Flush and close the stream."),
        NativeDef::new("seekable", "($self, /)", |th, a| call_raw(th, a[0], "seekable"), "Whether the stream can seek."),
        NativeDef::new("fileno", "($self, /)", |th, a| call_raw(th, a[0], "fileno"), "The descriptor."),
        NativeDef::new("isatty", "($self, /)", |th, a| call_raw(th, a[0], "isatty"), "Whether the stream is a terminal."),
        NativeDef::new("seek", "($self, target, whence=0, /)", seek, "Move the position."),
        NativeDef::new("tell", "($self, /)", tell, "Return the position."),
        NativeDef::new("_dealloc_warn", "($self, source, /)", dealloc_warn, ""),
        NativeDef::new("__reduce__", "($self, /)", base::no_pickle, ""),
        NativeDef::new("__reduce_ex__", "($self, protocol, /)", base::no_pickle, ""),
        $($extra),*
    ] };
}

const READABLE: NativeDef = NativeDef::new(
    "readable",
    "($self, /)",
    |th, a| call_raw(th, a[0], "readable"),
    "Whether the stream can be read.",
);
const WRITABLE: NativeDef = NativeDef::new(
    "writable",
    "($self, /)",
    |th, a| call_raw(th, a[0], "writable"),
    "Whether the stream can be written.",
);
const READ: NativeDef =
    NativeDef::new("read", "($self, size=-1, /)", read, "Read and return up to size bytes.");
const READ1: NativeDef =
    NativeDef::new("read1", "($self, size=-1, /)", read1, "Read with at most one system call.");
const READINTO: NativeDef =
    NativeDef::new("readinto", "($self, buffer, /)", |th, a| read_into(th, a, false), "Read into a buffer.");
const READINTO1: NativeDef = NativeDef::new(
    "readinto1",
    "($self, buffer, /)",
    |th, a| read_into(th, a, true),
    "Read into a buffer with at most one system call.",
);
const PEEK: NativeDef = NativeDef::new("peek", "($self, size=0, /)", peek, "Look at bytes that wait.");
const READLINE: NativeDef = NativeDef::new("readline", "($self, size=-1, /)", readline, "Read a line.");
const WRITE: NativeDef =
    NativeDef::new("write", "($self, buffer, /)", write, "Write the given buffer to the IO stream.");
const TRUNCATE: NativeDef = NativeDef::new("truncate", "($self, pos=None, /)", truncate, "Cut the stream.");

const READER: &[NativeDef] = methods![READABLE, READ, READ1, READINTO, READINTO1, PEEK, READLINE, TRUNCATE];
const WRITER: &[NativeDef] = methods![WRITABLE, WRITE, TRUNCATE];
const RANDOM: &[NativeDef] =
    methods![READABLE, WRITABLE, READ, READ1, READINTO, READINTO1, PEEK, READLINE, WRITE, TRUNCATE];

fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>, name: &'static str) -> PyResult<()> {
    let a = bind(th, name, "(raw, buffer_size=131072)", args)?;
    let size = match a.opt(1) {
        Some(n) => n.to_isize(th)?,
        None => super::DEFAULT_BUFFER_SIZE as isize,
    };
    let core = of(o);
    // Streams of our own are asked without calls.
    match a[0].downcast_exact::<FileIo>() {
        Some(f) if f.fd() >= 0 => {
            if core.readable && !f.is_readable() {
                return Err(base::unsupported(th, "File or stream is not readable."));
            }
            if core.writable && !f.is_writable() {
                return Err(base::unsupported(th, "File or stream is not writable."));
            }
            if core.readable && core.writable && !fileio::is_seekable(th, a[0])? {
                return Err(base::unsupported(th, "File or stream is not seekable."));
            }
        }
        _ => {
            if core.readable && core.writable {
                base::check_able(th, a[0], "seekable")?;
            }
            if core.readable {
                base::check_able(th, a[0], "readable")?;
            }
            if core.writable {
                base::check_able(th, a[0], "writable")?;
            }
        }
    }
    core.start(th, o, a[0], size)
}

fn forward(th: &mut Thread, o: Borrowed<'_>, name: &str) -> PyResult {
    let raw = of(o).raw(th)?;
    raw.borrow().getattr_str(th, name)
}

fn call_raw(th: &mut Thread, o: Borrowed<'_>, name: &str) -> PyResult {
    let raw = of(o).raw(th)?;
    raw.borrow().call_method_str(th, name, &[])
}

fn closed(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    forward(th, o, "closed")
}

fn detach(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    of(a[0]).raw(th)?;
    let name = th.rt.names.flush.get();
    a[0].call_method(th, name, &[])?;
    match of(a[0]).detach(th) {
        Some(raw) => Ok(raw),
        None => Err(th.value_error("raw stream has been detached")),
    }
}

fn flush(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    of(a[0]).open_checked(th, a[0], "flush")?.flush(th)?;
    Ok(Owned::none())
}

fn close(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let raw = of(a[0]).raw(th)?;
    if base::is_closed(th, raw.borrow())? {
        return Ok(Owned::none());
    }
    let name = th.rt.names.flush.get();
    let flushed = a[0].call_method(th, name, &[]);
    let first = flushed.err().map(|raised| th.catch(raised));
    let name = th.rt.names.close.get();
    let closed = raw.borrow().call_method(th, name, &[]);
    super::first_error(th, first, closed)
}

fn finalize(th: &mut Thread, o: Borrowed<'_>) -> PyResult<()> {
    // An object whose `__init__` failed has nothing to close.
    let Ok(raw) = of(o).raw(th).map_err(|raised| drop(th.catch(raised))) else { return Ok(()) };
    if raw.borrow().downcast_exact::<FileIo>().is_some_and(|f| f.fd() < 0) {
        return Ok(());
    }
    warn_unclosed(th, raw.borrow(), o);
    base::finalize(th, o)
}

/// Lets the raw stream warn that `source` was not closed.
fn warn_unclosed(th: &mut Thread, raw: Borrowed<'_>, source: Borrowed<'_>) {
    if raw.downcast_exact::<FileIo>().is_some() {
        return fileio::dealloc_warn(th, raw, source);
    }
    if let Err(raised) = raw.call_method_str(th, "_dealloc_warn", &[source]) {
        drop(th.catch(raised));
    }
}

fn dealloc_warn(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if let Ok(raw) = of(a[0]).raw(th).map_err(|raised| drop(th.catch(raised))) {
        warn_unclosed(th, raw.borrow(), a[1]);
    }
    Ok(Owned::none())
}

fn int_arg(th: &mut Thread, v: Borrowed<'_>) -> PyResult<i64> {
    let v = v.index(th)?;
    v.borrow().to_i64(th)
}

fn seek(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let target = int_arg(th, a[1])?;
    let whence = crate::support::c_int_or(th, a.opt(2), 0)?;
    if !matches!(whence, libc::SEEK_SET | libc::SEEK_CUR | libc::SEEK_END | libc::SEEK_DATA | libc::SEEK_HOLE)
    {
        return Err(th.value_error(&format!("whence value {whence} unsupported")));
    }
    let mut b = of(a[0]).open_checked(th, a[0], "seek")?;
    let raw = b.raw().to_owned();
    let able = match raw.borrow().downcast_exact::<FileIo>() {
        Some(_) => fileio::is_seekable(th, raw.borrow())?,
        None => {
            base::check_able(th, raw.borrow(), "seekable")?;
            true
        }
    };
    if !able {
        return Err(base::unsupported(th, "File or stream is not seekable."));
    }
    let p = b.seek(th, target, whence)?;
    Ok(th.new_int(p))
}

fn tell(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let p = of(a[0]).open(th, a[0])?.tell(th)?;
    Ok(th.new_int(p))
}

fn truncate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let core = of(a[0]);
    let mut b = core.open_checked(th, a[0], "truncate")?;
    if !core.writable {
        return Err(base::unsupported(th, "truncate"));
    }
    b.flush(th)?;
    let size = match a.some(1) {
        Some(s) => s.to_owned(),
        None => {
            let p = b.tell(th)?;
            th.new_int(p)
        }
    };
    let raw = b.raw().to_owned();
    raw.borrow().call_method_str(th, "truncate", &[size.borrow()])
}

fn bytes_or_none(th: &mut Thread, v: Option<Vec<u8>>) -> Owned {
    v.map_or_else(Owned::none, |b| th.new_bytes(&b))
}

fn read(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = base::size_arg(th, a.opt(1))?;
    if n < -1 {
        return Err(th.value_error("read length must be non-negative or -1"));
    }
    let mut b = of(a[0]).open_checked(th, a[0], "read")?;
    if n < 0 {
        let all = b.read_all(th)?;
        return Ok(bytes_or_none(th, all));
    }
    let n = n as usize;
    if b.available().len() >= n && !of(a[0]).writable {
        let out = b.read1(th, n)?;
        return Ok(th.new_bytes(&out));
    }
    let out = b.read(th, n)?;
    Ok(bytes_or_none(th, out))
}

fn read1(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = base::size_arg(th, a.opt(1))?;
    let n = if n < 0 { super::DEFAULT_BUFFER_SIZE } else { n as usize };
    let mut b = of(a[0]).open_checked(th, a[0], "read")?;
    if n == 0 {
        return Ok(th.new_bytes(b""));
    }
    let out = b.read1(th, n)?;
    Ok(th.new_bytes(&out))
}

fn read_into(th: &mut Thread, a: &[Borrowed<'_>], once: bool) -> PyResult {
    let mut b = of(a[0]).open_checked(th, a[0], "readinto")?;
    let mut buffer = typhon_core::buffer::get_writable(th, a[1])?;
    Ok(match b.read_into(th, buffer.as_mut_slice(), once)? {
        Some(n) => th.new_int(n as i64),
        None => Owned::none(),
    })
}

fn peek(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let out = of(a[0]).open_checked(th, a[0], "peek")?.peek(th)?;
    Ok(th.new_bytes(&out))
}

fn readline(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let limit = base::size_arg(th, a.opt(1))?;
    let limit = if limit < 0 { usize::MAX } else { limit as usize };
    of(a[0]).open_checked(th, a[0], "readline")?.read_line(th, limit)
}

fn next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let line = if exact_core(o).is_some() {
        of(o).open_checked(th, o, "readline")?.read_line(th, usize::MAX)?
    } else {
        let name = th.rt.names.readline.get();
        o.call_method(th, name, &[])?
    };
    Ok(if line.borrow().len(th)? == 0 { None } else { Some(line) })
}

fn write(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if a[1].downcast::<Str>().is_some() {
        return Err(th.type_error("a bytes-like object is required, not 'str'"));
    }
    let bytes = typhon_core::buffer::bytes_like(th, a[1])?;
    let n = of(a[0]).open_checked(th, a[0], "write")?.write(th, &bytes)?;
    Ok(th.new_int(n as i64))
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let class = o.type_name(th);
    let name = th.rt.names.name.get();
    let r = o.getattr(th, name);
    let name = match r {
        Ok(n) => Some(n),
        Err(raised) => {
            // No raw stream, or one without a name.
            drop(th.catch(raised));
            None
        }
    };
    let text = match name {
        Some(n) => format!("<{class} name={}>", n.borrow().repr_text(th)?),
        None => format!("<{class}>"),
    };
    Ok(th.new_str(&text))
}

pub static BUFFERED_RW_PAIR: TypeDef = TypeDef {
    module: "_io",
    flags: STREAM,
    base: Some(&base::BUFFERED_IO_BASE),
    doc: "A buffered reader and writer object together.",
    slots: Slots {
        new: Some(|th, ty, _| {
            let payload = BufferedRwPair {
                header: unborn(),
                closed: AtomicBool::new(false),
                reader: Slot::empty(),
                writer: Slot::empty(),
            };
            Ok(th.alloc_as(payload, ty))
        }),
        init: Some(pair_init),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new("read", "($self, size=-1, /)", |th, a| half(th, a, true, "read"), ""),
        NativeDef::new("read1", "($self, size=-1, /)", |th, a| half(th, a, true, "read1"), ""),
        NativeDef::new("peek", "($self, size=0, /)", |th, a| half(th, a, true, "peek"), ""),
        NativeDef::new("readinto", "($self, buffer, /)", |th, a| half(th, a, true, "readinto"), ""),
        NativeDef::new("readinto1", "($self, buffer, /)", |th, a| half(th, a, true, "readinto1"), ""),
        NativeDef::new("readable", "($self, /)", |th, a| half(th, a, true, "readable"), ""),
        NativeDef::new("write", "($self, buffer, /)", |th, a| half(th, a, false, "write"), ""),
        NativeDef::new("flush", "($self, /)", |th, a| half(th, a, false, "flush"), ""),
        NativeDef::new("writable", "($self, /)", |th, a| half(th, a, false, "writable"), ""),
        NativeDef::new("close", "($self, /)", pair_close, ""),
        NativeDef::new("isatty", "($self, /)", pair_isatty, ""),
    ],
    getset: &[GetSetDef::get("closed", |th, o| {
        let w = pair_half(th, o, false)?;
        w.borrow().getattr_str(th, "closed")
    })],
    ..TypeDef::of::<BufferedRwPair>("BufferedRWPair")
};

fn pair_init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    let a = bind(th, "BufferedRWPair", "(reader, writer, buffer_size=131072, /)", args)?;
    base::check_able(th, a[0], "readable")?;
    base::check_able(th, a[1], "writable")?;
    let size = match a.opt(2) {
        Some(n) => n.to_owned(),
        None => th.new_int(super::DEFAULT_BUFFER_SIZE as i64),
    };
    let reader = BUFFERED_READER.ty().as_value().call(th, &[a[0], size.borrow()])?;
    let writer = BUFFERED_WRITER.ty().as_value().call(th, &[a[1], size.borrow()])?;
    let me = o.downcast::<BufferedRwPair>().expect("__init__ of BufferedRWPair");
    me.reader.set(&me.header, reader);
    me.writer.set(&me.header, writer);
    Ok(())
}

fn pair_half(th: &mut Thread, o: Borrowed<'_>, reader: bool) -> PyResult {
    let me = o.downcast::<BufferedRwPair>().expect("a method of BufferedRWPair");
    let half = if reader { &me.reader } else { &me.writer };
    match half.get(&me.header) {
        Some(h) => Ok(h),
        None => Err(th.value_error("I/O operation on uninitialized object")),
    }
}

fn half(th: &mut Thread, a: &[Borrowed<'_>], reader: bool, method: &str) -> PyResult {
    let h = pair_half(th, a[0], reader)?;
    let args = match a.opt(1) {
        Some(_) => &a[1..],
        None => &[],
    };
    h.borrow().call_method_str(th, method, args)
}

fn pair_close(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let first = half(th, &a[..1], false, "close").err().map(|raised| th.catch(raised));
    let second = half(th, &a[..1], true, "close");
    super::first_error(th, first, second)
}

fn pair_isatty(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let w = half(th, &a[..1], false, "isatty")?;
    if w.borrow().truth(th)? { Ok(w) } else { half(th, &a[..1], true, "isatty") }
}
