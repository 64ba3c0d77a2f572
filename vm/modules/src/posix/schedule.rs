//! Scheduling: priorities, policies, processors.

use typhon_core::builtins::struct_sequence::{self, StructSequence};
use typhon_core::builtins::tuple::Tuple;
use typhon_core::{Borrowed, NativeDef, Owned, PyResult, Thread, Type};

use super::plain;
use crate::support::{self, c_int, errno, os_error};

pub const FUNCTIONS: &[NativeDef] = &[
    NativeDef::new(
        "nice",
        "($module, increment, /)",
        nice,
        "Add increment to the priority of process and return the new priority.",
    ),
    NativeDef::new(
        "getpriority",
        "($module, /, which, who)",
        getpriority,
        "Return program scheduling priority.",
    ),
    NativeDef::new(
        "setpriority",
        "($module, /, which, who, priority)",
        setpriority,
        "Set program scheduling priority.",
    ),
    NativeDef::new("sched_yield", "($module, /)", sched_yield, "Voluntarily relinquish the CPU."),
    NativeDef::new(
        "sched_get_priority_max",
        "($module, /, policy)",
        |th, a| priority_limit(th, a, true),
        "Get the maximum scheduling priority for policy.",
    ),
    NativeDef::new(
        "sched_get_priority_min",
        "($module, /, policy)",
        |th, a| priority_limit(th, a, false),
        "Get the minimum scheduling priority for policy.",
    ),
    NativeDef::new(
        "sched_getscheduler",
        "($module, pid, /)",
        sched_getscheduler,
        "Get the scheduling policy for the process identified by pid.",
    ),
    NativeDef::new(
        "sched_setscheduler",
        "($module, pid, policy, param, /)",
        sched_setscheduler,
        "Set the scheduling policy for the process identified by pid.",
    ),
    NativeDef::new(
        "sched_getparam",
        "($module, pid, /)",
        sched_getparam,
        "Returns scheduling parameters for the process identified by pid.",
    ),
    NativeDef::new(
        "sched_setparam",
        "($module, pid, param, /)",
        sched_setparam,
        "Set scheduling parameters for the process identified by pid.",
    ),
    NativeDef::new(
        "sched_rr_get_interval",
        "($module, pid, /)",
        sched_rr_get_interval,
        "Return the round-robin quantum for the process identified by pid, in seconds.",
    ),
    NativeDef::new(
        "sched_getaffinity",
        "($module, pid, /)",
        sched_getaffinity,
        "Return the affinity of the process identified by pid.",
    ),
    NativeDef::new(
        "sched_setaffinity",
        "($module, pid, mask, /)",
        sched_setaffinity,
        "Set the CPU affinity of the process identified by pid to mask.",
    ),
];

static SCHED_PARAM: StructSequence = StructSequence {
    name: "posix.sched_param",
    doc: "sched_param(sched_priority): A scheduling parameter.",
    fields: &["sched_priority"],
    n_visible: 1,
    constructible: true,
};

pub fn sched_param(th: &mut Thread) -> PyResult<&'static Type> {
    struct_sequence::register(th, &SCHED_PARAM)
}

fn nice(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = c_int(th, a[0])?;
    // SAFETY: `errno` tells the value -1 from an error.
    let (r, e) = unsafe {
        *libc::__errno_location() = 0;
        (libc::nice(n), errno())
    };
    if r == -1 && e != 0 { Err(os_error(th, e)) } else { Ok(th.new_int(i64::from(r))) }
}

fn getpriority(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (which, who) = (c_int(th, a[0])?, c_int(th, a[1])?);
    // SAFETY: as in `nice`.
    let (r, e) = unsafe {
        *libc::__errno_location() = 0;
        (libc::getpriority(which as _, who as libc::id_t), errno())
    };
    if r == -1 && e != 0 { Err(os_error(th, e)) } else { Ok(th.new_int(i64::from(r))) }
}

fn setpriority(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (which, who, n) = (c_int(th, a[0])?, c_int(th, a[1])?, c_int(th, a[2])?);
    // SAFETY: a plain system call.
    plain(th, || unsafe { libc::setpriority(which as _, who as libc::id_t, n) })?;
    Ok(Owned::none())
}

fn sched_yield(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    // SAFETY: a plain system call.
    plain(th, || unsafe { libc::sched_yield() })?;
    Ok(Owned::none())
}

