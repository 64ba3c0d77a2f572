//! Arithmetic of floats, with ints converted on the way in.

use super::BoxedFloat;
use crate::builtins::int::arith::compare_with_float;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::CompareOp;
use crate::thread::Thread;

/// An operand of float arithmetic: a float or an int.
enum Operand {
    Float(f64),
    TooLarge,
    Other,
}

#[inline(always)]
fn operand(o: Borrowed<'_>) -> Operand {
    if let Some(v) = o.word().unboxed_float() {
        return Operand::Float(v);
    }
    if o.word().is_int() {
        return Operand::Float(o.word().int() as f64);
    }
    match (o.as_float(), o.as_int()) {
        (Some(v), _) => Operand::Float(v),
        (None, Some(i)) => i.to_f64().map_or(Operand::TooLarge, Operand::Float),
        _ => Operand::Other,
    }
}

/// A float or int as a double; `None` for anything else. Errors: OverflowError for huge ints.
pub(crate) fn to_double(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<f64>> {
    match operand(o) {
        Operand::Float(v) => Ok(Some(v)),
        Operand::Other => Ok(None),
        Operand::TooLarge => Err(th.overflow_error("int too large to convert to float")),
    }
}

#[cold]
fn zero_division(th: &mut Thread) -> crate::Raised {
    th.zero_division_error("division by zero")
}

fn add(th: &mut Thread, a: f64, b: f64) -> PyResult {
    Ok(th.new_float(a + b))
}

fn subtract(th: &mut Thread, a: f64, b: f64) -> PyResult {
    Ok(th.new_float(a - b))
}

fn multiply(th: &mut Thread, a: f64, b: f64) -> PyResult {
    Ok(th.new_float(a * b))
}

fn true_divide(th: &mut Thread, a: f64, b: f64) -> PyResult {
    if b == 0.0 {
        return Err(zero_division(th));
    }
    Ok(th.new_float(a / b))
}

/// Floored quotient and remainder with the sign of `b`; `b` is not zero.
pub(crate) fn floor_divmod(a: f64, b: f64) -> (f64, f64) {
    let mut r = a % b;
    let mut q = (a - r) / b;
    if r != 0.0 {
        if (b < 0.0) != (r < 0.0) {
            r += b;
            q -= 1.0;
        }
    } else {
        r = 0f64.copysign(b);
    }
    let floor = if q != 0.0 {
        let f = q.floor();
        if q - f > 0.5 { f + 1.0 } else { f }
    } else {
        0f64.copysign(a / b)
    };
    (floor, r)
}

fn floor_divide(th: &mut Thread, a: f64, b: f64) -> PyResult {
    if b == 0.0 {
        return Err(zero_division(th));
    }
    Ok(th.new_float(floor_divmod(a, b).0))
}

fn remainder(th: &mut Thread, a: f64, b: f64) -> PyResult {
    if b == 0.0 {
        return Err(zero_division(th));
    }
    let mut r = a % b;
    if r != 0.0 {
        if (b < 0.0) != (r < 0.0) {
            r += b;
        }
    } else {
        r = 0f64.copysign(b);
    }
    Ok(th.new_float(r))
}

fn divmod(th: &mut Thread, a: f64, b: f64) -> PyResult {
    if b == 0.0 {
        return Err(zero_division(th));
    }
    let (q, r) = floor_divmod(a, b);
    let pair = vec![th.new_float(q), th.new_float(r)];
    Ok(th.new_tuple(pair))
}

/// `a ** b`: a complex result for a negative base and a fractional exponent.
pub(crate) fn power(th: &mut Thread, a: f64, b: f64) -> PyResult {
    if b == 0.0 || a == 1.0 {
        return Ok(th.new_float(1.0));
    }
    if a == 0.0 && b < 0.0 {
        return Err(th.zero_division_error("zero to a negative power"));
    }
    if a < 0.0 && a.is_finite() && b.is_finite() && b != b.floor() {
        return crate::builtins::complex::power_of_floats(th, a, b);
    }
    let v = a.powf(b);
    if v.is_infinite() && a.is_finite() && b.is_finite() {
        return Err(range_error(th));
    }
    Ok(th.new_float(v))
}

/// `OverflowError: (34, 'Numerical result out of range')`, as C's ERANGE is reported.
#[cold]
pub(crate) fn range_error(th: &mut Thread) -> crate::Raised {
    let args = vec![th.new_int(34), th.new_str("Numerical result out of range")];
    let args = th.new_tuple(args);
    let def = &crate::builtins::exceptions::OVERFLOW_ERROR;
    let exc = crate::builtins::exceptions::new_exception(th, def.ty(), args);
    th.set_exc(exc)
}

macro_rules! operators {
    ($($slot:ident $direct:ident $f:ident;)*) => { $(
        pub(in crate::builtins) fn $slot(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
            let (Some(x), Some(y)) = (to_double(th, a)?, to_double(th, b)?) else {
                return Ok(Owned::not_implemented());
            };
            $f(th, x, y)
        }
        #[doc = concat!("The operator `", stringify!($f), "` for values known to be floats or ints.")]
        pub fn $direct(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
            $slot(th, a, b)
        }
    )* };
}

operators! {
    slot_add float_add add;
    slot_subtract float_subtract subtract;
    slot_multiply float_multiply multiply;
    slot_true_divide float_true_divide true_divide;
    slot_floor_divide float_floor_divide floor_divide;
    slot_remainder float_remainder remainder;
    slot_divmod float_divmod divmod;
    slot_power_binary float_power power;
}

pub(in crate::builtins) fn slot_power(
    th: &mut Thread,
    a: Borrowed<'_>,
    b: Borrowed<'_>,
    c: Borrowed<'_>,
) -> PyResult {
    if !c.is_null() && !c.is_none() {
        return Err(th.type_error("pow() 3rd argument not allowed unless all arguments are integers"));
    }
    slot_power_binary(th, a, b)
}

/// The value of a float that is known to be one.
#[inline(always)]
pub(super) fn of(o: Borrowed<'_>) -> f64 {
    o.as_float().expect("self is a float")
}

pub(in crate::builtins) fn slot_negative(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(th.new_float(-of(o)))
}

/// `+o`, `float(o)`: the value as an exact float.
pub(in crate::builtins) fn slot_same(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    if !o.word().is_ptr() || o.downcast_exact::<BoxedFloat>().is_some() {
        return Ok(o.to_owned());
    }
    Ok(th.new_float(of(o)))
}

pub(in crate::builtins) fn slot_absolute(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(th.new_float(of(o).abs()))
}

pub(in crate::builtins) fn slot_int(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    to_int(th, of(o))
}

/// `int(v)`: truncates. Errors: OverflowError for infinity, ValueError for NaN.
pub fn to_int(th: &mut Thread, v: f64) -> PyResult {
    if v.is_infinite() {
        return Err(th.overflow_error("cannot convert float infinity to integer"));
    }
    if v.is_nan() {
        return Err(th.value_error("cannot convert float NaN to integer"));
    }
    Ok(match typhon_text::float::to_integer(v) {
        typhon_text::int::Int::Small(i) => th.new_int(i),
        typhon_text::int::Int::Big(b) => th.new_big(b),
    })
}

pub(in crate::builtins) fn slot_bool(_th: &mut Thread, o: Borrowed<'_>) -> PyResult<bool> {
    Ok(of(o) != 0.0)
}

pub(in crate::builtins) fn slot_hash(_th: &mut Thread, o: Borrowed<'_>) -> PyResult<i64> {
    Ok(match typhon_text::hash::hash_float(of(o)) {
        Some(h) => h,
        None => typhon_text::hash::hash_pointer(o.word().identity() as usize),
    })
}

pub(in crate::builtins) fn slot_compare(
    _th: &mut Thread,
    a: Borrowed<'_>,
    b: Borrowed<'_>,
    op: CompareOp,
) -> PyResult {
    let x = of(a);
    let order = if let Some(y) = b.as_float() {
        x.partial_cmp(&y)
    } else if let Some(i) = b.as_int() {
        compare_with_float(i, x).map(core::cmp::Ordering::reverse)
    } else {
        return Ok(Owned::not_implemented());
    };
    Ok(Owned::bool(match order {
        Some(o) => op.matches(o),
        None => op == CompareOp::Ne,
    }))
}

#[cfg(test)]
mod tests {
    use super::floor_divmod;

    #[test]
    fn floor_division_of_floats() {
        assert_eq!(floor_divmod(7.0, -2.0), (-4.0, -1.0));
        assert_eq!(floor_divmod(-7.0, 2.0), (-4.0, 1.0));
        assert_eq!(floor_divmod(1.0, 0.1).0, 9.0);
        assert_eq!(floor_divmod(-0.0, 1.0).1.to_bits(), 0f64.to_bits());
        assert!(floor_divmod(f64::INFINITY, 1.0).0.is_nan());
        assert_eq!(floor_divmod(1.0, f64::INFINITY), (0.0, 1.0));
        assert_eq!(floor_divmod(-1.0, f64::INFINITY), (-1.0, f64::INFINITY));
    }
}
