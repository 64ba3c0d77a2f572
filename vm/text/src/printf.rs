//! `%`-formatting of `str` and `bytes`: the parser, and the padding of each conversion.
//!
//! Fetching arguments is the caller's; it asks [`Conversion::code`] what is wanted, resolves `*` through
//! [`Field::with_width`] and [`Field::with_precision`], and hands the value to one of the writers.

use crate::buf::StrBuf;
use crate::data::StrData;
use crate::error::{TextError, check_allocation};
use crate::float::{FloatStyle, write_format};
use crate::int::{IntRef, too_large_to_print, write_decimal, write_magnitude};

/// A width or precision in a conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// Not written.
    None,
    /// `*`: the next argument, an int.
    Argument,
    /// A number.
    Value(usize),
}

/// `%[(key)][flags][width][.precision][length]code`
#[derive(Clone, Copy, Debug)]
pub struct Conversion<'a> {
    /// The mapping key, parentheses balanced.
    pub key: Option<StrData<'a>>,
    /// Minimum width as written.
    pub width: Amount,
    /// Precision as written; `.` alone is 0.
    pub precision: Amount,
    /// The conversion character; [`unsupported`] is the error for those the caller does not know.
    pub code: u32,
    /// Position of the code in the format, for messages.
    pub index: usize,
    /// Flags, and width and precision once resolved.
    pub field: Field,
}

/// Flags with resolved width and precision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// `-`
    pub left: bool,
    /// `+`
    pub plus: bool,
    /// space
    pub space: bool,
    /// `#`
    pub alternate: bool,
    /// `0`
    pub zero: bool,
    /// Minimum width.
    pub width: usize,
    /// Precision, if any.
    pub precision: Option<usize>,
}

impl Field {
    /// Sets a width that came from an argument; negative ones align left.
    pub fn with_width(mut self, width: i64) -> Result<Field, TextError> {
        self.left |= width < 0;
        self.width = usize::try_from(width.unsigned_abs()).map_err(|_| TextError::value("width too big"))?;
        Ok(self)
    }

    /// Sets a precision that came from an argument; negative ones count as 0.
    pub fn with_precision(mut self, precision: i64) -> Result<Field, TextError> {
        if precision > i64::from(i32::MAX) {
            return Err(TextError::overflow("Python int too large to convert to C int"));
        }
        self.precision = Some(usize::try_from(precision).unwrap_or(0));
        Ok(self)
    }
}

/// A run of literal text or a conversion.
#[derive(Clone, Copy, Debug)]
pub enum Piece<'a> {
    /// Text to copy; `%%` arrives as `%`.
    Literal(StrData<'a>),
    /// A value to fetch and format.
    Conversion(Conversion<'a>),
}

/// Iterates over the pieces of a format. Bytes are parsed as one-byte text. After an error it ends.
#[derive(Clone, Debug)]
pub struct Parser<'a> {
    text: StrData<'a>,
    at: usize,
}

impl<'a> Parser<'a> {
    /// Starts parsing `text`.
    pub fn new(text: StrData<'a>) -> Self {
        Parser { text, at: 0 }
    }

    fn peek(&self) -> Option<u32> {
        (self.at < self.text.len()).then(|| self.text.get(self.at))
    }

    fn percent(&self) -> Option<usize> {
        let found = match self.text {
            StrData::One(s) => memchr::memchr(b'%', &s[self.at..]),
            StrData::Two(s) => s[self.at..].iter().position(|&u| u == u16::from(b'%')),
            StrData::Four(s) => s[self.at..].iter().position(|&u| u == u32::from(b'%')),
        };
        found.map(|i| self.at + i)
    }

    fn number(&mut self, limit: usize, message: &'static str) -> Result<usize, TextError> {
        let mut value = 0usize;
        while let Some(c @ 0x30..=0x39) = self.peek() {
            let digit = c as usize - 0x30;
            value = value
                .checked_mul(10)
                .and_then(|v| v.checked_add(digit))
                .filter(|&v| v <= limit)
                .ok_or_else(|| TextError::value(message))?;
            self.at += 1;
        }
        Ok(value)
    }

