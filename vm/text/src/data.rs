//! Borrowed text: a PEP 393 view of a Python string.

/// A code unit that is a whole code point: `u8` (Latin-1), `u16` (BMP) or `u32`.
pub trait Unit: Copy + Eq + Ord + Into<u32> + 'static {
    /// The largest code point a unit can hold.
    const MAX: u32;
    /// The code point.
    #[inline]
    fn point(self) -> u32 {
        self.into()
    }
    /// Narrows a code point, or `None` when it does not fit.
    fn from_point(point: u32) -> Option<Self>;
    /// Wraps a slice of units into the matching view.
    fn data(units: &[Self]) -> StrData<'_>;
    /// Index of the first occurrence of `self` in `units`.
    fn position(self, units: &[Self]) -> Option<usize> {
        units.iter().position(|&u| u == self)
    }
    /// Index of the last occurrence of `self` in `units`.
    fn last_position(self, units: &[Self]) -> Option<usize> {
        units.iter().rposition(|&u| u == self)
    }
}

impl Unit for u8 {
    const MAX: u32 = 0xFF;
    #[inline]
    fn from_point(point: u32) -> Option<Self> {
        u8::try_from(point).ok()
    }
    #[inline]
    fn data(units: &[Self]) -> StrData<'_> {
        StrData::One(units)
    }
    #[inline]
    fn position(self, units: &[Self]) -> Option<usize> {
        memchr::memchr(self, units)
    }
    #[inline]
    fn last_position(self, units: &[Self]) -> Option<usize> {
        memchr::memrchr(self, units)
    }
}

impl Unit for u16 {
    const MAX: u32 = 0xFFFF;
    #[inline]
    fn from_point(point: u32) -> Option<Self> {
        u16::try_from(point).ok()
    }
    #[inline]
    fn data(units: &[Self]) -> StrData<'_> {
        StrData::Two(units)
    }
}

impl Unit for u32 {
    const MAX: u32 = 0x10_FFFF;
    #[inline]
    fn from_point(point: u32) -> Option<Self> {
        Some(point)
    }
    #[inline]
    fn data(units: &[Self]) -> StrData<'_> {
        StrData::Four(units)
    }
}

