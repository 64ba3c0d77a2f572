//! Children and signals: waiting, statuses, `kill`.

use typhon_core::builtins::struct_sequence::{self, StructSequence};
use typhon_core::{Borrowed, NativeDef, Owned, PyResult, Thread, Type};

use super::plain;
use crate::support::{self, c_int, os_error};

pub const FUNCTIONS: &[NativeDef] = &[
    NativeDef::new(
        "wait",
        "($module, /)",
        |th, _| wait_for(th, -1, 0, false),
        "Wait for completion of a child process.",
    ),
    NativeDef::new(
        "waitpid",
        "($module, pid, options, /)",
        |th, a| {
            let (p, o) = (c_int(th, a[0])?, c_int(th, a[1])?);
            wait_for(th, p, o, false)
        },
        "Wait for completion of a given child process.",
    ),
    NativeDef::new(
        "wait3",
        "($module, /, options)",
        |th, a| {
            let o = c_int(th, a[0])?;
            wait_for(th, -1, o, true)
        },
        "Wait for completion of a child process.",
    ),
    NativeDef::new(
        "wait4",
        "($module, /, pid, options)",
        |th, a| {
            let (p, o) = (c_int(th, a[0])?, c_int(th, a[1])?);
            wait_for(th, p, o, true)
        },
        "Wait for completion of a specific child process.",
    ),
    NativeDef::new(
        "waitid",
        "($module, idtype, id, options, /)",
        waitid,
        "Returns the result of waiting for a process or processes.",
    ),
    NativeDef::new(
        "waitstatus_to_exitcode",
        "($module, /, status)",
        waitstatus_to_exitcode,
        "Convert a wait status to an exit code.",
    ),
    NativeDef::new(
        "WIFCONTINUED",
        "($module, /, status)",
        |th, a| status(th, a, |s| i64::from(libc::WIFCONTINUED(s)), true),
        "",
    ),
    NativeDef::new(
        "WIFSTOPPED",
        "($module, /, status)",
        |th, a| status(th, a, |s| i64::from(libc::WIFSTOPPED(s)), true),
        "",
    ),
    NativeDef::new(
        "WIFSIGNALED",
        "($module, /, status)",
        |th, a| status(th, a, |s| i64::from(libc::WIFSIGNALED(s)), true),
        "",
    ),
    NativeDef::new(
        "WIFEXITED",
        "($module, /, status)",
        |th, a| status(th, a, |s| i64::from(libc::WIFEXITED(s)), true),
        "",
    ),
    NativeDef::new(
        "WEXITSTATUS",
        "($module, /, status)",
        |th, a| status(th, a, |s| i64::from(libc::WEXITSTATUS(s)), false),
        "",
    ),
    NativeDef::new(
        "WTERMSIG",
        "($module, /, status)",
        |th, a| status(th, a, |s| i64::from(libc::WTERMSIG(s)), false),
        "",
    ),
    NativeDef::new(
        "WSTOPSIG",
        "($module, /, status)",
        |th, a| status(th, a, |s| i64::from(libc::WSTOPSIG(s)), false),
        "",
    ),
    NativeDef::new("kill", "($module, pid, signal, /)", kill, "Kill a process with a signal."),
    NativeDef::new("killpg", "($module, pgid, signal, /)", killpg, "Kill a process group with a signal."),
];

static WAITID_RESULT: StructSequence = StructSequence {
    name: "posix.waitid_result",
    doc: "waitid_result: Result from waitid.",
    fields: &["si_pid", "si_uid", "si_signo", "si_status", "si_code"],
    n_visible: 5,
    constructible: true,
};

pub fn waitid_result(th: &mut Thread) -> PyResult<&'static Type> {
    struct_sequence::register(th, &WAITID_RESULT)
}

fn wait_for(th: &mut Thread, pid: i32, options: i32, usage: bool) -> PyResult {
    let mut state = 0;
    // SAFETY: all-zero is a valid rusage, which the call fills.
    let mut ru: libc::rusage = unsafe { core::mem::zeroed() };
    let (s, r) = (&raw mut state as usize, &raw mut ru as usize);
    // SAFETY: both outlive the call.
    let done = plain(th, || unsafe { libc::wait4(pid, s as *mut i32, options, r as *mut libc::rusage) })?;
    let mut items = vec![th.new_int(i64::from(done)), th.new_int(i64::from(state))];
    if usage {
        items.insert(1, th.new_int(i64::from(state)));
        items.pop();
        items.push(crate::resource::from_rusage(th, &ru)?);
    }
    Ok(th.new_tuple(items))
}

fn waitid(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (kind, id, options) = (c_int(th, a[0])?, c_int(th, a[1])?, c_int(th, a[2])?);
    // SAFETY: all-zero is a valid siginfo, which the call fills.
    let mut info: libc::siginfo_t = unsafe { core::mem::zeroed() };
    let p = &raw mut info as usize;
    // SAFETY: it outlives the call.
    plain(th, || unsafe {
        libc::waitid(kind as libc::idtype_t, id as libc::id_t, p as *mut libc::siginfo_t, options)
    })?;
    // SAFETY: the fields that waitid fills.
    let (pid, uid, status) = unsafe { (info.si_pid(), info.si_uid(), info.si_status()) };
    if pid == 0 {
        return Ok(Owned::none());
    }
    let fields = [
        i64::from(pid),
        i64::from(uid),
        i64::from(info.si_signo),
        i64::from(status),
        i64::from(info.si_code),
    ];
    let fields = fields.iter().map(|&v| th.new_int(v)).collect();
    let ty = waitid_result(th)?;
    Ok(struct_sequence::new_instance(th, ty, fields))
}

fn status(th: &mut Thread, a: &[Borrowed<'_>], f: fn(i32) -> i64, truth: bool) -> PyResult {
    let v = f(c_int(th, a[0])?);
    Ok(if truth { Owned::bool(v != 0) } else { th.new_int(v) })
}

fn waitstatus_to_exitcode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let s = c_int(th, a[0])?;
    if libc::WIFEXITED(s) {
        return Ok(th.new_int(i64::from(libc::WEXITSTATUS(s))));
    }
    if libc::WIFSIGNALED(s) {
        return Ok(th.new_int(-i64::from(libc::WTERMSIG(s))));
    }
    if libc::WIFSTOPPED(s) {
        return Err(th.value_error(&format!("process stopped by delivery of signal {}", libc::WSTOPSIG(s))));
    }
    Err(th.value_error(&format!("invalid wait status: {s}")))
}

fn kill(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (pid, n) = (c_int(th, a[0])?, c_int(th, a[1])?);
    // SAFETY: a plain system call.
    if unsafe { libc::kill(pid, n) } < 0 {
        let e = support::errno();
        return Err(os_error(th, e));
    }
    support::check_signals(th)?;
    Ok(Owned::none())
}

fn killpg(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (group, n) = (c_int(th, a[0])?, c_int(th, a[1])?);
    // SAFETY: a plain system call.
    if unsafe { libc::killpg(group, n) } < 0 {
        return Err(support::last_os_error(th));
    }
    support::check_signals(th)?;
    Ok(Owned::none())
}
