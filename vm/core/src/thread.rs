//! A thread of the VM: what handlers, natives and the collector find in it.

use core::cell::Cell;
use core::marker::PhantomData;
use typhon_sync::prim::{AtomicU32, Ordering};

use typhon_gc::heap::LocalHeap;
use typhon_sync::birth::Birth;
use typhon_sync::count::Fate;
use typhon_sync::header::{FOLDED, Header, OwnerId, gc_bits};

use crate::interp::frame::{CallRecord, ValueStack};
use crate::interp::handlers::attr_many::AttrTable;
use crate::object::{Borrowed, Owned, Payload, PyResult, Raised};
use crate::runtime::Runtime;
use crate::typedef::type_flags;
use crate::types::Type;
use crate::word::Word;

/// One handled exception: the thread has a chain of them, one per running generator and one for
/// itself (`sys.exc_info` takes the first that is not empty).
#[repr(C)]
pub struct HandledItem {
    /// The exception being handled, or [`Word::NONE`]. Owns a count.
    pub value: Word,
    pub previous: *mut HandledItem,
}

/// What `asyncio` runs on a thread. The thread itself writes; others read while the world is stopped.
#[derive(Default)]
pub struct Running {
    pub event_loop: Option<Owned>,
    pub task: Option<Owned>,
}

/// A thread. Handlers and natives get `&mut Thread`; other threads see only its
/// [`typhon_sync`] context.
#[repr(C)]
pub struct Thread {
    /// State and breaker bits: a safepoint is one relaxed load of it.
    pub breaker: *const AtomicU32,
    /// The current frame's record, and the end of the records this thread may use.
    pub ci: *mut CallRecord,
    pub ci_limit: *mut CallRecord,
    /// No frame may reach beyond this.
    pub stack_limit: *mut Word,
    /// Base of the heap, for compressed references in caches.
    pub heap_base: u64,
    /// The generator that was just resumed natively returned instead of yielding.
    pub generator_returned: bool,
    /// An exception that another thread wants raised here.
    pub async_exc: parking_lot::Mutex<Option<Owned>>,
    /// `sys.set_asyncgen_hooks`.
    pub asyncgen_firstiter: Option<Owned>,
    pub asyncgen_finalizer: Option<Owned>,
    /// Frames that a coroutine remembers of where it was made.
    pub origin_depth: u32,
    /// Who this thread is to reference counts.
    pub owner: OwnerId,
    /// How deep natives called Python that called natives.
    pub native_depth: u32,
    /// Count words of a new object (mode and thread).
    pub birth: Birth,
    /// A second value to drop, handed to the cold drop handler.
    pub victim: Word,
    /// Objects whose count reached zero inside a native, waiting for destruction.
    pub pending_drops: Vec<*mut Header>,
    /// Objects of `pending_drops` that wait until Python code has run for another dead object
    /// ([`crate::dealloc::interlude`]).
    pub(crate) set_aside: Vec<*mut Header>,
    /// Counts, most of them of strangers' objects, that this thread takes before it makes one shared; 0: never
    /// ([`crate::reaper::note_count`]).
    pub(crate) until_shared: u32,
    /// The thread's share of the heap.
    pub heap: LocalHeap,
    /// This thread is taking garbage apart: finalisers that it runs start no collection.
    pub(crate) collecting: bool,
    /// The collection that the collector is running is this thread's ([`typhon_gc::cycles::Turn`]).
    pub(crate) has_collectors_turn: bool,
    /// Freed memory that a collector may still be reading.
    pub(crate) limbo: typhon_sync::Limbo<crate::quarantine::Piece>,
    /// The exception on its way, or [`Word::ZERO`]. Owns a count.
    exc: Word,
    /// Innermost handled exception.
    pub handled: *mut HandledItem,
    pub(crate) handled_base: HandledItem,
    pub rt: &'static Runtime,
    /// Machine-stack address below which natives must not recurse.
    pub native_limit: usize,
    pub(crate) draining: bool,
    pub stack: ValueStack,
    pub(crate) recent_names: crate::intern::Recent,
    /// What attributes are at sites that meet many shapes.
    pub(crate) attr_table: Box<AttrTable>,
    /// Per-thread registry of modules: `threading.local`, contextvars, …
    pub locals: std::collections::HashMap<u64, Owned>,
    /// The current context of `contextvars`; none before somebody asks for it.
    pub context: Option<Owned>,
    /// What `asyncio` runs here.
    pub running: Running,
    /// Python-visible identity (`threading.get_ident`).
    pub ident: u64,
    pub sync: crate::runtime::SyncThread,
    /// Callbacks of tools that run on this thread: what they do is not reported. The thread's own.
    pub(crate) tracing: u32,
    /// Statistics of the thread, if they are kept.
    pub(crate) recorder: Option<std::sync::Arc<crate::contention::Recorder>>,
    /// The instructions that the thread ran, if they are counted.
    pub(crate) opcodes: Option<std::sync::Arc<crate::opcode_stats::Counts>>,
    /// Where the thread is, for `perf`.
    #[cfg(tail_calls)]
    pub(crate) perf: crate::perf::Position,
}

