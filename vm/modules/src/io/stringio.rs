//! `StringIO`: a text stream in memory.

use typhon_sync::prim::{AtomicBool, Ordering};

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::str::Str;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::object::{Data, Locked};
use typhon_core::signature::bind;
use typhon_core::thread::unborn;
use typhon_core::{
    Args, ArgsExt, Borrowed, GetSetDef, NativeDef, Owned, PyResult, Safety, Shared, Slots, Thread, TypeDef,
};
use typhon_text::{StrBuf, StrData};

use super::base::{self, STREAM};
use super::newlines::Newlines;
use super::text::lines::{LineEnd, find_line};

/// Text, position and how lines end.
struct Content {
    text: StrBuf,
    pos: usize,
    /// The `newline` argument: `None`, `""`, `"\n"`, `"\r"` or `"\r\n"`.
    newline: Option<&'static str>,
    /// Universal newlines, when text that is written is translated on the way in.
    universal: Option<Newlines>,
}

typhon_core::payload! {
    /// `_io.StringIO`
    pub struct StringIo: STRING_IO {
        closed: AtomicBool,
        content: Locked<Data<Content>>,
    }
}

pub static STRING_IO: TypeDef = TypeDef {
    module: "_io",
    flags: STREAM,
    base: Some(&base::TEXT_IO_BASE),
    doc: "Text I/O implementation using an in-memory buffer.",
    slots: Slots {
        new: Some(|th, ty, _| {
            let content = Content { text: StrBuf::new(), pos: 0, newline: Some("\n"), universal: None };
            let payload = StringIo {
                header: unborn(),
                closed: AtomicBool::new(false),
                content: Locked::new(Data(content)),
            };
            Ok(th.alloc_as(payload, ty))
        }),
        init: Some(init),
        iter: Some(|th, o| {
            open(th, o)?;
            Ok(o.to_owned())
        }),
        next: Some(|th, o| {
            let line = if o.downcast_exact::<StringIo>().is_some() {
                line(th, o, usize::MAX)?
            } else {
                let name = th.rt.names.readline.get();
                o.call_method(th, name, &[])?
            };
            Ok(if line.borrow().len(th)? == 0 { None } else { Some(line) })
        }),
        finalize: Some(|_, _| Ok(())),
        ..Slots::NONE
    },
    methods: METHODS,
    getset: &[
        GetSetDef::get("closed", |_, o| Ok(Owned::bool(of(o).is_closed()))),
        GetSetDef::get("line_buffering", |th, o| open(th, o).map(|_| Owned::bool(false))),
        GetSetDef::get("newlines", |th, o| {
            let me = open(th, o)?;
            let state = me.content.lock(&me.header, th).0.universal;
            Ok(state.map_or_else(Owned::none, |n| n.attribute(th)))
        }),
    ],
    shared: Some(Shared::but(
        Safety::Locked,
        &[(Safety::Steps, "__getstate__ __init__ __setstate__ readlines truncate writelines")],
    )),
    ..TypeDef::of::<StringIo>("StringIO")
};

const METHODS: &[NativeDef] = &[
    NativeDef::new("close", "($self, /)", close, "Close the IO object."),
    NativeDef::new("getvalue", "($self, /)", getvalue, "Retrieve the entire contents of the object."),
    NativeDef::new(
        "read",
        "($self, size=-1, /)",
        read,
        "Read at most size characters, returned as a string.",
    ),
    NativeDef::new("readline", "($self, size=-1, /)", readline, "Read until newline or EOF."),
    NativeDef::new("tell", "($self, /)", tell, "Tell the current file position."),
    NativeDef::new("truncate", "($self, pos=None, /)", truncate, "Truncate size to pos."),
    NativeDef::new("seek", "($self, pos, whence=0, /)", seek, "Change stream position."),
    NativeDef::new("write", "($self, s, /)", write, "Write string to file."),
    NativeDef::new("seekable", "($self, /)", yes, "Returns True if the IO object can be seeked."),
    NativeDef::new("readable", "($self, /)", yes, "Returns True if the IO object can be read."),
    NativeDef::new("writable", "($self, /)", yes, "Returns True if the IO object can be written."),
    NativeDef::new("__getstate__", "($self, /)", getstate, ""),
    NativeDef::new("__setstate__", "($self, state, /)", setstate, ""),
];

fn of(o: Borrowed<'_>) -> &StringIo {
    o.downcast::<StringIo>().expect("a method of StringIO")
}

impl StringIo {
    fn is_closed(&self) -> bool {
        // ORDERING Relaxed: a flag of its own.
        self.closed.load(Ordering::Relaxed)
    }
}

