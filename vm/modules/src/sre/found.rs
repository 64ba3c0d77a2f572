//! `re.Match`.

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::{
    Args, ArgsExt, Borrowed, Data, GetSetDef, Held, NativeDef, Owned, PyResult, Slot, Slots, Thread, TypeDef,
    payload, type_flags, unborn,
};

use super::engine::UNSET;
use super::pattern::{Pattern, fixed};
use super::subject::Subject;
use super::substitute;
use crate::args::{Items, this};

/// Where a pattern and its groups matched.
pub struct Found {
    start: usize,
    end: usize,
    /// Spans of the first groups in place: most patterns have no more.
    first: [(usize, usize); 3],
    more: Box<[(usize, usize)]>,
    last_index: u32,
}

impl Found {
    /// From the marks of a run: start and end of each group.
    #[inline]
    pub fn new(start: usize, end: usize, marks: &[usize], last_index: u32) -> Found {
        let mut first = [(UNSET, UNSET); 3];
        let mut pairs = marks.chunks_exact(2).map(|m| (m[0], m[1]));
        for (place, pair) in first.iter_mut().zip(&mut pairs) {
            *place = pair;
        }
        Found { start, end, first, more: pairs.collect(), last_index }
    }

    pub fn start(&self) -> usize {
        self.start
    }

    pub fn end(&self) -> usize {
        self.end
    }

    /// The span of a group (0 = all); `None` if it took no part.
    #[inline]
    pub fn span(&self, group: usize) -> Option<(usize, usize)> {
        let (from, to) = match group {
            0 => (self.start, self.end),
            1..=3 => self.first[group - 1],
            n => *self.more.get(n - 4)?,
        };
        (from != UNSET && to != UNSET && to >= from).then_some((from, to))
    }
}

payload! {
    /// A match.
    pub struct Match: MATCH {
        pattern: Held,
        string: Slot,
        found: Data<Found>,
        pos: usize,
        endpos: usize,
    }
}

const GROUP: &str = "($self, group=0, /)";

pub static MATCH: TypeDef = TypeDef {
    module: "re",
    flags: type_flags::GC | type_flags::NO_NEW | type_flags::IMMUTABLE,
    doc: "The result of re.match() and re.search().\nMatch objects always have a boolean value of True.",
    slots: Slots {
        repr: Some(repr),
        getitem: Some(|th, o, key| {
            let g = group_number(th, o, key)?;
            Ok(this::<Match>(o).slice(th, g, Borrowed::none()))
        }),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::raw(
            "group",
            "($self, /, *groups)",
            group,
            "group([group1, ...]) -> str or tuple.\nReturn subgroup(s) of the match by indices or names.\nFor 0 returns the entire match.",
        ),
        NativeDef::new(
            "start",
            GROUP,
            |th, a| Ok(one_of(th, a, |s| s.0)?),
            "Return index of the start of the substring matched by group.",
        ),
        NativeDef::new(
            "end",
            GROUP,
            |th, a| Ok(one_of(th, a, |s| s.1)?),
            "Return index of the end of the substring matched by group.",
        ),
        NativeDef::new(
            "span",
            GROUP,
            span,
            "For match object m, return the 2-tuple (m.start(group), m.end(group)).",
        ),
        NativeDef::new(
            "groups",
            "($self, /, default=None)",
            groups,
            "Return a tuple containing all the subgroups of the match, from 1.\n\n  default\n    Is used for groups that did not participate in the match.",
        ),
        NativeDef::new(
            "groupdict",
            "($self, /, default=None)",
            groupdict,
            "Return a dictionary containing all the named subgroups of the match, keyed by the subgroup name.\n\n  default\n    Is used for groups that did not participate in the match.",
        ),
        NativeDef::new(
            "expand",
            "($self, /, template)",
            substitute::expand,
            "Return the string obtained by doing backslash substitution on the string template, as done by the sub() method.",
        ),
        NativeDef::new("__copy__", "($self, /)", |_, a| Ok(a[0].to_owned()), ""),
        NativeDef::new("__deepcopy__", "($self, memo, /)", |_, a| Ok(a[0].to_owned()), ""),
        typhon_core::builtins::generic_alias::CLASS_GETITEM,
    ],
    getset: &[
        GetSetDef::get("string", |_, o| Ok(this::<Match>(o).string().to_owned())),
        GetSetDef::get("re", |_, o| Ok(this::<Match>(o).pattern.get().to_owned())),
        GetSetDef::get("pos", |th, o| Ok(th.new_int(this::<Match>(o).pos as i64))),
        GetSetDef::get("endpos", |th, o| Ok(th.new_int(this::<Match>(o).endpos as i64))),
        GetSetDef::get("lastindex", |th, o| match this::<Match>(o).found.0.last_index {
            0 => Ok(Owned::none()),
            n => Ok(th.new_int(i64::from(n))),
        }),
        GetSetDef::get("lastgroup", |_, o| {
            let m: &Match = this(o);
            let names = fixed(&m.pattern_of().indexgroup).downcast::<Tuple>();
            let n = m.found.0.last_index as usize;
            Ok(names.filter(|t| n > 0 && n < t.len()).map_or_else(Owned::none, |t| t.get(n).to_owned()))
        }),
        GetSetDef::get("regs", |th, o| {
            let m: &Match = this(o);
            let all = (0..=m.pattern_of().groups).map(|g| pair(th, m.found.0.span(g))).collect();
            Ok(th.new_tuple(all))
        }),
    ],
    ..TypeDef::of::<Match>("Match")
};

