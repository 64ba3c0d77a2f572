//! Python 3.14 source to code data.
//!
//! Nothing here depends on the machine's objects: constants and strings are plain data ([`Const`], [`PyStr`]).

pub mod code;
pub mod opcode;
mod opcode_metadata;
mod pystr;

pub use code::{Code, Const};
pub use opcode::Opcode;
pub use opcode_metadata::opcode_metadata_py;
pub use pystr::{CodePoints, PyStr, PyStrBuf};

/// What a source text is compiled as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A module.
    Exec,
    /// One expression.
    Eval,
    /// One interactive statement, whose expression values are displayed.
    Single,
}

/// What else steers a compilation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// 1 drops asserts and makes `__debug__` false, 2 drops docstrings too.
    pub optimize: u8,
    /// `flags::FUTURE_*` bits in force from outside.
    pub future: u32,
    /// `await` and asynchronous constructs are allowed at the top; the code is then a coroutine's.
    pub allow_top_level_await: bool,
    /// Report source that more lines could complete as [`ErrorKind::Incomplete`].
    pub allow_incomplete_input: bool,
}

/// Class of a syntax error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// `SyntaxError`
    Syntax,
    /// `IndentationError`
    Indentation,
    /// `TabError`
    Tab,
    /// `_IncompleteInputError`, only with [`Options::allow_incomplete_input`].
    Incomplete,
}

/// A syntax error in CPython's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Which exception.
    pub kind: ErrorKind,
    /// Message.
    pub msg: String,
    /// Line, from 1.
    pub lineno: u32,
    /// Column in code points, from 1.
    pub offset: u32,
    /// Last line, or 0.
    pub end_lineno: u32,
    /// Column behind the last code point, from 1, or 0.
    pub end_offset: u32,
    /// The source line, with its line end.
    pub text: Option<String>,
}

/// A warning of the compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// `SyntaxWarning` if false.
    pub deprecation: bool,
    /// Message.
    pub msg: String,
    /// Line, from 1.
    pub lineno: u32,
}
