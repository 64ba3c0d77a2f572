//! The interpreter: linking code, frames, handlers, unwinding.

pub mod bind;
pub mod caches;
pub mod calls;
pub mod eval;
pub mod frame;
pub mod handlers;
pub mod in_place;
pub mod intrinsics;
pub mod link;
pub mod machine;
pub mod names;
pub mod opcodes;
mod spread;
pub mod tables;
pub mod unpack;
pub mod unwind;

pub use calls::super_arguments;
pub use eval::{call_function, current_globals, current_record, eval_code};

use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::Args;
use crate::thread::Thread;

/// Runs a class body's function with `namespace` as its locals; returns what the body returned (the
/// `__class__` cell or None).
pub fn run_class_body(th: &mut Thread, func: Borrowed<'_>, namespace: Borrowed<'_>) -> PyResult<Owned> {
    match func.downcast::<crate::function::Function>() {
        Some(f) => call_function(th, f, Args::positional(&[]), Some(namespace)),
        None => Err(th.type_error("__build_class__: func must be a function")),
    }
}
