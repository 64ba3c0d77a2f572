//! Calls that have met native functions, or classes.
//!
//! Each is a version of CALL that a site takes when it meets such a function for the first time. It finds what CALL
//! would find there and goes straight to what is done for that function, or for any native function or method with
//! that many arguments. Anything else goes to CALL itself, which costs the question only: a site does not change back.

use super::call::shape_of;
use super::{append, call, cold, subscr};
use crate::builtins::descriptors::MethodDescriptor;
use crate::builtins::functions::{attributes, convert};
use crate::builtins::native_function::NativeFunction;
use crate::builtins::{dict, ids, list};
use crate::handlers;
use crate::interp::machine::{ARG_BITS, fetch, patch, save};
use crate::interp::opcodes::{Op, encode};
use crate::shape;
use crate::tail;
use crate::typedef::BoundFn;
use crate::word::Word;

/// Makes the CALL at `at`, of `n` arguments, the version `op` of itself.
///
/// # Safety
/// `at` is the unit that runs.
#[inline(always)]
pub(super) unsafe fn choose(at: *const u64, op: Op, n: u64) {
    // SAFETY: by contract. Whatever else may call has other units.
    unsafe {
        if fetch(at) == encode(Op::Call) << ARG_BITS | n {
            patch(at, encode(op) << ARG_BITS | n);
        }
    }
}

/// How to call `callee`, if that is the native function for which `f` is called; else [`Word::ZERO`].
///
/// # Safety
/// A live word.
#[inline(always)]
unsafe fn function(callee: Word, f: BoundFn) -> Word {
    // SAFETY: by contract; the shape says what lies there.
    unsafe {
        if callee.is_ptr() && shape_of(callee) == ids::NATIVE_FUNCTION {
            (*(callee.ptr() as *const NativeFunction)).direct.if_calls(f)
        } else {
            Word::ZERO
        }
    }
}

/// As [`function`], of a native method.
///
/// # Safety
/// As there.
#[inline(always)]
unsafe fn method(callee: Word, f: BoundFn) -> Word {
    // SAFETY: as there.
    unsafe {
        if callee.is_ptr() && shape_of(callee) == ids::METHOD_DESCRIPTOR {
            (*(callee.ptr() as *const MethodDescriptor)).direct.if_calls(f)
        } else {
            Word::ZERO
        }
    }
}

/// Goes on in `$handler`, which expects all of the `$words` words of the call in memory and `$direct` at the top.
macro_rules! hand_over {
    ($handler:path, $direct:expr, $words:expr, $pc:ident, $sp:ident, $fp:ident, $th:ident, $tos:ident) => {{
        *$sp = $tos;
        $sp = $sp.add(1);
        $pc = $pc.add(1);
        save($th, $pc, $sp);
        tail!($handler, $pc, $sp, $fp, $th, $direct, $words)
    }};
}

handlers! {
    /// `len(object)`
    fn call_len(pc, sp, fp, th, tos, arg) {
        let direct = function(*sp.sub(2), convert::len);
        if direct == Word::ZERO || *sp.sub(1) != Word::NULL {
            tail!(call::call, pc, sp, fp, th, tos, arg)
        }
        hand_over!(call::call_len, direct, 3, pc, sp, fp, th, tos)
    }

    /// `isinstance(object, class)`
    fn call_isinstance(pc, sp, fp, th, tos, arg) {
        let direct = function(*sp.sub(3), attributes::isinstance);
        if direct == Word::ZERO || *sp.sub(2) != Word::NULL {
            tail!(call::call, pc, sp, fp, th, tos, arg)
        }
        hand_over!(call::call_isinstance, direct, 4, pc, sp, fp, th, tos)
    }

    /// `list.append(item)`
    fn call_append(pc, sp, fp, th, tos, arg) {
        let (l, direct) = (*sp.sub(1), method(*sp.sub(2), list::methods::append));
        if direct == Word::ZERO || !l.is_ptr() || shape_of(l) != ids::LIST {
            tail!(call::call, pc, sp, fp, th, tos, arg)
        }
        hand_over!(append::call_append, direct, 3, pc, sp, fp, th, tos)
    }

    /// A native function that is bound to nothing.
    fn call_function(pc, sp, fp, th, tos, arg) {
        let callee = *sp.sub(arg as usize + 1);
        if callee.is_ptr() && shape_of(callee) == ids::NATIVE_FUNCTION && *sp.sub(arg as usize) == Word::NULL {
            let f = &*(callee.ptr() as *const NativeFunction);
            if let Some(direct) = f.direct.for_count(arg)
                && f.bound_self().is_none()
            {
                hand_over!(cold::call_direct, Word(direct.bits()), arg + 2, pc, sp, fp, th, tos)
            }
        }
        tail!(call::call, pc, sp, fp, th, tos, arg)
    }

    /// A native method, found on the object that it is called for.
    fn call_method(pc, sp, fp, th, tos, arg) {
        let callee = *sp.sub(arg as usize + 1);
        let me = if arg == 0 { tos } else { *sp.sub(arg as usize) };
        if callee.is_ptr() && shape_of(callee) == ids::METHOD_DESCRIPTOR && me.is_ptr() {
            let m = &*(callee.ptr() as *const MethodDescriptor);
            if let Some(direct) = m.direct.for_count(arg + 1)
                && m.is_of(shape::get(shape_of(me)).ty())
            {
                hand_over!(cold::call_direct, Word(direct.bits()), arg + 2, pc, sp, fp, th, tos)
            }
        }
        tail!(call::call, pc, sp, fp, th, tos, arg)
    }

    /// `dict.get(key)`, `dict.get(key, default)`
    fn call_get(pc, sp, fp, th, tos, arg) {
        let (d, direct) = (*sp.sub(arg as usize), method(*sp.sub(arg as usize + 1), dict::methods::get));
        if direct == Word::ZERO || !d.is_ptr() || shape_of(d) != ids::DICT {
            tail!(call::call, pc, sp, fp, th, tos, arg)
        }
        hand_over!(subscr::call_get, direct, arg + 2, pc, sp, fp, th, tos)
    }

    /// A class whose class is `type`.
    fn call_class(pc, sp, fp, th, tos, arg) {
        let callee = *sp.sub(arg as usize + 1);
        if !callee.is_ptr() || shape_of(callee) != ids::TYPE || (*th).breaker_set() {
            tail!(call::call, pc, sp, fp, th, tos, arg)
        }
        *sp = tos;
        sp = sp.add(1);
        save(th, pc.add(1), sp);
        tail!(cold::call_type, pc, sp, fp, th, tos, arg)
    }
}
