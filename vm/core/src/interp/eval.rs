//! Entering the interpreter from native code, and leaving it.
//!
//! A native that calls Python puts callee and arguments above the saved stack pointer, pushes a
//! boundary record whose `pc` is a unit with the EXIT handler, and starts the machine. The frame's
//! return finds the boundary as its caller and so runs EXIT, which ends the chain of tail calls.

use typhon_sync::prim::{AtomicU64, Ordering};

use typhon_sync::header::Header;

use typhon_compile::code::flags as co;

use crate::builtins::dict::Dict;
use crate::code::CodeObject;
use crate::function::Function;
use crate::generator::{self, Generator, ResumedBy};
use crate::interp::frame::CallRecord;
use crate::interp::handlers::{call, cold};
use crate::interp::machine::{ARG_BITS, Handler};
use crate::object::{Borrowed, Owned, PyResult, Raised};
use crate::slots::Args;
use crate::thread::Thread;
use crate::word::Word;

/// Units that are not part of any code object.
struct StaticUnits {
    exit: AtomicU64,
    link: AtomicU64,
    init_return: AtomicU64,
}

static UNITS: StaticUnits =
    StaticUnits { exit: AtomicU64::new(0), link: AtomicU64::new(0), init_return: AtomicU64::new(0) };

/// The unit that runs `handler` with `arg`.
#[inline]
pub fn unit(handler: super::opcodes::Op, arg: u64) -> u64 {
    debug_assert!(arg < 1 << ARG_BITS);
    super::opcodes::encode(handler) << ARG_BITS | arg
}

fn ready(cell: &'static AtomicU64, op: super::opcodes::Op) -> *const u64 {
    // ORDERING Relaxed: every thread stores the same word.
    if cell.load(Ordering::Relaxed) == 0 {
        cell.store(unit(op, 0), Ordering::Relaxed);
    }
    cell.as_ptr()
}

/// Ends the machine: the return address of a native boundary.
pub fn exit_unit() -> *const u64 {
    ready(&UNITS.exit, super::opcodes::Op::Exit)
}

/// Entry of code that is not linked yet.
pub fn link_unit() -> *const u64 {
    ready(&UNITS.link, super::opcodes::Op::Link)
}

/// Return address of `__init__` called natively: checks for None.
pub fn init_return_unit() -> *const u64 {
    ready(&UNITS.init_return, super::opcodes::Op::InitReturn)
}

/// Runs the machine from these registers until EXIT. The result word owns a count; 0 = raised.
#[cfg(tail_calls)]
unsafe fn run(pc: *const u64, sp: *mut Word, fp: *mut Word, th: *mut Thread, tos: Word) -> Word {
    // SAFETY: `pc` points at a unit of linked code.
    unsafe {
        let unit = super::machine::fetch(pc);
        let f = core::mem::transmute::<usize, Handler>((unit >> ARG_BITS) as usize);
        f(pc.add(1), sp, fp, th, tos, unit & super::machine::ARG_MASK)
    }
}

#[cfg(not(tail_calls))]
unsafe fn run(pc: *const u64, sp: *mut Word, fp: *mut Word, th: *mut Thread, tos: Word) -> Word {
    // SAFETY: passed on.
    unsafe {
        if super::opcodes::is_noting() {
            run_loop::<true>(pc, sp, fp, th, tos)
        } else {
            run_loop::<false>(pc, sp, fp, th, tos)
        }
    }
}

/// `NOTE`: for the statistics, every instruction is noted.
#[cfg(not(tail_calls))]
unsafe fn run_loop<const NOTE: bool>(
    pc: *const u64,
    sp: *mut Word,
    fp: *mut Word,
    th: *mut Thread,
    tos: Word,
) -> Word {
    let mut r = super::machine::Out { pc, sp, fp, tos };
    loop {
        // SAFETY: `pc` points at a unit of linked code.
        unsafe {
            if r.pc.is_null() {
                return r.tos;
            }
            let unit = super::machine::fetch(r.pc);
            if NOTE {
                let op = super::opcodes::Op::ALL[(unit >> ARG_BITS) as usize];
                super::opcodes::note(th, r.pc.add(1), op);
            }
            r = super::opcodes::dispatch(
                (unit >> ARG_BITS) as u8,
                r.pc.add(1),
                r.sp,
                r.fp,
                th,
                r.tos,
                unit & super::machine::ARG_MASK,
            );
        }
    }
}

