//! Entering and leaving code objects.

use ruff_text_size::{Ranged, TextRange};

use super::{
    Compiler,
    unit::{Frame, Pending, Unit, UnitKind},
};
use crate::{
    code::{Code, Const},
    fail::{Fail, Res},
    ir::{HandlerId, NONE, Op},
    location::Loc,
    names::{Sym, known},
    opcode::{Intrinsic1, Opcode},
    symtable::{Place, ScopeId, ScopeKind},
};

/// CPython's limit of blocks inside one another.
const MAX_BLOCKS: usize = 20;

impl<'a> Compiler<'a> {
    /// Starts the code of a scope inside the current one.
    pub(crate) fn enter(
        &mut self,
        scope: ScopeId,
        kind: UnitKind,
        name: Sym,
        firstlineno: u32,
        private: Option<Sym>,
    ) {
        let unit = Unit::new(&self.table, self.names, scope, kind, name, firstlineno, private);
        let outer = std::mem::replace(&mut self.unit, unit);
        self.units.push(outer);
        self.unit.qualname = self.qualname(kind, name);
        let scope = &self.table.scopes[scope];
        if scope.generator || scope.coroutine && !scope.inlined {
            self.begin_generator_guard();
        }
    }

    fn qualname(&mut self, kind: UnitKind, name: Sym) -> String {
        let text = self.names.text(name).to_owned();
        let Some(mut parent) = self.units.last() else { return text };
        if parent.kind == UnitKind::TypeParams {
            // Generic definitions are named as if their parameter scope were not there.
            match self.units.len().checked_sub(2).map(|at| &self.units[at]) {
                Some(grandparent) if self.units.len() > 2 => parent = grandparent,
                _ => return text,
            }
        }
        if self.units.len() <= 1 {
            return text;
        }
        if matches!(kind, UnitKind::Function | UnitKind::AsyncFunction | UnitKind::Class) {
            let mangled = self.names.mangle(parent.private, name);
            if self.table.scopes[parent.scope].get(mangled).is_some_and(|s| s.place == Place::GlobalExplicit)
            {
                return text;
            }
        }
        match parent.kind {
            UnitKind::Function | UnitKind::AsyncFunction | UnitKind::Lambda => {
                format!("{}.<locals>.{text}", parent.qualname)
            }
            _ => format!("{}.{text}", parent.qualname),
        }
    }

    /// Ends the current code object and returns to the one around it.
    pub(crate) fn leave(&mut self) -> Res<Code> {
        let code = self.finish_unit()?;
        self.unit = self.units.pop().expect("enter and leave are paired");
        Ok(code)
    }

    pub(crate) fn finish_unit(&mut self) -> Res<Code> {
        self.end_generator_guard();
        crate::assemble::assemble(self)
    }

    /// A generator turns StopIteration that escapes from it into RuntimeError (PEP 479).
    fn begin_generator_guard(&mut self) {
        let block = self.new_block();
        self.setup_handler(block, true, 0, Loc::NONE);
    }

    fn end_generator_guard(&mut self) {
        if let Some(handler) = self.unit.handlers.pop() {
            debug_assert!(self.unit.handlers.is_empty());
            let block = self.unit.graph.handlers[handler as usize].block;
            self.use_block(block);
            self.intrinsic1(Intrinsic1::StopIterationError, Loc::NONE);
            self.op_arg(Opcode::RERAISE, 1, Loc::NONE);
        }
    }

    /// Whether this unit is, or is directly in, an asynchronous function.
    pub(crate) fn in_async(&self) -> bool {
        self.unit.kind == UnitKind::AsyncFunction || self.top_level_await()
    }

    pub(crate) fn top_level_await(&self) -> bool {
        self.options.allow_top_level_await && self.unit.kind == UnitKind::Module
    }

