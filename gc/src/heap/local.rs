//! A thread's own heap: free lists, carving, and slots that come back from other threads.

use std::mem::ManuallyDrop;
use std::ptr;
use std::sync::PoisonError;
use typhon_sync::prim::Ordering;

use typhon_sync::header::{Header, gc_bits};

use super::block::{FreeSlot, HUGE_OWNER, write_free_header};
use super::classes::{BLOCK_SHIFT, CLASS_MAX, CLASSES, STEPPED_MAX, class_of, class_size, of_leaves};
use super::{Area, BlockMeta, Heap};

/// Bytes of slots initialised at a time.
const CARVE_BYTES: usize = 4096;

/// What tells whether a thread should collect for itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct OwnBirths {
    /// Its net births since it last did, as far as published.
    pub births: i64,
    /// Slots that it looked at then.
    pub looked_at: i64,
}

/// A thread's free lists and blocks. Lives in a [`LocalHeap`], or in the heap's pool of idle ones.
#[repr(C)]
pub(crate) struct Lists {
    free: [*mut FreeSlot; CLASSES],
    base: usize,
    metas: *const BlockMeta,
    id: u32,
    /// Births of tracked objects minus deaths of young ones, since the last publication.
    young: i32,
    /// Deaths of old tracked objects since the last publication.
    old_deaths: i32,
    publish_every: i32,
    area: Area,
    /// Births, as far as published, since this thread last collected what is private to it.
    own_births: i64,
    /// Objects that the last such collection left young, and slots that it looked at.
    left_young: i64,
    looked_at: i64,
    /// The block of each class that still has uncarved slots, or 0.
    current: [u32; CLASSES],
    /// First of all blocks of each class, linked through `BlockMeta::next`.
    blocks: [u32; CLASSES],
    /// Blocks of its own in which objects were born since this thread last collected what is private to it, and
    /// those with objects that it left young then.
    young_blocks: Vec<u32>,
}

/// The heap of one thread, owned by it. Its free-list heads come first, one per class.
///
/// Dropping it (or [`LocalHeap::release`]) hands blocks and free slots to threads to come; objects
/// in them stay where they are.
#[repr(C)]
pub struct LocalHeap {
    /// Inline, so that the heads are at offset 0; moved out on drop.
    lists: ManuallyDrop<Lists>,
    heap: &'static Heap,
}

// SAFETY: everything in `Lists` is addresses into the heap; whoever has the `Lists` (a thread, or the
// pool's mutex) is the only one to follow them.
unsafe impl Send for Lists {}
// SAFETY: as above; a `LocalHeap` may move to another thread, it is not shared.
unsafe impl Send for LocalHeap {}

impl LocalHeap {
    /// A heap for the calling thread; takes over the blocks of an exited thread if there is one.
    pub fn new(heap: &'static Heap) -> LocalHeap {
        LocalHeap::in_area(heap, Area::General)
    }

    fn in_area(heap: &'static Heap, area: Area) -> LocalHeap {
        let adopted = if area == Area::General { heap.idle_pop() } else { None };
        let lists = match adopted {
            Some(lists) => lists,
            None => {
                // ORDERING Relaxed: the number only has to be unique.
                let id = heap.next_local.fetch_add(1, Ordering::Relaxed);
                assert!(ptr::from_ref(heap.mailbox(id)).is_aligned());
                Lists {
                    free: [ptr::null_mut(); CLASSES],
                    base: heap.base(),
                    metas: heap.meta(0),
                    id,
                    young: 0,
                    old_deaths: 0,
                    // ORDERING Relaxed: a tuning value.
                    publish_every: heap.publish_every.load(Ordering::Relaxed) as i32,
                    area,
                    own_births: 0,
                    left_young: 0,
                    looked_at: 0,
                    current: [0; CLASSES],
                    blocks: [0; CLASSES],
                    young_blocks: Vec::new(),
                }
            }
        };
        LocalHeap { lists: ManuallyDrop::new(lists), heap }
    }

