//! What other threads may see and change of a thread: one word with its state and its breaker bits,
//! its merge queue, its reclamation seat, its parker.
//!
//! State and breaker bits share one word, so "is it detached?" and "tell it" are one atomic step
//! and no pair of words has to be ordered (ST-1).
//!
//! | state     | may touch objects | who ends it                                            |
//! |-----------|-------------------|--------------------------------------------------------|
//! | ATTACHED  | yes               | the thread itself                                      |
//! | DETACHED  | no                | the thread (attach), or anybody (suspend)              |
//! | SUSPENDED | no                | whoever suspended it (resume)                          |
//! | EXITED    | no                | registration of another thread in the same slot        |

use super::header::{Header, OwnerId};
use super::merge_queue::MergeQueue;
use super::monitor::Monitor;
use super::parker::Parker;
use super::prim::Ordering::{AcqRel, Acquire, Relaxed, Release};
use super::prim::{AtomicPtr, AtomicU32, CachePadded};
use super::qsbr::Seat;
use super::rules;

/// Bits that make a thread leave its fast path at the next safepoint. A thread that is attached and
/// has nothing to do has the word 0.
pub mod breaker {
    /// The merge queue has objects.
    pub const MERGE: u32 = 1 << 8;
    /// Somebody stops the world.
    pub const STOP: u32 = 1 << 9;
    /// Somebody wants to know that this thread has passed a safepoint.
    pub const HANDSHAKE: u32 = 1 << 10;
    /// Another thread has waited long enough for the GIL.
    pub const GIL_DROP: u32 = 1 << 11;
    /// Memory waits for this thread to be quiescent, or its own retired memory wants a look.
    pub const QSBR: u32 = 1 << 12;
    /// Merged objects that died where no destructor could run wait on the thread's list.
    pub const DOOMED: u32 = 1 << 13;
    /// A signal wants its Python handler. Interrupts interruptible waits.
    pub const SIGNAL: u32 = 1 << 14;
    /// Another thread raised an exception in this one.
    pub const ASYNC_EXC: u32 = 1 << 15;
    /// A collection is due.
    pub const GC: u32 = 1 << 16;
    /// Calls queued for the main thread.
    pub const PENDING_CALLS: u32 = 1 << 17;
    /// Tracing or monitoring was switched on or off.
    pub const INSTRUMENT: u32 = 1 << 18;
    /// The thread never attaches again (`ThreadCtx::outlive_others`). Set while it is
    /// down, so none that is attached has it.
    pub const LEFT_BEHIND: u32 = 1 << 19;

    /// What `sync` serves itself; the rest is the embedder's.
    pub const OURS: u32 = MERGE | STOP | HANDSHAKE | GIL_DROP | QSBR | DOOMED;
    /// All breaker bits.
    pub const ALL: u32 = !super::STATE;
}

const STATE: u32 = 3;
const ATTACHED: u32 = 0;
const DETACHED: u32 = 1;
const SUSPENDED: u32 = 2;
const EXITED: u32 = 3;

/// How an attempt to detach ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detach {
    /// Detached (or suspended by a pending stop); `awaited`: somebody waits to be told.
    Done { awaited: bool },
    /// The merge queue has news: serve it first.
    Merge,
}

/// What a look on behalf of a stop found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopping {
    /// Suspended.
    Down,
    /// Still running; told to come down.
    Running,
}

/// The shared part of a thread. Lives in a slot of the registry, whose memory never moves and is
/// never returned while the world lives; a slot is used by many threads one after another.
#[derive(Default)]
pub struct ThreadState {
    /// Registry id of the thread in this slot; 0: free.
    id: AtomicU32,
    word: CachePadded<AtomicU32>,
    pub(super) seat: Seat,
    pub(super) queue: MergeQueue,
    pub(super) parker: Parker,
    /// Does the thread sleep here until it is resumed?
    gate: Monitor<bool>,
    /// Objects whose locks it may own while it is detached: it sleeps for one, or keeps one while it sleeps for
    /// another. Written by the thread itself, read after a fork in whose child it does not exist.
    claims: [AtomicPtr<Header>; N_CLAIMS],
}

