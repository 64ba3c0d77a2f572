//! `partial` and its `Placeholder`.

use typhon_sync::prim::{AtomicUsize, Ordering};

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::sequence::guarded_repr;
use typhon_core::builtins::str::Str;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::{
    Args, Borrowed, GetSetDef, NativeDef, Owned, PyResult, Slot, Slots, Thread, Type, TypeDef, payload,
    type_flags, unborn,
};

use crate::args::{View, made, this};

payload! {
    /// The type of `functools.Placeholder`.
    pub struct Placeholder: PLACEHOLDER {}
}

pub static PLACEHOLDER: TypeDef = TypeDef {
    module: "functools",
    flags: 0,
    doc: "The type of the Placeholder singleton.\n\nUsed as a placeholder for partial arguments.",
    slots: Slots {
        new: Some(|th, _, args| {
            if args.has_keywords() || !args.pos().is_empty() {
                return Err(th.type_error("_PlaceholderType takes no arguments"));
            }
            Ok(placeholder(th))
        }),
        repr: Some(|th, _| Ok(th.new_str("Placeholder"))),
        ..Slots::NONE
    },
    methods: &[NativeDef::new("__reduce__", "($self, /)", |th, _| Ok(th.new_str("Placeholder")), "")],
    ..TypeDef::of::<Placeholder>("_PlaceholderType")
};

const PLACEHOLDER_KEY: &str = "functools.Placeholder";

/// The one `functools.Placeholder`.
pub fn placeholder(th: &mut Thread) -> Owned {
    if let Some(p) = th.rt.stored(PLACEHOLDER_KEY) {
        return p;
    }
    let p = th.alloc(Placeholder { header: unborn() });
    let p = Owned::from_const(typhon_core::runtime::immortal(p));
    th.rt.store(PLACEHOLDER_KEY, p.clone());
    p
}

fn is_placeholder(o: Borrowed<'_>) -> bool {
    o.downcast_exact::<Placeholder>().is_some()
}

payload! {
    /// `functools.partial`.
    pub struct Partial: PARTIAL {
        function: Slot,
        /// Tuple; may hold placeholders.
        args: Slot,
        /// Dict.
        keywords: Slot,
        n_placeholders: AtomicUsize,
    }
}

pub static PARTIAL: TypeDef = TypeDef {
    module: "functools",
    flags: type_flags::BASE | type_flags::GC | type_flags::DICT | type_flags::WEAKREF,
    doc: "Create a new function with partial application of the given arguments and keywords.",
    slots: Slots { new: Some(new), call: Some(call), repr: Some(repr), descr_get: Some(bind), ..Slots::NONE },
    methods: &[
        NativeDef::new("__reduce__", "($self, /)", reduce, "Return state information for pickling"),
        NativeDef::new("__setstate__", "($self, state, /)", setstate, "Restore the state"),
        typhon_core::builtins::generic_alias::CLASS_GETITEM,
    ],
    getset: &[
        GetSetDef::get("func", |_, o| Ok(field(o, |p| &p.function))),
        GetSetDef::get("args", |_, o| Ok(field(o, |p| &p.args))),
        GetSetDef::get("keywords", |_, o| Ok(field(o, |p| &p.keywords))),
    ],
    ..TypeDef::of::<Partial>("partial")
};

fn field(o: Borrowed<'_>, f: impl Fn(&Partial) -> &Slot) -> Owned {
    let p: &Partial = this(o);
    f(p).get(&p.header).unwrap_or_else(Owned::none)
}

fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let Some(function) = args.pos().first().copied() else {
        return Err(th.type_error("type 'partial' takes at least one argument"));
    };
    if !function.is_callable() {
        return Err(th.type_error("the first argument must be callable"));
    }
    for (_, v) in args.keywords() {
        if is_placeholder(v) {
            return Err(th.type_error("Placeholder cannot be passed as a keyword argument"));
        }
    }
    let mut given: Vec<Owned> = args.pos()[1..].iter().map(|a| Borrowed::to_owned(*a)).collect();
    if given.last().is_some_and(|a| is_placeholder(a.borrow())) {
        return Err(th.type_error("trailing Placeholders are not allowed"));
    }
    let keywords = th.new_dict();
    let mut target = function.to_owned();
    // A partial of a plain partial is one partial.
    if function.downcast_exact::<Partial>().is_some() && !has_attributes(function) {
        let (old, old_keywords) = (field(function, |p| &p.args), field(function, |p| &p.keywords));
        target = field(function, |p| &p.function);
        let mut rest = given.into_iter();
        let mut merged = Vec::new();
        for a in old.payload::<Tuple>().iter() {
            if is_placeholder(a) {
                merged.push(rest.next().unwrap_or_else(|| a.to_owned()));
            } else {
                merged.push(a.to_owned());
            }
        }
        merged.extend(rest);
        given = merged;
        keywords.payload::<Dict>().update(th, old_keywords.borrow())?;
    }
    for (k, v) in args.keywords() {
        keywords.payload::<Dict>().set(th, k, v.to_owned())?;
    }
    let n = given.iter().filter(|a| is_placeholder(a.borrow())).count();
    let payload = Partial {
        header: unborn(),
        function: Slot::new(target),
        args: Slot::new(th.new_tuple(given)),
        keywords: Slot::new(keywords),
        n_placeholders: AtomicUsize::new(n),
    };
    made(th, ty, payload)
}

/// Has somebody set attributes on this partial? (Then it must not be merged away.)
fn has_attributes(o: Borrowed<'_>) -> bool {
    let Some(h) = o.header() else { return false };
    // SAFETY: `h` is an instance of its own type.
    let slot = unsafe { o.ty().dict_slot(h) };
    let has_dict =
        slot.and_then(|s| s.get(h)).is_some_and(|d| d.downcast::<Dict>().is_some_and(|d| !d.is_empty()));
    has_dict || !o.shape().keys().is_empty()
}

