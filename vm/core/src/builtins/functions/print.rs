//! `print`.

use crate::builtins::str::Str;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::Args;
use crate::thread::Thread;
use crate::typedef::type_flags;
use typhon_text::StrBuf;

pub fn print(th: &mut Thread, a: Args<'_>) -> PyResult {
    let (mut sep, mut end, mut file, mut flush) = (None, None, None, None);
    for (k, v) in a.keywords() {
        let k = k.expect_str(th, "keywords")?;
        if k.is_text("sep") {
            sep = text_option(th, "sep", v)?;
        } else if k.is_text("end") {
            end = text_option(th, "end", v)?;
        } else if k.is_text("file") {
            file = Some(v).filter(|v| !v.is_none());
        } else if k.is_text("flush") {
            flush = Some(v);
        } else {
            let msg = format!("print() got an unexpected keyword argument '{}'", k.to_text());
            return Err(th.type_error(&msg));
        }
    }
    let stdout;
    let file = match file {
        Some(f) => f,
        None => match th.sys_get("stdout") {
            Some(f) => {
                stdout = f;
                stdout.borrow()
            }
            None => return Err(th.runtime_error("lost sys.stdout")),
        },
    };
    // A program without a terminal may have no standard output.
    if file.is_none() {
        return Ok(Owned::none());
    }
    if file.ty().has_flag(type_flags::HEAP) {
        print_by_parts(th, file, a.pos(), sep, end)?;
    } else {
        print_at_once(th, file, a.pos(), sep, end)?;
    }
    if let Some(f) = flush
        && f.truth(th)?
    {
        let name = th.rt.names.flush.get();
        file.call_method(th, name, &[])?;
    }
    Ok(Owned::none())
}

fn text_option<'a>(th: &mut Thread, what: &str, v: Borrowed<'a>) -> PyResult<Option<&'a Str>> {
    match v.downcast::<Str>() {
        Some(s) => Ok(Some(s)),
        None if v.is_none() => Ok(None),
        None => {
            let msg = format!("{what} must be None or a string, not {}", v.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

/// A native file cannot tell one write from several: the line goes out whole, also beside other threads.
fn print_at_once(
    th: &mut Thread,
    file: Borrowed<'_>,
    values: &[Borrowed<'_>],
    sep: Option<&Str>,
    end: Option<&Str>,
) -> PyResult<()> {
    let mut out = StrBuf::with_capacity(64);
    for (i, &v) in values.iter().enumerate() {
        if i > 0 {
            match sep {
                Some(s) => out.push_data(s.data()),
                None => out.push_ascii(b" "),
            }
        }
        push_str_of(th, v, &mut out)?;
    }
    match end {
        Some(s) => out.push_data(s.data()),
        None => out.push_ascii(b"\n"),
    }
    let text = th.new_str_buf(out);
    let name = th.rt.names.write.get();
    file.call_method(th, name, &[text.borrow()])?;
    Ok(())
}

/// Appends `str(v)`.
pub fn push_str_of(th: &mut Thread, v: Borrowed<'_>, out: &mut StrBuf) -> PyResult<()> {
    if let Some(s) = v.downcast_exact::<Str>() {
        out.push_data(s.data());
    } else if v.word().is_int() {
        out.push_int(v.word().int());
    } else {
        let s = v.str(th)?;
        out.push_data(s.payload::<Str>().data());
    }
    Ok(())
}

/// A file class written in Python sees each value, separator and end as a write of its own.
fn print_by_parts(
    th: &mut Thread,
    file: Borrowed<'_>,
    values: &[Borrowed<'_>],
    sep: Option<&Str>,
    end: Option<&Str>,
) -> PyResult<()> {
    let name = th.rt.names.write.get();
    for (i, &v) in values.iter().enumerate() {
        if i > 0 {
            let s = sep.map_or_else(|| th.intern(" "), |s| Borrowed::from_payload(s).to_owned());
            file.call_method(th, name, &[s.borrow()])?;
        }
        let s = v.str(th)?;
        file.call_method(th, name, &[s.borrow()])?;
    }
    let s = end.map_or_else(|| th.intern("\n"), |s| Borrowed::from_payload(s).to_owned());
    file.call_method(th, name, &[s.borrow()])?;
    Ok(())
}
