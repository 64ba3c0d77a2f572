//! Where a thread is, for `perf`, and getting from one trampoline to another.

use super::map::{self, Spans};
use super::{is_active, trampoline};
use crate::interp::frame::CallRecord;
use crate::interp::machine::{Handler, Out};
use crate::thread::Thread;
use crate::word::Word;

/// Machine stack that is left to natives: where there is less, frames run without trampolines.
const RESERVE: usize = 512 << 10;

/// The registers of the machine, on their way into a nested machine or out of it.
#[derive(Clone, Copy)]
struct Registers {
    pc: *const u64,
    sp: *mut Word,
    fp: *mut Word,
    tos: Word,
    arg: u64,
}

/// What a trampoline on the stack stands for.
#[derive(Clone, Copy)]
struct Place {
    /// The record of the frame, or null: there is no trampoline.
    record: *mut CallRecord,
    /// The words that have this name, of those in `spans`, the trampolines of its code; null: the frame is gone.
    start: usize,
    end: usize,
    spans: *const Spans,
    /// The frame pointer below it.
    frame: usize,
}

/// Where a thread is.
pub struct Position {
    on: bool,
    /// A nested machine was left with the registers, and did not end.
    left: bool,
    /// The innermost trampoline.
    place: Place,
    registers: Registers,
    /// The handler of the instruction at which a machine is entered or was left.
    handler: Option<Handler>,
}

impl Position {
    pub(crate) fn new() -> Position {
        let (pc, sp) = (core::ptr::null(), core::ptr::null_mut());
        Position {
            on: map::is_on(),
            left: false,
            place: Place {
                record: core::ptr::null_mut(),
                start: 0,
                end: 0,
                spans: core::ptr::null(),
                frame: 0,
            },
            registers: Registers { pc, sp, fp: sp, tos: Word::ZERO, arg: 0 },
            handler: None,
        }
    }

    /// The instruction in front of `pc`, of the frame in `record`, belongs to another trampoline than the innermost,
    /// or to none.
    #[inline(always)]
    pub(crate) fn is_elsewhere(&self, record: *mut CallRecord, pc: *const u64) -> bool {
        let Place { record: own, start, end, .. } = self.place;
        self.on && (record != own || pc as usize <= start || pc as usize > end)
    }

    /// An exception took the thread down to `record`. What runs before the nested machines are left, finalisers, must
    /// not take the trampoline of a frame that is gone for that of its own frame.
    pub(crate) fn unwound(&mut self, record: *mut CallRecord) {
        if self.place.record > record {
            self.place = Place { record, start: 0, end: 0, spans: core::ptr::null(), ..self.place };
        }
    }
}

/// Runs `handler` for the instruction in front of `pc`, which [is elsewhere](Position::is_elsewhere).
///
/// # Safety
/// As for handlers.
#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "the machine's registers")]
pub(crate) unsafe fn switch(
    handler: Handler,
    pc: *const u64,
    sp: *mut Word,
    fp: *mut Word,
    th: *mut Thread,
    tos: Word,
    arg: u64,
) -> Out {
    // SAFETY: `th` is the running thread.
    unsafe {
        (*th).perf.handler = Some(handler);
        go_on(pc, sp, fp, th, tos, arg)
    }
}

/// What to do before an instruction runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Nothing.
    Run,
    /// Back to the machine in which the innermost trampoline was entered.
    Leave,
    /// Into another one, below the trampoline in the position.
    Enter,
}

/// Runs the handler in the thread's position where it belongs.
///
/// Another line of the frame of the innermost trampoline is what this is asked for most. So that comes first, and
/// leaves `rbp` alone.
///
/// # Safety
/// As for handlers.
#[inline(never)]
unsafe extern "sysv64" fn go_on(
    pc: *const u64,
    sp: *mut Word,
    fp: *mut Word,
    th: *mut Thread,
    tos: Word,
    arg: u64,
) -> Out {
    // SAFETY: the registers are passed on; `th` is the running thread; the code of a frame that is not gone lives.
    unsafe {
        let place = &raw mut (*th).perf.place;
        if (*place).record == (*th).ci
            && let Some(spans) = (*place).spans.as_ref()
            && let Some(span) = spans.at(pc)
        {
            (*place).start = span.start;
            (*place).end = span.end;
            trampoline::rename((*place).frame, span.trampoline);
            let handler = (*th).perf.handler.unwrap_unchecked();
            return handler(pc, sp, fp, th, tos, arg);
        }
        cross(pc, sp, fp, th, tos, arg)
    }
}

