//! `_weakref`: what the module `weakref` is made of.

use typhon_core::builtins::dict::Dict;
use typhon_core::weakref::{self, proxy};
use typhon_core::{ArgsExt, Borrowed, ModuleDef, NativeDef, Owned, PyResult, Thread};

pub static MODULE: ModuleDef = ModuleDef {
    name: "_weakref",
    doc: "Weak-reference support module.",
    functions: &[
        NativeDef::new(
            "getweakrefcount",
            "(object, /)",
            |th, a| Ok(th.new_int(weakref::count(a[0]) as i64)),
            "Return the number of weak references to 'object'.",
        ),
        NativeDef::new(
            "getweakrefs",
            "(object, /)",
            |th, a| Ok(th.new_list(weakref::all(a[0]))),
            "Return a list of all weak reference objects pointing to 'object'.",
        ),
        NativeDef::new(
            "proxy",
            "(object, callback=None, /)",
            |th, a| proxy::new_proxy(th, a[0], a.some(1)),
            "Create a proxy object that weakly references 'object'.\n\n\
             'callback', if given, is called with a reference to the\n\
             proxy when 'object' is about to be finalized.",
        ),
        NativeDef::new(
            "_remove_dead_weakref",
            "(dct, key, /)",
            remove_dead_weakref,
            "Atomically remove key from dict if it points to a dead weakref.",
        ),
    ],
    types: &[],
    setup: Some(setup),
};

fn setup(th: &mut Thread, module: Borrowed<'_>) -> PyResult<()> {
    for (name, def) in [
        ("ref", &weakref::REF),
        ("ReferenceType", &weakref::REF),
        ("ProxyType", &proxy::PROXY),
        ("CallableProxyType", &proxy::CALLABLE_PROXY),
    ] {
        let name = th.intern(name);
        module.setattr(th, name.borrow(), Some(def.ty().as_value()))?;
    }
    Ok(())
}

fn remove_dead_weakref(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(d) = a[0].downcast::<Dict>() else {
        let msg = format!("_remove_dead_weakref() argument 1 must be dict, not {}", a[0].type_name(th));
        return Err(th.type_error(&msg));
    };
    // Another thread may have stored a living reference under the key meanwhile.
    if let Some(v) = d.get(th, a[1])?
        && let Some(w) = v.downcast::<weakref::WeakRef>()
        && weakref::get(w).is_none()
    {
        d.remove_pair(th, a[1], v.borrow())?;
    }
    Ok(Owned::none())
}
