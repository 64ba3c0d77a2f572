//! First pass: collects definitions and uses, statement by statement.

use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::{Ranged, TextRange};

use super::{CompKind, Role, Scope, ScopeId, ScopeKind, SymbolTable, analyze::analyze, def, grow, node_id};
use crate::{
    fail::{Fail, Res},
    hash::FxMap,
    names::{Names, Sym, known},
};

/// Builds and resolves the table of a tree.
pub(crate) fn build(module: &ast::Mod, names: &mut Names, future_annotations: bool) -> Res<SymbolTable> {
    let mut builder = Builder {
        table: SymbolTable { scopes: Vec::new(), by_node: FxMap::default() },
        stack: Vec::new(),
        names,
        private: None,
        future_annotations,
        unevaluated: false,
    };
    builder.enter(known::MODULE_NAME, ScopeKind::Module, node_id(module), Role::Body);
    match module {
        ast::Mod::Module(module) => builder.body(&module.body)?,
        ast::Mod::Expression(expression) => builder.expr(&expression.body)?,
    }
    builder.leave();
    let mut table = builder.table;
    analyze(&mut table, names)?;
    Ok(table)
}

pub(super) struct Builder<'n> {
    pub(super) table: SymbolTable,
    pub(super) stack: Vec<ScopeId>,
    pub(super) names: &'n mut Names,
    pub(super) private: Option<Sym>,
    pub(super) future_annotations: bool,
    /// Inside an annotation that is never evaluated: nothing is defined or used.
    pub(super) unevaluated: bool,
}

