//! Operations beside arithmetic: neighbours, extremes, digits as they stand.
//!
//! Source: General Decimal Arithmetic Specification, "Miscellaneous operations".

use core::cmp::Ordering;

use dashu_int::UBig;
use dashu_int::ops::DivRem;

use super::arith::{self, compare_total, compare_values, nan_of};
use super::condition::{
    DIVISION_BY_ZERO, INEXACT, INVALID_OPERATION, OVERFLOW, ROUNDED, SUBNORMAL, UNDERFLOW,
};
use super::number::{Checked, Frame, Kind, Number, Rounding, TooLarge, power_of_ten, scaled_up};

/// -1, 0 or 1 as a number, or a NaN.
pub fn compare(a: &Number, b: &Number, f: &mut Frame) -> Checked<Number> {
    Ok(match nan_of(&[a, b], f) {
        Some(nan) => nan,
        None => of_order(compare_values(a, b)),
    })
}

/// As [`compare`]; every NaN signals.
pub fn compare_signal(a: &Number, b: &Number, f: &mut Frame) -> Checked<Number> {
    if a.is_nan() || b.is_nan() {
        f.status |= INVALID_OPERATION;
    }
    compare(a, b, f)
}

pub fn total(a: &Number, b: &Number, _: &mut Frame) -> Checked<Number> {
    Ok(of_order(compare_total(a, b)))
}

pub fn total_mag(a: &Number, b: &Number, _: &mut Frame) -> Checked<Number> {
    Ok(of_order(compare_total(&a.clone().absolute(), &b.clone().absolute())))
}

fn of_order(order: Ordering) -> Number {
    Number::signed(order as i64)
}

/// The greater or the smaller operand, by value or by magnitude. A quiet NaN loses against a number.
fn extreme(a: &Number, b: &Number, greatest: bool, by_magnitude: bool, f: &mut Frame) -> Checked<Number> {
    if a.is_nan() || b.is_nan() {
        let chosen = match (a.kind, b.kind) {
            (Kind::Quiet, Kind::Finite | Kind::Infinity) => b,
            (Kind::Finite | Kind::Infinity, Kind::Quiet) => a,
            _ => return Ok(nan_of(&[a, b], f).unwrap_or_else(Number::nan)),
        };
        return chosen.clone().finalized(f);
    }
    let values = if by_magnitude {
        compare_values(&a.clone().absolute(), &b.clone().absolute())
    } else {
        compare_values(a, b)
    };
    let order = values.then_with(|| compare_total(a, b));
    let chosen = if greatest == order.is_lt() { b } else { a };
    chosen.clone().finalized(f)
}

pub fn max(a: &Number, b: &Number, f: &mut Frame) -> Checked<Number> {
    extreme(a, b, true, false, f)
}

pub fn min(a: &Number, b: &Number, f: &mut Frame) -> Checked<Number> {
    extreme(a, b, false, false, f)
}

pub fn max_mag(a: &Number, b: &Number, f: &mut Frame) -> Checked<Number> {
    extreme(a, b, true, true, f)
}

pub fn min_mag(a: &Number, b: &Number, f: &mut Frame) -> Checked<Number> {
    extreme(a, b, false, true, f)
}

/// The greatest finite number of the context.
fn greatest(negative: bool, f: &Frame) -> Checked<Number> {
    Ok(Number::finite(negative, power_of_ten(f.prec as u64)? - UBig::ONE, f.etop()))
}

/// The next number of the context above or below; notes nothing.
fn neighbour(a: &Number, upwards: bool, f: &Frame) -> Checked<Number> {
    if a.is_infinite() {
        return if a.negative == upwards { greatest(a.negative, f) } else { Ok(a.clone()) };
    }
    let rounding = if upwards { Rounding::Ceiling } else { Rounding::Floor };
    let mut quiet = Frame { rounding, status: 0, ..f.clone() };
    let rounded = a.clone().finalized(&mut quiet)?;
    if quiet.status & INEXACT != 0 {
        return Ok(rounded);
    }
    let least = Number::finite(!upwards, UBig::ONE, f.etiny() - 1);
    arith::add(a, &least, &mut quiet)
}

