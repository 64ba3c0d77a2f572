//! Encodings of positions and handlers (CPython's `co_linetable` and `co_exceptiontable`).

use crate::{ir::NONE, location::Loc};

/// Longest run of units one location entry covers.
const MAX_RUN: u32 = 8;

/// Encodes the positions of instructions, each with its width in units.
pub(crate) fn linetable(instrs: impl Iterator<Item = (Loc, u32)>, firstlineno: u32) -> Vec<u8> {
    let mut table = Vec::new();
    let mut line = firstlineno;
    let mut pending: Option<(Loc, u32)> = None;
    for (loc, width) in instrs {
        match &mut pending {
            Some((same, run)) if *same == loc => *run += width,
            _ => {
                if let Some((loc, run)) = pending.replace((loc, width)) {
                    entries(&mut table, loc, run, &mut line);
                }
            }
        }
    }
    if let Some((loc, run)) = pending {
        entries(&mut table, loc, run, &mut line);
    }
    table
}

fn entries(table: &mut Vec<u8>, loc: Loc, mut run: u32, line: &mut u32) {
    while run > 0 {
        let part = run.min(MAX_RUN);
        entry(table, loc, part, line);
        run -= part;
    }
}

fn entry(table: &mut Vec<u8>, loc: Loc, run: u32, line: &mut u32) {
    let mut first = |code: u32| table.push((0x80 | code << 3 | (run - 1)) as u8);
    if loc.is_none() {
        return first(15);
    }
    let delta = i64::from(loc.line) - i64::from(*line);
    *line = loc.line;
    let one_line = loc.line == loc.end_line && loc.end_col >= loc.col;
    if one_line && delta == 0 && loc.col < 80 && loc.end_col - loc.col < 16 {
        first(loc.col >> 3);
        table.push(((loc.col & 7) << 4 | (loc.end_col - loc.col)) as u8);
    } else if one_line && (0..3).contains(&delta) && loc.col < 128 && loc.end_col < 128 {
        first(10 + delta as u32);
        table.push(loc.col as u8);
        table.push(loc.end_col as u8);
    } else {
        first(14);
        signed(table, delta);
        unsigned(table, loc.end_line.saturating_sub(loc.line));
        unsigned(table, loc.col + 1);
        unsigned(table, loc.end_col + 1);
    }
}

fn unsigned(table: &mut Vec<u8>, mut n: u32) {
    while n >= 64 {
        table.push((0x40 | n & 63) as u8);
        n >>= 6;
    }
    table.push(n as u8);
}

fn signed(table: &mut Vec<u8>, n: i64) {
    let folded = if n < 0 { (n.unsigned_abs() as u32) << 1 | 1 } else { (n as u32) << 1 };
    unsigned(table, folded);
}

/// Encodes the handlers of instructions given as (offset, width, handler); `resolve` gives a handler's offset, depth
/// and whether the position is pushed.
pub(crate) fn exceptiontable(
    instrs: impl Iterator<Item = (u32, u32, u32)>,
    resolve: impl Fn(u32) -> (u32, u32, bool),
) -> Vec<u8> {
    let mut table = Vec::new();
    let mut region: Option<(u32, u32, u32)> = None;
    let mut finish = |(start, end, handler): (u32, u32, u32)| {
        let (target, depth, lasti) = resolve(handler);
        let at = table.len();
        for n in [start, end - start, target, depth << 1 | u32::from(lasti)] {
            big_endian(&mut table, n);
        }
        // The first byte of an entry is marked, so that the table can be searched.
        table[at] |= 0x80;
    };
    for (offset, width, handler) in instrs {
        match &mut region {
            Some((_, end, same)) if *same == handler => *end = offset + width,
            _ => {
                if let Some(done) = region.take() {
                    finish(done);
                }
                if handler != NONE {
                    region = Some((offset, offset + width, handler));
                }
            }
        }
    }
    if let Some(done) = region {
        finish(done);
    }
    table
}

