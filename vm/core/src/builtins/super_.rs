//! `super`.

use crate::attributes;
use crate::builtins::descriptors::payload;
use crate::builtins::type_::{Found, is_uncounted};
use crate::call::is_method_like;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{Args, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{MemberDef, TypeDef, TypeId, type_flags};
use crate::types::Type;
use crate::word::Word;

crate::payload! {
    /// Looks attributes up behind a class in the MRO of an object's class.
    pub struct Super: DEF {
        class: Slot,
        object: Slot,
        object_class: Slot,
    }
}

/// The class whose MRO counts, for `super(class, object)`.
///
/// Errors: TypeError when `object` is neither an instance nor a subclass of `class`.
fn check(th: &mut Thread, class: &Type, object: Borrowed<'_>) -> PyResult {
    if let Some(t) = object.downcast::<Type>()
        && t.is_subtype_of(class)
    {
        return Ok(object.to_owned());
    }
    if object.ty().is_subtype_of(class) {
        return Ok(object.ty().as_value().to_owned());
    }
    if let Some(c) = object.getattr_opt(th, th.rt.names.__class__.get())?
        && c.downcast::<Type>().is_some_and(|t| t.is_subtype_of(class))
    {
        return Ok(c);
    }
    let (what, name) = match object.downcast::<Type>() {
        Some(t) => ("type", t.display_name()),
        None => ("instance of", object.type_name(th)),
    };
    let msg = format!(
        "super(type, obj): obj ({what} {name}) is not an instance or subtype of type ({}).",
        class.display_name()
    );
    Err(th.type_error(&msg))
}

fn bind(th: &mut Thread, v: Owned, object: Borrowed<'_>, start: Borrowed<'_>) -> PyResult {
    match v.borrow().ty().slots.descr_get() {
        Some(get) => {
            // `super(cls, cls)` is a class access.
            let instance = if object.is(start.word()) { None } else { Some(object) };
            get(th, v.borrow(), instance, start)
        }
        None => Ok(v),
    }
}

/// The function that `super(class, object).name(…)` calls with `object` in front, as an uncounted word, in
/// the plain case: an instance, and a function that needs no count. [`Word::ZERO`]: [`super_lookup`] has to
/// look. Counts nothing.
#[inline]
pub fn super_method(class: Borrowed<'_>, object: Borrowed<'_>, name: Borrowed<'_>) -> Word {
    let Some(class) = class.downcast_exact::<Type>() else { return Word::ZERO };
    if object.downcast::<Type>().is_some() {
        return Word::ZERO;
    }
    match object.ty().find_behind(class, name) {
        Some(f) if is_uncounted(f.borrow().word()) && is_method_like(f.borrow()) => {
            f.borrow().word().uncounted()
        }
        _ => Word::ZERO,
    }
}

/// `super(class, object).name` without a super object. True: the value is a function to be called with
/// `object` in front (only if `is_method`).
pub fn super_lookup(
    th: &mut Thread,
    class: Borrowed<'_>,
    object: Borrowed<'_>,
    name: Borrowed<'_>,
    is_method: bool,
) -> PyResult<(Owned, bool)> {
    let Some(t) = class.downcast::<Type>() else {
        let msg = format!("super() argument 1 must be a type, not {}", class.type_name(th));
        return Err(th.type_error(&msg));
    };
    let start = check(th, t, object)?;
    let start_type = payload::<Type>(start.borrow());
    if !name.is(th.rt.names.__class__.word())
        && let Some(v) = start_type.find_behind(t, name).map(Found::into_owned)
    {
        if is_method && is_method_like(v.borrow()) && !object.is(start.word()) {
            return Ok((v, true));
        }
        return Ok((bind(th, v, object, start.borrow())?, false));
    }
    let s = make(th, class.to_owned(), Some((object.to_owned(), start)));
    Ok((attributes::generic_getattr(th, s.borrow(), name)?, false))
}

fn make(th: &mut Thread, class: Owned, object: Option<(Owned, Owned)>) -> Owned {
    let (object, object_class) = match object {
        Some((o, c)) => (Some(o), Some(c)),
        None => (None, None),
    };
    th.alloc(Super {
        header: unborn(),
        class: Slot::new(class),
        object: Slot::from_option(object),
        object_class: Slot::from_option(object_class),
    })
}

fn new(th: &mut Thread, ty: &Type, _args: Args<'_>) -> PyResult {
    let s =
        Super { header: unborn(), class: Slot::empty(), object: Slot::empty(), object_class: Slot::empty() };
    Ok(th.alloc_as(s, ty))
}

fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    if args.has_keywords() {
        return Err(th.type_error("super() takes no keyword arguments"));
    }
    let a = args.pos();
    if a.len() > 2 {
        return Err(th.type_error(&format!("super expected at most 2 arguments, got {}", a.len())));
    }
    let (class, object) = match a {
        [] => {
            let (class, object) = crate::interp::super_arguments(th)?;
            (class, Some(object))
        }
        &[class] => (class.to_owned(), None),
        &[class, object, ..] => (class.to_owned(), Some(object.to_owned())),
    };
    let Some(t) = class.downcast::<Type>() else {
        let msg = format!("super() argument 1 must be a type, not {}", class.borrow().type_name(th));
        return Err(th.type_error(&msg));
    };
    let s = payload::<Super>(o);
    if let Some(object) = object.filter(|o| !o.is_none()) {
        let start = check(th, t, object.borrow())?;
        s.object.set(&s.header, object);
        s.object_class.set(&s.header, start);
    }
    s.class.set(&s.header, class);
    Ok(())
}

