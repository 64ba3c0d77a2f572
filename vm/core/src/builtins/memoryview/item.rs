//! Items of a typed buffer: native struct formats of one character.

use typhon_text::struct_pack;

use crate::builtins::bytes::Bytes;
use crate::builtins::int::IntRef;
use crate::object::{Borrowed, Owned, PyResult};
use crate::thread::Thread;
use crate::word::Word;

/// A native format of one character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format(u8);

/// The formats there are, with `@` and without.
const NATIVE: &[(&str, usize)] = &[
    ("B", 1),
    ("b", 1),
    ("c", 1),
    ("?", 1),
    ("h", 2),
    ("H", 2),
    ("i", 4),
    ("I", 4),
    ("l", 8),
    ("L", 8),
    ("q", 8),
    ("Q", 8),
    ("n", 8),
    ("N", 8),
    ("P", 8),
    ("e", 2),
    ("f", 4),
    ("d", 8),
    ("F", 8),
    ("D", 16),
];

impl Format {
    /// The format of a view, if it is native and of one character.
    pub(crate) fn of(format: &str) -> Option<Format> {
        let code = match format.as_bytes() {
            [b'@', c] | [c] => *c,
            _ => return None,
        };
        NATIVE.iter().any(|(f, _)| f.as_bytes() == [code]).then_some(Format(code))
    }

    /// The constant text and the item size of a format given by a program.
    pub(crate) fn constant(format: &str) -> Option<(&'static str, usize)> {
        let bare = format.strip_prefix('@').unwrap_or(format);
        NATIVE.iter().find(|(f, _)| *f == bare).copied()
    }

    pub(crate) fn is_byte(self) -> bool {
        matches!(self.0, b'B' | b'b' | b'c')
    }

    /// Items of this format are equal exactly when their bytes are.
    pub(crate) fn equal_as_bytes(self) -> bool {
        !matches!(self.0, b'e' | b'f' | b'd' | b'F' | b'D' | b'?')
    }

    /// The value of the item at `p`.
    pub(crate) fn load(self, th: &mut Thread, item: &[u8]) -> Owned {
        let order = typhon_text::codecs::ByteOrder::NATIVE;
        match self.0 {
            b'B' => Owned::from_const(Word::small_int(item[0].into())),
            b'c' => th.new_bytes(item),
            b'?' => Owned::bool(item[0] != 0),
            b'b' | b'h' | b'i' | b'l' | b'q' | b'n' => th.new_int(struct_pack::read_signed(item, order)),
            b'e' | b'f' | b'd' => th.new_float(struct_pack::read_float(item, order)),
            b'F' | b'D' => {
                let (re, im) = item.split_at(item.len() / 2);
                th.new_complex(struct_pack::read_float(re, order), struct_pack::read_float(im, order))
            }
            _ => th.new_uint(struct_pack::read_unsigned(item, order)),
        }
    }

    /// The bytes of a value in this format. Errors: TypeError and ValueError naming the format.
    pub(crate) fn store(self, th: &mut Thread, v: Borrowed<'_>, item: &mut [u8]) -> PyResult<()> {
        let order = typhon_text::codecs::ByteOrder::NATIVE;
        let code = char::from(self.0);
        match self.0 {
            b'c' => match v.downcast::<Bytes>().map(Bytes::as_bytes) {
                Some([one]) => item[0] = *one,
                Some(_) => return Err(invalid(th, code, "value")),
                None => return Err(invalid(th, code, "type")),
            },
            b'?' => item[0] = v.truth(th)?.into(),
            b'e' | b'f' | b'd' => {
                let r = crate::builtins::float::convert::real_opt(th, v)?;
                let Some(x) = r else { return Err(invalid(th, code, "type")) };
                struct_pack::write_float(x, item, order, false).map_err(|e| th.text_error(&e))?;
            }
            b'F' | b'D' => {
                let Some((re, im)) = crate::builtins::complex::convert::to_complex(th, v)? else {
                    return Err(invalid(th, code, "type"));
                };
                let (a, b) = item.split_at_mut(item.len() / 2);
                struct_pack::write_float(re, a, order, false).map_err(|e| th.text_error(&e))?;
                struct_pack::write_float(im, b, order, false).map_err(|e| th.text_error(&e))?;
            }
            _ => {
                if !crate::number::is_index(v) {
                    return Err(invalid(th, code, "type"));
                }
                let i = v.index(th)?;
                let bits = item.len() as u32 * 8;
                let signed = matches!(self.0, b'b' | b'h' | b'i' | b'l' | b'q' | b'n');
                let value: Option<i128> = match crate::builtins::int::of(i.borrow()) {
                    IntRef::Small(v) => Some(v.into()),
                    IntRef::Big(b) => i128::try_from(b).ok(),
                };
                let (low, high) = if signed {
                    (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
                } else {
                    (0, (1i128 << bits) - 1)
                };
                match value.filter(|v| (low..=high).contains(v)) {
                    Some(v) => item.copy_from_slice(&v.to_ne_bytes()[native_part(item.len())]),
                    None => return Err(invalid(th, code, "value")),
                }
            }
        }
        Ok(())
    }
}

/// Where the low `n` bytes of a native i128 lie.
fn native_part(n: usize) -> core::ops::Range<usize> {
    if cfg!(target_endian = "little") { 0..n } else { 16 - n..16 }
}

#[cold]
fn invalid(th: &mut Thread, code: char, what: &str) -> crate::Raised {
    let msg = format!("memoryview: invalid {what} for format '{code}'");
    if what == "type" { th.type_error(&msg) } else { th.value_error(&msg) }
}
