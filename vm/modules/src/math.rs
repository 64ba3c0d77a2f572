//! `math`.

pub mod integer;
pub mod real;
pub mod sums;
mod vector;

use typhon_core::{Borrowed, ModuleDef, NativeDef, PyResult, Thread};

use crate::support::ModuleExt;

/// A float argument; floats and small ints at once.
#[inline(always)]
pub fn number(th: &mut Thread, o: Borrowed<'_>) -> PyResult<f64> {
    let w = o.word();
    if let Some(v) = w.unboxed_float() {
        return Ok(v);
    }
    if w.is_int() {
        return Ok(w.int() as f64);
    }
    o.to_f64(th)
}

macro_rules! one {
    ($name:literal, $f:path, $doc:literal) => {
        NativeDef::new($name, "($module, x, /)", |th, a| $f(th, a[0]), $doc)
    };
}

pub static MODULE: ModuleDef = ModuleDef {
    name: "math",
    doc: "This module provides access to the mathematical functions\ndefined by the C standard.",
    functions: &[
        one!(
            "acos",
            real::acos,
            "Return the arc cosine (measured in radians) of x.\n\nThe result is between 0 and pi."
        ),
        one!("acosh", real::acosh, "Return the inverse hyperbolic cosine of x."),
        one!(
            "asin",
            real::asin,
            "Return the arc sine (measured in radians) of x.\n\nThe result is between -pi/2 and pi/2."
        ),
        one!("asinh", real::asinh, "Return the inverse hyperbolic sine of x."),
        one!(
            "atan",
            real::atan,
            "Return the arc tangent (measured in radians) of x.\n\nThe result is between -pi/2 and pi/2."
        ),
        NativeDef::new(
            "atan2",
            "($module, y, x, /)",
            real::atan2,
            "Return the arc tangent (measured in radians) of y/x.\n\nUnlike atan(y/x), the signs of both x and y are considered.",
        ),
        one!("atanh", real::atanh, "Return the inverse hyperbolic tangent of x."),
        one!("cbrt", real::cbrt, "Return the cube root of x."),
        one!(
            "ceil",
            real::ceil,
            "Return the ceiling of x as an Integral.\n\nThis is the smallest integer >= x."
        ),
        NativeDef::new(
            "comb",
            "($module, n, k, /)",
            integer::comb,
            "Number of ways to choose k items from n items without repetition and without order.\n\nEvaluates to n! / (k! * (n - k)!) when k <= n and evaluates\nto zero when k > n.",
        ),
        NativeDef::new(
            "copysign",
            "($module, x, y, /)",
            real::copysign,
            "Return a float with the magnitude (absolute value) of x but the sign of y.",
        ),
        one!("cos", real::cos, "Return the cosine of x (measured in radians)."),
        one!("cosh", real::cosh, "Return the hyperbolic cosine of x."),
        one!("degrees", real::degrees, "Convert angle x from radians to degrees."),
        NativeDef::new(
            "dist",
            "($module, p, q, /)",
            vector::dist,
            "Return the Euclidean distance between two points p and q.\n\nThe points should be specified as sequences (or iterables) of\ncoordinates.  Both inputs must have the same dimension.",
        ),
        one!("erf", real::erf, "Error function at x."),
        one!("erfc", real::erfc, "Complementary error function at x."),
        one!("exp", real::exp, "Return e raised to the power of x."),
        one!("exp2", real::exp2, "Return 2 raised to the power of x."),
        one!(
            "expm1",
            real::expm1,
            "Return exp(x)-1.\n\nThis function avoids the loss of precision involved in the direct evaluation of exp(x)-1 for small x."
        ),
        one!("fabs", real::fabs, "Return the absolute value of the float x."),
        one!("factorial", integer::factorial, "Find n!."),
        one!(
            "floor",
            real::floor,
            "Return the floor of x as an Integral.\n\nThis is the largest integer <= x."
        ),
        NativeDef::new(
            "fma",
            "($module, x, y, z, /)",
            real::fma,
            "Fused multiply-add operation.\n\nCompute (x * y) + z with a single round.",
        ),
        NativeDef::new(
            "fmod",
            "($module, x, y, /)",
            real::fmod,
            "Return fmod(x, y), according to platform C.\n\nx % y may differ.",
        ),
        one!(
            "frexp",
            real::frexp,
            "Return the mantissa and exponent of x, as pair (m, e).\n\nm is a float and e is an int, such that x = m * 2.**e.\nIf x is 0, m and e are both 0.  Else 0.5 <= abs(m) < 1.0."
        ),
        NativeDef::new(
            "fsum",
            "($module, seq, /)",
            sums::fsum,
            "Return an accurate floating-point sum of values in the iterable seq.\n\nAssumes IEEE-754 floating-point arithmetic.",
        ),
        one!("gamma", real::gamma, "Gamma function at x."),
        NativeDef::raw("gcd", "($module, *integers)", integer::gcd, "Greatest Common Divisor."),
        NativeDef::raw(
            "hypot",
            "($module, *coordinates)",
            vector::hypot,
            "Multidimensional Euclidean distance from the origin to a point.\n\nRoughly equivalent to:\n    sqrt(sum(x**2 for x in coordinates))",
        ),
        NativeDef::new(
            "isclose",
            "($module, /, a, b, *, rel_tol=1e-09, abs_tol=0.0)",
            real::isclose,
            "Determine whether two floating-point numbers are close in value.\n\n  rel_tol\n    maximum difference for being considered \"close\", relative to the\n    magnitude of the input values\n  abs_tol\n    maximum difference for being considered \"close\", regardless of the\n    magnitude of the input values\n\nReturn True if a is close in value to b, and False otherwise.",
        ),
        one!(
            "isfinite",
            real::isfinite,
            "Return True if x is neither an infinity nor a NaN, and False otherwise."
        ),
        one!(
            "isinf",
            real::isinf,
            "Return True if x is a positive or negative infinity, and False otherwise."
        ),
        one!("isnan", real::isnan, "Return True if x is a NaN (not a number), and False otherwise."),
        one!("isqrt", integer::isqrt, "Return the integer part of the square root of the input."),
        NativeDef::raw("lcm", "($module, *integers)", integer::lcm, "Least Common Multiple."),
        NativeDef::new(
            "ldexp",
            "($module, x, i, /)",
            real::ldexp,
            "Return x * (2**i).\n\nThis is essentially the inverse of frexp().",
        ),
        one!("lgamma", real::lgamma, "Natural logarithm of absolute value of Gamma function at x."),
        NativeDef::new(
            "log",
            "($module, x, base=math.e, /)",
            real::log,
            "log(x, [base=math.e])\nReturn the logarithm of x to the given base.\n\nIf the base is not specified, returns the natural logarithm (base e) of x.",
        ),
        one!("log10", real::log10, "Return the base 10 logarithm of x."),
        one!(
            "log1p",
            real::log1p,
            "Return the natural logarithm of 1+x (base e).\n\nThe result is computed in a way which is accurate for x near zero."
        ),
        one!("log2", real::log2, "Return the base 2 logarithm of x."),
        one!(
            "modf",
            real::modf,
            "Return the fractional and integer parts of x.\n\nBoth results carry the sign of x and are floats."
        ),
        NativeDef::new(
            "nextafter",
            "($module, x, y, /, *, steps=None)",
            real::nextafter,
            "Return the floating-point value the given number of steps after x towards y.\n\nIf steps is not specified or is None, it defaults to 1.\n\nRaises a TypeError, if x or y is not a double, or if steps is not an integer.\nRaises ValueError if steps is negative.",
        ),
        NativeDef::new(
            "perm",
            "($module, n, k=None, /)",
            integer::perm,
            "Number of ways to choose k items from n items without repetition and with order.\n\nEvaluates to n! / (n - k)! when k <= n and evaluates\nto zero when k > n.",
        ),
        NativeDef::new("pow", "($module, x, y, /)", real::pow, "Return x**y (x to the power of y)."),
        NativeDef::new(
            "prod",
            "($module, iterable, /, *, start=1)",
            sums::prod,
            "Calculate the product of all the elements in the input iterable.\n\nThe default start value for the product is 1.\n\nWhen the iterable is empty, return the start value.  This function is\nintended specifically for use with numeric values and may reject\nnon-numeric types.",
        ),
        one!("radians", real::radians, "Convert angle x from degrees to radians."),
        NativeDef::new(
            "remainder",
            "($module, x, y, /)",
            real::remainder,
            "Difference between x and the closest integer multiple of y.\n\nReturn x - n*y where n*y is the closest integer multiple of y.\nIn the case where x is exactly halfway between two multiples of\ny, the nearest even value of n is used. The result is always exact.",
        ),
        one!("sin", real::sin, "Return the sine of x (measured in radians)."),
        one!("sinh", real::sinh, "Return the hyperbolic sine of x."),
        one!("sqrt", real::sqrt, "Return the square root of x."),
        NativeDef::new(
            "sumprod",
            "($module, p, q, /)",
            sums::sumprod,
            "Return the sum of products of values from two iterables p and q.\n\nRoughly equivalent to:\n\n    sum(itertools.starmap(operator.mul, zip(p, q, strict=True)))\n\nFor float and mixed int/float inputs, the intermediate products\nand sums are computed with extended precision.",
        ),
        one!("tan", real::tan, "Return the tangent of x (measured in radians)."),
        one!("tanh", real::tanh, "Return the hyperbolic tangent of x."),
        one!(
            "trunc",
            real::trunc,
            "Truncates the Real x to the nearest Integral toward 0.\n\nUses the __trunc__ magic method."
        ),
        one!("ulp", real::ulp, "Return the value of the least significant bit of the float x."),
    ],
    types: &[],
    setup: Some(setup),
};

fn setup(th: &mut Thread, module: Borrowed<'_>) -> PyResult<()> {
    for (name, v) in [
        ("pi", core::f64::consts::PI),
        ("e", core::f64::consts::E),
        ("tau", core::f64::consts::TAU),
        ("inf", f64::INFINITY),
        ("nan", f64::NAN),
    ] {
        let v = th.new_float(v);
        module.add(th, name, v)?;
    }
    Ok(())
}
