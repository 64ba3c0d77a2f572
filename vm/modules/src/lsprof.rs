//! `_lsprof`: the profiler of `cProfile`, a tool of `sys.monitoring`.
//!
//! A profiler keeps a stack of calls for each thread that runs while it is enabled, and one table for all of them. Both
//! change under its lock; a call that another thread ends or begins meanwhile is seen whole.

use std::collections::HashMap;
use std::time::Instant;

use typhon_core::builtins::method::BoundMethod;
use typhon_core::builtins::native_function::NativeFunction;
use typhon_core::builtins::struct_sequence::{self, StructSequence};
use typhon_core::code::CodeObject;
use typhon_core::{
    Args, ArgsExt, Borrowed, Data, Locked, ModuleDef, NativeDef, Owned, PyResult, Slot, Slots, Thread, Type,
    TypeDef, payload, type_flags, unborn,
};

use crate::args::{made, this};

pub static MODULE: ModuleDef = ModuleDef {
    name: "_lsprof",
    doc: "Fast profiler",
    functions: &[],
    types: &[&PROFILER],
    setup: Some(|th, module| {
        for (name, spec) in [("profiler_entry", &ENTRY), ("profiler_subentry", &SUBENTRY)] {
            let ty = struct_sequence::register(th, spec)?.as_value().to_owned();
            let name = th.intern(name);
            module.setattr(th, name.borrow(), Some(ty.borrow()))?;
        }
        Ok(())
    }),
};

static ENTRY: StructSequence = StructSequence {
    name: "_lsprof.profiler_entry",
    doc: "",
    fields: &["code", "callcount", "reccallcount", "totaltime", "inlinetime", "calls"],
    n_visible: 6,
    constructible: true,
};

static SUBENTRY: StructSequence = StructSequence {
    name: "_lsprof.profiler_subentry",
    doc: "",
    fields: &["code", "callcount", "reccallcount", "totaltime", "inlinetime"],
    n_visible: 5,
    constructible: true,
};

/// Sums over calls; times in seconds.
#[derive(Default)]
struct Sums {
    calls: u64,
    /// Calls that began while another one ran.
    recursive: u64,
    total: f64,
    own: f64,
    /// Calls that run now.
    depth: u64,
}

impl Sums {
    fn end(&mut self, total: f64, own: f64) {
        self.depth = self.depth.saturating_sub(1);
        if self.depth == 0 {
            self.total += total;
        } else {
            self.recursive += 1;
        }
        self.own += own;
        self.calls += 1;
    }
}

/// What is known of a function. Keys are addresses of code objects and of definitions of natives.
struct Entry {
    /// The code object, or a str that describes a native.
    what: Owned,
    sums: Sums,
    /// Of those that it called.
    callees: HashMap<usize, Sums>,
}

/// A call that runs.
struct Call {
    key: usize,
    began: f64,
    /// Time in calls that it made.
    inside: f64,
}

#[derive(Default)]
struct Profile {
    entries: HashMap<usize, Entry>,
    /// In order of their first call.
    order: Vec<usize>,
    stacks: HashMap<u64, Vec<Call>>,
    with_callees: bool,
    with_natives: bool,
    is_enabled: bool,
    /// Timers that are being asked.
    asked: u32,
}

// SAFETY: used under the lock of the profiler; the references inside have counts of their own.
unsafe impl Send for Profile {}

