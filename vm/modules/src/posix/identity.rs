//! Who we are: processes, users, groups, sessions.

use std::ffi::CStr;

use typhon_core::{Borrowed, NativeDef, Owned, PyResult, Thread};

use super::{c_string, plain};
use crate::support::{self, c_id, c_int};

pub const FUNCTIONS: &[NativeDef] = &[
    NativeDef::new("getpid", "($module, /)", getpid, "Return the current process id."),
    NativeDef::new("getppid", "($module, /)", getppid, "Return the parent's process id."),
    NativeDef::new("getuid", "($module, /)", getuid, "Return the current process's user id."),
    NativeDef::new("geteuid", "($module, /)", geteuid, "Return the current process's effective user id."),
    NativeDef::new("getgid", "($module, /)", getgid, "Return the current process's group id."),
    NativeDef::new("getegid", "($module, /)", getegid, "Return the current process's effective group id."),
    NativeDef::new("getpgrp", "($module, /)", getpgrp, "Return the current process group id."),
    NativeDef::new(
        "getpgid",
        "($module, /, pid)",
        getpgid,
        "Call the system call getpgid(), and return the result.",
    ),
    NativeDef::new(
        "getsid",
        "($module, pid, /)",
        getsid,
        "Call the system call getsid(pid) and return the result.",
    ),
    NativeDef::new("setsid", "($module, /)", setsid, "Call the system call setsid()."),
    NativeDef::new(
        "setpgrp",
        "($module, /)",
        setpgrp,
        "Make the current process the leader of its process group.",
    ),
    NativeDef::new("setpgid", "($module, pid, pgrp, /)", setpgid, "Call the system call setpgid(pid, pgrp)."),
    NativeDef::new("setuid", "($module, uid, /)", setuid, "Set the current process's user id."),
    NativeDef::new("seteuid", "($module, euid, /)", seteuid, "Set the current process's effective user id."),
    NativeDef::new("setgid", "($module, gid, /)", setgid, "Set the current process's group id."),
    NativeDef::new("setegid", "($module, egid, /)", setegid, "Set the current process's effective group id."),
    NativeDef::new(
        "setreuid",
        "($module, ruid, euid, /)",
        setreuid,
        "Set the current process's real and effective user ids.",
    ),
    NativeDef::new(
        "setregid",
        "($module, rgid, egid, /)",
        setregid,
        "Set the current process's real and effective group ids.",
    ),
    NativeDef::new(
        "setresuid",
        "($module, ruid, euid, suid, /)",
        setresuid,
        "Set the current process's real, effective, and saved user ids.",
    ),
    NativeDef::new(
        "setresgid",
        "($module, rgid, egid, sgid, /)",
        setresgid,
        "Set the current process's real, effective, and saved group ids.",
    ),
    NativeDef::new(
        "getresuid",
        "($module, /)",
        getresuid,
        "Return a tuple of the current process's real, effective, and saved user ids.",
    ),
    NativeDef::new(
        "getresgid",
        "($module, /)",
        getresgid,
        "Return a tuple of the current process's real, effective, and saved group ids.",
    ),
    NativeDef::new(
        "getgroups",
        "($module, /)",
        getgroups,
        "Return list of supplemental group IDs for the process.",
    ),
    NativeDef::new(
        "setgroups",
        "($module, groups, /)",
        setgroups,
        "Set the groups of the current process to list.",
    ),
    NativeDef::new(
        "getgrouplist",
        "($module, user, group, /)",
        getgrouplist,
        "Returns a list of groups to which a user belongs.",
    ),
    NativeDef::new(
        "initgroups",
        "($module, username, gid, /)",
        initgroups,
        "Initialize the group access list.",
    ),
    NativeDef::new("getlogin", "($module, /)", getlogin, "Return the actual login name."),
];

/// Functions that read one number and cannot fail.
macro_rules! readers {
    ($($name:ident),* $(,)?) => { $(
        fn $name(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
            // SAFETY: a plain system call that cannot fail.
            let v = unsafe { libc::$name() };
            Ok(th.new_int(i64::from(v)))
        }
    )* };
}
readers!(getpid, getppid, getuid, geteuid, getgid, getegid, getpgrp);

/// Functions that set ids.
macro_rules! setters {
    ($($name:ident($($what:literal),*)),* $(,)?) => { $(
        fn $name(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
            let mut ids = [0u32; 3];
            for (i, what) in [$($what),*].into_iter().enumerate() {
                ids[i] = c_id(th, a[i], what)?;
            }
            setters!(@call th $name ids $($what),*);
            Ok(Owned::none())
        }
    )* };
    (@call $th:ident $name:ident $ids:ident $a:literal) => {
        // SAFETY: a plain system call.
        plain($th, || unsafe { libc::$name($ids[0]) })?
    };
    (@call $th:ident $name:ident $ids:ident $a:literal, $b:literal) => {
        // SAFETY: a plain system call.
        plain($th, || unsafe { libc::$name($ids[0], $ids[1]) })?
    };
    (@call $th:ident $name:ident $ids:ident $a:literal, $b:literal, $c:literal) => {
        // SAFETY: a plain system call.
        plain($th, || unsafe { libc::$name($ids[0], $ids[1], $ids[2]) })?
    };
}
setters!(
    setuid("uid"),
    seteuid("euid"),
    setgid("gid"),
    setegid("egid"),
    setreuid("ruid", "euid"),
    setregid("rgid", "egid"),
    setresuid("ruid", "euid", "suid"),
    setresgid("rgid", "egid", "sgid"),
);

