//! Frames: value stacks and call records.
//!
//! A frame's locals lie on the thread's value stack, where the caller pushed the arguments; its
//! evaluation stack follows. Control data is apart, in an array of [`CallRecord`]s that `Thread::ci`
//! points into.
//!
//! ```text
//!   base                fp                        fp + n_locals
//!   callee  self/NULL | arg0 arg1 … other locals | junk  value0 value1 …  (top of stack in a register)
//! ```
//!
//! Everything from `base` to the end of the locals goes away with the frame. The word `junk` is
//! where the register lands that holds nothing while the evaluation stack is empty.

use crate::builtins::dict::Dict;
use crate::code::CodeObject;
use crate::generator::Generator;
use crate::word::Word;

/// Control data of one running frame, or of a native boundary (`code` null).
#[repr(C)]
pub struct CallRecord {
    /// Where to go on; saved whenever something is called.
    pub pc: *const u64,
    /// Local 0.
    pub fp: *mut Word,
    /// Next free stack word; saved with `pc`, everything below is in memory.
    pub sp: *mut Word,
    /// First word that is dropped with the frame; the caller's stack pointer afterwards.
    pub base: *mut Word,
    pub code: *const CodeObject,
    pub globals: *const Dict,
    /// The function, kept alive by the caller.
    pub func: Word,
    /// Namespace of a module or class body; [`Word::ZERO`] for functions. Kept alive by the caller.
    pub locals: Word,
    /// The frame object, if one was made ([`Word::ZERO`] if not). Owns a count.
    pub frame: Word,
    /// The generator whose frame this is, or null.
    pub generator: *const Generator,
    /// Who waits for the generator's next value.
    pub resumed_by: crate::generator::ResumedBy,
    /// Code that reports lines: that of the instruction before, 0 if it has none. Anything in other code.
    pub line: u32,
}

/// The stacks of one thread: value words and call records.
pub struct ValueStack {
    words: *mut Word,
    records: *mut CallRecord,
}

// SAFETY: the stack is used by its own thread; others look at it only while that thread is stopped.
unsafe impl Send for ValueStack {}

/// Words reserved per thread (64 MiB).
pub const STACK_WORDS: usize = 8 << 20;
/// Call records reserved per thread.
pub const MAX_RECORDS: usize = 1 << 19;
/// Words that natives and handlers may use beyond the limit of frames.
const RED_ZONE: usize = 1 << 14;
/// Records beyond the recursion limit, for handling the RecursionError itself.
const SPARE_RECORDS: usize = 64;

fn reserve(bytes: usize) -> *mut u8 {
    // SAFETY: a fresh anonymous mapping.
    let p = unsafe {
        libc::mmap(
            core::ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    assert!(p != libc::MAP_FAILED, "no address space for a thread's stack of {bytes} bytes");
    p as *mut u8
}

impl Default for ValueStack {
    fn default() -> Self {
        Self::new()
    }
}

impl ValueStack {
    /// Reserves the stacks; memory is committed as it is used.
    pub fn new() -> ValueStack {
        let words = reserve(STACK_WORDS * size_of::<Word>()) as *mut Word;
        let records = reserve(MAX_RECORDS * size_of::<CallRecord>()) as *mut CallRecord;
        // SAFETY: record 0 is the boundary below every frame; the pages are zero.
        unsafe {
            (*records).pc = crate::interp::eval::exit_unit();
            (*records).fp = words;
            (*records).sp = words.add(1);
            (*records).base = words;
        }
        ValueStack { words, records }
    }

    pub fn first_record(&self) -> *mut CallRecord {
        self.records
    }

    /// First word of the value stack.
    pub fn start(&self) -> *mut Word {
        self.words
    }

    /// No frame may reach beyond this word.
    pub fn limit(&self) -> *mut Word {
        // SAFETY: inside the reservation.
        unsafe { self.words.add(STACK_WORDS - RED_ZONE) }
    }

    /// The record that the frame at depth `n` would have.
    pub fn record_limit(&self, n: usize) -> *mut CallRecord {
        let n = n.min(MAX_RECORDS - SPARE_RECORDS);
        // SAFETY: inside the reservation.
        unsafe { self.records.add(n) }
    }
}

impl Drop for ValueStack {
    fn drop(&mut self) {
        // SAFETY: the thread is gone; nobody looks at its stacks.
        unsafe {
            libc::munmap(self.words.cast(), STACK_WORDS * size_of::<Word>());
            libc::munmap(self.records.cast(), MAX_RECORDS * size_of::<CallRecord>());
        }
    }
}

/// Lowest machine-stack address that natives of the calling thread may use: the stack's end plus a
/// reserve for what runs without a check.
pub fn native_stack_limit() -> usize {
    const RESERVE: usize = 256 << 10;
    // SAFETY: plain queries of the calling thread's attributes.
    unsafe {
        let mut attr: libc::pthread_attr_t = core::mem::zeroed();
        let (mut addr, mut size) = (core::ptr::null_mut(), 0);
        if libc::pthread_getattr_np(libc::pthread_self(), &mut attr) != 0 {
            return 0;
        }
        libc::pthread_attr_getstack(&attr, &mut addr, &mut size);
        libc::pthread_attr_destroy(&mut attr);
        addr as usize + RESERVE.min(size / 2)
    }
}
