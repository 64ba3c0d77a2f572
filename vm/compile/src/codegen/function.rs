//! Functions and lambdas.

use ruff_python_ast as ast;
use ruff_text_size::Ranged;

use super::{Compiler, docstring, unit::UnitKind};
use crate::{
    code::Const,
    fail::{Fail, Res},
    location::Loc,
    names::{Sym, known},
    opcode::{FunctionAttribute, Intrinsic2, Opcode},
    symtable::Role,
};

/// The line a definition starts on: that of its first decorator.
pub(crate) fn first_line(c: &Compiler<'_>, decorators: &[ast::Decorator], definition: &impl Ranged) -> u32 {
    let start = decorators
        .first()
        .map_or(definition.range().start(), |decorator| decorator.expression.range().start());
    c.lines.line(start)
}

impl<'a> Compiler<'a> {
    /// A node that the symbol table must know.
    pub(crate) fn scope_of<T>(&self, node: &T, role: Role) -> Res<usize> {
        match self.table.scope(node, role) {
            Some(id) => Ok(id),
            None => Fail::err("internal: no scope", &ruff_text_size::TextRange::default()),
        }
    }

    pub(crate) fn resume_at_start(&mut self) {
        let line = self.unit.firstlineno;
        self.op_arg(Opcode::RESUME, 0, Loc::line_start(line));
    }

    /// Where `def` or `class` stands, without decorators.
    pub(crate) fn definition_loc(&self, name: &ast::Identifier, whole: &impl Ranged, decorated: bool) -> Loc {
        let loc = self.lines.range(whole.range());
        if !decorated {
            return loc;
        }
        let line = self.loc(name).line;
        let start = self.lines.start_of(line) as usize;
        let indent = self.source[start..].bytes().take_while(|b| matches!(b, b' ' | b'\t' | 0x0C)).count();
        Loc { line, col: indent as u32, ..loc }
    }

    pub(crate) fn decorators(&mut self, decorators: &'a [ast::Decorator]) -> Res {
        for decorator in decorators {
            self.expr(&decorator.expression)?;
            let loc = self.loc(&decorator.expression);
            self.op(Opcode::PUSH_NULL, loc);
        }
        Ok(())
    }

    pub(crate) fn apply_decorators(&mut self, decorators: &'a [ast::Decorator]) {
        for decorator in decorators.iter().rev() {
            let loc = self.loc(&decorator.expression);
            self.op_arg(Opcode::CALL, 1, loc);
        }
    }

    pub(crate) fn function(&mut self, function: &'a ast::StmtFunctionDef) -> Res {
        let decorated = !function.decorator_list.is_empty();
        self.decorators(&function.decorator_list)?;
        let firstlineno = first_line(self, &function.decorator_list, function);
        let loc = self.definition_loc(&function.name, function, decorated);
        let name = self.names.sym(&function.name.id);
        if let Some(params) = &function.type_params {
            // Called at once; the first default, if any, takes the place of NULL.
            self.op(Opcode::PUSH_NULL, loc);
            let mut attributes = self.default_values(&function.parameters, loc)?;
            let pushed = attributes.count_ones();
            let scope = self.scope_of(&**params, Role::TypeParams)?;
            let generic = self.names.sym(&format!("<generic parameters of {}>", function.name.id));
            let private = self.unit.private;
            self.enter(scope, UnitKind::TypeParams, generic, firstlineno, private);
            self.unit.argcount = pushed;
            self.resume_at_start();
            self.type_params(params)?;
            for at in 0..pushed {
                self.op_arg(Opcode::LOAD_FAST, at, loc);
            }
            attributes |= self.function_annotations(function, loc)?;
            self.function_body(function, name, firstlineno, attributes, loc)?;
            self.op_arg(Opcode::SWAP, 2, loc);
            self.op_arg(Opcode::CALL_INTRINSIC_2, Intrinsic2::SetFunctionTypeParams as u32, loc);
            self.op(Opcode::RETURN_VALUE, loc);
            let free = self.unit.freevars.list.clone();
            let code = self.leave()?;
            self.make_closure(code, 0, &free, loc)?;
            self.call_with_pushed(pushed, loc);
        } else {
            let mut attributes = self.default_values(&function.parameters, loc)?;
            attributes |= self.function_annotations(function, loc)?;
            self.function_body(function, name, firstlineno, attributes, loc)?;
        }
        self.apply_decorators(&function.decorator_list);
        self.store_name(name, loc);
        Ok(())
    }

