//! Calls and returns.
//!
//! Units: `CALL n` is followed by a pad unit, the return address of an `__init__` frame.

use typhon_sync::prim::Ordering::{self, Relaxed};

use super::call_known::choose;
use super::cold;
use crate::builtins::bytes::Bytes;
use crate::builtins::descriptors::MethodDescriptor;
use crate::builtins::dict::{self, Dict};
use crate::builtins::functions::{attributes, convert};
use crate::builtins::ids;
use crate::builtins::list::{self, List};
use crate::builtins::method::BoundMethod;
use crate::builtins::native_function::NativeFunction;
use crate::builtins::set::Set;
use crate::builtins::str::Str;
use crate::builtins::tuple::Tuple;
use crate::builtins::type_::quick_isinstance;
use crate::code::CodeObject;
use crate::function::Function;
use crate::handlers;
use crate::interp::bind::{bind_arguments, push_defaults};
use crate::interp::eval::{has_room, push_frame};
use crate::interp::machine::save;
use crate::interp::opcodes::Op;
use crate::shape;
use crate::word::Word;
use crate::{drop_next, drop2_next, next, tail};

/// `len()` of an object of a built-in type, where it can be read without asking anybody.
///
/// # Safety
/// A live pointer word.
#[inline(always)]
pub(super) unsafe fn items_in(th: *mut crate::Thread, o: Word) -> Option<usize> {
    // SAFETY: by contract; the shape says what lies there.
    unsafe {
        let id = shape_of(o);
        // ORDERING Relaxed: a thread sees its own changes; another's are as late as it comes.
        let is_own = || (*o.ptr()).is_owned_by((*th).owner);
        Some(if id == ids::LIST {
            (*(o.ptr() as *const List)).len.load(Relaxed)
        } else if id == ids::TUPLE {
            (*(o.ptr() as *const Tuple)).len()
        } else if id == ids::STR {
            (*(o.ptr() as *const Str)).len()
        } else if id == ids::DICT && is_own() {
            (*(o.ptr() as *const Dict)).table().live()
        } else if id == ids::BYTES {
            (*(o.ptr() as *const Bytes)).len()
        } else if id == ids::SET && is_own() {
            (*(o.ptr() as *const Set)).own_len()
        } else {
            return None;
        })
    }
}

/// Shape id of a pointer word.
///
/// # Safety
/// The words are live.
#[inline(always)]
pub unsafe fn shape_of(w: Word) -> u32 {
    // SAFETY: a live pointer word.
    // ORDERING Relaxed: a shape id is valid by itself.
    unsafe { (*w.ptr()).shape.load(Ordering::Relaxed) }
}

/// Makes `$new` the current record, that of the function `$f` whose arguments lie from `$fp` to `$sp`, and
/// runs its first instruction.
macro_rules! push_record {
    ($new:expr, $fp:ident, $base:expr, $code:ident, $f:ident, $sp:ident, $th:ident) => {{
        let new = $new;
        (*$th).ci = new;
        (*new).fp = $fp;
        (*new).base = $base;
        (*new).code = $code;
        (*new).globals = (*($f.ptr() as *const Function)).globals() as *const _;
        (*new).func = $f.uncounted();
        (*new).locals = Word::ZERO;
        (*new).frame = Word::ZERO;
        (*new).generator = core::ptr::null();
        let end = $fp.add((*$code).n_locals as usize);
        while $sp < end {
            $sp.write_volatile(Word::UNBOUND);
            $sp = $sp.add(1);
        }
        let pc = (*$code).entry();
        next!(pc, end, $fp, $th, Word::NONE)
    }};
}

