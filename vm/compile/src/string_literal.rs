//! Contents of string literals, decoded from the source text.
//!
//! The parser's own value has lost lone surrogates, and it does not report invalid escapes.

use crate::pystr::{PyStr, PyStrBuf};

/// Something in a literal that will not work in the future.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadEscape {
    /// Byte offset of the backslash in the contents.
    pub(crate) at: usize,
    /// Text for the user.
    pub(crate) msg: String,
}

/// The value of the contents of a str literal that is not raw. With `braces`, doubled braces count once.
/// `None`: an escape is malformed.
pub fn decode_text(contents: &str, braces: bool) -> Option<PyStr> {
    decode(contents, braces, &mut Vec::new()).ok()
}

/// Decodes the contents of a literal that is not raw. With `braces`, doubled braces count once (f-strings).
/// An error is a message for a SyntaxError.
pub(crate) fn decode(contents: &str, braces: bool, bad: &mut Vec<BadEscape>) -> Result<PyStr, String> {
    let mut buf = PyStrBuf::new();
    let mut rest = contents;
    loop {
        let stop = rest.find(|c| c == '\\' || braces && (c == '{' || c == '}')).unwrap_or(rest.len());
        buf.push_str(&rest[..stop]);
        rest = &rest[stop..];
        let Some(first) = rest.chars().next() else { return Ok(buf.finish()) };
        if first != '\\' {
            let doubled = rest[1..].starts_with(first);
            buf.push_str(&rest[..1]);
            rest = &rest[1 + usize::from(doubled)..];
            continue;
        }
        let at = contents.len() - rest.len();
        let taken = escape(rest, at, &mut buf, bad)?;
        rest = &rest[taken..];
    }
}

/// Decodes one escape at the start of `text`; returns its length.
fn escape(text: &str, at: usize, buf: &mut PyStrBuf, bad: &mut Vec<BadEscape>) -> Result<usize, String> {
    let Some(kind) = text[1..].chars().next() else {
        return Err(codec_error(at, at, "\\ at end of string"));
    };
    if let Some(c) = simple(kind) {
        buf.push_str(c);
        return Ok(2);
    }
    match kind {
        '0'..='7' => {
            let (value, digits) = octal(&text.as_bytes()[1..]);
            if value > 0o377 {
                bad.push(bad_octal(at, &text[1..1 + digits]));
            }
            buf.push_code_point(value);
            Ok(1 + digits)
        }
        'x' => code_point(text, at, 2, "truncated \\xXX escape", buf),
        'u' => code_point(text, at, 4, "truncated \\uXXXX escape", buf),
        'U' => code_point(text, at, 8, "truncated \\UXXXXXXXX escape", buf),
        'N' => named(text, at, buf),
        _ => {
            bad.push(bad_escape(at, kind));
            buf.push_str(&text[..1]);
            Ok(1)
        }
    }
}

fn simple(kind: char) -> Option<&'static str> {
    Some(match kind {
        '\n' => "",
        '\\' => "\\",
        '\'' => "'",
        '"' => "\"",
        'a' => "\x07",
        'b' => "\x08",
        'f' => "\x0c",
        'n' => "\n",
        'r' => "\r",
        't' => "\t",
        'v' => "\x0b",
        _ => return None,
    })
}

fn octal(bytes: &[u8]) -> (u32, usize) {
    let digits = bytes.iter().take(3).take_while(|b| (b'0'..=b'7').contains(b)).count();
    (bytes[..digits].iter().fold(0, |n, b| n * 8 + u32::from(b - b'0')), digits)
}

fn code_point(text: &str, at: usize, width: usize, msg: &str, buf: &mut PyStrBuf) -> Result<usize, String> {
    let digits = text.bytes().skip(2).take(width).take_while(u8::is_ascii_hexdigit).count();
    if digits < width {
        return Err(codec_error(at, at + 1 + digits, msg));
    }
    let value = u32::from_str_radix(&text[2..2 + width], 16).unwrap_or(u32::MAX);
    if !buf.push_code_point(value) {
        return Err(codec_error(at, at + 1 + width, "illegal Unicode character"));
    }
    Ok(2 + width)
}

