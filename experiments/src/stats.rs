//! Ratios with their uncertainty: a hierarchical bootstrap over blocks and iterations.
//!
//! A comparison is a list of blocks; in each block both sides ran once, one after the other, and
//! each run has one or more iterations. The effect is the ratio of geometric means, formed inside
//! blocks, so that slow drift of the machine cancels. One resample draws blocks with replacement
//! and, inside each, iterations with replacement (top level first). The interval is the percentile
//! interval with its tails widened for few blocks, because the plain one is too narrow there.
//!
//! Sources: Kalibera and Jones, ISMM 2013 (levels, ratios with intervals); Hesterberg, "What
//! Teachers Should Know About the Bootstrap", 2015, §5.3 (expanded percentiles); Fleming and Wallace, 1986
//! (geometric means only of ratios).

mod quantiles;
mod rng;

pub use rng::Rng;

/// Resamples per comparison. 2000 keeps the Monte Carlo error of a 95 % bound well below its width.
pub const RESAMPLES: usize = 2000;

/// A ratio with a 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The point estimate.
    pub value: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
    /// How many blocks it rests on. With one block the interval is unknown (`low`, `high` are NaN).
    pub n_blocks: usize,
}

impl Estimate {
    /// A number without uncertainty, such as a count of events.
    pub fn exact(value: f64) -> Estimate {
        Estimate { value, low: value, high: value, n_blocks: 1 }
    }

    /// Whether the interval is known.
    pub fn has_interval(&self) -> bool {
        self.low.is_finite() && self.high.is_finite()
    }

    /// Whether the interval lies wholly inside or touches `[low, high]`.
    pub fn overlaps(&self, low: f64, high: f64) -> bool {
        self.has_interval() && self.low <= high && self.high >= low
    }
}

/// One block of a comparison: the iterations of both sides, in any one unit.
#[derive(Clone, Debug)]
pub struct Pair<'a> {
    /// What is divided.
    pub above: &'a [f64],
    /// What it is divided by.
    pub below: &'a [f64],
}

/// The resampled logarithm of an effect; combine several, then ask for the interval.
#[derive(Clone, Debug)]
pub struct Effect {
    ln: f64,
    draws: Vec<f64>,
    n_blocks: usize,
    freedom: usize,
}

fn mean_ln(values: &[f64]) -> f64 {
    values.iter().map(|value| value.ln()).sum::<f64>() / values.len() as f64
}

fn mean_of_drawn(values: &[f64], rng: &mut Rng) -> f64 {
    let n = values.len();
    (0..n).map(|_| values[rng.below(n)]).sum::<f64>() / n as f64
}

impl Effect {
    /// The ratio `above / below` over all blocks. `None` without blocks, or when a side of a block is
    /// empty or has a value that is not positive.
    pub fn ratio(pairs: &[Pair], rng: &mut Rng) -> Option<Effect> {
        let usable = |values: &[f64]| !values.is_empty() && values.iter().all(|v| v.is_finite() && *v > 0.0);
        if pairs.is_empty() || !pairs.iter().all(|pair| usable(pair.above) && usable(pair.below)) {
            return None;
        }
        let logs: Vec<(Vec<f64>, Vec<f64>)> = pairs
            .iter()
            .map(|pair| {
                (pair.above.iter().map(|v| v.ln()).collect(), pair.below.iter().map(|v| v.ln()).collect())
            })
            .collect();
        let n = logs.len();
        let ln = pairs.iter().map(|pair| mean_ln(pair.above) - mean_ln(pair.below)).sum::<f64>() / n as f64;
        let draws = (0..RESAMPLES)
            .map(|_| {
                (0..n)
                    .map(|_| {
                        let (above, below) = &logs[rng.below(n)];
                        mean_of_drawn(above, rng) - mean_of_drawn(below, rng)
                    })
                    .sum::<f64>()
                    / n as f64
            })
            .collect();
        Some(Effect { ln, draws, n_blocks: n, freedom: n - 1 })
    }

    /// The geometric mean of several effects, taken as a fixed set: what is uncertain is each of
    /// them, not which ones were chosen. `None` for an empty list.
    pub fn geomean(effects: &[Effect]) -> Option<Effect> {
        let n = effects.len();
        if n == 0 {
            return None;
        }
        let ln = effects.iter().map(|effect| effect.ln).sum::<f64>() / n as f64;
        let draws = (0..RESAMPLES)
            .map(|k| effects.iter().map(|effect| effect.draws[k]).sum::<f64>() / n as f64)
            .collect();
        Some(Effect {
            ln,
            draws,
            n_blocks: effects.iter().map(|effect| effect.n_blocks).min().unwrap_or(0),
            freedom: effects.iter().map(|effect| effect.freedom).sum(),
        })
    }

    /// The effect times a constant, as when a time is divided by a number of workers.
    pub fn scaled(mut self, factor: f64) -> Effect {
        let ln = factor.ln();
        self.ln += ln;
        self.draws.iter_mut().for_each(|draw| *draw += ln);
        self
    }

    /// Point estimate and 95 % interval.
    pub fn estimate(&self) -> Estimate {
        let value = self.ln.exp();
        if self.freedom == 0 {
            return Estimate { value, low: f64::NAN, high: f64::NAN, n_blocks: self.n_blocks };
        }
        let mut draws = self.draws.clone();
        draws.sort_by(f64::total_cmp);
        let tail = quantiles::expanded_tail(self.freedom);
        let at = |p: f64| draws[((p * draws.len() as f64) as usize).min(draws.len() - 1)].exp();
        Estimate { value, low: at(tail), high: at(1.0 - tail), n_blocks: self.n_blocks }
    }
}

/// The noise floor of a run: how far apart two identical arms were. From the A/A effects of all
/// workloads, the largest distance from 1 that their joint interval reaches, as a factor above 1
/// (1.03: differences below 3 % are not distinguishable). `None` without A/A runs.
pub fn noise_floor(same: &[Effect]) -> Option<f64> {
    let joint = Effect::geomean(same)?.estimate();
    let reach = |ratio: f64| if ratio < 1.0 { 1.0 / ratio } else { ratio };
    if joint.has_interval() {
        Some(reach(joint.low).max(reach(joint.high)))
    } else {
        Some(reach(joint.value))
    }
}

/// The middle value; the mean of the two middle ones for an even number. NaN for none.
pub fn median(values: &[f64]) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { (sorted[half - 1] + sorted[half]) / 2.0 }
}

#[cfg(test)]
mod tests;
