//! `_json`: the fast half of the module `json`.

mod encode;
mod plain;
mod quote;
mod scan;

use typhon_core::builtins::str::Str;
use typhon_core::{ArgsExt, Borrowed, ModuleDef, NativeDef, PyResult, Raised, Thread};

pub static MODULE: ModuleDef = ModuleDef {
    name: "_json",
    doc: "json speedups\n",
    functions: &[
        NativeDef::new(
            "encode_basestring_ascii",
            "($module, string, /)",
            |th, a| quote::to_str(th, a[0], true),
            "Return an ASCII-only JSON representation of a Python string.",
        ),
        NativeDef::new(
            "encode_basestring",
            "($module, string, /)",
            |th, a| quote::to_str(th, a[0], false),
            "Return a JSON representation of a Python string.",
        ),
        NativeDef::new(
            "scanstring",
            "($module, string, end, strict=True, /)",
            |th, a| {
                let strict = match a.opt(2) {
                    Some(v) => v.truth(th)?,
                    None => true,
                };
                scan::scanstring(th, a[0], a[1], strict)
            },
            "Scan the string s for a JSON string. End is the index of the\ncharacter in s after the quote that started the JSON string.\nUnescapes all valid JSON string escape sequences and raises ValueError\non attempt to decode an invalid string. If strict is False then literal\ncontrol characters are allowed in the string.\n\nReturns a tuple of the decoded string and the index of the character in s\nafter the end quote.",
        ),
    ],
    types: &[&scan::SCANNER, &encode::ENCODER],
    setup: None,
};

/// Raises `json.decoder.JSONDecodeError(msg, doc, pos)`.
#[cold]
fn decode_error(th: &mut Thread, msg: &str, doc: Borrowed<'_>, at: usize) -> Raised {
    let class = match crate::support::import_attr(th, "json.decoder", "JSONDecodeError") {
        Ok(class) => class,
        Err(raised) => return raised,
    };
    let (msg, at) = (th.new_str(msg), th.new_int(at as i64));
    match class.borrow().call(th, &[msg.borrow(), doc, at.borrow()]) {
        Ok(exc) => th.set_exc(exc),
        Err(raised) => raised,
    }
}

/// The str payload of an argument.
fn text<'a>(th: &mut Thread, o: Borrowed<'a>) -> PyResult<&'a Str> {
    match o.downcast::<Str>() {
        Some(s) => Ok(s),
        None => {
            let msg = format!("first argument must be a string, not {}", o.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}
