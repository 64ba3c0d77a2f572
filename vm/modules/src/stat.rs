//! `_stat`: file modes.

use typhon_core::{Borrowed, ModuleDef, NativeDef, Owned, PyResult, Thread};

use crate::support::{ModuleExt, c_id};

pub static MODULE: ModuleDef = ModuleDef {
    name: "_stat",
    doc: "S_IFMT_: file type bits\nS_IFDIR: directory\nS_IFCHR: character device\nS_IFBLK: block device\nS_IFREG: \
          regular file\nS_IFIFO: fifo (named pipe)\nS_IFLNK: symbolic link\nS_IFSOCK: socket file",
    functions: &[
        NativeDef::new(
            "S_ISDIR",
            "($module, mode, /)",
            |th, a| is(th, a, libc::S_IFDIR),
            "S_ISDIR(mode) -> bool\n\nReturn True if mode is from a directory.",
        ),
        NativeDef::new(
            "S_ISCHR",
            "($module, mode, /)",
            |th, a| is(th, a, libc::S_IFCHR),
            "S_ISCHR(mode) -> bool\n\nReturn True if mode is from a character special device file.",
        ),
        NativeDef::new(
            "S_ISBLK",
            "($module, mode, /)",
            |th, a| is(th, a, libc::S_IFBLK),
            "S_ISBLK(mode) -> bool\n\nReturn True if mode is from a block special device file.",
        ),
        NativeDef::new(
            "S_ISREG",
            "($module, mode, /)",
            |th, a| is(th, a, libc::S_IFREG),
            "S_ISREG(mode) -> bool\n\nReturn True if mode is from a regular file.",
        ),
        NativeDef::new(
            "S_ISFIFO",
            "($module, mode, /)",
            |th, a| is(th, a, libc::S_IFIFO),
            "S_ISFIFO(mode) -> bool\n\nReturn True if mode is from a FIFO (named pipe).",
        ),
        NativeDef::new(
            "S_ISLNK",
            "($module, mode, /)",
            |th, a| is(th, a, libc::S_IFLNK),
            "S_ISLNK(mode) -> bool\n\nReturn True if mode is from a symbolic link.",
        ),
        NativeDef::new(
            "S_ISSOCK",
            "($module, mode, /)",
            |th, a| is(th, a, libc::S_IFSOCK),
            "S_ISSOCK(mode) -> bool\n\nReturn True if mode is from a socket.",
        ),
        NativeDef::new(
            "S_ISDOOR",
            "($module, mode, /)",
            never,
            "S_ISDOOR(mode) -> bool\n\nReturn True if mode is from a door.",
        ),
        NativeDef::new(
            "S_ISPORT",
            "($module, mode, /)",
            never,
            "S_ISPORT(mode) -> bool\n\nReturn True if mode is from an event port.",
        ),
        NativeDef::new(
            "S_ISWHT",
            "($module, mode, /)",
            never,
            "S_ISWHT(mode) -> bool\n\nReturn True if mode is from a whiteout.",
        ),
        NativeDef::new(
            "S_IMODE",
            "($module, mode, /)",
            |th, a| {
                let m = c_id(th, a[0], "mode")?;
                Ok(th.new_int(i64::from(m & 0o7777)))
            },
            "Return the portion of the file's mode that can be set by os.chmod().",
        ),
        NativeDef::new(
            "S_IFMT",
            "($module, mode, /)",
            |th, a| {
                let m = c_id(th, a[0], "mode")?;
                Ok(th.new_int(i64::from(m & libc::S_IFMT)))
            },
            "Return the portion of the file's mode that describes the file type.",
        ),
        NativeDef::new(
            "filemode",
            "($module, mode, /)",
            filemode,
            "Convert a file's mode to a string of the form '-rwxrwxrwx'",
        ),
    ],
    types: &[],
    setup: Some(setup),
};

