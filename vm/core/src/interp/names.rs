//! Finding names: locals that are not bound, namespaces, globals, builtins, imports.

use crate::builtins::dict::Dict;
use crate::builtins::exceptions as ex;
use crate::builtins::str::Str;
use crate::cell::Cell;
use crate::function::Function;
use crate::interp::frame::CallRecord;
use crate::names::{Name, Names};
use crate::object::{Borrowed, Owned, PyResult, Raised};
use crate::thread::Thread;
use crate::word::Word;

fn record(th: &Thread) -> &CallRecord {
    // SAFETY: a Python frame is running.
    unsafe { &*th.ci }
}

fn globals<'a>(th: &Thread) -> &'a Dict {
    // SAFETY: held by the frame's function, which the caller's stack holds.
    unsafe { &*record(th).globals }
}

fn function<'a>(th: &Thread) -> &'a Function {
    // SAFETY: the frame's function is held by the caller's stack.
    unsafe { &*(record(th).func.ptr() as *const Function) }
}

/// The namespace of a module or class body.
fn namespace<'a>(th: &Thread) -> Option<Borrowed<'a>> {
    let w = record(th).locals;
    // SAFETY: kept alive by whoever runs the body.
    if w == Word::ZERO { None } else { Some(unsafe { Borrowed::from_raw(w.uncounted()) }) }
}

fn local_name(th: &Thread, i: usize) -> String {
    // SAFETY: the frame's code.
    let code = unsafe { &*record(th).code };
    code.locals_tuple().get(i).downcast::<Str>().map(|s| s.to_text()).unwrap_or_default()
}

/// UnboundLocalError for local `i`.
#[cold]
pub fn raise_unbound_local(th: &mut Thread, i: usize) {
    let msg = format!(
        "cannot access local variable '{}' where it is not associated with a value",
        local_name(th, i)
    );
    let _ = th.unbound_local_error(&msg);
}

/// NameError or UnboundLocalError for the empty cell `i`.
#[cold]
pub fn raise_unbound_cell(th: &mut Thread, i: usize) {
    // SAFETY: the frame's code.
    let code = unsafe { &*record(th).code };
    if code.data.0.localspluskinds[i] & typhon_compile::code::kind::FREE == 0 {
        return raise_unbound_local(th, i);
    }
    let name = code.locals_tuple().get(i).to_owned();
    let msg = format!(
        "cannot access free variable '{}' where it is not associated with a value in enclosing scope",
        local_name(th, i)
    );
    let _ = ex::name_error(th, &msg, name.borrow());
}

#[cold]
fn undefined(th: &mut Thread, name: Borrowed<'_>) -> Raised {
    let msg =
        format!("name '{}' is not defined", name.downcast::<Str>().map(|s| s.to_text()).unwrap_or_default());
    ex::name_error(th, &msg, name)
}

/// A global or builtin.
pub fn load_global(th: &mut Thread, name: Borrowed<'_>) -> PyResult {
    if let Some(v) = lookup_global(th, name)? {
        return Ok(v);
    }
    Err(undefined(th, name))
}

fn lookup_global(th: &mut Thread, name: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let g = globals(th);
    let found = if Borrowed::from_payload(g).downcast_exact::<Dict>().is_some() {
        g.get_interned(name.word())
    } else {
        let r = Borrowed::from_payload(g).getitem(th, name);
        th.absorb(r, &ex::KEY_ERROR)?
    };
    if found.is_some() {
        return Ok(found);
    }
    let b = function(th).builtins();
    if Borrowed::from_payload(b).downcast_exact::<Dict>().is_some() {
        Ok(b.get_interned(name.word()))
    } else {
        let r = Borrowed::from_payload(b).getitem(th, name);
        th.absorb(r, &ex::KEY_ERROR)
    }
}

fn get_in(th: &mut Thread, ns: Borrowed<'_>, name: Borrowed<'_>) -> PyResult<Option<Owned>> {
    if let Some(d) = ns.downcast_exact::<Dict>() {
        return d.get(th, name);
    }
    let r = ns.getitem(th, name);
    th.absorb(r, &ex::KEY_ERROR)
}

