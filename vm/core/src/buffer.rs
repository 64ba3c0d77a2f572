//! The buffer protocol: borrowing the bytes of an object.

use crate::object::Owned;

/// Bytes lent by an object, until dropped. Holds the object; a resizable exporter counts its exports and
/// refuses to resize meanwhile.
pub struct Buffer {
    pub owner: Owned,
    pub ptr: *mut u8,
    pub len: usize,
    pub readonly: bool,
    /// struct-style format, `"B"` for bytes; item size and shape for typed exporters.
    pub format: &'static str,
    pub itemsize: usize,
    pub release: Option<fn(&Owned)>,
}