    /// What [`BlockMeta::owner`] says of this thread's blocks.
    pub(crate) fn id(&self) -> u32 {
        self.lists.id
    }

    /// The heap that this is a part of.
    #[inline(always)]
    pub fn heap(&self) -> &'static Heap {
        self.heap
    }

    /// A slot of at least `size` bytes, header included (at least 24). Null if out of memory.
    /// Its contents are a free header and otherwise undefined; the caller writes the birth header.
    /// About five instructions up to 512 bytes; no zeroing, no counting.
    #[inline(always)]
    pub fn alloc(&mut self, size: usize) -> *mut Header {
        self.alloc_of::<false>(size)
    }

    /// As [`LocalHeap::alloc`], for an object that will never be `TRACKED`.
    #[inline(always)]
    pub fn alloc_leaf(&mut self, size: usize) -> *mut Header {
        self.alloc_of::<true>(size)
    }

    #[inline(always)]
    fn alloc_of<const LEAF: bool>(&mut self, size: usize) -> *mut Header {
        debug_assert!(size >= size_of::<Header>());
        if size > STEPPED_MAX {
            return self.alloc_large(size, LEAF);
        }
        let class = (size + 15) >> 4;
        let class = if LEAF { of_leaves(class) } else { class };
        let lists = &mut *self.lists;
        // SAFETY: size <= 512, so class <= of_leaves(32) < CLASSES.
        let head = unsafe { lists.free.get_unchecked_mut(class) };
        let slot = *head;
        if slot.is_null() {
            return self.refill(class);
        }
        // SAFETY: slots on a free list are free slots of committed blocks, ours alone.
        *head = unsafe { (*slot).next };
        slot.cast()
    }

    /// As [`LocalHeap::alloc`], in the part of the reservation that 32-bit compressed pointers
    /// reach (offset from [`Heap::base`] divided by 16). Takes a lock: for types, functions, modules
    /// and code.
    pub fn alloc_deferred(&mut self, size: usize) -> *mut Header {
        let mut shared = self.heap.deferred.lock().unwrap_or_else(PoisonError::into_inner);
        shared.get_or_insert_with(|| LocalHeap::in_area(self.heap, Area::Deferred)).alloc(size)
    }

    #[cold]
    #[inline(never)]
    fn alloc_large(&mut self, size: usize, leaf: bool) -> *mut Header {
        if size > CLASS_MAX {
            return self.heap.take_huge(self.lists.area, size);
        }
        let class = if leaf { of_leaves(class_of(size)) } else { class_of(size) };
        match self.lists.pop(class) {
            Some(slot) => slot.cast(),
            None => self.refill(class),
        }
    }

    #[cold]
    #[inline(never)]
    fn refill(&mut self, class: usize) -> *mut Header {
        let heap = self.heap;
        let lists = &mut *self.lists;
        lists.take_remote(heap);
        if lists.free[class].is_null() && !lists.carve(heap, class) {
            heap.adopt_idle(lists, class);
        }
        if lists.free[class].is_null() && !lists.carve(heap, class) {
            let Some(block) = heap.take_block(lists.area, class, lists.id) else {
                return ptr::null_mut();
            };
            heap.meta(block).set_next(lists.blocks[class]);
            lists.blocks[class] = block;
            lists.current[class] = block;
            lists.carve(heap, class);
        }
        lists.pop(class).map_or(ptr::null_mut(), <*mut FreeSlot>::cast)
    }

    /// Frees the slot of a dead object, whichever thread allocated it. The caller has destroyed the
    /// contents; `TRACKED` may still be set, and then the death counts against births.
    ///
    /// # Safety
    /// `object` is an object of this heap whose count is zero, and nobody frees it a second time.
    /// Debug builds check the first half.
    #[inline(always)]
    pub unsafe fn free(&mut self, object: *mut Header) {
        // SAFETY: passed on.
        unsafe {
            self.count_death(object);
            self.recycle(object);
        }
    }

    /// Counts a death against births. To be called once per object whose slot is recycled, unless a collection of
    /// this thread's own has taken it out of the counts.
    ///
    /// # Safety
    /// As [`LocalHeap::free`]; the slot is still as the object left it.
    #[inline(always)]
    pub unsafe fn count_death(&mut self, object: *const Header) {
        let lists = &mut *self.lists;
        // SAFETY: says the caller; the slot of an object has a readable header.
        // ORDERING Relaxed: the object is dead, nobody else writes it.
        let gc = unsafe { (*object).gc.load(Ordering::Relaxed) };
        if gc & (gc_bits::TRACKED | gc_bits::OLD) == gc_bits::TRACKED {
            lists.young -= 1;
            if lists.young <= -lists.publish_every {
                self.publish();
            }
        } else if gc & gc_bits::OLD != 0 {
            self.old_died();
        }
    }

    /// As [`LocalHeap::free`], for a death that was counted before, or is none that counts.
    ///
    /// # Safety
    /// As there.
    #[inline(always)]
    pub unsafe fn recycle(&mut self, object: *mut Header) {
        let lists = &mut *self.lists;
        // SAFETY: an object of this heap, says the caller.
        let (block, meta) = unsafe { lists.block_of(object as usize) };
        let slot = object.cast::<FreeSlot>();
        #[cfg(debug_assertions)]
        self.heap.check_and_poison(object);
        // SAFETY: the object is dead and its slot is ours to recycle.
        unsafe { write_free_header(slot) };
        if meta.owner() != lists.id {
            return self.free_foreign(slot, block);
        }
        // SAFETY: an own block is a small block, so its class is below CLASSES; the slot is ours.
        unsafe {
            let head = lists.free.get_unchecked_mut(meta.class());
            (*slot).next = *head;
            *head = slot;
        }
        meta.mark_dirty();
    }

    #[inline(never)]
    fn old_died(&mut self) {
        self.lists.old_deaths += 1;
        if self.lists.old_deaths >= self.lists.publish_every {
            self.publish();
        }
    }

    #[cold]
    #[inline(never)]
    fn free_foreign(&mut self, slot: *mut FreeSlot, block: u32) {
        let meta = self.heap.meta(block);
        if meta.owner() == HUGE_OWNER {
            return self.heap.free_huge(slot.cast());
        }
        // ORDERING Relaxed: a first guess, checked by the exchange.
        let mut head = meta.remote.load(Ordering::Relaxed);
        loop {
            // SAFETY: the slot is dead and not yet on any list.
            unsafe { (*slot).next = head };
            // ORDERING Release: the owner that takes the list sees link and header. Relaxed on
            // failure: only tries again.
            match meta.remote.compare_exchange_weak(head, slot, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => head = now,
            }
        }
        // Whoever makes the list non-empty announces the block; it is in no mailbox then.
        if head.is_null() {
            self.heap.announce(block);
        }
    }

    /// Counts the birth of a tracked object. To be called once per object that is born `TRACKED`.
    #[inline(always)]
    pub fn count_container(&mut self, object: *const Header) {
        let lists = &mut *self.lists;
        // SAFETY: an object of this heap, just born.
        let (block, meta) = unsafe { lists.block_of(object as usize) };
        if !meta.is_listed() {
            lists.list_young(meta, block);
        }
        lists.young += 1;
        if lists.young >= lists.publish_every {
            self.publish();
        }
    }

    /// Adds this thread's births and deaths to the heap's counts, and calls the publish hook if it grew.
    #[cold]
    #[inline(never)]
    pub fn publish(&mut self) {
        let births = std::mem::take(&mut self.lists.young);
        let old_deaths = std::mem::take(&mut self.lists.old_deaths);
        self.lists.own_births = (self.lists.own_births + i64::from(births)).max(0);
        let own = self.own_births();
        self.lists.publish_every = self.heap.publish(i64::from(births), i64::from(old_deaths), own);
    }

    /// Net births of this thread since it last collected what is private to it, as far as published.
    pub fn own_births(&self) -> OwnBirths {
        OwnBirths { births: self.lists.own_births, looked_at: self.lists.looked_at }
    }

    /// This thread has looked at so many slots and collected what is private to it, which left so many
    /// young objects; `has_young` tells which of its young blocks they are in.
    pub(crate) fn note_own_collection(
        &mut self,
        looked_at: usize,
        left: usize,
        mut has_young: impl Iterator<Item = bool>,
    ) {
        self.lists.looked_at = looked_at as i64;
        let heap = self.heap;
        self.lists.young_blocks.retain(|&block| {
            let young = has_young.next() == Some(true);
            heap.meta(block).set_listed(young);
            young
        });
        let births = std::mem::take(&mut self.lists.own_births);
        let before = std::mem::replace(&mut self.lists.left_young, left as i64);
        self.heap.adjust_young(left as i64 - before - births);
    }

    /// Calls `f` with every block of this thread that can hold young objects.
    pub(crate) fn for_each_young_block(&self, mut f: impl FnMut(u32, &BlockMeta)) {
        for &block in &self.lists.young_blocks {
            f(block, self.heap.meta(block));
        }
    }

    /// Thread exit: blocks stay in the table and are taken over by other threads.
    pub fn release(self) {}
}

