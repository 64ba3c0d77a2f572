//! `float`.

use crate::object::{Borrowed, Owned};
use crate::thread::{Thread, unborn};
use crate::typedef::{TypeDef, TypeId, kind, type_flags};
use crate::word::Word;

crate::payload! {
    /// A float that the word cannot hold (huge, tiny, inf, nan), or an instance of a subclass.
    pub struct BoxedFloat: DEF {
        pub value: f64,
    }
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::FLOAT),
    kind: kind::FLOAT,
    flags: type_flags::BASE | type_flags::MATCH_SELF,
    ..TypeDef::of::<BoxedFloat>("float")
};

impl Borrowed<'_> {
    /// The value, if this is a float or an instance of a float subclass.
    #[inline]
    pub fn as_float(self) -> Option<f64> {
        match self.word().unboxed_float() {
            Some(v) => Some(v),
            None => self.downcast::<BoxedFloat>().map(|b| b.value),
        }
    }
}

impl Thread {
    #[inline(always)]
    pub fn new_float(&mut self, v: f64) -> Owned {
        match Word::try_float(v) {
            Some(w) => Owned::from_const(w),
            None => self.alloc(BoxedFloat { header: unborn(), value: v }),
        }
    }
}
