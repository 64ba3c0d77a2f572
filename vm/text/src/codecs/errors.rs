//! The built-in error handlers, `errors="strict"` and its siblings.

use super::{ByteOrder, DecodeHandler, EncodeHandler, Fault, Replacement};
use crate::buf::StrBuf;
use crate::data::StrData;
use crate::repr::push_escape;
use std::io::Write;

/// A built-in error handler (`codecs` module documentation, PEP 293, PEP 383).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorMode {
    /// Every fault is an error.
    Strict,
    /// Faulty input is left out.
    Ignore,
    /// U+FFFD, or `?` when encoding.
    Replace,
    /// `\xhh`, `\uhhhh`, `\Uhhhhhhhh`.
    BackslashReplace,
    /// Bytes 0x80–0xFF travel as U+DC80–U+DCFF.
    SurrogateEscape,
    /// Surrogates are allowed in UTF encodings.
    SurrogatePass,
    /// `&#nnn;`; encoding only.
    XmlCharRefReplace,
    /// `\N{NAME}`; encoding only.
    NameReplace,
}

/// Why a built-in handler ended a conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The fault stands.
    Fault(Fault),
    /// `TypeError`: "don't know how to handle UnicodeDecodeError in error callback".
    EncodeOnly,
}

impl ErrorMode {
    /// The handler called `name`.
    pub fn by_name(name: &str) -> Option<ErrorMode> {
        Some(match name {
            "strict" => ErrorMode::Strict,
            "ignore" => ErrorMode::Ignore,
            "replace" => ErrorMode::Replace,
            "backslashreplace" => ErrorMode::BackslashReplace,
            "surrogateescape" => ErrorMode::SurrogateEscape,
            "surrogatepass" => ErrorMode::SurrogatePass,
            "xmlcharrefreplace" => ErrorMode::XmlCharRefReplace,
            "namereplace" => ErrorMode::NameReplace,
            _ => return None,
        })
    }

    /// What replaces the code points `fault` covers, and where to resume. `None` lets the fault stand.
    /// This also serves Python calls of the handler, as `codecs.replace_errors` makes them.
    pub fn encode_replacement(self, text: StrData<'_>, fault: &Fault) -> Option<(Replacement, usize)> {
        let bad = text.slice(fault.start, fault.end);
        let mut out = Vec::new();
        match self {
            ErrorMode::Strict => return None,
            ErrorMode::Ignore => {}
            ErrorMode::Replace => out.resize(bad.len(), b'?'),
            ErrorMode::BackslashReplace => bad.iter().for_each(|p| push_escape(p, &mut out)),
            ErrorMode::XmlCharRefReplace => bad.iter().for_each(|p| {
                let _ = write!(out, "&#{p};");
            }),
            ErrorMode::NameReplace => bad.iter().for_each(|p| push_name(p, &mut out)),
            ErrorMode::SurrogateEscape => {
                out.extend(bad.iter().map_while(|p| (0xDC80..=0xDCFF).contains(&p).then_some(p as u8)));
                let resume = fault.start + out.len();
                return (!out.is_empty()).then_some((Replacement::Bytes(out), resume));
            }
            ErrorMode::SurrogatePass => {
                let write = surrogate_writer(fault.encoding)?;
                for point in bad {
                    if !(0xD800..0xE000).contains(&point) {
                        return None;
                    }
                    write(point, &mut out);
                }
                return Some((Replacement::Bytes(out), fault.end));
            }
        }
        Some((Replacement::Text(StrBuf::from_ascii(out)), fault.end))
    }

    /// Appends what replaces the bytes `fault` covers and tells where to resume.
    pub fn decode_replacement(self, input: &[u8], fault: &Fault, out: &mut StrBuf) -> Result<usize, Failure> {
        let bad = &input[fault.start..fault.end];
        match self {
            ErrorMode::Strict => return Err(Failure::Fault(fault.clone())),
            ErrorMode::Ignore => {}
            ErrorMode::Replace => out.push(0xFFFD),
            ErrorMode::BackslashReplace => out.extend_ascii(|out| {
                bad.iter().for_each(|&b| push_escape(b.into(), out));
            }),
            ErrorMode::XmlCharRefReplace | ErrorMode::NameReplace => return Err(Failure::EncodeOnly),
            ErrorMode::SurrogateEscape => {
                let n = bad.iter().take_while(|&&b| b >= 0x80).count();
                if n == 0 {
                    return Err(Failure::Fault(fault.clone()));
                }
                bad[..n].iter().for_each(|&b| out.push(0xDC00 + u32::from(b)));
                return Ok(fault.start + n);
            }
            ErrorMode::SurrogatePass => {
                let (point, len) = read_surrogate(fault.encoding, &input[fault.start..])
                    .ok_or_else(|| Failure::Fault(fault.clone()))?;
                out.push(point);
                return Ok(fault.start + len);
            }
        }
        Ok(fault.end)
    }
}

