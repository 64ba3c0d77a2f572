//! Operations and methods of `dict`.

use typhon_text::StrBuf;

use super::lookup::Key;
use super::{DEF, Dict, Entry, both, iterator, view};
use crate::builtins::exceptions as ex;
use crate::builtins::sequence::{self, push_repr};
use crate::builtins::set::algebra as set;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::{Args, ArgsExt, CompareOp, SlotId, Slots};
use crate::thread::Thread;
use crate::typedef::{NativeDef, Safety, Shared};
use crate::types::Type;

pub const SLOTS: Slots = Slots {
    repr: Some(repr),
    compare: Some(compare),
    iter: Some(|th, o| Ok(iterator::keys(th, o))),
    new: Some(|th, ty, _| Ok(th.alloc_as(Dict::new(), ty))),
    init: Some(init),
    len: Some(|_, o| Ok(of(o).len())),
    getitem: Some(getitem),
    setitem: Some(setitem),
    contains: Some(|th, o, k| of(o).contains(th, k)),
    or: Some(or),
    inplace_or: Some(inplace_or),
    ..Slots::NONE
};

pub const SHARED: Shared = Shared::but(
    Safety::Locked,
    &[
        (Safety::Constant, "items keys values"),
        (Safety::LockFree, "__contains__ __getitem__ __len__ get"),
        (Safety::Each, "__iter__ __repr__ __reversed__"),
        (Safety::Both, "__eq__ __ior__ __ne__ update"),
        (Safety::Moments, "__or__ __ror__ fromkeys"),
        (Safety::Steps, "__init__"),
    ],
);

pub const METHODS: &[NativeDef] = &[
    NativeDef::new(
        "get",
        "($self, key, default=None, /)",
        get,
        "Return the value for key if key is in the dictionary, else default.",
    ),
    NativeDef::new(
        "setdefault",
        "($self, key, default=None, /)",
        setdefault,
        "Insert key with a value of default if key is not in the dictionary.\n\nReturn the value for key if key is in the dictionary, else default.",
    ),
    NativeDef::raw(
        "pop",
        "($self, key, default=<unrepresentable>, /)",
        pop,
        "D.pop(k[,d]) -> v, remove specified key and return the corresponding value.\n\nIf the key is not found, return the default if given; otherwise,\nraise a KeyError.",
    ),
    NativeDef::new(
        "popitem",
        "($self, /)",
        popitem,
        "Remove and return a (key, value) pair as a 2-tuple.\n\nPairs are returned in LIFO (last-in, first-out) order.\nRaises KeyError if the dict is empty.",
    ),
    NativeDef::new(
        "keys",
        "($self, /)",
        |th, a| Ok(view::keys(th, a[0])),
        "Return a set-like object providing a view on the dict's keys.",
    ),
    NativeDef::new(
        "items",
        "($self, /)",
        |th, a| Ok(view::items(th, a[0])),
        "Return a set-like object providing a view on the dict's items.",
    ),
    NativeDef::new(
        "values",
        "($self, /)",
        |th, a| Ok(view::values(th, a[0])),
        "Return an object providing a view on the dict's values.",
    ),
    NativeDef::raw(
        "update",
        "($self, iterable=(), /, **kwargs)",
        update_method,
        "D.update([E, ]**F) -> None.  Update D from mapping/iterable E and F.\nIf E is present and has a .keys() method, then does:  for k in E.keys(): D[k] = E[k]\nIf E is present and lacks a .keys() method, then does:  for k, v in E: D[k] = v\nIn either case, this is followed by: for k in F:  D[k] = F[k]",
    ),
    NativeDef::new(
        "fromkeys",
        "($cls, iterable, value=None, /)",
        fromkeys,
        "Create a new dictionary with keys from iterable and values set to value.",
    )
    .class(),
    NativeDef::new("clear", "($self, /)", clear, "Remove all items from the dict."),
    NativeDef::new("copy", "($self, /)", |th, a| Ok(of(a[0]).copy(th)), "Return a shallow copy of the dict."),
    NativeDef::new(
        "__reversed__",
        "($self, /)",
        |th, a| Ok(iterator::reversed_keys(th, a[0])),
        "Return a reverse iterator over the dict keys.",
    ),
    NativeDef::new("__sizeof__", "($self, /)", sizeof, "Return the size of the dict in memory."),
    crate::builtins::generic_alias::CLASS_GETITEM,
];

#[inline(always)]
pub(super) fn of<'a>(o: Borrowed<'a>) -> &'a Dict {
    o.downcast::<Dict>().expect("checked by the slot's type")
}

fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    update_args(th, of(o), "dict", args)
}

fn update_method(th: &mut Thread, args: Args<'_>) -> PyResult {
    update_args(th, of(args.all[0]), "update", args.rest())?;
    Ok(Owned::none())
}

/// What `dict(...)` and `update(...)` do with their arguments.
fn update_args(th: &mut Thread, d: &Dict, name: &str, args: Args<'_>) -> PyResult<()> {
    let n = args.n_positional;
    if n > 1 {
        return Err(th.type_error(&format!("{name} expected at most 1 argument, got {n}")));
    }
    if let Some(source) = args.pos().first() {
        update(th, d, *source)?;
    }
    for (name, v) in args.keywords() {
        d.set(th, name, v.to_owned())?;
    }
    Ok(())
}

