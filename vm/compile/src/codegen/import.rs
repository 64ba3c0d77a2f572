//! Imports.

use ruff_python_ast as ast;

use super::Compiler;
use crate::{
    code::Const,
    fail::{Fail, Res},
    location::Loc,
    opcode::{Intrinsic1, Opcode},
};

/// Features that `from __future__ import` knows, with their flags.
pub(crate) fn future_flag(name: &str) -> Option<u32> {
    use crate::code::flags as f;
    Some(match name {
        "nested_scopes" | "generators" => 0,
        "division" => f::FUTURE_DIVISION,
        "absolute_import" => f::FUTURE_ABSOLUTE_IMPORT,
        "with_statement" => f::FUTURE_WITH_STATEMENT,
        "print_function" => f::FUTURE_PRINT_FUNCTION,
        "unicode_literals" => f::FUTURE_UNICODE_LITERALS,
        "barry_as_FLUFL" => f::FUTURE_BARRY_AS_BDFL,
        "generator_stop" => f::FUTURE_GENERATOR_STOP,
        "annotations" => f::FUTURE_ANNOTATIONS,
        _ => return None,
    })
}

impl<'a> Compiler<'a> {
    fn import_name(&mut self, level: u32, from: Const, module: &str, loc: Loc) {
        self.constant(Const::Int(i64::from(level)), loc);
        self.constant(from, loc);
        let module = self.names.sym(module);
        let at = self.name_index(module);
        self.op_arg(Opcode::IMPORT_NAME, at, loc);
    }

    fn import_attribute(&mut self, name: &str, loc: Loc) {
        let name = self.names.sym(name);
        let at = self.name_index(name);
        self.op_arg(Opcode::IMPORT_FROM, at, loc);
    }

    pub(crate) fn import(&mut self, import: &'a ast::StmtImport) -> Res {
        let loc = self.loc(import);
        if import.is_lazy {
            return Fail::err("invalid syntax", import);
        }
        for alias in &import.names {
            let module = alias.name.id.as_str();
            self.import_name(0, Const::None, module, loc);
            let mut parts = module.split('.');
            let first = parts.next().unwrap_or_default();
            let Some(name) = &alias.asname else {
                self.store_text(first, loc);
                continue;
            };
            // `import a.b.c as d` binds the innermost module.
            let mut rest = parts.peekable();
            let dotted = rest.peek().is_some();
            while let Some(part) = rest.next() {
                self.import_attribute(part, loc);
                if rest.peek().is_some() {
                    self.op_arg(Opcode::SWAP, 2, loc);
                    self.op(Opcode::POP_TOP, loc);
                }
            }
            self.store_text(&name.id, loc);
            if dotted {
                self.op(Opcode::POP_TOP, loc);
            }
        }
        Ok(())
    }

    pub(crate) fn import_from(&mut self, import: &'a ast::StmtImportFrom) -> Res {
        let loc = self.loc(import);
        if import.is_lazy {
            return Fail::err("invalid syntax", import);
        }
        let module = import.module.as_ref().map_or("", |module| module.id.as_str());
        let start = import.range.start().to_u32();
        if module == "__future__" && import.level == 0 && self.last_future.is_none_or(|last| start > last) {
            return Fail::err("from __future__ imports must occur at the beginning of the file", import);
        }
        let names = Self::strings(import.names.iter().map(|alias| alias.name.id.to_string()));
        self.import_name(import.level, names, module, loc);
        if let [only] = &*import.names
            && only.name.id == "*"
        {
            self.intrinsic1(Intrinsic1::ImportStar, loc);
            self.op(Opcode::POP_TOP, Loc::NONE);
            return Ok(());
        }
        for alias in &import.names {
            self.import_attribute(&alias.name.id, loc);
            let name = alias.asname.as_ref().unwrap_or(&alias.name);
            self.store_text(&name.id, loc);
        }
        self.op(Opcode::POP_TOP, loc);
        Ok(())
    }
}
