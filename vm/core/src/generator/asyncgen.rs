//! Asynchronous generators (PEP 525): the type, and the awaitables of `asend`, `athrow` and `aclose`.
//!
//! Inside, `yield v` suspends with a wrapped value; what comes out unwrapped was awaited and passes on
//! to the event loop.

use typhon_sync::prim::{AtomicU8, Ordering};

use super::methods::{
    close, exception_of, finalize, get_code, get_frame, get_name, get_qualname, get_running, get_suspended,
    get_yield_from, own_iter, repr, set_name, set_qualname, this, throw,
};
use super::protocol::{Sent, send};
use super::{Generator, LAYOUT, state};
use crate::builtins::exceptions as ex;
use crate::builtins::ids;
use crate::object::{Borrowed, Owned, PyResult, Raised, Slot};
use crate::slots::Slots;
use crate::thread::{Thread, unborn};
use crate::typedef::{GetSetDef, NativeDef, Safety, Shared, TypeDef, TypeId, type_flags};

crate::payload! {
    /// A value that an async generator yields, on its way out of the frame.
    pub struct WrappedValue: WRAPPED_VALUE {
        value: Slot,
    }
}

/// CALL_INTRINSIC ASYNC_GEN_WRAP.
pub fn wrap_value(th: &mut Thread, v: Owned) -> Owned {
    th.alloc(WrappedValue { header: unborn(), value: Slot::new(v) })
}

pub static WRAPPED_VALUE: TypeDef =
    TypeDef { flags: type_flags::GC, ..TypeDef::of::<WrappedValue>("async_generator_wrapped_value") };

const INIT: u8 = 0;
const ITERATING: u8 = 1;
const CLOSED: u8 = 2;

crate::payload! {
    /// The awaitable of `__anext__()` and `asend(value)`.
    pub struct Asend: ASYNC_GENERATOR_ASEND {
        generator: Slot,
        value: Slot,
        state: AtomicU8,
    }
}

crate::payload! {
    /// The awaitable of `athrow(exc)` and, without an exception, `aclose()`.
    pub struct Athrow: ASYNC_GENERATOR_ATHROW {
        generator: Slot,
        exc: Slot,
        tb: Slot,
        state: AtomicU8,
    }
}

/// The first use tells the event loop (`sys.set_asyncgen_hooks`).
fn call_hooks(th: &mut Thread, o: Borrowed<'_>) -> PyResult<()> {
    let g = this(o);
    // ORDERING Relaxed: only once, and the generator serialises its users.
    if g.hooks_done.swap(1, Ordering::Relaxed) != 0 {
        return Ok(());
    }
    if let Some(f) = th.asyncgen_finalizer.clone() {
        drop(g.finalizer.swap(f));
    }
    if let Some(f) = th.asyncgen_firstiter.clone() {
        f.borrow().call(th, &[o])?;
    }
    Ok(())
}

