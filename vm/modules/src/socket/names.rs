//! Functions of the module: names and numbers of hosts, pairs of sockets.

use std::ffi::{CStr, CString};
use std::net::{Ipv4Addr, Ipv6Addr};
use typhon_sync::prim::Ordering;

use typhon_core::buffer;
use typhon_core::builtins::str::Str;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::{ArgsExt, Borrowed, NativeDef, Owned, PyResult, Raised, Thread};

use super::address::{self, Address};
use super::{DEFAULT_TIMEOUT, made, shown_timeout, timeout_arg};
use crate::support::{self, blocking, c_int, c_int_or, last_os_error};

/// Where the class `gaierror` is kept.
pub const GAIERROR: &str = "socket.gaierror";

pub const FUNCTIONS: &[NativeDef] = &[
    NativeDef::new(
        "socketpair",
        "($module, family=AF_UNIX, type=SOCK_STREAM, proto=0, /)",
        socketpair,
        "Create a pair of socket objects from the sockets returned by the platform\nsocketpair() function.",
    ),
    NativeDef::new(
        "close",
        "($module, fd, /)",
        |th, a| {
            let fd = c_int(th, a[0])?;
            // SAFETY: a plain call.
            super::check(th, unsafe { libc::close(fd) })
        },
        "Close an integer socket file descriptor.",
    ),
    NativeDef::new(
        "dup",
        "($module, fd, /)",
        |th, a| {
            let fd = c_int(th, a[0])?;
            // SAFETY: a plain call.
            let new = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) };
            if new < 0 { Err(last_os_error(th)) } else { Ok(th.new_int(i64::from(new))) }
        },
        "Duplicate an integer socket file descriptor.",
    ),
    NativeDef::new(
        "getdefaulttimeout",
        "($module, /)",
        |th, _| {
            // ORDERING Relaxed: a number.
            let t = DEFAULT_TIMEOUT.load(Ordering::Relaxed);
            Ok(shown_timeout(th, t))
        },
        "Returns the default timeout in seconds (float) for new socket objects.",
    ),
    NativeDef::new(
        "setdefaulttimeout",
        "($module, timeout, /)",
        |th, a| {
            let t = timeout_arg(th, a[0])?;
            // ORDERING Relaxed: a number.
            DEFAULT_TIMEOUT.store(t, Ordering::Relaxed);
            Ok(Owned::none())
        },
        "Set the default timeout in seconds (float) for new socket objects.",
    ),
    NativeDef::new(
        "gethostname",
        "($module, /)",
        |th, _| {
            let mut room = [0u8; 256];
            // SAFETY: room for so many bytes.
            if unsafe { libc::gethostname(room.as_mut_ptr().cast(), 255) } < 0 {
                return Err(last_os_error(th));
            }
            let end = room.iter().position(|b| *b == 0).unwrap_or(255);
            Ok(support::fs_str(th, &room[..end]))
        },
        "Return the current host name.",
    ),
    NativeDef::new(
        "gethostbyname",
        "($module, host, /)",
        |th, a| {
            let host = address::host_text(th, a[0])?;
            let ip = resolve_v4(th, &host)?;
            Ok(th.new_str(&ip.to_string()))
        },
        "Return the IP address (a string of the form '255.255.255.255') for a host.",
    ),
    NativeDef::new(
        "getaddrinfo",
        "($module, host, port, family=0, type=0, proto=0, flags=0)",
        getaddrinfo,
        "Resolve host and port into addrinfo struct.",
    ),
    NativeDef::new(
        "getnameinfo",
        "($module, sockaddr, flags, /)",
        getnameinfo,
        "Get host and port for a sockaddr.",
    ),
    NativeDef::new(
        "getservbyname",
        "($module, servicename, protocolname=None, /)",
        getservbyname,
        "Return a port number from a service name and protocol name.",
    ),
    NativeDef::new(
        "getprotobyname",
        "($module, name, /)",
        getprotobyname,
        "Return the protocol number for the named protocol.",
    ),
    NativeDef::new(
        "inet_aton",
        "($module, ip_addr, /)",
        inet_aton,
        "Convert an IP address in string format to the 32-bit packed binary format.",
    ),
    NativeDef::new(
        "inet_ntoa",
        "($module, packed_ip, /)",
        inet_ntoa,
        "Convert an IP address from 32-bit packed binary format to string format.",
    ),
    NativeDef::new(
        "inet_pton",
        "($module, address_family, ip_string, /)",
        inet_pton,
        "Convert an IP address from string format to a packed string.",
    ),
    NativeDef::new(
        "inet_ntop",
        "($module, address_family, packed_ip, /)",
        inet_ntop,
        "Convert a packed IP address of the given family to string format.",
    ),
    NativeDef::new(
        "htons",
        "($module, integer, /)",
        |th, a| swapped(th, a[0], 16),
        "Convert a 16-bit unsigned integer from host to network byte order.",
    ),
    NativeDef::new(
        "ntohs",
        "($module, integer, /)",
        |th, a| swapped(th, a[0], 16),
        "Convert a 16-bit unsigned integer from network to host byte order.",
    ),
    NativeDef::new(
        "htonl",
        "($module, integer, /)",
        |th, a| swapped(th, a[0], 32),
        "Convert a 32-bit unsigned integer from host to network byte order.",
    ),
    NativeDef::new(
        "ntohl",
        "($module, integer, /)",
        |th, a| swapped(th, a[0], 32),
        "Convert a 32-bit unsigned integer from network to host byte order.",
    ),
    NativeDef::new(
        "CMSG_LEN",
        "($module, length, /)",
        |th, a| cmsg(th, a[0], false),
        "Return the total length, without trailing padding, of an ancillary data item.",
    ),
    NativeDef::new(
        "CMSG_SPACE",
        "($module, length, /)",
        |th, a| cmsg(th, a[0], true),
        "Return the buffer size needed for recvmsg() to receive an ancillary data item.",
    ),
];

