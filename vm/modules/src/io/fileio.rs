//! `FileIO`: a raw stream on a descriptor.

use std::ffi::CString;
use typhon_sync::prim::{AtomicBool, AtomicI8, AtomicI32, AtomicU32, Ordering};

use typhon_core::builtins::str::Str;
use typhon_core::signature::bind;
use typhon_core::thread::unborn;
use typhon_core::{Args, ArgsExt, Borrowed, GetSetDef, NativeDef, Owned, PyResult, Slots, Thread, TypeDef};

use super::base::{self, STREAM};
use crate::support::{self, blocking, check_signals, errno, os_error, os_error_path};

typhon_core::payload! {
    /// `_io.FileIO`
    pub struct FileIo: FILE_IO {
        closed: AtomicBool,
        /// The descriptor; -1 = closed or never opened.
        fd: AtomicI32,
        /// Bits of [`bits`].
        flags: AtomicU32,
        /// 1 yes, 0 no, -1 not asked yet.
        seekable: AtomicI8,
        block_size: AtomicU32,
    }
}

mod bits {
    pub const READABLE: u32 = 1;
    pub const WRITABLE: u32 = 2;
    pub const APPENDING: u32 = 4;
    pub const CREATED: u32 = 8;
    pub const CLOSE_FD: u32 = 16;
}

pub static FILE_IO: TypeDef = TypeDef {
    module: "_io",
    flags: STREAM,
    base: Some(&base::RAW_IO_BASE),
    doc: "Open a file.",
    slots: Slots {
        new: Some(|th, ty, _| {
            Ok(th.alloc_as(
                FileIo {
                    header: unborn(),
                    closed: AtomicBool::new(false),
                    fd: AtomicI32::new(-1),
                    flags: AtomicU32::new(bits::CLOSE_FD),
                    seekable: AtomicI8::new(-1),
                    block_size: AtomicU32::new(0),
                },
                ty,
            ))
        }),
        init: Some(init),
        repr: Some(repr),
        finalize: Some(finalize),
        ..Slots::NONE
    },
    methods: METHODS,
    getset: &[
        GetSetDef::get("closed", |_, o| Ok(Owned::bool(of(o).fd() < 0))),
        GetSetDef::get("closefd", |_, o| Ok(Owned::bool(of(o).has(bits::CLOSE_FD)))),
        GetSetDef::get("mode", |th, o| Ok(th.new_str(of(o).mode()))),
        GetSetDef::get("_blksize", |th, o| {
            // ORDERING Relaxed: a setting.
            let n = of(o).block_size.load(Ordering::Relaxed);
            Ok(th.new_int(i64::from(n)))
        }),
    ],
    ..TypeDef::of::<FileIo>("FileIO")
};

const METHODS: &[NativeDef] = &[
    NativeDef::new("read", "($self, size=-1, /)", read, "Read at most size bytes, returned as bytes."),
    NativeDef::new("readall", "($self, /)", readall, "Read all data from the file, returned as bytes."),
    NativeDef::new("readinto", "($self, buffer, /)", readinto, "Same as RawIOBase.readinto()."),
    NativeDef::new(
        "write",
        "($self, b, /)",
        write,
        "Write buffer b to file, return number of bytes written.",
    ),
    NativeDef::new("seek", "($self, pos, whence=0, /)", seek, "Move to new file position and return it."),
    NativeDef::new("tell", "($self, /)", tell, "Current file position."),
    NativeDef::new("truncate", "($self, size=None, /)", truncate, "Truncate the file to at most size bytes."),
    NativeDef::new("close", "($self, /)", close, "Close the file."),
    NativeDef::new("seekable", "($self, /)", seekable, "True if file supports random-access."),
    NativeDef::new(
        "readable",
        "($self, /)",
        |th, a| able(th, a[0], bits::READABLE),
        "True if file was opened in a read mode.",
    ),
    NativeDef::new(
        "writable",
        "($self, /)",
        |th, a| able(th, a[0], bits::WRITABLE),
        "True if file was opened in a write mode.",
    ),
    NativeDef::new(
        "fileno",
        "($self, /)",
        |th, a| open_fd(th, a[0]).map(|fd| th.new_int(i64::from(fd))),
        "Return the underlying file descriptor (an integer).",
    ),
    NativeDef::new("isatty", "($self, /)", isatty, "True if the file is connected to a TTY device."),
    NativeDef::new("_isatty_open_only", "($self, /)", isatty, ""),
    NativeDef::new(
        "_dealloc_warn",
        "($self, source, /)",
        |th, a| {
            dealloc_warn(th, a[0], a[1]);
            Ok(Owned::none())
        },
        "",
    ),
    NativeDef::new("__reduce__", "($self, /)", base::no_pickle, ""),
    NativeDef::new("__reduce_ex__", "($self, protocol, /)", base::no_pickle, ""),
];

