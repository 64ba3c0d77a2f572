//! Reachability, jumps to jumps, and copies of short exits.

use super::Linked;
use crate::ir::{BlockId, Instr, NONE, Op};
use crate::opcode::Opcode;

/// Longest exit that is copied in place of a jump to it.
const MAX_EXIT: usize = 4;

/// Blocks that can run; with `handlers`, also by way of exceptions.
pub(super) fn reachable(linked: &Linked<'_>, handlers: bool) -> Vec<bool> {
    let mut seen = vec![false; linked.graph.blocks.len()];
    let mut work: Vec<BlockId> = linked.graph.order.first().copied().into_iter().collect();
    while let Some(block) = work.pop() {
        if std::mem::replace(&mut seen[block as usize], true) {
            continue;
        }
        for instr in linked.graph.instrs(block) {
            if instr.jumps() {
                work.push(instr.target);
            }
            let raises = !instr.is(Opcode::NOP) && instr.op != Op::Setup;
            if handlers && raises && instr.handler != NONE {
                work.push(linked.graph.handlers[instr.handler as usize].block);
            }
        }
        let next = linked.next[block as usize];
        if next != NONE {
            work.push(next);
        }
    }
    seen
}

pub(super) fn drop_unreachable(linked: &mut Linked<'_>) {
    let seen = reachable(linked, true);
    linked.graph.order.retain(|&block| seen[block as usize]);
    for (block, _) in seen.iter().enumerate().filter(|(_, seen)| !**seen) {
        linked.graph.blocks[block].instrs.clear();
    }
}

/// Lets a jump to a jump go to the end of the chain, where no line event is lost by it.
pub(super) fn thread_jumps(linked: &mut Linked<'_>) {
    for at in 0..linked.graph.order.len() {
        let block = linked.graph.order[at];
        let Some(&last) = linked.graph.instrs(block).last() else { continue };
        if !last.jumps() {
            continue;
        }
        let mut target = linked.effective(last.target);
        if last.is_unconditional_jump() || last.is_conditional_jump() {
            for _ in 0..16 {
                let Some(first) = linked.graph.instrs(target).first() else { break };
                let same_line = first.loc.is_none() || first.loc.line == last.loc.line;
                if first.op != Op::Jump || !same_line {
                    break;
                }
                let behind = linked.effective(first.target);
                if behind == target || behind == block {
                    break;
                }
                target = behind;
            }
        }
        if let Some(last) = linked.graph.block(block).instrs.last_mut() {
            last.target = target;
        }
    }
}

/// A jump to a short block that returns or raises becomes a copy of it.
pub(super) fn copy_exits(linked: &mut Linked<'_>) {
    for at in 0..linked.graph.order.len() {
        let block = linked.graph.order[at];
        let Some(&last) = linked.graph.instrs(block).last() else { continue };
        if last.op != Op::Jump || last.target == block {
            continue;
        }
        let target = linked.graph.instrs(last.target);
        let short = target.len() <= MAX_EXIT && target.last().is_some_and(Instr::is_exit);
        if !short {
            continue;
        }
        let copy: Vec<Instr> = target.to_vec();
        let instrs = &mut linked.graph.block(block).instrs;
        instrs.pop();
        for mut instr in copy {
            if instr.loc.is_none() {
                instr.loc = last.loc;
            }
            instrs.push(instr);
        }
    }
}
