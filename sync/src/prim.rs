//! The only door to shared memory.
//!
//! Every file of this crate takes its atomics from `super::prim`. A loom model includes the same
//! file by `#[path]` beside a `prim` of loom's types, so the code that is model-checked is the
//! code that ships.

pub use core::sync::atomic::Ordering;
pub use core::sync::atomic::fence;
pub use core::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize};
