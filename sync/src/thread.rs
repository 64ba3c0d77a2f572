//! The private half of a thread: how it attaches, detaches, passes safepoints and exits.

use super::backoff::Backoff;
use super::critical_section::Sections;
use super::events::{self, Count};
use super::header::{FOLDED, Header, OwnerId};
use super::mode::Mode;
use super::parker::Wake;
use super::prim::AtomicU32;
use super::prim::Ordering::Relaxed;
use super::qsbr::{Free, RetireList, Retired, Smr};
use super::rules;
use super::thread_state::{Detach, ThreadState, breaker};
use super::world::World;
use std::cell::{Cell, RefCell};
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What this crate asks of its user.
pub trait Host {
    /// Destroys an object whose count is zero, finaliser and all. The calling thread is attached
    /// and holds no lock of this crate.
    fn dealloc(&self, thread: &ThreadCtx, object: *const Header);

    /// This thread passes a safepoint that somebody waits for ([`ThreadCtx::handshake`]).
    fn handshake(&self, _thread: &ThreadCtx) {}
}

/// What a thread does about object locks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Locks {
    Skipped,
    Taken,
    /// Taken, and an observer is told.
    Told,
}

impl Locks {
    fn of(taken: bool) -> Locks {
        match taken {
            false => Locks::Skipped,
            true if events::on() => Locks::Told,
            true => Locks::Taken,
        }
    }
}

/// A thread's own handle on its world. Made on the thread, or before it starts and given to it.
pub struct ThreadCtx {
    world: Arc<World>,
    state: NonNull<ThreadState>,
    id: OwnerId,
    me: OwnerId,
    /// Whether object locks are taken: in free mode, while the world is not stopped by this thread.
    locks: Cell<Locks>,
    exited: Cell<bool>,
    /// Asks for the GIL at once instead of after a switch interval.
    urgent: Cell<bool>,
    /// No other thread will ever attach.
    alone: Cell<bool>,
    pub(super) sections: Sections,
    pub(super) backoff: Backoff,
    doomed: RefCell<Vec<*const Header>>,
    retired: RefCell<RetireList>,
}

// SAFETY: one thread at a time uses it (it is not `Sync`), and everything it points to is shared.
unsafe impl Send for ThreadCtx {}

impl World {
    /// Registers a thread. It starts detached (suspended, if the world is stopped), and may be
    /// dropped without ever running.
    pub fn register(self: &Arc<World>) -> ThreadCtx {
        let mut roster = self.registry.lock();
        let (id, state) = self.registry.admit(&mut roster);
        let rendezvous = self.rendezvous.enter();
        state.occupy(id, rendezvous.stopped, roster.closed);
        drop(rendezvous);
        drop(roster);
        ThreadCtx {
            world: self.clone(),
            state: NonNull::from(state),
            id,
            me: self.mode().owner_id(id),
            locks: Cell::new(Locks::of(self.mode() != Mode::Gil)),
            exited: Cell::new(false),
            urgent: Cell::new(false),
            alone: Cell::new(false),
            sections: Sections::default(),
            backoff: Backoff::default(),
            doomed: RefCell::default(),
            retired: RefCell::default(),
        }
    }
}

impl ThreadCtx {
    /// The world this thread lives in.
    #[inline]
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// The part that other threads see.
    #[inline(always)]
    pub fn state(&self) -> &ThreadState {
        // SAFETY: a registry slot; it never moves, and `world` keeps it.
        unsafe { self.state.as_ref() }
    }

    /// Unique id of this thread, never reused.
    #[inline]
    pub fn id(&self) -> OwnerId {
        self.id
    }

    /// The owner id this thread counts with: its own, or [`OwnerId::GIL`].
    #[inline(always)]
    pub fn me(&self) -> OwnerId {
        self.me
    }

    /// Object locks are to be taken. The one test that skips them in GIL mode.
    #[inline(always)]
    pub fn takes_locks(&self) -> bool {
        !FOLDED && self.locks.get() != Locks::Skipped
    }

    /// Object locks are to be taken, and nobody wants to know how often. If not, ask
    /// [`ThreadCtx::takes_locks`], and tell of it with [`Count::LockTaken`].
    #[inline(always)]
    pub fn takes_plain_locks(&self) -> bool {
        !FOLDED && self.locks.get() == Locks::Taken
    }

    /// From now on this thread asks for the GIL without waiting a switch interval first: it holds it for
    /// less than one.
    pub fn be_urgent(&self) {
        self.urgent.set(true);
    }

    pub(super) fn set_takes_locks(&self, on: bool) {
        let on = (on && !self.alone.get()) || !rules::STOP_SKIPS_LOCKS;
        self.locks.set(Locks::of(on && !self.world.mode().has_gil()));
    }

