//! `float.hex` and `float.fromhex`.

use crate::int::trim;
use std::io::Write;

/// Appends `x.hex()`.
pub fn write_hex(x: f64, out: &mut Vec<u8>) {
    if !x.is_finite() {
        crate::float::write_repr(x, out);
        return;
    }
    if x.is_sign_negative() {
        out.push(b'-');
    }
    let bits = x.to_bits();
    let biased = (bits >> 52 & 0x7FF) as i32;
    let fraction = bits & ((1 << 52) - 1);
    if biased == 0 && fraction == 0 {
        out.extend_from_slice(b"0x0.0p+0");
        return;
    }
    let (lead, exponent) = if biased == 0 { (0, -1022) } else { (1, biased - 1023) };
    let _ = write!(out, "0x{lead}.{fraction:013x}p{exponent:+}");
}

/// Why text is no hexadecimal float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HexError {
    /// ValueError: "invalid hexadecimal floating-point string".
    Invalid,
    /// OverflowError: "hexadecimal value too large to represent as a float".
    TooLarge,
}

impl HexError {
    /// CPython's message.
    pub fn message(self) -> &'static str {
        match self {
            HexError::Invalid => "invalid hexadecimal floating-point string",
            HexError::TooLarge => "hexadecimal value too large to represent as a float",
        }
    }
}

/// Parses ASCII text as `float.fromhex` does, rounding to nearest, ties to even.
pub fn parse_hex(text: &[u8]) -> Result<f64, HexError> {
    let text = trim(text);
    let (negative, body) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let signed = |x: f64| if negative { -x } else { x };
    if body.eq_ignore_ascii_case(b"inf") || body.eq_ignore_ascii_case(b"infinity") {
        return Ok(signed(f64::INFINITY));
    }
    if body.eq_ignore_ascii_case(b"nan") {
        return Ok(signed(f64::NAN));
    }
    let body = match body {
        [b'0', b'x' | b'X', rest @ ..] => rest,
        _ => body,
    };
    // Leading significant bits in `mantissa`; `sticky` records whether anything non-zero was dropped below.
    let mut mantissa = 0u64;
    let mut sticky = false;
    let mut exponent = 0i64;
    let mut digits = 0;
    let mut seen_point = false;
    let mut at = 0;
    while let Some(&b) = body.get(at) {
        if b == b'.' && !seen_point {
            seen_point = true;
        } else if let Some(value) = char::from(b).to_digit(16) {
            digits += 1;
            if mantissa >> 60 == 0 {
                mantissa = mantissa << 4 | u64::from(value);
                exponent -= if seen_point { 4 } else { 0 };
            } else {
                sticky |= value != 0;
                exponent += if seen_point { 0 } else { 4 };
            }
        } else {
            break;
        }
        at += 1;
    }
    if digits == 0 {
        return Err(HexError::Invalid);
    }
    if let Some(b'p' | b'P') = body.get(at) {
        at += 1;
        let mut below_zero = false;
        if let Some(sign @ (b'+' | b'-')) = body.get(at) {
            below_zero = *sign == b'-';
            at += 1;
        }
        let written = &body[at..];
        if written.is_empty() || !written.iter().all(u8::is_ascii_digit) {
            return Err(HexError::Invalid);
        }
        let power = written.iter().fold(0i64, |n, &b| (n * 10 + i64::from(b - b'0')).min(1 << 50));
        exponent += if below_zero { -power } else { power };
    } else if at != body.len() {
        return Err(HexError::Invalid);
    }
    if mantissa == 0 {
        return Ok(signed(0.0));
    }
    let shift = mantissa.leading_zeros();
    assemble(mantissa << shift, exponent - i64::from(shift), sticky).map(signed)
}

