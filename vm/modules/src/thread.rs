//! `_thread`: threads, locks, per-thread data. What `threading` is built on.

use std::sync::Arc;
use std::time::{Duration, Instant};
use typhon_sync::prim::{AtomicUsize, Ordering};

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::exceptions as ex;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::contention::{self, What};
use typhon_core::threads::{self, VmHost};
use typhon_core::{
    Args, ArgsExt, Borrowed, Data, ModuleDef, NativeDef, Owned, PyResult, Raised, Slots, Thread, Type,
    TypeDef, payload, type_flags, unborn,
};
use typhon_sync::{Acquired, ReentrantLock, WaitLock};

pub mod handle;
mod local;

use handle::Life;

/// Longest timeout, in seconds: what fits a 64-bit count of nanoseconds.
const TIMEOUT_MAX: f64 = 9223372036.0;

/// Bytes of a new thread's machine stack; 0 = the default.
static STACK_SIZE: AtomicUsize = AtomicUsize::new(0);
const DEFAULT_STACK: usize = 8 << 20;

payload! {
    /// `_thread.lock`
    pub struct Lock: LOCK {
        lock: Data<WaitLock>,
    }
}

payload! {
    /// `_thread.RLock`
    pub struct RLock: RLOCK {
        lock: Data<ReentrantLock>,
    }
}

/// When a timeout in seconds ends; `None` = never.
///
/// Errors: ValueError, OverflowError for what is no timeout.
fn deadline(th: &mut Thread, blocking: bool, timeout: Option<Borrowed<'_>>) -> PyResult<Option<Instant>> {
    let seconds = match timeout {
        None => -1.0,
        Some(t) => seconds(th, t)?,
    };
    if !blocking {
        if seconds != -1.0 {
            return Err(th.value_error("can't specify a timeout for a non-blocking call"));
        }
        return Ok(Some(Instant::now()));
    }
    if seconds == -1.0 {
        return Ok(None);
    }
    instant_after(th, seconds, NEGATIVE).map(Some)
}

const NEGATIVE: &str = "timeout value must be a non-negative number";

/// A number of seconds. Errors: TypeError, OverflowError.
fn seconds(th: &mut Thread, timeout: Borrowed<'_>) -> PyResult<f64> {
    match timeout.as_float() {
        Some(f) => Ok(f),
        None => Ok(timeout.to_i64(th)? as f64),
    }
}

/// The instant so many seconds from now.
///
/// Errors: ValueError with the text `negative`; OverflowError.
pub fn instant_after(th: &mut Thread, seconds: f64, negative: &str) -> PyResult<Instant> {
    if seconds < 0.0 || seconds.is_nan() {
        return Err(th.value_error(negative));
    }
    if seconds > TIMEOUT_MAX {
        return Err(th.overflow_error("timeout value is too large"));
    }
    Ok(Instant::now() + Duration::from_secs_f64(seconds))
}

/// Waits with `acquire` until it is decided; signal handlers run in between.
///
/// Errors: what they raise; PythonFinalizationError if the wait would have no end, because no other thread runs
/// any more.
fn wait(
    th: &mut Thread,
    until: Option<Instant>,
    acquire: impl Fn(&mut Thread, Option<Instant>) -> Acquired,
) -> PyResult<bool> {
    // Whoever waits now gets what is free, or nothing.
    let at_once = if threads::is_alone() { Some(Instant::now()) } else { None };
    loop {
        th.drain_drops();
        match acquire(th, until.or(at_once)) {
            Acquired::Yes => return Ok(true),
            Acquired::TimedOut if until.is_none() => {
                return Err(would_wait_for_ever(th));
            }
            Acquired::TimedOut => return Ok(false),
            Acquired::Interrupted => threads::safepoint(th)?,
        }
    }
}

/// PythonFinalizationError: no other thread runs any more that could end the wait.
pub fn would_wait_for_ever(th: &mut Thread) -> Raised {
    th.raise(&ex::PYTHON_FINALIZATION_ERROR, "cannot wait for another thread at interpreter shutdown")
}

fn lock_of<'a>(o: Borrowed<'a>) -> &'a WaitLock {
    &o.downcast::<Lock>().expect("checked by the slot's type").lock.0
}

fn rlock_of<'a>(o: Borrowed<'a>) -> &'a ReentrantLock {
    &o.downcast::<RLock>().expect("checked by the slot's type").lock.0
}

