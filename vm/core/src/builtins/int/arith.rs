//! Arithmetic of ints: machine words first, big integers where they overflow.

use core::cmp::Ordering;

use dashu_int::fast_div::ConstDivisor;
use dashu_int::ops::{BitTest, DivRem};
use dashu_int::{IBig, Sign, UBig};
use typhon_text::int::bit_len;

use super::{BigInt, IntRef};
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::CompareOp;
use crate::thread::Thread;
use crate::word::Word;

/// Results beyond this many bits (8 GiB) raise MemoryError instead of being tried.
const MAX_BITS: u64 = 1 << 36;

/// Runs `f` on the value as a big integer; a small one is converted on the stack.
#[inline]
pub(crate) fn with_big<R>(v: IntRef<'_>, f: impl FnOnce(&IBig) -> R) -> R {
    match v {
        IntRef::Small(i) => f(&IBig::from(i)),
        IntRef::Big(b) => f(b),
    }
}

#[inline]
fn on_bigs<R>(a: IntRef<'_>, b: IntRef<'_>, f: impl FnOnce(&IBig, &IBig) -> R) -> R {
    with_big(a, |a| with_big(b, |b| f(a, b)))
}

/// Both operands as ints, for a caller that knows they are.
#[inline(always)]
fn ints<'a>(a: Borrowed<'a>, b: Borrowed<'a>) -> (IntRef<'a>, IntRef<'a>) {
    match (a.as_int(), b.as_int()) {
        (Some(a), Some(b)) => (a, b),
        _ => unreachable!("operands are ints"),
    }
}

#[cold]
fn zero_division(th: &mut Thread) -> crate::Raised {
    th.zero_division_error("division by zero")
}

fn add(th: &mut Thread, a: IntRef<'_>, b: IntRef<'_>) -> PyResult {
    if let (IntRef::Small(x), IntRef::Small(y)) = (a, b)
        && let Some(v) = x.checked_add(y)
    {
        return Ok(th.new_int(v));
    }
    let v = on_bigs(a, b, |a, b| a + b);
    Ok(th.new_big(v))
}

fn subtract(th: &mut Thread, a: IntRef<'_>, b: IntRef<'_>) -> PyResult {
    if let (IntRef::Small(x), IntRef::Small(y)) = (a, b)
        && let Some(v) = x.checked_sub(y)
    {
        return Ok(th.new_int(v));
    }
    let v = on_bigs(a, b, |a, b| a - b);
    Ok(th.new_big(v))
}

fn multiply(th: &mut Thread, a: IntRef<'_>, b: IntRef<'_>) -> PyResult {
    if let (IntRef::Small(x), IntRef::Small(y)) = (a, b) {
        let v = i128::from(x) * i128::from(y);
        return Ok(match i64::try_from(v) {
            Ok(v) => th.new_int(v),
            Err(_) => th.new_big(IBig::from(v)),
        });
    }
    let v = on_bigs(a, b, |a, b| if core::ptr::eq(a, b) { a.sqr().into() } else { a * b });
    Ok(th.new_big(v))
}

/// Floor division of words; `None` when the divisor is zero or the quotient does not fit.
#[inline(always)]
fn small_divmod(x: i64, y: i64) -> Option<(i64, i64)> {
    let q = x.checked_div(y)?;
    let r = x - q * y;
    Some(if r != 0 && (r ^ y) < 0 { (q - 1, r + y) } else { (q, r) })
}

fn big_divmod(a: &IBig, b: &IBig) -> (IBig, IBig) {
    let (q, r) = a.div_rem(b);
    if !r.is_zero() && r.sign() != b.sign() { (q - IBig::ONE, r + b) } else { (q, r) }
}

fn is_zero(v: IntRef<'_>) -> bool {
    matches!(v, IntRef::Small(0))
}

