//! The slots of a type: one function pointer per operation of the language.
//!
//! A built-in type fills [`Slots`] (constant data) in its [`crate::TypeDef`]; a class created by
//! Python code gets functions that call its dunder methods. A live type keeps them in [`SlotCells`],
//! where one relaxed load reads a slot and class mutation stores a pointer.

use typhon_sync::prim::{AtomicUsize, Ordering};

use crate::object::{Borrowed, Owned, PyResult};
use crate::thread::Thread;
use crate::types::Type;

/// `fn(self) -> value`
pub type UnaryFn = fn(&mut Thread, Borrowed<'_>) -> PyResult;
/// `fn(a, b) -> value or NotImplemented`. For numbers either operand may be the slot's own type.
pub type BinaryFn = fn(&mut Thread, Borrowed<'_>, Borrowed<'_>) -> PyResult;
/// `fn(a, b, modulus or null) -> value or NotImplemented`
pub type TernaryFn = fn(&mut Thread, Borrowed<'_>, Borrowed<'_>, Borrowed<'_>) -> PyResult;
pub type BoolFn = fn(&mut Thread, Borrowed<'_>) -> PyResult<bool>;
pub type LenFn = fn(&mut Thread, Borrowed<'_>) -> PyResult<usize>;
/// The hash, never -1.
pub type HashFn = fn(&mut Thread, Borrowed<'_>) -> PyResult<i64>;
pub type CompareFn = fn(&mut Thread, Borrowed<'_>, Borrowed<'_>, CompareOp) -> PyResult;
/// `None` ends the iteration.
pub type NextFn = fn(&mut Thread, Borrowed<'_>) -> PyResult<Option<Owned>>;
/// Set, or delete when the value is `None`.
pub type SetFn = fn(&mut Thread, Borrowed<'_>, Borrowed<'_>, Option<Borrowed<'_>>) -> PyResult<()>;
pub type ContainsFn = fn(&mut Thread, Borrowed<'_>, Borrowed<'_>) -> PyResult<bool>;
pub type CallFn = fn(&mut Thread, Borrowed<'_>, Args<'_>) -> PyResult;
/// `fn(cls, args) -> instance`
pub type NewFn = fn(&mut Thread, &Type, Args<'_>) -> PyResult;
pub type InitFn = fn(&mut Thread, Borrowed<'_>, Args<'_>) -> PyResult<()>;
/// `fn(descriptor, instance or None for a class access, class) -> value`
pub type DescrGetFn = fn(&mut Thread, Borrowed<'_>, Option<Borrowed<'_>>, Borrowed<'_>) -> PyResult;
/// `fn(iterator, value) -> what it yields or returns`
pub type SendFn = fn(&mut Thread, Borrowed<'_>, Borrowed<'_>) -> PyResult<crate::generator::Sent>;
pub type FinalizeFn = fn(&mut Thread, Borrowed<'_>) -> PyResult<()>;
/// Borrows the bytes of an object for the buffer protocol.
pub type BufferFn = fn(&mut Thread, Borrowed<'_>, BufferFlags) -> PyResult<crate::buffer::Buffer>;

/// What a consumer of the buffer protocol asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferFlags {
    pub writable: bool,
}

/// A rich comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum CompareOp {
    Lt = 0,
    Le = 1,
    Eq = 2,
    Ne = 3,
    Gt = 4,
    Ge = 5,
}

impl CompareOp {
    pub const ALL: [CompareOp; 6] =
        [CompareOp::Lt, CompareOp::Le, CompareOp::Eq, CompareOp::Ne, CompareOp::Gt, CompareOp::Ge];

    /// `a op b` is `b op.swapped() a`.
    pub const fn swapped(self) -> CompareOp {
        match self {
            CompareOp::Lt => CompareOp::Gt,
            CompareOp::Le => CompareOp::Ge,
            CompareOp::Gt => CompareOp::Lt,
            CompareOp::Ge => CompareOp::Le,
            same => same,
        }
    }

    /// The answer for an ordering of the operands.
    pub fn matches(self, o: core::cmp::Ordering) -> bool {
        match self {
            CompareOp::Lt => o.is_lt(),
            CompareOp::Le => o.is_le(),
            CompareOp::Eq => o.is_eq(),
            CompareOp::Ne => o.is_ne(),
            CompareOp::Gt => o.is_gt(),
            CompareOp::Ge => o.is_ge(),
        }
    }

    pub const fn symbol(self) -> &'static str {
        ["<", "<=", "==", "!=", ">", ">="][self as usize]
    }
}

/// Arguments of a call: positional ones, then the values of keywords named by `names`.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    /// Positional values followed by keyword values.
    pub all: &'a [Borrowed<'a>],
    /// How many of `all` are positional.
    pub n_positional: usize,
    /// Tuple of keyword names, or null.
    pub names: Borrowed<'a>,
}

impl<'a> Args<'a> {
    pub fn positional(all: &'a [Borrowed<'a>]) -> Args<'a> {
        Args { all, n_positional: all.len(), names: Borrowed::null() }
    }
    pub fn pos(&self) -> &'a [Borrowed<'a>] {
        &self.all[..self.n_positional]
    }
    pub fn has_keywords(&self) -> bool {
        self.all.len() > self.n_positional
    }
    /// Keyword names and values, in call order.
    pub fn keywords(&self) -> impl Iterator<Item = (Borrowed<'a>, Borrowed<'a>)> + 'a {
        let values = &self.all[self.n_positional..];
        let names: &'a [crate::object::Slot] = match self.names.downcast::<crate::builtins::tuple::Tuple>() {
            Some(t) => t.items(),
            None => &[],
        };
        names.iter().zip(values).filter_map(|(n, v)| n.fixed().map(|n| (n, *v)))
    }
    /// The same arguments without the first positional one.
    pub fn rest(&self) -> Args<'a> {
        Args { all: &self.all[1..], n_positional: self.n_positional - 1, names: self.names }
    }
}