/// A match object.
pub fn new_match(
    th: &mut Thread,
    pattern: Borrowed<'_>,
    string: Borrowed<'_>,
    pos: usize,
    endpos: usize,
    found: Found,
) -> Owned {
    th.alloc(Match {
        header: unborn(),
        pattern: Held::new(pattern),
        string: Slot::new(string.to_owned()),
        found: Data(found),
        pos,
        endpos,
    })
}

impl Match {
    pub fn pattern_of(&self) -> &Pattern {
        this(self.pattern.get())
    }

    pub fn found(&self) -> &Found {
        &self.found.0
    }

    pub fn string(&self) -> Borrowed<'_> {
        fixed(&self.string)
    }

    /// The text of a group, or `default` if it took no part.
    pub fn slice(&self, th: &mut Thread, group: usize, default: Borrowed<'_>) -> Owned {
        let Some((from, to)) = self.found.0.span(group) else { return default.to_owned() };
        match Subject::new(th, self.string()) {
            // A buffer may have shrunk since.
            Ok(s) => {
                let n = s.len();
                s.slice(th, self.string(), from.min(n), to.min(n))
            }
            Err(raised) => {
                drop(th.catch(raised));
                default.to_owned()
            }
        }
    }
}

fn group_number(th: &mut Thread, o: Borrowed<'_>, key: Borrowed<'_>) -> PyResult<usize> {
    let w = key.word();
    let p = this::<Match>(o).pattern_of();
    if w.is_int() && w.int() >= 0 && w.int() as usize <= p.groups {
        return Ok(w.int() as usize);
    }
    match p.group_of(th, key)? {
        Some(g) => Ok(g),
        None => Err(th.index_error("no such group")),
    }
}

fn group(th: &mut Thread, args: Args<'_>) -> PyResult {
    if args.has_keywords() {
        return Err(th.type_error("Match.group() takes no keyword arguments"));
    }
    let Some(m) = args.all[0].downcast::<Match>() else {
        return Err(th.type_error("descriptor 'group' requires a 're.Match' object"));
    };
    match args.pos() {
        [_] => Ok(m.slice(th, 0, Borrowed::none())),
        [o, key] => {
            let g = group_number(th, *o, *key)?;
            Ok(m.slice(th, g, Borrowed::none()))
        }
        [o, keys @ ..] => {
            let mut out = Items::new();
            for key in keys {
                let g = group_number(th, *o, *key)?;
                out.push(m.slice(th, g, Borrowed::none()));
            }
            Ok(out.into_tuple(th))
        }
        [] => Ok(Owned::none()),
    }
}

fn chosen(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult<Option<(usize, usize)>> {
    let g = match a.opt(1) {
        Some(key) => group_number(th, a[0], key)?,
        None => 0,
    };
    Ok(this::<Match>(a[0]).found.0.span(g))
}

fn one_of(th: &mut Thread, a: &[Borrowed<'_>], f: impl Fn((usize, usize)) -> usize) -> PyResult {
    let n = chosen(th, a)?.map_or(-1, |s| f(s) as i64);
    Ok(th.new_int(n))
}

fn pair(th: &mut Thread, span: Option<(usize, usize)>) -> Owned {
    let (from, to) = span.map_or((-1, -1), |(a, b)| (a as i64, b as i64));
    let (from, to) = (th.new_int(from), th.new_int(to));
    th.new_pair(from, to)
}

fn span(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let span = chosen(th, a)?;
    Ok(pair(th, span))
}

fn groups(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let m: &Match = this(a[0]);
    let default = a.opt(1).unwrap_or(Borrowed::none());
    let mut out = Items::new();
    for g in 1..=m.pattern_of().groups {
        out.push(m.slice(th, g, default));
    }
    Ok(out.into_tuple(th))
}

fn groupdict(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let m: &Match = this(a[0]);
    let default = a.opt(1).unwrap_or(Borrowed::none());
    let out = th.new_dict();
    let names = fixed(&m.pattern_of().groupindex).downcast::<Dict>().map_or_else(Vec::new, |d| d.entries());
    for (name, index) in names {
        if let Some(g) = m.pattern_of().group_of(th, index.borrow())? {
            let v = m.slice(th, g, default);
            out.payload::<Dict>().set(th, name.borrow(), v)?;
        }
    }
    Ok(out)
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let m: &Match = this(o);
    let text = m.slice(th, 0, Borrowed::none()).borrow().repr_text(th)?;
    let f = &m.found.0;
    Ok(th.new_str(&format!("<re.Match object; span=({}, {}), match={text}>", f.start, f.end)))
}
