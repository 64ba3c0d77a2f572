//! Folders: listing them, walking them with `scandir`, the current one.

use std::ffi::{CStr, CString};

use typhon_core::object::{Data, Locked};
use typhon_core::thread::unborn;
use typhon_core::typedef::type_flags;
use typhon_core::{ArgsExt, Borrowed, GetSetDef, NativeDef, Owned, PyResult, Slot, Slots, Thread, TypeDef};

use super::{metadata, path_error, plain};
use crate::support::{self, PathArg, PathKind, blocking, flag, os_error};

pub const FUNCTIONS: &[NativeDef] = &[
    NativeDef::new(
        "listdir",
        "($module, /, path=None)",
        listdir,
        "Return a list containing the names of the files in the directory.",
    ),
    NativeDef::new(
        "scandir",
        "($module, /, path=None)",
        scandir,
        "Return an iterator of DirEntry objects for given path.",
    ),
    NativeDef::new(
        "getcwd",
        "($module, /)",
        |th, _| {
            let d = cwd(th)?;
            Ok(support::fs_str(th, &d))
        },
        "Return a unicode string representing the current working directory.",
    ),
    NativeDef::new(
        "getcwdb",
        "($module, /)",
        |th, _| {
            let d = cwd(th)?;
            Ok(th.new_bytes(&d))
        },
        "Return a bytes string representing the current working directory.",
    ),
    NativeDef::new(
        "chdir",
        "($module, /, path)",
        chdir,
        "Change the current working directory to the specified path.",
    ),
    NativeDef::new(
        "fchdir",
        "($module, /, fd)",
        fchdir,
        "Change to the directory of the given file descriptor.",
    ),
    NativeDef::new("chroot", "($module, /, path)", chroot, "Change root directory to path."),
];

const OPTIONAL: PathKind = PathKind { fd: true, none: true };

fn cwd(th: &mut Thread) -> PyResult<Vec<u8>> {
    use std::os::unix::ffi::OsStringExt;
    match std::env::current_dir() {
        Ok(d) => Ok(d.into_os_string().into_vec()),
        Err(e) => Err(os_error(th, e.raw_os_error().unwrap_or(libc::EIO))),
    }
}

fn chdir(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = support::path_arg(th, Some(a[0]), "chdir: path", PathKind { fd: true, none: false })?;
    // SAFETY: a C string that lives for the call.
    super::on_path(th, &path, || unsafe {
        match path.fd {
            Some(fd) => libc::fchdir(fd),
            None => libc::chdir(path.c.as_ptr()),
        }
    })?;
    Ok(Owned::none())
}

fn fchdir(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = support::fileno(th, a[0])?;
    // SAFETY: a plain system call.
    plain(th, || unsafe { libc::fchdir(fd) })?;
    Ok(Owned::none())
}

fn chroot(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = support::path(th, a[0], "chroot: path")?;
    // SAFETY: a C string that lives for the call.
    super::on_path(th, &path, || unsafe { libc::chroot(path.c.as_ptr()) })?;
    Ok(Owned::none())
}

/// An open folder of the system, closed at drop.
struct Stream(*mut libc::DIR);

// SAFETY: used under the object's lock, by one thread at a time.
unsafe impl Send for Stream {}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: opened by `open_stream`, closed once.
        unsafe { libc::closedir(self.0) };
    }
}

/// One entry as the system gives it.
struct Entry {
    name: CString,
    inode: u64,
    kind: u8,
}

fn open_stream(th: &mut Thread, path: &PathArg) -> PyResult<Stream> {
    let (p, e) = blocking(th, || {
        // SAFETY: a C string that lives for the call. A descriptor is duplicated: closing the stream leaves the
        // caller's open.
        let p = unsafe {
            match path.fd {
                Some(fd) => {
                    let own = libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0);
                    if own < 0 {
                        core::ptr::null_mut()
                    } else {
                        let d = libc::fdopendir(own);
                        if d.is_null() {
                            let e = support::errno();
                            libc::close(own);
                            *libc::__errno_location() = e;
                        } else {
                            libc::rewinddir(d);
                        }
                        d
                    }
                }
                None => libc::opendir(path.c.as_ptr()),
            }
        };
        (p as usize, support::errno())
    });
    if p == 0 { Err(path_error(th, e, path)) } else { Ok(Stream(p as *mut libc::DIR)) }
}

