//! The instruction handlers, one file per family.

pub mod append;
pub mod arith;
pub mod attr;
pub mod attr_many;
pub mod build;
pub mod call;
pub mod call_known;
pub mod cold;
pub mod event;
pub mod exc;
pub mod iter;
pub mod jump;
pub mod locals;
pub mod names;
pub mod pairs;
pub mod subscr;
pub mod text;
