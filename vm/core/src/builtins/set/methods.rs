//! Operators and methods of `set` and `frozenset`.

use typhon_sync::prim::Ordering;

use typhon_text::StrBuf;
use typhon_text::hash::FrozenSetHasher;

use super::algebra::{
    base_type, difference, difference_update, each, intersection, intersection_update, is_disjoint, is_plain,
    is_subset, payload_from, symmetric_difference_update, update,
};
use super::{FROZEN, FrozenSet, Set, element};
use crate::builtins::dict::lookup::Key;
use crate::builtins::exceptions as ex;
use crate::builtins::generic_alias::CLASS_GETITEM;
use crate::builtins::sequence::{self, push_repr};
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::{Args, CompareOp, Slots};
use crate::thread::Thread;
use crate::typedef::{NativeDef, Safety, Shared};
use crate::types::Type;

/// What both types have.
const COMMON: Slots = Slots {
    repr: Some(repr),
    compare: Some(compare),
    iter: Some(|th, o| Ok(super::iterator::new(th, o))),
    len: Some(|_, o| Ok(of(o).len())),
    contains: Some(contains),
    and: Some(and),
    or: Some(or),
    xor: Some(xor),
    subtract: Some(subtract),
    ..Slots::NONE
};

pub const SLOTS: Slots = Slots {
    new: Some(|th, ty, _| Ok(th.alloc_as(Set::new(), ty))),
    init: Some(init),
    inplace_and: Some(inplace_and),
    inplace_or: Some(inplace_or),
    inplace_xor: Some(inplace_xor),
    inplace_subtract: Some(inplace_subtract),
    ..COMMON
};

pub const FROZEN_SLOTS: Slots = Slots { new: Some(new_frozen), hash: Some(hash), ..COMMON };

const COPY: NativeDef = NativeDef::new("copy", "($self, /)", copy, "Return a shallow copy of a set.");
const DIFFERENCE: NativeDef = NativeDef::raw(
    "difference",
    "($self, /, *others)",
    difference_method,
    "Return a new set with elements in the set that are not in the others.",
);
const INTERSECTION: NativeDef = NativeDef::raw(
    "intersection",
    "($self, /, *others)",
    intersection_method,
    "Return a new set with elements common to the set and all others.",
);
const ISDISJOINT: NativeDef = NativeDef::new(
    "isdisjoint",
    "($self, other, /)",
    isdisjoint,
    "Return True if two sets have a null intersection.",
);
const ISSUBSET: NativeDef = NativeDef::new(
    "issubset",
    "($self, other, /)",
    issubset,
    "Report whether another set contains this set.",
);
const ISSUPERSET: NativeDef = NativeDef::new(
    "issuperset",
    "($self, other, /)",
    issuperset,
    "Report whether this set contains another set.",
);
const SYMMETRIC_DIFFERENCE: NativeDef = NativeDef::new(
    "symmetric_difference",
    "($self, other, /)",
    symmetric_difference,
    "Return a new set with elements in either the set or other but not both.",
);
const UNION: NativeDef = NativeDef::raw(
    "union",
    "($self, /, *others)",
    union,
    "Return a new set with elements from the set and all others.",
);
const REDUCE: NativeDef =
    NativeDef::new("__reduce__", "($self, /)", reduce, "Return state information for pickling.");
const SIZEOF: NativeDef =
    NativeDef::new("__sizeof__", "($self, /)", sizeof, "S.__sizeof__() -> size of S in memory, in bytes.");

const BOTH: &str = "__and__ __eq__ __ge__ __gt__ __le__ __lt__ __ne__ __rand__ __rsub__ __sub__ difference intersection \
                    isdisjoint issubset issuperset";
const MOMENTS: &str = "__or__ __ror__ __rxor__ __xor__ symmetric_difference union";

pub const SHARED: Shared = Shared::but(
    Safety::Locked,
    &[
        (Safety::LockFree, "__contains__ __len__"),
        (Safety::Each, "__iter__"),
        (Safety::Both, BOTH),
        (
            Safety::Both,
            "__iand__ __ior__ __isub__ __ixor__ difference_update intersection_update symmetric_difference_update update",
        ),
        (Safety::Moments, MOMENTS),
        (Safety::Steps, "__init__ __reduce__"),
    ],
)
.note(
    "With several arguments, methods take one after the other. A dict counts for `update`, `-=` and the like; with other \
     iterables `intersection_update` loses what is added meanwhile.",
);

pub const FROZEN_SHARED: Shared =
    Shared::but(Safety::Constant, &[(Safety::Both, BOTH), (Safety::Moments, MOMENTS)]);

