//! Universal newlines: the translation itself, and `IncrementalNewlineDecoder`.

use typhon_core::builtins::bytes::Bytes;
use typhon_core::builtins::str::Str;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::object::Locked;
use typhon_core::signature::bind;
use typhon_core::thread::unborn;
use typhon_core::typedef::type_flags;
use typhon_core::{ArgsExt, Borrowed, GetSetDef, NativeDef, Owned, PyResult, Slot, Slots, Thread, TypeDef};
use typhon_text::{StrBuf, StrData};

/// Line ends seen so far.
pub mod seen {
    pub const CR: u8 = 1;
    pub const LF: u8 = 2;
    pub const CRLF: u8 = 4;
}

/// State of universal newlines over a stream of text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Newlines {
    /// Turn `\r` and `\r\n` into `\n`.
    pub translate: bool,
    /// The last text ended in `\r`, which is held back.
    pub pending_cr: bool,
    /// Bits of [`seen`].
    pub seen: u8,
}

typhon_core::holds_no_references!(Newlines);

impl Newlines {
    pub fn new(translate: bool) -> Newlines {
        Newlines { translate, pending_cr: false, seen: 0 }
    }

    /// Can this text pass as it is? Then only the line ends are noted.
    pub fn passes(&mut self, text: StrData<'_>) -> bool {
        if self.pending_cr {
            return false;
        }
        match text {
            StrData::One(b) => {
                if memchr::memchr(b'\r', b).is_some() {
                    return false;
                }
                if self.seen & seen::LF == 0 && memchr::memchr(b'\n', b).is_some() {
                    self.seen |= seen::LF;
                }
            }
            wide => {
                let mut lf = false;
                for c in wide.iter() {
                    if c == 13 {
                        return false;
                    }
                    lf |= c == 10;
                }
                if lf {
                    self.seen |= seen::LF;
                }
            }
        }
        true
    }

    /// The text with its line ends treated; `None` if it can pass as it is.
    pub fn treat(&mut self, text: StrData<'_>, last: bool) -> Option<StrBuf> {
        if self.passes(text) { None } else { Some(self.decode(text, last)) }
    }

    /// The text with its line ends treated. With `last` nothing is held back.
    pub fn decode(&mut self, text: StrData<'_>, last: bool) -> StrBuf {
        let mut out = StrBuf::with_capacity(text.len() + 1);
        let mut previous_cr = core::mem::take(&mut self.pending_cr);
        let n = text.len();
        for (i, c) in text.iter().enumerate() {
            if previous_cr {
                previous_cr = false;
                if c == 10 {
                    self.seen |= seen::CRLF;
                    if self.translate {
                        out.push(10);
                    } else {
                        out.push_ascii(b"\r\n");
                    }
                    continue;
                }
                self.seen |= seen::CR;
                out.push(if self.translate { 10 } else { 13 });
            }
            match c {
                13 if i + 1 < n || !last => previous_cr = true,
                13 => {
                    self.seen |= seen::CR;
                    out.push(if self.translate { 10 } else { 13 });
                }
                10 => {
                    self.seen |= seen::LF;
                    out.push(10);
                }
                _ => out.push(c),
            }
        }
        if previous_cr {
            if last {
                self.seen |= seen::CR;
                out.push(if self.translate { 10 } else { 13 });
            } else {
                self.pending_cr = true;
            }
        }
        out
    }

    /// The `newlines` attribute.
    pub fn attribute(self, th: &mut Thread) -> Owned {
        let names: Vec<&str> = [(seen::CR, "\r"), (seen::LF, "\n"), (seen::CRLF, "\r\n")]
            .into_iter()
            .filter(|(bit, _)| self.seen & bit != 0)
            .map(|(_, text)| text)
            .collect();
        match names.as_slice() {
            [] => Owned::none(),
            [one] => th.new_str(one),
            several => {
                let items = several.iter().map(|t| th.new_str(t)).collect();
                th.new_tuple(items)
            }
        }
    }
}

typhon_core::payload! {
    /// `_io.IncrementalNewlineDecoder`
    pub struct NewlineDecoder: NEWLINE_DECODER {
        decoder: Slot,
        errors: Slot,
        state: Locked<Newlines>,
    }
}