fn blocking_flag(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult<bool> {
    match a.opt(1) {
        Some(b) => b.truth(th),
        None => Ok(true),
    }
}

fn lock_acquire(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let blocking = blocking_flag(th, a)?;
    let until = deadline(th, blocking, a.opt(2))?;
    let lock = lock_of(a[0]);
    if lock.try_acquire() {
        return Ok(Owned::bool(true));
    }
    if !blocking {
        return Ok(Owned::bool(false));
    }
    let begun = contention::begin();
    let acquired = wait(th, until, |th, d| lock.acquire(&th.sync.ctx, &VmHost, d, true));
    contention::waited(What::Lock, a[0], begun);
    acquired.map(Owned::bool)
}

fn lock_release(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if !lock_of(a[0]).release() {
        return Err(th.runtime_error("release unlocked lock"));
    }
    Ok(Owned::none())
}

fn lock_enter(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    lock_acquire(th, &a[..1])
}

fn lock_exit(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    lock_release(th, &a[..1])
}

fn lock_locked(_: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    Ok(Owned::bool(lock_of(a[0]).is_locked()))
}

fn lock_reset(_: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    lock_of(a[0]).reset_after_fork();
    Ok(Owned::none())
}

fn lock_repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let state = if lock_of(o).is_locked() { "locked" } else { "unlocked" };
    let text = format!("<{state} {} object at {:#x}>", o.ty().display_name(), o.word().identity());
    Ok(th.new_str(&text))
}

fn lock_new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    if !args.all.is_empty() {
        return Err(th.type_error("lock() takes no arguments"));
    }
    Ok(th.alloc_as(Lock { header: unborn(), lock: Data(WaitLock::new()) }, ty))
}

fn allocate_lock(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    Ok(th.alloc(Lock { header: unborn(), lock: Data(WaitLock::new()) }))
}

pub static LOCK: TypeDef = TypeDef {
    module: "_thread",
    flags: type_flags::WEAKREF,
    slots: Slots { new: Some(lock_new), repr: Some(lock_repr), ..Slots::NONE },
    methods: &[
        NativeDef::new("acquire", "($self, /, blocking=True, timeout=-1)", lock_acquire, "Lock the lock."),
        NativeDef::new("acquire_lock", "($self, /, blocking=True, timeout=-1)", lock_acquire, ""),
        NativeDef::new("release", "($self, /)", lock_release, "Release the lock; any thread may do so."),
        NativeDef::new("release_lock", "($self, /)", lock_release, ""),
        NativeDef::new("locked", "($self, /)", lock_locked, "Is the lock held?"),
        NativeDef::new("locked_lock", "($self, /)", lock_locked, ""),
        NativeDef::new("__enter__", "($self, /)", lock_enter, ""),
        NativeDef::new("__exit__", "($self, exc_type, exc, tb, /)", lock_exit, ""),
        NativeDef::new("_at_fork_reinit", "($self, /)", lock_reset, ""),
    ],
    ..TypeDef::of::<Lock>("lock")
};

fn rlock_acquire(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let blocking = blocking_flag(th, a)?;
    let until = deadline(th, blocking, a.opt(2))?;
    let lock = rlock_of(a[0]);
    let begun = contention::begin().filter(|_| lock.is_locked() && !lock.is_owned(&th.sync.ctx));
    let acquired = wait(th, until, |th, d| lock.acquire(&th.sync.ctx, &VmHost, d, true));
    contention::waited(What::Lock, a[0], begun);
    acquired.map(Owned::bool)
}

fn rlock_release(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if !rlock_of(a[0]).release(&th.sync.ctx) {
        return Err(th.runtime_error("cannot release un-acquired lock"));
    }
    Ok(Owned::none())
}

fn rlock_enter(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    rlock_acquire(th, &a[..1])
}

fn rlock_exit(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    rlock_release(th, &a[..1])
}

fn rlock_locked(_: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    Ok(Owned::bool(rlock_of(a[0]).is_locked()))
}

fn rlock_is_owned(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    Ok(Owned::bool(rlock_of(a[0]).is_owned(&th.sync.ctx)))
}

fn rlock_count(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let lock = rlock_of(a[0]);
    let n = if lock.is_owned(&th.sync.ctx) { lock.depth() } else { 0 };
    Ok(th.new_int(n as i64))
}

fn rlock_save(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    match rlock_of(a[0]).release_all(&th.sync.ctx) {
        Some(depth) => {
            let parts = vec![th.new_int(depth as i64), th.new_int(th.ident as i64)];
            Ok(th.new_tuple(parts))
        }
        None => Err(th.runtime_error("cannot release un-acquired lock")),
    }
}

