//! Parameters, their annotations, and type parameters.

use ruff_python_ast as ast;
use ruff_text_size::Ranged;

use super::{Role, ScopeKind, build::Builder, def, node_id};
use crate::{
    fail::{Fail, Res},
    names::{Sym, known},
};

impl Builder<'_> {
    pub(super) fn defaults(&mut self, parameters: &ast::Parameters) -> Res {
        for parameter in parameters.iter_non_variadic_params() {
            self.optional(parameter.default.as_deref())?;
        }
        Ok(())
    }

    /// Defines the parameters: positional, keyword-only, `*args`, `**kwargs`, as a code object orders them.
    pub(super) fn parameters(&mut self, parameters: &ast::Parameters) -> Res {
        for parameter in parameters.posonlyargs.iter().chain(&parameters.args).chain(&parameters.kwonlyargs) {
            self.parameter(&parameter.parameter)?;
        }
        for parameter in parameters.vararg.iter().chain(&parameters.kwarg) {
            self.parameter(parameter)?;
        }
        Ok(())
    }

    fn parameter(&mut self, parameter: &ast::Parameter) -> Res {
        if parameter.name.id == "__debug__" {
            return Fail::err("cannot assign to __debug__", parameter);
        }
        let sym = self.sym(&parameter.name.id);
        self.add(sym, def::PARAM, parameter.range)
    }

    pub(super) fn function_annotations(&mut self, function: &ast::StmtFunctionDef) -> Res {
        let in_class = self.cur().kind == ScopeKind::Class || self.cur().can_see_class_scope;
        self.enter(known::ANNOTATE, ScopeKind::Annotation, node_id(function), Role::Annotations);
        self.cur().info = Some("an annotation");
        if in_class && !self.future_annotations {
            self.cur().can_see_class_scope = true;
            self.add(known::CLASSDICT, def::USE, function.range)?;
        }
        let unevaluated = self.future_annotations;
        for parameter in function.parameters.iter() {
            if let Some(annotation) = parameter.annotation() {
                self.cur().annotations_used = true;
                self.annotation(annotation, unevaluated)?;
            }
        }
        if let Some(returns) = &function.returns {
            self.cur().annotations_used = true;
            self.annotation(returns, unevaluated)?;
        }
        self.leave();
        Ok(())
    }

    pub(super) fn enter_type_params(
        &mut self,
        name: Sym,
        params: &ast::TypeParams,
        defaults: bool,
        kwdefaults: bool,
        class: bool,
    ) -> Res {
        let in_class = self.cur().kind == ScopeKind::Class;
        self.enter(name, ScopeKind::TypeParams, node_id(params), Role::TypeParams);
        self.cur().info = Some("the definition of a generic");
        if in_class {
            self.cur().can_see_class_scope = true;
            self.add(known::CLASSDICT, def::USE, params.range)?;
        }
        if class {
            self.add(known::TYPE_PARAMS, def::LOCAL, params.range)?;
            self.add(known::TYPE_PARAMS, def::USE, params.range)?;
            self.add(known::GENERIC_BASE, def::LOCAL, params.range)?;
            self.add(known::GENERIC_BASE, def::USE, params.range)?;
        }
        if defaults {
            self.add(known::DEFAULTS, def::PARAM, params.range)?;
        }
        if kwdefaults {
            self.add(known::KWDEFAULTS, def::PARAM, params.range)?;
        }
        Ok(())
    }

    pub(super) fn type_params(&mut self, params: &ast::TypeParams) -> Res {
        for param in &params.type_params {
            let (name, node) = match param {
                ast::TypeParam::TypeVar(param) => (&param.name, node_id(param)),
                ast::TypeParam::TypeVarTuple(param) => (&param.name, node_id(param)),
                ast::TypeParam::ParamSpec(param) => (&param.name, node_id(param)),
            };
            if name.id == "__debug__" {
                return Fail::err("cannot assign to __debug__", param);
            }
            let sym = self.sym(&name.id);
            if let Some(mangled) = &mut self.cur().mangled_names {
                mangled.insert(sym);
            }
            self.add(sym, def::TYPE_PARAM | def::LOCAL, param.range())?;
            match param {
                ast::TypeParam::TypeVar(param) => {
                    if let Some(bound) = &param.bound {
                        let what = match &**bound {
                            ast::Expr::Tuple(_) => "a TypeVar constraint",
                            _ => "a TypeVar bound",
                        };
                        self.bound_scope(sym, node, Role::Bound, bound, what)?;
                    }
                    if let Some(default) = &param.default {
                        self.bound_scope(sym, node, Role::Default, default, "a TypeVar default")?;
                    }
                }
                ast::TypeParam::TypeVarTuple(param) => {
                    if let Some(default) = &param.default {
                        self.bound_scope(sym, node, Role::Default, default, "a TypeVarTuple default")?;
                    }
                }
                ast::TypeParam::ParamSpec(param) => {
                    if let Some(default) = &param.default {
                        self.bound_scope(sym, node, Role::Default, default, "a ParamSpec default")?;
                    }
                }
            }
        }
        Ok(())
    }

    fn bound_scope(
        &mut self,
        name: Sym,
        node: usize,
        role: Role,
        expr: &ast::Expr,
        info: &'static str,
    ) -> Res {
        let in_class = self.cur().can_see_class_scope;
        self.enter(name, ScopeKind::TypeVariable, node, role);
        self.cur().info = Some(info);
        if in_class {
            self.cur().can_see_class_scope = true;
            self.add(known::CLASSDICT, def::USE, expr.range())?;
        }
        self.expr(expr)?;
        self.leave();
        Ok(())
    }
}
