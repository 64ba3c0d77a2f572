//! Loops, conditions, and the way out of blocks.

use ruff_python_ast as ast;
use ruff_text_size::Ranged;

use super::{Compiler, unit::Frame};
use crate::{
    fail::{Fail, Res},
    location::Loc,
    names::Sym,
    opcode::Opcode,
};

/// State of the blocks before a way out was emitted; `rewind` restores it.
pub(crate) struct Saved<'a> {
    frames: Vec<super::unit::Pending<'a>>,
    handlers: Vec<u32>,
}

impl<'a> Compiler<'a> {
    pub(crate) fn if_stmt(&mut self, stmt: &'a ast::StmtIf) -> Res {
        let end = self.new_block();
        let mut next = self.new_block();
        self.jump_if(&stmt.test, next, false)?;
        self.body(&stmt.body)?;
        for clause in &stmt.elif_else_clauses {
            self.jump(end, Loc::NONE);
            self.use_block(next);
            next = self.new_block();
            if let Some(test) = &clause.test {
                self.jump_if(test, next, false)?;
            }
            self.body(&clause.body)?;
        }
        self.use_block(next);
        self.use_block(end);
        Ok(())
    }

    pub(crate) fn while_loop(&mut self, stmt: &'a ast::StmtWhile) -> Res {
        let start = self.next_block();
        let (exit, orelse) = (self.new_block(), self.new_block());
        self.push_frame(Frame::While { start, exit }, stmt)?;
        self.enter_loop();
        self.jump_if(&stmt.test, orelse, false)?;
        self.body(&stmt.body)?;
        self.jump(start, Loc::NONE);
        self.leave_loop();
        self.pop_frame();
        self.use_block(orelse);
        self.body(&stmt.orelse)?;
        self.use_block(exit);
        Ok(())
    }

    pub(crate) fn for_loop(&mut self, stmt: &'a ast::StmtFor) -> Res {
        let (start, cleanup, exit) = (self.new_block(), self.new_block(), self.new_block());
        self.push_frame(Frame::For { start, exit }, stmt)?;
        self.enter_loop();
        self.iterable(&stmt.iter)?;
        let loc = self.loc(&*stmt.iter);
        self.op(Opcode::GET_ITER, loc);
        self.use_block(start);
        self.jump_op(Opcode::FOR_ITER, cleanup, loc);
        // A line event at the target even if storing is merged away.
        self.store(&stmt.target)?;
        self.body(&stmt.body)?;
        self.jump(start, Loc::NONE);
        self.use_block(cleanup);
        self.op(Opcode::END_FOR, loc);
        self.op(Opcode::POP_ITER, loc);
        self.leave_loop();
        self.pop_frame();
        self.body(&stmt.orelse)?;
        self.use_block(exit);
        Ok(())
    }

    pub(crate) fn async_for(&mut self, stmt: &'a ast::StmtFor) -> Res {
        if !self.in_async() {
            return Fail::err("'async for' outside async function", stmt);
        }
        let (start, done, exit) = (self.new_block(), self.new_block(), self.new_block());
        self.expr(&stmt.iter)?;
        let loc = self.loc(&*stmt.iter);
        self.op(Opcode::GET_AITER, loc);
        self.use_block(start);
        self.push_frame(Frame::AsyncFor { start, exit }, stmt)?;
        self.enter_loop();
        self.setup_handler(done, false, 0, loc);
        self.op(Opcode::GET_ANEXT, loc);
        self.none(loc);
        self.delegate(true, loc);
        self.end_handler();
        self.store(&stmt.target)?;
        self.body(&stmt.body)?;
        self.jump(start, Loc::NONE);
        self.leave_loop();
        self.pop_frame();
        self.use_block(done);
        self.op(Opcode::END_ASYNC_FOR, loc);
        self.body(&stmt.orelse)?;
        self.use_block(exit);
        Ok(())
    }

    fn enter_loop(&mut self) {
        self.unit.finally_loops.push(true);
    }

    fn leave_loop(&mut self) {
        self.unit.finally_loops.pop();
    }

    /// PEP 765: `return`, `break` and `continue` that leave a `finally` block. A loop inside the block catches the
    /// latter two.
    pub(crate) fn warn_leaving_finally(&mut self, word: &str, loc: Loc, through_loops: bool) {
        for &is_loop in self.unit.finally_loops.iter().rev() {
            if !is_loop {
                self.warn(format!("'{word}' in a 'finally' block"), loc.line);
                return;
            }
            if !through_loops {
                return;
            }
        }
    }

    pub(crate) fn break_stmt(&mut self, node: &'a ast::StmtBreak, loc: Loc) -> Res {
        self.warn_leaving_finally("break", loc, false);
        self.nop(loc);
        let saved = self.save();
        let Some(frame) = self.unwind_to_loop(node)? else {
            return Fail::err("'break' outside loop", node);
        };
        let out = self.unwind_frame(frame, false, loc)?;
        if let Frame::While { exit, .. } | Frame::For { exit, .. } | Frame::AsyncFor { exit, .. } = frame {
            self.jump(exit, out);
        }
        self.restore(saved);
        Ok(())
    }

