//! `_queue`: `SimpleQueue`, an unbounded queue whose readers wait.
//!
//! Items and the line of waiting readers are under the object's lock. Each reader waits on a lock of its own, which
//! whoever puts something in releases for the one that has waited longest. A reader that comes along meanwhile may
//! take the item first: then the one that was called lines up again.

use std::collections::VecDeque;
use std::process;
use std::sync::Arc;
use std::time::Instant;

use typhon_core::builtins::exceptions as ex;
use typhon_core::contention::{self, What};
use typhon_core::threads::{self, VmHost};
use typhon_core::{
    ArgsExt, Borrowed, Data, Locked, ModuleDef, NativeDef, Owned, PyResult, Raised, Safety, Shared, Slots,
    Thread, TypeDef, payload, traced, type_flags, unborn,
};
use typhon_sync::{Acquired, WaitLock};

use crate::args::{constructor, exception_class, made, this};
use crate::support::ModuleExt;
use crate::thread::instant_after;

traced! {
    /// What a queue's lock protects.
    pub struct State {
        items: VecDeque<Owned>,
        waiting: Data<VecDeque<Place>>,
    }
}

/// A reader that waits for its own lock, which it has taken once.
struct Place {
    lock: Arc<WaitLock>,
    /// Number of its process: after a fork there is nobody to call.
    process: u32,
}

impl State {
    /// Removes the reader who has waited longest from the line: its lock is to be released.
    fn call(&mut self) -> Option<Arc<WaitLock>> {
        while let Some(place) = self.waiting.0.pop_front() {
            if place.process == process::id() {
                return Some(place.lock);
            }
        }
        None
    }
}

payload! {
    /// `_queue.SimpleQueue`
    pub struct SimpleQueue: SIMPLE_QUEUE {
        state: Locked<State>,
    }
}

impl SimpleQueue {
    fn put(&self, th: &mut Thread, item: Owned) {
        let called = {
            let mut state = self.state.lock(&self.header, th);
            state.items.push_back(item);
            state.call()
        };
        if let Some(called) = called {
            called.release();
        }
    }

    /// The first item, or the lock to wait for.
    fn take(&self, th: &mut Thread) -> Result<Owned, Arc<WaitLock>> {
        let mut state = self.state.lock(&self.header, th);
        state.items.pop_front().ok_or_else(|| {
            let lock = Arc::new(WaitLock::new());
            lock.try_acquire();
            state.waiting.0.push_back(Place { lock: lock.clone(), process: process::id() });
            lock
        })
    }

    /// Leaves the line, in which the caller waits for `lock`. False: it was called meanwhile; then the next one is
    /// called, too, if there is something for it.
    fn leave(&self, th: &mut Thread, lock: &Arc<WaitLock>) -> bool {
        let called = {
            let mut state = self.state.lock(&self.header, th);
            if let Some(at) = state.waiting.0.iter().position(|place| Arc::ptr_eq(&place.lock, lock)) {
                state.waiting.0.remove(at);
                return true;
            }
            if state.items.is_empty() { None } else { state.call() }
        };
        if let Some(called) = called {
            called.release();
        }
        false
    }

    /// The first item; waits for one until `limit`. `None`: there was none.
    ///
    /// Errors: what a signal handler raised.
    fn wait(&self, th: &mut Thread, limit: Option<Instant>) -> PyResult<Option<Owned>> {
        loop {
            let lock = match self.take(th) {
                Ok(item) => return Ok(Some(item)),
                Err(lock) => lock,
            };
            if limit.is_none() && threads::is_alone() {
                self.leave(th, &lock);
                return Err(crate::thread::would_wait_for_ever(th));
            }
            let begun = contention::begin();
            let acquired = lock.acquire(&th.sync.ctx, &VmHost, limit, true);
            contention::waited(What::Condition, Borrowed::from_payload(self), begun);
            th.drain_drops();
            match acquired {
                Acquired::Yes => {}
                Acquired::TimedOut => {
                    if self.leave(th, &lock) {
                        return Ok(None);
                    }
                }
                Acquired::Interrupted => {
                    self.leave(th, &lock);
                    threads::safepoint(th)?;
                }
            }
        }
    }

