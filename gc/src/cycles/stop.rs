//! The stop-the-world collector: sieve the heap, propagate, and what is left is garbage.

use super::graph::{Divided, Pace, Scope, Sieve};
use super::teardown::{Garbage, set_old, take_apart};
use super::{Collector, Host, Options, Outcome};
use crate::pauses::Watch;
use crate::policy::{self, Generation};

pub(super) fn collect<H: Host>(
    collector: &Collector,
    host: &mut H,
    generation: Generation,
    options: Options,
) -> Outcome {
    let watch = Watch::start();
    host.stop_world();
    let (garbage, candidates) = find(collector, host, generation);
    host.resume_world();
    collector.policy.record_stop(generation, &watch);
    let mut outcome = take_apart(collector, host, generation, garbage, options);
    outcome.candidates = candidates;
    collector.policy.record(generation, |stats| {
        stats.collections += 1;
        stats.add_work(&outcome, watch.elapsed());
    });
    outcome
}

/// Finds the garbage, and how many objects were looked at. World stopped.
fn find<H: Host>(collector: &Collector, host: &mut H, generation: Generation) -> (Garbage, usize) {
    let heap = collector.heap;
    let tracer = host.tracer();
    let scope = if generation == Generation::Full { Scope::Full } else { Scope::Young };
    let pace = &mut Pace::Stopped;
    let sieve = Sieve::of_heap(heap, scope, pace);
    if scope == Scope::Full {
        sieve.mark_known(&tracer, |visit| host.known_alive(visit));
    }
    sieve.subtract(&tracer, false, pace);
    if scope == Scope::Full || host.borrows() {
        host.stack_roots(&mut |object| sieve.make_root(object));
    }
    sieve.propagate(&tracer, pace);

    let Divided { members: candidates, unreached } = sieve.divide(pace, set_old);
    sieve.clean_blocks_in_stop();
    collector.policy.note(
        generation,
        policy::Found {
            births: heap.young().max(0) as usize,
            survivors: candidates - unreached.len(),
            unreachable: unreached.len(),
            old_deaths: heap.take_old_deaths(),
        },
    );
    heap.reset_young();
    let is_dead = |object| sieve.contains(object) && !sieve.is_alive(object);
    (Garbage::seize(collector, host, unreached, is_dead), candidates)
}
