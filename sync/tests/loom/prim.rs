//! `prim`, with loom's types under the names that the shipped one gives to std's.

pub use crossbeam_utils::CachePadded;
pub use loom::sync::atomic::{AtomicPtr, Ordering, fence};
pub use loom::sync::{Condvar, Mutex, MutexGuard};

/// An atomic of loom's that explores every order of the operations on it.
///
/// Loom remembers only the *last* access of a location when it looks for orders to explore. In "load a
/// guess, then CAS" the guess hides another thread's earlier load from the CAS, so the order "CAS, then
/// that load" is never tried. Here every operation is preceded by a relaxed read-modify-write of a
/// location beside it: that makes any two operations dependent, and orders nothing.
macro_rules! atomics {
    ($($name:ident: $value:ty;)*) => {$(
        #[derive(Default)]
        pub struct $name {
            meeting: loom::sync::atomic::AtomicUsize,
            inner: loom::sync::atomic::$name,
        }

        #[allow(dead_code)]
        impl $name {
            pub fn new(value: $value) -> $name {
                $name {
                    meeting: loom::sync::atomic::AtomicUsize::new(0),
                    inner: loom::sync::atomic::$name::new(value),
                }
            }

            fn meet(&self) -> &loom::sync::atomic::$name {
                self.meeting.fetch_add(1, Ordering::Relaxed);
                &self.inner
            }

            pub fn load(&self, order: Ordering) -> $value {
                self.meet().load(order)
            }

            pub fn store(&self, value: $value, order: Ordering) {
                self.meet().store(value, order);
            }

            pub fn swap(&self, value: $value, order: Ordering) -> $value {
                self.meet().swap(value, order)
            }

            pub fn fetch_add(&self, value: $value, order: Ordering) -> $value {
                self.meet().fetch_add(value, order)
            }

            pub fn fetch_sub(&self, value: $value, order: Ordering) -> $value {
                self.meet().fetch_sub(value, order)
            }

            pub fn fetch_or(&self, value: $value, order: Ordering) -> $value {
                self.meet().fetch_or(value, order)
            }

            pub fn fetch_and(&self, value: $value, order: Ordering) -> $value {
                self.meet().fetch_and(value, order)
            }

            pub fn fetch_max(&self, value: $value, order: Ordering) -> $value {
                self.meet().fetch_max(value, order)
            }

            pub fn compare_exchange(
                &self,
                from: $value,
                to: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.meet().compare_exchange(from, to, success, failure)
            }

            pub fn compare_exchange_weak(
                &self,
                from: $value,
                to: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.meet().compare_exchange(from, to, success, failure)
            }
        }
    )*};
}

atomics! {
    AtomicU8: u8;
    AtomicU16: u16;
    AtomicU32: u32;
    AtomicU64: u64;
    AtomicI64: i64;
    AtomicUsize: usize;
}

pub fn spin_loop() {
    loom::thread::yield_now();
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

pub fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condvar.wait(guard).unwrap()
}

/// In a model time never passes.
pub fn wait_for<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    _limit: std::time::Duration,
) -> (MutexGuard<'a, T>, bool) {
    (wait(condvar, guard), false)
}

/// In a model no rest is taken: it would be as long as the run is slow.
pub fn time_until(_moment: std::time::Instant) -> Option<std::time::Duration> {
    None
}

/// Both halves of the asymmetric pair are full fences: loom has no process-wide barrier, and a pair
/// of full fences orders exactly what the asymmetric pair orders.
pub fn light_fence() {
    fence(Ordering::SeqCst);
}

pub fn heavy_fence() -> bool {
    fence(Ordering::SeqCst);
    true
}

pub fn prepare_heavy_fence() {}
