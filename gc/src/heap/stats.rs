//! What the heap holds, in numbers.

use super::classes::{BLOCK_SIZE, CLASSES, class_size};
use super::{BlockKind, Heap};

/// Slots of one size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassStats {
    /// Bytes of a slot.
    pub slot_size: usize,
    /// Blocks of this class.
    pub blocks: usize,
    /// Slots ever initialised.
    pub carved: usize,
    /// Slots that hold an object.
    pub live: usize,
}

/// A picture of the whole heap. Exact while the world is stopped.
#[derive(Clone, Debug, Default)]
pub struct HeapStats {
    /// Address space, in bytes.
    pub reserved: usize,
    /// Bytes that may be in memory.
    pub committed: usize,
    /// Blocks in use, huge spans included.
    pub blocks: usize,
    /// Objects above 32 KiB.
    pub huge_objects: usize,
    /// Bytes of their blocks.
    pub huge_bytes: usize,
    /// All objects, huge ones included.
    pub live_objects: usize,
    /// Bytes of the slots of all objects.
    pub live_bytes: usize,
    /// One entry per size class in use.
    pub classes: Vec<ClassStats>,
}

impl Heap {
    /// Walks the heap. Costs about a nanosecond per slot.
    pub fn stats(&self) -> HeapStats {
        let mut stats = HeapStats {
            reserved: self.objects.len(),
            committed: self.central().committed_bytes(),
            ..HeapStats::default()
        };
        let mut classes = [ClassStats::default(); CLASSES];
        self.for_each_block(|block, meta| {
            let mut live = 0;
            self.for_each_in_block(block, meta, |_, _| live += 1);
            stats.live_objects += live;
            if meta.kind() == BlockKind::Huge {
                let bytes = meta.span() as usize * BLOCK_SIZE;
                stats.blocks += meta.span() as usize;
                stats.huge_objects += live;
                stats.huge_bytes += bytes;
                stats.live_bytes += live * bytes;
            } else {
                let class = &mut classes[meta.class()];
                stats.blocks += 1;
                stats.live_bytes += live * meta.slot_size();
                class.blocks += 1;
                class.carved += meta.carved() as usize;
                class.live += live;
            }
        });
        for (index, class) in classes.iter_mut().enumerate() {
            class.slot_size = class_size(index);
        }
        stats.classes = classes.into_iter().filter(|class| class.blocks > 0).collect();
        stats
    }
}
