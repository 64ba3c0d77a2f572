//! Format strings of the `struct` module: layout, and conversion of single values.

use crate::codecs::ByteOrder;
use crate::error::{ErrorKind, TextError};
use crate::int::IntRef;

/// What one format character stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `x`: a pad byte, no value.
    Pad,
    /// `c`: a bytes object of length 1.
    Char,
    /// `b h i l q n`
    Signed,
    /// `B H I L Q N P`
    Unsigned,
    /// `?`
    Bool,
    /// `e f d`
    Float,
    /// `F D`: two floats.
    Complex,
    /// `s`: a fixed number of bytes, one value.
    Bytes,
    /// `p`: a length byte and a fixed number of bytes, one value.
    Pascal,
}

/// A run of equal fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// The format character.
    pub code: u8,
    /// What it stands for.
    pub kind: Kind,
    /// Offset of the first field in bytes.
    pub offset: usize,
    /// Bytes per field; for `s` and `p` the whole length.
    pub size: usize,
    /// Number of fields, each with a value unless [`Kind::Pad`].
    pub count: usize,
}

/// A parsed format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Byte order of every field.
    pub order: ByteOrder,
    /// Whether sizes and alignment are the machine's (`@`).
    pub native: bool,
    /// Total bytes.
    pub size: usize,
    /// Number of values packed or unpacked.
    pub values: usize,
    /// The fields in order; pad bytes that only align are gaps between them.
    pub items: Vec<Item>,
}

fn error(message: impl Into<std::borrow::Cow<'static, str>>) -> TextError {
    TextError::new(ErrorKind::Struct, message)
}

/// Kind and size of a format character; alignment equals size in native mode.
fn describe(code: u8, native: bool) -> Option<(Kind, usize)> {
    let long = if native { size_of::<std::ffi::c_long>() } else { 4 };
    Some(match code {
        b'x' => (Kind::Pad, 1),
        b'c' => (Kind::Char, 1),
        b'b' => (Kind::Signed, 1),
        b'B' => (Kind::Unsigned, 1),
        b'?' => (Kind::Bool, 1),
        b'h' => (Kind::Signed, 2),
        b'H' => (Kind::Unsigned, 2),
        b'i' => (Kind::Signed, 4),
        b'I' => (Kind::Unsigned, 4),
        b'l' => (Kind::Signed, long),
        b'L' => (Kind::Unsigned, long),
        b'q' => (Kind::Signed, 8),
        b'Q' => (Kind::Unsigned, 8),
        b'n' if native => (Kind::Signed, size_of::<isize>()),
        b'N' | b'P' if native => (Kind::Unsigned, size_of::<usize>()),
        b'e' => (Kind::Float, 2),
        b'f' => (Kind::Float, 4),
        b'd' => (Kind::Float, 8),
        b'F' => (Kind::Complex, 8),
        b'D' => (Kind::Complex, 16),
        b's' => (Kind::Bytes, 1),
        b'p' => (Kind::Pascal, 1),
        _ => return None,
    })
}

impl Layout {
    /// Parses an ASCII format string.
    pub fn parse(format: &[u8]) -> Result<Layout, TextError> {
        let (order, native, format) = match format {
            [b'@', rest @ ..] => (ByteOrder::NATIVE, true, rest),
            [b'=', rest @ ..] => (ByteOrder::NATIVE, false, rest),
            [b'<', rest @ ..] => (ByteOrder::Little, false, rest),
            [b'>' | b'!', rest @ ..] => (ByteOrder::Big, false, rest),
            _ => (ByteOrder::NATIVE, true, format),
        };
        let mut layout = Layout { order, native, size: 0, values: 0, items: Vec::new() };
        let mut at = 0;
        while let Some(&byte) = format.get(at) {
            at += 1;
            if crate::search::is_byte_space(byte) {
                continue;
            }
            let mut code = byte;
            let mut count = None;
            if byte.is_ascii_digit() {
                let mut value = usize::from(byte - b'0');
                loop {
                    let next = *format
                        .get(at)
                        .ok_or_else(|| error("repeat count given without format specifier"))?;
                    at += 1;
                    if !next.is_ascii_digit() {
                        code = next;
                        break;
                    }
                    value = value
                        .checked_mul(10)
                        .and_then(|v| v.checked_add(usize::from(next - b'0')))
                        .filter(|&v| isize::try_from(v).is_ok())
                        .ok_or_else(|| error("total struct size too long"))?;
                }
                count = Some(value);
            }
            layout.add(code, count.unwrap_or(1))?;
        }
        Ok(layout)
    }

