//! `float`.

pub mod arith;
pub mod convert;
pub(crate) mod methods;

use typhon_sync::prim::{AtomicU64, Ordering};

use crate::object::{Borrowed, Owned};
use crate::slots::Slots;
use crate::thread::{Thread, unborn};
use crate::typedef::{TypeDef, TypeId, kind, type_flags};
use crate::types::Type;
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
    doc: "Convert a string or number to a floating-point number, if possible.",
    slots: Slots {
        repr: Some(convert::slot_repr),
        hash: Some(arith::slot_hash),
        compare: Some(arith::slot_compare),
        new: Some(convert::new),
        bool: Some(arith::slot_bool),
        add: Some(arith::slot_add),
        subtract: Some(arith::slot_subtract),
        multiply: Some(arith::slot_multiply),
        true_divide: Some(arith::slot_true_divide),
        floor_divide: Some(arith::slot_floor_divide),
        remainder: Some(arith::slot_remainder),
        divmod: Some(arith::slot_divmod),
        power: Some(arith::slot_power),
        negative: Some(arith::slot_negative),
        positive: Some(arith::slot_same),
        absolute: Some(arith::slot_absolute),
        int: Some(arith::slot_int),
        float: Some(arith::slot_same),
        ..Slots::NONE
    },
    methods: methods::METHODS,
    getset: methods::GETSET,
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

    /// A float argument: floats, ints, `__float__`, `__index__`. Errors: TypeError "must be real number,
    /// not …"; OverflowError for huge ints.
    pub fn to_f64(self, th: &mut Thread) -> crate::PyResult<f64> {
        if let Some(v) = self.word().unboxed_float() {
            return Ok(v);
        }
        if self.word().is_int() {
            return Ok(self.word().int() as f64);
        }
        convert::real(th, self, "must be real number, not ")
    }
}

/// The infinities, which lie outside the floats that a word can hold: immortal, as threads share them as
/// defaults and constants. 0 = not made yet.
static INFINITIES: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

impl Thread {
    #[inline(always)]
    pub fn new_float(&mut self, v: f64) -> Owned {
        match Word::try_float(v) {
            Some(w) => Owned::from_const(w),
            None => self.new_boxed_float(v),
        }
    }

    #[cold]
    fn new_boxed_float(&mut self, v: f64) -> Owned {
        if v.is_finite() || v.is_nan() {
            return self.alloc(BoxedFloat { header: unborn(), value: v });
        }
        let cell = &INFINITIES[usize::from(v < 0.0)];
        // ORDERING Acquire: pairs with the exchange below; the float is complete.
        let w = cell.load(Ordering::Acquire);
        if w != 0 {
            return Owned::from_const(Word(w));
        }
        let new = crate::runtime::immortal(self.alloc(BoxedFloat { header: unborn(), value: v }));
        // ORDERING AcqRel: publishes the float, or finds another thread's.
        match cell.compare_exchange(0, new.0, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Owned::from_const(new),
            Err(first) => Owned::from_const(Word(first)),
        }
    }

    /// An instance of a float subclass (an exact float when `ty` is `float`).
    pub fn new_float_as(&mut self, ty: &Type, v: f64) -> Owned {
        if core::ptr::eq(ty, DEF.ty()) {
            return self.new_float(v);
        }
        self.alloc_as(BoxedFloat { header: unborn(), value: v }, ty)
    }
}