fn socketpair(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let family = c_int_or(th, a.opt(0), libc::AF_UNIX)?;
    let (kind, proto) = (c_int_or(th, a.opt(1), libc::SOCK_STREAM)?, c_int_or(th, a.opt(2), 0)?);
    let mut fds = [0; 2];
    // SAFETY: room for two descriptors.
    if unsafe { libc::socketpair(family, kind | libc::SOCK_CLOEXEC, proto, fds.as_mut_ptr()) } < 0 {
        return Err(last_os_error(th));
    }
    let first = made(th, fds[0], family, kind, proto)?;
    let second = made(th, fds[1], family, kind, proto)?;
    Ok(th.new_pair(first, second))
}

fn swapped(th: &mut Thread, o: Borrowed<'_>, bits: u32) -> PyResult {
    let v = o.to_i64(th)?;
    if v < 0 || v >> bits != 0 {
        let msg = format!("Python int too large to convert to C {bits}-bit unsigned integer");
        return Err(th.overflow_error(&msg));
    }
    let v = if bits == 16 { i64::from((v as u16).to_be()) } else { i64::from((v as u32).to_be()) };
    Ok(th.new_int(v))
}

fn cmsg(th: &mut Thread, o: Borrowed<'_>, padded: bool) -> PyResult {
    let n = o.to_isize(th)?;
    let space = usize::try_from(n).ok().and_then(super::message::space);
    let Some(space) = space else {
        let name = if padded { "CMSG_SPACE" } else { "CMSG_LEN" };
        return Err(th.overflow_error(&format!("{name}() argument out of range")));
    };
    // SAFETY: arithmetic; the size was checked.
    let n = if padded { space } else { unsafe { libc::CMSG_LEN(n as u32) as usize } };
    Ok(th.new_int(n as i64))
}

#[cold]
fn gai_error(th: &mut Thread, code: i32) -> Raised {
    if code == libc::EAI_SYSTEM {
        return last_os_error(th);
    }
    // SAFETY: a C string that lives for ever.
    let text = unsafe { CStr::from_ptr(libc::gai_strerror(code)) }.to_string_lossy().into_owned();
    let Some(class) = th.rt.stored(GAIERROR) else {
        return th.raise(&typhon_core::builtins::exceptions::OS_ERROR, &text);
    };
    let (code, text) = (th.new_int(i64::from(code)), th.new_str(&text));
    match class.borrow().call(th, &[code.borrow(), text.borrow()]) {
        Ok(exc) => th.set_exc(exc),
        Err(raised) => raised,
    }
}

/// What `getaddrinfo` gave: family, type, protocol, canonical name, address.
struct Found {
    family: i32,
    kind: i32,
    proto: i32,
    name: String,
    address: Address,
}

