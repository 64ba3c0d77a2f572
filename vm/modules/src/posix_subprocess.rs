//! `_posixsubprocess`: starting a program in a child process.

use std::ffi::CString;

use typhon_core::builtins::tuple::Tuple;
use typhon_core::{Args, Borrowed, ModuleDef, NativeDef, PyResult, Thread};

use crate::support::{self, last_os_error};

pub static MODULE: ModuleDef = ModuleDef {
    name: "_posixsubprocess",
    doc: "A POSIX helper for the subprocess module.",
    functions: &[NativeDef::raw(
        "fork_exec",
        "($module, args, executable_list, close_fds, pass_fds, cwd, env, p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite, errpipe_read, errpipe_write, restore_signals, call_setsid, pgid_to_set, gid, extra_groups, uid, child_umask, preexec_fn, /)",
        fork_exec,
        "Spawn a fresh new child process.\n\nFork a child process, close parent file descriptors as appropriate in the\nchild and duplicate the few that are needed before calling exec() in the\nchild process.",
    )],
    types: &[],
    setup: None,
};

/// Everything the child needs, made before the fork: it must not allocate.
struct Plan {
    argv: Option<Vec<CString>>,
    executables: Vec<CString>,
    env: Option<Vec<CString>>,
    cwd: Option<CString>,
    keep: Vec<i32>,
    close_fds: bool,
    p2cread: i32,
    p2cwrite: i32,
    c2pread: i32,
    c2pwrite: i32,
    errread: i32,
    errwrite: i32,
    errpipe_read: i32,
    errpipe_write: i32,
    restore_signals: bool,
    setsid: bool,
    pgid: i32,
    gid: Option<u32>,
    groups: Option<Vec<u32>>,
    uid: Option<u32>,
    umask: i32,
}

