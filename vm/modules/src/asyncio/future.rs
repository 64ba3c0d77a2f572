//! `Future`: what its state is, and how it changes. The methods that Python calls are in `future/methods.rs`.

mod methods;

use typhon_core::builtins::exceptions as ex;
use typhon_core::object::LockedGuard;
use typhon_core::{
    Args, Borrowed, Locked, Owned, PyResult, Raised, Thread, payload, signature, traced, unborn,
};
use typhon_sync::prim::Ordering;

use super::awaited_by::Waiters;
use super::library;
use super::task::Task;
use crate::contextvars;

pub use methods::FUTURE;
pub(crate) use methods::attribute;

/// How far a future is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Pending,
    Cancelled,
    Finished,
}

typhon_core::holds_no_references!(Phase);

/// A callback and the context that it is to run in.
pub type Callback = (Owned, Owned);

traced! {
    /// What a future's lock protects.
    pub struct State {
        /// `None`: `__init__` did not run.
        pub event_loop: Option<Owned>,
        pub result: Option<Owned>,
        pub exception: Option<Owned>,
        /// Traceback of the exception when it was set.
        pub traceback: Option<Owned>,
        /// The first callback; most futures have one.
        pub first: Option<Callback>,
        /// Further ones; none without a first.
        pub others: Vec<Callback>,
        pub source_traceback: Option<Owned>,
        pub cancel_message: Option<Owned>,
        /// The exception that a task ended with when it was cancelled: who asks first gets it.
        pub cancelled_exc: Option<Owned>,
        pub awaited_by: Waiters,
        pub phase: Phase,
        /// The exception has to be reported if nobody asks for it.
        pub log_traceback: bool,
        /// Somebody awaits it, and the task has not seen that yet.
        pub blocking: bool,
    }
}

impl State {
    /// Of a future before `__init__`.
    pub fn blank() -> State {
        State {
            event_loop: None,
            result: None,
            exception: None,
            traceback: None,
            first: None,
            others: Vec::new(),
            source_traceback: None,
            cancel_message: None,
            cancelled_exc: None,
            awaited_by: Waiters::None,
            phase: Phase::Pending,
            log_traceback: false,
            blocking: false,
        }
    }

    /// Adds a callback to a pending future.
    #[inline]
    pub fn push_callback(&mut self, callback: Callback) {
        match self.first {
            None => self.first = Some(callback),
            Some(_) => self.others.push(callback),
        }
    }

    /// All callbacks, which the future forgets.
    #[inline]
    fn take_callbacks(&mut self) -> (Option<Callback>, Vec<Callback>) {
        (self.first.take(), core::mem::take(&mut self.others))
    }
}

payload! {
    /// `_asyncio.Future`, and what a task begins with.
    pub struct Future: FUTURE {
        pub(super) state: Locked<State>,
    }
}

/// How a future ended.
pub enum Outcome {
    Result(Owned),
    /// An exception to be raised, or thrown into whoever awaits.
    Exception(Owned),
    Pending,
}

impl Future {
    /// The future behind a value: quickly for futures and tasks, and for their subclasses.
    #[inline]
    pub fn of(o: Borrowed<'_>) -> Option<&Future> {
        match o.downcast_exact::<Task>() {
            Some(task) => Some(task.as_future()),
            None => o.downcast::<Future>(),
        }
    }

    pub fn blank() -> Future {
        Future { header: unborn(), state: Locked::new(State::blank()) }
    }

    /// The state, under the lock of the future.
    #[inline]
    pub fn state<'g>(&'g self, th: &'g mut Thread) -> LockedGuard<'g, State> {
        self.state.lock(&self.header, th)
    }