pub fn next_plus(a: &Number, f: &mut Frame) -> Checked<Number> {
    match nan_of(&[a], f) {
        Some(nan) => Ok(nan),
        None => neighbour(a, true, f),
    }
}

pub fn next_minus(a: &Number, f: &mut Frame) -> Checked<Number> {
    match nan_of(&[a], f) {
        Some(nan) => Ok(nan),
        None => neighbour(a, false, f),
    }
}

/// The next number in the direction of another; this one notes what the result is.
pub fn next_toward(a: &Number, b: &Number, f: &mut Frame) -> Checked<Number> {
    if let Some(nan) = nan_of(&[a, b], f) {
        return Ok(nan);
    }
    let order = compare_values(a, b);
    if order.is_eq() {
        return Ok(Number { negative: b.negative, ..a.clone() });
    }
    let result = neighbour(a, order.is_lt(), f)?;
    if result.is_infinite() {
        f.status |= OVERFLOW | INEXACT | ROUNDED;
    } else if result.adjusted() < f.emin {
        f.status |= UNDERFLOW | SUBNORMAL | INEXACT | ROUNDED;
        if result.is_zero() {
            f.status |= super::condition::CLAMPED;
        }
    }
    Ok(result)
}

/// The exponent of the first digit, as a number.
pub fn logb(a: &Number, f: &mut Frame) -> Checked<Number> {
    if let Some(nan) = nan_of(&[a], f) {
        return Ok(nan);
    }
    if a.is_infinite() {
        return Ok(Number::infinity(false));
    }
    if a.is_zero() {
        f.status |= DIVISION_BY_ZERO;
        return Ok(Number::infinity(true));
    }
    Number::signed(a.adjusted()).finalized(f)
}

/// An operand that has to be an integer with exponent 0 in -most..=most.
fn small_integer(n: &Number, most: i64) -> Option<i64> {
    if !n.is_finite() || n.exponent != 0 {
        return None;
    }
    let value = i64::try_from(&n.coefficient).ok().filter(|v| *v <= most)?;
    Some(if n.negative { -value } else { value })
}

pub fn scaleb(a: &Number, b: &Number, f: &mut Frame) -> Checked<Number> {
    if let Some(nan) = nan_of(&[a, b], f) {
        return Ok(nan);
    }
    let Some(by) = small_integer(b, 2 * (f.emax + f.prec)) else {
        return Ok(f.invalid(INVALID_OPERATION));
    };
    if a.is_infinite() {
        return Ok(a.clone());
    }
    Number { exponent: a.exponent + by, ..a.clone() }.finalized(f)
}

/// The coefficient with as many digits as the precision, and the operand that says by how many it is moved.
fn moved(a: &Number, b: &Number, f: &mut Frame) -> Checked<Result<(UBig, i64), Number>> {
    if let Some(nan) = nan_of(&[a, b], f) {
        return Ok(Err(nan));
    }
    let Some(by) = small_integer(b, f.prec) else {
        return Ok(Err(f.invalid(INVALID_OPERATION)));
    };
    if a.is_infinite() {
        return Ok(Err(a.clone()));
    }
    let coefficient = if a.digits() > f.prec {
        &a.coefficient % power_of_ten(f.prec as u64)?
    } else {
        a.coefficient.clone()
    };
    Ok(Ok((coefficient, by)))
}

pub fn shift(a: &Number, b: &Number, f: &mut Frame) -> Checked<Number> {
    let (coefficient, by) = match moved(a, b, f)? {
        Ok(parts) => parts,
        Err(result) => return Ok(result),
    };
    let coefficient = if by < 0 {
        if -by > super::number::digits(&coefficient) as i64 {
            UBig::ZERO
        } else {
            coefficient / power_of_ten(by.unsigned_abs())?
        }
    } else {
        // Only the digits that stay are moved.
        let kept = if by >= f.prec { UBig::ZERO } else { coefficient % power_of_ten((f.prec - by) as u64)? };
        scaled_up(&kept, by as u64)?
    };
    Ok(Number::finite(a.negative, coefficient, a.exponent))
}

