//! What the file system knows of files: stat and its family, access, times, owners, modes, attributes.

use typhon_core::builtins::struct_sequence::{self, StructSequence};
use typhon_core::builtins::tuple::Tuple;
use typhon_core::{ArgsExt, Borrowed, NativeDef, Owned, PyResult, Thread, Type};

use super::{c_string, dir_fd, on_path, path_error, plain};
use crate::support::{self, PathArg, PathKind, c_id, c_int, flag};

pub const FUNCTIONS: &[NativeDef] = &[
    NativeDef::new(
        "stat",
        "($module, /, path, *, dir_fd=None, follow_symlinks=True)",
        stat,
        "Perform a stat system call on the given path.",
    ),
    NativeDef::new(
        "lstat",
        "($module, /, path, *, dir_fd=None)",
        lstat,
        "Perform a stat system call on the given path, without following symbolic links.",
    ),
    NativeDef::new(
        "fstat",
        "($module, /, fd)",
        fstat,
        "Perform a stat system call on the given file descriptor.",
    ),
    NativeDef::new(
        "statvfs",
        "($module, /, path)",
        statvfs,
        "Perform a statvfs system call on the given path.",
    ),
    NativeDef::new(
        "fstatvfs",
        "($module, fd, /)",
        statvfs,
        "Perform an fstatvfs system call on the given fd.",
    ),
    NativeDef::new(
        "access",
        "($module, /, path, mode, *, dir_fd=None, effective_ids=False, follow_symlinks=True)",
        access,
        "Use the real uid/gid to test for access to a path.",
    ),
    NativeDef::new(
        "chmod",
        "($module, /, path, mode, *, dir_fd=None, follow_symlinks=True)",
        chmod,
        "Change the access permissions of a file.",
    ),
    NativeDef::new(
        "fchmod",
        "($module, /, fd, mode)",
        fchmod,
        "Change the access permissions of the file given by file descriptor fd.",
    ),
    NativeDef::new(
        "chown",
        "($module, /, path, uid, gid, *, dir_fd=None, follow_symlinks=True)",
        chown,
        "Change the owner and group id of path to the numeric uid and gid.",
    ),
    NativeDef::new(
        "fchown",
        "($module, /, fd, uid, gid)",
        fchown,
        "Change the owner and group id of the file specified by file descriptor.",
    ),
    NativeDef::new(
        "lchown",
        "($module, /, path, uid, gid)",
        lchown,
        "Change the owner and group id of path to the numeric uid and gid. Does not follow links.",
    ),
    NativeDef::new(
        "utime",
        "($module, /, path, times=None, *, ns=None, dir_fd=None, follow_symlinks=True)",
        utime,
        "Set the access and modified time of path.",
    ),
    NativeDef::new(
        "umask",
        "($module, mask, /)",
        umask,
        "Set the current numeric umask and return the previous umask.",
    ),
    NativeDef::new(
        "getxattr",
        "($module, /, path, attribute, *, follow_symlinks=True)",
        getxattr,
        "Return the value of extended attribute attribute on path.",
    ),
    NativeDef::new(
        "setxattr",
        "($module, /, path, attribute, value, flags=0, *, follow_symlinks=True)",
        setxattr,
        "Set extended attribute attribute on path to value.",
    ),
    NativeDef::new(
        "removexattr",
        "($module, /, path, attribute, *, follow_symlinks=True)",
        removexattr,
        "Remove extended attribute attribute on path.",
    ),
    NativeDef::new(
        "listxattr",
        "($module, /, path=None, *, follow_symlinks=True)",
        listxattr,
        "Return a list of extended attributes on path.",
    ),
    NativeDef::new(
        "pathconf",
        "($module, /, path, name)",
        pathconf,
        "Return the configuration limit name for the file or directory path.",
    ),
    NativeDef::new(
        "fpathconf",
        "($module, fd, name, /)",
        pathconf,
        "Return the configuration limit name for the file descriptor fd.",
    ),
];

