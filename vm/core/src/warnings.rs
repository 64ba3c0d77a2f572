//! Warnings: what `_warnings` is made of, and how the VM issues its own.
//!
//! The filters, the registry of "once" and the default action are lists and dicts that `warnings` shares;
//! `warnings` may replace them, so they are looked up there first.

use typhon_sync::prim::{AtomicI64, Ordering};

use crate::builtins::dict::Dict;
use crate::builtins::exceptions as ex;
use crate::builtins::list::List;
use crate::builtins::str::Str;
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult, Raised};
use crate::thread::Thread;
use crate::typedef::TypeDef;

/// Changes with every change of the filters: registries of older versions are out of date.
static FILTERS_VERSION: AtomicI64 = AtomicI64::new(1);

/// Call after the filters have changed.
pub fn filters_changed() {
    // ORDERING Relaxed: a counter; a warning at the same time may use the old filters.
    FILTERS_VERSION.fetch_add(1, Ordering::Relaxed);
}

const FILTERS: &str = "warnings.filters";
const ONCE: &str = "warnings.onceregistry";

/// `_warnings.filters`: the list of filters, at first those of a release build.
pub fn filters(th: &mut Thread) -> Owned {
    if let Some(f) = th.rt.stored(FILTERS) {
        return f;
    }
    let rows: [(&str, &'static TypeDef, bool); 5] = [
        ("default", &ex::DEPRECATION_WARNING, true),
        ("ignore", &ex::DEPRECATION_WARNING, false),
        ("ignore", &ex::PENDING_DEPRECATION_WARNING, false),
        ("ignore", &ex::IMPORT_WARNING, false),
        ("ignore", &ex::RESOURCE_WARNING, false),
    ];
    let mut items = Vec::new();
    for (action, category, main) in rows {
        let action = th.intern(action);
        let module = if main { th.rt.names.__main__.get().to_owned() } else { Owned::none() };
        let line = th.new_int(0);
        let category = category.ty().as_value().to_owned();
        items.push(th.new_tuple(vec![action, Owned::none(), category, module, line]));
    }
    let list = th.new_list(items);
    th.rt.store(FILTERS, list.clone());
    list
}

/// `_warnings._onceregistry`
pub fn once_registry(th: &mut Thread) -> Owned {
    if let Some(d) = th.rt.stored(ONCE) {
        return d;
    }
    let d = th.new_dict();
    th.rt.store(ONCE, d.clone());
    d
}

/// An attribute of the module `warnings`, if that is imported.
fn warnings_attr(th: &mut Thread, name: &str, import: bool) -> PyResult<Option<Owned>> {
    let module = if import {
        let r = crate::import::import_module(th, "warnings");
        th.absorb(r, &ex::IMPORT_ERROR)?
    } else {
        let key = th.intern("warnings");
        th.rt.modules.fixed().and_then(|d| d.downcast::<Dict>()).and_then(|d| d.get_interned(key.word()))
    };
    let Some(module) = module.filter(|m| !m.is_none()) else { return Ok(None) };
    let name = th.intern(name);
    module.borrow().getattr_opt(th, name.borrow())
}

/// The context in force, if warnings are kept in context variables and one is set.
fn context(th: &mut Thread) -> PyResult<Option<Owned>> {
    let aware = match th.sys_get("flags") {
        Some(f) => {
            let name = th.intern("context_aware_warnings");
            match f.borrow().getattr_opt(th, name.borrow())? {
                Some(v) => v.borrow().truth(th)?,
                None => false,
            }
        }
        None => false,
    };
    if !aware {
        return Ok(None);
    }
    let Some(var) = th.rt.stored("warnings.context") else { return Ok(None) };
    let c = var.borrow().call_method_str(th, "get", &[Borrowed::none()])?;
    Ok(Some(c).filter(|c| !c.is_none()))
}

/// Everything that is known about a warning at its place.
pub struct Warning<'a> {
    /// A str, or an instance of a Warning class.
    pub message: Borrowed<'a>,
    /// A class; not used when `message` is an instance.
    pub category: Borrowed<'a>,
    pub filename: Borrowed<'a>,
    pub line: i64,
    /// Name of the module; `None` = made of the file name.
    pub module: Option<Borrowed<'a>>,
    /// `__warningregistry__`: dict, or `None`.
    pub registry: Option<Borrowed<'a>>,
    /// Source line to show, if known.
    pub source_line: Option<Borrowed<'a>>,
    /// The object that caused it.
    pub source: Option<Borrowed<'a>>,
}

/// Text that a filter's message or module part is matched with.
fn matches(th: &mut Thread, pattern: Borrowed<'_>, text: Borrowed<'_>) -> PyResult<bool> {
    if pattern.is_none() {
        return Ok(true);
    }
    if pattern.downcast_exact::<Str>().is_some() {
        return pattern.equals(th, text);
    }
    let r = pattern.call_method_str(th, "match", &[text])?;
    r.borrow().truth(th)
}

