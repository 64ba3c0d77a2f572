//! Declaring a built-in type or function: constant data, written once beside the code.

use core::ptr::NonNull;
use typhon_sync::prim::{AtomicU32, Ordering};

use typhon_sync::header::Header;

use crate::object::{Beside, Borrowed, Payload, PyResult, Slot, Trace};
use crate::slots::{Args, Slots};
use crate::thread::Thread;
use crate::types::Type;
use crate::word::Word;

/// A native function whose arguments were bound by its signature: one word per parameter,
/// [`Word::NULL`] where an optional one was not given, a tuple for `*args`, a dict for `**kwargs`
/// (null when empty). For methods, `args[0]` is self (or the class).
pub type BoundFn = fn(&mut Thread, &[Borrowed<'_>]) -> PyResult;
/// A native function that looks at its arguments itself; `args.all[0]` is self for methods.
pub type RawFn = fn(&mut Thread, Args<'_>) -> PyResult;

/// How a native function is called.
#[derive(Clone, Copy)]
pub enum NativeCall {
    Bound(BoundFn),
    Raw(RawFn),
}

/// How a native function in a type's table binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    Method,
    Class,
    Static,
}

/// A native function or method: everything the world needs to know of it.
#[derive(Clone, Copy)]
pub struct NativeDef {
    pub name: &'static str,
    /// Python signature, `"($self, x, y=0, /, *, key=None)"`: binds the arguments and is
    /// `__text_signature__`. Defaults are text only: the function sees null.
    pub sig: &'static str,
    pub call: NativeCall,
    pub doc: &'static str,
    pub binding: Binding,
}

impl NativeDef {
    /// A function, or a method when it stands in a type's table.
    pub const fn new(name: &'static str, sig: &'static str, f: BoundFn, doc: &'static str) -> NativeDef {
        NativeDef { name, sig, call: NativeCall::Bound(f), doc, binding: Binding::Method }
    }
    /// As [`NativeDef::new`], for a function that takes its arguments unbound.
    pub const fn raw(name: &'static str, sig: &'static str, f: RawFn, doc: &'static str) -> NativeDef {
        NativeDef { name, sig, call: NativeCall::Raw(f), doc, binding: Binding::Method }
    }
    pub const fn class(self) -> NativeDef {
        NativeDef { binding: Binding::Class, ..self }
    }
    pub const fn static_(self) -> NativeDef {
        NativeDef { binding: Binding::Static, ..self }
    }
}

/// A computed attribute of a built-in type.
#[derive(Clone, Copy)]
pub struct GetSetDef {
    pub name: &'static str,
    pub get: fn(&mut Thread, Borrowed<'_>) -> PyResult,
    /// Set, or delete when the value is `None`.
    pub set: Option<fn(&mut Thread, Borrowed<'_>, Option<Borrowed<'_>>) -> PyResult<()>>,
    pub doc: &'static str,
}

impl GetSetDef {
    pub const fn get(name: &'static str, get: fn(&mut Thread, Borrowed<'_>) -> PyResult) -> GetSetDef {
        GetSetDef { name, get, set: None, doc: "" }
    }
    pub const fn set(
        self,
        set: fn(&mut Thread, Borrowed<'_>, Option<Borrowed<'_>>) -> PyResult<()>,
    ) -> GetSetDef {
        GetSetDef { set: Some(set), ..self }
    }
}

/// A field of a payload that Python code reads as an attribute (a `member_descriptor`). Read-only;
/// an empty slot reads as `None`.
#[derive(Clone, Copy)]
pub struct MemberDef {
    pub name: &'static str,
    /// `offset_of!` the slot.
    pub offset: usize,
    pub doc: &'static str,
}

/// The shape id of a built-in type's instances: fixed for the types of `builtin_types!`, given at
/// registration to those of native modules.
pub struct TypeId(AtomicU32);

impl TypeId {
    pub const fn fixed(shape: u32) -> TypeId {
        TypeId(AtomicU32::new(shape))
    }
    /// Not registered yet.
    pub const fn dynamic() -> TypeId {
        TypeId(AtomicU32::new(0))
    }
    #[inline(always)]
    pub fn shape(&self) -> u32 {
        // ORDERING Relaxed: written once, before any instance exists.
        self.0.load(Ordering::Relaxed)
    }
    pub(crate) fn register(&self, shape: u32) {
        // ORDERING Relaxed: as in `shape`.
        self.0.store(shape, Ordering::Relaxed)
    }
}

/// Kinds of built-in types that subclasses inherit, for one-test instance checks.
pub mod kind {
    pub const INT: u32 = 1 << 0;
    pub const STR: u32 = 1 << 1;
    pub const BYTES: u32 = 1 << 2;
    pub const LIST: u32 = 1 << 3;
    pub const TUPLE: u32 = 1 << 4;
    pub const DICT: u32 = 1 << 5;
    pub const SET: u32 = 1 << 6;
    pub const TYPE: u32 = 1 << 7;
    pub const EXCEPTION: u32 = 1 << 8;
    pub const FLOAT: u32 = 1 << 9;
    pub const MODULE: u32 = 1 << 10;
    /// Has `__get__`/`__set__`-free methods that a method call may skip binding for.
    pub const METHOD_DESCRIPTOR: u32 = 1 << 11;
}

/// Properties of a built-in type.
pub mod type_flags {
    /// May be subclassed by Python code.
    pub const BASE: u32 = 1 << 0;
    /// Instances can be part of a cycle: the collector tracks them.
    pub const GC: u32 = 1 << 1;
    /// Instances have a `__dict__`.
    pub const DICT: u32 = 1 << 2;
    /// Instances are of a deferred kind (types, functions, modules, code): never freed by count.
    pub const DEFERRED: u32 = 1 << 3;
    /// Matches sequence patterns.
    pub const SEQUENCE: u32 = 1 << 4;
    /// Matches mapping patterns.
    pub const MAPPING: u32 = 1 << 5;
    /// `match` positional pattern takes the subject itself (int, str, …).
    pub const MATCH_SELF: u32 = 1 << 6;
    /// `T()` raises TypeError: no constructor.
    pub const NO_NEW: u32 = 1 << 7;
    /// Attributes of the type cannot be set.
    pub const IMMUTABLE: u32 = 1 << 8;
    /// Created by a `class` statement or `type()`.
    pub const HEAP: u32 = 1 << 9;
    /// Has abstract methods: cannot be instantiated.
    pub const ABSTRACT: u32 = 1 << 10;
    /// Instances can be weakly referenced.
    pub const WEAKREF: u32 = 1 << 11;
    /// Objects have a variable number of items behind the payload (`__itemsize__` ≠ 0).
    pub const VAR_SIZED: u32 = 1 << 12;
}

/// Where a collector finds the counted references of a payload. A call per reference is half of the cost of
/// looking at it, so the commonest payloads say it without one.
#[derive(Clone, Copy)]
pub enum References {
    /// There are none.
    Nowhere,
    /// In these slots, which may be read beside mutators ([`Beside::Always`]); `None`: visited.
    Row(RowOf, Visit),
    /// As `Row`; every other slot, beginning with the first, holds nothing that is ever tracked.
    Pairs(RowOf, Visit),
    /// Where [`Trace::trace`] says.
    Visited(Visit),
}

/// The slots with the counted references of a payload.
pub type RowOf = unsafe fn(*const Header) -> Option<NonNull<[Slot]>>;

/// The [`RowOf`] payloads of type `$t`: their `$n` slots from field `$first` to field `$last`, with nothing else in
/// between.
/// `$only` says of a payload whether it counts no other reference.
#[macro_export]
macro_rules! row_of_slots {
    ($t:ident, $first:ident to $last:ident, $n:literal, $only:expr) => {{
        const _: () = assert!(
            core::mem::offset_of!($t, $last) - core::mem::offset_of!($t, $first)
                == ($n - 1) * size_of::<$crate::object::Slot>()
        );
        unsafe fn row(o: *const $crate::Header) -> Option<core::ptr::NonNull<[$crate::object::Slot]>> {
            let only: fn(&$t) -> bool = $only;
            // SAFETY: used for this type only; the slots lie inside the payload.
            unsafe {
                let first = o.byte_add(core::mem::offset_of!($t, $first)) as *mut $crate::object::Slot;
                let first = core::ptr::NonNull::new_unchecked(first);
                only(&*(o as *const $t)).then(|| core::ptr::NonNull::slice_from_raw_parts(first, $n))
            }
        }
        row
    }};
}

/// Calls back with every counted reference of a payload.
pub type Visit = unsafe fn(*const Header, &mut dyn FnMut(Word));

/// Memory behaviour of a payload, derived from its Rust type.
#[derive(Clone, Copy)]
pub struct Layout {
    /// Bytes, header included, without trailing items.
    pub size: usize,
    /// [`Trace::BESIDE`] of the payload.
    pub beside: Beside,
    /// Every change of a reference inside is made under the object's lock, which marks changes by strangers
    /// ([`typhon_sync::Header::mark_change`]), or by nobody but the owner.
    pub confined: bool,
    /// The counted references.
    pub references: References,
    /// Reports what the payload keeps alive without counting it ([`crate::held::Held`]).
    pub trace_uncounted: Option<unsafe fn(*const Header, &mut dyn FnMut(*const Header))>,
    pub clear: unsafe fn(*mut Header, &mut dyn FnMut(Word)),
    pub drop: unsafe fn(*mut Header),
}

impl Layout {
    pub const fn of<T: Payload>() -> Layout {
        Layout {
            size: size_of::<T>(),
            beside: T::BESIDE,
            confined: false,
            references: References::Visited(trace_as::<T>),
            trace_uncounted: if T::UNCOUNTED { Some(trace_uncounted_as::<T>) } else { None },
            clear: clear_as::<T>,
            drop: drop_as::<T>,
        }
    }
}

impl Layout {
    /// The layout with its references where `row` says.
    pub const fn in_a_row(self, row: RowOf) -> Layout {
        let References::Visited(visit) = self.references else { return self };
        Layout { references: References::Row(row, visit), ..self }
    }

    /// The layout with its references in [`References::Pairs`], where `row` says.
    pub const fn in_pairs(self, row: RowOf) -> Layout {
        let References::Visited(visit) = self.references else { return self };
        Layout { references: References::Pairs(row, visit), ..self }
    }

    /// As [`Layout::of`], for a payload whose changes are [`Layout::confined`].
    pub const fn confined<T: Payload>() -> Layout {
        Layout { confined: true, ..Layout::of::<T>() }
    }
}

unsafe fn trace_as<T: Payload>(o: *const Header, visit: &mut dyn FnMut(Word)) {
    // SAFETY: the type's table is used for its own instances only.
    unsafe { (*(o as *const T)).trace(visit) }
}
unsafe fn trace_uncounted_as<T: Payload>(o: *const Header, visit: &mut dyn FnMut(*const Header)) {
    // SAFETY: as above.
    unsafe { (*(o as *const T)).trace_uncounted(visit) }
}
unsafe fn clear_as<T: Payload>(o: *mut Header, drop: &mut dyn FnMut(Word)) {
    // SAFETY: as above; the collector proved that nobody else uses the object.
    unsafe { Trace::clear(&mut *(o as *mut T), drop) }
}
unsafe fn drop_as<T: Payload>(o: *mut Header) {
    // SAFETY: as above; the count is zero.
    unsafe { core::ptr::drop_in_place(o as *mut T) }
}

/// What threads that use one object at once may count on. Nothing that they do breaks memory; this says what they see.
///
/// *Atomic* holds as long as comparing and hashing run no Python code: `papers/decisions/0024-two-locks.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safety {
    Constant,
    LockFree,
    Locked,
    Both,
    Moments,
    Each,
    Repeats,
    Steps,
    Bytes,
    Refused,
}

impl Safety {
    /// In the order of the table.
    pub const ALL: [Safety; 10] = [
        Safety::Constant,
        Safety::LockFree,
        Safety::Locked,
        Safety::Both,
        Safety::Moments,
        Safety::Each,
        Safety::Repeats,
        Safety::Steps,
        Safety::Bytes,
        Safety::Refused,
    ];

    /// A word for the table, and what it means.
    pub const fn described(self) -> (&'static str, &'static str) {
        match self {
            Safety::Constant => ("constant", "looks at what never changes"),
            Safety::LockFree => {
                ("atomic, no lock", "happens at one moment; nobody waits for it, it waits for nobody")
            }
            Safety::Locked => ("atomic", "happens at one moment, under the object's lock"),
            Safety::Both => (
                "atomic, both locks",
                "happens at one moment, under the locks of both objects, if the other is a list, set, frozenset or dict \
                 (as fits the operation); with another iterable, item by item",
            ),
            Safety::Moments => {
                ("a moment each", "looks at each of its objects at one moment, but not at the same")
            }
            Safety::Each => {
                ("each item", "looks at each item at a moment of its own; others may change the rest between")
            }
            Safety::Repeats => ("may repeat", "threads that share it may get an item twice, or miss one"),
            Safety::Steps => ("steps", "takes several steps, each of them safe; others may come between"),
            Safety::Bytes => (
                "bytes",
                "reads or writes bytes in place: what another thread writes at the time may be seen in part",
            ),
            Safety::Refused => ("one thread", "while one thread is inside, others get an exception"),
        }
    }
}

/// What threads may count on, for the operations of a type: names of attributes, in groups. `vm/THREAD_SAFETY.md` is made
/// of these (`cargo test -p typhon --test thread_safety`).
#[derive(Clone, Copy)]
pub struct Shared {
    /// What is not named below.
    pub rest: Safety,
    pub but: &'static [(Safety, &'static str)],
    /// Anything else, as a sentence of Markdown.
    pub note: &'static str,
}

