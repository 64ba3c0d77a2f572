//! `sendmsg` and `recvmsg`: data with what travels beside it, such as descriptors.

use typhon_core::buffer;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::{ArgsExt, Borrowed, PyResult, Thread};

use super::address::{self, Address};
use super::{Socket, operate, size_arg};
use crate::args::this;
use crate::support::{c_int, c_int_or};

/// Bytes that control data of `n` bytes take, padding included. `None`: too many.
pub fn space(n: usize) -> Option<usize> {
    let n = u32::try_from(n).ok().filter(|n| *n < i32::MAX as u32 - 64)?;
    // SAFETY: arithmetic.
    Some(unsafe { libc::CMSG_SPACE(n) } as usize)
}

/// `sendmsg(buffers, ancdata, flags, address)`
pub fn sendmsg(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let s: &Socket = this(a[0]);
    let parts = a[1].to_vec(th)?;
    let mut held = Vec::with_capacity(parts.len());
    for p in &parts {
        held.push(buffer::get(th, p.borrow())?);
    }
    let mut pieces: Vec<libc::iovec> = held
        .iter()
        .map(|b| libc::iovec { iov_base: b.as_slice().as_ptr() as *mut libc::c_void, iov_len: b.len })
        .collect();
    let mut control: Vec<(i32, i32, Vec<u8>)> = Vec::new();
    if let Some(list) = a.some(2) {
        for item in list.to_vec(th)? {
            let Some(t) = item.borrow().downcast::<Tuple>().filter(|t| t.len() == 3) else {
                return Err(th.type_error("[sendmsg() ancillary data items] must be 3-item tuples"));
            };
            let (level, kind) = (c_int(th, t.get(0))?, c_int(th, t.get(1))?);
            let data = buffer::bytes_like(th, t.get(2))?.to_vec();
            control.push((level, kind, data));
        }
    }
    let flags = c_int_or(th, a.opt(3), 0)?;
    let to = match a.some(4) {
        Some(o) => Some(address::read(th, s.family(), o, "sendmsg")?),
        None => None,
    };
    let room: Option<usize> = control.iter().map(|c| space(c.2.len())).sum();
    let Some(room) = room else {
        return Err(th.raise(&typhon_core::builtins::exceptions::OS_ERROR, "ancillary data item too large"));
    };
    // In words, so that the headers are aligned.
    let mut bytes = vec![0u64; room.div_ceil(8)];
    // SAFETY: all zero is an empty message.
    let mut msg: libc::msghdr = unsafe { core::mem::zeroed() };
    msg.msg_iov = pieces.as_mut_ptr();
    msg.msg_iovlen = pieces.len() as _;
    if let Some(to) = &to {
        msg.msg_name = to.pointer() as *mut libc::c_void;
        msg.msg_namelen = to.len;
    }
    if !control.is_empty() {
        msg.msg_control = bytes.as_mut_ptr().cast();
        msg.msg_controllen = room as _;
        // SAFETY: `room` has a header and the padded data of every item.
        unsafe {
            let mut at = libc::CMSG_FIRSTHDR(&msg);
            for (level, kind, data) in &control {
                (*at).cmsg_level = *level;
                (*at).cmsg_type = *kind;
                (*at).cmsg_len = libc::CMSG_LEN(data.len() as u32) as _;
                core::ptr::copy_nonoverlapping(data.as_ptr(), libc::CMSG_DATA(at), data.len());
                at = libc::CMSG_NXTHDR(&msg, at);
            }
        }
    }
    let msg = &raw const msg as usize;
    let n = operate(th, s, libc::POLLOUT, |fd| {
        // SAFETY: the message and what it points at live until the end of this function.
        unsafe { libc::sendmsg(fd, msg as *const libc::msghdr, flags) }
    })?;
    Ok(th.new_int(n as i64))
}

/// `recvmsg(bufsize, ancbufsize, flags)`
pub fn recvmsg(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let s: &Socket = this(a[0]);
    let size = size_arg(th, a[1], "recvmsg()")?;
    let control_size = match a.opt(2) {
        Some(n) => size_arg(th, n, "recvmsg()")?,
        None => 0,
    };
    let flags = c_int_or(th, a.opt(3), 0)?;
    let mut data = Vec::<u8>::new();
    if data.try_reserve_exact(size).is_err() || control_size > 1 << 24 {
        return Err(th.memory_error(""));
    }
    let mut control = vec![0u64; control_size.div_ceil(8)];
    let mut piece = libc::iovec { iov_base: data.as_mut_ptr().cast(), iov_len: size };
    let mut from = Address::empty();
    // SAFETY: all zero is an empty message.
    let mut msg: libc::msghdr = unsafe { core::mem::zeroed() };
    msg.msg_name = from.pointer_mut().cast();
    msg.msg_iov = &mut piece;
    msg.msg_iovlen = 1;
    msg.msg_control = control.as_mut_ptr().cast();
    let at = &raw mut msg as usize;
    let n = operate(th, s, libc::POLLIN, |fd| {
        let msg = at as *mut libc::msghdr;
        // SAFETY: the message and what it points at live until the end of this function.
        unsafe {
            (*msg).msg_namelen = Address::ROOM;
            (*msg).msg_controllen = control_size as _;
            libc::recvmsg(fd, msg, flags)
        }
    })?;
    // SAFETY: the system wrote them.
    unsafe { data.set_len(n as usize) };
    let mut items = Vec::new();
    // SAFETY: the system filled the control data and its length.
    unsafe {
        let mut c = libc::CMSG_FIRSTHDR(&msg);
        while !c.is_null() {
            let head = libc::CMSG_LEN(0) as usize;
            let end = msg.msg_control as usize + msg.msg_controllen as usize;
            let place = libc::CMSG_DATA(c);
            let len = ((*c).cmsg_len as usize).saturating_sub(head).min(end.saturating_sub(place as usize));
            let (level, kind) =
                (th.new_int(i64::from((*c).cmsg_level)), th.new_int(i64::from((*c).cmsg_type)));
            let bytes = th.new_bytes(core::slice::from_raw_parts(place, len));
            items.push(th.new_tuple(vec![level, kind, bytes]));
            c = libc::CMSG_NXTHDR(&msg, c);
        }
    }
    from.len = msg.msg_namelen;
    let parts = vec![
        th.new_bytes(&data),
        th.new_list(items),
        th.new_int(i64::from(msg.msg_flags)),
        address::show(th, &from),
    ];
    Ok(th.new_tuple(parts))
}