fn is(th: &mut Thread, a: &[Borrowed<'_>], kind: libc::mode_t) -> PyResult {
    let mode = c_id(th, a[0], "mode")?;
    Ok(Owned::bool(mode & libc::S_IFMT == kind))
}

fn never(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    c_id(th, a[0], "mode")?;
    Ok(Owned::bool(false))
}

fn filemode(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let m = c_id(th, a[0], "mode")?;
    let kind = match m & libc::S_IFMT {
        libc::S_IFREG => b'-',
        libc::S_IFDIR => b'd',
        libc::S_IFLNK => b'l',
        libc::S_IFBLK => b'b',
        libc::S_IFCHR => b'c',
        libc::S_IFIFO => b'p',
        libc::S_IFSOCK => b's',
        _ => b'?',
    };
    let mut out = [kind; 10];
    for (i, who) in [6, 3, 0].into_iter().enumerate() {
        let bits = m >> who & 7;
        let (special, lower, upper) =
            [(libc::S_ISUID, b's', b'S'), (libc::S_ISGID, b's', b'S'), (libc::S_ISVTX, b't', b'T')][i];
        let at = 1 + i * 3;
        out[at] = if bits & 4 != 0 { b'r' } else { b'-' };
        out[at + 1] = if bits & 2 != 0 { b'w' } else { b'-' };
        out[at + 2] = match (m & special != 0, bits & 1 != 0) {
            (true, true) => lower,
            (true, false) => upper,
            (false, true) => b'x',
            (false, false) => b'-',
        };
    }
    Ok(th.new_ascii(&out))
}

/// Flags and indices that the system's headers do not have on every platform.
const OTHERS: &[(&str, i64)] = &[
    ("S_IFDOOR", 0),
    ("S_IFPORT", 0),
    ("S_IFWHT", 0),
    ("S_ENFMT", 0o2000),
    ("S_IREAD", 0o400),
    ("S_IWRITE", 0o200),
    ("S_IEXEC", 0o100),
    ("UF_SETTABLE", 0x0000_ffff),
    ("UF_NODUMP", 0x0000_0001),
    ("UF_IMMUTABLE", 0x0000_0002),
    ("UF_APPEND", 0x0000_0004),
    ("UF_OPAQUE", 0x0000_0008),
    ("UF_NOUNLINK", 0x0000_0010),
    ("UF_COMPRESSED", 0x0000_0020),
    ("UF_TRACKED", 0x0000_0040),
    ("UF_DATAVAULT", 0x0000_0080),
    ("UF_HIDDEN", 0x0000_8000),
    ("SF_SETTABLE", 0x3fff_0000),
    ("SF_ARCHIVED", 0x0001_0000),
    ("SF_IMMUTABLE", 0x0002_0000),
    ("SF_APPEND", 0x0004_0000),
    ("SF_RESTRICTED", 0x0008_0000),
    ("SF_NOUNLINK", 0x0010_0000),
    ("SF_SNAPSHOT", 0x0020_0000),
    ("SF_FIRMLINK", 0x0080_0000),
    ("SF_DATALESS", 0x4000_0000),
    ("FILE_ATTRIBUTE_ARCHIVE", 32),
    ("FILE_ATTRIBUTE_COMPRESSED", 2048),
    ("FILE_ATTRIBUTE_DEVICE", 64),
    ("FILE_ATTRIBUTE_DIRECTORY", 16),
    ("FILE_ATTRIBUTE_ENCRYPTED", 16384),
    ("FILE_ATTRIBUTE_HIDDEN", 2),
    ("FILE_ATTRIBUTE_INTEGRITY_STREAM", 32768),
    ("FILE_ATTRIBUTE_NORMAL", 128),
    ("FILE_ATTRIBUTE_NOT_CONTENT_INDEXED", 8192),
    ("FILE_ATTRIBUTE_NO_SCRUB_DATA", 131_072),
    ("FILE_ATTRIBUTE_OFFLINE", 4096),
    ("FILE_ATTRIBUTE_READONLY", 1),
    ("FILE_ATTRIBUTE_REPARSE_POINT", 1024),
    ("FILE_ATTRIBUTE_SPARSE_FILE", 512),
    ("FILE_ATTRIBUTE_SYSTEM", 4),
    ("FILE_ATTRIBUTE_TEMPORARY", 256),
    ("FILE_ATTRIBUTE_VIRTUAL", 65536),
    ("ST_MODE", 0),
    ("ST_INO", 1),
    ("ST_DEV", 2),
    ("ST_NLINK", 3),
    ("ST_UID", 4),
    ("ST_GID", 5),
    ("ST_SIZE", 6),
    ("ST_ATIME", 7),
    ("ST_MTIME", 8),
    ("ST_CTIME", 9),
];

fn setup(th: &mut Thread, module: Borrowed<'_>) -> PyResult<()> {
    crate::add_libc!(th, module;
        S_IFDIR, S_IFCHR, S_IFBLK, S_IFREG, S_IFIFO, S_IFLNK, S_IFSOCK, S_ISUID, S_ISGID, S_ISVTX, S_IRWXU,
        S_IRUSR, S_IWUSR, S_IXUSR, S_IRWXG, S_IRGRP, S_IWGRP, S_IXGRP, S_IRWXO, S_IROTH, S_IWOTH, S_IXOTH);
    for (name, value) in OTHERS {
        module.add_int(th, name, *value)?;
    }
    Ok(())
}
