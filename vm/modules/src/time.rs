//! `time`: clocks, sleeping, calendar time.

mod calendar;
mod format;

use std::time::{Duration, Instant};

use typhon_core::builtins::exceptions as ex;
use typhon_core::builtins::int::IntRef;
use typhon_core::{ArgsExt, Borrowed, ModuleDef, NativeDef, Owned, PyResult, Thread};

use crate::add_libc;
use crate::support::{self, ModuleExt};

pub static MODULE: ModuleDef = ModuleDef {
    name: "time",
    doc: "This module provides various functions to manipulate time values.",
    functions: &[
        NativeDef::new(
            "time",
            "($module, /)",
            |th, _| float_of(th, libc::CLOCK_REALTIME),
            "Return the current time in seconds since the Epoch.",
        ),
        NativeDef::new(
            "time_ns",
            "($module, /)",
            |th, _| int_of(th, libc::CLOCK_REALTIME),
            "Return the current time in nanoseconds since the Epoch.",
        ),
        NativeDef::new(
            "monotonic",
            "($module, /)",
            |th, _| float_of(th, libc::CLOCK_MONOTONIC),
            "Monotonic clock, cannot go backward.",
        ),
        NativeDef::new(
            "monotonic_ns",
            "($module, /)",
            |th, _| int_of(th, libc::CLOCK_MONOTONIC),
            "Monotonic clock, cannot go backward, as nanoseconds.",
        ),
        NativeDef::new(
            "perf_counter",
            "($module, /)",
            |th, _| float_of(th, libc::CLOCK_MONOTONIC),
            "Performance counter for benchmarking.",
        ),
        NativeDef::new(
            "perf_counter_ns",
            "($module, /)",
            |th, _| int_of(th, libc::CLOCK_MONOTONIC),
            "Performance counter for benchmarking as nanoseconds.",
        ),
        NativeDef::new(
            "process_time",
            "($module, /)",
            |th, _| float_of(th, libc::CLOCK_PROCESS_CPUTIME_ID),
            "Process time for profiling: sum of the kernel and user-space CPU time.",
        ),
        NativeDef::new(
            "process_time_ns",
            "($module, /)",
            |th, _| int_of(th, libc::CLOCK_PROCESS_CPUTIME_ID),
            "Process time for profiling as nanoseconds.",
        ),
        NativeDef::new(
            "thread_time",
            "($module, /)",
            |th, _| float_of(th, libc::CLOCK_THREAD_CPUTIME_ID),
            "Thread time for profiling.",
        ),
        NativeDef::new(
            "thread_time_ns",
            "($module, /)",
            |th, _| int_of(th, libc::CLOCK_THREAD_CPUTIME_ID),
            "Thread time for profiling as nanoseconds.",
        ),
        NativeDef::new(
            "clock_gettime",
            "($module, clk_id, /)",
            |th, a| {
                let id = support::c_int(th, a[0])?;
                float_of(th, id)
            },
            "Return the time of the specified clock clk_id as a float.",
        ),
        NativeDef::new(
            "clock_gettime_ns",
            "($module, clk_id, /)",
            |th, a| {
                let id = support::c_int(th, a[0])?;
                int_of(th, id)
            },
            "Return the time of the specified clock clk_id as nanoseconds (int).",
        ),
        NativeDef::new(
            "clock_settime",
            "($module, clk_id, time, /)",
            clock_settime,
            "Set the time of the specified clock clk_id.",
        ),
        NativeDef::new(
            "clock_settime_ns",
            "($module, clk_id, time, /)",
            clock_settime_ns,
            "Set the time of the specified clock clk_id with nanoseconds.",
        ),
        NativeDef::new(
            "clock_getres",
            "($module, clk_id, /)",
            clock_getres,
            "Return the resolution (precision) of the specified clock clk_id.",
        ),
        NativeDef::new(
            "pthread_getcpuclockid",
            "($module, thread_id, /)",
            |th, _| Ok(th.new_int(i64::from(libc::CLOCK_THREAD_CPUTIME_ID))),
            "Return the clk_id of a thread's CPU time clock.",
        ),
        NativeDef::new(
            "sleep",
            "($module, seconds, /)",
            sleep,
            "Delay execution for a given number of seconds.",
        ),
        NativeDef::new(
            "get_clock_info",
            "($module, name, /)",
            get_clock_info,
            "Get information of the specified clock.",
        ),
        NativeDef::new(
            "gmtime",
            "($module, seconds=None, /)",
            |th, a| calendar::broken_down(th, a.some(0), true),
            "Convert seconds since the Epoch to a time tuple expressing UTC.",
        ),
        NativeDef::new(
            "localtime",
            "($module, seconds=None, /)",
            |th, a| calendar::broken_down(th, a.some(0), false),
            "Convert seconds since the Epoch to a time tuple expressing local time.",
        ),
        NativeDef::new(
            "mktime",
            "($module, tuple, /)",
            calendar::mktime,
            "Convert a time tuple in local time to seconds since the Epoch.",
        ),
        NativeDef::new(
            "asctime",
            "($module, tuple=None, /)",
            format::asctime,
            "Convert a time tuple to a string.",
        ),
        NativeDef::new(
            "ctime",
            "($module, seconds=None, /)",
            format::ctime,
            "Convert a time in seconds since the Epoch to a string in local time.",
        ),
        NativeDef::new(
            "strftime",
            "($module, format, tuple=None, /)",
            format::strftime,
            "Convert a time tuple to a string according to a format specification.",
        ),
        NativeDef::new(
            "strptime",
            "($module, string, format='%a %b %d %H:%M:%S %Y', /)",
            strptime,
            "Parse a string to a time tuple according to a format specification.",
        ),
        NativeDef::new("tzset", "($module, /)", tzset, "Initialize, or reinitialize, the local timezone."),
    ],
    types: &[],
    setup: Some(setup),
};