    /// Pending breaker bits; not 0 sends the thread to [`ThreadCtx::safepoint`]. One relaxed load.
    /// Meant for an attached thread, whose state bits are 0.
    #[inline(always)]
    pub fn breaker(&self) -> u32 {
        // ORDERING Relaxed: a poll; whoever serves a bit clears it with an RMW.
        self.state().word().load(Relaxed)
    }

    /// Where the breaker word lives, for an interpreter that keeps the address at hand. Good as long
    /// as this context.
    pub fn breaker_word(&self) -> *const AtomicU32 {
        self.state().word()
    }

    /// Sets breaker bits of this very thread.
    pub fn raise(&self, bits: u32) {
        self.state().raise(bits);
    }

    /// Clears breaker bits of this thread; returns those that were set.
    pub fn take(&self, bits: u32) -> u32 {
        self.state().clear(bits) & bits
    }

    // Attaching and detaching.

    /// Becomes a running thread: takes the GIL if there is one, waits out a stop, goes online, and
    /// takes the innermost critical section again. Poll the breaker afterwards. Never returns to a thread that
    /// another one outlives ([`ThreadCtx::outlive_others`]).
    pub fn attach(&self) {
        self.attach_without_sections();
        self.resume_section();
    }

    pub(super) fn attach_without_sections(&self) {
        let state = self.state();
        if self.world.mode().has_gil() {
            self.world.gil.take(state, self.urgent.get());
        }
        if !state.attach(|| self.world.rendezvous.report()) {
            self.stay_behind();
        }
        self.world.qsbr.online(&state.seat);
    }

    /// Sleeps until the process ends, detached: its stack, which others may look into, stays as it is.
    #[cold]
    fn stay_behind(&self) -> ! {
        if self.world.mode().has_gil() {
            self.world.gil.release(self.state(), false);
        }
        loop {
            std::thread::park();
        }
    }

    /// Stops running: others may stop the world, merge on this thread's behalf, reclaim memory. Runs
    /// the destructors that are due first. The critical sections are given up until the next attach.
    pub fn detach(&self, host: &dyn Host) {
        loop {
            self.run_merges(host);
            if self.try_detach(false) {
                return;
            }
        }
    }

    /// As [`ThreadCtx::detach`], where no destructor may run: what dies goes to a list that the next
    /// safepoint works off.
    pub(super) fn detach_in_place(&self) {
        while !self.try_detach(false) {
            self.merge_in_place();
        }
    }

    fn try_detach(&self, hand_over: bool) -> bool {
        self.suspend_sections();
        let state = self.state();
        if events::on() && state.pending() & (breaker::STOP | breaker::HANDSHAKE) != 0 {
            events::answers();
        }
        // Offline before the word says so: others may free memory as soon as it does.
        self.world.qsbr.offline(&state.seat);
        match state.try_detach() {
            Detach::Merge => {
                self.world.qsbr.online(&state.seat);
                false
            }
            Detach::Done { awaited } => {
                if awaited {
                    self.world.rendezvous.report();
                }
                if self.world.mode().has_gil() {
                    self.world.gil.release(state, hand_over);
                }
                true
            }
        }
    }

    /// Runs `work`, which touches no object, detached.
    pub fn blocking<R>(&self, host: &dyn Host, work: impl FnOnce() -> R) -> R {
        self.detach(host);
        let result = work();
        self.attach();
        result
    }

    // Safepoints.

    /// Serves what this crate asks of the thread: merges, destructors, stops, handshakes, grace
    /// periods, the GIL. Returns the bits that are the embedder's to serve (and to clear).
    #[cold]
    pub fn safepoint(&self, host: &dyn Host) -> u32 {
        loop {
            let bits = self.state().pending();
            if bits & (breaker::MERGE | breaker::DOOMED) != 0 {
                self.run_merges(host);
            }
            if bits & breaker::HANDSHAKE != 0 {
                events::answers();
                host.handshake(self);
                if self.take(breaker::HANDSHAKE) != 0 {
                    self.world.rendezvous.report();
                }
            }
            if bits & breaker::QSBR != 0 {
                self.take(breaker::QSBR);
                self.reclaim();
            }
            if bits & (breaker::STOP | breaker::GIL_DROP) != 0 {
                self.yield_now(host);
            }
            if bits & breaker::OURS == 0 {
                return bits;
            }
        }
    }

    /// Lets others have their turn: comes down for a stop, hands the GIL over.
    pub fn yield_now(&self, host: &dyn Host) {
        loop {
            self.run_merges(host);
            if self.try_detach(true) {
                break;
            }
        }
        self.attach();
    }

    // Counting.

    /// Hands an object whose decrement ended in [`super::count::Fate::Queue`] to its owner.
    #[cold]
    pub fn enqueue(&self, object: &Header, host: &dyn Host) {
        events::counted(Count::Queued, object);
        let mut dead = Vec::new();
        self.world.enqueue(self.me, object, |object| dead.push(object));
        for object in dead {
            host.dealloc(self, object);
        }
    }