/// The action of the first filter that fits, with that filter.
fn action(
    th: &mut Thread,
    category: Borrowed<'_>,
    text: Borrowed<'_>,
    line: i64,
    module: Borrowed<'_>,
) -> PyResult<(Owned, Option<Owned>)> {
    let list = match context(th)? {
        Some(c) => Some(c.borrow().getattr_str(th, "_filters")?),
        None => warnings_attr(th, "filters", false)?,
    };
    let list = match list {
        Some(l) => l,
        None => filters(th),
    };
    let Some(rows) = list.downcast::<List>() else {
        return Err(th.value_error("_warnings.filters must be a list"));
    };
    let mut i = 0;
    while let Some(row) = rows.get(i) {
        i += 1;
        let Some(t) = row.downcast::<Tuple>().filter(|t| t.len() == 5) else {
            let msg = format!("_warnings.filters item {} isn't a 5-tuple", i - 1);
            return Err(th.value_error(&msg));
        };
        let row_line = t.get(4).to_i64(th)?;
        if (row_line == 0 || row_line == line)
            && matches(th, t.get(1), text)?
            && category.issubclass(th, t.get(2))?
            && matches(th, t.get(3), module)?
        {
            return Ok((t.get(0).to_owned(), Some(row.clone())));
        }
    }
    match warnings_attr(th, "defaultaction", false)? {
        Some(a) if a.downcast::<Str>().is_some() => Ok((a, None)),
        Some(a) => {
            let msg = format!("_warnings.defaultaction must be a string, not '{}'", a.borrow().type_name(th));
            Err(th.type_error(&msg))
        }
        None => Ok((th.intern("default"), None)),
    }
}

/// Was this key warned about already? With `set`, marks it.
fn already_warned(th: &mut Thread, registry: &Dict, key: Borrowed<'_>, set: bool) -> PyResult<bool> {
    let version_key = th.intern("version");
    // ORDERING Relaxed: as in `filters_changed`.
    let now = FILTERS_VERSION.load(Ordering::Relaxed);
    let known = registry.get(th, version_key.borrow())?;
    if known.and_then(|v| v.word().is_int().then(|| v.word().int())) != Some(now) {
        registry.clear();
        let now = th.new_int(now);
        registry.set(th, version_key.borrow(), now)?;
    } else if let Some(v) = registry.get(th, key)?
        && v.borrow().truth(th)?
    {
        return Ok(true);
    }
    if set {
        registry.set(th, key, Owned::bool(true))?;
    }
    Ok(false)
}

/// The module name for a file name: without `.py`.
fn module_of_file(th: &mut Thread, filename: Borrowed<'_>) -> PyResult {
    let text = filename.str_text(th)?;
    if text.is_empty() {
        return Ok(th.new_str("<unknown>"));
    }
    Ok(match text.strip_suffix(".py") {
        Some(stem) => th.new_str(stem),
        None => filename.to_owned(),
    })
}

/// Issues a warning for a known place: filters, registries, and showing it.
///
/// Errors: the warning itself, if a filter says so; whatever filters and `showwarning` raise.
pub fn warn_explicit(th: &mut Thread, w: &Warning<'_>) -> PyResult<()> {
    let registry = match w.registry {
        Some(r) => match r.downcast::<Dict>() {
            Some(d) => Some(d),
            None => {
                let msg = format!("'registry' must be a dict or None, not '{}'", r.type_name(th));
                return Err(th.type_error(&msg));
            }
        },
        None => None,
    };
    let made_module = match w.module {
        Some(_) => None,
        None => Some(module_of_file(th, w.filename)?),
    };
    let module = match (&w.module, &made_module) {
        (Some(m), _) => *m,
        (None, Some(m)) => m.borrow(),
        (None, None) => Borrowed::none(),
    };
    let is_instance = w.message.is_instance_of(&ex::WARNING);
    let (text, category, message) = if is_instance {
        (w.message.str(th)?, w.message.ty().as_value(), w.message.to_owned())
    } else {
        (w.message.to_owned(), w.category, w.category.call(th, &[w.message])?)
    };
    let line = th.new_int(w.line);
    let key = th.new_tuple(vec![text.clone(), category.to_owned(), line.clone()]);
    if let Some(r) = registry
        && already_warned(th, r, key.borrow(), false)?
    {
        return Ok(());
    }
    let (action, row) = action(th, category, text.borrow(), w.line, module)?;
    let name = action.borrow().str_text(th)?;
    let mut seen = false;
    match name.as_str() {
        "error" => return Err(raise(th, message)),
        "ignore" => return Ok(()),
        "always" | "all" => {}
        "once" => {
            let once = match warnings_attr(th, "onceregistry", false)? {
                Some(o) => o,
                None => once_registry(th),
            };
            if let Some(r) = registry {
                r.set(th, key.borrow(), Owned::bool(true))?;
            }
            let once = once.downcast::<Dict>().map_or_else(|| th.new_dict(), |_| once.clone());
            let key = th.new_pair(text.clone(), category.to_owned());
            seen = already_warned(th, once.payload::<Dict>(), key.borrow(), true)?;
        }
        "module" => {
            if let Some(r) = registry {
                r.set(th, key.borrow(), Owned::bool(true))?;
                let zero = th.new_int(0);
                let key = th.new_tuple(vec![text.clone(), category.to_owned(), zero]);
                seen = already_warned(th, r, key.borrow(), true)?;
            }
        }
        "default" => {
            if let Some(r) = registry {
                r.set(th, key.borrow(), Owned::bool(true))?;
            }
        }
        _ => {
            let row = match &row {
                Some(r) => r.borrow().repr_text(th)?,
                None => String::from("???"),
            };
            let msg = format!(
                "Unrecognized action ({}) in warnings.filters:\n {row}",
                action.borrow().repr_text(th)?
            );
            return Err(th.runtime_error(&msg));
        }
    }
    if seen {
        return Ok(());
    }
    show(th, w, message, text, category, line)
}

