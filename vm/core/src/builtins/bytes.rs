//! `bytes`.

pub mod construct;
pub(crate) mod methods;
pub(crate) mod ops;
pub(crate) mod percent;
pub(crate) mod transform;

use typhon_sync::prim::{AtomicI64, Ordering};

use crate::flags;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::Slots;
use crate::thread::{Thread, unborn};
use crate::typedef::{TypeDef, TypeId, kind, type_flags};
use crate::types::Type;

crate::payload! {
    /// Head of a bytes object. The bytes lie behind it, or behind a subclass's own values.
    pub struct Bytes: DEF {
        /// SipHash-1-3 of the bytes; 0 = not computed yet.
        hash: AtomicI64,
        len: usize,
    }
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::BYTES),
    kind: kind::BYTES,
    flags: type_flags::BASE | type_flags::MATCH_SELF | type_flags::VAR_SIZED,
    doc: "bytes(iterable_of_ints) -> bytes\n\
          bytes(string, encoding[, errors]) -> bytes\n\
          bytes(bytes_or_buffer) -> immutable copy of bytes_or_buffer\n\
          bytes(int) -> bytes object of size given by the parameter initialized with null bytes\n\
          bytes() -> empty bytes object\n\nConstruct an immutable array of bytes.",
    slots: Slots {
        repr: Some(ops::slot_repr),
        hash: Some(ops::slot_hash),
        compare: Some(ops::slot_compare),
        iter: Some(ops::slot_iter),
        new: Some(construct::new),
        len: Some(ops::slot_len),
        getitem: Some(ops::slot_getitem),
        contains: Some(ops::slot_contains),
        remainder: Some(percent::slot_remainder),
        concat: Some(ops::slot_concat),
        repeat: Some(ops::slot_repeat),
        buffer: Some(ops::slot_buffer),
        ..Slots::NONE
    },
    methods: methods::BYTES,
    ..TypeDef::of::<Bytes>("bytes")
};

impl Bytes {
    /// Byte offset of byte 0 in an exact bytes object.
    pub const ITEMS: usize = size_of::<Bytes>();

    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline(always)]
    fn start(&self) -> *const u8 {
        // ORDERING Relaxed: set at birth.
        let off = if self.header.flags.load(Ordering::Relaxed) & flags::ITEMS_BEHIND_VALUES == 0 {
            Self::ITEMS
        } else {
            Borrowed::from_payload(self).ty().basic_size() as usize
        };
        // SAFETY: the items begin there, inside the object.
        unsafe { (self as *const Bytes as *const u8).add(off) }
    }

    #[inline(always)]
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: `len` bytes lie there since birth and never change.
        unsafe { ::core::slice::from_raw_parts(self.start(), self.len) }
    }

    /// Are these the same bytes? As a rule, the first one tells.
    #[inline(always)]
    pub(crate) fn same_bytes(&self, other: &Bytes) -> bool {
        let (a, b) = (self.as_bytes(), other.as_bytes());
        a.len() == b.len() && (a.first() == b.first()) && (a.len() <= 1 || a == b)
    }

    /// `hash(self)`
    pub fn bytes_hash(&self) -> i64 {
        // ORDERING Relaxed: every thread computes the same value.
        let h = self.hash.load(Ordering::Relaxed);
        if h != 0 {
            return h;
        }
        let h = crate::runtime::rt().hash_key.hash_bytes(self.as_bytes());
        // ORDERING Relaxed: as above.
        self.hash.store(h, Ordering::Relaxed);
        h
    }
}

impl Thread {
    /// A bytes object with a copy of these bytes.
    pub fn new_bytes(&mut self, b: &[u8]) -> Owned {
        let v = self.alloc_var(Bytes { header: unborn(), hash: AtomicI64::new(0), len: b.len() }, b.len());
        // SAFETY: `len` bytes were asked for behind the head.
        unsafe {
            ::core::ptr::copy_nonoverlapping(
                b.as_ptr(),
                (v.word().ptr() as *mut u8).add(Bytes::ITEMS),
                b.len(),
            )
        }
        v
    }