impl Shared {
    /// All operations alike.
    pub const fn all(rest: Safety) -> Shared {
        Shared { rest, but: &[], note: "" }
    }
    /// Most operations alike, but for some.
    pub const fn but(rest: Safety, but: &'static [(Safety, &'static str)]) -> Shared {
        Shared { rest, but, note: "" }
    }
    pub const fn note(self, note: &'static str) -> Shared {
        Shared { note, ..self }
    }
    /// An iterator whose place is one word that nobody locks.
    pub const ITERATOR: Shared =
        Shared::but(Safety::Repeats, &[(Safety::Constant, "__iter__"), (Safety::Steps, "__reduce__")]);
}

/// A built-in type: constant data from which the runtime makes the type object.
pub struct TypeDef {
    pub id: TypeId,
    /// `__name__`.
    pub name: &'static str,
    /// `__module__`.
    pub module: &'static str,
    pub doc: &'static str,
    /// Base type; `None` = `object`.
    pub base: Option<&'static TypeDef>,
    /// One of [`kind`], or 0.
    pub kind: u32,
    /// [`type_flags`].
    pub flags: u32,
    pub layout: Layout,
    /// Byte offset of the payload's own dict field (`offset_of!(Function, dict)`); 0 = a type with
    /// [`type_flags::DICT`] has its dict word behind the payload.
    pub dict_offset: usize,
    pub slots: Slots,
    pub methods: &'static [NativeDef],
    pub getset: &'static [GetSetDef],
    /// Fields that Python reads directly: name and byte offset of a [`crate::Slot`].
    pub members: &'static [MemberDef],
    /// What threads that share an instance may count on; `None`: nothing is said.
    pub shared: Option<Shared>,
    /// Runs once after the type object exists, for class attributes that need objects.
    pub setup: Option<fn(&mut Thread, &Type) -> PyResult<()>>,
}

