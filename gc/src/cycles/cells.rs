//! The side array of a sieve: one cell per slot of the blocks that it covers.

use std::ops::Deref;
use typhon_sync::prim::AtomicU32;

use crate::heap::Reservation;

/// Bytes from which on the array is mapped by itself. An allocator gives such memory back when it comes to it,
/// and the mutator that happens to be there stands meanwhile.
const MAPPED_FROM: usize = 1 << 20;

/// Cells that are zero at first, and take memory as they are touched.
pub(super) struct Cells {
    start: *const AtomicU32,
    len: usize,
    _memory: Memory,
}

/// Where the cells lie, and what gives that back.
#[expect(dead_code, reason = "dropped")]
enum Memory {
    Allocated(Vec<AtomicU32>),
    Mapped(Reservation),
}

// SAFETY: a shared slice of atomics; the memory is given back by whoever drops the whole.
unsafe impl Send for Cells {}
// SAFETY: as above.
unsafe impl Sync for Cells {}

impl Cells {
    pub fn zeroed(len: usize) -> Cells {
        let bytes = len * size_of::<AtomicU32>();
        if bytes >= MAPPED_FROM
            && let Ok(mapping) = Reservation::zeroed(bytes)
        {
            return Cells {
                start: mapping.base() as *const AtomicU32,
                len,
                _memory: Memory::Mapped(mapping),
            };
        }
        let cells: Vec<u32> = vec![0; len];
        let mut cells = std::mem::ManuallyDrop::new(cells);
        // SAFETY: AtomicU32 has the size, alignment and bit validity of u32; the parts come from a Vec
        // that is not dropped.
        let cells: Vec<AtomicU32> =
            unsafe { Vec::from_raw_parts(cells.as_mut_ptr().cast(), cells.len(), cells.capacity()) };
        Cells { start: cells.as_ptr(), len, _memory: Memory::Allocated(cells) }
    }
}

impl Deref for Cells {
    type Target = [AtomicU32];

    #[inline(always)]
    fn deref(&self) -> &[AtomicU32] {
        // SAFETY: `_memory` has so many zeroed, aligned cells there as long as it lives.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }
}
