//! Addresses: Python's tuples and paths as the system's structures and back.

use std::net::{Ipv4Addr, Ipv6Addr};

use typhon_core::buffer;
use typhon_core::builtins::bytes::Bytes;
use typhon_core::builtins::str::Str;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::{Borrowed, Owned, PyResult, Thread};

use super::{Socket, names};
use crate::support::{self, last_os_error, os_error};

/// An address of any family.
#[derive(Clone, Copy)]
pub struct Address {
    storage: libc::sockaddr_storage,
    pub len: libc::socklen_t,
}

impl Address {
    /// Bytes of the longest address.
    pub const ROOM: libc::socklen_t = size_of::<libc::sockaddr_storage>() as libc::socklen_t;

    /// Nothing yet.
    pub fn empty() -> Address {
        // SAFETY: all zero is a valid (unspecified) address.
        Address { storage: unsafe { core::mem::zeroed() }, len: 0 }
    }

    pub fn pointer(&self) -> *const libc::sockaddr {
        (&raw const self.storage).cast()
    }

    pub fn pointer_mut(&mut self) -> *mut libc::sockaddr {
        (&raw mut self.storage).cast()
    }

    /// An address from the system's own structure.
    ///
    /// # Safety
    /// `at` has `len` bytes.
    pub unsafe fn copied(at: *const libc::sockaddr, len: libc::socklen_t) -> Address {
        let mut a = Address::empty();
        a.len = len.min(Self::ROOM);
        // SAFETY: by contract; no more than there is room for.
        unsafe {
            core::ptr::copy_nonoverlapping(at.cast::<u8>(), (&raw mut a.storage).cast::<u8>(), a.len as usize)
        };
        a
    }

    pub fn of_v4(host: Ipv4Addr, port: u16) -> Address {
        let mut a = Address::empty();
        // SAFETY: the storage has room for every family.
        let s = unsafe { &mut *(&raw mut a.storage).cast::<libc::sockaddr_in>() };
        s.sin_family = libc::AF_INET as _;
        s.sin_port = port.to_be();
        s.sin_addr.s_addr = u32::from_ne_bytes(host.octets());
        a.len = size_of::<libc::sockaddr_in>() as _;
        a
    }

    pub fn of_v6(host: Ipv6Addr, port: u16, flow: u32, scope: u32) -> Address {
        let mut a = Address::empty();
        // SAFETY: the storage has room for every family.
        let s = unsafe { &mut *(&raw mut a.storage).cast::<libc::sockaddr_in6>() };
        s.sin6_family = libc::AF_INET6 as _;
        s.sin6_port = port.to_be();
        s.sin6_flowinfo = flow.to_be();
        s.sin6_addr.s6_addr = host.octets();
        s.sin6_scope_id = scope;
        a.len = size_of::<libc::sockaddr_in6>() as _;
        a
    }

    /// Host text and port of an internet address.
    pub fn host_port(&self) -> Option<(String, u16)> {
        match i32::from(self.storage.ss_family) {
            libc::AF_INET => {
                // SAFETY: the family says so.
                let s = unsafe { &*(&raw const self.storage).cast::<libc::sockaddr_in>() };
                let host = Ipv4Addr::from(s.sin_addr.s_addr.to_ne_bytes());
                Some((host.to_string(), u16::from_be(s.sin_port)))
            }
            libc::AF_INET6 => {
                // SAFETY: the family says so.
                let s = unsafe { &*(&raw const self.storage).cast::<libc::sockaddr_in6>() };
                let host = Ipv6Addr::from(s.sin6_addr.s6_addr);
                Some((host.to_string(), u16::from_be(s.sin6_port)))
            }
            _ => None,
        }
    }
}

/// Reads an address argument for a socket of `family`. `what` names the caller in messages.
pub fn read(th: &mut Thread, family: i32, o: Borrowed<'_>, what: &str) -> PyResult<Address> {
    match family {
        libc::AF_UNIX => read_unix(th, o),
        libc::AF_INET | libc::AF_INET6 => {
            let Some(t) = o.downcast::<Tuple>() else {
                let name = if family == libc::AF_INET { "AF_INET" } else { "AF_INET6" };
                let msg = format!("{what}(): {name} address must be tuple, not {}", o.type_name(th));
                return Err(th.type_error(&msg));
            };
            let most = if family == libc::AF_INET { 2 } else { 4 };
            if t.len() < 2 || t.len() > most {
                return Err(th.type_error(&format!("{what}(): wrong number of items in the address")));
            }
            let host = host_text(th, t.get(0))?;
            let port = t.get(1).to_i64(th)?;
            let Ok(port) = u16::try_from(port) else {
                return Err(th.overflow_error(&format!("{what}(): port must be 0-65535.")));
            };
            let number = |th: &mut Thread, i: usize| -> PyResult<u32> {
                if i < t.len() { Ok(t.get(i).to_i64(th)? as u32) } else { Ok(0) }
            };
            if family == libc::AF_INET {
                Ok(Address::of_v4(names::resolve_v4(th, &host)?, port))
            } else {
                let (flow, scope) = (number(th, 2)?, number(th, 3)?);
                Ok(Address::of_v6(names::resolve_v6(th, &host)?, port, flow, scope))
            }
        }
        _ => {
            let msg = format!("{what}(): unsupported address family");
            Err(th.raise(&typhon_core::builtins::exceptions::OS_ERROR, &msg))
        }
    }
}

