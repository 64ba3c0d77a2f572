//! `compile`, `eval`, `exec`: source text and code objects in namespaces.

use typhon_compile::Mode;
use typhon_compile::code::{flags, kind};

use crate::builtins::dict::Dict;
use crate::builtins::functions::namespaces::{current_globals, current_locals};
use crate::builtins::str::Str;
use crate::builtins::tuple::Tuple;
use crate::cell::Cell;
use crate::code::CodeObject;
use crate::compile::{CompileOptions, compile_source, filename_text, is_source};
use crate::function::Function;
use crate::interp::eval;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::{Args, ArgsExt};
use crate::thread::Thread;
use crate::typedef::{NativeDef, type_flags};

pub static FUNCTIONS: &[NativeDef] = &[
    NativeDef::new(
        "compile",
        "(source, filename, mode, flags=0, dont_inherit=False, optimize=-1, *, _feature_version=-1)",
        compile,
        "Compile source into a code object that can be executed by exec() or eval().\n\n\
         The source code may represent a Python module, statement or expression.\n\
         The filename will be used for run-time error messages.\n\
         The mode must be 'exec' to compile a module, 'single' to compile a\n\
         single (interactive) statement, or 'eval' to compile an expression.\n\
         The flags argument, if present, controls which future statements influence\n\
         the compilation of the code.\n\
         The dont_inherit argument, if true, stops the compilation inheriting\n\
         the effects of any future statements in effect in the code calling\n\
         compile; if absent or false these statements do influence the compilation,\n\
         in addition to any features explicitly specified.",
    ),
    NativeDef::new(
        "eval",
        "(source, /, globals=None, locals=None)",
        eval_function,
        "Evaluate the given source in the context of globals and locals.\n\n\
         The source may be a string representing a Python expression\n\
         or a code object as returned by compile().\n\
         The globals must be a dictionary and locals can be any mapping,\n\
         defaulting to the current globals and locals.\n\
         If only globals is given, locals defaults to it.",
    ),
    NativeDef::new(
        "exec",
        "(source, /, globals=None, locals=None, *, closure=None)",
        exec,
        "Execute the given source in the context of globals and locals.\n\n\
         The source may be a string representing one or more Python statements\n\
         or a code object as returned by compile().\n\
         The globals must be a dictionary and locals can be any mapping,\n\
         defaulting to the current globals and locals.\n\
         If only globals is given, locals defaults to it.\n\
         The closure must be a tuple of cellvars, and can only be used\n\
         when source is a code object requiring exactly that many cellvars.",
    ),
];

/// Bits of `compile`'s flags beside those of `__future__`.
mod bits {
    pub const DONT_IMPLY_DEDENT: i64 = 0x200;
    pub const ONLY_AST: i64 = 0x400;
    pub const IGNORE_COOKIE: i64 = 0x800;
    pub const TYPE_COMMENTS: i64 = 0x1000;
    pub const ALLOW_TOP_LEVEL_AWAIT: i64 = 0x2000;
    pub const ALLOW_INCOMPLETE_INPUT: i64 = 0x4000;
    pub const OPTIMIZED_AST: i64 = 0x8000;
    pub const ALL: i64 = DONT_IMPLY_DEDENT
        | ONLY_AST
        | IGNORE_COOKIE
        | TYPE_COMMENTS
        | ALLOW_TOP_LEVEL_AWAIT
        | ALLOW_INCOMPLETE_INPUT
        | OPTIMIZED_AST;
}

/// `__future__` bits of the code that called the native.
fn inherited(th: &Thread) -> u32 {
    // SAFETY: the record of a running frame has its code.
    eval::current_record(th).map_or(0, |r| unsafe { (*r.code).flags } & flags::FUTURE_MASK)
}