thread_local! {
    static CURRENT: Cell<*mut Thread> = const { Cell::new(core::ptr::null_mut()) };
    static ME: Cell<u32> = const { Cell::new(u32::MAX - 1) };
}

/// The owner id of the calling thread. One load.
#[inline(always)]
pub fn me() -> OwnerId {
    if FOLDED { OwnerId::GIL } else { OwnerId(ME.get()) }
}

/// The calling thread, or null outside the VM.
#[inline(always)]
pub fn current_ptr() -> *mut Thread {
    CURRENT.get()
}

/// Makes `th` the calling thread's VM thread (null to leave the VM).
///
/// # Safety
/// `th` stays valid until it is replaced, and runs on no other thread.
pub unsafe fn set_current(th: *mut Thread) {
    CURRENT.set(th);
    // SAFETY: valid by contract.
    ME.set(if th.is_null() { u32::MAX - 1 } else { unsafe { (*th).owner.0 } });
}

/// Gives back one count. What reaches zero waits on the thread's list until no native is in the
/// middle of something.
///
/// # Safety
/// The caller owns a count of the live object `p` and forgets it.
#[inline(always)]
pub unsafe fn drop_count(p: *mut Header) {
    // SAFETY: passed on.
    unsafe { drop_count_of(me(), p) }
}

/// As [`drop_count`], for a caller that knows who it is.
///
/// # Safety
/// As there; the calling thread counts as `me`.
#[inline(always)]
pub(crate) unsafe fn drop_count_of(me: OwnerId, p: *mut Header) {
    // SAFETY: alive, we own a count.
    if unsafe { !(*p).try_dec_local(me) } {
        // SAFETY: as above.
        unsafe { drop_count_slow(p) }
    }
}

#[cold]
#[inline(never)]
unsafe fn drop_count_slow(p: *mut Header) {
    // SAFETY: as in `drop_count`.
    match unsafe { (*p).decref(me()) } {
        Fate::Alive => {}
        Fate::Dead => {
            let th = current_ptr();
            debug_assert!(!th.is_null(), "an object died outside the VM");
            // SAFETY: the current thread is valid; nobody else touches its list.
            unsafe { (*th).pending_drops.push(p) }
        }
        // SAFETY: the object is queued: it stays allocated until the owner merges it.
        Fate::Queue => unsafe { crate::runtime::enqueue(p) },
    }
}

/// The lock of an object, released on drop. In GIL mode nothing is locked.
pub struct ObjectGuard<'g> {
    header: *const Header,
    _life: PhantomData<(&'g Header, *const ())>,
}

impl ObjectGuard<'_> {
    /// For an object that only this thread can reach: nothing to lock.
    #[inline(always)]
    pub fn unneeded() -> Self {
        ObjectGuard { header: core::ptr::null(), _life: PhantomData }
    }
}

