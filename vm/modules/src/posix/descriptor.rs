//! Open descriptors: reading, writing, duplicating, pipes.

use typhon_core::{ArgsExt, Borrowed, NativeDef, Owned, PyResult, Thread};

use super::{c_string, dir_fd, on_path, plain};
use crate::io::fileio;
use crate::support::{self, blocking, c_int, c_int_or, os_error};

pub const FUNCTIONS: &[NativeDef] = &[
    NativeDef::new(
        "open",
        "($module, /, path, flags, mode=0o777, *, dir_fd=None)",
        open,
        "Open a file for low level IO.  Returns a file descriptor (integer).",
    ),
    NativeDef::new("close", "($module, /, fd)", close, "Close a file descriptor."),
    NativeDef::new(
        "closerange",
        "($module, fd_low, fd_high, /)",
        closerange,
        "Closes all file descriptors in [fd_low, fd_high), ignoring errors.",
    ),
    NativeDef::new(
        "read",
        "($module, fd, length, /)",
        read,
        "Read from a file descriptor.  Returns a bytes object.",
    ),
    NativeDef::new(
        "readinto",
        "($module, fd, buffer, /)",
        readinto,
        "Read into a buffer object from a file descriptor.",
    ),
    NativeDef::new(
        "readv",
        "($module, fd, buffers, /)",
        readv,
        "Read from a file descriptor fd into an iterable of buffers.",
    ),
    NativeDef::new(
        "pread",
        "($module, fd, length, offset, /)",
        pread,
        "Read a number of bytes from a file descriptor starting at a particular offset.",
    ),
    NativeDef::new(
        "preadv",
        "($module, fd, buffers, offset, flags=0, /)",
        preadv,
        "Reads from a file descriptor into a number of mutable bytes-like objects.",
    ),
    NativeDef::new("write", "($module, fd, data, /)", write, "Write a bytes object to a file descriptor."),
    NativeDef::new(
        "writev",
        "($module, fd, buffers, /)",
        writev,
        "Iterate over buffers, and write the contents of each to a file descriptor.",
    ),
    NativeDef::new(
        "pwrite",
        "($module, fd, buffer, offset, /)",
        pwrite,
        "Write bytes to a file descriptor starting at a particular offset.",
    ),
    NativeDef::new(
        "pwritev",
        "($module, fd, buffers, offset, flags=0, /)",
        pwritev,
        "Writes the contents of bytes-like objects to a file descriptor at a given offset.",
    ),
    NativeDef::new(
        "lseek",
        "($module, fd, position, whence, /)",
        lseek,
        "Set the position of a file descriptor.  Return the new position.",
    ),
    NativeDef::new("dup", "($module, fd, /)", dup, "Return a duplicate of a file descriptor."),
    NativeDef::new("dup2", "($module, /, fd, fd2, inheritable=True)", dup2, "Duplicate file descriptor."),
    NativeDef::new("pipe", "($module, /)", |th, _| pipe_of(th, libc::O_CLOEXEC), "Create a pipe."),
    NativeDef::new(
        "pipe2",
        "($module, flags, /)",
        |th, a| {
            let flags = c_int(th, a[0])?;
            pipe_of(th, flags)
        },
        "Create a pipe with flags set atomically.",
    ),
    NativeDef::new("fsync", "($module, /, fd)", fsync, "Force write of fd to disk."),
    NativeDef::new(
        "fdatasync",
        "($module, /, fd)",
        fdatasync,
        "Force write of fd to disk without forcing update of metadata.",
    ),
    NativeDef::new("sync", "($module, /)", sync, "Force write of everything to disk."),
    NativeDef::new(
        "ftruncate",
        "($module, fd, length, /)",
        ftruncate,
        "Truncate a file, specified by file descriptor, to a specific length.",
    ),
    NativeDef::new(
        "posix_fallocate",
        "($module, fd, offset, length, /)",
        posix_fallocate,
        "Ensure a file has allocated at least a particular number of bytes on disk.",
    ),
    NativeDef::new(
        "posix_fadvise",
        "($module, fd, offset, length, advice, /)",
        posix_fadvise,
        "Announce an intention to access data in a specific pattern.",
    ),
    NativeDef::new(
        "lockf",
        "($module, fd, command, length, /)",
        lockf,
        "Apply, test or remove a POSIX lock on an open file descriptor.",
    ),
    NativeDef::new("isatty", "($module, fd, /)", isatty, "Return True if the fd is connected to a terminal."),
    NativeDef::new(
        "get_inheritable",
        "($module, fd, /)",
        get_inheritable,
        "Get the close-on-exe flag of the specified file descriptor.",
    ),
    NativeDef::new(
        "set_inheritable",
        "($module, fd, inheritable, /)",
        set_inheritable,
        "Set the inheritable flag of the specified file descriptor.",
    ),
    NativeDef::new(
        "get_blocking",
        "($module, fd, /)",
        get_blocking,
        "Get the blocking mode of the file descriptor.",
    ),
    NativeDef::new(
        "set_blocking",
        "($module, fd, blocking, /)",
        set_blocking,
        "Set the blocking mode of the specified file descriptor.",
    ),
    NativeDef::new(
        "sendfile",
        "($module, /, out_fd, in_fd, offset, count)",
        sendfile,
        "Copy count bytes from file descriptor in_fd to file descriptor out_fd.",
    ),
    NativeDef::new(
        "copy_file_range",
        "($module, /, src, dst, count, offset_src=None, offset_dst=None)",
        copy_file_range,
        "Copy count bytes from one file descriptor to another.",
    ),
    NativeDef::new(
        "splice",
        "($module, /, src, dst, count, offset_src=None, offset_dst=None, flags=0)",
        splice,
        "Transfer count bytes from one pipe to a descriptor or vice versa.",
    ),
    NativeDef::new(
        "eventfd",
        "($module, /, initval, flags=524288)",
        eventfd,
        "Creates and returns an event notification file descriptor.",
    ),
    NativeDef::new("eventfd_read", "($module, /, fd)", eventfd_read, "Read eventfd value"),
    NativeDef::new("eventfd_write", "($module, /, fd, value)", eventfd_write, "Write eventfd value."),
    NativeDef::new(
        "memfd_create",
        "($module, /, name, flags=1)",
        memfd_create,
        "Create an anonymous file in memory.",
    ),
    NativeDef::new(
        "pidfd_open",
        "($module, /, pid, flags=0)",
        pidfd_open,
        "Return a file descriptor referring to the process *pid*.",
    ),
];

