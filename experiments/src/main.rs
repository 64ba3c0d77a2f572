//! The command `lab`; see `typhon_lab::cli` for its options.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = typhon_lab::cli::Cli::parse();
    typhon_lab::interrupt::install();
    match typhon_lab::commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                eprintln!("lab: {message}");
            }
            ExitCode::from(failure.exit_code())
        }
    }
}
