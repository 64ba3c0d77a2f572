//! `select`: waiting for descriptors.

use std::time::{Duration, Instant};
use typhon_sync::prim::{AtomicI32, Ordering};

use typhon_core::builtins::exceptions as ex;
use typhon_core::{
    Args, ArgsExt, Borrowed, Data, GetSetDef, Locked, ModuleDef, NativeDef, Owned, PyResult, Slots, Thread,
    Type, TypeDef, payload, type_flags, unborn,
};

use crate::args::this;
use crate::support::{self, ModuleExt, blocking, check_signals, errno, fileno, last_os_error, os_error};

pub static MODULE: ModuleDef = ModuleDef {
    name: "select",
    doc: "This module supports asynchronous I/O on multiple file descriptors.",
    functions: &[
        NativeDef::new(
            "select",
            "($module, rlist, wlist, xlist, timeout=None, /)",
            select,
            "Wait until one or more file descriptors are ready for some kind of I/O.",
        ),
        NativeDef::new(
            "poll",
            "($module, /)",
            |th, _| Ok(th.alloc(Poll { header: unborn(), fds: Locked::new(Data(Vec::new())) })),
            "Returns a polling object.",
        ),
    ],
    types: &[&POLL, &EPOLL],
    setup: Some(setup),
};

fn setup(th: &mut Thread, m: Borrowed<'_>) -> PyResult<()> {
    m.add(th, "error", ex::OS_ERROR.ty().as_value().to_owned())?;
    m.add_int(th, "PIPE_BUF", libc::PIPE_BUF as i64)?;
    crate::add_libc!(th, m; POLLIN, POLLPRI, POLLOUT, POLLERR, POLLHUP, POLLNVAL, POLLRDNORM, POLLRDBAND, POLLWRNORM,
        POLLWRBAND, POLLRDHUP, EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLERR, EPOLLHUP, EPOLLRDHUP, EPOLLET, EPOLLONESHOT,
        EPOLLEXCLUSIVE, EPOLLRDNORM, EPOLLRDBAND, EPOLLWRNORM, EPOLLWRBAND, EPOLLMSG, EPOLL_CLOEXEC);
    Ok(())
}

/// When a timeout ends; `None` = never. `unit`: seconds of one unit of the argument.
fn deadline(
    th: &mut Thread,
    t: Option<Borrowed<'_>>,
    unit: f64,
    negative_waits: bool,
) -> PyResult<Option<Instant>> {
    let Some(t) = t.filter(|t| !t.is_none()) else { return Ok(None) };
    if t.as_float().is_none() && t.as_int().is_none() {
        let msg = "timeout must be a real number or None";
        return Err(th.type_error(msg));
    }
    let seconds = t.to_f64(th)? * unit;
    if seconds < 0.0 {
        return if negative_waits { Ok(None) } else { Err(th.value_error("timeout must be non-negative")) };
    }
    Ok(Instant::now()
        .checked_add(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(1 << 40))))
}

/// Milliseconds until then, rounded up; -1 = for ever.
fn millis_left(until: Option<Instant>) -> i32 {
    match until {
        None => -1,
        Some(t) => {
            let left = t.saturating_duration_since(Instant::now());
            left.as_nanos().div_ceil(1_000_000).min(i32::MAX as u128) as i32
        }
    }
}

/// Calls `wait(milliseconds)` until it succeeds or fails for good; signal handlers run in between.
fn wait(th: &mut Thread, until: Option<Instant>, mut wait: impl FnMut(i32) -> i32) -> PyResult<i32> {
    loop {
        let left = millis_left(until);
        let (r, e) = blocking(th, || {
            let r = wait(left);
            (r, if r < 0 { errno() } else { 0 })
        });
        if r >= 0 {
            return Ok(r);
        }
        if e != libc::EINTR {
            return Err(os_error(th, e));
        }
        check_signals(th)?;
    }
}

/// `select.select`, through `poll`, which has no limit on descriptors.
fn select(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let until = deadline(th, a.opt(3), 1.0, false)?;
    let events = [libc::POLLIN, libc::POLLOUT, libc::POLLPRI];
    let mut fds: Vec<libc::pollfd> = Vec::new();
    let mut objects: [Vec<Owned>; 3] = Default::default();
    for (list, events) in events.into_iter().enumerate() {
        objects[list] = a[list].to_vec(th)?;
        for o in &objects[list] {
            let fd = fileno(th, o.borrow())?;
            fds.push(libc::pollfd { fd, events, revents: 0 });
        }
    }
    wait(th, until, |left| {
        // SAFETY: so many entries.
        unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, left) }
    })?;
    if fds.iter().any(|f| f.revents & libc::POLLNVAL != 0) {
        return Err(os_error(th, libc::EBADF));
    }
    let ready = [libc::POLLIN | libc::POLLHUP | libc::POLLERR, libc::POLLOUT | libc::POLLERR, libc::POLLPRI];
    let mut at = 0;
    let mut out = Vec::with_capacity(3);
    for (list, objects) in objects.into_iter().enumerate() {
        let mut found = Vec::new();
        for o in objects {
            if fds[at].revents & ready[list] != 0 {
                found.push(o);
            }
            at += 1;
        }
        out.push(th.new_list(found));
    }
    Ok(th.new_tuple(out))
}

