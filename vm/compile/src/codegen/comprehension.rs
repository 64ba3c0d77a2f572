//! Comprehensions and generator expressions.

use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::Ranged;

use super::{Compiler, unit::UnitKind};
use crate::{
    fail::{Fail, Res},
    ir::{NONE, Op},
    location::Loc,
    names::Sym,
    opcode::Opcode,
    symtable::{CompKind, Place, Role, ScopeKind, def},
};

/// The parts of any comprehension.
struct Comp<'a> {
    kind: CompKind,
    generators: &'a [ast::Comprehension],
    element: &'a Expr,
    value: Option<&'a Expr>,
    loc: Loc,
}

/// What to undo after an inlined comprehension.
struct Inlined {
    /// Names whose outer values lie on the stack, in the order they were pushed.
    pushed: Vec<Sym>,
    overridden: Vec<(Sym, Option<Place>)>,
    shown: Vec<Sym>,
    failed: Option<u32>,
    end: u32,
}

impl<'a> Compiler<'a> {
    pub(crate) fn comprehension(&mut self, expr: &'a Expr) -> Res {
        let loc = match expr {
            // Alone in a call, it extends over the call's parentheses.
            Expr::Generator(comp) if !comp.parenthesized => {
                self.bare_generator.take().unwrap_or_else(|| self.loc(expr))
            }
            _ => self.loc(expr),
        };
        let (kind, generators, element, value, scope) = match expr {
            Expr::ListComp(comp) => {
                (CompKind::List, &comp.generators, &*comp.elt, None, self.scope_of(comp, Role::Body)?)
            }
            Expr::SetComp(comp) => {
                (CompKind::Set, &comp.generators, &*comp.elt, None, self.scope_of(comp, Role::Body)?)
            }
            Expr::DictComp(comp) => {
                let Some(key) = comp.key.as_deref() else {
                    return Fail::err("dict unpacking cannot be used in dict comprehension", expr);
                };
                let value = Some(&*comp.value);
                (CompKind::Dict, &comp.generators, key, value, self.scope_of(comp, Role::Body)?)
            }
            Expr::Generator(comp) => {
                (CompKind::Generator, &comp.generators, &*comp.elt, None, self.scope_of(comp, Role::Body)?)
            }
            other => return Fail::err("invalid syntax", other),
        };
        if let Expr::Starred(starred) = element {
            return Fail::err("iterable unpacking cannot be used in comprehension", starred);
        }
        let comp = Comp { kind, generators, element, value, loc };
        let Some(outermost) = comp.generators.first() else { return Fail::err("invalid syntax", expr) };
        let is_async = self.table.scopes[scope].coroutine;
        let generator = kind == CompKind::Generator;
        if is_async
            && !generator
            && !matches!(self.unit.kind, UnitKind::AsyncFunction | UnitKind::Comprehension)
            && !self.top_level_await()
        {
            return Fail::err("asynchronous comprehension outside of an asynchronous function", expr);
        }
        let outer_loc = self.loc(&outermost.iter);
        if self.table.scopes[scope].inlined {
            self.iterable(&outermost.iter)?;
            let inlined = self.begin_inlined(scope, loc);
            self.begin_container(&comp, true);
            self.iterate(outermost, outer_loc);
            self.clause(&comp, 0, 0, true)?;
            self.end_inlined(inlined, loc);
            return Ok(());
        }

        // The iterable is evaluated before the function is made, as its argument.
        let name = self.table.scopes[scope].name;
        let private = self.unit.private;
        self.enter(scope, UnitKind::Comprehension, name, loc.line, private);
        self.unit.argcount = 1;
        self.resume_at_start();
        self.begin_container(&comp, false);
        self.clause(&comp, 0, 0, false)?;
        if generator {
            self.return_none(loc);
        } else {
            self.op(Opcode::RETURN_VALUE, loc);
        }
        let free = self.unit.freevars.list.clone();
        let code = self.leave()?;
        self.make_closure(code, 0, &free, loc)?;
        self.op(Opcode::PUSH_NULL, loc);
        self.iterable(&outermost.iter)?;
        self.iterate(outermost, outer_loc);
        self.op_arg(Opcode::CALL, 1, loc);
        if is_async && !generator {
            self.await_value(0, loc);
        }
        Ok(())
    }

