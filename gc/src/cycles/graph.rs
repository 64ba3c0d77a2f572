//! Which of a set of objects are held from outside it: trial deletion in side arrays.
//!
//! A [`Sieve`] gives every slot of the blocks it covers one 32-bit cell. Cells of members start with
//! the object's true count; every counted reference from a member to a member takes one off; what
//! is left is the number of references from outside (stacks, other generations, native code).
//! Members with anything left, and all that they reach, are alive. Headers are read, never written.
//!
//! With the world stopped the answer is exact. Beside running mutators ([`Pace::Beside`]) it is a guess
//! that errs on the side of "alive" for garbage that was garbage before: such objects do not change. Then
//! nothing is read of an object that is not alive at that moment ([`is_readable`]), and addresses that
//! are kept from one quantum to the next are only that.
//!
//! Sources: Christopher 1984; CPython's `subtract_refs`/`move_unreachable` have the same proof.
//! Deviation: side arrays instead of fields in the objects, and an explicit stack for reachability.

mod mark;

use std::collections::HashMap;
use typhon_sync::prim::{AtomicBool, AtomicU32, AtomicUsize, Ordering, fence};

use parking_lot::Mutex;
use typhon_sync::header::{Header, OwnerId, gc_bits};

use super::cells::Cells;
use super::crew::Shift;
use super::marking::{Addresses, Runs};
use super::{Confined, Trace};
use crate::heap::{BlockKind, BlockMeta, Heap, LocalHeap, is_tracked};

pub(super) const IN_SET: u32 = 1 << 31;
pub(super) const REACHED: u32 = 1 << 30;
/// Held by something that is not counted.
const ROOT: u32 = 1 << 29;
/// Belongs to the batch under proof; see [`super::candidates`].
pub(super) const CHOSEN: u32 = 1 << 28;
pub(super) const COUNT: u32 = CHOSEN - 1;
/// A count of zero. The distance below it keeps miscounted references from borrowing from the flags.
const ZERO: u32 = 1 << 22;
/// Larger counts are cut: such an object stays alive, having more holders than it could have cells.
const MOST: i64 = 1 << 27;

/// Which objects are members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Tracked, not frozen, mortal, not seen by a collection before; deferred kinds excluded.
    Young,
    /// Tracked, not frozen, mortal.
    Full,
    /// Every object with a count, tracked or not. For the verifier.
    Everything,
}

/// What else happens during the passes over the heap.
pub(crate) enum Pace<'p> {
    /// Nothing: the world is stopped.
    Stopped,
    /// Mutators run.
    Beside(&'p mut dyn Beside),
}

/// The thread that searches beside mutators, in quanta.
pub(crate) trait Beside {
    /// To be called between two objects at least every few microseconds; no belief about an object lasts across
    /// the call. A new quantum begins if this one is over.
    fn breathe(&mut self);

    /// Who takes part in the passes over a heap of so many slots until the next breath is due.
    fn shift(&self, slots: usize) -> Shift;
}

impl Pace<'_> {
    #[inline]
    pub fn breathe(&mut self) {
        if let Pace::Beside(beside) = self {
            beside.breathe();
        }
    }

    pub fn shift(&self, slots: usize) -> Shift {
        match self {
            Pace::Stopped => Shift::of_stop(slots),
            Pace::Beside(beside) => beside.shift(slots),
        }
    }
}

/// The members of a sieve, when marking is done.
pub(crate) struct Divided {
    /// How many there are.
    pub members: usize,
    /// Those that were not reached, in address order.
    pub unreached: Vec<*const Header>,
}

/// Objects that are visited between two breaths, where visiting is cheap.
pub(super) const BREATH: u32 = 64;

/// A set of objects with a cell each. At most one at a time covers the heap; its life ends before the
/// next collection begins.
pub(crate) struct Sieve<'h> {
    heap: &'h Heap,
    cells: Cells,
    blocks: Vec<Covered>,
    index: Index,
}

