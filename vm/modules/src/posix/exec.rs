//! Running other programs: `exec`, `posix_spawn`, `system`, and the process environment.

use std::ffi::CString;

use typhon_core::builtins::bytes::Bytes;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::{ArgsExt, Borrowed, NativeDef, Owned, PyResult, Thread};

use super::{c_string, c_strings, path_error, system_bytes};
use crate::support::{self, PathKind, blocking, flag, os_error};

pub const FUNCTIONS: &[NativeDef] = &[
    NativeDef::new(
        "execv",
        "($module, path, argv, /)",
        execv,
        "Execute an executable path with arguments, replacing current process.",
    ),
    NativeDef::new(
        "execve",
        "($module, /, path, argv, env)",
        execve,
        "Execute an executable path with arguments, replacing current process.",
    ),
    NativeDef::new(
        "posix_spawn",
        "($module, path, argv, env, /, *, file_actions=(), setpgroup=None, resetids=False, setsid=False, setsigmask=(), setsigdef=(), scheduler=None)",
        |th, a| spawn(th, a, false),
        "Execute the program specified by path in a new process.",
    ),
    NativeDef::new(
        "posix_spawnp",
        "($module, path, argv, env, /, *, file_actions=(), setpgroup=None, resetids=False, setsid=False, setsigmask=(), setsigdef=(), scheduler=None)",
        |th, a| spawn(th, a, true),
        "Execute the program specified by path in a new process.",
    ),
    NativeDef::new("system", "($module, /, command)", system, "Execute the command in a subshell."),
    NativeDef::new("putenv", "($module, name, value, /)", putenv, "Change or add an environment variable."),
    NativeDef::new("unsetenv", "($module, name, /)", unsetenv, "Delete an environment variable."),
    NativeDef::new(
        "_create_environ",
        "($module, /)",
        |th, _| super::environ(th),
        "Create the environment dictionary.",
    ),
    NativeDef::new(
        "strerror",
        "($module, code, /)",
        |th, a| {
            let e = support::c_int(th, a[0])?;
            Ok(th.new_str(&support::strerror(e)))
        },
        "Translate an error code to a message string.",
    ),
    NativeDef::new(
        "WCOREDUMP",
        "($module, status, /)",
        |th, a| {
            let s = support::c_int(th, a[0])?;
            Ok(Owned::bool(libc::WCOREDUMP(s)))
        },
        "",
    ),
];

/// Pointers to C strings with a null at the end. The strings must outlive the result.
pub fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|s| s.as_ptr()).chain([core::ptr::null()]).collect()
}

fn argv_of(th: &mut Thread, v: Borrowed<'_>, what: &str) -> PyResult<Vec<CString>> {
    let ok = v.downcast::<Tuple>().is_some() || v.downcast::<typhon_core::builtins::list::List>().is_some();
    if !ok {
        return Err(th.type_error(&format!("{what}: argv must be a tuple or list")));
    }
    let argv = c_strings(th, v)?;
    match argv.first() {
        None => Err(th.value_error(&format!("{what}: argv must not be empty"))),
        Some(first) if first.is_empty() => {
            Err(th.value_error(&format!("{what}: argv first element cannot be empty")))
        }
        Some(_) => Ok(argv),
    }
}

/// `NAME=value` strings of a mapping.
pub fn env_of(th: &mut Thread, v: Borrowed<'_>) -> PyResult<Vec<CString>> {
    let items = v.call_method_str(th, "items", &[])?;
    let mut out = Vec::new();
    for item in items.borrow().to_vec(th)? {
        let Some(pair) = item.downcast::<Tuple>().filter(|t| t.len() == 2) else {
            return Err(th.type_error("env.items() must give pairs"));
        };
        let (key, value) = (system_bytes(th, pair.get(0))?, system_bytes(th, pair.get(1))?);
        if key.is_empty() || key[1..].contains(&b'=') {
            return Err(th.value_error("illegal environment variable name"));
        }
        let mut text = key;
        text.push(b'=');
        text.extend_from_slice(&value);
        match CString::new(text) {
            Ok(c) => out.push(c),
            Err(_) => return Err(th.value_error("embedded null byte")),
        }
    }
    Ok(out)
}

