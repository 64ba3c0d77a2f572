//! Collecting at the end of the process, when one thread is about to outlive all others
//! ([`crate::threads::outlive_others`]).

use std::time::Instant;
use typhon_sync::prim::Ordering;

use typhon_gc::cycles::Turn;

use super::{COLLECT_WAITS, Collecting, background, wait_for_turn};
use crate::runtime::rt;
use crate::thread::Thread;

impl Collecting {
    /// The process is about to end, and other threads still run.
    pub(super) fn is_closed(&self) -> bool {
        // ORDERING Relaxed: see `last_turn`.
        self.closing.load(Ordering::Relaxed)
    }
}

/// Waits for the turn to collect, and for those who take garbage apart, as for a collection that a program asks
/// for: nobody is in the middle of one then. `None`: it took too long.
pub(crate) fn last_turn(th: &mut Thread) -> Option<Turn<'static>> {
    let limit = Instant::now() + COLLECT_WAITS;
    // ORDERING Relaxed: who sees it late begins one collection more.
    rt().collecting.closing.store(true, Ordering::Relaxed);
    let turn = rt().collecting.collector.try_begin().or_else(|| wait_for_turn(th, limit, true));
    background::wait_for_servers(th, limit);
    turn
}

/// Forgets what other threads were about, which do not run again. World stopped. `end_turn`: one of them has the
/// turn to collect.
pub(crate) fn others_are_gone(ident: u64, end_turn: bool) {
    let collecting = &rt().collecting;
    collecting.background.close(ident);
    // ORDERING Relaxed: the only thread.
    collecting.waiting.store(0, Ordering::Relaxed);
    // ORDERING Relaxed: as above.
    collecting.closing.store(false, Ordering::Relaxed);
    if end_turn {
        collecting.collector.end_turn_of_gone_thread();
    }
}
