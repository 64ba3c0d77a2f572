//! Errors of tokens and brackets, in the order of the text.

use ruff_python_ast::{StringFlags, token::TokenKind};
use ruff_python_parser::{
    InterpolatedStringErrorType as Interpolated, LexicalErrorType as L, ParseError, ParseErrorType,
};
use ruff_text_size::{Ranged, TextLen, TextRange, TextSize};

use super::Source;
use crate::{
    ErrorKind,
    fail::{Extent, Fail},
    string_literal,
};

/// CPython's limit of brackets inside one another.
const MAX_BRACKETS: usize = 200;
/// CPython's limit of indentation levels.
const MAX_INDENT: usize = 100;

pub(super) struct Lexical {
    pub(super) error: Option<Fail>,
    /// The error may be a consequence of an earlier one of the grammar.
    pub(super) secondary: bool,
    /// The innermost bracket that is still open at the end.
    pub(super) open: Option<TextRange>,
}

/// The first error of the tokenizer.
pub(super) fn first_error(source: &Source<'_>, errors: &[ParseError]) -> Lexical {
    let (mut first, open) = brackets(source);
    let others = [indents(source, errors), number(source), parser_error(source, errors)];
    for fail in others.into_iter().flatten() {
        if first.as_ref().is_none_or(|known| fail.range.start() < known.range.start()) {
            first = Some(fail);
        }
    }
    if let Some(fail) = &mut first {
        // The tokenizer knows a point, the parser of literals the whole token.
        let whole = ["(", "invalid syntax", "bytes can"].iter().any(|start| fail.msg.starts_with(start));
        fail.extent = match fail.kind {
            ErrorKind::Syntax if whole => Extent::Range,
            ErrorKind::Syntax => Extent::Point,
            _ => Extent::Open,
        };
    }
    let secondary = first.as_ref().is_some_and(|fail| fail.msg.contains("single '}'"));
    Lexical { error: first, secondary, open }
}

fn closing(kind: TokenKind) -> Option<TokenKind> {
    match kind {
        TokenKind::Rpar => Some(TokenKind::Lpar),
        TokenKind::Rsqb => Some(TokenKind::Lsqb),
        TokenKind::Rbrace => Some(TokenKind::Lbrace),
        _ => None,
    }
}

fn brackets(source: &Source<'_>) -> (Option<Fail>, Option<TextRange>) {
    let mut stack: Vec<(TokenKind, TextRange)> = Vec::new();
    // Depth of brackets where each open f-string started.
    let mut strings: Vec<usize> = Vec::new();
    for token in &source.tokens {
        let (kind, range) = (token.kind(), token.range());
        match kind {
            TokenKind::FStringStart | TokenKind::TStringStart => strings.push(stack.len()),
            TokenKind::FStringEnd | TokenKind::TStringEnd => {
                if let Some(depth) = strings.pop() {
                    stack.truncate(depth);
                }
            }
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => {
                if stack.len() >= MAX_BRACKETS {
                    return (Some(Fail::new("too many nested parentheses", &range)), None);
                }
                stack.push((kind, range));
            }
            _ => {
                let Some(opening) = closing(kind) else { continue };
                let here = &source.text[range];
                match stack.pop() {
                    Some((open, _)) if open == opening => {}
                    Some((open, at)) => {
                        let in_string = strings.last().is_some_and(|&depth| depth + 1 == stack.len() + 1);
                        if in_string && open == TokenKind::Lbrace {
                            let fail = Fail::new(format!("f-string: unmatched '{here}'"), &range);
                            return (Some(fail), None);
                        }
                        let (line, open_line) = (source.line(range.start()), source.line(at.start()));
                        let place =
                            if line == open_line { String::new() } else { format!(" on line {open_line}") };
                        let open = &source.text[at];
                        let msg = format!(
                            "closing parenthesis '{here}' does not match opening parenthesis '{open}'{place}"
                        );
                        return (Some(Fail::new(msg, &range)), None);
                    }
                    // The parser has its own words for a brace in an f-string.
                    None if !strings.is_empty() => {}
                    None => return (Some(Fail::new(format!("unmatched '{here}'"), &range)), None),
                }
            }
        }
    }
    (None, stack.last().map(|&(_, range)| range))
}