    /// Flags of the code object being finished.
    pub(crate) fn code_flags(&self) -> u32 {
        use crate::code::flags as f;
        let scope = &self.table.scopes[self.unit.scope];
        let mut flags = self.future & f::FUTURE_MASK;
        if scope.function_like() {
            flags |= f::NEWLOCALS | f::OPTIMIZED;
            if scope.nested {
                flags |= f::NESTED;
            }
            flags |= match (scope.generator, scope.coroutine) {
                (true, true) => f::ASYNC_GENERATOR,
                (true, false) => f::GENERATOR,
                (false, true) => f::COROUTINE,
                (false, false) => 0,
            };
            if self.unit.varargs {
                flags |= f::VARARGS;
            }
            if self.unit.varkeywords {
                flags |= f::VARKEYWORDS;
            }
            if scope.is_method && scope.kind == ScopeKind::Function {
                flags |= f::METHOD;
            }
        }
        if self.unit.has_docstring {
            flags |= f::HAS_DOCSTRING;
        }
        if self.unit.kind == UnitKind::Module && scope.coroutine && self.options.allow_top_level_await {
            flags |= f::COROUTINE;
        }
        flags
    }

    pub(crate) fn push_frame(&mut self, frame: Frame<'a>, at: &impl Ranged) -> Res {
        if self.unit.frames.len() >= MAX_BLOCKS {
            return Fail::err("too many statically nested blocks", at);
        }
        self.unit.frames.push(Pending { frame, handlers: self.unit.handlers.len() });
        Ok(())
    }

    pub(crate) fn pop_frame(&mut self) {
        self.unit.frames.pop();
    }

    /// Makes `block` the handler of what follows, down to `end_handler`. It keeps the stack below `dropped` values.
    pub(crate) fn setup_handler(&mut self, block: u32, lasti: bool, dropped: u32, loc: Loc) {
        let id = self.unit.graph.handlers.len() as HandlerId;
        self.unit.graph.handlers.push(crate::ir::Handler { block, lasti, depth: None });
        self.instr(Op::Setup, id, dropped, loc);
        self.unit.handlers.push(id);
    }

    pub(crate) fn end_handler(&mut self) {
        self.unit.handlers.pop();
    }

    /// Emits a function object of a finished code object, with the attributes already on the stack.
    pub(crate) fn make_closure(&mut self, code: Code, attributes: u32, free: &[Sym], loc: Loc) -> Res {
        if !free.is_empty() {
            for &name in free {
                self.load_closure(name, loc)?;
            }
            self.op_arg(Opcode::BUILD_TUPLE, free.len() as u32, loc);
        }
        self.constant(Const::Code(Box::new(code)), loc);
        self.op(Opcode::MAKE_FUNCTION, loc);
        use crate::opcode::FunctionAttribute as F;
        if !free.is_empty() {
            self.op_arg(Opcode::SET_FUNCTION_ATTRIBUTE, F::Closure as u32, loc);
        }
        for attribute in [F::Annotate, F::Annotations, F::Kwdefaults, F::Defaults] {
            if attributes & attribute as u32 != 0 {
                self.op_arg(Opcode::SET_FUNCTION_ATTRIBUTE, attribute as u32, loc);
            }
        }
        Ok(())
    }

    /// Pushes the cell of a variable that an inner scope uses.
    pub(crate) fn load_closure(&mut self, name: Sym, loc: Loc) -> Res {
        let class_binding = |c: &Self| {
            let scope = &c.table.scopes[c.unit.scope];
            scope.kind == ScopeKind::Class
                && [known::CLASS, known::CLASSDICT, known::CONDITIONAL_ANNOTATIONS].contains(&name)
        };
        let is_cell = class_binding(self) || self.place_of(name) == Place::Cell;
        match self.unit.deref(name, !is_cell) {
            Some(at) => {
                self.instr(Op::LoadClosure, at, NONE, loc);
                Ok(())
            }
            None => {
                let msg = format!("internal: no cell for '{}'", self.names.text(name));
                Fail::err(msg, &TextRange::default())
            }
        }
    }
}
