//! `pwd` and `grp`: the databases of users and groups. Look-ups use the C library's functions for threads; walking
//! through all entries is one stream of the process, so one thread does it at a time.

use std::ffi::{CStr, CString};

use parking_lot::Mutex;
use typhon_core::builtins::exceptions as ex;
use typhon_core::builtins::str::Str;
use typhon_core::builtins::struct_sequence::{self, StructSequence};
use typhon_core::number::is_index;
use typhon_core::{Borrowed, ModuleDef, NativeDef, Owned, PyResult, Raised, Thread};

use crate::support::{self, ModuleExt, blocking, fs_bytes, fs_str};

pub static MODULE: ModuleDef = ModuleDef {
    name: "pwd",
    doc: "This module provides access to the Unix password database.\n\nPassword database entries are 7-tuples \
          containing the following\nitems from the password database, in order:\npw_name, pw_passwd, pw_uid, pw_gid, \
          pw_gecos, pw_dir, pw_shell.\nThe uid and gid items are integers, all others are strings. An\nexception is \
          raised if the entry asked for cannot be found.",
    functions: &[
        NativeDef::new(
            "getpwuid",
            "($module, uidobj, /)",
            getpwuid,
            "Return the password database entry for the given numeric user ID.",
        ),
        NativeDef::new(
            "getpwnam",
            "($module, name, /)",
            getpwnam,
            "Return the password database entry for the given user name.",
        ),
        NativeDef::new(
            "getpwall",
            "($module, /)",
            getpwall,
            "Return a list of all available password database entries, in arbitrary order.",
        ),
    ],
    types: &[],
    setup: Some(|th, m| {
        let ty = struct_sequence::register(th, &PASSWD)?.as_value().to_owned();
        m.add(th, "struct_passwd", ty)
    }),
};

pub static GRP_MODULE: ModuleDef = ModuleDef {
    name: "grp",
    doc: "Access to the Unix group database.\n\nGroup entries are reported as 4-tuples containing the following \
          fields\nfrom the group database, in order:\n\n  gr_name   - name of the group\n  gr_passwd - group password \
          (encrypted); often empty\n  gr_gid    - numeric ID of the group\n  gr_mem    - list of members\n\nThe gid \
          is an integer, name and password are strings.",
    functions: &[
        NativeDef::new(
            "getgrgid",
            "($module, /, id)",
            getgrgid,
            "Return the group database entry for the given numeric group ID.\n\nIf id is not valid, raise KeyError.",
        ),
        NativeDef::new(
            "getgrnam",
            "($module, /, name)",
            getgrnam,
            "Return the group database entry for the given group name.\n\nIf name is not valid, raise KeyError.",
        ),
        NativeDef::new(
            "getgrall",
            "($module, /)",
            getgrall,
            "Return a list of all available group entries, in arbitrary order.",
        ),
    ],
    types: &[],
    setup: Some(|th, m| {
        let ty = struct_sequence::register(th, &GROUP)?.as_value().to_owned();
        m.add(th, "struct_group", ty)
    }),
};

static PASSWD: StructSequence = StructSequence {
    name: "pwd.struct_passwd",
    doc: "pwd.struct_passwd: Results from getpw*() routines.\n\nThis object may be accessed either as a tuple of\n  \
          (pw_name,pw_passwd,pw_uid,pw_gid,pw_gecos,pw_dir,pw_shell)\nor via the object attributes as named in the \
          above tuple.",
    fields: &["pw_name", "pw_passwd", "pw_uid", "pw_gid", "pw_gecos", "pw_dir", "pw_shell"],
    n_visible: 7,
    constructible: true,
};

static GROUP: StructSequence = StructSequence {
    name: "grp.struct_group",
    doc: "grp.struct_group: Results from getgr*() routines.\n\nThis object may be accessed either as a tuple of\n  \
          (gr_name,gr_passwd,gr_gid,gr_mem)\nor via the object attributes as named in the above tuple.\n",
    fields: &["gr_name", "gr_passwd", "gr_gid", "gr_mem"],
    n_visible: 4,
    constructible: true,
};

/// One field, copied out of the C library's memory.
enum Field {
    Text(Vec<u8>),
    /// Null.
    Nothing,
    Id(u32),
    Names(Vec<Vec<u8>>),
}

