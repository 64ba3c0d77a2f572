//! What `_asyncio` uses of the library's Python modules and of event loops.

use typhon_core::{Args, Borrowed, Owned, PyResult, Raised, Thread, Word, runtime};
use typhon_sync::prim::{AtomicU64, Ordering};

use super::running;
use crate::support::import_attr;

/// An object that lives for ever, made when first asked for.
pub struct Constant {
    make: fn(&mut Thread) -> Owned,
    word: AtomicU64,
}

impl Constant {
    const fn new(make: fn(&mut Thread) -> Owned) -> Constant {
        Constant { make, word: AtomicU64::new(0) }
    }

    /// The object. Cost: one load.
    #[inline]
    pub fn get(&self, th: &mut Thread) -> Borrowed<'static> {
        // ORDERING Acquire: pairs with the Release below.
        let word = self.word.load(Ordering::Acquire);
        // SAFETY: an immortal object.
        if word != 0 { unsafe { Borrowed::from_raw(Word(word)) } } else { self.fill(th) }
    }

    #[cold]
    fn fill(&self, th: &mut Thread) -> Borrowed<'static> {
        let made = runtime::immortal((self.make)(th));
        // ORDERING Release: publishes the object. Threads that come at once store equal ones.
        self.word.store(made.0, Ordering::Release);
        // SAFETY: immortal.
        unsafe { Borrowed::from_raw(made) }
    }
}

macro_rules! names {
    ($($constant:ident = $text:literal),* $(,)?) => {
        $(
            #[doc = concat!("The name `", $text, "`.")]
            pub static $constant: Constant = Constant::new(|th| th.intern($text));
        )*
    };
}

names! {
    ADD_DONE_CALLBACK = "add_done_callback",
    BLOCKING = "_asyncio_future_blocking",
    CALL_EXCEPTION_HANDLER = "call_exception_handler",
    CALL_SOON = "call_soon",
    CANCEL = "cancel",
    DONE = "done",
    GET_DEBUG = "get_debug",
    GET_EVENT_LOOP = "get_event_loop",
    GET_LOOP = "get_loop",
    IS_RUNNING = "is_running",
    LOOP = "_loop",
    RESULT = "result",
    THROW = "throw",
}

fn one_name(th: &mut Thread, name: &str) -> Owned {
    let name = th.intern(name);
    th.new_tuple(vec![name])
}

/// Keyword names of a call with `context=`.
static WITH_CONTEXT: Constant = Constant::new(|th| one_name(th, "context"));
/// Keyword names of a call with `msg=`.
static WITH_MSG: Constant = Constant::new(|th| one_name(th, "msg"));

/// `module.name`, looked up once. `key` is their place among the runtime's stored objects.
fn attribute(th: &mut Thread, key: &'static str, module: &str, name: &str) -> PyResult {
    if let Some(found) = th.rt.stored(key) {
        return Ok(found);
    }
    let found = import_attr(th, module, name)?;
    drop(th.rt.store(key, found.clone()));
    Ok(found)
}

/// `asyncio.exceptions.CancelledError`
pub fn cancelled_error(th: &mut Thread) -> PyResult {
    attribute(th, "_asyncio.CancelledError", "asyncio.exceptions", "CancelledError")
}

/// Raises `asyncio.InvalidStateError`.
#[cold]
pub fn invalid_state(th: &mut Thread, message: &str) -> Raised {
    let class = attribute(th, "_asyncio.InvalidStateError", "asyncio.exceptions", "InvalidStateError");
    let made = class.and_then(|class| {
        let message = th.new_str(message);
        class.borrow().call(th, &[message.borrow()])
    });
    match made {
        Ok(exc) => th.throw(exc),
        Err(raised) => raised,
    }
}

/// Is this an instance of `CancelledError`?
pub fn is_cancelled_error(th: &mut Thread, exc: Borrowed<'_>) -> PyResult<bool> {
    let class = cancelled_error(th)?;
    exc.isinstance(th, class.borrow())
}

/// `asyncio.base_futures._future_repr(future)`
pub fn future_repr(th: &mut Thread, future: Borrowed<'_>) -> PyResult {
    let f = attribute(th, "_asyncio._future_repr", "asyncio.base_futures", "_future_repr")?;
    f.borrow().call(th, &[future])
}

/// `asyncio.base_tasks._task_repr(task)`
pub fn task_repr(th: &mut Thread, task: Borrowed<'_>) -> PyResult {
    let f = attribute(th, "_asyncio._task_repr", "asyncio.base_tasks", "_task_repr")?;
    f.borrow().call(th, &[task])
}

