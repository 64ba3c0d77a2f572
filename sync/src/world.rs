//! A world: the threads that share objects, and what they meet at.

use super::count::Fate;
use super::events::Count;
use super::gil::Gil;
use super::header::{FOLDED, Header, OwnerId};
use super::merge_queue::{Push, Queued};
use super::mode::Mode;
use super::prim::prepare_heavy_fence;
use super::qsbr::Qsbr;
use super::quarantine::Quarantine;
use super::registry::Registry;
use super::stats;
use super::stop::Rendezvous;
use super::thread_state::{ThreadState, breaker};

/// Everything threads share. One per process in the command; models make many.
///
/// Lock order: registry, rendezvous, merge queue. None of them is held while a destructor runs.
pub struct World {
    mode: Mode,
    pub(super) registry: Registry,
    pub(super) rendezvous: Rendezvous,
    pub(super) gil: Gil,
    pub(super) qsbr: Qsbr,
    quarantine: Quarantine,
}

impl World {
    /// A world without threads. Make it early: see [`super::prim::prepare_heavy_fence`].
    pub fn new(mode: Mode) -> World {
        assert!(mode.has_gil() || !FOLDED, "a folded build has a GIL");
        if !mode.has_gil() {
            prepare_heavy_fence();
        }
        World {
            mode,
            registry: Registry::new(),
            rendezvous: Rendezvous::default(),
            gil: Gil::new(),
            qsbr: Qsbr::new(),
            quarantine: Quarantine::default(),
        }
    }

    /// How threads live together in this world.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The GIL; nobody takes it in a free mode.
    pub fn gil(&self) -> &Gil {
        &self.gil
    }

    /// All registered threads.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The sequence numbers of safe memory reclamation.
    pub fn qsbr(&self) -> &Qsbr {
        &self.qsbr
    }

    /// The clock of the collector that reads beside the threads.
    pub fn quarantine(&self) -> &Quarantine {
        &self.quarantine
    }

    /// Sets breaker bits of thread `id`. `false`: no such thread.
    pub fn raise(&self, id: OwnerId, bits: u32) -> bool {
        self.registry.find(id).map(|thread| thread.raise(bits)).is_some()
    }

    /// Has every thread passed `goal`? Threads that lag are asked to hurry.
    pub fn reached(&self, goal: u64) -> bool {
        if self.qsbr.reached(goal, self.registry.threads().map(|thread| &thread.seat)) {
            return true;
        }
        for thread in self.registry.threads() {
            // An attached thread with the bit already set need not be told again.
            if thread.seat.lags(goal) && thread.pending() & breaker::QSBR == 0 {
                thread.raise(breaker::QSBR);
            }
        }
        false
    }

    /// Gives the reference of a decrement that ended in [`Fate::Queue`] to the object's owner: to
    /// its queue, or, where the owner is detached or has exited, merges at once. Calls `dead` for
    /// each object that nobody holds any more, with no lock held and the owner released.
    pub(super) fn enqueue(&self, me: OwnerId, object: &Header, mut dead: impl FnMut(*const Header)) {
        loop {
            let owner = object.owner();
            match owner {
                OwnerId::IMMORTAL => return,
                // Merged between the decrement and now: the reference is in the shared word.
                OwnerId::MERGED => {
                    if object.decref(me) == Fate::Dead {
                        dead(object);
                    }
                    return;
                }
                _ => debug_assert!(owner != OwnerId::GIL, "in GIL mode nobody is a stranger"),
            }
            if self.hand_over(owner, Queued::Reference(object), &mut dead) {
                return;
            }
        }
    }

    /// Asks the owner of `object` to give it up, if it has one: done when the owner has passed its next
    /// safepoint, or at once where it is detached or has exited. The memory is and stays a header.
    pub fn disown(&self, object: &Header, mut dead: impl FnMut(*const Header)) {
        let owner = object.owner();
        if owner != OwnerId::MERGED && owner != OwnerId::IMMORTAL {
            self.hand_over(owner, Queued::Wanted(object), &mut dead);
        }
    }

    /// Sees that a thread, or who stands in for it, merges. False: the thread has exited, and another one has
    /// its place.
    fn hand_over(&self, owner: OwnerId, item: Queued, dead: impl FnMut(*const Header)) -> bool {
        let Some(thread) = self.registry.find(owner) else {
            // Exited. The registry's lock, which the owner held last, makes its counts ours.
            let roster = self.registry.lock();
            let end = item.merge(owner, Count::MergedOnBehalf);
            drop(roster);
            end.map(dead);
            return true;
        };
        match thread.queue.push(owner, item) {
            Push::WrongOwner => return false,
            Push::Merged(end) => {
                end.map(dead);
            }
            Push::Pushed => {
                thread.raise(breaker::MERGE);
                self.merge_on_behalf(thread, dead);
            }
        }
        true
    }

    /// Does a detached thread's merging, holding it suspended. Nothing happens if it is not detached.
    pub(super) fn merge_on_behalf(&self, thread: &ThreadState, mut dead: impl FnMut(*const Header)) {
        let mut doomed = Vec::new();
        if !thread.suspend() {
            return;
        }
        loop {
            thread.clear(breaker::MERGE);
            let n = thread.queue.drain(Count::MergedOnBehalf, |object| doomed.push(object));
            stats::add_merged_on_behalf(n);
            if thread.resume(breaker::MERGE, 0) {
                break;
            }
        }
        doomed.drain(..).for_each(&mut dead);
    }
}