    fn add(&mut self, code: u8, count: usize) -> Result<(), TextError> {
        let too_long = || error("total struct size too long");
        let (kind, unit) = describe(code, self.native).ok_or_else(|| error("bad char in struct format"))?;
        let align = match kind {
            Kind::Complex => unit / 2,
            _ => unit,
        };
        let offset = if self.native { self.size.next_multiple_of(align) } else { self.size };
        let bytes = unit.checked_mul(count).ok_or_else(too_long)?;
        self.size =
            offset.checked_add(bytes).filter(|&size| isize::try_from(size).is_ok()).ok_or_else(too_long)?;
        let item = match kind {
            Kind::Bytes | Kind::Pascal => Item { code, kind, offset, size: count, count: 1 },
            _ => Item { code, kind, offset, size: unit, count },
        };
        if kind != Kind::Pad {
            self.values += item.count;
        }
        if item.count > 0 {
            self.items.push(item);
        }
        Ok(())
    }
}

fn read_word(field: &[u8], order: ByteOrder) -> u64 {
    let mut bytes = [0; 8];
    match order {
        ByteOrder::Little => {
            bytes[..field.len()].copy_from_slice(field);
            u64::from_le_bytes(bytes)
        }
        ByteOrder::Big => {
            bytes[8 - field.len()..].copy_from_slice(field);
            u64::from_be_bytes(bytes)
        }
    }
}

fn write_word(value: u64, field: &mut [u8], order: ByteOrder) {
    let n = field.len();
    match order {
        ByteOrder::Little => field.copy_from_slice(&value.to_le_bytes()[..n]),
        ByteOrder::Big => field.copy_from_slice(&value.to_be_bytes()[8 - n..]),
    }
}

/// Reads a signed field of 1 to 8 bytes.
pub fn read_signed(field: &[u8], order: ByteOrder) -> i64 {
    let unused = 64 - 8 * field.len() as u32;
    ((read_word(field, order) << unused) as i64) >> unused
}

/// Reads an unsigned field of 1 to 8 bytes.
pub fn read_unsigned(field: &[u8], order: ByteOrder) -> u64 {
    read_word(field, order)
}

/// Writes an integer into the field of `item`, with CPython's range errors.
pub fn write_int(
    value: IntRef<'_>,
    item: &Item,
    field: &mut [u8],
    order: ByteOrder,
) -> Result<(), TextError> {
    let bits = 8 * item.size as u32;
    let wide = match value {
        IntRef::Small(v) => Some(i128::from(v)),
        IntRef::Big(v) => i128::try_from(v).ok(),
    };
    let (low, high) = match item.kind {
        Kind::Signed => (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1),
        _ => (0, (1i128 << bits) - 1),
    };
    let pointer = item.code == b'P';
    let accepted = if pointer { -(1i128 << (bits - 1))..=high } else { low..=high };
    match wide {
        Some(v) if accepted.contains(&v) => {
            write_word(v as u64, field, order);
            Ok(())
        }
        _ if pointer => Err(error("int too large to convert")),
        _ => Err(error(format!("'{}' format requires {low} <= number <= {high}", char::from(item.code)))),
    }
}

/// Reads a float field of 2, 4 or 8 bytes.
pub fn read_float(field: &[u8], order: ByteOrder) -> f64 {
    let word = read_word(field, order);
    match field.len() {
        2 => f64_from_half(word as u16),
        4 => f32::from_bits(word as u32).into(),
        _ => f64::from_bits(word),
    }
}

/// Writes a float field of 2, 4 or 8 bytes. In native mode (`checked` false) an `f` too large becomes infinite, else it
/// is an `OverflowError`; `e` always checks.
pub fn write_float(x: f64, field: &mut [u8], order: ByteOrder, checked: bool) -> Result<(), TextError> {
    let word = match field.len() {
        2 => half_from_f64(x)
            .ok_or_else(|| TextError::overflow("float too large to pack with e format"))?
            .into(),
        4 => {
            let single = x as f32;
            if checked && single.is_infinite() && x.is_finite() {
                return Err(TextError::overflow("float too large to pack with f format"));
            }
            single.to_bits().into()
        }
        _ => x.to_bits(),
    };
    write_word(word, field, order);
    Ok(())
}