/// The young objects that a thread found in its own blocks.
#[derive(Default)]
pub(crate) struct OwnYoung {
    /// Those that are not private.
    pub others: usize,
    /// Those that are, the members of the sieve.
    pub members: usize,
    /// Some member has a finaliser.
    pub finalizers: bool,
    /// For each block, whether it has private ones, and whether it has others.
    pub blocks: Vec<(bool, bool)>,
}

/// A block that a sieve covers.
struct Covered {
    block: u32,
    /// Index of its first cell.
    first: u32,
    n_cells: u32,
    /// The passes go over such blocks only: those that had an object when the sieve was made.
    used: AtomicBool,
    /// When the sieve was made, every slot had an object, and none was young but members.
    full: AtomicBool,
    /// When the sieve was made, it had tracked objects that are not members.
    outsiders: AtomicBool,
}

impl Covered {
    fn is_used(&self) -> bool {
        // ORDERING Relaxed: set before the passes that ask, with a join in between.
        self.used.load(Ordering::Relaxed)
    }
}

/// Where the first cell of a block is noted.
enum Index {
    /// In the block table, for the one sieve that covers the heap.
    Table,
    /// In the block table, for the owner of the blocks: the thread with this local heap.
    Owner(u32),
    /// Here, for any other.
    Here(HashMap<u32, u32>),
}

