//! `object`.

use crate::attributes;
use crate::builtins::dict::Dict;
use crate::builtins::exceptions as ex;
use crate::builtins::list::List;
use crate::builtins::str::Str;
use crate::builtins::tuple::Tuple;
use crate::builtins::type_;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::{Args, CompareOp, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{GetSetDef, Layout, NativeDef, References, TypeDef, TypeId, type_flags};
use crate::types::Type;
use crate::word::Word;

crate::payload! {
    /// A bare instance: attributes, if any, are values of its class.
    pub struct Object: DEF {}
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::OBJECT),
    flags: type_flags::BASE,
    doc: "The base class of the class hierarchy.\n\nWhen called, it accepts no arguments and returns a new featureless\ninstance that has no instance attributes and cannot be given any.\n",
    slots: Slots {
        repr: Some(default_repr),
        str: Some(str),
        hash: Some(hash),
        compare: Some(compare),
        getattr: Some(attributes::generic_getattr),
        setattr: Some(attributes::generic_setattr),
        new: Some(new),
        init: Some(init),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new("__dir__", "($self, /)", dir, "Default dir() implementation."),
        NativeDef::new("__format__", "($self, format_spec, /)", format_, "Default object formatter.\n\nReturn str(self) if format_spec is empty. Raise TypeError otherwise."),
        NativeDef::new("__sizeof__", "($self, /)", sizeof, "Size of object in memory, in bytes."),
        NativeDef::new("__reduce__", "($self, /)", reduce, "Helper for pickle."),
        NativeDef::new("__reduce_ex__", "($self, protocol, /)", reduce_ex, "Helper for pickle."),
        NativeDef::new("__getstate__", "($self, /)", getstate, "Helper for pickle."),
        NativeDef::raw("__init_subclass__", "($cls, /)", init_subclass, "This method is called when a class is subclassed.\n\nThe default implementation does nothing. It may be\noverridden to extend subclasses.").class(),
        NativeDef::raw("__subclasshook__", "($cls, subclass, /)", subclasshook, "Abstract classes can override this to customize issubclass().").class(),
    ],
    getset: GETSET,
    layout: Layout { references: References::Nowhere, ..Layout::confined::<Object>() },
    ..TypeDef::of::<Object>("object")
};

/// `__class__` is the first.
pub(crate) static GETSET: &[GetSetDef] = &[GetSetDef::get("__class__", get_class).set(set_class)];

/// Hash of an object by its identity.
#[inline]
pub fn identity_hash(w: Word) -> i64 {
    let h = w.identity().rotate_right(4) as i64;
    if h == -1 { -2 } else { h }
}

/// `<module.Type object at 0x…>`
pub fn default_repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let text = format!("<{} object at {:#x}>", type_::full_name(th, o.ty()), o.word().identity());
    Ok(th.new_str(&text))
}

fn str(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    o.repr(th)
}

/// `object.__hash__`. Not inlined, as all whose address tells what a type does: a copy would have another one.
#[inline(never)]
pub fn hash(_th: &mut Thread, o: Borrowed<'_>) -> PyResult<i64> {
    Ok(identity_hash(o.word()))
}

fn compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    match op {
        CompareOp::Eq if a.is(b.word()) => Ok(Owned::bool(true)),
        // `!=` is the opposite of what the type's own `==` says.
        CompareOp::Ne => {
            let Some(f) = a.ty().slots.compare() else { return Ok(Owned::not_implemented()) };
            let r = f(th, a, b, CompareOp::Eq)?;
            if r.is_not_implemented() { Ok(r) } else { Ok(Owned::bool(!r.borrow().truth(th)?)) }
        }
        _ => Ok(Owned::not_implemented()),
    }
}

fn same_fn<F: Copy>(slot: Option<F>, f: usize, addr: impl Fn(F) -> usize) -> bool {
    slot.is_some_and(|s| addr(s) == f)
}

pub(crate) fn inherits_new(ty: &Type) -> bool {
    same_fn(ty.slots.new(), new as *const () as usize, |f| f as usize)
}

fn inherits_init(ty: &Type) -> bool {
    same_fn(ty.slots.init(), init as *const () as usize, |f| f as usize)
}

