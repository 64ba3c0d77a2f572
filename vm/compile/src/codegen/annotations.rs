//! Deferred annotations (PEP 649, 749).

use ruff_python_ast::{self as ast, Expr};

use super::{Compiler, unit::UnitKind};
use crate::{
    code::Const,
    fail::Res,
    location::Loc,
    names::{Sym, known},
    opcode::{COMPARE_TO_BOOL, CommonConstant, Compare, FunctionAttribute, Opcode},
    symtable::{Role, ScopeKind},
};
use ruff_text_size::Ranged;

impl<'a> Compiler<'a> {
    /// Start of a function that evaluates annotations: formats above VALUE_WITH_FAKE_GLOBALS (2) are not its business.
    pub(crate) fn annotation_prologue(&mut self, loc: Loc) {
        self.unit.argcount = 1;
        self.unit.posonlyargcount = 1;
        self.resume_at_start();
        let body = self.new_block();
        self.op_arg(Opcode::LOAD_FAST, 0, loc);
        self.constant(Const::Int(2), loc);
        self.op_arg(Opcode::COMPARE_OP, Compare::Gt.arg() | COMPARE_TO_BOOL, loc);
        self.jump_op(Opcode::POP_JUMP_IF_FALSE, body, loc);
        self.op_arg(Opcode::LOAD_COMMON_CONSTANT, CommonConstant::NotImplementedError as u32, loc);
        self.op_arg(Opcode::RAISE_VARARGS, 1, loc);
        self.use_block(body);
    }

    /// The value of one annotation; its source text under `from __future__ import annotations`.
    pub(crate) fn annotation_value(&mut self, annotation: &'a Expr) -> Res {
        let loc = self.loc(annotation);
        if self.future_annotations() {
            let text = crate::unparse::annotation(annotation, self.source);
            self.constant(Const::Str(text.into()), loc);
            return Ok(());
        }
        match annotation {
            // `*args: *Ts`
            Expr::Starred(starred) => {
                self.expr(&starred.value)?;
                self.op_arg(Opcode::UNPACK_SEQUENCE, 1, loc);
                Ok(())
            }
            _ => self.expr(annotation),
        }
    }

    /// Makes the `__annotate__` function of a function with annotations and leaves it on the stack.
    pub(crate) fn function_annotations(&mut self, function: &'a ast::StmtFunctionDef, loc: Loc) -> Res<u32> {
        let scope = self.scope_of(function, Role::Annotations)?;
        if !self.table.scopes[scope].annotations_used {
            return Ok(0);
        }
        let private = self.unit.private;
        self.enter(scope, UnitKind::Annotations, known::ANNOTATE, loc.line, private);
        self.rename_annotate(&function.name.id);
        self.annotation_prologue(loc);
        let mut count = 0;
        let parameters = &*function.parameters;
        let plain = parameters.posonlyargs.iter().chain(&parameters.args).map(|p| &p.parameter);
        let keyword_only = parameters.kwonlyargs.iter().map(|p| &p.parameter);
        let ordered =
            plain.chain(parameters.vararg.as_deref()).chain(keyword_only).chain(parameters.kwarg.as_deref());
        for parameter in ordered {
            if let Some(annotation) = parameter.annotation.as_deref() {
                let sym = self.names.sym(&parameter.name.id);
                self.annotation_pair(sym, annotation, loc)?;
                count += 1;
            }
        }
        if let Some(returns) = function.returns.as_deref() {
            let sym = self.names.sym("return");
            self.annotation_pair(sym, returns, loc)?;
            count += 1;
        }
        self.op_arg(Opcode::BUILD_MAP, count, loc);
        self.op(Opcode::RETURN_VALUE, loc);
        let free = self.unit.freevars.list.clone();
        let code = self.leave()?;
        self.make_closure(code, 0, &free, loc)?;
        Ok(FunctionAttribute::Annotate as u32)
    }

    /// The annotate function of `f` is `f.__annotate__`.
    fn rename_annotate(&mut self, function: &str) {
        let qualname = &self.unit.qualname;
        let prefix = qualname.strip_suffix("__annotate__").unwrap_or_default();
        self.unit.qualname = format!("{prefix}{function}.__annotate__");
    }

    fn annotation_pair(&mut self, name: Sym, annotation: &'a Expr, loc: Loc) -> Res {
        let mangled = self.mangled(name);
        let key = Const::Str(self.names.text(mangled).into());
        self.constant(key, loc);
        self.annotation_value(annotation)
    }

    /// Makes the `__annotate__` function of a module or class body.
    pub(crate) fn deferred_annotations(&mut self, loc: Loc) -> Res {
        let deferred = std::mem::take(&mut self.unit.deferred);
        if deferred.is_empty() {
            return Ok(());
        }
        let body = self.unit.scope;
        let Some(scope) = self.table.annotation_scope(body) else { return Ok(()) };
        let in_class = self.table.scopes[body].kind == ScopeKind::Class;
        let private = self.unit.private;
        let line = loc.line;
        self.enter(scope, UnitKind::Annotations, known::ANNOTATE, line, private);
        self.annotation_prologue(loc);
        self.op_arg(Opcode::BUILD_MAP, 0, loc);
        for item in deferred {
            let skip = self.new_block();
            if let Some(number) = item.condition {
                self.constant(Const::Int(i64::from(number)), item.loc);
                match self.unit.deref(known::CONDITIONAL_ANNOTATIONS, true).filter(|_| in_class) {
                    Some(at) => self.op_arg(Opcode::LOAD_DEREF, at, item.loc),
                    None => {
                        let at = self.name_index(known::CONDITIONAL_ANNOTATIONS);
                        self.op_arg(Opcode::LOAD_GLOBAL, at << 1, item.loc);
                    }
                }
                self.op_arg(Opcode::CONTAINS_OP, 0, item.loc);
                self.jump_op(Opcode::POP_JUMP_IF_FALSE, skip, item.loc);
            }
            self.expr(item.annotation)?;
            self.op_arg(Opcode::COPY, 2, item.loc);
            let key = Const::Str(self.names.text(item.name).into());
            let annotation = self.lines.range(item.annotation.range());
            self.constant(key, annotation);
            self.op(Opcode::STORE_SUBSCR, item.loc);
            self.use_block(skip);
        }
        self.op(Opcode::RETURN_VALUE, loc);
        let free = self.unit.freevars.list.clone();
        let code = self.leave()?;
        self.make_closure(code, 0, &free, loc)?;
        self.store_name(if in_class { known::ANNOTATE_FUNC } else { known::ANNOTATE }, loc);
        Ok(())
    }
}
