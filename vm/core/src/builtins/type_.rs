//! `type`: making classes, looking attributes up in them, calling them.

pub mod attributes;
pub mod build_class;
pub mod builtin;
pub mod getset;
mod instance_check;
pub mod layout;
mod lookup;
mod mro;
mod new;
pub mod python_slots;
pub mod slot_defs;
mod update;

use crate::builtins::exceptions as ex;
use crate::builtins::native_function::NativeFunction;
use crate::builtins::object;
use crate::builtins::str::Str;
use crate::object::{Borrowed, Owned, Payload, PyResult};
use crate::slots::{Args, Slots};
use crate::thread::Thread;
use crate::typedef::{NativeDef, TypeDef, TypeId, kind, type_flags};
use crate::types::Type;
use crate::word::Word;

pub(crate) use instance_check::quick_isinstance;
pub use instance_check::{isinstance, issubclass, real_isinstance};
pub(crate) use lookup::unlink;
pub use lookup::{Found, is_uncounted, lock_types};
pub use new::{calculate_metaclass, new_class};

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::TYPE),
    kind: kind::TYPE,
    flags: type_flags::BASE | type_flags::GC | type_flags::DEFERRED | type_flags::WEAKREF,
    doc: "type(object) -> the object's type\ntype(name, bases, dict, **kwds) -> a new type",
    slots: Slots {
        repr: Some(repr),
        call: Some(call),
        getattr: Some(attributes::getattr),
        setattr: Some(attributes::setattr),
        new: Some(new::type_new),
        init: Some(init),
        or: Some(super::union::type_or),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new("mro", "($self, /)", mro::mro_method, "Return a type's method resolution order."),
        NativeDef::new("__subclasses__", "($self, /)", subclasses, "Return a list of immediate subclasses."),
        NativeDef::raw(
            "__prepare__",
            "($cls, name, bases, /, **kwds)",
            prepare,
            "Create the namespace for the class statement",
        )
        .class(),
        NativeDef::new(
            "__instancecheck__",
            "($self, instance, /)",
            instance_check::instancecheck,
            "Check if an object is an instance.",
        ),
        NativeDef::new(
            "__subclasscheck__",
            "($self, subclass, /)",
            instance_check::subclasscheck,
            "Check if a class is a subclass.",
        ),
        NativeDef::new(
            "__dir__",
            "($self, /)",
            attributes::dir,
            "Specialized __dir__ implementation for types.",
        ),
        NativeDef::new("__sizeof__", "($self, /)", sizeof, "Return memory consumption of the type object."),
    ],
    getset: getset::TYPE_GETSET,
    ..TypeDef::of::<Type>("type")
};

impl Type {
    /// `__name__`: without the module.
    pub fn short_name(&self) -> String {
        self.def.0.map_or_else(|| self.display_name(), |def| def.name.to_owned())
    }

    /// `__name__` for messages; with the module in front for types of native modules.
    pub fn display_name(&self) -> String {
        if let Some(def) = self.def.0 {
            return match def.module {
                "builtins" => def.name.to_owned(),
                m => format!("{m}.{}", def.name),
            };
        }
        match self.name.get(&self.header) {
            Some(n) => n.downcast::<Str>().map(|s| s.to_text()).unwrap_or_default(),
            None => String::from("?"),
        }
    }
}

/// `__qualname__` as text.
pub fn qualname_text(ty: &Type) -> String {
    match ty.qualname.get(&ty.header) {
        Some(n) => n.downcast::<Str>().map(|s| s.to_text()).unwrap_or_default(),
        None => ty.display_name(),
    }
}

/// `module.qualname`, without the module for built-ins.
pub(crate) fn full_name(th: &mut Thread, ty: &Type) -> String {
    let module = getset::module_of(th, ty);
    let qualname = qualname_text(ty);
    match module.as_ref().and_then(|m| m.downcast::<Str>()) {
        Some(m) if !m.is_text("builtins") => format!("{}.{qualname}", m.to_text()),
        _ => qualname,
    }
}

