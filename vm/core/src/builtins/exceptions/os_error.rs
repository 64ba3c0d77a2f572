//! OSError: errno to class, forms with two to five arguments.

use typhon_sync::prim::{AtomicIsize, Ordering};

use super::{
    BLOCKING_IO_ERROR, BROKEN_PIPE_ERROR, CHILD_PROCESS_ERROR, CONNECTION_ABORTED_ERROR,
    CONNECTION_REFUSED_ERROR, CONNECTION_RESET_ERROR, ExceptionPayload, FILE_EXISTS_ERROR,
    FILE_NOT_FOUND_ERROR, INTERRUPTED_ERROR, IS_A_DIRECTORY_ERROR, NOT_A_DIRECTORY_ERROR, OS_ERROR,
    PERMISSION_ERROR, PROCESS_LOOKUP_ERROR, TIMEOUT_ERROR, base, chain_context, exception_payload,
    no_keywords, slot_attribute, this,
};
use crate::builtins::str::Str;
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult, Raised, Slot};
use crate::slots::{Args, InitFn, Slots};
use crate::thread::Thread;
use crate::typedef::{GetSetDef, NativeDef, TypeDef};
use crate::types::Type;

exception_payload! {
    /// `OSError` and its subclasses.
    pub struct OsError: OS_ERROR {
        pub errno: Slot = Slot::empty(),
        pub strerror: Slot = Slot::empty(),
        pub filename: Slot = Slot::empty(),
        pub filename2: Slot = Slot::empty(),
        /// `characters_written`; -1 = not set.
        written: AtomicIsize = AtomicIsize::new(-1),
    }
}

pub(super) const SLOTS: Slots = Slots { new: Some(new), init: Some(init), str: Some(str), ..Slots::NONE };
pub(super) const METHODS: &[NativeDef] =
    &[NativeDef::new("__reduce__", "($self, /)", reduce, "Helper for pickle.")];
pub(super) const GETSET: &[GetSetDef] = &[
    slot_attribute!(OsError, "errno", errno),
    slot_attribute!(OsError, "strerror", strerror),
    slot_attribute!(OsError, "filename", filename),
    slot_attribute!(OsError, "filename2", filename2),
    GetSetDef::get("characters_written", get_written).set(set_written),
];

/// The subclass for an errno (PEP 3151).
fn class_of(errno: i64) -> Option<&'static TypeDef> {
    Some(match i32::try_from(errno).ok()? {
        libc::EAGAIN | libc::EALREADY | libc::EINPROGRESS => &BLOCKING_IO_ERROR,
        libc::EPIPE | libc::ESHUTDOWN => &BROKEN_PIPE_ERROR,
        libc::ECHILD => &CHILD_PROCESS_ERROR,
        libc::ECONNABORTED => &CONNECTION_ABORTED_ERROR,
        libc::ECONNREFUSED => &CONNECTION_REFUSED_ERROR,
        libc::ECONNRESET => &CONNECTION_RESET_ERROR,
        libc::EEXIST => &FILE_EXISTS_ERROR,
        libc::ENOENT => &FILE_NOT_FOUND_ERROR,
        libc::EISDIR => &IS_A_DIRECTORY_ERROR,
        libc::ENOTDIR => &NOT_A_DIRECTORY_ERROR,
        libc::EINTR => &INTERRUPTED_ERROR,
        libc::EACCES | libc::EPERM => &PERMISSION_ERROR,
        libc::ESRCH => &PROCESS_LOOKUP_ERROR,
        libc::ETIMEDOUT => &TIMEOUT_ERROR,
        _ => return None,
    })
}

/// A class that overrides `__init__` but not `__new__` has its arguments parsed by `__init__`, so that
/// it may pass others than those it was called with.
fn parses_in_init(ty: &Type) -> bool {
    ty.slots.init().map_or(0, |f| f as usize) != init as InitFn as usize
        && ty.slots.new().map_or(0, |f| f as usize) == new as crate::slots::NewFn as usize
}

fn new(th: &mut Thread, ty: &Type, a: Args<'_>) -> PyResult {
    if parses_in_init(ty) {
        let args = th.new_tuple(Vec::new());
        return Ok(th.alloc_as(OsError::blank(args), ty));
    }
    no_keywords(th, ty, &a)?;
    let mut class = ty;
    if core::ptr::eq(ty, OS_ERROR.ty())
        && (2..=5).contains(&a.pos().len())
        && let Some(crate::builtins::int::IntRef::Small(n)) = a.pos()[0].as_int()
        && let Some(def) = class_of(n)
    {
        class = def.ty();
    }
    let args = th.new_tuple(Vec::new());
    let o = th.alloc_as(OsError::blank(args), class);
    fill(th, o.borrow(), a.pos())?;
    Ok(o)
}

fn init(th: &mut Thread, o: Borrowed<'_>, a: Args<'_>) -> PyResult<()> {
    if !parses_in_init(o.ty()) {
        return Ok(());
    }
    no_keywords(th, o.ty(), &a)?;
    fill(th, o, a.pos())
}