/// The parser's own lexical errors.
fn parser_error(source: &Source<'_>, errors: &[ParseError]) -> Option<Fail> {
    errors.iter().find_map(|error| {
        let range = error.location;
        match &error.error {
            ParseErrorType::Lexical(lexical) => lexical_error(source, lexical, range),
            _ => None,
        }
    })
}

fn lexical_error(source: &Source<'_>, error: &L, range: TextRange) -> Option<Fail> {
    match error {
        L::UnclosedStringError => Some(unterminated(source, range.start(), "string")),
        L::FStringError(kind) => interpolated(source, kind, range, "f-string"),
        L::TStringError(kind) => interpolated(source, kind, range, "t-string"),
        L::UnicodeError | L::MissingUnicodeLbrace | L::MissingUnicodeRbrace | L::StringError => {
            bad_escape(source, range)
        }
        L::InvalidByteLiteral => {
            Some(Fail::new("bytes can only contain ASCII literal characters", &string_around(source, range)))
        }
        L::IndentationError => {
            let msg = "unindent does not match any outer indentation level";
            Some(super::indentation(msg, line_end(source, range), false))
        }
        L::UnrecognizedToken { tok } => unrecognized(*tok, range),
        L::LineContinuationError => {
            let behind = range.start() + TextSize::new(1);
            if source.at_end(behind) {
                return Some(Fail::new("unexpected EOF while parsing", &TextRange::empty(behind)));
            }
            let msg = "unexpected character after line continuation character";
            Some(Fail::new(msg, &TextRange::at(behind, TextSize::new(1)).intersect(full(source))?))
        }
        // Numbers are checked by `number`; the end of the text is the grammar's affair.
        L::Eof | L::OtherError(_) => None,
    }
}

fn full(source: &Source<'_>) -> TextRange {
    TextRange::up_to(source.text.text_len())
}

fn line_end(source: &Source<'_>, range: TextRange) -> TextRange {
    let rest = &source.text[range.start().to_usize()..];
    let len = rest.find('\n').unwrap_or(rest.len());
    TextRange::empty(range.start() + TextSize::new(len as u32))
}

/// `$`, `?`, `` ` `` and the like.
pub(super) fn is_operator_like(tok: char) -> bool {
    tok.is_ascii() && !tok.is_ascii_control()
}

fn unrecognized(tok: char, range: TextRange) -> Option<Fail> {
    if is_operator_like(tok) {
        return None;
    }
    let point = tok as u32;
    if tok.is_control() || matches!(point, 0x200B..=0x200F | 0x2028..=0x202E | 0xA0 | 0xFEFF) {
        return Some(Fail::new(format!("invalid non-printable character U+{point:04X}"), &range));
    }
    Some(Fail::new(format!("invalid character '{tok}' (U+{point:04X})"), &range))
}

/// Where a string that starts at or before `offset` begins, its prefix included.
fn string_start(source: &Source<'_>, offset: TextSize) -> TextSize {
    let before = &source.text[..offset.to_usize()];
    let prefix = before.bytes().rev().take_while(u8::is_ascii_alphabetic).count();
    offset - TextSize::new(prefix as u32)
}

fn unterminated(source: &Source<'_>, start: TextSize, what: &str) -> Fail {
    let text = &source.text[start.to_usize()..];
    let body = text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let triple = body.starts_with("\"\"\"") || body.starts_with("'''");
    let last = if triple {
        source.line(TextSize::of(source.text.trim_end_matches('\n')))
    } else {
        source.line(start)
    };
    let msg = match triple {
        true => format!("unterminated triple-quoted {what} literal (detected at line {last})"),
        false => format!("unterminated {what} literal (detected at line {last})"),
    };
    let ends = !text.contains('\n');
    Fail { incomplete: triple || ends, ..Fail::new(msg, &TextRange::at(start, TextSize::new(1))) }
}

