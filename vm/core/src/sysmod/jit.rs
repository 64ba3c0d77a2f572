//! `sys._jit`: there is no just-in-time compiler, and programs may ask.

use crate::object::{Borrowed, Owned, PyResult};
use crate::thread::Thread;
use crate::typedef::NativeDef;

fn no(_: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    Ok(Owned::bool(false))
}

static FUNCTIONS: [NativeDef; 3] = [
    NativeDef::new(
        "is_available",
        "()",
        no,
        "Return True if the current Python executable supports JIT compilation, and False otherwise.",
    ),
    NativeDef::new(
        "is_enabled",
        "()",
        no,
        "Return True if JIT compilation is enabled for the current Python process.",
    ),
    NativeDef::new(
        "is_active",
        "()",
        no,
        "Return True if the topmost Python frame is currently executing JIT code, and False otherwise.",
    ),
];

/// Adds it to `sys`.
pub(super) fn setup(th: &mut Thread) -> PyResult<()> {
    let functions = FUNCTIONS.iter().map(|f| (f.name, th.new_native_function(f, None))).collect();
    let jit = th.new_namespace(functions)?;
    th.sys_set("_jit", jit)
}