impl Drop for LocalHeap {
    fn drop(&mut self) {
        self.publish();
        // SAFETY: `self` is going away and nobody else reads the field; moved out exactly once.
        let lists = unsafe { ManuallyDrop::take(&mut self.lists) };
        if lists.area == Area::General {
            self.heap.idle_push(lists);
        }
    }
}

impl Lists {
    /// The block that an address lies in.
    ///
    /// # Safety
    /// An object of this heap lies there.
    #[inline(always)]
    unsafe fn block_of(&self, address: usize) -> (u32, &'static BlockMeta) {
        let block = (address - self.base) >> BLOCK_SHIFT;
        // SAFETY: every block of the heap has an entry, and the table is never unmapped.
        (block as u32, unsafe { &*self.metas.add(block) })
    }

    #[cold]
    #[inline(never)]
    fn list_young(&mut self, meta: &BlockMeta, block: u32) {
        meta.set_listed(true);
        if meta.owner() == self.id {
            self.young_blocks.push(block);
        }
    }

    #[inline]
    fn pop(&mut self, class: usize) -> Option<*mut FreeSlot> {
        let slot = self.free[class];
        if slot.is_null() {
            return None;
        }
        // SAFETY: slots on a free list are free slots of committed blocks, ours alone.
        self.free[class] = unsafe { (*slot).next };
        Some(slot)
    }

