//! `_signal`: Python handlers for the system's signals.
//!
//! The system's handler only notes the signal, wakes a watcher through a pipe and writes to the wakeup descriptor,
//! all of which is allowed there. A signal that hits another thread is sent on to the main thread, whose system
//! calls then return EINTR. The watcher raises the main thread's breaker and wakes it if it sleeps; at its next
//! safepoint it runs the Python handlers.

use std::time::Duration;
use typhon_sync::prim::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use typhon_core::builtins::list::List;
use typhon_core::builtins::struct_sequence::{self, StructSequence};
use typhon_core::runtime::rt;
use typhon_core::{ArgsExt, Borrowed, ModuleDef, NativeDef, Owned, PyResult, Thread, Word};
use typhon_sync::thread_state::breaker;

use crate::support::{self, ModuleExt, blocking, check_signals, errno, os_error};
use crate::{add_libc, imp};

/// Signals are below this number.
const NSIG: i32 = 65;

/// Bit n: signal n came and its Python handler has not run yet.
static PENDING: AtomicU64 = AtomicU64::new(0);
/// Write end of the watcher's pipe.
static WATCHER_PIPE: AtomicI32 = AtomicI32::new(-1);
/// `set_wakeup_fd`
static WAKEUP_FD: AtomicI32 = AtomicI32::new(-1);
/// `pthread_self()` of the main thread.
static MAIN_THREAD: AtomicUsize = AtomicUsize::new(0);
/// The main thread's word of the breaker.
static MAIN_BREAKER: AtomicPtr<AtomicU32> = AtomicPtr::new(core::ptr::null_mut());
/// The watcher runs in this process.
static WATCHING: AtomicBool = AtomicBool::new(false);

static SIGINFO: StructSequence = StructSequence {
    name: "signal.struct_siginfo",
    doc: "struct_siginfo: Result from sigwaitinfo or sigtimedwait.",
    fields: &["si_signo", "si_code", "si_errno", "si_pid", "si_uid", "si_status", "si_band"],
    n_visible: 7,
    constructible: true,
};

pub static MODULE: ModuleDef = ModuleDef {
    name: "_signal",
    doc: "This module provides mechanisms to use signal handlers in Python.",
    functions: &[
        NativeDef::new(
            "default_int_handler",
            "($module, signalnum, frame, /)",
            |th, _| Err(th.raise_empty(&typhon_core::builtins::exceptions::KEYBOARD_INTERRUPT)),
            "The default handler for SIGINT installed by Python. It raises KeyboardInterrupt.",
        ),
        NativeDef::new(
            "signal",
            "($module, signalnum, handler, /)",
            signal,
            "Set the action for the given signal.",
        ),
        NativeDef::new(
            "getsignal",
            "($module, signalnum, /)",
            getsignal,
            "Return the current action for the given signal.",
        ),
        NativeDef::new(
            "raise_signal",
            "($module, signalnum, /)",
            raise_signal,
            "Send a signal to the executing process.",
        ),
        NativeDef::new(
            "strsignal",
            "($module, signalnum, /)",
            strsignal,
            "Return the system description of the given signal.",
        ),
        NativeDef::new("pause", "($module, /)", pause, "Wait until a signal arrives."),
        NativeDef::new(
            "alarm",
            "($module, seconds, /)",
            alarm,
            "Arrange for SIGALRM to arrive after the given number of seconds.",
        ),
        NativeDef::new(
            "setitimer",
            "($module, which, seconds, interval=0.0, /)",
            setitimer,
            "Sets given itimer (one of ITIMER_REAL, ITIMER_VIRTUAL or ITIMER_PROF).",
        ),
        NativeDef::new(
            "getitimer",
            "($module, which, /)",
            getitimer,
            "Returns current value of given itimer.",
        ),
        NativeDef::new(
            "siginterrupt",
            "($module, signalnum, flag, /)",
            siginterrupt,
            "Change system call restart behaviour.",
        ),
        NativeDef::new(
            "set_wakeup_fd",
            "($module, fd, /, *, warn_on_full_buffer=True)",
            set_wakeup_fd,
            "Sets the fd to be written to (with the signal number) when a signal comes in.",
        ),
        NativeDef::new(
            "pthread_sigmask",
            "($module, how, mask, /)",
            pthread_sigmask,
            "Fetch and/or change the signal mask of the calling thread.",
        ),
        NativeDef::new(
            "pthread_kill",
            "($module, thread_id, signalnum, /)",
            pthread_kill,
            "Send a signal to a thread.",
        ),
        NativeDef::new(
            "pidfd_send_signal",
            "($module, pidfd, signalnum, siginfo=None, flags=0, /)",
            pidfd_send_signal,
            "Send a signal to a process referred to by a pid file descriptor.",
        ),
        NativeDef::new("sigpending", "($module, /)", sigpending, "Examine pending signals."),
        NativeDef::new("sigwait", "($module, sigset, /)", sigwait, "Wait for a signal."),
        NativeDef::new(
            "sigwaitinfo",
            "($module, sigset, /)",
            |th, a| wait_info(th, a[0], None),
            "Wait synchronously until one of the signals in *sigset* is delivered.",
        ),
        NativeDef::new(
            "sigtimedwait",
            "($module, sigset, timeout, /)",
            sigtimedwait,
            "Like sigwaitinfo(), but with a timeout.",
        ),
        NativeDef::new(
            "valid_signals",
            "($module, /)",
            valid_signals,
            "Return a set of valid signal numbers on this platform.",
        ),
    ],
    types: &[],
    setup: Some(setup),
};

