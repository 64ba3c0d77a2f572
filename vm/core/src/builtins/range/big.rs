//! Ranges beyond the numbers of a word.

use dashu_int::IBig;
use dashu_int::ops::{DivRem, UnsignedAbs};

/// Start, step and length of any range.
pub struct Numbers {
    pub start: IBig,
    pub step: IBig,
    pub len: IBig,
}

/// Number of items of `range(start, stop, step)`.
pub fn length(start: &IBig, stop: &IBig, step: &IBig) -> IBig {
    let (low, high) = if *step > IBig::ZERO { (start, stop) } else { (stop, start) };
    if low >= high {
        return IBig::ZERO;
    }
    (high - low - IBig::ONE) / IBig::from(step.unsigned_abs()) + IBig::ONE
}

impl Numbers {
    /// Item `i`, counted from the end if negative.
    pub fn item(&self, i: IBig) -> Option<IBig> {
        let at = if i < IBig::ZERO { i + &self.len } else { i };
        if at < IBig::ZERO || at >= self.len { None } else { Some(&self.start + at * &self.step) }
    }

    /// Index of an item.
    pub fn position(&self, v: &IBig) -> Option<IBig> {
        let (at, rest) = (v - &self.start).div_rem(&self.step);
        (rest == IBig::ZERO && at >= IBig::ZERO && at < self.len).then_some(at)
    }

    /// Do both have the same items?
    pub fn same_items(&self, other: &Numbers) -> bool {
        self.len == other.len
            && (self.len == IBig::ZERO
                || self.start == other.start && (self.len == IBig::ONE || self.step == other.step))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_those_of_the_items() {
        let start = IBig::from(10).pow(30);
        for step in [IBig::from(7), IBig::from(-7), IBig::from(10).pow(25)] {
            let n = Numbers { start: start.clone(), step, len: IBig::from(50) };
            for i in 0..50 {
                let v = n.item(IBig::from(i)).unwrap();
                assert_eq!(n.position(&v), Some(IBig::from(i)));
                assert_eq!(n.item(IBig::from(i - 50)), Some(v.clone()));
                assert_eq!(n.position(&(v + IBig::ONE)), None);
            }
            assert_eq!(n.item(IBig::from(50)), None);
            assert_eq!(n.item(IBig::from(-51)), None);
        }
    }
}
