//! The collector's own thread, and what it leaves for mutators to do.
//!
//! The thread searches (`gc::cycles`), and never runs Python code: portions of garbage, and objects that
//! died while it acted for others, wait here until a mutator passes a safepoint. It is started by the first
//! collection that is too large to be done in place.
//!
//! Who may do what, under [`Background::state`]: one search at a time; none begins while somebody *holds*
//! the background still ([`hold`]), and to hold it is to wait for the end of the search.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};
use typhon_sync::prim::Ordering;

use typhon_gc::cycles::{Outcome, Portion, Search};
use typhon_gc::pauses::{Pause, Watch};
use typhon_gc::{Generation, Host};
use typhon_sync::header::{Header, OwnerId};
use typhon_sync::monitor::Monitor;
use typhon_sync::passage::{self, Beginning};
use typhon_sync::prim::{lock, time_until};
use typhon_sync::thread_state::breaker;

use super::VmHost;
use crate::reaper;
use crate::runtime::{Runtime, rt};
use crate::thread::Thread;
use crate::threads;

/// How long a mutator takes garbage apart before it goes on with its program; the portion at hand is
/// finished.
const SLICE: Duration = Duration::from_micros(200);
/// How long a thread that outruns the collector stands at a time.
const NAP: Duration = Duration::from_micros(250);
/// How long the collector waits for a thread to prove what is private to it, before it stops the world for
/// that.
const OWNERS_COME: Duration = Duration::from_millis(20);

/// How often the collector's thread returns memory: more often than the allocator would do it by itself.
const RETURN_EVERY: Duration = Duration::from_millis(500);

/// State of the background collector.
#[derive(Default)]
pub struct Background {
    /// Waited for outside stops, so not by `parking_lot`: a fork may find its tables locked by a thread that the
    /// child does not have.
    state: Monitor<State>,
    /// Held while memory is returned, and over a fork: a child would not see the end of it.
    returning: Mutex<()>,
}

#[derive(Default)]
struct State {
    /// The thread exists.
    started: bool,
    /// The thread will not run again.
    closed: bool,
    /// What to search next.
    request: Option<Generation>,
    /// When to look at what has retired.
    reap_at: Option<Instant>,
    /// A search is under way.
    busy: bool,
    /// Threads that want no search to begin, by their number; once for each time that they said so.
    holders: Vec<u64>,
    portions: VecDeque<Portion>,
    /// Threads that are taking portions apart; one that does so again in a finaliser is there twice.
    servers: Vec<Server>,
    /// How often threads have begun to.
    sessions: u64,
    /// Dead objects that nobody has destroyed.
    dead: Vec<Dead>,
    /// What all searches did.
    searched: Search,
    /// The last search, until its garbage is gone and `gc.callbacks` has been told.
    round: Option<Round>,
}

/// A thread that is taking portions apart, by its number, and which time this is.
struct Server {
    ident: u64,
    session: u64,
}

struct Dead(*mut Header);
// SAFETY: dead objects belong to whoever takes them off the list.
unsafe impl Send for Dead {}

#[derive(Clone, Copy)]
struct Round {
    generation: Generation,
    outcome: Outcome,
    searched: bool,
}

impl Background {
    /// What all searches so far did.
    pub fn searched(&self) -> Search {
        self.state.enter().searched
    }

    /// Is there anything to be done by the thread that counts as `me`?
    fn has_work(&self, me: OwnerId) -> bool {
        let state = self.state.enter();
        state.portion_for(me).is_some() || !state.dead.is_empty() || state.is_over()
    }

    /// Is a search under way, or is there garbage of one that nobody has taken apart?
    fn is_busy(&self) -> bool {
        let state = self.state.enter();
        state.busy || state.request.is_some() || state.round.is_some()
    }
}

impl State {
    /// Sees that the collector's thread exists. False: the system refuses it, or it would not run.
    fn start_thread(&mut self, rt: &'static Runtime) -> bool {
        if self.closed {
            return false;
        }
        let builder = std::thread::Builder::new().name(String::from("collector")).stack_size(1 << 20);
        self.started = self.started || passage::spawn(builder, move |beginning| run(rt, beginning)).is_ok();
        self.started
    }

    /// Place of the first portion that a thread may take.
    fn portion_for(&self, me: OwnerId) -> Option<usize> {
        self.portions.iter().position(|portion| portion.owner().is_none_or(|owner| owner == me))
    }

