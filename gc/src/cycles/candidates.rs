//! What a sieve beside running mutators suspects to be garbage: how it is cut into batches, and the exact
//! proof of one.
//!
//! The proof looks only at its batch. Whatever the guesses before it got wrong, and however the batch was
//! cut, an object in it is found dead only if every reference to it comes from dead objects of the batch,
//! all at one instant. That instant is
//!
//! * a stop of the world, or
//! * a time during which none of its objects was touched ([`super::watch`]), or
//! * for objects that are *private* to one thread ([`Header::is_private`]), any point at which that thread
//!   does nothing else. No thread has to stop for it, and nothing is merged: garbage that one thread made
//!   alone is taken apart at the cost of its own plain counts. With a GIL, the thread is whoever holds it.

use std::sync::Arc;
use typhon_sync::prim::Ordering;

use typhon_sync::header::{Header, OwnerId, gc_bits};

use super::Trace;
use super::graph::{
    BREATH, CHOSEN, COUNT, IN_SET, Pace, REACHED, Scope, Sieve, is_readable, member_count, seems_private_to,
};

/// Who can prove a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prover {
    /// The thread with this id, to which all objects are private.
    Owner(OwnerId),
    /// Whoever watches: all changes are made by the owner or under the object's lock.
    Watch,
    /// Whoever stops the world.
    Stop,
    /// Whoever stops the world and looks at stacks and uncounted references, too: some object is of a
    /// deferred kind, or shared.
    StopWithRoots,
}

impl Prover {
    /// Who can prove two batches together.
    fn and(self, other: Prover) -> Prover {
        match (self, other) {
            (Prover::StopWithRoots, _) | (_, Prover::StopWithRoots) => Prover::StopWithRoots,
            (Prover::Stop, _) | (_, Prover::Stop) => Prover::Stop,
            (a, b) if a == b => a,
            _ => Prover::Watch,
        }
    }

    fn of<T: Trace>(object: &Header, tracer: &T) -> Prover {
        // ORDERING Relaxed: fixed at birth.
        if object.gc.load(Ordering::Relaxed) & gc_bits::DEFERRED != 0 || object.is_shared() {
            return Prover::StopWithRoots;
        }
        match seems_private_to(object, tracer) {
            Some(owner) => Prover::Owner(owner),
            None if tracer.is_confined(object) => Prover::Watch,
            None => Prover::Stop,
        }
    }
}

/// Whole components of candidates, which are proved together.
pub(crate) struct Batch {
    sieve: Arc<Sieve<'static>>,
    scope: Scope,
    /// Number of the first object: their cells hold consecutive ones.
    first: u32,
    objects: Vec<*const Header>,
    pub prover: Prover,
}

// SAFETY: addresses, which whoever has the batch may look at under its rules.
unsafe impl Send for Batch {}

/// Cuts `candidates`, the members of a sieve that it did not find alive, into batches of about `most`
/// objects that suit one prover. What a candidate leads to is in its batch, unless an earlier batch has it
/// already: such an object stays alive until the next search, or dies by count before that. `weak` visits the
/// weak references to an object: those belong to its batch.
pub(super) fn batches<T: Trace>(
    sieve: &Arc<Sieve<'static>>,
    scope: Scope,
    candidates: &[*const Header],
    tracer: &T,
    most: usize,
    pace: &mut Pace<'_>,
    weak: impl Fn(&Header, &mut dyn FnMut(*const Header)),
) -> Vec<Batch> {
    let mut numbers = Numbers::new(most);
    let mut batches: Vec<Batch> = Vec::new();
    // The batch of each kind that has room.
    let mut open: Vec<usize> = Vec::new();
    let mut group: Vec<*const Header> = Vec::new();
    let mut visited = 0u32;
    for &candidate in candidates {
        group.clear();
        let mut prover = None;
        let mut at = 0;
        if take(sieve, candidate) {
            group.push(candidate);
        }
        while let Some(&object) = group.get(at) {
            at += 1;
            visited += 1;
            if visited.is_multiple_of(BREATH) {
                pace.breathe();
            }
            // SAFETY: the address of a slot, which is and stays a header (GC-H3).
            let header = unsafe { &*object };
            if !is_readable(header) {
                continue;
            }
            let own = Prover::of(header, tracer);
            prover = Some(prover.map_or(own, |prover: Prover| prover.and(own)));
            let mut visit = |other: *const Header| {
                if take(sieve, other) {
                    group.push(other);
                }
            };
            tracer.trace(header, &mut visit);
            tracer.trace_uncounted(header, &mut visit);
            weak(header, &mut visit);
        }
        let Some(prover) = prover else { continue };
        let place = open.iter().position(|&b| batches[b].prover == prover);
        let has_room = |b: usize| batches[b].objects.len() + group.len() <= most;
        let batch = match place {
            Some(place) if has_room(open[place]) => open[place],
            full => {
                if let Some(place) = full {
                    open.swap_remove(place);
                }
                let Some(first) = numbers.take(group.len()) else { break };
                let objects = Vec::with_capacity(most.max(group.len()));
                batches.push(Batch { sieve: sieve.clone(), scope, first, objects, prover });
                open.push(batches.len() - 1);
                batches.len() - 1
            }
        };
        let batch = &mut batches[batch];
        for &object in &group {
            set_cell(sieve, object, IN_SET | CHOSEN | (batch.first + batch.objects.len() as u32));
            batch.objects.push(object);
        }
    }
    batches
}

