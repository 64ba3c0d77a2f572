//! The `import` statement: a fast path through `sys.modules`, and `importlib._bootstrap` behind it.
//!
//! Cost: an import of what is loaded already is one dict lookup, and one look at
//! `__spec__._initializing`.
//!
//! Source: the language reference, "The import system"; PEP 328, PEP 451.

use typhon_sync::prim::{AtomicU64, Ordering};

use crate::builtins::dict::Dict;
use crate::builtins::exceptions as ex;
use crate::builtins::str::Str;
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult, Raised};
use crate::runtime::rt;
use crate::slots::Args;
use crate::thread::Thread;

/// Identity of our own `builtins.__import__`.
static ORIGINAL: AtomicU64 = AtomicU64::new(0);

/// Declares `f` to be our own `__import__`; called once, when `builtins` is made.
pub fn set_original(f: Borrowed<'_>) {
    // ORDERING Relaxed: written at start, before any other thread exists.
    ORIGINAL.store(f.word().identity(), Ordering::Relaxed)
}

/// Is `f` our own `__import__`? Then [`import_name`] does what calling it would do.
#[inline]
pub fn is_original(_th: &Thread, f: Borrowed<'_>) -> bool {
    // ORDERING Relaxed: as in `set_original`.
    f.word().identity() == ORIGINAL.load(Ordering::Relaxed)
}

fn modules(th: &mut Thread) -> PyResult {
    match th.sys_get("modules") {
        Some(m) => Ok(m),
        None => Err(th.runtime_error("unable to get sys.modules")),
    }
}

/// `sys.modules.get(name)`; an entry that is `None` stays `Some(None)`.
fn loaded(th: &mut Thread, name: Borrowed<'_>) -> PyResult<Option<Owned>> {
    if let Some(d) = th.rt.modules.fixed().and_then(|m| m.downcast_exact::<Dict>()) {
        return d.get(th, name);
    }
    let modules = modules(th)?;
    if let Some(d) = modules.downcast::<Dict>() {
        return d.get(th, name);
    }
    let r = modules.borrow().getitem(th, name);
    th.absorb(r, &ex::KEY_ERROR)
}

/// `importlib._bootstrap`, once the start has loaded it.
fn bootstrap(th: &mut Thread) -> PyResult {
    match rt().stored("importlib._bootstrap") {
        Some(b) => Ok(b),
        None => Err(th.runtime_error("the import system has not started")),
    }
}

/// Keeps the module that finds and loads: `importlib._bootstrap`.
pub fn set_bootstrap(module: Owned) {
    drop(rt().store("importlib._bootstrap", module));
}

/// Is the module still running its body, on this or another thread?
fn is_initializing(th: &mut Thread, module: Borrowed<'_>) -> PyResult<bool> {
    let Some(spec) = module.getattr_opt(th, th.rt.names.__spec__.get())? else { return Ok(false) };
    spec_is_initializing(th, spec.borrow())
}

fn spec_is_initializing(th: &mut Thread, spec: Borrowed<'_>) -> PyResult<bool> {
    if spec.is_none() {
        return Ok(false);
    }
    match spec.getattr_opt(th, th.rt.names._initializing.get())? {
        Some(v) => v.borrow().truth(th),
        None => Ok(false),
    }
}

/// The module with this absolute name, found and loaded if it is not there yet.
fn find_and_load(th: &mut Thread, name: Borrowed<'_>) -> PyResult {
    if let Some(m) = loaded(th, name)?
        && !m.is_none()
    {
        if is_initializing(th, m.borrow())? {
            // Waits until the thread that runs the module's body is through with it.
            bootstrap(th)?.borrow().call_method_str(th, "_lock_unlock_module", &[name])?;
        }
        return Ok(m);
    }
    let b = bootstrap(th)?;
    let import = match th.builtins_dict().downcast::<Dict>() {
        Some(d) => d.get_interned(th.rt.names.__import__.word()),
        None => None,
    }
    .unwrap_or_else(Owned::none);
    b.borrow().call_method_str(th, "_find_and_load", &[name, import.borrow()])
}

/// `importlib.import_module(name)` for an absolute dotted name: the module itself, not its parent.
pub fn import_module(th: &mut Thread, name: &str) -> PyResult {
    let name = th.intern(name);
    find_and_load(th, name.borrow())
}

