//! The one table of special methods: which slot a dunder name stands for, how Python code calls a
//! native slot function (the slot wrapper), and which native function calls a Python method.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::OnceLock;

use super::python_slots as py;
use crate::intern::Fnv;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::*;
use crate::thread::Thread;
use crate::word::Word;

/// How the arguments of a Python-level call reach a native slot function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrap {
    Unary,
    Binary,
    /// `__radd__`: the operands change places.
    Reflected,
    Ternary,
    TernaryReflected,
    Bool,
    Len,
    Hash,
    Compare(CompareOp),
    Next,
    /// `f(self, key, Some(value))`
    Set,
    /// `f(self, key, None)`
    Del,
    Contains,
    Call,
    DescrGet,
    Init,
    Finalize,
    /// Repetition by an int.
    Repeat,
    /// `__new__`: a built-in function of the class, not a slot wrapper.
    New,
    /// `__buffer__`: a memoryview of the lent bytes.
    Buffer,
    /// `__getattr__`: only ever defined in Python.
    PythonOnly,
}

/// A function pointer of the slot's type.
#[derive(Clone, Copy)]
pub struct Fun(*const ());
// SAFETY: the address of code.
unsafe impl Sync for Fun {}

impl Fun {
    pub fn addr(self) -> usize {
        self.0 as usize
    }
}

/// One special method.
pub struct SlotDef {
    pub name: &'static str,
    pub slot: SlotId,
    pub wrap: Wrap,
    /// Calls the Python method of that name; `None` for second slots of one name (`concat`).
    pub python: Option<Fun>,
    pub sig: &'static str,
    pub doc: &'static str,
}