impl<'h> Sieve<'h> {
    /// The members of `scope`, with their counts.
    pub fn of_heap(heap: &'h Heap, scope: Scope, pace: &mut Pace<'_>) -> Sieve<'h> {
        let mut sieve = Sieve { heap, cells: Cells::zeroed(0), blocks: Vec::new(), index: Index::Table };
        let mut total = 0;
        heap.for_each_block(|block, meta| {
            let wanted = match scope {
                Scope::Young => meta.is_dirty() && !meta.is_of_leaves(),
                Scope::Full => !meta.is_of_leaves(),
                Scope::Everything => true,
            };
            // A process that forked may have been in the middle of a sieve, which its child lost.
            meta.set_side(if wanted { total + 1 } else { 0 });
            if wanted {
                sieve.cover(block, meta, &mut total, false);
            }
        });
        sieve.cells = Cells::zeroed(total as usize);
        sieve.each_block(
            pace,
            |_| true,
            |sieve, covered, _| {
                let (mut live, mut young, mut outsiders) = (0, false, false);
                heap.for_each_in_block(covered.block, heap.meta(covered.block), |index, header| {
                    live += 1;
                    match member_count(header, scope) {
                        Some(count) => {
                            let cell = &sieve.cells[(covered.first + index) as usize];
                            // ORDERING Relaxed: each cell is written by one task, read after the join.
                            cell.store(IN_SET | counted(count), Ordering::Relaxed);
                        }
                        None if is_tracked(header) => {
                            outsiders = true;
                            young |= is_in_scope(header, Scope::Young);
                        }
                        None => {}
                    }
                });
                // ORDERING Relaxed: as above.
                covered.outsiders.store(outsiders, Ordering::Relaxed);
                // ORDERING Relaxed: as above.
                covered.used.store(live > 0, Ordering::Relaxed);
                // ORDERING Relaxed: as above.
                covered.full.store(live == covered.n_cells && !young, Ordering::Relaxed);
            },
        );
        sieve
    }

    /// The young objects of a thread's own blocks that are private to it, with the references among them taken off
    /// their counts. For that thread, which does nothing else meanwhile.
    pub fn of_own<T: Trace>(local: &LocalHeap, owner: OwnerId, tracer: &T) -> (Sieve<'h>, OwnYoung) {
        let heap = local.heap();
        let mut sieve =
            Sieve { heap, cells: Cells::zeroed(0), blocks: Vec::new(), index: Index::Owner(local.id()) };
        let mut total = 0;
        local.for_each_young_block(|block, meta| {
            meta.set_own_side(total + 1);
            sieve.cover(block, meta, &mut total, true);
        });
        sieve.cells = Cells::zeroed(total as usize);
        let mut young = OwnYoung::default();
        for covered in &sieve.blocks {
            let (mut live, mut members, mut others, mut finalizers) = (0, 0, 0, false);
            let meta = heap.meta(covered.block);
            let first = covered.first as usize;
            let cells = &sieve.cells[first..first + covered.n_cells as usize];
            let own = OwnCells {
                heap,
                local: local.id(),
                cells: &sieve.cells,
                here: heap.block_address(covered.block),
                meta,
                cells_here: cells,
            };
            heap.for_each_in_block(covered.block, meta, |index, header| {
                live += 1;
                if !is_in_scope(header, Scope::Young) {
                    return;
                }
                let count = header.private_count(owner).unwrap_or(0);
                let confined = if count > 0 { tracer.confined(header) } else { None };
                let Some(Confined { has_finalizer, rows }) = confined else {
                    others += usize::from(member_count(header, Scope::Young).is_some());
                    return;
                };
                members += 1;
                finalizers |= has_finalizer;
                match rows {
                    Some(rows) => rows.into_iter().for_each(|row| own.take_row::<T>(row)),
                    None => own.take_traced(header, tracer),
                }
                let cell = &cells[index as usize];
                // ORDERING Relaxed: this thread only.
                let taken = cell.load(Ordering::Relaxed);
                // ORDERING Relaxed: as above.
                cell.store(IN_SET | (taken + counted(count.into())) & COUNT, Ordering::Relaxed);
            });
            // The other passes look for members, and for full blocks that have become old.
            // ORDERING Relaxed: this thread only.
            covered.used.store(members > 0 || live == covered.n_cells, Ordering::Relaxed);
            young.members += members;
            young.others += others;
            young.finalizers |= finalizers;
            young.blocks.push((members > 0, others > 0));
        }
        (sieve, young)
    }

    /// Slots of the covered blocks.
    pub fn n_slots(&self) -> usize {
        self.cells.len()
    }

    /// Exactly `members`, each of which has one reference that counts as explained (a pin). World stopped;
    /// may live beside a sieve of the heap.
    pub fn of_pinned(heap: &'h Heap, members: &[*const Header]) -> Sieve<'h> {
        let mut sieve = Sieve { heap, cells: Cells::zeroed(0), blocks: Vec::new(), index: Index::Table };
        let mut firsts = HashMap::new();
        let mut total = 0;
        for &member in members {
            let block = heap.block_of(member as usize);
            firsts.entry(block).or_insert_with(|| {
                let first = total;
                sieve.cover(block, heap.meta(block), &mut total, true);
                first
            });
        }
        sieve.index = Index::Here(firsts);
        sieve.cells = Cells::zeroed(total as usize);
        for &member in members {
            // SAFETY: pinned, so alive.
            let count = unsafe { &*member }.refcount() - 1;
            let cell = sieve.cell(member).expect("every member's block has just been covered");
            // ORDERING Relaxed: this thread only.
            cell.store(IN_SET | counted(count), Ordering::Relaxed);
        }
        sieve
    }

    /// Covers a block; its cells come behind the `total` that there are.
    fn cover(&mut self, block: u32, meta: &BlockMeta, total: &mut u32, used: bool) {
        let (first, n_cells) = (*total, n_cells(meta));
        self.blocks.push(Covered {
            block,
            first,
            n_cells,
            used: AtomicBool::new(used),
            full: AtomicBool::new(false),
            outsiders: AtomicBool::new(false),
        });
        *total = total.checked_add(n_cells).expect("fewer than 2^32 slots");
    }

    /// Runs `task` for the covered blocks that `wanted` says, on as many threads as the pace has for it; the task
    /// is told whether there is one only.
    fn each_block(
        &self,
        pace: &mut Pace<'_>,
        wanted: impl Fn(&Covered) -> bool + Sync,
        task: impl Fn(&Sieve<'h>, &Covered, bool) + Sync,
    ) {
        let next = AtomicUsize::new(0);
        // ORDERING Relaxed: each block is for one thread, and was there before the shift.
        let take = || self.blocks.get(next.fetch_add(1, Ordering::Relaxed));
        loop {
            let shift = pace.shift(self.cells.len());
            let alone = shift.is_alone();
            shift.run(|| {
                while let Some(covered) = take() {
                    if wanted(covered) {
                        task(self, covered, alone);
                        if shift.is_over() {
                            break;
                        }
                    }
                }
            });
            // ORDERING Relaxed: all have come back.
            if next.load(Ordering::Relaxed) >= self.blocks.len() {
                break;
            }
            pace.breathe();
        }
    }

    fn used(&self) -> impl Iterator<Item = &Covered> {
        self.blocks.iter().filter(|covered| covered.is_used())
    }

    /// The cell of the slot at `address`, if its block is covered.
    #[inline(always)]
    pub(super) fn cell(&self, address: *const Header) -> Option<&AtomicU32> {
        cell_by(self.heap, &self.cells, address, |block, meta| match &self.index {
            Index::Table => meta.side().checked_sub(1),
            &Index::Owner(local) => meta.own_side(local).checked_sub(1),
            Index::Here(firsts) => noted(firsts, block),
        })
    }

    /// Whether the object at `address` is a member.
    pub fn contains(&self, address: *const Header) -> bool {
        // ORDERING Relaxed: membership is settled before anybody asks.
        self.cell(address).is_some_and(|cell| cell.load(Ordering::Relaxed) & IN_SET != 0)
    }

    /// After [`Sieve::propagate`]: whether the object at `address` is a member that is alive.
    pub fn is_alive(&self, address: *const Header) -> bool {
        // ORDERING Relaxed: this thread only.
        self.cell(address).is_some_and(|cell| cell.load(Ordering::Relaxed) & REACHED != 0)
    }

    /// Takes references between members off their counts, but for those that are known to be alive. With
    /// `all_tracked`, references from every tracked object in the covered blocks. In either case what tracked
    /// non-members keep alive without counting becomes a root.
    pub fn subtract<T: Trace>(&self, tracer: &T, all_tracked: bool, pace: &mut Pace<'_>) {
        let stopped = matches!(pace, Pace::Stopped);
        self.each_block(pace, Covered::is_used, |sieve, covered, alone| {
            // ORDERING Relaxed: set before this pass, with a join in between.
            let members_only = stopped && !all_tracked && !covered.outsiders.load(Ordering::Relaxed);
            for (slot, cell) in sieve.slots(covered) {
                // ORDERING Relaxed: other tasks change counts, not membership.
                let value = cell.load(Ordering::Relaxed);
                let member = value & IN_SET != 0;
                if value & REACHED != 0 || members_only && !member {
                    continue;
                }
                // SAFETY: the address of a slot, which is and stays a header (GC-H3).
                let header = unsafe { &*slot };
                if !is_readable(header) {
                    continue;
                }
                if member || all_tracked {
                    sieve.take_references(tracer, header, alone);
                } else {
                    tracer.trace_uncounted(header, &mut |child| sieve.make_root(child));
                }
            }
        });
    }

    /// Takes the references that one member holds off the counts of members.
    pub fn subtract_one<T: Trace>(&self, tracer: &T, member: &Header) {
        self.take_references(tracer, member, true);
    }

    #[inline(always)]
    fn take_references<T: Trace>(&self, tracer: &T, object: &Header, alone: bool) {
        let mut runs = Runs::new(|child, times| self.take(child, times, alone));
        tracer.trace(object, |child| runs.add(child));
        runs.end();
    }

    #[inline(always)]
    fn take(&self, child: *const Header, times: u32, alone: bool) {
        let Some(cell) = self.cell(child) else { return };
        // ORDERING Relaxed: this thread only, or sums that commute and are read after the join. A
        // non-member's cell may go anywhere, it is never looked at without IN_SET.
        let value = cell.load(Ordering::Relaxed);
        if value & IN_SET == 0 {
            return;
        }
        if alone {
            // ORDERING Relaxed: as above.
            cell.store(value - times, Ordering::Relaxed);
        } else {
            // ORDERING Relaxed: as above.
            cell.fetch_sub(times, Ordering::Relaxed);
        }
    }

    /// Declares a member alive, if it is one.
    pub fn make_root(&self, object: *const Header) {
        if let Some(cell) = self.cell(object) {
            // ORDERING Relaxed: read after the join.
            if cell.load(Ordering::Relaxed) & IN_SET != 0 {
                // ORDERING Relaxed: as above; other tasks may be subtracting.
                cell.fetch_or(ROOT, Ordering::Relaxed);
            }
        }
    }

    /// The slots of a covered block with their cells. Beside mutators the block can have been put to
    /// another use: then there are never more than it had cells, and each is a header, but not that of
    /// the object that the cell was made for.
    fn slots(&self, covered: &Covered) -> impl Iterator<Item = (*const Header, &AtomicU32)> {
        let first = covered.first as usize;
        let meta = self.heap.meta(covered.block);
        let cells = &self.cells[first..first + meta.carved().min(covered.n_cells) as usize];
        let (mut next, stride) = (self.heap.block_address(covered.block), slot_stride(meta));
        cells.iter().map(move |cell| {
            let slot = next as *const Header;
            next += stride;
            (slot, cell)
        })
    }

    /// After [`Sieve::propagate`]: calls `alive` with every member that was reached, on any thread of the crew.
    pub fn divide(&self, pace: &mut Pace<'_>, alive: impl Fn(&Header) + Sync) -> Divided {
        let members = AtomicUsize::new(0);
        let unreached = Mutex::new(Vec::new());
        self.each_block(pace, Covered::is_used, |sieve, covered, _| {
            let (mut n, mut found) = (0, Vec::new());
            for (object, cell) in sieve.slots(covered) {
                // ORDERING Relaxed: settled before this pass, with a join in between.
                let value = cell.load(Ordering::Relaxed);
                n += usize::from(value & IN_SET != 0);
                match value & (IN_SET | REACHED) {
                    IN_SET => found.push(object),
                    0 | REACHED => {}
                    // SAFETY: the address of a slot, which is and stays a header (GC-H3).
                    _ => alive(unsafe { &*object }),
                }
            }
            // ORDERING Relaxed: a sum, read after the join.
            members.fetch_add(n, Ordering::Relaxed);
            if !found.is_empty() {
                unreached.lock().push((covered.first, Addresses(found)));
            }
        });
        let mut unreached = unreached.into_inner();
        unreached.sort_unstable_by_key(|&(first, _)| first);
        let unreached = unreached.into_iter().flat_map(|(_, Addresses(found))| found).collect();
        Divided { members: members.into_inner(), unreached }
    }

    /// After [`Sieve::subtract`]: calls `f` with every member and its references from elsewhere;
    /// negative if more references than counts were seen.
    pub fn for_each_remainder(&self, mut f: impl FnMut(*const Header, i64)) {
        let left = |value| i64::from(value & COUNT) - i64::from(ZERO);
        for covered in self.used() {
            for (object, cell) in self.slots(covered) {
                // ORDERING Relaxed: this thread only.
                let value = cell.load(Ordering::Relaxed);
                if value & IN_SET != 0 {
                    f(object, left(value));
                }
            }
        }
    }

    /// Was a member in the block not found alive? It is young, and may be about to leave its slot.
    fn has_unreached(&self, covered: &Covered) -> bool {
        // ORDERING Relaxed: this thread only.
        self.slots(covered).any(|(_, cell)| cell.load(Ordering::Relaxed) & (IN_SET | REACHED) == IN_SET)
    }

    /// As [`Sieve::clean_blocks`], in the stop in which the sieve of the heap was made.
    pub fn clean_blocks_in_stop(&self) {
        // ORDERING Relaxed: set before the other passes, with a join in between.
        for covered in self.blocks.iter().filter(|covered| covered.full.load(Ordering::Relaxed)) {
            if !self.has_unreached(covered) {
                self.heap.meta(covered.block).mark_clean();
            }
        }
    }

    /// Lets young collections pass over covered blocks in which every slot holds an old object.
    /// To be called when survivors have got OLD.
    pub fn clean_blocks(&self, pace: &mut Pace<'_>) {
        self.each_block(pace, Covered::is_used, |sieve, covered, _| {
            if sieve.has_unreached(covered) {
                return;
            }
            let block = covered.block;
            let meta = sieve.heap.meta(block);
            // First, so that a mutator that frees a slot during the look has the last word.
            meta.mark_clean();
            // ORDERING SeqCst fence: the mark is visible before the look.
            fence(Ordering::SeqCst);
            let mut live = 0;
            let mut young = false;
            sieve.heap.for_each_in_block(block, meta, |_, header| {
                // ORDERING Relaxed: a slot that is freed or born meanwhile marks the block again.
                let gc = header.gc.load(Ordering::Relaxed);
                live += 1;
                young |= gc & (gc_bits::OLD | gc_bits::DEFERRED | gc_bits::FROZEN) == 0
                    && gc & gc_bits::TRACKED != 0;
            });
            if live != n_cells(meta) || young {
                meta.mark_dirty();
            }
        });
    }
}

impl Drop for Sieve<'_> {
    fn drop(&mut self) {
        for &Covered { block, .. } in &self.blocks {
            match self.index {
                Index::Table => self.heap.meta(block).set_side(0),
                Index::Owner(_) => self.heap.meta(block).set_own_side(0),
                Index::Here(_) => {}
            }
        }
    }
}

