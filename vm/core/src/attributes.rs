//! Attribute access: the generic rules of `object.__getattribute__` and `__setattr__`, over shapes.
//!
//! An instance keeps its attributes in inline slots named by its shape, until one too many is added,
//! one is deleted, or somebody asks for `__dict__`: then they move to a real dict for good ("dict
//! mode"). Readers take no lock: a slot that a mover emptied sends them to the dict, which is in place
//! before the first slot is emptied.

use typhon_sync::prim::Ordering;

use typhon_sync::header::Header;

use crate::builtins::dict::Dict;
use crate::builtins::exceptions as ex;
use crate::builtins::module::Module;
use crate::builtins::str::Str;
use crate::builtins::type_::is_uncounted;
pub use crate::call::is_method_like;
use crate::function::Function;
use crate::object::{Borrowed, Owned, PyResult, Raised, Slot};
use crate::shape::{self, Shape};
use crate::thread::{self, Thread};
use crate::typedef::{kind, type_flags};
use crate::types::Type;
use crate::word::Word;

/// `object.__getattribute__`
pub fn generic_getattr(th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'_>) -> PyResult {
    match lookup(th, o, name)? {
        Some(v) => Ok(v),
        None => Err(no_attribute(th, o, name)),
    }
}

/// As [`generic_getattr`]; a missing attribute is `None`, not an exception.
pub fn generic_getattr_opt(th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let r = lookup(th, o, name);
    match r {
        Err(raised) => th.absorb(Err(raised), &ex::ATTRIBUTE_ERROR).map(Option::flatten),
        found => found,
    }
}

/// Data descriptor of the class, then the instance, then the class.
#[inline]
pub(crate) fn lookup(th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let ty = o.ty();
    let found = ty.find(name);
    let mut get = None;
    if let Some(f) = &found {
        let slots = &f.borrow().ty().slots;
        get = slots.descr_get();
        if let Some(get) = get
            && slots.descr_set().is_some()
        {
            return get(th, f.borrow(), Some(o), ty.as_value()).map(Some);
        }
    }
    if let Some(v) = own(o, name) {
        return Ok(Some(v));
    }
    match (found, get) {
        (Some(f), Some(get)) => get(th, f.borrow(), Some(o), ty.as_value()).map(Some),
        (Some(f), None) => Ok(Some(f.into_owned())),
        (None, _) => Ok(None),
    }
}

/// The shape of a heap object, with everything that it names visible.
#[inline(always)]
fn shape_of(h: &Header) -> &'static Shape {
    // ORDERING Acquire: pairs with the Release of a transition: the slots it names are filled.
    shape::get(h.shape.load(Ordering::Acquire))
}

#[inline(always)]
fn inline_slot<'a>(h: &'a Header, shape: &Shape, i: usize) -> &'a Slot {
    // SAFETY: the shape names at least i + 1 slots.
    unsafe { Type::slot_at(h, shape.slots_offset() + 8 * i) }
}

/// The dict word of an object, if its class has one.
#[inline(always)]
fn dict_slot(h: &Header) -> Option<&Slot> {
    // SAFETY: the type is that of the object's shape.
    unsafe { (*shape_of(h).ty()).dict_slot(h) }
}

/// The instance's own attribute, whatever the class says.
#[inline]
pub fn own(o: Borrowed<'_>, name: Borrowed<'_>) -> Option<Owned> {
    let h = o.header()?;
    let shape = shape_of(h);
    if shape.capacity() != 0
        && let Some(i) = shape.find(name.word())
        && let Some(v) = inline_slot(h, shape, i).get(h)
    {
        return Some(v);
    }
    let d = dict_slot(h)?.get(h)?;
    d.downcast::<Dict>()?.get_interned(name.word())
}

