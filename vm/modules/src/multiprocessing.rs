//! `_multiprocessing`: semaphores that processes share.

use std::ffi::CString;
use std::time::Duration;
use typhon_sync::prim::{AtomicI32, AtomicU64, Ordering};

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::str::Str;
use typhon_core::{
    Args, ArgsExt, Borrowed, Data, GetSetDef, ModuleDef, NativeDef, Owned, PyResult, Slot, Slots, Thread,
    Type, TypeDef, payload, type_flags, unborn,
};

use crate::args::this;
use crate::support::{self, ModuleExt, errno, last_os_error, os_error};

pub static MODULE: ModuleDef = ModuleDef {
    name: "_multiprocessing",
    doc: "",
    functions: &[NativeDef::new("sem_unlink", "($module, name, /)", sem_unlink, "")],
    types: &[&SEM_LOCK],
    setup: Some(setup),
};

const RECURSIVE_MUTEX: i32 = 0;
const SEMAPHORE: i32 = 1;

payload! {
    /// A named POSIX semaphore, as a counting one or as a mutex that its holder may take again.
    pub struct SemLock: SEM_LOCK {
        /// Address of the `sem_t`.
        handle: Data<usize>,
        kind: Data<i32>,
        maxvalue: Data<i32>,
        name: Slot,
        /// How often this process's holder has taken it.
        count: AtomicI32,
        /// Identity of the thread that holds it.
        holder: AtomicU64,
    }
}

pub static SEM_LOCK: TypeDef = TypeDef {
    module: "_multiprocessing",
    doc: "Semaphore/Mutex type",
    flags: type_flags::BASE | type_flags::GC,
    slots: Slots { new: Some(new), ..Slots::NONE },
    methods: &[
        NativeDef::new(
            "acquire",
            "($self, /, block=True, timeout=None)",
            acquire,
            "Acquire the semaphore/lock.",
        ),
        NativeDef::new("release", "($self, /)", release, "Release the semaphore/lock."),
        NativeDef::new("__enter__", "($self, /)", |th, a| acquire(th, &a[..1]), "Enter the semaphore/lock."),
        NativeDef::new(
            "__exit__",
            "($self, exc_type=None, exc_value=None, exc_tb=None, /)",
            |th, a| release(th, &a[..1]),
            "Exit the semaphore/lock.",
        ),
        NativeDef::raw("_rebuild", "($type, handle, kind, maxvalue, name, /)", rebuild, "").class(),
        NativeDef::new(
            "_count",
            "($self, /)",
            |th, a| {
                // ORDERING Relaxed: a snapshot.
                let n = this::<SemLock>(a[0]).count.load(Ordering::Relaxed);
                Ok(th.new_int(i64::from(n)))
            },
            "Num of `acquire()`s minus num of `release()`s for this process.",
        ),
        NativeDef::new(
            "_is_mine",
            "($self, /)",
            |th, a| Ok(Owned::bool(is_mine(th, this(a[0])))),
            "Whether the lock is owned by this thread.",
        ),
        NativeDef::new(
            "_get_value",
            "($self, /)",
            |th, a| {
                let v = value(th, this(a[0]))?;
                Ok(th.new_int(i64::from(v)))
            },
            "Get the value of the semaphore.",
        ),
        NativeDef::new(
            "_is_zero",
            "($self, /)",
            |th, a| Ok(Owned::bool(value(th, this(a[0]))? == 0)),
            "Return whether semaphore has value zero.",
        ),
        NativeDef::new(
            "_after_fork",
            "($self, /)",
            |_, a| {
                // ORDERING Relaxed: the child has one thread.
                this::<SemLock>(a[0]).count.store(0, Ordering::Relaxed);
                Ok(Owned::none())
            },
            "Rezero the net acquisition count after fork().",
        ),
    ],
    getset: &[
        GetSetDef::get("handle", |th, o| Ok(th.new_uint(this::<SemLock>(o).handle.0 as u64))),
        GetSetDef::get("kind", |th, o| Ok(th.new_int(i64::from(this::<SemLock>(o).kind.0)))),
        GetSetDef::get("maxvalue", |th, o| Ok(th.new_int(i64::from(this::<SemLock>(o).maxvalue.0)))),
        GetSetDef::get("name", |_, o| {
            Ok(this::<SemLock>(o).name.fixed().unwrap_or(Borrowed::none()).to_owned())
        }),
    ],
    ..TypeDef::of::<SemLock>("SemLock")
};

