//! How threads live together. Chosen once, at start; plain data, never a type parameter.

use super::header::OwnerId;

/// One answer to "what protects shared state?".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One lock around the interpreter. Every thread wears [`OwnerId::GIL`], so every count takes
    /// the local path, and object locks are skipped.
    Gil,
    /// Free threads; objects are biased towards the thread that made them (PEP 703).
    Biased,
    /// Free threads; every count is atomic.
    Atomic,
    /// As `Biased`; objects that several threads read often are borrowed ([`crate::shared`]).
    Deferred,
}

impl Mode {
    /// There is a GIL.
    pub const fn has_gil(self) -> bool {
        matches!(self, Mode::Gil)
    }

    /// The owner id with which the thread `thread` counts.
    pub const fn owner_id(self, thread: OwnerId) -> OwnerId {
        if self.has_gil() { OwnerId::GIL } else { thread }
    }
}