fn floor_divide(th: &mut Thread, a: IntRef<'_>, b: IntRef<'_>) -> PyResult {
    if let (IntRef::Small(x), IntRef::Small(y)) = (a, b)
        && let Some((q, _)) = small_divmod(x, y)
    {
        return Ok(th.new_int(q));
    }
    if is_zero(b) {
        return Err(zero_division(th));
    }
    let q = on_bigs(a, b, |a, b| big_divmod(a, b).0);
    Ok(th.new_big(q))
}

fn remainder(th: &mut Thread, a: IntRef<'_>, b: IntRef<'_>) -> PyResult {
    if let (IntRef::Small(x), IntRef::Small(y)) = (a, b)
        && let Some((_, r)) = small_divmod(x, y)
    {
        return Ok(th.new_int(r));
    }
    if is_zero(b) {
        return Err(zero_division(th));
    }
    let r = on_bigs(a, b, |a, b| {
        let r = a % b;
        if !r.is_zero() && r.sign() != b.sign() { r + b } else { r }
    });
    Ok(th.new_big(r))
}

fn divmod(th: &mut Thread, a: IntRef<'_>, b: IntRef<'_>) -> PyResult {
    if let (IntRef::Small(x), IntRef::Small(y)) = (a, b)
        && let Some((q, r)) = small_divmod(x, y)
    {
        let pair = vec![th.new_int(q), th.new_int(r)];
        return Ok(th.new_tuple(pair));
    }
    if is_zero(b) {
        return Err(zero_division(th));
    }
    let (q, r) = on_bigs(a, b, big_divmod);
    let pair = vec![th.new_big(q), th.new_big(r)];
    Ok(th.new_tuple(pair))
}

fn true_divide(th: &mut Thread, a: IntRef<'_>, b: IntRef<'_>) -> PyResult {
    if is_zero(b) {
        return Err(zero_division(th));
    }
    const EXACT: i64 = 1 << 53;
    if let (IntRef::Small(x), IntRef::Small(y)) = (a, b)
        && (-EXACT..=EXACT).contains(&x)
        && (-EXACT..=EXACT).contains(&y)
    {
        return Ok(th.new_float(x as f64 / y as f64));
    }
    match on_bigs(a, b, divide_to_float) {
        Some(v) => Ok(th.new_float(v)),
        None => Err(th.overflow_error("integer division result too large for a float")),
    }
}

/// The double nearest to `a / b` (ties to even); `None` when it is beyond the largest one.
fn divide_to_float(a: &IBig, b: &IBig) -> Option<f64> {
    if a.is_zero() {
        return Some(if b.sign() == Sign::Negative { -0.0 } else { 0.0 });
    }
    let negative = a.sign() != b.sign();
    let difference = bit_len(a) as i64 - bit_len(b) as i64;
    if difference > 1025 {
        return None;
    }
    // Enough bits for the significand, a rounding bit and a sticky bit; below the smallest exponent
    // fewer, so that the one rounding below happens at the last bit of a subnormal.
    let shift = difference.max(-1080) - 56;
    let (x, y) = (magnitude(a), magnitude(b));
    let (q, r) = if shift >= 0 {
        x.div_rem(y << shift as usize)
    } else {
        (x << shift.unsigned_abs() as usize).div_rem(y)
    };
    let mut q = u64::try_from(&q).unwrap_or(u64::MAX);
    if !r.is_zero() {
        q |= 1;
    }
    let drop = (64 - i64::from(q.leading_zeros()) - 53).max(-1074 - shift).max(0);
    let exponent = shift + drop;
    let mut kept = if drop >= 64 { 0 } else { q >> drop };
    let rest = if drop >= 64 { q } else { q - (kept << drop) };
    let half = if drop == 0 || drop > 64 { u64::MAX } else { 1 << (drop - 1) };
    if rest > half || (rest == half && kept & 1 == 1) {
        kept += 1;
    }
    // Both factors are exact, and so is each step unless the result overflows.
    let scale = |e: i64| f64::from_bits(((e + 1023) as u64) << 52);
    let mut v = kept as f64;
    let mut e = exponent;
    while e < -1022 {
        v *= scale(-500);
        e += 500;
    }
    while e > 1023 {
        v *= scale(1000);
        e -= 1000;
    }
    v *= scale(e);
    if v.is_infinite() { None } else { Some(if negative { -v } else { v }) }
}