/// The object of a plain hold, and the two of a critical section that is taken up again on the way to it.
const N_CLAIMS: usize = 3;

impl ThreadState {
    /// An unused slot.
    pub fn unused() -> ThreadState {
        let state = ThreadState::default();
        // ORDERING Relaxed: not shared yet.
        state.word.store(EXITED, Relaxed);
        state
    }

    /// Id of the thread in this slot, never reused; 0: the slot is free.
    #[inline]
    pub fn id(&self) -> OwnerId {
        // ORDERING Acquire: who finds an id finds the slot initialised; pairs with `occupy`.
        OwnerId(self.id.load(Acquire))
    }

    /// The word with state and breaker bits; 0 while attached with nothing to do.
    #[inline(always)]
    pub fn word(&self) -> &AtomicU32 {
        &self.word
    }

    /// Puts thread `id` into this free slot, detached, or suspended if the world is stopped. `left_behind`: it
    /// will never attach.
    pub(super) fn occupy(&self, id: OwnerId, stopped: bool, left_behind: bool) {
        self.queue.open(id);
        self.parker.reset();
        let state = if stopped { SUSPENDED | breaker::STOP } else { DETACHED };
        // ORDERING Relaxed: published by the store of `id`.
        self.word.store(state | if left_behind { breaker::LEFT_BEHIND } else { 0 }, Relaxed);
        // ORDERING Release: pairs with `id`.
        self.id.store(id.0, Release);
    }

    /// Frees the slot of a thread that has exited.
    pub(super) fn vacate(&self) {
        // ORDERING Relaxed: only a registration, under the registry's lock, uses the slot again.
        self.word.store(EXITED, Relaxed);
        // ORDERING Release: who sees the slot free sees the thread's work done.
        self.id.store(0, Release);
    }

    /// Sets breaker bits; returns the word before.
    pub fn raise(&self, bits: u32) -> u32 {
        // ORDERING AcqRel: Release: what the bits announce was done before. Acquire: the state in
        // the returned word may lead to work on the thread's behalf.
        let before = self.word.fetch_or(bits, AcqRel);
        if bits & breaker::SIGNAL != 0 {
            self.parker.alert();
        }
        before
    }

    /// Clears breaker bits; returns the word before.
    pub fn clear(&self, bits: u32) -> u32 {
        // ORDERING AcqRel: pairs with `raise`: what the bit announced is visible to who cleared it.
        self.word.fetch_and(!bits, AcqRel)
    }

    /// Pending breaker bits, exactly.
    pub fn pending(&self) -> u32 {
        // ORDERING Relaxed: `clear` does the synchronising.
        self.word.load(Relaxed) & breaker::ALL
    }

    /// None of `bits` is pending; if the thread cleared them, what it did before is visible.
    pub(super) fn has_served(&self, bits: u32) -> bool {
        // ORDERING Acquire: pairs with `clear` (ST-10).
        self.word.load(rules::ACKNOWLEDGED) & bits == 0
    }

    /// The thread runs and may touch objects.
    pub fn is_attached(&self) -> bool {
        // ORDERING Relaxed: exact for the thread itself, a hint for others.
        self.word.load(Relaxed) & STATE == ATTACHED
    }

    /// References in this thread's merge queue. A snapshot.
    pub fn queue_len(&self) -> usize {
        self.queue.len()
    }

