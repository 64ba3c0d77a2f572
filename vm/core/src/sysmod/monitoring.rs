//! `sys.monitoring` (PEP 669): tools, their names, callbacks and events.

use crate::builtins::dict::Dict;
use crate::builtins::object::Object;
use crate::code::CodeObject;
use crate::monitoring::event::*;
use crate::monitoring::state::{self, TOOLS};
use crate::monitoring::{EVENT_NAMES, N_EVENTS, N_LOCAL, N_TOOLS, bit, variants};
use crate::object::{Borrowed, Owned, PyResult};
use crate::thread::Thread;
use crate::typedef::NativeDef;

const FUNCTIONS: &[NativeDef] = &[
    NativeDef::new("use_tool_id", "(tool_id, name, /)", use_tool_id, ""),
    NativeDef::new("clear_tool_id", "(tool_id, /)", clear_tool_id, ""),
    NativeDef::new("free_tool_id", "(tool_id, /)", free_tool_id, ""),
    NativeDef::new("get_tool", "(tool_id, /)", get_tool, ""),
    NativeDef::new("register_callback", "(tool_id, event, func, /)", register_callback, ""),
    NativeDef::new("get_events", "(tool_id, /)", get_events, ""),
    NativeDef::new("set_events", "(tool_id, event_set, /)", set_events, ""),
    NativeDef::new("get_local_events", "(tool_id, code, /)", get_local_events, ""),
    NativeDef::new("set_local_events", "(tool_id, code, event_set, /)", set_local_events, ""),
    NativeDef::new("restart_events", "()", restart_events, ""),
    NativeDef::new("_all_events", "()", all_events, ""),
];

pub(super) fn setup(th: &mut Thread) -> PyResult<()> {
    let mut events = vec![("NO_EVENTS", th.new_int(0))];
    for (number, name) in EVENT_NAMES.iter().enumerate() {
        events.push((name, th.new_int(1 << number)));
    }
    let events = th.new_namespace(events)?;
    let mut all = Vec::new();
    for def in FUNCTIONS {
        all.push((def.name, th.new_native_function(def, None)));
    }
    for (name, id) in [("DEBUGGER_ID", 0), ("COVERAGE_ID", 1), ("PROFILER_ID", 2), ("OPTIMIZER_ID", 5)] {
        all.push((name, th.new_int(id)));
    }
    let disable = th.alloc(Object { header: crate::unborn() });
    let missing = th.alloc(Object { header: crate::unborn() });
    {
        let mut tools = TOOLS.write();
        tools.disable = Some(disable.clone());
        tools.missing = Some(missing.clone());
    }
    all.push(("DISABLE", disable));
    all.push(("MISSING", missing));
    all.push(("events", events));
    let monitoring = th.new_namespace(all)?;
    th.sys_set("monitoring", monitoring)
}

fn tool_id(th: &mut Thread, v: Borrowed<'_>) -> PyResult<usize> {
    match v.to_i64(th)? {
        n @ 0..6 => Ok(n as usize),
        n => {
            let msg = format!("invalid tool {n} (must be between 0 and {})", N_TOOLS - 1);
            Err(th.value_error(&msg))
        }
    }
}

fn tool_in_use(th: &mut Thread, v: Borrowed<'_>) -> PyResult<usize> {
    let id = tool_id(th, v)?;
    if TOOLS.read().all[id].name.is_none() {
        let msg = format!("tool {id} is not in use");
        return Err(th.value_error(&msg));
    }
    Ok(id)
}

fn use_tool_id(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let id = tool_id(th, a[0])?;
    if a[1].downcast::<crate::builtins::str::Str>().is_none() {
        return Err(th.value_error("tool name must be a str"));
    }
    let mut tools = TOOLS.write();
    if tools.all[id].name.is_some() {
        drop(tools);
        let msg = format!("tool {id} is already in use");
        return Err(th.value_error(&msg));
    }
    tools.all[id].name = Some(a[1].to_owned());
    Ok(Owned::none())
}

/// Takes a tool's events and callbacks.
fn clear(th: &mut Thread, id: usize) {
    variants::change(th, |change| {
        change.set_global(id, 0);
        change.clear_local(id);
    });
    drop(state::take_callbacks(id));
}