fn setup(th: &mut Thread, m: Borrowed<'_>) -> PyResult<()> {
    m.add_int(th, "SIG_DFL", 0)?;
    m.add_int(th, "SIG_IGN", 1)?;
    m.add_int(th, "NSIG", i64::from(NSIG))?;
    m.add_int(th, "SIGRTMIN", i64::from(libc::SIGRTMIN()))?;
    m.add_int(th, "SIGRTMAX", i64::from(libc::SIGRTMAX()))?;
    add_libc!(th, m;
        SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGIOT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1, SIGSEGV,
        SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU,
        SIGURG, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO, SIGPOLL, SIGPWR, SIGSYS,
        SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK, ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF,
    );
    m.add_int(th, "SIGCLD", i64::from(libc::SIGCHLD))?;
    let info = struct_sequence::register(th, &SIGINFO)?.as_value().to_owned();
    m.add(th, "struct_siginfo", info)?;
    let error = support::builtin(th, "OSError");
    let (name, bases, namespace) = (th.intern("ItimerError"), th.new_tuple(vec![error]), th.new_dict());
    let (key, module) = (th.rt.names.__module__.get(), th.intern("signal"));
    namespace.borrow().setitem(th, key, module.borrow())?;
    let class = support::builtin(th, "type");
    let class = class.borrow().call(th, &[name.borrow(), bases.borrow(), namespace.borrow()])?;
    m.add(th, "ItimerError", class)
}

/// What the system calls. Async-signal-safe: atomics, `write`, `pthread_kill`.
extern "C" fn handler(number: i32) {
    // SAFETY: `errno` is saved and restored; the calls are allowed in handlers.
    unsafe {
        let saved = *libc::__errno_location();
        // ORDERING Relaxed: set before handlers are installed.
        let main = MAIN_THREAD.load(Ordering::Relaxed) as libc::pthread_t;
        if libc::pthread_self() != main {
            libc::pthread_kill(main, number);
        } else {
            // ORDERING Release: pairs with the Acquire of `run_handlers`.
            PENDING.fetch_or(1 << (number as u32 & 63), Ordering::Release);
            // A system call that was cut short may be followed by the next before the watcher has run.
            // ORDERING Relaxed: set before handlers are installed; `check_signals` synchronises by PENDING.
            (*MAIN_BREAKER.load(Ordering::Relaxed)).fetch_or(breaker::SIGNAL, Ordering::Relaxed);
            let byte = number as u8;
            // ORDERING Relaxed: descriptors are set before they are needed.
            for fd in [WATCHER_PIPE.load(Ordering::Relaxed), WAKEUP_FD.load(Ordering::Relaxed)] {
                if fd >= 0 {
                    // A full pipe means that a wake-up is on its way already.
                    let _ = libc::write(fd, (&raw const byte).cast(), 1);
                }
            }
        }
        *libc::__errno_location() = saved;
    }
}