pub fn load_name(th: &mut Thread, name: Borrowed<'_>) -> PyResult {
    if let Some(ns) = namespace(th)
        && let Some(v) = get_in(th, ns, name)?
    {
        return Ok(v);
    }
    load_global(th, name)
}

pub fn store_name(th: &mut Thread, name: Borrowed<'_>, v: Borrowed<'_>) -> PyResult<()> {
    match namespace(th) {
        Some(ns) => match ns.downcast_exact::<Dict>() {
            Some(d) => d.set(th, name, v.to_owned()),
            None => ns.setitem(th, name, v),
        },
        None => Err(th.system_error("no locals found when storing a name")),
    }
}

pub fn delete_name(th: &mut Thread, name: Borrowed<'_>) -> PyResult<()> {
    let Some(ns) = namespace(th) else { return Err(th.system_error("no locals when deleting a name")) };
    let r = ns.delitem(th, name);
    match th.absorb(r, &ex::KEY_ERROR)? {
        Some(()) => Ok(()),
        None => Err(undefined(th, name)),
    }
}

pub fn delete_global(th: &mut Thread, name: Borrowed<'_>) -> PyResult<()> {
    match globals(th).remove(th, name)? {
        Some(_) => Ok(()),
        None => Err(undefined(th, name)),
    }
}

/// LOAD_LOCALS: the namespace of a body.
pub fn locals_of_frame(th: &mut Thread) -> PyResult {
    match namespace(th) {
        Some(ns) => Ok(ns.to_owned()),
        None => crate::frame_object::locals_snapshot(th),
    }
}

pub fn from_dict_or_globals(th: &mut Thread, ns: Borrowed<'_>, name: Borrowed<'_>) -> PyResult {
    match get_in(th, ns, name)? {
        Some(v) => Ok(v),
        None => load_global(th, name),
    }
}

pub fn from_dict_or_deref(th: &mut Thread, ns: Borrowed<'_>, i: usize, cell: Word) -> PyResult {
    // SAFETY: the frame's code.
    let code = unsafe { &*record(th).code };
    let name = code.locals_tuple().get(i).to_owned();
    if let Some(v) = get_in(th, ns, name.borrow())? {
        return Ok(v);
    }
    // SAFETY: the local holds a cell.
    let cell = unsafe { &*(cell.ptr() as *const Cell) };
    match cell.contents.get(&cell.header) {
        Some(v) => Ok(v),
        None => {
            raise_unbound_cell(th, i);
            Err(Raised(()))
        }
    }
}

/// A name of the builtins that the frame sees.
pub fn load_builtin(th: &mut Thread, name: fn(&Names) -> &Name) -> PyResult {
    let name = name(&th.rt.names).get();
    let b = function(th).builtins();
    match b.get(th, name)? {
        Some(v) => Ok(v),
        None => {
            let msg =
                format!("{} not found", name.downcast::<Str>().map(|s| s.to_text()).unwrap_or_default());
            Err(ex::name_error(th, &msg, name))
        }
    }
}

/// IMPORT_NAME: through `builtins.__import__`, straight when that is ours.
pub fn import_name(
    th: &mut Thread,
    name: Borrowed<'_>,
    fromlist: Borrowed<'_>,
    level: Borrowed<'_>,
) -> PyResult {
    let import = match function(th).builtins().get(th, th.rt.names.__import__.get())? {
        Some(f) => f,
        None => {
            return Err(crate::builtins::exceptions::import_error(th, "__import__ not found", None, false));
        }
    };
    let g = Borrowed::from_payload(globals(th));
    if crate::import::is_original(th, import.borrow()) {
        let level = level.to_i64(th)?;
        return crate::import::import_name(th, name, Some(g), fromlist, level);
    }
    let locals = namespace(th).unwrap_or(Borrowed::none());
    import.borrow().call(th, &[name, g, locals, fromlist, level])
}

/// Makes `__annotations__` in the body's namespace.
pub fn setup_annotations(th: &mut Thread) -> PyResult<()> {
    let name = th.rt.names.__annotations__.get();
    let Some(ns) = namespace(th) else {
        return Err(th.system_error("no locals found when setting up annotations"));
    };
    if get_in(th, ns, name)?.is_none() {
        let d = th.new_dict();
        ns.setitem(th, name, d.borrow())?;
    }
    Ok(())
}
