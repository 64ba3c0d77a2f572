//! Arithmetic that is exact but for one rounding at the end.
//!
//! Source: General Decimal Arithmetic Specification, "Arithmetic operations" and "Miscellaneous operations".

use core::cmp::Ordering;
use std::borrow::Cow;

use dashu_int::UBig;
use dashu_int::ops::{DivRem, SquareRootRem};

use super::condition::{
    DIVISION_BY_ZERO, DIVISION_IMPOSSIBLE, DIVISION_UNDEFINED, INEXACT, INVALID_OPERATION, ROUNDED,
};
use super::number::{
    Checked, Frame, Kind, Number, Rounding, digits, power_of_ten, scaled_down, scaled_up, without_zeros,
};

/// The NaN that an operation with NaNs among its operands gives: the first signalling one, else the first.
pub fn nan_of(operands: &[&Number], f: &mut Frame) -> Option<Number> {
    if !operands.iter().any(|n| n.is_nan()) {
        return None;
    }
    let signalling = operands.iter().find(|n| n.kind == Kind::Signalling);
    if signalling.is_some() {
        f.status |= INVALID_OPERATION;
    }
    let chosen = signalling.or_else(|| operands.iter().find(|n| n.is_nan()))?;
    Some(Number { kind: Kind::Quiet, ..(*chosen).clone() }.fixed_nan(f))
}

/// The same number, rounded.
pub fn plus(a: &Number, f: &mut Frame) -> Checked<Number> {
    signed_as(a, a.negative, f)
}

pub fn minus(a: &Number, f: &mut Frame) -> Checked<Number> {
    signed_as(a, !a.negative, f)
}

pub fn abs(a: &Number, f: &mut Frame) -> Checked<Number> {
    signed_as(a, false, f)
}

fn signed_as(a: &Number, negative: bool, f: &mut Frame) -> Checked<Number> {
    if let Some(nan) = nan_of(&[a], f) {
        return Ok(nan);
    }
    // Zeros have no sign here, unless they are rounded to the floor.
    let negative = if a.is_zero() { f.rounding == Rounding::Floor && negative } else { negative };
    Number { negative, ..a.clone() }.finalized(f)
}

pub fn add(a: &Number, b: &Number, f: &mut Frame) -> Checked<Number> {
    sum(a, b, b.negative, f)
}

pub fn subtract(a: &Number, b: &Number, f: &mut Frame) -> Checked<Number> {
    sum(a, b, !b.negative, f)
}

/// a + b, where b has the sign `b_negative`.
fn sum(a: &Number, b: &Number, b_negative: bool, f: &mut Frame) -> Checked<Number> {
    if a.is_finite() && b.is_finite() {
        return exact_sum(a, b, b_negative, f)?.finalized(f);
    }
    if let Some(nan) = nan_of(&[a, b], f) {
        return Ok(nan);
    }
    if a.is_infinite() {
        if b.is_infinite() && a.negative != b_negative {
            return Ok(f.invalid(INVALID_OPERATION));
        }
        return Ok(Number::infinity(a.negative));
    }
    Ok(Number::infinity(b_negative))
}

/// The sum of finite numbers, or another number that is rounded to the same.
fn exact_sum(a: &Number, b: &Number, b_negative: bool, f: &Frame) -> Checked<Number> {
    let exponent = a.exponent.min(b.exponent);
    let zero_sign = |f: &Frame| f.rounding == Rounding::Floor;
    match (a.coefficient.is_zero(), b.coefficient.is_zero()) {
        (true, true) => {
            let negative = if a.negative == b_negative { a.negative } else { zero_sign(f) };
            return Ok(Number::zero(negative, exponent));
        }
        (true, false) => return padded(b, b_negative, exponent, f),
        (false, true) => return padded(a, a.negative, exponent, f),
        (false, false) => {}
    }
    let exponent = common_exponent(a, b, f);
    let (p, q) = (coefficient_at(a, exponent)?, coefficient_at(b, exponent)?);
    if a.negative == b_negative {
        return Ok(Number::finite(a.negative, &*p + &*q, exponent));
    }
    Ok(match p.cmp(&q) {
        Ordering::Equal => Number::zero(zero_sign(f), exponent),
        Ordering::Greater => Number::finite(a.negative, &*p - &*q, exponent),
        Ordering::Less => Number::finite(b_negative, &*q - &*p, exponent),
    })
}