fn new_asend(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult {
    call_hooks(th, o)?;
    Ok(th.alloc(Asend {
        header: unborn(),
        generator: Slot::new(o.to_owned()),
        value: Slot::from_option(v.map(|v| v.to_owned())),
        state: AtomicU8::new(INIT),
    }))
}

fn anext(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    new_asend(th, o, None)
}

fn asend_method(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    new_asend(th, a[0], Some(a[1]))
}

fn new_athrow(th: &mut Thread, o: Borrowed<'_>, exc: Option<Owned>) -> PyResult {
    call_hooks(th, o)?;
    Ok(th.alloc(Athrow {
        header: unborn(),
        generator: Slot::new(o.to_owned()),
        exc: Slot::from_option(exc),
        tb: Slot::empty(),
        state: AtomicU8::new(INIT),
    }))
}

fn athrow_method(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let exc = exception_of(th, a, "athrow")?;
    new_athrow(th, a[0], Some(exc))
}

fn aclose_method(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    new_athrow(th, a[0], None)
}

fn stop_async(th: &mut Thread) -> Raised {
    th.raise_empty(&ex::STOP_ASYNC_ITERATION)
}

/// What came out of the frame, as the awaitable's own step: a wrapped value ends it.
fn unwrap_step(th: &mut Thread, g: &Generator, r: PyResult<Sent>) -> PyResult<Sent> {
    match r {
        Ok(Sent::Yielded(v)) => match v.downcast::<WrappedValue>() {
            Some(w) => {
                // ORDERING Relaxed: the generator serialises its users.
                g.running_async.store(0, Ordering::Relaxed);
                Ok(Sent::Returned(w.value.fixed().map_or_else(Owned::none, |v| v.to_owned())))
            }
            None => Ok(Sent::Yielded(v)),
        },
        Ok(Sent::Returned(_)) => {
            g.end_async();
            Err(stop_async(th))
        }
        Err(raised) => {
            if th.exc_is(&ex::STOP_ASYNC_ITERATION) || th.exc_is(&ex::GENERATOR_EXIT) {
                g.closed.store(1, Ordering::Relaxed);
            }
            g.running_async.store(0, Ordering::Relaxed);
            Err(raised)
        }
    }
}

impl Generator {
    fn end_async(&self) {
        // ORDERING Relaxed: the generator serialises its users.
        self.closed.store(1, Ordering::Relaxed);
        self.running_async.store(0, Ordering::Relaxed);
    }
}

fn as_result(th: &mut Thread, r: PyResult<Sent>) -> PyResult {
    match r? {
        Sent::Yielded(v) => Ok(v),
        Sent::Returned(v) => Err(th.stop_iteration(v)),
    }
}

fn asend_parts<'a>(o: Borrowed<'a>) -> (&'a Asend, Borrowed<'a>) {
    let s = o.downcast::<Asend>().expect("an asend");
    (s, s.generator.fixed().expect("set at birth"))
}

fn asend_step(th: &mut Thread, o: Borrowed<'_>, sent: Borrowed<'_>) -> PyResult {
    let (s, go) = asend_parts(o);
    let g = this(go);
    // ORDERING Relaxed (all below): an awaitable is used by one task at a time; misuse raises.
    if s.state.load(Ordering::Relaxed) == CLOSED {
        return Err(th.runtime_error("cannot reuse already awaited __anext__()/asend()"));
    }
    let mut value = sent.to_owned();
    if s.state.load(Ordering::Relaxed) == INIT {
        if g.running_async.load(Ordering::Relaxed) != 0 {
            s.state.store(CLOSED, Ordering::Relaxed);
            return Err(th.runtime_error("anext(): asynchronous generator is already running"));
        }
        if value.is_none()
            && let Some(v) = s.value.get(&s.header)
        {
            value = v;
        }
        s.state.store(ITERATING, Ordering::Relaxed);
        g.running_async.store(1, Ordering::Relaxed);
    }
    if g.is_finished() {
        s.state.store(CLOSED, Ordering::Relaxed);
        g.end_async();
        return Err(stop_async(th));
    }
    let r = send(th, go, value);
    let r = unwrap_step(th, g, r);
    let r = as_result(th, r);
    if r.is_err() {
        s.state.store(CLOSED, Ordering::Relaxed);
    }
    r
}

fn asend_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    asend_step(th, o, Borrowed::none()).map(Some)
}

fn asend_send(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    asend_step(th, a[0], a[1])
}

fn asend_throw(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let exc = exception_of(th, a, "throw")?;
    let (s, go) = asend_parts(a[0]);
    let g = this(go);
    // ORDERING Relaxed: as in `asend_step`.
    match s.state.load(Ordering::Relaxed) {
        CLOSED => return Err(th.runtime_error("cannot reuse already awaited __anext__()/asend()")),
        INIT => {
            if g.running_async.load(Ordering::Relaxed) != 0 {
                s.state.store(CLOSED, Ordering::Relaxed);
                return Err(th.runtime_error("anext(): asynchronous generator is already running"));
            }
            s.state.store(ITERATING, Ordering::Relaxed);
            g.running_async.store(1, Ordering::Relaxed);
        }
        _ => {}
    }
    let r = throw(th, go, exc);
    let r = unwrap_step(th, g, r);
    let r = as_result(th, r);
    if r.is_err() {
        s.state.store(CLOSED, Ordering::Relaxed);
    }
    r
}