fn interpolated(source: &Source<'_>, kind: &Interpolated, range: TextRange, what: &str) -> Option<Fail> {
    match kind {
        Interpolated::UnterminatedString | Interpolated::UnterminatedTripleQuotedString => {
            // An open replacement field is the nearer reason.
            let at = source.token_from(range.start());
            let start = source.tokens[..at]
                .iter()
                .rev()
                .find(|token| matches!(token.kind(), TokenKind::FStringStart | TokenKind::TStringStart));
            let (_, open) = brackets(source);
            match (start, open) {
                (Some(start), Some(open)) if open.start() > start.start() => None,
                (Some(start), _) => Some(unterminated(source, start.start(), what)),
                (None, _) => Some(unterminated(source, string_start(source, range.start()), what)),
            }
        }
        Interpolated::SingleRbrace => Some(Fail::new(format!("{what}: single '}}' is not allowed"), &range)),
        Interpolated::NewlineInFormatSpec => {
            let msg =
                format!("{what}: newlines are not allowed in format specifiers for single quoted {what}s");
            Some(Fail::new(msg, &range))
        }
        _ => None,
    }
}

fn string_around(source: &Source<'_>, range: TextRange) -> TextRange {
    let at = source.tokens.partition_point(|token| token.end() <= range.start());
    source.tokens.get(at).map_or(range, |token| token.range().cover(range))
}

/// What is wrong with an escape in the string around `range`.
fn bad_escape(source: &Source<'_>, range: TextRange) -> Option<Fail> {
    let near = source.tokens.iter().filter(|token| {
        token.start() <= range.start() && token.end() >= range.start() && token.kind() != TokenKind::Newline
    });
    for token in near {
        let text = &source.text[token.range()];
        let flags = token.string_flags();
        let (contents, bytes) = match (token.kind(), flags) {
            (TokenKind::String, Some(flags)) => {
                let body = &text[flags.opener_len().to_usize()..];
                let len = body.len().saturating_sub(flags.closer_len().to_usize());
                (&body[..len], text.starts_with(['b', 'B']) || text[1..].starts_with(['b', 'B']))
            }
            _ => (text, false),
        };
        let mut bad = Vec::new();
        let problem = match bytes {
            true => string_literal::decode_bytes(contents, &mut bad).err(),
            false => string_literal::decode(contents, false, &mut bad).err(),
        };
        if let Some(msg) = problem {
            return Some(Fail::new(msg, token));
        }
    }
    Some(Fail::new("(unicode error) 'unicodeescape' codec can't decode bytes", &range))
}

/// Malformed numbers, and numbers that run into a name.
fn number(source: &Source<'_>) -> Option<Fail> {
    for token in &source.tokens {
        let kind = token.kind();
        let text = &source.text[token.range()];
        let starts_with_digit = text.starts_with(|c: char| c.is_ascii_digit());
        let number = matches!(kind, TokenKind::Int | TokenKind::Float | TokenKind::Complex)
            || kind == TokenKind::Unknown && starts_with_digit;
        if !number {
            continue;
        }
        let rest = &source.text[token.end().to_usize()..];
        if let Some(fail) = bad_number(text, rest, token.start()) {
            return Some(fail);
        }
    }
    None
}