fn named(text: &str, at: usize, buf: &mut PyStrBuf) -> Result<usize, String> {
    let malformed = |end| Err(codec_error(at, end, "malformed \\N character escape"));
    let Some(inner) = text[2..].strip_prefix('{') else { return malformed(at + 1) };
    let Some(len) = inner.find('}') else { return malformed(at + 2 + inner.len()) };
    if len == 0 {
        return malformed(at + 3);
    }
    let name = &inner[..len];
    match unicode_names2::character(name) {
        Some(c) => {
            buf.push_str(c.encode_utf8(&mut [0; 4]));
            Ok(4 + len)
        }
        None => Err(codec_error(at, at + 3 + len, "unknown Unicode character name")),
    }
}

fn codec_error(start: usize, end: usize, msg: &str) -> String {
    if start == end {
        return format!(
            "(unicode error) 'unicodeescape' codec can't decode byte 0x5c in position {start}: {msg}"
        );
    }
    format!("(unicode error) 'unicodeescape' codec can't decode bytes in position {start}-{end}: {msg}")
}

fn bad_escape(at: usize, kind: char) -> BadEscape {
    let msg = format!(
        "\"\\{kind}\" is an invalid escape sequence. Such sequences will not work in the future. Did you mean \
         \"\\\\{kind}\"? A raw string is also an option."
    );
    BadEscape { at, msg }
}

fn bad_octal(at: usize, digits: &str) -> BadEscape {
    let msg = format!(
        "\"\\{digits}\" is an invalid octal escape sequence. Such sequences will not work in the future. Did you mean \
         \"\\\\{digits}\"? A raw string is also an option."
    );
    BadEscape { at, msg }
}

/// Decodes the contents of a bytes literal that is not raw.
pub(crate) fn decode_bytes(contents: &str, bad: &mut Vec<BadEscape>) -> Result<Vec<u8>, String> {
    let bytes = contents.as_bytes();
    let mut value = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte != b'\\' {
            value.push(byte);
            at += 1;
            continue;
        }
        let Some(&kind) = bytes.get(at + 1) else { return Err("Trailing \\ in string".to_owned()) };
        if let Some(text) = simple(char::from(kind)) {
            value.extend_from_slice(text.as_bytes());
            at += 2;
        } else if kind == b'x' {
            let digits = bytes.get(at + 2..at + 4).filter(|d| d.iter().all(u8::is_ascii_hexdigit));
            let Some(digits) = digits else {
                return Err(format!("(value error) invalid \\x escape at position {at}"));
            };
            value.push(digits.iter().fold(0, |n, &d| n << 4 | char::from(d).to_digit(16).unwrap_or(0) as u8));
            at += 4;
        } else if (b'0'..=b'7').contains(&kind) {
            let (n, digits) = octal(&bytes[at + 1..]);
            if n > 0o377 {
                bad.push(bad_octal(at, &contents[at + 1..at + 1 + digits]));
            }
            value.push(n as u8);
            at += 1 + digits;
        } else {
            bad.push(bad_escape(at, char::from(kind)));
            value.push(b'\\');
            at += 1;
        }
    }
    Ok(value)
}

/// A docstring without the indentation it shares with the code (as `inspect.cleandoc`, but no lines are dropped).
pub(crate) fn clean_docstring(text: &PyStr) -> PyStr {
    let points: Vec<u32> = expand_tabs(text);
    let mut lines = points.split(|&c| c == u32::from('\n'));
    let space = u32::from(' ');
    let indent = |line: &[u32]| line.iter().take_while(|&&c| c == space).count();
    let Some(first) = lines.next() else { return text.clone() };
    let rest: Vec<&[u32]> = lines.collect();
    let margin =
        rest.iter().filter(|line| indent(line) < line.len()).map(|line| indent(line)).min().unwrap_or(0);
    if indent(first) == 0 && margin == 0 {
        return text.clone();
    }
    let mut cleaned: Vec<u32> = first[indent(first)..].to_vec();
    for line in rest {
        cleaned.push(u32::from('\n'));
        cleaned.extend(&line[indent(line).min(margin)..]);
    }
    PyStr::from_iter(cleaned)
}

fn expand_tabs(text: &PyStr) -> Vec<u32> {
    let mut points = Vec::new();
    let mut column = 0;
    for c in text.code_points() {
        match char::from_u32(c) {
            Some('\t') => {
                let width = 8 - column % 8;
                points.extend(std::iter::repeat_n(u32::from(' '), width));
                column += width;
            }
            Some('\n' | '\r') => {
                points.push(c);
                column = 0;
            }
            _ => {
                points.push(c);
                column += 1;
            }
        }
    }
    points
}
