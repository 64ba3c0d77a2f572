//! The type `Future`: what Python code sees of it.

use typhon_core::{
    ArgsExt, Borrowed, GetSetDef, NativeDef, Owned, PyResult, Safety, Shared, Slots, Thread, Type, TypeDef,
    type_flags,
};

use super::{Future, Outcome, Phase, State, callback_context, init, this as of};
use crate::args::made;
use crate::asyncio::{awaited_by, future_iter, library};

/// An attribute that may be set but not deleted.
macro_rules! attribute {
    ($name:literal, $get:expr, $set:expr) => {
        typhon_core::GetSetDef {
            name: $name,
            get: $get,
            set: Some(|th, o, v| match v {
                None => Err(
                    th.raise(&typhon_core::builtins::exceptions::ATTRIBUTE_ERROR, "cannot delete attribute")
                ),
                Some(v) => {
                    let set: fn(
                        &mut typhon_core::Thread,
                        typhon_core::Borrowed<'_>,
                        typhon_core::Borrowed<'_>,
                    ) -> typhon_core::PyResult<()> = $set;
                    set(th, o, v)
                }
            }),
            doc: "",
        }
    };
}
pub(crate) use attribute;

/// A field of the state, None if it is empty.
fn field(th: &mut Thread, o: Borrowed<'_>, read: impl Fn(&State) -> &Option<Owned>) -> PyResult {
    let value = read(&of(o).state(th)).clone();
    Ok(value.unwrap_or_else(Owned::none))
}

const CANCEL: &str = "Cancel the future and schedule callbacks.\n\nIf the future is already done or cancelled, return \
                      False.  Otherwise,\nchange the future's state to cancelled, schedule the callbacks and\nreturn \
                      True.";

/// Tasks have all of them, and their own instead of some.
const METHODS: &[NativeDef] = &[
    NativeDef::new(
        "result",
        "($self, /)",
        |th, a| match of(a[0]).outcome(th)? {
            Outcome::Result(result) => Ok(result),
            Outcome::Exception(exception) => Err(th.throw(exception)),
            Outcome::Pending => Err(library::invalid_state(th, "Result is not set.")),
        },
        "Return the result this future represents.\n\nIf the future has been cancelled, raises CancelledError.  If \
         the\nfuture's result isn't yet available, raises InvalidStateError.  If\nthe future is done and has an \
         exception set, this exception is raised.",
    ),
    NativeDef::new(
        "exception",
        "($self, /)",
        exception,
        "Return the exception that was set on this future.\n\nThe exception (or None if no exception was set) is \
         returned only if\nthe future is done.  If the future has been cancelled, raises\nCancelledError.  If the \
         future isn't done yet, raises\nInvalidStateError.",
    ),
    NativeDef::new(
        "set_result",
        "($self, result, /)",
        |th, a| of(a[0]).set_result(th, a[1].to_owned()).map(|()| Owned::none()),
        "Mark the future done and set its result.\n\nIf the future is already done when this method is called, \
         raises\nInvalidStateError.",
    ),
    NativeDef::new(
        "set_exception",
        "($self, exception, /)",
        |th, a| of(a[0]).set_exception(th, a[1]).map(|()| Owned::none()),
        "Mark the future done and set an exception.\n\nIf the future is already done when this method is called, \
         raises\nInvalidStateError.",
    ),
    NativeDef::new(
        "add_done_callback",
        "($self, fn, /, *, context=<unrepresentable>)",
        |th, a| {
            let context = callback_context(th, a.some(2));
            of(a[0]).add_done_callback(th, a[1], context).map(|()| Owned::none())
        },
        "Add a callback to be run when the future becomes done.\n\nThe callback is called with a single argument - \
         the future object. If\nthe future is already done when this is called, the callback is\nscheduled with \
         call_soon.",
    ),
    NativeDef::new(
        "remove_done_callback",
        "($self, fn, /)",
        |th, a| {
            let n = of(a[0]).remove_done_callback(th, a[1])?;
            Ok(th.new_int(n as i64))
        },
        "Remove all instances of a callback from the \"call when done\" list.\n\nReturns the number of callbacks \
         removed.",
    ),
    NativeDef::new(
        "cancel",
        "($self, /, msg=None)",
        |th, a| of(a[0]).cancel(th, a.some(1).map(Borrowed::to_owned)).map(Owned::bool),
        CANCEL,
    ),
    NativeDef::new(
        "cancelled",
        "($self, /)",
        |th, a| Ok(Owned::bool(of(a[0]).state(th).phase == Phase::Cancelled)),
        "Return True if the future was cancelled.",
    ),
    NativeDef::new(
        "done",
        "($self, /)",
        |th, a| Ok(Owned::bool(of(a[0]).is_done(th))),
        "Return True if the future is done.\n\nDone means either that a result / exception are available, or that \
         the\nfuture was cancelled.",
    ),
    NativeDef::new(
        "get_loop",
        "($self, /)",
        |th, a| of(a[0]).event_loop(th),
        "Return the event loop the Future is bound to.",
    ),
    NativeDef::new(
        "_make_cancelled_error",
        "($self, /)",
        |th, a| of(a[0]).cancelled_error(th),
        "Create the CancelledError to raise if the Future is cancelled.\n\nThis should only be called once when \
         handling a cancellation since\nit erases the context exception value.",
    ),
    typhon_core::builtins::generic_alias::CLASS_GETITEM,
];

