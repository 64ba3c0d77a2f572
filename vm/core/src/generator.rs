//! Frames that outlive a call: generators, coroutines, async generators.
//!
//! A suspended frame's words lie behind the generator's head and own their counts. Resuming moves
//! them to the thread's stack, suspending moves them back; while the frame runs, the collector sees
//! nothing here (its references then count as external).
//!
//! State: only the thread that changed CREATED or SUSPENDED into RUNNING touches the words.

use core::cell::UnsafeCell;
use typhon_sync::prim::{AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering};

use typhon_compile::code::flags as co;
use typhon_sync::header::Header;

use crate::builtins::ids;
use crate::code::CodeObject;
use crate::function::Function;
use crate::held::Held;
use crate::interp::eval;
use crate::interp::frame::CallRecord;
use crate::interp::handlers::locals::own_to_store;
use crate::object::{Beside, Borrowed, Data, Owned, PyResult, Slot};
use crate::thread::{HandledItem, Thread, unborn};
use crate::typedef::{Layout, References, TypeDef};
use crate::word::{UNCOUNTED, Word};

mod asyncgen;
mod methods;
mod protocol;

pub use asyncgen::{
    ASYNC_GENERATOR, ASYNC_GENERATOR_ASEND, ASYNC_GENERATOR_ATHROW, WRAPPED_VALUE, wrap_value,
};
pub use methods::{COROUTINE, COROUTINE_WRAPPER, GENERATOR, exception_of};
pub use protocol::{
    Sent, aiter, anext_awaitable, awaitable, kind_name, send, send_to, stop_iteration_error,
    stop_iteration_value, stop_value, yield_from_iterator,
};

/// Who waits for a running generator's next value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ResumedBy {
    Native = 0,
    ForIter = 1,
    Send = 2,
}

/// States of a generator.
pub mod state {
    pub const CREATED: u8 = 0;
    pub const SUSPENDED: u8 = 1;
    pub const RUNNING: u8 = 2;
    pub const FINISHED: u8 = 3;
}

crate::payload! {
    /// Head of a generator, coroutine or async generator; the frame's words lie behind it.
    pub struct Generator: methods::GENERATOR {
        state: AtomicU8,
        /// Async generators: `aclose` ran; an `asend`/`athrow` is under way.
        pub(crate) closed: AtomicU8,
        pub(crate) running_async: AtomicU8,
        pub(crate) hooks_done: AtomicU8,
        /// Words in use behind the head while suspended.
        n_words: AtomicU32,
        capacity: u32,
        /// Where the frame goes on.
        pc: AtomicPtr<u64>,
        /// The function, for code, globals and closure; fixed.
        func: Held,
        pub name: Slot,
        pub qualname: Slot,
        /// Frame object, if one was made.
        pub frame: Slot,
        pub(crate) finalizer: Slot,
        pub(crate) origin: Slot,
        handled: Data<UnsafeCell<HandledItem>>,
    }
}

// SAFETY: the words and `handled` are used by the thread that made the state RUNNING, or by the
// collector in a stop; everything else is atomic.
unsafe impl Sync for Generator {}
// SAFETY: as above.
unsafe impl Send for Generator {}

const HEAD: usize = size_of::<Generator>();

/// Layout of all three types: head and words.
pub(crate) const LAYOUT: Layout = Layout {
    size: HEAD,
    beside: Beside::Always,
    confined: false,
    references: References::Visited(trace),
    trace_uncounted: Some(trace_uncounted),
    clear,
    drop: drop_generator,
};

/// The words of a frame that is not running. A collector beside the mutators may see the frame being
/// resumed: it then gets words of different times, each of them whole.
unsafe fn resting_words(g: &Generator) -> impl Iterator<Item = Word> {
    let n = if g.state() == state::RUNNING { 0 } else { g.n_words.load(Ordering::Relaxed) };
    (0..n as usize).map(|i| {
        // SAFETY: `n_words` is never above the capacity.
        // ORDERING Relaxed: exact in a stop, a hint otherwise.
        Word(unsafe { AtomicU64::from_ptr(g.words().add(i) as *mut u64) }.load(Ordering::Relaxed))
    })
}

