//! The buffer of a list: a capacity word, then that many slots.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use typhon_sync::prim::{AtomicPtr, AtomicUsize, Ordering};

use typhon_sync::header::Header;

use crate::object::{Beside, Borrowed, Owned, Slot, Trace};
use crate::pages;
use crate::sharing;
use crate::word::Word;

/// Pointer to slot 0 of the published buffer; the capacity lies one word in front of it. Slots that
/// hold no item are empty, so every slot of a buffer can be read, traced and dropped.
pub struct Items(AtomicPtr<Slot>);

/// The buffer of every empty list that never had an item.
#[repr(C)]
struct Nothing {
    capacity: AtomicUsize,
    slots: [Slot; 0],
}
static NOTHING: Nothing = Nothing { capacity: AtomicUsize::new(0), slots: [] };

fn nothing() -> *mut Slot {
    NOTHING.slots.as_ptr().cast_mut()
}

fn layout(capacity: usize) -> Option<Layout> {
    Layout::array::<u64>(capacity.checked_add(1)?).ok()
}

/// Is a buffer of so many bytes mapped? Those are that have grown large: their sizes are chosen so.
fn is_mapped(bytes: usize) -> bool {
    bytes > pages::LEAST && bytes.is_multiple_of(pages::GRANULE)
}

/// Capacity of a list that grows or shrinks to `want` items, with room to grow further.
fn roomy(want: usize) -> usize {
    let capacity = (want + (want >> 3) + 6) & !3;
    let bytes = (capacity + 1) * size_of::<u64>();
    if pages::are_for(bytes) {
        bytes.next_multiple_of(pages::GRANULE) / size_of::<u64>() - 1
    } else {
        capacity
    }
}

/// Moves `n` slots of a locked list, which may overlap their new place.
///
/// # Safety
/// Both places lie inside the buffer; what is overwritten is not lost.
pub unsafe fn shift(of: &Header, from: *mut Slot, to: *mut Slot, n: usize) {
    // SAFETY: by contract.
    unsafe {
        if !sharing::is_read(of) {
            core::ptr::copy(from as *const u64, to as *mut u64, n);
        } else if (to as usize) < from as usize {
            for i in 0..n {
                (*to.add(i)).store_raw((*from.add(i)).peek());
            }
        } else {
            for i in (0..n).rev() {
                (*to.add(i)).store_raw((*from.add(i)).peek());
            }
        }
    }
}

/// Fills slots with "empty".
unsafe fn fill_empty(p: *mut Slot, from: usize, to: usize) {
    for i in from..to {
        // SAFETY: inside a buffer that is not published yet, or a tail that no reader looks at.
        unsafe { *(p.add(i) as *mut u64) = Word::UNBOUND.0 };
    }
}

unsafe fn free(p: *mut u8, bytes: usize) {
    // SAFETY: allocated by `allocate` with this size.
    unsafe {
        if is_mapped(bytes) {
            pages::unmap(p, bytes)
        } else {
            dealloc(p, Layout::from_size_align_unchecked(bytes, 8))
        }
    }
}

/// A buffer whose slots are not written yet.
fn allocate(capacity: usize) -> Option<*mut Slot> {
    if capacity == 0 {
        return Some(nothing());
    }
    let layout = layout(capacity)?;
    // SAFETY: not of size zero.
    let p = if is_mapped(layout.size()) { pages::map(layout.size()) } else { unsafe { alloc(layout) } }
        as *mut u64;
    if p.is_null() {
        return None;
    }
    // SAFETY: at least two words.
    unsafe {
        *p = capacity as u64;
        Some(p.add(1) as *mut Slot)
    }
}

fn out_of_memory(capacity: usize) -> ! {
    handle_alloc_error(layout(capacity).unwrap_or(Layout::new::<u64>()))
}

impl Items {
    /// The buffer of an empty list.
    pub fn empty() -> Items {
        Items(AtomicPtr::new(nothing()))
    }

    /// A buffer of `capacity` slots, all empty; `None` if there is not so much memory.
    pub fn with_capacity(capacity: usize) -> Option<Items> {
        let p = allocate(capacity)?;
        // SAFETY: fresh.
        unsafe { fill_empty(p, 0, capacity) };
        Some(Items(AtomicPtr::new(p)))
    }

