//! Calls.

use ruff_python_ast::{self as ast, Expr, ExprContext};

use super::{Compiler, expr::STACK_USE_GUIDELINE, unit::UnitKind};
use crate::{
    code::Const,
    fail::Res,
    location::Loc,
    names::known,
    opcode::{CommonConstant, Intrinsic1, Opcode},
    symtable::Place,
};

impl<'a> Compiler<'a> {
    pub(crate) fn call(&mut self, call: &'a ast::ExprCall, loc: Loc) -> Res {
        self.check_callable(&call.func);
        if self.method_call(call, loc)? {
            return Ok(());
        }
        let end = self.new_block();
        self.expr(&call.func)?;
        let inlined = self.consuming_call(call, end, loc)?;
        let func_loc = self.loc(&*call.func);
        self.push_null(func_loc);
        self.note_bare_generator(&call.arguments);
        self.call_arguments(0, &call.arguments.args, &call.arguments.keywords, loc)?;
        if inlined {
            self.use_block(end);
        }
        Ok(())
    }

    /// `object.method(...)`: the method is not bound.
    fn method_call(&mut self, call: &'a ast::ExprCall, loc: Loc) -> Res<bool> {
        let Expr::Attribute(method) = &*call.func else { return Ok(false) };
        let ast::Arguments { args, keywords, .. } = &call.arguments;
        if method.ctx != ExprContext::Load
            || args.len() + keywords.len() + usize::from(!keywords.is_empty()) >= STACK_USE_GUIDELINE
            || args.iter().any(Expr::is_starred_expr)
            || keywords.iter().any(|keyword| keyword.arg.is_none())
        {
            return Ok(false);
        }
        let attr_loc = self.attribute_loc(method, self.loc(&*call.func));
        let sym = self.names.sym(&method.attr.id);
        let name = self.mangled(sym);
        if let Some(flag) = self.load_super_arguments(&method.value, &method.attr)? {
            let at = self.name_index(name);
            self.op_arg(Opcode::LOAD_SUPER_ATTR, at << 2 | flag | 1, attr_loc);
        } else {
            self.expr(&method.value)?;
            let at = self.name_index(name);
            self.op_arg(Opcode::LOAD_ATTR, at << 1 | 1, attr_loc);
        }
        let name_loc = self.loc(&method.attr);
        let call_loc = if loc.line == loc.end_line {
            loc
        } else {
            Loc { line: name_loc.line, col: name_loc.col, ..loc }
        };
        self.note_bare_generator(&call.arguments);
        self.call_arguments(0, args, keywords, call_loc)?;
        Ok(true)
    }

    /// For `super()` or `super(a, b)`: pushes the function and its two arguments. The result is LOAD_SUPER_ATTR's bit 1.
    pub(crate) fn load_super_arguments(
        &mut self,
        expr: &'a Expr,
        attr: &ast::Identifier,
    ) -> Res<Option<u32>> {
        let Expr::Call(call) = expr else { return Ok(None) };
        let Expr::Name(name) = &*call.func else { return Ok(None) };
        if name.id != "super" || attr.id == "__class__" || !call.arguments.keywords.is_empty() {
            return Ok(None);
        }
        if !self.is_global_name(known::SUPER) || self.unit.kind == UnitKind::Module {
            return Ok(None);
        }
        let args = &call.arguments.args;
        let loc = self.loc(expr);
        match &**args {
            [] => {
                let first = match self.unit.varnames.list.first() {
                    Some(&first) if self.unit.argcount > 0 => first,
                    _ => return Ok(None),
                };
                if self.place_of(known::CLASS) != Place::Free {
                    return Ok(None);
                }
                let name_loc = self.loc(name);
                self.load_name(known::SUPER, name_loc);
                self.load_name(known::CLASS, loc);
                self.load_slot_name(first, loc);
                Ok(Some(0))
            }
            [class, object] if !class.is_starred_expr() && !object.is_starred_expr() => {
                let name_loc = self.loc(name);
                self.load_name(known::SUPER, name_loc);
                self.expr(class)?;
                self.expr(object)?;
                Ok(Some(2))
            }
            _ => Ok(None),
        }
    }

