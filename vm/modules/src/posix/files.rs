//! Making, renaming, linking and removing files; paths as text.

use typhon_core::builtins::bytes::Bytes;
use typhon_core::builtins::str::Str;
use typhon_core::{ArgsExt, Borrowed, NativeDef, Owned, PyResult, Thread};

use super::{dir_fd, on_path, path_error};
use crate::support::{self, PathKind, c_int_or, flag};

pub const FUNCTIONS: &[NativeDef] = &[
    NativeDef::new("mkdir", "($module, /, path, mode=0o777, *, dir_fd=None)", mkdir, "Create a directory."),
    NativeDef::new(
        "rmdir",
        "($module, /, path, *, dir_fd=None)",
        |th, a| unlink_at(th, a, "rmdir: path", libc::AT_REMOVEDIR),
        "Remove a directory.",
    ),
    NativeDef::new(
        "unlink",
        "($module, /, path, *, dir_fd=None)",
        |th, a| unlink_at(th, a, "unlink: path", 0),
        "Remove a file (same as remove()).",
    ),
    NativeDef::new(
        "remove",
        "($module, /, path, *, dir_fd=None)",
        |th, a| unlink_at(th, a, "remove: path", 0),
        "Remove a file (same as unlink()).",
    ),
    NativeDef::new(
        "rename",
        "($module, /, src, dst, *, src_dir_fd=None, dst_dir_fd=None)",
        |th, a| rename(th, a, "rename"),
        "Rename a file or directory.",
    ),
    NativeDef::new(
        "replace",
        "($module, /, src, dst, *, src_dir_fd=None, dst_dir_fd=None)",
        |th, a| rename(th, a, "replace"),
        "Rename a file or directory, overwriting the destination.",
    ),
    NativeDef::new(
        "link",
        "($module, /, src, dst, *, src_dir_fd=None, dst_dir_fd=None, follow_symlinks=True)",
        link,
        "Create a hard link to a file.",
    ),
    NativeDef::new(
        "symlink",
        "($module, /, src, dst, target_is_directory=False, *, dir_fd=None)",
        symlink,
        "Create a symbolic link pointing to src named dst.",
    ),
    NativeDef::new(
        "readlink",
        "($module, /, path, *, dir_fd=None)",
        readlink,
        "Return a string representing the path to which the symbolic link points.",
    ),
    NativeDef::new(
        "mkfifo",
        "($module, /, path, mode=0o666, *, dir_fd=None)",
        mkfifo,
        "Create a \"fifo\" (a POSIX named pipe).",
    ),
    NativeDef::new(
        "mknod",
        "($module, /, path, mode=0o600, device=0, *, dir_fd=None)",
        mknod,
        "Create a node in the file system.",
    ),
    NativeDef::new(
        "major",
        "($module, device, /)",
        |th, a| {
            let d = device(th, a[0])?;
            Ok(th.new_int(i64::from(libc::major(d))))
        },
        "Extracts a device major number from a raw device number.",
    ),
    NativeDef::new(
        "minor",
        "($module, device, /)",
        |th, a| {
            let d = device(th, a[0])?;
            Ok(th.new_int(i64::from(libc::minor(d))))
        },
        "Extracts a device minor number from a raw device number.",
    ),
    NativeDef::new(
        "makedev",
        "($module, major, minor, /)",
        |th, a| {
            let (x, y) = (device(th, a[0])?, device(th, a[1])?);
            Ok(th.new_uint(libc::makedev(x as u32, y as u32)))
        },
        "Composes a raw device number from the major and minor device numbers.",
    ),
    NativeDef::new(
        "truncate",
        "($module, /, path, length)",
        truncate,
        "Truncate a file, specified by path, to a specific length.",
    ),
    NativeDef::new(
        "fspath",
        "($module, /, path)",
        fspath,
        "Return the file system path representation of the object.",
    ),
    NativeDef::new(
        "_path_normpath",
        "($module, /, path)",
        normpath,
        "Normalize path, eliminating double slashes, etc.",
    ),
    NativeDef::new(
        "_path_splitroot_ex",
        "($module, p, /)",
        splitroot,
        "Split a pathname into drive, root and tail.",
    ),
    NativeDef::new("_inputhook", "($module, /)", |_, _| Ok(Owned::none()), ""),
];