/// The exponent in which two numbers that are not zero are added: the lower one, or what lies well below the digits of
/// the greater number that the context keeps.
fn common_exponent(a: &Number, b: &Number, f: &Frame) -> i64 {
    let (high, low) = if a.exponent > b.exponent { (a, b) } else { (b, a) };
    if high.exponent - low.exponent <= 38 {
        return low.exponent;
    }
    let floor = high.exponent + (high.digits() - f.prec - 2).min(-1);
    if low.adjusted() < floor { floor } else { low.exponent }
}

/// The coefficient with another exponent. Of a number that lies below it as a whole only has to be seen that it is
/// there: one unit stands for it.
fn coefficient_at(n: &Number, exponent: i64) -> Checked<Cow<'_, UBig>> {
    Ok(match n.exponent.cmp(&exponent) {
        Ordering::Equal => Cow::Borrowed(&n.coefficient),
        Ordering::Greater => Cow::Owned(scaled_up(&n.coefficient, n.exponent.abs_diff(exponent))?),
        Ordering::Less => Cow::Owned(UBig::ONE),
    })
}

/// A number to which a zero with another exponent was added.
fn padded(n: &Number, negative: bool, exponent: i64, f: &Frame) -> Checked<Number> {
    let exponent = exponent.max(n.exponent - f.prec - 1).min(n.exponent);
    Ok(Number { negative, ..n.with_lower_exponent(exponent)? })
}

pub fn multiply(a: &Number, b: &Number, f: &mut Frame) -> Checked<Number> {
    exact_product(a, b, f)?.finalized(f)
}

/// The product, not rounded.
fn exact_product(a: &Number, b: &Number, f: &mut Frame) -> Checked<Number> {
    let negative = a.negative != b.negative;
    if a.is_finite() && b.is_finite() {
        return Ok(Number::finite(negative, &a.coefficient * &b.coefficient, a.exponent + b.exponent));
    }
    if let Some(nan) = nan_of(&[a, b], f) {
        return Ok(nan);
    }
    if a.is_zero() || b.is_zero() {
        return Ok(f.invalid(INVALID_OPERATION));
    }
    Ok(Number::infinity(negative))
}

/// a · b + c with one rounding.
pub fn fma(a: &Number, b: &Number, c: &Number, f: &mut Frame) -> Checked<Number> {
    // Of an infinity and a zero the product is invalid, even if a signalling NaN were to be added.
    let product = exact_product(a, b, f)?;
    if product.is_nan() && f.status & INVALID_OPERATION != 0 {
        return Ok(product);
    }
    add(&product, c, f)
}

pub fn divide(a: &Number, b: &Number, f: &mut Frame) -> Checked<Number> {
    if let Some(nan) = nan_of(&[a, b], f) {
        return Ok(nan);
    }
    let negative = a.negative != b.negative;
    if a.is_infinite() {
        if b.is_infinite() {
            return Ok(f.invalid(INVALID_OPERATION));
        }
        return Ok(Number::infinity(negative));
    }
    if b.is_infinite() {
        f.status |= super::condition::CLAMPED;
        return Ok(Number::zero(negative, f.etiny()));
    }
    if b.coefficient.is_zero() {
        if a.coefficient.is_zero() {
            return Ok(f.invalid(DIVISION_UNDEFINED));
        }
        f.status |= DIVISION_BY_ZERO;
        return Ok(Number::infinity(negative));
    }
    let ideal = a.exponent - b.exponent;
    if a.coefficient.is_zero() {
        return Number::zero(negative, ideal).finalized(f);
    }
    let shift = b.digits() - a.digits() + f.prec + 1;
    let (mut quotient, rest) = if shift >= 0 {
        scaled_up(&a.coefficient, shift as u64)?.div_rem(&b.coefficient)
    } else {
        (&a.coefficient).div_rem(&scaled_up(&b.coefficient, shift.unsigned_abs())?)
    };
    let mut exponent = ideal - shift;
    if !rest.is_zero() {
        mark_inexact(&mut quotient);
    } else if exponent < ideal {
        let taken;
        (quotient, taken) = without_zeros(&quotient, ideal.abs_diff(exponent));
        exponent += taken as i64;
    }
    Number::finite(negative, quotient, exponent).finalized(f)
}

