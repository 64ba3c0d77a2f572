//! String literals, f-strings and t-strings.

use ruff_python_ast::{self as ast, ConversionFlag, Expr, InterpolatedStringElement as Element};
use ruff_text_size::{Ranged, TextRange, TextSize};

use super::Compiler;
use crate::{
    code::Const,
    fail::{Fail, Res},
    location::Loc,
    opcode::Opcode,
    pystr::{PyStr, PyStrBuf},
    string_literal::{self, BadEscape},
};

/// CPython's limit of format specifications inside one another.
const MAX_SPEC_DEPTH: u32 = 2;

/// A part of an f- or t-string: text, with where it stood, or an interpolation.
enum Piece<'a> {
    Text(PyStr, TextRange),
    Value(&'a ast::InterpolatedElement),
}

fn conversion(element: &ast::InterpolatedElement) -> u32 {
    match element.conversion {
        // `{value=}` shows the repr, unless a format asks for something else.
        ConversionFlag::None if element.debug_text.is_some() && element.format_spec.is_none() => 2,
        ConversionFlag::None => 0,
        ConversionFlag::Str => 1,
        ConversionFlag::Repr => 2,
        ConversionFlag::Ascii => 3,
    }
}

impl<'a> Compiler<'a> {
    fn report(&mut self, bad: Vec<BadEscape>, start: TextSize) {
        for escape in bad {
            let line = self.lines.line(start + TextSize::new(escape.at as u32));
            self.warn(escape.msg, line);
        }
    }

    fn text(&mut self, range: TextRange, raw: bool, braces: bool, value: &str) -> Res<PyStr> {
        let source = self.source;
        let contents = &source[range];
        if raw || !contents.contains('\\') {
            return Ok(value.into());
        }
        let mut bad = Vec::new();
        match string_literal::decode(contents, braces, &mut bad) {
            Ok(text) => {
                self.report(bad, range.start());
                Ok(text)
            }
            Err(msg) => Fail::err(msg, &range),
        }
    }

    fn literal_part(&mut self, part: &'a ast::StringLiteral) -> Res<PyStr> {
        self.text(part.content_range(), part.flags.prefix().is_raw(), false, &part.value)
    }

    pub(crate) fn string_value(&mut self, literal: &'a ast::ExprStringLiteral) -> Res<PyStr> {
        let mut buf = PyStrBuf::new();
        for part in literal.value.iter() {
            let text = self.literal_part(part)?;
            buf.push(&text);
        }
        Ok(buf.finish())
    }

    pub(crate) fn docstring_text(&mut self, literal: &'a ast::ExprStringLiteral) -> Res<PyStr> {
        Ok(string_literal::clean_docstring(&self.string_value(literal)?))
    }

    pub(crate) fn string_literal(&mut self, literal: &'a ast::ExprStringLiteral, loc: Loc) -> Res {
        let text = self.string_value(literal)?;
        self.constant(Const::Str(text), loc);
        Ok(())
    }

    pub(crate) fn bytes_literal(&mut self, literal: &'a ast::ExprBytesLiteral, loc: Loc) -> Res {
        let value = self.bytes_value(literal)?;
        self.constant(Const::Bytes(value), loc);
        Ok(())
    }

    fn bytes_value(&mut self, literal: &'a ast::ExprBytesLiteral) -> Res<Vec<u8>> {
        let mut value = Vec::new();
        for part in literal.value.iter() {
            let range = part.content_range();
            let contents = &self.source[range];
            if part.flags.prefix().is_raw() || !contents.contains('\\') {
                value.extend_from_slice(contents.as_bytes());
                continue;
            }
            let mut bad = Vec::new();
            match string_literal::decode_bytes(contents, &mut bad) {
                Ok(bytes) => value.extend(bytes),
                Err(msg) => return Fail::err(msg, part),
            }
            self.report(bad, range.start());
        }
        Ok(value)
    }

    /// Splits elements into pieces, with neighbouring texts joined.
    fn pieces(
        &mut self,
        elements: impl Iterator<Item = &'a Element>,
        raw: bool,
        pieces: &mut Vec<Piece<'a>>,
    ) -> Res {
        for element in elements {
            match element {
                Element::Literal(literal) => {
                    let text = self.text(literal.range, raw, true, &literal.value)?;
                    push_text(pieces, text, literal.range);
                }
                Element::Interpolation(value) => {
                    if let Some(debug) = &value.debug_text {
                        push_text(pieces, debug.as_str().into(), value.range);
                    }
                    pieces.push(Piece::Value(value));
                }
            }
        }
        Ok(())
    }

