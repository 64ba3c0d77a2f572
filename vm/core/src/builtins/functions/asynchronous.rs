//! `aiter` and `anext`.

use crate::builtins::exceptions as ex;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{ArgsExt, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{NativeDef, TypeDef, type_flags};

pub fn aiter(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(f) = a[0].ty().slots.aiter() else {
        let msg = format!("'{}' object is not an async iterable", a[0].type_name(th));
        return Err(th.type_error(&msg));
    };
    let it = f(th, a[0])?;
    if it.borrow().ty().slots.anext().is_none() {
        let msg = format!("aiter() returned not an async iterator of type '{}'", it.borrow().type_name(th));
        return Err(th.type_error(&msg));
    }
    Ok(it)
}

pub fn anext(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(f) = a[0].ty().slots.anext() else {
        let msg = format!("'{}' object is not an async iterator", a[0].type_name(th));
        return Err(th.type_error(&msg));
    };
    let awaitable = f(th, a[0])?;
    let Some(default) = a.opt(1) else { return Ok(awaitable) };
    Ok(th.alloc(AnextAwaitable {
        header: unborn(),
        wrapped: Slot::new(awaitable),
        default: Slot::new(default.to_owned()),
    }))
}

crate::payload! {
    /// `anext(it, default)`: an awaitable that gives the default at the end.
    pub struct AnextAwaitable: ANEXT_AWAITABLE {
        wrapped: Slot,
        default: Slot,
    }
}

pub static ANEXT_AWAITABLE: TypeDef = TypeDef {
    flags: type_flags::GC | type_flags::NO_NEW,
    slots: Slots {
        await_: Some(|_, o| Ok(o.to_owned())),
        iter: Some(|_, o| Ok(o.to_owned())),
        next: Some(step),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new("send", "($self, value, /)", send, "Resume the awaitable with a value."),
        NativeDef::new(
            "throw",
            "($self, type, value=None, traceback=None, /)",
            throw,
            "Raise inside the awaitable.",
        ),
        NativeDef::new("close", "($self, /)", close, "Close the awaitable."),
    ],
    ..TypeDef::of::<AnextAwaitable>("anext_awaitable")
};

/// The iterator that `await` on the wrapped awaitable would drive.
fn inner(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let p = o.downcast::<AnextAwaitable>().expect("self");
    let wrapped = p.wrapped.get(&p.header).expect("set at birth");
    let Some(f) = wrapped.borrow().ty().slots.await_() else {
        let msg = format!("'{}' object can't be awaited", wrapped.borrow().type_name(th));
        return Err(th.type_error(&msg));
    };
    let it = f(th, wrapped.borrow())?;
    // A coroutine is driven by its own methods; what `__await__` gave is kept for the next step.
    p.wrapped.set(&p.header, it.clone());
    Ok(it)
}

/// The end of the async iterator becomes the end of the await, with the default as its value.
fn finish(th: &mut Thread, o: Borrowed<'_>, r: PyResult) -> PyResult {
    if let Some(v) = th.absorb(r, &ex::STOP_ASYNC_ITERATION)? {
        return Ok(v);
    }
    let p = o.downcast::<AnextAwaitable>().expect("self");
    let default = p.default.get(&p.header).unwrap_or_else(Owned::none);
    Err(th.stop_iteration(default))
}

fn step(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let it = inner(th, o)?;
    let r = match it.borrow().step(th) {
        Ok(Some(v)) => Ok(v),
        Ok(None) => Err(th.raise_empty(&ex::STOP_ITERATION)),
        Err(raised) => Err(raised),
    };
    finish(th, o, r).map(Some)
}

fn send(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = inner(th, a[0])?;
    let name = th.rt.names.send.get();
    let r = it.borrow().call_method(th, name, &[a[1]]);
    finish(th, a[0], r)
}

fn throw(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = inner(th, a[0])?;
    let name = th.rt.names.throw.get();
    let given: Vec<Borrowed<'_>> = a[1..].iter().copied().filter(|v| !v.is_null()).collect();
    let r = it.borrow().call_method(th, name, &given);
    finish(th, a[0], r)
}

fn close(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = inner(th, a[0])?;
    let name = th.rt.names.close.get();
    it.borrow().call_method(th, name, &[])
}
