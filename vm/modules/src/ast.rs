//! `_ast`: syntax trees as Python objects.

mod build;
mod build_expr;
mod build_parts;
mod grammar;
mod node;

use typhon_compile::Mode;
use typhon_core::builtins::str::Str;
use typhon_core::compile::filename_text;
use typhon_core::{Borrowed, ModuleDef, NativeDef, PyResult, Thread};

use crate::support::ModuleExt;

const ALLOW_INCOMPLETE_INPUT: i64 = 0x4000;

pub static MODULE: ModuleDef =
    ModuleDef { name: "_ast", doc: "", functions: &[], types: &[&node::AST], setup: Some(setup) };

static PARSE: NativeDef =
    NativeDef::new("parse", "($module, source, filename, mode, flags, optimize, /)", parse, "");

fn setup(th: &mut Thread, module: Borrowed<'_>) -> PyResult<()> {
    for (name, value) in [
        ("PyCF_ONLY_AST", 0x400),
        ("PyCF_TYPE_COMMENTS", 0x1000),
        ("PyCF_ALLOW_TOP_LEVEL_AWAIT", 0x2000),
        ("PyCF_ALLOW_INCOMPLETE_INPUT", ALLOW_INCOMPLETE_INPUT),
        ("PyCF_OPTIMIZED_AST", 0x8400),
    ] {
        module.add_int(th, name, value)?;
    }
    node::make_classes(th, module)?;
    let classes = build::Classes::collect(th, module)?;
    th.rt.store("_ast.classes", classes);
    let f = th.new_native_function(&PARSE, Some(module));
    th.rt.store("_ast.parse", f);
    Ok(())
}

/// `compile(source, filename, mode, PyCF_ONLY_AST)`
fn parse(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let filename = filename_text(th, a[1])?;
    let mode = a[2].expect_str(th, "compile() argument 'mode'")?.to_text();
    let text = match a[0].downcast::<Str>() {
        Some(s) => {
            if let Some((at, _)) = s.data().iter().enumerate().find(|(_, c)| (0xd800..0xe000).contains(c)) {
                return Err(typhon_core::builtins::exceptions::unicode_encode_error(
                    th,
                    "utf-8",
                    a[0],
                    at,
                    at + 1,
                    "surrogates not allowed",
                ));
            }
            s.to_text()
        }
        None => {
            let bytes = typhon_core::buffer::get(th, a[0])?.to_vec();
            typhon_core::compile::decode_source(th, &bytes, &filename)?
        }
    };
    let parse_mode = match mode.as_str() {
        "exec" => Mode::Exec,
        "eval" => Mode::Eval,
        "single" => Mode::Single,
        "func_type" => return build::function_type(th, &text, &filename),
        _ => return Err(th.value_error("compile() mode must be 'exec', 'eval', 'single' or 'func_type'")),
    };
    let parsed = match typhon_compile::parse(&text, parse_mode) {
        Ok(p) => p,
        Err(e) => return Err(typhon_core::compile::raise(th, &e, &filename)),
    };
    build::tree(th, &parsed, parse_mode)
}
