//! `fcntl`: control of descriptors.

use typhon_core::buffer;
use typhon_core::builtins::str::Str;
use typhon_core::{ArgsExt, Borrowed, ModuleDef, NativeDef, Owned, PyResult, Thread};

use crate::support::{self, c_int, fileno, os_error};

pub static MODULE: ModuleDef = ModuleDef {
    name: "fcntl",
    doc: "This module performs file control and I/O control on file\ndescriptors.",
    functions: &[
        NativeDef::new(
            "fcntl",
            "($module, fd, cmd, arg=0, /)",
            fcntl,
            "Perform the operation `cmd` on file descriptor fd.",
        ),
        NativeDef::new(
            "ioctl",
            "($module, fd, request, arg=0, mutate_flag=True, /)",
            ioctl,
            "Perform the operation request on file descriptor fd.",
        ),
        NativeDef::new(
            "flock",
            "($module, fd, operation, /)",
            flock,
            "Perform the lock operation `operation` on file descriptor `fd`.",
        ),
        NativeDef::new(
            "lockf",
            "($module, fd, cmd, len=0, start=0, whence=0, /)",
            lockf,
            "A wrapper around the fcntl() locking calls.",
        ),
    ],
    types: &[],
    setup: Some(setup),
};

fn setup(th: &mut Thread, m: Borrowed<'_>) -> PyResult<()> {
    crate::add_libc!(th, m; LOCK_SH, LOCK_EX, LOCK_NB, LOCK_UN, F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL,
        F_SETFL, F_GETLK, F_SETLK, F_SETLKW, F_GETOWN, F_SETOWN, F_RDLCK, F_WRLCK, F_UNLCK, FD_CLOEXEC, F_GETPIPE_SZ,
        F_SETPIPE_SZ, F_ADD_SEALS, F_GET_SEALS, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE, FIONREAD, FIOCLEX);
    Ok(())
}

/// Largest structure that a call may read or write.
const ROOM: usize = 1024;

/// A structure argument in a buffer of its own; `None`: a number.
fn structure(th: &mut Thread, o: Borrowed<'_>, what: &str) -> PyResult<Option<(Vec<u8>, usize)>> {
    let data = if let Some(s) = o.downcast::<Str>() {
        s.to_text().into_bytes()
    } else if buffer::bytes_like_opt(th, o)?.is_some() {
        buffer::bytes_like(th, o)?.to_vec()
    } else {
        return Ok(None);
    };
    if data.len() > ROOM {
        return Err(th.value_error(&format!("{what} argument 3 is too long")));
    }
    let n = data.len();
    let mut room = data;
    room.resize(ROOM, 0);
    Ok(Some((room, n)))
}

fn fcntl(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (fd, cmd) = (fileno(th, a[0])?, c_int(th, a[1])?);
    let zero = th.new_int(0);
    let arg = a.opt(2).unwrap_or(zero.borrow());
    if let Some((mut room, n)) = structure(th, arg, "fcntl")? {
        let at = room.as_mut_ptr() as usize;
        // SAFETY: room for any structure that the system's commands know.
        return match support::retry(th, || unsafe { libc::fcntl(fd, cmd, at as *mut u8) })? {
            Ok(_) => Ok(th.new_bytes(&room[..n])),
            Err(e) => Err(os_error(th, e)),
        };
    }
    let arg = arg.to_i64(th)? as i32;
    // SAFETY: a number argument.
    match support::retry(th, || unsafe { libc::fcntl(fd, cmd, arg) })? {
        Ok(r) => Ok(th.new_int(i64::from(r))),
        Err(e) => Err(os_error(th, e)),
    }
}

fn ioctl(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = fileno(th, a[0])?;
    let request = a[1].to_i64(th)? as libc::c_ulong;
    let mutate = support::flag(th, a.opt(3), true)?;
    let zero = th.new_int(0);
    let arg = a.opt(2).unwrap_or(zero.borrow());
    if arg.as_int().is_some() {
        let arg = arg.to_i64(th)? as libc::c_ulong;
        // SAFETY: a number argument.
        return match support::retry(th, || unsafe { libc::ioctl(fd, request, arg) })? {
            Ok(r) => Ok(th.new_int(i64::from(r))),
            Err(e) => Err(os_error(th, e)),
        };
    }
    let Some((mut room, n)) = structure(th, arg, "ioctl")? else {
        return Err(th.type_error("ioctl() argument 3 must be an integer, a bytes-like object or a string"));
    };
    let at = room.as_mut_ptr() as usize;
    // SAFETY: room for any structure that the system's requests know.
    match support::retry(th, || unsafe { libc::ioctl(fd, request, at as *mut u8) })? {
        Err(e) => Err(os_error(th, e)),
        Ok(r) => {
            let target = if arg.downcast::<Str>().is_none() && mutate {
                let flags = typhon_core::slots::BufferFlags { writable: true };
                let got = buffer::get_opt(th, arg, flags);
                th.absorb(got, &typhon_core::builtins::exceptions::BUFFER_ERROR)?.flatten()
            } else {
                None
            };
            match target {
                Some(mut b) if !b.readonly => {
                    b.as_mut_slice()[..n].copy_from_slice(&room[..n]);
                    Ok(th.new_int(i64::from(r)))
                }
                _ => Ok(th.new_bytes(&room[..n])),
            }
        }
    }
}

fn flock(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (fd, op) = (fileno(th, a[0])?, c_int(th, a[1])?);
    // SAFETY: a plain call.
    match support::retry(th, || unsafe { libc::flock(fd, op) })? {
        Ok(_) => Ok(Owned::none()),
        Err(e) => Err(os_error(th, e)),
    }
}

fn lockf(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (fd, op) = (fileno(th, a[0])?, c_int(th, a[1])?);
    let kind = match op & !libc::LOCK_NB {
        libc::LOCK_UN => libc::F_UNLCK,
        libc::LOCK_SH => libc::F_RDLCK,
        libc::LOCK_EX => libc::F_WRLCK,
        _ => return Err(th.value_error("unrecognized lockf argument")),
    };
    let number = |th: &mut Thread, i: usize| match a.opt(i) {
        Some(v) => v.to_i64(th),
        None => Ok(0),
    };
    // SAFETY: all zero is a valid structure.
    let mut l: libc::flock = unsafe { core::mem::zeroed() };
    l.l_type = kind as libc::c_short;
    l.l_len = number(th, 2)?;
    l.l_start = number(th, 3)?;
    l.l_whence = number(th, 4)? as libc::c_short;
    let cmd = if op & libc::LOCK_NB != 0 { libc::F_SETLK } else { libc::F_SETLKW };
    let at = &raw const l as usize;
    // SAFETY: a lock to read.
    match support::retry(th, || unsafe { libc::fcntl(fd, cmd, at as *const libc::flock) })? {
        Ok(_) => Ok(Owned::none()),
        Err(e) => Err(os_error(th, e)),
    }
}