fn of(o: Borrowed<'_>) -> &FileIo {
    o.downcast::<FileIo>().expect("a method of FileIO")
}

impl FileIo {
    /// The descriptor, -1 when closed.
    #[inline]
    pub fn fd(&self) -> i32 {
        // ORDERING Relaxed: whoever closes a file that another thread uses gets what POSIX gives.
        self.fd.load(Ordering::Relaxed)
    }

    fn has(&self, bit: u32) -> bool {
        // ORDERING Relaxed: written by `__init__` before the file is used.
        self.flags.load(Ordering::Relaxed) & bit != 0
    }

    pub fn is_readable(&self) -> bool {
        self.has(bits::READABLE)
    }

    pub fn is_writable(&self) -> bool {
        self.has(bits::WRITABLE)
    }

    fn mode(&self) -> &'static str {
        let (r, w) = (self.is_readable(), self.is_writable());
        match (self.has(bits::CREATED), self.has(bits::APPENDING), r, w) {
            (true, _, true, _) => "xb+",
            (true, ..) => "xb",
            (_, true, true, _) => "ab+",
            (_, true, ..) => "ab",
            (_, _, true, true) => "rb+",
            (_, _, true, false) => "rb",
            _ => "wb",
        }
    }
}

/// The descriptor of an open file. Errors: ValueError.
pub fn open_fd(th: &mut Thread, o: Borrowed<'_>) -> PyResult<i32> {
    let fd = of(o).fd();
    if fd < 0 { Err(base::closed_error(th)) } else { Ok(fd) }
}

fn able(th: &mut Thread, o: Borrowed<'_>, bit: u32) -> PyResult {
    open_fd(th, o)?;
    Ok(Owned::bool(of(o).has(bit)))
}

const MAX_COUNT: usize = 0x7fff_f000;

/// Reads from a descriptor; `None` if that would block. Signals are handled and the call repeated.
pub fn read_fd(th: &mut Thread, fd: i32, buffer: &mut [u8]) -> PyResult<Option<usize>> {
    let (p, n) = (buffer.as_mut_ptr() as usize, buffer.len().min(MAX_COUNT));
    // SAFETY: the buffer is borrowed for the whole call.
    match support::retry(th, || unsafe { libc::read(fd, p as *mut libc::c_void, n) })? {
        Ok(n) => Ok(Some(n as usize)),
        Err(libc::EAGAIN) => Ok(None),
        Err(e) => Err(os_error(th, e)),
    }
}

/// Writes to a descriptor; `None` if that would block.
pub fn write_fd(th: &mut Thread, fd: i32, bytes: &[u8]) -> PyResult<Option<usize>> {
    let (p, n) = (bytes.as_ptr() as usize, bytes.len().min(MAX_COUNT));
    // SAFETY: the bytes are borrowed for the whole call.
    match support::retry(th, || unsafe { libc::write(fd, p as *const libc::c_void, n) })? {
        Ok(n) => Ok(Some(n as usize)),
        Err(libc::EAGAIN) => Ok(None),
        Err(e) => Err(os_error(th, e)),
    }
}

/// `lseek`. Errors: OSError.
pub fn seek_fd(th: &mut Thread, fd: i32, pos: i64, whence: i32) -> PyResult<i64> {
    // SAFETY: a plain system call.
    let r = blocking(th, || unsafe { libc::lseek(fd, pos, whence) });
    if r < 0 { Err(support::last_os_error(th)) } else { Ok(r) }
}

/// What an open mode asks for.
struct Mode {
    flags: u32,
    open: i32,
}