fn rlock_restore(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(t) = a[1].downcast::<Tuple>().filter(|t| t.len() == 2) else {
        return Err(th.type_error("_acquire_restore() argument 1 must be 2-item tuple"));
    };
    let depth = t.get(0).to_i64(th)? as usize;
    let lock = rlock_of(a[0]);
    let begun = contention::begin().filter(|_| lock.is_locked());
    lock.reacquire(&th.sync.ctx, &VmHost, depth);
    contention::waited(What::Lock, a[0], begun);
    th.drain_drops();
    Ok(Owned::none())
}

fn rlock_reset(_: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    rlock_of(a[0]).reset_after_fork();
    Ok(Owned::none())
}

fn rlock_repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let lock = rlock_of(o);
    let state = if lock.is_locked() { "locked" } else { "unlocked" };
    let text = format!(
        "<{state} {} object owner={} count={} at {:#x}>",
        o.ty().display_name(),
        lock.owner(),
        lock.depth(),
        o.word().identity()
    );
    Ok(th.new_str(&text))
}

fn rlock_new(th: &mut Thread, ty: &Type, _: Args<'_>) -> PyResult {
    Ok(th.alloc_as(RLock { header: unborn(), lock: Data(ReentrantLock::new()) }, ty))
}

pub static RLOCK: TypeDef = TypeDef {
    module: "_thread",
    flags: type_flags::WEAKREF | type_flags::BASE,
    slots: Slots { new: Some(rlock_new), repr: Some(rlock_repr), ..Slots::NONE },
    methods: &[
        NativeDef::new("acquire", "($self, /, blocking=True, timeout=-1)", rlock_acquire, "Lock the lock."),
        NativeDef::new("release", "($self, /)", rlock_release, "Give back one taking."),
        NativeDef::new("locked", "($self, /)", rlock_locked, "Is the lock held?"),
        NativeDef::new("__enter__", "($self, /)", rlock_enter, ""),
        NativeDef::new("__exit__", "($self, exc_type, exc, tb, /)", rlock_exit, ""),
        NativeDef::new("_is_owned", "($self, /)", rlock_is_owned, ""),
        NativeDef::new("_recursion_count", "($self, /)", rlock_count, ""),
        NativeDef::new("_release_save", "($self, /)", rlock_save, ""),
        NativeDef::new("_acquire_restore", "($self, state, /)", rlock_restore, ""),
        NativeDef::new("_at_fork_reinit", "($self, /)", rlock_reset, ""),
    ],
    ..TypeDef::of::<RLock>("RLock")
};

/// What a new thread takes along. The values are counted, so they may change hands.
struct Start {
    function: Owned,
    args: Owned,
    kwargs: Option<Owned>,
}

impl Start {
    /// Runs the function on the new thread; what it raises goes to `sys.unraisablehook`.
    fn run(self, th: &mut Thread) {
        let kwargs = self.kwargs.as_ref().map_or(Borrowed::null(), |k| k.borrow());
        let r = typhon_core::interp::calls::call_ex(th, self.function.borrow(), self.args.borrow(), kwargs);
        if let Err(raised) = r {
            let exc = th.catch(raised);
            if !exc.borrow().is_instance_of(&ex::SYSTEM_EXIT) {
                let function = self.function.borrow().repr_text(th);
                let function = function.unwrap_or_else(|raised| {
                    drop(th.catch(raised));
                    String::from("<repr() failed>")
                });
                let what = format!("Exception ignored in thread started by {function}");
                typhon_core::report::unraisable(th, exc, Some(&what), None);
            }
        }
        // Whoever joins the thread finds that it has let go of everything.
        drop(self);
        th.drain_drops();
    }
}

/// Starts a thread. Errors: RuntimeError; PythonFinalizationError at the end of the process.
fn start(th: &mut Thread, life: Arc<Life>, daemon: bool, s: Start) -> PyResult<u64> {
    if threads::is_alone() {
        let msg = "can't create new thread at interpreter shutdown";
        return Err(th.raise(&ex::PYTHON_FINALIZATION_ERROR, msg));
    }
    if !life.begin(daemon) {
        return Err(th.runtime_error("thread already started"));
    }
    // ORDERING Relaxed: a plain setting.
    let size = match STACK_SIZE.load(Ordering::Relaxed) {
        0 => DEFAULT_STACK,
        n => n,
    };
    let (tell, told) = std::sync::mpsc::channel();
    let of_thread = life.clone();
    let spawned = threads::spawn(th, size, move |th| {
        of_thread.set_ident(th.ident);
        tell.send(th.ident).unwrap_or_default();
        s.run(th);
        local::forget(th);
        if threads::is_main(th) {
            end_of_forked(th);
        }
        move || of_thread.end()
    });
    if spawned.is_err() {
        life.never_began();
        return Err(th.runtime_error("can't start new thread"));
    }
    let ident = threads::blocking(th, || told.recv().unwrap_or(0));
    Ok(ident)
}

