//! Does an `except` clause catch an exception?

use super::{exception_class, is_exception};
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, PyResult};
use crate::thread::Thread;
use crate::types::Type;

/// `except class_or_tuple:` for `exc` (an exception or an exception class).
///
/// Errors: TypeError for what is neither an exception class nor a tuple of those.
#[inline]
pub fn exc_matches(th: &mut Thread, exc: Borrowed<'_>, class_or_tuple: Borrowed<'_>) -> PyResult<bool> {
    if let Some(class) = exception_class(class_or_tuple) {
        return Ok(matches_class(exc, class));
    }
    let Some(t) = class_or_tuple.downcast::<Tuple>() else { return Err(not_a_class(th)) };
    // All are checked before any is matched.
    if !t.iter().all(|c| exception_class(c).is_some()) {
        return Err(not_a_class(th));
    }
    Ok(t.iter().filter_map(exception_class).any(|c| matches_class(exc, c)))
}

#[cold]
fn not_a_class(th: &mut Thread) -> crate::Raised {
    th.type_error("catching classes that do not inherit from BaseException is not allowed")
}

/// Virtual subclasses do not count: exceptions match by their MRO.
#[inline]
fn matches_class(exc: Borrowed<'_>, class: &Type) -> bool {
    if is_exception(exc) {
        exc.ty().is_subtype_of(class)
    } else {
        exc.downcast::<Type>().is_some_and(|t| t.is_subtype_of(class))
    }
}
