//! `BytesIO`: a binary stream in memory.

use typhon_sync::prim::{AtomicBool, AtomicUsize, Ordering};

use typhon_core::buffer::{self, Buffer};
use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::object::{Data, Locked};
use typhon_core::signature::bind;
use typhon_core::slots::BufferFlags;
use typhon_core::thread::unborn;
use typhon_core::typedef::type_flags;
use typhon_core::{
    ArgsExt, Borrowed, GetSetDef, NativeDef, Owned, PyResult, Safety, Shared, Slot, Slots, Thread, TypeDef,
};

use super::base::{self, STREAM};

/// Bytes and position.
#[derive(Default)]
struct Content {
    bytes: Vec<u8>,
    pos: usize,
}

typhon_core::payload! {
    /// `_io.BytesIO`
    pub struct BytesIo: BYTES_IO {
        closed: AtomicBool,
        content: Locked<Data<Content>>,
        /// Views that `getbuffer()` gave out: while there are any the bytes stay in place. Grows under the lock only.
        exports: AtomicUsize,
    }
}

typhon_core::payload! {
    /// What a `memoryview` from `getbuffer()` looks at.
    pub struct BytesIoBuffer: BYTES_IO_BUFFER { source: Slot }
}

pub static BYTES_IO: TypeDef = TypeDef {
    module: "_io",
    flags: STREAM,
    base: Some(&base::BUFFERED_IO_BASE),
    doc: "Buffered I/O implementation using an in-memory bytes buffer.",
    slots: Slots {
        new: Some(|th, ty, _| {
            let payload = BytesIo {
                header: unborn(),
                closed: AtomicBool::new(false),
                content: Locked::new(Data(Content::default())),
                exports: AtomicUsize::new(0),
            };
            Ok(th.alloc_as(payload, ty))
        }),
        init: Some(|th, o, args| {
            let a = bind(th, "BytesIO", "(initial_bytes=b'')", args)?;
            let bytes = match a.some(0) {
                Some(b) => buffer::bytes_like(th, b)?.to_vec(),
                None => Vec::new(),
            };
            change(th, of(o), |c| *c = Content { bytes, pos: 0 })
        }),
        next: Some(|th, o| {
            let line = readline_of(th, o, usize::MAX)?;
            Ok(if line.borrow().len(th)? == 0 { None } else { Some(line) })
        }),
        iter: Some(|th, o| {
            open(th, o)?;
            Ok(o.to_owned())
        }),
        finalize: Some(|_, _| Ok(())),
        ..Slots::NONE
    },
    methods: METHODS,
    getset: &[GetSetDef::get("closed", |_, o| Ok(Owned::bool(of(o).is_closed())))],
    shared: Some(
        Shared::but(
            Safety::Locked,
            &[
                (Safety::Bytes, "getbuffer readinto readinto1"),
                (Safety::Steps, "__getstate__ readlines writelines"),
            ],
        )
        .note("While there are views, writing is a `BufferError`."),
    ),
    ..TypeDef::of::<BytesIo>("BytesIO")
};

pub static BYTES_IO_BUFFER: TypeDef = TypeDef {
    module: "_io",
    flags: type_flags::GC | type_flags::NO_NEW,
    slots: Slots { buffer: Some(export), ..Slots::NONE },
    ..TypeDef::of::<BytesIoBuffer>("_BytesIOBuffer")
};