/// Optional positional access to bound arguments.
pub trait ArgsExt<'a> {
    /// The argument at `i`, unless it was not given.
    fn opt(&self, i: usize) -> Option<Borrowed<'a>>;
    /// As [`ArgsExt::opt`], and `None` counts as not given.
    fn some(&self, i: usize) -> Option<Borrowed<'a>>;
}

impl<'a> ArgsExt<'a> for [Borrowed<'a>] {
    #[inline(always)]
    fn opt(&self, i: usize) -> Option<Borrowed<'a>> {
        self.get(i).copied().filter(|v| !v.is_null())
    }
    #[inline(always)]
    fn some(&self, i: usize) -> Option<Borrowed<'a>> {
        self.opt(i).filter(|v| !v.is_none())
    }
}

macro_rules! define_slots {
    ($($(#[$doc:meta])* $name:ident : $ty:ty),* $(,)?) => {
        /// Constant slot functions of a built-in type; what is `None` is inherited.
        #[derive(Clone, Copy)]
        pub struct Slots { $($(#[$doc])* pub $name: Option<$ty>),* }

        impl Slots {
            /// Nothing of its own: for `..Slots::NONE`.
            pub const NONE: Slots = Slots { $($name: None),* };
        }

        /// Which slot.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(non_camel_case_types, reason = "named like the fields of Slots")]
        #[repr(usize)]
        pub enum SlotId { $($name),* }

        /// Number of slots.
        pub const N_SLOTS: usize = [$(stringify!($name)),*].len();

        /// Slot functions of a live type.
        pub struct SlotCells([AtomicUsize; N_SLOTS]);

        #[allow(clippy::new_ret_no_self, reason = "`new` is a slot")]
        impl SlotCells {
            $($(#[$doc])*
            #[inline(always)]
            pub fn $name(&self) -> Option<$ty> {
                // ORDERING Relaxed: function pointers are constant data; a late reader sees the old slot,
                // as it would have a moment earlier.
                let p = self.0[SlotId::$name as usize].load(Ordering::Relaxed);
                // SAFETY: only function pointers of this very type (or 0) are stored in this cell, and
                // Option<fn> represents None as 0.
                unsafe { core::mem::transmute::<usize, Option<$ty>>(p) }
            })*

            pub fn of(slots: &Slots) -> SlotCells {
                let cells = SlotCells([const { AtomicUsize::new(0) }; N_SLOTS]);
                cells.fill(slots);
                cells
            }

            /// Stores the slots that `slots` has.
            pub fn fill(&self, slots: &Slots) {
                $(if let Some(f) = slots.$name { self.set_raw(SlotId::$name, f as usize) })*
            }
        }
    };
}

impl SlotCells {
    /// The pointer as a number; 0 = empty.
    pub fn raw(&self, id: SlotId) -> usize {
        // ORDERING Relaxed: as in the typed getters.
        self.0[id as usize].load(Ordering::Relaxed)
    }

    /// Stores a function pointer of the slot's type, or 0.
    pub fn set_raw(&self, id: SlotId, f: usize) {
        // ORDERING Relaxed: as in the typed getters.
        self.0[id as usize].store(f, Ordering::Relaxed)
    }

    /// Copies what is empty here from `base`.
    pub fn inherit(&self, base: &SlotCells) {
        for (mine, theirs) in self.0.iter().zip(&base.0) {
            // ORDERING Relaxed: as in the typed getters.
            if mine.load(Ordering::Relaxed) == 0 {
                mine.store(theirs.load(Ordering::Relaxed), Ordering::Relaxed);
            }
        }
    }
}

crate::holds_no_references!(SlotCells);

define_slots! {
    repr: UnaryFn,
    str: UnaryFn,
    hash: HashFn,
    call: CallFn,
    getattr: BinaryFn,
    setattr: SetFn,
    compare: CompareFn,
    iter: UnaryFn,
    next: NextFn,
    new: NewFn,
    init: InitFn,
    finalize: FinalizeFn,
    descr_get: DescrGetFn,
    /// Set, or delete when the value is `None`.
    descr_set: SetFn,
    bool: BoolFn,
    len: LenFn,
    getitem: BinaryFn,
    setitem: SetFn,
    contains: ContainsFn,
    add: BinaryFn,
    subtract: BinaryFn,
    multiply: BinaryFn,
    matmul: BinaryFn,
    true_divide: BinaryFn,
    floor_divide: BinaryFn,
    remainder: BinaryFn,
    divmod: BinaryFn,
    power: TernaryFn,
    lshift: BinaryFn,
    rshift: BinaryFn,
    and: BinaryFn,
    xor: BinaryFn,
    or: BinaryFn,
    inplace_add: BinaryFn,
    inplace_subtract: BinaryFn,
    inplace_multiply: BinaryFn,
    inplace_matmul: BinaryFn,
    inplace_true_divide: BinaryFn,
    inplace_floor_divide: BinaryFn,
    inplace_remainder: BinaryFn,
    inplace_power: TernaryFn,
    inplace_lshift: BinaryFn,
    inplace_rshift: BinaryFn,
    inplace_and: BinaryFn,
    inplace_xor: BinaryFn,
    inplace_or: BinaryFn,
    /// Sequence concatenation, tried after `add` (list, tuple, str, bytes).
    concat: BinaryFn,
    /// Sequence repetition by an int, tried after `multiply`.
    repeat: fn(&mut Thread, Borrowed<'_>, isize) -> PyResult,
    inplace_concat: BinaryFn,
    inplace_repeat: fn(&mut Thread, Borrowed<'_>, isize) -> PyResult,
    negative: UnaryFn,
    positive: UnaryFn,
    absolute: UnaryFn,
    invert: UnaryFn,
    int: UnaryFn,
    float: UnaryFn,
    index: UnaryFn,
    await_: UnaryFn,
    aiter: UnaryFn,
    anext: UnaryFn,
    /// A step of `yield from` or `await`, whose end needs no StopIteration. Only types that cannot be subclassed have
    /// it: nothing is derived from a method.
    send: SendFn,
    buffer: BufferFn,
}
