//! `lab run single`: programs written for `pyperf`, unmodified, on our stand-in for it.

use super::loops::{FOLDED, per_program};
use super::report;
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
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Runs the programs in all arms and prints the best time per benchmark.
pub fn run(options: &SingleOptions) -> Result<()> {
    let mut programs = Vec::new();
    for path in &options.paths {
        collect(path, &mut programs)?;
    }
    programs.retain(|program| options.only.is_empty() || options.only.contains(&program.name));
    if let Some(missing) =
        options.only.iter().find(|name| !programs.iter().any(|program| program.name == **name))
    {
        return Err(Failure::Usage(format!("no program called {missing:?} in the given paths")));
    }
    if programs.is_empty() {
        return Err(Failure::Usage("no programs in the given paths".to_string()));
    }
    let given = options.common.typhon.as_deref();
    let typhon = arms::typhon(given)?;
    let mut arms = vec![Arm::typhon("free", &typhon, &["gil=0"]), Arm::typhon("gil", &typhon, &["gil=1"])];
    if given.is_none() || options.folded.is_some() {
        arms.push(Arm::typhon(FOLDED, &arms::folded_typhon(options.folded.as_deref())?, &[]));
    }
    arms.extend(options.common.peers.iter().map(|peer| peer.arm()));
    let workdir = Workdir::new()?;
    workdir.write("pyperf.py", PYPERF)?;
    let settings = super::settings(&options.common, 2, 5);
    let subjects: Vec<Subject> =
        programs.iter().map(|program| subject(program, &arms, &workdir, options.common.quick)).collect();
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
    for Program { name, .. } in &programs {
        if !names.iter().any(|shown| shown == name || shown.starts_with(&format!("{name}/"))) {
            names.push(name);
        }
    }
    names.sort_unstable();
    println!("{}", per_program(&names, &arms, &samples, table::time).render());
    println!("\nLargest resident memory of a process, MiB (median over processes), and the ratio of memory");
    let memory = Samples::memory(&runs, settings.seed);
    let mut names: Vec<&str> = programs.iter().map(|program| program.name.as_str()).collect();
    names.sort_unstable();
    println!("{}", per_program(&names, &arms, &memory, table::digits).render());
    report::closing(&recorder, &runs, &options.common);
    runner::verdict(&runs)
}

/// A program and what it is called with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Program {
    name: String,
    file: PathBuf,
    options: Vec<String>,
}

/// Every program under `path`: the file itself; the variants of `bm_NAME/run_benchmark.py`; `NAME.py`.
fn collect(path: &Path, programs: &mut Vec<Program>) -> Result<()> {
    let full = path.canonicalize().map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
    if full.is_file() {
        programs.push(Program { name: name_of(&full), file: full, options: Vec::new() });
        return Ok(());
    }
    if full.join("run_benchmark.py").is_file() {
        programs.extend(variants(&full)?);
        return Ok(());
    }
    for entry in sorted(&full)? {
        if entry.join("run_benchmark.py").is_file() {
            programs.extend(variants(&entry)?);
        } else if entry.is_file() && entry.extension().is_some_and(|end| end == "py") {
            programs.push(Program { name: name_of(&entry), file: entry, options: Vec::new() });
        }
    }
    Ok(())
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(folder).map_err(while_doing(format!("cannot read {}", folder.display())))?;
    let mut found: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    found.sort();
    Ok(found)
}

/// One program per TOML file with a `[tool.pyperformance]` table in the folder: its `name`, and the
/// arguments in `extra_opts`. Without such files, the folder's name and no arguments.
fn variants(folder: &Path) -> Result<Vec<Program>> {
    let file = folder.join("run_benchmark.py");
    let mut found = Vec::new();
    for path in sorted(folder)?.iter().filter(|path| path.extension().is_some_and(|end| end == "toml")) {
        let text = std::fs::read_to_string(path).map_err(while_doing(path.display()))?;
        let table: toml::Table = text.parse().map_err(while_doing(path.display()))?;
        let Some(about) = table.get("tool").and_then(|tool| tool.get("pyperformance")) else { continue };
        let options = about.get("extra_opts").and_then(|options| options.as_array());
        let options =
            options.into_iter().flatten().filter_map(|option| option.as_str().map(str::to_string)).collect();
        let name =
            about.get("name").and_then(|name| name.as_str()).map_or_else(|| name_of(&file), str::to_string);
        found.push(Program { name, file: file.clone(), options });
    }
    if found.is_empty() {
        found.push(Program { name: name_of(&file), file, options: Vec::new() });
    }
    Ok(found)
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

fn subject(program: &Program, arms: &[Arm], workdir: &Workdir, quick: bool) -> Subject {
    let cells = arms
        .iter()
        .map(|arm| {
            let mut command = arm.command.clone();
            command.push(program.file.display().to_string());
            command.extend(program.options.iter().cloned());
            let mut env = arm.env.clone();
            env.push(("PYTHONPATH".into(), workdir.path().display().to_string()));
            env.push(("PYTHONDONTWRITEBYTECODE".into(), "1".into()));
            if quick {
                env.push(("LAB_VALUES".into(), "2".into()));
                env.push(("LAB_MIN_MS".into(), "30".into()));
            }
            let folder = program.file.parent().unwrap_or(workdir.path()).to_path_buf();
            Cell { key: Key::measure(&arm.name, 1), launches: vec![Launch { command, env, folder }] }
        })
        .collect();
    Subject { name: program.name.clone(), size: if quick { "quick" } else { "full" }, cells }
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

    #[test]
    fn variants_of_a_folder_have_names_and_arguments() -> Result<()> {
        let workdir = Workdir::new()?;
        workdir.write("bm_pickle/run_benchmark.py", "")?;
        workdir.write(
            "bm_pickle/pyproject.toml",
            "[tool.pyperformance]\nname = \"pickle\"\nextra_opts = [\"a\"]\n",
        )?;
        workdir.write(
            "bm_pickle/bm_list.toml",
            "[tool.pyperformance]\nname = \"pickle_list\"\nextra_opts = [\"-x\", \"b\"]\n",
        )?;
        workdir.write("bm_plain/run_benchmark.py", "")?;
        workdir.write("mine.py", "")?;
        let mut programs = Vec::new();
        collect(workdir.path(), &mut programs)?;
        let found: Vec<(&str, String)> =
            programs.iter().map(|program| (program.name.as_str(), program.options.join(" "))).collect();
        let expected = [("pickle_list", "-x b"), ("pickle", "a"), ("plain", ""), ("mine", "")];
        assert_eq!(found, expected.map(|(name, options)| (name, options.to_string())));
        Ok(())
    }
}
