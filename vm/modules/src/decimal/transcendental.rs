//! Exponential function, logarithms, powers.
//!
//! Values are computed in binary fixed point with some digits more than are wanted, again with more of them until it is
//! clear which way the result is rounded (Ziv, "Fast evaluation of elementary mathematical functions with correctly
//! rounded last bit", ACM TOMS 17(3), 1991). The exponential function halves its argument before it sums the Taylor
//! series; logarithms are found from it by Halley's iteration, which triples the digits that are right.

use dashu_int::fast_div::ConstDivisor;
use dashu_int::ops::{DivEuclid, DivRemEuclid, UnsignedAbs};
use dashu_int::{IBig, UBig};

use super::arith::{self, compare_values, nan_of};
use super::condition::{INEXACT, INVALID_OPERATION, ROUNDED, SUBNORMAL, UNDERFLOW};
use super::number::{Checked, Frame, Number, Rounding, TooLarge, digits, power_of_ten, without_zeros};

/// Bits for so many decimal digits, and some.
fn bits_for(digits: i64) -> Checked<usize> {
    // Beyond, the answer would take hours.
    if digits > 1 << 22 {
        return Err(TooLarge);
    }
    Ok((digits.max(0) as usize) * 10 / 3 + 8)
}

/// atanh(1/n) with `b` bits behind the point.
fn atanh_of_inverse(n: u32, b: usize) -> IBig {
    let square = IBig::from(n) * n;
    let mut power = (IBig::ONE << b) / n;
    let (mut sum, mut k) = (power.clone(), 1u32);
    while !power.is_zero() {
        power /= &square;
        k += 2;
        sum += &power / k;
    }
    sum
}

/// ln 10 with `b` bits behind the point: 3 ln 2 + ln 1.25.
fn ln_ten(b: usize) -> IBig {
    let more = b + 16;
    let ln = atanh_of_inverse(3, more) * 6u8 + atanh_of_inverse(9, more) * 2u8;
    ln >> 16usize
}

/// e^x for fixed-point x of magnitude below 4, with `b` bits behind the point; the error is some units in the last.
fn exp_fixed(x: &IBig, b: usize) -> IBig {
    let halvings = b.isqrt() / 2 + 4;
    let guard = halvings + 16;
    let work = b + guard;
    let x = (x << guard) >> halvings;
    let one = IBig::ONE << work;
    let (mut sum, mut term, mut n) = (one.clone() + &x, x.clone(), 1u32);
    while !term.is_zero() && term != -IBig::ONE {
        n += 1;
        term = (term * &x >> work) / n;
        sum += &term;
    }
    for _ in 0..halvings {
        sum = (&sum * &sum) >> work;
    }
    sum >> guard
}

/// ln m for fixed-point m in 1..10.
fn ln_fixed(m: &IBig, b: usize) -> IBig {
    let high = b.min(60);
    let near = u64::try_from(&(m >> (b - high))).unwrap_or(u64::MAX) as f64 / (1u64 << high) as f64;
    let mut y = (IBig::from((near.ln() * (1u64 << 52) as f64) as i64) << b) >> 52usize;
    let mut right = 45;
    loop {
        let e = exp_fixed(&y, b);
        // y += 2 (m - e^y) / (m + e^y)
        y += ((m - &e) << (b + 1)) / (m + &e);
        right *= 3;
        if right > b {
            return y;
        }
    }
}

/// n · 10^exponent as fixed point, cut.
fn fixed(n: &IBig, exponent: i64, b: usize) -> Checked<IBig> {
    let power = IBig::from(power_of_ten(exponent.unsigned_abs())?);
    Ok(if exponent >= 0 { (n * power) << b } else { (n << b).div_euclid(power) })
}

/// A fixed-point number as an integer of 10^-places, cut.
fn to_places(n: &IBig, places: i64, b: usize) -> Checked<IBig> {
    let power = IBig::from(power_of_ten(places.unsigned_abs())?);
    Ok(if places >= 0 { (n * power) >> b } else { (n >> b).div_euclid(power) })
}