/// Makes the last of more digits than are kept say that others follow: it must be no 0 and no 5.
fn mark_inexact(n: &mut UBig) {
    if &*n % 5u64 == 0 {
        *n += 1u8;
    }
}

/// Quotient and remainder of finite numbers, the divisor not zero; `None`: the quotient has too many digits.
fn integer_division(a: &Number, b: &Number, f: &Frame) -> Checked<Option<(UBig, Number)>> {
    let exponent = a.exponent.min(b.exponent);
    let distance = a.adjusted() - b.adjusted();
    if a.coefficient.is_zero() || distance <= -2 {
        let rest = if a.coefficient.is_zero() {
            Number::zero(a.negative, exponent)
        } else if a.exponent.abs_diff(exponent) as i64 > f.prec + 1 {
            // So many zeros that the remainder is rounded anyway.
            a.clone()
        } else {
            a.with_lower_exponent(exponent)?
        };
        return Ok(Some((UBig::ZERO, rest)));
    }
    if distance > f.prec {
        return Ok(None);
    }
    let x = scaled_up(&a.coefficient, a.exponent.abs_diff(exponent))?;
    let y = scaled_up(&b.coefficient, b.exponent.abs_diff(exponent))?;
    let (quotient, rest) = x.div_rem(&y);
    if digits(&quotient) as i64 > f.prec {
        return Ok(None);
    }
    Ok(Some((quotient, Number::finite(a.negative, rest, exponent))))
}

/// Quotient as an integer, and remainder.
pub fn divmod(a: &Number, b: &Number, f: &mut Frame) -> Checked<(Number, Number)> {
    if let Some(nan) = nan_of(&[a, b], f) {
        return Ok((nan.clone(), nan));
    }
    let negative = a.negative != b.negative;
    if a.is_infinite() {
        let quotient =
            if b.is_infinite() { f.invalid(INVALID_OPERATION) } else { Number::infinity(negative) };
        return Ok((quotient, f.invalid(INVALID_OPERATION)));
    }
    if b.is_infinite() {
        return Ok((Number::zero(negative, 0), a.clone().finalized(f)?));
    }
    if b.coefficient.is_zero() {
        if a.coefficient.is_zero() {
            let nan = f.invalid(DIVISION_UNDEFINED);
            return Ok((nan.clone(), nan));
        }
        f.status |= DIVISION_BY_ZERO;
        return Ok((Number::infinity(negative), f.invalid(INVALID_OPERATION)));
    }
    let Some((quotient, rest)) = integer_division(a, b, f)? else {
        let nan = f.invalid(DIVISION_IMPOSSIBLE);
        return Ok((nan.clone(), nan));
    };
    Ok((Number::finite(negative, quotient, 0), rest.finalized(f)?))
}

pub fn divide_int(a: &Number, b: &Number, f: &mut Frame) -> Checked<Number> {
    if let Some(nan) = nan_of(&[a, b], f) {
        return Ok(nan);
    }
    let negative = a.negative != b.negative;
    if a.is_infinite() {
        let invalid = b.is_infinite();
        return Ok(if invalid { f.invalid(INVALID_OPERATION) } else { Number::infinity(negative) });
    }
    if b.is_infinite() {
        return Ok(Number::zero(negative, 0));
    }
    if b.coefficient.is_zero() {
        if a.coefficient.is_zero() {
            return Ok(f.invalid(DIVISION_UNDEFINED));
        }
        f.status |= DIVISION_BY_ZERO;
        return Ok(Number::infinity(negative));
    }
    Ok(match integer_division(a, b, f)? {
        Some((quotient, _)) => Number::finite(negative, quotient, 0),
        None => f.invalid(DIVISION_IMPOSSIBLE),
    })
}

/// The remainder's operands if they need no division; else `None`.
fn simple_remainder(a: &Number, b: &Number, f: &mut Frame) -> Checked<Option<Number>> {
    if let Some(nan) = nan_of(&[a, b], f) {
        return Ok(Some(nan));
    }
    if a.is_infinite() {
        return Ok(Some(f.invalid(INVALID_OPERATION)));
    }
    if b.is_zero() {
        let undefined = if a.is_zero() { DIVISION_UNDEFINED } else { INVALID_OPERATION };
        return Ok(Some(f.invalid(undefined)));
    }
    if b.is_infinite() {
        return Ok(Some(a.clone().finalized(f)?));
    }
    Ok(None)
}

