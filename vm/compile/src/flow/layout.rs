//! Lines for artificial instructions, and the final order of blocks.

use super::{Linked, reach};
use crate::{
    ir::{Block, BlockId, Instr, NONE, Op},
    location::Loc,
    opcode::Opcode,
};

/// Instructions without a position take that of the one before them.
pub(super) fn give_lines(linked: &mut Linked<'_>) {
    let mut predecessors = vec![0_u32; linked.graph.blocks.len()];
    for &block in &linked.graph.order {
        let jumps = linked.graph.instrs(block).iter().filter(|instr| instr.jumps());
        jumps.for_each(|instr| predecessors[instr.target as usize] += 1);
        let next = linked.next[block as usize];
        if next != NONE {
            predecessors[next as usize] += 1;
        }
    }
    for handler in &linked.graph.handlers {
        predecessors[handler.block as usize] += 2;
    }
    for at in 0..linked.graph.order.len() {
        let block = linked.graph.order[at];
        let mut loc = Loc::NONE;
        let instrs = &mut linked.graph.block(block).instrs;
        for instr in instrs.iter_mut() {
            if instr.loc.is_none() {
                instr.loc = loc;
            } else {
                loc = instr.loc;
            }
        }
        let target = instrs.last().filter(|last| last.jumps()).map_or(NONE, |last| last.target);
        for follower in [linked.next[block as usize], target] {
            if follower == NONE || predecessors[follower as usize] != 1 {
                continue;
            }
            if let Some(first) = linked.graph.block(follower).instrs.first_mut()
                && first.loc.is_none()
            {
                first.loc = loc;
            }
        }
    }
}

/// Puts what only exceptions reach behind everything else, and makes each departure from the order a jump.
pub(super) fn arrange(linked: Linked<'_>) {
    let warm = reach::reachable(&linked, false);
    let Linked { graph, mut next } = linked;
    let (mut order, cold): (Vec<BlockId>, Vec<BlockId>) =
        graph.order.iter().partition(|&&block| warm[block as usize]);
    order.extend(cold);
    // Empty blocks are gone: jumps pass through them.
    let pass = |mut block: BlockId, blocks: &[Block], next: &[BlockId]| {
        for _ in 0..blocks.len() {
            if block == NONE || !blocks[block as usize].instrs.is_empty() || next[block as usize] == NONE {
                break;
            }
            block = next[block as usize];
        }
        block
    };
    for &block in &order {
        if let Some(at) = graph.blocks[block as usize].instrs.len().checked_sub(1) {
            let last = graph.blocks[block as usize].instrs[at];
            if last.jumps() {
                graph.blocks[block as usize].instrs[at].target = pass(last.target, &graph.blocks, &next);
            }
        }
    }
    for at in 0..graph.handlers.len() {
        graph.handlers[at].block = pass(graph.handlers[at].block, &graph.blocks, &next);
    }
    for &block in &order {
        next[block as usize] = pass(next[block as usize], &graph.blocks, &next);
    }
    order.retain(|&block| !graph.blocks[block as usize].instrs.is_empty());

    for at in 0..order.len() {
        let block = order[at];
        let following = order.get(at + 1).copied().unwrap_or(NONE);
        let wanted = next[block as usize];
        let instrs = &mut graph.blocks[block as usize].instrs;
        let Some(&last) = instrs.last() else { continue };
        if last.op == Op::Jump && last.target == following {
            // A jump to the next instruction; its line stays if nothing else in the block has it.
            instrs.pop();
            let alone =
                instrs.iter().rev().find(|i| i.op != Op::Setup).is_none_or(|i| i.loc.line != last.loc.line);
            if instrs.is_empty() || alone && !last.loc.is_none() {
                instrs.push(Instr::nop(last.loc, last.handler));
            }
        } else if wanted != NONE && wanted != following {
            let op = if warm[block as usize] { Op::Jump } else { Op::JumpNoInterrupt };
            let jump = Instr { op, arg: 0, target: wanted, handler: NONE, loc: last.loc };
            if last.jumps() {
                // A conditional jump ends its block; the other way gets one of its own.
                let id = graph.blocks.len() as BlockId;
                graph.blocks.push(Block { instrs: vec![jump] });
                next.push(NONE);
                next[block as usize] = id;
            } else {
                instrs.push(jump);
                next[block as usize] = NONE;
            }
        }
    }
    graph.order = with_new_blocks(&order, &next, graph.blocks.len());
    forward_conditions(graph);
}

/// Blocks made while jumps were added follow those that fall into them.
fn with_new_blocks(order: &[BlockId], next: &[BlockId], blocks: usize) -> Vec<BlockId> {
    let mut known = vec![false; blocks];
    order.iter().for_each(|&block| known[block as usize] = true);
    let mut full = Vec::with_capacity(blocks);
    for &block in order {
        full.push(block);
        let next = next[block as usize];
        if next != NONE && !known[next as usize] {
            full.push(next);
        }
    }
    full
}

/// Conditional jumps only go forward: one that would go back skips a jump that does.
fn forward_conditions(graph: &mut crate::ir::Graph) {
    let mut position = vec![usize::MAX; graph.blocks.len()];
    graph.order.iter().enumerate().for_each(|(at, &block)| position[block as usize] = at);
    let old = std::mem::take(&mut graph.order);
    for (at, &block) in old.iter().enumerate() {
        graph.order.push(block);
        let Some(&last) = graph.instrs(block).last() else { continue };
        if !last.is_conditional_jump() || position[last.target as usize] > at {
            continue;
        }
        let Some(&following) = old.get(at + 1) else { continue };
        let inverse = match last.op {
            Op::Code(Opcode::POP_JUMP_IF_TRUE) => Opcode::POP_JUMP_IF_FALSE,
            Op::Code(Opcode::POP_JUMP_IF_FALSE) => Opcode::POP_JUMP_IF_TRUE,
            Op::Code(Opcode::POP_JUMP_IF_NONE) => Opcode::POP_JUMP_IF_NOT_NONE,
            _ => Opcode::POP_JUMP_IF_NONE,
        };
        let jump = Instr { op: Op::Jump, arg: 0, target: last.target, handler: last.handler, loc: last.loc };
        if let Some(last) = graph.block(block).instrs.last_mut() {
            last.op = Op::Code(inverse);
            last.target = following;
        }
        let id = graph.new_block();
        graph.block(id).instrs.push(jump);
        graph.order.push(id);
    }
}