/// Starts the watcher thread of this process.
fn watch() -> std::io::Result<()> {
    let mut fds = [0; 2];
    // SAFETY: room for two descriptors.
    if unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC | libc::O_NONBLOCK) } < 0 {
        return Err(std::io::Error::last_os_error());
    }
    let [read, write] = fds;
    // SAFETY: only the write end must not block.
    unsafe { libc::fcntl(read, libc::F_SETFL, 0) };
    // ORDERING Relaxed: before any handler is installed, or in the only thread of a child.
    WATCHER_PIPE.store(write, Ordering::Relaxed);
    let builder = std::thread::Builder::new().name(String::from("signals")).stack_size(64 << 10);
    typhon_sync::passage::spawn(builder, move |beginning| {
        drop(beginning);
        // SAFETY: blocks all signals in this thread, so that they reach threads that run Python.
        unsafe {
            let mut all: libc::sigset_t = core::mem::zeroed();
            libc::sigfillset(&mut all);
            libc::pthread_sigmask(libc::SIG_BLOCK, &all, core::ptr::null_mut());
        }
        let mut buffer = [0u8; 64];
        loop {
            // SAFETY: the buffer is that long.
            let n = unsafe { libc::read(read, buffer.as_mut_ptr().cast(), buffer.len()) };
            if n > 0 {
                rt().threads.raise_signal();
            } else if n == 0 || errno() != libc::EINTR {
                return;
            }
        }
    })?;
    // ORDERING Relaxed: read by the main thread only.
    WATCHING.store(true, Ordering::Relaxed);
    Ok(())
}

