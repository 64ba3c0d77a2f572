//! Improvements over basic blocks, after code generation and before assembly.

pub(crate) mod borrow;
mod bound;
pub(crate) mod depth;
mod layout;
mod peephole;
mod reach;

use crate::ir::{BlockId, Graph, NONE};

/// A graph with the fall-through of each block made explicit, so that blocks can be moved.
pub(crate) struct Linked<'g> {
    pub(crate) graph: &'g mut Graph,
    /// Where control goes behind a block that does not end it.
    pub(crate) next: Vec<BlockId>,
}

impl<'g> Linked<'g> {
    fn new(graph: &'g mut Graph) -> Self {
        let mut next = vec![NONE; graph.blocks.len()];
        for pair in graph.order.windows(2) {
            let ends = graph.instrs(pair[0]).last().is_some_and(|last| last.ends());
            if !ends {
                next[pair[0] as usize] = pair[1];
            }
        }
        Linked { graph, next }
    }

    /// The block that control really reaches when it goes to `block`: empty ones are passed through.
    pub(crate) fn effective(&self, mut block: BlockId) -> BlockId {
        for _ in 0..self.graph.blocks.len() {
            if block == NONE || !self.graph.instrs(block).is_empty() {
                break;
            }
            let next = self.next[block as usize];
            if next == NONE {
                break;
            }
            block = next;
        }
        block
    }
}

/// Runs all passes; `parameters` is the number of slots that are bound at entry, `slots` the number of all.
pub(crate) fn optimize(graph: &mut Graph, parameters: u32, slots: u32) {
    let mut linked = Linked::new(graph);
    reach::drop_unreachable(&mut linked);
    reach::thread_jumps(&mut linked);
    reach::copy_exits(&mut linked);
    reach::drop_unreachable(&mut linked);
    peephole::swaps(&mut linked);
    layout::give_lines(&mut linked);
    peephole::drop_nops(&mut linked);
    layout::arrange(linked);
    bound::check_loads(graph, parameters, slots);
}
