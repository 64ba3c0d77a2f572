//! Objects by module and name.

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::str::Str;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::{Borrowed, Owned, PyResult, Thread};

use super::pickling_error;
use crate::support::import_attr;

/// The name of the module that has an object under a dotted name: its `__module__`, or the first one that has it.
pub(super) fn module_of(th: &mut Thread, o: Borrowed<'_>, name: &str) -> PyResult {
    let key = th.rt.names.__module__.get();
    if let Some(module) = o.getattr_opt(th, key)?
        && !module.is_none()
    {
        return Ok(module);
    }
    let path: Vec<&str> = name.split('.').collect();
    if path.contains(&"<locals>") {
        let msg = format!("Can't pickle local object {}", o.repr_text(th)?);
        return Err(pickling_error(th, &msg));
    }
    let modules = import_attr(th, "sys", "modules")?;
    if let Some(modules) = modules.downcast::<Dict>() {
        for (module_name, module) in modules.entries() {
            let is_other = !module_name
                .downcast::<Str>()
                .is_some_and(|n| n.is_text("__main__") || n.is_text("__mp_main__"));
            if is_other
                && !module.is_none()
                && let Some(found) = walk(th, module, &path)?
                && found.word().is(o.word())
            {
                return Ok(module_name);
            }
        }
    }
    Ok(th.intern("__main__"))
}

/// Attributes one after the other; `None`: one is not there.
fn walk(th: &mut Thread, from: Owned, path: &[&str]) -> PyResult<Option<Owned>> {
    let mut at = from;
    for part in path {
        let part = th.intern(part);
        match at.borrow().getattr_opt(th, part.borrow()) {
            Ok(Some(next)) => at = next,
            Ok(None) => return Ok(None),
            Err(raised) => {
                drop(th.catch(raised));
                return Ok(None);
            }
        }
    }
    Ok(Some(at))
}

/// The object under a path in a module. Errors: AttributeError, ImportError.
pub(super) fn resolve(th: &mut Thread, module: &str, path: &[&str]) -> PyResult {
    let module = crate::support::import(th, module)?;
    let mut at = module;
    for part in path {
        at = at.borrow().getattr_str(th, part)?;
    }
    Ok(at)
}

/// Is the object what its module has under its name? Errors: PicklingError.
pub(super) fn check_found(th: &mut Thread, o: Borrowed<'_>, module: &str, name: &str) -> PyResult<()> {
    let path: Vec<&str> = name.split('.').collect();
    if path.contains(&"<locals>") {
        let msg = format!("Can't pickle local object {}", o.repr_text(th)?);
        return Err(pickling_error(th, &msg));
    }
    let module_object = match crate::support::import(th, module) {
        Ok(module) => module,
        Err(raised) => {
            let cause = th.catch(raised);
            let msg = format!("Can't pickle {}: {}", o.repr_text(th)?, cause.borrow().str_text(th)?);
            return Err(super::pickling_error_from(th, &msg, cause));
        }
    };
    match walk(th, module_object, &path)? {
        Some(found) if found.word().is(o.word()) => Ok(()),
        Some(_) => {
            let msg =
                format!("Can't pickle {}: it's not the same object as {module}.{name}", o.repr_text(th)?);
            Err(pickling_error(th, &msg))
        }
        None => {
            let msg = format!("Can't pickle {}: it's not found as {module}.{name}", o.repr_text(th)?);
            Err(pickling_error(th, &msg))
        }
    }
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

/// What a table of `_compat_pickle` says for a pair of names, or for the name of a module.
fn mapped(
    th: &mut Thread,
    names: &str,
    modules: &str,
    module: &str,
    name: &str,
) -> PyResult<(String, String)> {
    let table = import_attr(th, "_compat_pickle", names)?;
    let (m, n) = (th.new_str(module), th.new_str(name));
    let pair = th.new_pair(m.clone(), n);
    if let Some(found) = table.payload::<Dict>().get(th, pair.borrow())?
        && let Some(found) = found.downcast::<Tuple>().filter(|t| t.len() == 2)
    {
        return Ok((found.get(0).str_text(th)?, found.get(1).str_text(th)?));
    }
    let table = import_attr(th, "_compat_pickle", modules)?;
    match table.payload::<Dict>().get(th, m.borrow())? {
        Some(found) => Ok((found.borrow().str_text(th)?, name.to_owned())),
        None => Ok((module.to_owned(), name.to_owned())),
    }
}

/// The names under which Python 2 has a global object.
pub(super) fn for_python_2(th: &mut Thread, module: &str, name: &str) -> PyResult<(String, String)> {
    mapped(th, "REVERSE_NAME_MAPPING", "REVERSE_IMPORT_MAPPING", module, name)
}

/// The names under which Python 3 has a global object of Python 2.
pub(super) fn from_python_2(th: &mut Thread, module: &str, name: &str) -> PyResult<(String, String)> {
    mapped(th, "NAME_MAPPING", "IMPORT_MAPPING", module, name)
}
