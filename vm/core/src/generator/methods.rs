//! The types `generator`, `coroutine` and `coroutine_wrapper`.

use super::protocol::{Sent, kind_name, send};
use super::{Generator, LAYOUT, advance, start_running, state};
use crate::builtins::exceptions as ex;
use crate::builtins::ids;
use crate::builtins::str::Str;
use crate::interp::eval;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{ArgsExt, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{GetSetDef, NativeDef, Safety, Shared, TypeDef, TypeId, type_flags};
use crate::word::Word;

pub(super) fn this(o: Borrowed<'_>) -> &Generator {
    Generator::of(o).expect("a generator")
}

/// A step as the iterator protocol wants it.
fn next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    match send(th, o, Owned::none())? {
        Sent::Yielded(v) => Ok(Some(v)),
        Sent::Returned(v) if v.is_none() => Ok(None),
        Sent::Returned(v) => Err(th.stop_iteration(v)),
    }
}

/// A step as `send` and `throw` give it: the end is a StopIteration.
fn stepped(th: &mut Thread, r: PyResult<Sent>) -> PyResult {
    match r? {
        Sent::Yielded(v) => Ok(v),
        Sent::Returned(v) => Err(th.stop_iteration(v)),
    }
}

pub(super) fn send_method(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let r = send(th, a[0], a[1].to_owned());
    stepped(th, r)
}

fn throw_method(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let exc = exception_of(th, a, "throw")?;
    let r = throw(th, a[0], exc);
    stepped(th, r)
}

