//! `lab run sharing`: what it costs threads to read the same objects.
//!
//! A ladder of programs, from one in which threads share nothing to one in which they walk the same ring. All threads
//! only read. Beside the time stands its cause: how many references were counted in words that threads share, for
//! each read.

use super::rows::{Field, Program};
use crate::cli::RowsOptions;
use crate::definition::{SHARING, SHARING_ROWS};
use crate::failure::Result;
use crate::workdir::Workdir;

/// The whole experiment.
///
/// Errors: `Usage` for an unknown row; `Runs` if a process failed or gave another result than one of another arm.
pub fn run(options: &RowsOptions) -> Result<()> {
    let quick = options.common.quick;
    let rows = super::chosen(SHARING_ROWS, &options.only, "row")?;
    let field = Field::new("shared", options)?;
    let workdir = Workdir::new()?;
    let (ops, repeats) = if quick { (128_000, 2) } else { (1_280_000, 4) };
    let program = Program { path: workdir.write_program(SHARING)?, ops, repeats, quick };
    let subjects: Vec<_> = rows.iter().map(|row| field.scaled(&program, row)).collect();
    let settings = super::settings(&options.common, 3, 9);
    field.measure("sharing", options, settings, &program, &subjects, |samples, runs| {
        let n = field.n;
        println!(
            "ns per read of one thread (median), with 1 thread and with {n} at once, all of them strangers to what"
        );
        println!("they read");
        println!("{}", field.times(&rows, samples).render());
        println!("Share of the ceiling, which is what {n} processes that share nothing reach at once");
        println!("{}", field.shares(&rows, samples).render());
        println!("References counted in shared words, for each read, with {n} threads");
        println!("{}", field.counts(&rows, runs).render());
    })
}
