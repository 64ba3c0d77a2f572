//! `sys.settrace` and `sys.setprofile`: two more tools, whose callbacks look for the function of the thread.
//!
//! The functions are in [`Thread::locals`]: written by the thread itself, or by another while the world is stopped. The
//! tools watch all code while any thread has a function.

use typhon_sync::prim::Ordering;

use super::event::*;
use super::{PROFILE_TOOL, TRACE_TOOL, bit, state, variants};
use crate::builtins::descriptors::MethodDescriptor;
use crate::builtins::native_function::NativeFunction;
use crate::code::CodeObject;
use crate::frame_object::Frame;
use crate::object::{Borrowed, Owned, PyResult};
use crate::thread::Thread;

/// Keys of `Thread::locals`.
const TRACE: u64 = 0x7379_735f_7472_6163;
const PROFILE: u64 = 0x7379_735f_7072_6f66;

const COMMON: u32 =
    bit(PY_START) | bit(PY_RESUME) | bit(PY_RETURN) | bit(PY_YIELD) | bit(PY_UNWIND) | bit(PY_THROW);
const TRACED: u32 = COMMON | bit(LINE) | bit(JUMP) | bit(RAISE) | bit(STOP_ITERATION);
const PROFILED: u32 = COMMON | bit(CALL);

/// One of the two.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hook {
    Trace,
    Profile,
}

impl Hook {
    fn key(self) -> u64 {
        match self {
            Hook::Trace => TRACE,
            Hook::Profile => PROFILE,
        }
    }

    fn tool(self) -> (usize, u32) {
        match self {
            Hook::Trace => (TRACE_TOOL, TRACED),
            Hook::Profile => (PROFILE_TOOL, PROFILED),
        }
    }
}

/// The thread's function.
pub(crate) fn get(th: &Thread, hook: Hook) -> Option<Owned> {
    th.locals.get(&hook.key()).cloned()
}

/// Sets the function of this thread, or of all threads.
pub(crate) fn set(th: &mut Thread, hook: Hook, function: Option<Owned>, everywhere: bool) {
    let (tool, events) = hook.tool();
    if function.is_some() && !everywhere && state::global_events(tool) == events {
        let old = th.locals.insert(hook.key(), function.expect("just looked"));
        drop(old);
        return;
    }
    if function.is_none() && !everywhere && !th.locals.contains_key(&hook.key()) {
        return;
    }
    let me = crate::threads::ThreadPtr(th);
    let all = &th.rt.threads;
    let old: Vec<Option<Owned>> = variants::change(th, |change| {
        let mut old = Vec::new();
        let mut any = false;
        for thread in all.all() {
            // SAFETY: the world is stopped, so no thread changes or goes away, and none is using its map.
            let locals = unsafe { &mut (*thread.0).locals };
            if everywhere || thread == me {
                old.push(match &function {
                    Some(f) => locals.insert(hook.key(), f.clone()),
                    None => locals.remove(&hook.key()),
                });
            }
            any |= locals.contains_key(&hook.key());
        }
        change.set_global(tool, if any { events } else { 0 });
        old
    });
    drop(old);
}

/// The thread ends: its functions watch nothing any more.
pub(crate) fn leave(th: &mut Thread) {
    set(th, Hook::Trace, None, false);
    set(th, Hook::Profile, None, false);
}

/// Switches the events of instructions on or off for the code of a frame.
pub(crate) fn trace_opcodes(th: &mut Thread, code: &CodeObject, on: bool) {
    let events = variants::local_events(th, code, TRACE_TOOL);
    let new = if on { events | bit(INSTRUCTION) } else { events & !bit(INSTRUCTION) };
    if new != events {
        variants::change(th, |change| change.set_local(code, TRACE_TOOL, new));
    }
}