fn call(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult {
    let p: &Partial = this(o);
    let (Some(function), Some(stored), Some(keywords)) =
        (p.function.get(&p.header), p.args.get(&p.header), p.keywords.get(&p.header))
    else {
        return Err(th.type_error("partial object is not initialised"));
    };
    let stored = stored.payload::<Tuple>();
    let given = args.pos();
    // ORDERING Relaxed: changes with `args` only, in `__setstate__`.
    let holes = p.n_placeholders.load(Ordering::Relaxed);
    if given.len() < holes {
        let msg = format!(
            "missing positional arguments in 'partial' call; expected at least {holes}, got {}",
            given.len()
        );
        return Err(th.type_error(&msg));
    }
    let d = keywords.payload::<Dict>();
    let entries = if d.is_empty() { Vec::new() } else { d.entries() };
    let room = stored.len() + args.all.len() - holes + entries.len();
    let mut view = View::with_room(room);
    let mut rest = given.iter().copied();
    for a in stored.iter() {
        if holes != 0 && is_placeholder(a) {
            view.push(rest.next().unwrap_or(Borrowed::none()));
        } else {
            view.push(a);
        }
    }
    rest.for_each(|a| view.push(a));
    let n_positional = view.as_slice().len();
    if entries.is_empty() {
        args.all[args.n_positional..].iter().for_each(|v| view.push(*v));
        return function
            .borrow()
            .call_args(th, Args { all: view.as_slice(), n_positional, names: args.names });
    }
    // Stored keywords first, overridden in place by those of the call.
    let mut names: Vec<Owned> = Vec::with_capacity(entries.len());
    for (k, v) in &entries {
        let newer = args.keywords().find(|(name, _)| same_name(*name, k.borrow()));
        view.push(newer.map_or(v.borrow(), |(_, v)| v));
        names.push(k.clone());
    }
    for (name, v) in args.keywords() {
        if !entries.iter().any(|(k, _)| same_name(name, k.borrow())) {
            view.push(v);
            names.push(name.to_owned());
        }
    }
    if names.iter().any(|n| n.downcast::<Str>().is_none()) {
        return Err(th.type_error("keywords must be strings"));
    }
    let names = th.new_tuple(names);
    function.borrow().call_args(th, Args { all: view.as_slice(), n_positional, names: names.borrow() })
}

fn same_name(a: Borrowed<'_>, b: Borrowed<'_>) -> bool {
    a.is(b.word())
        || matches!((a.downcast::<Str>(), b.downcast::<Str>()), (Some(a), Some(b)) if a.same_text(b))
}

fn bind(th: &mut Thread, o: Borrowed<'_>, instance: Option<Borrowed<'_>>, cls: Borrowed<'_>) -> PyResult {
    typhon_core::builtins::method::bind_function(th, o, instance, cls)
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    guarded_repr(th, o, "...", |th| {
        let mut out = field(o, |p| &p.function).borrow().repr_text(th)?;
        let (args, keywords) = (field(o, |p| &p.args), field(o, |p| &p.keywords));
        for a in args.payload::<Tuple>().iter() {
            out.push_str(", ");
            out.push_str(&a.repr_text(th)?);
        }
        for (k, v) in keywords.payload::<Dict>().entries() {
            out.push_str(", ");
            out.push_str(&k.borrow().str_text(th)?);
            out.push('=');
            out.push_str(&v.borrow().repr_text(th)?);
        }
        let exact = o.downcast_exact::<Partial>().is_some();
        let name = o.ty().short_name();
        let module = if exact { "functools".to_owned() } else { module_name(th, o)? };
        let qualified = if module == "builtins" { name } else { format!("{module}.{name}") };
        Ok(th.new_str(&format!("{qualified}({out})")))
    })
}

fn module_name(th: &mut Thread, o: Borrowed<'_>) -> PyResult<String> {
    let m = o.ty().as_value().getattr_str(th, "__module__")?;
    m.borrow().str_text(th)
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let o = a[0];
    let (function, args, keywords) =
        (field(o, |p| &p.function), field(o, |p| &p.args), field(o, |p| &p.keywords));
    let attributes = if has_attributes(o) { o.getattr_str(th, "__dict__")? } else { Owned::none() };
    let first = th.new_tuple(vec![function.clone()]);
    let state = th.new_tuple(vec![function, args, keywords, attributes]);
    let ty = o.ty().as_value().to_owned();
    Ok(th.new_tuple(vec![ty, first, state]))
}

fn setstate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let bad = |th: &mut Thread| Err(th.type_error("invalid partial state"));
    let Some(state) = a[1].downcast::<Tuple>().filter(|t| t.len() == 4) else { return bad(th) };
    let (function, args, keywords, attributes) = (state.get(0), state.get(1), state.get(2), state.get(3));
    let ok = function.is_callable()
        && args.downcast::<Tuple>().is_some()
        && (keywords.is_none() || keywords.downcast::<Dict>().is_some());
    if !ok {
        return bad(th);
    }
    let given: Vec<Owned> = args.to_vec(th)?;
    if given.last().is_some_and(|a| is_placeholder(a.borrow())) {
        return Err(th.type_error("trailing Placeholders are not allowed"));
    }
    let n = given.iter().filter(|a| is_placeholder(a.borrow())).count();
    let args = th.new_tuple(given);
    let copy = th.new_dict();
    if !keywords.is_none() {
        copy.payload::<Dict>().update(th, keywords)?;
    }
    let p: &Partial = this(a[0]);
    p.function.set(&p.header, function.to_owned());
    p.args.set(&p.header, args);
    p.keywords.set(&p.header, copy);
    // ORDERING Relaxed: threads that call a partial while its state is replaced see either.
    p.n_placeholders.store(n, Ordering::Relaxed);
    if !attributes.is_none() {
        let d = a[0].getattr_str(th, "__dict__")?;
        d.borrow().call_method_str(th, "update", &[attributes])?;
    }
    Ok(Owned::none())
}
