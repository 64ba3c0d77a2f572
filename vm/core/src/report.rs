//! Exceptions that nobody catches: printing them, `sys.unraisablehook`, and how the process ends.
//!
//! The text is normally made by the library's `traceback` module; [`native`] prints when that cannot be
//! imported or fails itself.

pub mod native;

use crate::builtins::exceptions as ex;
use crate::builtins::str::Str;
use crate::builtins::struct_sequence::{self, StructSequence};
use crate::builtins::tuple::Tuple;
use crate::frame_object::Frame;
use crate::object::{Borrowed, Owned, PyResult};
use crate::sysmod::std_printer;
use crate::thread::Thread;
use crate::traceback::Traceback;

/// Exit status for a failure to write out what was buffered.
pub const FLUSH_FAILED: i32 = 120;
/// Exit status of a program that ends with an exception.
pub const UNCAUGHT: i32 = 1;

/// Is this a traceback object?
pub fn is_traceback(o: Borrowed<'_>) -> bool {
    o.downcast::<Traceback>().is_some()
}

/// Gives an exception that was made by the VM a traceback that begins at the running frame.
pub fn add_traceback_here(th: &mut Thread, exc: Borrowed<'_>) {
    let Some(frame) = crate::frame_object::nth(th, 0) else { return };
    let offset = frame.payload::<Frame>().offset();
    crate::traceback::push(th, ex::base_of(exc), frame, offset);
}

/// `importlib.import_module(name)`
pub fn import_module(th: &mut Thread, name: &str) -> PyResult {
    let name = th.new_str(name);
    let fromlist = th.intern("*");
    let fromlist = th.new_tuple(vec![fromlist]);
    crate::import::import_name(th, name.borrow(), None, fromlist.borrow(), 0)
}

/// Writes text to `sys.stderr`, or to descriptor 2 if there is no such stream. Never raises.
pub fn write_stderr(th: &mut Thread, text: &str) {
    let saved = th.take_exc();
    let stream = th.sys_get("stderr");
    let s = th.new_str(text);
    match stream {
        Some(f) if !f.is_none() => {
            let write = th.rt.names.write.get();
            if let Err(raised) = f.borrow().call_method(th, write, &[s.borrow()]) {
                drop(th.catch(raised));
                std_printer::write_text(2, s.payload::<Str>());
            }
        }
        Some(_) => {}
        None => std_printer::write_text(2, s.payload::<Str>()),
    }
    if let Some(saved) = saved {
        let _ = th.set_exc(saved);
    }
}

/// Prints an exception with its traceback, causes and notes to `sys.stderr`.
pub fn print_exception(th: &mut Thread, exc: Borrowed<'_>) {
    let saved = th.take_exc();
    flush(th, "stdout");
    let done = if ex::is_exception(exc) {
        let printed = print_by_library(th, exc);
        match printed {
            Ok(()) => true,
            Err(raised) => {
                drop(th.catch(raised));
                false
            }
        }
    } else {
        let text = format!(
            "TypeError: print_exception(): Exception expected for value, {} found\n",
            exc.type_name(th)
        );
        write_stderr(th, &text);
        true
    };
    if !done {
        let text = native::format(th, exc);
        write_stderr(th, &text);
    }
    flush(th, "stderr");
    if let Some(saved) = saved {
        let _ = th.set_exc(saved);
    }
}

fn print_by_library(th: &mut Thread, exc: Borrowed<'_>) -> PyResult<()> {
    let stream = th.sys_get("stderr").filter(|f| !f.is_none());
    if stream.is_none() {
        return Err(th.runtime_error("lost sys.stderr"));
    }
    let module = import_module(th, "traceback")?;
    module.borrow().call_method_str(th, "_print_exception_bltin", &[exc])?;
    Ok(())
}

/// Flushes a standard stream. False: it failed.
fn flush(th: &mut Thread, name: &str) -> bool {
    let Some(stream) = th.sys_get(name).filter(|f| !f.is_none()) else { return true };
    let flush = th.rt.names.flush.get();
    match stream.borrow().call_method(th, flush, &[]) {
        Ok(_) => true,
        Err(raised) => {
            drop(th.catch(raised));
            false
        }
    }
}