fn open<'a>(th: &mut Thread, o: Borrowed<'a>) -> PyResult<&'a StringIo> {
    let me = of(o);
    if me.is_closed() { Err(base::closed_error(th)) } else { Ok(me) }
}

fn yes(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    open(th, a[0])?;
    Ok(Owned::bool(true))
}

/// The `newline` argument of text streams. Errors: TypeError, ValueError.
pub fn newline_arg(th: &mut Thread, arg: Option<Borrowed<'_>>) -> PyResult<Option<&'static str>> {
    let Some(arg) = arg.filter(|a| !a.is_none()) else { return Ok(None) };
    let Some(s) = arg.downcast::<Str>() else {
        let msg = format!("newline must be str or None, not {}", arg.type_name(th));
        return Err(th.type_error(&msg));
    };
    for known in ["", "\n", "\r", "\r\n"] {
        if s.as_ascii() == Some(known) {
            return Ok(Some(known));
        }
    }
    let shown = arg.repr_text(th)?;
    Err(th.value_error(&format!("illegal newline value: {shown}")))
}

fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    let a = bind(th, "StringIO", "(initial_value='', newline='\\n')", args)?;
    let newline = match a.opt(1) {
        Some(n) => newline_arg(th, Some(n))?,
        None => Some("\n"),
    };
    let initial = match a.some(0) {
        Some(v) => match v.downcast::<Str>() {
            Some(s) => Some(s),
            None => {
                let msg = format!("initial_value must be str or None, not {}", v.type_name(th));
                return Err(th.type_error(&msg));
            }
        },
        None => None,
    };
    let me = of(o);
    // ORDERING Relaxed: as in `is_closed`.
    me.closed.store(false, Ordering::Relaxed);
    let mut c = me.content.lock(&me.header, th);
    let universal = match newline {
        None => Some(Newlines::new(true)),
        Some("") => Some(Newlines::new(false)),
        Some(_) => None,
    };
    c.0 = Content { text: StrBuf::new(), pos: 0, newline, universal };
    if let Some(s) = initial {
        c.0.write(s.data());
        c.0.pos = 0;
    }
    Ok(())
}

impl Content {
    /// Puts text at the position, after translating its line ends.
    fn write(&mut self, text: StrData<'_>) {
        let treated = self.universal.as_mut().and_then(|n| n.treat(text, true));
        let text = treated.as_ref().map_or(text, |t| t.data());
        match self.newline {
            Some(end @ ("\r" | "\r\n")) => {
                let mut out = StrBuf::with_capacity(text.len() + 8);
                for c in text.iter() {
                    if c == 10 { out.push_ascii(end.as_bytes()) } else { out.push(c) }
                }
                self.put(out.data())
            }
            _ => self.put(text),
        }
    }

    fn put(&mut self, text: StrData<'_>) {
        let len = self.text.len();
        if text.is_empty() {
            return;
        }
        if self.pos == len {
            self.text.push_data(text);
        } else if self.pos > len {
            self.text.push_repeated(0, self.pos - len);
            self.text.push_data(text);
        } else {
            let old = self.text.data();
            let mut new = StrBuf::from(old.slice(0, self.pos));
            new.push_data(text);
            let end = self.pos + text.len();
            if end < len {
                new.push_data(old.slice(end, len));
            }
            self.text = new;
        }
        self.pos += text.len();
    }

    fn line_end(&self) -> LineEnd {
        match self.newline {
            None => LineEnd::Lf,
            Some("") => LineEnd::Universal,
            Some("\r") => LineEnd::Cr,
            Some("\r\n") => LineEnd::CrLf,
            Some(_) => LineEnd::Lf,
        }
    }
}

/// Up to `n` characters from the position on.
fn take(th: &mut Thread, me: &StringIo, n: usize) -> Owned {
    let part = {
        let mut c = me.content.lock(&me.header, th);
        let c = &mut c.0;
        let len = c.text.len();
        let start = c.pos.min(len);
        let end = start.saturating_add(n).min(len);
        c.pos = c.pos.max(end);
        StrBuf::from(c.text.data().slice(start, end))
    };
    th.new_str_buf(part)
}

fn read(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = base::size_arg(th, a.opt(1))?;
    let me = open(th, a[0])?;
    Ok(take(th, me, if n < 0 { usize::MAX } else { n as usize }))
}

