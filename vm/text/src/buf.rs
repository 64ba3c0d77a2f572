//! Owned text under construction: starts as ASCII bytes and widens when a code point demands it.

use crate::data::{StrData, Unit};
use std::fmt;

/// The finished storage of a [`StrBuf`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StrUnits {
    /// Latin-1.
    One(Vec<u8>),
    /// Up to U+FFFF.
    Two(Vec<u16>),
    /// Up to U+10FFFF.
    Four(Vec<u32>),
}

/// A growing Python string. Invariant: the width is the narrowest that holds everything pushed so far, so a
/// buffer that was only appended to is canonical in the sense of PEP 393.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrBuf {
    units: StrUnits,
    ascii: bool,
}

impl Default for StrBuf {
    fn default() -> Self {
        StrBuf::new()
    }
}

fn widen<A: Unit, B: Unit>(from: &[A], extra: usize) -> Vec<B> {
    let mut out = Vec::with_capacity((from.len() + extra).max(from.len() * 2));
    out.extend(from.iter().filter_map(|&u| B::from_point(u.into())));
    out
}

/// Appends UTF-8 known to hold only code points up to U+00FF.
fn extend_latin1(out: &mut Vec<u8>, utf8: &[u8], count: usize) {
    out.reserve(count);
    let mut at = 0;
    while at < utf8.len() {
        let run = crate::codecs::single_byte::ascii_prefix(&utf8[at..]);
        out.extend_from_slice(&utf8[at..at + run]);
        at += run;
        while let Some(&[lead @ 0xC2..=0xC3, trail]) = utf8.get(at..at + 2) {
            out.push(lead << 6 | trail & 0x3F);
            at += 2;
        }
    }
}

impl StrBuf {
    /// An empty buffer; allocates nothing.
    #[inline]
    pub const fn new() -> Self {
        StrBuf { units: StrUnits::One(Vec::new()), ascii: true }
    }

    /// An empty buffer with room for `n` one-byte code points.
    #[inline]
    pub fn with_capacity(n: usize) -> Self {
        StrBuf { units: StrUnits::One(Vec::with_capacity(n)), ascii: true }
    }

    /// An empty buffer with room for `n` code points up to `max_char`. Wide buffers made this way are
    /// canonical only if such a code point is in fact pushed.
    pub fn with_capacity_for(n: usize, max_char: u32) -> Self {
        let units = match max_char {
            0..=0xFF => StrUnits::One(Vec::with_capacity(n)),
            0x100..=0xFFFF => StrUnits::Two(Vec::with_capacity(n)),
            _ => StrUnits::Four(Vec::with_capacity(n)),
        };
        StrBuf { units, ascii: max_char < 0x80 }
    }

    /// Takes over bytes known to be ASCII. Checked in debug builds only.
    #[inline]
    pub fn from_ascii(bytes: Vec<u8>) -> Self {
        debug_assert!(bytes.is_ascii());
        StrBuf { units: StrUnits::One(bytes), ascii: true }
    }

    /// Takes over Latin-1 bytes.
    pub fn from_latin1(bytes: Vec<u8>) -> Self {
        let ascii = bytes.is_ascii();
        StrBuf { units: StrUnits::One(bytes), ascii }
    }

