//! `hypot`, `dist`.

use typhon_core::{Args, Borrowed, PyResult, Thread};

use super::number as float;
use super::real::libm;

/// Euclidean norm with an error below one unit in the last place: squares are summed in two parts, after
/// scaling by a power of two, and the root is corrected once.
///
/// Source: Borges, "An Improved Algorithm for hypot(a,b)" (2019), carried over to any dimension.
fn norm(v: &mut [f64]) -> f64 {
    if v.iter().any(|x| x.is_infinite()) {
        return f64::INFINITY;
    }
    if v.iter().any(|x| x.is_nan()) {
        return f64::NAN;
    }
    let max = v.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    if max == 0.0 || v.len() <= 1 {
        return max;
    }
    let (_, exponent) = super::real::split(max);
    // Two steps where 2^-exponent itself is out of range.
    let scale = |x: f64| {
        if exponent < -1021 { libm::ldexp(x, -exponent) } else { x * libm::ldexp(1.0, -exponent) }
    };
    let (mut high, mut low) = (0.0f64, 0.0f64);
    for x in v.iter_mut() {
        *x = scale(*x);
        let square = *x * *x;
        let error = libm::fma(*x, *x, -square);
        let sum = high + square;
        let z = sum - high;
        low += (high - (sum - z)) + (square - z) + error;
        high = sum;
    }
    let root = (high + low).sqrt();
    // One Newton step on the exact residue high + low - root².
    let square = root * root;
    let error = libm::fma(root, root, -square);
    let residue = ((high - square) - error) + low;
    libm::ldexp(root + residue / (2.0 * root), exponent)
}

pub fn hypot(th: &mut Thread, args: Args<'_>) -> PyResult {
    if args.has_keywords() {
        return Err(th.type_error("math.hypot() takes no keyword arguments"));
    }
    let given = args.pos();
    let mut inline = [0.0; 8];
    let mut spill = Vec::new();
    let v = if given.len() <= 8 {
        &mut inline[..given.len()]
    } else {
        spill.resize(given.len(), 0.0);
        &mut spill[..]
    };
    for (place, a) in v.iter_mut().zip(given) {
        *place = float(th, *a)?;
    }
    Ok(th.new_float(norm(v)))
}

pub fn dist(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (p, q) = (a[0].to_vec(th)?, a[1].to_vec(th)?);
    if p.len() != q.len() {
        return Err(th.value_error("both points must have the same number of dimensions"));
    }
    let mut v = Vec::with_capacity(p.len());
    for (x, y) in p.iter().zip(&q) {
        let (x, y) = (float(th, x.borrow())?, float(th, y.borrow())?);
        v.push((x - y).abs());
    }
    Ok(th.new_float(norm(&mut v)))
}
