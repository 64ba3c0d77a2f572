//! `with` statements.

use ruff_python_ast as ast;

use super::{Compiler, unit::Frame};
use crate::{
    fail::{Fail, Res},
    location::Loc,
    opcode::{Opcode, SpecialMethod},
};

impl<'a> Compiler<'a> {
    pub(crate) fn with_stmt(&mut self, stmt: &'a ast::StmtWith) -> Res {
        if stmt.is_async && !self.in_async() {
            return Fail::err("'async with' outside async function", stmt);
        }
        self.with_item(stmt, 0)
    }

    fn with_item(&mut self, stmt: &'a ast::StmtWith, at: usize) -> Res {
        let Some(item) = stmt.items.get(at) else { return self.body(&stmt.body) };
        let is_async = stmt.is_async;
        let loc = self.loc(&item.context_expr);
        let (failed, exit) = (self.new_block(), self.new_block());
        self.expr(&item.context_expr)?;
        let (enter, leave) = match is_async {
            true => (SpecialMethod::Aenter, SpecialMethod::Aexit),
            false => (SpecialMethod::Enter, SpecialMethod::Exit),
        };
        self.op_arg(Opcode::COPY, 1, loc);
        self.op_arg(Opcode::LOAD_SPECIAL, leave as u32, loc);
        self.op_arg(Opcode::SWAP, 2, loc);
        self.op_arg(Opcode::SWAP, 3, loc);
        self.op_arg(Opcode::LOAD_SPECIAL, enter as u32, loc);
        self.op_arg(Opcode::CALL, 0, loc);
        if is_async {
            self.await_value(1, loc);
        }
        let frame = if is_async { Frame::AsyncWith { loc } } else { Frame::With { loc } };
        self.push_frame(frame, stmt)?;
        // The handler finds the exit method and its object, not the value of the manager.
        self.setup_handler(failed, true, 1, loc);
        self.next_block();
        match &item.optional_vars {
            Some(target) => self.store(target)?,
            None => self.op(Opcode::POP_TOP, loc),
        }
        self.with_item(stmt, at + 1)?;
        self.end_handler();
        self.pop_frame();

        self.call_exit(loc);
        if is_async {
            self.await_value(2, loc);
        }
        self.op(Opcode::POP_TOP, loc);
        self.jump(exit, loc);

        self.use_block(failed);
        let (cleanup, suppress) = (self.new_block(), self.new_block());
        self.setup_handler(cleanup, true, 0, loc);
        self.op(Opcode::PUSH_EXC_INFO, loc);
        self.op(Opcode::WITH_EXCEPT_START, loc);
        if is_async {
            self.await_value(2, loc);
        }
        self.op(Opcode::TO_BOOL, loc);
        self.jump_op(Opcode::POP_JUMP_IF_TRUE, suppress, loc);
        self.op_arg(Opcode::RERAISE, 2, loc);
        self.use_block(suppress);
        self.op(Opcode::POP_TOP, loc);
        self.end_handler();
        self.op(Opcode::POP_EXCEPT, loc);
        // Position, exit method, its object.
        (0..3).for_each(|_| self.op(Opcode::POP_TOP, loc));
        self.jump(exit, loc);
        self.reraise_block(cleanup);
        self.use_block(exit);
        Ok(())
    }

    /// `exit(None, None, None)`; the result is left.
    pub(crate) fn call_exit(&mut self, loc: Loc) {
        (0..3).for_each(|_| self.none(loc));
        self.op_arg(Opcode::CALL, 3, loc);
    }
}