fn big_endian(table: &mut Vec<u8>, n: u32) {
    for shift in [30, 24, 18, 12, 6] {
        if n >> shift > 0 {
            table.push((0x40 | n >> shift & 63) as u8);
        }
    }
    table.push((n & 63) as u8);
}

/// One region of an exception table, in units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First unit.
    pub start: u32,
    /// Behind the last unit.
    pub end: u32,
    /// Unit of the handler.
    pub target: u32,
    /// Stack depth the handler keeps.
    pub depth: u32,
    /// Whether the position of the raising instruction is pushed before the exception.
    pub lasti: bool,
}

/// Decodes an exception table. A damaged table ends early.
pub fn decode_exceptiontable(table: &[u8]) -> Vec<Region> {
    let mut bytes = table.iter();
    let mut number = || {
        let mut n: u32 = 0;
        loop {
            let byte = *bytes.next()?;
            n = n.checked_mul(64)?.checked_add(u32::from(byte & 63))?;
            if byte & 0x40 == 0 {
                return Some(n);
            }
        }
    };
    let mut regions = Vec::new();
    while let (Some(start), Some(len), Some(target), Some(depth)) = (number(), number(), number(), number()) {
        regions.push(Region {
            start,
            end: start.saturating_add(len),
            target,
            depth: depth >> 1,
            lasti: depth & 1 != 0,
        });
    }
    regions
}

/// Position of one unit, as `co_positions()` shows it. Lines count from 1, columns from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Line.
    pub line: Option<u32>,
    /// Last line.
    pub end_line: Option<u32>,
    /// Column in UTF-8 bytes.
    pub column: Option<u32>,
    /// Column behind the last byte.
    pub end_column: Option<u32>,
}

/// Decodes a location table: (units, position) for each entry. A damaged table ends early.
pub fn decode_linetable(table: &[u8], firstlineno: u32) -> Vec<(u32, Position)> {
    let mut entries = Vec::new();
    let mut line = i64::from(firstlineno);
    let mut bytes = table.iter().copied().peekable();
    while let Some(first) = bytes.next() {
        let units = u32::from(first & 7) + 1;
        let code = u32::from(first >> 3 & 15);
        let mut unsigned = || {
            let mut n: u32 = 0;
            let mut shift = 0;
            loop {
                let byte = bytes.next()?;
                n |= u32::from(byte & 63).checked_shl(shift)?;
                shift += 6;
                if byte & 0x40 == 0 {
                    return Some(n);
                }
            }
        };
        let unfold = |n: u32| if n & 1 != 0 { -i64::from(n >> 1) } else { i64::from(n >> 1) };
        let at = |line: i64| u32::try_from(line).ok();
        let position = match code {
            15 => Some(Position::default()),
            14 => (|| {
                line += unfold(unsigned()?);
                let end = line + i64::from(unsigned()?);
                let (column, end_column) = (unsigned()?, unsigned()?);
                Some(Position {
                    line: at(line),
                    end_line: at(end),
                    column: column.checked_sub(1),
                    end_column: end_column.checked_sub(1),
                })
            })(),
            13 => unsigned().map(|n| {
                line += unfold(n);
                Position { line: at(line), end_line: at(line), ..Position::default() }
            }),
            10..=12 => (|| {
                line += i64::from(code - 10);
                let (column, end_column) = (bytes.next()?, bytes.next()?);
                Some(Position {
                    line: at(line),
                    end_line: at(line),
                    column: Some(u32::from(column)),
                    end_column: Some(u32::from(end_column)),
                })
            })(),
            _ => bytes.next().map(|second| {
                let column = code << 3 | u32::from(second >> 4);
                Position {
                    line: at(line),
                    end_line: at(line),
                    column: Some(column),
                    end_column: Some(column + u32::from(second & 15)),
                }
            }),
        };
        match position {
            Some(position) => entries.push((units, position)),
            None => break,
        }
    }
    entries
}
