//! Calling objects from native code.

use crate::object::{Borrowed, PyResult};
use crate::slots::Args;
use crate::thread::Thread;

/// `callee(...)`
pub fn call(th: &mut Thread, callee: Borrowed<'_>, args: Args<'_>) -> PyResult {
    match callee.ty().slots.call() {
        Some(f) => f(th, callee, args),
        None => {
            let msg = format!("'{}' object is not callable", callee.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

/// `obj.name(*args)` without a bound method where the class has a plain function.
pub fn call_method(
    th: &mut Thread,
    obj: Borrowed<'_>,
    name: Borrowed<'_>,
    args: &[Borrowed<'_>],
) -> PyResult {
    let m = obj.getattr(th, name)?;
    m.borrow().call(th, args)
}