unsafe fn trace(o: *const Header, visit: &mut dyn FnMut(Word)) {
    // SAFETY: used for generators only.
    unsafe {
        let g = &*(o as *const Generator);
        crate::Trace::trace(g, visit);
        if g.state() == state::RUNNING {
            return;
        }
        for w in resting_words(g) {
            if w.is_counted() && w.0 != 0 {
                visit(w)
            }
        }
        let handled = &raw mut (*g.handled.0.get()).value;
        // ORDERING Relaxed: as above.
        let h = Word(AtomicU64::from_ptr(handled as *mut u64).load(Ordering::Relaxed));
        if h.is_counted() && h.0 != 0 {
            visit(h)
        }
    }
}

/// Visits the function and the words of a suspended frame that own no count: objects of deferred kinds
/// among them are kept alive by nothing else.
unsafe fn trace_uncounted(o: *const Header, visit: &mut dyn FnMut(*const Header)) {
    // SAFETY: used for generators only.
    unsafe {
        let g = &*(o as *const Generator);
        crate::Trace::trace_uncounted(g, visit);
        for w in resting_words(g) {
            if w.is_ptr() && !w.is_counted() {
                visit(w.ptr())
            }
        }
    }
}

unsafe fn clear(o: *mut Header, drop: &mut dyn FnMut(Word)) {
    // SAFETY: garbage, so nobody runs it.
    unsafe {
        let g = &*(o as *const Generator);
        if g.state() == state::RUNNING {
            return;
        }
        // ORDERING Relaxed: alone with the object.
        g.state.store(state::FINISHED, Ordering::Relaxed);
        let n = g.n_words.swap(0, Ordering::Relaxed);
        for i in (0..n as usize).rev() {
            let w = *g.words().add(i);
            if w.is_counted() {
                drop(w)
            }
        }
    }
}

unsafe fn drop_generator(o: *mut Header) {
    // SAFETY: dead; its words go with it.
    unsafe {
        clear(o, &mut |w| crate::dealloc::drop_word(w));
        let g = &*(o as *const Generator);
        crate::dealloc::drop_word(core::mem::replace(&mut (*g.handled.0.get()).value, Word::NONE));
        core::ptr::drop_in_place(o as *mut Generator);
    }
}

impl Generator {
    /// The generator, coroutine or async generator behind a value.
    #[inline(always)]
    pub fn of(v: Borrowed<'_>) -> Option<&Generator> {
        let id = v.shape_id();
        if id == ids::GENERATOR || id == ids::COROUTINE || id == ids::ASYNC_GENERATOR {
            // SAFETY: all three have this layout.
            Some(unsafe { &*(v.word().ptr() as *const Generator) })
        } else {
            None
        }
    }

    #[inline(always)]
    pub fn state(&self) -> u8 {
        // ORDERING Acquire: pairs with the Release of `suspend` and `finish`.
        self.state.load(Ordering::Acquire)
    }

    pub fn is_finished(&self) -> bool {
        self.state() == state::FINISHED
    }

    /// Has its finaliser nothing to do: did it come to its end, and does no frame object look at it?
    pub(crate) fn is_over(&self) -> bool {
        self.is_finished() && self.frame.peek() == Word::UNBOUND
    }

    #[inline(always)]
    unsafe fn words(&self) -> *mut Word {
        // SAFETY: `capacity` words lie behind the head.
        unsafe { (self as *const Generator as *mut u8).add(HEAD) as *mut Word }
    }

    #[inline(always)]
    pub fn function(&self) -> &Function {
        crate::builtins::descriptors::payload(self.func.get())
    }

    pub fn code(&self) -> &CodeObject {
        self.function().code()
    }