/// `__import__(name, globals, locals, fromlist, level)`.
///
/// Errors: ImportError and ModuleNotFoundError, KeyError, ValueError, TypeError as CPython raises them,
/// and whatever the module's body raises.
pub fn import_name(
    th: &mut Thread,
    name: Borrowed<'_>,
    globals: Option<Borrowed<'_>>,
    fromlist: Borrowed<'_>,
    level: i64,
) -> PyResult {
    let Some(text) = name.downcast::<Str>() else {
        return Err(th.type_error("module name must be a string"));
    };
    if level < 0 {
        return Err(th.value_error("level must be >= 0"));
    }
    let absolute = if level > 0 {
        resolve(th, text, globals, level)?
    } else {
        if text.is_empty() {
            return Err(th.value_error("Empty module name"));
        }
        name.to_owned()
    };
    let found = find_and_load(th, absolute.borrow());
    let module = found.map_err(|raised| crate::traceback::without_import_frames(th, raised))?;
    if !fromlist.is_none() && !fromlist.is_null() && fromlist.truth(th)? {
        return handle_fromlist(th, module, fromlist);
    }
    if level > 0 && text.is_empty() {
        return Ok(module);
    }
    let data = text.data();
    let Some(dot) = data.iter().position(|c| c == u32::from(b'.')) else { return Ok(module) };
    if level == 0 {
        let front = th.new_str_data(data.slice(0, dot));
        return find_and_load(th, front.borrow());
    }
    let absolute = absolute.payload::<Str>().data();
    let cut_off = data.len() - dot;
    let front = th.new_str_data(absolute.slice(0, absolute.len() - cut_off));
    match loaded(th, front.borrow())? {
        Some(m) => Ok(m),
        None => {
            let msg = format!("{} not in sys.modules as expected", front.borrow().repr_text(th)?);
            let msg = th.new_str(&msg);
            Err(th.key_error(msg.borrow()))
        }
    }
}

/// Loads the submodules that a `from` list names and the package does not have yet.
fn handle_fromlist(th: &mut Thread, module: Owned, fromlist: Borrowed<'_>) -> PyResult {
    let path = th.rt.names.__path__.get();
    if module.borrow().getattr_opt(th, path)?.is_none() {
        return Ok(module);
    }
    if let Some(names) = fromlist.downcast_exact::<Tuple>() {
        let mut complete = true;
        for n in names.iter() {
            let is_plain = n.downcast_exact::<Str>().is_some_and(|s| !s.is_text("*"));
            if !is_plain || {
                let n = th.intern_str(n);
                module.borrow().getattr_opt(th, n.borrow())?.is_none()
            } {
                complete = false;
                break;
            }
        }
        if complete {
            return Ok(module);
        }
    }
    let import = match th.builtins_dict().downcast::<Dict>() {
        Some(d) => d.get_interned(th.rt.names.__import__.word()),
        None => None,
    }
    .unwrap_or_else(Owned::none);
    let b = bootstrap(th)?;
    b.borrow().call_method_str(th, "_handle_fromlist", &[module.borrow(), fromlist, import.borrow()])
}

/// An entry of a globals mapping; `None` counts as missing.
fn global(th: &mut Thread, globals: Borrowed<'_>, name: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let v = match globals.downcast::<Dict>() {
        Some(d) => d.get(th, name)?,
        None => {
            let r = globals.getitem(th, name);
            th.absorb(r, &ex::KEY_ERROR)?
        }
    };
    Ok(v.filter(|v| !v.is_none()))
}

/// The absolute name of a relative import.
fn resolve(th: &mut Thread, text: &Str, globals: Option<Borrowed<'_>>, level: i64) -> PyResult {
    let Some(globals) = globals.filter(|g| !g.is_none() && !g.is_null()) else {
        return Err(key_missing(th));
    };
    let package = package_of(th, globals)?;
    let Some(package_text) = package.downcast::<Str>() else {
        return Err(th.type_error("package must be a string"));
    };
    if package_text.is_empty() {
        return Err(import_error(
            th,
            "attempted relative import with no known parent package",
            None,
            None,
            None,
        ));
    }
    let data = package_text.data();
    let mut end = data.len();
    for _ in 1..level {
        match (0..end).rev().find(|&i| data.get(i) == u32::from(b'.')) {
            Some(dot) => end = dot,
            None => {
                return Err(import_error(
                    th,
                    "attempted relative import beyond top-level package",
                    None,
                    None,
                    None,
                ));
            }
        }
    }
    if text.is_empty() && end == data.len() {
        return Ok(package);
    }
    let mut out = typhon_text::StrBuf::from(data.slice(0, end));
    if !text.is_empty() {
        out.push_ascii(b".");
        out.push_data(text.data());
    }
    let full = th.new_str_buf(out);
    Ok(th.intern_str(full.borrow()))
}

