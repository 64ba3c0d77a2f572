//! Where a match can begin: tables over the first characters, which pass over most places without a run.

use std::sync::OnceLock;

use typhon_text::Unit;

use super::charset::takes;
use super::code::{MAXREPEAT, op};

/// How many characters are looked at.
const DEPTH: usize = 4;
/// The most instructions to look at; patterns with more ways to begin have no filter.
const STEPS: usize = 1000;
/// Shorter subjects are not worth the tables.
const WORTH: usize = 128;

/// What the first characters of every match are.
pub struct Filter {
    /// For each of them and every character below 256, the alternatives that it fits: a bit each.
    tables: [[u8; 256]; DEPTH],
    /// How many characters every match has at least, as far as they are known.
    depth: usize,
    /// The first character, if there is but one.
    only: Option<u32>,
}

/// The filter of a pattern, made for the first long subject.
#[derive(Default)]
pub struct FilterCell(OnceLock<Option<Box<Filter>>>);

impl FilterCell {
    /// The filter for the program that begins at `body`, if it has one and `length` is worth it.
    #[inline]
    pub fn get(&self, code: &[u32], body: usize, length: usize) -> Option<&Filter> {
        match self.0.get() {
            Some(filter) => filter.as_deref(),
            None if length < WORTH => None,
            None => self.0.get_or_init(|| Filter::new(code, body)).as_deref(),
        }
    }
}

struct Builder<'a> {
    code: &'a [u32],
    tables: [[u8; 256]; DEPTH],
    steps: usize,
    buckets: u32,
}

impl Builder<'_> {
    /// Notes that the instruction at `pc`, which takes one character, takes the `i`th one. False: this is not known.
    fn note(&mut self, pc: usize, i: usize, bit: u8) -> bool {
        let code = self.code;
        match code[pc] {
            op::LITERAL => {
                if let Some(entry) = self.tables[i].get_mut(code[pc + 1] as usize) {
                    *entry |= bit;
                }
            }
            op::LITERAL_LOC_IGNORE | op::NOT_LITERAL_LOC_IGNORE | op::IN_LOC_IGNORE => return false,
            _ => {
                for (c, entry) in (0..).zip(&mut self.tables[i]) {
                    if takes(code, pc, c) {
                        *entry |= bit;
                    }
                }
            }
        }
        true
    }

    /// Notes the characters from the `i`th one up to `limit` on all ways from `pc` on. Returns how many characters are
    /// known then; `None`: too many ways.
    fn explore(&mut self, mut pc: usize, mut i: usize, limit: usize, bit: u8) -> Option<usize> {
        let code = self.code;
        loop {
            if i >= limit {
                return Some(limit);
            }
            self.steps += 1;
            if self.steps > STEPS {
                return None;
            }
            match code[pc] {
                op::MARK | op::AT => pc += 2,
                op::JUMP | op::INFO | op::ASSERT | op::ASSERT_NOT => pc += 1 + code[pc + 1] as usize,
                op::ATOMIC_GROUP => pc += 2,
                op::IN | op::IN_IGNORE | op::IN_UNI_IGNORE | op::IN_LOC_IGNORE => {
                    if !self.note(pc, i, bit) {
                        return Some(i);
                    }
                    i += 1;
                    pc += 1 + code[pc + 1] as usize;
                }
                op::ANY | op::ANY_ALL => {
                    self.note(pc, i, bit);
                    i += 1;
                    pc += 1;
                }
                op::LITERAL
                | op::NOT_LITERAL
                | op::CATEGORY
                | op::LITERAL_IGNORE
                | op::NOT_LITERAL_IGNORE
                | op::LITERAL_UNI_IGNORE
                | op::NOT_LITERAL_UNI_IGNORE
                | op::LITERAL_LOC_IGNORE
                | op::NOT_LITERAL_LOC_IGNORE => {
                    if !self.note(pc, i, bit) {
                        return Some(i);
                    }
                    i += 1;
                    pc += 2;
                }
                op::BRANCH => {
                    let first = i == 0;
                    let (mut place, mut known) = (pc + 1, limit);
                    while code[place] != 0 {
                        // Alternatives at the very beginning are told apart.
                        let bit = if first { self.bucket() } else { bit };
                        known = known.min(self.explore(place + 1, i, known, bit)?);
                        place += code[place] as usize;
                    }
                    return Some(known);
                }
                op::REPEAT_ONE | op::MIN_REPEAT_ONE | op::POSSESSIVE_REPEAT_ONE => {
                    let (min, max) = (code[pc + 2], code[pc + 3]);
                    let tail = pc + 1 + code[pc + 1] as usize;
                    let sure = (min as usize).min(limit - i);
                    for _ in 0..sure {
                        if !self.note(pc + 4, i, bit) {
                            return Some(i);
                        }
                        i += 1;
                    }
                    if i >= limit {
                        return Some(limit);
                    }
                    if max > min || max == MAXREPEAT {
                        // One more, or what follows.
                        if !self.note(pc + 4, i, bit) {
                            return Some(i);
                        }
                        return self.explore(tail, i, i + 1, bit);
                    }
                    pc = tail;
                }
                op::REPEAT if code[pc + 2] > 0 => pc += 4,
                _ => return Some(i),
            }
        }
    }

    fn bucket(&mut self) -> u8 {
        self.buckets += 1;
        1 << (self.buckets % 8)
    }
}

