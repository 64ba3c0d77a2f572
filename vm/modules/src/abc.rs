//! `_abc`: the native half of `abc.ABCMeta`.

mod id_set;

use typhon_sync::prim::{AtomicU64, Ordering};

use typhon_core::builtins::exceptions as ex;
use typhon_core::builtins::str::Str;
use typhon_core::{
    Borrowed, Data, Locked, ModuleDef, NativeDef, Owned, PyResult, Thread, Type, TypeDef, Word, payload,
    type_flags, unborn,
};

use crate::args::this;
use crate::support::import_attr;
use id_set::IdSet;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_abc",
    doc: "Module contains faster C implementation of abc.ABCMeta",
    functions: &[
        NativeDef::new(
            "get_cache_token",
            "($module, /)",
            |th, _| Ok(th.new_int(generation() as i64)),
            "Returns the current ABC cache token.\n\nThe token is an opaque object (supporting equality testing) \
             identifying the\ncurrent version of the ABC cache for virtual subclasses. The token changes\nwith every call \
             to register() on any ABC.",
        ),
        NativeDef::new(
            "_abc_init",
            "($module, self, /)",
            init,
            "Internal ABC helper for class set-up. Should be never used outside abc module.",
        ),
        NativeDef::new(
            "_abc_register",
            "($module, self, subclass, /)",
            register,
            "Internal ABC helper for subclasss registration. Should be never used outside abc module.",
        ),
        NativeDef::new(
            "_abc_instancecheck",
            "($module, self, instance, /)",
            instancecheck,
            "Internal ABC helper for instance checks. Should be never used outside abc module.",
        ),
        NativeDef::new(
            "_abc_subclasscheck",
            "($module, self, subclass, /)",
            |th, a| Ok(Owned::bool(is_subclass(th, a[0], a[1])?)),
            "Internal ABC helper for subclasss checks. Should be never used outside abc module.",
        ),
        NativeDef::new(
            "_get_dump",
            "($module, self, /)",
            dump,
            "Internal ABC helper for cache and registry debugging.",
        ),
        NativeDef::new(
            "_reset_registry",
            "($module, self, /)",
            reset_registry,
            "Internal ABC helper to reset registry of a given class.",
        ),
        NativeDef::new(
            "_reset_caches",
            "($module, self, /)",
            reset_caches,
            "Internal ABC helper to reset both caches of a given class.",
        ),
    ],
    types: &[&ABC_DATA],
    setup: None,
};

/// Counts calls of `register`: negative answers of an older generation no longer hold.
static GENERATION: AtomicU64 = AtomicU64::new(0);

fn generation() -> u64 {
    // ORDERING Acquire: who sees a new generation sees the registration.
    GENERATION.load(Ordering::Acquire)
}

payload! {
    /// What a class of `ABCMeta` keeps as `_abc_impl`.
    ///
    /// Classes stand in the caches by the id of their root shape: such ids are never used again, so an entry
    /// of a dead (or changed) class is never taken for another class, and no weak references are needed.
    pub struct AbcData: ABC_DATA {
        /// Weak references to registered classes.
        registry: Locked<Vec<Owned>>,
        yes: Data<IdSet>,
        no: Data<IdSet>,
    }
}

pub static ABC_DATA: TypeDef = TypeDef {
    module: "_abc",
    flags: type_flags::GC | type_flags::NO_NEW,
    doc: "Internal state held by ABC machinery.",
    ..TypeDef::of::<AbcData>("_abc_data")
};

const IMPL: &str = "_abc_impl";

fn data(th: &mut Thread, class: Borrowed<'_>) -> PyResult {
    let d = class.getattr_str(th, IMPL)?;
    if d.downcast::<AbcData>().is_none() {
        return Err(th.type_error("_abc_impl is set to a wrong type"));
    }
    Ok(d)
}

fn is_abstract(th: &mut Thread, v: Borrowed<'_>) -> PyResult<bool> {
    let name = th.rt.names.__isabstractmethod__.get();
    match v.getattr_opt(th, name)? {
        Some(flag) => flag.borrow().truth(th),
        None => Ok(false),
    }
}