payload! {
    /// `select.poll()`
    pub struct Poll: POLL {
        fds: Locked<Data<Vec<(i32, i16)>>>,
    }
}

pub static POLL: TypeDef = TypeDef {
    module: "select",
    flags: type_flags::NO_NEW,
    slots: Slots::NONE,
    methods: &[
        NativeDef::new(
            "register",
            "($self, fd, eventmask=None, /)",
            |th, a| poll_set(th, a, true),
            "Register a file descriptor with the polling object.",
        ),
        NativeDef::new(
            "modify",
            "($self, fd, eventmask, /)",
            |th, a| poll_set(th, a, false),
            "Modify an already registered file descriptor.",
        ),
        NativeDef::new(
            "unregister",
            "($self, fd, /)",
            poll_remove,
            "Remove a file descriptor being tracked by the polling object.",
        ),
        NativeDef::new(
            "poll",
            "($self, timeout=None, /)",
            poll_wait,
            "Polls the set of registered file descriptors.",
        ),
    ],
    ..TypeDef::of::<Poll>("poll")
};

fn poll_set(th: &mut Thread, a: &[Borrowed<'_>], add: bool) -> PyResult {
    let fd = fileno(th, a[1])?;
    let events = match a.some(2) {
        Some(m) => support::c_int(th, m)? as u16 as i16,
        None => libc::POLLIN | libc::POLLPRI | libc::POLLOUT,
    };
    let p: &Poll = this(a[0]);
    let known = {
        let mut fds = p.fds.lock(&p.header, th);
        let place = fds.0.iter_mut().find(|f| f.0 == fd);
        let known = place.is_some();
        match place {
            Some(f) => f.1 = events,
            None if add => fds.0.push((fd, events)),
            None => {}
        }
        known
    };
    if !known && !add {
        return Err(os_error(th, libc::ENOENT));
    }
    Ok(Owned::none())
}

fn poll_remove(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = fileno(th, a[1])?;
    let p: &Poll = this(a[0]);
    let found = {
        let mut fds = p.fds.lock(&p.header, th);
        let at = fds.0.iter().position(|f| f.0 == fd);
        at.map(|i| fds.0.remove(i)).is_some()
    };
    if found {
        return Ok(Owned::none());
    }
    let key = th.new_int(i64::from(fd));
    Err(th.key_error(key.borrow()))
}

fn poll_wait(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let until = deadline(th, a.opt(1), 1e-3, true)?;
    let p: &Poll = this(a[0]);
    let mut fds: Vec<libc::pollfd> = {
        let fds = p.fds.lock(&p.header, th);
        fds.0.iter().map(|f| libc::pollfd { fd: f.0, events: f.1, revents: 0 }).collect()
    };
    wait(th, until, |left| {
        // SAFETY: so many entries.
        unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, left) }
    })?;
    let mut out = Vec::new();
    for f in fds.iter().filter(|f| f.revents != 0) {
        let pair = support::int_tuple(th, &[i64::from(f.fd), i64::from(f.revents as u16)]);
        out.push(pair);
    }
    Ok(th.new_list(out))
}

payload! {
    /// `select.epoll`
    pub struct Epoll: EPOLL {
        fd: AtomicI32,
    }
}

impl Drop for Epoll {
    fn drop(&mut self) {
        close(self);
    }
}

fn close(e: &Epoll) -> i32 {
    // ORDERING AcqRel: one caller gets the descriptor.
    let fd = e.fd.swap(-1, Ordering::AcqRel);
    // SAFETY: our descriptor, closed once.
    if fd >= 0 { unsafe { libc::close(fd) } } else { 0 }
}