impl TypeDef {
    /// A type with nothing but a name and a payload: for `TypeDef { …, ..TypeDef::of::<T>("name") }`.
    pub const fn of<T: Payload>(name: &'static str) -> TypeDef {
        TypeDef {
            id: TypeId::dynamic(),
            name,
            module: "builtins",
            doc: "",
            base: None,
            kind: 0,
            flags: type_flags::GC,
            layout: Layout::of::<T>(),
            dict_offset: 0,
            slots: Slots::NONE,
            methods: &[],
            getset: &[],
            members: &[],
            shared: None,
            setup: None,
        }
    }

    /// The type object. The type must be registered (built-in types always are).
    #[inline]
    pub fn ty(&'static self) -> &'static Type {
        debug_assert!(self.id.shape() != 0, "type {} is not registered", self.name);
        // SAFETY: types of definitions live as long as the runtime.
        unsafe { &*crate::shape::get(self.id.shape()).ty() }
    }
}

/// A native module.
pub struct ModuleDef {
    pub name: &'static str,
    pub doc: &'static str,
    pub functions: &'static [NativeDef],
    /// Types to register and bind under their names.
    pub types: &'static [&'static TypeDef],
    /// Adds constants and whatever else needs objects.
    pub setup: Option<fn(&mut Thread, Borrowed<'_>) -> PyResult<()>>,
}
