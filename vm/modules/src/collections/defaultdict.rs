//! `defaultdict`.

use typhon_core::builtins::dict::{self, Dict, Entry};
use typhon_core::builtins::sequence::guarded_repr;
use typhon_core::typedef::Layout;
use typhon_core::{
    Args, Beside, Borrowed, GetSetDef, NativeDef, Owned, Payload, PyResult, Safety, Shared, Slot, Slots,
    Thread, Trace, TypeDef, Word, type_flags,
};

use crate::args::{made, this};

/// `collections.defaultdict`: a dict and the factory of missing values.
#[repr(C)]
pub struct DefaultDict {
    dict: Dict,
    factory: Slot,
}

impl Trace for DefaultDict {
    const BESIDE: Beside = <Dict as Trace>::BESIDE;

    fn trace(&self, visit: &mut dyn FnMut(Word)) {
        self.dict.trace(visit);
        self.factory.trace(visit);
    }
    fn clear(&mut self, drop: &mut dyn FnMut(Word)) {
        Trace::clear(&mut self.dict, drop);
        Trace::clear(&mut self.factory, drop);
    }
}

// SAFETY: repr(C); a dict begins with its header; every field is traced.
unsafe impl Payload for DefaultDict {
    const DEF: &'static TypeDef = &DEFAULT_DICT;
}

pub static DEFAULT_DICT: TypeDef = TypeDef {
    module: "collections",
    base: Some(&dict::DEF),
    kind: 0,
    flags: type_flags::BASE | type_flags::GC | type_flags::MAPPING | type_flags::WEAKREF,
    layout: Layout::of::<DefaultDict>(),
    doc: "defaultdict(default_factory=None, /, [...]) --> dict with default factory\n\nThe default factory is called \
          without arguments to produce\na new value when a key is not present, in __getitem__ only.\nA defaultdict \
          compares equal to a dict with the same items.\nAll remaining arguments are treated the same as if they \
          were\npassed to the dict constructor, including keyword arguments.",
    slots: Slots {
        new: Some(|th, ty, _| made(th, ty, DefaultDict { dict: Dict::new(), factory: Slot::empty() })),
        init: Some(init),
        repr: Some(repr),
        or: Some(or),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new(
            "__missing__",
            "($self, key, /)",
            |th, a| missing(th, a[0], a[1]),
            "__missing__(key) # Called by __getitem__ for missing key; pseudo-code:\n  if self.default_factory is None: \
             raise KeyError((key,))\n  self[key] = value = self.default_factory()\n  return value",
        ),
        NativeDef::new("copy", "($self, /)", |th, a| copy(th, a[0]), "D.copy() -> a shallow copy of D."),
        NativeDef::new("__copy__", "($self, /)", |th, a| copy(th, a[0]), "D.copy() -> a shallow copy of D."),
        NativeDef::new("__reduce__", "($self, /)", reduce, "Return state information for pickling."),
        typhon_core::builtins::generic_alias::CLASS_GETITEM,
    ],
    getset: &[GetSetDef {
        name: "default_factory",
        get: |_, o| Ok(factory(o)),
        set: Some(|_, o, v| {
            let d: &DefaultDict = this(o);
            d.factory.set(&d.dict.header, v.map_or_else(Owned::none, Borrowed::to_owned));
            Ok(())
        }),
        doc: "Factory for default value called by __missing__().",
    }],
    shared: Some(
        Shared::but(
            Safety::Locked,
            &[(Safety::Steps, "__getitem__ __init__ __missing__"), (Safety::Constant, "items keys values")],
        )
        .note(
            "What is not named is as for dict. Two threads that miss the same key may both call the factory.",
        ),
    ),
    ..TypeDef::of::<DefaultDict>("defaultdict")
};

fn factory(o: Borrowed<'_>) -> Owned {
    let d: &DefaultDict = this(o);
    d.factory.get(&d.dict.header).unwrap_or_else(Owned::none)
}

fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    let d: &DefaultDict = this(o);
    let mut rest = args;
    let mut f = Owned::none();
    if let Some(first) = args.pos().first() {
        if !first.is_none() && !first.is_callable() {
            return Err(th.type_error("first argument must be callable or None"));
        }
        f = Borrowed::to_owned(*first);
        rest = args.rest();
    }
    d.factory.set(&d.dict.header, f);
    match dict::DEF.ty().slots.init() {
        Some(init) => init(th, o, rest),
        None => Ok(()),
    }
}

fn missing(th: &mut Thread, o: Borrowed<'_>, key: Borrowed<'_>) -> PyResult {
    let f = factory(o);
    if f.is_none() {
        return Err(th.key_error(key));
    }
    let v = f.borrow().call(th, &[])?;
    let d: &DefaultDict = this(o);
    if core::ptr::eq(o.ty(), DEFAULT_DICT.ty()) {
        // Threads that miss the same key at once agree on one value.
        return Ok(match d.dict.set_default(th, key, v.clone())? {
            Entry::Found(first) => first,
            Entry::Inserted => v,
        });
    }
    o.setitem(th, key, v.borrow())?;
    Ok(v)
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let f = factory(o);
    // A factory may be a method of this very object.
    let f = guarded_repr(th, o, "...", |th| f.borrow().repr(th))?;
    let f = f.borrow().str_text(th)?;
    let inner = match dict::DEF.ty().slots.repr() {
        Some(repr) => repr(th, o)?,
        None => typhon_core::builtins::object::default_repr(th, o)?,
    };
    let mut out = typhon_text::StrBuf::with_capacity(64);
    out.push_str(&format!("{}({f}, ", o.ty().short_name()));
    if let Some(s) = inner.downcast::<typhon_core::builtins::str::Str>() {
        out.push_data(s.data());
    }
    out.push_str(")");
    Ok(th.new_str_buf(out))
}

fn copy(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let f = factory(o);
    if core::ptr::eq(o.ty(), DEFAULT_DICT.ty()) {
        let d: &DefaultDict = this(o);
        let dict = d.dict.copy_payload();
        return Ok(th.alloc(DefaultDict { dict, factory: Slot::new(f) }));
    }
    o.ty().as_value().call(th, &[f.borrow(), o])
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let f = factory(a[0]);
    let args = if f.is_none() { th.new_tuple(vec![]) } else { th.new_tuple(vec![f]) };
    let items = a[0].call_method_str(th, "items", &[])?;
    let items = items.borrow().iter(th)?;
    let ty = a[0].ty().as_value().to_owned();
    Ok(th.new_tuple(vec![ty, args, Owned::none(), Owned::none(), items]))
}

fn or(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    let (left, right) = (a.downcast::<DefaultDict>(), b.downcast::<DefaultDict>());
    let owner = if left.is_some() { a } else { b };
    if right.is_none() && left.is_none() || a.downcast::<Dict>().is_none() || b.downcast::<Dict>().is_none() {
        return Ok(Owned::not_implemented());
    }
    let f = factory(owner);
    let new = owner.ty().as_value().call(th, &[f.borrow(), a])?;
    match new.downcast::<Dict>() {
        Some(d) => d.update(th, b)?,
        None => return Ok(Owned::not_implemented()),
    }
    Ok(new)
}
