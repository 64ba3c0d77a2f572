//! `sys`: frames, exceptions being handled, trace functions.

use crate::builtins::dict::Dict;
use crate::builtins::exceptions as ex;
use crate::function::Function;
use crate::interp::eval;
use crate::monitoring::legacy::{self, Hook};
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::ArgsExt;
use crate::thread::Thread;
use crate::typedef::NativeDef;

pub(super) const FUNCTIONS: &[NativeDef] = &[
    NativeDef::new(
        "exc_info",
        "()",
        exc_info,
        "Return current exception information: (type, value, traceback).\n\n\
         Return information about the most recent exception caught by an except\n\
         clause in the current stack frame or in an older stack frame.",
    ),
    NativeDef::new(
        "exception",
        "()",
        exception,
        "Return the current exception.\n\n\
         Return the most recent exception caught by an except clause\n\
         in the current stack frame or in an older stack frame, or None\n\
         if no such clause exists.",
    ),
    NativeDef::new(
        "_getframe",
        "(depth=0, /)",
        getframe,
        "Return a frame object from the call stack.\n\n\
         If optional integer depth is given, return the frame object that many\n\
         calls below the top of the stack.  If that is deeper than the call\n\
         stack, ValueError is raised.  The default for depth is zero, returning\n\
         the frame at the top of the call stack.",
    ),
    NativeDef::new(
        "_getframemodulename",
        "(depth=0)",
        getframemodulename,
        "Return the name of the module for a calling frame.",
    ),
    NativeDef::new(
        "_current_frames",
        "()",
        current_frames,
        "Return a dict mapping each thread's thread id to its current stack frame.",
    ),
    NativeDef::new(
        "_current_exceptions",
        "()",
        current_exceptions,
        "Return a dict mapping each thread's identifier to its current raised exception.",
    ),
    NativeDef::new(
        "call_tracing",
        "(func, args, /)",
        call_tracing,
        "Call func(*args), while tracing is enabled.",
    ),
    NativeDef::new(
        "settrace",
        "(function, /)",
        |th, a| set(th, Hook::Trace, a[0], false),
        "Set the global debug tracing function.",
    ),
    NativeDef::new(
        "gettrace",
        "()",
        |th, _| Ok(get(th, Hook::Trace)),
        "Return the global debug tracing function set with sys.settrace.",
    ),
    NativeDef::new(
        "setprofile",
        "(function, /)",
        |th, a| set(th, Hook::Profile, a[0], false),
        "Set the profiling function.",
    ),
    NativeDef::new(
        "getprofile",
        "()",
        |th, _| Ok(get(th, Hook::Profile)),
        "Return the profiling function set with sys.setprofile.",
    ),
    NativeDef::new("_settraceallthreads", "(function, /)", |th, a| set(th, Hook::Trace, a[0], true), ""),
    NativeDef::new("_setprofileallthreads", "(function, /)", |th, a| set(th, Hook::Profile, a[0], true), ""),
];

fn set(th: &mut Thread, hook: Hook, f: Borrowed<'_>, everywhere: bool) -> PyResult {
    let function = if f.is_none() { None } else { Some(f.to_owned()) };
    legacy::set(th, hook, function, everywhere);
    Ok(Owned::none())
}

fn get(th: &mut Thread, hook: Hook) -> Owned {
    legacy::get(th, hook).unwrap_or_else(Owned::none)
}

fn exception(th: &mut Thread, _a: &[Borrowed<'_>]) -> PyResult {
    Ok(ex::handled(th).unwrap_or_else(Owned::none))
}

fn exc_info(th: &mut Thread, _a: &[Borrowed<'_>]) -> PyResult {
    Ok(match ex::handled(th) {
        Some(exc) => {
            let class = exc.borrow().ty().as_value().to_owned();
            let e = ex::base_of(exc.borrow());
            let tb = e.traceback.get(&e.header).unwrap_or_else(Owned::none);
            th.new_tuple(vec![class, exc.clone(), tb])
        }
        None => th.new_tuple(vec![Owned::none(), Owned::none(), Owned::none()]),
    })
}

fn depth(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult<usize> {
    match a.opt(0) {
        Some(v) => Ok(v.to_isize(th)?.max(0) as usize),
        None => Ok(0),
    }
}

fn getframe(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = depth(th, a)?;
    match crate::frame_object::nth(th, n) {
        Some(f) => Ok(f),
        None => Err(th.value_error("call stack is not deep enough")),
    }
}

fn getframemodulename(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = depth(th, a)?;
    let Some(record) = eval::nth_record(th, n) else { return Ok(Owned::none()) };
    // SAFETY: the function is kept alive by the running frame.
    let function = unsafe { Borrowed::from_raw(record.func.uncounted()) };
    let module = function.downcast::<Function>().and_then(|f| f.module.get(&f.header));
    Ok(module.unwrap_or_else(Owned::none))
}

fn current_frames(th: &mut Thread, _a: &[Borrowed<'_>]) -> PyResult {
    let d = th.new_dict();
    if let Some(frame) = crate::frame_object::nth(th, 0) {
        let ident = th.new_uint(th.ident);
        d.payload::<Dict>().set(th, ident.borrow(), frame)?;
    }
    Ok(d)
}

fn current_exceptions(th: &mut Thread, _a: &[Borrowed<'_>]) -> PyResult {
    let d = th.new_dict();
    let exc = ex::handled(th).unwrap_or_else(Owned::none);
    let ident = th.new_uint(th.ident);
    d.payload::<Dict>().set(th, ident.borrow(), exc)?;
    Ok(d)
}

fn call_tracing(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(args) = a[1].downcast::<crate::builtins::tuple::Tuple>() else {
        let msg = format!("call_tracing() argument 2 must be tuple, not {}", a[1].type_name(th));
        return Err(th.type_error(&msg));
    };
    let args: Vec<Borrowed<'_>> = args.iter().collect();
    let tracing = core::mem::replace(&mut th.tracing, 0);
    let r = a[0].call(th, &args);
    th.tracing = tracing;
    r
}