fn parse_mode(th: &mut Thread, mode: &str) -> PyResult<Mode> {
    let bad = |th: &mut Thread| {
        th.value_error("Must have exactly one of create/read/write/append mode and at most one plus")
    };
    let (mut flags, mut open, mut kind, mut plus) = (0, 0, false, false);
    for c in mode.chars() {
        match c {
            'r' | 'w' | 'x' | 'a' if kind => return Err(bad(th)),
            'r' => (kind, flags) = (true, flags | bits::READABLE),
            'w' => {
                (kind, flags) = (true, flags | bits::WRITABLE);
                open |= libc::O_CREAT | libc::O_TRUNC;
            }
            'x' => {
                (kind, flags) = (true, flags | bits::WRITABLE | bits::CREATED);
                open |= libc::O_EXCL | libc::O_CREAT;
            }
            'a' => {
                (kind, flags) = (true, flags | bits::WRITABLE | bits::APPENDING);
                open |= libc::O_APPEND | libc::O_CREAT;
            }
            'b' => {}
            '+' if plus => return Err(bad(th)),
            '+' => (plus, flags) = (true, flags | bits::READABLE | bits::WRITABLE),
            _ => return Err(th.value_error(&format!("invalid mode: {mode}"))),
        }
    }
    if !kind {
        return Err(bad(th));
    }
    open |= match (flags & bits::READABLE != 0, flags & bits::WRITABLE != 0) {
        (true, true) => libc::O_RDWR,
        (true, false) => libc::O_RDONLY,
        _ => libc::O_WRONLY,
    };
    Ok(Mode { flags, open: open | libc::O_CLOEXEC })
}

fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    let a = bind(th, "FileIO", "(file, mode='r', closefd=True, opener=None)", args)?;
    let me = of(o);
    if me.fd() >= 0 {
        if me.has(bits::CLOSE_FD) {
            close_fd(th, o)?;
        } else {
            // ORDERING Relaxed: as in `fd`.
            me.fd.store(-1, Ordering::Relaxed);
        }
    }
    let mode = match a.opt(1) {
        Some(m) => m.expect_str(th, "FileIO() argument 'mode'")?.to_text(),
        None => String::from("r"),
    };
    let close_fd = support::flag(th, a.opt(2), true)?;
    let file = a[0];
    let mut fd = -1;
    if file.as_int().is_some() {
        fd = support::fd_number(th, file)?;
        if fd < 0 {
            return Err(th.value_error("negative file descriptor"));
        }
    }
    let mode = parse_mode(th, &mode)?;
    // ORDERING Relaxed: nobody uses the file before `__init__` is through.
    me.flags.store(mode.flags | if close_fd { bits::CLOSE_FD } else { 0 }, Ordering::Relaxed);
    me.seekable.store(-1, Ordering::Relaxed);
    let opened_here = fd < 0;
    if opened_here {
        if !close_fd {
            return Err(th.value_error("Cannot use closefd=False with file name"));
        }
        fd = open(th, file, mode.open, a.some(3))?;
    }
    let close_again = |th: &mut Thread| {
        if opened_here {
            // SAFETY: opened above, and nobody else knows it.
            blocking(th, || unsafe { libc::close(fd) });
        }
    };
    // SAFETY: all-zero is a valid stat; fstat fills it.
    let (failed, st) = unsafe {
        let mut st: libc::stat = core::mem::zeroed();
        (libc::fstat(fd, &mut st) < 0, st)
    };
    if failed {
        let e = errno();
        if e == libc::EBADF {
            return Err(os_error_path(th, e, file));
        }
    } else {
        if st.st_mode & libc::S_IFMT == libc::S_IFDIR {
            close_again(th);
            return Err(os_error_path(th, libc::EISDIR, file));
        }
        // ORDERING Relaxed: as above.
        me.block_size.store(u32::try_from(st.st_blksize).unwrap_or(0), Ordering::Relaxed);
        if st.st_mode & libc::S_IFMT == libc::S_IFREG {
            me.seekable.store(1, Ordering::Relaxed);
        }
    }
    // ORDERING Relaxed: as above.
    me.fd.store(fd, Ordering::Relaxed);
    let name = th.rt.names.name.get();
    if let Err(raised) = o.setattr(th, name, Some(file)) {
        me.fd.store(-1, Ordering::Relaxed);
        close_again(th);
        return Err(raised);
    }
    if mode.flags & bits::APPENDING != 0 {
        // Pipes and terminals cannot seek; that is no error.
        if let Err(raised) = seek_fd(th, fd, 0, libc::SEEK_END) {
            drop(th.catch(raised));
        }
    }
    Ok(())
}

