//! The object lock against `parking_lot` and `std`, free and contended; critical sections; the test that
//! skips locks in GIL mode; the GIL itself.

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use typhon_benches::{NoDeaths, against, attached, header};
use typhon_sync::{Birth, Header, Mode, ThreadCtx, WaitLock, World};

fn bump(thread: &ThreadCtx, object: &Header, counter: &AtomicU64) {
    let _guard = thread.lock(object);
    // ORDERING Relaxed: under the lock.
    counter.store(counter.load(Relaxed) + 1, Relaxed);
}

fn free(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lock/free");
    let counter = AtomicU64::new(0);
    let object = header(Birth::immortal());
    for (name, mode) in [("object lock", Mode::Biased), ("object lock, skipped under the GIL", Mode::Gil)] {
        let thread = attached(mode);
        group.bench_function(name, |bencher| {
            bencher.iter(|| bump(black_box(&thread), black_box(object), &counter))
        });
        thread.detach(&NoDeaths);
    }
    let thread = attached(Mode::Biased);
    group.bench_function("critical section", |bencher| {
        bencher.iter(|| {
            let _section = black_box(&thread).section(black_box(object));
            // ORDERING Relaxed: under the lock.
            counter.store(counter.load(Relaxed) + 1, Relaxed);
        })
    });
    thread.detach(&NoDeaths);
    let std = std::sync::Mutex::new(0u64);
    group
        .bench_function("std::sync::Mutex", |bencher| bencher.iter(|| *black_box(&std).lock().unwrap() += 1));
    let parking_lot = parking_lot::Mutex::new(0u64);
    group.bench_function("parking_lot::Mutex", |bencher| {
        bencher.iter(|| *black_box(&parking_lot).lock() += 1)
    });
    let waitable = WaitLock::new();
    group.bench_function("_thread.lock", |bencher| {
        bencher.iter(|| {
            assert!(black_box(&waitable).try_acquire());
            waitable.release()
        })
    });
    group.finish();
}

fn contended(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lock/another thread takes it all the time");
    let counter = AtomicU64::new(0);
    let object = header(Birth::immortal());
    let world = Arc::new(World::new(Mode::Biased));
    group.bench_function("object lock", |bencher| {
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let rival = world.register();
                rival.attach();
                // ORDERING Relaxed: only ends the loop.
                while !done.load(Relaxed) {
                    bump(&rival, object, &counter);
                }
                rival.exit(&NoDeaths);
            });
            let thread = world.register();
            thread.attach();
            bencher.iter(|| bump(&thread, black_box(object), &counter));
            thread.exit(&NoDeaths);
            // ORDERING Relaxed: as above.
            done.store(true, Relaxed);
        });
    });
    let std = std::sync::Mutex::new(0u64);
    let rival = || *std.lock().unwrap() += 1;
    group.bench_function("std::sync::Mutex", |bencher| {
        against(rival, || bencher.iter(|| *black_box(&std).lock().unwrap() += 1))
    });
    let parking_lot = parking_lot::Mutex::new(0u64);
    group.bench_function("parking_lot::Mutex", |bencher| {
        against(|| *parking_lot.lock() += 1, || bencher.iter(|| *black_box(&parking_lot).lock() += 1))
    });
    group.finish();
}

fn gil(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lock/detach and attach");
    for (name, mode) in [("gil", Mode::Gil), ("free", Mode::Biased)] {
        let thread = attached(mode);
        group.bench_function(name, |bencher| bencher.iter(|| thread.blocking(&NoDeaths, || ())));
        thread.detach(&NoDeaths);
    }
    group.finish();
}

criterion_group!(benches, free, contended, gil);
criterion_main!(benches);
