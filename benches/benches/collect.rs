//! What a stop costs: full and young collections of a million live objects, and of pure garbage.

#[path = "../../gc/tests/mock/mod.rs"]
mod mock;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use mock::{Mock, Ref, SLOTS, get};
use typhon_gc::Generation;
use typhon_gc::cycles::Options;

const LIVE: usize = 1_000_000;

fn collect(mock: &mut Mock, generation: Generation) -> usize {
    let collector = mock.collector;
    collector.collect(mock, generation, Options::default()).collected
}

/// A tree with parent links: every object is in a cycle.
fn tree(mock: &mut Mock, n: usize) -> Ref {
    let root = mock.node();
    let mut nodes = vec![root];
    for i in 1..n {
        let child = mock.node();
        let parent = nodes[(i - 1) / (SLOTS - 1)];
        mock.set(child, SLOTS - 1, parent);
        mock.give(parent, (i - 1) % (SLOTS - 1), child);
        nodes.push(child);
    }
    root
}

/// `n` objects that refer to random others, all held by an array of roots.
fn random(mock: &mut Mock, n: usize) {
    let nodes: Vec<Ref> = (0..n).map(|_| mock.node()).collect();
    let mut seed = 1u64;
    for &node in &nodes {
        for slot in 0..SLOTS {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            mock.set(node, slot, nodes[(seed >> 33) as usize % n]);
        }
    }
    mock.roots = nodes;
}

fn live(c: &mut Criterion) {
    let mut mock = mock::mock();
    let root = tree(&mut mock, LIVE);
    c.bench_function("collect/full/tree", |b| b.iter(|| collect(&mut mock, Generation::Full)));
    c.bench_function("collect/young/2000 births", |b| {
        b.iter(|| {
            for _ in 0..1000 {
                let (a, b) = (mock.node(), mock.node());
                mock.give(a, 0, b);
                mock.give(b, 0, a);
            }
            assert_eq!(collect(&mut mock, Generation::Young), 2000);
        });
    });
    black_box(get(root));
    let mut mock = mock::mock();
    random(&mut mock, LIVE);
    c.bench_function("collect/full/random", |b| b.iter(|| collect(&mut mock, Generation::Full)));
}

fn garbage(c: &mut Criterion) {
    let mut mock = mock::mock();
    c.bench_function("collect/garbage/tree of 100k", |b| {
        b.iter_custom(|rounds| {
            let mut time = Duration::ZERO;
            for _ in 0..rounds {
                let root = tree(&mut mock, 100_000);
                mock.drop_ref(root);
                mock.log.clear();
                let start = Instant::now();
                assert_eq!(collect(&mut mock, Generation::Full), 100_000);
                time += start.elapsed();
            }
            time
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    targets = live, garbage
}
criterion_main!(benches);
