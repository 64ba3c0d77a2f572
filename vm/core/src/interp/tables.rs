//! Reading the tables of a code object: source positions and exception handlers. The formats are
//! CPython's, so that `dis`, `co_positions` and `.pyc` files agree.

/// Source position of an instruction; 1-based lines, 0-based UTF-8 columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Position {
    pub line: Option<u32>,
    pub end_line: Option<u32>,
    pub column: Option<u32>,
    pub end_column: Option<u32>,
}

/// An exception handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandlerEntry {
    pub target: u32,
    pub depth: u32,
    pub push_lasti: bool,
}

fn varint(bytes: &mut &[u8]) -> u32 {
    let (mut v, mut shift) = (0u32, 0);
    while let Some((&b, rest)) = bytes.split_first() {
        *bytes = rest;
        v |= u32::from(b & 63) << shift;
        if b & 64 == 0 || shift > 24 {
            break;
        }
        shift += 6;
    }
    v
}

fn signed_varint(bytes: &mut &[u8]) -> i32 {
    let u = varint(bytes);
    if u & 1 != 0 { -((u >> 1) as i32) } else { (u >> 1) as i32 }
}

/// Walks the location table: (first unit, number of units, position) per entry.
pub struct Positions<'a> {
    rest: &'a [u8],
    line: i32,
    unit: u32,
}

impl<'a> Positions<'a> {
    pub fn new(table: &'a [u8], first_line: u32) -> Positions<'a> {
        Positions { rest: table, line: first_line as i32, unit: 0 }
    }
}

impl Iterator for Positions<'_> {
    type Item = (u32, u32, Position);

    fn next(&mut self) -> Option<Self::Item> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        let code = first >> 3 & 15;
        let units = u32::from(first & 7) + 1;
        let mut byte = || match self.rest.split_first() {
            Some((&b, rest)) => {
                self.rest = rest;
                u32::from(b)
            }
            None => 0,
        };
        let line = |l: i32| Some(l.max(0) as u32);
        let p = match code {
            15 => Position::default(),
            14 => {
                self.line += signed_varint(&mut self.rest);
                let end = self.line + varint(&mut self.rest) as i32;
                let column = varint(&mut self.rest);
                let end_column = varint(&mut self.rest);
                Position {
                    line: line(self.line),
                    end_line: line(end),
                    column: column.checked_sub(1),
                    end_column: end_column.checked_sub(1),
                }
            }
            13 => {
                self.line += signed_varint(&mut self.rest);
                Position { line: line(self.line), end_line: line(self.line), ..Position::default() }
            }
            10..=12 => {
                self.line += i32::from(code) - 10;
                let (c, e) = (byte(), byte());
                Position {
                    line: line(self.line),
                    end_line: line(self.line),
                    column: Some(c),
                    end_column: Some(e),
                }
            }
            short => {
                let b = byte();
                let c = u32::from(short) << 3 | b >> 4;
                Position {
                    line: line(self.line),
                    end_line: line(self.line),
                    column: Some(c),
                    end_column: Some(c + (b & 15)),
                }
            }
        };
        let at = self.unit;
        self.unit += units;
        Some((at, units, p))
    }
}

/// Position of the code unit at `offset` (in 16-bit units).
pub fn position(table: &[u8], first_line: u32, offset: u32) -> Position {
    Positions::new(table, first_line)
        .find(|&(at, n, _)| offset < at + n)
        .map_or(Position::default(), |(_, _, p)| p)
}

/// The innermost handler that covers the unit at `offset`.
pub fn handler(table: &[u8], offset: u32) -> Option<HandlerEntry> {
    let mut found = None;
    let mut rest = table;
    while !rest.is_empty() {
        let start = entry_int(&mut rest)?;
        let size = entry_int(&mut rest)?;
        let target = entry_int(&mut rest)?;
        let depth_lasti = entry_int(&mut rest)?;
        if start > offset {
            break;
        }
        if offset < start + size {
            found = Some(HandlerEntry { target, depth: depth_lasti >> 1, push_lasti: depth_lasti & 1 != 0 });
        }
    }
    found
}

/// Where handlers begin.
pub fn handler_targets(table: &[u8]) -> Vec<u32> {
    let mut targets = Vec::new();
    let mut rest = table;
    let mut entry = || {
        let (_start, _size) = (entry_int(&mut rest)?, entry_int(&mut rest)?);
        let target = entry_int(&mut rest)?;
        entry_int(&mut rest)?;
        Some(target)
    };
    while let Some(target) = entry() {
        targets.push(target);
    }
    targets
}

/// Big-endian groups of six bits; bit 6 says that more follow.
fn entry_int(bytes: &mut &[u8]) -> Option<u32> {
    let mut v = 0u32;
    loop {
        let (&b, rest) = bytes.split_first()?;
        *bytes = rest;
        v = v << 6 | u32::from(b & 63);
        if b & 64 == 0 {
            return Some(v);
        }
    }
}
