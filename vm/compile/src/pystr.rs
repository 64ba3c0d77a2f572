//! Python strings as plain data.

use std::{borrow::Borrow, fmt};

/// A Python str: code points 0..=0x10FFFF, lone surrogates included, kept as WTF-8 (UTF-8 with surrogates encoded like
/// other code points of their size, and never as a pair).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct PyStr(Box<[u8]>);

impl PyStr {
    /// The bytes, WTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, if it has no surrogates.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// From WTF-8 bytes; None if they are not well-formed. Surrogate pairs are accepted and kept as two code points,
    /// because a Python str can hold them.
    pub fn from_wtf8(bytes: &[u8]) -> Option<PyStr> {
        let mut rest = bytes;
        loop {
            match std::str::from_utf8(rest) {
                Ok(_) => return Some(PyStr(bytes.into())),
                Err(error) => {
                    let at = error.valid_up_to();
                    match rest.get(at..at + 3)? {
                        [0xED, 0xA0..=0xBF, 0x80..=0xBF] => rest = &rest[at + 3..],
                        _ => return None,
                    }
                }
            }
        }
    }

    /// Length in bytes of the WTF-8 form.
    pub fn byte_len(&self) -> usize {
        self.0.len()
    }

    /// Whether the string is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The code points, surrogates included.
    pub fn code_points(&self) -> CodePoints<'_> {
        CodePoints { rest: &self.0 }
    }

    /// The text with each surrogate replaced by U+FFFD.
    pub fn to_string_lossy(&self) -> String {
        self.code_points().map(|c| char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    }
}

/// Iterator over code points.
#[derive(Clone, Debug)]
pub struct CodePoints<'a> {
    rest: &'a [u8],
}

impl Iterator for CodePoints<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (&first, _) = self.rest.split_first()?;
        let (len, mut point) = match first {
            0..0x80 => (1, u32::from(first)),
            0x80..0xE0 => (2, u32::from(first & 0x1F)),
            0xE0..0xF0 => (3, u32::from(first & 0x0F)),
            _ => (4, u32::from(first & 0x07)),
        };
        let len = len.min(self.rest.len());
        for &byte in &self.rest[1..len] {
            point = point << 6 | u32::from(byte & 0x3F);
        }
        self.rest = &self.rest[len..];
        Some(point)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.rest.len() / 4, Some(self.rest.len()))
    }
}

/// Builds a [`PyStr`] piece by piece.
#[derive(Clone, Debug, Default)]
pub struct PyStrBuf(Vec<u8>);

impl PyStrBuf {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends text.
    pub fn push_str(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Appends a string.
    pub fn push(&mut self, text: &PyStr) {
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Appends a code point; false, and nothing appended, above 0x10FFFF.
    pub fn push_code_point(&mut self, point: u32) -> bool {
        match char::from_u32(point) {
            Some(c) => self.push_str(c.encode_utf8(&mut [0; 4])),
            None if point <= 0xDFFF => {
                self.0.extend_from_slice(&[
                    0xED,
                    0x80 | (point >> 6 & 0x3F) as u8,
                    0x80 | (point & 0x3F) as u8,
                ]);
            }
            None => return false,
        }
        true
    }

    /// Whether nothing was appended.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The string.
    pub fn finish(self) -> PyStr {
        PyStr(self.0.into())
    }
}

impl From<&str> for PyStr {
    fn from(text: &str) -> Self {
        PyStr(text.as_bytes().into())
    }
}

impl From<String> for PyStr {
    fn from(text: String) -> Self {
        PyStr(text.into_bytes().into())
    }
}

impl FromIterator<u32> for PyStr {
    /// Code points above 0x10FFFF are left out.
    fn from_iter<I: IntoIterator<Item = u32>>(points: I) -> Self {
        let mut buf = PyStrBuf::new();
        for point in points {
            buf.push_code_point(point);
        }
        buf.finish()
    }
}

impl PartialEq<str> for PyStr {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for PyStr {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == other.as_bytes()
    }
}

impl Borrow<[u8]> for PyStr {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for PyStr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_string_lossy())
    }
}

impl fmt::Debug for PyStr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'")?;
        for point in self.code_points() {
            match char::from_u32(point) {
                Some(c) => write!(f, "{}", c.escape_debug())?,
                None => write!(f, "\\u{point:04x}")?,
            }
        }
        write!(f, "'")
    }
}