/// `d.update(source)`: a mapping, or an iterable of pairs.
pub fn update(th: &mut Thread, d: &Dict, source: Borrowed<'_>) -> PyResult<()> {
    if let Some(other) = plain(source) {
        return merge(th, d, other, true);
    }
    let keys = th.rt.names.keys.get();
    if let Some(f) = source.getattr_opt(th, keys)? {
        return merge_mapping(th, d, source, f, true);
    }
    update_from_pairs(th, d, source)
}

/// A dict whose iteration is not overridden.
fn plain<'a>(source: Borrowed<'a>) -> Option<&'a Dict> {
    let other = source.downcast::<Dict>()?;
    let iter = |ty: &Type| ty.slots.raw(SlotId::iter);
    (iter(source.ty()) == iter(DEF.ty())).then_some(other)
}

/// Adds the entries of any mapping; `replace` false leaves keys that are there already alone.
pub fn merge_any(th: &mut Thread, d: &Dict, source: Borrowed<'_>, replace: bool) -> PyResult<()> {
    if let Some(other) = plain(source) {
        return merge(th, d, other, replace);
    }
    let keys = th.rt.names.keys.get();
    let f = source.getattr(th, keys)?;
    merge_mapping(th, d, source, f, replace)
}

/// Adds the entries of another dict. Both are locked: another thread sees all of it or nothing, unless keys have to
/// be compared by running code; then the locks are given back for the comparison.
///
/// Errors: what `__eq__` raises; RuntimeError if `other` changes size during a comparison.
pub fn merge(th: &mut Thread, d: &Dict, other: &Dict, replace: bool) -> PyResult<()> {
    if core::ptr::eq(d, other) || other.is_empty() {
        return Ok(());
    }
    let mut pos = 0;
    while let Some(both::Asked { key, hash, value, n }) = both::merge(d, other, replace, &mut pos) {
        let key = Key::hashed(key.borrow(), hash);
        if replace {
            drop(d.set_key(Some(th), &key, value)?);
        } else {
            d.insert_if_absent(Some(th), &key, value)?;
        }
        if other.len() != n {
            return Err(th.runtime_error("dict mutated during update"));
        }
    }
    Ok(())
}

fn merge_mapping(
    th: &mut Thread,
    d: &Dict,
    source: Borrowed<'_>,
    keys: Owned,
    replace: bool,
) -> PyResult<()> {
    let keys = keys.borrow().call(th, &[])?;
    let it = keys.borrow().iter(th)?;
    while let Some(k) = it.borrow().next(th)? {
        if !replace && d.contains(th, k.borrow())? {
            continue;
        }
        let v = source.getitem(th, k.borrow())?;
        d.set(th, k.borrow(), v)?;
        th.drain_drops();
    }
    Ok(())
}

fn update_from_pairs(th: &mut Thread, d: &Dict, source: Borrowed<'_>) -> PyResult<()> {
    let it = source.iter(th)?;
    let mut i = 0;
    while let Some(item) = it.borrow().next(th)? {
        let pair = match item.borrow().to_vec(th) {
            Ok(pair) => pair,
            Err(raised) if th.exc_is(&ex::TYPE_ERROR) => {
                if item.borrow().ty().slots.iter().is_some() {
                    return Err(raised);
                }
                drop(th.catch(raised));
                let msg = format!("cannot convert dictionary update sequence element #{i} to a sequence");
                return Err(th.type_error(&msg));
            }
            Err(raised) => return Err(raised),
        };
        let n = pair.len();
        let Ok([k, v]) = <[Owned; 2]>::try_from(pair) else {
            let msg = format!("dictionary update sequence element #{i} has length {n}; 2 is required");
            return Err(th.value_error(&msg));
        };
        d.set(th, k.borrow(), v)?;
        i += 1;
    }
    Ok(())
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let d = of(o);
    if d.is_empty() {
        return Ok(th.new_str("{}"));
    }
    sequence::guarded_repr(th, o, "{...}", |th| {
        let mut out = StrBuf::with_capacity(d.len() * 8 + 2);
        out.push_str("{");
        let (mut pos, mut first) = (0, true);
        while let Some((k, v)) = d.next_entry(&mut pos) {
            if !first {
                out.push_str(", ");
            }
            first = false;
            push_repr(th, &mut out, k.borrow())?;
            out.push_str(": ");
            push_repr(th, &mut out, v.borrow())?;
        }
        out.push_str("}");
        Ok(th.new_str_buf(out))
    })
}

fn compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast::<Dict>(), b.downcast::<Dict>()) else {
        return Ok(Owned::not_implemented());
    };
    match op {
        CompareOp::Eq => Ok(Owned::bool(equal(th, x, y)?)),
        CompareOp::Ne => Ok(Owned::bool(!equal(th, x, y)?)),
        _ => Ok(Owned::not_implemented()),
    }
}

