//! Python floats as text: `repr`, the `e f g r %` conversions, `float()`, `round` and exact ratios.
//!
//! Shortest digits come from zmij, digits at a given precision from `core::fmt`, which is correctly rounded
//! (ties to even on the exact binary value) at any precision.

use crate::int::trim;
use dashu_int::{IBig, UBig};
use std::io::Write;

/// Stack space for the `repr` of a double; the longest is `-2.2250738585072014e-308`, 24 bytes.
pub struct ReprBuffer([u8; 32]);

impl Default for ReprBuffer {
    fn default() -> Self {
        ReprBuffer::new()
    }
}

impl ReprBuffer {
    /// Empty space.
    #[inline]
    pub const fn new() -> Self {
        ReprBuffer([0; 32])
    }

    /// Writes `repr(x)` and returns its ASCII form. No allocation.
    pub fn format(&mut self, x: f64) -> &[u8] {
        if !x.is_finite() {
            return non_finite(x);
        }
        let mut digits = zmij::Buffer::new();
        let shortest = digits.format_finite(x).as_bytes();
        let magnitude = x.abs();
        if (1e-4..1e16).contains(&magnitude) || magnitude == 0.0 {
            let n = shortest.len();
            if !shortest.contains(&b'e') {
                self.0[..n].copy_from_slice(shortest);
                return &self.0[..n];
            }
        }
        let decimal = Decimal::from_text(shortest);
        let mut out = Cursor { bytes: &mut self.0, len: 0 };
        if x.is_sign_negative() {
            out.push(b'-');
        }
        decimal.layout(&mut out, decimal.point <= -4 || decimal.point > 16, 0, b'e', true, false);
        let n = out.len;
        &self.0[..n]
    }
}

/// Appends `repr(x)`.
#[inline]
pub fn write_repr(x: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(ReprBuffer::new().format(x));
}

fn non_finite(x: f64) -> &'static [u8] {
    if x.is_nan() {
        b"nan"
    } else if x > 0.0 {
        b"inf"
    } else {
        b"-inf"
    }
}

/// Where digits are laid out: a `Vec` or stack space.
trait Sink {
    fn push(&mut self, byte: u8);
    fn extend(&mut self, bytes: &[u8]);
    fn zeros(&mut self, n: usize);
}

impl Sink for Vec<u8> {
    fn push(&mut self, byte: u8) {
        Vec::push(self, byte);
    }
    fn extend(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
    fn zeros(&mut self, n: usize) {
        self.resize(self.len() + n, b'0');
    }
}

struct Cursor<'a> {
    bytes: &'a mut [u8; 32],
    len: usize,
}

impl Sink for Cursor<'_> {
    fn push(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }
    fn extend(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }
    fn zeros(&mut self, n: usize) {
        self.bytes[self.len..self.len + n].fill(b'0');
        self.len += n;
    }
}

/// More significant digits than any double has (767), so longer precisions are padded with zeros.
const MAX_SIGNIFICANT: usize = 767;
/// More fractional digits than any double has.
const MAX_FRACTION: usize = 1074;

/// Value `0.d1d2d3… × 10^point`, as in dtoa.
struct Decimal {
    digits: [u8; MAX_SIGNIFICANT + 1],
    len: usize,
    point: i32,
}

impl Decimal {
    /// Reads `-12.34e-5` as written by Rust formatters. Drops leading zeros and trailing zeros.
    fn from_text(text: &[u8]) -> Decimal {
        let mut decimal = Decimal { digits: [b'0'; MAX_SIGNIFICANT + 1], len: 0, point: 0 };
        let mut seen_point = false;
        let mut exponent = 0;
        for (i, &b) in text.iter().enumerate() {
            match b {
                b'0'..=b'9' => {
                    if decimal.len == 0 && b == b'0' {
                        decimal.point -= i32::from(seen_point);
                    } else {
                        decimal.digits[decimal.len] = b;
                        decimal.len += 1;
                        decimal.point += i32::from(!seen_point);
                    }
                }
                b'.' => seen_point = true,
                b'e' => {
                    exponent = text[i + 1..].iter().fold(0, |n, &b| match b {
                        b'0'..=b'9' => n * 10 + i32::from(b - b'0'),
                        _ => n,
                    });
                    if text[i + 1] == b'-' {
                        exponent = -exponent;
                    }
                    break;
                }
                _ => {}
            }
        }
        while decimal.len > 0 && decimal.digits[decimal.len - 1] == b'0' {
            decimal.len -= 1;
        }
        if decimal.len == 0 {
            decimal.len = 1;
            decimal.point = 1;
        } else {
            decimal.point += exponent;
        }
        decimal
    }

    /// `precision` significant digits of a finite `x`, correctly rounded.
    fn rounded(x: f64, precision: usize) -> Decimal {
        let mut text = [0u8; MAX_SIGNIFICANT + 16];
        let mut rest = &mut text[..];
        let _ = write!(rest, "{:.*e}", precision.min(MAX_SIGNIFICANT) - 1, x.abs());
        let unused = rest.len();
        let used = text.len() - unused;
        Decimal::from_text(&text[..used])
    }

