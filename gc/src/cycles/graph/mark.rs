//! Marking: the members of a sieve that are held from outside, and all that they lead to.
//!
//! Small sets are marked by one thread in one go. Others are marked by a crew: each thread has a queue of its
//! own, takes the next block when that is empty, and gives part of it away while others have nothing to do. At
//! the end of a quantum what is still queued waits for the next one; it is addresses, whatever lies there by then.
//!
//! Source: Endo, Taura, Yonezawa, "A scalable mark-sweep garbage collector on large-scale shared-memory machines",
//! SC 1997, for portions that change hands; Cher et al. (see [`super::super::marking`]) for the order of visits.

use typhon_sync::prim::{AtomicU32, AtomicUsize, Ordering};

use crossbeam_deque::{Injector, Steal};
use typhon_sync::header::Header;

use super::super::Trace;
use super::super::crew::Shift;
use super::super::marking::{Addresses, MarkQueue};
use super::{BREATH, Covered, IN_SET, Pace, REACHED, Sieve, is_held, is_readable};

/// Objects that one thread gives to others at a time.
const PORTION: usize = 512;

/// So many objects are looked for in a list one by one.
const FEW_LATE: usize = 2;

/// A marking by a crew.
struct Marking<'s, 'h, T> {
    sieve: &'s Sieve<'h>,
    tracer: &'s T,
    /// Place of the next block whose held members are to be marked.
    next: AtomicUsize,
    /// Marked objects that wait for a visit by anybody.
    waiting: Injector<Addresses>,
    /// Threads that may yet add to `waiting`.
    busy: AtomicUsize,
}

impl Sieve<'_> {
    /// Marks all members that are held from outside, and what they reach. No recursion.
    pub fn propagate<T: Trace>(&self, tracer: &T, pace: &mut Pace<'_>) {
        if matches!(pace, Pace::Stopped) && pace.shift(self.cells.len()).is_alone() {
            self.propagate_alone(tracer, |_| {}, |_, _| {});
        } else {
            Marking::new(self, tracer, 0).run(pace, is_held);
        }
    }

    /// As [`Sieve::propagate`], by this thread in a stop: the `n` members that are dead, and those that are not.
    pub fn split<T: Trace>(&self, tracer: &T, n: usize) -> (Vec<*const Header>, Vec<*const Header>) {
        let (mut dead, mut alive) = (Vec::with_capacity(n), Vec::new());
        // Members that were taken for dead when they were passed.
        let mut late = Vec::new();
        self.propagate_alone(
            tracer,
            |member| dead.push(member),
            |object, is_late| {
                alive.push(object);
                if is_late {
                    late.push(object);
                }
            },
        );
        match late.len() {
            0 => {}
            1..=FEW_LATE => dead.retain(|object| !late.contains(object)),
            _ => dead.retain(|&object| !self.is_alive(object)),
        }
        (dead, alive)
    }

    /// Calls `unreached` with each member that nothing before it leads to, in order, and `reached` with those that are
    /// alive, and whether they had been passed by then.
    #[inline(always)]
    fn propagate_alone<T: Trace>(
        &self,
        tracer: &T,
        mut unreached: impl FnMut(*const Header),
        mut reached: impl FnMut(*const Header, bool),
    ) {
        let mut queue = MarkQueue::new();
        for covered in self.used() {
            for (slot, cell) in self.slots(covered) {
                // ORDERING Relaxed: this thread only, from here on.
                let value = cell.load(Ordering::Relaxed);
                if value & (IN_SET | REACHED) != IN_SET {
                    continue;
                }
                if !is_held(value) {
                    unreached(slot);
                    continue;
                }
                // Members held from outside are visited in address order by this scan.
                // ORDERING Relaxed: as above.
                cell.store(value | REACHED, Ordering::Relaxed);
                reached(slot, false);
                self.reach_all_from(slot, cell, tracer, &mut queue, &mut reached);
            }
        }
    }

    /// Marks what the member with the cell `at` leads to.
    #[inline(never)]
    fn reach_all_from<T: Trace>(
        &self,
        member: *const Header,
        at: *const AtomicU32,
        tracer: &T,
        queue: &mut MarkQueue,
        mut reached: impl FnMut(*const Header, bool),
    ) {
        // SAFETY: the address of a slot, which is and stays a header (GC-H3).
        self.reach_from(unsafe { &*member }, tracer, queue, is_held);
        while let Some(object) = queue.pop() {
            reached(object, self.cell(object).is_some_and(|cell| core::ptr::from_ref(cell) < at));
            // SAFETY: as above.
            self.reach_from(unsafe { &*object }, tracer, queue, is_held);
        }
    }

    /// Marks the members that `known` visits, and all that they reach, as alive, before anything is subtracted:
    /// they need no proof, and are walked over once instead of twice. World stopped.
    pub fn mark_known<T: Trace>(&self, tracer: &T, known: impl FnOnce(&mut dyn FnMut(*const Header))) {
        let mut roots = Vec::new();
        known(&mut |object| {
            if self.mark(object, |_| false) {
                roots.push(object);
            }
        });
        let marking = Marking::new(self, tracer, self.blocks.len());
        marking.waiting.push(Addresses(roots));
        marking.run(&mut Pace::Stopped, |_| false);
    }

    /// Marks a member that is not marked, and not among the `others` by its cell.
    #[inline(always)]
    fn mark(&self, object: *const Header, others: impl Fn(u32) -> bool) -> bool {
        let Some(cell) = self.cell(object) else { return false };
        // ORDERING Relaxed: marks are all that changes, and they are read after a join. Two threads that mark an
        // object at the same time both visit it, which costs less than a read-modify-write for each object.
        let value = cell.load(Ordering::Relaxed);
        let marks = value & (IN_SET | REACHED) == IN_SET && !others(value);
        if marks {
            // ORDERING Relaxed: as above.
            cell.store(value | REACHED, Ordering::Relaxed);
        }
        marks
    }

    /// Marks what a member refers to, unless it is among the `others` by its cell.
    #[inline(always)]
    fn reach_from<T: Trace>(
        &self,
        object: &Header,
        tracer: &T,
        queue: &mut MarkQueue,
        others: impl Fn(u32) -> bool + Copy,
    ) {
        let MarkQueue { stack, recent, .. } = queue;
        let mut last = core::ptr::null();
        let mut reach = |child: *const Header| {
            if core::ptr::eq(std::mem::replace(&mut last, child), child) {
                return;
            }
            if self.mark(child, others) {
                stack.push(child);
            }
        };
        if is_readable(object) {
            tracer.trace(object, &mut reach);
            tracer.trace_uncounted(object, |held| {
                if !recent.has(held) {
                    reach(held);
                }
            });
        }
    }
}