/// The end of the process of a thread that has become the main one by forking, once the others have ended: without
/// exit functions, since what the main program had yet to do is not done here.
fn end_of_forked(th: &mut Thread) -> ! {
    while let Err(raised) = handle::join_all(th, true) {
        let exc = th.catch(raised);
        typhon_core::report::unraisable(th, exc, None, None);
    }
    std::process::exit(0)
}

fn check_function(
    th: &mut Thread,
    f: Borrowed<'_>,
    args: Borrowed<'_>,
    kwargs: Option<Borrowed<'_>>,
) -> PyResult<()> {
    if !f.is_callable() {
        return Err(th.type_error("first arg must be callable"));
    }
    if args.downcast::<Tuple>().is_none() {
        return Err(th.type_error("2nd arg must be a tuple"));
    }
    if kwargs.is_some_and(|k| k.downcast::<Dict>().is_none()) {
        return Err(th.type_error("optional 3rd arg must be a dictionary"));
    }
    Ok(())
}

fn start_new_thread(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    check_function(th, a[0], a[1], a.some(2))?;
    let kwargs = a.some(2).map(|k| k.to_owned());
    let s = Start { function: a[0].to_owned(), args: a[1].to_owned(), kwargs };
    let ident = start(th, Arc::default(), true, s)?;
    Ok(th.new_int(ident as i64))
}

fn start_joinable_thread(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if !a[0].is_callable() {
        return Err(th.type_error("thread function must be callable"));
    }
    let handle = a.some(1).map_or_else(|| handle::new(th), |h| h.to_owned());
    let Some(life) = handle::life(handle.borrow()) else {
        return Err(th.type_error("'handle' must be a _ThreadHandle"));
    };
    let daemon = match a.opt(2) {
        Some(daemon) => daemon.truth(th)?,
        None => true,
    };
    let args = th.new_tuple(Vec::new());
    start(th, life, daemon, Start { function: a[0].to_owned(), args, kwargs: None })?;
    Ok(handle)
}

fn get_ident(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    let n = th.ident as i64;
    Ok(th.new_int(n))
}

fn get_native_id(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    // SAFETY: a plain query.
    let n = unsafe { libc::syscall(libc::SYS_gettid) };
    Ok(th.new_int(n))
}

fn get_main_ident(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    // ORDERING Relaxed: set at start.
    let n = th.rt.threads.main_ident.load(Ordering::Relaxed);
    Ok(th.new_int(n as i64))
}

fn count(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    Ok(th.new_int(handle::count() as i64))
}

fn stack_size(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    // ORDERING Relaxed: a plain setting.
    let old = STACK_SIZE.load(Ordering::Relaxed);
    if let Some(n) = a.opt(0) {
        let n = n.to_i64(th)?;
        if n != 0 && n < 32 << 10 {
            let msg = format!("size not valid: {n} bytes");
            return Err(th.value_error(&msg));
        }
        // ORDERING Relaxed: as above.
        STACK_SIZE.store(n as usize, Ordering::Relaxed);
    }
    Ok(th.new_int(old as i64))
}

fn yes(_: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    Ok(Owned::bool(true))
}

fn shutdown(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    handle::join_all(th, false)?;
    Ok(Owned::none())
}

fn make_handle(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let ident = a[0].to_i64(th)? as u64;
    Ok(handle::of_stranger(th, ident))
}

fn exit(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    Err(th.raise_empty(&ex::SYSTEM_EXIT))
}

fn interrupt_main(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let signal = match a.opt(0) {
        Some(s) => s.to_i64(th)?,
        None => i64::from(libc::SIGINT),
    };
    if !(1..=i64::from(libc::SIGRTMAX())).contains(&signal) {
        return Err(th.value_error("signal number out of range"));
    }
    crate::signal::simulate(signal as i32);
    // In the main thread the handler runs before the call returns.
    typhon_core::threads::check_signals(th)?;
    Ok(Owned::none())
}