pub fn remainder(a: &Number, b: &Number, f: &mut Frame) -> Checked<Number> {
    if let Some(done) = simple_remainder(a, b, f)? {
        return Ok(done);
    }
    match integer_division(a, b, f)? {
        Some((_, rest)) => rest.finalized(f),
        None => Ok(f.invalid(DIVISION_IMPOSSIBLE)),
    }
}

/// The remainder nearest to zero.
pub fn remainder_near(a: &Number, b: &Number, f: &mut Frame) -> Checked<Number> {
    if let Some(done) = simple_remainder(a, b, f)? {
        return Ok(done);
    }
    let exponent = a.exponent.min(b.exponent);
    if a.is_zero() {
        return Number::zero(a.negative, exponent).finalized(f);
    }
    let distance = a.adjusted() - b.adjusted();
    if distance > f.prec {
        return Ok(f.invalid(DIVISION_IMPOSSIBLE));
    }
    if distance <= -2 {
        return padded(a, a.negative, exponent, f)?.finalized(f);
    }
    let x = scaled_up(&a.coefficient, a.exponent.abs_diff(exponent))?;
    let y = scaled_up(&b.coefficient, b.exponent.abs_diff(exponent))?;
    let (mut quotient, mut rest) = x.div_rem(&y);
    let mut negative = a.negative;
    let twice = (&rest << 1).cmp(&y);
    if twice.is_gt() || twice.is_eq() && &quotient % 2u64 == 1 {
        rest = y - rest;
        quotient += 1u8;
        negative = !negative;
    }
    if digits(&quotient) as i64 > f.prec {
        return Ok(f.invalid(DIVISION_IMPOSSIBLE));
    }
    Number::finite(negative, rest, exponent).finalized(f)
}

pub fn sqrt(a: &Number, f: &mut Frame) -> Checked<Number> {
    if let Some(nan) = nan_of(&[a], f) {
        return Ok(nan);
    }
    if a.is_zero() {
        return Number::zero(a.negative, a.exponent.div_euclid(2)).finalized(f);
    }
    if a.negative {
        return Ok(f.invalid(INVALID_OPERATION));
    }
    if a.is_infinite() {
        return Ok(a.clone());
    }
    // So many digits of the root, the last of which is for the rounding.
    let wanted = f.prec + 1;
    let ideal = a.exponent.div_euclid(2);
    let odd = a.exponent.rem_euclid(2);
    let len = (a.digits() + odd + 1) / 2;
    let shift = wanted - len;
    let coefficient = scaled_up(&a.coefficient, odd as u64)?;
    let (mut root, exact) = if shift >= 0 {
        let (root, rest) = scaled_up(&coefficient, 2 * shift as u64)?.sqrt_rem();
        (root, rest.is_zero())
    } else {
        let (cut, rest) = (&coefficient).div_rem(&power_of_ten(2 * shift.unsigned_abs())?);
        let (root, more) = cut.sqrt_rem();
        (root, rest.is_zero() && more.is_zero())
    };
    let mut exponent = ideal - shift;
    if !exact {
        mark_inexact(&mut root);
    } else if shift >= 0 {
        let taken;
        (root, taken) = without_zeros(&root, shift as u64);
        exponent += taken as i64;
    }
    let rounding = core::mem::replace(&mut f.rounding, Rounding::HalfEven);
    let result = Number::finite(false, root, exponent).finalized(f);
    f.rounding = rounding;
    result
}

/// The number with the exponent of another.
pub fn quantize(a: &Number, b: &Number, f: &mut Frame) -> Checked<Number> {
    if let Some(nan) = nan_of(&[a, b], f) {
        return Ok(nan);
    }
    if a.is_infinite() || b.is_infinite() {
        return Ok(if a.is_infinite() && b.is_infinite() { a.clone() } else { f.invalid(INVALID_OPERATION) });
    }
    if b.exponent < f.etiny() || b.exponent > f.emax {
        return Ok(f.invalid(INVALID_OPERATION));
    }
    if a.coefficient.is_zero() {
        return Number::zero(a.negative, b.exponent).finalized(f);
    }
    let adjusted = a.adjusted();
    if adjusted > f.emax || adjusted - b.exponent + 1 > f.prec {
        return Ok(f.invalid(INVALID_OPERATION));
    }
    let (result, inexact) = if a.exponent >= b.exponent {
        (a.with_lower_exponent(b.exponent)?, false)
    } else {
        let shift = a.exponent.abs_diff(b.exponent);
        let (coefficient, inexact) = scaled_down(&a.coefficient, shift, a.negative, f.rounding)?;
        (Number::finite(a.negative, coefficient, b.exponent), inexact)
    };
    if !result.is_zero() && result.adjusted() > f.emax || result.digits() > f.prec {
        return Ok(f.invalid(INVALID_OPERATION));
    }
    if !result.is_zero() && result.adjusted() < f.emin {
        f.status |= super::condition::SUBNORMAL;
    }
    if a.exponent < b.exponent {
        f.status |= ROUNDED | if inexact { INEXACT } else { 0 };
    }
    let mut quiet = f.clone();
    result.finalized(&mut quiet)
}

