//! Displays and numbers.

use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::Ranged;

use super::{Compiler, expr::STACK_USE_GUIDELINE};
use crate::{
    bigint,
    code::Const,
    fail::{Fail, Res},
    location::Loc,
    opcode::{Intrinsic1, Opcode},
};

/// Decimal digits an int literal may have, as `sys.int_info.default_max_str_digits`.
const MAX_DECIMAL_DIGITS: usize = 4300;

impl<'a> Compiler<'a> {
    pub(crate) fn number(&mut self, number: &'a ast::ExprNumberLiteral, loc: Loc) -> Res {
        let value = match &number.value {
            ast::Number::Float(x) => Const::Float(*x),
            ast::Number::Complex { real, imag } => Const::Complex(*real, *imag),
            ast::Number::Int(n) => match n.as_i64() {
                Some(n) => Const::Int(n),
                None => {
                    let text = &self.source[number.range()];
                    let digits = text.bytes().filter(u8::is_ascii_digit).count();
                    if !text.starts_with('0') && digits > MAX_DECIMAL_DIGITS {
                        return Fail::err(
                            format!(
                                "Exceeds the limit ({MAX_DECIMAL_DIGITS} digits) for integer string conversion: \
                                 value has {digits} digits; use sys.set_int_max_str_digits() to increase the limit \
                                 - Consider hexadecimal for huge integer literals to avoid decimal conversion limits."
                            ),
                            number,
                        );
                    }
                    crate::fold::from_digits(bigint::hexadecimal(text))
                }
            },
        };
        self.constant(value, loc);
        Ok(())
    }

    pub(crate) fn tuple(&mut self, items: &'a [Expr], loc: Loc) -> Res {
        if items.iter().any(Expr::is_starred_expr) {
            self.unpacked(items, Opcode::BUILD_LIST, Opcode::LIST_APPEND, Opcode::LIST_EXTEND, 0, loc)?;
            self.intrinsic1(Intrinsic1::ListToTuple, loc);
            return Ok(());
        }
        if items.len() > STACK_USE_GUIDELINE && !all_constant(items) {
            self.op_arg(Opcode::BUILD_LIST, 0, loc);
            for item in items {
                self.expr(item)?;
                self.op_arg(Opcode::LIST_APPEND, 1, loc);
            }
            self.intrinsic1(Intrinsic1::ListToTuple, loc);
            return Ok(());
        }
        self.exprs(items)?;
        self.build_tuple(items.len(), loc);
        Ok(())
    }

    pub(crate) fn list(&mut self, items: &'a [Expr], loc: Loc) -> Res {
        self.unpacked(items, Opcode::BUILD_LIST, Opcode::LIST_APPEND, Opcode::LIST_EXTEND, 0, loc)
    }

    pub(crate) fn set(&mut self, items: &'a [Expr], loc: Loc) -> Res {
        self.unpacked(items, Opcode::BUILD_SET, Opcode::SET_ADD, Opcode::SET_UPDATE, 0, loc)
    }

    /// A list or set of `pushed` values on the stack and the items.
    pub(crate) fn unpacked(
        &mut self,
        items: &'a [Expr],
        build: Opcode,
        add: Opcode,
        extend: Opcode,
        pushed: usize,
        loc: Loc,
    ) -> Res {
        if pushed == 0 && items.len() > 2 && all_constant(items) {
            // One constant instead of a load for each item.
            let at = self.unit.graph.instrs(self.unit.current).len();
            self.exprs(items)?;
            let emitted = self.unit.graph.instrs(self.unit.current).len() - at;
            if let Some(values) = self.last_constants(items.len()).filter(|values| values.len() == emitted) {
                self.drop_instrs(items.len());
                self.op_arg(build, 0, loc);
                let value = match build {
                    Opcode::BUILD_SET => Const::FrozenSet(distinct(values)),
                    _ => Const::Tuple(values),
                };
                self.constant(value, loc);
                self.op_arg(extend, 1, loc);
            } else {
                self.op_arg(build, items.len() as u32, loc);
            }
            return Ok(());
        }
        let big = items.len() + pushed > STACK_USE_GUIDELINE;
        let starred = items.iter().position(Expr::is_starred_expr);
        if starred.is_none() && !big {
            self.exprs(items)?;
            self.op_arg(build, (items.len() + pushed) as u32, loc);
            return Ok(());
        }
        let mut built = big;
        if big {
            self.op_arg(build, pushed as u32, loc);
        }
        for (at, item) in items.iter().enumerate() {
            if let Expr::Starred(starred) = item {
                if !built {
                    self.op_arg(build, (at + pushed) as u32, loc);
                    built = true;
                }
                self.expr(&starred.value)?;
                self.op_arg(extend, 1, loc);
            } else {
                self.expr(item)?;
                if built {
                    self.op_arg(add, 1, loc);
                }
            }
        }
        Ok(())
    }