    /// Writes the digits, padded with zeros to at least `pad` significant ones (`#`), without sign.
    /// `dot_zero` adds `.0` to what would look like an integer; `alt` keeps a bare point.
    fn layout(&self, out: &mut impl Sink, exponent: bool, pad: usize, marker: u8, dot_zero: bool, alt: bool) {
        let digits = &self.digits[..self.len];
        let padding = pad.saturating_sub(self.len);
        if exponent {
            out.push(digits[0]);
            if digits.len() > 1 || padding > 0 || alt {
                out.push(b'.');
            }
            out.extend(&digits[1..]);
            out.zeros(padding);
            write_exponent(self.point - 1, marker, out);
            return;
        }
        if self.point <= 0 {
            out.extend(b"0.");
            out.zeros(-self.point as usize);
            out.extend(digits);
            out.zeros(padding);
            return;
        }
        let whole = self.point as usize;
        if whole < digits.len() {
            out.extend(&digits[..whole]);
            out.push(b'.');
            out.extend(&digits[whole..]);
            out.zeros(padding);
        } else {
            out.extend(digits);
            out.zeros(whole - digits.len());
            let fraction = pad.saturating_sub(whole);
            if fraction > 0 {
                out.push(b'.');
                out.zeros(fraction);
            } else if dot_zero {
                out.extend(b".0");
            } else if alt {
                out.push(b'.');
            }
        }
    }
}

fn write_exponent(exponent: i32, marker: u8, out: &mut impl Sink) {
    out.push(marker);
    out.push(if exponent < 0 { b'-' } else { b'+' });
    let e = exponent.unsigned_abs();
    if e >= 100 {
        out.push(b'0' + (e / 100) as u8);
    }
    out.push(b'0' + (e / 10 % 10) as u8);
    out.push(b'0' + (e % 10) as u8);
}

/// How [`write_format`] shapes a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloatStyle {
    /// One of `e E f F g G r`: scientific, fixed, general, shortest.
    pub code: u8,
    /// Digits after the point (`e`, `f`) or significant digits (`g`); ignored for `r`.
    pub precision: usize,
    /// `#`: always a point, and `g` keeps trailing zeros.
    pub alternate: bool,
    /// Add `.0` when the result would look like an integer.
    pub dot_zero: bool,
}

/// Appends `x` with a leading `-` when the sign bit is set (also `-0.0`). `inf` and `nan` follow the case of the
/// code. Uppercase codes give uppercase exponents.
pub fn write_format(x: f64, style: FloatStyle, out: &mut Vec<u8>) {
    let upper = style.code.is_ascii_uppercase();
    if !x.is_finite() {
        let start = out.len();
        out.extend_from_slice(non_finite(x));
        if upper {
            out[start..].make_ascii_uppercase();
        }
        return;
    }
    if x.is_sign_negative() {
        out.push(b'-');
    }
    let x = x.abs();
    let marker = if upper { b'E' } else { b'e' };
    let FloatStyle { precision, alternate, dot_zero, .. } = style;
    match style.code {
        b'f' | b'F' => {
            let _ = write!(out, "{:.*}", precision.min(MAX_FRACTION), x);
            out.resize(out.len() + precision.saturating_sub(MAX_FRACTION), b'0');
            if precision == 0 {
                if dot_zero {
                    out.extend_from_slice(b".0");
                } else if alternate {
                    out.push(b'.');
                }
            }
        }
        b'e' | b'E' => {
            let decimal = Decimal::rounded(x, precision.saturating_add(1));
            decimal.layout(out, true, precision.saturating_add(1), marker, false, alternate);
        }
        b'g' | b'G' => {
            let precision = precision.max(1);
            let decimal = Decimal::rounded(x, precision);
            let limit = i64::try_from(precision).unwrap_or(i64::MAX) - i64::from(dot_zero);
            let exponent = decimal.point <= -4 || i64::from(decimal.point) > limit;
            let pad = if alternate { precision } else { 0 };
            decimal.layout(out, exponent, pad, marker, dot_zero, alternate);
        }
        _ => {
            let mut digits = zmij::Buffer::new();
            let decimal = Decimal::from_text(digits.format_finite(x).as_bytes());
            let exponent = decimal.point <= -4 || decimal.point > 16;
            decimal.layout(out, exponent, 0, marker, dot_zero, alternate);
        }
    }
}

/// Parses ASCII text as `float()` does: whitespace around, underscores between digits, `inf`, `infinity`, `nan`
/// in any case. Huge exponents give infinity or zero. `None` for anything else.
pub fn parse(text: &[u8]) -> Option<f64> {
    let text = trim(text);
    if !text.contains(&b'_') {
        return std::str::from_utf8(text).ok()?.parse().ok();
    }
    let mut clean = Vec::with_capacity(text.len());
    for (i, &b) in text.iter().enumerate() {
        if b != b'_' {
            clean.push(b);
            continue;
        }
        let digit = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_digit);
        if !digit(i.checked_sub(1)) || !digit(Some(i + 1)) {
            return None;
        }
    }
    std::str::from_utf8(&clean).ok()?.parse().ok()
}