impl Builder<'_> {
    pub(super) fn cur(&mut self) -> &mut Scope {
        let id = self.cur_id();
        &mut self.table.scopes[id]
    }

    pub(super) fn cur_id(&self) -> ScopeId {
        *self.stack.last().expect("a scope is open while the tree is visited")
    }

    pub(super) fn enter(&mut self, name: Sym, kind: ScopeKind, node: usize, role: Role) -> ScopeId {
        let parent = self.stack.last().copied();
        let mut scope = Scope {
            kind,
            name,
            symbols: Vec::new(),
            index: FxMap::default(),
            params: Vec::new(),
            children: Vec::new(),
            directives: Vec::new(),
            nested: false,
            generator: false,
            coroutine: false,
            comprehension: None,
            inlined: false,
            annotations_used: false,
            needs_class_closure: false,
            needs_classdict: false,
            has_conditional_annotations: false,
            can_see_class_scope: false,
            is_method: false,
            in_conditional_block: false,
            comp_iter_target: false,
            comp_iter_expr: 0,
            mangled_names: None,
            info: None,
            annotation_scope: None,
        };
        if let Some(parent) = parent {
            let outer = &self.table.scopes[parent];
            scope.nested = outer.nested || outer.function_like();
            scope.mangled_names.clone_from(&outer.mangled_names);
            if matches!(kind, ScopeKind::Class) {
                scope.mangled_names = None;
            }
            scope.is_method = kind == ScopeKind::Function
                && (outer.kind == ScopeKind::Class
                    || outer.kind == ScopeKind::TypeParams && outer.can_see_class_scope);
            scope.comp_iter_expr = outer.comp_iter_expr;
        }
        let id = self.table.scopes.len();
        self.table.scopes.push(scope);
        if let Some(parent) = parent {
            self.table.scopes[parent].children.push(id);
        }
        self.table.by_node.insert((node, role), id);
        self.stack.push(id);
        if matches!(kind, ScopeKind::Annotation | ScopeKind::TypeVariable | ScopeKind::TypeAlias) {
            self.cur().entry(known::FORMAT).flags |= def::PARAM | def::USE;
            self.cur().params.push(known::FORMAT);
        }
        id
    }

    pub(super) fn leave(&mut self) {
        self.stack.pop();
    }

    /// The name as this scope stores it.
    pub(super) fn mangled(&mut self, name: Sym) -> Sym {
        if let Some(only) = &self.table.scopes[self.cur_id()].mangled_names
            && !only.contains(&name)
        {
            return name;
        }
        self.names.mangle(self.private, name)
    }

    pub(super) fn sym(&mut self, text: &str) -> Sym {
        self.names.sym(text)
    }

    pub(super) fn add(&mut self, name: Sym, flags: u16, range: TextRange) -> Res {
        let name = self.mangled(name);
        self.add_to(self.cur_id(), name, flags, range)
    }

    pub(super) fn add_to(&mut self, id: ScopeId, name: Sym, mut flags: u16, range: TextRange) -> Res {
        let text = |b: &Self| b.names.text(name).to_owned();
        let old = self.table.scopes[id].flags(name);
        if flags & def::PARAM != 0 && old & def::PARAM != 0 {
            return Fail::err(format!("duplicate parameter '{}' in function definition", text(self)), &range);
        }
        if flags & def::TYPE_PARAM != 0 && old & def::TYPE_PARAM != 0 {
            return Fail::err(format!("duplicate type parameter '{}'", text(self)), &range);
        }
        if self.table.scopes[id].comp_iter_target {
            // `[... for x in ... for y in (x := ...)]` and the like: the target was an assignment expression's.
            if old & (def::GLOBAL | def::NONLOCAL) != 0 {
                return Fail::err(
                    format!(
                        "comprehension inner loop cannot rebind assignment expression target '{}'",
                        text(self)
                    ),
                    &range,
                );
            }
            flags |= def::COMP_ITER;
        }
        let scope = &mut self.table.scopes[id];
        scope.entry(name).flags |= flags;
        if flags & def::PARAM != 0 {
            scope.params.push(name);
        } else if flags & def::GLOBAL != 0 {
            // The module must know the name too, so that it is seen as one of its own.
            self.table.scopes[0].entry(name).flags |= def::GLOBAL;
        }
        Ok(())
    }

    pub(super) fn conditional<T>(&mut self, f: impl FnOnce(&mut Self) -> Res<T>) -> Res<T> {
        let saved = std::mem::replace(&mut self.cur().in_conditional_block, true);
        let result = f(self);
        self.cur().in_conditional_block = saved;
        result
    }

    pub(super) fn body(&mut self, stmts: &[Stmt]) -> Res {
        for stmt in stmts {
            grow(|| self.stmt(stmt))?;
        }
        Ok(())
    }

    fn stmt(&mut self, stmt: &Stmt) -> Res {
        match stmt {
            Stmt::FunctionDef(function) => self.function(function),
            Stmt::ClassDef(class) => self.class(class),
            Stmt::Return(ret) => {
                self.optional(ret.value.as_deref())?;
                Ok(())
            }
            Stmt::Delete(delete) => self.exprs(&delete.targets),
            Stmt::Assign(assign) => {
                self.exprs(&assign.targets)?;
                self.expr(&assign.value)
            }
            Stmt::AugAssign(assign) => {
                self.expr(&assign.target)?;
                self.expr(&assign.value)
            }
            Stmt::AnnAssign(assign) => self.ann_assign(assign),
            Stmt::TypeAlias(alias) => self.type_alias(alias),
            Stmt::For(stmt) => {
                self.cur().coroutine |= stmt.is_async;
                self.expr(&stmt.target)?;
                self.expr(&stmt.iter)?;
                self.conditional(|b| {
                    b.body(&stmt.body)?;
                    b.body(&stmt.orelse)
                })
            }
            Stmt::While(stmt) => {
                self.expr(&stmt.test)?;
                self.conditional(|b| {
                    b.body(&stmt.body)?;
                    b.body(&stmt.orelse)
                })
            }
            Stmt::If(stmt) => {
                self.expr(&stmt.test)?;
                self.conditional(|b| {
                    b.body(&stmt.body)?;
                    for clause in &stmt.elif_else_clauses {
                        b.optional(clause.test.as_ref())?;
                        b.body(&clause.body)?;
                    }
                    Ok(())
                })
            }
            Stmt::With(stmt) => self.conditional(|b| {
                b.cur().coroutine |= stmt.is_async;
                for item in &stmt.items {
                    b.expr(&item.context_expr)?;
                    b.optional(item.optional_vars.as_deref())?;
                }
                b.body(&stmt.body)
            }),
            Stmt::Match(stmt) => {
                self.expr(&stmt.subject)?;
                self.conditional(|b| {
                    for case in &stmt.cases {
                        b.pattern(&case.pattern)?;
                        b.optional(case.guard.as_deref())?;
                        b.body(&case.body)?;
                    }
                    Ok(())
                })
            }
            Stmt::Raise(stmt) => {
                self.optional(stmt.exc.as_deref())?;
                self.optional(stmt.cause.as_deref())
            }
            Stmt::Try(stmt) => self.conditional(|b| {
                b.body(&stmt.body)?;
                for ast::ExceptHandler::ExceptHandler(handler) in &stmt.handlers {
                    b.optional(handler.type_.as_deref())?;
                    if let Some(name) = &handler.name {
                        let sym = b.sym(&name.id);
                        b.add(sym, def::LOCAL, name.range)?;
                    }
                    b.body(&handler.body)?;
                }
                b.body(&stmt.orelse)?;
                b.body(&stmt.finalbody)
            }),
            Stmt::Assert(stmt) => {
                self.expr(&stmt.test)?;
                self.optional(stmt.msg.as_deref())
            }
            Stmt::Import(import) => {
                for alias in &import.names {
                    self.alias(alias, false)?;
                }
                Ok(())
            }
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    self.alias(alias, true)?;
                }
                Ok(())
            }
            Stmt::Global(global) => self.declare(&global.names, global.range, def::GLOBAL, "global"),
            Stmt::Nonlocal(nonlocal) => {
                self.declare(&nonlocal.names, nonlocal.range, def::NONLOCAL, "nonlocal")
            }
            Stmt::Expr(stmt) => self.expr(&stmt.value),
            Stmt::Pass(_) | Stmt::Break(_) | Stmt::Continue(_) | Stmt::IpyEscapeCommand(_) => Ok(()),
        }
    }

    fn declare(&mut self, names: &[ast::Identifier], range: TextRange, flag: u16, word: &str) -> Res {
        for name in names {
            let sym = self.sym(&name.id);
            let mangled = self.mangled(sym);
            let old = self.cur().flags(mangled);
            let problem = if old & def::PARAM != 0 {
                format!("name '{}' is parameter and {word}", name.id)
            } else if old & def::USE != 0 {
                format!("name '{}' is used prior to {word} declaration", name.id)
            } else if old & def::ANNOT != 0 {
                format!("annotated name '{}' can't be {word}", name.id)
            } else if old & (def::LOCAL | def::IMPORT) != 0 {
                format!("name '{}' is assigned to before {word} declaration", name.id)
            } else {
                self.add(sym, flag, range)?;
                self.cur().directives.push((mangled, range));
                continue;
            };
            return Fail::err(problem, &range);
        }
        Ok(())
    }

    fn alias(&mut self, alias: &ast::Alias, from: bool) -> Res {
        if alias.name.id == "*" {
            if self.cur().kind != ScopeKind::Module {
                return Fail::err("import * only allowed at module level", alias);
            }
            return Ok(());
        }
        let stored = match &alias.asname {
            Some(name) => name.id.as_str(),
            None if from => alias.name.id.as_str(),
            None => alias.name.id.split('.').next().unwrap_or_default(),
        };
        if stored == "__debug__" {
            return Fail::err("cannot assign to __debug__", alias);
        }
        let sym = self.sym(stored);
        self.add(sym, def::IMPORT, alias.range)
    }

    fn ann_assign(&mut self, assign: &ast::StmtAnnAssign) -> Res {
        self.cur().annotations_used = true;
        if let Expr::Name(name) = &*assign.target {
            let sym = self.sym(&name.id);
            let mangled = self.mangled(sym);
            let old = self.cur().flags(mangled);
            let word = match () {
                () if old & def::GLOBAL != 0 => Some("global"),
                () if old & def::NONLOCAL != 0 => Some("nonlocal"),
                () => None,
            };
            if let Some(word) = word.filter(|_| assign.simple && self.cur().kind != ScopeKind::Module) {
                return Fail::err(format!("annotated name '{}' can't be {word}", name.id), assign);
            }
            if name.id == "__debug__" {
                return Fail::err("cannot assign to __debug__", name);
            }
            if assign.simple {
                self.add(sym, def::ANNOT | def::LOCAL, name.range)?;
            } else if assign.value.is_some() {
                self.add(sym, def::LOCAL, name.range)?;
            }
        } else {
            self.expr(&assign.target)?;
        }
        self.variable_annotation(&assign.annotation)?;
        self.optional(assign.value.as_deref())
    }

    fn variable_annotation(&mut self, annotation: &Expr) -> Res {
        let body = self.cur_id();
        let scope = self.cur();
        let kind = scope.kind;
        if (kind == ScopeKind::Module || kind == ScopeKind::Class && scope.in_conditional_block)
            && !scope.has_conditional_annotations
            && !self.future_annotations
        {
            self.cur().has_conditional_annotations = true;
            self.add(known::CONDITIONAL_ANNOTATIONS, def::USE, annotation.range())?;
        }
        match self.table.scopes[body].annotation_scope {
            Some(id) => self.stack.push(id),
            None => {
                let in_class = kind == ScopeKind::Class || self.cur().can_see_class_scope;
                let id = self.enter(known::ANNOTATE, ScopeKind::Annotation, body, Role::Annotations);
                self.table.scopes[body].annotation_scope = Some(id);
                self.cur().info = Some("an annotation");
                if in_class && !self.future_annotations {
                    self.cur().can_see_class_scope = true;
                    self.add(known::CLASSDICT, def::USE, annotation.range())?;
                }
            }
        }
        if self.table.scopes[body].has_conditional_annotations {
            self.add(known::CONDITIONAL_ANNOTATIONS, def::USE, annotation.range())?;
        }
        let unevaluated = kind == ScopeKind::Function || self.future_annotations;
        let result = self.annotation(annotation, unevaluated);
        self.leave();
        result
    }

    pub(super) fn annotation(&mut self, annotation: &Expr, unevaluated: bool) -> Res {
        let saved = self.unevaluated;
        self.unevaluated |= unevaluated;
        let result = self.expr(annotation);
        self.unevaluated = saved;
        result
    }

    fn type_alias(&mut self, alias: &ast::StmtTypeAlias) -> Res {
        self.expr(&alias.name)?;
        let name = match &*alias.name {
            Expr::Name(name) => self.sym(&name.id),
            other => return Fail::err("invalid syntax", other),
        };
        let in_class = self.cur().kind == ScopeKind::Class || self.cur().can_see_class_scope;
        if let Some(params) = &alias.type_params {
            self.enter_type_params(name, params, false, false, false)?;
            self.type_params(params)?;
        }
        self.enter(name, ScopeKind::TypeAlias, node_id(alias), Role::Alias);
        self.cur().info = Some("a type alias");
        if in_class {
            self.cur().can_see_class_scope = true;
            self.add(known::CLASSDICT, def::USE, alias.range)?;
        }
        self.expr(&alias.value)?;
        self.leave();
        if alias.type_params.is_some() {
            self.leave();
        }
        Ok(())
    }

    fn function(&mut self, function: &ast::StmtFunctionDef) -> Res {
        let name = self.sym(&function.name.id);
        if name == known::DEBUG {
            return Fail::err("cannot assign to __debug__", &function.name);
        }
        self.add(name, def::LOCAL, function.name.range)?;
        for decorator in &function.decorator_list {
            self.expr(&decorator.expression)?;
        }
        self.defaults(&function.parameters)?;
        if let Some(params) = &function.type_params {
            let positional = function.parameters.posonlyargs.iter().chain(&function.parameters.args);
            let defaults = positional.into_iter().any(|p| p.default.is_some());
            let kwdefaults = function.parameters.kwonlyargs.iter().any(|p| p.default.is_some());
            self.enter_type_params(name, params, defaults, kwdefaults, false)?;
            self.type_params(params)?;
        }
        self.function_annotations(function)?;
        self.enter(name, ScopeKind::Function, node_id(function), Role::Body);
        self.cur().coroutine = function.is_async;
        self.parameters(&function.parameters)?;
        let unevaluated = std::mem::replace(&mut self.unevaluated, false);
        self.body(&function.body)?;
        self.unevaluated = unevaluated;
        self.leave();
        if function.type_params.is_some() {
            self.leave();
        }
        Ok(())
    }

    fn class(&mut self, class: &ast::StmtClassDef) -> Res {
        let name = self.sym(&class.name.id);
        if name == known::DEBUG {
            return Fail::err("cannot assign to __debug__", &class.name);
        }
        self.add(name, def::LOCAL, class.name.range)?;
        for decorator in &class.decorator_list {
            self.expr(&decorator.expression)?;
        }
        let outer_private = self.private;
        if let Some(params) = &class.type_params {
            self.enter_type_params(name, params, false, false, true)?;
            // Only the type parameters themselves are private to the class, not what the bases name.
            self.private = Some(name);
            self.cur().mangled_names = Some(Default::default());
            self.type_params(params)?;
        }
        if let Some(arguments) = &class.arguments {
            self.arguments(arguments)?;
        }
        self.enter(name, ScopeKind::Class, node_id(class), Role::Body);
        self.private = Some(name);
        if class.type_params.is_some() {
            self.add(known::DUNDER_TYPE_PARAMS, def::LOCAL, class.range)?;
            self.add(known::TYPE_PARAMS, def::USE, class.range)?;
        }
        self.body(&class.body)?;
        self.leave();
        if class.type_params.is_some() {
            self.leave();
        }
        self.private = outer_private;
        Ok(())
    }

    pub(super) fn comprehension_kind_name(kind: CompKind) -> &'static str {
        match kind {
            CompKind::List => "list comprehension",
            CompKind::Set => "set comprehension",
            CompKind::Dict => "dict comprehension",
            CompKind::Generator => "generator expression",
        }
    }
}
