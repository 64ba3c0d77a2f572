//! The bridge to `typhon-sync`: modes, attaching and starting threads, safepoints, object locks, the
//! merge queue, retired memory, signals, fork.

use std::sync::Arc;
use typhon_sync::prim::{AtomicPtr, AtomicU64, Ordering};

use parking_lot::Mutex;
use typhon_sync::events::{self, Count};
use typhon_sync::header::Header;
use typhon_sync::passage::{self, Beginning};
use typhon_sync::thread_state::breaker;
use typhon_sync::{Host, Mode, ThreadCtx, World};

use crate::object::{Owned, PyResult};
use crate::runtime::{Config, Refcount, Runtime};
use crate::thread::{self, Thread};

/// What a VM thread keeps of the synchronisation layer.
pub struct SyncThread {
    pub ctx: core::mem::ManuallyDrop<ThreadCtx>,
}

/// A pointer to a thread of the VM, for whoever has stopped the world.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ThreadPtr(pub *mut Thread);

// SAFETY: dereferenced only by the thread itself, or while it is stopped.
unsafe impl Send for ThreadPtr {}

/// All threads of the process.
pub struct Threads {
    pub world: Arc<World>,
    list: Mutex<Vec<ThreadPtr>>,
    /// Ident of the main thread.
    pub main_ident: AtomicU64,
    signal_hook: AtomicPtr<()>,
}

impl Threads {
    pub(crate) fn new(config: &Config) -> Threads {
        let mode = match config.refcount {
            _ if config.gil => Mode::Gil,
            Refcount::Biased => Mode::Biased,
            Refcount::Atomic => Mode::Atomic,
            Refcount::Deferred => Mode::Deferred,
        };
        Threads {
            world: Arc::new(World::new(mode)),
            list: Mutex::new(Vec::new()),
            main_ident: AtomicU64::new(0),
            signal_hook: AtomicPtr::new(core::ptr::null_mut()),
        }
    }

    pub fn mode(&self) -> Mode {
        self.world.mode()
    }

    /// Every thread. Their contents may be looked at while the world is stopped.
    pub fn all(&self) -> Vec<ThreadPtr> {
        self.list.lock().clone()
    }

    /// How many threads there are, the collector's own included.
    pub fn count(&self) -> usize {
        self.list.lock().len()
    }

    /// Calls `f` if there is no such thread (any more); none begins meanwhile.
    pub fn if_gone(&self, thread: ThreadPtr, f: impl FnOnce()) {
        let list = self.list.lock();
        if !list.contains(&thread) {
            f();
        }
    }

    /// What runs Python's signal handlers when the main thread's breaker says so.
    pub fn set_signal_hook(&self, f: fn(&mut Thread) -> PyResult<()>) {
        // ORDERING Release: a function pointer, constant data.
        self.signal_hook.store(f as *mut (), Ordering::Release);
    }

    /// Makes the main thread look for signals at its next safepoint and wakes it if it waits.
    pub fn raise_signal(&self) {
        // ORDERING Relaxed: set at start.
        let main = self.main_ident.load(Ordering::Relaxed);
        self.world.raise(typhon_sync::OwnerId(main as u32), breaker::SIGNAL);
    }
}

/// Destruction on behalf of `typhon-sync`.
pub struct VmHost;

impl Host for VmHost {
    fn dealloc(&self, _: &ThreadCtx, object: *const Header) {
        let th = thread::current_ptr();
        debug_assert!(!th.is_null(), "an object died outside the VM");
        // SAFETY: the calling thread is a VM thread; nobody else touches its list.
        unsafe { (*th).pending_drops.push(object.cast_mut()) }
    }
}

/// The calling thread's context.
fn ctx<'a>() -> &'a ThreadCtx {
    // SAFETY: callers are VM threads; the context lives as long as the thread.
    unsafe { &(*thread::current_ptr()).sync.ctx }
}