static STAT_RESULT: StructSequence = StructSequence {
    name: "os.stat_result",
    doc: "stat_result: Result from stat, fstat, or lstat.",
    fields: &[
        "st_mode",
        "st_ino",
        "st_dev",
        "st_nlink",
        "st_uid",
        "st_gid",
        "st_size",
        "",
        "",
        "",
        "st_atime",
        "st_mtime",
        "st_ctime",
        "st_atime_ns",
        "st_mtime_ns",
        "st_ctime_ns",
        "st_blksize",
        "st_blocks",
        "st_rdev",
    ],
    n_visible: 10,
    constructible: true,
};

static STATVFS_RESULT: StructSequence = StructSequence {
    name: "os.statvfs_result",
    doc: "statvfs_result: Result from statvfs or fstatvfs.",
    fields: &[
        "f_bsize",
        "f_frsize",
        "f_blocks",
        "f_bfree",
        "f_bavail",
        "f_files",
        "f_ffree",
        "f_favail",
        "f_flag",
        "f_namemax",
        "f_fsid",
    ],
    n_visible: 10,
    constructible: true,
};

pub fn stat_result(th: &mut Thread) -> PyResult<&'static Type> {
    struct_sequence::register(th, &STAT_RESULT)
}

pub fn statvfs_result(th: &mut Thread) -> PyResult<&'static Type> {
    struct_sequence::register(th, &STATVFS_RESULT)
}

/// A `stat_result` of what the system said.
pub fn from_stat(th: &mut Thread, st: &libc::stat) -> PyResult {
    let times =
        [(st.st_atime, st.st_atime_nsec), (st.st_mtime, st.st_mtime_nsec), (st.st_ctime, st.st_ctime_nsec)];
    let mut fields = Vec::with_capacity(19);
    fields.push(th.new_int(i64::from(st.st_mode)));
    fields.push(th.new_uint(st.st_ino));
    fields.push(th.new_uint(st.st_dev));
    fields.push(th.new_uint(st.st_nlink as u64));
    for v in [i64::from(st.st_uid), i64::from(st.st_gid), st.st_size] {
        fields.push(th.new_int(v));
    }
    for (s, _) in times {
        fields.push(th.new_int(s));
    }
    for (s, ns) in times {
        fields.push(th.new_float(s as f64 + ns as f64 * 1e-9));
    }
    for (s, ns) in times {
        let all = i128::from(s) * 1_000_000_000 + i128::from(ns);
        fields.push(match i64::try_from(all) {
            Ok(v) => th.new_int(v),
            Err(_) => th.new_big(dashu_int::IBig::from(all)),
        });
    }
    for v in [st.st_blksize as i64, st.st_blocks, st.st_rdev as i64] {
        fields.push(th.new_int(v));
    }
    let ty = stat_result(th)?;
    Ok(struct_sequence::new_instance(th, ty, fields))
}

/// stat, lstat or fstat. The number of the error if it fails.
pub fn stat_of(th: &mut Thread, path: &PathArg, dir: i32, follow: bool) -> PyResult<Result<libc::stat, i32>> {
    // SAFETY: all-zero is a valid stat, which the call fills; a C string that lives for the call.
    let mut st: libc::stat = unsafe { core::mem::zeroed() };
    let p = &raw mut st as usize;
    let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    let r = support::retry(th, || {
        let st = p as *mut libc::stat;
        // SAFETY: as above; `st` outlives the call.
        unsafe {
            match path.fd {
                Some(fd) => libc::fstat(fd, st),
                None => libc::fstatat(dir, path.c.as_ptr(), st, flags),
            }
        }
    })?;
    Ok(r.map(|_| st))
}

pub fn do_stat(th: &mut Thread, path: &PathArg, dir: i32, follow: bool) -> PyResult {
    match stat_of(th, path, dir, follow)? {
        Ok(st) => from_stat(th, &st),
        Err(e) => Err(path_error(th, e, path)),
    }
}

const PATH_OR_FD: PathKind = PathKind { fd: true, none: false };

fn no_dir_with_fd(th: &mut Thread, what: &str, path: &PathArg, dir: i32, follow: bool) -> PyResult<()> {
    if path.fd.is_some() && dir != libc::AT_FDCWD {
        return Err(th.value_error(&format!("{what}: can't specify dir_fd without matching path")));
    }
    if path.fd.is_some() && !follow {
        return Err(th.value_error(&format!("{what}: cannot use fd and follow_symlinks together")));
    }
    Ok(())
}

