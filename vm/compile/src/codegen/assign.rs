//! Assignment and deletion.

use ruff_python_ast::{self as ast, Expr};

use super::{
    Compiler,
    names::Access,
    unit::{Deferred, UnitKind},
};
use crate::{
    code::Const,
    fail::{Fail, Res},
    location::Loc,
    names::known,
    opcode::{BinaryOp, Opcode},
};

impl<'a> Compiler<'a> {
    /// Assigns the value on the stack.
    pub(crate) fn store(&mut self, target: &'a Expr) -> Res {
        crate::symtable::grow(|| self.store_inner(target))
    }

    fn store_inner(&mut self, target: &'a Expr) -> Res {
        let loc = self.loc(target);
        match target {
            Expr::Name(name) => {
                self.store_text(&name.id, loc);
                Ok(())
            }
            Expr::Attribute(attribute) => {
                self.note_static_attribute(attribute);
                self.expr(&attribute.value)?;
                let loc = self.attribute_loc(attribute, loc);
                let at = self.attribute_index(attribute);
                self.op_arg(Opcode::STORE_ATTR, at, loc);
                Ok(())
            }
            Expr::Subscript(subscript) => {
                self.expr(&subscript.value)?;
                self.index(&subscript.slice, loc, |c, two| {
                    c.op(if two { Opcode::STORE_SLICE } else { Opcode::STORE_SUBSCR }, loc);
                })
            }
            Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => {
                self.unpack(elts, target, loc)
            }
            Expr::Starred(starred) => {
                Fail::err("starred assignment target must be in a list or tuple", starred)
            }
            _ => Fail::err("cannot assign to expression", target),
        }
    }

    fn attribute_index(&mut self, attribute: &ast::ExprAttribute) -> u32 {
        let sym = self.names.sym(&attribute.attr.id);
        let name = self.mangled(sym);
        self.name_index(name)
    }

    fn unpack(&mut self, targets: &'a [Expr], whole: &'a Expr, loc: Loc) -> Res {
        match targets.iter().position(Expr::is_starred_expr) {
            None => self.op_arg(Opcode::UNPACK_SEQUENCE, targets.len() as u32, loc),
            Some(before) => {
                let after = targets.len() - before - 1;
                if targets[before + 1..].iter().any(Expr::is_starred_expr) {
                    return Fail::err("multiple starred expressions in assignment", whole);
                }
                if before > 255 || after > 0x7F_FFFF {
                    return Fail::err("too many expressions in star-unpacking assignment", whole);
                }
                self.op_arg(Opcode::UNPACK_EX, before as u32 | (after as u32) << 8, loc);
            }
        }
        for target in targets {
            match target {
                Expr::Starred(starred) => self.store(&starred.value)?,
                _ => self.store(target)?,
            }
        }
        Ok(())
    }

    /// `self.name = ...` in a method: the class lists the name in `__static_attributes__`.
    fn note_static_attribute(&mut self, attribute: &ast::ExprAttribute) {
        if !matches!(&*attribute.value, Expr::Name(name) if name.id == "self") {
            return;
        }
        let name = self.names.sym(&attribute.attr.id);
        let class = self.units.iter_mut().rev().find(|unit| unit.kind == UnitKind::Class);
        if let Some(class) = class
            && !class.static_attributes.contains(&name)
        {
            class.static_attributes.push(name);
        }
    }

    pub(crate) fn assign(&mut self, assign: &'a ast::StmtAssign) -> Res {
        let loc = self.loc(assign);
        if let ([target], true) = (&*assign.targets, assign.value.is_tuple_expr())
            && self.assign_pairwise(target, &assign.value, loc)?
        {
            return Ok(());
        }
        self.expr(&assign.value)?;
        let Some((last, firsts)) = assign.targets.split_last() else { return Ok(()) };
        for target in firsts {
            self.op_arg(Opcode::COPY, 1, loc);
            self.store(target)?;
        }
        self.store(last)
    }

    /// `a, b = x, y` needs no tuple.
    fn assign_pairwise(&mut self, target: &'a Expr, value: &'a Expr, _loc: Loc) -> Res<bool> {
        let targets = match target {
            Expr::Tuple(tuple) => &tuple.elts,
            Expr::List(list) => &list.elts,
            _ => return Ok(false),
        };
        let Expr::Tuple(values) = value else { return Ok(false) };
        let count = targets.len();
        if !(1..=3).contains(&count)
            || values.elts.len() != count
            || targets.iter().chain(&values.elts).any(Expr::is_starred_expr)
        {
            return Ok(false);
        }
        self.exprs(&values.elts)?;
        let loc = self.loc(value);
        if count > 1 {
            self.op_arg(Opcode::SWAP, count as u32, loc);
        }
        for target in targets {
            self.store(target)?;
        }
        Ok(true)
    }

