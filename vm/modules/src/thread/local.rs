//! `_thread._local`: attributes that each thread has for itself.

use std::sync::atomic::{AtomicU64, Ordering};

use typhon_core::attributes::{generic_getattr, generic_getattr_opt, generic_setattr};
use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::struct_sequence::{self, StructSequence};
use typhon_core::{
    Args, Borrowed, Owned, PyResult, Slot, Slots, Thread, Type, TypeDef, payload, type_flags, unborn,
};

/// Numbers of `_local` objects; never reused.
static NEXT: AtomicU64 = AtomicU64::new(1);

payload! {
    /// A `_local`. Its attributes are in dicts that the threads hold, under the object's number.
    pub struct Local: LOCAL {
        number: u64,
        /// Arguments for `__init__`, which runs once in each thread that uses the object.
        args: Slot,
        kwargs: Slot,
    }
}

fn this(o: Borrowed<'_>) -> &Local {
    o.downcast::<Local>().expect("checked by the slot's type")
}

/// The thread's dict of the object; the first use runs `__init__`.
fn dict_of(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let l = this(o);
    if let Some(d) = th.locals.get(&l.number) {
        return Ok(d.clone());
    }
    let d = th.new_dict();
    th.locals.insert(l.number, d.clone());
    if let (Some(a), Some(init)) = (l.args.get(&l.header), o.ty().slots.init()) {
        let args = a.borrow().to_vec(th)?;
        let kwargs = l.kwargs.get(&l.header);
        let entries =
            kwargs.as_ref().and_then(|k| k.downcast::<Dict>()).map_or_else(Vec::new, |k| k.entries());
        let (names, values): (Vec<Owned>, Vec<Owned>) = entries.into_iter().unzip();
        let names = th.new_tuple(names);
        let mut all: Vec<Borrowed<'_>> = args.iter().map(|v| v.borrow()).collect();
        let n_positional = all.len();
        all.extend(values.iter().map(|v| v.borrow()));
        init(th, o, Args { all: &all, n_positional, names: names.borrow() })?;
    }
    Ok(d)
}

fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    if !args.all.is_empty() && core::ptr::eq(ty, LOCAL.ty()) {
        return Err(th.type_error("Initialization arguments are not supported"));
    }
    let positional = args.pos().iter().map(|v| Borrowed::to_owned(*v)).collect();
    let positional = th.new_tuple(positional);
    let kwargs = th.new_dict();
    for (k, v) in args.keywords() {
        kwargs.payload::<Dict>().set(th, k, v.to_owned())?;
    }
    // ORDERING Relaxed: only uniqueness counts.
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let l = Local { header: unborn(), number, args: Slot::new(positional), kwargs: Slot::new(kwargs) };
    let o = th.alloc_as(l, ty);
    // The making thread's `__init__` is run by the call of the class.
    let d = th.new_dict();
    th.locals.insert(number, d);
    Ok(o)
}

fn getattr(th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'_>) -> PyResult {
    let d = dict_of(th, o)?;
    if name.is(th.rt.names.__dict__.word()) {
        return Ok(d);
    }
    // A data descriptor of the class goes first, as for any object.
    let of_class = o.ty().lookup(name);
    if of_class.as_ref().is_some_and(|v| v.borrow().ty().slots.descr_set().is_some()) {
        return generic_getattr(th, o, name);
    }
    if let Some(v) = d.payload::<Dict>().get(th, name)? {
        return Ok(v);
    }
    match generic_getattr_opt(th, o, name)? {
        Some(v) => Ok(v),
        None => Err(th.no_attribute(o, name)),
    }
}

fn setattr(th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    if o.ty().lookup(name).is_some_and(|d| d.borrow().ty().slots.descr_set().is_some()) {
        return generic_setattr(th, o, name, v);
    }
    let d = dict_of(th, o)?;
    let dict = d.payload::<Dict>();
    match v {
        Some(v) => dict.set(th, name, v.to_owned()),
        None => match dict.remove(th, name)? {
            Some(_) => Ok(()),
            None => Err(th.no_attribute(o, name)),
        },
    }
}

/// Drops what the ending thread holds.
pub fn forget(th: &mut Thread) {
    let all = std::mem::take(&mut th.locals);
    drop(all);
    th.drain_drops();
}

pub static LOCAL: TypeDef = TypeDef {
    module: "_thread",
    flags: type_flags::GC | type_flags::BASE | type_flags::WEAKREF,
    slots: Slots { new: Some(new), getattr: Some(getattr), setattr: Some(setattr), ..Slots::NONE },
    ..TypeDef::of::<Local>("_local")
};

static HOOK_ARGS: StructSequence = StructSequence {
    name: "_thread._ExceptHookArgs",
    doc: "Type used to pass arguments to threading.excepthook.",
    fields: &["exc_type", "exc_value", "exc_traceback", "thread"],
    n_visible: 4,
    constructible: true,
};

/// The class of `threading.excepthook`'s argument.
pub fn hook_args_class(th: &mut Thread) -> PyResult {
    Ok(struct_sequence::register(th, &HOOK_ARGS)?.as_value().to_owned())
}
