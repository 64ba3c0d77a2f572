//! Python integers as text: `int(text, base)` and conversion to any base.

use dashu_int::{IBig, Sign, UBig};
use std::fmt::{self, Write};

/// An integer of either representation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Int {
    /// Fits a machine word.
    Small(i64),
    /// Does not fit an `i64`.
    Big(IBig),
}

/// A borrowed integer of either representation.
#[derive(Clone, Copy, Debug)]
pub enum IntRef<'a> {
    /// A machine word.
    Small(i64),
    /// A big integer; may be small in value.
    Big(&'a IBig),
}

impl<'a> From<&'a Int> for IntRef<'a> {
    fn from(value: &'a Int) -> Self {
        match value {
            Int::Small(v) => IntRef::Small(*v),
            Int::Big(v) => IntRef::Big(v),
        }
    }
}

impl From<IBig> for Int {
    fn from(value: IBig) -> Self {
        match i64::try_from(&value) {
            Ok(small) => Int::Small(small),
            Err(_) => Int::Big(value),
        }
    }
}

impl IntRef<'_> {
    /// Whether the value is below zero.
    pub fn is_negative(&self) -> bool {
        match self {
            IntRef::Small(v) => *v < 0,
            IntRef::Big(v) => v.sign() == Sign::Negative && !v.is_zero(),
        }
    }

    /// The nearest double, ties to even; `None` when beyond the largest finite one.
    pub fn to_f64(&self) -> Option<f64> {
        match self {
            IntRef::Small(v) => Some(*v as f64),
            IntRef::Big(v) => Some(v.to_f64().value()).filter(|f| f.is_finite()),
        }
    }
}

/// Default of `sys.get_int_max_str_digits()`.
pub const DEFAULT_MAX_STR_DIGITS: usize = 4300;
/// The lowest limit `sys.set_int_max_str_digits` accepts besides 0.
pub const MIN_MAX_STR_DIGITS: usize = 640;

/// Why text is not an integer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseIntError {
    /// The base is neither 0 nor in 2..=36.
    Base,
    /// Not a literal of the base. [`invalid_literal`] words the message.
    Invalid,
    /// More digits than the limit allows.
    TooManyDigits {
        /// The limit in force.
        limit: usize,
        /// Digits in the text.
        digits: usize,
    },
}

/// The message for [`ParseIntError::Base`].
pub const BAD_BASE: &str = "int() base must be >= 2 and <= 36, or 0";

/// CPython's message for text that is no literal; `repr` is the `repr()` of the argument.
pub fn invalid_literal(base: u32, repr: &str) -> String {
    format!("invalid literal for int() with base {base}: {repr}")
}

/// CPython's message when text has more digits than the limit.
pub fn too_many_digits(limit: usize, digits: usize) -> String {
    format!(
        "Exceeds the limit ({limit} digits) for integer string conversion: value has {digits} digits; \
         use sys.set_int_max_str_digits() to increase the limit"
    )
}

/// CPython's message when an integer would need more digits than the limit.
pub fn too_large_to_print(limit: usize) -> String {
    format!(
        "Exceeds the limit ({limit} digits) for integer string conversion; \
         use sys.set_int_max_str_digits() to increase the limit"
    )
}

/// Whether a whitespace byte is stripped around numbers in text (`str.isspace` restricted to ASCII).
#[inline]
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | 0x09..=0x0D | 0x1C..=0x1F)
}