fn magnitude(v: &IBig) -> UBig {
    v.clone().into_parts().1
}

fn power(th: &mut Thread, a: IntRef<'_>, b: IntRef<'_>) -> PyResult {
    let exponent = match b {
        _ if b.is_negative() => {
            let (Some(x), Some(y)) = (a.to_f64(), b.to_f64()) else {
                return Err(th.overflow_error("int too large to convert to float"));
            };
            return crate::builtins::float::arith::power(th, x, y);
        }
        IntRef::Small(e) => e as u64,
        IntRef::Big(_) => u64::MAX,
    };
    if let IntRef::Small(x) = a {
        match x {
            _ if exponent == 0 => return Ok(Owned::from_const(Word::small_int(1))),
            0 | 1 => return Ok(Owned::from_const(Word::small_int(x))),
            -1 => {
                let odd = match b {
                    IntRef::Small(e) => e & 1 == 1,
                    IntRef::Big(e) => e.bit(0),
                };
                return Ok(Owned::from_const(Word::small_int(if odd { -1 } else { 1 })));
            }
            2 if exponent < 62 => return Ok(Owned::from_const(Word::small_int(1 << exponent))),
            _ => {
                if exponent < 64
                    && let Some(v) = x.checked_pow(exponent as u32)
                {
                    return Ok(th.new_int(v));
                }
            }
        }
    }
    let v = with_big(a, |a| {
        let bits = (bit_len(a) as u64 - 1).saturating_mul(exponent);
        if bits > MAX_BITS {
            return None;
        }
        if *a == IBig::from(2) {
            Some(IBig::ONE << exponent as usize)
        } else {
            Some(a.pow(exponent as usize))
        }
    });
    match v {
        Some(v) => Ok(th.new_big(v)),
        None => Err(th.raise_empty(&crate::builtins::exceptions::MEMORY_ERROR)),
    }
}

/// `pow(a, b, c)` for ints; the result has the sign of `c`.
fn power_mod(th: &mut Thread, a: IntRef<'_>, b: IntRef<'_>, c: IntRef<'_>) -> PyResult {
    if is_zero(c) {
        return Err(th.value_error("pow() 3rd argument cannot be 0"));
    }
    if let (IntRef::Small(x), IntRef::Small(e), IntRef::Small(m)) = (a, b, c)
        && e >= 0
    {
        let n = m.unsigned_abs();
        let r = small_power_mod(x.rem_euclid_u64(n), e as u64, n);
        let r = if m < 0 && r != 0 { i128::from(r) + i128::from(m) } else { i128::from(r) };
        return Ok(th.new_int(r as i64));
    }
    let modulus = with_big(c, magnitude);
    if modulus.is_one() {
        return Ok(Owned::from_const(Word::small_int(0)));
    }
    let ring = ConstDivisor::new(modulus.clone());
    let mut base = ring.reduce(with_big(a, IBig::clone));
    if b.is_negative() {
        base = match base.inv() {
            Some(inverse) => inverse,
            None => return Err(th.value_error("base is not invertible for the given modulus")),
        };
    }
    let r = IBig::from(base.pow(&with_big(b, magnitude)).residue());
    let r = if c.is_negative() && !r.is_zero() { r - IBig::from(modulus) } else { r };
    Ok(th.new_big(r))
}

trait RemEuclidU64 {
    fn rem_euclid_u64(self, n: u64) -> u64;
}

impl RemEuclidU64 for i64 {
    /// The residue in `0..n`.
    fn rem_euclid_u64(self, n: u64) -> u64 {
        let r = self.unsigned_abs() % n;
        if self < 0 && r != 0 { n - r } else { r }
    }
}

