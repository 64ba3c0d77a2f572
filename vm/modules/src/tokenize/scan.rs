//! Python source as the tokens that the module `tokenize` shows: comments and blank lines included.
//!
//! Source: the language reference, "Lexical analysis"; PEP 701 (f-strings), PEP 750 (t-strings).

/// Numbers of token kinds, as in the module `token`.
pub mod kind {
    pub const ENDMARKER: u8 = 0;
    pub const NAME: u8 = 1;
    pub const NUMBER: u8 = 2;
    pub const STRING: u8 = 3;
    pub const NEWLINE: u8 = 4;
    pub const INDENT: u8 = 5;
    pub const DEDENT: u8 = 6;
    pub const OP: u8 = 55;
    pub const FSTRING_START: u8 = 59;
    pub const TSTRING_START: u8 = 62;
    pub const COMMENT: u8 = 65;
    pub const NL: u8 = 66;
}

/// A row (from 1) and a column (from 0, in characters).
pub type Place = (usize, usize);

/// One token. `line` is the index of the physical line it ends in.
#[derive(Debug, PartialEq)]
pub struct Token {
    pub kind: u8,
    pub text: String,
    pub start: Place,
    pub end: Place,
    /// Lines (indexes) that the token touches: first and last.
    pub lines: (usize, usize),
}

/// Why the source has no further tokens.
#[derive(Debug, PartialEq)]
pub struct Fault {
    pub message: &'static str,
    pub class: FaultClass,
    pub at: Place,
}

/// The exception for a [`Fault`].
#[derive(Debug, PartialEq, Clone, Copy)]
pub enum FaultClass {
    Syntax,
    Indentation,
}

/// An f- or t-string that is open.
struct Template {
    quote: char,
    triple: bool,
    raw: bool,
    start_kind: u8,
    /// Open replacement fields: for each the bracket depth it began at, and whether its format
    /// specification is being read.
    fields: Vec<(usize, bool)>,
    at: Place,
}

struct Scanner {
    lines: Vec<Vec<char>>,
    row: usize,
    col: usize,
    tokens: Vec<Token>,
    indents: Vec<usize>,
    brackets: Vec<(char, Place)>,
    templates: Vec<Template>,
    /// Something but comments stands in the present logical line.
    in_statement: bool,
}

type Step<T = ()> = Result<T, Fault>;

/// All tokens up to the end or the first fault.
pub fn scan(lines: &[String]) -> (Vec<Token>, Option<Fault>) {
    let lines = lines.iter().map(|l| l.chars().collect()).collect();
    let mut s = Scanner {
        lines,
        row: 0,
        col: 0,
        tokens: Vec::new(),
        indents: vec![0],
        brackets: Vec::new(),
        templates: Vec::new(),
        in_statement: false,
    };
    let fault = s.run().err();
    (s.tokens, fault)
}

fn is_name_start(c: char) -> bool {
    typhon_text::unicode::is_identifier_start(c as u32)
}

fn is_name_part(c: char) -> bool {
    typhon_text::unicode::is_identifier_continue(c as u32)
}

/// Operators, the longest first.
const OPERATORS: &[&str] = &[
    "**=", "//=", ">>=", "<<=", "...", "!=", "->", ":=", "==", "<=", ">=", "<>", "**", "//", "<<", ">>",
    "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "@=", "(", ")", "[", "]", "{", "}", ":", ",", ";", "+",
    "-", "*", "/", "|", "&", "<", ">", "=", ".", "%", "~", "^", "@", "!",
];

