//! How garbage is taken apart, whoever found it.
//!
//! *Seizing*: set D was found closed, so no thread can reach it except through weak references or a walk over
//! the heap. In the stop that found it each member is merged (its owner is stopped); what was found by watching
//! has no owner, and is condemned already. Each member gets one more reference, the *pin*.
//!
//! *Taking apart* (world running, on a mutator), after PEP 442:
//!
//! 1. weak references to members are emptied (while seizing), those to classes only if they have
//!    callbacks ([`Host::empties_early`]);
//! 2. their callbacks run, unless the weak reference is itself in D;
//! 3. finalisers run, once per object;
//! 4. in a second stop the members are looked at again: what is held from outside now, and what
//!    that reaches, goes on living. If D has no finaliser, 3 and 4 are left out, and every member is
//!    CONDEMNED from the seizing on, so that nothing can acquire it;
//! 5. all remaining weak references to D are emptied; their callbacks do not run;
//! 6. each member is cleared, then the pins are dropped.
//!
//! Private garbage without finalisers has no weak references either, and is destroyed at once
//! ([`Host::destroy_private`]).

use typhon_sync::prim::Ordering;

use typhon_sync::Shared;
use typhon_sync::header::{Header, gc_bits};

use super::graph::{Pace, Sieve, is_deferred, seems_private_to};
use super::{Collector, Host, Options, Outcome, Trace};
use crate::heap::Heap;
use crate::pauses::Watch;
use crate::policy::Generation;
use crate::weakref::has_weakrefs;

/// Garbage that was found, and is to be taken apart by [`take_apart`].
#[derive(Debug, Default)]
pub struct Garbage {
    /// D, each member pinned.
    members: Vec<*const Header>,
    /// Some member has a finaliser that has not run: nothing is condemned yet.
    finalizers: bool,
    /// Some member is of a deferred kind, so stacks and uncounted references matter.
    deferred: bool,
    /// Private to the thread that takes it apart: counts are its own, and no other thread knows a member.
    private: bool,
    /// Weak references that were emptied and whose callbacks, if any, must run; a reference to each held.
    callbacks: Vec<*const Header>,
}

// SAFETY: the objects are reachable for nobody but the holder of this value; it may change threads.
unsafe impl Send for Garbage {}

impl Garbage {
    /// Objects in it.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Is there nothing to do?
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Pins what the calling thread has just found dead among its private objects, if all of it still is private.
    /// Then no stranger can come across it, so nothing is merged or condemned; weak references would have made
    /// it known. If not, there is nothing, and the next search looks again and finds it shared.
    ///
    /// `finalizers`: some member may have one.
    pub(super) fn keep<H: Host>(
        collector: &Collector,
        host: &mut H,
        members: Vec<*const Header>,
        finalizers: bool,
    ) -> Garbage {
        let me = host.me();
        for (place, &member) in members.iter().enumerate() {
            // SAFETY: just proved dead, not destroyed.
            let object = unsafe { &*member };
            if !object.pin_private(me) {
                for &pinned in &members[..place] {
                    // SAFETY: as above.
                    let fate = unsafe { &*pinned }.decref(me);
                    debug_assert_eq!(fate, typhon_sync::Fate::Alive, "members hold it");
                }
                return Garbage::default();
            }
            debug_assert!(!has_weakrefs(object), "a weak reference publishes");
        }
        let finalizers =
            finalizers && members.iter().any(|&member| is_to_be_finalized(member, &host.tracer()));
        let found = Garbage { members, finalizers, private: true, ..Garbage::default() };
        if host.doubts_proofs() {
            let wrong = found.unexplained(collector.heap, &host.tracer());
            assert_eq!(wrong, 0, "of {} private objects found dead", found.len());
        }
        found
    }

