//! Decimals from other objects, and other objects from decimals.

use std::borrow::Cow;

use dashu_int::ops::UnsignedAbs;
use dashu_int::{IBig, UBig};
use typhon_core::builtins::int::IntRef;
use typhon_core::builtins::list::List;
use typhon_core::builtins::str::Str;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::{Borrowed, Owned, PyResult, Thread};

use super::condition as c;
use super::context::Context;
use super::number::{Kind, MAX_EMAX, MAX_PREC, MIN_ETINY, Number, Rounding, TooLarge};
use super::object::{Decimal, of, too_large};
use super::text;

/// An int as a number.
fn from_int(n: IntRef<'_>) -> Number {
    match n {
        IntRef::Small(n) => Number::signed(n),
        IntRef::Big(n) => Number::finite(*n < IBig::ZERO, n.unsigned_abs(), 0),
    }
}

/// An operand of an operator or a method: a decimal or an int.
#[inline]
pub fn operand(o: Borrowed<'_>) -> Option<Cow<'_, Number>> {
    if let Some(d) = o.downcast_exact::<Decimal>() {
        return Some(Cow::Borrowed(&d.number));
    }
    if let Some(n) = o.as_int() {
        return Some(Cow::Owned(from_int(n)));
    }
    o.downcast::<Decimal>().map(|d| Cow::Borrowed(&d.number))
}

/// As [`operand`]. Errors: TypeError.
pub fn argument<'a>(th: &mut Thread, o: Borrowed<'a>) -> PyResult<Cow<'a, Number>> {
    match operand(o) {
        Some(n) => Ok(n),
        None => {
            let msg = format!("conversion from {} to Decimal is not supported", o.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

/// A float, exactly.
pub fn from_f64(x: f64) -> Number {
    let negative = x.is_sign_negative();
    if x.is_nan() {
        return Number { negative, ..Number::nan() };
    }
    if x.is_infinite() {
        return Number::infinity(negative);
    }
    let bits = x.to_bits();
    let (fraction, biased) = (bits & ((1 << 52) - 1), (bits >> 52 & 0x7ff) as i64);
    let (mut mantissa, mut exponent) =
        if biased == 0 { (fraction, -1074) } else { (fraction | 1 << 52, biased - 1075) };
    if mantissa == 0 {
        return Number::zero(negative, 0);
    }
    let zeros = mantissa.trailing_zeros();
    mantissa >>= zeros;
    exponent += i64::from(zeros);
    let mantissa = UBig::from(mantissa);
    if exponent >= 0 {
        return Number::finite(negative, mantissa << exponent as usize, 0);
    }
    // m / 2^k = m 5^k / 10^k
    Number::finite(negative, mantissa * UBig::from(5u8).pow(exponent.unsigned_abs() as usize), exponent)
}

/// Numerator and denominator of an instance of `numbers.Rational`.
pub fn rational(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<(Number, Number)>> {
    let class = crate::support::import_attr(th, "numbers", "Rational")?;
    if !o.isinstance(th, class.borrow())? {
        return Ok(None);
    }
    let (numerator, denominator) = (o.getattr_str(th, "numerator")?, o.getattr_str(th, "denominator")?);
    match (numerator.borrow().as_int(), denominator.borrow().as_int()) {
        (Some(p), Some(q)) => Ok(Some((from_int(p), from_int(q)))),
        _ => Ok(None),
    }
}

/// The text of a number in ASCII; `lenient`: without space around it and underscores. `None`: it cannot be a number.
fn plain_text(s: &Str, lenient: bool) -> Option<Vec<u8>> {
    let ascii = typhon_text::unicode::to_ascii_number(s.data());
    if !ascii.is_ascii() {
        return None;
    }
    if !lenient {
        return Some(ascii.to_vec());
    }
    Some(ascii.trim_ascii().iter().copied().filter(|&b| b != b'_').collect())
}

/// Is it within the limits of every context?
fn is_in_range(n: &Number) -> bool {
    match n.kind {
        Kind::Finite if n.coefficient.is_zero() => (MIN_ETINY..=MAX_EMAX).contains(&n.exponent),
        Kind::Finite => n.digits() <= MAX_PREC && n.adjusted() <= MAX_EMAX && n.exponent >= MIN_ETINY,
        _ => n.digits() <= MAX_PREC,
    }
}

/// What the constructor makes of an object, with all its digits. Errors: TypeError, ValueError, signals.
pub fn exact(th: &mut Thread, o: Borrowed<'_>, context: &Context) -> PyResult<Number> {
    let number = value(th, o, context, true)?;
    if is_in_range(&number) {
        return Ok(number);
    }
    context.note(th, c::INVALID_OPERATION)?;
    Ok(Number::nan())
}

/// As [`exact`], for what is rounded afterwards; text has to be as the specification wants it.
pub fn strict(th: &mut Thread, o: Borrowed<'_>, context: &Context) -> PyResult<Number> {
    value(th, o, context, false)
}

fn value(th: &mut Thread, o: Borrowed<'_>, context: &Context, lenient: bool) -> PyResult<Number> {
    if let Some(n) = operand(o) {
        return Ok(n.into_owned());
    }
    if let Some(s) = o.downcast::<Str>() {
        if let Some(number) = plain_text(s, lenient).and_then(|text| text::parse(&text)) {
            return Ok(number);
        }
        context.note(th, c::CONVERSION_SYNTAX)?;
        return Ok(Number::nan());
    }
    if let Some(x) = o.as_float() {
        context.note(th, c::FLOAT_OPERATION)?;
        return Ok(from_f64(x));
    }
    if let Some(t) = o.downcast::<Tuple>() {
        let parts: Vec<Owned> = t.iter().map(Borrowed::to_owned).collect();
        return from_parts(th, &parts);
    }
    if let Some(l) = o.downcast::<List>() {
        let parts = l.to_vec();
        return from_parts(th, &parts);
    }
    let msg = format!("conversion from {} to Decimal is not supported", o.type_name(th));
    Err(th.type_error(&msg))
}

/// (sign, digits, exponent)
fn from_parts(th: &mut Thread, parts: &[Owned]) -> PyResult<Number> {
    let [sign, digits, exponent] = parts else {
        return Err(th.value_error("argument must be a sequence of length 3"));
    };
    let negative = match sign.borrow().as_int() {
        Some(IntRef::Small(n @ (0 | 1))) => n == 1,
        _ => return Err(th.value_error("sign must be an integer with the value 0 or 1")),
    };
    let mut kind = Kind::Finite;
    let mut power = 0;
    if let Some(name) = exponent.downcast::<Str>() {
        kind = match () {
            () if name.is_text("F") => Kind::Infinity,
            () if name.is_text("n") => Kind::Quiet,
            () if name.is_text("N") => Kind::Signalling,
            () => {
                return Err(th.value_error("string argument in the third position must be 'F', 'n' or 'N'"));
            }
        };
    } else if exponent.borrow().as_int().is_some() {
        power = exponent.borrow().to_i64(th)?;
    } else {
        return Err(th.value_error("exponent must be an integer"));
    }
    let digits: Vec<Owned> = match (digits.downcast::<Tuple>(), digits.downcast::<List>()) {
        (Some(t), _) => t.iter().map(Borrowed::to_owned).collect(),
        (_, Some(l)) => l.to_vec(),
        _ => return Err(th.value_error("coefficient must be a tuple of digits")),
    };
    let mut text = Vec::with_capacity(digits.len());
    for digit in &digits {
        match digit.borrow().as_int() {
            Some(IntRef::Small(d @ 0..=9)) => text.push(b'0' + d as u8),
            _ => return Err(th.value_error("coefficient must be a tuple of digits")),
        }
    }
    if kind == Kind::Infinity {
        return Ok(Number::infinity(negative));
    }
    let shown = core::str::from_utf8(&text).unwrap_or("");
    let coefficient = UBig::from_str_radix(shown, 10).unwrap_or(UBig::ZERO);
    Ok(Number { negative, kind, coefficient, exponent: text::representable(power.into()) })
}

/// `hash(decimal)`: that of an int, float or fraction of the same value.
pub fn hash(th: &mut Thread, o: Borrowed<'_>) -> PyResult<i64> {
    const MODULUS: u128 = (1 << 61) - 1;
    let n = of(o);
    match n.kind {
        Kind::Signalling => return Err(th.type_error("Cannot hash a signaling NaN value")),
        Kind::Quiet => return Ok(typhon_text::hash::hash_pointer(o.word().identity() as usize)),
        Kind::Infinity => return Ok(if n.negative { -314_159 } else { 314_159 }),
        Kind::Finite => {}
    }
    let power = |base: u128, mut exponent: u64| {
        let (mut result, mut square) = (1u128, base);
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = result * square % MODULUS;
            }
            square = square * square % MODULUS;
            exponent >>= 1;
        }
        result
    };
    // The inverse, by Fermat.
    let base = if n.exponent >= 0 { 10 } else { power(10, MODULUS as u64 - 2) };
    let value =
        u128::from(&n.coefficient % MODULUS as u64) * power(base, n.exponent.unsigned_abs()) % MODULUS;
    let value = if n.negative { -(value as i64) } else { value as i64 };
    Ok(typhon_text::hash::avoid_error_mark(value))
}

/// The integer that a number is when it is rounded. Errors: ValueError of a NaN, OverflowError of an infinity.
pub fn rounded_to_int(th: &mut Thread, n: &Number, rounding: Rounding) -> PyResult {
    if n.is_nan() {
        return Err(th.value_error("cannot convert NaN to integer"));
    }
    if n.is_infinite() {
        return Err(th.overflow_error("cannot convert Infinity to integer"));
    }
    let whole = n.rescaled(n.exponent.max(0), rounding).and_then(|n| n.rescaled(0, rounding));
    match whole {
        Ok(whole) => {
            let value = IBig::from(whole.coefficient);
            Ok(th.new_big(if whole.negative { -value } else { value }))
        }
        Err(TooLarge) => Err(too_large(th)),
    }
}

pub fn to_int(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    rounded_to_int(th, of(o), Rounding::Down)
}

pub fn to_float(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let n = of(o);
    let value = match n.kind {
        Kind::Signalling => return Err(th.value_error("cannot convert signaling NaN to float")),
        Kind::Quiet => f64::NAN.copysign(if n.negative { -1.0 } else { 1.0 }),
        Kind::Infinity if n.negative => f64::NEG_INFINITY,
        Kind::Infinity => f64::INFINITY,
        Kind::Finite => {
            let text = text::to_text(n, false, false);
            core::str::from_utf8(&text).ok().and_then(|t| t.parse().ok()).unwrap_or(0.0)
        }
    };
    Ok(th.new_float(value))
}

/// `decimal.as_integer_ratio()`
pub fn ratio(th: &mut Thread, n: &Number) -> PyResult {
    if n.is_nan() {
        return Err(th.value_error("cannot convert NaN to integer ratio"));
    }
    if n.is_infinite() {
        return Err(th.overflow_error("cannot convert Infinity to integer ratio"));
    }
    use dashu_int::ops::Gcd;
    let parts = if n.exponent >= 0 {
        n.to_integer().map(|numerator| (numerator, UBig::ONE))
    } else {
        super::number::power_of_ten(n.exponent.unsigned_abs()).map(|power| {
            let common = if n.coefficient.is_zero() { power.clone() } else { (&n.coefficient).gcd(&power) };
            (&n.coefficient / &common, power / common)
        })
    };
    let Ok((numerator, denominator)) = parts else { return Err(too_large(th)) };
    let numerator = IBig::from(numerator);
    let numerator = th.new_big(if n.negative { -numerator } else { numerator });
    let denominator = th.new_big(denominator.into());
    Ok(th.new_pair(numerator, denominator))
}

/// `decimal.as_tuple()`
pub fn to_tuple(th: &mut Thread, n: &Number) -> PyResult {
    let digits = match n.kind {
        Kind::Infinity => vec![b'0'],
        Kind::Finite => text::digits_of(&n.coefficient),
        _ if n.coefficient.is_zero() => Vec::new(),
        _ => text::digits_of(&n.coefficient),
    };
    let digits = digits.into_iter().map(|d| th.new_int((d - b'0').into())).collect();
    let digits = th.new_tuple(digits);
    let exponent = match n.kind {
        Kind::Finite => th.new_int(n.exponent),
        Kind::Infinity => th.new_str("F"),
        Kind::Quiet => th.new_str("n"),
        Kind::Signalling => th.new_str("N"),
    };
    let sign = th.new_int(n.negative.into());
    let class = th.rt.stored("decimal.DecimalTuple").expect("stored when the module was made");
    class.borrow().call(th, &[sign.borrow(), digits.borrow(), exponent.borrow()])
}
