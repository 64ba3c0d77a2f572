//! `cmath`. The functions are those of the C library, with the special values of C's annex G.

use typhon_core::builtins::complex::convert::to_complex;
use typhon_core::number::{self, BinaryOp};
use typhon_core::{ArgsExt, Borrowed, ModuleDef, NativeDef, Owned, PyResult, Raised, Thread};

use crate::math::number as float;
use crate::math::real::libm;
use crate::support::ModuleExt;

/// C's `double complex`: passed and returned as two floats by the calling conventions of x86-64 and AArch64.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Complex {
    re: f64,
    im: f64,
}

/// The C library's functions of complex numbers.
mod clib {
    use super::Complex;
    // libm itself comes with the standard library.
    unsafe extern "C" {
        pub safe fn cacos(z: Complex) -> Complex;
        pub safe fn cacosh(z: Complex) -> Complex;
        pub safe fn casin(z: Complex) -> Complex;
        pub safe fn casinh(z: Complex) -> Complex;
        pub safe fn catan(z: Complex) -> Complex;
        pub safe fn catanh(z: Complex) -> Complex;
        pub safe fn ccos(z: Complex) -> Complex;
        pub safe fn ccosh(z: Complex) -> Complex;
        pub safe fn cexp(z: Complex) -> Complex;
        pub safe fn clog(z: Complex) -> Complex;
        pub safe fn csin(z: Complex) -> Complex;
        pub safe fn csinh(z: Complex) -> Complex;
        pub safe fn csqrt(z: Complex) -> Complex;
        pub safe fn ctan(z: Complex) -> Complex;
        pub safe fn ctanh(z: Complex) -> Complex;
    }
}

impl Complex {
    fn is_finite(self) -> bool {
        self.re.is_finite() && self.im.is_finite()
    }
    fn is_infinite(self) -> bool {
        self.re.is_infinite() || self.im.is_infinite()
    }
    fn is_nan(self) -> bool {
        self.re.is_nan() || self.im.is_nan()
    }
    fn is_zero(self) -> bool {
        self.re == 0.0 && self.im == 0.0
    }
    fn abs(self) -> f64 {
        self.re.hypot(self.im)
    }
    /// With the parts changed places: `f(i z)` of a function is another function of `z`.
    fn swapped(self) -> Complex {
        Complex { re: self.im, im: self.re }
    }
}

macro_rules! function {
    ($name:literal, $f:path, $outside:expr, $doc:literal) => {
        NativeDef::new($name, "($module, z, /)", |th, a| unary(th, a[0], |z| $f(z), $outside), $doc)
    };
}

macro_rules! test {
    ($name:literal, $f:path, $doc:literal) => {
        NativeDef::new($name, "($module, z, /)", |th, a| Ok(Owned::bool($f(complex(th, a[0])?))), $doc)
    };
}

pub static MODULE: ModuleDef = ModuleDef {
    name: "cmath",
    doc: "This module provides access to mathematical functions for complex\nnumbers.",
    functions: &[
        function!("acos", clib::cacos, nowhere, "Return the arc cosine of z."),
        function!("acosh", clib::cacosh, nowhere, "Return the inverse hyperbolic cosine of z."),
        function!("asin", clib::casin, nowhere, "Return the arc sine of z."),
        function!("asinh", clib::casinh, nowhere, "Return the inverse hyperbolic sine of z."),
        function!("atan", clib::catan, |z| is_unit(z.swapped()), "Return the arc tangent of z."),
        function!("atanh", clib::catanh, is_unit, "Return the inverse hyperbolic tangent of z."),
        function!("cos", clib::ccos, |z| turns_for_ever(z.swapped()), "Return the cosine of z."),
        function!("cosh", clib::ccosh, turns_for_ever, "Return the hyperbolic cosine of z."),
        function!(
            "exp",
            clib::cexp,
            |z| turns_for_ever(z) && z.re != f64::NEG_INFINITY,
            "Return the exponential value e**z."
        ),
        NativeDef::new(
            "isclose",
            "($module, /, a, b, *, rel_tol=1e-09, abs_tol=0.0)",
            isclose,
            "Determine whether two complex numbers are close in value.\n\n  rel_tol\n    maximum difference for being \
             considered \"close\", relative to the\n    magnitude of the input values\n  abs_tol\n    maximum \
             difference for being considered \"close\", regardless of the\n    magnitude of the input values",
        ),
        test!(
            "isfinite",
            Complex::is_finite,
            "Return True if both the real and imaginary parts of z are finite, else False."
        ),
        test!("isinf", Complex::is_infinite, "Checks if the real or imaginary part of z is infinite."),
        test!("isnan", Complex::is_nan, "Checks if the real or imaginary part of z not a number (NaN)."),
        NativeDef::new(
            "log",
            "($module, z, base=None, /)",
            log,
            "log(z[, base]) -> the logarithm of z to the given base.\n\nIf the base is not specified, returns the \
             natural logarithm (base e)\nof z.",
        ),
        function!("log10", log10, Complex::is_zero, "Return the base-10 logarithm of z."),
        NativeDef::new(
            "phase",
            "($module, z, /)",
            |th, a| {
                let z = complex(th, a[0])?;
                Ok(th.new_float(libm::atan2(z.im, z.re)))
            },
            "Return argument, also known as the phase angle, of a complex.",
        ),
        NativeDef::new(
            "polar",
            "($module, z, /)",
            polar,
            "Convert a complex from rectangular coordinates to polar coordinates.\n\nr is the distance from 0 and phi \
             the phase angle.",
        ),
        NativeDef::new(
            "rect",
            "($module, r, phi, /)",
            rect,
            "Convert from polar coordinates to rectangular coordinates.",
        ),
        function!("sin", clib::csin, |z| turns_for_ever(z.swapped()), "Return the sine of z."),
        function!("sinh", clib::csinh, turns_for_ever, "Return the hyperbolic sine of z."),
        function!("sqrt", clib::csqrt, nowhere, "Return the square root of z."),
        function!("tan", clib::ctan, |z| has_no_limit(z.swapped()), "Return the tangent of z."),
        function!("tanh", clib::ctanh, has_no_limit, "Return the hyperbolic tangent of z."),
    ],
    types: &[],
    setup: Some(setup),
};

