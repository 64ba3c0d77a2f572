//! `dict_keys`, `dict_values` and `dict_items`.

use typhon_text::StrBuf;

use super::methods::of as dict_of;
use super::{Dict, iterator};
use crate::builtins::sequence::{self, push_repr};
use crate::builtins::set::{self, Set};
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{CompareOp, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{GetSetDef, NativeDef, Safety, Shared, TypeDef};
use crate::types::Type;

macro_rules! views {
    ($($(#[$doc:meta])* $name:ident: $def:ident, $make:ident);* $(;)?) => { $(
        crate::payload! {
            $(#[$doc])*
            pub struct $name: $def {
                pub dict: Slot,
            }
        }
        $(#[$doc])*
        pub fn $make(th: &mut Thread, dict: Borrowed<'_>) -> Owned {
            th.alloc($name { header: unborn(), dict: Slot::new(dict.to_owned()) })
        }
    )* };
}

views! {
    /// `dict.keys()`
    Keys: KEYS, keys;
    /// `dict.values()`
    Values: VALUES, values;
    /// `dict.items()`
    Items: ITEMS, items;
}

const SHARED: Shared = Shared::but(
    Safety::Steps,
    &[
        (Safety::Constant, "mapping"),
        (Safety::LockFree, "__contains__ __len__"),
        (Safety::Each, "__eq__ __ge__ __gt__ __iter__ __le__ __lt__ __ne__ __repr__ __reversed__ isdisjoint"),
    ],
)
.note(
    "`list()`, `tuple()` and `list.extend` see one moment; a loop says so if the dict has changed its size.",
);

/// Operators that keys and items share.
const SET_LIKE: Slots = Slots {
    repr: Some(repr),
    len: Some(|_, o| Ok(dict(o).len())),
    compare: Some(compare),
    and: Some(and),
    or: Some(or),
    xor: Some(xor),
    subtract: Some(subtract),
    ..Slots::NONE
};

const MAPPING: GetSetDef = GetSetDef::get("mapping", |th, o| {
    let dict = source(o).to_owned();
    Ok(crate::builtins::mappingproxy::new(th, dict))
});
const DISJOINT: NativeDef = NativeDef::new(
    "isdisjoint",
    "($self, other, /)",
    isdisjoint,
    "Return True if the view and the given iterable have a null intersection.",
);

pub static KEYS: TypeDef = TypeDef {
    slots: Slots {
        iter: Some(|th, o| Ok(iterator::keys(th, source(o)))),
        contains: Some(|th, o, k| dict(o).contains(th, k)),
        ..SET_LIKE
    },
    methods: &[
        DISJOINT,
        NativeDef::new(
            "__reversed__",
            "($self, /)",
            |th, a| Ok(iterator::reversed_keys(th, source(a[0]))),
            "Return a reverse iterator over the dict keys.",
        ),
    ],
    getset: &[MAPPING],
    shared: Some(SHARED),
    ..TypeDef::of::<Keys>("dict_keys")
};

pub static VALUES: TypeDef = TypeDef {
    slots: Slots {
        repr: Some(repr),
        len: Some(|_, o| Ok(dict(o).len())),
        iter: Some(|th, o| Ok(iterator::values(th, source(o)))),
        ..Slots::NONE
    },
    methods: &[NativeDef::new(
        "__reversed__",
        "($self, /)",
        |th, a| Ok(iterator::reversed_values(th, source(a[0]))),
        "Return a reverse iterator over the dict values.",
    )],
    getset: &[MAPPING],
    shared: Some(
        Shared::but(
            Safety::Each,
            &[(Safety::Constant, "__eq__ __ne__ mapping"), (Safety::LockFree, "__len__")],
        )
        .note(SHARED.note),
    ),
    ..TypeDef::of::<Values>("dict_values")
};

pub static ITEMS: TypeDef = TypeDef {
    slots: Slots {
        iter: Some(|th, o| Ok(iterator::items(th, source(o)))),
        contains: Some(items_contain),
        ..SET_LIKE
    },
    methods: &[
        DISJOINT,
        NativeDef::new(
            "__reversed__",
            "($self, /)",
            |th, a| Ok(iterator::reversed_items(th, source(a[0]))),
            "Return a reverse iterator over the dict items.",
        ),
    ],
    getset: &[MAPPING],
    shared: Some(SHARED),
    ..TypeDef::of::<Items>("dict_items")
};

/// The dict under a view of any of the three types.
fn source<'a>(o: Borrowed<'a>) -> Borrowed<'a> {
    // The three payloads have the same layout; which one it is does not matter.
    let slot = if let Some(v) = o.downcast_exact::<Keys>() {
        &v.dict
    } else if let Some(v) = o.downcast_exact::<Items>() {
        &v.dict
    } else {
        &o.downcast::<Values>().expect("a dict view").dict
    };
    slot.fixed().expect("a view keeps its dict")
}

fn dict<'a>(o: Borrowed<'a>) -> &'a Dict {
    dict_of(source(o))
}

