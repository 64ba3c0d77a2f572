//! `sys`: hooks that the VM calls, and leaving the program.

use crate::builtins::exceptions as ex;
use crate::builtins::struct_sequence::{StructSequence, new_instance, register};
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::{Args, ArgsExt};
use crate::thread::Thread;
use crate::typedef::NativeDef;

pub(super) const FUNCTIONS: &[NativeDef] = &[
    NativeDef::new(
        "displayhook",
        "(object, /)",
        displayhook,
        "Print an object to sys.stdout and also save it in builtins._",
    ),
    NativeDef::new(
        "excepthook",
        "(exctype, value, traceback, /)",
        excepthook,
        "Handle an exception by displaying it with a traceback on sys.stderr.",
    ),
    NativeDef::new(
        "unraisablehook",
        "(unraisable, /)",
        |th, a| {
            crate::report::print_unraisable(th, a[0])?;
            Ok(Owned::none())
        },
        "Handle an unraisable exception.",
    ),
    NativeDef::raw(
        "breakpointhook",
        "(*args, **kwargs)",
        breakpointhook,
        "This hook function is called by built-in breakpoint().",
    ),
    NativeDef::new(
        "exit",
        "(status=None, /)",
        exit,
        "Exit the interpreter by raising SystemExit(status).\n\n\
         If the status is omitted or None, it defaults to zero (i.e., success).\n\
         If the status is an integer, it will be used as the system exit status.\n\
         If it is another kind of object, it will be printed and the system\n\
         exit status will be one (i.e., failure).",
    ),
    NativeDef::new(
        "set_asyncgen_hooks",
        "(firstiter=<unrepresentable>, finalizer=<unrepresentable>)",
        set_asyncgen_hooks,
        "set_asyncgen_hooks([firstiter] [, finalizer])\n\nSet a finalizer for async generators objects.",
    ),
    NativeDef::new(
        "get_asyncgen_hooks",
        "()",
        get_asyncgen_hooks,
        "Return the installed asynchronous generators hooks.\n\n\
         This returns a namedtuple of the form (firstiter, finalizer).",
    ),
    NativeDef::new(
        "set_coroutine_origin_tracking_depth",
        "(depth)",
        set_origin_depth,
        "Enable or disable origin tracking for coroutine objects in this thread.",
    ),
    NativeDef::new(
        "get_coroutine_origin_tracking_depth",
        "()",
        |th, _| Ok(th.new_int(i64::from(th.origin_depth))),
        "Check status of origin tracking for coroutine objects in this thread.",
    ),
];

fn displayhook(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if a[0].is_none() {
        return Ok(Owned::none());
    }
    let underscore = th.intern("_");
    let builtins = th.builtins_dict();
    builtins.setitem(th, underscore.borrow(), Borrowed::none())?;
    let Some(out) = super::hook(th, "stdout") else { return Err(th.runtime_error("lost sys.stdout")) };
    let text = a[0].repr(th)?;
    let write = th.rt.names.write.get();
    let r = out.borrow().call_method(th, write, &[text.borrow()]);
    if th.absorb(r, &ex::UNICODE_ENCODE_ERROR)?.is_none() {
        // The stream cannot show a character: escape what its encoding lacks.
        let encoding = out.borrow().getattr(th, th.rt.names.encoding.get())?;
        let escape = th.intern("backslashreplace");
        let bytes = text.borrow().call_method_str(th, "encode", &[encoding.borrow(), escape.borrow()])?;
        let strict = th.intern("strict");
        let shown = bytes.borrow().call_method_str(th, "decode", &[encoding.borrow(), strict.borrow()])?;
        out.borrow().call_method(th, write, &[shown.borrow()])?;
    }
    let newline = th.intern("\n");
    out.borrow().call_method(th, write, &[newline.borrow()])?;
    builtins.setitem(th, underscore.borrow(), a[0])?;
    Ok(Owned::none())
}

