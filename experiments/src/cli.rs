//! The command line of the lab.

use crate::arms::Peer;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Runs Python programs side by side: with a GIL, without one, as processes, on other interpreters.
#[derive(Parser, Debug)]
#[command(
    name = "lab",
    bin_name = "cargo lab",
    version,
    after_help = "Exit codes: 0 fine, 1 failed runs, 2 wrong usage, 3 claim not reproduced, 4 inconclusive, 130 interrupted."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the lab can do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run an experiment and print its table
    #[command(subcommand)]
    Run(Experiment),
    /// Run your program once and show where its threads wait for each other, by type and source line
    Profile(ProfileOptions),
    /// List workloads, loops, types and papers
    List,
    /// Model-check the protocols of `sync` and print the table of models
    Model {
        /// Passed on to the models' test program, e.g. the name of a model
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Reproduce a paper's claims
    #[command(subcommand)]
    Paper(Paper),
    /// Measuring programs that the lab starts itself
    #[command(hide = true, subcommand)]
    Measure(Measure),
}

/// The experiments.
#[derive(Subcommand, Debug)]
pub enum Experiment {
    /// Threaded workloads with GIL, without GIL and as processes, at 1 and N workers
    Threads(ThreadsOptions),
    /// Your own program in every arm: time, processor time, memory, same output
    Script(ScriptOptions),
    /// The threaded workloads in short and long processes: what is left at exit must be the same
    Leaks(ThreadsOptions),
    /// Threads beside the cycle collectors: how long they are held up, throughput, memory; with a figure
    Gc(GcOptions),
    /// Thirteen small single-thread loops, in ns per iteration, against peers
    Loops(LoopsOptions),
    /// Operations of the built-in types, one at a time, in ns, against peers
    Ops(OpsOptions),
    /// Resident memory of objects, one kind at a time, in bytes per object, against peers
    Memory(MemoryOptions),
    /// Processes that do next to nothing: how long they take, against peers
    Startup(StartupOptions),
    /// Threads that read the same objects, from nothing shared to everything, under every way of counting
    Sharing(RowsOptions),
    /// The same work in every thread, against as many processes, and writes to one object, against a GIL
    Scaling(RowsOptions),
    /// Single-thread programs written for `pyperf`, unmodified, against peers
    Single(SingleOptions),
}

/// Options that every experiment has.
#[derive(Args, Debug, Clone, Default)]
pub struct Common {
    /// Small sizes and few rounds: shows that everything works, not for publication
    #[arg(long)]
    pub quick: bool,
    /// Add another Python interpreter as an arm; may be repeated
    #[arg(long = "peer", value_name = "NAME=COMMAND")]
    pub peers: Vec<Peer>,
    /// Measure this built interpreter instead of building one
    #[arg(long, value_name = "PATH")]
    pub typhon: Option<PathBuf>,
    /// Where to write the JSON lines [default: target/lab/…]
    #[arg(long, value_name = "FILE.jsonl")]
    pub out: Option<PathBuf>,
    /// Seed of all random choices [default: from the clock; always recorded]
    #[arg(long)]
    pub seed: Option<u64>,
    /// Rounds: fresh processes per arm and program
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub rounds: Option<u16>,
    /// Longest time for one process, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86400))]
    pub timeout: Option<u32>,
}

/// How `multiprocessing` starts its processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StartMethod {
    /// A copy of the parent.
    Fork,
    /// Forked from a server that was started clean.
    Forkserver,
    /// A new interpreter.
    Spawn,
}

impl StartMethod {
    /// As `multiprocessing` calls it.
    pub fn name(self) -> &'static str {
        match self {
            StartMethod::Fork => "fork",
            StartMethod::Forkserver => "forkserver",
            StartMethod::Spawn => "spawn",
        }
    }
}

/// `lab run threads`.
#[derive(Args, Debug, Clone)]
pub struct ThreadsOptions {
    #[command(flatten)]
    #[expect(missing_docs, reason = "see its type")]
    pub common: Common,
    /// N, the number of workers to compare with one [default: this machine's processors, 2 to 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=256))]
    pub threads: Option<u16>,
    /// Only these workloads
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    pub only: Vec<String>,
    /// How the process arm starts its processes
    #[arg(long, value_enum, default_value = "fork")]
    pub start_method: StartMethod,
}

/// `lab run script`.
#[derive(Args, Debug, Clone)]
pub struct ScriptOptions {
    #[command(flatten)]
    #[expect(missing_docs, reason = "see its type")]
    pub common: Common,
    /// The program and its arguments; options of the lab come before it
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_names = ["FILE.py", "ARGS"], num_args = 1..)]
    pub program: Vec<String>,
}

/// `lab profile`.
#[derive(Args, Debug, Clone)]
pub struct ProfileOptions {
    /// Run it on this built interpreter instead of building one
    #[arg(long, value_name = "PATH")]
    pub typhon: Option<PathBuf>,
    /// An option of the interpreter, such as `gil=1`; may be repeated
    #[arg(short = 'X', value_name = "OPTION")]
    pub x: Vec<String>,
    /// Rows to show in each table
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub top: u16,
    /// Keep everything that was recorded in this file
    #[arg(long, value_name = "FILE.json")]
    pub json: Option<PathBuf>,
    /// The program and its arguments; options of the lab come before it
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_names = ["FILE.py", "ARGS"], num_args = 1..)]
    pub program: Vec<String>,
}

