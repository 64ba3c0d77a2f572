//! One error of the parser in CPython's words.

use ruff_python_ast::token::TokenKind as T;
use ruff_python_parser::{
    InterpolatedStringErrorType as Interpolated, ParseError, ParseErrorType as E, UnsupportedSyntaxError,
    UnsupportedSyntaxErrorKind,
};
use ruff_text_size::{Ranged, TextRange, TextSize};

use super::{
    Source,
    generic::{enclosing, invalid, statement_start},
    targets,
};
use crate::fail::Fail;

pub(super) fn translate(source: &Source<'_>, error: &ParseError) -> Fail {
    let range = error.location;
    let at = source.token_from(range.start());
    let fail = specific(source, &error.error, range, at).unwrap_or_else(|| invalid(source, at));
    Fail { incomplete: fail.incomplete || source.at_end(fail.range.start()), ..fail }
}

fn specific(source: &Source<'_>, error: &E, range: TextRange, at: usize) -> Option<Fail> {
    let here = source.token_range(at);
    let say = |msg: &str| Some(Fail::new(msg, &range));
    match error {
        E::ExpectedToken { expected, found } => expected_token(source, *expected, *found, at),
        E::UnexpectedIndentation => {
            let last = TextRange::empty(range.end() - TextSize::new(u32::from(!range.is_empty())));
            Some(super::indentation("unexpected indent", last, false))
        }
        E::OtherError(msg) => other(source, msg, range, at),
        E::InvalidAssignmentTarget => Some(targets::assignment(source, range)),
        E::InvalidDeleteTarget => Some(targets::deletion(source, range)),
        E::InvalidAugmentedAssignmentTarget => Some(targets::named(source, range, |name| {
            format!("'{name}' is an illegal expression for augmented assignment")
        })),
        E::InvalidNamedAssignmentTarget => Some(targets::named(source, range, |name| {
            format!("cannot use assignment expressions with {name}")
        })),
        E::InvalidAnnotatedAssignmentTarget => say("illegal target for annotation"),
        E::PositionalAfterKeywordArgument => {
            behind(source, range, "positional argument follows keyword argument")
        }
        E::PositionalAfterKeywordUnpacking => {
            behind(source, range, "positional argument follows keyword argument unpacking")
        }
        E::InvalidArgumentUnpackingOrder => {
            say("iterable argument unpacking follows keyword argument unpacking")
        }
        E::UnparenthesizedGeneratorExpression => say("Generator expression must be parenthesized"),
        E::NonDefaultParamAfterDefaultParam => {
            say("parameter without a default follows parameter with a default")
        }
        E::ExpectedKeywordParam => {
            let star =
                source.tokens[..=at.min(source.tokens.len() - 1)].iter().rposition(|t| t.kind() == T::Star);
            let place = star.map_or(here, |star| source.token_range(star));
            Some(Fail::new("named parameters must follow bare *", &place))
        }
        E::ParamAfterVarKeywordParam => say("parameters cannot follow var-keyword parameter"),
        E::VarParameterWithDefault => {
            let equal = (at..source.tokens.len()).find(|&at| source.kind(at) == T::Equal)?;
            let double =
                source.tokens[..equal].iter().rev().find(|t| matches!(t.kind(), T::Star | T::DoubleStar))?;
            let word = if double.kind() == T::Star { "positional" } else { "keyword" };
            let msg = format!("var-{word} parameter cannot have default value");
            Some(Fail::new(msg, &source.token_range(equal)))
        }
        E::EmptyImportNames if source.kind(at) == T::Newline || source.at_end(here.start()) => {
            Some(Fail::new("Expected one or more names after 'import'", &here))
        }
        E::InvalidStarredExpressionUsage => starred(source, range, at),
        E::IterableUnpackingInComprehension => say("iterable unpacking cannot be used in comprehension"),
        E::InvalidMatchPatternTarget => say("cannot use '_' as a target"),
        E::ExpectedExpression => expected_expression(source, at),
        E::FStringError(kind) => interpolated(source, kind, at, "f-string"),
        E::TStringError(kind) => interpolated(source, kind, at, "t-string"),
        E::ExpectedRealNumber => say("real number required in complex literal"),
        E::ExpectedImaginaryNumber => say("imaginary number required in complex literal"),
        _ => None,
    }
}