/// Strips ASCII whitespace as numbers parsed from text do.
pub fn trim(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_space(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_space(*last)
    {
        text = rest;
    }
    text
}

#[inline]
fn digit_value(byte: u8) -> u32 {
    match byte {
        b'0'..=b'9' => u32::from(byte - b'0'),
        b'a'..=b'z' => u32::from(byte - b'a') + 10,
        b'A'..=b'Z' => u32::from(byte - b'A') + 10,
        _ => 99,
    }
}

/// Parses ASCII text as `int(text, base)` does: surrounding whitespace, sign, base prefix, underscores.
/// `max_digits` is the limit for bases that are not powers of two, 0 for none. Text with other decimal digits
/// or spaces goes through [`crate::unicode::to_ascii_number`] first. Subquadratic for huge inputs.
pub fn parse(text: &[u8], base: u32, max_digits: usize) -> Result<Int, ParseIntError> {
    if base == 1 || base > 36 {
        return Err(ParseIntError::Base);
    }
    let mut text = trim(text);
    let mut negative = false;
    if let [sign @ (b'+' | b'-'), rest @ ..] = text {
        negative = *sign == b'-';
        text = rest;
    }
    let mut base = base;
    let mut leading_zero_only = false;
    if let [b'0', marker, rest @ ..] = text {
        let implied = match marker {
            b'x' | b'X' => 16,
            b'o' | b'O' => 8,
            b'b' | b'B' => 2,
            _ => 0,
        };
        if implied != 0 && (base == 0 || base == implied) {
            base = implied;
            text = rest.strip_prefix(b"_").unwrap_or(rest);
        } else if base == 0 {
            leading_zero_only = true;
        }
    }
    if base == 0 {
        base = 10;
    }
    let digits = count_digits(text, base).ok_or(ParseIntError::Invalid)?;
    if leading_zero_only && text.iter().any(|b| !matches!(b, b'0' | b'_')) {
        return Err(ParseIntError::Invalid);
    }
    if digits <= 12 || (base == 10 && digits <= 18) || (base == 16 && digits <= 15) {
        let mut value = 0i64;
        for &b in text {
            if b != b'_' {
                value = value * i64::from(base) + i64::from(digit_value(b));
            }
        }
        return Ok(Int::Small(if negative { -value } else { value }));
    }
    if max_digits != 0 && digits > max_digits && !base.is_power_of_two() {
        return Err(ParseIntError::TooManyDigits { limit: max_digits, digits });
    }
    let clean: String = text.iter().filter(|&&b| b != b'_').map(|&b| char::from(b)).collect();
    let magnitude = UBig::from_str_radix(&clean, base).map_err(|_| ParseIntError::Invalid)?;
    let sign = if negative { Sign::Negative } else { Sign::Positive };
    Ok(IBig::from_parts(sign, magnitude).into())
}

/// Number of digits, or `None` when a byte is no digit of `base` or an underscore is misplaced.
fn count_digits(text: &[u8], base: u32) -> Option<usize> {
    let mut digits = 0;
    let mut after_digit = false;
    for &b in text {
        if b == b'_' {
            if !after_digit {
                return None;
            }
            after_digit = false;
        } else {
            if digit_value(b) >= base {
                return None;
            }
            digits += 1;
            after_digit = true;
        }
    }
    after_digit.then_some(digits)
}

const PAIRS: &[u8; 200] = b"0001020304050607080910111213141516171819\
2021222324252627282930313233343536373839\
4041424344454647484950515253545556575859\
6061626364656667686970717273747576777879\
8081828384858687888990919293949596979899";

/// Stack space for the decimal form of an `i64`.
pub struct DecimalBuffer([u8; 20]);

impl Default for DecimalBuffer {
    fn default() -> Self {
        DecimalBuffer::new()
    }
}

impl DecimalBuffer {
    /// Empty space.
    #[inline]
    pub const fn new() -> Self {
        DecimalBuffer([0; 20])
    }

    /// Writes `value` and returns its ASCII form. Two digits per division, no allocation.
    #[inline]
    pub fn format(&mut self, value: i64) -> &[u8] {
        let mut rest = value.unsigned_abs();
        let mut at = self.0.len();
        while rest >= 100 {
            let pair = (rest % 100) as usize * 2;
            rest /= 100;
            at -= 2;
            self.0[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
        }
        if rest >= 10 {
            let pair = rest as usize * 2;
            at -= 2;
            self.0[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
        } else {
            at -= 1;
            self.0[at] = b'0' + rest as u8;
        }
        if value < 0 {
            at -= 1;
            self.0[at] = b'-';
        }
        &self.0[at..]
    }
}

/// Lets `fmt` traits append to ASCII bytes without an intermediate `String`.
pub(crate) struct AsciiSink<'a>(pub &'a mut Vec<u8>);

impl Write for AsciiSink<'_> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.0.extend_from_slice(s.as_bytes());
        Ok(())
    }
}

/// The value would need more decimal digits than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

/// Appends the decimal form. `max_digits` is the limit on digits, 0 for none; it is checked before the costly
/// conversion when the size alone proves it exceeded.
pub fn write_decimal(value: IntRef<'_>, max_digits: usize, out: &mut Vec<u8>) -> Result<(), TooLarge> {
    match value {
        IntRef::Small(v) => out.extend_from_slice(DecimalBuffer::new().format(v)),
        IntRef::Big(v) => {
            // A b-bit integer has at least (b - 1) * log10(2) digits; 0.3010 underestimates log10(2).
            let bits = bit_len(v);
            let at_least =
                bits.saturating_sub(1) / 10_000 * 3010 + bits.saturating_sub(1) % 10_000 * 3010 / 10_000;
            if max_digits != 0 && at_least > max_digits {
                return Err(TooLarge);
            }
            let start = out.len();
            let _ = write!(AsciiSink(out), "{v}");
            let digits = out.len() - start - usize::from(value.is_negative());
            if max_digits != 0 && digits > max_digits {
                out.truncate(start);
                return Err(TooLarge);
            }
        }
    }
    Ok(())
}

/// Bits of the magnitude (`int.bit_length`).
pub fn bit_len(value: &IBig) -> usize {
    let (_, words) = value.as_sign_words();
    words.last().map_or(0, |top| words.len() * size_of_val(top) * 8 - top.leading_zeros() as usize)
}