/// Computes with more and more digits until the rounding, half even, is clear. `compute` gives a coefficient with an
/// exponent; the coefficient has about so many digits, and is wrong by less than 10 units of the last.
fn rounded(f: &mut Frame, compute: impl Fn(i64) -> Checked<(IBig, i64)>) -> Checked<Number> {
    let mut wanted = f.prec + 5;
    loop {
        let (value, exponent) = compute(wanted)?;
        let negative = value < IBig::ZERO;
        let coefficient = value.unsigned_abs();
        let spare = digits(&coefficient) as i64 - f.prec;
        if spare >= 3 {
            // Clear, unless what is cut off lies within the error of 0 or of half a unit.
            let half = power_of_ten(spare as u64)? / 2u8;
            let rest = &coefficient % &half;
            let margin = UBig::from(20u8);
            if rest > margin && &rest + &margin < half {
                return half_even(f, |f| Number::finite(negative, coefficient, exponent).finalized(f));
            }
        }
        wanted += wanted / 2 + 4;
    }
}

/// Rounds half even, as these operations do whatever the context says.
fn half_even(f: &mut Frame, run: impl FnOnce(&mut Frame) -> Checked<Number>) -> Checked<Number> {
    let rounding = core::mem::replace(&mut f.rounding, Rounding::HalfEven);
    let result = run(f);
    f.rounding = rounding;
    result
}

fn signed(n: &Number) -> IBig {
    let value = IBig::from(n.coefficient.clone());
    if n.negative { -value } else { value }
}

/// A power of ten beyond what the context can hold, or below.
fn out_of_range(negative: bool, large: bool, f: &mut Frame) -> Checked<Number> {
    let exponent = if large { f.emax + 1 } else { f.etiny() - 2 };
    Number::finite(negative, UBig::ONE, exponent).finalized(f)
}

pub fn exp(a: &Number, f: &mut Frame) -> Checked<Number> {
    if let Some(nan) = nan_of(&[a], f) {
        return Ok(nan);
    }
    if a.is_infinite() {
        return Ok(if a.negative { Number::zero(false, 0) } else { a.clone() });
    }
    if a.is_zero() {
        return Ok(Number::small(1));
    }
    let adjusted = a.adjusted();
    if adjusted < -f.prec - 1 {
        // One, but it is to be seen that the true value lies a little beside it.
        let power = power_of_ten(f.prec as u64 + 1)?;
        let coefficient = if a.negative { power - UBig::ONE } else { power + UBig::ONE };
        let result = Number::finite(false, coefficient, -(f.prec + 1));
        return half_even(f, |f| result.finalized(f));
    }
    // e^(10^19) lies outside of every context.
    if adjusted > 18 {
        return half_even(f, |f| out_of_range(false, !a.negative, f));
    }
    let x = signed(a);
    rounded(f, |wanted| {
        let b = bits_for(wanted + adjusted.max(0) + 5)?;
        let ln_ten = ln_ten(b);
        let (tens, rest) = fixed(&x, a.exponent, b)?.div_rem_euclid(ln_ten);
        let tens = i64::try_from(&tens).map_err(|_| TooLarge)?;
        Ok((to_places(&exp_fixed(&rest.into(), b), wanted, b)?, tens - wanted))
    })
}

/// The natural logarithm of a finite number above zero, other than 1: as fixed point with the bits for `wanted` digits of
/// it; and the places and bits of that.
fn ln_digits(a: &Number, wanted: i64) -> Checked<(IBig, i64, usize)> {
    // Near 1, the logarithm is about as large as the distance.
    let distance = arith::subtract(a, &Number::small(1), &mut Frame::unlimited())?.adjusted();
    let places = wanted - distance.min(0) + 1;
    let tens = a.adjusted();
    let b = bits_for(places + 24)?;
    let m = fixed(&IBig::from(a.coefficient.clone()), 1 - a.digits(), b)?;
    Ok((ln_fixed(&m, b) + ln_ten(b) * tens, places, b))
}

