//! `posix`: the system interface that `os` is built on.

mod constants;
mod descriptor;
mod directory;
mod exec;
mod files;
mod fork;
mod identity;
mod machine;
mod metadata;
mod schedule;
mod terminal;
mod wait;

use typhon_core::builtins::bytes::Bytes;
use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::str::Str;
use typhon_core::{Borrowed, ModuleDef, NativeDef, Owned, PyResult, Thread};

use crate::support::{self, ModuleExt, PathArg};

pub use fork::{fork_interpreter, run_after_fork_child};

/// All functions, file by file.
const FUNCTIONS: [NativeDef; TOTAL] = {
    let lists: [&[NativeDef]; 11] = [
        descriptor::FUNCTIONS,
        directory::FUNCTIONS,
        exec::FUNCTIONS,
        files::FUNCTIONS,
        fork::FUNCTIONS,
        identity::FUNCTIONS,
        machine::FUNCTIONS,
        metadata::FUNCTIONS,
        schedule::FUNCTIONS,
        terminal::FUNCTIONS,
        wait::FUNCTIONS,
    ];
    let mut out = [descriptor::FUNCTIONS[0]; TOTAL];
    let (mut at, mut list) = (0, 0);
    while list < lists.len() {
        let mut i = 0;
        while i < lists[list].len() {
            out[at] = lists[list][i];
            at += 1;
            i += 1;
        }
        list += 1;
    }
    out
};

const TOTAL: usize = descriptor::FUNCTIONS.len()
    + directory::FUNCTIONS.len()
    + exec::FUNCTIONS.len()
    + files::FUNCTIONS.len()
    + fork::FUNCTIONS.len()
    + identity::FUNCTIONS.len()
    + machine::FUNCTIONS.len()
    + metadata::FUNCTIONS.len()
    + schedule::FUNCTIONS.len()
    + terminal::FUNCTIONS.len()
    + wait::FUNCTIONS.len();

pub static MODULE: ModuleDef = ModuleDef {
    name: "posix",
    doc: "This module provides access to operating system functionality that is\nstandardized by the C Standard and the POSIX standard (a thinly\ndisguised Unix interface).  Refer to the library manual and\ncorresponding Unix manual entries for more information on calls.",
    functions: &FUNCTIONS,
    types: &[&directory::DIR_ENTRY, &directory::SCANDIR_ITERATOR],
    setup: Some(setup),
};

/// What `os.supports_dir_fd` and its siblings are made from.
const HAVE: &[&str] = &[
    "HAVE_FACCESSAT",
    "HAVE_FCHDIR",
    "HAVE_FCHMOD",
    "HAVE_FCHMODAT",
    "HAVE_FCHOWN",
    "HAVE_FCHOWNAT",
    "HAVE_FEXECVE",
    "HAVE_FDOPENDIR",
    "HAVE_FPATHCONF",
    "HAVE_FSTATAT",
    "HAVE_FSTATVFS",
    "HAVE_FTRUNCATE",
    "HAVE_FUTIMENS",
    "HAVE_LINKAT",
    "HAVE_LCHOWN",
    "HAVE_LSTAT",
    "HAVE_LUTIMES",
    "HAVE_MEMFD_CREATE",
    "HAVE_MKDIRAT",
    "HAVE_MKFIFOAT",
    "HAVE_MKNODAT",
    "HAVE_OPENAT",
    "HAVE_READLINKAT",
    "HAVE_RENAMEAT",
    "HAVE_SYMLINKAT",
    "HAVE_UNLINKAT",
    "HAVE_UTIMENSAT",
];

