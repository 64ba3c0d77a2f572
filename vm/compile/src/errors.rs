//! The parser's errors in CPython's words.

use ruff_python_ast as ast;
use ruff_python_parser::Parsed;

use crate::{
    Mode,
    fail::{Fail, Res},
    location::LineMap,
};

/// Checks the parser does not make.
pub(crate) fn before_parsing(_text: &str) -> Res {
    Ok(())
}

/// The first error of a parse.
pub(crate) fn after_parsing(_text: &str, parsed: &Parsed<ast::Mod>, _lines: &LineMap, _mode: Mode) -> Res {
    if let Some(error) = parsed.errors().first() {
        return Fail::err(error.error.to_string(), error);
    }
    Ok(())
}

/// Whether more lines could complete the text.
pub(crate) fn incomplete(_text: &str, _mode: Mode) -> bool {
    false
}
