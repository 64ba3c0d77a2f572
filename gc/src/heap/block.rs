//! One entry of the block table, and what a free slot looks like.

use typhon_sync::prim::{AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering};

use typhon_sync::header::{Header, gc_bits};

use super::classes::{BLOCK_SIZE, class_size, is_of_leaves};

/// Shape of a free slot. Shape ids of objects are below it.
pub const FREE_SHAPE: u32 = u32::MAX;

/// `shared` of a free slot: tag MERGED, count 0.
const FREE_SHARED: u64 = 3;

/// A slot on a free list: the link lies behind the header, which stays valid.
#[repr(C)]
pub struct FreeSlot {
    header: Header,
    pub(crate) next: *mut FreeSlot,
}

/// Whether a slot is free (or allocated and not yet born).
#[inline(always)]
pub fn is_free_slot(header: &Header) -> bool {
    // ORDERING Relaxed: asked with the world stopped, or as a hint.
    header.shape.load(Ordering::Relaxed) == FREE_SHAPE
}

/// Whether a slot holds an object that collections look at.
#[inline(always)]
pub(crate) fn is_tracked(header: &Header) -> bool {
    // ORDERING Acquire: a tracked object's body was initialised before the bit was set.
    header.gc.load(Ordering::Acquire) & gc_bits::TRACKED != 0
}

/// Writes the header of a free slot (GC-H2): three 8-byte stores.
///
/// # Safety
/// `slot` is a slot whose object is dead, or fresh memory of a block.
#[inline(always)]
pub(crate) unsafe fn write_free_header(slot: *mut FreeSlot) {
    let words = slot.cast::<AtomicU64>();
    // Wider than the header's fields, like birth: nobody holds a reference, and a late reader
    // re-checks the place where it found the address.
    // ORDERING Relaxed: whoever reuses the slot publishes the new object with Release; a late
    // try-incref fails on every combination of old and new words, since both counts are zero.
    // SAFETY: the caller owns the slot, which is at least 32 bytes and 16-byte aligned.
    unsafe {
        (*words).store(0, Ordering::Relaxed);
        (*words.add(1)).store(FREE_SHARED, Ordering::Relaxed);
        (*words.add(2)).store(u64::from(FREE_SHAPE), Ordering::Relaxed);
    }
}

/// What a block is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum BlockKind {
    /// Never handed out.
    Unused = 0,
    /// Slots of one class.
    Small = 1,
    /// First block of an object above 32 KiB.
    Huge = 2,
    /// A further block of a huge or free span.
    Tail = 3,
    /// First block of a freed huge span; its first bytes are still a free header.
    FreeSpan = 4,
}

/// What is known about a block. One cache line; all-zero means never used.
#[repr(C, align(64))]
pub struct BlockMeta {
    kind: AtomicU8,
    class: AtomicU8,
    /// 1 if the block may hold young objects: it has free or uncarved slots, or had some since the
    /// last collection.
    dirty: AtomicU8,
    /// 1 if the block is on its owner's list of blocks with young objects. Blocks that are nobody's own are on no
    /// list: 1 keeps threads from asking again.
    listed: AtomicU8,
    /// The local heap that takes slots from here; `HUGE_OWNER` for spans.
    owner: AtomicU32,
    /// ceil(2^32 / slot size).
    reciprocal: AtomicU32,
    /// Slots that have been initialised, from the start of the block.
    carved: AtomicU32,
    /// Blocks of a huge or free span.
    span: AtomicU32,
    /// Next block of the same class and owner; written by the owner (or who adopts, under the lock).
    next: AtomicU32,
    /// Next block in the same mailbox.
    pub(crate) pending_next: AtomicU32,
    /// During a collection: 1 + index of this block's first cell in the side array; 0 = not part of it,
    /// also if the block was put to another use meanwhile.
    side: AtomicU32,
    /// The same for a collection by the block's owner of what is private to it.
    own_side: AtomicU32,
    /// Slots returned by other threads.
    pub(crate) remote: AtomicPtr<FreeSlot>,
}

const _: () = assert!(size_of::<BlockMeta>() == 64);
const _: () = assert!(size_of::<FreeSlot>() == 32);

/// Owner of blocks whose slots no local heap may keep.
pub(crate) const HUGE_OWNER: u32 = u32::MAX;

// ORDERING Relaxed, unless noted: these fields are written by the block's owner or under the central
// lock before any address in the block gets to another thread, and that hand-over synchronises.
impl BlockMeta {
    /// What the block is used for.
    #[inline(always)]
    pub fn kind(&self) -> BlockKind {
        // ORDERING Acquire: pairs with `set_kind`; the other fields are valid for this kind.
        match self.kind.load(Ordering::Acquire) {
            1 => BlockKind::Small,
            2 => BlockKind::Huge,
            3 => BlockKind::Tail,
            4 => BlockKind::FreeSpan,
            _ => BlockKind::Unused,
        }
    }

    pub(crate) fn set_kind(&self, kind: BlockKind) {
        // ORDERING Release: publishes the fields set before.
        self.kind.store(kind as u8, Ordering::Release);
    }

    /// Size class of a small block.
    #[inline(always)]
    pub fn class(&self) -> usize {
        // ORDERING Relaxed: see the impl.
        self.class.load(Ordering::Relaxed) as usize
    }

