//! `marshal`: the format of `.pyc` files, version 5, for all the types it has.
//!
//! Code objects that come from outside are verified before they can run, so damaged data gives an exception
//! and never a crash.

pub mod read;
mod write;

use typhon_core::builtins::bytes::Bytes;
use typhon_core::{ArgsExt, Borrowed, ModuleDef, NativeDef, Owned, PyResult, Thread};

use crate::support::{self, ModuleExt};

/// Version of the format.
pub const VERSION: i64 = 5;

/// Type codes.
mod code {
    pub const NULL: u8 = b'0';
    pub const NONE: u8 = b'N';
    pub const FALSE: u8 = b'F';
    pub const TRUE: u8 = b'T';
    pub const STOP_ITERATION: u8 = b'S';
    pub const ELLIPSIS: u8 = b'.';
    pub const INT: u8 = b'i';
    pub const INT64: u8 = b'I';
    pub const FLOAT_TEXT: u8 = b'f';
    pub const FLOAT: u8 = b'g';
    pub const COMPLEX_TEXT: u8 = b'x';
    pub const COMPLEX: u8 = b'y';
    pub const LONG: u8 = b'l';
    pub const BYTES: u8 = b's';
    pub const INTERNED: u8 = b't';
    pub const REF: u8 = b'r';
    pub const TUPLE: u8 = b'(';
    pub const SMALL_TUPLE: u8 = b')';
    pub const LIST: u8 = b'[';
    pub const DICT: u8 = b'{';
    pub const CODE: u8 = b'c';
    pub const UNICODE: u8 = b'u';
    pub const SET: u8 = b'<';
    pub const FROZENSET: u8 = b'>';
    pub const SLICE: u8 = b':';
    pub const ASCII: u8 = b'a';
    pub const ASCII_INTERNED: u8 = b'A';
    pub const SHORT_ASCII: u8 = b'z';
    pub const SHORT_ASCII_INTERNED: u8 = b'Z';
    /// The object is remembered for [`REF`].
    pub const FLAG_REF: u8 = 0x80;
}

/// Objects inside one another, at most.
const MAX_DEPTH: usize = 2000;

pub static MODULE: ModuleDef = ModuleDef {
    name: "marshal",
    doc: "This module contains functions that can read and write Python values in a binary format.",
    functions: &[
        NativeDef::new(
            "dump",
            "($module, value, file, version=version, /, *, allow_code=True)",
            dump,
            "Write the value on the open file.",
        ),
        NativeDef::new(
            "load",
            "($module, file, /, *, allow_code=True)",
            load,
            "Read one value from the open file and return it.",
        ),
        NativeDef::new(
            "dumps",
            "($module, value, version=version, /, *, allow_code=True)",
            dumps,
            "Return the bytes object that would be written to a file by dump(value, file).",
        ),
        NativeDef::new(
            "loads",
            "($module, data, /, *, allow_code=True)",
            loads,
            "Convert the bytes-like object to a value.",
        ),
    ],
    types: &[],
    setup: Some(|th, m| m.add_int(th, "version", VERSION)),
};

fn version(th: &mut Thread, arg: Option<Borrowed<'_>>) -> PyResult<i64> {
    match arg {
        Some(v) => Ok(i64::from(support::c_int(th, v)?)),
        None => Ok(VERSION),
    }
}

fn dumps(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let version = version(th, a.opt(1))?;
    let allow = support::flag(th, a.opt(2), true)?;
    let out = write::dump(th, a[0], version, allow)?;
    Ok(th.new_bytes(&out))
}

fn dump(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let version = version(th, a.opt(2))?;
    let allow = support::flag(th, a.opt(3), true)?;
    let out = write::dump(th, a[0], version, allow)?;
    let bytes = th.new_bytes(&out);
    let name = th.rt.names.write.get();
    a[1].call_method(th, name, &[bytes.borrow()])
}

fn loads(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let allow = support::flag(th, a.opt(1), true)?;
    let data = typhon_core::buffer::bytes_like(th, a[0])?;
    read::Reader::new(read::Source::Bytes(&data), allow).object(th)
}

fn load(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let allow = support::flag(th, a.opt(1), true)?;
    // A file that does not read bytes is refused before anything is consumed.
    let zero = th.new_int(0);
    let name = th.rt.names.read.get();
    let probe = a[0].call_method(th, name, &[zero.borrow()])?;
    if probe.downcast::<Bytes>().is_none() {
        let msg = format!("file.read() returned not bytes but {}", probe.borrow().type_name(th));
        return Err(th.type_error(&msg));
    }
    read::Reader::new(read::Source::File(a[0]), allow).object(th)
}

/// The code object in marshalled bytes of the packed library: trusted, with file names below `folder`.
pub fn load_packed(th: &mut Thread, data: &[u8], folder: &str) -> PyResult {
    let mut r = read::Reader::new(read::Source::Bytes(data), true);
    r.trust(folder);
    r.object(th)
}

/// A code object read from a `.pyc` file that is run by name. Errors: as `marshal.loads`.
pub fn load_code(th: &mut Thread, data: &[u8]) -> PyResult {
    let v: Owned = read::Reader::new(read::Source::Bytes(data), true).object(th)?;
    if v.downcast::<typhon_core::code::CodeObject>().is_none() {
        return Err(th.runtime_error("Bad code object in .pyc file"));
    }
    Ok(v)
}
