//! Searches beside the mutators: who proves what, and what becomes of it.
mod mock;

use mock::*;
use typhon_gc::cycles::{Options, Portion};
use typhon_gc::{Generation, Strategy};
use typhon_sync::OwnerId;

fn pair(mock: &mut Mock, finalizer: u64) -> [Ref; 2] {
    let (a, b) = (mock.node_with(finalizer), mock.node());
    mock.give(a, 0, b);
    mock.give(b, 0, a);
    [a, b]
}

fn search(mock: &mut Mock) -> Vec<Portion> {
    let collector = mock.collector;
    let mut portions = Vec::new();
    collector.search(mock, Generation::Young, |_, portion| portions.push(portion));
    portions
}

fn take_apart(mock: &mut Mock, portions: Vec<Portion>) -> usize {
    let collector = mock.collector;
    let mut portions = portions.into_iter();
    let outcome = collector.take_apart(mock, Generation::Young, Options::default(), || portions.next());
    mock.check();
    outcome.collected
}

#[test]
fn private_garbage_is_left_to_its_owner_and_needs_no_stop() {
    let mut mock = mock();
    pair(&mut mock, COUNTED);
    let portions = search(&mut mock);
    assert_eq!(portions.iter().map(Portion::owner).collect::<Vec<_>>(), [Some(mock.me)]);
    assert_eq!(take_apart(&mut mock, portions), 2);
    assert_eq!((mock.stops, mock.finalized, mock.live()), (0, 1, 0));
}

#[test]
fn garbage_that_others_have_known_is_proved_in_a_stop() {
    let mut mock = mock();
    let [a, _] = pair(&mut mock, NO_FINALIZER);
    get(a).header.incref(OwnerId(99));
    assert_eq!(get(a).header.decref(OwnerId(99)), typhon_sync::Fate::Alive);
    let portions = search(&mut mock);
    assert_eq!(portions.iter().map(Portion::owner).collect::<Vec<_>>(), [None]);
    assert_eq!((take_apart(&mut mock, portions), mock.stops, mock.live()), (2, 1, 0));
}

#[test]
fn what_is_picked_up_after_the_search_lives_on() {
    let mut mock = mock();
    let [a, b] = pair(&mut mock, NO_FINALIZER);
    let portions = search(&mut mock);
    mock.incref(b);
    assert_eq!((take_apart(&mut mock, portions), mock.live()), (0, 2));
    mock.drop_ref(b);
    let portions = search(&mut mock);
    // Now a stranger gets hold of it before the owner comes.
    get(a).header.incref(OwnerId(99));
    assert_eq!((take_apart(&mut mock, portions), mock.live()), (0, 2));
    assert_eq!(get(a).header.decref(OwnerId(99)), typhon_sync::Fate::Alive);
    let portions = search(&mut mock);
    assert_eq!((take_apart(&mut mock, portions), mock.live()), (2, 0));
}

#[test]
fn a_suspect_whose_memory_is_used_anew_is_no_suspect() {
    let mut mock = mock();
    let [a, b] = pair(&mut mock, NO_FINALIZER);
    let portions = search(&mut mock);
    mock.incref(a);
    mock.set(a, 0, std::ptr::null());
    mock.drop_ref(a);
    assert_eq!(mock.live(), 0);
    let [c, d] = pair(&mut mock, NO_FINALIZER);
    assert!([a, b].contains(&c) && [a, b].contains(&d), "slots are used again at once");
    mock.roots.push(c);
    mock.incref(c);
    assert_eq!((take_apart(&mut mock, portions), mock.live()), (0, 2));
}

#[test]
fn a_finaliser_that_shows_private_garbage_around_ends_the_privacy() {
    for finalizer in [ESCAPES, MAKES_WEAKREF, MAKES_CYCLE] {
        let mut mock = mock();
        pair(&mut mock, finalizer);
        let portions = search(&mut mock);
        let collected = take_apart(&mut mock, portions);
        assert_eq!(collected, if finalizer == ESCAPES { 0 } else { 2 }, "{finalizer}");
        for root in std::mem::take(&mut mock.roots) {
            mock.drop_ref(root);
        }
        while mock.collect_beside(Generation::Full) > 0 {}
        assert_eq!((mock.live(), mock.finalized), (0, 1), "{finalizer}");
        assert_eq!(mock.callbacks, 0, "the weak reference was made too late");
    }
}