/// Locks an object; may block, and then the thread counts as detached.
#[inline(always)]
pub fn lock_object(of: &Header) -> ObjectGuard<'_> {
    if me().has_gil() {
        return ObjectGuard { header: core::ptr::null(), _life: PhantomData };
    }
    let taken = crate::runtime::lock(of);
    ObjectGuard { header: if taken { of } else { core::ptr::null() }, _life: PhantomData }
}

/// The locks of two objects, released on drop.
#[must_use = "the locks are given back when the guard is dropped"]
pub struct PairGuard<'g> {
    _high: ObjectGuard<'g>,
    _low: ObjectGuard<'g>,
}

/// Locks two objects, the lower address first, or one if they are the same: no two threads that do so wait for each
/// other. May block, and then the thread counts as detached: what was read out of either before is stale.
///
/// No other lock of an object may be held, here as everywhere: who holds one takes no second but by this function.
#[inline]
pub fn lock_both<'g>(a: &'g Header, b: &'g Header) -> PairGuard<'g> {
    if core::ptr::eq(a, b) {
        return PairGuard { _high: ObjectGuard::unneeded(), _low: lock_object(a) };
    }
    let (low, high) = if core::ptr::from_ref(a) < core::ptr::from_ref(b) { (a, b) } else { (b, a) };
    let low = lock_object(low);
    PairGuard { _high: lock_object(high), _low: low }
}

impl Drop for ObjectGuard<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if !self.header.is_null() {
            // SAFETY: the guard borrows the header.
            crate::runtime::unlock(unsafe { &*self.header })
        }
    }
}

impl Thread {
    pub(crate) fn new(
        rt: &'static Runtime,
        owner: OwnerId,
        birth: Birth,
        sync: crate::runtime::SyncThread,
        breaker: *const AtomicU32,
    ) -> Box<Thread> {
        let stack = ValueStack::new();
        let mut th = Box::new(Thread {
            breaker,
            ci: stack.first_record(),
            ci_limit: core::ptr::null_mut(),
            stack_limit: stack.limit(),
            heap_base: rt.heap.base() as u64,
            generator_returned: false,
            async_exc: parking_lot::Mutex::new(None),
            asyncgen_firstiter: None,
            asyncgen_finalizer: None,
            origin_depth: 0,
            owner,
            native_depth: 0,
            birth,
            victim: Word::ZERO,
            pending_drops: Vec::with_capacity(64),
            set_aside: Vec::new(),
            until_shared: crate::reaper::share_every(rt),
            collecting: false,
            has_collectors_turn: false,
            limbo: typhon_sync::Limbo::default(),
            heap: LocalHeap::new(rt.heap),
            exc: Word::ZERO,
            handled: core::ptr::null_mut(),
            handled_base: HandledItem { value: Word::NONE, previous: core::ptr::null_mut() },
            rt,
            native_limit: crate::interp::frame::native_stack_limit(),
            draining: false,
            stack,
            recent_names: crate::intern::Recent::new(),
            attr_table: AttrTable::new(),
            locals: Default::default(),
            context: None,
            running: Running::default(),
            ident: 0,
            sync,
            tracing: 0,
            recorder: None,
            opcodes: None,
            #[cfg(tail_calls)]
            perf: crate::perf::Position::new(),
        });
        th.handled = &raw mut th.handled_base;
        th.set_recursion_limit(rt.recursion_limit());
        th
    }

    /// Applies `sys.setrecursionlimit` to this thread.
    pub fn set_recursion_limit(&mut self, limit: usize) {
        self.ci_limit = self.stack.record_limit(limit);
    }

    /// Moves a payload to the heap as an object of its own built-in type.
    #[inline]
    pub fn alloc<T: Payload>(&mut self, payload: T) -> Owned {
        let shape = T::DEF.id.shape();
        let flags = T::DEF.flags;
        if flags & type_flags::DICT != 0 && T::DEF.dict_offset == 0 {
            return self.alloc_as(payload, T::DEF.ty());
        }
        // SAFETY: size and shape belong to `T`.
        unsafe { self.alloc_raw(payload, size_of::<T>(), shape, flags) }
    }

