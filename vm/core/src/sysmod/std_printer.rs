//! What `sys.stdout` and `sys.stderr` are before the module `io` exists: writes text to a descriptor at
//! once, without a buffer.

use crate::builtins::str::Str;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::Slots;
use crate::thread::{Thread, unborn};
use crate::typedef::{GetSetDef, NativeDef, TypeDef, type_flags};

crate::payload! {
    /// A printer on a file descriptor.
    pub struct StdPrinter: STD_PRINTER {
        fd: i32,
    }
}

pub static STD_PRINTER: TypeDef = TypeDef {
    flags: type_flags::NO_NEW,
    slots: Slots { repr: Some(repr), ..Slots::NONE },
    methods: &[
        NativeDef::new("write", "($self, s, /)", write, ""),
        NativeDef::new("flush", "($self, /)", |_, _| Ok(Owned::none()), ""),
        NativeDef::new("close", "($self, /)", |_, _| Ok(Owned::none()), ""),
        NativeDef::new("fileno", "($self, /)", |th, a| Ok(th.new_int(i64::from(fd_of(a[0])))), ""),
        NativeDef::new("isatty", "($self, /)", isatty, ""),
    ],
    getset: &[
        GetSetDef::get("closed", |_, _| Ok(Owned::bool(false))),
        GetSetDef::get("encoding", |th, _| Ok(th.intern("utf-8"))),
        GetSetDef::get("errors", |th, _| Ok(th.intern("backslashreplace"))),
        GetSetDef::get("mode", |th, _| Ok(th.intern("w"))),
    ],
    ..TypeDef::of::<StdPrinter>("stderrprinter")
};

/// A printer on `fd`.
pub fn new(th: &mut Thread, fd: i32) -> Owned {
    th.alloc(StdPrinter { header: unborn(), fd })
}

fn fd_of(o: Borrowed<'_>) -> i32 {
    o.downcast::<StdPrinter>().expect("self").fd
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let text = format!("<stderrprinter(fd={}) object at {:#x}>", fd_of(o), o.word().identity());
    Ok(th.new_str(&text))
}

fn isatty(_th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    // SAFETY: a query about a descriptor number.
    Ok(Owned::bool(unsafe { libc::isatty(fd_of(a[0])) } == 1))
}

fn write(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let s = a[1].expect_str(th, "write() argument")?;
    write_text(fd_of(a[0]), s);
    Ok(th.new_int(s.len() as i64))
}

/// Writes a str as UTF-8, lone surrogates as escapes.
pub fn write_text(fd: i32, s: &Str) {
    let mut out = String::with_capacity(s.len());
    for c in s.data().iter() {
        match char::from_u32(c) {
            Some(c) => out.push(c),
            None => out.push_str(&format!("\\u{c:04x}")),
        }
    }
    write_bytes(fd, out.as_bytes());
}

/// Writes everything, or as much as the descriptor takes.
pub fn write_bytes(fd: i32, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: the slice is readable.
        let n = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
        if n > 0 {
            bytes = &bytes[n as usize..];
        } else if std::io::Error::last_os_error().kind() != std::io::ErrorKind::Interrupted {
            return;
        }
    }
}