    /// The search has ended, and its garbage is gone.
    fn is_over(&self) -> bool {
        self.round.is_some_and(|round| round.searched) && self.portions.is_empty() && self.servers.is_empty()
    }
}

/// Asks for a search, unless one is under way; starts the collector's thread if need be. False: there is no
/// thread for it.
pub(super) fn request(th: &mut Thread, generation: Generation) -> bool {
    let background = &th.rt.collecting.background;
    {
        let mut state = background.state.enter();
        if state.closed {
            return false;
        }
        if state.busy || state.request.is_some() || state.round.is_some() || !state.holders.is_empty() {
            return true;
        }
        if !state.start_thread(th.rt) {
            return false;
        }
    }
    super::tell_callbacks(th, "start", generation, &Outcome::default());
    let mut state = background.state.enter();
    if state.round.is_none() && !state.busy {
        state.round = Some(Round { generation, outcome: Outcome::default(), searched: false });
        state.request = Some(generation);
        background.state.notify();
    }
    true
}

/// Asks for a look at what has retired ([`crate::reaper`]), some time from now.
pub(crate) fn reap_soon(th: &mut Thread) {
    let background = &th.rt.collecting.background;
    let mut state = background.state.enter();
    // Without a thread for it, objects wait until there are many, or for `gc.collect()`.
    if state.reap_at.is_none() && state.start_thread(th.rt) {
        state.reap_at = Some(Instant::now() + reaper::REAP_EVERY);
        background.state.notify();
    }
}

/// The collector's thread.
fn run(rt: &'static Runtime, beginning: Beginning) {
    let background = &rt.collecting.background;
    let mut th = threads::enter(rt, Some(beginning));
    th.sync.ctx.be_urgent();
    th.sync.ctx.detach(&threads::VmHost);
    let mut return_at = Instant::now();
    loop {
        let generation = {
            let mut state = background.state.enter();
            loop {
                let now = Instant::now();
                if state.holders.is_empty()
                    && let Some(generation) = state.request.take()
                {
                    state.busy = true;
                    break generation;
                }
                if state.holders.is_empty() && state.reap_at.is_some_and(|at| now >= at) {
                    state.busy = true;
                    state.reap_at = None;
                    drop(state);
                    let again = reap(&mut th);
                    state = background.state.enter();
                    state.reap_at = state.reap_at.or(again);
                    state.busy = false;
                    background.state.notify();
                } else if now >= return_at {
                    drop(state);
                    {
                        let _returning = lock(&background.returning);
                        (rt.config.return_memory)();
                    }
                    return_at = Instant::now() + RETURN_EVERY;
                    state = background.state.enter();
                } else {
                    let next = state.reap_at.map_or(return_at, |at| at.min(return_at));
                    (state, _) = background.state.wait_for(state, next - now);
                }
            }
        };
        th.sync.ctx.attach();
        let mut host = VmHost { is_collector: true, ..VmHost::new(&mut th) };
        let collector = &rt.collecting.collector;
        let (mut search, shared) = collector.search(&mut host, generation, |_, portion| {
            let owner = portion.owner();
            background.state.enter().portions.push_back(portion);
            tell(rt, owner);
        });
        let mut patience = Patience::new();
        while let Some(portion) = background.left_by_owners(&mut host, &mut patience) {
            if let Portion::Suspect(suspect) = portion
                && let Some(portion) = collector.prove_for_owner(&mut host, generation, suspect, &mut search)
            {
                background.state.enter().portions.push_back(portion);
                tell(rt, None);
            }
        }
        let asked = Instant::now();
        while !shared.is_mine() && asked.elapsed() < OWNERS_COME {
            host.rest(SLICE);
        }
        hand_over_dead(&mut th);
        th.sync.ctx.detach(&threads::VmHost);
        drop(shared);
        hand_over_dead(&mut th);
        let mut state = background.state.enter();
        state.busy = false;
        state.searched += search;
        if let Some(round) = &mut state.round {
            round.searched = true;
        }
        background.state.notify();
        drop(state);
        tell(rt, None);
    }
}

/// Looks at what has retired. When to do it again.
fn reap(th: &mut Thread) -> Option<Instant> {
    th.sync.ctx.attach();
    let again = reaper::reap_in_background(th);
    hand_over_dead(th);
    th.sync.ctx.detach(&threads::VmHost);
    again.then(|| Instant::now() + reaper::REAP_EVERY)
}

