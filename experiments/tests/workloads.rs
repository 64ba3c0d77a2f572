//! Every embedded program gives its declared result on a Python that is not ours, so that the
//! checksums the VM is held against do not come from the VM. Uses `python3`, or what
//! LAB_TEST_PYTHON names; a machine without one cannot check this and says so.

use std::process::Command;
use typhon_lab::definition::{
    self, COLLECTIONS, DRIVER, Files, LOOP_NAMES, LOOPS, MEMORY, MEMORY_KINDS, OP_TYPES, OPS,
    OWN_COLLECTION_ROWS, PYPERF, SCALING, SCALING_BODIES, SCALING_WRITES, SHARED_COLLECTION_ROWS, SHARING,
    SHARING_ROWS, Size,
};
use typhon_lab::lines;
use typhon_lab::workdir::Workdir;

fn python() -> Option<String> {
    let python = std::env::var("LAB_TEST_PYTHON").unwrap_or_else(|_| "python3".to_string());
    let check = "import sys; sys.exit(sys.version_info < (3, 11))";
    let works =
        Command::new(&python).args(["-c", check]).output().is_ok_and(|output| output.status.success());
    if !works {
        eprintln!("no Python 3.11 or later: the embedded programs are not checked on another interpreter");
    }
    works.then_some(python)
}

