//! The slab heap: every object lives in a 64 KiB block of slots of one size, and every block is
//! found from an address by one shift (`block = (address - base) >> 16`).
//!
//! What the rest of the system may rely on:
//!
//! - **GC-H1** The header of an object is at offset 0 of its slot; slots are 16-byte aligned.
//! - **GC-H2** A free slot has a valid header: owner 0, `shared` = merged with count 0, `gc` = 0,
//!   shape [`FREE_SHAPE`]. A late try-incref on it fails, and a walk skips it.
//! - **GC-H3** Memory is type-stable: a place that once was a header stays one. Slots of small
//!   blocks are reused for the same size only; a huge span is split, never merged, so its first
//!   byte stays a header.
//! - **GC-H4** A walk over the block table sees every object, whoever allocated it and whether or
//!   not that thread still lives.
//!
//! Sources: Leijen, Zorn, de Moura, "Mimalloc: free list sharding in action", 2019 (remote frees
//! per block); PEP 703 (type-stable memory for lock-free reads).

mod block;
mod central;
pub mod classes;
mod local;
mod reserve;
mod stats;

use std::io;
use std::sync::{Mutex, MutexGuard, OnceLock};
use typhon_sync::prim::{AtomicI64, AtomicPtr, AtomicU32, AtomicUsize, Ordering};

use typhon_sync::header::Header;

pub(crate) use block::is_tracked;
pub use block::{BlockKind, BlockMeta, FREE_SHAPE, is_free_slot};
pub use local::{LocalHeap, OwnBirths};
pub use stats::{ClassStats, HeapStats};

use central::Central;
use classes::{BLOCK_SHIFT, BLOCK_SIZE};
use local::Lists;
pub(crate) use reserve::Reservation;

/// Address space asked for by [`Heap::new`], in bytes.
pub const DEFAULT_RESERVATION: usize = 256 << 30;
/// Size of the first part of the reservation, which holds deferred kinds only: 32 bits times 16.
pub const DEFERRED_RESERVATION: usize = 64 << 30;
/// Smallest address space a heap is willing to live in, in bytes.
const LEAST_RESERVATION: usize = 1 << 30;
/// How many thread heaps can exist at one time.
const MAX_LOCAL_HEAPS: usize = 1 << 18;

/// Where in the reservation a block lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Area {
    /// The first [`DEFERRED_RESERVATION`] bytes: types, functions, modules, code.
    Deferred = 0,
    /// Everything else.
    General = 1,
}

/// Blocks of one thread heap to which other threads have returned slots. Its own cache line.
#[repr(C, align(64))]
pub(crate) struct Mailbox {
    /// First block with remote frees, linked through `BlockMeta::pending_next`; 0 = none.
    pending: AtomicU32,
}

/// The process-wide heap. Threads allocate through their own [`LocalHeap`].
pub struct Heap {
    objects: Reservation,
    metas: Reservation,
    mailboxes: Reservation,
    /// First block of [`Area::General`].
    general_start: u32,
    /// End of the blocks ever handed out, per area; grows only.
    frontier: [AtomicU32; 2],
    central: Mutex<Central>,
    /// Heaps of exited threads, to be taken over whole by new threads or class by class by others.
    idle: Mutex<Vec<Lists>>,
    idle_count: AtomicUsize,
    next_local: AtomicU32,
    deferred: Mutex<Option<LocalHeap>>,
    /// Tracked young objects, as far as threads have published them.
    young: AtomicI64,
    /// Old tracked objects that died since the last [`Heap::take_old_deaths`], as far as published.
    old_deaths: AtomicI64,
    /// How many container births a thread counts before it publishes.
    publish_every: AtomicU32,
    /// Called on a thread that has just published; see [`Heap::set_publish_hook`].
    publish_hook: AtomicPtr<()>,
}