    /// A buffer that holds exactly these items.
    pub fn from_vec(items: Vec<Owned>) -> Items {
        let n = items.len();
        let mut items = core::mem::ManuallyDrop::new(items);
        // SAFETY: an `Owned` is one word that owns its count; the vector forgets them.
        let out = unsafe { Items::from_words(items.as_ptr() as *const Word, n) };
        // SAFETY: the items moved out; only the vector's memory is left.
        unsafe {
            items.set_len(0);
            core::mem::ManuallyDrop::drop(&mut items);
        }
        out
    }

    /// A buffer of `total` slots, a multiple of `n`, with the `n` items that `item` makes over and over; `None` if
    /// there is not so much memory.
    pub fn repeated(n: usize, total: usize, item: impl Fn(usize) -> Owned) -> Option<Items> {
        let p = allocate(total)? as *mut u64;
        for i in 0..n.min(total) {
            // SAFETY: i < capacity; fresh memory.
            unsafe { *p.add(i) = item(i).into_raw().0 };
        }
        // SAFETY: as above; slot 0 is written.
        if n == 1 && total > 1 && !unsafe { Word(*p) }.is_ptr() {
            // SAFETY: as above.
            (1..total).for_each(|i| unsafe { *p.add(i) = *p });
            return Some(Items(AtomicPtr::new(p as *mut Slot)));
        }
        for i in n..total {
            // SAFETY: as above; the slot `n` before holds the item.
            unsafe { *p.add(i) = Borrowed::from_raw(Word(*p.add(i - n))).to_owned().into_raw().0 };
        }
        Some(Items(AtomicPtr::new(p as *mut Slot)))
    }

    /// A buffer of `n` items made by `item`, in order.
    #[inline(always)]
    pub fn made_by(n: usize, mut item: impl FnMut(usize) -> Owned) -> Items {
        let p = allocate(n).unwrap_or_else(|| out_of_memory(n));
        for i in 0..n {
            // SAFETY: i < capacity; fresh memory.
            unsafe { *(p.add(i) as *mut u64) = item(i).into_raw().0 };
        }
        Items(AtomicPtr::new(p))
    }

    /// A buffer of `n` words that are moved out of `from`.
    ///
    /// # Safety
    /// Each word owns its count (OB-1) and is forgotten by the caller.
    pub unsafe fn from_words(from: *const Word, n: usize) -> Items {
        let p = allocate(n).unwrap_or_else(|| out_of_memory(n));
        // SAFETY: `n` slots were allocated.
        unsafe { core::ptr::copy_nonoverlapping(from as *const u64, p as *mut u64, n) };
        Items(AtomicPtr::new(p))
    }

    /// The published buffer.
    #[inline(always)]
    pub fn load(&self) -> *mut Slot {
        // ORDERING Acquire: the slots of the buffer are visible; later loads stay behind.
        self.0.load(Ordering::Acquire)
    }

    /// Does a length that was read since `p` was loaded belong to that buffer? It does if `p` is still published:
    /// no buffer comes back while somebody may be reading it, but for the one that all empty lists share.
    #[inline(always)]
    pub fn is_still(&self, p: *const Slot) -> bool {
        core::ptr::eq(self.load(), p) && !core::ptr::eq(p, nothing())
    }

    /// Slots of the published buffer. Under the lock.
    #[inline(always)]
    pub fn capacity(&self) -> usize {
        capacity(self.load())
    }

    fn publish(&self, p: *mut Slot) {
        // ORDERING Release: the slots were written before.
        self.0.store(p, Ordering::Release)
    }

    /// Grows to at least `want` slots with room to spare. The lock of `of` is held; `used` slots move.
    #[cold]
    #[inline(never)]
    pub fn grow(&self, of: &Header, used: usize, want: usize) {
        if !self.resize(of, used, roomy(want)) {
            out_of_memory(want)
        }
    }