    pub(crate) fn dict(&mut self, dict: &'a ast::ExprDict, loc: Loc) -> Res {
        let mut have_dict = false;
        let mut run = 0;
        for at in 0..=dict.items.len() {
            let item = dict.items.get(at);
            let ends_run = item.is_none_or(|item| item.key.is_none());
            if ends_run && run > 0 {
                self.dict_run(&dict.items[at - run..at], loc)?;
                if have_dict {
                    self.op_arg(Opcode::DICT_UPDATE, 1, loc);
                }
                have_dict = true;
                run = 0;
            }
            match item {
                Some(item) if item.key.is_none() => {
                    if !have_dict {
                        self.op_arg(Opcode::BUILD_MAP, 0, loc);
                        have_dict = true;
                    }
                    self.expr(&item.value)?;
                    self.op_arg(Opcode::DICT_UPDATE, 1, loc);
                }
                Some(_) => run += 1,
                None => {}
            }
        }
        if !have_dict {
            self.op_arg(Opcode::BUILD_MAP, 0, loc);
        }
        Ok(())
    }

    fn dict_run(&mut self, items: &'a [ast::DictItem], loc: Loc) -> Res {
        let big = items.len() * 2 > STACK_USE_GUIDELINE;
        if big {
            self.op_arg(Opcode::BUILD_MAP, 0, loc);
        }
        for item in items {
            if let Some(key) = &item.key {
                self.expr(key)?;
            }
            self.expr(&item.value)?;
            if big {
                self.op_arg(Opcode::MAP_ADD, 1, loc);
            }
        }
        if !big {
            self.op_arg(Opcode::BUILD_MAP, items.len() as u32, loc);
        }
        Ok(())
    }

    /// What a loop iterates over: a literal list or set nobody else sees can be a tuple or frozenset.
    pub(crate) fn iterable(&mut self, expr: &'a Expr) -> Res {
        let loc = self.loc(expr);
        match expr {
            Expr::List(list)
                if !list.elts.iter().any(Expr::is_starred_expr)
                    && (list.elts.len() <= STACK_USE_GUIDELINE || all_constant(&list.elts)) =>
            {
                self.exprs(&list.elts)?;
                self.build_tuple(list.elts.len(), loc);
                Ok(())
            }
            Expr::Set(set) if all_constant(&set.elts) => {
                self.exprs(&set.elts)?;
                match self.last_constants(set.elts.len()) {
                    Some(values) => {
                        self.drop_instrs(values.len());
                        self.constant(Const::FrozenSet(distinct(values)), loc);
                    }
                    None => self.op_arg(Opcode::BUILD_SET, set.elts.len() as u32, loc),
                }
                Ok(())
            }
            _ => self.expr(expr),
        }
    }
}

fn distinct(values: Vec<Const>) -> Vec<Const> {
    let mut kept: Vec<Const> = Vec::with_capacity(values.len());
    let mut seen = crate::consts::Consts::default();
    for value in values {
        let before = seen.len();
        seen.add(value.clone());
        if seen.len() > before {
            kept.push(value);
        }
    }
    kept
}

/// Whether each item is a literal, or made of literals by signs and tuples.
pub(crate) fn all_constant(items: &[Expr]) -> bool {
    items.iter().all(is_constant)
}

fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::UnaryOp(op) => op.op != ast::UnaryOp::Not && op.operand.is_number_literal_expr(),
        Expr::Tuple(tuple) => all_constant(&tuple.elts),
        _ => expr.is_literal_expr(),
    }
}
