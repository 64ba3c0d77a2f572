//! `_socket`: the system's sockets.

mod address;
mod constants;
mod message;
mod names;

use std::time::{Duration, Instant};
use typhon_sync::prim::{AtomicI32, AtomicI64, Ordering};

use typhon_core::buffer;
use typhon_core::builtins::exceptions as ex;
use typhon_core::{
    Args, ArgsExt, Borrowed, Data, GetSetDef, ModuleDef, NativeDef, Owned, PyResult, Raised, Slots, Thread,
    Type, TypeDef, payload, type_flags, unborn,
};

use self::address::Address;
use crate::args::this;
use crate::support::{
    self, ModuleExt, blocking, c_int, c_int_or, check_signals, errno, last_os_error, os_error,
};

pub static MODULE: ModuleDef = ModuleDef {
    name: "_socket",
    doc: "Implementation module for socket operations.\n\nSee the socket module for documentation.",
    functions: names::FUNCTIONS,
    types: &[&SOCKET],
    setup: Some(setup),
};

/// Timeout of new sockets in nanoseconds; -1 = wait for ever.
static DEFAULT_TIMEOUT: AtomicI64 = AtomicI64::new(-1);

payload! {
    /// A socket.
    pub struct Socket: SOCKET {
        fd: AtomicI32,
        family: Data<AtomicI32>,
        kind: Data<AtomicI32>,
        proto: Data<AtomicI32>,
        /// Nanoseconds; 0 = does not block, -1 = blocks for ever.
        timeout: AtomicI64,
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let fd = *self.fd.get_mut();
        if fd >= 0 {
            // SAFETY: our descriptor, closed once.
            unsafe { libc::close(fd) };
        }
    }
}