macro_rules! table {
    ($($name:literal $slot:ident $wrap:expr, $f:tt, $sig:literal, $doc:literal;)*) => {
        /// See the module. Several rows may share a slot or a name.
        pub static SLOT_DEFS: &[SlotDef] = &[$(SlotDef {
            name: $name,
            slot: SlotId::$slot,
            wrap: { use Wrap::*; #[allow(unused_imports)] use CompareOp::*; $wrap },
            python: table!(@fun $f),
            sig: $sig,
            doc: $doc,
        }),*];
    };
    (@fun -) => { None };
    (@fun $f:ident) => { Some(Fun(py::$f as *const ())) };
}

table! {
    "__getattribute__" getattr Binary, getattr_hook, "($self, name, /)", "Return getattr(self, name).";
    "__getattr__" getattr PythonOnly, getattr_hook, "", "";
    "__setattr__" setattr Set, setattr, "($self, name, value, /)", "Implement setattr(self, name, value).";
    "__delattr__" setattr Del, setattr, "($self, name, /)", "Implement delattr(self, name).";
    "__repr__" repr Unary, repr, "($self, /)", "Return repr(self).";
    "__hash__" hash Hash, hash, "($self, /)", "Return hash(self).";
    "__call__" call Call, call, "($self, /, *args, **kwargs)", "Call self as a function.";
    "__str__" str Unary, str, "($self, /)", "Return str(self).";
    "__lt__" compare Compare(Lt), compare, "($self, value, /)", "Return self<value.";
    "__le__" compare Compare(Le), compare, "($self, value, /)", "Return self<=value.";
    "__eq__" compare Compare(Eq), compare, "($self, value, /)", "Return self==value.";
    "__ne__" compare Compare(Ne), compare, "($self, value, /)", "Return self!=value.";
    "__gt__" compare Compare(Gt), compare, "($self, value, /)", "Return self>value.";
    "__ge__" compare Compare(Ge), compare, "($self, value, /)", "Return self>=value.";
    "__iter__" iter Unary, iter, "($self, /)", "Implement iter(self).";
    "__next__" next Next, next, "($self, /)", "Implement next(self).";
    "__get__" descr_get DescrGet, descr_get, "($self, instance, owner=None, /)", "Return an attribute of instance, which is of type owner.";
    "__set__" descr_set Set, descr_set, "($self, instance, value, /)", "Set an attribute of instance to value.";
    "__delete__" descr_set Del, descr_set, "($self, instance, /)", "Delete an attribute of instance.";
    "__init__" init Init, init, "($self, /, *args, **kwargs)", "Initialize self.  See help(type(self)) for accurate signature.";
    "__new__" new New, new, "(type, /, *args, **kwargs)", "Create and return new object.";
    "__del__" finalize Finalize, finalize, "($self, /)", "Called when the instance is about to be destroyed.";
    "__bool__" bool Bool, bool, "($self, /)", "True if self else False";
    "__len__" len Len, len, "($self, /)", "Return len(self).";
    "__getitem__" getitem Binary, getitem, "($self, key, /)", "Return self[key].";
    "__setitem__" setitem Set, setitem, "($self, key, value, /)", "Set self[key] to value.";
    "__delitem__" setitem Del, setitem, "($self, key, /)", "Delete self[key].";
    "__contains__" contains Contains, contains, "($self, key, /)", "Return bool(key in self).";
    "__add__" add Binary, add, "($self, value, /)", "Return self+value.";
    "__radd__" add Reflected, add, "($self, value, /)", "Return value+self.";
    "__sub__" subtract Binary, subtract, "($self, value, /)", "Return self-value.";
    "__rsub__" subtract Reflected, subtract, "($self, value, /)", "Return value-self.";
    "__mul__" multiply Binary, multiply, "($self, value, /)", "Return self*value.";
    "__rmul__" multiply Reflected, multiply, "($self, value, /)", "Return value*self.";
    "__matmul__" matmul Binary, matmul, "($self, value, /)", "Return self@value.";
    "__rmatmul__" matmul Reflected, matmul, "($self, value, /)", "Return value@self.";
    "__truediv__" true_divide Binary, true_divide, "($self, value, /)", "Return self/value.";
    "__rtruediv__" true_divide Reflected, true_divide, "($self, value, /)", "Return value/self.";
    "__floordiv__" floor_divide Binary, floor_divide, "($self, value, /)", "Return self//value.";
    "__rfloordiv__" floor_divide Reflected, floor_divide, "($self, value, /)", "Return value//self.";
    "__mod__" remainder Binary, remainder, "($self, value, /)", "Return self%value.";
    "__rmod__" remainder Reflected, remainder, "($self, value, /)", "Return value%self.";
    "__divmod__" divmod Binary, divmod, "($self, value, /)", "Return divmod(self, value).";
    "__rdivmod__" divmod Reflected, divmod, "($self, value, /)", "Return divmod(value, self).";
    "__pow__" power Ternary, power, "($self, value, mod=None, /)", "Return pow(self, value, mod).";
    "__rpow__" power TernaryReflected, power, "($self, value, mod=None, /)", "Return pow(value, self, mod).";
    "__lshift__" lshift Binary, lshift, "($self, value, /)", "Return self<<value.";
    "__rlshift__" lshift Reflected, lshift, "($self, value, /)", "Return value<<self.";
    "__rshift__" rshift Binary, rshift, "($self, value, /)", "Return self>>value.";
    "__rrshift__" rshift Reflected, rshift, "($self, value, /)", "Return value>>self.";
    "__and__" and Binary, and, "($self, value, /)", "Return self&value.";
    "__rand__" and Reflected, and, "($self, value, /)", "Return value&self.";
    "__xor__" xor Binary, xor, "($self, value, /)", "Return self^value.";
    "__rxor__" xor Reflected, xor, "($self, value, /)", "Return value^self.";
    "__or__" or Binary, or, "($self, value, /)", "Return self|value.";
    "__ror__" or Reflected, or, "($self, value, /)", "Return value|self.";
    "__iadd__" inplace_add Binary, inplace_add, "($self, value, /)", "Return self+=value.";
    "__isub__" inplace_subtract Binary, inplace_subtract, "($self, value, /)", "Return self-=value.";
    "__imul__" inplace_multiply Binary, inplace_multiply, "($self, value, /)", "Return self*=value.";
    "__imatmul__" inplace_matmul Binary, inplace_matmul, "($self, value, /)", "Return self@=value.";
    "__itruediv__" inplace_true_divide Binary, inplace_true_divide, "($self, value, /)", "Return self/=value.";
    "__ifloordiv__" inplace_floor_divide Binary, inplace_floor_divide, "($self, value, /)", "Return self//=value.";
    "__imod__" inplace_remainder Binary, inplace_remainder, "($self, value, /)", "Return self%=value.";
    "__ipow__" inplace_power Ternary, inplace_power, "($self, value, mod=None, /)", "Return self**=value.";
    "__ilshift__" inplace_lshift Binary, inplace_lshift, "($self, value, /)", "Return self<<=value.";
    "__irshift__" inplace_rshift Binary, inplace_rshift, "($self, value, /)", "Return self>>=value.";
    "__iand__" inplace_and Binary, inplace_and, "($self, value, /)", "Return self&=value.";
    "__ixor__" inplace_xor Binary, inplace_xor, "($self, value, /)", "Return self^=value.";
    "__ior__" inplace_or Binary, inplace_or, "($self, value, /)", "Return self|=value.";
    "__add__" concat Binary, -, "($self, value, /)", "Return self+value.";
    "__mul__" repeat Repeat, -, "($self, value, /)", "Return self*value.";
    "__rmul__" repeat Repeat, -, "($self, value, /)", "Return value*self.";
    "__iadd__" inplace_concat Binary, -, "($self, value, /)", "Implement self+=value.";
    "__imul__" inplace_repeat Repeat, -, "($self, value, /)", "Implement self*=value.";
    "__neg__" negative Unary, negative, "($self, /)", "-self";
    "__pos__" positive Unary, positive, "($self, /)", "+self";
    "__abs__" absolute Unary, absolute, "($self, /)", "abs(self)";
    "__invert__" invert Unary, invert, "($self, /)", "~self";
    "__int__" int Unary, int, "($self, /)", "int(self)";
    "__float__" float Unary, float, "($self, /)", "float(self)";
    "__index__" index Unary, index, "($self, /)", "Return self converted to an integer, if self is suitable for use as an index into a list.";
    "__await__" await_ Unary, await_, "($self, /)", "Return an iterator to be used in await expression.";
    "__aiter__" aiter Unary, aiter, "($self, /)", "Return an awaitable, that resolves in asynchronous iterator.";
    "__anext__" anext Unary, anext, "($self, /)", "Return a value or raise StopAsyncIteration.";
    "__buffer__" buffer Buffer, buffer, "($self, flags, /)", "Return a buffer object that exposes the underlying memory of the object.";
}

type Index = HashMap<u64, Vec<u16>, BuildHasherDefault<Fnv>>;

static NAMES: OnceLock<(Vec<Word>, Index)> = OnceLock::new();

/// Interns the names of the table. Called once, before the first class is made.
pub fn init(th: &mut Thread) {
    if NAMES.get().is_some() {
        return;
    }
    let mut words = Vec::with_capacity(SLOT_DEFS.len());
    let mut index = Index::default();
    for (i, d) in SLOT_DEFS.iter().enumerate() {
        let w = th.intern(d.name).into_raw();
        words.push(w);
        index.entry(w.identity()).or_default().push(i as u16);
    }
    let _ = NAMES.set((words, index));
}

/// The interned name of row `i`.
pub fn name_of(i: usize) -> Borrowed<'static> {
    let w = NAMES.get().expect("the slot table is initialised at start").0[i];
    // SAFETY: interned strings are immortal.
    unsafe { Borrowed::from_raw(w) }
}