/// Sets signals up as a Python process has them: KeyboardInterrupt at SIGINT, SIGPIPE and SIGXFSZ ignored.
pub fn start(th: &mut Thread) -> PyResult<()> {
    // SAFETY: plain system calls.
    unsafe {
        // ORDERING Relaxed: before any handler is installed.
        MAIN_THREAD.store(libc::pthread_self() as usize, Ordering::Relaxed);
        MAIN_BREAKER.store(th.breaker.cast_mut(), Ordering::Relaxed);
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
    th.rt.threads.set_signal_hook(run_handlers);
    let mut table = Vec::with_capacity(NSIG as usize);
    for n in 0..NSIG {
        table.push(match current_action(n) {
            Some(libc::SIG_DFL) => th.new_int(0),
            Some(libc::SIG_IGN) => th.new_int(1),
            _ => Owned::none(),
        });
    }
    let table = th.new_list(table);
    drop(th.rt.store(TABLE, table));
    let module = imp::native_module(th, &MODULE)?;
    if current_action(libc::SIGINT) == Some(libc::SIG_DFL) {
        let interrupt = module.borrow().getattr_str(th, "default_int_handler")?;
        install(th, libc::SIGINT, interrupt)?;
    }
    Ok(())
}

/// In the child of a fork: the calling thread is the main one, and there is no watcher.
pub fn after_fork_child(th: &mut Thread) {
    // SAFETY: a plain call.
    // ORDERING Relaxed: there is one thread.
    MAIN_THREAD.store(unsafe { libc::pthread_self() } as usize, Ordering::Relaxed);
    MAIN_BREAKER.store(th.breaker.cast_mut(), Ordering::Relaxed);
    PENDING.store(0, Ordering::Relaxed);
    let old = WATCHER_PIPE.swap(-1, Ordering::Relaxed);
    if old >= 0 {
        // SAFETY: our own descriptor. The parent keeps its copy.
        unsafe { libc::close(old) };
    }
    WATCHING.store(false, Ordering::Relaxed);
    let handled = th.rt.stored(TABLE).and_then(|t| {
        let list = t.downcast::<List>()?;
        Some((0..NSIG as usize).any(|i| list.get(i).is_some_and(|h| h.word().is_ptr())))
    });
    if handled == Some(true) {
        // Without a watcher, signals are still noticed when a system call returns.
        let _ = watch();
    }
}

/// Key of the list of Python handlers.
const TABLE: &str = "signal.handlers";

fn current_action(n: i32) -> Option<libc::sighandler_t> {
    // SAFETY: all-zero is a valid sigaction; the call fills it.
    unsafe {
        let mut old: libc::sigaction = core::mem::zeroed();
        (libc::sigaction(n, core::ptr::null(), &mut old) == 0).then_some(old.sa_sigaction)
    }
}

/// As if signal `n` had come, if Python code handles it; nothing otherwise.
pub fn simulate(n: i32) {
    if current_action(n) == Some(handler as *const () as usize) {
        handler(n);
    }
}

fn table_get(th: &Thread, n: i32) -> Owned {
    let table = th.rt.stored(TABLE);
    table.and_then(|t| t.downcast::<List>().and_then(|l| l.get(n as usize))).unwrap_or_else(Owned::none)
}

fn table_set(th: &mut Thread, n: i32, v: Owned) -> PyResult<()> {
    let Some(table) = th.rt.stored(TABLE) else { return Ok(()) };
    let i = th.new_int(i64::from(n));
    table.borrow().setitem(th, i.borrow(), v.borrow())
}

/// Installs a Python handler, SIG_DFL (0) or SIG_IGN (1).
fn install(th: &mut Thread, n: i32, v: Owned) -> PyResult<()> {
    let action = match v.word() {
        w if w == Word::small_int(0) => libc::SIG_DFL,
        w if w == Word::small_int(1) => libc::SIG_IGN,
        _ => {
            // ORDERING Relaxed: the main thread's own flag.
            if !WATCHING.load(Ordering::Relaxed)
                && let Err(e) = watch()
            {
                return Err(os_error(th, e.raw_os_error().unwrap_or(libc::EAGAIN)));
            }
            handler as *const () as libc::sighandler_t
        }
    };
    // SAFETY: a whole sigaction; the handler keeps the rules of handlers. No SA_RESTART: system calls return EINTR.
    let r = unsafe {
        let mut new: libc::sigaction = core::mem::zeroed();
        new.sa_sigaction = action;
        new.sa_flags = libc::SA_ONSTACK;
        libc::sigemptyset(&mut new.sa_mask);
        libc::sigaction(n, &new, core::ptr::null_mut())
    };
    if r < 0 {
        return Err(support::last_os_error(th));
    }
    table_set(th, n, v)
}

/// Runs the Python handlers of the signals that came. Errors: what a handler raises; the others stay pending.
fn run_handlers(th: &mut Thread) -> PyResult<()> {
    loop {
        // ORDERING Acquire: pairs with the Release of the handler.
        let pending = PENDING.load(Ordering::Acquire);
        if pending == 0 {
            return Ok(());
        }
        let n = pending.trailing_zeros();
        // ORDERING AcqRel: takes this one bit.
        PENDING.fetch_and(!(1 << n), Ordering::AcqRel);
        let n = if n == 0 { 64 } else { n as i32 };
        let f = table_get(th, n);
        if !f.word().is_ptr() {
            continue;
        }
        let frame = match th.sys_get("_getframe") {
            Some(get) => get.borrow().call(th, &[]).unwrap_or_else(|raised| {
                drop(th.catch(raised));
                Owned::none()
            }),
            None => Owned::none(),
        };
        let number = th.new_int(i64::from(n));
        let r = f.borrow().call(th, &[number.borrow(), frame.borrow()]);
        // ORDERING Acquire: as above.
        if PENDING.load(Ordering::Acquire) != 0 && r.is_err() {
            th.rt.threads.raise_signal();
        }
        r?;
    }
}

fn number(th: &mut Thread, v: Borrowed<'_>) -> PyResult<i32> {
    let n = support::c_int(th, v)?;
    if (1..NSIG).contains(&n) { Ok(n) } else { Err(th.value_error("signal number out of range")) }
}

fn signal(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if !typhon_core::threads::is_main(th) {
        return Err(th.value_error("signal only works in main thread of the main interpreter"));
    }
    let n = number(th, a[0])?;
    // Members of the enumeration `Handlers` are ints.
    let v = match a[1].as_int() {
        Some(_) => match a[1].to_i64(th)? {
            v @ (0 | 1) => th.new_int(v),
            _ => return Err(bad_handler(th)),
        },
        None if a[1].is_callable() => a[1].to_owned(),
        None => return Err(bad_handler(th)),
    };
    check_signals(th)?;
    let old = table_get(th, n);
    install(th, n, v)?;
    Ok(old)
}

#[cold]
fn bad_handler(th: &mut Thread) -> typhon_core::Raised {
    th.type_error("signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object")
}

fn getsignal(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = number(th, a[0])?;
    Ok(table_get(th, n))
}

fn raise_signal(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = support::c_int(th, a[0])?;
    // SAFETY: a plain call.
    if blocking(th, || unsafe { libc::raise(n) }) != 0 {
        return Err(support::last_os_error(th));
    }
    check_signals(th)?;
    Ok(Owned::none())
}

fn strsignal(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = number(th, a[0])?;
    // SAFETY: strsignal returns a C string or null.
    let text = unsafe {
        let p = libc::strsignal(n);
        support::c_text(th, p)
    };
    let unknown = text
        .downcast::<typhon_core::builtins::str::Str>()
        .is_none_or(|s| s.to_text().contains("nknown signal"));
    Ok(if unknown { Owned::none() } else { text })
}

fn pause(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    // SAFETY: a plain system call.
    blocking(th, || unsafe { libc::pause() });
    check_signals(th)?;
    Ok(Owned::none())
}

fn alarm(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = support::c_int(th, a[0])?;
    // SAFETY: a plain system call.
    let left = unsafe { libc::alarm(n as u32) };
    Ok(th.new_int(i64::from(left)))
}

fn timeval(th: &mut Thread, v: Borrowed<'_>) -> PyResult<libc::timeval> {
    let t = v.to_f64(th)?;
    let micros = (t * 1e6).round();
    Ok(libc::timeval { tv_sec: (micros / 1e6).floor() as i64, tv_usec: micros.rem_euclid(1e6) as i64 })
}

fn itimer_result(th: &mut Thread, v: &libc::itimerval) -> Owned {
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    let items = vec![th.new_float(seconds(v.it_value)), th.new_float(seconds(v.it_interval))];
    th.new_tuple(items)
}

fn itimer_error(th: &mut Thread) -> typhon_core::Raised {
    let e = errno();
    let r = (|| {
        let class = support::import_attr(th, "_signal", "ItimerError")?;
        let (n, text) = (th.new_int(i64::from(e)), th.new_str(&support::strerror(e)));
        class.borrow().call(th, &[n.borrow(), text.borrow()])
    })();
    match r {
        Ok(exc) => th.set_exc(exc),
        Err(raised) => raised,
    }
}

fn setitimer(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let which = support::c_int(th, a[0])?;
    let value = timeval(th, a[1])?;
    let interval = match a.opt(2) {
        Some(v) => timeval(th, v)?,
        None => libc::timeval { tv_sec: 0, tv_usec: 0 },
    };
    let new = libc::itimerval { it_interval: interval, it_value: value };
    // SAFETY: whole structures.
    let (r, old) = unsafe {
        let mut old: libc::itimerval = core::mem::zeroed();
        (libc::setitimer(which as _, &new, &mut old), old)
    };
    if r < 0 {
        return Err(itimer_error(th));
    }
    Ok(itimer_result(th, &old))
}

fn getitimer(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let which = support::c_int(th, a[0])?;
    // SAFETY: a whole structure.
    let (r, now) = unsafe {
        let mut now: libc::itimerval = core::mem::zeroed();
        (libc::getitimer(which as _, &mut now), now)
    };
    if r < 0 {
        return Err(itimer_error(th));
    }
    Ok(itimer_result(th, &now))
}

fn siginterrupt(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = number(th, a[0])?;
    let flag = a[1].truth(th)?;
    // SAFETY: whole structures; only the restart flag changes.
    let r = unsafe {
        let mut action: libc::sigaction = core::mem::zeroed();
        if libc::sigaction(n, core::ptr::null(), &mut action) < 0 {
            -1
        } else {
            action.sa_flags =
                if flag { action.sa_flags & !libc::SA_RESTART } else { action.sa_flags | libc::SA_RESTART };
            libc::sigaction(n, &action, core::ptr::null_mut())
        }
    };
    if r < 0 { Err(support::last_os_error(th)) } else { Ok(Owned::none()) }
}

fn set_wakeup_fd(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = support::c_int(th, a[0])?;
    if !typhon_core::threads::is_main(th) {
        return Err(th.value_error("set_wakeup_fd only works in main thread of the main interpreter"));
    }
    if fd != -1 {
        // SAFETY: plain system calls.
        let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
        if flags < 0 {
            return Err(support::last_os_error(th));
        }
        if flags & libc::O_NONBLOCK == 0 {
            return Err(th.value_error(&format!("the fd {fd} must be in non-blocking mode")));
        }
    }
    // ORDERING Relaxed: one number.
    let old = WAKEUP_FD.swap(fd, Ordering::Relaxed);
    Ok(th.new_int(i64::from(old)))
}

/// A system set of signals from an iterable of numbers.
fn sigset(th: &mut Thread, v: Borrowed<'_>) -> PyResult<libc::sigset_t> {
    let items = v.to_vec(th)?;
    // SAFETY: sigemptyset initialises it.
    let mut set = unsafe {
        let mut set: libc::sigset_t = core::mem::zeroed();
        libc::sigemptyset(&mut set);
        set
    };
    for item in items {
        let n = item.borrow().index(th)?;
        let n = n.borrow().to_i64(th)?;
        if !(1..i64::from(NSIG)).contains(&n) {
            return Err(th.value_error(&format!("signal number {n} out of range [1; {}]", NSIG - 1)));
        }
        // SAFETY: an initialised set; the number is in range. Reserved ones fail without harm.
        unsafe { libc::sigaddset(&mut set, n as i32) };
    }
    Ok(set)
}

/// A Python set of the numbers in a system set.
fn numbers(th: &mut Thread, set: &libc::sigset_t) -> PyResult {
    let mut items = Vec::new();
    for n in 1..NSIG {
        // SAFETY: an initialised set.
        if unsafe { libc::sigismember(set, n) } == 1 {
            items.push(th.new_int(i64::from(n)));
        }
    }
    let items: Vec<Borrowed<'_>> = items.iter().map(Owned::borrow).collect();
    th.new_set_of(&items)
}

fn pthread_sigmask(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let how = support::c_int(th, a[0])?;
    let set = sigset(th, a[1])?;
    // SAFETY: whole structures.
    let (r, old) = unsafe {
        let mut old: libc::sigset_t = core::mem::zeroed();
        (libc::pthread_sigmask(how, &set, &mut old), old)
    };
    if r != 0 {
        return Err(os_error(th, r));
    }
    check_signals(th)?;
    numbers(th, &old)
}

fn pthread_kill(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let ident = a[0].to_i64(th)?;
    let n = support::c_int(th, a[1])?;
    // Our thread idents are not the system's: the main thread is the one that handlers run in.
    // ORDERING Relaxed: set at start.
    let main = th.rt.threads.main_ident.load(Ordering::Relaxed);
    let target = if ident as u64 == th.ident {
        // SAFETY: a plain call.
        unsafe { libc::pthread_self() }
    } else if ident as u64 == main {
        MAIN_THREAD.load(Ordering::Relaxed) as libc::pthread_t
    } else {
        return Err(os_error(th, libc::ESRCH));
    };
    // SAFETY: both threads live: the caller, and the main one as long as the process.
    let r = unsafe { libc::pthread_kill(target, n) };
    if r != 0 {
        return Err(os_error(th, r));
    }
    check_signals(th)?;
    Ok(Owned::none())
}

fn pidfd_send_signal(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = support::c_int(th, a[0])?;
    let n = support::c_int(th, a[1])?;
    if a.some(2).is_some() {
        return Err(th.type_error("siginfo must be None"));
    }
    let flags = support::c_int_or(th, a.opt(3), 0)?;
    // SAFETY: a system call on numbers.
    let r = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, n, core::ptr::null::<u8>(), flags) };
    if r < 0 {
        return Err(support::last_os_error(th));
    }
    // It may have been for this process.
    check_signals(th)?;
    Ok(Owned::none())
}

