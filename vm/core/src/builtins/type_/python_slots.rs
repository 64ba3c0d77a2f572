//! Slot functions of classes written in Python: each calls the special method of its name.

use crate::buffer::Buffer;
use crate::builtins::exceptions as ex;
use crate::builtins::int::IntRef;
use crate::builtins::staticmethod::StaticMethod;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::{Args, BufferFlags, CompareOp};
use crate::thread::Thread;
use crate::types::Type;

/// Calls a special method that must be there.
#[inline]
fn must(th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'static>, args: &[Borrowed<'_>]) -> PyResult {
    match crate::call::special(th, o, name, args)? {
        Some(v) => Ok(v),
        None => Err(th.no_attribute(o, name)),
    }
}

macro_rules! unary {
    ($($f:ident $name:ident),* $(,)?) => { $(
        #[doc = concat!("Calls `", stringify!($name), "`.")]
        pub fn $f(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
            must(th, o, th.rt.names.$name.get(), &[])
        }
    )* };
}

unary! {
    repr __repr__, str __str__, negative __neg__, positive __pos__, absolute __abs__, invert __invert__,
    int __int__, float __float__, index __index__, await_ __await__, aiter __aiter__, anext __anext__,
}

macro_rules! binary {
    ($($f:ident $slot:ident $name:ident $reflected:ident),* $(,)?) => { $(
        #[doc = concat!("Calls `", stringify!($name), "` or `", stringify!($reflected), "`.")]
        pub fn $f(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
            let here = |t: &Type| t.slots.$slot().is_some_and(|s| s as usize == $f as *const () as usize);
            let names = &th.rt.names;
            operator(th, a, b, here, names.$name.get(), names.$reflected.get())
        }
    )* };
}

binary! {
    add add __add__ __radd__,
    subtract subtract __sub__ __rsub__,
    multiply multiply __mul__ __rmul__,
    matmul matmul __matmul__ __rmatmul__,
    true_divide true_divide __truediv__ __rtruediv__,
    floor_divide floor_divide __floordiv__ __rfloordiv__,
    remainder remainder __mod__ __rmod__,
    divmod divmod __divmod__ __rdivmod__,
    lshift lshift __lshift__ __rlshift__,
    rshift rshift __rshift__ __rrshift__,
    and and __and__ __rand__,
    xor xor __xor__ __rxor__,
    or or __or__ __ror__,
}

fn operator(
    th: &mut Thread,
    a: Borrowed<'_>,
    b: Borrowed<'_>,
    here: impl Fn(&Type) -> bool,
    name: Borrowed<'static>,
    reflected: Borrowed<'static>,
) -> PyResult {
    let (ta, tb) = (a.ty(), b.ty());
    let same = core::ptr::eq(ta, tb);
    let mut try_b = !same && here(tb);
    if here(ta) {
        if try_b && tb.is_subtype_of(ta) && overrides(tb, ta, reflected) {
            if let Some(v) = answer(crate::call::special(th, b, reflected, &[a])?) {
                return Ok(v);
            }
            try_b = false;
        }
        if let Some(v) = answer(crate::call::special(th, a, name, &[b])?) {
            return Ok(v);
        }
    }
    if try_b && let Some(v) = answer(crate::call::special(th, b, reflected, &[a])?) {
        return Ok(v);
    }
    Ok(Owned::not_implemented())
}

fn answer(v: Option<Owned>) -> Option<Owned> {
    v.filter(|v| !v.is_not_implemented())
}

/// Does `sub` have another `name` than `base`?
fn overrides(sub: &Type, base: &Type, name: Borrowed<'_>) -> bool {
    match (sub.lookup(name), base.lookup(name)) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(s), Some(b)) => !s.is(b.word()),
    }
}

/// `__pow__`, `__rpow__`
pub fn power(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, modulus: Borrowed<'_>) -> PyResult {
    let here = |t: &Type| t.slots.power().is_some_and(|s| s as usize == power as *const () as usize);
    let names = &th.rt.names;
    let (name, reflected) = (names.__pow__.get(), names.__rpow__.get());
    if modulus.is_null() {
        return operator(th, a, b, here, name, reflected);
    }
    if here(a.ty()) {
        if let Some(v) = answer(crate::call::special(th, a, name, &[b, modulus])?) {
            return Ok(v);
        }
    }
    if here(b.ty()) {
        if let Some(v) = answer(crate::call::special(th, b, reflected, &[a, modulus])?) {
            return Ok(v);
        }
    }
    Ok(Owned::not_implemented())
}

