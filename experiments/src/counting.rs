//! The cost of one increment and one decrement, per way of counting: the measuring program behind
//! `papers/brc-pact18`.
//!
//! Objects are visited through a shuffled list of pointers, as a program would meet them, so that
//! nothing is hoisted or vectorised. There are 256 of them: they fit the first-level cache, and no
//! object is visited again before its last store has left the store buffer.

use crate::stats::Rng;
use std::cell::UnsafeCell;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::time::{Duration, Instant};
use typhon_sync::{Birth, Fate, Header, OwnerId};

/// How many objects.
const OBJECTS: usize = 256;
/// Increments per object before the decrements begin.
const DEPTH: usize = 16;
/// The thread that counts.
const ME: OwnerId = OwnerId(OwnerId::FIRST_THREAD.0);
/// Another one, which owns what is foreign.
const OTHER: OwnerId = OwnerId(OwnerId::FIRST_THREAD.0 + 1);

/// A way to count one object.
trait Counted {
    fn new() -> Self;
    fn inc(&self);
    fn dec(&self);
}

/// Padding to the size of a real header, so that all variants touch as many cache lines.
#[repr(C)]
struct Sized24<T>(T, [u64; 2]);

/// A count that only one thread may touch: what a GIL permits.
struct Plain(Sized24<UnsafeCell<u64>>);

impl Counted for Plain {
    fn new() -> Plain {
        Plain(Sized24(UnsafeCell::new(1), [0; 2]))
    }
    #[inline(always)]
    fn inc(&self) {
        // SAFETY: the object never leaves the measuring thread, and no reference into the cell is kept.
        unsafe { *self.0.0.get() += 1 }
    }
    #[inline(always)]
    fn dec(&self) {
        // SAFETY: as in `inc`.
        let left = unsafe {
            *self.0.0.get() -= 1;
            *self.0.0.get()
        };
        if left == 0 {
            dead();
        }
    }
}

/// One atomic word, with the orderings of `std::sync::Arc`.
struct Atomic(Sized24<AtomicU64>);

impl Counted for Atomic {
    fn new() -> Atomic {
        Atomic(Sized24(AtomicU64::new(1), [0; 2]))
    }
    #[inline(always)]
    fn inc(&self) {
        self.0.0.fetch_add(1, Ordering::Relaxed);
    }
    #[inline(always)]
    fn dec(&self) {
        if self.0.0.fetch_sub(1, Ordering::Release) == 1 {
            fence(Ordering::Acquire);
            dead();
        }
    }
}

/// A header of Typhon, born as `KIND` says, counted by `ME`.
struct Typhon<const KIND: u8>(Header);

/// Owned by the counting thread.
const OWNER: u8 = 0;
/// Owned by another thread.
const FOREIGN: u8 = 1;
/// Owned by nobody, as with `-X refcount=atomic`.
const MERGED: u8 = 2;

impl<const KIND: u8> Counted for Typhon<KIND> {
    fn new() -> Typhon<KIND> {
        let birth = match KIND {
            OWNER => Birth::biased(ME),
            FOREIGN => Birth::biased(OTHER),
            _ => Birth::atomic(),
        };
        let mut header = std::mem::MaybeUninit::<Header>::uninit();
        // SAFETY: 24 writable bytes with the alignment of a header that nobody else can see; the call
        // writes all of them.
        let header = unsafe {
            Header::write_birth(header.as_mut_ptr(), &birth, 0, 0, 0);
            header.assume_init()
        };
        Typhon(header)
    }
    #[inline(always)]
    fn inc(&self) {
        self.0.incref(ME);
    }
    #[inline(always)]
    fn dec(&self) {
        match self.0.decref(ME) {
            Fate::Alive => {}
            Fate::Dead | Fate::Queue => dead(),
        }
    }
}

#[cold]
#[inline(never)]
fn dead() {
    panic!("an object died while a reference to it was held");
}

/// Nanoseconds per operation.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// One increment.
    pub inc_ns: f64,
    /// One decrement that is not the last.
    pub dec_ns: f64,
}

#[inline(never)]
fn pass<T: Counted>(order: &[&T], operation: impl Fn(&T)) -> Duration {
    let start = Instant::now();
    for _ in 0..DEPTH {
        for object in order {
            operation(object);
        }
        // The counts are looked at after each round, so rounds cannot be merged into one.
        black_box(order);
    }
    start.elapsed()
}

fn measure<T: Counted>(seed: u64, budget: Duration) -> Cost {
    let objects: Vec<T> = (0..OBJECTS).map(|_| T::new()).collect();
    let mut order: Vec<&T> = objects.iter().collect();
    Rng::new(seed).shuffle(&mut order);
    let (mut inc, mut dec, mut n_passes) = (Duration::ZERO, Duration::ZERO, 0u32);
    pass(&order, T::inc);
    pass(&order, T::dec);
    while inc + dec < budget {
        inc += pass(&order, T::inc);
        dec += pass(&order, T::dec);
        n_passes += 1;
    }
    let n = f64::from(n_passes) * (OBJECTS * DEPTH) as f64;
    Cost { inc_ns: inc.as_nanos() as f64 / n, dec_ns: dec.as_nanos() as f64 / n }
}

/// The ways of counting, by the names that papers use them under.
pub const VARIANTS: &[&str] = &["plain", "atomic", "owner", "foreign", "merged"];

fn measure_named(variant: &str, seed: u64, budget: Duration) -> Cost {
    match variant {
        "plain" => measure::<Plain>(seed, budget),
        "atomic" => measure::<Atomic>(seed, budget),
        "owner" => measure::<Typhon<OWNER>>(seed, budget),
        "foreign" => measure::<Typhon<FOREIGN>>(seed, budget),
        _ => measure::<Typhon<MERGED>>(seed, budget),
    }
}

/// Measures all variants in random order and prints a `lab` line for each.
pub fn print(seed: u64, budget: Duration) {
    let mut order = VARIANTS.to_vec();
    Rng::new(seed).shuffle(&mut order);
    for variant in order {
        let cost = measure_named(variant, seed, budget);
        println!("lab count={variant} inc_ns={:.4} dec_ns={:.4}", cost.inc_ns, cost.dec_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count_of<T: Counted>() -> T {
        let object = T::new();
        object.inc();
        object.inc();
        object.dec();
        object
    }

    #[test]
    fn the_variants_really_count() {
        assert_eq!(count_of::<Typhon<OWNER>>().0.refcount(), 2);
        assert_eq!(count_of::<Typhon<FOREIGN>>().0.refcount(), 2);
        assert_eq!(count_of::<Typhon<MERGED>>().0.refcount(), 2);
        assert_eq!(count_of::<Atomic>().0.0.load(Ordering::Relaxed), 2);
        // SAFETY: no other reference into the cell exists.
        assert_eq!(unsafe { *count_of::<Plain>().0.0.get() }, 2);
    }

    #[test]
    fn variants_have_the_size_of_a_header() {
        assert_eq!(size_of::<Plain>(), size_of::<Header>());
        assert_eq!(size_of::<Atomic>(), size_of::<Header>());
    }

    #[test]
    fn every_variant_can_be_measured() {
        for variant in VARIANTS {
            let cost = measure_named(variant, 1, Duration::from_micros(200));
            assert!(cost.inc_ns > 0.0 && cost.dec_ns > 0.0, "{variant}");
        }
    }
}
