//! `lab run single`: programs written for `pyperf`, unmodified, on our stand-in for it.

use super::{loops::per_program, report};
use crate::arms::{self, Arm};
use crate::cli::SingleOptions;
use crate::compare::Samples;
use crate::definition::PYPERF;
use crate::failure::{Failure, Result, while_doing};
use crate::lines;
use crate::process::{Finished, Launch};
use crate::record::Recorder;
use crate::runner::{self, Cell, Key, Outcome, Reading, Subject};
use crate::table;
use crate::workdir::Workdir;
use std::path::{Path, PathBuf};

/// Runs the programs in all arms and prints the best time per benchmark.
pub fn run(options: &SingleOptions) -> Result<()> {
    let mut programs = Vec::new();
    for path in &options.paths {
        collect(path, &mut programs)?;
    }
    programs.retain(|(name, _)| options.only.is_empty() || options.only.contains(name));
    if let Some(missing) = options.only.iter().find(|name| !programs.iter().any(|(known, _)| known == *name))
    {
        return Err(Failure::Usage(format!("no program called {missing:?} in the given paths")));
    }
    if programs.is_empty() {
        return Err(Failure::Usage("no programs in the given paths".to_string()));
    }
    let typhon = arms::typhon(options.common.typhon.as_deref())?;
    let mut arms = vec![Arm::typhon("free", &typhon, &["gil=0"]), Arm::typhon("gil", &typhon, &["gil=1"])];
    arms.extend(options.common.peers.iter().map(|peer| peer.arm()));
    let workdir = Workdir::new()?;
    workdir.write("pyperf.py", PYPERF)?;
    let settings = super::settings(&options.common, 2, 5);
    let subjects: Vec<Subject> = programs
        .iter()
        .map(|(name, file)| subject(name, file, &arms, &workdir, options.common.quick))
        .collect();
    let described = serde_json::json!({
        "experiment": "single", "arms": arms, "rounds": settings.rounds, "seed": settings.seed,
        "programs": programs, "unit": "ns, best value of a process",
        "versions": arms.iter().map(|arm| crate::host::version(&arm.command)).collect::<Vec<_>>(),
    });
    let mut recorder = Recorder::open("single", options.common.out.as_deref(), settings.seed, &described)?;
    let runs = runner::run(&subjects, settings, &read, &mut recorder)?;
    recorder.close("done")?;
    report::opening(&recorder, settings);
    println!("Best time per loop in a process (median over processes), and the ratio of times");
    let samples = Samples::new(&runs, settings.seed);
    let mut names: Vec<&str> = samples.subjects().iter().map(String::as_str).collect();
    // Programs that ran nowhere keep their row.
    for (name, _) in &programs {
        if !names.iter().any(|shown| shown == name || shown.starts_with(&format!("{name}/"))) {
            names.push(name);
        }
    }
    names.sort_unstable();
    println!("{}", per_program(&names, &arms, &samples, table::time).render());
    report::closing(&recorder, &runs, &options.common);
    runner::verdict(&runs)
}

/// Name and file of each program under `path`: the file itself; `bm_NAME/run_benchmark.py`; `NAME.py`.
fn collect(path: &Path, programs: &mut Vec<(String, PathBuf)>) -> Result<()> {
    let full = path.canonicalize().map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
    if full.is_file() {
        programs.push((name_of(&full), full));
        return Ok(());
    }
    if full.join("run_benchmark.py").is_file() {
        let file = full.join("run_benchmark.py");
        programs.push((name_of(&file), file));
        return Ok(());
    }
    let entries = std::fs::read_dir(&full).map_err(while_doing(format!("cannot read {}", full.display())))?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter_map(|entry| {
            let inner = entry.join("run_benchmark.py");
            if inner.is_file() {
                return Some(inner);
            }
            (entry.is_file() && entry.extension().is_some_and(|end| end == "py")).then_some(entry)
        })
        .collect();
    found.sort();
    programs.extend(found.into_iter().map(|file| (name_of(&file), file)));
    Ok(())
}

fn name_of(file: &Path) -> String {
    let stem =
        |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let name = match (stem(file), file.parent()) {
        (name, Some(folder)) if name == "run_benchmark" => stem(folder),
        (name, _) => name,
    };
    name.strip_prefix("bm_").unwrap_or(&name).to_string()
}

fn subject(name: &str, file: &Path, arms: &[Arm], workdir: &Workdir, quick: bool) -> Subject {
    let cells = arms
        .iter()
        .map(|arm| {
            let mut command = arm.command.clone();
            command.push(file.display().to_string());
            let mut env = arm.env.clone();
            env.push(("PYTHONPATH".into(), workdir.path().display().to_string()));
            env.push(("PYTHONDONTWRITEBYTECODE".into(), "1".into()));
            if quick {
                env.push(("LAB_VALUES".into(), "2".into()));
                env.push(("LAB_MIN_MS".into(), "30".into()));
            }
            let folder = file.parent().unwrap_or(workdir.path()).to_path_buf();
            Cell { key: Key::measure(&arm.name, 1), launches: vec![Launch { command, env, folder }] }
        })
        .collect();
    Subject { name: name.to_string(), size: if quick { "quick" } else { "full" }, cells }
}

fn read(subject: &Subject, _: &Cell, finished: &Finished) -> Outcome {
    let mut outcome = Outcome::default();
    for fields in lines::reports(&finished.stdout) {
        let (Some(bench), Some(best)) = (fields.get("bench"), lines::number::<f64>(&fields, "best_ns"))
        else {
            continue;
        };
        let name = if *bench == subject.name { None } else { Some(format!("{}/{bench}", subject.name)) };
        outcome.readings.push(Reading { subject: name, wall_ns: best, ..Reading::default() });
    }
    if outcome.readings.is_empty() && finished.succeeded() {
        outcome.fault = Some((None, "it reported no benchmark".to_string()));
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_files_and_folders() {
        assert_eq!(name_of(Path::new("/x/bm_nbody/run_benchmark.py")), "nbody");
        assert_eq!(name_of(Path::new("/x/bm_go.py")), "go");
        assert_eq!(name_of(Path::new("/x/mine.py")), "mine");
    }
}