/// What the machine came back with.
fn result(w: Word) -> PyResult {
    if w == Word::ZERO {
        return Err(Raised(()));
    }
    // SAFETY: EXIT hands over an owned word.
    unsafe { crate::object::own_slot_word(w) }.ok_or(Raised(()))
}

/// Pushes the boundary below a call made by native code; returns where callee and arguments go.
///
/// # Safety
/// The matching [`pop_boundary`] follows.
unsafe fn push_boundary(th: &mut Thread) -> PyResult<*mut Word> {
    th.check_native_stack("")?;
    // SAFETY: the current record is valid and there is a next one below the limit.
    unsafe {
        let ci = th.ci;
        if ci.add(1) >= th.ci_limit {
            return Err(recursion_error(th));
        }
        let sp = (*ci).sp;
        if sp.add(64) >= th.stack_limit {
            return Err(recursion_error(th));
        }
        let b = ci.add(1);
        (*b).pc = exit_unit();
        (*b).fp = (*ci).fp;
        (*b).sp = sp;
        (*b).base = sp;
        (*b).code = core::ptr::null();
        (*b).frame = Word::ZERO;
        (*b).generator = core::ptr::null();
        th.ci = b;
        Ok(sp)
    }
}

/// Calls a function with a namespace other than fresh locals (`Word::ZERO`: a plain call).
pub fn call_function(
    th: &mut Thread,
    f: &Function,
    args: Args<'_>,
    locals: Option<Borrowed<'_>>,
) -> PyResult {
    // SAFETY: the protocol of `push_boundary`: words above `sp` are ours until the frame returns.
    unsafe {
        let sp = push_boundary(th)?;
        *sp = Borrowed::from_payload(f).word().uncounted();
        *sp.add(1) = Word::NULL;
        let code = f.code();
        let n = args.all.len();
        let w;
        if sp.add(n + 8) >= th.stack_limit {
            w = Word::ZERO;
            th.ci = th.ci.sub(1);
            let _ = recursion_error(th);
            return result(w);
        }
        for (i, a) in args.all.iter().enumerate() {
            *sp.add(2 + i) = a.word().uncounted();
        }
        let first = sp.add(2);
        let (fp, locals_done) = if !args.has_keywords() && code.simple_argc as usize == n {
            (first, n)
        } else {
            let dest = first.add(n);
            (*th.ci).sp = dest;
            if !has_room(th, code, dest) || super::bind::bind_arguments(th, f, args, dest).is_err() {
                th.ci = th.ci.sub(1);
                return result(Word::ZERO);
            }
            (dest, code.n_locals as usize)
        };
        let locals = locals.map_or(Word::ZERO, |l| l.word().uncounted());
        match push_frame(th, f, code, sp, fp, locals_done, locals) {
            Some((pc, sp, fp)) => w = run(pc, sp, fp, th, Word::NONE),
            None => w = Word::ZERO,
        }
        th.ci = th.ci.sub(1);
        result(w)
    }
}

/// Is there room for one more frame of `code` with its locals at `fp`? False: too deep (RecursionError is set).
/// To be asked before locals that are counted are written.
///
/// # Safety
/// `fp` lies on the stack of `th`.
#[inline(always)]
pub unsafe fn has_room(th: *mut Thread, code: *const CodeObject, fp: *mut Word) -> bool {
    // SAFETY: by contract.
    unsafe {
        if (*th).ci.add(1) >= (*th).ci_limit || fp.add((*code).frame_size as usize) >= (*th).stack_limit {
            let _ = recursion_error(&mut *th);
            return false;
        }
        true
    }
}

