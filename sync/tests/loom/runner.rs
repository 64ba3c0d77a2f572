//! Runs models in this process, and each mutant in a process of its own, since a model that fails may
//! abort. Prints one line per model.

use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// A model of one protocol.
pub struct Model {
    /// Its number in the list of protocols; letters tell models of one protocol apart.
    pub id: &'static str,
    pub name: &'static str,
    /// What it checks.
    pub checks: &'static str,
    /// Threads in the model.
    pub threads: usize,
    /// Preemption bound; `--unbounded` lifts it.
    pub bound: usize,
    /// One execution, which loom repeats for every interleaving.
    pub run: fn(),
    pub mutants: &'static [Mutant],
}

/// The same model on sources with one rule changed. Must fail.
pub struct Mutant {
    pub name: &'static str,
    pub run: fn(),
}

/// First argument of the process that runs one mutant.
const RUN_MUTANT: &str = "--run-mutant";
/// Exit code of a mutant that was not caught.
const SURVIVED: i32 = 33;

fn explore(run: fn(), bound: Option<usize>) -> (usize, Duration) {
    static N_EXECUTIONS: AtomicUsize = AtomicUsize::new(0);
    N_EXECUTIONS.store(0, Relaxed);
    let started = Instant::now();
    let mut loom = loom::model::Builder::new();
    loom.preemption_bound = bound;
    loom.max_branches = 20_000;
    loom.check(move || {
        N_EXECUTIONS.fetch_add(1, Relaxed);
        run();
    });
    (N_EXECUTIONS.load(Relaxed), started.elapsed())
}

pub fn main(models: &'static [Model]) -> ExitCode {
    let mut only = None;
    let mut unbounded = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            RUN_MUTANT => {
                let (id, name) = (arguments.next(), arguments.next());
                return run_mutant(models, id.as_deref(), name.as_deref(), arguments.next().is_some());
            }
            "--list" => {
                list(models);
                return ExitCode::SUCCESS;
            }
            "--only" => only = arguments.next(),
            "--unbounded" => unbounded = true,
            // What `cargo test` passes on to every test binary.
            "--nocapture" | "--quiet" | "-q" | "--test" => {}
            other if other.starts_with('-') => {
                eprintln!("unknown argument {other}; known: --list, --only ID, --unbounded");
                return ExitCode::from(2);
            }
            filter => only = Some(filter.to_owned()),
        }
    }
    let chosen = |model: &&Model| match &only {
        None => true,
        Some(id) => {
            model.id == id || model.id.trim_end_matches(char::is_lowercase) == id || model.name.contains(id)
        }
    };
    let chosen: Vec<&'static Model> = models.iter().filter(chosen).collect();
    run_all(&chosen, unbounded)
}

fn list(models: &[Model]) {
    println!("{:<5} {:<22} {:>7} {:>5}  {:<56} mutants", "model", "name", "threads", "bound", "checks");
    for model in models {
        let mutants: Vec<_> = model.mutants.iter().map(|mutant| mutant.name).collect();
        println!(
            "{:<5} {:<22} {:>7} {:>5}  {:<56} {}",
            model.id,
            model.name,
            model.threads,
            model.bound,
            model.checks,
            mutants.join(", ")
        );
    }
}

fn run_all(models: &[&'static Model], unbounded: bool) -> ExitCode {
    println!(
        "{:<5} {:<22} {:>7} {:>5} {:>13} {:>8}  mutants",
        "model", "name", "threads", "bound", "interleavings", "seconds"
    );
    let started = Instant::now();
    let mut n_failed = 0;
    for model in models {
        let bound = (!unbounded).then_some(model.bound);
        let bound_text = bound.map_or("none".to_owned(), |bound| bound.to_string());
        print!("{:<5} {:<22} {:>7} {:>5} ", model.id, model.name, model.threads, bound_text);
        let _ = std::io::Write::flush(&mut std::io::stdout());
        match std::panic::catch_unwind(|| explore(model.run, bound)) {
            Ok((n, time)) => print!("{n:>13} {:>8.2} ", time.as_secs_f64()),
            Err(_) => {
                print!("{:>13} {:>8} ", "FAILED", "");
                n_failed += 1;
            }
        }
        for mutant in model.mutants {
            match judge(model, mutant, unbounded) {
                Ok(why) => print!(" {}: caught ({why})", mutant.name),
                Err(why) => {
                    print!(" {}: {why}", mutant.name);
                    n_failed += 1;
                }
            }
        }
        println!();
    }
    println!("{} models, {n_failed} failures, {:.1} s", models.len(), started.elapsed().as_secs_f64());
    if models.is_empty() || n_failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Runs a mutant in a child process; `Ok` with loom's complaint if it was caught.
fn judge(model: &Model, mutant: &Mutant, unbounded: bool) -> Result<String, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.args([RUN_MUTANT, model.id, mutant.name]).stdin(Stdio::null());
    if unbounded {
        command.arg("unbounded");
    }
    let output = command.env("RUST_BACKTRACE", "0").output().map_err(|error| error.to_string())?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    if output.status.success() || output.status.code() == Some(SURVIVED) {
        return Err("NOT CAUGHT".to_owned());
    }
    // The line after "thread … panicked at …:" says why.
    let mut lines = complaint.lines().skip_while(|line| !line.contains("panicked at"));
    let Some(_) = lines.next() else { return Err("died without a verdict".to_owned()) };
    let why: String = lines.next().unwrap_or("").chars().take(48).collect();
    Ok(why.trim().trim_end_matches('.').to_owned())
}

fn run_mutant(models: &[Model], id: Option<&str>, name: Option<&str>, unbounded: bool) -> ExitCode {
    let model = models.iter().find(|model| Some(model.id) == id);
    let mutant = model.and_then(|model| model.mutants.iter().find(|mutant| Some(mutant.name) == name));
    let (Some(model), Some(mutant)) = (model, mutant) else {
        eprintln!("{RUN_MUTANT} needs the name of a model and of one of its mutants");
        return ExitCode::SUCCESS;
    };
    explore(mutant.run, (!unbounded).then_some(model.bound));
    std::process::exit(SURVIVED)
}
