//! How a command of the lab can end badly, and the exit code of each way.

use std::fmt;

/// Why a command did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// Runs crashed, timed out or gave wrong results; the table already says which. Exit code 1.
    Runs(String),
    /// The lab itself could not go on: a build failed, a file could not be written. Exit code 1.
    Broken(String),
    /// The command line asked for something that does not exist. Exit code 2.
    Usage(String),
    /// A claim was not reproduced. Exit code 3.
    NotReproduced(String),
    /// No claim failed, but at least one stays open. Exit code 4.
    Inconclusive(String),
    /// Ctrl-C or SIGTERM; what was measured until then is on disk. Exit code 130.
    Interrupted,
    /// A program that the lab only passes through to ended with this code.
    Passed(u8),
}

/// The result of everything in the lab that can fail.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// What to print, if anything.
    pub fn message(&self) -> Option<String> {
        match self {
            Failure::Runs(text)
            | Failure::Broken(text)
            | Failure::Usage(text)
            | Failure::NotReproduced(text)
            | Failure::Inconclusive(text) => Some(text.clone()),
            Failure::Interrupted => Some("interrupted; results up to here are kept".to_string()),
            Failure::Passed(_) => None,
        }
    }

    /// The exit code of the process.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Runs(_) | Failure::Broken(_) => 1,
            Failure::Usage(_) => 2,
            Failure::NotReproduced(_) => 3,
            Failure::Inconclusive(_) => 4,
            Failure::Interrupted => 130,
            Failure::Passed(code) => *code,
        }
    }
}

/// Turns any error into `Broken`, saying what was being done.
pub fn while_doing<E: fmt::Display>(what: impl fmt::Display) -> impl FnOnce(E) -> Failure {
    move |error| Failure::Broken(format!("{what}: {error}"))
}
