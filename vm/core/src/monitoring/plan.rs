//! Which units report the events of a code object, and where they stand.

use std::collections::HashSet;

use typhon_compile::Opcode as O;

use super::event::*;
use super::variants::Masks;
use crate::code::CodeObject;
use crate::interp::link::{Instr, decode, jump_target};
use crate::interp::opcodes::Op;
use crate::interp::tables::{self, Positions};

/// Where the tools of an event unit's argument end, and its event begins.
pub(crate) const EVENT_SHIFT: u32 = 8;
/// In place of an event: the unit only keeps the frame's line.
pub(crate) const SILENT: u64 = 31;

/// A unit that reports.
pub(crate) struct EventUnit {
    pub op: Op,
    pub arg: u64,
    /// The word behind it: a line.
    pub word: Option<u64>,
}

/// The reporting units of a code object.
pub(crate) struct Plan {
    /// For each instruction the units in front of it.
    before: Vec<Vec<EventUnit>>,
    /// Tools that watch calls.
    callers: u8,
}

impl Plan {
    pub fn new(code: &CodeObject, instrs: &[Instr], events: Masks) -> Plan {
        let mut before: Vec<Vec<EventUnit>> = instrs.iter().map(|_| Vec::new()).collect();
        let first = instrs.iter().position(|i| i.op == O::RESUME).unwrap_or(0);
        if events[LINE] != 0 {
            plan_lines(code, instrs, first, events[LINE], &mut before);
        }
        let targets: HashSet<u32> = instrs.iter().filter_map(jump_target).map(|(target, _)| target).collect();
        for (at, i) in instrs.iter().enumerate() {
            let begins_body = at > 0
                && instrs[at - 1].op == O::FOR_ITER
                && !(i.start..=i.offset).any(|offset| targets.contains(&offset));
            let units = &mut before[at];
            let mut report = |event: usize| {
                if events[event] != 0 {
                    units.push(EventUnit { op: Op::Event, arg: argument(event, events[event]), word: None });
                }
            };
            if begins_body {
                report(BRANCH_LEFT);
            }
            if at >= first && !matches!(i.op, O::RESUME | O::END_FOR | O::CACHE) {
                report(INSTRUCTION);
            }
            match i.op {
                O::RESUME => report(if i.arg & 3 == 0 { PY_START } else { PY_RESUME }),
                O::RETURN_VALUE => report(PY_RETURN),
                O::YIELD_VALUE => report(PY_YIELD),
                O::JUMP_FORWARD | O::JUMP_BACKWARD => report(JUMP),
                O::POP_JUMP_IF_FALSE
                | O::POP_JUMP_IF_TRUE
                | O::POP_JUMP_IF_NONE
                | O::POP_JUMP_IF_NOT_NONE => {
                    report(BRANCH_LEFT);
                    report(BRANCH_RIGHT);
                }
                O::POP_ITER | O::END_ASYNC_FOR => report(BRANCH_RIGHT),
                O::END_SEND | O::END_FOR => report(STOP_ITERATION),
                _ => {}
            }
        }
        Plan { before, callers: events[CALL] }
    }

    /// The units in front of an instruction.
    pub fn before(&self, at: usize) -> &[EventUnit] {
        &self.before[at]
    }

    /// Puts an instruction that reports in the place of one that does not. Behind the pad of a call follows a NOP
    /// that says which tools want to know.
    pub fn replace(&self, op: &mut Op, words: &mut Vec<u64>) {
        if self.callers == 0 {
            return;
        }
        *op = match *op {
            Op::Call => Op::CallMonitored,
            Op::CallKw => Op::CallKwMonitored,
            Op::CallFunctionEx => Op::CallFunctionExMonitored,
            _ => return,
        };
        words.push(crate::interp::eval::unit(Op::Nop, argument(CALL, self.callers)));
    }
}

/// The argument of a unit that reports `event` to `tools`.
pub(crate) fn argument(event: usize, tools: u8) -> u64 {
    (event as u64) << EVENT_SHIFT | u64::from(tools)
}

/// The line of each 16-bit unit; 0: none.
pub(crate) fn lines(code: &CodeObject) -> Vec<u32> {
    let data = &code.data.0;
    let mut lines = vec![0; data.code.len() / 2 + 1];
    for (at, n, position) in Positions::new(&data.linetable, data.firstlineno) {
        let end = (at + n).min(lines.len() as u32);
        if at < end {
            lines[at as usize..end as usize].fill(position.line.unwrap_or(0));
        }
    }
    lines
}

/// A line begins where the line differs from that of the instruction in front, where a jump lands, and at handlers; the
/// event is reported if the frame comes from elsewhere. Where that cannot be, the frame is only told its line.
fn plan_lines(code: &CodeObject, instrs: &[Instr], first: usize, tools: u8, before: &mut [Vec<EventUnit>]) {
    let lines = lines(code);
    let mut lands = vec![false; lines.len()];
    for i in &instrs[first..] {
        if let Some((target, _)) = jump_target(i) {
            lands[(target as usize).min(lines.len() - 1)] = true;
        }
    }
    for target in tables::handler_targets(&code.data.0.exceptiontable) {
        lands[(target as usize).min(lines.len() - 1)] = true;
    }
    let mut current = 0;
    // Is the frame told another line than that of the instruction?
    let mut is_stale = true;
    for (at, i) in instrs.iter().enumerate().skip(first) {
        let line = lines[i.offset as usize];
        let lands_here = (i.start..=i.offset).any(|o| lands[o as usize]);
        let mut tell = |event: u64, tools: u8, line: u32| {
            let arg = event << EVENT_SHIFT | u64::from(tools);
            before[at].push(EventUnit { op: Op::EventLine, arg, word: Some(u64::from(line)) });
        };
        match i.op {
            O::RESUME => {
                tell(SILENT, 0, 0);
                is_stale = true;
            }
            O::END_FOR | O::END_SEND | O::POP_ITER | O::END_ASYNC_FOR => {}
            _ => {
                if line != 0 && (line != current || lands_here) {
                    tell(LINE as u64, tools, line);
                    is_stale = false;
                } else if line != current || is_stale {
                    tell(SILENT, 0, line);
                    is_stale = false;
                }
                current = line;
            }
        }
    }
}

/// The branches of a code object: where they are decided, and where they lead if they are not taken and if they are.
pub(crate) fn branches(code: &CodeObject) -> Vec<(u32, u32, u32)> {
    let instrs = decode(&code.data.0.code);
    let mut out = Vec::new();
    for (at, i) in instrs.iter().enumerate() {
        let Some((target, _)) = jump_target(i) else { continue };
        match i.op {
            O::POP_JUMP_IF_FALSE | O::POP_JUMP_IF_TRUE | O::POP_JUMP_IF_NONE | O::POP_JUMP_IF_NOT_NONE => {
                out.push((i.offset, i.offset + 1, target));
            }
            // The POP_ITER at the target reports.
            O::FOR_ITER => {
                let left = instrs.get(at + 1).map_or(i.offset + 1, |next| next.start);
                out.push((i.offset, left, target + 1));
            }
            _ => {}
        }
    }
    out
}