#[cold]
fn key_missing(th: &mut Thread) -> Raised {
    let msg = th.new_str("'__name__' not in globals");
    th.key_error(msg.borrow())
}

/// `__package__`, or what `__spec__` or `__name__` and `__path__` say.
fn package_of(th: &mut Thread, globals: Borrowed<'_>) -> PyResult {
    let names = &th.rt.names;
    let package = global(th, globals, names.__package__.get())?;
    let spec = global(th, globals, names.__spec__.get())?;
    if let Some(p) = package {
        if p.downcast::<Str>().is_none() {
            return Err(th.type_error("package must be a string"));
        }
        return Ok(p);
    }
    if let Some(s) = spec {
        let parent = th.intern("parent");
        let parent = s.borrow().getattr(th, parent.borrow())?;
        if parent.downcast::<Str>().is_none() {
            return Err(th.type_error("__spec__.parent must be a string"));
        }
        return Ok(parent);
    }
    let Some(name) = global(th, globals, names.__name__.get())? else { return Err(key_missing(th)) };
    let Some(text) = name.downcast::<Str>() else {
        return Err(th.type_error("__name__ must be a string"));
    };
    if global(th, globals, names.__path__.get())?.is_some() {
        return Ok(name);
    }
    let data = text.data();
    match (0..data.len()).rev().find(|&i| data.get(i) == u32::from(b'.')) {
        Some(dot) => Ok(th.new_str_data(data.slice(0, dot))),
        None => Ok(th.empty_str()),
    }
}

/// Raises `ImportError(msg, name=…, path=…, name_from=…)`.
#[cold]
pub fn import_error(
    th: &mut Thread,
    msg: &str,
    name: Option<Borrowed<'_>>,
    path: Option<Borrowed<'_>>,
    name_from: Option<Borrowed<'_>>,
) -> Raised {
    let class = th.builtins_dict().downcast::<Dict>().and_then(|d| {
        let key = th.intern("ImportError");
        d.get_interned(key.word())
    });
    let Some(class) = class else { return th.system_error(msg) };
    let msg = th.new_str(msg);
    let mut all = vec![msg.borrow()];
    let mut keys = Vec::new();
    for (key, value) in [("name", name), ("path", path), ("name_from", name_from)] {
        if let Some(v) = value {
            keys.push(th.intern(key));
            all.push(v);
        }
    }
    let keys = th.new_tuple(keys);
    let args = Args { all: &all, n_positional: 1, names: keys.borrow() };
    match class.borrow().call_args(th, args) {
        Ok(e) => th.set_exc(e),
        Err(raised) => raised,
    }
}

/// `from module import name`: the attribute, or a submodule that is loaded but not bound yet.
pub fn import_from(th: &mut Thread, module: Borrowed<'_>, name: Borrowed<'_>) -> PyResult {
    if let Some(v) = module.getattr_opt(th, name)? {
        return Ok(v);
    }
    let module_name = module.getattr_opt(th, th.rt.names.__name__.get())?;
    if let Some(package) = module_name.as_ref().and_then(|n| n.downcast::<Str>())
        && let Some(name) = name.downcast::<Str>()
    {
        let mut full = typhon_text::StrBuf::from(package.data());
        full.push_ascii(b".");
        full.push_data(name.data());
        let full = th.new_str_buf(full);
        if let Some(m) = loaded(th, full.borrow())? {
            return Ok(m);
        }
    }
    Err(cannot_import(th, module, name, module_name)?)
}

