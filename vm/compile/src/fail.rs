//! Errors inside the compiler: a message and where.

use ruff_text_size::{Ranged, TextRange};

use crate::{ErrorKind, SyntaxError, location::LineMap};

/// A syntax error at a byte range.
#[derive(Debug)]
pub(crate) struct Fail {
    pub(crate) kind: ErrorKind,
    pub(crate) msg: String,
    pub(crate) range: TextRange,
}

pub(crate) type Res<T = ()> = Result<T, Fail>;

impl Fail {
    pub(crate) fn new(msg: impl Into<String>, node: &impl Ranged) -> Fail {
        Fail { kind: ErrorKind::Syntax, msg: msg.into(), range: node.range() }
    }

    pub(crate) fn err<T>(msg: impl Into<String>, node: &impl Ranged) -> Res<T> {
        Err(Fail::new(msg, node))
    }

    /// In CPython's terms: columns in code points from 1.
    pub(crate) fn locate(self, source: &str, lines: &LineMap) -> SyntaxError {
        let loc = lines.range(self.range);
        let column = |line: u32, col: u32| {
            let text = lines.text(source, line).as_bytes();
            let bytes = &text[..(col as usize).min(text.len())];
            bytes.iter().filter(|&&b| b & 0xC0 != 0x80).count() as u32 + 1
        };
        SyntaxError {
            kind: self.kind,
            msg: self.msg,
            lineno: loc.line,
            offset: column(loc.line, loc.col),
            end_lineno: loc.end_line,
            end_offset: column(loc.end_line, loc.end_col),
            text: Some(lines.text(source, loc.line).to_owned()),
        }
    }
}