fn small_power_mod(mut base: u64, mut exponent: u64, n: u64) -> u64 {
    let times = |a: u64, b: u64| {
        if n <= 1 << 32 { a * b % n } else { (u128::from(a) * u128::from(b) % u128::from(n)) as u64 }
    };
    let mut r = 1 % n;
    while exponent != 0 {
        if exponent & 1 == 1 {
            r = times(r, base);
        }
        exponent >>= 1;
        if exponent != 0 {
            base = times(base, base);
        }
    }
    r
}

fn lshift(th: &mut Thread, a: IntRef<'_>, b: IntRef<'_>) -> PyResult {
    if b.is_negative() {
        return Err(th.value_error("negative shift count"));
    }
    if is_zero(a) {
        return Ok(Owned::from_const(Word::small_int(0)));
    }
    let IntRef::Small(n) = b else {
        return Err(th.overflow_error("too many digits in integer"));
    };
    if let IntRef::Small(x) = a
        && n < 63
        && (x << n) >> n == x
    {
        return Ok(th.new_int(x << n));
    }
    if n as u64 > MAX_BITS {
        return Err(th.raise_empty(&crate::builtins::exceptions::MEMORY_ERROR));
    }
    let v = with_big(a, |a| a << n as usize);
    Ok(th.new_big(v))
}

fn rshift(th: &mut Thread, a: IntRef<'_>, b: IntRef<'_>) -> PyResult {
    if b.is_negative() {
        return Err(th.value_error("negative shift count"));
    }
    let n = match b {
        IntRef::Small(n) => n as usize,
        IntRef::Big(_) => usize::MAX,
    };
    match a {
        IntRef::Small(x) => Ok(th.new_int(x >> n.min(63))),
        IntRef::Big(x) if n >= bit_len(x) => {
            Ok(Owned::from_const(Word::small_int(if x.sign() == Sign::Negative { -1 } else { 0 })))
        }
        IntRef::Big(x) => {
            let v = x >> n;
            Ok(th.new_big(v))
        }
    }
}

fn and(th: &mut Thread, a: IntRef<'_>, b: IntRef<'_>) -> PyResult {
    if let (IntRef::Small(x), IntRef::Small(y)) = (a, b) {
        return Ok(th.new_int(x & y));
    }
    let v = on_bigs(a, b, |a, b| a & b);
    Ok(th.new_big(v))
}

fn or(th: &mut Thread, a: IntRef<'_>, b: IntRef<'_>) -> PyResult {
    if let (IntRef::Small(x), IntRef::Small(y)) = (a, b) {
        return Ok(th.new_int(x | y));
    }
    let v = on_bigs(a, b, |a, b| a | b);
    Ok(th.new_big(v))
}

fn xor(th: &mut Thread, a: IntRef<'_>, b: IntRef<'_>) -> PyResult {
    if let (IntRef::Small(x), IntRef::Small(y)) = (a, b) {
        return Ok(th.new_int(x ^ y));
    }
    let v = on_bigs(a, b, |a, b| a ^ b);
    Ok(th.new_big(v))
}

macro_rules! operators {
    ($($slot:ident $direct:ident $f:ident;)*) => { $(
        pub(in crate::builtins) fn $slot(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
            match (a.as_int(), b.as_int()) {
                (Some(a), Some(b)) => $f(th, a, b),
                _ => Ok(Owned::not_implemented()),
            }
        }
        #[doc = concat!("The operator `", stringify!($f), "` for values known to be ints (of any size).")]
        pub fn $direct(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
            let (a, b) = ints(a, b);
            $f(th, a, b)
        }
    )* };
}

operators! {
    slot_add int_add add;
    slot_subtract int_subtract subtract;
    slot_multiply int_multiply multiply;
    slot_floor_divide int_floor_divide floor_divide;
    slot_remainder int_remainder remainder;
    slot_divmod int_divmod divmod;
    slot_true_divide int_true_divide true_divide;
    slot_power_binary int_power power;
    slot_lshift int_lshift lshift;
    slot_rshift int_rshift rshift;
    slot_and int_and and;
    slot_or int_or or;
    slot_xor int_xor xor;
}

