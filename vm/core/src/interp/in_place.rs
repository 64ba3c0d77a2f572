//! Which loops can do without an iterator.
//!
//! A loop over a list, a tuple or a range leaves that on the evaluation stack in an iterator's place. Where the loop is in
//! it stands in one of the words that its code has behind the named locals: the one with the number of the values that
//! lie below the iterable. [`positions`] tells how many of those words code gets; a loop that lies deeper in an
//! expression than was foreseen has an iterator, and so has one whose GET_ITER and FOR_ITER do not belong together.

use typhon_compile::Opcode as O;
use typhon_compile::code::Code;

use super::link::{Instr, decode, jump_target};
use super::tables;

/// Bits of an instruction's argument for the number of positions of its code.
pub const POSITION_BITS: u32 = 3;
/// Is `instrs[at]` the GET_ITER of a `for` or of an inlined comprehension, with its FOR_ITER behind it?
pub(super) fn is_loop(instrs: &[Instr], at: usize) -> bool {
    instrs[at].op == O::GET_ITER && instrs.get(at + 1).is_some_and(|next| next.op == O::FOR_ITER)
}

/// Words for positions that a frame of this code has: enough for loops in statements, and for comprehensions that are
/// not deep inside an expression.
pub fn positions(data: &Code) -> u32 {
    if !data.code.chunks_exact(2).any(|unit| unit[0] == O::GET_ITER as u8) {
        return 0;
    }
    let instrs = decode(&data.code);
    let mut most = 0;
    // Where the enclosing loops end.
    let mut ends: Vec<u32> = Vec::new();
    for at in (0..instrs.len()).filter(|&at| is_loop(&instrs, at)) {
        let for_iter = &instrs[at + 1];
        ends.retain(|end| for_iter.offset < *end);
        // What a handler keeps, and a comprehension's result, lie below.
        let kept = tables::handler(&data.exceptiontable, for_iter.offset).map_or(0, |entry| entry.depth);
        let is_comprehension = at > 0 && instrs[at - 1].op == O::SWAP;
        most = most.max((ends.len() as u32).max(kept + u32::from(is_comprehension)) + 1);
        ends.extend(jump_target(for_iter).map(|(end, _)| end));
    }
    most.min((1 << POSITION_BITS) - 1)
}
