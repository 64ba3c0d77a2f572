//! `gc.get_objects`, `gc.get_referrers`, `gc.get_referents`: walks over the heap for people.
//!
//! All functions want the world stopped. They give addresses; the caller takes references with
//! `try_incref` before it resumes the world, which refuses objects that are dying or condemned.

use std::collections::HashSet;
use typhon_sync::prim::Ordering;

use typhon_sync::header::{Header, gc_bits};

use crate::cycles::Trace;
use crate::cycles::graph::is_readable;
use crate::heap::Heap;
use crate::policy::Generation;

/// Every tracked object that is neither dying nor condemned; of one generation if given.
pub fn objects(heap: &Heap, generation: Option<Generation>) -> Vec<*const Header> {
    let mut found = Vec::new();
    heap.for_each_tracked(|object| {
        if is_readable(object) && generation.is_none_or(|wanted| wanted == generation_of(object)) {
            found.push(std::ptr::from_ref(object));
        }
    });
    found
}

/// The generation that `object` is in: young, or old.
pub fn generation_of(object: &Header) -> Generation {
    // ORDERING Relaxed: world stopped.
    let gc = object.gc.load(Ordering::Relaxed);
    if gc & (gc_bits::OLD | gc_bits::FROZEN) != 0 { Generation::Full } else { Generation::Young }
}

/// Every tracked object that refers to one of `targets`.
pub fn referrers(heap: &Heap, tracer: &impl Trace, targets: &[*const Header]) -> Vec<*const Header> {
    let targets: HashSet<*const Header> = targets.iter().copied().collect();
    let mut found = Vec::new();
    heap.for_each_tracked(|object| {
        if is_readable(object) {
            let mut refers = false;
            tracer.trace(object, &mut |child| refers |= targets.contains(&child));
            if !refers {
                tracer.trace_uncounted(object, &mut |child| refers |= targets.contains(&child));
            }
            if refers {
                found.push(std::ptr::from_ref(object));
            }
        }
    });
    found
}

/// What `object` refers to directly, in its own order; an object referred to twice comes twice.
pub fn referents(tracer: &impl Trace, object: &Header) -> Vec<*const Header> {
    let mut found = Vec::new();
    let mut visit = |child: *const Header| {
        if !child.is_null() {
            found.push(child);
        }
    };
    tracer.trace(object, &mut visit);
    tracer.trace_uncounted(object, &mut visit);
    found
}

/// What is on the heap at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// References to mortal objects.
    pub references: i64,
    /// Objects that die when nothing refers to them.
    pub mortal: usize,
    /// Objects that never die; some are made on first use.
    pub immortal: usize,
}

/// Counts every object, tracked or not.
pub fn census(heap: &Heap) -> Census {
    let mut census = Census::default();
    heap.for_each_object(|object| {
        if object.is_immortal() {
            census.immortal += 1;
        } else {
            census.mortal += 1;
            census.references += object.refcount();
        }
    });
    census
}
