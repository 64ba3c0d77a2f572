//! Classes.

use ruff_python_ast as ast;

use super::{Compiler, function::first_line, unit::UnitKind};
use crate::{
    code::Const,
    fail::Res,
    ir::{NONE, Op},
    location::Loc,
    names::known,
    opcode::{Intrinsic1, Opcode},
    symtable::Role,
};

impl<'a> Compiler<'a> {
    pub(crate) fn class(&mut self, class: &'a ast::StmtClassDef) -> Res {
        let decorated = !class.decorator_list.is_empty();
        self.decorators(&class.decorator_list)?;
        let firstlineno = first_line(self, &class.decorator_list, class);
        let loc = self.definition_loc(&class.name, class, decorated);
        let name = self.names.sym(&class.name.id);
        if let Some(params) = &class.type_params {
            let scope = self.scope_of(&**params, Role::TypeParams)?;
            let generic = self.names.sym(&format!("<generic parameters of {}>", class.name.id));
            self.enter(scope, UnitKind::TypeParams, generic, firstlineno, Some(name));
            self.resume_at_start();
            self.type_params(params)?;
            self.store_name(known::TYPE_PARAMS, loc);
            self.class_body(class, firstlineno, loc)?;
            self.load_name(known::TYPE_PARAMS, loc);
            self.intrinsic1(Intrinsic1::SubscriptGeneric, loc);
            self.store_name(known::GENERIC_BASE, loc);
            self.generic_class_call(class, loc)?;
            self.op(Opcode::RETURN_VALUE, loc);
            let free = self.unit.freevars.list.clone();
            let code = self.leave()?;
            self.make_closure(code, 0, &free, loc)?;
            self.op(Opcode::PUSH_NULL, loc);
            self.op_arg(Opcode::CALL, 0, loc);
        } else {
            self.class_body(class, firstlineno, loc)?;
            let (args, keywords) = class_arguments(class);
            self.call_arguments(2, args, keywords, loc)?;
        }
        self.apply_decorators(&class.decorator_list);
        self.store_name(name, loc);
        Ok(())
    }

    /// The call of `__build_class__` with the generic base behind the others.
    fn generic_class_call(&mut self, class: &'a ast::StmtClassDef, loc: Loc) -> Res {
        let (args, keywords) = class_arguments(class);
        let unpacked = args.iter().any(ast::Expr::is_starred_expr)
            || keywords.iter().any(|keyword| keyword.arg.is_none())
            || args.len() + keywords.len() > 20;
        if !unpacked {
            self.exprs(args)?;
            self.load_name(known::GENERIC_BASE, loc);
            return self.call_arguments(3 + args.len(), &[], keywords, loc);
        }
        // The body and the name are on the stack already.
        self.op_arg(Opcode::BUILD_LIST, 2, loc);
        for arg in args {
            match arg {
                ast::Expr::Starred(starred) => {
                    self.expr(&starred.value)?;
                    self.op_arg(Opcode::LIST_EXTEND, 1, loc);
                }
                _ => {
                    self.expr(arg)?;
                    self.op_arg(Opcode::LIST_APPEND, 1, loc);
                }
            }
        }
        self.load_name(known::GENERIC_BASE, loc);
        self.op_arg(Opcode::LIST_APPEND, 1, loc);
        self.intrinsic1(Intrinsic1::ListToTuple, loc);
        self.keywords_or_null(keywords, loc)?;
        self.op(Opcode::CALL_FUNCTION_EX, loc);
        Ok(())
    }

    /// Pushes `__build_class__`, NULL, the body as a function, and the name.
    fn class_body(&mut self, class: &'a ast::StmtClassDef, firstlineno: u32, loc: Loc) -> Res {
        let scope = self.scope_of(class, Role::Body)?;
        let name = self.names.sym(&class.name.id);
        self.op(Opcode::LOAD_BUILD_CLASS, loc);
        self.op(Opcode::PUSH_NULL, loc);
        self.enter(scope, UnitKind::Class, name, firstlineno, Some(name));
        let start = Loc::line_start(firstlineno);
        self.resume_at_start();
        self.load_name(known::NAME, start);
        self.store_name(known::MODULE, start);
        let qualname = Const::Str(self.unit.qualname.as_str().into());
        self.constant(qualname, start);
        self.store_name(known::QUALNAME, start);
        self.constant(Const::Int(i64::from(firstlineno)), start);
        self.store_name(known::FIRSTLINENO, start);
        if class.type_params.is_some() {
            self.load_name(known::TYPE_PARAMS, Loc::NONE);
            self.store_name(known::DUNDER_TYPE_PARAMS, Loc::NONE);
        }
        let scope = &self.table.scopes[scope];
        let needs_class = scope.needs_class_closure;
        let (annotated, conditional) = (scope.annotations_used, scope.has_conditional_annotations);
        let classdict = self.unit.cellvars.find(known::CLASSDICT).filter(|_| scope.needs_classdict);
        if let Some(at) = classdict {
            self.op(Opcode::LOAD_LOCALS, start);
            self.op_arg(Opcode::STORE_DEREF, at, start);
        }
        if let Some(at) = self.unit.cellvars.find(known::CONDITIONAL_ANNOTATIONS).filter(|_| conditional) {
            self.op_arg(Opcode::BUILD_SET, 0, start);
            self.op_arg(Opcode::STORE_DEREF, at, start);
        }
        if annotated && self.future_annotations() {
            self.op(Opcode::SETUP_ANNOTATIONS, start);
        }
        let body = self.body_docstring(&class.body)?;
        self.body(body)?;
        self.deferred_annotations(start)?;
        let mut attributes: Vec<String> =
            self.unit.static_attributes.iter().map(|&name| self.names.text(name).to_owned()).collect();
        attributes.sort_unstable();
        let attributes = Self::strings(attributes.into_iter());
        self.constant(attributes, start);
        self.store_name(known::STATIC_ATTRIBUTES, start);
        if let Some(at) = classdict {
            self.instr(Op::LoadClosure, at, NONE, Loc::NONE);
            self.store_name(known::CLASSDICTCELL, Loc::NONE);
        }
        match self.unit.cellvars.find(known::CLASS).filter(|_| needs_class) {
            Some(at) => {
                self.instr(Op::LoadClosure, at, NONE, Loc::NONE);
                self.op_arg(Opcode::COPY, 1, Loc::NONE);
                self.store_name(known::CLASSCELL, Loc::NONE);
            }
            None => self.none(Loc::NONE),
        }
        self.op(Opcode::RETURN_VALUE, Loc::NONE);
        let free = self.unit.freevars.list.clone();
        let code = self.leave()?;
        self.make_closure(code, 0, &free, loc)?;
        self.constant(Const::Str(class.name.id.as_str().into()), loc);
        Ok(())
    }
}

fn class_arguments(class: &ast::StmtClassDef) -> (&[ast::Expr], &[ast::Keyword]) {
    match &class.arguments {
        Some(arguments) => (&arguments.args, &arguments.keywords),
        None => (&[], &[]),
    }
}