fn init(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let class = a[0];
    let Some(ty) = class.downcast::<Type>() else {
        return Err(th.type_error("_abc_init() argument must be a class"));
    };
    let abstracts = th.new_set();
    let set = abstracts.payload::<typhon_core::builtins::set::Set>();
    for (name, value) in ty.namespace().entries() {
        if is_abstract(th, value.borrow())? {
            set.add(th, name.borrow())?;
        }
    }
    let key = th.rt.names.__abstractmethods__.get();
    for base in class.getattr(th, th.rt.names.__bases__.get())?.borrow().to_vec(th)? {
        let Some(names) = base.borrow().getattr_opt(th, key)? else { continue };
        for name in names.borrow().to_vec(th)? {
            if name.downcast::<Str>().is_none() {
                continue;
            }
            let interned = th.intern_str(name.borrow());
            if let Some(v) = class.getattr_opt(th, interned.borrow())?
                && is_abstract(th, v.borrow())?
            {
                set.add(th, name.borrow())?;
            }
        }
    }
    let names = set.to_vec();
    let names: Vec<Borrowed<'_>> = names.iter().map(|n| n.borrow()).collect();
    let frozen = th.new_frozenset_of(&names)?;
    class.setattr(th, key, Some(frozen.borrow()))?;
    let impl_ = th.alloc(AbcData {
        header: unborn(),
        registry: Locked::new(Vec::new()),
        yes: Data(IdSet::new()),
        no: Data(IdSet::new()),
    });
    let name = th.intern(IMPL);
    class.setattr(th, name.borrow(), Some(impl_.borrow()))?;
    pattern_flags(th, class, ty)?;
    Ok(Owned::none())
}

/// `Py_TPFLAGS_SEQUENCE` and `Py_TPFLAGS_MAPPING`, by which `collections.abc` marks its classes.
const C_SEQUENCE: i64 = 1 << 5;
const C_MAPPING: i64 = 1 << 6;

const PATTERN_FLAGS: u32 = type_flags::SEQUENCE | type_flags::MAPPING;

fn pattern_flags(th: &mut Thread, class: Borrowed<'_>, ty: &Type) -> PyResult<()> {
    let name = th.intern("__abc_tpflags__");
    let Some(flags) = ty.namespace().get_interned(name.word()) else { return Ok(()) };
    if let Some(flags) = flags.borrow().as_int() {
        let bits = match flags {
            typhon_core::builtins::int::IntRef::Small(v) => v,
            typhon_core::builtins::int::IntRef::Big(_) => 0,
        };
        let ours = match (bits & C_SEQUENCE != 0, bits & C_MAPPING != 0) {
            (true, true) => {
                return Err(th.type_error(
                    "__abc_tpflags__ cannot be both Py_TPFLAGS_SEQUENCE and Py_TPFLAGS_MAPPING",
                ));
            }
            (true, false) => type_flags::SEQUENCE,
            (false, true) => type_flags::MAPPING,
            (false, false) => 0,
        };
        set_pattern_flags(ty, ours);
    }
    class.setattr(th, name.borrow(), None)
}

fn set_pattern_flags(ty: &Type, flags: u32) {
    // Built-in types say it themselves: str is a Sequence, but no sequence pattern.
    if flags != 0 && ty.has_flag(type_flags::HEAP) {
        // ORDERING Relaxed: a property that pattern matching reads on its own.
        ty.flags.fetch_and(!PATTERN_FLAGS, Ordering::Relaxed);
        ty.flags.fetch_or(flags, Ordering::Relaxed);
    }
}

fn register(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (class, subclass) = (a[0], a[1]);
    let Some(sub) = subclass.downcast::<Type>() else {
        return Err(th.type_error("Can only register classes"));
    };
    if subclass.issubclass(th, class)? {
        return Ok(subclass.to_owned());
    }
    // Checked after the first test, which is cheap and common.
    if class.issubclass(th, subclass)? {
        return Err(th.runtime_error("Refusing to create an inheritance cycle"));
    }
    let d = data(th, class)?;
    let reference = import_attr(th, "_weakref", "ref")?;
    let weak = reference.borrow().call(th, &[subclass])?;
    let d = d.payload::<AbcData>();
    d.registry.lock(&d.header, th).push(weak);
    // ORDERING AcqRel: as in `generation`.
    GENERATION.fetch_add(1, Ordering::AcqRel);
    if let Some(ty) = class.downcast::<Type>() {
        spread_pattern_flags(sub, ty.flags() & PATTERN_FLAGS);
    }
    Ok(subclass.to_owned())
}

/// A registered class and its subclasses match the patterns that the abstract class stands for.
fn spread_pattern_flags(ty: &Type, flags: u32) {
    if flags == 0 {
        return;
    }
    set_pattern_flags(ty, flags);
    for sub in ty.live_subclasses() {
        if let Some(t) = sub.downcast::<Type>() {
            spread_pattern_flags(t, flags);
        }
    }
}