/// The exception that `throw(type, value, traceback)` means; one that its class raises instead is as good. `method`:
/// who is called so.
///
/// Errors: TypeError for what stands for no exception; the warning about the old signature.
pub fn exception_of(th: &mut Thread, a: &[Borrowed<'_>], method: &str) -> PyResult {
    let (ty, value, tb) = (a[1], a.opt(2), a.opt(3));
    if value.is_some() || tb.is_some() {
        let msg = format!(
            "the (type, exc, tb) signature of {method}() is deprecated, use the single-arg signature instead."
        );
        crate::warnings::warn(th, &ex::DEPRECATION_WARNING, &msg, 1)?;
    }
    let tb = tb.filter(|t| !t.is_none());
    if let Some(t) = tb
        && t.downcast::<crate::traceback::Traceback>().is_none()
    {
        return Err(th.type_error("throw() third argument must be a traceback object"));
    }
    let exc = if let Some(class) = ty.downcast::<crate::Type>() {
        if !class.is_subtype_of(ex::BASE_EXCEPTION.ty()) {
            let msg = format!(
                "exceptions must be classes or instances deriving from BaseException, not {}",
                ty.type_name(th)
            );
            return Err(th.type_error(&msg));
        }
        let made = match value.filter(|v| !v.is_none()) {
            None => ex::call_class(th, ty, &[]),
            Some(v) if v.ty().is_subtype_of(class) => Ok(v.to_owned()),
            Some(v) => match v.downcast::<crate::builtins::tuple::Tuple>() {
                Some(t) => {
                    let all: Vec<Borrowed<'_>> = t.iter().collect();
                    ex::call_class(th, ty, &all)
                }
                None => ex::call_class(th, ty, &[v]),
            },
        };
        made.unwrap_or_else(|raised| th.catch(raised))
    } else if ty.is_instance_of(&ex::BASE_EXCEPTION) {
        if value.is_some_and(|v| !v.is_none()) {
            return Err(th.type_error("instance exception may not have a separate value"));
        }
        ty.to_owned()
    } else {
        let msg = format!(
            "exceptions must be classes or instances deriving from BaseException, not {}",
            ty.type_name(th)
        );
        return Err(th.type_error(&msg));
    };
    if let (Some(t), Some(e)) = (tb, exc.downcast::<ex::BaseException>()) {
        e.traceback.set(&e.header, t.to_owned());
    }
    Ok(exc)
}

/// Raises `exc` where the generator stands; a delegation gets it first.
pub(super) fn throw(th: &mut Thread, o: Borrowed<'_>, exc: Owned) -> PyResult<Sent> {
    throw_unless_finished(th, o, exc)?.map_or_else(|exc| thrown_at_finished(th, o, exc), Ok)
}

/// What comes of an exception that is thrown into a finished generator.
#[cold]
fn thrown_at_finished(th: &mut Thread, o: Borrowed<'_>, exc: Owned) -> PyResult<Sent> {
    if o.shape_id() == ids::COROUTINE {
        return Err(th.runtime_error("cannot reuse already awaited coroutine"));
    }
    Err(th.set_exc(exc))
}

/// As [`throw`]; gives the exception back if the generator is finished, which another thread may have seen to.
fn throw_unless_finished(th: &mut Thread, o: Borrowed<'_>, exc: Owned) -> PyResult<Result<Sent, Owned>> {
    let g = this(o);
    let Some(sub) = g.yield_from() else { return throw_here(th, o, exc) };
    if !start_running(th, g) {
        super::raise_already_executing(th, g);
        return Err(crate::Raised(()));
    }
    let result = if exc.borrow().is_instance_of(&ex::GENERATOR_EXIT) {
        let closed = close_delegate(th, sub.borrow());
        g.suspend_again();
        closed.map(|()| None)
    } else {
        // SAFETY: just marked running.
        unsafe { eval::within(th, g, |th| throw_to_delegate(th, sub.borrow(), &exc)) }?
    };
    match result {
        Ok(None) => throw_here(th, o, exc),
        Ok(Some(Sent::Yielded(v))) => Ok(Ok(Sent::Yielded(v))),
        Ok(Some(Sent::Returned(v))) => {
            // The delegation ends with this value: as if StopIteration came out of it.
            let raised = th.raise_value(&ex::STOP_ITERATION, v);
            let stop = th.catch(raised);
            throw_here(th, o, stop)
        }
        Err(raised) => {
            let inner = th.catch(raised);
            throw_here(th, o, inner)
        }
    }
}

/// Hands an exception to what a generator delegates to. `None`: that takes no exceptions.
///
/// Errors: whatever comes out of it.
fn throw_to_delegate(th: &mut Thread, sub: Borrowed<'_>, exc: &Owned) -> PyResult<Option<Sent>> {
    if Generator::of(sub).is_some() && sub.shape_id() != ids::ASYNC_GENERATOR {
        return throw(th, sub, exc.clone()).map(Some);
    }
    let name = th.intern("throw");
    let Some(method) = sub.getattr_opt(th, name.borrow())? else { return Ok(None) };
    match method.borrow().call(th, &[exc.borrow()]) {
        Ok(v) => Ok(Some(Sent::Yielded(v))),
        Err(raised) if th.exc_is(&ex::STOP_ITERATION) => {
            let stop = th.catch(raised);
            Ok(Some(Sent::Returned(super::stop_value(stop.borrow()))))
        }
        Err(raised) => Err(raised),
    }
}

fn throw_here(th: &mut Thread, o: Borrowed<'_>, exc: Owned) -> PyResult<Result<Sent, Owned>> {
    let g = this(o);
    if g.state() == state::CREATED {
        // Nothing ran yet: the frame ends at once.
        if !start_running(th, g) {
            super::raise_already_executing(th, g);
            return Err(crate::Raised(()));
        }
        let _ = th.set_exc(exc);
        return advance(th, g, None).map(Ok);
    }
    if !start_running(th, g) {
        if g.is_finished() {
            return Ok(Err(exc));
        }
        super::raise_already_executing(th, g);
        return Err(crate::Raised(()));
    }
    if let Some(own) = g.handled() {
        crate::traceback::chain(&exc, own);
    }
    let _ = th.set_exc(exc);
    advance(th, g, None).map(Ok)
}

fn close_delegate(th: &mut Thread, sub: Borrowed<'_>) -> PyResult<()> {
    if Generator::of(sub).is_some() && sub.shape_id() != ids::ASYNC_GENERATOR {
        return close(th, sub).map(drop);
    }
    let name = th.rt.names.close.get();
    if let Some(m) = sub.getattr_opt(th, name)? {
        m.borrow().call(th, &[])?;
    }
    Ok(())
}

/// `generator.close()`: the value that the generator returned, or None.
pub(super) fn close(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let g = this(o);
    match g.state() {
        state::FINISHED => return Ok(Owned::none()),
        state::CREATED => {
            if start_running(th, g) {
                g.abandon();
                return Ok(Owned::none());
            }
        }
        state::SUSPENDED
            if g.frame.is_empty()
                && catches_nothing(g)
                && !crate::monitoring::state::watches_exceptions() =>
        {
            if start_running(th, g) {
                g.abandon();
                return Ok(Owned::none());
            }
        }
        _ => {}
    }
    let raised = th.raise_empty(&ex::GENERATOR_EXIT);
    let exc = th.catch(raised);
    match throw_unless_finished(th, o, exc) {
        Ok(Err(_)) => Ok(Owned::none()),
        Ok(Ok(Sent::Yielded(_))) => {
            let msg = format!("{} ignored GeneratorExit", kind_name(o));
            Err(th.runtime_error(&msg))
        }
        Ok(Ok(Sent::Returned(v))) => Ok(v),
        Err(raised) => {
            if th.exc_is(&ex::GENERATOR_EXIT) || th.exc_is(&ex::STOP_ITERATION) {
                drop(th.catch(raised));
                return Ok(Owned::none());
            }
            Err(raised)
        }
    }
}

/// Does the generator stand where no code of its own would see an exception? Only the guard that every
/// generator has (PEP 479) covers the place.
fn catches_nothing(g: &Generator) -> bool {
    use typhon_compile::opcode::{Intrinsic1, Opcode};
    let data = &g.code().data.0;
    let Some(handler) = crate::interp::tables::handler(&data.exceptiontable, g.offset()) else {
        return false;
    };
    let guard = [Opcode::CALL_INTRINSIC_1 as u8, Intrinsic1::StopIterationError as u8];
    data.code.get(handler.target as usize * 2..).is_some_and(|code| code.starts_with(&guard))
}

fn close_method(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    close(th, a[0])
}

/// `__del__`: runs `finally` blocks of a generator that is dropped while suspended; warns about a
/// coroutine that was never awaited.
pub(super) fn finalize(th: &mut Thread, o: Borrowed<'_>) -> PyResult<()> {
    let g = this(o);
    if let Some(f) = g.frame.take()
        && let Some(f) = f.downcast::<crate::frame_object::Frame>()
    {
        f.outlive_generator(th, g);
    }
    match g.state() {
        state::FINISHED | state::RUNNING => return Ok(()),
        state::CREATED => {
            if o.shape_id() == ids::COROUTINE {
                crate::warnings::never_awaited(th, o)?;
            }
            return Ok(());
        }
        _ => {}
    }
    close(th, o).map(drop)
}

impl Generator {
    /// The exception that the generator handles where it stands. It counts as running.
    fn handled(&self) -> Option<Borrowed<'_>> {
        // SAFETY: marked running by this thread, and not resumed yet; the item holds its value.
        let w = unsafe { (*self.handled.0.get()).value };
        // SAFETY: as above.
        (w != Word::NONE).then(|| unsafe { Borrowed::from_raw(w.uncounted()) })
    }

    /// Gives up a delegation's "running" mark without having run.
    pub(crate) fn suspend_again(&self) {
        // ORDERING Release: pairs with `start_running`.
        self.state.store(state::SUSPENDED, typhon_sync::prim::Ordering::Release);
    }

    /// Ends a generator that has nothing to clean up: drops its words.
    pub(super) fn abandon(&self) {
        use typhon_sync::prim::Ordering;
        // ORDERING Relaxed: marked running by this thread.
        let n = self.n_words.swap(0, Ordering::Relaxed) as usize;
        // SAFETY: the words are ours while running.
        unsafe {
            for i in (0..n).rev() {
                crate::dealloc::drop_word(*self.words().add(i));
            }
        }
        // ORDERING Release: nobody touches the words again.
        self.state.store(state::FINISHED, Ordering::Release);
    }
}