fn behind(source: &Source<'_>, range: TextRange, msg: &str) -> Option<Fail> {
    Some(Fail::new(msg, &source.token_range(source.token_from(range.end()))))
}

fn expected_token(source: &Source<'_>, expected: T, found: T, at: usize) -> Option<Fail> {
    let here = source.token_range(at);
    match expected {
        T::Colon => {
            let keyword = source.kind(statement_start(source, at));
            let always = matches!(keyword, T::Def | T::Async | T::Else | T::Try | T::Finally);
            if source.kind_before(at) == T::Lambda && found == T::Lpar {
                return parenthesized(source, at, "Lambda expression parameters cannot be parenthesized");
            }
            if enclosing(source, at).is_some() {
                return dict_colon(source, at);
            }
            if found == T::Newline && keyword != T::Lambda || always {
                return Some(Fail::new("expected ':'", &here));
            }
            None
        }
        T::Lpar if source.kind(statement_start(source, at)) == T::Def => {
            Some(Fail::new("expected '('", &here))
        }
        T::In if enclosing(source, at).is_some() => {
            Some(Fail::new("'in' expected after for-loop variables", &here))
        }
        T::Rsqb | T::Rbrace if found == T::For => unparenthesized_target(source, at),
        T::Rpar if found == T::Lpar && source.kind(statement_start(source, at)) == T::Def => {
            parenthesized(source, at, "Function parameters cannot be parenthesized")
        }
        _ => None,
    }
}

/// `{key` without `: value` among pairs.
fn dict_colon(source: &Source<'_>, at: usize) -> Option<Fail> {
    let open = enclosing(source, at)?;
    if source.kind(open) != T::Lbrace || !matches!(source.kind(at), T::Rbrace | T::Comma) {
        return None;
    }
    let before = source.token_range(at - 1);
    Some(Fail::new("':' expected after dictionary key", &before))
}

fn unparenthesized_target(source: &Source<'_>, at: usize) -> Option<Fail> {
    let open = enclosing(source, at)?;
    let items = &source.tokens[open + 1..at];
    let (first, last) = (items.first()?, items.last()?);
    let comma = items.iter().any(|token| token.kind() == T::Comma);
    let colon = items.iter().any(|token| token.kind() == T::Colon);
    if !comma || colon {
        return None;
    }
    let msg = "did you forget parentheses around the comprehension target?";
    Some(Fail::new(msg, &first.range().cover(last.range())))
}

fn parenthesized(source: &Source<'_>, open: usize, msg: &str) -> Option<Fail> {
    let close = (open..source.tokens.len()).find(|&at| source.kind(at) == T::Rpar)?;
    let only_names = (open + 1..close).all(|at| matches!(source.kind(at), T::Name | T::Comma));
    let range = source.token_range(open).cover(source.token_range(close));
    only_names.then(|| Fail::new(msg, &range))
}

fn starred(source: &Source<'_>, range: TextRange, at: usize) -> Option<Fail> {
    let msg = match source.kind_before(at) {
        T::Colon if enclosing(source, at).is_some() => {
            "cannot use a starred expression in a dictionary value"
        }
        T::Lpar => "cannot use starred expression here",
        _ => "can't use starred expression here",
    };
    Some(Fail::new(msg, &range))
}