pub(super) fn on_fd(th: &mut Thread, arg: Borrowed<'_>, mut call: impl FnMut(i32) -> i32) -> PyResult {
    let fd = support::fileno(th, arg)?;
    plain(th, || call(fd))?;
    Ok(Owned::none())
}

fn fsync(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    // SAFETY: a plain system call.
    on_fd(th, a[0], |fd| unsafe { libc::fsync(fd) })
}

fn fdatasync(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    // SAFETY: a plain system call.
    on_fd(th, a[0], |fd| unsafe { libc::fdatasync(fd) })
}

fn sync(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    // SAFETY: a plain system call.
    blocking(th, || unsafe { libc::sync() });
    Ok(Owned::none())
}

fn number(th: &mut Thread, v: i64) -> PyResult {
    Ok(th.new_int(v))
}

fn open(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = support::path(th, a[0], "open: path")?;
    let flags = c_int(th, a[1])? | libc::O_CLOEXEC;
    let mode = c_int_or(th, a.opt(2), 0o777)?;
    let dir = dir_fd(th, a.opt(3))?;
    // SAFETY: a C string that lives for the call.
    let fd = on_path(th, &path, || unsafe { libc::openat(dir, path.c.as_ptr(), flags, mode) })?;
    number(th, i64::from(fd))
}

fn close(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = c_int(th, a[0])?;
    // SAFETY: the caller's descriptor. After EINTR it is closed all the same.
    let (r, e) = blocking(th, || unsafe { (libc::close(fd), support::errno()) });
    if r < 0 && e != libc::EINTR { Err(os_error(th, e)) } else { Ok(Owned::none()) }
}

fn closerange(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (low, high) = (c_int(th, a[0])?.max(0), c_int(th, a[1])?);
    if high > low {
        // SAFETY: the caller's descriptors.
        blocking(th, || unsafe {
            if libc::syscall(libc::SYS_close_range, low, high - 1, 0) < 0 {
                for fd in low..high {
                    libc::close(fd);
                }
            }
        });
    }
    Ok(Owned::none())
}

fn length(th: &mut Thread, v: Borrowed<'_>) -> PyResult<usize> {
    let n = v.to_isize(th)?;
    if n < 0 {
        return Err(os_error(th, libc::EINVAL));
    }
    let n = (n as usize).min(0x7fff_f000);
    th.check_size(n)?;
    Ok(n)
}

