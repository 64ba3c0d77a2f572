//! `type.__new__`: making a class.

use typhon_sync::prim::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

use super::layout::{self, best_base, plan};
use super::lookup::lock_types;
use super::{getset, mro, update};
use crate::builtins::dict::Dict;
use crate::builtins::str::Str;
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Data, Owned, PyResult, Slot};
use crate::slots::{Args, SlotCells, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{kind, type_flags};
use crate::types::Type;

/// The most derived metaclass of `meta` and those of the bases. Errors: TypeError on a conflict.
pub fn calculate_metaclass<'a>(th: &mut Thread, meta: &'a Type, bases: &'a Tuple) -> PyResult<&'a Type> {
    let mut winner = meta;
    for b in bases.iter() {
        let m = b.ty();
        if winner.is_subtype_of(m) {
            continue;
        }
        if m.is_subtype_of(winner) {
            winner = m;
            continue;
        }
        return Err(th.type_error(
            "metaclass conflict: the metaclass of a derived class must be a (non-strict) subclass of the metaclasses of all its bases",
        ));
    }
    Ok(winner)
}

/// `type.__new__(meta, name, bases, namespace, **kwds)`
pub(super) fn type_new(th: &mut Thread, meta: &Type, args: Args<'_>) -> PyResult {
    let a = args.pos();
    if core::ptr::eq(meta, super::DEF.ty()) && a.len() != 3 && !args.has_keywords() && a.len() != 1 {
        return Err(th.type_error("type() takes 1 or 3 arguments"));
    }
    if a.len() != 3 {
        let msg = format!("type.__new__() takes exactly 3 arguments ({} given)", a.len());
        return Err(th.type_error(&msg));
    }
    let wrong = |th: &mut Thread, i: usize, want: &str, got: Borrowed<'_>| {
        let msg = format!("type.__new__() argument {i} must be {want}, not {}", got.type_name(th));
        th.type_error(&msg)
    };
    if a[0].downcast::<Str>().is_none() {
        return Err(wrong(th, 1, "str", a[0]));
    }
    let Some(bases) = a[1].downcast::<Tuple>() else { return Err(wrong(th, 2, "tuple", a[1])) };
    let Some(ns) = a[2].downcast::<Dict>() else { return Err(wrong(th, 3, "dict", a[2])) };
    for b in bases.iter().filter(|b| b.downcast::<Type>().is_none()) {
        if b.getattr_opt(th, th.rt.names.__mro_entries__.get())?.is_some() {
            return Err(th.type_error("type() doesn't support MRO entry resolution; use types.new_class()"));
        }
    }
    let winner = calculate_metaclass(th, meta, bases)?;
    if !core::ptr::eq(winner, meta) {
        let ours = type_new as *const () as usize;
        if let Some(f) = winner.slots.new()
            && f as usize != ours
        {
            return f(th, winner, args);
        }
    }
    new_class(th, winner, a[0], bases, ns, args)
}

/// What a namespace says about the layout of instances.
#[derive(Default)]
struct Members {
    /// Interned, mangled, sorted.
    names: Vec<Owned>,
    dict: bool,
    weakref: bool,
}