    fn len(&self, th: &mut Thread) -> usize {
        self.state.lock(&self.header, th).items.len()
    }
}

pub static SIMPLE_QUEUE: TypeDef = TypeDef {
    module: "_queue",
    flags: type_flags::BASE | type_flags::GC | type_flags::WEAKREF,
    doc: "Simple, unbounded, reentrant FIFO queue.",
    slots: Slots {
        new: Some(|th, ty, args| {
            constructor::<SimpleQueue>(th, ty, "()", args)?;
            let state = State { items: VecDeque::new(), waiting: Data(VecDeque::new()) };
            made(th, ty, SimpleQueue { header: unborn(), state: Locked::new(state) })
        }),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new(
            "put",
            "($self, /, item, block=True, timeout=None)",
            put,
            "Put the item on the queue. Never blocks: block and timeout are there because Queue has them.",
        ),
        NativeDef::new("put_nowait", "($self, /, item)", put, "Put the item on the queue."),
        NativeDef::new(
            "get",
            "($self, /, block=True, timeout=None)",
            get,
            "Remove and return the first item. If there is none, wait for one, for at most timeout seconds, and raise \
             Empty then; at once if block is false, whatever timeout says.",
        ),
        NativeDef::new(
            "get_nowait",
            "($self, /)",
            |th, a| get_at_once(th, a[0]),
            "Remove and return the first item, or raise Empty.",
        ),
        NativeDef::new(
            "empty",
            "($self, /)",
            |th, a| Ok(Owned::bool(this::<SimpleQueue>(a[0]).len(th) == 0)),
            "Is the queue empty? The answer may be old already.",
        ),
        NativeDef::new(
            "qsize",
            "($self, /)",
            |th, a| {
                let n = this::<SimpleQueue>(a[0]).len(th);
                Ok(th.new_int(n as i64))
            },
            "The number of items. The answer may be old already.",
        ),
        typhon_core::builtins::generic_alias::CLASS_GETITEM,
    ],
    shared: Some(Shared::all(Safety::Locked)),
    ..TypeDef::of::<SimpleQueue>("SimpleQueue")
};

fn put(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    this::<SimpleQueue>(a[0]).put(th, a[1].to_owned());
    Ok(Owned::none())
}

fn get(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if let Some(block) = a.opt(1)
        && !block.truth(th)?
    {
        return get_at_once(th, a[0]);
    }
    let limit = limit(th, a.opt(2))?;
    match this::<SimpleQueue>(a[0]).wait(th, limit)? {
        Some(item) => Ok(item),
        None => Err(empty(th)),
    }
}

fn get_at_once(th: &mut Thread, queue: Borrowed<'_>) -> PyResult {
    let queue: &SimpleQueue = this(queue);
    let item = queue.state.lock(&queue.header, th).items.pop_front();
    item.ok_or_else(|| empty(th))
}

/// When a timeout in seconds ends; `None` = never.
///
/// Errors: TypeError, ValueError, OverflowError for what is no timeout.
fn limit(th: &mut Thread, timeout: Option<Borrowed<'_>>) -> PyResult<Option<Instant>> {
    let Some(timeout) = timeout.filter(|timeout| !timeout.is_none()) else { return Ok(None) };
    let seconds = timeout.to_f64(th)?;
    instant_after(th, seconds, "'timeout' must be a non-negative number").map(Some)
}

/// The class `Empty` of this runtime.
const EMPTY: &str = "_queue.Empty";

#[cold]
fn empty(th: &mut Thread) -> Raised {
    let class = th.rt.stored(EMPTY).expect("stored when the module was made");
    match class.borrow().call(th, &[]) {
        Ok(exc) => th.set_exc(exc),
        Err(raised) => raised,
    }
}

fn setup(th: &mut Thread, m: Borrowed<'_>) -> PyResult<()> {
    let class = exception_class(th, "_queue", "Empty", ex::EXCEPTION.ty().as_value())?;
    drop(th.rt.store(EMPTY, class.clone()));
    m.add(th, "Empty", class)
}

pub static MODULE: ModuleDef = ModuleDef {
    name: "_queue",
    doc: "A queue for threads.",
    functions: &[],
    types: &[&SIMPLE_QUEUE],
    setup: Some(setup),
};
