//! Tokens as the compiler sees them (`extra_tokens=False`): no comments and no blank lines, each operator of its own
//! kind, and no text or column where the source has none.

use super::scan::{Token, kind};

/// The column of what stands nowhere on its line; Python sees -1.
const NOWHERE: usize = usize::MAX;

/// Operators in the order of their kinds, the first of which is 7.
const OPERATORS: [&str; 48] = [
    "(", ")", "[", "]", ":", ",", ";", "+", "-", "*", "/", "|", "&", "<", ">", "=", ".", "%", "{", "}", "==",
    "!=", "<=", ">=", "~", "^", "<<", ">>", "**", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=",
    ">>=", "**=", "//", "//=", "@", "@=", "->", "...", ":=", "!",
];

/// Turns what `tokenize` shows into what the compiler sees. `n_lines`: of the source.
pub fn plain(tokens: Vec<Token>, n_lines: usize) -> Vec<Token> {
    if n_lines == 0 {
        return Vec::new();
    }
    let mut last_statement = 0;
    let mut comment = None;
    let wanted = tokens.into_iter().filter_map(|token| match token.kind {
        kind::NL => None,
        kind::COMMENT => {
            comment = Some(token);
            None
        }
        _ => Some((token, comment.take())),
    });
    wanted
        .map(|(mut token, comment)| {
            match token.kind {
                kind::OP => {
                    let place = OPERATORS.iter().position(|text| *text == token.text);
                    token.kind = place.map_or(kind::OP, |place| 7 + place as u8);
                }
                kind::NEWLINE => {
                    last_statement = token.start.0;
                    token.text.clear();
                    token.end = token.start;
                    // A comment ends the line in its stead.
                    if let Some(comment) = comment.filter(|comment| comment.start.0 == last_statement) {
                        token = Token { kind: kind::NEWLINE, ..comment };
                    }
                }
                kind::INDENT | kind::DEDENT | kind::ENDMARKER => {
                    token.text.clear();
                    if token.start.0 > n_lines {
                        // The end belongs to the last line, which shows if there is a statement on it.
                        token.start.0 = n_lines;
                        token.lines = (n_lines - 1, n_lines - 1);
                        if last_statement != n_lines {
                            token.lines = (n_lines, n_lines);
                        }
                    }
                    token.start.1 = NOWHERE;
                    token.end = token.start;
                }
                _ => {}
            }
            token
        })
        .collect()
}
