//! The value word: one 64-bit word that is a number, a constant, or a reference.
//!
//! | low bits | meaning                                                       | test                |
//! |----------|---------------------------------------------------------------|---------------------|
//! | `…1`     | int, 63 bits                                                  | `w & 1`             |
//! | `…10`    | float, self-tagged, 62 bits                                   | `w & 3 == 2`        |
//! | `…0000`  | pointer that owns a count                                     | `w & 15 == 0`       |
//! | `…1000`  | pointer without a count: borrowed, immortal or deferred       | `w & 15 == 8`       |
//! | `…0100`  | constant: None, False, True, unbound, null, +0.0, -0.0, …     | `w & 7 == 4`        |
//!
//! The word 0 is never a value: it means "raised" as a result and "empty" in a table.
//!
//! Source: Melançon et al., "Float Self-Tagging" (2024) for the floats; Ruby's flonum.
//! Deviation: the two zeros are constants, since their exponent is outside the tagged range.

use typhon_sync::header::Header;

/// A value word. `Copy`: it says nothing about who owns a count; [`crate::Owned`] and
/// [`crate::Borrowed`] do.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Word(pub u64);

/// The bit that marks a pointer without a count.
pub const UNCOUNTED: u64 = 8;

const fn constant(n: u64) -> Word {
    Word(n << 4 | 4)
}

impl Word {
    /// Not a value: "raised", "empty".
    pub const ZERO: Word = Word(0);
    pub const NONE: Word = constant(0);
    pub const FALSE: Word = constant(1);
    pub const TRUE: Word = constant(2);
    /// An unbound local or an empty slot of an instance.
    pub const UNBOUND: Word = constant(3);
    /// The stack's NULL: "no self", "argument not given".
    pub const NULL: Word = constant(4);
    pub const POS_ZERO: Word = constant(5);
    pub const NEG_ZERO: Word = constant(6);
    pub const NOT_IMPLEMENTED: Word = constant(7);
    pub const ELLIPSIS: Word = constant(8);

    /// Smallest and largest int inside a word.
    pub const INT_MIN: i64 = -(1 << 62);
    pub const INT_MAX: i64 = (1 << 62) - 1;

    #[inline(always)]
    pub const fn bool(b: bool) -> Word {
        if b { Word::TRUE } else { Word::FALSE }
    }

    /// The word of an int, if it fits in 63 bits.
    #[inline(always)]
    pub const fn try_int(v: i64) -> Option<Word> {
        if v >= Self::INT_MIN && v <= Self::INT_MAX { Some(Word((v as u64) << 1 | 1)) } else { None }
    }

    /// The word of an int that is known to fit (lengths, indices, small constants).
    #[inline(always)]
    pub const fn small_int(v: i64) -> Word {
        debug_assert!(v >= Self::INT_MIN && v <= Self::INT_MAX);
        Word((v as u64) << 1 | 1)
    }

    #[inline(always)]
    pub const fn is_int(self) -> bool {
        self.0 & 1 != 0
    }

    #[inline(always)]
    pub const fn both_int(self, other: Word) -> bool {
        self.0 & other.0 & 1 != 0
    }

    /// The int inside; meaningless unless [`Word::is_int`].
    #[inline(always)]
    pub const fn int(self) -> i64 {
        self.0 as i64 >> 1
    }

    /// The word of a float, if it can be self-tagged or is a zero.
    #[inline(always)]
    pub fn try_float(v: f64) -> Option<Word> {
        let bits = v.to_bits();
        let t = bits.wrapping_add(1 << 60).rotate_left(3);
        if t & 3 == 2 {
            Some(Word(t))
        } else if bits << 1 == 0 {
            Some(if bits == 0 { Word::POS_ZERO } else { Word::NEG_ZERO })
        } else {
            None
        }
    }

    /// Self-tagged float (not a zero, not boxed).
    #[inline(always)]
    pub const fn is_tagged_float(self) -> bool {
        self.0 & 3 == 2
    }

    #[inline(always)]
    pub const fn both_tagged_float(self, other: Word) -> bool {
        ((self.0 ^ 2) | (other.0 ^ 2)) & 3 == 0
    }

    /// The float inside; meaningless unless [`Word::is_tagged_float`].
    #[inline(always)]
    pub const fn tagged_float(self) -> f64 {
        f64::from_bits(self.0.rotate_right(3).wrapping_sub(1 << 60))
    }

    /// The float of any word that is a float without a box: tagged, `0.0` or `-0.0`.
    #[inline(always)]
    pub const fn unboxed_float(self) -> Option<f64> {
        if self.is_tagged_float() {
            Some(self.tagged_float())
        } else if self.0 == Word::POS_ZERO.0 {
            Some(0.0)
        } else if self.0 == Word::NEG_ZERO.0 {
            Some(-0.0)
        } else {
            None
        }
    }

