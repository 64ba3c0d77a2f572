//! The collector against small graphs whose answer is known.
mod mock;

use mock::*;
use std::ptr;
use std::sync::atomic::Ordering;
use typhon_gc::cycles::{Options, freeze, frozen_count, unfreeze};
use typhon_gc::inspect;
use typhon_gc::{Collector, Generation, Heap, Strategy};
use typhon_sync::header::{Header, gc_bits};

fn ring(mock: &mut Mock, n: usize) -> Vec<Ref> {
    let nodes: Vec<Ref> = (0..n).map(|_| mock.node()).collect();
    for i in 0..n {
        mock.give(nodes[i], 0, nodes[(i + 1) % n]);
    }
    nodes
}

#[test]
fn a_ring_is_found_and_counted() {
    let mut mock = mock();
    for n in [1, 2, 3, 1000] {
        ring(&mut mock, n);
        assert_eq!(mock.collect(), n);
        assert_eq!(mock.live(), 0);
    }
    assert_eq!(mock.collect(), 0);
}

#[test]
fn one_reference_from_outside_keeps_a_ring_and_its_tail() {
    let mut mock = mock();
    let nodes = ring(&mut mock, 10);
    let tail = mock.node();
    mock.give(nodes[5], 1, tail);
    mock.incref(nodes[3]);
    assert_eq!(mock.collect(), 0);
    assert_eq!(mock.live(), 11);
    mock.drop_ref(nodes[3]);
    assert_eq!(mock.collect(), 11);
    assert_eq!(mock.live(), 0);
}

#[test]
fn acyclic_objects_die_by_count_alone() {
    let mut mock = mock();
    let (a, b) = (mock.node(), mock.node());
    mock.give(a, 0, b);
    mock.drop_ref(a);
    assert_eq!((mock.live(), mock.stops), (0, 0));
}

#[test]
fn a_chain_of_a_million_nodes_does_not_recurse() {
    let run = || {
        let mut mock = mock();
        let first = mock.node();
        mock.incref(first);
        let mut last = first;
        for _ in 1..1_000_000 {
            let next = mock.node();
            mock.give(last, 0, next);
            last = next;
        }
        assert_eq!(mock.collect(), 0, "held by its first node only");
        mock.give(last, 0, first);
        assert_eq!(mock.collect(), 0);
        mock.drop_ref(first);
        assert_eq!(mock.collect(), 1_000_000);
        assert_eq!(mock.live(), 0);
    };
    std::thread::Builder::new().stack_size(256 << 10).spawn(run).unwrap().join().unwrap();
}

#[test]
fn finalisers_run_once_before_anything_is_cleared() {
    // What is private to the collecting thread is looked at again without a second stop.
    for (published, stops) in [(true, 2), (false, 1)] {
        let mut mock = mock();
        let nodes = ring(&mut mock, 3);
        for &node in &nodes {
            get(node).word.store(COUNTED, Ordering::Relaxed);
        }
        if published {
            get(nodes[1]).header.publish();
        }
        assert_eq!(mock.collect(), 3);
        assert_eq!(mock.finalized, 3);
        let order: Vec<_> = mock.log.iter().filter(|&&what| what == "finalize" || what == "clear").collect();
        assert_eq!(order, [&"finalize"; 3].into_iter().chain([&"clear"; 3]).collect::<Vec<_>>());
        assert_eq!(mock.stops, stops);
        assert_eq!(mock.live(), 0);
    }
}

#[test]
fn a_resurrected_object_keeps_what_it_reaches_and_is_not_finalised_again() {
    let mut mock = mock();
    let nodes = ring(&mut mock, 5);
    get(nodes[2]).word.store(ESCAPES, Ordering::Relaxed);
    let child = mock.node_with(COUNTED);
    mock.give(nodes[0], 1, child);
    let unrelated = ring(&mut mock, 4);
    let outcome = mock.collect_generation(Generation::Full);
    assert_eq!((outcome.collected, outcome.resurrected), (4, 6));
    assert!(unrelated.iter().all(|&node| !mock.collector.heap.contains(node.cast())));
    assert_eq!((mock.live(), mock.finalized), (6, 2));
    let root = mock.roots.pop().unwrap();
    assert_eq!(root, nodes[2]);
    mock.drop_ref(root);
    assert_eq!(mock.collect(), 6, "now it is garbage, and its finaliser has had its turn");
    assert_eq!((mock.live(), mock.finalized), (0, 2));
}

