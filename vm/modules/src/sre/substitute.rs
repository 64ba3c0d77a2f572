//! `sub`, `subn`, `expand`.

use typhon_core::builtins::str::Str;
use typhon_core::{ArgsExt, Borrowed, Owned, PyResult, Raised, Thread};
use typhon_text::{StrBuf, StrData};

use super::found::{Found, Match, new_match};
use super::pattern::{Mode, Pattern, Walk, fixed};
use super::subject::Subject;
use super::template::Template;
use crate::args::this;
use crate::support::import_attr;

/// Text under construction, of the subject's sort.
enum Output {
    Str(StrBuf),
    Bytes(Vec<u8>),
}

impl Output {
    fn for_subject(s: &Subject<'_>) -> Output {
        if s.is_bytes() {
            Output::Bytes(Vec::with_capacity(s.len()))
        } else {
            Output::Str(StrBuf::with_capacity(s.len()))
        }
    }

    #[inline]
    fn push(&mut self, d: StrData<'_>) {
        match (self, d) {
            (Output::Str(b), d) => b.push_data(d),
            (Output::Bytes(b), StrData::One(d)) => b.extend_from_slice(d),
            (Output::Bytes(_), _) => {}
        }
    }

    /// Adds a str or bytes-like object. Errors: TypeError for the wrong sort.
    fn push_object(&mut self, th: &mut Thread, index: usize, o: Borrowed<'_>) -> PyResult<()> {
        let fits = |b: &mut Output, s: &Subject<'_>| match b {
            Output::Str(_) => !s.is_bytes(),
            Output::Bytes(_) => s.is_bytes(),
        };
        let want = if matches!(self, Output::Str(_)) { "str" } else { "a bytes-like object" };
        match Subject::new(th, o) {
            Ok(s) if fits(self, &s) => {
                self.push(s.data());
                Ok(())
            }
            Ok(_) => Err(wrong_item(th, index, want, o)),
            Err(raised) => {
                drop(th.catch(raised));
                Err(wrong_item(th, index, want, o))
            }
        }
    }

    fn finish(self, th: &mut Thread) -> Owned {
        match self {
            Output::Str(b) => th.new_str_buf(b),
            Output::Bytes(b) => th.new_bytes(&b),
        }
    }
}

#[cold]
fn wrong_item(th: &mut Thread, index: usize, want: &str, o: Borrowed<'_>) -> Raised {
    let kind = if want == "str" { "str instance" } else { want };
    let msg = format!("sequence item {index}: expected {kind}, {} found", o.type_name(th));
    th.type_error(&msg)
}

/// What replaces a match.
enum Replacement<'a> {
    Literal(Borrowed<'a>),
    Template(Owned),
    Function(Borrowed<'a>),
}

/// Reads a `repl` argument: text without a backslash stands for itself.
fn replacement<'a>(th: &mut Thread, pattern: Borrowed<'_>, repl: Borrowed<'a>) -> PyResult<Replacement<'a>> {
    if repl.is_callable() {
        return Ok(Replacement::Function(repl));
    }
    let plain = {
        match Subject::new(th, repl) {
            Ok(s) => typhon_text::search::find_point(s.data(), u32::from(b'\\')).is_none(),
            // The parser of templates reports what it is.
            Err(raised) => {
                drop(th.catch(raised));
                false
            }
        }
    };
    if plain {
        return Ok(Replacement::Literal(repl));
    }
    let compile = import_attr(th, "re", "_compile_template")?;
    let t = compile.borrow().call(th, &[pattern, repl])?;
    if t.downcast::<Template>().is_none() {
        return Err(th.type_error("re._compile_template() must return a template"));
    }
    Ok(Replacement::Template(t))
}

fn push_template(
    th: &mut Thread,
    out: &mut Output,
    t: &Template,
    s: &Subject<'_>,
    found: &Found,
    groups: usize,
) -> PyResult<()> {
    if !t.literal.is_empty() {
        out.push_object(th, 0, fixed(&t.literal))?;
    }
    for (g, literal) in t.groups.0.iter().zip(&t.literals) {
        if *g > groups {
            return Err(th.index_error("no such group"));
        }
        if let Some((from, to)) = found.span(*g) {
            out.push(s.data().slice(from, to));
        }
        let literal = fixed(literal);
        if literal.downcast::<Str>().is_none_or(|l| !l.is_empty()) {
            out.push_object(th, 0, literal)?;
        }
    }
    Ok(())
}

/// `pattern.sub(repl, string, count)`; `with_count`: `subn`.
pub fn sub(th: &mut Thread, a: &[Borrowed<'_>], with_count: bool) -> PyResult {
    let p: &Pattern = this(a[0]);
    let max = match a.opt(3) {
        Some(n) => n.to_isize(th)?,
        None => 0,
    };
    let repl = replacement(th, a[0], a[1])?;
    let string = a[2];
    let s = p.subject(th, string)?;
    let len = s.len();
    let mut walk = Walk::new(0, len);
    let mut out: Option<Output> = None;
    let (mut last, mut n) = (0usize, 0);
    while max == 0 || n < max {
        let Some(found) = walk.next(p, &s, Mode::Search) else { break };
        let o = out.get_or_insert_with(|| Output::for_subject(&s));
        if last < found.start() {
            o.push(s.data().slice(last, found.start()));
        }
        last = found.end();
        n += 1;
        match &repl {
            Replacement::Literal(text) => o.push_object(th, 0, *text)?,
            Replacement::Template(t) => push_template(th, o, t.payload(), &s, &found, p.groups)?,
            Replacement::Function(f) => {
                let m = new_match(th, a[0], string, 0, len, found);
                let text = f.call(th, &[m.borrow()])?;
                if !text.is_none() {
                    o.push_object(th, n as usize, text.borrow())?;
                }
            }
        }
    }
    let result = match out {
        None => s.slice(th, string, 0, len),
        Some(mut o) => {
            if last < len {
                o.push(s.data().slice(last, len));
            }
            o.finish(th)
        }
    };
    if with_count {
        let n = th.new_int(n as i64);
        return Ok(th.new_pair(result, n));
    }
    Ok(result)
}

/// `match.expand(template)`
pub fn expand(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let m: &Match = this(a[0]);
    let pattern = Borrowed::from_payload(m.pattern_of());
    let compile = import_attr(th, "re", "_compile_template")?;
    let t = compile.borrow().call(th, &[pattern, a[1]])?;
    let Some(t) = t.downcast::<Template>() else {
        return Err(th.type_error("re._compile_template() must return a template"));
    };
    let s = Subject::new(th, m.string())?;
    let mut out = Output::for_subject(&s);
    push_template(th, &mut out, t, &s, m.found(), m.pattern_of().groups)?;
    Ok(out.finish(th))
}
