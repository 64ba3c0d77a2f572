//! typhon-text: the algorithms behind Python's text and numbers, without any knowledge of objects.
//!
//! Text comes in as [`StrData`] (a PEP 393 view: one, two or four bytes per code point) and leaves as
//! [`StrBuf`], which starts narrow and widens only when a code point demands it. Numbers come in as `i64`,
//! [`dashu_int::IBig`] or `f64`. Failures are plain data; the object layer turns them into exceptions.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(
        clippy::approx_constant,
        clippy::excessive_precision,
        reason = "tests quote numbers as Python prints them"
    )
)]

pub mod buf;
pub mod codecs;
pub mod complex;
pub mod data;
pub mod error;
pub mod float;
pub mod float_hex;
pub mod format_spec;
pub mod hash;
pub mod int;
pub mod padding;
pub mod printf;
pub mod repr;
pub mod search;
pub mod sort;
pub mod str_format;
pub mod struct_pack;
pub mod unicode;

pub use buf::{StrBuf, StrUnits};
pub use data::{StrData, Unit};
pub use error::{ErrorKind, TextError};
