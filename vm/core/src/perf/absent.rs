//! `-X perf` where handlers do not call each other: there is nothing to put a trampoline into.

use crate::runtime::{Config, Perf};

pub(crate) fn start(config: &Config) -> Result<(), String> {
    match config.perf {
        Perf::Off => Ok(()),
        _ => Err(String::from("-X perf needs handlers that call each other (x86-64, without `match-loop`)")),
    }
}

pub(crate) fn after_fork() {}

pub(crate) fn is_available() -> bool {
    false
}

pub(crate) fn is_active() -> bool {
    false
}

pub(crate) fn set_active(_: bool) {}
