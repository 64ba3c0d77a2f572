//! typhon-compile