/// Queues an object whose owner must merge its count.
///
/// # Safety
/// The queue owns one count of the object from here on.
pub unsafe fn enqueue(p: *mut Header) {
    // SAFETY: queued objects stay allocated until they are merged.
    ctx().enqueue(unsafe { &*p }, &VmHost)
}

/// Takes an object's lock. False: there is nothing to take now (the world is stopped by this thread).
#[inline(always)]
pub fn lock(of: &Header) -> bool {
    if thread::current_ptr().is_null() {
        // Not a thread of the VM: only objects that nobody else can see get here.
        return false;
    }
    let ctx = ctx();
    if !ctx.takes_plain_locks() {
        return lock_or_not(ctx, of);
    }
    ctx.lock_header(of);
    of.mark_change(ctx.me());
    true
}

/// As [`lock`], for a thread that has stopped the world, or whose locks are counted.
#[cold]
#[inline(never)]
fn lock_or_not(ctx: &ThreadCtx, of: &Header) -> bool {
    if !ctx.takes_locks() {
        return false;
    }
    // Told before, so that telling does not make others wait.
    events::counted(Count::LockTaken, of);
    ctx.lock_header(of);
    of.mark_change(ctx.me());
    true
}

/// Releases an object's lock.
#[inline(always)]
pub fn unlock(of: &Header) {
    of.unlock()
}

/// Bits of a thread's word that ask it to stop at a safepoint.
pub const BREAKER_MASK: u32 = breaker::ALL;

/// Calls `free(address, bytes)` once no thread can be reading the block any more.
///
/// # Safety
/// The block is unlinked, and `free` may run once, on any thread, at any later time.
pub unsafe fn retire(address: *mut u8, bytes: usize, free: unsafe fn(*mut u8, usize)) {
    use typhon_sync::Smr;
    if thread::current_ptr().is_null() {
        // SAFETY: outside the VM's threads only objects that nobody else can see get here.
        return unsafe { free(address, bytes) };
    }
    // SAFETY: passed on.
    unsafe { ctx().retire(address, bytes, free) }
}

/// Runs `f`, which may wait in the system and touches no object, without the interpreter: other
/// threads go on meanwhile.
pub fn blocking<R>(th: &mut Thread, f: impl FnOnce() -> R) -> R {
    th.drain_drops();
    let r = th.sync.ctx.blocking(&VmHost, f);
    th.drain_drops();
    r
}

/// Serves the breaker: merges, stops, the GIL, signals, exceptions from other threads, collections.
///
/// Errors: whatever a signal handler or another thread raises.
#[cold]
#[inline(never)]
pub fn safepoint(th: &mut Thread) -> PyResult<()> {
    let bits = th.sync.ctx.safepoint(&VmHost);
    th.drain_drops();
    if !th.limbo.is_empty() && !crate::quarantine::is_active() {
        crate::quarantine::release(th, crate::quarantine::A_FEW);
    }
    if bits & breaker::GC != 0 {
        th.sync.ctx.take(breaker::GC);
        crate::collect::at_safepoint(th);
    }
    if bits & breaker::SIGNAL != 0 {
        th.sync.ctx.take(breaker::SIGNAL);
        check_signals(th)?;
    }
    if bits & breaker::ASYNC_EXC != 0 {
        th.sync.ctx.take(breaker::ASYNC_EXC);
        let exc = th.async_exc.lock().take();
        if let Some(exc) = exc {
            let raised = match exc.downcast::<crate::Type>() {
                Some(_) => match exc.borrow().call(th, &[]) {
                    Ok(e) => th.throw(e),
                    Err(raised) => raised,
                },
                None => th.throw(exc),
            };
            return Err(raised);
        }
    }
    if bits & (breaker::PENDING_CALLS | breaker::INSTRUMENT) != 0 {
        th.sync.ctx.take(breaker::PENDING_CALLS | breaker::INSTRUMENT);
    }
    Ok(())
}

/// Polls the breaker: for natives that run long. Errors: as [`safepoint`].
#[inline]
pub fn poll(th: &mut Thread) -> PyResult<()> {
    if th.breaker_set() { safepoint(th) } else { Ok(()) }
}