/// Raises a warning as an exception.
fn raise(th: &mut Thread, message: Owned) -> Raised {
    ex::chain_context(th, message.borrow());
    th.set_exc(message)
}

/// Shows a warning through `warnings._showwarnmsg`, or on `sys.stderr` before `warnings` is imported.
fn show(
    th: &mut Thread,
    w: &Warning<'_>,
    message: Owned,
    text: Owned,
    category: Borrowed<'_>,
    line: Owned,
) -> PyResult<()> {
    let f = warnings_attr(th, "_showwarnmsg", w.source.is_some())?;
    let Some(f) = f else { return show_plainly(th, w, text, category) };
    if !f.borrow().is_callable() {
        return Err(th.type_error("warnings._showwarnmsg() must be set to a callable"));
    }
    let Some(class) = warnings_attr(th, "WarningMessage", false)? else {
        return Err(th.runtime_error("unable to get warnings.WarningMessage"));
    };
    let none = Borrowed::none();
    let args = [message.borrow(), category, w.filename, line.borrow(), none, none, w.source.unwrap_or(none)];
    let msg = class.borrow().call(th, &args)?;
    f.borrow().call(th, &[msg.borrow()])?;
    Ok(())
}

fn show_plainly(th: &mut Thread, w: &Warning<'_>, text: Owned, category: Borrowed<'_>) -> PyResult<()> {
    let Some(stderr) = th.sys_get("stderr").filter(|s| !s.is_none()) else { return Ok(()) };
    let name = th.rt.names.__name__.get();
    let name = category.getattr(th, name)?;
    let mut out = format!(
        "{}:{}: {}: {}\n",
        w.filename.str_text(th)?,
        w.line,
        name.borrow().str_text(th)?,
        text.borrow().str_text(th)?
    );
    let source = match w.source_line {
        Some(l) => Some(l.str_text(th)?),
        None => source_line(&w.filename.str_text(th)?, w.line),
    };
    if let Some(l) = source.as_deref().map(str::trim).filter(|l| !l.is_empty()) {
        out.push_str("  ");
        out.push_str(l);
        out.push('\n');
    }
    let out = th.new_str(&out);
    let r = stderr.borrow().call_method_str(th, "write", &[out.borrow()]);
    // As in CPython: a stderr that cannot be written to is no reason to fail.
    if let Err(raised) = r {
        drop(th.catch(raised));
    }
    Ok(())
}

/// A line of a file, if it can be read.
fn source_line(filename: &str, line: i64) -> Option<String> {
    let at = usize::try_from(line).ok()?.checked_sub(1)?;
    let text = std::fs::read(filename).ok()?;
    let line = text.split(|b| *b == b'\n').nth(at)?;
    Some(String::from_utf8_lossy(line).into_owned())
}

/// Where a warning belongs that is issued `stack_level` Python frames up (1 = the running function).
struct Place {
    globals: Option<Owned>,
    filename: Owned,
    line: i64,
}

fn is_internal(filename: &str) -> bool {
    filename.contains("importlib") && filename.contains("_bootstrap")
}

fn frame_filename(th: &mut Thread, frame: Borrowed<'_>) -> PyResult {
    let code = frame.getattr_str(th, "f_code")?;
    code.borrow().getattr_str(th, "co_filename")
}