impl Profile {
    fn begin(&mut self, thread: u64, key: usize, now: f64) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        entry.sums.depth += 1;
        let stack = self.stacks.entry(thread).or_default();
        if self.with_callees
            && let Some(caller) = stack.last()
            && let Some(caller) = self.entries.get_mut(&caller.key)
        {
            caller.callees.entry(key).or_default().depth += 1;
        }
        stack.push(Call { key, began: now, inside: 0.0 });
    }

    fn end(&mut self, thread: u64, now: f64) {
        let Some(stack) = self.stacks.get_mut(&thread) else { return };
        let Some(call) = stack.pop() else { return };
        let total = now - call.began;
        let own = total - call.inside;
        if let Some(entry) = self.entries.get_mut(&call.key) {
            entry.sums.end(total, own);
        }
        let Some(caller) = stack.last_mut() else { return };
        caller.inside += total;
        if self.with_callees
            && let Some(caller) = self.entries.get_mut(&caller.key)
            && let Some(sums) = caller.callees.get_mut(&call.key)
        {
            sums.end(total, own);
        }
    }

    /// Ends all calls that run.
    fn end_all(&mut self, now: f64) {
        let threads: Vec<u64> = self.stacks.keys().copied().collect();
        for thread in threads {
            while self.stacks.get(&thread).is_some_and(|stack| !stack.is_empty()) {
                self.end(thread, now);
            }
        }
        self.stacks.clear();
    }
}

payload! {
    /// `_lsprof.Profiler`.
    pub struct Profiler: PROFILER {
        timer: Slot,
        profile: Locked<Data<Profile>>,
        /// Seconds of one tick of the timer; 0: it tells seconds.
        unit: Locked<Data<f64>>,
        begun: Data<Instant>,
    }
}

const SETTINGS: &str = "($self, /, subcalls=True, builtins=True)";

pub static PROFILER: TypeDef = TypeDef {
    module: "_lsprof",
    flags: type_flags::BASE | type_flags::GC,
    doc: "Build a profiler object using the specified timer function.",
    slots: Slots { new: Some(new), init: Some(init), ..Slots::NONE },
    methods: &[
        NativeDef::new("enable", SETTINGS, enable, "Start collecting profiling information."),
        NativeDef::new(
            "disable",
            "($self, /)",
            |th, a| disable(th, a[0]).map(|()| Owned::none()),
            "Stop collecting profiling information.",
        ),
        NativeDef::new("clear", "($self, /)", clear, "Clear all profiling information collected so far."),
        NativeDef::new("getstats", "($self, /)", getstats, "list of profiler_entry objects."),
        NativeDef::new("_pystart_callback", "($self, code, instruction_offset, /)", python_begins, ""),
        NativeDef::new(
            "_pythrow_callback",
            "($self, code, instruction_offset, exception, /)",
            python_begins,
            "",
        ),
        NativeDef::new("_pyreturn_callback", "($self, code, instruction_offset, retval, /)", call_ends, ""),
        NativeDef::new("_ccall_callback", NATIVE, native_begins, ""),
        NativeDef::new("_creturn_callback", NATIVE, native_ends, ""),
    ],
    ..TypeDef::of::<Profiler>("Profiler")
};

const NATIVE: &str = "($self, code, instruction_offset, callable, self_arg, /)";

/// Which method is called for which events.
const CALLBACKS: &[(&str, &str)] = &[
    ("PY_START", "_pystart_callback"),
    ("PY_RESUME", "_pystart_callback"),
    ("PY_THROW", "_pythrow_callback"),
    ("PY_RETURN", "_pyreturn_callback"),
    ("PY_YIELD", "_pyreturn_callback"),
    ("PY_UNWIND", "_pyreturn_callback"),
    ("CALL", "_ccall_callback"),
    ("C_RETURN", "_creturn_callback"),
    ("C_RAISE", "_creturn_callback"),
];

fn new(th: &mut Thread, ty: &Type, _: Args<'_>) -> PyResult {
    let profile = Profile { with_callees: true, with_natives: true, ..Profile::default() };
    let profiler = Profiler {
        header: unborn(),
        timer: Slot::empty(),
        profile: Locked::new(Data(profile)),
        unit: Locked::new(Data(0.0)),
        begun: Data(Instant::now()),
    };
    made(th, ty, profiler)
}

fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    const NAMES: [&str; 4] = ["timer", "timeunit", "subcalls", "builtins"];
    let mut given: [Option<Owned>; 4] = Default::default();
    if args.pos().len() > NAMES.len() {
        let msg = format!("Profiler() takes at most 4 arguments ({} given)", args.pos().len());
        return Err(th.type_error(&msg));
    }
    for (to, v) in given.iter_mut().zip(args.pos()) {
        *to = Some(Borrowed::to_owned(*v));
    }
    for (name, v) in args.keywords() {
        let name = name.str_text(th)?;
        let Some(i) = NAMES.iter().position(|n| *n == name) else {
            let msg = format!("Profiler() got an unexpected keyword argument '{name}'");
            return Err(th.type_error(&msg));
        };
        given[i] = Some(v.to_owned());
    }
    let p: &Profiler = this(o);
    let [timer, unit, callees, natives] = given;
    if let Some(timer) = timer.filter(|t| !t.is_none()) {
        p.timer.set(&p.header, timer);
    }
    if let Some(unit) = unit {
        let unit = unit.borrow().to_f64(th)?;
        p.unit.lock(&p.header, th).0 = unit;
    }
    configure(th, p, callees.as_ref().map(|v| v.borrow()), natives.as_ref().map(|v| v.borrow()))
}

fn configure(
    th: &mut Thread,
    p: &Profiler,
    callees: Option<Borrowed<'_>>,
    natives: Option<Borrowed<'_>>,
) -> PyResult<()> {
    let callees = callees.map(|v| v.truth(th)).transpose()?;
    let natives = natives.map(|v| v.truth(th)).transpose()?;
    let mut profile = p.profile.lock(&p.header, th);
    profile.0.with_callees = callees.unwrap_or(profile.0.with_callees);
    profile.0.with_natives = natives.unwrap_or(profile.0.with_natives);
    Ok(())
}

/// Seconds. A timer that fails is reported, and tells 0.
fn now(th: &mut Thread, p: &Profiler) -> f64 {
    let Some(timer) = p.timer.get(&p.header) else { return p.begun.0.elapsed().as_secs_f64() };
    let unit = p.unit.lock(&p.header, th).0;
    p.profile.lock(&p.header, th).0.asked += 1;
    let answer = timer.borrow().call(th, &[]);
    p.profile.lock(&p.header, th).0.asked -= 1;
    let time = answer.and_then(|t| {
        if unit == 0.0 {
            t.borrow().to_f64(th)
        } else {
            t.borrow().to_i64(th).map(|ticks| ticks as f64 * unit)
        }
    });
    time.unwrap_or_else(|raised| {
        let exc = th.catch(raised);
        typhon_core::report::unraisable(th, exc, None, Some(timer.borrow()));
        0.0
    })
}

fn monitoring(th: &mut Thread) -> PyResult {
    match th.sys_get("monitoring") {
        Some(monitoring) => Ok(monitoring),
        None => Err(th.runtime_error("lost sys.monitoring")),
    }
}

/// Puts the methods of the profiler in the place of callbacks, or None.
fn set_callbacks(th: &mut Thread, monitoring: Borrowed<'_>, o: Option<Borrowed<'_>>) -> PyResult<i64> {
    let name = th.intern("events");
    let events = monitoring.getattr(th, name.borrow())?;
    let tool = th.new_int(TOOL);
    let mut all = 0;
    for (event, method) in CALLBACKS {
        let name = th.intern(event);
        let event = events.borrow().getattr(th, name.borrow())?;
        all |= event.borrow().to_i64(th)?;
        let callback = match o {
            Some(o) => {
                let name = th.intern(method);
                o.getattr(th, name.borrow())?
            }
            None => Owned::none(),
        };
        let args = [tool.borrow(), event.borrow(), callback.borrow()];
        monitoring.call_method_str(th, "register_callback", &args)?;
    }
    Ok(all)
}

/// `sys.monitoring.PROFILER_ID`.
const TOOL: i64 = 2;

