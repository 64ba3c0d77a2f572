//! `fork` and its hooks.

use typhon_core::builtins::exceptions as ex;
use typhon_core::builtins::list::List;
use typhon_core::{ArgsExt, Borrowed, NativeDef, Owned, PyResult, Thread};

use crate::support::{self, os_error};

pub const FUNCTIONS: &[NativeDef] = &[
    NativeDef::new("fork", "($module, /)", fork, "Fork a child process."),
    NativeDef::new(
        "forkpty",
        "($module, /)",
        forkpty,
        "Fork a new process with a new pseudo-terminal as controlling tty.",
    ),
    NativeDef::new(
        "register_at_fork",
        "($module, /, *, before=None, after_in_child=None, after_in_parent=None)",
        register_at_fork,
        "Register callables to be called when forking a new process.",
    ),
    NativeDef::new(
        "_exit",
        "($module, /, status)",
        exit,
        "Exit to the system with specified status, without normal exit processing.",
    ),
    NativeDef::new(
        "abort",
        "($module, /)",
        |_, _| std::process::abort(),
        "Abort the interpreter immediately.",
    ),
];

const BEFORE: &str = "posix.fork.before";
const IN_CHILD: &str = "posix.fork.child";
const IN_PARENT: &str = "posix.fork.parent";

fn register_at_fork(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if (0..3).all(|i| a.opt(i).is_none()) {
        return Err(th.type_error("At least one argument is required."));
    }
    for (i, name) in ["before", "after_in_child", "after_in_parent"].into_iter().enumerate() {
        if let Some(f) = a.opt(i)
            && !f.is_callable()
        {
            let msg = format!("'{name}' must be callable, not {}", f.type_name(th));
            return Err(th.type_error(&msg));
        }
    }
    for (i, key) in [BEFORE, IN_CHILD, IN_PARENT].into_iter().enumerate() {
        let Some(f) = a.opt(i) else { continue };
        let list = match th.rt.stored(key) {
            Some(l) => l,
            None => {
                let l = th.new_list(Vec::new());
                drop(th.rt.store(key, l.clone()));
                l
            }
        };
        list.payload::<List>().push(f.to_owned());
    }
    Ok(Owned::none())
}

/// Calls the hooks of a list; what they raise is reported and forgotten.
fn run_hooks(th: &mut Thread, key: &'static str, last_first: bool) {
    let Some(list) = th.rt.stored(key) else { return };
    let mut hooks = list.payload::<List>().to_vec();
    if last_first {
        hooks.reverse();
    }
    for hook in hooks {
        if let Err(raised) = hook.borrow().call(th, &[]) {
            let exc = th.catch(raised);
            typhon_core::report::unraisable(th, exc, None, Some(hook.borrow()));
        }
    }
}

/// What is to be done before any fork.
pub fn run_before_fork(th: &mut Thread) {
    run_hooks(th, BEFORE, true);
    crate::imp::before_fork(th);
}

/// What is to be done in the parent after any fork.
pub fn run_after_fork_parent(th: &mut Thread) {
    crate::imp::after_fork();
    run_hooks(th, IN_PARENT, false);
}

/// What is to be done in the child after any fork: native parts first.
pub fn run_after_fork_child(th: &mut Thread) {
    crate::imp::after_fork();
    crate::thread::handle::after_fork_child(th);
    crate::signal::after_fork_child(th);
    run_hooks(th, IN_CHILD, false);
}

fn fork(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    check_not_alone(th)?;
    let pid = fork_interpreter(th)?;
    warn_about_threads(th, pid, "fork")?;
    Ok(th.new_int(i64::from(pid)))
}

/// Errors: PythonFinalizationError at the end of the process.
fn check_not_alone(th: &mut Thread) -> PyResult<()> {
    if typhon_core::threads::is_alone() {
        return Err(th.raise(&ex::PYTHON_FINALIZATION_ERROR, "can't fork at interpreter shutdown"));
    }
    Ok(())
}

/// In the parent: a DeprecationWarning, if threads of the program were left out of the child. Errors: the warning.
fn warn_about_threads(th: &mut Thread, pid: i32, call: &str) -> PyResult<()> {
    if pid == 0 || !crate::thread::handle::has_others(th) {
        return Ok(());
    }
    let msg = format!(
        "This process (pid={}) is multi-threaded, use of {call}() may lead to deadlocks in the child.",
        std::process::id()
    );
    typhon_core::warnings::warn(th, &ex::DEPRECATION_WARNING, &msg, 1)
}

/// Forks with all hooks; 0 in the child, which is a whole interpreter with this one thread.
///
/// Errors: OSError.
pub fn fork_interpreter(th: &mut Thread) -> PyResult<i32> {
    run_before_fork(th);
    // SAFETY: a plain call; the child goes on in this very thread.
    let r = typhon_core::threads::fork(th, || unsafe { libc::fork() });
    finish(th, r)
}

fn finish(th: &mut Thread, pid: i32) -> PyResult<i32> {
    if pid == 0 {
        run_after_fork_child(th);
    } else {
        let e = support::errno();
        run_after_fork_parent(th);
        if pid < 0 {
            return Err(os_error(th, e));
        }
    }
    Ok(pid)
}

fn forkpty(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    check_not_alone(th)?;
    run_before_fork(th);
    let mut master = -1;
    // SAFETY: room for one descriptor; the other arguments may be null.
    let r = typhon_core::threads::fork(th, || unsafe {
        libc::forkpty(&mut master, core::ptr::null_mut(), core::ptr::null_mut(), core::ptr::null_mut())
    });
    let pid = finish(th, r)?;
    warn_about_threads(th, pid, "forkpty")?;
    let pid = th.new_int(i64::from(pid));
    let fd = th.new_int(i64::from(master));
    Ok(th.new_tuple(vec![pid, fd]))
}

fn exit(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let status = support::c_int(th, a[0])?;
    // SAFETY: ends the process.
    unsafe { libc::_exit(status) }
}
