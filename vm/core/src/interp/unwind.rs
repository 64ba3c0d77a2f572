//! Raising: finding the handler of an exception, dropping what lies above it, leaving frames.

use crate::handlers;
use crate::interp::frame::CallRecord;
use crate::monitoring::{fire, state};
use crate::next;
use crate::object::Owned;
use crate::thread::Thread;
use crate::word::Word;

/// Drops the words from `from` to `to`, last one first, as a frame's stack goes away.
///
/// # Safety
/// The words are live stack words that nobody uses any more.
pub unsafe fn drop_words(th: &mut Thread, from: *mut Word, to: *mut Word) {
    // SAFETY: by contract.
    unsafe {
        let mut p = to;
        while p > from {
            p = p.sub(1);
            let w = *p;
            *p = Word::UNBOUND;
            crate::dealloc::drop_word(w);
        }
    }
    th.drain_drops();
}

/// Drops callee, arguments and locals of the frame in record `ci` and hands its frame object, if any,
/// its own copy of the locals. The record itself stays current.
///
/// # Safety
/// The frame's evaluation stack is empty.
pub unsafe fn leave_frame(th: &mut Thread, ci: *mut CallRecord) {
    // SAFETY: the record is current.
    unsafe {
        let end = (*ci).fp.add((*(*ci).code).n_locals as usize);
        if (*ci).frame != Word::ZERO {
            crate::frame_object::detach(th, ci);
        }
        (*ci).sp = end.add(1);
        drop_words(th, (*ci).base, end);
    }
}

/// Argument of [`raised`]: the frame is in the traceback already.
pub const RERAISED: u64 = 1;
/// Argument of [`raised`]: the exception was thrown into a suspended generator.
pub const THROWN: u64 = 2;

handlers! {
    /// An exception is on the thread; everything below `sp` is a live word in memory, `pc` is behind
    /// the instruction that raised.
    fn raised(pc, sp, fp, th, tos, arg) {
        if !unwind(&mut *th, sp, pc, arg) {
            // The boundary's record is current; the word 0 says "raised".
            #[cfg(tail_calls)]
            return Word::ZERO;
            #[cfg(not(tail_calls))]
            return crate::interp::machine::Out { pc: core::ptr::null(), sp, fp, tos: Word::ZERO };
        }
        let ci = (*th).ci;
        let pc = (*ci).pc;
        let sp = (*ci).sp;
        let fp = (*ci).fp;
        next!(pc, sp, fp, th, (*th).victim)
    }
}

/// Searches frames from the current one down to the next native boundary. True: the current record
/// holds the registers of a handler, the thread's `victim` the exception. Nothing is returned through
/// memory, so that [`raised`] keeps its tail call.
#[inline(never)]
unsafe fn unwind(th: &mut Thread, sp: *mut Word, at: *const u64, mut how: u64) -> bool {
    // SAFETY: records between the boundary and `ci` are those of running frames.
    unsafe {
        let (mut at, mut sp) = (at, sp);
        loop {
            let ci = th.ci;
            if (*ci).code.is_null() {
                return false;
            }
            let code = &*(*ci).code;
            let linked = code.linked_now().expect("running code is linked");
            (*ci).pc = at;
            (*ci).sp = sp;
            let offset = linked.offset_of(at.sub(1));
            if how != RERAISED {
                crate::traceback::add_frame(th, offset);
            }
            if state::watches_exceptions() {
                fire::raised(th, code, offset, how);
            }
            how = 0;
            let stack = (*ci).fp.add(code.n_locals as usize);
            match crate::interp::tables::handler(&code.data.0.exceptiontable, offset) {
                Some(entry) => {
                    let keep = stack.add(1 + entry.depth as usize);
                    drop_words(th, keep, sp);
                    let mut top = keep;
                    if entry.push_lasti {
                        *top = Word::small_int(offset as i64);
                        top = top.add(1);
                    }
                    let exc = th.take_exc().expect("an exception is on its way");
                    th.victim = exc.into_raw();
                    (*ci).pc = linked.unit_at(entry.target);
                    (*ci).sp = top;
                    if state::watches_exceptions() && fire::handled(th, code, entry.target).is_err() {
                        // The handler raises before its first instruction has run.
                        *top = th.victim;
                        (at, sp, how) = ((*ci).pc.add(1), top.add(1), RERAISED);
                        continue;
                    }
                    return true;
                }
                None => {
                    if sp > stack.add(1) {
                        drop_words(th, stack.add(1), sp);
                    }
                    if state::watches_exceptions() {
                        (*ci).sp = stack.add(1);
                        fire::unwound(th, code, offset);
                    }
                    if !(*ci).generator.is_null() {
                        crate::generator::finish_raised(th, ci);
                    }
                    leave_frame(th, ci);
                    th.ci = ci.sub(1);
                    #[cfg(tail_calls)]
                    th.perf.unwound(th.ci);
                    sp = (*ci).base;
                    at = (*th.ci).pc;
                }
            }
        }
    }
}

/// Sets an exception from an owned value and its context (the exception being handled).
pub fn raise(th: &mut Thread, exc: Owned) -> crate::Raised {
    crate::traceback::set_context(th, &exc);
    th.set_exc(exc)
}
