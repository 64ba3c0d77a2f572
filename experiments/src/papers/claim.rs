//! A claim and its verdict.

use super::{Metric, Metrics};
use crate::host::Host;
use serde::Deserialize;

/// How a claim is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A number within bounds; depends on the machine.
    Range,
    /// One thing is faster, or rarer, than another; holds on every machine.
    Ordering,
}

/// How the metric must lie to what is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Relation {
    /// Between the two expected numbers.
    #[serde(rename = "in")]
    In,
    /// Below the expected number.
    #[serde(rename = "<")]
    Below,
    /// Above the expected number.
    #[serde(rename = ">")]
    Above,
}

/// What a machine must have.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    /// Cores of their own.
    #[serde(default)]
    pub physical_cores: usize,
    /// Memory.
    #[serde(default)]
    pub memory_mib: u64,
}

/// One entry of `claims.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Stable name.
    pub id: String,
    /// Where in the paper.
    #[serde(rename = "where")]
    pub place: String,
    /// In our words.
    pub text: String,
    /// Whether our experiment can say anything about it.
    pub supported: bool,
    /// Why not.
    #[serde(default)]
    pub reason: String,
    /// How it is meant.
    pub kind: Option<Kind>,
    /// The measured quantity.
    #[serde(default)]
    pub metric: String,
    /// How it must lie.
    pub relation: Option<Relation>,
    /// One number for `<` and `>`, two for `in`.
    #[serde(default)]
    pub expect: Vec<f64>,
    /// By what factor the bounds may be missed: 0.05 is 5 %.
    #[serde(default)]
    pub tolerance: f64,
    /// What the machine must have.
    #[serde(default)]
    pub needs: Needs,
}

/// What came of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The interval allows it and the estimate says so.
    Reproduced,
    /// The whole interval contradicts it.
    NotReproduced,
    /// Not measured, or the interval reaches both sides.
    Inconclusive,
    /// This machine cannot show it.
    HardwareTooSmall,
    /// Nothing we measure bears on it.
    NotSupported,
}

impl Verdict {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Reproduced => "reproduced",
            Verdict::NotReproduced => "not reproduced",
            Verdict::Inconclusive => "inconclusive",
            Verdict::HardwareTooSmall => "hardware too small",
            Verdict::NotSupported => "not supported",
        }
    }
}

/// A verdict with its reason.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What came of it.
    pub verdict: Verdict,
    /// What was measured, or why nothing was.
    pub because: String,
}

impl Claim {
    /// Whether the entry is complete.
    ///
    /// Errors: what it lacks.
    pub fn check_form(&self) -> std::result::Result<(), String> {
        if !self.supported {
            return if self.reason.is_empty() {
                Err("not supported, without a reason".into())
            } else {
                Ok(())
            };
        }
        let n_expected = match self.relation.ok_or("no relation")? {
            Relation::In => 2,
            Relation::Below | Relation::Above => 1,
        };
        if self.kind.is_none() || self.metric.is_empty() || self.expect.len() != n_expected {
            return Err(format!("needs kind, metric and {n_expected} expected numbers"));
        }
        Ok(())
    }

    /// The bounds with the tolerance.
    fn bounds(&self) -> (f64, f64) {
        let (wider, one) = (1.0 + self.tolerance, self.expect.first().copied().unwrap_or(f64::NAN));
        match self.relation {
            Some(Relation::In) => (one / wider, self.expect.get(1).copied().unwrap_or(f64::NAN) * wider),
            Some(Relation::Below) => (f64::NEG_INFINITY, one * wider),
            Some(Relation::Above) => (one / wider, f64::INFINITY),
            None => (f64::NAN, f64::NAN),
        }
    }
}

/// An interval this wide (high over low) decides nothing about a range.
const TOO_WIDE: f64 = 2.0;