/// Writes out what the standard streams hold at the end of the process; the new exit status.
pub fn flush_standard_streams(th: &mut Thread, status: i32) -> i32 {
    let mut status = status;
    let stdout = th.sys_get("stdout").filter(|f| !f.is_none() && !is_closed(th, f));
    if let Some(stream) = stdout {
        let name = th.rt.names.flush.get();
        if let Err(raised) = stream.borrow().call_method(th, name, &[]) {
            let exc = th.catch(raised);
            unraisable(th, exc, Some("Exception ignored while flushing sys.stdout"), None);
            status = FLUSH_FAILED;
        }
    }
    let stderr = th.sys_get("stderr").filter(|f| !f.is_none() && !is_closed(th, f));
    if stderr.is_some() && !flush(th, "stderr") {
        status = FLUSH_FAILED;
    }
    status
}

fn is_closed(th: &mut Thread, stream: &Owned) -> bool {
    let closed = match stream.borrow().getattr_str(th, "closed") {
        Ok(v) => v.borrow().truth(th),
        Err(raised) => Err(raised),
    };
    match closed {
        Ok(closed) => closed,
        Err(raised) => {
            drop(th.catch(raised));
            false
        }
    }
}

/// How a program ends after an exception that nobody caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With this exit status.
    Exit(i32),
    /// By the signal SIGINT: see [`die_of_interrupt`].
    Interrupted,
}

/// Deals with an exception that reached the end of the main program: SystemExit ends it quietly,
/// others are shown by `sys.excepthook`.
pub fn uncaught(th: &mut Thread, exc: Owned) -> End {
    if exc.borrow().ty().is_subtype_of(ex::SYSTEM_EXIT.ty()) {
        return End::Exit(exit_status(th, exc.borrow()));
    }
    let interrupted = exc.borrow().ty().is_subtype_of(ex::KEYBOARD_INTERRUPT.ty());
    show_uncaught(th, exc)
        .map_or_else(End::Exit, |()| if interrupted { End::Interrupted } else { End::Exit(UNCAUGHT) })
}

/// Ends the process as the signal would have done, so that a calling shell sees it: status 130.
pub fn die_of_interrupt() -> ! {
    // SAFETY: restores the default action and raises the signal; if that does not end the process, we do.
    unsafe {
        libc::signal(libc::SIGINT, libc::SIG_DFL);
        libc::raise(libc::SIGINT);
        libc::_exit(128 + libc::SIGINT)
    }
}

/// The exit status that a SystemExit asks for; anything but None and an int is printed.
pub fn exit_status(th: &mut Thread, exc: Borrowed<'_>) -> i32 {
    let code = match exc.downcast::<ex::SystemExit>() {
        Some(e) => e.code.get(&e.header).unwrap_or_else(Owned::none),
        None => Owned::none(),
    };
    flush(th, "stdout");
    if code.is_none() {
        return 0;
    }
    if let Some(n) = code.borrow().as_int() {
        return match n {
            crate::builtins::int::IntRef::Small(n) => n as i32,
            crate::builtins::int::IntRef::Big(_) => -1,
        };
    }
    let text = code.borrow().str_text(th).unwrap_or_else(|raised| {
        drop(th.catch(raised));
        String::new()
    });
    write_stderr(th, &format!("{text}\n"));
    flush(th, "stderr");
    UNCAUGHT
}