    /// Initialises some more slots of the current block. False if there are none left.
    fn carve(&mut self, heap: &Heap, class: usize) -> bool {
        let block = self.current[class];
        if block == 0 {
            return false;
        }
        let meta = heap.meta(block);
        let size = class_size(class);
        let (from, capacity) = (meta.carved(), meta.capacity());
        let to = capacity.min(from + (CARVE_BYTES / size).max(1) as u32);
        let start = heap.block_address(block);
        let mut next = self.free[class];
        for index in (from..to).rev() {
            let slot = (start + index as usize * size) as *mut FreeSlot;
            // SAFETY: the slot lies in our committed block and was never handed out.
            unsafe {
                write_free_header(slot);
                (*slot).next = next;
            }
            next = slot;
        }
        self.free[class] = next;
        meta.set_carved(to);
        meta.mark_dirty();
        if to == capacity {
            self.current[class] = 0;
        }
        true
    }

    /// Takes everything that other threads have returned to blocks of this heap.
    fn take_remote(&mut self, heap: &Heap) {
        let mailbox = heap.mailbox(self.id);
        // ORDERING Relaxed: an empty answer may be late, the swap decides.
        if mailbox.pending.load(Ordering::Relaxed) == 0 {
            return;
        }
        // ORDERING Acquire: pairs with `announce`; the links are visible.
        let mut block = mailbox.pending.swap(0, Ordering::Acquire);
        while block != 0 {
            let meta = heap.meta(block);
            // Read before the list is emptied: the next free may announce the block again.
            // ORDERING Relaxed: ordered by the Acquire above.
            let next = meta.pending_next.load(Ordering::Relaxed);
            if meta.owner() == self.id {
                // ORDERING Acquire: pairs with the push; links and headers are visible.
                let mut slot = meta.remote.swap(ptr::null_mut(), Ordering::Acquire);
                let head = &mut self.free[meta.class()];
                while !slot.is_null() {
                    // SAFETY: slots of the taken list belong to us now.
                    unsafe {
                        let following = (*slot).next;
                        (*slot).next = *head;
                        *head = slot;
                        slot = following;
                    }
                }
                meta.mark_dirty();
            } else {
                // Announced by a thread that had read an older owner.
                heap.announce(block);
            }
            block = next;
        }
    }
}

