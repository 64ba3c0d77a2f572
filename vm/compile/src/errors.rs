//! The parser's errors in CPython's words and in its order of precedence.
//!
//! CPython reports the first error of its tokenizer, wherever that is, in place of an error of its grammar, and an
//! unclosed bracket in place of what it caused. The parser used here recovers from errors and reports many; the first
//! one says where CPython's grammar would have stopped.

mod generic;
mod lexical;
mod targets;
mod translate;

use ruff_python_ast::{
    self as ast, Stmt,
    token::{Token, TokenKind},
};
use ruff_python_parser::{LexicalErrorType, ParseErrorType, Parsed};
use ruff_text_size::{Ranged, TextRange, TextSize};

use crate::{
    ErrorKind, Mode, Options,
    fail::{Extent, Fail, Res},
    location::LineMap,
};

/// A parse and what is needed to judge it.
pub(crate) struct Source<'a> {
    pub(crate) text: &'a str,
    pub(crate) lines: &'a LineMap,
    pub(crate) tree: &'a ast::Mod,
    /// Tokens without comments and blank lines.
    pub(crate) tokens: Vec<Token>,
}

impl Source<'_> {
    fn line(&self, offset: TextSize) -> u32 {
        self.lines.line(offset)
    }

    fn end(&self) -> TextSize {
        TextSize::of(self.text)
    }

    /// Index of the first token that starts at `offset` or behind it.
    fn token_from(&self, offset: TextSize) -> usize {
        self.tokens.partition_point(|token| token.start() < offset)
    }

    fn kind(&self, at: usize) -> TokenKind {
        self.tokens.get(at).map_or(TokenKind::EndOfFile, |token| token.kind())
    }

    fn kind_before(&self, at: usize) -> TokenKind {
        at.checked_sub(1).map_or(TokenKind::Newline, |at| self.kind(at))
    }

    fn token_text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| &self.text[token.range()])
    }

    /// Range of a token as CPython shows it: a line end is one character.
    fn token_range(&self, at: usize) -> TextRange {
        match self.tokens.get(at) {
            Some(token) if matches!(token.kind(), TokenKind::Newline | TokenKind::EndOfFile) => {
                TextRange::at(token.start(), TextSize::new(0))
            }
            Some(token) => token.range(),
            None => TextRange::empty(self.end()),
        }
    }

    /// Whether a string token's range or any other reaches the end of the text.
    fn at_end(&self, offset: TextSize) -> bool {
        offset >= self.end()
    }
}

fn relevant(token: &Token) -> bool {
    !matches!(token.kind(), TokenKind::Comment | TokenKind::NonLogicalNewline)
}

/// The first error of a parse, if there is one.
pub(crate) fn check(
    text: &str,
    parsed: &Parsed<ast::Mod>,
    lines: &LineMap,
    mode: Mode,
    options: Options,
) -> Res {
    let tokens = parsed.tokens().iter().filter(|token| relevant(token)).copied().collect();
    let source = Source { text, lines, tree: parsed.syntax(), tokens };
    let lexical = lexical::first_error(&source, parsed.errors());
    let grammar = parsed.errors().iter().find(|error| !is_lexical(&error.error));
    let unsupported = parsed.unsupported_syntax_errors().first();
    let grammar_at = grammar.map(|error| error.location.start());
    if let Some(found) = lexical.error {
        let earlier = grammar.filter(|error| error.location.start() < found.range.start());
        return Err(match earlier.map(|error| translate::translate(&source, error)) {
            Some(fail) if lexical.secondary => fail,
            Some(fail)
                if fail.kind == ErrorKind::Indentation
                    && source.line(fail.range.start()) < source.line(found.range.start()) =>
            {
                fail
            }
            _ => found,
        });
    }
    if let Some(open) = lexical.open {
        let far =
            grammar_at.is_none_or(|at| source.line(at) > source.line(open.start()) || source.at_end(at));
        if far {
            let kind = &text[open];
            let fail = Fail::new(format!("'{kind}' was never closed"), &open);
            return Err(Fail { incomplete: true, extent: Extent::Open, ..fail });
        }
    }
    if let Some(error) = grammar {
        return Err(translate::translate(&source, error));
    }
    if parsed.errors().iter().any(|error| !is_string_content(&error.error))
        && let Some(error) = parsed.errors().first()
    {
        return Fail::err("invalid syntax", error);
    }
    if let Some(error) = unsupported {
        return Fail::err(translate::unsupported(error), error);
    }
    if mode == Mode::Single {
        check_single(&source, options)?;
    }
    Ok(())
}

fn is_lexical(error: &ParseErrorType) -> bool {
    match error {
        // CPython's tokenizer takes these for operators that no rule knows.
        ParseErrorType::Lexical(LexicalErrorType::UnrecognizedToken { tok }) => {
            !lexical::is_operator_like(*tok)
        }
        ParseErrorType::Lexical(_) => true,
        _ => false,
    }
}

/// Errors inside string literals are found again, with their text, when the literal is decoded.
fn is_string_content(error: &ParseErrorType) -> bool {
    use ruff_python_parser::LexicalErrorType as L;
    matches!(
        error,
        ParseErrorType::Lexical(
            L::UnicodeError | L::MissingUnicodeLbrace | L::MissingUnicodeRbrace | L::StringError
        )
    )
}

/// Interactive input is one statement; a compound one ends with an empty line.
fn check_single(source: &Source<'_>, options: Options) -> Res {
    let ast::Mod::Module(module) = source.tree else { return Ok(()) };
    let end = TextRange::empty(source.end());
    let incomplete = |msg: &str| Err(Fail { incomplete: true, ..Fail::new(msg, &end) });
    let Some(first) = module.body.first() else { return incomplete("invalid syntax") };
    let compound = is_compound(first);
    if let Some(second) = module.body.get(1) {
        if compound {
            let at = source.token_from(second.start());
            let last = source.line(second.end()) == source.line(source.end());
            let fail = Fail::new("invalid syntax", &source.token_range(at));
            return Err(Fail { incomplete: last && !source.text.ends_with('\n'), ..fail });
        }
        if source.line(second.start()) > source.line(first.end()) {
            return Fail::err("multiple statements found while compiling a single statement", &end);
        }
    }
    if compound && !source.text.ends_with('\n') {
        let indented = source.line(first.end()) > source.line(first.start());
        let dedent = source.tokens.iter().any(|token| token.kind() == TokenKind::Dedent);
        if !(indented && dedent) || options.dont_imply_dedent {
            return incomplete("invalid syntax");
        }
    }
    Ok(())
}

fn is_compound(stmt: &Stmt) -> bool {
    matches!(
        stmt,
        Stmt::FunctionDef(_)
            | Stmt::ClassDef(_)
            | Stmt::For(_)
            | Stmt::While(_)
            | Stmt::If(_)
            | Stmt::With(_)
            | Stmt::Match(_)
            | Stmt::Try(_)
    )
}

fn indentation(msg: impl Into<String>, range: TextRange, incomplete: bool) -> Fail {
    let extent = if range.is_empty() { Extent::Open } else { Extent::Range };
    Fail { kind: ErrorKind::Indentation, incomplete, extent, ..Fail::new(msg, &range) }
}
