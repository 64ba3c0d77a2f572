//! Statements.

use ruff_python_ast::{self as ast, Stmt};

use super::{Compiler, unit::UnitKind};
use crate::{
    Mode,
    code::Const,
    fail::{Fail, Res},
    location::Loc,
    opcode::{CommonConstant, Intrinsic1, Opcode},
    symtable::grow,
};

impl<'a> Compiler<'a> {
    pub(crate) fn stmt(&mut self, stmt: &'a Stmt) -> Res {
        grow(|| self.stmt_inner(stmt))
    }

    fn stmt_inner(&mut self, stmt: &'a Stmt) -> Res {
        let loc = self.loc(stmt);
        match stmt {
            Stmt::FunctionDef(function) => self.function(function),
            Stmt::ClassDef(class) => self.class(class),
            Stmt::Return(ret) => self.return_stmt(ret, loc),
            Stmt::Delete(delete) => delete.targets.iter().try_for_each(|target| self.delete(target)),
            Stmt::Assign(assign) => self.assign(assign),
            Stmt::AugAssign(assign) => self.aug_assign(assign),
            Stmt::AnnAssign(assign) => self.ann_assign(assign),
            Stmt::TypeAlias(alias) => self.type_alias(alias),
            Stmt::For(stmt) => {
                self.conditional(|c| if stmt.is_async { c.async_for(stmt) } else { c.for_loop(stmt) })
            }
            Stmt::While(stmt) => self.conditional(|c| c.while_loop(stmt)),
            Stmt::If(stmt) => self.conditional(|c| c.if_stmt(stmt)),
            Stmt::With(stmt) => self.conditional(|c| c.with_stmt(stmt)),
            Stmt::Match(stmt) => self.conditional(|c| c.match_stmt(stmt)),
            Stmt::Raise(raise) => {
                let mut count = 0;
                for part in raise.exc.iter().chain(&raise.cause) {
                    self.expr(part)?;
                    count += 1;
                }
                self.op_arg(Opcode::RAISE_VARARGS, count, loc);
                Ok(())
            }
            Stmt::Try(stmt) => self.conditional(|c| c.try_stmt(stmt)),
            Stmt::Assert(assert) => self.assert_stmt(assert, loc),
            Stmt::Import(import) => self.import(import),
            Stmt::ImportFrom(import) => self.import_from(import),
            Stmt::Global(_) | Stmt::Nonlocal(_) => Ok(()),
            Stmt::Expr(stmt) => self.expr_stmt(stmt, loc),
            Stmt::Pass(_) => {
                self.nop(loc);
                Ok(())
            }
            Stmt::Break(node) => self.break_stmt(node, loc),
            Stmt::Continue(node) => self.continue_stmt(node, loc),
            Stmt::IpyEscapeCommand(_) => Fail::err("invalid syntax", stmt),
        }
    }

    fn conditional(&mut self, f: impl FnOnce(&mut Self) -> Res) -> Res {
        self.unit.conditional_depth += 1;
        // After an error the unit at hand may be an inner one; nothing is generated any more.
        f(self)?;
        self.unit.conditional_depth -= 1;
        Ok(())
    }

    fn expr_stmt(&mut self, stmt: &'a ast::StmtExpr, loc: Loc) -> Res {
        if self.mode == Mode::Single && self.units.is_empty() {
            self.expr(&stmt.value)?;
            self.intrinsic1(Intrinsic1::Print, loc);
            self.op(Opcode::POP_TOP, Loc::NONE);
            return Ok(());
        }
        if stmt.value.is_literal_expr() {
            // No code, but invalid literals and escapes are still reported.
            let handlers = self.unit.graph.instrs(self.unit.current).len();
            self.expr(&stmt.value)?;
            let emitted = self.unit.graph.instrs(self.unit.current).len() - handlers;
            self.drop_instrs(emitted);
            self.nop(loc);
            return Ok(());
        }
        self.expr(&stmt.value)?;
        if self.take_constant().is_some() {
            self.nop(loc);
        } else {
            self.op(Opcode::POP_TOP, Loc::NONE);
        }
        Ok(())
    }

    fn return_stmt(&mut self, ret: &'a ast::StmtReturn, loc: Loc) -> Res {
        let scope = &self.table.scopes[self.unit.scope];
        if !matches!(self.unit.kind, UnitKind::Function | UnitKind::AsyncFunction) {
            return Fail::err("'return' outside function", ret);
        }
        if ret.value.is_some() && scope.coroutine && scope.generator {
            return Fail::err("'return' with value in async generator", ret);
        }
        self.warn_leaving_finally("return", loc, true);
        let computed = ret.value.as_deref().filter(|value| !value.is_literal_expr());
        match (computed, &ret.value) {
            (Some(value), _) => self.expr(value)?,
            (None, Some(_)) => self.nop(loc),
            (None, None) => {}
        }
        let saved = self.unwind(computed.is_some(), ret)?;
        match (computed, &ret.value) {
            (Some(_), _) => {}
            (None, Some(literal)) => self.expr(literal)?,
            (None, None) => self.none(loc),
        }
        self.op(Opcode::RETURN_VALUE, loc);
        self.restore(saved);
        Ok(())
    }

    fn assert_stmt(&mut self, assert: &'a ast::StmtAssert, loc: Loc) -> Res {
        if let ast::Expr::Tuple(tuple) = &*assert.test
            && !tuple.elts.is_empty()
        {
            self.warn("assertion is always true, perhaps remove parentheses?", loc.line);
        }
        if self.options.optimize > 0 {
            // Names are still resolved as if the code were there; nothing runs.
            self.nop(loc);
            return Ok(());
        }
        let end = self.new_block();
        self.jump_if(&assert.test, end, true)?;
        self.op_arg(Opcode::LOAD_COMMON_CONSTANT, CommonConstant::AssertionError as u32, loc);
        if let Some(msg) = &assert.msg {
            self.op(Opcode::PUSH_NULL, loc);
            self.expr(msg)?;
            self.op_arg(Opcode::CALL, 1, loc);
        }
        let test = self.loc(&*assert.test);
        self.op_arg(Opcode::RAISE_VARARGS, 1, test);
        self.use_block(end);
        Ok(())
    }

    pub(crate) fn strings(texts: impl Iterator<Item = String>) -> Const {
        Const::Tuple(texts.map(|text| Const::Str(text.into())).collect())
    }
}