/// Makes a class from name, bases and a namespace, which is copied.
pub fn new_class(
    th: &mut Thread,
    meta: &Type,
    name: Borrowed<'_>,
    bases: &Tuple,
    ns: &Dict,
    args: Args<'_>,
) -> PyResult {
    let object = super::super::object::DEF.ty();
    let mut types = Vec::with_capacity(bases.len().max(1));
    for b in bases.iter() {
        match b.downcast::<Type>() {
            Some(t) => types.push(t),
            None => return Err(th.type_error("bases must be types")),
        }
    }
    if types.is_empty() {
        types.push(object);
    }
    let base = best_base(th, &types)?;
    let name_str = name.downcast::<Str>().expect("checked by the caller");
    if name_str.data().iter().any(|c| c == 0) {
        return Err(th.value_error("type name must not contain null characters"));
    }

    let dict = th.new_dict();
    let d = dict.payload::<Dict>();
    d.set_namespace();
    for (k, v) in ns.entries() {
        let k = th.intern_str(k.borrow());
        d.set(th, k.borrow(), v)?;
    }
    let members = members(th, d, base, &types, name_str)?;
    let plan =
        plan(base, members.names.len(), members.dict || base.dict_offset() != 0, known_names(d, &types));
    let bases_tuple = th.new_tuple(types.iter().map(|t| t.as_value().to_owned()).collect());
    let qualname = take_qualname(th, d, name)?;
    let class = alloc(th, meta, base, name, qualname, bases_tuple, dict.clone());
    let ty = super::class_of(class.borrow());

    // Instances keep their class alive without counting it, so the collector must know every one (GC-C4).
    let mut flags = type_flags::HEAP
        | type_flags::BASE
        | type_flags::GC
        | base.flags() & (type_flags::DEFERRED | type_flags::VAR_SIZED);
    let mut kinds = 0;
    for t in &types {
        flags |= t.flags() & (type_flags::WEAKREF | type_flags::MATCH_SELF);
        kinds |= t.kind();
    }
    // The first class that matches sequence or mapping patterns decides.
    let patterns = type_flags::SEQUENCE | type_flags::MAPPING;
    flags |= types.iter().map(|t| t.flags() & patterns).find(|f| *f != 0).unwrap_or(0);
    if plan.dict_offset != 0 {
        flags |= type_flags::DICT;
    }
    if members.weakref {
        flags |= type_flags::WEAKREF;
    }
    // ORDERING Relaxed: the class is not published yet.
    ty.flags.store(flags, Ordering::Relaxed);
    ty.kind.store(kinds, Ordering::Relaxed);
    layout::install(ty, plan);

    complete_namespace(th, ty, d, base, &members)?;
    let mro = mro::compute(th, ty, &types)?;
    drop(ty.mro.swap(mro));
    {
        let _lock = lock_types();
        update::fill_new(ty);
        ty.link(&types);
    }
    set_cells(th, ty, d)?;
    set_names(th, ty)?;
    init_subclass(th, ty, args)?;
    Ok(class)
}

fn alloc(
    th: &mut Thread,
    meta: &Type,
    base: &Type,
    name: Borrowed<'_>,
    qualname: Owned,
    bases: Owned,
    dict: Owned,
) -> Owned {
    // The statistics read names of classes without locks and counts, hence only immortal ones.
    let intern = crate::contention::is_on() && name.downcast_exact::<Str>().is_some();
    let name = if intern { th.intern_str(name) } else { name.to_owned() };
    let class = th.alloc_as(blank(None, name, qualname, bases, dict, base), meta);
    if let Some(h) = class.borrow().header() {
        // Other threads find the class through lists that hold no count.
        h.publish();
    }
    class
}

/// A class with nothing filled in but what it is made of.
pub(super) fn blank(
    def: Option<&'static crate::TypeDef>,
    name: Owned,
    qualname: Owned,
    bases: Owned,
    dict: Owned,
    base: &Type,
) -> Type {
    Type {
        header: unborn(),
        slots: SlotCells::of(&Slots::NONE),
        def: Data(def),
        name: Slot::new(name),
        qualname: Slot::new(qualname),
        bases: Slot::new(bases),
        mro: Slot::empty(),
        dict: Slot::new(dict),
        base: Data(AtomicPtr::new(base as *const Type as *mut Type)),
        subclasses: Data(parking_lot::Mutex::new(Vec::new())),
        parents: Data(parking_lot::Mutex::new(Vec::new())),
        planned: Data(parking_lot::Mutex::new(Vec::new())),
        flags: AtomicU32::new(0),
        kind: AtomicU32::new(0),
        root_shape: AtomicU32::new(0),
        version: AtomicU32::new(0),
        plain_init: AtomicU64::new(0),
        plain_init_version: AtomicU32::new(0),
        layout: Data(base.layout.0),
        basic_size: AtomicU32::new(0),
        dict_offset: AtomicU32::new(0),
        values_offset: AtomicU32::new(0),
        n_values: AtomicU32::new(0),
        n_inline: AtomicU32::new(0),
    }
}

/// How many attribute names the class and its bases are known to assign.
fn known_names(d: &Dict, bases: &[&Type]) -> usize {
    let name = crate::runtime::rt().names.__static_attributes__.word();
    let mut words: Vec<u64> = Vec::new();
    let mut add = |v: Option<Owned>| {
        if let Some(t) = v.as_ref().and_then(|v| v.downcast::<Tuple>()) {
            for w in t.iter().map(|n| n.word().identity()) {
                if !words.contains(&w) {
                    words.push(w);
                }
            }
        }
    };
    add(d.get_interned(name));
    for b in bases {
        for t in b.mro_types() {
            add(t.namespace().get_interned(name));
        }
    }
    words.len()
}