    /// Merges what strangers dropped, and destroys what nobody holds any more.
    pub fn run_merges(&self, host: &dyn Host) {
        loop {
            if self.state().pending() & breaker::MERGE != 0 {
                self.merge_in_place();
            }
            let doomed = self.take_doomed();
            if doomed.is_empty() {
                return;
            }
            for object in doomed {
                host.dealloc(self, object);
            }
        }
    }

    /// Merges without running destructors.
    fn merge_in_place(&self) {
        self.state().clear(breaker::MERGE);
        let mut doomed = self.doomed.borrow_mut();
        self.state().queue.drain(Count::MergedByOwner, |object| doomed.push(object));
        if !doomed.is_empty() {
            self.state().raise(breaker::DOOMED);
        }
    }

    fn take_doomed(&self) -> Vec<*const Header> {
        let doomed = std::mem::take(&mut *self.doomed.borrow_mut());
        if !doomed.is_empty() {
            self.state().clear(breaker::DOOMED);
        }
        doomed
    }

    // Stops and handshakes.

    fn begin(&self, stop: bool) {
        if stop && let Some(rest) = self.world.rendezvous.owed() {
            self.detach_in_place();
            std::thread::sleep(rest);
            self.attach();
        }
        while !self.world.rendezvous.try_begin(stop) {
            self.detach_in_place();
            self.world.rendezvous.wait_idle();
            self.attach();
        }
    }

    /// Stops all other threads until the result is dropped. The calling thread stays attached and
    /// takes no object locks meanwhile: a hand-off can have made a suspended thread the owner of one.
    pub fn stop_the_world(&self) -> Stopped<'_> {
        self.begin(true);
        self.world.rendezvous.bring_down(&self.world.registry, self.state(), None);
        self.set_takes_locks(false);
        Stopped { thread: self }
    }

    /// As [`ThreadCtx::stop_the_world`]; gives up, and lets everybody go, if not all have come down
    /// within `limit`.
    pub fn try_stop_the_world(&self, limit: Duration) -> Option<Stopped<'_>> {
        self.begin(true);
        let all_down = self.world.rendezvous.bring_down(&self.world.registry, self.state(), Some(limit));
        self.set_takes_locks(false);
        let stopped = Stopped { thread: self };
        all_down.then_some(stopped)
    }

    /// Waits until every other thread has passed a safepoint after this call ([`Host::handshake`]),
    /// or, for a thread that is detached, calls `on_behalf` while it holds that thread suspended;
    /// `on_behalf` must not block, stop the world or shake hands.
    pub fn handshake(&self, on_behalf: impl FnMut(&ThreadState)) {
        self.begin(false);
        self.world.rendezvous.shake(&self.world.registry, self.state(), on_behalf);
        self.world.rendezvous.end(&self.world.registry, self.state());
    }

    /// Makes the calling thread the only one that ever runs again: the others are brought down and never
    /// attach from here on, nor do those that register later. They stay what detached threads are: others
    /// merge on their behalf. The calling thread takes no object locks any more, since one that is left behind
    /// may own them. `when_down` runs while all are down.
    pub fn outlive_others(&self, when_down: impl FnOnce()) {
        let stopped = self.stop_the_world();
        let mut roster = self.world.registry.lock();
        roster.closed = true;
        for other in stopped.others() {
            other.raise(breaker::LEFT_BEHIND);
        }
        drop(roster);
        when_down();
        self.alone.set(true);
        drop(stopped);
    }

    // Waiting.

    /// Sleeps, detached, until somebody unparks this thread, `deadline` passes, or, if
    /// `interruptible`, a signal is pending. May also return `Unparked` for no reason.
    ///
    /// Runs no destructors, since those could wait too and take the wake-up meant for this wait: call
    /// [`ThreadCtx::run_merges`] before you announce the wait to whoever will unpark you.
    pub fn park(&self, deadline: Option<Instant>, interruptible: bool) -> Wake {
        let state = self.state();
        let interrupted = || interruptible && state.pending() & breaker::SIGNAL != 0;
        if interrupted() {
            return Wake::Signal;
        }
        self.detach_in_place();
        let wake = state.parker.wait(deadline, interrupted);
        self.attach();
        wake
    }

    /// Sleeps, detached, until `deadline` (`TimedOut`) or until a signal is pending (`Signal`).
    pub fn sleep_until(&self, host: &dyn Host, deadline: Instant) -> Wake {
        loop {
            self.run_merges(host);
            match self.park(Some(deadline), true) {
                Wake::Unparked => {}
                wake => return wake,
            }
        }
    }

    // Reclamation.

    /// Passes a quiescent point, frees what has had its grace period, asks threads that lag to pass
    /// a safepoint. The caller holds no pointer that it read without a lock.
    pub fn reclaim(&self) {
        let world = &self.world;
        let mut list = self.retired.borrow_mut();
        list.seal(&world.qsbr);
        world.qsbr.quiescent(&self.state().seat);
        let mut ripe = list.ripe(|goal| world.reached(goal));
        drop(list);
        ripe.extend(world.qsbr.ripe_orphans(|goal| world.reached(goal)));
        free_all(ripe);
    }

    /// Blocks of this thread that wait for a grace period.
    pub fn n_retired(&self) -> usize {
        self.retired.borrow().len()
    }

    // Exit.

    /// Ends the thread: works off its queue, leaves its retired memory to the others, frees its slot.
    /// Attaches first if need be; the objects it owned are merged by whoever drops them last.
    pub fn exit(self, host: &dyn Host) {
        if !self.state().is_attached() {
            self.attach();
        }
        loop {
            self.run_merges(host);
            if self.state().queue.close() {
                break;
            }
            self.state().raise(breaker::MERGE);
        }
        self.leave();
    }

    fn leave(&self) {
        let state = self.state();
        self.exited.set(true);
        self.suspend_sections();
        self.world.qsbr.adopt(self.retired.borrow_mut().take_all(&self.world.qsbr));
        self.world.qsbr.offline(&state.seat);
        // Not under the registry's lock: a requester may hold the rendezvous and wait for us.
        state.leave();
        let roster = self.world.registry.lock();
        state.vacate();
        drop(roster);
        self.world.rendezvous.report();
        if self.world.mode().has_gil() {
            self.world.gil.release(state, false);
        }
    }
}