/// Runs the Python handlers of signals that arrived, if this is the main thread.
pub fn check_signals(th: &mut Thread) -> PyResult<()> {
    // ORDERING Acquire: pairs with `set_signal_hook`.
    let hook = th.rt.threads.signal_hook.load(Ordering::Acquire);
    if hook.is_null() || !is_main(th) {
        return Ok(());
    }
    // SAFETY: only functions of this type are stored.
    let hook = unsafe { core::mem::transmute::<*mut (), fn(&mut Thread) -> PyResult<()>>(hook) };
    hook(th)
}

pub fn is_main(th: &Thread) -> bool {
    // ORDERING Relaxed: set at start, and by the child of a fork.
    th.rt.threads.main_ident.load(Ordering::Relaxed) == th.ident
}

/// Sets an exception that thread `ident` raises at its next safepoint. False: no such thread.
pub fn set_async_exc(th: &mut Thread, ident: u64, exc: Option<Owned>) -> bool {
    let list = th.rt.threads.list.lock();
    for p in list.iter() {
        // SAFETY: threads leave the list, under its lock, before they go away; these fields are
        // immutable or locked.
        let t = unsafe { &*p.0 };
        if t.ident == ident {
            let old = core::mem::replace(&mut *t.async_exc.lock(), exc);
            drop(list);
            drop(old);
            th.rt.threads.world.raise(typhon_sync::OwnerId(ident as u32), breaker::ASYNC_EXC);
            return true;
        }
    }
    false
}

/// Makes the calling system thread, whose `beginning` this is, a thread of the VM and attaches it.
pub(crate) fn enter(rt: &'static Runtime, beginning: Option<Beginning>) -> Box<Thread> {
    let ctx = rt.threads.world.register();
    let owner = ctx.me();
    let birth = ctx.birth();
    let ident = u64::from(ctx.id().0);
    let breaker = ctx.breaker_word();
    let mut th =
        Thread::new(rt, owner, birth, SyncThread { ctx: core::mem::ManuallyDrop::new(ctx) }, breaker);
    th.ident = ident;
    drop(beginning);
    th.sync.ctx.attach();
    // SAFETY: the box stays in place until `leave`.
    unsafe { thread::set_current(&mut *th) };
    rt.threads.list.lock().push(ThreadPtr(&mut *th));
    th.recorder = crate::contention::enrol(typhon_sync::OwnerId(ident as u32));
    th.opcodes = crate::opcode_stats::enrol();
    th
}

/// Detaches the calling thread from the VM for good. Calls `left` when no stop meets it any more.
fn leave(mut th: Box<Thread>, left: impl FnOnce()) {
    let p = ThreadPtr(&mut *th);
    crate::monitoring::legacy::leave(&mut th);
    th.locals.clear();
    th.context = None;
    th.running = thread::Running::default();
    drop(th.take_exc());
    th.asyncgen_firstiter = None;
    th.asyncgen_finalizer = None;
    th.drain_drops();
    loop {
        th.sync.ctx.run_merges(&VmHost);
        if th.pending_drops.is_empty() {
            break;
        }
        th.drain_drops();
    }
    th.rt.threads.list.lock().retain(|t| *t != p);
    crate::contention::leave(th.recorder.take());
    crate::opcode_stats::leave(th.opcodes.take());
    // SAFETY: the context is used for the last time; the thread is still current, so what dies in it
    // is destroyed.
    let ctx = unsafe { core::mem::ManuallyDrop::take(&mut th.sync.ctx) };
    ctx.exit(&ExitHost);
    passage::end();
    left();
    while !th.limbo.is_empty() {
        crate::quarantine::release(&mut th, usize::MAX);
        std::thread::yield_now();
    }
    // SAFETY: nobody is current any more.
    unsafe { thread::set_current(core::ptr::null_mut()) };
}

/// Host of a thread that ends: destroys at once.
struct ExitHost;