/// What logarithms of special values have in common.
fn simple_logarithm(a: &Number, f: &mut Frame) -> Option<Number> {
    if let Some(nan) = nan_of(&[a], f) {
        return Some(nan);
    }
    if a.is_zero() {
        return Some(Number::infinity(true));
    }
    if a.negative {
        return Some(f.invalid(INVALID_OPERATION));
    }
    a.is_infinite().then(|| a.clone())
}

pub fn ln(a: &Number, f: &mut Frame) -> Checked<Number> {
    if let Some(simple) = simple_logarithm(a, f) {
        return Ok(simple);
    }
    if compare_values(a, &Number::small(1)).is_eq() {
        return Ok(Number::zero(false, 0));
    }
    rounded(f, |wanted| {
        let (ln, places, b) = ln_digits(a, wanted)?;
        Ok((to_places(&ln, places, b)?, -places))
    })
}

pub fn log10(a: &Number, f: &mut Frame) -> Checked<Number> {
    if let Some(simple) = simple_logarithm(a, f) {
        return Ok(simple);
    }
    let (first, zeros) = without_zeros(&a.coefficient, u64::MAX);
    if first == UBig::ONE {
        return half_even(f, |f| Number::signed(a.exponent + zeros as i64).finalized(f));
    }
    rounded(f, |wanted| {
        let (ln, places, b) = ln_digits(a, wanted + 1)?;
        let log = (ln << b).div_euclid(IBig::from(ln_ten(b)));
        Ok((to_places(&log, places, b)?, -places))
    })
}

/// An exponent of a power that is an integer: its value, clipped, and whether it is odd.
fn integer_exponent(n: &Number) -> Checked<Option<(i64, bool)>> {
    if !n.is_integer() {
        return Ok(None);
    }
    if n.adjusted() > 18 {
        let odd = n.exponent <= 0 && &n.to_integer()? % 2u8 == 1;
        return Ok(Some((if n.negative { i64::MIN } else { i64::MAX }, odd)));
    }
    let magnitude = i64::try_from(&n.to_integer()?).unwrap_or(i64::MAX);
    Ok(Some((if n.negative { -magnitude } else { magnitude }, magnitude % 2 == 1)))
}

/// a to the power of b; within one unit of the last digit, as the specification asks for.
pub fn power(a: &Number, b: &Number, f: &mut Frame) -> Checked<Number> {
    if let Some(nan) = nan_of(&[a, b], f) {
        return Ok(nan);
    }
    if b.is_zero() {
        return Ok(if a.is_zero() { f.invalid(INVALID_OPERATION) } else { Number::small(1) });
    }
    let integer = if b.is_finite() { integer_exponent(b)? } else { None };
    let negative = a.negative && integer.is_some_and(|(_, odd)| odd);
    if a.negative && integer.is_none() && !a.is_zero() {
        return Ok(f.invalid(INVALID_OPERATION));
    }
    if a.is_zero() || a.is_infinite() {
        let large = a.is_infinite() != b.negative;
        return Ok(if large { Number::infinity(negative) } else { Number::zero(negative, 0) });
    }
    let base = a.clone().absolute();
    let to_one = compare_values(&base, &Number::small(1));
    if to_one.is_eq() {
        return power_of_one(a, integer, negative, f);
    }
    if b.is_infinite() {
        let large = to_one.is_gt() != b.negative;
        return Ok(if large { Number::infinity(false) } else { Number::zero(false, 0) });
    }
    if let Some((n, _)) = integer {
        return integer_power(&base, n, negative, f);
    }
    let p = f.prec.max(base.digits()) + 25;
    let mut w = f.working(p, Rounding::HalfEven);
    let ln = ln(&base, &mut w)?;
    let product = arith::multiply(&ln, b, &mut w)?;
    if product.adjusted() > 18 {
        return out_of_range(negative, !product.negative, f);
    }
    let value = full(exp(&product, &mut w)?, f)?;
    let result = value.finalized(f)?;
    // Never exact, even where no digit says so.
    f.status |= INEXACT | ROUNDED | if f.status & SUBNORMAL != 0 { UNDERFLOW } else { 0 };
    Ok(result)
}