fn read(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = c_int(th, a[0])?;
    let n = length(th, a[1])?;
    let mut buffer = vec![0; n];
    match fileio::read_fd(th, fd, &mut buffer)? {
        Some(got) => Ok(th.new_bytes(&buffer[..got])),
        None => Err(os_error(th, libc::EAGAIN)),
    }
}

fn readinto(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = c_int(th, a[0])?;
    let mut buffer = typhon_core::buffer::get_writable(th, a[1])?;
    match fileio::read_fd(th, fd, buffer.as_mut_slice())? {
        Some(n) => number(th, n as i64),
        None => Err(os_error(th, libc::EAGAIN)),
    }
}

fn write(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = c_int(th, a[0])?;
    let bytes = typhon_core::buffer::bytes_like(th, a[1])?;
    match fileio::write_fd(th, fd, &bytes)? {
        Some(n) => number(th, n as i64),
        None => Err(os_error(th, libc::EAGAIN)),
    }
}

fn big(th: &mut Thread, r: Result<isize, i32>) -> PyResult {
    match r {
        Ok(n) => number(th, n as i64),
        Err(e) => Err(os_error(th, e)),
    }
}

fn pread(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = c_int(th, a[0])?;
    let n = length(th, a[1])?;
    let at = a[2].to_i64(th)?;
    let mut buffer = vec![0u8; n];
    let p = buffer.as_mut_ptr() as usize;
    // SAFETY: a buffer of that length.
    match support::retry(th, || unsafe { libc::pread(fd, p as *mut libc::c_void, n, at) })? {
        Ok(got) => Ok(th.new_bytes(&buffer[..got as usize])),
        Err(e) => Err(os_error(th, e)),
    }
}

fn pwrite(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = c_int(th, a[0])?;
    let bytes = typhon_core::buffer::bytes_like(th, a[1])?;
    let at = a[2].to_i64(th)?;
    let (p, n) = (bytes.as_ptr() as usize, bytes.len());
    // SAFETY: bytes that are borrowed for the call.
    let r = support::retry(th, || unsafe { libc::pwrite(fd, p as *const libc::c_void, n, at) })?;
    big(th, r)
}

/// Buffers of an iterable as the system wants them.
fn vectors(
    th: &mut Thread,
    v: Borrowed<'_>,
    writable: bool,
) -> PyResult<(Vec<Owned>, Vec<typhon_core::buffer::Buffer>, Vec<[usize; 2]>)> {
    let items = v.to_vec(th)?;
    let (mut buffers, mut parts) = (Vec::new(), Vec::new());
    for item in &items {
        let b = if writable {
            typhon_core::buffer::get_writable(th, item.borrow())?
        } else {
            typhon_core::buffer::get(th, item.borrow())?
        };
        parts.push([b.ptr as usize, b.len]);
        buffers.push(b);
    }
    Ok((items, buffers, parts))
}

fn iovecs(parts: &[[usize; 2]]) -> Vec<libc::iovec> {
    parts.iter().map(|p| libc::iovec { iov_base: p[0] as *mut libc::c_void, iov_len: p[1] }).collect()
}

fn readv(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = c_int(th, a[0])?;
    let (_items, _buffers, parts) = vectors(th, a[1], true)?;
    // SAFETY: buffers that are lent for the call.
    let r = support::retry(th, || unsafe { libc::readv(fd, iovecs(&parts).as_ptr(), parts.len() as i32) })?;
    big(th, r)
}

fn writev(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = c_int(th, a[0])?;
    let (_items, _buffers, parts) = vectors(th, a[1], false)?;
    // SAFETY: as in `readv`.
    let r = support::retry(th, || unsafe { libc::writev(fd, iovecs(&parts).as_ptr(), parts.len() as i32) })?;
    big(th, r)
}

fn preadv(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = c_int(th, a[0])?;
    let (_items, _buffers, parts) = vectors(th, a[1], true)?;
    let (at, flags) = (a[2].to_i64(th)?, c_int_or(th, a.opt(3), 0)?);
    // SAFETY: as in `readv`.
    let r = support::retry(th, || unsafe {
        libc::preadv2(fd, iovecs(&parts).as_ptr(), parts.len() as i32, at, flags)
    })?;
    big(th, r)
}

fn pwritev(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = c_int(th, a[0])?;
    let (_items, _buffers, parts) = vectors(th, a[1], false)?;
    let (at, flags) = (a[2].to_i64(th)?, c_int_or(th, a.opt(3), 0)?);
    // SAFETY: as in `readv`.
    let r = support::retry(th, || unsafe {
        libc::pwritev2(fd, iovecs(&parts).as_ptr(), parts.len() as i32, at, flags)
    })?;
    big(th, r)
}

