//! Exceptions that nobody can catch.

use crate::object::{Borrowed, Owned};
use crate::thread::Thread;

/// Reports an exception where it cannot propagate, through `sys.unraisablehook`.
pub fn unraisable(_th: &mut Thread, _exc: Owned, _msg: Option<&str>, _object: Option<Borrowed<'_>>) {}
