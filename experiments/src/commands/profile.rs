//! `lab profile`: where a program's threads wait for each other, and whose references they count.
//!
//! Runs the program once, as its user would, with `-X sync-stats`, and prints what the interpreter recorded. Nothing
//! is compared, so nothing is repeated.

use crate::arms;
use crate::cli::ProfileOptions;
use crate::failure::{Failure, Result, while_doing};
use crate::table::{self, Table};
use crate::workdir::Workdir;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Version of the form of the file that `-X sync-stats=FILE` writes.
const SCHEMA: u32 = 1;
/// Characters of a source line that are shown.
const WIDTH: usize = 60;
/// Rows with a smaller share of their table are not shown, nor, where nobody waits, with a smaller count.
const LEAST_SHARE: f64 = 0.01;
const LEAST_COUNT: u64 = 100;

#[derive(Deserialize)]
struct Report {
    schema: u32,
    mode: String,
    library: String,
    wall_ns: u64,
    threads: usize,
    thread_ns: u64,
    contended_ns: u64,
    shared_count_operations: u64,
    totals: BTreeMap<String, Total>,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Total {
    #[serde(flatten)]
    numbers: Numbers,
    advice: String,
}

#[derive(Deserialize)]
struct Row {
    what: String,
    #[serde(flatten)]
    numbers: Numbers,
    #[serde(rename = "type")]
    type_name: Option<String>,
    line: Option<Line>,
    inside: Option<Line>,
}

#[derive(Deserialize, Clone, Copy, Default)]
struct Numbers {
    count: u64,
    waits: u64,
    slept: u64,
    wait_ns: u64,
    longest_ns: u64,
}

#[derive(Deserialize)]
struct Line {
    file: String,
    line: u32,
    function: String,
    text: String,
}

/// Runs the program and prints what its threads waited for and shared.
///
/// Errors: `Usage` for what cannot be run; `Runs` if the program did not end with 0, after the tables.
pub fn run(options: &ProfileOptions) -> Result<()> {
    let Some((file, arguments)) = options.program.split_first() else {
        return Err(Failure::Usage("name a program".to_string()));
    };
    if !Path::new(file).is_file() {
        return Err(Failure::Usage(format!("{file}: no such file")));
    }
    if let Some(option) = options.x.iter().find(|option| option.starts_with("sync-stats")) {
        return Err(Failure::Usage(format!("-X {option}: the lab sets this itself; see --json")));
    }
    let typhon = arms::typhon(options.typhon.as_deref())?;
    let workdir = Workdir::new()?;
    let path: PathBuf = options.json.clone().unwrap_or_else(|| workdir.path().join("sync-stats.json"));
    // What an earlier run left is not taken for this one's.
    std::fs::write(&path, "").map_err(while_doing(format!("cannot write {}", path.display())))?;
    let status = Command::new(&typhon)
        .args(options.x.iter().flat_map(|option| ["-X", option]))
        .arg("-X")
        .arg(format!("sync-stats={}", path.display()))
        .arg(file)
        .args(arguments)
        .status()
        .map_err(|error| Failure::Usage(format!("cannot start {}: {error}", typhon.display())))?;
    let text =
        std::fs::read_to_string(&path).map_err(while_doing(format!("cannot read {}", path.display())))?;
    if text.is_empty() {
        return Err(Failure::Runs(format!("{file} left no statistics ({status})")));
    }
    let report: Report = serde_json::from_str(&text).map_err(while_doing("cannot read the statistics"))?;
    if report.schema != SCHEMA {
        return Err(Failure::Broken(format!("statistics of another version of typhon ({})", report.schema)));
    }
    print!("{}", show(&report, options.top.into()));
    if let Some(path) = &options.json {
        println!("\nEverything: {}", path.display());
    }
    if status.success() { Ok(()) } else { Err(Failure::Runs(format!("{file} failed ({status})"))) }
}

fn show(report: &Report, top: usize) -> String {
    let total = |what: &str| report.totals.get(what).map_or(Numbers::default(), |total| total.numbers);
    let mode = match report.mode.as_str() {
        "gil" => "with a GIL",
        "atomic" => "free threads, atomic counts",
        "deferred" => "free threads, deferred counts",
        "biased" => "free threads, biased counts",
        other => other,
    };
    let contended = report.contended_ns as f64 / (report.thread_ns as f64).max(1.0) * 100.0;
    let per_second = report.shared_count_operations as f64 / (report.wall_ns as f64 / 1e9).max(1e-9);
    let locks = total("object lock");
    let lines = [
        format!("{mode}; {} wall time", table::time(report.wall_ns as f64)),
        format!(
            "{} threads lived {} together, {contended:.1} % of it waiting for locks or the GIL",
            report.threads,
            table::time(report.thread_ns as f64)
        ),
        format!(
            "{} counts of references in shared words, {} a second",
            report.shared_count_operations,
            table::digits(per_second)
        ),
        format!(
            "{} object locks taken, {} waited for, {} of them asleep",
            locks.count, locks.waits, locks.slept
        ),
        format!(
            "{} references left to owners; {} objects merged by them, {} for them",
            total("merge queued").count,
            total("merge by owner").count,
            total("merge on behalf").count
        ),
    ];
    let mut text = lines.join("\n") + "\n";
    let of = |kinds: &[&str]| -> Vec<&Row> {
        report.rows.iter().filter(|row| kinds.contains(&row.what.as_str())).collect()
    };
    let waits = of(&["object lock", "lock", "GIL", "safepoint"]);
    let waits: Vec<&Row> = waits.into_iter().filter(|row| row.numbers.waits > 0).collect();
    for (title, rows) in [
        ("Waits, the longest first", waits),
        ("References counted between threads", of(&["shared count"])),
        ("References left to the owners of their objects", of(&["merge queued"])),
        ("Idle", of(&["condition"])),
    ] {
        text.push_str(&show_table(report, title, &rows, top));
    }
    text
}

/// The largest rows, and what can be done about them.
fn show_table(report: &Report, title: &str, rows: &[&Row], top: usize) -> String {
    let waited = rows.iter().any(|row| row.numbers.waits > 0);
    let size = |row: &Row| if waited { row.numbers.wait_ns } else { row.numbers.count } as f64;
    let sum: f64 = rows.iter().map(|row| size(row)).sum();
    let matters = |row: &&Row| size(row) >= sum * LEAST_SHARE && (waited || row.numbers.count >= LEAST_COUNT);
    let shown: Vec<&Row> = rows.iter().copied().take(top).filter(matters).collect();
    if shown.is_empty() {
        return String::new();
    }
    let head: &[&str] = if waited {
        &["line", "what", "type", "count", "waits", "time", "longest", "share"]
    } else {
        &["line", "what", "type", "count", "share"]
    };
    let mut table = Table::new(head.iter().copied());
    for row in &shown {
        let numbers = row.numbers;
        let mut cells = vec![
            place(report, row),
            row.what.clone(),
            row.type_name.clone().unwrap_or_else(|| "–".to_string()),
            numbers.count.to_string(),
        ];
        if waited {
            cells.push(numbers.waits.to_string());
            cells.extend([numbers.wait_ns, numbers.longest_ns].map(|ns| table::time(ns as f64)));
        }
        cells.push(format!("{:.0} %", size(row) / sum * 100.0));
        table.row(cells);
    }
    let mut text = format!("\n{title}\n{}", table.render());
    if rows.len() > shown.len() {
        text.push_str(&format!("and {} smaller ones\n", rows.len() - shown.len()));
    }
    let mut advised: Vec<&str> = Vec::new();
    for row in shown {
        if !advised.contains(&row.what.as_str()) {
            advised.push(&row.what);
            if let Some(total) = report.totals.get(&row.what) {
                text.push_str(&format!("{}: {}\n", row.what, total.advice));
            }
        }
    }
    text
}

/// `file:line  text`, and what of the library ran there.
fn place(report: &Report, row: &Row) -> String {
    let Some(line) = &row.line else { return "(no Python code)".to_string() };
    let source: String = line.text.chars().take(WIDTH).collect();
    let inside = row.inside.as_ref().map_or_else(String::new, |inside| {
        format!("  (in {}, {}:{})", inside.function, shown(report, &inside.file), inside.line)
    });
    format!("{}:{}  {source}{inside}", shown(report, &line.file), line.line)
}

/// A path without the folder of the library inside the command, or the current one.
fn shown(report: &Report, file: &str) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let file = Path::new(file);
    let shorter = file.strip_prefix(&report.library).or_else(|_| file.strip_prefix(here));
    shorter.unwrap_or(file).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(what: &str, count: u64, wait_ns: u64, file: &str, line: u32) -> serde_json::Value {
        serde_json::json!({
            "what": what, "count": count, "waits": u64::from(wait_ns > 0), "slept": 0, "wait_ns": wait_ns,
            "longest_ns": wait_ns, "type": "list", "inside": null,
            "line": {"file": file, "line": line, "function": "f", "text": "x.append(1)"},
        })
    }

