//! `-X zeal=N`: collecting far too often, to find what a collection at a bad moment breaks.
//!
//! After every N births of tracked objects a thread is sent to a safepoint, and there it does one of what
//! collectors do: proves its own garbage, asks for a search beside the others, stops the world, or has
//! the heap verified. What has retired is looked at each time, and under `-X refcount=deferred` every object that
//! a stranger counts is made shared. Now and then it also gives its processor away in the middle of an allocation. Which of
//! these comes next depends on how far all threads together have come, so threads meet at other places in
//! every run. Nothing of this costs anything while it is off: births are published rarely.
//!
//! The name is SpiderMonkey's (`gczeal`).

use typhon_sync::prim::{AtomicU32, Ordering};

use typhon_gc::Generation;

use super::{background, collect, collect_own, is_concurrent, verify};
use crate::thread::Thread;

/// How zealous the collector is.
pub(super) struct Zeal {
    every: u32,
    turns: AtomicU32,
}

impl Zeal {
    /// `every`: births between two turns; 0: off.
    pub fn new(every: u32) -> Zeal {
        Zeal { every, turns: AtomicU32::new(0) }
    }

    pub fn every(&self) -> Option<u32> {
        (self.every > 0).then_some(self.every)
    }

    fn next(&self) -> u32 {
        // ORDERING Relaxed: any order of the threads will do.
        self.turns.fetch_add(1, Ordering::Relaxed)
    }

    /// A thread has published births; whether it is to come to a safepoint.
    pub fn births_published(&self) -> bool {
        if self.every == 0 {
            return false;
        }
        if self.next().is_multiple_of(3) {
            std::thread::yield_now();
        }
        true
    }
}

/// One turn, at a safepoint.
pub(super) fn at_safepoint(th: &mut Thread) {
    let collecting = &th.rt.collecting;
    if collecting.zeal.every == 0 || th.collecting || !collecting.collector.policy.is_enabled() {
        return;
    }
    let turn = collecting.zeal.next();
    if !th.rt.reaper.is_idle() {
        crate::reaper::reap_at_safepoint(th);
    }
    match turn % 16 {
        0 => {
            collect(th, Generation::Full);
        }
        3 | 7 | 11 if is_concurrent(th.rt) => {
            let generation = if turn % 32 == 3 { Generation::Full } else { Generation::Young };
            background::request(th, generation);
        }
        5 => {
            let findings = verify(th);
            assert!(findings.is_empty(), "the heap is damaged: {findings:?}");
        }
        _ if is_concurrent(th.rt) => {
            collect_own(th);
        }
        _ => {
            collect(th, Generation::Young);
        }
    }
}
