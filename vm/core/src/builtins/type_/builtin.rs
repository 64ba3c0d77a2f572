//! Type objects of built-in types, made from their definitions.

use typhon_sync::prim::Ordering;

use super::slot_defs::{self, SLOT_DEFS, Wrap, name_of};
use super::update::SLOT_IDS;

use crate::builtins::TYPE_LISTS;
use crate::object::{Borrowed, Owned, PyResult};
use crate::runtime::immortal;
use crate::shape::{self, Root};
use crate::slots::SlotId;
use crate::thread::Thread;
use crate::typedef::{TypeDef, type_flags};
use crate::types::Type;

fn base_of(def: &'static TypeDef) -> Option<&'static TypeDef> {
    let object = &crate::builtins::object::DEF;
    def.base.or_else(|| (!core::ptr::eq(def, object)).then_some(object))
}

/// Makes every core type. Shapes, names and the heap are ready; nothing else is.
pub(crate) fn create_types(th: &mut Thread) -> PyResult<()> {
    slot_defs::init(th);
    let all = || TYPE_LISTS.iter().copied().flatten().copied();
    for def in all() {
        allocate(th, def)?;
    }
    for def in all() {
        ready(th, def)?;
    }
    for def in all() {
        populate(th, def)?;
    }
    for def in all() {
        set_up(th, def)?;
    }
    Ok(())
}

/// Makes the type object of a native module's definition (and of its bases), once.
///
/// Errors: what the definition's `setup` raises.
pub fn register_type(th: &mut Thread, def: &'static TypeDef) -> PyResult<Borrowed<'static>> {
    if def.id.shape() != 0 {
        return Ok(def.ty().as_value());
    }
    if let Some(base) = def.base {
        register_type(th, base)?;
    }
    {
        // Two threads may import the same module's definition.
        let _lock = super::lock_types();
        if def.id.shape() != 0 {
            return Ok(def.ty().as_value());
        }
        allocate(th, def)?;
        ready(th, def)?;
        populate(th, def)?;
    }
    set_up(th, def)?;
    Ok(def.ty().as_value())
}

/// The type object, with a shape, so that instances can be made.
fn allocate(th: &mut Thread, def: &'static TypeDef) -> PyResult<()> {
    let name = th.intern(def.name);
    let dict = th.new_dict();
    dict.payload::<crate::builtins::dict::Dict>().set_namespace();
    let dict = Owned::from_const(immortal(dict));
    // The base is not known yet: `ready` fills in what comes from it.
    let mut ty = blank_root(def, name, dict);
    let values_offset = (def.layout.size as u32 + 7) & !7;
    let behind = def.flags & type_flags::DICT != 0 && def.dict_offset == 0;
    let dict_offset = if behind { values_offset } else { def.dict_offset as u32 };
    let size = if behind { values_offset + 8 } else { def.layout.size as u32 };
    *ty.values_offset.get_mut() = values_offset;
    *ty.n_values.get_mut() = u32::from(behind);
    *ty.dict_offset.get_mut() = dict_offset;
    *ty.basic_size.get_mut() = size;
    *ty.flags.get_mut() = def.flags;
    let v = th.alloc(ty);
    let w = immortal(v);
    // SAFETY: immortal.
    let v: Borrowed<'static> = unsafe { Borrowed::from_raw(w) };
    // The type of types may not have its shape yet: look at the payload directly.
    // SAFETY: just made as a `Type`.
    let ty: &'static Type = unsafe { &*(v.word().ptr() as *const Type) };
    let root =
        Root { ty, kind: def.kind, slots_offset: values_offset + 8 * u32::from(behind), capacity: 0, size };
    let id = match def.id.shape() {
        0 => {
            let id = shape::create_root(root);
            def.id.register(id);
            id
        }
        id => {
            shape::create_fixed(id, root);
            id
        }
    };
    // ORDERING Relaxed: not published yet.
    ty.root_shape.store(id, Ordering::Relaxed);
    Ok(())
}

fn blank_root(def: &'static TypeDef, name: Owned, dict: Owned) -> Type {
    use crate::object::{Data, Slot};
    use crate::slots::SlotCells;
    use typhon_sync::prim::{AtomicPtr, AtomicU32, AtomicU64};
    Type {
        header: crate::thread::unborn(),
        slots: SlotCells::of(&def.slots),
        def: Data(Some(def)),
        qualname: Slot::new(name.clone()),
        name: Slot::new(name),
        bases: Slot::empty(),
        mro: Slot::empty(),
        dict: Slot::new(dict),
        base: Data(AtomicPtr::new(core::ptr::null_mut())),
        subclasses: Data(parking_lot::Mutex::new(Vec::new())),
        parents: Data(parking_lot::Mutex::new(Vec::new())),
        planned: Data(parking_lot::Mutex::new(Vec::new())),
        flags: AtomicU32::new(0),
        kind: AtomicU32::new(def.kind),
        root_shape: AtomicU32::new(0),
        version: AtomicU32::new(0),
        plain_init: AtomicU64::new(0),
        plain_init_version: AtomicU32::new(0),
        layout: Data(def.layout),
        basic_size: AtomicU32::new(0),
        dict_offset: AtomicU32::new(0),
        values_offset: AtomicU32::new(0),
        n_values: AtomicU32::new(0),
        n_inline: AtomicU32::new(0),
    }
}

/// Bases, MRO, and what is inherited. Works in any order of definitions.
fn ready(th: &mut Thread, def: &'static TypeDef) -> PyResult<()> {
    let ty = def.ty();
    if !ty.mro.is_empty() {
        return Ok(());
    }
    let Some(base_def) = base_of(def) else {
        let empty = th.new_tuple(vec![]);
        let mro = th.new_tuple(vec![ty.as_value().to_owned()]);
        ty.bases.swap(Owned::from_const(immortal(empty)));
        ty.mro.swap(Owned::from_const(immortal(mro)));
        return Ok(());
    };
    ready(th, base_def)?;
    let base = base_def.ty();
    // ORDERING Release: pairs with the Acquire in `Type::base`.
    ty.base.0.store(base as *const Type as *mut Type, Ordering::Release);
    let bases = th.new_tuple(vec![base.as_value().to_owned()]);
    ty.bases.swap(Owned::from_const(immortal(bases)));
    let mro = core::iter::once(ty).chain(base.mro_types()).map(|t| t.as_value().to_owned()).collect();
    let mro = th.new_tuple(mro);
    ty.mro.swap(Owned::from_const(immortal(mro)));
    // ORDERING Relaxed: not published yet.
    let kind = ty.kind.fetch_or(base.kind(), Ordering::Relaxed) | base.kind();
    let inherited =
        base.flags() & (type_flags::GC | type_flags::DICT | type_flags::WEAKREF | type_flags::DEFERRED);
    ty.flags.fetch_or(inherited, Ordering::Relaxed);
    inherit_dict(def, ty, base);
    shape::create_fixed(
        ty.root_shape(),
        Root {
            ty,
            kind,
            slots_offset: ty.values_offset() + 8 * ty.n_values(),
            capacity: 0,
            size: ty.basic_size(),
        },
    );
    inherit_slots(def, ty, base_def, base);
    ty.link(&[base]);
    Ok(())
}

/// A type whose base has a dict has one, too, wherever its own definition puts it.
fn inherit_dict(def: &'static TypeDef, ty: &Type, base: &Type) {
    if ty.dict_offset() != 0 || base.dict_offset() == 0 {
        return;
    }
    let behind = base.dict_offset() >= base.values_offset();
    let values_offset = (def.layout.size as u32 + 7) & !7;
    // ORDERING Relaxed: not published yet.
    if behind {
        ty.dict_offset.store(values_offset, Ordering::Relaxed);
        ty.n_values.store(1, Ordering::Relaxed);
        ty.basic_size.store(values_offset + 8, Ordering::Relaxed);
    } else {
        ty.dict_offset.store(base.dict_offset(), Ordering::Relaxed);
    }
}

fn inherit_slots(def: &'static TypeDef, ty: &Type, base_def: &'static TypeDef, base: &Type) {
    let unhashable = def.slots.compare.is_some() && def.slots.hash.is_none();
    let no_new =
        def.flags & type_flags::NO_NEW != 0 || core::ptr::eq(base_def, &crate::builtins::object::DEF);
    for id in SLOT_IDS {
        let skip = id == SlotId::hash && unhashable || id == SlotId::new && no_new;
        if !skip && ty.slots.raw(id) == 0 {
            ty.slots.set_raw(id, base.slots.raw(id));
        }
    }
}

/// Fills the namespace: methods, computed attributes, slot wrappers, `__doc__`.
fn populate(th: &mut Thread, def: &'static TypeDef) -> PyResult<()> {
    let ty = def.ty();
    let dict = ty.namespace();
    let put = |th: &mut Thread, name: Borrowed<'_>, v: Owned| -> PyResult<()> {
        if dict.get_interned(name.word()).is_some() {
            return Ok(());
        }
        let v = Owned::from_const(immortal(v));
        dict.set(th, name, v)
    };
    for m in def.methods {
        let v = th.new_method(m, ty);
        let name = th.intern(m.name);
        put(th, name.borrow(), v)?;
    }
    for g in def.getset {
        let v = th.new_getset(g, ty);
        let name = th.intern(g.name);
        put(th, name.borrow(), v)?;
    }
    for m in def.members {
        let name = th.intern(m.name);
        let v = th.new_member(name.borrow(), ty, m.offset, true, m.doc);
        put(th, name.borrow(), v)?;
    }
    if def.flags & type_flags::DICT != 0 {
        let v = th.new_getset(&super::getset::INSTANCE_DICT, ty);
        put(th, th.rt.names.__dict__.get(), v)?;
    }
    let own = crate::slots::SlotCells::of(&def.slots);
    let object_new = crate::slots::SlotCells::of(&crate::builtins::object::DEF.slots).raw(SlotId::new);
    for (row, slot) in SLOT_DEFS.iter().enumerate() {
        let f = own.raw(slot.slot);
        if f == 0 || slot.wrap == Wrap::PythonOnly {
            continue;
        }
        // A type that is made as `object` is finds `object.__new__` behind all its bases, as CPython's do.
        if matches!(slot.wrap, Wrap::New)
            && f == object_new
            && !core::ptr::eq(def, &crate::builtins::object::DEF)
        {
            continue;
        }
        let v = match slot.wrap {
            Wrap::New => super::new_function(th, ty),
            _ => th.new_slot_wrapper(row, f, ty),
        };
        put(th, name_of(row), v)?;
    }
    if def.slots.compare.is_some() && def.slots.hash.is_none() {
        put(th, th.rt.names.__hash__.get(), Owned::none())?;
    }
    let doc = if def.doc.is_empty() { Owned::none() } else { th.new_str(def.doc) };
    put(th, th.rt.names.__doc__.get(), doc)?;
    if def.module != "builtins" {
        let module = th.intern(def.module);
        put(th, th.rt.names.__module__.get(), module)?;
    }
    Ok(())
}

fn set_up(th: &mut Thread, def: &'static TypeDef) -> PyResult<()> {
    match def.setup {
        Some(f) => f(th, def.ty()),
        None => Ok(()),
    }
}

impl Type {
    /// Binds a name in the namespace of a built-in type, from its definition's `setup`. The value lives
    /// for ever.
    pub fn set_builtin(&self, th: &mut Thread, name: &str, value: Owned) -> PyResult<()> {
        let name = th.intern(name);
        let w = immortal(value);
        // SAFETY: immortal now, or not a reference.
        let v = unsafe { Owned::from_raw(w) };
        let _lock = super::lock_types();
        self.invalidate();
        self.namespace().set(th, name.borrow(), v)
    }
}
