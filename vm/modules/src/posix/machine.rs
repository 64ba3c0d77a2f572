//! The machine: names, limits, times, load, random bytes.

use std::ffi::CStr;

use typhon_core::builtins::str::Str;
use typhon_core::builtins::struct_sequence::{self, StructSequence};
use typhon_core::{ArgsExt, Borrowed, NativeDef, PyResult, Thread, Type};

use super::constants;
use crate::support::{self, c_int, c_int_or, check_signals, errno, os_error};

pub const FUNCTIONS: &[NativeDef] = &[
    NativeDef::new(
        "uname",
        "($module, /)",
        uname,
        "Return an object identifying the current operating system.",
    ),
    NativeDef::new(
        "times",
        "($module, /)",
        times,
        "Return a collection containing process timing information.",
    ),
    NativeDef::new(
        "sysconf",
        "($module, name, /)",
        sysconf,
        "Return an integer-valued system configuration variable.",
    ),
    NativeDef::new(
        "confstr",
        "($module, name, /)",
        confstr,
        "Return a string-valued system configuration variable.",
    ),
    NativeDef::new(
        "getloadavg",
        "($module, /)",
        getloadavg,
        "Return average recent system load information.",
    ),
    NativeDef::new(
        "urandom",
        "($module, size, /)",
        urandom,
        "Return a bytes object containing random bytes suitable for cryptographic use.",
    ),
    NativeDef::new("getrandom", "($module, /, size, flags=0)", getrandom, "Obtain a series of random bytes."),
    NativeDef::new(
        "cpu_count",
        "($module, /)",
        cpu_count,
        "Return the number of logical CPUs in the system.",
    ),
];

static UNAME_RESULT: StructSequence = StructSequence {
    name: "posix.uname_result",
    doc: "uname_result: Result from os.uname().",
    fields: &["sysname", "nodename", "release", "version", "machine"],
    n_visible: 5,
    constructible: true,
};

static TIMES_RESULT: StructSequence = StructSequence {
    name: "posix.times_result",
    doc: "times_result: Result from os.times().",
    fields: &["user", "system", "children_user", "children_system", "elapsed"],
    n_visible: 5,
    constructible: true,
};

pub fn uname_result(th: &mut Thread) -> PyResult<&'static Type> {
    struct_sequence::register(th, &UNAME_RESULT)
}

pub fn times_result(th: &mut Thread) -> PyResult<&'static Type> {
    struct_sequence::register(th, &TIMES_RESULT)
}

fn uname(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    // SAFETY: all-zero is a valid utsname, which the call fills with C strings.
    let u = unsafe {
        let mut u: libc::utsname = core::mem::zeroed();
        if libc::uname(&mut u) < 0 {
            return Err(support::last_os_error(th));
        }
        u
    };
    let fields = [&u.sysname, &u.nodename, &u.release, &u.version, &u.machine];
    let fields = fields
        .into_iter()
        // SAFETY: NUL-terminated inside the array.
        .map(|f| support::fs_str(th, unsafe { CStr::from_ptr(f.as_ptr()) }.to_bytes()))
        .collect();
    let ty = uname_result(th)?;
    Ok(struct_sequence::new_instance(th, ty, fields))
}

fn times(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    // SAFETY: a whole structure.
    let (elapsed, t, hz) = unsafe {
        let mut t: libc::tms = core::mem::zeroed();
        (libc::times(&mut t), t, libc::sysconf(libc::_SC_CLK_TCK).max(1))
    };
    let seconds = |n: i64| n as f64 / hz as f64;
    let fields = [t.tms_utime, t.tms_stime, t.tms_cutime, t.tms_cstime, elapsed];
    let fields = fields.iter().map(|&n| th.new_float(seconds(n))).collect();
    let ty = times_result(th)?;
    Ok(struct_sequence::new_instance(th, ty, fields))
}

/// A configuration variable by name or number. Errors: TypeError; ValueError for unknown names.
pub fn configuration_name(th: &mut Thread, v: Borrowed<'_>, table: &[(&str, i32)]) -> PyResult<i32> {
    if typhon_core::number::is_index(v) {
        return c_int(th, v);
    }
    let Some(s) = v.downcast::<Str>() else {
        return Err(th.type_error("configuration names must be strings or integers"));
    };
    let name = s.to_text();
    match table.iter().find(|(n, _)| *n == name) {
        Some((_, value)) => Ok(*value),
        None => Err(th.value_error("unrecognized configuration name")),
    }
}

fn sysconf(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let name = configuration_name(th, a[0], constants::SYSCONF)?;
    // SAFETY: `errno` tells a limit that does not exist from an error.
    let (r, e) = unsafe {
        *libc::__errno_location() = 0;
        (libc::sysconf(name), errno())
    };
    if r == -1 && e != 0 {
        return Err(os_error(th, e));
    }
    Ok(th.new_int(r))
}

fn confstr(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let name = configuration_name(th, a[0], constants::CONFSTR)?;
    let mut buffer = vec![0u8; 4096];
    // SAFETY: a buffer of that length; `errno` as in `sysconf`.
    let (n, e) = unsafe {
        *libc::__errno_location() = 0;
        (libc::confstr(name, buffer.as_mut_ptr().cast(), buffer.len()), errno())
    };
    if n == 0 {
        return if e != 0 { Err(os_error(th, e)) } else { Ok(typhon_core::Owned::none()) };
    }
    Ok(support::fs_str(th, &buffer[..n.min(buffer.len()) - 1]))
}

fn getloadavg(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    let mut loads = [0f64; 3];
    // SAFETY: room for three.
    if unsafe { libc::getloadavg(loads.as_mut_ptr(), 3) } != 3 {
        return Err(super::super::io::base::os_like(th, "Load averages are unobtainable"));
    }
    let items = loads.iter().map(|&l| th.new_float(l)).collect();
    Ok(th.new_tuple(items))
}

fn random_bytes(th: &mut Thread, n: usize, flags: u32, all: bool) -> PyResult<Vec<u8>> {
    th.check_size(n)?;
    let mut out = vec![0u8; n];
    let mut done = 0;
    while done < n {
        // SAFETY: the rest of the buffer.
        let r = unsafe { libc::getrandom(out[done..].as_mut_ptr().cast(), (n - done).min(1 << 20), flags) };
        if r < 0 {
            match errno() {
                libc::EINTR => check_signals(th)?,
                e => return Err(os_error(th, e)),
            }
            continue;
        }
        done += r as usize;
        if !all {
            break;
        }
    }
    out.truncate(done);
    Ok(out)
}

fn urandom(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = a[0].to_isize(th)?;
    if n < 0 {
        return Err(th.value_error("negative argument not allowed"));
    }
    let out = random_bytes(th, n as usize, 0, true)?;
    Ok(th.new_bytes(&out))
}

fn getrandom(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = a[0].to_isize(th)?;
    if n < 0 {
        return Err(os_error(th, libc::EINVAL));
    }
    let flags = c_int_or(th, a.opt(1), 0)?;
    let out = random_bytes(th, n as usize, flags as u32, false)?;
    Ok(th.new_bytes(&out))
}

fn cpu_count(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    let forced =
        th.rt.config.x_options.iter().rev().find(|(k, _)| k == "cpu_count").and_then(|(_, v)| v.clone());
    if let Some(n) = forced.and_then(|v| v.parse::<i64>().ok()).filter(|&n| n > 0) {
        return Ok(th.new_int(n));
    }
    // SAFETY: a plain call.
    let n = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
    Ok(if n > 0 { th.new_int(n) } else { typhon_core::Owned::none() })
}
