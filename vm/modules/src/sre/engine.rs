//! The matcher: a backtracking machine over the compiled form of `re`.
//!
//! Choices stand on an explicit stack, so no subject overflows the machine stack. Every change of a mark or
//! of a repeat is written to a trail; taking a choice back undoes the changes since it was made.

use typhon_text::Unit;

use super::charset::{Words, contains, in_category, lower_ascii, lower_locale, lower_unicode, takes};
use super::code::{MAXREPEAT, at, info, op};
use super::filter::FilterCell;

/// A mark that is not set.
pub const UNSET: usize = usize::MAX;
const NO_REPEAT: u32 = u32::MAX;

/// What to do when everything after a choice failed.
#[derive(Clone, Copy)]
enum Kind {
    /// Try the next alternative, whose skip word is at `pc`.
    Branch,
    /// Give back one repetition; `count` are taken from `pos` on.
    RepeatOne,
    /// Take one repetition more.
    MinRepeatOne,
    /// Leave the loop instead of going round.
    MaxUntil,
    /// Go round instead of leaving the loop.
    MinUntil,
}

#[derive(Clone, Copy)]
struct Choice {
    kind: Kind,
    pc: u32,
    pos: usize,
    count: usize,
    trail: usize,
}

/// An entry of the trail: how something was before.
#[derive(Clone, Copy)]
enum Undo {
    Mark {
        index: u32,
        last_index: u32,
        old: usize,
    },
    Count {
        repeat: u32,
        old: u32,
    },
    Last {
        repeat: u32,
        old: usize,
    },
    Current {
        old: u32,
    },
    /// A repeat was entered.
    Entered {
        old: u32,
    },
}

/// A running `REPEAT`.
#[derive(Clone, Copy)]
struct Repeat {
    /// Of its instruction.
    pc: u32,
    /// Finished rounds; starts at -1 as the loop's end counts it up first.
    count: u32,
    /// Where the last round began.
    last: usize,
    previous: u32,
}

/// Memory of a run, kept by the thread for the next one.
#[derive(Default)]
pub struct Buffers {
    stack: Vec<Choice>,
    trail: Vec<Undo>,
    repeats: Vec<Repeat>,
    /// Start and end of each group.
    pub marks: Vec<usize>,
}

thread_local! {
    static BUFFERS: core::cell::Cell<Option<Box<Buffers>>> = const { core::cell::Cell::new(None) };
}

impl Buffers {
    pub fn take() -> Box<Buffers> {
        BUFFERS.take().unwrap_or_default()
    }

    /// Keeps the memory for the next run, unless it has grown out of proportion.
    pub fn give(self: Box<Buffers>) {
        if self.stack.capacity() <= 1 << 16 && self.trail.capacity() <= 1 << 16 {
            BUFFERS.set(Some(self));
        }
    }
}

/// One subject and one program.
pub struct Machine<'a, U> {
    text: &'a [U],
    code: &'a [u32],
    filter: &'a FilterCell,
    /// Where the run began, and must not end when `must_advance`.
    start: usize,
    end: usize,
    match_all: bool,
    pub must_advance: bool,
    pub buffers: Box<Buffers>,
    /// The group that was closed last, from 1; 0 = none.
    pub last_index: u32,
    current: u32,
    /// Where the match ended.
    pub match_end: usize,
    /// Where the match began.
    pub match_start: usize,
}

