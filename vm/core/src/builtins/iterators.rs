//! Iterators over built-in containers.

use crate::object::{Borrowed, Owned};
use crate::thread::Thread;

/// `iter()` of an object that only has `__getitem__`.
pub fn sequence_iterator(_th: &mut Thread, seq: Borrowed<'_>) -> Owned {
    seq.to_owned()
}
