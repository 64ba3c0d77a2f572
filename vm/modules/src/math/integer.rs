//! Functions of ints: exact, of any size.

use dashu_int::ops::{Gcd, SquareRoot};
use dashu_int::{IBig, UBig};
use typhon_core::builtins::int::{Int, IntRef};
use typhon_core::{Args, ArgsExt, Borrowed, Owned, PyResult, Thread, Word};

/// `operator.index` without an object where the argument is an int already.
fn index(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    if o.word().is_int() { Ok(o.to_owned()) } else { o.index(th) }
}

fn magnitude(v: IntRef<'_>) -> UBig {
    match v {
        IntRef::Small(v) => UBig::from(v.unsigned_abs()),
        IntRef::Big(v) => v.clone().into_parts().1,
    }
}

fn gcd_u64(mut a: u64, mut b: u64) -> u64 {
    if a == 0 || b == 0 {
        return a | b;
    }
    let shift = (a | b).trailing_zeros();
    a >>= a.trailing_zeros();
    while b != 0 {
        b >>= b.trailing_zeros();
        if a > b {
            core::mem::swap(&mut a, &mut b);
        }
        b -= a;
    }
    a << shift
}

fn no_keywords(th: &mut Thread, name: &str, args: Args<'_>) -> PyResult<()> {
    if args.has_keywords() {
        return Err(th.type_error(&format!("math.{name}() takes no keyword arguments")));
    }
    Ok(())
}

/// The value of an exact int.
fn value(o: &Owned) -> IntRef<'_> {
    o.borrow().as_int().unwrap_or(IntRef::Small(0))
}

pub fn gcd(th: &mut Thread, args: Args<'_>) -> PyResult {
    no_keywords(th, "gcd", args)?;
    let mut acc = th.new_int(0);
    for a in args.pos() {
        let b = index(th, *a)?;
        let r = match (value(&acc), value(&b)) {
            (IntRef::Small(x), IntRef::Small(y)) => {
                let g = gcd_u64(x.unsigned_abs(), y.unsigned_abs());
                th.new_uint(g)
            }
            (x, y) => {
                let (x, y) = (magnitude(x), magnitude(y));
                let g = if x.is_zero() {
                    y
                } else if y.is_zero() {
                    x
                } else {
                    x.gcd(y)
                };
                th.new_big(IBig::from(g))
            }
        };
        acc = r;
    }
    Ok(acc)
}

pub fn lcm(th: &mut Thread, args: Args<'_>) -> PyResult {
    no_keywords(th, "lcm", args)?;
    let mut acc = UBig::ONE;
    for a in args.pos() {
        let b = index(th, *a)?;
        let b = magnitude(value(&b));
        acc = if acc.is_zero() || b.is_zero() {
            UBig::ZERO
        } else {
            let g = (&acc).gcd(&b);
            acc / g * b
        };
    }
    Ok(th.new_big(IBig::from(acc)))
}

pub fn isqrt(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let n = index(th, o)?;
    match value(&n) {
        v if v.is_negative() => Err(th.value_error("isqrt() argument must be nonnegative")),
        IntRef::Small(v) => {
            let v = v as u64;
            let mut r = (v as f64).sqrt() as u64;
            // The float root is off by one at most.
            while r.checked_mul(r).is_none_or(|s| s > v) {
                r -= 1;
            }
            while (r + 1).checked_mul(r + 1).is_some_and(|s| s <= v) {
                r += 1;
            }
            Ok(th.new_uint(r))
        }
        IntRef::Big(v) => {
            let root = v.clone().into_parts().1.sqrt();
            Ok(th.new_big(IBig::from(root)))
        }
    }
}

/// The product of `low..=high`, halves first, so that big factors meet big factors.
fn product(low: u64, high: u64) -> UBig {
    if low > high {
        return UBig::ONE;
    }
    if high - low < 16 {
        let mut acc = UBig::from(low);
        let mut small = 1u64;
        for v in low + 1..=high {
            match small.checked_mul(v) {
                Some(p) => small = p,
                None => {
                    acc *= UBig::from(small);
                    small = v;
                }
            }
        }
        return acc * UBig::from(small);
    }
    let middle = low + (high - low) / 2;
    product(low, middle) * product(middle + 1, high)
}

pub fn factorial(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let n = index(th, o)?;
    match value(&n) {
        v if v.is_negative() => Err(th.value_error("factorial() not defined for negative values")),
        IntRef::Small(n @ 0..=20) => {
            let r = (2..=n).product::<i64>();
            Ok(th.new_int(r))
        }
        IntRef::Small(n) => {
            let n = n as u64;
            // log2(n!) < n log2(n): refuse what no memory holds.
            let bits = n as f64 * (n as f64).log2();
            th.check_size((bits / 8.0).min(usize::MAX as f64) as usize)?;
            let mut odd = UBig::ONE;
            let mut result = UBig::ONE;
            // n! is 2 to a power times products of odd numbers in (n/2^(i+1), n/2^i].
            for i in (0..64 - n.leading_zeros()).rev() {
                let (below, upto) = (n >> (i + 1), n >> i);
                odd *= odd_product(below + 1 | 1, upto);
                result *= &odd;
            }
            let twos = (n - u64::from(n.count_ones())) as usize;
            Ok(th.new_big(IBig::from(result << twos)))
        }
        IntRef::Big(_) => {
            Err(th.overflow_error("factorial() argument should not exceed 9223372036854775807"))
        }
    }
}