/// The next entry but `.` and `..`; the inner error is a number.
fn next_entry(stream: &Stream) -> Result<Option<Entry>, i32> {
    loop {
        // SAFETY: the stream is open; nobody else uses it meanwhile.
        unsafe {
            *libc::__errno_location() = 0;
            let d = libc::readdir(stream.0);
            if d.is_null() {
                let e = support::errno();
                return if e == 0 { Ok(None) } else { Err(e) };
            }
            let name = CStr::from_ptr((*d).d_name.as_ptr());
            if name.to_bytes() == b"." || name.to_bytes() == b".." {
                continue;
            }
            return Ok(Some(Entry { name: name.to_owned(), inode: (*d).d_ino, kind: (*d).d_type }));
        }
    }
}

fn listdir(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = support::path_arg(th, a.opt(0), "listdir: path", OPTIONAL)?;
    let stream = open_stream(th, &path)?;
    let address = &raw const stream as usize;
    let names = blocking(th, || {
        let mut names = Vec::new();
        loop {
            // SAFETY: the stream outlives the call and nobody else has it.
            match next_entry(unsafe { &*(address as *const Stream) }) {
                Ok(Some(e)) => names.push(e.name),
                Ok(None) => return Ok(names),
                Err(e) => return Err(e),
            }
        }
    });
    match names {
        Ok(names) => {
            let items = names.iter().map(|n| path.result(th, n.to_bytes())).collect();
            Ok(th.new_list(items))
        }
        Err(e) => Err(path_error(th, e, &path)),
    }
}

/// State of a walk.
struct Walk {
    stream: Option<Stream>,
}

typhon_core::payload! {
    /// `posix.ScandirIterator`
    pub struct ScandirIterator: SCANDIR_ITERATOR {
        walk: Locked<Data<Walk>>,
        /// The path as given (None for the current folder).
        object: Slot,
        /// What entries' paths begin with.
        prefix: Data<Vec<u8>>,
        is_bytes: bool,
        fd: i32,
    }
}

typhon_core::payload! {
    /// `os.DirEntry`
    pub struct DirEntry: DIR_ENTRY {
        name: Slot,
        path: Slot,
        /// Results of `stat(follow_symlinks=True)` and `False`, once asked.
        stat: Slot,
        lstat: Slot,
        inode: u64,
        kind: u8,
        is_bytes: bool,
        fd: i32,
    }
}

pub static SCANDIR_ITERATOR: TypeDef = TypeDef {
    module: "posix",
    flags: type_flags::GC | type_flags::NO_NEW,
    slots: Slots {
        iter: Some(|_, o| Ok(o.to_owned())),
        next: Some(scandir_next),
        finalize: Some(|_, o| {
            drop(walk_of(o).stream.take());
            Ok(())
        }),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new("__enter__", "($self, /)", |_, a| Ok(a[0].to_owned()), ""),
        NativeDef::new("__exit__", "($self, /, *args)", scandir_close, ""),
        NativeDef::new("close", "($self, /)", scandir_close, "Close the iterator."),
    ],
    ..TypeDef::of::<ScandirIterator>("ScandirIterator")
};

/// The state of an iterator that nobody else can reach any more.
fn walk_of(o: Borrowed<'_>) -> &mut Walk {
    let me = o.downcast::<ScandirIterator>().expect("a ScandirIterator");
    // SAFETY: called by the finaliser: the last reference is gone.
    unsafe { &mut me.walk.alone().0 }
}

