//! Model checking of the shipped sources with loom; no flags needed.
//!
//! Each variant below includes the files of `src/` beside loom's primitives; a mutant is a variant in
//! which one rule is changed, and must fail its model. Arguments: `--list`, `--only L3`, `--unbounded`.

#[path = "loom/prim.rs"]
mod loom_prim;
#[path = "loom/runner.rs"]
mod runner;

/// The files of `src/`, with the given rules changed.
macro_rules! variant {
    ($name:ident $(, $rule:ident: $type:ty = $value:expr)*) => {
        #[path = "../src"]
        #[allow(dead_code, unused_imports, clippy::duplicate_mod, clippy::reversed_empty_ranges)]
        mod $name {
            use super::loom_prim as prim;
            #[path = "rules.rs"]
            mod shipped_rules;
            pub mod rules {
                pub use super::super::model_rules::*;
                pub use super::shipped_rules::*;
                use std::sync::atomic::Ordering::{self, *};
                $(pub const $rule: $type = $value;)*
                /// Few slots and no spinning: both only multiply the interleavings.
                pub const CHUNK: usize = 3;
                pub const SPINS: u32 = 0;
            }
            #[path = "../tests/loom/parking.rs"]
            pub mod parking;
            pub mod backoff;
            pub mod count;
            pub mod critical_section;
            pub mod events;
            pub mod gil;
            pub mod header;
            pub mod lock;
            pub mod merge_queue;
            pub mod mode;
            pub mod monitor;
            pub mod parker;
            pub mod qsbr;
            pub mod quarantine;
            pub mod registry;
            pub mod shared;
            pub mod slot;
            pub mod stats;
            pub mod stop;
            pub mod thread;
            pub mod thread_state;
            pub mod watch;
            pub mod world;
            #[path = "../tests/loom/counts.rs"]
            pub mod counts;
            #[path = "../tests/loom/locks.rs"]
            pub mod locks;
            #[path = "../tests/loom/object.rs"]
            pub mod object;
            #[path = "../tests/loom/private.rs"]
            pub mod private;
            #[path = "../tests/loom/reclamation.rs"]
            pub mod reclamation;
            #[path = "../tests/loom/borrows.rs"]
            pub mod borrows;
            #[path = "../tests/loom/threads.rs"]
            pub mod threads;
            #[path = "../tests/loom/watched.rs"]
            pub mod watched;
        }
    };
}

/// Rules of the models' own stand-ins.
mod model_rules {
    /// Every sleeper is given the lock, instead of being woken to compete for it.
    pub const OVERDUE: bool = false;
    /// Who meets a condemned object looks again when the condemnation is settled, as `WeakTable::upgrade` does.
    pub const CONDEMNED_IS_SETTLED: bool = true;
    /// A thread that answers a handshake first counts the references that it uses without a count.
    pub const HANDSHAKE_COUNTS_BORROWS: bool = true;
    /// A proof by watching shakes hands before it reads.
    pub const PROOF_SHAKES_HANDS: bool = true;
    /// RC-15: a reference is taken out of a container under its lock.
    pub const REMOVAL_LOCKS: bool = true;
    /// DC-1: an object is shared by somebody who holds a count of it.
    pub const SHARER_HOLDS_COUNT: bool = true;
}