fn take_qualname(th: &mut Thread, d: &Dict, name: Borrowed<'_>) -> PyResult {
    match d.remove(th, th.rt.names.__qualname__.get())? {
        None => Ok(name.to_owned()),
        Some(q) if q.downcast::<Str>().is_some() => Ok(q),
        Some(q) => {
            let msg = format!("type __qualname__ must be a str, not {}", q.borrow().type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

/// Reads `__slots__`.
fn members(th: &mut Thread, d: &Dict, base: &Type, bases: &[&Type], class: &Str) -> PyResult<Members> {
    let may_dict = base.dict_offset() == 0 && base.kind() & kind::TYPE == 0;
    let may_weakref = !base.has_flag(type_flags::WEAKREF);
    let Some(slots) = d.get_interned(th.rt.names.__slots__.word()) else {
        return Ok(Members { names: Vec::new(), dict: may_dict, weakref: may_weakref });
    };
    let items = if slots.downcast::<Str>().is_some() { vec![slots] } else { slots.borrow().to_vec(th)? };
    let var_sized = base.has_flag(type_flags::VAR_SIZED) && base.kind() & kind::STR == 0
        || base.kind() & (kind::TYPE | kind::INT) != 0;
    if !items.is_empty() && var_sized {
        let msg = format!("nonempty __slots__ not supported for subtype of '{}'", base.display_name());
        return Err(th.type_error(&msg));
    }
    let mut m = Members::default();
    for item in items {
        let Some(s) = item.downcast::<Str>() else {
            let msg = format!("__slots__ items must be strings, not '{}'", item.borrow().type_name(th));
            return Err(th.type_error(&msg));
        };
        if s.is_text("__dict__") {
            if !may_dict || m.dict {
                return Err(th.type_error("__dict__ slot disallowed: we already got one"));
            }
            m.dict = true;
        } else if s.is_text("__weakref__") {
            if !may_weakref || m.weakref {
                return Err(th.type_error("__weakref__ slot disallowed: we already got one"));
            }
            m.weakref = true;
        } else {
            m.names.push(member_name(th, d, s, class)?);
        }
    }
    m.names.sort_by_cached_key(|n| n.payload::<Str>().to_text());
    // Other bases may bring a dict or weak references along.
    m.dict |= may_dict && bases.iter().any(|b| b.dict_offset() != 0);
    m.weakref |= may_weakref && bases.iter().any(|b| b.has_flag(type_flags::WEAKREF));
    Ok(m)
}

/// Checks and mangles one name of `__slots__`.
fn member_name(th: &mut Thread, d: &Dict, s: &Str, class: &Str) -> PyResult {
    let identifier = Borrowed::from_payload(s).call_method_str(th, "isidentifier", &[])?;
    if !identifier.borrow().truth(th)? {
        return Err(th.type_error("__slots__ must be identifiers"));
    }
    let text = s.to_text();
    let class = class.to_text();
    let stripped = class.trim_start_matches('_');
    let private = text.starts_with("__") && !text.ends_with("__") && !text.contains('.');
    let name = if private && !stripped.is_empty() { format!("_{stripped}{text}") } else { text };
    let name = th.intern(&name);
    let reserved = ["__qualname__", "__classcell__", "__classdictcell__"];
    if d.get_interned(name.word()).is_some() && !reserved.iter().any(|r| s.is_text(r)) {
        let msg = format!("{} in __slots__ conflicts with class variable", name.borrow().repr_text(th)?);
        return Err(th.value_error(&msg));
    }
    Ok(name)
}

fn is_python_function(v: Borrowed<'_>) -> bool {
    use crate::builtins::descriptors::{MethodDescriptor, WrapperDescriptor};
    crate::call::is_method_like(v)
        && v.downcast_exact::<MethodDescriptor>().is_none()
        && v.downcast_exact::<WrapperDescriptor>().is_none()
}

/// Is this a cell of a closure?
pub(super) fn is_cell(v: Borrowed<'_>) -> bool {
    v.ty().def.0.is_some_and(|d| d.name == "cell")
}

/// Adds what every class has, and what `__slots__` asks for.
fn complete_namespace(th: &mut Thread, ty: &Type, d: &Dict, base: &Type, m: &Members) -> PyResult<()> {
    let names = &th.rt.names;
    if d.get_interned(names.__module__.word()).is_none()
        && let Some(g) = crate::interp::current_globals(th)
        && let Some(module) = g.downcast::<Dict>().and_then(|g| g.get_interned(names.__name__.word()))
    {
        d.set(th, names.__module__.get(), module)?;
    }
    if let Some(f) = d.get_interned(names.__new__.word())
        && is_python_function(f.borrow())
    {
        let f = crate::builtins::staticmethod::new_staticmethod(th, f);
        d.set(th, names.__new__.get(), f)?;
    }
    for name in [&names.__init_subclass__, &names.__class_getitem__] {
        if let Some(f) = d.get_interned(name.word())
            && is_python_function(f.borrow())
        {
            let f = crate::builtins::classmethod::new_classmethod(th, f);
            d.set(th, name.get(), f)?;
        }
    }
    let first = (layout::n_members(ty) as usize).saturating_sub(m.names.len());
    for (i, name) in m.names.iter().enumerate() {
        let offset = ty.values_offset() as usize + 8 * (first + i);
        let member = th.new_member(name.borrow(), ty, offset, false, "");
        d.set(th, name.borrow(), member)?;
    }
    if m.dict && base.dict_offset() == 0 && d.get_interned(names.__dict__.word()).is_none() {
        let g = th.new_getset(&getset::INSTANCE_DICT, ty);
        d.set(th, names.__dict__.get(), g)?;
    }
    if m.weakref && d.get_interned(names.__weakref__.word()).is_none() {
        let g = th.new_getset(&getset::INSTANCE_WEAKREF, ty);
        d.set(th, names.__weakref__.get(), g)?;
    }
    if d.get_interned(names.__doc__.word()).is_none() {
        d.set(th, names.__doc__.get(), Owned::none())?;
    }
    if d.get_interned(names.__eq__.word()).is_some() && d.get_interned(names.__hash__.word()).is_none() {
        d.set(th, names.__hash__.get(), Owned::none())?;
    }
    Ok(())
}

/// Fills the cells that the class body left for `__class__` and the class namespace.
fn set_cells(th: &mut Thread, ty: &Type, d: &Dict) -> PyResult<()> {
    let names = &th.rt.names;
    let contents = th.intern("cell_contents");
    if let Some(cell) = d.remove(th, names.__classcell__.get())? {
        if !is_cell(cell.borrow()) {
            let msg = format!("__classcell__ must be a nonlocal cell, not {}", cell.borrow().ty_repr(th)?);
            return Err(th.type_error(&msg));
        }
        cell.borrow().setattr(th, contents.borrow(), Some(ty.as_value()))?;
    }
    if let Some(cell) = d.remove(th, names.__classdictcell__.get())?
        && is_cell(cell.borrow())
    {
        let dict = ty.dict.fixed().expect("a type has a namespace");
        cell.borrow().setattr(th, contents.borrow(), Some(dict))?;
    }
    Ok(())
}

impl Borrowed<'_> {
    fn ty_repr(self, th: &mut Thread) -> PyResult<String> {
        self.ty().as_value().repr_text(th)
    }
}

/// Calls `__set_name__` of everything in the namespace that has it.
fn set_names(th: &mut Thread, ty: &Type) -> PyResult<()> {
    let name = th.rt.names.__set_name__.get();
    for (key, value) in ty.namespace().entries() {
        if value.borrow().ty().find(name).is_none() {
            continue;
        }
        let Err(raised) = crate::call::special(th, value.borrow(), name, &[ty.as_value(), key.borrow()])
        else {
            continue;
        };
        let exc = th.catch(raised);
        let note = format!(
            "Error calling __set_name__ on '{}' instance {} in '{}'",
            value.borrow().type_name(th),
            key.borrow().repr_text(th)?,
            ty.display_name()
        );
        let note = th.new_str(&note);
        exc.borrow().call_method_str(th, "add_note", &[note.borrow()])?;
        return Err(th.set_exc(exc));
    }
    Ok(())
}

/// `super(cls, cls).__init_subclass__(**kwds)`
fn init_subclass(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult<()> {
    let name = th.rt.names.__init_subclass__.get();
    let found = ty.mro_types().skip(1).find_map(|t| t.namespace().get_interned(name.word()));
    let Some(f) = found else { return Ok(()) };
    let f = match f.borrow().ty().slots.descr_get() {
        Some(get) => get(th, f.borrow(), None, ty.as_value())?,
        None => f,
    };
    let keywords = Args { all: &args.all[args.n_positional..], n_positional: 0, names: args.names };
    f.borrow().call_args(th, keywords).map(drop)
}
