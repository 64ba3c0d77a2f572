//! Unpacking and pattern matching.

use crate::builtins::exceptions as ex;
use crate::builtins::list::{Items, List};
use crate::builtins::str::Str;
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::sharing;
use crate::thread::Thread;
use crate::typedef::type_flags;
use crate::word::Word;

fn iterate(th: &mut Thread, v: Borrowed<'_>) -> PyResult {
    if v.ty().slots.iter().is_none() && v.ty().slots.getitem().is_none() {
        let msg = format!("cannot unpack non-iterable {} object", v.type_name(th));
        return Err(th.type_error(&msg));
    }
    v.iter(th)
}

/// Exactly `n` items of an iterable.
pub fn sequence(th: &mut Thread, v: Borrowed<'_>, n: usize) -> PyResult<Vec<Owned>> {
    if let Some(l) = v.downcast_exact::<List>() {
        let items = l.to_vec();
        return check_count(th, items, n, Some(l.len()));
    }
    if let Some(t) = v.downcast_exact::<Tuple>() {
        let items: Vec<Owned> = t.iter().map(|b| b.to_owned()).collect();
        return check_count(th, items, n, Some(t.len()));
    }
    let it = iterate(th, v)?;
    let mut items = Vec::with_capacity(n);
    while items.len() <= n {
        match it.borrow().next(th)? {
            Some(v) => items.push(v),
            None => break,
        }
    }
    check_count(th, items, n, None)
}

fn check_count(th: &mut Thread, items: Vec<Owned>, n: usize, total: Option<usize>) -> PyResult<Vec<Owned>> {
    if items.len() == n {
        return Ok(items);
    }
    let msg = if items.len() < n {
        format!("not enough values to unpack (expected {n}, got {})", items.len())
    } else {
        match total {
            Some(t) => format!("too many values to unpack (expected {n}, got {t})"),
            None => format!("too many values to unpack (expected {n})"),
        }
    };
    Err(th.value_error(&msg))
}

/// `before` items, a list of the middle, `after` items.
pub fn starred(th: &mut Thread, v: Borrowed<'_>, before: usize, after: usize) -> PyResult<Vec<Owned>> {
    let it = iterate(th, v)?;
    let mut items = Vec::new();
    while let Some(v) = it.borrow().next(th)? {
        items.push(v);
    }
    if items.len() < before + after {
        let msg = format!(
            "not enough values to unpack (expected at least {}, got {})",
            before + after,
            items.len()
        );
        return Err(th.value_error(&msg));
    }
    let tail = items.split_off(items.len() - after);
    let middle = items.split_off(before);
    items.push(th.new_list(middle));
    items.extend(tail);
    Ok(items)
}

/// As [`starred`] for a list or a tuple, taken at one moment: writes the items to `to`, the first one on top; the
/// place behind them. `None`: it is another iterable, or has too few items.
///
/// # Safety
/// There is room at `to` for `before + 1 + after` words.
pub unsafe fn starred_row(
    th: &mut Thread,
    v: Borrowed<'_>,
    to: *mut Word,
    before: usize,
    after: usize,
) -> Option<*mut Word> {
    let locked;
    let slots = if let Some(list) = v.downcast_exact::<List>() {
        locked = list.lock();
        locked.slots()
    } else {
        v.downcast_exact::<Tuple>()?.items()
    };
    let (first, rest) = slots.split_at_checked(before)?;
    let (middle, last) = rest.split_at(rest.len().checked_sub(after)?);
    // SAFETY: the lock pins the items; those of a tuple never change.
    let own = |slot: &Slot| unsafe { sharing::own_pinned(slot.peek()) };
    let items = Items::made_by(middle.len(), |i| own(&middle[i]));
    let middle = th.alloc(List::from_parts(middle.len(), items));
    let words = last.iter().rev().map(own).chain([middle]).chain(first.iter().rev().map(own));
    let mut end = to;
    for v in words {
        // SAFETY: room says the caller.
        unsafe {
            *end = v.into_raw();
            end = end.add(1);
        }
    }
    Some(end)
}

