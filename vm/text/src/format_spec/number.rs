//! Applies a specification to text and numbers.

use super::{Align, FormatSpec, Target, unknown_code};
use crate::buf::StrBuf;
use crate::data::StrData;
use crate::error::{TextError, check_allocation};
use crate::float::{FloatStyle, write_format};
use crate::int::{IntRef, too_large_to_print, write_decimal, write_magnitude};

/// The largest precision CPython hands to its float formatter (a C int).
const MAX_PRECISION: usize = i32::MAX as usize;

/// The parts of a formatted number, before padding.
struct Parts<'a> {
    negative: bool,
    prefix: &'a [u8],
    /// Digits before the point; empty for `inf` and `nan`.
    whole: &'a [u8],
    /// Digits after the point.
    fraction: &'a [u8],
    /// Whether a point separates them.
    point: bool,
    /// Exponent, percent sign, `inf` or `nan`.
    tail: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Splits what a number formatter wrote.
    fn split(text: &'a [u8]) -> Parts<'a> {
        let (negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            _ => (false, text),
        };
        let run = |from: usize| from + text[from..].iter().take_while(|b| b.is_ascii_digit()).count();
        let whole = run(0);
        let point = text.get(whole) == Some(&b'.');
        let start = whole + usize::from(point);
        let end = if point { run(start) } else { start };
        Parts {
            negative,
            prefix: b"",
            whole: &text[..whole],
            fraction: &text[start..end],
            point,
            tail: &text[end..],
        }
    }
}

/// Length of `digits` digits in groups of `size`.
fn grouped_len(digits: usize, size: usize) -> usize {
    digits + digits.saturating_sub(1) / size
}

/// Digits (with leading zeros) needed so that the grouped text has at least `min` characters.
fn digits_for(digits: usize, size: usize, min: usize) -> usize {
    if grouped_len(digits, size) >= min {
        return digits;
    }
    // Of `min` places every (size + 1)th from the right is a separator; one in front needs a digit before it.
    let separators = min / (size + 1);
    let needed = min - separators;
    if min.is_multiple_of(size + 1) { needed.max(separators * size + 1) } else { needed }
}

impl FormatSpec {
    /// Sign, prefix, grouped and zero-padded digits, then fill.
    fn lay_out(&self, parts: &Parts<'_>) -> Result<StrBuf, TextError> {
        let sign = match (parts.negative, self.sign) {
            (true, _) => Some(b'-'),
            (false, Some(sign @ (b'+' | b' '))) => Some(sign),
            _ => None,
        };
        let width = self.width.unwrap_or(0);
        check_allocation(width)?;
        let fraction_len = match self.fraction_grouping {
            Some(_) => grouped_len(parts.fraction.len(), 3),
            None => parts.fraction.len(),
        };
        let head = usize::from(sign.is_some()) + parts.prefix.len();
        let rest = usize::from(parts.point) + fraction_len + parts.tail.len();
        let zero_padded =
            self.fill == u32::from(b'0') && self.align == Align::AfterSign && !parts.whole.is_empty();
        let min = if zero_padded { width.saturating_sub(head + rest) } else { 0 };
        let (digits, whole_len) = match self.grouping {
            Some(_) => {
                let digits = digits_for(parts.whole.len(), self.group_size(), min);
                (digits, grouped_len(digits, self.group_size()))
            }
            None => (parts.whole.len().max(min), parts.whole.len().max(min)),
        };
        let total = head + whole_len + rest;
        let padding = width.saturating_sub(total);
        let mut out = StrBuf::with_capacity(total + padding);
        let left = match self.align {
            Align::Right => padding,
            Align::Center => padding / 2,
            _ => 0,
        };
        out.push_repeated(self.fill, left);
        out.extend_ascii(|bytes| {
            bytes.extend(sign);
            bytes.extend_from_slice(parts.prefix);
        });
        if self.align == Align::AfterSign {
            out.push_repeated(self.fill, padding);
        }
        out.extend_ascii(|bytes| {
            let zeros = digits - parts.whole.len();
            match self.grouping {
                None => {
                    bytes.resize(bytes.len() + zeros, b'0');
                    bytes.extend_from_slice(parts.whole);
                }
                Some(separator) => {
                    for i in 0..digits {
                        if i > 0 && (digits - i).is_multiple_of(self.group_size()) {
                            bytes.push(separator);
                        }
                        bytes.push(if i < zeros { b'0' } else { parts.whole[i - zeros] });
                    }
                }
            }
            if parts.point {
                bytes.push(b'.');
            }
            match self.fraction_grouping {
                None => bytes.extend_from_slice(parts.fraction),
                Some(separator) => {
                    for (i, group) in parts.fraction.chunks(3).enumerate() {
                        if i > 0 {
                            bytes.push(separator);
                        }
                        bytes.extend_from_slice(group);
                    }
                }
            }
            bytes.extend_from_slice(parts.tail);
        });
        match self.align {
            Align::Left => out.push_repeated(self.fill, padding),
            Align::Center => out.push_repeated(self.fill, padding - left),
            _ => {}
        }
        Ok(out)
    }