fn enable(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let p: &Profiler = this(a[0]);
    configure(th, p, a.opt(1), a.opt(2))?;
    let monitoring = monitoring(th)?;
    let (tool, name) = (th.new_int(TOOL), th.new_str("cProfile"));
    monitoring.borrow().call_method_str(th, "use_tool_id", &[tool.borrow(), name.borrow()])?;
    let events = set_callbacks(th, monitoring.borrow(), Some(a[0]))?;
    p.profile.lock(&p.header, th).0.is_enabled = true;
    let events = th.new_int(events);
    monitoring.borrow().call_method_str(th, "set_events", &[tool.borrow(), events.borrow()])?;
    Ok(Owned::none())
}

/// Errors: RuntimeError if the profiler waits for its timer.
fn refuse_in_timer(th: &mut Thread, p: &Profiler, what: &str) -> PyResult<()> {
    if p.profile.lock(&p.header, th).0.asked == 0 {
        return Ok(());
    }
    let msg = format!("cannot {what} profiler in external timer");
    Err(th.runtime_error(&msg))
}

fn disable(th: &mut Thread, o: Borrowed<'_>) -> PyResult<()> {
    let p: &Profiler = this(o);
    refuse_in_timer(th, p, "disable")?;
    if core::mem::take(&mut p.profile.lock(&p.header, th).0.is_enabled) {
        let monitoring = monitoring(th)?;
        let tool = th.new_int(TOOL);
        let none = th.new_int(0);
        monitoring.borrow().call_method_str(th, "set_events", &[tool.borrow(), none.borrow()])?;
        set_callbacks(th, monitoring.borrow(), None)?;
        monitoring.borrow().call_method_str(th, "free_tool_id", &[tool.borrow()])?;
    }
    let now = now(th, p);
    p.profile.lock(&p.header, th).0.end_all(now);
    Ok(())
}

fn clear(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let p: &Profiler = this(a[0]);
    refuse_in_timer(th, p, "clear")?;
    let mut profile = p.profile.lock(&p.header, th);
    let old = (core::mem::take(&mut profile.0.entries), core::mem::take(&mut profile.0.stacks));
    profile.0.order.clear();
    drop(profile);
    drop(old);
    Ok(Owned::none())
}

/// A call of what has this key begins; `describe` makes what statistics name it by.
fn begin(
    th: &mut Thread,
    p: &Profiler,
    key: usize,
    describe: impl FnOnce(&mut Thread) -> PyResult,
) -> PyResult<()> {
    if !p.profile.lock(&p.header, th).0.entries.contains_key(&key) {
        let what = describe(th)?;
        let mut profile = p.profile.lock(&p.header, th);
        if !profile.0.entries.contains_key(&key) {
            profile.0.order.push(key);
            let entry = Entry { what, sums: Sums::default(), callees: HashMap::new() };
            profile.0.entries.insert(key, entry);
        }
    }
    let now = now(th, p);
    let thread = th.ident;
    p.profile.lock(&p.header, th).0.begin(thread, key, now);
    Ok(())
}

fn python_begins(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let p: &Profiler = this(a[0]);
    if a[1].downcast::<CodeObject>().is_none() {
        return Err(th.type_error("a code object is required"));
    }
    begin(th, p, a[1].word().identity() as usize, |_| Ok(a[1].to_owned()))?;
    Ok(Owned::none())
}

fn call_ends(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let p: &Profiler = this(a[0]);
    let now = now(th, p);
    let thread = th.ident;
    p.profile.lock(&p.header, th).0.end(thread, now);
    Ok(Owned::none())
}