impl Field {
    /// # Safety
    /// Null, or a C string that lives for the call.
    unsafe fn text(p: *const libc::c_char) -> Field {
        if p.is_null() {
            return Field::Nothing;
        }
        // SAFETY: by contract.
        Field::Text(unsafe { CStr::from_ptr(p) }.to_bytes().to_vec())
    }
}

type Entry = Vec<Field>;

/// # Safety
/// The entry and its strings live for the call.
unsafe fn passwd_entry(p: &libc::passwd) -> Entry {
    // SAFETY: by contract.
    unsafe {
        vec![
            Field::text(p.pw_name),
            Field::text(p.pw_passwd),
            Field::Id(p.pw_uid),
            Field::Id(p.pw_gid),
            Field::text(p.pw_gecos),
            Field::text(p.pw_dir),
            Field::text(p.pw_shell),
        ]
    }
}

/// # Safety
/// As [`passwd_entry`]; the members end with a null pointer.
unsafe fn group_entry(g: &libc::group) -> Entry {
    let mut members = Vec::new();
    // SAFETY: by contract. The database may be mapped without regard to the alignment of pointers.
    unsafe {
        let mut at = g.gr_mem;
        while !at.is_null() {
            let name = at.read_unaligned();
            if name.is_null() {
                break;
            }
            members.push(CStr::from_ptr(name).to_bytes().to_vec());
            at = at.add(1);
        }
        vec![Field::text(g.gr_name), Field::text(g.gr_passwd), Field::Id(g.gr_gid), Field::Names(members)]
    }
}

/// Bytes that an entry's strings may take, at first and at most.
const ROOM: usize = 1 << 10;
const MOST_ROOM: usize = 1 << 28;

/// Calls one of the functions `get…_r` with a buffer that is large enough: `call` gives its error number and what it
/// found.
fn with_room(mut call: impl FnMut(&mut [u8]) -> (i32, Option<Entry>)) -> Result<Option<Entry>, i32> {
    let mut room = ROOM;
    loop {
        let mut buffer = vec![0; room];
        match call(&mut buffer) {
            (0, found) => return Ok(found),
            (libc::ERANGE, _) if room < MOST_ROOM => room *= 2,
            (libc::EINTR, _) => {}
            // These mean that there is no such entry.
            (libc::ENOENT | libc::ESRCH | libc::EBADF | libc::EPERM, _) => return Ok(None),
            (e, _) => return Err(e),
        }
    }
}

macro_rules! look_up {
    ($name:ident, $key:ty, $function:path, $entry:ty, $copy:path) => {
        fn $name(key: $key) -> Result<Option<Entry>, i32> {
            with_room(|buffer| {
                // SAFETY: a whole structure, a buffer of the length given, a key that lives for the call; what was
                // found points into the buffer.
                unsafe {
                    let mut entry: $entry = core::mem::zeroed();
                    let mut found = core::ptr::null_mut();
                    let (room, len) = (buffer.as_mut_ptr().cast(), buffer.len());
                    let e = $function(key, &mut entry, room, len, &mut found);
                    let copy = (e == 0 && !found.is_null()).then(|| $copy(&entry));
                    (e, copy)
                }
            })
        }
    };
}
look_up!(user_by_id, libc::uid_t, libc::getpwuid_r, libc::passwd, passwd_entry);
look_up!(user_by_name, *const libc::c_char, libc::getpwnam_r, libc::passwd, passwd_entry);
look_up!(group_by_id, libc::gid_t, libc::getgrgid_r, libc::group, group_entry);
look_up!(group_by_name, *const libc::c_char, libc::getgrnam_r, libc::group, group_entry);

/// The stream of `getpwent` and that of `getgrent` belong to the process.
static WALK: Mutex<()> = Mutex::new(());

fn all_users() -> Vec<Entry> {
    let _one = WALK.lock();
    let mut all = Vec::new();
    // SAFETY: nobody else uses the stream, in which an entry stays until the next call.
    unsafe {
        libc::setpwent();
        while let Some(p) = libc::getpwent().as_ref() {
            all.push(passwd_entry(p));
        }
        libc::endpwent();
    }
    all
}