/// The longest prefix of `text` that is a float literal, and its length, for parsers of compound text such as
/// `complex()`. Accepts a sign, digits, `inf`, `infinity` and `nan`; no underscores, no whitespace.
pub fn parse_prefix(text: &[u8]) -> Option<(f64, usize)> {
    let mut at = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let word = |w: &[u8]| text[at..].get(..w.len()).is_some_and(|t| t.eq_ignore_ascii_case(w));
    let named = [&b"infinity"[..], b"inf", b"nan"].into_iter().find(|w| word(w));
    if let Some(name) = named {
        at += name.len();
    } else {
        let run = |from: usize| text[from..].iter().take_while(|b| b.is_ascii_digit()).count();
        let mut digits = run(at);
        at += digits;
        if text.get(at) == Some(&b'.') {
            let fraction = run(at + 1);
            digits += fraction;
            at += 1 + fraction;
        }
        if digits == 0 {
            return None;
        }
        if matches!(text.get(at), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
            let exponent = run((at + 1 + sign).min(text.len()));
            if exponent > 0 {
                at += 1 + sign + exponent;
            }
        }
    }
    let value = std::str::from_utf8(&text[..at]).ok()?.parse().ok()?;
    Some((value, at))
}

/// The result of `round(x, n)` exceeds the largest double: "rounded value too large to represent".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundOverflow;

/// `round(x, digits)`: correctly rounded on the exact value, ties to even.
pub fn round(x: f64, digits: i64) -> Result<f64, RoundOverflow> {
    if !x.is_finite() || x == 0.0 || digits > 323 {
        return Ok(x);
    }
    if digits < -308 {
        return Ok(0.0 * x);
    }
    let mut text = Vec::with_capacity(48);
    if digits >= 0 {
        if x.abs() >= 4_503_599_627_370_496.0 {
            return Ok(x);
        }
        let _ = write!(text, "{:.*}", digits as usize, x);
    } else {
        let exact = Decimal::rounded(x, MAX_SIGNIFICANT);
        let keep = i64::from(exact.point) + digits;
        if keep < 0 {
            return Ok(0.0 * x);
        }
        if x < 0.0 {
            text.push(b'-');
        }
        if keep == 0 {
            let up = exact.digits[0] > b'5' || (exact.digits[0] == b'5' && exact.len > 1);
            text.push(if up { b'1' } else { b'0' });
            let _ = write!(text, "e{}", -digits);
        } else {
            let _ = write!(text, "{:.*e}", keep as usize - 1, x.abs());
        }
    }
    let rounded: f64 = std::str::from_utf8(&text).ok().and_then(|t| t.parse().ok()).unwrap_or(f64::NAN);
    if rounded.is_finite() { Ok(rounded) } else { Err(RoundOverflow) }
}

/// `round(x)` as a float: nearest integer, ties to even.
#[inline]
pub fn round_to_integer(x: f64) -> f64 {
    x.round_ties_even()
}

/// Finite `x` as `mantissa × 2^exponent` with an odd mantissa (or `(0, 0)`).
pub fn mantissa_exponent(x: f64) -> (i64, i32) {
    let bits = x.to_bits();
    let biased = (bits >> 52 & 0x7FF) as i32;
    let fraction = (bits & ((1 << 52) - 1)) as i64;
    if biased == 0 && fraction == 0 {
        return (0, 0);
    }
    let (mantissa, exponent) =
        if biased == 0 { (fraction, -1074) } else { (fraction | 1 << 52, biased - 1075) };
    let zeros = mantissa.trailing_zeros();
    let mantissa = mantissa >> zeros;
    (if x < 0.0 { -mantissa } else { mantissa }, exponent + zeros as i32)
}

/// `float.as_integer_ratio` of a finite `x`: numerator and positive denominator in lowest terms.
pub fn integer_ratio(x: f64) -> (IBig, UBig) {
    let (mantissa, exponent) = mantissa_exponent(x);
    if exponent >= 0 {
        (IBig::from(mantissa) << exponent as usize, UBig::ONE)
    } else {
        (IBig::from(mantissa), UBig::ONE << exponent.unsigned_abs() as usize)
    }
}

/// `int(x)` of a finite `x`: truncates towards zero.
pub fn to_integer(x: f64) -> crate::int::Int {
    if x.abs() < 9.2e18 {
        return crate::int::Int::Small(x as i64);
    }
    let (mantissa, exponent) = mantissa_exponent(x);
    let magnitude = UBig::from(mantissa.unsigned_abs());
    let shifted = if exponent >= 0 {
        magnitude << exponent as usize
    } else {
        magnitude >> exponent.unsigned_abs() as usize
    };
    let value = IBig::from(shifted);
    (if x < 0.0 { -value } else { value }).into()
}

#[cfg(test)]
#[path = "float_tests.rs"]
mod tests;