fn compile(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let filename = filename_text(th, a[1])?;
    let mode = a[2].expect_str(th, "compile() argument 'mode'")?.to_text();
    let given = match a.opt(3) {
        Some(v) => v.to_i64(th)?,
        None => 0,
    };
    if given & !(bits::ALL | i64::from(flags::FUTURE_MASK)) != 0 {
        return Err(th.value_error("compile(): unrecognised flags"));
    }
    let optimize = match a.opt(5) {
        Some(v) => v.to_i64(th)?,
        None => -1,
    };
    let optimize = match optimize {
        -1 => th.rt.config.optimize,
        0..=2 => optimize as u8,
        _ => return Err(th.value_error("compile(): invalid optimize value")),
    };
    let mut future = given as u32 & flags::FUTURE_MASK;
    let dont_inherit = match a.opt(4) {
        Some(v) => v.truth(th)?,
        None => false,
    };
    if !dont_inherit {
        future |= inherited(th);
    }
    let parse_only = given & bits::ONLY_AST != 0;
    if parse_only || !is_source(a[0]) && a[0].downcast::<CodeObject>().is_none() {
        return through_ast(th, a, &mode, given, future, optimize);
    }
    let mode = match mode.as_str() {
        "exec" => Mode::Exec,
        "eval" => Mode::Eval,
        "single" => Mode::Single,
        "func_type" => {
            return Err(th.value_error("compile() mode 'func_type' requires flag PyCF_ONLY_AST"));
        }
        _ => return Err(th.value_error("compile() mode must be 'exec', 'eval' or 'single'")),
    };
    if a[0].downcast::<CodeObject>().is_some() {
        return Err(th.type_error("compile() arg 1 must be a string, bytes or AST object"));
    }
    let options = CompileOptions {
        mode,
        optimize,
        future,
        allow_top_level_await: given & bits::ALLOW_TOP_LEVEL_AWAIT != 0,
        allow_incomplete_input: given & bits::ALLOW_INCOMPLETE_INPUT != 0,
        dont_imply_dedent: given & bits::DONT_IMPLY_DEDENT != 0,
        ignore_cookie: given & bits::IGNORE_COOKIE != 0,
    };
    compile_source(th, a[0], &filename, &options)
}

