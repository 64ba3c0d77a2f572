//! `resource`: limits and usage of a process.

use typhon_core::builtins::struct_sequence::{self, StructSequence};
use typhon_core::{ArgsExt, Borrowed, ModuleDef, NativeDef, Owned, PyResult, Thread, Type};

use crate::add_libc;
use crate::support::{self, ModuleExt, c_int};

pub static MODULE: ModuleDef = ModuleDef {
    name: "resource",
    doc: "Limits and usage of system resources.",
    functions: &[
        NativeDef::new(
            "getrusage",
            "($module, who, /)",
            getrusage,
            "Resource usage of a process, its children or a thread.",
        ),
        NativeDef::new(
            "getrlimit",
            "($module, resource, /)",
            |th, a| limit(th, 0, a[0], None),
            "Soft and hard limit of a resource.",
        ),
        NativeDef::new(
            "setrlimit",
            "($module, resource, limits, /)",
            |th, a| {
                limit(th, 0, a[0], Some(a[1]))?;
                Ok(Owned::none())
            },
            "Set the limits of a resource.",
        ),
        NativeDef::new(
            "prlimit",
            "($module, pid, resource, limits=None, /)",
            |th, a| {
                let pid = c_int(th, a[0])?;
                limit(th, pid, a[1], a.some(2))
            },
            "Get or set the limits of another process.",
        ),
        NativeDef::new("getpagesize", "($module, /)", getpagesize, "Bytes of a page."),
    ],
    types: &[],
    setup: Some(setup),
};

static RUSAGE: StructSequence = StructSequence {
    name: "resource.struct_rusage",
    doc: "struct_rusage: Result from getrusage.",
    fields: &[
        "ru_utime",
        "ru_stime",
        "ru_maxrss",
        "ru_ixrss",
        "ru_idrss",
        "ru_isrss",
        "ru_minflt",
        "ru_majflt",
        "ru_nswap",
        "ru_inblock",
        "ru_oublock",
        "ru_msgsnd",
        "ru_msgrcv",
        "ru_nsignals",
        "ru_nvcsw",
        "ru_nivcsw",
    ],
    n_visible: 16,
    constructible: true,
};

fn rusage_type(th: &mut Thread) -> PyResult<&'static Type> {
    struct_sequence::register(th, &RUSAGE)
}

fn setup(th: &mut Thread, m: Borrowed<'_>) -> PyResult<()> {
    add_libc!(th, m;
        RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE, RLIMIT_NOFILE, RLIMIT_AS, RLIMIT_RSS,
        RLIMIT_NPROC, RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE, RLIMIT_NICE, RLIMIT_RTPRIO, RLIMIT_RTTIME,
        RLIMIT_SIGPENDING, RUSAGE_SELF, RUSAGE_CHILDREN, RUSAGE_THREAD,
    );
    m.add_int(th, "RLIMIT_OFILE", i64::from(libc::RLIMIT_NOFILE))?;
    m.add_int(th, "RLIM_INFINITY", -1)?;
    let ty = rusage_type(th)?.as_value().to_owned();
    m.add(th, "struct_rusage", ty)?;
    let error = support::builtin(th, "OSError");
    m.add(th, "error", error)
}

/// A `struct_rusage` of what the system said.
pub fn from_rusage(th: &mut Thread, r: &libc::rusage) -> PyResult {
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 * 1e-6;
    let mut fields = vec![th.new_float(seconds(r.ru_utime)), th.new_float(seconds(r.ru_stime))];
    for v in [
        r.ru_maxrss,
        r.ru_ixrss,
        r.ru_idrss,
        r.ru_isrss,
        r.ru_minflt,
        r.ru_majflt,
        r.ru_nswap,
        r.ru_inblock,
        r.ru_oublock,
        r.ru_msgsnd,
        r.ru_msgrcv,
        r.ru_nsignals,
        r.ru_nvcsw,
        r.ru_nivcsw,
    ] {
        fields.push(th.new_int(v));
    }
    let ty = rusage_type(th)?;
    Ok(struct_sequence::new_instance(th, ty, fields))
}

fn getrusage(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let who = c_int(th, a[0])?;
    // SAFETY: a whole structure that the call fills.
    let (r, usage) = unsafe {
        let mut u: libc::rusage = core::mem::zeroed();
        (libc::getrusage(who, &mut u), u)
    };
    if r < 0 {
        if support::errno() == libc::EINVAL {
            return Err(th.value_error("invalid who parameter"));
        }
        return Err(support::last_os_error(th));
    }
    from_rusage(th, &usage)
}

fn number(th: &mut Thread, v: libc::rlim_t) -> Owned {
    if v == libc::RLIM_INFINITY { th.new_int(-1) } else { th.new_uint(v) }
}

fn limit(th: &mut Thread, pid: i32, resource: Borrowed<'_>, new: Option<Borrowed<'_>>) -> PyResult {
    let resource = c_int(th, resource)?;
    let new = match new {
        Some(v) => {
            let items = v.to_vec(th)?;
            let [soft, hard] = items.as_slice() else {
                return Err(th.value_error("expected a tuple of 2 integers"));
            };
            let (soft, hard) = (soft.borrow().to_i64(th)?, hard.borrow().to_i64(th)?);
            Some(libc::rlimit { rlim_cur: soft as libc::rlim_t, rlim_max: hard as libc::rlim_t })
        }
        None => None,
    };
    // SAFETY: whole structures, or null.
    let (r, e, old) = unsafe {
        let mut old: libc::rlimit = core::mem::zeroed();
        let p = new.as_ref().map_or(core::ptr::null(), |n| n as *const libc::rlimit);
        let r = libc::prlimit(pid, resource as _, p.cast(), (&raw mut old).cast());
        (r, support::errno(), old)
    };
    if r < 0 {
        if e == libc::EINVAL {
            return Err(th.value_error("invalid resource specified"));
        }
        return Err(support::os_error(th, e));
    }
    let items = vec![number(th, old.rlim_cur), number(th, old.rlim_max)];
    Ok(th.new_tuple(items))
}

fn getpagesize(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    // SAFETY: a plain call.
    let n = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    Ok(th.new_int(n))
}
