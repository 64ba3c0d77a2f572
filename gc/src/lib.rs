//! The heap and finding garbage: slabs, weak references, the cycle collectors and their policy.
//!
//! This crate knows headers and addresses. What an object refers to, how it is finalised and how it
//! is destroyed is told to it by a [`cycles::Host`].
pub mod cycles;
pub mod heap;
pub mod inspect;
pub mod pauses;
pub mod policy;
pub mod verify;
pub mod weakref;

pub use cycles::{Collector, Host, Outcome, Strategy, Trace};
pub use heap::{Heap, LocalHeap};
pub use policy::{Generation, Policy};
pub use weakref::{HAS_WEAKREFS, WeakTable};
