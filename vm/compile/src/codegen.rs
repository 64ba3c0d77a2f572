//! From tree to instructions.

mod annotations;
mod assign;
mod call;
mod checks;
mod class;
mod compare;
mod comprehension;
mod control;
mod emit;
mod exceptions;
mod expr;
mod function;
mod generic;
mod import;
mod literal;
mod names;
mod pattern;
mod scope;
mod stmt;
mod strings;
mod unit;
mod with;

pub(crate) use import::future_flag;

use ruff_python_ast as ast;

use crate::{
    Mode, Options, Warning,
    code::Code,
    fail::{Fail, Res},
    location::{LineMap, Loc},
    names::{Names, known},
    opcode::{Intrinsic1, Opcode},
    pystr::PyStr,
    symtable::SymbolTable,
};
use unit::{Unit, UnitKind};

/// State of a compilation.
pub(crate) struct Compiler<'a> {
    pub(crate) source: &'a str,
    pub(crate) filename: PyStr,
    pub(crate) lines: &'a LineMap,
    pub(crate) table: SymbolTable,
    pub(crate) names: &'a mut Names,
    pub(crate) options: Options,
    pub(crate) mode: Mode,
    /// `FUTURE_*` flags in force.
    pub(crate) future: u32,
    /// End of the last `from __future__` import that counts.
    last_future: Option<u32>,
    pub(crate) warnings: Vec<Warning>,
    /// Units around the current one.
    units: Vec<Unit<'a>>,
    /// The unit being compiled.
    pub(crate) unit: Unit<'a>,
    /// Depth of blocks whose code is emitted a second time, where warnings would repeat.
    quiet: u32,
    /// Extent of the parentheses around a generator expression that is a call's only argument.
    bare_generator: Option<Loc>,
    /// Format specifications around the present place.
    spec_depth: u32,
}

/// What a compilation starts from.
pub(crate) struct Input<'a, 'n> {
    pub(crate) module: &'a ast::Mod,
    pub(crate) source: &'a str,
    pub(crate) filename: &'a str,
    pub(crate) lines: &'a LineMap,
    pub(crate) table: SymbolTable,
    pub(crate) names: &'n mut Names,
    pub(crate) mode: Mode,
    pub(crate) options: Options,
    /// `FUTURE_*` flags in force.
    pub(crate) future: u32,
    /// End of the last `from __future__` import that counts.
    pub(crate) last_future: Option<u32>,
}

/// Compiles a tree.
pub(crate) fn generate<'a>(input: Input<'a, 'a>) -> Res<(Code, Vec<Warning>)> {
    let unit = Unit::new(&input.table, input.names, 0, UnitKind::Module, known::MODULE_NAME, 1, None);
    let mut compiler = Compiler {
        source: input.source,
        filename: input.filename.into(),
        lines: input.lines,
        table: input.table,
        names: input.names,
        options: input.options,
        mode: input.mode,
        future: input.future,
        last_future: input.last_future,
        warnings: Vec::new(),
        units: Vec::new(),
        unit,
        quiet: 0,
        bare_generator: None,
        spec_depth: 0,
    };
    compiler.op_arg(Opcode::RESUME, 0, Loc::NONE);
    match input.module {
        ast::Mod::Module(module) => compiler.module(module)?,
        ast::Mod::Expression(expression) => {
            compiler.expr(&expression.body)?;
            let loc = compiler.loc(&*expression.body);
            compiler.op(Opcode::RETURN_VALUE, loc);
        }
    }
    let code = compiler.finish_unit()?;
    Ok((code, compiler.warnings))
}

impl<'a> Compiler<'a> {
    fn module(&mut self, module: &'a ast::ModModule) -> Res {
        let top = Loc::NONE;
        let scope = &self.table.scopes[0];
        let (annotated, conditional) = (scope.annotations_used, scope.has_conditional_annotations);
        if annotated && self.future_annotations() {
            self.op(Opcode::SETUP_ANNOTATIONS, top);
        }
        if conditional {
            self.op_arg(Opcode::BUILD_SET, 0, top);
            self.store_name(known::CONDITIONAL_ANNOTATIONS, top);
        }
        // The annotate function is made first, so that a module that is still running has it.
        let annotations = self.next_block();
        self.next_block();
        let body = match self.mode {
            Mode::Single => &module.body[..],
            _ => self.body_docstring(&module.body)?,
        };
        self.body(body)?;
        if self.mode == Mode::Single && module.body.is_empty() {
            return Fail::err("invalid syntax", module);
        }
        self.return_none(Loc::NONE);
        self.in_block(annotations, |c| c.deferred_annotations(Loc::line_start(1)))?;
        Ok(())
    }

    /// Stores the docstring of a module or class body as `__doc__`; the result is the rest of the body.
    fn body_docstring(&mut self, body: &'a [ast::Stmt]) -> Res<&'a [ast::Stmt]> {
        let Some(literal) = docstring(body) else { return Ok(body) };
        let text = self.docstring_text(literal)?;
        if self.options.optimize < 2 {
            let loc = self.loc(literal);
            self.constant(crate::Const::Str(text), loc);
            self.store_name(known::DOC, loc);
        }
        Ok(&body[1..])
    }

    /// Statements of a module, class or function body; a docstring is no code.
    pub(crate) fn body(&mut self, body: &'a [ast::Stmt]) -> Res {
        body.iter().try_for_each(|stmt| self.stmt(stmt))
    }

    pub(crate) fn future_annotations(&self) -> bool {
        self.future & crate::code::flags::FUTURE_ANNOTATIONS != 0
    }

    pub(crate) fn return_none(&mut self, loc: Loc) {
        self.constant(crate::Const::None, loc);
        self.op(Opcode::RETURN_VALUE, loc);
    }

    pub(crate) fn intrinsic1(&mut self, which: Intrinsic1, loc: Loc) {
        self.op_arg(Opcode::CALL_INTRINSIC_1, which as u32, loc);
    }

    pub(crate) fn warn(&mut self, msg: impl Into<String>, lineno: u32) {
        let msg = msg.into();
        if self.quiet == 0 {
            self.warnings.push(Warning { deprecation: false, msg, lineno });
        }
    }
}

/// The docstring expression of a body.
pub(crate) fn docstring(body: &[ast::Stmt]) -> Option<&ast::ExprStringLiteral> {
    match body.first() {
        Some(ast::Stmt::Expr(stmt)) => stmt.value.as_string_literal_expr(),
        _ => None,
    }
}
