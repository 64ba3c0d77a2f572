//! Expressions.

use ruff_python_ast::{self as ast, Expr, ExprContext, Operator, UnaryOp};

use super::{Compiler, unit::UnitKind};
use crate::{
    code::Const,
    fail::{Fail, Res},
    fold,
    ir::{BlockId, Op},
    location::Loc,
    names::known,
    opcode::{BinaryOp, Intrinsic1, Opcode},
    symtable::grow,
};

/// Items above which a display is built item by item, so that the stack stays small.
pub(crate) const STACK_USE_GUIDELINE: usize = 30;

pub(crate) fn binary_op(op: Operator) -> BinaryOp {
    match op {
        Operator::Add => BinaryOp::Add,
        Operator::Sub => BinaryOp::Subtract,
        Operator::Mult => BinaryOp::Multiply,
        Operator::MatMult => BinaryOp::MatrixMultiply,
        Operator::Div => BinaryOp::TrueDivide,
        Operator::Mod => BinaryOp::Remainder,
        Operator::Pow => BinaryOp::Power,
        Operator::LShift => BinaryOp::Lshift,
        Operator::RShift => BinaryOp::Rshift,
        Operator::BitOr => BinaryOp::Or,
        Operator::BitXor => BinaryOp::Xor,
        Operator::BitAnd => BinaryOp::And,
        Operator::FloorDiv => BinaryOp::FloorDivide,
    }
}

impl<'a> Compiler<'a> {
    pub(crate) fn expr(&mut self, expr: &'a Expr) -> Res {
        grow(|| self.expr_inner(expr))
    }

    pub(crate) fn exprs(&mut self, exprs: &'a [Expr]) -> Res {
        exprs.iter().try_for_each(|expr| self.expr(expr))
    }