/// The cells of a sieve of the thread's own while it is made. Membership is not settled: until then, a count may be
/// below zero.
#[derive(Clone, Copy)]
struct OwnCells<'s> {
    heap: &'s Heap,
    /// Whose blocks they are of.
    local: u32,
    cells: &'s [AtomicU32],
    /// The block that is looked at, and its cells.
    here: usize,
    meta: &'s BlockMeta,
    cells_here: &'s [AtomicU32],
}

impl OwnCells<'_> {
    /// Takes the references of a row of slots off the counts of what they refer to.
    #[inline(always)]
    fn take_row<T: Trace>(self, row: &[T::Slot]) {
        let mut runs = Runs::new(|child, times| self.take(child, times));
        for slot in row {
            if let Some(child) = T::referent(slot) {
                runs.add(child);
            }
        }
        runs.end();
    }

    /// Out of line, so that the state of the loop over a row can stay in registers.
    #[inline(never)]
    fn take_traced<T: Trace>(self, object: &Header, tracer: &T) {
        let mut runs = Runs::new(|child, times| self.take(child, times));
        tracer.trace(object, |child| runs.add(child));
        runs.end();
    }

    #[inline(always)]
    fn take(self, child: *const Header, times: u32) {
        // What is made together lies together.
        let offset = (child as usize).wrapping_sub(self.here);
        let cell = if offset < crate::heap::classes::BLOCK_SIZE {
            self.cells_here.get(self.meta.slot_index(offset) as usize)
        } else {
            let first_of = |_, meta: &BlockMeta| meta.own_side(self.local).checked_sub(1);
            cell_by(self.heap, self.cells, child, first_of)
        };
        if let Some(cell) = cell {
            // ORDERING Relaxed: this thread only.
            let value = cell.load(Ordering::Relaxed);
            // ORDERING Relaxed: as above.
            cell.store(value & !COUNT | value.wrapping_sub(times) & COUNT, Ordering::Relaxed);
        }
    }
}

