//! The stop-the-world collector, and the order in which garbage is taken apart.
//!
//! Finding (world stopped): sieve the heap, propagate, and what is left is garbage: set D. It is
//! closed, so no thread can reach it except through weak references or a walk over the heap.
//! Each member is merged (its owner is stopped) and gets one more reference, the *pin*.
//!
//! Taking apart (world running, on the collecting thread), after PEP 442:
//!
//! 1. weak references to members that have callbacks are emptied (still in the stop);
//! 2. their callbacks run, unless the weak reference is itself in D;
//! 3. finalisers run, once per object;
//! 4. in a second stop the members are looked at again: what is held from outside now, and what
//!    that reaches, goes on living. If D has no finaliser, 3 and 4 are left out, and instead every
//!    member is CONDEMNED in the first stop, so that nothing can acquire it;
//! 5. all remaining weak references to D are emptied; their callbacks do not run;
//! 6. each member is cleared, then the pins are dropped.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use typhon_sync::Shared;
use typhon_sync::header::{Header, gc_bits};

use super::graph::{Scope, Sieve, is_tracked};
use super::{Collector, Host, Options, Outcome, Trace};
use crate::heap::Heap;
use crate::policy::{self, Generation};
use crate::weakref::has_weakrefs;

/// Garbage between the stop that found it and its destruction.
struct Found {
    /// D, each member pinned.
    members: Vec<*const Header>,
    /// Some member has a finaliser that has not run: nothing is condemned yet.
    finalizers: bool,
    /// Some member is of a deferred kind, so stacks and uncounted references matter.
    deferred: bool,
    /// Weak references whose callbacks must run, a reference to each held.
    callbacks: Vec<*const Header>,
    candidates: usize,
}

pub(super) fn collect<H: Host>(
    collector: &Collector,
    host: &mut H,
    generation: Generation,
    options: Options,
) -> Outcome {
    let start = Instant::now();
    host.stop_world();
    let stop = Instant::now();
    let mut found = find(collector, host, generation);
    let mut stops = vec![stop.elapsed()];
    host.resume_world();

    let mut outcome = Outcome { candidates: found.candidates, ..Outcome::default() };
    for weak in std::mem::take(&mut found.callbacks) {
        // SAFETY: we hold a reference to each.
        host.call_weakref(unsafe { &*weak });
        host.decref(weak);
    }
    if found.finalizers {
        finalize(host, &found.members);
        host.stop_world();
        let stop = Instant::now();
        let survivors = validate_again(collector.heap, host, &mut found);
        stops.push(stop.elapsed());
        host.resume_world();
        outcome.resurrected = survivors.len();
        for survivor in survivors {
            unpin(host, survivor);
        }
    }
    empty_weakrefs(collector, host, &found.members);
    if options.save_all {
        outcome.uncollectable = found.members.len();
        lift_condemned(&found.members);
        for &member in &found.members {
            // SAFETY: pinned.
            host.save(unsafe { &*member });
        }
    } else {
        outcome.collected = found.members.len();
        for &member in &found.members {
            // SAFETY: pinned.
            host.clear(unsafe { &*member });
        }
        if found.deferred {
            make_ordinary(&found.members);
        }
    }
    for &member in &found.members {
        unpin(host, member);
    }
    record(collector, generation, &outcome, start.elapsed(), &stops);
    outcome
}

