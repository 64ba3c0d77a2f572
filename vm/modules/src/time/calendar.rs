//! Calendar time: `struct_time`, local time, time zones.

use typhon_core::builtins::struct_sequence::{self, StructSequence};
use typhon_core::builtins::tuple::Tuple;
use typhon_core::{Borrowed, Owned, PyResult, Thread, Type};

use crate::support::{self, ModuleExt};

unsafe extern "C" {
    /// Reads `TZ`. POSIX; not in the `libc` crate for Linux.
    fn tzset();
}

static STRUCT_TIME: StructSequence = StructSequence {
    name: "time.struct_time",
    doc: "The time value as returned by gmtime(), localtime(), and strptime(), and\n accepted by asctime(), mktime() and strftime().",
    fields: &[
        "tm_year",
        "tm_mon",
        "tm_mday",
        "tm_hour",
        "tm_min",
        "tm_sec",
        "tm_wday",
        "tm_yday",
        "tm_isdst",
        "tm_zone",
        "tm_gmtoff",
    ],
    n_visible: 9,
    constructible: true,
};

/// The type `time.struct_time`.
pub fn struct_time(th: &mut Thread) -> PyResult<&'static Type> {
    struct_sequence::register(th, &STRUCT_TIME)
}

/// Makes the C library read the time zone again.
pub fn forget_zone() {
    // SAFETY: sets the C library's own variables.
    unsafe { tzset() }
}

/// Whole seconds of a time argument, rounded down; now for `None`.
fn seconds(th: &mut Thread, arg: Option<Borrowed<'_>>) -> PyResult<i64> {
    let Some(v) = arg else {
        return super::read_clock(th, libc::CLOCK_REALTIME).map(|ns| ns.div_euclid(1_000_000_000));
    };
    if let Some(f) = v.as_float() {
        if f.is_nan() {
            return Err(th.value_error("Invalid value NaN (not a number)"));
        }
        let f = f.floor();
        if !(-9.2e18..=9.2e18).contains(&f) {
            return Err(super::out_of_range(th));
        }
        return Ok(f as i64);
    }
    let i = v.index(th)?;
    match i.borrow().as_int() {
        Some(typhon_core::builtins::int::IntRef::Small(s)) => Ok(s),
        _ => Err(super::out_of_range(th)),
    }
}

/// `gmtime` (with `utc`) and `localtime`.
pub fn broken_down(th: &mut Thread, arg: Option<Borrowed<'_>>, utc: bool) -> PyResult {
    let t = seconds(th, arg)?;
    let tm = to_tm(th, t, utc)?;
    from_tm(th, &tm)
}

/// Seconds as the C library's calendar time.
pub fn to_tm(th: &mut Thread, t: i64, utc: bool) -> PyResult<libc::tm> {
    // SAFETY: whole structures; the functions are the reentrant ones.
    unsafe {
        let mut tm: libc::tm = core::mem::zeroed();
        let p = if utc { libc::gmtime_r(&t, &mut tm) } else { libc::localtime_r(&t, &mut tm) };
        if p.is_null() { Err(support::last_os_error(th)) } else { Ok(tm) }
    }
}

pub fn from_tm(th: &mut Thread, tm: &libc::tm) -> PyResult {
    let numbers = [
        i64::from(tm.tm_year) + 1900,
        i64::from(tm.tm_mon) + 1,
        i64::from(tm.tm_mday),
        i64::from(tm.tm_hour),
        i64::from(tm.tm_min),
        i64::from(tm.tm_sec),
        i64::from((tm.tm_wday + 6) % 7),
        i64::from(tm.tm_yday) + 1,
        i64::from(tm.tm_isdst),
    ];
    let mut fields: Vec<Owned> = numbers.iter().map(|&n| th.new_int(n)).collect();
    // SAFETY: the C library's string, or null.
    fields.push(unsafe { support::c_text(th, tm.tm_zone) });
    fields.push(th.new_int(tm.tm_gmtoff));
    let ty = struct_time(th)?;
    Ok(struct_sequence::new_instance(th, ty, fields))
}

