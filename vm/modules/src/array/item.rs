//! The kinds of items: how one is stored, read and written.

use typhon_core::builtins::int::IntRef;
use typhon_core::builtins::str::Str;
use typhon_core::{Borrowed, Owned, PyResult, Raised, Thread};

/// Every type code.
pub const CODES: &str = "bBuwhHiIlLqQfd";

/// What an array holds, named by its type code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    I8 = b'b',
    U8 = b'B',
    /// A `wchar_t`.
    Wide = b'u',
    /// A code point.
    Char = b'w',
    I16 = b'h',
    U16 = b'H',
    I32 = b'i',
    U32 = b'I',
    Long = b'l',
    ULong = b'L',
    I64 = b'q',
    U64 = b'Q',
    F32 = b'f',
    F64 = b'd',
}

typhon_core::holds_no_references!(Kind);

use Kind::*;

const ALL: [Kind; 14] = [I8, U8, Wide, Char, I16, U16, I32, U32, Long, ULong, I64, U64, F32, F64];

impl Kind {
    /// The kind with this type code.
    pub fn of_code(code: u32) -> Option<Kind> {
        ALL.into_iter().find(|k| *k as u32 == code)
    }

    /// The type code.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Bytes of an item.
    #[inline]
    pub const fn size(self) -> usize {
        match self {
            I8 | U8 => 1,
            I16 | U16 => 2,
            I32 | U32 | F32 | Wide | Char => 4,
            Long | ULong | I64 | U64 | F64 => 8,
        }
    }

    /// Does it hold text?
    pub fn is_text(self) -> bool {
        matches!(self, Wide | Char)
    }

    fn is_float(self) -> bool {
        matches!(self, F32 | F64)
    }

    /// Are equal items the same bytes?
    pub fn bytes_decide(self) -> bool {
        !self.is_float()
    }

    /// The format of the buffer protocol.
    pub fn format(self) -> &'static str {
        match self {
            I8 => "b",
            U8 => "B",
            Wide => "u",
            Char => "w",
            I16 => "h",
            U16 => "H",
            I32 => "i",
            U32 => "I",
            Long => "l",
            ULong => "L",
            I64 => "q",
            U64 => "Q",
            F32 => "f",
            F64 => "d",
        }
    }

    fn is_signed(self) -> bool {
        matches!(self, I8 | I16 | I32 | Long | I64)
    }

    /// CPython's number of the machine format, for pickles.
    pub fn machine_format(self) -> i64 {
        let big = i64::from(cfg!(target_endian = "big"));
        let base = match self {
            U8 => return 0,
            I8 => return 1,
            Wide | Char => 20,
            F32 => 14,
            F64 => 16,
            _ => 2 + 4 * i64::from(self.size().trailing_zeros() - 1) + 2 * i64::from(self.is_signed()),
        };
        base + big
    }

    /// The bytes of item `i`; `None` past the end.
    #[inline]
    pub fn load(self, items: &[u8], i: usize) -> Option<[u8; 8]> {
        match self.size() {
            1 => item::<1>(items, i),
            2 => item::<2>(items, i),
            4 => item::<4>(items, i),
            _ => item::<8>(items, i),
        }
    }

    /// Replaces item `i` by what [`Kind::write`] gave. False: past the end.
    #[inline]
    pub fn store(self, items: &mut [u8], i: usize, raw: [u8; 8]) -> bool {
        match self.size() {
            1 => set_item::<1>(items, i, raw),
            2 => set_item::<2>(items, i, raw),
            4 => set_item::<4>(items, i, raw),
            _ => set_item::<8>(items, i, raw),
        }
    }

    /// The value stored in the first bytes of `raw`.
    #[inline]
    pub fn read(self, th: &mut Thread, raw: [u8; 8]) -> Owned {
        let word = u64::from_ne_bytes(raw);
        let [b0, b1, b2, b3, ..] = raw;
        let four = u32::from_ne_bytes([b0, b1, b2, b3]);
        match self {
            F64 => th.new_float(f64::from_bits(word)),
            F32 => th.new_float(f32::from_bits(four).into()),
            Long | I64 => th.new_int(word as i64),
            ULong | U64 => th.new_uint(word),
            I32 => th.new_int((four as i32).into()),
            U32 => th.new_int(four.into()),
            I16 => th.new_int(i16::from_ne_bytes([b0, b1]).into()),
            U16 => th.new_int(u16::from_ne_bytes([b0, b1]).into()),
            I8 => th.new_int((b0 as i8).into()),
            U8 => th.new_int(b0.into()),
            Wide | Char => th.char_str(four.min(0x0010_FFFF)),
        }
    }

    /// The bytes of a value; the first [`Kind::size`] count. Errors: TypeError; OverflowError.
    #[inline]
    pub fn write(self, th: &mut Thread, v: Borrowed<'_>) -> PyResult<[u8; 8]> {
        match self {
            F64 => {
                let x = match v.as_float() {
                    Some(x) => x,
                    None => v.to_f64(th)?,
                };
                Ok(x.to_ne_bytes())
            }
            F32 => Ok(widened((v.to_f64(th)? as f32).to_ne_bytes())),
            Wide | Char => {
                let point = character(th, v)?;
                Ok(widened(point.to_ne_bytes()))
            }
            _ => self.write_int(th, v),
        }
    }

    #[inline]
    fn write_int(self, th: &mut Thread, v: Borrowed<'_>) -> PyResult<[u8; 8]> {
        if v.word().is_int() {
            let n = v.word().int();
            let bits = 8 * self.size() - usize::from(self.is_signed());
            let beyond = n >> bits.min(63);
            if beyond == 0 || beyond == -1 && self.is_signed() {
                return Ok(self.narrowed(n as u64));
            }
        }
        self.write_any_int(th, v)
    }

    /// The bytes of an integer whose value the kind can hold.
    fn narrowed(self, v: u64) -> [u8; 8] {
        match self.size() {
            1 => widened((v as u8).to_ne_bytes()),
            2 => widened((v as u16).to_ne_bytes()),
            4 => widened((v as u32).to_ne_bytes()),
            _ => v.to_ne_bytes(),
        }
    }

    #[inline(never)]
    fn write_any_int(self, th: &mut Thread, v: Borrowed<'_>) -> PyResult<[u8; 8]> {
        let n = v.index(th)?;
        let value = match n.borrow().as_int() {
            Some(IntRef::Small(v)) => Some(i128::from(v)),
            Some(IntRef::Big(v)) => i128::try_from(v).ok(),
            None => None,
        };
        let bits = 8 * self.size() as u32;
        let (low, high) = if self.is_signed() {
            (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
        } else {
            (0, (1i128 << bits) - 1)
        };
        match value {
            Some(v) if v < low => Err(self.out_of_range(th, false)),
            Some(v) if v > high => Err(self.out_of_range(th, true)),
            None => Err(self.out_of_range(th, true)),
            Some(v) => Ok(self.narrowed(v as u64)),
        }
    }

    #[cold]
    fn out_of_range(self, th: &mut Thread, above: bool) -> Raised {
        let what = match self {
            I8 => "signed char",
            U8 => "unsigned byte integer",
            I16 => "signed short integer",
            U16 => "unsigned short",
            I32 => "signed integer",
            U32 => "unsigned int",
            Long => return th.overflow_error("Python int too large to convert to C long"),
            I64 => return th.overflow_error("int too big to convert"),
            _ if !above => return th.overflow_error("can't convert negative value to unsigned int"),
            ULong => return th.overflow_error("Python int too large to convert to C unsigned long"),
            _ => return th.overflow_error("int too big to convert"),
        };
        let side = if above { "greater than maximum" } else { "less than minimum" };
        th.overflow_error(&format!("{what} is {side}"))
    }
}

