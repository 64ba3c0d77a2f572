//! Complex numbers as text: `repr(z)` and `complex(text)`.

use crate::float::{FloatStyle, parse_prefix, write_format};
use crate::int::trim;

/// Appends `repr(complex(re, im))`. A real part of positive zero is left out.
pub fn write_repr(re: f64, im: f64, out: &mut Vec<u8>) {
    let style = FloatStyle { code: b'r', precision: 0, alternate: false, dot_zero: false };
    if re == 0.0 && re.is_sign_positive() {
        write_format(im, style, out);
        out.push(b'j');
        return;
    }
    out.push(b'(');
    write_format(re, style, out);
    if im.is_nan() || im.is_sign_positive() {
        out.push(b'+');
    }
    write_format(im, style, out);
    out.extend_from_slice(b"j)");
}

/// Why text is no complex number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseComplexError {
    /// `ValueError`: "complex() arg is a malformed string".
    Malformed,
    /// Underscores out of place; the message is "could not convert string to complex: " and the `repr` of the argument.
    Underscore,
}

/// Parses ASCII text as `complex(text)` does: real and imaginary part, whitespace around, parentheses around that.
pub fn parse(text: &[u8]) -> Result<(f64, f64), ParseComplexError> {
    if !text.contains(&b'_') {
        return parse_plain(text).ok_or(ParseComplexError::Malformed);
    }
    let digit = |i: Option<usize>| i.and_then(|i| text.get(i)).is_some_and(u8::is_ascii_digit);
    let misplaced = |(i, &b): (usize, &u8)| b == b'_' && !(digit(i.checked_sub(1)) && digit(Some(i + 1)));
    if text.iter().enumerate().any(misplaced) {
        return Err(ParseComplexError::Underscore);
    }
    let clean: Vec<u8> = text.iter().copied().filter(|&b| b != b'_').collect();
    parse_plain(&clean).ok_or(ParseComplexError::Malformed)
}

fn parse_plain(text: &[u8]) -> Option<(f64, f64)> {
    let text = trim(text);
    let text = match text {
        [b'(', inner @ .., b')'] => trim(inner),
        _ => text,
    };
    let (first, rest) = match parse_prefix(text) {
        Some((value, len)) => (value, &text[len..]),
        None => return Some((0.0, imaginary(text)?)),
    };
    match rest {
        [] => Some((first, 0.0)),
        [b'j' | b'J'] => Some((0.0, first)),
        [b'+' | b'-', ..] => Some((first, imaginary(rest)?)),
        _ => None,
    }
}

/// A number followed by `j`; the number may be missing or a mere sign.
fn imaginary(text: &[u8]) -> Option<f64> {
    let (value, rest) = match (parse_prefix(text), text) {
        (Some((value, len)), _) => (value, &text[len..]),
        (None, [b'-', rest @ ..]) => (-1.0, rest),
        (None, [b'+', rest @ ..]) => (1.0, rest),
        (None, _) => (1.0, text),
    };
    matches!(rest, [b'j' | b'J']).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repr(re: f64, im: f64) -> String {
        let mut out = Vec::new();
        write_repr(re, im, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn repr_like_python() {
        assert_eq!(repr(0.0, 0.0), "0j");
        assert_eq!(repr(-0.0, 0.0), "(-0+0j)");
        assert_eq!(repr(0.0, -1.0), "-1j");
        assert_eq!(repr(1.5, -0.0), "(1.5-0j)");
        assert_eq!(repr(f64::NAN, f64::INFINITY), "(nan+infj)");
        assert_eq!(repr(1e16, 1e-5), "(1e+16+1e-05j)");
        assert_eq!(repr(1.0, -f64::NAN), "(1+nanj)");
    }

    #[test]
    fn parses_like_python() {
        for (text, re, im) in [
            ("1", 1.0, 0.0),
            ("1j", 0.0, 1.0),
            ("j", 0.0, 1.0),
            ("-j", 0.0, -1.0),
            ("+j", 0.0, 1.0),
            ("1+2j", 1.0, 2.0),
            ("1-J", 1.0, -1.0),
            (" ( 1+2j ) ", 1.0, 2.0),
            ("1e5+2e3j", 1e5, 2e3),
            ("infj", 0.0, f64::INFINITY),
            ("-inf-infj", f64::NEG_INFINITY, f64::NEG_INFINITY),
            ("1_0+2_0j", 10.0, 20.0),
            (".5j", 0.0, 0.5),
            ("5.j", 0.0, 5.0),
            ("infinity+1j", f64::INFINITY, 1.0),
            ("1.+.5j", 1.0, 0.5),
        ] {
            assert_eq!(parse(text.as_bytes()), Ok((re, im)), "{text}");
        }
        for text in [
            "(1+2j", "1+2j)", "1 + 2j", "1+", "1+2", "1jj", "2j+1", "", "()", "+1+-2j", "1+-2j", "--1", "1e",
            "1e+j", "0x1", "((1))",
        ] {
            assert_eq!(parse(text.as_bytes()), Err(ParseComplexError::Malformed), "{text}");
        }
        for text in ["1__0", "_1", "1_j"] {
            assert_eq!(parse(text.as_bytes()), Err(ParseComplexError::Underscore), "{text}");
        }
    }
}
