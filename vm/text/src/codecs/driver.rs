//! The loop the encoders share.

use super::{EncodeHandler, Fault, Replacement};
use crate::data::{StrData, Unit};
use crate::with_units;

/// How an encoder treats one code point, and its faults.
pub(super) struct Encoder<P, R> {
    /// Name for faults.
    pub encoding: &'static str,
    /// Reason for faults.
    pub reason: &'static str,
    /// Whether consecutive unencodable code points make one fault.
    pub runs: bool,
    /// Bytes per code unit; replacement bytes must be a multiple.
    pub unit: usize,
    /// Appends the encoding of a code point, or returns false.
    pub put: P,
    /// The same for code points of a replacement text.
    pub put_replacement: R,
}

impl<P, R> Encoder<P, R>
where
    P: FnMut(u32, &mut Vec<u8>) -> bool,
    R: FnMut(u32, &mut Vec<u8>) -> bool,
{
    /// Encodes `text` from `at` on.
    pub fn run<H: EncodeHandler>(
        &mut self,
        text: StrData<'_>,
        mut at: usize,
        handler: &mut H,
        out: &mut Vec<u8>,
    ) -> Result<(), H::Error> {
        loop {
            let bad = with_units!(text, s => {
                s[at..].iter().position(|&u| !(self.put)(u.point(), out))
            });
            let Some(bad) = bad else { return Ok(()) };
            let start = at + bad;
            let end = if self.runs { self.run_end(text, start, out) } else { start + 1 };
            let fault = Fault { encoding: self.encoding, start, end, reason: self.reason };
            let (replacement, resume) = handler.handle(text, &fault)?;
            match replacement {
                Replacement::Text(text_in) => {
                    let encodable = text_in.data().iter().all(|p| (self.put_replacement)(p, out));
                    if !encodable {
                        return Err(handler.strict(text, &fault));
                    }
                }
                Replacement::Bytes(bytes) => {
                    if bytes.len() % self.unit != 0 {
                        return Err(handler.strict(text, &fault));
                    }
                    out.extend_from_slice(&bytes);
                }
            }
            at = resume;
        }
    }

    fn run_end(&mut self, text: StrData<'_>, start: usize, out: &mut Vec<u8>) -> usize {
        let len = out.len();
        let mut end = start + 1;
        while end < text.len() && !(self.put)(text.get(end), out) {
            end += 1;
        }
        out.truncate(len);
        end
    }
}

/// Appends an ASCII code point of a replacement text.
pub(super) fn put_ascii(point: u32, out: &mut Vec<u8>) -> bool {
    if point < 0x80 {
        out.push(point as u8);
    }
    point < 0x80
}
