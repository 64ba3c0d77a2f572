//! `typhon`: runs Python programs.

use std::io::Write;

mod allocator;
mod finish;
mod options;
mod repl;
mod run;
mod usage;

use options::{Invocation, Stop};

#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator;

/// Source and compiled code of the standard library; made by the build script.
static LIBRARY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/stdlib.blob"));

fn main() {
    let mut args = std::env::args_os();
    let program = args.next().unwrap_or_else(|| "typhon".into());
    match options::parse(&program, args.collect()) {
        Ok(invocation) => {
            let status = start(invocation);
            // Threads that outlive the main one end with the process.
            std::process::exit(status)
        }
        Err(Stop::Print(text)) => {
            let done = std::io::stdout().write_all(text.as_bytes()).is_ok();
            std::process::exit(i32::from(!done))
        }
        Err(Stop::Fail(text, status)) => {
            let end = if text.ends_with('\n') { "" } else { "\n" };
            eprint!("{text}{end}");
            std::process::exit(status)
        }
    }
}

/// Starts the runtime, runs the program, ends the runtime; the exit status.
fn start(invocation: Invocation) -> i32 {
    typhon_modules::library::install(LIBRARY);
    let Invocation { config, action, path, program, skip_first_line } = invocation;
    let th = match typhon_core::runtime::Runtime::start(config, typhon_modules::MODULES) {
        Ok(th) => th,
        Err(reason) => {
            eprintln!("Fatal Python error: {reason}");
            return 1;
        }
    };
    run::program(th, &run::Program { action, path, name: program, skip_first_line })
}