pub static SOCKET: TypeDef = TypeDef {
    module: "_socket",
    doc: "socket(family=AF_INET, type=SOCK_STREAM, proto=0) -> socket object\nsocket(family=-1, type=-1, proto=-1, fileno=None) -> socket object",
    flags: type_flags::BASE,
    slots: Slots {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        finalize: Some(finalize),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new(
            "_accept",
            "($self, /)",
            accept,
            "_accept() -> (integer, address info)\n\nWait for an incoming connection.",
        ),
        NativeDef::new(
            "bind",
            "($self, address, /)",
            |th, a| {
                let at = address::read(th, this::<Socket>(a[0]).family(), a[1], "bind")?;
                let fd = open(th, a[0])?;
                check(th, fd.bind(&at))
            },
            "Bind the socket to a local address.",
        ),
        NativeDef::new("close", "($self, /)", close, "Close the socket.  It cannot be used after this call."),
        NativeDef::new(
            "connect",
            "($self, address, /)",
            |th, a| match connect(th, a, "connect")? {
                0 => Ok(Owned::none()),
                e => Err(os_error(th, e)),
            },
            "Connect the socket to a remote address.",
        ),
        NativeDef::new(
            "connect_ex",
            "($self, address, /)",
            |th, a| {
                let e = connect(th, a, "connect_ex")?;
                Ok(th.new_int(i64::from(e)))
            },
            "This is like connect(address), but returns an error code (the errno value)\ninstead of raising an exception when an error occurs.",
        ),
        NativeDef::new(
            "detach",
            "($self, /)",
            |th, a| {
                // ORDERING AcqRel: one caller gets the descriptor.
                let fd = this::<Socket>(a[0]).fd.swap(-1, Ordering::AcqRel);
                Ok(th.new_int(i64::from(fd)))
            },
            "Close the socket object without closing the underlying file descriptor.",
        ),
        NativeDef::new(
            "fileno",
            "($self, /)",
            |th, a| {
                let fd = this::<Socket>(a[0]).number();
                Ok(th.new_int(i64::from(fd)))
            },
            "Return the integer file descriptor of the socket.",
        ),
        NativeDef::new(
            "getpeername",
            "($self, /)",
            |th, a| address::of_socket(th, this(a[0]), true),
            "Return the address of the remote endpoint.",
        ),
        NativeDef::new(
            "getsockname",
            "($self, /)",
            |th, a| address::of_socket(th, this(a[0]), false),
            "Return the address of the local endpoint.",
        ),
        NativeDef::new(
            "getsockopt",
            "($self, level, option, buffersize=0, /)",
            getsockopt,
            "Get a socket option.",
        ),
        NativeDef::new(
            "setsockopt",
            "($self, level, option, value, optlen=None, /)",
            setsockopt,
            "Set a socket option.",
        ),
        NativeDef::new(
            "listen",
            "($self, backlog=128, /)",
            |th, a| {
                let n = c_int_or(th, a.opt(1), 128)?.max(0);
                let fd = open(th, a[0])?.0;
                // SAFETY: a plain call.
                check(th, unsafe { libc::listen(fd, n) })
            },
            "Enable a server to accept connections.",
        ),
        NativeDef::new(
            "recv",
            "($self, bufsize, flags=0, /)",
            recv,
            "Receive up to buffersize bytes from the socket.",
        ),
        NativeDef::new(
            "recv_into",
            "($self, buffer, nbytes=0, flags=0)",
            recv_into,
            "A version of recv() that stores its data into a buffer.",
        ),
        NativeDef::new(
            "recvfrom",
            "($self, bufsize, flags=0, /)",
            recvfrom,
            "Like recv(buffersize, flags) but also return the sender's address info.",
        ),
        NativeDef::new(
            "recvfrom_into",
            "($self, buffer, nbytes=0, flags=0)",
            recvfrom_into,
            "Like recv_into(buffer[, nbytes[, flags]]) but also return the sender's address info.",
        ),
        NativeDef::new("send", "($self, data, flags=0, /)", send, "Send a data string to the socket."),
        NativeDef::new(
            "sendall",
            "($self, data, flags=0, /)",
            sendall,
            "Send a data string to the socket; all of it.",
        ),
        NativeDef::new(
            "sendto",
            "($self, data, flags_or_address, address=None, /)",
            sendto,
            "Like send(data, flags) but allows specifying the destination address.",
        ),
        NativeDef::new(
            "sendmsg",
            "($self, buffers, ancdata=(), flags=0, address=None, /)",
            message::sendmsg,
            "Send normal and ancillary data to the socket.",
        ),
        NativeDef::new(
            "recvmsg",
            "($self, bufsize, ancbufsize=0, flags=0, /)",
            message::recvmsg,
            "Receive normal data and ancillary data from the socket.",
        ),
        NativeDef::new(
            "setblocking",
            "($self, flag, /)",
            |th, a| {
                let t = if a[1].truth(th)? { -1 } else { 0 };
                set_timeout(th, this(a[0]), t)
            },
            "Set the socket to blocking (true) or non-blocking (false).",
        ),
        NativeDef::new(
            "getblocking",
            "($self, /)",
            |_, a| Ok(Owned::bool(this::<Socket>(a[0]).nanos() != 0)),
            "Returns True if socket is in blocking mode, or False if it is in non-blocking mode.",
        ),
        NativeDef::new(
            "settimeout",
            "($self, timeout, /)",
            |th, a| {
                let t = timeout_arg(th, a[1])?;
                set_timeout(th, this(a[0]), t)
            },
            "Set a timeout on socket operations.",
        ),
        NativeDef::new(
            "gettimeout",
            "($self, /)",
            |th, a| Ok(shown_timeout(th, this::<Socket>(a[0]).nanos())),
            "Returns the timeout in seconds (float) associated with socket operations.",
        ),
        NativeDef::new(
            "shutdown",
            "($self, how, /)",
            |th, a| {
                let how = c_int(th, a[1])?;
                let fd = open(th, a[0])?.0;
                // SAFETY: a plain call.
                check(th, unsafe { libc::shutdown(fd, how) })
            },
            "Shut down the reading side, the writing side of the socket, or both ends.",
        ),
    ],
    getset: &[
        GetSetDef::get("family", |th, o| Ok(th.new_int(i64::from(this::<Socket>(o).family())))),
        // ORDERING Relaxed: set once.
        GetSetDef::get("type", |th, o| {
            Ok(th.new_int(i64::from(this::<Socket>(o).kind.0.load(Ordering::Relaxed))))
        }),
        // ORDERING Relaxed: set once.
        GetSetDef::get("proto", |th, o| {
            Ok(th.new_int(i64::from(this::<Socket>(o).proto.0.load(Ordering::Relaxed))))
        }),
        GetSetDef::get("timeout", |th, o| Ok(shown_timeout(th, this::<Socket>(o).nanos()))),
    ],
    ..TypeDef::of::<Socket>("socket")
};