fn asend_close(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (s, _) = asend_parts(a[0]);
    // ORDERING Relaxed: as in `asend_step`.
    if s.state.load(Ordering::Relaxed) == CLOSED {
        return Ok(Owned::none());
    }
    let raised = th.raise_empty(&ex::GENERATOR_EXIT);
    let exc = th.catch(raised);
    match asend_throw(th, &[a[0], exc.borrow()]) {
        Ok(_) => Err(th.runtime_error("coroutine ignored GeneratorExit")),
        Err(raised) => {
            if [&ex::STOP_ITERATION, &ex::STOP_ASYNC_ITERATION, &ex::GENERATOR_EXIT]
                .iter()
                .any(|d| th.exc_is(d))
            {
                drop(th.catch(raised));
                return Ok(Owned::none());
            }
            Err(raised)
        }
    }
}

fn athrow_parts<'a>(o: Borrowed<'a>) -> (&'a Athrow, Borrowed<'a>) {
    let s = o.downcast::<Athrow>().expect("an athrow");
    (s, s.generator.fixed().expect("set at birth"))
}

fn athrow_step(th: &mut Thread, o: Borrowed<'_>, sent: Borrowed<'_>) -> PyResult {
    let (s, go) = athrow_parts(o);
    let g = this(go);
    let exc = s.exc.get(&s.header);
    let closing = exc.is_none();
    // ORDERING Relaxed (all below): as in `asend_step`.
    match s.state.load(Ordering::Relaxed) {
        CLOSED => Err(th.runtime_error("cannot reuse already awaited aclose()/athrow()")),
        INIT => {
            if g.running_async.load(Ordering::Relaxed) != 0 {
                s.state.store(CLOSED, Ordering::Relaxed);
                return Err(th.runtime_error(if closing {
                    "aclose(): asynchronous generator is already running"
                } else {
                    "athrow(): asynchronous generator is already running"
                }));
            }
            if g.closed.load(Ordering::Relaxed) != 0 || g.is_finished() && closing {
                s.state.store(CLOSED, Ordering::Relaxed);
                if closing && g.is_finished() {
                    return Err(th.stop_iteration(Owned::none()));
                }
                return Err(stop_async(th));
            }
            if !sent.is_none() {
                return Err(th.runtime_error("can't send non-None value to a just-started coroutine"));
            }
            s.state.store(ITERATING, Ordering::Relaxed);
            g.running_async.store(1, Ordering::Relaxed);
            let r = match exc {
                Some(e) => throw(th, go, e),
                None => {
                    g.closed.store(1, Ordering::Relaxed);
                    let raised = th.raise_empty(&ex::GENERATOR_EXIT);
                    let e = th.catch(raised);
                    throw(th, go, e)
                }
            };
            athrow_result(th, s, g, closing, r)
        }
        _ => {
            let r = send(th, go, sent.to_owned());
            athrow_result(th, s, g, closing, r)
        }
    }
}

fn athrow_result(th: &mut Thread, s: &Athrow, g: &Generator, closing: bool, r: PyResult<Sent>) -> PyResult {
    if !closing {
        let r = unwrap_step(th, g, r);
        let r = as_result(th, r);
        if r.is_err() {
            s.state.store(CLOSED, Ordering::Relaxed);
        }
        return r;
    }
    match r {
        Ok(Sent::Yielded(v)) if v.downcast::<WrappedValue>().is_some() => {
            g.running_async.store(0, Ordering::Relaxed);
            s.state.store(CLOSED, Ordering::Relaxed);
            Err(th.runtime_error("async generator ignored GeneratorExit"))
        }
        Ok(Sent::Yielded(v)) => Ok(v),
        Ok(Sent::Returned(_)) => {
            g.end_async();
            s.state.store(CLOSED, Ordering::Relaxed);
            Err(th.stop_iteration(Owned::none()))
        }
        Err(raised) => {
            g.end_async();
            s.state.store(CLOSED, Ordering::Relaxed);
            if th.exc_is(&ex::STOP_ASYNC_ITERATION) || th.exc_is(&ex::GENERATOR_EXIT) {
                drop(th.catch(raised));
                return Err(th.stop_iteration(Owned::none()));
            }
            Err(raised)
        }
    }
}

