//! Exceptions that nobody can catch.

use crate::object::{Borrowed, Owned};
use crate::thread::Thread;

/// Reports an exception where it cannot propagate, through `sys.unraisablehook`.
pub fn unraisable(_th: &mut Thread, _exc: Owned, _msg: Option<&str>, _object: Option<Borrowed<'_>>) {}

/// Is this a traceback object?
pub fn is_traceback(o: Borrowed<'_>) -> bool {
    o.ty().def.0.is_some_and(|d| d.name == "traceback")
}

/// Gives an exception that was made by the VM a traceback that begins at the running frame.
pub fn add_traceback_here(_th: &mut Thread, _exc: Borrowed<'_>) {}