fn setup(th: &mut Thread, m: Borrowed<'_>) -> PyResult<()> {
    let os_error = ex::OS_ERROR.ty().as_value();
    m.add(th, "error", os_error.to_owned())?;
    m.add(th, "timeout", ex::TIMEOUT_ERROR.ty().as_value().to_owned())?;
    for name in ["gaierror", "herror"] {
        let class = crate::args::exception_class(th, "socket", name, os_error)?;
        if name == "gaierror" {
            drop(th.rt.store(names::GAIERROR, class.clone()));
        }
        m.add(th, name, class)?;
    }
    m.add(th, "SocketType", SOCKET.ty().as_value().to_owned())?;
    m.add(th, "has_ipv6", Owned::bool(true))?;
    constants::add(th, m)
}

/// An open descriptor.
pub(self) struct Fd(i32);

impl Fd {
    fn bind(&self, at: &Address) -> i32 {
        // SAFETY: an address of so many bytes.
        unsafe { libc::bind(self.0, at.pointer(), at.len) }
    }
}

impl Socket {
    fn number(&self) -> i32 {
        // ORDERING Relaxed: a number.
        self.fd.load(Ordering::Relaxed)
    }
    fn family(&self) -> i32 {
        // ORDERING Relaxed: set once.
        self.family.0.load(Ordering::Relaxed)
    }
    fn nanos(&self) -> i64 {
        // ORDERING Relaxed: a number.
        self.timeout.load(Ordering::Relaxed)
    }
}