fn lseek(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (fd, at, whence) = (c_int(th, a[0])?, a[1].to_i64(th)?, c_int(th, a[2])?);
    let r = fileio::seek_fd(th, fd, at, whence)?;
    number(th, r)
}

fn dup(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = c_int(th, a[0])?;
    // SAFETY: a plain system call.
    let r = plain(th, || unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) })?;
    number(th, i64::from(r))
}

fn dup2(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (fd, to) = (c_int(th, a[0])?, c_int(th, a[1])?);
    if fd < 0 || to < 0 {
        return Err(os_error(th, libc::EBADF));
    }
    let inheritable = support::flag(th, a.opt(2), true)?;
    // SAFETY: plain system calls.
    plain(th, || unsafe {
        if inheritable || fd == to { libc::dup2(fd, to) } else { libc::dup3(fd, to, libc::O_CLOEXEC) }
    })?;
    if !inheritable && fd == to {
        set_cloexec(to, true);
    }
    number(th, i64::from(to))
}

/// Sets or clears FD_CLOEXEC; false with `errno` on failure.
pub(super) fn set_cloexec(fd: i32, on: bool) -> bool {
    // SAFETY: plain system calls.
    unsafe {
        let old = libc::fcntl(fd, libc::F_GETFD);
        if old < 0 {
            return false;
        }
        let new = if on { old | libc::FD_CLOEXEC } else { old & !libc::FD_CLOEXEC };
        old == new || libc::fcntl(fd, libc::F_SETFD, new) >= 0
    }
}

fn pipe_of(th: &mut Thread, flags: i32) -> PyResult {
    let mut fds = [0; 2];
    // SAFETY: room for two descriptors.
    if unsafe { libc::pipe2(fds.as_mut_ptr(), flags) } < 0 {
        return Err(support::last_os_error(th));
    }
    Ok(support::int_tuple(th, &[i64::from(fds[0]), i64::from(fds[1])]))
}

fn ftruncate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (fd, n) = (c_int(th, a[0])?, a[1].to_i64(th)?);
    // SAFETY: a plain system call.
    plain(th, || unsafe { libc::ftruncate(fd, n) })?;
    Ok(Owned::none())
}

fn positive_errno(th: &mut Thread, e: i32) -> PyResult {
    if e == 0 { Ok(Owned::none()) } else { Err(os_error(th, e)) }
}

fn posix_fallocate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (fd, at, n) = (c_int(th, a[0])?, a[1].to_i64(th)?, a[2].to_i64(th)?);
    // SAFETY: a plain system call.
    let e = blocking(th, || unsafe { libc::posix_fallocate(fd, at, n) });
    positive_errno(th, e)
}

fn posix_fadvise(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (fd, at, n, advice) = (c_int(th, a[0])?, a[1].to_i64(th)?, a[2].to_i64(th)?, c_int(th, a[3])?);
    // SAFETY: a plain system call.
    let e = blocking(th, || unsafe { libc::posix_fadvise(fd, at, n, advice) });
    positive_errno(th, e)
}

fn lockf(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (fd, command, n) = (c_int(th, a[0])?, c_int(th, a[1])?, a[2].to_i64(th)?);
    // SAFETY: a plain system call.
    plain(th, || unsafe { libc::lockf(fd, command, n) })?;
    Ok(Owned::none())
}

fn isatty(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = c_int(th, a[0])?;
    // SAFETY: a plain system call.
    Ok(Owned::bool(unsafe { libc::isatty(fd) } == 1))
}

fn get_inheritable(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = c_int(th, a[0])?;
    // SAFETY: a plain system call.
    let flags = plain(th, || unsafe { libc::fcntl(fd, libc::F_GETFD) })?;
    Ok(Owned::bool(flags & libc::FD_CLOEXEC == 0))
}

fn set_inheritable(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = c_int(th, a[0])?;
    let inheritable = a[1].truth(th)?;
    if set_cloexec(fd, !inheritable) { Ok(Owned::none()) } else { Err(support::last_os_error(th)) }
}

fn get_blocking(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = c_int(th, a[0])?;
    // SAFETY: a plain system call.
    let flags = plain(th, || unsafe { libc::fcntl(fd, libc::F_GETFL) })?;
    Ok(Owned::bool(flags & libc::O_NONBLOCK == 0))
}