const METHODS: &[NativeDef] = &[
    NativeDef::new("readable", "($self, /)", yes, "Returns True if the IO object can be read."),
    NativeDef::new("writable", "($self, /)", yes, "Returns True if the IO object can be written."),
    NativeDef::new("seekable", "($self, /)", yes, "Returns True if the IO object can be seeked."),
    NativeDef::new("flush", "($self, /)", |th, a| open(th, a[0]).map(|_| Owned::none()), "Does nothing."),
    NativeDef::new(
        "isatty",
        "($self, /)",
        |th, a| open(th, a[0]).map(|_| Owned::bool(false)),
        "Always returns False.",
    ),
    NativeDef::new(
        "getbuffer",
        "($self, /)",
        getbuffer,
        "Get a read-write view over the contents of the BytesIO object.",
    ),
    NativeDef::new("getvalue", "($self, /)", getvalue, "Retrieve the entire contents of the BytesIO object."),
    NativeDef::new("tell", "($self, /)", tell, "Current file position, an integer."),
    NativeDef::new(
        "read",
        "($self, size=-1, /)",
        read,
        "Read at most size bytes, returned as a bytes object.",
    ),
    NativeDef::new(
        "read1",
        "($self, size=-1, /)",
        read,
        "Read at most size bytes, returned as a bytes object.",
    ),
    NativeDef::new("peek", "($self, size=1, /)", peek, "Return bytes from the position without advancing."),
    NativeDef::new(
        "readline",
        "($self, size=-1, /)",
        readline,
        "Next line from the file, as a bytes object.",
    ),
    NativeDef::new(
        "readlines",
        "($self, size=None, /)",
        readlines,
        "List of bytes objects, each a line from the file.",
    ),
    NativeDef::new("readinto", "($self, buffer, /)", readinto, "Read bytes into buffer."),
    NativeDef::new("readinto1", "($self, buffer, /)", readinto, "Read bytes into buffer."),
    NativeDef::new("truncate", "($self, size=None, /)", truncate, "Truncate the file to at most size bytes."),
    NativeDef::new("seek", "($self, pos, whence=0, /)", seek, "Change stream position."),
    NativeDef::new("write", "($self, b, /)", write, "Write bytes to file."),
    NativeDef::new("writelines", "($self, lines, /)", writelines, "Write lines to the file."),
    NativeDef::new("close", "($self, /)", close, "Disable all I/O operations."),
    NativeDef::new("__getstate__", "($self, /)", getstate, ""),
    NativeDef::new("__setstate__", "($self, state, /)", setstate, ""),
];

fn of(o: Borrowed<'_>) -> &BytesIo {
    o.downcast::<BytesIo>().expect("a method of BytesIO")
}

impl BytesIo {
    fn is_closed(&self) -> bool {
        // ORDERING Relaxed: a flag of its own.
        self.closed.load(Ordering::Relaxed)
    }
}

fn open<'a>(th: &mut Thread, o: Borrowed<'a>) -> PyResult<&'a BytesIo> {
    let me = of(o);
    if me.is_closed() { Err(base::closed_error(th)) } else { Ok(me) }
}

fn yes(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    open(th, a[0])?;
    Ok(Owned::bool(true))
}

/// Changes the content. Errors: BufferError while views exist.
fn change<R>(th: &mut Thread, me: &BytesIo, f: impl FnOnce(&mut Content) -> R) -> PyResult<R> {
    let done = {
        let mut c = me.content.lock(&me.header, th);
        // ORDERING Acquire: pairs with the Release of the last return.
        if me.exports.load(Ordering::Acquire) > 0 { None } else { Some(f(&mut c.0)) }
    };
    done.ok_or_else(|| th.buffer_error("Existing exports of data: object cannot be re-sized"))
}

fn getbuffer(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    open(th, a[0])?;
    let exporter = th.alloc(BytesIoBuffer { header: unborn(), source: Slot::new(a[0].to_owned()) });
    super::memoryview(th, exporter.borrow())
}

fn export(th: &mut Thread, o: Borrowed<'_>, _: BufferFlags) -> PyResult<Buffer> {
    let me = o.downcast::<BytesIoBuffer>().expect("the buffer of a BytesIO");
    let source = me.source.fixed().expect("set at birth").to_owned();
    let io = of(source.borrow());
    let (p, n) = {
        let mut c = io.content.lock(&io.header, th);
        // ORDERING Relaxed: under the lock, as the test in `change`.
        io.exports.fetch_add(1, Ordering::Relaxed);
        (c.0.bytes.as_mut_ptr(), c.0.bytes.len())
    };
    Ok(Buffer::bytes(source.clone(), p, n, false, Some(release)))
}