#[inline]
fn item<const N: usize>(items: &[u8], i: usize) -> Option<[u8; 8]> {
    items.as_chunks().0.get(i).map(|item: &[u8; N]| widened(*item))
}

#[inline]
fn set_item<const N: usize>(items: &mut [u8], i: usize, raw: [u8; 8]) -> bool {
    let place: Option<&mut [u8; N]> = items.as_chunks_mut().0.get_mut(i);
    place.map(|place| place.copy_from_slice(&raw[..N])).is_some()
}

#[inline]
fn widened<const N: usize>(b: [u8; N]) -> [u8; 8] {
    let mut out = [0; 8];
    out[..N].copy_from_slice(&b);
    out
}

/// The code point of a str of length 1. Errors: TypeError.
fn character(th: &mut Thread, v: Borrowed<'_>) -> PyResult<u32> {
    let Some(s) = v.downcast::<Str>() else {
        let msg = format!("array item must be a unicode character, not {}", v.type_name(th));
        return Err(th.type_error(&msg));
    };
    if s.len() != 1 {
        let msg = format!("array item must be a string of length 1, not a string of length {}", s.len());
        return Err(th.type_error(&msg));
    }
    Ok(s.data().get(0))
}

/// How items of a pickle are stored: bytes of an item, signed, float, text, big end first.
pub struct Foreign {
    pub size: usize,
    pub signed: bool,
    pub float: bool,
    /// UTF-16 or UTF-32.
    pub text: bool,
    pub big: bool,
}

impl Foreign {
    /// The machine format with CPython's number.
    pub fn of_number(n: i64) -> Option<Foreign> {
        let big = n % 2 == 1;
        let number = |size, signed| Foreign { size, signed, float: false, text: false, big };
        Some(match n {
            0 => number(1, false),
            1 => number(1, true),
            2..=13 => number(2usize << ((n - 2) / 4), (n - 2) / 2 % 2 == 1),
            14..=17 => {
                Foreign { size: if n < 16 { 4 } else { 8 }, signed: true, float: true, text: false, big }
            }
            18..=21 => {
                Foreign { size: if n < 20 { 2 } else { 4 }, signed: false, float: false, text: true, big }
            }
            _ => return None,
        })
    }
}
