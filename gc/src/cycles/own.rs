//! A thread's collection of what is private to it: young, never seen by another thread, in its own blocks.
//!
//! Nobody is stopped and nothing is merged: see [`super::candidates`] for why the owner alone can tell.
//! What others have seen stays young, and is left to the collections of the whole heap.

use super::graph::{Pace, Sieve};
use super::rendezvous::grow_old;
use super::teardown::{Garbage, take_apart};
use super::{Collector, Host, Options, Outcome};
use crate::heap::LocalHeap;
use crate::pauses::{Pause, Watch};
use crate::policy::{self, Generation};

/// Survivors stay young if there is but one for so many dead.
const FEW: usize = 16;

/// Collects for the calling thread, whose share of the heap `local` gives.
pub(super) fn collect<H: Host>(
    collector: &Collector,
    host: &mut H,
    local: impl Fn(&mut H) -> &mut LocalHeap,
    options: Options,
) -> Outcome {
    let watch = Watch::start();
    let tracer = host.tracer();
    let me = host.me();
    let births = local(host).own_births().births.max(0) as usize;
    let (sieve, found) = Sieve::of_own(local(host), me, &tracer);
    let (dead, alive) = sieve.split(&tracer, found.members);
    // A stranger may have come by meanwhile. What it has seen is marked, and no member next time.
    let n_dead = dead.len();
    let garbage = Garbage::keep(collector, host, dead, found.finalizers);
    // What is in use just now has no reason to outlive the next collection, if nearly everything else is dead.
    let stay_young = alive.len() * FEW <= garbage.len();
    if !stay_young {
        for &object in &alive {
            // SAFETY: a member, which only this thread can destroy.
            grow_old(unsafe { &*object });
        }
    }
    sieve.clean_blocks(&mut Pace::Stopped);
    let looked_at = sieve.n_slots();
    drop(sieve);
    let old_deaths = collector.heap.take_old_deaths();
    let (young, survivors) = if stay_young { (alive.len(), 0) } else { (0, alive.len()) };
    let unreachable = garbage.len();
    collector.policy.note(Generation::Young, policy::Found { births, survivors, unreachable, old_deaths });
    let left = found.others;
    let members_stay = young > 0 || unreachable < n_dead;
    let has_young = found.blocks.iter().map(|&(members, others)| others || members && members_stay);
    local(host).note_own_collection(looked_at, left + young, has_young);
    let taken = take_apart(collector, host, Generation::Young, garbage, options);
    let outcome = Outcome { candidates: alive.len() + unreachable, left, ..taken };
    let took = collector.policy.pauses.record(Pause::Slice, &watch);
    collector.policy.record(Generation::Young, |stats| {
        stats.collections += 1;
        stats.add_work(&outcome, took);
    });
    outcome
}