#[test]
fn cycles_made_by_finalisers_are_found_by_the_next_collection() {
    let mut mock = mock();
    let node = mock.node_with(MAKES_CYCLE);
    mock.give(node, 0, node);
    assert_eq!(mock.collect(), 1);
    assert_eq!(mock.live(), 1);
    assert_eq!(mock.collect(), 1);
    assert_eq!(mock.live(), 0);
}

#[test]
fn a_finaliser_that_collects_gets_nothing() {
    let mut mock = mock();
    let node = mock.node_with(COLLECTS);
    mock.give(node, 0, node);
    assert_eq!(mock.collect(), 1);
    assert_eq!(mock.finalized, 1);
}

#[test]
fn weak_references_are_emptied_and_call_back() {
    let mut mock = mock();
    let nodes = ring(&mut mock, 3);
    let with = mock.weakref(nodes[0], true);
    let without = mock.weakref(nodes[0], false);
    let strong = mock.upgrade(with).expect("alive");
    assert_eq!(mock.collect(), 0);
    mock.drop_ref(strong);
    assert_eq!(mock.collect(), 3);
    assert_eq!(mock.callbacks, 1);
    assert!(mock.upgrade(with).is_none() && mock.upgrade(without).is_none());
    mock.drop_ref(with);
    mock.drop_ref(without);
    assert_eq!(mock.live(), 0);
}

#[test]
fn nothing_acquires_garbage_that_will_not_be_looked_at_again() {
    let mut mock = mock();
    let nodes = ring(&mut mock, 3);
    let calls = mock.weakref(nodes[0], true);
    let quiet = mock.weakref(nodes[1], false);
    mock.probe = Some(quiet);
    assert_eq!(mock.collect(), 3);
    assert_eq!((mock.callbacks, mock.stops, mock.roots.len()), (1, 1, 0));
    mock.drop_ref(calls);
    mock.drop_ref(quiet);
    assert_eq!(mock.live(), 0);
}

#[test]
fn what_a_callback_acquires_before_finalisers_run_lives() {
    let mut mock = mock();
    let nodes = ring(&mut mock, 3);
    get(nodes[2]).word.store(COUNTED, Ordering::Relaxed);
    let calls = mock.weakref(nodes[0], true);
    let quiet = mock.weakref(nodes[1], false);
    mock.probe = Some(quiet);
    let outcome = mock.collect_generation(Generation::Full);
    assert_eq!((outcome.collected, outcome.resurrected, mock.finalized), (0, 3, 1));
    assert_eq!(mock.roots, [nodes[1]]);
    let strong = mock.roots.pop().unwrap();
    mock.drop_ref(strong);
    assert_eq!(mock.collect(), 3);
    mock.drop_ref(calls);
    mock.drop_ref(quiet);
    assert_eq!(mock.live(), 0);
}

#[test]
fn callbacks_run_before_finalisers_and_not_for_dead_weak_references() {
    let mut mock = mock();
    let nodes = ring(&mut mock, 2);
    get(nodes[0]).word.store(COUNTED, Ordering::Relaxed);
    let outside = mock.weakref(nodes[1], true);
    let inside = mock.weakref(nodes[1], true);
    mock.give(nodes[0], 1, inside);
    assert_eq!(mock.collect(), 4, "two nodes, the inner weak reference and its callback");
    assert_eq!(mock.callbacks, 1);
    let callback = mock.log.iter().position(|&what| what == "callback");
    let finalizer = mock.log.iter().position(|&what| what == "finalize");
    assert!(callback < finalizer);
    mock.drop_ref(outside);
    assert_eq!(mock.live(), 0);
}

#[test]
fn weak_references_born_in_finalisers_are_emptied_without_callback() {
    let mut mock = mock();
    let node = mock.node_with(MAKES_WEAKREF);
    mock.give(node, 0, node);
    assert_eq!(mock.collect(), 1);
    assert_eq!(mock.callbacks, 0);
    let weak = mock.roots.pop().unwrap();
    assert!(mock.upgrade(weak).is_none());
    mock.drop_ref(weak);
    assert_eq!(mock.live(), 0);
}

#[test]
fn weak_references_die_before_or_after_their_referent() {
    let mut mock = mock();
    let node = mock.node();
    let first = mock.weakref(node, false);
    let second = mock.weakref(node, true);
    let header = &get(node).header;
    assert_eq!(mock.collector.weakrefs.count(header), 2);
    let found = mock.collector.weakrefs.find(header, mock.me, |_| true).unwrap();
    assert_eq!(found, first.cast());
    mock.drop_ref(found.cast());
    mock.drop_ref(first);
    assert_eq!(mock.collector.weakrefs.count(header), 1);
    mock.drop_ref(node);
    assert_eq!(mock.callbacks, 1);
    assert!(mock.upgrade(second).is_none());
    mock.drop_ref(second);
    assert_eq!(mock.live(), 0);
}

