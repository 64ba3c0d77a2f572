//! `Task`: a coroutine wrapped in a future.

use core::mem::offset_of;

use typhon_core::builtins::str::Str;
use typhon_core::object::LockedGuard;
use typhon_core::typedef::Layout;
use typhon_core::{
    Args, ArgsExt, Borrowed, Data, GetSetDef, Header, Locked, NativeDef, Owned, PyResult, Safety, Shared,
    Slots, Thread, Type, TypeDef, payload, signature, traced, type_flags, unborn,
};
use typhon_sync::prim::{AtomicU64, Ordering};

use super::future::{FUTURE, Future, Phase, State, attribute};
use super::registry::{self, Link};
use super::{library, running, step};
use crate::args::{made, this};
use crate::contextvars::{self, Context};

traced! {
    /// What a task's lock protects besides the state of its future.
    pub struct Work {
        /// `None`: `__init__` did not come that far, or the task ended in its first, eager step.
        pub coro: Option<Owned>,
        pub context: Option<Owned>,
        /// A str; `None`: made of the number when somebody asks.
        pub name: Option<Owned>,
        pub number: u64,
        /// What the task waits for.
        pub waits_for: Option<Owned>,
        /// Requests to cancel it that nobody has taken back.
        pub cancels: u64,
        /// The next step is to raise CancelledError.
        pub must_cancel: bool,
        pub log_destroy_pending: bool,
    }
}

payload! {
    /// `_asyncio.Task`; begins like a [`Future`].
    pub struct Task: TASK {
        future: Locked<State>,
        work: Locked<Work>,
        pub(super) link: Data<Link>,
    }
}

const _: () = assert!(offset_of!(Task, future) == offset_of!(Future, state));

/// Frees like any payload, and leaves the list of tasks before.
const LAYOUT: Layout = {
    unsafe fn drop_task(o: *mut Header) {
        // SAFETY: used for tasks only.
        registry::remove(unsafe { &*(o as *const Task) });
        // SAFETY: the count is zero; dropped once.
        unsafe { core::ptr::drop_in_place(o as *mut Task) }
    }
    Layout { drop: drop_task, ..Layout::of::<Task>() }
};

/// Number of the next task without a name.
static NEXT: AtomicU64 = AtomicU64::new(1);

impl Task {
    /// The future that the task is.
    #[inline(always)]
    pub fn as_future(&self) -> &Future {
        // SAFETY: both are repr(C), and a task begins with the fields of a future (asserted above).
        unsafe { &*core::ptr::from_ref(self).cast::<Future>() }
    }

    /// What the task works on, under its lock.
    #[inline]
    pub fn work<'g>(&'g self, th: &'g mut Thread) -> LockedGuard<'g, Work> {
        self.work.lock(&self.header, th)
    }

    #[inline]
    pub fn value(&self) -> Borrowed<'_> {
        Borrowed::from_payload(self)
    }

    /// What a step is run in; None before `__init__`.
    pub fn context(&self, th: &mut Thread) -> Option<Owned> {
        self.work(th).context.clone()
    }

    fn name(&self, th: &mut Thread) -> Owned {
        let (name, number) = {
            let work = self.work(th);
            (work.name.clone(), work.number)
        };
        name.unwrap_or_else(|| {
            let name = if number == 0 { Owned::none() } else { th.new_str(&format!("Task-{number}")) };
            // Everybody who asks gets the same str.
            self.work(th).name.get_or_insert(name).clone()
        })
    }

    /// Runs the first step at once, in the task's own context.
    fn start_eagerly(&self, th: &mut Thread) -> PyResult<()> {
        let event_loop = self.as_future().event_loop(th)?;
        let before = running::swap(th, event_loop.borrow(), Some(self.value().to_owned()))?;
        registry::add(self);
        let context = self.context(th).unwrap_or_else(Owned::none);
        let stepped = match context.downcast::<Context>() {
            Some(c) => contextvars::enter(th, c).and_then(|()| {
                let stepped = step::run(th, self, None);
                contextvars::leave(th, c);
                stepped
            }),
            None => Err(th.type_error("an instance of Context was expected")),
        };
        th.running.task = before;
        if self.as_future().is_done(th) {
            let coro = self.work(th).coro.take();
            drop(coro);
            registry::remove(self);
        }
        stepped
    }
}

fn of<'a>(o: Borrowed<'a>) -> &'a Task {
    this(o)
}

fn new(th: &mut Thread, ty: &Type, _: Args<'_>) -> PyResult {
    let work = Work {
        coro: None,
        context: None,
        name: None,
        number: 0,
        waits_for: None,
        cancels: 0,
        must_cancel: false,
        log_destroy_pending: true,
    };
    let task = Task {
        header: unborn(),
        future: Locked::new(State::blank()),
        work: Locked::new(work),
        link: Data(Link::new(th)),
    };
    made(th, ty, task)
}