/// The native function that a reported call runs, if it is one.
fn native(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult<Option<Owned>> {
    use typhon_core::builtins::descriptors::MethodDescriptor;
    let callee = a[3];
    if callee.downcast_exact::<NativeFunction>().is_some() {
        return Ok(Some(callee.to_owned()));
    }
    if callee.downcast_exact::<MethodDescriptor>().is_none() {
        return Ok(None);
    }
    let name = th.intern("MISSING");
    let missing = monitoring(th)?.borrow().getattr(th, name.borrow())?;
    if a[4].is(missing.word()) {
        return Ok(None);
    }
    match callee.ty().slots.descr_get() {
        // A self of another class is the callee's own error.
        Some(get) => match get(th, callee, Some(a[4]), a[4].ty().as_value()) {
            Ok(bound) => Ok(Some(bound)),
            Err(raised) => {
                drop(th.catch(raised));
                Ok(None)
            }
        },
        None => Ok(None),
    }
}

/// How statistics name a native.
fn describe(th: &mut Thread, callee: Borrowed<'_>) -> PyResult {
    let callee = match callee.downcast::<BoundMethod>() {
        Some(m) => m.function().to_owned(),
        None => callee.to_owned(),
    };
    let Some(f) = callee.downcast::<NativeFunction>() else { return callee.borrow().repr(th) };
    let name = f.def().name;
    if let Some(me) = f.bound_self() {
        let key = th.intern(name);
        if let Some(method) = me.ty().lookup(key.borrow()) {
            return method.borrow().repr(th);
        }
    }
    let key = th.intern("__module__");
    let module = match callee.borrow().getattr_opt(th, key.borrow())? {
        Some(m) if !m.is_none() => format!("{}.", m.borrow().str_text(th)?),
        _ => String::new(),
    };
    Ok(th.new_str(&format!("<built-in method {module}{name}>")))
}

fn key_of(callee: Borrowed<'_>) -> usize {
    match callee.downcast::<NativeFunction>() {
        Some(f) => core::ptr::from_ref(f.def()) as usize,
        None => callee.word().identity() as usize,
    }
}

fn native_begins(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let p: &Profiler = this(a[0]);
    if p.profile.lock(&p.header, th).0.with_natives
        && let Some(callee) = native(th, a)?
    {
        begin(th, p, key_of(callee.borrow()), |th| describe(th, callee.borrow()))?;
    }
    Ok(Owned::none())
}

fn native_ends(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let p: &Profiler = this(a[0]);
    if p.profile.lock(&p.header, th).0.with_natives && native(th, a)?.is_some() {
        return call_ends(th, a);
    }
    Ok(Owned::none())
}

fn fields(th: &mut Thread, what: Owned, sums: &Sums) -> Vec<Owned> {
    vec![
        what,
        th.new_uint(sums.calls),
        th.new_uint(sums.recursive),
        th.new_float(sums.total),
        th.new_float(sums.own),
    ]
}

/// What statistics say of one function: itself, and those that it called.
type Row = (Owned, Sums, Vec<(Owned, Sums)>);

fn getstats(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let p: &Profiler = this(a[0]);
    disable(th, a[0])?;
    let copy = |s: &Sums| Sums { depth: 0, ..*s };
    let rows = {
        let profile = p.profile.lock(&p.header, th);
        let profile = &profile.0;
        let of_entry = |key: &usize| -> Option<Row> {
            let entry = profile.entries.get(key)?;
            let callees = entry.callees.iter().filter(|(_, sums)| sums.calls != 0);
            let callees = callees
                .filter_map(|(key, sums)| Some((profile.entries.get(key)?.what.clone(), copy(sums))))
                .collect();
            (entry.sums.calls != 0).then(|| (entry.what.clone(), copy(&entry.sums), callees))
        };
        profile.order.iter().filter_map(of_entry).collect::<Vec<Row>>()
    };
    let (entry, subentry) =
        (struct_sequence::register(th, &ENTRY)?, struct_sequence::register(th, &SUBENTRY)?);
    let mut out = Vec::new();
    for (what, sums, callees) in rows {
        let mut row = fields(th, what, &sums);
        let mut calls = Vec::new();
        for (what, sums) in callees {
            let fields = fields(th, what, &sums);
            calls.push(struct_sequence::new_instance(th, subentry, fields));
        }
        row.push(if calls.is_empty() { Owned::none() } else { th.new_list(calls) });
        out.push(struct_sequence::new_instance(th, entry, row));
    }
    Ok(th.new_list(out))
}
