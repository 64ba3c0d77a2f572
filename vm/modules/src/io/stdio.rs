//! `sys.stdin`, `sys.stdout` and `sys.stderr`.

use std::time::{Duration, Instant};

use typhon_core::{Args, Owned, PyResult, Thread};

use super::{buffered_types, fileio, text};

/// How long [`between_writes`] waits for a thread that is writing.
const WRITE_TAKES: Duration = Duration::from_secs(1);

/// How one of the three is made.
struct Standard {
    name: &'static str,
    fd: i32,
    writable: bool,
    errors: &'static str,
}

const STANDARD: [Standard; 3] = [
    Standard { name: "stdin", fd: 0, writable: false, errors: "surrogateescape" },
    Standard { name: "stdout", fd: 1, writable: true, errors: "surrogateescape" },
    Standard { name: "stderr", fd: 2, writable: true, errors: "backslashreplace" },
];

/// Encoding and error handler from `PYTHONIOENCODING` (`encoding[:errors]`).
fn from_environment(th: &Thread) -> (Option<String>, Option<String>) {
    if th.rt.config.ignore_environment {
        return (None, None);
    }
    let Some(v) = std::env::var("PYTHONIOENCODING").ok().filter(|v| !v.is_empty()) else {
        return (None, None);
    };
    let (encoding, errors) = match v.split_once(':') {
        Some((e, h)) => (e, h),
        None => (v.as_str(), ""),
    };
    let some = |s: &str| if s.is_empty() { None } else { Some(s.to_owned()) };
    (some(encoding), some(errors))
}

/// Is the locale one in which bytes that are no UTF-8 should survive a round trip?
fn lenient_locale(utf8_mode: bool) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().filter_map(std::env::var_os).find(|v| !v.is_empty());
    utf8_mode && locale.is_none_or(|l| l == "C" || l == "POSIX" || l == "C.UTF-8" || l == "C.utf8")
}

/// Makes the three streams and binds them in `sys` (also as `__stdin__`, …), and `open` in `builtins`. A
/// descriptor that is not open gives None.
pub fn install(th: &mut Thread) -> PyResult<()> {
    let io = crate::support::import(th, "_io")?;
    let (open, key) = (io.borrow().getattr_str(th, "open")?, th.intern("open"));
    th.builtins_dict().setitem(th, key.borrow(), open.borrow())?;
    let (encoding, errors) = from_environment(th);
    let lenient = lenient_locale(th.rt.config.utf8_mode);
    for s in &STANDARD {
        let handler = match (s.name, &errors) {
            ("stderr", _) => s.errors,
            (_, Some(e)) => e,
            (_, None) if lenient => s.errors,
            _ => "strict",
        };
        let stream = make(th, s, encoding.as_deref().unwrap_or("utf-8"), handler)?;
        th.sys_set(&format!("__{}__", s.name), stream.clone())?;
        th.sys_set(s.name, stream)?;
    }
    Ok(())
}

/// Runs `f` at a moment when no other thread is in the middle of writing to `sys.stdout` or `sys.stderr`, if there
/// is one before long: whoever is left behind by `f` leaves them usable.
pub fn between_writes(th: &mut Thread, f: &mut dyn FnMut(&mut Thread)) {
    let limit = Instant::now() + WRITE_TAKES;
    let streams = [th.sys_get("stdout"), th.sys_get("stderr")];
    let texts =
        streams.each_ref().map(|s| s.as_ref().and_then(|s| text::enter_before(th, s.borrow(), limit)));
    let buffers = texts.each_ref().map(|text| {
        let buffer = text.as_ref()?.1.as_ref()?;
        buffered_types::exact_core(buffer.borrow())?.enter_before(th, limit)
    });
    f(th);
    drop(buffers);
    drop(texts);
}

fn make(th: &mut Thread, s: &Standard, encoding: &str, errors: &str) -> PyResult {
    // SAFETY: a plain system call.
    if unsafe { libc::fcntl(s.fd, libc::F_GETFD) } < 0 {
        return Ok(Owned::none());
    }
    let unbuffered = th.rt.config.unbuffered;
    let (fd, mode, no) =
        (th.new_int(i64::from(s.fd)), th.new_str(if s.writable { "wb" } else { "rb" }), Owned::bool(false));
    let raw = fileio::FILE_IO.ty().as_value().call(th, &[fd.borrow(), mode.borrow(), no.borrow()]);
    let raw = match raw {
        Ok(r) => r,
        Err(raised) => {
            // A directory as standard input, and the like.
            drop(th.catch(raised));
            return Ok(Owned::none());
        }
    };
    let shown = th.new_str(&format!("<{}>", s.name));
    let name = th.rt.names.name.get();
    raw.borrow().setattr(th, name, Some(shown.borrow()))?;
    let buffer = if unbuffered && s.writable {
        raw.clone()
    } else {
        let class =
            if s.writable { &buffered_types::BUFFERED_WRITER } else { &buffered_types::BUFFERED_READER };
        let size = th.new_int(super::DEFAULT_BUFFER_SIZE as i64);
        class.ty().as_value().call(th, &[raw.borrow(), size.borrow()])?
    };
    // SAFETY: a plain system call.
    let terminal = unsafe { libc::isatty(s.fd) } == 1;
    let line = Owned::bool(!unbuffered && (terminal || s.name == "stderr"));
    let (encoding, errors) = (th.new_str(encoding), th.new_str(errors));
    let newline = th.new_str("\n");
    let newline = if s.writable { newline.borrow() } else { typhon_core::Borrowed::none() };
    let through = Owned::bool(unbuffered && s.writable);
    let args =
        [buffer.borrow(), encoding.borrow(), errors.borrow(), newline, line.borrow(), through.borrow()];
    let stream = text::TEXT_IO.ty().as_value().call_args(th, Args::positional(&args))?;
    let (mode, key) = (th.new_str(if s.writable { "w" } else { "r" }), th.rt.names.mode.get());
    stream.borrow().setattr(th, key, Some(mode.borrow()))?;
    Ok(stream)
}

/// Flushes `sys.stdout` and `sys.stderr`. False if one of them failed; the failure of stdout is reported.
pub fn flush(th: &mut Thread) -> bool {
    let mut fine = true;
    for name in ["stdout", "stderr"] {
        let Some(stream) = th.sys_get(name).filter(|s| !s.is_none()) else { continue };
        let closed = super::base::is_closed(th, stream.borrow());
        match closed {
            Ok(true) => continue,
            Ok(false) => {}
            Err(raised) => {
                drop(th.catch(raised));
                continue;
            }
        }
        let flush = th.rt.names.flush.get();
        if let Err(raised) = stream.borrow().call_method(th, flush, &[]) {
            let exc = th.catch(raised);
            if name == "stdout" {
                typhon_core::report::unraisable(
                    th,
                    exc,
                    Some("Exception ignored while flushing sys.stdout"),
                    Some(stream.borrow()),
                );
            }
            fine = false;
        }
    }
    fine
}
