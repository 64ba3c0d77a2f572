//! `lab model`: the model checks of `sync`, through cargo.

use crate::arms;
use crate::failure::{Failure, Result, while_doing};
use std::process::Command;

/// Runs the models and passes everything through.
pub fn run(arguments: &[String]) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["test", "--package", "typhon-sync", "--test", "models", "--"])
        .args(arguments)
        .current_dir(arms::workspace()?)
        .status()
        .map_err(while_doing("cannot run cargo"))?;
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => Err(Failure::Passed(u8::try_from(code).unwrap_or(1))),
        None => Err(Failure::Interrupted),
    }
}
