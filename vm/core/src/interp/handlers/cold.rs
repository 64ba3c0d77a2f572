//! What handlers do when the fast way is closed: slow operations, drops that end an object,
//! safepoints. Every function is a handler that finishes the job and goes on.

use super::call::{push_call, shape_of};
use crate::builtins::ids;
use crate::builtins::tuple::Tuple;
use crate::cell::Cell;
use crate::function::Function;
use crate::handlers;
use crate::interp::machine::save;
use crate::interp::unwind::{self, raised};
use crate::interp::{calls, spread};
use crate::number::{self, BinaryOp};
use crate::object::{Borrowed, Owned, PyResult};
use crate::sharing::{borrow, copy_for_stack};
use crate::signature::DirectCall;
use crate::slots::{Args, CompareOp};
use crate::thread::Thread;
use crate::types::Type;
use crate::word::{UNCOUNTED, Word};
use crate::{drop_next, next, tail};

/// A stack word as a borrowed value.
///
/// # Safety
/// The word is live and stays where it is for the borrow.
#[inline(always)]
pub unsafe fn look<'a>(w: Word) -> Borrowed<'a> {
    // SAFETY: by contract.
    unsafe { Borrowed::from_raw(w.uncounted()) }
}

/// Takes a word off the stack as an owned value: what was borrowed is counted now.
///
/// # Safety
/// The word is live and is forgotten on the stack.
#[inline]
pub unsafe fn own_word(w: Word) -> Owned {
    // SAFETY: by contract.
    unsafe { if w.0 & 15 == UNCOUNTED { Borrowed::from_raw(w).to_owned() } else { Owned::from_raw(w) } }
}

/// Goes on after native code ran: destroys what died in it.
#[macro_export]
macro_rules! after_native {
    ($pc:ident, $sp:ident, $fp:ident, $th:ident, $tos:expr) => {{
        let tos: $crate::Word = $tos;
        if !(*$th).pending_drops.is_empty() {
            $crate::tail!($crate::interp::handlers::cold::drain, $pc, $sp, $fp, $th, tos, 0)
        }
        $crate::next!($pc, $sp, $fp, $th, tos)
    }};
}

/// Ends an operation on the top `n` words (all in memory below `sp`): drops them, pushes the result or
/// raises.
///
/// # Safety
/// The words are live; `pc` and `sp` are saved.
#[inline(always)]
pub(crate) unsafe fn replace(
    th: *mut Thread,
    sp: *mut Word,
    n: usize,
    r: PyResult,
) -> Option<(*mut Word, Word)> {
    match r {
        Ok(v) => {
            let w = v.into_raw();
            // SAFETY: by contract.
            unsafe {
                for i in 1..=n {
                    crate::dealloc::drop_word(*sp.sub(i));
                }
                let _ = th;
                Some((sp.sub(n), w))
            }
        }
        Err(crate::Raised(())) => None,
    }
}

/// Runs a native expression over the top `n` words, then goes on or raises. `sp` is behind the words.
#[macro_export]
macro_rules! native {
    ($n:expr, $pc:ident, $sp:ident, $fp:ident, $th:ident, $e:expr) => {{
        $crate::interp::machine::save($th, $pc, $sp);
        let r: $crate::PyResult = $e;
        match $crate::interp::handlers::cold::replace($th, $sp, $n, r) {
            Some((new_sp, w)) => {
                let sp = new_sp;
                $crate::after_native!($pc, sp, $fp, $th, w)
            }
            None => $crate::tail!($crate::interp::unwind::raised, $pc, $sp, $fp, $th, $crate::Word::NONE, 0),
        }
    }};
}

/// As [`native`] for an operation without a result (`PyResult<()>`).
#[macro_export]
macro_rules! native_unit {
    ($n:expr, $pc:ident, $sp:ident, $fp:ident, $th:ident, $e:expr) => {{
        $crate::interp::machine::save($th, $pc, $sp);
        let r: $crate::PyResult<()> = $e;
        match r {
            Ok(()) => {
                let n: usize = $n;
                for i in 1..=n {
                    $crate::dealloc::drop_word(*$sp.sub(i));
                }
                let sp = $sp.sub(n + 1);
                $crate::after_native!($pc, sp, $fp, $th, *sp)
            }
            Err($crate::Raised(())) => {
                $crate::tail!($crate::interp::unwind::raised, $pc, $sp, $fp, $th, $crate::Word::NONE, 0)
            }
        }
    }};
}