impl Heap {
    /// Puts a block whose remote list is not empty into its owner's mailbox.
    fn announce(&self, block: u32) {
        let meta = self.meta(block);
        let pending = &self.mailbox(meta.owner()).pending;
        // ORDERING Relaxed: a first guess, checked by the exchange.
        let mut head = pending.load(Ordering::Relaxed);
        loop {
            // ORDERING Relaxed: published by the exchange.
            meta.pending_next.store(head, Ordering::Relaxed);
            // ORDERING Release: the owner sees the link, and what was freed before. Relaxed on
            // failure: only tries again.
            match pending.compare_exchange_weak(head, block, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    fn idle_pop(&self) -> Option<Lists> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let lists = idle.pop();
        // ORDERING Relaxed: a hint; the list itself is read under the lock.
        self.idle_count.store(idle.len(), Ordering::Relaxed);
        lists
    }

    fn idle_push(&self, lists: Lists) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(lists);
        // ORDERING Relaxed: a hint; the list itself is read under the lock.
        self.idle_count.store(idle.len(), Ordering::Relaxed);
    }

    /// Moves the blocks of one class from idle heaps to `lists`, until one brings free slots.
    #[cold]
    fn adopt_idle(&self, lists: &mut Lists, class: usize) {
        // ORDERING Relaxed: a hint; a heap that becomes idle just now is found next time.
        if lists.area != Area::General || self.idle_count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        for from in idle.iter_mut() {
            from.take_remote(self);
            let mut block = std::mem::take(&mut from.blocks[class]);
            if from.free[class].is_null() && from.current[class] == 0 {
                from.blocks[class] = block;
                continue;
            }
            from.young_blocks.retain(|&block| self.meta(block).class() != class);
            while block != 0 {
                let meta = self.meta(block);
                let next = meta.next();
                meta.set_owner(lists.id);
                if !meta.is_of_leaves() {
                    lists.list_young(meta, block);
                }
                meta.set_next(lists.blocks[class]);
                lists.blocks[class] = block;
                block = next;
            }
            lists.free[class] = std::mem::replace(&mut from.free[class], ptr::null_mut());
            lists.current[class] = std::mem::take(&mut from.current[class]);
            return;
        }
    }

    /// Debug builds: the slot must be allocated, and what is behind header and link is overwritten.
    #[cfg(debug_assertions)]
    fn check_and_poison(&self, object: *mut Header) {
        assert!(self.contains(object), "free of something that is not an allocated object: {object:p}");
        let huge = self.meta(self.block_of(object as usize)).owner() == HUGE_OWNER;
        let size = if huge { 4096 } else { self.slot_size(object) };
        // SAFETY: the object is dead; the bytes behind header and link are inside its slot.
        unsafe { object.cast::<u8>().add(32).write_bytes(0xDD, size - 32) };
    }
}