// SAFETY: the raw pointers inside (reservations, idle lists) are addresses of memory that lives as
// long as the heap; all mutable state is atomic or behind a mutex.
unsafe impl Send for Heap {}
// SAFETY: as above.
unsafe impl Sync for Heap {}

impl Heap {
    /// Reserves [`DEFAULT_RESERVATION`], or less with a warning on stderr where the system refuses.
    ///
    /// # Errors
    /// The system's error if not even 1 GiB of address space can be had.
    pub fn new() -> io::Result<Heap> {
        let mut bytes = DEFAULT_RESERVATION;
        loop {
            match Heap::with_reservation(bytes) {
                Ok(heap) => {
                    if bytes < DEFAULT_RESERVATION {
                        eprintln!(
                            "typhon: warning: only {} GiB of address space for objects (wanted {} GiB)",
                            bytes >> 30,
                            DEFAULT_RESERVATION >> 30
                        );
                    }
                    return Ok(heap);
                }
                Err(error) if bytes / 2 < LEAST_RESERVATION => return Err(error),
                Err(_) => bytes /= 2,
            }
        }
    }

    /// The heap of this process, made on first use.
    ///
    /// # Panics
    /// If the address space cannot be reserved.
    pub fn process() -> &'static Heap {
        static PROCESS: OnceLock<Heap> = OnceLock::new();
        PROCESS.get_or_init(|| match Heap::new() {
            Ok(heap) => heap,
            Err(error) => panic!("cannot reserve address space for objects: {error}"),
        })
    }

    /// A heap with `bytes` of address space (a multiple of 1 MiB). A quarter, at most
    /// [`DEFERRED_RESERVATION`], is for deferred kinds.
    ///
    /// # Errors
    /// The system's error if the address space is refused.
    pub fn with_reservation(bytes: usize) -> io::Result<Heap> {
        let blocks = bytes >> BLOCK_SHIFT;
        let objects = Reservation::inaccessible(blocks << BLOCK_SHIFT)?;
        let metas = Reservation::zeroed(blocks * size_of::<BlockMeta>())?;
        let mailboxes = Reservation::zeroed(MAX_LOCAL_HEAPS * size_of::<Mailbox>())?;
        let deferred = (bytes / 4).min(DEFERRED_RESERVATION) >> BLOCK_SHIFT;
        let general_start = u32::try_from(deferred).expect("a reservation has fewer than 2^32 blocks");
        let end = u32::try_from(blocks).expect("a reservation has fewer than 2^32 blocks");
        Ok(Heap {
            objects,
            metas,
            mailboxes,
            general_start,
            // Block 0 is never handed out: its number and its compressed address mean "none".
            frontier: [AtomicU32::new(1), AtomicU32::new(general_start)],
            central: Mutex::new(Central::new(1, general_start, end)),
            idle: Mutex::new(Vec::new()),
            idle_count: AtomicUsize::new(0),
            next_local: AtomicU32::new(1),
            deferred: Mutex::new(None),
            young: AtomicI64::new(0),
            old_deaths: AtomicI64::new(0),
            publish_every: AtomicU32::new(512),
            publish_hook: AtomicPtr::new(std::ptr::null_mut()),
        })
    }

    /// Address of the first byte of the reservation; compressed pointers are relative to it.
    #[inline(always)]
    pub fn base(&self) -> usize {
        self.objects.base()
    }

    /// The block that `address` lies in; the address must be inside the reservation.
    #[inline(always)]
    pub fn block_of(&self, address: usize) -> u32 {
        debug_assert!(self.in_reservation(address));
        ((address - self.base()) >> BLOCK_SHIFT) as u32
    }

    #[inline(always)]
    pub(crate) fn in_reservation(&self, address: usize) -> bool {
        address.wrapping_sub(self.base()) < self.objects.len()
    }

    /// What the table knows about `block`, which must be a block of the reservation.
    #[inline(always)]
    pub fn meta(&self, block: u32) -> &BlockMeta {
        debug_assert!((block as usize) < self.objects.len() >> BLOCK_SHIFT);
        // SAFETY: the table has one zero-initialised entry per block of the reservation, all-zero
        // is a valid BlockMeta, and the mapping lives as long as `self`.
        unsafe { &*(self.metas.base() as *const BlockMeta).add(block as usize) }
    }

    /// Address of the first byte of `block`.
    #[inline(always)]
    pub fn block_address(&self, block: u32) -> usize {
        self.base() + ((block as usize) << BLOCK_SHIFT)
    }

    pub(crate) fn mailbox(&self, local: u32) -> &Mailbox {
        assert!((local as usize) < MAX_LOCAL_HEAPS, "too many threads with a heap");
        // SAFETY: bounds were just checked; all-zero is a valid Mailbox; the mapping outlives self.
        unsafe { &*(self.mailboxes.base() as *const Mailbox).add(local as usize) }
    }

    pub(crate) fn central(&self) -> MutexGuard<'_, Central> {
        // A panic under this lock aborts nothing by itself in tests; the state is valid between steps.
        self.central.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Bytes of the slot of `object`, header included. At least what was asked for.
    pub fn slot_size(&self, object: *const Header) -> usize {
        let meta = self.meta(self.block_of(object as usize));
        match meta.kind() {
            BlockKind::Huge => meta.span() as usize * BLOCK_SIZE,
            _ => meta.slot_size(),
        }
    }

    /// Whether `pointer` is the address of an allocated object of this heap. Exact while the world
    /// is stopped, a hint otherwise.
    pub fn contains(&self, pointer: *const Header) -> bool {
        let address = pointer as usize;
        if !self.in_reservation(address) {
            return false;
        }
        let block = self.block_of(address);
        let meta = self.meta(block);
        let offset = address - self.block_address(block);
        let is_slot = match meta.kind() {
            BlockKind::Small => {
                offset.is_multiple_of(meta.slot_size()) && meta.slot_index(offset) < meta.carved()
            }
            BlockKind::Huge => offset == 0,
            BlockKind::Unused | BlockKind::Tail | BlockKind::FreeSpan => false,
        };
        let slot = (self.block_address(block) + offset) as *const Header;
        // SAFETY: the address is a slot of a committed block (GC-H3: it is and stays a header).
        is_slot && !is_free_slot(unsafe { &*slot })
    }

    /// Objects of deferred kinds lie below this address.
    pub fn general_start(&self) -> usize {
        self.block_address(self.general_start)
    }

    /// Calls `f` with every block in use, in address order. World stopped.
    pub fn for_each_block(&self, mut f: impl FnMut(u32, &BlockMeta)) {
        for area in [Area::Deferred, Area::General] {
            let start = if area == Area::Deferred { 1 } else { self.general_start };
            // ORDERING Acquire: pairs with the Release in `Central`, so the metas below are filled.
            let end = self.frontier[area as usize].load(Ordering::Acquire);
            for block in start..end {
                let meta = self.meta(block);
                if matches!(meta.kind(), BlockKind::Small | BlockKind::Huge) {
                    f(block, meta);
                }
            }
        }
    }

    /// Calls `f` with every allocated slot of `block`, and its index. World stopped.
    #[inline]
    pub fn for_each_in_block(&self, block: u32, meta: &BlockMeta, mut f: impl FnMut(u32, &Header)) {
        let start = self.block_address(block);
        let (count, size) = match meta.kind() {
            BlockKind::Small => (meta.carved(), meta.slot_size()),
            BlockKind::Huge => (1, 0),
            _ => (0, 0),
        };
        for index in 0..count {
            // SAFETY: slots below `carved` are initialised headers of a committed block.
            let header = unsafe { &*((start + index as usize * size) as *const Header) };
            if !is_free_slot(header) {
                f(index, header);
            }
        }
    }

    /// Calls `f` with every object, tracked or not, in address order. World stopped.
    pub fn for_each_object(&self, mut f: impl FnMut(&Header)) {
        self.for_each_block(|block, meta| self.for_each_in_block(block, meta, |_, header| f(header)));
    }

    /// Calls `f` with every tracked object, in address order. World stopped.
    pub fn for_each_tracked(&self, mut f: impl FnMut(&Header)) {
        self.for_each_block(|block, meta| {
            if !meta.is_of_leaves() {
                self.for_each_in_block(block, meta, |_, header| {
                    if is_tracked(header) {
                        f(header);
                    }
                });
            }
        });
    }

    /// Number of allocated objects. A walk over the heap; exact while the world is stopped.
    pub fn live_objects(&self) -> usize {
        let mut n = 0;
        self.for_each_object(|_| n += 1);
        n
    }

    /// Net number of tracked objects born since the last [`Heap::reset_young`], as far as published.
    #[inline]
    pub fn young(&self) -> i64 {
        // ORDERING Relaxed: a statistic.
        self.young.load(Ordering::Relaxed)
    }

    /// Starts counting births anew; the collector does so at the end of a collection.
    pub fn reset_young(&self) {
        // ORDERING Relaxed: a statistic.
        self.young.store(0, Ordering::Relaxed);
    }

    /// Number of old tracked objects that died since this was last asked, as far as published.
    pub fn take_old_deaths(&self) -> usize {
        // ORDERING Relaxed: a statistic.
        self.old_deaths.swap(0, Ordering::Relaxed).max(0) as usize
    }

    /// How many births a thread may keep to itself before it publishes its counter (512 at first).
    /// A thread takes the new value over when it next publishes.
    pub fn set_publish_every(&self, births: u32) {
        // ORDERING Relaxed: a tuning value.
        self.publish_every.store(births.clamp(1, 1 << 20), Ordering::Relaxed);
    }

    /// Changes the number of young objects by `by`.
    pub(crate) fn adjust_young(&self, by: i64) {
        // ORDERING Relaxed: a statistic; a lost race leaves the count a little low.
        let young = self.young.fetch_add(by, Ordering::Relaxed) + by;
        if young < 0 {
            // ORDERING Relaxed: as above.
            let _ = self.young.compare_exchange(young, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// `hook(young, own)` is called in the middle of an allocation, on the allocating thread, whenever it
    /// has published births: with the young objects of all threads, and the births of this one since it
    /// last collected for itself. It may only raise a flag that the thread sees at its next safepoint.
    pub fn set_publish_hook(&self, hook: fn(young: i64, own: OwnBirths)) {
        // ORDERING Release: whatever the hook relies on was set up before.
        self.publish_hook.store(hook as *mut (), Ordering::Release);
    }

    pub(crate) fn publish(&self, births: i64, old_deaths: i64, own: OwnBirths) -> i32 {
        // ORDERING Relaxed: a statistic.
        self.old_deaths.fetch_add(old_deaths, Ordering::Relaxed);
        // ORDERING Relaxed: a statistic; the read-modify-write loses no update.
        let young = self.young.fetch_add(births, Ordering::Relaxed) + births;
        if young < 0 {
            // Deaths of objects that an earlier collection already took out of the count.
            // ORDERING Relaxed: as above; a lost race leaves the count a little low.
            let _ = self.young.compare_exchange(young, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
        // ORDERING Acquire: pairs with `set_publish_hook`.
        let hook = self.publish_hook.load(Ordering::Acquire);
        if births > 0 && !hook.is_null() {
            // SAFETY: only `set_publish_hook` stores here, and it stores an `fn(i64, OwnBirths)`.
            let hook: fn(i64, OwnBirths) = unsafe { std::mem::transmute(hook) };
            hook(young, own);
        }
        // ORDERING Relaxed: a tuning value.
        self.publish_every.load(Ordering::Relaxed) as i32
    }
}

#[cfg(test)]
mod tests;