    /// As [`Items::grow`]; false if there is not so much memory.
    pub fn try_grow(&self, of: &Header, used: usize, want: usize) -> bool {
        if want > isize::MAX as usize / 16 {
            return false;
        }
        // A list that is filled for the first time gets what it needs; one that grows, room to grow.
        let capacity = if used == 0 { want } else { roomy(want) };
        self.resize(of, used, capacity)
    }

    /// Gives memory back after removals, unless the buffer is small anyway.
    #[cold]
    #[inline(never)]
    pub fn shrink(&self, of: &Header, used: usize) {
        let capacity = roomy(used);
        if self.capacity() > 16 && capacity < self.capacity() / 2 {
            self.resize(of, used, capacity);
        }
    }

    /// Publishes the empty buffer; the words of the old one were taken by the caller.
    pub fn reset(&self, of: &Header) {
        let old = self.load();
        self.publish(nothing());
        // SAFETY: unpublished, lock held.
        unsafe { release(of, old) }
    }

    fn resize(&self, of: &Header, used: usize, new_capacity: usize) -> bool {
        let old = self.load();
        let (Some(had), Some(will)) = (layout(capacity(old)), layout(new_capacity)) else { return false };
        let mapped = is_mapped(had.size());
        let both = capacity(old) != 0 && new_capacity != 0 && mapped == is_mapped(will.size());
        if both && !sharing::is_read(of) {
            // SAFETY: allocated with that layout; no stranger reads it.
            unsafe {
                let start = (old as *mut u8).sub(8);
                let p = if mapped {
                    let p = pages::resize(start, had.size(), will.size());
                    if !p.is_null() && will.size() > had.size() {
                        pages::expect(p.add(had.size()), will.size() - had.size());
                    }
                    p
                } else {
                    realloc(start, had, will.size())
                } as *mut u64;
                if p.is_null() {
                    return false;
                }
                *p = new_capacity as u64;
                let p = p.add(1) as *mut Slot;
                fill_empty(p, used, new_capacity);
                self.publish(p);
            }
            return true;
        }
        let Some(p) = allocate(new_capacity) else { return false };
        // SAFETY: `used` ≤ both capacities; fresh memory.
        unsafe {
            core::ptr::copy_nonoverlapping(old as *const u64, p as *mut u64, used);
            fill_empty(p, used, new_capacity);
            self.publish(p);
            release(of, old);
        }
        true
    }
}

#[inline(always)]
fn capacity(p: *mut Slot) -> usize {
    // SAFETY: the capacity word lies in front of every buffer and never changes.
    unsafe { *(p as *const u64).sub(1) as usize }
}

/// # Safety
/// As [`sharing::release`]; the words in the buffer are owned by somebody else now.
unsafe fn release(of: &Header, p: *mut Slot) {
    let n = capacity(p);
    if n != 0 {
        // SAFETY: passed on; the block begins at the capacity word.
        unsafe { sharing::release(of, (p as *mut u8).sub(8), (n + 1) * 8, free) }
    }
}

impl Drop for Items {
    fn drop(&mut self) {
        let p = *self.0.get_mut();
        let n = capacity(p);
        if n != 0 {
            // SAFETY: the list is dead: the buffer and its references are ours alone.
            unsafe {
                crate::object::drop_words(crate::thread::me(), (0..n).map(|i| (*p.add(i)).peek()));
                crate::quarantine::free_buffer((p as *mut u8).sub(8), (n + 1) * 8, free);
            }
        }
    }
}

impl Items {
    /// Every slot of the buffer, those behind the last item, too.
    pub(super) fn row(&self) -> *const [Slot] {
        let p = self.load();
        core::ptr::slice_from_raw_parts(p, capacity(p))
    }
}

impl Trace for Items {
    const BESIDE: Beside = Beside::Always;
    fn trace(&self, visit: &mut dyn FnMut(Word)) {
        // SAFETY: the buffer is not freed while a collector reads it.
        unsafe { &*self.row() }.iter().for_each(|slot| slot.trace(visit))
    }
    fn clear(&mut self, drop: &mut dyn FnMut(Word)) {
        let p = self.load();
        for i in 0..capacity(p) {
            // SAFETY: as in `trace`.
            unsafe {
                if let Some(v) = (*p.add(i)).take_alone() {
                    drop(v.into_raw())
                }
            }
        }
    }
}