#[cold]
fn cannot_import(
    th: &mut Thread,
    module: Borrowed<'_>,
    name: Borrowed<'_>,
    module_name: Option<Owned>,
) -> PyResult<Raised> {
    let module_name = match module_name {
        Some(n) if n.downcast::<Str>().is_some() => n,
        _ => th.new_str("<unknown module name>"),
    };
    let (shown, from) = (name.repr_text(th)?, module_name.borrow().repr_text(th)?);
    let spec = module.getattr_opt(th, th.rt.names.__spec__.get())?.filter(|s| !s.is_none());
    let mut origin = None;
    if let Some(s) = &spec {
        let (key, place) = (th.intern("has_location"), th.intern("origin"));
        let has_location = match s.borrow().getattr_opt(th, key.borrow())? {
            Some(v) => v.borrow().truth(th)?,
            None => false,
        };
        if has_location {
            origin = s.borrow().getattr_opt(th, place.borrow())?;
        }
    }
    if origin.is_none() {
        origin = module.getattr_opt(th, th.rt.names.__file__.get())?;
    }
    let origin = origin.filter(|o| o.downcast::<Str>().is_some());
    let shadows = match &origin {
        Some(o) => shadows_stdlib(th, module_name.borrow(), o.borrow())?,
        None => false,
    };
    let place = match &origin {
        Some(o) => o.borrow().str_text(th)?,
        None => String::from("unknown location"),
    };
    let initializing = match &spec {
        Some(s) => spec_is_initializing(th, s.borrow())?,
        None => false,
    };
    let msg = if shadows {
        format!(
            "cannot import name {shown} from {from} (consider renaming {} since it has the same name as the \
             standard library module named {from} and prevents importing that standard library module)",
            origin.as_ref().map_or(Ok(String::new()), |o| o.borrow().repr_text(th))?
        )
    } else if initializing {
        format!(
            "cannot import name {shown} from partially initialized module {from} (most likely due to a \
             circular import) ({place})"
        )
    } else {
        format!("cannot import name {shown} from {from} ({place})")
    };
    Ok(import_error(th, &msg, Some(module_name.borrow()), origin.as_ref().map(|o| o.borrow()), Some(name)))
}

/// Does a file beside the script hide a standard module of the same name?
pub fn shadows_stdlib(th: &mut Thread, name: Borrowed<'_>, origin: Borrowed<'_>) -> PyResult<bool> {
    if th.rt.config.safe_path {
        return Ok(false);
    }
    let Some(known) = th.sys_get("stdlib_module_names") else { return Ok(false) };
    if !known.borrow().contains(th, name)? {
        return Ok(false);
    }
    let Some(path) = th.sys_get("path") else { return Ok(false) };
    let Some(first) = path.downcast::<crate::builtins::list::List>().and_then(|l| l.get(0)) else {
        return Ok(false);
    };
    let (first, origin) = (first.borrow().str_text(th)?, origin.str_text(th)?);
    let folder = match origin.rfind('/') {
        Some(at) => &origin[..at],
        None => "",
    };
    let first = if first.is_empty() {
        std::env::current_dir().map(|d| d.to_string_lossy().into_owned()).unwrap_or_default()
    } else {
        first
    };
    Ok(folder == first)
}

/// `from module import *` into a namespace (dict or mapping).
pub fn import_star(th: &mut Thread, module: Borrowed<'_>, namespace: Borrowed<'_>) -> PyResult<()> {
    let all = module.getattr_opt(th, th.rt.names.__all__.get())?;
    let (names, skip_private) = match all {
        Some(a) => (sequence_items(th, a.borrow())?, false),
        None => {
            let Some(d) = module.getattr_opt(th, th.rt.names.__dict__.get())? else {
                return Err(import_error(
                    th,
                    "from-import-* object has no __dict__ and no __all__",
                    None,
                    None,
                    None,
                ));
            };
            let keys = d.borrow().call_method(th, th.rt.names.keys.get(), &[])?;
            (keys.borrow().to_vec(th)?, true)
        }
    };
    for n in names {
        let Some(text) = n.downcast::<Str>() else {
            let which = if skip_private { "Key" } else { "Item" };
            let place = if skip_private { "__dict__" } else { "__all__" };
            let owner = match module.getattr_opt(th, th.rt.names.__name__.get())? {
                Some(m) => m.borrow().str_text(th)?,
                None => String::from("?"),
            };
            let msg = format!("{which} in {owner}.{place} must be str, not {}", n.borrow().type_name(th));
            return Err(th.type_error(&msg));
        };
        if skip_private && text.data().iter().next() == Some(u32::from(b'_')) {
            continue;
        }
        let n = th.intern_str(n.borrow());
        let v = module.getattr(th, n.borrow())?;
        match namespace.downcast::<Dict>() {
            Some(d) => d.set(th, n.borrow(), v)?,
            None => namespace.setitem(th, n.borrow(), v.borrow())?,
        }
    }
    Ok(())
}

/// The items of `__all__`: whatever can be indexed from 0 up.
fn sequence_items(th: &mut Thread, all: Borrowed<'_>) -> PyResult<Vec<Owned>> {
    if all.downcast::<Tuple>().is_some() || all.downcast::<crate::builtins::list::List>().is_some() {
        return all.to_vec(th);
    }
    let mut out = Vec::new();
    loop {
        let i = th.new_int(out.len() as i64);
        let r = all.getitem(th, i.borrow());
        match th.absorb(r, &ex::INDEX_ERROR)? {
            Some(v) => out.push(v),
            None => return Ok(out),
        }
    }
}
