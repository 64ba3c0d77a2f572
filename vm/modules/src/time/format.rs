//! Calendar time as text.

use typhon_core::builtins::str::Str;
use typhon_core::{ArgsExt, Borrowed, PyResult, Thread};

use super::calendar::{check_tm, to_tm, tuple_to_tm};
use crate::support;

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn now(th: &mut Thread) -> PyResult<libc::tm> {
    let ns = super::read_clock(th, libc::CLOCK_REALTIME)?;
    to_tm(th, ns.div_euclid(1_000_000_000), false)
}

fn text_of(tm: &libc::tm) -> String {
    format!(
        "{} {}{:3} {:02}:{:02}:{:02} {}",
        DAYS[tm.tm_wday.rem_euclid(7) as usize],
        MONTHS[tm.tm_mon.rem_euclid(12) as usize],
        tm.tm_mday,
        tm.tm_hour,
        tm.tm_min,
        tm.tm_sec,
        i64::from(tm.tm_year) + 1900
    )
}

pub fn asctime(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let tm = match a.opt(0) {
        Some(t) => {
            let mut tm = tuple_to_tm(th, t, "asctime")?;
            check_tm(th, &mut tm)?;
            tm
        }
        None => now(th)?,
    };
    Ok(th.new_str(&text_of(&tm)))
}

pub fn ctime(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let tuple = super::calendar::broken_down(th, a.some(0), false)?;
    let tm = tuple_to_tm(th, tuple.borrow(), "ctime")?;
    Ok(th.new_str(&text_of(&tm)))
}

pub fn strftime(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let Some(format) = a[0].downcast::<Str>() else {
        let msg = format!("strftime() argument 1 must be str, not {}", a[0].type_name(th));
        return Err(th.type_error(&msg));
    };
    let (mut tm, given) = match a.opt(1) {
        Some(t) => (tuple_to_tm(th, t, "strftime")?, true),
        None => (now(th)?, false),
    };
    if given {
        check_tm(th, &mut tm)?;
        tm.tm_isdst = tm.tm_isdst.clamp(-1, 1);
    }
    // Names of zones and months come from the C library; `tm_zone` is looked up by `mktime`.
    if tm.tm_zone.is_null() {
        let mut copy = tm;
        // SAFETY: a whole structure; the call fills the zone of the copy.
        unsafe { libc::mktime(&mut copy) };
        tm.tm_zone = copy.tm_zone;
        if tm.tm_gmtoff == 0 {
            tm.tm_gmtoff = copy.tm_gmtoff;
        }
    }
    let mut out = Vec::new();
    let bytes = support::fs_bytes(th, a[0])?;
    // Text between NULs is formatted piece by piece: the C function stops at them.
    for (i, piece) in bytes.split(|&b| b == 0).enumerate() {
        if i > 0 {
            out.push(0);
        }
        append(piece, &tm, &mut out);
    }
    if format.is_ascii() && out.is_ascii() {
        return Ok(th.new_ascii(&out));
    }
    Ok(support::fs_str(th, &out))
}

/// Formats one piece without NULs.
fn append(piece: &[u8], tm: &libc::tm, out: &mut Vec<u8>) {
    if piece.is_empty() {
        return;
    }
    // A byte in front tells an empty result from a buffer that is too small.
    let mut format = vec![b'.'];
    format.extend_from_slice(piece);
    format.push(0);
    let mut size = 256 + piece.len() * 4;
    loop {
        let mut buffer = vec![0u8; size];
        // SAFETY: a C string, a whole structure, and a buffer of the size that is given.
        let n = unsafe { libc::strftime(buffer.as_mut_ptr().cast(), size, format.as_ptr().cast(), tm) };
        if n > 0 {
            out.extend_from_slice(&buffer[1..n]);
            return;
        }
        if size > piece.len() * 256 + (1 << 16) {
            return;
        }
        size *= 4;
    }
}
