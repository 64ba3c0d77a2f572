//! The shape of a handler, and how one hands over to the next.
//!
//! A handler is a small function over the machine's registers: program counter, stack pointer, frame
//! pointer, thread, top of stack, argument. On x86-64 it ends in a tail call to the next handler,
//! whose address stands in the code unit; with the feature `match-loop` (and on other machines) the
//! same functions return their registers to one `match` loop.
//!
//! Rules for handlers (checked by the disassembly guard where a machine can):
//! * No value with Drop is alive at a dispatch: raw words only.
//! * What is rare is a tail call to a cold handler of the same signature, never a call that comes back.
//!   Handlers are not inlined into each other: the slow one would bring its stack frame along.
//! * A conditional jump keeps a branch ([`keep_branch`]), so that the next fetch does not wait for the
//!   comparison.
//! * Before anything is called that can run Python code, [`save`] stores `pc` and `sp`; everything
//!   below `sp` is then a live value in memory.

use typhon_sync::prim::{AtomicU64, Ordering};

use crate::thread::Thread;
use crate::word::Word;

/// The registers a handler gives back in the `match` loop; nothing but a word in tail-call mode.
#[cfg(not(tail_calls))]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Out {
    pub pc: *const u64,
    pub sp: *mut Word,
    pub fp: *mut Word,
    pub tos: Word,
}
#[cfg(tail_calls)]
pub type Out = Word;

/// Every handler.
#[cfg(tail_calls)]
pub type Handler = unsafe extern "sysv64" fn(*const u64, *mut Word, *mut Word, *mut Thread, Word, u64) -> Out;
#[cfg(not(tail_calls))]
pub type Handler = unsafe fn(*const u64, *mut Word, *mut Word, *mut Thread, Word, u64) -> Out;

/// Bits of a unit that hold the argument.
pub const ARG_BITS: u32 = 16;
pub const ARG_MASK: u64 = 0xffff;

/// Reads a unit, cache or constant of the code stream; another thread may be rewriting it.
///
/// # Safety
/// `pc` points into linked code.
#[inline(always)]
pub unsafe fn fetch(pc: *const u64) -> u64 {
    // SAFETY: by contract.
    // ORDERING Relaxed: a unit or cache word is valid by itself, whichever version is seen.
    unsafe { (*(pc as *const AtomicU64)).load(Ordering::Relaxed) }
}

/// Rewrites a unit or cache word.
///
/// # Safety
/// As [`fetch`]; the new word is valid for whatever handler may read it.
#[inline(always)]
pub unsafe fn patch(pc: *const u64, w: u64) {
    // SAFETY: by contract.
    // ORDERING Relaxed: as in `fetch`.
    unsafe { (*(pc as *const AtomicU64)).store(w, Ordering::Relaxed) }
}

/// Keeps the compiler from turning a conditional jump into a conditional move on `pc`.
#[inline(always)]
pub fn keep_branch() {
    // SAFETY: an empty instruction sequence.
    unsafe { core::arch::asm!("", options(nomem, nostack, preserves_flags)) }
}

/// Defines handlers.
#[macro_export]
macro_rules! handlers {
    ($($(#[$m:meta])* fn $name:ident($pc:ident, $sp:ident, $fp:ident, $th:ident, $tos:ident, $arg:ident) $body:block)*) => { $(
        $(#[$m])*
        #[cfg(tail_calls)]
        #[inline(never)]
        #[allow(unused_mut, unused_unsafe, unused_variables, unused_assignments, clippy::missing_safety_doc, reason = "one signature for all handlers")]
        pub unsafe extern "sysv64" fn $name(mut $pc: *const u64, mut $sp: *mut $crate::Word, mut $fp: *mut $crate::Word, $th: *mut $crate::Thread, mut $tos: $crate::Word, mut $arg: u64) -> $crate::interp::machine::Out {
            // SAFETY: handlers run only in linked code, with the registers it was verified for.
            unsafe { $body }
        }
        $(#[$m])*
        #[cfg(not(tail_calls))]
        #[allow(unused_mut, unused_unsafe, unused_variables, unused_assignments, clippy::missing_safety_doc, reason = "one signature for all handlers")]
        pub unsafe fn $name(mut $pc: *const u64, mut $sp: *mut $crate::Word, mut $fp: *mut $crate::Word, $th: *mut $crate::Thread, mut $tos: $crate::Word, mut $arg: u64) -> $crate::interp::machine::Out {
            // SAFETY: as above.
            unsafe { $body }
        }
    )* };
}

/// Goes on with the next instruction.
#[macro_export]
macro_rules! next {
    ($pc:ident, $sp:ident, $fp:ident, $th:ident, $tos:expr) => {{
        #[cfg(tail_calls)]
        {
            let unit = $crate::interp::machine::fetch($pc);
            let f: $crate::interp::machine::Handler =
                core::mem::transmute::<usize, _>((unit >> $crate::interp::machine::ARG_BITS) as usize);
            return f($pc.add(1), $sp, $fp, $th, $tos, unit & $crate::interp::machine::ARG_MASK);
        }
        #[cfg(not(tail_calls))]
        return $crate::interp::machine::Out { pc: $pc, sp: $sp, fp: $fp, tos: $tos };
    }};
}

/// Hands the registers to a cold handler.
#[macro_export]
macro_rules! tail {
    ($f:path, $pc:expr, $sp:expr, $fp:expr, $th:expr, $tos:expr, $arg:expr) => {
        return $f($pc, $sp, $fp, $th, $tos, $arg)
    };
}

/// Stores `pc` and `sp` in the frame's record: what runs next may look at them.
///
/// # Safety
/// `th` is the running thread.
#[inline(always)]
pub unsafe fn save(th: *mut Thread, pc: *const u64, sp: *mut Word) {
    // SAFETY: the current record is valid.
    unsafe {
        (*(*th).ci).pc = pc;
        (*(*th).ci).sp = sp;
    }
}

/// Gives back the count of a stack word without ever reaching zero. False: the caller must take the
/// cold way with the same word.
///
/// # Safety
/// The word is a live value that leaves the stack.
#[inline(always)]
pub unsafe fn drop_fast(th: *mut Thread, w: Word) -> bool {
    // SAFETY: a counted word points at a live header.
    unsafe { !w.is_counted() || (*w.ptr()).try_dec_local((*th).owner) }
}

/// Drops a word that leaves the stack, then goes on: the last thing a handler does with its operands.
#[macro_export]
macro_rules! drop_next {
    ($v:expr, $pc:ident, $sp:ident, $fp:ident, $th:ident, $tos:expr) => {{
        let v: $crate::Word = $v;
        let tos: $crate::Word = $tos;
        if !$crate::interp::machine::drop_fast($th, v) {
            $crate::tail!($crate::interp::handlers::cold::drop_one, $pc, $sp, $fp, $th, tos, v.0)
        }
        $crate::next!($pc, $sp, $fp, $th, tos)
    }};
}

/// Drops two words, the first one first, then goes on.
#[macro_export]
macro_rules! drop2_next {
    ($a:expr, $b:expr, $pc:ident, $sp:ident, $fp:ident, $th:ident, $tos:expr) => {{
        let a: $crate::Word = $a;
        let b: $crate::Word = $b;
        let tos: $crate::Word = $tos;
        if !$crate::interp::machine::drop_fast($th, a) {
            (*$th).victim = b;
            $crate::tail!($crate::interp::handlers::cold::drop_two, $pc, $sp, $fp, $th, tos, a.0)
        }
        $crate::drop_next!(b, $pc, $sp, $fp, $th, tos)
    }};
}
