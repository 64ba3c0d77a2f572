//! Character properties and case mappings as `str` methods define them.
//!
//! Predicates take code points; lone surrogates fail all of them. ASCII and Latin-1 go through a table.

use crate::buf::StrBuf;
use crate::data::{StrData, Unit};
use crate::with_units;
use rustpython_unicode::{case, classify, data::Ucd, identifier};
use std::borrow::Cow;

const LOWER: u16 = 1;
const UPPER: u16 = 1 << 1;
const DECIMAL: u16 = 1 << 2;
const DIGIT: u16 = 1 << 3;
const NUMERIC: u16 = 1 << 4;
const SPACE: u16 = 1 << 5;
const PRINTABLE: u16 = 1 << 6;
const START: u16 = 1 << 7;
const CONTINUE: u16 = 1 << 8;
const LINE: u16 = 1 << 9;

static LATIN1: [u16; 256] = latin1_table();

const fn latin1_table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let c = i as u8;
        let lower = matches!(c, b'a'..=b'z' | 0xAA | 0xB5 | 0xBA | 0xDF..=0xF6 | 0xF8..=0xFF);
        let upper = matches!(c, b'A'..=b'Z' | 0xC0..=0xD6 | 0xD8..=0xDE);
        let mut bits = 0;
        if lower {
            bits |= LOWER | START | CONTINUE;
        }
        if upper {
            bits |= UPPER | START | CONTINUE;
        }
        if c == b'_' {
            bits |= START | CONTINUE;
        }
        if c == 0xB7 {
            bits |= CONTINUE;
        }
        if c.is_ascii_digit() {
            bits |= DECIMAL | DIGIT | NUMERIC | CONTINUE;
        }
        if matches!(c, 0xB2 | 0xB3 | 0xB9) {
            bits |= DIGIT | NUMERIC;
        }
        if matches!(c, 0xBC..=0xBE) {
            bits |= NUMERIC;
        }
        if matches!(c, 0x09..=0x0D | 0x1C..=0x20 | 0x85 | 0xA0) {
            bits |= SPACE;
        }
        if matches!(c, 0x20..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF) {
            bits |= PRINTABLE;
        }
        if matches!(c, 0x0A..=0x0D | 0x1C..=0x1E | 0x85) {
            bits |= LINE;
        }
        table[i] = bits;
        i += 1;
    }
    table
}

#[inline]
fn test(point: u32, latin1: u16, wide: impl FnOnce(char) -> bool) -> bool {
    match LATIN1.get(point as usize) {
        Some(bits) => bits & latin1 != 0,
        None => char::from_u32(point).is_some_and(wide),
    }
}

/// `str.isalpha`: a letter.
#[inline]
pub fn is_alpha(point: u32) -> bool {
    test(point, LOWER | UPPER, classify::is_alpha)
}

/// `str.isdecimal`: a digit of a positional decimal system.
#[inline]
pub fn is_decimal(point: u32) -> bool {
    test(point, DECIMAL, classify::is_decimal)
}

/// `str.isdigit`: decimal, or digit-like such as superscripts.
#[inline]
pub fn is_digit(point: u32) -> bool {
    test(point, DIGIT, classify::is_digit)
}

/// `str.isnumeric`: digit, fraction or other number.
#[inline]
pub fn is_numeric(point: u32) -> bool {
    test(point, NUMERIC, classify::is_numeric)
}

/// `str.isalnum`: letter or number.
#[inline]
pub fn is_alnum(point: u32) -> bool {
    test(point, LOWER | UPPER | NUMERIC, |c| classify::is_alpha(c) || classify::is_numeric(c))
}

/// `str.isspace`, and what `split()` and `strip()` remove.
#[inline]
pub fn is_space(point: u32) -> bool {
    test(point, SPACE, classify::is_space)
}

/// `str.isupper` of one character.
#[inline]
pub fn is_upper(point: u32) -> bool {
    test(point, UPPER, case::is_uppercase)
}

/// `str.islower` of one character.
#[inline]
pub fn is_lower(point: u32) -> bool {
    test(point, LOWER, case::is_lowercase)
}

/// A titlecase digraph (category Lt).
#[inline]
pub fn is_title(point: u32) -> bool {
    test(point, 0, case::is_titlecase)
}

/// Upper, lower or title case.
#[inline]
pub fn is_cased(point: u32) -> bool {
    test(point, LOWER | UPPER, case::is_cased)
}

fn is_case_ignorable(point: u32) -> bool {
    char::from_u32(point).is_some_and(case::is_case_ignorable)
}

