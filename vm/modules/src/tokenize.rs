//! `_tokenize`: the iterator behind the module `tokenize`.

mod plain;
mod scan;

use std::collections::VecDeque;

use typhon_core::builtins::bytes::Bytes;
use typhon_core::builtins::exceptions::{self as ex, SyntaxErrorKind};
use typhon_core::builtins::str::Str;
use typhon_core::threads::{self, VmHost};
use typhon_core::{
    Args, ArgsExt, Borrowed, Data, Locked, ModuleDef, NativeDef, Owned, PyResult, Raised, Slot, Slots,
    Thread, Type, TypeDef, payload, type_flags, unborn,
};
use typhon_sync::{Acquired, ReentrantLock};

use self::scan::{Fault, FaultClass, Token};
use crate::args::{itself, this};

pub static MODULE: ModuleDef = ModuleDef {
    name: "_tokenize",
    doc: "Tokens of Python source.",
    functions: &[] as &[NativeDef],
    types: &[&TOKENIZER_ITER],
    setup: None,
};

/// What is left to hand out, once the source was read.
#[derive(Default)]
struct Progress {
    read: bool,
    lines: Vec<String>,
    tokens: VecDeque<Token>,
    fault: Option<Fault>,
}

payload! {
    /// Iterator over the tokens of lines that a callable gives.
    pub struct TokenizerIter: TOKENIZER_ITER {
        readline: Slot,
        /// Source comes as bytes.
        encoded: Data<bool>,
        /// Comments, blank lines and the general kind of operators, as `tokenize` wants them.
        extra: Data<bool>,
        progress: Locked<Data<Progress>>,
        /// Held by the thread that reads the lines.
        reading: Data<ReentrantLock>,
    }
}

pub static TOKENIZER_ITER: TypeDef = TypeDef {
    module: "_tokenize",
    flags: type_flags::GC,
    slots: Slots { new: Some(new), iter: Some(itself), next: Some(next), ..Slots::NONE },
    ..TypeDef::of::<TokenizerIter>("TokenizerIter")
};

fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = crate::args::constructor::<TokenizerIter>(
        th,
        ty,
        "(readline, /, *, encoding=None, extra_tokens=False)",
        args,
    )?;
    let extra = match a.opt(2) {
        Some(v) => v.truth(th)?,
        None => false,
    };
    crate::args::made(
        th,
        ty,
        TokenizerIter {
            header: unborn(),
            readline: Slot::new(a[0].to_owned()),
            encoded: Data(a.some(1).is_some()),
            extra: Data(extra),
            progress: Locked::new(Data(Progress::default())),
            reading: Data(ReentrantLock::new()),
        },
    )
}

/// All lines, until `readline` gives an empty one or StopIteration.
fn read(th: &mut Thread, it: &TokenizerIter) -> PyResult<Vec<String>> {
    let readline = it.readline.fixed().unwrap_or(Borrowed::none());
    let mut lines = Vec::new();
    loop {
        let called = readline.call(th, &[]);
        let Some(line) = th.absorb(called, &ex::STOP_ITERATION)? else { return Ok(lines) };
        let line = line.borrow();
        let text = if it.encoded.0 {
            let Some(b) = line.downcast::<Bytes>() else {
                return Err(th.type_error("readline() returned a non-bytes object"));
            };
            String::from_utf8_lossy(b.as_bytes()).into_owned()
        } else {
            let Some(s) = line.downcast::<Str>() else {
                return Err(th.type_error("readline() returned a non-string object"));
            };
            s.to_text()
        };
        if text.is_empty() {
            return Ok(lines);
        }
        // A callable may give more than a line at a time.
        lines.extend(text.split_inclusive('\n').map(str::to_owned));
    }
}

fn next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let it: &TokenizerIter = this(o);
    if !has_read(th, it) {
        while it.reading.0.acquire(&th.sync.ctx, &VmHost, None, true) != Acquired::Yes {
            threads::safepoint(th)?;
        }
        th.drain_drops();
        // Another thread may have read them meanwhile.
        let r = if has_read(th, it) { Ok(()) } else { read_and_scan(th, it) };
        it.reading.0.release(&th.sync.ctx);
        r?;
    }
    let (found, fault) = {
        let mut p = it.progress.lock(&it.header, th);
        let token = p.0.tokens.pop_front();
        let found = token.map(|t| {
            let line = lines_of(&p.0.lines, t.lines);
            (t, line)
        });
        let fault = if found.is_none() { p.0.fault.take() } else { None };
        (found, fault)
    };
    match (found, fault) {
        (Some((token, line)), _) => Ok(Some(row(th, &token, &line))),
        (None, Some(fault)) => Err(raise(th, o, &fault)),
        (None, None) => Ok(None),
    }
}

fn has_read(th: &mut Thread, it: &TokenizerIter) -> bool {
    it.progress.lock(&it.header, th).0.read
}

fn read_and_scan(th: &mut Thread, it: &TokenizerIter) -> PyResult<()> {
    let lines = read(th, it)?;
    let (mut tokens, fault) = scan::scan(&lines);
    if !it.extra.0 {
        tokens = plain::plain(tokens, lines.len());
    }
    let mut p = it.progress.lock(&it.header, th);
    p.0 = Progress { read: true, lines, tokens: tokens.into(), fault };
    Ok(())
}

/// The physical lines from the first to the last of a token.
fn lines_of(lines: &[String], (first, last): (usize, usize)) -> String {
    let last = last.min(lines.len().saturating_sub(1));
    lines.get(first..=last).map(|l| l.concat()).unwrap_or_default()
}

fn row(th: &mut Thread, t: &Token, line: &str) -> Owned {
    let place = |th: &mut Thread, (r, c): (usize, usize)| {
        // Column -1: nowhere on the line.
        let (r, c) = (th.new_int(r as i64), th.new_int(c as isize as i64));
        th.new_tuple(vec![r, c])
    };
    let items = vec![
        th.new_int(i64::from(t.kind)),
        th.new_str(&t.text),
        place(th, t.start),
        place(th, t.end),
        th.new_str(line),
    ];
    th.new_tuple(items)
}

#[cold]
fn raise(th: &mut Thread, o: Borrowed<'_>, f: &Fault) -> Raised {
    let class = match f.class {
        FaultClass::Syntax => SyntaxErrorKind::Syntax,
        FaultClass::Indentation => SyntaxErrorKind::Indentation,
    };
    let it: &TokenizerIter = this(o);
    let line = lines_of(&it.progress.lock(&it.header, th).0.lines, (f.at.0 - 1, f.at.0 - 1));
    let (file, line) = (th.new_str("<string>"), th.new_str(&line));
    let column = f.at.1 as u32 + 1;
    ex::syntax_error(
        th,
        class,
        f.message,
        file.borrow(),
        f.at.0 as u32,
        column,
        Some(line.borrow()),
        f.at.0 as u32,
        column,
    )
}
