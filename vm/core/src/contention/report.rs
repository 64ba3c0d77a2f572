//! What was recorded, for people and as JSON.

use core::fmt::Write;
use std::collections::HashMap;
use std::sync::Arc;

use typhon_sync::Mode;

use super::places::Line;
use super::snapshot;
use super::table::{Numbers, Row, Snapshot, What};
use crate::runtime::Output;
use crate::thread::Thread;

/// Rows of a table for people.
const SHOWN: usize = 10;
/// Less often is not worth a row, where nobody waits.
const LEAST: u64 = 100;
/// Characters of a source line that are shown.
const WIDTH: usize = 60;

/// Writes the report that `-X sync-stats` asked for. What happens after it is not in it.
pub fn finish(th: &Thread) {
    let (Some(output), Some(snapshot)) = (&th.rt.config.sync_stats, snapshot()) else { return };
    match output {
        Output::Stderr => eprint!("{}", text(&snapshot, th.rt.config.embedded_library())),
        Output::File(path) => {
            if let Err(e) = std::fs::write(path, json(&snapshot, th)) {
                eprintln!("-X sync-stats={}: cannot write this file: {e}", path.display());
            }
        }
    }
}

/// Source files that were read.
#[derive(Default)]
struct Sources(HashMap<Arc<str>, String>);

impl Sources {
    fn line(&mut self, of: &Line) -> &str {
        let source = self.0.entry(of.file.clone()).or_insert_with(|| {
            let bytes = std::fs::read(&*of.file).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        });
        let line = (of.line as usize).checked_sub(1).and_then(|n| source.lines().nth(n));
        line.unwrap_or("").trim()
    }
}

// For people.

fn text(snapshot: &Snapshot, library: String) -> String {
    let mut out = String::new();
    let lived = snapshot.lived.as_nanos() as f64;
    let share = if lived > 0.0 { snapshot.contended_ns() as f64 / lived * 100.0 } else { 0.0 };
    let _ = writeln!(
        out,
        "sync-stats: {} of wall time; {} threads lived {} together, {share:.1} % of it waiting for locks or the GIL",
        time(snapshot.wall.as_nanos() as u64),
        snapshot.n_threads,
        time(lived as u64),
    );
    for what in What::ALL {
        let Numbers { count, waits, slept, wait_ns, .. } = snapshot.total(what);
        let waited = format!(", {waits} waits of {} together, {slept} asleep", time(wait_ns));
        if count > 0 {
            let _ = writeln!(out, "  {}: {count}{}", what.name(), if waits > 0 { &waited } else { "" });
        }
    }
    let mut tables = Tables { out, sources: Sources::default(), library };
    let waits = |row: &&Row| row.numbers.waits > 0 && row.what != What::Condition;
    tables.add("Waits, the longest first", snapshot.rows.iter().filter(waits));
    let of = |what: What| snapshot.rows.iter().filter(move |row| row.what == what);
    tables.add("References counted between threads", of(What::SharedCount));
    tables.add("References left to the owners of their objects", of(What::Queued));
    tables.add("Idle", of(What::Condition));
    tables.out
}

struct Tables {
    out: String,
    sources: Sources,
    /// The folder of the library inside the command.
    library: String,
}