impl Filter {
    fn new(code: &[u32], body: usize) -> Option<Box<Filter>> {
        let mut builder = Builder { code, tables: [[0; 256]; DEPTH], steps: 0, buckets: 0 };
        let depth = builder.explore(body, 0, DEPTH, 1)?;
        let mut begins = builder.tables[0].iter().zip(0..).filter(|(bits, _)| **bits != 0);
        let only = match (begins.next(), begins.next()) {
            (Some((_, c)), None) => Some(c),
            _ => None,
        };
        (depth > 0).then(|| Box::new(Filter { tables: builder.tables, depth, only }))
    }

    /// The bits of a character. Beyond the tables, everything may fit.
    #[inline(always)]
    fn bits<U: Unit>(&self, i: usize, c: U) -> u8 {
        let c = c.point();
        if c < 256 { self.tables[i][c as usize] } else { u8::MAX }
    }

    /// The first place from `from` on where a match may begin.
    #[inline]
    pub fn next<U: Unit>(&self, text: &[U], from: usize) -> Option<usize> {
        let rest = text.get(from..)?;
        let skip = match self.depth {
            1 => self.scan::<U, 1>(rest),
            2 => self.scan::<U, 2>(rest),
            3 => self.scan::<U, 3>(rest),
            _ => self.scan::<U, DEPTH>(rest),
        }?;
        Some(from + skip)
    }

    fn scan<U: Unit, const N: usize>(&self, text: &[U]) -> Option<usize> {
        let fits = |here: &[U; N]| {
            let mut bits = self.bits(0, here[0]);
            // The first one mostly decides.
            if bits == 0 {
                return false;
            }
            for (i, c) in here.iter().enumerate().skip(1) {
                bits &= self.bits(i, *c);
            }
            bits != 0
        };
        // A wide character may begin a match as well, so that one character is not all to look for.
        let only = self.only.filter(|_| U::MAX < 256).and_then(U::from_point);
        let Some(only) = only else { return text.array_windows::<N>().position(fits) };
        let mut at = 0;
        loop {
            at += only.position(text.get(at..)?)?;
            while let Some(here) = text[at..].first_chunk::<N>()
                && here[0] == only
            {
                if fits(here) {
                    return Some(at);
                }
                at += 1;
            }
            if text.len() - at < N {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(code: &[u32], text: &str, from: usize) -> Option<usize> {
        Filter::new(code, 0).and_then(|f| f.next(text.as_bytes(), from))
    }

    #[test]
    fn alternatives_are_told_apart() {
        // ab|cd
        let code = [
            op::BRANCH,
            7,
            op::LITERAL,
            97,
            op::LITERAL,
            98,
            op::JUMP,
            9,
            7,
            op::LITERAL,
            99,
            op::LITERAL,
            100,
            op::JUMP,
            2,
            0,
            op::SUCCESS,
        ];
        assert_eq!(next(&code, "adcbacdab", 0), Some(5));
        assert_eq!(next(&code, "adcbacdab", 6), Some(7));
        assert_eq!(next(&code, "adcba", 0), None);
    }

    #[test]
    fn repeats_end_what_is_known() {
        // a*bc: a or b, no more is known.
        let code = [
            op::REPEAT_ONE,
            6,
            0,
            MAXREPEAT,
            op::LITERAL,
            97,
            op::SUCCESS,
            op::LITERAL,
            98,
            op::LITERAL,
            99,
            op::SUCCESS,
        ];
        assert_eq!(next(&code, "xxbx", 0), Some(2));
        assert_eq!(next(&code, "xxax", 0), Some(2));
        assert_eq!(next(&code, "xxcx", 0), None);
        // Nothing is needed: there is no filter.
        assert!(Filter::new(&code[7..], 4).is_none());
    }

    #[test]
    fn one_first_character() {
        let code = [op::LITERAL, 80, op::LITERAL, 121, op::SUCCESS];
        assert_eq!(next(&code, "--PPPP-Py", 0), Some(7));
        assert_eq!(next(&code, "--PPPP-P", 0), None);
        assert_eq!(next(&code, "", 0), None);
    }
}