/// The keys, values or items of a view as they are at one moment; `None`: it is no view.
pub(crate) fn snapshot(th: &mut Thread, o: Borrowed<'_>) -> Option<Vec<Owned>> {
    if o.downcast_exact::<Keys>().is_some() {
        return Some(dict(o).keys());
    }
    if o.downcast_exact::<Values>().is_some() {
        return Some(dict(o).values());
    }
    o.downcast_exact::<Items>()?;
    Some(dict(o).entries().into_iter().map(|(k, v)| th.new_pair(k, v)).collect())
}

fn is_set_like(o: Borrowed<'_>) -> bool {
    o.downcast_exact::<Keys>().is_some() || o.downcast_exact::<Items>().is_some()
}

fn is_set_or_view(o: Borrowed<'_>) -> bool {
    is_set_like(o) || o.downcast::<Set>().is_some()
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let name = o.type_name(th);
    sequence::guarded_repr(th, o, "...", |th| {
        let mut out = StrBuf::with_capacity(dict(o).len() * 6 + 16);
        out.push_str(&name);
        out.push_str("([");
        let it = o.iter(th)?;
        let mut first = true;
        while let Some(v) = it.borrow().next(th)? {
            if !first {
                out.push_str(", ");
            }
            first = false;
            push_repr(th, &mut out, v.borrow())?;
        }
        out.push_str("])");
        Ok(th.new_str_buf(out))
    })
}

fn items_contain(th: &mut Thread, o: Borrowed<'_>, v: Borrowed<'_>) -> PyResult<bool> {
    let Some(pair) = v.downcast::<Tuple>().filter(|t| t.len() == 2) else { return Ok(false) };
    match dict(o).get(th, pair.get(0))? {
        Some(found) => found.borrow().equals(th, pair.get(1)),
        None => Ok(false),
    }
}

/// Is every item of `a` in `b`?
fn all_in(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult<bool> {
    let it = a.iter(th)?;
    while let Some(v) = it.borrow().next(th)? {
        if !b.contains(th, v.borrow())? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    if !is_set_like(a) || !is_set_or_view(b) {
        return Ok(Owned::not_implemented());
    }
    let (n, m) = (a.len(th)?, b.len(th)?);
    let answer = match op {
        CompareOp::Eq => n == m && all_in(th, a, b)?,
        CompareOp::Ne => !(n == m && all_in(th, a, b)?),
        CompareOp::Lt => n < m && all_in(th, a, b)?,
        CompareOp::Le => n <= m && all_in(th, a, b)?,
        CompareOp::Gt => n > m && all_in(th, b, a)?,
        CompareOp::Ge => n >= m && all_in(th, b, a)?,
    };
    Ok(Owned::bool(answer))
}

/// For operators: one operand is a view, the other must be iterable or the answer is NotImplemented.
fn operands(a: Borrowed<'_>, b: Borrowed<'_>) -> bool {
    let iterable = |o: Borrowed<'_>| {
        let ty: &Type = o.ty();
        ty.slots.iter().is_some() || ty.slots.getitem().is_some()
    };
    iterable(a) && iterable(b)
}

fn or(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    if !operands(a, b) {
        return Ok(Owned::not_implemented());
    }
    let made = set::new_from(th, a)?;
    set::update(th, made.payload::<Set>(), b)?;
    Ok(made)
}

fn and(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    if !operands(a, b) {
        return Ok(Owned::not_implemented());
    }
    let (view, other) = if is_set_like(a) { (a, b) } else { (b, a) };
    // Walk over the smaller one if both can be asked for members.
    let (walk, ask) =
        if is_set_or_view(other) && other.len(th)? > view.len(th)? { (view, other) } else { (other, view) };
    let made = set::new_empty(th);
    let it = walk.iter(th)?;
    while let Some(v) = it.borrow().next(th)? {
        if ask.contains(th, v.borrow())? {
            made.payload::<Set>().add(th, v.borrow())?;
        }
    }
    Ok(made)
}

fn subtract(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    if !operands(a, b) {
        return Ok(Owned::not_implemented());
    }
    let made = set::new_from(th, a)?;
    set::difference_update(th, made.payload::<Set>(), b)?;
    Ok(made)
}

fn xor(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    if !operands(a, b) {
        return Ok(Owned::not_implemented());
    }
    let made = set::new_from(th, a)?;
    set::symmetric_difference_update(th, made.payload::<Set>(), b)?;
    Ok(made)
}

fn isdisjoint(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (view, other) = (a[0], a[1]);
    if view.is(other.word()) {
        return Ok(Owned::bool(view.len(th)? == 0));
    }
    let (walk, ask) =
        if is_set_or_view(other) && other.len(th)? > view.len(th)? { (view, other) } else { (other, view) };
    let it = walk.iter(th)?;
    while let Some(v) = it.borrow().next(th)? {
        if ask.contains(th, v.borrow())? {
            return Ok(Owned::bool(false));
        }
    }
    Ok(Owned::bool(true))
}
