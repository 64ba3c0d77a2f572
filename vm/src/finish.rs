//! The end of the process: threads, exit functions, streams, modules.

use typhon_core::builtins::dict::Dict;
use typhon_core::builtins::module::{self, Module};
use typhon_core::builtins::str::Str;
use typhon_core::collect::{self, Generation};
use typhon_core::function::Function;
use typhon_core::report::{self, End};
use typhon_core::weakref::{self, WeakRef};
use typhon_core::{Borrowed, Owned, PyResult, Thread, Type, threads};
use typhon_modules::io::stdio;
use typhon_modules::thread::handle;

/// Ends the runtime as CPython does, in its order; the exit status. Does not return when the program was
/// interrupted: the process then dies of the signal.
pub fn finish(th: &mut Thread, end: End) -> i32 {
    let status = match end {
        End::Exit(s) => s,
        End::Interrupted => 128 + libc::SIGINT,
    };
    // Threads that are not daemons are waited for, then exit functions run.
    call_if_imported(th, "threading", "_shutdown");
    call_if_imported(th, "atexit", "_run_exitfuncs");
    while waits_for_threads(th) {
        call_if_imported(th, "atexit", "_run_exitfuncs");
    }
    typhon_core::contention::finish(th);
    typhon_core::opcode_stats::finish(th);
    threads::outlive_others(th, stdio::between_writes);
    let status = report::flush_standard_streams(th, status);
    end_modules(th);
    th.drain_drops();
    if th.rt.config.show_refcount {
        show_refcount(th);
    }
    let status = report::flush_standard_streams(th, status);
    if end == End::Interrupted {
        report::die_of_interrupt()
    }
    status
}

/// Waits for threads that exit functions started. False: there were none, or the wait was interrupted.
fn waits_for_threads(th: &mut Thread) -> bool {
    match handle::join_all(th, false) {
        Ok(any) => any,
        Err(raised) => {
            let exc = th.catch(raised);
            report::unraisable(th, exc, Some("Exception ignored on threading shutdown"), None);
            false
        }
    }
}

/// `-X showrefcount`: what is left once all garbage is gone.
fn show_refcount(th: &mut Thread) {
    // Finalisers may leave garbage behind, but not for ever.
    for _ in 0..8 {
        let found = collect::collect(th, Generation::Full).collected;
        th.drain_drops();
        if found == 0 {
            break;
        }
    }
    let left = collect::census(th);
    eprintln!("[{} refs, {} blocks]", left.references, left.mortal);
}

fn modules(th: &Thread) -> Option<&'static Dict> {
    th.rt.modules.fixed().and_then(|m| m.downcast::<Dict>())
}

/// `sys.modules[module].function()`, if the module was imported. Exceptions are reported.
fn call_if_imported(th: &mut Thread, module: &str, function: &str) {
    let key = th.intern(module);
    let Some(m) = modules(th).and_then(|d| d.get_interned(key.word())).filter(|m| !m.is_none()) else {
        return;
    };
    if let Err(raised) = m.borrow().call_method_str(th, function, &[]) {
        let exc = th.catch(raised);
        report::unraisable(
            th,
            exc,
            Some(&format!("Exception ignored on {module} shutdown")),
            Some(m.borrow()),
        );
    }
}

/// Lets go of the modules of the program; modules of the library stay. What only they hold is garbage then, and its
/// finalisers find all names in place. Where something else holds a namespace (a function that the library knows, a
/// thread that was left behind), its names are taken away, those of the last imported module first.
fn end_modules(th: &mut Thread) {
    let Some(table) = modules(th) else { return };
    forget_last_exception(th);
    let mut own = Vec::new();
    for (name, module) in table.entries() {
        let is_main = name.downcast::<Str>().is_some_and(|s| s.is_text("__main__"));
        if is_main || is_from_user(th, module.borrow()).unwrap_or(false) {
            let globals = module::dict_of(module.borrow());
            own.extend(globals.and_then(|globals| weakref::watch(th, globals)));
            if let Err(raised) = table.set(th, name.borrow(), Owned::none()) {
                drop(th.catch(raised));
            }
        }
    }
    th.drain_drops();
    // Cycles of the program end here: their finalisers run, their files are flushed.
    collect::collect(th, Generation::Full);
    th.drain_drops();
    let mut cleared = false;
    for globals in own.into_iter().rev() {
        let globals = globals.downcast::<WeakRef>().and_then(weakref::get);
        if let Some(globals) = globals.as_ref().and_then(|globals| globals.downcast::<Dict>()) {
            clear_names(th, globals);
            cleared = true;
        }
        th.drain_drops();
    }
    // Finalisers in what threads that were left behind had kept would find no names.
    if cleared && handle::count() == 0 {
        collect::collect(th, Generation::Full);
        th.drain_drops();
    }
}

/// The last uncaught exception holds frames, and the prompt its last result.
fn forget_last_exception(th: &mut Thread) {
    for name in ["last_exc", "last_type", "last_value", "last_traceback"] {
        if th.sys_get(name).is_some()
            && let Err(raised) = th.sys_set(name, Owned::none())
        {
            drop(th.catch(raised));
        }
    }
    let key = th.intern("_");
    let builtins = th.builtins_dict();
    if let Some(builtins) = builtins.downcast::<Dict>() {
        drop(builtins.remove_str(key.borrow()));
    }
}

/// Was the module loaded from a file outside the library?
fn is_from_user(th: &mut Thread, module: Borrowed<'_>) -> PyResult<bool> {
    let Some(globals) = module::dict_of(module).and_then(|d| d.downcast::<Dict>()) else {
        return Ok(false);
    };
    let file = globals.get_interned(th.rt.names.__file__.word());
    let Some(file) = file.as_ref().and_then(|f| f.downcast::<Str>()) else { return Ok(false) };
    let library = match &th.rt.config.stdlib_dir {
        Some(dir) => dir.to_string_lossy().into_owned(),
        None => typhon_modules::typhonlib::root(th),
    };
    Ok(!file.to_text().starts_with(&library))
}

/// Sets the names of a namespace to None, the last made first: private names; then what is neither a module nor a
/// class nor a function, so that finalisers still find those; then the rest.
fn clear_names(th: &mut Thread, globals: &Dict) {
    for turn in 0..3 {
        for (name, value) in globals.entries().into_iter().rev() {
            let Some(text) = name.downcast::<Str>().map(|s| s.to_text()) else { continue };
            let is_private = text.starts_with('_') && !text.starts_with("__");
            let of_name = if is_private { 0 } else { 1 + u8::from(is_definition(value.borrow())) };
            if value.is_none() || text == "__builtins__" || of_name != turn {
                continue;
            }
            drop(value);
            if let Err(raised) = globals.set(th, name.borrow(), Owned::none()) {
                drop(th.catch(raised));
            }
            th.drain_drops();
        }
    }
}

fn is_definition(value: Borrowed<'_>) -> bool {
    value.downcast::<Module>().is_some()
        || value.downcast::<Type>().is_some()
        || value.downcast::<Function>().is_some()
}