pub fn rotate(a: &Number, b: &Number, f: &mut Frame) -> Checked<Number> {
    let (coefficient, by) = match moved(a, b, f)? {
        Ok(parts) => parts,
        Err(result) => return Ok(result),
    };
    let by = by.rem_euclid(f.prec) as u64;
    let (high, low) = coefficient.div_rem(&power_of_ten(f.prec as u64 - by)?);
    Ok(Number::finite(a.negative, scaled_up(&low, by)? + high, a.exponent))
}

/// The digits of a logical operand, last one first; `None`: it is none.
fn logical_digits(n: &Number, f: &Frame) -> Option<Vec<bool>> {
    if n.negative || !n.is_finite() || n.exponent != 0 {
        return None;
    }
    let text = n.coefficient.to_string();
    if !text.bytes().all(|c| matches!(c, b'0' | b'1')) {
        return None;
    }
    Some(text.bytes().rev().take(usize::try_from(f.prec).unwrap_or(usize::MAX)).map(|c| c == b'1').collect())
}

fn from_logical_digits(digits: &[bool]) -> Number {
    let text: Vec<u8> = digits.iter().rev().map(|&d| if d { b'1' } else { b'0' }).collect();
    let coefficient = core::str::from_utf8(&text).ok().and_then(|t| UBig::from_str_radix(t, 10).ok());
    Number::finite(false, coefficient.unwrap_or(UBig::ZERO), 0)
}

fn logical(a: &Number, b: &Number, f: &mut Frame, op: impl Fn(bool, bool) -> bool) -> Checked<Number> {
    let (Some(x), Some(y)) = (logical_digits(a, f), logical_digits(b, f)) else {
        return Ok(f.invalid(INVALID_OPERATION));
    };
    let at = |d: &[bool], i: usize| d.get(i).copied().unwrap_or(false);
    let out: Vec<bool> = (0..x.len().max(y.len())).map(|i| op(at(&x, i), at(&y, i))).collect();
    Ok(from_logical_digits(&out))
}

pub fn logical_and(a: &Number, b: &Number, f: &mut Frame) -> Checked<Number> {
    logical(a, b, f, |x, y| x && y)
}

pub fn logical_or(a: &Number, b: &Number, f: &mut Frame) -> Checked<Number> {
    logical(a, b, f, |x, y| x || y)
}

pub fn logical_xor(a: &Number, b: &Number, f: &mut Frame) -> Checked<Number> {
    logical(a, b, f, |x, y| x != y)
}

pub fn logical_invert(a: &Number, f: &mut Frame) -> Checked<Number> {
    let Some(digits) = logical_digits(a, f) else { return Ok(f.invalid(INVALID_OPERATION)) };
    if f.prec > 1 << 30 {
        return Err(TooLarge);
    }
    let out: Vec<bool> = (0..f.prec as usize).map(|i| !digits.get(i).copied().unwrap_or(false)).collect();
    Ok(from_logical_digits(&out))
}

/// Have two numbers the same exponent, or are both infinite, or both NaN?
pub fn same_quantum(a: &Number, b: &Number) -> bool {
    if a.is_finite() && b.is_finite() {
        return a.exponent == b.exponent;
    }
    a.is_infinite() && b.is_infinite() || a.is_nan() && b.is_nan()
}

/// What `number_class` says.
pub fn class_of(n: &Number, f: &Frame) -> &'static str {
    let subnormal = n.is_finite() && !n.is_zero() && n.adjusted() < f.emin;
    match (n.kind, n.negative) {
        (Kind::Signalling, _) => "sNaN",
        (Kind::Quiet, _) => "NaN",
        (Kind::Infinity, true) => "-Infinity",
        (Kind::Infinity, false) => "+Infinity",
        (Kind::Finite, true) if n.is_zero() => "-Zero",
        (Kind::Finite, false) if n.is_zero() => "+Zero",
        (Kind::Finite, true) if subnormal => "-Subnormal",
        (Kind::Finite, false) if subnormal => "+Subnormal",
        (Kind::Finite, true) => "-Normal",
        (Kind::Finite, false) => "+Normal",
    }
}