    /// As [`Thread::alloc`], for an object of class `ty`, which is `T`'s type or a subclass of it.
    pub fn alloc_as<T: Payload>(&mut self, payload: T, ty: &Type) -> Owned {
        debug_assert!(ty.is_subtype_of(T::DEF.ty()));
        // The size comes from the shape: the class may be given roomier instances meanwhile.
        let shape = ty.root_shape();
        let size = crate::shape::get(shape).instance_size().max(size_of::<T>());
        // SAFETY: a subclass begins with the layout of `T`; the words behind are initialised below.
        let v = unsafe { self.alloc_raw(payload, size, shape, ty.flags()) };
        // SAFETY: fresh object, `size` bytes.
        unsafe { init_values(v.word().ptr(), size_of::<T>(), size) };
        v
    }

    /// # Safety
    /// `size` is at least that of `T`, `shape` is a shape of `T`'s type or a subclass.
    #[inline(always)]
    unsafe fn alloc_raw<T: Payload>(&mut self, payload: T, size: usize, shape: u32, flags: u32) -> Owned {
        debug_assert!(shape != 0, "the type of a native module is made before its objects");
        let p = if flags & type_flags::DEFERRED != 0 {
            self.heap.alloc_deferred(size)
        } else if (flags | T::DEF.flags) & type_flags::GC == 0 {
            self.heap.alloc_leaf(size)
        } else {
            self.heap.alloc(size)
        };
        // The header is written once: below.
        let payload = core::mem::ManuallyDrop::new(payload);
        let header = size_of::<Header>();
        // SAFETY: a fresh slot of `size` bytes; the payload, which begins with a header, moves into it, and is in
        // place before the header is born.
        unsafe {
            let body = (&raw const payload).cast::<u8>().add(header);
            core::ptr::copy_nonoverlapping(body, p.cast::<u8>().add(header), size_of::<T>() - header);
            self.birth(p, shape, flags);
            Owned::from_raw(Word::from_ptr(p))
        }
    }

    /// An object with `extra` bytes behind the payload, exact type `T`; the caller fills them before
    /// anything else happens on this thread.
    #[inline]
    pub fn alloc_var<T: Payload>(&mut self, payload: T, extra: usize) -> Owned {
        // SAFETY: size and shape belong to `T`.
        unsafe { self.alloc_raw(payload, size_of::<T>() + extra, T::DEF.id.shape(), T::DEF.flags) }
    }

    /// As [`Thread::alloc_var`], but unknown to the collector until [`Thread::start_tracking`].
    #[inline]
    pub(crate) fn alloc_var_untracked<T: Payload>(&mut self, payload: T, extra: usize) -> Owned {
        let flags = T::DEF.flags & !type_flags::GC;
        // SAFETY: size and shape belong to `T`.
        unsafe { self.alloc_raw(payload, size_of::<T>() + extra, T::DEF.id.shape(), flags) }
    }

    /// Makes a new object, which no other thread knows, known to the collector.
    #[inline]
    pub(crate) fn start_tracking(&mut self, h: &Header) {
        self.heap.count_container(h);
        // ORDERING Release: a collector beside the mutators traces what it sees TRACKED.
        h.gc.store(h.gc.load(Ordering::Relaxed) | gc_bits::TRACKED, Ordering::Release);
    }

    /// A bare instance of a class with `object`'s layout.
    #[inline]
    pub fn new_instance(&mut self, ty: &Type) -> Owned {
        self.alloc_as(crate::builtins::object::Object { header: unborn() }, ty)
    }

    /// As [`Thread::alloc_var`] for a subclass: the items lie behind the instance's own values, at
    /// byte offset `ty.basic_size()`.
    pub fn alloc_var_as<T: Payload>(&mut self, payload: T, ty: &Type, extra: usize) -> Owned {
        let size = (ty.basic_size() as usize).max(size_of::<T>());
        // SAFETY: as in `alloc_as`.
        let v = unsafe { self.alloc_raw(payload, size + extra, ty.root_shape(), ty.flags()) };
        // SAFETY: as in `alloc_as`.
        unsafe { init_values(v.word().ptr(), size_of::<T>(), size) };
        v
    }

