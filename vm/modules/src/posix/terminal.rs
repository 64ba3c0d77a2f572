//! Terminals and pseudo-terminals.

use typhon_core::builtins::struct_sequence::{self, StructSequence};
use typhon_core::{ArgsExt, Borrowed, NativeDef, Owned, PyResult, Thread, Type};

use super::plain;
use crate::support::{self, c_int, c_int_or};

pub const FUNCTIONS: &[NativeDef] = &[
    NativeDef::new(
        "get_terminal_size",
        "($module, fd=1, /)",
        get_terminal_size,
        "Return the size of the terminal window as (columns, lines).",
    ),
    NativeDef::new(
        "ttyname",
        "($module, fd, /)",
        ttyname,
        "Return the name of the terminal device connected to 'fd'.",
    ),
    NativeDef::new(
        "ctermid",
        "($module, /)",
        |th, _| Ok(th.new_str("/dev/tty")),
        "Return the name of the controlling terminal for this process.",
    ),
    NativeDef::new("openpty", "($module, /)", openpty, "Open a pseudo-terminal."),
    NativeDef::new(
        "login_tty",
        "($module, fd, /)",
        login_tty,
        "Prepare the tty of which fd is a file descriptor for a new login session.",
    ),
    NativeDef::new(
        "tcgetpgrp",
        "($module, fd, /)",
        tcgetpgrp,
        "Return the process group associated with the terminal specified by fd.",
    ),
    NativeDef::new(
        "tcsetpgrp",
        "($module, fd, pgid, /)",
        tcsetpgrp,
        "Set the process group associated with the terminal specified by fd.",
    ),
    NativeDef::new(
        "device_encoding",
        "($module, /, fd)",
        device_encoding,
        "Return a string describing the encoding of a terminal's file descriptor.",
    ),
];

static TERMINAL_SIZE: StructSequence = StructSequence {
    name: "os.terminal_size",
    doc: "A tuple of (columns, lines) for holding terminal window size",
    fields: &["columns", "lines"],
    n_visible: 2,
    constructible: true,
};

pub fn terminal_size(th: &mut Thread) -> PyResult<&'static Type> {
    struct_sequence::register(th, &TERMINAL_SIZE)
}

fn get_terminal_size(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = c_int_or(th, a.opt(0), 1)?;
    // SAFETY: a whole structure that the call fills.
    let (r, w) = unsafe {
        let mut w: libc::winsize = core::mem::zeroed();
        (libc::ioctl(fd, libc::TIOCGWINSZ, &mut w), w)
    };
    if r < 0 {
        return Err(support::last_os_error(th));
    }
    let fields = vec![th.new_int(i64::from(w.ws_col)), th.new_int(i64::from(w.ws_row))];
    let ty = terminal_size(th)?;
    Ok(struct_sequence::new_instance(th, ty, fields))
}

fn ttyname(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = c_int(th, a[0])?;
    let mut buffer = [0u8; 256];
    // SAFETY: a buffer of that length.
    let e = unsafe { libc::ttyname_r(fd, buffer.as_mut_ptr().cast(), buffer.len()) };
    if e != 0 {
        return Err(support::os_error(th, e));
    }
    let n = buffer.iter().position(|&b| b == 0).unwrap_or(buffer.len());
    Ok(support::fs_str(th, &buffer[..n]))
}

fn openpty(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    let (mut master, mut slave) = (-1, -1);
    // SAFETY: room for two descriptors; the other arguments may be null.
    let r = unsafe {
        libc::openpty(
            &mut master,
            &mut slave,
            core::ptr::null_mut(),
            core::ptr::null_mut(),
            core::ptr::null_mut(),
        )
    };
    if r < 0 {
        return Err(support::last_os_error(th));
    }
    super::descriptor::set_cloexec(master, true);
    super::descriptor::set_cloexec(slave, true);
    Ok(support::int_tuple(th, &[i64::from(master), i64::from(slave)]))
}

fn login_tty(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = c_int(th, a[0])?;
    // SAFETY: a plain call.
    plain(th, || unsafe { libc::login_tty(fd) })?;
    Ok(Owned::none())
}

fn tcgetpgrp(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = c_int(th, a[0])?;
    // SAFETY: a plain system call.
    let r = plain(th, || unsafe { libc::tcgetpgrp(fd) })?;
    Ok(th.new_int(i64::from(r)))
}

fn tcsetpgrp(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (fd, group) = (c_int(th, a[0])?, c_int(th, a[1])?);
    // SAFETY: a plain system call.
    plain(th, || unsafe { libc::tcsetpgrp(fd, group) })?;
    Ok(Owned::none())
}

fn device_encoding(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let fd = c_int(th, a[0])?;
    // SAFETY: a plain system call.
    let terminal = unsafe { libc::isatty(fd) } == 1;
    Ok(if terminal { th.new_str("UTF-8") } else { Owned::none() })
}