/// How long owners have not come for anything.
struct Patience {
    waiting: usize,
    since: Instant,
}

impl Patience {
    fn new() -> Patience {
        Patience { waiting: usize::MAX, since: Instant::now() }
    }
}

impl Background {
    /// A portion that its owner does not come for, or cannot. `None`: there is none, and all others have
    /// been taken.
    fn left_by_owners(&self, host: &mut VmHost, patience: &mut Patience) -> Option<Portion> {
        let registry = rt().threads.world.registry();
        let is_gone = |owner: OwnerId| owner != OwnerId::GIL && registry.find(owner).is_none();
        loop {
            {
                let mut state = self.state.enter();
                let owners = || state.portions.iter().map(Portion::owner).enumerate();
                let (first, _) = owners().find(|(_, owner)| owner.is_some())?;
                let n = owners().filter(|(_, owner)| owner.is_some()).count();
                let gone = owners().find(|(_, owner)| owner.is_some_and(is_gone)).map(|(place, _)| place);
                if n < patience.waiting {
                    *patience = Patience { waiting: n, since: Instant::now() };
                }
                let late = (patience.since.elapsed() > OWNERS_COME).then_some(first);
                if let Some(left) = gone.or(late) {
                    // What we take is no progress of theirs.
                    patience.waiting = n - 1;
                    return state.portions.remove(left);
                }
            }
            host.rest(SLICE);
        }
    }
}

/// What died while this thread acted for others is destroyed by a mutator.
pub(super) fn hand_over_dead(th: &mut Thread) {
    if !th.pending_drops.is_empty() {
        let background = &th.rt.collecting.background;
        background.state.enter().dead.extend(th.pending_drops.drain(..).map(Dead));
        tell(th.rt, None);
    }
}

/// Visits what was handed over and nobody has destroyed. World stopped.
pub(super) fn for_each_dead(th: &Thread, mut visit: impl FnMut(&Header)) {
    let state = th.rt.collecting.background.state.enter();
    // SAFETY: not destroyed: who destroys it takes it off the list first, and is stopped.
    state.dead.iter().for_each(|dead| visit(unsafe { &*dead.0 }));
}

/// Sends a thread, or every one, to a safepoint where it finds the work that waits.
fn tell(rt: &Runtime, owner: Option<OwnerId>) {
    match owner {
        Some(owner) if owner != OwnerId::GIL => {
            rt.threads.world.raise(owner, breaker::GC);
        }
        _ => {
            for thread in rt.threads.world.registry().threads() {
                thread.raise(breaker::GC);
            }
        }
    }
}

/// Works off what the collector has left, for about a [`SLICE`]; `all`: everything.
pub(super) fn serve(th: &mut Thread, all: bool) {
    let background = &th.rt.collecting.background;
    let watch = Watch::start();
    let more = || all || watch.elapsed() < SLICE;
    let (dead, round) = {
        let mut state = background.state.enter();
        (core::mem::take(&mut state.dead), state.round)
    };
    th.pending_drops.extend(dead.into_iter().map(|dead| dead.0));
    th.drain_drops();
    let Some(round) = round else { return };
    let (me, ident) = (th.owner, th.ident);
    let mut first = true;
    let mut serving = None;
    let outcome = super::take_apart(th, round.generation, || {
        if !core::mem::take(&mut first) && !more() {
            return None;
        }
        let mut state = background.state.enter();
        let portion = state.portion_for(me).and_then(|place| state.portions.remove(place))?;
        if serving.is_none() {
            state.sessions += 1;
            let session = state.sessions;
            serving = Some(session);
            state.servers.push(Server { ident, session });
        }
        Some(portion)
    });
    let mut state = background.state.enter();
    if let Some(session) = serving {
        th.rt.collecting.collector.policy.pauses.record(Pause::Slice, &watch);
        state.servers.retain(|server| server.session != session);
        background.state.notify();
    }
    let Some(round) = &mut state.round else { return };
    round.outcome.collected += outcome.collected;
    round.outcome.uncollectable += outcome.uncollectable;
    let ended = *round;
    if state.is_over() {
        state.round = None;
        drop(state);
        super::tell_callbacks(th, "stop", ended.generation, &ended.outcome);
    } else if state.portion_for(me).is_some() {
        drop(state);
        th.sync.ctx.raise(breaker::GC);
    }
}