fn strings(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Vec<CString>> {
    let mut out = Vec::new();
    for v in o.to_vec(th)? {
        let p = support::path(th, v.borrow(), "fork_exec")?;
        out.push(p.c);
    }
    Ok(out)
}

fn optional_id(th: &mut Thread, o: Borrowed<'_>, what: &str) -> PyResult<Option<u32>> {
    if o.is_none() { Ok(None) } else { support::c_id(th, o, what).map(Some) }
}

fn fork_exec(th: &mut Thread, args: Args<'_>) -> PyResult {
    let a = args.pos();
    // Older callers pass a flag for vfork at the end.
    if !(22..=23).contains(&a.len()) {
        let msg = format!("fork_exec expected 22 arguments, got {}", a.len());
        return Err(th.type_error(&msg));
    }
    let int = |th: &mut Thread, i: usize| support::c_int(th, a[i]);
    let argv = if a[0].is_none() { None } else { Some(strings(th, a[0])?) };
    let mut keep = Vec::new();
    if a[3].downcast::<Tuple>().is_none() {
        return Err(th.type_error("fork_exec() argument 4 must be tuple"));
    }
    for fd in a[3].to_vec(th)? {
        let fd = support::c_int(th, fd.borrow())?;
        if fd < 0 || keep.last().is_some_and(|last| *last >= fd) {
            return Err(th.value_error("bad value(s) in fds_to_keep"));
        }
        keep.push(fd);
    }
    let groups = if a[18].is_none() {
        None
    } else {
        let mut out = Vec::new();
        for g in a[18].to_vec(th)? {
            out.push(support::c_id(th, g.borrow(), "group")?);
        }
        Some(out)
    };
    let plan = Plan {
        argv,
        executables: strings(th, a[1])?,
        env: if a[5].is_none() { None } else { Some(strings(th, a[5])?) },
        cwd: if a[4].is_none() { None } else { Some(support::path(th, a[4], "cwd")?.c) },
        keep,
        close_fds: a[2].truth(th)?,
        p2cread: int(th, 6)?,
        p2cwrite: int(th, 7)?,
        c2pread: int(th, 8)?,
        c2pwrite: int(th, 9)?,
        errread: int(th, 10)?,
        errwrite: int(th, 11)?,
        errpipe_read: int(th, 12)?,
        errpipe_write: int(th, 13)?,
        restore_signals: a[14].truth(th)?,
        setsid: a[15].truth(th)?,
        pgid: int(th, 16)?,
        gid: optional_id(th, a[17], "gid")?,
        groups,
        uid: optional_id(th, a[19], "uid")?,
        umask: int(th, 20)?,
    };
    let preexec = a[21];
    let pointers = |list: &[CString]| -> Vec<*const libc::c_char> {
        list.iter().map(|s| s.as_ptr()).chain([core::ptr::null()]).collect()
    };
    let argv = plan.argv.as_deref().map(pointers);
    let env = plan.env.as_deref().map(pointers);
    if !preexec.is_none() {
        // Python code runs in the child, so it must be a whole interpreter.
        let pid = crate::posix::fork_interpreter(th)?;
        if pid == 0 {
            // SAFETY: the child of a fork.
            unsafe { child(&plan, argv.as_deref(), env.as_deref(), &mut || preexec.call(th, &[]).is_ok()) }
        }
        return Ok(th.new_int(i64::from(pid)));
    }
    // SAFETY: the child only makes system calls on what was prepared here, then becomes another program.
    let pid = unsafe { libc::fork() };
    match pid {
        0 => {
            // SAFETY: as above.
            unsafe { child(&plan, argv.as_deref(), env.as_deref(), &mut || true) }
        }
        -1 => Err(last_os_error(th)),
        _ => Ok(th.new_int(i64::from(pid))),
    }
}

/// The child: never returns. Reports a failure through the pipe, as `subprocess` expects it.
///
/// # Safety
/// Called in the child of a fork.
unsafe fn child(
    plan: &Plan,
    argv: Option<&[*const libc::c_char]>,
    env: Option<&[*const libc::c_char]>,
    preexec: &mut dyn FnMut() -> bool,
) -> ! {
    // SAFETY: system calls on plain numbers and on memory that the plan keeps.
    unsafe {
        let mut stage: &[u8] = b"";
        if prepare(plan, &mut stage).is_some() {
            if !preexec() {
                report(plan.errpipe_write, None, b"Exception occurred in preexec_fn.");
            }
            if plan.close_fds {
                close_others(plan);
            }
            for exe in &plan.executables {
                let alone = [exe.as_ptr(), core::ptr::null()];
                let argv = argv.unwrap_or(&alone).as_ptr();
                match env {
                    Some(env) => libc::execve(exe.as_ptr(), argv, env.as_ptr()),
                    None => libc::execv(exe.as_ptr(), argv),
                };
                if !matches!(support::errno(), libc::ENOENT | libc::ENOTDIR) {
                    break;
                }
            }
        }
        report(plan.errpipe_write, Some(support::errno()), stage)
    }
}

/// Writes what `subprocess` reads as "class:hex errno:message", and ends the child.
unsafe fn report(pipe: i32, errno: Option<i32>, message: &[u8]) -> ! {
    // SAFETY: plain system calls.
    unsafe {
        let put = |bytes: &[u8]| {
            let _ = libc::write(pipe, bytes.as_ptr().cast(), bytes.len());
        };
        match errno {
            Some(e) => {
                put(b"OSError:");
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                let (mut digits, mut n, mut e) = ([0u8; 8], 0, e as u32);
                while e != 0 {
                    n += 1;
                    digits[8 - n] = HEX[(e & 15) as usize];
                    e >>= 4;
                }
                put(&digits[8 - n..]);
                put(b":");
                put(message);
            }
            None => {
                put(b"SubprocessError:0:");
                put(message);
            }
        }
        libc::_exit(255)
    }
}

/// Descriptors, folder, identity. `None`: a call failed; `errno` tells why.
unsafe fn prepare(plan: &Plan, stage: &mut &'static [u8]) -> Option<()> {
    let ok = |r: i32| if r < 0 { None } else { Some(()) };
    // SAFETY: plain system calls.
    unsafe {
        for fd in [plan.p2cwrite, plan.c2pread, plan.errread, plan.errpipe_read] {
            if fd > 2 {
                libc::close(fd);
            }
        }
        // Descriptors in the range of the standard ones would be overwritten before they are used.
        let (mut out, mut err) = (plan.c2pwrite, plan.errwrite);
        if out == 0 {
            out = libc::dup(out);
            ok(out)?;
        }
        while (0..=1).contains(&err) {
            err = libc::dup(err);
            ok(err)?;
        }
        let place = |from: i32, to: i32| -> Option<()> {
            if from == to {
                let flags = libc::fcntl(to, libc::F_GETFD);
                ok(libc::fcntl(to, libc::F_SETFD, flags & !libc::FD_CLOEXEC))
            } else if from >= 0 {
                ok(libc::dup2(from, to))
            } else {
                Some(())
            }
        };
        place(plan.p2cread, 0)?;
        place(out, 1)?;
        place(err, 2)?;
        for &fd in &plan.keep {
            if fd != plan.errpipe_write {
                let flags = libc::fcntl(fd, libc::F_GETFD);
                ok(flags)?;
                ok(libc::fcntl(fd, libc::F_SETFD, flags & !libc::FD_CLOEXEC))?;
            }
        }
        if let Some(dir) = &plan.cwd
            && libc::chdir(dir.as_ptr()) < 0
        {
            *stage = b"noexec:chdir";
            return None;
        }
        if plan.umask >= 0 {
            libc::umask(plan.umask as libc::mode_t);
        }
        if plan.restore_signals {
            for s in [libc::SIGPIPE, libc::SIGXFSZ] {
                libc::signal(s, libc::SIG_DFL);
            }
        }
        *stage = b"noexec";
        if plan.setsid {
            ok(libc::setsid())?;
        }
        if plan.pgid >= 0 {
            ok(libc::setpgid(0, plan.pgid))?;
        }
        if let Some(groups) = &plan.groups {
            ok(libc::setgroups(groups.len(), groups.as_ptr()))?;
        }
        if let Some(gid) = plan.gid {
            ok(libc::setregid(gid, gid))?;
        }
        if let Some(uid) = plan.uid {
            ok(libc::setreuid(uid, uid))?;
        }
        *stage = b"";
        Some(())
    }
}

unsafe fn close_others(plan: &Plan) {
    let mut from = 3;
    let keep = |fd: i32| plan.keep.binary_search(&fd).is_ok();
    // SAFETY: plain system calls.
    unsafe {
        for &k in &plan.keep {
            if k > from {
                libc::syscall(libc::SYS_close_range, from, k - 1, 0);
            }
            from = from.max(k + 1);
        }
        if libc::syscall(libc::SYS_close_range, from, i32::MAX, 0) < 0 {
            for fd in 3..4096 {
                if !keep(fd) {
                    libc::close(fd);
                }
            }
        }
    }
}
