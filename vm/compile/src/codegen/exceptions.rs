//! `try` statements.

use ruff_python_ast as ast;

use super::{Compiler, unit::Frame};
use crate::{
    fail::{Fail, Res},
    ir::BlockId,
    location::Loc,
    names::Sym,
    opcode::{Intrinsic2, Opcode},
};

impl<'a> Compiler<'a> {
    pub(crate) fn try_stmt(&mut self, stmt: &'a ast::StmtTry) -> Res {
        if stmt.finalbody.is_empty() {
            return self.try_handlers(stmt);
        }
        let loc = self.loc(stmt);
        let (failed, exit) = (self.new_block(), self.new_block());
        self.nop(loc);
        self.push_frame(Frame::FinallyTry { body: &stmt.finalbody }, stmt)?;
        self.setup_handler(failed, false, 0, loc);
        self.next_block();
        if stmt.handlers.is_empty() {
            self.body(&stmt.body)?;
        } else {
            self.try_handlers(stmt)?;
        }
        self.end_handler();
        self.pop_frame();
        // The one copy whose warnings count.
        self.unit.finally_loops.push(false);
        self.body(&stmt.finalbody)?;
        self.unit.finally_loops.pop();
        self.jump(exit, Loc::NONE);

        self.use_block(failed);
        let cleanup = self.new_block();
        self.push_frame(Frame::FinallyEnd, stmt)?;
        self.setup_handler(cleanup, true, 0, Loc::NONE);
        self.op(Opcode::PUSH_EXC_INFO, Loc::NONE);
        self.finally_body(&stmt.finalbody)?;
        self.op_arg(Opcode::RERAISE, 0, Loc::NONE);
        self.end_handler();
        self.pop_frame();
        self.reraise_block(cleanup);
        self.use_block(exit);
        Ok(())
    }

    /// Where an exception in a handler goes: the former exception is restored, then it goes on.
    pub(crate) fn reraise_block(&mut self, block: BlockId) {
        self.use_block(block);
        self.op_arg(Opcode::COPY, 3, Loc::NONE);
        self.op(Opcode::POP_EXCEPT, Loc::NONE);
        self.op_arg(Opcode::RERAISE, 1, Loc::NONE);
    }

    fn try_handlers(&mut self, stmt: &'a ast::StmtTry) -> Res {
        if stmt.is_star { self.try_star(stmt) } else { self.try_except(stmt) }
    }

    fn try_except(&mut self, stmt: &'a ast::StmtTry) -> Res {
        let loc = self.loc(stmt);
        let (except, cleanup, end) = (self.new_block(), self.new_block(), self.new_block());
        self.nop(loc);
        self.push_frame(Frame::TryExcept, stmt)?;
        self.setup_handler(except, false, 0, loc);
        self.next_block();
        self.body(&stmt.body)?;
        self.end_handler();
        self.pop_frame();
        self.body(&stmt.orelse)?;
        self.jump(end, Loc::NONE);

        self.use_block(except);
        self.push_frame(Frame::ExceptionHandler, stmt)?;
        self.setup_handler(cleanup, true, 0, Loc::NONE);
        self.op(Opcode::PUSH_EXC_INFO, Loc::NONE);
        for (at, ast::ExceptHandler::ExceptHandler(handler)) in stmt.handlers.iter().enumerate() {
            let loc = self.loc(handler);
            let next = self.new_block();
            match &handler.type_ {
                Some(type_) => {
                    self.expr(type_)?;
                    self.op(Opcode::CHECK_EXC_MATCH, loc);
                    self.jump_op(Opcode::POP_JUMP_IF_FALSE, next, loc);
                }
                None if at + 1 < stmt.handlers.len() => {
                    return Fail::err("default 'except:' must be last", handler);
                }
                None => {}
            }
            let name = handler.name.as_ref().map(|name| self.names.sym(&name.id));
            // Leaving the clause leaves the region of `cleanup` too, so the frame remembers what lies outside that.
            let outside = self.unit.handlers.len() - 1;
            match name {
                Some(name) => {
                    self.store_name(name, loc);
                    let failed = self.new_block();
                    self.setup_handler(failed, true, 0, loc);
                    self.handler_body(&handler.body, Some(name), outside, handler)?;
                    self.end_handler();
                    let inner = self.unit.handlers.pop();
                    self.op(Opcode::POP_EXCEPT, Loc::NONE);
                    self.forget(name, Loc::NONE);
                    self.jump(end, Loc::NONE);
                    self.unit.handlers.extend(inner);
                    self.use_block(failed);
                    self.forget(name, Loc::NONE);
                    self.op_arg(Opcode::RERAISE, 1, Loc::NONE);
                }
                None => {
                    self.op(Opcode::POP_TOP, loc);
                    self.handler_body(&handler.body, None, outside, handler)?;
                    let inner = self.unit.handlers.pop();
                    self.op(Opcode::POP_EXCEPT, Loc::NONE);
                    self.jump(end, Loc::NONE);
                    self.unit.handlers.extend(inner);
                }
            }
            self.use_block(next);
        }
        self.op_arg(Opcode::RERAISE, 0, Loc::NONE);
        self.end_handler();
        self.pop_frame();
        self.reraise_block(cleanup);
        self.use_block(end);
        Ok(())
    }