/// `object.__new__`
pub fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    if !args.all.is_empty() {
        if !inherits_new(ty) {
            return Err(
                th.type_error("object.__new__() takes exactly one argument (the type to instantiate)")
            );
        }
        if inherits_init(ty) {
            return Err(th.type_error(&format!("{}() takes no arguments", ty.display_name())));
        }
    }
    if ty.has_flag(type_flags::ABSTRACT) {
        return Err(abstract_error(th, ty)?);
    }
    Ok(new_instance(th, ty))
}

/// A bare instance of a class whose instances begin with nothing native: what `object.__new__` makes.
#[inline]
pub fn new_instance(th: &mut Thread, ty: &Type) -> Owned {
    th.alloc_as(Object { header: unborn() }, ty)
}

/// `TypeError: Can't instantiate abstract class C without an implementation for abstract method 'f'`
#[cold]
fn abstract_error(th: &mut Thread, ty: &Type) -> PyResult<crate::Raised> {
    let methods = ty.as_value().getattr(th, th.rt.names.__abstractmethods__.get())?;
    let mut names = Vec::new();
    for m in methods.borrow().to_vec(th)? {
        names.push(m.borrow().str_text(th)?);
    }
    names.sort();
    let list = names.iter().map(|n| format!("'{n}'")).collect::<Vec<_>>().join(", ");
    let s = if names.len() == 1 { "" } else { "s" };
    let msg = format!(
        "Can't instantiate abstract class {} without an implementation for abstract method{s} {list}",
        ty.display_name()
    );
    Ok(th.type_error(&msg))
}

/// `object.__init__`
pub fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    if !args.all.is_empty() {
        let ty = o.ty();
        if !inherits_init(ty) {
            return Err(
                th.type_error("object.__init__() takes exactly one argument (the instance to initialize)")
            );
        }
        if inherits_new(ty) {
            let name = ty.display_name();
            return Err(th.type_error(&format!(
                "{name}.__init__() takes exactly one argument (the instance to initialize)"
            )));
        }
    }
    Ok(())
}

fn get_class(_th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(o.ty().as_value().to_owned())
}

fn set_class(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let Some(v) = v else { return Err(th.type_error("can't delete __class__ attribute")) };
    let Some(new) = v.downcast::<Type>() else {
        let msg = format!("__class__ must be set to a class, not '{}' object", v.type_name(th));
        return Err(th.type_error(&msg));
    };
    type_::layout::assign_class(th, o, new)
}

fn dir(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let o = a[0];
    let names = &th.rt.names;
    let (dict, class) = (names.__dict__.get(), names.__class__.get());
    let merged = th.new_dict();
    if attributes::has_plain_dict(th, o) {
        for (k, v) in attributes::own_entries(o) {
            merged.payload::<Dict>().set(th, k.borrow(), v)?;
        }
    } else if let Some(d) = o.getattr_opt(th, dict)?
        && let Some(d) = d.downcast::<Dict>()
    {
        for (k, v) in d.entries() {
            merged.payload::<Dict>().set(th, k.borrow(), v)?;
        }
    }
    if let Some(c) = o.getattr_opt(th, class)? {
        type_::attributes::merge_class_dict(th, merged.payload::<Dict>(), c.borrow())?;
    }
    let keys = merged.payload::<Dict>().entries().into_iter().map(|(k, _)| k).collect();
    Ok(th.new_list(keys))
}

fn format_(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(spec) = a[1].downcast::<Str>() else {
        let msg = format!("__format__() argument must be str, not {}", a[1].type_name(th));
        return Err(th.type_error(&msg));
    };
    if !spec.is_empty() {
        let msg = format!("unsupported format string passed to {}.__format__", a[0].type_name(th));
        return Err(th.type_error(&msg));
    }
    a[0].str(th)
}

fn sizeof(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let size = match a[0].header() {
        Some(_) => a[0].shape().instance_size() as i64,
        None => 8,
    };
    Ok(th.new_int(size))
}

fn init_subclass(th: &mut Thread, args: Args<'_>) -> PyResult {
    let name = match args.pos().first().and_then(|c| c.downcast::<Type>()) {
        Some(t) => t.display_name(),
        None => String::from("object"),
    };
    if args.has_keywords() {
        return Err(th.type_error(&format!("{name}.__init_subclass__() takes no keyword arguments")));
    }
    if args.n_positional > 1 {
        let n = args.n_positional - 1;
        return Err(th.type_error(&format!("{name}.__init_subclass__() takes no arguments ({n} given)")));
    }
    Ok(Owned::none())
}

