//! Warnings about code that is legal and surely wrong.

use ruff_python_ast::{self as ast, CmpOp, Expr};

use super::Compiler;

/// Type of a literal, for the message.
fn literal_type(expr: &Expr) -> Option<&'static str> {
    Some(match expr {
        Expr::StringLiteral(_) | Expr::FString(_) => "str",
        Expr::TString(_) => "string.templatelib.Template",
        Expr::BytesLiteral(_) => "bytes",
        Expr::NumberLiteral(number) => match number.value {
            ast::Number::Int(_) => "int",
            ast::Number::Float(_) => "float",
            ast::Number::Complex { .. } => "complex",
        },
        Expr::BooleanLiteral(_) => "bool",
        Expr::NoneLiteral(_) => "NoneType",
        Expr::EllipsisLiteral(_) => "ellipsis",
        Expr::Tuple(_) => "tuple",
        Expr::List(_) | Expr::ListComp(_) => "list",
        Expr::Dict(_) | Expr::DictComp(_) => "dict",
        Expr::Set(_) | Expr::SetComp(_) => "set",
        Expr::Generator(_) => "generator",
        Expr::Lambda(_) => "function",
        _ => return None,
    })
}

impl Compiler<'_> {
    pub(crate) fn check_callable(&mut self, func: &Expr) {
        let Some(name) = literal_type(func).filter(|_| !func.is_lambda_expr()) else { return };
        let line = self.loc(func).line;
        self.warn(format!("'{name}' object is not callable; perhaps you missed a comma?"), line);
    }

    pub(crate) fn check_subscriptable(&mut self, value: &Expr, index: &Expr) {
        let line = self.loc(value).line;
        let unsubscriptable = matches!(
            value,
            Expr::NoneLiteral(_)
                | Expr::BooleanLiteral(_)
                | Expr::EllipsisLiteral(_)
                | Expr::NumberLiteral(_)
                | Expr::Set(_)
                | Expr::SetComp(_)
                | Expr::Generator(_)
                | Expr::TString(_)
                | Expr::Lambda(_)
        );
        if unsubscriptable {
            let name = literal_type(value).unwrap_or_default();
            self.warn(format!("'{name}' object is not subscriptable; perhaps you missed a comma?"), line);
            return;
        }
        let sequence = matches!(
            value,
            Expr::Tuple(_)
                | Expr::List(_)
                | Expr::ListComp(_)
                | Expr::StringLiteral(_)
                | Expr::FString(_)
                | Expr::BytesLiteral(_)
        );
        let good = matches!(literal_type(index), None | Some("int" | "bool"));
        if sequence && !good {
            let (of, index) =
                (literal_type(value).unwrap_or_default(), literal_type(index).unwrap_or_default());
            let msg =
                format!("{of} indices must be integers or slices, not {index}; perhaps you missed a comma?");
            self.warn(msg, line);
        }
    }

    /// `is` with a literal.
    pub(crate) fn check_identity(&mut self, compare: &ast::ExprCompare) {
        let literal = |expr: &Expr| match expr {
            Expr::StringLiteral(_) | Expr::BytesLiteral(_) | Expr::NumberLiteral(_) | Expr::Tuple(_) => {
                literal_type(expr)
            }
            _ => None,
        };
        let mut left = &*compare.left;
        for (op, right) in compare.ops.iter().zip(&compare.comparators) {
            if let (CmpOp::Is | CmpOp::IsNot, Some(name)) = (op, literal(right).or_else(|| literal(left))) {
                let constant =
                    |e: &Expr| !matches!(e, Expr::Tuple(t) if !super::literal::all_constant(&t.elts));
                if constant(right) && constant(left) {
                    let (word, meant) = if *op == CmpOp::Is { ("is", "==") } else { ("is not", "!=") };
                    let line = self.loc(compare).line;
                    self.warn(format!("\"{word}\" with '{name}' literal. Did you mean \"{meant}\"?"), line);
                    return;
                }
            }
            left = right;
        }
    }
}
