//! Decides where each name lives.

use super::{Place, ScopeId, ScopeKind, SymbolTable, def};
use crate::{
    fail::{Fail, Res},
    hash::{FxMap, FxSet},
    names::{Names, Sym, known},
    symtable::CompKind,
};
use ruff_text_size::TextRange;

type Set = FxSet<Sym>;

/// What a scope inherits from those around it.
#[derive(Clone, Default)]
struct Outer {
    /// Names bound in enclosing functions; None at module level.
    bound: Option<Set>,
    global: Set,
    type_params: Set,
}

pub(super) fn analyze(table: &mut SymbolTable, names: &Names) -> Res {
    let mut analyzer = Analyzer { table, names };
    analyzer.scope(0, Outer::default(), None)?;
    Ok(())
}

struct Analyzer<'a> {
    table: &'a mut SymbolTable,
    names: &'a Names,
}

impl Analyzer<'_> {
    /// Resolves a scope and those inside it; the result is the names that must come from outside.
    fn scope(&mut self, id: ScopeId, mut outer: Outer, class: Option<ScopeId>) -> Res<Set> {
        let kind = self.table.scopes[id].kind;
        let mut inner = Outer::default();
        let mut bound_here = Set::default();
        if kind == ScopeKind::Class {
            // A class's names are not visible in its methods: they see what the class sees.
            inner.global.clone_from(&outer.global);
            inner.bound = Some(outer.bound.clone().unwrap_or_default());
        }
        let mut local = Set::default();
        let mut free = Set::default();
        let mut places: FxMap<Sym, Place> = FxMap::default();
        for at in 0..self.table.scopes[id].symbols.len() {
            let (name, symbol) = self.table.scopes[id].symbols[at];
            let place = self.place(id, name, symbol.flags, &mut outer, &mut local, &mut free, class)?;
            places.insert(name, place);
        }
        if kind == ScopeKind::Class {
            let bound = inner.bound.get_or_insert_default();
            bound.extend([known::CLASS, known::CLASSDICT, known::CONDITIONAL_ANNOTATIONS]);
        } else {
            if self.table.scopes[id].function_like() {
                bound_here.extend(&local);
            }
            if let Some(bound) = &outer.bound {
                bound_here.extend(bound);
            }
            inner.bound = Some(bound_here);
            inner.global.clone_from(&outer.global);
        }
        inner.type_params.clone_from(&outer.type_params);

        let own: Set = self.table.scopes[id].symbols.iter().map(|&(name, _)| name).collect();
        let children = std::mem::take(&mut self.table.scopes[id].children);
        let mut needs = Vec::with_capacity(children.len());
        for &child in &children {
            let child_class = match self.table.scopes[child].can_see_class_scope {
                true if kind == ScopeKind::Class => Some(id),
                true => class,
                false => None,
            };
            needs.push(super::grow(|| self.scope(child, inner.clone(), child_class))?);
        }
        let mut all_children = Vec::with_capacity(children.len());
        for (at, &child) in children.iter().enumerate() {
            if self.can_inline(id, child, &own, at, &needs) {
                self.inline(id, child, &mut places, &mut needs[at]);
                self.table.scopes[child].inlined = true;
                let grandchildren = self.table.scopes[child].children.clone();
                all_children.extend(grandchildren);
            } else {
                all_children.push(child);
            }
            free.extend(&needs[at]);
        }
        self.table.scopes[id].children = all_children;

        let scope = &mut self.table.scopes[id];
        if scope.function_like() {
            for (name, place) in &mut places {
                if *place == Place::Local && free.contains(name) {
                    *place = Place::Cell;
                    free.remove(name);
                }
            }
        } else if kind == ScopeKind::Class {
            scope.needs_class_closure |= free.remove(&known::CLASS);
            scope.needs_classdict |= free.remove(&known::CLASSDICT);
            scope.has_conditional_annotations |= free.remove(&known::CONDITIONAL_ANNOTATIONS);
        }

        for (name, symbol) in &mut scope.symbols {
            symbol.place = places.get(name).copied().unwrap_or(Place::GlobalImplicit);
        }
        let class_like = kind == ScopeKind::Class || scope.can_see_class_scope;
        let mut passed: Vec<Sym> = free.iter().copied().collect();
        passed.sort_by_key(|&name| self.names.text(name));
        for name in passed {
            if let Some(symbol) = scope.get(name) {
                if class_like && symbol.flags & (def::BOUND | def::GLOBAL) != 0 {
                    scope.entry(name).flags |= def::FREE_CLASS;
                }
                continue;
            }
            if outer.bound.as_ref().is_some_and(|bound| !bound.contains(&name)) {
                continue;
            }
            scope.entry(name).place = Place::Free;
        }
        Ok(free)
    }

    #[allow(clippy::too_many_arguments)]
    fn place(
        &self,
        id: ScopeId,
        name: Sym,
        flags: u16,
        outer: &mut Outer,
        local: &mut Set,
        free: &mut Set,
        class: Option<ScopeId>,
    ) -> Res<Place> {
        if flags & def::GLOBAL != 0 {
            if flags & def::NONLOCAL != 0 {
                return self.directive_error(id, name, "name '{}' is nonlocal and global");
            }
            outer.global.insert(name);
            if let Some(bound) = &mut outer.bound {
                bound.remove(&name);
            }
            return Ok(Place::GlobalExplicit);
        }
        if flags & def::NONLOCAL != 0 {
            let Some(bound) = &outer.bound else {
                return self.directive_error(id, name, "nonlocal declaration not allowed at module level");
            };
            if !bound.contains(&name) {
                return self.directive_error(id, name, "no binding for nonlocal '{}' found");
            }
            if outer.type_params.contains(&name) {
                return self.directive_error(
                    id,
                    name,
                    "nonlocal binding not allowed for type parameter '{}'",
                );
            }
            free.insert(name);
            return Ok(Place::Free);
        }
        if flags & def::BOUND != 0 {
            local.insert(name);
            outer.global.remove(&name);
            if flags & def::TYPE_PARAM != 0 {
                outer.type_params.insert(name);
            } else {
                outer.type_params.remove(&name);
            }
            return Ok(Place::Local);
        }
        if let Some(class) = class
            && name != known::CLASSDICT
        {
            // A name the class binds is found there or globally, never in the functions around the class.
            let in_class = self.table.scopes[class].flags(name);
            if in_class & def::GLOBAL != 0 {
                return Ok(Place::GlobalExplicit);
            }
            if in_class & def::BOUND != 0 && in_class & def::NONLOCAL == 0 {
                return Ok(Place::GlobalImplicit);
            }
        }
        if outer.bound.as_ref().is_some_and(|bound| bound.contains(&name)) {
            free.insert(name);
            return Ok(Place::Free);
        }
        Ok(Place::GlobalImplicit)
    }

    /// Whether a comprehension can run in the frame around it (PEP 709). Its variables must then be plain locals there:
    /// not captured by inner functions, and not what other scopes inside mean by the same names.
    fn can_inline(&self, id: ScopeId, child: ScopeId, own: &Set, at: usize, needs: &[Set]) -> bool {
        let scope = &self.table.scopes[child];
        if scope.comprehension.is_none_or(|kind| kind == CompKind::Generator)
            || self.table.scopes[id].can_see_class_scope
        {
            return false;
        }
        let bound = |flags: u16| flags & def::LOCAL != 0 && flags & def::NONLOCAL == 0;
        scope.symbols.iter().all(|&(name, symbol)| {
            let clash = || {
                let mut others = needs.iter().enumerate().filter(|&(other, _)| other != at);
                !own.contains(&name) && others.any(|(_, needed)| needed.contains(&name))
            };
            symbol.place != Place::Cell && !(bound(symbol.flags) && clash())
        })
    }

    /// Merges the names of a comprehension into the scope that evaluates it.
    fn inline(&mut self, id: ScopeId, child: ScopeId, places: &mut FxMap<Sym, Place>, child_free: &mut Set) {
        let mut dropped = Vec::new();
        for at in 0..self.table.scopes[child].symbols.len() {
            let (name, symbol) = self.table.scopes[child].symbols[at];
            if symbol.flags & def::PARAM != 0 {
                continue;
            }
            match self.table.scopes[id].get(name) {
                None => {
                    let mut place = symbol.place;
                    if place == Place::Free
                        && self.table.scopes[id].kind == ScopeKind::Class
                        && [known::CLASS, known::CLASSDICT, known::CONDITIONAL_ANNOTATIONS].contains(&name)
                    {
                        // The class has no such variable; a function inside takes the class's cell.
                        place = Place::GlobalImplicit;
                        if !self.free_in_child(child, name) {
                            child_free.remove(&name);
                            dropped.push(name);
                        }
                    }
                    self.table.scopes[id].entry(name).flags = symbol.flags;
                    places.insert(name, place);
                }
                Some(existing) => {
                    if existing.flags & def::BOUND != 0
                        && self.table.scopes[id].kind != ScopeKind::Class
                        && !self.free_in_child(child, name)
                    {
                        child_free.remove(&name);
                    }
                }
            }
        }
        for name in dropped {
            self.table.scopes[child].remove(name);
        }
    }

    fn free_in_child(&self, id: ScopeId, name: Sym) -> bool {
        self.table.scopes[id].children.iter().any(|&child| {
            self.table.scopes[child]
                .get(name)
                .is_some_and(|symbol| symbol.place == Place::Free || symbol.flags & def::FREE_CLASS != 0)
        })
    }

    fn directive_error<T>(&self, id: ScopeId, name: Sym, msg: &str) -> Res<T> {
        let range = self.table.scopes[id]
            .directives
            .iter()
            .find(|(directive, _)| *directive == name)
            .map_or(TextRange::default(), |&(_, range)| range);
        Fail::err(msg.replace("{}", self.names.text(name)), &range)
    }
}