    fn key(&mut self) -> Result<StrData<'a>, TextError> {
        let start = self.at;
        let mut depth = 1;
        while let Some(c) = self.peek() {
            self.at += 1;
            match u8::try_from(c) {
                Ok(b'(') => depth += 1,
                Ok(b')') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(self.text.slice(start, self.at - 1));
            }
        }
        Err(TextError::value("incomplete format key"))
    }

    /// After the percent sign.
    fn conversion(&mut self) -> Result<Conversion<'a>, TextError> {
        let mut key = None;
        if self.peek() == Some(b'('.into()) {
            self.at += 1;
            key = Some(self.key()?);
        }
        let mut field = Field::default();
        while let Some(c) = self.peek() {
            match u8::try_from(c) {
                Ok(b'-') => field.left = true,
                Ok(b'+') => field.plus = true,
                Ok(b' ') => field.space = true,
                Ok(b'#') => field.alternate = true,
                Ok(b'0') => field.zero = true,
                _ => break,
            }
            self.at += 1;
        }
        let mut width = Amount::None;
        if self.peek() == Some(b'*'.into()) {
            self.at += 1;
            width = Amount::Argument;
        } else if matches!(self.peek(), Some(0x30..=0x39)) {
            field.width = self.number(isize::MAX as usize, "width too big")?;
            width = Amount::Value(field.width);
        }
        let mut precision = Amount::None;
        if self.peek() == Some(b'.'.into()) {
            self.at += 1;
            if self.peek() == Some(b'*'.into()) {
                self.at += 1;
                precision = Amount::Argument;
            } else {
                let value = self.number(i32::MAX as usize, "precision too big")?;
                field.precision = Some(value);
                precision = Amount::Value(value);
            }
        }
        if matches!(self.peek().map(u8::try_from), Some(Ok(b'h' | b'l' | b'L'))) {
            self.at += 1;
        }
        let Some(code) = self.peek() else {
            return Err(TextError::value("incomplete format"));
        };
        self.at += 1;
        Ok(Conversion { key, width, precision, code, index: self.at - 1, field })
    }
}

impl<'a> Iterator for Parser<'a> {
    type Item = Result<Piece<'a>, TextError>;

    fn next(&mut self) -> Option<Self::Item> {
        let end = self.text.len();
        if self.at >= end {
            return None;
        }
        let percent = self.percent().unwrap_or(end);
        if percent > self.at {
            let literal = self.text.slice(self.at, percent);
            self.at = percent;
            return Some(Ok(Piece::Literal(literal)));
        }
        self.at += 1;
        if self.peek() == Some(b'%'.into()) {
            self.at += 1;
            return Some(Ok(Piece::Literal(self.text.slice(self.at - 1, self.at))));
        }
        let conversion = self.conversion();
        if conversion.is_err() {
            self.at = end;
        }
        Some(conversion.map(Piece::Conversion))
    }
}

/// The error for a conversion character nobody knows.
pub fn unsupported(code: u32, index: usize) -> TextError {
    let shown = char::from_u32(code).filter(|c| (' '..='~').contains(c)).unwrap_or('?');
    TextError::value(format!("unsupported format character '{shown}' ({code:#x}) at index {index}"))
}

/// `TypeError` when arguments run out.
pub const TOO_FEW: &str = "not enough arguments for format string";
/// `TypeError` when arguments are left over after formatting text.
pub const TOO_MANY: &str = "not all arguments converted during string formatting";
/// `TypeError` when arguments are left over after formatting bytes.
pub const TOO_MANY_BYTES: &str = "not all arguments converted during bytes formatting";
/// `TypeError` for a key without a mapping.
pub const NEEDS_MAPPING: &str = "format requires a mapping";
/// `TypeError` for a width or precision argument that is no int.
pub const STAR_WANTS_INT: &str = "* wants int";

/// `TypeError` for a value of the wrong type; `code` is the conversion as written.
pub fn wrong_type(code: u32, type_name: &str) -> TextError {
    let code = char::from_u32(code).unwrap_or('?');
    let wanted = if matches!(code, 'o' | 'x' | 'X') { "an integer" } else { "a real number" };
    TextError::type_(format!("%{code} format: {wanted} is required, not {type_name}"))
}

/// `TypeError` for `%c` of text: `got` is a type name, or for strings of the wrong length [`of_length`].
pub fn wrong_char(got: &str) -> TextError {
    TextError::type_(format!("%c requires an int or a unicode character, not {got}"))
}

