//! CALL_INTRINSIC_1 and _2, LOAD_COMMON_CONSTANT: rare operations and constants by number.

use typhon_compile::opcode::CommonConstant;

use crate::builtins::exceptions as ex;
use crate::object::{Borrowed, Owned, PyResult};
use crate::thread::Thread;
use crate::word::Word;

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

/// The word of a LOAD_COMMON_CONSTANT, uncounted: its object lives as long as the runtime, and is the built-in
/// one, whatever the name means now. The word 0 stands for a number that means nothing.
pub fn common_constant(which: u32) -> Word {
    use CommonConstant as C;
    let Some(which) = CommonConstant::from_u32(which) else { return Word::ZERO };
    let ty = match which {
        C::AssertionError => &ex::ASSERTION_ERROR,
        C::NotImplementedError => &ex::NOT_IMPLEMENTED_ERROR,
        C::Tuple => &crate::builtins::tuple::DEF,
        C::List => &crate::builtins::list::DEF,
        C::Set => &crate::builtins::set::DEF,
        C::All | C::Any => {
            let stored = crate::runtime::rt().stored(which.text());
            return stored.map_or(Word::ZERO, |f| f.word().uncounted());
        }
    };
    ty.ty().as_value().word().uncounted()
}
