//! `str.format`: the replacement-field grammar (PEP 3101) without evaluating anything.

use crate::buf::StrBuf;
use crate::data::StrData;
use crate::error::{ErrorKind, TextError};
use crate::unicode::decimal_value;

/// A run of literal text and the field that follows it, as `_string.formatter_parser` yields them.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Literal text; braces are unescaped already.
    pub literal: StrData<'a>,
    /// The field, if one follows.
    pub field: Option<Field<'a>>,
}

/// `{name!conversion:spec}`
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// Argument and accessors; [`FieldName::split`] takes it apart.
    pub name: StrData<'a>,
    /// The character after `!`, whatever it is; [`check_conversion`] rejects unknown ones.
    pub conversion: Option<u32>,
    /// Format specification, possibly with fields inside.
    pub spec: StrData<'a>,
    /// Whether `spec` contains a `{` and so needs formatting itself.
    pub nested: bool,
}

/// Iterates over the segments of a format string. After an error it ends.
#[derive(Clone, Debug)]
pub struct Parser<'a> {
    text: StrData<'a>,
    at: usize,
}

const OPEN: u32 = b'{' as u32;
const CLOSE: u32 = b'}' as u32;

impl<'a> Parser<'a> {
    /// Starts parsing `text`.
    pub fn new(text: StrData<'a>) -> Self {
        Parser { text, at: 0 }
    }

    fn peek(&self) -> Option<u32> {
        (self.at < self.text.len()).then(|| self.text.get(self.at))
    }

    fn segment(&mut self) -> Result<Segment<'a>, TextError> {
        let start = self.at;
        while let Some(c) = self.peek() {
            self.at += 1;
            if c != OPEN && c != CLOSE {
                continue;
            }
            let next = self.peek();
            if next == Some(c) {
                let literal = self.text.slice(start, self.at);
                self.at += 1;
                return Ok(Segment { literal, field: None });
            }
            if c == CLOSE {
                return Err(TextError::value("Single '}' encountered in format string"));
            }
            if next.is_none() {
                return Err(TextError::value("Single '{' encountered in format string"));
            }
            let literal = self.text.slice(start, self.at - 1);
            return Ok(Segment { literal, field: Some(self.field()?) });
        }
        Ok(Segment { literal: self.text.slice(start, self.at), field: None })
    }

    /// After the opening brace.
    fn field(&mut self) -> Result<Field<'a>, TextError> {
        let start = self.at;
        let mut in_brackets = false;
        let end = loop {
            let Some(c) = self.peek() else {
                return Err(TextError::value("expected '}' before end of string"));
            };
            self.at += 1;
            match u8::try_from(c) {
                Ok(b']') => in_brackets = false,
                Ok(_) if in_brackets => {}
                Ok(b'[') => in_brackets = true,
                Ok(b'{') => return Err(TextError::value("unexpected '{' in field name")),
                Ok(b'}' | b':' | b'!') => break c,
                _ => {}
            }
        };
        let name = self.text.slice(start, self.at - 1);
        let mut field = Field { name, conversion: None, spec: StrData::EMPTY, nested: false };
        if end == CLOSE {
            return Ok(field);
        }
        if end == u32::from(b'!') {
            let Some(conversion) = self.peek() else {
                return Err(TextError::value("end of string while looking for conversion specifier"));
            };
            self.at += 1;
            field.conversion = Some(conversion);
            match self.peek() {
                None => return Err(TextError::value("unmatched '{' in format spec")),
                Some(CLOSE) => {
                    self.at += 1;
                    return Ok(field);
                }
                Some(0x3A) => self.at += 1,
                Some(_) => return Err(TextError::value("expected ':' after conversion specifier")),
            }
        }
        let start = self.at;
        let mut depth = 1;
        while let Some(c) = self.peek() {
            self.at += 1;
            if c == OPEN {
                field.nested = true;
                depth += 1;
            } else if c == CLOSE {
                depth -= 1;
                if depth == 0 {
                    field.spec = self.text.slice(start, self.at - 1);
                    return Ok(field);
                }
            }
        }
        Err(TextError::value("unmatched '{' in format spec"))
    }
}