    /// Pads text that is no number; `AfterSign` counts as `Right`.
    fn pad(&self, text: StrData<'_>) -> Result<StrBuf, TextError> {
        let padding = self.width.unwrap_or(0).saturating_sub(text.len());
        check_allocation(padding)?;
        let left = match self.align {
            Align::Left => 0,
            Align::Center => padding / 2,
            Align::Right | Align::AfterSign => padding,
        };
        let mut out = StrBuf::with_capacity(text.len() + padding);
        out.push_repeated(self.fill, left);
        out.push_data(text);
        out.push_repeated(self.fill, padding - left);
        Ok(out)
    }

    fn float_precision(&self) -> Result<Option<usize>, TextError> {
        match self.precision {
            Some(p) if p > MAX_PRECISION => Err(TextError::value("precision too big")),
            Some(p) => check_allocation(p).map(|()| Some(p)),
            None => Ok(None),
        }
    }
}

/// `str.__format__`. `type_name` is for messages.
pub fn format_str(text: StrData<'_>, spec: StrData<'_>, type_name: &str) -> Result<StrBuf, TextError> {
    let spec = FormatSpec::parse(spec, Target::Str, type_name)?;
    if !matches!(spec.ascii_code(), Some(0 | b's')) {
        return Err(unknown_code(spec.code.unwrap_or(0), type_name));
    }
    let refused = match spec.sign {
        Some(b' ') => Some("Space not allowed in string format specifier"),
        Some(_) => Some("Sign not allowed in string format specifier"),
        None if spec.coerce_zero => Some("Negative zero coercion (z) not allowed in string format specifier"),
        None if spec.alternate => Some("Alternate form (#) not allowed in string format specifier"),
        None if spec.align == Align::AfterSign => {
            Some("'=' alignment not allowed in string format specifier")
        }
        None => None,
    };
    if let Some(message) = refused {
        return Err(TextError::value(message));
    }
    let len = spec.precision.map_or(text.len(), |p| p.min(text.len()));
    spec.pad(text.slice(0, len))
}

/// `int.__format__`, and `bool.__format__` for a non-empty specification. `max_digits` is the limit on decimal
/// digits, 0 for none.
pub fn format_int(
    value: IntRef<'_>,
    spec: StrData<'_>,
    type_name: &str,
    max_digits: usize,
) -> Result<StrBuf, TextError> {
    let spec = FormatSpec::parse(spec, Target::Int, type_name)?;
    match spec.ascii_code() {
        Some(0 | b'b' | b'c' | b'd' | b'n' | b'o' | b'x' | b'X') => {}
        Some(b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'%') => {
            let x = value.to_f64().ok_or_else(|| TextError::overflow("int too large to convert to float"))?;
            return apply_float(x, &spec, type_name);
        }
        _ => return Err(unknown_code(spec.code.unwrap_or(0), type_name)),
    }
    if spec.precision.is_some() {
        return Err(TextError::value("Precision not allowed in integer format specifier"));
    }
    if spec.coerce_zero {
        return Err(TextError::value("Negative zero coercion (z) not allowed in integer format specifier"));
    }
    let code = spec.ascii_code().unwrap_or(0);
    if code == b'c' {
        return format_char(value, &spec);
    }
    let mut digits = Vec::with_capacity(24);
    let prefix: &[u8] = match code {
        b'b' => b"0b",
        b'o' => b"0o",
        b'x' => b"0x",
        b'X' => b"0X",
        _ => b"",
    };
    match code {
        b'b' => write_magnitude(value, 2, &mut digits),
        b'o' => write_magnitude(value, 8, &mut digits),
        b'x' | b'X' => write_magnitude(value, 16, &mut digits),
        _ => write_decimal(value, max_digits, &mut digits)
            .map_err(|_| TextError::value(too_large_to_print(max_digits)))?,
    }
    if code == b'X' {
        digits.make_ascii_uppercase();
    }
    spec.lay_out(&Parts {
        negative: value.is_negative(),
        prefix: if spec.alternate { prefix } else { b"" },
        whole: digits.strip_prefix(b"-").unwrap_or(&digits),
        fraction: b"",
        point: false,
        tail: b"",
    })
}