/// Takes a candidate that no batch has.
#[inline(always)]
fn take(sieve: &Sieve<'_>, object: *const Header) -> bool {
    let value = cell_value(sieve, object);
    let free = value & (IN_SET | REACHED | CHOSEN) == IN_SET;
    if free {
        set_cell(sieve, object, IN_SET | CHOSEN | COUNT);
    }
    free
}

/// Hands out ranges of numbers for the cells of batches.
struct Numbers {
    next: u32,
    most: usize,
}

impl Numbers {
    fn new(most: usize) -> Numbers {
        Numbers { next: 0, most }
    }

    /// First number of a range for a batch that begins with `n` objects. `None`: there are none left.
    fn take(&mut self, n: usize) -> Option<u32> {
        let first = self.next;
        let size = u32::try_from(n.max(self.most)).ok()?;
        // The highest number marks what is taken and has none.
        self.next = first.checked_add(size).filter(|&end| end < COUNT)?;
        Some(first)
    }
}

/// Number of an object of a batch.
#[inline(always)]
fn number_of(sieve: &Sieve<'_>, object: *const Header) -> Option<u32> {
    let value = cell_value(sieve, object);
    (value & (IN_SET | CHOSEN) == IN_SET | CHOSEN).then_some(value & COUNT)
}

/// The outcome of a proof.
pub(super) struct Proved<'b> {
    batch: &'b Batch,
    dead: Vec<bool>,
}

impl Batch {
    /// Objects in it.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Its objects, or what used to be at their addresses.
    pub fn objects(&self) -> &[*const Header] {
        &self.objects
    }

    /// Can the object, one of the batch, still be proved dead?
    pub fn is_suspect(&self, object: *const Header) -> bool {
        self.count(object).is_some()
    }

    /// Whether the batch contains the object, and as which of its objects.
    pub fn place_of(&self, object: *const Header) -> Option<usize> {
        let place = number_of(&self.sieve, object)?.checked_sub(self.first)? as usize;
        (self.objects.get(place) == Some(&object)).then_some(place)
    }

    /// The proof, at an instant that suits [`Batch::prover`]. `roots` visits what is held without a
    /// count; needed for [`Prover::StopWithRoots`] only. Whether a stranger has come by since the batch was
    /// cut is for the caller to ask, of what was found dead.
    pub fn prove<T: Trace>(
        &self,
        tracer: &T,
        roots: impl FnOnce(&mut dyn FnMut(*const Header)),
    ) -> Proved<'_> {
        // References from outside; an object that is none of ours any more is alive.
        let mut held: Vec<i64> = self.objects.iter().map(|&object| self.count(object).unwrap_or(1)).collect();
        for &object in &self.objects {
            self.visit(object, |header| {
                tracer.trace(header, &mut |child| {
                    if let Some(place) = self.place_of(child) {
                        held[place] -= 1;
                    }
                });
            });
        }
        if self.prover == Prover::StopWithRoots {
            roots(&mut |object| {
                if let Some(place) = self.place_of(object) {
                    held[place] += 1;
                }
            });
        }
        let mut dead = vec![true; self.objects.len()];
        let mut waiting: Vec<usize> = (0..held.len()).filter(|&place| held[place] != 0).collect();
        waiting.iter().for_each(|&place| dead[place] = false);
        while let Some(place) = waiting.pop() {
            self.visit(self.objects[place], |header| {
                let mut reach = |child: *const Header| {
                    if let Some(place) = self.place_of(child).filter(|&place| dead[place]) {
                        dead[place] = false;
                        waiting.push(place);
                    }
                };
                tracer.trace(header, &mut reach);
                tracer.trace_uncounted(header, &mut reach);
            });
        }
        Proved { batch: self, dead }
    }

    /// The count of an object that can still be proved dead.
    fn count(&self, object: *const Header) -> Option<i64> {
        // SAFETY: the address of a slot, which is and stays a header (GC-H3).
        let header = unsafe { &*object };
        let provable = match self.prover {
            Prover::Owner(owner) => header.owner() == owner,
            // Shared since: a stack may hold it without a count.
            Prover::Watch | Prover::Stop => !header.is_shared(),
            Prover::StopWithRoots => true,
        };
        if provable && is_readable(header) { member_count(header, self.scope) } else { None }
    }

    /// Calls `f` with an object that can still be proved dead, or keeps others alive.
    fn visit(&self, object: *const Header, f: impl FnOnce(&Header)) {
        if self.count(object).is_some() {
            // SAFETY: as above.
            f(unsafe { &*object });
        }
    }
}

impl Proved<'_> {
    /// What was proved dead.
    pub fn dead(&self) -> impl Iterator<Item = *const Header> {
        let objects = self.batch.objects.iter().zip(&self.dead);
        objects.filter(|(_, dead)| **dead).map(|(&object, _)| object)
    }

    /// Whether the object is among the dead.
    pub fn is_dead(&self, object: *const Header) -> bool {
        self.batch.place_of(object).is_some_and(|place| self.dead[place])
    }
}

/// The cell of an object, 0 if it has none.
#[inline(always)]
fn cell_value(sieve: &Sieve<'_>, object: *const Header) -> u32 {
    // ORDERING Relaxed: written by the searching thread only; batches are handed over with more.
    sieve.cell(object).map_or(0, |cell| cell.load(Ordering::Relaxed))
}

#[inline(always)]
fn set_cell(sieve: &Sieve<'_>, object: *const Header, value: u32) {
    if let Some(cell) = sieve.cell(object) {
        // ORDERING Relaxed: as above.
        cell.store(value, Ordering::Relaxed);
    }
}