/// The rest of RETURN_VALUE, whose result is ours to give.
macro_rules! leave {
    ($ci:ident, $pc:ident, $sp:ident, $fp:ident, $th:ident, $tos:ident, $arg:ident) => {{
        if (*$ci).frame != Word::ZERO {
            tail!(cold::return_with_frame_object, $pc, $sp, $fp, $th, $tos, $arg)
        }
        let base = (*$ci).base;
        let end = $fp.add($arg as usize);
        let mut p = base;
        while p < end {
            let w = *p;
            if w.is_counted() {
                // So that it is not dropped again if a later one makes this instruction start anew.
                *p = Word::UNBOUND;
                if !(*w.ptr()).try_dec_local((*$th).owner) {
                    tail!(cold::drop_one, $pc.sub(1), $sp, $fp, $th, $tos, w.0)
                }
            }
            p = p.add(1);
        }
        let caller = $ci.sub(1);
        (*$th).ci = caller;
        let $pc = (*caller).pc;
        let $fp = (*caller).fp;
        next!($pc, base, $fp, $th, $tos)
    }};
}

handlers! {
    /// `callee, self or NULL, args… -- result`
    fn call(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        let base = sp.sub(arg as usize + 2);
        let callee = *base;
        if !callee.is_ptr() || shape_of(callee) != ids::FUNCTION {
            tail!(call_other, pc, sp, fp, th, tos, arg)
        }
        let f = callee.ptr() as *const Function;
        let code = (*f).code() as *const CodeObject;
        // NULL is a constant: a method call has one argument more, and it lies in front.
        let bound = (*base.add(1) != Word::NULL) as usize;
        if (*code).simple_argc as usize != arg as usize + bound {
            tail!(call_with_defaults, pc, sp, fp, th, tos, arg)
        }
        tail!(enter_function, pc, sp, fp, th, callee, arg + bound as u64)
    }

    /// CALL of a Python function with fewer arguments than it has parameters: the defaults of the others follow them
    /// on the stack, as if they had been given.
    fn call_with_defaults(pc, sp, fp, th, tos, arg) {
        let callee = *sp.sub(arg as usize + 2);
        let bound = (*sp.sub(arg as usize + 1) != Word::NULL) as usize;
        let f = callee.ptr() as *const Function;
        let code = (*f).code() as *const CodeObject;
        let n = arg as usize + bound;
        // Code that is not simple has the greatest number there is.
        if ((*code).simple_argc as usize).wrapping_sub(n) >= u16::MAX as usize {
            tail!(cold::call, pc, sp, fp, th, tos, arg)
        }
        let end = fill_up(th, &*f, n, sp);
        if end.is_null() {
            tail!(cold::call, pc, sp, fp, th, tos, arg)
        }
        tail!(enter_function, pc, end, fp, th, callee, (*code).simple_argc as u64)
    }

    /// The second half of [`call`], apart because registers are scarce: pushes the frame of the function in
    /// `tos`, whose `arg` arguments (self included) end at `sp`, and goes on in it.
    fn enter_function(pc, sp, fp, th, tos, arg) {
        let ci = (*th).ci;
        // From here on the record has them, so that no register need keep them.
        (*ci).pc = pc.add(1);
        (*ci).sp = sp;
        fp = sp.sub(arg as usize);
        let code = (*(tos.ptr() as *const Function)).code() as *const CodeObject;
        if ci.add(1) >= (*th).ci_limit
            || fp.add((*code).frame_size as usize) >= (*th).stack_limit
            || (*th).breaker_set()
        {
            tail!(enter_function_slow, (*ci).pc, sp, (*ci).fp, th, tos, arg)
        }
        // The callee lies below a bound self, or below the NULL in place of one.
        let base = fp.sub(1 + (*fp.sub(1) == Word::NULL) as usize);
        push_record!(ci.add(1), fp, base, code, tos, sp, th)
    }

    /// There is no room, or something to be done at a safepoint.
    #[cold]
    fn enter_function_slow(pc, sp, fp, th, tos, arg) {
        let first = sp.sub(arg as usize);
        let base = first.sub(1 + (*first.sub(1) == Word::NULL) as usize);
        tail!(cold::call, pc.sub(1), sp, fp, th, Word::NONE, sp.offset_from(base) as u64 - 2)
    }

    /// As [`enter_function`] for a method in `tos` that has no word on the stack: the `__init__` of a new object,
    /// which stays below the frame, or that of an operator, whose result takes the place of its `arg` operands.
    /// There is room, and the breaker can wait for the first safepoint of the frame.
    fn enter_special(pc, sp, fp, th, tos, arg) {
        let code = (*(tos.ptr() as *const Function)).code() as *const CodeObject;
        let ci = (*th).ci;
        // Of an `__init__`, the pad, which checks the None.
        (*ci).pc = pc;
        (*ci).sp = sp;
        let new_fp = sp.sub(arg as usize);
        push_record!(ci.add(1), new_fp, new_fp, code, tos, sp, th)
    }

    /// CALL of what is no Python function.
    fn call_other(pc, sp, fp, th, tos, arg) {
        let callee = *sp.sub(arg as usize + 2);
        if callee.is_ptr() && !(*th).breaker_set() {
            save(th, pc.add(1), sp);
            let shape = shape_of(callee);
            if shape == ids::METHOD_DESCRIPTOR {
                tail!(call_method_descriptor, pc, sp, fp, th, callee, arg + 2)
            }
            if shape == ids::NATIVE_FUNCTION {
                tail!(call_native_function, pc, sp, fp, th, callee, arg + 2)
            }
            if shape == ids::TYPE {
                choose(pc.sub(1), Op::CallClass, arg);
                tail!(cold::call_type, pc, sp, fp, th, tos, arg)
            }
            if shape == ids::METHOD {
                tail!(call_bound, pc, sp, fp, th, callee, arg + 2)
            }
        }
        tail!(cold::call, pc, sp, fp, th, tos, arg)
    }

    /// CALL of the bound method in `tos`; `arg` words belong to it. It stays where it is and keeps function and
    /// receiver alive; the receiver takes the place of the NULL.
    fn call_bound(pc, sp, fp, th, tos, arg) {
        let base = sp.sub(arg as usize);
        let method = &*(tos.ptr() as *const BoundMethod);
        let f = method.function().word();
        if *base.add(1) == Word::NULL && shape_of(f) == ids::FUNCTION {
            let code = (*(f.ptr() as *const Function)).code() as *const CodeObject;
            let new = (*th).ci.add(1);
            if (*code).simple_argc as u64 == arg - 1
                && new < (*th).ci_limit
                && base.add(1 + (*code).frame_size as usize) < (*th).stack_limit
            {
                let me = method.receiver().word().uncounted();
                *base.add(1) = me;
                let new_fp = base.add(1);
                push_record!(new, new_fp, base, code, f, sp, th)
            }
        }
        tail!(cold::call, pc, sp, fp, th, tos, arg - 2)
    }

    /// CALL of the native function in `tos`; `arg` words belong to it.
    fn call_native_function(pc, sp, fp, th, tos, arg) {
        let below = sp.sub(arg as usize).add(1);
        let f = &*(tos.ptr() as *const NativeFunction);
        let is_free = *below == Word::NULL;
        let me = f.bound_self();
        if let Some(call) = f.direct.for_count(arg - 1 - (is_free && me.is_none()) as u64)
            && (is_free || me.is_none())
        {
            if let Some(me) = me {
                // The callee's word keeps it alive as long as the arguments.
                *below = me.word();
            }
            if call.function() as *const () == convert::len as *const () {
                choose(pc.sub(1), Op::CallLen, 1);
                tail!(call_len, pc.add(1), sp, fp, th, Word(call.bits()), arg)
            }
            if me.is_some() {
                if call.function() as *const () == list::methods::append as *const () && arg == 3 {
                    tail!(super::append::call_append, pc.add(1), sp, fp, th, Word(call.bits()), arg)
                }
                if call.function() as *const () == list::methods::pop as *const () && arg == 2 {
                    tail!(super::append::call_pop, pc.add(1), sp, fp, th, Word(call.bits()), arg)
                }
            }
            if call.function() as *const () == attributes::isinstance as *const () {
                choose(pc.sub(1), Op::CallIsinstance, 2);
                tail!(call_isinstance, pc.add(1), sp, fp, th, Word(call.bits()), arg)
            }
            if me.is_none() {
                choose(pc.sub(1), Op::CallFunction, arg - 2);
            }
            tail!(cold::call_direct, pc.add(1), sp, fp, th, Word(call.bits()), arg)
        }
        tail!(cold::call_native, pc.add(1), sp, fp, th, tos, arg)
    }

    /// `len(object)`, by the [`crate::signature::DirectCall`] in `tos`.
    fn call_len(pc, sp, fp, th, tos, arg) {
        let o = *sp.sub(1);
        if o.is_ptr()
            && !(*sp.sub(arg as usize)).is_counted()
            && let Some(n) = items_in(th, o)
        {
            sp = sp.sub(arg as usize);
            drop_next!(o, pc, sp, fp, th, Word::small_int(n as i64))
        }
        tail!(cold::call_direct, pc, sp, fp, th, tos, arg)
    }

    /// `isinstance(object, class)`, as [`call_len`].
    fn call_isinstance(pc, sp, fp, th, tos, arg) {
        let (o, class) = (*sp.sub(2), *sp.sub(1));
        if !(*sp.sub(arg as usize)).is_counted() {
            let answer = is_instance(th, o, class);
            if answer != Word::ZERO {
                sp = sp.sub(arg as usize);
                drop2_next!(class, o, pc, sp, fp, th, answer)
            }
        }
        tail!(cold::call_direct, pc, sp, fp, th, tos, arg)
    }

    /// As [`call_native_function`], of a native method.
    fn call_method_descriptor(pc, sp, fp, th, tos, arg) {
        let m = &*(tos.ptr() as *const MethodDescriptor);
        let n = arg - 1 - (*sp.sub(arg as usize).add(1) == Word::NULL) as u64;
        let me = *sp.sub(n as usize);
        if let Some(call) = m.direct.for_count(n)
            && me.is_ptr()
            && m.is_of(shape::get(shape_of(me)).ty())
        {
            if call.function() as *const () == list::methods::append as *const () && arg == 3 {
                choose(pc.sub(1), Op::CallAppend, 1);
                tail!(super::append::call_append, pc.add(1), sp, fp, th, Word(call.bits()), arg)
            }
            if call.function() as *const () == list::methods::pop as *const () && arg == 2 {
                tail!(super::append::call_pop, pc.add(1), sp, fp, th, Word(call.bits()), arg)
            }
            if call.function() as *const () == dict::methods::get as *const () && arg == n + 1 {
                choose(pc.sub(1), Op::CallGet, arg - 2);
                tail!(super::subscr::call_get, pc.add(1), sp, fp, th, Word(call.bits()), arg)
            }
            if n == arg - 1 {
                choose(pc.sub(1), Op::CallMethod, arg - 2);
            }
            tail!(cold::call_direct, pc.add(1), sp, fp, th, Word(call.bits()), arg)
        }
        tail!(cold::call_native, pc.add(1), sp, fp, th, tos, arg)
    }

    /// Drops callee, arguments and locals, and goes on behind the call with the top as its result.
    /// `arg`: number of locals.
    fn return_value(pc, sp, fp, th, tos, arg) {
        let ci = (*th).ci;
        // A counted result is ours to give; a borrow must be owned first.
        if tos.0 & 15 == 8 {
            tail!(cold::own_top_again, pc.sub(1), sp, fp, th, tos, arg)
        }
        leave!(ci, pc, sp, fp, th, tos, arg)
    }

    /// RETURN_VALUE of a result that is ours to give though it has bit 3: one that needs no count.
    fn return_owned(pc, sp, fp, th, tos, arg) {
        let ci = (*th).ci;
        leave!(ci, pc, sp, fp, th, tos, arg)
    }

    /// Behind every CALL: where an `__init__` frame returns. The new object lies below.
    fn init_pad(pc, sp, fp, th, tos, arg) {
        if tos != Word::NONE {
            tail!(cold::init_returned, pc, sp, fp, th, tos, arg)
        }
        sp = sp.sub(1);
        next!(pc, sp, fp, th, *sp)
    }

    /// Ends the machine.
    fn exit(pc, sp, fp, th, tos, arg) {
        #[cfg(tail_calls)]
        return tos;
        #[cfg(not(tail_calls))]
        return crate::interp::machine::Out { pc: core::ptr::null(), sp, fp, tos };
    }

    /// First unit of code that is not linked yet.
    fn link(pc, sp, fp, th, tos, arg) {
        let code = (*(*th).ci).code;
        (*(*th).ci).sp = sp.add(1);
        (*code).linked(&mut *th);
        let pc = (*code).entry();
        next!(pc, sp, fp, th, tos)
    }

    fn call_kw(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        tail!(cold::call_kw, pc, sp, fp, th, tos, arg)
    }

    fn call_function_ex(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        tail!(cold::call_ex, pc, sp, fp, th, tos, arg)
    }
}

