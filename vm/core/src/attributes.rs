//! Attribute access: the generic rules of `object.__getattribute__` and `__setattr__`, over shapes.

use crate::object::{Borrowed, Owned, PyResult, Raised};
use crate::thread::Thread;

/// `object.__getattribute__`
pub fn generic_getattr(th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'_>) -> PyResult {
    match generic_getattr_opt(th, o, name)? {
        Some(v) => Ok(v),
        None => Err(no_attribute(th, o, name)),
    }
}

/// As [`generic_getattr`]; a missing attribute is `None`, not an exception.
pub fn generic_getattr_opt(
    _th: &mut Thread,
    _o: Borrowed<'_>,
    _name: Borrowed<'_>,
) -> PyResult<Option<Owned>> {
    Ok(None)
}

/// `object.__setattr__` / `__delattr__`
pub fn generic_setattr(
    _th: &mut Thread,
    _o: Borrowed<'_>,
    _name: Borrowed<'_>,
    _value: Option<Borrowed<'_>>,
) -> PyResult<()> {
    Ok(())
}

/// Raises the AttributeError for a missing attribute.
#[cold]
pub fn no_attribute(th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'_>) -> Raised {
    let msg = format!("'{}' object has no attribute '{name:?}'", o.type_name(th));
    th.raise(&crate::builtins::exceptions::ATTRIBUTE_ERROR, &msg)
}