    /// Stack: NULL, arguments, callable. Calls the callable with the arguments.
    fn call_with_pushed(&mut self, pushed: u32, loc: Loc) {
        match pushed {
            0 => self.op_arg(Opcode::SWAP, 2, loc),
            1 => {
                self.op_arg(Opcode::SWAP, 3, loc);
                self.op_arg(Opcode::SWAP, 2, loc);
            }
            _ => {
                // NULL, a, b, f → f, NULL, a, b.
                self.op_arg(Opcode::SWAP, 4, loc);
                self.op_arg(Opcode::SWAP, 2, loc);
                self.op_arg(Opcode::SWAP, 3, loc);
                self.op_arg(Opcode::SWAP, 2, loc);
                self.op_arg(Opcode::SWAP, 3, loc);
            }
        }
        self.op_arg(Opcode::CALL, pushed, loc);
    }

    /// Pushes the tuple of defaults and the dict of keyword defaults, where there are any.
    fn default_values(&mut self, parameters: &'a ast::Parameters, loc: Loc) -> Res<u32> {
        let mut attributes = 0;
        let positional = parameters.posonlyargs.iter().chain(&parameters.args);
        let defaults: Vec<&ast::Expr> = positional.filter_map(|p| p.default.as_deref()).collect();
        if !defaults.is_empty() {
            for default in &defaults {
                self.expr(default)?;
            }
            self.build_tuple(defaults.len(), loc);
            attributes |= FunctionAttribute::Defaults as u32;
        }
        let mut count = 0;
        for parameter in &parameters.kwonlyargs {
            let Some(default) = parameter.default.as_deref() else { continue };
            let sym = self.names.sym(&parameter.parameter.name.id);
            let name = self.mangled(sym);
            let key = Const::Str(self.names.text(name).into());
            self.constant(key, loc);
            self.expr(default)?;
            count += 1;
        }
        if count > 0 {
            self.op_arg(Opcode::BUILD_MAP, count, loc);
            attributes |= FunctionAttribute::Kwdefaults as u32;
        }
        Ok(attributes)
    }

    fn set_parameters(&mut self, parameters: &ast::Parameters) {
        self.unit.posonlyargcount = parameters.posonlyargs.len() as u32;
        self.unit.argcount = self.unit.posonlyargcount + parameters.args.len() as u32;
        self.unit.kwonlyargcount = parameters.kwonlyargs.len() as u32;
        self.unit.varargs = parameters.vararg.is_some();
        self.unit.varkeywords = parameters.kwarg.is_some();
    }

    fn function_body(
        &mut self,
        function: &'a ast::StmtFunctionDef,
        name: Sym,
        firstlineno: u32,
        attributes: u32,
        loc: Loc,
    ) -> Res {
        let scope = self.scope_of(function, Role::Body)?;
        let kind = if function.is_async { UnitKind::AsyncFunction } else { UnitKind::Function };
        let private = self.unit.private;
        self.enter(scope, kind, name, firstlineno, private);
        self.set_parameters(&function.parameters);
        self.resume_at_start();
        let mut body = &function.body[..];
        if let Some(literal) = docstring(body) {
            body = &body[1..];
            let text = self.docstring_text(literal)?;
            if self.options.optimize < 2 {
                // The docstring is the first constant.
                self.unit.consts.add(Const::Str(text));
                self.unit.has_docstring = true;
            }
        }
        self.body(body)?;
        self.return_none(Loc::NONE);
        let free = self.unit.freevars.list.clone();
        let code = self.leave()?;
        self.make_closure(code, attributes, &free, loc)
    }

    pub(crate) fn lambda(&mut self, lambda: &'a ast::ExprLambda) -> Res {
        let loc = self.loc(lambda);
        let attributes = match &lambda.parameters {
            Some(parameters) => self.default_values(parameters, loc)?,
            None => 0,
        };
        let scope = self.scope_of(lambda, Role::Body)?;
        let private = self.unit.private;
        self.enter(scope, UnitKind::Lambda, known::LAMBDA, loc.line, private);
        if let Some(parameters) = &lambda.parameters {
            self.set_parameters(parameters);
        }
        self.resume_at_start();
        self.expr(&lambda.body)?;
        let body = self.loc(&*lambda.body);
        self.op(Opcode::RETURN_VALUE, body);
        let free = self.unit.freevars.list.clone();
        let code = self.leave()?;
        self.make_closure(code, attributes, &free, loc)
    }
}
