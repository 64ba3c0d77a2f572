//! Arithmetic and comparison: ints and floats inside the word here, everything else in cold handlers.

use super::{cold, text};
use crate::handlers;
use crate::interp::machine::{fetch, keep_branch};
use crate::slots::CompareOp;
use crate::word::Word;
use crate::{drop_next, next, shape, tail};

macro_rules! arithmetic {
    ($($name:ident, $inplace:ident, $op:ident, $int:expr, $float:expr;)*) => { handlers! { $(
        fn $name(pc, sp, fp, th, tos, arg) {
            let a = *sp.sub(1);
            let b = tos;
            if a.both_int(b) {
                let f: fn(Word, Word) -> Option<Word> = $int;
                if let Some(w) = f(a, b) {
                    sp = sp.sub(1);
                    next!(pc, sp, fp, th, w)
                }
            } else if a.both_tagged_float(b) {
                let f: Option<fn(f64, f64) -> f64> = $float;
                if let Some(f) = f
                    && let Some(w) = Word::try_float(f(a.tagged_float(), b.tagged_float()))
                {
                    sp = sp.sub(1);
                    next!(pc, sp, fp, th, w)
                }
            }
            tail!(cold::binary_op, pc, sp, fp, th, tos, crate::number::BinaryOp::$op as u64)
        }
        fn $inplace(pc, sp, fp, th, tos, arg) {
            let a = *sp.sub(1);
            let b = tos;
            if a.both_int(b) {
                let f: fn(Word, Word) -> Option<Word> = $int;
                if let Some(w) = f(a, b) {
                    sp = sp.sub(1);
                    next!(pc, sp, fp, th, w)
                }
            } else if a.both_tagged_float(b) {
                let f: Option<fn(f64, f64) -> f64> = $float;
                if let Some(f) = f
                    && let Some(w) = Word::try_float(f(a.tagged_float(), b.tagged_float()))
                {
                    sp = sp.sub(1);
                    next!(pc, sp, fp, th, w)
                }
            }
            tail!(cold::inplace_op, pc, sp, fp, th, tos, crate::number::BinaryOp::$op as u64)
        }
    )* } };
}

#[inline(always)]
fn add(a: Word, b: Word) -> Option<Word> {
    let (v, o) = (a.0 as i64).overflowing_add((b.0 - 1) as i64);
    if o { None } else { Some(Word(v as u64)) }
}
#[inline(always)]
fn sub(a: Word, b: Word) -> Option<Word> {
    let (v, o) = (a.0 as i64).overflowing_sub((b.0 - 1) as i64);
    if o { None } else { Some(Word(v as u64)) }
}
#[inline(always)]
fn mul(a: Word, b: Word) -> Option<Word> {
    let (v, o) = ((a.0 - 1) as i64).overflowing_mul(b.int());
    if o { None } else { Some(Word(v as u64 | 1)) }
}
#[inline(always)]
fn floor_div(a: Word, b: Word) -> Option<Word> {
    let (x, y) = (a.int(), b.int());
    if y == 0 || y == -1 {
        return None;
    }
    // 32-bit division is several times faster on the machines of interest.
    if x as u32 as i64 == x && y as u32 as i64 == y {
        return Some(Word::small_int((x as u32 / y as u32) as i64));
    }
    let q = x / y;
    Some(Word::small_int(if (x % y != 0) && ((x < 0) != (y < 0)) { q - 1 } else { q }))
}
#[inline(always)]
fn remainder(a: Word, b: Word) -> Option<Word> {
    let (x, y) = (a.int(), b.int());
    if y == 0 || y == -1 {
        return None;
    }
    if x as u32 as i64 == x && y as u32 as i64 == y {
        return Some(Word::small_int((x as u32 % y as u32) as i64));
    }
    let r = x % y;
    Some(Word::small_int(if r != 0 && ((r < 0) != (y < 0)) { r + y } else { r }))
}
#[inline(always)]
fn and(a: Word, b: Word) -> Option<Word> {
    Some(Word(a.0 & b.0))
}
#[inline(always)]
fn or(a: Word, b: Word) -> Option<Word> {
    Some(Word(a.0 | b.0))
}
#[inline(always)]
fn xor(a: Word, b: Word) -> Option<Word> {
    Some(Word((a.0 ^ b.0) | 1))
}
#[inline(always)]
fn lshift(a: Word, b: Word) -> Option<Word> {
    let (x, y) = (a.int(), b.int());
    if !(0..62).contains(&y) {
        return None;
    }
    let v = x << y;
    if v >> y == x { Word::try_int(v) } else { None }
}
#[inline(always)]
fn rshift(a: Word, b: Word) -> Option<Word> {
    let (x, y) = (a.int(), b.int());
    if y < 0 {
        return None;
    }
    Some(Word::small_int(x >> y.min(63)))
}
#[inline(always)]
fn never(_: Word, _: Word) -> Option<Word> {
    None
}

