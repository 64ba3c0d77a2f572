//! `_string`: the parser of `str.format` fields, for `string.Formatter`.

use typhon_sync::prim::{AtomicUsize, Ordering};

use typhon_core::builtins::str::Str;
use typhon_core::{
    Borrowed, Data, ModuleDef, NativeDef, Owned, PyResult, Slots, Thread, TypeDef, payload, type_flags,
    unborn,
};
use typhon_text::error::TextError;
use typhon_text::str_format::{Accessor, FieldName, Key, Parser};

use crate::args::{itself, this};

pub static MODULE: ModuleDef = ModuleDef {
    name: "_string",
    doc: "string helper module",
    functions: &[
        NativeDef::new(
            "formatter_parser",
            "($module, format_string, /)",
            parser,
            "parse the argument as a format string",
        ),
        NativeDef::new(
            "formatter_field_name_split",
            "($module, field_name, /)",
            split,
            "split the argument as a field name",
        ),
    ],
    types: &[&PARTS],
    setup: None,
};

payload! {
    /// Iterator over what was parsed, and then over the fault, if there is one.
    pub struct Parts: PARTS {
        items: Vec<Owned>,
        fault: Data<Option<TextError>>,
        index: AtomicUsize,
    }
}

pub static PARTS: TypeDef = TypeDef {
    module: "_string",
    flags: type_flags::GC | type_flags::NO_NEW,
    slots: Slots { iter: Some(itself), next: Some(next), ..Slots::NONE },
    ..TypeDef::of::<Parts>("formatteriterator")
};

fn next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let p: &Parts = this(o);
    // ORDERING Relaxed: a position.
    let i = p.index.fetch_add(1, Ordering::Relaxed);
    match (p.items.get(i), &p.fault.0) {
        (Some(v), _) => Ok(Some(v.clone())),
        (None, Some(fault)) if i == p.items.len() => Err(th.text_error(fault)),
        _ => Ok(None),
    }
}

fn parts(th: &mut Thread, items: Vec<Owned>, fault: Option<TextError>) -> Owned {
    th.alloc(Parts { header: unborn(), items, fault: Data(fault), index: AtomicUsize::new(0) })
}

fn text<'a>(th: &mut Thread, o: Borrowed<'a>) -> PyResult<&'a Str> {
    match o.downcast::<Str>() {
        Some(s) => Ok(s),
        None => {
            let msg = format!("expected str, got {}", o.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

fn parser(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let s = text(th, a[0])?;
    let mut items = Vec::new();
    let mut fault = None;
    for segment in Parser::new(s.data()) {
        let segment = match segment {
            Ok(s) => s,
            Err(e) => {
                fault = Some(e);
                break;
            }
        };
        let literal = th.new_str_data(segment.literal);
        let item = match segment.field {
            None => th.new_tuple(vec![literal, Owned::none(), Owned::none(), Owned::none()]),
            Some(f) => {
                let (name, spec) = (th.new_str_data(f.name), th.new_str_data(f.spec));
                let conversion = match f.conversion {
                    Some(c) => th.char_str(c),
                    None => Owned::none(),
                };
                th.new_tuple(vec![literal, name, spec, conversion])
            }
        };
        items.push(item);
    }
    Ok(parts(th, items, fault))
}

fn key(th: &mut Thread, k: Key<'_>) -> Owned {
    match k {
        Key::Index(i) => th.new_int(i as i64),
        Key::Name(n) => th.new_str_data(n),
    }
}

fn split(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let s = text(th, a[0])?;
    let name = FieldName::split(s.data()).map_err(|e| th.text_error(&e))?;
    let first = key(th, name.first);
    let mut items = Vec::new();
    let mut fault = None;
    for step in name.accessors() {
        let (is_attribute, value) = match step {
            Ok(Accessor::Attribute(n)) => (true, th.new_str_data(n)),
            Ok(Accessor::Item(k)) => (false, key(th, k)),
            Err(e) => {
                fault = Some(e);
                break;
            }
        };
        items.push(th.new_pair(Owned::bool(is_attribute), value));
    }
    let rest = parts(th, items, fault);
    Ok(th.new_pair(first, rest))
}