/// `TypeError` for `%c` of bytes: `got` is a type name, or for bytes of the wrong length [`of_length`].
pub fn wrong_byte(got: &str) -> TextError {
    TextError::type_(format!("%c requires an integer in range(256) or a single byte, not {got}"))
}

/// "a string of length 2", for [`wrong_char`] and [`wrong_byte`]; `what` is `string`, `bytes object` or
/// `bytearray object`.
pub fn of_length(what: &str, len: usize) -> String {
    format!("a {what} of length {len}")
}

/// `TypeError` for a float conversion of something else in bytes formatting.
pub fn wrong_float_bytes(type_name: &str) -> TextError {
    TextError::type_(format!("float argument required, not {type_name}"))
}

/// `TypeError` for `%b` and `%s` of bytes formatting.
pub fn wrong_bytes(type_name: &str) -> TextError {
    TextError::type_(format!(
        "%b requires a bytes-like object, or an object that implements __bytes__, not '{type_name}'"
    ))
}

/// Writes sign, prefix and digits of a number with padding. `digits` may begin with `-`.
fn write_number(field: Field, prefix: &[u8], digits: &[u8], out: &mut Vec<u8>) -> Result<(), TextError> {
    let (negative, digits) = match digits {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, digits),
    };
    let sign: &[u8] = match (negative, field.plus, field.space) {
        (true, ..) => b"-",
        (_, true, _) => b"+",
        (_, _, true) => b" ",
        _ => b"",
    };
    let len = sign.len() + prefix.len() + digits.len();
    let padding = field.width.saturating_sub(len);
    check_allocation(padding)?;
    out.reserve(len + padding);
    let fill = |out: &mut Vec<u8>, byte: u8| out.resize(out.len() + padding, byte);
    if !field.left && !field.zero {
        fill(out, b' ');
    }
    out.extend_from_slice(sign);
    out.extend_from_slice(prefix);
    if !field.left && field.zero {
        fill(out, b'0');
    }
    out.extend_from_slice(digits);
    if field.left {
        fill(out, b' ');
    }
    Ok(())
}

/// Appends an integer for `d i u o x X`. `max_digits` is the limit on decimal digits, 0 for none.
pub fn write_int(
    value: IntRef<'_>,
    code: u8,
    field: Field,
    max_digits: usize,
    out: &mut Vec<u8>,
) -> Result<(), TextError> {
    if field == Field::default()
        && let (IntRef::Small(v), b'd' | b'i' | b'u') = (value, code)
    {
        out.extend_from_slice(crate::int::DecimalBuffer::new().format(v));
        return Ok(());
    }
    let mut digits = Vec::with_capacity(24);
    match code {
        b'o' => write_magnitude(value, 8, &mut digits),
        b'x' | b'X' => write_magnitude(value, 16, &mut digits),
        _ => write_decimal(value, max_digits, &mut digits)
            .map_err(|_| TextError::value(too_large_to_print(max_digits)))?,
    }
    if code == b'X' {
        digits.make_ascii_uppercase();
    }
    let negative = value.is_negative();
    let magnitude = digits.strip_prefix(b"-").unwrap_or(&digits);
    let zeros = field.precision.unwrap_or(0).saturating_sub(magnitude.len());
    check_allocation(zeros)?;
    let mut body = Vec::with_capacity(1 + zeros + magnitude.len());
    if negative {
        body.push(b'-');
    }
    body.resize(body.len() + zeros, b'0');
    body.extend_from_slice(magnitude);
    let prefix: &[u8] = match code {
        b'o' if field.alternate => b"0o",
        b'x' if field.alternate => b"0x",
        b'X' if field.alternate => b"0X",
        _ => b"",
    };
    write_number(field, prefix, &body, out)
}

/// Appends a float for `e E f F g G`.
pub fn write_float(x: f64, code: u8, field: Field, out: &mut Vec<u8>) -> Result<(), TextError> {
    let precision = field.precision.unwrap_or(6);
    check_allocation(precision)?;
    let mut digits = Vec::with_capacity(32);
    let style = FloatStyle { code, precision, alternate: field.alternate, dot_zero: false };
    write_format(x, style, &mut digits);
    write_number(field, b"", &digits, out)
}