    /// Writes the header of a new object.
    ///
    /// # Safety
    /// `p` is a fresh slot whose payload is in place.
    #[inline(always)]
    pub unsafe fn birth(&mut self, p: *mut Header, shape: u32, flags: u32) {
        debug_assert!(shape != 0, "an object of a type that was not built yet");
        let mut gc = 0;
        if flags & type_flags::GC != 0 {
            gc |= gc_bits::TRACKED;
            self.heap.count_container(p);
        }
        if flags & type_flags::DEFERRED != 0 {
            gc |= gc_bits::DEFERRED;
        }
        // SAFETY: fresh slot.
        unsafe { Header::write_birth(p, &self.birth, shape, gc, 0) }
        if flags & type_flags::DEFERRED != 0 {
            // The count that keeps objects of deferred kinds from dying by count: only the collector
            // takes it away.
            // SAFETY: born above.
            unsafe { (*p).incref(self.owner) }
        }
    }

    /// Sets the exception on its way.
    pub fn set_exc(&mut self, exc: Owned) -> Raised {
        let old = core::mem::replace(&mut self.exc, exc.into_raw());
        if old != Word::ZERO {
            // SAFETY: the field owned it.
            drop(unsafe { Owned::from_raw(old) });
        }
        Raised(())
    }

    /// The exception on its way.
    pub fn exc(&self) -> Option<Borrowed<'_>> {
        // SAFETY: held by the thread.
        if self.exc == Word::ZERO { None } else { Some(unsafe { Borrowed::from_raw(self.exc.uncounted()) }) }
    }

    /// Takes the exception off the thread; consumes the token that says there is one.
    pub fn catch(&mut self, raised: Raised) -> Owned {
        let Raised(()) = raised;
        let w = core::mem::replace(&mut self.exc, Word::ZERO);
        // SAFETY: `Raised` exists only while an exception is set; the field owned it.
        unsafe { Owned::from_raw(w) }
    }

    /// Takes the exception off the thread, if there is one.
    pub fn take_exc(&mut self) -> Option<Owned> {
        if self.exc == Word::ZERO { None } else { Some(self.catch(Raised(()))) }
    }

    /// Is there time to look at the breaker? One relaxed load.
    #[inline(always)]
    pub fn breaker_set(&self) -> bool {
        // SAFETY: the context outlives the thread.
        // ORDERING Relaxed: a request that is seen late is served at the next safepoint.
        unsafe { (*self.breaker).load(Ordering::Relaxed) & crate::threads::BREAKER_MASK != 0 }
    }

    /// Destroys what died since the last call. Natives that run long call it between items.
    #[inline(always)]
    pub fn drain_drops(&mut self) {
        if !self.pending_drops.is_empty() {
            crate::dealloc::drain(self)
        }
    }

    /// Raises RecursionError if the machine stack is nearly used up. For natives that recurse.
    #[inline]
    pub fn check_native_stack(&mut self, doing: &str) -> PyResult<()> {
        let here = 0u8;
        if (&raw const here as usize) < self.native_limit {
            return Err(self.recursion_error(&format!("maximum recursion depth exceeded{doing}")));
        }
        Ok(())
    }
}

/// Marks the words behind a payload as empty.
///
/// # Safety
/// `p` is a fresh object of at least `to` bytes.
unsafe fn init_values(p: *mut Header, from: usize, to: usize) {
    let mut at = (from + 7) & !7;
    while at + 8 <= to {
        // SAFETY: inside the object.
        unsafe { *((p as *mut u8).add(at) as *mut u64) = Word::UNBOUND.0 };
        at += 8;
    }
}

/// A header for a payload that is still on the Rust stack: overwritten by [`Thread::birth`].
pub fn unborn() -> Header {
    // SAFETY: all fields of a header are integers.
    unsafe { core::mem::zeroed() }
}

impl Owned {
    /// Runs `f` with this value as an argument that lives for the call. Shorthand for natives.
    #[inline(always)]
    pub fn with<R>(&self, f: impl FnOnce(Borrowed<'_>) -> R) -> R {
        f(self.borrow())
    }
}