variant!(shipped);
variant!(handing, OVERDUE: bool = true);
variant!(decrement_relaxed, DECREMENT: Ordering = Relaxed);
variant!(strangers_unpublished, STRANGERS_PUBLISH: bool = false);
variant!(strangers_unmarked, STRANGERS_MARK: bool = false);
variant!(removed_unlocked, REMOVAL_LOCKS: bool = false);
variant!(upgrade_relaxed, UPGRADE: Ordering = Relaxed);
variant!(owner_cleared_late, CLEAR_OWNER_FIRST: bool = false);
variant!(upgrade_of_the_dead, UPGRADE_REFUSES_DEAD: bool = false);
variant!(queued_is_subtracted, QUEUE_OWNS_REFERENCE: bool = false);
variant!(no_immortal_bias, IMMORTAL_BIAS: i64 = 0);
variant!(resurrected_with_count, RESURRECT_AS_OWNED: bool = false);
variant!(no_second_look, RECHECK_SLOT: bool = false);
variant!(birth_relaxed, BIRTH: Ordering = Relaxed);
variant!(acknowledged_relaxed, ACKNOWLEDGED: Ordering = Relaxed);
variant!(detach_ignores_queue, DETACH_SERVES_MERGES: bool = false);
variant!(attach_ignores_suspension, ATTACH_WAITS_WHILE_SUSPENDED: bool = false);
variant!(suspend_relaxed, SUSPEND: Ordering = Relaxed);
variant!(resume_relaxed, RESUME: Ordering = Relaxed);
variant!(queue_stays_open, EXIT_CLOSES_QUEUE: bool = false);
variant!(attach_ignores_stop, ATTACH_HONOURS_STOP: bool = false);
variant!(let_go_before_end, END_BEFORE_LETTING_GO: bool = false);
variant!(online_without_fence, ONLINE_FENCE: bool = false);
variant!(quiescent_relaxed, QUIESCENT: Ordering = Relaxed);
variant!(quantum_without_fence, QUANTUM_FENCE: bool = false);
variant!(quantum_end_relaxed, QUANTUM_END: Ordering = Relaxed);
variant!(waiter_without_fence, WAITER_FENCE: bool = false);
variant!(unlock_relaxed, UNLOCK: Ordering = Relaxed);
variant!(sections_kept, DETACH_GIVES_UP_SECTIONS: bool = false);
variant!(section_not_resumed, ATTACH_RESUMES_SECTION: bool = false);
variant!(handed_without_taking, OVERDUE: bool = true, HAND_OFF_TAKES_LOCK: bool = false);
variant!(stop_takes_locks, OVERDUE: bool = true, STOP_SKIPS_LOCKS: bool = false);
variant!(touches_ignored, CONDEMN_NEEDS_UNTOUCHED: bool = false);
variant!(locks_ignored, WATCH_ASKS_LOCK: bool = false);
variant!(unsettled, CONDEMNED_IS_SETTLED: bool = false);
variant!(borrows_kept, HANDSHAKE_COUNTS_BORROWS: bool = false);
variant!(no_handshake, PROOF_SHAKES_HANDS: bool = false);
variant!(shared_without_count, SHARER_HOLDS_COUNT: bool = false);
variant!(shared_die_at_once, SHARED_RETIRE: bool = false);
variant!(retired_twice, RETIRED_ONCE: bool = false);
variant!(borrowed_without_second_look, RECHECK_BORROW: bool = false);
variant!(reaped_though_counted, REAPER_ASKS_COUNT: bool = false);
variant!(reaped_though_borrowed, REAPER_ASKS_STACKS: bool = false);
variant!(gil_shared, GIL_EXCLUDES: bool = false);

use runner::{Model, Mutant};

/// One model per `fn` of the files in `loom/`, with the mutants that it must catch.
macro_rules! models {
    ($($id:literal $file:ident::$run:ident in $variant:ident, $threads:literal threads, bound $bound:literal: $checks:literal
        [$($mutant:ident)*];)*) => {
        const MODELS: &[Model] = &[$(Model {
            id: $id,
            name: stringify!($run),
            checks: $checks,
            threads: $threads,
            bound: $bound,
            run: $variant::$file::$run,
            mutants: &[$(Mutant { name: stringify!($mutant), run: $mutant::$file::$run }),*],
        }),*];
    };
}

