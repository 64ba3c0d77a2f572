//! Decimal numbers, and how they are rounded to what a context can hold.
//!
//! A coefficient is a binary integer: arithmetic on it is the library's, sub-quadratic where it is large, and no
//! allocation below 128 bits. Decimal are only the shifts, for which powers of ten are at hand.
//!
//! Source: General Decimal Arithmetic Specification 1.70 (Cowlishaw 2009), "Abstract representation of numbers",
//! "Context", "Exceptional conditions"; names of operations and conditions are its.

use dashu_int::UBig;
use dashu_int::ops::{BitTest, DivRem};

/// What a number is, apart from its sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Finite,
    Infinity,
    /// A quiet NaN; the coefficient is its diagnostic payload.
    Quiet,
    /// A signalling NaN.
    Signalling,
}

/// (-1)^negative · coefficient · 10^exponent, or a special value.
#[derive(Clone, Debug)]
pub struct Number {
    pub negative: bool,
    pub kind: Kind,
    pub coefficient: UBig,
    pub exponent: i64,
}

typhon_core::holds_no_references!(Number);

/// Greatest precision and exponent, and the least exponents.
pub const MAX_PREC: i64 = 999_999_999_999_999_999;
pub const MAX_EMAX: i64 = MAX_PREC;
pub const MIN_EMIN: i64 = -MAX_PREC;
pub const MIN_ETINY: i64 = MIN_EMIN - (MAX_PREC - 1);

/// The result needs more digits than there is memory for, or patience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

pub type Checked<T> = Result<T, TooLarge>;

/// Digits up to which numbers are computed.
pub const MOST_DIGITS: u64 = 1 << 30;

/// Conditions, as bits.
pub mod condition {
    pub const INVALID_OPERATION: u32 = 1 << 0;
    pub const CONVERSION_SYNTAX: u32 = 1 << 1;
    pub const DIVISION_IMPOSSIBLE: u32 = 1 << 2;
    pub const DIVISION_UNDEFINED: u32 = 1 << 3;
    pub const INVALID_CONTEXT: u32 = 1 << 4;
    pub const FLOAT_OPERATION: u32 = 1 << 5;
    pub const DIVISION_BY_ZERO: u32 = 1 << 6;
    pub const OVERFLOW: u32 = 1 << 7;
    pub const UNDERFLOW: u32 = 1 << 8;
    pub const SUBNORMAL: u32 = 1 << 9;
    pub const INEXACT: u32 = 1 << 10;
    pub const ROUNDED: u32 = 1 << 11;
    pub const CLAMPED: u32 = 1 << 12;

    /// The conditions that raise the signal InvalidOperation.
    pub const ALL_INVALID: u32 =
        INVALID_OPERATION | CONVERSION_SYNTAX | DIVISION_IMPOSSIBLE | DIVISION_UNDEFINED | INVALID_CONTEXT;

    /// The signals for a set of conditions.
    pub fn signals(conditions: u32) -> u32 {
        let invalid = if conditions & ALL_INVALID != 0 { INVALID_OPERATION } else { 0 };
        conditions & !ALL_INVALID | invalid
    }
}

use condition::{CLAMPED, INEXACT, OVERFLOW, ROUNDED, SUBNORMAL, UNDERFLOW};

/// Which way a number is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Rounding {
    Up,
    Down,
    Ceiling,
    Floor,
    HalfUp,
    HalfDown,
    HalfEven,
    /// Away from zero if the last digit kept would be 0 or 5.
    ZeroFiveUp,
}

impl Rounding {
    /// Every mode, in the order of its numbers.
    pub const ALL: [Rounding; 8] = [
        Rounding::Up,
        Rounding::Down,
        Rounding::Ceiling,
        Rounding::Floor,
        Rounding::HalfUp,
        Rounding::HalfDown,
        Rounding::HalfEven,
        Rounding::ZeroFiveUp,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Rounding::Up => "ROUND_UP",
            Rounding::Down => "ROUND_DOWN",
            Rounding::Ceiling => "ROUND_CEILING",
            Rounding::Floor => "ROUND_FLOOR",
            Rounding::HalfUp => "ROUND_HALF_UP",
            Rounding::HalfDown => "ROUND_HALF_DOWN",
            Rounding::HalfEven => "ROUND_HALF_EVEN",
            Rounding::ZeroFiveUp => "ROUND_05UP",
        }
    }

    /// Is the kept part made greater? `half`: how what goes compares to half a unit; it is not zero. `last`: the last
    /// digit kept, or that of a number with the same one modulo 10.
    fn increments(self, negative: bool, half: core::cmp::Ordering, last: u64) -> bool {
        match self {
            Rounding::Up => true,
            Rounding::Down => false,
            Rounding::Ceiling => !negative,
            Rounding::Floor => negative,
            Rounding::HalfUp => half.is_ge(),
            Rounding::HalfDown => half.is_gt(),
            Rounding::HalfEven => half.is_gt() || half.is_eq() && last % 2 == 1,
            Rounding::ZeroFiveUp => last % 5 == 0,
        }
    }
}

