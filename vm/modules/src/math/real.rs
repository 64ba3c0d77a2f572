//! Functions of floats. Those of the C library are the C library's, so results agree with CPython's to the
//! last bit on the same system.

use typhon_core::builtins::float::arith::to_int;
use typhon_core::builtins::int::IntRef;
use typhon_core::number;
use typhon_core::{ArgsExt, Borrowed, Owned, PyResult, Raised, Thread};

use super::number as float;

/// The C library's functions.
pub mod libm {
    use libc::{c_double, c_int};
    // libm itself comes with the standard library.
    unsafe extern "C" {
        pub safe fn acos(x: c_double) -> c_double;
        pub safe fn acosh(x: c_double) -> c_double;
        pub safe fn asin(x: c_double) -> c_double;
        pub safe fn asinh(x: c_double) -> c_double;
        pub safe fn atan(x: c_double) -> c_double;
        pub safe fn atan2(y: c_double, x: c_double) -> c_double;
        pub safe fn atanh(x: c_double) -> c_double;
        pub safe fn cbrt(x: c_double) -> c_double;
        pub safe fn cos(x: c_double) -> c_double;
        pub safe fn cosh(x: c_double) -> c_double;
        pub safe fn erf(x: c_double) -> c_double;
        pub safe fn erfc(x: c_double) -> c_double;
        pub safe fn exp(x: c_double) -> c_double;
        pub safe fn exp2(x: c_double) -> c_double;
        pub safe fn expm1(x: c_double) -> c_double;
        pub safe fn fma(x: c_double, y: c_double, z: c_double) -> c_double;
        pub safe fn fmod(x: c_double, y: c_double) -> c_double;
        pub safe fn ldexp(x: c_double, n: c_int) -> c_double;
        pub safe fn log(x: c_double) -> c_double;
        pub safe fn log10(x: c_double) -> c_double;
        pub safe fn log1p(x: c_double) -> c_double;
        pub safe fn log2(x: c_double) -> c_double;
        pub safe fn nextafter(x: c_double, y: c_double) -> c_double;
        pub safe fn pow(x: c_double, y: c_double) -> c_double;
        pub safe fn remainder(x: c_double, y: c_double) -> c_double;
        pub safe fn sin(x: c_double) -> c_double;
        pub safe fn sinh(x: c_double) -> c_double;
        pub safe fn tan(x: c_double) -> c_double;
        pub safe fn tanh(x: c_double) -> c_double;
        pub safe fn tgamma(x: c_double) -> c_double;
        fn lgamma_r(x: c_double, sign: *mut c_int) -> c_double;
    }

    /// `log |Γ(x)|`
    pub fn lgamma(x: f64) -> f64 {
        let mut sign = 0;
        // SAFETY: `sign` is a valid place for the sign.
        unsafe { lgamma_r(x, &mut sign) }
    }
}

#[cold]
fn domain(th: &mut Thread) -> Raised {
    th.value_error("math domain error")
}

#[cold]
fn range(th: &mut Thread) -> Raised {
    th.overflow_error("math range error")
}

#[cold]
fn expected(th: &mut Thread, what: &str, x: f64) -> Raised {
    let mut text = Vec::new();
    typhon_text::float::write_repr(x, &mut text);
    th.value_error(&format!("expected {what}, got {}", String::from_utf8_lossy(&text)))
}

/// A function that may overflow but is defined everywhere.
macro_rules! overflowing {
    ($($name:ident)*) => { $(
        pub fn $name(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
            let x = float(th, o)?;
            let r = libm::$name(x);
            if r.is_infinite() && x.is_finite() {
                return Err(range(th));
            }
            Ok(th.new_float(r))
        }
    )* };
}
overflowing! { cosh exp exp2 expm1 sinh }

/// A function that is defined everywhere and never overflows.
macro_rules! total {
    ($($name:ident)*) => { $(
        pub fn $name(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
            let x = float(th, o)?;
            Ok(th.new_float(libm::$name(x)))
        }
    )* };
}
total! { asinh atan cbrt erf erfc tanh }

/// A function with a restricted domain: NaN (or infinity) from a proper argument is an error.
macro_rules! restricted {
    ($($name:ident $what:literal;)*) => { $(
        pub fn $name(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
            let x = float(th, o)?;
            let r = libm::$name(x);
            if (r.is_nan() && !x.is_nan()) || (r.is_infinite() && x.is_finite()) {
                return Err(expected(th, $what, x));
            }
            Ok(th.new_float(r))
        }
    )* };
}
restricted! {
    acos "a number in range from -1 up to 1";
    acosh "argument value not less than 1";
    asin "a number in range from -1 up to 1";
    atanh "a number between -1 and 1";
    cos "a finite input";
    log1p "argument value > -1";
    sin "a finite input";
    tan "a finite input";
}

pub fn sqrt(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let x = float(th, o)?;
    if x < 0.0 {
        return Err(expected(th, "a nonnegative input", x));
    }
    Ok(th.new_float(x.sqrt()))
}

pub fn fabs(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let x = float(th, o)?;
    Ok(th.new_float(x.abs()))
}

