//! The lab: questions about Typhon, and answers with their uncertainty.
//!
//! An *arm* is one way to run a program: Typhon with a GIL, without one, with processes, or any
//! other Python interpreter. A *block* is one round of one workload in all arms and worker counts,
//! in random order, each in a fresh process. Every iteration becomes one JSON line; every ratio is
//! formed inside blocks and comes with a bootstrap interval.
//!
//! Reading order: `definition` (what a workload is), `arms`, `runner` (blocks), `process` (one
//! fresh process), `record` (JSON lines), `stats`, `compare`, `table`, then `commands`.

pub mod arms;
pub mod cli;
pub mod commands;
pub mod compare;
pub mod counting;
pub mod definition;
pub mod failure;
pub mod holds;
pub mod host;
pub mod interrupt;
pub mod lines;
pub mod papers;
pub mod plot;
pub mod process;
pub mod progress;
pub mod record;
pub mod runner;
pub mod stats;
pub mod table;
pub mod workdir;