/// What an operation is done by, and what it has met.
#[derive(Clone, Debug)]
pub struct Frame {
    pub prec: i64,
    pub emax: i64,
    pub emin: i64,
    pub rounding: Rounding,
    pub clamp: bool,
    /// Conditions met so far.
    pub status: u32,
}

impl Frame {
    /// For results that are exact, whatever their size.
    pub fn unlimited() -> Frame {
        Frame {
            prec: MAX_PREC,
            emax: MAX_EMAX,
            emin: MIN_EMIN,
            rounding: Rounding::HalfEven,
            clamp: false,
            status: 0,
        }
    }

    /// The same limits with another precision and rounding, and nothing met.
    pub fn working(&self, prec: i64, rounding: Rounding) -> Frame {
        Frame { prec, rounding, emax: MAX_EMAX, emin: MIN_EMIN, clamp: false, status: 0 }
    }

    /// Exponent of the least subnormal number.
    pub fn etiny(&self) -> i64 {
        self.emin - self.prec + 1
    }

    /// Greatest exponent of a number with all digits.
    pub fn etop(&self) -> i64 {
        self.emax - self.prec + 1
    }

    /// A NaN as the result of an invalid operation.
    #[cold]
    pub fn invalid(&mut self, condition: u32) -> Number {
        self.status |= condition;
        Number::nan()
    }
}