/// Sets `sys.last_exc` and calls `sys.excepthook`. `Err`: the hook itself raised SystemExit.
fn show_uncaught(th: &mut Thread, exc: Owned) -> Result<(), i32> {
    let class = exc.borrow().ty().as_value().to_owned();
    let e = ex::base_of(exc.borrow());
    let tb = e.traceback.get(&e.header).unwrap_or_else(Owned::none);
    for (name, v) in
        [("last_exc", &exc), ("last_type", &class), ("last_value", &exc), ("last_traceback", &tb)]
    {
        if let Err(raised) = th.sys_set(name, v.clone()) {
            drop(th.catch(raised));
        }
    }
    let Some(hook) = th.sys_get("excepthook").filter(|h| !h.is_none()) else {
        write_stderr(th, "sys.excepthook is missing\n");
        print_exception(th, exc.borrow());
        return Ok(());
    };
    if let Err(raised) = hook.borrow().call(th, &[class.borrow(), exc.borrow(), tb.borrow()]) {
        let second = th.catch(raised);
        if second.borrow().ty().is_subtype_of(ex::SYSTEM_EXIT.ty()) {
            return Err(exit_status(th, second.borrow()));
        }
        write_stderr(th, "Error in sys.excepthook:\n");
        print_exception(th, second.borrow());
        write_stderr(th, "\nOriginal exception was:\n");
        print_exception(th, exc.borrow());
    }
    Ok(())
}

static UNRAISABLE_ARGS: StructSequence = StructSequence {
    name: "UnraisableHookArgs",
    doc: "UnraisableHookArgs\n\nType used to pass arguments to sys.unraisablehook.",
    fields: &["exc_type", "exc_value", "exc_traceback", "err_msg", "object"],
    n_visible: 5,
    constructible: false,
};

/// Reports an exception where it cannot propagate, through `sys.unraisablehook`. The exception on its
/// way, if any, stays.
pub fn unraisable(th: &mut Thread, exc: Owned, msg: Option<&str>, object: Option<Borrowed<'_>>) {
    let saved = th.take_exc();
    if let Err(raised) = call_unraisable_hook(th, &exc, msg, object) {
        // The hook itself failed: both go to descriptor 2.
        let second = th.catch(raised);
        let text = native::format(th, second.borrow());
        write_stderr(th, &format!("Exception ignored in sys.unraisablehook:\n{text}"));
        let text = native::format(th, exc.borrow());
        write_stderr(th, &text);
    }
    if let Some(saved) = saved {
        let _ = th.set_exc(saved);
    }
}

fn call_unraisable_hook(
    th: &mut Thread,
    exc: &Owned,
    msg: Option<&str>,
    object: Option<Borrowed<'_>>,
) -> PyResult<()> {
    let ty = struct_sequence::register(th, &UNRAISABLE_ARGS)?;
    let class = exc.borrow().ty().as_value().to_owned();
    let e = ex::base_of(exc.borrow());
    if e.traceback.is_empty() {
        add_traceback_here(th, exc.borrow());
    }
    let tb = e.traceback.get(&e.header).unwrap_or_else(Owned::none);
    let msg = msg.map_or_else(Owned::none, |m| th.new_str(m));
    let object = object.map_or_else(Owned::none, |o| o.to_owned());
    let args = struct_sequence::new_instance(th, ty, vec![class, exc.clone(), tb, msg, object]);
    match th.sys_get("unraisablehook") {
        Some(hook) if !hook.is_none() => hook.borrow().call(th, &[args.borrow()]).map(drop),
        _ => print_unraisable(th, args.borrow()),
    }
}

/// `sys.__unraisablehook__`
pub fn print_unraisable(th: &mut Thread, args: Borrowed<'_>) -> PyResult<()> {
    let Some(t) = args.downcast::<Tuple>().filter(|t| t.len() == 5) else {
        return Err(th.type_error("sys.unraisablehook argument type must be UnraisableHookArgs"));
    };
    let (exc, msg, object) = (t.get(1), t.get(3), t.get(4));
    let mut head = String::new();
    if let Some(m) = msg.downcast::<Str>() {
        head.push_str(&m.to_text());
    } else if !object.is_none() {
        head.push_str("Exception ignored in");
    }
    if !object.is_none() {
        let shown = match object.repr_text(th) {
            Ok(text) => text,
            Err(raised) => {
                drop(th.catch(raised));
                String::from("<object repr() failed>")
            }
        };
        head.push_str(": ");
        head.push_str(&shown);
        head.push('\n');
    } else if !head.is_empty() {
        head.push_str(":\n");
    }
    write_stderr(th, &head);
    if ex::is_exception(exc) {
        print_exception(th, exc);
    }
    flush(th, "stderr");
    Ok(())
}
