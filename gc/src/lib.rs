//! The heap and finding garbage: slabs, weak references, the cycle collectors and their policy.
//!
//! This crate knows headers and addresses. What an object refers to, how it is finalised and how it
//! is destroyed is told to it by a [`cycles::Host`].
pub mod heap;

pub use heap::{Heap, LocalHeap};
