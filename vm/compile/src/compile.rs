//! The way from source to code.

use ruff_python_ast::{self as ast, PythonVersion, Stmt};
use ruff_python_parser::{ParseOptions, parse_unchecked};

use crate::{
    code::Code,
    codegen, errors,
    fail::{Fail, Res},
    location::LineMap,
    names::Names,
    source, symtable,
};

/// What a source text is compiled as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A module.
    Exec,
    /// One expression.
    Eval,
    /// One interactive statement, whose expression values are displayed.
    Single,
}

/// What else steers a compilation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// 1 drops asserts and makes `__debug__` false, 2 drops docstrings too.
    pub optimize: u8,
    /// `flags::FUTURE_*` bits in force from outside.
    pub future: u32,
    /// `await` and asynchronous constructs are allowed at the top; the code is then a coroutine's.
    pub allow_top_level_await: bool,
    /// Report source that more lines could complete as [`ErrorKind::Incomplete`].
    pub allow_incomplete_input: bool,
    /// In [`Mode::Single`], an indented block ends only with a line end, not with the text (`PyCF_DONT_IMPLY_DEDENT`).
    pub dont_imply_dedent: bool,
}

/// Class of a syntax error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// `SyntaxError`
    Syntax,
    /// `IndentationError`
    Indentation,
    /// `TabError`
    Tab,
    /// `_IncompleteInputError`, only with [`Options::allow_incomplete_input`].
    Incomplete,
}

/// A syntax error in CPython's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Which exception.
    pub kind: ErrorKind,
    /// Message.
    pub msg: String,
    /// Line, from 1; 0 if the error has no place.
    pub lineno: u32,
    /// Column in code points, from 1.
    pub offset: u32,
    /// Last line.
    pub end_lineno: u32,
    /// Column behind the last code point, from 1.
    pub end_offset: u32,
    /// The source line, with its line end.
    pub text: Option<String>,
}

/// A warning of the compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// `DeprecationWarning` if true, else `SyntaxWarning`.
    pub deprecation: bool,
    /// Message.
    pub msg: String,
    /// Line, from 1.
    pub lineno: u32,
}

/// A parsed source: its text, with `\n` line ends, and the parser's tree, whose ranges are byte offsets into it.
pub struct Parsed {
    /// The text.
    pub source: String,
    /// The tree.
    pub tree: ast::Mod,
}

/// Parses source text without compiling it.
pub fn parse(source: &str, mode: Mode) -> Result<Parsed, SyntaxError> {
    let text = source::normalize(source)?;
    let lines = LineMap::new(&text);
    let tree = tree(&text, mode, Options::default(), &lines).map_err(|fail| fail.locate(&text, &lines))?;
    Ok(Parsed { source: text.into_owned(), tree })
}

/// Compiles source text.
///
/// Cost: linear in the length of the source, but for the nesting of scopes. Deep nesting uses the heap, not the stack.
pub fn compile(
    source: &str,
    filename: &str,
    mode: Mode,
    options: Options,
) -> Result<(Code, Vec<Warning>), SyntaxError> {
    let text = source::normalize(source)?;
    let lines = LineMap::new(&text);
    build(&text, filename, mode, options, &lines).map_err(|fail| {
        let incomplete = options.allow_incomplete_input && fail.incomplete;
        let mut error = fail.locate(&text, &lines);
        if incomplete {
            error.kind = ErrorKind::Incomplete;
            error.msg = "incomplete input".to_owned();
        }
        error
    })
}

/// Compiles source bytes; see [`source::decode_source`] for `codec`.
pub fn compile_bytes(
    bytes: &[u8],
    filename: &str,
    mode: Mode,
    options: Options,
    codec: &dyn Fn(&str, &[u8]) -> Option<String>,
) -> Result<(Code, Vec<Warning>), SyntaxError> {
    let text = source::decode_source(bytes, filename, codec)?;
    compile(&text, filename, mode, options)
}

/// Whether source text is the beginning of something that more lines could complete.
pub fn is_incomplete(source: &str) -> bool {
    let Ok(text) = source::normalize(source) else { return false };
    let lines = LineMap::new(&text);
    tree(&text, Mode::Exec, Options::default(), &lines).is_err_and(|fail| fail.incomplete)
}

fn tree(text: &str, mode: Mode, options: Options, lines: &LineMap) -> Res<ast::Mod> {
    let parser_mode = match mode {
        Mode::Eval => ruff_python_parser::Mode::Expression,
        Mode::Exec | Mode::Single => ruff_python_parser::Mode::Module,
    };
    let version = ParseOptions::from(parser_mode).with_target_version(PythonVersion::PY314);
    let parsed = symtable::grow(|| parse_unchecked(text, version));
    errors::check(text, &parsed, lines, mode, options)?;
    Ok(parsed.into_syntax())
}

fn build(
    text: &str,
    filename: &str,
    mode: Mode,
    options: Options,
    lines: &LineMap,
) -> Res<(Code, Vec<crate::Warning>)> {
    let tree = tree(text, mode, options, lines)?;
    let (future, last_future) = match &tree {
        ast::Mod::Module(module) => future_features(&module.body)?,
        ast::Mod::Expression(_) => (0, None),
    };
    let future = future | options.future;
    let mut names = Names::new();
    let table = symtable::build(&tree, &mut names, future & crate::code::flags::FUTURE_ANNOTATIONS != 0)?;
    codegen::generate(codegen::Input {
        module: &tree,
        source: text,
        filename,
        lines,
        table,
        names: &mut names,
        mode,
        options,
        future,
        last_future,
    })
}

/// Flags of the `from __future__` imports at the start of a module, and the number of the statement behind them.
fn future_features(body: &[Stmt]) -> Res<(u32, Option<u32>)> {
    let mut flags = 0;
    let mut last = None;
    for (at, stmt) in body.iter().enumerate() {
        match stmt {
            Stmt::Expr(expr) if at == 0 && expr.value.is_string_literal_expr() => {}
            Stmt::ImportFrom(import)
                if import.level == 0 && import.module.as_ref().is_some_and(|m| m.id == "__future__") =>
            {
                for alias in &import.names {
                    match codegen::future_flag(&alias.name.id) {
                        Some(flag) => flags |= flag,
                        None if alias.name.id == "braces" => return Fail::err("not a chance", alias),
                        None => {
                            let msg = format!("future feature {} is not defined", alias.name.id);
                            return Fail::err(msg, alias);
                        }
                    }
                }
                last = Some(import.range.end().to_u32());
            }
            _ => break,
        }
    }
    Ok((flags, last))
}
