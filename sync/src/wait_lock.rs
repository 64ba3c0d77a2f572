//! The lock behind `_thread.lock`: waited for on the thread's parker, with a deadline, interruptible
//! by signals, released by any thread. And the re-entrant one behind `_thread.RLock`.
//!
//! A release wakes the longest waiter and lets threads compete, which keeps a lock that is taken in
//! a loop off the scheduler; a waiter that has lost for 1 ms is given the lock outright.

use super::header::OwnerId;
use super::parker::Wake;
use super::prim::Ordering::{AcqRel, Acquire, Relaxed, Release};
use super::prim::{AtomicU8, AtomicU32, AtomicUsize, Mutex, lock};
use super::thread::{Host, ThreadCtx};
use super::thread_state::{ThreadState, breaker};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

const LOCKED: u8 = 1;
const WAITERS: u8 = 2;
const HAND_OFF_AFTER: Duration = Duration::from_millis(1);

/// How an attempt to acquire ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// The caller holds the lock.
    Yes,
    /// The deadline passed.
    TimedOut,
    /// A signal is pending: serve it, then try again with what is left of the time.
    Interrupted,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Waiting,
    Woken,
    Handed,
}

struct Waiter {
    thread: *const ThreadState,
    id: OwnerId,
    since: Instant,
    ticket: u64,
    turn: Turn,
}

// SAFETY: the pointer leads to a registry slot, which is shared and never moves.
unsafe impl Send for Waiter {}

impl Waiter {
    /// No thread exits while it waits, but in the child of a fork it does not exist, and it may be left behind.
    fn can_come(&self) -> bool {
        // SAFETY: a registry slot; it never moves.
        let thread = unsafe { &*self.thread };
        thread.id() == self.id && thread.pending() & breaker::LEFT_BEHIND == 0
    }
}

#[derive(Default)]
struct Queue {
    waiters: VecDeque<Waiter>,
    /// Threads taken out of the line that have not looked yet.
    called: Vec<Waiter>,
    last_ticket: u64,
}

/// A lock that Python code can wait for. Has no owner: any thread may release it.
#[derive(Default)]
pub struct WaitLock {
    word: AtomicU8,
    queue: Mutex<Queue>,
}

impl WaitLock {
    pub fn new() -> WaitLock {
        WaitLock::default()
    }