impl<'a> Iterator for Parser<'a> {
    type Item = Result<Segment<'a>, TextError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.text.len() {
            return None;
        }
        let segment = self.segment();
        if segment.is_err() {
            self.at = self.text.len();
        }
        Some(segment)
    }
}

/// An attribute or index name: digits only make an integer.
#[derive(Clone, Copy, Debug)]
pub enum Key<'a> {
    /// A non-negative integer.
    Index(usize),
    /// Anything else.
    Name(StrData<'a>),
}

impl<'a> Key<'a> {
    fn of(text: StrData<'a>) -> Result<Key<'a>, TextError> {
        if text.is_empty() {
            return Ok(Key::Name(text));
        }
        let mut value = 0usize;
        for point in text {
            let Some(digit) = decimal_value(point) else { return Ok(Key::Name(text)) };
            value = value
                .checked_mul(10)
                .and_then(|v| v.checked_add(digit.into()))
                .filter(|&v| isize::try_from(v).is_ok())
                .ok_or_else(|| TextError::value("Too many decimal digits in format string"))?;
        }
        Ok(Key::Index(value))
    }
}

/// One step from the argument to the value.
#[derive(Clone, Copy, Debug)]
pub enum Accessor<'a> {
    /// `.name`
    Attribute(StrData<'a>),
    /// `[key]`
    Item(Key<'a>),
}

/// A field name taken apart, as `_string.formatter_field_name_split` does.
#[derive(Clone, Debug)]
pub struct FieldName<'a> {
    /// The argument; an empty name asks for the next automatic number.
    pub first: Key<'a>,
    rest: StrData<'a>,
}

impl<'a> FieldName<'a> {
    /// Splits the argument from its accessors.
    pub fn split(name: StrData<'a>) -> Result<FieldName<'a>, TextError> {
        let end =
            name.iter().position(|c| c == u32::from(b'.') || c == u32::from(b'[')).unwrap_or(name.len());
        Ok(FieldName { first: Key::of(name.slice(0, end))?, rest: name.slice(end, name.len()) })
    }

    /// Whether the argument takes the next automatic number.
    pub fn is_automatic(&self) -> bool {
        matches!(self.first, Key::Name(name) if name.is_empty())
    }

    /// The accessors in order.
    pub fn accessors(&self) -> Accessors<'a> {
        Accessors { text: self.rest, at: 0 }
    }
}

/// Iterates over `.name` and `[key]`.
#[derive(Clone, Debug)]
pub struct Accessors<'a> {
    text: StrData<'a>,
    at: usize,
}

impl<'a> Accessors<'a> {
    fn accessor(&mut self) -> Result<Accessor<'a>, TextError> {
        let rest = self.text.slice(self.at, self.text.len());
        let empty = || TextError::value("Empty attribute in format string");
        match u8::try_from(rest.get(0)) {
            Ok(b'.') => {
                let body = rest.slice(1, rest.len());
                let len = body
                    .iter()
                    .position(|c| c == u32::from(b'.') || c == u32::from(b'['))
                    .unwrap_or(body.len());
                self.at += 1 + len;
                if len == 0 { Err(empty()) } else { Ok(Accessor::Attribute(body.slice(0, len))) }
            }
            Ok(b'[') => {
                let body = rest.slice(1, rest.len());
                let len = body
                    .iter()
                    .position(|c| c == u32::from(b']'))
                    .ok_or_else(|| TextError::value("Missing ']' in format string"))?;
                self.at += 2 + len;
                if len == 0 { Err(empty()) } else { Key::of(body.slice(0, len)).map(Accessor::Item) }
            }
            _ => Err(TextError::value("Only '.' or '[' may follow ']' in format field specifier")),
        }
    }
}

impl<'a> Iterator for Accessors<'a> {
    type Item = Result<Accessor<'a>, TextError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.text.len() {
            return None;
        }
        let accessor = self.accessor();
        if accessor.is_err() {
            self.at = self.text.len();
        }
        Some(accessor)
    }
}