fn expected_expression(source: &Source<'_>, at: usize) -> Option<Fail> {
    let here = source.token_range(at);
    let (kind, before) = (source.kind(at), source.kind_before(at));
    let in_string = interpolation_prefix(source, at);
    if let Some(prefix) = in_string {
        if before == T::Lbrace {
            return Some(match kind {
                T::Rbrace | T::Exclamation | T::Colon | T::Equal => {
                    let text = source.token_text(at);
                    Fail::new(format!("{prefix}: valid expression required before '{text}'"), &here)
                }
                T::FStringEnd | T::TStringEnd | T::Unknown => {
                    Fail::new(format!("{prefix}: expecting '}}'"), &here)
                }
                _ => Fail::new(format!("{prefix}: expecting a valid expression after '{{'"), &here),
            });
        }
        if let Some(lambda) = lambda_in_field(source, at) {
            let msg = format!("{prefix}: lambda expressions are not allowed without parentheses");
            return Some(Fail::new(msg, &lambda));
        }
    }
    if before == T::Equal && matches!(kind, T::Rpar | T::Comma) && enclosing(source, at).is_some() {
        let start = statement_start(source, at);
        let word = if matches!(source.kind(start), T::Def | T::Async) { "default" } else { "argument" };
        let msg = format!("expected {word} value expression");
        let equal = source.token_range(at - 1);
        return Some(match word {
            "default" => Fail::new(msg, &equal),
            _ => Fail::new(msg, &source.token_range(at.saturating_sub(2)).cover(equal)),
        });
    }
    if before == T::Colon && matches!(kind, T::Rbrace | T::Comma) {
        let open = enclosing(source, at)?;
        if source.kind(open) == T::Lbrace {
            let msg = "expression expected after dictionary key and ':'";
            return Some(Fail::new(msg, &source.token_range(at - 1)));
        }
    }
    if before == T::Star && matches!(kind, T::Rpar | T::Comma) && enclosing(source, at).is_some() {
        return Some(Fail::new("Invalid star expression", &here));
    }
    if kind == T::DoubleStar && matches!(before, T::Lsqb | T::Comma) && enclosing(source, at).is_some() {
        return Some(Fail::new("cannot use dict unpacking here", &here));
    }
    None
}