/// Holds a claim against what was measured on this machine.
pub fn judge(claim: &Claim, metrics: &Metrics, host: &Host) -> Judged {
    let judged = |verdict, because: String| Judged { verdict, because };
    if !claim.supported {
        return judged(Verdict::NotSupported, claim.reason.clone());
    }
    if host.n_physical < claim.needs.physical_cores || host.memory_mib < claim.needs.memory_mib {
        let because = format!(
            "needs {} cores and {} MiB; here are {} and {}",
            claim.needs.physical_cores, claim.needs.memory_mib, host.n_physical, host.memory_mib
        );
        return judged(Verdict::HardwareTooSmall, because);
    }
    let estimate = match metrics.get(&claim.metric) {
        Some(Metric::Measured(estimate)) => *estimate,
        Some(Metric::Missing(reason)) => {
            return judged(Verdict::Inconclusive, format!("not measured: {reason}"));
        }
        None => return judged(Verdict::Inconclusive, "not measured".to_string()),
    };
    let because = crate::table::estimate(&estimate);
    if !estimate.has_interval() {
        return judged(Verdict::Inconclusive, format!("{because}: one round gives no interval"));
    }
    let (low, high) = claim.bounds();
    if !estimate.overlaps(low, high) {
        return judged(Verdict::NotReproduced, because);
    }
    let inside = estimate.value >= low && estimate.value <= high;
    let wide = claim.kind == Some(Kind::Range) && estimate.high / estimate.low > TOO_WIDE;
    let wholly = estimate.low >= low && estimate.high <= high;
    match (inside, wide, claim.kind, wholly) {
        (true, false, Some(Kind::Range), _) | (true, _, Some(Kind::Ordering), true) => {
            judged(Verdict::Reproduced, because)
        }
        _ => judged(Verdict::Inconclusive, format!("{because}: the interval reaches both sides")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Estimate;

    fn claim(text: &str) -> Claim {
        let head = "id = \"C1\"\nwhere = \"Table 1\"\ntext = \"t\"\nmetric = \"m\"\n";
        let claim: Claim = toml::from_str(&format!("{head}{text}")).expect("well-formed");
        claim
    }

    fn verdict(claim: &Claim, value: f64, low: f64, high: f64) -> Verdict {
        let mut metrics = Metrics::new();
        metrics.insert("m".into(), Metric::Measured(Estimate { value, low, high, n_blocks: 9 }));
        judge(claim, &metrics, &Host::here()).verdict
    }

    #[test]
    fn ranges() {
        let claim = claim(
            "supported = true\nkind = \"range\"\nrelation = \"in\"\nexpect = [1.0, 1.2]\ntolerance = 0.05",
        );
        assert!(claim.check_form().is_ok());
        assert_eq!(verdict(&claim, 1.1, 1.0, 1.3), Verdict::Reproduced);
        assert_eq!(verdict(&claim, 1.4, 1.3, 1.5), Verdict::NotReproduced);
        assert_eq!(verdict(&claim, 1.3, 1.1, 1.5), Verdict::Inconclusive);
        assert_eq!(verdict(&claim, 1.1, 0.7, 1.6), Verdict::Inconclusive);
        assert_eq!(verdict(&claim, 1.25, 1.24, 1.255), Verdict::Reproduced, "within the tolerance");
    }

    #[test]
    fn orderings() {
        let claim = claim("supported = true\nkind = \"ordering\"\nrelation = \"<\"\nexpect = [1.0]");
        assert_eq!(verdict(&claim, 0.8, 0.7, 0.9), Verdict::Reproduced);
        assert_eq!(verdict(&claim, 0.9, 0.7, 1.1), Verdict::Inconclusive);
        assert_eq!(verdict(&claim, 1.2, 1.1, 1.3), Verdict::NotReproduced);
    }

    #[test]
    fn what_cannot_be_judged() {
        let small = claim(
            "supported = true\nkind = \"ordering\"\nrelation = \"<\"\nexpect = [1.0]\nneeds = { physical_cores = 100000 }",
        );
        assert_eq!(verdict(&small, 0.8, 0.7, 0.9), Verdict::HardwareTooSmall);
        let unsupported = claim("supported = false\nreason = \"no Swift here\"");
        assert!(unsupported.check_form().is_ok());
        assert_eq!(verdict(&unsupported, 0.8, 0.7, 0.9), Verdict::NotSupported);
        let open = claim("supported = true\nkind = \"ordering\"\nrelation = \"<\"\nexpect = [1.0]");
        assert_eq!(judge(&open, &Metrics::new(), &Host::here()).verdict, Verdict::Inconclusive);
        assert_eq!(verdict(&open, 0.8, f64::NAN, f64::NAN), Verdict::Inconclusive);
    }

    #[test]
    fn incomplete_entries_are_found() {
        assert!(claim("supported = false").check_form().is_err());
        assert!(
            claim("supported = true\nkind = \"range\"\nrelation = \"in\"\nexpect = [1.0]")
                .check_form()
                .is_err()
        );
    }
}