fn setup(th: &mut Thread, m: Borrowed<'_>) -> PyResult<()> {
    add_libc!(th, m;
        CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
        CLOCK_BOOTTIME, CLOCK_TAI,
    );
    let ty = calendar::struct_time(th)?.as_value().to_owned();
    m.add(th, "struct_time", ty)?;
    m.add_int(th, "_STRUCT_TM_ITEMS", 11)?;
    calendar::set_zone(th, m)
}

/// A clock's reading in nanoseconds.
fn read_clock(th: &mut Thread, id: i32) -> PyResult<i64> {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a whole structure.
    if unsafe { libc::clock_gettime(id, &mut t) } < 0 {
        return Err(support::last_os_error(th));
    }
    Ok(t.tv_sec.saturating_mul(1_000_000_000).saturating_add(t.tv_nsec))
}

fn float_of(th: &mut Thread, id: i32) -> PyResult {
    let ns = read_clock(th, id)?;
    Ok(th.new_float(seconds_of(ns)))
}

/// Nanoseconds as seconds, rounded once.
fn seconds_of(ns: i64) -> f64 {
    const BILLION: i64 = 1_000_000_000;
    if ns % BILLION == 0 { (ns / BILLION) as f64 } else { ns as f64 / 1e9 }
}

fn int_of(th: &mut Thread, id: i32) -> PyResult {
    let ns = read_clock(th, id)?;
    Ok(th.new_int(ns))
}

/// A duration or point of time as nanoseconds. Errors: TypeError; ValueError for NaN; OverflowError.
pub(crate) fn nanoseconds(th: &mut Thread, v: Borrowed<'_>) -> PyResult<i64> {
    if let Some(f) = v.as_float() {
        if f.is_nan() {
            return Err(th.value_error("Invalid value NaN (not a number)"));
        }
        let ns = (f * 1e9).ceil();
        if !(-9.223_372_036_854_775e18..=9.223_372_036_854_775e18).contains(&ns) {
            return Err(th.overflow_error("timestamp out of range for platform time_t"));
        }
        return Ok(ns as i64);
    }
    let i = v.index(th)?;
    let seconds = match i.borrow().as_int() {
        Some(IntRef::Small(s)) => s.checked_mul(1_000_000_000),
        _ => None,
    };
    match seconds {
        Some(ns) => Ok(ns),
        None => Err(th.overflow_error("timestamp too large to convert to C PyTime_t")),
    }
}

