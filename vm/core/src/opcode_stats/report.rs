//! What was counted, for people and as JSON.

use core::cmp::Reverse;
use core::fmt::Write;

use super::{COLUMNS, START, Sums, sums};
use crate::contention::mode_name;
use crate::interp::opcodes::Op;
use crate::runtime::Output;
use crate::thread::Thread;

/// Rows of a table for people.
const SHOWN: usize = 40;

/// Writes the report that `-X opcode-stats` asked for. What runs after it is not in it.
pub fn finish(th: &Thread) {
    let (Some(output), Some(sums)) = (&th.rt.config.opcode_stats, sums()) else { return };
    let ranked = Ranked::new(&sums);
    match output {
        Output::Stderr => eprint!("{}", ranked.text()),
        Output::File(path) => {
            let json = ranked.json(mode_name(th.rt.threads.mode()));
            if let Err(e) = std::fs::write(path, json) {
                eprintln!("-X opcode-stats={}: cannot write this file: {e}", path.display());
            }
        }
    }
}

/// The counts, the highest first; those that are 0 are left out.
struct Ranked {
    n_threads: usize,
    total: u64,
    ops: Vec<(Op, u64)>,
    pairs: Vec<(Op, Op, u64)>,
    /// Instructions with caches: the general form, how often it ran, and how often that found no fitting cache.
    caches: Vec<(Op, Op, u64, u64)>,
}

impl Ranked {
    fn new(sums: &Sums) -> Ranked {
        let pair = |first: usize, then: Op| sums.pairs[first * COLUMNS + then as usize];
        let count = |op: Op| {
            Op::ALL.iter().map(|&first| first as usize).chain([START]).map(|first| pair(first, op)).sum()
        };
        let mut ops: Vec<(Op, u64)> = Op::ALL.iter().map(|&op| (op, count(op))).collect();
        ops.retain(|&(_, n)| n > 0);
        let both = |&first: &Op| Op::ALL.iter().map(move |&then| (first, then, pair(first as usize, then)));
        let mut pairs: Vec<(Op, Op, u64)> = Op::ALL.iter().flat_map(both).collect();
        pairs.retain(|&(_, _, n)| n > 0);
        let is_general = |op: Op| Op::ALL.iter().any(|other| other.general() == Some(op));
        let caches = |&(op, n): &(Op, u64)| {
            let general = op.general().or(is_general(op).then_some(op))?;
            Some((op, general, n, sums.misses[op as usize]))
        };
        let mut caches: Vec<_> = ops.iter().filter_map(caches).collect();
        ops.sort_by_key(|&(_, n)| Reverse(n));
        pairs.sort_by_key(|&(_, _, n)| Reverse(n));
        caches.sort_by_key(|&(_, _, n, misses)| Reverse((misses, n)));
        Ranked { n_threads: sums.n_threads, total: ops.iter().map(|&(_, n)| n).sum(), ops, pairs, caches }
    }

    /// For people.
    fn text(&self) -> String {
        let mut out = format!("opcode-stats: {} instructions, {} threads\n", self.total, self.n_threads);
        let percent = |n: u64, of: u64| format!("{:.2} %", n as f64 / of.max(1) as f64 * 100.0);
        let mut sum = 0;
        let ops = self.ops.iter().map(|&(op, n)| {
            sum += n;
            [op.name().into(), n.to_string(), percent(n, self.total), percent(sum, self.total)]
        });
        table(&mut out, 1, ["instruction", "count", "share", "with those above"], ops);
        let pairs = self.pairs.iter().map(|&(first, then, n)| {
            [first.name().into(), then.name().into(), n.to_string(), percent(n, self.total)]
        });
        table(&mut out, 2, ["instruction", "the next one", "count", "share"], pairs);
        let caches = self.caches.iter().map(|&(op, general, n, misses)| {
            let rate = percent(n.saturating_sub(misses), n);
            [op.name().into(), general.name().into(), n.to_string(), misses.to_string(), rate]
        });
        table(&mut out, 2, ["instruction", "a version of", "count", "cache misses", "hits"], caches);
        out
    }

    /// For programs.
    fn json(&self, mode: &str) -> String {
        let mut out = format!(
            "{{\"schema\": {SCHEMA}, \"mode\": \"{mode}\", \"threads\": {}, \"instructions\": {},\n",
            self.n_threads, self.total
        );
        let ops = self.ops.iter().map(|(op, n)| format!("{{\"op\": \"{}\", \"count\": {n}}}", op.name()));
        list(&mut out, "ops", ops);
        out.push_str(",\n");
        let pairs = self.pairs.iter().map(|(first, then, n)| {
            format!("{{\"op\": \"{}\", \"next\": \"{}\", \"count\": {n}}}", first.name(), then.name())
        });
        list(&mut out, "pairs", pairs);
        out.push_str(",\n");
        let caches = self.caches.iter().map(|(op, general, n, misses)| {
            let (op, general) = (op.name(), general.name());
            format!("{{\"op\": \"{op}\", \"of\": \"{general}\", \"count\": {n}, \"misses\": {misses}}}")
        });
        list(&mut out, "caches", caches);
        out.push_str("}\n");
        out
    }
}

/// Version of the form of the JSON object. It changes when a field changes its meaning.
const SCHEMA: u32 = 1;

fn list(out: &mut String, name: &str, rows: impl Iterator<Item = String>) {
    let rows: Vec<String> = rows.collect();
    let _ = write!(out, "\"{name}\": [\n{}\n]", rows.join(",\n"));
}

/// The first rows, their first `words` columns to the left and the others to the right.
fn table<const N: usize>(
    out: &mut String,
    words: usize,
    head: [&str; N],
    rows: impl ExactSizeIterator<Item = [String; N]>,
) {
    let n_rows = rows.len();
    let lines: Vec<[String; N]> = core::iter::once(head.map(String::from)).chain(rows.take(SHOWN)).collect();
    let widths: [usize; N] =
        core::array::from_fn(|column| lines.iter().map(|line| line[column].len()).max().unwrap_or(0));
    out.push('\n');
    for line in &lines {
        let mut text = String::new();
        for (column, (cell, width)) in line.iter().zip(widths).enumerate() {
            let _ = if column < words {
                write!(text, "{cell:<width$}  ")
            } else {
                write!(text, "{cell:>width$}  ")
            };
        }
        let _ = writeln!(out, "{}", text.trim_end());
    }
    if n_rows > SHOWN {
        let _ = writeln!(out, "({} more)", n_rows - SHOWN);
    }
}