pub(super) fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let g = this(o);
    let name =
        g.qualname.get(&g.header).and_then(|q| q.downcast::<Str>().map(|s| s.to_text())).unwrap_or_default();
    let kind = match o.shape_id() {
        ids::COROUTINE => "coroutine",
        ids::ASYNC_GENERATOR => "async_generator",
        _ => "generator",
    };
    let text = format!("<{kind} object {name} at {:#x}>", o.word().identity());
    Ok(th.new_str(&text))
}

pub(super) fn own_iter(_: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(o.to_owned())
}

pub(super) fn get_name(_: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let g = this(o);
    Ok(g.name.get(&g.header).unwrap_or_else(Owned::none))
}

pub(super) fn set_name(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    match v.filter(|v| v.downcast::<Str>().is_some()) {
        Some(v) => {
            let g = this(o);
            g.name.set(&g.header, v.to_owned());
            Ok(())
        }
        None => Err(th.type_error("__name__ must be set to a string object")),
    }
}

pub(super) fn get_qualname(_: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let g = this(o);
    Ok(g.qualname.get(&g.header).unwrap_or_else(Owned::none))
}

pub(super) fn set_qualname(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    match v.filter(|v| v.downcast::<Str>().is_some()) {
        Some(v) => {
            let g = this(o);
            g.qualname.set(&g.header, v.to_owned());
            Ok(())
        }
        None => Err(th.type_error("__qualname__ must be set to a string object")),
    }
}

pub(super) fn get_running(_: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(Owned::bool(this(o).state() == state::RUNNING))
}

pub(super) fn get_suspended(_: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(Owned::bool(this(o).state() == state::SUSPENDED))
}

pub(super) fn get_code(_: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(Borrowed::from_payload(this(o).code()).to_owned())
}

