//! Telling tools of events.

use typhon_compile::Opcode as O;

use super::event::*;
use super::plan::{EVENT_SHIFT, SILENT};
use super::{EVENT_NAMES, N_LOCAL, N_TOOLS, legacy, state, variants};
use crate::builtins::exceptions as ex;
use crate::code::CodeObject;
use crate::generator::Generator;
use crate::interp::link::{Instr, decode, jump_target};
use crate::interp::unwind::{RERAISED, THROWN};
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::Args;
use crate::thread::Thread;
use crate::word::Word;

/// Tells tools of an event; `first` is what callbacks get behind the code object: an offset in bytes, or a line.
///
/// Errors: what a callback raises.
pub(crate) fn tell(
    th: &mut Thread,
    code: &CodeObject,
    offset: u32,
    event: usize,
    tools: u8,
    first: u32,
    rest: &[Borrowed<'_>],
) -> PyResult<()> {
    if th.tracing != 0 {
        return Ok(());
    }
    let mut left = tools;
    while left != 0 {
        let tool = left.trailing_zeros() as usize;
        left &= left - 1;
        let is_done = if tool >= N_TOOLS {
            legacy::tell(th, tool, code, event, first, rest)?
        } else {
            let Some(callback) = state::callback(tool, event) else { continue };
            let code = Borrowed::from_payload(code);
            let first = th.new_int(i64::from(first));
            let mut args = vec![code, first.borrow()];
            args.extend_from_slice(rest);
            th.tracing += 1;
            let r = crate::call::call(th, callback.borrow(), Args::positional(&args));
            th.tracing -= 1;
            r?.borrow().is(state::disable_word())
        };
        if !is_done {
            continue;
        }
        if event < N_LOCAL {
            variants::disable(th, code, offset, event, tool);
        } else {
            drop(state::set_callback(tool, event, None));
            let msg = format!("Cannot disable {} events. Callback removed.", EVENT_NAMES[event]);
            return Err(th.value_error(&msg));
        }
    }
    Ok(())
}

/// The code and offset of the instruction that the current frame has in front of its saved `pc`.
fn place<'c>(th: &Thread) -> (&'c CodeObject, u32) {
    // SAFETY: the current record is that of a running frame, which holds its code.
    unsafe {
        let record = &*th.ci;
        let code = &*record.code;
        let offset = code.linked_now().map_or(0, |l| l.offset_of(record.pc.sub(1)));
        (code, offset)
    }
}

/// An event unit with the argument `arg` runs. False: raised.
///
/// # Safety
/// The record is saved, the top of the stack in memory below its `sp`.
#[inline(never)]
pub(crate) unsafe fn at_unit(th: &mut Thread, arg: u64) -> bool {
    let event = (arg >> EVENT_SHIFT) as usize;
    if th.tracing != 0 || arg as u8 == 0 {
        return true;
    }
    let (code, offset) = place(th);
    // SAFETY: by contract.
    let (at, top) = unsafe { ((*th.ci).pc.sub(1), *(*th.ci).sp.sub(1)) };
    let tools = variants::still_wanted(th, code, at, event, arg as u8);
    let r = match event {
        PY_RETURN | PY_YIELD => {
            // SAFETY: what is returned lies on the stack.
            let value = unsafe { Borrowed::from_raw(top.uncounted()) }.to_owned();
            tell(th, code, offset, event, tools, offset * 2, &[value.borrow()])
        }
        JUMP | BRANCH_LEFT | BRANCH_RIGHT => branch(th, code, offset, event, tools, top),
        STOP_ITERATION => {
            // SAFETY: the receiver of a delegation lies below its result.
            let below = unsafe { *(*th.ci).sp.sub(2) };
            stop_iteration(th, code, offset, tools, below, top)
        }
        _ => tell(th, code, offset, event, tools, offset * 2, &[]),
    };
    r.is_ok()
}

/// A unit of a line's beginning runs. False: raised.
///
/// # Safety
/// As [`at_unit`].
#[inline(never)]
pub(crate) unsafe fn at_line(th: &mut Thread, arg: u64, line: u32) -> bool {
    let (code, offset) = place(th);
    // SAFETY: by contract.
    let at = unsafe { (*th.ci).pc.sub(1) };
    let tools = variants::still_wanted(th, code, at, LINE, arg as u8);
    tell(th, code, offset, LINE, tools, line, &[]).is_ok()
}

/// The unit only tells the frame its line.
pub(crate) fn is_silent(arg: u64) -> bool {
    arg >> EVENT_SHIFT == SILENT || arg as u8 == 0
}