/// The class in a slot function of `type`.
#[inline(always)]
pub(crate) fn class_of(o: Borrowed<'_>) -> &Type {
    super::descriptors::payload::<Type>(o)
}

/// Attribute names of `getattr` and friends: an interned str. Errors: TypeError for other types.
pub fn attribute_name(th: &mut Thread, name: Borrowed<'_>) -> PyResult {
    if name.downcast::<Str>().is_none() {
        let msg = format!("attribute name must be string, not '{}'", name.type_name(th));
        return Err(th.type_error(&msg));
    }
    Ok(th.intern_str(name))
}

/// The word of `object.__getattribute__`.
pub(crate) fn object_getattribute() -> Word {
    let w = crate::runtime::rt().names.__getattribute__.get();
    super::object::DEF.ty().lookup(w).map_or(Word::ZERO, |v| v.word())
}

/// `object.__setattr__(C, …)` must not get around the `__setattr__` of a built-in metatype.
pub(crate) fn check_setattr_wrapper(
    th: &mut Thread,
    f: usize,
    this: Borrowed<'_>,
    name: &str,
) -> PyResult<()> {
    let python = python_slots::setattr as *const () as usize;
    let mut ty = Some(this.ty());
    while let Some(t) = ty {
        let theirs = t.slots.setattr().map_or(0, |f| f as usize);
        if theirs != python {
            if theirs != f {
                let msg = format!("can't apply this {name} to {} object", this.type_name(th));
                return Err(th.type_error(&msg));
            }
            return Ok(());
        }
        ty = t.base();
    }
    Ok(())
}

/// `__new__` of a built-in type: calls the type's slot for the class in the first argument.
fn new_wrapper(th: &mut Thread, args: Args<'_>) -> PyResult {
    let own = class_of(args.all[0]);
    let name = own.display_name();
    let Some(cls) = args.pos().get(1) else {
        return Err(th.type_error(&format!("{name}.__new__(): not enough arguments")));
    };
    let Some(sub) = cls.downcast::<Type>() else {
        let msg = format!("{name}.__new__(X): X is not a type object ({})", cls.type_name(th));
        return Err(th.type_error(&msg));
    };
    let sub_name = sub.display_name();
    if !sub.is_subtype_of(own) {
        let msg = format!("{name}.__new__({sub_name}): {sub_name} is not a subtype of {name}");
        return Err(th.type_error(&msg));
    }
    let python = python_slots::new as *const () as usize;
    let mut solid = sub;
    while solid.slots.raw(crate::slots::SlotId::new) == python
        && let Some(b) = solid.base()
    {
        solid = b;
    }
    if solid.slots.raw(crate::slots::SlotId::new) != own.slots.raw(crate::slots::SlotId::new) {
        let safe = solid.display_name();
        let msg = format!("{name}.__new__({sub_name}) is not safe, use {safe}.__new__()");
        return Err(th.type_error(&msg));
    }
    match own.slots.new() {
        Some(f) => f(th, sub, args.rest().rest()),
        None => Err(th.type_error(&format!("cannot create '{name}' instances"))),
    }
}

static NEW: NativeDef = NativeDef::raw(
    "__new__",
    "($type, *args, **kwargs)",
    new_wrapper,
    "Create and return a new object.  See help(type) for accurate signature.",
);

/// The native `new` function that a `__new__` of a built-in type stands for.
fn new_slot_of(f: &NativeFunction) -> Option<usize> {
    if !core::ptr::eq(f.def(), &NEW) {
        return None;
    }
    let own = f.bound_self()?.downcast::<Type>()?;
    Some(own.slots.raw(crate::slots::SlotId::new)).filter(|&f| f != 0)
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let name = full_name(th, class_of(o));
    Ok(th.new_str(&format!("<class '{name}'>")))
}