pub const FROZEN_METHODS: &[NativeDef] = &[
    COPY,
    DIFFERENCE,
    INTERSECTION,
    ISDISJOINT,
    ISSUBSET,
    ISSUPERSET,
    SYMMETRIC_DIFFERENCE,
    UNION,
    REDUCE,
    SIZEOF,
    CLASS_GETITEM,
];

pub const METHODS: &[NativeDef] = &[
    COPY,
    DIFFERENCE,
    INTERSECTION,
    ISDISJOINT,
    ISSUBSET,
    ISSUPERSET,
    SYMMETRIC_DIFFERENCE,
    UNION,
    REDUCE,
    SIZEOF,
    CLASS_GETITEM,
    NativeDef::new(
        "add",
        "($self, object, /)",
        add,
        "Add an element to a set.\n\nThis has no effect if the element is already present.",
    ),
    NativeDef::new("clear", "($self, /)", clear, "Remove all elements from this set."),
    NativeDef::new(
        "discard",
        "($self, object, /)",
        discard,
        "Remove an element from a set if it is a member.\n\nUnlike set.remove(), the discard() method does not raise\nan exception when an element is missing from the set.",
    ),
    NativeDef::new(
        "pop",
        "($self, /)",
        pop,
        "Remove and return an arbitrary set element.\n\nRaises KeyError if the set is empty.",
    ),
    NativeDef::new(
        "remove",
        "($self, object, /)",
        remove,
        "Remove an element from a set; it must be a member.\n\nIf the element is not a member, raise a KeyError.",
    ),
    NativeDef::raw(
        "update",
        "($self, /, *others)",
        update_method,
        "Update the set, adding elements from all others.",
    ),
    NativeDef::raw(
        "difference_update",
        "($self, /, *others)",
        difference_update_method,
        "Update the set, removing elements found in others.",
    ),
    NativeDef::raw(
        "intersection_update",
        "($self, /, *others)",
        intersection_update_method,
        "Update the set, keeping only elements found in it and all others.",
    ),
    NativeDef::new(
        "symmetric_difference_update",
        "($self, other, /)",
        symmetric_update,
        "Update the set, keeping only elements found in either set, but not in both.",
    ),
];

#[inline(always)]
fn of<'a>(o: Borrowed<'a>) -> &'a Set {
    o.downcast::<Set>().expect("checked by the slot's type")
}

fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    sequence::positional_only(th, "set", args, 0, 1)?;
    let s = of(o);
    if !s.is_empty() {
        s.clear();
    }
    match args.pos().first() {
        Some(source) => {
            if let Some(other) = source.downcast::<Set>() {
                s.replace_with(other.copy_payload());
                return Ok(());
            }
            update(th, s, *source)
        }
        None => Ok(()),
    }
}

fn new_frozen(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let exact = core::ptr::eq(ty, FROZEN.ty());
    let Some(source) = sequence::constructor_arg(th, "frozenset", args, exact)? else {
        return Ok(th.alloc_as(Set::new().into_frozen(), ty));
    };
    if exact && source.downcast_exact::<FrozenSet>().is_some() {
        return Ok(source.to_owned());
    }
    let s = payload_from(th, source)?;
    Ok(th.alloc_as(s.into_frozen(), ty))
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let s = of(o);
    let plain = o.downcast_exact::<Set>().is_some();
    let name = o.type_name(th);
    if s.is_empty() {
        return Ok(th.new_str(&format!("{name}()")));
    }
    sequence::guarded_repr(th, o, &format!("{name}(...)"), |th| {
        let mut out = StrBuf::with_capacity(s.len() * 4 + 16);
        if !plain {
            out.push_str(&name);
            out.push_str("(");
        }
        out.push_str("{");
        for (i, v) in s.to_vec().iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            push_repr(th, &mut out, v.borrow())?;
        }
        out.push_str(if plain { "}" } else { "})" });
        Ok(th.new_str_buf(out))
    })
}

fn hash(_: &mut Thread, o: Borrowed<'_>) -> PyResult<i64> {
    let s = of(o);
    // ORDERING Relaxed: every thread computes the same value.
    let known = s.hash.load(Ordering::Relaxed);
    if known != -1 {
        return Ok(known);
    }
    let h = frozen_hash(s);
    s.hash.store(h, Ordering::Relaxed);
    Ok(h)
}

fn frozen_hash(s: &Set) -> i64 {
    let mut h = FrozenSetHasher::new();
    let (mut pos, mut n) = (0, 0);
    while let Some((_, hash)) = s.next_key(&mut pos) {
        h.add(hash);
        n += 1;
    }
    h.finish(n)
}

