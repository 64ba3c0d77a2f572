//! One incref and one decref: by the owner, by a stranger, atomic, immortal; against a plain counter and
//! `std::sync::Arc`. The claim to hold: the owner's pair within 10 % of the plain one, the atomic pair
//! about 2.4 times as dear (Choi, Shull, Torrellas, PACT 2018).

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use std::cell::Cell;
use std::hint::black_box;
use std::sync::Arc;
use typhon_benches::{against, attached, header};
use typhon_sync::{Birth, Fate, Header, Mode, OwnerId};

const STRANGER: OwnerId = OwnerId(1 << 20);

fn pair(header: &Header, me: OwnerId) -> Fate {
    header.incref(me);
    black_box(header).decref(me)
}

fn one_thread(criterion: &mut Criterion) {
    let thread = attached(Mode::Biased);
    let me = thread.me();
    let mut group = criterion.benchmark_group("refcount/pair");
    let plain = Cell::new(1u32);
    group.bench_function("plain", |bencher| {
        bencher.iter(|| {
            let plain = black_box(&plain);
            plain.set(plain.get() + 1);
            let plain = black_box(plain);
            plain.set(plain.get() - 1);
            plain.get() == 0
        })
    });
    let owned = header(Birth::biased(me));
    group.bench_function("owner", |bencher| bencher.iter(|| pair(black_box(owned), me)));
    group.bench_function("owner, last test split off", |bencher| {
        bencher.iter(|| {
            black_box(owned).incref(me);
            black_box(owned).try_dec_local(me)
        })
    });
    let foreign = header(Birth::biased(me));
    foreign.publish();
    group.bench_function("foreign", |bencher| bencher.iter(|| pair(black_box(foreign), STRANGER)));
    let atomic = header(Birth::atomic());
    group.bench_function("atomic", |bencher| bencher.iter(|| pair(black_box(atomic), me)));
    let immortal = header(Birth::immortal());
    group.bench_function("immortal", |bencher| bencher.iter(|| pair(black_box(immortal), me)));
    group.bench_function("upgrade and decref", |bencher| {
        bencher.iter(|| {
            assert!(black_box(foreign).try_incref(STRANGER));
            black_box(foreign).decref(STRANGER)
        })
    });
    let arc = Arc::new(1u32);
    group.bench_function("std::sync::Arc", |bencher| {
        bencher.iter(|| drop(black_box(Arc::clone(black_box(&arc)))))
    });
    group.finish();
    thread.detach(&typhon_benches::NoDeaths);
}

fn two_threads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("refcount/pair while another thread does the same");
    let atomic = header(Birth::atomic());
    group.bench_function("atomic", |bencher| {
        against(
            || assert_eq!(pair(atomic, STRANGER), Fate::Alive),
            || bencher.iter(|| pair(black_box(atomic), OwnerId(3))),
        )
    });
    let owned = header(Birth::biased(OwnerId(3)));
    owned.publish();
    group.bench_function("owner against a stranger", |bencher| {
        against(
            || assert_eq!(pair(owned, STRANGER), Fate::Alive),
            || bencher.iter(|| pair(black_box(owned), OwnerId(3))),
        )
    });
    group.finish();
}

fn moved(criterion: &mut Criterion) {
    let thread = attached(Mode::Biased);
    criterion.bench_function("refcount/birth and merge of a moved reference", |bencher| {
        bencher.iter_batched(
            || header(thread.birth()),
            |object| {
                assert_eq!(object.decref(STRANGER), Fate::Queue);
                object.merge(-1)
            },
            BatchSize::SmallInput,
        )
    });
    thread.detach(&typhon_benches::NoDeaths);
}

criterion_group!(benches, one_thread, two_threads, moved);
criterion_main!(benches);