    /// Number of code points.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.units {
            StrUnits::One(v) => v.len(),
            StrUnits::Two(v) => v.len(),
            StrUnits::Four(v) => v.len(),
        }
    }

    /// Whether nothing was pushed.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether every code point is below 128.
    #[inline]
    pub fn is_ascii(&self) -> bool {
        self.ascii
    }

    /// A view of what is there.
    #[inline]
    pub fn data(&self) -> StrData<'_> {
        match &self.units {
            StrUnits::One(v) => StrData::One(v),
            StrUnits::Two(v) => StrData::Two(v),
            StrUnits::Four(v) => StrData::Four(v),
        }
    }

    /// The storage and whether it is ASCII.
    #[inline]
    pub fn into_parts(self) -> (StrUnits, bool) {
        (self.units, self.ascii)
    }

    /// The bytes of an ASCII buffer, else the buffer back.
    pub fn into_ascii_bytes(self) -> Result<Vec<u8>, StrBuf> {
        match self.units {
            StrUnits::One(v) if self.ascii => Ok(v),
            units => Err(StrBuf { units, ascii: self.ascii }),
        }
    }

    /// The bytes of a one-byte buffer, else the buffer back.
    pub fn into_latin1_bytes(self) -> Result<Vec<u8>, StrBuf> {
        match self.units {
            StrUnits::One(v) => Ok(v),
            units => Err(StrBuf { units, ascii: self.ascii }),
        }
    }

    /// Reserves room for `n` more code points at the present width.
    pub fn reserve(&mut self, n: usize) {
        match &mut self.units {
            StrUnits::One(v) => v.reserve(n),
            StrUnits::Two(v) => v.reserve(n),
            StrUnits::Four(v) => v.reserve(n),
        }
    }

    /// Forgets the content, keeps one-byte storage.
    pub fn clear(&mut self) {
        self.ascii = true;
        match &mut self.units {
            StrUnits::One(v) => v.clear(),
            units => *units = StrUnits::One(Vec::new()),
        }
    }

    fn widen_for(&mut self, max: u32, extra: usize) {
        match &self.units {
            StrUnits::One(v) if max > 0xFFFF => self.units = StrUnits::Four(widen(v, extra)),
            StrUnits::One(v) if max > 0xFF => self.units = StrUnits::Two(widen(v, extra)),
            StrUnits::Two(v) if max > 0xFFFF => self.units = StrUnits::Four(widen(v, extra)),
            _ => {}
        }
        self.ascii &= max < 0x80;
    }

    /// Appends a code point (lone surrogates included). `point` must be at most U+10FFFF.
    #[inline]
    pub fn push(&mut self, point: u32) {
        match &mut self.units {
            StrUnits::One(v) if point < 0x80 => v.push(point as u8),
            _ => self.push_wide(point),
        }
    }

    fn push_wide(&mut self, point: u32) {
        debug_assert!(point <= 0x10_FFFF);
        self.widen_for(point, 1);
        match &mut self.units {
            StrUnits::One(v) => v.push(point as u8),
            StrUnits::Two(v) => v.push(point as u16),
            StrUnits::Four(v) => v.push(point),
        }
    }

    /// Appends a `char`.
    #[inline]
    pub fn push_char(&mut self, c: char) {
        self.push(c.into());
    }

    /// Appends `n` copies of `point`.
    pub fn push_repeated(&mut self, point: u32, n: usize) {
        if n == 0 {
            return;
        }
        self.widen_for(point, n);
        match &mut self.units {
            StrUnits::One(v) => v.resize(v.len() + n, point as u8),
            StrUnits::Two(v) => v.resize(v.len() + n, point as u16),
            StrUnits::Four(v) => v.resize(v.len() + n, point),
        }
    }

    /// Appends bytes known to be ASCII. Checked in debug builds only.
    #[inline]
    pub fn push_ascii(&mut self, bytes: &[u8]) {
        debug_assert!(bytes.is_ascii());
        match &mut self.units {
            StrUnits::One(v) => v.extend_from_slice(bytes),
            StrUnits::Two(v) => v.extend(bytes.iter().map(|&b| u16::from(b))),
            StrUnits::Four(v) => v.extend(bytes.iter().map(|&b| u32::from(b))),
        }
    }

    /// Appends UTF-8 text. Two passes: one finds the width, one converts.
    pub fn push_str(&mut self, text: &str) {
        let bytes = text.as_bytes();
        // Lead bytes tell the largest class: C2 and C3 begin Latin-1, F0 and up begin what is beyond the BMP.
        let lead = bytes.iter().fold(0, |top, &b| top.max(b));
        if lead < 0x80 {
            return self.push_ascii(bytes);
        }
        let count = bytes.iter().filter(|&&b| b & 0xC0 != 0x80).count();
        let max = match lead {
            0xF0.. => 0x10_FFFF,
            0xC4.. => 0xFFFF,
            _ => 0xFF,
        };
        self.widen_for(max, count);
        let points = text.chars().map(u32::from);
        match &mut self.units {
            StrUnits::One(v) => extend_latin1(v, bytes, count),
            StrUnits::Two(v) => {
                v.reserve(count);
                v.extend(points.map(|p| p as u16));
            }
            StrUnits::Four(v) => {
                v.reserve(count);
                v.extend(points);
            }
        }
    }

    /// Appends other text; widens only as far as its content needs.
    pub fn push_data(&mut self, data: StrData<'_>) {
        match (&mut self.units, data) {
            (StrUnits::One(v), StrData::One(s)) => {
                v.extend_from_slice(s);
                self.ascii = self.ascii && s.is_ascii();
            }
            (StrUnits::Two(v), StrData::One(s)) => v.extend(s.iter().map(|&u| u16::from(u))),
            (StrUnits::Two(v), StrData::Two(s)) => v.extend_from_slice(s),
            (StrUnits::Four(v), StrData::One(s)) => v.extend(s.iter().map(|&u| u32::from(u))),
            (StrUnits::Four(v), StrData::Two(s)) => v.extend(s.iter().map(|&u| u32::from(u))),
            (StrUnits::Four(v), StrData::Four(s)) => v.extend_from_slice(s),
            (_, wider) => {
                self.widen_for(wider.max_char(), wider.len());
                match (&mut self.units, wider) {
                    (StrUnits::One(v), StrData::Two(s)) => v.extend(s.iter().map(|&u| u as u8)),
                    (StrUnits::One(v), StrData::Four(s)) => v.extend(s.iter().map(|&u| u as u8)),
                    (StrUnits::Two(v), StrData::Two(s)) => v.extend_from_slice(s),
                    (StrUnits::Two(v), StrData::Four(s)) => v.extend(s.iter().map(|&u| u as u16)),
                    (StrUnits::Four(v), StrData::Two(s)) => v.extend(s.iter().map(|&u| u32::from(u))),
                    (StrUnits::Four(v), StrData::Four(s)) => v.extend_from_slice(s),
                    (_, StrData::One(_)) => unreachable!("one-byte data never widens"),
                }
            }
        }
    }

    /// Appends a decimal integer.
    pub fn push_int(&mut self, value: i64) {
        let mut buffer = crate::int::DecimalBuffer::new();
        self.push_ascii(buffer.format(value));
    }

    /// Gives `f` the byte vector to append ASCII to directly: the route for formatters of numbers.
    pub fn extend_ascii<R>(&mut self, f: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        if let StrUnits::One(v) = &mut self.units {
            return f(v);
        }
        let mut bytes = Vec::new();
        let result = f(&mut bytes);
        self.push_ascii(&bytes);
        result
    }
}