fn sigpending(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    // SAFETY: a whole structure.
    let (r, set) = unsafe {
        let mut set: libc::sigset_t = core::mem::zeroed();
        (libc::sigpending(&mut set), set)
    };
    if r < 0 {
        return Err(support::last_os_error(th));
    }
    numbers(th, &set)
}

fn sigwait(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let set = sigset(th, a[0])?;
    loop {
        let mut n = 0;
        // SAFETY: an initialised set.
        let r = blocking(th, || unsafe { libc::sigwait(&set, &mut n) });
        match r {
            0 => return Ok(th.new_int(i64::from(n))),
            libc::EINTR => check_signals(th)?,
            e => return Err(os_error(th, e)),
        }
    }
}

fn sigtimedwait(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let seconds = a[1].to_f64(th)?;
    if seconds < 0.0 {
        return Err(th.value_error("timeout must be non-negative"));
    }
    let limit = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(1 << 40));
    wait_info(th, a[0], Some(limit))
}

fn wait_info(th: &mut Thread, set: Borrowed<'_>, limit: Option<Duration>) -> PyResult {
    let set = sigset(th, set)?;
    let deadline = limit.map(|l| std::time::Instant::now() + l);
    loop {
        let left = deadline.map(|d| d.saturating_duration_since(std::time::Instant::now()));
        let (r, e, info) = blocking(th, || {
            // SAFETY: an initialised set, and structures that the call fills.
            unsafe {
                let mut info: libc::siginfo_t = core::mem::zeroed();
                let spec = left.map(|l| libc::timespec {
                    tv_sec: l.as_secs() as i64,
                    tv_nsec: i64::from(l.subsec_nanos()),
                });
                let r = match &spec {
                    Some(s) => libc::sigtimedwait(&set, &mut info, s),
                    None => libc::sigwaitinfo(&set, &mut info),
                };
                (r, errno(), info)
            }
        });
        if r >= 0 {
            // SAFETY: the fields that a waited-for signal has.
            let (pid, uid, status) = unsafe { (info.si_pid(), info.si_uid(), info.si_status()) };
            let fields = [
                i64::from(info.si_signo),
                i64::from(info.si_code),
                i64::from(info.si_errno),
                i64::from(pid),
                i64::from(uid),
                i64::from(status),
                0,
            ];
            let fields = fields.iter().map(|&v| th.new_int(v)).collect();
            let ty = struct_sequence::register(th, &SIGINFO)?;
            return Ok(struct_sequence::new_instance(th, ty, fields));
        }
        match e {
            libc::EINTR => check_signals(th)?,
            libc::EAGAIN => return Ok(Owned::none()),
            e => return Err(os_error(th, e)),
        }
    }
}

fn valid_signals(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    // SAFETY: sigfillset initialises it.
    let set = unsafe {
        let mut set: libc::sigset_t = core::mem::zeroed();
        libc::sigfillset(&mut set);
        set
    };
    numbers(th, &set)
}
