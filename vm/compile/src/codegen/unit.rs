//! State of one code object under construction.

use ruff_python_ast as ast;

use crate::{
    consts::Consts,
    hash::{FxMap, FxSet},
    ir::{BlockId, Graph, HandlerId},
    location::Loc,
    names::{Names, Sym, known},
    symtable::{Place, ScopeId, ScopeKind, SymbolTable, def},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnitKind {
    Module,
    Class,
    Function,
    AsyncFunction,
    Lambda,
    Comprehension,
    Annotations,
    TypeParams,
}

/// A list of distinct names and their places in it.
#[derive(Default)]
pub(crate) struct NameList {
    pub(crate) list: Vec<Sym>,
    index: FxMap<Sym, u32>,
}

impl NameList {
    pub(crate) fn add(&mut self, name: Sym) -> u32 {
        *self.index.entry(name).or_insert_with(|| {
            self.list.push(name);
            self.list.len() as u32 - 1
        })
    }

    pub(crate) fn find(&self, name: Sym) -> Option<u32> {
        self.index.get(&name).copied()
    }
}

/// What `break`, `continue` and `return` have to undo on their way out.
#[derive(Clone, Copy)]
pub(crate) enum Frame<'a> {
    While { start: BlockId, exit: BlockId },
    For { start: BlockId, exit: BlockId },
    AsyncFor { start: BlockId, exit: BlockId },
    TryExcept,
    FinallyTry { body: &'a [ast::Stmt] },
    FinallyEnd,
    With { loc: Loc },
    AsyncWith { loc: Loc },
    HandlerCleanup { name: Option<Sym> },
    PopValue,
    ExceptionHandler,
    GroupHandler,
}

/// A frame and the number of handlers in force outside it.
#[derive(Clone, Copy)]
pub(crate) struct Pending<'a> {
    pub(crate) frame: Frame<'a>,
    pub(crate) handlers: usize,
}

/// An annotation to be evaluated by `__annotate__`.
pub(crate) struct Deferred<'a> {
    pub(crate) name: Sym,
    pub(crate) annotation: &'a ast::Expr,
    pub(crate) loc: Loc,
    /// Number by which the body tells that it passed the annotation.
    pub(crate) condition: Option<u32>,
}

pub(crate) struct Unit<'a> {
    pub(crate) scope: ScopeId,
    pub(crate) kind: UnitKind,
    pub(crate) name: Sym,
    pub(crate) qualname: String,
    /// The class whose name mangles private names.
    pub(crate) private: Option<Sym>,
    pub(crate) firstlineno: u32,
    pub(crate) argcount: u32,
    pub(crate) posonlyargcount: u32,
    pub(crate) kwonlyargcount: u32,
    pub(crate) varargs: bool,
    pub(crate) varkeywords: bool,
    pub(crate) has_docstring: bool,
    pub(crate) consts: Consts,
    pub(crate) names: NameList,
    pub(crate) varnames: NameList,
    pub(crate) cellvars: NameList,
    pub(crate) freevars: NameList,
    /// Fast locals of inlined comprehensions in a scope without fast locals.
    pub(crate) hidden: FxSet<Sym>,
    /// Hidden ones visible right now.
    pub(crate) hidden_now: FxSet<Sym>,
    pub(crate) inlined_depth: u32,
    /// What inlined comprehensions changed about names, innermost last.
    pub(crate) overrides: FxMap<Sym, Place>,
    pub(crate) frames: Vec<Pending<'a>>,
    pub(crate) handlers: Vec<HandlerId>,
    pub(crate) graph: Graph,
    pub(crate) current: BlockId,
    pub(crate) static_attributes: Vec<Sym>,
    pub(crate) deferred: Vec<Deferred<'a>>,
    pub(crate) next_condition: u32,
    pub(crate) conditional_depth: u32,
    /// Depth of `finally` bodies whose jumps out deserve a warning (PEP 765).
    pub(crate) finally_loops: Vec<bool>,
}

impl<'a> Unit<'a> {
    pub(crate) fn new(
        table: &SymbolTable,
        names: &Names,
        id: ScopeId,
        kind: UnitKind,
        name: Sym,
        firstlineno: u32,
        private: Option<Sym>,
    ) -> Unit<'a> {
        let scope = &table.scopes[id];
        let mut varnames = NameList::default();
        for &param in &scope.params {
            varnames.add(param);
        }
        let sorted = |wanted: &dyn Fn(Place, u16) -> bool| {
            let mut list: Vec<Sym> = scope
                .symbols
                .iter()
                .filter(|(_, symbol)| wanted(symbol.place, symbol.flags))
                .map(|&(name, _)| name)
                .collect();
            list.sort_by_key(|&name| names.text(name));
            list
        };
        let mut cellvars = NameList::default();
        for name in sorted(&|place, _| place == Place::Cell) {
            cellvars.add(name);
        }
        if scope.kind == ScopeKind::Class {
            let implicit = [
                (scope.needs_class_closure, known::CLASS),
                (scope.needs_classdict, known::CLASSDICT),
                (scope.has_conditional_annotations, known::CONDITIONAL_ANNOTATIONS),
            ];
            for (_, name) in implicit.into_iter().filter(|(needed, _)| *needed) {
                cellvars.add(name);
            }
        }
        let mut freevars = NameList::default();
        for name in sorted(&|place, flags| place == Place::Free || flags & def::FREE_CLASS != 0) {
            freevars.add(name);
        }
        let mut graph = Graph::default();
        let current = graph.new_block();
        graph.order.push(current);
        Unit {
            scope: id,
            kind,
            name,
            qualname: names.text(name).to_owned(),
            private,
            firstlineno,
            argcount: 0,
            posonlyargcount: 0,
            kwonlyargcount: 0,
            varargs: false,
            varkeywords: false,
            has_docstring: false,
            consts: Consts::default(),
            names: NameList::default(),
            varnames,
            cellvars,
            freevars,
            hidden: FxSet::default(),
            hidden_now: FxSet::default(),
            inlined_depth: 0,
            overrides: FxMap::default(),
            frames: Vec::new(),
            handlers: Vec::new(),
            graph,
            current,
            static_attributes: Vec::new(),
            deferred: Vec::new(),
            next_condition: 0,
            conditional_depth: 0,
            finally_loops: Vec::new(),
        }
    }

    /// Index of a cell or free variable, cells first.
    pub(crate) fn deref(&self, name: Sym, free_first: bool) -> Option<u32> {
        let cell = self.cellvars.find(name);
        let free = self.freevars.find(name).map(|at| at + self.cellvars.list.len() as u32);
        if free_first { free.or(cell) } else { cell.or(free) }
    }
}