fn release(source: &Owned) {
    // ORDERING Release: the view's last access comes before.
    of(source.borrow()).exports.fetch_sub(1, Ordering::Release);
}

fn getvalue(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let me = open(th, a[0])?;
    let bytes = me.content.lock(&me.header, th).0.bytes.clone();
    Ok(th.new_bytes(&bytes))
}

fn tell(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let me = open(th, a[0])?;
    let p = me.content.lock(&me.header, th).0.pos;
    Ok(th.new_int(p as i64))
}

impl Content {
    /// The next `n` bytes; moves on unless only looking.
    fn take(&mut self, n: usize, keep: bool) -> Vec<u8> {
        let start = self.pos.min(self.bytes.len());
        let end = start.saturating_add(n).min(self.bytes.len());
        if !keep && end > self.pos {
            self.pos = end;
        }
        self.bytes[start..end].to_vec()
    }

    fn line(&mut self, limit: usize) -> Vec<u8> {
        let start = self.pos.min(self.bytes.len());
        let rest = &self.bytes[start..];
        let rest = &rest[..rest.len().min(limit)];
        let n = memchr::memchr(b'\n', rest).map_or(rest.len(), |i| i + 1);
        self.take(n, false)
    }
}

fn read(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let me = open(th, a[0])?;
    let n = base::size_arg(th, a.opt(1))?;
    let n = if n < 0 { usize::MAX } else { n as usize };
    let out = me.content.lock(&me.header, th).0.take(n, false);
    Ok(th.new_bytes(&out))
}

fn peek(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let me = open(th, a[0])?;
    let n = a.opt(1).map_or(Ok(1), |n| base::size_arg(th, Some(n)))?;
    let n = if n < 1 { usize::MAX } else { n as usize };
    let out = me.content.lock(&me.header, th).0.take(n, true);
    Ok(th.new_bytes(&out))
}

fn readline_of(th: &mut Thread, o: Borrowed<'_>, limit: usize) -> PyResult {
    let me = open(th, o)?;
    let out = me.content.lock(&me.header, th).0.line(limit);
    Ok(th.new_bytes(&out))
}

fn readline(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = base::size_arg(th, a.opt(1))?;
    readline_of(th, a[0], if n < 0 { usize::MAX } else { n as usize })
}

fn readlines(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let hint = base::size_arg(th, a.opt(1))?;
    let mut lines = Vec::new();
    let mut total = 0;
    let me = open(th, a[0])?;
    loop {
        let line = me.content.lock(&me.header, th).0.line(usize::MAX);
        if line.is_empty() {
            break;
        }
        total += line.len();
        lines.push(th.new_bytes(&line));
        if hint > 0 && total >= hint as usize {
            break;
        }
    }
    Ok(th.new_list(lines))
}

fn readinto(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let me = open(th, a[0])?;
    let mut into = buffer::get_writable(th, a[1])?;
    let n = into.len;
    let out = me.content.lock(&me.header, th).0.take(n, false);
    into.as_mut_slice()[..out.len()].copy_from_slice(&out);
    Ok(th.new_int(out.len() as i64))
}

fn truncate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let me = open(th, a[0])?;
    let size = match a.some(1) {
        Some(n) => {
            let n = base::size_arg(th, Some(n))?;
            if n < 0 {
                return Err(th.value_error(&format!("negative size value {n}")));
            }
            Some(n as usize)
        }
        None => None,
    };
    let size = change(th, me, |c| {
        let size = size.unwrap_or(c.pos);
        c.bytes.truncate(size);
        size
    })?;
    Ok(th.new_int(size as i64))
}