fn clear_tool_id(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let id = tool_id(th, a[0])?;
    if TOOLS.read().all[id].name.is_some() {
        clear(th, id);
    }
    Ok(Owned::none())
}

fn free_tool_id(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let id = tool_id(th, a[0])?;
    if TOOLS.read().all[id].name.is_some() {
        clear(th, id);
        let old = TOOLS.write().all[id].name.take();
        drop(old);
    }
    Ok(Owned::none())
}

fn get_tool(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let id = tool_id(th, a[0])?;
    Ok(TOOLS.read().all[id].name.clone().unwrap_or_else(Owned::none))
}

fn register_callback(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let id = tool_id(th, a[0])?;
    let event = a[1].to_i64(th)?;
    if event.count_ones() != 1 {
        return Err(th.value_error("The callback can only be set for one event at a time"));
    }
    let event = event.trailing_zeros() as usize;
    if event >= N_EVENTS {
        let msg = format!("invalid event {event}");
        return Err(th.value_error(&msg));
    }
    let new = if a[2].is_none() { None } else { Some(a[2].to_owned()) };
    super::audit::audit(th, "sys.monitoring.register_callback", &[a[2]])?;
    Ok(state::set_callback(id, event, new).unwrap_or_else(Owned::none))
}

/// A set of events as they are kept: those of calls of natives come with CALL, BRANCH stands for both.
fn event_set(th: &mut Thread, v: Borrowed<'_>) -> PyResult<u32> {
    let events = v.to_i64(th)?;
    if !(0..1 << N_EVENTS).contains(&events) {
        let msg = format!("invalid event set 0x{events:x}");
        return Err(th.value_error(&msg));
    }
    let mut events = events as u32;
    let of_natives = bit(C_RETURN) | bit(C_RAISE);
    if events & of_natives != 0 {
        if events & (of_natives | bit(CALL)) != of_natives | bit(CALL) {
            return Err(th.value_error("cannot set C_RETURN or C_RAISE events independently"));
        }
        events &= !of_natives;
    }
    if events & bit(BRANCH) != 0 {
        events = events & !bit(BRANCH) | bit(BRANCH_LEFT) | bit(BRANCH_RIGHT);
    }
    Ok(events)
}

fn code_argument<'a>(th: &mut Thread, v: Borrowed<'a>) -> PyResult<&'a CodeObject> {
    match v.downcast::<CodeObject>() {
        Some(code) => Ok(code),
        None => Err(th.type_error("code must be a code object")),
    }
}

fn get_events(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let id = tool_id(th, a[0])?;
    let events = state::global_events(id);
    Ok(th.new_int(i64::from(events)))
}

fn set_events(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let id = tool_id(th, a[0])?;
    let events = event_set(th, a[1])?;
    tool_in_use(th, a[0])?;
    if events != state::global_events(id) {
        variants::change(th, |change| change.set_global(id, events));
    }
    Ok(Owned::none())
}

fn get_local_events(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let code = code_argument(th, a[1])?;
    let id = tool_id(th, a[0])?;
    let events = variants::local_events(th, code, id);
    Ok(th.new_int(i64::from(events)))
}

fn set_local_events(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let code = code_argument(th, a[1])?;
    let id = tool_id(th, a[0])?;
    let events = event_set(th, a[2])?;
    tool_in_use(th, a[0])?;
    if events >> N_LOCAL != 0 {
        let msg = format!("invalid local event set 0x{events:x}");
        return Err(th.value_error(&msg));
    }
    if events != variants::local_events(th, code, id) {
        variants::change(th, |change| change.set_local(code, id, events));
    }
    Ok(Owned::none())
}

fn restart_events(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    variants::change(th, |change| change.restart());
    Ok(Owned::none())
}

/// Events that somebody watches, and the set of tools.
fn all_events(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    let all = th.new_dict();
    for (event, name) in EVENT_NAMES.iter().enumerate() {
        let tools = state::global(event);
        if tools != 0 {
            let name = th.intern(name);
            let tools = th.new_int(i64::from(tools));
            all.payload::<Dict>().set(th, name.borrow(), tools)?;
        }
    }
    Ok(all)
}