pub static NEWLINE_DECODER: TypeDef = TypeDef {
    module: "_io",
    flags: type_flags::BASE | type_flags::GC,
    doc: "Codec used when reading a file in universal newlines mode.",
    slots: Slots {
        new: Some(|th, ty, _| {
            let payload = NewlineDecoder {
                header: unborn(),
                decoder: Slot::empty(),
                errors: Slot::empty(),
                state: Locked::new(Newlines::default()),
            };
            Ok(th.alloc_as(payload, ty))
        }),
        init: Some(|th, o, args| {
            let a = bind(th, "IncrementalNewlineDecoder", "(decoder, translate, errors='strict')", args)?;
            let translate = a[1].truth(th)?;
            let me = of(o);
            me.decoder.set(&me.header, a[0].to_owned());
            let errors = a.opt(2).map_or_else(|| th.intern("strict"), |e| e.to_owned());
            me.errors.set(&me.header, errors);
            *me.state.lock(&me.header, th) = Newlines::new(translate);
            Ok(())
        }),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new("decode", "($self, input, final=False)", decode, ""),
        NativeDef::new("getstate", "($self, /)", getstate, ""),
        NativeDef::new("setstate", "($self, state, /)", setstate, ""),
        NativeDef::new("reset", "($self, /)", reset, ""),
    ],
    getset: &[
        GetSetDef::get("newlines", |th, o| {
            let me = of(o);
            let state = *me.state.lock(&me.header, th);
            Ok(state.attribute(th))
        }),
        GetSetDef::get("errors", |_, o| {
            let me = of(o);
            Ok(me.errors.get(&me.header).unwrap_or_else(Owned::none))
        }),
    ],
    ..TypeDef::of::<NewlineDecoder>("IncrementalNewlineDecoder")
};

fn of(o: Borrowed<'_>) -> &NewlineDecoder {
    o.downcast::<NewlineDecoder>().expect("a method of IncrementalNewlineDecoder")
}

/// The decoder below; `None` when text comes in as text.
fn decoder(th: &mut Thread, me: &NewlineDecoder) -> PyResult<Option<Owned>> {
    match me.decoder.get(&me.header) {
        Some(d) => Ok(if d.is_none() { None } else { Some(d) }),
        None => Err(th.value_error("IncrementalNewlineDecoder.__init__() not called")),
    }
}

fn decode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let me = of(a[0]);
    let last = crate::support::flag(th, a.opt(2), false)?;
    let text = match decoder(th, me)? {
        Some(d) => {
            let last = Owned::bool(last);
            d.borrow().call_method_str(th, "decode", &[a[1], last.borrow()])?
        }
        None => a[1].to_owned(),
    };
    let Some(s) = text.downcast::<Str>() else {
        let msg = format!("decoder should return a string result, not '{}'", text.borrow().type_name(th));
        return Err(th.type_error(&msg));
    };
    let out = { me.state.lock(&me.header, th).treat(s.data(), last) };
    Ok(match out {
        Some(b) => th.new_str_buf(b),
        None => text,
    })
}

fn getstate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let me = of(a[0]);
    let (buffer, flags) = match decoder(th, me)? {
        Some(d) => {
            let s = d.borrow().call_method_str(th, "getstate", &[])?;
            split_state(th, s.borrow())?
        }
        None => (th.new_bytes(b""), 0),
    };
    let cr = me.state.lock(&me.header, th).pending_cr;
    let flags = th.new_int(flags << 1 | i64::from(cr));
    Ok(th.new_tuple(vec![buffer, flags]))
}

/// The two parts of a decoder's state. Errors: TypeError.
pub fn split_state(th: &mut Thread, state: Borrowed<'_>) -> PyResult<(Owned, i64)> {
    let Some(t) = state.downcast::<Tuple>().filter(|t| t.len() == 2) else {
        return Err(th.type_error("illegal decoder state"));
    };
    if t.get(0).downcast::<Bytes>().is_none() {
        let msg = format!(
            "illegal decoder state: the first item should be a bytes object, not '{}'",
            t.get(0).type_name(th)
        );
        return Err(th.type_error(&msg));
    }
    let flags = t.get(1).index(th)?;
    let flags = flags.borrow().to_i64(th)?;
    Ok((t.get(0).to_owned(), flags))
}

fn setstate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let me = of(a[0]);
    let Some(t) = a[1].downcast::<Tuple>() else {
        return Err(th.type_error("state argument must be a tuple"));
    };
    if t.len() != 2 {
        return Err(th.type_error("setstate(): illegal state argument"));
    }
    let flags = t.get(1).index(th)?;
    let flags = flags.borrow().to_i64(th)?;
    me.state.lock(&me.header, th).pending_cr = flags & 1 != 0;
    if let Some(d) = decoder(th, me)? {
        let flags = th.new_int(flags >> 1);
        let state = th.new_tuple(vec![t.get(0).to_owned(), flags]);
        d.borrow().call_method_str(th, "setstate", &[state.borrow()])?;
    }
    Ok(Owned::none())
}

fn reset(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let me = of(a[0]);
    {
        let mut s = me.state.lock(&me.header, th);
        s.seen = 0;
        s.pending_cr = false;
    }
    match decoder(th, me)? {
        Some(d) => d.borrow().call_method_str(th, "reset", &[]),
        None => Ok(Owned::none()),
    }
}