/// The instance's own attributes, in order, without making a dict for them.
pub fn own_entries(o: Borrowed<'_>) -> Vec<(Owned, Owned)> {
    let Some(h) = o.header() else { return Vec::new() };
    let shape = shape_of(h);
    let mut out = Vec::with_capacity(shape.keys().len());
    for (i, &key) in shape.keys().iter().enumerate() {
        if let Some(v) = inline_slot(h, shape, i).get(h) {
            // SAFETY: interned names are immortal.
            let key = unsafe { Borrowed::from_raw(key.uncounted()) };
            out.push((key.to_owned(), v));
        }
    }
    if let Some(d) = dict_slot(h).and_then(|s| s.get(h))
        && let Some(d) = d.downcast::<Dict>()
    {
        return d.entries();
    }
    out
}

/// Is reading `__dict__` just that: the generic rules and the descriptor that every class gets?
pub fn has_plain_dict(th: &Thread, o: Borrowed<'_>) -> bool {
    use crate::builtins::descriptors::GetSetDescriptor;
    let generic = generic_getattr as *const () as usize;
    let getset = &crate::builtins::type_::getset::INSTANCE_DICT;
    o.ty().slots.getattr().is_some_and(|f| f as usize == generic)
        && o.ty().find(th.rt.names.__dict__.get()).is_some_and(|d| {
            d.borrow().downcast_exact::<GetSetDescriptor>().is_some_and(|g| core::ptr::eq(g.def(), getset))
        })
}

/// Has the instance an attribute of its own under this name?
#[inline]
pub fn has_own(o: Borrowed<'_>, name: Borrowed<'_>) -> bool {
    let Some(h) = o.header() else { return false };
    let shape = shape_of(h);
    if shape.capacity() != 0 && shape.find(name.word()).is_some() {
        return true;
    }
    match dict_slot(h) {
        Some(s) if !s.is_empty() => own(o, name).is_some(),
        _ => false,
    }
}

/// `object.__setattr__` / `__delattr__`
pub fn generic_setattr(
    th: &mut Thread,
    o: Borrowed<'_>,
    name: Borrowed<'_>,
    value: Option<Borrowed<'_>>,
) -> PyResult<()> {
    let name = th.intern_str(name);
    let name = name.borrow();
    let found = o.ty().find(name);
    if let Some(f) = &found
        && let Some(set) = f.borrow().ty().slots.descr_set()
    {
        return set(th, f.borrow(), o, value);
    }
    let Some(h) = o.header().filter(|h| dict_slot(h).is_some()) else {
        return Err(match found {
            Some(_) => {
                let msg = format!("'{}' object attribute '{}' is read-only", o.type_name(th), text(name));
                attribute_error(th, &msg, o, name)
            }
            None => {
                let msg = format!(
                    "'{}' object has no attribute '{}' and no __dict__ for setting new attributes",
                    o.type_name(th),
                    text(name)
                );
                attribute_error(th, &msg, o, name)
            }
        });
    };
    match value {
        Some(v) => set_own(th, h, name, v.to_owned()),
        None => {
            let d = instance_dict(th, h)?;
            match d.downcast::<Dict>().map(|d| d.remove(th, name)).transpose()?.flatten() {
                Some(_) => Ok(()),
                None => Err(no_attribute(th, o, name)),
            }
        }
    }
}

/// Stores an attribute of an instance for which [`has_plain_dict`] holds, whatever its class has under the name, which
/// is interned. Errors: TypeError if its `__dict__` is not a dict.
pub fn set_own_name(th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'_>, value: Owned) -> PyResult<()> {
    match o.header().filter(|h| dict_slot(h).is_some()) {
        Some(h) => set_own(th, h, name, value),
        None => Err(no_attribute(th, o, name)),
    }
}

/// Stores an attribute of the instance itself; the class has a dict word.
fn set_own(th: &mut Thread, h: &Header, name: Borrowed<'_>, value: Owned) -> PyResult<()> {
    let value = match set_inline(h, name, value) {
        None => return Ok(()),
        Some(v) => v,
    };
    let d = instance_dict(th, h)?;
    match d.downcast::<Dict>() {
        Some(d) => d.set(th, name, value),
        None => Err(th.type_error("the instance's __dict__ is not a dict")),
    }
}