    fn handler_body(
        &mut self,
        body: &'a [ast::Stmt],
        name: Option<Sym>,
        outside: usize,
        at: &'a ast::ExceptHandlerExceptHandler,
    ) -> Res {
        self.next_block();
        self.push_frame(Frame::HandlerCleanup { name }, at)?;
        if let Some(frame) = self.unit.frames.last_mut() {
            frame.handlers = outside;
        }
        self.body(body)?;
        self.pop_frame();
        Ok(())
    }

    /// `except*` (PEP 654). In the handlers the stack holds: former exception, original, list of results, rest.
    fn try_star(&mut self, stmt: &'a ast::StmtTry) -> Res {
        let loc = self.loc(stmt);
        let (except, cleanup, end) = (self.new_block(), self.new_block(), self.new_block());
        let orelse = self.new_block();
        self.nop(loc);
        self.push_frame(Frame::TryExcept, stmt)?;
        self.setup_handler(except, false, 0, loc);
        self.next_block();
        self.body(&stmt.body)?;
        self.end_handler();
        self.pop_frame();
        self.jump(orelse, Loc::NONE);

        self.use_block(except);
        self.push_frame(Frame::GroupHandler, stmt)?;
        self.setup_handler(cleanup, true, 0, Loc::NONE);
        self.op(Opcode::PUSH_EXC_INFO, Loc::NONE);
        for (at, ast::ExceptHandler::ExceptHandler(handler)) in stmt.handlers.iter().enumerate() {
            let loc = self.loc(handler);
            let (no_match, next, failed) = (self.new_block(), self.new_block(), self.new_block());
            if at == 0 {
                self.op_arg(Opcode::BUILD_LIST, 0, loc);
                self.op_arg(Opcode::COPY, 2, loc);
            }
            let Some(type_) = &handler.type_ else {
                return Fail::err("expected one or more exception types", handler);
            };
            self.expr(type_)?;
            self.op(Opcode::CHECK_EG_MATCH, loc);
            self.op_arg(Opcode::COPY, 1, loc);
            self.jump_op(Opcode::POP_JUMP_IF_NONE, no_match, loc);
            let name = handler.name.as_ref().map(|name| self.names.sym(&name.id));
            match name {
                Some(name) => self.store_name(name, loc),
                None => self.op(Opcode::POP_TOP, loc),
            }
            self.setup_handler(failed, true, 0, loc);
            let outside = self.unit.handlers.len() - 1;
            self.handler_body(&handler.body, name, outside, handler)?;
            self.end_handler();
            if let Some(name) = name {
                self.forget(name, Loc::NONE);
            }
            self.jump(next, Loc::NONE);

            self.use_block(failed);
            if let Some(name) = name {
                self.forget(name, Loc::NONE);
            }
            // Stack: ..., list, rest, position, exception.
            self.op_arg(Opcode::LIST_APPEND, 3, Loc::NONE);
            self.op(Opcode::POP_TOP, Loc::NONE);
            self.jump(next, Loc::NONE);

            self.use_block(no_match);
            self.op(Opcode::POP_TOP, loc);
            self.use_block(next);
        }
        self.op_arg(Opcode::LIST_APPEND, 1, Loc::NONE);
        self.op_arg(Opcode::CALL_INTRINSIC_2, Intrinsic2::PrepReraiseStar as u32, Loc::NONE);
        self.op_arg(Opcode::COPY, 1, Loc::NONE);
        let nothing = self.new_block();
        self.jump_op(Opcode::POP_JUMP_IF_NONE, nothing, Loc::NONE);
        let inner = self.unit.handlers.pop();
        self.op_arg(Opcode::SWAP, 2, Loc::NONE);
        self.op(Opcode::POP_EXCEPT, Loc::NONE);
        self.op_arg(Opcode::RERAISE, 0, Loc::NONE);
        self.use_block(nothing);
        self.op(Opcode::POP_TOP, Loc::NONE);
        self.op(Opcode::POP_EXCEPT, Loc::NONE);
        self.jump(end, Loc::NONE);
        self.unit.handlers.extend(inner);
        self.end_handler();
        self.pop_frame();
        self.reraise_block(cleanup);
        self.use_block(orelse);
        self.body(&stmt.orelse)?;
        self.use_block(end);
        Ok(())
    }
}
