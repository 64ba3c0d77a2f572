//! From byte offsets to lines and columns.

use ruff_text_size::{Ranged, TextRange, TextSize};

/// Position of an instruction. Columns are UTF-8 bytes from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loc {
    pub(crate) line: u32,
    pub(crate) end_line: u32,
    pub(crate) col: u32,
    pub(crate) end_col: u32,
}

impl Loc {
    /// Artificial code without a position; it takes that of its surroundings.
    pub(crate) const NONE: Loc = Loc { line: 0, end_line: 0, col: 0, end_col: 0 };

    pub(crate) fn is_none(self) -> bool {
        self.line == 0
    }

    /// Columns 0..0 of a line.
    pub(crate) fn line_start(line: u32) -> Loc {
        Loc { line, end_line: line, col: 0, end_col: 0 }
    }
}

/// Starts of lines.
pub(crate) struct LineMap {
    starts: Vec<u32>,
}

impl LineMap {
    /// `source` has only `\n` as line end.
    pub(crate) fn new(source: &str) -> Self {
        let mut starts = vec![0];
        starts.extend(source.bytes().enumerate().filter(|&(_, b)| b == b'\n').map(|(at, _)| at as u32 + 1));
        LineMap { starts }
    }

    /// Line from 1 and byte column from 0.
    pub(crate) fn position(&self, offset: TextSize) -> (u32, u32) {
        let offset = offset.to_u32();
        let line = self.starts.partition_point(|&start| start <= offset);
        (line as u32, offset - self.starts[line - 1])
    }

    pub(crate) fn line(&self, offset: TextSize) -> u32 {
        self.position(offset).0
    }

    pub(crate) fn loc(&self, node: &impl Ranged) -> Loc {
        self.range(node.range())
    }

    pub(crate) fn range(&self, range: TextRange) -> Loc {
        let (line, col) = self.position(range.start());
        let (end_line, end_col) = self.position(range.end());
        Loc { line, end_line, col, end_col }
    }

    /// Byte offset of the start of a line, counted from 1.
    pub(crate) fn start_of(&self, line: u32) -> u32 {
        self.starts[(line as usize - 1).min(self.starts.len() - 1)]
    }

    /// The text of a line, counted from 1, with its line end.
    pub(crate) fn text<'a>(&self, source: &'a str, line: u32) -> &'a str {
        let start = self.start_of(line) as usize;
        let end = self.starts.get(line as usize).map_or(source.len(), |&e| e as usize);
        &source[start..end]
    }
}