    pub(crate) fn continue_stmt(&mut self, node: &'a ast::StmtContinue, loc: Loc) -> Res {
        self.warn_leaving_finally("continue", loc, false);
        self.nop(loc);
        let saved = self.save();
        let Some(frame) = self.unwind_to_loop(node)? else {
            return Fail::err("'continue' not properly in loop", node);
        };
        if let Frame::While { start, .. } | Frame::For { start, .. } | Frame::AsyncFor { start, .. } = frame {
            self.jump(start, loc);
        }
        self.restore(saved);
        Ok(())
    }

    fn save(&self) -> Saved<'a> {
        Saved { frames: self.unit.frames.clone(), handlers: self.unit.handlers.clone() }
    }

    pub(crate) fn restore(&mut self, saved: Saved<'a>) {
        self.unit.frames = saved.frames;
        self.unit.handlers = saved.handlers;
    }

    /// Undoes the blocks inside the innermost loop and pops that; None without a loop.
    fn unwind_to_loop(&mut self, at: &impl Ranged) -> Res<Option<Frame<'a>>> {
        while let Some(pending) = self.unit.frames.pop() {
            self.unit.handlers.truncate(pending.handlers);
            match pending.frame {
                Frame::While { .. } | Frame::For { .. } | Frame::AsyncFor { .. } => {
                    return Ok(Some(pending.frame));
                }
                Frame::GroupHandler => return Self::group_error(at),
                frame => {
                    let loc = self.lines.range(at.range());
                    self.unwind_frame(frame, false, loc)?;
                }
            }
        }
        Ok(None)
    }

    fn group_error<T>(at: &impl Ranged) -> Res<T> {
        Fail::err("'break', 'continue' and 'return' cannot appear in an except* block", at)
    }

    /// Undoes all blocks, for `return`; the result is to be restored behind it.
    pub(crate) fn unwind(&mut self, keep_top: bool, at: &impl Ranged) -> Res<Saved<'a>> {
        let saved = self.save();
        let mut loc = self.lines.range(at.range());
        while let Some(pending) = self.unit.frames.pop() {
            self.unit.handlers.truncate(pending.handlers);
            if matches!(pending.frame, Frame::GroupHandler) {
                return Self::group_error(at);
            }
            loc = self.unwind_frame(pending.frame, keep_top, loc)?;
        }
        Ok(saved)
    }

    /// What leaving a block does; with `keep_top` the value on top is kept. The result is the location of what follows.
    fn unwind_frame(&mut self, frame: Frame<'a>, keep_top: bool, loc: Loc) -> Res<Loc> {
        let keep = |c: &mut Self| {
            if keep_top {
                c.op_arg(Opcode::SWAP, 2, loc);
            }
        };
        match frame {
            Frame::While { .. } | Frame::ExceptionHandler | Frame::GroupHandler | Frame::TryExcept => Ok(loc),
            Frame::For { .. } => {
                keep(self);
                self.op(Opcode::POP_ITER, loc);
                Ok(loc)
            }
            Frame::AsyncFor { .. } | Frame::PopValue => {
                keep(self);
                self.op(Opcode::POP_TOP, loc);
                Ok(loc)
            }
            Frame::FinallyTry { body } => {
                if keep_top {
                    let handlers = self.unit.handlers.len();
                    self.unit.frames.push(super::unit::Pending { frame: Frame::PopValue, handlers });
                }
                self.finally_body(body)?;
                if keep_top {
                    self.pop_frame();
                }
                Ok(Loc::NONE)
            }
            Frame::FinallyEnd => {
                keep(self);
                self.op(Opcode::POP_TOP, loc);
                keep(self);
                self.op(Opcode::POP_EXCEPT, loc);
                Ok(loc)
            }
            Frame::With { loc: with } | Frame::AsyncWith { loc: with } => {
                if keep_top {
                    self.op_arg(Opcode::SWAP, 3, with);
                    self.op_arg(Opcode::SWAP, 2, with);
                }
                self.call_exit(with);
                if matches!(frame, Frame::AsyncWith { .. }) {
                    self.await_value(2, with);
                }
                self.op(Opcode::POP_TOP, with);
                Ok(Loc::NONE)
            }
            Frame::HandlerCleanup { name } => {
                keep(self);
                self.op(Opcode::POP_EXCEPT, loc);
                if let Some(name) = name {
                    self.forget(name, loc);
                }
                Ok(loc)
            }
        }
    }

    /// `name = None; del name` at the end of an except clause.
    pub(crate) fn forget(&mut self, name: Sym, loc: Loc) {
        self.none(loc);
        self.store_name(name, loc);
        self.name_op(name, super::names::Access::Del, loc);
    }

    /// One more copy of a `finally` body.
    pub(crate) fn finally_body(&mut self, body: &'a [ast::Stmt]) -> Res {
        self.quiet += 1;
        self.unit.finally_loops.push(false);
        let result = self.body(body);
        self.unit.finally_loops.pop();
        self.quiet -= 1;
        result
    }
}