fn run(python: &str, folder: &Workdir, arguments: &[&str]) -> String {
    let output = Command::new(python)
        .args(arguments)
        .current_dir(folder.path())
        .env("PYTHONPATH", folder.path())
        .output()
        .expect("it starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn folder() -> Workdir {
    Workdir::new().unwrap_or_else(|failure| panic!("{:?}", failure.message()))
}

fn write(folder: &Workdir, name: &str, text: &str) {
    folder.write(name, text).unwrap_or_else(|failure| panic!("{:?}", failure.message()));
}

#[test]
fn workloads_give_their_checksum_in_every_arm() {
    let Some(python) = python() else { return };
    let folder = folder();
    write(&folder, "driver.py", DRIVER);
    for workload in definition::threaded().unwrap_or_default() {
        write(&folder, &workload.module(), &workload.source);
        let scale = workload.scale(Size::Quick);
        for (arm, workers) in [("threads", 1), ("threads", 3), ("processes", 1), ("processes", 2)] {
            let (arm, workers) = (format!("arm={arm}"), format!("workers={workers}"));
            let mut arguments = vec!["driver.py".to_string(), workload.name.clone(), arm, workers];
            arguments.extend(["warmups=0".to_string(), "iterations=1".to_string()]);
            arguments.extend(scale.parameters.iter().map(|(name, value)| format!("{name}={value}")));
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let stdout = run(&python, &folder, &arguments);
            let results: Vec<u64> = lines::reports(&stdout)
                .iter()
                .filter_map(|fields| lines::number(fields, "checksum"))
                .collect();
            assert_eq!(results, [scale.checksum], "{arguments:?}");
        }
    }
}

#[test]
fn loops_have_results() {
    let Some(python) = python() else { return };
    let folder = folder();
    write(&folder, "loops.py", LOOPS);
    for name in LOOP_NAMES {
        let found = lines::reports(&run(&python, &folder, &["loops.py", name, "1", "1"]));
        assert!(lines::number::<f64>(&found[0], "ns").is_some_and(|ns| ns > 0.0), "{name}");
        assert!(lines::number::<i64>(&found[0], "checksum").is_some_and(|sum| sum != 0), "{name}");
    }
}

/// Checks what each row prints when two workers make `ops` operations each, twice; `right` judges the checksums.
fn check_rows(program: Files, rows: &[&str], ops: u32, right: impl Fn(&[i64]) -> bool) {
    let Some(python) = python() else { return };
    let folder = folder();
    let path = folder.write_program(program).unwrap_or_else(|failure| panic!("{:?}", failure.message()));
    let (path, ops) = (path.display().to_string(), format!("ops={ops}"));
    for name in rows {
        let stdout = run(&python, &folder, &[&path, name, "workers=2", &ops, "repeats=2"]);
        let found = lines::reports(&stdout);
        assert_eq!(found.len(), 2, "{name}: {stdout}");
        assert!(
            found.iter().all(|fields| lines::number::<f64>(fields, "ns").is_some_and(|ns| ns > 0.0)),
            "{name}: {stdout}"
        );
        let checksums: Vec<i64> =
            found.iter().filter_map(|fields| lines::number(fields, "checksum")).collect();
        assert!(checksums.len() == 2 && right(&checksums), "{name}: {stdout}");
    }
}

#[test]
fn rows_of_sharing_have_results() {
    check_rows(SHARING, SHARING_ROWS, 640, |sums| sums[0] > 0 && sums[0] == sums[1]);
}

#[test]
fn rows_of_scaling_have_results() {
    check_rows(SCALING, SCALING_BODIES, 20480, |sums| sums[0] > 0 && sums[0] == sums[1]);
    check_rows(SCALING, SCALING_WRITES, 20480, |sums| sums.iter().all(|made| made % 2048 == 0 && *made > 0));
}

#[test]
fn rows_of_collections_check_themselves() {
    let all = [OWN_COLLECTION_ROWS, SHARED_COLLECTION_ROWS].concat();
    check_rows(COLLECTIONS, &all, 20480, |made| made == [20480; 2]);
}

#[test]
fn operations_have_results() {
    let Some(python) = python() else { return };
    let folder = folder();
    write(&folder, "ops.py", OPS);
    for name in OP_TYPES {
        let found = lines::reports(&run(&python, &folder, &["ops.py", name, "1", "1"]));
        assert!(found.len() > 10, "{name}");
        for fields in found {
            assert!(lines::number::<f64>(&fields, "ns").is_some_and(|ns| ns > 0.0), "{name}: {fields:?}");
        }
    }
}

#[test]
fn kinds_of_objects_take_memory() {
    let Some(python) = python() else { return };
    let folder = folder();
    write(&folder, "memory.py", MEMORY);
    for name in MEMORY_KINDS {
        let found = lines::reports(&run(&python, &folder, &["memory.py", name, "20", "1"]));
        let bytes = lines::number::<f64>(&found[0], "bytes").expect("a report");
        assert!((4.0..1000.0).contains(&bytes), "{name}: {bytes}");
    }
}

#[test]
fn the_stand_in_runs_what_pyperf_programs_use() {
    let Some(python) = python() else { return };
    let folder = folder();
    write(&folder, "pyperf.py", PYPERF);
    let program = r#"
import pyperf

def add_arguments(command, args):
    command.extend(("--size", str(args.size)))

async def wait():
    calls.append("async")

def timed(loops, value):
    start = pyperf.perf_counter()
    for _ in range(loops):
        calls.append(value)
    return max(pyperf.perf_counter() - start, 1e-9)

calls = []
runner = pyperf.Runner(add_cmdline_args=add_arguments, values=9)
runner.metadata["description"] = "all entry points"
runner.argparser.add_argument("--size", type=int, default=3)
options = runner.parse_args()
assert options.size == 5 and runner.args is options
result = runner.bench_func("function", calls.append, "plain")
assert result.get_name() == "function" and len(result.get_values()) == 2 and result.mean() > 0
runner.bench_time_func("with loops", timed, "timed", inner_loops=10)
runner.bench_async_func("coroutine", wait)
runner.timeit("statement", "x = y + 1", setup="y = 1")
assert set(calls) == {"plain", "timed", "async"}, set(calls)
"#;
    write(&folder, "program.py", program);
    let stdout = run(&python, &folder, &["program.py", "--size", "5", "--loops", "3", "--values", "2"]);
    let found = lines::reports(&stdout);
    let names: Vec<&str> =
        found.iter().filter_map(|fields| fields.get("bench")).map(String::as_str).collect();
    assert_eq!(names, ["function", "with_loops", "coroutine", "statement"]);
    assert!(found.iter().all(|fields| lines::number::<u32>(fields, "values") == Some(2)));
}