/// Writes the defaults that a call with `n` arguments, which end at `sp`, leaves open; where they end. Null: the call
/// needs something else.
///
/// # Safety
/// The stack from `sp` on is free.
#[inline(never)]
unsafe fn fill_up(th: *mut crate::Thread, f: &Function, n: usize, sp: *mut Word) -> *mut Word {
    // SAFETY: by contract.
    unsafe {
        let code = f.code();
        if sp.add(code.frame_size as usize) >= (*th).stack_limit || !push_defaults((*th).owner, f, n, sp) {
            return core::ptr::null_mut();
        }
        sp.add(code.simple_argc as usize - n)
    }
}

/// `isinstance(o, class)` as a word; [`Word::ZERO`]: the general way must tell.
///
/// # Safety
/// The words are live.
#[inline(never)]
unsafe fn is_instance(th: *mut crate::Thread, o: Word, class: Word) -> Word {
    // SAFETY: by contract.
    unsafe {
        let (o, class) = (cold::look(o), cold::look(class));
        if class.is(o.ty().as_value().word()) {
            return Word::TRUE;
        }
        quick_isinstance(&*th, o, class).map_or(Word::ZERO, Word::bool)
    }
}

/// Pushes a frame for `f` over arguments that lie in memory from `first` to `sp`. True: the new record is
/// current and holds `pc`, `sp` and `fp`; nothing but a word is returned, so that handlers keep their tail
/// calls. False: raised.
///
/// # Safety
/// The words from `base` on belong to the call; the caller's record is saved.
#[inline(never)]
pub(in crate::interp) unsafe fn push_call(
    th: &mut crate::Thread,
    f: &Function,
    base: *mut Word,
    first: *mut Word,
    sp: *mut Word,
    kwnames: Word,
) -> bool {
    // SAFETY: by contract.
    unsafe {
        let n = sp.offset_from(first) as usize;
        let code = f.code();
        let (fp, filled) = if kwnames == Word::NULL && code.simple_argc as usize == n {
            (first, n)
        } else if !has_room(th, code, sp) {
            return false;
        } else if kwnames == Word::NULL && push_defaults(th.owner, f, n, sp) {
            (first, code.simple_argc as usize)
        } else {
            let all = core::slice::from_raw_parts(first as *const crate::Borrowed<'_>, n);
            let names = crate::Borrowed::from_raw(kwnames.uncounted());
            let n_kw = names.downcast::<crate::builtins::tuple::Tuple>().map_or(0, |t| t.len());
            let args = crate::Args { all, n_positional: n - n_kw, names };
            // Frames of natives that run meanwhile start behind the new locals.
            (*th.ci).sp = sp.add(code.n_locals as usize);
            if let Err(crate::Raised(())) = bind_arguments(th, f, args, sp) {
                return false;
            }
            (sp, code.n_locals as usize)
        };
        push_frame(th, f, code, base, fp, filled, Word::ZERO).is_some()
    }
}