    /// Pins what was just found dead. World stopped. What is private to the calling thread stays so, as in
    /// [`Garbage::keep`], and is condemned nevertheless: others run before it is taken apart.
    pub(super) fn seize<H: Host>(
        collector: &Collector,
        host: &mut H,
        members: Vec<*const Header>,
        is_dead: impl Fn(*const Header) -> bool,
    ) -> Garbage {
        let (me, tracer) = (host.me(), host.tracer());
        let is_mine = |object: &Header| !is_deferred(object) && seems_private_to(object, &tracer) == Some(me);
        // SAFETY: just proved dead, not destroyed.
        if members.iter().all(|&member| is_mine(unsafe { &*member })) {
            let found = Garbage::keep(collector, host, members, true);
            if !found.finalizers {
                // SAFETY: as above.
                found.members.iter().for_each(|&member| unsafe { &*member }.condemn_private());
            }
            return found;
        }
        let found = Garbage::pin(collector, host, members, is_dead);
        if !found.finalizers {
            condemn(&found.members);
        }
        found
    }

    /// Pins what was condemned beside the mutators; none of it is a weak reference.
    pub(super) fn seize_condemned<H: Host>(
        collector: &Collector,
        host: &mut H,
        members: Vec<*const Header>,
    ) -> Garbage {
        let found = Garbage::pin(collector, host, members, |_| false);
        if found.finalizers {
            lift_condemned(&found.members);
        }
        found
    }

    fn pin<H: Host>(
        collector: &Collector,
        host: &mut H,
        members: Vec<*const Header>,
        is_dead: impl Fn(*const Header) -> bool,
    ) -> Garbage {
        let tracer = host.tracer();
        let mut found = Garbage { members, ..Garbage::default() };
        for &member in &found.members {
            // SAFETY: as above.
            let object = unsafe { &*member };
            found.finalizers |= is_to_be_finalized(object, &tracer);
            found.deferred |= pin(object) || host.borrows();
            if has_weakrefs(object) {
                let early = host.empties_early(object);
                let taken = collector.weakrefs.take_if(
                    object,
                    host.me(),
                    |weak| early || host.weakref_has_callback(weak),
                    |weak| host.detach_weakref(weak),
                );
                found.callbacks.extend(taken);
            }
        }
        // A callback whose weak reference is garbage itself is not called. The reference that was just
        // taken to it is not the last one (it is pinned), so it can be dropped without destroying.
        let me = host.me();
        found.callbacks.retain(|&weak| {
            let outside = !is_dead(weak);
            if !outside {
                // SAFETY: a member, pinned.
                let fate = unsafe { &*weak }.decref(me);
                debug_assert_eq!(fate, typhon_sync::Fate::Alive);
            }
            outside
        });
        found
    }

    /// Of garbage that nobody has begun to take apart, with the world stopped or in private: members that are not explained by
    /// other members and the pin.
    pub(super) fn unexplained<T: Trace>(&self, heap: &Heap, tracer: &T) -> usize {
        let mut n = 0;
        self.subtracted(heap, tracer).for_each_remainder(|_, left| n += usize::from(left != 0));
        n
    }

    /// The members, with the references among them and the pins taken off their counts.
    fn subtracted<'h, T: Trace>(&self, heap: &'h Heap, tracer: &T) -> Sieve<'h> {
        let sieve = Sieve::of_pinned(heap, &self.members);
        for &member in &self.members {
            // SAFETY: pinned.
            sieve.subtract_one(tracer, unsafe { &*member });
        }
        sieve
    }
}