fn execv(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = support::path(th, a[0], "execv: path")?;
    let argv = argv_of(th, a[1], "execv()")?;
    let argv = pointers(&argv);
    // SAFETY: C strings and a null-terminated list that live for the call.
    unsafe { libc::execv(path.c.as_ptr(), argv.as_ptr()) };
    Err(path_error(th, support::errno(), &path))
}

fn execve(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = support::path_arg(th, Some(a[0]), "execve: path", PathKind { fd: true, none: false })?;
    let argv = argv_of(th, a[1], "execve()")?;
    let env = env_of(th, a[2])?;
    let (argv, env) = (pointers(&argv), pointers(&env));
    // SAFETY: as in `execv`.
    unsafe {
        match path.fd {
            Some(fd) => libc::fexecve(fd, argv.as_ptr(), env.as_ptr()),
            None => libc::execve(path.c.as_ptr(), argv.as_ptr(), env.as_ptr()),
        }
    };
    Err(path_error(th, support::errno(), &path))
}

/// File actions of `posix_spawn`, freed at drop.
struct Actions(libc::posix_spawn_file_actions_t);

impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: initialised when it was made.
        unsafe { libc::posix_spawn_file_actions_destroy(&mut self.0) };
    }
}

/// Attributes of `posix_spawn`, freed at drop.
struct Attributes(libc::posix_spawnattr_t);

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: as in `Actions`.
        unsafe { libc::posix_spawnattr_destroy(&mut self.0) };
    }
}

fn file_actions(th: &mut Thread, v: Borrowed<'_>, kept: &mut Vec<CString>) -> PyResult<Actions> {
    // SAFETY: initialised by the call.
    let mut actions = unsafe {
        let mut raw = core::mem::zeroed();
        libc::posix_spawn_file_actions_init(&mut raw);
        Actions(raw)
    };
    for item in v.to_vec(th)? {
        let Some(t) = item.downcast::<Tuple>().filter(|t| !t.is_empty()) else {
            return Err(th.type_error("Each file_actions element must be a non-empty tuple"));
        };
        let kind = support::c_int(th, t.get(0))?;
        // SAFETY: initialised actions; the path is kept until the process is spawned.
        let e = unsafe {
            match (kind, t.len()) {
                (0, 5) => {
                    let fd = support::c_int(th, t.get(1))?;
                    let path = c_string(th, t.get(2))?;
                    let (flags, mode) = (support::c_int(th, t.get(3))?, support::c_int(th, t.get(4))?);
                    let p = path.as_ptr();
                    kept.push(path);
                    libc::posix_spawn_file_actions_addopen(&mut actions.0, fd, p, flags, mode as libc::mode_t)
                }
                (1, 2) => {
                    let fd = support::c_int(th, t.get(1))?;
                    libc::posix_spawn_file_actions_addclose(&mut actions.0, fd)
                }
                (2, 3) => {
                    let (fd, to) = (support::c_int(th, t.get(1))?, support::c_int(th, t.get(2))?);
                    libc::posix_spawn_file_actions_adddup2(&mut actions.0, fd, to)
                }
                (0..=2, _) => {
                    return Err(th.type_error("A file_actions tuple has the wrong number of elements"));
                }
                _ => return Err(th.type_error("Unknown file_actions identifier")),
            }
        };
        if e != 0 {
            return Err(os_error(th, e));
        }
    }
    Ok(actions)
}

fn signal_set(th: &mut Thread, v: Borrowed<'_>) -> PyResult<libc::sigset_t> {
    // SAFETY: initialised by the call.
    let mut set = unsafe {
        let mut set = core::mem::zeroed();
        libc::sigemptyset(&mut set);
        set
    };
    for item in v.to_vec(th)? {
        let n = support::c_int(th, item.borrow())?;
        // SAFETY: an initialised set; bad numbers are refused.
        if unsafe { libc::sigaddset(&mut set, n) } < 0 {
            return Err(th.value_error(&format!("signal number {n} out of range [1; 64]")));
        }
    }
    Ok(set)
}