    fn note_bare_generator(&mut self, arguments: &ast::Arguments) {
        self.bare_generator = match &*arguments.args {
            [Expr::Generator(only)] if !only.parenthesized => Some(self.loc(arguments)),
            _ => None,
        };
    }

    /// Loads a parameter by its stored (mangled) name.
    fn load_slot_name(&mut self, name: crate::names::Sym, loc: Loc) {
        match (self.place_of(name), self.unit.deref(name, false)) {
            (Place::Cell, Some(at)) => self.op_arg(Opcode::LOAD_DEREF, at, loc),
            _ => {
                let at = self.unit.varnames.add(name);
                self.op_arg(Opcode::LOAD_FAST, at, loc);
            }
        }
    }

    /// Arguments and call; the callable, NULL and `pushed` positional arguments are on the stack.
    pub(crate) fn call_arguments(
        &mut self,
        pushed: usize,
        args: &'a [Expr],
        keywords: &'a [ast::Keyword],
        loc: Loc,
    ) -> Res {
        let count = pushed + args.len() + keywords.len();
        let plain = !args.iter().any(Expr::is_starred_expr)
            && keywords.iter().all(|keyword| keyword.arg.is_some())
            && count + usize::from(!keywords.is_empty()) <= STACK_USE_GUIDELINE;
        if !plain {
            return self.call_unpacked(pushed, args, keywords, loc);
        }
        self.exprs(args)?;
        if keywords.is_empty() {
            self.op_arg(Opcode::CALL, count as u32, loc);
            return Ok(());
        }
        for keyword in keywords {
            self.expr(&keyword.value)?;
        }
        let names = keywords.iter().filter_map(|keyword| keyword.arg.as_ref());
        let names = names.map(|name| self.keyword_name(name)).collect();
        self.constant(Const::Tuple(names), loc);
        self.op_arg(Opcode::CALL_KW, count as u32, loc);
        Ok(())
    }

    fn keyword_name(&self, name: &ast::Identifier) -> Const {
        Const::Str(name.id.as_str().into())
    }

    fn call_unpacked(
        &mut self,
        pushed: usize,
        args: &'a [Expr],
        keywords: &'a [ast::Keyword],
        loc: Loc,
    ) -> Res {
        match args {
            [Expr::Starred(only)] if pushed == 0 => self.expr(&only.value)?,
            _ if pushed == 0 && !args.iter().any(Expr::is_starred_expr) => self.tuple(args, loc)?,
            _ => {
                self.unpacked(
                    args,
                    Opcode::BUILD_LIST,
                    Opcode::LIST_APPEND,
                    Opcode::LIST_EXTEND,
                    pushed,
                    loc,
                )?;
                self.intrinsic1(Intrinsic1::ListToTuple, loc);
            }
        }
        self.keywords_or_null(keywords, loc)?;
        self.op(Opcode::CALL_FUNCTION_EX, loc);
        Ok(())
    }

    /// The last operand of CALL_FUNCTION_EX.
    pub(crate) fn keywords_or_null(&mut self, keywords: &'a [ast::Keyword], loc: Loc) -> Res {
        if keywords.is_empty() {
            self.op(Opcode::PUSH_NULL, loc);
            return Ok(());
        }
        self.keyword_dict(keywords, loc)
    }