    pub(crate) fn f_string(&mut self, string: &'a ast::ExprFString, loc: Loc) -> Res {
        let mut pieces = Vec::new();
        for part in string.value.iter() {
            match part {
                ast::FStringPart::Literal(literal) => {
                    let text = self.literal_part(literal)?;
                    push_text(&mut pieces, text, literal.range);
                }
                ast::FStringPart::FString(part) => {
                    let raw = part.flags.prefix().is_raw();
                    self.pieces(part.elements.iter(), raw, &mut pieces)?;
                }
            }
        }
        let raw = string
            .value
            .iter()
            .any(|part| matches!(part, ast::FStringPart::FString(part) if part.flags.prefix().is_raw()));
        self.joined(pieces, raw, loc)
    }

    fn joined(&mut self, pieces: Vec<Piece<'a>>, raw: bool, loc: Loc) -> Res {
        let pieces: Vec<Piece> = pieces
            .into_iter()
            .filter(|piece| !matches!(piece, Piece::Text(text, _) if text.is_empty()))
            .collect();
        let count = pieces.len();
        if count == 0 {
            self.constant(Const::Str(PyStr::default()), loc);
            return Ok(());
        }
        if count > super::expr::STACK_USE_GUIDELINE {
            // ''.join(list), so that the stack stays small.
            self.constant(Const::Str(PyStr::default()), loc);
            let join = self.names.sym("join");
            let at = self.name_index(join);
            self.op_arg(Opcode::LOAD_ATTR, at << 1 | 1, loc);
            self.op_arg(Opcode::BUILD_LIST, 0, loc);
            for piece in pieces {
                self.piece(piece, raw)?;
                self.op_arg(Opcode::LIST_APPEND, 1, loc);
            }
            self.op_arg(Opcode::CALL, 1, loc);
            return Ok(());
        }
        for piece in pieces {
            self.piece(piece, raw)?;
        }
        if count > 1 {
            self.op_arg(Opcode::BUILD_STRING, count as u32, loc);
        }
        Ok(())
    }

    fn piece(&mut self, piece: Piece<'a>, raw: bool) -> Res {
        match piece {
            Piece::Text(text, range) => {
                let loc = self.loc(&range);
                self.constant(Const::Str(text), loc);
            }
            Piece::Value(element) => {
                let loc = self.loc(element);
                self.expr(&element.expression)?;
                let conversion = conversion(element);
                if conversion != 0 {
                    self.op_arg(Opcode::CONVERT_VALUE, conversion, loc);
                }
                match &element.format_spec {
                    Some(spec) => {
                        self.format_spec(spec, raw)?;
                        self.op(Opcode::FORMAT_WITH_SPEC, loc);
                    }
                    None => self.op(Opcode::FORMAT_SIMPLE, loc),
                }
            }
        }
        Ok(())
    }

    fn format_spec(&mut self, spec: &'a ast::InterpolatedStringFormatSpec, raw: bool) -> Res {
        if self.spec_depth >= MAX_SPEC_DEPTH {
            return Fail::err("f-string: expressions nested too deeply", spec);
        }
        let mut pieces = Vec::new();
        self.pieces(spec.elements.iter(), raw, &mut pieces)?;
        let loc = self.loc(spec);
        self.spec_depth += 1;
        let result = self.joined(pieces, raw, loc);
        self.spec_depth -= 1;
        result
    }

    pub(crate) fn t_string(&mut self, string: &'a ast::ExprTString, loc: Loc) -> Res {
        let mut pieces = Vec::new();
        for part in string.value.iter() {
            self.pieces(part.elements.iter(), part.flags.prefix().is_raw(), &mut pieces)?;
        }
        let raw = string.value.iter().any(|part| part.flags.prefix().is_raw());
        // Strings and interpolations alternate, a string first and last.
        let mut strings: Vec<PyStr> = vec![PyStr::default()];
        for piece in &pieces {
            match piece {
                Piece::Text(text, _) => {
                    if let Some(last) = strings.last_mut() {
                        last.clone_from(text);
                    }
                }
                Piece::Value(_) => strings.push(PyStr::default()),
            }
        }
        self.constant(Const::Tuple(strings.into_iter().map(Const::Str).collect()), loc);
        let mut count = 0;
        for piece in pieces {
            if let Piece::Value(element) = piece {
                self.interpolation(element, raw)?;
                count += 1;
            }
        }
        self.build_tuple(count, loc);
        self.op(Opcode::BUILD_TEMPLATE, loc);
        Ok(())
    }