/// "f-string" or "t-string" if the token is in a replacement field, outside brackets of its own.
fn interpolation_prefix(source: &Source<'_>, at: usize) -> Option<&'static str> {
    let mut depth = 0;
    for before in (0..at).rev() {
        match source.kind(before) {
            T::FStringStart if depth == 0 => return Some("f-string"),
            T::TStringStart if depth == 0 => return Some("t-string"),
            T::FStringStart | T::TStringStart => depth -= 1,
            T::FStringEnd | T::TStringEnd => depth += 1,
            T::Newline if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

fn lambda_in_field(source: &Source<'_>, at: usize) -> Option<TextRange> {
    let open = enclosing(source, at)?;
    let lambda = (open + 1..at).find(|&at| source.kind(at) == T::Lambda)?;
    let end = source.tokens.get(at)?.start();
    (lambda == open + 1).then(|| TextRange::new(source.tokens[lambda].start(), end))
}

fn interpolated(source: &Source<'_>, kind: &Interpolated, at: usize, prefix: &str) -> Option<Fail> {
    let here = source.token_range(at);
    let msg = match kind {
        Interpolated::UnclosedLbrace => {
            let fail = invalid(source, at);
            if fail.msg.contains("comma") {
                return Some(fail);
            }
            match (source.kind(at), source.kind_before(at)) {
                (_, T::Colon | T::FStringMiddle) => "expecting '}', or format specs",
                (T::FStringEnd | T::TStringEnd | T::Unknown, _) => "expecting '}'",
                (_, T::Equal) => "expecting '!', or ':', or '}'",
                _ if source.kind(at.wrapping_sub(2)) == T::Exclamation => "expecting ':' or '}'",
                _ => "expecting '=', or '!', or ':', or '}'",
            }
            .to_owned()
        }
        Interpolated::InvalidConversionFlag => match source.token_text(at) {
            "}" | ":" => "missing conversion character".to_owned(),
            text => format!("invalid conversion character '{text}': expected 's', 'r', or 'a'"),
        },
        Interpolated::ConversionFlagNotImmediatelyAfterExclamation => {
            "conversion type must come right after the exclamation mark".to_owned()
        }
        Interpolated::SingleRbrace => "single '}' is not allowed".to_owned(),
        Interpolated::LambdaWithoutParentheses => {
            let lambda = lambda_in_field(source, at + 1).unwrap_or(here);
            let msg = format!("{prefix}: lambda expressions are not allowed without parentheses");
            return Some(Fail::new(msg, &lambda));
        }
        _ => return None,
    };
    Some(Fail::new(format!("{prefix}: {msg}"), &here))
}

fn other(source: &Source<'_>, msg: &str, range: TextRange, at: usize) -> Option<Fail> {
    let here = source.token_range(at);
    let next = |offset: usize| source.token_range(at + offset);
    let say = |msg: &str, range: TextRange| Some(Fail::new(msg, &range));
    if msg.starts_with("Expected an indented block after") {
        return indented_block(source, at);
    }
    if msg.starts_with("Expected `except` or `finally`") {
        return say("expected 'except' or 'finally' block", here);
    }
    match msg {
        "Only one '*' parameter allowed" => say("* may appear only once", here),
        "Only one '/' separator allowed" => say("/ may appear only once", here),
        "'/' parameter must appear before '*' parameter" => say("/ must be ahead of *", here),
        "Expected a parameter name" => keyword_name(source, range),
        "Multiple exception types must be parenthesized when using `as`" => {
            say("multiple exception types must be parenthesized when using 'as'", range)
        }
        "Cannot have both 'except' and 'except*' on the same 'try'" => {
            say("cannot have both 'except' and 'except*' on the same 'try'", range)
        }
        "Expected one or more exception types" => say("expected one or more exception types", here),
        "Only single target (not tuple) can be annotated" => {
            say("only single target (not tuple) can be annotated", range)
        }
        "Only single target (not list) can be annotated" => {
            say("only single target (not list) can be annotated", range)
        }
        "Bytes literal cannot be mixed with non-bytes literals" => {
            say("cannot mix bytes and nonbytes literals", range)
        }
        "Cannot mix t-string literals with string or bytes literals" => {
            say("cannot mix t-string literals with string or bytes literals", range)
        }
        "Trailing comma not allowed" if source.kind(statement_start(source, at)) == T::From => {
            say("trailing comma not allowed without surrounding parentheses", next(1))
        }
        "Trailing comma not allowed" => Some(invalid(source, at + 1)),
        "Position-only parameter separator not allowed as first parameter" => {
            say("at least one parameter must precede /", here)
        }
        "Positional patterns cannot follow keyword patterns" => {
            say("positional patterns follow keyword patterns", range)
        }
        "Pattern cannot follow a double star pattern" => {
            say("double star pattern must be the last (right-most) subpattern in the mapping pattern", range)
        }
        "Star import must be the only import" => {
            let comma = (at..source.tokens.len()).find(|&at| source.kind(at) == T::Comma)?;
            Some(invalid(source, comma))
        }
        _ => None,
    }
}

/// The name of a keyword argument that is no name.
fn keyword_name(source: &Source<'_>, range: TextRange) -> Option<Fail> {
    let equal = source.token_from(range.end());
    let whole = TextRange::new(range.start(), source.token_range(equal).end().max(range.end()));
    let text = &source.text[range];
    if matches!(text, "True" | "False" | "None") {
        return Some(Fail::new(format!("cannot assign to {text}"), &whole));
    }
    Some(Fail::new("expression cannot contain assignment, perhaps you meant \"==\"?", &whole))
}

fn indented_block(source: &Source<'_>, at: usize) -> Option<Fail> {
    // The header ends with the last colon before the error.
    let colon = (0..at).rev().find(|&at| source.kind(at) == T::Colon)?;
    let start = statement_start(source, colon);
    let line = source.line(source.tokens[start].start());
    let what = match source.kind(start) {
        T::Def => "function definition".to_owned(),
        T::Class => "class definition".to_owned(),
        T::Async if source.kind(start + 1) == T::Def => "function definition".to_owned(),
        T::Async => format!("'{}' statement", source.token_text(start + 1)),
        T::Except if source.kind(start + 1) == T::Star => "'except*' statement".to_owned(),
        _ => format!("'{}' statement", source.token_text(start)),
    };
    let here = source.token_range(at);
    let msg = format!("expected an indented block after {what} on line {line}");
    let nothing_more =
        source.tokens[at..].iter().all(|token| matches!(token.kind(), T::Newline | T::Dedent | T::EndOfFile));
    Some(super::indentation(msg, here, nothing_more))
}

/// Syntax of later Python versions.
pub(super) fn unsupported(error: &UnsupportedSyntaxError) -> &'static str {
    match error.kind {
        // The parser does not export the kind's type.
        UnsupportedSyntaxErrorKind::UnpackingInComprehension(kind) => match format!("{kind:?}").as_str() {
            "DictInDict" => "dict unpacking cannot be used in dict comprehension",
            _ => "iterable unpacking cannot be used in comprehension",
        },
        _ => "invalid syntax",
    }
}