/// Syntax trees belong to the module `_ast`, which leaves two callables with the runtime:
/// `_ast.parse(source, filename, mode, flags, optimize)` and `_ast.compile(tree, filename, mode, flags, optimize)`.
fn through_ast(
    th: &mut Thread,
    a: &[Borrowed<'_>],
    mode: &str,
    given: i64,
    future: u32,
    optimize: u8,
) -> PyResult {
    let source = is_source(a[0]);
    crate::import::import_module(th, "_ast")?;
    let Some(f) = th.rt.stored(if source { "_ast.parse" } else { "_ast.compile" }) else {
        return Err(if source {
            th.not_implemented_error("syntax trees need the module _ast")
        } else {
            th.type_error("compile() arg 1 must be a string, bytes or AST object")
        });
    };
    let mode = th.new_str(mode);
    let given = th.new_int(given | i64::from(future));
    let optimize = th.new_int(i64::from(optimize));
    f.borrow().call(th, &[a[0], a[1], mode.borrow(), given.borrow(), optimize.borrow()])
}

fn is_mapping(o: Borrowed<'_>) -> bool {
    o.downcast::<Dict>().is_some()
        || o.ty().slots.getitem().is_some() && !o.ty().has_flag(type_flags::SEQUENCE)
}

/// The namespaces of `eval` and `exec`, with `__builtins__` in the globals.
fn namespaces(
    th: &mut Thread,
    globals: Option<Borrowed<'_>>,
    locals: Option<Borrowed<'_>>,
) -> PyResult<(Owned, Owned)> {
    let (g, l) = match globals {
        Some(g) => (g.to_owned(), locals.map_or_else(|| g.to_owned(), |l| l.to_owned())),
        None => {
            let g = current_globals(th)?;
            match locals {
                Some(l) => (g, l.to_owned()),
                None => {
                    let l = current_locals(th)?;
                    (g, l)
                }
            }
        }
    };
    let key = th.rt.names.__builtins__.get();
    let d = g.payload::<Dict>();
    if d.get_interned(key.word()).is_none() {
        let builtins = th.builtins_of(g.borrow());
        d.set(th, key, builtins.get().to_owned())?;
    }
    Ok((g, l))
}

fn n_free(code: &CodeObject) -> usize {
    code.data.0.localspluskinds.iter().filter(|k| **k & kind::FREE != 0).count()
}

fn eval_function(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (globals, locals) = (a.some(1), a.some(2));
    if locals.is_some_and(|l| !is_mapping(l)) {
        return Err(th.type_error("locals must be a mapping"));
    }
    if let Some(g) = globals
        && g.downcast::<Dict>().is_none()
    {
        return Err(th.type_error(if is_mapping(g) {
            "globals must be a real dict; try eval(code, {}, mapping)"
        } else {
            "globals must be a dict"
        }));
    }
    let (g, l) = namespaces(th, globals, locals)?;
    if let Some(code) = a[0].downcast::<CodeObject>() {
        if n_free(code) != 0 {
            return Err(th.type_error("code object passed to eval() may not contain free variables"));
        }
        return eval::eval_code(th, a[0], g.borrow(), l.borrow());
    }
    let code = source_to_code(th, a[0], Mode::Eval, "eval")?;
    eval::eval_code(th, code.borrow(), g.borrow(), l.borrow())
}

fn source_to_code(th: &mut Thread, source: Borrowed<'_>, mode: Mode, function: &str) -> PyResult {
    if !is_source(source) {
        let msg = format!("{function}() arg 1 must be a string, bytes or code object");
        return Err(th.type_error(&msg));
    }
    let options =
        CompileOptions { future: inherited(th), ..CompileOptions::new(mode, th.rt.config.optimize) };
    // An expression may be indented.
    if mode == Mode::Eval
        && let Some(s) = source.downcast::<Str>()
        && !s.is_empty()
        && matches!(s.data().get(0), 0x20 | 0x09)
    {
        let data = s.data();
        let start = data.iter().take_while(|c| matches!(c, 0x20 | 0x09)).count();
        let stripped = th.new_str_data(data.slice(start, data.len()));
        return compile_source(th, stripped.borrow(), "<string>", &options);
    }
    compile_source(th, source, "<string>", &options)
}

fn exec(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (globals, locals, closure) = (a.some(1), a.some(2), a.some(3));
    if let Some(g) = globals
        && g.downcast::<Dict>().is_none()
    {
        let msg = format!("exec() globals must be a dict, not {}", g.type_name(th));
        return Err(th.type_error(&msg));
    }
    if let Some(l) = locals
        && !is_mapping(l)
    {
        let msg = format!("locals must be a mapping or None, not {}", l.type_name(th));
        return Err(th.type_error(&msg));
    }
    let (g, l) = namespaces(th, globals, locals)?;
    let Some(code) = a[0].downcast::<CodeObject>() else {
        if closure.is_some() {
            return Err(th.type_error("closure can only be used when source is a code object"));
        }
        let code = source_to_code(th, a[0], Mode::Exec, "exec")?;
        eval::eval_code(th, code.borrow(), g.borrow(), l.borrow())?;
        return Ok(Owned::none());
    };
    let n = n_free(code);
    match closure {
        None if n == 0 => {
            eval::eval_code(th, a[0], g.borrow(), l.borrow())?;
        }
        Some(_) if n == 0 => {
            return Err(th.type_error("cannot use a closure with this code object"));
        }
        _ => {
            let cells = closure
                .and_then(|c| c.downcast_exact::<Tuple>())
                .filter(|t| t.len() == n && t.iter().all(|c| c.downcast::<Cell>().is_some()));
            let (Some(_), Some(closure)) = (cells, closure) else {
                let msg = format!("code object requires a closure of exactly length {n}");
                return Err(th.type_error(&msg));
            };
            let f = th.new_function(a[0], g.borrow(), false);
            let f = f.payload::<Function>();
            f.closure.set(&f.header, closure.to_owned());
            eval::call_function(th, f, Args::positional(&[]), Some(l.borrow()))?;
        }
    }
    Ok(Owned::none())
}