pub fn degrees(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let x = float(th, o)?;
    Ok(th.new_float(x * (180.0 / core::f64::consts::PI)))
}

pub fn radians(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let x = float(th, o)?;
    Ok(th.new_float(x * (core::f64::consts::PI / 180.0)))
}

const GAMMA_DOMAIN: &str = "a noninteger or positive integer";

pub fn gamma(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let x = float(th, o)?;
    if x == f64::NEG_INFINITY || (x <= 0.0 && x == x.floor()) {
        return Err(expected(th, GAMMA_DOMAIN, x));
    }
    let r = libm::tgamma(x);
    if r.is_infinite() && x.is_finite() {
        return Err(range(th));
    }
    Ok(th.new_float(r))
}

pub fn lgamma(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let x = float(th, o)?;
    if x.is_infinite() {
        return Ok(th.new_float(f64::INFINITY));
    }
    if x <= 0.0 && x == x.floor() {
        return Err(expected(th, GAMMA_DOMAIN, x));
    }
    let r = libm::lgamma(x);
    if r.is_infinite() {
        return Err(range(th));
    }
    Ok(th.new_float(r))
}

/// The logarithm of an int of any size through mantissa and exponent, of others through the C library.
fn logarithm(th: &mut Thread, o: Borrowed<'_>, f: fn(f64) -> f64) -> PyResult<f64> {
    if let Some(i) = o.as_int() {
        let x = match i {
            IntRef::Small(v) => v as f64,
            IntRef::Big(v) => match i.to_f64() {
                Some(x) => x,
                None if i.is_negative() => -1.0,
                None => {
                    let bits = typhon_text::int::bit_len(v);
                    let shift = bits - 64;
                    let top: f64 = (v >> shift).to_f64().value();
                    return Ok(f(top) + f(2.0) * shift as f64);
                }
            },
        };
        if x <= 0.0 {
            return Err(th.value_error("expected a positive input"));
        }
        return Ok(f(x));
    }
    let x = float(th, o)?;
    if x.is_nan() {
        return Ok(x);
    }
    if x <= 0.0 {
        return Err(expected(th, "a positive input", x));
    }
    Ok(f(x))
}

pub fn log(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let x = logarithm(th, a[0], |x| libm::log(x))?;
    match a.opt(1) {
        None => Ok(th.new_float(x)),
        Some(base) => {
            let b = logarithm(th, base, |x| libm::log(x))?;
            if b == 0.0 {
                return Err(th.zero_division_error("division by zero"));
            }
            Ok(th.new_float(x / b))
        }
    }
}

pub fn log2(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let x = logarithm(th, o, |x| libm::log2(x))?;
    Ok(th.new_float(x))
}

pub fn log10(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let x = logarithm(th, o, |x| libm::log10(x))?;
    Ok(th.new_float(x))
}

