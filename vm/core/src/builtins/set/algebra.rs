//! Union, intersection, difference: the work behind the operators and methods of sets.
//!
//! With another set or a dict, each is done under the locks of both: atomic, as long as comparing keys runs no code.

use super::{DEF, FROZEN, FrozenSet, Set, both, element};
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
    if let Some(other) = source.downcast::<Set>() {
        if s.adopt(other) {
            return Ok(());
        }
        return both::each(th, other, &s.header, |th, key| s.add_by(th, key));
    }
    if let Some(d) = source.downcast_exact::<Dict>() {
        return both::each(th, d, &s.header, |th, key| s.add_by(th, key));
    }
    each(th, source, |th, key| s.add_key(th, key).map(|_| true))
}

/// `s.difference_update(source)`
pub fn difference_update(th: &mut Thread, s: &Set, source: Borrowed<'_>) -> PyResult<()> {
    let mut gone = Vec::new();
    if let Some(other) = source.downcast::<Set>() {
        if core::ptr::eq(other, s) {
            s.clear();
            return Ok(());
        }
        return both::each(th, other, &s.header, |th, key| {
            Ok(s.discard_by(th, key, &mut gone)?.map(|_| true))
        });
    }
    if let Some(d) = source.downcast_exact::<Dict>() {
        return both::each(th, d, &s.header, |th, key| Ok(s.discard_by(th, key, &mut gone)?.map(|_| true)));
    }
    each(th, source, |th, key| s.discard_key(th, key).map(|_| true))
}

/// `s.symmetric_difference_update(source)`
pub fn symmetric_difference_update(th: &mut Thread, s: &Set, source: Borrowed<'_>) -> PyResult<()> {
    let mut gone = Vec::new();
    // Takes a key out if it is there, else adds it.
    let mut toggle = |mut th: Option<&mut Thread>, key: &Key<'_>| {
        Ok(match s.discard_by(th.as_deref_mut(), key, &mut gone)? {
            Some(false) => s.add_by(th, key)?,
            answer => answer,
        })
    };
    if let Some(other) = source.downcast::<Set>() {
        if core::ptr::eq(other, s) {
            s.clear();
            return Ok(());
        }
        return both::each(th, other, &s.header, toggle);
    }
    if let Some(d) = source.downcast_exact::<Dict>() {
        return both::each(th, d, &s.header, toggle);
    }
    // Keys of a set or dict are distinct; others must be made so first.
    let made = payload_from(th, source)?;
    both::each(th, &made, &s.header, &mut toggle)
}

/// `s.intersection_update(source)`
pub fn intersection_update(th: &mut Thread, s: &Set, source: Borrowed<'_>) -> PyResult<()> {
    if source.downcast::<Set>().is_some_and(|other| s.intersect(other)) {
        return Ok(());
    }
    let out = intersection(th, s, source)?;
    s.replace_with(out);
    Ok(())
}

/// What `s` and an iterable have in common.
pub fn intersection(th: &mut Thread, s: &Set, source: Borrowed<'_>) -> PyResult<Set> {
    let mut out = Set::new();
    if let Some(other) = source.downcast::<Set>() {
        let (walk, ask) = if other.len() > s.len() { (s, other) } else { (other, s) };
        both::each(th, walk, &ask.header, |mut th, key| {
            let there = ask.has_by(th.as_deref_mut(), key)?;
            match (there, th) {
                (Some(true), Some(th)) => drop(out.add_fresh(th, key)?),
                (Some(true), None) => out.push_fresh(key),
                _ => {}
            }
            Ok(there.map(|_| true))
        })?;
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
    let mut out = Set::new();
    match (source.downcast::<Set>(), source.downcast_exact::<Dict>()) {
        (Some(other), _) if other.len() >= s.len() / 4 => both::each(th, s, &other.header, |mut th, key| {
            let there = other.has_by(th.as_deref_mut(), key)?;
            if there == Some(false) {
                out.push_fresh(key);
            }
            Ok(there.map(|_| true))
        })?,
        (_, Some(d)) => both::each(th, s, &d.header, |th, key| {
            let there = match th {
                None => d.has_locked(key),
                Some(th) => Some(d.contains_key(th, key)?),
            };
            if there == Some(false) {
                out.push_fresh(key);
            }
            Ok(there.map(|_| true))
        })?,
        _ => {
            out = s.copy_payload();
            difference_update(th, &out, source)?;
        }
    }
    Ok(out)
}

/// Is every key of `a` in `b`, and do their lengths fit?
pub fn is_subset(th: &mut Thread, a: &Set, b: &Set, fit: impl Fn(usize, usize) -> bool) -> PyResult<bool> {
    if let Some(answer) = a.is_in(b, &fit) {
        return Ok(answer);
    }
    let mut answer = true;
    let mut first = true;
    both::each(th, a, &b.header, |th, key| {
        if core::mem::take(&mut first) && !fit(a.own_len(), b.own_len()) {
            answer = false;
            return Ok(Some(false));
        }
        let there = b.has_by(th, key)?;
        answer = there != Some(false);
        Ok(there)
    })?;
    Ok(answer)
}

/// Have the two no key in common?
pub fn is_disjoint(th: &mut Thread, a: &Set, b: &Set) -> PyResult<bool> {
    let (walk, ask) = if b.len() > a.len() { (a, b) } else { (b, a) };
    let mut disjoint = true;
    both::each(th, walk, &ask.header, |th, key| {
        let there = ask.has_by(th, key)?;
        disjoint = there != Some(true);
        Ok(there.map(|there| !there))
    })?;
    Ok(disjoint)
}
