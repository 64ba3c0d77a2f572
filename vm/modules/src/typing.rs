//! `_typing`: the types of the core that `typing` shows.

use typhon_core::{Borrowed, ModuleDef, NativeDef, PyResult, Thread, typevars};

use crate::support::ModuleExt;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_typing",
    doc: "Primitives and accelerators for the typing module.\n",
    functions: &[NativeDef::new("_idfunc", "($module, x, /)", |_, a| Ok(a[0].to_owned()), "")],
    types: &[],
    setup: Some(setup),
};

fn setup(th: &mut Thread, module: Borrowed<'_>) -> PyResult<()> {
    for def in [
        &typevars::type_var::TYPE_VAR,
        &typevars::param_spec::PARAM_SPEC,
        &typevars::param_spec::ARGS,
        &typevars::param_spec::KWARGS,
        &typevars::type_var_tuple::TYPE_VAR_TUPLE,
        &typevars::alias::TYPE_ALIAS,
        &typevars::generic::GENERIC,
    ] {
        module.add(th, def.name, def.ty().as_value().to_owned())?;
    }
    module.add(th, "Union", typhon_core::builtins::union::DEF.ty().as_value().to_owned())?;
    let none = typevars::no_default(th);
    module.add(th, "NoDefault", none)
}
