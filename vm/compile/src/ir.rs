//! Instructions before assembly: basic blocks with symbolic targets and handlers.

use crate::{location::Loc, opcode::Opcode};

pub(crate) type BlockId = u32;
pub(crate) type HandlerId = u32;
/// No block, no handler.
pub(crate) const NONE: u32 = u32::MAX;

/// An opcode, or something assembly turns into opcodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// An opcode as it is.
    Code(Opcode),
    /// Jump in either direction.
    Jump,
    /// Jump in either direction without a look at signals.
    JumpNoInterrupt,
    /// Here a handler's depth is fixed: the handler `arg` starts with this stack, less `target` values.
    Setup,
    /// Pushes the cell itself: LOAD_FAST of a cell's slot.
    LoadClosure,
    /// STORE_FAST of a value that may be NULL.
    StoreMaybeNull,
}

/// One instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instr {
    pub(crate) op: Op,
    pub(crate) arg: u32,
    pub(crate) target: BlockId,
    pub(crate) handler: HandlerId,
    pub(crate) loc: Loc,
}

impl Instr {
    pub(crate) fn is(&self, op: Opcode) -> bool {
        self.op == Op::Code(op)
    }

    pub(crate) fn nop(loc: Loc, handler: HandlerId) -> Instr {
        Instr { op: Op::Code(Opcode::NOP), arg: 0, target: NONE, handler, loc }
    }

    /// Whether control never reaches the next instruction.
    pub(crate) fn ends(&self) -> bool {
        match self.op {
            Op::Code(op) => op.flow() == crate::opcode::Flow::End,
            Op::Jump | Op::JumpNoInterrupt => true,
            _ => false,
        }
    }

    pub(crate) fn is_exit(&self) -> bool {
        matches!(self.op, Op::Code(Opcode::RETURN_VALUE | Opcode::RAISE_VARARGS | Opcode::RERAISE))
    }

    pub(crate) fn jumps(&self) -> bool {
        self.target != NONE && self.op != Op::Setup
    }

    pub(crate) fn is_unconditional_jump(&self) -> bool {
        matches!(self.op, Op::Jump | Op::JumpNoInterrupt)
    }

    pub(crate) fn is_conditional_jump(&self) -> bool {
        matches!(
            self.op,
            Op::Code(
                Opcode::POP_JUMP_IF_FALSE
                    | Opcode::POP_JUMP_IF_TRUE
                    | Opcode::POP_JUMP_IF_NONE
                    | Opcode::POP_JUMP_IF_NOT_NONE
            )
        )
    }

    /// Values taken from and put on the stack.
    pub(crate) fn effect(&self) -> (u32, u32) {
        match self.op {
            Op::Code(op) => (op.pops(self.arg), op.pushes(self.arg)),
            Op::Jump | Op::JumpNoInterrupt | Op::Setup => (0, 0),
            Op::LoadClosure => (0, 1),
            Op::StoreMaybeNull => (1, 0),
        }
    }
}

/// A straight run of instructions; only the last one may jump.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    pub(crate) instrs: Vec<Instr>,
}

/// An exception handler: where it starts and what lies on the stack then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handler {
    pub(crate) block: BlockId,
    /// Whether the position of the raising instruction is pushed below the exception.
    pub(crate) lasti: bool,
    /// Values that stay; known after the stack depth pass.
    pub(crate) depth: Option<u32>,
}

/// The blocks of one code object.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    pub(crate) blocks: Vec<Block>,
    /// Blocks in the order of the code; control falls from one into the next.
    pub(crate) order: Vec<BlockId>,
    pub(crate) handlers: Vec<Handler>,
    /// Stack depth at the start of each block, once computed.
    pub(crate) depths: Vec<Option<u32>>,
}

impl Graph {
    pub(crate) fn new_block(&mut self) -> BlockId {
        self.blocks.push(Block::default());
        self.blocks.len() as u32 - 1
    }

    pub(crate) fn block(&mut self, id: BlockId) -> &mut Block {
        &mut self.blocks[id as usize]
    }

    pub(crate) fn instrs(&self, id: BlockId) -> &[Instr] {
        &self.blocks[id as usize].instrs
    }
}
