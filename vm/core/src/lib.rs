//! Objects, built-in types and the interpreter of Typhon.

pub mod attributes;
pub mod bootstrap;
pub mod buffer;
pub mod builtins;
pub mod call;
pub mod codecs;
pub mod dealloc;
pub mod errors;
pub mod flags;
pub mod import;
pub mod intern;
pub mod interp;
pub mod names;
pub mod number;
pub mod object;
pub mod ops;
pub mod report;
pub mod runtime;
pub mod shape;
pub mod sharing;
pub mod signature;
pub mod slots;
pub mod thread;
pub mod threads;
pub mod typedef;
pub mod types;
pub mod weakref;
pub mod word;

pub use object::{Borrowed, Data, Locked, Owned, Payload, PyResult, Raised, Slot, Trace};
pub use slots::{Args, ArgsExt, BufferFlags, CompareOp, Slots};
pub use thread::{Thread, unborn};
pub use typedef::{GetSetDef, MemberDef, ModuleDef, NativeDef, TypeDef, TypeId, kind, type_flags};
pub use types::Type;
pub use typhon_sync::header::Header;
pub use word::Word;