    fn keyword_dict(&mut self, keywords: &'a [ast::Keyword], loc: Loc) -> Res {
        let mut have_dict = false;
        let mut run = 0;
        for at in 0..=keywords.len() {
            let keyword = keywords.get(at);
            if keyword.is_none_or(|keyword| keyword.arg.is_none()) && run > 0 {
                for keyword in &keywords[at - run..at] {
                    if let Some(name) = &keyword.arg {
                        let name = self.keyword_name(name);
                        self.constant(name, loc);
                    }
                    self.expr(&keyword.value)?;
                }
                self.op_arg(Opcode::BUILD_MAP, run as u32, loc);
                if have_dict {
                    self.op_arg(Opcode::DICT_MERGE, 1, loc);
                }
                have_dict = true;
                run = 0;
            }
            match keyword {
                Some(keyword) if keyword.arg.is_none() => {
                    if !have_dict {
                        self.op_arg(Opcode::BUILD_MAP, 0, loc);
                        have_dict = true;
                    }
                    self.expr(&keyword.value)?;
                    self.op_arg(Opcode::DICT_MERGE, 1, loc);
                }
                Some(_) => run += 1,
                None => {}
            }
        }
        Ok(())
    }

    /// `all`, `any`, `tuple`, `list` and `set` of a generator expression: a loop in place of a call for each item,
    /// if the name means the built-in at run time. The function is on the stack; true if a loop was emitted, which
    /// goes to `end`.
    fn consuming_call(&mut self, call: &'a ast::ExprCall, end: u32, loc: Loc) -> Res<bool> {
        let Expr::Name(name) = &*call.func else { return Ok(false) };
        let [Expr::Generator(generator)] = &*call.arguments.args else { return Ok(false) };
        if !call.arguments.keywords.is_empty() || generator.generators.iter().any(|g| g.is_async) {
            return Ok(false);
        }
        use CommonConstant as C;
        let which = match name.id.as_str() {
            "all" => C::All,
            "any" => C::Any,
            "tuple" => C::Tuple,
            "list" => C::List,
            "set" => C::Set,
            _ => return Ok(false),
        };
        let sym = self.names.sym(&name.id);
        if !self.is_global_name(sym) || self.table.scopes[self.unit.scope].coroutine {
            return Ok(false);
        }
        let (call_block, start, cleanup) = (self.new_block(), self.new_block(), self.new_block());
        self.op_arg(Opcode::COPY, 1, loc);
        self.op_arg(Opcode::LOAD_COMMON_CONSTANT, which as u32, loc);
        self.op_arg(Opcode::IS_OP, 0, loc);
        self.jump_op(Opcode::POP_JUMP_IF_FALSE, call_block, loc);
        self.op(Opcode::POP_TOP, loc);
        match which {
            C::Tuple | C::List => self.op_arg(Opcode::BUILD_LIST, 0, loc),
            C::Set => self.op_arg(Opcode::BUILD_SET, 0, loc),
            _ => {}
        }
        self.quiet += 1;
        self.note_bare_generator(&call.arguments);
        self.expr(&call.arguments.args[0])?;
        self.quiet -= 1;
        self.use_block(start);
        self.jump_op(Opcode::FOR_ITER, cleanup, loc);
        match which {
            C::Tuple | C::List | C::Set => {
                let add = if which == C::Set { Opcode::SET_ADD } else { Opcode::LIST_APPEND };
                self.op_arg(add, 2, loc);
                self.jump(start, loc);
            }
            _ => {
                let goes_on =
                    if which == C::All { Opcode::POP_JUMP_IF_TRUE } else { Opcode::POP_JUMP_IF_FALSE };
                self.op(Opcode::TO_BOOL, loc);
                self.jump_op(goes_on, start, loc);
                self.op(Opcode::POP_ITER, loc);
                self.constant(crate::fold::boolean(which == C::Any), loc);
                self.jump(end, loc);
            }
        }
        self.use_block(cleanup);
        self.op(Opcode::END_FOR, loc);
        self.op(Opcode::POP_ITER, loc);
        match which {
            C::Tuple => self.intrinsic1(Intrinsic1::ListToTuple, loc),
            C::All | C::Any => self.constant(crate::fold::boolean(which == C::All), loc),
            _ => {}
        }
        self.jump(end, loc);
        self.use_block(call_block);
        Ok(true)
    }
}