/// Text as code points of one width. May hold lone surrogates. A view need not be the narrowest possible:
/// a slice of a wide string stays wide.
#[derive(Clone, Copy, Debug)]
pub enum StrData<'a> {
    /// Latin-1: one byte per code point.
    One(&'a [u8]),
    /// Code points up to U+FFFF, surrogates included.
    Two(&'a [u16]),
    /// Code points up to U+10FFFF.
    Four(&'a [u32]),
}

/// Runs an expression with `$units` bound to the slice inside a [`StrData`], whatever its width.
#[macro_export]
macro_rules! with_units {
    ($data:expr, $units:ident => $body:expr) => {
        match $data {
            $crate::StrData::One($units) => $body,
            $crate::StrData::Two($units) => $body,
            $crate::StrData::Four($units) => $body,
        }
    };
}

impl<'a> StrData<'a> {
    /// The empty text.
    pub const EMPTY: StrData<'static> = StrData::One(&[]);

    /// Number of code points.
    #[inline]
    pub fn len(&self) -> usize {
        with_units!(self, s => s.len())
    }

    /// Whether there are no code points.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes per code point: 1, 2 or 4.
    #[inline]
    pub fn width(&self) -> usize {
        match self {
            StrData::One(_) => 1,
            StrData::Two(_) => 2,
            StrData::Four(_) => 4,
        }
    }

    /// The code point at `index`. Panics when out of range.
    #[inline]
    pub fn get(&self, index: usize) -> u32 {
        match self {
            StrData::One(s) => s[index].into(),
            StrData::Two(s) => s[index].into(),
            StrData::Four(s) => s[index],
        }
    }

    /// Code points `start..end`, at the same width. Panics when out of range.
    #[inline]
    pub fn slice(&self, start: usize, end: usize) -> StrData<'a> {
        match *self {
            StrData::One(s) => StrData::One(&s[start..end]),
            StrData::Two(s) => StrData::Two(&s[start..end]),
            StrData::Four(s) => StrData::Four(&s[start..end]),
        }
    }

    /// Iterates over the code points. Loops that matter should use [`with_units!`](crate::with_units).
    #[inline]
    pub fn iter(&self) -> Iter<'a> {
        Iter { data: *self, front: 0, back: self.len() }
    }

    /// The largest code point, 0 when empty. Linear; stops early once the width's last class is reached.
    pub fn max_char(&self) -> u32 {
        match self {
            StrData::One(s) => s.iter().copied().max().unwrap_or(0).into(),
            StrData::Two(s) => s.iter().copied().max().unwrap_or(0).into(),
            StrData::Four(s) => s.iter().copied().max().unwrap_or(0),
        }
    }

    /// Whether every code point is below 128.
    #[inline]
    pub fn is_ascii(&self) -> bool {
        match self {
            StrData::One(s) => s.is_ascii(),
            StrData::Two(s) => s.iter().fold(0, |a, &u| a | u) < 0x80,
            StrData::Four(s) => s.iter().fold(0, |a, &u| a | u) < 0x80,
        }
    }

    /// The bytes, if this is one-byte data (Latin-1).
    #[inline]
    pub fn as_one(&self) -> Option<&'a [u8]> {
        match *self {
            StrData::One(s) => Some(s),
            _ => None,
        }
    }

    /// Borrows as UTF-8 when the data is one-byte ASCII, else `None`.
    #[inline]
    pub fn as_ascii_str(&self) -> Option<&'a str> {
        match *self {
            StrData::One(s) if s.is_ascii() => std::str::from_utf8(s).ok(),
            _ => None,
        }
    }

    /// Owned UTF-8 with lone surrogates replaced by U+FFFD. For messages and host calls.
    pub fn to_string_lossy(&self) -> String {
        if let Some(s) = self.as_ascii_str() {
            return s.to_owned();
        }
        self.iter().map(|c| char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    }

    /// Equality by code points, across widths.
    pub fn equals(&self, other: StrData<'_>) -> bool {
        if self.len() != other.len() {
            return false;
        }
        match (*self, other) {
            (StrData::One(a), StrData::One(b)) => a == b,
            (StrData::Two(a), StrData::Two(b)) => a == b,
            (StrData::Four(a), StrData::Four(b)) => a == b,
            (a, b) => with_units!(a, x => with_units!(b, y => {
                x.iter().zip(y).all(|(&p, &q)| p.point() == q.point())
            })),
        }
    }

    /// Order by code points, across widths.
    pub fn compare(&self, other: StrData<'_>) -> std::cmp::Ordering {
        match (*self, other) {
            (StrData::One(a), StrData::One(b)) => a.cmp(b),
            (StrData::Two(a), StrData::Two(b)) => a.cmp(b),
            (StrData::Four(a), StrData::Four(b)) => a.cmp(b),
            (a, b) => with_units!(a, x => with_units!(b, y => {
                x.iter().map(|p| p.point()).cmp(y.iter().map(|q| q.point()))
            })),
        }
    }
}

/// Code points of a [`StrData`], from either end.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    data: StrData<'a>,
    front: usize,
    back: usize,
}

impl Iterator for Iter<'_> {
    type Item = u32;
    #[inline]
    fn next(&mut self) -> Option<u32> {
        if self.front == self.back {
            return None;
        }
        let point = self.data.get(self.front);
        self.front += 1;
        Some(point)
    }
    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let n = self.back - self.front;
        (n, Some(n))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<u32> {
        if self.front == self.back {
            return None;
        }
        self.back -= 1;
        Some(self.data.get(self.back))
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl<'a> IntoIterator for StrData<'a> {
    type Item = u32;
    type IntoIter = Iter<'a>;
    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cmp::Ordering;

    #[test]
    fn widths_compare_by_code_point() {
        let one = StrData::One(b"abc");
        let two = StrData::Two(&[97, 98, 99]);
        let four = StrData::Four(&[97, 98, 0x1F600]);
        assert!(one.equals(two));
        assert!(!one.equals(four));
        assert_eq!(two.compare(four), Ordering::Less);
        assert_eq!(four.max_char(), 0x1F600);
        assert_eq!(four.slice(0, 2).max_char(), 98);
        assert_eq!(one.iter().rev().collect::<Vec<_>>(), [99, 98, 97]);
    }

    #[test]
    fn surrogates_become_replacements_in_lossy_text() {
        assert_eq!(StrData::Two(&[0xD800, 65]).to_string_lossy(), "\u{FFFD}A");
        assert_eq!(StrData::One(&[0xE9]).to_string_lossy(), "é");
    }
}
