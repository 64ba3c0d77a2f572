//! The interpreter.
pub mod frame;

use crate::object::{Borrowed, Owned, PyResult};
use crate::thread::Thread;

/// Runs a class body's function with `namespace` as its locals; returns what the body returned (the
/// `__class__` cell or None).
pub fn run_class_body(th: &mut Thread, _func: Borrowed<'_>, _namespace: Borrowed<'_>) -> PyResult {
    Err(th.system_error("no interpreter"))
}

/// Class and first argument for `super()` without arguments, from the running function.
pub fn super_arguments(th: &mut Thread) -> PyResult<(Owned, Owned)> {
    Err(th.runtime_error("super(): no arguments"))
}

/// Globals of the innermost Python frame.
pub fn current_globals(_th: &Thread) -> Option<Borrowed<'_>> {
    None
}
