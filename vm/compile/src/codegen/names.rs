//! Loading, storing and deleting names.

use super::{Compiler, unit::UnitKind};
use crate::{
    location::Loc,
    names::{Sym, known},
    opcode::Opcode,
    symtable::{Place, ScopeKind},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Load,
    Store,
    Del,
}

enum Slot {
    Fast(u32),
    Deref(u32),
    Global,
    Name,
}

impl Compiler<'_> {
    /// The name as the current scope stores it.
    pub(crate) fn mangled(&mut self, name: Sym) -> Sym {
        if let Some(only) = &self.table.scopes[self.unit.scope].mangled_names
            && !only.contains(&name)
        {
            return name;
        }
        self.names.mangle(self.unit.private, name)
    }

    /// Where a (mangled) name lives in the current scope.
    pub(crate) fn place_of(&self, name: Sym) -> Place {
        if let Some(&place) = self.unit.overrides.get(&name) {
            return place;
        }
        self.table.scopes[self.unit.scope].get(name).map_or(Place::GlobalImplicit, |symbol| symbol.place)
    }

    pub(crate) fn load_name(&mut self, name: Sym, loc: Loc) {
        self.name_op(name, Access::Load, loc);
    }

    pub(crate) fn store_name(&mut self, name: Sym, loc: Loc) {
        self.name_op(name, Access::Store, loc);
    }

    pub(crate) fn load_text(&mut self, name: &str, loc: Loc) {
        let name = self.names.sym(name);
        self.load_name(name, loc);
    }

    pub(crate) fn store_text(&mut self, name: &str, loc: Loc) {
        let name = self.names.sym(name);
        self.store_name(name, loc);
    }

    /// Index of a name for NAME, GLOBAL and ATTR opcodes.
    pub(crate) fn name_index(&mut self, name: Sym) -> u32 {
        self.unit.names.add(name)
    }

    pub(crate) fn name_op(&mut self, name: Sym, access: Access, loc: Loc) {
        let mangled = self.mangled(name);
        let place = self.place_of(mangled);
        let scope = &self.table.scopes[self.unit.scope];
        let (function_like, class) = (scope.function_like(), scope.kind == ScopeKind::Class);
        let sees_class = scope.can_see_class_scope;
        let in_comprehension = self.unit.inlined_depth > 0;
        let slot = match place {
            Place::Free => self.unit.deref(mangled, true).map_or(Slot::Name, Slot::Deref),
            Place::Cell => self.unit.deref(mangled, false).map_or(Slot::Name, Slot::Deref),
            Place::Local if function_like || self.unit.hidden_now.contains(&mangled) => {
                Slot::Fast(self.unit.varnames.add(mangled))
            }
            Place::GlobalImplicit if function_like => Slot::Global,
            Place::GlobalExplicit => Slot::Global,
            _ => Slot::Name,
        };
        match (slot, access) {
            (Slot::Fast(at), Access::Load) => self.op_arg(Opcode::LOAD_FAST, at, loc),
            (Slot::Fast(at), Access::Store) => self.op_arg(Opcode::STORE_FAST, at, loc),
            (Slot::Fast(at), Access::Del) => self.op_arg(Opcode::DELETE_FAST, at, loc),
            (Slot::Deref(at), Access::Load) => {
                if class && !in_comprehension {
                    self.op(Opcode::LOAD_LOCALS, loc);
                    self.op_arg(Opcode::LOAD_FROM_DICT_OR_DEREF, at, loc);
                } else if sees_class && mangled != known::CLASSDICT {
                    self.load_name(known::CLASSDICT, loc);
                    self.op_arg(Opcode::LOAD_FROM_DICT_OR_DEREF, at, loc);
                } else {
                    self.op_arg(Opcode::LOAD_DEREF, at, loc);
                }
            }
            (Slot::Deref(at), Access::Store) => self.op_arg(Opcode::STORE_DEREF, at, loc),
            (Slot::Deref(at), Access::Del) => self.op_arg(Opcode::DELETE_DEREF, at, loc),
            (Slot::Global, access) => {
                let at = self.name_index(mangled);
                match access {
                    Access::Load if sees_class && place == Place::GlobalImplicit => {
                        self.load_name(known::CLASSDICT, loc);
                        self.op_arg(Opcode::LOAD_FROM_DICT_OR_GLOBALS, at, loc);
                    }
                    Access::Load => self.op_arg(Opcode::LOAD_GLOBAL, at << 1, loc),
                    Access::Store => self.op_arg(Opcode::STORE_GLOBAL, at, loc),
                    Access::Del => self.op_arg(Opcode::DELETE_GLOBAL, at, loc),
                }
            }
            (Slot::Name, access) => {
                let at = self.name_index(mangled);
                match access {
                    // A comprehension in a class body does not see the class's names.
                    Access::Load if class && in_comprehension => {
                        self.op_arg(Opcode::LOAD_GLOBAL, at << 1, loc);
                    }
                    Access::Load => self.op_arg(Opcode::LOAD_NAME, at, loc),
                    Access::Store => self.op_arg(Opcode::STORE_NAME, at, loc),
                    Access::Del => self.op_arg(Opcode::DELETE_NAME, at, loc),
                }
            }
        }
    }

    /// Whether a name is bound to a global and nothing in this module's view hides it.
    pub(crate) fn is_global_name(&mut self, name: Sym) -> bool {
        let mangled = self.mangled(name);
        matches!(self.place_of(mangled), Place::GlobalImplicit | Place::GlobalExplicit)
            && self.unit.kind != UnitKind::Class
    }
}