fn setup(th: &mut Thread, m: Borrowed<'_>) -> PyResult<()> {
    constants::add(th, m)?;
    let names = HAVE.iter().map(|n| th.intern(n)).collect();
    let names = th.new_list(names);
    m.add(th, "_have_functions", names)?;
    let environ = environ(th)?;
    m.add(th, "environ", environ)?;
    let error = support::builtin(th, "OSError");
    m.add(th, "error", error)?;
    for (name, ty) in [
        ("stat_result", metadata::stat_result(th)?),
        ("statvfs_result", metadata::statvfs_result(th)?),
        ("terminal_size", terminal::terminal_size(th)?),
        ("times_result", machine::times_result(th)?),
        ("uname_result", machine::uname_result(th)?),
        ("sched_param", schedule::sched_param(th)?),
        ("waitid_result", wait::waitid_result(th)?),
    ] {
        m.add(th, name, ty.as_value().to_owned())?;
    }
    let tables = [
        ("sysconf_names", constants::SYSCONF),
        ("pathconf_names", constants::PATHCONF),
        ("confstr_names", constants::CONFSTR),
    ];
    for (name, table) in tables {
        let d = th.new_dict();
        for &(key, value) in table {
            let (key, value) = (th.intern(key), th.new_int(i64::from(value)));
            d.payload::<Dict>().set(th, key.borrow(), value)?;
        }
        m.add(th, name, d)?;
    }
    Ok(())
}

/// The environment as a dict of bytes.
fn environ(th: &mut Thread) -> PyResult {
    use std::os::unix::ffi::OsStrExt;
    let d = th.new_dict();
    for (key, value) in std::env::vars_os() {
        let (key, value) = (th.new_bytes(key.as_bytes()), th.new_bytes(value.as_bytes()));
        if d.payload::<Dict>().get(th, key.borrow())?.is_none() {
            d.payload::<Dict>().set(th, key.borrow(), value)?;
        }
    }
    Ok(d)
}

/// A `dir_fd` argument: `AT_FDCWD` when it is not given.
fn dir_fd(th: &mut Thread, arg: Option<Borrowed<'_>>) -> PyResult<i32> {
    match arg.filter(|a| !a.is_none()) {
        Some(a) => {
            if !typhon_core::number::is_index(a) {
                let msg = format!("argument should be integer or None, not {}", a.type_name(th));
                return Err(th.type_error(&msg));
            }
            support::fd_number(th, a)
        }
        None => Ok(libc::AT_FDCWD),
    }
}

/// Runs a system call on a path; raises the OSError with the path.
fn on_path(th: &mut Thread, path: &PathArg, call: impl FnMut() -> i32) -> PyResult<i32> {
    match support::retry(th, call)? {
        Ok(r) => Ok(r),
        Err(e) => Err(path_error(th, e, path)),
    }
}

/// Runs a system call without a path.
fn plain(th: &mut Thread, call: impl FnMut() -> i32) -> PyResult<i32> {
    match support::retry(th, call)? {
        Ok(r) => Ok(r),
        Err(e) => Err(support::os_error(th, e)),
    }
}

#[cold]
fn path_error(th: &mut Thread, number: i32, path: &PathArg) -> typhon_core::Raised {
    let shown = match path.fd {
        Some(_) => None,
        None => Some(path.object.borrow()).filter(|o| !o.is_none()),
    };
    support::os_error_with(th, number, shown, None)
}

/// Bytes of an argument that is str (encoded for the system) or bytes.
fn system_bytes(th: &mut Thread, v: Borrowed<'_>) -> PyResult<Vec<u8>> {
    if let Some(b) = v.downcast::<Bytes>() {
        return Ok(b.as_bytes().to_vec());
    }
    if v.downcast::<Str>().is_some() {
        return support::fs_bytes(th, v);
    }
    match support::fspath_opt(th, v)? {
        Some(p) => system_bytes(th, p.borrow()),
        None => {
            let msg = format!("expected str, bytes or os.PathLike object, not {}", v.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

/// As [`system_bytes`], for C. Errors: ValueError at a NUL.
fn c_string(th: &mut Thread, v: Borrowed<'_>) -> PyResult<std::ffi::CString> {
    let bytes = system_bytes(th, v)?;
    match std::ffi::CString::new(bytes) {
        Ok(c) => Ok(c),
        Err(_) => Err(th.value_error("embedded null byte")),
    }
}

/// A list of C strings from a sequence or iterable.
fn c_strings(th: &mut Thread, v: Borrowed<'_>) -> PyResult<Vec<std::ffi::CString>> {
    let items: Vec<Owned> = v.to_vec(th)?;
    let mut out = Vec::with_capacity(items.len());
    for item in &items {
        out.push(c_string(th, item.borrow())?);
    }
    Ok(out)
}