/// The descriptor of an open socket. Errors: OSError (EBADF).
fn open(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Fd> {
    match this::<Socket>(o).number() {
        fd if fd >= 0 => Ok(Fd(fd)),
        _ => Err(os_error(th, libc::EBADF)),
    }
}

/// None, or the OSError of a call that returned a negative number.
fn check(th: &mut Thread, r: i32) -> PyResult {
    if r < 0 { Err(last_os_error(th)) } else { Ok(Owned::none()) }
}

/// A timeout argument in nanoseconds.
fn timeout_arg(th: &mut Thread, t: Borrowed<'_>) -> PyResult<i64> {
    if t.is_none() {
        return Ok(-1);
    }
    let seconds = t.to_f64(th)?;
    if seconds < 0.0 || seconds.is_nan() {
        return Err(th.value_error("Timeout value out of range"));
    }
    if seconds > 9.2e9 {
        return Err(th.overflow_error("timeout doesn't fit into C timeval"));
    }
    Ok((seconds * 1e9).ceil() as i64)
}

fn shown_timeout(th: &mut Thread, nanos: i64) -> Owned {
    if nanos < 0 { Owned::none() } else { th.new_float(nanos as f64 / 1e9) }
}

fn set_timeout(th: &mut Thread, s: &Socket, nanos: i64) -> PyResult {
    // ORDERING Relaxed: a number.
    s.timeout.store(nanos, Ordering::Relaxed);
    set_nonblocking(th, s.number(), nanos >= 0)
}

fn set_nonblocking(th: &mut Thread, fd: i32, on: bool) -> PyResult {
    let mut flag = i32::from(on);
    // SAFETY: an int to read.
    check(th, unsafe { libc::ioctl(fd, libc::FIONBIO, &mut flag) })
}

fn new(th: &mut Thread, ty: &Type, _: Args<'_>) -> PyResult {
    let number = || Data(AtomicI32::new(-1));
    // ORDERING Relaxed: a number.
    let timeout = AtomicI64::new(DEFAULT_TIMEOUT.load(Ordering::Relaxed));
    let s = Socket {
        header: unborn(),
        fd: AtomicI32::new(-1),
        family: number(),
        kind: number(),
        proto: number(),
        timeout,
    };
    crate::args::made(th, ty, s)
}

fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    let a = typhon_core::signature::bind(th, "socket", "(family=-1, type=-1, proto=-1, fileno=None)", args)?;
    let (mut family, mut kind, mut proto) =
        (c_int_or(th, a.opt(0), -1)?, c_int_or(th, a.opt(1), -1)?, c_int_or(th, a.opt(2), -1)?);
    let fd = match a.some(3) {
        Some(f) => {
            let fd = c_int(th, f)?;
            if fd < 0 {
                return Err(th.value_error("negative file descriptor"));
            }
            for (value, option) in
                [(&mut family, libc::SO_DOMAIN), (&mut kind, libc::SO_TYPE), (&mut proto, libc::SO_PROTOCOL)]
            {
                if *value == -1 {
                    let mut len = size_of::<i32>() as libc::socklen_t;
                    // SAFETY: room for an int.
                    let r = unsafe {
                        libc::getsockopt(fd, libc::SOL_SOCKET, option, (value as *mut i32).cast(), &mut len)
                    };
                    if r < 0 {
                        return Err(last_os_error(th));
                    }
                }
            }
            fd
        }
        None => {
            family = if family == -1 { libc::AF_INET } else { family };
            kind = if kind == -1 { libc::SOCK_STREAM } else { kind };
            proto = proto.max(0);
            // SAFETY: a plain call.
            let fd = unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, proto) };
            if fd < 0 {
                return Err(last_os_error(th));
            }
            fd
        }
    };
    fill(th, this(o), fd, family, kind, proto)
}

fn fill(th: &mut Thread, s: &Socket, fd: i32, family: i32, kind: i32, proto: i32) -> PyResult<()> {
    // ORDERING Relaxed: set before others use the socket.
    s.family.0.store(family, Ordering::Relaxed);
    s.kind.0.store(kind & !(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC), Ordering::Relaxed);
    s.proto.0.store(proto, Ordering::Relaxed);
    s.fd.store(fd, Ordering::Relaxed);
    if kind & libc::SOCK_NONBLOCK != 0 {
        s.timeout.store(0, Ordering::Relaxed);
    } else if s.nanos() >= 0 {
        set_nonblocking(th, fd, true)?;
    }
    Ok(())
}

/// A new socket object of the exact type for an open descriptor.
fn made(th: &mut Thread, fd: i32, family: i32, kind: i32, proto: i32) -> PyResult {
    let s = new(th, SOCKET.ty(), Args::positional(&[]))?;
    fill(th, this(s.borrow()), fd, family, kind, proto)?;
    Ok(s)
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let s: &Socket = this(o);
    // ORDERING Relaxed: numbers.
    let (kind, proto) = (s.kind.0.load(Ordering::Relaxed), s.proto.0.load(Ordering::Relaxed));
    let text =
        format!("<socket object, fd={}, family={}, type={kind}, proto={proto}>", s.number(), s.family());
    Ok(th.new_str(&text))
}

fn finalize(th: &mut Thread, o: Borrowed<'_>) -> PyResult<()> {
    if this::<Socket>(o).number() < 0 {
        return Ok(());
    }
    let msg = format!("unclosed {}", o.repr_text(th)?);
    let (warn, msg) = (support::import_attr(th, "_warnings", "warn")?, th.new_str(&msg));
    let class = ex::RESOURCE_WARNING.ty().as_value();
    let one = th.new_int(1);
    warn.borrow().call(th, &[msg.borrow(), class, one.borrow(), o])?;
    Ok(())
}