/// `asyncio.base_tasks._task_get_stack(task, limit)`
pub fn task_get_stack(th: &mut Thread, task: Borrowed<'_>, limit: Borrowed<'_>) -> PyResult {
    let f = attribute(th, "_asyncio._task_get_stack", "asyncio.base_tasks", "_task_get_stack")?;
    f.borrow().call(th, &[task, limit])
}

/// `asyncio.base_tasks._task_print_stack(task, limit, file)`
pub fn task_print_stack(
    th: &mut Thread,
    task: Borrowed<'_>,
    limit: Borrowed<'_>,
    file: Borrowed<'_>,
) -> PyResult {
    let f = attribute(th, "_asyncio._task_print_stack", "asyncio.base_tasks", "_task_print_stack")?;
    f.borrow().call(th, &[task, limit, file])
}

/// `asyncio.coroutines.iscoroutine(o)`
pub fn is_coroutine(th: &mut Thread, o: Borrowed<'_>) -> PyResult<bool> {
    if o.shape_id() == typhon_core::builtins::ids::COROUTINE {
        return Ok(true);
    }
    let f = attribute(th, "_asyncio.iscoroutine", "asyncio.coroutines", "iscoroutine")?;
    f.borrow().call(th, &[o])?.borrow().truth(th)
}

/// `traceback.extract_stack()`
pub fn extract_stack(th: &mut Thread) -> PyResult {
    let f = attribute(th, "_asyncio.extract_stack", "traceback", "extract_stack")?;
    f.borrow().call(th, &[])
}

/// The event loop of the policy.
pub fn policy_event_loop(th: &mut Thread) -> PyResult {
    let f = import_attr(th, "asyncio.events", "_get_event_loop_policy")?;
    let policy = f.borrow().call(th, &[])?;
    let name = GET_EVENT_LOOP.get(th);
    policy.borrow().call_method(th, name, &[])
}

/// `event_loop.call_soon(callback, *args, context=context)`
pub fn call_soon(
    th: &mut Thread,
    event_loop: Borrowed<'_>,
    callback: Borrowed<'_>,
    arg: Option<Borrowed<'_>>,
    context: Option<Borrowed<'_>>,
) -> PyResult<()> {
    let name = CALL_SOON.get(th);
    let mut all = [callback, Borrowed::null(), Borrowed::null()];
    let mut n = 1;
    for more in [arg, context].into_iter().flatten() {
        all[n] = more;
        n += 1;
    }
    let names = if context.is_some() { WITH_CONTEXT.get(th) } else { Borrowed::null() };
    let n_positional = 1 + usize::from(arg.is_some());
    let args = Args { all: &all[..n], n_positional, names };
    typhon_core::call::call_method_args(th, event_loop, name, args).map(drop)
}

/// `future.add_done_callback(callback, context=context)`
pub fn add_done_callback(
    th: &mut Thread,
    future: Borrowed<'_>,
    callback: Borrowed<'_>,
    context: Borrowed<'_>,
) -> PyResult<()> {
    let name = ADD_DONE_CALLBACK.get(th);
    let args = Args { all: &[callback, context], n_positional: 1, names: WITH_CONTEXT.get(th) };
    typhon_core::call::call_method_args(th, future, name, args).map(drop)
}

/// `future.cancel(msg=message)`
pub fn cancel(th: &mut Thread, future: Borrowed<'_>, message: Borrowed<'_>) -> PyResult<bool> {
    let name = CANCEL.get(th);
    let args = Args { all: &[message], n_positional: 0, names: WITH_MSG.get(th) };
    typhon_core::call::call_method_args(th, future, name, args)?.borrow().truth(th)
}

/// The loop of an argument that may be None or missing.
pub fn loop_or_default(th: &mut Thread, given: Option<Borrowed<'_>>) -> PyResult {
    match given {
        Some(given) => Ok(given.to_owned()),
        None => running::event_loop(th),
    }
}

/// `event_loop.call_exception_handler(context)` with a dict of these items.
pub fn call_exception_handler(
    th: &mut Thread,
    event_loop: Borrowed<'_>,
    items: &[(&str, Owned)],
) -> PyResult<()> {
    let context = th.new_dict();
    for (key, value) in items {
        let key = th.intern(key);
        context.payload::<typhon_core::builtins::dict::Dict>().set(th, key.borrow(), value.clone())?;
    }
    let name = CALL_EXCEPTION_HANDLER.get(th);
    event_loop.call_method(th, name, &[context.borrow()]).map(drop)
}
