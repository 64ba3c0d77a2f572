//! What a safepoint costs where nothing is asked, and what a stop and a handshake cost the requester.

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use typhon_benches::{NoDeaths, attached};
use typhon_sync::{Mode, breaker};

fn poll(criterion: &mut Criterion) {
    let thread = attached(Mode::Biased);
    let mut group = criterion.benchmark_group("safepoint");
    group.bench_function("empty loop", |bencher| bencher.iter(|| black_box(0u32)));
    group.bench_function("poll", |bencher| {
        bencher.iter(|| {
            if black_box(&thread).breaker() != 0 {
                thread.safepoint(&NoDeaths);
            }
        })
    });
    group.bench_function("quiescent point on demand", |bencher| {
        bencher.iter(|| {
            thread.raise(breaker::QSBR);
            thread.safepoint(&NoDeaths)
        })
    });
    group.finish();
    thread.detach(&NoDeaths);
}

fn others(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("safepoint/one other thread polls");
    let main = attached(Mode::Biased);
    let world = main.world().clone();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (world, done) = (&world, &done);
        scope.spawn(move || {
            let other = world.register();
            other.attach();
            // ORDERING Relaxed: only ends the loop.
            while !done.load(Relaxed) {
                if other.breaker() != 0 {
                    other.safepoint(&NoDeaths);
                }
            }
            other.exit(&NoDeaths);
        });
        group.bench_function("stop and go", |bencher| bencher.iter(|| drop(main.stop_the_world())));
        group.bench_function("handshake", |bencher| bencher.iter(|| main.handshake(|_| {})));
        // ORDERING Relaxed: as above.
        done.store(true, Relaxed);
        main.detach(&NoDeaths);
    });
    group.finish();
}

criterion_group!(benches, poll, others);
criterion_main!(benches);