    /// Takes the lock if it is free.
    #[inline]
    pub fn try_acquire(&self) -> bool {
        // ORDERING Relaxed: a guess; the CAS decides.
        let mut seen = self.word.load(Relaxed);
        while seen & LOCKED == 0 {
            // ORDERING Acquire: pairs with `release`.
            match self.word.compare_exchange_weak(seen, seen | LOCKED, Acquire, Relaxed) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }

    /// Somebody holds the lock. A snapshot.
    pub fn is_locked(&self) -> bool {
        // ORDERING Relaxed: a snapshot.
        self.word.load(Relaxed) & LOCKED != 0
    }

    /// Takes the lock, waiting until `deadline` (for ever if `None`). While it waits the thread is
    /// detached, so a GIL is released and a stop can go on.
    pub fn acquire(
        &self,
        thread: &ThreadCtx,
        host: &dyn Host,
        deadline: Option<Instant>,
        interruptible: bool,
    ) -> Acquired {
        if self.try_acquire() {
            return Acquired::Yes;
        }
        if thread.takes_locks() && thread.backoff.wait(|| thread.breaker() != 0, || self.try_acquire()) {
            return Acquired::Yes;
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Acquired::TimedOut;
        }
        thread.run_merges(host);
        self.wait(thread, deadline, interruptible)
    }

    #[cold]
    fn wait(&self, thread: &ThreadCtx, deadline: Option<Instant>, interruptible: bool) -> Acquired {
        let since = Instant::now();
        loop {
            let Some(ticket) = self.line_up(thread, since) else { return Acquired::Yes };
            let ended = loop {
                let wake = thread.park(deadline, interruptible);
                match (self.turn(ticket), wake) {
                    (Turn::Handed, _) => return Acquired::Yes,
                    (Turn::Woken, _) => break None,
                    (Turn::Waiting, Wake::Unparked) => {}
                    (Turn::Waiting, Wake::TimedOut) => break Some(Acquired::TimedOut),
                    (Turn::Waiting, Wake::Signal) => break Some(Acquired::Interrupted),
                }
            };
            if let Some(ended) = ended {
                return if self.give_up(ticket) { Acquired::Yes } else { ended };
            }
            if self.try_acquire() {
                return Acquired::Yes;
            }
        }
    }

    /// Joins the line; `None`: the lock was free and is the caller's now.
    fn line_up(&self, thread: &ThreadCtx, since: Instant) -> Option<u64> {
        let mut queue = lock(&self.queue);
        // ORDERING AcqRel: Acquire as in `try_acquire`, in case it was free; every releaser after
        // this comes to the queue.
        let before = self.word.fetch_or(WAITERS | LOCKED, AcqRel);
        if before & LOCKED == 0 {
            if queue.waiters.is_empty() {
                // ORDERING Relaxed: the queue's lock orders it against others who line up.
                self.word.fetch_and(!WAITERS, Relaxed);
            }
            return None;
        }
        queue.last_ticket += 1;
        let ticket = queue.last_ticket;
        let (id, turn) = (thread.id(), Turn::Waiting);
        let waiter = Waiter { thread: thread.state(), id, since, ticket, turn };
        // Whoever was woken and lost stays ahead of those who came later.
        let place = queue.waiters.iter().take_while(|other| other.since <= since).count();
        queue.waiters.insert(place, waiter);
        Some(ticket)
    }

    fn turn(&self, ticket: u64) -> Turn {
        let mut queue = lock(&self.queue);
        match queue.called.iter().position(|waiter| waiter.ticket == ticket) {
            Some(place) => queue.called.swap_remove(place).turn,
            None => Turn::Waiting,
        }
    }

    /// Leaves the line. `true`: the caller was called meanwhile and has the lock.
    fn give_up(&self, ticket: u64) -> bool {
        let mut queue = lock(&self.queue);
        if let Some(place) = queue.called.iter().position(|waiter| waiter.ticket == ticket) {
            let turn = queue.called.swap_remove(place).turn;
            drop(queue);
            // Woken but not handed: take it, or leave it to its holder, whose release calls the next.
            return turn == Turn::Handed || self.try_acquire();
        }
        queue.waiters.retain(|waiter| waiter.ticket != ticket);
        if queue.waiters.is_empty() {
            // ORDERING Relaxed: as in `line_up`.
            self.word.fetch_and(!WAITERS, Relaxed);
        }
        false
    }

    /// Gives the lock back. `false`: it was not locked.
    pub fn release(&self) -> bool {
        // ORDERING Release: pairs with `try_acquire`.
        match self.word.compare_exchange(LOCKED, 0, Release, Relaxed) {
            Ok(_) => true,
            Err(seen) => seen & LOCKED != 0 && self.release_to_waiter(),
        }
    }

    #[cold]
    fn release_to_waiter(&self) -> bool {
        let mut queue = lock(&self.queue);
        let next = std::iter::from_fn(|| queue.waiters.pop_front()).find(Waiter::can_come);
        let Some(mut waiter) = next else {
            // ORDERING Release: as in `release`.
            return self.word.fetch_and(!(LOCKED | WAITERS), Release) & LOCKED != 0;
        };
        let handed = waiter.since.elapsed() > HAND_OFF_AFTER;
        waiter.turn = if handed { Turn::Handed } else { Turn::Woken };
        let rest = if queue.waiters.is_empty() { 0 } else { WAITERS };
        // ORDERING Release: as in `release`. The word is LOCKED, so only its holder, and those who
        // have the queue's lock, change it.
        self.word.store(if handed { LOCKED | rest } else { rest }, Release);
        let sleeper = waiter.thread;
        queue.called.push(waiter);
        drop(queue);
        // SAFETY: a registry slot; it never moves. If the thread has gone on, the wake-up is spurious.
        unsafe { &*sleeper }.parker.unpark();
        true
    }

    /// Makes the lock free, with nobody waiting: after a fork, where its holder and the waiters do not exist.
    pub fn reset_after_fork(&self) {
        let mut queue = lock(&self.queue);
        queue.waiters.clear();
        queue.called.clear();
        // ORDERING Release: as in `release`.
        self.word.store(0, Release);
    }
}

/// A lock that its holder may take again.
#[derive(Default)]
pub struct ReentrantLock {
    lock: WaitLock,
    /// Id of the holding thread; 0: nobody.
    owner: AtomicU32,
    depth: AtomicUsize,
}

impl ReentrantLock {
    pub fn new() -> ReentrantLock {
        ReentrantLock::default()
    }

