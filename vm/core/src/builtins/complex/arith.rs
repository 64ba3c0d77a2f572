//! Arithmetic of complex numbers. Real operands are not widened (C99 annex G, Python 3.14), and
//! products and quotients recover infinities as annex G asks.

use super::{Complex, of};
use crate::object::{Borrowed, Owned, PyResult};
use crate::thread::Thread;

type C = (f64, f64);

/// An operand of complex arithmetic.
#[derive(Clone, Copy)]
enum Operand {
    Real(f64),
    Complex(C),
}

impl Operand {
    fn widened(self) -> C {
        match self {
            Operand::Real(r) => (r, 0.0),
            Operand::Complex(c) => c,
        }
    }
}

fn operand(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Operand>> {
    if let Some(c) = o.downcast::<Complex>() {
        return Ok(Some(Operand::Complex((c.re, c.im))));
    }
    Ok(crate::builtins::float::arith::to_double(th, o)?.map(Operand::Real))
}

use Operand::{Complex as Cx, Real};

pub(super) fn product(a: C, b: C) -> C {
    let (ac, bd, ad, bc) = (a.0 * b.0, a.1 * b.1, a.0 * b.1, a.1 * b.0);
    let r = (ac - bd, ad + bc);
    if r.0.is_nan() && r.1.is_nan() { recover_product(a, b, [ac, bd, ad, bc]).unwrap_or(r) } else { r }
}

/// Turns an infinity into ±1 and everything else into ±0.
fn boxed(c: C) -> C {
    let part = |v: f64| (if v.is_infinite() { 1.0f64 } else { 0.0 }).copysign(v);
    (part(c.0), part(c.1))
}

fn without_nan(c: C) -> C {
    let part = |v: f64| if v.is_nan() { 0f64.copysign(v) } else { v };
    (part(c.0), part(c.1))
}

fn recover_product(mut a: C, mut b: C, partial: [f64; 4]) -> Option<C> {
    let infinite = |c: C| c.0.is_infinite() || c.1.is_infinite();
    let mut recover = false;
    if infinite(a) {
        a = boxed(a);
        b = without_nan(b);
        recover = true;
    }
    if infinite(b) {
        b = boxed(b);
        a = without_nan(a);
        recover = true;
    }
    if !recover && partial.iter().any(|v| v.is_infinite()) {
        a = without_nan(a);
        b = without_nan(b);
        recover = true;
    }
    let inf = f64::INFINITY;
    recover.then_some((inf * (a.0 * b.0 - a.1 * b.1), inf * (a.0 * b.1 + a.1 * b.0)))
}

/// Smith's algorithm; `None` for a zero divisor.
pub(super) fn quotient(a: C, b: C) -> Option<C> {
    let (x, y) = (b.0.abs(), b.1.abs());
    let r = if x >= y {
        if x == 0.0 {
            return None;
        }
        let ratio = b.1 / b.0;
        let d = b.0 + b.1 * ratio;
        ((a.0 + a.1 * ratio) / d, (a.1 - a.0 * ratio) / d)
    } else if y >= x {
        let ratio = b.0 / b.1;
        let d = b.0 * ratio + b.1;
        ((a.0 * ratio + a.1) / d, (a.1 * ratio - a.0) / d)
    } else {
        (f64::NAN, f64::NAN)
    };
    if r.0.is_nan() && r.1.is_nan() {
        let infinite = |c: C| c.0.is_infinite() || c.1.is_infinite();
        let finite = |c: C| c.0.is_finite() && c.1.is_finite();
        if infinite(a) && finite(b) {
            let (x, y) = boxed(a);
            let inf = f64::INFINITY;
            return Some((inf * (x * b.0 + y * b.1), inf * (y * b.0 - x * b.1)));
        }
        if (x.is_infinite() || y.is_infinite()) && finite(a) {
            let (x, y) = boxed(b);
            return Some((0.0 * (a.0 * x + a.1 * y), 0.0 * (a.1 * x - a.0 * y)));
        }
    }
    Some(r)
}

/// `a / b` for a real numerator.
fn real_quotient(a: f64, b: C) -> Option<C> {
    let (x, y) = (b.0.abs(), b.1.abs());
    let r = if x >= y {
        if x == 0.0 {
            return None;
        }
        let ratio = b.1 / b.0;
        let d = b.0 + b.1 * ratio;
        (a / d, (-a * ratio) / d)
    } else if y >= x {
        let ratio = b.0 / b.1;
        let d = b.0 * ratio + b.1;
        ((a * ratio) / d, -a / d)
    } else {
        (f64::NAN, f64::NAN)
    };
    if r.0.is_nan() && r.1.is_nan() && a.is_finite() && (x.is_infinite() || y.is_infinite()) {
        let (x, y) = boxed(b);
        return Some((0.0 * (a * x), 0.0 * (-a * y)));
    }
    Some(r)
}

macro_rules! slots {
    ($($name:ident ($th:ident, $a:ident, $b:ident) { $($pattern:pat => $value:expr,)* })*) => { $(
        pub(super) fn $name($th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
            let (Some($a), Some($b)) = (operand($th, a)?, operand($th, b)?) else {
                return Ok(Owned::not_implemented());
            };
            let (re, im) = match ($a, $b) { $($pattern => $value,)* };
            Ok($th.new_complex(re, im))
        }
    )* };
}

fn nonzero(th: &mut Thread, c: Option<C>) -> PyResult<C> {
    c.ok_or_else(|| th.zero_division_error("division by zero"))
}

slots! {
    slot_add(th, a, b) {
        (Real(x), Real(y)) => (x + y, 0.0),
        (Real(x), Cx(c)) | (Cx(c), Real(x)) => (c.0 + x, c.1),
        (Cx(a), Cx(b)) => (a.0 + b.0, a.1 + b.1),
    }
    slot_subtract(th, a, b) {
        (Real(x), Real(y)) => (x - y, 0.0),
        (Real(x), Cx(c)) => (x - c.0, -c.1),
        (Cx(c), Real(x)) => (c.0 - x, c.1),
        (Cx(a), Cx(b)) => (a.0 - b.0, a.1 - b.1),
    }
    slot_multiply(th, a, b) {
        (Real(x), Real(y)) => (x * y, 0.0),
        (Real(x), Cx(c)) | (Cx(c), Real(x)) => (c.0 * x, c.1 * x),
        (Cx(a), Cx(b)) => product(a, b),
    }
    slot_true_divide(th, a, b) {
        (_, Real(0.0)) => return Err(th.zero_division_error("division by zero")),
        (Real(x), Real(y)) => (x / y, 0.0),
        (Cx(c), Real(x)) => (c.0 / x, c.1 / x),
        (Real(x), Cx(c)) => nonzero(th, real_quotient(x, c))?,
        (Cx(a), Cx(b)) => nonzero(th, quotient(a, b))?,
    }
}

fn integer_power(a: C, n: u32) -> C {
    let (mut r, mut p, mut n) = ((1.0, 0.0), a, n);
    while n != 0 {
        if n & 1 == 1 {
            r = product(r, p);
        }
        p = product(p, p);
        n >>= 1;
    }
    r
}

fn general_power(a: C, b: C) -> Option<C> {
    if b == (0.0, 0.0) {
        return Some((1.0, 0.0));
    }
    if a == (0.0, 0.0) {
        return if b.1 != 0.0 || b.0 < 0.0 { None } else { Some((0.0, 0.0)) };
    }
    let modulus = a.0.hypot(a.1);
    let mut length = modulus.powf(b.0);
    let angle = a.1.atan2(a.0);
    let mut phase = angle * b.0;
    if b.1 != 0.0 {
        length *= (-angle * b.1).exp();
        phase += b.1 * modulus.ln();
    }
    Some((length * phase.cos(), length * phase.sin()))
}

fn power(th: &mut Thread, a: C, b: C) -> PyResult {
    let small = b.1 == 0.0 && b.0 == b.0.floor() && b.0.abs() <= 100.0;
    let r = if small && b.0 >= 0.0 {
        Some(integer_power(a, b.0 as u32))
    } else if small {
        quotient((1.0, 0.0), integer_power(a, (-b.0) as u32))
    } else {
        general_power(a, b)
    };
    let Some(r) = r else {
        return Err(th.zero_division_error("zero to a negative or complex power"));
    };
    let overflow = r.0.is_infinite() || r.1.is_infinite();
    if overflow && [a.0, a.1, b.0, b.1].iter().all(|v| v.is_finite()) {
        return Err(th.overflow_error("complex exponentiation"));
    }
    Ok(th.new_complex(r.0, r.1))
}

/// `a ** b` for a negative base and a fractional exponent.
pub(crate) fn power_of_floats(th: &mut Thread, a: f64, b: f64) -> PyResult {
    power(th, (a, 0.0), (b, 0.0))
}

pub(super) fn slot_power(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, c: Borrowed<'_>) -> PyResult {
    let (Some(a), Some(b)) = (operand(th, a)?, operand(th, b)?) else {
        return Ok(Owned::not_implemented());
    };
    if !c.is_null() && !c.is_none() {
        return Err(th.value_error("complex modulo"));
    }
    power(th, a.widened(), b.widened())
}

pub(super) fn slot_negative(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let (re, im) = of(o);
    Ok(th.new_complex(-re, -im))
}

pub(super) fn slot_positive(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    if o.downcast_exact::<Complex>().is_some() {
        return Ok(o.to_owned());
    }
    let (re, im) = of(o);
    Ok(th.new_complex(re, im))
}

pub(super) fn slot_absolute(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let (re, im) = of(o);
    let v = re.hypot(im);
    if v.is_infinite() && re.is_finite() && im.is_finite() {
        return Err(th.overflow_error("absolute value too large"));
    }
    Ok(th.new_float(v))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn infinities_are_recovered() {
        let inf = f64::INFINITY;
        assert_eq!(product((inf, f64::NAN), (1.0, 1.0)), (inf, inf));
        assert_eq!(quotient((1.0, 1.0), (inf, f64::NAN)), Some((0.0, 0.0)));
        assert_eq!(quotient((1.0, 2.0), (0.0, 0.0)), None);
        assert_eq!(quotient((4.0, 2.0), (1.0, -1.0)), Some((1.0, 3.0)));
        assert_eq!(real_quotient(2.0, (0.0, 1.0)), Some((0.0, -2.0)));
        assert_eq!(integer_power((0.0, 1.0), 2), (-1.0, 0.0));
    }
}
