//! `_posixshmem`: named memory that processes share.

use std::ffi::CString;

use typhon_core::builtins::str::Str;
use typhon_core::{ArgsExt, Borrowed, ModuleDef, NativeDef, Owned, PyResult, Thread};

use crate::support::{self, last_os_error};

pub static MODULE: ModuleDef = ModuleDef {
    name: "_posixshmem",
    doc: "POSIX shared memory module",
    functions: &[
        NativeDef::new(
            "shm_open",
            "($module, /, path, flags, mode=511)",
            shm_open,
            "Open a shared memory object.  Returns a file descriptor (integer).",
        ),
        NativeDef::new(
            "shm_unlink",
            "($module, /, path)",
            shm_unlink,
            "Remove a shared memory object (similar to unlink()).",
        ),
    ],
    types: &[],
    setup: None,
};

fn name(th: &mut Thread, o: Borrowed<'_>) -> PyResult<CString> {
    let Some(s) = o.downcast::<Str>() else {
        let msg = format!("path must be str, not {}", o.type_name(th));
        return Err(th.type_error(&msg));
    };
    CString::new(s.to_text()).map_err(|_| th.value_error("embedded null character"))
}

fn shm_open(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = name(th, a[0])?;
    let (flags, mode) = (support::c_int(th, a[1])?, support::c_int_or(th, a.opt(2), 0o777)?);
    let opened = support::retry(th, || {
        // SAFETY: a C string.
        unsafe { libc::shm_open(path.as_ptr(), flags | libc::O_CLOEXEC, mode as libc::mode_t) }
    })?;
    match opened {
        Ok(fd) => Ok(th.new_int(i64::from(fd))),
        Err(e) => Err(support::os_error_path(th, e, a[0])),
    }
}

fn shm_unlink(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = name(th, a[0])?;
    // SAFETY: a C string.
    if unsafe { libc::shm_unlink(path.as_ptr()) } < 0 {
        return Err(last_os_error(th));
    }
    Ok(Owned::none())
}
