//! SyntaxError, IndentationError, TabError.

use super::{
    ExceptionPayload, INCOMPLETE_INPUT_ERROR, INDENTATION_ERROR, SYNTAX_ERROR, TAB_ERROR, base,
    chain_context, exception_payload, no_keywords, slot_attribute, slots_of, this,
};
use crate::builtins::str::Str;
use crate::object::{Borrowed, Owned, PyResult, Raised, Slot};
use crate::slots::{Args, Slots};
use crate::thread::Thread;
use crate::typedef::{GetSetDef, TypeDef};

exception_payload! {
    /// `SyntaxError` and its subclasses.
    pub struct SyntaxErrorPayload: SYNTAX_ERROR {
        pub msg: Slot = Slot::empty(),
        pub filename: Slot = Slot::empty(),
        pub lineno: Slot = Slot::empty(),
        pub offset: Slot = Slot::empty(),
        pub text: Slot = Slot::empty(),
        pub end_lineno: Slot = Slot::empty(),
        pub end_offset: Slot = Slot::empty(),
        pub print_file_and_line: Slot = Slot::empty(),
        pub metadata: Slot = Slot::empty(),
    }
}

pub(super) const SLOTS: Slots = Slots { str: Some(str), ..slots_of::<SyntaxErrorPayload>(init) };
pub(super) const GETSET: &[GetSetDef] = &[
    slot_attribute!(SyntaxErrorPayload, "msg", msg),
    slot_attribute!(SyntaxErrorPayload, "filename", filename),
    slot_attribute!(SyntaxErrorPayload, "lineno", lineno),
    slot_attribute!(SyntaxErrorPayload, "offset", offset),
    slot_attribute!(SyntaxErrorPayload, "text", text),
    slot_attribute!(SyntaxErrorPayload, "end_lineno", end_lineno),
    slot_attribute!(SyntaxErrorPayload, "end_offset", end_offset),
    slot_attribute!(SyntaxErrorPayload, "print_file_and_line", print_file_and_line),
    slot_attribute!(SyntaxErrorPayload, "_metadata", metadata),
];

fn init(th: &mut Thread, o: Borrowed<'_>, a: Args<'_>) -> PyResult<()> {
    no_keywords(th, o.ty(), &a)?;
    base::set_positional(th, o, a.pos());
    let e = this::<SyntaxErrorPayload>(o);
    if let Some(&msg) = a.pos().first() {
        e.msg.set(&e.header, msg.to_owned());
    }
    if a.pos().len() != 2 {
        return Ok(());
    }
    let info = a.pos()[1].to_vec(th)?;
    if info.len() < 4 {
        let msg = format!("function takes at least 4 arguments ({} given)", info.len());
        return Err(th.type_error(&msg));
    }
    if info.len() > 7 {
        let msg = format!("function takes at most 7 arguments ({} given)", info.len());
        return Err(th.type_error(&msg));
    }
    let n = info.len();
    let fields = [&e.filename, &e.lineno, &e.offset, &e.text, &e.end_lineno, &e.end_offset, &e.metadata];
    for (i, slot) in fields.into_iter().enumerate() {
        match info.get(i) {
            Some(v) => slot.set(&e.header, v.clone()),
            None => drop(slot.clear(&e.header)),
        }
    }
    if n == 5 {
        return Err(th.type_error("end_offset must be provided when end_lineno is provided"));
    }
    Ok(())
}

/// `msg (file, line n)`
fn str(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let e = this::<SyntaxErrorPayload>(o);
    let msg = e.msg.get(&e.header).unwrap_or_else(Owned::none);
    let msg = msg.borrow().str(th)?;
    let filename = e.filename.get(&e.header).filter(|f| f.downcast::<Str>().is_some());
    let line = e.lineno.get(&e.header).filter(|l| l.word().is_int());
    if filename.is_none() && line.is_none() {
        return Ok(msg);
    }
    let mut out = typhon_text::StrBuf::with_capacity(64);
    out.push_data(msg.payload::<Str>().data());
    out.push_str(" (");
    if let Some(f) = &filename {
        let text = f.payload::<Str>().data();
        let start = text.iter().enumerate().rfind(|(_, c)| *c == u32::from('/'));
        out.push_data(text.slice(start.map_or(0, |(i, _)| i + 1), text.len()));
    }
    if let Some(l) = line {
        out.push_str(if filename.is_some() { ", line " } else { "line " });
        out.push_int(l.word().int());
    }
    out.push_str(")");
    Ok(th.new_str_buf(out))
}

/// Which of the syntax error classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyntaxErrorKind {
    Syntax,
    Indentation,
    Tab,
    /// The source ends too early: `_IncompleteInputError`.
    Incomplete,
}

impl SyntaxErrorKind {
    fn def(self) -> &'static TypeDef {
        match self {
            SyntaxErrorKind::Syntax => &SYNTAX_ERROR,
            SyntaxErrorKind::Indentation => &INDENTATION_ERROR,
            SyntaxErrorKind::Tab => &TAB_ERROR,
            SyntaxErrorKind::Incomplete => &INCOMPLETE_INPUT_ERROR,
        }
    }
}

/// Raises a SyntaxError. Lines count from 1, offsets from 1 in characters (0 = unknown); `text` is the
/// source line, `None` if it is not known. No end: 0.
#[cold]
pub fn syntax_error(
    th: &mut Thread,
    kind: SyntaxErrorKind,
    msg: &str,
    filename: Borrowed<'_>,
    lineno: u32,
    offset: u32,
    text: Option<Borrowed<'_>>,
    end_lineno: u32,
    end_offset: u32,
) -> Raised {
    let msg = th.new_str(msg);
    let text = text.map_or_else(Owned::none, |t| t.to_owned());
    let [line, column, end_line, end_column] =
        [lineno, offset, end_lineno, end_offset].map(|n| th.new_int(i64::from(n)));
    let mut info = vec![filename.to_owned(), line.clone(), column.clone(), text.clone()];
    let mut end = (Slot::empty(), Slot::empty());
    if end_lineno != 0 {
        info.extend([end_line.clone(), end_column.clone()]);
        end = (Slot::new(end_line), Slot::new(end_column));
    }
    let info = th.new_tuple(info);
    let args = th.new_tuple(vec![msg.clone(), info]);
    let exc = SyntaxErrorPayload {
        msg: Slot::new(msg),
        filename: Slot::new(filename.to_owned()),
        lineno: Slot::new(line),
        offset: Slot::new(column),
        text: Slot::new(text),
        end_lineno: end.0,
        end_offset: end.1,
        ..SyntaxErrorPayload::blank(args)
    };
    let exc = th.alloc_as(exc, kind.def().ty());
    chain_context(th, exc.borrow());
    th.set_exc(exc)
}