pub static DIR_ENTRY: TypeDef = TypeDef {
    module: "posix",
    flags: type_flags::GC | type_flags::NO_NEW,
    slots: Slots { repr: Some(entry_repr), ..Slots::NONE },
    methods: &[
        NativeDef::new(
            "is_dir",
            "($self, /, *, follow_symlinks=True)",
            |th, a| is_kind(th, a, libc::S_IFDIR),
            "Return True if the entry is a directory; cached per entry.",
        ),
        NativeDef::new(
            "is_file",
            "($self, /, *, follow_symlinks=True)",
            |th, a| is_kind(th, a, libc::S_IFREG),
            "Return True if the entry is a file; cached per entry.",
        ),
        NativeDef::new(
            "is_symlink",
            "($self, /)",
            is_symlink,
            "Return True if the entry is a symbolic link; cached per entry.",
        ),
        NativeDef::new(
            "is_junction",
            "($self, /)",
            |_, _| Ok(Owned::bool(false)),
            "Return True if the entry is a junction; cached per entry.",
        ),
        NativeDef::new(
            "stat",
            "($self, /, *, follow_symlinks=True)",
            |th, a| {
                let follow = flag(th, a.opt(1), true)?;
                entry_stat(th, a[0], follow)
            },
            "Return stat_result object for the entry; cached per entry.",
        ),
        NativeDef::new(
            "inode",
            "($self, /)",
            |th, a| {
                let n = entry(a[0]).inode;
                Ok(th.new_uint(n))
            },
            "Return inode of the entry; cached per entry.",
        ),
        NativeDef::new(
            "__fspath__",
            "($self, /)",
            |_, a| Ok(fixed(&entry(a[0]).path)),
            "Returns the path for the entry.",
        ),
        typhon_core::builtins::generic_alias::CLASS_GETITEM,
    ],
    getset: &[
        GetSetDef::get("name", |_, o| Ok(fixed(&entry(o).name))),
        GetSetDef::get("path", |_, o| Ok(fixed(&entry(o).path))),
    ],
    ..TypeDef::of::<DirEntry>("DirEntry")
};

fn fixed(slot: &Slot) -> Owned {
    slot.fixed().map_or_else(Owned::none, |v| v.to_owned())
}

fn entry(o: Borrowed<'_>) -> &DirEntry {
    o.downcast::<DirEntry>().expect("a method of DirEntry")
}

fn scandir(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = support::path_arg(th, a.opt(0), "scandir: path", OPTIONAL)?;
    let stream = open_stream(th, &path)?;
    let mut prefix = path.c.to_bytes().to_vec();
    if path.fd.is_some() {
        prefix.clear();
    } else if prefix.last() != Some(&b'/') {
        prefix.push(b'/');
    }
    let fd = path.fd.unwrap_or(-1);
    Ok(th.alloc(ScandirIterator {
        header: unborn(),
        walk: Locked::new(Data(Walk { stream: Some(stream) })),
        object: Slot::new(path.object),
        prefix: Data(prefix),
        is_bytes: path.is_bytes,
        fd,
    }))
}

fn scandir_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let me = o.downcast::<ScandirIterator>().expect("a ScandirIterator");
    let found = {
        let mut walk = me.walk.lock(&me.header, th);
        let r = match &walk.0.stream {
            Some(s) => next_entry(s),
            None => Ok(None),
        };
        if !matches!(r, Ok(Some(_))) {
            drop(walk.0.stream.take());
        }
        r
    };
    let e = match found {
        Ok(Some(e)) => e,
        Ok(None) => return Ok(None),
        Err(e) => {
            let shown = fixed(&me.object);
            return Err(support::os_error_with(th, e, Some(shown.borrow()), None));
        }
    };
    let mut full = me.prefix.0.clone();
    full.extend_from_slice(e.name.to_bytes());
    let make = |th: &mut Thread, b: &[u8]| if me.is_bytes { th.new_bytes(b) } else { support::fs_str(th, b) };
    let (name, path) = (make(th, e.name.to_bytes()), make(th, &full));
    Ok(Some(th.alloc(DirEntry {
        header: unborn(),
        name: Slot::new(name),
        path: Slot::new(path),
        stat: Slot::empty(),
        lstat: Slot::empty(),
        inode: e.inode,
        kind: e.kind,
        is_bytes: me.is_bytes,
        fd: me.fd,
    })))
}