/// Opens a path, by the caller's opener if there is one.
fn open(th: &mut Thread, file: Borrowed<'_>, flags: i32, opener: Option<Borrowed<'_>>) -> PyResult<i32> {
    if let Some(opener) = opener {
        let flags = th.new_int(i64::from(flags));
        let r = opener.call(th, &[file, flags.borrow()])?;
        if r.borrow().as_int().is_none() {
            return Err(th.type_error("expected integer from opener"));
        }
        let fd = support::c_int(th, r.borrow())?;
        if fd < 0 {
            return Err(th.value_error(&format!("opener returned {fd}")));
        }
        // SAFETY: plain system calls on a descriptor.
        unsafe {
            let old = libc::fcntl(fd, libc::F_GETFD);
            if old >= 0 {
                libc::fcntl(fd, libc::F_SETFD, old | libc::FD_CLOEXEC);
            }
        }
        return Ok(fd);
    }
    let path = support::path_arg(th, Some(file), "", Default::default())?;
    let c: &CString = &path.c;
    // SAFETY: a C string that lives for the call.
    match support::retry(th, || unsafe { libc::open(c.as_ptr(), flags, 0o666) })? {
        Ok(fd) => Ok(fd),
        Err(e) => Err(os_error_path(th, e, file)),
    }
}

fn close_fd(th: &mut Thread, o: Borrowed<'_>) -> PyResult<()> {
    // ORDERING AcqRel: one thread gets the descriptor.
    let fd = of(o).fd.swap(-1, Ordering::AcqRel);
    if fd < 0 {
        return Ok(());
    }
    // SAFETY: this object owned the descriptor.
    let (r, e) = blocking(th, || unsafe { (libc::close(fd), errno()) });
    if r < 0 && e != libc::EINTR { Err(os_error(th, e)) } else { Ok(()) }
}

fn close(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let me = of(a[0]);
    if !me.has(bits::CLOSE_FD) {
        // ORDERING Relaxed: as in `fd`.
        me.fd.store(-1, Ordering::Relaxed);
        return Ok(Owned::none());
    }
    close_fd(th, a[0])?;
    Ok(Owned::none())
}

/// Warns of a file that nobody closed.
pub fn dealloc_warn(th: &mut Thread, o: Borrowed<'_>, source: Borrowed<'_>) {
    let me = of(o);
    if me.fd() < 0 || !me.has(bits::CLOSE_FD) {
        return;
    }
    let r = (|| {
        let text = format!("unclosed file {}", source.repr_text(th)?);
        let warn = support::import_attr(th, "_warnings", "warn")?;
        let (text, class, level) =
            (th.new_str(&text), support::builtin(th, "ResourceWarning"), th.new_int(1));
        warn.borrow().call(th, &[text.borrow(), class.borrow(), level.borrow(), source])
    })();
    if let Err(raised) = r {
        let exc = th.catch(raised);
        let is_warning = exc.borrow().ty().is_subtype_of(typhon_core::builtins::exceptions::EXCEPTION.ty());
        if is_warning {
            typhon_core::report::unraisable(th, exc, None, Some(source));
        }
    }
}

fn finalize(th: &mut Thread, o: Borrowed<'_>) -> PyResult<()> {
    if of(o).fd() < 0 {
        return Ok(());
    }
    dealloc_warn(th, o, o);
    base::finalize(th, o)
}

fn check(th: &mut Thread, o: Borrowed<'_>, bit: u32, what: &str) -> PyResult<i32> {
    let fd = open_fd(th, o)?;
    if !of(o).has(bit) {
        return Err(base::unsupported(th, &format!("File not open for {what}")));
    }
    Ok(fd)
}

fn read(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = check(th, a[0], bits::READABLE, "reading")?;
    let n = base::size_arg(th, a.opt(1))?;
    if n < 0 {
        return readall(th, &a[..1]);
    }
    let n = (n as usize).min(MAX_COUNT);
    th.check_size(n)?;
    let mut buffer = vec![0; n];
    match read_fd(th, fd, &mut buffer)? {
        Some(got) => Ok(th.new_bytes(&buffer[..got])),
        None => Ok(Owned::none()),
    }
}

/// Everything up to the end of a descriptor; `None` if nothing was there and waiting is not allowed.
pub fn read_all_fd(th: &mut Thread, fd: i32, out: &mut Vec<u8>) -> PyResult<bool> {
    // SAFETY: all-zero is a valid stat; plain system calls.
    let hint = unsafe {
        let mut st: libc::stat = core::mem::zeroed();
        let pos = libc::lseek(fd, 0, libc::SEEK_CUR);
        if pos >= 0 && libc::fstat(fd, &mut st) == 0 && st.st_size > pos {
            (st.st_size - pos) as usize + 1
        } else {
            0
        }
    };
    let mut room = hint.clamp(super::DEFAULT_BUFFER_SIZE, 1 << 30);
    let start = out.len();
    loop {
        let used = out.len();
        if out.try_reserve(room).is_err() {
            return Err(th.memory_error(""));
        }
        out.resize(used + room, 0);
        let r = read_fd(th, fd, &mut out[used..]);
        let got = match r {
            Ok(Some(n)) => n,
            Ok(None) => {
                out.truncate(used);
                return Ok(used > start);
            }
            Err(raised) => {
                out.truncate(used);
                return Err(raised);
            }
        };
        out.truncate(used + got);
        if got == 0 {
            return Ok(true);
        }
        room = if got == room { room.clamp(super::DEFAULT_BUFFER_SIZE, 1 << 24) * 2 } else { room - got };
        room = room.max(super::DEFAULT_BUFFER_SIZE);
    }
}