fn subclasshook(_th: &mut Thread, _args: Args<'_>) -> PyResult {
    Ok(Owned::not_implemented())
}

/// Imports a module of the standard library by name.
pub(crate) fn import(th: &mut Thread, name: &str) -> PyResult {
    let key = th.intern(name);
    if let Some(modules) = th.rt.modules.fixed().and_then(|m| m.downcast::<Dict>())
        && let Some(m) = modules.get_interned(key.word())
    {
        return Ok(m);
    }
    let import =
        th.builtins_dict().downcast::<Dict>().and_then(|d| d.get_interned(th.rt.names.__import__.word()));
    match import {
        Some(f) => f.borrow().call(th, &[key.borrow()]),
        None => Err(th.raise(&ex::RUNTIME_ERROR, "__import__ not found")),
    }
}

/// `(getattr, (owner, name))`
pub(crate) fn reduce_as_getattr(th: &mut Thread, owner: Owned, name: Owned) -> PyResult {
    let key = th.intern("getattr");
    let getattr = th.builtins_dict().downcast::<Dict>().and_then(|d| d.get_interned(key.word()));
    let Some(getattr) = getattr else { return Err(th.runtime_error("lost builtins.getattr")) };
    let args = th.new_tuple(vec![owner, name]);
    Ok(th.new_tuple(vec![getattr, args]))
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let zero = th.new_int(0);
    common_reduce(th, a[0], zero.borrow(), 0)
}

fn common_reduce(th: &mut Thread, o: Borrowed<'_>, protocol: Borrowed<'_>, n: isize) -> PyResult {
    let copyreg = import(th, "copyreg")?;
    if n >= 2 {
        return reduce_newobj(th, o, copyreg.borrow());
    }
    copyreg.borrow().call_method_str(th, "_reduce_ex", &[o, protocol])
}

fn reduce_ex(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (o, n) = (a[0], a[1].to_isize(th)?);
    let name = th.rt.names.__reduce__.get();
    let class_reduce = o.ty().as_value().getattr(th, name)?;
    let default = DEF.ty().lookup(name);
    if default.is_none_or(|d| !d.is(class_reduce.word())) {
        return o.call_method(th, name, &[]);
    }
    common_reduce(th, o, a[1], n)
}

/// Arguments for `__newobj__`: those of `__getnewargs_ex__` or `__getnewargs__`.
fn new_args(th: &mut Thread, o: Borrowed<'_>) -> PyResult<(Option<Owned>, Option<Owned>)> {
    let (ex_name, name) = (th.intern("__getnewargs_ex__"), th.intern("__getnewargs__"));
    if let Some(r) = crate::call::special(th, o, ex_name.borrow(), &[])? {
        let Some(t) = r.downcast::<Tuple>() else {
            let msg = format!("__getnewargs_ex__ should return a tuple, not '{}'", r.borrow().type_name(th));
            return Err(th.type_error(&msg));
        };
        if t.len() != 2 {
            let msg = format!("__getnewargs_ex__ should return a tuple of length 2, not {}", t.len());
            return Err(th.value_error(&msg));
        }
        if t.get(0).downcast::<Tuple>().is_none() {
            let msg = format!(
                "first item of the tuple returned by __getnewargs_ex__ must be a tuple, not '{}'",
                t.get(0).type_name(th)
            );
            return Err(th.type_error(&msg));
        }
        if t.get(1).downcast::<Dict>().is_none() {
            let msg = format!(
                "second item of the tuple returned by __getnewargs_ex__ must be a dict, not '{}'",
                t.get(1).type_name(th)
            );
            return Err(th.type_error(&msg));
        }
        return Ok((Some(t.get(0).to_owned()), Some(t.get(1).to_owned())));
    }
    match crate::call::special(th, o, name.borrow(), &[])? {
        Some(r) if r.downcast::<Tuple>().is_none() => {
            let msg = format!("__getnewargs__ should return a tuple, not '{}'", r.borrow().type_name(th));
            Err(th.type_error(&msg))
        }
        r => Ok((r, None)),
    }
}

