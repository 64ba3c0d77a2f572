//! Objects by module and name.

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::exceptions as ex;
use typhon_core::builtins::str::Str;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::{Borrowed, Owned, PyResult, Raised, Thread, TypeDef};

use super::pickling_error;
use crate::support::import_attr;

/// The parts of a dotted name.
pub(super) fn path_of(th: &mut Thread, name: Borrowed<'_>) -> PyResult<Vec<Owned>> {
    let dot = th.intern(".");
    name.call_method_str(th, "split", &[dot.borrow()])?.borrow().to_vec(th)
}

fn is_local(path: &[Owned]) -> bool {
    path.iter().any(|part| part.downcast::<Str>().is_some_and(|p| p.is_text("<locals>")))
}

/// The name of the module that has an object under a dotted name: its `__module__`, or the first one that has it.
/// Errors: PicklingError if the module has something else under that name, or nothing.
pub(super) fn module_of(th: &mut Thread, o: Borrowed<'_>, name: Borrowed<'_>, path: &[Owned]) -> PyResult {
    let key = th.rt.names.__module__.get();
    let given = o.getattr_opt(th, key)?.filter(|m| !m.is_none());
    if is_local(path) {
        let msg = format!("Can't pickle local object {}", o.repr_text(th)?);
        return Err(pickling_error(th, &msg));
    }
    let module = match given {
        Some(module) => module,
        None => first_with(th, o, path)?.unwrap_or_else(|| th.intern("__main__")),
    };
    check_found(th, o, module.borrow(), name, path)?;
    Ok(module)
}

/// The name of the first module that has the object.
fn first_with(th: &mut Thread, o: Borrowed<'_>, path: &[Owned]) -> PyResult<Option<Owned>> {
    let modules = import_attr(th, "sys", "modules")?;
    let Some(modules) = modules.downcast::<Dict>() else { return Ok(None) };
    for (module_name, module) in modules.entries() {
        let is_main =
            module_name.downcast::<Str>().is_some_and(|n| n.is_text("__main__") || n.is_text("__mp_main__"));
        if is_main || module.is_none() {
            continue;
        }
        match walk(th, module, path) {
            Ok(found) if found.word().is(o.word()) => return Ok(Some(module_name)),
            Ok(_) => {}
            Err(raised) => drop(attribute_error(th, raised)?),
        }
    }
    Ok(None)
}

/// Attributes one after the other. Errors: AttributeError.
fn walk(th: &mut Thread, from: Owned, path: &[Owned]) -> PyResult {
    let mut at = from;
    for part in path {
        at = at.borrow().getattr(th, part.borrow())?;
    }
    Ok(at)
}

/// Catches an AttributeError; any other exception goes on.
fn attribute_error(th: &mut Thread, raised: Raised) -> PyResult {
    caught(th, raised, &[&ex::ATTRIBUTE_ERROR])
}