#[test]
fn classes_live_through_instances_and_stacks_only() {
    let mut mock = mock();
    let class = mock.class();
    let instance = mock.instance(class);
    mock.give(class, 0, class);
    assert_eq!(mock.collect(), 0, "its instance is held");
    mock.drop_ref(instance);
    assert_eq!(mock.live(), 1, "a deferred object does not die by count");
    mock.stack.push(class);
    assert_eq!(mock.collect(), 0, "it is on a stack");
    mock.stack.clear();
    assert_eq!(mock.collect(), 1);
    assert_eq!(mock.live(), 0);
}

#[test]
fn a_class_in_a_garbage_cycle_goes_with_its_instances() {
    let mut mock = mock();
    let class = mock.class();
    let instance = mock.instance(class);
    mock.give(instance, 0, class);
    mock.give(class, 0, instance);
    assert_eq!(mock.collect_generation(Generation::Young).collected, 0, "deferred kinds are not young");
    assert_eq!(mock.collect(), 2);
    assert_eq!(mock.live(), 0);
}

#[test]
fn a_class_put_on_a_stack_by_a_finaliser_lives() {
    let mut mock = mock();
    let class = mock.class();
    let node = mock.node_with(ESCAPES);
    mock.give(node, 0, class);
    mock.give(class, 0, node);
    let outcome = mock.collect_generation(Generation::Full);
    assert_eq!((outcome.collected, outcome.resurrected), (0, 2));
    assert_ne!(get(class).header.gc.load(Ordering::Relaxed) & gc_bits::DEFERRED, 0);
    let root = mock.roots.pop().unwrap();
    mock.drop_ref(root);
    assert_eq!(mock.collect(), 2);
    assert_eq!(mock.live(), 0);
}

#[test]
fn young_collections_find_young_garbage_only() {
    let mut mock = mock();
    let old = ring(&mut mock, 2000);
    mock.incref(old[0]);
    assert_eq!(mock.collect(), 0);
    mock.drop_ref(old[0]);
    ring(&mut mock, 7);
    let outcome = mock.collect_generation(Generation::Young);
    assert_eq!(outcome.collected, 7);
    assert!(outcome.candidates < 2000);
    assert_eq!(mock.collect(), 2000);
    assert_eq!(mock.live(), 0);
}

#[test]
fn a_young_object_held_by_an_old_one_survives() {
    let mut mock = mock();
    let old = mock.node();
    mock.collect();
    let young = ring(&mut mock, 3);
    mock.set(old, 0, young[1]);
    assert_eq!(mock.collect_generation(Generation::Young).collected, 0);
    assert_eq!(inspect::generation_of(&get(young[0]).header), Generation::Full);
    mock.drop_ref(old);
    assert_eq!(mock.collect(), 3);
}

#[test]
fn frozen_objects_are_left_alone() {
    let mut mock = mock();
    ring(&mut mock, 3);
    freeze(mock.collector.heap);
    assert_eq!(frozen_count(mock.collector.heap), 3);
    ring(&mut mock, 2);
    assert_eq!(mock.collect(), 2);
    unfreeze(mock.collector.heap);
    assert_eq!(frozen_count(mock.collector.heap), 0);
    assert_eq!(mock.collect(), 3);
    assert_eq!(mock.live(), 0);
}

#[test]
fn saved_garbage_is_kept_and_usable() {
    let mut mock = mock();
    ring(&mut mock, 3);
    let collector = mock.collector;
    let outcome = collector.collect(&mut mock, Generation::Full, Options { save_all: true });
    assert_eq!((outcome.collected, outcome.uncollectable, outcome.unreachable()), (0, 3, 3));
    assert_eq!(mock.saved.len(), 3);
    assert_eq!(mock.collect(), 0);
    for object in std::mem::take(&mut mock.saved) {
        mock.drop_ref(object);
    }
    assert_eq!(mock.collect(), 3);
}

#[test]
fn untracked_and_immortal_objects_count_as_outside() {
    let mut mock = mock();
    let nodes = ring(&mut mock, 3);
    get(nodes[1]).header.gc.fetch_and(!gc_bits::TRACKED, Ordering::Relaxed);
    assert_eq!(mock.collect(), 0);
    get(nodes[1]).header.gc.fetch_or(gc_bits::TRACKED, Ordering::Relaxed);
    get(nodes[2]).header.immortalise();
    assert_eq!(mock.collect(), 0);
    assert_eq!(mock.live(), 3);
}