impl<'a, U: Unit> Machine<'a, U> {
    /// `end` is at most the length of `text`; the program is valid for so many groups.
    pub fn new(
        text: &'a [U],
        code: &'a [u32],
        filter: &'a FilterCell,
        groups: usize,
        end: usize,
        match_all: bool,
    ) -> Machine<'a, U> {
        let mut buffers = Buffers::take();
        buffers.marks.clear();
        buffers.marks.resize(groups * 2, UNSET);
        Machine {
            text,
            code,
            filter,
            start: 0,
            end,
            match_all,
            must_advance: false,
            buffers,
            last_index: 0,
            current: NO_REPEAT,
            match_end: 0,
            match_start: 0,
        }
    }

    fn reset(&mut self) {
        let b = &mut *self.buffers;
        b.stack.clear();
        b.trail.clear();
        b.repeats.clear();
        b.marks.fill(UNSET);
        self.last_index = 0;
        self.current = NO_REPEAT;
    }

    /// Where the instructions begin: behind the block of hints.
    fn body(&self) -> usize {
        if self.code[0] == op::INFO { 1 + self.code[1] as usize } else { 0 }
    }

    /// Matches at `start`.
    pub fn match_at(&mut self, start: usize) -> bool {
        self.reset();
        if start > self.end {
            return false;
        }
        self.attempt(self.body(), start)
    }

    #[inline]
    fn attempt(&mut self, pc: usize, start: usize) -> bool {
        self.start = start;
        self.match_start = start;
        self.run(pc, start, true)
    }

    /// Finds the first match that begins at `start` or later.
    pub fn search(&mut self, start: usize) -> bool {
        self.reset();
        if start > self.end {
            return false;
        }
        let body = self.body();
        let (mut flags, mut min) = (0, 0);
        if body > 0 {
            (flags, min) = (self.code[2], self.code[3] as usize);
        }
        if self.end - start < min {
            return false;
        }
        let last = self.end - min;
        if flags & info::PREFIX != 0 && (flags & info::LITERAL != 0 || self.code[5] > 1) {
            return self.search_prefix(start, last, flags & info::LITERAL != 0, body);
        }
        let anchored =
            self.code[body] == op::AT && matches!(self.code[body + 1], at::BEGINNING | at::BEGINNING_STRING);
        let filter = self.filter;
        if !anchored && let Some(filter) = filter.get(self.code, body, self.end - start) {
            let text = &self.text[..self.end];
            let mut from = start;
            while let Some(pos) = filter.next(text, from) {
                if self.attempt(body, pos) {
                    return true;
                }
                from = pos + 1;
            }
            return false;
        }
        if flags & info::PREFIX != 0 {
            return self.search_prefix(start, last, false, body);
        }
        if flags & info::CHARSET != 0 {
            let set = &self.code[5..];
            for pos in start..=last.min(self.end.saturating_sub(1)) {
                if pos < self.end && contains(set, self.text[pos].point()) {
                    if self.attempt(body, pos) {
                        return true;
                    }
                    self.must_advance = false;
                }
            }
            return false;
        }
        for pos in start..=last {
            if self.attempt(body, pos) {
                return true;
            }
            self.must_advance = false;
            if anchored {
                return false;
            }
        }
        false
    }

    fn search_prefix(&mut self, start: usize, last: usize, literal: bool, body: usize) -> bool {
        let n = self.code[5] as usize;
        let prefix = &self.code[7..7 + n];
        let Some(first) = U::from_point(prefix[0]) else { return false };
        let mut pos = start;
        while pos <= last && pos < self.end {
            if self.text[pos] != first {
                match first.position(&self.text[pos..self.end]) {
                    Some(skip) => pos += skip,
                    None => return false,
                }
            }
            if pos > last || self.end - pos < n {
                return false;
            }
            let here = &self.text[pos..pos + n];
            if here.iter().zip(prefix).all(|(c, p)| c.point() == *p) {
                if literal && !self.match_all {
                    (self.match_start, self.match_end) = (pos, pos + n);
                    return true;
                }
                if self.attempt(body, pos) {
                    return true;
                }
                self.must_advance = false;
            }
            pos += 1;
        }
        false
    }

    #[inline]
    fn at(&self, pos: usize) -> u32 {
        self.text[pos].point()
    }

    fn set_mark(&mut self, index: usize, pos: usize) {
        let b = &mut *self.buffers;
        let old = b.marks[index];
        b.trail.push(Undo::Mark { index: index as u32, last_index: self.last_index, old });
        b.marks[index] = pos;
        if index & 1 != 0 {
            self.last_index = index as u32 / 2 + 1;
        }
    }

    fn undo_to(&mut self, trail: usize) {
        let b = &mut *self.buffers;
        while b.trail.len() > trail {
            match b.trail.pop() {
                Some(Undo::Mark { index, last_index, old }) => {
                    b.marks[index as usize] = old;
                    self.last_index = last_index;
                }
                Some(Undo::Count { repeat, old }) => b.repeats[repeat as usize].count = old,
                Some(Undo::Last { repeat, old }) => b.repeats[repeat as usize].last = old,
                Some(Undo::Current { old }) => self.current = old,
                Some(Undo::Entered { old }) => {
                    self.current = old;
                    b.repeats.pop();
                }
                None => return,
            }
        }
    }

    #[inline]
    fn choose(&mut self, kind: Kind, pc: usize, pos: usize, count: usize) {
        let b = &mut *self.buffers;
        let trail = b.trail.len();
        b.stack.push(Choice { kind, pc: pc as u32, pos, count, trail });
    }

    fn leave_repeat(&mut self, repeat: u32) {
        let b = &mut *self.buffers;
        b.trail.push(Undo::Current { old: self.current });
        self.current = b.repeats[repeat as usize].previous;
    }

    fn go_round(&mut self, repeat: u32, count: u32, last: Option<usize>) -> usize {
        let b = &mut *self.buffers;
        let r = &mut b.repeats[repeat as usize];
        b.trail.push(Undo::Count { repeat, old: r.count });
        r.count = count;
        if let Some(pos) = last {
            b.trail.push(Undo::Last { repeat, old: r.last });
            r.last = pos;
        }
        r.pc as usize + 4
    }

    fn boundary(&self, pos: usize, words: Words) -> bool {
        if self.text.is_empty() {
            return false;
        }
        let before = pos > 0 && words.contain(self.at(pos - 1));
        let after = pos < self.end && words.contain(self.at(pos));
        before != after
    }

    fn is_at(&self, which: u32, pos: usize) -> bool {
        match which {
            at::BEGINNING | at::BEGINNING_STRING => pos == 0,
            at::BEGINNING_LINE => pos == 0 || self.at(pos - 1) == 10,
            at::END => pos == self.end || (pos + 1 == self.end && self.at(pos) == 10),
            at::END_LINE => pos == self.end || self.at(pos) == 10,
            at::END_STRING => pos == self.end,
            at::BOUNDARY => self.boundary(pos, Words::Ascii),
            at::NON_BOUNDARY => !self.boundary(pos, Words::Ascii),
            at::LOC_BOUNDARY => self.boundary(pos, Words::Locale),
            at::LOC_NON_BOUNDARY => !self.boundary(pos, Words::Locale),
            at::UNI_BOUNDARY => self.boundary(pos, Words::Unicode),
            _ => !self.boundary(pos, Words::Unicode),
        }
    }

    #[inline]
    fn takes(&self, pc: usize, c: u32) -> bool {
        takes(self.code, pc, c)
    }

    /// How often the one-character instruction at `pc` matches from `pos` on, at most `max` times.
    fn count(&self, pc: usize, pos: usize, max: u32) -> usize {
        let room = self.end - pos;
        let room = if max == MAXREPEAT { room } else { room.min(max as usize) };
        let text = &self.text[pos..pos + room];
        let run = |f: &dyn Fn(u32) -> bool| text.iter().position(|c| !f(c.point())).unwrap_or(room);
        let code = self.code;
        match code[pc] {
            op::ANY_ALL => room,
            op::ANY => U::from_point(10).and_then(|nl| nl.position(text)).unwrap_or(room),
            op::NOT_LITERAL => U::from_point(code[pc + 1]).and_then(|c| c.position(text)).unwrap_or(room),
            op::LITERAL => {
                let c = code[pc + 1];
                text.iter().position(|u| u.point() != c).unwrap_or(room)
            }
            op::IN => {
                let set = &code[pc + 2..];
                match (set[0], set.get(2), set.get(3)) {
                    (op::CATEGORY, Some(&op::FAILURE), _) => {
                        let which = set[1];
                        text.iter().position(|u| !in_category(which, u.point())).unwrap_or(room)
                    }
                    (op::RANGE, _, Some(&op::FAILURE)) => {
                        let (low, high) = (set[1], set[2]);
                        text.iter().position(|u| !(low..=high).contains(&u.point())).unwrap_or(room)
                    }
                    (op::NEGATE, Some(&c), Some(&op::FAILURE)) if set[1] == op::LITERAL => {
                        U::from_point(c).and_then(|c| c.position(text)).unwrap_or(room)
                    }
                    (op::CHARSET, ..) if set[9] == op::FAILURE => text
                        .iter()
                        .position(|u| {
                            let c = u.point() as usize;
                            c > 255 || set[1 + (c >> 5)] & 1 << (c & 31) == 0
                        })
                        .unwrap_or(room),
                    _ => text.iter().position(|u| !contains(set, u.point())).unwrap_or(room),
                }
            }
            _ => run(&|c| self.takes(pc, c)),
        }
    }

    /// The largest count in `min..=count` after which the literal `c` stands, counting from `base`.
    fn literal_behind(&self, base: usize, mut count: usize, min: usize, c: u32) -> Option<usize> {
        // It is near mostly.
        for _ in 0..8 {
            let pos = base + count;
            if pos < self.end && self.at(pos) == c {
                return Some(count);
            }
            if count == min {
                return None;
            }
            count -= 1;
        }
        let room = &self.text[base + min..=base + count];
        U::from_point(c)?.last_position(room).map(|n| min + n)
    }

    /// The literal that the tail at `pc` begins with.
    #[inline]
    fn tail_literal(&self, mut pc: usize) -> Option<u32> {
        while self.code[pc] == op::MARK {
            pc += 2;
        }
        (self.code[pc] == op::LITERAL).then(|| self.code[pc + 1])
    }

    fn same_group(&self, group: usize, pos: usize, same: impl Fn(u32, u32) -> bool) -> Option<usize> {
        let (from, to) = (self.buffers.marks[group * 2], self.buffers.marks[group * 2 + 1]);
        if from == UNSET || to == UNSET || to < from {
            return None;
        }
        let n = to - from;
        if self.end - pos < n {
            return None;
        }
        (0..n).all(|i| same(self.at(from + i), self.at(pos + i))).then_some(pos + n)
    }

    /// Runs a part of the program that ends in SUCCESS, and forgets the choices in it.
    fn sub_run(&mut self, pc: usize, pos: usize) -> Option<usize> {
        let saved = self.match_end;
        let ok = self.run(pc, pos, false);
        let end = core::mem::replace(&mut self.match_end, saved);
        ok.then_some(end)
    }

    /// Runs from `pc` at `pos`. True: `match_end` is set, choices made meanwhile are gone, their trail stays.
    fn run(&mut self, pc: usize, pos: usize, toplevel: bool) -> bool {
        let base = self.buffers.stack.len();
        let trail = self.buffers.trail.len();
        let mut next = Some((pc, pos));
        loop {
            let (mut pc, mut pos) = match next {
                Some(n) => n,
                None => match self.take_back(base) {
                    Some(n) => n,
                    None => {
                        self.undo_to(trail);
                        return false;
                    }
                },
            };
            next = loop {
                let code = self.code;
                match code[pc] {
                    op::LITERAL => {
                        if pos >= self.end || self.at(pos) != code[pc + 1] {
                            break None;
                        }
                        pos += 1;
                        pc += 2;
                    }
                    op::MARK => {
                        self.set_mark(code[pc + 1] as usize, pos);
                        pc += 2;
                    }
                    op::IN | op::IN_IGNORE | op::IN_UNI_IGNORE | op::IN_LOC_IGNORE => {
                        if pos >= self.end || !self.takes(pc, self.at(pos)) {
                            break None;
                        }
                        pos += 1;
                        pc += 1 + code[pc + 1] as usize;
                    }
                    op::ANY | op::ANY_ALL => {
                        if pos >= self.end || !self.takes(pc, self.at(pos)) {
                            break None;
                        }
                        pos += 1;
                        pc += 1;
                    }
                    op::SUCCESS => {
                        if toplevel
                            && ((self.match_all && pos != self.end)
                                || (self.must_advance && pos == self.start))
                        {
                            break None;
                        }
                        self.match_end = pos;
                        self.buffers.stack.truncate(base);
                        return true;
                    }
                    op::REPEAT_ONE => {
                        let tail = pc + 1 + code[pc + 1] as usize;
                        let min = code[pc + 2] as usize;
                        let count = self.count(pc + 4, pos, code[pc + 3]);
                        if count < min {
                            break None;
                        }
                        let mut others = true;
                        let count = match self.tail_literal(tail) {
                            None => count,
                            // What is repeated cannot be the literal as well: there is one way only.
                            Some(c) if !self.takes(pc + 4, c) => {
                                others = false;
                                if pos + count >= self.end || self.at(pos + count) != c {
                                    break None;
                                }
                                count
                            }
                            Some(c) => match self.literal_behind(pos, count, min, c) {
                                Some(n) => n,
                                None => break None,
                            },
                        };
                        if count > min && others {
                            self.choose(Kind::RepeatOne, pc, pos, count);
                        }
                        pos += count;
                        pc = tail;
                    }
                    op::MIN_REPEAT_ONE => {
                        let min = code[pc + 2];
                        if min > 0 {
                            if self.count(pc + 4, pos, min) < min as usize {
                                break None;
                            }
                            pos += min as usize;
                        }
                        if min < code[pc + 3] {
                            self.choose(Kind::MinRepeatOne, pc, pos, min as usize);
                        }
                        pc += 1 + code[pc + 1] as usize;
                    }
                    op::POSSESSIVE_REPEAT_ONE => {
                        let count = self.count(pc + 4, pos, code[pc + 3]);
                        if count < code[pc + 2] as usize {
                            break None;
                        }
                        pos += count;
                        pc += 1 + code[pc + 1] as usize;
                    }
                    op::BRANCH => match self.alternative(pc + 1, pos) {
                        Some(at) => pc = at,
                        None => break None,
                    },
                    op::JUMP => pc += 1 + code[pc + 1] as usize,
                    op::REPEAT => {
                        let b = &mut *self.buffers;
                        b.trail.push(Undo::Entered { old: self.current });
                        b.repeats.push(Repeat {
                            pc: pc as u32,
                            count: u32::MAX,
                            last: UNSET,
                            previous: self.current,
                        });
                        self.current = b.repeats.len() as u32 - 1;
                        pc += 1 + code[pc + 1] as usize;
                    }
                    op::MAX_UNTIL => {
                        let repeat = self.current;
                        let r = self.buffers.repeats[repeat as usize];
                        let (min, max) = (code[r.pc as usize + 2], code[r.pc as usize + 3]);
                        let count = r.count.wrapping_add(1);
                        if count < min {
                            pc = self.go_round(repeat, count, None);
                        } else if (count < max || max == MAXREPEAT) && pos != r.last {
                            self.choose(Kind::MaxUntil, pc, pos, 0);
                            pc = self.go_round(repeat, count, Some(pos));
                        } else {
                            self.leave_repeat(repeat);
                            pc += 1;
                        }
                    }
                    op::MIN_UNTIL => {
                        let repeat = self.current;
                        let r = self.buffers.repeats[repeat as usize];
                        let count = r.count.wrapping_add(1);
                        if count < code[r.pc as usize + 2] {
                            pc = self.go_round(repeat, count, None);
                        } else {
                            self.choose(Kind::MinUntil, pc, pos, 0);
                            self.leave_repeat(repeat);
                            pc += 1;
                        }
                    }
                    op::AT => {
                        if !self.is_at(code[pc + 1], pos) {
                            break None;
                        }
                        pc += 2;
                    }
                    op::NOT_LITERAL
                    | op::CATEGORY
                    | op::LITERAL_IGNORE
                    | op::NOT_LITERAL_IGNORE
                    | op::LITERAL_UNI_IGNORE
                    | op::NOT_LITERAL_UNI_IGNORE
                    | op::LITERAL_LOC_IGNORE
                    | op::NOT_LITERAL_LOC_IGNORE => {
                        if pos >= self.end || !self.takes(pc, self.at(pos)) {
                            break None;
                        }
                        pos += 1;
                        pc += 2;
                    }
                    op::GROUPREF
                    | op::GROUPREF_IGNORE
                    | op::GROUPREF_UNI_IGNORE
                    | op::GROUPREF_LOC_IGNORE => {
                        let group = code[pc + 1] as usize;
                        let end = match code[pc] {
                            op::GROUPREF => self.same_group(group, pos, |a, b| a == b),
                            op::GROUPREF_IGNORE => {
                                self.same_group(group, pos, |a, b| lower_ascii(a) == lower_ascii(b))
                            }
                            op::GROUPREF_UNI_IGNORE => {
                                self.same_group(group, pos, |a, b| lower_unicode(a) == lower_unicode(b))
                            }
                            _ => self.same_group(group, pos, |a, b| lower_locale(a) == lower_locale(b)),
                        };
                        match end {
                            Some(end) => pos = end,
                            None => break None,
                        }
                        pc += 2;
                    }
                    op::GROUPREF_EXISTS => {
                        let group = code[pc + 1] as usize;
                        let (from, to) = (self.buffers.marks[group * 2], self.buffers.marks[group * 2 + 1]);
                        let set = from != UNSET && to != UNSET && to >= from;
                        pc += if set { 3 } else { 1 + code[pc + 2] as usize };
                    }
                    op::ASSERT => {
                        let back = code[pc + 2] as usize;
                        if back > pos || self.sub_run(pc + 3, pos - back).is_none() {
                            break None;
                        }
                        pc += 1 + code[pc + 1] as usize;
                    }
                    op::ASSERT_NOT => {
                        let back = code[pc + 2] as usize;
                        let trail = self.buffers.trail.len();
                        if back <= pos && self.sub_run(pc + 3, pos - back).is_some() {
                            self.undo_to(trail);
                            break None;
                        }
                        pc += 1 + code[pc + 1] as usize;
                    }
                    op::ATOMIC_GROUP => match self.sub_run(pc + 2, pos) {
                        Some(end) => {
                            pos = end;
                            pc += 1 + code[pc + 1] as usize;
                        }
                        None => break None,
                    },
                    op::POSSESSIVE_REPEAT => {
                        let (min, max) = (code[pc + 2], code[pc + 3]);
                        let mut count = 0;
                        let mut fits = true;
                        while count < max || max == MAXREPEAT {
                            match self.sub_run(pc + 4, pos) {
                                Some(end) if end == pos && count >= min => break,
                                Some(end) => {
                                    // A round that takes nothing can be repeated as often as needed.
                                    count = if end == pos { min } else { count + 1 };
                                    pos = end;
                                }
                                None => {
                                    fits = count >= min;
                                    break;
                                }
                            }
                        }
                        if !fits {
                            break None;
                        }
                        pc += 2 + code[pc + 1] as usize;
                    }
                    op::INFO => pc += 1 + code[pc + 1] as usize,
                    _ => break None,
                }
            };
        }
    }

    /// The place of the first alternative from `place` on that may begin at `pos`. The word there is 0: none may.
    #[inline]
    fn next_alternative(&self, mut place: usize, pos: usize) -> usize {
        loop {
            let skip = self.code[place] as usize;
            if skip == 0 {
                return place;
            }
            let here = place + 1;
            // What cannot begin here is passed over at once.
            match self.code[here] {
                op::LITERAL if pos >= self.end || self.at(pos) != self.code[here + 1] => {}
                op::IN if pos >= self.end || !self.takes(here, self.at(pos)) => {}
                _ => return place,
            }
            place += skip;
        }
    }

    /// Takes an alternative whose skip word is at `place` or later; leaves a choice for the next ones.
    #[inline]
    fn alternative(&mut self, place: usize, pos: usize) -> Option<usize> {
        let place = self.next_alternative(place, pos);
        let skip = self.code[place] as usize;
        if skip == 0 {
            return None;
        }
        let next = self.next_alternative(place + skip, pos);
        if self.code[next] != 0 {
            self.choose(Kind::Branch, next, pos, 0);
        }
        Some(place + 1)
    }

    /// Undoes the last choice and takes the other way; `None`: no choice is left above `base`.
    fn take_back(&mut self, base: usize) -> Option<(usize, usize)> {
        loop {
            if self.buffers.stack.len() == base {
                return None;
            }
            let c = self.buffers.stack.pop()?;
            self.undo_to(c.trail);
            let pc = c.pc as usize;
            match c.kind {
                Kind::Branch => {
                    if let Some(at) = self.alternative(pc, c.pos) {
                        return Some((at, c.pos));
                    }
                }
                Kind::RepeatOne => {
                    let tail = pc + 1 + self.code[pc + 1] as usize;
                    let min = self.code[pc + 2] as usize;
                    let fewer = c.count - 1;
                    let count = match self.tail_literal(tail) {
                        None => Some(fewer),
                        Some(l) => self.literal_behind(c.pos, fewer, min, l),
                    };
                    if let Some(count) = count {
                        if count > min {
                            self.choose(Kind::RepeatOne, pc, c.pos, count);
                        }
                        return Some((tail, c.pos + count));
                    }
                }
                Kind::MinRepeatOne => {
                    let max = self.code[pc + 3];
                    if c.pos < self.end && self.takes(pc + 4, self.at(c.pos)) {
                        let count = c.count + 1;
                        if max == MAXREPEAT || count < max as usize {
                            self.choose(Kind::MinRepeatOne, pc, c.pos + 1, count);
                        }
                        return Some((pc + 1 + self.code[pc + 1] as usize, c.pos + 1));
                    }
                }
                Kind::MaxUntil => {
                    self.leave_repeat(self.current);
                    return Some((pc + 1, c.pos));
                }
                Kind::MinUntil => {
                    let repeat = self.current;
                    let r = self.buffers.repeats[repeat as usize];
                    let count = r.count.wrapping_add(1);
                    let max = self.code[r.pc as usize + 3];
                    if (count < max || max == MAXREPEAT) && c.pos != r.last {
                        return Some((self.go_round(repeat, count, Some(c.pos)), c.pos));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(code: &[u32], text: &str) -> Option<(usize, usize)> {
        assert!(super::super::code::is_valid(code, 2), "{code:?}");
        let filter = FilterCell::default();
        let mut m = Machine::new(text.as_bytes(), code, &filter, 2, text.len(), false);
        m.search(0).then_some((m.match_start, m.match_end))
    }

    /// `(?:a|b)*c`
    const LOOP: &[u32] = &[
        op::INFO,
        4,
        0,
        1,
        MAXREPEAT,
        op::REPEAT,
        13,
        0,
        MAXREPEAT,
        op::BRANCH,
        5,
        op::LITERAL,
        97,
        op::JUMP,
        7,
        5,
        op::LITERAL,
        98,
        op::JUMP,
        2,
        0,
        op::MAX_UNTIL,
        op::LITERAL,
        99,
        op::SUCCESS,
    ];

    #[test]
    fn loops_backtrack_without_the_machine_stack() {
        // The skip of REPEAT leads to MAX_UNTIL.
        let mut code = LOOP.to_vec();
        code[6] = 15;
        assert_eq!(run(&code, "xxababc"), Some((2, 7)));
        assert_eq!(run(&code, "abab"), None);
        let long = "ab".repeat(200_000) + "c";
        assert_eq!(run(&code, &long), Some((0, long.len())));
    }

    #[test]
    fn greedy_and_lazy_repeats() {
        // a*?b
        let lazy =
            [op::MIN_REPEAT_ONE, 6, 0, MAXREPEAT, op::LITERAL, 97, op::SUCCESS, op::LITERAL, 98, op::SUCCESS];
        assert_eq!(run(&lazy, "caab"), Some((1, 4)));
        // .*b
        let greedy = [op::REPEAT_ONE, 5, 0, MAXREPEAT, op::ANY, op::SUCCESS, op::LITERAL, 98, op::SUCCESS];
        assert_eq!(run(&greedy, "abcbd"), Some((0, 4)));
    }
}