    fn iterate(&mut self, generator: &ast::Comprehension, loc: Loc) {
        self.op(if generator.is_async { Opcode::GET_AITER } else { Opcode::GET_ITER }, loc);
    }

    /// Makes the container; of an inlined comprehension, below the iterable.
    fn begin_container(&mut self, comp: &Comp<'a>, inlined: bool) {
        let op = match comp.kind {
            CompKind::Generator => return,
            CompKind::List => Opcode::BUILD_LIST,
            CompKind::Set => Opcode::BUILD_SET,
            CompKind::Dict => Opcode::BUILD_MAP,
        };
        self.op_arg(op, 0, comp.loc);
        if inlined {
            self.op_arg(Opcode::SWAP, 2, comp.loc);
        }
    }

    /// One `for` clause with its conditions and all that is inside. `depth` iterators lie between it and the container.
    fn clause(&mut self, comp: &Comp<'a>, at: usize, depth: u32, on_stack: bool) -> Res {
        let generators: &'a [ast::Comprehension] = comp.generators;
        let generator = &generators[at];
        let iter_loc = self.loc(&generator.iter);
        if !on_stack {
            if at == 0 {
                self.op_arg(Opcode::LOAD_FAST, 0, comp.loc);
            } else if let Some(value) = self.single_value(generator) {
                // `for x in [value]` is an assignment.
                let next = self.new_block();
                self.expr(value)?;
                self.store(&generator.target)?;
                self.inner(comp, at, depth, next)?;
                self.use_block(next);
                return Ok(());
            } else {
                self.iterable(&generator.iter)?;
                self.iterate(generator, iter_loc);
            }
        }
        let (start, next, done) = (self.new_block(), self.new_block(), self.new_block());
        self.use_block(start);
        if generator.is_async {
            let loc = comp.loc;
            self.setup_handler(done, false, 0, loc);
            self.op(Opcode::GET_ANEXT, loc);
            self.none(loc);
            self.delegate(true, loc);
            self.end_handler();
        } else {
            self.jump_op(Opcode::FOR_ITER, done, iter_loc);
        }
        self.store(&generator.target)?;
        self.inner(comp, at, depth + 1, next)?;
        self.use_block(next);
        self.jump(start, comp.loc);
        self.use_block(done);
        if generator.is_async {
            self.op(Opcode::END_ASYNC_FOR, comp.loc);
        } else {
            self.op(Opcode::END_FOR, Loc::NONE);
            self.op(Opcode::POP_ITER, Loc::NONE);
        }
        Ok(())
    }

