//! Writing JSON.

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::float::DEF as FLOAT;
use typhon_core::builtins::int::{DEF as INT, convert as int_convert};
use typhon_core::builtins::list::List;
use typhon_core::builtins::native_function::NativeFunction;
use typhon_core::builtins::str::{DEF as STR, Str};
use typhon_core::builtins::tuple::Tuple;
use typhon_core::{
    Args, Borrowed, Data, Owned, PyResult, Slot, Slots, Thread, Type, TypeDef, Word, payload, type_flags,
    unborn,
};
use typhon_text::StrData;
use typhon_text::buf::StrBuf;

use super::quote;
use crate::args::this;

/// How strings are written.
#[derive(Clone, Copy, PartialEq)]
enum Style {
    Ascii,
    Plain,
    /// By calling `encoder`.
    Called,
}

payload! {
    /// `make_encoder(...)`: writes a value as chunks of text.
    pub struct Encoder: ENCODER {
        markers: Slot,
        default: Slot,
        encoder: Slot,
        indent: Slot,
        key_separator: Slot,
        item_separator: Slot,
        sort_keys: Data<bool>,
        skipkeys: Data<bool>,
        allow_nan: Data<bool>,
        style: Data<Style>,
    }
}

pub static ENCODER: TypeDef = TypeDef {
    module: "_json",
    doc: "Encoder(markers, default, encoder, indent, key_separator, item_separator, sort_keys, skipkeys, allow_nan)",
    flags: type_flags::GC | type_flags::BASE,
    slots: Slots { new: Some(new), call: Some(call), ..Slots::NONE },
    getset: &[
        typhon_core::GetSetDef::get("markers", |_, o| Ok(fixed(&this::<Encoder>(o).markers).to_owned())),
        typhon_core::GetSetDef::get("default", |_, o| Ok(fixed(&this::<Encoder>(o).default).to_owned())),
        typhon_core::GetSetDef::get("encoder", |_, o| Ok(fixed(&this::<Encoder>(o).encoder).to_owned())),
        typhon_core::GetSetDef::get("indent", |_, o| Ok(fixed(&this::<Encoder>(o).indent).to_owned())),
        typhon_core::GetSetDef::get("key_separator", |_, o| {
            Ok(fixed(&this::<Encoder>(o).key_separator).to_owned())
        }),
        typhon_core::GetSetDef::get("item_separator", |_, o| {
            Ok(fixed(&this::<Encoder>(o).item_separator).to_owned())
        }),
        typhon_core::GetSetDef::get("sort_keys", |_, o| Ok(Owned::bool(this::<Encoder>(o).sort_keys.0))),
        typhon_core::GetSetDef::get("skipkeys", |_, o| Ok(Owned::bool(this::<Encoder>(o).skipkeys.0))),
    ],
    ..TypeDef::of::<Encoder>("make_encoder")
};

fn fixed(s: &Slot) -> Borrowed<'_> {
    s.fixed().unwrap_or(Borrowed::none())
}

fn is_none(v: Borrowed<'_>) -> bool {
    v.is(Borrowed::none().word())
}

fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    const SIG: &str =
        "(markers, default, encoder, indent, key_separator, item_separator, sort_keys, skipkeys, allow_nan)";
    let a = crate::args::constructor::<Encoder>(th, ty, SIG, args)?;
    if !is_none(a[0]) && a[0].downcast::<Dict>().is_none() {
        let msg = format!("make_encoder() argument 1 must be dict or None, not {}", a[0].type_name(th));
        return Err(th.type_error(&msg));
    }
    for (i, what) in [(4, "key_separator"), (5, "item_separator")] {
        if a[i].downcast::<Str>().is_none() {
            let msg = format!("make_encoder() argument {what} must be str, not {}", a[i].type_name(th));
            return Err(th.type_error(&msg));
        }
    }
    let style = match a[2].downcast_exact::<NativeFunction>().map(|f| f.def().name) {
        Some("encode_basestring_ascii") => Style::Ascii,
        Some("encode_basestring") => Style::Plain,
        _ => Style::Called,
    };
    let (sort_keys, skipkeys, allow_nan) = (a[6].truth(th)?, a[7].truth(th)?, a[8].truth(th)?);
    let slot = |i: usize| Slot::new(a[i].to_owned());
    let payload = Encoder {
        header: unborn(),
        markers: slot(0),
        default: slot(1),
        encoder: slot(2),
        indent: slot(3),
        key_separator: slot(4),
        item_separator: slot(5),
        sort_keys: Data(sort_keys),
        skipkeys: Data(skipkeys),
        allow_nan: Data(allow_nan),
        style: Data(style),
    };
    crate::args::made(th, ty, payload)
}