/// The product of the odd numbers from `low` (odd) to `high`.
fn odd_product(low: u64, high: u64) -> UBig {
    if low > high {
        return UBig::ONE;
    }
    let count = (high - low) / 2 + 1;
    if count <= 16 {
        let mut acc = UBig::ONE;
        let mut small = 1u64;
        for v in (low..=high).step_by(2) {
            match small.checked_mul(v) {
                Some(p) => small = p,
                None => {
                    acc *= UBig::from(small);
                    small = v;
                }
            }
        }
        return acc * UBig::from(small);
    }
    let middle = low + count / 2 * 2;
    odd_product(low, middle - 2) * odd_product(middle, high)
}

/// `n` and `k` of a count of choices: both at least 0, and `k` no larger than a machine word.
fn choice(th: &mut Thread, n: Borrowed<'_>, k: Borrowed<'_>) -> PyResult<(Int, Option<u64>)> {
    let (n, k) = (index(th, n)?, index(th, k)?);
    if value(&n).is_negative() {
        return Err(th.value_error("n must be a non-negative integer"));
    }
    if value(&k).is_negative() {
        return Err(th.value_error("k must be a non-negative integer"));
    }
    let k = match value(&k) {
        IntRef::Small(k) => Some(k as u64),
        IntRef::Big(_) => None,
    };
    let n = match value(&n) {
        IntRef::Small(n) => Int::Small(n),
        IntRef::Big(n) => Int::Big(n.clone()),
    };
    Ok((n, k))
}

#[cold]
fn too_many(th: &mut Thread, what: &str) -> typhon_core::Raised {
    th.overflow_error(&format!("{what} must not exceed 9223372036854775807"))
}

pub fn perm(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(k) = a.some(1) else { return factorial(th, a[0]) };
    let (n, k) = choice(th, a[0], k)?;
    match (n, k) {
        (Int::Small(_), None) => Ok(th.new_int(0)),
        (Int::Small(n), Some(k)) if k > n as u64 => Ok(th.new_int(0)),
        (Int::Small(n), Some(k)) => {
            let n = n as u64;
            th.check_size((k as f64 * (n.max(2) as f64).log2() / 8.0) as usize)?;
            Ok(th.new_big(IBig::from(product(n - k + 1, n))))
        }
        (Int::Big(_), None) => Err(too_many(th, "k")),
        (Int::Big(n), Some(k)) => Ok(th.new_big(falling(&n, k))),
    }
}

/// `n (n-1) … (n-k+1)`
fn falling(n: &IBig, k: u64) -> IBig {
    if k == 0 {
        return IBig::ONE;
    }
    if k == 1 {
        return n.clone();
    }
    let half = k / 2;
    falling(n, half) * falling(&(n - IBig::from(half)), k - half)
}

pub fn comb(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (n, k) = choice(th, a[0], a[1])?;
    match (n, k) {
        (Int::Small(_), None) => Ok(th.new_int(0)),
        (Int::Small(n), Some(k)) => {
            let n = n as u64;
            if k > n {
                return Ok(th.new_int(0));
            }
            let k = k.min(n - k);
            if let Some(v) = small_comb(n, k) {
                return Ok(th.new_uint(v));
            }
            th.check_size((k as f64 * (n.max(2) as f64).log2() / 8.0) as usize)?;
            let r = big_comb(n, k);
            Ok(th.new_big(IBig::from(r)))
        }
        (Int::Big(n), k) => {
            // n - k may be the smaller of the two.
            let k = match k {
                Some(k) => IBig::from(k),
                None => {
                    let given = index(th, a[1])?;
                    match value(&given) {
                        IntRef::Small(v) => IBig::from(v),
                        IntRef::Big(v) => v.clone(),
                    }
                }
            };
            if k > n {
                return Ok(th.new_int(0));
            }
            let other = &n - &k;
            let k = if other < k { other } else { k };
            match u64::try_from(&k) {
                Ok(k) => {
                    let r = falling(&n, k) / IBig::from(product(1, k));
                    Ok(th.new_big(r))
                }
                Err(_) => Err(too_many(th, "min(n - k, k)")),
            }
        }
    }
}

/// The number while every step fits a word.
fn small_comb(n: u64, k: u64) -> Option<u64> {
    let mut r = 1u64;
    for i in 0..k {
        r = r.checked_mul(n - i)? / (i + 1);
    }
    Some(r)
}

fn big_comb(n: u64, k: u64) -> UBig {
    product(n - k + 1, n) / product(1, k)
}

/// Is a word an int that sums and products may treat in machine arithmetic?
pub(super) fn machine_int(o: Borrowed<'_>) -> Option<i64> {
    let w: Word = o.word();
    w.is_int().then(|| w.int())
}