fn getpgid(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let pid = c_int(th, a[0])?;
    // SAFETY: a plain system call.
    let v = plain(th, || unsafe { libc::getpgid(pid) })?;
    Ok(th.new_int(i64::from(v)))
}

fn getsid(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let pid = c_int(th, a[0])?;
    // SAFETY: a plain system call.
    let v = plain(th, || unsafe { libc::getsid(pid) })?;
    Ok(th.new_int(i64::from(v)))
}

fn setsid(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    // SAFETY: a plain system call.
    plain(th, || unsafe { libc::setsid() })?;
    Ok(Owned::none())
}

fn setpgrp(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    // SAFETY: a plain system call.
    plain(th, || unsafe { libc::setpgid(0, 0) })?;
    Ok(Owned::none())
}

fn setpgid(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (pid, group) = (c_int(th, a[0])?, c_int(th, a[1])?);
    // SAFETY: a plain system call.
    plain(th, || unsafe { libc::setpgid(pid, group) })?;
    Ok(Owned::none())
}

fn three(th: &mut Thread, r: i32, ids: [u32; 3]) -> PyResult {
    if r < 0 {
        return Err(support::last_os_error(th));
    }
    Ok(support::int_tuple(th, &ids.map(i64::from)))
}

fn getresuid(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    let [mut a, mut b, mut c] = [0; 3];
    // SAFETY: room for three ids.
    let r = unsafe { libc::getresuid(&mut a, &mut b, &mut c) };
    three(th, r, [a, b, c])
}

fn getresgid(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    let [mut a, mut b, mut c] = [0; 3];
    // SAFETY: room for three ids.
    let r = unsafe { libc::getresgid(&mut a, &mut b, &mut c) };
    three(th, r, [a, b, c])
}

fn id_list(th: &mut Thread, ids: &[u32]) -> Owned {
    let items = ids.iter().map(|&g| th.new_int(i64::from(g))).collect();
    th.new_list(items)
}

fn getgroups(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    // SAFETY: asks for the number, then fills a list of that length.
    let groups = unsafe {
        let n = libc::getgroups(0, core::ptr::null_mut());
        let mut groups = vec![0; n.max(0) as usize];
        let got = libc::getgroups(n.max(0), groups.as_mut_ptr());
        if n < 0 || got < 0 {
            None
        } else {
            groups.truncate(got as usize);
            Some(groups)
        }
    };
    match groups {
        Some(g) => Ok(id_list(th, &g)),
        None => Err(support::last_os_error(th)),
    }
}

fn setgroups(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let mut groups = Vec::new();
    for item in a[0].to_vec(th)? {
        groups.push(c_id(th, item.borrow(), "gid")?);
    }
    // SAFETY: a list of that length.
    if unsafe { libc::setgroups(groups.len(), groups.as_ptr()) } < 0 {
        return Err(support::last_os_error(th));
    }
    Ok(Owned::none())
}

fn getgrouplist(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (user, group) = (c_string(th, a[0])?, c_id(th, a[1], "gid")?);
    let mut n = 64;
    loop {
        let mut groups = vec![0; n as usize];
        // SAFETY: a C string, and a list of `n` ids.
        let r = unsafe { libc::getgrouplist(user.as_ptr(), group, groups.as_mut_ptr(), &mut n) };
        if r >= 0 {
            groups.truncate(n.max(0) as usize);
            return Ok(id_list(th, &groups));
        }
        if n > 1 << 20 {
            return Err(support::last_os_error(th));
        }
        n = n.max(groups.len() as i32 * 2);
    }
}

fn initgroups(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (user, group) = (c_string(th, a[0])?, c_id(th, a[1], "gid")?);
    // SAFETY: a C string that lives for the call.
    if unsafe { libc::initgroups(user.as_ptr(), group) } < 0 {
        return Err(support::last_os_error(th));
    }
    Ok(Owned::none())
}

fn getlogin(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    // SAFETY: a C string of the C library, or null; copied before anybody else asks.
    let name = unsafe {
        let p = libc::getlogin();
        if p.is_null() { None } else { Some(CStr::from_ptr(p).to_bytes().to_vec()) }
    };
    match name {
        Some(n) => Ok(support::fs_str(th, &n)),
        None => Err(support::last_os_error(th)),
    }
}