fn device(th: &mut Thread, v: Borrowed<'_>) -> PyResult<u64> {
    v.to_i64(th).map(|n| n as u64)
}

fn mkdir(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = support::path(th, a[0], "mkdir: path")?;
    let mode = c_int_or(th, a.opt(1), 0o777)?;
    let dir = dir_fd(th, a.opt(2))?;
    // SAFETY: a C string that lives for the call.
    on_path(th, &path, || unsafe { libc::mkdirat(dir, path.c.as_ptr(), mode as libc::mode_t) })?;
    Ok(Owned::none())
}

fn unlink_at(th: &mut Thread, a: &[Borrowed<'_>], what: &str, flags: i32) -> PyResult {
    let path = support::path(th, a[0], what)?;
    let dir = dir_fd(th, a.opt(1))?;
    // SAFETY: a C string that lives for the call.
    on_path(th, &path, || unsafe { libc::unlinkat(dir, path.c.as_ptr(), flags) })?;
    Ok(Owned::none())
}

fn rename(th: &mut Thread, a: &[Borrowed<'_>], what: &str) -> PyResult {
    let src = support::path(th, a[0], &format!("{what}: src"))?;
    let dst = support::path(th, a[1], &format!("{what}: dst"))?;
    let (from, to) = (dir_fd(th, a.opt(2))?, dir_fd(th, a.opt(3))?);
    // SAFETY: C strings that live for the call.
    match support::retry(th, || unsafe { libc::renameat(from, src.c.as_ptr(), to, dst.c.as_ptr()) })? {
        Ok(_) => Ok(Owned::none()),
        Err(e) => Err(support::os_error_with(th, e, Some(src.object.borrow()), Some(dst.object.borrow()))),
    }
}

fn link(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (src, dst) = (support::path(th, a[0], "link: src")?, support::path(th, a[1], "link: dst")?);
    let (from, to) = (dir_fd(th, a.opt(2))?, dir_fd(th, a.opt(3))?);
    let flags = if flag(th, a.opt(4), false)? { libc::AT_SYMLINK_FOLLOW } else { 0 };
    // SAFETY: C strings that live for the call.
    match support::retry(th, || unsafe { libc::linkat(from, src.c.as_ptr(), to, dst.c.as_ptr(), flags) })? {
        Ok(_) => Ok(Owned::none()),
        Err(e) => Err(support::os_error_with(th, e, Some(src.object.borrow()), Some(dst.object.borrow()))),
    }
}

fn symlink(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (src, dst) = (support::path(th, a[0], "symlink: src")?, support::path(th, a[1], "symlink: dst")?);
    let dir = dir_fd(th, a.opt(3))?;
    // SAFETY: C strings that live for the call.
    match support::retry(th, || unsafe { libc::symlinkat(src.c.as_ptr(), dir, dst.c.as_ptr()) })? {
        Ok(_) => Ok(Owned::none()),
        Err(e) => Err(support::os_error_with(th, e, Some(src.object.borrow()), Some(dst.object.borrow()))),
    }
}

fn readlink(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = support::path(th, a[0], "readlink: path")?;
    let dir = dir_fd(th, a.opt(1))?;
    let mut buffer = vec![0u8; libc::PATH_MAX as usize];
    let (p, n) = (buffer.as_mut_ptr() as usize, buffer.len());
    // SAFETY: a C string, and a buffer of that length.
    match support::retry(th, || unsafe { libc::readlinkat(dir, path.c.as_ptr(), p as *mut libc::c_char, n) })?
    {
        Ok(n) => Ok(path.result(th, &buffer[..n as usize])),
        Err(e) => Err(path_error(th, e, &path)),
    }
}

fn mkfifo(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = support::path(th, a[0], "mkfifo: path")?;
    let mode = c_int_or(th, a.opt(1), 0o666)?;
    let dir = dir_fd(th, a.opt(2))?;
    // SAFETY: a C string that lives for the call.
    on_path(th, &path, || unsafe { libc::mkfifoat(dir, path.c.as_ptr(), mode as libc::mode_t) })?;
    Ok(Owned::none())
}

fn mknod(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = support::path(th, a[0], "mknod: path")?;
    let mode = c_int_or(th, a.opt(1), 0o600)?;
    let dev = match a.opt(2) {
        Some(d) => device(th, d)?,
        None => 0,
    };
    let dir = dir_fd(th, a.opt(3))?;
    // SAFETY: a C string that lives for the call.
    on_path(th, &path, || unsafe { libc::mknodat(dir, path.c.as_ptr(), mode as libc::mode_t, dev) })?;
    Ok(Owned::none())
}

fn truncate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let path = support::path_arg(th, Some(a[0]), "truncate: path", PathKind { fd: true, none: false })?;
    let n = a[1].to_i64(th)?;
    // SAFETY: a C string that lives for the call.
    on_path(th, &path, || unsafe {
        match path.fd {
            Some(fd) => libc::ftruncate(fd, n),
            None => libc::truncate(path.c.as_ptr(), n),
        }
    })?;
    Ok(Owned::none())
}

fn fspath(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if a[0].downcast::<Str>().is_some() || a[0].downcast::<Bytes>().is_some() {
        return Ok(a[0].to_owned());
    }
    match support::fspath_opt(th, a[0])? {
        Some(p) => Ok(p),
        None => {
            let msg = format!("expected str, bytes or os.PathLike object, not {}", a[0].type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

/// A path argument that is only looked at: str or bytes, NULs allowed.
fn path_text(th: &mut Thread, arg: Borrowed<'_>) -> PyResult<(Vec<u8>, bool)> {
    let p = fspath(th, &[arg])?;
    match p.downcast::<Bytes>() {
        Some(b) => Ok((b.as_bytes().to_vec(), true)),
        None => {
            // Lone surrogates pass through as they are.
            let mut out = Vec::new();
            let text = p.payload::<Str>();
            match text.as_ascii() {
                Some(t) => out.extend_from_slice(t.as_bytes()),
                None => typhon_text::codecs::utf8::encode_surrogates(text.data(), &mut out),
            }
            Ok((out, false))
        }
    }
}

fn back(th: &mut Thread, part: &[u8], is_bytes: bool) -> Owned {
    if is_bytes {
        return th.new_bytes(part);
    }
    if part.is_ascii() {
        return th.new_ascii(part);
    }
    let mut errors = typhon_text::codecs::ErrorMode::SurrogatePass;
    match typhon_text::codecs::Codec::Utf8.decode(part, &mut errors) {
        Ok(text) => th.new_str_buf(text),
        Err(_) => th.new_str(&String::from_utf8_lossy(part)),
    }
}

/// Length of the root of a path: two slashes stay, three or more are one.
fn root_len(path: &[u8]) -> usize {
    match path {
        [b'/', b'/', b'/', ..] => 1,
        [b'/', b'/', ..] => 2,
        [b'/', ..] => 1,
        _ => 0,
    }
}

fn normpath(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (path, is_bytes) = path_text(th, a[0])?;
    if path.is_empty() {
        return Ok(back(th, b".", is_bytes));
    }
    let root = root_len(&path);
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path[root..].split(|&b| b == b'/') {
        match part {
            b"" | b"." => {}
            b".." if root > 0 && parts.is_empty() => {}
            b".." if parts.last().is_some_and(|p| *p != b"..") => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let mut out = path[..root].to_vec();
    out.extend_from_slice(&parts.join(&b'/'));
    if out.is_empty() {
        out.push(b'.');
    }
    Ok(back(th, &out, is_bytes))
}

fn splitroot(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (path, is_bytes) = path_text(th, a[0])?;
    let root = root_len(&path);
    let parts =
        vec![back(th, b"", is_bytes), back(th, &path[..root], is_bytes), back(th, &path[root..], is_bytes)];
    Ok(th.new_tuple(parts))
}