    /// Where a suspended frame stands, in 16-bit units.
    pub fn offset(&self) -> u32 {
        // ORDERING Relaxed: advisory for a generator that may run.
        let pc = self.pc.load(Ordering::Relaxed);
        match self.code().linked_now() {
            // SAFETY: `pc` is behind a unit of the linked code.
            Some(l) if !pc.is_null() => l.offset_of(unsafe { pc.sub(1) }),
            _ => 0,
        }
    }

    /// The object a suspended `yield from` or `await` delegates to.
    pub fn yield_from(&self) -> Option<Owned> {
        if self.state() != state::SUSPENDED {
            return None;
        }
        let offset = self.offset();
        let code = &self.code().data.0.code;
        let next = code.get(offset as usize * 2 + 2).copied()?;
        let arg = code.get(offset as usize * 2 + 3).copied()?;
        // RESUME behind a YIELD_VALUE tells what kind of suspension it is.
        if next != typhon_compile::Opcode::RESUME as u8 || arg & 3 < 2 {
            return None;
        }
        // ORDERING Relaxed: suspended; a racing resume makes the answer stale, not wrong.
        let n = self.n_words.load(Ordering::Relaxed) as usize;
        if n == 0 {
            return None;
        }
        // SAFETY: suspended: the words are here; the receiver is the top one.
        let w = unsafe { *self.words().add(n - 1) };
        // SAFETY: held by the frame.
        if w.is_ptr() { Some(unsafe { Borrowed::from_raw(w.uncounted()) }.to_owned()) } else { None }
    }

    /// Local `i` of a suspended frame.
    pub fn local(&self, i: usize) -> Option<Owned> {
        // ORDERING Relaxed: as above.
        if matches!(self.state(), state::RUNNING | state::FINISHED)
            || i >= self.n_words.load(Ordering::Relaxed) as usize
        {
            return None;
        }
        // SAFETY: suspended: the words are here.
        let w = unsafe { *self.words().add(i) };
        // SAFETY: held by the frame.
        if w == Word::UNBOUND { None } else { Some(unsafe { Borrowed::from_raw(w.uncounted()) }.to_owned()) }
    }
}

impl Generator {
    /// Sets local `i` of a suspended frame; a cell among the locals gets the value as its contents. Nothing
    /// happens if the generator runs or has ended.
    pub fn set_local(&self, th: &mut Thread, i: usize, v: Option<Owned>, is_cell: bool) {
        let before = self.state();
        if !start_running(th, self) {
            return;
        }
        // SAFETY: marked running, so the words are this thread's; `i` is a local.
        let old = unsafe {
            let p = self.words().add(i);
            let cell = if is_cell && (*p).is_ptr() {
                Borrowed::from_raw((*p).uncounted()).downcast::<crate::cell::Cell>()
            } else {
                None
            };
            match (cell, v) {
                (Some(c), Some(v)) => c.contents.swap(v),
                (Some(c), None) => c.contents.take(),
                (None, v) => {
                    let old = core::mem::replace(&mut *p, v.map_or(Word::UNBOUND, Owned::into_raw));
                    old.is_counted().then(|| Owned::from_raw(old))
                }
            }
        };
        // ORDERING Release: hands the words to the next thread that resumes.
        self.state.store(before, Ordering::Release);
        drop(old);
    }
}

/// Marks a generator as running. False: it is running already, or finished.
#[inline(always)]
pub fn start_running(th: &mut Thread, g: &Generator) -> bool {
    let s = g.state();
    if s > state::SUSPENDED {
        return false;
    }
    if th.owner.has_gil() {
        // ORDERING Relaxed: under the GIL.
        g.state.store(state::RUNNING, Ordering::Relaxed);
        return true;
    }
    // ORDERING AcqRel: Acquire pairs with the Release of the thread that suspended it.
    g.state.compare_exchange(s, state::RUNNING, Ordering::AcqRel, Ordering::Relaxed).is_ok()
}