/// The text of a name: a str, whatever was given.
fn name_of(th: &mut Thread, given: Borrowed<'_>) -> PyResult {
    if given.downcast_exact::<Str>().is_some() { Ok(given.to_owned()) } else { given.str(th) }
}

const SIGNATURE: &str = "(coro, *, loop=None, name=None, context=None, eager_start=False)";

fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    let a = signature::bind(th, "Task", SIGNATURE, args)?;
    let task = of(o);
    task.as_future().init(th, a.some(1))?;
    if !library::is_coroutine(th, a[0])? {
        task.work(th).log_destroy_pending = false;
        let msg = format!("a coroutine was expected, got {}", a[0].repr_text(th)?);
        return Err(th.type_error(&msg));
    }
    let eager = a.opt(4).map_or(Ok(false), |eager| eager.truth(th))?;
    let name = a.some(2).map(|name| name_of(th, name)).transpose()?;
    let context = match a.some(3) {
        Some(context) => context.to_owned(),
        None => contextvars::copy_current(th),
    };
    // ORDERING Relaxed: only the number counts.
    let number = if name.is_some() { 0 } else { NEXT.fetch_add(1, Ordering::Relaxed) };
    let old = {
        let mut work = task.work(th);
        let new = Work {
            coro: Some(a[0].to_owned()),
            context: Some(context),
            name,
            number,
            waits_for: None,
            cancels: 0,
            must_cancel: false,
            log_destroy_pending: work.log_destroy_pending,
        };
        core::mem::replace(&mut *work, new)
    };
    drop(old);
    if eager {
        let event_loop = task.as_future().event_loop(th)?;
        let is_running = library::IS_RUNNING.get(th);
        if event_loop.borrow().call_method(th, is_running, &[])?.borrow().truth(th)? {
            return task.start_eagerly(th);
        }
    }
    step::call_soon(th, task, None)?;
    registry::add(task);
    Ok(())
}

fn finalize(th: &mut Thread, o: Borrowed<'_>) -> PyResult<()> {
    let task = of(o);
    let log = task.work(th).log_destroy_pending;
    let (is_pending, event_loop, source) = {
        let state = task.as_future().state(th);
        (state.phase == Phase::Pending, state.event_loop.clone(), state.source_traceback.clone())
    };
    if is_pending
        && log
        && let Some(event_loop) = event_loop
    {
        let message = th.new_str("Task was destroyed but it is pending!");
        let mut items = vec![("task", o.to_owned()), ("message", message)];
        items.extend(source.map(|source| ("source_traceback", source)));
        library::call_exception_handler(th, event_loop.borrow(), &items)?;
    }
    task.as_future().report_exception(th)
}

fn cancel(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let task = of(a[0]);
    let message = a.some(1);
    {
        let mut state = task.as_future().state(th);
        state.log_traceback = false;
        if state.phase != Phase::Pending {
            return Ok(Owned::bool(false));
        }
    }
    let waits_for = {
        let mut work = task.work(th);
        work.cancels += 1;
        work.waits_for.clone()
    };
    // What it waits for stays: it may be a task that does not end, and may have to be cancelled again.
    if let Some(waits_for) = waits_for
        && library::cancel(th, waits_for.borrow(), message.unwrap_or(Borrowed::none()))?
    {
        return Ok(Owned::bool(true));
    }
    let old = {
        let mut state = task.as_future().state(th);
        core::mem::replace(&mut state.cancel_message, message.map(Borrowed::to_owned))
    };
    drop(old);
    task.work(th).must_cancel = true;
    Ok(Owned::bool(true))
}

fn uncancel(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let left = {
        let mut work = of(a[0]).work(th);
        if work.cancels > 0 {
            work.cancels -= 1;
            if work.cancels == 0 {
                work.must_cancel = false;
            }
        }
        work.cancels
    };
    Ok(th.new_uint(left))
}

fn field(th: &mut Thread, o: Borrowed<'_>, read: impl Fn(&Work) -> &Option<Owned>) -> PyResult {
    let value = read(&of(o).work(th)).clone();
    Ok(value.unwrap_or_else(Owned::none))
}