/// The one of `cells` that belongs to the slot at `address`; `first_of` tells where those of a block begin, if it has any.
#[inline(always)]
fn cell_by<'s>(
    heap: &Heap,
    cells: &'s [AtomicU32],
    address: *const Header,
    first_of: impl FnOnce(u32, &BlockMeta) -> Option<u32>,
) -> Option<&'s AtomicU32> {
    let address = address as usize;
    if !heap.in_reservation(address) {
        return None;
    }
    let block = heap.block_of(address);
    let meta = heap.meta(block);
    let first = first_of(block, meta)?;
    let index = meta.slot_index(address & (crate::heap::classes::BLOCK_SIZE - 1));
    cells.get((first + index) as usize)
}

/// Out of line, so that the other ways to find a cell are short.
#[inline(never)]
fn noted(firsts: &HashMap<u32, u32>, block: u32) -> Option<u32> {
    firsts.get(&block).copied()
}

/// Cells that a block needs, now and later.
fn n_cells(meta: &BlockMeta) -> u32 {
    match meta.kind() {
        BlockKind::Small => meta.capacity(),
        BlockKind::Huge => 1,
        BlockKind::Unused | BlockKind::Tail | BlockKind::FreeSpan => 0,
    }
}

/// The count part of a member's cell.
#[inline(always)]
fn counted(count: i64) -> u32 {
    ZERO + count.clamp(0, MOST) as u32
}