fn bad_number(text: &str, rest: &str, start: TextSize) -> Option<Fail> {
    let at = |offset: usize, msg: String| {
        let range = TextRange::at(start + TextSize::new(offset as u32), TextSize::new(1));
        Some(Fail::new(msg, &range))
    };
    let lower = text.to_ascii_lowercase();
    let bytes = lower.as_bytes();
    let base = match bytes.get(..2) {
        Some(b"0x") => Some("hexadecimal"),
        Some(b"0o") => Some("octal"),
        Some(b"0b") => Some("binary"),
        _ => None,
    };
    let next = rest.chars().next().unwrap_or(' ');
    let last = text.len() - 1;
    if let Some(base) = base {
        if next.is_ascii_digit() && base != "hexadecimal" {
            return at(text.len(), format!("invalid digit '{next}' in {base} literal"));
        }
        if text.len() == 2 || text.ends_with('_') || runs_on(rest) {
            return at(last, format!("invalid {base} literal"));
        }
        return None;
    }
    if lower.ends_with('j') {
        return if runs_on(rest) { at(last, "invalid imaginary literal".to_owned()) } else { None };
    }
    let digits = bytes.iter().all(|b| b.is_ascii_digit() || *b == b'_');
    let zeros =
        digits && bytes.len() > 1 && bytes[0] == b'0' && bytes.iter().any(|b| (b'1'..=b'9').contains(b));
    if zeros && !matches!(next, '.' | 'e' | 'E' | 'j' | 'J') {
        let msg = "leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers";
        let run = bytes.iter().take_while(|&&b| b == b'0').count();
        let range = TextRange::at(start, TextSize::new(run as u32));
        return Some(Fail::new(msg, &range));
    }
    if text.ends_with('_') || runs_on(rest) {
        return at(last, "invalid decimal literal".to_owned());
    }
    None
}

/// Whether a number is followed at once by a name that is not an operator's.
fn runs_on(rest: &str) -> bool {
    let word: &str = &rest[..rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len())];
    let starts = word.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let operator = ["and", "else", "for", "if", "in", "is", "not", "or"];
    starts && !operator.iter().any(|operator| word.starts_with(operator))
}

/// Tabs and spaces whose meaning depends on the width of a tab, and too deep indentation.
fn indents(source: &Source<'_>, errors: &[ParseError]) -> Option<Fail> {
    // Columns with tabs of eight, and of one, as CPython measures indentation.
    let mut stack: Vec<(usize, usize)> = vec![(0, 0)];
    let mut at_line_start = true;
    let limit = errors
        .iter()
        .find(|error| matches!(error.error, ParseErrorType::Lexical(L::UnclosedStringError)))
        .map_or(source.end(), |error| error.location.start());
    for token in &source.tokens {
        let kind = token.kind();
        if matches!(kind, TokenKind::Indent | TokenKind::Dedent) {
            continue;
        }
        if at_line_start && kind != TokenKind::EndOfFile && token.start() < limit {
            let line = source.line(token.start());
            let start = source.lines.start_of(line);
            let blank = &source.text[start as usize..token.start().to_usize()];
            let (mut wide, mut narrow) = (0, 0);
            for byte in blank.bytes() {
                match byte {
                    b' ' => (wide, narrow) = (wide + 1, narrow + 1),
                    b'\t' => (wide, narrow) = (wide / 8 * 8 + 8, narrow + 1),
                    0x0C => (wide, narrow) = (0, 0),
                    _ => {}
                }
            }
            if let Some(fail) = compare_indent(&mut stack, (wide, narrow), source, token.range()) {
                return Some(fail);
            }
        }
        at_line_start = kind == TokenKind::Newline;
    }
    None
}

fn compare_indent(
    stack: &mut Vec<(usize, usize)>,
    (wide, narrow): (usize, usize),
    source: &Source<'_>,
    range: TextRange,
) -> Option<Fail> {
    let tab_error = || {
        let msg = "inconsistent use of tabs and spaces in indentation";
        Some(Fail { kind: ErrorKind::Tab, ..Fail::new(msg, &line_end(source, range)) })
    };
    let &(top_wide, top_narrow) = stack.last()?;
    if wide == top_wide {
        return if narrow == top_narrow { None } else { tab_error() };
    }
    if wide > top_wide {
        if narrow <= top_narrow {
            return tab_error();
        }
        if stack.len() >= MAX_INDENT {
            return Some(super::indentation(
                "too many levels of indentation",
                line_end(source, range),
                false,
            ));
        }
        stack.push((wide, narrow));
        return None;
    }
    while stack.last().is_some_and(|&(known, _)| known > wide) {
        stack.pop();
    }
    match stack.last() {
        Some(&(known, known_narrow)) if known == wide => {
            if known_narrow == narrow {
                None
            } else {
                tab_error()
            }
        }
        _ => {
            let msg = "unindent does not match any outer indentation level";
            Some(super::indentation(msg, line_end(source, range), false))
        }
    }
}
