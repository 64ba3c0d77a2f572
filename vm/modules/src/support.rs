//! What native modules share: adding constants, system errors, paths, descriptors, small objects.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;

use typhon_core::builtins::bytes::Bytes;
use typhon_core::builtins::str::Str;
use typhon_core::{Borrowed, Owned, PyResult, Raised, Thread};
use typhon_text::codecs::{Codec, ErrorMode};

/// Adding constants to a module.
pub trait ModuleExt {
    /// `module.name = value`
    fn add(self, th: &mut Thread, name: &str, value: Owned) -> PyResult<()>;
    /// `module.name = number`
    fn add_int(self, th: &mut Thread, name: &str, value: i64) -> PyResult<()>;
}

impl ModuleExt for Borrowed<'_> {
    fn add(self, th: &mut Thread, name: &str, value: Owned) -> PyResult<()> {
        let name = th.intern(name);
        self.setattr(th, name.borrow(), Some(value.borrow()))
    }
    fn add_int(self, th: &mut Thread, name: &str, value: i64) -> PyResult<()> {
        let value = th.new_int(value);
        self.add(th, name, value)
    }
}

/// Adds several `libc` constants to a module under their own names.
#[macro_export]
macro_rules! add_libc {
    ($th:expr, $module:expr; $($name:ident),* $(,)?) => { {
        $($crate::support::ModuleExt::add_int($module, $th, stringify!($name), libc::$name as i64)?;)*
    } };
}

/// Code that may wait in the system: `f` runs without the interpreter (other Python threads go on).
#[inline]
pub fn blocking<R>(th: &mut Thread, f: impl FnOnce() -> R) -> R {
    typhon_core::threads::blocking(th, f)
}

/// `errno` after a failed call.
#[inline]
pub fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

pub use typhon_core::builtins::exceptions::strerror;

/// Runs a system call that may block, again and again while signals interrupt it; Python's handlers run in
/// between (PEP 475). `call` returns a negative number and sets `errno` on failure. The inner error is the
/// number of the failure.
pub fn retry<T: PartialOrd + From<i8>>(
    th: &mut Thread,
    mut call: impl FnMut() -> T,
) -> PyResult<Result<T, i32>> {
    loop {
        let (r, e) = blocking(th, || {
            let r = call();
            let e = if r < T::from(0) { errno() } else { 0 };
            (r, e)
        });
        if r >= T::from(0) {
            return Ok(Ok(r));
        }
        if e != libc::EINTR {
            return Ok(Err(e));
        }
        check_signals(th)?;
    }
}

/// Runs the Python handlers of signals that arrived, if this is the main thread.
pub fn check_signals(th: &mut Thread) -> PyResult<()> {
    typhon_core::threads::check_signals(th)
}

/// Raises `OSError(number, text)`, or the subclass for the number.
#[cold]
pub fn os_error(th: &mut Thread, number: i32) -> Raised {
    os_error_with(th, number, None, None)
}

/// Raises the `OSError` for the present `errno`.
#[cold]
pub fn last_os_error(th: &mut Thread) -> Raised {
    let number = errno();
    os_error(th, number)
}

/// Raises `OSError(number, text, filename)`.
#[cold]
pub fn os_error_path(th: &mut Thread, number: i32, filename: Borrowed<'_>) -> Raised {
    os_error_with(th, number, Some(filename), None)
}

/// Raises `OSError(number, text, filename, None, filename2)`.
#[cold]
pub fn os_error_with(
    th: &mut Thread,
    number: i32,
    filename: Option<Borrowed<'_>>,
    filename2: Option<Borrowed<'_>>,
) -> Raised {
    typhon_core::builtins::exceptions::os_error_with(th, number, filename, filename2)
}

/// A name of the module `builtins`; None if somebody deleted it.
pub fn builtin(th: &mut Thread, name: &str) -> Owned {
    let name = th.intern(name);
    let names = th.builtins_dict();
    names
        .downcast::<typhon_core::builtins::dict::Dict>()
        .and_then(|d| d.get_interned(name.word()))
        .unwrap_or_else(Owned::none)
}

/// Imports a module and reads one of its attributes.
pub fn import_attr(th: &mut Thread, module: &str, name: &str) -> PyResult {
    let module = import(th, module)?;
    module.borrow().getattr_str(th, name)
}

/// `importlib.import_module(name)` for an absolute dotted name. Native modules need no import system: during
/// start-up there is none yet.
pub fn import(th: &mut Thread, name: &str) -> PyResult {
    if let Some(def) = crate::MODULES.iter().find(|m| m.name == name) {
        return crate::imp::native_module(th, def);
    }
    typhon_core::import::import_module(th, name)
}

