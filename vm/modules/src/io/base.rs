//! `_IOBase` and its three abstract children: what streams written in Python inherit.

use typhon_sync::prim::{AtomicBool, Ordering};

use typhon_core::builtins::bytes::Bytes;
use typhon_core::thread::unborn;
use typhon_core::typedef::type_flags;
use typhon_core::{
    Args, ArgsExt, Borrowed, GetSetDef, NativeDef, Owned, PyResult, Raised, Slots, Thread, Type, TypeDef,
};

use crate::support::os_error;

/// Flags of all stream types.
pub const STREAM: u32 = type_flags::BASE | type_flags::GC | type_flags::DICT | type_flags::WEAKREF;

typhon_core::payload! {
    /// A stream whose methods are Python code.
    pub struct IoBase: IO_BASE {
        /// `close()` of this base class was called.
        pub closed: AtomicBool,
    }
}
typhon_core::payload! {
    pub struct RawIoBase: RAW_IO_BASE { pub closed: AtomicBool }
}
typhon_core::payload! {
    pub struct BufferedIoBase: BUFFERED_IO_BASE { pub closed: AtomicBool }
}
typhon_core::payload! {
    pub struct TextIoBase: TEXT_IO_BASE { pub closed: AtomicBool }
}

pub static IO_BASE: TypeDef = TypeDef {
    module: "_io",
    flags: STREAM,
    doc: "The abstract base class for all I/O classes.",
    slots: Slots {
        new: Some(|th, ty, _| {
            Ok(th.alloc_as(IoBase { header: unborn(), closed: AtomicBool::new(false) }, ty))
        }),
        init: Some(|_, _, _| Ok(())),
        iter: Some(iter),
        next: Some(next),
        finalize: Some(finalize),
        ..Slots::NONE
    },
    methods: IO_BASE_METHODS,
    getset: &[GetSetDef::get("closed", |_, o| Ok(Owned::bool(base_flag(o))))],
    ..TypeDef::of::<IoBase>("_IOBase")
};

pub static RAW_IO_BASE: TypeDef = TypeDef {
    module: "_io",
    flags: STREAM,
    base: Some(&IO_BASE),
    doc: "Base class for raw binary I/O.",
    slots: Slots {
        new: Some(|th, ty, _| {
            Ok(th.alloc_as(RawIoBase { header: unborn(), closed: AtomicBool::new(false) }, ty))
        }),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new("read", "($self, size=-1, /)", raw_read, "Read and return up to size bytes."),
        NativeDef::new("readall", "($self, /)", raw_readall, "Read until EOF, using multiple read() call."),
    ],
    ..TypeDef::of::<RawIoBase>("_RawIOBase")
};

pub static BUFFERED_IO_BASE: TypeDef = TypeDef {
    module: "_io",
    flags: STREAM,
    base: Some(&IO_BASE),
    doc: "Base class for buffered IO objects.",
    slots: Slots {
        new: Some(|th, ty, _| {
            Ok(th.alloc_as(BufferedIoBase { header: unborn(), closed: AtomicBool::new(false) }, ty))
        }),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new(
            "detach",
            "($self, /)",
            |th, _| Err(unsupported(th, "detach")),
            "Separate the raw stream.",
        ),
        NativeDef::new("read", "($self, size=-1, /)", |th, _| Err(unsupported(th, "read")), "Read bytes."),
        NativeDef::new("read1", "($self, size=-1, /)", |th, _| Err(unsupported(th, "read1")), "Read bytes."),
        NativeDef::new(
            "readinto",
            "($self, buffer, /)",
            |th, a| read_into(th, a, "read"),
            "Read into a buffer.",
        ),
        NativeDef::new(
            "readinto1",
            "($self, buffer, /)",
            |th, a| read_into(th, a, "read1"),
            "Read into a buffer.",
        ),
        NativeDef::new("write", "($self, b, /)", |th, _| Err(unsupported(th, "write")), "Write bytes."),
    ],
    ..TypeDef::of::<BufferedIoBase>("_BufferedIOBase")
};

