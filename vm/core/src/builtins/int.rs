//! `int`.

use dashu_int::IBig;

use crate::object::{Borrowed, Owned, PyResult};
use crate::thread::{Thread, unborn};
use crate::typedef::{TypeDef, TypeId, kind, type_flags};
use crate::word::Word;

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
    ..TypeDef::of::<BigInt>("int")
};

/// The value of any int (bools and subclasses included).
#[derive(Clone, Copy, Debug)]
pub enum IntRef<'a> {
    Small(i64),
    Big(&'a IBig),
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

    /// An int of any size, in a word if it fits.
    pub fn new_big(&mut self, v: IBig) -> Owned {
        match i64::try_from(&v) {
            Ok(i) if Word::try_int(i).is_some() => Owned::from_const(Word::small_int(i)),
            _ => self.alloc(BigInt { header: unborn(), value: v }),
        }
    }
}
