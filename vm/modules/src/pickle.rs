//! `_pickle`: the fast half of the module `pickle`.
//!
//! [`save`], [`save_builtin`] and [`reduce`] write instructions, [`machine`] runs them; [`pickler`] and [`unpickler`] are
//! the types around them. A pickler or unpickler works for one thread at a time: another one gets RuntimeError. What is
//! saved is copied under its lock before its items are saved, so code that runs meanwhile may change it.

mod buffer;
mod input;
mod machine;
mod memo;
mod names;
mod opcode;
mod pickler;
mod reduce;
mod save;
mod save_builtin;
mod unpickler;
mod writer;

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::exceptions as ex;
use typhon_core::builtins::str::Str;
use typhon_core::{Args, ArgsExt, Borrowed, ModuleDef, NativeDef, Owned, PyResult, Raised, Thread};

use crate::args::exception_class;
use crate::support::ModuleExt;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_pickle",
    doc: "Optimized C implementation for the Python pickle module.",
    functions: &[
        NativeDef::new(
            "dump",
            "($module, /, obj, file, protocol=None, *, fix_imports=True, buffer_callback=None)",
            pickler::dump_to,
            "Write a pickled representation of obj to the open file object file.",
        ),
        NativeDef::new(
            "dumps",
            "($module, /, obj, protocol=None, *, fix_imports=True, buffer_callback=None)",
            pickler::dumps,
            "Return the pickled representation of the object as a bytes object.",
        ),
        NativeDef::new(
            "load",
            "($module, /, file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())",
            unpickler::load_from,
            "Read and return an object from the pickle data stored in a file.",
        ),
        NativeDef::new(
            "loads",
            "($module, data, /, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())",
            unpickler::loads,
            "Read and return an object from the given pickle data.",
        ),
    ],
    types: &[
        &pickler::PICKLER,
        &pickler::MEMO_PROXY,
        &unpickler::UNPICKLER,
        &unpickler::MEMO_PROXY,
        &buffer::PICKLE_BUFFER,
    ],
    setup: Some(setup),
};

const PICKLING_ERROR: &str = "pickle.PicklingError";
const UNPICKLING_ERROR: &str = "pickle.UnpicklingError";

fn setup(th: &mut Thread, m: Borrowed<'_>) -> PyResult<()> {
    let base = exception_class(th, "_pickle", "PickleError", ex::EXCEPTION.ty().as_value())?;
    for (key, name) in [(PICKLING_ERROR, "PicklingError"), (UNPICKLING_ERROR, "UnpicklingError")] {
        let class = exception_class(th, "_pickle", name, base.borrow())?;
        drop(th.rt.store(key, class.clone()));
        m.add(th, name, class)?;
    }
    m.add(th, "PickleError", base)
}

#[cold]
fn raise(th: &mut Thread, key: &'static str, msg: &str) -> Raised {
    let class = th.rt.stored(key).expect("stored when the module was made");
    let text = th.new_str(msg);
    match class.borrow().call(th, &[text.borrow()]) {
        Ok(exc) => th.throw(exc),
        Err(raised) => raised,
    }
}

/// Raises PicklingError.
#[cold]
fn pickling_error(th: &mut Thread, msg: &str) -> Raised {
    raise(th, PICKLING_ERROR, msg)
}

/// The exception on its way was raised while another one was handled.
#[cold]
fn in_context(th: &mut Thread, raised: Raised, context: Owned) -> Raised {
    let exc = th.catch(raised);
    let name = th.intern("__context__");
    match exc.borrow().setattr(th, name.borrow(), Some(context.borrow())) {
        Ok(()) => th.set_exc(exc),
        Err(raised) => raised,
    }
}

/// The name of an object's class in messages, with its module unless that is `builtins` or `__main__`.
#[cold]
fn class_name(th: &mut Thread, o: Borrowed<'_>) -> String {
    let class = o.ty();
    let qualname = typhon_core::builtins::type_::qualname_text(class);
    let key = th.rt.names.__module__.get();
    match class.as_value().getattr(th, key) {
        Ok(module) => match module.downcast::<Str>() {
            Some(m) if !m.is_text("builtins") && !m.is_text("__main__") => {
                format!("{}.{qualname}", m.to_text())
            }
            _ => qualname,
        },
        Err(raised) => {
            drop(th.catch(raised));
            qualname
        }
    }
}

/// Raises UnpicklingError.
#[cold]
fn unpickling_error(th: &mut Thread, msg: &str) -> Raised {
    raise(th, UNPICKLING_ERROR, msg)
}

/// Adds a note to the exception on its way: in what it was raised.
#[cold]
fn noted(th: &mut Thread, raised: Raised, note: impl FnOnce(&mut Thread) -> String) -> Raised {
    let exc = th.catch(raised);
    let text = note(th);
    let text = th.new_str(&text);
    match exc.borrow().call_method_str(th, "add_note", &[text.borrow()]) {
        Ok(_) => th.set_exc(exc),
        Err(raised) => raised,
    }
}

/// The protocol that is asked for. Errors: ValueError.
fn protocol(th: &mut Thread, arg: Option<Borrowed<'_>>) -> PyResult<i64> {
    let Some(arg) = arg.filter(|a| !a.is_none()) else { return Ok(opcode::DEFAULT_PROTOCOL) };
    let n = arg.to_i64(th)?;
    if n < 0 {
        return Ok(opcode::HIGHEST_PROTOCOL);
    }
    if n > opcode::HIGHEST_PROTOCOL {
        let msg = format!("pickle protocol must be <= {}", opcode::HIGHEST_PROTOCOL);
        return Err(th.value_error(&msg));
    }
    Ok(n)
}

/// A flag argument.
fn flag(th: &mut Thread, a: &[Borrowed<'_>], i: usize, default: bool) -> PyResult<bool> {
    crate::support::flag(th, a.opt(i), default)
}

/// An attribute that may be missing.
fn attribute(th: &mut Thread, o: Borrowed<'_>, name: &str) -> PyResult<Option<Owned>> {
    let name = th.intern(name);
    o.getattr_opt(th, name.borrow())
}

/// `callable(*args, **keywords)`
fn call_with(
    th: &mut Thread,
    callable: Borrowed<'_>,
    args: &[Borrowed<'_>],
    keywords: Borrowed<'_>,
) -> PyResult {
    let entries = keywords.downcast::<Dict>().map(Dict::entries).unwrap_or_default();
    let names = entries.iter().map(|(name, _)| name.clone()).collect();
    let names = th.new_tuple(names);
    let mut all = args.to_vec();
    all.extend(entries.iter().map(|(_, value)| value.borrow()));
    callable.call_args(th, Args { all: &all, n_positional: args.len(), names: names.borrow() })
}