/// MATCH_KEYS: a tuple of the values under `keys`, or None if one is missing.
pub fn match_keys(th: &mut Thread, subject: Borrowed<'_>, keys: Borrowed<'_>) -> PyResult {
    let keys = keys.downcast::<Tuple>().expect("MATCH_KEYS has a tuple");
    if keys.is_empty() {
        return Ok(th.new_tuple(vec![]));
    }
    let get_name = th.rt.names.get.get();
    let get = subject.getattr(th, get_name)?;
    let missing = th.new_instance(crate::builtins::object::DEF.ty());
    let mut values = Vec::with_capacity(keys.len());
    let mut seen: Vec<Borrowed<'_>> = Vec::new();
    for k in keys.iter() {
        for s in &seen {
            if s.equals(th, k)? {
                let msg = format!("mapping pattern checks duplicate key ({})", k.repr_text(th)?);
                return Err(th.value_error(&msg));
            }
        }
        seen.push(k);
        let v = get.borrow().call(th, &[k, missing.borrow()])?;
        if v.is(missing.word()) {
            return Ok(Owned::none());
        }
        values.push(v);
    }
    Ok(th.new_tuple(values))
}

/// MATCH_CLASS: a tuple of the attributes, or None.
pub fn match_class(
    th: &mut Thread,
    subject: Borrowed<'_>,
    class: Borrowed<'_>,
    n_positional: usize,
    names: Borrowed<'_>,
) -> PyResult {
    let Some(ty) = class.downcast::<crate::Type>() else {
        return Err(th.type_error("called match pattern must be a class"));
    };
    if !subject.isinstance(th, class)? {
        return Ok(Owned::none());
    }
    let names = names.downcast::<Tuple>().expect("MATCH_CLASS has a tuple");
    let mut seen: Vec<Owned> = Vec::new();
    let mut out = Vec::with_capacity(n_positional + names.len());
    if n_positional > 0 {
        let match_args = class.getattr_opt(th, th.rt.names.__match_args__.get())?;
        let mut match_self = false;
        let args = match match_args {
            Some(a) => {
                if a.borrow().downcast_exact::<Tuple>().is_none() {
                    let msg = format!(
                        "{}.__match_args__ must be a tuple (got {})",
                        ty.display_name(),
                        a.borrow().type_name(th)
                    );
                    return Err(th.type_error(&msg));
                }
                a
            }
            None => {
                match_self = ty.mro_types().any(|t| t.has_flag(type_flags::MATCH_SELF));
                th.new_tuple(vec![])
            }
        };
        let args = args.payload::<Tuple>();
        let allowed = if match_self { 1 } else { args.len() };
        if allowed < n_positional {
            let msg = format!(
                "{}() accepts {allowed} positional sub-pattern{} ({n_positional} given)",
                ty.display_name(),
                if allowed == 1 { "" } else { "s" }
            );
            return Err(th.type_error(&msg));
        }
        if match_self {
            out.push(subject.to_owned());
        } else {
            for name in args.iter().take(n_positional) {
                if name.downcast::<Str>().is_none() {
                    let msg = format!("__match_args__ elements must be strings (got {})", name.type_name(th));
                    return Err(th.type_error(&msg));
                }
                match attribute(th, subject, ty, name, &mut seen)? {
                    Some(v) => out.push(v),
                    None => return Ok(Owned::none()),
                }
            }
        }
    }
    for name in names.iter() {
        match attribute(th, subject, ty, name, &mut seen)? {
            Some(v) => out.push(v),
            None => return Ok(Owned::none()),
        }
    }
    Ok(th.new_tuple(out))
}

fn attribute(
    th: &mut Thread,
    subject: Borrowed<'_>,
    ty: &crate::Type,
    name: Borrowed<'_>,
    seen: &mut Vec<Owned>,
) -> PyResult<Option<Owned>> {
    let name = th.intern_str(name);
    if seen.iter().any(|s| s.is(name.word())) {
        let msg = format!(
            "{}() got multiple sub-patterns for attribute {}",
            ty.display_name(),
            name.borrow().repr_text(th)?
        );
        return Err(th.type_error(&msg));
    }
    let r = subject.getattr(th, name.borrow());
    seen.push(name);
    th.absorb(r, &ex::ATTRIBUTE_ERROR)
}
