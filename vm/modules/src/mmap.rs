//! `mmap`: files and anonymous memory as mutable bytes.
//!
//! What happens to the bytes in one call happens under the object's lock; who holds a buffer writes without it. Calls
//! that may take long hold a reference to the mapping instead of the lock, so that closing never unmaps it under them.

mod bytes;
mod mapping;
mod methods;

use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::Arc;
use typhon_sync::prim::{AtomicUsize, Ordering};

use typhon_core::buffer::Buffer;
use typhon_core::builtins::exceptions as ex;
use typhon_core::{
    Args, ArgsExt, Borrowed, BufferFlags, Data, GetSetDef, Locked, ModuleDef, NativeDef, Owned, PyResult,
    Raised, Safety, Shared, Slots, Thread, Type, TypeDef, payload, type_flags, unborn,
};

use crate::add_libc;
use crate::args::{constructor, made, this};
use crate::support::{self, ModuleExt, blocking, c_int, c_int_or};
use mapping::{Mapping, Wanted};

pub static MODULE: ModuleDef = ModuleDef {
    name: "mmap",
    doc: "Memory-mapped files.",
    functions: &[],
    types: &[&MMAP, &bytes::ITERATOR],
    setup: Some(setup),
};

/// How the memory may be used: the argument `access`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Default = 0,
    Read = 1,
    Write = 2,
    Copy = 3,
}

impl Access {
    const ALL: [(&'static str, Access); 4] = [
        ("ACCESS_DEFAULT", Access::Default),
        ("ACCESS_READ", Access::Read),
        ("ACCESS_WRITE", Access::Write),
        ("ACCESS_COPY", Access::Copy),
    ];
}

/// What closing ends.
pub struct Open {
    map: Arc<Mapping>,
    pos: usize,
    /// A duplicate of the file's, for `size` and `resize`.
    fd: Option<OwnedFd>,
}

/// What never changes.
struct Settings {
    access: Access,
    offset: i64,
    flags: i32,
    trackfd: bool,
}

payload! {
    /// `mmap.mmap`
    pub struct Mmap: MMAP {
        open: Locked<Data<Option<Open>>>,
        settings: Data<Settings>,
        /// Buffers lent at the moment; while there are any the memory stays where it is. Counted up under the lock.
        exports: AtomicUsize,
    }
}

/// Why something was refused under the lock: an exception to be raised without it.
pub enum Refusal {
    Error(&'static TypeDef, &'static str),
    System(i32),
}

impl Refusal {
    #[cold]
    fn raise(self, th: &mut Thread) -> Raised {
        match self {
            Refusal::Error(class, msg) => th.raise(class, msg),
            Refusal::System(number) => support::os_error(th, number),
        }
    }
}

pub fn refused<T>(class: &'static TypeDef, msg: &'static str) -> Result<T, Refusal> {
    Err(Refusal::Error(class, msg))
}

impl Mmap {
    /// Runs `f` on the open mapping, under the lock. Errors: ValueError if it is closed, and what `f` refuses.
    pub fn with<R>(&self, th: &mut Thread, f: impl FnOnce(&mut Open) -> Result<R, Refusal>) -> PyResult<R> {
        let done = match self.open.lock(&self.header, th).0.as_mut() {
            Some(open) => f(open),
            None => refused(&ex::VALUE_ERROR, "mmap closed or invalid"),
        };
        done.map_err(|refusal| refusal.raise(th))
    }

    /// As [`Mmap::with`], for what changes bytes. Errors: TypeError if none may be changed.
    pub fn with_writable<R>(
        &self,
        th: &mut Thread,
        f: impl FnOnce(&mut Open) -> Result<R, Refusal>,
    ) -> PyResult<R> {
        let read_only = self.settings.0.access == Access::Read;
        self.with(th, |open| {
            if read_only {
                return refused(&ex::TYPE_ERROR, "mmap can't modify a readonly memory map.");
            }
            f(open)
        })
    }

    fn is_lent(&self) -> bool {
        // ORDERING Acquire: pairs with the Release of the last return of a buffer.
        self.exports.load(Ordering::Acquire) > 0
    }

    fn close(&self, th: &mut Thread) -> PyResult<()> {
        let gone = {
            let mut open = self.open.lock(&self.header, th);
            if self.is_lent() { None } else { Some(open.0.take()) }
        };
        match gone {
            // Unmapping may take a while, and the lock is not needed for it.
            Some(open) => {
                blocking(th, || drop(open));
                Ok(())
            }
            None => Err(th.buffer_error("cannot close exported pointers exist")),
        }
    }

