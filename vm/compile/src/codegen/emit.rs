//! Appending instructions, with the improvements that need only the previous ones.

use ruff_text_size::Ranged;

use super::Compiler;
use crate::{
    code::Const,
    fold,
    ir::{BlockId, Instr, NONE, Op},
    location::Loc,
    opcode::{BinaryOp, COMPARE_TO_BOOL, Opcode},
};

impl<'a> Compiler<'a> {
    pub(crate) fn loc(&self, node: &impl Ranged) -> Loc {
        self.lines.loc(node)
    }

    pub(crate) fn instr(&mut self, op: Op, arg: u32, target: BlockId, loc: Loc) {
        let handler = self.unit.handlers.last().copied().unwrap_or(NONE);
        let instr = Instr { op, arg, target, handler, loc };
        let current = self.unit.current;
        self.unit.graph.block(current).instrs.push(instr);
        if instr.ends() || instr.jumps() {
            self.next_block();
        }
    }

    pub(crate) fn op(&mut self, op: Opcode, loc: Loc) {
        self.op_arg(op, 0, loc);
    }

    pub(crate) fn op_arg(&mut self, op: Opcode, arg: u32, loc: Loc) {
        self.instr(Op::Code(op), arg, NONE, loc);
    }

    pub(crate) fn jump(&mut self, target: BlockId, loc: Loc) {
        self.instr(Op::Jump, 0, target, loc);
    }

    pub(crate) fn jump_op(&mut self, op: Opcode, target: BlockId, loc: Loc) {
        self.instr(Op::Code(op), 0, target, loc);
    }

    pub(crate) fn nop(&mut self, loc: Loc) {
        self.op(Opcode::NOP, loc);
    }

    /// A block to be placed later.
    pub(crate) fn new_block(&mut self) -> BlockId {
        self.unit.graph.new_block()
    }

    /// Places a block here and continues in it.
    pub(crate) fn use_block(&mut self, block: BlockId) {
        self.unit.graph.order.push(block);
        self.unit.current = block;
    }

    pub(crate) fn next_block(&mut self) -> BlockId {
        let block = self.new_block();
        self.use_block(block);
        block
    }

    /// Emits into a block placed earlier, then returns to the present place.
    pub(crate) fn in_block<T>(&mut self, block: BlockId, f: impl FnOnce(&mut Self) -> T) -> T {
        let order = &mut self.unit.graph.order;
        let at = order.iter().position(|&b| b == block).map_or(order.len(), |at| at + 1);
        let behind = order.split_off(at);
        let saved = std::mem::replace(&mut self.unit.current, block);
        let result = f(self);
        self.unit.graph.order.extend(behind);
        self.unit.current = saved;
        result
    }

    /// Whether control can reach the present place only by a jump that is still to come, or not at all.
    fn last(&self) -> Option<&Instr> {
        self.unit.graph.instrs(self.unit.current).last()
    }

    fn last_mut(&mut self) -> Option<&mut Instr> {
        let current = self.unit.current;
        self.unit.graph.block(current).instrs.last_mut()
    }

    fn pop(&mut self) {
        let current = self.unit.current;
        self.unit.graph.block(current).instrs.pop();
    }

    pub(crate) fn constant(&mut self, value: Const, loc: Loc) {
        match value {
            Const::Int(n @ 0..=255) => self.op_arg(Opcode::LOAD_SMALL_INT, n as u32, loc),
            value => {
                let at = self.unit.consts.add(value);
                self.op_arg(Opcode::LOAD_CONST, at, loc);
            }
        }
    }

    pub(crate) fn none(&mut self, loc: Loc) {
        self.constant(Const::None, loc);
    }

    fn constant_of(&self, instr: &Instr) -> Option<Const> {
        match instr.op {
            Op::Code(Opcode::LOAD_SMALL_INT) => Some(Const::Int(i64::from(instr.arg))),
            Op::Code(Opcode::LOAD_CONST) => match self.unit.consts.get(instr.arg) {
                Const::Code(_) => None,
                value => Some(value.clone()),
            },
            _ => None,
        }
    }

