//! The interpreter.
pub mod frame;