fn format_char(value: IntRef<'_>, spec: &FormatSpec) -> Result<StrBuf, TextError> {
    if spec.sign.is_some() {
        return Err(TextError::value("Sign not allowed with integer format specifier 'c'"));
    }
    if spec.alternate {
        return Err(TextError::value("Alternate form (#) not allowed with integer format specifier 'c'"));
    }
    match value {
        IntRef::Small(point @ 0..=0x10_FFFF) => spec.pad(StrData::Four(&[point as u32])),
        _ => Err(TextError::overflow("%c arg not in range(0x110000)")),
    }
}

/// `float.__format__`.
pub fn format_float(x: f64, spec: StrData<'_>, type_name: &str) -> Result<StrBuf, TextError> {
    apply_float(x, &FormatSpec::parse(spec, Target::Float, type_name)?, type_name)
}

fn apply_float(x: f64, spec: &FormatSpec, type_name: &str) -> Result<StrBuf, TextError> {
    let precision = spec.float_precision()?;
    let (code, dot_zero) = match spec.ascii_code() {
        Some(0) if precision.is_none() => (b'r', true),
        Some(0) => (b'g', true),
        Some(b'n') => (b'g', false),
        Some(b'%') => (b'f', false),
        Some(code @ (b'e' | b'E' | b'f' | b'F' | b'g' | b'G')) => (code, false),
        _ => return Err(unknown_code(spec.code.unwrap_or(0), type_name)),
    };
    let percent = spec.code == Some(b'%'.into());
    let style = FloatStyle { code, precision: precision.unwrap_or(6), alternate: spec.alternate, dot_zero };
    let mut text = Vec::with_capacity(32);
    write_format(if percent { x * 100.0 } else { x }, style, &mut text);
    if spec.coerce_zero {
        drop_minus_of_zero(&mut text);
    }
    if percent {
        text.push(b'%');
    }
    if spec.width.is_none()
        && spec.grouping.is_none()
        && spec.fraction_grouping.is_none()
        && spec.sign.is_none()
    {
        return Ok(StrBuf::from_ascii(text));
    }
    spec.lay_out(&Parts::split(&text))
}

/// Makes `-0.00` into `0.00`; leaves infinities alone.
fn drop_minus_of_zero(text: &mut Vec<u8>) {
    let mantissa = text.split(|b| matches!(b, b'e' | b'E')).next().unwrap_or(&[]);
    if text.first() == Some(&b'-') && mantissa[1..].iter().all(|b| matches!(b, b'0' | b'.')) {
        text.remove(0);
    }
}

/// `complex.__format__`.
pub fn format_complex(re: f64, im: f64, spec: StrData<'_>, type_name: &str) -> Result<StrBuf, TextError> {
    let spec = FormatSpec::parse(spec, Target::Complex, type_name)?;
    if spec.fill == u32::from(b'0') {
        return Err(TextError::value("Zero padding is not allowed in complex format specifier"));
    }
    if spec.align == Align::AfterSign {
        return Err(TextError::value("'=' alignment flag is not allowed in complex format specifier"));
    }
    let precision = spec.float_precision()?;
    let untyped = spec.code.is_none();
    let code = match spec.ascii_code() {
        Some(0) if precision.is_none() => b'r',
        Some(0 | b'n') => b'g',
        Some(code @ (b'e' | b'E' | b'f' | b'F' | b'g' | b'G')) => code,
        _ => return Err(unknown_code(spec.code.unwrap_or(0), type_name)),
    };
    let style =
        FloatStyle { code, precision: precision.unwrap_or(6), alternate: spec.alternate, dot_zero: false };
    let part = |x: f64, sign: Option<u8>| {
        let mut text = Vec::with_capacity(32);
        write_format(x, style, &mut text);
        if spec.coerce_zero {
            drop_minus_of_zero(&mut text);
        }
        FormatSpec { width: None, sign, ..spec.clone() }.lay_out(&Parts::split(&text))
    };
    let skip_real = untyped && re == 0.0 && re.is_sign_positive();
    let parens = untyped && !skip_real;
    let mut body = StrBuf::new();
    if parens {
        body.push(b'('.into());
    }
    if !skip_real {
        body.push_data(part(re, spec.sign)?.data());
    }
    body.push_data(part(im, if skip_real { spec.sign } else { Some(b'+') })?.data());
    body.push_ascii(if parens { b"j)" } else { b"j" });
    spec.pad(body.data())
}
