//! `_warnings`: the native half of `warnings`.

use typhon_core::builtins::exceptions as ex;
use typhon_core::builtins::str::Str;
use typhon_core::builtins::tuple::Tuple;
use typhon_core::{ArgsExt, Borrowed, ModuleDef, NativeDef, Owned, PyResult, Thread, Type, warnings};

use typhon_core::builtins::type_::builtin::register_type;

use crate::support::ModuleExt;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_warnings",
    doc: "_warnings provides basic warning filtering support.\nIt is a helper module to speed up interpreter start-up.",
    functions: &[
        NativeDef::new(
            "warn",
            "($module, /, message, category=None, stacklevel=1, source=None, *, skip_file_prefixes=())",
            warn,
            "Issue a warning, or maybe ignore it or raise an exception.",
        ),
        NativeDef::new(
            "warn_explicit",
            "($module, /, message, category, filename, lineno, module=<unrepresentable>, registry=None, \
             module_globals=None, source=None)",
            warn_explicit,
            "Issue a warning, or maybe ignore it or raise an exception.",
        ),
        NativeDef::new("_filters_mutated_lock_held", "($module, /)", filters_mutated, ""),
        NativeDef::new("_acquire_lock", "($module, /)", |th, _| lock(th, "acquire"), ""),
        NativeDef::new("_release_lock", "($module, /)", |th, _| lock(th, "release"), ""),
    ],
    types: &[],
    setup: Some(setup),
};

const CONTEXT: &str = "warnings.context";
const LOCK: &str = "warnings.lock";

fn setup(th: &mut Thread, module: Borrowed<'_>) -> PyResult<()> {
    let filters = warnings::filters(th);
    module.add(th, "filters", filters)?;
    let once = warnings::once_registry(th);
    module.add(th, "_onceregistry", once)?;
    let default = th.intern("default");
    module.add(th, "_defaultaction", default)?;
    // Registered, not imported: this module is made before the import system runs.
    for def in crate::contextvars::MODULE.types {
        register_type(th, def)?;
    }
    let class = crate::contextvars::CONTEXT_VAR.ty().as_value();
    let name = th.new_str("warnings_context");
    let var = class.call(th, &[name.borrow()])?;
    th.rt.store(CONTEXT, var.clone());
    module.add(th, "_warnings_context", var)?;
    let class = register_type(th, &crate::thread::RLOCK)?;
    let lock = class.call(th, &[])?;
    th.rt.store(LOCK, lock);
    Ok(())
}

fn lock(th: &mut Thread, method: &str) -> PyResult {
    if let Some(lock) = th.rt.stored(LOCK) {
        lock.borrow().call_method_str(th, method, &[])?;
    }
    Ok(Owned::none())
}

fn filters_mutated(_: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    warnings::filters_changed();
    Ok(Owned::none())
}

/// The class of a warning: that of a message that is a warning itself, else the one given.
fn category<'a>(
    th: &mut Thread,
    message: Borrowed<'a>,
    given: Option<Borrowed<'a>>,
) -> PyResult<Borrowed<'a>> {
    if message.is_instance_of(&ex::WARNING) {
        return Ok(message.ty().as_value());
    }
    match given {
        None => Ok(ex::USER_WARNING.ty().as_value()),
        Some(c) if c.downcast::<Type>().is_some_and(|t| t.is_subtype_of(ex::WARNING.ty())) => Ok(c),
        Some(c) => {
            let msg = format!("category must be a Warning subclass, not '{}'", c.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

fn warn(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let category = category(th, a[0], a.some(1))?;
    let level = match a.opt(2) {
        Some(l) => l.to_isize(th)? as i64,
        None => 1,
    };
    let mut skip = Vec::new();
    if let Some(p) = a.opt(4) {
        let Some(t) = p.downcast::<Tuple>() else {
            let msg = format!("warn() argument 'skip_file_prefixes' must be tuple, not {}", p.type_name(th));
            return Err(th.type_error(&msg));
        };
        for v in t.iter() {
            let Some(s) = v.downcast::<Str>() else {
                let msg = format!("Found non-str '{}' in skip_file_prefixes.", v.type_name(th));
                return Err(th.type_error(&msg));
            };
            skip.push(s.to_text());
        }
    }
    warnings::warn_object(th, a[0], category, level, a.some(3), &skip)?;
    Ok(Owned::none())
}

fn warn_explicit(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (message, filename) = (a[0], a[2]);
    if filename.downcast::<Str>().is_none() {
        let msg = format!("warn_explicit() argument 'filename' must be str, not {}", filename.type_name(th));
        return Err(th.type_error(&msg));
    }
    let line = a[3].to_i64(th)?;
    let category = category(th, message, Some(a[1]))?;
    let source_line = match a.some(6) {
        Some(globals) => source_line(th, globals, line)?,
        None => None,
    };
    let w = warnings::Warning {
        message,
        category,
        filename,
        line,
        module: a.some(4),
        registry: a.some(5),
        source_line: source_line.as_ref().map(|l| l.borrow()),
        source: a.some(7),
    };
    warnings::warn_explicit(th, &w)?;
    Ok(Owned::none())
}

/// The source line as the loader of the module knows it.
fn source_line(th: &mut Thread, globals: Borrowed<'_>, line: i64) -> PyResult<Option<Owned>> {
    let Some(d) = globals.downcast::<typhon_core::builtins::dict::Dict>() else {
        let msg = format!("module_globals must be a dict, not '{}'", globals.type_name(th));
        return Err(th.type_error(&msg));
    };
    let names = &th.rt.names;
    let (loader, name) = (names.__loader__.get(), names.__name__.get());
    let (Some(loader), Some(name)) = (d.get(th, loader)?, d.get(th, name)?) else { return Ok(None) };
    let get = th.intern("get_source");
    let Some(get) = loader.borrow().getattr_opt(th, get.borrow())? else { return Ok(None) };
    let source = get.borrow().call(th, &[name.borrow()])?;
    if source.is_none() {
        return Ok(None);
    }
    let lines = source.borrow().call_method_str(th, "splitlines", &[])?;
    let Some(at) = line.checked_sub(1).filter(|l| *l >= 0) else { return Ok(None) };
    let lines = lines.borrow().to_vec(th)?;
    Ok(lines.get(at as usize).cloned())
}
