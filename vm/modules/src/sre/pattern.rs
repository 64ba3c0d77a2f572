//! `re.Pattern`.

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::list::List;
use typhon_core::builtins::str::Str;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::{
    ArgsExt, Borrowed, CompareOp, Data, GetSetDef, NativeDef, Owned, PyResult, Slot, Slots, Thread, TypeDef,
    payload, type_flags, unborn,
};
use typhon_text::with_units;

use super::engine::Machine;
use super::filter::FilterCell;
use super::found::{Found, new_match};
use super::subject::Subject;
use super::{code, scanner, substitute};
use crate::args::this;

payload! {
    /// A compiled regular expression.
    pub struct Pattern: PATTERN {
        /// str, bytes or None.
        pub pattern: Slot,
        /// Dict: name → group.
        pub groupindex: Slot,
        /// Tuple: group → name or None.
        pub indexgroup: Slot,
        pub code: Data<Box<[u32]>>,
        filter: Data<FilterCell>,
        pub groups: usize,
        flags: i64,
        /// Is it for bytes? `None`: for both (`re.Scanner`).
        pub is_bytes: Data<Option<bool>>,
    }
}

const SUBJECT: &str = "($self, /, string, pos=0, endpos=sys.maxsize)";

pub static PATTERN: TypeDef = TypeDef {
    module: "re",
    // Deferred: a module's patterns are used by all threads, and each match holds its pattern.
    flags: type_flags::GC
        | type_flags::NO_NEW
        | type_flags::WEAKREF
        | type_flags::IMMUTABLE
        | type_flags::DEFERRED,
    doc: "Compiled regular expression object.",
    slots: Slots { repr: Some(repr), hash: Some(hash), compare: Some(compare), ..Slots::NONE },
    methods: &[
        NativeDef::new(
            "match",
            SUBJECT,
            |th, a| single(th, a, Mode::Match),
            "Matches zero or more characters at the beginning of the string.",
        ),
        NativeDef::new(
            "fullmatch",
            SUBJECT,
            |th, a| single(th, a, Mode::FullMatch),
            "Matches against all of the string.",
        ),
        NativeDef::new(
            "search",
            SUBJECT,
            |th, a| single(th, a, Mode::Search),
            "Scan through string looking for a match, and return a corresponding match object instance.\n\nReturn None if no position in the string matches.",
        ),
        NativeDef::new(
            "findall",
            SUBJECT,
            findall,
            "Return a list of all non-overlapping matches of pattern in string.",
        ),
        NativeDef::new(
            "finditer",
            SUBJECT,
            scanner::finditer,
            "Return an iterator over all non-overlapping matches for the RE pattern in string.\n\nFor each match, the iterator returns a match object.",
        ),
        NativeDef::new("scanner", SUBJECT, scanner::scanner, ""),
        NativeDef::new(
            "split",
            "($self, /, string, maxsplit=0)",
            split,
            "Split string by the occurrences of pattern.",
        ),
        NativeDef::new(
            "sub",
            "($self, /, repl, string, count=0)",
            |th, a| substitute::sub(th, a, false),
            "Return the string obtained by replacing the leftmost non-overlapping occurrences of pattern in string by the replacement repl.",
        ),
        NativeDef::new(
            "subn",
            "($self, /, repl, string, count=0)",
            |th, a| substitute::sub(th, a, true),
            "Return the tuple (new_string, number_of_subs_made) found by replacing the leftmost non-overlapping occurrences of pattern with the replacement repl.",
        ),
        NativeDef::new("__copy__", "($self, /)", |_, a| Ok(a[0].to_owned()), ""),
        NativeDef::new("__deepcopy__", "($self, memo, /)", |_, a| Ok(a[0].to_owned()), ""),
        typhon_core::builtins::generic_alias::CLASS_GETITEM,
    ],
    getset: &[
        GetSetDef::get("pattern", |_, o| Ok(fixed(&this::<Pattern>(o).pattern).to_owned())),
        GetSetDef::get("flags", |th, o| Ok(th.new_int(this::<Pattern>(o).flags))),
        GetSetDef::get("groups", |th, o| Ok(th.new_int(this::<Pattern>(o).groups as i64))),
        GetSetDef::get("groupindex", |th, o| {
            let d = fixed(&this::<Pattern>(o).groupindex).to_owned();
            Ok(typhon_core::builtins::mappingproxy::new(th, d))
        }),
    ],
    ..TypeDef::of::<Pattern>("Pattern")
};

pub fn fixed(s: &Slot) -> Borrowed<'_> {
    s.fixed().unwrap_or(Borrowed::none())
}