/// `__ipow__`
pub fn inplace_power(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, modulus: Borrowed<'_>) -> PyResult {
    let name = th.rt.names.__ipow__.get();
    if modulus.is_null() { must(th, a, name, &[b]) } else { must(th, a, name, &[b, modulus]) }
}

macro_rules! inplace {
    ($($f:ident $name:ident),* $(,)?) => { $(
        #[doc = concat!("Calls `", stringify!($name), "`.")]
        pub fn $f(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
            must(th, a, th.rt.names.$name.get(), &[b])
        }
    )* };
}

inplace! {
    inplace_add __iadd__, inplace_subtract __isub__, inplace_multiply __imul__, inplace_matmul __imatmul__,
    inplace_true_divide __itruediv__, inplace_floor_divide __ifloordiv__, inplace_remainder __imod__,
    inplace_lshift __ilshift__, inplace_rshift __irshift__, inplace_and __iand__, inplace_xor __ixor__,
    inplace_or __ior__, getitem __getitem__,
}

/// `__hash__`
pub fn hash(th: &mut Thread, o: Borrowed<'_>) -> PyResult<i64> {
    let name = th.rt.names.__hash__.get();
    if o.ty().lookup(name).is_none_or(|m| m.is_none()) {
        let msg = format!("unhashable type: '{}'", o.type_name(th));
        return Err(th.type_error(&msg));
    }
    let v = must(th, o, name, &[])?;
    match v.borrow().as_int() {
        Some(IntRef::Small(h)) => Ok(if h == -1 { -2 } else { h }),
        Some(IntRef::Big(_)) => v.borrow().hash(th),
        None => Err(th.type_error("__hash__ method should return an integer")),
    }
}

/// `__lt__` … `__ge__`
pub fn compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    let n = &th.rt.names;
    let name = match op {
        CompareOp::Lt => &n.__lt__,
        CompareOp::Le => &n.__le__,
        CompareOp::Eq => &n.__eq__,
        CompareOp::Ne => &n.__ne__,
        CompareOp::Gt => &n.__gt__,
        CompareOp::Ge => &n.__ge__,
    };
    Ok(crate::call::special(th, a, name.get(), &[b])?.unwrap_or_else(Owned::not_implemented))
}

/// `__iter__`
pub fn iter(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let name = th.rt.names.__iter__.get();
    if o.ty().lookup(name).is_none_or(|m| m.is_none()) {
        let msg = format!("'{}' object is not iterable", o.type_name(th));
        return Err(th.type_error(&msg));
    }
    must(th, o, name, &[])
}

/// `__next__`
pub fn next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    must(th, o, th.rt.names.__next__.get(), &[]).map(Some)
}

