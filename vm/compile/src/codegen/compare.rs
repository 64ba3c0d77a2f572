//! Comparisons.

use ruff_python_ast::{self as ast, CmpOp, Expr};

use super::Compiler;
use crate::{
    fail::Res,
    ir::BlockId,
    location::Loc,
    opcode::{Compare, Opcode},
};

impl<'a> Compiler<'a> {
    pub(crate) fn compare(&mut self, compare: &'a ast::ExprCompare, loc: Loc) -> Res {
        self.check_identity(compare);
        self.expr(&compare.left)?;
        let links = compare.ops.iter().zip(&compare.comparators);
        let Some(last) = compare.ops.len().checked_sub(1) else { return Ok(()) };
        if last == 0 {
            for (&op, right) in links {
                self.comparand(op, right)?;
                self.comparison(op, loc);
            }
            return Ok(());
        }
        let (cleanup, end) = (self.new_block(), self.new_block());
        for (at, (&op, right)) in links.enumerate() {
            if at == last {
                self.comparand(op, right)?;
                self.comparison(op, loc);
            } else {
                self.link(op, right, loc)?;
                self.copy_to_bool(loc);
                self.jump_op(Opcode::POP_JUMP_IF_FALSE, cleanup, loc);
                self.op(Opcode::POP_TOP, loc);
            }
        }
        self.jump(end, loc);
        self.use_block(cleanup);
        self.op_arg(Opcode::SWAP, 2, loc);
        self.op(Opcode::POP_TOP, loc);
        self.use_block(end);
        Ok(())
    }

    /// A link of a chain: the right operand stays for the next one.
    fn link(&mut self, op: CmpOp, right: &'a Expr, loc: Loc) -> Res {
        self.comparand(op, right)?;
        self.op_arg(Opcode::SWAP, 2, loc);
        self.op_arg(Opcode::COPY, 2, loc);
        self.comparison(op, loc);
        Ok(())
    }

    pub(crate) fn jump_if_chained(
        &mut self,
        compare: &'a ast::ExprCompare,
        target: BlockId,
        condition: bool,
        loc: Loc,
    ) -> Res {
        self.check_identity(compare);
        self.expr(&compare.left)?;
        let (cleanup, end) = (self.new_block(), self.new_block());
        let last = compare.ops.len() - 1;
        for (at, (&op, right)) in compare.ops.iter().zip(&compare.comparators).enumerate() {
            if at == last {
                self.comparand(op, right)?;
                self.comparison(op, loc);
                self.pop_jump(target, condition, loc);
            } else {
                self.link(op, right, loc)?;
                self.test_truth(loc);
                self.jump_op(Opcode::POP_JUMP_IF_FALSE, cleanup, loc);
            }
        }
        self.jump(end, Loc::NONE);
        self.use_block(cleanup);
        self.op(Opcode::POP_TOP, loc);
        if !condition {
            self.jump(target, Loc::NONE);
        }
        self.use_block(end);
        Ok(())
    }

    /// The right operand; what `in` searches may be immutable if it is a literal.
    fn comparand(&mut self, op: CmpOp, right: &'a Expr) -> Res {
        match op {
            CmpOp::In | CmpOp::NotIn => self.iterable(right),
            _ => self.expr(right),
        }
    }

    fn comparison(&mut self, op: CmpOp, loc: Loc) {
        let (opcode, arg) = match op {
            CmpOp::Eq => (Opcode::COMPARE_OP, Compare::Eq.arg()),
            CmpOp::NotEq => (Opcode::COMPARE_OP, Compare::Ne.arg()),
            CmpOp::Lt => (Opcode::COMPARE_OP, Compare::Lt.arg()),
            CmpOp::LtE => (Opcode::COMPARE_OP, Compare::Le.arg()),
            CmpOp::Gt => (Opcode::COMPARE_OP, Compare::Gt.arg()),
            CmpOp::GtE => (Opcode::COMPARE_OP, Compare::Ge.arg()),
            CmpOp::Is => (Opcode::IS_OP, 0),
            CmpOp::IsNot => (Opcode::IS_OP, 1),
            CmpOp::In => (Opcode::CONTAINS_OP, 0),
            CmpOp::NotIn => (Opcode::CONTAINS_OP, 1),
        };
        self.op_arg(opcode, arg, loc);
    }
}