    #[inline]
    fn value(&self) -> Borrowed<'_> {
        Borrowed::from_payload(self)
    }

    /// The loop. Errors: RuntimeError if `__init__` did not run.
    #[inline]
    pub fn event_loop(&self, th: &mut Thread) -> PyResult {
        let event_loop = self.state(th).event_loop.clone();
        event_loop.ok_or_else(|| uninitialized(th))
    }

    pub fn is_done(&self, th: &mut Thread) -> bool {
        self.state(th).phase != Phase::Pending
    }

    /// What `__init__` does; a future that had a life already begins a new one.
    pub fn init(&self, th: &mut Thread, event_loop: Option<Borrowed<'_>>) -> PyResult<()> {
        let event_loop = library::loop_or_default(th, event_loop)?;
        let old = {
            let mut state = self.state(th);
            let new = State { event_loop: Some(event_loop.clone()), ..State::blank() };
            core::mem::replace(&mut *state, new)
        };
        drop(old);
        let get_debug = library::GET_DEBUG.get(th);
        let debug = event_loop.borrow().call_method(th, get_debug, &[])?;
        if debug.borrow().truth(th)? {
            let stack = library::extract_stack(th)?;
            self.state(th).source_traceback = Some(stack);
        }
        Ok(())
    }

    /// Ends a pending future by `end`, and has its callbacks called. False: it is not pending.
    ///
    /// Errors: what `call_soon` raises; RuntimeError if `__init__` did not run.
    pub fn finish(&self, th: &mut Thread, end: impl FnOnce(&mut State)) -> PyResult<bool> {
        let (event_loop, (first, others)) = {
            let mut state = self.state(th);
            if state.phase != Phase::Pending {
                return Ok(false);
            }
            match state.event_loop.clone() {
                Some(event_loop) => {
                    end(&mut state);
                    (Ok(event_loop), state.take_callbacks())
                }
                None => (Err(()), (None, Vec::new())),
            }
        };
        let Ok(event_loop) = event_loop else { return Err(uninitialized(th)) };
        for (callback, context) in first.into_iter().chain(others) {
            let (callback, context) = (callback.borrow(), context.borrow());
            library::call_soon(th, event_loop.borrow(), callback, Some(self.value()), Some(context))?;
        }
        Ok(true)
    }

    /// `set_result`. Errors: InvalidStateError.
    pub fn set_result(&self, th: &mut Thread, result: Owned) -> PyResult<()> {
        let done = self.finish(th, |state| {
            state.result = Some(result);
            state.phase = Phase::Finished;
        })?;
        if done { Ok(()) } else { Err(library::invalid_state(th, "invalid state")) }
    }

    /// `set_exception`. Errors: InvalidStateError, TypeError for what is no exception.
    pub fn set_exception(&self, th: &mut Thread, exception: Borrowed<'_>) -> PyResult<()> {
        {
            let state = self.state(th);
            let (phase, is_initialized) = (state.phase, state.event_loop.is_some());
            drop(state);
            if !is_initialized {
                return Err(uninitialized(th));
            }
            if phase != Phase::Pending {
                return Err(library::invalid_state(th, "invalid state"));
            }
        }
        let exception = if ex::exception_class(exception).is_some() {
            exception.call(th, &[])?
        } else {
            exception.to_owned()
        };
        if !ex::is_exception(exception.borrow()) {
            return Err(th.type_error("invalid exception object"));
        }
        let exception = if exception.borrow().is_instance_of(&ex::STOP_ITERATION) {
            let raised = th.runtime_error(
                "StopIteration interacts badly with generators and cannot be raised into a Future",
            );
            let instead = th.catch(raised);
            let base = ex::base_of(instead.borrow());
            base.cause.set(&base.header, exception.clone());
            base.context.set(&base.header, exception);
            // ORDERING Relaxed: a plain flag.
            base.suppress_context.store(true, Ordering::Relaxed);
            instead
        } else {
            exception
        };
        let traceback = traceback_of(exception.borrow());
        let done = self.finish(th, |state| {
            state.exception = Some(exception);
            state.traceback = traceback;
            state.phase = Phase::Finished;
            state.log_traceback = true;
        })?;
        if done { Ok(()) } else { Err(library::invalid_state(th, "invalid state")) }
    }

    /// `cancel`. False: it is done already.
    pub fn cancel(&self, th: &mut Thread, message: Option<Owned>) -> PyResult<bool> {
        {
            let mut state = self.state(th);
            state.log_traceback = false;
            let is_initialized = state.event_loop.is_some();
            drop(state);
            if !is_initialized {
                return Err(uninitialized(th));
            }
        }
        self.finish(th, |state| {
            state.cancel_message = message;
            state.phase = Phase::Cancelled;
        })
    }

    /// `_make_cancelled_error()`
    pub fn cancelled_error(&self, th: &mut Thread) -> PyResult {
        let (saved, message) = {
            let mut state = self.state(th);
            (state.cancelled_exc.take(), state.cancel_message.clone())
        };
        if let Some(saved) = saved {
            return Ok(saved);
        }
        let class = library::cancelled_error(th)?;
        match message.filter(|message| !message.is_none()) {
            Some(message) => class.borrow().call(th, &[message.borrow()]),
            None => class.borrow().call(th, &[]),
        }
    }

    /// How the future ended, for somebody who asks for its result.
    ///
    /// Errors: what making a CancelledError raises.
    pub fn outcome(&self, th: &mut Thread) -> PyResult<Outcome> {
        let (exception, traceback) = {
            let mut state = self.state(th);
            match state.phase {
                Phase::Pending => return Ok(Outcome::Pending),
                Phase::Cancelled => (None, None),
                Phase::Finished => {
                    state.log_traceback = false;
                    match &state.exception {
                        None => return Ok(Outcome::Result(state.result.clone().unwrap_or_else(Owned::none))),
                        Some(exception) => (Some(exception.clone()), state.traceback.clone()),
                    }
                }
            }
        };
        let Some(exception) = exception else {
            return Ok(Outcome::Exception(self.cancelled_error(th)?));
        };
        let base = ex::base_of(exception.borrow());
        match traceback {
            Some(traceback) => base.traceback.set(&base.header, traceback),
            None => drop(base.traceback.clear(&base.header)),
        }
        Ok(Outcome::Exception(exception))
    }

    /// `add_done_callback` in a context.
    pub fn add_done_callback(&self, th: &mut Thread, callback: Borrowed<'_>, context: Owned) -> PyResult<()> {
        let event_loop = {
            let mut state = self.state(th);
            match state.event_loop.clone() {
                None => Err(()),
                Some(_) if state.phase == Phase::Pending => {
                    state.push_callback((callback.to_owned(), context));
                    return Ok(());
                }
                Some(event_loop) => Ok((event_loop, context)),
            }
        };
        let Ok((event_loop, context)) = event_loop else { return Err(uninitialized(th)) };
        library::call_soon(th, event_loop.borrow(), callback, Some(self.value()), Some(context.borrow()))
    }

    /// `remove_done_callback`: how many there were.
    fn remove_done_callback(&self, th: &mut Thread, callback: Borrowed<'_>) -> PyResult<usize> {
        drop(self.event_loop(th)?);
        // Comparing may run code that changes the callbacks: what is equal is found first, and removed if it is
        // still there.
        let mut equal = Vec::new();
        for (there, context) in self.callbacks(th) {
            if there.borrow().equals(th, callback)? {
                equal.push((there, context));
            }
        }
        let mut next = equal.iter().peekable();
        let mut gone = Vec::new();
        let mut state = self.state(th);
        let (first, others) = state.take_callbacks();
        for (there, context) in first.into_iter().chain(others) {
            match next.peek() {
                Some(found) if found.0.is(there.word()) && found.1.is(context.word()) => {
                    next.next();
                    gone.push((there, context));
                }
                _ => state.push_callback((there, context)),
            }
        }
        drop(state);
        Ok(gone.len())
    }

    /// The callbacks at this moment.
    fn callbacks(&self, th: &mut Thread) -> Vec<Callback> {
        let state = self.state(th);
        state.first.iter().chain(&state.others).cloned().collect()
    }

    /// What the destructor does: an exception that nobody has asked for is reported.
    pub fn report_exception(&self, th: &mut Thread) -> PyResult<()> {
        let (exception, event_loop, source) = {
            let mut state = self.state(th);
            if !core::mem::take(&mut state.log_traceback) {
                return Ok(());
            }
            (state.exception.clone(), state.event_loop.clone(), state.source_traceback.clone())
        };
        let (Some(exception), Some(event_loop)) = (exception, event_loop) else { return Ok(()) };
        let message = format!("{} exception was never retrieved", self.value().ty().short_name());
        let message = th.new_str(&message);
        let mut items =
            vec![("message", message), ("exception", exception), ("future", self.value().to_owned())];
        items.extend(source.map(|source| ("source_traceback", source)));
        library::call_exception_handler(th, event_loop.borrow(), &items)
    }
}

/// The future that a native's self is.
#[inline]
pub fn this(o: Borrowed<'_>) -> &Future {
    Future::of(o).expect("checked by the slot's type")
}

/// The traceback that an exception has.
fn traceback_of(exception: Borrowed<'_>) -> Option<Owned> {
    let base = ex::base_of(exception);
    base.traceback.get(&base.header)
}

/// What was done to a future whose `__init__` did not run.
#[cold]
pub fn uninitialized(th: &mut Thread) -> Raised {
    th.runtime_error("Future object is not initialized.")
}

/// `__init__` of a future.
fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    let a = signature::bind(th, "Future", "(*, loop=None)", args)?;
    let event_loop = typhon_core::ArgsExt::some(&*a, 0);
    this(o).init(th, event_loop)
}

/// The context for a callback: the one given, or a copy of the current one.
fn callback_context(th: &mut Thread, given: Option<Borrowed<'_>>) -> Owned {
    match given {
        Some(context) => context.to_owned(),
        None => contextvars::copy_current(th),
    }
}
