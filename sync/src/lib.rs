//! How threads meet: reference counts, merge queues, object locks, the GIL, thread states,
//! handshakes and quiescent-state reclamation. Knows headers, never objects.
pub mod birth;
pub mod count;
pub mod header;
pub mod prim;
mod rules;

pub use birth::Birth;
pub use count::{Fate, Shared};
pub use header::{Header, OwnerId, gc_bits};
