//! Strs, and what is compared as they are; single characters.

use super::call::shape_of;
use super::cold::{self, look};
use super::subscr::subscr_generic;
use crate::builtins::ids;
use crate::builtins::str::{self, Str};
use crate::slots::CompareOp;
use crate::word::Word;
use crate::{drop_next, drop2_next, handlers, tail};

/// `a == b` or `a != b` of two strs, bytes or tuples as a bool; [`Word::ZERO`] for other objects or comparisons, and where
/// only types can tell. `op`: [`CompareOp`]. Out of line: a handler keeps nothing on the machine stack.
///
/// # Safety
/// The words are live.
#[inline(never)]
unsafe fn equality(a: Word, b: Word, op: u64) -> Word {
    let is_equality = op == CompareOp::Eq as u64 || op == CompareOp::Ne as u64;
    // SAFETY: by contract; the shapes say what lies there.
    unsafe {
        if !is_equality || !a.is_ptr() || !b.is_ptr() || shape_of(a) != shape_of(b) {
            return Word::ZERO;
        }
        let same = match shape_of(a) {
            ids::STR => (*(a.ptr() as *const Str)).same_text(&*(b.ptr() as *const Str)),
            // A tuple of these equals itself, whatever is in it: items are compared by identity first.
            ids::TUPLE | ids::BYTES => match crate::equality::quick(look(a), look(b)) {
                Some(same) => same,
                None => return Word::ZERO,
            },
            _ => return Word::ZERO,
        };
        Word::bool(same == (op == CompareOp::Eq as u64))
    }
}

/// [`str::cached_char_at`], as [`equality`].
///
/// # Safety
/// `s` is a live str, `at` an int.
#[inline(never)]
unsafe fn character(s: Word, at: Word) -> Word {
    // SAFETY: by contract.
    unsafe { str::cached_char_at(&*(s.ptr() as *const Str), at.int()) }
}

handlers! {
    /// COMPARE_OP of what are no numbers in words. `arg`: [`CompareOp`].
    fn compare(pc, sp, fp, th, tos, arg) {
        let a = *sp.sub(1);
        let answer = equality(a, tos, arg);
        if answer == Word::ZERO {
            tail!(cold::compare, pc, sp, fp, th, tos, arg)
        }
        sp = sp.sub(1);
        drop2_next!(a, tos, pc, sp, fp, th, answer)
    }

    /// As [`compare`], where the result is only tested.
    fn compare_truth(pc, sp, fp, th, tos, arg) {
        let a = *sp.sub(1);
        let answer = equality(a, tos, arg);
        if answer == Word::ZERO {
            tail!(cold::compare_truth, pc, sp, fp, th, tos, arg)
        }
        sp = sp.sub(1);
        drop2_next!(a, tos, pc, sp, fp, th, answer)
    }

    /// BINARY_SUBSCR of a str by an int.
    fn subscr(pc, sp, fp, th, tos, arg) {
        let s = *sp.sub(1);
        let w = character(s, tos);
        if w == Word::ZERO {
            tail!(subscr_generic, pc, sp, fp, th, tos, arg)
        }
        sp = sp.sub(1);
        drop_next!(s, pc, sp, fp, th, w)
    }
}