fn compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast::<Set>(), b.downcast::<Set>()) else {
        return Ok(Owned::not_implemented());
    };
    let answer = match op {
        CompareOp::Eq => is_subset(th, x, y, |m, n| m == n)?,
        CompareOp::Ne => !is_subset(th, x, y, |m, n| m == n)?,
        CompareOp::Le => is_subset(th, x, y, |m, n| m <= n)?,
        CompareOp::Ge => is_subset(th, y, x, |m, n| m <= n)?,
        CompareOp::Lt => is_subset(th, x, y, |m, n| m < n)?,
        CompareOp::Gt => is_subset(th, y, x, |m, n| m < n)?,
    };
    Ok(Owned::bool(answer))
}

/// Hashes an element that is looked for: a set is looked for as the frozenset it equals.
fn sought<R>(
    th: &mut Thread,
    value: Borrowed<'_>,
    f: impl FnOnce(&mut Thread, &Key<'_>) -> PyResult<R>,
) -> PyResult<R> {
    match element(th, value) {
        Ok(key) => f(th, &key),
        Err(raised) if value.downcast::<Set>().is_some() && th.exc_is(&ex::TYPE_ERROR) => {
            drop(th.catch(raised));
            let hash = frozen_hash(of(value));
            f(th, &Key::hashed(value, hash))
        }
        Err(raised) => Err(raised),
    }
}

fn contains(th: &mut Thread, o: Borrowed<'_>, v: Borrowed<'_>) -> PyResult<bool> {
    sought(th, v, |th, key| of(o).contains_key(th, key))
}

fn both<'a>(a: Borrowed<'a>, b: Borrowed<'a>) -> Option<(&'a Set, &'a Set)> {
    Some((a.downcast::<Set>()?, b.downcast::<Set>()?))
}

fn and(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    let Some((x, _)) = both(a, b) else { return Ok(Owned::not_implemented()) };
    let out = intersection(th, x, b)?;
    Ok(out.alloc(th, base_type(a)))
}

fn or(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    let Some((x, y)) = both(a, b) else { return Ok(Owned::not_implemented()) };
    let out = match x.joined(y) {
        Some(out) => out,
        None => {
            let out = x.copy_payload();
            update(th, &out, b)?;
            out
        }
    };
    Ok(out.alloc(th, base_type(a)))
}

fn xor(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    let Some((x, _)) = both(a, b) else { return Ok(Owned::not_implemented()) };
    let out = x.copy_payload();
    symmetric_difference_update(th, &out, b)?;
    Ok(out.alloc(th, base_type(a)))
}

fn subtract(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    let Some((x, _)) = both(a, b) else { return Ok(Owned::not_implemented()) };
    let out = difference(th, x, b)?;
    Ok(out.alloc(th, base_type(a)))
}

fn inplace_or(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    let Some((x, _)) = both(a, b) else { return Ok(Owned::not_implemented()) };
    update(th, x, b)?;
    Ok(a.to_owned())
}

fn inplace_and(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    let Some((x, _)) = both(a, b) else { return Ok(Owned::not_implemented()) };
    intersection_update(th, x, b)?;
    Ok(a.to_owned())
}

fn inplace_xor(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    let Some((x, _)) = both(a, b) else { return Ok(Owned::not_implemented()) };
    symmetric_difference_update(th, x, b)?;
    Ok(a.to_owned())
}

fn inplace_subtract(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    let Some((x, _)) = both(a, b) else { return Ok(Owned::not_implemented()) };
    difference_update(th, x, b)?;
    Ok(a.to_owned())
}

fn copy(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if a[0].downcast_exact::<FrozenSet>().is_some() {
        return Ok(a[0].to_owned());
    }
    let out = of(a[0]).copy_payload();
    Ok(out.alloc(th, base_type(a[0])))
}

/// The other arguments of a method that takes any number of iterables.
fn others<'a>(th: &mut Thread, name: &str, args: Args<'a>) -> PyResult<&'a [Borrowed<'a>]> {
    if args.has_keywords() {
        return Err(th.type_error(&format!("{name}() takes no keyword arguments")));
    }
    Ok(&args.all[1..])
}

fn union(th: &mut Thread, args: Args<'_>) -> PyResult {
    let out = of(args.all[0]).copy_payload();
    for o in others(th, "set.union", args)? {
        update(th, &out, *o)?;
    }
    Ok(out.alloc(th, base_type(args.all[0])))
}