#[test]
fn garbage_of_exited_threads_is_found() {
    let mut mock = mock();
    let collector = mock.collector;
    let made: usize = (0..4)
        .map(|i| {
            std::thread::spawn(move || {
                let mut other = mock_on(collector, 10 + i);
                ring(&mut other, 500);
                500
            })
            .join()
            .unwrap()
        })
        .sum();
    assert_eq!(mock.live(), made);
    assert_eq!(mock.collect(), made);
    assert_eq!(mock.live(), 0);
}

#[test]
fn inspection_walks_the_heap() {
    let mut mock = mock();
    let (a, b, c) = (mock.node(), mock.node(), mock.node());
    mock.set(a, 0, c);
    mock.set(b, 1, c);
    mock.set(b, 2, c);
    let heap = mock.collector.heap;
    let sorted = |mut list: Vec<*const Header>| {
        list.sort();
        list
    };
    assert_eq!(sorted(inspect::objects(heap, None)), sorted(vec![a.cast(), b.cast(), c.cast()]));
    assert_eq!(sorted(inspect::referrers(heap, &Tracer, &[c.cast()])), sorted(vec![a.cast(), b.cast()]));
    assert_eq!(inspect::referents(&Tracer, &get(b).header), [c.cast::<Header>(); 2]);
    assert_eq!(inspect::objects(heap, Some(Generation::Full)).len(), 0);
    mock.collect();
    assert_eq!(inspect::objects(heap, Some(Generation::Young)).len(), 0);
    assert_eq!(inspect::objects(heap, Some(Generation::Full)).len(), 3);
}

#[test]
fn strategy_off_does_nothing() {
    let heap = Box::leak(Box::new(Heap::with_reservation(1 << 30).unwrap()));
    let mut mock = mock_on(Box::leak(Box::new(Collector::new(heap, Strategy::Off))), 3);
    ring(&mut mock, 3);
    assert!(mock.collect_generation(Generation::Full).skipped);
    assert_eq!(mock.live(), 3);
    assert!(!mock.collector.is_due(1 << 40));
}

#[test]
fn births_make_a_collection_due_and_statistics_tell() {
    let mut mock = mock();
    for _ in 0..1500 {
        ring(&mut mock, 2);
    }
    mock.local.publish();
    let heap = mock.collector.heap;
    assert_eq!(mock.collector.policy.counts(heap)[0], 3000);
    assert!(mock.collector.is_due(heap.young()));
    let generation = mock.collector.policy.choose();
    assert_eq!(mock.collect_generation(generation).collected, 3000);
    mock.local.publish();
    assert!(!mock.collector.is_due(heap.young()));
    let stats = mock.collector.policy.stats()[generation as usize];
    assert_eq!((stats.collections, stats.collected, stats.candidates), (1, 3000, 3000));
    assert!(stats.longest_stop <= stats.stopped && stats.stopped <= stats.duration);
}

#[test]
fn the_verifier_sees_a_missing_count_a_dangling_reference_and_a_bad_header() {
    use typhon_gc::verify::{Fault, verify};
    let mut mock = mock();
    let (a, b) = (mock.node(), mock.node());
    let heap = mock.collector.heap;
    let faults = || verify(heap, &Tracer).iter().map(|finding| finding.fault).collect::<Vec<_>>();
    assert_eq!(faults(), []);
    get(a).slots[0].store(b as u64, Ordering::Relaxed);
    get(a).slots[1].store(b as u64, Ordering::Relaxed);
    assert_eq!(faults(), [Fault::Overreferenced { by: 1 }]);
    get(a).slots[1].store(0, Ordering::Relaxed);
    let gone = mock.node();
    mock.drop_ref(gone);
    get(a).slots[1].store(gone as u64, Ordering::Relaxed);
    assert_eq!(faults(), [Fault::Dangling { to: gone as usize }]);
    get(a).slots[1].store(0, Ordering::Relaxed);
    get(b).header.owner.store(0, Ordering::Relaxed);
    assert_eq!(faults(), [Fault::OwnerlessNotMerged]);
    get(b).header.owner.store(3, Ordering::Relaxed);
    get(a).slots[0].store(0, Ordering::Relaxed);
    assert_eq!(faults(), []);
    let leaf = mock.leaf();
    assert_eq!(faults(), []);
    get(leaf).header.gc.fetch_or(gc_bits::TRACKED, Ordering::Relaxed);
    assert_eq!(faults(), [Fault::TrackedLeaf]);
    get(leaf).header.gc.fetch_and(!gc_bits::TRACKED, Ordering::Relaxed);
    mock.drop_ref(leaf);
    mock.drop_ref(a);
    mock.drop_ref(b);
    let _: Ref = ptr::null();
}