/// Catches an exception of one of the classes; any other goes on.
fn caught(th: &mut Thread, raised: Raised, classes: &[&'static TypeDef]) -> PyResult {
    let exc = th.catch(raised);
    let fits = classes.iter().any(|class| exc.borrow().ty().is_subtype_of(class.ty()));
    if fits { Ok(exc) } else { Err(th.set_exc(exc)) }
}

/// A module by its name, imported if it was not. Errors: ImportError, ValueError without a name.
fn module(th: &mut Thread, name: Borrowed<'_>) -> PyResult {
    // It waits for a module that another thread has not initialised yet.
    let import = crate::support::builtin(th, "__import__");
    import.borrow().call(th, &[name])?;
    let modules = import_attr(th, "sys", "modules")?;
    modules.borrow().getitem(th, name)
}

/// Is the object what its module has under its name? Errors: PicklingError.
fn check_found(
    th: &mut Thread,
    o: Borrowed<'_>,
    module_name: Borrowed<'_>,
    name: Borrowed<'_>,
    path: &[Owned],
) -> PyResult<()> {
    let module = match module(th, module_name) {
        Ok(module) => module,
        Err(raised) => {
            let exc = caught(th, raised, &[&ex::IMPORT_ERROR, &ex::VALUE_ERROR, &ex::KEY_ERROR])?;
            let msg = format!("Can't pickle {}: {}", o.repr_text(th)?, exc.borrow().str_text(th)?);
            let raised = pickling_error(th, &msg);
            return Err(super::in_context(th, raised, exc));
        }
    };
    let (relation, missing) = match walk(th, module, path) {
        Ok(found) if found.word().is(o.word()) => return Ok(()),
        Ok(_) => ("the same object", None),
        Err(raised) => ("found", Some(attribute_error(th, raised)?)),
    };
    let (module, name) = (module_name.str_text(th)?, name.str_text(th)?);
    let msg = format!("Can't pickle {}: it's not {relation} as {module}.{name}", o.repr_text(th)?);
    let raised = pickling_error(th, &msg);
    Err(match missing {
        Some(missing) => super::in_context(th, raised, missing),
        None => raised,
    })
}

/// The object under a name in a module, for [`super::machine::find_class`]. Errors: ImportError, AttributeError.
pub(super) fn resolve(
    th: &mut Thread,
    module_name: Borrowed<'_>,
    name: Borrowed<'_>,
    dotted: bool,
) -> PyResult {
    check_name(th, name)?;
    let module = module(th, module_name)?;
    if !dotted || !name.downcast::<Str>().is_some_and(|n| n.data().iter().any(|c| c == u32::from(b'.'))) {
        return module.borrow().getattr(th, name);
    }
    let path = path_of(th, name)?;
    walk(th, module, &path).or_else(|raised| {
        let exc = attribute_error(th, raised)?;
        let (name, module) = (name.repr_text(th)?, module_name.repr_text(th)?);
        let raised = th.raise(&ex::ATTRIBUTE_ERROR, &format!("Can't resolve path {name} on module {module}"));
        Err(super::in_context(th, raised, exc))
    })
}

/// Is this the name of an attribute? Errors: TypeError.
pub(super) fn check_name(th: &mut Thread, name: Borrowed<'_>) -> PyResult<()> {
    if name.downcast::<Str>().is_some() {
        return Ok(());
    }
    let msg = format!("attribute name must be string, not '{}'", name.type_name(th));
    Err(th.type_error(&msg))
}

/// The code under which `copyreg` knows a global object as an extension.
pub(super) fn extension(th: &mut Thread, module: Borrowed<'_>, name: Borrowed<'_>) -> PyResult<Option<i64>> {
    let registry = import_attr(th, "copyreg", "_extension_registry")?;
    let Some(registry) = registry.downcast::<Dict>().filter(|r| !r.is_empty()) else { return Ok(None) };
    let key = th.new_pair(module.to_owned(), name.to_owned());
    let Some(code) = registry.get(th, key.borrow())? else { return Ok(None) };
    match super::reduce::as_code(code.borrow()) {
        Some(code) => Ok(Some(code)),
        None => {
            let msg = format!("Can't pickle extension code {}", code.borrow().repr_text(th)?);
            Err(th.runtime_error(&msg))
        }
    }
}

/// What the tables of `_compat_pickle` say for a pair of names.
fn mapped(
    th: &mut Thread,
    [names, modules]: [&str; 2],
    module: Borrowed<'_>,
    name: Borrowed<'_>,
) -> PyResult<(Owned, Owned)> {
    let (module, name) = (module.to_owned(), name.to_owned());
    let table = import_attr(th, "_compat_pickle", names)?;
    let pair = th.new_pair(module.clone(), name.clone());
    if let Some(found) = table.payload::<Dict>().get(th, pair.borrow())?
        && let Some(found) = found.downcast::<Tuple>().filter(|t| t.len() == 2)
    {
        return Ok((found.get(0).to_owned(), found.get(1).to_owned()));
    }
    let table = import_attr(th, "_compat_pickle", modules)?;
    let found = table.payload::<Dict>().get(th, module.borrow())?;
    Ok((found.unwrap_or(module), name))
}

/// The names under which Python 2 has a global object.
pub(super) fn for_python_2(
    th: &mut Thread,
    module: Borrowed<'_>,
    name: Borrowed<'_>,
) -> PyResult<(Owned, Owned)> {
    mapped(th, ["REVERSE_NAME_MAPPING", "REVERSE_IMPORT_MAPPING"], module, name)
}

/// The names under which Python 3 has a global object of Python 2.
pub(super) fn from_python_2(
    th: &mut Thread,
    module: Borrowed<'_>,
    name: Borrowed<'_>,
) -> PyResult<(Owned, Owned)> {
    mapped(th, ["NAME_MAPPING", "IMPORT_MAPPING"], module, name)
}