    pub(crate) fn aug_assign(&mut self, assign: &'a ast::StmtAugAssign) -> Res {
        let loc = self.loc(assign);
        let target_loc = self.loc(&*assign.target);
        let op = super::expr::binary_op(assign.op) as u32 + BinaryOp::InplaceAdd as u32;
        match &*assign.target {
            Expr::Name(name) => {
                self.load_text(&name.id, target_loc);
                self.expr(&assign.value)?;
                self.op_arg(Opcode::BINARY_OP, op, loc);
                self.store_text(&name.id, target_loc);
            }
            Expr::Attribute(attribute) => {
                self.note_static_attribute(attribute);
                let target_loc = self.attribute_loc(attribute, target_loc);
                self.expr(&attribute.value)?;
                self.op_arg(Opcode::COPY, 1, target_loc);
                let at = self.attribute_index(attribute);
                self.op_arg(Opcode::LOAD_ATTR, at << 1, target_loc);
                self.expr(&assign.value)?;
                self.op_arg(Opcode::BINARY_OP, op, loc);
                self.op_arg(Opcode::SWAP, 2, target_loc);
                self.op_arg(Opcode::STORE_ATTR, at, target_loc);
            }
            Expr::Subscript(subscript) => {
                self.expr(&subscript.value)?;
                let mut slice = false;
                self.index(&subscript.slice, target_loc, |c, two| {
                    slice = two;
                    let depth = if two { 3 } else { 2 };
                    (0..depth).for_each(|_| c.op_arg(Opcode::COPY, depth, target_loc));
                    match two {
                        true => c.op(Opcode::BINARY_SLICE, target_loc),
                        false => c.op_arg(Opcode::BINARY_OP, BinaryOp::Subscr as u32, target_loc),
                    }
                })?;
                self.expr(&assign.value)?;
                self.op_arg(Opcode::BINARY_OP, op, loc);
                if slice {
                    self.op_arg(Opcode::SWAP, 4, target_loc);
                }
                self.op_arg(Opcode::SWAP, 3, target_loc);
                self.op_arg(Opcode::SWAP, 2, target_loc);
                self.op(if slice { Opcode::STORE_SLICE } else { Opcode::STORE_SUBSCR }, target_loc);
            }
            other => return Fail::err("invalid target for augmented assignment", other),
        }
        Ok(())
    }

    pub(crate) fn ann_assign(&mut self, assign: &'a ast::StmtAnnAssign) -> Res {
        let loc = self.loc(assign);
        if let Some(value) = &assign.value {
            self.expr(value)?;
            self.store(&assign.target)?;
        }
        match &*assign.target {
            Expr::Name(name)
                if assign.simple && matches!(self.unit.kind, UnitKind::Module | UnitKind::Class) =>
            {
                let sym = self.names.sym(&name.id);
                let mangled = self.mangled(sym);
                if self.future_annotations() {
                    self.annotation_value(&assign.annotation)?;
                    let at = self.name_index(known::ANNOTATIONS);
                    self.op_arg(Opcode::LOAD_NAME, at, loc);
                    let key = Const::Str(self.names.text(mangled).into());
                    self.constant(key, loc);
                    self.op(Opcode::STORE_SUBSCR, loc);
                } else {
                    self.defer_annotation(mangled, &assign.annotation, loc);
                }
            }
            Expr::Attribute(attribute) if assign.value.is_none() => {
                self.expr(&attribute.value)?;
                self.op(Opcode::POP_TOP, loc);
            }
            Expr::Subscript(subscript) if assign.value.is_none() => {
                self.expr(&subscript.value)?;
                self.op(Opcode::POP_TOP, loc);
                self.expr(&subscript.slice)?;
                self.op(Opcode::POP_TOP, loc);
            }
            _ => {}
        }
        Ok(())
    }

    fn defer_annotation(&mut self, name: crate::names::Sym, annotation: &'a Expr, loc: Loc) {
        let conditional = self.unit.kind == UnitKind::Module || self.unit.conditional_depth > 0;
        let condition = conditional.then(|| {
            let number = self.unit.next_condition;
            self.unit.next_condition += 1;
            match self.unit.deref(known::CONDITIONAL_ANNOTATIONS, false) {
                Some(at) if self.unit.kind == UnitKind::Class => self.op_arg(Opcode::LOAD_DEREF, at, loc),
                _ => {
                    let at = self.name_index(known::CONDITIONAL_ANNOTATIONS);
                    self.op_arg(Opcode::LOAD_NAME, at, loc);
                }
            }
            self.constant(Const::Int(i64::from(number)), loc);
            self.op_arg(Opcode::SET_ADD, 1, loc);
            self.op(Opcode::POP_TOP, loc);
            number
        });
        self.unit.deferred.push(Deferred { name, annotation, loc, condition });
    }

    pub(crate) fn delete(&mut self, target: &'a Expr) -> Res {
        let loc = self.loc(target);
        match target {
            Expr::Name(name) => {
                let sym = self.names.sym(&name.id);
                self.name_op(sym, Access::Del, loc);
                Ok(())
            }
            Expr::Attribute(attribute) => {
                self.expr(&attribute.value)?;
                let loc = self.attribute_loc(attribute, loc);
                let at = self.attribute_index(attribute);
                self.op_arg(Opcode::DELETE_ATTR, at, loc);
                Ok(())
            }
            Expr::Subscript(subscript) => {
                self.expr(&subscript.value)?;
                self.expr(&subscript.slice)?;
                self.op(Opcode::DELETE_SUBSCR, loc);
                Ok(())
            }
            Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => {
                elts.iter().try_for_each(|target| crate::symtable::grow(|| self.delete(target)))
            }
            Expr::Starred(_) => Fail::err("cannot delete starred", target),
            _ => Fail::err("cannot delete expression", target),
        }
    }
}