/// `_sre.compile(...)`: wraps what `re._compiler` made.
pub fn compile(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (pattern, groupindex, indexgroup) = (a[0], a[4], a[5]);
    let flags = a[1].to_i64(th)?;
    let Some(words) = a[2].downcast::<List>() else {
        return Err(th.type_error("compile() argument 'code' must be list"));
    };
    let groups = a[3].to_isize(th)?;
    if groupindex.downcast::<Dict>().is_none() || indexgroup.downcast::<Tuple>().is_none() {
        return Err(th.type_error("compile() needs a dict of names and a tuple of groups"));
    }
    let mut program = Vec::with_capacity(words.len());
    for w in words.to_vec() {
        match u32::try_from(w.borrow().to_i64(th)?) {
            Ok(w) => program.push(w),
            Err(_) => return Err(th.overflow_error("regular expression code size limit exceeded")),
        }
    }
    let groups = usize::try_from(groups).unwrap_or(usize::MAX);
    if groups > 1 << 30 || !code::is_valid(&program, groups) {
        return Err(th.runtime_error("invalid SRE code"));
    }
    let is_bytes = if pattern.is_none() { None } else { Some(Subject::new(th, pattern)?.is_bytes()) };
    Ok(th.alloc(Pattern {
        header: unborn(),
        pattern: Slot::new(pattern.to_owned()),
        groupindex: Slot::new(groupindex.to_owned()),
        indexgroup: Slot::new(indexgroup.to_owned()),
        code: Data(program.into()),
        filter: Data(FilterCell::default()),
        groups,
        flags,
        is_bytes: Data(is_bytes),
    }))
}

/// How to run a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Match,
    FullMatch,
    Search,
}

impl Pattern {
    /// The subject, checked to be of the pattern's sort.
    #[inline]
    pub fn subject<'a>(&self, th: &mut Thread, o: Borrowed<'a>) -> PyResult<Subject<'a>> {
        let s = Subject::new(th, o)?;
        match self.is_bytes.0 {
            Some(true) if !s.is_bytes() => {
                Err(th.type_error("cannot use a bytes pattern on a string-like object"))
            }
            Some(false) if s.is_bytes() => {
                Err(th.type_error("cannot use a string pattern on a bytes-like object"))
            }
            _ => Ok(s),
        }
    }

    /// Runs the pattern on `start..end`.
    #[inline]
    pub fn run(
        &self,
        s: &Subject<'_>,
        start: usize,
        end: usize,
        mode: Mode,
        must_advance: bool,
    ) -> Option<Found> {
        with_units!(s.data(), text => {
            let (code, filter) = (&self.code.0, &self.filter.0);
            let mut m = Machine::new(text, code, filter, self.groups, end, mode == Mode::FullMatch);
            m.must_advance = must_advance;
            let ok = if mode == Mode::Search { m.search(start) } else { m.match_at(start) };
            let found = ok.then(|| {
                Found::new(m.match_start, m.match_end, &m.buffers.marks, m.last_index)
            });
            m.buffers.give();
            found
        })
    }

    /// The number of the group that a key names; `None`: no such group.
    pub fn group_of(&self, th: &mut Thread, key: Borrowed<'_>) -> PyResult<Option<usize>> {
        let found;
        let n = if typhon_core::number::is_index(key) {
            key.to_isize_clipped(th)?
        } else {
            let names = fixed(&self.groupindex).downcast::<Dict>();
            found = match names {
                Some(d) if key.ty().slots.hash().is_some() => d.get(th, key)?,
                _ => None,
            };
            match &found {
                Some(v) => v.borrow().to_isize_clipped(th)?,
                None => -1,
            }
        };
        Ok(usize::try_from(n).ok().filter(|n| *n <= self.groups))
    }
}

/// `pos` and `endpos`, clipped to the subject.
pub fn span(th: &mut Thread, a: &[Borrowed<'_>], from: usize, len: usize) -> PyResult<(usize, usize)> {
    let mut clip = |v: Option<Borrowed<'_>>, default: usize| -> PyResult<usize> {
        match v {
            None => Ok(default),
            Some(v) => Ok((v.to_isize(th)?.max(0) as usize).min(len)),
        }
    };
    Ok((clip(a.opt(from), 0)?, clip(a.opt(from + 1), len)?))
}