fn athrow_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    athrow_step(th, o, Borrowed::none()).map(Some)
}

fn athrow_send(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    athrow_step(th, a[0], a[1])
}

fn athrow_throw(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let exc = exception_of(th, a, "throw")?;
    let (s, go) = athrow_parts(a[0]);
    let g = this(go);
    // ORDERING Relaxed: as in `asend_step`.
    if s.state.load(Ordering::Relaxed) == CLOSED {
        return Err(th.runtime_error("cannot reuse already awaited aclose()/athrow()"));
    }
    s.state.store(ITERATING, Ordering::Relaxed);
    g.running_async.store(1, Ordering::Relaxed);
    let closing = s.exc.is_empty();
    let r = throw(th, go, exc);
    athrow_result(th, s, g, closing, r)
}

fn athrow_close(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (s, _) = athrow_parts(a[0]);
    // ORDERING Relaxed: as in `asend_step`.
    s.state.store(CLOSED, Ordering::Relaxed);
    let _ = th;
    Ok(Owned::none())
}

/// An async generator that is dropped while suspended goes to the event loop's finalizer.
fn finalize_async(th: &mut Thread, o: Borrowed<'_>) -> PyResult<()> {
    let g = this(o);
    // ORDERING Relaxed: nobody else uses a dying object.
    if g.state() == state::SUSPENDED
        && g.closed.load(Ordering::Relaxed) == 0
        && let Some(f) = g.finalizer.get(&g.header)
    {
        return f.borrow().call(th, &[o]).map(drop);
    }
    if g.state() == state::SUSPENDED {
        return close(th, o).map(drop);
    }
    finalize(th, o)
}

pub static ASYNC_GENERATOR: TypeDef = TypeDef {
    id: TypeId::fixed(ids::ASYNC_GENERATOR),
    flags: type_flags::GC | type_flags::WEAKREF,
    layout: LAYOUT,
    slots: Slots {
        aiter: Some(own_iter),
        anext: Some(anext),
        repr: Some(repr),
        finalize: Some(finalize_async),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new("asend", "($self, value, /)", asend_method, ""),
        NativeDef::new("athrow", "($self, typ, val=None, tb=None, /)", athrow_method, ""),
        NativeDef::new("aclose", "($self, /)", aclose_method, ""),
        crate::builtins::generic_alias::CLASS_GETITEM,
    ],
    getset: &[
        GetSetDef::get("__name__", get_name).set(set_name),
        GetSetDef::get("__qualname__", get_qualname).set(set_qualname),
        GetSetDef::get("ag_running", get_running),
        GetSetDef::get("ag_suspended", get_suspended),
        GetSetDef::get("ag_frame", get_frame),
        GetSetDef::get("ag_code", get_code),
        GetSetDef::get("ag_await", get_yield_from),
    ],
    shared: Some(Shared::all(Safety::Refused)),
    ..TypeDef::of::<Generator>("async_generator")
};

pub static ASYNC_GENERATOR_ASEND: TypeDef = TypeDef {
    flags: type_flags::GC,
    slots: Slots { await_: Some(own_iter), iter: Some(own_iter), next: Some(asend_next), ..Slots::NONE },
    methods: &[
        NativeDef::new("send", "($self, value, /)", asend_send, ""),
        NativeDef::new("throw", "($self, typ, val=None, tb=None, /)", asend_throw, ""),
        NativeDef::new("close", "($self, /)", asend_close, ""),
    ],
    ..TypeDef::of::<Asend>("async_generator_asend")
};

pub static ASYNC_GENERATOR_ATHROW: TypeDef = TypeDef {
    flags: type_flags::GC,
    slots: Slots { await_: Some(own_iter), iter: Some(own_iter), next: Some(athrow_next), ..Slots::NONE },
    methods: &[
        NativeDef::new("send", "($self, value, /)", athrow_send, ""),
        NativeDef::new("throw", "($self, typ, val=None, tb=None, /)", athrow_throw, ""),
        NativeDef::new("close", "($self, /)", athrow_close, ""),
    ],
    ..TypeDef::of::<Athrow>("async_generator_athrow")
};