fn getattr(th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'_>) -> PyResult {
    let s = payload::<Super>(o);
    if let (Some(class), Some(object), Some(start)) =
        (s.class.get(&s.header), s.object.get(&s.header), s.object_class.get(&s.header))
        && !name.is(th.rt.names.__class__.word())
        && let (Some(class), Some(start_type)) = (class.downcast::<Type>(), start.downcast::<Type>())
        && let Some(v) = start_type.find_behind(class, name).map(Found::into_owned)
    {
        return bind(th, v, object.borrow(), start.borrow());
    }
    attributes::generic_getattr(th, o, name)
}

/// An unbound super in a class binds to the instance that it is read from.
fn descr_get(th: &mut Thread, d: Borrowed<'_>, o: Option<Borrowed<'_>>, _cls: Borrowed<'_>) -> PyResult {
    let s = payload::<Super>(d);
    let (Some(o), true) = (o, s.object.is_empty()) else { return Ok(d.to_owned()) };
    let Some(class) = s.class.get(&s.header) else { return Ok(d.to_owned()) };
    if !core::ptr::eq(d.ty(), DEF.ty()) {
        return d.ty().as_value().call(th, &[class.borrow(), o]);
    }
    let start = check(th, payload::<Type>(class.borrow()), o)?;
    Ok(make(th, class, Some((o.to_owned(), start))))
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let s = payload::<Super>(o);
    let class = match s.class.get(&s.header).as_ref().and_then(|c| c.downcast::<Type>()) {
        Some(t) => t.display_name(),
        None => String::from("NULL"),
    };
    let text = match s.object_class.get(&s.header).as_ref().and_then(|c| c.downcast::<Type>()) {
        Some(t) => format!("<super: <class '{class}'>, <{} object>>", t.display_name()),
        None => format!("<super: <class '{class}'>, NULL>"),
    };
    Ok(th.new_str(&text))
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::dynamic(),
    doc: "super() -> same as super(__class__, <first argument>)\nsuper(type) -> unbound super object\nsuper(type, obj) -> bound super object; requires isinstance(obj, type)\nsuper(type, type2) -> bound super object; requires issubclass(type2, type)",
    flags: type_flags::GC | type_flags::BASE,
    slots: Slots {
        repr: Some(repr),
        getattr: Some(getattr),
        descr_get: Some(descr_get),
        new: Some(new),
        init: Some(init),
        ..Slots::NONE
    },
    members: &[
        MemberDef {
            name: "__thisclass__",
            offset: core::mem::offset_of!(Super, class),
            doc: "the class invoking super()",
        },
        MemberDef {
            name: "__self__",
            offset: core::mem::offset_of!(Super, object),
            doc: "the instance invoking super(); may be None",
        },
        MemberDef {
            name: "__self_class__",
            offset: core::mem::offset_of!(Super, object_class),
            doc: "the type of the instance invoking super(); may be None",
        },
    ],
    ..TypeDef::of::<Super>("super")
};