/// Pushes the record of a frame whose first `filled` locals are in place, and clears the others.
/// Without a namespace in `locals`, code that wants one gets the globals. `None`: too deep (RecursionError is
/// set, nothing was pushed).
///
/// # Safety
/// `base..fp` and the filled locals are live words; `code` is `f`'s code.
#[inline(always)]
pub unsafe fn push_frame(
    th: *mut Thread,
    f: *const Function,
    code: *const CodeObject,
    base: *mut Word,
    fp: *mut Word,
    filled: usize,
    locals: Word,
) -> Option<(*const u64, *mut Word, *mut Word)> {
    // SAFETY: by contract.
    unsafe {
        let ci = (*th).ci.add(1);
        let n_locals = (*code).n_locals as usize;
        if !has_room(th, code, fp) {
            return None;
        }
        let mut p = fp.add(filled);
        let end = fp.add(n_locals);
        while p < end {
            // Volatile: a plain loop becomes vector code with saved registers.
            p.write_volatile(Word::UNBOUND);
            p = p.add(1);
        }
        (*ci).fp = fp;
        (*ci).sp = end;
        (*ci).base = base;
        (*ci).code = code;
        (*ci).globals = (*f).globals() as *const Dict;
        (*ci).func = Word(f as u64 | crate::word::UNCOUNTED);
        (*ci).locals = if locals == Word::ZERO && (*code).flags & co::OPTIMIZED == 0 {
            Borrowed::from_payload((*f).globals()).word().uncounted()
        } else {
            locals
        };
        (*ci).frame = Word::ZERO;
        (*ci).generator = core::ptr::null();
        let pc = (*code).entry();
        (*ci).pc = pc;
        (*th).ci = ci;
        Some((pc, end, fp))
    }
}

/// Raises RecursionError.
#[cold]
#[inline(never)]
pub fn recursion_error(th: &mut Thread) -> Raised {
    // Room for the handling of the error itself.
    let saved = th.ci_limit;
    // SAFETY: the reservation has spare records behind every limit.
    th.ci_limit = unsafe { saved.add(32) };
    let r = th.recursion_error("maximum recursion depth exceeded");
    th.ci_limit = saved;
    r
}

/// Resumes a suspended generator frame from native code. `tos` is the value sent, an owned word.
///
/// # Safety
/// The generator is marked running by the caller and its frame is complete.
pub unsafe fn resume(th: &mut Thread, g: &Generator, sent: Owned) -> PyResult {
    // SAFETY: the protocol of `push_boundary`.
    unsafe {
        let sp = push_boundary(th)?;
        let w = match generator::push_resumed(th, g, sp, ResumedBy::Native) {
            Some((pc, sp, fp)) => run(pc, sp, fp, th, sent.into_raw()),
            None => Word::ZERO,
        };
        th.ci = th.ci.sub(1);
        result(w)
    }
}

/// As [`resume`], but raises the exception on the thread at the point of suspension.
///
/// # Safety
/// As [`resume`]; an exception is set.
pub unsafe fn resume_raising(th: &mut Thread, g: &Generator) -> PyResult {
    // SAFETY: the protocol of `push_boundary`.
    unsafe {
        let exc = th.take_exc();
        let sp = push_boundary(th)?;
        if let Some(exc) = exc {
            let _ = th.set_exc(exc);
        }
        let w = match generator::push_resumed(th, g, sp, ResumedBy::Native) {
            Some((pc, sp, fp)) => {
                let unit = unit(super::opcodes::Op::Raise, 0);
                run_one(unit, pc, sp, fp, th)
            }
            None => Word::ZERO,
        };
        th.ci = th.ci.sub(1);
        result(w)
    }
}

/// Runs `f` above the frame of a generator, as if it were called where the generator stands, but with the exceptions
/// that the caller handles; suspends the generator again.
///
/// Errors: RecursionError, without a call of `f`.
///
/// # Safety
/// `g` was just marked running by this thread.
pub unsafe fn within<R>(th: &mut Thread, g: &Generator, f: impl FnOnce(&mut Thread) -> R) -> PyResult<R> {
    if let Err(raised) = th.check_native_stack("") {
        g.suspend_again();
        return Err(raised);
    }
    // SAFETY: the current record is that of the caller of a native, so words above its `sp` are free; what `f`
    // pushes is popped when it returns. No code of the frame runs, so it needs no boundary below.
    unsafe {
        let free = (*th.ci).sp;
        let Some((pc, sp, _)) = generator::push_resumed(th, g, free, ResumedBy::Native) else {
            return Err(crate::Raised(()));
        };
        let own = th.handled;
        th.handled = (*own).previous;
        let r = f(th);
        th.handled = own;
        generator::suspend(th, g, th.ci, pc, sp);
        th.ci = th.ci.sub(1);
        Ok(r)
    }
}