pub(in crate::builtins) fn slot_power(
    th: &mut Thread,
    a: Borrowed<'_>,
    b: Borrowed<'_>,
    c: Borrowed<'_>,
) -> PyResult {
    if c.is_null() || c.is_none() {
        return slot_power_binary(th, a, b);
    }
    match (a.as_int(), b.as_int(), c.as_int()) {
        (Some(a), Some(b), Some(c)) => power_mod(th, a, b, c),
        _ => Ok(Owned::not_implemented()),
    }
}

pub(in crate::builtins) fn slot_negative(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    match super::of(o) {
        IntRef::Small(v) if v != i64::MIN => Ok(th.new_int(-v)),
        v => {
            let v = with_big(v, |v| -v);
            Ok(th.new_big(v))
        }
    }
}

/// `+o`, `int(o)`, `operator.index(o)`: the value as an exact int.
pub(in crate::builtins) fn slot_same(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    if o.word().is_int() || o.downcast_exact::<BigInt>().is_some() {
        return Ok(o.to_owned());
    }
    Ok(super::from_ref(th, super::of(o)))
}

pub(in crate::builtins) fn slot_absolute(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    if super::of(o).is_negative() { slot_negative(th, o) } else { slot_same(th, o) }
}

pub(in crate::builtins) fn slot_invert(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    match super::of(o) {
        IntRef::Small(v) => Ok(th.new_int(!v)),
        IntRef::Big(v) => {
            let v = !v;
            Ok(th.new_big(v))
        }
    }
}

pub(in crate::builtins) fn slot_float(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    match super::of(o).to_f64() {
        Some(v) => Ok(th.new_float(v)),
        None => Err(th.overflow_error("int too large to convert to float")),
    }
}

/// Order of two ints.
#[inline]
pub fn compare_ints(a: IntRef<'_>, b: IntRef<'_>) -> Ordering {
    match (a, b) {
        (IntRef::Small(x), IntRef::Small(y)) => x.cmp(&y),
        (a, b) => on_bigs(a, b, |a, b| a.cmp(b)),
    }
}

/// Exact order of an int and a float; `None` for NaN.
pub fn compare_with_float(a: IntRef<'_>, f: f64) -> Option<Ordering> {
    if f.is_nan() {
        return None;
    }
    if f.is_infinite() {
        return Some(if f > 0.0 { Ordering::Less } else { Ordering::Greater });
    }
    match a {
        IntRef::Small(x) => {
            if (-(1i64 << 53)..=1 << 53).contains(&x) {
                return (x as f64).partial_cmp(&f);
            }
            if f >= 9_223_372_036_854_775_808.0 {
                return Some(Ordering::Less);
            }
            if f < -9_223_372_036_854_775_808.0 {
                return Some(Ordering::Greater);
            }
            // Beyond 2^53 in magnitude a float close enough to matter has no fraction.
            let whole = f.trunc();
            Some(x.cmp(&(whole as i64)).then_with(|| whole.partial_cmp(&f).unwrap_or(Ordering::Equal)))
        }
        IntRef::Big(x) => {
            let negative = x.sign() == Sign::Negative;
            if (f < 0.0) != negative {
                return Some(if negative { Ordering::Less } else { Ordering::Greater });
            }
            match typhon_text::float::to_integer(f) {
                typhon_text::int::Int::Small(_) => {
                    Some(if negative { Ordering::Less } else { Ordering::Greater })
                }
                typhon_text::int::Int::Big(f) => Some(x.cmp(&f)),
            }
        }
    }
}

pub(in crate::builtins) fn slot_compare(
    _th: &mut Thread,
    a: Borrowed<'_>,
    b: Borrowed<'_>,
    op: CompareOp,
) -> PyResult {
    match (a.as_int(), b.as_int()) {
        (Some(a), Some(b)) => Ok(Owned::bool(op.matches(compare_ints(a, b)))),
        _ => Ok(Owned::not_implemented()),
    }
}