fn setup(th: &mut Thread, m: Borrowed<'_>) -> PyResult<()> {
    let flags = th.new_dict();
    for name in ["HAVE_SEM_OPEN", "HAVE_SEM_TIMEDWAIT", "HAVE_FD_TRANSFER"] {
        let (key, one) = (th.intern(name), th.new_int(1));
        flags.payload::<Dict>().set(th, key.borrow(), one)?;
    }
    m.add(th, "flags", flags)?;
    let (key, max) = (th.intern("SEM_VALUE_MAX"), th.new_int(i64::from(i32::MAX)));
    SEM_LOCK.ty().namespace().set(th, key.borrow(), max)
}

fn c_name(th: &mut Thread, o: Borrowed<'_>) -> PyResult<CString> {
    let Some(s) = o.downcast::<Str>() else {
        let msg = format!("argument must be str, not {}", o.type_name(th));
        return Err(th.type_error(&msg));
    };
    CString::new(s.to_text()).map_err(|_| th.value_error("embedded null character"))
}

fn sem_unlink(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let name = c_name(th, a[0])?;
    // SAFETY: a C string.
    if unsafe { libc::sem_unlink(name.as_ptr()) } < 0 {
        return Err(last_os_error(th));
    }
    Ok(Owned::none())
}

fn made(
    th: &mut Thread,
    ty: &Type,
    handle: *mut libc::sem_t,
    kind: i32,
    maxvalue: i32,
    name: Owned,
) -> PyResult {
    let payload = SemLock {
        header: unborn(),
        handle: Data(handle as usize),
        kind: Data(kind),
        maxvalue: Data(maxvalue),
        name: Slot::new(name),
        count: AtomicI32::new(0),
        holder: AtomicU64::new(0),
    };
    crate::args::made(th, ty, payload)
}

fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = crate::args::constructor::<SemLock>(th, ty, "(kind, value, maxvalue, name, unlink)", args)?;
    let (kind, first, max) =
        (support::c_int(th, a[0])?, support::c_int(th, a[1])?, support::c_int(th, a[2])?);
    let unlink = a[4].truth(th)?;
    if kind != RECURSIVE_MUTEX && kind != SEMAPHORE {
        return Err(th.value_error("unrecognized kind"));
    }
    let name = c_name(th, a[3])?;
    // SAFETY: a C string; mode and first value are the variable arguments.
    let handle = unsafe { libc::sem_open(name.as_ptr(), libc::O_CREAT | libc::O_EXCL, 0o600, first) };
    if handle == libc::SEM_FAILED {
        return Err(last_os_error(th));
    }
    // SAFETY: a C string.
    if unlink && unsafe { libc::sem_unlink(name.as_ptr()) } < 0 {
        return Err(last_os_error(th));
    }
    let shown = if unlink { Owned::none() } else { a[3].to_owned() };
    made(th, ty, handle, kind, max, shown)
}

/// The semaphore of another process (spawn), by its name; of this one (fork), by its handle.
fn rebuild(th: &mut Thread, args: Args<'_>) -> PyResult {
    let Some((class, args_left)) = args.all.split_first() else {
        return Err(th.type_error("_rebuild() needs a class"));
    };
    let [handle, kind, max, name] = args_left else {
        return Err(th.type_error("_rebuild() takes exactly 4 arguments"));
    };
    let (kind, max) = (support::c_int(th, *kind)?, support::c_int(th, *max)?);
    let address = if name.is_none() {
        handle.to_i64(th)? as usize as *mut libc::sem_t
    } else {
        let text = c_name(th, *name)?;
        // SAFETY: a C string.
        let opened = unsafe { libc::sem_open(text.as_ptr(), 0) };
        if opened == libc::SEM_FAILED {
            return Err(last_os_error(th));
        }
        opened
    };
    let Some(ty) = class.downcast::<Type>() else { return Err(th.type_error("_rebuild() needs a class")) };
    made(th, ty, address, kind, max, (*name).to_owned())
}