fn scandir_close(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let me = a[0].downcast::<ScandirIterator>().expect("a method of ScandirIterator");
    let stream = me.walk.lock(&me.header, th).0.stream.take();
    drop(stream);
    Ok(Owned::none())
}

/// `stat` of an entry, asked once. The inner error is its number.
fn entry_stat_or(th: &mut Thread, o: Borrowed<'_>, follow: bool) -> PyResult<Result<Owned, i32>> {
    let me = entry(o);
    let slot = if follow && kind_of(me) != Some(libc::S_IFLNK) && kind_of(me).is_some() || !follow {
        &me.lstat
    } else {
        &me.stat
    };
    if let Some(known) = slot.get(&me.header) {
        return Ok(Ok(known));
    }
    let target = if me.fd >= 0 { fixed(&me.name) } else { fixed(&me.path) };
    let path = support::path(th, target.borrow(), "DirEntry: path")?;
    let dir = if me.fd >= 0 { me.fd } else { libc::AT_FDCWD };
    match metadata::stat_of(th, &path, dir, core::ptr::eq(slot, &me.stat))? {
        Ok(st) => {
            let result = metadata::from_stat(th, &st)?;
            slot.set(&me.header, result.clone());
            Ok(Ok(result))
        }
        Err(e) => Ok(Err(e)),
    }
}

fn entry_stat(th: &mut Thread, o: Borrowed<'_>, follow: bool) -> PyResult {
    match entry_stat_or(th, o, follow)? {
        Ok(st) => Ok(st),
        Err(e) => {
            let shown = fixed(&entry(o).path);
            Err(support::os_error_path(th, e, shown.borrow()))
        }
    }
}

/// The file type that listing told, if it did.
fn kind_of(e: &DirEntry) -> Option<u32> {
    match e.kind {
        libc::DT_DIR => Some(libc::S_IFDIR),
        libc::DT_REG => Some(libc::S_IFREG),
        libc::DT_LNK => Some(libc::S_IFLNK),
        libc::DT_FIFO => Some(libc::S_IFIFO),
        libc::DT_SOCK => Some(libc::S_IFSOCK),
        libc::DT_CHR => Some(libc::S_IFCHR),
        libc::DT_BLK => Some(libc::S_IFBLK),
        _ => None,
    }
}

fn mode_is(th: &mut Thread, o: Borrowed<'_>, follow: bool, kind: u32) -> PyResult {
    match entry_stat_or(th, o, follow)? {
        Ok(st) => {
            let mode = st.borrow().getattr_str(th, "st_mode")?;
            let mode = mode.borrow().to_i64(th)? as u32;
            Ok(Owned::bool(mode & libc::S_IFMT == kind))
        }
        // A link that leads nowhere, or a file that is gone, is neither folder nor file.
        Err(libc::ENOENT) => Ok(Owned::bool(false)),
        Err(e) => {
            let shown = fixed(&entry(o).path);
            Err(support::os_error_path(th, e, shown.borrow()))
        }
    }
}

fn is_kind(th: &mut Thread, a: &[Borrowed<'_>], kind: u32) -> PyResult {
    let follow = flag(th, a.opt(1), true)?;
    match kind_of(entry(a[0])) {
        Some(libc::S_IFLNK) if follow => mode_is(th, a[0], true, kind),
        Some(known) => Ok(Owned::bool(known == kind)),
        None => mode_is(th, a[0], follow, kind),
    }
}

fn is_symlink(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    match kind_of(entry(a[0])) {
        Some(known) => Ok(Owned::bool(known == libc::S_IFLNK)),
        None => mode_is(th, a[0], false, libc::S_IFLNK),
    }
}

fn entry_repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let name = fixed(&entry(o).name);
    let text = format!("<DirEntry {}>", name.borrow().repr_text(th)?);
    Ok(th.new_str(&text))
}
