//! Attributes of classes: reading, and changing them with everything that depends on it.

use super::lookup::lock_types;
use super::{check_mutable, class_of, no_class_attribute, update};
use crate::builtins::dict::Dict;
use crate::object::{Borrowed, Owned, PyResult};
use crate::shape;
use crate::thread::Thread;
use crate::typedef::type_flags;
use crate::types::Type;

/// `type.__getattribute__`
pub fn getattr(th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'_>) -> PyResult {
    match lookup(th, o, name)? {
        Some(v) => Ok(v),
        None => Err(no_class_attribute(th, class_of(o), name)),
    }
}

/// Data descriptor of the metaclass, then the class and its bases, then the metaclass.
pub fn lookup(th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let ty = class_of(o);
    let meta = o.ty();
    let on_meta = meta.find(name);
    let mut get = None;
    if let Some(f) = &on_meta {
        let slots = &f.borrow().ty().slots;
        get = slots.descr_get();
        if let Some(get) = get
            && slots.descr_set().is_some()
        {
            return get(th, f.borrow(), Some(o), meta.as_value()).map(Some);
        }
    }
    if let Some(f) = ty.find(name) {
        return match f.borrow().ty().slots.descr_get() {
            Some(get) => get(th, f.borrow(), None, o).map(Some),
            None => Ok(Some(f.into_owned())),
        };
    }
    match (on_meta, get) {
        (Some(f), Some(get)) => get(th, f.borrow(), Some(o), meta.as_value()).map(Some),
        (Some(f), None) => Ok(Some(f.into_owned())),
        (None, _) => Ok(None),
    }
}

/// `type.__setattr__` / `__delattr__`
pub fn setattr(
    th: &mut Thread,
    o: Borrowed<'_>,
    name: Borrowed<'_>,
    v: Option<Borrowed<'_>>,
) -> PyResult<()> {
    let ty = class_of(o);
    let name = super::attribute_name(th, name)?;
    let name = name.borrow();
    check_mutable(th, ty, name)?;
    if let Some(f) = o.ty().find(name)
        && let Some(set) = f.borrow().ty().slots.descr_set()
    {
        return set(th, f.borrow(), o, v);
    }
    match set_entry(th, ty, name, v.map(|v| v.to_owned()))? {
        Some(_) => Ok(()),
        None if v.is_some() => Ok(()),
        None => Err(no_class_attribute(th, ty, name)),
    }
}

/// Changes the namespace of a class, and whatever was derived from the old entry. Returns the old value.
pub fn set_entry(
    th: &mut Thread,
    ty: &Type,
    name: Borrowed<'_>,
    value: Option<Owned>,
) -> PyResult<Option<Owned>> {
    let lock = lock_types();
    ty.invalidate();
    let dict = ty.namespace();
    let old = dict.get_interned(name.word());
    if value.is_none() && old.is_none() {
        return Ok(None);
    }
    let strict = update::is_special(name.word())
        || value.as_ref().is_some_and(|v| v.borrow().ty().slots.descr_set().is_some());
    match value {
        Some(v) => dict.set(th, name, v)?,
        None => drop(dict.remove(th, name)?),
    }
    update::update(ty, name);
    changed(ty, name, strict);
    drop(lock);
    Ok(old)
}

/// Gives the class and its subclasses new shapes where a cache may have relied on the old entry.
fn changed(ty: &Type, name: Borrowed<'_>, strict: bool) {
    let relied_on = {
        let mut planned = ty.planned.0.lock();
        match planned.iter_mut().find(|p| p.name.is(name.word())) {
            Some(p) if p.active => {
                p.active = false;
                p.changes = p.changes.saturating_add(1);
                true
            }
            _ => false,
        }
    };
    if (strict || relied_on) && ty.has_flag(type_flags::HEAP) {
        shape::deprecate(ty);
    }
    for sub in ty.live_subclasses() {
        if let Some(sub) = sub.downcast::<Type>() {
            changed(sub, name, strict);
        }
    }
}

/// Adds the attributes of a class and its bases to `into`, as `dir` sees them: through `__dict__` and
/// `__bases__`, so that objects posing as classes work.
pub fn merge_class_dict(th: &mut Thread, into: &Dict, class: Borrowed<'_>) -> PyResult<()> {
    th.check_native_stack(" while listing attributes")?;
    let names = &th.rt.names;
    let (dict_name, bases_name) = (names.__dict__.get(), names.__bases__.get());
    if let Some(t) = class.downcast::<Type>() {
        for (k, v) in t.namespace().entries() {
            into.set(th, k.borrow(), v)?;
        }
    } else if let Some(d) = class.getattr_opt(th, dict_name)?
        && let Some(d) = d.downcast::<Dict>()
    {
        for (k, v) in d.entries() {
            into.set(th, k.borrow(), v)?;
        }
    }
    if let Some(bases) = class.getattr_opt(th, bases_name)? {
        for b in bases.borrow().to_vec(th)? {
            merge_class_dict(th, into, b.borrow())?;
        }
    }
    Ok(())
}

/// `type.__dir__`
pub fn dir(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let merged = th.new_dict();
    merge_class_dict(th, merged.payload::<Dict>(), a[0])?;
    let keys = merged.payload::<Dict>().entries().into_iter().map(|(k, _)| k).collect();
    Ok(th.new_list(keys))
}