/// Takes the arguments apart: `(errno, strerror[, filename[, winerror[, filename2]]])`.
fn fill(th: &mut Thread, o: Borrowed<'_>, args: &[Borrowed<'_>]) -> PyResult<()> {
    let e = this::<OsError>(o);
    let mut kept = args;
    if let 2..=5 = args.len() {
        e.errno.set(&e.header, args[0].to_owned());
        e.strerror.set(&e.header, args[1].to_owned());
        if let Some(&filename) = args.get(2)
            && !filename.is_none()
        {
            if core::ptr::eq(o.ty(), BLOCKING_IO_ERROR.ty()) && crate::number::is_index(filename) {
                let n = filename.to_isize(th)?;
                // ORDERING Relaxed: a plain number.
                e.written.store(n, Ordering::Relaxed);
            } else {
                e.filename.set(&e.header, filename.to_owned());
                if let Some(&second) = args.get(4)
                    && !second.is_none()
                {
                    e.filename2.set(&e.header, second.to_owned());
                }
                kept = &args[..2];
            }
        }
    }
    base::set_positional(th, o, kept);
    Ok(())
}

fn str(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let e = this::<OsError>(o);
    let errno = e.errno.get(&e.header);
    let strerror = e.strerror.get(&e.header);
    let filename = e.filename.get(&e.header);
    if filename.is_none() && (errno.is_none() || strerror.is_none()) {
        return base::str(th, o);
    }
    let mut out = typhon_text::StrBuf::with_capacity(64);
    out.push_str("[Errno ");
    push_str_of(th, &mut out, &errno)?;
    out.push_str("] ");
    push_str_of(th, &mut out, &strerror)?;
    if let Some(f) = filename {
        out.push_str(": ");
        let r = f.borrow().repr(th)?;
        out.push_data(r.payload::<Str>().data());
        if let Some(f) = e.filename2.get(&e.header) {
            out.push_str(" -> ");
            let r = f.borrow().repr(th)?;
            out.push_data(r.payload::<Str>().data());
        }
    }
    Ok(th.new_str_buf(out))
}

fn push_str_of(th: &mut Thread, out: &mut typhon_text::StrBuf, v: &Option<Owned>) -> PyResult<()> {
    match v {
        Some(v) => {
            let s = v.borrow().str(th)?;
            out.push_data(s.payload::<Str>().data())
        }
        None => out.push_str("None"),
    }
    Ok(())
}

/// Puts the file names back into the arguments, so that unpickling finds them.
fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let e = this::<OsError>(a[0]);
    let mut args = base::args_of(th, a[0]);
    let t = args.payload::<Tuple>();
    if t.len() == 2
        && let Some(filename) = e.filename.get(&e.header)
    {
        let mut items = vec![t.get(0).to_owned(), t.get(1).to_owned(), filename];
        if let Some(second) = e.filename2.get(&e.header) {
            items.extend([Owned::none(), second]);
        }
        args = th.new_tuple(items);
    }
    let mut parts = vec![a[0].ty().as_value().to_owned(), args];
    parts.extend(base::dict_with_entries(th, a[0])?);
    Ok(th.new_tuple(parts))
}

fn get_written(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    // ORDERING Relaxed: a plain number.
    match this::<OsError>(o).written.load(Ordering::Relaxed) {
        -1 => Err(th.raise(&super::ATTRIBUTE_ERROR, "characters_written")),
        n => Ok(th.new_int(n as i64)),
    }
}

fn set_written(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let e = this::<OsError>(o);
    let n = match v {
        Some(v) => v.to_isize(th)?,
        None => {
            get_written(th, o)?;
            -1
        }
    };
    // ORDERING Relaxed: a plain number.
    e.written.store(n, Ordering::Relaxed);
    Ok(())
}

/// The system's text for an errno.
pub fn strerror(errno: i32) -> String {
    let mut buf = [0u8; 256];
    // SAFETY: the buffer is as long as it says.
    let rc = unsafe { libc::strerror_r(errno, buf.as_mut_ptr().cast(), buf.len()) };
    let end = buf.iter().position(|&b| b == 0).unwrap_or(0);
    if rc != 0 && end == 0 {
        return format!("Unknown error {errno}");
    }
    String::from_utf8_lossy(&buf[..end]).into_owned()
}

/// `OSError(errno, strerror(errno)[, filename[, None, filename2]])`, of the subclass for `errno`.
pub fn new_os_error(
    th: &mut Thread,
    errno: i32,
    filename: Option<Borrowed<'_>>,
    filename2: Option<Borrowed<'_>>,
) -> Owned {
    let text = th.new_str(&strerror(errno));
    let number = th.new_int(i64::from(errno));
    let args = th.new_tuple(vec![number.clone(), text.clone()]);
    let present =
        |v: Option<Borrowed<'_>>| Slot::from_option(v.filter(|v| !v.is_none()).map(|v| v.to_owned()));
    let exc = OsError {
        errno: Slot::new(number),
        strerror: Slot::new(text),
        filename: present(filename),
        filename2: present(filename2),
        ..OsError::blank(args)
    };
    th.alloc_as(exc, class_of(i64::from(errno)).unwrap_or(&OS_ERROR).ty())
}

/// Raises the OSError for `errno`, about `filename` if given.
#[cold]
pub fn os_error(th: &mut Thread, errno: i32, filename: Option<Borrowed<'_>>) -> Raised {
    os_error_with(th, errno, filename, None)
}

/// As [`os_error`], for calls with two paths (`rename`, `link`, …).
#[cold]
pub fn os_error_with(
    th: &mut Thread,
    errno: i32,
    filename: Option<Borrowed<'_>>,
    filename2: Option<Borrowed<'_>>,
) -> Raised {
    let exc = new_os_error(th, errno, filename, filename2);
    chain_context(th, exc.borrow());
    th.set_exc(exc)
}
