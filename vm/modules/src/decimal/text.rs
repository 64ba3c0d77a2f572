//! Numbers from text and as text.
//!
//! Source: General Decimal Arithmetic Specification, "Conversions".

use dashu_int::UBig;

use super::number::{Kind, MAX_EMAX, Number};

/// Reads a number: digits with a point and an exponent, or the name of a special value. ASCII, no space around it.
/// `None`: the text is none.
pub fn parse(text: &[u8]) -> Option<Number> {
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    match rest.first()? {
        b'0'..=b'9' | b'.' => parse_digits(negative, rest),
        _ => parse_special(negative, rest),
    }
}

fn parse_special(negative: bool, text: &[u8]) -> Option<Number> {
    let lower = text.to_ascii_lowercase();
    if matches!(lower.as_slice(), b"inf" | b"infinity") {
        return Some(Number::infinity(negative));
    }
    let (kind, payload) = match lower.strip_prefix(b"snan") {
        Some(payload) => (Kind::Signalling, payload),
        None => (Kind::Quiet, lower.strip_prefix(b"nan")?),
    };
    let coefficient = if payload.is_empty() { UBig::ZERO } else { integer(payload)? };
    Some(Number { negative, kind, coefficient, exponent: 0 })
}

/// Digits as an integer.
fn integer(digits: &[u8]) -> Option<UBig> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    if digits.len() <= 19 {
        return Some(UBig::from(digits.iter().fold(0u64, |n, d| n * 10 + u64::from(d - b'0'))));
    }
    UBig::from_str_radix(core::str::from_utf8(digits).ok()?, 10).ok()
}

fn parse_digits(negative: bool, text: &[u8]) -> Option<Number> {
    let end = text.iter().position(|c| matches!(c, b'e' | b'E')).unwrap_or(text.len());
    let (mantissa, exponent) = text.split_at(end);
    let point = mantissa.iter().position(|&c| c == b'.');
    let coefficient = match point {
        None => integer(mantissa)?,
        Some(at) if mantissa.len() == 1 && at == 0 => return None,
        Some(at) => integer(&[&mantissa[..at], &mantissa[at + 1..]].concat())?,
    };
    let behind = point.map_or(0, |at| mantissa.len() - at - 1) as i64;
    let exponent = if exponent.is_empty() { 0 } else { parse_exponent(&exponent[1..])? };
    let exponent = representable(exponent - i128::from(behind));
    Some(Number::finite(negative, coefficient, exponent))
}

/// An exponent, cut to a range in which sums do not overflow: beyond, no context has numbers anyway.
pub fn representable(exponent: i128) -> i64 {
    const MOST: i128 = 3 * MAX_EMAX as i128;
    exponent.clamp(-MOST, MOST) as i64
}

fn parse_exponent(text: &[u8]) -> Option<i128> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    const MOST: i128 = 1 << 100;
    let value = digits.iter().fold(0i128, |n, d| (n * 10 + i128::from(d - b'0')).min(MOST));
    Some(if negative { -value } else { value })
}

/// The digits of a coefficient.
pub fn digits_of(n: &UBig) -> Vec<u8> {
    if let Ok(small) = u64::try_from(n) {
        let mut buffer = [0u8; 20];
        let (mut at, mut left) = (buffer.len(), small);
        loop {
            at -= 1;
            buffer[at] = b'0' + (left % 10) as u8;
            left /= 10;
            if left == 0 {
                return buffer[at..].to_vec();
            }
        }
    }
    n.to_string().into_bytes()
}

/// The number in scientific notation, or with exponents that are multiples of three; `capitals`: with an `E`.
pub fn to_text(n: &Number, engineering: bool, capitals: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(32);
    if n.negative {
        out.push(b'-');
    }
    match n.kind {
        Kind::Infinity => out.extend_from_slice(b"Infinity"),
        Kind::Quiet | Kind::Signalling => {
            out.extend_from_slice(if n.kind == Kind::Quiet { b"NaN" } else { b"sNaN" });
            if !n.coefficient.is_zero() {
                out.extend_from_slice(&digits_of(&n.coefficient));
            }
        }
        Kind::Finite => write_finite(n, engineering, capitals, &mut out),
    }
    out
}

fn write_finite(n: &Number, engineering: bool, capitals: bool, out: &mut Vec<u8>) {
    let digits = digits_of(&n.coefficient);
    let len = digits.len() as i64;
    let left = n.exponent + len;
    // Where the point goes, counted from the first digit.
    let point = if n.exponent <= 0 && left > -6 {
        left
    } else if !engineering {
        1
    } else if n.coefficient.is_zero() {
        (left + 1).rem_euclid(3) - 1
    } else {
        (left - 1).rem_euclid(3) + 1
    };
    write_with_point(&digits, point, out);
    if left != point {
        out.push(if capitals { b'E' } else { b'e' });
        out.extend_from_slice(format!("{:+}", left - point).as_bytes());
    }
}

/// Writes digits with a point behind the first `point` of them; zeros fill what is missing.
pub fn write_with_point(digits: &[u8], point: i64, out: &mut Vec<u8>) {
    if point <= 0 {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + point.unsigned_abs() as usize, b'0');
        out.extend_from_slice(digits);
        return;
    }
    let point = point as usize;
    if point >= digits.len() {
        out.extend_from_slice(digits);
        out.resize(out.len() + point - digits.len(), b'0');
        return;
    }
    out.extend_from_slice(&digits[..point]);
    out.push(b'.');
    out.extend_from_slice(&digits[point..]);
}