/// Under the locks of both as long as comparisons run no code.
fn equal(th: &mut Thread, x: &Dict, y: &Dict) -> PyResult<bool> {
    let mut pos = 0;
    loop {
        let (key, hash, value) = match both::compare(x, y, &mut pos) {
            both::Equal::Known(answer) => return Ok(answer),
            both::Equal::Ask(key, hash, value) => (key, hash, value),
        };
        th.check_native_stack(" in comparison")?;
        match y.get_key(Some(th), &Key::hashed(key.borrow(), hash))? {
            Some(w) if value.borrow().equals(th, w.borrow())? => {}
            _ => return Ok(false),
        }
    }
}

pub fn getitem(th: &mut Thread, o: Borrowed<'_>, key: Borrowed<'_>) -> PyResult {
    let d = of(o);
    if let Some(v) = d.get(th, key)? {
        return Ok(v);
    }
    missing(th, o, key)
}

/// What `d[key]` does when the key is not there.
#[cold]
#[inline(never)]
pub fn missing(th: &mut Thread, o: Borrowed<'_>, key: Borrowed<'_>) -> PyResult {
    if o.downcast_exact::<Dict>().is_none() {
        let name = th.rt.names.__missing__.get();
        if let Some(v) = o.call_special(th, name, &[key])? {
            return Ok(v);
        }
    }
    Err(th.key_error(key))
}

fn setitem(th: &mut Thread, o: Borrowed<'_>, key: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    match v {
        Some(v) => of(o).set(th, key, v.to_owned()),
        None => match of(o).remove(th, key)? {
            Some(_) => Ok(()),
            None => Err(th.key_error(key)),
        },
    }
}

fn or(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast::<Dict>(), b.downcast::<Dict>()) else {
        return Ok(Owned::not_implemented());
    };
    let new = x.copy(th);
    if plain(b).is_some() {
        merge(th, new.payload::<Dict>(), y, true)?;
    } else {
        update(th, new.payload::<Dict>(), b)?;
    }
    Ok(new)
}

fn inplace_or(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    update(th, of(a), b)?;
    Ok(a.to_owned())
}

pub fn get(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    match of(a[0]).get(th, a[1])? {
        Some(v) => Ok(v),
        None => Ok(a.opt(2).map_or(Owned::none(), Borrowed::to_owned)),
    }
}

fn setdefault(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let default = a.opt(2).map_or(Owned::none(), Borrowed::to_owned);
    match of(a[0]).set_default(th, a[1], default.clone())? {
        Entry::Found(v) => Ok(v),
        Entry::Inserted => Ok(default),
    }
}

fn pop(th: &mut Thread, args: Args<'_>) -> PyResult {
    sequence::positional_only(th, "pop", args.rest(), 1, 2)?;
    let d = of(args.all[0]);
    let key = args.all[1];
    if d.is_empty() && args.n_positional < 3 {
        return Err(th.key_error(key));
    }
    match d.remove(th, key)? {
        Some(v) => Ok(v),
        None => match args.pos().get(2) {
            Some(default) => Ok((*default).to_owned()),
            None => Err(th.key_error(key)),
        },
    }
}

fn popitem(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    match of(a[0]).pop_last() {
        Some((k, v)) => Ok(th.new_pair(k, v)),
        None => {
            let msg = th.new_str("popitem(): dictionary is empty");
            Err(th.key_error(msg.borrow()))
        }
    }
}

fn fromkeys(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let value = a.opt(2).unwrap_or(Borrowed::none());
    let exact = a[0].is(DEF.ty().as_value().word());
    let made = if exact { th.new_dict() } else { a[0].call(th, &[])? };
    // The keys of one moment, where they have one.
    let hashed = a[1].downcast_exact::<Dict>().is_some() || set::is_plain(a[1]);
    let keys = if hashed { a[1].snapshot(th).map(|keys| th.new_list(keys)) } else { None };
    let it = keys.as_ref().map_or(a[1], Owned::borrow).iter(th)?;
    let direct = made.borrow().downcast_exact::<Dict>();
    if let Some(d) = direct {
        let hint = a[1].length_hint(th, 0)?;
        d.reserve(hint.min(1 << 20));
    }
    while let Some(k) = it.borrow().next(th)? {
        match direct {
            Some(d) => d.set(th, k.borrow(), value.to_owned())?,
            None => made.borrow().setitem(th, k.borrow(), value)?,
        }
    }
    Ok(made)
}

fn clear(_: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    of(a[0]).clear();
    Ok(Owned::none())
}

fn sizeof(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let bytes = of(a[0]).table_bytes();
    Ok(th.new_int((a[0].ty().basic_size() as usize + bytes) as i64))
}

impl Dict {
    /// A plain dict with the same entries.
    pub fn copy(&self, th: &mut Thread) -> Owned {
        let d = self.copy_payload();
        th.alloc(d)
    }

    /// `d.update(source)`
    pub fn update(&self, th: &mut Thread, source: Borrowed<'_>) -> PyResult<()> {
        update(th, self, source)
    }
}

/// The type whose instances may be made without running Python code.
pub fn is_plain_dict(ty: &Type) -> bool {
    core::ptr::eq(ty, DEF.ty())
}
