//! House rules as a test. Each rule says what to do about a finding; exceptions carry a reason and
//! must still be needed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Longest file of source, in lines.
const LONGEST: usize = 900;

/// Files that may be longer, and why.
const LONG_FILES: &[(&str, &str)] = &[];

/// Which of our packages each package may use. `benches` and the lab may use all libraries.
const MAY_USE: &[(&str, &[&str])] = &[
    ("sync", &[]),
    ("gc", &["typhon-sync"]),
    ("vm/text", &[]),
    ("vm/compile", &["typhon-text"]),
    ("vm/core", &["typhon-sync", "typhon-gc", "typhon-text", "typhon-compile"]),
    ("vm/modules", &["typhon-sync", "typhon-gc", "typhon-text", "typhon-compile", "typhon-core"]),
    ("vm", &["typhon-sync", "typhon-gc", "typhon-text", "typhon-compile", "typhon-core", "typhon-modules"]),
    ("experiments", &["typhon-sync", "typhon-gc"]),
    (
        "benches",
        &["typhon-sync", "typhon-gc", "typhon-text", "typhon-compile", "typhon-core", "typhon-modules"],
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the lab is in the workspace").to_path_buf()
}

/// All files below the rooms of the house, without build output, sorted.
fn files() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("readable").flatten() {
            let path = entry.path();
            let name = entry.file_name();
            let hidden = name.to_string_lossy().starts_with('.') && name != ".ci" && name != ".cargo";
            if hidden || name == "target" || name == "__pycache__" {
                continue;
            }
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root(), &mut found);
    found.sort();
    assert!(found.len() > 50, "the workspace is not where it should be");
    found
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).expect("below the root").display().to_string()
}

fn sources() -> Vec<(String, String)> {
    files()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .map(|path| (relative(&path), fs::read_to_string(&path).expect("UTF-8")))
        .collect()
}

fn report(rule: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{rule}\n  {}", findings.join("\n  "));
}

/// Whether a comment with `word` is on the line or up to `reach` lines above it.
fn explained(lines: &[&str], at: usize, word: &str, reach: usize) -> bool {
    lines[at.saturating_sub(reach)..=at].iter().any(|line| line.contains(word))
}

/// The line without a trailing comment, roughly: enough for lines of code.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or("").trim()
}

/// Where a file's trailing `mod tests` begins.
fn tests_begin(lines: &[&str]) -> usize {
    let marker =
        |pair: &[&str]| pair[0].trim() == "#[cfg(test)]" && pair[1].trim().starts_with("mod tests {");
    lines.windows(2).position(marker).unwrap_or(lines.len())
}

#[test]
fn files_are_short() {
    let lengths: BTreeMap<String, usize> =
        sources().into_iter().map(|(name, text)| (name, text.lines().count())).collect();
    let excepted: BTreeSet<&str> = LONG_FILES.iter().map(|(name, _)| *name).collect();
    let long: Vec<String> = lengths
        .iter()
        .filter(|(name, n)| **n > LONGEST && !excepted.contains(name.as_str()))
        .map(|(name, n)| format!("{name}: {n} lines"))
        .collect();
    report("split these files by concern:", &long);
    let needless: Vec<String> = LONG_FILES
        .iter()
        .filter(|(name, reason)| lengths.get(*name).is_none_or(|n| *n <= LONGEST) || reason.is_empty())
        .map(|(name, _)| name.to_string())
        .collect();
    report("exceptions that are not needed or have no reason:", &needless);
}

#[test]
fn unsafe_blocks_say_why_they_are_sound() {
    let mut findings = Vec::new();
    for (name, text) in sources() {
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let opens = code(line).contains("unsafe {") || code(line).starts_with("unsafe impl");
            if opens && !line.contains('"') && !explained(&lines, at, "SAFETY", 10) {
                findings.push(format!("{name}:{}", at + 1));
            }
        }
    }
    report("write `// SAFETY: …` above these:", &findings);
}