/// Gives the value back when the object has no inline slot for it.
fn set_inline(h: &Header, name: Borrowed<'_>, value: Owned) -> Option<Owned> {
    if shape_of(h).capacity() == 0 {
        return Some(value);
    }
    let guard = thread::lock_object(h);
    let shape = refreshed(h);
    if let Some(i) = shape.find(name.word()) {
        let old = inline_slot(h, shape, i).swap(value);
        drop(guard);
        drop(old);
        return None;
    }
    let n = shape.keys().len();
    // ORDERING Relaxed: the lock is held.
    let id = h.shape.load(Ordering::Relaxed);
    if n < shape.capacity()
        && let Some(next) = shape::with_attribute(id, name.word())
    {
        drop(inline_slot(h, shape, n).swap(value));
        // ORDERING Release: whoever sees the shape sees the slot filled.
        h.shape.store(next, Ordering::Release);
        return None;
    }
    // No room. The class gives later instances more.
    // SAFETY: the type of the object's shape.
    let ty = unsafe { &*shape.ty() };
    drop(guard);
    grow(ty, shape.capacity());
    Some(value)
}

/// The object's shape, moved off a deprecated one. The object is locked.
fn refreshed(h: &Header) -> &'static Shape {
    let shape = shape_of(h);
    if shape.is_valid() {
        return shape;
    }
    // ORDERING Relaxed: the lock is held.
    let id = shape::refresh(h.shape.load(Ordering::Relaxed));
    // ORDERING Release: as in `set_inline`.
    h.shape.store(id, Ordering::Release);
    shape::get(id)
}