fn stat(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = support::path_arg(th, Some(a[0]), "stat: path", PATH_OR_FD)?;
    let dir = dir_fd(th, a.opt(1))?;
    let follow = flag(th, a.opt(2), true)?;
    no_dir_with_fd(th, "stat", &path, dir, follow)?;
    do_stat(th, &path, dir, follow)
}

fn lstat(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = support::path(th, a[0], "lstat: path")?;
    let dir = dir_fd(th, a.opt(1))?;
    do_stat(th, &path, dir, false)
}

fn fstat(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = c_int(th, a[0])?;
    let path = PathArg { c: Default::default(), object: Owned::none(), is_bytes: false, fd: Some(fd) };
    do_stat(th, &path, libc::AT_FDCWD, true)
}

fn statvfs(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = support::path_arg(th, Some(a[0]), "statvfs: path", PATH_OR_FD)?;
    // SAFETY: all-zero is a valid statvfs, which the call fills; a C string that lives for the call.
    let mut st: libc::statvfs = unsafe { core::mem::zeroed() };
    let p = &raw mut st as usize;
    on_path(th, &path, || {
        let st = p as *mut libc::statvfs;
        // SAFETY: as above.
        unsafe {
            match path.fd {
                Some(fd) => libc::fstatvfs(fd, st),
                None => libc::statvfs(path.c.as_ptr(), st),
            }
        }
    })?;
    let fields = [
        st.f_bsize as u64,
        st.f_frsize as u64,
        st.f_blocks as u64,
        st.f_bfree as u64,
        st.f_bavail as u64,
        st.f_files as u64,
        st.f_ffree as u64,
        st.f_favail as u64,
        st.f_flag as u64,
        st.f_namemax as u64,
        st.f_fsid as u64,
    ];
    let fields = fields.iter().map(|&v| th.new_uint(v)).collect();
    let ty = statvfs_result(th)?;
    Ok(struct_sequence::new_instance(th, ty, fields))
}

fn access(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = support::path(th, a[0], "access: path")?;
    let mode = c_int(th, a[1])?;
    let dir = dir_fd(th, a.opt(2))?;
    let mut flags = 0;
    if flag(th, a.opt(3), false)? {
        flags |= libc::AT_EACCESS;
    }
    if !flag(th, a.opt(4), true)? {
        flags |= libc::AT_SYMLINK_NOFOLLOW;
    }
    // SAFETY: a C string that lives for the call.
    let r = support::retry(th, || unsafe { libc::faccessat(dir, path.c.as_ptr(), mode, flags) })?;
    Ok(Owned::bool(r.is_ok()))
}