fn readall(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = check(th, a[0], bits::READABLE, "reading")?;
    let mut out = Vec::new();
    if !read_all_fd(th, fd, &mut out)? {
        return Ok(Owned::none());
    }
    Ok(th.new_bytes(&out))
}

fn readinto(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = check(th, a[0], bits::READABLE, "reading")?;
    let mut buffer = typhon_core::buffer::get_writable(th, a[1])?;
    Ok(match read_fd(th, fd, buffer.as_mut_slice())? {
        Some(n) => th.new_int(n as i64),
        None => Owned::none(),
    })
}

fn write(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = check(th, a[0], bits::WRITABLE, "writing")?;
    if a[1].downcast::<Str>().is_some() {
        return Err(th.type_error("a bytes-like object is required, not 'str'"));
    }
    let bytes = typhon_core::buffer::bytes_like(th, a[1])?;
    Ok(match write_fd(th, fd, &bytes)? {
        Some(n) => th.new_int(n as i64),
        None => Owned::none(),
    })
}

fn offset(th: &mut Thread, v: Borrowed<'_>) -> PyResult<i64> {
    if v.as_float().is_some() {
        return Err(th.type_error("an integer is required"));
    }
    let v = v.index(th)?;
    v.borrow().to_i64(th)
}

fn seek(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = open_fd(th, a[0])?;
    let pos = offset(th, a[1])?;
    let whence = support::c_int_or(th, a.opt(2), 0)?;
    let r = seek_fd(th, fd, pos, whence)?;
    Ok(th.new_int(r))
}

fn tell(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = open_fd(th, a[0])?;
    let r = seek_fd(th, fd, 0, libc::SEEK_CUR)?;
    Ok(th.new_int(r))
}

fn truncate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = check(th, a[0], bits::WRITABLE, "writing")?;
    let size = match a.some(1) {
        Some(s) => offset(th, s)?,
        None => seek_fd(th, fd, 0, libc::SEEK_CUR)?,
    };
    loop {
        // SAFETY: a plain system call.
        let (r, e) = blocking(th, || unsafe { (libc::ftruncate(fd, size), errno()) });
        if r == 0 {
            return Ok(th.new_int(size));
        }
        if e != libc::EINTR {
            return Err(os_error(th, e));
        }
        check_signals(th)?;
    }
}

/// Can the file seek? Asked once.
pub fn is_seekable(th: &mut Thread, o: Borrowed<'_>) -> PyResult<bool> {
    let fd = open_fd(th, o)?;
    let me = of(o);
    // ORDERING Relaxed: every thread finds the same answer.
    let mut known = me.seekable.load(Ordering::Relaxed);
    if known < 0 {
        // SAFETY: a plain system call.
        known = i8::from(unsafe { libc::lseek(fd, 0, libc::SEEK_CUR) } >= 0);
        me.seekable.store(known, Ordering::Relaxed);
    }
    Ok(known == 1)
}

fn seekable(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    is_seekable(th, a[0]).map(Owned::bool)
}

fn isatty(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = open_fd(th, a[0])?;
    // SAFETY: a plain system call.
    Ok(Owned::bool(unsafe { libc::isatty(fd) } == 1))
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let me = of(o);
    let class = o.type_name(th);
    let text = if me.fd() < 0 {
        format!("<{class} [closed]>")
    } else {
        let close_fd = if me.has(bits::CLOSE_FD) { "True" } else { "False" };
        let name = th.rt.names.name.get();
        match o.getattr_opt(th, name)? {
            Some(name) => {
                let name = name.borrow().repr_text(th)?;
                format!("<{class} name={name} mode='{}' closefd={close_fd}>", me.mode())
            }
            None => format!("<{class} fd={} mode='{}' closefd={close_fd}>", me.fd(), me.mode()),
        }
    };
    Ok(th.new_str(&text))
}
