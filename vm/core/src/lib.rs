//! Objects, built-in types and the interpreter of Typhon.

pub mod attributes;
pub mod bootstrap;
pub mod buffer;
pub mod builtins;
pub mod call;
pub mod cell;
pub mod code;
pub mod codecs;
pub mod collect;
pub mod compile;
pub mod constants;
pub mod contention;
pub mod dealloc;
pub mod equality;
pub mod errors;
pub mod flags;
pub mod frame_object;
pub mod function;
pub mod generator;
pub mod held;
pub mod import;
pub mod intern;
pub mod interp;
pub mod monitoring;
pub mod names;
pub mod number;
pub mod object;
pub mod opcode_stats;
pub mod ops;
pub mod order;
pub(crate) mod pages;
#[cfg_attr(not(tail_calls), path = "perf/absent.rs")]
pub mod perf;
pub mod quarantine;
pub mod reaper;
pub mod report;
pub mod runtime;
pub mod shape;
pub mod sharing;
pub mod signature;
pub mod slots;
pub mod sysmod;
pub mod thread;
pub mod threads;
pub mod traceback;
pub mod typedef;
pub mod types;
pub mod typevars;
pub mod warnings;
pub mod weakref;
pub mod word;

pub use held::Held;
pub use object::{Beside, Borrowed, Data, Locked, Owned, Payload, PyResult, Raised, Slot, Trace};
pub use slots::{Args, ArgsExt, BufferFlags, CompareOp, Slots};
pub use thread::{Thread, unborn};
pub use typedef::{
    GetSetDef, MemberDef, ModuleDef, NativeDef, Safety, Shared, TypeDef, TypeId, kind, type_flags,
};
pub use types::Type;
pub use typhon_sync::header::Header;
pub use word::Word;
