//! Sending, awaiting, and what StopIteration means on the way.

use super::{Generator, advance, start_running, state};
use crate::builtins::exceptions as ex;
use crate::builtins::exceptions::BaseException;
use crate::builtins::ids;
use crate::object::{Borrowed, Owned, PyResult};
use crate::thread::Thread;

/// How a resumption ended.
pub enum Sent {
    Yielded(Owned),
    Returned(Owned),
}

/// What a generator is called in messages.
pub fn kind_name(v: Borrowed<'_>) -> &'static str {
    match v.shape_id() {
        ids::COROUTINE => "coroutine",
        ids::ASYNC_GENERATOR => "async generator",
        _ => "generator",
    }
}

/// SEND: resumes whatever `receiver` is with `value`.
pub fn send_to(th: &mut Thread, receiver: Borrowed<'_>, value: Borrowed<'_>) -> PyResult<Sent> {
    if receiver.shape_id() != ids::ASYNC_GENERATOR && Generator::of(receiver).is_some() {
        return send(th, receiver, value.to_owned());
    }
    if let Some(f) = receiver.ty().slots.send() {
        return f(th, receiver, value);
    }
    let r = if value.is_none() && receiver.ty().slots.next().is_some() {
        match receiver.step(th) {
            Ok(Some(v)) => return Ok(Sent::Yielded(v)),
            Ok(None) => return Ok(Sent::Returned(Owned::none())),
            Err(raised) => Err(raised),
        }
    } else {
        let name = th.rt.names.send.get();
        receiver.call_method(th, name, &[value])
    };
    match r {
        Ok(v) => Ok(Sent::Yielded(v)),
        Err(raised) if th.exc_is(&ex::STOP_ITERATION) => {
            let exc = th.catch(raised);
            Ok(Sent::Returned(stop_iteration_value(exc.borrow()).unwrap_or_else(Owned::none)))
        }
        Err(raised) => Err(raised),
    }
}

/// `generator.send(value)` without the StopIteration.
pub fn send(th: &mut Thread, gen_: Borrowed<'_>, value: Owned) -> PyResult<Sent> {
    let g = Generator::of(gen_).expect("a generator");
    if g.state() == state::CREATED && !value.is_none() {
        let msg = format!("can't send non-None value to a just-started {}", kind_name(gen_));
        return Err(th.type_error(&msg));
    }
    if !start_running(th, g) {
        if g.is_finished() {
            if gen_.shape_id() == ids::COROUTINE {
                return Err(th.runtime_error("cannot reuse already awaited coroutine"));
            }
            return Ok(Sent::Returned(Owned::none()));
        }
        super::raise_already_executing(th, g);
        return Err(crate::Raised(()));
    }
    advance(th, g, Some(value))
}

/// The value of a StopIteration, or `None` if `exc` is something else.
pub fn stop_iteration_value(exc: Borrowed<'_>) -> Option<Owned> {
    if !exc.ty().is_subtype_of(ex::STOP_ITERATION.ty()) {
        return None;
    }
    Some(stop_value(exc))
}

/// The value of a StopIteration.
pub fn stop_value(exc: Borrowed<'_>) -> Owned {
    exc.downcast::<ex::StopIteration>().and_then(|s| s.value.get(&s.header)).unwrap_or_else(Owned::none)
}

/// `iter(v)` for `yield from`: coroutines only inside coroutines.
pub fn yield_from_iterator(th: &mut Thread, v: Borrowed<'_>) -> PyResult {
    if v.shape_id() == ids::GENERATOR {
        return Ok(v.to_owned());
    }
    if v.shape_id() == ids::COROUTINE {
        let flags = crate::interp::current_record(th).map_or(0, |r| {
            // SAFETY: the record of a running frame.
            unsafe { (*r.code).flags }
        });
        use typhon_compile::code::flags as co;
        if flags & (co::COROUTINE | co::ITERABLE_COROUTINE) == 0 {
            return Err(th.type_error("cannot 'yield from' a coroutine object in a non-coroutine generator"));
        }
        return Ok(v.to_owned());
    }
    v.iter(th)
}

/// GET_AWAITABLE: what `await v` iterates over. `from`: 1 = `__aenter__`, 2 = `__aexit__` made `v`.
pub fn awaitable(th: &mut Thread, v: Borrowed<'_>, from: u32) -> PyResult {
    if let Some(g) = Generator::of(v) {
        use typhon_compile::code::flags as co;
        if v.shape_id() == ids::COROUTINE {
            if let Some(y) = g.yield_from()
                && Generator::of(y.borrow()).is_some_and(|y| y.state() == state::RUNNING)
            {
                return Err(th.runtime_error("coroutine is being awaited already"));
            }
            if g.yield_from().is_some() {
                return Err(th.runtime_error("coroutine is being awaited already"));
            }
            return Ok(v.to_owned());
        }
        if g.code().flags & co::ITERABLE_COROUTINE != 0 {
            return Ok(v.to_owned());
        }
    }
    if let Some(f) = v.ty().slots.await_() {
        let it = f(th, v)?;
        if let Some(g) = Generator::of(it.borrow())
            && (it.borrow().shape_id() == ids::COROUTINE
                || g.code().flags & typhon_compile::code::flags::ITERABLE_COROUTINE != 0)
        {
            return Err(th.type_error("__await__() returned a coroutine"));
        }
        if it.borrow().ty().slots.next().is_none() {
            let msg = format!("__await__() returned non-iterator of type '{}'", it.borrow().type_name(th));
            return Err(th.type_error(&msg));
        }
        return Ok(it);
    }
    let t = v.type_name(th);
    let msg = match from {
        1 => {
            format!("'async with' received an object from __aenter__ that does not implement __await__: {t}")
        }
        2 => format!("'async with' received an object from __aexit__ that does not implement __await__: {t}"),
        _ => format!("'{t}' object can't be awaited"),
    };
    Err(th.type_error(&msg))
}

/// GET_AITER.
pub fn aiter(th: &mut Thread, v: Borrowed<'_>) -> PyResult {
    let Some(f) = v.ty().slots.aiter() else {
        let msg = format!("'async for' requires an object with __aiter__ method, got {}", v.type_name(th));
        return Err(th.type_error(&msg));
    };
    let it = f(th, v)?;
    if it.borrow().ty().slots.anext().is_none() {
        let msg = format!(
            "'async for' received an object from __aiter__ that does not implement __anext__: {}",
            it.borrow().type_name(th)
        );
        return Err(th.type_error(&msg));
    }
    Ok(it)
}

/// GET_ANEXT: the awaitable of the next item.
pub fn anext_awaitable(th: &mut Thread, v: Borrowed<'_>) -> PyResult {
    let Some(f) = v.ty().slots.anext() else {
        let msg = format!("'async for' requires an iterator with __anext__ method, got {}", v.type_name(th));
        return Err(th.type_error(&msg));
    };
    let next = f(th, v)?;
    if v.shape_id() == ids::ASYNC_GENERATOR {
        return Ok(next);
    }
    match awaitable(th, next.borrow(), 0) {
        Ok(it) => Ok(it),
        Err(raised) => {
            let cause = th.catch(raised);
            let msg = format!(
                "'async for' received an invalid object from __anext__: {}",
                next.borrow().type_name(th)
            );
            let raised = th.type_error(&msg);
            let exc = th.catch(raised);
            if let Some(e) = exc.downcast::<BaseException>() {
                e.cause.set(&e.header, cause.clone());
                e.context.set(&e.header, cause);
                e.suppress_context.store(true, typhon_sync::prim::Ordering::Relaxed);
            }
            Err(th.set_exc(exc))
        }
    }
}

/// CALL_INTRINSIC STOPITERATION_ERROR: what a StopIteration (or StopAsyncIteration) that leaves a
/// generator turns into.
pub fn stop_iteration_error(th: &mut Thread, exc: Borrowed<'_>) -> Owned {
    use typhon_compile::code::flags as co;
    let flags = crate::interp::current_record(th).map_or(0, |r| {
        // SAFETY: the record of a running frame.
        unsafe { (*r.code).flags }
    });
    let msg = if exc.ty().is_subtype_of(ex::STOP_ITERATION.ty()) {
        if flags & co::ASYNC_GENERATOR != 0 {
            "async generator raised StopIteration"
        } else if flags & co::COROUTINE != 0 {
            "coroutine raised StopIteration"
        } else {
            "generator raised StopIteration"
        }
    } else if flags & co::ASYNC_GENERATOR != 0 && exc.ty().is_subtype_of(ex::STOP_ASYNC_ITERATION.ty()) {
        "async generator raised StopAsyncIteration"
    } else {
        return exc.to_owned();
    };
    let raised = th.runtime_error(msg);
    let new = th.catch(raised);
    if let Some(e) = new.downcast::<BaseException>() {
        e.cause.set(&e.header, exc.to_owned());
        e.context.set(&e.header, exc.to_owned());
        e.suppress_context.store(true, typhon_sync::prim::Ordering::Relaxed);
    }
    new
}