/// [`start_running`] for a generator in a word on this thread's stack.
///
/// # Safety
/// The word is a generator, alive.
#[inline(always)]
pub unsafe fn start_running_on_stack(th: &mut Thread, word: Word) -> bool {
    // SAFETY: by contract.
    let g = unsafe { &*(word.ptr() as *const Generator) };
    // If the word has the only count, no slot, local or thread leads to the generator; those who find objects
    // by a walk over the heap do it while this thread stops.
    if word.is_counted() && g.header.is_unique(th.owner) {
        let can_run = g.state() <= state::SUSPENDED;
        if can_run {
            // ORDERING Relaxed: nobody else can reach it.
            g.state.store(state::RUNNING, Ordering::Relaxed);
        }
        return can_run;
    }
    start_running(th, g)
}

/// Makes the object of a frame that stands at RETURN_GENERATOR, and moves its locals there.
///
/// # Safety
/// `ci` is the current record; `pc` is where the generator begins.
pub unsafe fn of_frame(th: &mut Thread, ci: *mut CallRecord, pc: *const u64) -> Owned {
    // SAFETY: by contract.
    unsafe {
        let code = &*(*ci).code;
        let func = Borrowed::from_raw((*ci).func);
        let f = crate::builtins::descriptors::payload::<Function>(func);
        let shape = if code.flags & co::COROUTINE != 0 {
            ids::COROUTINE
        } else if code.flags & co::ASYNC_GENERATOR != 0 {
            ids::ASYNC_GENERATOR
        } else {
            ids::GENERATOR
        };
        let origin = if shape == ids::COROUTINE { crate::traceback::coroutine_origin(th) } else { None };
        let name = f.name.get(&f.header);
        let qualname = f.qualname.get(&f.header);
        let capacity = code.frame_size;
        let head = Generator {
            header: unborn(),
            state: AtomicU8::new(state::CREATED),
            closed: AtomicU8::new(0),
            running_async: AtomicU8::new(0),
            hooks_done: AtomicU8::new(0),
            n_words: AtomicU32::new(0),
            capacity,
            pc: AtomicPtr::new(pc.cast_mut()),
            func: Held::new(func),
            name: Slot::from_option(name),
            qualname: Slot::from_option(qualname),
            frame: Slot::empty(),
            finalizer: Slot::empty(),
            origin: Slot::from_option(origin),
            handled: Data(UnsafeCell::new(HandledItem {
                value: Word::NONE,
                previous: core::ptr::null_mut(),
            })),
        };
        let v = th.alloc_generator(head, shape, capacity as usize * 8);
        let g = &*(v.word().ptr() as *const Generator);
        let n = code.n_locals as usize;
        for i in 0..n {
            let local = (*ci).fp.add(i);
            *g.words().add(i) = owned_word(*local);
            *local = Word::UNBOUND;
        }
        // The junk word below the value that the first resumption pushes.
        *g.words().add(n) = Word::NONE;
        // ORDERING Release: published with the words.
        g.n_words.store(n as u32 + 1, Ordering::Release);
        v
    }
}

/// A word that owns its count: borrows are counted now.
#[inline(always)]
unsafe fn owned_word(w: Word) -> Word {
    if w.0 & 15 == UNCOUNTED && w.0 != 0 {
        // SAFETY: alive: somebody else holds it at this moment.
        unsafe { Borrowed::from_raw(w) }.to_owned().into_raw()
    } else {
        w
    }
}

/// Puts the frame of a generator that was just marked running on the stack at `sp`, with a record on
/// top. `None`: too deep (RecursionError is set, the generator is suspended again).
///
/// # Safety
/// Words above `sp` are free; the caller's record is saved.
#[inline(always)]
pub unsafe fn push_resumed(
    th: &mut Thread,
    g: &Generator,
    sp: *mut Word,
    by: ResumedBy,
) -> Option<(*const u64, *mut Word, *mut Word)> {
    // SAFETY: by contract; the words are ours while the state is RUNNING.
    unsafe {
        if !eval::has_room(th, g.code(), sp) {
            // ORDERING Release: gives the words back.
            g.state.store(state::SUSPENDED, Ordering::Release);
            return None;
        }
        let frame = push_words(th, g, sp, by);
        if g.frame.peek() != Word::UNBOUND {
            (*th.ci).frame = crate::frame_object::resumed(g, th.ci);
        }
        Some(frame)
    }
}