/// Keeps automatic and manual numbering apart within one `format` call, nested specifications included.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbering {
    next: usize,
    manual: Option<bool>,
}

impl Numbering {
    /// The positional index `first` stands for, or `None` when it names a keyword argument.
    pub fn resolve(&mut self, first: Key<'_>) -> Result<Option<usize>, TextError> {
        let (manual, index) = match first {
            Key::Index(index) => (true, index),
            Key::Name(name) if name.is_empty() => (false, self.next),
            Key::Name(_) => return Ok(None),
        };
        if self.manual.is_some_and(|before| before != manual) {
            return Err(TextError::value(if manual {
                "cannot switch from automatic field numbering to manual field specification"
            } else {
                "cannot switch from manual field specification to automatic field numbering"
            }));
        }
        self.manual = Some(manual);
        if !manual {
            self.next += 1;
        }
        Ok(Some(index))
    }
}

/// The `IndexError` for a positional argument that is not there.
pub fn missing_positional(index: usize) -> TextError {
    TextError::new(
        ErrorKind::Index,
        format!("Replacement index {index} out of range for positional args tuple"),
    )
}

/// How deep fields may nest: a specification may hold fields, their specifications may not.
pub const MAX_DEPTH: usize = 2;

/// The error for deeper nesting.
pub fn too_deep() -> TextError {
    TextError::value("Max string recursion exceeded")
}

/// `!r`, `!s` and `!a`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conversion {
    /// `repr()`
    Repr,
    /// `str()`
    Str,
    /// `ascii()`
    Ascii,
}

/// Tells the conversion a character stands for.
pub fn check_conversion(c: u32) -> Result<Conversion, TextError> {
    match u8::try_from(c) {
        Ok(b'r') => Ok(Conversion::Repr),
        Ok(b's') => Ok(Conversion::Str),
        Ok(b'a') => Ok(Conversion::Ascii),
        Ok(c @ b'!'..0x7F) => {
            Err(TextError::value(format!("Unknown conversion specifier {}", char::from(c))))
        }
        _ => Err(TextError::value(format!("Unknown conversion specifier \\x{c:x}"))),
    }
}