fn close(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    // ORDERING AcqRel: one caller gets the descriptor.
    let fd = this::<Socket>(a[0]).fd.swap(-1, Ordering::AcqRel);
    if fd < 0 {
        return Ok(Owned::none());
    }
    // SAFETY: our descriptor, closed once.
    let (r, e) = blocking(th, || (unsafe { libc::close(fd) }, errno()));
    if r < 0 && e != libc::ECONNRESET { Err(os_error(th, e)) } else { Ok(Owned::none()) }
}

/// Waits until a socket is ready. False: the deadline passed.
fn wait_ready(th: &mut Thread, fd: i32, events: i16, until: Option<Instant>) -> PyResult<bool> {
    loop {
        let left = match until {
            None => -1,
            Some(t) => t
                .saturating_duration_since(Instant::now())
                .as_nanos()
                .div_ceil(1_000_000)
                .min(i32::MAX as u128) as i32,
        };
        let (r, e) = blocking(th, || {
            let mut p = libc::pollfd { fd, events, revents: 0 };
            // SAFETY: one entry.
            (unsafe { libc::poll(&mut p, 1, left) }, errno())
        });
        match r {
            0 => return Ok(false),
            1.. => return Ok(true),
            _ if e == libc::EINTR => check_signals(th)?,
            _ => return Err(os_error(th, e)),
        }
    }
}

#[cold]
fn timed_out(th: &mut Thread) -> Raised {
    th.raise(&ex::TIMEOUT_ERROR, "timed out")
}

/// Runs a call on a socket as its timeout says: waits first if it has one, again when interrupted.
fn operate(th: &mut Thread, s: &Socket, events: i16, call: impl Fn(i32) -> isize) -> PyResult<isize> {
    let nanos = s.nanos();
    let until = (nanos > 0).then(|| Instant::now() + Duration::from_nanos(nanos as u64));
    operate_until(th, s, events, until, call)
}

fn operate_until(
    th: &mut Thread,
    s: &Socket,
    events: i16,
    until: Option<Instant>,
    call: impl Fn(i32) -> isize,
) -> PyResult<isize> {
    loop {
        let fd = s.number();
        if fd < 0 {
            return Err(os_error(th, libc::EBADF));
        }
        if until.is_some() && !wait_ready(th, fd, events, until)? {
            return Err(timed_out(th));
        }
        let (r, e) = blocking(th, || (call(fd), errno()));
        if r >= 0 {
            return Ok(r);
        }
        match e {
            libc::EINTR => check_signals(th)?,
            libc::EAGAIN if until.is_some() => {}
            _ => return Err(os_error(th, e)),
        }
    }
}

fn accept(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let s: &Socket = this(a[0]);
    let from = core::cell::RefCell::new(Address::empty());
    let fd = operate(th, s, libc::POLLIN, |fd| {
        let mut from = from.borrow_mut();
        from.len = Address::ROOM;
        let at: *mut Address = &mut *from;
        // SAFETY: room for any address.
        unsafe { libc::accept4(fd, (*at).pointer_mut(), &mut (*at).len, libc::SOCK_CLOEXEC) as isize }
    })?;
    let fd_value = th.new_int(fd as i64);
    let from = address::show(th, &from.into_inner());
    Ok(th.new_pair(fd_value, from))
}

/// `errno` of the attempt, 0 = connected.
fn connect(th: &mut Thread, a: &[Borrowed<'_>], what: &str) -> PyResult<i32> {
    let s: &Socket = this(a[0]);
    let at = address::read(th, s.family(), a[1], what)?;
    let fd = open(th, a[0])?.0;
    // SAFETY: an address of so many bytes.
    let (r, mut e) = blocking(th, || (unsafe { libc::connect(fd, at.pointer(), at.len) }, errno()));
    if r == 0 {
        return Ok(0);
    }
    let nanos = s.nanos();
    let waits = e == libc::EINTR && nanos != 0 || e == libc::EINPROGRESS && nanos > 0;
    if !waits {
        return Ok(e);
    }
    if e == libc::EINTR {
        check_signals(th)?;
    }
    let until = (nanos > 0).then(|| Instant::now() + Duration::from_nanos(nanos as u64));
    if !wait_ready(th, fd, libc::POLLOUT, until)? {
        if what == "connect_ex" {
            return Ok(libc::EWOULDBLOCK);
        }
        return Err(timed_out(th));
    }
    let mut len = size_of::<i32>() as libc::socklen_t;
    // SAFETY: room for an int.
    if unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_ERROR, (&raw mut e).cast(), &mut len) } < 0 {
        e = errno();
    }
    Ok(if e == libc::EISCONN { 0 } else { e })
}