    /// The calling thread holds the lock.
    #[inline]
    pub fn is_owned(&self, thread: &ThreadCtx) -> bool {
        // ORDERING Relaxed: only this thread stores its own id, so "yes" is never stale.
        self.owner.load(Relaxed) == thread.id().0
    }

    /// Id of the holder; 0: nobody. A snapshot.
    pub fn owner(&self) -> u32 {
        // ORDERING Relaxed: a snapshot.
        self.owner.load(Relaxed)
    }

    /// Times the holder has taken it.
    pub fn depth(&self) -> usize {
        // ORDERING Relaxed: exact for the holder.
        self.depth.load(Relaxed)
    }

    /// As [`WaitLock::acquire`]; at once if the thread has it already.
    pub fn acquire(
        &self,
        thread: &ThreadCtx,
        host: &dyn Host,
        deadline: Option<Instant>,
        interruptible: bool,
    ) -> Acquired {
        if self.is_owned(thread) {
            // ORDERING Relaxed: only the holder changes it.
            self.depth.fetch_add(1, Relaxed);
            return Acquired::Yes;
        }
        let acquired = self.lock.acquire(thread, host, deadline, interruptible);
        if acquired == Acquired::Yes {
            self.own(thread, 1);
        }
        acquired
    }

    fn own(&self, thread: &ThreadCtx, depth: usize) {
        // ORDERING Relaxed: only the holder writes; see `is_owned`.
        self.owner.store(thread.id().0, Relaxed);
        // ORDERING Relaxed: as above.
        self.depth.store(depth, Relaxed);
    }

    /// Gives back one taking. `false`: the thread does not hold the lock.
    pub fn release(&self, thread: &ThreadCtx) -> bool {
        if !self.is_owned(thread) {
            return false;
        }
        // ORDERING Relaxed: only the holder changes it.
        if self.depth.fetch_sub(1, Relaxed) == 1 {
            // ORDERING Relaxed: as in `own`.
            self.owner.store(0, Relaxed);
            self.lock.release();
        }
        true
    }

    /// Gives the lock back entirely, for a condition's wait; returns the depth to restore.
    pub fn release_all(&self, thread: &ThreadCtx) -> Option<usize> {
        if !self.is_owned(thread) {
            return None;
        }
        let depth = self.depth();
        // ORDERING Relaxed: as in `own`.
        self.depth.store(0, Relaxed);
        // ORDERING Relaxed: as in `own`.
        self.owner.store(0, Relaxed);
        self.lock.release();
        Some(depth)
    }

    /// Takes the lock back after [`ReentrantLock::release_all`]; not interruptible.
    pub fn reacquire(&self, thread: &ThreadCtx, host: &dyn Host, depth: usize) {
        while self.lock.acquire(thread, host, None, false) != Acquired::Yes {}
        self.own(thread, depth);
    }

    /// Somebody holds the lock. A snapshot.
    pub fn is_locked(&self) -> bool {
        self.lock.is_locked()
    }

    /// As [`WaitLock::reset_after_fork`].
    pub fn reset_after_fork(&self) {
        // ORDERING Relaxed: as in `own`.
        self.depth.store(0, Relaxed);
        // ORDERING Relaxed: as in `own`.
        self.owner.store(0, Relaxed);
        self.lock.reset_after_fork();
    }
}