fn set_blocking(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = c_int(th, a[0])?;
    let on = a[1].truth(th)?;
    // SAFETY: plain system calls.
    plain(th, || unsafe {
        let old = libc::fcntl(fd, libc::F_GETFL);
        let new = if on { old & !libc::O_NONBLOCK } else { old | libc::O_NONBLOCK };
        if old < 0 || old == new { old.min(0) } else { libc::fcntl(fd, libc::F_SETFL, new) }
    })?;
    Ok(Owned::none())
}

fn sendfile(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (out, input) = (c_int(th, a[0])?, c_int(th, a[1])?);
    let n = length(th, a[3])?;
    let mut at = match a[2].is_none() {
        true => None,
        false => Some(a[2].to_i64(th)?),
    };
    // SAFETY: plain system calls; the offset lives for the call.
    let r = support::retry(th, || unsafe {
        let p = at.as_mut().map_or(core::ptr::null_mut(), |at| at as *mut i64);
        libc::sendfile(out, input, p, n)
    })?;
    big(th, r)
}

fn offset(th: &mut Thread, v: Option<Borrowed<'_>>) -> PyResult<Option<i64>> {
    match v.filter(|v| !v.is_none()) {
        Some(v) => v.to_i64(th).map(Some),
        None => Ok(None),
    }
}

fn pointer(at: &mut Option<i64>) -> *mut i64 {
    at.as_mut().map_or(core::ptr::null_mut(), |p| p as *mut i64)
}

fn copy_file_range(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (src, dst) = (c_int(th, a[0])?, c_int(th, a[1])?);
    let n = a[2].to_isize(th)?;
    if n < 0 {
        return Err(th.value_error("negative value for 'count' not allowed"));
    }
    let (mut from, mut to) = (offset(th, a.opt(3))?, offset(th, a.opt(4))?);
    // SAFETY: plain system calls; the offsets live for the call.
    let r = support::retry(th, || unsafe {
        libc::copy_file_range(src, pointer(&mut from), dst, pointer(&mut to), n as usize, 0)
    })?;
    big(th, r)
}

fn splice(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (src, dst) = (c_int(th, a[0])?, c_int(th, a[1])?);
    let n = a[2].to_isize(th)?;
    if n < 0 {
        return Err(th.value_error("negative value for 'count' not allowed"));
    }
    let (mut from, mut to) = (offset(th, a.opt(3))?, offset(th, a.opt(4))?);
    let flags = c_int_or(th, a.opt(5), 0)?;
    // SAFETY: as in `copy_file_range`.
    let r = support::retry(th, || unsafe {
        libc::splice(src, pointer(&mut from), dst, pointer(&mut to), n as usize, flags as u32)
    })?;
    big(th, r)
}

fn eventfd(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let start = a[0].to_i64(th)?;
    let Ok(start) = u32::try_from(start) else {
        return Err(th.overflow_error("Python int too large to convert to C unsigned int"));
    };
    let flags = c_int_or(th, a.opt(1), libc::EFD_CLOEXEC)?;
    // SAFETY: a plain system call.
    let fd = plain(th, || unsafe { libc::eventfd(start, flags) })?;
    number(th, i64::from(fd))
}

fn eventfd_read(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = c_int(th, a[0])?;
    let mut buffer = [0; 8];
    match fileio::read_fd(th, fd, &mut buffer)? {
        Some(8) => Ok(th.new_uint(u64::from_ne_bytes(buffer))),
        _ => Err(os_error(th, libc::EAGAIN)),
    }
}

fn eventfd_write(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = c_int(th, a[0])?;
    let value = a[1].to_i64(th)? as u64;
    match fileio::write_fd(th, fd, &value.to_ne_bytes())? {
        Some(_) => Ok(Owned::none()),
        None => Err(os_error(th, libc::EAGAIN)),
    }
}

fn memfd_create(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let name = c_string(th, a[0])?;
    let flags = c_int_or(th, a.opt(1), libc::MFD_CLOEXEC as i32)?;
    // SAFETY: a C string that lives for the call.
    let fd = plain(th, || unsafe { libc::memfd_create(name.as_ptr(), flags as u32) })?;
    number(th, i64::from(fd))
}

fn pidfd_open(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let pid = c_int(th, a[0])?;
    let flags = c_int_or(th, a.opt(1), 0)?;
    // SAFETY: a system call on numbers.
    let fd = plain(th, || unsafe { libc::syscall(libc::SYS_pidfd_open, pid, flags) as i32 })?;
    number(th, i64::from(fd))
}
