//! What an object's memory costs: the slab heap against mimalloc, each called directly.
//!
//! - `pair`: allocate and free one object, over and over: the floor.
//! - `churn`: a window of 1,000 live objects of mixed sizes, each step replaces one.
//! - `build`: 10,000 objects built, then dropped in the order of their birth.
//! - `foreign`: 10,000 objects freed by another thread than their maker; the hand-over is in both.

use std::alloc::{GlobalAlloc, Layout};
use std::hint::black_box;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mimalloc::MiMalloc;
use typhon_gc::{Heap, LocalHeap};
use typhon_sync::Birth;
use typhon_sync::header::{Header, OwnerId, gc_bits};

const SIZES: [usize; 8] = [32, 48, 64, 48, 80, 40, 128, 56];
const BUILD: usize = 10_000;

/// One way to get and give back an object's memory. Both write a birth header.
trait Arm {
    fn new(birth: u32) -> Self;
    fn alloc(&mut self, size: usize) -> *mut Header;
    fn free(&mut self, object: *mut Header, size: usize);
}

struct Slab {
    local: LocalHeap,
    birth: Birth,
}

impl Arm for Slab {
    fn new(owner: u32) -> Self {
        Slab { local: LocalHeap::new(Heap::process()), birth: Birth::biased(OwnerId(owner)) }
    }

    #[inline(always)]
    fn alloc(&mut self, size: usize) -> *mut Header {
        let object = self.local.alloc(size);
        // SAFETY: a fresh slot.
        unsafe { Header::write_birth(object, &self.birth, 1, gc_bits::TRACKED, 0) };
        self.local.count_container(object);
        object
    }

    #[inline(always)]
    fn free(&mut self, object: *mut Header, _size: usize) {
        // SAFETY: made by `alloc`, freed once.
        unsafe { self.local.free(object) }
    }
}

struct Mi {
    birth: Birth,
}

impl Arm for Mi {
    fn new(owner: u32) -> Self {
        Mi { birth: Birth::biased(OwnerId(owner)) }
    }

    #[inline(always)]
    fn alloc(&mut self, size: usize) -> *mut Header {
        // SAFETY: the size is not zero, 16 is a power of two.
        let object = unsafe { MiMalloc.alloc(Layout::from_size_align_unchecked(size, 16)) };
        // SAFETY: fresh memory, large and aligned enough.
        unsafe { Header::write_birth(object.cast(), &self.birth, 1, gc_bits::TRACKED, 0) };
        object.cast()
    }

    #[inline(always)]
    fn free(&mut self, object: *mut Header, size: usize) {
        // SAFETY: made by `alloc` with this size, freed once.
        unsafe { MiMalloc.dealloc(object.cast(), Layout::from_size_align_unchecked(size, 16)) }
    }
}

fn pair<A: Arm>(c: &mut Criterion, name: &str) {
    let mut group = c.benchmark_group("alloc/pair");
    for size in [32usize, 64, 256, 2000] {
        let mut arm = A::new(3);
        group.bench_function(BenchmarkId::new(name, size), |b| {
            b.iter(|| {
                let object = black_box(arm.alloc(black_box(size)));
                arm.free(object, size);
            });
        });
    }
    group.finish();
}

fn churn<A: Arm>(c: &mut Criterion, name: &str) {
    let mut arm = A::new(3);
    let mut window: Vec<(*mut Header, usize)> =
        (0..1000).map(|i| (arm.alloc(SIZES[i % 8]), SIZES[i % 8])).collect();
    let mut seed = 1u64;
    c.bench_function(&format!("alloc/churn/{name}"), |b| {
        b.iter(|| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let victim = (seed >> 33) as usize % 1000;
            let size = SIZES[(seed >> 60) as usize & 7];
            let (object, old) = window[victim];
            arm.free(object, old);
            window[victim] = (arm.alloc(size), size);
        });
    });
    for (object, size) in window {
        arm.free(object, size);
    }
}

fn build<A: Arm>(c: &mut Criterion, name: &str) {
    let mut group = c.benchmark_group("alloc/build");
    group.throughput(Throughput::Elements(BUILD as u64));
    let mut arm = A::new(3);
    let mut objects = Vec::with_capacity(BUILD);
    group.bench_function(name, |b| {
        b.iter(|| {
            for i in 0..BUILD {
                objects.push((arm.alloc(SIZES[i & 7]), SIZES[i & 7]));
            }
            for (object, size) in objects.drain(..) {
                arm.free(object, size);
            }
        });
    });
    group.finish();
}

fn foreign<A: Arm + 'static>(c: &mut Criterion, name: &str) {
    let mut group = c.benchmark_group("alloc/foreign");
    group.throughput(Throughput::Elements(BUILD as u64));
    group.bench_function(name, |b| {
        b.iter_custom(|rounds| {
            let (sender, receiver) = mpsc::sync_channel::<Vec<(usize, usize)>>(2);
            let consumer = thread::spawn(move || {
                let mut arm = A::new(4);
                for batch in receiver {
                    for (object, size) in batch {
                        arm.free(object as *mut Header, size);
                    }
                }
            });
            let mut arm = A::new(3);
            let start = Instant::now();
            for _ in 0..rounds {
                let batch = (0..BUILD).map(|i| (arm.alloc(SIZES[i & 7]) as usize, SIZES[i & 7])).collect();
                sender.send(batch).expect("the consumer waits for us");
            }
            drop(sender);
            consumer.join().expect("the consumer only frees");
            start.elapsed()
        });
    });
    group.finish();
}

fn all(c: &mut Criterion) {
    pair::<Slab>(c, "slab");
    pair::<Mi>(c, "mimalloc");
    churn::<Slab>(c, "slab");
    churn::<Mi>(c, "mimalloc");
    build::<Slab>(c, "slab");
    build::<Mi>(c, "mimalloc");
    foreign::<Slab>(c, "slab");
    foreign::<Mi>(c, "mimalloc");
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = all
}
criterion_main!(benches);