fn line(th: &mut Thread, o: Borrowed<'_>, limit: usize) -> PyResult {
    let me = open(th, o)?;
    let n = {
        let c = me.content.lock(&me.header, th);
        let c = &c.0;
        let start = c.pos.min(c.text.len());
        let rest = c.text.data().slice(start, c.text.len());
        find_line(rest, 0, c.line_end()).unwrap_or(rest.len()).min(limit)
    };
    Ok(take(th, me, n))
}

fn readline(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = base::size_arg(th, a.opt(1))?;
    line(th, a[0], if n < 0 { usize::MAX } else { n as usize })
}

fn getvalue(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let me = open(th, a[0])?;
    let text = me.content.lock(&me.header, th).0.text.clone();
    Ok(th.new_str_buf(text))
}

fn tell(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let me = open(th, a[0])?;
    let p = me.content.lock(&me.header, th).0.pos;
    Ok(th.new_int(p as i64))
}

fn truncate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let me = open(th, a[0])?;
    let size = match a.some(1) {
        Some(n) => {
            let n = base::size_arg(th, Some(n))?;
            if n < 0 {
                return Err(th.value_error(&format!("Negative size value {n}")));
            }
            n as usize
        }
        None => me.content.lock(&me.header, th).0.pos,
    };
    let mut c = me.content.lock(&me.header, th);
    if size < c.0.text.len() {
        c.0.text = StrBuf::from(c.0.text.data().slice(0, size));
    }
    drop(c);
    Ok(th.new_int(size as i64))
}

fn seek(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let me = open(th, a[0])?;
    let pos = a[1].to_isize(th)?;
    let whence = crate::support::c_int_or(th, a.opt(2), 0)?;
    match whence {
        0 if pos < 0 => return Err(th.value_error(&format!("Negative seek position {pos}"))),
        0 => {}
        1 | 2 if pos != 0 => return Err(base::os_like(th, "Can't do nonzero cur-relative seeks")),
        1 | 2 => {}
        _ => return Err(th.value_error(&format!("Invalid whence ({whence}, should be 0, 1 or 2)"))),
    }
    let to = {
        let mut c = me.content.lock(&me.header, th);
        let to = match whence {
            0 => pos as usize,
            1 => c.0.pos,
            _ => c.0.text.len(),
        };
        c.0.pos = to;
        to
    };
    Ok(th.new_int(to as i64))
}

fn write(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(s) = a[1].downcast::<Str>() else {
        let msg = format!("string argument expected, got '{}'", a[1].type_name(th));
        return Err(th.type_error(&msg));
    };
    let me = open(th, a[0])?;
    me.content.lock(&me.header, th).0.write(s.data());
    Ok(th.new_int(s.len() as i64))
}

fn close(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let me = of(a[0]);
    // ORDERING Relaxed: as in `is_closed`.
    me.closed.store(true, Ordering::Relaxed);
    me.content.lock(&me.header, th).0.text = StrBuf::new();
    Ok(Owned::none())
}

fn getstate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let value = getvalue(th, a)?;
    let me = of(a[0]);
    let newline = me.content.lock(&me.header, th).0.newline;
    let newline = newline.map_or_else(Owned::none, |n| th.new_str(n));
    let pos = tell(th, a)?;
    let dict = super::instance_dict_copy(th, a[0])?;
    Ok(th.new_tuple(vec![value, newline, pos, dict]))
}

fn setstate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(t) = a[1].downcast::<Tuple>().filter(|t| t.len() == 4) else {
        let msg = format!(
            "{}.__setstate__ argument should be 4-tuple, got {}",
            a[0].type_name(th),
            a[1].type_name(th)
        );
        return Err(th.type_error(&msg));
    };
    let none = Borrowed::none();
    init(th, a[0], Args::positional(&[none, t.get(1)]))?;
    let Some(s) = t.get(0).downcast::<Str>() else {
        let msg = format!("initial_value must be str or None, not {}", t.get(0).type_name(th));
        return Err(th.type_error(&msg));
    };
    let pos = t.get(2).to_isize(th)?;
    if pos < 0 {
        return Err(th.value_error("position value cannot be negative"));
    }
    let me = of(a[0]);
    {
        let mut c = me.content.lock(&me.header, th);
        // The value was translated when it was first written.
        c.0.text = StrBuf::from(s.data());
        c.0.pos = pos as usize;
    }
    let dict = t.get(3);
    if !dict.is_none() {
        if dict.downcast::<Dict>().is_none() {
            let msg = format!("fourth item of state should be a dict, got a {}", dict.type_name(th));
            return Err(th.type_error(&msg));
        }
        super::update_instance_dict(th, a[0], dict)?;
    }
    Ok(Owned::none())
}