pub static TEXT_IO_BASE: TypeDef = TypeDef {
    module: "_io",
    flags: STREAM,
    base: Some(&IO_BASE),
    doc: "Base class for text I/O.",
    slots: Slots {
        new: Some(|th, ty, _| {
            Ok(th.alloc_as(TextIoBase { header: unborn(), closed: AtomicBool::new(false) }, ty))
        }),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new(
            "detach",
            "($self, /)",
            |th, _| Err(unsupported(th, "detach")),
            "Separate the buffer.",
        ),
        NativeDef::new(
            "read",
            "($self, size=-1, /)",
            |th, _| Err(unsupported(th, "read")),
            "Read characters.",
        ),
        NativeDef::new(
            "readline",
            "($self, size=-1, /)",
            |th, _| Err(unsupported(th, "readline")),
            "Read a line.",
        ),
        NativeDef::new("write", "($self, s, /)", |th, _| Err(unsupported(th, "write")), "Write a string."),
    ],
    getset: &[
        GetSetDef::get("encoding", |_, _| Ok(Owned::none())),
        GetSetDef::get("newlines", |_, _| Ok(Owned::none())),
        GetSetDef::get("errors", |_, _| Ok(Owned::none())),
    ],
    ..TypeDef::of::<TextIoBase>("_TextIOBase")
};

const IO_BASE_METHODS: &[NativeDef] = &[
    NativeDef::new(
        "seek",
        "($self, offset, whence=0, /)",
        |th, _| Err(unsupported(th, "seek")),
        "Move the position.",
    ),
    NativeDef::new("tell", "($self, /)", tell, "Return the position."),
    NativeDef::new(
        "truncate",
        "($self, size=None, /)",
        |th, _| Err(unsupported(th, "truncate")),
        "Cut the stream.",
    ),
    NativeDef::new("flush", "($self, /)", flush, "Flush write buffers, if applicable."),
    NativeDef::new("close", "($self, /)", close, "Flush and close the IO object."),
    NativeDef::new("seekable", "($self, /)", no, "Return whether object supports random access."),
    NativeDef::new("readable", "($self, /)", no, "Return whether object was opened for reading."),
    NativeDef::new("writable", "($self, /)", no, "Return whether object was opened for writing."),
    NativeDef::new(
        "fileno",
        "($self, /)",
        |th, _| Err(unsupported(th, "fileno")),
        "Return underlying file descriptor.",
    ),
    NativeDef::new("isatty", "($self, /)", isatty, "Return whether this is an 'interactive' stream."),
    NativeDef::new("readline", "($self, size=-1, /)", readline, "Read and return a line from the stream."),
    NativeDef::new("readlines", "($self, hint=-1, /)", readlines, "Return a list of lines from the stream."),
    NativeDef::new("writelines", "($self, lines, /)", writelines, "Write a list of lines to stream."),
    NativeDef::new("__enter__", "($self, /)", enter, ""),
    NativeDef::new("__exit__", "($self, /, *args)", exit, ""),
    NativeDef::new(
        "_checkClosed",
        "($self, msg=None, /)",
        |th, a| check_closed(th, a[0]).map(|()| Owned::none()),
        "",
    ),
    NativeDef::new("_checkSeekable", "($self, msg=None, /)", |th, a| checked(th, a[0], "seekable"), ""),
    NativeDef::new("_checkReadable", "($self, msg=None, /)", |th, a| checked(th, a[0], "readable"), ""),
    NativeDef::new("_checkWritable", "($self, msg=None, /)", |th, a| checked(th, a[0], "writable"), ""),
];

/// Raises `io.UnsupportedOperation(what)`.
#[cold]
pub fn unsupported(th: &mut Thread, what: &str) -> Raised {
    let class = match th.rt.stored("_io.UnsupportedOperation") {
        Some(c) => c,
        None => return th.value_error(what),
    };
    let msg = th.new_str(what);
    match class.borrow().call(th, &[msg.borrow()]) {
        Ok(exc) => th.set_exc(exc),
        Err(raised) => raised,
    }
}

/// The base class's own flag, whatever `closed` says in a subclass.
fn base_flag(o: Borrowed<'_>) -> bool {
    // ORDERING Relaxed: a flag of its own.
    o.downcast::<IoBase>().is_some_and(|b| b.closed.load(Ordering::Relaxed))
}

/// `bool(o.closed)`
pub fn is_closed(th: &mut Thread, o: Borrowed<'_>) -> PyResult<bool> {
    let v = o.getattr_str(th, "closed")?;
    v.borrow().truth(th)
}

/// Errors: ValueError "I/O operation on closed file."
pub fn check_closed(th: &mut Thread, o: Borrowed<'_>) -> PyResult<()> {
    if is_closed(th, o)? {
        return Err(closed_error(th));
    }
    Ok(())
}