/// An IEEE 754 half as a double, exactly.
pub fn f64_from_half(half: u16) -> f64 {
    let sign = if half & 0x8000 == 0 { 1.0 } else { -1.0 };
    let fraction = f64::from(half & 0x3FF);
    sign * match half >> 10 & 0x1F {
        0 => fraction * 2f64.powi(-24),
        0x1F if fraction == 0.0 => f64::INFINITY,
        0x1F => f64::NAN,
        exponent => (1024.0 + fraction) * 2f64.powi(i32::from(exponent) - 25),
    }
}

/// The half nearest to `x`, ties to even; `None` when a finite `x` is too large.
pub fn half_from_f64(x: f64) -> Option<u16> {
    let sign = if x.is_sign_negative() { 0x8000 } else { 0 };
    let magnitude = x.abs();
    if magnitude.is_nan() {
        return Some(sign | 0x7E00);
    }
    if magnitude.is_infinite() {
        return Some(sign | 0x7C00);
    }
    let exponent = ((magnitude.to_bits() >> 52) as i32 - 1023).max(-14);
    if exponent > 15 {
        return None;
    }
    // In units of the last place of this binade; exact, since scaling by a power of two is.
    let units = (magnitude * 2f64.powi(10 - exponent)).round_ties_even() as u32;
    // Below 1024 units the number is subnormal; 2048 carries into the next binade by plain addition.
    let bits = if units < 1024 { units } else { ((exponent + 15) as u32 - 1) * 1024 + units };
    (bits < 0x7C00).then_some(sign | bits as u16)
}

/// `struct.error` for an argument of the wrong type.
pub fn wrong_type(kind: Kind, code: u8) -> TextError {
    match kind {
        Kind::Char => error("char format requires a bytes object of length 1"),
        Kind::Float => error("required argument is not a float"),
        Kind::Complex => error("required argument is not a complex"),
        Kind::Bytes | Kind::Pascal => {
            error(format!("argument for '{}' must be a bytes object", char::from(code)))
        }
        _ => error("required argument is not an integer"),
    }
}

/// `struct.error` for a wrong number of arguments of `pack` or `pack_into`.
pub fn wrong_count(function: &str, expected: usize, got: usize) -> TextError {
    error(format!("{function} expected {expected} items for packing (got {got})"))
}

