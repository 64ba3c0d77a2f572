//! The running loop and the current task of a thread.

use typhon_core::{ArgsExt, Borrowed, Owned, PyResult, Thread, threads};

use super::library;

/// `_get_running_loop()`
pub fn get_running_loop_or_none(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    Ok(th.running.event_loop.clone().unwrap_or_else(Owned::none))
}

/// `_set_running_loop(loop)`
pub fn set_running_loop(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let new = Some(a[0]).filter(|event_loop| !event_loop.is_none()).map(Borrowed::to_owned);
    let old = core::mem::replace(&mut th.running.event_loop, new);
    drop(old);
    Ok(Owned::none())
}

/// `get_running_loop()`. Errors: RuntimeError if none runs.
pub fn running_loop(th: &mut Thread) -> PyResult {
    match &th.running.event_loop {
        Some(event_loop) => Ok(event_loop.clone()),
        None => Err(th.runtime_error("no running event loop")),
    }
}

/// `get_event_loop()`
pub fn event_loop(th: &mut Thread) -> PyResult {
    match &th.running.event_loop {
        Some(event_loop) => Ok(event_loop.clone()),
        None => library::policy_event_loop(th),
    }
}

fn runs_here(th: &Thread, event_loop: Borrowed<'_>) -> bool {
    th.running.event_loop.as_ref().is_some_and(|running| running.is(event_loop.word()))
}

/// `current_task(loop=None)`
pub fn current_task(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let event_loop = match a.some(0) {
        Some(event_loop) => event_loop.to_owned(),
        None => running_loop(th)?,
    };
    if runs_here(th, event_loop.borrow()) {
        return Ok(th.running.task.clone().unwrap_or_else(Owned::none));
    }
    let elsewhere = threads::find_running(th, |running| {
        let is_it = running.event_loop.as_ref().is_some_and(|running| running.is(event_loop.word()));
        // A thread runs one loop, and a loop on one thread.
        if is_it { running.task.clone() } else { None }
    });
    Ok(elsewhere.unwrap_or_else(Owned::none))
}

#[cold]
fn refuse_foreign_loop(th: &mut Thread, event_loop: Borrowed<'_>) -> PyResult<()> {
    let msg = format!("loop {} is not the running loop", event_loop.repr_text(th)?);
    Err(th.runtime_error(&msg))
}

/// A task begins a step on this thread.
///
/// Errors: RuntimeError if its loop is not running here, or another task is in a step.
#[inline]
pub fn enter(th: &mut Thread, event_loop: Borrowed<'_>, task: Borrowed<'_>) -> PyResult<()> {
    if !runs_here(th, event_loop) {
        return refuse_foreign_loop(th, event_loop);
    }
    if th.running.task.is_some() {
        return refuse_entering(th, task);
    }
    th.running.task = Some(task.to_owned());
    Ok(())
}

#[cold]
fn refuse_entering(th: &mut Thread, task: Borrowed<'_>) -> PyResult<()> {
    let current = th.running.task.clone().unwrap_or_else(Owned::none);
    let msg = format!(
        "Cannot enter into task {} while another task {} is being executed.",
        task.repr_text(th)?,
        current.borrow().repr_text(th)?
    );
    Err(th.runtime_error(&msg))
}

/// Ends what [`enter`] began.
///
/// Errors: RuntimeError if it is not this task's step that runs.
#[inline]
pub fn leave(th: &mut Thread, event_loop: Borrowed<'_>, task: Borrowed<'_>) -> PyResult<()> {
    if !runs_here(th, event_loop) {
        return refuse_foreign_loop(th, event_loop);
    }
    if !th.running.task.as_ref().is_some_and(|current| current.is(task.word())) {
        return refuse_leaving(th, task);
    }
    th.running.task = None;
    Ok(())
}

#[cold]
fn refuse_leaving(th: &mut Thread, task: Borrowed<'_>) -> PyResult<()> {
    let current = th.running.task.clone().unwrap_or_else(Owned::none);
    let msg = format!(
        "Invalid attempt to leave task {} while task {} is entered.",
        task.repr_text(th)?,
        current.borrow().repr_text(th)?
    );
    Err(th.runtime_error(&msg))
}

/// Makes `task` the current one; gives the task that was.
///
/// Errors: RuntimeError if the loop is not running here.
pub fn swap(th: &mut Thread, event_loop: Borrowed<'_>, task: Option<Owned>) -> PyResult<Option<Owned>> {
    if !runs_here(th, event_loop) {
        refuse_foreign_loop(th, event_loop)?;
    }
    Ok(core::mem::replace(&mut th.running.task, task))
}

/// `_enter_task(loop, task)`
pub fn enter_task(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    enter(th, a[0], a[1]).map(|()| Owned::none())
}

/// `_leave_task(loop, task)`
pub fn leave_task(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    leave(th, a[0], a[1]).map(|()| Owned::none())
}

/// `_swap_current_task(loop, task)`
pub fn swap_current_task(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let new = Some(a[1]).filter(|task| !task.is_none()).map(Borrowed::to_owned);
    Ok(swap(th, a[0], new)?.unwrap_or_else(Owned::none))
}