#[cold]
pub fn closed_error(th: &mut Thread) -> Raised {
    th.value_error("I/O operation on closed file.")
}

fn checked(th: &mut Thread, o: Borrowed<'_>, what: &str) -> PyResult {
    check_able(th, o, what)?;
    Ok(Owned::bool(true))
}

/// Errors: UnsupportedOperation unless `o.what()` is true.
pub fn check_able(th: &mut Thread, o: Borrowed<'_>, what: &str) -> PyResult<()> {
    let r = o.call_method_str(th, what, &[])?;
    if r.is(typhon_core::Word::TRUE) {
        return Ok(());
    }
    Err(unsupported(th, &format!("File or stream is not {what}.")))
}

fn no(_: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    Ok(Owned::bool(false))
}

fn tell(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (zero, one) = (th.new_int(0), th.new_int(1));
    a[0].call_method_str(th, "seek", &[zero.borrow(), one.borrow()])
}

fn flush(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if base_flag(a[0]) {
        return Err(closed_error(th));
    }
    Ok(Owned::none())
}

fn close(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if base_flag(a[0]) {
        return Ok(Owned::none());
    }
    let name = th.rt.names.flush.get();
    let r = a[0].call_method(th, name, &[]);
    if let Some(b) = a[0].downcast::<IoBase>() {
        // ORDERING Relaxed: a flag of its own.
        b.closed.store(true, Ordering::Relaxed);
    }
    r.map(|_| Owned::none())
}

fn isatty(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    check_closed(th, a[0])?;
    Ok(Owned::bool(false))
}

fn enter(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    check_closed(th, a[0])?;
    Ok(a[0].to_owned())
}

fn exit(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let name = th.rt.names.close.get();
    a[0].call_method(th, name, &[])
}

fn iter(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    check_closed(th, o)?;
    Ok(o.to_owned())
}

fn next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let name = th.rt.names.readline.get();
    let line = o.call_method(th, name, &[])?;
    Ok(if line.borrow().len(th)? == 0 { None } else { Some(line) })
}

/// A size argument: `None` and nothing are -1.
pub fn size_arg(th: &mut Thread, arg: Option<Borrowed<'_>>) -> PyResult<isize> {
    match arg.filter(|a| !a.is_none()) {
        None => Ok(-1),
        Some(a) => {
            if !typhon_core::number::is_index(a) {
                let msg = format!("argument should be integer or None, not '{}'", a.type_name(th));
                return Err(th.type_error(&msg));
            }
            a.to_isize(th)
        }
    }
}

fn readline(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let limit = size_arg(th, a.opt(1))?;
    let limit = if limit < 0 { usize::MAX } else { limit as usize };
    let peek = th.intern("peek");
    let peek = a[0].getattr_opt(th, peek.borrow())?;
    let mut out = Vec::new();
    while out.len() < limit {
        let mut want = 1;
        if let Some(peek) = &peek {
            let one = th.new_int(1);
            let ahead = peek.borrow().call(th, &[one.borrow()])?;
            let Some(b) = ahead.downcast::<Bytes>() else {
                let msg = format!(
                    "peek() should have returned a bytes object, not '{}'",
                    ahead.borrow().type_name(th)
                );
                return Err(os_like(th, &msg));
            };
            let b = b.as_bytes();
            if !b.is_empty() {
                let n = b.len().min(limit - out.len());
                want = memchr::memchr(b'\n', &b[..n]).map_or(n, |i| i + 1);
            }
        }
        let want = th.new_int(want as i64);
        let name = th.rt.names.read.get();
        let part = a[0].call_method(th, name, &[want.borrow()])?;
        let Some(b) = part.downcast::<Bytes>() else {
            let msg =
                format!("read() should have returned a bytes object, not '{}'", part.borrow().type_name(th));
            return Err(os_like(th, &msg));
        };
        if b.is_empty() {
            break;
        }
        out.extend_from_slice(b.as_bytes());
        if out.last() == Some(&b'\n') {
            break;
        }
    }
    Ok(th.new_bytes(&out))
}

/// Raises `OSError(msg)`.
#[cold]
pub fn os_like(th: &mut Thread, msg: &str) -> Raised {
    let class = crate::support::builtin(th, "OSError");
    let msg = th.new_str(msg);
    match class.borrow().call(th, &[msg.borrow()]) {
        Ok(exc) => th.set_exc(exc),
        Err(raised) => raised,
    }
}

