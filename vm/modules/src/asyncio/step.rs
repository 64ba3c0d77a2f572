//! The steps of a task: what the loop calls for it, and what becomes of what the coroutine yields.

use typhon_core::builtins::exceptions as ex;
use typhon_core::generator::{self, Sent};
use typhon_core::{
    Args, Borrowed, GetSetDef, Owned, PyResult, Slot, Slots, Thread, TypeDef, payload, type_flags, unborn,
};

use super::future::{self, Future, Outcome, Phase};
use super::task::Task;
use super::{awaited_by, library, registry, running};
use crate::args::this;

payload! {
    /// Runs a step of its task; throws the exception, if there is one.
    pub struct TaskStep: TASK_STEP {
        task: Slot,
        exception: Slot,
    }
}

pub static TASK_STEP: TypeDef = TypeDef {
    module: "_asyncio",
    flags: type_flags::GC | type_flags::NO_NEW,
    slots: Slots { call: Some(call_step), ..Slots::NONE },
    getset: &[
        GetSetDef::get("__self__", |_, o| Ok(this::<TaskStep>(o).task.fixed().expect("fixed").to_owned())),
        GetSetDef::get("__name__", |th, _| Ok(th.intern("TaskStepMethWrapper"))),
        GetSetDef::get("__qualname__", |th, _| Ok(th.intern("TaskStepMethWrapper"))),
    ],
    ..TypeDef::of::<TaskStep>("TaskStepMethWrapper")
};

payload! {
    /// Runs the next step of its task when the future that it waits for is done.
    pub struct TaskWakeup: TASK_WAKEUP {
        task: Slot,
    }
}

pub static TASK_WAKEUP: TypeDef = TypeDef {
    module: "_asyncio",
    flags: type_flags::GC | type_flags::NO_NEW,
    slots: Slots { call: Some(call_wakeup), ..Slots::NONE },
    getset: &[
        GetSetDef::get("__self__", |_, o| Ok(this::<TaskWakeup>(o).task.fixed().expect("fixed").to_owned())),
        GetSetDef::get("__name__", |th, _| Ok(th.intern("task_wakeup"))),
        GetSetDef::get("__qualname__", |th, _| Ok(th.intern("Task.task_wakeup"))),
    ],
    ..TypeDef::of::<TaskWakeup>("TaskWakeupMethWrapper")
};

fn new_wakeup(th: &mut Thread, task: &Task) -> Owned {
    th.alloc(TaskWakeup { header: unborn(), task: Slot::new(task.value().to_owned()) })
}

/// Has the loop run the next step, which throws `exception` if there is one.
pub fn call_soon(th: &mut Thread, task: &Task, exception: Option<Owned>) -> PyResult<()> {
    let event_loop = task.as_future().event_loop(th)?;
    let context = task.context(th);
    let step = th.alloc(TaskStep {
        header: unborn(),
        task: Slot::new(task.value().to_owned()),
        exception: Slot::from_option(exception),
    });
    let context = context.as_ref().map(Owned::borrow);
    library::call_soon(th, event_loop.borrow(), step.borrow(), None, context)
}

/// Has the next step raise RuntimeError.
#[cold]
fn fail_soon(th: &mut Thread, task: &Task, message: &str) -> PyResult<()> {
    let raised = th.runtime_error(message);
    let exception = th.catch(raised);
    call_soon(th, task, Some(exception))
}