    fn single_value(&self, generator: &'a ast::Comprehension) -> Option<&'a Expr> {
        if generator.is_async {
            return None;
        }
        let items = match &generator.iter {
            Expr::List(list) => &list.elts,
            Expr::Tuple(tuple) => &tuple.elts,
            _ => return None,
        };
        match &**items {
            [only] if !only.is_starred_expr() => Some(only),
            _ => None,
        }
    }

    /// Conditions of a clause, then the next clause or the element. A false condition goes to `next`.
    fn inner(&mut self, comp: &Comp<'a>, at: usize, depth: u32, next: u32) -> Res {
        let generators: &'a [ast::Comprehension] = comp.generators;
        for condition in &generators[at].ifs {
            self.jump_if(condition, next, false)?;
        }
        if at + 1 < generators.len() {
            return crate::symtable::grow(|| self.clause(comp, at + 1, depth, false));
        }
        self.expr(comp.element)?;
        let loc = self.lines.range(comp.element.range());
        match comp.kind {
            CompKind::Generator => {
                self.yield_value(loc);
                self.op(Opcode::POP_TOP, loc);
            }
            CompKind::List => self.op_arg(Opcode::LIST_APPEND, depth + 1, loc),
            CompKind::Set => self.op_arg(Opcode::SET_ADD, depth + 1, loc),
            CompKind::Dict => {
                if let Some(value) = comp.value {
                    self.expr(value)?;
                    let end = self.loc(value);
                    let loc = Loc { end_line: end.end_line, end_col: end.end_col, ..loc };
                    self.op_arg(Opcode::MAP_ADD, depth + 1, loc);
                }
            }
        }
        Ok(())
    }

    /// Saves the outer values of the comprehension's variables below the iterable and makes their inner meaning known.
    fn begin_inlined(&mut self, scope: usize, loc: Loc) -> Inlined {
        let in_class =
            self.table.scopes[self.unit.scope].kind == ScopeKind::Class && self.unit.inlined_depth == 0;
        let function_like = self.table.scopes[self.unit.scope].function_like();
        self.unit.inlined_depth += 1;
        let end = self.new_block();
        let mut inlined =
            Inlined { pushed: Vec::new(), overridden: Vec::new(), shown: Vec::new(), failed: None, end };
        for at in 0..self.table.scopes[scope].symbols.len() {
            let (name, symbol) = self.table.scopes[scope].symbols[at];
            if symbol.flags & def::PARAM != 0 {
                continue;
            }
            let bound = symbol.flags & def::LOCAL != 0 && symbol.flags & def::NONLOCAL == 0;
            let outer = self.place_of(name);
            // What is free in the comprehension is found in the function around it, unless that is a class body.
            if symbol.place != outer && (in_class || symbol.place != Place::Free) {
                let old = self.unit.overrides.insert(name, symbol.place);
                inlined.overridden.push((name, old));
            }
            if !bound {
                continue;
            }
            if !function_like && self.unit.hidden_now.insert(name) {
                self.unit.hidden.insert(name);
                inlined.shown.push(name);
            }
            // The variable is isolated: its outer value is kept on the stack.
            let slot = self.unit.varnames.add(name);
            self.op_arg(Opcode::LOAD_FAST_AND_CLEAR, slot, loc);
            inlined.pushed.push(name);
        }
        if !inlined.pushed.is_empty() {
            // The iterable comes to the top again.
            self.op_arg(Opcode::SWAP, inlined.pushed.len() as u32 + 1, loc);
            let failed = self.new_block();
            self.setup_handler(failed, false, 1, loc);
            inlined.failed = Some(failed);
        }
        inlined
    }

    fn end_inlined(&mut self, inlined: Inlined, loc: Loc) {
        self.unit.inlined_depth -= 1;
        for (name, old) in inlined.overridden.iter().rev() {
            match old {
                Some(place) => self.unit.overrides.insert(*name, *place),
                None => self.unit.overrides.remove(name),
            };
        }
        for name in &inlined.shown {
            self.unit.hidden_now.remove(name);
        }
        if let Some(failed) = inlined.failed {
            self.end_handler();
            self.jump(inlined.end, Loc::NONE);
            self.use_block(failed);
            self.restore_variables(&inlined, loc);
            self.op_arg(Opcode::RERAISE, 0, Loc::NONE);
            self.use_block(inlined.end);
            self.restore_variables(&inlined, loc);
        }
    }

    /// Stack: saved values, result. The values go back into their variables.
    fn restore_variables(&mut self, inlined: &Inlined, loc: Loc) {
        self.op_arg(Opcode::SWAP, inlined.pushed.len() as u32 + 1, loc);
        for &name in inlined.pushed.iter().rev() {
            let slot = self.unit.varnames.add(name);
            self.instr(Op::StoreMaybeNull, slot, NONE, loc);
        }
    }
}
