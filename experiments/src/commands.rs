//! One file per command.

mod gc;
mod leaks;
mod list;
mod loops;
mod model;
mod paper;
mod profile;
mod report;
mod rows;
mod scaling;
mod script;
mod sharing;
mod single;
mod startup;
mod threads;

pub(crate) use threads::{Cast, read as read_threads, subject as thread_subject};

use crate::cli::{Cli, Command, Common, Experiment, Measure};
use crate::failure::{Failure, Result};
use crate::runner::Settings;
use std::cell::RefCell;
use std::collections::BTreeMap;
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
        Command::Run(Experiment::Memory(options)) => loops::run_memory(&options),
        Command::Run(Experiment::Startup(options)) => startup::run(&options),
        Command::Run(Experiment::Sharing(options)) => sharing::run(&options),
        Command::Run(Experiment::Scaling(options)) => scaling::run(&options),
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

/// The parts of a suite that are named in `only`, in that order; all of them if it is empty. `what` is what a part is
/// called.
///
/// Errors: an unknown name is refused together with the names there are.
fn chosen(all: &[&'static str], only: &[String], what: &str) -> Result<Vec<&'static str>> {
    if only.is_empty() {
        return Ok(all.to_vec());
    }
    only.iter()
        .map(|name| {
            all.iter().find(|known| *known == name).copied().ok_or_else(|| {
                Failure::Usage(format!("no {what} is called {name:?}; there are: {}", all.join(", ")))
            })
        })
        .collect()
}

/// What programs gave as a result first: all arms must give the same.
#[derive(Default)]
struct Results(RefCell<BTreeMap<String, String>>);

impl Results {
    /// What is wrong with this result of `name`, if it is not the first one.
    fn differs(&self, name: &str, result: &str) -> Option<String> {
        let mut first = self.0.borrow_mut();
        let expected = first.entry(name.to_string()).or_insert_with(|| result.to_string());
        (expected != result).then(|| format!("{name}: result {result}, another arm had {expected}"))
    }
}