/// Runs one unit that is not in the code, then goes on from `pc`.
unsafe fn run_one(unit: u64, pc: *const u64, sp: *mut Word, fp: *mut Word, th: *mut Thread) -> Word {
    // SAFETY: as in `run`.
    unsafe {
        #[cfg(tail_calls)]
        {
            let f = core::mem::transmute::<usize, Handler>((unit >> ARG_BITS) as usize);
            f(pc, sp, fp, th, Word::NONE, unit & super::machine::ARG_MASK)
        }
        #[cfg(not(tail_calls))]
        {
            let r = super::opcodes::dispatch((unit >> ARG_BITS) as u8, pc, sp, fp, th, Word::NONE, 0);
            if r.pc.is_null() { r.tos } else { run(r.pc, r.sp, r.fp, th, r.tos) }
        }
    }
}

/// Runs a code object in namespaces: `exec`, `eval`, module bodies.
pub fn eval_code(
    th: &mut Thread,
    code: Borrowed<'_>,
    globals: Borrowed<'_>,
    locals: Borrowed<'_>,
) -> PyResult {
    let f = th.new_function(code, globals, false);
    let f = f.payload::<Function>();
    call_function(th, f, Args::positional(&[]), Some(locals))
}

/// The innermost Python frame's record, if any.
pub fn current_record(th: &Thread) -> Option<&CallRecord> {
    nth_record(th, 0)
}

/// The `n`th Python frame's record, 0 = innermost.
pub fn nth_record(th: &Thread, n: usize) -> Option<&CallRecord> {
    let mut p = th.ci;
    let mut left = n;
    // SAFETY: records from the first to `ci` are valid.
    unsafe {
        while p > th.stack.first_record() {
            if !(*p).code.is_null() {
                if left == 0 {
                    return Some(&*p);
                }
                left -= 1;
            }
            p = p.sub(1);
        }
    }
    None
}

/// Globals of the innermost Python frame.
pub fn current_globals(th: &Thread) -> Option<Borrowed<'_>> {
    // SAFETY: held by the frame's function.
    current_record(th).map(|r| Borrowed::from_payload(unsafe { &*r.globals }))
}

/// Roots for the collector: every word of the stacks that may be an uncounted reference.
pub fn stack_words(th: &Thread, visit: &mut dyn FnMut(*const Header)) {
    // SAFETY: the thread is stopped with its stack pointer saved; words below it are initialised.
    unsafe {
        let end = (*th.ci).sp.add(1);
        let mut p = th.stack.start();
        let mut r = th.stack.first_record();
        while r <= th.ci {
            if !(*r).code.is_null() {
                // The word below the first value of a frame is what the top register held before: a stale
                // borrow perhaps, and nobody's.
                let junk = (*r).fp.add((*(*r).code).n_locals as usize).min(end);
                visit_words(p, junk, visit);
                p = junk.add(1);
            }
            for w in [(*r).func, (*r).locals, (*r).frame] {
                if w.is_ptr() && w.0 != 0 {
                    visit(w.ptr());
                }
            }
            if !(*r).code.is_null() {
                visit((*r).code as *const Header);
            }
            r = r.add(1);
        }
        visit_words(p, end, visit);
    }
}

/// # Safety
/// The words from `from` to `to`, if there are any, are initialised.
unsafe fn visit_words(from: *const Word, to: *const Word, visit: &mut dyn FnMut(*const Header)) {
    let mut p = from;
    while p < to {
        // SAFETY: by contract.
        unsafe {
            if (*p).is_ptr() && (*p).0 != 0 {
                visit((*p).ptr());
            }
            p = p.add(1);
        }
    }
}

/// Forgets the word above the stack of a thread that is in a native call: arguments all lie below, and what
/// is left there would keep garbage alive.
pub fn forget_stale_word(th: &mut Thread) {
    // SAFETY: the stack pointer is saved; there is room for one more word.
    unsafe { *(*th.ci).sp = Word::UNBOUND }
}

const _: fn() = || {
    let _ = (call::call as Handler, cold::drop_one as Handler);
};

/// Globals of the innermost Python frame, for natives that take the module of their caller.
pub fn caller_globals(th: &Thread) -> Option<Owned> {
    current_globals(th).map(|g| g.to_owned())
}
