//! Numbers of the compiled form of regular expressions, as `re._constants` defines them for 3.14, and the
//! check that a program keeps to the form.

/// `re._constants.MAGIC`
pub const MAGIC: i64 = 20230612;
/// "No upper limit" of a repeat.
pub const MAXREPEAT: u32 = u32::MAX;

macro_rules! numbers {
    ($($name:ident)*) => { numbers!(@ 0; $($name)*); };
    (@ $n:expr; $first:ident $($rest:ident)*) => {
        #[allow(missing_docs, reason = "named like the constants of re._constants")]
        pub const $first: u32 = $n;
        numbers!(@ $n + 1; $($rest)*);
    };
    (@ $n:expr;) => {};
}

pub mod op {
    numbers! {
        FAILURE SUCCESS ANY ANY_ALL ASSERT ASSERT_NOT AT BRANCH CATEGORY CHARSET BIGCHARSET GROUPREF
        GROUPREF_EXISTS IN INFO JUMP LITERAL MARK MAX_UNTIL MIN_UNTIL NOT_LITERAL NEGATE RANGE REPEAT
        REPEAT_ONE SUBPATTERN MIN_REPEAT_ONE ATOMIC_GROUP POSSESSIVE_REPEAT POSSESSIVE_REPEAT_ONE
        GROUPREF_IGNORE IN_IGNORE LITERAL_IGNORE NOT_LITERAL_IGNORE
        GROUPREF_LOC_IGNORE IN_LOC_IGNORE LITERAL_LOC_IGNORE NOT_LITERAL_LOC_IGNORE
        GROUPREF_UNI_IGNORE IN_UNI_IGNORE LITERAL_UNI_IGNORE NOT_LITERAL_UNI_IGNORE RANGE_UNI_IGNORE
    }
}

pub mod at {
    numbers! {
        BEGINNING BEGINNING_LINE BEGINNING_STRING BOUNDARY NON_BOUNDARY END END_LINE END_STRING
        LOC_BOUNDARY LOC_NON_BOUNDARY UNI_BOUNDARY UNI_NON_BOUNDARY
    }
}

pub mod category {
    numbers! {
        DIGIT NOT_DIGIT SPACE NOT_SPACE WORD NOT_WORD LINEBREAK NOT_LINEBREAK LOC_WORD LOC_NOT_WORD
        UNI_DIGIT UNI_NOT_DIGIT UNI_SPACE UNI_NOT_SPACE UNI_WORD UNI_NOT_WORD UNI_LINEBREAK UNI_NOT_LINEBREAK
    }
}

pub mod info {
    pub const PREFIX: u32 = 1;
    pub const LITERAL: u32 = 2;
    pub const CHARSET: u32 = 4;
}

/// Is this a well-formed program for so many groups? The engine relies on it: every jump lands on an
/// instruction, every operand is there, every mark and group exists.
pub fn is_valid(code: &[u32], groups: usize) -> bool {
    matches!(code.last(), Some(&op::SUCCESS)) && Checker { code, groups }.block(0, code.len() - 1, 0)
}

struct Checker<'a> {
    code: &'a [u32],
    groups: usize,
}

