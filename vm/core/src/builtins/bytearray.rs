//! `bytearray`.

mod methods;
mod ops;

use typhon_sync::prim::{AtomicUsize, Ordering};

use crate::object::{Data, Locked, LockedGuard, Owned, PyResult};
use crate::slots::Slots;
use crate::thread::{Thread, unborn};
use crate::typedef::{Safety, Shared, TypeDef, TypeId, type_flags};
use crate::types::Type;

pub use ops::ITERATOR_DEF;

crate::payload! {
    /// A growable array of bytes.
    pub struct ByteArray: DEF {
        pub data: Locked<Data<Vec<u8>>>,
        /// Buffers lent at the moment; while there are any the array keeps its size. Changed under the
        /// array's lock.
        pub exports: AtomicUsize,
    }
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::BYTEARRAY),
    flags: type_flags::BASE | type_flags::MATCH_SELF,
    doc: "bytearray(iterable_of_ints) -> bytearray\n\
          bytearray(string, encoding[, errors]) -> bytearray\n\
          bytearray(bytes_or_buffer) -> mutable copy of bytes_or_buffer\n\
          bytearray(int) -> bytes array of size given by the parameter initialized with null bytes\n\
          bytearray() -> empty bytes array\n\nConstruct a mutable bytearray object.",
    slots: Slots {
        repr: Some(ops::slot_repr),
        str: Some(ops::slot_repr),
        compare: Some(ops::slot_compare),
        iter: Some(ops::slot_iter),
        new: Some(ops::new),
        init: Some(ops::init),
        len: Some(ops::slot_len),
        getitem: Some(ops::slot_getitem),
        setitem: Some(ops::slot_setitem),
        contains: Some(ops::slot_contains),
        remainder: Some(super::bytes::percent::slot_remainder),
        concat: Some(ops::slot_concat),
        repeat: Some(ops::slot_repeat),
        inplace_concat: Some(ops::slot_inplace_concat),
        inplace_repeat: Some(ops::slot_inplace_repeat),
        buffer: Some(ops::slot_buffer),
        ..Slots::NONE
    },
    methods: methods::METHODS,
    shared: Some(
        Shared::but(
            Safety::Locked,
            &[
                (Safety::Each, "__iter__"),
                (Safety::Bytes, "__buffer__"),
                (Safety::Steps, "__init__"),
            ],
        )
        .note(
            "Of another buffer that an operation takes (`+`, `+=`, `extend`, `==`, `join`, `find`, ...) the bytes may change \
             meanwhile, but not its length. While there are views of a bytearray, changing its length is a `BufferError`.",
        )
    ),
    ..TypeDef::of::<ByteArray>("bytearray")
};

impl Thread {
    /// A bytearray that takes these bytes over.
    pub fn new_bytearray(&mut self, b: Vec<u8>) -> Owned {
        self.alloc(ByteArray::of(b))
    }

    /// An instance of `bytearray` or a subclass.
    pub fn new_bytearray_as(&mut self, ty: &Type, b: Vec<u8>) -> Owned {
        self.alloc_as(ByteArray::of(b), ty)
    }
}

impl ByteArray {
    fn of(b: Vec<u8>) -> ByteArray {
        ByteArray { header: unborn(), data: Locked::new(Data(b)), exports: AtomicUsize::new(0) }
    }

    /// The bytes, under the array's lock.
    #[inline]
    pub fn lock<'g>(&'g self, th: &'g mut Thread) -> LockedGuard<'g, Data<Vec<u8>>> {
        self.data.lock(&self.header, th)
    }

    /// Are buffers of the array lent at the moment? Settled only under the lock.
    pub fn is_exported(&self) -> bool {
        // ORDERING Acquire: pairs with the Release of the last return.
        self.exports.load(Ordering::Acquire) != 0
    }

    /// Changes the bytes and perhaps their number. Errors: BufferError while buffers are lent.
    pub fn resize_with<R>(&self, th: &mut Thread, f: impl FnOnce(&mut Vec<u8>) -> R) -> PyResult<R> {
        {
            let mut data = self.lock(th);
            if !self.is_exported() {
                return Ok(f(&mut data.0));
            }
        }
        Err(th.buffer_error("Existing exports of data: object cannot be re-sized"))
    }
}