impl Scanner {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.lines.get(self.row)?.get(self.col + ahead).copied()
    }

    fn place(&self) -> Place {
        (self.row + 1, self.col)
    }

    fn fault<T>(&self, message: &'static str, class: FaultClass, at: Place) -> Step<T> {
        Err(Fault { message, class, at })
    }

    fn push(&mut self, kind: u8, text: String, start: Place, end: Place) {
        self.tokens.push(Token { kind, text, start, end, lines: (start.0 - 1, end.0 - 1) });
    }

    /// A token of this line from `from` to the present column.
    fn push_here(&mut self, kind: u8, from: usize) {
        let text = self.lines[self.row][from..self.col].iter().collect();
        self.push(kind, text, (self.row + 1, from), self.place());
    }

    fn run(&mut self) -> Step {
        while self.row < self.lines.len() {
            if self.templates.last().is_some_and(|t| t.fields.last().is_none_or(|f| f.1)) {
                self.template_text()?;
            } else if self.col == 0 && !self.in_statement && self.brackets.is_empty() {
                self.line_start()?;
            } else {
                self.token()?;
            }
        }
        self.finish()
    }

    fn finish(&mut self) -> Step {
        let last = self.lines.len();
        if let Some(t) = self.templates.last() {
            let message = match (t.triple, t.start_kind) {
                (true, kind::FSTRING_START) => "unterminated triple-quoted f-string literal",
                (true, _) => "unterminated triple-quoted t-string literal",
                (false, kind::FSTRING_START) => "unterminated f-string literal",
                (false, _) => "unterminated t-string literal",
            };
            let at = t.at;
            return self.fault(message, FaultClass::Syntax, at);
        }
        if !self.brackets.is_empty() {
            return self.fault("unexpected EOF in multi-line statement", FaultClass::Syntax, (last, 0));
        }
        if self.in_statement {
            let row = last.max(1);
            let col = self.lines.last().map_or(0, Vec::len);
            self.push(kind::NEWLINE, String::new(), (row, col), (row, col + 1));
        }
        for _ in 1..self.indents.len() {
            self.push(kind::DEDENT, String::new(), (last + 1, 0), (last + 1, 0));
        }
        self.push(kind::ENDMARKER, String::new(), (last + 1, 0), (last + 1, 0));
        Ok(())
    }

    /// Indentation, and lines without a statement.
    fn line_start(&mut self) -> Step {
        let line = &self.lines[self.row];
        let (mut width, mut i) = (0usize, 0usize);
        while let Some(c) = line.get(i) {
            match c {
                ' ' => width += 1,
                '\t' => width = (width / 8 + 1) * 8,
                '\u{c}' => width = 0,
                _ => break,
            }
            i += 1;
        }
        let rest = line.get(i).copied();
        self.col = i;
        if matches!(rest, None | Some('#' | '\n' | '\r')) {
            return self.token();
        }
        self.in_statement = true;
        let current = *self.indents.last().unwrap_or(&0);
        let here = self.place();
        if width > current {
            self.indents.push(width);
            let text = self.lines[self.row][..i].iter().collect();
            self.push(kind::INDENT, text, (self.row + 1, 0), here);
        } else {
            while width < *self.indents.last().unwrap_or(&0) {
                self.indents.pop();
                if width > *self.indents.last().unwrap_or(&0) {
                    return self.fault(
                        "unindent does not match any outer indentation level",
                        FaultClass::Indentation,
                        here,
                    );
                }
                self.push(kind::DEDENT, String::new(), here, here);
            }
        }
        Ok(())
    }

    fn next_line(&mut self) {
        self.row += 1;
        self.col = 0;
    }

    fn token(&mut self) -> Step {
        while matches!(self.peek(0), Some(' ' | '\t' | '\u{c}')) {
            self.col += 1;
        }
        let from = self.col;
        match self.peek(0) {
            None => {
                self.next_line();
                Ok(())
            }
            Some('\n') | Some('\r') => {
                let line = &self.lines[self.row];
                let text: String = line[from..].iter().collect();
                let ends = self.in_statement && self.brackets.is_empty() && self.templates.is_empty();
                let what = if ends { kind::NEWLINE } else { kind::NL };
                if ends {
                    self.in_statement = false;
                }
                self.push(what, text, (self.row + 1, from), (self.row + 1, from + 1));
                self.next_line();
                Ok(())
            }
            Some('#') => {
                while !matches!(self.peek(0), None | Some('\n' | '\r')) {
                    self.col += 1;
                }
                self.push_here(kind::COMMENT, from);
                if self.peek(0).is_none() {
                    // A comment that ends the source without a line end.
                    let at = self.place();
                    if !self.in_statement {
                        self.push(kind::NL, String::new(), at, (at.0, at.1 + 1));
                    }
                    self.next_line();
                }
                Ok(())
            }
            Some('\\') => {
                if matches!(self.peek(1), Some('\n' | '\r')) {
                    self.next_line();
                    if self.row >= self.lines.len() {
                        return self.fault(
                            "unexpected EOF in multi-line statement",
                            FaultClass::Syntax,
                            (self.row, 0),
                        );
                    }
                    // The next line is no new one: its blanks are no indentation.
                    while matches!(self.peek(0), Some(' ' | '\t' | '\u{c}')) {
                        self.col += 1;
                    }
                    self.in_statement = true;
                    return self.token();
                }
                let at = self.place();
                self.fault("unexpected character after line continuation character", FaultClass::Syntax, at)
            }
            Some(c) => {
                self.in_statement = true;
                if is_name_start(c) || matches!(c, '"' | '\'') {
                    self.name_or_string(from)
                } else if c.is_ascii_digit() || (c == '.' && self.peek(1).is_some_and(|d| d.is_ascii_digit()))
                {
                    self.number(from)
                } else {
                    self.operator(from)
                }
            }
        }
    }

    fn name_or_string(&mut self, from: usize) -> Step {
        // A prefix of at most two letters may belong to a string.
        let mut n = 0;
        while n < 3
            && self.peek(n).is_some_and(|c| matches!(c.to_ascii_lowercase(), 'r' | 'b' | 'u' | 'f' | 't'))
        {
            n += 1;
        }
        if let Some(quote @ ('"' | '\'')) = self.peek(n) {
            let prefix: String =
                self.lines[self.row][from..from + n].iter().map(char::to_ascii_lowercase).collect();
            if matches!(
                prefix.as_str(),
                "" | "r" | "b" | "u" | "f" | "t" | "br" | "rb" | "fr" | "rf" | "tr" | "rt"
            ) {
                self.col += n;
                let triple = self.peek(1) == Some(quote) && self.peek(2) == Some(quote);
                let start = (self.row + 1, from);
                self.col += if triple { 3 } else { 1 };
                if prefix.contains(['f', 't']) {
                    let start_kind =
                        if prefix.contains('f') { kind::FSTRING_START } else { kind::TSTRING_START };
                    self.push_here(start_kind, from);
                    self.templates.push(Template {
                        quote,
                        triple,
                        raw: prefix.contains('r'),
                        start_kind,
                        fields: Vec::new(),
                        at: start,
                    });
                    return Ok(());
                }
                return self.string(quote, triple, start);
            }
        }
        while self.peek(0).is_some_and(is_name_part) {
            self.col += 1;
        }
        self.push_here(kind::NAME, from);
        Ok(())
    }

    fn string(&mut self, quote: char, triple: bool, start: Place) -> Step {
        let mut text: String = self.lines[self.row][start.1..self.col].iter().collect();
        loop {
            match self.peek(0) {
                None | Some('\n') if !triple => {
                    return self.fault("unterminated string literal", FaultClass::Syntax, start);
                }
                None => {
                    self.next_line();
                    if self.row >= self.lines.len() {
                        return self.fault(
                            "unterminated triple-quoted string literal",
                            FaultClass::Syntax,
                            start,
                        );
                    }
                }
                Some('\\') => {
                    text.push('\\');
                    self.col += 1;
                    if let Some(c) = self.peek(0) {
                        text.push(c);
                        self.col += 1;
                        if c == '\r' && self.peek(0) == Some('\n') {
                            text.push('\n');
                            self.col += 1;
                        }
                    }
                    if self.peek(0).is_none() {
                        self.next_line();
                        if self.row >= self.lines.len() {
                            return self.fault("unterminated string literal", FaultClass::Syntax, start);
                        }
                    }
                }
                Some(c) if c == quote => {
                    let closes = !triple || (self.peek(1) == Some(quote) && self.peek(2) == Some(quote));
                    if closes {
                        let n = if triple { 3 } else { 1 };
                        (0..n).for_each(|_| text.push(quote));
                        self.col += n;
                        let end = self.place();
                        self.push(kind::STRING, text, start, end);
                        return Ok(());
                    }
                    text.push(c);
                    self.col += 1;
                }
                Some(c) => {
                    text.push(c);
                    self.col += 1;
                }
            }
        }
    }

    /// The literal part of an f- or t-string, or of a format specification in it.
    fn template_text(&mut self) -> Step {
        let start = self.place();
        let mut text = String::new();
        let t = self.templates.last().expect("called inside a template");
        let (quote, triple, raw, start_kind) = (t.quote, t.triple, t.raw, t.start_kind);
        let in_spec = !t.fields.is_empty();
        loop {
            match self.peek(0) {
                None => {
                    self.next_line();
                    if self.row >= self.lines.len() {
                        return Ok(());
                    }
                }
                Some('\n') if !triple => {
                    let at = self.templates.last().map_or(start, |t| t.at);
                    let message = if start_kind == kind::FSTRING_START {
                        "unterminated f-string literal"
                    } else {
                        "unterminated t-string literal"
                    };
                    return self.fault(message, FaultClass::Syntax, at);
                }
                Some('{') => {
                    if !in_spec && self.peek(1) == Some('{') {
                        text.push('{');
                        self.col += 1;
                        let end = self.place();
                        self.push(start_kind + 1, text, start, end);
                        self.col += 1;
                        return Ok(());
                    }
                    self.template_piece(start_kind, text, start);
                    let from = self.col;
                    self.col += 1;
                    self.push_here(kind::OP, from);
                    let depth = self.brackets.len();
                    self.brackets.push(('{', (self.row + 1, from)));
                    if let Some(t) = self.templates.last_mut() {
                        t.fields.push((depth, false));
                    }
                    return Ok(());
                }
                Some('}') => {
                    if in_spec {
                        self.template_piece(start_kind, text, start);
                        if let Some(t) = self.templates.last_mut()
                            && let Some(f) = t.fields.last_mut()
                        {
                            f.1 = false;
                        }
                        return Ok(());
                    }
                    if self.peek(1) == Some('}') {
                        text.push('}');
                        self.col += 1;
                        let end = self.place();
                        self.push(start_kind + 1, text, start, end);
                        self.col += 1;
                        return Ok(());
                    }
                    let at = self.place();
                    let message = if start_kind == kind::FSTRING_START {
                        "f-string: single '}' is not allowed"
                    } else {
                        "t-string: single '}' is not allowed"
                    };
                    return self.fault(message, FaultClass::Syntax, at);
                }
                Some('\\') if !in_spec => {
                    text.push('\\');
                    self.col += 1;
                    // `\N{NAME}` is one escape, not a field.
                    if !raw && self.peek(0) == Some('N') && self.peek(1) == Some('{') {
                        while let Some(c) = self.peek(0) {
                            text.push(c);
                            self.col += 1;
                            if c == '}' {
                                break;
                            }
                        }
                    } else if let Some(c) = self.peek(0)
                        && !matches!(c, '{' | '}')
                    {
                        text.push(c);
                        self.col += 1;
                    }
                }
                Some(c) if c == quote && !in_spec => {
                    let closes = !triple || (self.peek(1) == Some(quote) && self.peek(2) == Some(quote));
                    if closes {
                        self.template_piece(start_kind, text, start);
                        let from = self.col;
                        self.col += if triple { 3 } else { 1 };
                        self.push_here(start_kind + 2, from);
                        self.templates.pop();
                        return Ok(());
                    }
                    text.push(c);
                    self.col += 1;
                }
                Some(c) => {
                    text.push(c);
                    self.col += 1;
                }
            }
        }
    }

    fn template_piece(&mut self, start_kind: u8, text: String, start: Place) {
        if !text.is_empty() {
            let end = self.place();
            self.push(start_kind + 1, text, start, end);
        }
    }

    fn number(&mut self, from: usize) -> Step {
        let mut radix = false;
        while let Some(c) = self.peek(0) {
            let sign_of_exponent = matches!(c, '+' | '-')
                && !radix
                && self.col > from
                && matches!(self.lines[self.row][self.col - 1], 'e' | 'E')
                && self.peek(1).is_some_and(|d| d.is_ascii_digit());
            if self.col == from + 1 && matches!(c, 'x' | 'X' | 'o' | 'O' | 'b' | 'B') {
                radix = true;
            }
            if !(c.is_ascii_alphanumeric() || c == '_' || (c == '.' && !radix) || sign_of_exponent) {
                break;
            }
            // `1if x`: a keyword may follow a number at once.
            if c.is_ascii_alphabetic() && !radix && !matches!(c, 'e' | 'E' | 'j' | 'J') {
                break;
            }
            if matches!(c, 'e' | 'E')
                && !radix
                && !self.peek(1).is_some_and(|d| d.is_ascii_digit() || matches!(d, '+' | '-'))
            {
                break;
            }
            self.col += 1;
        }
        self.push_here(kind::NUMBER, from);
        Ok(())
    }

    fn operator(&mut self, from: usize) -> Step {
        let line = &self.lines[self.row];
        let starts = |op: &str| op.chars().enumerate().all(|(i, c)| line.get(from + i) == Some(&c));
        let field_depth = self.templates.last().and_then(|t| t.fields.last()).map(|f| f.0 + 1);
        let at_field = field_depth == Some(self.brackets.len());
        let op = match line[from] {
            // In a replacement field these end the expression.
            ':' if at_field => ":",
            '!' if at_field && line.get(from + 1) != Some(&'=') => "!",
            _ => match OPERATORS.iter().find(|op| starts(op)) {
                Some(op) => op,
                // No operators of the language, but tokens all the same: signatures of natives have `$`.
                None if line[from] == '$' => "$",
                None if line[from] == '?' => "?",
                None if line[from] == '!' => "!",
                None if line[from] == '`' => "`",
                None => {
                    let at = self.place();
                    return self.fault("invalid character", FaultClass::Syntax, at);
                }
            },
        };
        let here = self.place();
        self.col += op.chars().count();
        match op {
            "(" | "[" | "{" => self.brackets.push((line[from], here)),
            ")" | "]" | "}" => {
                let open = match op {
                    ")" => '(',
                    "]" => '[',
                    _ => '{',
                };
                match self.brackets.pop() {
                    Some((c, _)) if c == open => {}
                    Some(_) => {
                        return self.fault("closing parenthesis does not match", FaultClass::Syntax, here);
                    }
                    None => return self.fault("unmatched closing parenthesis", FaultClass::Syntax, here),
                }
                if at_field && let Some(t) = self.templates.last_mut() {
                    t.fields.pop();
                }
            }
            ":" if at_field => {
                if let Some(f) = self.templates.last_mut().and_then(|t| t.fields.last_mut()) {
                    f.1 = true;
                }
            }
            _ => {}
        }
        self.push_here(kind::OP, from);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(source: &str) -> Vec<(u8, String)> {
        let lines: Vec<String> = source.split_inclusive('\n').map(str::to_owned).collect();
        let (tokens, fault) = scan(&lines);
        assert_eq!(fault, None);
        tokens.into_iter().map(|t| (t.kind, t.text)).collect()
    }

    #[test]
    fn blocks_and_comments() {
        let got: Vec<u8> = kinds("if x: # why\n    y\n\nz\n").into_iter().map(|t| t.0).collect();
        use kind::*;
        let want =
            [NAME, NAME, OP, COMMENT, NEWLINE, INDENT, NAME, NEWLINE, NL, DEDENT, NAME, NEWLINE, ENDMARKER];
        assert_eq!(got, want);
    }

    #[test]
    fn templates_nest() {
        let texts: Vec<String> = kinds("f'a{x!r:>{w}}b'\n").into_iter().map(|t| t.1).collect();
        let want = ["f'", "a", "{", "x", "!", "r", ":", ">", "{", "w", "}", "}", "b", "'", "\n", ""];
        assert_eq!(texts, want);
    }

    #[test]
    fn faults_have_a_place() {
        let (_, fault) = scan(&["x = 'abc\n".to_owned()]);
        assert_eq!(fault.map(|f| (f.message, f.at)), Some(("unterminated string literal", (1, 4))));
        let (_, fault) = scan(&["if x:\n".into(), "    y\n".into(), "  z\n".into()]);
        assert_eq!(fault.map(|f| f.class), Some(FaultClass::Indentation));
    }
}