    fn expr_inner(&mut self, expr: &'a Expr) -> Res {
        let loc = self.loc(expr);
        match expr {
            Expr::BoolOp(op) => self.bool_op(op, loc),
            Expr::Named(named) => {
                self.expr(&named.value)?;
                self.op_arg(Opcode::COPY, 1, loc);
                self.store(&named.target)
            }
            Expr::BinOp(op) => {
                if op.op == Operator::Mod && self.percent_format(op, loc)? {
                    return Ok(());
                }
                self.expr(&op.left)?;
                self.expr(&op.right)?;
                self.binary(binary_op(op.op), loc);
                Ok(())
            }
            Expr::UnaryOp(op) => {
                self.expr(&op.operand)?;
                match op.op {
                    UnaryOp::Invert => self.unary(fold::invert, loc, |c| c.op(Opcode::UNARY_INVERT, loc)),
                    UnaryOp::UAdd => {
                        self.unary(fold::positive, loc, |c| c.intrinsic1(Intrinsic1::UnaryPositive, loc));
                    }
                    UnaryOp::USub => self.unary(fold::negative, loc, |c| c.op(Opcode::UNARY_NEGATIVE, loc)),
                    UnaryOp::Not => {
                        let not = |value: &Const| Some(fold::boolean(!fold::truth(value)));
                        self.unary(not, loc, |c| {
                            c.test_truth(loc);
                            c.op(Opcode::UNARY_NOT, loc);
                        });
                    }
                }
                Ok(())
            }
            Expr::Lambda(lambda) => self.lambda(lambda),
            Expr::If(cond) => {
                let (end, next) = (self.new_block(), self.new_block());
                self.jump_if(&cond.test, next, false)?;
                self.expr(&cond.body)?;
                self.jump(end, Loc::NONE);
                self.use_block(next);
                self.expr(&cond.orelse)?;
                self.use_block(end);
                Ok(())
            }
            Expr::Dict(dict) => self.dict(dict, loc),
            Expr::Set(set) => self.set(&set.elts, loc),
            Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_) | Expr::Generator(_) => {
                self.comprehension(expr)
            }
            Expr::Await(node) => self.await_expr(node, loc),
            Expr::Yield(node) => {
                if !self.table.scopes[self.unit.scope].function_like() {
                    return Fail::err("'yield' outside function", expr);
                }
                match &node.value {
                    Some(value) => self.expr(value)?,
                    None => self.none(loc),
                }
                self.yield_value(loc);
                Ok(())
            }
            Expr::YieldFrom(node) => {
                if !self.table.scopes[self.unit.scope].function_like() {
                    return Fail::err("'yield from' outside function", expr);
                }
                if self.unit.kind == UnitKind::AsyncFunction {
                    return Fail::err("'yield from' inside async function", expr);
                }
                self.expr(&node.value)?;
                self.op(Opcode::GET_YIELD_FROM_ITER, loc);
                self.none(loc);
                self.delegate(false, loc);
                Ok(())
            }
            Expr::Compare(compare) => self.compare(compare, loc),
            Expr::Call(call) => self.call(call, loc),
            Expr::FString(string) => self.f_string(string, loc),
            Expr::TString(string) => self.t_string(string, loc),
            Expr::StringLiteral(string) => self.string_literal(string, loc),
            Expr::BytesLiteral(bytes) => self.bytes_literal(bytes, loc),
            Expr::NumberLiteral(number) => self.number(number, loc),
            Expr::BooleanLiteral(literal) => {
                self.constant(fold::boolean(literal.value), loc);
                Ok(())
            }
            Expr::NoneLiteral(_) => {
                self.none(loc);
                Ok(())
            }
            Expr::EllipsisLiteral(_) => {
                self.constant(Const::Ellipsis, loc);
                Ok(())
            }
            Expr::Attribute(attribute) => self.attribute(attribute, loc),
            Expr::Subscript(subscript) => self.subscript(subscript, loc),
            Expr::Starred(_) => {
                let msg = match expr.is_starred_expr() {
                    true => "can't use starred expression here",
                    false => "invalid syntax",
                };
                Fail::err(msg, expr)
            }
            Expr::Name(name) => {
                let sym = self.names.sym(&name.id);
                if sym == known::DEBUG {
                    self.constant(fold::boolean(self.options.optimize == 0), loc);
                } else {
                    self.load_name(sym, loc);
                }
                Ok(())
            }
            Expr::List(list) => self.list(&list.elts, loc),
            Expr::Tuple(tuple) => self.tuple(&tuple.elts, loc),
            Expr::Slice(slice) => self.slice(slice, loc),
            Expr::IpyEscapeCommand(_) => Fail::err("invalid syntax", expr),
        }
    }

    fn bool_op(&mut self, op: &'a ast::ExprBoolOp, loc: Loc) -> Res {
        let jump = match op.op {
            ast::BoolOp::And => Opcode::POP_JUMP_IF_FALSE,
            ast::BoolOp::Or => Opcode::POP_JUMP_IF_TRUE,
        };
        let end = self.new_block();
        let Some((last, firsts)) = op.values.split_last() else { return Ok(()) };
        for value in firsts {
            self.expr(value)?;
            if let Some(constant) = self.last_constant() {
                // A constant either decides or does not matter.
                if fold::truth(&constant) == (op.op == ast::BoolOp::Or) {
                    self.jump(end, loc);
                } else {
                    self.drop_instrs(1);
                }
                continue;
            }
            self.copy_to_bool(loc);
            self.jump_op(jump, end, loc);
            self.op(Opcode::POP_TOP, loc);
        }
        self.expr(last)?;
        self.use_block(end);
        Ok(())
    }

    /// Jumps to `target` if the truth of `expr` is `condition`; else falls through.
    pub(crate) fn jump_if(&mut self, expr: &'a Expr, target: BlockId, condition: bool) -> Res {
        grow(|| self.jump_if_inner(expr, target, condition))
    }

    fn jump_if_inner(&mut self, expr: &'a Expr, target: BlockId, condition: bool) -> Res {
        let loc = self.loc(expr);
        match expr {
            Expr::UnaryOp(op) if op.op == UnaryOp::Not => {
                return self.jump_if(&op.operand, target, !condition);
            }
            Expr::BoolOp(op) => {
                let decides = op.op == ast::BoolOp::Or;
                let decided = if decides == condition { target } else { self.new_block() };
                let Some((last, firsts)) = op.values.split_last() else { return Ok(()) };
                for value in firsts {
                    self.jump_if(value, decided, decides)?;
                }
                self.jump_if(last, target, condition)?;
                if decided != target {
                    self.use_block(decided);
                }
                return Ok(());
            }
            Expr::If(cond) => {
                let (end, next) = (self.new_block(), self.new_block());
                self.jump_if(&cond.test, next, false)?;
                self.jump_if(&cond.body, target, condition)?;
                self.jump(end, Loc::NONE);
                self.use_block(next);
                self.jump_if(&cond.orelse, target, condition)?;
                self.use_block(end);
                return Ok(());
            }
            Expr::Compare(compare) if compare.ops.len() > 1 => {
                return self.jump_if_chained(compare, target, condition, loc);
            }
            _ => self.expr(expr)?,
        }
        self.pop_jump(target, condition, loc);
        Ok(())
    }

    /// Jumps on the truth of the value on the stack.
    pub(crate) fn pop_jump(&mut self, target: BlockId, condition: bool, loc: Loc) {
        if let Some(constant) = self.take_constant() {
            if fold::truth(&constant) == condition {
                self.jump(target, loc);
            } else {
                self.nop(loc);
            }
            return;
        }
        if let Some(negated) = self.take_none_test() {
            let op = match negated == condition {
                true => Opcode::POP_JUMP_IF_NOT_NONE,
                false => Opcode::POP_JUMP_IF_NONE,
            };
            return self.jump_op(op, target, loc);
        }
        self.test_truth(loc);
        let op = if condition { Opcode::POP_JUMP_IF_TRUE } else { Opcode::POP_JUMP_IF_FALSE };
        self.jump_op(op, target, loc);
    }

    /// Takes back a final `is None` test; the result is whether it was `is not`.
    fn take_none_test(&mut self) -> Option<bool> {
        let [.., constant, test] = self.unit.graph.instrs(self.unit.current) else { return None };
        let is_none = constant.op == Op::Code(Opcode::LOAD_CONST)
            && matches!(self.unit.consts.get(constant.arg), Const::None);
        if !is_none || !test.is(Opcode::IS_OP) {
            return None;
        }
        let negated = test.arg == 1;
        self.drop_instrs(2);
        Some(negated)
    }

    fn await_expr(&mut self, node: &'a ast::ExprAwait, loc: Loc) -> Res {
        if !self.top_level_await() {
            if !self.table.scopes[self.unit.scope].function_like() {
                return Fail::err("'await' outside function", node);
            }
            if !matches!(self.unit.kind, UnitKind::AsyncFunction | UnitKind::Comprehension) {
                return Fail::err("'await' outside async function", node);
            }
        }
        self.expr(&node.value)?;
        self.await_value(0, loc);
        Ok(())
    }

    /// Awaits the value on the stack.
    pub(crate) fn await_value(&mut self, origin: u32, loc: Loc) {
        self.op_arg(Opcode::GET_AWAITABLE, origin, loc);
        self.none(loc);
        self.delegate(true, loc);
    }

    pub(crate) fn yield_value(&mut self, loc: Loc) {
        let scope = &self.table.scopes[self.unit.scope];
        if scope.generator && scope.coroutine {
            self.intrinsic1(Intrinsic1::AsyncGenWrap, loc);
        }
        self.op_arg(Opcode::YIELD_VALUE, 0, loc);
        self.resume(1, loc);
    }

    fn resume(&mut self, reason: u32, loc: Loc) {
        // Bit 2: only the guard of the generator itself is around, so that close() has nothing to run.
        let bare = if self.unit.handlers.len() == 1 { 4 } else { 0 };
        self.op_arg(Opcode::RESUME, reason | bare, loc);
    }

    /// Runs the iterator below the top to its end, yielding what it yields; leaves its result.
    pub(crate) fn delegate(&mut self, is_await: bool, loc: Loc) {
        let (send, thrown, exit) = (self.new_block(), self.new_block(), self.new_block());
        self.use_block(send);
        self.jump_op(Opcode::SEND, exit, loc);
        self.setup_handler(thrown, false, 0, loc);
        self.op_arg(Opcode::YIELD_VALUE, 1, loc);
        self.end_handler();
        self.resume(if is_await { 3 } else { 2 }, loc);
        self.instr(Op::JumpNoInterrupt, 0, send, loc);
        self.use_block(thrown);
        self.op(Opcode::CLEANUP_THROW, loc);
        self.use_block(exit);
        self.op(Opcode::END_SEND, loc);
    }

    fn attribute(&mut self, attribute: &'a ast::ExprAttribute, loc: Loc) -> Res {
        let attr_loc = self.attribute_loc(attribute, loc);
        let sym = self.names.sym(&attribute.attr.id);
        let name = self.mangled(sym);
        if attribute.ctx == ExprContext::Load
            && let Some(flag) = self.load_super_arguments(&attribute.value, &attribute.attr)?
        {
            let at = self.name_index(name);
            self.op_arg(Opcode::LOAD_SUPER_ATTR, at << 2 | flag, attr_loc);
            return Ok(());
        }
        self.expr(&attribute.value)?;
        let at = self.name_index(name);
        self.op_arg(Opcode::LOAD_ATTR, at << 1, attr_loc);
        Ok(())
    }

    /// Of an attribute over several lines, the line of the attribute's name.
    pub(crate) fn attribute_loc(&self, attribute: &ast::ExprAttribute, loc: Loc) -> Loc {
        if loc.line == loc.end_line {
            return loc;
        }
        let name = self.loc(&attribute.attr);
        Loc { line: name.line, col: name.col, ..loc }
    }

    fn subscript(&mut self, subscript: &'a ast::ExprSubscript, loc: Loc) -> Res {
        self.check_subscriptable(&subscript.value, &subscript.slice);
        self.expr(&subscript.value)?;
        self.index(&subscript.slice, loc, |c, two| match two {
            true => c.op(Opcode::BINARY_SLICE, loc),
            false => c.binary(BinaryOp::Subscr, loc),
        })
    }

    /// Pushes a subscript, as start and stop of a slice (`two`) or as one object, and emits its use.
    pub(crate) fn index(&mut self, index: &'a Expr, loc: Loc, used: impl FnOnce(&mut Self, bool)) -> Res {
        if let Expr::Slice(ast::ExprSlice { lower, upper, step: None, .. }) = index {
            self.slice_part(lower.as_deref(), loc)?;
            self.slice_part(upper.as_deref(), loc)?;
            if let Some(parts) = self.last_constants(2) {
                self.drop_instrs(2);
                self.constant_slice(parts, loc);
                used(self, false);
            } else {
                used(self, true);
            }
            return Ok(());
        }
        self.expr(index)?;
        used(self, false);
        Ok(())
    }

    fn slice_part(&mut self, part: Option<&'a Expr>, loc: Loc) -> Res {
        match part {
            Some(part) => self.expr(part),
            None => {
                self.none(loc);
                Ok(())
            }
        }
    }

    fn slice(&mut self, slice: &'a ast::ExprSlice, loc: Loc) -> Res {
        self.slice_part(slice.lower.as_deref(), loc)?;
        self.slice_part(slice.upper.as_deref(), loc)?;
        let count = if let Some(step) = &slice.step {
            self.expr(step)?;
            3
        } else {
            2
        };
        match self.last_constants(count) {
            Some(parts) => {
                self.drop_instrs(count);
                self.constant_slice(parts, loc);
            }
            None => self.op_arg(Opcode::BUILD_SLICE, count as u32, loc),
        }
        Ok(())
    }

    fn constant_slice(&mut self, parts: Vec<Const>, loc: Loc) {
        let mut parts = parts.into_iter();
        let mut next = || parts.next().unwrap_or(Const::None);
        self.constant(Const::Slice(Box::new([next(), next(), next()])), loc);
    }
}