/// Runs the handler in the thread's position in another machine, or where it is if it belongs nowhere. Returns only when
/// a machine ends or is left.
///
/// # Safety
/// As for handlers.
#[inline(never)]
pub unsafe extern "sysv64" fn cross(
    mut pc: *const u64,
    mut sp: *mut Word,
    mut fp: *mut Word,
    th: *mut Thread,
    mut tos: Word,
    mut arg: u64,
) -> Out {
    // SAFETY: the registers are passed on; `th` is the running thread.
    unsafe {
        let own = &raw mut (*th).perf;
        loop {
            match way(th, pc) {
                Way::Run => break,
                Way::Leave => {
                    (*own).registers = Registers { pc, sp, fp, tos, arg };
                    (*own).left = true;
                    return Word::ZERO;
                }
                Way::Enter => {
                    (*own).registers = Registers { pc, sp, fp, tos, arg };
                    let result = enter(th);
                    if !(*own).left {
                        return result;
                    }
                    (*own).left = false;
                    Registers { pc, sp, fp, tos, arg } = (*own).registers;
                }
            }
        }
        let handler = (*own).handler.unwrap_unchecked();
        handler(pc, sp, fp, th, tos, arg)
    }
}

/// Where the instruction in front of `pc` belongs.
#[inline(never)]
unsafe fn way(th: *mut Thread, pc: *const u64) -> Way {
    // SAFETY: `th` is the running thread; a record that is not a boundary has its code.
    unsafe {
        let record = (*th).ci;
        let place = (*th).perf.place;
        if record < place.record {
            return Way::Leave;
        }
        // Units of no code object, which end a machine or begin code, belong where they run.
        let Some((spans, span)) = span(record, pc) else { return Way::Run };
        if record == place.record {
            if place.spans.is_null() {
                return Way::Leave;
            }
            (*th).perf.place = Place { start: span.start, end: span.end, spans, ..place };
            trampoline::rename(place.frame, span.trampoline);
            return Way::Run;
        }
        let has_room = stack_pointer() > (*th).native_limit + RESERVE;
        if is_active() && has_room { Way::Enter } else { Way::Run }
    }
}

/// The span of the instruction in front of `pc`, which the frame in `record` runs, with all of its code.
unsafe fn span<'a>(record: *mut CallRecord, pc: *const u64) -> Option<(&'a Spans, &'a map::Span)> {
    // SAFETY: the record's frame is running, or it is a boundary, without code.
    let spans = unsafe { (*record).code.as_ref()?.linked_now()?.spans() };
    Some((spans, spans.at(pc)?))
}

fn stack_pointer() -> usize {
    let here: usize;
    // SAFETY: reads a register.
    unsafe {
        core::arch::asm!("mov {}, rsp", out(reg) here, options(nomem, nostack, preserves_flags));
    }
    here
}

/// Runs the machine from the registers in the position, below the trampoline that they belong to, until it ends or is
/// left.
#[inline(never)]
unsafe fn enter(th: *mut Thread) -> Out {
    // SAFETY: `way` found the span.
    unsafe {
        let outer = (*th).perf.place;
        let record = (*th).ci;
        let Registers { pc, sp, fp, tos, .. } = (*th).perf.registers;
        let (spans, span) = span(record, pc).unwrap_unchecked();
        (*th).perf.place = Place { record, start: span.start, end: span.end, spans, frame: 0 };
        let result = (span.trampoline)(pc, sp, fp, th, tos, outer.frame as u64);
        (*th).perf.place = outer;
        result
    }
}

/// What a trampoline calls: the handler in the position.
///
/// # Safety
/// As for handlers; `frame` is the trampoline's frame pointer.
#[inline(never)]
pub(super) unsafe extern "sysv64" fn nested(
    pc: *const u64,
    sp: *mut Word,
    fp: *mut Word,
    th: *mut Thread,
    tos: Word,
    frame: u64,
) -> Out {
    // SAFETY: by contract.
    unsafe {
        (*th).perf.place.frame = frame as usize;
        let handler = (*th).perf.handler.unwrap_unchecked();
        handler(pc, sp, fp, th, tos, (*th).perf.registers.arg)
    }
}