impl<'s, 'h, T: Trace> Marking<'s, 'h, T> {
    fn new(sieve: &'s Sieve<'h>, tracer: &'s T, next: usize) -> Marking<'s, 'h, T> {
        let (next, busy) = (AtomicUsize::new(next), AtomicUsize::new(0));
        Marking { sieve, tracer, next, waiting: Injector::new(), busy }
    }

    /// Marks from the waiting, and from the members in the blocks from `next` on that are held; never `others`,
    /// which the looks at the blocks find.
    fn run(&self, pace: &mut Pace<'_>, others: impl Fn(u32) -> bool + Copy + Sync) {
        loop {
            let shift = pace.shift(self.sieve.cells.len());
            shift.run(|| self.work(&shift, others));
            // ORDERING Relaxed: all have come back.
            if self.next.load(Ordering::Relaxed) >= self.sieve.blocks.len() && self.waiting.is_empty() {
                break;
            }
            pace.breathe();
        }
    }

    /// One thread's part of a shift.
    fn work(&self, shift: &Shift, others: impl Fn(u32) -> bool + Copy) {
        let mut queue = MarkQueue::new();
        // ORDERING Relaxed: a hint, on which no memory depends: who leaves too early has one quantum less to do.
        self.busy.fetch_add(1, Ordering::Relaxed);
        while self.fill(&mut queue) || !shift.is_alone() && self.wait_for_work(shift) {
            self.visit_all(&mut queue, shift, others);
            if shift.is_over() {
                break;
            }
        }
        // ORDERING Relaxed: as above.
        self.busy.fetch_sub(1, Ordering::Relaxed);
    }

    /// Gets objects to visit: a portion that somebody gave, or the held members of the next block. False: there
    /// is neither.
    fn fill(&self, queue: &mut MarkQueue) -> bool {
        loop {
            match self.waiting.steal() {
                Steal::Success(Addresses(objects)) => {
                    queue.stack = objects;
                    return true;
                }
                Steal::Retry => {}
                Steal::Empty => break,
            }
        }
        // ORDERING Relaxed: each block is for one thread, and was there before the shift.
        let Some(covered) = self.sieve.blocks.get(self.next.fetch_add(1, Ordering::Relaxed)) else {
            return false;
        };
        if covered.is_used() {
            self.mark_held(covered, queue);
        }
        true
    }

    /// Marks a block's members that are held from outside; only here, so by one thread.
    fn mark_held(&self, covered: &Covered, queue: &mut MarkQueue) {
        for (slot, cell) in self.sieve.slots(covered) {
            // ORDERING Relaxed: nobody else marks this member.
            let value = cell.load(Ordering::Relaxed);
            if value & (IN_SET | REACHED) == IN_SET && is_held(value) {
                // ORDERING Relaxed: as above.
                cell.store(value | REACHED, Ordering::Relaxed);
                queue.push(slot);
            }
        }
        // They are popped in address order.
        queue.stack.reverse();
    }

    /// Visits everything in the queue, or gives away what is left when the shift is over.
    fn visit_all(&self, queue: &mut MarkQueue, shift: &Shift, others: impl Fn(u32) -> bool + Copy) {
        let alone = shift.is_alone();
        let mut visited = 0u32;
        while let Some(object) = queue.pop() {
            // SAFETY: the address of a slot, which is and stays a header (GC-H3).
            self.sieve.reach_from(unsafe { &*object }, self.tracer, queue, others);
            visited += 1;
            if !visited.is_multiple_of(BREATH) {
                continue;
            }
            if shift.is_over() {
                let rest = queue.take_all();
                if !rest.is_empty() {
                    self.waiting.push(Addresses(rest));
                }
            } else if !alone && queue.stack.len() > 2 * PORTION && self.waiting.is_empty() {
                self.waiting.push(Addresses(queue.stack.split_off(queue.stack.len() - PORTION)));
            }
        }
    }

    /// Waits until somebody gives something away; false: nobody will, or the shift is over.
    fn wait_for_work(&self, shift: &Shift) -> bool {
        // ORDERING Relaxed: as in `work`.
        self.busy.fetch_sub(1, Ordering::Relaxed);
        let mut found = false;
        // ORDERING Relaxed: as above.
        while !found && self.busy.load(Ordering::Relaxed) > 0 && !shift.is_over() {
            std::thread::yield_now();
            found = !self.waiting.is_empty();
        }
        // ORDERING Relaxed: as above.
        self.busy.fetch_add(1, Ordering::Relaxed);
        found
    }
}