/// `mantissa × 2^exponent` with the top bit of the mantissa set and `sticky` standing for lower bits.
fn assemble(mantissa: u64, exponent: i64, sticky: bool) -> Result<f64, HexError> {
    let top = exponent + 63;
    if top > 1023 {
        return Err(HexError::TooLarge);
    }
    // Bits that do not fit: 11 for normal numbers, more for subnormal ones.
    let dropped = 11 + (-1022 - top).max(0);
    if dropped > 64 {
        return Ok(0.0);
    }
    let (kept, half, below) = if dropped == 64 {
        (0, mantissa >> 63 == 1, mantissa << 1 != 0 || sticky)
    } else {
        let half = mantissa >> (dropped - 1) & 1 == 1;
        (mantissa >> dropped, half, mantissa & ((1 << (dropped - 1)) - 1) != 0 || sticky)
    };
    let rounded = kept + u64::from(half && (below || kept & 1 == 1));
    // A carry out of the mantissa moves into the exponent field by plain addition.
    let biased = if top < -1022 { 0 } else { (top + 1022) as u64 };
    let value = f64::from_bits((biased << 52) + rounded);
    if value.is_finite() { Ok(value) } else { Err(HexError::TooLarge) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(x: f64) -> String {
        let mut out = Vec::new();
        write_hex(x, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn writes_hex() {
        assert_eq!(hex(0.1), "0x1.999999999999ap-4");
        assert_eq!(hex(-1.5), "-0x1.8000000000000p+0");
        assert_eq!(hex(5e-324), "0x0.0000000000001p-1022");
        assert_eq!(hex(-0.0), "-0x0.0p+0");
        assert_eq!(hex(f64::MAX), "0x1.fffffffffffffp+1023");
        assert_eq!(hex(f64::NEG_INFINITY), "-inf");
    }

    #[test]
    fn round_trips() {
        for x in
            [0.0, 0.1, 1.0, -3.5, 5e-324, 2.2250738585072014e-308, 2.225073858507201e-308, f64::MAX, 1e300]
        {
            assert_eq!(parse_hex(hex(x).as_bytes()), Ok(x));
        }
    }

    #[test]
    fn parses_and_rounds() {
        assert_eq!(parse_hex(b" 0x1.8p1 "), Ok(3.0));
        assert_eq!(parse_hex(b"ff"), Ok(255.0));
        assert_eq!(parse_hex(b".8"), Ok(0.5));
        assert_eq!(parse_hex(b"1."), Ok(1.0));
        assert_eq!(parse_hex(b"0x1.00000000000008p0"), Ok(1.0));
        assert_eq!(parse_hex(b"0x1.000000000000080001p0"), Ok(1.0000000000000002));
        assert_eq!(parse_hex(b"0x1.00000000000018p0"), Ok(1.0000000000000004));
        assert_eq!(parse_hex(b"0x1p-1074"), Ok(5e-324));
        assert_eq!(parse_hex(b"0x1p-1075"), Ok(0.0));
        assert_eq!(parse_hex(b"0x1.8p-1075"), Ok(5e-324));
        assert_eq!(parse_hex(b"0x1p-1076"), Ok(0.0));
        assert_eq!(parse_hex(b"0x.fffffffffffff8p-1022"), Ok(2.2250738585072014e-308));
        assert_eq!(parse_hex(b"-INFinity"), Ok(f64::NEG_INFINITY));
        assert_eq!(parse_hex(b"0x1p1024"), Err(HexError::TooLarge));
        assert_eq!(parse_hex(b"0x1.fffffffffffff8p1023"), Err(HexError::TooLarge));
        assert_eq!(parse_hex(b"0x1.fffffffffffff7p1023"), Ok(f64::MAX));
        assert_eq!(parse_hex(b"0x0p99999999999999999999"), Ok(0.0));
        for bad in [&b""[..], b"0x", b".", b"0x1p", b"0x1p+", b"1 2", b"0x1g", b"--1", b"0x1.2.3"] {
            assert_eq!(parse_hex(bad), Err(HexError::Invalid), "{bad:?}");
        }
    }
}
