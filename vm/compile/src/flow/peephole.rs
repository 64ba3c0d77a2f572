//! Improvements inside one block.

use super::Linked;
use crate::{
    ir::{Instr, NONE, Op},
    opcode::Opcode,
};

/// `SWAP n` before n stores or pops is the stores in another order.
pub(super) fn swaps(linked: &mut Linked<'_>) {
    for &block in &linked.graph.order {
        let instrs = &mut linked.graph.blocks[block as usize].instrs;
        for at in 0..instrs.len() {
            let swap = instrs[at];
            if !swap.is(Opcode::SWAP) || !(2..=3).contains(&swap.arg) {
                continue;
            }
            let count = swap.arg as usize;
            let Some(stores) = instrs.get(at + 1..at + 1 + count) else { continue };
            if !stores.iter().all(is_store) || !distinct(stores) {
                continue;
            }
            instrs[at + 1..at + 1 + count].reverse();
            instrs[at] = Instr::nop(swap.loc, swap.handler);
        }
    }
}

fn is_store(instr: &Instr) -> bool {
    instr.op == Op::StoreMaybeNull || instr.is(Opcode::STORE_FAST) || instr.is(Opcode::POP_TOP)
}

fn distinct(stores: &[Instr]) -> bool {
    stores.iter().enumerate().all(|(at, store)| {
        store.is(Opcode::POP_TOP)
            || stores[..at].iter().all(|other| other.is(Opcode::POP_TOP) || other.arg != store.arg)
    })
}

/// Drops NOPs that are not alone on their line, and conditional jumps to where control goes anyway.
pub(super) fn drop_nops(linked: &mut Linked<'_>) {
    for at in 0..linked.graph.order.len() {
        let block = linked.graph.order[at];
        let next = linked.effective_next(block);
        let next_line = match next {
            NONE => None,
            next => linked.graph.instrs(next).first().map(|first| first.loc.line),
        };
        let instrs = &mut linked.graph.block(block).instrs;
        let mut previous_line = 0;
        let mut kept: Vec<Instr> = Vec::with_capacity(instrs.len());
        for at in 0..instrs.len() {
            let instr = instrs[at];
            if instr.is(Opcode::NOP) {
                let line = instr.loc.line;
                let following = instrs[at + 1..].iter().find(|i| i.op != Op::Setup && !i.loc.is_none());
                let following = following.map(|i| i.loc.line).or(next_line);
                if line == 0 || line == previous_line || following == Some(line) {
                    continue;
                }
            }
            if !instr.loc.is_none() && instr.op != Op::Setup {
                previous_line = instr.loc.line;
            }
            kept.push(instr);
        }
        *instrs = kept;
    }
}

impl Linked<'_> {
    fn effective_next(&self, block: u32) -> u32 {
        let next = self.next[block as usize];
        if next != NONE {
            return self.effective(next);
        }
        match self.graph.instrs(block).last() {
            Some(last) if last.is_unconditional_jump() => last.target,
            _ => NONE,
        }
    }
}

/// Joins neighbouring loads and stores of locals into one instruction.
pub(crate) fn join_locals(instrs: &mut Vec<Instr>) {
    let mut kept: Vec<Instr> = Vec::with_capacity(instrs.len());
    for &instr in instrs.iter() {
        let joined = kept.last().and_then(|&first| pair(first, instr));
        match (joined, kept.last_mut()) {
            (Some(joined), Some(last)) => *last = joined,
            _ => kept.push(instr),
        }
    }
    *instrs = kept;
}

fn pair(first: Instr, second: Instr) -> Option<Instr> {
    let (Op::Code(a), Op::Code(b)) = (first.op, second.op) else { return None };
    let op = match (a, b) {
        (Opcode::LOAD_FAST, Opcode::LOAD_FAST) => Opcode::LOAD_FAST_LOAD_FAST,
        (Opcode::LOAD_FAST_BORROW, Opcode::LOAD_FAST_BORROW) => Opcode::LOAD_FAST_BORROW_LOAD_FAST_BORROW,
        (Opcode::STORE_FAST, Opcode::LOAD_FAST) => Opcode::STORE_FAST_LOAD_FAST,
        (Opcode::STORE_FAST, Opcode::STORE_FAST) => Opcode::STORE_FAST_STORE_FAST,
        _ => return None,
    };
    let same_line = first.loc.line == second.loc.line || second.loc.is_none();
    let fits = first.arg < 16 && second.arg < 16 && first.handler == second.handler && same_line;
    fits.then_some(Instr { op: Op::Code(op), arg: first.arg << 4 | second.arg, ..first })
}