    fn report(rows: Vec<serde_json::Value>) -> Report {
        let total = serde_json::json!({
            "count": 1, "waits": 1, "slept": 1, "wait_ns": 1, "longest_ns": 1, "advice": "do less",
        });
        serde_json::from_value(serde_json::json!({
            "schema": 1, "mode": "biased", "library": "/bin/typhon/lib", "wall_ns": 2_000_000_000u64, "threads": 3,
            "thread_ns": 4_000_000_000u64, "contended_ns": 1_000_000_000, "shared_count_operations": 500,
            "totals": {"object lock": total, "shared count": total}, "rows": rows,
        }))
        .expect("a report")
    }

    #[test]
    fn waits_and_counts_have_tables_of_their_own() {
        let text = show(
            &report(vec![
                row("object lock", 7, 900, "/bin/typhon/lib/queue.py", 4),
                row("object lock", 5, 1, "/small.py", 1),
                row("shared count", 400, 0, "/a.py", 9),
                row("merge queued", 4, 0, "/a.py", 9),
                row("object lock", 30, 0, "/a.py", 10),
            ]),
            10,
        );
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].contains("25.0 % of it waiting"), "{text}");
        assert!(lines[2].starts_with("500 counts of references in shared words, 250 a second"), "{text}");
        assert!(text.contains("queue.py:4  x.append(1)  object lock  list"), "{text}");
        assert!(text.contains("and 1 smaller ones\nobject lock: do less\n"), "{text}");
        assert!(text.contains("/a.py:9  x.append(1)  shared count  list    400  100 %"), "{text}");
        assert!(!text.contains("merge queued"), "{text}");
        // Nobody waited there.
        assert!(!text.contains("a.py:10"), "{text}");
    }

    #[test]
    fn no_rows_no_tables() {
        assert!(!show(&report(Vec::new()), 10).contains("Waits"));
    }
}