    /// Pointer of either sort (never the word 0 in practice; 0 also passes).
    #[inline(always)]
    pub const fn is_ptr(self) -> bool {
        self.0 & 7 == 0
    }

    /// Pointer that owns a count: the only test before a count is touched.
    #[inline(always)]
    pub const fn is_counted(self) -> bool {
        self.0 & 15 == 0
    }

    #[inline(always)]
    pub const fn is_const(self) -> bool {
        self.0 & 7 == 4
    }

    #[inline(always)]
    pub const fn is_bool(self) -> bool {
        self.0 == Word::TRUE.0 || self.0 == Word::FALSE.0
    }

    #[inline(always)]
    pub fn from_ptr(p: *const Header) -> Word {
        Word(p as u64)
    }

    /// The header of a pointer word, whatever its bit 3.
    #[inline(always)]
    pub const fn ptr(self) -> *mut Header {
        (self.0 & !UNCOUNTED) as *mut Header
    }

    /// The same word, marked as not owning a count if it is a pointer.
    #[inline(always)]
    pub const fn uncounted(self) -> Word {
        if self.is_ptr() { Word(self.0 | UNCOUNTED) } else { self }
    }

    /// The word of a pointer whose count was just taken: bit 3 cleared.
    #[inline(always)]
    pub const fn owned_now(self) -> Word {
        Word(self.identity())
    }

    /// The same word with bit 3 of a pointer cleared: what identity compares.
    #[inline(always)]
    pub const fn identity(self) -> u64 {
        if self.0 & 15 == 8 { self.0 & !UNCOUNTED } else { self.0 }
    }

    /// Python's `is`.
    #[inline(always)]
    pub const fn is(self, other: Word) -> bool {
        self.0 == other.0 || self.identity() == other.identity()
    }
}

/// A word that others are compared with: [`Word::is`] in two instructions.
#[derive(Clone, Copy)]
pub struct Wanted {
    word: u64,
    mask: u64,
}

impl Wanted {
    #[inline(always)]
    pub const fn new(w: Word) -> Wanted {
        // What differs from a pointer in bit 3 only is a pointer too.
        Wanted { word: w.0, mask: if w.is_ptr() { !UNCOUNTED } else { !0 } }
    }

    #[inline(always)]
    pub const fn is(self, w: Word) -> bool {
        (w.0 ^ self.word) & self.mask == 0
    }
}

impl core::fmt::Debug for Word {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if self.is_int() {
            return write!(f, "{}", self.int());
        }
        if let Some(v) = self.unboxed_float() {
            return write!(f, "{v:?}");
        }
        match *self {
            Word::NONE => f.write_str("None"),
            Word::TRUE => f.write_str("True"),
            Word::FALSE => f.write_str("False"),
            Word::UNBOUND => f.write_str("<unbound>"),
            Word::NULL => f.write_str("<null>"),
            _ if self.is_ptr() => {
                write!(f, "<{} {:p}>", if self.is_counted() { "ref" } else { "borrow" }, self.ptr())
            }
            _ => write!(f, "<constant {:#x}>", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_round_trip() {
        for v in [1.0, -1.0, 0.5, 3.25e10, -1e-70, 1e76, 0.1, 2.0f64.powi(200)] {
            let w = Word::try_float(v).expect("fits");
            assert!(w.is_tagged_float() && w.tagged_float() == v, "{v}");
        }
        assert_eq!(Word::try_float(0.0), Some(Word::POS_ZERO));
        assert_eq!(Word::try_float(-0.0), Some(Word::NEG_ZERO));
        for v in [f64::INFINITY, f64::NAN, 1e300, 1e-300, f64::MIN_POSITIVE] {
            assert_eq!(Word::try_float(v), None, "{v} is boxed");
        }
    }

    #[test]
    fn wanted_words_are_found_as_by_identity() {
        let words =
            [0x10, 0x18, 0x20, 0x28, 1, 9, 3, 11, 2, 10, Word::NONE.0, Word::FALSE.0, Word::UNBOUND.0]
                .map(Word);
        for a in words {
            for b in words {
                assert_eq!(Wanted::new(a).is(b), a.is(b), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn ints_keep_sign_and_limits() {
        for v in [0, 1, -1, Word::INT_MAX, Word::INT_MIN] {
            assert_eq!(Word::try_int(v).unwrap().int(), v);
        }
        assert_eq!(Word::try_int(Word::INT_MAX + 1), None);
        assert_eq!(Word::try_int(Word::INT_MIN - 1), None);
    }
}