impl Drop for ThreadCtx {
    /// A context that never ran just gives its slot back; one that ran should have called `exit`.
    fn drop(&mut self) {
        if self.exited.get() {
            return;
        }
        debug_assert!(
            !self.state().is_attached() || std::thread::panicking(),
            "an attached thread must call `exit`"
        );
        if self.state().is_attached() {
            self.leave();
            return;
        }
        while !self.state().queue.close() {
            self.world.merge_on_behalf(self.state(), |_| {});
        }
        self.state().leave_detached();
        self.world.qsbr.adopt(self.retired.get_mut().take_all(&self.world.qsbr));
        let roster = self.world.registry.lock();
        self.state().vacate();
        drop(roster);
        self.world.rendezvous.report();
    }
}

impl Smr for ThreadCtx {
    fn online(&self) {
        self.world.qsbr.online(&self.state().seat);
    }

    fn offline(&self) {
        self.world.qsbr.offline(&self.state().seat);
    }

    fn quiescent(&self) {
        self.world.qsbr.quiescent(&self.state().seat);
    }

    unsafe fn retire(&self, address: *mut u8, bytes: usize, free: Free) {
        if self.retired.borrow_mut().push(address, bytes, free) {
            self.raise(breaker::QSBR);
        }
    }

    fn advance(&self) -> u64 {
        self.world.qsbr.advance()
    }

    fn reached(&self, goal: u64) -> bool {
        self.world.reached(goal)
    }
}

fn free_all(blocks: Vec<Retired>) {
    for block in blocks {
        // SAFETY: the list gave it out because its goal has been reached.
        unsafe { block.free() };
    }
}

/// All other threads are suspended while this lives.
pub struct Stopped<'t> {
    thread: &'t ThreadCtx,
}

impl Stopped<'_> {
    /// The other threads, all suspended: their queues and counts may be worked on.
    pub fn others(&self) -> impl Iterator<Item = &ThreadState> {
        let me = self.thread.id;
        self.thread.world.registry.threads().filter(move |thread| thread.id() != me)
    }

    /// Merges what waits in every thread's queue, as those threads would. Calls `dead` for each
    /// object that nobody holds any more; destroy them after the stop.
    pub fn merge_all(&self, mut dead: impl FnMut(*const Header)) {
        for thread in self.thread.world.registry.threads() {
            thread.clear(breaker::MERGE);
            thread.queue.drain(Count::MergedOnBehalf, &mut dead);
        }
    }
}

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        let (thread, world) = (self.thread, &self.thread.world);
        world.rendezvous.end(&world.registry, thread.state());
        thread.set_takes_locks(true);
        // Drops during the stop may have queued objects for threads that are detached for long.
        let mut doomed = thread.doomed.borrow_mut();
        for other in world.registry.threads() {
            if other.pending() & breaker::MERGE != 0 && !std::ptr::eq(other, thread.state()) {
                world.merge_on_behalf(other, |object| doomed.push(object));
            }
        }
        if !doomed.is_empty() {
            thread.raise(breaker::DOOMED);
        }
    }
}
