//! `_thread._ThreadHandle`: identity and end of a thread; and the list of those that run.

use std::sync::{Arc, Weak};
use typhon_sync::prim::{AtomicU8, AtomicU64, Ordering};

use parking_lot::Mutex;
use typhon_core::builtins::exceptions as ex;
use typhon_core::contention::{self, What};
use typhon_core::threads::{self, VmHost};
use typhon_core::{
    Args, ArgsExt, Borrowed, Data, NativeDef, Owned, PyResult, Slots, Thread, Type, TypeDef, payload, unborn,
};
use typhon_sync::WaitLock;

/// Threads started by Python code that have not ended.
static RUNNING: Mutex<Vec<Entry>> = Mutex::new(Vec::new());
/// Handles of other threads, the main one above all.
static STRANGERS: Mutex<Vec<Weak<Life>>> = Mutex::new(Vec::new());

struct Entry {
    life: Arc<Life>,
    daemon: bool,
}

/// How far a thread has come.
mod phase {
    pub const NOT_STARTED: u8 = 0;
    pub const STARTED: u8 = 1;
    pub const DONE: u8 = 2;
}

/// What a thread and its handles share.
#[derive(Default)]
pub struct Life {
    ident: AtomicU64,
    phase: AtomicU8,
    /// Locked while the thread runs.
    running: WaitLock,
}

impl Life {
    /// Begins a thread's life, known as running from here on. False: it had begun already.
    pub fn begin(self: &Arc<Life>, daemon: bool) -> bool {
        // ORDERING Relaxed: decided once, by one thread.
        let begun = self.phase.compare_exchange(
            phase::NOT_STARTED,
            phase::STARTED,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if begun.is_ok() {
            self.running.try_acquire();
            RUNNING.lock().push(Entry { life: self.clone(), daemon });
        }
        begun.is_ok()
    }

    /// Takes back [`Life::begin`]: there will be no thread.
    pub fn never_began(self: &Arc<Life>) {
        RUNNING.lock().retain(|entry| !Arc::ptr_eq(&entry.life, self));
        // ORDERING Relaxed: as in `begin`.
        self.phase.store(phase::NOT_STARTED, Ordering::Relaxed);
        self.running.release();
    }

    /// The thread runs, and this is its number. Called by the thread itself.
    pub fn set_ident(&self, ident: u64) {
        // ORDERING Relaxed: whoever started the thread waits for a message; others see it sooner or later.
        self.ident.store(ident, Ordering::Relaxed);
    }

    /// The thread's last word: it is no longer running, and whoever waits for it goes on.
    pub fn end(self: &Arc<Life>) {
        RUNNING.lock().retain(|entry| !Arc::ptr_eq(&entry.life, self));
        self.set_done();
    }

    fn set_done(&self) {
        // ORDERING AcqRel: pairs with `is_done`.
        if self.phase.swap(phase::DONE, Ordering::AcqRel) != phase::DONE && self.running.is_locked() {
            self.running.release();
        }
    }

    fn is_done(&self) -> bool {
        // ORDERING Acquire: what the thread did is visible to who sees it done.
        self.phase.load(Ordering::Acquire) == phase::DONE
    }

    fn ident(&self) -> u64 {
        // ORDERING Relaxed: see `set_ident`; compared with this thread's own, or a snapshot.
        self.ident.load(Ordering::Relaxed)
    }
}

payload! {
    /// `_thread._ThreadHandle`
    pub struct Handle: HANDLE {
        life: Data<Arc<Life>>,
    }
}

fn life_of<'a>(o: Borrowed<'a>) -> &'a Arc<Life> {
    &o.downcast::<Handle>().expect("checked by the slot's type").life.0
}

/// Who a handle, or nothing, stands for.
pub fn life(handle: Borrowed<'_>) -> Option<Arc<Life>> {
    handle.downcast::<Handle>().map(|h| h.life.0.clone())
}

/// A handle of a thread that has not been started.
pub fn new(th: &mut Thread) -> Owned {
    th.alloc(Handle { header: unborn(), life: Data(Arc::default()) })
}

/// A handle of a thread that runs, and was not started by this module.
pub fn of_stranger(th: &mut Thread, ident: u64) -> Owned {
    let life = Life { ident: AtomicU64::new(ident), phase: AtomicU8::new(phase::STARTED), ..Life::default() };
    life.running.try_acquire();
    let life = Arc::new(life);
    {
        let mut strangers = STRANGERS.lock();
        strangers.retain(|life| life.strong_count() > 0);
        strangers.push(Arc::downgrade(&life));
    }
    th.alloc(Handle { header: unborn(), life: Data(life) })
}

