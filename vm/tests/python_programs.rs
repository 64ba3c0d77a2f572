//! Runs every program in `tests/py` in GIL mode, in free mode, in free mode with biased and with atomic counts, and
//! in free mode with a collector that comes far too often and verifies the heap (`-X zeal`), with deferred and with
//! biased counts. A program passes if it ends with code 0 in time.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const MODES: [&[&str]; 6] = [
    &["-X", "gil=1"],
    &["-X", "gil=0"],
    &["-X", "gil=0", "-X", "refcount=biased"],
    &["-X", "gil=0", "-X", "refcount=atomic"],
    &["-X", "gil=0", "-X", "zeal=50"],
    &["-X", "gil=0", "-X", "refcount=biased", "-X", "zeal=50"],
];

/// Far more than any program needs, on a machine that is busy with other things.
const LIMIT: Duration = Duration::from_secs(300);

/// Why a program failed, with what it printed.
fn failure(program: &Path, mode: &[&str]) -> Option<String> {
    let folder = program.parent().expect("a file in a folder");
    let mut child = Command::new(env!("CARGO_BIN_EXE_typhon"))
        .args(mode)
        .arg(program)
        .current_dir(folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("typhon was built");
    let (mut out, mut err) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let read_out = thread::spawn(move || {
        let mut text = Vec::new();
        let _ = out.read_to_end(&mut text);
        text
    });
    let read_err = thread::spawn(move || {
        let mut text = Vec::new();
        let _ = err.read_to_end(&mut text);
        text
    });
    let started = Instant::now();
    let end = loop {
        match child.try_wait().expect("a child") {
            Some(status) => break Some(status),
            None if started.elapsed() > LIMIT => {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
            None => thread::sleep(Duration::from_millis(5)),
        }
    };
    if end.is_some_and(|status| status.success()) {
        return None;
    }
    let how = end.map_or(format!("no end after {LIMIT:?}"), |status| status.to_string());
    let shown = |text: thread::JoinHandle<Vec<u8>>| {
        if end.is_none() {
            // Grandchildren may hold the pipe open.
            return String::new();
        }
        String::from_utf8_lossy(&text.join().unwrap_or_default()).into_owned()
    };
    let (out, err) = (shown(read_out), shown(read_err));
    Some(format!("{how}\n{out}{err}"))
}

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/py");
    let mut programs: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the folder of programs")
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "py"))
        .filter(|p| wanted.is_empty() || wanted.iter().any(|w| p.ends_with(format!("{w}.py"))))
        .collect();
    programs.sort();
    let jobs: Vec<(&PathBuf, &[&str])> =
        programs.iter().flat_map(|p| MODES.iter().map(move |mode| (p, *mode))).collect();
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    let workers = thread::available_parallelism().map_or(1, |n| n.get());
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                // ORDERING Relaxed: only uniqueness matters.
                while let Some((program, mode)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(why) = failure(program, mode) {
                        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
                        let text = format!("{name} with {}: {why}", mode.join(" "));
                        failures.lock().expect("no worker panics").push(text);
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().expect("as above");
    failures.sort();
    for f in &failures {
        eprintln!("FAILED {f}\n");
    }
    println!("{} programs, {} runs, {} failed", programs.len(), jobs.len(), failures.len());
    if programs.is_empty() || !failures.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