/// Rows whose dunder is `name` (an interned str).
pub fn rows_of(name: Word) -> &'static [u16] {
    NAMES.get().and_then(|n| n.1.get(&name.identity())).map_or(&[], |v| v.as_slice())
}

/// `TypeError: expected 1 argument, got 2`
#[cold]
fn wrong_count(th: &mut Thread, want: &str, got: usize) -> crate::Raised {
    th.type_error(&format!("expected {want}, got {got}"))
}

/// Calls the native slot function `f` of `def` with `self` and Python-level arguments.
///
/// # Safety
/// `f` is a function pointer of the type of `def.slot`, not 0.
pub unsafe fn call_wrapped(
    th: &mut Thread,
    def: &SlotDef,
    f: usize,
    this: Borrowed<'_>,
    args: Args<'_>,
) -> PyResult {
    let a = args.pos();
    if args.has_keywords() && !matches!(def.wrap, Wrap::Call | Wrap::Init) {
        return Err(th.type_error(&format!("wrapper {}() takes no keyword arguments", def.name)));
    }
    let want = |th: &mut Thread, n: usize| -> PyResult<()> {
        if a.len() == n {
            return Ok(());
        }
        let what = if n == 1 { String::from("1 argument") } else { format!("{n} arguments") };
        Err(wrong_count(th, &what, a.len()))
    };
    macro_rules! as_fn {
        ($t:ty) => {
            // SAFETY: by contract.
            unsafe { core::mem::transmute::<usize, $t>(f) }
        };
    }
    match def.wrap {
        Wrap::Unary => {
            want(th, 0)?;
            as_fn!(UnaryFn)(th, this)
        }
        Wrap::Binary => {
            want(th, 1)?;
            if def.slot == SlotId::getattr {
                let name = super::attribute_name(th, a[0])?;
                return as_fn!(BinaryFn)(th, this, name.borrow());
            }
            as_fn!(BinaryFn)(th, this, a[0])
        }
        Wrap::Reflected => {
            want(th, 1)?;
            as_fn!(BinaryFn)(th, a[0], this)
        }
        Wrap::Ternary | Wrap::TernaryReflected => {
            if a.is_empty() || a.len() > 2 {
                return Err(wrong_count(th, "1 or 2 arguments", a.len()));
            }
            let modulus = a.get(1).copied().filter(|m| !m.is_none()).unwrap_or(Borrowed::null());
            if def.wrap == Wrap::Ternary {
                as_fn!(TernaryFn)(th, this, a[0], modulus)
            } else {
                as_fn!(TernaryFn)(th, a[0], this, modulus)
            }
        }
        Wrap::Bool => {
            want(th, 0)?;
            as_fn!(BoolFn)(th, this).map(Owned::bool)
        }
        Wrap::Len => {
            want(th, 0)?;
            let n = as_fn!(LenFn)(th, this)?;
            Ok(th.new_int(n as i64))
        }
        Wrap::Hash => {
            want(th, 0)?;
            let h = as_fn!(HashFn)(th, this)?;
            Ok(th.new_int(h))
        }
        Wrap::Compare(op) => {
            want(th, 1)?;
            as_fn!(CompareFn)(th, this, a[0], op)
        }
        Wrap::Next => {
            want(th, 0)?;
            match as_fn!(NextFn)(th, this)? {
                Some(v) => Ok(v),
                None => Err(th.stop_iteration(Owned::none())),
            }
        }
        Wrap::Set | Wrap::Del => {
            let value = if def.wrap == Wrap::Set { Some(1) } else { None };
            want(th, if value.is_some() { 2 } else { 1 })?;
            let f = as_fn!(SetFn);
            if def.slot == SlotId::setattr {
                let name = super::attribute_name(th, a[0])?;
                super::check_setattr_wrapper(th, f as usize, this, def.name)?;
                f(th, this, name.borrow(), value.map(|i| a[i]))?;
            } else {
                f(th, this, a[0], value.map(|i| a[i]))?;
            }
            Ok(Owned::none())
        }
        Wrap::Contains => {
            want(th, 1)?;
            as_fn!(ContainsFn)(th, this, a[0]).map(Owned::bool)
        }
        Wrap::Call => as_fn!(CallFn)(th, this, args),
        Wrap::DescrGet => {
            if a.is_empty() || a.len() > 2 {
                return Err(wrong_count(th, "1 or 2 arguments", a.len()));
            }
            let instance = Some(a[0]).filter(|v| !v.is_none());
            let owner = a.get(1).copied().unwrap_or(Borrowed::none());
            if instance.is_none() && owner.is_none() {
                return Err(th.type_error("__get__(None, None) is invalid"));
            }
            let owner = if owner.is_none() { a[0].ty().as_value() } else { owner };
            as_fn!(DescrGetFn)(th, this, instance, owner)
        }
        Wrap::Init => {
            as_fn!(InitFn)(th, this, args)?;
            Ok(Owned::none())
        }
        Wrap::Finalize => {
            want(th, 0)?;
            as_fn!(FinalizeFn)(th, this)?;
            Ok(Owned::none())
        }
        Wrap::Repeat => {
            want(th, 1)?;
            let n = a[0].to_isize(th)?;
            as_fn!(fn(&mut Thread, Borrowed<'_>, isize) -> PyResult)(th, this, n)
        }
        Wrap::Buffer => {
            want(th, 1)?;
            // Bit 0 is `inspect.BufferFlags.WRITABLE`.
            let writable = a[0].to_i64(th)? & 1 != 0;
            let lent = as_fn!(BufferFn)(th, this, BufferFlags { writable })?;
            Ok(crate::builtins::memoryview::of_buffer(th, lent))
        }
        Wrap::New | Wrap::PythonOnly => {
            Err(th.type_error(&format!("{} cannot be called like this", def.name)))
        }
    }
}
