//! `bytearray`.

use core::sync::atomic::{AtomicUsize, Ordering};

use crate::object::{Locked, Owned};
use crate::slots::Slots;
use crate::thread::{Thread, unborn};
use crate::typedef::{TypeDef, TypeId, type_flags};
use crate::types::Type;

crate::payload! {
    /// A growable array of bytes.
    pub struct ByteArray: DEF {
        pub data: Locked<crate::object::Data<Vec<u8>>>,
        /// Buffers lent at the moment; while there are any the array keeps its size.
        pub exports: AtomicUsize,
    }
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::BYTEARRAY),
    flags: type_flags::BASE | type_flags::MATCH_SELF,
    slots: Slots { ..Slots::NONE },
    ..TypeDef::of::<ByteArray>("bytearray")
};

impl Thread {
    /// A bytearray that takes these bytes over.
    pub fn new_bytearray(&mut self, b: Vec<u8>) -> Owned {
        self.new_bytearray_as(DEF.ty(), b)
    }

    /// An instance of `bytearray` or a subclass.
    pub fn new_bytearray_as(&mut self, ty: &Type, b: Vec<u8>) -> Owned {
        let payload = ByteArray {
            header: unborn(),
            data: Locked::new(crate::object::Data(b)),
            exports: AtomicUsize::new(0),
        };
        self.alloc_as(payload, ty)
    }
}

impl ByteArray {
    /// Are buffers of the array lent at the moment?
    pub fn is_exported(&self) -> bool {
        // ORDERING Acquire: pairs with the Release of the last return.
        self.exports.load(Ordering::Acquire) != 0
    }
}