fn getsockopt(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (level, option, size) = (c_int(th, a[1])?, c_int(th, a[2])?, c_int_or(th, a.opt(3), 0)?);
    let fd = open(th, a[0])?.0;
    if !(0..=1024).contains(&size) {
        return Err(th.raise(&ex::OS_ERROR, "getsockopt buflen out of range"));
    }
    let mut room = vec![0u8; (size as usize).max(4)];
    let mut len = if size == 0 { 4 } else { size as libc::socklen_t };
    // SAFETY: room for so many bytes.
    if unsafe { libc::getsockopt(fd, level, option, room.as_mut_ptr().cast(), &mut len) } < 0 {
        return Err(last_os_error(th));
    }
    if size == 0 {
        let v = i32::from_ne_bytes([room[0], room[1], room[2], room[3]]);
        return Ok(th.new_int(i64::from(v)));
    }
    Ok(th.new_bytes(&room[..len as usize]))
}

fn setsockopt(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (level, option) = (c_int(th, a[1])?, c_int(th, a[2])?);
    let fd = open(th, a[0])?.0;
    if a[3].is_none() {
        let len = c_int_or(th, a.opt(4), 0)? as libc::socklen_t;
        // SAFETY: no bytes are read.
        return check(th, unsafe { libc::setsockopt(fd, level, option, core::ptr::null(), len) });
    }
    if a[3].as_int().is_some() {
        let v = c_int(th, a[3])?;
        // SAFETY: an int to read.
        return check(th, unsafe { libc::setsockopt(fd, level, option, (&raw const v).cast(), 4) });
    }
    let data = buffer::bytes_like(th, a[3])?;
    // SAFETY: so many bytes to read.
    let r =
        unsafe { libc::setsockopt(fd, level, option, data.as_ptr().cast(), data.len() as libc::socklen_t) };
    check(th, r)
}

/// A size argument, which is not negative.
fn size_arg(th: &mut Thread, o: Borrowed<'_>, what: &str) -> PyResult<usize> {
    let n = o.to_isize(th)?;
    if n < 0 { Err(th.value_error(&format!("negative buffersize in {what}"))) } else { Ok(n as usize) }
}

fn recv(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (size, flags) = (size_arg(th, a[1], "recv")?, c_int_or(th, a.opt(2), 0)?);
    let mut room = Vec::<u8>::new();
    if room.try_reserve_exact(size).is_err() {
        return Err(th.memory_error(""));
    }
    let at = room.as_mut_ptr() as usize;
    let n = operate(th, this(a[0]), libc::POLLIN, |fd| {
        // SAFETY: room for so many bytes.
        unsafe { libc::recv(fd, at as *mut libc::c_void, size, flags) }
    })?;
    // SAFETY: the system wrote them.
    unsafe { room.set_len(n as usize) };
    Ok(th.new_bytes(&room))
}