fn look_up(
    th: &mut Thread,
    host: Option<&str>,
    service: Option<&str>,
    (family, kind, proto, flags): (i32, i32, i32, i32),
) -> PyResult<Vec<Found>> {
    let c = |th: &mut Thread, s: Option<&str>| -> PyResult<Option<CString>> {
        match s.map(CString::new) {
            None => Ok(None),
            Some(Ok(s)) => Ok(Some(s)),
            Some(Err(_)) => Err(th.value_error("embedded null character")),
        }
    };
    let (host, service) = (c(th, host)?, c(th, service)?);
    // SAFETY: all zero asks for nothing in particular.
    let mut hints: libc::addrinfo = unsafe { core::mem::zeroed() };
    hints.ai_family = family;
    hints.ai_socktype = kind;
    hints.ai_protocol = proto;
    hints.ai_flags = flags;
    let found = blocking(th, || {
        let pointer = |s: &Option<CString>| s.as_ref().map_or(core::ptr::null(), |s| s.as_ptr());
        let mut list: *mut libc::addrinfo = core::ptr::null_mut();
        // SAFETY: C strings or null; the list is read and freed here.
        unsafe {
            let r = libc::getaddrinfo(pointer(&host), pointer(&service), &hints, &mut list);
            if r != 0 {
                return Err(r);
            }
            let (mut out, mut at) = (Vec::new(), list);
            while !at.is_null() {
                let i = &*at;
                let name = if i.ai_canonname.is_null() {
                    String::new()
                } else {
                    CStr::from_ptr(i.ai_canonname).to_string_lossy().into_owned()
                };
                out.push(Found {
                    family: i.ai_family,
                    kind: i.ai_socktype,
                    proto: i.ai_protocol,
                    name,
                    address: Address::copied(i.ai_addr, i.ai_addrlen),
                });
                at = i.ai_next;
            }
            libc::freeaddrinfo(list);
            Ok(out)
        }
    });
    found.map_err(|code| gai_error(th, code))
}

/// The first address of a host; `""` is any, `<broadcast>` all.
pub fn resolve_v4(th: &mut Thread, host: &str) -> PyResult<Ipv4Addr> {
    match host {
        "" => return Ok(Ipv4Addr::UNSPECIFIED),
        "<broadcast>" => return Ok(Ipv4Addr::BROADCAST),
        _ => {}
    }
    if let Ok(ip) = host.parse() {
        return Ok(ip);
    }
    let found = look_up(th, Some(host), None, (libc::AF_INET, libc::SOCK_STREAM, 0, 0))?;
    let first = found.first().and_then(|f| f.address.host_port()).and_then(|(h, _)| h.parse().ok());
    first.ok_or_else(|| gai_error(th, libc::EAI_NONAME))
}

/// As [`resolve_v4`].
pub fn resolve_v6(th: &mut Thread, host: &str) -> PyResult<Ipv6Addr> {
    if host.is_empty() {
        return Ok(Ipv6Addr::UNSPECIFIED);
    }
    if let Ok(ip) = host.parse() {
        return Ok(ip);
    }
    let found = look_up(th, Some(host), None, (libc::AF_INET6, libc::SOCK_STREAM, 0, 0))?;
    let first = found.first().and_then(|f| f.address.host_port()).and_then(|(h, _)| h.parse().ok());
    first.ok_or_else(|| gai_error(th, libc::EAI_NONAME))
}

fn getaddrinfo(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let host = if a[0].is_none() { None } else { Some(address::host_text(th, a[0])?) };
    let service = if a[1].is_none() {
        None
    } else if a[1].as_int().is_some() {
        Some(a[1].to_i64(th)?.to_string())
    } else if a[1].downcast::<Str>().is_some() || buffer::bytes_like_opt(th, a[1])?.is_some() {
        Some(address::host_text(th, a[1])?)
    } else {
        return Err(th.raise(&typhon_core::builtins::exceptions::OS_ERROR, "Int or String expected"));
    };
    let mut hints = [0; 4];
    for (i, h) in hints.iter_mut().enumerate() {
        *h = c_int_or(th, a.opt(i + 2), 0)?;
    }
    let hints = (hints[0], hints[1], hints[2], hints[3]);
    let found = look_up(th, host.as_deref(), service.as_deref(), hints)?;
    let mut out = Vec::with_capacity(found.len());
    for f in found {
        let items = vec![
            th.new_int(i64::from(f.family)),
            th.new_int(i64::from(f.kind)),
            th.new_int(i64::from(f.proto)),
            th.new_str(&f.name),
            address::show(th, &f.address),
        ];
        out.push(th.new_tuple(items));
    }
    Ok(th.new_list(out))
}