/// Decodes bytes of the system (paths, environment, arguments) as `os.fsdecode` does: UTF-8 with
/// surrogateescape.
pub fn fs_str(th: &mut Thread, bytes: &[u8]) -> Owned {
    if bytes.is_ascii() {
        return th.new_ascii(bytes);
    }
    match Codec::Utf8.decode(bytes, &mut ErrorMode::SurrogateEscape) {
        Ok(text) => th.new_str_buf(text),
        // Surrogateescape has a place for every byte.
        Err(_) => th.new_str(&String::from_utf8_lossy(bytes)),
    }
}

/// As [`fs_str`] for the system's strings.
pub fn os_str(th: &mut Thread, text: &OsStr) -> Owned {
    fs_str(th, text.as_bytes())
}

/// Encodes a str for the system as `os.fsencode` does. Errors: UnicodeEncodeError.
pub fn fs_bytes(th: &mut Thread, s: Borrowed<'_>) -> PyResult<Vec<u8>> {
    let Some(text) = s.downcast::<Str>() else {
        let msg = format!("expected str, not {}", s.type_name(th));
        return Err(th.type_error(&msg));
    };
    if let Some(ascii) = text.as_ascii() {
        return Ok(ascii.as_bytes().to_vec());
    }
    match Codec::Utf8.encode(text.data(), &mut ErrorMode::SurrogateEscape) {
        Ok(bytes) => Ok(bytes),
        Err(_) => {
            // The method raises the UnicodeEncodeError with all its fields.
            let (encoding, errors) = (th.new_str("utf-8"), th.new_str("surrogateescape"));
            let b = s.call_method_str(th, "encode", &[encoding.borrow(), errors.borrow()])?;
            Ok(b.downcast::<Bytes>().map(|b| b.as_bytes().to_vec()).unwrap_or_default())
        }
    }
}

/// A path argument: what the system gets, and what messages and results show.
pub struct PathArg {
    /// For system calls.
    pub c: CString,
    /// The str or bytes that `os.fspath` gave; a number for a descriptor.
    pub object: Owned,
    /// Was it given as bytes? Then results are bytes too.
    pub is_bytes: bool,
    /// The descriptor, where one was allowed and given.
    pub fd: Option<i32>,
}

impl PathArg {
    /// A path of the same sort (str or bytes) as this one.
    pub fn result(&self, th: &mut Thread, bytes: &[u8]) -> Owned {
        if self.is_bytes { th.new_bytes(bytes) } else { fs_str(th, bytes) }
    }
}

/// What a path argument may be besides a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathKind {
    /// An open descriptor.
    pub fd: bool,
    /// `None` (or nothing): the current directory.
    pub none: bool,
}

/// Reads a path argument. `what` names function and argument in messages: `"stat: path"`.
pub fn path_arg(th: &mut Thread, arg: Option<Borrowed<'_>>, what: &str, kind: PathKind) -> PyResult<PathArg> {
    let arg = arg.unwrap_or(Borrowed::none());
    if arg.is_none() && kind.none {
        return Ok(PathArg { c: c".".to_owned(), object: Owned::none(), is_bytes: false, fd: None });
    }
    let is_path = arg.downcast::<Str>().is_some() || arg.downcast::<Bytes>().is_some();
    if !is_path && kind.fd && typhon_core::number::is_index(arg) {
        let fd = fd_number(th, arg)?;
        return Ok(PathArg { c: CString::default(), object: arg.to_owned(), is_bytes: false, fd: Some(fd) });
    }
    let object = if is_path {
        arg.to_owned()
    } else {
        match fspath_opt(th, arg)? {
            Some(o) => o,
            None => {
                let expected = match (kind.fd, kind.none) {
                    (true, true) => "string, bytes, os.PathLike, integer or None",
                    (true, false) => "string, bytes, os.PathLike or integer",
                    (false, true) => "string, bytes, os.PathLike or None",
                    (false, false) => "string, bytes or os.PathLike",
                };
                let sep = if what.is_empty() { "path" } else { what };
                let msg = format!("{sep} should be {expected}, not {}", arg.type_name(th));
                return Err(th.type_error(&msg));
            }
        }
    };
    let (bytes, is_bytes) = match object.downcast::<Bytes>() {
        Some(b) => (b.as_bytes().to_vec(), true),
        None => (fs_bytes(th, object.borrow())?, false),
    };
    match CString::new(bytes) {
        Ok(c) => Ok(PathArg { c, object, is_bytes, fd: None }),
        Err(_) => {
            let function = what.split(':').next().unwrap_or("");
            let what = what.rsplit(": ").next().unwrap_or("path");
            let prefix =
                if function.is_empty() || function == what { String::new() } else { format!("{function}: ") };
            let msg =
                format!("{prefix}embedded null {} in {what}", if is_bytes { "byte" } else { "character" });
            Err(th.value_error(&msg))
        }
    }
}