/// The writable buffer of an argument and how many bytes of it to use.
fn target(th: &mut Thread, a: &[Borrowed<'_>], what: &str) -> PyResult<(buffer::Buffer, usize)> {
    let b = buffer::get_writable(th, a[1])?;
    let n = match a.opt(2) {
        Some(n) => size_arg(th, n, what)?,
        None => 0,
    };
    if n > b.len {
        return Err(th.value_error("nbytes is greater than the length of the buffer"));
    }
    let n = if n == 0 { b.len } else { n };
    Ok((b, n))
}

fn recv_into(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (mut b, size) = target(th, a, "recv_into")?;
    let flags = c_int_or(th, a.opt(3), 0)?;
    let at = b.as_mut_slice().as_mut_ptr() as usize;
    let n = operate(th, this(a[0]), libc::POLLIN, |fd| {
        // SAFETY: the buffer is held and has so many bytes.
        unsafe { libc::recv(fd, at as *mut libc::c_void, size, flags) }
    })?;
    Ok(th.new_int(n as i64))
}

fn receive_from(th: &mut Thread, s: &Socket, at: usize, size: usize, flags: i32) -> PyResult<(usize, Owned)> {
    let from = core::cell::RefCell::new(Address::empty());
    let n = operate(th, s, libc::POLLIN, |fd| {
        let mut from = from.borrow_mut();
        from.len = Address::ROOM;
        let place: *mut Address = &mut *from;
        // SAFETY: room for the bytes and for any address.
        unsafe {
            libc::recvfrom(
                fd,
                at as *mut libc::c_void,
                size,
                flags,
                (*place).pointer_mut(),
                &mut (*place).len,
            )
        }
    })?;
    let from = address::show(th, &from.into_inner());
    Ok((n as usize, from))
}

fn recvfrom(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (size, flags) = (size_arg(th, a[1], "recvfrom")?, c_int_or(th, a.opt(2), 0)?);
    let mut room = Vec::<u8>::new();
    if room.try_reserve_exact(size).is_err() {
        return Err(th.memory_error(""));
    }
    let (n, from) = receive_from(th, this(a[0]), room.as_mut_ptr() as usize, size, flags)?;
    // SAFETY: the system wrote them.
    unsafe { room.set_len(n) };
    let data = th.new_bytes(&room);
    Ok(th.new_pair(data, from))
}

fn recvfrom_into(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (mut b, size) = target(th, a, "recvfrom_into")?;
    let flags = c_int_or(th, a.opt(3), 0)?;
    let at = b.as_mut_slice().as_mut_ptr() as usize;
    let (n, from) = receive_from(th, this(a[0]), at, size, flags)?;
    let n = th.new_int(n as i64);
    Ok(th.new_pair(n, from))
}

fn send(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let flags = c_int_or(th, a.opt(2), 0)?;
    let b = buffer::get(th, a[1])?;
    let (at, len) = (b.as_slice().as_ptr() as usize, b.len);
    let n = operate(th, this(a[0]), libc::POLLOUT, |fd| {
        // SAFETY: the buffer is held and has so many bytes.
        unsafe { libc::send(fd, at as *const libc::c_void, len, flags) }
    })?;
    Ok(th.new_int(n as i64))
}

fn sendall(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let flags = c_int_or(th, a.opt(2), 0)?;
    let b = buffer::get(th, a[1])?;
    let s: &Socket = this(a[0]);
    let nanos = s.nanos();
    // The timeout is for all of it.
    let until = (nanos > 0).then(|| Instant::now() + Duration::from_nanos(nanos as u64));
    let (mut at, mut left) = (b.as_slice().as_ptr() as usize, b.len);
    while left > 0 {
        let n = operate_until(th, s, libc::POLLOUT, until, |fd| {
            // SAFETY: as in `send`.
            unsafe { libc::send(fd, at as *const libc::c_void, left, flags) }
        })? as usize;
        at += n;
        left -= n;
        check_signals(th)?;
    }
    Ok(Owned::none())
}

fn sendto(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (flags, to) = match a.opt(3) {
        Some(to) => (c_int(th, a[2])?, to),
        None => (0, a[2]),
    };
    let s: &Socket = this(a[0]);
    let to = address::read(th, s.family(), to, "sendto")?;
    let b = buffer::get(th, a[1])?;
    let (at, len) = (b.as_slice().as_ptr() as usize, b.len);
    let n = operate(th, s, libc::POLLOUT, |fd| {
        // SAFETY: the buffer is held; an address of so many bytes.
        unsafe { libc::sendto(fd, at as *const libc::c_void, len, flags, to.pointer(), to.len) }
    })?;
    Ok(th.new_int(n as i64))
}