#[test]
fn atomics_come_from_one_place() {
    let shared = ["gc/src/", "vm/core/src/", "vm/modules/src/"];
    let beside = |name: &String| shared.iter().any(|folder| name.starts_with(folder));
    let findings: Vec<String> = sources()
        .into_iter()
        .filter(|(name, text)| beside(name) && text.contains("::sync::atomic"))
        .map(|(name, _)| name)
        .collect();
    report("take atomics from `typhon_sync::prim`, so that the feature `chaos` reaches them:", &findings);
}

#[test]
fn atomic_operations_say_what_they_order() {
    const ORDERINGS: [&str; 5] = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];
    let mut findings = Vec::new();
    for (name, text) in sources() {
        if !(name.starts_with("sync/src/") || name.starts_with("gc/src/")) || name.ends_with("tests.rs") {
            continue;
        }
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate().take(tests_begin(&lines)) {
            let code = code(line);
            let passed = |ordering: &str| -> bool {
                [format!("({ordering})"), format!(", {ordering})"), format!("Ordering::{ordering})")]
                    .iter()
                    .any(|call| code.contains(call))
            };
            let is_use = code.starts_with("use ") || code.starts_with("pub use ");
            if !is_use
                && ORDERINGS.iter().any(|ordering| passed(ordering))
                && !explained(&lines, at, "ORDERING", 10)
            {
                findings.push(format!("{name}:{}", at + 1));
            }
        }
    }
    report("write `// ORDERING <order>: what it orders` above these:", &findings);
}

fn our_dependencies(manifest: &toml::Table, section: &str) -> Vec<String> {
    let table = manifest.get(section).and_then(|section| section.as_table());
    table
        .into_iter()
        .flat_map(|table| table.keys())
        .filter(|name| name.starts_with("typhon"))
        .cloned()
        .collect()
}

fn manifest(package: &str) -> toml::Table {
    let path = root().join(package).join("Cargo.toml");
    fs::read_to_string(&path).expect("a manifest").parse().expect("TOML")
}

#[test]
fn imports_go_one_way() {
    let members = manifest("")["workspace"]["members"].as_array().expect("members").clone();
    let mut findings = Vec::new();
    for member in members {
        let member = member.as_str().expect("a path");
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == member) else {
            findings.push(format!("{member} is not in MAY_USE"));
            continue;
        };
        let manifest = manifest(member);
        for section in ["dependencies", "build-dependencies"] {
            for used in our_dependencies(&manifest, section) {
                if !allowed.contains(&used.as_str()) {
                    findings.push(format!("{member} uses {used}"));
                }
            }
        }
    }
    report("imports against the direction sync, gc, vm/core, vm/modules, vm, experiments:", &findings);
}

#[test]
fn the_collector_names_no_python_type() {
    // Words that can only mean a Python object; `sync` and `gc` know headers and slots.
    const PYTHON: [&str; 6] =
        ["PyObject", "PyDict", "PyList", "typhon_core", "typhon_modules", "typhon_compile"];
    let mut findings = Vec::new();
    for (name, text) in sources() {
        if name.starts_with("sync/src/") || name.starts_with("gc/src/") {
            for (at, line) in text.lines().enumerate() {
                if PYTHON.iter().any(|word| code(line).contains(word)) {
                    findings.push(format!("{name}:{}", at + 1));
                }
            }
        }
    }
    report("`sync` and `gc` must not name Python's objects:", &findings);
}

#[test]
fn no_words_that_rot() {
    // In two halves, so that this file does not contain them.
    let forbidden = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
        concat!("/wo", "rk/"),
        concat!("/tmp/", "brief"),
    ];
    let mut findings = Vec::new();
    for path in files() {
        let name = relative(&path);
        let Ok(text) = fs::read_to_string(&path) else { continue };
        // Licences are other people's words.
        if name == "NOTICE" || name.starts_with("LICENSE") || name == "Cargo.lock" {
            continue;
        }
        for (at, line) in text.lines().enumerate() {
            if let Some(word) = forbidden.iter().find(|word| line.contains(**word)) {
                findings.push(format!("{name}:{}: {word}", at + 1));
            }
        }
    }
    report("finish it, or say it without these words:", &findings);
}

