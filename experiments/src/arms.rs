//! Arms: the ways to run a program that are compared.

use crate::failure::{Failure, Result, while_doing};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;

/// How an arm's workers live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Workers {
    /// `threading`.
    Threads,
    /// `multiprocessing`.
    Processes,
}

/// One way to run a Python program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Arm {
    /// As in tables and records; unique in a run.
    pub name: String,
    /// The interpreter and its options, before the script.
    pub command: Vec<String>,
    /// Variables set for it beside those of the lab.
    pub env: Vec<(String, String)>,
    /// What its workers are.
    pub workers: Workers,
}

impl Arm {
    /// An arm with threads and no extra variables.
    pub fn new(name: &str, command: Vec<String>) -> Arm {
        Arm { name: name.to_string(), command, env: Vec::new(), workers: Workers::Threads }
    }

    /// Typhon with these `-X` options.
    pub fn typhon(name: &str, typhon: &Path, options: &[&str]) -> Arm {
        let mut command = vec![typhon.display().to_string()];
        for option in options {
            command.push("-X".to_string());
            command.push((*option).to_string());
        }
        Arm::new(name, command)
    }

    /// The same arm with processes as workers.
    pub fn with_processes(mut self, name: &str) -> Arm {
        self.name = name.to_string();
        self.workers = Workers::Processes;
        self
    }
}

/// Any other interpreter, given as `NAME=COMMAND`. The command is split at spaces, quotes hold
/// words together, and leading `VARIABLE=VALUE` words are set in its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// As in tables.
    pub name: String,
    /// The interpreter and its options.
    pub command: Vec<String>,
    /// Variables before the command.
    pub env: Vec<(String, String)>,
}

impl FromStr for Peer {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Peer, String> {
        let (name, command) = text.split_once('=').ok_or_else(|| format!("{text:?} is not NAME=COMMAND"))?;
        let named = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.+".contains(c));
        if !named {
            return Err(format!("{name:?} is no name for an arm: use letters, digits and -_.+"));
        }
        if ["gil", "free", "folded", "processes", "ceiling"].contains(&name) || name.ends_with("-again") {
            return Err(format!("{name:?} is the name of an arm of the lab; choose another"));
        }
        let mut words = split_words(command)?;
        let mut env = Vec::new();
        while let Some((key, value)) = words.first().and_then(|word| word.split_once('=')) {
            if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                break;
            }
            env.push((key.to_string(), value.to_string()));
            words.remove(0);
        }
        if words.is_empty() {
            return Err(format!("{text:?} names no command"));
        }
        Ok(Peer { name: name.to_string(), command: words, env })
    }
}

impl Peer {
    /// The peer as an arm with threads.
    pub fn arm(&self) -> Arm {
        Arm { env: self.env.clone(), ..Arm::new(&self.name, self.command.clone()) }
    }
}

fn split_words(text: &str) -> std::result::Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut started = false;
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(end), c) if c == end => quote = None,
            (Some(_), c) => word.push(c),
            (None, '"' | '\'') => {
                quote = Some(c);
                started = true;
            }
            (None, c) if c.is_whitespace() => {
                if started {
                    words.push(std::mem::take(&mut word));
                }
                started = false;
            }
            (None, c) => {
                word.push(c);
                started = true;
            }
        }
    }
    if quote.is_some() {
        return Err(format!("{text:?} has an open quote"));
    }
    if started {
        words.push(word);
    }
    Ok(words)
}

/// The folder of the workspace: where cargo says the package is, else the nearest folder above the
/// current one that has `experiments/Cargo.toml`.
///
/// Errors: when there is none.
pub fn workspace() -> Result<PathBuf> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR");
    if let Some(root) = package.as_deref().and_then(|package| Path::new(package).parent()) {
        return Ok(root.to_path_buf());
    }
    let here = std::env::current_dir().map_err(while_doing("no current folder"))?;
    here.ancestors()
        .find(|folder| folder.join("experiments/Cargo.toml").is_file())
        .map(Path::to_path_buf)
        .ok_or_else(|| {
            Failure::Usage("run this inside Typhon's repository, or through `cargo lab`".to_string())
        })
}

/// The interpreter to measure: the one given, or Typhon built now, optimised.
///
/// Errors: a given path that is no file is wrong usage; a build that fails has said why.
pub fn typhon(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = given {
        return built("--typhon", path);
    }
    eprintln!("lab: building typhon (release)");
    build_typhon(&["--release"])
}

/// An interpreter that has a GIL and nothing to switch: the one given, or built now, optimised, in a folder of its own.
///
/// Errors: see [`typhon`].
pub fn folded_typhon(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = given {
        return built("--folded", path);
    }
    eprintln!("lab: building typhon (release, with the feature folded)");
    build_with_feature("folded", &["--release"])
}

fn built(option: &str, path: &Path) -> Result<PathBuf> {
    match path.canonicalize() {
        Ok(_) if path.is_file() && path.is_absolute() => Ok(path.to_path_buf()),
        Ok(full) if path.is_file() => Ok(full),
        _ => Err(Failure::Usage(format!("{option} {}: no such file", path.display()))),
    }
}

/// Builds an interpreter that counts its reference counting, in a folder of its own. It is not optimised
/// to the end: how often it counts does not depend on that.
///
/// Errors: see [`typhon`].
pub fn counting_typhon() -> Result<PathBuf> {
    eprintln!("lab: building typhon (with the feature refcount-stats)");
    build_with_feature("refcount-stats", &[])
}

/// Builds in a folder of its own, so that builds with other features stay.
fn build_with_feature(feature: &str, arguments: &[&str]) -> Result<PathBuf> {
    let folder = workspace()?.join("target").join(feature).display().to_string();
    let mut all = vec!["--features", feature, "--target-dir", &folder];
    all.extend(arguments);
    build_typhon(&all)
}

fn build_typhon(arguments: &[&str]) -> Result<PathBuf> {
    let root = workspace()?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--package", "typhon", "--message-format=json-render-diagnostics"])
        .args(arguments)
        .current_dir(root)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(while_doing("cannot run cargo"))?;
    if crate::interrupt::requested() {
        return Err(Failure::Interrupted);
    }
    if !output.status.success() {
        return Err(Failure::Broken("typhon does not build; give a built one with --typhon PATH".into()));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == "typhon")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .ok_or_else(|| Failure::Broken("cargo built no command called typhon".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_has_name_variables_and_command() {
        let peer: Peer = "t=PYTHON_GIL=0 A_1='x y' python3.14t -X 'a b'".parse().expect("good");
        assert_eq!(peer.name, "t");
        assert_eq!(peer.env, [("PYTHON_GIL".into(), "0".into()), ("A_1".into(), "x y".into())]);
        assert_eq!(peer.command, ["python3.14t", "-X", "a b"]);
    }

    #[test]
    fn wrong_peers_are_refused() {
        for text in ["python3", "=python3", "a b=python3", "gil=python3", "x=", "x='python3", "x=A=1"] {
            assert!(text.parse::<Peer>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_missing_interpreter_is_wrong_usage() {
        let failure = typhon(Some(Path::new("/no/such/typhon"))).expect_err("missing");
        assert_eq!(failure.exit_code(), 2);
    }
}
