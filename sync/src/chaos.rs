//! Atomics that give way at random, for the feature `chaos`: what two threads hardly ever do to each
//! other between two neighbouring accesses happens all the time.
//!
//! Every access counts down to the next pause of its thread. Most pauses spin for about as long as a
//! short operation of the other thread takes; a few give up the processor, which also lets threads
//! meet that outnumber the processors. Pauses come *before* an access, so between any two accesses of
//! a protocol there is a place for one.

use core::cell::Cell;
use core::sync::atomic::{self, Ordering};

/// Accesses between two pauses, at most.
const REACH: u32 = 256;

/// Rounds of a spinning pause, at most: some ten microseconds.
const SPIN: u32 = 256;

struct Dice {
    state: Cell<u64>,
    /// Accesses until the next pause.
    left: Cell<u32>,
}

thread_local! {
    static DICE: Dice = const { Dice { state: Cell::new(0), left: Cell::new(0) } };
}

/// Threads that have thrown dice: each has a sequence of its own.
static SEEDS: atomic::AtomicU64 = atomic::AtomicU64::new(0);

impl Dice {
    /// Xorshift (Marsaglia 2003).
    fn throw(&self) -> u64 {
        let mut x = self.state.get();
        if x == 0 {
            // ORDERING Relaxed: only has to be another number for each thread.
            let n = SEEDS.fetch_add(1, Ordering::Relaxed) + 1;
            x = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.state.set(x);
        x
    }

    #[cold]
    #[inline(never)]
    fn pause(&self) {
        let throw = self.throw();
        self.left.set((throw >> 32) as u32 % REACH);
        match throw % 64 {
            0..4 => std::thread::yield_now(),
            n => (0..throw as u32 % SPIN >> (n % 8)).for_each(|_| core::hint::spin_loop()),
        }
    }
}

/// A place where the other threads may come first.
#[inline(never)]
pub fn point() {
    DICE.with(|dice| match dice.left.get() {
        0 => dice.pause(),
        left => dice.left.set(left - 1),
    });
}

/// As the fence of `core`.
#[inline]
pub fn fence(order: Ordering) {
    point();
    atomic::fence(order);
}

macro_rules! chaotic {
    (exchange: $value:ty; $($(#[$meta:meta])* $operation:ident)*) => {
        $(
            /// # Errors
            $(#[$meta])*
            #[inline]
            pub fn $operation(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                point();
                self.0.$operation(current, new, success, failure)
            }
        )*
    };
    (numbers: $($name:ident $value:ty,)*) => {
        $(chaotic!($name, $value, fetch_add, fetch_sub, fetch_and, fetch_or, fetch_xor, fetch_max, fetch_min);)*
    };
    ($name:ident $(<$generic:ident>)?, $value:ty $(, $operation:ident)*) => {
        #[doc = concat!("As `", stringify!($name), "` of `core`, and of its layout.")]
        #[repr(transparent)]
        pub struct $name $(<$generic>)? (atomic::$name $(<$generic>)?);

        impl $(<$generic>)? $name $(<$generic>)? {
            pub const fn new(value: $value) -> Self {
                Self(atomic::$name::new(value))
            }

            /// # Safety
            /// As for the type of `core`.
            pub const unsafe fn from_ptr<'a>(place: *mut $value) -> &'a Self {
                // SAFETY: the caller's; transparent, so the layout is that of the type inside.
                unsafe { &*place.cast::<Self>() }
            }

            pub const fn as_ptr(&self) -> *mut $value {
                self.0.as_ptr()
            }

            pub fn get_mut(&mut self) -> &mut $value {
                self.0.get_mut()
            }

            pub fn into_inner(self) -> $value {
                self.0.into_inner()
            }

            #[inline]
            pub fn load(&self, order: Ordering) -> $value {
                point();
                self.0.load(order)
            }

            #[inline]
            pub fn store(&self, value: $value, order: Ordering) {
                point();
                self.0.store(value, order);
            }

            #[inline]
            pub fn swap(&self, value: $value, order: Ordering) -> $value {
                point();
                self.0.swap(value, order)
            }

            chaotic!(exchange: $value;
                /// The value found, if it is not `current`.
                compare_exchange
                /// The value found, if it is not `current`, or for no reason.
                compare_exchange_weak
            );

            /// # Errors
            /// The value found, if `f` declines it.
            #[inline]
            pub fn fetch_update(
                &self,
                set: Ordering,
                fetch: Ordering,
                mut f: impl FnMut($value) -> Option<$value>,
            ) -> Result<$value, $value> {
                let mut old = self.load(fetch);
                while let Some(new) = f(old) {
                    match self.compare_exchange_weak(old, new, set, fetch) {
                        Ok(old) => return Ok(old),
                        Err(found) => old = found,
                    }
                }
                Err(old)
            }

            $(#[inline]
            pub fn $operation(&self, value: $value, order: Ordering) -> $value {
                point();
                self.0.$operation(value, order)
            })*
        }

        impl $(<$generic>)? Default for $name $(<$generic>)? {
            fn default() -> Self {
                Self(Default::default())
            }
        }

        impl $(<$generic>)? core::fmt::Debug for $name $(<$generic>)? {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

chaotic! { numbers:
    AtomicI8 i8,
    AtomicU8 u8,
    AtomicU16 u16,
    AtomicI32 i32,
    AtomicU32 u32,
    AtomicI64 i64,
    AtomicU64 u64,
    AtomicIsize isize,
    AtomicUsize usize,
}
chaotic!(AtomicBool, bool, fetch_and, fetch_or, fetch_xor);
chaotic!(AtomicPtr<T>, *mut T);
