//! Random histories against a naive reference: after each collection, exactly what is reachable from
//! the held references lives.
mod mock;

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use mock::*;
use typhon_gc::Generation;
use typhon_sync::Birth;

/// xorshift64*: enough for shuffling graphs, and the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n
    }
}

/// Everything reachable from `roots`.
fn reachable(roots: &[Ref]) -> HashSet<Ref> {
    let mut seen: HashSet<Ref> = HashSet::new();
    let mut todo: Vec<Ref> = roots.to_vec();
    while let Some(object) = todo.pop() {
        if seen.insert(object) {
            let children = get(object).slots.iter().map(|slot| slot.load(Ordering::Relaxed) as Ref);
            todo.extend(children.filter(|child| !child.is_null()));
        }
    }
    seen
}

fn all(mock: &Mock) -> HashSet<Ref> {
    let mut all = HashSet::new();
    mock.collector.heap.for_each_object(|header| {
        all.insert(std::ptr::from_ref(header).cast());
    });
    all
}

fn history(seed: u64, birth: Option<Birth>, beside: bool) {
    let mut random = Random(seed);
    let mut mock = mock();
    mock.birth = birth.unwrap_or(mock.birth);
    for step in 0..400 {
        match random.below(10) {
            0..=3 => {
                for _ in 0..random.below(30) {
                    let finalizer = if random.below(20) == 0 { COUNTED } else { NO_FINALIZER };
                    let node = mock.node_with(finalizer);
                    mock.roots.push(node);
                }
            }
            4..=7 => {
                for _ in 0..random.below(60) {
                    if mock.roots.is_empty() {
                        break;
                    }
                    let from = mock.roots[random.below(mock.roots.len())];
                    let slot = random.below(SLOTS);
                    let to = match random.below(6) {
                        0 => std::ptr::null(),
                        _ => mock.roots[random.below(mock.roots.len())],
                    };
                    mock.set(from, slot, to);
                }
            }
            8 => {
                for _ in 0..random.below(25) {
                    if !mock.roots.is_empty() {
                        let index = random.below(mock.roots.len());
                        let root = mock.roots.swap_remove(index);
                        mock.drop_ref(root);
                    }
                }
            }
            _ => {
                let generation = Generation::from_index(random.below(3)).unwrap();
                let before = all(&mock);
                let wanted = reachable(&mock.roots);
                assert!(wanted.is_subset(&before), "seed {seed} step {step}: freed while reachable");
                let collected = if beside {
                    mock.collect_beside(generation)
                } else {
                    mock.collect_generation(generation).collected
                };
                let after = all(&mock);
                assert!(wanted.is_subset(&after), "seed {seed} step {step}: live object collected");
                // Beside, what hangs on garbage dies of it by count in part.
                let destroyed = before.len() - after.len();
                assert!(
                    destroyed == collected || beside && collected <= destroyed,
                    "seed {seed} step {step}"
                );
                if generation == Generation::Full {
                    assert_eq!(after, wanted, "seed {seed} step {step}: garbage left");
                }
            }
        }
    }
    for root in std::mem::take(&mut mock.roots) {
        mock.drop_ref(root);
    }
    mock.collect();
    assert_eq!(mock.live(), 0, "seed {seed}");
}

#[test]
fn biased_counts() {
    for seed in 1..=60 {
        history(seed * 7919, None, false);
    }
}

#[test]
fn biased_counts_beside() {
    for seed in 1..=60 {
        history(seed * 7907, None, true);
    }
}

#[test]
fn atomic_counts_beside() {
    for seed in 1..=30 {
        history(seed * 104_723, Some(Birth::atomic()), true);
    }
}

#[test]
fn atomic_counts() {
    for seed in 1..=30 {
        history(seed * 104_729, Some(Birth::atomic()), false);
    }
}

#[test]
fn a_large_random_graph_is_split_over_threads() {
    let mut random = Random(42);
    let mut mock = mock();
    let nodes: Vec<Ref> = (0..700_000).map(|_| mock.node()).collect();
    for &node in &nodes {
        for slot in 0..2 {
            let to = nodes[random.below(nodes.len())];
            mock.set(node, slot, to);
        }
    }
    let (held, dropped) = nodes.split_at(3);
    for &node in dropped {
        mock.drop_ref(node);
    }
    let wanted = reachable(held);
    let live = mock.live();
    let outcome = mock.collect_generation(Generation::Full);
    assert_eq!(outcome.collected, live - wanted.len());
    assert_eq!(all(&mock), wanted);
}
