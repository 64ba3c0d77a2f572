//! Which tasks there are: for `all_tasks`.
//!
//! Tasks are in lists, which do not keep them alive. A thread puts its new tasks into the list of its number, so threads
//! seldom meet there; a task stays in the list that it was born for, and leaves it when it is done or dies.

use core::ptr;

use parking_lot::Mutex;
use typhon_core::builtins::set::Set;
use typhon_core::{ArgsExt, Borrowed, Header, Owned, PyResult, Thread, Word};
use typhon_sync::prim::{AtomicBool, AtomicPtr, Ordering};

use super::future::Phase;
use super::task::Task;
use super::{library, running};
use crate::support::{ModuleExt, import_attr};

const LISTS: usize = 64;

/// The first task of a list. What is linked is changed and followed under this lock only.
#[repr(align(64))]
struct List(Mutex<First>);

struct First(*const Task);

// SAFETY: tasks in a list are in memory; see `Link`.
unsafe impl Send for First {}

static TASKS: [List; LISTS] = [const { List(Mutex::new(First(ptr::null()))) }; LISTS];

/// A task's place in its list.
pub struct Link {
    list: u8,
    /// Is it there? Written under the list's lock.
    is_linked: AtomicBool,
    next: AtomicPtr<Task>,
    previous: AtomicPtr<Task>,
}

impl Link {
    /// Of a new task of this thread.
    pub fn new(th: &Thread) -> Link {
        Link {
            list: (th.ident % LISTS as u64) as u8,
            is_linked: AtomicBool::new(false),
            next: AtomicPtr::new(ptr::null_mut()),
            previous: AtomicPtr::new(ptr::null_mut()),
        }
    }
}

/// Puts a task into its list.
pub fn add(task: &Task) {
    // Whoever finds it there takes a reference to what may be another thread's.
    task.header.publish();
    let mut first = TASKS[usize::from(task.link.0.list)].0.lock();
    // ORDERING Relaxed: all of this is under the lock.
    if task.link.0.is_linked.swap(true, Ordering::Relaxed) {
        return;
    }
    let this = ptr::from_ref(task);
    task.link.0.next.store(first.0.cast_mut(), Ordering::Relaxed);
    task.link.0.previous.store(ptr::null_mut(), Ordering::Relaxed);
    if !first.0.is_null() {
        // SAFETY: a task in the list; it leaves before its memory is given back.
        unsafe { (*first.0).link.0.previous.store(this.cast_mut(), Ordering::Relaxed) }
    }
    first.0 = this;
}

/// Takes a task out of its list, if it is there: it is done, or dies.
pub fn remove(task: &Task) {
    // ORDERING Relaxed: who removes it has put it there, or got it from somebody who did.
    if !task.link.0.is_linked.load(Ordering::Relaxed) {
        return;
    }
    let mut first = TASKS[usize::from(task.link.0.list)].0.lock();
    // ORDERING Relaxed: all of this is under the lock.
    if !task.link.0.is_linked.swap(false, Ordering::Relaxed) {
        return;
    }
    let next = task.link.0.next.load(Ordering::Relaxed);
    let previous = task.link.0.previous.load(Ordering::Relaxed);
    // SAFETY: neighbours in the list, which they leave before their memory is given back.
    unsafe {
        if previous.is_null() {
            first.0 = next;
        } else {
            (*previous).link.0.next.store(next, Ordering::Relaxed);
        }
        if !next.is_null() {
            (*next).link.0.previous.store(previous, Ordering::Relaxed);
        }
    }
}

/// The living tasks in the lists.
fn living(th: &Thread) -> Vec<Owned> {
    let mut all = Vec::new();
    for list in &TASKS {
        let first = list.0.lock();
        let mut at = first.0;
        while !at.is_null() {
            // SAFETY: in the list, hence in memory; a dying task refuses. The count is handed on.
            unsafe {
                let header: &Header = &(*at).header;
                if header.try_incref(th.owner) {
                    all.push(Owned::from_raw(Word::from_ptr(header)));
                }
                // ORDERING Relaxed: under the lock.
                at = (*at).link.0.next.load(Ordering::Relaxed);
            }
        }
    }
    all
}