/// `cls(...)`
pub fn call(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult {
    let ty = class_of(o);
    if core::ptr::eq(ty, DEF.ty()) && args.n_positional == 1 && !args.has_keywords() {
        return Ok(args.all[0].ty().as_value().to_owned());
    }
    let Some(new) = ty.slots.new() else {
        return Err(th.type_error(&format!("cannot create '{}' instances", ty.display_name())));
    };
    let obj = new(th, ty, args)?;
    let made = obj.borrow().ty();
    if (core::ptr::eq(made, ty) || made.is_subtype_of(ty))
        && let Some(init) = made.slots.init()
        && (init as usize != object::init as *const () as usize || object::inherits_new(made))
    {
        // That of `object` has nothing to say about arguments that another `__new__` took.
        init(th, obj.borrow(), args)?;
    }
    Ok(obj)
}

fn init(th: &mut Thread, _o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    if args.n_positional == 1 && args.has_keywords() {
        return Err(th.type_error("type.__init__() takes no keyword arguments"));
    }
    if args.n_positional != 1 && args.n_positional != 3 {
        return Err(th.type_error("type.__init__() takes 1 or 3 arguments"));
    }
    Ok(())
}

fn subclasses(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let subs = class_of(a[0]).live_subclasses();
    Ok(th.new_list(subs))
}

fn prepare(th: &mut Thread, _args: Args<'_>) -> PyResult {
    Ok(th.new_dict())
}

fn sizeof(th: &mut Thread, _a: &[Borrowed<'_>]) -> PyResult {
    Ok(th.new_int(size_of::<Type>() as i64))
}

/// `cls[item]` through `__class_getitem__`, or the TypeError for what is not subscriptable.
pub fn class_getitem(th: &mut Thread, obj: Borrowed<'_>, key: Borrowed<'_>) -> PyResult {
    if let Some(t) = obj.downcast::<Type>() {
        if core::ptr::eq(t, DEF.ty()) {
            return super::generic_alias::new(th, obj, key);
        }
        let name = th.rt.names.__class_getitem__.get();
        if let Some(f) = obj.getattr_opt(th, name)?
            && !f.is_none()
        {
            return f.borrow().call(th, &[key]);
        }
        let msg = format!("type '{}' is not subscriptable", t.display_name());
        return Err(th.type_error(&msg));
    }
    let msg = format!("'{}' object is not subscriptable", obj.type_name(th));
    Err(th.type_error(&msg))
}

/// `__new__` of a built-in type, for its namespace.
fn new_function(th: &mut Thread, ty: &Type) -> Owned {
    use crate::signature::Params;
    let display = format!("{}.__new__", ty.display_name());
    let params = Params::of(&NEW, display, false);
    super::native_function::new_bound(th, &NEW, params, Some(ty.as_value().to_owned()), None)
}

/// An AttributeError for a class attribute.
#[cold]
fn no_class_attribute(th: &mut Thread, ty: &Type, name: Borrowed<'_>) -> crate::Raised {
    let text = name.downcast::<Str>().map(|s| s.to_text()).unwrap_or_default();
    let msg = format!("type object '{}' has no attribute '{text}'", ty.display_name());
    crate::attributes::attribute_error(th, &msg, ty.as_value(), name)
}

/// Is this `T`'s own type object?
pub fn is_type_object<T: Payload>(v: Borrowed<'_>) -> bool {
    v.downcast::<Type>().is_some_and(|t| core::ptr::eq(t, T::DEF.ty()))
}

/// `TypeError` unless the class may be changed.
pub fn check_mutable(th: &mut Thread, ty: &Type, name: Borrowed<'_>) -> PyResult<()> {
    if ty.has_flag(type_flags::HEAP) && !ty.has_flag(type_flags::IMMUTABLE) {
        return Ok(());
    }
    let text = name.downcast::<Str>().map(|s| s.to_text()).unwrap_or_default();
    let msg = format!("cannot set '{text}' attribute of immutable type '{}'", ty.display_name());
    Err(th.raise(&ex::TYPE_ERROR, &msg))
}