fn set_clock(th: &mut Thread, id: Borrowed<'_>, ns: i64) -> PyResult {
    let id = support::c_int(th, id)?;
    let t = libc::timespec { tv_sec: ns.div_euclid(1_000_000_000), tv_nsec: ns.rem_euclid(1_000_000_000) };
    // SAFETY: a whole structure.
    if unsafe { libc::clock_settime(id, &t) } < 0 {
        return Err(support::last_os_error(th));
    }
    Ok(Owned::none())
}

fn clock_settime(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let ns = nanoseconds(th, a[1])?;
    set_clock(th, a[0], ns)
}

fn clock_settime_ns(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let ns = a[1].to_i64(th)?;
    set_clock(th, a[0], ns)
}

fn resolution(th: &mut Thread, id: i32) -> PyResult<f64> {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a whole structure.
    if unsafe { libc::clock_getres(id, &mut t) } < 0 {
        return Err(support::last_os_error(th));
    }
    Ok(t.tv_sec as f64 + t.tv_nsec as f64 / 1e9)
}

fn clock_getres(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let id = support::c_int(th, a[0])?;
    let r = resolution(th, id)?;
    Ok(th.new_float(r))
}

fn get_clock_info(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let name = a[0].expect_str(th, "get_clock_info() argument")?.to_text();
    let (id, shown, monotonic, adjustable) = match name.as_str() {
        "time" => (libc::CLOCK_REALTIME, "clock_gettime(CLOCK_REALTIME)", false, true),
        "monotonic" | "perf_counter" => {
            (libc::CLOCK_MONOTONIC, "clock_gettime(CLOCK_MONOTONIC)", true, false)
        }
        "process_time" => {
            (libc::CLOCK_PROCESS_CPUTIME_ID, "clock_gettime(CLOCK_PROCESS_CPUTIME_ID)", true, false)
        }
        "thread_time" => {
            (libc::CLOCK_THREAD_CPUTIME_ID, "clock_gettime(CLOCK_THREAD_CPUTIME_ID)", true, false)
        }
        _ => return Err(th.value_error("unknown clock")),
    };
    let class = support::import_attr(th, "types", "SimpleNamespace")?;
    let resolution = resolution(th, id)?;
    let info = class.borrow().call(th, &[])?;
    for (key, value) in [
        ("implementation", th.new_str(shown)),
        ("monotonic", Owned::bool(monotonic)),
        ("adjustable", Owned::bool(adjustable)),
        ("resolution", th.new_float(resolution)),
    ] {
        let key = th.intern(key);
        info.borrow().setattr(th, key.borrow(), Some(value.borrow()))?;
    }
    Ok(info)
}

fn sleep(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let ns = nanoseconds(th, a[0])?;
    if ns < 0 {
        return Err(th.value_error("sleep length must be non-negative"));
    }
    let deadline = Instant::now().checked_add(Duration::from_nanos(ns as u64));
    loop {
        let left =
            deadline.map_or(Duration::from_secs(1 << 30), |d| d.saturating_duration_since(Instant::now()));
        let t = libc::timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
        // SAFETY: a whole structure.
        let r = support::blocking(th, || unsafe {
            libc::clock_nanosleep(libc::CLOCK_MONOTONIC, 0, &t, core::ptr::null_mut())
        });
        match r {
            0 => return Ok(Owned::none()),
            libc::EINTR => support::check_signals(th)?,
            e => return Err(support::os_error(th, e)),
        }
    }
}

fn strptime(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let f = support::import_attr(th, "_strptime", "_strptime_time")?;
    f.borrow().call(th, a.split(|v| v.is_null()).next().unwrap_or(a))
}

fn tzset(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    // The C library reads `TZ` from the environment when it is told to.
    calendar::forget_zone();
    let m = support::import(th, "time")?;
    calendar::set_zone(th, m.borrow())?;
    Ok(Owned::none())
}

/// Raises `OverflowError: timestamp out of range for platform time_t`.
#[cold]
fn out_of_range(th: &mut Thread) -> typhon_core::Raised {
    th.raise(&ex::OVERFLOW_ERROR, "timestamp out of range for platform time_t")
}
