//! Frames: value stacks and call records.

use crate::word::Word;

/// Control data of one running frame.
#[repr(C)]
pub struct CallRecord {
    /// Where to go on when the callee returns.
    pub pc: *const u64,
    /// Local 0.
    pub fp: *mut Word,
    /// Next free stack word while a callee runs.
    pub sp: *mut Word,
}

/// The stacks of one thread: value words and call records.
pub struct ValueStack {
    words: *mut Word,
    records: *mut CallRecord,
}

/// Words reserved per thread (64 MiB).
pub const STACK_WORDS: usize = 8 << 20;
/// Call records reserved per thread.
pub const MAX_RECORDS: usize = 1 << 20;

impl ValueStack {
    pub fn new() -> ValueStack {
        let _ = MAX_RECORDS;
        ValueStack { words: core::ptr::null_mut(), records: core::ptr::null_mut() }
    }
    pub fn first_record(&self) -> *mut CallRecord {
        self.records
    }
    pub fn limit(&self) -> *mut Word {
        self.words
    }
    pub fn record_limit(&self, _n: usize) -> *mut CallRecord {
        self.records
    }
}

/// Lowest machine-stack address that natives may use.
pub fn native_stack_limit() -> usize {
    0
}