fn all_groups() -> Vec<Entry> {
    let _one = WALK.lock();
    let mut all = Vec::new();
    // SAFETY: as above.
    unsafe {
        libc::setgrent();
        while let Some(g) = libc::getgrent().as_ref() {
            all.push(group_entry(g));
        }
        libc::endgrent();
    }
    all
}

fn object(th: &mut Thread, spec: &'static StructSequence, entry: Entry) -> PyResult {
    let mut fields = Vec::with_capacity(entry.len());
    for field in entry {
        fields.push(match field {
            Field::Text(t) => fs_str(th, &t),
            Field::Nothing => Owned::none(),
            Field::Id(u32::MAX) => th.new_int(-1),
            Field::Id(id) => th.new_int(i64::from(id)),
            Field::Names(names) => {
                let names = names.iter().map(|n| fs_str(th, n)).collect();
                th.new_list(names)
            }
        });
    }
    let ty = struct_sequence::register(th, spec)?;
    Ok(struct_sequence::new_instance(th, ty, fields))
}

fn objects(th: &mut Thread, spec: &'static StructSequence, entries: Vec<Entry>) -> PyResult {
    let mut all = Vec::with_capacity(entries.len());
    for entry in entries {
        all.push(object(th, spec, entry)?);
    }
    Ok(th.new_list(all))
}

/// The result of a look-up. Errors: KeyError, OSError.
fn result(
    th: &mut Thread,
    spec: &'static StructSequence,
    found: Result<Option<Entry>, i32>,
    missing: impl FnOnce(&mut Thread) -> PyResult<String>,
) -> PyResult {
    match found {
        Ok(Some(entry)) => object(th, spec, entry),
        Ok(None) => {
            let msg = missing(th)?;
            Err(key_error(th, &msg))
        }
        Err(e) => Err(support::os_error(th, e)),
    }
}

#[cold]
fn key_error(th: &mut Thread, msg: &str) -> Raised {
    let text = th.new_str(msg);
    th.raise_value(&ex::KEY_ERROR, text)
}

/// An id; `None`: there can be no such one. Errors: TypeError.
fn id(th: &mut Thread, v: Borrowed<'_>, what: &str) -> PyResult<Option<u32>> {
    if !is_index(v) {
        let msg = format!("{what} should be integer, not {}", v.type_name(th));
        return Err(th.type_error(&msg));
    }
    let id = support::c_id(th, v, what);
    th.absorb(id, &ex::OVERFLOW_ERROR)
}

/// A name for the system. `what` names function and argument.
fn name(th: &mut Thread, v: Borrowed<'_>, what: &str) -> PyResult<CString> {
    if v.downcast::<Str>().is_none() {
        let msg = format!("{what} must be str, not {}", v.type_name(th));
        return Err(th.type_error(&msg));
    }
    let bytes = fs_bytes(th, v)?;
    CString::new(bytes).map_err(|_| th.value_error("embedded null byte"))
}

fn getpwuid(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(uid) = id(th, a[0], "uid")? else {
        return Err(key_error(th, "getpwuid(): uid not found"));
    };
    let found = blocking(th, || user_by_id(uid));
    result(th, &PASSWD, found, |th| Ok(format!("getpwuid(): uid not found: {}", a[0].str_text(th)?)))
}

fn getpwnam(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let wanted = name(th, a[0], "getpwnam() argument")?;
    let found = blocking(th, || user_by_name(wanted.as_ptr()));
    result(th, &PASSWD, found, |th| Ok(format!("getpwnam(): name not found: {}", a[0].repr_text(th)?)))
}

fn getpwall(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    let all = blocking(th, all_users);
    objects(th, &PASSWD, all)
}

fn getgrgid(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(gid) = id(th, a[0], "gid")? else {
        return Err(th.overflow_error("gid is out of range"));
    };
    let found = blocking(th, || group_by_id(gid));
    result(th, &GROUP, found, |th| Ok(format!("getgrgid(): gid not found: {}", a[0].str_text(th)?)))
}

fn getgrnam(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let wanted = name(th, a[0], "getgrnam() argument 'name'")?;
    let found = blocking(th, || group_by_name(wanted.as_ptr()));
    result(th, &GROUP, found, |th| Ok(format!("getgrnam(): name not found: {}", a[0].repr_text(th)?)))
}

fn getgrall(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    let all = blocking(th, all_groups);
    objects(th, &GROUP, all)
}
