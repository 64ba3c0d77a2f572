//! Source text of an expression in normal form, as `from __future__ import annotations` stores it (PEP 563).

use ruff_python_ast::{self as ast, Expr, InterpolatedStringElement as Element};
use ruff_text_size::Ranged;

/// Binding strength, weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Tuple,
    Test,
    Or,
    And,
    Not,
    Compare,
    BitOr,
    BitXor,
    BitAnd,
    Shift,
    Sum,
    Term,
    Factor,
    Power,
    Await,
    Atom,
}

/// The text of an annotation.
pub(crate) fn annotation(expr: &Expr, source: &str) -> String {
    let mut writer = Writer { out: String::new(), source };
    writer.expr(expr, Level::Test);
    writer.out
}

struct Writer<'a> {
    out: String,
    source: &'a str,
}

fn operator(op: ast::Operator) -> (&'static str, Level) {
    use ast::Operator as O;
    match op {
        O::Add => (" + ", Level::Sum),
        O::Sub => (" - ", Level::Sum),
        O::Mult => (" * ", Level::Term),
        O::MatMult => (" @ ", Level::Term),
        O::Div => (" / ", Level::Term),
        O::Mod => (" % ", Level::Term),
        O::FloorDiv => (" // ", Level::Term),
        O::Pow => (" ** ", Level::Power),
        O::LShift => (" << ", Level::Shift),
        O::RShift => (" >> ", Level::Shift),
        O::BitOr => (" | ", Level::BitOr),
        O::BitXor => (" ^ ", Level::BitXor),
        O::BitAnd => (" & ", Level::BitAnd),
    }
}

fn next(level: Level) -> Level {
    use Level as L;
    const ORDER: [Level; 16] = [
        L::Tuple,
        L::Test,
        L::Or,
        L::And,
        L::Not,
        L::Compare,
        L::BitOr,
        L::BitXor,
        L::BitAnd,
        L::Shift,
        L::Sum,
        L::Term,
        L::Factor,
        L::Power,
        L::Await,
        L::Atom,
    ];
    ORDER[(level as usize + 1).min(ORDER.len() - 1)]
}

