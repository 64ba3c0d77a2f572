//! `sys`: limits and switches that programs read and set.

use typhon_sync::prim::{AtomicBool, AtomicI32, Ordering};

use crate::builtins::int::convert as int_convert;
use crate::interp::eval;
use crate::object::{Borrowed, Owned, PyResult};
use crate::thread::Thread;
use crate::typedef::NativeDef;

/// Only `-X perf` has code linked so that trampolines can be entered.
fn activate_trampolines(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let backend = super::expect_text(th, a[0], "activate_stack_trampoline() argument")?;
    match backend.as_str() {
        "perf" if crate::perf::is_available() => {
            crate::perf::set_active(true);
            Ok(Owned::none())
        }
        "perf" => Err(th.value_error("perf trampoline not available: start with -X perf")),
        "perf_jit" => Err(th.value_error("perf_jit trampoline not available")),
        _ => Err(th.value_error(&format!("invalid backend: {backend}"))),
    }
}

pub(super) const FUNCTIONS: &[NativeDef] = &[
    NativeDef::new(
        "getrecursionlimit",
        "()",
        |th, _| Ok(th.new_int(th.rt.recursion_limit() as i64)),
        "Return the current value of the recursion limit.\n\n\
         The recursion limit is the maximum depth of the Python interpreter\n\
         stack.  This limit prevents infinite recursion from causing an overflow\n\
         of the C stack and crashing Python.",
    ),
    NativeDef::new(
        "setrecursionlimit",
        "(limit, /)",
        set_recursion_limit,
        "Set the maximum depth of the Python interpreter stack to n.\n\n\
         This limit prevents infinite recursion from causing an overflow of the C\n\
         stack and crashing Python.  The highest possible limit is platform-\n\
         dependent.",
    ),
    NativeDef::new(
        "getswitchinterval",
        "()",
        |th, _| {
            let seconds = th.rt.threads.world.gil().interval().as_secs_f64();
            Ok(th.new_float(seconds))
        },
        "Return the current thread switch interval; see sys.setswitchinterval().",
    ),
    NativeDef::new(
        "setswitchinterval",
        "(interval, /)",
        set_switch_interval,
        "Set the ideal thread switching delay inside the Python interpreter.\n\n\
         The actual frequency of switching threads can be lower if the\n\
         interpreter executes long sequences of uninterruptible code\n\
         (this is implementation-specific and workload-dependent).\n\n\
         The parameter must represent the desired switching delay in seconds\n\
         A typical value is 0.005 (5 milliseconds).",
    ),
    NativeDef::new(
        "getdefaultencoding",
        "()",
        |th, _| Ok(th.intern("utf-8")),
        "Return the current default encoding used by the Unicode implementation.",
    ),
    NativeDef::new(
        "getfilesystemencoding",
        "()",
        |th, _| Ok(th.intern("utf-8")),
        "Return the encoding used to convert Unicode filenames to OS filenames.",
    ),
    NativeDef::new(
        "getfilesystemencodeerrors",
        "()",
        |th, _| Ok(th.intern("surrogateescape")),
        "Return the error mode used for Unicode to OS filename conversion.",
    ),
    NativeDef::new(
        "_is_gil_enabled",
        "()",
        |th, _| Ok(Owned::bool(th.rt.config.gil)),
        "Return True if the GIL is currently enabled.",
    ),
    NativeDef::new(
        "get_int_max_str_digits",
        "()",
        |th, _| Ok(th.new_int(int_convert::max_str_digits() as i64)),
        "Return the maximum string digits limit for non-binary int<->str conversions.",
    ),
    NativeDef::new(
        "set_int_max_str_digits",
        "(maxdigits)",
        set_int_max_str_digits,
        "Set the maximum string digits limit for non-binary int<->str conversions.",
    ),
    NativeDef::new(
        "is_finalizing",
        "()",
        |_, _| Ok(Owned::bool(is_finalizing())),
        "Return True if Python is exiting.",
    ),
    NativeDef::new(
        "getdlopenflags",
        "()",
        // ORDERING Relaxed: a plain setting.
        |th, _| Ok(th.new_int(i64::from(DLOPEN_FLAGS.load(Ordering::Relaxed)))),
        "Return the current value of the flags that are used for dlopen calls.",
    ),
    NativeDef::new(
        "setdlopenflags",
        "(flags, /)",
        |th, a| {
            let n = a[0].to_i64(th)?;
            // ORDERING Relaxed: a plain setting.
            DLOPEN_FLAGS.store(n as i32, Ordering::Relaxed);
            Ok(Owned::none())
        },
        "Set the flags used by the interpreter for dlopen calls.",
    ),
    NativeDef::new(
        "is_stack_trampoline_active",
        "()",
        |_, _| Ok(Owned::bool(crate::perf::is_active())),
        "Return *True* if a stack profiler trampoline is active.",
    ),
    NativeDef::new(
        "deactivate_stack_trampoline",
        "()",
        |_, _| {
            crate::perf::set_active(false);
            Ok(Owned::none())
        },
        "Deactivate the current stack profiler trampoline backend.",
    ),
    NativeDef::new(
        "activate_stack_trampoline",
        "(backend, /)",
        activate_trampolines,
        "Activate stack profiler trampoline *backend*.",
    ),
    NativeDef::new(
        "is_remote_debug_enabled",
        "()",
        |_, _| Ok(Owned::bool(false)),
        "Return True if remote debugging is enabled, False otherwise.",
    ),
    NativeDef::new(
        "_get_cpu_count_config",
        "()",
        cpu_count_config,
        "Private function for getting PyConfig.cpu_count",
    ),
];

