//! Bringing up the import system, in the order of CPython: the frozen bootstrap, `_imp`, the finders for
//! native modules and files, then the packed library.

use typhon_core::builtins::dict::Dict;
use typhon_core::{Owned, PyResult, Thread};

use crate::{imp, support, typhonlib};

/// Starts importing: afterwards `import` works for everything. `sys.path` must be set by the caller before the
/// first import from files.
///
/// Errors: what the bootstrap raises; the packed library is missing.
pub fn start_importing(th: &mut Thread) -> PyResult<()> {
    let mut names: Vec<&str> = crate::MODULES.iter().map(|m| m.name).collect();
    names.extend(["sys", "builtins"]);
    set_builtin_module_names(th, names)?;

    let bootstrap = imp::run_frozen(th, "_frozen_importlib")?;
    let imp_module = imp::native_module(th, &imp::MODULE)?;
    let modules = th.rt.modules.fixed().and_then(|m| m.downcast::<Dict>());
    if let Some(modules) = modules {
        let key = th.intern("_imp");
        modules.set(th, key.borrow(), imp_module.clone())?;
    }
    typhon_core::import::set_bootstrap(bootstrap.clone());
    let key = th.rt.names.sys.get();
    let sys = match modules.and_then(|m| m.get_interned(key.word())) {
        Some(s) => s,
        None => return Err(th.runtime_error("lost sys")),
    };
    bootstrap.borrow().call_method_str(th, "_install", &[sys.borrow(), imp_module.borrow()])?;
    bootstrap.borrow().call_method_str(th, "_install_external_importers", &[])?;
    typhonlib::install(th)
}

fn set_builtin_module_names(th: &mut Thread, mut names: Vec<&str>) -> PyResult<()> {
    names.sort_unstable();
    let names = names.into_iter().map(|n| th.intern(n)).collect();
    let names = th.new_tuple(names);
    th.sys_set("builtin_module_names", names)
}

/// The module `__main__`, made anew with its loader.
pub fn new_main_module(th: &mut Thread) -> PyResult {
    let module = th.new_module("__main__")?;
    let dict = th.rt.names.__dict__.get();
    let globals = module.borrow().getattr(th, dict)?;
    if let Some(d) = globals.downcast::<Dict>() {
        let key = th.rt.names.__builtins__.get();
        let builtins = support::import(th, "builtins")?;
        d.set(th, key, builtins)?;
        let loader = support::import_attr(th, "_frozen_importlib", "BuiltinImporter")?;
        let key = th.rt.names.__loader__.get();
        d.set(th, key, loader)?;
    }
    let key = th.rt.names.main.get();
    if let Some(modules) = th.rt.modules.fixed().and_then(|m| m.downcast::<Dict>()) {
        modules.set(th, key, module.clone())?;
    }
    Ok(module)
}

/// Sets `sys.path`.
pub fn set_path(th: &mut Thread, entries: &[std::ffi::OsString]) -> PyResult<()> {
    let items: Vec<Owned> = entries.iter().map(|e| support::os_str(th, e)).collect();
    let list = th.new_list(items);
    th.sys_set("path", list)
}