fn setup(th: &mut Thread, m: Borrowed<'_>) -> PyResult<()> {
    use std::f64::consts::{E, PI, TAU};
    for (name, value) in [("e", E), ("pi", PI), ("tau", TAU), ("inf", f64::INFINITY), ("nan", f64::NAN)] {
        let value = th.new_float(value);
        m.add(th, name, value)?;
    }
    for (name, value) in [("infj", f64::INFINITY), ("nanj", f64::NAN)] {
        let value = th.new_complex(0.0, value);
        m.add(th, name, value)?;
    }
    Ok(())
}

/// Errors: TypeError for what is no number; what `__complex__` raises.
fn complex(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Complex> {
    match to_complex(th, o)? {
        Some((re, im)) => Ok(Complex { re, im }),
        None => {
            let msg = format!("must be real number, not {}", o.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

fn object(th: &mut Thread, z: Complex) -> Owned {
    th.new_complex(z.re, z.im)
}

#[cold]
fn domain(th: &mut Thread) -> Raised {
    th.value_error("math domain error")
}

#[cold]
fn range(th: &mut Thread) -> Raised {
    th.overflow_error("math range error")
}

/// Errors: ValueError where the function is not defined; OverflowError for an infinite result from finite arguments.
fn unary(
    th: &mut Thread,
    o: Borrowed<'_>,
    f: impl FnOnce(Complex) -> Complex,
    outside: impl FnOnce(Complex) -> bool,
) -> PyResult {
    let z = complex(th, o)?;
    if outside(z) {
        return Err(domain(th));
    }
    let r = f(z);
    if r.is_infinite() && z.is_finite() {
        return Err(range(th));
    }
    Ok(object(th, r))
}

fn nowhere(_: Complex) -> bool {
    false
}

/// The poles of `atanh`.
fn is_unit(z: Complex) -> bool {
    z.im == 0.0 && z.re.abs() == 1.0
}

/// An infinite angle: neither `exp` nor what is made of it has a limit there.
fn turns_for_ever(z: Complex) -> bool {
    z.im.is_infinite() && !z.re.is_nan()
}

/// As [`turns_for_ever`], of `tanh`, which has limits at the left and the right end.
fn has_no_limit(z: Complex) -> bool {
    z.im.is_infinite() && z.re.is_finite()
}

fn log10(z: Complex) -> Complex {
    let r = clib::clog(z);
    Complex { re: r.re / std::f64::consts::LN_10, im: r.im / std::f64::consts::LN_10 }
}

fn log(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(base) = a.opt(1) else {
        return unary(th, a[0], |z| clib::clog(z), Complex::is_zero);
    };
    let (z, base) = (complex(th, a[0])?, complex(th, base)?);
    let below = clib::clog(base);
    if base.is_zero() || below.is_zero() {
        return Err(domain(th));
    }
    let (above, below) = (object(th, clib::clog(z)), object(th, below));
    number::binary_op(th, BinaryOp::TrueDivide, above.borrow(), below.borrow())
}

fn polar(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let z = complex(th, a[0])?;
    let r = z.abs();
    if r.is_infinite() && z.is_finite() {
        return Err(range(th));
    }
    let (r, phi) = (th.new_float(r), th.new_float(libm::atan2(z.im, z.re)));
    Ok(th.new_pair(r, phi))
}

fn rect(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (r, phi) = (float(th, a[0])?, float(th, a[1])?);
    if phi.is_infinite() && r != 0.0 && !r.is_nan() {
        return Err(domain(th));
    }
    let z = if phi == 0.0 {
        // Not 0 times infinity, and the sign of zero is kept.
        Complex { re: r, im: if r.is_nan() { phi } else { phi.copysign(r.signum() * phi.signum()) } }
    } else if r == 0.0 && !phi.is_finite() {
        Complex { re: 0.0, im: 0.0 }
    } else if r.is_infinite() && phi.is_nan() {
        Complex { re: f64::INFINITY, im: f64::NAN }
    } else {
        Complex { re: r * libm::cos(phi), im: r * libm::sin(phi) }
    };
    Ok(object(th, z))
}

fn isclose(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (x, y) = (complex(th, a[0])?, complex(th, a[1])?);
    let relative = a.opt(2).map_or(Ok(1e-9), |v| float(th, v))?;
    let absolute = a.opt(3).map_or(Ok(0.0), |v| float(th, v))?;
    if relative < 0.0 || absolute < 0.0 {
        return Err(th.value_error("tolerances must be non-negative"));
    }
    let close = if x == y {
        true
    } else if x.is_infinite() || y.is_infinite() {
        false
    } else {
        let d = Complex { re: x.re - y.re, im: x.im - y.im }.abs();
        d <= relative * y.abs() || d <= relative * x.abs() || d <= absolute
    };
    Ok(Owned::bool(close))
}