/// `lab run gc`.
#[derive(Args, Debug, Clone)]
pub struct GcOptions {
    #[command(flatten)]
    #[expect(missing_docs, reason = "see its type")]
    pub common: Common,
    /// Threads that make garbage [default: this machine's processors, 2 to 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
    /// Objects that stay alive [default: 1000000; with --quick 20000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    pub live: Option<u32>,
    /// How long the threads run, in seconds [default: 30; with --quick 1]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub seconds: Option<u32>,
    /// Threads give what they make to each other, so that two threads knew each object
    #[arg(long)]
    pub handed: bool,
}

/// `lab run loops`.
#[derive(Args, Debug, Clone)]
pub struct LoopsOptions {
    #[command(flatten)]
    #[expect(missing_docs, reason = "see its type")]
    pub common: Common,
    /// Only these loops
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    pub only: Vec<String>,
}

/// `lab run sharing` and `lab run scaling`.
#[derive(Args, Debug, Clone)]
pub struct RowsOptions {
    #[command(flatten)]
    #[expect(missing_docs, reason = "see its type")]
    pub common: Common,
    /// N, the number of threads to compare with one [default: this machine's processors, 2 to 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=256))]
    pub threads: Option<u16>,
    /// Only these rows
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    pub only: Vec<String>,
}

/// `lab run ops`.
#[derive(Args, Debug, Clone)]
pub struct OpsOptions {
    #[command(flatten)]
    #[expect(missing_docs, reason = "see its type")]
    pub common: Common,
    /// Only the operations of these types
    #[arg(long, value_name = "TYPE,..", value_delimiter = ',')]
    pub only: Vec<String>,
}

/// `lab run memory`.
#[derive(Args, Debug, Clone)]
pub struct MemoryOptions {
    #[command(flatten)]
    #[expect(missing_docs, reason = "see its type")]
    pub common: Common,
    /// Only these kinds of objects
    #[arg(long, value_name = "KIND,..", value_delimiter = ',')]
    pub only: Vec<String>,
}

/// `lab run startup`.
#[derive(Args, Debug, Clone)]
pub struct StartupOptions {
    #[command(flatten)]
    #[expect(missing_docs, reason = "see its type")]
    pub common: Common,
}

/// `lab run single`.
#[derive(Args, Debug, Clone)]
pub struct SingleOptions {
    #[command(flatten)]
    #[expect(missing_docs, reason = "see its type")]
    pub common: Common,
    /// Only programs with these names
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    pub only: Vec<String>,
    /// With --typhon: measure this built interpreter, which has a GIL only (feature `folded`), as well
    #[arg(long, value_name = "PATH")]
    pub folded: Option<PathBuf>,
    /// Programs, or folders with programs (`*.py`, `*/run_benchmark.py`)
    #[arg(value_name = "DIR|FILE", required = true)]
    pub paths: Vec<PathBuf>,
}

/// `lab paper`.
#[derive(Subcommand, Debug)]
pub enum Paper {
    /// List the papers that can be reproduced, with their claims
    List,
    /// Measure what a paper claims, then judge the claims
    Run {
        /// The folder's name in `papers/`
        slug: String,
        #[command(flatten)]
        #[expect(missing_docs, reason = "see its type")]
        common: Common,
    },
    /// Judge the claims again by the latest measurement
    Check {
        /// The folder's name in `papers/`
        slug: String,
    },
}

/// Measuring programs.
#[derive(Subcommand, Debug)]
pub enum Measure {
    /// The cost of counting references, per increment and decrement
    Counting {
        /// Order of the variants
        #[arg(long, default_value_t = 0)]
        seed: u64,
        /// Time per variant, in milliseconds
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        ms: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn out_of_range_is_refused_by_name() {
        for wrong in [
            ["run", "threads", "--threads", "1"],
            ["run", "threads", "--threads", "100000"],
            ["run", "threads", "--rounds", "0"],
            ["run", "loops", "--peer", "nameless"],
            ["run", "threads", "--start-method", "magic"],
        ] {
            let error = Cli::try_parse_from(std::iter::once("lab").chain(wrong)).expect_err("out of range");
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(wrong[2]), "{error}");
        }
    }

    #[test]
    fn a_profile_needs_a_program_and_rows() {
        for (wrong, named) in [(vec!["profile"], "FILE.py"), (vec!["profile", "--top", "0", "a.py"], "--top")]
        {
            let error = Cli::try_parse_from(std::iter::once("lab").chain(wrong)).expect_err("wrong");
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(named), "{error}");
        }
    }

    #[test]
    fn a_script_keeps_its_own_options() {
        let cli = Cli::try_parse_from(["lab", "run", "script", "--quick", "a.py", "--quick", "-n", "3"])
            .expect("good");
        let Command::Run(Experiment::Script(options)) = cli.command else { panic!("script expected") };
        assert!(options.common.quick);
        assert_eq!(options.program, ["a.py", "--quick", "-n", "3"]);
    }
}