fn chmod(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = support::path_arg(th, Some(a[0]), "chmod: path", PATH_OR_FD)?;
    let mode = c_int(th, a[1])? as libc::mode_t;
    let dir = dir_fd(th, a.opt(2))?;
    let flags = if flag(th, a.opt(3), true)? { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    // SAFETY: a C string that lives for the call.
    on_path(th, &path, || unsafe {
        match path.fd {
            Some(fd) => libc::fchmod(fd, mode),
            None => libc::fchmodat(dir, path.c.as_ptr(), mode, flags),
        }
    })?;
    Ok(Owned::none())
}

fn fchmod(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (fd, mode) = (c_int(th, a[0])?, c_int(th, a[1])?);
    // SAFETY: a plain system call.
    plain(th, || unsafe { libc::fchmod(fd, mode as libc::mode_t) })?;
    Ok(Owned::none())
}

fn chown(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = support::path_arg(th, Some(a[0]), "chown: path", PATH_OR_FD)?;
    let (uid, gid) = (c_id(th, a[1], "uid")?, c_id(th, a[2], "gid")?);
    let dir = dir_fd(th, a.opt(3))?;
    let flags = if flag(th, a.opt(4), true)? { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    // SAFETY: a C string that lives for the call.
    on_path(th, &path, || unsafe {
        match path.fd {
            Some(fd) => libc::fchown(fd, uid, gid),
            None => libc::fchownat(dir, path.c.as_ptr(), uid, gid, flags),
        }
    })?;
    Ok(Owned::none())
}

fn fchown(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (fd, uid, gid) = (c_int(th, a[0])?, c_id(th, a[1], "uid")?, c_id(th, a[2], "gid")?);
    // SAFETY: a plain system call.
    plain(th, || unsafe { libc::fchown(fd, uid, gid) })?;
    Ok(Owned::none())
}

fn lchown(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = support::path(th, a[0], "lchown: path")?;
    let (uid, gid) = (c_id(th, a[1], "uid")?, c_id(th, a[2], "gid")?);
    // SAFETY: a C string that lives for the call.
    on_path(th, &path, || unsafe { libc::lchown(path.c.as_ptr(), uid, gid) })?;
    Ok(Owned::none())
}

/// A pair of times: seconds as numbers, or nanoseconds as ints.
fn time_pair(th: &mut Thread, v: Borrowed<'_>, ns: bool) -> PyResult<[libc::timespec; 2]> {
    let what = if ns { "ns" } else { "times" };
    let Some(t) = v.downcast::<Tuple>().filter(|t| t.len() == 2) else {
        let or_none = if ns { "" } else { "either " };
        let end = if ns { "" } else { " or None" };
        return Err(th.type_error(&format!("utime: '{what}' must be {or_none}a tuple of two ints{end}")));
    };
    let mut out = [libc::timespec { tv_sec: 0, tv_nsec: 0 }; 2];
    for (slot, v) in out.iter_mut().zip(t.iter()) {
        let (s, n) = if ns {
            let all = v.index(th)?;
            let all = all.borrow().to_i64(th)?;
            (all.div_euclid(1_000_000_000), all.rem_euclid(1_000_000_000))
        } else if let Some(f) = v.as_float() {
            if !f.is_finite() || f.abs() > 9.2e18 {
                return Err(th.overflow_error("timestamp out of range for platform time_t"));
            }
            let floor = f.floor();
            (floor as i64, ((f - floor) * 1e9) as i64)
        } else {
            let i = v.index(th)?;
            (i.borrow().to_i64(th)?, 0)
        };
        *slot = libc::timespec { tv_sec: s, tv_nsec: n };
    }
    Ok(out)
}

fn utime(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = support::path_arg(th, Some(a[0]), "utime: path", PATH_OR_FD)?;
    let dir = dir_fd(th, a.opt(3))?;
    let follow = flag(th, a.opt(4), true)?;
    let times = match (a.some(1), a.opt(2)) {
        (Some(_), Some(_)) => {
            return Err(th.value_error("utime: you may specify either 'times' or 'ns' but not both"));
        }
        (Some(t), None) => Some(time_pair(th, t, false)?),
        (None, Some(t)) => Some(time_pair(th, t, true)?),
        (None, None) => None,
    };
    no_dir_with_fd(th, "utime", &path, dir, follow)?;
    let p = times.as_ref().map_or(0, |t| t.as_ptr() as usize);
    let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    // SAFETY: a C string and two times (or null) that live for the call.
    on_path(th, &path, || unsafe {
        let t = p as *const libc::timespec;
        match path.fd {
            Some(fd) => libc::futimens(fd, t),
            None => libc::utimensat(dir, path.c.as_ptr(), t, flags),
        }
    })?;
    Ok(Owned::none())
}

fn umask(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let mask = c_int(th, a[0])?;
    // SAFETY: a plain system call.
    let old = unsafe { libc::umask(mask as libc::mode_t) };
    Ok(th.new_int(i64::from(old)))
}

fn getxattr(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = support::path_arg(th, Some(a[0]), "getxattr: path", PATH_OR_FD)?;
    let name = c_string(th, a[1])?;
    let follow = flag(th, a.opt(2), true)?;
    let mut buffer = vec![0u8; 128];
    loop {
        let (p, n) = (buffer.as_mut_ptr() as usize, buffer.len());
        // SAFETY: C strings and a buffer of that length.
        let r = support::retry(th, || unsafe {
            let p = p as *mut libc::c_void;
            match (path.fd, follow) {
                (Some(fd), _) => libc::fgetxattr(fd, name.as_ptr(), p, n),
                (None, true) => libc::getxattr(path.c.as_ptr(), name.as_ptr(), p, n),
                (None, false) => libc::lgetxattr(path.c.as_ptr(), name.as_ptr(), p, n),
            }
        })?;
        match r {
            Ok(n) => return Ok(th.new_bytes(&buffer[..n as usize])),
            Err(libc::ERANGE) if buffer.len() < 1 << 16 => buffer.resize(1 << 16, 0),
            Err(e) => return Err(path_error(th, e, &path)),
        }
    }
}

fn setxattr(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = support::path_arg(th, Some(a[0]), "setxattr: path", PATH_OR_FD)?;
    let name = c_string(th, a[1])?;
    let value = typhon_core::buffer::bytes_like(th, a[2])?;
    let flags = support::c_int_or(th, a.opt(3), 0)?;
    let follow = flag(th, a.opt(4), true)?;
    let (p, n) = (value.as_ptr() as usize, value.len());
    // SAFETY: C strings and bytes that live for the call.
    on_path(th, &path, || unsafe {
        let p = p as *const libc::c_void;
        match (path.fd, follow) {
            (Some(fd), _) => libc::fsetxattr(fd, name.as_ptr(), p, n, flags),
            (None, true) => libc::setxattr(path.c.as_ptr(), name.as_ptr(), p, n, flags),
            (None, false) => libc::lsetxattr(path.c.as_ptr(), name.as_ptr(), p, n, flags),
        }
    })?;
    Ok(Owned::none())
}

fn removexattr(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = support::path_arg(th, Some(a[0]), "removexattr: path", PATH_OR_FD)?;
    let name = c_string(th, a[1])?;
    let follow = flag(th, a.opt(2), true)?;
    // SAFETY: C strings that live for the call.
    on_path(th, &path, || unsafe {
        match (path.fd, follow) {
            (Some(fd), _) => libc::fremovexattr(fd, name.as_ptr()),
            (None, true) => libc::removexattr(path.c.as_ptr(), name.as_ptr()),
            (None, false) => libc::lremovexattr(path.c.as_ptr(), name.as_ptr()),
        }
    })?;
    Ok(Owned::none())
}

fn listxattr(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = support::path_arg(th, a.opt(0), "listxattr: path", PathKind { fd: true, none: true })?;
    let follow = flag(th, a.opt(1), true)?;
    let mut buffer = vec![0u8; 256];
    loop {
        let (p, n) = (buffer.as_mut_ptr() as usize, buffer.len());
        // SAFETY: a C string and a buffer of that length.
        let r = support::retry(th, || unsafe {
            let p = p as *mut libc::c_char;
            match (path.fd, follow) {
                (Some(fd), _) => libc::flistxattr(fd, p, n),
                (None, true) => libc::listxattr(path.c.as_ptr(), p, n),
                (None, false) => libc::llistxattr(path.c.as_ptr(), p, n),
            }
        })?;
        match r {
            Ok(n) => {
                let names = buffer[..n as usize].split(|&b| b == 0).filter(|s| !s.is_empty());
                let names = names.map(|s| support::fs_str(th, s)).collect();
                return Ok(th.new_list(names));
            }
            Err(libc::ERANGE) if buffer.len() < 1 << 16 => buffer.resize(1 << 16, 0),
            Err(e) => return Err(path_error(th, e, &path)),
        }
    }
}

fn pathconf(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = support::path_arg(th, Some(a[0]), "pathconf: path", PATH_OR_FD)?;
    let name = super::machine::configuration_name(th, a[1], super::constants::PATHCONF)?;
    // SAFETY: a C string that lives for the call; `errno` tells a limit that does not exist from an error.
    let (r, e) = unsafe {
        *libc::__errno_location() = 0;
        let r = match path.fd {
            Some(fd) => libc::fpathconf(fd, name),
            None => libc::pathconf(path.c.as_ptr(), name),
        };
        (r, support::errno())
    };
    if r == -1 && e != 0 {
        return Err(path_error(th, e, &path));
    }
    Ok(th.new_int(r))
}
