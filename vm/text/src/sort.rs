//! Stable sorting with a comparison that may fail, as `list.sort` needs.
//!
//! Natural merge sort: runs are found as in timsort, merged in the order of powersort (Munro and Wild, "Nearly-
//! Optimal Mergesorts", 2018), with galloping merges (McIlroy, "Optimistic Sorting and Information Theoretic
//! Complexity", 1993). At most n·log2(n) + O(n) comparisons, n − 1 on sorted input; n/2 items of extra space.

/// Runs shorter than this are extended by insertion.
const MAX_MINRUN: usize = 64;
/// Consecutive wins of one run before galloping starts.
const MIN_GALLOP: usize = 7;

/// Sorts `items` stably. `less(a, b)` tells whether `a < b`; only `<` is used, with the later item first wherever
/// stability needs it. On the first error sorting stops with the items in some order, none lost or doubled.
///
/// To sort in reverse and keep equal items in order: reverse, sort, reverse.
pub fn sort_by<T: Copy, E>(items: &mut [T], less: impl FnMut(T, T) -> Result<bool, E>) -> Result<(), E> {
    if items.len() < 2 {
        return Ok(());
    }
    Sorter { items, less, spare: Vec::new(), min_gallop: MIN_GALLOP }.sort()
}

/// Sorts integer keys with their values. Infallible and stable.
pub fn sort_ints<V: Copy>(pairs: &mut [(i64, V)]) {
    pairs.sort_by_key(|pair| pair.0);
}

/// Sorts float keys with their values. Stable; with NaN among the keys the order is some order, as `<` gives.
pub fn sort_floats<V: Copy>(pairs: &mut [(f64, V)]) {
    if pairs.iter().any(|pair| pair.0.is_nan()) {
        let sorted = sort_by(pairs, |a, b| Ok::<_, std::convert::Infallible>(a.0 < b.0));
        let Ok(()) = sorted;
    } else {
        pairs.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(std::cmp::Ordering::Equal));
    }
}

/// Sorts Latin-1 (or bytes) keys with their values. Infallible and stable.
pub fn sort_bytes<V: Copy>(pairs: &mut [(&[u8], V)]) {
    pairs.sort_by(|a, b| a.0.cmp(b.0));
}

/// A run waiting to be merged: `start..start + len`, and the power of the boundary to its right neighbour.
struct Run {
    start: usize,
    len: usize,
    power: u32,
}

struct Sorter<'a, T, F> {
    items: &'a mut [T],
    less: F,
    spare: Vec<T>,
    min_gallop: usize,
}

