//! From the parser's tree to nodes: expressions.

use typhon_compile::ast::{self as tree, ConversionFlag, Expr, InterpolatedStringElement as Element};
use typhon_compile::{PyStrBuf, Ranged, TextRange, TextSize};
use typhon_core::{Owned, PyResult, Thread};

use super::build::{Builder, Class, operator};

/// A part of an f- or t-string.
enum Piece {
    /// Joined with neighbours.
    Text(PyStrBuf, TextRange),
    Node(Owned),
}

impl Builder<'_> {
    pub fn exprs(&self, items: &[Expr], th: &mut Thread) -> PyResult {
        self.list(items, th, |b, e, th| b.expr(e, th))
    }

    pub fn opt(&self, e: Option<&Expr>, th: &mut Thread) -> PyResult {
        e.map_or_else(|| Ok(Owned::none()), |e| self.expr(e, th))
    }

    fn context(&self, ctx: tree::ExprContext) -> Owned {
        self.one(match ctx {
            tree::ExprContext::Store => Class::Store,
            tree::ExprContext::Del => Class::Del,
            _ => Class::Load,
        })
    }

    pub fn constant(&self, range: TextRange, value: Owned, kind: Owned, th: &mut Thread) -> PyResult {
        self.node(Class::Constant, range, vec![("value", value), ("kind", kind)], th)
    }

    pub fn expr(&self, e: &Expr, th: &mut Thread) -> PyResult {
        th.check_native_stack(" during ast construction")?;
        match e {
            Expr::BoolOp(e) => {
                let op = if e.op == tree::BoolOp::And { Class::And } else { Class::Or };
                let fields = vec![("op", self.one(op)), ("values", self.exprs(&e.values, th)?)];
                self.node(Class::BoolOp, e.range, fields, th)
            }
            Expr::Named(e) => {
                let fields = vec![("target", self.expr(&e.target, th)?), ("value", self.expr(&e.value, th)?)];
                self.node(Class::NamedExpr, e.range, fields, th)
            }
            Expr::BinOp(e) => {
                let fields = vec![
                    ("left", self.expr(&e.left, th)?),
                    ("op", self.one(operator(e.op))),
                    ("right", self.expr(&e.right, th)?),
                ];
                self.node(Class::BinOp, e.range, fields, th)
            }
            Expr::UnaryOp(e) => {
                let op = match e.op {
                    tree::UnaryOp::Invert => Class::Invert,
                    tree::UnaryOp::Not => Class::Not,
                    tree::UnaryOp::UAdd => Class::UAdd,
                    tree::UnaryOp::USub => Class::USub,
                };
                let fields = vec![("op", self.one(op)), ("operand", self.expr(&e.operand, th)?)];
                self.node(Class::UnaryOp, e.range, fields, th)
            }
            Expr::Lambda(e) => {
                let fields = vec![
                    ("args", self.arguments(e.parameters.as_deref(), th)?),
                    ("body", self.expr(&e.body, th)?),
                ];
                self.node(Class::Lambda, e.range, fields, th)
            }
            Expr::If(e) => {
                let fields = vec![
                    ("test", self.expr(&e.test, th)?),
                    ("body", self.expr(&e.body, th)?),
                    ("orelse", self.expr(&e.orelse, th)?),
                ];
                self.node(Class::IfExp, e.range, fields, th)
            }
            Expr::Dict(e) => {
                let fields = vec![
                    ("keys", self.list(&e.items, th, |b, i, th| b.opt(i.key.as_ref(), th))?),
                    ("values", self.list(&e.items, th, |b, i, th| b.expr(&i.value, th))?),
                ];
                self.node(Class::Dict, e.range, fields, th)
            }
            Expr::Set(e) => {
                let fields = vec![("elts", self.exprs(&e.elts, th)?)];
                self.node(Class::Set, e.range, fields, th)
            }
            Expr::ListComp(e) => self.comprehension_of(Class::ListComp, e.range, &e.elt, &e.generators, th),
            Expr::SetComp(e) => self.comprehension_of(Class::SetComp, e.range, &e.elt, &e.generators, th),
            Expr::Generator(e) => {
                self.comprehension_of(Class::GeneratorExp, e.range, &e.elt, &e.generators, th)
            }
            Expr::DictComp(e) => {
                let fields = vec![
                    ("key", self.opt(e.key.as_deref(), th)?),
                    ("value", self.expr(&e.value, th)?),
                    ("generators", self.list(&e.generators, th, |b, c, th| b.comprehension(c, th))?),
                ];
                self.node(Class::DictComp, e.range, fields, th)
            }
            Expr::Await(e) => {
                let fields = vec![("value", self.expr(&e.value, th)?)];
                self.node(Class::Await, e.range, fields, th)
            }
            Expr::Yield(e) => {
                let fields = vec![("value", self.opt(e.value.as_deref(), th)?)];
                self.node(Class::Yield, e.range, fields, th)
            }
            Expr::YieldFrom(e) => {
                let fields = vec![("value", self.expr(&e.value, th)?)];
                self.node(Class::YieldFrom, e.range, fields, th)
            }
            Expr::Compare(e) => {
                let ops = e.ops.iter().map(|op| self.one(comparison(*op))).collect();
                let fields = vec![
                    ("left", self.expr(&e.left, th)?),
                    ("ops", th.new_list(ops)),
                    ("comparators", self.exprs(&e.comparators, th)?),
                ];
                self.node(Class::Compare, e.range, fields, th)
            }
            Expr::Call(e) => {
                let arguments = &e.arguments;
                let args = match &arguments.args[..] {
                    // A generator that shares the parentheses of the call has them in its range.
                    [Expr::Generator(g)] if !g.parenthesized && arguments.keywords.is_empty() => {
                        let node = self.comprehension_of(
                            Class::GeneratorExp,
                            arguments.range,
                            &g.elt,
                            &g.generators,
                            th,
                        )?;
                        th.new_list(vec![node])
                    }
                    args => self.exprs(args, th)?,
                };
                let fields = vec![
                    ("func", self.expr(&e.func, th)?),
                    ("args", args),
                    ("keywords", self.list(&arguments.keywords, th, |b, k, th| b.keyword(k, th))?),
                ];
                self.node(Class::Call, e.range(), fields, th)
            }
            Expr::FString(e) => self.f_string(e, th),
            Expr::TString(e) => {
                let mut pieces = Vec::new();
                for part in e.value.iter() {
                    let raw = part.flags.prefix().is_raw();
                    self.pieces(part.elements.iter(), raw, true, &mut pieces, th)?;
                }
                let fields = vec![("values", self.join(pieces, th)?)];
                self.node(Class::TemplateStr, e.range, fields, th)
            }
            Expr::StringLiteral(e) => {
                let mut buf = PyStrBuf::new();
                for part in e.value.iter() {
                    self.text(
                        part.content_range(),
                        part.flags.prefix().is_raw(),
                        false,
                        &part.value,
                        &mut buf,
                    );
                }
                let unicode = e.value.iter().next().is_some_and(|p| p.flags.prefix().is_unicode());
                let kind = if unicode { th.intern("u") } else { Owned::none() };
                let value = th.new_pystr(&buf.finish());
                self.constant(e.range, value, kind, th)
            }
            Expr::BytesLiteral(e) => {
                let bytes: Vec<u8> = e.value.bytes().collect();
                let value = th.new_bytes(&bytes);
                self.constant(e.range, value, Owned::none(), th)
            }
            Expr::NumberLiteral(e) => {
                let value = match &e.value {
                    tree::Number::Float(x) => th.new_float(*x),
                    tree::Number::Complex { real, imag } => th.new_complex(*real, *imag),
                    tree::Number::Int(n) => match n.as_i64() {
                        Some(n) => th.new_int(n),
                        None => {
                            let text = th.new_str(&self.source[e.range]);
                            let zero = th.new_int(0);
                            let int = crate::support::builtin(th, "int");
                            int.borrow().call(th, &[text.borrow(), zero.borrow()])?
                        }
                    },
                };
                self.constant(e.range, value, Owned::none(), th)
            }
            Expr::BooleanLiteral(e) => self.constant(e.range, Owned::bool(e.value), Owned::none(), th),
            Expr::NoneLiteral(e) => self.constant(e.range, Owned::none(), Owned::none(), th),
            Expr::EllipsisLiteral(e) => {
                let value = crate::support::builtin(th, "Ellipsis");
                self.constant(e.range, value, Owned::none(), th)
            }
            Expr::Attribute(e) => {
                let fields = vec![
                    ("value", self.expr(&e.value, th)?),
                    ("attr", self.ident(e.attr.id.as_str(), th)),
                    ("ctx", self.context(e.ctx)),
                ];
                self.node(Class::Attribute, e.range, fields, th)
            }
            Expr::Subscript(e) => {
                let fields = vec![
                    ("value", self.expr(&e.value, th)?),
                    ("slice", self.expr(&e.slice, th)?),
                    ("ctx", self.context(e.ctx)),
                ];
                self.node(Class::Subscript, e.range, fields, th)
            }
            Expr::Starred(e) => {
                let fields = vec![("value", self.expr(&e.value, th)?), ("ctx", self.context(e.ctx))];
                self.node(Class::Starred, e.range, fields, th)
            }
            Expr::Name(e) => {
                let fields = vec![("id", self.ident(e.id.as_str(), th)), ("ctx", self.context(e.ctx))];
                self.node(Class::Name, e.range, fields, th)
            }
            Expr::List(e) => {
                let fields = vec![("elts", self.exprs(&e.elts, th)?), ("ctx", self.context(e.ctx))];
                self.node(Class::List, e.range, fields, th)
            }
            Expr::Tuple(e) => {
                let fields = vec![("elts", self.exprs(&e.elts, th)?), ("ctx", self.context(e.ctx))];
                self.node(Class::Tuple, e.range, fields, th)
            }
            Expr::Slice(e) => {
                let fields = vec![
                    ("lower", self.opt(e.lower.as_deref(), th)?),
                    ("upper", self.opt(e.upper.as_deref(), th)?),
                    ("step", self.opt(e.step.as_deref(), th)?),
                ];
                self.node(Class::Slice, e.range, fields, th)
            }
            Expr::IpyEscapeCommand(_) => {
                Err(th.raise(&typhon_core::builtins::exceptions::SYNTAX_ERROR, "invalid syntax"))
            }
        }
    }

    fn comprehension_of(
        &self,
        class: Class,
        range: TextRange,
        elt: &Expr,
        generators: &[tree::Comprehension],
        th: &mut Thread,
    ) -> PyResult {
        let fields = vec![
            ("elt", self.expr(elt, th)?),
            ("generators", self.list(generators, th, |b, c, th| b.comprehension(c, th))?),
        ];
        self.node(class, range, fields, th)
    }

    /// Adds the value of literal text to `buf`. The parser cannot represent lone surrogates: texts with
    /// escapes are decoded anew.
    fn text(&self, range: TextRange, raw: bool, braces: bool, value: &str, buf: &mut PyStrBuf) {
        let contents = &self.source[range];
        if !raw
            && contents.contains('\\')
            && let Some(text) = typhon_compile::decode_text(contents, braces)
        {
            buf.push(&text);
        } else {
            buf.push_str(value);
        }
    }

    fn f_string(&self, e: &tree::ExprFString, th: &mut Thread) -> PyResult {
        let mut pieces = Vec::new();
        for part in e.value.iter() {
            match part {
                tree::FStringPart::Literal(s) => {
                    let mut buf = PyStrBuf::new();
                    self.text(s.content_range(), s.flags.prefix().is_raw(), false, &s.value, &mut buf);
                    push_text(&mut pieces, buf, s.range);
                }
                tree::FStringPart::FString(s) => {
                    self.pieces(s.elements.iter(), s.flags.prefix().is_raw(), false, &mut pieces, th)?;
                }
            }
        }
        let fields = vec![("values", self.join(pieces, th)?)];
        self.node(Class::JoinedStr, e.range, fields, th)
    }

    fn join(&self, pieces: Vec<Piece>, th: &mut Thread) -> PyResult {
        let mut values = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Text(buf, _) if buf.is_empty() => {}
                Piece::Text(buf, range) => {
                    let value = th.new_pystr(&buf.finish());
                    values.push(self.constant(range, value, Owned::none(), th)?);
                }
                Piece::Node(node) => values.push(node),
            }
        }
        Ok(th.new_list(values))
    }

    fn pieces<'e>(
        &self,
        elements: impl Iterator<Item = &'e Element>,
        raw: bool,
        template: bool,
        pieces: &mut Vec<Piece>,
        th: &mut Thread,
    ) -> PyResult<()> {
        for element in elements {
            match element {
                Element::Literal(literal) => {
                    let mut buf = PyStrBuf::new();
                    self.text(literal.range, raw, true, &literal.value, &mut buf);
                    push_text(pieces, buf, literal.range);
                }
                Element::Interpolation(value) => {
                    if let Some(debug) = &value.debug_text {
                        let mut buf = PyStrBuf::new();
                        buf.push_str(debug.as_str());
                        let start = value.range.start() + TextSize::new(1);
                        let range = TextRange::new(start, start + TextSize::of(debug.as_str()));
                        push_text(pieces, buf, range);
                    }
                    let node = self.interpolation(value, raw, template, th)?;
                    pieces.push(Piece::Node(node));
                }
            }
        }
        Ok(())
    }

    fn interpolation(
        &self,
        e: &tree::InterpolatedElement,
        raw: bool,
        template: bool,
        th: &mut Thread,
    ) -> PyResult {
        let conversion = match e.conversion {
            ConversionFlag::None if e.debug_text.is_some() && e.format_spec.is_none() => i64::from(b'r'),
            other => other.to_byte().map_or(-1, i64::from),
        };
        let spec = match &e.format_spec {
            None => Owned::none(),
            Some(spec) => {
                let mut pieces = Vec::new();
                self.pieces(spec.elements.iter(), raw, false, &mut pieces, th)?;
                let fields = vec![("values", self.join(pieces, th)?)];
                // The colon belongs to it.
                let start = spec.range.start() - TextSize::new(1);
                self.node(Class::JoinedStr, TextRange::new(start, spec.range.end()), fields, th)?
            }
        };
        let mut fields = vec![("value", self.expr(&e.expression, th)?)];
        if template {
            // The text as written, up to what follows the expression.
            let start = e.range.start().to_usize() + 1;
            let mut end = e.expression.range().end().to_usize();
            let closers = self.source[end..e.range.end().to_usize()].bytes();
            let mut seen = end;
            for b in closers {
                seen += 1;
                match b {
                    b')' => end = seen,
                    b' ' | b'\t' | b'\n' | b'\x0c' | b',' => {}
                    _ => break,
                }
            }
            let text = self.source[start..end].trim();
            fields.push(("str", th.new_str(text)));
        }
        fields.push(("conversion", th.new_int(conversion)));
        fields.push(("format_spec", spec));
        let class = if template { Class::Interpolation } else { Class::FormattedValue };
        self.node(class, e.range, fields, th)
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: PyStrBuf, range: TextRange) {
    if let Some(Piece::Text(last, whole)) = pieces.last_mut() {
        last.push(&text.finish());
        *whole = TextRange::new(whole.start(), range.end().max(whole.start()));
    } else if !text.is_empty() {
        pieces.push(Piece::Text(text, range));
    }
}

fn comparison(op: tree::CmpOp) -> Class {
    use tree::CmpOp as O;
    match op {
        O::Eq => Class::Eq,
        O::NotEq => Class::NotEq,
        O::Lt => Class::Lt,
        O::LtE => Class::LtE,
        O::Gt => Class::Gt,
        O::GtE => Class::GtE,
        O::Is => Class::Is,
        O::IsNot => Class::IsNot,
        O::In => Class::In,
        O::NotIn => Class::NotIn,
    }
}
