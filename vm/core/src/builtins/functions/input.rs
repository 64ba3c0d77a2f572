//! `input`.

use crate::builtins::exceptions as ex;
use crate::builtins::str::Str;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::ArgsExt;
use crate::thread::Thread;

pub fn input(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let stdin = stream(th, "stdin")?;
    let stdout = stream(th, "stdout")?;
    let stderr = stream(th, "stderr")?;
    flush_quietly(th, stderr.borrow())?;
    if let Some(line) = through_readline(th, stdin.borrow(), stdout.borrow(), a.opt(0))? {
        return Ok(line);
    }
    if let Some(prompt) = a.opt(0) {
        let text = prompt.str(th)?;
        let name = th.rt.names.write.get();
        stdout.borrow().call_method(th, name, &[text.borrow()])?;
    }
    flush_quietly(th, stdout.borrow())?;
    let name = th.rt.names.readline.get();
    let line = stdin.borrow().call_method(th, name, &[])?;
    let Some(s) = line.downcast::<Str>() else {
        return Err(th.type_error("object.readline() returned non-string"));
    };
    let data = s.data();
    if data.is_empty() {
        return Err(th.raise(&ex::EOF_ERROR, "EOF when reading a line"));
    }
    if data.get(data.len() - 1) == u32::from('\n') {
        return Ok(th.new_str_data(data.slice(0, data.len() - 1)));
    }
    Ok(line)
}

fn stream(th: &mut Thread, name: &str) -> PyResult {
    match th.sys_get(name).filter(|f| !f.is_none()) {
        Some(f) => Ok(f),
        None => {
            let msg = format!("lost sys.{name}");
            Err(th.runtime_error(&msg))
        }
    }
}

/// Flushes; a stream that refuses is not `input`'s business.
fn flush_quietly(th: &mut Thread, file: Borrowed<'_>) -> PyResult<()> {
    let name = th.rt.names.flush.get();
    let r = file.call_method(th, name, &[]);
    th.absorb(r, &ex::EXCEPTION)?;
    Ok(())
}

/// At a terminal a line editor may read the line: a callable stored as `"readline"` that takes the
/// prompt and gives the line without its end, or None at the end of the input.
fn through_readline(
    th: &mut Thread,
    stdin: Borrowed<'_>,
    stdout: Borrowed<'_>,
    prompt: Option<Borrowed<'_>>,
) -> PyResult<Option<Owned>> {
    let Some(editor) = th.rt.stored("readline") else { return Ok(None) };
    if !is_terminal(th, stdin, 0)? || !is_terminal(th, stdout, 1)? {
        return Ok(None);
    }
    flush_quietly(th, stdout)?;
    let text = match prompt {
        Some(p) => p.str(th)?,
        None => th.empty_str(),
    };
    let line = editor.borrow().call(th, &[text.borrow()])?;
    if line.is_none() {
        return Err(th.raise_empty(&ex::EOF_ERROR));
    }
    Ok(Some(line))
}

/// Is this stream the process's own descriptor `fd`, and a terminal?
fn is_terminal(th: &mut Thread, stream: Borrowed<'_>, fd: i32) -> PyResult<bool> {
    let name = th.rt.names.fileno.get();
    let r = stream.call_method(th, name, &[]);
    let Some(n) = th.absorb(r, &ex::EXCEPTION)? else { return Ok(false) };
    // SAFETY: a query about a descriptor number.
    Ok(n.word().is_int() && n.word().int() == i64::from(fd) && unsafe { libc::isatty(fd) } == 1)
}