/// Takes garbage apart on the calling thread, which runs finalisers, callbacks and destructors.
pub(super) fn take_apart<H: Host>(
    collector: &Collector,
    host: &mut H,
    generation: Generation,
    mut found: Garbage,
    options: Options,
) -> Outcome {
    let mut outcome = Outcome::default();
    if found.private && !found.finalizers && !options.save_all {
        outcome.collected = found.members.len();
        host.destroy_private(&found.members);
        return outcome;
    }
    for weak in std::mem::take(&mut found.callbacks) {
        // SAFETY: we hold a reference to each.
        host.call_weakref(unsafe { &*weak });
        host.decref(weak);
    }
    if found.finalizers {
        finalize(host, &found.members);
        let me = host.me();
        // A finaliser may have shown a member to other threads: then only a stop can tell.
        // SAFETY: pinned.
        let private = found.private && found.members.iter().all(|&m| unsafe { &*m }.is_private(me));
        let survivors = if private {
            validate_again(collector.heap, host, &mut found)
        } else {
            let watch = Watch::start();
            host.stop_world();
            if std::mem::take(&mut found.private) {
                for &member in &found.members {
                    // SAFETY: pinned; the owner is this thread.
                    let fate = unsafe { &*member }.merge(0);
                    debug_assert_eq!(fate, typhon_sync::Fate::Alive, "a pinned object has a count");
                }
            }
            let survivors = validate_again(collector.heap, host, &mut found);
            host.resume_world();
            collector.policy.record_stop(generation, &watch);
            survivors
        };
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
    outcome
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

/// Lets dead members of deferred kinds die by count.
fn make_ordinary(members: &[*const Header]) {
    for &member in members {
        // SAFETY: pinned.
        // ORDERING Relaxed: garbage, nobody else looks at it.
        unsafe { (*member).gc.fetch_and(!gc_bits::DEFERRED, Ordering::Relaxed) };
    }
}

/// World stopped.
fn condemn(members: &[*const Header]) {
    for &member in members {
        // SAFETY: pinned.
        let object = unsafe { &*member };
        // Nobody borrows it, so it dies with its last count, before its class does.
        object.unshare();
        // ORDERING Relaxed: world stopped; resuming it orders this before every later upgrade.
        object.shared.fetch_or(Shared::CONDEMNED, Ordering::Relaxed);
    }
}

fn lift_condemned(members: &[*const Header]) {
    for &member in members {
        // SAFETY: pinned.
        unsafe { &*member }.spare();
    }
}

/// Runs the finalisers that have not run. Marks an object before the call: another thread that
/// drops the last reference meanwhile must not run it again.
fn finalize<H: Host>(host: &mut H, members: &[*const Header]) {
    let tracer = host.tracer();
    for &member in members {
        // SAFETY: pinned.
        let object = unsafe { &*member };
        if !tracer.has_finalizer(object) {
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
fn validate_again<H: Host>(heap: &Heap, host: &mut H, found: &mut Garbage) -> Vec<*const Header> {
    let tracer = host.tracer();
    let sieve = found.subtracted(heap, &tracer);
    if found.deferred {
        // A finaliser may have put a class on a stack, or made an instance of it.
        host.stack_roots(&mut |object| sieve.make_root(object));
        heap.for_each_tracked(|object| {
            if !sieve.contains(object) {
                tracer.trace_uncounted(object, &mut |child| sieve.make_root(child));
            }
        });
    }
    sieve.propagate(&tracer, &mut Pace::Stopped);
    let (survivors, dead): (Vec<*const Header>, Vec<*const Header>) =
        std::mem::take(&mut found.members).into_iter().partition(|&member| sieve.is_alive(member));
    for &survivor in &survivors {
        // SAFETY: pinned.
        set_old(unsafe { &*survivor });
    }
    if !found.private {
        condemn(&dead);
    }
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

/// Puts a survivor into the old generation. World stopped.
pub(super) fn set_old(object: &Header) {
    // ORDERING Relaxed: world stopped, so this load and store lose no other change.
    let gc = object.gc.load(Ordering::Relaxed);
    if gc & gc_bits::OLD == 0 {
        // ORDERING Relaxed: as above.
        object.gc.store(gc | gc_bits::OLD, Ordering::Relaxed);
    }
}

/// Does the object, alive, have a finaliser that has not run?
fn is_to_be_finalized<T: Trace>(object: *const Header, tracer: &T) -> bool {
    // SAFETY: pinned.
    let object = unsafe { &*object };
    // ORDERING Relaxed: a hint; the bit is taken by fetch_or.
    let is_finalized = object.gc.load(Ordering::Relaxed) & gc_bits::FINALIZED != 0;
    !is_finalized && tracer.has_finalizer(object)
}
