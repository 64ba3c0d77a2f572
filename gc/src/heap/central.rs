//! Supply of blocks and spans, under one lock. Cold: a thread comes here once per 64 KiB.

use std::collections::BTreeMap;
use typhon_sync::prim::Ordering;

use typhon_sync::header::Header;

use super::block::{BlockKind, FreeSlot, write_free_header};
use super::classes::{BLOCK_SHIFT, BLOCK_SIZE};
use super::{Area, Heap};

/// Blocks made accessible at a time: 4 MiB.
const COMMIT_BLOCKS: u32 = 64;
/// Free spans beyond this many bytes give their memory back.
const KEEP_FREE_BYTES: usize = 64 << 20;
const PAGE: usize = 4096;

/// The unused part of one area, and its freed spans by length.
struct Supply {
    next: u32,
    committed: u32,
    end: u32,
    spans: BTreeMap<u32, Vec<u32>>,
}

/// State behind [`Heap::central`].
pub(crate) struct Central {
    supplies: [Supply; 2],
    /// Bytes of free spans that still hold memory.
    resident_free: usize,
}

impl Central {
    pub fn new(deferred_start: u32, general_start: u32, end: u32) -> Central {
        let supply = |next, end| Supply { next, committed: next, end, spans: BTreeMap::new() };
        Central {
            supplies: [supply(deferred_start, general_start), supply(general_start, end)],
            resident_free: 0,
        }
    }

    /// Bytes that may be in memory.
    pub fn committed_bytes(&self) -> usize {
        self.supplies[0].committed_bytes(1) + self.supplies[1].committed_bytes(self.supplies[0].end)
    }

    /// `blocks` neighbouring blocks, or None if memory is exhausted. Prefers freed spans.
    pub fn take(&mut self, heap: &Heap, area: Area, blocks: u32) -> Option<u32> {
        let supply = &mut self.supplies[area as usize];
        let found = supply.spans.range(blocks..).next().map(|(&length, _)| length);
        if let Some(length) = found {
            let list = supply.spans.get_mut(&length).expect("the key was just found");
            let first = list.pop().expect("lists of free spans are never empty");
            if list.is_empty() {
                supply.spans.remove(&length);
            }
            if length > blocks {
                let rest = first + blocks;
                heap.meta(rest).begin_span(BlockKind::FreeSpan, length - blocks);
                supply.spans.entry(length - blocks).or_default().push(rest);
            }
            self.resident_free = self.resident_free.saturating_sub(blocks as usize * BLOCK_SIZE);
            return Some(first);
        }
        if supply.end - supply.next < blocks {
            return None;
        }
        let first = supply.next;
        let needed = first + blocks;
        if needed > supply.committed {
            let target = needed.next_multiple_of(COMMIT_BLOCKS).min(supply.end);
            let offset = (supply.committed as usize) << BLOCK_SHIFT;
            let len = ((target - supply.committed) as usize) << BLOCK_SHIFT;
            if !heap.objects.commit(offset, len) {
                return None;
            }
            supply.committed = target;
        }
        supply.next = needed;
        Some(first)
    }

    /// Takes a dead huge object's span back. Its first page keeps a free header (GC-H3).
    fn give_back(&mut self, heap: &Heap, area: Area, first: u32, blocks: u32) {
        heap.meta(first).begin_span(BlockKind::FreeSpan, blocks);
        self.supplies[area as usize].spans.entry(blocks).or_default().push(first);
        let bytes = blocks as usize * BLOCK_SIZE;
        if self.resident_free + bytes > KEEP_FREE_BYTES {
            heap.objects.discard(((first as usize) << BLOCK_SHIFT) + PAGE, bytes - PAGE);
        } else {
            self.resident_free += bytes;
        }
    }
}

impl Supply {
    fn committed_bytes(&self, start: u32) -> usize {
        ((self.committed - start) as usize) << BLOCK_SHIFT
    }
}

impl Heap {
    /// One block for slots of `class`, set up for `owner`.
    pub(crate) fn take_block(&self, area: Area, class: usize, owner: u32) -> Option<u32> {
        let mut central = self.central();
        let block = central.take(self, area, 1)?;
        self.meta(block).begin_small(class, owner);
        self.advance_frontier(area, block + 1);
        Some(block)
    }

    /// Blocks of its own for an object of `size` bytes. Null if out of memory.
    pub(crate) fn take_huge(&self, area: Area, size: usize) -> *mut Header {
        let Ok(blocks) = u32::try_from(size.div_ceil(BLOCK_SIZE)) else {
            return std::ptr::null_mut();
        };
        let mut central = self.central();
        let Some(first) = central.take(self, area, blocks) else {
            return std::ptr::null_mut();
        };
        let slot = self.block_address(first) as *mut FreeSlot;
        // SAFETY: the span is ours and committed; the slot has no object until the caller's birth.
        unsafe { write_free_header(slot) };
        for tail in first + 1..first + blocks {
            self.meta(tail).set_kind(BlockKind::Tail);
        }
        self.meta(first).begin_span(BlockKind::Huge, blocks);
        self.advance_frontier(area, first + blocks);
        slot.cast()
    }

    /// Takes the blocks of a dead huge object back; its header is already that of a free slot.
    pub(crate) fn free_huge(&self, object: *mut Header) {
        let first = self.block_of(object as usize);
        let area = if first < self.general_start { Area::Deferred } else { Area::General };
        let blocks = self.meta(first).span();
        self.central().give_back(self, area, first, blocks);
    }

    /// Called under the central lock.
    fn advance_frontier(&self, area: Area, end: u32) {
        let frontier = &self.frontier[area as usize];
        // ORDERING Relaxed: all writers hold the central lock.
        if frontier.load(Ordering::Relaxed) < end {
            // ORDERING Release: publishes the metas filled before.
            frontier.store(end, Ordering::Release);
        }
    }
}
