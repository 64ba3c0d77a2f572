//! How threads meet: reference counts, merge queues, object locks, the GIL, thread states,
//! handshakes and quiescent-state reclamation. Knows headers, never objects.
//!
//! Start with [`World`] (what threads share) and [`ThreadCtx`] (a thread's own handle on it); counts
//! and the object lock are methods of [`Header`]. Protocols and their invariants are listed in this
//! crate's README.

mod backoff;
pub mod birth;
#[cfg(feature = "chaos")]
mod chaos;
pub mod count;
pub mod critical_section;
pub mod events;
pub mod fork;
pub mod gil;
pub mod header;
pub mod lock;
pub mod merge_queue;
pub mod mode;
pub mod monitor;
pub mod parker;
mod parking;
pub mod passage;
pub mod prim;
pub mod qsbr;
pub mod quarantine;
pub mod registry;
mod rules;
pub mod shared;
pub mod slot;
pub mod stats;
pub mod stop;
pub mod thread;
pub mod thread_state;
pub mod wait_lock;
pub mod watch;
pub mod world;

pub use birth::Birth;
pub use count::{Fate, Shared};
pub use critical_section::Section;
pub use header::{Header, OwnerId, gc_bits};
pub use lock::ObjectGuard;
pub use mode::Mode;
pub use parker::Wake;
pub use qsbr::Smr;
pub use quarantine::{Limbo, Quarantine};
pub use shared::Reaped;
pub use slot::read_slot;
pub use thread::{Host, Stopped, ThreadCtx};
pub use thread_state::{ThreadState, breaker};
pub use wait_lock::{Acquired, ReentrantLock, WaitLock};
pub use world::World;