/// `str.isprintable`: not escaped by `repr`.
#[inline]
pub fn is_printable(point: u32) -> bool {
    test(point, PRINTABLE, classify::is_printable)
}

/// May begin an identifier: XID_Start or `_`.
#[inline]
pub fn is_identifier_start(point: u32) -> bool {
    test(point, START, identifier::is_xid_start)
}

/// May continue an identifier: XID_Continue.
#[inline]
pub fn is_identifier_continue(point: u32) -> bool {
    test(point, CONTINUE, identifier::is_xid_continue)
}

/// Ends a line for `str.splitlines` (`\r\n` counts as one; the caller pairs them).
#[inline]
pub fn is_line_break(point: u32) -> bool {
    match LATIN1.get(point as usize) {
        Some(bits) => bits & LINE != 0,
        None => matches!(point, 0x2028 | 0x2029),
    }
}

/// The value of a decimal digit (`unicodedata.decimal`).
#[inline]
pub fn decimal_value(point: u32) -> Option<u8> {
    if point < 0x80 {
        return (point as u8 as char).is_ascii_digit().then(|| point as u8 - b'0');
    }
    let c = char::from_u32(point).filter(|&c| classify::is_decimal(c))?;
    Ucd::new(true).decimal(c.into()).map(|v| v as u8)
}

/// The value of a digit (`unicodedata.digit`).
pub fn digit_value(point: u32) -> Option<u8> {
    let c = char::from_u32(point).filter(|&c| classify::is_digit(c))?;
    Ucd::new(true).digit(c.into()).map(|v| v as u8)
}

/// The value of a numeric character (`unicodedata.numeric`).
pub fn numeric_value(point: u32) -> Option<f64> {
    Ucd::new(true).numeric(char::from_u32(point)?.into())
}