/// Brings an object with a deprecated shape up to date, so that caches can match it again.
pub fn refresh(o: Borrowed<'_>) -> &'static Shape {
    let Some(h) = o.header() else { return o.shape() };
    if shape_of(h).is_valid() {
        return shape_of(h);
    }
    let _guard = thread::lock_object(h);
    refreshed(h)
}

/// As [`refresh`], for a header; the id of the present shape.
pub fn refresh_shape(h: &Header) -> u32 {
    refresh(Borrowed::from_header(h));
    // ORDERING Relaxed: a shape id is valid by itself.
    h.shape.load(Ordering::Relaxed)
}

/// Is the instance's dict word filled?
#[inline]
pub fn has_own_dict(o: Borrowed<'_>) -> bool {
    o.header().and_then(dict_slot).is_some_and(|s| !s.is_empty())
}

/// `o.name` for a call: (function, true) when `o` is to be passed in front, else (value, false).
#[inline]
pub fn load_method(th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'_>) -> PyResult<(Owned, bool)> {
    let ty = o.ty();
    if ty.slots.getattr().is_some_and(|f| f as usize == generic_getattr as *const () as usize)
        && let Some(m) = ty.find(name)
        && is_method_like(m.borrow())
        && !has_own(o, name)
    {
        return Ok((m.into_owned(), true));
    }
    Ok((o.getattr(th, name)?, false))
}

/// Most inline slots that an instance can have.
pub const MAX_INLINE: u32 = 30;

/// Gives future instances of `ty` more inline slots, if it has as many as an overflowing one had.
#[cold]
fn grow(ty: &Type, had: usize) {
    let _lock = crate::builtins::type_::lock_types();
    let n = ty.n_inline();
    if n as usize > had || n >= MAX_INLINE || ty.has_flag(type_flags::VAR_SIZED) {
        return;
    }
    let more = (n * 2).min(MAX_INLINE);
    let size = ty.basic_size() + 8 * (more - n);
    // ORDERING Relaxed: what an allocation needs comes from the shape.
    ty.n_inline.store(more, Ordering::Relaxed);
    ty.basic_size.store(size, Ordering::Relaxed);
    let old = shape::get(ty.root_shape());
    shape::replace_root(
        ty,
        shape::Root { ty, kind: old.kind(), slots_offset: old.slots_offset() as u32, capacity: more, size },
    );
}

/// The instance's dict, made now if there is none: the attributes move into it. The class has a dict
/// word.
pub fn instance_dict(th: &mut Thread, h: &Header) -> PyResult {
    let slot = dict_slot(h).expect("the class has a dict word");
    if let Some(d) = slot.get(h) {
        return Ok(d);
    }
    let fresh = th.new_dict_sized(shape_of(h).keys().len());
    let d = fresh.payload::<Dict>();
    let guard = thread::lock_object(h);
    if !slot.is_empty() {
        drop(guard);
        return Ok(slot.get(h).unwrap_or(fresh));
    }
    let shape = refreshed(h);
    for (i, &key) in shape.keys().iter().enumerate() {
        let w = inline_slot(h, shape, i).peek();
        if w != Word::UNBOUND {
            // SAFETY: the lock pins the value; keys are interned.
            let (key, v) = unsafe { (Borrowed::from_raw(key), Borrowed::from_raw(w.uncounted())) };
            d.insert_name(key, v.to_owned());
        }
    }
    slot.swap(fresh.clone());
    let emptied: Vec<Option<Owned>> = if shape.capacity() != 0 {
        // ORDERING Relaxed: the lock is held.
        let id = shape::in_dict_mode(h.shape.load(Ordering::Relaxed));
        // ORDERING Release: whoever sees the shape sees the dict.
        h.shape.store(id, Ordering::Release);
        (0..shape.keys().len()).map(|i| inline_slot(h, shape, i).take()).collect()
    } else {
        Vec::new()
    };
    drop(guard);
    drop(emptied);
    Ok(fresh)
}

/// `obj.__dict__ = d` (`None`: an empty one).
pub fn set_instance_dict(th: &mut Thread, h: &Header, d: Owned) -> PyResult<()> {
    instance_dict(th, h)?;
    if let Some(slot) = dict_slot(h) {
        slot.set(h, d);
    }
    Ok(())
}

fn text(name: Borrowed<'_>) -> String {
    name.downcast::<Str>().map(|s| s.to_text()).unwrap_or_default()
}

/// Raises the AttributeError for a missing attribute.
#[cold]
pub fn no_attribute(th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'_>) -> Raised {
    let msg = if let Some(t) = o.downcast::<Type>() {
        format!("type object '{}' has no attribute '{}'", t.display_name(), text(name))
    } else if let Some(m) = o.downcast::<Module>() {
        match m.name(th) {
            Some(n) => format!("module '{n}' has no attribute '{}'", text(name)),
            None => format!("module has no attribute '{}'", text(name)),
        }
    } else {
        format!("'{}' object has no attribute '{}'", o.type_name(th), text(name))
    };
    attribute_error(th, &msg, o, name)
}

/// Raises AttributeError with `name` and `obj` set.
#[cold]
pub fn attribute_error(th: &mut Thread, msg: &str, o: Borrowed<'_>, name: Borrowed<'_>) -> Raised {
    let raised = th.raise(&ex::ATTRIBUTE_ERROR, msg);
    let exc = th.catch(raised);
    let (key_name, key_obj) = (th.rt.names.name.get(), th.rt.names.obj.get());
    for (key, v) in [(key_name, name), (key_obj, o)] {
        if let Err(raised) = exc.borrow().setattr(th, key, Some(v)) {
            drop(th.catch(raised));
        }
    }
    th.set_exc(exc)
}

/// How reading an attribute resolves for all objects of one shape, while the shape is valid
/// ([`Shape::is_valid`]). Words need no count: they are immortal, of a deferred kind, or numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttrPlan {
    /// An inline slot at this byte offset. Empty at run time (the attributes just moved): take the
    /// slow path.
    Slot { offset: u32 },
    /// A member made by `__slots__`, at this byte offset; empty = AttributeError by the slow path.
    Member { offset: u32 },
    /// A class attribute that is the result as it stands, or with `method` a function that binds self:
    /// a method call passes self in front instead. Only with `method` it is sure to need no count.
    Class { value: Word, method: bool },
    /// A function to be called with the class of the object in front (`classmethod`).
    ClassMethod { function: Word },
    /// A property whose getter is this function.
    Property { getter: Word },
    /// Attributes are in the dict at this byte offset (the word may be empty): look there first, then
    /// the result is `value`, if it is not [`Word::UNBOUND`], as in `Class`.
    Dict { dict_offset: u32, value: Word, method: bool },
    /// The object is a module and the name was found in its namespace.
    Module,
    /// The object is a class. Guard: this class (identity) with this version. `class_method`: the
    /// function takes the class in front.
    OfClass { value: Word, class_method: bool, version: u32 },
    /// No shortcut.
    Generic,
}