/// Appends `data` with braces doubled, so that formatting it gives it back.
pub fn escape_braces(data: StrData<'_>, out: &mut StrBuf) {
    for point in data {
        if point == OPEN || point == CLOSE {
            out.push(point);
        }
        out.push(point);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<String>, String> {
        let buf = StrBuf::from(text);
        Parser::new(buf.data())
            .map(|segment| {
                let segment = segment.map_err(|e| e.message.into_owned())?;
                let mut out = segment.literal.to_string_lossy();
                if let Some(field) = segment.field {
                    assert_eq!(field.nested, field.spec.iter().any(|c| c == OPEN));
                    let conversion = field.conversion.and_then(char::from_u32).unwrap_or('-');
                    let (name, spec) = (field.name.to_string_lossy(), field.spec.to_string_lossy());
                    out = format!("{out}|{name}|{spec}|{conversion}");
                }
                Ok(out)
            })
            .collect()
    }

    #[test]
    fn fields_like_formatter_parser() {
        for (text, expected) in [
            ("", vec![]),
            ("{a!r}", vec!["|a||r"]),
            ("{a!r:x{y}z}", vec!["|a|x{y}z|r"]),
            ("{a:{b}}", vec!["|a|{b}|-"]),
            ("{{", vec!["{"]),
            ("}}", vec!["}"]),
            ("{a[{]}", vec!["|a[{]||-"]),
            ("{a[}]}", vec!["|a[}]||-"]),
            ("{a[:]!r}", vec!["|a[:]||r"]),
            ("{!r}", vec!["|||r"]),
            ("{:}", vec!["|||-"]),
            ("x{{y}}z{0}w", vec!["x{", "y}", "z|0||-", "w"]),
            ("{a!:}", vec!["|a||:"]),
            ("{a:{{}}}", vec!["|a|{{}}|-"]),
            ("{a}b{c}", vec!["|a||-", "b|c||-"]),
            ("é{€}", vec!["é|€||-"]),
        ] {
            assert_eq!(parse(text), Ok(expected.iter().map(|s| s.to_string()).collect()), "{text}");
        }
        for (text, message) in [
            ("a{", "Single '{' encountered in format string"),
            ("a}", "Single '}' encountered in format string"),
            ("{a!", "end of string while looking for conversion specifier"),
            ("a{b", "expected '}' before end of string"),
            ("{a!r", "unmatched '{' in format spec"),
            ("{a!rr}", "expected ':' after conversion specifier"),
            ("{a:{", "unmatched '{' in format spec"),
            ("{a:{}", "unmatched '{' in format spec"),
            ("{{}", "Single '}' encountered in format string"),
            ("{a{b}}", "unexpected '{' in field name"),
            ("{a[}", "expected '}' before end of string"),
            ("{!}", "unmatched '{' in format spec"),
            ("{a!r}}", "Single '}' encountered in format string"),
        ] {
            assert_eq!(parse(text), Err(message.to_owned()), "{text}");
        }
    }

    fn split(text: &str) -> Result<String, String> {
        let show = |key: Key<'_>| match key {
            Key::Index(i) => format!("{i}"),
            Key::Name(n) => format!("'{}'", n.to_string_lossy()),
        };
        let run = || {
            let buf = StrBuf::from(text);
            let name = FieldName::split(buf.data())?;
            let mut out = show(name.first);
            for accessor in name.accessors() {
                out += &match accessor? {
                    Accessor::Attribute(a) => format!(" .{}", a.to_string_lossy()),
                    Accessor::Item(k) => format!(" [{}]", show(k)),
                };
            }
            Ok(out)
        };
        run().map_err(|e: TextError| e.message.into_owned())
    }

    #[test]
    fn names_like_formatter_field_name_split() {
        for (text, expected) in [
            ("", "''"),
            ("0", "0"),
            ("a.b", "'a' .b"),
            ("a[b]", "'a' ['b']"),
            ("a[0].c", "'a' [0] .c"),
            ("0[x][1]", "0 ['x'] [1]"),
            ("[0]", "'' [0]"),
            (".a", "'' .a"),
            ("00", "0"),
            ("a[0x]", "'a' ['0x']"),
            ("-1", "'-1'"),
            ("٣", "3"),
            ("a[-1]", "'a' ['-1']"),
            ("a]b", "'a]b'"),
            ("a.b]", "'a' .b]"),
        ] {
            assert_eq!(split(text), Ok(expected.to_owned()), "{text}");
        }
        for (text, message) in [
            ("a.", "Empty attribute in format string"),
            ("a..b", "Empty attribute in format string"),
            ("a[", "Missing ']' in format string"),
            ("a[]", "Empty attribute in format string"),
            ("a[b]c", "Only '.' or '[' may follow ']' in format field specifier"),
            ("99999999999999999999", "Too many decimal digits in format string"),
        ] {
            assert_eq!(split(text), Err(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn numbering_does_not_mix() {
        let mut n = Numbering::default();
        assert_eq!(n.resolve(Key::Name(StrData::EMPTY)), Ok(Some(0)));
        assert_eq!(n.resolve(Key::Name(StrData::EMPTY)), Ok(Some(1)));
        assert_eq!(n.resolve(Key::Name(StrData::One(b"a"))), Ok(None));
        assert!(n.resolve(Key::Index(0)).unwrap_err().message.starts_with("cannot switch from automatic"));
        assert_eq!(check_conversion(b'r'.into()), Ok(Conversion::Repr));
        assert_eq!(check_conversion(0xE9).unwrap_err().message, "Unknown conversion specifier \\xe9");
        let mut out = StrBuf::new();
        escape_braces(StrData::One(b"a{b}"), &mut out);
        assert_eq!(out, "a{{b}}");
    }
}
