//! typhon-sync