/// The first stop: finds D, pins it, empties weak references that have callbacks.
fn find<H: Host>(collector: &Collector, host: &mut H, generation: Generation) -> Found {
    let heap = collector.heap;
    let tracer = host.tracer();
    let scope = if generation == Generation::Full { Scope::Full } else { Scope::Young };
    let sieve = Sieve::of_heap(heap, scope);
    sieve.subtract(&tracer, false);
    if scope == Scope::Full {
        host.stack_roots(&mut |object| sieve.make_root(object));
    }
    sieve.propagate(&tracer);

    let mut members = Vec::new();
    let mut survivors = 0;
    let mut candidates = 0;
    sieve.for_each_member(|object, alive| {
        candidates += 1;
        if alive {
            survivors += 1;
            // SAFETY: members are objects, the world is stopped.
            set_old(unsafe { &*object });
        } else {
            members.push(object);
        }
    });
    sieve.clean_blocks();
    collector.policy.note(
        generation,
        policy::Found {
            births: heap.young().max(0) as usize,
            survivors,
            unreachable: members.len(),
            old_deaths: heap.take_old_deaths(),
        },
    );
    heap.reset_young();

    let mut found = Found { members, finalizers: false, deferred: false, callbacks: Vec::new(), candidates };
    for &member in &found.members {
        // SAFETY: as above.
        let object = unsafe { &*member };
        found.finalizers |= !is_finalized(object) && host.has_finalizer(object);
        found.deferred |= pin(object);
        if has_weakrefs(object) {
            let taken = collector.weakrefs.take_if(
                object,
                host.me(),
                |weak| host.weakref_has_callback(weak),
                |weak| host.detach_weakref(weak),
            );
            found.callbacks.extend(taken);
        }
    }
    // A callback whose weak reference is garbage itself is not called. The reference that was just
    // taken to it is not the last one (it is pinned), so it can be dropped without destroying.
    let me = host.me();
    found.callbacks.retain(|&weak| {
        let outside = !sieve.contains(weak) || sieve.is_alive(weak);
        if !outside {
            // SAFETY: a member, pinned.
            let fate = unsafe { &*weak }.decref(me);
            debug_assert_eq!(fate, typhon_sync::Fate::Alive);
        }
        outside
    });
    if !found.finalizers {
        condemn(&found.members);
    }
    found
}

/// Merges a garbage object's count and adds the pin. The pin of a deferred object is the reference
/// that keeps it from dying by count anyway. Returns whether it is deferred.
fn pin(object: &Header) -> bool {
    let deferred = is_deferred(object);
    let fate = object.merge(i64::from(!deferred));
    debug_assert_eq!(fate, typhon_sync::Fate::Alive, "a pinned object has a count");
    deferred
}

/// Drops the pin. An object that is deferred still lives on, and keeps it.
fn unpin<H: Host>(host: &mut H, member: *const Header) {
    // SAFETY: pinned.
    if !is_deferred(unsafe { &*member }) {
        host.decref(member);
    }
}

fn is_deferred(object: &Header) -> bool {
    // ORDERING Relaxed: fixed at birth, and changed by this collector only.
    object.gc.load(Ordering::Relaxed) & gc_bits::DEFERRED != 0
}

/// Lets dead members of deferred kinds die by count.
fn make_ordinary(members: &[*const Header]) {
    for &member in members {
        // SAFETY: pinned.
        // ORDERING Relaxed: garbage, nobody else looks at it.
        unsafe { (*member).gc.fetch_and(!gc_bits::DEFERRED, Ordering::Relaxed) };
    }
}

fn condemn(members: &[*const Header]) {
    for &member in members {
        // SAFETY: pinned.
        // ORDERING Relaxed: world stopped; resuming it orders this before every later upgrade.
        unsafe { (*member).shared.fetch_or(Shared::CONDEMNED, Ordering::Relaxed) };
    }
}

fn lift_condemned(members: &[*const Header]) {
    for &member in members {
        // SAFETY: pinned.
        // ORDERING Release: who acquires the object after this sees what the collector did to it.
        unsafe { (*member).shared.fetch_and(!Shared::CONDEMNED, Ordering::Release) };
    }
}

/// Runs the finalisers that have not run. Marks an object before the call: another thread that
/// drops the last reference meanwhile must not run it again.
fn finalize<H: Host>(host: &mut H, members: &[*const Header]) {
    for &member in members {
        // SAFETY: pinned.
        let object = unsafe { &*member };
        if !host.has_finalizer(object) {
            continue;
        }
        // ORDERING AcqRel: the one who sets the bit runs the finaliser, after all earlier uses.
        let before = object.gc.fetch_or(gc_bits::FINALIZED, Ordering::AcqRel);
        if before & gc_bits::FINALIZED == 0 {
            host.finalize(object);
        }
    }
}

