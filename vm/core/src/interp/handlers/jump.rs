//! Jumps and loops.

use super::cold;
use crate::handlers;
use crate::interp::machine::keep_branch;
use crate::word::Word;
use crate::{drop_next, next, tail};

handlers! {
    fn jump_forward(pc, sp, fp, th, tos, arg) {
        pc = pc.add(arg as usize);
        next!(pc, sp, fp, th, tos)
    }

    /// Back-edge: a safepoint.
    fn jump_backward(pc, sp, fp, th, tos, arg) {
        pc = pc.sub(arg as usize);
        if (*th).breaker_set() {
            tail!(cold::safepoint, pc, sp, fp, th, tos, arg)
        }
        next!(pc, sp, fp, th, tos)
    }

    fn jump_backward_no_interrupt(pc, sp, fp, th, tos, arg) {
        pc = pc.sub(arg as usize);
        next!(pc, sp, fp, th, tos)
    }

    fn pop_jump_if_true(pc, sp, fp, th, tos, arg) {
        sp = sp.sub(1);
        if tos == Word::TRUE {
            keep_branch();
            pc = pc.add(arg as usize);
        }
        next!(pc, sp, fp, th, *sp)
    }

    fn pop_jump_if_false(pc, sp, fp, th, tos, arg) {
        sp = sp.sub(1);
        if tos != Word::TRUE {
            keep_branch();
            pc = pc.add(arg as usize);
        }
        next!(pc, sp, fp, th, *sp)
    }

    /// TO_BOOL and the jump behind it (one word further on).
    fn jump_if_truthy(pc, sp, fp, th, tos, arg) {
        let yes = if tos.is_bool() {
            tos == Word::TRUE
        } else if tos == Word::NONE {
            false
        } else if tos.is_int() {
            tos.0 != 1
        } else {
            tail!(super::arith::object_to_bool, pc, sp, fp, th, tos, arg)
        };
        sp = sp.sub(1);
        pc = pc.add(1);
        if yes {
            keep_branch();
            pc = pc.offset(arg as i16 as isize);
        }
        next!(pc, sp, fp, th, *sp)
    }

    fn jump_if_falsy(pc, sp, fp, th, tos, arg) {
        let yes = if tos.is_bool() {
            tos == Word::TRUE
        } else if tos == Word::NONE {
            false
        } else if tos.is_int() {
            tos.0 != 1
        } else {
            tail!(super::arith::object_to_bool, pc, sp, fp, th, tos, arg)
        };
        sp = sp.sub(1);
        pc = pc.add(1);
        if !yes {
            keep_branch();
            pc = pc.offset(arg as i16 as isize);
        }
        next!(pc, sp, fp, th, *sp)
    }

    fn pop_jump_if_none(pc, sp, fp, th, tos, arg) {
        sp = sp.sub(1);
        if tos == Word::NONE {
            keep_branch();
            pc = pc.add(arg as usize);
            next!(pc, sp, fp, th, *sp)
        }
        drop_next!(tos, pc, sp, fp, th, *sp)
    }

    fn pop_jump_if_not_none(pc, sp, fp, th, tos, arg) {
        sp = sp.sub(1);
        if tos != Word::NONE {
            keep_branch();
            pc = pc.add(arg as usize);
            drop_next!(tos, pc, sp, fp, th, *sp)
        }
        next!(pc, sp, fp, th, *sp)
    }
}
