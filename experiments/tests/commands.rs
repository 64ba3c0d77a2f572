//! The lab as its users meet it: the built command, on an interpreter that is a few lines of shell,
//! so that good results, crashes, wrong results, silence and Ctrl-C can all be had at will.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A folder for one test, removed at its end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let path = std::env::temp_dir().join(format!("typhon-lab-test-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        Place(path)
    }

    /// An interpreter. `$options` is what came before the script, `$name`, `$arm`, `$workers`, `$hold`
    /// and `$sum` describe the workload; `body` says what it does.
    fn interpreter(&self, body: &str) -> PathBuf {
        let text = format!(
            r#"#!/bin/sh
for word in "$@"; do if [ "$word" = "-V" ]; then echo "Python 0.0"; exit 0; fi; done
options=""
while [ "$1" = "-X" ]; do options="$options $1 $2"; shift 2; done
script=$1; shift
name=$1
hold=""
for word in "$@"; do
    case $word in arm=*) arm=${{word#arm=}};; hold=1) hold=1;; workers=*) workers=${{word#workers=}};; esac
done
sum=$(sed -n 's/^# checksum = //p' "$(dirname "$script")/workload_$name.py" 2>/dev/null | head -1)
good() {{
    if [ -n "$hold" ]; then echo "lab ready"; read -r line; fi
    echo "lab warmup=0 wall_ns=900 cpu_ns=800 checksum=$sum"
    echo "lab iteration=1 wall_ns=$1 cpu_ns=800 checksum=$sum"
    echo "lab iteration=2 wall_ns=$1 cpu_ns=800 checksum=$sum"
}}
{body}
"#
        );
        let path = self.0.join("fake-python");
        fs::write(&path, text).expect("a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
        path
    }

    fn out(&self) -> PathBuf {
        self.0.join("out.jsonl")
    }

    fn lab(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
        command.args(arguments).env("TMPDIR", &self.0).stdin(Stdio::null());
        command
    }

    fn threads(&self, interpreter: &Path, only: &str, more: &[&str]) -> Output {
        let (typhon, out) = (interpreter.display().to_string(), self.out().display().to_string());
        let mut arguments =
            vec!["run", "threads", "--quick", "--threads", "2", "--rounds", "2", "--seed", "7"];
        arguments.extend(["--only", only, "--typhon", &typhon, "--out", &out]);
        arguments.extend(more);
        self.lab(&arguments).output().expect("the lab runs")
    }

    /// The result file; every line must be JSON.
    fn lines(&self) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.out()).expect("a result file");
        assert!(text.ends_with('\n'), "the last line is whole");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_good_run_has_tables_and_records() {
    let place = Place::new("good");
    // One worker takes 2000, two take 1000 without a GIL; a GIL gains nothing.
    let python = place.interpreter(r#"case "$options$workers" in *gil=0*2) good 1000;; *) good 2000;; esac"#);
    let output = place.threads(&python, "compute", &[]);
    let shown = text(&output);
    assert!(output.status.success(), "{shown}");
    // gil, free, processes: 1, 2, 1; the ceiling is 2, and all of it is reached.
    let speedups = shown.lines().filter(|line| line.starts_with("compute")).nth(1).unwrap_or_default();
    assert!(speedups.contains("1.00 [1.00, 1.00]  2.00 [2.00, 2.00]  1.00 [1.00, 1.00]"), "{shown}");
    assert!(speedups.contains("100 %"), "{shown}");
    let lines = place.lines();
    assert_eq!(lines[0]["kind"], "run");
    assert_eq!(lines[0]["settings"]["seed"], 7);
    assert_eq!(lines.last().map(|line| line["how"].clone()), Some("done".into()));
    // 2 rounds × (3 arms × 2 + A/A twin + 2 ceiling processes) × 3 lines.
    let measured: Vec<_> = lines.iter().filter(|line| line["checksum"].is_string()).collect();
    assert_eq!(measured.len(), 2 * (6 + 1 + 2) * 3);
    for field in
        ["job_id", "block_id", "arm", "workers", "invocation", "seed", "layout_seed", "host_fp", "vm_commit"]
    {
        assert!(!measured[0][field].is_null(), "{field}");
    }
    assert!(measured.iter().all(|line| line["status"] == "ok"));
}

/// An interpreter for `lab run scaling`, in which `$mode` is the arm and `$ns` what is reported.
fn scaling(place: &Place, ns: &str) -> Output {
    let body = format!(
        r#"case $options in *gil=1*) mode=gil;; *) mode=${{options#*refcount=}}; mode=${{mode%% *}};; esac
{ns}
if [ -n "$hold" ]; then echo "lab ready"; read -r line; fi
echo "lab ns=$ns checksum=${{checksum:-7}}"
case "$*" in *count=1*) echo "lab counts shared=30 ops=20";; esac"#
    );
    let (typhon, out) = (place.interpreter(&body).display().to_string(), place.out().display().to_string());
    let fixed = ["run", "scaling", "--quick", "--threads", "2", "--rounds", "2", "--seed", "7"];
    let only = ["--only", "deepcopy,list_append", "--typhon", &typhon, "--out", &out];
    place.lab(&[&fixed[..], &only].concat()).output().expect("the lab runs")
}

#[test]
fn scaling_shows_shares_of_the_ceiling_and_ratios_to_the_gil() {
    let place = Place::new("scaling");
    // Two threads: alone as fast as one, or half as fast; two processes: always as fast as one.
    let output = scaling(
        &place,
        r#"case $name$mode$hold$workers in *1|*gil2) ns=4000;; *deferred2) ns=4000;; *) ns=8000;; esac
case $name$mode in list_appenddeferred) ns=2000;; deepcopygil) test $workers = 1 || ns=8000;; esac"#,
    );
    let shown = text(&output);
    assert!(output.status.success(), "{shown}");
    // The cells of a row, one space apart.
    let cells = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let rows: Vec<String> = shown.lines().filter(|line| line.starts_with("deepcopy")).map(cells).collect();
    assert_eq!(rows.len(), 4, "{shown}");
    let (half, whole) = ("1.00 [1.00, 1.00]", "2.00 [2.00, 2.00]");
    assert_eq!(rows[1], format!("deepcopy {half} {half} {whole} {half}"));
    let (half, whole) = ("50 % [50, 50]", "100 % [100, 100]");
    assert_eq!(rows[2], format!("deepcopy {half} {half} {whole} {half}"));
    assert_eq!(rows[3], "deepcopy 1.50000 1.50000 1.50000");
    // All together: half of what one thread needs per operation.
    let written = shown.lines().find(|line| line.starts_with("list_append")).map(cells);
    let expected = "list_append 4000 4000 1000 2000 0.50 [0.50, 0.50] 2.00 [2.00, 2.00]";
    assert_eq!(written.as_deref(), Some(expected), "{shown}");
    // 2 rounds × (4 arms × (1 + 1 + 2 processes) + 3 counted, and 4 arms).
    let lines = place.lines();
    assert_eq!(lines.iter().filter(|line| line["kind"] == "iteration").count(), 2 * (16 + 3 + 4));
}