    /// ATTACHED to DETACHED; to SUSPENDED if a stop is pending. The thread itself calls it.
    pub(super) fn try_detach(&self) -> Detach {
        // ORDERING Relaxed: a guess; the CAS decides.
        let mut seen = self.word.load(Relaxed);
        loop {
            debug_assert_eq!(seen & STATE, ATTACHED, "only an attached thread can detach");
            if seen & breaker::MERGE != 0 && rules::DETACH_SERVES_MERGES {
                return Detach::Merge;
            }
            let to = if seen & breaker::STOP != 0 { SUSPENDED } else { DETACHED };
            // ORDERING AcqRel: Release: everything we did with objects is visible to who works on
            // our behalf from now on (ST-4). Acquire: as in `clear`.
            match self.word.compare_exchange_weak(seen, (seen & !STATE) | to, AcqRel, Relaxed) {
                Ok(_) => {
                    let awaited = seen & (breaker::STOP | breaker::HANDSHAKE) != 0;
                    return Detach::Done { awaited };
                }
                Err(now) => seen = now,
            }
        }
    }

    /// DETACHED to ATTACHED; sleeps while SUSPENDED or while a stop is pending. `came_down` is told
    /// when this thread suspends itself for a stop. `false`: it is left behind, and stays detached.
    #[must_use]
    pub(super) fn attach(&self, came_down: impl Fn()) -> bool {
        // ORDERING Relaxed: a guess; the CAS decides.
        let mut seen = self.word.load(Relaxed);
        loop {
            let suspended = seen & STATE == SUSPENDED && rules::ATTACH_WAITS_WHILE_SUSPENDED;
            if suspended {
                self.wait_at_gate();
                // ORDERING Relaxed: as above.
                seen = self.word.load(Relaxed);
                continue;
            }
            if seen & breaker::LEFT_BEHIND != 0 {
                return false;
            }
            let stop = seen & breaker::STOP != 0 && rules::ATTACH_HONOURS_STOP;
            let to = if stop { SUSPENDED } else { ATTACHED };
            // ORDERING AcqRel: Acquire: what was done on our behalf (ST-5). Release: as in `try_detach`.
            match self.word.compare_exchange_weak(seen, (seen & !STATE) | to, AcqRel, Relaxed) {
                Ok(_) if stop => {
                    came_down();
                    seen = (seen & !STATE) | SUSPENDED;
                }
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
    }

    fn wait_at_gate(&self) {
        let mut guard = self.gate.enter();
        // ORDERING Relaxed: the CAS of `attach` does the synchronising; a resume takes the gate's
        // lock after its store, so no wake-up is lost.
        while self.word.load(Relaxed) & STATE == SUSPENDED {
            *guard = true;
            guard = self.gate.wait(guard);
        }
        *guard = false;
    }

    /// The thread wants to attach and cannot, because somebody holds it suspended, or has until just now.
    pub(super) fn is_held_up(&self) -> bool {
        *self.gate.enter()
    }

    /// Takes hold of a detached thread: it cannot attach before [`ThreadState::resume`]. `false`: it
    /// is not detached.
    pub(super) fn suspend(&self) -> bool {
        // ORDERING Relaxed: a guess; the CAS decides.
        let mut seen = self.word.load(Relaxed);
        while seen & STATE == DETACHED {
            let next = (seen & !STATE) | SUSPENDED;
            // ORDERING AcqRel: what the thread wrote before it detached is ours to read (ST-4).
            match self.word.compare_exchange_weak(seen, next, rules::SUSPEND, Relaxed) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }

    /// Lets a suspended thread go, unless one of `unless` is pending (then `false`, and the caller
    /// keeps it). Clears `also_clear` in the same step.
    pub(super) fn resume(&self, unless: u32, also_clear: u32) -> bool {
        // ORDERING Relaxed: a guess; the CAS decides.
        let mut seen = self.word.load(Relaxed);
        loop {
            if seen & unless != 0 {
                return false;
            }
            let was_down = seen & STATE == SUSPENDED;
            let next = (seen & !also_clear & !STATE) | if was_down { DETACHED } else { seen & STATE };
            // ORDERING AcqRel: what we did on its behalf comes before its attach (ST-5).
            match self.word.compare_exchange_weak(seen, next, rules::RESUME, Relaxed) {
                Ok(_) if was_down => break,
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        drop(self.gate.enter());
        self.gate.notify();
        true
    }

    /// One step of stopping this thread; may be repeated at will.
    pub(super) fn bring_down(&self) -> Stopping {
        // ORDERING Relaxed: a guess; the CAS decides.
        let mut seen = self.word.load(Relaxed);
        loop {
            let (next, verdict) = match seen & STATE {
                ATTACHED => (seen | breaker::STOP, Stopping::Running),
                DETACHED => ((seen & !STATE) | SUSPENDED | breaker::STOP, Stopping::Down),
                SUSPENDED => (seen | breaker::STOP, Stopping::Down),
                _ => return Stopping::Down,
            };
            // ORDERING AcqRel: as in `suspend`; also when the thread brought itself down, so an
            // unchanged word is compared and exchanged too.
            match self.word.compare_exchange_weak(seen, next, rules::SUSPEND, Relaxed) {
                Ok(_) => return verdict,
                Err(now) => seen = now,
            }
        }
    }

    /// ATTACHED to EXITED. The queue is closed by now.
    pub(super) fn leave(&self) {
        // ORDERING AcqRel: as in `try_detach`.
        self.word.fetch_or(EXITED, AcqRel);
    }

    /// DETACHED to EXITED, for a thread that never ran, or does not want to run again.
    pub(super) fn leave_detached(&self) {
        // ORDERING Relaxed: a guess; the CAS decides.
        let mut seen = self.word.load(Relaxed);
        loop {
            if seen & STATE == SUSPENDED {
                self.wait_at_gate();
                // ORDERING Relaxed: as above.
                seen = self.word.load(Relaxed);
                continue;
            }
            // ORDERING AcqRel: as in `attach`.
            match self.word.compare_exchange_weak(seen, seen | EXITED, AcqRel, Relaxed) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }

    /// The calling thread, whose state this is, is about to sleep for the lock of an object; null: it does not.
    pub(super) fn claim(&self, object: *const Header) {
        // ORDERING Relaxed: published by the detaching.
        self.claims[0].store(object.cast_mut(), Relaxed);
    }

    /// As [`ThreadState::claim`], for the locks of a critical section.
    pub(super) fn claim_section(&self, low: *const Header, high: *const Header) {
        for (claim, object) in self.claims[1..].iter().zip([low, high]) {
            // ORDERING Relaxed: as in `claim`.
            claim.store(object.cast_mut(), Relaxed);
        }
    }

    /// Makes the mutexes anew that another thread may have held when the process was forked.
    ///
    /// # Safety
    /// This is the child of a fork, its only thread, and it holds no reference into these fields.
    pub(super) unsafe fn renew_after_fork(&self) {
        // SAFETY: the caller is alone, so nobody looks while the fields are replaced; the old values
        // are forgotten, because a mutex in use by a thread that is gone must not be dropped.
        unsafe {
            std::ptr::from_ref(&self.parker).cast_mut().write(Parker::default());
            std::ptr::from_ref(&self.gate).cast_mut().write(Monitor::default());
        }
    }

    /// The thread in this slot does not exist in the child of a fork.
    ///
    /// # Safety
    /// As [`ThreadState::renew_after_fork`]; the calling thread holds no lock of an object.
    pub(super) unsafe fn abandon_after_fork(&self) {
        // SAFETY: the caller's promise.
        unsafe { self.renew_after_fork() };
        for claim in &self.claims {
            // ORDERING Relaxed: there is one thread.
            let object = claim.swap(std::ptr::null_mut(), Relaxed);
            // SAFETY: null, or an object that the thread keeps alive, which nobody uses: the caller holds no lock.
            if let Some(object) = unsafe { object.as_ref() } {
                object.free_lock_after_fork();
            }
        }
        // ORDERING Relaxed: there is one thread.
        self.word.store(EXITED, Relaxed);
    }
}
