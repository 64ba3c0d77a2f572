//! "invalid syntax", with a better word where the tokens suggest one.

use ruff_python_ast::token::TokenKind as T;
use ruff_text_size::{Ranged, TextRange};

use super::Source;
use crate::fail::Fail;

/// The error that the grammar cannot go on at the token `at`.
pub(super) fn invalid(source: &Source<'_>, at: usize) -> Fail {
    let fail = legacy_statement(source, at)
        .or_else(|| not_equal(source, at))
        .or_else(|| equal_sign(source, at))
        .or_else(|| import_from(source, at))
        .or_else(|| as_target(source, at))
        .or_else(|| missing_else(source, at))
        .or_else(|| missing_comma(source, at));
    let range = source.token_range(at);
    let incomplete = source.at_end(range.start());
    match fail {
        Some(fail) => Fail { incomplete, ..fail },
        None if source.kind(at) == T::Indent => super::indentation("unexpected indent", range, incomplete),
        None => Fail { incomplete, ..Fail::new("invalid syntax", &range) },
    }
}

/// First token of the statement around `at`.
pub(super) fn statement_start(source: &Source<'_>, at: usize) -> usize {
    let mut depth = 0_i32;
    for before in (0..at.min(source.tokens.len())).rev() {
        match source.kind(before) {
            T::Rpar | T::Rsqb | T::Rbrace => depth += 1,
            T::Lpar | T::Lsqb | T::Lbrace => depth -= 1,
            T::Newline | T::Indent | T::Dedent => return before + 1,
            T::Semi if depth == 0 => return before + 1,
            _ => {}
        }
    }
    0
}

fn opens(kind: T) -> bool {
    matches!(kind, T::Lpar | T::Lsqb | T::Lbrace)
}

fn closes(kind: T) -> bool {
    matches!(kind, T::Rpar | T::Rsqb | T::Rbrace)
}

/// The bracket around a token, if any.
pub(super) fn enclosing(source: &Source<'_>, at: usize) -> Option<usize> {
    let mut depth = 0;
    let start = (0..at).rev().find(|&before| {
        let kind = source.kind(before);
        if closes(kind) {
            depth += 1;
        } else if opens(kind) {
            if depth == 0 {
                return true;
            }
            depth -= 1;
        }
        matches!(kind, T::Newline | T::FStringStart | T::TStringStart) && depth == 0
    })?;
    opens(source.kind(start)).then_some(start)
}

/// Whether a token can be the last one of an expression.
fn ends_operand(kind: T) -> bool {
    closes(kind)
        || kind.is_soft_keyword()
        || matches!(
            kind,
            T::Name
                | T::Int
                | T::Float
                | T::Complex
                | T::String
                | T::FStringEnd
                | T::TStringEnd
                | T::Ellipsis
                | T::None
                | T::True
                | T::False
        )
}

/// Whether a token can be the first one of an expression, and not an operator behind one.
fn starts_operand(kind: T) -> bool {
    kind.is_soft_keyword()
        || matches!(
            kind,
            T::Name
                | T::Int
                | T::Float
                | T::Complex
                | T::String
                | T::FStringStart
                | T::TStringStart
                | T::Ellipsis
                | T::None
                | T::True
                | T::False
                | T::Lbrace
                | T::Lambda
                | T::Await
                | T::Tilde
                | T::Not
        )
}

/// Start of the expression that ends before the token `at`: behind the last separator on its level.
fn operand_start(source: &Source<'_>, at: usize) -> usize {
    let mut depth = 0;
    for before in (0..at).rev() {
        let kind = source.kind(before);
        if closes(kind) {
            depth += 1;
        } else if opens(kind) {
            if depth == 0 {
                return before + 1;
            }
            depth -= 1;
        } else if depth == 0 && separates(kind) {
            return before + 1;
        }
    }
    0
}

fn separates(kind: T) -> bool {
    matches!(
        kind,
        T::Comma
            | T::Colon
            | T::Equal
            | T::ColonEqual
            | T::Newline
            | T::Semi
            | T::If
            | T::Else
            | T::For
            | T::In
            | T::Lambda
            | T::Return
            | T::Assert
            | T::Raise
            | T::Del
            | T::Yield
            | T::From
            | T::Import
            | T::As
            | T::While
            | T::With
            | T::Elif
            | T::FStringStart
            | T::FStringMiddle
            | T::Indent
            | T::Dedent
    )
}

/// End of the expression that starts at the token `at`.
fn operand_end(source: &Source<'_>, at: usize) -> usize {
    let mut depth = 0;
    let mut end = at;
    for after in at..source.tokens.len() {
        let kind = source.kind(after);
        if opens(kind) {
            depth += 1;
        } else if closes(kind) {
            if depth == 0 {
                break;
            }
            depth -= 1;
        } else if depth == 0 {
            let adjacent = after > at && ends_operand(source.kind(after - 1)) && starts_operand(kind);
            if adjacent
                || after > at && separates(kind)
                || matches!(kind, T::Exclamation | T::FStringEnd) && after > at
            {
                break;
            }
        }
        end = after;
    }
    end
}

fn span(source: &Source<'_>, first: usize, last: usize) -> TextRange {
    match (source.tokens.get(first), source.tokens.get(last)) {
        (Some(first), Some(last)) => TextRange::new(first.start(), last.end().max(first.end())),
        _ => source.token_range(first),
    }
}

