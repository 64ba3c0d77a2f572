//! The module `sys`.

pub mod audit;
mod contention;
pub mod frames;
pub mod hooks;
pub mod info;
mod jit;
pub mod memory;
pub mod monitoring;
pub mod settings;
pub mod std_printer;
mod stdlib_names;

use crate::builtins::dict::Dict;
use crate::object::{Borrowed, Owned, PyResult};
use crate::thread::Thread;
use crate::typedef::{NativeDef, TypeDef};

/// Types that only `sys` makes.
pub static TYPES: &[&TypeDef] = &[&std_printer::STD_PRINTER];

/// Fills the namespace of `sys`. Built-in types and `builtins` are ready; streams are plain printers
/// until the module `io` replaces them.
pub fn setup(th: &mut Thread) -> PyResult<()> {
    let name = th.rt.names.sys.word();
    let module = th.rt.modules.fixed().and_then(|m| m.downcast::<Dict>()).and_then(|m| m.get_interned(name));
    let lists: [&'static [NativeDef]; 6] = [
        audit::FUNCTIONS,
        contention::FUNCTIONS,
        frames::FUNCTIONS,
        hooks::FUNCTIONS,
        memory::FUNCTIONS,
        settings::FUNCTIONS,
    ];
    for def in lists.into_iter().flatten() {
        let f = th.new_native_function(def, module.as_ref().map(|m| m.borrow()));
        th.sys_set(def.name, f)?;
    }
    for hook in ["displayhook", "excepthook", "breakpointhook", "unraisablehook"] {
        let f = th.sys_get(hook).expect("set above");
        th.sys_set(&format!("__{hook}__"), f)?;
    }
    info::setup(th)?;
    for (name, fd) in [("stdout", 1), ("stderr", 2)] {
        let printer = std_printer::new(th, fd);
        th.sys_set(name, printer.clone())?;
        th.sys_set(&format!("__{name}__"), printer)?;
    }
    for name in ["stdin", "__stdin__"] {
        th.sys_set(name, Owned::none())?;
    }
    jit::setup(th)?;
    monitoring::setup(th)
}

/// A list of strings.
fn str_list(th: &mut Thread, items: impl IntoIterator<Item = String>) -> Owned {
    let items = items.into_iter().map(|s| th.new_str(&s)).collect();
    th.new_list(items)
}

/// `getattr(sys, name)` for a callable hook; `None` if it is missing or None.
fn hook(th: &mut Thread, name: &str) -> Option<Owned> {
    th.sys_get(name).filter(|h| !h.is_none())
}

/// Must be a str.
fn expect_text(th: &mut Thread, v: Borrowed<'_>, what: &str) -> PyResult<String> {
    Ok(v.expect_str(th, what)?.to_text())
}
