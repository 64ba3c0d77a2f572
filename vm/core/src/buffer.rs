//! The buffer protocol: borrowing the bytes of an object (PEP 3118).

use crate::builtins::bytearray::ByteArray;
use crate::builtins::bytes::Bytes;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::BufferFlags;
use crate::thread::Thread;

/// Bytes lent by an object, until dropped. Holds the object; a resizable exporter counts its exports and
/// refuses to resize meanwhile.
///
/// Other threads may change the bytes of a writable exporter at any time, as in CPython: a reader sees
/// some mixture of old and new bytes.
pub struct Buffer {
    pub owner: Owned,
    /// First byte of item 0.
    pub ptr: *mut u8,
    /// Bytes in all: items times `itemsize`.
    pub len: usize,
    pub readonly: bool,
    /// struct-style format, `"B"` for bytes; item size and shape for typed exporters.
    pub format: &'static str,
    pub itemsize: usize,
    pub release: Option<fn(&Owned)>,
    /// Dimensions, for exporters that are not a plain run of items.
    pub layout: Option<Box<Layout>>,
}

/// Shape and strides (in items and bytes) of a buffer with other than one contiguous dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    pub shape: Vec<usize>,
    pub strides: Vec<isize>,
}

impl Layout {
    /// Row-major strides for a shape.
    pub fn contiguous(shape: Vec<usize>, itemsize: usize) -> Layout {
        let mut strides = vec![0; shape.len()];
        let mut step = itemsize as isize;
        for (stride, n) in strides.iter_mut().zip(&shape).rev() {
            *stride = step;
            step *= *n as isize;
        }
        Layout { shape, strides }
    }
}

impl Buffer {
    /// A run of plain bytes.
    pub fn bytes(
        owner: Owned,
        ptr: *mut u8,
        len: usize,
        readonly: bool,
        release: Option<fn(&Owned)>,
    ) -> Buffer {
        Buffer { owner, ptr, len, readonly, format: "B", itemsize: 1, release, layout: None }
    }

    /// The bytes of a contiguous buffer.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: the exporter keeps `len` bytes in place until `release`.
        unsafe { core::slice::from_raw_parts(self.ptr, self.len) }
    }

    /// The bytes, to write to.
    ///
    /// Panics if the buffer is read-only.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        assert!(!self.readonly, "the buffer is read-only");
        if self.len == 0 {
            return &mut [];
        }
        // SAFETY: as in `as_slice`, and the exporter allows writing.
        unsafe { core::slice::from_raw_parts_mut(self.ptr, self.len) }
    }

    /// Number of items.
    pub fn items(&self) -> usize {
        self.len.checked_div(self.itemsize).unwrap_or(0)
    }
}

impl core::ops::Deref for Buffer {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl crate::Trace for Buffer {
    fn trace(&self, visit: &mut dyn FnMut(crate::Word)) {
        self.owner.trace(visit)
    }
    fn clear(&mut self, drop: &mut dyn FnMut(crate::Word)) {
        if let Some(release) = self.release.take() {
            release(&self.owner)
        }
        self.len = 0;
        self.owner.clear(drop)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            release(&self.owner)
        }
    }
}

/// The buffer of an object; `None` if it has none.
pub fn get_opt(th: &mut Thread, o: Borrowed<'_>, flags: BufferFlags) -> PyResult<Option<Buffer>> {
    match o.ty().slots.buffer() {
        Some(f) => f(th, o, flags).map(Some),
        None => Ok(None),
    }
}

/// The buffer of an object, to read. Errors: TypeError "a bytes-like object is required, not …".
pub fn get(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Buffer> {
    match get_opt(th, o, BufferFlags { writable: false })? {
        Some(b) => Ok(b),
        None => Err(not_bytes_like(th, o)),
    }
}

/// The buffer of an object, to write. Errors: TypeError; BufferError for read-only objects.
pub fn get_writable(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Buffer> {
    match get_opt(th, o, BufferFlags { writable: true })? {
        Some(b) => Ok(b),
        None => {
            let msg = format!("a read-write bytes-like object is required, not '{}'", o.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

#[cold]
pub(crate) fn not_bytes_like(th: &mut Thread, o: Borrowed<'_>) -> crate::Raised {
    let msg = format!("a bytes-like object is required, not '{}'", o.type_name(th));
    th.type_error(&msg)
}

/// Bytes of an argument: those of a `bytes` in place, others through a buffer.
pub enum ByteArg<'a> {
    Bytes(&'a [u8]),
    Buffer(Buffer),
}

impl core::ops::Deref for ByteArg<'_> {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            ByteArg::Bytes(b) => b,
            ByteArg::Buffer(b) => b.as_slice(),
        }
    }
}

/// The bytes of a bytes-like object; `None` for others.
#[inline]
pub fn bytes_like_opt<'a>(th: &mut Thread, o: Borrowed<'a>) -> PyResult<Option<ByteArg<'a>>> {
    if let Some(b) = o.downcast::<Bytes>() {
        return Ok(Some(ByteArg::Bytes(b.as_bytes())));
    }
    Ok(get_opt(th, o, BufferFlags { writable: false })?.map(ByteArg::Buffer))
}

/// The bytes of a bytes-like object. Errors: TypeError "a bytes-like object is required, not …".
#[inline]
pub fn bytes_like<'a>(th: &mut Thread, o: Borrowed<'a>) -> PyResult<ByteArg<'a>> {
    match bytes_like_opt(th, o)? {
        Some(b) => Ok(b),
        None => Err(not_bytes_like(th, o)),
    }
}

/// The bytes of a `bytes` or `bytearray` (or an instance of a subclass) and nothing else.
pub fn bytes_or_bytearray<'a>(th: &mut Thread, o: Borrowed<'a>) -> PyResult<Option<ByteArg<'a>>> {
    if let Some(b) = o.downcast::<Bytes>() {
        return Ok(Some(ByteArg::Bytes(b.as_bytes())));
    }
    if o.downcast::<ByteArray>().is_some() { Ok(Some(ByteArg::Buffer(get(th, o)?))) } else { Ok(None) }
}