pub static TASK: TypeDef = TypeDef {
    module: "_asyncio",
    base: Some(&FUTURE),
    flags: type_flags::BASE | type_flags::GC | type_flags::WEAKREF,
    doc: "A coroutine wrapped in a Future.",
    layout: LAYOUT,
    slots: Slots {
        new: Some(new),
        init: Some(init),
        repr: Some(library::task_repr),
        finalize: Some(finalize),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new(
            "set_result",
            "($self, result, /)",
            |th, _| Err(th.runtime_error("Task does not support set_result operation")),
            "",
        ),
        NativeDef::new(
            "set_exception",
            "($self, exception, /)",
            |th, _| Err(th.runtime_error("Task does not support set_exception operation")),
            "",
        ),
        NativeDef::new(
            "cancel",
            "($self, /, msg=None)",
            cancel,
            "Request that this task cancel itself.\n\nThis arranges for a CancelledError to be thrown into \
             the\nwrapped coroutine on the next cycle through the event loop.\nThe coroutine then has a chance to \
             clean up or even deny\nthe request using try/except/finally.\n\nUnlike Future.cancel, this does not \
             guarantee that the\ntask will be cancelled: the exception might be caught and\nacted upon, delaying \
             cancellation of the task or preventing\ncancellation completely.  The task may also return a value \
             or\nraise a different exception.\n\nImmediately after this method is called, Task.cancelled() \
             will\nnot return True (unless the task was already cancelled).  A\ntask will be marked as cancelled when \
             the wrapped coroutine\nterminates with a CancelledError exception (even if cancel()\nwas not \
             called).\n\nThis also increases the task's count of cancellation requests.",
        ),
        NativeDef::new(
            "cancelling",
            "($self, /)",
            |th, a| {
                let n = of(a[0]).work(th).cancels;
                Ok(th.new_uint(n))
            },
            "Return the count of the task's cancellation requests.\n\nThis count is incremented when .cancel() is \
             called\nand may be decremented using .uncancel().",
        ),
        NativeDef::new(
            "uncancel",
            "($self, /)",
            uncancel,
            "Decrement the task's count of cancellation requests.\n\nThis should be used by tasks that catch \
             CancelledError\nand wish to continue indefinitely until they are cancelled again.\n\nReturns the \
             remaining number of cancellation requests.",
        ),
        NativeDef::new("get_coro", "($self, /)", |th, a| field(th, a[0], |w| &w.coro), ""),
        NativeDef::new("get_context", "($self, /)", |th, a| field(th, a[0], |w| &w.context), ""),
        NativeDef::new("get_name", "($self, /)", |th, a| Ok(of(a[0]).name(th)), ""),
        NativeDef::new(
            "set_name",
            "($self, value, /)",
            |th, a| {
                let name = name_of(th, a[1])?;
                let old = of(a[0]).work(th).name.replace(name);
                drop(old);
                Ok(Owned::none())
            },
            "",
        ),
        NativeDef::new(
            "get_stack",
            "($self, /, *, limit=None)",
            |th, a| library::task_get_stack(th, a[0], a.opt(1).unwrap_or(Borrowed::none())),
            "Return the list of stack frames for this task's coroutine.\n\nIf the coroutine is not done, this returns \
             the stack where it is\nsuspended.  If the coroutine has completed successfully or was\ncancelled, this \
             returns an empty list.  If the coroutine was\nterminated by an exception, this returns the list of \
             traceback\nframes.\n\nThe frames are always ordered from oldest to newest.\n\nThe optional limit gives \
             the maximum number of frames to\nreturn; by default all available frames are returned.  Its\nmeaning \
             differs depending on whether a stack or a traceback is\nreturned: the newest frames of a stack are \
             returned, but the\noldest frames of a traceback are returned.  (This matches the\nbehavior of the \
             traceback module.)\n\nFor reasons beyond our control, only one stack frame is\nreturned for a suspended \
             coroutine.",
        ),
        NativeDef::new(
            "print_stack",
            "($self, /, *, limit=None, file=None)",
            |th, a| {
                let (limit, file) = (a.opt(1), a.opt(2));
                let none = Borrowed::none();
                library::task_print_stack(th, a[0], limit.unwrap_or(none), file.unwrap_or(none))
            },
            "Print the stack or traceback for this task's coroutine.\n\nThis produces output similar to that of the \
             traceback module,\nfor the frames retrieved by get_stack().  The limit argument\nis passed to \
             get_stack().  The file argument is an I/O stream\nto which the output is written; by default output is \
             written\nto sys.stderr.",
        ),
    ],
    getset: &[
        attribute!(
            "_log_destroy_pending",
            |th, o| Ok(Owned::bool(of(o).work(th).log_destroy_pending)),
            |th, o, v| {
                let log = v.truth(th)?;
                of(o).work(th).log_destroy_pending = log;
                Ok(())
            }
        ),
        GetSetDef::get("_must_cancel", |th, o| Ok(Owned::bool(of(o).work(th).must_cancel))),
        GetSetDef::get("_coro", |th, o| field(th, o, |w| &w.coro)),
        GetSetDef::get("_fut_waiter", |th, o| field(th, o, |w| &w.waits_for)),
    ],
    shared: Some(
        Shared::but(
            Safety::Locked,
            &[
                (Safety::Steps, "__init__ __repr__ cancel get_stack print_stack remove_done_callback"),
                (Safety::Constant, "__class_getitem__ set_exception set_result"),
            ],
        )
        .note("A step of a task is run by one thread: that of its loop."),
    ),
    ..TypeDef::of::<Task>("Task")
};