fn sem(s: &SemLock) -> *mut libc::sem_t {
    s.handle.0 as *mut libc::sem_t
}

fn is_mine(th: &Thread, s: &SemLock) -> bool {
    // ORDERING Relaxed: only this thread writes its own identity, and takes it back.
    s.count.load(Ordering::Relaxed) > 0 && s.holder.load(Ordering::Relaxed) == th.ident
}

fn value(th: &mut Thread, s: &SemLock) -> PyResult<i32> {
    let mut v = 0;
    // SAFETY: a semaphore that is never closed while the object lives.
    if unsafe { libc::sem_getvalue(sem(s), &mut v) } < 0 {
        return Err(last_os_error(th));
    }
    Ok(v.max(0))
}

fn acquire(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let s: &SemLock = this(a[0]);
    let block = match a.opt(1) {
        Some(b) => b.truth(th)?,
        None => true,
    };
    if s.kind.0 == RECURSIVE_MUTEX && is_mine(th, s) {
        // ORDERING Relaxed: only the holder counts.
        s.count.fetch_add(1, Ordering::Relaxed);
        return Ok(Owned::bool(true));
    }
    let until = match a.some(2) {
        Some(t) if block => {
            let seconds = t.to_f64(th)?.max(0.0);
            // SAFETY: all zero is a valid timespec.
            let mut now: libc::timespec = unsafe { core::mem::zeroed() };
            // SAFETY: a place for the time.
            unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &mut now) };
            let at = Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
                .saturating_add(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(1 << 40)));
            Some(libc::timespec { tv_sec: at.as_secs() as _, tv_nsec: at.subsec_nanos() as _ })
        }
        _ => None,
    };
    let address = s.handle.0;
    // SAFETY: as in `value`.
    let mut got = unsafe { libc::sem_trywait(sem(s)) };
    let mut error = if got < 0 { errno() } else { 0 };
    if got < 0 && error == libc::EAGAIN && block {
        let waited = support::retry(th, || {
            let sem = address as *mut libc::sem_t;
            // SAFETY: as in `value`.
            unsafe {
                match &until {
                    Some(t) => libc::sem_timedwait(sem, t),
                    None => libc::sem_wait(sem),
                }
            }
        })?;
        (got, error) = match waited {
            Ok(_) => (0, 0),
            Err(e) => (-1, e),
        };
    }
    if got < 0 {
        return match error {
            libc::EAGAIN | libc::ETIMEDOUT => Ok(Owned::bool(false)),
            e => Err(os_error(th, e)),
        };
    }
    // ORDERING Relaxed: the semaphore orders holders.
    s.count.fetch_add(1, Ordering::Relaxed);
    s.holder.store(th.ident, Ordering::Relaxed);
    Ok(Owned::bool(true))
}

fn release(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let s: &SemLock = this(a[0]);
    if s.kind.0 == RECURSIVE_MUTEX {
        if !is_mine(th, s) {
            let class = crate::support::builtin(th, "AssertionError");
            let msg = th.new_str("attempt to release recursive lock not owned by thread");
            let exc = class.borrow().call(th, &[msg.borrow()])?;
            return Err(th.set_exc(exc));
        }
        // ORDERING Relaxed: only the holder counts.
        if s.count.load(Ordering::Relaxed) > 1 {
            s.count.fetch_sub(1, Ordering::Relaxed);
            return Ok(Owned::none());
        }
    } else if value(th, s)? >= s.maxvalue.0 {
        return Err(th.value_error("semaphore or lock released too many times"));
    }
    // ORDERING Relaxed: before the post, which hands over.
    s.count.fetch_sub(1, Ordering::Relaxed);
    // SAFETY: as in `value`.
    if unsafe { libc::sem_post(sem(s)) } < 0 {
        return Err(last_os_error(th));
    }
    Ok(Owned::none())
}