impl<T: Copy, E, F: FnMut(T, T) -> Result<bool, E>> Sorter<'_, T, F> {
    fn sort(&mut self) -> Result<(), E> {
        let n = self.items.len();
        let minrun = minimum_run(n);
        let mut stack: Vec<Run> = Vec::new();
        let mut start = 0;
        while start < n {
            let mut len = self.natural_run(start)?;
            if len < minrun {
                let forced = minrun.min(n - start);
                self.insertion_sort(start, start + len, start + forced)?;
                len = forced;
            }
            if let Some(left) = stack.last() {
                let power = boundary_power(left.start, left.len, len, n);
                while stack.len() > 1 && stack[stack.len() - 2].power > power {
                    self.merge_top(&mut stack)?;
                }
                if let Some(left) = stack.last_mut() {
                    left.power = power;
                }
            }
            stack.push(Run { start, len, power: 0 });
            start += len;
        }
        while stack.len() > 1 {
            self.merge_top(&mut stack)?;
        }
        Ok(())
    }

    /// Length of the run at `start`; a strictly descending one is reversed in place.
    fn natural_run(&mut self, start: usize) -> Result<usize, E> {
        let rest = &mut self.items[start..];
        if rest.len() < 2 {
            return Ok(rest.len());
        }
        let descending = (self.less)(rest[1], rest[0])?;
        let mut end = 2;
        while end < rest.len() && (self.less)(rest[end], rest[end - 1])? == descending {
            end += 1;
        }
        if descending {
            rest[..end].reverse();
        }
        Ok(end)
    }

    /// Binary insertion: `start..sorted` is sorted, extends that to `start..end`.
    fn insertion_sort(&mut self, start: usize, sorted: usize, end: usize) -> Result<(), E> {
        for at in sorted..end {
            let pivot = self.items[at];
            let (mut low, mut high) = (start, at);
            while low < high {
                let middle = low + (high - low) / 2;
                if (self.less)(pivot, self.items[middle])? {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            self.items.copy_within(low..at, low + 1);
            self.items[low] = pivot;
        }
        Ok(())
    }

    fn merge_top(&mut self, stack: &mut Vec<Run>) -> Result<(), E> {
        if let (Some(right), Some(left)) = (stack.pop(), stack.last_mut()) {
            let (start, middle, end) = (left.start, right.start, right.start + right.len);
            left.len += right.len;
            self.merge(start, middle, end)?;
        }
        Ok(())
    }

    /// Merges the neighbouring runs `start..middle` and `middle..end`.
    fn merge(&mut self, start: usize, middle: usize, end: usize) -> Result<(), E> {
        // Items already in place at either end need no merging.
        let first_right = self.items[middle];
        let start = start + gallop_right(&mut self.less, first_right, &self.items[start..middle], 0)?;
        if start == middle {
            return Ok(());
        }
        let last_left = self.items[middle - 1];
        let right = &self.items[middle..end];
        let end = middle + gallop_left(&mut self.less, last_left, right, right.len() - 1)?;
        if end == middle {
            return Ok(());
        }
        if middle - start <= end - middle {
            self.merge_forward(start, middle, end)
        } else {
            self.merge_backward(start, middle, end)
        }
    }

    /// Merges with the left run moved to spare space. The gap left in `items` always has the size of what
    /// remains there, so putting the remainder back restores a permutation also after an error.
    fn merge_forward(&mut self, start: usize, middle: usize, end: usize) -> Result<(), E> {
        self.spare.clear();
        self.spare.extend_from_slice(&self.items[start..middle]);
        let (mut left, mut right, mut to) = (0, middle, start);
        let result = self.merge_forward_loop(&mut left, &mut right, &mut to, end);
        let remaining = &self.spare[left..];
        self.items[to..to + remaining.len()].copy_from_slice(remaining);
        result
    }

    fn merge_forward_loop(
        &mut self,
        left: &mut usize,
        right: &mut usize,
        to: &mut usize,
        end: usize,
    ) -> Result<(), E> {
        let Sorter { items, less, spare, min_gallop } = self;
        loop {
            let (mut left_wins, mut right_wins) = (0, 0);
            while left_wins < *min_gallop && right_wins < *min_gallop {
                if *left == spare.len() || *right == end {
                    return Ok(());
                }
                if less(items[*right], spare[*left])? {
                    items[*to] = items[*right];
                    *right += 1;
                    right_wins += 1;
                    left_wins = 0;
                } else {
                    items[*to] = spare[*left];
                    *left += 1;
                    left_wins += 1;
                    right_wins = 0;
                }
                *to += 1;
            }
            loop {
                if *left == spare.len() || *right == end {
                    return Ok(());
                }
                let from_left = gallop_right(less, items[*right], &spare[*left..], 0)?;
                items[*to..*to + from_left].copy_from_slice(&spare[*left..*left + from_left]);
                *left += from_left;
                *to += from_left;
                if *left == spare.len() {
                    return Ok(());
                }
                let from_right = gallop_left(less, spare[*left], &items[*right..end], 0)?;
                items.copy_within(*right..*right + from_right, *to);
                *right += from_right;
                *to += from_right;
                if from_left < MIN_GALLOP && from_right < MIN_GALLOP {
                    *min_gallop += 2;
                    break;
                }
                *min_gallop = (*min_gallop - 1).max(1);
            }
        }
    }

    /// Merges with the right run moved to spare space, from the back.
    fn merge_backward(&mut self, start: usize, middle: usize, end: usize) -> Result<(), E> {
        self.spare.clear();
        self.spare.extend_from_slice(&self.items[middle..end]);
        let (mut left, mut right) = (middle, self.spare.len());
        let result = self.merge_backward_loop(start, &mut left, &mut right);
        self.items[left..left + right].copy_from_slice(&self.spare[..right]);
        result
    }

    /// `left` is the end of what remains of the left run, `right` of the spare run; the gap between them and the
    /// merged tail starts at `left` and has `right` places.
    fn merge_backward_loop(&mut self, start: usize, left: &mut usize, right: &mut usize) -> Result<(), E> {
        let Sorter { items, less, spare, min_gallop } = self;
        loop {
            let (mut left_wins, mut right_wins) = (0, 0);
            while left_wins < *min_gallop && right_wins < *min_gallop {
                if *left == start || *right == 0 {
                    return Ok(());
                }
                let to = *left + *right - 1;
                if less(spare[*right - 1], items[*left - 1])? {
                    items[to] = items[*left - 1];
                    *left -= 1;
                    left_wins += 1;
                    right_wins = 0;
                } else {
                    items[to] = spare[*right - 1];
                    *right -= 1;
                    right_wins += 1;
                    left_wins = 0;
                }
            }
            loop {
                if *left == start || *right == 0 {
                    return Ok(());
                }
                let remaining = &items[start..*left];
                let keep = start + gallop_right(less, spare[*right - 1], remaining, remaining.len() - 1)?;
                let from_left = *left - keep;
                items.copy_within(keep..*left, keep + *right);
                *left = keep;
                if *left == start {
                    return Ok(());
                }
                let keep = gallop_left(less, items[*left - 1], &spare[..*right], *right - 1)?;
                let from_right = *right - keep;
                items[*left + keep..*left + *right].copy_from_slice(&spare[keep..*right]);
                *right = keep;
                if from_left < MIN_GALLOP && from_right < MIN_GALLOP {
                    *min_gallop += 2;
                    break;
                }
                *min_gallop = (*min_gallop - 1).max(1);
            }
        }
    }
}

/// A run length of 32..=64 such that n over it is a power of two or slightly less.
fn minimum_run(mut n: usize) -> usize {
    let mut dropped = 0;
    while n >= MAX_MINRUN {
        dropped |= n & 1;
        n >>= 1;
    }
    n + dropped
}

/// Powersort's node power of the boundary between a run and its right neighbour: the depth in the perfectly
/// balanced merge tree at which their midpoints part.
fn boundary_power(start: usize, left: usize, right: usize, n: usize) -> u32 {
    let mut a = 2 * start + left;
    let mut b = a + left + right;
    let mut power = 0;
    loop {
        power += 1;
        if a >= n {
            a -= n;
            b -= n;
        } else if b >= n {
            return power;
        }
        a <<= 1;
        b <<= 1;
    }
}

/// First index in sorted `run` whose item is greater than `key`. Exponential search from `hint`.
fn gallop_right<T: Copy, E>(
    less: &mut impl FnMut(T, T) -> Result<bool, E>,
    key: T,
    run: &[T],
    hint: usize,
) -> Result<usize, E> {
    gallop(run.len(), hint, |i| less(key, run[i]))
}

/// First index in sorted `run` whose item is not less than `key`. Exponential search from `hint`.
fn gallop_left<T: Copy, E>(
    less: &mut impl FnMut(T, T) -> Result<bool, E>,
    key: T,
    run: &[T],
    hint: usize,
) -> Result<usize, E> {
    gallop(run.len(), hint, |i| Ok(!less(run[i], key)?))
}

/// First index in `0..len` where the monotone predicate `after` holds, or `len`.
fn gallop<E>(len: usize, hint: usize, mut after: impl FnMut(usize) -> Result<bool, E>) -> Result<usize, E> {
    let (mut low, mut high);
    let mut step = 1;
    if after(hint)? {
        high = hint;
        loop {
            if high < step {
                low = 0;
                break;
            }
            let probe = hint.wrapping_sub(step);
            if probe > hint {
                low = 0;
                break;
            }
            if after(probe)? {
                high = probe;
                step = step * 2 + 1;
            } else {
                low = probe + 1;
                break;
            }
        }
    } else {
        low = hint + 1;
        loop {
            let probe = hint + step;
            if probe >= len {
                high = len;
                break;
            }
            if after(probe)? {
                high = probe;
                break;
            }
            low = probe + 1;
            step = step * 2 + 1;
        }
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if after(middle)? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Deterministic pseudo-random numbers (xorshift64).
    struct Rng(u64);
    impl Rng {
        fn next(&mut self, below: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % below
        }
    }

    fn shapes(rng: &mut Rng, n: usize) -> Vec<Vec<u64>> {
        let random: Vec<u64> = (0..n).map(|_| rng.next(1 << 40)).collect();
        let few: Vec<u64> = (0..n).map(|_| rng.next(4)).collect();
        let up: Vec<u64> = (0..n as u64).collect();
        let down: Vec<u64> = (0..n as u64).rev().collect();
        let saw: Vec<u64> = (0..n as u64).map(|i| i % 100).collect();
        let mut nearly = up.clone();
        for _ in 0..n / 20 {
            let (a, b) = (rng.next(n as u64) as usize, rng.next(n as u64) as usize);
            nearly.swap(a, b);
        }
        let halves = up.iter().map(|i| i * 2 % n.max(1) as u64).collect();
        vec![random, few, up, down, saw, nearly, halves]
    }

    #[test]
    fn agrees_with_the_stable_sort_of_std() {
        let mut rng = Rng(0x9E37_79B9_7F4A_7C15);
        for n in [0, 1, 2, 3, 10, 63, 64, 65, 100, 129, 1000, 4567] {
            for keys in shapes(&mut rng, n) {
                let mut ours: Vec<(u64, usize)> = keys.iter().copied().zip(0..).collect();
                let mut std = ours.clone();
                let mut calls = 0usize;
                sort_by(&mut ours, |a, b| {
                    calls += 1;
                    Ok::<_, ()>(a.0 < b.0)
                })
                .unwrap();
                std.sort_by_key(|p| p.0);
                assert_eq!(ours, std);
                let bound = n * (usize::BITS - n.leading_zeros()) as usize + n;
                assert!(calls <= bound, "{calls} comparisons for {n}");
            }
        }
    }

    #[test]
    fn sorted_input_takes_one_pass() {
        let mut items: Vec<u32> = (0..1000).collect();
        let mut calls = 0;
        sort_by(&mut items, |a, b| {
            calls += 1;
            Ok::<_, ()>(a < b)
        })
        .unwrap();
        assert_eq!(calls, 999);
    }

    #[test]
    fn errors_leave_a_permutation() {
        let mut rng = Rng(42);
        for shape in shapes(&mut rng, 700) {
            let mut expected = shape.clone();
            expected.sort_unstable();
            for stop in (0..6000).step_by(37) {
                let mut items = shape.clone();
                let mut calls = 0;
                let result = sort_by(&mut items, |a, b| {
                    calls += 1;
                    if calls > stop { Err(calls) } else { Ok(a < b) }
                });
                assert_eq!(result.is_err(), calls > stop);
                items.sort_unstable();
                assert_eq!(items, expected);
            }
        }
    }

    #[test]
    fn inconsistent_orders_do_not_panic() {
        let mut rng = Rng(7);
        for _ in 0..50 {
            let mut items: Vec<u32> = (0..500).collect();
            sort_by(&mut items, |_, _| Ok::<_, ()>(rng.next(2) == 0)).unwrap();
            items.sort_unstable();
            assert_eq!(items, (0..500).collect::<Vec<_>>());
        }
    }

    #[test]
    fn homogeneous_keys() {
        let mut ints = [(3, 'a'), (-1, 'b'), (3, 'c'), (0, 'd')];
        sort_ints(&mut ints);
        assert_eq!(ints.map(|p| p.1), ['b', 'd', 'a', 'c']);
        let mut floats = [(0.0, 'a'), (-0.0, 'b'), (-1.5, 'c')];
        sort_floats(&mut floats);
        assert_eq!(floats.map(|p| p.1), ['c', 'a', 'b']);
        let mut nans = [(f64::NAN, 0), (1.0, 1), (0.0, 2)];
        sort_floats(&mut nans);
        let mut left = nans.map(|p| p.1);
        left.sort_unstable();
        assert_eq!(left, [0, 1, 2]);
        let mut text: [(&[u8], u8); 3] = [(b"b", 0), (b"ab", 1), (b"a", 2)];
        sort_bytes(&mut text);
        assert_eq!(text.map(|p| p.1), [2, 1, 0]);
    }
}