impl DecodeHandler for ErrorMode {
    type Error = Failure;

    #[cold]
    fn handle(&mut self, input: &[u8], fault: &Fault, out: &mut StrBuf) -> Result<usize, Failure> {
        self.decode_replacement(input, fault, out)
    }
}

impl EncodeHandler for ErrorMode {
    type Error = Failure;

    #[cold]
    fn handle(&mut self, text: StrData<'_>, fault: &Fault) -> Result<(Replacement, usize), Failure> {
        self.encode_replacement(text, fault).ok_or_else(|| Failure::Fault(fault.clone()))
    }

    #[cold]
    fn strict(&mut self, _text: StrData<'_>, fault: &Fault) -> Failure {
        Failure::Fault(fault.clone())
    }
}

fn push_name(point: u32, out: &mut Vec<u8>) {
    match char::from_u32(point).and_then(rustpython_unicode::data::character_name) {
        Some(name) => {
            let _ = write!(out, "\\N{{{name}}}");
        }
        None => push_escape(point, out),
    }
}

/// The UTF form an encoding name stands for, in any spelling `surrogatepass` may be handed.
enum Form {
    Utf8,
    Utf16(ByteOrder),
    Utf32(ByteOrder),
}

fn form(encoding: &str) -> Option<Form> {
    let name: String =
        encoding.chars().filter(|c| !matches!(c, '-' | '_')).map(|c| c.to_ascii_lowercase()).collect();
    let order = |suffix: &str| match suffix {
        "" => Some(ByteOrder::NATIVE),
        "le" => Some(ByteOrder::Little),
        "be" => Some(ByteOrder::Big),
        _ => None,
    };
    match name.strip_prefix("utf")? {
        "8" => Some(Form::Utf8),
        rest => match (rest.strip_prefix("16"), rest.strip_prefix("32")) {
            (Some(suffix), _) => order(suffix).map(Form::Utf16),
            (_, Some(suffix)) => order(suffix).map(Form::Utf32),
            _ => None,
        },
    }
}

type Writer = fn(u32, &mut Vec<u8>);

fn surrogate_writer(encoding: &str) -> Option<Writer> {
    Some(match form(encoding)? {
        Form::Utf8 => |p, out| super::utf8::push_three(p, out),
        Form::Utf16(ByteOrder::Little) => |p, out| out.extend_from_slice(&(p as u16).to_le_bytes()),
        Form::Utf16(ByteOrder::Big) => |p, out| out.extend_from_slice(&(p as u16).to_be_bytes()),
        Form::Utf32(ByteOrder::Little) => |p, out| out.extend_from_slice(&p.to_le_bytes()),
        Form::Utf32(ByteOrder::Big) => |p, out| out.extend_from_slice(&p.to_be_bytes()),
    })
}

/// The surrogate at the start of `input`, and its length in bytes.
fn read_surrogate(encoding: &str, input: &[u8]) -> Option<(u32, usize)> {
    let (point, len) = match (form(encoding)?, input) {
        (Form::Utf8, &[0xED, second @ 0xA0..=0xBF, third @ 0x80..=0xBF, ..]) => {
            (0xD000 | u32::from(second & 0x3F) << 6 | u32::from(third & 0x3F), 3)
        }
        (Form::Utf16(ByteOrder::Little), &[a, b, ..]) => (u16::from_le_bytes([a, b]).into(), 2),
        (Form::Utf16(ByteOrder::Big), &[a, b, ..]) => (u16::from_be_bytes([a, b]).into(), 2),
        (Form::Utf32(ByteOrder::Little), &[a, b, c, d, ..]) => (u32::from_le_bytes([a, b, c, d]), 4),
        (Form::Utf32(ByteOrder::Big), &[a, b, c, d, ..]) => (u32::from_be_bytes([a, b, c, d]), 4),
        _ => return None,
    };
    (0xD800..0xE000).contains(&point).then_some((point, len))
}