/// Threads started by Python code that are running, daemons and all.
pub fn count() -> usize {
    RUNNING.lock().len()
}

/// Are there threads of the program besides the calling one?
pub fn has_others(th: &Thread) -> bool {
    let me = th.ident;
    !threads::is_main(th) || RUNNING.lock().iter().any(|entry| entry.life.ident() != me)
}

/// Waits until no other thread runs; `daemons`: not even those. False: there was nothing to wait for.
///
/// Errors: what a signal handler raises.
pub fn join_all(th: &mut Thread, daemons: bool) -> PyResult<bool> {
    let me = th.ident;
    let mut any = false;
    loop {
        let next = {
            let running = RUNNING.lock();
            let mut others = running.iter().filter(|entry| entry.life.ident() != me);
            others.find(|entry| daemons || !entry.daemon).map(|entry| entry.life.clone())
        };
        let Some(life) = next else { return Ok(any) };
        any = true;
        super::wait(th, None, |th, until| life.running.acquire(&th.sync.ctx, &VmHost, until, true))?;
        life.running.release();
    }
}

/// In the child of a fork: there is no thread but the calling one.
pub fn after_fork_child(th: &Thread) {
    let me = th.ident;
    let mut running = RUNNING.lock();
    for entry in running.extract_if(.., |entry| entry.life.ident() != me) {
        entry.life.set_done();
    }
    let strangers = STRANGERS.lock();
    for life in strangers.iter().filter_map(Weak::upgrade).filter(|life| life.ident() != me) {
        life.set_done();
    }
}

fn handle_new(th: &mut Thread, _: &Type, _: Args<'_>) -> PyResult {
    Ok(new(th))
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let text = format!("<_ThreadHandle object: ident={}>", life_of(o).ident());
    Ok(th.new_str(&text))
}

fn ident(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let n = life_of(o).ident();
    Ok(th.new_int(n as i64))
}

fn is_done(_: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    Ok(Owned::bool(life_of(a[0]).is_done()))
}

/// Errors: RuntimeError if no thread was started with the handle.
fn check_started(th: &mut Thread, life: &Life) -> PyResult<()> {
    // ORDERING Relaxed: whoever started the thread has the answer; for others it is a race in the program.
    let started = life.phase.load(Ordering::Relaxed) != phase::NOT_STARTED;
    if started { Ok(()) } else { Err(th.runtime_error("thread not started")) }
}

fn set_done(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    check_started(th, life_of(a[0]))?;
    life_of(a[0]).set_done();
    Ok(Owned::none())
}

fn join(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let life = life_of(a[0]);
    check_started(th, life)?;
    let until = match a.some(1) {
        Some(timeout) => match super::seconds(th, timeout)? {
            seconds if seconds < 0.0 => None,
            seconds => Some(super::instant_after(th, seconds, super::NEGATIVE)?),
        },
        None => None,
    };
    if life.is_done() {
        return Ok(Owned::none());
    }
    if life.ident() == th.ident {
        return Err(th.runtime_error("Cannot join current thread"));
    }
    if threads::is_alone() {
        return Err(th.raise(&ex::PYTHON_FINALIZATION_ERROR, "cannot join thread at interpreter shutdown"));
    }
    let begun = contention::begin();
    let ended = super::wait(th, until, |th, until| life.running.acquire(&th.sync.ctx, &VmHost, until, true));
    contention::waited(What::Condition, a[0], begun);
    if ended? {
        life.running.release();
    }
    Ok(Owned::none())
}

pub static HANDLE: TypeDef = TypeDef {
    module: "_thread",
    flags: 0,
    slots: Slots { new: Some(handle_new), repr: Some(repr), ..Slots::NONE },
    methods: &[
        NativeDef::new("join", "($self, timeout=None, /)", join, "Wait for the thread to end."),
        NativeDef::new("is_done", "($self, /)", is_done, ""),
        NativeDef::new("_set_done", "($self, /)", set_done, ""),
    ],
    getset: &[typhon_core::GetSetDef::get("ident", ident)],
    ..TypeDef::of::<Handle>("_ThreadHandle")
};
