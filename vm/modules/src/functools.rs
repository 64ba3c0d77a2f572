//! `_functools`: `partial`, `reduce`, `cmp_to_key`, the cache behind `lru_cache`.

mod cmp_key;
mod lru_cache;
mod partial;

use typhon_core::builtins::exceptions as ex;
use typhon_core::{ArgsExt, Borrowed, ModuleDef, NativeDef, Owned, PyResult, Thread};

use crate::support::ModuleExt;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_functools",
    doc: "Tools that operate on functions.",
    functions: &[
        NativeDef::new(
            "reduce",
            "($module, function, iterable, /, initial=<functools._initial_missing>)",
            reduce,
            "Apply a function of two arguments cumulatively to the items of an iterable, from left to right.\n\nThis \
             effectively reduces the iterable to a single value.  If initial is present,\nit is placed before the items \
             of the iterable in the calculation, and serves as\na default when the iterable is empty.\n\nFor example, \
             reduce(lambda x, y: x+y, [1, 2, 3, 4, 5])\ncalculates ((((1 + 2) + 3) + 4) + 5).",
        ),
        NativeDef::new(
            "cmp_to_key",
            "($module, /, mycmp)",
            cmp_key::cmp_to_key,
            "Convert a cmp= function into a key= function.\n\n  mycmp\n    Function that compares two objects.",
        ),
    ],
    types: &[&partial::PARTIAL, &partial::PLACEHOLDER, &lru_cache::LRU_CACHE, &cmp_key::KEY],
    setup: Some(setup),
};

fn setup(th: &mut Thread, module: Borrowed<'_>) -> PyResult<()> {
    let placeholder = partial::placeholder(th);
    module.add(th, "Placeholder", placeholder)
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = match a[1].iter(th) {
        Ok(it) => it,
        Err(raised) if th.exc_is(&ex::TYPE_ERROR) && a[1].ty().slots.iter().is_none() => {
            drop(th.catch(raised));
            return Err(th.type_error("reduce() arg 2 must support iteration"));
        }
        Err(raised) => return Err(raised),
    };
    let mut total: Option<Owned> = a.opt(2).map(Borrowed::to_owned);
    while let Some(v) = it.borrow().next(th)? {
        total = Some(match total {
            None => v,
            Some(t) => a[0].call(th, &[t.borrow(), v.borrow()])?,
        });
        th.drain_drops();
    }
    match total {
        Some(t) => Ok(t),
        None => Err(th.type_error("reduce() of empty iterable with no initial value")),
    }
}
