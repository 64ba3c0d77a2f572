//! Failures of formatting and parsing, as the exception class and message Python would show.

use std::borrow::Cow;
use std::fmt;

/// The exception class a [`TextError`] stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// `ValueError`
    Value,
    /// `TypeError`
    Type,
    /// `OverflowError`
    Overflow,
    /// `IndexError`
    Index,
    /// `MemoryError`
    Memory,
    /// `struct.error`
    Struct,
}

/// An exception class and its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextError {
    /// Which exception to raise.
    pub kind: ErrorKind,
    /// Its message.
    pub message: Cow<'static, str>,
}

impl TextError {
    /// An error of any kind.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        TextError { kind, message: message.into() }
    }

    /// A `ValueError`.
    pub fn value(message: impl Into<Cow<'static, str>>) -> Self {
        TextError::new(ErrorKind::Value, message)
    }

    /// A `TypeError`.
    pub fn type_(message: impl Into<Cow<'static, str>>) -> Self {
        TextError::new(ErrorKind::Type, message)
    }

    /// An `OverflowError`.
    pub fn overflow(message: impl Into<Cow<'static, str>>) -> Self {
        TextError::new(ErrorKind::Overflow, message)
    }

    /// A `MemoryError`, raised when a requested width cannot be allocated.
    pub fn memory() -> Self {
        TextError::new(ErrorKind::Memory, "")
    }
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TextError {}

/// Refuses widths and precisions that no allocation could serve, before a fill aborts the process.
pub(crate) fn check_allocation(len: usize) -> Result<(), TextError> {
    const SURELY_FINE: usize = 1 << 24;
    if len > SURELY_FINE && Vec::<u8>::new().try_reserve_exact(len).is_err() {
        return Err(TextError::memory());
    }
    Ok(())
}