/// Not inlined: its address is compared.
#[inline(never)]
pub(in crate::builtins) fn slot_hash(_th: &mut Thread, o: Borrowed<'_>) -> PyResult<i64> {
    Ok(hash_of(o))
}

/// The hash of an int, whatever its class.
pub(in crate::builtins) fn hash_of(o: Borrowed<'_>) -> i64 {
    match super::of(o) {
        IntRef::Small(v) => typhon_text::hash::hash_int(v),
        IntRef::Big(v) => typhon_text::hash::hash_bigint(v),
    }
}

pub(in crate::builtins) fn slot_bool(_th: &mut Thread, o: Borrowed<'_>) -> PyResult<bool> {
    Ok(!is_zero(super::of(o)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn division_to_float_rounds_once() {
        let big = |s: &str| s.parse::<IBig>().unwrap();
        let ten = IBig::from(10);
        assert_eq!(divide_to_float(&big("1"), &IBig::from(3)), Some(1.0 / 3.0));
        assert_eq!(divide_to_float(&ten.pow(400), &ten.pow(399)), Some(10.0));
        assert_eq!(divide_to_float(&-ten.pow(400), &IBig::from(3)), None);
        assert_eq!(divide_to_float(&IBig::ONE, &(IBig::ONE << 1074)), Some(5e-324));
        assert_eq!(divide_to_float(&IBig::ONE, &(IBig::ONE << 1075)), Some(0.0));
        assert_eq!(divide_to_float(&IBig::from(3), &(IBig::ONE << 1076)), Some(5e-324));
        assert_eq!(divide_to_float(&IBig::ONE, &(IBig::ONE << 2000)), Some(0.0));
        assert_eq!(divide_to_float(&((IBig::ONE << 53) + IBig::ONE), &IBig::ONE), Some(9007199254740992.0));
        assert_eq!(
            divide_to_float(&((IBig::ONE << 53) + IBig::from(3)), &IBig::ONE),
            Some(9007199254740996.0)
        );
        for (a, b) in [(7i64, 3i64), (i64::MAX, 3), (i64::MIN, 7), (1, i64::MAX), (12345678901234567, 89)] {
            let exact = divide_to_float(&IBig::from(a), &IBig::from(b)).unwrap();
            let near = a as f64 / b as f64;
            assert!((exact - near).abs() <= near.abs() * 3e-16, "{a}/{b}");
        }
    }

    #[test]
    fn floor_semantics() {
        assert_eq!(small_divmod(7, -2), Some((-4, -1)));
        assert_eq!(small_divmod(-7, 2), Some((-4, 1)));
        assert_eq!(small_divmod(-7, -2), Some((3, -1)));
        assert_eq!(small_divmod(1, 0), None);
        assert_eq!(small_divmod(i64::MIN, -1), None);
        let (q, r) = big_divmod(&IBig::from(-7), &IBig::from(2));
        assert_eq!((q, r), (IBig::from(-4), IBig::from(1)));
        assert_eq!(small_power_mod(3, 200, 13), 9);
        assert_eq!(small_power_mod(u64::MAX - 2, 2, u64::MAX), 4);
    }

    #[test]
    fn ints_and_floats_compare_exactly() {
        use Ordering::*;
        let c = |a: i64, f: f64| compare_with_float(IntRef::Small(a), f);
        assert_eq!(c(1, 1.5), Some(Less));
        assert_eq!(c((1 << 53) + 1, 9007199254740992.0), Some(Greater));
        assert_eq!(c(i64::MAX, 9.223372036854776e18), Some(Less));
        assert_eq!(c(i64::MIN, -9.223372036854776e18), Some(Equal));
        assert_eq!(c(5, f64::NAN), None);
        assert_eq!(c((1 << 60) + 1, 0.5), Some(Greater));
        let big = IBig::ONE << 100;
        assert_eq!(compare_with_float(IntRef::Big(&big), 2f64.powi(100)), Some(Equal));
        assert_eq!(compare_with_float(IntRef::Big(&-big), 1.0), Some(Less));
    }
}
