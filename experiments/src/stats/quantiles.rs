//! The two distributions that the intervals need.

/// Upper 2.5 % point of Student's t for 1 to 30 degrees of freedom.
const T_975: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];

fn t_975(freedom: usize) -> f64 {
    match T_975.get(freedom - 1) {
        Some(value) => *value,
        // First term of the Cornish-Fisher expansion; off by less than 0.001 from here on.
        None => 1.960 + 2.372 / freedom as f64,
    }
}

/// P(Z > x) of the normal distribution for x >= 0, to a relative error of 1.2e-7.
fn normal_tail(x: f64) -> f64 {
    let z = x / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.5 * z);
    let series = [
        -1.26551223,
        1.00002368,
        0.37409196,
        0.09678418,
        -0.18628806,
        0.27886807,
        -1.13520398,
        1.48851587,
        -0.82215223,
        0.17087277,
    ];
    let sum = series.iter().rev().fold(0.0, |sum, c| sum * t + c);
    0.5 * t * (-z * z + sum).exp()
}

/// The tail probability at which to cut a bootstrap distribution so that, with this many degrees of
/// freedom, the interval has the width of Student's t instead of the normal's, and without the
/// bootstrap's own shrinking by sqrt((n-1)/n).
pub(super) fn expanded_tail(freedom: usize) -> f64 {
    let n = freedom as f64 + 1.0;
    normal_tail((n / (n - 1.0)).sqrt() * t_975(freedom))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_points() {
        assert!((normal_tail(1.959964) - 0.025).abs() < 1e-6);
        assert!((normal_tail(3.0) - 0.001349898).abs() < 1e-8);
        assert!((t_975(31) - 2.0395).abs() < 0.003);
        assert!((expanded_tail(100_000) - 0.025).abs() < 1e-4);
        assert!(expanded_tail(9) < 0.01, "ten blocks need wider tails");
    }
}
