//! Weak references.

use typhon_sync::header::Header;

use crate::thread::Thread;

/// Clears the weak references to a dying object and runs their callbacks.
pub fn clear_dead(_th: &mut Thread, _h: &Header) {}

/// The first weak reference to an object, for `__weakref__`.
pub fn first(_th: &mut Thread, _o: crate::Borrowed<'_>) -> Option<crate::Owned> {
    None
}
