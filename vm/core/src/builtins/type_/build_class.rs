//! `__build_class__`: what a `class` statement calls.

use crate::builtins::dict::Dict;
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::Args;
use crate::thread::Thread;
use crate::typedef::NativeDef;
use crate::types::Type;

/// `builtins.__build_class__`
pub const BUILD_CLASS: NativeDef = NativeDef::raw(
    "__build_class__",
    "(func, name, /, *bases, [metaclass], **kwds)",
    build_class_native,
    "__build_class__(func, name, /, *bases, [metaclass], **kwds) -> class\n\nInternal helper function used by the class statement.",
);

fn build_class_native(th: &mut Thread, args: Args<'_>) -> PyResult {
    let pos = args.pos();
    if pos.len() < 2 {
        return Err(th.type_error("__build_class__: not enough arguments"));
    }
    if pos[1].downcast::<crate::builtins::str::Str>().is_none() {
        return Err(th.type_error("__build_class__: name is not a string"));
    }
    build_class(th, pos[0], pos[1], &pos[2..], args)
}

/// Replaces bases that are not classes by what their `__mro_entries__` gives. `None`: nothing to do.
pub fn resolve_bases(th: &mut Thread, bases: &[Borrowed<'_>]) -> PyResult<Option<Vec<Owned>>> {
    let name = th.rt.names.__mro_entries__.get();
    if bases.iter().all(|b| b.downcast::<Type>().is_some()) {
        return Ok(None);
    }
    let mut changed = false;
    let mut out = Vec::with_capacity(bases.len());
    for &b in bases {
        let entries = if b.downcast::<Type>().is_some() { None } else { b.getattr_opt(th, name)? };
        let Some(f) = entries else {
            out.push(b.to_owned());
            continue;
        };
        let original = th.new_tuple(bases.iter().map(|&b| b.to_owned()).collect());
        let r = f.borrow().call(th, &[original.borrow()])?;
        let Some(t) = r.downcast::<Tuple>() else {
            return Err(th.type_error("__mro_entries__ must return a tuple"));
        };
        out.extend(t.iter().map(|b| b.to_owned()));
        changed = true;
    }
    Ok(changed.then_some(out))
}

/// Makes the class whose body is the function `func`. `args` carries the keywords of the statement.
pub fn build_class(
    th: &mut Thread,
    func: Borrowed<'_>,
    name: Borrowed<'_>,
    bases: &[Borrowed<'_>],
    args: Args<'_>,
) -> PyResult {
    let resolved = resolve_bases(th, bases)?;
    let original = resolved.is_some().then(|| th.new_tuple(bases.iter().map(|&b| b.to_owned()).collect()));
    let bases = resolved.unwrap_or_else(|| bases.iter().map(|&b| b.to_owned()).collect());
    let bases = th.new_tuple(bases);
    let base_types = bases.payload::<Tuple>();

    let metaclass = th.rt.names.metaclass.word();
    let mut meta = None;
    let (mut kw_names, mut kw_values) = (Vec::new(), Vec::new());
    for (key, value) in args.keywords() {
        if key.is(metaclass) {
            meta = Some(value.to_owned());
        } else {
            kw_names.push(key.to_owned());
            kw_values.push(value);
        }
    }
    let mut meta = meta.unwrap_or_else(|| {
        let ty = if base_types.is_empty() { super::DEF.ty() } else { base_types.get(0).ty() };
        ty.as_value().to_owned()
    });
    if let Some(m) = meta.downcast::<Type>() {
        meta = super::calculate_metaclass(th, m, base_types)?.as_value().to_owned();
    }
    let kw_names = if kw_names.is_empty() { None } else { Some(th.new_tuple(kw_names)) };
    let names = kw_names.as_ref().map_or(Borrowed::null(), |n| n.borrow());

    let prepare = meta.borrow().getattr_opt(th, th.rt.names.__prepare__.get())?;
    let ns = match prepare {
        None => th.new_dict(),
        Some(p) => {
            let mut all = vec![name, bases.borrow()];
            all.extend_from_slice(&kw_values);
            p.borrow().call_args(th, Args { all: &all, n_positional: 2, names })?
        }
    };
    if ns.downcast::<Dict>().is_none() && ns.borrow().ty().slots.getitem().is_none() {
        let which = match meta.downcast::<Type>() {
            Some(t) => t.display_name(),
            None => String::from("<metaclass>"),
        };
        let msg = format!("{which}.__prepare__() must return a mapping, not {}", ns.borrow().type_name(th));
        return Err(th.type_error(&msg));
    }

    let cell = crate::interp::run_class_body(th, func, ns.borrow())?;
    if let Some(original) = original {
        ns.borrow().setitem(th, th.rt.names.__orig_bases__.get(), original.borrow())?;
    }
    let mut all = vec![name, bases.borrow(), ns.borrow()];
    all.extend_from_slice(&kw_values);
    let cls = meta.borrow().call_args(th, Args { all: &all, n_positional: 3, names })?;
    check_cell(th, &cell, &cls, name)?;
    Ok(cls)
}

/// The cell of `__class__` must hold the new class by now.
fn check_cell(th: &mut Thread, cell: &Owned, cls: &Owned, name: Borrowed<'_>) -> PyResult<()> {
    let contents = th.intern("cell_contents");
    if cls.downcast::<Type>().is_none() || !super::new::is_cell(cell.borrow()) {
        return Ok(());
    }
    let name = name.repr_text(th)?;
    match cell.borrow().getattr(th, contents.borrow()) {
        Ok(v) if v.is(cls.word()) => Ok(()),
        Ok(v) => {
            let msg = format!(
                "__class__ set to {} defining {name} as {}",
                v.borrow().repr_text(th)?,
                cls.borrow().repr_text(th)?
            );
            Err(th.type_error(&msg))
        }
        Err(raised) => {
            drop(th.catch(raised));
            let msg = format!(
                "__class__ not set defining {name} as {}. Was __classcell__ propagated to type.__new__?",
                cls.borrow().repr_text(th)?
            );
            Err(th.raise(&crate::builtins::exceptions::RUNTIME_ERROR, &msg))
        }
    }
}