fn seek(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let me = open(th, a[0])?;
    let pos = a[1].to_isize(th)?;
    let whence = crate::support::c_int_or(th, a.opt(2), 0)?;
    if whence == 0 && pos < 0 {
        return Err(th.value_error(&format!("negative seek value {pos}")));
    }
    if !(0..=2).contains(&whence) {
        return Err(th.value_error(&format!("invalid whence ({whence}, should be 0, 1 or 2)")));
    }
    let to = {
        let mut c = me.content.lock(&me.header, th);
        let start = match whence {
            0 => 0,
            1 => c.0.pos,
            _ => c.0.bytes.len(),
        };
        let to = (start as isize).checked_add(pos).map(|to| to.max(0) as usize);
        c.0.pos = to.unwrap_or(c.0.pos);
        to
    };
    match to {
        Some(to) => Ok(th.new_int(to as i64)),
        None => Err(th.overflow_error("new position too large")),
    }
}

/// How far a write of `n` bytes at `pos` would reach, if there can be so many bytes.
fn end_of(pos: usize, n: usize) -> Option<usize> {
    pos.checked_add(n).filter(|&end| end <= isize::MAX as usize)
}

fn put(th: &mut Thread, me: &BytesIo, bytes: &[u8]) -> PyResult<()> {
    if bytes.is_empty() {
        return change(th, me, |_| ());
    }
    let pos = me.content.lock(&me.header, th).0.pos;
    if let Some(end) = end_of(pos, bytes.len()) {
        th.check_size(end)?;
    }
    let written = change(th, me, |c| {
        // Another thread may have moved the position meanwhile.
        let (pos, end) = (c.pos, end_of(c.pos, bytes.len())?);
        if pos == c.bytes.len() {
            c.bytes.extend_from_slice(bytes);
        } else {
            if c.bytes.len() < end {
                c.bytes.resize(end, 0);
            }
            c.bytes[pos..end].copy_from_slice(bytes);
        }
        c.pos = end;
        Some(())
    })?;
    written.ok_or_else(|| th.overflow_error("new buffer size too large"))
}

fn write_to(th: &mut Thread, o: Borrowed<'_>, data: Borrowed<'_>) -> PyResult<usize> {
    let me = open(th, o)?;
    let bytes = buffer::bytes_like(th, data)?;
    put(th, me, &bytes)?;
    Ok(bytes.len())
}

fn write(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = write_to(th, a[0], a[1])?;
    Ok(th.new_int(n as i64))
}

fn writelines(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    open(th, a[0])?;
    let it = a[1].iter(th)?;
    while let Some(line) = it.borrow().next(th)? {
        write_to(th, a[0], line.borrow())?;
    }
    Ok(Owned::none())
}

fn close(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let me = of(a[0]);
    let old = change(th, me, |c| {
        // ORDERING Relaxed: as in `is_closed`.
        me.closed.store(true, Ordering::Relaxed);
        core::mem::take(&mut c.bytes)
    })?;
    drop(old);
    Ok(Owned::none())
}

fn getstate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let value = getvalue(th, a)?;
    let pos = tell(th, a)?;
    let dict = super::instance_dict_copy(th, a[0])?;
    Ok(th.new_tuple(vec![value, pos, dict]))
}

fn setstate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let me = open(th, a[0])?;
    let Some(t) = a[1].downcast::<Tuple>().filter(|t| t.len() == 3) else {
        let msg = format!(
            "{}.__setstate__ argument should be 3-tuple, got {}",
            a[0].type_name(th),
            a[1].type_name(th)
        );
        return Err(th.type_error(&msg));
    };
    let bytes = buffer::bytes_like(th, t.get(0))?.to_vec();
    if !typhon_core::number::is_index(t.get(1)) {
        let msg = format!("second item of state must be an integer, not {}", t.get(1).type_name(th));
        return Err(th.type_error(&msg));
    }
    let pos = t.get(1).to_isize(th)?;
    if pos < 0 {
        return Err(th.value_error("position value cannot be negative"));
    }
    change(th, me, |c| *c = Content { bytes, pos: pos as usize })?;
    let dict = t.get(2);
    if !dict.is_none() {
        if dict.downcast::<Dict>().is_none() {
            let msg = format!("third item of state should be a dict, got a {}", dict.type_name(th));
            return Err(th.type_error(&msg));
        }
        super::update_instance_dict(th, a[0], dict)?;
    }
    Ok(Owned::none())
}
