//! `_csv`: rows of fields as lines of text, in the dialects of the module `csv`.
//!
//! A reader is used by one thread at a time, for a whole row; another one that wants the next row waits. A writer has
//! no state: it makes the text of a row, and writes it with one call.

mod dialect;
mod read;
mod write;

use typhon_sync::prim::{AtomicI64, Ordering};

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::exceptions as ex;
use typhon_core::builtins::str::Str;
use typhon_core::{ArgsExt, Borrowed, ModuleDef, NativeDef, Owned, PyResult, Raised, Thread};

use crate::args::exception_class;
use crate::support::ModuleExt;
use dialect::{DIALECT, Quoting, exact_int};

pub static MODULE: ModuleDef = ModuleDef {
    name: "_csv",
    doc: "CSV parsing and writing.\n",
    functions: &[
        NativeDef::new(
            "reader",
            "($module, iterable, /, dialect='excel', **fmtparams)",
            |th, a| read::new(th, a[0], a.opt(1), a.opt(2)),
            "Return a reader object that will process lines from the given iterable.\n\nEach row is a list of \
             strings. The optional dialect is the name of a registered one,\nor an object with its parameters as \
             attributes; keyword arguments override them.",
        ),
        NativeDef::new(
            "writer",
            "($module, fileobj, /, dialect='excel', **fmtparams)",
            |th, a| write::new(th, a[0], a.opt(1), a.opt(2)),
            "Return a writer object that will write rows to the given file object.\n\nThe file object needs a \
             method write(). Dialect and keyword arguments are those of reader().",
        ),
        NativeDef::new(
            "list_dialects",
            "($module, /)",
            list_dialects,
            "Return a list of all known dialect names.",
        ),
        NativeDef::new(
            "register_dialect",
            "($module, name, /, dialect='excel', **fmtparams)",
            register_dialect,
            "Create a mapping from a string name to a dialect class.",
        ),
        NativeDef::new(
            "unregister_dialect",
            "($module, /, name)",
            unregister_dialect,
            "Delete the name/dialect mapping associated with a string name.",
        ),
        NativeDef::new(
            "get_dialect",
            "($module, /, name)",
            |th, a| registered(th, a[0]),
            "Return the dialect instance associated with name.",
        ),
        NativeDef::new(
            "field_size_limit",
            "($module, /, new_limit=None)",
            field_size_limit,
            "Sets an upper limit on parsed fields.\n\nReturns old limit. If limit is not given, no new limit is set \
             and\nthe old limit is returned",
        ),
    ],
    types: &[&DIALECT, &read::READER, &write::WRITER],
    setup: Some(setup),
};

/// Longest field that readers accept, in characters.
static FIELD_LIMIT: AtomicI64 = AtomicI64::new(128 * 1024);

/// The class `Error` and the dict of registered dialects of this runtime.
const ERROR: &str = "_csv.Error";
const DIALECTS: &str = "_csv._dialects";

fn setup(th: &mut Thread, m: Borrowed<'_>) -> PyResult<()> {
    for (name, quoting) in Quoting::ALL {
        m.add_int(th, name, quoting as i64)?;
    }
    let dialects = th.new_dict();
    drop(th.rt.store(DIALECTS, dialects.clone()));
    m.add(th, "_dialects", dialects)?;
    let class = exception_class(th, "_csv", "Error", ex::EXCEPTION.ty().as_value())?;
    drop(th.rt.store(ERROR, class.clone()));
    m.add(th, "Error", class)?;
    m.add(th, "Reader", read::READER.ty().as_value().to_owned())?;
    m.add(th, "Writer", write::WRITER.ty().as_value().to_owned())
}

/// Raises `_csv.Error(msg)`.
#[cold]
fn error(th: &mut Thread, msg: &str) -> Raised {
    let class = th.rt.stored(ERROR).expect("stored when the module was made");
    let text = th.new_str(msg);
    match class.borrow().call(th, &[text.borrow()]) {
        Ok(exc) => th.set_exc(exc),
        Err(raised) => raised,
    }
}

fn dialects(th: &mut Thread) -> Owned {
    th.rt.stored(DIALECTS).expect("stored when the module was made")
}

/// The dialect of a name. Errors: `Error` if there is none.
fn registered(th: &mut Thread, name: Borrowed<'_>) -> PyResult {
    let found = dialects(th).payload::<Dict>().get(th, name)?;
    found.ok_or_else(|| error(th, "unknown dialect"))
}

fn list_dialects(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    let names = dialects(th).payload::<Dict>().keys();
    Ok(th.new_list(names))
}

fn register_dialect(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if a[0].downcast::<Str>().is_none() {
        return Err(th.type_error("dialect name must be a string"));
    }
    let made = dialect::of_call(th, a.opt(1), a.opt(2))?;
    dialects(th).payload::<Dict>().set(th, a[0], made)?;
    Ok(Owned::none())
}

fn unregister_dialect(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    match dialects(th).payload::<Dict>().remove(th, a[0])? {
        Some(_) => Ok(Owned::none()),
        None => Err(error(th, "unknown dialect")),
    }
}

fn field_size_limit(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let new = match a.opt(0) {
        Some(v) if exact_int(v) => Some(v.to_isize(th)? as i64),
        Some(_) => return Err(th.type_error("limit must be an integer")),
        None => None,
    };
    // ORDERING Relaxed: a number of its own.
    let old = match new {
        Some(new) => FIELD_LIMIT.swap(new, Ordering::Relaxed),
        None => FIELD_LIMIT.load(Ordering::Relaxed),
    };
    Ok(th.new_int(old))
}