fn getnameinfo(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let flags = c_int(th, a[1])?;
    let Some(t) = a[0].downcast::<Tuple>().filter(|t| t.len() >= 2) else {
        return Err(th.type_error("getnameinfo() argument 1 must be a tuple"));
    };
    let host = address::host_text(th, t.get(0))?;
    let family = if host.contains(':') { libc::AF_INET6 } else { libc::AF_INET };
    let at = address::read(th, family, a[0], "getnameinfo")?;
    let (mut name, mut service) = ([0u8; 1025], [0u8; 32]);
    // SAFETY: an address of so many bytes, and room for both names.
    let r = blocking(th, || unsafe {
        libc::getnameinfo(
            at.pointer(),
            at.len,
            name.as_mut_ptr().cast(),
            1025,
            service.as_mut_ptr().cast(),
            32,
            flags,
        )
    });
    if r != 0 {
        return Err(gai_error(th, r));
    }
    let text =
        |b: &[u8]| CStr::from_bytes_until_nul(b).map_or(String::new(), |s| s.to_string_lossy().into_owned());
    let (name, service) = (th.new_str(&text(&name)), th.new_str(&text(&service)));
    Ok(th.new_pair(name, service))
}

fn getservbyname(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let name = address::host_text(th, a[0])?;
    let kind = match a.some(1) {
        None => 0,
        Some(p) => match address::host_text(th, p)?.as_str() {
            "udp" => libc::SOCK_DGRAM,
            _ => libc::SOCK_STREAM,
        },
    };
    let found = look_up(th, None, Some(&name), (libc::AF_INET, kind, 0, 0));
    let port = found.ok().and_then(|f| f.first().and_then(|f| f.address.host_port()));
    match port {
        Some((_, port)) => Ok(th.new_int(i64::from(port))),
        None => {
            drop(th.take_exc());
            Err(th.raise(&typhon_core::builtins::exceptions::OS_ERROR, "service/proto not found"))
        }
    }
}

fn getprotobyname(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let name = address::host_text(th, a[0])?;
    let number = match name.as_str() {
        "ip" => 0,
        "icmp" => 1,
        "igmp" => 2,
        "tcp" => 6,
        "udp" => 17,
        "ipv6" => 41,
        "ipv6-icmp" => 58,
        "sctp" => 132,
        _ => return Err(th.raise(&typhon_core::builtins::exceptions::OS_ERROR, "protocol not found")),
    };
    Ok(th.new_int(number))
}

fn illegal(th: &mut Thread, what: &str) -> Raised {
    th.raise(
        &typhon_core::builtins::exceptions::OS_ERROR,
        &format!("illegal IP address string passed to {what}"),
    )
}

fn inet_aton(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let text = address::host_text(th, a[0])?;
    let Ok(c) = CString::new(text) else { return Err(illegal(th, "inet_aton")) };
    let mut out = libc::in_addr { s_addr: 0 };
    unsafe extern "C" {
        fn inet_aton(text: *const libc::c_char, out: *mut libc::in_addr) -> libc::c_int;
    }
    // SAFETY: a C string and room for an address.
    if unsafe { inet_aton(c.as_ptr(), &mut out) } == 0 {
        return Err(illegal(th, "inet_aton"));
    }
    Ok(th.new_bytes(&out.s_addr.to_ne_bytes()))
}

fn inet_ntoa(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let b = buffer::bytes_like(th, a[0])?.to_vec();
    match <[u8; 4]>::try_from(b.as_slice()) {
        Ok(octets) => Ok(th.new_str(&Ipv4Addr::from(octets).to_string())),
        Err(_) => Err(th.raise(&typhon_core::builtins::exceptions::OS_ERROR, "packed IP wrong length")),
    }
}

fn inet_pton(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let family = c_int(th, a[0])?;
    let text = address::host_text(th, a[1])?;
    match family {
        libc::AF_INET => match text.parse::<Ipv4Addr>() {
            Ok(ip) => Ok(th.new_bytes(&ip.octets())),
            Err(_) => Err(illegal(th, "inet_pton")),
        },
        libc::AF_INET6 => match text.parse::<Ipv6Addr>() {
            Ok(ip) => Ok(th.new_bytes(&ip.octets())),
            Err(_) => Err(illegal(th, "inet_pton")),
        },
        _ => Err(support::os_error(th, libc::EAFNOSUPPORT)),
    }
}

fn inet_ntop(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let family = c_int(th, a[0])?;
    let b = buffer::bytes_like(th, a[1])?.to_vec();
    let text = match family {
        libc::AF_INET => <[u8; 4]>::try_from(b.as_slice()).ok().map(|o| Ipv4Addr::from(o).to_string()),
        libc::AF_INET6 => <[u8; 16]>::try_from(b.as_slice()).ok().map(|o| Ipv6Addr::from(o).to_string()),
        _ => {
            let msg = format!("unknown address family {family}");
            return Err(th.value_error(&msg));
        }
    };
    match text {
        Some(t) => Ok(th.new_str(&t)),
        None => Err(th.value_error("invalid length of packed IP address string")),
    }
}