    fn is_closed(&self, th: &mut Thread) -> bool {
        self.open.lock(&self.header, th).0.is_none()
    }
}

pub static MMAP: TypeDef = TypeDef {
    module: "mmap",
    flags: type_flags::BASE | type_flags::WEAKREF,
    doc: "mmap(fileno, length[, flags[, prot[, access[, offset[, trackfd]]]]])\n\nMaps length bytes from the file \
          specified by the file descriptor fileno,\nand returns a mmap object.  If length is 0, the maximum length \
          of the map\nwill be the current size of the file when mmap is called.\n\nTo map anonymous memory, pass -1 \
          as the fileno.",
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        len: Some(|th, o| this::<Mmap>(o).with(th, |open| Ok(open.map.len()))),
        getitem: Some(bytes::getitem),
        setitem: Some(bytes::setitem),
        iter: Some(bytes::iter),
        buffer: Some(buffer),
        ..Slots::NONE
    },
    methods: METHODS,
    getset: &[GetSetDef::get("closed", |th, o| Ok(Owned::bool(this::<Mmap>(o).is_closed(th))))],
    shared: Some(
        Shared::but(
            Safety::Locked,
            &[
                (Safety::Constant, "seekable"),
                (Safety::Each, "__iter__"),
                (Safety::Bytes, "__buffer__"),
                (Safety::Steps, "flush madvise"),
            ],
        )
        .note("While there are views of it, closing or resizing is a `BufferError`. Other processes take no lock."),
    ),
    ..TypeDef::of::<Mmap>("mmap")
};

const METHODS: &[NativeDef] = &[
    NativeDef::new(
        "close",
        "($self, /)",
        |th, a| {
            this::<Mmap>(a[0]).close(th)?;
            Ok(Owned::none())
        },
        "Close the mmap: other methods raise ValueError from then on.",
    ),
    NativeDef::new(
        "find",
        "($self, view, start=None, end=None, /)",
        |th, a| methods::find(th, a, false),
        FIND,
    ),
    NativeDef::new(
        "rfind",
        "($self, view, start=None, end=None, /)",
        |th, a| methods::find(th, a, true),
        FIND,
    ),
    NativeDef::new(
        "flush",
        "($self, offset=0, size=-1, /)",
        methods::flush,
        "Write changes back to the file.",
    ),
    NativeDef::new(
        "madvise",
        "($self, option, start=0, length=None, /)",
        methods::madvise,
        "Tell the kernel how the memory will be used.",
    ),
    NativeDef::new("move", "($self, dest, src, count, /)", methods::move_, "Copy bytes inside the mmap."),
    NativeDef::new(
        "read",
        "($self, n=None, /)",
        methods::read,
        "Return up to n bytes from the position on, and move it; all that are left without n.",
    ),
    NativeDef::new(
        "read_byte",
        "($self, /)",
        methods::read_byte,
        "Return the byte at the position as an int, and move it.",
    ),
    NativeDef::new(
        "readline",
        "($self, /)",
        methods::readline,
        "Return a line from the position on, and move it.",
    ),
    NativeDef::new(
        "resize",
        "($self, newsize, /)",
        methods::resize,
        "Resize the map and the file behind it.",
    ),
    NativeDef::new(
        "seek",
        "($self, pos, whence=0, /)",
        methods::seek,
        "Set the position, from the start, the position or the end, and return it.",
    ),
    NativeDef::new("seekable", "($self, /)", |_, _| Ok(Owned::bool(true)), "True."),
    NativeDef::new(
        "size",
        "($self, /)",
        methods::size,
        "The length of the file, which may be longer than the map.",
    ),
    NativeDef::new("tell", "($self, /)", methods::tell, "The position."),
    NativeDef::new(
        "write",
        "($self, bytes, /)",
        methods::write,
        "Write bytes at the position, move it, and return how many they are.",
    ),
    NativeDef::new(
        "write_byte",
        "($self, byte, /)",
        methods::write_byte,
        "Write the byte with that number at the position, and move it.",
    ),
    NativeDef::new(
        "__enter__",
        "($self, /)",
        |th, a| {
            this::<Mmap>(a[0]).with(th, |_| Ok(()))?;
            Ok(a[0].to_owned())
        },
        "",
    ),
    NativeDef::new(
        "__exit__",
        "($self, exc_type, exc_value, traceback, /)",
        |th, a| {
            this::<Mmap>(a[0]).close(th)?;
            Ok(Owned::none())
        },
        "",
    ),
];

const FIND: &str =
    "The lowest (rfind: highest) index where the bytes are, between start (the position) and end, or -1.";

fn setup(th: &mut Thread, m: Borrowed<'_>) -> PyResult<()> {
    for (name, access) in Access::ALL {
        m.add_int(th, name, access as i64)?;
    }
    add_libc!(th, m;
        MADV_DODUMP, MADV_DOFORK, MADV_DONTDUMP, MADV_DONTFORK, MADV_DONTNEED, MADV_FREE, MADV_HUGEPAGE,
        MADV_HWPOISON, MADV_MERGEABLE, MADV_NOHUGEPAGE, MADV_NORMAL, MADV_RANDOM, MADV_REMOVE, MADV_SEQUENTIAL,
        MADV_UNMERGEABLE, MADV_WILLNEED, MAP_ANON, MAP_ANONYMOUS, MAP_DENYWRITE, MAP_EXECUTABLE, MAP_NORESERVE,
        MAP_POPULATE, MAP_PRIVATE, MAP_SHARED, MAP_STACK, PROT_EXEC, PROT_READ, PROT_WRITE,
    );
    let page = mapping::page_size() as i64;
    m.add_int(th, "PAGESIZE", page)?;
    m.add_int(th, "ALLOCATIONGRANULARITY", page)?;
    let error = support::builtin(th, "OSError");
    m.add(th, "error", error)
}

fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    const SIG: &str = "(fileno, length, flags=1, prot=3, access=0, offset=0, *, trackfd=True)";
    let a = constructor::<Mmap>(th, ty, SIG, args)?;
    let fd = c_int(th, a[0])?;
    let length = a[1].to_isize(th)?;
    let mut flags = c_int_or(th, a.opt(2), libc::MAP_SHARED)?;
    let mut prot = c_int_or(th, a.opt(3), libc::PROT_READ | libc::PROT_WRITE)?;
    let access = c_int_or(th, a.opt(4), 0)?;
    let offset = a.opt(5).map_or(Ok(0), |v| v.to_i64(th))?;
    let trackfd = support::flag(th, a.opt(6), true)?;
    let Ok(mut len) = usize::try_from(length) else {
        return Err(th.overflow_error("memory mapped length must be positive"));
    };
    if offset < 0 {
        return Err(th.overflow_error("memory mapped offset must be positive"));
    }
    let (read, write) = (libc::PROT_READ, libc::PROT_WRITE);
    if access != 0 && (flags != libc::MAP_SHARED || prot != read | write) {
        return Err(th.value_error("mmap can't specify both access and flags, prot."));
    }
    let Some((_, mut access)) = Access::ALL.into_iter().find(|(_, a)| *a as i32 == access) else {
        return Err(th.value_error("mmap invalid access parameter."));
    };
    match access {
        Access::Read => prot = read,
        Access::Write => {}
        Access::Copy => flags = libc::MAP_PRIVATE,
        Access::Default if prot & (read | write) == read | write => {}
        Access::Default if prot & write != 0 => access = Access::Write,
        Access::Default => access = Access::Read,
    }
    if fd == -1 {
        flags |= libc::MAP_ANONYMOUS;
    } else {
        match blocking(th, || mapping::file_size(fd)) {
            Ok(Some(size)) => len = length_of_file(th, len, size, offset)?,
            Ok(None) => {}
            Err(e) => return Err(support::os_error(th, e)),
        }
    }
    let wanted = Wanted { len, prot, flags, fd, offset };
    let kept = if fd != -1 && trackfd { Some(duplicate(th, fd)?) } else { None };
    let map = match blocking(th, || Mapping::new(&wanted)) {
        Ok(map) => Arc::new(map),
        Err(e) => return Err(support::os_error(th, e)),
    };
    let payload = Mmap {
        header: unborn(),
        open: Locked::new(Data(Some(Open { map, pos: 0, fd: kept }))),
        settings: Data(Settings { access, offset, flags, trackfd }),
        exports: AtomicUsize::new(0),
    };
    made(th, ty, payload)
}

/// How much of a file of `size` bytes is mapped; `len` 0: all behind `offset`. Errors: ValueError if there is not as much.
fn length_of_file(th: &mut Thread, len: usize, size: i64, offset: i64) -> PyResult<usize> {
    if len == 0 {
        if size == 0 {
            return Err(th.value_error("cannot mmap an empty file"));
        }
        if offset >= size {
            return Err(th.value_error("mmap offset is greater than file size"));
        }
        return Ok((size - offset) as usize);
    }
    if offset > size || ((size - offset) as usize) < len {
        return Err(th.value_error("mmap length is greater than file size"));
    }
    Ok(len)
}

fn duplicate(th: &mut Thread, fd: i32) -> PyResult<OwnedFd> {
    // SAFETY: a plain call.
    let kept = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) };
    if kept < 0 {
        return Err(support::last_os_error(th));
    }
    // SAFETY: new, and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(kept) })
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let m: &Mmap = this(o);
    let open = m.open.lock(&m.header, th).0.as_ref().map(|open| (open.map.len(), open.pos));
    let name = o.type_name(th);
    let text = match open {
        None => format!("<{name} closed=True>"),
        Some((len, pos)) => {
            let settings = &m.settings.0;
            let access = Access::ALL[settings.access as usize].0;
            format!(
                "<{name} closed=False, access={access}, length={len}, pos={pos}, offset={}>",
                settings.offset
            )
        }
    };
    Ok(th.new_str(&text))
}

fn buffer(th: &mut Thread, o: Borrowed<'_>, flags: BufferFlags) -> PyResult<Buffer> {
    let m: &Mmap = this(o);
    let readonly = m.settings.0.access == Access::Read;
    if flags.writable && readonly {
        return Err(th.buffer_error("Object is not writable."));
    }
    let (start, len) = m.with(th, |open| {
        // ORDERING Relaxed: under the lock, which closing and resizing take before they look.
        m.exports.fetch_add(1, Ordering::Relaxed);
        Ok((open.map.start(), open.map.len()))
    })?;
    Ok(Buffer::bytes(o.to_owned(), start, len, readonly, Some(release)))
}

fn release(owner: &Owned) {
    // ORDERING Release: our use of the bytes comes before they are unmapped.
    this::<Mmap>(owner.borrow()).exports.fetch_sub(1, Ordering::Release);
}