/// As [`push_resumed`] where nothing has to be called for it; `None`: nothing was done.
///
/// # Safety
/// As there.
#[inline(always)]
pub unsafe fn push_plain(
    th: &mut Thread,
    g: &Generator,
    sp: *mut Word,
    by: ResumedBy,
) -> Option<(*const u64, *mut Word, *mut Word)> {
    // SAFETY: as in `push_resumed`.
    unsafe {
        if th.ci.add(1) >= th.ci_limit
            || sp.add(g.capacity as usize) >= th.stack_limit
            || g.frame.peek() != Word::UNBOUND
        {
            return None;
        }
        Some(push_words(th, g, sp, by))
    }
}

/// Moves the words of a running generator to `sp`, and fills the next record for it, which becomes the current.
///
/// # Safety
/// As [`push_resumed`]; there is room.
#[inline(always)]
unsafe fn push_words(
    th: &mut Thread,
    g: &Generator,
    sp: *mut Word,
    by: ResumedBy,
) -> (*const u64, *mut Word, *mut Word) {
    // SAFETY: by contract.
    unsafe {
        // ORDERING Relaxed: ours while running.
        let n = g.n_words.load(Ordering::Relaxed) as usize;
        let (from, end) = (g.words(), sp.add(n));
        let mut to = sp;
        while to < end {
            // Volatile: a call of `memcpy` costs more than these few words.
            to.write_volatile(*from.offset(to.offset_from(sp)));
            to = to.add(1);
        }
        // ORDERING Relaxed: as above.
        let pc = g.pc.load(Ordering::Relaxed);
        let f = g.function();
        let code = f.code();
        let ci = th.ci.add(1);
        (*ci).pc = pc;
        (*ci).fp = sp;
        (*ci).sp = end;
        (*ci).base = sp;
        (*ci).code = code;
        (*ci).globals = f.globals() as *const _;
        (*ci).func = Word(f as *const Function as u64 | UNCOUNTED);
        (*ci).locals = if code.flags & co::OPTIMIZED == 0 {
            // A coroutine of module code with `await` at its top level.
            Borrowed::from_payload(f.globals()).word().uncounted()
        } else {
            Word::ZERO
        };
        (*ci).frame = Word::ZERO;
        (*ci).generator = g;
        (*ci).resumed_by = by;
        th.ci = ci;
        let item = g.handled.0.get();
        (*item).previous = th.handled;
        th.handled = item;
        (pc, end, sp)
    }
}

/// Moves the running frame's words back into the generator. The caller pops the record.
///
/// # Safety
/// `ci` is the current record, of `g`; the top of stack is not part of the words.
#[inline(always)]
pub unsafe fn suspend(th: &mut Thread, g: &Generator, ci: *mut CallRecord, pc: *const u64, sp: *mut Word) {
    // SAFETY: by contract.
    unsafe {
        let fp = (*ci).fp;
        let n = sp.offset_from(fp) as usize;
        debug_assert!(n <= g.capacity as usize);
        let words = g.words();
        for i in 0..n {
            *words.add(i) = owned_word(*fp.add(i));
        }
        // The junk word below the first value owns nothing.
        *words.add((*(*ci).code).n_locals as usize) = Word::NONE;
        if (*ci).frame != Word::ZERO {
            crate::frame_object::suspended(g, ci);
        }
        th.handled = (*g.handled.0.get()).previous;
        // ORDERING Relaxed: published by the Release of the state.
        g.n_words.store(n as u32, Ordering::Relaxed);
        g.pc.store(pc.cast_mut(), Ordering::Relaxed);
        // ORDERING Release: hands the words to the next thread that resumes.
        g.state.store(state::SUSPENDED, Ordering::Release);
    }
}