fn update_method(th: &mut Thread, args: Args<'_>) -> PyResult {
    for o in others(th, "set.update", args)? {
        update(th, of(args.all[0]), *o)?;
    }
    Ok(Owned::none())
}

fn intersection_of(th: &mut Thread, name: &str, args: Args<'_>) -> PyResult<Set> {
    let mut out = of(args.all[0]).copy_payload();
    for o in others(th, name, args)? {
        out = intersection(th, &out, *o)?;
    }
    Ok(out)
}

fn intersection_method(th: &mut Thread, args: Args<'_>) -> PyResult {
    let out = intersection_of(th, "set.intersection", args)?;
    Ok(out.alloc(th, base_type(args.all[0])))
}

fn intersection_update_method(th: &mut Thread, args: Args<'_>) -> PyResult {
    if let [other] = others(th, "set.intersection_update", args)? {
        intersection_update(th, of(args.all[0]), *other)?;
        return Ok(Owned::none());
    }
    let out = intersection_of(th, "set.intersection_update", args)?;
    of(args.all[0]).replace_with(out);
    Ok(Owned::none())
}

fn difference_method(th: &mut Thread, args: Args<'_>) -> PyResult {
    let me = of(args.all[0]);
    let others = others(th, "set.difference", args)?;
    let mut out = match others.first() {
        Some(o) => difference(th, me, *o)?,
        None => me.copy_payload(),
    };
    for o in others.iter().skip(1) {
        out = difference(th, &out, *o)?;
    }
    Ok(out.alloc(th, base_type(args.all[0])))
}

fn difference_update_method(th: &mut Thread, args: Args<'_>) -> PyResult {
    for o in others(th, "set.difference_update", args)? {
        difference_update(th, of(args.all[0]), *o)?;
    }
    Ok(Owned::none())
}

fn symmetric_difference(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let out = of(a[0]).copy_payload();
    symmetric_difference_update(th, &out, a[1])?;
    Ok(out.alloc(th, base_type(a[0])))
}

fn symmetric_update(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    symmetric_difference_update(th, of(a[0]), a[1])?;
    Ok(Owned::none())
}

fn isdisjoint(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let s = of(a[0]);
    if let Some(other) = a[1].downcast::<Set>() {
        return Ok(Owned::bool(is_disjoint(th, s, other)?));
    }
    let mut disjoint = true;
    each(th, a[1], |th, key| {
        disjoint = !s.contains_key(th, key)?;
        Ok(disjoint)
    })?;
    Ok(Owned::bool(disjoint))
}

/// The keys of any iterable as a set: itself if it is one.
fn as_set(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    if o.downcast::<Set>().is_some() { Ok(o.to_owned()) } else { super::new_from(th, o) }
}

fn issubset(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let other = as_set(th, a[1])?;
    Ok(Owned::bool(is_subset(th, of(a[0]), of(other.borrow()), |m, n| m <= n)?))
}

fn issuperset(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if is_plain(a[1]) {
        return Ok(Owned::bool(is_subset(th, of(a[1]), of(a[0]), |m, n| m <= n)?));
    }
    let mut all = true;
    each(th, a[1], |th, key| {
        all = of(a[0]).contains_key(th, key)?;
        Ok(all)
    })?;
    Ok(Owned::bool(all))
}

fn add(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    of(a[0]).add(th, a[1])?;
    Ok(Owned::none())
}

fn clear(_: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    of(a[0]).clear();
    Ok(Owned::none())
}

fn discard(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    sought(th, a[1], |th, key| of(a[0]).discard_key(th, key))?;
    Ok(Owned::none())
}

fn remove(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if sought(th, a[1], |th, key| of(a[0]).discard_key(th, key))? {
        Ok(Owned::none())
    } else {
        Err(th.key_error(a[1]))
    }
}

fn pop(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    match of(a[0]).pop() {
        Some(v) => Ok(v),
        None => {
            let msg = th.new_str("pop from an empty set");
            Err(th.key_error(msg.borrow()))
        }
    }
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let items = th.new_list(of(a[0]).to_vec());
    let args = th.new_tuple(vec![items]);
    let name = th.rt.names.__getstate__.get();
    let state = a[0].call_method(th, name, &[])?;
    let ty = a[0].ty().as_value().to_owned();
    Ok(th.new_tuple(vec![ty, args, state]))
}

fn sizeof(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let s = of(a[0]);
    let table = {
        let _guard = s.lock();
        if s.table().is_nothing() { 0 } else { s.table().block().1 }
    };
    Ok(th.new_int((a[0].ty().basic_size() as usize + table) as i64))
}