/// `struct.error` for a buffer of the wrong size in `unpack`.
pub fn wrong_size(size: usize) -> TextError {
    error(format!("unpack requires a buffer of {size} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dashu_int::IBig;

    fn size(format: &str) -> Result<usize, String> {
        Layout::parse(format.as_bytes()).map(|l| l.size).map_err(|e| e.message.into_owned())
    }

    #[test]
    fn sizes_like_calcsize() {
        for (format, want) in [
            ("", 0),
            ("@", 0),
            ("b", 1),
            ("bi", 8),
            ("ib", 5),
            ("<bi", 5),
            ("=bi", 5),
            ("bq", 16),
            ("qb", 9),
            ("3s", 3),
            ("0s", 0),
            ("p", 1),
            ("5p", 5),
            ("xh", 4),
            ("3xh", 6),
            ("2h", 4),
            ("0i", 0),
            ("b0i", 4),
            ("b0q", 8),
            ("n", 8),
            ("?", 1),
            ("e", 2),
            ("be", 4),
            ("bd", 16),
            ("  i h ", 6),
            ("l", 8),
            ("<l", 4),
            ("bP", 16),
            ("!H", 2),
            ("b2x", 3),
            ("2i3q", 32),
            ("1s1i", 8),
            ("bl", 16),
            ("@b", 1),
        ] {
            assert_eq!(size(format), Ok(want), "{format:?}");
        }
        for (format, message) in [
            ("<n", "bad char in struct format"),
            ("=P", "bad char in struct format"),
            ("z", "bad char in struct format"),
            ("3", "repeat count given without format specifier"),
            ("3 i", "bad char in struct format"),
            ("99999999999999999999b", "total struct size too long"),
            ("b@", "bad char in struct format"),
            ("9223372036854775807i", "total struct size too long"),
            ("i2", "repeat count given without format specifier"),
            ("4611686018427387904h", "total struct size too long"),
        ] {
            assert_eq!(size(format), Err(message.to_owned()), "{format:?}");
        }
        let layout = Layout::parse(b">b3s2h2x").unwrap();
        assert_eq!(layout.values, 4);
        assert_eq!(layout.items[2], Item { code: b'h', kind: Kind::Signed, offset: 4, size: 2, count: 2 });
    }

    fn pack(format: &str, value: i128) -> Result<Vec<u8>, String> {
        let layout = Layout::parse(format.as_bytes()).unwrap();
        let mut field = vec![0; layout.size];
        let big = IBig::from(value);
        let value = i64::try_from(value).map_or(IntRef::Big(&big), IntRef::Small);
        write_int(value, &layout.items[0], &mut field, layout.order).map_err(|e| e.message.into_owned())?;
        Ok(field)
    }

    #[test]
    fn integers_are_range_checked() {
        assert_eq!(pack(">h", -2), Ok(vec![0xFF, 0xFE]));
        assert_eq!(pack("<q", -1 << 63), Ok(vec![0, 0, 0, 0, 0, 0, 0, 0x80]));
        assert_eq!(pack("<Q", (1 << 64) - 1), Ok(vec![0xFF; 8]));
        assert_eq!(pack("P", -1), Ok(vec![0xFF; 8]));
        assert_eq!(pack("b", 128).unwrap_err(), "'b' format requires -128 <= number <= 127");
        assert_eq!(pack("<I", -1).unwrap_err(), "'I' format requires 0 <= number <= 4294967295");
        assert_eq!(
            pack("Q", 1 << 64).unwrap_err(),
            "'Q' format requires 0 <= number <= 18446744073709551615"
        );
        assert_eq!(pack("P", 1 << 64).unwrap_err(), "int too large to convert");
        assert_eq!(read_signed(&[0xFE, 0xFF], ByteOrder::Little), -2);
        assert_eq!(read_signed(&[0x80], ByteOrder::Big), -128);
        assert_eq!(read_unsigned(&[0x80, 0], ByteOrder::Big), 0x8000);
    }

    #[test]
    fn halves_like_python() {
        for (x, half) in [
            (0.0, 0),
            (-0.0, 0x8000),
            (1.0, 0x3C00),
            (-2.0, 0xC000),
            (65504.0, 0x7BFF),
            (65519.99, 0x7BFF),
            (6.103515625e-05, 0x0400),
            (6.097555160522461e-05, 0x03FF),
            (5.960464477539063e-08, 0x0001),
            (2.98023223876953125e-08, 0),
            (2.9802322387695316e-08, 1),
            (0.1, 0x2E66),
            (1.0 / 3.0, 0x3555),
            (2049.0, 0x6800),
            (2051.0, 0x6802),
            (f64::NEG_INFINITY, 0xFC00),
            (1.00048828125, 0x3C00),
            (1.000488281250001, 0x3C01),
            (8.940696716308594e-08, 2),
        ] {
            assert_eq!(half_from_f64(x), Some(half), "{x}");
        }
        assert_eq!(half_from_f64(65520.0), None);
        for half in 0..=0xFFFFu16 {
            let x = f64_from_half(half);
            if !x.is_nan() {
                assert_eq!(half_from_f64(x), Some(half));
            }
        }
    }

    #[test]
    fn floats_overflow_only_where_checked() {
        let mut field = [0; 4];
        assert!(write_float(1e39, &mut field, ByteOrder::Little, true).is_err());
        write_float(1e39, &mut field, ByteOrder::Little, false).unwrap();
        assert_eq!(field, [0, 0, 0x80, 0x7F]);
        write_float(0.5, &mut field, ByteOrder::Big, true).unwrap();
        assert_eq!(read_float(&field, ByteOrder::Big), 0.5);
        assert_eq!(read_float(&[0x3C, 0], ByteOrder::Big), 1.0);
    }
}