/// A jump, or a decision that is known at this instruction.
fn branch(
    th: &mut Thread,
    code: &CodeObject,
    offset: u32,
    event: usize,
    tools: u8,
    top: Word,
) -> PyResult<()> {
    let instrs = decode(&code.data.0.code);
    let Some(at) = instrs.iter().position(|i| i.offset == offset) else { return Ok(()) };
    let i = instrs[at];
    let target = jump_target(&i).map_or(0, |(target, _)| target);
    let is_taken = match i.op {
        O::POP_JUMP_IF_FALSE => Some(top != Word::TRUE),
        O::POP_JUMP_IF_TRUE => Some(top == Word::TRUE),
        O::POP_JUMP_IF_NONE => Some(top == Word::NONE),
        O::POP_JUMP_IF_NOT_NONE => Some(top != Word::NONE),
        _ => None,
    };
    if is_taken.is_some_and(|taken| taken != (event == BRANCH_RIGHT)) {
        return Ok(());
    }
    let (from, to) = match i.op {
        _ if is_taken == Some(true) => (offset, target),
        _ if is_taken == Some(false) => (offset, offset + 1),
        // What follows the head of a loop.
        _ if event == BRANCH_LEFT => {
            let Some(from) = instrs[..at].last() else { return Ok(()) };
            (from.offset, i.start)
        }
        O::POP_ITER => {
            let leads_here =
                |i: &&Instr| i.op == O::FOR_ITER && jump_target(i).is_some_and(|(t, _)| t == offset);
            let Some(from) = instrs.iter().find(leads_here) else { return Ok(()) };
            (from.offset, offset + 1)
        }
        O::END_ASYNC_FOR => (offset, offset + 1),
        _ => (offset, target),
    };
    let to = th.new_int(i64::from(to * 2));
    tell(th, code, offset, event, tools, from * 2, &[to.borrow()])
}

/// A delegation to a generator or coroutine ends with a value.
fn stop_iteration(
    th: &mut Thread,
    code: &CodeObject,
    offset: u32,
    tools: u8,
    receiver: Word,
    value: Word,
) -> PyResult<()> {
    // SAFETY: live words of the stack.
    let (receiver, value) = unsafe {
        (Borrowed::from_raw(receiver.uncounted()), Borrowed::from_raw(value.uncounted()).to_owned())
    };
    if tools == 0 || !receiver.word().is_ptr() || Generator::of(receiver).is_none() {
        return Ok(());
    }
    let exc = ex::STOP_ITERATION.ty().as_value().call(th, &[value.borrow()])?;
    tell(th, code, offset, STOP_ITERATION, tools, offset * 2, &[exc.borrow()])
}

/// Tells tools of an event of the exception on its way.
///
/// Errors: what a callback raises is on its way then.
fn tell_exception(th: &mut Thread, code: &CodeObject, offset: u32, event: usize) -> PyResult<()> {
    let tools = state::global(event);
    if tools == 0 || th.tracing != 0 {
        return Ok(());
    }
    let Some(exc) = th.take_exc() else { return Ok(()) };
    tell(th, code, offset, event, tools, offset * 2, &[exc.borrow()])?;
    let _ = th.set_exc(exc);
    Ok(())
}

/// An exception is raised in the current frame, whose `pc` and `sp` are saved.
#[cold]
#[inline(never)]
pub(crate) fn raised(th: &mut Thread, code: &CodeObject, offset: u32, how: u64) {
    if how == RERAISED {
        let _ = tell_exception(th, code, offset, RERAISE);
        return;
    }
    if how == THROWN {
        // SAFETY: the current record is that of the frame.
        unsafe { (*th.ci).line = code.line_of(offset).unwrap_or(0) };
        if tell_exception(th, code, offset, PY_THROW).is_err() {
            return;
        }
    }
    let _ = tell_exception(th, code, offset, RAISE);
}

/// The current frame has a handler at `target` for the exception in the thread's `victim`.
///
/// Errors: what a callback raises.
#[cold]
#[inline(never)]
pub(crate) fn handled(th: &mut Thread, code: &CodeObject, target: u32) -> PyResult<()> {
    let tools = state::global(EXCEPTION_HANDLED);
    if tools == 0 || th.tracing != 0 {
        return Ok(());
    }
    // SAFETY: `unwind` owns the word; it is put back in any case.
    let exc = unsafe { Owned::from_raw(core::mem::replace(&mut th.victim, Word::ZERO)) };
    let r = tell(th, code, target, EXCEPTION_HANDLED, tools, target * 2, &[exc.borrow()]);
    th.victim = exc.into_raw();
    r
}

/// The exception leaves the current frame.
#[cold]
#[inline(never)]
pub(crate) fn unwound(th: &mut Thread, code: &CodeObject, offset: u32) {
    let _ = tell_exception(th, code, offset, PY_UNWIND);
}
