//! Source bytes to text: byte order mark, encoding declaration (PEP 263), line ends.

use crate::{ErrorKind, SyntaxError};

/// Source text with `\n` as its only line end.
pub(crate) fn normalize(source: &str) -> Result<std::borrow::Cow<'_, str>, SyntaxError> {
    if source.contains('\0') {
        return Err(plain("source code string cannot contain null bytes"));
    }
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    if !source.contains('\r') {
        return Ok(source.into());
    }
    Ok(source.replace("\r\n", "\n").replace('\r', "\n").into())
}

/// An error of the file as a whole.
pub(crate) fn plain(msg: impl Into<String>) -> SyntaxError {
    SyntaxError {
        kind: ErrorKind::Syntax,
        msg: msg.into(),
        lineno: 0,
        offset: 0,
        end_lineno: 0,
        end_offset: 0,
        text: None,
    }
}

/// Decodes source bytes. UTF-8, ASCII and Latin-1 are built in; `other` decodes the rest by codec name and
/// returns None if it does not know the codec or the bytes do not fit.
pub fn decode_source(
    bytes: &[u8],
    filename: &str,
    other: &dyn Fn(&str, &[u8]) -> Option<String>,
) -> Result<String, SyntaxError> {
    let (bytes, marked) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => (rest, true),
        None => (bytes, false),
    };
    if bytes.contains(&0) {
        return Err(plain("source code string cannot contain null bytes"));
    }
    let declared = declared_encoding(bytes);
    let encoding = declared.as_deref().unwrap_or("utf-8");
    if marked && encoding != "utf-8" {
        return Err(plain(format!("encoding problem: {encoding} with BOM")));
    }
    match encoding {
        "utf-8" => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => Err(undecodable(bytes, error.valid_up_to(), filename, declared.is_some())),
        },
        "iso-8859-1" => Ok(bytes.iter().map(|&b| char::from(b)).collect()),
        "ascii" | "us-ascii" => match bytes.iter().position(|b| !b.is_ascii()) {
            None => Ok(String::from_utf8_lossy(bytes).into_owned()),
            Some(at) => Err(plain(format!(
                "'ascii' codec can't decode byte 0x{:02x} in position {at}: ordinal not in range(128)",
                bytes[at]
            ))),
        },
        name => other(name, bytes).ok_or_else(|| plain(format!("unknown encoding: {name}"))),
    }
}

fn undecodable(bytes: &[u8], at: usize, filename: &str, declared: bool) -> SyntaxError {
    let line = bytes[..at].iter().filter(|&&b| b == b'\n').count() as u32 + 1;
    let byte = bytes[at];
    let msg = if declared {
        format!("'utf-8' codec can't decode byte 0x{byte:02x} in position {at}: invalid start byte")
    } else {
        format!(
            "Non-UTF-8 code starting with '\\x{byte:02x}' on line {line}, but no encoding declared; see \
             https://peps.python.org/pep-0263/ for details"
        )
    };
    let _ = filename;
    SyntaxError { lineno: line, ..plain(msg) }
}

/// The encoding that one of the first two lines declares, in normal form.
pub fn declared_encoding(bytes: &[u8]) -> Option<String> {
    for line in bytes.split(|&b| b == b'\n').take(2) {
        if let Some(name) = cookie(line) {
            return Some(normal_name(&name));
        }
        let blank =
            line.iter().find(|b| !matches!(b, b' ' | b'\t' | 0x0C | b'\r')).is_none_or(|&b| b == b'#');
        if !blank {
            return None;
        }
    }
    None
}

/// `coding[:=]\s*([-\w.]+)` in a comment.
fn cookie(line: &[u8]) -> Option<String> {
    let hash = line.iter().position(|b| !matches!(b, b' ' | b'\t' | 0x0C))?;
    if line[hash] != b'#' {
        return None;
    }
    let comment = &line[hash..];
    let mut from = 0;
    while let Some(found) = comment[from..].windows(6).position(|window| window == b"coding") {
        let mut at = from + found + 6;
        from = at;
        if !matches!(comment.get(at), Some(b':' | b'=')) {
            continue;
        }
        at += 1;
        while matches!(comment.get(at), Some(b' ' | b'\t')) {
            at += 1;
        }
        let name: Vec<u8> = comment[at..]
            .iter()
            .copied()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
            .collect();
        if !name.is_empty() {
            return String::from_utf8(name).ok();
        }
    }
    None
}

fn normal_name(name: &str) -> String {
    let name = name.to_ascii_lowercase().replace('_', "-");
    let is =
        |wanted: &str| name == wanted || name.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('-'));
    if is("utf-8") || name == "utf8" {
        "utf-8".to_owned()
    } else if is("latin-1") || is("iso-8859-1") || is("iso-latin-1") || name == "latin1" {
        "iso-8859-1".to_owned()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies() {
        assert_eq!(declared_encoding(b"# -*- coding: latin-1 -*-\n").as_deref(), Some("iso-8859-1"));
        assert_eq!(
            declared_encoding(b"#!/bin/x\n# vim: set fileencoding=UTF_8 :\n").as_deref(),
            Some("utf-8")
        );
        assert_eq!(declared_encoding(b"x = 1\n# coding: latin-1\n"), None);
        assert_eq!(declared_encoding(b"\n\n# coding: latin-1\n"), None);
    }

    #[test]
    fn decodes() {
        let none = |_: &str, _: &[u8]| None;
        assert_eq!(decode_source(b"\xef\xbb\xbfx", "f", &none).as_deref(), Ok("x"));
        assert_eq!(
            decode_source(b"# coding: latin-1\n'\xe9'", "f", &none).as_deref(),
            Ok("# coding: latin-1\n'é'")
        );
        assert!(decode_source(b"'\xe9'", "f", &none).is_err());
        assert!(decode_source(b"a\0b", "f", &none).is_err());
    }
}
