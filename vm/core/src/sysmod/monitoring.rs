//! `sys.monitoring` (PEP 669): tools, their names and callbacks. Events are not delivered yet, and
//! switching one on says so.

use parking_lot::Mutex;

use crate::builtins::object::Object;
use crate::object::{Borrowed, Owned, PyResult};
use crate::thread::Thread;
use crate::typedef::NativeDef;

const FUNCTIONS: &[NativeDef] = &[
    NativeDef::new("use_tool_id", "(tool_id, name, /)", use_tool_id, ""),
    NativeDef::new("clear_tool_id", "(tool_id, /)", clear_tool_id, ""),
    NativeDef::new("free_tool_id", "(tool_id, /)", free_tool_id, ""),
    NativeDef::new("get_tool", "(tool_id, /)", get_tool, ""),
    NativeDef::new("register_callback", "(tool_id, event, func, /)", register_callback, ""),
    NativeDef::new("get_events", "(tool_id, /)", |th, a| no_events(th, a[0]), ""),
    NativeDef::new("set_events", "(tool_id, event_set, /)", |th, a| set_events(th, a[0], a[1]), ""),
    NativeDef::new("get_local_events", "(tool_id, code, /)", |th, a| no_events(th, a[0]), ""),
    NativeDef::new(
        "set_local_events",
        "(tool_id, code, event_set, /)",
        |th, a| set_events(th, a[0], a[2]),
        "",
    ),
    NativeDef::new("restart_events", "()", |_, _| Ok(Owned::none()), ""),
    NativeDef::new("_all_events", "()", |th, _| Ok(th.new_dict()), ""),
];

/// Names and bits of the events.
const EVENTS: &[(&str, i64)] = &[
    ("NO_EVENTS", 0),
    ("PY_START", 1),
    ("PY_RESUME", 1 << 1),
    ("PY_RETURN", 1 << 2),
    ("PY_YIELD", 1 << 3),
    ("CALL", 1 << 4),
    ("LINE", 1 << 5),
    ("INSTRUCTION", 1 << 6),
    ("JUMP", 1 << 7),
    ("BRANCH_LEFT", 1 << 8),
    ("BRANCH_RIGHT", 1 << 9),
    ("STOP_ITERATION", 1 << 10),
    ("RAISE", 1 << 11),
    ("EXCEPTION_HANDLED", 1 << 12),
    ("PY_UNWIND", 1 << 13),
    ("PY_THROW", 1 << 14),
    ("RERAISE", 1 << 15),
    ("C_RETURN", 1 << 16),
    ("C_RAISE", 1 << 17),
    ("BRANCH", 1 << 18),
];

const N_TOOLS: usize = 6;
const N_EVENTS: usize = 19;

#[derive(Default)]
struct Tool {
    name: Option<Owned>,
    callbacks: Vec<(u32, Owned)>,
}

// SAFETY: the references inside are handed between threads under the mutex, with their counts.
unsafe impl Send for Tool {}

static TOOLS: Mutex<[Tool; N_TOOLS]> =
    Mutex::new([const { Tool { name: None, callbacks: Vec::new() } }; N_TOOLS]);

pub(super) fn setup(th: &mut Thread) -> PyResult<()> {
    let events = EVENTS.iter().map(|(name, bit)| (*name, th.new_int(*bit))).collect();
    let events = th.new_namespace(events)?;
    let mut all = Vec::new();
    for def in FUNCTIONS {
        all.push((def.name, th.new_native_function(def, None)));
    }
    for (name, id) in [("DEBUGGER_ID", 0), ("COVERAGE_ID", 1), ("PROFILER_ID", 2), ("OPTIMIZER_ID", 5)] {
        all.push((name, th.new_int(id)));
    }
    for name in ["DISABLE", "MISSING"] {
        all.push((name, th.alloc(Object { header: crate::unborn() })));
    }
    all.push(("events", events));
    let monitoring = th.new_namespace(all)?;
    th.sys_set("monitoring", monitoring)
}

fn tool_id(th: &mut Thread, v: Borrowed<'_>) -> PyResult<usize> {
    match v.to_i64(th)? {
        n @ 0..6 => Ok(n as usize),
        n => {
            let msg = format!("invalid tool {n} (must be between 0 and 5)");
            Err(th.value_error(&msg))
        }
    }
}

fn tool_in_use(th: &mut Thread, v: Borrowed<'_>) -> PyResult<usize> {
    let id = tool_id(th, v)?;
    if TOOLS.lock()[id].name.is_none() {
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
    let mut tools = TOOLS.lock();
    if tools[id].name.is_some() {
        drop(tools);
        let msg = format!("tool {id} is already in use");
        return Err(th.value_error(&msg));
    }
    tools[id].name = Some(a[1].to_owned());
    Ok(Owned::none())
}

fn clear_tool_id(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let id = tool_id(th, a[0])?;
    let old = core::mem::take(&mut TOOLS.lock()[id].callbacks);
    drop(old);
    Ok(Owned::none())
}

fn free_tool_id(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let id = tool_id(th, a[0])?;
    let old = core::mem::take(&mut TOOLS.lock()[id]);
    drop(old);
    Ok(Owned::none())
}

fn get_tool(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let id = tool_id(th, a[0])?;
    Ok(TOOLS.lock()[id].name.clone().unwrap_or_else(Owned::none))
}

fn register_callback(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let id = tool_id(th, a[0])?;
    let event = a[1].to_i64(th)?;
    if event.count_ones() != 1 {
        return Err(th.value_error("The callback can only be set for one event at a time"));
    }
    let event = event.trailing_zeros();
    if event as usize >= N_EVENTS {
        let msg = format!("invalid event {event}");
        return Err(th.value_error(&msg));
    }
    let mut tools = TOOLS.lock();
    let callbacks = &mut tools[id].callbacks;
    let old = callbacks.iter().position(|(e, _)| *e == event).map(|i| callbacks.swap_remove(i).1);
    if !a[2].is_none() {
        callbacks.push((event, a[2].to_owned()));
    }
    Ok(old.unwrap_or_else(Owned::none))
}

fn no_events(th: &mut Thread, tool: Borrowed<'_>) -> PyResult {
    tool_in_use(th, tool)?;
    Ok(th.new_int(0))
}

fn set_events(th: &mut Thread, tool: Borrowed<'_>, events: Borrowed<'_>) -> PyResult {
    tool_in_use(th, tool)?;
    let events = events.to_i64(th)?;
    if !(0..1 << N_EVENTS).contains(&events) {
        let msg = format!("invalid event set {events:#x}");
        return Err(th.value_error(&msg));
    }
    if events != 0 {
        return Err(th.not_implemented_error("monitoring events are not delivered by this version"));
    }
    Ok(Owned::none())
}
