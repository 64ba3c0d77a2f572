//! `array`: compact sequences of numbers of one kind.

mod item;
mod iterator;
mod methods;
mod ops;

use typhon_sync::prim::{AtomicUsize, Ordering};

use typhon_core::object::LockedGuard;
use typhon_core::{
    Borrowed, Data, Locked, ModuleDef, NativeDef, Owned, PyResult, Raised, Safety, Shared, Slots, Thread,
    Type, TypeDef, payload, type_flags, unborn,
};

use crate::args::this;
use crate::support::{ModuleExt, import_attr};
pub use item::Kind;

pub static MODULE: ModuleDef = ModuleDef {
    name: "array",
    doc: "This module defines an object type which can efficiently represent\nan array of basic values: \
          characters, integers, floating-point\nnumbers.",
    functions: &[NativeDef::new(
        "_array_reconstructor",
        "($module, arraytype, typecode, mformat_code, items, /)",
        methods::reconstruct,
        "Internal. Used for pickling support.",
    )],
    types: &[&ARRAY, &iterator::ITERATOR],
    setup: Some(setup),
};

payload! {
    /// `array.array`.
    pub struct Array: ARRAY {
        /// The items in machine order, one after the other.
        data: Locked<Data<Vec<u8>>>,
        kind: Kind,
        /// Buffers lent at the moment; while there are any the array keeps its size. Changed under the
        /// array's lock.
        exports: AtomicUsize,
    }
}

pub static ARRAY: TypeDef = TypeDef {
    module: "array",
    flags: type_flags::BASE | type_flags::SEQUENCE,
    doc: "array(typecode [, initializer]) -> array\n\nReturn a new array whose items are restricted by \
          typecode, and\ninitialized from the optional initializer value, which must be a list,\nstring or \
          iterable over elements of the appropriate type.",
    slots: Slots {
        new: Some(ops::new),
        repr: Some(ops::repr),
        compare: Some(ops::compare),
        iter: Some(iterator::iter),
        len: Some(|th, o| Ok(this::<Array>(o).len(th))),
        getitem: Some(ops::getitem),
        setitem: Some(ops::setitem),
        contains: Some(ops::contains),
        concat: Some(ops::concat),
        repeat: Some(ops::repeat),
        inplace_concat: Some(ops::inplace_concat),
        inplace_repeat: Some(ops::inplace_repeat),
        buffer: Some(ops::buffer),
        ..Slots::NONE
    },
    methods: methods::METHODS,
    getset: methods::GETSET,
    shared: Some(
        Shared::but(
            Safety::Locked,
            &[
                (Safety::Constant, "itemsize typecode"),
                (Safety::Each, "__iter__"),
                (Safety::Bytes, "__buffer__"),
                (Safety::Moments, "__add__ __eq__ __ge__ __gt__ __iadd__ __le__ __lt__ __ne__ extend"),
                (Safety::Steps, "fromfile"),
            ],
        )
        .note("While there are views of an array, changing its length is a `BufferError`."),
    ),
    ..TypeDef::of::<Array>("array")
};

fn setup(th: &mut Thread, module: Borrowed<'_>) -> PyResult<()> {
    module.add(th, "ArrayType", ARRAY.ty().as_value().to_owned())?;
    let codes = th.new_str(item::CODES);
    module.add(th, "typecodes", codes)?;
    let abstract_class = import_attr(th, "collections.abc", "MutableSequence")?;
    abstract_class.borrow().call_method_str(th, "register", &[ARRAY.ty().as_value()])?;
    Ok(())
}

impl Array {
    fn of(kind: Kind, items: Vec<u8>) -> Array {
        Array { header: unborn(), data: Locked::new(Data(items)), kind, exports: AtomicUsize::new(0) }
    }

    /// The bytes of the items, under the array's lock.
    #[inline]
    fn lock<'g>(&'g self, th: &'g mut Thread) -> LockedGuard<'g, Data<Vec<u8>>> {
        self.data.lock(&self.header, th)
    }

    /// Number of items.
    #[inline]
    fn len(&self, th: &mut Thread) -> usize {
        let size = self.kind.size();
        self.lock(th).0.len() / size
    }

    /// Item `i`, or None past the end.
    #[inline]
    fn get(&self, th: &mut Thread, i: usize) -> Option<Owned> {
        let raw = self.kind.load(&self.lock(th).0, i)?;
        Some(self.kind.read(th, raw))
    }

    /// A copy of the bytes.
    fn copied(&self, th: &mut Thread) -> Vec<u8> {
        self.lock(th).0.clone()
    }

    /// Changes the bytes and perhaps their number. Errors: BufferError while buffers are lent.
    fn resize_with<R>(&self, th: &mut Thread, f: impl FnOnce(&mut Vec<u8>) -> R) -> PyResult<R> {
        {
            let mut data = self.lock(th);
            // ORDERING Acquire: pairs with the Release of the last return of a buffer.
            if self.exports.load(Ordering::Acquire) == 0 {
                return Ok(f(&mut data.0));
            }
        }
        Err(th.buffer_error("cannot resize an array that is exporting buffers"))
    }
}

/// A plain array of these bytes.
fn plain(th: &mut Thread, kind: Kind, items: Vec<u8>) -> Owned {
    th.alloc(Array::of(kind, items))
}

/// An array of class `ty`.
fn of_class(th: &mut Thread, ty: &Type, kind: Kind, items: Vec<u8>) -> PyResult {
    crate::args::made(th, ty, Array::of(kind, items))
}

#[cold]
fn bad_typecode(th: &mut Thread) -> Raised {
    th.value_error("bad typecode (must be b, B, u, w, h, H, i, I, l, L, q, Q, f or d)")
}