fn call_step(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult {
    if args.has_keywords() {
        return Err(th.type_error("function takes no keyword arguments"));
    }
    if !args.all.is_empty() {
        return Err(th.type_error("function takes no positional arguments"));
    }
    let step: &TaskStep = this(o);
    let task: &Task = this(step.task.fixed().expect("fixed"));
    let exception = step.exception.clear(&step.header);
    enter_and_run(th, task, exception).map(|()| Owned::none())
}

fn call_wakeup(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult {
    let (&[awaited], false) = (args.pos(), args.has_keywords()) else {
        let msg = format!("task_wakeup() takes exactly one argument ({} given)", args.all.len());
        return Err(th.type_error(&msg));
    };
    let wakeup: &TaskWakeup = this(o);
    let task: &Task = this(wakeup.task.fixed().expect("fixed"));
    let exception = match Future::of(awaited) {
        Some(future) => {
            awaited_by::discard(th, future, task.value())?;
            if is_ours(awaited) {
                match future.outcome(th) {
                    Ok(Outcome::Result(_)) => None,
                    Ok(Outcome::Exception(exception)) => Some(exception),
                    Ok(Outcome::Pending) => {
                        let raised = library::invalid_state(th, "Result is not set.");
                        Some(th.catch(raised))
                    }
                    Err(raised) => Some(th.catch(raised)),
                }
            } else {
                failure_of(th, awaited)
            }
        }
        None => failure_of(th, awaited),
    };
    enter_and_run(th, task, exception).map(|()| Owned::none())
}

/// Is this a future or task exactly, without methods of a subclass?
#[inline]
fn is_ours(o: Borrowed<'_>) -> bool {
    o.downcast_exact::<Task>().is_some() || o.downcast_exact::<Future>().is_some()
}

/// What `future.result()` raises, if it does.
fn failure_of(th: &mut Thread, future: Borrowed<'_>) -> Option<Owned> {
    let result = library::RESULT.get(th);
    match future.call_method(th, result, &[]) {
        Ok(_) => None,
        Err(raised) => Some(th.catch(raised)),
    }
}

/// A step as the loop calls it.
fn enter_and_run(th: &mut Thread, task: &Task, exception: Option<Owned>) -> PyResult<()> {
    let mut exception = exception;
    if task.as_future().is_done(th) {
        let shown = match &exception {
            Some(exception) => exception.borrow().repr_text(th)?,
            None => String::from("None"),
        };
        let msg = format!("__step(): already done: {} {shown}", task.value().repr_text(th)?);
        return Err(library::invalid_state(th, &msg));
    }
    let (must_cancel, waited_for) = {
        let mut work = task.work(th);
        (core::mem::take(&mut work.must_cancel), work.waits_for.take())
    };
    drop(waited_for);
    if must_cancel {
        let is_cancel = match &exception {
            Some(exception) => library::is_cancelled_error(th, exception.borrow())?,
            None => false,
        };
        if !is_cancel {
            exception = Some(task.as_future().cancelled_error(th)?);
        }
    }
    let event_loop = task.as_future().event_loop(th)?;
    running::enter(th, event_loop.borrow(), task.value())?;
    let stepped = run(th, task, exception);
    match stepped {
        Ok(()) => running::leave(th, event_loop.borrow(), task.value()),
        Err(raised) => {
            let exception = th.catch(raised);
            let left = running::leave(th, event_loop.borrow(), task.value());
            left.and_then(|()| Err(th.set_exc(exception)))
        }
    }
}

/// Resumes the coroutine, and sees to what comes of it.
///
/// Errors: KeyboardInterrupt and SystemExit that come out of the coroutine, which end the task as well; what the loop and
/// strangers' futures raise.
pub fn run(th: &mut Thread, task: &Task, exception: Option<Owned>) -> PyResult<()> {
    let coro = task.work(th).coro.clone();
    let Some(coro) = coro else {
        return Err(th.runtime_error("uninitialized Task object"));
    };
    let sent = match exception {
        None => generator::send_to(th, coro.borrow(), Borrowed::none()),
        Some(exception) => throw(th, coro.borrow(), exception),
    };
    match sent {
        Ok(Sent::Yielded(yielded)) => wait(th, task, yielded),
        Ok(Sent::Returned(result)) => {
            registry::remove(task);
            let cancelled = core::mem::take(&mut task.work(th).must_cancel);
            if cancelled {
                let message = task.as_future().state(th).cancel_message.clone();
                task.as_future().cancel(th, message).map(drop)
            } else {
                task.as_future().set_result(th, result)
            }
        }
        Err(raised) => {
            let exception = th.catch(raised);
            registry::remove(task);
            end_by(th, task, exception)
        }
    }
}

fn throw(th: &mut Thread, coro: Borrowed<'_>, exception: Owned) -> PyResult<Sent> {
    let name = library::THROW.get(th);
    match coro.call_method(th, name, &[exception.borrow()]) {
        Ok(yielded) => Ok(Sent::Yielded(yielded)),
        Err(raised) if th.exc_is(&ex::STOP_ITERATION) => {
            let stop = th.catch(raised);
            Ok(Sent::Returned(generator::stop_value(stop.borrow())))
        }
        Err(raised) => Err(raised),
    }
}

/// An exception came out of the coroutine.
#[cold]
fn end_by(th: &mut Thread, task: &Task, exception: Owned) -> PyResult<()> {
    let future = task.as_future();
    if library::is_cancelled_error(th, exception.borrow())? {
        let old = future.state(th).cancelled_exc.replace(exception);
        drop(old);
        return future.cancel(th, None).map(drop);
    }
    future.set_exception(th, exception.borrow())?;
    let kind = exception.borrow();
    if kind.is_instance_of(&ex::KEYBOARD_INTERRUPT) || kind.is_instance_of(&ex::SYSTEM_EXIT) {
        return Err(th.set_exc(exception));
    }
    Ok(())
}

/// What a task may find about the future that its coroutine yields.
enum Found {
    OtherLoop,
    NotAwaited,
    Waiting,
    /// It was done meanwhile.
    Done,
}

/// The coroutine yielded: the task waits for a future, or goes on in the next round of the loop.
fn wait(th: &mut Thread, task: &Task, yielded: Owned) -> PyResult<()> {
    let o = yielded.borrow();
    if is_ours(o) {
        return wait_for_ours(th, task, future::this(o));
    }
    if o.is_none() {
        return call_soon(th, task, None);
    }
    let blocking = library::BLOCKING.get(th);
    match o.getattr_opt(th, blocking)? {
        Some(blocking) if !blocking.is_none() => {
            let blocking = blocking.borrow().truth(th)?;
            wait_for_stranger(th, task, o, blocking)
        }
        _ => refuse_yield(th, task, o),
    }
}

fn wait_for_ours(th: &mut Thread, task: &Task, future: &Future) -> PyResult<()> {
    let o = Borrowed::from_payload(future);
    if o.is(task.value().word()) {
        return refuse_itself(th, task);
    }
    let event_loop = task.as_future().event_loop(th)?;
    let context = task.context(th).unwrap_or_else(Owned::none);
    let wakeup = new_wakeup(th, task);
    let (found, is_noted) = {
        let mut state = future.state(th);
        if !state.event_loop.as_ref().is_some_and(|other| other.is(event_loop.word())) {
            (Found::OtherLoop, true)
        } else if !state.blocking {
            (Found::NotAwaited, true)
        } else {
            state.blocking = false;
            let is_noted = state.awaited_by.add_only(task.value());
            if state.phase == Phase::Pending {
                state.push_callback((wakeup.clone(), context.clone()));
                (Found::Waiting, is_noted)
            } else {
                (Found::Done, is_noted)
            }
        }
    };
    if !is_noted {
        awaited_by::add(th, future, task.value())?;
    }
    match found {
        Found::OtherLoop => return refuse_other_loop(th, task, o),
        Found::NotAwaited => return refuse_plain_yield(th, task, o),
        Found::Waiting => {}
        Found::Done => {
            library::call_soon(th, event_loop.borrow(), wakeup.borrow(), Some(o), Some(context.borrow()))?;
        }
    }
    note_waiting(th, task, o)
}

fn wait_for_stranger(th: &mut Thread, task: &Task, o: Borrowed<'_>, blocking: bool) -> PyResult<()> {
    let event_loop = task.as_future().event_loop(th)?;
    if !registry::loop_of(th, o)?.is(event_loop.word()) {
        return refuse_other_loop(th, task, o);
    }
    if !blocking {
        return refuse_plain_yield(th, task, o);
    }
    if o.is(task.value().word()) {
        return refuse_itself(th, task);
    }
    if let Some(future) = o.downcast::<Future>() {
        awaited_by::add(th, future, task.value())?;
    }
    let name = library::BLOCKING.get(th);
    o.setattr(th, name, Some(Owned::bool(false).borrow()))?;
    let wakeup = new_wakeup(th, task);
    let context = task.context(th).unwrap_or_else(Owned::none);
    library::add_done_callback(th, o, wakeup.borrow(), context.borrow())?;
    note_waiting(th, task, o)
}

/// The task waits for `o`; if it was asked to cancel itself in this step, that ends now.
fn note_waiting(th: &mut Thread, task: &Task, o: Borrowed<'_>) -> PyResult<()> {
    let (old, must_cancel) = {
        let mut work = task.work(th);
        (work.waits_for.replace(o.to_owned()), work.must_cancel)
    };
    drop(old);
    if must_cancel {
        let message = task.as_future().state(th).cancel_message.clone().unwrap_or_else(Owned::none);
        if library::cancel(th, o, message.borrow())? {
            task.work(th).must_cancel = false;
        }
    }
    Ok(())
}

#[cold]
fn refuse_itself(th: &mut Thread, task: &Task) -> PyResult<()> {
    let msg = format!("Task cannot await on itself: {}", task.value().repr_text(th)?);
    fail_soon(th, task, &msg)
}

#[cold]
fn refuse_other_loop(th: &mut Thread, task: &Task, o: Borrowed<'_>) -> PyResult<()> {
    let (task_text, text) = (task.value().repr_text(th)?, o.repr_text(th)?);
    fail_soon(th, task, &format!("Task {task_text} got Future {text} attached to a different loop"))
}

#[cold]
fn refuse_plain_yield(th: &mut Thread, task: &Task, o: Borrowed<'_>) -> PyResult<()> {
    let (task_text, text) = (task.value().repr_text(th)?, o.repr_text(th)?);
    fail_soon(th, task, &format!("yield was used instead of yield from in task {task_text} with {text}"))
}

#[cold]
fn refuse_yield(th: &mut Thread, task: &Task, o: Borrowed<'_>) -> PyResult<()> {
    let text = o.repr_text(th)?;
    if o.shape_id() == typhon_core::builtins::ids::GENERATOR {
        let task_text = task.value().repr_text(th)?;
        let msg =
            format!("yield was used instead of yield from for generator in task {task_text} with {text}");
        return fail_soon(th, task, &msg);
    }
    fail_soon(th, task, &format!("Task got bad yield: {text}"))
}