#[test]
fn arms_of_scaling_must_agree() {
    let place = Place::new("scaling-badsum");
    let output = scaling(&place, r#"ns=1; case $name$mode in deepcopygil) checksum=8;; esac"#);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("deepcopy: result"), "{}", text(&output));
}

#[test]
fn the_same_seed_gives_the_same_order() {
    let order = |place: &Place| -> Vec<String> {
        let python = place.interpreter("good 1000");
        assert!(place.threads(&python, "sieve,pool", &[]).status.success());
        place
            .lines()
            .iter()
            .map(|line| format!("{} {} {}", line["workload"], line["arm"], line["job_id"]))
            .collect()
    };
    assert_eq!(order(&Place::new("order-a")), order(&Place::new("order-b")));
}

#[test]
fn a_wrong_result_is_shown_and_fails() {
    let place = Place::new("badsum");
    let python = place.interpreter(r#"case "$options" in *gil=0*) sum=$((sum + 1));; esac; good 1000"#);
    let output = place.threads(&python, "compute", &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("gave a wrong result: checksum"), "{}", text(&output));
    let lines = place.lines();
    assert!(lines.iter().any(|line| line["status"] == "badsum" && line["arm"] == "free"));
    assert!(lines.iter().all(|line| line["arm"] != "gil" || line["status"] == "ok"));
}

#[test]
fn a_crash_is_shown_and_fails() {
    let place = Place::new("crash");
    let python =
        place.interpreter(r#"case "$arm" in processes) echo broken >&2; kill -SEGV $$;; esac; good 1000"#);
    let output = place.threads(&python, "compute", &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("killed by a signal"), "{}", text(&output));
    let crashed: Vec<_> = place.lines().into_iter().filter(|line| line["kind"] == "failure").collect();
    assert_eq!(crashed.len(), 2 * 2);
    assert!(crashed.iter().all(|line| line["arm"] == "processes" && line["status"] == "crash"));
    assert!(crashed[0]["detail"].as_str().is_some_and(|detail| detail.contains("broken")));
}

#[test]
fn silence_is_not_success() {
    let place = Place::new("silent");
    // A ceiling that never gets ready must not hang either.
    let output = place.threads(&place.interpreter("echo nothing to report; exit 0"), "compute", &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("0 iterations reported"), "{}", text(&output));
}

#[test]
fn too_slow_is_shown_and_fails() {
    let place = Place::new("slow");
    let python =
        place.interpreter(r#"case "$options$workers$hold" in *gil=0*2) sleep 50;; *) good 1000;; esac"#);
    let output = place.threads(&python, "compute", &["--timeout", "1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("took too long"), "{}", text(&output));
    assert!(place.lines().iter().any(|line| line["status"] == "timeout"));
}

#[test]
fn ctrl_c_ends_children_and_keeps_the_file_whole() {
    let place = Place::new("interrupt");
    let pids = place.0.join("pids");
    let python = place.interpreter(&format!("echo $$ >> {}; sleep 60 & wait", pids.display()));
    let (typhon, out) = (python.display().to_string(), place.out().display().to_string());
    let mut lab = place
        .lab(&["run", "threads", "--quick", "--only", "compute", "--typhon", &typhon, "--out", &out])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the lab runs");
    let begun = Instant::now();
    while !fs::read_to_string(&pids).unwrap_or_default().ends_with('\n') {
        assert!(begun.elapsed() < Duration::from_secs(60), "no child was started");
        std::thread::sleep(Duration::from_millis(5));
    }
    // SAFETY: no memory is involved; the lab is our child and not reaped yet.
    unsafe { libc::kill(lab.id() as libc::pid_t, libc::SIGINT) };
    assert_eq!(lab.wait().expect("it ends").code(), Some(130));
    let lines = place.lines();
    assert_eq!(lines.last().map(|line| line["how"].clone()), Some("interrupted".into()));
    let groups = fs::read_to_string(&pids).expect("pids");
    // A killed process needs a moment to be gone, but not the minute that it would have slept.
    let begun = Instant::now();
    while let Some(group) = groups.lines().find(|group| runs_in(group)) {
        assert!(begun.elapsed() < Duration::from_secs(20), "something of group {group} still runs");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process of this group runs; one that ended and waits to be reaped does not.
fn runs_in(group: &str) -> bool {
    fs::read_dir("/proc").into_iter().flatten().flatten().any(|entry| {
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
        fields.len() > 2 && fields[2] == group && fields[0] != "Z"
    })
}

#[test]
fn wrong_usage_names_what_is_wrong() {
    let place = Place::new("usage");
    let python = place.interpreter("good 1000").display().to_string();
    let out = place.out().display().to_string();
    let missing_peer =
        ["run", "threads", "--typhon", &python, "--only", "compute", "--out", &out, "--peer", "p=/no/py"];
    for (arguments, named) in [
        (vec!["run", "threads", "--threads", "0"], "--threads"),
        (vec!["run", "threads", "--rounds", "1001"], "--rounds"),
        (vec!["run", "threads", "--peer", "x"], "--peer"),
        (vec!["run", "threads", "--typhon", "/no/such"], "/no/such"),
        (vec!["run", "threads", "--typhon", &python, "--only", "nonsense"], "nonsense"),
        (vec!["run", "loops", "--typhon", &python, "--only", "nonsense"], "nonsense"),
        (vec!["run", "sharing", "--typhon", &python, "--only", "nonsense"], "nonsense"),
        (vec!["run", "scaling", "--typhon", &python, "--only", "nonsense"], "nonsense"),
        (missing_peer.to_vec(), "/no/py"),
        (vec!["run", "script", "--typhon", &python, "/no/such.py"], "/no/such.py"),
        (vec!["run", "single", "--typhon", &python, "/no/such"], "/no/such"),
        (vec!["profile"], "FILE.py"),
        (vec!["profile", "--top", "0", "a.py"], "--top"),
        (vec!["profile", "--typhon", &python, "/no/such.py"], "/no/such.py"),
        (vec!["profile", "--typhon", &python, "-X", "sync-stats", "tests/commands.rs"], "sync-stats"),
        (vec!["profile", "--typhon", "/no/such", "tests/commands.rs"], "/no/such"),
        (vec!["paper", "run", "no-such-paper"], "no-such-paper"),
        (vec!["run"], "Usage"),
    ] {
        let output =
            place.lab(&arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("the lab runs");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output));
        assert!(text(&output).contains(named), "{arguments:?}: {}", text(&output));
    }
}

#[test]
fn a_script_must_end_and_print_the_same_everywhere() {
    let place = Place::new("script");
    let script = place.0.join("mine.py");
    fs::write(&script, "").expect("a file");
    let (script, out) = (script.display().to_string(), place.out().display().to_string());
    let run = |body: &str| {
        let python = place.interpreter(body).display().to_string();
        let arguments = [
            "run", "script", "--typhon", &python, "--rounds", "2", "--out", &out, &script, "--own", "option",
        ];
        place.lab(&arguments).output().expect("the lab runs")
    };
    // Its own options reach it, and a code other than 0 is fine as long as all arms have it.
    let same = run(r#"echo "$*"; test "$*" = "--own option" || kill -SEGV $$; exit 3"#);
    assert!(same.status.success(), "{}", text(&same));
    assert!(text(&same).contains("All arms printed the same"), "{}", text(&same));
    let other_text = run(r#"echo "$options""#);
    assert_eq!(other_text.status.code(), Some(1));
    assert!(text(&other_text).contains("differs"), "{}", text(&other_text));
    let other_code = run(r#"case "$options" in *gil=0*) exit 1;; esac"#);
    assert_eq!(other_code.status.code(), Some(1));
    assert!(text(&other_code).contains("ended with"), "{}", text(&other_code));
}

#[test]
fn a_profile_runs_the_program_and_ranks_what_it_left() {
    let place = Place::new("profile");
    let script = place.0.join("mine.py");
    fs::write(&script, "x.append(1)\n").expect("a file");
    let numbers = r#""waits": 2, "slept": 1, "wait_ns": 3000000, "longest_ns": 2000000"#;
    let report = format!(
        r#"{{"schema": 1, "mode": "biased", "library": "/l", "wall_ns": 1000000000, "threads": 3, "thread_ns": 2000000000,
        "contended_ns": 3000000, "shared_count_operations": 5,
        "totals": {{"object lock": {{"count": 9, {numbers}, "advice": "share less"}}}},
        "rows": [{{"what": "object lock", "count": 9, {numbers}, "type": "list", "inside": null,
        "line": {{"file": "{}", "line": 1, "function": "f", "text": "x.append(1)"}}}}]}}"#,
        script.display()
    );
    fs::write(place.0.join("report"), report).expect("a file");
    let (script, json) = (script.display().to_string(), place.0.join("p.json").display().to_string());
    let run = |body: &str| {
        let python = place.interpreter(body).display().to_string();
        let arguments =
            ["profile", "--typhon", &python, "-X", "gil=0", "--json", &json, &script, "--own", "option"];
        place.lab(&arguments).output().expect("the lab runs")
    };
    let to_file = format!(
        r#"for word in $options; do case $word in sync-stats=*) cat {}/report > "${{word#sync-stats=}}";; esac; done"#,
        place.0.display()
    );
    let good = run(&format!(r#"{to_file}; echo "got $options $*""#));
    let shown = text(&good);
    assert!(good.status.success(), "{shown}");
    // The program's own output, options and arguments are untouched.
    assert!(shown.contains("got  -X gil=0 -X sync-stats=") && shown.contains(" --own option\n"), "{shown}");
    assert!(
        shown.contains("mine.py:1  x.append(1)  object lock  list      9      2  3.00 ms  2.00 ms  100 %"),
        "{shown}"
    );
    assert!(shown.contains("object lock: share less"), "{shown}");
    assert!(fs::read_to_string(&json).is_ok_and(|text| text.contains("share less")));
    // A program that fails has tables, too, and fails.
    let failed = run(&format!("{to_file}; exit 3"));
    assert_eq!(failed.status.code(), Some(1));
    assert!(text(&failed).contains("object lock: share less") && text(&failed).contains("exit status: 3"));
    // One that leaves nothing does not pass for one that waits for nothing.
    let silent = run("exit 0");
    assert_eq!(silent.status.code(), Some(1));
    assert!(text(&silent).contains("left no statistics"), "{}", text(&silent));
}