fn set_name(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let text = a[0].str_text(th)?;
    let mut bytes: Vec<u8> = text.bytes().filter(|b| *b != 0).take(15).collect();
    bytes.push(0);
    // SAFETY: a terminated string of at most 16 bytes.
    unsafe { libc::pthread_setname_np(libc::pthread_self(), bytes.as_ptr().cast()) };
    Ok(Owned::none())
}

/// Prints the uncaught exception of a thread: `args` has type, value, traceback and thread.
fn excepthook(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let value = a[0].getattr_str(th, "exc_value")?;
    if value.borrow().is_instance_of(&ex::SYSTEM_EXIT) {
        return Ok(Owned::none());
    }
    let thread = a[0].getattr_str(th, "thread")?;
    let name = if thread.is_none() {
        th.ident.to_string()
    } else {
        let n = thread.borrow().getattr_str(th, "name")?;
        n.borrow().str_text(th)?
    };
    let head = format!("Exception in thread {name}:\n");
    if th.sys_get("stderr").is_some_and(|stream| !stream.is_none()) {
        typhon_core::report::write_stderr(th, &head);
        typhon_core::report::print_exception(th, value.borrow());
    } else if !thread.is_none() {
        // The stream that the thread found when it was made.
        let stream = thread.borrow().getattr_str(th, "_stderr")?;
        if !stream.is_none() {
            let text = head + &typhon_core::report::native::format(th, value.borrow());
            let text = th.new_str(&text);
            stream.borrow().call_method_str(th, "write", &[text.borrow()])?;
            stream.borrow().call_method_str(th, "flush", &[])?;
        }
    }
    Ok(Owned::none())
}

fn setup(th: &mut Thread, m: Borrowed<'_>) -> PyResult<()> {
    let set = |th: &mut Thread, name: &str, v: Owned| {
        let name = th.intern(name);
        m.setattr(th, name.borrow(), Some(v.borrow()))
    };
    let max = th.new_float(TIMEOUT_MAX);
    set(th, "TIMEOUT_MAX", max)?;
    set(th, "error", ex::RUNTIME_ERROR.ty().as_value().to_owned())?;
    set(th, "LockType", LOCK.ty().as_value().to_owned())?;
    let args = local::hook_args_class(th)?;
    set(th, "_ExceptHookArgs", args)
}

pub static MODULE: ModuleDef = ModuleDef {
    name: "_thread",
    doc: "Threads and locks.",
    functions: &[
        NativeDef::new(
            "start_new_thread",
            "(function, args, kwargs=None, /)",
            start_new_thread,
            "Start a thread.",
        ),
        NativeDef::new("start_new", "(function, args, kwargs=None, /)", start_new_thread, ""),
        NativeDef::new(
            "start_joinable_thread",
            "(function, handle=None, daemon=True)",
            start_joinable_thread,
            "Start a thread that can be joined through its handle.",
        ),
        NativeDef::new("allocate_lock", "()", allocate_lock, "A new lock."),
        NativeDef::new("allocate", "()", allocate_lock, ""),
        NativeDef::new("get_ident", "()", get_ident, "Identity of this thread."),
        NativeDef::new("get_native_id", "()", get_native_id, "The system's number of this thread."),
        NativeDef::new("_get_main_thread_ident", "()", get_main_ident, ""),
        NativeDef::new("_count", "()", count, ""),
        NativeDef::new("stack_size", "(size=0, /)", stack_size, "Bytes of new threads' stacks."),
        NativeDef::new("daemon_threads_allowed", "()", yes, ""),
        NativeDef::new("_is_main_interpreter", "()", yes, ""),
        NativeDef::new("_make_thread_handle", "(ident, /)", make_handle, ""),
        NativeDef::new("_shutdown", "()", shutdown, "Wait for all threads that are not daemons."),
        NativeDef::new("exit", "()", exit, "Raise SystemExit: end this thread."),
        NativeDef::new("exit_thread", "()", exit, ""),
        NativeDef::new("interrupt_main", "(signum=SIGINT, /)", interrupt_main, "Simulate a signal."),
        NativeDef::new("set_name", "(name)", set_name, "Name of the system's thread."),
        NativeDef::new("_excepthook", "(args, /)", excepthook, "Print what a thread did not catch."),
    ],
    types: &[&LOCK, &RLOCK, &handle::HANDLE, &local::LOCAL],
    setup: Some(setup),
};