/// The C library's calendar time of a time tuple. Errors: TypeError; OverflowError.
pub fn tuple_to_tm(th: &mut Thread, v: Borrowed<'_>, function: &str) -> PyResult<libc::tm> {
    let Some(t) = v.downcast::<Tuple>() else {
        return Err(th.type_error("Tuple or struct_time argument required"));
    };
    if t.len() != 9 {
        return Err(th.type_error(&format!("{function}(): illegal time tuple argument")));
    }
    let mut n = [0i32; 9];
    for (i, slot) in n.iter_mut().enumerate() {
        *slot = support::c_int(th, t.get(i))?;
    }
    let Some(year) = n[0].checked_sub(1900) else { return Err(th.overflow_error("year out of range")) };
    // SAFETY: all-zero is a valid tm.
    let mut tm: libc::tm = unsafe { core::mem::zeroed() };
    tm.tm_year = year;
    tm.tm_mon = n[1].wrapping_sub(1);
    tm.tm_mday = n[2];
    tm.tm_hour = n[3];
    tm.tm_min = n[4];
    tm.tm_sec = n[5];
    tm.tm_wday = n[6].wrapping_add(1).rem_euclid(7);
    tm.tm_yday = n[7].wrapping_sub(1);
    tm.tm_isdst = n[8];
    // A struct_time also knows its zone.
    if core::ptr::eq(v.ty(), struct_time(th)?)
        && let Some(offset) = struct_sequence::get(t, 10).filter(|o| !o.is_none())
    {
        tm.tm_gmtoff = offset.to_i64(th)?;
    }
    Ok(tm)
}

/// Checks and normalises what `strftime` and `asctime` are given. Errors: ValueError.
pub fn check_tm(th: &mut Thread, tm: &mut libc::tm) -> PyResult<()> {
    // Zero is allowed for what people leave out.
    if tm.tm_mon == -1 {
        tm.tm_mon = 0;
    }
    if tm.tm_mday == 0 {
        tm.tm_mday = 1;
    }
    if tm.tm_yday == -1 {
        tm.tm_yday = 0;
    }
    let bad = if !(0..=11).contains(&tm.tm_mon) {
        "month out of range"
    } else if !(1..=31).contains(&tm.tm_mday) {
        "day of month out of range"
    } else if !(0..=23).contains(&tm.tm_hour) {
        "hour out of range"
    } else if !(0..=59).contains(&tm.tm_min) {
        "minute out of range"
    } else if !(0..=61).contains(&tm.tm_sec) {
        "seconds out of range"
    } else if tm.tm_wday < 0 {
        "day of week out of range"
    } else if !(0..=365).contains(&tm.tm_yday) {
        "day of year out of range"
    } else {
        return Ok(());
    };
    Err(th.value_error(bad))
}

pub fn mktime(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let mut tm = tuple_to_tm(th, a[0], "mktime")?;
    tm.tm_wday = -1;
    // SAFETY: a whole structure.
    let t = unsafe { libc::mktime(&mut tm) };
    // -1 is also a valid time; the call sets the weekday only when it succeeds.
    if t == -1 && tm.tm_wday == -1 {
        return Err(th.overflow_error("mktime argument out of range"));
    }
    Ok(th.new_float(t as f64))
}

/// `timezone`, `altzone`, `daylight`, `tzname`.
pub fn set_zone(th: &mut Thread, m: Borrowed<'_>) -> PyResult<()> {
    const YEAR: i64 = (365 * 24 + 6) * 3600;
    let now = super::read_clock(th, libc::CLOCK_REALTIME)? / 1_000_000_000;
    let start = now / YEAR * YEAR;
    let january = to_tm(th, start, false)?;
    let july = to_tm(th, start + YEAR / 2, false)?;
    // SAFETY: the C library's strings.
    let (a, b) = unsafe { (support::c_text(th, january.tm_zone), support::c_text(th, july.tm_zone)) };
    let (west_a, west_b) = (-january.tm_gmtoff, -july.tm_gmtoff);
    // Daylight saving time is the one that lies further east.
    let southern = west_a < west_b;
    let (standard, summer, names) =
        if southern { (west_b, west_a, vec![b, a]) } else { (west_a, west_b, vec![a, b]) };
    m.add_int(th, "timezone", standard)?;
    m.add_int(th, "altzone", summer)?;
    m.add_int(th, "daylight", i64::from(west_a != west_b))?;
    let names = th.new_tuple(names);
    m.add(th, "tzname", names)
}
