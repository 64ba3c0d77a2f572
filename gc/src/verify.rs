//! The heap verifier: walks the heap and compares what headers say with what references say.
//!
//! On demand (`sys._gc_verify()`, tests, chaos builds). World stopped, merge queues drained. Costs a
//! full collection's first half.

use std::fmt;
use typhon_sync::prim::Ordering;

use typhon_sync::Shared;
use typhon_sync::count::Tag;
use typhon_sync::header::{Header, OwnerId, gc_bits};

use crate::cycles::Trace;
use crate::cycles::graph::{Pace, Scope, Sieve};
use crate::heap::{Heap, is_tracked};

/// What is wrong with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No owner, but the count is not merged, or a local count is left.
    OwnerlessNotMerged,
    /// Merged, but it still has an owner.
    MergedWithOwner,
    /// WATCH, TOUCHED or CONDEMNED on an object that is not merged; but garbage that is private to its owner is
    /// condemned and nothing else.
    CollectorBitNotMerged,
    /// Bits 9 to 23 of the shared word, which are always zero.
    ReservedBits,
    /// The count is below zero.
    NegativeCount,
    /// More counted references to it than its count.
    Overreferenced {
        /// How many more.
        by: i64,
    },
    /// It refers to an address that is not an object.
    Dangling {
        /// The address.
        to: usize,
    },
    /// Its deferred bit is set, but it is not tracked, so nothing would ever destroy it.
    DeferredUntracked,
    /// It is tracked, in a block that no collection looks at.
    TrackedLeaf,
}

/// One finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Address of the object.
    pub object: usize,
    /// Its shape id.
    pub shape: u32,
    /// What is wrong.
    pub fault: Fault,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "object {:#x} (shape {}): {:?}", self.object, self.shape, self.fault)
    }
}

/// Checks every object, its header, its references, and that nothing is referred to more often than
/// it is counted. Returns all findings; empty is good.
pub fn verify(heap: &Heap, tracer: &impl Trace) -> Vec<Finding> {
    let mut findings = Vec::new();
    heap.for_each_object(|object| {
        if let Some(fault) = header_fault(object) {
            findings.push(finding(object, fault));
        }
        let address = std::ptr::from_ref(object) as usize;
        if is_tracked(object) && heap.meta(heap.block_of(address)).is_of_leaves() {
            findings.push(finding(object, Fault::TrackedLeaf));
        }
        if is_tracked(object) && object.refcount() > 0 {
            let mut check = |child: *const Header| {
                let dangling =
                    !child.is_null() && heap.in_reservation(child as usize) && !heap.contains(child);
                if dangling {
                    findings.push(finding(object, Fault::Dangling { to: child as usize }));
                }
            };
            tracer.trace(object, &mut check);
            tracer.trace_uncounted(object, &mut check);
        }
    });
    let sieve = Sieve::of_heap(heap, Scope::Everything, &mut Pace::Stopped);
    sieve.subtract(tracer, true, &mut Pace::Stopped);
    sieve.for_each_remainder(|object, left| {
        if left < 0 {
            // SAFETY: members are objects, the world is stopped.
            findings.push(finding(unsafe { &*object }, Fault::Overreferenced { by: -left }));
        }
    });
    findings
}

fn finding(object: &Header, fault: Fault) -> Finding {
    Finding {
        object: std::ptr::from_ref(object) as usize,
        // ORDERING Relaxed: world stopped.
        shape: object.shape.load(Ordering::Relaxed),
        fault,
    }
}

fn header_fault(object: &Header) -> Option<Fault> {
    // ORDERING Relaxed: world stopped, for all four.
    let owner = OwnerId(object.owner.load(Ordering::Relaxed));
    // ORDERING Relaxed: as above.
    let local = object.local.load(Ordering::Relaxed);
    // ORDERING Relaxed: as above.
    let shared = Shared(object.shared.load(Ordering::Relaxed));
    // ORDERING Relaxed: as above.
    let gc = object.gc.load(Ordering::Relaxed);
    if object.is_immortal() {
        return None;
    }
    let merged = shared.tag() == Tag::Merged;
    let collector_bits = Shared::WATCH | Shared::TOUCHED | Shared::CONDEMNED;
    if owner == OwnerId::MERGED && (!merged || local != 0) {
        Some(Fault::OwnerlessNotMerged)
    } else if owner != OwnerId::MERGED && merged {
        Some(Fault::MergedWithOwner)
    } else if shared.0 & collector_bits != 0 && !merged && shared.0 != Shared::CONDEMNED {
        Some(Fault::CollectorBitNotMerged)
    } else if shared.0 & 0xFF_FE00 != 0 {
        Some(Fault::ReservedBits)
    } else if object.refcount() < 0 {
        Some(Fault::NegativeCount)
    } else if gc & gc_bits::DEFERRED != 0 && gc & gc_bits::TRACKED == 0 {
        Some(Fault::DeferredUntracked)
    } else {
        None
    }
}
