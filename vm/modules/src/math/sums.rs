//! `fsum`, `prod`, `sumprod`.

use dashu_int::IBig;
use typhon_core::number::{self, BinaryOp};
use typhon_core::{ArgsExt, Borrowed, PyResult, Thread};

use super::integer::machine_int;
use super::number as float;
use super::real::libm;

/// Exact sum of floats as non-overlapping partial sums.
///
/// Source: Shewchuk, "Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric Predicates"
/// (1997).
#[derive(Default)]
pub struct ExactSum {
    /// Increasing magnitude, no two overlap.
    partials: Vec<f64>,
}

impl ExactSum {
    /// Adds a finite number. False: the sum has left the range of floats.
    pub fn add(&mut self, mut x: f64) -> bool {
        let mut kept = 0;
        for i in 0..self.partials.len() {
            let mut y = self.partials[i];
            if x.abs() < y.abs() {
                core::mem::swap(&mut x, &mut y);
            }
            let high = x + y;
            let low = y - (high - x);
            if low != 0.0 {
                self.partials[kept] = low;
                kept += 1;
            }
            x = high;
        }
        self.partials.truncate(kept);
        if !x.is_finite() {
            return false;
        }
        if x != 0.0 {
            self.partials.push(x);
        }
        true
    }

    /// The sum, rounded once, half to even.
    pub fn round(&self) -> f64 {
        let mut rest = self.partials.iter().rev();
        let Some(&first) = rest.next() else { return 0.0 };
        let mut high = first;
        let mut low = 0.0;
        let mut below = None;
        while let Some(&y) = rest.next() {
            let x = high;
            high = x + y;
            low = y - (high - x);
            if low != 0.0 {
                below = rest.next().copied();
                break;
            }
        }
        // A tie that the remaining partials break goes in their direction.
        if let Some(next) = below
            && ((low < 0.0 && next < 0.0) || (low > 0.0 && next > 0.0))
        {
            let y = low * 2.0;
            let x = high + y;
            if y == x - high {
                high = x;
            }
        }
        high
    }
}

pub fn fsum(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = a[0].iter(th)?;
    let mut sum = ExactSum::default();
    let (mut special, mut infinities) = (0.0f64, 0.0f64);
    while let Some(v) = it.borrow().next(th)? {
        let x = float(th, v.borrow())?;
        if !x.is_finite() {
            if x.is_infinite() {
                infinities += x;
            }
            special += x;
        } else if !sum.add(x) {
            return Err(th.overflow_error("intermediate overflow in fsum"));
        }
    }
    if special != 0.0 || special.is_nan() {
        if infinities.is_nan() {
            return Err(th.value_error("-inf + inf in fsum"));
        }
        return Ok(th.new_float(special));
    }
    Ok(th.new_float(sum.round()))
}

pub fn prod(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = a[0].iter(th)?;
    let mut total = match a.opt(1) {
        Some(start) => start.to_owned(),
        None => th.new_int(1),
    };
    while let Some(v) = it.borrow().next(th)? {
        total = number::binary_op(th, BinaryOp::Multiply, total.borrow(), v.borrow())?;
        th.drain_drops();
    }
    Ok(total)
}

/// A float with more than twice the precision: three parts that do not overlap.
///
/// Source: Ogita, Rump, Oishi, "Accurate Sum and Dot Product" (2005).
#[derive(Clone, Copy, Default)]
pub struct Triple {
    high: f64,
    low: f64,
    tiny: f64,
}

fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    let z = s - a;
    (s, (a - (s - z)) + (b - z))
}

impl Triple {
    /// Adds `x * y`.
    pub fn add_product(self, x: f64, y: f64) -> Triple {
        let product = x * y;
        let error = libm::fma(x, y, -product);
        let (high, e1) = two_sum(self.high, product);
        let (low, e2) = two_sum(self.low, error);
        let (low, e3) = two_sum(low, e1);
        Triple { high, low, tiny: self.tiny + (e2 + e3) }
    }

