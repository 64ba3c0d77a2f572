//! typhon-modules
