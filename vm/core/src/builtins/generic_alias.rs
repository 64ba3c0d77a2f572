//! `C[X]` for built-in generic classes.

use crate::object::{Borrowed, PyResult};
use crate::thread::Thread;

/// `__class_getitem__` of a built-in generic class: `types.GenericAlias(cls, item)`.
pub fn class_getitem(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    match th.rt.stored("types.GenericAlias") {
        Some(alias) => alias.borrow().call(th, &[a[0], a[1]]),
        None => Err(th.not_implemented_error("types.GenericAlias")),
    }
}