/// Appends the magnitude in `base` (2..=36, lowercase digits) without sign, prefix or digit limit.
pub fn write_magnitude(value: IntRef<'_>, base: u32, out: &mut Vec<u8>) {
    match value {
        IntRef::Small(v) => {
            let mut digits = [0u8; 64];
            let mut at = digits.len();
            let mut rest = v.unsigned_abs();
            loop {
                at -= 1;
                digits[at] = b"0123456789abcdefghijklmnopqrstuvwxyz"[(rest % u64::from(base)) as usize];
                rest /= u64::from(base);
                if rest == 0 {
                    break;
                }
            }
            out.extend_from_slice(&digits[at..]);
        }
        IntRef::Big(v) => {
            let start = out.len();
            let _ = write!(AsciiSink(out), "{}", v.in_radix(base as u8));
            if out.get(start) == Some(&b'-') {
                out.remove(start);
            }
        }
    }
}

/// Appends `bin()`, `oct()` or `hex()` of the value: sign, prefix, digits. `base` is 2, 8 or 16.
pub fn write_prefixed(value: IntRef<'_>, base: u32, out: &mut Vec<u8>) {
    if value.is_negative() {
        out.push(b'-');
    }
    out.extend_from_slice(match base {
        2 => b"0b",
        8 => b"0o",
        _ => b"0x",
    });
    write_magnitude(value, base, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(text: &str, base: u32) -> Result<i64, ParseIntError> {
        parse(text.as_bytes(), base, 0).map(|v| match v {
            Int::Small(v) => v,
            Int::Big(v) => panic!("big {v}"),
        })
    }

    #[test]
    fn parses_like_int() {
        assert_eq!(p(" 42\n", 10), Ok(42));
        assert_eq!(p("-0x_1f", 0), Ok(-31));
        assert_eq!(p("0x1f", 16), Ok(31));
        assert_eq!(p("0b1", 16), Ok(0xb1));
        assert_eq!(p("0b1", 0), Ok(1));
        assert_eq!(p("0o17", 8), Ok(15));
        assert_eq!(p("1_000", 10), Ok(1000));
        assert_eq!(p("zz", 36), Ok(1295));
        assert_eq!(p("00_0", 0), Ok(0));
        assert_eq!(p("007", 10), Ok(7));
        assert_eq!(p("+7", 0), Ok(7));
        assert_eq!(p("9223372036854775807", 10), Ok(i64::MAX));
        assert_eq!(p("-9223372036854775808", 10), Ok(i64::MIN));
        for (text, base) in [
            ("", 10),
            ("_1", 10),
            ("1_", 10),
            ("1__0", 10),
            ("0x", 16),
            ("07", 0),
            ("0_7", 0),
            ("- 1", 10),
            ("1 2", 10),
            ("0x_", 0),
            ("2", 2),
            ("+", 10),
            ("1.0", 10),
            ("0x__1", 16),
            ("a", 10),
            ("--1", 10),
        ] {
            assert_eq!(p(text, base), Err(ParseIntError::Invalid), "{text:?} base {base}");
        }
        assert_eq!(p("1", 37), Err(ParseIntError::Base));
        assert_eq!(p("1", 1), Err(ParseIntError::Base));
    }

    #[test]
    fn big_values_and_limits() {
        let Int::Big(v) = parse(b"-123456789012345678901234567890", 10, 4300).unwrap() else { panic!() };
        let mut out = Vec::new();
        write_decimal(IntRef::Big(&v), 4300, &mut out).unwrap();
        assert_eq!(out, b"-123456789012345678901234567890");
        let long = vec![b'9'; 4301];
        assert_eq!(parse(&long, 10, 4300), Err(ParseIntError::TooManyDigits { limit: 4300, digits: 4301 }));
        assert!(parse(&long, 16, 4300).is_ok());
        let Int::Big(v) = parse(&long, 10, 0).unwrap() else { panic!() };
        assert_eq!(write_decimal(IntRef::Big(&v), 4300, &mut Vec::new()), Err(TooLarge));
        assert!(write_decimal(IntRef::Big(&v), 4301, &mut Vec::new()).is_ok());
        assert_eq!(bit_len(&IBig::from(0)), 0);
        assert_eq!(bit_len(&IBig::from(-256)), 9);
    }

    #[test]
    fn writes_any_base() {
        let mut out = Vec::new();
        write_prefixed(IntRef::Small(-255), 16, &mut out);
        assert_eq!(out, b"-0xff");
        out.clear();
        write_prefixed(IntRef::Big(&(IBig::from(-1) << 70)), 2, &mut out);
        assert_eq!(out, format!("-0b1{}", "0".repeat(70)).as_bytes());
        out.clear();
        write_magnitude(IntRef::Small(i64::MIN), 36, &mut out);
        assert_eq!(out, b"1y2p0ij32e8e8");
        for v in [0, 7, 10, 99, 100, 12345, -1, i64::MIN, i64::MAX] {
            assert_eq!(DecimalBuffer::new().format(v), v.to_string().as_bytes());
        }
    }
}
