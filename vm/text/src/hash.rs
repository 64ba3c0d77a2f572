//! Python's hash functions. Equal numbers of different types hash equally, so `int`, `float` and `complex` share
//! reduction modulo the Mersenne prime 2^61 − 1 ("Hashing of numeric types", Python library reference).

use crate::data::StrData;
use crate::float::mantissa_exponent;
use dashu_int::{IBig, Sign};
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

/// `sys.hash_info.modulus`: 2^61 − 1.
pub const MODULUS: u64 = (1 << BITS) - 1;
const BITS: u32 = 61;
/// `sys.hash_info.inf`.
pub const INF: i64 = 314_159;
/// `sys.hash_info.imag`.
pub const IMAG: u64 = 1_000_003;
/// `hash(None)` since Python 3.12.
pub const NONE: i64 = 0xFCA8_6420;

/// Replaces −1, which marks an error in the C API and so is never a hash.
#[inline]
pub fn avoid_error_mark(hash: i64) -> i64 {
    if hash == -1 { -2 } else { hash }
}

/// The key of the string hash; one per runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashKey {
    k0: u64,
    k1: u64,
}

impl HashKey {
    /// A key from 16 random bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> HashKey {
        let value = u128::from_le_bytes(bytes);
        HashKey { k0: value as u64, k1: (value >> 64) as u64 }
    }

    /// The key `PYTHONHASHSEED=seed` selects; 0 disables randomisation. The seed is expanded by the linear
    /// congruential generator CPython documents for it, so hashes agree with CPython's.
    pub fn from_seed(seed: u32) -> HashKey {
        let mut bytes = [0; 16];
        if seed != 0 {
            let mut state = seed;
            for byte in &mut bytes {
                state = state.wrapping_mul(214_013).wrapping_add(2_531_011);
                *byte = (state >> 16) as u8;
            }
        }
        HashKey::from_bytes(bytes)
    }

    /// Hash of a `bytes` object, or of one-byte text. Empty gives 0.
    #[inline]
    pub fn hash_bytes(self, bytes: &[u8]) -> i64 {
        if bytes.is_empty() {
            return 0;
        }
        avoid_error_mark(SipHasher13::new_with_keys(self.k0, self.k1).hash(bytes) as i64)
    }

    /// Hash of a `str`. The view must be canonical (narrowest width), since the hash is over its memory.
    #[inline]
    pub fn hash_str(self, data: StrData<'_>) -> i64 {
        match data {
            StrData::One(s) => self.hash_bytes(s),
            StrData::Two(s) => self.hash_units(s, |unit| unit.to_le_bytes()),
            StrData::Four(s) => self.hash_units(s, |unit| unit.to_le_bytes()),
        }
    }

    fn hash_units<T: Copy, const N: usize>(self, units: &[T], bytes: impl Fn(T) -> [u8; N]) -> i64 {
        if units.is_empty() {
            return 0;
        }
        let mut hasher = SipHasher13::new_with_keys(self.k0, self.k1);
        let mut block = [0u8; 128];
        for chunk in units.chunks(block.len() / N) {
            for (slot, &unit) in block.chunks_exact_mut(N).zip(chunk) {
                slot.copy_from_slice(&bytes(unit));
            }
            hasher.write(&block[..chunk.len() * N]);
        }
        avoid_error_mark(hasher.finish() as i64)
    }
}

/// `hash` of a machine-word integer.
#[inline]
pub fn hash_int(value: i64) -> i64 {
    let magnitude = value.unsigned_abs();
    let reduced = if magnitude < MODULUS { magnitude } else { magnitude % MODULUS };
    avoid_error_mark(if value < 0 { -(reduced as i64) } else { reduced as i64 })
}

/// `hash` of a big integer. Linear in its words.
pub fn hash_bigint(value: &IBig) -> i64 {
    let (sign, words) = value.as_sign_words();
    // Horner's rule with 2^64 ≡ 2^3 modulo 2^61 − 1.
    let reduced = words
        .iter()
        .rev()
        .fold(0u64, |acc, &word| (((u128::from(acc) << 3) + u128::from(word)) % u128::from(MODULUS)) as u64);
    let reduced = reduced as i64;
    avoid_error_mark(if sign == Sign::Negative { -reduced } else { reduced })
}

/// `hash` of a float; `None` for NaN, which hashes by identity ([`hash_pointer`]).
pub fn hash_float(x: f64) -> Option<i64> {
    if x.is_nan() {
        return None;
    }
    if x.is_infinite() {
        return Some(if x > 0.0 { INF } else { -INF });
    }
    if x.abs() < 9.0e15 && x == x.trunc() {
        return Some(hash_int(x as i64));
    }
    let (mantissa, exponent) = mantissa_exponent(x);
    let reduced = rotate(mantissa.unsigned_abs(), exponent) as i64;
    Some(avoid_error_mark(if mantissa < 0 { -reduced } else { reduced }))
}

/// `value × 2^exponent` modulo 2^61 − 1: a rotation of 61 bits.
fn rotate(value: u64, exponent: i32) -> u64 {
    let by = exponent.rem_euclid(BITS as i32) as u32;
    ((value << by) & MODULUS) | (value >> (BITS - by))
}

/// `hash` of a complex number from the hashes of its parts.
#[inline]
pub fn hash_complex(real: i64, imag: i64) -> i64 {
    avoid_error_mark((real as u64).wrapping_add(IMAG.wrapping_mul(imag as u64)) as i64)
}

/// `hash` of an object by its address (or other identity).
#[inline]
pub fn hash_pointer(address: usize) -> i64 {
    avoid_error_mark((address as u64).rotate_right(4) as i64)
}