/// Plans the reading of `o.name`. Cold: called when an instruction specialises.
pub fn load_attr_plan(th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'_>) -> AttrPlan {
    let ty = o.ty();
    let getattr = ty.slots.getattr().map_or(0, |f| f as usize);
    if let Some(t) = o.downcast::<Type>() {
        if getattr == crate::builtins::type_::attributes::getattr as *const () as usize {
            return class_plan(ty, t, name);
        }
        return AttrPlan::Generic;
    }
    if let Some(m) = o.downcast::<Module>() {
        let ours = getattr == crate::builtins::module::getattr as *const () as usize;
        let found = ours && m.get(th, name).is_some() && !data_descriptor(ty, name);
        return if found { AttrPlan::Module } else { AttrPlan::Generic };
    }
    if getattr != generic_getattr as *const () as usize {
        return AttrPlan::Generic;
    }
    let shape = refresh(o);
    if !may_plan(ty, name) {
        return AttrPlan::Generic;
    }
    let class_value = ty.lookup(name);
    if let Some(d) = &class_value
        && d.borrow().ty().slots.descr_set().is_some()
    {
        return data_descriptor_plan(ty, d.borrow());
    }
    if let Some(i) = shape.find(name.word()) {
        return AttrPlan::Slot { offset: (shape.slots_offset() + 8 * i) as u32 };
    }
    let from_class = match &class_value {
        Some(v) => plain_plan(v.borrow()),
        None => AttrPlan::Generic,
    };
    if (shape.is_dict_mode() || shape.capacity() == 0) && ty.dict_offset() != 0 {
        let dict_offset = ty.dict_offset();
        return match (class_value.is_some(), from_class) {
            (true, AttrPlan::Class { value, method }) => AttrPlan::Dict { dict_offset, value, method },
            (true, _) => AttrPlan::Generic,
            (false, _) => AttrPlan::Dict { dict_offset, value: Word::UNBOUND, method: false },
        };
    }
    from_class
}

fn data_descriptor(ty: &Type, name: Borrowed<'_>) -> bool {
    ty.lookup(name).is_some_and(|d| d.borrow().ty().slots.descr_set().is_some())
}

fn data_descriptor_plan(ty: &Type, d: Borrowed<'_>) -> AttrPlan {
    use crate::builtins::descriptors::MemberDescriptor;
    use crate::builtins::property::Property;
    if let Some(m) = d.downcast_exact::<MemberDescriptor>()
        && ty.is_subtype_of(m.objclass())
    {
        return AttrPlan::Member { offset: m.offset as u32 };
    }
    if let Some(p) = d.downcast_exact::<Property>()
        && let Some(getter) = p.getter()
        && is_uncounted(getter.word())
        && getter.borrow().downcast_exact::<Function>().is_some()
    {
        return AttrPlan::Property { getter: getter.word().uncounted() };
    }
    AttrPlan::Generic
}

fn is_deferred_function(w: Word) -> bool {
    // SAFETY: the caller holds the value.
    is_uncounted(w) && crate::call::is_method_like(unsafe { Borrowed::from_raw(w) })
}

fn plain_plan(v: Borrowed<'_>) -> AttrPlan {
    use crate::builtins::classmethod::ClassMethod;
    use crate::builtins::staticmethod::StaticMethod;
    let uncounted = |v: Borrowed<'_>| {
        let w = v.word().uncounted();
        is_uncounted(w).then_some(w)
    };
    if let Some(s) = v.downcast_exact::<StaticMethod>() {
        return match s.function().and_then(|f| uncounted(f.borrow())) {
            Some(value) => AttrPlan::Class { value, method: false },
            None => AttrPlan::Generic,
        };
    }
    if let Some(c) = v.downcast_exact::<ClassMethod>() {
        return match c.function().and_then(|f| uncounted(f.borrow())) {
            Some(function) if is_deferred_function(function) => AttrPlan::ClassMethod { function },
            _ => AttrPlan::Generic,
        };
    }
    // A class made in Python may get a `__get__` later.
    let plain = v.ty().slots.descr_get().is_none() && !v.ty().has_flag(type_flags::HEAP);
    let method = is_uncounted(v.word()) && crate::call::is_method_like(v);
    if plain || method { AttrPlan::Class { value: v.word().uncounted(), method } } else { AttrPlan::Generic }
}