models! {
    "L1" counts::two_decrements in shipped, 2 threads, bound 3:
        "one death; every use before it" [decrement_relaxed];
    "L2" counts::exact_zero in shipped, 2 threads, bound 3:
        "the owner frees without a CAS, after strangers' uses" [strangers_unpublished];
    "L3" threads::moved_reference in shipped, 2 threads, bound 3:
        "a moved reference reaches its owner's queue once" [queued_is_subtracted];
    "L3b" counts::no_late_write in shipped, 2 threads, bound 3:
        "no write to a header after MERGED is published" [owner_cleared_late];
    "L4" threads::exit_against_push in shipped, 2 threads, bound 3:
        "no push is lost when its owner exits" [queue_stays_open];
    "L5" threads::merge_on_behalf in shipped, 2 threads, bound 3:
        "owner and merger never count at once" [attach_ignores_suspension];
    "L5b" threads::detached_owner in shipped, 2 threads, bound 3:
        "a detached owner delays no death" [detach_ignores_queue];
    "L6" counts::weak_upgrade in shipped, 2 threads, bound 3:
        "upgrade and death are decided by one word" [upgrade_of_the_dead];
    "L6a" counts::weak_upgrade_twice in shipped, 3 threads, bound 2:
        "the same with two strangers" [upgrade_of_the_dead];
    "L6b" counts::upgrade_acquires in shipped, 2 threads, bound 3:
        "an upgrade sees what former holders wrote" [upgrade_relaxed];
    "L7" counts::slot_read in shipped, 2 threads, bound 3:
        "a lock-free read survives removal, death and reuse" [no_second_look birth_relaxed];
    "L7b" counts::slot_read_published in shipped, 2 threads, bound 3:
        "the same, where the newborn is published later" [birth_relaxed];
    "L8" counts::resurrection in shipped, 2 threads, bound 3:
        "what a finaliser lets escape lives on, and dies once" [resurrected_with_count];
    "L8a" counts::escape in shipped, 2 threads, bound 3:
        "the same, seen from the place of escape" [resurrected_with_count];
    "L8b" counts::resurrection_refused in shipped, 2 threads, bound 3:
        "a dying object cannot be acquired" [resurrected_with_count];
    "L9" reclamation::online in shipped, 2 threads, bound 3:
        "going online against unlink and free" [online_without_fence];
    "L9b" reclamation::quiescent in shipped, 2 threads, bound 3:
        "reads before a quiescent point precede the free" [quiescent_relaxed];
    "L9c" reclamation::quarantine in shipped, 2 threads, bound 3:
        "memory freed beside the collector outlives its quantum" [quantum_without_fence quantum_end_relaxed];
    "L10" locks::contended in shipped, 2 threads, bound 3:
        "exclusion, and no sleeper is forgotten" [unlock_relaxed waiter_without_fence];
    "L10a" locks::contended in handing, 2 threads, bound 3:
        "hand-off: the lock passes to the sleeper" [];
    "L10b" locks::barging in handing, 3 threads, bound 3:
        "hand-off against a third thread" [handed_without_taking];
    "L10c" locks::suspended_section in shipped, 2 threads, bound 3:
        "a section is given up and taken up again" [section_not_resumed];
    "L10d" locks::opposite_nesting in shipped, 2 threads, bound 3:
        "sections nested in opposite orders end" [sections_kept];
    "L10e" locks::stop_against_lock in handing, 2 threads, bound 3:
        "a stop falls into a hand-over" [stop_takes_locks];
    "L11" threads::stop_against_attach in shipped, 2 threads, bound 3:
        "stops back to back against attach and detach" [suspend_relaxed resume_relaxed];
    "L11b" threads::handshake in shipped, 2 threads, bound 3:
        "a handshake sees what came before the safepoint" [acknowledged_relaxed];
    "L11c" threads::register_against_stop in shipped, 2 threads, bound 3:
        "a newcomer is stopped, and let go" [let_go_before_end];
    "L11d" threads::stop_against_merge in shipped, 2 threads, bound 3:
        "a stop meets a merge on behalf" [attach_ignores_stop];
    "L12" private::shuffled in shipped, 2 threads, bound 3:
        "a proof by the owner sees references that strangers move" [strangers_unmarked];
    "L12a" private::walked in shipped, 2 threads, bound 3:
        "a proof by the owner sees references that strangers take" [strangers_unpublished];
    "L12b" private::taken in shipped, 2 threads, bound 3:
        "and the last one from outside, which the owner drops" [removed_unlocked];
    "L13" counts::immortalise in shipped, 2 threads, bound 3:
        "an immortal never dies, whatever its owner does" [no_immortal_bias];
    "L14" threads::gil in shipped, 2 threads, bound 3:
        "plain counts under the GIL" [gil_shared];
    "L15" watched::shuffled in shipped, 2 threads, bound 3:
        "references that move between watched objects end the watch" [locks_ignored];
    "L15a" watched::walked in shipped, 2 threads, bound 3:
        "counts that change and change back are touched" [touches_ignored];
    "L15b" watched::upgraded in shipped, 2 threads, bound 3:
        "an upgrade and a condemnation exclude each other, and who meets one in between learns the verdict"
        [unsettled];
    "L15c" watched::borrowed in shipped, 2 threads, bound 3:
        "with a handshake, references that are not counted keep what they are to alive"
        [borrows_kept no_handshake];
    "L16" borrows::borrowed in shipped, 2 threads, bound 3:
        "what a stack names outlives its last count" [shared_die_at_once reaped_though_borrowed];
    "L16a" borrows::stored in shipped, 2 threads, bound 3:
        "a count that rises from zero and falls again: one death, after it" [retired_twice reaped_though_counted];
    "L16b" borrows::reused in shipped, 2 threads, bound 3:
        "a borrow is of what the slot held" [borrowed_without_second_look birth_relaxed];
    "L16c" borrows::shared in shipped, 2 threads, bound 3:
        "sharing against the owner's last reference" [shared_without_count];
}

fn main() -> std::process::ExitCode {
    runner::main(MODELS)
}
