//! Depth of the evaluation stack.

use crate::ir::{BlockId, Graph, NONE, Op};

/// Computes the depth at the start of each block and of each handler; the result is the largest depth anywhere.
pub(crate) fn annotate(graph: &mut Graph) -> u32 {
    let mut depths: Vec<Option<u32>> = vec![None; graph.blocks.len()];
    let mut next = vec![NONE; graph.blocks.len()];
    graph.order.windows(2).for_each(|pair| next[pair[0] as usize] = pair[1]);
    let mut work: Vec<(BlockId, u32)> = graph.order.first().map(|&first| (first, 0)).into_iter().collect();
    let mut max = 0;
    while let Some((block, depth)) = work.pop() {
        if depths[block as usize].is_some() {
            debug_assert_eq!(depths[block as usize], Some(depth), "depth at block {block}");
            continue;
        }
        depths[block as usize] = Some(depth);
        let mut depth = depth;
        let mut ended = false;
        for at in 0..graph.instrs(block).len() {
            let instr = graph.instrs(block)[at];
            if instr.op == Op::Setup {
                let handler = &mut graph.handlers[instr.arg as usize];
                let kept = depth.saturating_sub(instr.target);
                handler.depth = Some(kept);
                let entry = kept + 1 + u32::from(handler.lasti);
                max = max.max(entry);
                work.push((handler.block, entry));
                continue;
            }
            let (pops, pushes) = instr.effect();
            depth = depth.saturating_sub(pops) + pushes;
            max = max.max(depth);
            if instr.jumps() {
                work.push((instr.target, depth));
            }
            ended = instr.ends();
        }
        if !ended && next[block as usize] != NONE {
            work.push((next[block as usize], depth));
        }
    }
    graph.depths = depths;
    max
}