/// `print x`, `exec x`.
fn legacy_statement(source: &Source<'_>, at: usize) -> Option<Fail> {
    let before = at.checked_sub(1)?;
    let name = source.token_text(before);
    if !matches!(name, "print" | "exec") || source.kind(before) != T::Name || !starts_operand(source.kind(at))
    {
        return None;
    }
    let mut last = operand_end(source, at);
    while source.kind(last + 1) == T::Comma && starts_operand(source.kind(last + 2)) {
        last = operand_end(source, last + 2);
    }
    let msg = format!("Missing parentheses in call to '{name}'. Did you mean {name}(...)?");
    Some(Fail::new(msg, &span(source, before, last)))
}

fn not_equal(source: &Source<'_>, at: usize) -> Option<Fail> {
    let pair = |a: usize| source.kind(a) == T::Less && source.kind(a + 1) == T::Greater;
    let less = [at.checked_sub(1), Some(at)].into_iter().flatten().find(|&a| pair(a))?;
    let msg = "invalid syntax.  Maybe you meant '!=' instead of '<>'?";
    Some(Fail::new(msg, &span(source, less, less + 1)))
}

/// `=` where a condition or a value is expected.
fn equal_sign(source: &Source<'_>, at: usize) -> Option<Fail> {
    if source.kind(at) != T::Equal {
        return None;
    }
    let start = statement_start(source, at);
    let bracket = enclosing(source, at);
    let condition = matches!(source.kind(start), T::If | T::Elif | T::While | T::Assert);
    if !condition && bracket.is_none() {
        return None;
    }
    let first = operand_start(source, at);
    let last = operand_end(source, at + 1);
    if matches!(source.kind(last + 1), T::Equal | T::ColonEqual) || first >= at {
        return None;
    }
    let is_name = first + 1 == at && source.kind(first) == T::Name;
    if is_name && source.kind(start) != T::Assert {
        let msg = "invalid syntax. Maybe you meant '==' or ':=' instead of '='?";
        return Some(Fail::new(msg, &span(source, first, last)));
    }
    let range = span(source, first, at - 1);
    let name = super::targets::find(source.tree, range).map(super::targets::expression_name)?;
    let msg = format!("cannot assign to {name} here. Maybe you meant '==' instead of '='?");
    Some(Fail::new(msg, &range))
}

/// `import a from b`
fn import_from(source: &Source<'_>, at: usize) -> Option<Fail> {
    let start = statement_start(source, at);
    if source.kind(start) != T::Import || source.kind(at) != T::From || !ends_operand(source.kind(at + 1)) {
        return None;
    }
    let mut last = at + 1;
    while source.kind(last + 1) == T::Dot && source.kind(last + 2) == T::Name {
        last += 2;
    }
    Some(Fail::new("Did you mean to use 'from ... import ...' instead?", &span(source, start, last)))
}

/// Something other than a name behind `as`.
fn as_target(source: &Source<'_>, at: usize) -> Option<Fail> {
    let word = (at.checked_sub(2)?..at).find(|&at| source.kind(at) == T::As)?;
    let last = operand_end(source, word + 1);
    let name = match source.kind(at) {
        T::Dot => "attribute",
        T::Lpar => "function call",
        T::Lsqb => "subscript",
        T::Int | T::Float | T::Complex | T::String if word + 1 == at => "literal",
        _ => return None,
    };
    let range = span(source, word + 1, last);
    match source.kind(statement_start(source, at)) {
        T::Import | T::From => Some(Fail::new(format!("cannot use {name} as import target"), &range)),
        T::Except => Some(Fail::new(format!("cannot use except statement with {name}"), &range)),
        T::Case => Some(Fail::new(format!("cannot use {name} as pattern target"), &range)),
        _ => None,
    }
}

/// `a if b` without `else`.
fn missing_else(source: &Source<'_>, at: usize) -> Option<Fail> {
    if source.kind(at) == T::Colon || !ends_operand(source.kind_before(at)) {
        return None;
    }
    let condition = operand_start(source, at);
    let word = condition.checked_sub(1)?;
    if source.kind(word) != T::If || !ends_operand(source.kind_before(word)) {
        return None;
    }
    let first = operand_start(source, word);
    // The `if` of a comprehension follows its iterable.
    let comprehension = matches!(source.kind_before(first), T::In) && enclosing(source, at).is_some();
    if first >= word || comprehension || starts_operand(source.kind(at)) {
        return None;
    }
    Some(Fail::new("expected 'else' after 'if' expression", &span(source, first, at - 1)))
}

/// Two expressions in brackets side by side.
fn missing_comma(source: &Source<'_>, at: usize) -> Option<Fail> {
    if !starts_operand(source.kind(at)) || !ends_operand(source.kind_before(at)) {
        return None;
    }
    enclosing(source, at)?;
    let first = operand_start(source, at);
    let starts_soft = source.kind(first).is_soft_keyword() || source.token_text(first) == "_";
    let name_string = source.kind(first) == T::Name
        && matches!(source.kind(first + 1), T::String | T::FStringStart | T::TStringStart);
    if starts_soft || name_string || first >= at {
        return None;
    }
    // Behind `for x in` or a lambda the grammar does not look for this.
    if matches!(source.kind_before(first), T::In | T::For) {
        return None;
    }
    let last = operand_end(source, at);
    let msg = "invalid syntax. Perhaps you forgot a comma?";
    Some(Fail::new(msg, &span(source, first, last)))
}