fn two(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult<(f64, f64)> {
    Ok((float(th, a[0])?, float(th, a[1])?))
}

pub fn atan2(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (y, x) = two(th, a)?;
    Ok(th.new_float(libm::atan2(y, x)))
}

pub fn copysign(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (x, y) = two(th, a)?;
    Ok(th.new_float(x.copysign(y)))
}

pub fn fmod(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (x, y) = two(th, a)?;
    if y.is_infinite() && x.is_finite() {
        return Ok(th.new_float(x));
    }
    let r = libm::fmod(x, y);
    if r.is_nan() && !x.is_nan() && !y.is_nan() {
        return Err(domain(th));
    }
    Ok(th.new_float(r))
}

pub fn remainder(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (x, y) = two(th, a)?;
    if x.is_finite() && y.is_infinite() {
        return Ok(th.new_float(x));
    }
    let r = libm::remainder(x, y);
    if r.is_nan() && !x.is_nan() && !y.is_nan() {
        return Err(domain(th));
    }
    Ok(th.new_float(r))
}

pub fn pow(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (x, y) = two(th, a)?;
    let r = libm::pow(x, y);
    if x.is_finite() && y.is_finite() {
        if r.is_nan() || (r.is_infinite() && x == 0.0) {
            return Err(domain(th));
        }
        if r.is_infinite() {
            return Err(range(th));
        }
    }
    Ok(th.new_float(r))
}

pub fn fma(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (x, y) = two(th, a)?;
    let z = float(th, a[2])?;
    let r = libm::fma(x, y, z);
    if r.is_finite() {
        return Ok(th.new_float(r));
    }
    if r.is_nan() {
        if !x.is_nan() && !y.is_nan() && !z.is_nan() {
            return Err(th.value_error("invalid operation in fma"));
        }
    } else if x.is_finite() && y.is_finite() && z.is_finite() {
        return Err(th.overflow_error("overflow in fma"));
    }
    Ok(th.new_float(r))
}

/// Mantissa in ±[0.5, 1) and exponent of a finite number.
pub fn split(x: f64) -> (f64, i32) {
    if x == 0.0 || !x.is_finite() {
        return (x, 0);
    }
    let (x, bias) = if x.abs() < f64::MIN_POSITIVE { (x * 2f64.powi(64), -64) } else { (x, 0) };
    let bits = x.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32 - 1022 + bias;
    (f64::from_bits(bits & !(0x7ff << 52) | 1022 << 52), exponent)
}

pub fn frexp(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let x = float(th, o)?;
    let (m, e) = split(x);
    let (m, e) = (th.new_float(m), th.new_int(i64::from(e)));
    Ok(th.new_pair(m, e))
}

pub fn ldexp(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let x = float(th, a[0])?;
    let exponent = match a[1].as_int() {
        Some(IntRef::Small(v)) => v,
        Some(v) => {
            if v.is_negative() {
                i64::MIN
            } else {
                i64::MAX
            }
        }
        None => return Err(th.type_error("Expected an int as second argument to ldexp.")),
    };
    if x == 0.0 || !x.is_finite() {
        return Ok(th.new_float(x));
    }
    let r = libm::ldexp(x, exponent.clamp(-100_000, 100_000) as i32);
    if r.is_infinite() {
        return Err(range(th));
    }
    Ok(th.new_float(r))
}

pub fn modf(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let x = float(th, o)?;
    let (fraction, whole) =
        if x.is_infinite() { (0f64.copysign(x), x) } else { ((x - x.trunc()).copysign(x), x.trunc()) };
    let (fraction, whole) = (th.new_float(fraction), th.new_float(whole));
    Ok(th.new_pair(fraction, whole))
}

pub fn nextafter(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (x, y) = two(th, a)?;
    let Some(steps) = a.some(2) else { return Ok(th.new_float(libm::nextafter(x, y))) };
    let steps = number::index(th, steps)?;
    let steps = match steps.borrow().as_int() {
        Some(v) if v.is_negative() => return Err(th.value_error("steps must be a non-negative integer")),
        Some(IntRef::Small(v)) => v as u64,
        _ => u64::MAX,
    };
    if steps == 0 || x.is_nan() {
        return Ok(th.new_float(x));
    }
    if y.is_nan() {
        return Ok(th.new_float(y));
    }
    // Floats in order are the ints of their bits in order, on each side of zero.
    let key = |v: f64| {
        let b = v.to_bits() as i64;
        i128::from(if b < 0 { i64::MIN.wrapping_sub(b) } else { b })
    };
    let (from, to) = (key(x), key(y));
    let steps = i128::from(steps);
    let at = if from < to { (from + steps).min(to) } else { (from - steps).max(to) };
    if at == to {
        return Ok(th.new_float(y));
    }
    let bits = if at < 0 { ((-at) as u64) | 1 << 63 } else { at as u64 };
    let r = f64::from_bits(bits);
    Ok(th.new_float(if at == 0 && from < 0 { -0.0 } else { r }))
}

pub fn ulp(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let x = float(th, o)?.abs();
    if x.is_nan() || x.is_infinite() {
        return Ok(th.new_float(x));
    }
    let next = libm::nextafter(x, f64::INFINITY);
    Ok(th.new_float(if next.is_infinite() { x - libm::nextafter(x, 0.0) } else { next - x }))
}

pub fn isfinite(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(Owned::bool(float(th, o)?.is_finite()))
}

pub fn isinf(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(Owned::bool(float(th, o)?.is_infinite()))
}

pub fn isnan(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(Owned::bool(float(th, o)?.is_nan()))
}

pub fn isclose(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (x, y) = two(th, a)?;
    let relative = match a.opt(2) {
        Some(v) => float(th, v)?,
        None => 1e-9,
    };
    let absolute = match a.opt(3) {
        Some(v) => float(th, v)?,
        None => 0.0,
    };
    if relative < 0.0 || absolute < 0.0 {
        return Err(th.value_error("tolerances must be non-negative"));
    }
    let close = if x == y {
        true
    } else if x.is_infinite() || y.is_infinite() {
        false
    } else {
        let d = (x - y).abs();
        d <= (relative * y).abs() || d <= (relative * x).abs() || d <= absolute
    };
    Ok(Owned::bool(close))
}

/// Calls `__ceil__` and the like, or rounds the float value.
fn rounded(th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'_>, f: fn(f64) -> f64) -> PyResult {
    if let Some(v) = o.word().unboxed_float() {
        return to_int(th, f(v));
    }
    if o.word().is_int() {
        return Ok(o.to_owned());
    }
    if o.as_float().is_none()
        && let Some(r) = o.call_special(th, name, &[])?
    {
        return Ok(r);
    }
    let x = float(th, o)?;
    to_int(th, f(x))
}

pub fn ceil(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let name = th.rt.names.__ceil__.get();
    rounded(th, o, name, f64::ceil)
}

pub fn floor(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let name = th.rt.names.__floor__.get();
    rounded(th, o, name, f64::floor)
}

pub fn trunc(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    if let Some(v) = o.word().unboxed_float() {
        return to_int(th, v.trunc());
    }
    let name = th.rt.names.__trunc__.get();
    match o.call_special(th, name, &[])? {
        Some(r) => Ok(r),
        None => {
            let msg = format!("type {} doesn't define __trunc__ method", o.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}
