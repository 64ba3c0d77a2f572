//! `_asyncio`: futures and tasks, and what runs on which thread.
//!
//! Who writes what: the state of a future or task is under the object's lock ([`future::State`], [`task::Work`]); no
//! Python code runs under it. What a thread runs is the thread's own ([`typhon_core::thread::Running`]). The links
//! between the tasks that [`registry`] knows are under the lock of their list.

mod awaited_by;
mod future;
mod future_iter;
mod library;
mod registry;
mod running;
mod step;
mod task;

use typhon_core::{ModuleDef, NativeDef};

pub static MODULE: ModuleDef = ModuleDef {
    name: "_asyncio",
    doc: "Accelerator module for asyncio",
    functions: &[
        NativeDef::new(
            "_get_running_loop",
            "($module, /)",
            running::get_running_loop_or_none,
            "Return the running event loop or None.\n\nThis is a low-level function intended to be used by event \
             loops.\nThis function is thread-specific.",
        ),
        NativeDef::new(
            "_set_running_loop",
            "($module, loop, /)",
            running::set_running_loop,
            "Set the running event loop.\n\nThis is a low-level function intended to be used by event loops.\nThis \
             function is thread-specific.",
        ),
        NativeDef::new(
            "get_running_loop",
            "($module, /)",
            |th, _| running::running_loop(th),
            "Return the running event loop.  Raise a RuntimeError if there is none.\n\nThis function is \
             thread-specific.",
        ),
        NativeDef::new(
            "get_event_loop",
            "($module, /)",
            |th, _| running::event_loop(th),
            "Return an asyncio event loop.\n\nWhen called from a coroutine or a callback (e.g. scheduled with\n\
             call_soon or similar API), this function will always return the\nrunning event loop.\n\nIf there is no \
             running event loop set, the function will return\nthe result of \
             `get_event_loop_policy().get_event_loop()` call.",
        ),
        NativeDef::new(
            "current_task",
            "($module, /, loop=None)",
            running::current_task,
            "Return a currently executed task.",
        ),
        NativeDef::new(
            "_enter_task",
            "($module, /, loop, task)",
            running::enter_task,
            "Enter into task execution or resume suspended task.\n\nTask belongs to loop.\n\nReturns None.",
        ),
        NativeDef::new(
            "_leave_task",
            "($module, /, loop, task)",
            running::leave_task,
            "Leave task execution or suspend a task.\n\nTask belongs to loop.\n\nReturns None.",
        ),
        NativeDef::new(
            "_swap_current_task",
            "($module, /, loop, task)",
            running::swap_current_task,
            "Temporarily swap in the supplied task and return the original one (or None).\n\nThis is intended for \
             use during eager coroutine execution.",
        ),
        NativeDef::new(
            "_register_task",
            "($module, /, task)",
            registry::register_task,
            "Register a new task in asyncio as executed by loop.\n\nReturns None.",
        ),
        NativeDef::new(
            "_unregister_task",
            "($module, /, task)",
            registry::unregister_task,
            "Unregister a task.\n\nReturns None.",
        ),
        NativeDef::new(
            "_register_eager_task",
            "($module, /, task)",
            registry::register_eager_task,
            "Register a new task in asyncio as executed by loop.\n\nReturns None.",
        ),
        NativeDef::new(
            "_unregister_eager_task",
            "($module, /, task)",
            registry::unregister_eager_task,
            "Unregister a task.\n\nReturns None.",
        ),
        NativeDef::new(
            "all_tasks",
            "($module, /, loop=None)",
            registry::all_tasks,
            "Return a set of all tasks for the loop.",
        ),
        NativeDef::new(
            "future_add_to_awaited_by",
            "($module, fut, waiter, /)",
            awaited_by::add_function,
            "Record that `fut` is awaited on by `waiter`.",
        ),
        NativeDef::new(
            "future_discard_from_awaited_by",
            "($module, fut, waiter, /)",
            awaited_by::discard_function,
            "Record that `fut` is no longer awaited on by `waiter`.",
        ),
    ],
    types: &[&future::FUTURE, &task::TASK, &future_iter::FUTURE_ITER, &step::TASK_STEP, &step::TASK_WAKEUP],
    setup: Some(registry::setup),
};
