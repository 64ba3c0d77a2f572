//! `sys`: what threads wait for and share (`-X sync-stats`).

use super::memory::dict_of;
use crate::contention::{self, Numbers, What};
use crate::object::{Borrowed, Owned, PyResult};
use crate::thread::Thread;
use crate::typedef::NativeDef;

pub(super) const FUNCTIONS: &[NativeDef] = &[NativeDef::new(
    "_sync_stats",
    "()",
    sync_stats,
    "Return what threads waited for and shared until now, as a dict; None without -X sync-stats.\n\n\
     'wall_ns', 'threads', 'thread_ns': since the start, threads that ran Python code, how long they lived.\n\
     'contended_ns': how long threads waited for locks and the GIL.\n\
     'shared_count_operations': counts taken and given back in words that threads share, by all threads.\n\
     'totals': by kind, as in rows.\n\
     'rows': dicts, the longest waits first, then by number: 'what' it is, 'type' of the object, 'file', 'line'\n\
     and 'function' of the innermost line outside of the library (None: no Python code ran), 'inside' as\n\
     FILE:LINE what of the library ran there, 'count', 'waits' in it, of these 'slept', 'wait_ns', 'longest_ns'.",
)];

fn numbers(th: &mut Thread, n: &Numbers) -> Vec<(&'static str, Owned)> {
    let Numbers { count, waits, slept, wait_ns, longest_ns } = *n;
    [("count", count), ("waits", waits), ("slept", slept), ("wait_ns", wait_ns), ("longest_ns", longest_ns)]
        .into_iter()
        .map(|(key, n)| (key, th.new_uint(n)))
        .collect()
}

fn sync_stats(th: &mut Thread, _: &[Borrowed<'_>]) -> PyResult {
    let Some(snapshot) = contention::snapshot() else { return Ok(Owned::none()) };
    let mut totals = Vec::new();
    for what in What::ALL {
        let entries = numbers(th, &snapshot.total(what));
        totals.push((what.name(), dict_of(th, entries)?));
    }
    let mut rows = Vec::new();
    for row in &snapshot.rows {
        let mut entries = numbers(th, &row.numbers);
        entries.push(("what", th.new_str(row.what.name())));
        let mut text = |t: Option<&str>| t.map_or_else(Owned::none, |t| th.new_str(t));
        entries.push(("type", text(row.type_name.as_deref())));
        entries.push(("file", text(row.line.as_ref().map(|l| &*l.file))));
        entries.push(("function", text(row.line.as_ref().map(|l| &*l.function))));
        let inside = row.inside.as_ref().map(|l| format!("{}:{}", l.file, l.line));
        entries.push(("inside", text(inside.as_deref())));
        entries.push(("line", row.line.as_ref().map_or_else(Owned::none, |l| th.new_int(l.line.into()))));
        rows.push(dict_of(th, entries)?);
    }
    let whole = [
        ("wall_ns", th.new_uint(snapshot.wall.as_nanos() as u64)),
        ("threads", th.new_uint(snapshot.n_threads as u64)),
        ("thread_ns", th.new_uint(snapshot.lived.as_nanos() as u64)),
        ("contended_ns", th.new_uint(snapshot.contended_ns())),
        ("shared_count_operations", th.new_uint(snapshot.total(What::SharedCount).count)),
        ("totals", dict_of(th, totals)?),
        ("rows", th.new_list(rows)),
    ];
    dict_of(th, whole)
}
