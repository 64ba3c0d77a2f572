//! typhon-gc
