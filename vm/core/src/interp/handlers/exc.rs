//! Raising and handling exceptions.

use super::cold::look;
use crate::builtins::exceptions as ex;
use crate::handlers;
use crate::interp::machine::save;
use crate::interp::unwind::{self, RERAISED, THROWN, raised};
use crate::object::Owned;
use crate::{native, next, tail};

/// Does the exception match? Out of line: a handler keeps nothing on the machine stack.
///
/// # Safety
/// The words are live.
#[inline(never)]
unsafe fn matches(th: &mut crate::Thread, exc: crate::Word, class_or_tuple: crate::Word) -> crate::PyResult {
    // SAFETY: by contract.
    unsafe { ex::exc_matches(th, look(exc), look(class_or_tuple)).map(Owned::bool) }
}

handlers! {
    /// Raises what is on the thread, at the `yield` in front of `pc`. Its value counts as sent: handlers of
    /// delegations keep it.
    fn raise(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        tail!(raised, pc, sp, fp, th, tos, THROWN)
    }

    /// `raise`, `raise exc`, `raise exc from cause`
    fn raise_varargs(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        save(th, pc, sp);
        match arg {
            0 => {
                if crate::traceback::reraise_handled(&mut *th) {
                    tail!(raised, pc, sp, fp, th, tos, RERAISED)
                }
            }
            1 => {
                let _ = ex::raise_value(&mut *th, look(tos), None);
            }
            _ => {
                let _ = ex::raise_value(&mut *th, look(*sp.sub(2)), Some(look(tos)));
            }
        }
        tail!(raised, pc, sp, fp, th, tos, 0)
    }

    /// `values[arg] (lasti first), exc --`: raises `exc` again, without a new line in its traceback.
    fn reraise(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        save(th, pc, sp);
        let _ = (*th).set_exc(look(tos).to_owned());
        tail!(raised, pc, sp, fp, th, tos, RERAISED)
    }

    /// `exc -- previous, exc`; `exc` is being handled now.
    fn push_exc_info(pc, sp, fp, th, tos, arg) {
        let item = (*th).handled;
        *sp = (*item).value;
        sp = sp.add(1);
        (*item).value = look(tos).to_owned().into_raw();
        next!(pc, sp, fp, th, tos)
    }

    /// `previous --`
    fn pop_except(pc, sp, fp, th, tos, arg) {
        let item = (*th).handled;
        let old = (*item).value;
        (*item).value = tos;
        sp = sp.sub(1);
        crate::drop_next!(old, pc, sp, fp, th, *sp)
    }

    /// `exc, type -- exc, bool`
    fn check_exc_match(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(1, pc, sp, fp, th, matches(&mut *th, *sp.sub(2), tos))
    }

    /// `group, type -- rest, match`
    fn check_eg_match(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        save(th, pc, sp);
        match ex::match_group(&mut *th, look(*sp.sub(2)), look(tos)) {
            Ok((rest, matched)) => {
                if !matched.is_none() {
                    crate::traceback::set_handled(&mut *th, &matched);
                }
                crate::dealloc::drop_word(*sp.sub(1));
                crate::dealloc::drop_word(*sp.sub(2));
                sp = sp.sub(2);
                *sp = rest.into_raw();
                sp = sp.add(1);
                crate::after_native!(pc, sp, fp, th, matched.into_raw())
            }
            Err(crate::Raised(())) => tail!(raised, pc, sp, fp, th, tos, 0),
        }
    }

    /// `exit, self, lasti, previous, exc -- …, result`
    fn with_except_start(pc, sp, fp, th, tos, arg) {
        *sp = tos;
        sp = sp.add(1);
        native!(0, pc, sp, fp, th, crate::interp::calls::with_except_start(th, sp))
    }
}

/// Used by the table of handlers.
pub use unwind::raised as unwind_raised;