fn priority_limit(th: &mut Thread, a: &[Borrowed<'_>], max: bool) -> PyResult {
    let policy = c_int(th, a[0])?;
    // SAFETY: a plain system call.
    let r = plain(th, || unsafe {
        if max { libc::sched_get_priority_max(policy) } else { libc::sched_get_priority_min(policy) }
    })?;
    Ok(th.new_int(i64::from(r)))
}

fn sched_getscheduler(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let pid = c_int(th, a[0])?;
    // SAFETY: a plain system call.
    let r = plain(th, || unsafe { libc::sched_getscheduler(pid) })?;
    Ok(th.new_int(i64::from(r)))
}

fn param(th: &mut Thread, v: Borrowed<'_>) -> PyResult<libc::sched_param> {
    let ty = sched_param(th)?;
    let Some(t) = v.downcast::<Tuple>().filter(|_| core::ptr::eq(v.ty(), ty)) else {
        return Err(th.type_error("must have a sched_param object"));
    };
    let priority = c_int(th, t.get(0))?;
    // SAFETY: all-zero is a valid sched_param.
    let mut p: libc::sched_param = unsafe { core::mem::zeroed() };
    p.sched_priority = priority;
    Ok(p)
}

fn sched_setscheduler(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (pid, policy, p) = (c_int(th, a[0])?, c_int(th, a[1])?, param(th, a[2])?);
    // SAFETY: a whole structure.
    plain(th, || unsafe { libc::sched_setscheduler(pid, policy, &p) })?;
    Ok(Owned::none())
}

fn sched_getparam(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let pid = c_int(th, a[0])?;
    // SAFETY: a whole structure that the call fills.
    let (r, p) = unsafe {
        let mut p: libc::sched_param = core::mem::zeroed();
        (libc::sched_getparam(pid, &mut p), p)
    };
    if r < 0 {
        return Err(support::last_os_error(th));
    }
    let ty = sched_param(th)?;
    let fields = vec![th.new_int(i64::from(p.sched_priority))];
    Ok(struct_sequence::new_instance(th, ty, fields))
}

fn sched_setparam(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (pid, p) = (c_int(th, a[0])?, param(th, a[1])?);
    // SAFETY: a whole structure.
    plain(th, || unsafe { libc::sched_setparam(pid, &p) })?;
    Ok(Owned::none())
}

fn sched_rr_get_interval(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let pid = c_int(th, a[0])?;
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a whole structure.
    if unsafe { libc::sched_rr_get_interval(pid, &mut t) } < 0 {
        return Err(support::last_os_error(th));
    }
    Ok(th.new_float(t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9))
}

/// Processors that a mask can name.
const MAX_CPUS: usize = libc::CPU_SETSIZE as usize;

fn sched_getaffinity(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let pid = c_int(th, a[0])?;
    // SAFETY: a whole set that the call fills.
    let (r, set) = unsafe {
        let mut set: libc::cpu_set_t = core::mem::zeroed();
        (libc::sched_getaffinity(pid, size_of::<libc::cpu_set_t>(), &mut set), set)
    };
    if r < 0 {
        return Err(support::last_os_error(th));
    }
    let mut items = Vec::new();
    for i in 0..MAX_CPUS {
        // SAFETY: within the set.
        if unsafe { libc::CPU_ISSET(i, &set) } {
            items.push(th.new_int(i as i64));
        }
    }
    let items: Vec<Borrowed<'_>> = items.iter().map(Owned::borrow).collect();
    th.new_set_of(&items)
}

fn sched_setaffinity(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let pid = c_int(th, a[0])?;
    // SAFETY: all-zero is the empty set.
    let mut set: libc::cpu_set_t = unsafe { core::mem::zeroed() };
    for item in a[1].to_vec(th)? {
        let n = item.borrow().to_i64(th)?;
        if n < 0 {
            return Err(th.value_error("negative CPU number"));
        }
        if n as usize >= MAX_CPUS {
            return Err(th.overflow_error("CPU number too large"));
        }
        // SAFETY: within the set.
        unsafe { libc::CPU_SET(n as usize, &mut set) };
    }
    // SAFETY: a whole set.
    plain(th, || unsafe { libc::sched_setaffinity(pid, size_of::<libc::cpu_set_t>(), &set) })?;
    Ok(Owned::none())
}
