//! Code as bytes, for the packed library and `.pyc` files.
//!
//! The format is that of CPython's `marshal`, version 5, in the parts that constants and code need. Strings are written
//! once and then referred to. Loading checks everything: damaged data is an error, never a panic, and cannot make
//! the reader allocate more than a constant factor of the input.

mod read;
mod write;

pub use read::{load, load_code, load_prefix};
pub use write::{dump, dump_code};

use std::fmt;

/// Type codes.
mod code {
    pub(super) const NONE: u8 = b'N';
    pub(super) const FALSE: u8 = b'F';
    pub(super) const TRUE: u8 = b'T';
    pub(super) const ELLIPSIS: u8 = b'.';
    pub(super) const INT: u8 = b'i';
    pub(super) const LONG: u8 = b'l';
    pub(super) const FLOAT: u8 = b'g';
    pub(super) const COMPLEX: u8 = b'y';
    pub(super) const BYTES: u8 = b's';
    pub(super) const UNICODE: u8 = b'u';
    pub(super) const INTERNED: u8 = b't';
    pub(super) const ASCII: u8 = b'a';
    pub(super) const ASCII_INTERNED: u8 = b'A';
    pub(super) const SHORT_ASCII: u8 = b'z';
    pub(super) const SHORT_ASCII_INTERNED: u8 = b'Z';
    pub(super) const TUPLE: u8 = b'(';
    pub(super) const SMALL_TUPLE: u8 = b')';
    pub(super) const FROZENSET: u8 = b'>';
    pub(super) const SLICE: u8 = b':';
    pub(super) const CODE: u8 = b'c';
    pub(super) const REF: u8 = b'r';
    /// The object is remembered for REF.
    pub(super) const FLAG_REF: u8 = 0x80;
}

/// What is wrong with marshal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarshalError {
    /// The data ends too early.
    Truncated,
    /// The data is not what `dump` writes.
    Bad(&'static str),
    /// Too many objects inside one another.
    TooDeep,
}

impl fmt::Display for MarshalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MarshalError::Truncated => f.write_str("marshal data too short"),
            MarshalError::Bad(what) => write!(f, "bad marshal data ({what})"),
            MarshalError::TooDeep => f.write_str("bad marshal data (nested too deep)"),
        }
    }
}

impl std::error::Error for MarshalError {}