#[test]
fn every_outside_dependency_has_its_reason() {
    let deny = fs::read_to_string(root().join("deny.toml")).expect("deny.toml");
    let reasons: BTreeMap<&str, &str> = deny
        .lines()
        .filter_map(|line| line.strip_prefix("# ")?.split_once(": "))
        .filter(|(name, _)| !name.contains(' ') && *name != "cargo-deny")
        .collect();
    let workspace = manifest("");
    let declared: BTreeSet<&str> = workspace["workspace"]["dependencies"]
        .as_table()
        .expect("a table")
        .keys()
        .map(String::as_str)
        .filter(|name| !name.starts_with("typhon"))
        .collect();
    let missing: Vec<String> =
        declared.iter().filter(|name| !reasons.contains_key(**name)).map(|name| name.to_string()).collect();
    report("say in deny.toml why we need these:", &missing);
    let stale: Vec<String> =
        reasons.keys().filter(|name| !declared.contains(**name)).map(|name| name.to_string()).collect();
    report("deny.toml gives reasons for what we do not use:", &stale);
}

#[test]
fn packages_take_versions_from_the_workspace() {
    let mut findings = Vec::new();
    for (package, _) in MAY_USE {
        let manifest = manifest(package);
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let table = manifest.get(section).and_then(|section| section.as_table());
            for (name, value) in table.into_iter().flatten() {
                if value.get("workspace").is_none() {
                    findings.push(format!("{package}: {name}"));
                }
            }
        }
    }
    report("declare these once, in the workspace's manifest:", &findings);
}

#[test]
fn every_workload_is_embedded() {
    let folder = root().join("experiments/workloads/threads");
    let on_disk: BTreeSet<String> = fs::read_dir(folder)
        .expect("workloads")
        .flatten()
        .filter_map(|entry| entry.file_name().to_string_lossy().strip_suffix(".py").map(str::to_string))
        .collect();
    let embedded: BTreeSet<String> =
        typhon_lab::definition::THREADED.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(on_disk, embedded, "name every workload in definition.rs");
}

/// Commands in the text: lines of code blocks and words in backticks that begin with `cargo lab`.
fn lab_commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.split(" #").next().unwrap_or("").trim();
        if line.starts_with("cargo lab") {
            found.push(line.to_string());
        } else {
            let quoted = line.split('`').skip(1).step_by(2);
            found.extend(quoted.filter(|part| part.starts_with("cargo lab ")).map(str::to_string));
        }
    }
    found
}

#[test]
fn commands_in_the_documents_exist() {
    use clap::Parser;
    use clap::error::ErrorKind;
    let mut findings = Vec::new();
    let mut n_commands = 0;
    for path in files().iter().filter(|path| path.extension().is_some_and(|end| end == "md")) {
        for command in lab_commands(&fs::read_to_string(path).expect("UTF-8")) {
            n_commands += 1;
            let words = command.split_whitespace().skip(1);
            let Err(error) = typhon_lab::cli::Cli::try_parse_from(words) else { continue };
            if !matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
                findings.push(format!("{}: {command}: {}", relative(path), error.kind()));
            }
        }
    }
    report("these commands do not parse:", &findings);
    assert!(n_commands >= 5, "the README should name its commands");
}

#[test]
fn paths_in_the_documents_exist() {
    const ROOMS: [&str; 7] = ["vm/", "gc/", "sync/", "experiments/", "benches/", "papers/", ".ci/"];
    let mut findings = Vec::new();
    for path in files().iter().filter(|path| path.extension().is_some_and(|end| end == "md")) {
        for line in fs::read_to_string(path).expect("UTF-8").lines() {
            for part in line.split('`').skip(1).step_by(2) {
                // Capitals stand for a name that the reader chooses, except in names of documents.
                let chosen = part.chars().any(|c| c.is_ascii_uppercase()) && !part.ends_with(".md");
                let is_path = ROOMS.iter().any(|room| part.starts_with(room))
                    && part.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
                if is_path && !chosen && !root().join(part).exists() {
                    findings.push(format!("{}: {part}", relative(path)));
                }
            }
        }
    }
    report("these paths do not exist:", &findings);
}