arithmetic! {
    binary_add, inplace_add, Add, add, Some(|x, y| x + y);
    binary_subtract, inplace_subtract, Subtract, sub, Some(|x, y| x - y);
    binary_multiply, inplace_multiply, Multiply, mul, Some(|x, y| x * y);
    binary_floor_divide, inplace_floor_divide, FloorDivide, floor_div, None;
    binary_remainder, inplace_remainder, Remainder, remainder, None;
    binary_true_divide, inplace_true_divide, TrueDivide, never, Some(|x, y| x / y);
    binary_and, inplace_and, And, and, None;
    binary_or, inplace_or, Or, or, None;
    binary_xor, inplace_xor, Xor, xor, None;
    binary_lshift, inplace_lshift, Lshift, lshift, None;
    binary_rshift, inplace_rshift, Rshift, rshift, None;
    binary_power, inplace_power, Power, never, None;
    binary_matmul, inplace_matmul, MatMul, never, None;
}

macro_rules! comparisons {
    ($($name:ident, $truth:ident, $jump_true:ident, $jump_false:ident, $op:ident, $int:tt;)*) => { handlers! { $(
        fn $name(pc, sp, fp, th, tos, arg) {
            let (a, b) = (*sp.sub(1), tos);
            if a.both_int(b) {
                sp = sp.sub(1);
                next!(pc, sp, fp, th, Word::bool((a.0 as i64) $int (b.0 as i64)))
            }
            if a.both_tagged_float(b) {
                sp = sp.sub(1);
                next!(pc, sp, fp, th, Word::bool(a.tagged_float() $int b.tagged_float()))
            }
            tail!(text::compare, pc, sp, fp, th, tos, CompareOp::$op as u64)
        }
        /// The comparison as a bool.
        fn $truth(pc, sp, fp, th, tos, arg) {
            let (a, b) = (*sp.sub(1), tos);
            if a.both_int(b) {
                sp = sp.sub(1);
                next!(pc, sp, fp, th, Word::bool((a.0 as i64) $int (b.0 as i64)))
            }
            if a.both_tagged_float(b) {
                sp = sp.sub(1);
                next!(pc, sp, fp, th, Word::bool(a.tagged_float() $int b.tagged_float()))
            }
            tail!(text::compare_truth, pc, sp, fp, th, tos, CompareOp::$op as u64)
        }
        /// Comparison and the conditional jump behind it (one word further on): the jump's argument is ours.
        fn $jump_true(pc, sp, fp, th, tos, arg) {
            let (a, b) = (*sp.sub(1), tos);
            let yes = if a.both_int(b) {
                (a.0 as i64) $int (b.0 as i64)
            } else if a.both_tagged_float(b) {
                a.tagged_float() $int b.tagged_float()
            } else {
                tail!(text::compare_truth, pc, sp, fp, th, tos, CompareOp::$op as u64)
            };
            sp = sp.sub(2);
            pc = pc.add(1);
            if yes {
                keep_branch();
                pc = pc.offset(arg as i16 as isize);
            }
            next!(pc, sp, fp, th, *sp)
        }
        fn $jump_false(pc, sp, fp, th, tos, arg) {
            let (a, b) = (*sp.sub(1), tos);
            let yes = if a.both_int(b) {
                (a.0 as i64) $int (b.0 as i64)
            } else if a.both_tagged_float(b) {
                a.tagged_float() $int b.tagged_float()
            } else {
                tail!(text::compare_truth, pc, sp, fp, th, tos, CompareOp::$op as u64)
            };
            sp = sp.sub(2);
            pc = pc.add(1);
            if !yes {
                keep_branch();
                pc = pc.offset(arg as i16 as isize);
            }
            next!(pc, sp, fp, th, *sp)
        }
    )* } };
}

