//! typhon-core
