//! Calls that are reported: CALL, and C_RETURN or C_RAISE where no Python function is called.

use super::event::{C_RAISE, C_RETURN, CALL};
use super::{fire, state, variants};
use crate::builtins::ids;
use crate::builtins::method::BoundMethod;
use crate::builtins::tuple::Tuple;
use crate::code::CodeObject;
use crate::interp::handlers::call::shape_of;
use crate::interp::handlers::cold::{look, run_ex, run_native, run_native_kw};
use crate::object::Owned;
use crate::sharing::copy_for_stack;
use crate::thread::Thread;
use crate::word::Word;

/// How [`start`] ended.
pub(crate) const RAISED: u64 = 0;
pub(crate) const PYTHON: u64 = 1;
/// The result is in the thread's `victim`.
pub(crate) const DONE: u64 = 2;

/// Which words a call has.
pub(crate) const POSITIONAL: u64 = 0;
pub(crate) const KEYWORDS: u64 = 1;
pub(crate) const STARRED: u64 = 2;

/// Reports the call of the callee at `base` with the words up to `sp`, and does it unless that needs a frame.
/// `unit` says who wants to know.
///
/// # Safety
/// The words are live and belong to the call; the record is saved with the `pc` behind the call's pad.
#[inline(never)]
pub(crate) unsafe fn start(th: &mut Thread, base: *mut Word, sp: *mut Word, kind: u64, unit: u64) -> u64 {
    // SAFETY: by contract.
    unsafe {
        let code: &CodeObject = &*(*th.ci).code;
        let at = (*th.ci).pc;
        let offset = code.linked_now().map_or(0, |l| l.offset_of(at.sub(1)));
        let tools = if th.tracing != 0 { 0 } else { variants::still_wanted(th, code, at, CALL, unit as u8) };
        if kind != STARRED && *base.add(1) == Word::NULL && (*base).is_ptr() && shape_of(*base) == ids::METHOD
        {
            let callee = *base;
            let m = &*(callee.ptr() as *const BoundMethod);
            *base = copy_for_stack(m.function().word());
            *base.add(1) = copy_for_stack(m.receiver().word());
            crate::dealloc::drop_word(callee);
        }
        let callee = look(*base).to_owned();
        let first = match kind {
            STARRED => {
                look(*base.add(2)).downcast::<Tuple>().and_then(|t| t.iter().next()).map(|v| v.to_owned())
            }
            _ if *base.add(1) != Word::NULL => Some(look(*base.add(1)).to_owned()),
            POSITIONAL if base.add(2) < sp => Some(look(*base.add(2)).to_owned()),
            KEYWORDS if base.add(3) < sp => Some(look(*base.add(2)).to_owned()),
            _ => None,
        };
        let first = first.unwrap_or_else(state::missing);
        let args = [callee.borrow(), first.borrow()];
        if tools != 0 && fire::tell(th, code, offset, CALL, tools, offset * 2, &args).is_err() {
            return RAISED;
        }
        let is_python =
            callee.word().is_ptr() && matches!(shape_of(callee.word()), ids::FUNCTION | ids::METHOD);
        if is_python {
            return PYTHON;
        }
        let w = match kind {
            POSITIONAL => run_native(th, base, sp),
            KEYWORDS => run_native_kw(th, base, sp),
            _ => run_ex(th, base, sp),
        };
        let event = if w == Word::ZERO { C_RAISE } else { C_RETURN };
        // The native may have switched events off.
        let tools = variants::still_wanted(th, code, at, CALL, tools);
        if w == Word::ZERO {
            if tools != 0
                && let Some(exc) = th.take_exc()
                && fire::tell(th, code, offset, event, tools, offset * 2, &args).is_ok()
            {
                let _ = th.set_exc(exc);
            }
            return RAISED;
        }
        if tools != 0 {
            // The operands are gone.
            (*th.ci).sp = base;
            let result = Owned::from_raw(w);
            if fire::tell(th, code, offset, event, tools, offset * 2, &args).is_err() {
                let mut p = base;
                while p < sp {
                    *p = Word::UNBOUND;
                    p = p.add(1);
                }
                return RAISED;
            }
            th.victim = result.into_raw();
        } else {
            th.victim = w;
        }
        DONE
    }
}
