//! Errors inside the compiler: a message and where.

use ruff_text_size::{Ranged, TextRange};

use crate::{ErrorKind, SyntaxError, location::LineMap};

/// How an error's end is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The end of the range; of an empty range, one column behind.
    Range,
    /// The same as the start: the tokenizer knows only a point.
    Point,
    /// Not at all.
    Open,
}

/// A syntax error at a byte range.
#[derive(Debug)]
pub(crate) struct Fail {
    pub(crate) kind: ErrorKind,
    pub(crate) msg: String,
    pub(crate) range: TextRange,
    /// Whether more lines could have made the source valid.
    pub(crate) incomplete: bool,
    pub(crate) extent: Extent,
}

pub(crate) type Res<T = ()> = Result<T, Fail>;

impl Fail {
    pub(crate) fn new(msg: impl Into<String>, node: &impl Ranged) -> Fail {
        Fail {
            kind: ErrorKind::Syntax,
            msg: msg.into(),
            range: node.range(),
            incomplete: false,
            extent: Extent::Range,
        }
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
        let offset = column(loc.line, loc.col);
        let end_offset = match self.extent {
            Extent::Range if self.range.is_empty() => offset + 1,
            Extent::Range => column(loc.end_line, loc.end_col),
            Extent::Point => offset,
            Extent::Open => 0,
        };
        SyntaxError {
            kind: self.kind,
            msg: self.msg,
            lineno: loc.line,
            offset,
            end_lineno: loc.end_line,
            end_offset,
            text: Some(lines.text(source, loc.line).to_owned()),
        }
    }
}