/// An event for one of the two tools, in the current frame. True: it need not be reported again at this place.
///
/// Errors: what the function raises; it is not called again then.
pub(super) fn tell(
    th: &mut Thread,
    tool: usize,
    code: &CodeObject,
    event: usize,
    first: u32,
    rest: &[Borrowed<'_>],
) -> PyResult<bool> {
    if tool == TRACE_TOOL { trace(th, code, event, first, rest) } else { profile(th, event, rest) }
}

fn trace(
    th: &mut Thread,
    code: &CodeObject,
    event: usize,
    first: u32,
    rest: &[Borrowed<'_>],
) -> PyResult<bool> {
    let Some(function) = get(th, Hook::Trace) else { return Ok(false) };
    if event == JUMP {
        let to = rest[0].to_i64(th)? as u32;
        // What leads to another line is reported there.
        if to > first || code.line_of(to / 2) != code.line_of(first / 2) {
            return Ok(true);
        }
    }
    let frame = crate::frame_object::current(th);
    let f = frame.payload::<Frame>();
    // ORDERING Relaxed: plain settings.
    let (lines, opcodes) = (f.trace_lines.load(Ordering::Relaxed), f.trace_opcodes.load(Ordering::Relaxed));
    let (name, arg) = match event {
        PY_START | PY_RESUME | PY_THROW => ("call", Owned::none()),
        PY_RETURN | PY_YIELD => ("return", rest[0].to_owned()),
        PY_UNWIND => ("return", Owned::none()),
        RAISE | STOP_ITERATION => {
            let class = rest[0].ty().as_value().to_owned();
            let traceback = crate::traceback::of_exception(th, rest[0]);
            ("exception", th.new_tuple(vec![class, rest[0].to_owned(), traceback]))
        }
        INSTRUCTION if opcodes => ("opcode", Owned::none()),
        LINE | JUMP if lines => ("line", Owned::none()),
        _ => return Ok(false),
    };
    let callback = if name == "call" { Some(function) } else { f.trace.get(&f.header) };
    let Some(callback) = callback else { return Ok(false) };
    match call(th, &callback, &frame, name, &arg) {
        Ok(new) => {
            if !new.is_none() {
                f.trace.set(&f.header, new);
            }
            Ok(false)
        }
        Err(raised) => {
            let exc = th.catch(raised);
            set(th, Hook::Trace, None, false);
            drop(f.trace.clear(&f.header));
            Err(th.set_exc(exc))
        }
    }
}

fn profile(th: &mut Thread, event: usize, rest: &[Borrowed<'_>]) -> PyResult<bool> {
    let Some(function) = get(th, Hook::Profile) else { return Ok(false) };
    let (name, arg) = match event {
        PY_START | PY_RESUME | PY_THROW => ("call", Owned::none()),
        PY_RETURN | PY_YIELD => ("return", rest[0].to_owned()),
        PY_UNWIND => ("return", Owned::none()),
        _ => {
            let name = match event {
                CALL => "c_call",
                C_RETURN => "c_return",
                _ => "c_exception",
            };
            let callee = rest[0];
            if callee.downcast_exact::<NativeFunction>().is_some() {
                (name, callee.to_owned())
            } else if callee.downcast_exact::<MethodDescriptor>().is_some() {
                if rest[1].is(state::missing().word()) {
                    return Ok(false);
                }
                let bind = callee.ty().slots.descr_get().expect("a method descriptor binds");
                (name, bind(th, callee, Some(rest[1]), rest[1].ty().as_value())?)
            } else {
                return Ok(false);
            }
        }
    };
    let frame = crate::frame_object::current(th);
    match call(th, &function, &frame, name, &arg) {
        Ok(_) => Ok(false),
        Err(raised) => {
            let exc = th.catch(raised);
            set(th, Hook::Profile, None, false);
            Err(th.set_exc(exc))
        }
    }
}

fn call(th: &mut Thread, function: &Owned, frame: &Owned, name: &str, arg: &Owned) -> PyResult {
    let name = th.intern(name);
    th.tracing += 1;
    let r = function.borrow().call(th, &[frame.borrow(), name.borrow(), arg.borrow()]);
    th.tracing -= 1;
    r
}