impl Writer<'_> {
    fn text(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn parenthesized(&mut self, needed: bool, f: impl FnOnce(&mut Self)) {
        if needed {
            self.text("(");
        }
        f(self);
        if needed {
            self.text(")");
        }
    }

    fn list(&mut self, items: &[Expr]) {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.text(", ");
            }
            self.expr(item, Level::Test);
        }
    }

    fn expr(&mut self, expr: &Expr, level: Level) {
        crate::symtable::grow(|| self.expr_inner(expr, level));
    }

    fn expr_inner(&mut self, expr: &Expr, level: Level) {
        match expr {
            Expr::BoolOp(op) => {
                let (word, own) = match op.op {
                    ast::BoolOp::And => (" and ", Level::And),
                    ast::BoolOp::Or => (" or ", Level::Or),
                };
                self.parenthesized(level > own, |w| {
                    for (at, value) in op.values.iter().enumerate() {
                        if at > 0 {
                            w.text(word);
                        }
                        w.expr(value, next(own));
                    }
                });
            }
            Expr::Named(named) => self.parenthesized(level > Level::Tuple, |w| {
                w.expr(&named.target, Level::Atom);
                w.text(" := ");
                w.expr(&named.value, Level::Atom);
            }),
            Expr::BinOp(op) => {
                let (word, own) = operator(op.op);
                let power = op.op == ast::Operator::Pow;
                self.parenthesized(level > own, |w| {
                    w.expr(&op.left, if power { next(own) } else { own });
                    w.text(word);
                    w.expr(&op.right, if power { own } else { next(own) });
                });
            }
            Expr::UnaryOp(op) => {
                let (word, own) = match op.op {
                    ast::UnaryOp::Not => ("not ", Level::Not),
                    ast::UnaryOp::Invert => ("~", Level::Factor),
                    ast::UnaryOp::UAdd => ("+", Level::Factor),
                    ast::UnaryOp::USub => ("-", Level::Factor),
                };
                self.parenthesized(level > own, |w| {
                    w.text(word);
                    w.expr(&op.operand, own);
                });
            }
            Expr::Lambda(lambda) => self.parenthesized(level > Level::Test, |w| w.lambda(lambda)),
            Expr::If(cond) => self.parenthesized(level > Level::Test, |w| {
                w.expr(&cond.body, next(Level::Test));
                w.text(" if ");
                w.expr(&cond.test, next(Level::Test));
                w.text(" else ");
                w.expr(&cond.orelse, Level::Test);
            }),
            Expr::Dict(dict) => {
                self.text("{");
                for (at, item) in dict.items.iter().enumerate() {
                    if at > 0 {
                        self.text(", ");
                    }
                    match &item.key {
                        Some(key) => {
                            self.expr(key, Level::Test);
                            self.text(": ");
                            self.expr(&item.value, Level::Test);
                        }
                        None => {
                            self.text("**");
                            self.expr(&item.value, Level::BitOr);
                        }
                    }
                }
                self.text("}");
            }
            Expr::Set(set) => {
                self.text("{");
                self.list(&set.elts);
                self.text("}");
            }
            Expr::ListComp(comp) => self.comprehension("[", &comp.elt, None, &comp.generators, "]"),
            Expr::SetComp(comp) => self.comprehension("{", &comp.elt, None, &comp.generators, "}"),
            Expr::DictComp(comp) => {
                let key = comp.key.as_deref().unwrap_or(&comp.value);
                self.comprehension("{", key, Some(&comp.value), &comp.generators, "}");
            }
            Expr::Generator(comp) => self.comprehension("(", &comp.elt, None, &comp.generators, ")"),
            Expr::Await(node) => self.parenthesized(level > Level::Await, |w| {
                w.text("await ");
                w.expr(&node.value, Level::Atom);
            }),
            Expr::Yield(_) | Expr::YieldFrom(_) | Expr::IpyEscapeCommand(_) => {
                let source = &self.source[expr.range()];
                self.out.push_str(source);
            }
            Expr::Compare(compare) => self.parenthesized(level > Level::Compare, |w| {
                w.expr(&compare.left, next(Level::Compare));
                for (op, right) in compare.ops.iter().zip(&compare.comparators) {
                    w.text(" ");
                    w.text(op.as_str());
                    w.text(" ");
                    w.expr(right, next(Level::Compare));
                }
            }),
            Expr::Call(call) => {
                self.expr(&call.func, Level::Atom);
                if let ([Expr::Generator(only)], []) = (&*call.arguments.args, &*call.arguments.keywords) {
                    return self.comprehension("(", &only.elt, None, &only.generators, ")");
                }
                self.text("(");
                self.list(&call.arguments.args);
                for (at, keyword) in call.arguments.keywords.iter().enumerate() {
                    if at > 0 || !call.arguments.args.is_empty() {
                        self.text(", ");
                    }
                    match &keyword.arg {
                        Some(name) => {
                            self.text(&name.id);
                            self.text("=");
                        }
                        None => self.text("**"),
                    }
                    self.expr(&keyword.value, Level::Test);
                }
                self.text(")");
            }
            Expr::FString(string) => self.interpolated("f", string.value.elements(), expr),
            Expr::TString(string) => self.interpolated("t", string.value.elements(), expr),
            Expr::StringLiteral(literal) => {
                let text = literal.value.to_str().to_owned();
                self.quoted(&text);
            }
            Expr::BytesLiteral(_) | Expr::NumberLiteral(_) => {
                let source = &self.source[expr.range()];
                self.out.push_str(source);
            }
            Expr::BooleanLiteral(literal) => self.text(if literal.value { "True" } else { "False" }),
            Expr::NoneLiteral(_) => self.text("None"),
            Expr::EllipsisLiteral(_) => self.text("..."),
            Expr::Attribute(attribute) => {
                self.expr(&attribute.value, Level::Atom);
                // `1 .real`, not `1.real`.
                if matches!(&*attribute.value, Expr::NumberLiteral(n) if matches!(n.value, ast::Number::Int(_)))
                {
                    self.text(" ");
                }
                self.text(".");
                self.text(&attribute.attr.id);
            }
            Expr::Subscript(subscript) => {
                self.expr(&subscript.value, Level::Atom);
                self.text("[");
                match &*subscript.slice {
                    Expr::Tuple(tuple) if !tuple.elts.is_empty() => {
                        self.list(&tuple.elts);
                        if tuple.elts.len() == 1 {
                            self.text(",");
                        }
                    }
                    slice => self.expr(slice, Level::Tuple),
                }
                self.text("]");
            }
            Expr::Starred(starred) => {
                self.text("*");
                self.expr(&starred.value, Level::BitOr);
            }
            Expr::Name(name) => self.text(&name.id),
            Expr::List(list) => {
                self.text("[");
                self.list(&list.elts);
                self.text("]");
            }
            Expr::Tuple(tuple) => {
                self.parenthesized(level > Level::Tuple || tuple.elts.is_empty(), |w| {
                    w.list(&tuple.elts);
                    if tuple.elts.len() == 1 {
                        w.text(",");
                    }
                });
            }
            Expr::Slice(slice) => {
                if let Some(lower) = &slice.lower {
                    self.expr(lower, Level::Test);
                }
                self.text(":");
                if let Some(upper) = &slice.upper {
                    self.expr(upper, Level::Test);
                }
                if let Some(step) = &slice.step {
                    self.text(":");
                    self.expr(step, Level::Test);
                }
            }
        }
    }

    fn quoted(&mut self, text: &str) {
        let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
        self.out.push(quote);
        for c in text.chars() {
            match c {
                '\\' => self.text("\\\\"),
                '\n' => self.text("\\n"),
                '\r' => self.text("\\r"),
                '\t' => self.text("\\t"),
                c if c == quote => {
                    self.text("\\");
                    self.out.push(c);
                }
                c if (c as u32) < 0x20 || c as u32 == 0x7F => {
                    let escape = format!("\\x{:02x}", c as u32);
                    self.text(&escape);
                }
                c => self.out.push(c),
            }
        }
        self.out.push(quote);
    }

    /// An f- or t-string as it stands in the source: its parts have no other normal form that reads the same.
    fn interpolated<'e>(
        &mut self,
        prefix: &str,
        mut elements: impl Iterator<Item = &'e Element>,
        expr: &Expr,
    ) {
        match elements.next() {
            None => {
                self.text(prefix);
                self.text("''");
            }
            Some(_) => {
                let source = &self.source[expr.range()];
                self.out.push_str(source);
            }
        }
    }

    fn comprehension(
        &mut self,
        open: &str,
        element: &Expr,
        value: Option<&Expr>,
        generators: &[ast::Comprehension],
        close: &str,
    ) {
        self.text(open);
        self.expr(element, Level::Test);
        if let Some(value) = value {
            self.text(": ");
            self.expr(value, Level::Test);
        }
        for generator in generators {
            self.text(if generator.is_async { " async for " } else { " for " });
            self.expr(&generator.target, Level::Tuple);
            self.text(" in ");
            self.expr(&generator.iter, next(Level::Test));
            for condition in &generator.ifs {
                self.text(" if ");
                self.expr(condition, next(Level::Test));
            }
        }
        self.text(close);
    }

    fn lambda(&mut self, lambda: &ast::ExprLambda) {
        self.text("lambda");
        if let Some(parameters) = &lambda.parameters {
            self.text(" ");
            self.parameters(parameters);
        }
        self.text(": ");
        self.expr(&lambda.body, Level::Test);
    }

    fn parameters(&mut self, parameters: &ast::Parameters) {
        let mut first = true;
        let mut separate = |w: &mut Self| {
            if !first {
                w.text(", ");
            }
            first = false;
        };
        let plain = |w: &mut Self, parameter: &ast::ParameterWithDefault| {
            w.text(&parameter.parameter.name.id);
            if let Some(default) = &parameter.default {
                w.text("=");
                w.expr(default, Level::Test);
            }
        };
        for parameter in &parameters.posonlyargs {
            separate(self);
            plain(self, parameter);
        }
        if !parameters.posonlyargs.is_empty() {
            separate(self);
            self.text("/");
        }
        for parameter in &parameters.args {
            separate(self);
            plain(self, parameter);
        }
        if let Some(vararg) = &parameters.vararg {
            separate(self);
            self.text("*");
            self.text(&vararg.name.id);
        } else if !parameters.kwonlyargs.is_empty() {
            separate(self);
            self.text("*");
        }
        for parameter in &parameters.kwonlyargs {
            separate(self);
            plain(self, parameter);
        }
        if let Some(kwarg) = &parameters.kwarg {
            separate(self);
            self.text("**");
            self.text(&kwarg.name.id);
        }
    }
}
