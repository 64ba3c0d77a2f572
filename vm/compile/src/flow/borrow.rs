//! Loads of locals that need no count of their own.
//!
//! A value loaded from a local may stay on the stack as a borrowed reference if it is consumed inside its basic block
//! before the local changes, and is neither stored into a local, nor returned or yielded, nor kept over a point where an
//! exception handler or a suspension could see the stack. Values passed as arguments count as consumed by the call.

use super::peephole;
use crate::{
    ir::{Graph, Instr, Op},
    opcode::Opcode,
};

/// A value on the stack: the load that pushed it, if it came from a local in this block.
type Value = Option<usize>;

/// Rewrites loads of locals to borrowing ones where that is safe, then joins pairs.
pub(crate) fn borrow(graph: &mut Graph) {
    for at in 0..graph.order.len() {
        let block = graph.order[at];
        let depth = graph.depths[block as usize].unwrap_or(0) as usize;
        let instrs = &mut graph.block(block).instrs;
        let owned = owned_loads(instrs, depth);
        for (instr, owned) in instrs.iter_mut().zip(owned) {
            if instr.is(Opcode::LOAD_FAST) && !owned {
                instr.op = Op::Code(Opcode::LOAD_FAST_BORROW);
            }
        }
        peephole::join_locals(instrs);
    }
}

struct Block<'i> {
    instrs: &'i [Instr],
    stack: Vec<Value>,
    owned: Vec<bool>,
}

impl Block<'_> {
    fn pop(&mut self) -> Value {
        self.stack.pop().flatten()
    }

    fn own(&mut self, value: Value) {
        if let Some(load) = value {
            self.owned[load] = true;
        }
    }

    fn own_all(&mut self) {
        for at in 0..self.stack.len() {
            self.own(self.stack[at]);
        }
    }

    /// The local is about to change: what was loaded from it must live without it.
    fn kill(&mut self, slot: u32) {
        for at in 0..self.stack.len() {
            if let Some(load) = self.stack[at].filter(|&load| self.instrs[load].arg == slot) {
                self.owned[load] = true;
            }
        }
    }

    fn peek(&self, depth: usize) -> Value {
        self.stack.len().checked_sub(depth).and_then(|at| self.stack[at])
    }

    fn step(&mut self, at: usize) {
        let instr = self.instrs[at];
        let op = match instr.op {
            Op::Setup => return self.own_all(),
            Op::StoreMaybeNull => Opcode::STORE_FAST,
            Op::Code(op) => op,
            _ => Opcode::NOP,
        };
        let (pops, pushes) = instr.effect();
        match op {
            Opcode::LOAD_FAST => self.stack.push(Some(at)),
            Opcode::STORE_FAST => {
                let value = self.pop();
                self.own(value);
                self.kill(instr.arg);
            }
            Opcode::DELETE_FAST => self.kill(instr.arg),
            Opcode::LOAD_FAST_AND_CLEAR => {
                self.kill(instr.arg);
                self.stack.push(None);
            }
            Opcode::COPY => {
                let value = self.peek(instr.arg as usize);
                self.stack.push(value);
            }
            Opcode::SWAP => {
                let top = self.stack.len();
                if let (Some(a), Some(b)) = (top.checked_sub(1), top.checked_sub(instr.arg as usize)) {
                    self.stack.swap(a, b);
                }
            }
            Opcode::RETURN_VALUE | Opcode::YIELD_VALUE => {
                self.own_all();
                self.replace(pops, pushes);
            }
            // The receiver of a method call stays as `self`.
            Opcode::LOAD_ATTR | Opcode::LOAD_SPECIAL | Opcode::LOAD_SUPER_ATTR => {
                let owner = self.pop();
                self.replace(pops - 1, 1);
                if pushes == 2 {
                    self.stack.push(owner);
                }
            }
            // These leave what lies below their operand alone.
            _ if keeps_below(op) => {
                let taken = pops - pops.min(pushes);
                self.replace(taken, pushes - pops.min(pushes));
            }
            Opcode::END_SEND | Opcode::SET_FUNCTION_ATTRIBUTE | Opcode::PUSH_EXC_INFO => {
                let top = self.pop();
                self.replace(pops - 1, pushes - 1);
                self.stack.push(top);
            }
            Opcode::CHECK_EXC_MATCH => {
                self.pop();
                self.stack.push(None);
            }
            _ => self.replace(pops, pushes),
        }
    }

    fn replace(&mut self, pops: u32, pushes: u32) {
        (0..pops).for_each(|_| {
            self.pop();
        });
        (0..pushes).for_each(|_| self.stack.push(None));
    }
}

/// Opcodes whose lower operands stay where they are; only the difference of the stack effect is taken or added.
fn keeps_below(op: Opcode) -> bool {
    matches!(
        op,
        Opcode::GET_LEN
            | Opcode::MATCH_MAPPING
            | Opcode::MATCH_SEQUENCE
            | Opcode::MATCH_KEYS
            | Opcode::IMPORT_FROM
            | Opcode::GET_ANEXT
            | Opcode::FOR_ITER
            | Opcode::WITH_EXCEPT_START
            | Opcode::LIST_APPEND
            | Opcode::LIST_EXTEND
            | Opcode::SET_ADD
            | Opcode::SET_UPDATE
            | Opcode::MAP_ADD
            | Opcode::DICT_UPDATE
            | Opcode::DICT_MERGE
    )
}

/// For each instruction, whether it is a load that must own its value.
fn owned_loads(instrs: &[Instr], depth: usize) -> Vec<bool> {
    let mut block = Block { instrs, stack: vec![None; depth], owned: vec![false; instrs.len()] };
    for at in 0..instrs.len() {
        block.step(at);
    }
    block.own_all();
    block.owned
}
