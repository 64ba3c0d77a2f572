//! Names of expressions in messages about what cannot be assigned to.

use ruff_python_ast::{
    self as ast, Expr, ExprContext,
    token::TokenKind,
    visitor::{Visitor, walk_expr},
};
use ruff_text_size::{Ranged, TextRange};

use super::Source;
use crate::{fail::Fail, symtable::grow};

/// What CPython calls an expression.
pub(super) fn expression_name(expr: &Expr) -> &'static str {
    match expr {
        Expr::BoolOp(_) | Expr::BinOp(_) | Expr::UnaryOp(_) => "expression",
        Expr::Named(_) => "named expression",
        Expr::Lambda(_) => "lambda",
        Expr::If(_) => "conditional expression",
        Expr::Dict(_) => "dict literal",
        Expr::Set(_) => "set display",
        Expr::ListComp(_) => "list comprehension",
        Expr::SetComp(_) => "set comprehension",
        Expr::DictComp(_) => "dict comprehension",
        Expr::Generator(_) => "generator expression",
        Expr::Await(_) => "await expression",
        Expr::Yield(_) | Expr::YieldFrom(_) => "yield expression",
        Expr::Compare(_) => "comparison",
        Expr::Call(_) => "function call",
        Expr::FString(_) => "f-string expression",
        Expr::TString(_) => "t-string expression",
        Expr::StringLiteral(_) | Expr::BytesLiteral(_) | Expr::NumberLiteral(_) => "literal",
        Expr::BooleanLiteral(literal) => {
            if literal.value {
                "True"
            } else {
                "False"
            }
        }
        Expr::NoneLiteral(_) => "None",
        Expr::EllipsisLiteral(_) => "ellipsis",
        Expr::Attribute(_) => "attribute",
        Expr::Subscript(_) => "subscript",
        Expr::Starred(_) => "starred",
        Expr::Name(_) => "name",
        Expr::List(_) => "list",
        Expr::Tuple(_) => "tuple",
        Expr::Slice(_) | Expr::IpyEscapeCommand(_) => "expression",
    }
}

struct Finder<'a> {
    range: TextRange,
    found: Option<&'a Expr>,
}

impl<'a> Visitor<'a> for Finder<'a> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        if self.found.is_some() || !expr.range().contains_range(self.range) {
            return;
        }
        if expr.range() == self.range {
            self.found = Some(expr);
            return;
        }
        grow(|| walk_expr(self, expr));
    }

    fn visit_stmt(&mut self, stmt: &'a ast::Stmt) {
        if self.found.is_none() && stmt.range().contains_range(self.range) {
            grow(|| ast::visitor::walk_stmt(self, stmt));
        }
    }
}

/// The expression with exactly this range.
pub(super) fn find(tree: &ast::Mod, range: TextRange) -> Option<&Expr> {
    let mut finder = Finder { range, found: None };
    match tree {
        ast::Mod::Module(module) => module.body.iter().for_each(|stmt| finder.visit_stmt(stmt)),
        ast::Mod::Expression(expression) => finder.visit_expr(&expression.body),
    }
    finder.found
}

/// The part of a target that makes it invalid.
fn culprit(expr: &Expr, del: bool) -> Option<&Expr> {
    match expr {
        Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => {
            elts.iter().find_map(|item| grow(|| culprit(item, del)))
        }
        Expr::Starred(starred) if !del => culprit(&starred.value, del),
        Expr::Name(name) if name.ctx != ExprContext::Invalid || !name.id.is_empty() => None,
        Expr::Attribute(_) | Expr::Subscript(_) | Expr::Name(_) => None,
        other => Some(other),
    }
}

/// "cannot assign to ...".
pub(super) fn assignment(source: &Source<'_>, range: TextRange) -> Fail {
    let Some(whole) = find(source.tree, range) else { return Fail::new("invalid syntax", &range) };
    let expr = culprit(whole, false).unwrap_or(whole);
    let name = expression_name(expr);
    let (from, behind) = (source.token_from(expr.start()), source.token_from(expr.end()));
    if (expr.is_yield_expr() || expr.is_yield_from_expr())
        && !matches!(source.kind_before(from), TokenKind::Lpar)
    {
        return Fail::new("assignment to yield expression not possible", expr);
    }
    if could_be_comparison(source, expr, from, behind) {
        let msg = format!("cannot assign to {name} here. Maybe you meant '==' instead of '='?");
        return Fail::new(msg, expr);
    }
    Fail::new(format!("cannot assign to {name}"), expr)
}

/// Whether the target is at the start of its statement, followed by `=` and one simple value.
fn could_be_comparison(source: &Source<'_>, expr: &Expr, from: usize, behind: usize) -> bool {
    let fits = !matches!(
        expr,
        Expr::List(_)
            | Expr::Tuple(_)
            | Expr::Generator(_)
            | Expr::BooleanLiteral(_)
            | Expr::NoneLiteral(_)
            | Expr::Compare(_)
            | Expr::BoolOp(_)
            | Expr::Lambda(_)
            | Expr::If(_)
    ) && !matches!(expr, Expr::UnaryOp(op) if op.op == ast::UnaryOp::Not);
    if !fits {
        return false;
    }
    // Parentheses around the target alone do not matter.
    let (mut from, mut behind) = (from, behind);
    while source.kind_before(from) == TokenKind::Lpar && source.kind(behind) == TokenKind::Rpar {
        (from, behind) = (from - 1, behind + 1);
    }
    if source.kind(behind) != TokenKind::Equal {
        return false;
    }
    let mut depth = 0_i32;
    for at in (0..from).rev() {
        match source.kind(at) {
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => depth += 1,
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace if depth == 0 => return false,
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => depth -= 1,
            TokenKind::Equal if depth == 0 => return false,
            TokenKind::Newline | TokenKind::Semi | TokenKind::Colon | TokenKind::Indent if depth == 0 => {
                break;
            }
            _ => {}
        }
    }
    for at in behind + 1..source.tokens.len() {
        match source.kind(at) {
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => depth += 1,
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => depth -= 1,
            TokenKind::Equal if depth == 0 => return false,
            TokenKind::Newline | TokenKind::Semi if depth == 0 => break,
            _ => {}
        }
    }
    true
}

/// "cannot delete ...".
pub(super) fn deletion(source: &Source<'_>, range: TextRange) -> Fail {
    let Some(whole) = find(source.tree, range) else { return Fail::new("invalid syntax", &range) };
    let expr = culprit(whole, true).unwrap_or(whole);
    Fail::new(format!("cannot delete {}", expression_name(expr)), expr)
}

/// Targets of `+=`, `:=` and annotations, by the name of the expression.
pub(super) fn named(source: &Source<'_>, range: TextRange, msg: impl Fn(&str) -> String) -> Fail {
    match find(source.tree, range) {
        Some(expr) => Fail::new(msg(expression_name(expr)), &range),
        None => Fail::new("invalid syntax", &range),
    }
}