/// A path that must be one. `what` as in [`path_arg`].
pub fn path(th: &mut Thread, arg: Borrowed<'_>, what: &str) -> PyResult<PathArg> {
    path_arg(th, Some(arg), what, PathKind::default())
}

/// `os.fspath(o)` for what is neither str nor bytes; `None` without `__fspath__`.
pub fn fspath_opt(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let name = th.intern("__fspath__");
    let Some(r) = o.call_special(th, name.borrow(), &[])? else { return Ok(None) };
    if r.downcast::<Str>().is_none() && r.downcast::<Bytes>().is_none() {
        let msg = format!(
            "expected {}.__fspath__() to return str or bytes, not {}",
            o.type_name(th),
            r.borrow().type_name(th)
        );
        return Err(th.type_error(&msg));
    }
    Ok(Some(r))
}

/// A descriptor given as an int.
pub fn fd_number(th: &mut Thread, arg: Borrowed<'_>) -> PyResult<i32> {
    let n = arg.index(th)?;
    let n = n.borrow().to_i64(th)?;
    match i32::try_from(n) {
        Ok(fd) => Ok(fd),
        Err(_) if n > 0 => Err(th.overflow_error("fd is greater than maximum")),
        Err(_) => Err(th.overflow_error("fd is less than minimum")),
    }
}

/// A descriptor: an int, or an object with `fileno()`. Errors: TypeError; ValueError below 0.
pub fn fileno(th: &mut Thread, o: Borrowed<'_>) -> PyResult<i32> {
    let fd = if o.word().is_int() {
        fd_number(th, o)?
    } else if o.as_int().is_some() {
        fd_number(th, o)?
    } else {
        let name = th.rt.names.fileno.get();
        let Some(m) = o.getattr_opt(th, name)? else {
            return Err(th.type_error("argument must be an int, or have a fileno() method."));
        };
        let r = m.borrow().call(th, &[])?;
        if r.borrow().as_int().is_none() {
            return Err(th.type_error("fileno() returned a non-integer"));
        }
        fd_number(th, r.borrow())?
    };
    if fd < 0 {
        let msg = format!("file descriptor cannot be a negative integer ({fd})");
        return Err(th.value_error(&msg));
    }
    Ok(fd)
}

/// An `int` argument of C: `index()` and the range of 32 bits.
pub fn c_int(th: &mut Thread, arg: Borrowed<'_>) -> PyResult<i32> {
    let n = arg.index(th)?;
    let n = n.borrow().to_i64(th)?;
    match i32::try_from(n) {
        Ok(v) => Ok(v),
        Err(_) if n > 0 => Err(th.overflow_error("signed integer is greater than maximum")),
        Err(_) => Err(th.overflow_error("signed integer is less than minimum")),
    }
}

/// As [`c_int`], with a value for an argument that was not given.
pub fn c_int_or(th: &mut Thread, arg: Option<Borrowed<'_>>, default: i32) -> PyResult<i32> {
    arg.map_or(Ok(default), |a| c_int(th, a))
}

/// An unsigned 32-bit argument; -1 stands for the largest (ids of users and groups).
pub fn c_id(th: &mut Thread, arg: Borrowed<'_>, what: &str) -> PyResult<u32> {
    let n = arg.index(th)?;
    let n = n.borrow().to_i64(th)?;
    match n {
        -1 => Ok(u32::MAX),
        0..=0xffff_ffff => Ok(n as u32),
        _ if n < 0 => Err(th.overflow_error(&format!("{what} is less than minimum"))),
        _ => Err(th.overflow_error(&format!("{what} is greater than maximum"))),
    }
}

/// Truth of an optional argument.
pub fn flag(th: &mut Thread, arg: Option<Borrowed<'_>>, default: bool) -> PyResult<bool> {
    arg.map_or(Ok(default), |a| a.truth(th))
}

/// A tuple of ints.
pub fn int_tuple(th: &mut Thread, items: &[i64]) -> Owned {
    let items = items.iter().map(|&v| th.new_int(v)).collect();
    th.new_tuple(items)
}

/// Text of a C string that the system owns.
///
/// # Safety
/// `p` is null or a C string that lives for the call.
pub unsafe fn c_text(th: &mut Thread, p: *const libc::c_char) -> Owned {
    if p.is_null() {
        return Owned::none();
    }
    // SAFETY: by contract.
    let bytes = unsafe { std::ffi::CStr::from_ptr(p) }.to_bytes();
    fs_str(th, bytes)
}