fn spawn(th: &mut Thread, a: &[Borrowed<'_>], search: bool) -> PyResult {
    let what = if search { "posix_spawnp" } else { "posix_spawn" };
    let path = support::path(th, a[0], &format!("{what}: path"))?;
    let argv = argv_of(th, a[1], &format!("{what}()"))?;
    let env = if a[2].is_none() { environment() } else { env_of(th, a[2])? };
    let mut kept = Vec::new();
    let actions = match a.some(3) {
        Some(v) => Some(file_actions(th, v, &mut kept)?),
        None => None,
    };
    // SAFETY: initialised by the call.
    let mut attributes = unsafe {
        let mut raw = core::mem::zeroed();
        libc::posix_spawnattr_init(&mut raw);
        Attributes(raw)
    };
    let mut flags = 0;
    if let Some(g) = a.some(4) {
        let group = support::c_int(th, g)?;
        // SAFETY: initialised attributes (here and below).
        unsafe { libc::posix_spawnattr_setpgroup(&mut attributes.0, group) };
        flags |= libc::POSIX_SPAWN_SETPGROUP;
    }
    if flag(th, a.opt(5), false)? {
        flags |= libc::POSIX_SPAWN_RESETIDS;
    }
    if flag(th, a.opt(6), false)? {
        flags |= libc::POSIX_SPAWN_SETSID as i32;
    }
    if let Some(v) = a.some(7) {
        let set = signal_set(th, v)?;
        // SAFETY: as above.
        unsafe { libc::posix_spawnattr_setsigmask(&mut attributes.0, &set) };
        flags |= libc::POSIX_SPAWN_SETSIGMASK;
    }
    if let Some(v) = a.some(8) {
        let set = signal_set(th, v)?;
        // SAFETY: as above.
        unsafe { libc::posix_spawnattr_setsigdefault(&mut attributes.0, &set) };
        flags |= libc::POSIX_SPAWN_SETSIGDEF;
    }
    // SAFETY: as above.
    unsafe { libc::posix_spawnattr_setflags(&mut attributes.0, flags as libc::c_short) };
    let (argv, env) = (pointers(&argv), pointers(&env));
    let mut pid = 0;
    // SAFETY: C strings, null-terminated lists and initialised structures that live for the call.
    let e = unsafe {
        let actions = actions.as_ref().map_or(core::ptr::null(), |a| &raw const a.0);
        let f = if search { libc::posix_spawnp } else { libc::posix_spawn };
        f(&mut pid, path.c.as_ptr(), actions, &attributes.0, argv.as_ptr().cast(), env.as_ptr().cast())
    };
    if e != 0 {
        return Err(path_error(th, e, &path));
    }
    Ok(th.new_int(i64::from(pid)))
}

/// The process's own environment as C strings.
fn environment() -> Vec<CString> {
    use std::os::unix::ffi::OsStrExt;
    std::env::vars_os()
        .filter_map(|(k, v)| CString::new([k.as_bytes(), b"=", v.as_bytes()].concat()).ok())
        .collect()
}

fn system(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let command = c_string(th, a[0])?;
    // SAFETY: a C string that lives for the call.
    let r = blocking(th, || unsafe { libc::system(command.as_ptr()) });
    Ok(th.new_int(i64::from(r)))
}

fn name_bytes(th: &mut Thread, v: Borrowed<'_>) -> PyResult<Vec<u8>> {
    if let Some(b) = v.downcast::<Bytes>() {
        return Ok(b.as_bytes().to_vec());
    }
    system_bytes(th, v)
}

fn putenv(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let name = name_bytes(th, a[0])?;
    if name.is_empty() || name.contains(&b'=') {
        return Err(th.value_error("illegal environment variable name"));
    }
    let (name, value) = (c_string(th, a[0])?, c_string(th, a[1])?);
    // SAFETY: C strings. Changing the environment races with other threads that read it, as in any C program.
    if unsafe { libc::setenv(name.as_ptr(), value.as_ptr(), 1) } < 0 {
        return Err(support::last_os_error(th));
    }
    Ok(Owned::none())
}

fn unsetenv(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let name = c_string(th, a[0])?;
    // SAFETY: as in `putenv`.
    if unsafe { libc::unsetenv(name.as_ptr()) } < 0 {
        return Err(support::last_os_error(th));
    }
    Ok(Owned::none())
}
