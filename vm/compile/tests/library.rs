//! Every module of the standard library compiles, and its code holds together.

use std::path::{Path, PathBuf};

use typhon_compile::{Mode, Options, compile_bytes, verify_all};

fn python_files(dir: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            python_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "py") {
            files.push(path);
        }
    }
}

/// Files that are wrong on purpose.
fn is_bad_on_purpose(path: &Path) -> bool {
    let text = path.to_string_lossy();
    ["bad_", "badsyntax_", "bad_coding", "lib2to3/tests/data"].iter().any(|part| text.contains(part))
}

#[test]
fn standard_library() {
    let mut files = Vec::new();
    python_files(Path::new(rustpython_pylib::LIB_PATH), &mut files);
    assert!(files.len() > 500, "found {} files", files.len());
    let mut failures = Vec::new();
    for path in files.iter().filter(|path| !is_bad_on_purpose(path)) {
        let Ok(bytes) = std::fs::read(path) else { continue };
        let name = path.to_string_lossy();
        match compile_bytes(&bytes, &name, Mode::Exec, Options::default(), &|_, _| None) {
            Ok((code, _)) => {
                if let Err(problem) = verify_all(&code) {
                    failures.push(format!("{name}: {problem}"));
                }
            }
            Err(error) => failures.push(format!("{name}:{}: {}", error.lineno, error.msg)),
        }
    }
    assert!(
        failures.is_empty(),
        "{} failures\n{}",
        failures.len(),
        failures[..failures.len().min(20)].join("\n")
    );
}