/// Appends text for `s r a`: cut to the precision, padded with spaces.
pub fn write_text(text: StrData<'_>, field: Field, out: &mut StrBuf) -> Result<(), TextError> {
    let text = text.slice(0, field.precision.map_or(text.len(), |p| p.min(text.len())));
    let padding = field.width.saturating_sub(text.len());
    check_allocation(padding)?;
    if !field.left {
        out.push_repeated(b' '.into(), padding);
    }
    out.push_data(text);
    if field.left {
        out.push_repeated(b' '.into(), padding);
    }
    Ok(())
}

/// Appends bytes for `s b a r` of bytes formatting.
pub fn write_bytes(bytes: &[u8], field: Field, out: &mut Vec<u8>) -> Result<(), TextError> {
    let bytes = &bytes[..field.precision.map_or(bytes.len(), |p| p.min(bytes.len()))];
    let padding = field.width.saturating_sub(bytes.len());
    check_allocation(padding)?;
    let blanks = std::iter::repeat_n(b' ', padding);
    if field.left {
        out.extend_from_slice(bytes);
        out.extend(blanks);
    } else {
        out.extend(blanks);
        out.extend_from_slice(bytes);
    }
    Ok(())
}

/// Appends one character for `c`; the precision does not count.
pub fn write_char(point: u32, field: Field, out: &mut StrBuf) -> Result<(), TextError> {
    write_text(StrData::Four(&[point]), Field { precision: None, ..field }, out)
}

/// The code point for `%c` of an int argument.
pub fn char_from_int(value: IntRef<'_>) -> Result<u32, TextError> {
    match value {
        IntRef::Small(point @ 0..=0x10_FFFF) => Ok(point as u32),
        _ => Err(TextError::overflow("%c arg not in range(0x110000)")),
    }
}

