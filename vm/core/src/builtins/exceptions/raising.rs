//! `raise`: what may be raised, causes, and the context of an exception.

use typhon_sync::prim::Ordering;

use super::{base_of, exception_class, is_exception};
use crate::object::{Borrowed, Owned, PyResult, Raised};
use crate::thread::Thread;
use crate::word::Word;

/// `raise exc_or_class from cause`; `cause` is `None` without `from`.
pub fn raise_value(th: &mut Thread, exc_or_class: Borrowed<'_>, cause: Option<Borrowed<'_>>) -> Raised {
    let exc = match instantiate(th, exc_or_class, "exceptions must derive from BaseException") {
        Ok(exc) => exc,
        Err(raised) => return raised,
    };
    if let Some(cause) = cause
        && let Err(raised) = set_cause(th, exc.borrow(), cause)
    {
        return raised;
    }
    chain_context(th, exc.borrow());
    th.set_exc(exc)
}

/// An exception as it is, or an instance of an exception class. Errors: TypeError with `otherwise`.
fn instantiate(th: &mut Thread, v: Borrowed<'_>, otherwise: &str) -> PyResult {
    if is_exception(v) {
        return Ok(v.to_owned());
    }
    if exception_class(v).is_none() {
        return Err(th.type_error(otherwise));
    }
    call_class(th, v, &[])
}

/// An instance of the exception class `v`. Errors: TypeError if the call gives anything else.
pub fn call_class(th: &mut Thread, v: Borrowed<'_>, args: &[Borrowed<'_>]) -> PyResult {
    let exc = v.call(th, args)?;
    if !is_exception(exc.borrow()) {
        let class = v.repr_text(th)?;
        let got = exc.borrow().ty().as_value().repr_text(th)?;
        let msg = format!("calling {class} should have returned an instance of BaseException, not {got}");
        return Err(th.type_error(&msg));
    }
    Ok(exc)
}

/// What `from cause` does: sets `__cause__` and suppresses the context.
pub fn set_cause(th: &mut Thread, exc: Borrowed<'_>, cause: Borrowed<'_>) -> PyResult<()> {
    let e = base_of(exc);
    if cause.is_none() {
        drop(e.cause.clear(&e.header));
    } else {
        let cause = instantiate(th, cause, "exception causes must derive from BaseException")?;
        e.cause.set(&e.header, cause);
    }
    // ORDERING Relaxed: a plain flag.
    e.suppress_context.store(true, Ordering::Relaxed);
    Ok(())
}

/// A bare `raise`: the exception being handled, with the traceback it has.
pub fn reraise_current(th: &mut Thread) -> Raised {
    match handled(th) {
        Some(exc) => th.set_exc(exc),
        None => th.runtime_error("No active exception to reraise"),
    }
}

/// The exception being handled by this thread (`sys.exception()`).
pub fn handled(th: &Thread) -> Option<Owned> {
    let mut item = th.handled;
    // SAFETY: the chain consists of items of running frames; values are live.
    unsafe {
        while !item.is_null() {
            let w = (*item).value;
            if w != Word::NONE && w != Word::ZERO {
                return Some(Borrowed::from_raw(w).to_owned());
            }
            item = (*item).previous;
        }
    }
    None
}

/// Makes the exception being handled the `__context__` of `exc`. Called when `exc` is raised.
#[inline]
pub fn chain_context(th: &mut Thread, exc: Borrowed<'_>) {
    if let Some(context) = handled(th)
        && !context.is(exc.word())
    {
        chain(exc, context)
    }
}

/// Stores the context after cutting `exc` out of the context's own chain, which would be a loop.
fn chain(exc: Borrowed<'_>, context: Owned) {
    let mut at = context.clone();
    // A second pointer at half speed finds loops that were made by assignment.
    let mut slow = context.clone();
    let mut step = false;
    loop {
        let e = base_of(at.borrow());
        let Some(next) = e.context.get(&e.header).filter(|c| !c.is_none()) else { break };
        if next.is(exc.word()) {
            drop(e.context.clear(&e.header));
            break;
        }
        at = next;
        if step {
            let e = base_of(slow.borrow());
            let Some(next) = e.context.get(&e.header) else { break };
            slow = next;
        }
        step = !step;
        if at.is(slow.word()) {
            break;
        }
    }
    let e = base_of(exc);
    e.context.set(&e.header, context);
}