fn readlines(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let hint = size_arg(th, a.opt(1))?;
    let mut lines = Vec::new();
    let mut total = 0;
    let it = a[0].iter(th)?;
    while let Some(line) = it.borrow().next(th)? {
        let n = line.borrow().len(th)?;
        lines.push(line);
        total += n;
        if hint > 0 && total >= hint as usize {
            break;
        }
    }
    Ok(th.new_list(lines))
}

fn writelines(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    check_closed(th, a[0])?;
    let it = a[1].iter(th)?;
    while let Some(line) = it.borrow().next(th)? {
        let name = th.rt.names.write.get();
        a[0].call_method(th, name, &[line.borrow()])?;
        th.drain_drops();
    }
    Ok(Owned::none())
}

/// Closes what nobody closed. Errors are for `close()` callers; here they are dropped, as CPython does
/// outside development mode.
pub fn finalize(th: &mut Thread, o: Borrowed<'_>) -> PyResult<()> {
    let closed = is_closed(th, o);
    let closed = match closed {
        Ok(c) => c,
        Err(raised) => {
            drop(th.catch(raised));
            return Ok(());
        }
    };
    if closed {
        return Ok(());
    }
    let name = th.rt.names.close.get();
    if let Err(raised) = o.call_method(th, name, &[]) {
        let exc = th.catch(raised);
        if th.rt.config.dev_mode {
            typhon_core::report::unraisable(th, exc, None, Some(o));
        }
    }
    Ok(())
}

fn raw_read(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = size_arg(th, a.opt(1))?;
    if n < 0 {
        return a[0].call_method_str(th, "readall", &[]);
    }
    th.check_size(n as usize)?;
    let buffer = th.new_bytearray(vec![0; n as usize]);
    let r = a[0].call_method_str(th, "readinto", &[buffer.borrow()])?;
    if r.is_none() {
        return Ok(r);
    }
    let got = r.borrow().index(th)?;
    let got = got.borrow().to_isize(th)?;
    if got < 0 || got > n {
        return Err(th.value_error(&format!("readinto returned {got} outside buffer size {n}")));
    }
    let bytes = typhon_core::buffer::get(th, buffer.borrow())?;
    Ok(th.new_bytes(&bytes[..(got as usize).min(bytes.len)]))
}

fn raw_readall(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let mut out: Vec<u8> = Vec::new();
    loop {
        let n = th.new_int(super::DEFAULT_BUFFER_SIZE as i64);
        let name = th.rt.names.read.get();
        let part = a[0].call_method(th, name, &[n.borrow()])?;
        if part.is_none() {
            if out.is_empty() {
                return Ok(part);
            }
            break;
        }
        let Some(b) = part.downcast::<Bytes>() else {
            return Err(th.type_error("read() should return bytes"));
        };
        if b.is_empty() {
            break;
        }
        out.extend_from_slice(b.as_bytes());
    }
    Ok(th.new_bytes(&out))
}

fn read_into(th: &mut Thread, a: &[Borrowed<'_>], method: &str) -> PyResult {
    let len = typhon_core::buffer::get_writable(th, a[1])?.len;
    let n = th.new_int(len as i64);
    let data = a[0].call_method_str(th, method, &[n.borrow()])?;
    let Some(b) = data.downcast::<Bytes>() else {
        return Err(th.type_error("read() should return bytes"));
    };
    let mut buffer = typhon_core::buffer::get_writable(th, a[1])?;
    if b.len() > buffer.len {
        let msg =
            format!("read() returned too much data: {} bytes requested, {} returned", buffer.len, b.len());
        return Err(th.value_error(&msg));
    }
    buffer.as_mut_slice()[..b.len()].copy_from_slice(b.as_bytes());
    Ok(th.new_int(b.len() as i64))
}

/// Refuses to pickle a stream.
pub fn no_pickle(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let msg = format!("cannot pickle '{}' instances", a[0].type_name(th));
    Err(th.type_error(&msg))
}

/// `OSError(EBADF)` for a stream whose descriptor is gone.
#[cold]
pub fn bad_descriptor(th: &mut Thread) -> Raised {
    os_error(th, libc::EBADF)
}

/// `new` of a stream: `make` builds the empty payload.
pub fn check_no_new_args(_th: &mut Thread, _ty: &Type, _args: Args<'_>) -> PyResult<()> {
    Ok(())
}