/// `__call__`
pub fn call(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult {
    // `__call__` may be an instance of the class itself.
    th.check_native_stack("")?;
    match crate::call::special_args(th, o, th.rt.names.__call__.get(), args)? {
        Some(v) => Ok(v),
        None => {
            let msg = format!("'{}' object is not callable", o.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

/// `__getattribute__`, and `__getattr__` when that raises AttributeError.
pub fn getattr_hook(th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'_>) -> PyResult {
    let names = &th.rt.names;
    let (get, hook) = (names.__getattribute__.get(), names.__getattr__.get());
    let Some(hook) = o.ty().lookup(hook) else { return must(th, o, get, &[name]) };
    let found = match o.ty().lookup(get) {
        Some(f) if f.borrow().is(super::object_getattribute()) => {
            crate::attributes::generic_getattr_opt(th, o, name)?
        }
        _ => {
            let r = must(th, o, get, &[name]);
            th.absorb(r, &ex::ATTRIBUTE_ERROR)?
        }
    };
    match found {
        Some(v) => Ok(v),
        None => crate::call::call_found(th, hook.borrow(), o, &[name]),
    }
}

/// `__setattr__` / `__delattr__`
pub fn setattr(
    th: &mut Thread,
    o: Borrowed<'_>,
    name: Borrowed<'_>,
    v: Option<Borrowed<'_>>,
) -> PyResult<()> {
    let n = &th.rt.names;
    set_or_delete(th, o, name, v, n.__setattr__.get(), n.__delattr__.get())
}

/// `__setitem__` / `__delitem__`
pub fn setitem(th: &mut Thread, o: Borrowed<'_>, key: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let n = &th.rt.names;
    let (set, del) = (n.__setitem__.get(), n.__delitem__.get());
    let name = if v.is_some() { set } else { del };
    if o.ty().lookup(name).is_none() {
        let doing = if v.is_some() { "assignment" } else { "deletion" };
        let msg = format!("'{}' object does not support item {doing}", o.type_name(th));
        return Err(th.type_error(&msg));
    }
    set_or_delete(th, o, key, v, set, del)
}

/// `__set__` / `__delete__`
pub fn descr_set(th: &mut Thread, d: Borrowed<'_>, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let n = &th.rt.names;
    set_or_delete(th, d, o, v, n.__set__.get(), n.__delete__.get())
}

fn set_or_delete(
    th: &mut Thread,
    o: Borrowed<'_>,
    key: Borrowed<'_>,
    v: Option<Borrowed<'_>>,
    set: Borrowed<'static>,
    del: Borrowed<'static>,
) -> PyResult<()> {
    match v {
        Some(v) => must(th, o, set, &[key, v]).map(drop),
        None => must(th, o, del, &[key]).map(drop),
    }
}

/// `__get__`
pub fn descr_get(th: &mut Thread, d: Borrowed<'_>, o: Option<Borrowed<'_>>, cls: Borrowed<'_>) -> PyResult {
    match crate::call::special(th, d, th.rt.names.__get__.get(), &[o.unwrap_or(Borrowed::none()), cls])? {
        Some(v) => Ok(v),
        None => Ok(d.to_owned()),
    }
}

/// `__init__`
pub fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    match crate::call::special_args(th, o, th.rt.names.__init__.get(), args)? {
        Some(v) if !v.is_none() => {
            let msg = format!("__init__() should return None, not '{}'", v.borrow().type_name(th));
            Err(th.type_error(&msg))
        }
        _ => Ok(()),
    }
}

/// `__new__`: found on the class, called with the class in front.
pub fn new(th: &mut Thread, cls: &Type, args: Args<'_>) -> PyResult {
    let name = th.rt.names.__new__.get();
    let plain = super::attributes::getattr as *const () as usize;
    let is_plain = cls.as_value().ty().slots.getattr().is_some_and(|f| f as usize == plain);
    // What a static method gives, without a count if it needs none: the stack will have it.
    if is_plain
        && let Some(found) = cls.find(name)
        && let Some(f) =
            found.borrow().downcast_exact::<StaticMethod>().and_then(StaticMethod::uncounted_function)
    {
        return crate::call::call_with_first(th, f, cls.as_value(), args);
    }
    let f = cls.as_value().getattr(th, name)?;
    crate::call::call_with_first(th, f.borrow(), cls.as_value(), args)
}

/// `__del__`
pub fn finalize(th: &mut Thread, o: Borrowed<'_>) -> PyResult<()> {
    crate::call::special(th, o, th.rt.names.__del__.get(), &[]).map(drop)
}

/// `__bool__`
pub fn bool(th: &mut Thread, o: Borrowed<'_>) -> PyResult<bool> {
    let v = must(th, o, th.rt.names.__bool__.get(), &[])?;
    if v.word().is_bool() {
        return Ok(v.word() == crate::Word::TRUE);
    }
    let msg = format!("__bool__ should return bool, returned {}", v.borrow().type_name(th));
    Err(th.type_error(&msg))
}

/// `__len__`
pub fn len(th: &mut Thread, o: Borrowed<'_>) -> PyResult<usize> {
    let v = must(th, o, th.rt.names.__len__.get(), &[])?;
    let v = v.borrow().index(th)?;
    match v.borrow().as_int() {
        Some(IntRef::Small(n)) if n < 0 => Err(th.value_error("__len__() should return >= 0")),
        Some(IntRef::Small(n)) => Ok(n as usize),
        _ => v.borrow().to_isize(th).map(|n| n as usize),
    }
}

/// `__contains__`
pub fn contains(th: &mut Thread, o: Borrowed<'_>, item: Borrowed<'_>) -> PyResult<bool> {
    let name = th.rt.names.__contains__.get();
    if o.ty().lookup(name).is_none_or(|m| m.is_none()) {
        let msg = format!("'{}' object is not a container", o.type_name(th));
        return Err(th.type_error(&msg));
    }
    must(th, o, name, &[item])?.borrow().truth(th)
}

/// `__buffer__`: the bytes of the memoryview that it returns.
pub fn buffer(th: &mut Thread, o: Borrowed<'_>, want: BufferFlags) -> PyResult<Buffer> {
    let bits = th.new_int(i64::from(want.writable));
    let view = must(th, o, th.rt.names.__buffer__.get(), &[bits.borrow()])?;
    match view.borrow().ty().slots.buffer() {
        Some(f) if f as usize != buffer as *const () as usize => f(th, view.borrow(), want),
        _ => Err(th.type_error("__buffer__ returned non-memoryview object")),
    }
}
