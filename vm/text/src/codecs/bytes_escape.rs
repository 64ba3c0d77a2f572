//! Escapes of bytes literals: `codecs.escape_decode` and `codecs.escape_encode`.

use super::ErrorMode;
use crate::error::TextError;
use crate::repr::push_escape;

/// Decoded bytes, and the first escape that deserves a `DeprecationWarning`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The result.
    pub bytes: Vec<u8>,
    /// Position of the backslash of the first unknown escape, or octal escape above `\377`.
    pub invalid_escape: Option<usize>,
}

/// Decodes the escapes of a bytes literal. `errors` may be strict, replace or ignore and concerns `\x` only.
pub fn decode(input: &[u8], errors: ErrorMode) -> Result<Decoded, TextError> {
    let mut bytes = Vec::with_capacity(input.len());
    let mut invalid = None;
    let mut at = 0;
    while at < input.len() {
        let start = at;
        let byte = input[at];
        at += 1;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let Some(&kind) = input.get(at) else {
            return Err(TextError::value("Trailing \\ in string"));
        };
        at += 1;
        match kind {
            b'\n' => {}
            b'\\' | b'\'' | b'"' => bytes.push(kind),
            b'a' => bytes.push(0x07),
            b'b' => bytes.push(0x08),
            b't' => bytes.push(b'\t'),
            b'n' => bytes.push(b'\n'),
            b'v' => bytes.push(0x0B),
            b'f' => bytes.push(0x0C),
            b'r' => bytes.push(b'\r'),
            b'0'..=b'7' => {
                let digits = input[at - 1..].iter().take(3).take_while(|b| matches!(b, b'0'..=b'7')).count();
                let value =
                    input[at - 1..at - 1 + digits].iter().fold(0u32, |v, b| v << 3 | u32::from(b - b'0'));
                if value > 0xFF {
                    invalid.get_or_insert(start);
                }
                bytes.push(value as u8);
                at += digits - 1;
            }
            b'x' => {
                let digit = |i: usize| input.get(i).and_then(|&b| char::from(b).to_digit(16));
                match (digit(at), digit(at + 1)) {
                    (Some(high), Some(low)) => {
                        bytes.push((high << 4 | low) as u8);
                        at += 2;
                    }
                    (first, _) => {
                        match errors {
                            ErrorMode::Replace => bytes.push(b'?'),
                            ErrorMode::Ignore => {}
                            _ => {
                                return Err(TextError::value(format!(
                                    "invalid \\x escape at position {start}"
                                )));
                            }
                        }
                        at += usize::from(first.is_some());
                    }
                }
            }
            _ => {
                invalid.get_or_insert(start);
                bytes.extend_from_slice(&[b'\\', kind]);
            }
        }
    }
    Ok(Decoded { bytes, invalid_escape: invalid })
}

/// Encodes bytes with the escapes of a bytes literal in single quotes.
pub fn encode(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(input.len());
    for &b in input {
        match b {
            b'\'' | b'\\' => out.extend_from_slice(&[b'\\', b]),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0x20..0x7F => out.push(b),
            _ => push_escape(b.into(), &mut out),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_like_python() {
        let d = |t: &[u8], e| decode(t, e).map(|d| d.bytes).map_err(|e| e.message.into_owned());
        assert_eq!(d(b"a\\n\\x41\\101\\q\\\n\\\\", ErrorMode::Strict).unwrap(), b"a\nAA\\q\\");
        assert_eq!(decode(b"ab\\q", ErrorMode::Strict).unwrap().invalid_escape, Some(2));
        assert_eq!(d(b"\\x4", ErrorMode::Strict).unwrap_err(), "invalid \\x escape at position 0");
        assert_eq!(d(b"\\", ErrorMode::Strict).unwrap_err(), "Trailing \\ in string");
        assert_eq!(d(b"\\xzz", ErrorMode::Replace).unwrap(), b"?zz");
        assert_eq!(d(b"a\\xzb", ErrorMode::Ignore).unwrap(), b"azb");
        assert_eq!(d(b"a\\x1", ErrorMode::Ignore).unwrap(), b"a");
        assert_eq!(encode(b"a'\n\xff\\"), b"a\\'\\n\\xff\\\\");
    }
}