fn excepthook(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if ex::is_exception(a[1]) {
        let e = ex::base_of(a[1]);
        if crate::report::is_traceback(a[2]) && e.traceback.is_empty() {
            e.traceback.set(&e.header, a[2].to_owned());
        }
    }
    crate::report::print_exception(th, a[1]);
    Ok(Owned::none())
}

fn breakpointhook(th: &mut Thread, a: Args<'_>) -> PyResult {
    let name = match std::env::var("PYTHONBREAKPOINT") {
        Ok(v) if v == "0" => return Ok(Owned::none()),
        Ok(v) if !v.is_empty() && !th.rt.config.ignore_environment => v,
        _ => String::from("pdb.set_trace"),
    };
    let (module, attribute) = name.rsplit_once('.').unwrap_or(("builtins", &name));
    let hook = match crate::report::import_module(th, module) {
        Ok(m) => m.borrow().getattr_str(th, attribute),
        Err(raised) => Err(raised),
    };
    match th.absorb(hook, &ex::EXCEPTION)? {
        Some(f) => f.borrow().call_args(th, a),
        None => {
            let msg = format!("Ignoring unimportable $PYTHONBREAKPOINT: \"{name}\"");
            crate::warnings::warn(th, &ex::RUNTIME_WARNING, &msg, 2)?;
            Ok(Owned::none())
        }
    }
}

fn exit(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    Err(match a.some(0) {
        None => th.raise_empty(&ex::SYSTEM_EXIT),
        Some(status) => {
            // A tuple gives the arguments of SystemExit.
            match status.downcast_exact::<crate::builtins::tuple::Tuple>() {
                Some(_) => {
                    let exc = ex::new_exception(th, ex::SYSTEM_EXIT.ty(), status.to_owned());
                    ex::chain_context(th, exc.borrow());
                    th.set_exc(exc)
                }
                None => th.raise_value(&ex::SYSTEM_EXIT, status.to_owned()),
            }
        }
    })
}

static ASYNCGEN_HOOKS: StructSequence = StructSequence {
    name: "sys.asyncgen_hooks",
    doc: "",
    fields: &["firstiter", "finalizer"],
    n_visible: 2,
    constructible: false,
};

fn get_asyncgen_hooks(th: &mut Thread, _a: &[Borrowed<'_>]) -> PyResult {
    let ty = register(th, &ASYNCGEN_HOOKS)?;
    let fields = [&th.asyncgen_firstiter, &th.asyncgen_finalizer]
        .map(|h| h.as_ref().map_or_else(Owned::none, |h| h.clone()));
    Ok(new_instance(th, ty, fields.into()))
}

fn set_asyncgen_hooks(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    for (v, name) in [(a.opt(1), "finalizer"), (a.opt(0), "firstiter")] {
        if let Some(v) = v
            && !v.is_none()
            && !v.is_callable()
        {
            let msg = format!("callable {name} expected, got {}", v.type_name(th));
            return Err(th.type_error(&msg));
        }
    }
    let value = |v: Borrowed<'_>| if v.is_none() { None } else { Some(v.to_owned()) };
    if let Some(v) = a.opt(0) {
        th.asyncgen_firstiter = value(v);
    }
    if let Some(v) = a.opt(1) {
        th.asyncgen_finalizer = value(v);
    }
    Ok(Owned::none())
}

fn set_origin_depth(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = a[0].to_i64(th)?;
    if n < 0 {
        return Err(th.value_error("depth must be >= 0"));
    }
    th.origin_depth = u32::try_from(n).unwrap_or(u32::MAX);
    Ok(Owned::none())
}

/// Shows the value of an expression statement at the prompt: `sys.displayhook(value)`.
pub fn display(th: &mut Thread, v: Borrowed<'_>) -> PyResult<()> {
    match th.sys_get("displayhook") {
        Some(hook) => hook.borrow().call(th, &[v]).map(drop),
        None => Err(th.runtime_error("lost sys.displayhook")),
    }
}
