//! `lab run scaling`: does one worker per thread run the same body as fast as one worker alone?
//!
//! Two groups of rows. In bodies each thread works on what is its own, and only the classes, functions and tables behind
//! it are everybody's (after CPython's Tools/ftscalingbench); what should come out is what as many processes reach. In
//! writes all threads change one object, so none can be faster than one alone; what should come out is that they are
//! never slower than with a GIL.

use super::rows::{Field, Program, names};
use crate::cli::RowsOptions;
use crate::compare::Samples;
use crate::definition::{SCALING, SCALING_BODIES, SCALING_WRITES};
use crate::failure::Result;
use crate::runner::Key;
use crate::table::{self, Table};
use crate::workdir::Workdir;

/// Arms without a GIL whose writes are compared with those under one.
const COMPARED: [&str; 2] = ["deferred", "biased"];

/// The whole experiment.
///
/// Errors: `Usage` for an unknown row; `Runs` if a process failed or gave another result than one of another arm.
pub fn run(options: &RowsOptions) -> Result<()> {
    let quick = options.common.quick;
    let all = [SCALING_BODIES, SCALING_WRITES].concat();
    let rows = super::chosen(&all, &options.only, "row")?;
    let (bodies, writes): (Vec<&str>, Vec<&str>) = rows.iter().partition(|row| SCALING_BODIES.contains(row));
    let field = Field::new("row", options)?;
    let n = field.n;
    let workdir = Workdir::new()?;
    let (ops, repeats) = if quick { (640_000, 2) } else { (6_400_000, 3) };
    let program = Program { path: workdir.write_program(SCALING)?, ops, repeats, quick };
    let split = Program { ops: ops / n as u32, ..program.clone() };
    let mut subjects: Vec<_> = bodies.iter().map(|row| field.scaled(&program, row)).collect();
    subjects.extend(writes.iter().map(|row| field.at_once(&split, row)));
    let settings = super::settings(&options.common, 3, 7);
    field.measure("scaling", options, settings, &program, &subjects, |samples, runs| {
        if !bodies.is_empty() {
            println!("Own work: ns per operation of one thread (median), with 1 thread and with {n} at once");
            println!("{}", field.times(&bodies, samples).render());
            println!("Speed-up: what {n} threads do in the time in which one does 1");
            println!("{}", field.speedups(&bodies, samples).render());
            println!("Share of the ceiling, which is what {n} processes that share nothing reach at once");
            println!("{}", field.shares(&bodies, samples).render());
            println!("References counted in shared words, for each operation, with {n} threads");
            println!("{}", field.counts(&bodies, runs).render());
        }
        if !writes.is_empty() {
            println!(
                "Writes to one object by {n} threads: ns per operation of all together (median), and ratios"
            );
            println!("of times: above 1, the threads had better have a GIL");
            println!("{}", written(&field, &writes, samples).render());
        }
    })
}

fn written(field: &Field, rows: &[&str], samples: &Samples) -> Table {
    let key = |arm: &str| Key::measure(arm, field.n);
    let mut heads = names(&field.arms);
    heads.extend(COMPARED.iter().map(|arm| format!("{arm} / gil")));
    field.table(rows, heads, |row, at| match field.arms.get(at) {
        Some(arm) => {
            let ns = samples.median(row, &key(&arm.name));
            ns.map_or("–".to_string(), |ns| table::digits(ns / field.n as f64))
        }
        None => {
            let arm = COMPARED[at - field.arms.len()];
            table::effect(samples.ratio(row, &key(arm), &key("gil")).as_ref())
        }
    })
}