static FINALIZING: AtomicBool = AtomicBool::new(false);
static DLOPEN_FLAGS: AtomicI32 = AtomicI32::new(libc::RTLD_NOW);

/// Tells the program that the process is about to end.
pub(crate) fn set_finalizing() {
    // ORDERING Relaxed: a plain flag.
    FINALIZING.store(true, Ordering::Relaxed);
}

/// Is the process about to end?
pub(crate) fn is_finalizing() -> bool {
    // ORDERING Relaxed: a plain flag.
    FINALIZING.load(Ordering::Relaxed)
}

fn set_recursion_limit(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = a[0].to_i64(th)?;
    let Ok(limit) = usize::try_from(n) else {
        return Err(th.value_error("recursion limit must be greater or equal than 1"));
    };
    if limit < 1 {
        return Err(th.value_error("recursion limit must be greater or equal than 1"));
    }
    if n > i64::from(i32::MAX) {
        return Err(th.overflow_error("Python int too large to convert to C int"));
    }
    let depth = depth(th);
    if depth >= limit {
        let msg = format!(
            "cannot set the recursion limit to {limit} at the recursion depth {depth}: the limit is too low"
        );
        return Err(th.recursion_error(&msg));
    }
    th.rt.set_recursion_limit(limit);
    th.set_recursion_limit(limit);
    Ok(Owned::none())
}

/// How many Python frames are running on this thread.
fn depth(th: &Thread) -> usize {
    let mut n = 0;
    while eval::nth_record(th, n).is_some() {
        n += 1;
    }
    n
}

fn set_switch_interval(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let seconds = a[0].to_f64(th)?;
    if seconds <= 0.0 || seconds.is_nan() {
        return Err(th.value_error("switch interval must be strictly positive"));
    }
    // A million seconds is "never" as well as any larger number.
    th.rt.threads.world.gil().set_interval(core::time::Duration::from_secs_f64(seconds.min(1e6)));
    Ok(Owned::none())
}

fn set_int_max_str_digits(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    const LEAST: i64 = 640;
    let n = a[0].to_i64(th)?;
    if n != 0 && n < LEAST {
        let msg = format!("maxdigits must be 0 or larger than {LEAST}");
        return Err(th.value_error(&msg));
    }
    int_convert::set_max_str_digits(n as usize);
    Ok(Owned::none())
}

/// `-X cpu_count=n`, or -1.
fn cpu_count_config(th: &mut Thread, _a: &[Borrowed<'_>]) -> PyResult {
    let given = th.rt.config.x_options.iter().rev().find(|(k, _)| k == "cpu_count");
    let n = given.and_then(|(_, v)| v.as_ref()).and_then(|v| v.parse().ok()).unwrap_or(-1);
    Ok(th.new_int(n))
}