/// `copyreg.__newobj__`, its arguments, the state, and the items of a list or dict.
fn reduce_newobj(th: &mut Thread, o: Borrowed<'_>, copyreg: Borrowed<'_>) -> PyResult {
    let ty = o.ty();
    if ty.slots.new().is_none() {
        let msg = format!("cannot pickle '{}' object", ty.display_name());
        return Err(th.type_error(&msg));
    }
    let (args, kwargs) = new_args(th, o)?;
    let has_args = args.is_some();
    let (is_list, is_dict) = (o.downcast::<List>().is_some(), o.downcast::<Dict>().is_some());
    let required = !has_args && !is_list && !is_dict;
    let name = th.rt.names.__getstate__.get();
    let class_getstate = ty.lookup(name);
    let state =
        if class_getstate.as_ref().is_some_and(|g| DEF.ty().lookup(name).is_some_and(|d| d.is(g.word()))) {
            default_state(th, o, required)?
        } else {
            o.call_method(th, name, &[])?
        };
    let class = ty.as_value().to_owned();
    let (constructor, new_args) = match kwargs.filter(|k| k.payload::<Dict>().len() != 0) {
        Some(kwargs) => {
            let args = args.unwrap_or_else(|| th.new_tuple(vec![]));
            let t = th.new_tuple(vec![class, args, kwargs]);
            (copyreg.getattr_str(th, "__newobj_ex__")?, t)
        }
        None => {
            let mut items = vec![class];
            if let Some(a) = &args {
                items.extend(a.payload::<Tuple>().iter().map(|v| v.to_owned()));
            }
            (copyreg.getattr_str(th, "__newobj__")?, th.new_tuple(items))
        }
    };
    let list_items = if is_list { o.iter(th)? } else { Owned::none() };
    let dict_items = if is_dict {
        let items = o.call_method(th, th.rt.names.items.get(), &[])?;
        items.borrow().iter(th)?
    } else {
        Owned::none()
    };
    Ok(th.new_tuple(vec![constructor, new_args, state, list_items, dict_items]))
}

fn getstate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    default_state(th, a[0], false)
}

/// The instance dict and the values of `__slots__`. With `required`, native state that neither shows
/// is an error.
fn default_state(th: &mut Thread, o: Borrowed<'_>, required: bool) -> PyResult {
    let ty = o.ty();
    if required && ty.layout.0.size > size_of::<Object>() {
        let msg = format!("cannot pickle '{}' object", ty.display_name());
        return Err(th.type_error(&msg));
    }
    let dict_name = th.rt.names.__dict__.get();
    let state = if attributes::has_plain_dict(th, o) {
        let entries = attributes::own_entries(o);
        if entries.is_empty() { Owned::none() } else { dict_from(th, entries)? }
    } else {
        match o.getattr_opt(th, dict_name)? {
            Some(d) => match d.downcast::<Dict>() {
                Some(dict) => {
                    let entries = dict.entries();
                    dict_from(th, entries)?
                }
                None => d,
            },
            None => Owned::none(),
        }
    };
    let names = slot_names(th, ty)?;
    if names.is_none() || names.downcast::<List>().is_some_and(|names| names.len() == 0) {
        return Ok(state);
    }
    let slots = th.new_dict();
    for name in names.borrow().to_vec(th)? {
        let name = th.intern_str(name.borrow());
        if let Some(v) = o.getattr_opt(th, name.borrow())? {
            slots.payload::<Dict>().set(th, name.borrow(), v)?;
        }
    }
    if slots.payload::<Dict>().len() == 0 {
        return Ok(state);
    }
    Ok(th.new_tuple(vec![state, slots]))
}

/// The names of the slots of a class, as `copyreg._slotnames` notes them in the class when it is first asked.
fn slot_names(th: &mut Thread, ty: &Type) -> PyResult {
    let noted = th.intern("__slotnames__");
    match ty.namespace().get_interned(noted.word()) {
        Some(names) if names.downcast::<List>().is_some() => Ok(names),
        _ => {
            let copyreg = import(th, "copyreg")?;
            copyreg.borrow().call_method_str(th, "_slotnames", &[ty.as_value()])
        }
    }
}

fn dict_from(th: &mut Thread, entries: Vec<(Owned, Owned)>) -> PyResult {
    let d = th.new_dict();
    for (k, v) in entries {
        d.payload::<Dict>().set(th, k.borrow(), v)?;
    }
    Ok(d)
}