fn instancecheck(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (class, instance) = (a[0], a[1]);
    let d = data(th, class)?;
    let d = d.payload::<AbcData>();
    let name = th.rt.names.__class__.get();
    let subclass = instance.getattr(th, name)?;
    if let Some(s) = subclass.downcast::<Type>()
        && d.yes.0.contains(s.root_shape(), 0)
    {
        return Ok(Owned::bool(true));
    }
    let subtype = instance.ty();
    if subclass.is(subtype.as_value().word()) {
        if d.no.0.contains(subtype.root_shape(), generation()) {
            return Ok(Owned::bool(false));
        }
        return check_through_class(th, class, subclass.borrow());
    }
    let r = check_through_class(th, class, subclass.borrow())?;
    if r.borrow().truth(th)? {
        return Ok(r);
    }
    check_through_class(th, class, subtype.as_value())
}

/// `class.__subclasscheck__(subclass)`, without the call where that would come back here.
fn check_through_class(th: &mut Thread, class: Borrowed<'_>, subclass: Borrowed<'_>) -> PyResult {
    let name = th.rt.names.__subclasscheck__.get();
    class.call_method(th, name, &[subclass])
}

fn is_subclass(th: &mut Thread, class: Borrowed<'_>, subclass: Borrowed<'_>) -> PyResult<bool> {
    let Some(sub) = subclass.downcast::<Type>() else {
        return Err(th.type_error("issubclass() arg 1 must be a class"));
    };
    th.check_native_stack(" in __subclasscheck__")?;
    let d = data(th, class)?;
    let d = d.payload::<AbcData>();
    let id = sub.root_shape();
    if d.yes.0.contains(id, 0) {
        return Ok(true);
    }
    let now = generation();
    if d.no.0.contains(id, now) {
        return Ok(false);
    }
    let yes = decide(th, class, subclass, sub, d)?;
    // A class without instances yet may get its shape later: then nothing is remembered.
    if id != 0 && id == sub.root_shape() {
        if yes {
            d.yes.0.insert(id, 0);
        } else {
            d.no.0.insert(id, now);
        }
    }
    Ok(yes)
}

fn decide(
    th: &mut Thread,
    class: Borrowed<'_>,
    subclass: Borrowed<'_>,
    sub: &Type,
    d: &AbcData,
) -> PyResult<bool> {
    let hook = th.rt.names.__subclasshook__.get();
    let r = class.call_method(th, hook, &[subclass])?;
    if r.is(Word::TRUE) {
        return Ok(true);
    }
    if r.is(Word::FALSE) {
        return Ok(false);
    }
    if !r.is_not_implemented() {
        return Err(th.raise(
            &ex::ASSERTION_ERROR,
            "__subclasshook__ must return either False, True, or NotImplemented",
        ));
    }
    if let Some(c) = class.downcast::<Type>()
        && sub.mro_types().any(|t| core::ptr::eq(t, c))
    {
        return Ok(true);
    }
    let registered: Vec<Owned> = d.registry.lock(&d.header, th).clone();
    for weak in registered {
        let target = weak.borrow().call(th, &[])?;
        if !target.is_none() && subclass.issubclass(th, target.borrow())? {
            return Ok(true);
        }
    }
    let name = th.intern("__subclasses__");
    let subclasses = class.call_method(th, name.borrow(), &[])?;
    if subclasses.downcast::<typhon_core::builtins::list::List>().is_none() {
        return Err(th.type_error("__subclasses__() must return a list"));
    }
    for s in subclasses.borrow().to_vec(th)? {
        if subclass.issubclass(th, s.borrow())? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn dump(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let d = data(th, a[0])?;
    let d = d.payload::<AbcData>();
    let registry: Vec<Owned> = d.registry.lock(&d.header, th).clone();
    let registry: Vec<Borrowed<'_>> = registry.iter().map(|w| w.borrow()).collect();
    let registry = th.new_set_of(&registry)?;
    let ids = |th: &mut Thread, ids: Vec<u32>| -> PyResult {
        let set = th.new_set();
        for id in ids {
            let id = th.new_int(i64::from(id));
            set.payload::<typhon_core::builtins::set::Set>().add(th, id.borrow())?;
        }
        Ok(set)
    };
    let (yes, no) = (ids(th, d.yes.0.ids(0))?, ids(th, d.no.0.ids(generation()))?);
    let version = th.new_int(generation() as i64);
    Ok(th.new_tuple(vec![registry, yes, no, version]))
}

fn reset_registry(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let d = data(th, a[0])?;
    let d = d.payload::<AbcData>();
    let old = core::mem::take(&mut *d.registry.lock(&d.header, th));
    drop(old);
    Ok(Owned::none())
}

fn reset_caches(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let d = data(th, a[0])?;
    let d: &AbcData = this(d.borrow());
    d.yes.0.clear();
    d.no.0.clear();
    Ok(Owned::none())
}