    /// The constant the last instruction pushes.
    pub(crate) fn last_constant(&self) -> Option<Const> {
        self.last().and_then(|instr| self.constant_of(instr))
    }

    /// Takes back the last instruction if it pushes a constant.
    pub(crate) fn take_constant(&mut self) -> Option<Const> {
        let value = self.last_constant()?;
        self.pop();
        Some(value)
    }

    /// The last `count` pushed constants, if the last instructions are just those. They stay.
    pub(crate) fn last_constants(&self, count: usize) -> Option<Vec<Const>> {
        let instrs = self.unit.graph.instrs(self.unit.current);
        let tail = &instrs[instrs.len().checked_sub(count)?..];
        tail.iter().map(|instr| self.constant_of(instr)).collect()
    }

    pub(crate) fn drop_instrs(&mut self, count: usize) {
        let current = self.unit.current;
        let instrs = &mut self.unit.graph.block(current).instrs;
        instrs.truncate(instrs.len().saturating_sub(count));
    }

    pub(crate) fn binary(&mut self, op: BinaryOp, loc: Loc) {
        if let Some(operands) = self.last_constants(2)
            && let Some(value) = fold::binary(op, &operands[0], &operands[1])
        {
            self.drop_instrs(2);
            return self.constant(value, loc);
        }
        self.op_arg(Opcode::BINARY_OP, op as u32, loc);
    }

    /// Applies a unary operator: an evaluator of constants and what to emit otherwise.
    pub(crate) fn unary(
        &mut self,
        evaluate: fn(&Const) -> Option<Const>,
        loc: Loc,
        emit: impl FnOnce(&mut Self),
    ) {
        match self.last_constant().and_then(|value| evaluate(&value)) {
            Some(value) => {
                self.pop();
                self.constant(value, loc);
            }
            None => emit(self),
        }
    }

    /// BUILD_TUPLE, or a constant if all items are.
    pub(crate) fn build_tuple(&mut self, count: usize, loc: Loc) {
        match self.last_constants(count) {
            Some(items) => {
                self.drop_instrs(count);
                self.constant(Const::Tuple(items), loc);
            }
            None => self.op_arg(Opcode::BUILD_TUPLE, count as u32, loc),
        }
    }

    /// TO_BOOL, unless the last instruction makes a bool anyway.
    pub(crate) fn test_truth(&mut self, loc: Loc) {
        match self.last_mut() {
            Some(last) if last.is(Opcode::COMPARE_OP) => last.arg |= COMPARE_TO_BOOL,
            Some(last) if makes_bool(last) => {}
            _ => self.op(Opcode::TO_BOOL, loc),
        }
    }

    /// TO_BOOL of a copy: a comparison must keep its value.
    pub(crate) fn copy_to_bool(&mut self, loc: Loc) {
        let is_bool = self.last().is_some_and(makes_bool);
        self.op_arg(Opcode::COPY, 1, loc);
        if !is_bool {
            self.op(Opcode::TO_BOOL, loc);
        }
    }

    /// PUSH_NULL, as part of LOAD_GLOBAL where that is the callable.
    pub(crate) fn push_null(&mut self, loc: Loc) {
        match self.last_mut() {
            Some(last) if last.is(Opcode::LOAD_GLOBAL) && last.arg & 1 == 0 => last.arg |= 1,
            _ => self.op(Opcode::PUSH_NULL, loc),
        }
    }
}

fn makes_bool(instr: &Instr) -> bool {
    match instr.op {
        Op::Code(Opcode::CONTAINS_OP | Opcode::IS_OP | Opcode::UNARY_NOT | Opcode::TO_BOOL) => true,
        Op::Code(Opcode::COMPARE_OP) => instr.arg & COMPARE_TO_BOOL != 0,
        _ => false,
    }
}