const SCHEDULED: &str = "_asyncio._scheduled_tasks";
const EAGER: &str = "_asyncio._eager_tasks";

/// Makes the sets of tasks that are not ours: a WeakSet, and a set of those in their first step.
pub fn setup(th: &mut Thread, module: Borrowed<'_>) -> PyResult<()> {
    let scheduled = import_attr(th, "weakref", "WeakSet")?.borrow().call(th, &[])?;
    let eager = th.new_set();
    drop(th.rt.store(SCHEDULED, scheduled.clone()));
    drop(th.rt.store(EAGER, eager.clone()));
    module.add(th, "_scheduled_tasks", scheduled)?;
    module.add(th, "_eager_tasks", eager)
}

fn stored(th: &Thread, key: &'static str) -> Owned {
    th.rt.stored(key).expect("stored when the module was made")
}

/// `_register_task(task)`
pub fn register_task(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    match a[0].downcast::<Task>() {
        Some(task) => add(task),
        None => drop(stored(th, SCHEDULED).borrow().call_method_str(th, "add", &[a[0]])?),
    }
    Ok(Owned::none())
}

/// `_unregister_task(task)`
pub fn unregister_task(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    match a[0].downcast::<Task>() {
        Some(task) => remove(task),
        None => drop(stored(th, SCHEDULED).borrow().call_method_str(th, "discard", &[a[0]])?),
    }
    Ok(Owned::none())
}

/// `_register_eager_task(task)`
pub fn register_eager_task(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    match a[0].downcast::<Task>() {
        Some(task) => add(task),
        None => drop(stored(th, EAGER).borrow().call_method_str(th, "add", &[a[0]])?),
    }
    Ok(Owned::none())
}

/// `_unregister_eager_task(task)`
pub fn unregister_eager_task(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    match a[0].downcast::<Task>() {
        Some(task) => remove(task),
        None => drop(stored(th, EAGER).borrow().call_method_str(th, "discard", &[a[0]])?),
    }
    Ok(Owned::none())
}

/// The loop of anything like a future.
pub fn loop_of(th: &mut Thread, future: Borrowed<'_>) -> PyResult {
    let (get_loop, field) = (library::GET_LOOP.get(th), library::LOOP.get(th));
    match future.getattr_opt(th, get_loop)? {
        Some(get_loop) => get_loop.borrow().call(th, &[]),
        None => future.getattr(th, field),
    }
}

/// Is this task of the loop, and not done?
fn is_wanted(th: &mut Thread, task: Borrowed<'_>, event_loop: Borrowed<'_>) -> PyResult<bool> {
    if let Some(task) = task.downcast_exact::<Task>() {
        let state = task.as_future().state(th);
        let is_loop = state.event_loop.as_ref().is_some_and(|other| other.is(event_loop.word()));
        return Ok(is_loop && state.phase == Phase::Pending);
    }
    if !loop_of(th, task)?.is(event_loop.word()) {
        return Ok(false);
    }
    let done = library::DONE.get(th);
    Ok(!task.call_method(th, done, &[])?.borrow().truth(th)?)
}

/// `all_tasks(loop=None)`
pub fn all_tasks(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let event_loop = match a.some(0) {
        Some(event_loop) => event_loop.to_owned(),
        None => running::running_loop(th)?,
    };
    // A task that is in its first step may go to the other set: that is looked at later.
    let mut tasks = stored(th, EAGER).borrow().to_vec(th)?;
    tasks.append(&mut stored(th, SCHEDULED).borrow().to_vec(th)?);
    tasks.append(&mut living(th));
    let wanted = th.new_set();
    for task in tasks {
        if is_wanted(th, task.borrow(), event_loop.borrow())? {
            wanted.payload::<Set>().add(th, task.borrow())?;
        }
    }
    Ok(wanted)
}