    pub fn value(self) -> f64 {
        let (last, rest) = two_sum(self.high, self.low);
        if !last.is_finite() {
            return self.high;
        }
        last + (rest + self.tiny)
    }
}

/// Sums of products in progress: ints and floats apart from each other, each as long as they fit.
enum Path {
    Ints(i128),
    Floats(Triple),
    Objects,
}

pub fn sumprod(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (p, q) = (a[0].iter(th)?, a[1].iter(th)?);
    let mut total = th.new_int(0);
    let mut path = Path::Ints(0);
    loop {
        let x = p.borrow().next(th)?;
        let y = q.borrow().next(th)?;
        let (x, y) = match (x, y) {
            (Some(x), Some(y)) => (x, y),
            (None, None) => break,
            _ => return Err(th.value_error("Inputs are not the same length")),
        };
        match &mut path {
            Path::Ints(sum) => {
                if let (Some(i), Some(j)) = (machine_int(x.borrow()), machine_int(y.borrow()))
                    && let Some(s) = sum.checked_add(i128::from(i) * i128::from(j))
                {
                    *sum = s;
                    continue;
                }
                // No ints any more: what was summed so far starts the next path.
                let so_far = th.new_big(IBig::from(*sum));
                total = number::binary_op(th, BinaryOp::Add, total.borrow(), so_far.borrow())?;
                path = match plain_pair(x.borrow(), y.borrow()) {
                    Some((i, j)) => Path::Floats(Triple::default().add_product(i, j)),
                    None => Path::Objects,
                };
                if matches!(path, Path::Floats(_)) {
                    continue;
                }
            }
            Path::Floats(sum) => {
                if let Some((i, j)) = plain_pair(x.borrow(), y.borrow()) {
                    *sum = sum.add_product(i, j);
                    continue;
                }
                let so_far = th.new_float(sum.value());
                total = number::binary_op(th, BinaryOp::Add, total.borrow(), so_far.borrow())?;
                path = Path::Objects;
            }
            Path::Objects => {}
        }
        let product = number::binary_op(th, BinaryOp::Multiply, x.borrow(), y.borrow())?;
        total = number::binary_op(th, BinaryOp::Add, total.borrow(), product.borrow())?;
        th.drain_drops();
    }
    let rest = match path {
        Path::Ints(sum) => th.new_big(IBig::from(sum)),
        Path::Floats(sum) => th.new_float(sum.value()),
        Path::Objects => return Ok(total),
    };
    number::binary_op(th, BinaryOp::Add, total.borrow(), rest.borrow())
}

/// Two finite floats, or a float and an int that a float holds exactly.
fn plain_pair(x: Borrowed<'_>, y: Borrowed<'_>) -> Option<(f64, f64)> {
    let one = |o: Borrowed<'_>| -> Option<(f64, bool)> {
        if let Some(i) = machine_int(o) {
            return (i.unsigned_abs() <= 1 << 53).then_some((i as f64, false));
        }
        let exact = core::ptr::eq(o.ty(), typhon_core::builtins::float::DEF.ty());
        if !exact {
            return None;
        }
        o.as_float().map(|v| (v, true))
    };
    let ((x, p), (y, q)) = (one(x)?, one(y)?);
    (p || q).then_some((x, y))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_sum_rounds_once() {
        let sum = |v: &[f64]| {
            let mut s = ExactSum::default();
            assert!(v.iter().all(|x| s.add(*x)));
            s.round()
        };
        assert_eq!(sum(&[0.1; 10]), 1.0);
        assert_eq!(sum(&[1e100, 1.0, -1e100, 1e-100, 1e50, -1.0, -1e50]), 1e-100);
        assert_eq!(sum(&[9007199254740992.0, -0.5, -(0.5f64.powi(53))]), 9007199254740991.0);
        assert_eq!(sum(&[]), 0.0);
    }

    #[test]
    fn dot_product_keeps_cancelled_digits() {
        let t = Triple::default().add_product(1e100, 1.0).add_product(1.0, 1.0).add_product(-1e100, 1.0);
        assert_eq!(t.value(), 1.0);
    }
}
