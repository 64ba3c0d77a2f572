//! Method resolution order: C3 linearisation.
//!
//! Source: Barrett et al., "A Monotonic Superclass Linearization for Dylan", OOPSLA 1996.

use super::class_of;
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult};
use crate::thread::Thread;
use crate::types::Type;

/// Merges the MROs of the bases and the list of bases. The class itself comes first.
pub(super) fn linearise(th: &mut Thread, ty: &Type, bases: &[&Type]) -> PyResult<Vec<Owned>> {
    let own = |t: &Type| t.as_value().to_owned();
    if let [base] = bases {
        return Ok(core::iter::once(own(ty)).chain(base.mro_types().map(own)).collect());
    }
    for (i, b) in bases.iter().enumerate() {
        if bases[..i].iter().any(|o| core::ptr::eq(*o, *b)) {
            return Err(th.type_error(&format!("duplicate base class {}", b.display_name())));
        }
    }
    let mut lists: Vec<Vec<&Type>> = bases.iter().map(|b| b.mro_types().collect()).collect();
    lists.push(bases.to_vec());
    let mut out = vec![own(ty)];
    let mut at = vec![0usize; lists.len()];
    loop {
        let heads = |at: &[usize]| -> Vec<&Type> {
            lists.iter().zip(at).filter_map(|(l, &i)| l.get(i).copied()).collect()
        };
        let open = heads(&at);
        if open.is_empty() {
            return Ok(out);
        }
        let in_tail = |t: &Type| {
            lists.iter().zip(&at).any(|(l, &i)| l.iter().skip(i + 1).any(|o| core::ptr::eq(*o, t)))
        };
        let Some(next) = open.iter().copied().find(|t| !in_tail(t)) else {
            let mut names: Vec<String> = Vec::new();
            for t in open {
                let n = t.display_name();
                if !names.contains(&n) {
                    names.push(n);
                }
            }
            let msg = format!(
                "Cannot create a consistent method resolution order (MRO) for bases {}",
                names.join(", ")
            );
            return Err(th.type_error(&msg));
        };
        out.push(own(next));
        for (l, i) in lists.iter().zip(at.iter_mut()) {
            if l.get(*i).is_some_and(|t| core::ptr::eq(*t, next)) {
                *i += 1;
            }
        }
    }
}

/// The MRO of `ty` as its metaclass makes it: a custom `mro()` is called and its result checked.
pub(super) fn compute(th: &mut Thread, ty: &Type, bases: &[&Type]) -> PyResult {
    let meta = ty.as_value().ty();
    let name = th.rt.names.mro.get();
    let custom = !core::ptr::eq(meta, super::DEF.ty())
        && match (meta.lookup(name), super::DEF.ty().lookup(name)) {
            (Some(m), Some(d)) => !m.is(d.word()),
            _ => false,
        };
    if !custom {
        let list = linearise(th, ty, bases)?;
        return Ok(th.new_tuple(list));
    }
    let Some(result) = crate::call::special(th, ty.as_value(), name, &[])? else {
        return Err(th.no_attribute(ty.as_value(), name));
    };
    let items = result.borrow().to_vec(th)?;
    for item in &items {
        let Some(class) = item.downcast::<Type>() else {
            let msg = format!("mro() returned a non-class ('{}')", item.borrow().type_name(th));
            return Err(th.type_error(&msg));
        };
        let mut solid = class;
        while solid.has_flag(crate::typedef::type_flags::HEAP)
            && let Some(b) = solid.base()
        {
            solid = b;
        }
        if !super::update::has_layout_of(ty, solid) {
            let (own, theirs) = (ty.display_name(), class.display_name());
            let msg = format!("{own}.mro() returned base with unsuitable layout ('{theirs}')");
            return Err(th.type_error(&msg));
        }
    }
    Ok(th.new_tuple(items))
}

/// `type.mro`
pub(super) fn mro_method(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let ty = class_of(a[0]);
    let bases = ty.bases.get(&ty.header);
    let bases: Vec<&Type> = bases
        .as_ref()
        .and_then(|b| b.downcast::<Tuple>())
        .map(|t| t.iter().filter_map(|b| b.downcast::<Type>()).collect())
        .unwrap_or_default();
    let list = linearise(th, ty, &bases)?;
    Ok(th.new_list(list))
}
