//! All threads of a world: a chain of fixed chunks of slots that never move, so that a slot's address
//! stays good while the world lives and growth stops nobody.

use super::header::OwnerId;
use super::prim::Ordering::{Acquire, Release};
use super::prim::{AtomicPtr, Mutex, MutexGuard, lock};
use super::rules::CHUNK;
use super::thread_state::ThreadState;
use std::ptr;

struct Chunk {
    slots: Vec<ThreadState>,
    next: AtomicPtr<Chunk>,
}

impl Chunk {
    fn new() -> Chunk {
        Chunk {
            slots: (0..CHUNK).map(|_| ThreadState::unused()).collect(),
            next: AtomicPtr::new(ptr::null_mut()),
        }
    }

    fn next(&self) -> Option<&Chunk> {
        // ORDERING Acquire: the chunk was filled before it was linked; pairs with `free_slot`.
        let next = self.next.load(Acquire);
        // SAFETY: null, or a chunk that is freed only with the registry.
        unsafe { next.as_ref() }
    }
}

/// What the registry's lock protects: who comes and who goes.
pub struct Roster {
    last_id: u32,
    /// One thread outlives all others: who comes now never attaches.
    pub(super) closed: bool,
}

/// The threads of a world.
pub struct Registry {
    first: Chunk,
    roster: Mutex<Roster>,
}

impl Default for Registry {
    fn default() -> Registry {
        Registry::new()
    }
}

impl Registry {
    pub fn new() -> Registry {
        let roster = Roster { last_id: OwnerId::FIRST_THREAD.0 - 1, closed: false };
        Registry { first: Chunk::new(), roster: Mutex::new(roster) }
    }

    /// Keeps threads from coming and going. First in the lock order.
    pub fn lock(&self) -> MutexGuard<'_, Roster> {
        lock(&self.roster)
    }

    /// An id that no thread had before, and a slot for it, not yet occupied.
    ///
    /// # Panics
    /// When 2^32 threads have been started.
    pub(super) fn admit(&self, roster: &mut Roster) -> (OwnerId, &ThreadState) {
        roster.last_id += 1;
        assert!(roster.last_id < OwnerId::IMMORTAL.0, "all thread ids have been used");
        (OwnerId(roster.last_id), self.free_slot())
    }

    fn free_slot(&self) -> &ThreadState {
        let mut chunk = &self.first;
        loop {
            if let Some(slot) = chunk.slots.iter().find(|slot| slot.id() == OwnerId::MERGED) {
                return slot;
            }
            chunk = match chunk.next() {
                Some(next) => next,
                None => {
                    let new = Box::into_raw(Box::new(Chunk::new()));
                    // ORDERING Release: pairs with `next`. The caller holds the lock, so nobody
                    // else links a chunk.
                    chunk.next.store(new, Release);
                    // SAFETY: as in `next`.
                    unsafe { &*new }
                }
            };
        }
    }

    /// Every slot in use. Without the lock, threads may come and go meanwhile.
    pub fn threads(&self) -> impl Iterator<Item = &ThreadState> {
        std::iter::successors(Some(&self.first), |chunk| chunk.next())
            .flat_map(|chunk| &chunk.slots)
            .filter(|slot| slot.id() != OwnerId::MERGED)
    }

    /// The slot of thread `id`; `None`: it has exited. Cost: a scan of the slots.
    pub fn find(&self, id: OwnerId) -> Option<&ThreadState> {
        self.threads().find(|slot| slot.id() == id)
    }

    /// Threads registered. A snapshot.
    pub fn len(&self) -> usize {
        self.threads().count()
    }

    /// No thread is registered. A snapshot.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // ORDERING Acquire: as in `Chunk::next`.
        let mut next = self.first.next.load(Acquire);
        while !next.is_null() {
            // SAFETY: made by `Box::into_raw` in `free_slot`; the registry is going away, so
            // nobody has a slot of it any more.
            let chunk = unsafe { Box::from_raw(next) };
            // ORDERING Acquire: as in `Chunk::next`.
            next = chunk.next.load(Acquire);
        }
    }
}