impl fmt::Write for StrBuf {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.push_str(s);
        Ok(())
    }
}

impl From<&str> for StrBuf {
    fn from(text: &str) -> Self {
        let mut buf = StrBuf::with_capacity(text.len());
        buf.push_str(text);
        buf
    }
}

impl From<StrData<'_>> for StrBuf {
    /// Copies, narrowing to the canonical width.
    fn from(data: StrData<'_>) -> Self {
        let mut buf = StrBuf::with_capacity(if data.width() == 1 { data.len() } else { 0 });
        buf.push_data(data);
        buf
    }
}

impl PartialEq<&str> for StrBuf {
    fn eq(&self, other: &&str) -> bool {
        self.data().iter().eq(other.chars().map(u32::from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widens_on_demand_and_stays_minimal() {
        let mut b = StrBuf::new();
        b.push_str("abc");
        assert!(b.is_ascii());
        b.push(0xE9);
        assert!(!b.is_ascii());
        assert!(matches!(b.data(), StrData::One(_)));
        b.push_data(StrData::Four(&[0x20, 0x7F]));
        assert!(matches!(b.data(), StrData::One(_)));
        b.push(0x20AC);
        assert!(matches!(b.data(), StrData::Two(_)));
        b.push_data(StrData::Four(&[0xD800, 0x1F600]));
        assert!(matches!(b.data(), StrData::Four(_)));
        b.push_data(StrData::Two(&[0x21]));
        b.push_ascii(b"!");
        b.push_int(-12);
        let points: Vec<u32> = b.data().iter().collect();
        assert_eq!(
            points,
            [97, 98, 99, 0xE9, 0x20, 0x7F, 0x20AC, 0xD800, 0x1F600, 0x21, 0x21, 0x2D, 0x31, 0x32]
        );
    }

    #[test]
    fn slices_of_wide_text_narrow() {
        let b = StrBuf::from(StrData::Four(&[65, 66]));
        assert!(b.is_ascii());
        assert_eq!(b.into_ascii_bytes().unwrap(), b"AB");
    }
}
