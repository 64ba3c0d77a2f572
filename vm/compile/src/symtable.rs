//! Symbol tables: which name means what in which scope.
//!
//! One pass over the tree collects definitions and uses (`build`), a second decides scopes (`analyze`).
//! Semantics: the language reference ch. 4, PEP 227, 572, 649, 695, 709, 749.

mod analyze;
mod build;
mod exprs;
mod params;

pub(crate) use build::build;

use crate::{
    hash::{FxMap, FxSet},
    names::Sym,
};
use ruff_text_size::TextRange;

/// Bits of [`Symbol::flags`].
pub(crate) mod def {
    /// In a `global` statement.
    pub(crate) const GLOBAL: u16 = 1;
    /// Assigned.
    pub(crate) const LOCAL: u16 = 2;
    /// A parameter.
    pub(crate) const PARAM: u16 = 4;
    /// In a `nonlocal` statement.
    pub(crate) const NONLOCAL: u16 = 8;
    /// Used.
    pub(crate) const USE: u16 = 0x10;
    /// Free in a method although the class binds it too.
    pub(crate) const FREE_CLASS: u16 = 0x40;
    /// Bound by an import.
    pub(crate) const IMPORT: u16 = 0x80;
    /// Annotated.
    pub(crate) const ANNOT: u16 = 0x100;
    /// Iteration variable of a comprehension.
    pub(crate) const COMP_ITER: u16 = 0x200;
    /// A type parameter.
    pub(crate) const TYPE_PARAM: u16 = 0x400;
    /// Bound in this scope.
    pub(crate) const BOUND: u16 = LOCAL | PARAM | IMPORT | TYPE_PARAM;
}

/// Where a name lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Unknown,
    Local,
    GlobalExplicit,
    GlobalImplicit,
    Free,
    Cell,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Symbol {
    pub(crate) flags: u16,
    pub(crate) place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScopeKind {
    Module,
    Class,
    Function,
    Annotation,
    TypeAlias,
    TypeParams,
    TypeVariable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CompKind {
    List,
    Set,
    Dict,
    Generator,
}

pub(crate) type ScopeId = usize;

/// One scope.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) kind: ScopeKind,
    pub(crate) name: Sym,
    pub(crate) symbols: Vec<(Sym, Symbol)>,
    index: FxMap<Sym, usize>,
    /// Parameters in order.
    pub(crate) params: Vec<Sym>,
    pub(crate) children: Vec<ScopeId>,
    /// Where names are declared global or nonlocal.
    directives: Vec<(Sym, TextRange)>,
    pub(crate) nested: bool,
    pub(crate) generator: bool,
    pub(crate) coroutine: bool,
    pub(crate) comprehension: Option<CompKind>,
    pub(crate) inlined: bool,
    pub(crate) annotations_used: bool,
    pub(crate) needs_class_closure: bool,
    pub(crate) needs_classdict: bool,
    pub(crate) has_conditional_annotations: bool,
    /// An annotation-like scope directly in a class: names go through the class namespace first.
    pub(crate) can_see_class_scope: bool,
    pub(crate) is_method: bool,
    in_conditional_block: bool,
    comp_iter_target: bool,
    comp_iter_expr: u32,
    /// In a generic class's parameter scope only these names are mangled.
    pub(crate) mangled_names: Option<FxSet<Sym>>,
    /// What the scope is, for messages about expressions it may not contain.
    pub(crate) info: Option<&'static str>,
    annotation_scope: Option<ScopeId>,
}

impl Scope {
    pub(crate) fn function_like(&self) -> bool {
        !matches!(self.kind, ScopeKind::Module | ScopeKind::Class)
    }

    pub(crate) fn get(&self, name: Sym) -> Option<Symbol> {
        self.index.get(&name).map(|&at| self.symbols[at].1)
    }

    pub(crate) fn flags(&self, name: Sym) -> u16 {
        self.get(name).map_or(0, |symbol| symbol.flags)
    }

    fn entry(&mut self, name: Sym) -> &mut Symbol {
        let at = *self.index.entry(name).or_insert_with(|| {
            self.symbols.push((name, Symbol { flags: 0, place: Place::Unknown }));
            self.symbols.len() - 1
        });
        &mut self.symbols[at].1
    }

    fn remove(&mut self, name: Sym) {
        if let Some(at) = self.index.remove(&name) {
            self.symbols.remove(at);
            for index in self.index.values_mut() {
                if *index > at {
                    *index -= 1;
                }
            }
        }
    }
}

/// What makes a scope, told apart where two scopes belong to one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    Body,
    Annotations,
    TypeParams,
    Bound,
    Default,
    Alias,
}

/// The scopes of a compilation, found by tree node.
#[derive(Debug)]
pub(crate) struct SymbolTable {
    pub(crate) scopes: Vec<Scope>,
    by_node: FxMap<(usize, Role), ScopeId>,
}

/// Identity of a tree node: its address, stable while the tree lives.
pub(crate) fn node_id<T>(node: &T) -> usize {
    std::ptr::from_ref(node) as usize
}

impl SymbolTable {
    pub(crate) fn scope<T>(&self, node: &T, role: Role) -> Option<ScopeId> {
        self.by_node.get(&(node_id(node), role)).copied()
    }

    /// The scope of the annotations of a module or class body.
    pub(crate) fn annotation_scope(&self, body: ScopeId) -> Option<ScopeId> {
        self.scopes[body].annotation_scope
    }
}

/// Runs a visitor with enough stack: trees may be deep.
pub(crate) fn grow<T>(f: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(96 << 10, 2 << 20, f)
}
