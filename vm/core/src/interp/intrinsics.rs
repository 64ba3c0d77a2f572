//! CALL_INTRINSIC_1 and _2, LOAD_COMMON_CONSTANT: rare operations by number.

use crate::builtins::exceptions as ex;
use crate::object::{Borrowed, Owned, PyResult};
use crate::thread::Thread;

/// CALL_INTRINSIC_1.
pub fn unary(th: &mut Thread, which: u32, v: Borrowed<'_>) -> PyResult {
    match which {
        1 => {
            let hook = match th.sys_get("displayhook") {
                Some(h) => h,
                None => return Err(th.runtime_error("lost sys.displayhook")),
            };
            hook.borrow().call(th, &[v])
        }
        2 => {
            let ns = super::names::locals_of_frame(th)?;
            crate::import::import_star(th, v, ns.borrow())?;
            Ok(Owned::none())
        }
        3 => Ok(crate::generator::stop_iteration_error(th, v)),
        4 => Ok(crate::generator::wrap_value(th, v.to_owned())),
        5 => crate::number::positive(th, v),
        6 => {
            let items = v.to_vec(th)?;
            Ok(th.new_tuple(items))
        }
        7 => crate::typevars::make_typevar(th, v, None, None),
        8 => crate::typevars::make_paramspec(th, v),
        9 => crate::typevars::make_typevartuple(th, v),
        10 => crate::typevars::subscript_generic(th, v),
        11 => crate::typevars::make_type_alias(th, v),
        _ => Err(th.system_error("unknown intrinsic")),
    }
}

/// CALL_INTRINSIC_2.
pub fn binary(th: &mut Thread, which: u32, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    match which {
        1 => ex::prep_reraise_star(th, a, b),
        2 => crate::typevars::make_typevar(th, a, Some(b), None),
        3 => crate::typevars::make_typevar(th, a, None, Some(b)),
        4 => {
            if let Some(f) = a.downcast::<crate::function::Function>() {
                drop(f.type_params.swap(b.to_owned()));
            }
            let _ = th;
            Ok(a.to_owned())
        }
        5 => crate::typevars::set_default(th, a, b),
        _ => Err(th.system_error("unknown intrinsic")),
    }
}

/// LOAD_COMMON_CONSTANT.
pub fn common_constant(th: &mut Thread, which: u32) -> PyResult {
    let builtin = |th: &mut Thread, name: &str| {
        let name = th.intern(name);
        let d = th.builtins_dict();
        let d = d.downcast::<crate::builtins::dict::Dict>().expect("builtins has a dict");
        match d.get(th, name.borrow())? {
            Some(v) => Ok(v),
            None => Err(th.system_error("a builtin is missing")),
        }
    };
    match which {
        0 => Ok(ex::ASSERTION_ERROR.ty().as_value().to_owned()),
        1 => Ok(ex::NOT_IMPLEMENTED_ERROR.ty().as_value().to_owned()),
        2 => Ok(crate::builtins::tuple::DEF.ty().as_value().to_owned()),
        3 => builtin(th, "all"),
        _ => builtin(th, "any"),
    }
}