handlers! {
    /// Destroys what died in native code.
    #[cold]
    fn drain(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        save(th, pc, sp.add(1));
        (*th).drain_drops();
        next!(pc, sp, fp, th, tos)
    }

    /// Drops the word `arg`, whose fast drop failed.
    #[cold]
    fn drop_one(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        save(th, pc, sp.add(1));
        crate::dealloc::drop_last(&mut *th, Word(arg));
        next!(pc, sp, fp, th, tos)
    }

    /// Drops the word `arg`, then the thread's `victim`.
    #[cold]
    fn drop_two(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        save(th, pc, sp.add(1));
        let second = (*th).victim;
        crate::dealloc::drop_last(&mut *th, Word(arg));
        if second.is_counted() {
            crate::dealloc::drop_last(&mut *th, second);
        }
        next!(pc, sp, fp, th, tos)
    }

    /// Serves what the breaker asks for, at a back-edge.
    #[cold]
    fn safepoint(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        save(th, pc, sp);
        match crate::threads::safepoint(&mut *th) {
            Ok(()) => {
                let sp = sp.sub(1);
                next!(pc, sp, fp, th, tos)
            }
            Err(crate::Raised(())) => tail!(raised, pc, sp, fp, th, tos, 0),
        }
    }

    /// A local that is not of this thread, immortal or a constant.
    #[cold]
    fn load_fast(pc, sp, fp, th, tos, arg) {
        let w = copy_for_stack(*fp.add(arg as usize & 0xff_ffff));
        *sp = tos;
        sp = sp.add(1);
        next!(pc, sp, fp, th, w)
    }

    #[cold]
    fn store_load_fast(pc, sp, fp, th, tos, arg) {
        let w = copy_for_stack(*fp.add(arg as usize & 255));
        let old = (*th).victim;
        crate::drop_next!(old, pc, sp, fp, th, w)
    }

    /// Counts the copy in the top, if it needs a count.
    #[cold]
    fn own_top(pc, sp, fp, th, tos, arg) {
        let w = copy_for_stack(tos);
        next!(pc, sp, fp, th, w)
    }

    /// Counts the borrow in the top, then runs the instruction at `pc` again.
    #[cold]
    fn own_top_again(pc, sp, fp, th, tos, arg) {
        // Native code, which lies below a boundary, wants a count of its own.
        let caller = (*th).ci.sub(1);
        let w = if (*caller).code.is_null() { look(tos).to_owned().into_raw() } else { copy_for_stack(tos) };
        // What needs no count keeps bit 3: run the rest of RETURN with it.
        if w.0 & 15 == UNCOUNTED {
            tail!(super::call::return_owned, pc.add(1), sp, fp, th, w, arg)
        }
        next!(pc, sp, fp, th, w)
    }

    /// RETURN_VALUE of a frame that Python code has seen as an object.
    #[cold]
    fn return_with_frame_object(pc, sp, fp, th, tos, arg) {
        let ci = (*th).ci;
        *sp = tos;
        save(th, pc, sp.add(1));
        let base = (*ci).base;
        unwind::leave_frame(&mut *th, ci);
        let caller = ci.sub(1);
        (*th).ci = caller;
        let sp = base;
        let pc = (*caller).pc;
        let fp = (*caller).fp;
        next!(pc, sp, fp, th, tos)
    }

    #[cold]
    fn init_returned(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        save(th, pc, sp);
        calls::init_returned(&mut *th, look(tos));
        tail!(raised, pc, sp, fp, th, tos, 0)
    }

    #[cold]
    fn unbound_local(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        save(th, pc, sp);
        crate::interp::names::raise_unbound_local(&mut *th, arg as usize);
        tail!(raised, pc, sp, fp, th, tos, 0)
    }

    /// LOAD_DEREF of an object that is not of this thread, or of an empty cell.
    #[cold]
    fn load_deref(pc, sp, fp, th, tos, arg) {
        let cell = &*((*fp.add(arg as usize)).ptr() as *const Cell);
        let w = cell.contents.peek();
        *sp = tos;
        sp = sp.add(1);
        if w.is_ptr() {
            let v = borrow(&cell.contents, w, || true);
            if v != Word::ZERO {
                next!(pc, sp, fp, th, v)
            }
        }
        save(th, pc, sp);
        match cell.contents.get(&cell.header) {
            Some(v) => next!(pc, sp, fp, th, v.into_raw()),
            None => {
                crate::interp::names::raise_unbound_cell(&mut *th, arg as usize);
                tail!(raised, pc, sp, fp, th, tos, 0)
            }
        }
    }

    fn store_deref(pc, sp, fp, th, tos, arg) {
        sp = sp.sub(1);
        save(th, pc, sp);
        let v = own_word(tos);
        let cell = &*((*fp.add(arg as usize)).ptr() as *const Cell);
        cell.contents.set(&cell.header, v);
        crate::after_native!(pc, sp, fp, th, *sp)
    }

    #[cold]
    fn delete_deref(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        save(th, pc, sp.add(1));
        let cell = &*((*fp.add(arg as usize)).ptr() as *const Cell);
        match cell.contents.clear(&cell.header) {
            Some(old) => {
                drop(old);
                crate::after_native!(pc, sp, fp, th, tos)
            }
            None => {
                crate::interp::names::raise_unbound_cell(&mut *th, arg as usize);
                tail!(raised, pc, sp.add(1), fp, th, tos, 0)
            }
        }
    }

    /// `arg`: [`BinaryOp`].
    fn binary_op(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        let op = operator(arg);
        native!(2, pc, sp, fp, th, number::binary_op(&mut *th, op, look(*sp.sub(2)), look(tos)))
    }

    fn inplace_op(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        let op = operator(arg);
        native!(2, pc, sp, fp, th, number::inplace_op(&mut *th, op, look(*sp.sub(2)), look(tos)))
    }

    fn compare(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        let op = CompareOp::ALL[arg as usize];
        native!(2, pc, sp, fp, th, look(*sp.sub(2)).compare(&mut *th, look(tos), op))
    }

    /// Comparison whose result is only tested.
    fn compare_truth(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        let op = CompareOp::ALL[arg as usize];
        native!(2, pc, sp, fp, th, truth_of_comparison(&mut *th, look(*sp.sub(2)), look(tos), op))
    }

    fn unary_negative(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(1, pc, sp, fp, th, number::negative(&mut *th, look(tos)))
    }

    fn unary_invert(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(1, pc, sp, fp, th, number::invert(&mut *th, look(tos)))
    }

    fn to_bool(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(1, pc, sp, fp, th, look(tos).truth(&mut *th).map(Owned::bool))
    }

    /// CALL of anything that is not a function with just the right arguments. All words are in memory
    /// below `sp`.
    fn call(pc, sp, fp, th, tos, arg) {
        save(th, pc.add(1), sp);
        match start_call(th, sp.sub(arg as usize + 2), sp, Word::NULL) {
            PUSHED => tail!(enter_frame, pc, sp, fp, th, tos, arg),
            CLASS => tail!(call_class, pc, sp, fp, th, (*th).victim, arg),
            NATIVE => tail!(call_native, pc.add(1), sp, fp, th, tos, arg + 2),
            _ => tail!(raised, pc.add(1), sp, fp, th, tos, 0),
        }
    }

    /// Goes on in the frame whose record was just pushed.
    fn enter_frame(pc, sp, fp, th, tos, arg) {
        let ci = (*th).ci;
        let pc = (*ci).pc;
        let sp = (*ci).sp;
        let fp = (*ci).fp;
        next!(pc, sp, fp, th, Word::NONE)
    }

    /// Positional call of what is no Python function: `arg` words in memory belong to the call; `pc` is
    /// behind the pad.
    fn call_native(pc, sp, fp, th, tos, arg) {
        let base = sp.sub(arg as usize);
        let w = run_native(th, base, sp);
        if w == Word::ZERO {
            tail!(raised, pc, sp, fp, th, tos, 0)
        }
        let sp = base;
        crate::after_native!(pc, sp, fp, th, w)
    }

    /// As [`call_native`], with the [`DirectCall`] in `tos`.
    fn call_direct(pc, sp, fp, th, tos, arg) {
        let base = sp.sub(arg as usize);
        let first = base.add(1 + (*base.add(1) == Word::NULL) as usize);
        let call = DirectCall::from_bits(tos.0);
        let w = if call.is_whole(sp.offset_from(first) as usize) {
            let all = core::slice::from_raw_parts(first as *const Borrowed<'_>, sp.offset_from(first) as usize);
            raw(call.function()(&mut *th, all))
        } else {
            run_padded(th, first, sp, call)
        };
        if w == Word::ZERO {
            tail!(raised, pc, sp, fp, th, tos, 0)
        }
        drop_operands(th, base, sp);
        let sp = base;
        crate::after_native!(pc, sp, fp, th, w)
    }

    /// CALL of a class.
    fn call_type(pc, sp, fp, th, tos, arg) {
        let base = sp.sub(arg as usize + 2);
        if *base.add(1) == Word::NULL {
            if arg == 1 && (*base).0 == crate::builtins::type_::DEF.ty() as *const Type as u64 | UNCOUNTED {
                tail!(type_of, pc.add(1), sp, fp, th, tos, arg)
            }
            let init = plain_init(th, *base);
            if init != Word::ZERO {
                tail!(call_class, pc, sp, fp, th, init, arg)
            }
            tail!(call_native_class, pc.add(1), sp, fp, th, tos, arg + 2)
        }
        tail!(call_native, pc.add(1), sp, fp, th, tos, arg + 2)
    }

    /// As [`call_native`], of a class whose class is `type`; there is no self.
    fn call_native_class(pc, sp, fp, th, tos, arg) {
        let base = sp.sub(arg as usize);
        let w = run_class(th, base, sp);
        if w == Word::ZERO {
            tail!(raised, pc, sp, fp, th, tos, 0)
        }
        drop_operands(th, base, sp);
        let sp = base;
        crate::after_native!(pc, sp, fp, th, w)
    }

    /// `type(object)`
    fn type_of(pc, sp, fp, th, tos, arg) {
        let o = *sp.sub(1);
        let class = look(o).ty().as_value().word();
        if !crate::builtins::type_::is_uncounted(class) {
            tail!(call_native, pc, sp, fp, th, tos, 3)
        }
        sp = sp.sub(3);
        drop_next!(o, pc, sp, fp, th, class.uncounted())
    }

    /// CALL of a class with `object.__new__` and a Python `__init__` (the word in `tos`).
    fn call_class(pc, sp, fp, th, tos, arg) {
        let code = (*(tos.ptr() as *const Function)).code();
        if code.simple_argc as u64 == arg + 1
            && (*th).ci.add(1) < (*th).ci_limit
            && sp.add(code.frame_size as usize) < (*th).stack_limit
        {
            place_instance(th, sp.sub(arg as usize + 2));
            tail!(super::call::enter_special, pc, sp, fp, th, tos, arg + 1)
        }
        if start_class(th, pc, sp.sub(arg as usize + 2), sp, tos, Word::NULL) {
            tail!(enter_frame, pc, sp, fp, th, tos, arg)
        }
        tail!(raised, pc.add(1), sp, fp, th, tos, 0)
    }

    /// `callee, self or NULL, args…, names` in memory; `arg` counts positional and keyword values.
    fn call_kw(pc, sp, fp, th, tos, arg) {
        save(th, pc.add(1), sp);
        let base = sp.sub(arg as usize + 3);
        match start_call(th, base, sp.sub(1), tos) {
            PUSHED => tail!(enter_frame, pc, sp, fp, th, tos, arg),
            RAISED => {
                // The names were a borrow of the caller's code; the word may have been a local meanwhile.
                *sp.sub(1) = Word::NULL;
                tail!(raised, pc.add(1), sp, fp, th, tos, 0)
            }
            CLASS => tail!(call_class_kw, pc, sp, fp, th, (*th).victim, arg),
            _ => {}
        }
        pc = pc.add(1);
        let w = run_native_kw(th, base, sp);
        if w == Word::ZERO {
            tail!(raised, pc, sp, fp, th, tos, 0)
        }
        let sp = base;
        crate::after_native!(pc, sp, fp, th, w)
    }

    /// As [`call_class`] with the names of keywords behind the arguments, as in [`call_kw`].
    fn call_class_kw(pc, sp, fp, th, tos, arg) {
        if start_class(th, pc, sp.sub(arg as usize + 3), sp.sub(1), tos, *sp.sub(1)) {
            tail!(enter_frame, pc, sp, fp, th, tos, arg)
        }
        *sp.sub(1) = Word::NULL;
        tail!(raised, pc.add(1), sp, fp, th, tos, 0)
    }

    /// `callee, NULL, tuple, dict or NULL` in memory.
    fn call_ex(pc, sp, fp, th, tos, arg) {
        pc = pc.add(1);
        save(th, pc, sp);
        match spread::start(th, sp) {
            PUSHED => tail!(enter_frame, pc, sp, fp, th, tos, arg),
            RAISED => tail!(raised, pc, sp, fp, th, tos, 0),
            _ => {}
        }
        let base = sp.sub(4);
        let w = run_ex(th, base, sp);
        if w == Word::ZERO {
            tail!(raised, pc, sp, fp, th, tos, 0)
        }
        let sp = base;
        crate::after_native!(pc, sp, fp, th, w)
    }
}

/// How a call starts: [`start_call`]'s answer. Plain numbers: an enum with contents would live in memory
/// and cost the handlers their tail calls.
pub(in crate::interp) const RAISED: u64 = 0;
pub(in crate::interp) const PUSHED: u64 = 1;
const CLASS: u64 = 2;
pub(in crate::interp) const NATIVE: u64 = 3;

/// Starts the call of the callee at `base` with the words up to `end` as arguments: unbinds a method,
/// pushes the frame of a Python function. `CLASS`: the `__init__` is in the thread's `victim`.
///
/// # Safety
/// The words are live and belong to the call; the caller's record is saved.
#[inline(never)]
unsafe fn start_call(th: *mut Thread, base: *mut Word, end: *mut Word, kwnames: Word) -> u64 {
    // SAFETY: by contract.
    unsafe {
        if (*th).breaker_set() && crate::threads::safepoint(&mut *th).is_err() {
            return RAISED;
        }
        let mut callee = *base;
        if *base.add(1) == Word::NULL && callee.is_ptr() && shape_of(callee) == ids::METHOD {
            // A bound method becomes its function and self.
            let m = &*(callee.ptr() as *const crate::builtins::method::BoundMethod);
            *base = copy_for_stack(m.function().word());
            *base.add(1) = copy_for_stack(m.receiver().word());
            crate::dealloc::drop_word(callee);
            callee = *base;
        }
        if !callee.is_ptr() {
            return NATIVE;
        }
        let id = shape_of(callee);
        if id == ids::FUNCTION {
            let first = if *base.add(1) == Word::NULL { base.add(2) } else { base.add(1) };
            let f = &*(callee.ptr() as *const Function);
            return push_call(&mut *th, f, base, first, end, kwnames) as u64;
        }
        if id == ids::TYPE
            && *base.add(1) == Word::NULL
            && let Some(init) = calls::plain_init(&*th, &*(callee.ptr() as *const Type))
        {
            (*th).victim = init;
            return CLASS;
        }
        NATIVE
    }
}

/// [`calls::plain_init`], or [`Word::ZERO`].
///
/// # Safety
/// `class` is a live class.
#[inline(never)]
unsafe fn plain_init(th: *mut Thread, class: Word) -> Word {
    // SAFETY: by contract.
    unsafe { calls::plain_init(&*th, &*(class.ptr() as *const Type)).unwrap_or(Word::ZERO) }
}

/// Puts a new instance of the class at `base` in its place, and borrowed behind it.
///
/// # Safety
/// As [`start_call`].
#[inline(never)]
unsafe fn place_instance(th: *mut Thread, base: *mut Word) {
    // SAFETY: by contract.
    unsafe {
        let class = *base;
        let w = (*th).new_instance(&*(class.ptr() as *const Type)).into_raw();
        *base = w;
        *base.add(1) = w.uncounted();
        crate::dealloc::drop_word(class);
    }
}

/// Makes the instance and pushes the frame of its `__init__`; `kwnames` as for [`start_call`]. False: raised.
///
/// # Safety
/// As [`start_call`]; `init` is the word it found.
#[inline(never)]
unsafe fn start_class(
    th: *mut Thread,
    pad: *const u64,
    base: *mut Word,
    end: *mut Word,
    init: Word,
    kwnames: Word,
) -> bool {
    // SAFETY: by contract.
    unsafe {
        let init = &*(init.ptr() as *const Function);
        place_instance(th, base);
        // The pad unit checks the None of `__init__`.
        (*(*th).ci).pc = pad;
        push_call(&mut *th, init, base.add(1), base.add(1), end, kwnames)
    }
}

/// Ends a native call: drops the words from `base` to `sp`; 0 = raised, and they stay.
unsafe fn finish_native(th: *mut Thread, r: PyResult, base: *mut Word, sp: *mut Word) -> Word {
    let w = raw(r);
    if w != Word::ZERO {
        // SAFETY: the words belong to the call that ends.
        unsafe { drop_operands(th, base, sp) };
    }
    w
}

/// Drops the words from `base` to `sp`, last one first.
#[inline(always)]
pub(super) unsafe fn drop_operands(th: *mut Thread, base: *mut Word, sp: *mut Word) {
    let mut p = sp;
    while p > base {
        // SAFETY: the caller's operands, which it does not use again; `th` is the calling thread.
        unsafe {
            p = p.sub(1);
            let w = *p;
            if w.is_counted() {
                crate::thread::drop_count_of((*th).owner, w.ptr());
            }
        }
    }
}

/// The word of a result; 0 = raised.
#[inline(always)]
fn raw(r: PyResult) -> Word {
    r.map_or(Word::ZERO, Owned::into_raw)
}

/// # Safety
/// As [`start_call`].
#[inline(never)]
pub(crate) unsafe fn run_native(th: *mut Thread, base: *mut Word, sp: *mut Word) -> Word {
    // SAFETY: by contract.
    unsafe {
        let first = if *base.add(1) == Word::NULL { base.add(2) } else { base.add(1) };
        let all = core::slice::from_raw_parts(first as *const Borrowed<'_>, sp.offset_from(first) as usize);
        let r = calls::call_native(&mut *th, look(*base), all);
        finish_native(th, r, base, sp)
    }
}

/// Calls the class at `base`, whose class is `type`, with the arguments behind the NULL, and leaves them; 0 = raised.
///
/// # Safety
/// As [`start_call`].
#[inline(never)]
unsafe fn run_class(th: *mut Thread, base: *mut Word, sp: *mut Word) -> Word {
    // SAFETY: by contract.
    unsafe {
        let first = base.add(2);
        let all = core::slice::from_raw_parts(first as *const Borrowed<'_>, sp.offset_from(first) as usize);
        raw(crate::builtins::type_::call(&mut *th, look(*base), Args::positional(all)))
    }
}

/// Calls a native function with the arguments from `first` to `sp`, and leaves them; 0 = raised.
///
/// # Safety
/// As [`start_call`]; `call` suits the number of arguments.
#[inline(never)]
unsafe fn run_padded(th: *mut Thread, first: *mut Word, sp: *mut Word, call: DirectCall) -> Word {
    // SAFETY: by contract.
    unsafe {
        let all = core::slice::from_raw_parts(first as *const Borrowed<'_>, sp.offset_from(first) as usize);
        raw(call.call_padded(&mut *th, all))
    }
}

/// As [`run_native`]; the names of keywords are the last word.
///
/// # Safety
/// As [`start_call`].
#[inline(never)]
pub(crate) unsafe fn run_native_kw(th: *mut Thread, base: *mut Word, sp: *mut Word) -> Word {
    // SAFETY: by contract.
    unsafe {
        let first = if *base.add(1) == Word::NULL { base.add(2) } else { base.add(1) };
        let count = sp.sub(1).offset_from(first) as usize;
        let all = core::slice::from_raw_parts(first as *const Borrowed<'_>, count);
        let names = look(*sp.sub(1));
        let n_kw = names.downcast::<Tuple>().map_or(0, |t| t.len());
        let r = crate::call::call(&mut *th, look(*base), Args { all, n_positional: count - n_kw, names });
        finish_native(th, r, base, sp)
    }
}

/// # Safety
/// As [`start_call`].
#[inline(never)]
pub(crate) unsafe fn run_ex(th: *mut Thread, base: *mut Word, sp: *mut Word) -> Word {
    // SAFETY: by contract.
    unsafe {
        if (*th).breaker_set() && crate::threads::safepoint(&mut *th).is_err() {
            return Word::ZERO;
        }
        let r = calls::call_ex(&mut *th, look(*base), look(*base.add(2)), look(*base.add(3)));
        finish_native(th, r, base, sp)
    }
}

fn operator(arg: u64) -> BinaryOp {
    use BinaryOp::*;
    const ALL: [BinaryOp; 13] = [
        Add,
        And,
        FloorDivide,
        Lshift,
        MatMul,
        Multiply,
        Remainder,
        Or,
        Power,
        Rshift,
        Subtract,
        TrueDivide,
        Xor,
    ];
    ALL[arg as usize % 13]
}

#[inline]
fn truth_of_comparison(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    a.compare_bool(th, b, op).map(Owned::bool)
}
