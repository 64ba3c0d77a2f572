//! `int`.

pub mod arith;
pub mod convert;
pub(crate) mod methods;

use dashu_int::IBig;

use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::Slots;
use crate::thread::{Thread, unborn};
use crate::typedef::{TypeDef, TypeId, kind, type_flags};
use crate::types::Type;
use crate::word::Word;

pub use typhon_text::int::{Int, IntRef};

crate::payload! {
    /// An int outside the 63 bits of a word, or an instance of an int subclass (of any size).
    pub struct BigInt: DEF {
        pub value: IBig,
    }
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::INT),
    kind: kind::INT,
    flags: type_flags::BASE | type_flags::MATCH_SELF,
    doc: "int([x]) -> integer\nint(x, base=10) -> integer\n\n\
          Convert a number or string to an integer, or return 0 if no arguments are given.",
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
        lshift: Some(arith::slot_lshift),
        rshift: Some(arith::slot_rshift),
        and: Some(arith::slot_and),
        or: Some(arith::slot_or),
        xor: Some(arith::slot_xor),
        negative: Some(arith::slot_negative),
        positive: Some(arith::slot_same),
        absolute: Some(arith::slot_absolute),
        invert: Some(arith::slot_invert),
        int: Some(arith::slot_same),
        index: Some(arith::slot_same),
        float: Some(arith::slot_float),
        ..Slots::NONE
    },
    methods: methods::METHODS,
    getset: methods::GETSET,
    setup: Some(convert::setup),
    ..TypeDef::of::<BigInt>("int")
};

/// The value of an int that is known to be one.
#[inline(always)]
pub(crate) fn of(o: Borrowed<'_>) -> IntRef<'_> {
    o.as_int().expect("self is an int")
}

/// An exact int of this value.
#[inline]
pub(crate) fn from_ref(th: &mut Thread, v: IntRef<'_>) -> Owned {
    match v {
        IntRef::Small(v) => th.new_int(v),
        IntRef::Big(v) => th.new_big(v.clone()),
    }
}

impl<'a> Borrowed<'a> {
    /// The value, if this is an int, a bool, or an instance of an int subclass.
    #[inline]
    pub fn as_int(self) -> Option<IntRef<'a>> {
        let w = self.word();
        if w.is_int() {
            Some(IntRef::Small(w.int()))
        } else if w.is_bool() {
            Some(IntRef::Small((w == Word::TRUE) as i64))
        } else {
            self.downcast::<BigInt>().map(|b| match i64::try_from(&b.value) {
                Ok(v) => IntRef::Small(v),
                Err(_) => IntRef::Big(&b.value),
            })
        }
    }

    /// `operator.index(self)`: an exact int. Errors: TypeError.
    pub fn index(self, th: &mut Thread) -> PyResult {
        crate::number::index(th, self)
    }

    /// An index or size. Errors: TypeError; OverflowError when out of range.
    pub fn to_isize(self, th: &mut Thread) -> PyResult<isize> {
        if self.word().is_int() {
            return Ok(self.word().int() as isize);
        }
        let i = self.index(th)?;
        match i.borrow().as_int() {
            Some(IntRef::Small(v)) => Ok(v as isize),
            _ => {
                let msg = format!("cannot fit '{}' into an index-sized integer", self.type_name(th));
                Err(th.overflow_error(&msg))
            }
        }
    }

    /// As [`Borrowed::to_isize`], but clips to the limits as slices do.
    pub fn to_isize_clipped(self, th: &mut Thread) -> PyResult<isize> {
        if self.word().is_int() {
            return Ok(self.word().int() as isize);
        }
        let i = self.index(th)?;
        Ok(match i.borrow().as_int() {
            Some(IntRef::Small(v)) => v as isize,
            Some(IntRef::Big(b)) if *b < IBig::ZERO => isize::MIN,
            _ => isize::MAX,
        })
    }

    /// A C-like integer argument. Errors: TypeError, OverflowError.
    pub fn to_i64(self, th: &mut Thread) -> PyResult<i64> {
        if self.word().is_int() {
            return Ok(self.word().int());
        }
        let i = self.index(th)?;
        match i.borrow().as_int() {
            Some(IntRef::Small(v)) => Ok(v),
            _ => Err(th.overflow_error("Python int too large to convert to C long")),
        }
    }
}

impl Thread {
    /// An int of any i64.
    #[inline(always)]
    pub fn new_int(&mut self, v: i64) -> Owned {
        match Word::try_int(v) {
            Some(w) => Owned::from_const(w),
            None => self.new_big(IBig::from(v)),
        }
    }

    /// An int of any u64.
    #[inline]
    pub fn new_uint(&mut self, v: u64) -> Owned {
        match i64::try_from(v) {
            Ok(v) => self.new_int(v),
            Err(_) => self.new_big(IBig::from(v)),
        }
    }

    /// An int of any size, in a word if it fits.
    pub fn new_big(&mut self, v: IBig) -> Owned {
        match i64::try_from(&v) {
            Ok(i) if Word::try_int(i).is_some() => Owned::from_const(Word::small_int(i)),
            _ => self.alloc(BigInt { header: unborn(), value: v }),
        }
    }

    /// An int of either representation.
    pub fn new_number(&mut self, v: Int) -> Owned {
        match v {
            Int::Small(v) => self.new_int(v),
            Int::Big(v) => self.new_big(v),
        }
    }

    /// An instance of an int subclass (an exact int when `ty` is `int`).
    pub fn new_int_as(&mut self, ty: &Type, v: IntRef<'_>) -> Owned {
        if core::ptr::eq(ty, DEF.ty()) {
            return from_ref(self, v);
        }
        let value = arith::with_big(v, IBig::clone);
        self.alloc_as(BigInt { header: unborn(), value }, ty)
    }
}

/// Issues a DeprecationWarning through the module `warnings`, once that is loaded.
pub(crate) fn warn_deprecated(th: &mut Thread, msg: &str) -> PyResult<()> {
    let Some(modules) = th.rt.modules.fixed() else { return Ok(()) };
    let name = th.intern("warnings");
    let Some(d) = modules.downcast::<super::dict::Dict>() else { return Ok(()) };
    let Some(module) = d.get_interned(name.word()) else { return Ok(()) };
    let warn = module.borrow().getattr_str(th, "warn")?;
    let category = th.intern("DeprecationWarning");
    let category = th.builtins_dict().getitem(th, category.borrow())?;
    let msg = th.new_str(msg);
    warn.borrow().call(th, &[msg.borrow(), category.borrow()])?;
    Ok(())
}