fn single(th: &mut Thread, a: &[Borrowed<'_>], mode: Mode) -> PyResult {
    let p: &Pattern = this(a[0]);
    let s = p.subject(th, a[1])?;
    let (start, end) = if a[2].is_null() && a[3].is_null() { (0, s.len()) } else { span(th, a, 2, s.len())? };
    match p.run(&s, start, end, mode, false) {
        Some(found) => Ok(new_match(th, a[0], a[1], start, end, found)),
        None => Ok(Owned::none()),
    }
}

/// All matches in order, as the loops of findall, split and sub walk them.
pub struct Walk {
    at: usize,
    end: usize,
    must_advance: bool,
}

impl Walk {
    pub fn new(start: usize, end: usize) -> Walk {
        Walk { at: start, end, must_advance: false }
    }

    /// The next match.
    #[inline]
    pub fn next(&mut self, p: &Pattern, s: &Subject<'_>, mode: Mode) -> Option<Found> {
        if self.at > self.end {
            return None;
        }
        let found = p.run(s, self.at, self.end, mode, self.must_advance)?;
        self.must_advance = found.end() == found.start();
        self.at = found.end();
        Some(found)
    }
}

fn findall(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let p: &Pattern = this(a[0]);
    let s = p.subject(th, a[1])?;
    let (start, end) = span(th, a, 2, s.len())?;
    let mut walk = Walk::new(start, end);
    let mut out = Vec::new();
    while let Some(found) = walk.next(p, &s, Mode::Search) {
        let item = match p.groups {
            0 => s.slice(th, a[1], found.start(), found.end()),
            1 => group_or_empty(th, &s, a[1], &found, 1),
            n => {
                let items = (1..=n).map(|g| group_or_empty(th, &s, a[1], &found, g)).collect();
                th.new_tuple(items)
            }
        };
        out.push(item);
    }
    Ok(th.new_list(out))
}

fn group_or_empty(
    th: &mut Thread,
    s: &Subject<'_>,
    whole: Borrowed<'_>,
    found: &Found,
    group: usize,
) -> Owned {
    match found.span(group) {
        Some((from, to)) => s.slice(th, whole, from, to),
        None => s.empty(th),
    }
}

fn split(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let p: &Pattern = this(a[0]);
    let max = match a.opt(2) {
        Some(m) => m.to_isize(th)?,
        None => 0,
    };
    let s = p.subject(th, a[1])?;
    let mut walk = Walk::new(0, s.len());
    let mut out = Vec::new();
    let (mut last, mut n) = (0, 0);
    while max == 0 || n < max {
        let Some(found) = walk.next(p, &s, Mode::Search) else { break };
        out.push(s.slice(th, a[1], last, found.start()));
        for g in 1..=p.groups {
            out.push(match found.span(g) {
                Some((from, to)) => s.slice(th, a[1], from, to),
                None => Owned::none(),
            });
        }
        last = found.end();
        n += 1;
    }
    out.push(s.slice(th, a[1], last, s.len()));
    Ok(th.new_list(out))
}

/// Names of flags in the order in which they are shown.
const FLAGS: &[(&str, i64)] = &[
    ("re.IGNORECASE", 2),
    ("re.LOCALE", 4),
    ("re.MULTILINE", 8),
    ("re.DOTALL", 16),
    ("re.VERBOSE", 64),
    ("re.DEBUG", 128),
    ("re.ASCII", 256),
];
const UNICODE: i64 = 32;

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let p: &Pattern = this(o);
    let text = fixed(&p.pattern).repr(th)?;
    let data = text.payload::<Str>().data();
    let mut out = typhon_text::StrBuf::with_capacity(32);
    out.push_str("re.compile(");
    out.push_data(data.slice(0, data.len().min(200)));
    let mut flags = p.flags;
    // The default of str patterns is not shown.
    if p.is_bytes.0 == Some(false) && flags & (4 | 256 | UNICODE) == UNICODE {
        flags &= !UNICODE;
    }
    let mut names = Vec::new();
    for (name, bit) in FLAGS {
        if flags & bit != 0 {
            names.push((*name).to_owned());
            flags &= !bit;
        }
    }
    if flags != 0 {
        names.push(format!("0x{flags:x}"));
    }
    if !names.is_empty() {
        out.push_str(", ");
        out.push_str(&names.join("|"));
    }
    out.push_str(")");
    Ok(th.new_str_buf(out))
}

fn hash(th: &mut Thread, o: Borrowed<'_>) -> PyResult<i64> {
    let p: &Pattern = this(o);
    let mut h = fixed(&p.pattern).hash(th)?;
    let mut words = typhon_text::hash::TupleHasher::default();
    for w in p.code.0.iter() {
        words.add(i64::from(*w));
    }
    h ^= words.finish(p.code.0.len()) ^ p.flags ^ p.groups as i64;
    Ok(if h == -1 { -2 } else { h })
}

fn compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    let (x, y): (&Pattern, Option<&Pattern>) = (this(a), b.downcast());
    let Some(y) = y.filter(|_| matches!(op, CompareOp::Eq | CompareOp::Ne)) else {
        return Ok(Owned::not_implemented());
    };
    let same = x.flags == y.flags
        && x.is_bytes.0 == y.is_bytes.0
        && x.code.0 == y.code.0
        && fixed(&x.pattern).equals(th, fixed(&y.pattern))?;
    Ok(Owned::bool(same == (op == CompareOp::Eq)))
}
