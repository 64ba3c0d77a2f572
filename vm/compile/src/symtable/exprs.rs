//! First pass over expressions and patterns.

use ruff_python_ast::{self as ast, Expr, ExprContext, Pattern};
use ruff_text_size::{Ranged, TextRange};

use super::{CompKind, Role, ScopeKind, build::Builder, def, grow, node_id};
use crate::{
    fail::{Fail, Res},
    names::known,
};

impl Builder<'_> {
    pub(super) fn optional(&mut self, expr: Option<&Expr>) -> Res {
        expr.map_or(Ok(()), |expr| self.expr(expr))
    }

    pub(super) fn exprs(&mut self, exprs: &[Expr]) -> Res {
        exprs.iter().try_for_each(|expr| self.expr(expr))
    }

    pub(super) fn expr(&mut self, expr: &Expr) -> Res {
        grow(|| self.expr_inner(expr))
    }

    fn expr_inner(&mut self, expr: &Expr) -> Res {
        match expr {
            Expr::BoolOp(op) => self.exprs(&op.values),
            Expr::Named(named) => self.named(named),
            Expr::BinOp(op) => {
                self.expr(&op.left)?;
                self.expr(&op.right)
            }
            Expr::UnaryOp(op) => self.expr(&op.operand),
            Expr::Lambda(lambda) => self.lambda(lambda),
            Expr::If(cond) => {
                self.expr(&cond.test)?;
                self.expr(&cond.body)?;
                self.expr(&cond.orelse)
            }
            Expr::Dict(dict) => dict.items.iter().try_for_each(|item| {
                self.optional(item.key.as_ref())?;
                self.expr(&item.value)
            }),
            Expr::Set(set) => self.exprs(&set.elts),
            Expr::ListComp(comp) => self.comprehension(
                node_id(comp),
                CompKind::List,
                &comp.generators,
                &comp.elt,
                None,
                comp.range,
            ),
            Expr::SetComp(comp) => self.comprehension(
                node_id(comp),
                CompKind::Set,
                &comp.generators,
                &comp.elt,
                None,
                comp.range,
            ),
            Expr::DictComp(comp) => {
                let key = comp.key.as_deref().unwrap_or(&comp.value);
                let value = Some(&*comp.value).filter(|_| comp.key.is_some());
                self.comprehension(node_id(comp), CompKind::Dict, &comp.generators, key, value, comp.range)
            }
            Expr::Generator(comp) => self.comprehension(
                node_id(comp),
                CompKind::Generator,
                &comp.generators,
                &comp.elt,
                None,
                comp.range,
            ),
            Expr::Await(node) => {
                self.forbid("await expression", node.range)?;
                self.expr(&node.value)?;
                self.cur().coroutine = true;
                Ok(())
            }
            Expr::Yield(node) => {
                self.forbid("yield expression", node.range)?;
                self.optional(node.value.as_deref())?;
                self.yielding(node.range)
            }
            Expr::YieldFrom(node) => {
                self.forbid("yield expression", node.range)?;
                self.expr(&node.value)?;
                self.yielding(node.range)
            }
            Expr::Compare(compare) => {
                self.expr(&compare.left)?;
                self.exprs(&compare.comparators)
            }
            Expr::Call(call) => {
                self.expr(&call.func)?;
                self.arguments(&call.arguments)
            }
            Expr::FString(string) => {
                for element in string.value.elements() {
                    self.element(element)?;
                }
                Ok(())
            }
            Expr::TString(string) => {
                for element in string.value.elements() {
                    self.element(element)?;
                }
                Ok(())
            }
            Expr::Attribute(attribute) => {
                let store = matches!(attribute.ctx, ExprContext::Store | ExprContext::Del);
                if store && attribute.attr.id == "__debug__" {
                    return Fail::err(debug_message(attribute.ctx), attribute);
                }
                self.expr(&attribute.value)
            }
            Expr::Subscript(subscript) => {
                self.expr(&subscript.value)?;
                self.expr(&subscript.slice)
            }
            Expr::Starred(starred) => self.expr(&starred.value),
            Expr::Name(name) => self.name(name),
            Expr::List(list) => self.exprs(&list.elts),
            Expr::Tuple(tuple) => self.exprs(&tuple.elts),
            Expr::Slice(slice) => {
                self.optional(slice.lower.as_deref())?;
                self.optional(slice.upper.as_deref())?;
                self.optional(slice.step.as_deref())
            }
            Expr::StringLiteral(_)
            | Expr::BytesLiteral(_)
            | Expr::NumberLiteral(_)
            | Expr::BooleanLiteral(_)
            | Expr::NoneLiteral(_)
            | Expr::EllipsisLiteral(_)
            | Expr::IpyEscapeCommand(_) => Ok(()),
        }
    }

    fn name(&mut self, name: &ast::ExprName) -> Res {
        let sym = self.sym(&name.id);
        let stores = matches!(name.ctx, ExprContext::Store | ExprContext::Del);
        if stores && sym == known::DEBUG {
            return Fail::err(debug_message(name.ctx), name);
        }
        if self.unevaluated {
            return Ok(());
        }
        self.add(sym, if stores { def::LOCAL } else { def::USE }, name.range)?;
        if !stores && sym == known::SUPER && self.cur().function_like() {
            self.add(known::CLASS, def::USE, name.range)?;
        }
        Ok(())
    }

    pub(super) fn arguments(&mut self, arguments: &ast::Arguments) -> Res {
        self.exprs(&arguments.args)?;
        for (at, keyword) in arguments.keywords.iter().enumerate() {
            if let Some(name) = &keyword.arg {
                if name.id == "__debug__" {
                    return Fail::err("cannot assign to __debug__", keyword);
                }
                let before = &arguments.keywords[..at];
                if before.iter().any(|other| other.arg.as_ref().is_some_and(|other| other.id == name.id)) {
                    return Fail::err(format!("keyword argument repeated: {}", name.id), keyword);
                }
            }
            self.expr(&keyword.value)?;
        }
        Ok(())
    }

    fn lambda(&mut self, lambda: &ast::ExprLambda) -> Res {
        if let Some(parameters) = &lambda.parameters {
            self.defaults(parameters)?;
        }
        self.enter(known::LAMBDA, ScopeKind::Function, node_id(lambda), Role::Body);
        if let Some(parameters) = &lambda.parameters {
            self.parameters(parameters)?;
        }
        self.expr(&lambda.body)?;
        self.leave();
        Ok(())
    }

    fn element(&mut self, element: &ast::InterpolatedStringElement) -> Res {
        if let ast::InterpolatedStringElement::Interpolation(element) = element {
            self.expr(&element.expression)?;
            if let Some(spec) = &element.format_spec {
                for element in spec.elements.iter() {
                    grow(|| self.element(element))?;
                }
            }
        }
        Ok(())
    }

    /// Refuses an expression that annotations and their like may not contain.
    fn forbid(&mut self, what: &str, range: TextRange) -> Res {
        if let Some(info) = self.cur().info {
            return Fail::err(format!("{what} cannot be used within {info}"), &range);
        }
        Ok(())
    }

    fn yielding(&mut self, range: TextRange) -> Res {
        self.cur().generator = true;
        if let Some(kind) = self.cur().comprehension {
            let place = Self::comprehension_kind_name(kind);
            return Fail::err(format!("'yield' inside {place}"), &range);
        }
        Ok(())
    }

    fn comprehension(
        &mut self,
        node: usize,
        kind: CompKind,
        generators: &[ast::Comprehension],
        element: &Expr,
        value: Option<&Expr>,
        range: TextRange,
    ) -> Res {
        let [outermost, rest @ ..] = generators else {
            return Fail::err("invalid syntax", &range);
        };
        self.cur().comp_iter_expr += 1;
        self.expr(&outermost.iter)?;
        self.cur().comp_iter_expr -= 1;
        let name = match kind {
            CompKind::List => known::LISTCOMP,
            CompKind::Set => known::SETCOMP,
            CompKind::Dict => known::DICTCOMP,
            CompKind::Generator => known::GENEXPR,
        };
        self.enter(name, ScopeKind::Function, node, Role::Body);
        let parent = self.stack[self.stack.len() - 2];
        // A comprehension in an annotation scope of a class sees the class like the scope itself does.
        let scope = self.cur();
        scope.comprehension = Some(kind);
        scope.coroutine = outermost.is_async;
        scope.is_method = false;
        if self.table.scopes[parent].info.is_some() {
            self.cur().info = self.table.scopes[parent].info;
        }
        self.cur().entry(known::ITERABLE).flags |= def::PARAM | def::USE;
        self.cur().params.push(known::ITERABLE);
        self.target(&outermost.target)?;
        self.exprs(&outermost.ifs)?;
        for generator in rest {
            self.target(&generator.target)?;
            self.cur().comp_iter_expr += 1;
            self.expr(&generator.iter)?;
            self.cur().comp_iter_expr -= 1;
            self.exprs(&generator.ifs)?;
            if generator.is_async {
                self.cur().coroutine = true;
            }
        }
        self.optional(value)?;
        self.expr(element)?;
        let generator = kind == CompKind::Generator;
        self.cur().generator = generator;
        let is_async = self.cur().coroutine && !generator;
        self.leave();
        if is_async {
            self.cur().coroutine = true;
        }
        Ok(())
    }

    fn target(&mut self, target: &Expr) -> Res {
        self.cur().comp_iter_target = true;
        let result = self.expr(target);
        self.cur().comp_iter_target = false;
        result
    }

    fn named(&mut self, named: &ast::ExprNamed) -> Res {
        self.forbid("named expression", named.range)?;
        if self.cur().comp_iter_expr > 0 {
            return Fail::err(
                "assignment expression cannot be used in a comprehension iterable expression",
                named,
            );
        }
        if self.cur().comprehension.is_some() && !self.unevaluated {
            self.extend_named(named)?;
        }
        self.expr(&named.value)?;
        self.expr(&named.target)
    }

    /// An assignment expression in a comprehension binds in the scope around (PEP 572).
    fn extend_named(&mut self, named: &ast::ExprNamed) -> Res {
        let Expr::Name(target) = &*named.target else { return Ok(()) };
        let sym = self.sym(&target.id);
        let name = self.mangled(sym);
        for at in (0..self.stack.len()).rev() {
            let id = self.stack[at];
            let scope = &self.table.scopes[id];
            let old = scope.flags(name);
            if scope.comprehension.is_some() {
                if old & def::COMP_ITER != 0 && old & def::LOCAL != 0 {
                    return Fail::err(
                        format!(
                            "assignment expression cannot rebind comprehension iteration variable '{}'",
                            target.id
                        ),
                        target,
                    );
                }
                continue;
            }
            let problem = match scope.kind {
                ScopeKind::Function => {
                    let flag = if old & def::GLOBAL != 0 { def::GLOBAL } else { def::NONLOCAL };
                    self.add(sym, flag, target.range)?;
                    self.cur().directives.push((name, target.range));
                    return self.add_to(id, name, def::LOCAL, target.range);
                }
                ScopeKind::Module => {
                    self.add(sym, def::GLOBAL, target.range)?;
                    self.cur().directives.push((name, target.range));
                    return self.add_to(id, name, def::GLOBAL, target.range);
                }
                ScopeKind::Class => {
                    "assignment expression within a comprehension cannot be used in a class body"
                }
                ScopeKind::TypeParams => {
                    "assignment expression within a comprehension cannot be used within the definition of a generic"
                }
                ScopeKind::TypeAlias => {
                    "assignment expression within a comprehension cannot be used in a type alias"
                }
                ScopeKind::TypeVariable => {
                    "assignment expression within a comprehension cannot be used in a TypeVar bound"
                }
                ScopeKind::Annotation => {
                    "assignment expression within a comprehension cannot be used within an annotation"
                }
            };
            return Fail::err(problem, target);
        }
        Ok(())
    }

    pub(super) fn pattern(&mut self, pattern: &Pattern) -> Res {
        grow(|| match pattern {
            Pattern::MatchValue(value) => self.expr(&value.value),
            Pattern::MatchSingleton(_) => Ok(()),
            Pattern::MatchSequence(sequence) => sequence.patterns.iter().try_for_each(|p| self.pattern(p)),
            Pattern::MatchMapping(mapping) => {
                self.exprs(&mapping.keys)?;
                mapping.patterns.iter().try_for_each(|p| self.pattern(p))?;
                self.capture(mapping.rest.as_ref())
            }
            Pattern::MatchClass(class) => {
                self.expr(&class.cls)?;
                class.arguments.patterns.iter().try_for_each(|p| self.pattern(p))?;
                class.arguments.keywords.iter().try_for_each(|keyword| {
                    if keyword.attr.id == "__debug__" {
                        return Fail::err("cannot assign to __debug__", pattern);
                    }
                    self.pattern(&keyword.pattern)
                })
            }
            Pattern::MatchStar(star) => self.capture(star.name.as_ref()),
            Pattern::MatchAs(binding) => {
                if let Some(pattern) = &binding.pattern {
                    self.pattern(pattern)?;
                }
                self.capture(binding.name.as_ref())
            }
            Pattern::MatchOr(or) => or.patterns.iter().try_for_each(|p| self.pattern(p)),
        })
    }

    fn capture(&mut self, name: Option<&ast::Identifier>) -> Res {
        let Some(name) = name else { return Ok(()) };
        let sym = self.sym(&name.id);
        if sym == known::DEBUG {
            return Fail::err("cannot assign to __debug__", name);
        }
        self.add(sym, def::LOCAL, name.range())
    }
}

fn debug_message(ctx: ExprContext) -> &'static str {
    if ctx == ExprContext::Del { "cannot delete __debug__" } else { "cannot assign to __debug__" }
}