#[test]
fn callbacks_of_weak_references_outside_run_and_those_inside_do_not() {
    let mut mock = mock();
    let [a, b] = pair(&mut mock, NO_FINALIZER);
    let outside = mock.weakref(a, true);
    let inside = mock.weakref(b, true);
    mock.give(b, 1, inside);
    let portions = search(&mut mock);
    assert_eq!(take_apart(&mut mock, portions), 4, "two nodes, a weak reference and its callback");
    assert_eq!(mock.callbacks, 1);
    assert!(mock.upgrade(outside).is_none());
    mock.drop_ref(outside);
    assert_eq!(mock.live(), 0);
}

#[test]
fn a_component_larger_than_a_batch_is_one_batch() {
    let mut mock = mock();
    let nodes: Vec<Ref> = (0..10_000).map(|_| mock.node()).collect();
    for i in 0..nodes.len() {
        mock.give(nodes[i], 0, nodes[(i + 7777) % nodes.len()]);
    }
    for &node in &nodes[..10] {
        mock.set(node, 1, node);
    }
    let portions = search(&mut mock);
    assert_eq!(portions.len(), 1);
    assert_eq!((take_apart(&mut mock, portions), mock.live()), (10_000, 0));
}

/// A pair that a stranger has known, with a weak reference to its second object.
fn known_pair(mock: &mut Mock, finalizer: u64) -> Ref {
    let [a, b] = pair(mock, finalizer);
    get(a).header.incref(OwnerId(99));
    assert_eq!(get(a).header.decref(OwnerId(99)), typhon_sync::Fate::Alive);
    mock.weakref(b, false)
}

#[test]
fn garbage_that_others_have_known_is_proved_by_watching_it() {
    for (finalizer, stops) in [(NO_FINALIZER, 0), (COUNTED, 1)] {
        let mut mock = mock_with(Strategy::Concurrent);
        let weak = known_pair(&mut mock, finalizer);
        let portions = search(&mut mock);
        assert_eq!(portions.iter().map(Portion::owner).collect::<Vec<_>>(), [None]);
        if finalizer == NO_FINALIZER {
            assert!(mock.upgrade(weak).is_none(), "found dead");
        }
        assert_eq!(take_apart(&mut mock, portions), 2);
        assert_eq!((mock.stops, mock.live()), (stops, 1), "only finalisers need a stop");
        mock.drop_ref(weak);
    }
}

#[test]
fn what_is_picked_up_while_it_is_watched_lives_on() {
    for at in 1.. {
        let mut mock = mock_with(Strategy::Concurrent);
        let weak = known_pair(&mut mock, NO_FINALIZER);
        mock.at_breath = Some(Box::new(move |mock| {
            if mock.breaths == at
                && let Some(strong) = mock.upgrade(weak)
            {
                mock.roots.push(strong);
            }
        }));
        let portions = search(&mut mock);
        let upgraded = mock.roots.len();
        assert_eq!(take_apart(&mut mock, portions), if upgraded == 1 { 0 } else { 2 }, "at breath {at}");
        assert_eq!(mock.stops, 0);
        for strong in std::mem::take(&mut mock.roots) {
            mock.drop_ref(strong);
        }
        mock.at_breath = None;
        let portions = search(&mut mock);
        take_apart(&mut mock, portions);
        assert_eq!(mock.live(), 1, "the weak reference");
        if mock.breaths < at {
            return;
        }
    }
}

#[test]
fn garbage_that_is_touched_in_every_search_is_proved_in_a_stop() {
    let mut mock = mock_with(Strategy::Concurrent);
    let weak = known_pair(&mut mock, NO_FINALIZER);
    mock.at_breath = Some(Box::new(move |mock| {
        if let Some(strong) = mock.upgrade(weak) {
            mock.drop_ref(strong);
        }
    }));
    let mut searches = 0;
    let mut collected = 0;
    while collected == 0 && searches < 10 {
        searches += 1;
        let portions = search(&mut mock);
        collected = take_apart(&mut mock, portions);
    }
    assert_eq!((collected, mock.stops), (2, 1), "after {searches} searches");
}
