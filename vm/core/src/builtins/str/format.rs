//! `str.format` and `str.format_map`.

use typhon_text::str_format::{
    Accessor, Conversion, FieldName, Key, MAX_DEPTH, Numbering, Parser, check_conversion, missing_positional,
    too_deep,
};
use typhon_text::{StrBuf, StrData};

use super::Str;
use super::core::{format_value, of};
use crate::builtins::dict::Dict;
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::ArgsExt;
use crate::thread::Thread;

/// Where the fields get their values.
struct Source<'a> {
    args: Option<&'a Tuple>,
    /// A dict or any mapping; null for none.
    names: Borrowed<'a>,
}

pub(super) fn format(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let names = a.opt(2).unwrap_or(Borrowed::null());
    let source = Source { args: a[1].downcast::<Tuple>(), names };
    run(th, of(a[0]), &source)
}

pub(super) fn format_map(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    run(th, of(a[0]), &Source { args: None, names: a[1] })
}

fn run(th: &mut Thread, text: &Str, source: &Source<'_>) -> PyResult {
    let mut out = StrBuf::with_capacity(text.len() + 16);
    let mut numbering = Numbering::default();
    render(th, text.data(), source, &mut numbering, MAX_DEPTH, &mut out)?;
    Ok(th.new_str_buf(out))
}

fn render(
    th: &mut Thread,
    text: StrData<'_>,
    source: &Source<'_>,
    numbering: &mut Numbering,
    depth: usize,
    out: &mut StrBuf,
) -> PyResult<()> {
    if depth == 0 {
        return Err(th.text_error(&too_deep()));
    }
    for segment in Parser::new(text) {
        let segment = segment.map_err(|e| th.text_error(&e))?;
        out.push_data(segment.literal);
        let Some(field) = segment.field else { continue };
        let mut value = fetch(th, field.name, source, numbering)?;
        if let Some(c) = field.conversion {
            value = match check_conversion(c).map_err(|e| th.text_error(&e))? {
                Conversion::Repr => value.borrow().repr(th)?,
                Conversion::Str => value.borrow().str(th)?,
                Conversion::Ascii => ascii(th, value.borrow())?,
            };
        }
        if field.spec.is_empty() {
            push(th, value.borrow(), out)?;
            continue;
        }
        let mut spec = StrBuf::new();
        if field.nested {
            render(th, field.spec, source, numbering, depth - 1, &mut spec)?;
        } else {
            spec.push_data(field.spec);
        }
        let spec = th.new_str_buf(spec);
        let r = format_value(th, value.borrow(), spec.borrow())?;
        out.push_data(of(r.borrow()).data());
    }
    Ok(())
}

/// Appends `format(v, "")`.
fn push(th: &mut Thread, v: Borrowed<'_>, out: &mut StrBuf) -> PyResult<()> {
    if let Some(s) = v.downcast_exact::<Str>() {
        out.push_data(s.data());
    } else if v.word().is_int() {
        out.push_int(v.word().int());
    } else {
        let r = format_value(th, v, Borrowed::null())?;
        out.push_data(of(r.borrow()).data());
    }
    Ok(())
}

/// `ascii(v)`
pub fn ascii(th: &mut Thread, v: Borrowed<'_>) -> PyResult {
    let r = v.repr(th)?;
    let s = of(r.borrow());
    if s.is_ascii() {
        return Ok(r);
    }
    let b = typhon_text::repr::escape_non_ascii(s.data());
    Ok(th.new_str_buf(b))
}

fn fetch(
    th: &mut Thread,
    name: StrData<'_>,
    source: &Source<'_>,
    numbering: &mut Numbering,
) -> PyResult<Owned> {
    let name = FieldName::split(name).map_err(|e| th.text_error(&e))?;
    let mut value = match numbering.resolve(name.first).map_err(|e| th.text_error(&e))? {
        Some(i) => match source.args {
            None => {
                return Err(th.value_error("Format string contains positional fields"));
            }
            Some(t) if i < t.len() => t.get(i).to_owned(),
            Some(_) => return Err(th.text_error(&missing_positional(i))),
        },
        None => {
            let Key::Name(key) = name.first else { unreachable!("an index has a number") };
            let key = th.new_str_data(key);
            if let Some(d) = source.names.downcast_exact::<Dict>() {
                match d.get(th, key.borrow())? {
                    Some(v) => v,
                    None => return Err(th.key_error(key.borrow())),
                }
            } else if source.names.is_null() {
                return Err(th.key_error(key.borrow()));
            } else {
                source.names.getitem(th, key.borrow())?
            }
        }
    };
    for accessor in name.accessors() {
        value = match accessor.map_err(|e| th.text_error(&e))? {
            Accessor::Attribute(name) => {
                let name = th.new_str_data(name);
                let name = th.intern_str(name.borrow());
                value.borrow().getattr(th, name.borrow())?
            }
            Accessor::Item(Key::Index(i)) => {
                let key = th.new_int(i as i64);
                value.borrow().getitem(th, key.borrow())?
            }
            Accessor::Item(Key::Name(name)) => {
                let key = th.new_str_data(name);
                value.borrow().getitem(th, key.borrow())?
            }
        };
    }
    Ok(value)
}