fn class_plan(meta: &Type, t: &Type, name: Borrowed<'_>) -> AttrPlan {
    if data_descriptor(meta, name) {
        return AttrPlan::Generic;
    }
    let version = t.version_tag();
    if version == 0 {
        return AttrPlan::Generic;
    }
    let Some(v) = t.lookup(name) else { return AttrPlan::Generic };
    match plain_plan(v.borrow()) {
        AttrPlan::Class { value, .. } => AttrPlan::OfClass { value, class_method: false, version },
        AttrPlan::ClassMethod { function } => {
            AttrPlan::OfClass { value: function, class_method: true, version }
        }
        _ => AttrPlan::Generic,
    }
}

/// Names that changed in a class this often are not cached in its instances' shapes any more.
const MAX_CHANGES: u8 = 3;

/// Notes that a cache relies on what `ty` has (or has not) under `name`. False: it must not.
pub fn may_plan(ty: &Type, name: Borrowed<'_>) -> bool {
    if !ty.has_flag(type_flags::HEAP) {
        return true;
    }
    let mut planned = ty.planned.0.lock();
    let id = name.word();
    if let Some(p) = planned.iter_mut().find(|p| p.name.is(id)) {
        p.active = p.changes < MAX_CHANGES;
        return p.active;
    }
    planned.push(crate::types::Planned { name: id, active: true, changes: 0 });
    true
}

/// How storing an attribute resolves for all objects of one shape, while the shape is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorePlan {
    /// Swap the inline slot at this byte offset. Under the object's lock in free mode, after checking
    /// the shape again there.
    Slot { offset: u32 },
    /// Store to the (empty) inline slot at this byte offset, then publish the shape (Release). Under the
    /// lock, as above.
    Add { offset: u32, shape: u32 },
    /// A member made by `__slots__`.
    Member { offset: u32 },
    /// The attributes are in the dict at this byte offset, if the word is not empty.
    Dict { dict_offset: u32 },
    /// No shortcut.
    Generic,
}

/// Plans `o.name = value`. Cold, as [`load_attr_plan`].
pub fn store_attr_plan(_th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'_>) -> StorePlan {
    use crate::builtins::descriptors::MemberDescriptor;
    let ty = o.ty();
    let generic = generic_setattr as *const () as usize;
    if ty.slots.setattr().map_or(0, |f| f as usize) != generic || o.shape().kind() & kind::TYPE != 0 {
        return StorePlan::Generic;
    }
    let shape = refresh(o);
    if !may_plan(ty, name) {
        return StorePlan::Generic;
    }
    if let Some(d) = ty.lookup(name)
        && d.borrow().ty().slots.descr_set().is_some()
    {
        return match d.borrow().downcast_exact::<MemberDescriptor>() {
            Some(m) if m.is_writable() && ty.is_subtype_of(m.objclass()) => {
                StorePlan::Member { offset: m.offset as u32 }
            }
            _ => StorePlan::Generic,
        };
    }
    let offset = |i: usize| (shape.slots_offset() + 8 * i) as u32;
    if let Some(i) = shape.find(name.word()) {
        return StorePlan::Slot { offset: offset(i) };
    }
    let n = shape.keys().len();
    if n < shape.capacity() {
        return match shape::with_attribute(o.shape_id(), name.word()) {
            Some(next) if core::ptr::eq(o.shape(), shape) => {
                StorePlan::Add { offset: offset(n), shape: next }
            }
            _ => StorePlan::Generic,
        };
    }
    if shape.is_dict_mode() { StorePlan::Dict { dict_offset: ty.dict_offset() } } else { StorePlan::Generic }
}
