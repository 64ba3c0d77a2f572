//! Type parameters and type aliases (PEP 695, 696).

use ruff_python_ast::{self as ast, Expr};

use super::{Compiler, unit::UnitKind};
use crate::{
    code::Const,
    fail::{Fail, Res},
    location::Loc,
    names::Sym,
    opcode::{FunctionAttribute, Intrinsic1, Intrinsic2, Opcode},
    symtable::Role,
};
use ruff_text_size::Ranged;

impl<'a> Compiler<'a> {
    /// Makes the type parameters, binds their names, and leaves their tuple.
    pub(crate) fn type_params(&mut self, params: &'a ast::TypeParams) -> Res {
        let mut seen_default = false;
        for param in &params.type_params {
            let loc = self.loc(param);
            let (ident, default) = match param {
                ast::TypeParam::TypeVar(param) => (&param.name, &param.default),
                ast::TypeParam::TypeVarTuple(param) => (&param.name, &param.default),
                ast::TypeParam::ParamSpec(param) => (&param.name, &param.default),
            };
            let name = self.names.sym(&ident.id);
            self.constant(Const::Str(ident.id.as_str().into()), loc);
            let default_scope = match param {
                ast::TypeParam::TypeVar(param) => {
                    match &param.bound {
                        Some(bound) => {
                            let scope = self.scope_of(param, Role::Bound)?;
                            self.evaluator(scope, name, bound, false)?;
                            let which = match &**bound {
                                Expr::Tuple(_) => Intrinsic2::TypevarWithConstraints,
                                _ => Intrinsic2::TypevarWithBound,
                            };
                            self.op_arg(Opcode::CALL_INTRINSIC_2, which as u32, loc);
                        }
                        None => self.intrinsic1(Intrinsic1::Typevar, loc),
                    }
                    self.table.scope(param, Role::Default)
                }
                ast::TypeParam::TypeVarTuple(param) => {
                    self.intrinsic1(Intrinsic1::Typevartuple, loc);
                    self.table.scope(param, Role::Default)
                }
                ast::TypeParam::ParamSpec(param) => {
                    self.intrinsic1(Intrinsic1::Paramspec, loc);
                    self.table.scope(param, Role::Default)
                }
            };
            match (default, default_scope) {
                (Some(default), Some(scope)) => {
                    seen_default = true;
                    self.evaluator(scope, name, default, param.is_type_var_tuple())?;
                    self.op_arg(Opcode::CALL_INTRINSIC_2, Intrinsic2::SetTypeparamDefault as u32, loc);
                }
                _ if seen_default => {
                    return Fail::err(
                        format!("non-default type parameter '{}' follows default type parameter", ident.id),
                        param,
                    );
                }
                _ => {}
            }
            self.op_arg(Opcode::COPY, 1, loc);
            self.store_name(name, loc);
        }
        let loc = self.loc(params);
        self.op_arg(Opcode::BUILD_TUPLE, params.type_params.len() as u32, loc);
        Ok(())
    }

    /// A function that evaluates an expression when asked (format 1 by default).
    fn evaluator(&mut self, scope: usize, name: Sym, expr: &'a Expr, starred: bool) -> Res {
        let loc = self.loc(expr);
        self.constant(Const::Tuple(vec![Const::Int(1)]), loc);
        let private = self.unit.private;
        self.enter(scope, UnitKind::Annotations, name, loc.line, private);
        self.annotation_prologue(loc);
        match expr {
            Expr::Starred(starred_expr) if starred => {
                self.expr(&starred_expr.value)?;
                self.op_arg(Opcode::UNPACK_SEQUENCE, 1, loc);
            }
            _ => self.expr(expr)?,
        }
        self.op(Opcode::RETURN_VALUE, loc);
        let free = self.unit.freevars.list.clone();
        let code = self.leave()?;
        self.make_closure(code, FunctionAttribute::Defaults as u32, &free, loc)
    }

    pub(crate) fn type_alias(&mut self, alias: &'a ast::StmtTypeAlias) -> Res {
        let loc = self.loc(alias);
        let Expr::Name(target) = &*alias.name else {
            return Fail::err("invalid syntax", &alias.name.range());
        };
        let name = self.names.sym(&target.id);
        let text = Const::Str(target.id.as_str().into());
        if let Some(params) = &alias.type_params {
            let scope = self.scope_of(&**params, Role::TypeParams)?;
            let generic = self.names.sym(&format!("<generic parameters of {}>", target.id));
            let private = self.unit.private;
            self.enter(scope, UnitKind::TypeParams, generic, loc.line, private);
            self.resume_at_start();
            self.constant(text, loc);
            self.type_params(params)?;
            self.alias_value(alias, name, loc)?;
            self.op(Opcode::RETURN_VALUE, loc);
            let free = self.unit.freevars.list.clone();
            let code = self.leave()?;
            self.make_closure(code, 0, &free, loc)?;
            self.op(Opcode::PUSH_NULL, loc);
            self.op_arg(Opcode::CALL, 0, loc);
        } else {
            self.constant(text, loc);
            self.none(loc);
            self.alias_value(alias, name, loc)?;
        }
        self.store_name(name, loc);
        Ok(())
    }

    fn alias_value(&mut self, alias: &'a ast::StmtTypeAlias, name: Sym, loc: Loc) -> Res {
        let scope = self.scope_of(alias, Role::Alias)?;
        self.evaluator(scope, name, &alias.value, false)?;
        self.op_arg(Opcode::BUILD_TUPLE, 3, loc);
        self.intrinsic1(Intrinsic1::Typealias, loc);
        Ok(())
    }
}