const POWERS: [u128; 39] = {
    let mut powers = [1u128; 39];
    let mut i = 1;
    while i < 39 {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// 10^n.
pub fn power_of_ten(n: u64) -> Checked<UBig> {
    if let Some(&power) = POWERS.get(n as usize) {
        return Ok(UBig::from(power));
    }
    if n > MOST_DIGITS {
        return Err(TooLarge);
    }
    Ok(UBig::from(5u8).pow(n as usize) << n as usize)
}

/// n · 10^shift.
pub fn scaled_up(n: &UBig, shift: u64) -> Checked<UBig> {
    if shift == 0 || n.is_zero() {
        return Ok(n.clone());
    }
    Ok(n * power_of_ten(shift)?)
}

/// Digits of an integer; 1 for zero.
pub fn digits(n: &UBig) -> u64 {
    if let Ok(small) = u64::try_from(n) {
        return if small == 0 { 1 } else { u64::from(small.ilog10()) + 1 };
    }
    if let Ok(small) = u128::try_from(n) {
        return u64::from(small.ilog10()) + 1;
    }
    let (least, most) = digit_bounds(n);
    if least == most {
        return least;
    }
    match power_of_ten(most - 1) {
        Ok(power) if *n < power => least,
        _ => most,
    }
}

/// Between how many and how many digits an integer of more than 128 bits has, without looking at them.
fn digit_bounds(n: &UBig) -> (u64, u64) {
    let bits = n.bit_len() as f64;
    // The allowance is more than the error of the products, and only costs a comparison.
    let least = ((bits - 1.0) * core::f64::consts::LOG10_2 - 1e-5).floor();
    let most = (bits * core::f64::consts::LOG10_2 + 1e-5).floor();
    (least as u64 + 1, most as u64 + 1)
}

/// Takes zeros off the end, at most `most` of them: what is left, and how many they were.
pub fn without_zeros(n: &UBig, most: u64) -> (UBig, u64) {
    if let Ok(mut small) = u128::try_from(n) {
        let mut taken = 0;
        if small == 0 {
            return (UBig::ZERO, most);
        }
        while taken < most && small % 10 == 0 {
            small /= 10;
            taken += 1;
        }
        return (UBig::from(small), taken);
    }
    let (mut left, mut taken) = (n.clone(), 0);
    // A number has no more zeros at its end than factors of two.
    let mut step = (left.trailing_zeros().unwrap_or(0) as u64).min(most);
    while step > 0 {
        if taken + step <= most
            && let Ok(power) = power_of_ten(step)
        {
            let (quotient, rest) = (&left).div_rem(&power);
            if rest.is_zero() {
                (left, taken) = (quotient, taken + step);
                continue;
            }
        }
        step /= 2;
    }
    (left, taken)
}

/// n / 10^shift, rounded; and whether something was lost.
pub fn scaled_down(n: &UBig, shift: u64, negative: bool, rounding: Rounding) -> Checked<(UBig, bool)> {
    use core::cmp::Ordering;
    if shift == 0 {
        return Ok((n.clone(), false));
    }
    if let (Ok(small), Some(&power)) = (u128::try_from(n), POWERS.get(shift as usize)) {
        let (quotient, rest) = match (u64::try_from(small), u64::try_from(power)) {
            (Ok(n), Ok(power)) => (u128::from(n / power), u128::from(n % power)),
            _ => (small / power, small % power),
        };
        if rest == 0 {
            return Ok((UBig::from(quotient), false));
        }
        let half = rest.cmp(&(power - rest));
        let up = rounding.increments(negative, half, (quotient % 10) as u64);
        return Ok((UBig::from(quotient + u128::from(up)), true));
    }
    if n.is_zero() {
        return Ok((UBig::ZERO, false));
    }
    if shift > digits(n) {
        let up = rounding.increments(negative, Ordering::Less, 0);
        return Ok((UBig::from(u8::from(up)), true));
    }
    let power = power_of_ten(shift)?;
    let (mut quotient, rest) = n.div_rem(&power);
    if rest.is_zero() {
        return Ok((quotient, false));
    }
    let half = (&rest << 1).cmp(&power);
    if rounding.increments(negative, half, &quotient % 10u64) {
        quotient += 1u8;
    }
    Ok((quotient, true))
}

impl Number {
    pub fn finite(negative: bool, coefficient: UBig, exponent: i64) -> Number {
        Number { negative, kind: Kind::Finite, coefficient, exponent }
    }

    pub fn zero(negative: bool, exponent: i64) -> Number {
        Number::finite(negative, UBig::ZERO, exponent)
    }

    pub fn small(n: u64) -> Number {
        Number::finite(false, UBig::from(n), 0)
    }

    pub fn signed(n: i64) -> Number {
        Number::finite(n < 0, UBig::from(n.unsigned_abs()), 0)
    }

    pub fn infinity(negative: bool) -> Number {
        Number { negative, kind: Kind::Infinity, coefficient: UBig::ZERO, exponent: 0 }
    }

    pub fn nan() -> Number {
        Number { negative: false, kind: Kind::Quiet, coefficient: UBig::ZERO, exponent: 0 }
    }

    pub fn is_nan(&self) -> bool {
        matches!(self.kind, Kind::Quiet | Kind::Signalling)
    }

    pub fn is_infinite(&self) -> bool {
        self.kind == Kind::Infinity
    }

    pub fn is_finite(&self) -> bool {
        self.kind == Kind::Finite
    }

    pub fn is_zero(&self) -> bool {
        self.is_finite() && self.coefficient.is_zero()
    }

    /// Bytes of a decimal with this number.
    pub fn bytes(&self) -> usize {
        let words = self.coefficient.bit_len().div_ceil(64);
        size_of::<Number>() + if words > 2 { words * 8 } else { 0 }
    }

    /// Digits of the coefficient.
    pub fn digits(&self) -> i64 {
        digits(&self.coefficient) as i64
    }

    /// Exponent of the first digit.
    pub fn adjusted(&self) -> i64 {
        self.exponent + self.digits() - 1
    }

    /// Has a finite number no digit other than 0 behind the point?
    pub fn is_integer(&self) -> bool {
        if !self.is_finite() {
            return false;
        }
        if self.exponent >= 0 || self.coefficient.is_zero() {
            return true;
        }
        let places = self.exponent.unsigned_abs();
        places < self.digits() as u64 && without_zeros(&self.coefficient, places).1 == places
    }

    /// The integer that a number with nothing behind the point is, without its sign.
    pub fn to_integer(&self) -> Checked<UBig> {
        if self.exponent >= 0 {
            scaled_up(&self.coefficient, self.exponent as u64)
        } else {
            Ok(scaled_down(&self.coefficient, self.exponent.unsigned_abs(), false, Rounding::Down)?.0)
        }
    }

    pub fn negated(mut self) -> Number {
        self.negative = !self.negative;
        self
    }

    pub fn absolute(mut self) -> Number {
        self.negative = false;
        self
    }

    /// The number with another exponent, where that loses no digit.
    pub fn with_lower_exponent(&self, exponent: i64) -> Checked<Number> {
        let shift = self.exponent.abs_diff(exponent);
        Ok(Number::finite(self.negative, scaled_up(&self.coefficient, shift)?, exponent))
    }

    /// The number with another exponent, rounded; zeros are added where it is lower.
    pub fn rescaled(&self, exponent: i64, rounding: Rounding) -> Checked<Number> {
        if self.coefficient.is_zero() {
            return Ok(Number::zero(self.negative, exponent));
        }
        if self.exponent >= exponent {
            return self.with_lower_exponent(exponent);
        }
        let shift = self.exponent.abs_diff(exponent);
        let (coefficient, _) = scaled_down(&self.coefficient, shift, self.negative, rounding)?;
        Ok(Number::finite(self.negative, coefficient, exponent))
    }

    /// A NaN with as much of its payload as the context can hold.
    pub fn fixed_nan(mut self, f: &Frame) -> Number {
        let most = f.prec - i64::from(f.clamp);
        if self.digits() > most {
            self.coefficient = match power_of_ten(most as u64) {
                Ok(power) => &self.coefficient % power,
                Err(TooLarge) => UBig::ZERO,
            };
        }
        self
    }

    /// The result of an operation as the context can hold it ("finalised").
    pub fn finalized(self, f: &mut Frame) -> Checked<Number> {
        match self.kind {
            Kind::Finite => {}
            Kind::Infinity => return Ok(self),
            _ => return Ok(self.fixed_nan(f)),
        }
        if self.coefficient.is_zero() {
            let top = if f.clamp { f.etop() } else { f.emax };
            let exponent = self.exponent.clamp(f.etiny(), top.max(f.etiny()));
            if exponent != self.exponent {
                f.status |= CLAMPED;
            }
            return Ok(Number { exponent, ..self });
        }
        // Of a long coefficient the digits are counted only if it might matter.
        if u128::try_from(&self.coefficient).is_err() && !f.clamp {
            let (least, most) = digit_bounds(&self.coefficient);
            if most as i64 <= f.prec
                && self.exponent + most as i64 - 1 <= f.emax
                && self.exponent + least as i64 > f.emin
            {
                return Ok(self);
            }
        }
        let len = self.digits();
        let adjusted = self.exponent + len - 1;
        if len <= f.prec && adjusted >= f.emin && adjusted <= f.emax && !(f.clamp && self.exponent > f.etop())
        {
            return Ok(self);
        }
        self.finalized_slowly(len, f)
    }

    fn finalized_slowly(mut self, len: i64, f: &mut Frame) -> Checked<Number> {
        let is_subnormal = self.exponent + len - 1 < f.emin;
        let mut least = self.exponent + len - f.prec;
        if least > f.etop() {
            return self.overflow(f);
        }
        least = least.max(f.etiny());
        if self.exponent < least {
            let shift = least.abs_diff(self.exponent);
            let (coefficient, inexact) = scaled_down(&self.coefficient, shift, self.negative, f.rounding)?;
            self.coefficient = coefficient;
            self.exponent = least;
            f.status |= ROUNDED;
            if inexact {
                f.status |= INEXACT | if is_subnormal { UNDERFLOW } else { 0 };
                if self.digits() > f.prec {
                    // 99…9 became 100…0.
                    self.coefficient = &self.coefficient / 10u64;
                    self.exponent += 1;
                    if self.exponent > f.etop() {
                        return self.overflow(f);
                    }
                }
            }
            if is_subnormal {
                f.status |= SUBNORMAL;
            }
            if self.coefficient.is_zero() {
                f.status |= CLAMPED;
            }
            return Ok(self);
        }
        if is_subnormal {
            f.status |= SUBNORMAL;
        }
        if f.clamp && self.exponent > f.etop() {
            f.status |= CLAMPED;
            return self.with_lower_exponent(f.etop());
        }
        Ok(self)
    }

    /// What a number that is too large becomes.
    fn overflow(self, f: &mut Frame) -> Checked<Number> {
        f.status |= OVERFLOW | INEXACT | ROUNDED;
        let grows = match f.rounding {
            Rounding::Down | Rounding::ZeroFiveUp => false,
            Rounding::Ceiling => !self.negative,
            Rounding::Floor => self.negative,
            _ => true,
        };
        if grows {
            return Ok(Number::infinity(self.negative));
        }
        let coefficient = power_of_ten(f.prec as u64)? - UBig::ONE;
        Ok(Number::finite(self.negative, coefficient, f.etop()))
    }
}
