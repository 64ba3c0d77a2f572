//! Python 3.14 source to code data.
//!
//! Nothing here depends on the machine's objects: constants and strings are plain data ([`Const`], [`PyStr`]).
//!
//! The way of a source: `source` (bytes to text) → the parser (`ruff_python_parser`) → `symtable` (what names mean) →
//! `codegen` (tree to blocks of instructions) → `flow` (improvements) → `assemble` (bytes and tables).
//!
//! The code is that of CPython 3.14 in opcodes, tables and layout of slots, except that
//! * there are no inline caches and no `NOT_TAKEN` in it;
//! * a comprehension whose variables an inner function captures is not inlined (PEP 709 allows both; CPython inlines it
//!   and then confuses its cells with those of the function around it in some cases).

mod assemble;
mod bigint;
pub mod code;
mod codegen;
mod compile;
mod consts;
mod dis;
mod errors;
mod fail;
mod flow;
mod fold;
mod hash;
mod ir;
mod location;
pub mod marshal;
mod names;
pub mod opcode;
mod opcode_metadata;
mod pystr;
mod source;
mod string_literal;
mod symtable;
mod unparse;
mod verify;

pub use assemble::{Position, Region, decode_exceptiontable, decode_linetable};
pub use code::{Code, Const};
pub use compile::{
    ErrorKind, Mode, Options, Parsed, SyntaxError, Warning, compile, compile_bytes, is_incomplete, parse,
};
pub use dis::{Decoded, decode, dis};
pub use opcode::Opcode;
pub use opcode_metadata::opcode_metadata_py;
pub use pystr::{CodePoints, PyStr, PyStrBuf};
pub use ruff_text_size::{Ranged, TextRange, TextSize};
pub use source::{declared_encoding, decode_source};
pub use string_literal::decode_text;
pub use verify::{verify, verify_all};

/// The parser's tree, for the module `_ast`.
pub use ruff_python_ast as ast;

/// `sys.abiflags`: "t" as in every build that can run without a lock (PEP 703).
pub const ABI_FLAGS: &str = "t";