impl Host for ExitHost {
    fn dealloc(&self, _: &ThreadCtx, object: *const Header) {
        // SAFETY: the ending thread is still current.
        let th = unsafe { &mut *thread::current_ptr() };
        th.pending_drops.push(object.cast_mut());
        th.drain_drops();
    }
}

/// Makes the calling thread the only one that ever runs Python code again, and `sys.is_finalizing()` true: the
/// others stay where they are, detached, until the process ends. Nothing is done in the background from here on.
/// `at_good_moment` calls what it is given when no other thread is where it should not be left.
pub fn outlive_others(
    th: &mut Thread,
    at_good_moment: impl FnOnce(&mut Thread, &mut dyn FnMut(&mut Thread)),
) {
    let search = crate::collect::hold(th);
    let turn = crate::collect::last_turn(th);
    th.drain_drops();
    at_good_moment(th, &mut |th| {
        let ident = th.ident;
        th.sync.ctx.outlive_others(|| {
            crate::sysmod::settings::set_finalizing();
            crate::collect::others_are_gone(ident, turn.is_none());
        });
    });
    drop(turn);
    // The collector's thread is left behind, too.
    core::mem::forget(search);
    th.drain_drops();
}

/// Is the calling thread the only one that will ever run? See [`outlive_others`].
pub fn is_alone() -> bool {
    crate::sysmod::settings::is_finalizing()
}

/// Starts a system thread that runs `f` as a thread of the VM, and what `f` gives when it is one no longer: when it
/// refers to nothing, neither from its stack nor from anywhere else.
///
/// Errors: the system refuses the thread.
pub fn spawn<L: FnOnce()>(
    th: &Thread,
    stack_size: usize,
    f: impl FnOnce(&mut Thread) -> L + Send + 'static,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    let rt = th.rt;
    let builder = std::thread::Builder::new().stack_size(stack_size);
    passage::spawn(builder, move |beginning| {
        let mut th = enter(rt, Some(beginning));
        let left = f(&mut th);
        leave(th, left);
    })
}

/// Runs `fork` with the world stopped; in the child the calling thread is the main and only one. Returns
/// what `fork` returned: the child's number, 0 in the child, negative on failure.
pub fn fork(th: &mut Thread, fork: impl FnOnce() -> i32) -> i32 {
    let rt = th.rt;
    let me = ThreadPtr(th);
    let mut dead: Vec<*const Header> = Vec::new();
    let mut forgotten = thread::Running::default();
    let hold = crate::collect::hold(th);
    let pid = {
        let stopped = th.sync.ctx.prepare_fork();
        let background = crate::collect::before_fork();
        let mut list = rt.threads.list.lock();
        let pid = fork();
        if pid == 0 {
            list.retain(|t| *t == me);
            // ORDERING Relaxed: there is one thread.
            rt.threads.main_ident.store(th.ident, Ordering::Relaxed);
            // SAFETY: this is the child of the fork.
            unsafe { stopped.in_child(|object| dead.push(object)) };
            background.in_child(th);
            crate::contention::stop_after_fork();
            crate::opcode_stats::stop_after_fork(th);
            crate::perf::after_fork();
            // The loop of the parent is not the child's.
            forgotten = core::mem::take(&mut th.running);
        } else {
            stopped.in_parent();
        }
        pid
    };
    drop(hold);
    drop(forgotten);
    th.pending_drops.extend(dead.into_iter().map(|object| object.cast_mut()));
    th.drain_drops();
    pid
}

/// The first answer that `look` gives for what `asyncio` runs on a thread; the world is stopped meanwhile.
pub fn find_running(th: &mut Thread, look: impl Fn(&thread::Running) -> Option<Owned>) -> Option<Owned> {
    let rt = th.rt;
    crate::collect::with_world_stopped(th, || {
        // SAFETY: the world is stopped, so no thread changes or goes away.
        rt.threads.all().into_iter().find_map(|thread| look(unsafe { &(*thread.0).running }))
    })
}