impl Checker<'_> {
    /// The place that the skip word at `at` leads to, if it is at most `end`.
    fn skip(&self, at: usize, end: usize) -> Option<usize> {
        let to = at.checked_add(*self.code.get(at)? as usize)?;
        (to > at && to <= end && at < end).then_some(to)
    }

    fn set(&self, mut at: usize, end: usize) -> bool {
        while at < end {
            let Some(next) = (match self.code[at] {
                op::FAILURE => return at + 1 == end,
                op::NEGATE => Some(at + 1),
                op::LITERAL => Some(at + 2),
                op::CATEGORY if at + 1 < end && self.code[at + 1] <= category::UNI_NOT_LINEBREAK => {
                    Some(at + 2)
                }
                op::RANGE | op::RANGE_UNI_IGNORE => Some(at + 3),
                op::CHARSET => Some(at + 9),
                op::BIGCHARSET if at + 66 <= end => {
                    let blocks = self.code[at + 1] as usize;
                    let known = self.code[at + 2..at + 66]
                        .iter()
                        .all(|w| w.to_ne_bytes().iter().all(|b| (*b as usize) < blocks));
                    known.then_some(at + 66 + blocks.saturating_mul(8))
                }
                _ => None,
            }) else {
                return false;
            };
            at = next;
        }
        false
    }

    /// Instructions from `at` to exactly `end`.
    fn block(&self, mut at: usize, end: usize, depth: usize) -> bool {
        if depth > 5000 {
            return false;
        }
        while at < end {
            match self.one(at, end, depth) {
                Some(next) if next > at && next <= end => at = next,
                _ => return false,
            }
        }
        at == end
    }

    fn one(&self, at: usize, end: usize, depth: usize) -> Option<usize> {
        let arg = |i: usize| (at + i < end).then(|| self.code[at + i]);
        match self.code[at] {
            op::FAILURE | op::SUCCESS | op::ANY | op::ANY_ALL => Some(at + 1),
            op::LITERAL
            | op::NOT_LITERAL
            | op::LITERAL_IGNORE
            | op::NOT_LITERAL_IGNORE
            | op::LITERAL_LOC_IGNORE
            | op::NOT_LITERAL_LOC_IGNORE
            | op::LITERAL_UNI_IGNORE
            | op::NOT_LITERAL_UNI_IGNORE => arg(1).map(|_| at + 2),
            op::MARK => arg(1).filter(|m| (*m as usize) < self.groups * 2).map(|_| at + 2),
            op::AT => arg(1).filter(|a| *a <= at::UNI_NON_BOUNDARY).map(|_| at + 2),
            op::CATEGORY => arg(1).filter(|c| *c <= category::UNI_NOT_LINEBREAK).map(|_| at + 2),
            op::GROUPREF | op::GROUPREF_IGNORE | op::GROUPREF_LOC_IGNORE | op::GROUPREF_UNI_IGNORE => {
                arg(1).filter(|g| (*g as usize) < self.groups).map(|_| at + 2)
            }
            op::IN | op::IN_IGNORE | op::IN_LOC_IGNORE | op::IN_UNI_IGNORE => {
                let next = self.skip(at + 1, end)?;
                self.set(at + 2, next).then_some(next)
            }
            op::INFO => self.info(at, end),
            op::BRANCH => self.branch(at, end, depth),
            op::REPEAT_ONE | op::MIN_REPEAT_ONE | op::POSSESSIVE_REPEAT_ONE => {
                let next = self.skip(at + 1, end)?;
                let ok = at + 5 < next
                    && self.code[at + 2] <= self.code[at + 3]
                    && self.code[next - 1] == op::SUCCESS
                    && self.block(at + 4, next - 1, depth + 1);
                ok.then_some(next)
            }
            op::REPEAT | op::POSSESSIVE_REPEAT => {
                let last = self.skip(at + 1, end)?;
                let possessive = self.code[at] == op::POSSESSIVE_REPEAT;
                let closing = *self.code.get(last).filter(|_| last < end)?;
                let fits = if possessive {
                    closing == op::SUCCESS
                } else {
                    matches!(closing, op::MAX_UNTIL | op::MIN_UNTIL)
                };
                let ok = at + 4 <= last
                    && fits
                    && self.code[at + 2] <= self.code[at + 3]
                    && self.block(at + 4, last, depth + 1);
                ok.then_some(last + 1)
            }
            op::ATOMIC_GROUP => {
                let next = self.skip(at + 1, end)?;
                let ok = at + 2 < next
                    && self.code[next - 1] == op::SUCCESS
                    && self.block(at + 2, next - 1, depth + 1);
                ok.then_some(next)
            }
            op::ASSERT | op::ASSERT_NOT => {
                let next = self.skip(at + 1, end)?;
                let ok = at + 3 < next
                    && self.code[next - 1] == op::SUCCESS
                    && self.block(at + 3, next - 1, depth + 1);
                ok.then_some(next)
            }
            op::GROUPREF_EXISTS => {
                arg(1).filter(|g| (*g as usize) < self.groups)?;
                let skip = arg(2)? as usize;
                let no = at + 1 + skip;
                if no < at + 3 || no > end {
                    return None;
                }
                // With an alternative, the first part ends in a jump over the second.
                if no >= at + 5 && self.code[no - 2] == op::JUMP {
                    let next = no - 1 + self.code[no - 1] as usize;
                    if next >= no
                        && next <= end
                        && self.block(at + 3, no - 2, depth + 1)
                        && self.block(no, next, depth + 1)
                    {
                        return Some(next);
                    }
                }
                self.block(at + 3, no, depth + 1).then_some(no)
            }
            _ => None,
        }
    }

    fn info(&self, at: usize, end: usize) -> Option<usize> {
        let next = self.skip(at + 1, end)?;
        if next < at + 5 {
            return None;
        }
        let flags = self.code[at + 2];
        if flags & info::PREFIX != 0 {
            let n = *self.code.get(at + 5)? as usize;
            return (n > 0 && at + 7 + 2 * n == next).then_some(next);
        }
        if flags & info::CHARSET != 0 {
            return self.set(at + 5, next).then_some(next);
        }
        Some(next)
    }

    fn branch(&self, at: usize, end: usize, depth: usize) -> Option<usize> {
        let mut place = at + 1;
        let mut target = None;
        while *self.code.get(place).filter(|_| place < end)? != 0 {
            let next = self.skip(place, end)?;
            // The alternative ends in a jump behind the whole branch.
            if next < place + 3 || self.code[next - 2] != op::JUMP {
                return None;
            }
            let to = next - 1 + self.code[next - 1] as usize;
            if to > end || *target.get_or_insert(to) != to || !self.block(place + 1, next - 2, depth + 1) {
                return None;
            }
            place = next;
        }
        let behind = place + 1;
        match target {
            Some(t) if t == behind => Some(behind),
            None => Some(behind),
            _ => None,
        }
    }
}
