//! The format-specification mini-language (PEP 3101; `z` of PEP 682; fractional grouping of Python 3.14):
//! `[[fill]align][sign][z][#][0][width][grouping][.precision[grouping]][type]`.

mod number;
#[cfg(test)]
mod tests;

pub use number::{format_complex, format_float, format_int, format_str};

use crate::data::StrData;
use crate::error::TextError;
use crate::unicode::decimal_value;

/// Where padding goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// `<`
    Left,
    /// `>`
    Right,
    /// `^`
    Center,
    /// `=`: between sign (and prefix) and digits.
    AfterSign,
}

/// What is formatted; decides default alignment and which codes exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// `str`
    Str,
    /// `int` and `bool`
    Int,
    /// `float`
    Float,
    /// `complex`
    Complex,
}

/// A parsed specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatSpec {
    /// Padding code point.
    pub fill: u32,
    /// Where padding goes.
    pub align: Align,
    /// `+`, `-` or space, if written.
    pub sign: Option<u8>,
    /// `z`: negative zero becomes zero.
    pub coerce_zero: bool,
    /// `#`
    pub alternate: bool,
    /// Minimum width.
    pub width: Option<usize>,
    /// `,` or `_` between groups of the whole part.
    pub grouping: Option<u8>,
    /// Digits, or maximum length of text.
    pub precision: Option<usize>,
    /// `,` or `_` between groups of the fractional part.
    pub fraction_grouping: Option<u8>,
    /// Presentation type as written.
    pub code: Option<u32>,
}

fn show(code: u32) -> String {
    match char::from_u32(code) {
        Some(c @ '!'..='\x7f') => c.to_string(),
        _ => format!("\\x{code:x}"),
    }
}

pub(crate) fn unknown_code(code: u32, type_name: &str) -> TextError {
    TextError::value(format!("Unknown format code '{}' for object of type '{type_name}'", show(code)))
}

fn bad_grouping(separator: u8, code: u32) -> TextError {
    TextError::value(format!("Cannot specify '{}' with '{}'.", char::from(separator), show(code)))
}

const BOTH: &str = "Cannot specify both ',' and '_'.";

struct Reader<'a> {
    text: StrData<'a>,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<u32> {
        let at = self.at + ahead;
        (at < self.text.len()).then(|| self.text.get(at))
    }

    fn eat(&mut self, c: u8) -> bool {
        let found = self.peek(0) == Some(c.into());
        self.at += usize::from(found);
        found
    }

    /// Decimal digits of any script.
    fn integer(&mut self) -> Result<Option<usize>, TextError> {
        let mut value = None;
        while let Some(digit) = self.peek(0).and_then(decimal_value) {
            let next = value.unwrap_or(0usize).checked_mul(10).and_then(|v| v.checked_add(digit.into()));
            match next {
                Some(next) if isize::try_from(next).is_ok() => value = Some(next),
                _ => return Err(TextError::value("Too many decimal digits in format string")),
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn grouping(&mut self) -> Result<Option<u8>, TextError> {
        let comma = self.eat(b',');
        let underscore = self.eat(b'_');
        if underscore && (comma || self.peek(0) == Some(b','.into())) {
            return Err(TextError::value(BOTH));
        }
        Ok(if comma { Some(b',') } else { underscore.then_some(b'_') })
    }
}

fn align_of(c: u32) -> Option<Align> {
    Some(match u8::try_from(c).ok()? {
        b'<' => Align::Left,
        b'>' => Align::Right,
        b'^' => Align::Center,
        b'=' => Align::AfterSign,
        _ => return None,
    })
}

impl FormatSpec {
    /// Parses the specification `text` for an object of the type called `type_name`.
    pub fn parse(text: StrData<'_>, target: Target, type_name: &str) -> Result<FormatSpec, TextError> {
        let default_align = if target == Target::Str { Align::Left } else { Align::Right };
        let mut spec = FormatSpec {
            fill: b' '.into(),
            align: default_align,
            sign: None,
            coerce_zero: false,
            alternate: false,
            width: None,
            grouping: None,
            precision: None,
            fraction_grouping: None,
            code: None,
        };
        let mut r = Reader { text, at: 0 };
        let (mut fill_given, mut align_given) = (false, false);
        if let (Some(fill), Some(align)) = (r.peek(0), r.peek(1).and_then(align_of)) {
            (spec.fill, spec.align) = (fill, align);
            (fill_given, align_given) = (true, true);
            r.at += 2;
        } else if let Some(align) = r.peek(0).and_then(align_of) {
            spec.align = align;
            align_given = true;
            r.at += 1;
        }
        if let Some(sign @ (0x2B | 0x2D | 0x20)) = r.peek(0) {
            spec.sign = Some(sign as u8);
            r.at += 1;
        }
        spec.coerce_zero = r.eat(b'z');
        spec.alternate = r.eat(b'#');
        if !fill_given && r.eat(b'0') {
            spec.fill = b'0'.into();
            if !align_given && default_align == Align::Right {
                spec.align = Align::AfterSign;
            }
        }
        spec.width = r.integer()?;
        spec.grouping = r.grouping()?;
        if r.eat(b'.') {
            spec.precision = r.integer()?;
            spec.fraction_grouping = r.grouping()?;
            if spec.precision.is_none() && spec.fraction_grouping.is_none() {
                return Err(TextError::value("Format specifier missing precision"));
            }
        }
        if text.len() - r.at > 1 {
            return Err(TextError::value(format!(
                "Invalid format specifier '{}' for object of type '{type_name}'",
                text.to_string_lossy()
            )));
        }
        spec.code = r.peek(0);
        spec.check_grouping(target)?;
        Ok(spec)
    }

    fn check_grouping(&self, target: Target) -> Result<(), TextError> {
        let default = if target == Target::Str { u32::from(b's') } else { 0 };
        let code = self.code.unwrap_or(default);
        if let Some(separator) = self.grouping {
            match u8::try_from(code) {
                Ok(0) if self.code.is_none() => {}
                Ok(b'd' | b'e' | b'f' | b'g' | b'E' | b'G' | b'%' | b'F') => {}
                Ok(b'b' | b'o' | b'x' | b'X') if separator == b'_' => {}
                _ => return Err(bad_grouping(separator, code)),
            }
        }
        match self.fraction_grouping {
            Some(separator) if code == u32::from(b'n') => Err(bad_grouping(separator, code)),
            _ => Ok(()),
        }
    }

    /// The presentation type as an ASCII byte, 0 when none was written.
    fn ascii_code(&self) -> Option<u8> {
        match self.code {
            None => Some(0),
            Some(code @ 1..0x80) => Some(code as u8),
            Some(_) => None,
        }
    }

    /// Digits per group of the whole part: four for binary, octal and hexadecimal.
    fn group_size(&self) -> usize {
        match self.ascii_code() {
            Some(b'b' | b'o' | b'x' | b'X') => 4,
            _ => 3,
        }
    }
}