fn place(th: &mut Thread, stack_level: i64, skip: &[String]) -> PyResult<Place> {
    let nowhere = |th: &mut Thread| Place { globals: None, filename: th.new_str("<sys>"), line: 0 };
    let Some(getframe) = th.sys_get("_getframe") else { return Ok(nowhere(th)) };
    let first = getframe.borrow().call(th, &[]);
    let Some(mut frame) = th.absorb(first, &ex::VALUE_ERROR)? else { return Ok(nowhere(th)) };
    let name = frame_filename(th, frame.borrow())?.borrow().str_text(th)?;
    let plain = stack_level <= 0 || is_internal(&name);
    for _ in 1..stack_level.max(1) {
        loop {
            frame = frame.borrow().getattr_str(th, "f_back")?;
            if frame.is_none() {
                return Ok(nowhere(th));
            }
            if plain {
                break;
            }
            let name = frame_filename(th, frame.borrow())?.borrow().str_text(th)?;
            if !is_internal(&name) && !skip.iter().any(|p| name.starts_with(p.as_str())) {
                break;
            }
        }
    }
    let globals = frame.borrow().getattr_str(th, "f_globals")?;
    let filename = frame_filename(th, frame.borrow())?;
    let line = frame.borrow().getattr_str(th, "f_lineno")?;
    let line = if line.is_none() { 0 } else { line.borrow().to_i64(th)? };
    Ok(Place { globals: Some(globals), filename, line })
}

/// `warnings.warn` with objects. `skip` are prefixes of file names whose frames do not count.
pub fn warn_object(
    th: &mut Thread,
    message: Borrowed<'_>,
    category: Borrowed<'_>,
    stack_level: i64,
    source: Option<Borrowed<'_>>,
    skip: &[String],
) -> PyResult<()> {
    let stack_level = if skip.is_empty() { stack_level } else { stack_level.max(2) };
    let at = place(th, stack_level, skip)?;
    let globals = match at.globals {
        Some(g) => g,
        None => match th.rt.sys.fixed() {
            Some(d) => d.to_owned(),
            None => th.new_dict(),
        },
    };
    let (mut module, mut registry) = (None, None);
    if let Some(d) = globals.downcast::<Dict>() {
        let names = &th.rt.names;
        let (name, key) = (names.__name__.get(), names.__warningregistry__.get());
        module = d.get(th, name)?.filter(|m| m.is_none() || m.downcast::<Str>().is_some());
        registry = d.get(th, key)?;
        if registry.is_none() {
            let fresh = th.new_dict();
            registry = Some(match d.set_default(th, key, fresh.clone())? {
                crate::builtins::dict::Entry::Found(r) => r,
                crate::builtins::dict::Entry::Inserted => fresh,
            });
        }
    }
    let module = module.unwrap_or_else(|| th.new_str("<string>"));
    let w = Warning {
        message,
        category,
        filename: at.filename.borrow(),
        line: at.line,
        module: Some(module.borrow()),
        registry: registry.as_ref().map(|r| r.borrow()),
        source_line: None,
        source,
    };
    warn_explicit(th, &w)
}

/// Issues a warning of the VM for the Python function `stack_level` frames up (1 = the running one).
pub fn warn(th: &mut Thread, category: &'static TypeDef, msg: &str, stack_level: i64) -> PyResult<()> {
    let msg = th.new_str(msg);
    warn_object(th, msg.borrow(), category.ty().as_value(), stack_level, None, &[])
}

/// Issues a warning of the VM about an object (`ResourceWarning`).
pub fn warn_about(
    th: &mut Thread,
    category: &'static TypeDef,
    msg: &str,
    stack_level: i64,
    source: Borrowed<'_>,
) -> PyResult<()> {
    let msg = th.new_str(msg);
    warn_object(th, msg.borrow(), category.ty().as_value(), stack_level, Some(source), &[])
}

/// Issues a warning about a place in source text (the compiler's `SyntaxWarning`s).
pub fn warn_source(
    th: &mut Thread,
    category: &'static TypeDef,
    msg: &str,
    filename: Borrowed<'_>,
    line: i64,
) -> PyResult<()> {
    let msg = th.new_str(msg);
    let w = Warning {
        message: msg.borrow(),
        category: category.ty().as_value(),
        filename,
        line,
        module: None,
        registry: None,
        source_line: None,
        source: None,
    };
    warn_explicit(th, &w)
}

/// Issues the warning for a coroutine that died without having been awaited.
pub fn never_awaited(th: &mut Thread, coroutine: Borrowed<'_>) -> PyResult<()> {
    if let Some(f) = warnings_attr(th, "_warn_unawaited_coroutine", true)? {
        f.borrow().call(th, &[coroutine])?;
        return Ok(());
    }
    let name = th.rt.names.__qualname__.get();
    let name = coroutine.getattr(th, name)?.borrow().str_text(th)?;
    warn(th, &ex::RUNTIME_WARNING, &format!("coroutine '{name}' was never awaited"), 1)
}