impl Tables {
    /// A table with the first rows, and what can be done about them.
    fn add<'a>(&mut self, title: &str, rows: impl Iterator<Item = &'a Row>) {
        let all: Vec<&Row> = rows.collect();
        let size = |row: &Row| if row.numbers.waits > 0 { row.numbers.wait_ns } else { row.numbers.count };
        let share = all.iter().map(|row| size(row)).sum::<u64>() / 100;
        let matters =
            |row: &&Row| size(row) >= share && (row.numbers.waits > 0 || row.numbers.count >= LEAST);
        let rows: Vec<&Row> = all.iter().copied().take(SHOWN).filter(matters).collect();
        if rows.is_empty() {
            return;
        }
        let waits = rows.iter().any(|row| row.numbers.waits > 0);
        let mut head = vec!["what", "type", "count"];
        head.extend(["waits", "time", "longest"].into_iter().filter(|_| waits));
        head.push("line");
        let mut lines = vec![head.into_iter().map(String::from).collect::<Vec<_>>()];
        for row in &rows {
            let Numbers { count, waits: n, wait_ns, longest_ns, .. } = row.numbers;
            let type_name = row.type_name.as_deref().unwrap_or("");
            let mut cells = vec![row.what.name().to_owned(), type_name.to_owned(), count.to_string()];
            if waits {
                cells.extend([n.to_string(), time(wait_ns), time(longest_ns)]);
            }
            cells.push(self.place(row));
            lines.push(cells);
        }
        let last = lines[0].len() - 1;
        let width = |column: usize| lines.iter().map(|l| l[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..=last).map(width).collect();
        let _ = writeln!(self.out, "\n{title}");
        for line in &lines {
            let mut text = String::new();
            for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
                // Numbers to the right, words to the left.
                let _ = if column < 2 || column == last {
                    write!(text, "{cell:<width$}  ")
                } else {
                    write!(text, "{cell:>width$}  ")
                };
            }
            let _ = writeln!(self.out, "{}", text.trim_end());
        }
        if all.len() > rows.len() {
            let _ = writeln!(self.out, "({} smaller ones)", all.len() - rows.len());
        }
        for what in What::ALL.into_iter().filter(|what| rows.iter().any(|row| row.what == *what)) {
            let _ = writeln!(self.out, "{}: {}", what.name(), what.advice());
        }
    }

    /// `file:line text`, and what of the library ran there.
    fn place(&mut self, row: &Row) -> String {
        let Some(line) = &row.line else { return String::from("(no Python code)") };
        let text: String = self.sources.line(line).chars().take(WIDTH).collect();
        let mut place = format!("{}:{}  {text}", self.shown(&line.file), line.line);
        if let Some(inside) = &row.inside {
            let _ = write!(place, "  (in {}, {}:{})", inside.function, self.shown(&inside.file), inside.line);
        }
        place
    }

    /// A path without the current folder, or without that of the library.
    fn shown(&self, file: &str) -> String {
        let below = |folder: &str| file.strip_prefix(folder).and_then(|file| file.strip_prefix('/'));
        let here = std::env::current_dir().unwrap_or_default();
        let shown = below(&self.library).or_else(|| here.to_str().and_then(below));
        shown.unwrap_or(file).to_owned()
    }
}

fn time(ns: u64) -> String {
    let ns = ns as f64;
    match ns {
        ns if ns >= 1e9 => format!("{:.2} s", ns / 1e9),
        ns if ns >= 1e6 => format!("{:.2} ms", ns / 1e6),
        ns => format!("{:.1} µs", ns / 1e3),
    }
}

// For programs.

/// Version of the form of the JSON object. It changes when a field changes its meaning.
const SCHEMA: u32 = 1;

/// A way to count references, as programs know it.
pub(crate) const fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Gil => "gil",
        Mode::Biased => "biased",
        Mode::Atomic => "atomic",
        Mode::Deferred => "deferred",
    }
}

fn json(snapshot: &Snapshot, th: &Thread) -> String {
    let mode = mode_name(th.rt.threads.mode());
    let mut out = format!(
        "{{\"schema\": {SCHEMA}, \"mode\": \"{mode}\", \"library\": {}, \"wall_ns\": {}, \"threads\": {}, \"thread_ns\": {}, \
         \"contended_ns\": {}, \"shared_count_operations\": {},\n\"totals\": {{",
        quoted(&th.rt.config.embedded_library()),
        snapshot.wall.as_nanos(),
        snapshot.n_threads,
        snapshot.lived.as_nanos(),
        snapshot.contended_ns(),
        snapshot.total(What::SharedCount).count,
    );
    for (i, what) in What::ALL.into_iter().enumerate() {
        let _ = write!(out, "{}\"{}\": {{", if i == 0 { "" } else { ", " }, what.name());
        numbers(&mut out, &snapshot.total(what));
        let _ = write!(out, ", \"advice\": {}}}", quoted(what.advice()));
    }
    out.push_str("},\n\"rows\": [");
    let mut sources = Sources::default();
    for (i, row) in snapshot.rows.iter().enumerate() {
        let _ = write!(out, "{}\n{{\"what\": \"{}\", ", if i == 0 { "" } else { "," }, row.what.name());
        numbers(&mut out, &row.numbers);
        let type_name = row.type_name.as_deref().map_or_else(|| String::from("null"), quoted);
        let _ = write!(out, ", \"type\": {type_name}, \"line\": {}", line(row.line.as_ref(), &mut sources));
        let _ = write!(out, ", \"inside\": {}}}", line(row.inside.as_ref(), &mut sources));
    }
    out.push_str("\n]}\n");
    out
}

fn numbers(out: &mut String, n: &Numbers) {
    let Numbers { count, waits, slept, wait_ns, longest_ns } = n;
    let _ = write!(
        out,
        "\"count\": {count}, \"waits\": {waits}, \"slept\": {slept}, \"wait_ns\": {wait_ns}, \"longest_ns\": {longest_ns}"
    );
}

fn line(line: Option<&Line>, sources: &mut Sources) -> String {
    let Some(line) = line else { return String::from("null") };
    format!(
        "{{\"file\": {}, \"line\": {}, \"function\": {}, \"text\": {}}}",
        quoted(&line.file),
        line.line,
        quoted(&line.function),
        quoted(sources.line(line))
    )
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