/// As [`suspend`] where nothing has to be called for it. False: some words are owned now, nothing else
/// was done.
///
/// # Safety
/// As [`suspend`]; the frame has no frame object.
#[inline(always)]
pub unsafe fn suspend_plain(
    th: *mut Thread,
    g: &Generator,
    ci: *mut CallRecord,
    pc: *const u64,
    sp: *mut Word,
) -> bool {
    // SAFETY: by contract.
    unsafe {
        let fp = (*ci).fp;
        // The junk word below the first value owns nothing, and may be a stale borrow.
        *fp.add((*(*ci).code).n_locals as usize) = Word::NONE;
        let (mut from, mut to) = (fp, g.words());
        while from < sp {
            let mut w = *from;
            if w.0 & 15 == UNCOUNTED {
                w = own_to_store(th, w);
                if w == Word::ZERO {
                    return false;
                }
                *from = w;
            }
            to.write_volatile(w);
            from = from.add(1);
            to = to.add(1);
        }
        (*th).handled = (*g.handled.0.get()).previous;
        // ORDERING Relaxed: published by the Release of the state.
        g.n_words.store(sp.offset_from(fp) as u32, Ordering::Relaxed);
        g.pc.store(pc.cast_mut(), Ordering::Relaxed);
        // ORDERING Release: hands the words to the next thread that resumes.
        g.state.store(state::SUSPENDED, Ordering::Release);
        true
    }
}

/// Marks the generator of record `ci` as finished; its locals are dropped with the frame.
///
/// # Safety
/// `ci` is the current record, of a generator.
pub unsafe fn finish(th: &mut Thread, ci: *mut CallRecord) {
    // SAFETY: by contract.
    unsafe {
        let g = &*(*ci).generator;
        let item = g.handled.0.get();
        th.handled = (*item).previous;
        let old = core::mem::replace(&mut (*item).value, Word::NONE);
        // ORDERING Relaxed: published by the Release of the state.
        g.n_words.store(0, Ordering::Relaxed);
        // ORDERING Release: nobody touches the words again.
        g.state.store(state::FINISHED, Ordering::Release);
        crate::dealloc::drop_word(old);
        // A finished generator shows no frame; the frame object lives on with whoever holds it.
        if !g.frame.is_empty() {
            drop(g.frame.clear(&g.header));
        }
    }
}

/// [`finish`], for an exception that leaves the generator.
///
/// # Safety
/// As [`finish`].
pub unsafe fn finish_raised(th: &mut Thread, ci: *mut CallRecord) {
    // SAFETY: by contract.
    unsafe { finish(th, ci) }
}

/// Raises ValueError for a generator that runs already.
#[cold]
pub fn raise_already_executing(th: &mut Thread, g: &Generator) {
    let what = protocol::kind_name(Borrowed::from_header(&g.header));
    let _ = th.value_error(&format!("{what} already executing"));
}

impl Thread {
    fn alloc_generator(&mut self, head: Generator, shape: u32, extra: usize) -> Owned {
        let p = self.heap.alloc(HEAD + extra);
        // SAFETY: fresh slot; all three types have this layout.
        unsafe {
            (p as *mut Generator).write(head);
            self.birth(p, shape, crate::typedef::type_flags::GC);
            Owned::from_raw(Word::from_ptr(p))
        }
    }
}

/// The three types, for registration.
pub static TYPES: &[&TypeDef] = &[&GENERATOR, &COROUTINE, &ASYNC_GENERATOR];

/// Runs a generator until it yields (`Yielded`), returns (`Returned`) or raises. `value` is what the
/// suspended `yield` evaluates to; `None` raises the thread's exception there instead.
pub fn advance(th: &mut Thread, g: &Generator, value: Option<Owned>) -> PyResult<Sent> {
    th.generator_returned = false;
    // SAFETY: the caller marked it running.
    let r = unsafe {
        match value {
            Some(v) => eval::resume(th, g, v),
            None => eval::resume_raising(th, g),
        }
    };
    let returned = core::mem::replace(&mut th.generator_returned, false);
    let v = r?;
    Ok(if returned { Sent::Returned(v) } else { Sent::Yielded(v) })
}
