//! L9: quiescent-state reclamation.

use super::prim::AtomicU64;
use super::prim::Ordering::{Acquire, Release};
use super::qsbr::{Qsbr, Seat};
use super::quarantine::{Limbo, Quarantine};
use loom::cell::UnsafeCell;
use loom::thread;
use std::sync::Arc;

#[derive(Default)]
struct Shared {
    qsbr: Qsbr,
    seat: Seat,
    slot: AtomicU64,
    block: UnsafeCell<u32>,
}

// SAFETY: loom checks every access to the block.
unsafe impl Sync for Shared {}
// SAFETY: as above.
unsafe impl Send for Shared {}

impl Shared {
    fn new() -> Arc<Shared> {
        Arc::new(Shared { slot: AtomicU64::new(1), ..Shared::default() })
    }

    fn read(&self) {
        if self.slot.load(Acquire) == 1 {
            // SAFETY: loom checks it.
            self.block.with(|block| assert_eq!(unsafe { *block }, 0, "read after free"));
        }
    }

    fn unlink_and_free(&self) {
        // ORDERING Release: as every store into a slot.
        self.slot.store(0, Release);
        let goal = self.qsbr.advance();
        for _ in 0..2 {
            if self.qsbr.reached(goal, std::iter::once(&self.seat)) {
                // SAFETY: loom checks it.
                self.block.with_mut(|block| unsafe { *block = 1 });
                return;
            }
            thread::yield_now();
        }
    }
}

/// A reader comes online, reads, goes offline, while the block is unlinked and freed.
pub fn online() {
    let shared = Shared::new();
    let theirs = shared.clone();
    let reader = thread::spawn(move || {
        theirs.qsbr.online(&theirs.seat);
        theirs.read();
        theirs.qsbr.offline(&theirs.seat);
    });
    shared.unlink_and_free();
    reader.join().unwrap();
}

/// A reader that is online passes quiescent points between its reads.
pub fn quiescent() {
    let shared = Shared::new();
    shared.qsbr.online(&shared.seat);
    let theirs = shared.clone();
    let reader = thread::spawn(move || {
        theirs.read();
        theirs.qsbr.quiescent(&theirs.seat);
        theirs.read();
        theirs.qsbr.quiescent(&theirs.seat);
    });
    shared.unlink_and_free();
    reader.join().unwrap();
}

/// The collector reads an object that it finds alive, in two quanta, while the object dies and its
/// memory is used anew.
pub fn quarantine() {
    #[derive(Default)]
    struct Heap {
        quarantine: Quarantine,
        /// 0: dead.
        count: AtomicU64,
        memory: UnsafeCell<u32>,
    }
    // SAFETY: loom checks every access to the memory.
    unsafe impl Sync for Heap {}
    // SAFETY: as above.
    unsafe impl Send for Heap {}

    let heap = Arc::new(Heap { count: AtomicU64::new(1), ..Heap::default() });
    let theirs = heap.clone();
    let collector = thread::spawn(move || {
        for _ in 0..2 {
            theirs.quarantine.begin();
            if theirs.count.load(Acquire) != 0 {
                // SAFETY: loom checks it.
                theirs.memory.with(|memory| assert_eq!(unsafe { *memory }, 0, "read after reuse"));
            }
            theirs.quarantine.end();
        }
    });
    // ORDERING Release: as the last decrement.
    heap.count.store(0, Release);
    let mut limbo = Limbo::default();
    limbo.push((), 1);
    for _ in 0..3 {
        // SAFETY: loom checks it.
        limbo.turn(&heap.quarantine, 1, |()| heap.memory.with_mut(|memory| unsafe { *memory = 1 }));
        if limbo.is_empty() {
            break;
        }
        thread::yield_now();
    }
    collector.join().unwrap();
}