/// The second stop: removes from `found` what is held from outside now, and all that it reaches, and
/// condemns the rest. Returns the removed members, still pinned.
fn validate_again<H: Host>(heap: &Heap, host: &mut H, found: &mut Found) -> Vec<*const Header> {
    let tracer = host.tracer();
    let sieve = Sieve::of_pinned(heap, &found.members);
    for &member in &found.members {
        // SAFETY: pinned.
        sieve.subtract_one(&tracer, unsafe { &*member });
    }
    if found.deferred {
        // A finaliser may have put a class on a stack, or made an instance of it.
        host.stack_roots(&mut |object| sieve.make_root(object));
        heap.for_each_object(|object| {
            if is_tracked(object) && !sieve.contains(object) {
                tracer.trace_uncounted(object, &mut |child| sieve.make_root(child));
            }
        });
    }
    sieve.propagate(&tracer);
    let (survivors, dead): (Vec<*const Header>, Vec<*const Header>) =
        std::mem::take(&mut found.members).into_iter().partition(|&member| sieve.is_alive(member));
    for &survivor in &survivors {
        // SAFETY: pinned.
        set_old(unsafe { &*survivor });
    }
    condemn(&dead);
    found.members = dead;
    survivors
}

/// Step 5. What is emptied here was made without a callback, or by a finaliser.
fn empty_weakrefs<H: Host>(collector: &Collector, host: &mut H, members: &[*const Header]) {
    for &member in members {
        // SAFETY: pinned.
        let object = unsafe { &*member };
        if has_weakrefs(object) {
            let taken = collector.weakrefs.take_all(object, host.me(), |weak| host.detach_weakref(weak));
            for weak in taken {
                host.decref(weak);
            }
        }
    }
}

fn set_old(object: &Header) {
    // ORDERING Relaxed: world stopped, so this load and store lose no other change.
    let gc = object.gc.load(Ordering::Relaxed);
    if gc & gc_bits::OLD == 0 {
        // ORDERING Relaxed: as above.
        object.gc.store(gc | gc_bits::OLD, Ordering::Relaxed);
    }
}

fn is_finalized(object: &Header) -> bool {
    // ORDERING Relaxed: a hint; the bit is taken by fetch_or.
    object.gc.load(Ordering::Relaxed) & gc_bits::FINALIZED != 0
}

fn record(
    collector: &Collector,
    generation: Generation,
    outcome: &Outcome,
    duration: Duration,
    stops: &[Duration],
) {
    collector.policy.record(generation, |stats| {
        stats.collections += 1;
        stats.collected += outcome.collected as u64;
        stats.uncollectable += outcome.uncollectable as u64;
        stats.candidates += outcome.candidates as u64;
        stats.duration += duration;
        stats.stopped += stops.iter().sum::<Duration>();
        stats.longest_stop = stops.iter().copied().fold(stats.longest_stop, Duration::max);
    });
}

/// `gc.freeze`: takes every tracked object out of all collections. World stopped.
pub fn freeze(heap: &Heap) {
    change_all(heap, |gc| if gc & gc_bits::TRACKED != 0 { gc | gc_bits::FROZEN } else { gc });
}

/// `gc.unfreeze`: puts frozen objects into the oldest generation. World stopped.
pub fn unfreeze(heap: &Heap) {
    change_all(
        heap,
        |gc| {
            if gc & gc_bits::FROZEN != 0 { (gc & !gc_bits::FROZEN) | gc_bits::OLD } else { gc }
        },
    );
}

/// `gc.get_freeze_count`. World stopped.
pub fn frozen_count(heap: &Heap) -> usize {
    let mut count = 0;
    heap.for_each_object(|object| {
        // ORDERING Relaxed: world stopped.
        count += usize::from(object.gc.load(Ordering::Relaxed) & gc_bits::FROZEN != 0);
    });
    count
}

fn change_all(heap: &Heap, change: impl Fn(u8) -> u8) {
    heap.for_each_object(|object| {
        // ORDERING Relaxed: world stopped, so this load and store lose no other change.
        let gc = object.gc.load(Ordering::Relaxed);
        // ORDERING Relaxed: as above.
        object.gc.store(change(gc), Ordering::Relaxed);
    });
}