/// Text prepared for number parsing: decimal digits of any script become ASCII, spaces become blanks, all else
/// beyond ASCII becomes `?`. Borrows when the text is ASCII bytes already.
pub fn to_ascii_number(data: StrData<'_>) -> Cow<'_, [u8]> {
    match data {
        StrData::One(s) if s.is_ascii() => Cow::Borrowed(s),
        _ => Cow::Owned(
            data.iter()
                .map(|point| match point {
                    0..0x80 => point as u8,
                    _ if is_space(point) => b' ',
                    _ => decimal_value(point).map_or(b'?', |v| b'0' + v),
                })
                .collect(),
        ),
    }
}

/// Whether the text is non-empty and every code point passes, the shape of most `str.is…` methods.
#[inline]
pub fn all(data: StrData<'_>, predicate: impl Fn(u32) -> bool) -> bool {
    !data.is_empty() && with_units!(data, s => s.iter().all(|&u| predicate(u.point())))
}

/// `str.isupper`.
pub fn text_is_upper(data: StrData<'_>) -> bool {
    let mut cased = false;
    for point in data {
        if is_lower(point) || is_title(point) {
            return false;
        }
        cased |= is_upper(point);
    }
    cased
}

/// `str.islower`.
pub fn text_is_lower(data: StrData<'_>) -> bool {
    let mut cased = false;
    for point in data {
        if is_upper(point) || is_title(point) {
            return false;
        }
        cased |= is_lower(point);
    }
    cased
}

/// `str.istitle`.
pub fn text_is_title(data: StrData<'_>) -> bool {
    let mut cased = false;
    let mut previous = false;
    for point in data {
        if is_upper(point) || is_title(point) {
            if previous {
                return false;
            }
            previous = true;
            cased = true;
        } else if is_lower(point) {
            if !previous {
                return false;
            }
            cased = true;
        } else {
            previous = false;
        }
    }
    cased
}

/// `str.isidentifier` (keywords included).
pub fn text_is_identifier(data: StrData<'_>) -> bool {
    let mut points = data.iter();
    points.next().is_some_and(is_identifier_start) && points.all(is_identifier_continue)
}

/// `str.isprintable`; true for empty text.
pub fn text_is_printable(data: StrData<'_>) -> bool {
    with_units!(data, s => s.iter().all(|&u| is_printable(u.point())))
}

/// Simple (one to one) lower case, as regular expressions use it.
pub fn simple_lower(point: u32) -> u32 {
    char::from_u32(point).map_or(point, |c| case::simple_lowercase(c).into())
}

/// Simple (one to one) upper case, as regular expressions use it.
pub fn simple_upper(point: u32) -> u32 {
    char::from_u32(point).map_or(point, |c| case::simple_uppercase(c).into())
}

fn push_lower(point: u32, out: &mut StrBuf) {
    match char::from_u32(point) {
        Some(c) => c.to_lowercase().for_each(|c| out.push_char(c)),
        None => out.push(point),
    }
}

fn push_upper(point: u32, out: &mut StrBuf) {
    match char::from_u32(point) {
        Some(c) => c.to_uppercase().for_each(|c| out.push_char(c)),
        None => out.push(point),
    }
}

fn push_title(point: u32, out: &mut StrBuf) {
    match char::from_u32(point) {
        Some(c) if c.is_ascii() => out.push_char(c.to_ascii_uppercase()),
        Some(c) => {
            let mut upper = c.to_uppercase();
            // One-to-one characters have a simple title mapping; the others a full one.
            if upper.len() == 1 && upper.next().is_some() {
                out.push_char(case::simple_titlecase(c));
            } else {
                out.push_str(&case::title_str(c.encode_utf8(&mut [0; 4])));
            }
        }
        None => out.push(point),
    }
}

const CAPITAL_SIGMA: u32 = 0x3A3;

/// Lower case of the code point at `index`, where a capital sigma depends on what surrounds it.
fn push_lower_at(data: StrData<'_>, index: usize, out: &mut StrBuf) {
    let point = data.get(index);
    if point != CAPITAL_SIGMA {
        return push_lower(point, out);
    }
    let before = data.slice(0, index).iter().rev().find(|&p| !is_case_ignorable(p)).is_some_and(is_cased);
    let after =
        data.slice(index + 1, data.len()).iter().find(|&p| !is_case_ignorable(p)).is_some_and(is_cased);
    out.push(if before && !after { 0x3C2 } else { 0x3C3 });
}

fn mapped(data: StrData<'_>, ascii: impl Fn(&mut [u8]), wide: impl FnOnce(&mut StrBuf)) -> StrBuf {
    if let StrData::One(s) = data
        && s.is_ascii()
    {
        let mut bytes = s.to_vec();
        ascii(&mut bytes);
        return StrBuf::from_ascii(bytes);
    }
    let mut out = StrBuf::with_capacity_for(data.len(), 0x80);
    wide(&mut out);
    out
}

/// `str.lower`: full mapping with final sigma.
pub fn lower(data: StrData<'_>) -> StrBuf {
    mapped(data, <[u8]>::make_ascii_lowercase, |out| {
        (0..data.len()).for_each(|i| push_lower_at(data, i, out));
    })
}

/// `str.upper`: full mapping.
pub fn upper(data: StrData<'_>) -> StrBuf {
    mapped(data, <[u8]>::make_ascii_uppercase, |out| data.iter().for_each(|p| push_upper(p, out)))
}

/// `str.capitalize`: title case for the first character, lower case for the rest.
pub fn capitalize(data: StrData<'_>) -> StrBuf {
    let ascii = |bytes: &mut [u8]| {
        bytes.make_ascii_lowercase();
        if let Some(first) = bytes.first_mut() {
            first.make_ascii_uppercase();
        }
    };
    mapped(data, ascii, |out| {
        for i in 0..data.len() {
            if i == 0 { push_title(data.get(0), out) } else { push_lower_at(data, i, out) }
        }
    })
}

/// `str.title`: title case after uncased characters, lower case after cased ones.
pub fn title(data: StrData<'_>) -> StrBuf {
    let ascii = |bytes: &mut [u8]| {
        let mut previous = false;
        for b in bytes {
            let cased = b.is_ascii_alphabetic();
            if previous {
                b.make_ascii_lowercase()
            } else {
                b.make_ascii_uppercase()
            }
            previous = cased;
        }
    };
    mapped(data, ascii, |out| {
        let mut previous = false;
        for i in 0..data.len() {
            let point = data.get(i);
            if previous {
                push_lower_at(data, i, out)
            } else {
                push_title(point, out)
            }
            previous = is_cased(point);
        }
    })
}

/// `str.swapcase`.
pub fn swapcase(data: StrData<'_>) -> StrBuf {
    let ascii = |bytes: &mut [u8]| {
        for b in bytes {
            if b.is_ascii_alphabetic() {
                *b ^= 0x20;
            }
        }
    };
    mapped(data, ascii, |out| {
        for i in 0..data.len() {
            let point = data.get(i);
            if is_upper(point) {
                push_lower_at(data, i, out);
            } else if is_lower(point) {
                push_upper(point, out);
            } else {
                out.push(point);
            }
        }
    })
}

/// `str.casefold`: full case folding.
pub fn casefold(data: StrData<'_>) -> StrBuf {
    mapped(data, <[u8]>::make_ascii_lowercase, |out| {
        let mut run = String::with_capacity(data.len() * 2);
        for point in data {
            match char::from_u32(point) {
                Some(c) => run.push(c),
                None => {
                    out.push_str(&case::casefold_str(&run));
                    run.clear();
                    out.push(point);
                }
            }
        }
        out.push_str(&case::casefold_str(&run));
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buf(text: &str) -> StrBuf {
        StrBuf::from(text)
    }

    #[test]
    fn latin1_table_agrees_with_the_full_properties() {
        for point in 0..256u32 {
            let c = char::from_u32(point).unwrap();
            assert_eq!(is_alpha(point), classify::is_alpha(c), "{point:#x}");
            assert_eq!(is_decimal(point), classify::is_decimal(c), "{point:#x}");
            assert_eq!(is_digit(point), classify::is_digit(c), "{point:#x}");
            assert_eq!(is_numeric(point), classify::is_numeric(c), "{point:#x}");
            assert_eq!(is_space(point), classify::is_space(c), "{point:#x}");
            assert_eq!(is_upper(point), case::is_uppercase(c), "{point:#x}");
            assert_eq!(is_lower(point), case::is_lowercase(c), "{point:#x}");
            assert_eq!(is_cased(point), case::is_cased(c), "{point:#x}");
            assert_eq!(is_printable(point), classify::is_printable(c), "{point:#x}");
            assert_eq!(is_identifier_start(point), c == '_' || identifier::is_xid_start(c), "{point:#x}");
            assert_eq!(is_identifier_continue(point), identifier::is_xid_continue(c), "{point:#x}");
        }
    }

    #[test]
    fn case_mappings_like_python() {
        let l = |t: &str| lower(buf(t).data());
        assert_eq!(l("ΑΣ"), "ας");
        assert_eq!(l("ΑΣΑ"), "ασα");
        assert_eq!(l("Σ"), "σ");
        assert_eq!(l("Α.Σ'"), "α.ς'");
        assert_eq!(l("İ"), "i\u{307}");
        assert_eq!(upper(buf("straße ÿ µ").data()), "STRASSE Ÿ Μ");
        assert_eq!(upper(buf("ﬃ ŉ").data()), "FFI ʼN");
        assert_eq!(title(buf("ﬃx ǆabc o'neil ßa").data()), "Ffix ǅabc O'Neil Ssa");
        assert_eq!(title(buf("hello WORLD x1y").data()), "Hello World X1Y");
        assert_eq!(capitalize(buf("éCOLE ΑΣ").data()), "École ας");
        assert_eq!(capitalize(buf("ǆX").data()), "ǅx");
        assert_eq!(swapcase(buf("aBß ΑΣ").data()), "AbSS ας");
        assert_eq!(casefold(buf("Straße ẞ ΑΣ İ").data()), "strasse ss ασ i\u{307}");
        let mut lone = StrBuf::new();
        lone.push(0xD800);
        lone.push_str("ß");
        assert_eq!(casefold(lone.data()).data().iter().collect::<Vec<_>>(), [0xD800, 115, 115]);
    }

    #[test]
    fn predicates_like_python() {
        assert!(text_is_title(buf("Hello World 1A ǅ").data()));
        assert!(!text_is_title(buf("HEllo").data()));
        assert!(!text_is_title(buf("").data()));
        assert!(text_is_upper(buf("A1").data()) && !text_is_upper(buf("1").data()));
        assert!(text_is_lower(buf("aª").data()) && !text_is_lower(buf("aǅ").data()));
        assert!(text_is_identifier(buf("_é9").data()) && !text_is_identifier(buf("9a").data()));
        assert!(text_is_printable(buf("").data()) && !text_is_printable(buf("\u{ad}").data()));
        assert!(is_numeric(0x4E00) && !is_digit(0x4E00) && is_alpha(0x4E00));
        assert!(!is_printable(0xD800) && !is_alpha(0xD800));
        assert!(is_line_break(0x2028) && is_line_break(0x1C) && !is_line_break(0x1F));
        assert_eq!(decimal_value(0x0663), Some(3));
        assert_eq!(decimal_value(0xB2), None);
        assert_eq!(digit_value(0xB2), Some(2));
        assert_eq!(numeric_value(0xBD), Some(0.5));
        assert_eq!(&*to_ascii_number(buf("\u{3000}٣٤é").data()), b" 34?");
    }
}