pub static EPOLL: TypeDef = TypeDef {
    module: "select",
    doc: "select.epoll(sizehint=-1, flags=0)\n\nReturns an epolling object",
    slots: Slots { new: Some(epoll_new), ..Slots::NONE },
    methods: &[
        NativeDef::new(
            "close",
            "($self, /)",
            |_, a| {
                close(this(a[0]));
                Ok(Owned::none())
            },
            "Close the epoll control file descriptor.",
        ),
        NativeDef::new(
            "fileno",
            "($self, /)",
            |th, a| {
                let fd = epoll_fd(th, a[0])?;
                Ok(th.new_int(i64::from(fd)))
            },
            "Return the epoll control file descriptor.",
        ),
        NativeDef::new(
            "fromfd",
            "($type, fd, /)",
            |th, a| {
                let fd = support::c_int(th, a[1])?;
                Ok(th.alloc(Epoll { header: unborn(), fd: AtomicI32::new(fd) }))
            },
            "Create an epoll object from a given control fd.",
        )
        .class(),
        NativeDef::new(
            "register",
            "($self, /, fd, eventmask=None)",
            |th, a| epoll_set(th, a, libc::EPOLL_CTL_ADD),
            "Registers a new fd.",
        ),
        NativeDef::new(
            "modify",
            "($self, /, fd, eventmask)",
            |th, a| epoll_set(th, a, libc::EPOLL_CTL_MOD),
            "Modify event mask for a registered file descriptor.",
        ),
        NativeDef::new(
            "unregister",
            "($self, /, fd)",
            |th, a| epoll_set(th, a, libc::EPOLL_CTL_DEL),
            "Remove a registered file descriptor from the epoll object.",
        ),
        NativeDef::new(
            "poll",
            "($self, /, timeout=None, maxevents=-1)",
            epoll_wait,
            "Wait for events on the epoll file descriptor.",
        ),
        NativeDef::new(
            "__enter__",
            "($self, /)",
            |th, a| {
                epoll_fd(th, a[0])?;
                Ok(a[0].to_owned())
            },
            "",
        ),
        NativeDef::new(
            "__exit__",
            "($self, exc_type=None, exc_value=None, exc_tb=None, /)",
            |_, a| {
                close(this(a[0]));
                Ok(Owned::none())
            },
            "",
        ),
    ],
    getset: &[GetSetDef::get("closed", |_, o| {
        // ORDERING Relaxed: a snapshot.
        Ok(Owned::bool(this::<Epoll>(o).fd.load(Ordering::Relaxed) < 0))
    })],
    ..TypeDef::of::<Epoll>("epoll")
};

fn epoll_fd(th: &mut Thread, o: Borrowed<'_>) -> PyResult<i32> {
    // ORDERING Relaxed: a number.
    let fd = this::<Epoll>(o).fd.load(Ordering::Relaxed);
    if fd < 0 { Err(th.value_error("I/O operation on closed epoll object")) } else { Ok(fd) }
}

fn epoll_new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = crate::args::constructor::<Epoll>(th, ty, "(sizehint=-1, flags=0)", args)?;
    let size = support::c_int_or(th, a.opt(0), -1)?;
    if size < -1 || size == 0 {
        return Err(th.value_error("negative sizehint"));
    }
    // SAFETY: a plain call.
    let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
    if fd < 0 {
        return Err(last_os_error(th));
    }
    crate::args::made(th, ty, Epoll { header: unborn(), fd: AtomicI32::new(fd) })
}

fn epoll_set(th: &mut Thread, a: &[Borrowed<'_>], op: i32) -> PyResult {
    let epoll = epoll_fd(th, a[0])?;
    let fd = fileno(th, a[1])?;
    let events = match a.some(2) {
        Some(m) => m.to_i64(th)? as u32,
        None => (libc::EPOLLIN | libc::EPOLLPRI | libc::EPOLLOUT) as u32,
    };
    let mut event = libc::epoll_event { events, u64: fd as u64 };
    // SAFETY: an event to read.
    if unsafe { libc::epoll_ctl(epoll, op, fd, &mut event) } < 0 {
        return Err(last_os_error(th));
    }
    Ok(Owned::none())
}

fn epoll_wait(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let epoll = epoll_fd(th, a[0])?;
    let until = deadline(th, a.opt(1), 1.0, true)?;
    let max = match support::c_int_or(th, a.opt(2), -1)? {
        -1 => 1023,
        n if n < 1 => {
            let msg = format!("maxevents must be greater than 0, got {n}");
            return Err(th.value_error(&msg));
        }
        n => n,
    };
    let mut events = vec![libc::epoll_event { events: 0, u64: 0 }; max as usize];
    let n = wait(th, until, |left| {
        // SAFETY: room for so many events.
        unsafe { libc::epoll_wait(epoll, events.as_mut_ptr(), max, left) }
    })?;
    let mut out = Vec::with_capacity(n as usize);
    for e in &events[..n as usize] {
        let (fd, mask) = (e.u64 as i64, i64::from(e.events));
        out.push(support::int_tuple(th, &[fd, mask]));
    }
    Ok(th.new_list(out))
}
