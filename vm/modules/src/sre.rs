//! `_sre`: regular expressions. `re` compiles patterns to a program; this module runs it.

pub mod charset;
pub mod code;
pub mod engine;
mod filter;
mod found;
mod pattern;
mod scanner;
mod subject;
mod substitute;
mod template;

use typhon_core::{Borrowed, ModuleDef, NativeDef, Owned, PyResult, Thread};

use crate::support::ModuleExt;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_sre",
    doc: "",
    functions: &[
        NativeDef::new(
            "compile",
            "($module, /, pattern, flags, code, groups, groupindex, indexgroup)",
            pattern::compile,
            "",
        ),
        NativeDef::new("getcodesize", "($module, /)", |th, _| Ok(th.new_int(4)), ""),
        NativeDef::new(
            "ascii_iscased",
            "($module, character, /)",
            |th, a| {
                let c = character(th, a[0])?;
                Ok(Owned::bool(c < 128 && (c as u8).is_ascii_alphabetic()))
            },
            "",
        ),
        NativeDef::new(
            "unicode_iscased",
            "($module, character, /)",
            |th, a| {
                let c = character(th, a[0])?;
                Ok(Owned::bool(charset::lower_unicode(c) != c || charset::upper_unicode(c) != c))
            },
            "",
        ),
        NativeDef::new(
            "ascii_tolower",
            "($module, character, /)",
            |th, a| {
                let c = character(th, a[0])?;
                Ok(th.new_int(i64::from(charset::lower_ascii(c))))
            },
            "",
        ),
        NativeDef::new(
            "unicode_tolower",
            "($module, character, /)",
            |th, a| {
                let c = character(th, a[0])?;
                Ok(th.new_int(i64::from(charset::lower_unicode(c))))
            },
            "",
        ),
        NativeDef::new(
            "template",
            "($module, pattern, template, /)",
            template::make,
            "\n\n  template\n    A list containing interleaved literal strings (str or bytes) and group\n    indices (int), as \
             returned by re._parser.parse_template():\n        [literal1, group1, ..., literalN, groupN]",
        ),
    ],
    types: &[&pattern::PATTERN, &found::MATCH, &scanner::SCANNER, &template::TEMPLATE],
    setup: Some(setup),
};

fn setup(th: &mut Thread, module: Borrowed<'_>) -> PyResult<()> {
    module.add_int(th, "MAGIC", code::MAGIC)?;
    module.add_int(th, "CODESIZE", 4)?;
    module.add_int(th, "MAXREPEAT", i64::from(code::MAXREPEAT))?;
    module.add_int(th, "MAXGROUPS", 1_073_741_823)
}

/// A code point argument.
fn character(th: &mut Thread, o: Borrowed<'_>) -> PyResult<u32> {
    let c = o.to_i64(th)?;
    match u32::try_from(c) {
        Ok(c) => Ok(c),
        Err(_) => Err(th.overflow_error("signed integer is greater than maximum")),
    }
}