    fn interpolation(&mut self, element: &'a ast::InterpolatedElement, raw: bool) -> Res {
        let loc = self.loc(element);
        self.expr(&element.expression)?;
        let text = self.expression_text(element).into();
        self.constant(Const::Str(text), loc);
        let mut arg = conversion(element) << 2;
        if let Some(spec) = &element.format_spec {
            self.format_spec(spec, raw)?;
            arg |= 1;
        }
        self.op_arg(Opcode::BUILD_INTERPOLATION, arg, loc);
        Ok(())
    }

    /// Source of an interpolated expression: all between the brace and `=`, `!`, `:` or the closing brace.
    fn expression_text(&self, element: &ast::InterpolatedElement) -> &'a str {
        let source = self.source;
        let start = element.range.start() + TextSize::new(1);
        let inner = element.expression.range();
        let behind = match &element.format_spec {
            Some(spec) => spec.range.start(),
            None => element.range.end(),
        };
        // Parentheses around the expression are not part of its node.
        let mut end = inner.end();
        let tail = &source[TextRange::new(end, behind.max(end))];
        let closing = tail.bytes().take_while(|b| matches!(b, b')' | b' ' | b'\t' | b'\n')).count();
        end += TextSize::new(closing as u32);
        &source[TextRange::new(start, end)]
    }

    /// `'...' % (...)` with simple conversions is an f-string in all but form.
    pub(crate) fn percent_format(&mut self, op: &'a ast::ExprBinOp, loc: Loc) -> Res<bool> {
        let (Expr::StringLiteral(format), Expr::Tuple(values)) = (&*op.left, &*op.right) else {
            return Ok(false);
        };
        if values.elts.iter().any(Expr::is_starred_expr)
            || values.elts.is_empty()
            || values.elts.len() * 2 >= super::expr::STACK_USE_GUIDELINE
        {
            return Ok(false);
        }
        let Some(parts) = split_format(format.value.to_str()) else { return Ok(false) };
        let conversions = parts.iter().filter(|(_, conversion)| conversion.is_some()).count();
        if conversions != values.elts.len() || self.source[format.range()].contains('\\') {
            return Ok(false);
        }
        let format_loc = self.loc(format);
        let mut values = values.elts.iter();
        let mut count = 0;
        for (text, conversion) in parts {
            if !text.is_empty() {
                self.constant(Const::Str(text.as_str().into()), format_loc);
                count += 1;
            }
            if let (Some(conversion), Some(value)) = (conversion, conversion.and_then(|_| values.next())) {
                self.expr(value)?;
                self.op_arg(Opcode::CONVERT_VALUE, conversion, loc);
                self.op(Opcode::FORMAT_SIMPLE, loc);
                count += 1;
            }
        }
        if count > 1 {
            self.op_arg(Opcode::BUILD_STRING, count, loc);
        }
        Ok(true)
    }
}

fn push_text(pieces: &mut Vec<Piece<'_>>, text: PyStr, range: TextRange) {
    if let Some(Piece::Text(before, start)) = pieces.last_mut() {
        let mut buf = PyStrBuf::new();
        buf.push(before);
        buf.push(&text);
        *before = buf.finish();
        *start = start.cover(range);
    } else {
        pieces.push(Piece::Text(text, range));
    }
}

/// Texts of a `%` format, each with the conversion behind it; None if it has more than `%s`, `%r`, `%a`, `%%`.
fn split_format(format: &str) -> Option<Vec<(String, Option<u32>)>> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        let conversion = match chars.next()? {
            '%' => {
                text.push('%');
                continue;
            }
            's' => 1,
            'r' => 2,
            'a' => 3,
            _ => return None,
        };
        parts.push((std::mem::take(&mut text), Some(conversion)));
    }
    parts.push((text, None));
    Some(parts)
}
