//! How threads meet: reference counts, merge queues, object locks, the GIL, thread states,
//! handshakes and quiescent-state reclamation. Knows headers, never objects.
pub mod header;
pub mod prim;