    /// Whether all objects in the block are leaves, which no collection looks at.
    pub fn is_of_leaves(&self) -> bool {
        self.kind() == BlockKind::Small && is_of_leaves(self.class())
    }

    /// Bytes of a slot of a small block.
    #[inline(always)]
    pub fn slot_size(&self) -> usize {
        class_size(self.class())
    }

    /// Slots that a small block has room for.
    #[inline]
    pub fn capacity(&self) -> u32 {
        (BLOCK_SIZE / self.slot_size()) as u32
    }

    /// Index of the slot that holds byte `offset` of the block. 0 for a huge span.
    #[inline(always)]
    pub fn slot_index(&self, offset: usize) -> u32 {
        // ORDERING Relaxed: see the impl.
        ((offset as u64 * u64::from(self.reciprocal.load(Ordering::Relaxed))) >> 32) as u32
    }

    /// Number of initialised slots.
    #[inline(always)]
    pub fn carved(&self) -> u32 {
        // ORDERING Acquire: pairs with `set_carved`; slots below it have headers.
        self.carved.load(Ordering::Acquire)
    }

    pub(crate) fn set_carved(&self, slots: u32) {
        // ORDERING Release: publishes the headers written before.
        self.carved.store(slots, Ordering::Release);
    }

    /// Blocks of a huge or free span.
    pub fn span(&self) -> u32 {
        // ORDERING Relaxed: see the impl.
        self.span.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(crate) fn owner(&self) -> u32 {
        // ORDERING Relaxed: only the owner itself makes or unmakes the answer "me".
        self.owner.load(Ordering::Relaxed)
    }

    pub(crate) fn set_owner(&self, local: u32) {
        // ORDERING Relaxed: a reader of the old value uses the old mailbox, which forwards.
        self.owner.store(local, Ordering::Relaxed);
    }

    pub(crate) fn next(&self) -> u32 {
        // ORDERING Relaxed: see the impl.
        self.next.load(Ordering::Relaxed)
    }

    pub(crate) fn set_next(&self, block: u32) {
        // ORDERING Relaxed: see the impl.
        self.next.store(block, Ordering::Relaxed);
    }

    /// Whether the block may hold young objects.
    #[inline(always)]
    pub fn is_dirty(&self) -> bool {
        // ORDERING Relaxed: exact in a stop; otherwise a late answer only delays a collection.
        self.dirty.load(Ordering::Relaxed) != 0
    }

    #[inline(always)]
    pub(crate) fn mark_dirty(&self) {
        // ORDERING Release: after the change that makes it dirty; see `Sieve::clean_blocks`.
        self.dirty.store(1, Ordering::Release);
    }

    /// Lets young collections pass over the block until a slot of it is freed.
    pub(crate) fn mark_clean(&self) {
        // ORDERING Relaxed: the caller's fence orders it, or the world is stopped.
        self.dirty.store(0, Ordering::Relaxed);
    }

    /// See the field.
    #[inline(always)]
    pub(crate) fn is_listed(&self) -> bool {
        // ORDERING Relaxed: see the impl; what others read here of their own writes is theirs.
        self.listed.load(Ordering::Relaxed) != 0
    }

    pub(crate) fn set_listed(&self, listed: bool) {
        // ORDERING Relaxed: as in `is_listed`.
        self.listed.store(listed.into(), Ordering::Relaxed);
    }

    /// See the field.
    #[inline(always)]
    pub(crate) fn side(&self) -> u32 {
        // ORDERING Relaxed: set before the phases that read it, with a join in between.
        self.side.load(Ordering::Relaxed)
    }

    pub(crate) fn set_side(&self, side: u32) {
        // ORDERING Relaxed: as in `side`.
        self.side.store(side, Ordering::Relaxed);
    }

    /// See the field. For the thread with the heap `local`; 0 in blocks of others, which may be collecting, too.
    #[inline(always)]
    pub(crate) fn own_side(&self, local: u32) -> u32 {
        // ORDERING Relaxed: written by the owner only.
        if self.owner() == local { self.own_side.load(Ordering::Relaxed) } else { 0 }
    }

    pub(crate) fn set_own_side(&self, side: u32) {
        // ORDERING Relaxed: strangers do not use it.
        self.own_side.store(side, Ordering::Relaxed);
    }

    pub(crate) fn begin_small(&self, class: usize, owner: u32) {
        // ORDERING Relaxed: published by `set_kind`.
        self.class.store(class as u8, Ordering::Relaxed);
        // ORDERING Relaxed: as above.
        self.reciprocal.store((1u64 << 32).div_ceil(class_size(class) as u64) as u32, Ordering::Relaxed);
        // ORDERING Relaxed: as above.
        self.span.store(1, Ordering::Relaxed);
        self.set_owner(owner);
        self.set_carved(0);
        self.set_side(0);
        self.set_listed(false);
        self.mark_dirty();
        self.set_kind(BlockKind::Small);
    }

    pub(crate) fn begin_span(&self, kind: BlockKind, blocks: u32) {
        // ORDERING Relaxed: published by `set_kind`.
        self.reciprocal.store(0, Ordering::Relaxed);
        // ORDERING Relaxed: as above.
        self.span.store(blocks, Ordering::Relaxed);
        self.set_owner(HUGE_OWNER);
        self.set_carved(1);
        self.set_side(0);
        self.mark_dirty();
        self.set_kind(kind);
    }
}