/// The number rounded to an integer; `exactly` says whether that is noted.
pub fn to_integral(a: &Number, rounding: Rounding, exactly: bool, f: &mut Frame) -> Checked<Number> {
    if let Some(nan) = nan_of(&[a], f) {
        return Ok(nan);
    }
    if !a.is_finite() || a.exponent >= 0 {
        return Ok(a.clone());
    }
    if a.coefficient.is_zero() {
        return Ok(Number::zero(a.negative, 0));
    }
    let (coefficient, inexact) =
        scaled_down(&a.coefficient, a.exponent.unsigned_abs(), a.negative, rounding)?;
    if exactly {
        f.status |= ROUNDED | if inexact { INEXACT } else { 0 };
    }
    Ok(Number::finite(a.negative, coefficient, 0))
}

/// The number without zeros at its end.
pub fn normalize(a: &Number, f: &mut Frame) -> Checked<Number> {
    if let Some(nan) = nan_of(&[a], f) {
        return Ok(nan);
    }
    let rounded = a.clone().finalized(f)?;
    if !rounded.is_finite() {
        return Ok(rounded);
    }
    if rounded.coefficient.is_zero() {
        return Ok(Number::zero(rounded.negative, 0));
    }
    let top = if f.clamp { f.etop() } else { f.emax };
    let most = (top - rounded.exponent).max(0) as u64;
    let (coefficient, taken) = without_zeros(&rounded.coefficient, most);
    Ok(Number::finite(rounded.negative, coefficient, rounded.exponent + taken as i64))
}

/// Order of the values of two numbers that are no NaN.
pub fn compare_values(a: &Number, b: &Number) -> Ordering {
    let sign = |n: &Number| match (n.is_zero(), n.negative) {
        (true, _) => 0,
        (_, true) => -1,
        (_, false) => 1,
    };
    let order = sign(a).cmp(&sign(b));
    if order.is_ne() || sign(a) == 0 {
        return order;
    }
    let order = compare_magnitudes(a, b);
    if a.negative { order.reverse() } else { order }
}

/// Order of the magnitudes of two numbers that are neither zero nor NaN.
fn compare_magnitudes(a: &Number, b: &Number) -> Ordering {
    match (a.is_infinite(), b.is_infinite()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    if a.exponent == b.exponent {
        return a.coefficient.cmp(&b.coefficient);
    }
    let order = a.adjusted().cmp(&b.adjusted());
    if order.is_ne() {
        return order;
    }
    // With the same first digit's place, the exponents differ by no more than there are digits.
    let exponent = a.exponent.min(b.exponent);
    let of = |n: &Number| scaled_up(&n.coefficient, n.exponent.abs_diff(exponent));
    match (of(a), of(b)) {
        (Ok(x), Ok(y)) => x.cmp(&y),
        _ => Ordering::Equal,
    }
}

/// The total order of the specification: by sign, value, exponent; NaNs outside.
pub fn compare_total(a: &Number, b: &Number) -> Ordering {
    if a.negative != b.negative {
        return if a.negative { Ordering::Less } else { Ordering::Greater };
    }
    let rank = |n: &Number| match n.kind {
        Kind::Finite | Kind::Infinity => 0,
        Kind::Signalling => 1,
        Kind::Quiet => 2,
    };
    let order = rank(a).cmp(&rank(b)).then_with(|| {
        if a.is_nan() {
            return a.coefficient.cmp(&b.coefficient);
        }
        let values = compare_values(&a.clone().absolute(), &b.clone().absolute());
        values.then(a.exponent.cmp(&b.exponent))
    });
    if a.negative { order.reverse() } else { order }
}
