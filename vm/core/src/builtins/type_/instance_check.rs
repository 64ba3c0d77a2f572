//! `isinstance` and `issubclass`.

use crate::builtins::descriptors::GetSetDescriptor;
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult};
use crate::thread::Thread;
use crate::types::Type;

fn is_plain_class(class: Borrowed<'_>) -> Option<&Type> {
    class.downcast::<Type>().filter(|_| core::ptr::eq(class.ty(), super::DEF.ty()))
}

/// `isinstance(obj, class_or_tuple)`, if no code of a program has a say in it.
pub(crate) fn quick_isinstance(th: &Thread, obj: Borrowed<'_>, class: Borrowed<'_>) -> Option<bool> {
    let Some(classes) = class.downcast_exact::<Tuple>() else { return is_of_plain(th, obj, class) };
    for class in classes.iter() {
        if is_of_plain(th, obj, class)? {
            return Some(true);
        }
    }
    Some(false)
}

/// [`quick_isinstance`] of one class.
fn is_of_plain(th: &Thread, obj: Borrowed<'_>, class: Borrowed<'_>) -> Option<bool> {
    let ty = obj.ty();
    if class.word().is_ptr() && core::ptr::eq(ty.as_value().word().ptr(), class.word().ptr()) {
        return Some(true);
    }
    if ty.is_subtype_of(is_plain_class(class)?) {
        return Some(true);
    }
    if !obj.word().is_ptr() || has_plain_class(th, ty) { Some(false) } else { None }
}

/// `isinstance(obj, class_or_tuple_or_union)`
pub fn isinstance(th: &mut Thread, obj: Borrowed<'_>, class: Borrowed<'_>) -> PyResult<bool> {
    if core::ptr::eq(obj.ty().as_value().word().ptr(), class.word().ptr()) && class.word().is_ptr() {
        return Ok(true);
    }
    if is_plain_class(class).is_some() {
        return real_isinstance(th, obj, class);
    }
    if let Some(t) = class.downcast_exact::<Tuple>() {
        th.check_native_stack(" in __instancecheck__")?;
        for c in t.iter() {
            if isinstance(th, obj, c)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    if let Some(u) = class.downcast_exact::<crate::builtins::union::Union>() {
        let args = u.args(th)?;
        for c in args.payload::<Tuple>().iter() {
            let c = if c.is_none() { crate::builtins::singletons::NONE.ty().as_value() } else { c };
            if isinstance(th, obj, c)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    let name = th.rt.names.__instancecheck__.get();
    th.check_native_stack(" in __instancecheck__")?;
    match crate::call::special(th, class, name, &[obj])? {
        Some(r) => r.borrow().truth(th),
        None => real_isinstance(th, obj, class),
    }
}

/// `type.__instancecheck__`: by type, then by `__class__`.
pub fn real_isinstance(th: &mut Thread, obj: Borrowed<'_>, class: Borrowed<'_>) -> PyResult<bool> {
    let name = th.rt.names.__class__.get();
    if let Some(t) = class.downcast::<Type>() {
        let ty = obj.ty();
        if ty.is_subtype_of(t) {
            return Ok(true);
        }
        if !obj.word().is_ptr() || has_plain_class(th, ty) {
            return Ok(false);
        }
        // A proxy may pose as an instance of another class.
        return Ok(match obj.getattr_opt(th, name)? {
            Some(c) if !c.is(ty.as_value().word()) => {
                c.downcast::<Type>().is_some_and(|c| c.is_subtype_of(t))
            }
            _ => false,
        });
    }
    if !has_bases(th, class)? {
        return Err(th.type_error("isinstance() arg 2 must be a type, a tuple of types, or a union"));
    }
    match obj.getattr_opt(th, name)? {
        Some(c) => abstract_issubclass(th, c.borrow(), class),
        None => Ok(false),
    }
}

/// Does `obj.__class__` mean `type(obj)` for objects of this type?
fn has_plain_class(th: &Thread, ty: &Type) -> bool {
    let generic = crate::attributes::generic_getattr as *const () as usize;
    let name = th.rt.names.__class__.get();
    ty.slots.getattr().is_some_and(|f| f as usize == generic)
        && ty.find(name).is_some_and(|d| {
            // Only `object` makes this getset.
            let own = &crate::builtins::object::GETSET[0];
            d.borrow().downcast_exact::<GetSetDescriptor>().is_some_and(|g| core::ptr::eq(g.def(), own))
        })
}

fn has_bases(th: &mut Thread, class: Borrowed<'_>) -> PyResult<bool> {
    Ok(bases_of(th, class)?.is_some())
}

fn bases_of(th: &mut Thread, class: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let bases = class.getattr_opt(th, th.rt.names.__bases__.get())?;
    Ok(bases.filter(|b| b.downcast::<Tuple>().is_some()))
}

fn abstract_issubclass(th: &mut Thread, derived: Borrowed<'_>, class: Borrowed<'_>) -> PyResult<bool> {
    th.check_native_stack(" in __issubclass__")?;
    if derived.is(class.word()) {
        return Ok(true);
    }
    let Some(bases) = bases_of(th, derived)? else { return Ok(false) };
    for b in bases.payload::<Tuple>().iter() {
        if abstract_issubclass(th, b, class)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `issubclass(cls, class_or_tuple_or_union)`
pub fn issubclass(th: &mut Thread, cls: Borrowed<'_>, class: Borrowed<'_>) -> PyResult<bool> {
    if is_plain_class(class).is_some() {
        if cls.is(class.word()) {
            return Ok(true);
        }
        return real_issubclass(th, cls, class);
    }
    if let Some(t) = class.downcast_exact::<Tuple>() {
        th.check_native_stack(" in __subclasscheck__")?;
        for c in t.iter() {
            if issubclass(th, cls, c)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    if let Some(u) = class.downcast_exact::<crate::builtins::union::Union>() {
        let args = u.args(th)?;
        for c in args.payload::<Tuple>().iter() {
            let c = if c.is_none() { crate::builtins::singletons::NONE.ty().as_value() } else { c };
            if issubclass(th, cls, c)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    let name = th.rt.names.__subclasscheck__.get();
    th.check_native_stack(" in __subclasscheck__")?;
    match crate::call::special(th, class, name, &[cls])? {
        Some(r) => r.borrow().truth(th),
        None => real_issubclass(th, cls, class),
    }
}

fn real_issubclass(th: &mut Thread, cls: Borrowed<'_>, class: Borrowed<'_>) -> PyResult<bool> {
    if let (Some(a), Some(b)) = (cls.downcast::<Type>(), class.downcast::<Type>()) {
        return Ok(a.is_subtype_of(b));
    }
    if !has_bases(th, cls)? {
        return Err(th.type_error("issubclass() arg 1 must be a class"));
    }
    if !has_bases(th, class)? {
        return Err(th.type_error("issubclass() arg 2 must be a class, a tuple of classes, or a union"));
    }
    abstract_issubclass(th, cls, class)
}

/// `type.__instancecheck__`
pub(super) fn instancecheck(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    real_isinstance(th, a[1], a[0]).map(Owned::bool)
}

/// `type.__subclasscheck__`
pub(super) fn subclasscheck(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    real_issubclass(th, a[1], a[0]).map(Owned::bool)
}