/// A host name: str, bytes or bytearray.
pub fn host_text(th: &mut Thread, o: Borrowed<'_>) -> PyResult<String> {
    if let Some(s) = o.downcast::<Str>() {
        let text = s.to_text();
        if text.contains('\0') {
            return Err(th.type_error("host name must not contain null character"));
        }
        return Ok(text);
    }
    let b = buffer::bytes_like(th, o)?;
    Ok(String::from_utf8_lossy(&b).into_owned())
}

fn read_unix(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Address> {
    let path = if o.downcast::<Str>().is_some() {
        support::fs_bytes(th, o)?
    } else if let Some(b) = o.downcast::<Bytes>() {
        b.as_bytes().to_vec()
    } else {
        buffer::bytes_like(th, o)?.to_vec()
    };
    let mut a = Address::empty();
    // SAFETY: the storage has room for every family.
    let s = unsafe { &mut *(&raw mut a.storage).cast::<libc::sockaddr_un>() };
    s.sun_family = libc::AF_UNIX as _;
    // A name that begins with a zero byte lies in no folder and has no end mark.
    let is_abstract = path.first().is_none_or(|b| *b == 0);
    if path.len() + usize::from(!is_abstract) > s.sun_path.len() {
        let msg = "AF_UNIX path too long";
        return Err(th.raise(&typhon_core::builtins::exceptions::OS_ERROR, msg));
    }
    for (to, from) in s.sun_path.iter_mut().zip(&path) {
        *to = *from as libc::c_char;
    }
    let head = core::mem::offset_of!(libc::sockaddr_un, sun_path);
    a.len = (head + path.len() + usize::from(!is_abstract)) as _;
    Ok(a)
}

/// An address as Python sees it.
pub fn show(th: &mut Thread, a: &Address) -> Owned {
    if a.len == 0 {
        return Owned::none();
    }
    match i32::from(a.storage.ss_family) {
        libc::AF_INET | libc::AF_INET6 => {
            let (host, port) = a.host_port().expect("an internet address");
            let mut items = vec![th.new_str(&host), th.new_int(i64::from(port))];
            if i32::from(a.storage.ss_family) == libc::AF_INET6 {
                // SAFETY: the family says so.
                let s = unsafe { &*(&raw const a.storage).cast::<libc::sockaddr_in6>() };
                items.push(th.new_int(i64::from(u32::from_be(s.sin6_flowinfo))));
                items.push(th.new_int(i64::from(s.sin6_scope_id)));
            }
            th.new_tuple(items)
        }
        libc::AF_UNIX => {
            // SAFETY: the family says so.
            let s = unsafe { &*(&raw const a.storage).cast::<libc::sockaddr_un>() };
            let head = core::mem::offset_of!(libc::sockaddr_un, sun_path);
            let n = (a.len as usize).saturating_sub(head).min(s.sun_path.len());
            let path: Vec<u8> = s.sun_path[..n].iter().map(|c| *c as u8).collect();
            if path.first() == Some(&0) {
                return th.new_bytes(&path);
            }
            let end = path.iter().position(|b| *b == 0).unwrap_or(path.len());
            support::fs_str(th, &path[..end])
        }
        _ => Owned::none(),
    }
}

/// The address of one end of a socket.
pub fn of_socket(th: &mut Thread, s: &Socket, peer: bool) -> PyResult {
    let fd = s.number();
    if fd < 0 {
        return Err(os_error(th, libc::EBADF));
    }
    let mut a = Address::empty();
    a.len = Address::ROOM;
    let at: *mut Address = &mut a;
    // SAFETY: room for any address.
    let r = unsafe {
        if peer {
            libc::getpeername(fd, (*at).pointer_mut(), &mut (*at).len)
        } else {
            libc::getsockname(fd, (*at).pointer_mut(), &mut (*at).len)
        }
    };
    if r < 0 {
        return Err(last_os_error(th));
    }
    Ok(show(th, &a))
}
