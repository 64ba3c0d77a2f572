//! typhon-text