fn exception(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let future = of(a[0]);
    let answer = {
        let mut state = future.state(th);
        match state.phase {
            Phase::Pending => None,
            Phase::Cancelled => Some(None),
            Phase::Finished => {
                state.log_traceback = false;
                Some(Some(state.exception.clone().unwrap_or_else(Owned::none)))
            }
        }
    };
    match answer {
        None => Err(library::invalid_state(th, "Exception is not set.")),
        Some(Some(exception)) => Ok(exception),
        Some(None) => {
            let exception = future.cancelled_error(th)?;
            Err(th.throw(exception))
        }
    }
}

fn callbacks(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let all = of(o).callbacks(th);
    if all.is_empty() {
        return Ok(Owned::none());
    }
    let pairs = all.into_iter().map(|(callback, context)| th.new_tuple(vec![callback, context])).collect();
    Ok(th.new_list(pairs))
}

fn state_name(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let phase = of(o).state(th).phase;
    Ok(th.intern(match phase {
        Phase::Pending => "PENDING",
        Phase::Cancelled => "CANCELLED",
        Phase::Finished => "FINISHED",
    }))
}

const GETSET: &[GetSetDef] = &[
    GetSetDef::get("_state", state_name),
    attribute!("_asyncio_future_blocking", |th, o| Ok(Owned::bool(of(o).state(th).blocking)), |th, o, v| {
        let blocking = v.truth(th)?;
        let mut state = of(o).state(th);
        if state.event_loop.is_none() {
            drop(state);
            return Err(super::uninitialized(th));
        }
        state.blocking = blocking;
        Ok(())
    }),
    GetSetDef::get("_loop", |th, o| field(th, o, |s| &s.event_loop)),
    GetSetDef::get("_callbacks", callbacks),
    GetSetDef::get("_result", |th, o| field(th, o, |s| &s.result)),
    GetSetDef::get("_exception", |th, o| field(th, o, |s| &s.exception)),
    attribute!("_log_traceback", |th, o| Ok(Owned::bool(of(o).state(th).log_traceback)), |th, o, v| {
        if v.truth(th)? {
            return Err(th.value_error("_log_traceback can only be set to False"));
        }
        of(o).state(th).log_traceback = false;
        Ok(())
    }),
    GetSetDef::get("_source_traceback", |th, o| field(th, o, |s| &s.source_traceback)),
    attribute!("_cancel_message", |th, o| field(th, o, |s| &s.cancel_message), |th, o, v| {
        let old = of(o).state(th).cancel_message.replace(v.to_owned());
        drop(old);
        Ok(())
    }),
    GetSetDef::get("_asyncio_awaited_by", |th, o| awaited_by::get(th, of(o))),
];

pub static FUTURE: TypeDef = TypeDef {
    module: "_asyncio",
    flags: type_flags::BASE | type_flags::GC | type_flags::WEAKREF,
    doc: "This class is *almost* compatible with concurrent.futures.Future.\n\n    Differences:\n\n    - result() and \
          exception() do not take a timeout argument and\n      raise an exception when the future isn't done \
          yet.\n\n    - Callbacks registered with add_done_callback() are always called\n      via the event loop's \
          call_soon_threadsafe().\n\n    - This class is not compatible with the wait() and as_completed()\n      \
          methods in the concurrent.futures package.",
    slots: Slots {
        new: Some(|th: &mut Thread, ty: &Type, _| made(th, ty, Future::blank())),
        init: Some(init),
        repr: Some(library::future_repr),
        iter: Some(future_iter::new),
        await_: Some(future_iter::new),
        finalize: Some(|th, o| of(o).report_exception(th)),
        ..Slots::NONE
    },
    methods: METHODS,
    getset: GETSET,
    shared: Some(
        Shared::but(
            Safety::Locked,
            &[
                (Safety::Steps, "__init__ __repr__ remove_done_callback"),
                (Safety::Constant, "__class_getitem__"),
            ],
        )
        .note(
            "A future ends once, whoever ends it; `call_soon` of its loop is called in the thread that does.",
        ),
    ),
    ..TypeDef::of::<Future>("Future")
};
