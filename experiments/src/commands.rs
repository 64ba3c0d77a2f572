//! One file per command.

mod gc;
mod leaks;
mod list;
mod loops;
mod model;
mod paper;
mod profile;
mod report;
mod script;
mod single;
mod threads;

pub(crate) use threads::{Cast, read as read_threads, subject as thread_subject};

use crate::cli::{Cli, Command, Common, Experiment, Measure};
use crate::failure::Result;
use crate::runner::Settings;
use std::time::Duration;

/// Does what the command line says.
///
/// Errors: see [`crate::failure::Failure`].
pub fn run(cli: Cli) -> Result<()> {
    match cli.command {
        Command::Run(Experiment::Threads(options)) => threads::run(&options),
        Command::Run(Experiment::Script(options)) => script::run(&options),
        Command::Run(Experiment::Leaks(options)) => leaks::run(&options),
        Command::Run(Experiment::Gc(options)) => gc::run(&options),
        Command::Run(Experiment::Loops(options)) => loops::run(&options),
        Command::Run(Experiment::Ops(options)) => loops::run_ops(&options),
        Command::Run(Experiment::Single(options)) => single::run(&options),
        Command::Profile(options) => profile::run(&options),
        Command::List => list::run(),
        Command::Model { arguments } => model::run(&arguments),
        Command::Paper(paper) => paper::run(&paper),
        Command::Measure(Measure::Counting { seed, ms }) => {
            crate::counting::print(seed, Duration::from_millis(ms.into()));
            Ok(())
        }
    }
}

/// Settings of the runner from the options, with these numbers where the user gave none.
fn settings(common: &Common, rounds_quick: u16, rounds_full: u16) -> Settings {
    let rounds = common.rounds.unwrap_or(if common.quick { rounds_quick } else { rounds_full });
    let limit = common.timeout.unwrap_or(if common.quick { 60 } else { 600 });
    // Below 2^32, so that a seed is easy to type again.
    let seed = common.seed.unwrap_or_else(|| {
        let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        clock.map_or(1, |time| u64::from(time.subsec_nanos()) ^ (time.as_secs() & 0xFFFF_FFFF))
    });
    Settings { rounds: rounds.into(), seed, limit: Duration::from_secs(limit.into()) }
}
