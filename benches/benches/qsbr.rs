//! Safe memory reclamation: our QSBR against `crossbeam-epoch`, behind one trait.

use criterion::{Criterion, criterion_group, criterion_main};
use crossbeam_epoch::{Collector, Guard, LocalHandle};
use std::cell::RefCell;
use std::hint::black_box;
use std::sync::atomic::{
    AtomicPtr,
    Ordering::{AcqRel, Acquire},
};
use typhon_benches::{NoDeaths, attached};
use typhon_sync::qsbr::Free;
use typhon_sync::{Mode, Smr, breaker};

/// A thread of `crossbeam-epoch`, pinned while it is online and repinned at quiescent points.
struct Epoch {
    handle: LocalHandle,
    guard: RefCell<Option<Guard>>,
}

impl Epoch {
    fn new(collector: &Collector) -> Epoch {
        Epoch { handle: collector.register(), guard: RefCell::new(None) }
    }
}

impl Smr for Epoch {
    fn online(&self) {
        *self.guard.borrow_mut() = Some(self.handle.pin());
    }

    fn offline(&self) {
        *self.guard.borrow_mut() = None;
    }

    fn quiescent(&self) {
        if let Some(guard) = &mut *self.guard.borrow_mut() {
            guard.repin();
        }
    }

    unsafe fn retire(&self, address: *mut u8, bytes: usize, free: Free) {
        let address = address as usize;
        if let Some(guard) = &*self.guard.borrow() {
            // SAFETY: the caller's promise; the address is sent as a number.
            unsafe { guard.defer_unchecked(move || free(address as *mut u8, bytes)) };
        }
    }

    fn advance(&self) -> u64 {
        if let Some(guard) = &*self.guard.borrow() {
            guard.flush();
        }
        0
    }

    fn reached(&self, _goal: u64) -> bool {
        unimplemented!("crossbeam-epoch cannot be asked")
    }
}

unsafe fn free(address: *mut u8, _bytes: usize) {
    // SAFETY: made by `Box::into_raw` in `replace`.
    drop(unsafe { Box::from_raw(address.cast::<u64>()) });
}

/// Reads the cell a thousand times between two quiescent points, as a thread between safepoints does.
fn read(smr: &impl Smr, cell: &AtomicPtr<u64>) -> u64 {
    let mut sum = 0;
    for _ in 0..1000 {
        // SAFETY: online, and no quiescent point before the value has been read.
        sum += unsafe { *black_box(cell).load(Acquire) };
    }
    smr.quiescent();
    sum
}

fn replace(smr: &impl Smr, cell: &AtomicPtr<u64>) {
    let old = cell.swap(Box::into_raw(Box::new(1)), AcqRel);
    // SAFETY: unlinked by the swap.
    unsafe { smr.retire(old.cast(), 8, free) };
}

fn compare(criterion: &mut Criterion) {
    let cell = AtomicPtr::new(Box::into_raw(Box::new(1u64)));
    let thread = attached(Mode::Biased);
    let epoch = Epoch::new(&Collector::new());
    epoch.online();
    let mut group = criterion.benchmark_group("qsbr");
    group.bench_function("quiescent/qsbr", |bencher| bencher.iter(|| black_box(&thread).quiescent()));
    group.bench_function("quiescent/epoch", |bencher| bencher.iter(|| black_box(&epoch).quiescent()));
    group.bench_function("offline and online/qsbr", |bencher| {
        bencher.iter(|| {
            thread.offline();
            thread.online();
        })
    });
    group.bench_function("offline and online/epoch", |bencher| {
        bencher.iter(|| {
            epoch.offline();
            epoch.online();
        })
    });
    group.bench_function("1000 reads/qsbr", |bencher| bencher.iter(|| read(&thread, &cell)));
    group.bench_function("1000 reads/epoch", |bencher| bencher.iter(|| read(&epoch, &cell)));
    group.bench_function("retire and free/qsbr", |bencher| {
        bencher.iter(|| {
            replace(&thread, &cell);
            if thread.breaker() & breaker::QSBR != 0 {
                thread.safepoint(&NoDeaths);
            }
        })
    });
    group.bench_function("retire and free/epoch", |bencher| {
        bencher.iter(|| {
            replace(&epoch, &cell);
            epoch.quiescent();
        })
    });
    group.finish();
    thread.detach(&NoDeaths);
}

criterion_group!(benches, compare);
criterion_main!(benches);