/// With as many digits as the context has, at least.
fn full(n: Number, f: &Frame) -> Checked<Number> {
    let missing = f.prec - n.digits();
    if n.is_finite() && missing > 0 { n.with_lower_exponent(n.exponent - missing) } else { Ok(n) }
}

fn power_of_one(a: &Number, integer: Option<(i64, bool)>, negative: bool, f: &mut Frame) -> Checked<Number> {
    let inexact = |f: &mut Frame| {
        f.status |= INEXACT | ROUNDED;
        full(Number { negative, ..Number::small(1) }, f)
    };
    let Some((n, _)) = integer else { return inexact(f) };
    // 1.0 squared is 1.00; of 1/1.0, the zeros are gone.
    let places = if n < 0 { 0 } else { i128::from(a.exponent.min(0)) * -i128::from(n) };
    if places > i128::from(f.prec - 1) {
        f.status |= ROUNDED;
    }
    let places = places.min(i128::from(f.prec - 1)) as i64;
    Number { negative, ..Number::small(1) }.with_lower_exponent(-places)
}

/// base to the power of n, by squaring.
fn integer_power(base: &Number, n: i64, negative: bool, f: &mut Frame) -> Checked<Number> {
    // Between these exponents of ten it lies.
    let n_wide = i128::from(n);
    let bounds = [i128::from(base.adjusted()) * n_wide, i128::from(base.adjusted() + 1) * n_wide];
    if bounds.iter().all(|&e| e > i128::from(f.emax) + 1) {
        return out_of_range(negative, true, f);
    }
    if bounds.iter().all(|&e| e < i128::from(f.etiny()) - 2) {
        return out_of_range(negative, false, f);
    }
    let len = i64::from(n.unsigned_abs().ilog10()) + 1;
    let mut w = f.working(f.prec + len + 4, Rounding::HalfEven);
    let mut square = if n < 0 { arith::divide(&Number::small(1), base, &mut w)? } else { base.clone() };
    let mut left = n.unsigned_abs();
    let mut result = Number::small(1);
    loop {
        if left & 1 == 1 {
            result = arith::multiply(&result, &square, &mut w)?;
        }
        left >>= 1;
        if left == 0 {
            break;
        }
        square = arith::multiply(&square, &square, &mut w)?;
        if !square.is_finite() || square.is_zero() {
            return out_of_range(negative, !square.is_finite(), f);
        }
    }
    if !result.is_finite() || result.is_zero() {
        return out_of_range(negative, !result.is_finite(), f);
    }
    f.status |= w.status & (INEXACT | ROUNDED);
    Number { negative, ..result }.finalized(f)
}

/// a to the power of b modulo m, of integers.
pub fn power_modulo(a: &Number, b: &Number, m: &Number, f: &mut Frame) -> Checked<Number> {
    if let Some(nan) = nan_of(&[a, b, m], f) {
        return Ok(nan);
    }
    let integers = a.is_integer() && b.is_integer() && m.is_integer();
    if !integers || b.negative && !b.is_zero() || m.is_zero() || a.is_zero() && b.is_zero() {
        return Ok(f.invalid(INVALID_OPERATION));
    }
    if m.adjusted() >= f.prec {
        return Ok(f.invalid(INVALID_OPERATION));
    }
    let modulus = m.to_integer()?;
    let exponent = b.to_integer()?;
    let negative = a.negative && &exponent % 2u8 == 1;
    if modulus == UBig::ONE {
        return Ok(Number::zero(negative, 0));
    }
    let ring = ConstDivisor::new(modulus);
    let mut base = ring.reduce(a.coefficient.clone());
    if a.exponent >= 0 {
        base = base * ring.reduce(10u8).pow(&UBig::from(a.exponent as u64));
    } else {
        base = ring.reduce(a.to_integer()?);
    }
    Ok(Number::finite(negative, base.pow(&exponent).residue(), 0))
}