/// Waits until no other thread is taking a portion apart that it has by now, at the longest until `limit`.
pub(super) fn wait_for_servers(th: &mut Thread, limit: Instant) {
    let background = &th.rt.collecting.background;
    let ident = th.ident;
    let state = background.state.enter();
    let now = state.sessions;
    let others = move |state: &State| {
        state.servers.iter().any(|server| server.ident != ident && server.session <= now)
    };
    let must_wait = others(&state);
    drop(state);
    if must_wait {
        threads::blocking(th, || {
            let mut state = background.state.enter();
            while others(&state)
                && let Some(left) = time_until(limit)
            {
                (state, _) = background.state.wait_for(state, left);
            }
        });
    }
}

/// At a safepoint: whatever waits for a mutator.
pub(super) fn at_safepoint(th: &mut Thread) {
    if (super::is_concurrent(th.rt) || reaper::is_in_use(th.rt))
        && th.rt.collecting.background.has_work(th.owner)
    {
        serve(th, false);
    }
}

/// Gives the collector time when births outrun it: called when this thread has published some, while a search
/// is under way. `due`: births that call for a collection.
pub(super) fn give_way(th: &mut Thread, due: u64) {
    if th.rt.heap.young().max(0) as u64 <= due {
        return;
    }
    let background = &th.rt.collecting.background;
    let watch = Watch::start();
    threads::blocking(th, || {
        let state = background.state.enter();
        if state.busy && state.portions.is_empty() {
            drop(background.state.wait_for(state, NAP));
        }
    });
    th.rt.collecting.collector.policy.pauses.record(Pause::Nap, &watch);
}

/// Is the background collector at work, as far as a new collection is concerned?
pub(super) fn is_busy(rt: &Runtime) -> bool {
    super::is_concurrent(rt) && rt.collecting.background.is_busy()
}

/// No search goes on while this lives.
pub struct Hold {
    background: &'static Background,
    ident: u64,
}

/// Waits for the end of the search that may be under way, and keeps further ones from beginning. The
/// calling thread detaches while it waits.
pub fn hold(th: &mut Thread) -> Hold {
    let background = &rt().collecting.background;
    let mut state = background.state.enter();
    state.holders.push(th.ident);
    if state.busy {
        drop(state);
        threads::blocking(th, || {
            let mut state = background.state.enter();
            while state.busy {
                state = background.state.wait(state);
            }
        });
    } else {
        drop(state);
    }
    Hold { background, ident: th.ident }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let holders = &mut self.background.state.enter().holders;
        if let Some(place) = holders.iter().position(|&ident| ident == self.ident) {
            holders.swap_remove(place);
        }
        self.background.state.notify();
    }
}

impl Background {
    /// Nothing is done in the background from here on, and no thread but `ident` runs again. World stopped, and
    /// held still by that thread.
    pub(super) fn close(&self, ident: u64) {
        let mut state = self.state.enter();
        state.closed = true;
        state.reap_at = None;
        state.forget_others(ident);
    }
}

impl State {
    /// What was searched can still be taken apart by the one thread that is left; what was not is asked for
    /// again.
    fn forget_others(&mut self, ident: u64) {
        self.request = None;
        self.round = self.round.filter(|round| round.searched);
        self.holders.retain(|&holder| holder == ident);
        self.servers.retain(|server| server.ident == ident);
    }
}

/// The locks of the background, over a fork: in the child there is neither the collector's thread nor
/// another one at work for it.
pub(crate) struct OverFork {
    state: MutexGuard<'static, State>,
    _returning: MutexGuard<'static, ()>,
}

pub(crate) fn before_fork() -> OverFork {
    let background = &rt().collecting.background;
    let _returning = lock(&background.returning);
    OverFork { state: background.state.enter(), _returning }
}

impl OverFork {
    /// `th`: the thread that forked.
    pub fn in_child(mut self, th: &Thread) {
        let state = &mut *self.state;
        state.started = false;
        // The next object that retires asks for it again.
        state.reap_at = None;
        state.forget_others(th.ident);
        // ORDERING Relaxed: the only thread.
        rt().collecting.waiting.store(0, Ordering::Relaxed);
        if !th.has_collectors_turn {
            rt().collecting.collector.end_turn_of_gone_thread();
        }
    }
}
