//! `_sre.SRE_Scanner` and the iterator of `finditer`.

use typhon_sync::prim::{AtomicBool, AtomicUsize, Ordering};

use typhon_core::{
    Borrowed, GetSetDef, Held, NativeDef, Owned, PyResult, Slot, Slots, Thread, TypeDef, payload, type_flags,
    unborn,
};

use super::found::new_match;
use super::pattern::{Mode, Pattern, fixed, span};
use crate::args::{itself, this};

payload! {
    /// A pattern on its way through a subject.
    pub struct Scanner: SCANNER {
        pattern: Held,
        string: Slot,
        start: usize,
        end: usize,
        /// Where the next match begins or later; beyond `end` = exhausted.
        at: AtomicUsize,
        must_advance: AtomicBool,
    }
}

pub static SCANNER: TypeDef = TypeDef {
    module: "_sre",
    flags: type_flags::GC | type_flags::NO_NEW | type_flags::IMMUTABLE,
    slots: Slots { iter: Some(itself), next: Some(next), ..Slots::NONE },
    methods: &[
        NativeDef::new("match", "($self, /)", |th, a| one(th, a[0], Mode::Match), ""),
        NativeDef::new("search", "($self, /)", |th, a| one(th, a[0], Mode::Search), ""),
    ],
    getset: &[GetSetDef::get("pattern", |_, o| Ok(this::<Scanner>(o).pattern.get().to_owned()))],
    ..TypeDef::of::<Scanner>("SRE_Scanner")
};

/// `pattern.scanner(string, pos, endpos)`
pub fn scanner(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let p: &Pattern = this(a[0]);
    let len = p.subject(th, a[1])?.len();
    let (start, end) = span(th, a, 2, len)?;
    Ok(th.alloc(Scanner {
        header: unborn(),
        pattern: Held::new(a[0]),
        string: Slot::new(a[1].to_owned()),
        start,
        end,
        at: AtomicUsize::new(start),
        must_advance: AtomicBool::new(false),
    }))
}

/// `pattern.finditer(string, pos, endpos)`: a callable iterator, as in CPython.
pub fn finditer(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    scanner(th, a)
}

fn step(th: &mut Thread, o: Borrowed<'_>, mode: Mode) -> PyResult<Option<Owned>> {
    let s: &Scanner = this(o);
    // ORDERING Relaxed: positions; threads that share a scanner may see a match twice.
    let at = s.at.load(Ordering::Relaxed);
    let pattern = s.pattern.get();
    let p: &Pattern = this(pattern);
    let string = fixed(&s.string);
    let subject = p.subject(th, string)?;
    let end = s.end.min(subject.len());
    if at > end {
        return Ok(None);
    }
    match p.run(&subject, at, end, mode, s.must_advance.load(Ordering::Relaxed)) {
        None => {
            s.at.store(usize::MAX, Ordering::Relaxed);
            Ok(None)
        }
        Some(found) => {
            s.must_advance.store(found.end() == found.start(), Ordering::Relaxed);
            s.at.store(found.end(), Ordering::Relaxed);
            Ok(Some(new_match(th, pattern, string, s.start, s.end, found)))
        }
    }
}

fn next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    step(th, o, Mode::Search)
}

fn one(th: &mut Thread, o: Borrowed<'_>, mode: Mode) -> PyResult {
    Ok(step(th, o, mode)?.unwrap_or_else(Owned::none))
}
