//! Definite assignment: a load of a local that may be unbound is a checked one.

use crate::{
    ir::{BlockId, Graph, NONE, Op},
    opcode::Opcode,
};

/// Slots that may be unbound, as a bit set.
type Unbound = Vec<u64>;

struct Analysis {
    /// What may be unbound at the start of each block; None if not reached yet.
    entry: Vec<Option<Unbound>>,
    work: Vec<BlockId>,
}

impl Analysis {
    fn flow(&mut self, block: BlockId, state: &Unbound) {
        let changed = match &mut self.entry[block as usize] {
            Some(old) => {
                let mut changed = false;
                for (old, new) in old.iter_mut().zip(state) {
                    changed |= *new & !*old != 0;
                    *old |= *new;
                }
                changed
            }
            empty => {
                *empty = Some(state.clone());
                true
            }
        };
        if changed {
            self.work.push(block);
        }
    }
}

fn set(state: &mut Unbound, slot: u32, unbound: bool) {
    let bit = 1 << (slot & 63);
    let Some(word) = state.get_mut(slot as usize >> 6) else { return };
    if unbound {
        *word |= bit;
    } else {
        *word &= !bit;
    }
}

fn get(state: &Unbound, slot: u32) -> bool {
    state.get(slot as usize >> 6).is_some_and(|word| word >> (slot & 63) & 1 != 0)
}

/// The effect of an instruction; true if it changed the state.
fn step(state: &mut Unbound, op: Op, slot: u32) -> bool {
    let unbound = match op {
        Op::Code(Opcode::STORE_FAST | Opcode::LOAD_FAST) => false,
        Op::Code(Opcode::DELETE_FAST | Opcode::LOAD_FAST_AND_CLEAR) | Op::StoreMaybeNull => true,
        _ => return false,
    };
    let before = get(state, slot);
    set(state, slot, unbound);
    before != unbound
}

/// Turns LOAD_FAST into LOAD_FAST_CHECK where needed. Runs before loads are joined.
pub(super) fn check_loads(graph: &mut Graph, parameters: u32, slots: u32) {
    let Some(&first) = graph.order.first() else { return };
    let mut start = vec![u64::MAX; slots as usize / 64 + 1];
    (0..parameters).for_each(|slot| set(&mut start, slot, false));
    let mut analysis = Analysis { entry: vec![None; graph.blocks.len()], work: Vec::new() };
    analysis.flow(first, &start);
    let mut next = vec![NONE; graph.blocks.len()];
    graph.order.windows(2).for_each(|pair| next[pair[0] as usize] = pair[1]);
    while let Some(block) = analysis.work.pop() {
        let Some(mut state) = analysis.entry[block as usize].clone() else { continue };
        let mut flowed = NONE;
        let mut changed = true;
        for instr in graph.instrs(block) {
            if instr.handler != NONE && (changed || flowed != instr.handler) {
                let handler = graph.handlers[instr.handler as usize].block;
                analysis.flow(handler, &state);
                flowed = instr.handler;
            }
            changed = step(&mut state, instr.op, instr.arg);
            if changed && instr.handler != NONE {
                let handler = graph.handlers[instr.handler as usize].block;
                analysis.flow(handler, &state);
            }
            if instr.jumps() {
                analysis.flow(instr.target, &state);
            }
        }
        let ends = graph.instrs(block).last().is_some_and(|last| last.ends());
        if !ends && next[block as usize] != NONE {
            analysis.flow(next[block as usize], &state);
        }
    }
    for at in 0..graph.order.len() {
        let block = graph.order[at];
        let Some(mut state) = analysis.entry[block as usize].take() else { continue };
        for instr in &mut graph.block(block).instrs {
            let checked = instr.is(Opcode::LOAD_FAST) && get(&state, instr.arg);
            step(&mut state, instr.op, instr.arg);
            if checked {
                instr.op = Op::Code(Opcode::LOAD_FAST_CHECK);
            }
        }
    }
}