pub(super) fn get_yield_from(_: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(this(o).yield_from().unwrap_or_else(Owned::none))
}

pub(super) fn get_frame(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let g = this(o);
    if g.is_finished() {
        return Ok(Owned::none());
    }
    Ok(crate::frame_object::of_generator(th, g))
}

fn get_origin(_: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let g = this(o);
    Ok(g.origin.get(&g.header).unwrap_or_else(Owned::none))
}

const GENERATOR_GETSET: &[GetSetDef] = &[
    GetSetDef::get("__name__", get_name).set(set_name),
    GetSetDef::get("__qualname__", get_qualname).set(set_qualname),
    GetSetDef::get("gi_running", get_running),
    GetSetDef::get("gi_suspended", get_suspended),
    GetSetDef::get("gi_frame", get_frame),
    GetSetDef::get("gi_code", get_code),
    GetSetDef::get("gi_yieldfrom", get_yield_from),
];

const COROUTINE_GETSET: &[GetSetDef] = &[
    GetSetDef::get("__name__", get_name).set(set_name),
    GetSetDef::get("__qualname__", get_qualname).set(set_qualname),
    GetSetDef::get("cr_running", get_running),
    GetSetDef::get("cr_suspended", get_suspended),
    GetSetDef::get("cr_frame", get_frame),
    GetSetDef::get("cr_code", get_code),
    GetSetDef::get("cr_await", get_yield_from),
    GetSetDef::get("cr_origin", get_origin),
];

const METHODS: &[NativeDef] = &[
    NativeDef::new(
        "send",
        "($self, value, /)",
        send_method,
        "Resumes execution with a value, or raises StopIteration.",
    ),
    NativeDef::new(
        "throw",
        "($self, typ, val=None, tb=None, /)",
        throw_method,
        "Raises an exception at the point of suspension.",
    ),
    NativeDef::new("close", "($self, /)", close_method, "Raises GeneratorExit at the point of suspension."),
    crate::builtins::generic_alias::CLASS_GETITEM,
];

pub static GENERATOR: TypeDef = TypeDef {
    id: TypeId::fixed(ids::GENERATOR),
    flags: type_flags::GC | type_flags::WEAKREF,
    layout: LAYOUT,
    slots: Slots {
        iter: Some(own_iter),
        next: Some(next),
        repr: Some(repr),
        finalize: Some(finalize),
        ..Slots::NONE
    },
    methods: METHODS,
    getset: GENERATOR_GETSET,
    shared: Some(Shared::all(Safety::Refused)),
    ..TypeDef::of::<Generator>("generator")
};

pub static COROUTINE: TypeDef = TypeDef {
    id: TypeId::fixed(ids::COROUTINE),
    flags: type_flags::GC | type_flags::WEAKREF,
    layout: LAYOUT,
    slots: Slots { await_: Some(await_), repr: Some(repr), finalize: Some(finalize), ..Slots::NONE },
    methods: METHODS,
    getset: COROUTINE_GETSET,
    shared: Some(Shared::all(Safety::Refused)),
    ..TypeDef::of::<Generator>("coroutine")
};

crate::payload! {
    /// What `coroutine.__await__()` returns.
    pub struct CoroutineWrapper: COROUTINE_WRAPPER {
        coroutine: Slot,
    }
}

fn await_(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(th.alloc(CoroutineWrapper { header: unborn(), coroutine: Slot::new(o.to_owned()) }))
}

fn wrapped(o: Borrowed<'_>) -> Borrowed<'_> {
    o.downcast::<CoroutineWrapper>().and_then(|w| w.coroutine.fixed()).expect("a coroutine wrapper")
}

fn wrapper_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    next(th, wrapped(o))
}

fn wrapper_send(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let r = send(th, wrapped(a[0]), a[1].to_owned());
    stepped(th, r)
}

fn wrapper_throw(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let exc = exception_of(th, a, "throw")?;
    let r = throw(th, wrapped(a[0]), exc);
    stepped(th, r)
}

fn wrapper_close(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    close(th, wrapped(a[0]))
}

pub static COROUTINE_WRAPPER: TypeDef = TypeDef {
    flags: type_flags::GC,
    slots: Slots { iter: Some(own_iter), next: Some(wrapper_next), ..Slots::NONE },
    methods: &[
        NativeDef::new("send", "($self, value, /)", wrapper_send, ""),
        NativeDef::new("throw", "($self, typ, val=None, tb=None, /)", wrapper_throw, ""),
        NativeDef::new("close", "($self, /)", wrapper_close, ""),
    ],
    ..TypeDef::of::<CoroutineWrapper>("coroutine_wrapper")
};
