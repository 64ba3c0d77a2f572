//! Union, intersection, difference: the work behind the operators and methods of sets.

use super::{DEF, FROZEN, FrozenSet, Set, element};
use crate::builtins::dict::Dict;
use crate::builtins::dict::lookup::Key;
use crate::builtins::list::List;
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult};
use crate::thread::Thread;
use crate::types::Type;

/// An empty set.
pub fn new_empty(th: &mut Thread) -> Owned {
    th.new_set()
}

/// `set(source)`
pub fn new_from(th: &mut Thread, source: Borrowed<'_>) -> PyResult {
    let s = payload_from(th, source)?;
    Ok(th.alloc(s))
}

/// The keys of an iterable as a payload.
pub fn payload_from(th: &mut Thread, source: Borrowed<'_>) -> PyResult<Set> {
    if let Some(other) = source.downcast::<Set>() {
        return Ok(other.copy_payload());
    }
    let mut s = Set::new();
    each(th, source, |th, key| s.add_fresh(th, key).map(|_| true))?;
    Ok(s)
}

/// Is it exactly a set or a frozenset?
pub fn is_plain(o: Borrowed<'_>) -> bool {
    o.downcast_exact::<Set>().is_some() || o.downcast_exact::<FrozenSet>().is_some()
}

/// `set` or `frozenset`, as `o` is one or the other (or a subclass).
pub fn base_type(o: Borrowed<'_>) -> &'static Type {
    if o.ty().is_subtype_of(DEF.ty()) { DEF.ty() } else { FROZEN.ty() }
}

/// Runs `f` for every item of an iterable, with its hash. Stops when `f` says false.
pub fn each(
    th: &mut Thread,
    source: Borrowed<'_>,
    mut f: impl FnMut(&mut Thread, &Key<'_>) -> PyResult<bool>,
) -> PyResult<()> {
    if let Some(s) = source.downcast::<Set>() {
        let mut pos = 0;
        while let Some((k, hash)) = s.next_key(&mut pos) {
            if !f(th, &Key::hashed(k.borrow(), hash))? {
                break;
            }
        }
        return Ok(());
    }
    if let Some(d) = source.downcast_exact::<Dict>() {
        let mut pos = 0;
        while let Some((k, _, hash)) = d.next_hashed(&mut pos) {
            if !f(th, &Key::hashed(k.borrow(), hash))? {
                break;
            }
        }
        return Ok(());
    }
    if let Some(t) = source.downcast_exact::<Tuple>() {
        for v in t.items().iter().filter_map(|item| item.fixed()) {
            let key = element(th, v)?;
            if !f(th, &key)? {
                break;
            }
        }
        return Ok(());
    }
    if let Some(l) = source.downcast_exact::<List>() {
        let mut i = 0;
        while let Some(v) = l.get(i) {
            i += 1;
            let key = element(th, v.borrow())?;
            if !f(th, &key)? {
                break;
            }
        }
        return Ok(());
    }
    let it = source.iter(th)?;
    while let Some(v) = it.borrow().next(th)? {
        let key = element(th, v.borrow())?;
        if !f(th, &key)? {
            break;
        }
    }
    Ok(())
}

/// `s.update(source)`
pub fn update(th: &mut Thread, s: &Set, source: Borrowed<'_>) -> PyResult<()> {
    if source.downcast::<Set>().is_some_and(|other| s.adopt(other)) {
        return Ok(());
    }
    each(th, source, |th, key| s.add_key(th, key).map(|_| true))
}

/// `s.difference_update(source)`
pub fn difference_update(th: &mut Thread, s: &Set, source: Borrowed<'_>) -> PyResult<()> {
    if source.downcast::<Set>().is_some_and(|o| core::ptr::eq(o, s)) {
        s.clear();
        return Ok(());
    }
    each(th, source, |th, key| s.discard_key(th, key).map(|_| true))
}

/// `s.symmetric_difference_update(source)`
pub fn symmetric_difference_update(th: &mut Thread, s: &Set, source: Borrowed<'_>) -> PyResult<()> {
    if source.downcast::<Set>().is_some_and(|o| core::ptr::eq(o, s)) {
        s.clear();
        return Ok(());
    }
    // Keys of a set or dict are distinct; others must be made so first.
    let distinct = source.downcast::<Set>().is_some() || source.downcast_exact::<Dict>().is_some();
    let made = if distinct { None } else { Some(new_from(th, source)?) };
    let source = made.as_ref().map_or(source, Owned::borrow);
    each(th, source, |th, key| {
        if !s.discard_key(th, key)? {
            s.add_key(th, key)?;
        }
        Ok(true)
    })
}

/// What `s` and an iterable have in common.
pub fn intersection(th: &mut Thread, s: &Set, source: Borrowed<'_>) -> PyResult<Set> {
    let mut out = Set::new();
    if let Some(other) = source.downcast::<Set>() {
        let (walk, ask) = if other.len() > s.len() { (s, other) } else { (other, s) };
        let mut pos = 0;
        while let Some((k, hash)) = walk.next_key(&mut pos) {
            let key = Key::hashed(k.borrow(), hash);
            if ask.contains_key(th, &key)? {
                out.add_fresh(th, &key)?;
            }
        }
        return Ok(out);
    }
    each(th, source, |th, key| {
        if s.contains_key(th, key)? {
            out.add_fresh(th, key)?;
        }
        Ok(true)
    })?;
    Ok(out)
}

/// What of `s` is not in an iterable.
pub fn difference(th: &mut Thread, s: &Set, source: Borrowed<'_>) -> PyResult<Set> {
    let known = source.downcast::<Set>();
    let dict = source.downcast_exact::<Dict>();
    let small = known.is_some_and(|o| o.len() < s.len() / 4);
    if (known.is_none() && dict.is_none()) || small {
        let out = s.copy_payload();
        difference_update(th, &out, source)?;
        return Ok(out);
    }
    let mut out = Set::new();
    let mut pos = 0;
    while let Some((k, hash)) = s.next_key(&mut pos) {
        let key = Key::hashed(k.borrow(), hash);
        let there = match (known, dict) {
            (Some(o), _) => o.contains_key(th, &key)?,
            (_, Some(d)) => d.contains_key(th, &key)?,
            _ => false,
        };
        if !there {
            out.add_fresh(th, &key)?;
        }
    }
    Ok(out)
}

/// Is every key of `a` in `b`?
pub fn is_subset(th: &mut Thread, a: &Set, b: &Set) -> PyResult<bool> {
    if a.len() > b.len() {
        return Ok(false);
    }
    if let Some(answer) = a.is_in(b) {
        return Ok(answer);
    }
    let mut pos = 0;
    while let Some((k, hash)) = a.next_key(&mut pos) {
        if !b.contains_key(th, &Key::hashed(k.borrow(), hash))? {
            return Ok(false);
        }
    }
    Ok(true)
}