    /// A bytes object of `len` bytes (zeros at first) that `fill` writes. Errors: MemoryError.
    pub fn new_bytes_with(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> PyResult {
        self.check_size(len)?;
        let v = self.alloc_var(Bytes { header: unborn(), hash: AtomicI64::new(0), len }, len);
        // SAFETY: `len` bytes were asked for behind the head; they are initialised before they are lent.
        unsafe {
            let p = (v.word().ptr() as *mut u8).add(Bytes::ITEMS);
            ::core::ptr::write_bytes(p, 0, len);
            fill(::core::slice::from_raw_parts_mut(p, len));
        }
        Ok(v)
    }

    /// An instance of `bytes` or a subclass.
    pub fn new_bytes_as(&mut self, ty: &Type, b: &[u8]) -> Owned {
        if ::core::ptr::eq(ty, DEF.ty()) {
            return self.new_bytes(b);
        }
        let off = (ty.basic_size() as usize).max(Bytes::ITEMS);
        let head = Bytes { header: unborn(), hash: AtomicI64::new(0), len: b.len() };
        let v = self.alloc_var_as(head, ty, b.len());
        if off != Bytes::ITEMS {
            // ORDERING Relaxed: not published yet.
            v.payload::<Bytes>().header.flags.fetch_or(flags::ITEMS_BEHIND_VALUES, Ordering::Relaxed);
        }
        // SAFETY: `len` bytes were asked for behind the instance's values.
        unsafe { ::core::ptr::copy_nonoverlapping(b.as_ptr(), (v.word().ptr() as *mut u8).add(off), b.len()) }
        v
    }

    /// MemoryError for sizes that no allocation can serve, before one is tried and aborts.
    pub fn check_size(&mut self, bytes: usize) -> PyResult<()> {
        const SURELY_FINE: usize = 1 << 28;
        if bytes > SURELY_FINE && Vec::<u8>::new().try_reserve_exact(bytes).is_err() {
            return Err(self.raise_empty(&crate::builtins::exceptions::MEMORY_ERROR));
        }
        Ok(())
    }
}

/// The bytes that `bytes(o)` would hold, for any object but int and str: a buffer, `__bytes__`, or an
/// iterable of ints.
pub(crate) fn collect(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Vec<u8>> {
    if let Some(b) = o.downcast_exact::<Bytes>() {
        return Ok(b.as_bytes().to_vec());
    }
    let name = th.rt.names.__bytes__.get();
    if let Some(r) = o.call_special(th, name, &[])? {
        return match r.downcast::<Bytes>() {
            Some(b) => Ok(b.as_bytes().to_vec()),
            None => {
                let msg = format!("__bytes__ returned non-bytes (type {})", r.borrow().type_name(th));
                Err(th.type_error(&msg))
            }
        };
    }
    if let Some(m) = o.downcast::<crate::builtins::memoryview::MemoryView>() {
        return m.to_vec(th);
    }
    if let Some(b) = crate::buffer::bytes_like_opt(th, o)? {
        return Ok(b.to_vec());
    }
    if o.downcast::<crate::builtins::str::Str>().is_some()
        || (o.ty().slots.iter().is_none() && o.ty().slots.getitem().is_none())
    {
        let msg = format!("cannot convert '{}' object to bytes", o.type_name(th));
        return Err(th.type_error(&msg));
    }
    let it = o.iter(th)?;
    let mut out = Vec::with_capacity(o.length_hint(th, 64)?.min(1 << 24));
    while let Some(v) = it.borrow().next(th)? {
        out.push(byte_value(th, v.borrow(), "bytes must be in range(0, 256)")?);
    }
    Ok(out)
}

/// An int in 0..=255. Errors: TypeError; ValueError with `message`.
pub(crate) fn byte_value(th: &mut Thread, o: Borrowed<'_>, message: &str) -> PyResult<u8> {
    let w = o.word();
    if w.is_int() && (0..=255).contains(&w.int()) {
        return Ok(w.int() as u8);
    }
    let i = o.index(th)?;
    match i.borrow().as_int() {
        Some(crate::builtins::int::IntRef::Small(v)) if (0..=255).contains(&v) => Ok(v as u8),
        _ => Err(th.value_error(message)),
    }
}