/// The byte for `%c` of an int argument in bytes formatting.
pub fn byte_from_int(value: IntRef<'_>) -> Result<u8, TextError> {
    match value {
        IntRef::Small(byte @ 0..=0xFF) => Ok(byte as u8),
        _ => Err(TextError::overflow("%c arg not in range(256)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    enum Arg<'a> {
        Int(i64),
        Float(f64),
        Str(&'a str),
    }

    /// Formats with each argument used in turn; enough of `str.__mod__` to test against it.
    fn format(text: &str, args: &[Arg<'_>]) -> Result<String, String> {
        let buf = StrBuf::from(text);
        let mut out = StrBuf::new();
        let mut args = args.iter();
        let mut run = || -> Result<(), TextError> {
            for piece in Parser::new(buf.data()) {
                let conversion = match piece? {
                    Piece::Literal(text) => {
                        out.push_data(text);
                        continue;
                    }
                    Piece::Conversion(conversion) => conversion,
                };
                let mut field = conversion.field;
                let mut star = || match args.next() {
                    Some(Arg::Int(v)) => Ok(*v),
                    _ => Err(TextError::type_(STAR_WANTS_INT)),
                };
                if conversion.width == Amount::Argument {
                    field = field.with_width(star()?)?;
                }
                if conversion.precision == Amount::Argument {
                    field = field.with_precision(star()?)?;
                }
                let arg = args.next().ok_or_else(|| TextError::type_(TOO_FEW))?;
                match (u8::try_from(conversion.code), arg) {
                    (Ok(c @ (b'd' | b'i' | b'u' | b'x' | b'X' | b'o')), Arg::Int(v)) => {
                        out.extend_ascii(|out| write_int(IntRef::Small(*v), c, field, 0, out))?
                    }
                    (Ok(c @ (b'e' | b'E' | b'f' | b'F' | b'g' | b'G')), Arg::Float(v)) => {
                        out.extend_ascii(|out| write_float(*v, c, field, out))?
                    }
                    (Ok(b'c'), Arg::Int(v)) => {
                        write_char(char_from_int(IntRef::Small(*v))?, field, &mut out)?
                    }
                    (Ok(b's'), Arg::Str(s)) => write_text(StrBuf::from(*s).data(), field, &mut out)?,
                    (Ok(b'd' | b'x'), _) => return Err(wrong_type(conversion.code, "str")),
                    _ => return Err(unsupported(conversion.code, conversion.index)),
                }
            }
            Ok(())
        };
        run().map_err(|e| e.message.into_owned())?;
        Ok(out.data().to_string_lossy())
    }

    #[test]
    fn conversions_like_python() {
        use Arg::*;
        for (text, args, expected) in [
            ("%-05d|", vec![Int(5)], "5    |"),
            ("%+ d", vec![Int(5)], "+5"),
            ("%#x", vec![Int(255)], "0xff"),
            ("%#o", vec![Int(8)], "0o10"),
            ("%#X", vec![Int(255)], "0XFF"),
            ("%.5d", vec![Int(42)], "00042"),
            ("%#.5x", vec![Int(255)], "0x000ff"),
            ("%+.3e", vec![Float(1.5)], "+1.500e+00"),
            ("%010.2f", vec![Float(-3.14159)], "-000003.14"),
            ("%010d", vec![Int(-5)], "-000000005"),
            ("%-10s|", vec![Str("a")], "a         |"),
            ("100%%", vec![], "100%"),
            ("%.2s", vec![Str("abc")], "ab"),
            ("%05s", vec![Str("a")], "    a"),
            ("%ld", vec![Int(5)], "5"),
            ("%u", vec![Int(-5)], "-5"),
            ("%#g", vec![Float(1.0)], "1.00000"),
            ("%g", vec![Float(1e10)], "1e+10"),
            ("%F", vec![Float(f64::INFINITY)], "INF"),
            ("%05f", vec![Float(f64::NAN)], "00nan"),
            ("%o", vec![Int(-8)], "-10"),
            ("%#o", vec![Int(0)], "0o0"),
            ("%.0f", vec![Float(2.5)], "2"),
            ("% d", vec![Int(5)], " 5"),
            ("%.d", vec![Int(0)], "0"),
            ("%.*d", vec![Int(-3), Int(5)], "5"),
            ("%*d|", vec![Int(-5), Int(3)], "3    |"),
            ("%X", vec![Int(-255)], "-FF"),
            ("%#X", vec![Int(-255)], "-0XFF"),
            ("%08.3x", vec![Int(255)], "000000ff"),
            ("%5c|", vec![Int(97)], "    a|"),
            ("%.0c", vec![Int(0x20AC)], "€"),
            ("é%s€", vec![Str("ü")], "éü€"),
            ("%d", vec![Int(i64::MIN)], "-9223372036854775808"),
        ] {
            assert_eq!(format(text, &args), Ok(expected.to_owned()), "{text}");
        }
        for (text, args, message) in [
            ("%y", vec![Int(1)], "unsupported format character 'y' (0x79) at index 1"),
            ("%€", vec![Int(1)], "unsupported format character '?' (0x20ac) at index 1"),
            ("%\x01", vec![Int(1)], "unsupported format character '?' (0x1) at index 1"),
            ("%lld", vec![Int(1)], "unsupported format character 'l' (0x6c) at index 2"),
            ("%5%", vec![Int(1)], "unsupported format character '%' (0x25) at index 2"),
            ("%", vec![], "incomplete format"),
            ("%(a", vec![], "incomplete format key"),
            ("%s %s", vec![Str("a")], TOO_FEW),
            ("%*d", vec![Float(1.5)], STAR_WANTS_INT),
            ("%99999999999999999999d", vec![], "width too big"),
            ("%.2147483648f", vec![], "precision too big"),
            ("%c", vec![Int(-1)], "%c arg not in range(0x110000)"),
            ("%d", vec![Str("x")], "%d format: a real number is required, not str"),
            ("%x", vec![Float(1.5)], "%x format: an integer is required, not str"),
        ] {
            assert_eq!(format(text, &args), Err(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn keys_balance_parentheses() {
        let key = |text: &str| match Parser::new(StrBuf::from(text).data()).next() {
            Some(Ok(Piece::Conversion(c))) => c.key.map(|k| k.to_string_lossy()),
            _ => None,
        };
        assert_eq!(key("%(a(b)c)s").as_deref(), Some("a(b)c"));
        assert_eq!(key("%()s").as_deref(), Some(""));
        assert_eq!(key("%s"), None);
    }

    #[test]
    fn bytes_are_cut_and_padded() {
        let mut out = Vec::new();
        let field = Field { width: 4, precision: Some(2), ..Field::default() };
        write_bytes(b"abc", field, &mut out).unwrap();
        write_bytes(b"abc", Field { left: true, ..field }, &mut out).unwrap();
        assert_eq!(out, b"  abab  ");
        assert!(byte_from_int(IntRef::Small(256)).is_err());
        assert_eq!(
            wrong_char(&of_length("string", 2)).message,
            "%c requires an int or a unicode character, not a string of length 2"
        );
    }
}