fn call(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult {
    let a = typhon_core::signature::bind(th, "_iterencode", "(obj, _current_indent_level)", args)?;
    let level = a[1].to_isize(th)?.max(0) as usize;
    let e: &Encoder = this(o);
    let mut w = Writer {
        e,
        out: StrBuf::with_capacity(256),
        item_separator: separator(&e.item_separator),
        key_separator: separator(&e.key_separator),
        indent: fixed(&e.indent).downcast::<Str>().map(Str::data),
        open: (!is_none(fixed(&e.markers))).then(Vec::new),
    };
    w.value(th, a[0], level)?;
    let text = th.new_str_buf(w.out);
    Ok(th.new_tuple(vec![text]))
}

/// The text of a separator. It has been checked to be a str.
fn separator(s: &Slot) -> StrData<'_> {
    fixed(s).downcast::<Str>().map_or(StrData::One(b""), Str::data)
}

struct Writer<'a> {
    e: &'a Encoder,
    out: StrBuf,
    item_separator: StrData<'a>,
    key_separator: StrData<'a>,
    /// `None`: everything is in one line.
    indent: Option<StrData<'a>>,
    /// Identities of the objects that are being written, the outermost first; `None`: circles are not looked for.
    open: Option<Vec<usize>>,
}

impl Writer<'_> {
    fn push(&mut self, s: Borrowed<'_>) {
        if let Some(s) = s.downcast::<Str>() {
            self.out.push_data(s.data());
        }
    }

    fn new_line(&mut self, level: usize) {
        let Some(indent) = self.indent else { return };
        self.out.push_ascii(b"\n");
        for _ in 0..level {
            self.out.push_data(indent);
        }
    }

    /// The separator between items; with indentation a new line follows.
    fn separator(&mut self, level: usize) {
        self.out.push_data(self.item_separator);
        self.new_line(level);
    }

    fn string(&mut self, th: &mut Thread, o: Borrowed<'_>, s: &Str) -> PyResult<()> {
        match self.e.style.0 {
            Style::Ascii => quote::write(&mut self.out, s.data(), true),
            Style::Plain => quote::write(&mut self.out, s.data(), false),
            Style::Called => {
                let text = fixed(&self.e.encoder).call(th, &[o])?;
                if text.borrow().downcast::<Str>().is_none() {
                    let msg = format!("encoder() must return a string, not {}", text.borrow().type_name(th));
                    return Err(th.type_error(&msg));
                }
                self.push(text.borrow());
            }
        }
        Ok(())
    }

    fn float(&mut self, th: &mut Thread, o: Borrowed<'_>, v: f64) -> PyResult<()> {
        if v.is_finite() {
            self.out.extend_ascii(|out| typhon_text::float::write_repr(v, out));
            return Ok(());
        }
        if !self.e.allow_nan.0 {
            let shown = o.repr_text(th)?;
            return Err(th.value_error(&format!("Out of range float values are not JSON compliant: {shown}")));
        }
        let text: &[u8] = match v {
            v if v.is_nan() => b"NaN",
            v if v > 0.0 => b"Infinity",
            _ => b"-Infinity",
        };
        self.out.push_ascii(text);
        Ok(())
    }

    /// Numbers, strings and constants. False: something else.
    fn simple(&mut self, th: &mut Thread, o: Borrowed<'_>) -> PyResult<bool> {
        let w = o.word();
        if w.is_int() {
            self.out.push_int(w.int());
        } else if let Some(s) = o.downcast::<Str>() {
            self.string(th, o, s)?;
        } else if is_none(o) {
            self.out.push_ascii(b"null");
        } else if o.word() == Word::TRUE {
            self.out.push_ascii(b"true");
        } else if o.word() == Word::FALSE {
            self.out.push_ascii(b"false");
        } else if o.ty().is_subtype_of(INT.ty()) {
            if let Some(v) = o.as_int() {
                let r = self.out.extend_ascii(|out| int_convert::write_decimal(th, v, out));
                r?;
            }
        } else if o.ty().is_subtype_of(FLOAT.ty()) {
            let v = o.to_f64(th)?;
            self.float(th, o, v)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn value(&mut self, th: &mut Thread, o: Borrowed<'_>, level: usize) -> PyResult<()> {
        let container = o.downcast_exact::<Dict>().is_some() || o.downcast_exact::<List>().is_some();
        if !container && self.simple(th, o)? {
            return Ok(());
        }
        if o.downcast::<List>().is_some() || o.downcast::<Tuple>().is_some() {
            th.check_native_stack(" while encoding a JSON object")?;
            return self.marked(th, o, |w, th| w.sequence(th, o, level));
        }
        if o.downcast::<Dict>().is_some() {
            th.check_native_stack(" while encoding a JSON object")?;
            return self.marked(th, o, |w, th| w.mapping(th, o, level));
        }
        th.check_native_stack(" while encoding a JSON object")?;
        self.marked(th, o, |w, th| {
            let other = fixed(&w.e.default).call(th, &[o])?;
            let done = w.value(th, other.borrow(), level);
            if let Err(raised) = done {
                return Err(noted(th, raised, &format!("when serializing {} object", o.ty().display_name())));
            }
            Ok(())
        })
    }

    /// Runs `f` with `o` in the dict of objects that are being written.
    fn marked(
        &mut self,
        th: &mut Thread,
        o: Borrowed<'_>,
        f: impl FnOnce(&mut Self, &mut Thread) -> PyResult<()>,
    ) -> PyResult<()> {
        let id = o.word().identity() as usize;
        if let Some(open) = &mut self.open {
            if open.contains(&id) {
                return Err(th.value_error("Circular reference detected"));
            }
            open.push(id);
        }
        f(self, th)?;
        if let Some(open) = &mut self.open {
            open.pop();
        }
        Ok(())
    }

    fn sequence(&mut self, th: &mut Thread, o: Borrowed<'_>, level: usize) -> PyResult<()> {
        let mut n = 0;
        self.out.push_ascii(b"[");
        let mut i = 0;
        loop {
            // The list may change while items are written.
            let v = match (o.downcast::<List>(), o.downcast::<Tuple>()) {
                (Some(l), _) => l.get(i),
                (_, Some(t)) => (i < t.len()).then(|| t.get(i).to_owned()),
                _ => None,
            };
            let Some(v) = v else { break };
            if n == 0 {
                self.new_line(level + 1)
            } else {
                self.separator(level + 1)
            }
            n += 1;
            if let Err(raised) = self.value(th, v.borrow(), level + 1) {
                let note = format!("when serializing {} item {i}", o.ty().display_name());
                return Err(noted(th, raised, &note));
            }
            i += 1;
        }
        if n > 0 {
            self.new_line(level);
        }
        self.out.push_ascii(b"]");
        Ok(())
    }

    fn mapping(&mut self, th: &mut Thread, o: Borrowed<'_>, level: usize) -> PyResult<()> {
        let pairs = self.pairs(th, o)?;
        self.out.push_ascii(b"{");
        let mut n = 0;
        for (key, v) in pairs {
            if !is_key(key.borrow()) {
                if self.e.skipkeys.0 {
                    continue;
                }
                let name = key.borrow().type_name(th);
                let msg = format!("keys must be str, int, float, bool or None, not {name}");
                return Err(th.type_error(&msg));
            }
            if n == 0 {
                self.new_line(level + 1)
            } else {
                self.separator(level + 1)
            }
            self.key(th, key.borrow())?;
            n += 1;
            self.out.push_data(self.key_separator);
            if let Err(raised) = self.value(th, v.borrow(), level + 1) {
                let exc = th.catch(raised);
                let shown = key.borrow().repr_text(th)?;
                let raised = th.set_exc(exc);
                let note = format!("when serializing {} item {shown}", o.ty().display_name());
                return Err(noted(th, raised, &note));
            }
        }
        if n > 0 {
            self.new_line(level);
        }
        self.out.push_ascii(b"}");
        Ok(())
    }

    fn pairs(&mut self, th: &mut Thread, o: Borrowed<'_>) -> PyResult<Vec<(Owned, Owned)>> {
        let plain = o.downcast_exact::<Dict>();
        if let Some(d) = plain
            && !self.e.sort_keys.0
        {
            return Ok(d.entries());
        }
        let items = th.intern("items");
        let mut items = o.call_method(th, items.borrow(), &[])?;
        if self.e.sort_keys.0 {
            let sorted = crate::support::builtin(th, "sorted");
            items = sorted.borrow().call(th, &[items.borrow()])?;
        }
        let mut out = Vec::new();
        for pair in items.borrow().to_vec(th)? {
            let Some(t) = pair.borrow().downcast::<Tuple>().filter(|t| t.len() == 2) else {
                return Err(th.value_error("items must return 2-tuples"));
            };
            out.push((t.get(0).to_owned(), t.get(1).to_owned()));
        }
        Ok(out)
    }

    /// Writes a key, for which [`is_key`] holds.
    fn key(&mut self, th: &mut Thread, k: Borrowed<'_>) -> PyResult<()> {
        if let Some(s) = k.downcast::<Str>() {
            return self.string(th, k, s);
        }
        // Other keys are written as strings of what they would be as values.
        let kept = core::mem::take(&mut self.out);
        let written = self.simple(th, k);
        let text = core::mem::replace(&mut self.out, kept);
        written?;
        let text = th.new_str_buf(text);
        match text.borrow().downcast::<Str>() {
            Some(s) => self.string(th, text.borrow(), s),
            None => Ok(()),
        }
    }
}

/// May keys of objects be of this type?
fn is_key(k: Borrowed<'_>) -> bool {
    k.downcast_exact::<Str>().is_some()
        || is_none(k)
        || [STR.ty(), INT.ty(), FLOAT.ty()].into_iter().any(|t| k.ty().is_subtype_of(t))
}

/// Adds a note to the exception on its way.
#[cold]
fn noted(th: &mut Thread, raised: typhon_core::Raised, note: &str) -> typhon_core::Raised {
    let exc = th.catch(raised);
    let (name, note) = (th.intern("add_note"), th.new_str(note));
    let added = exc.borrow().call_method(th, name.borrow(), &[note.borrow()]);
    if let Err(raised) = added {
        drop(th.catch(raised));
    }
    th.set_exc(exc)
}
