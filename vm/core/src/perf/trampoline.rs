//! Trampolines: a few machine instructions for each name that `perf` shall show.
//!
//! ```text
//!   push rbp                what the caller has there
//!   lea  rax, [back]        from here on as if `back` had been called by the trampoline further out:
//!   push rax                the return address
//!   push r9                 the caller's frame pointer: that of the trampoline further out, or 0
//!   mov  rbp, rsp
//!   mov  r9, rsp
//!   mov  rax, nested
//!   call rax
//! back:
//!   add  rsp, 16
//!   pop  rbp
//!   ret
//! ```
//!
//! `perf` follows frame pointers from `rbp`: the names of all Python frames, whatever native frames lie between
//! them. Handlers leave `rbp` alone where they run no native.
//!
//! Memory is written first and made executable then, a piece at a time: never both.

use crate::interp::machine::Handler;

/// Distance of two trampolines, and the size that `perf` is told.
pub(super) const SIZE: usize = 64;
/// Bytes that are made at once.
const PIECE: usize = 64 << 10;

/// Up to the address of the function that is called, and from there on.
const HEAD: [u8; 19] = [
    0x55, // push rbp
    0x48, 0x8d, 0x05, 21, 0, 0, 0,    // lea rax, [rip + 21]
    0x50, // push rax
    0x41, 0x51, // push r9
    0x48, 0x89, 0xe5, // mov rbp, rsp
    0x49, 0x89, 0xe1, // mov r9, rsp
    0x48, 0xb8, // mov rax, imm64
];
const TAIL: [u8; 8] = [
    0xff, 0xd0, // call rax
    0x48, 0x83, 0xc4, 0x10, // add rsp, 16
    0x5d, // pop rbp
    0xc3, // ret
];
const _: () = assert!(HEAD.len() + 8 + TAIL.len() <= SIZE);
// The `lea` counts from the instruction behind it.
const _: () = assert!(BACK - 8 == HEAD[4] as usize);

/// Where `back` is.
const BACK: usize = HEAD.len() + 8 + 2;

/// Gives the frame of a trampoline on the stack, by its frame pointer, the name of another: nobody but `perf` reads
/// its return address.
///
/// # Safety
/// The trampoline has called, and the call has not come back.
#[inline(always)]
pub(super) unsafe fn rename(frame: usize, other: Handler) {
    // SAFETY: by contract; the word behind the link.
    unsafe { *(frame as *mut usize).add(1) = other as usize + BACK }
}

/// Trampolines that are ready and have no name yet.
#[derive(Default)]
pub(super) struct Stock {
    next: usize,
    end: usize,
}

impl Stock {
    /// A trampoline that calls `nested` with its own arguments, but for the last, which is its frame pointer.
    ///
    /// Errors: the system gives no such memory.
    pub fn take(&mut self, nested: Handler) -> std::io::Result<usize> {
        if self.next == self.end {
            self.next = make(nested)?;
            self.end = self.next + PIECE;
        }
        self.next += SIZE;
        Ok(self.next - SIZE)
    }
}

/// A piece full of trampolines, for good: code in them may be on a stack, and their names are in a file.
fn make(nested: Handler) -> std::io::Result<usize> {
    // SAFETY: a fresh anonymous mapping, written while nobody else knows of it.
    unsafe {
        let piece = libc::mmap(
            core::ptr::null_mut(),
            PIECE,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        if piece == libc::MAP_FAILED {
            return Err(std::io::Error::last_os_error());
        }
        let bytes = core::slice::from_raw_parts_mut(piece as *mut u8, PIECE);
        let target = (nested as usize as u64).to_le_bytes();
        for one in bytes.chunks_exact_mut(SIZE) {
            // What is never reached traps.
            one.fill(0xcc);
            let code = HEAD.iter().chain(&target).chain(&TAIL);
            one.iter_mut().zip(code).for_each(|(to, from)| *to = *from);
        }
        if libc::mprotect(piece, PIECE, libc::PROT_READ | libc::PROT_EXEC) != 0 {
            let refused = std::io::Error::last_os_error();
            libc::munmap(piece, PIECE);
            return Err(refused);
        }
        Ok(piece as usize)
    }
}