comparisons! {
    compare_lt, truth_lt, jump_lt, jump_not_lt, Lt, <;
    compare_le, truth_le, jump_le, jump_not_le, Le, <=;
    compare_eq, truth_eq, jump_eq, jump_not_eq, Eq, ==;
    compare_ne, truth_ne, jump_ne, jump_not_ne, Ne, !=;
    compare_gt, truth_gt, jump_gt, jump_not_gt, Gt, >;
    compare_ge, truth_ge, jump_ge, jump_not_ge, Ge, >=;
}

handlers! {
    /// Adds a small constant (the word stands in the stream) to the top.
    fn add_const(pc, sp, fp, th, tos, arg) {
        let c = Word(fetch(pc));
        if tos.is_int() && let Some(w) = add(tos, c) {
            pc = pc.add(1);
            next!(pc, sp, fp, th, w)
        }
        *sp = tos;
        sp = sp.add(1);
        pc = pc.add(1);
        tail!(cold::binary_op, pc, sp, fp, th, c, crate::number::BinaryOp::Add as u64)
    }

    fn unary_not(pc, sp, fp, th, tos, arg) {
        next!(pc, sp, fp, th, Word::bool(tos != Word::TRUE))
    }

    fn unary_negative(pc, sp, fp, th, tos, arg) {
        if tos.is_int() && tos.int() != Word::INT_MIN {
            next!(pc, sp, fp, th, Word::small_int(-tos.int()))
        }
        if tos.is_tagged_float() {
            let w = Word::try_float(-tos.tagged_float());
            if let Some(w) = w {
                next!(pc, sp, fp, th, w)
            }
        }
        tail!(cold::unary_negative, pc, sp, fp, th, tos, arg)
    }

    fn unary_invert(pc, sp, fp, th, tos, arg) {
        if tos.is_int() {
            next!(pc, sp, fp, th, Word(!tos.0 | 1))
        }
        tail!(cold::unary_invert, pc, sp, fp, th, tos, arg)
    }

    fn to_bool(pc, sp, fp, th, tos, arg) {
        if tos.is_bool() {
            next!(pc, sp, fp, th, tos)
        }
        if tos.is_int() {
            next!(pc, sp, fp, th, Word::bool(tos.0 != 1))
        }
        if tos == Word::NONE {
            next!(pc, sp, fp, th, Word::FALSE)
        }
        tail!(object_to_bool, pc, sp, fp, th, tos, arg)
    }

    /// TO_BOOL of a built-in container, or of an object that is true whatever it holds.
    fn object_to_bool(pc, sp, fp, th, tos, arg) {
        if tos.is_ptr() {
            if let Some(n) = super::call::items_in(th, tos) {
                drop_next!(tos, pc, sp, fp, th, Word::bool(n != 0))
            }
            let slots = &(*shape::get(super::call::shape_of(tos)).ty()).slots;
            if slots.bool().is_none() && slots.len().is_none() {
                drop_next!(tos, pc, sp, fp, th, Word::TRUE)
            }
        }
        tail!(cold::to_bool, pc, sp, fp, th, tos, arg)
    }

    fn is_op(pc, sp, fp, th, tos, arg) {
        sp = sp.sub(1);
        let a = *sp;
        let r = Word::bool(a.is(tos) != (arg != 0));
        crate::drop2_next!(a, tos, pc, sp, fp, th, r)
    }
}
