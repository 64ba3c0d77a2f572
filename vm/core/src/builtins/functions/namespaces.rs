//! Namespaces of the caller, classes and modules.

use crate::builtins::dict::Dict;
use crate::builtins::list::sort;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::{Args, ArgsExt};
use crate::thread::Thread;

pub fn globals(th: &mut Thread, _a: &[Borrowed<'_>]) -> PyResult {
    current_globals(th)
}

/// Globals of the Python function that runs; those of `builtins` outside of any.
pub fn current_globals(th: &mut Thread) -> PyResult {
    match crate::interp::eval::current_globals(th).map(|g| g.to_owned()) {
        Some(g) => Ok(g),
        None => Err(th.system_error("globals do not exist")),
    }
}

pub fn locals(th: &mut Thread, _a: &[Borrowed<'_>]) -> PyResult {
    current_locals(th)
}

/// `locals()` of the Python code that runs.
pub fn current_locals(th: &mut Thread) -> PyResult {
    crate::frame_object::locals_snapshot(th)
}

pub fn vars(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(o) = a.opt(0) else { return current_locals(th) };
    let name = th.rt.names.__dict__.get();
    match o.getattr_opt(th, name)? {
        Some(d) => Ok(d),
        None => Err(th.type_error("vars() argument must have __dict__ attribute")),
    }
}

pub fn dir(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let names = match a.opt(0) {
        None => {
            let locals = current_locals(th)?;
            match locals.downcast::<Dict>() {
                Some(d) => d.keys(),
                None => {
                    let keys = locals.borrow().call_method_str(th, "keys", &[])?;
                    keys.borrow().to_vec(th)?
                }
            }
        }
        Some(o) => {
            let name = th.rt.names.__dir__.get();
            match o.call_special(th, name, &[])? {
                Some(names) => names.borrow().to_vec(th)?,
                None => return Err(th.type_error("object does not provide __dir__")),
            }
        }
    };
    let mut names = names;
    sort::sort_items(th, &mut names, None, false)?;
    Ok(th.new_list(names))
}

pub fn breakpoint(th: &mut Thread, a: Args<'_>) -> PyResult {
    match th.sys_get("breakpointhook") {
        Some(hook) => hook.borrow().call_args(th, a),
        None => Err(th.runtime_error("lost sys.breakpointhook")),
    }
}

pub fn import(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let level = match a.opt(4) {
        Some(v) => v.to_i64(th)?,
        None => 0,
    };
    let fromlist: Owned = match a.opt(3) {
        Some(f) => f.to_owned(),
        None => th.new_tuple(Vec::new()),
    };
    crate::import::import_name(th, a[0], a.some(1), fromlist.borrow(), level)
}