const PRIME_1: u64 = 11_400_714_785_074_694_791;
const PRIME_2: u64 = 14_029_467_366_897_019_727;
const PRIME_5: u64 = 2_870_177_450_012_600_261;

/// Combines the hashes of a tuple's items in order: xxHash64's accumulator, as CPython since 3.8.
#[derive(Clone, Copy, Debug)]
pub struct TupleHasher(u64);

impl Default for TupleHasher {
    fn default() -> Self {
        TupleHasher::new()
    }
}

impl TupleHasher {
    /// The empty tuple.
    #[inline]
    pub const fn new() -> Self {
        TupleHasher(PRIME_5)
    }

    /// Adds the next item's hash.
    #[inline]
    pub fn add(&mut self, hash: i64) {
        let mixed = self.0.wrapping_add((hash as u64).wrapping_mul(PRIME_2));
        self.0 = mixed.rotate_left(31).wrapping_mul(PRIME_1);
    }

    /// The hash of a tuple of `len` items.
    #[inline]
    pub fn finish(self, len: usize) -> i64 {
        let hash = self.0.wrapping_add(len as u64 ^ (PRIME_5 ^ 3_527_539)) as i64;
        if hash == -1 { 1_546_275_796 } else { hash }
    }
}

/// Combines the hashes of a frozenset's items in any order, as CPython.
#[derive(Clone, Copy, Debug, Default)]
pub struct FrozenSetHasher(u64);

impl FrozenSetHasher {
    /// The empty set.
    #[inline]
    pub const fn new() -> Self {
        FrozenSetHasher(0)
    }

    /// Adds an item's hash.
    #[inline]
    pub fn add(&mut self, hash: i64) {
        let hash = hash as u64;
        self.0 ^= (hash ^ 89_869_747 ^ (hash << 16)).wrapping_mul(3_644_798_167);
    }

    /// The hash of a frozenset of `len` items.
    pub fn finish(self, len: usize) -> i64 {
        let mut hash = self.0 ^ (len as u64 + 1).wrapping_mul(1_927_868_237);
        hash ^= (hash >> 11) ^ (hash >> 25);
        let hash = hash.wrapping_mul(69_069).wrapping_add(907_133_923) as i64;
        if hash == -1 { 590_923_713 } else { hash }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_match_cpython() {
        let zero = HashKey::from_seed(0);
        assert_eq!(zero.hash_bytes(b"abc"), -4594863902769663758);
        assert_eq!(zero.hash_bytes(b"hello"), -2096571579003691106);
        assert_eq!(zero.hash_str(StrData::Two(&[0x20AC])), -5529981157763016009);
        assert_eq!(zero.hash_str(StrData::Four(&[0x1F600, 0x78])), -8926728262118538918);
        let one = HashKey::from_seed(1);
        assert_eq!(one.hash_bytes(b"abc"), -4667308735975688587);
        assert_eq!(one.hash_bytes(b"a"), -3012895188637184397);
        assert_eq!(one.hash_bytes(b"hello world, how are you"), -5801216790413777708);
        assert_eq!(one.hash_bytes(b""), 0);
    }

    #[test]
    fn long_wide_text_hashes_as_one_run() {
        let units: Vec<u16> = (0..500).map(|i| 0x400 + i).collect();
        let bytes: Vec<u8> = units.iter().flat_map(|u| u.to_le_bytes()).collect();
        let key = HashKey::from_seed(7);
        assert_eq!(key.hash_str(StrData::Two(&units)), key.hash_bytes(&bytes));
    }

    #[test]
    fn numbers_match_cpython() {
        assert_eq!(hash_float(1.5), Some(1152921504606846977));
        assert_eq!(hash_float(-0.0), Some(0));
        assert_eq!(hash_float(3.14), Some(322818021289917443));
        assert_eq!(hash_float(1e300), Some(1224995262755759164));
        assert_eq!(hash_float(5e-324), Some(16777216));
        assert_eq!(hash_float(-1.0), Some(-2));
        assert_eq!(hash_float(f64::NEG_INFINITY), Some(-314159));
        assert_eq!(hash_float(f64::NAN), None);
        assert_eq!(hash_bigint(&(IBig::from(1) << 100)), 549755813888);
        assert_eq!(hash_bigint(&-(IBig::from(1) << 61)), -2);
        assert_eq!(hash_int(-(1 << 61)), -2);
        assert_eq!(hash_int(-1), -2);
        assert_eq!(hash_int(i64::MIN), -4);
        assert_eq!(hash_complex(1, 2), 2000007);
        let big = IBig::from_str_radix("-819133593650227605172554965563306413926489905846226549948672", 10)
            .unwrap();
        assert_eq!(hash_bigint(&big), -1288201924373825593);
        for v in [0i64, 5, -5, 1 << 61, i64::MAX, i64::MIN, (1 << 61) - 1] {
            assert_eq!(hash_int(v), hash_bigint(&IBig::from(v)));
        }
        assert_eq!(hash_float(9.0e15), Some(hash_int(9_000_000_000_000_000)));
    }

    #[test]
    fn containers_match_cpython() {
        let tuple = |items: &[i64]| {
            let mut h = TupleHasher::new();
            items.iter().for_each(|&i| h.add(hash_int(i)));
            h.finish(items.len())
        };
        assert_eq!(tuple(&[1, 2, 3]), 529344067295497451);
        assert_eq!(tuple(&[]), 5740354900026072187);
        assert_eq!(tuple(&[-1]), 8078679518589016365);
        let mut set = FrozenSetHasher::new();
        [3, 1, 2].iter().for_each(|&i| set.add(hash_int(i)));
        assert_eq!(set.finish(3), -272375401224217160);
        assert_eq!(FrozenSetHasher::new().finish(0), 133146708735736);
    }
}