/// Whether something outside the set holds the member with this cell.
#[inline(always)]
fn is_held(cell: u32) -> bool {
    cell & (ROOT | COUNT) != ZERO
}

/// Is the object of an age, and of a kind, that `scope` takes?
#[inline(always)]
fn is_in_scope(header: &Header, scope: Scope) -> bool {
    let excluded = match scope {
        Scope::Young => gc_bits::FROZEN | gc_bits::OLD | gc_bits::DEFERRED,
        Scope::Full => gc_bits::FROZEN,
        Scope::Everything => return true,
    };
    // ORDERING Acquire: a tracked object's body was initialised before the bit was set.
    header.gc.load(Ordering::Acquire) & (gc_bits::TRACKED | excluded) == gc_bits::TRACKED
}

/// The count of a member of `scope`, as far as references from anywhere can explain it.
#[inline(always)]
pub(super) fn member_count(header: &Header, scope: Scope) -> Option<i64> {
    if !is_in_scope(header, scope) {
        return None;
    }
    let count = header.mortal_refcount()?;
    // A dying object is its destroyer's business, a retired one the reaper's; their references stay unexplained.
    if count <= 0 || header.is_retired() {
        return None;
    }
    // The reference that keeps a deferred object from dying by count holds nothing alive.
    Some(if scope == Scope::Full && is_deferred(header) { count - 1 } else { count })
}

/// The thread to which an object looks private. A guess, where others can reach it: who relies on it asks
/// [`Header::is_private`] once it is known to be garbage.
#[inline(always)]
pub(super) fn seems_private_to<T: Trace>(header: &Header, tracer: &T) -> Option<OwnerId> {
    let owner = header.owner();
    let unshared = owner != OwnerId::MERGED && header.is_private(owner);
    (unshared && tracer.is_confined(header)).then_some(owner)
}

#[inline(always)]
pub(super) fn is_deferred(object: &Header) -> bool {
    // ORDERING Relaxed: fixed at birth, and changed by this collector only.
    object.gc.load(Ordering::Relaxed) & gc_bits::DEFERRED != 0
}

/// Is the object alive at this moment, so that its references may be read? Not if it is dying, or if
/// garbage that it belongs to is being taken apart; and not for us to say if the reaper is to decide about it.
#[inline(always)]
pub(crate) fn is_readable(header: &Header) -> bool {
    is_tracked(header) && !header.is_condemned() && !header.is_retired() && header.refcount() > 0
}

fn slot_stride(meta: &BlockMeta) -> usize {
    if meta.kind() == BlockKind::Small { meta.slot_size() } else { 0 }
}

#[cfg(test)]
mod tests;
