//! The VM's side of the cycle collector: what objects refer to, how the world is stopped, what happens
//! to garbage, when to collect.
//!
//! The collector itself is [`typhon_gc::Collector`]; here is its [`Host`].

mod background;
mod ending;
mod zeal;

use std::time::{Duration, Instant};
use typhon_sync::prim::{AtomicBool, AtomicU32, Ordering};

pub use background::{Background, Hold, hold};
pub(crate) use background::{before_fork, reap_soon};
pub(crate) use ending::{last_turn, others_are_gone};
use typhon_gc::cycles::{Confined, Options, Outcome, Portion, Turn};
use typhon_gc::heap::OwnBirths;
use typhon_gc::{Collector, Host, Trace};
pub use typhon_gc::{Generation, Strategy};
use typhon_sync::header::{Header, OwnerId, gc_bits};
use typhon_sync::thread_state::breaker;
use typhon_sync::{Stopped, ThreadCtx};
use zeal::Zeal;

use crate::builtins::dict::Dict;
use crate::builtins::list::List;
use crate::object::{Beside, Borrowed, Owned, Slot};
use crate::quarantine;
use crate::runtime::{Config, Runtime, rt};
use crate::shape::{self, Shape};
use crate::thread::{self, Thread};
use crate::typedef::{References, Visit, type_flags};
use crate::types::Type;
use crate::word::Word;

/// Bits of `gc.set_debug`.
pub mod debug {
    pub const STATS: u32 = 1 << 0;
    pub const COLLECTABLE: u32 = 1 << 1;
    pub const UNCOLLECTABLE: u32 = 1 << 2;
    pub const SAVEALL: u32 = 1 << 5;
    pub const LEAK: u32 = COLLECTABLE | UNCOLLECTABLE | SAVEALL;
}

/// Objects up to which a collection is done in place, in one stop: for so few, a search costs more.
const IN_PLACE: usize = 4_000;
/// How long a collection that a program asks for waits for those of other threads to end.
const COLLECT_WAITS: Duration = Duration::from_secs(5);
/// How long the background collector reads without a breath.
const QUANTUM: Duration = Duration::from_micros(100);

/// What belongs to the runtime as a whole.
pub struct Collecting {
    pub collector: Collector,
    /// `gc.set_debug`.
    pub debug: AtomicU32,
    pub background: Background,
    /// Threads that wait for the turn to collect: those that would not wait leave it to them.
    waiting: AtomicU32,
    /// The process ends: nobody begins a collection any more but the thread that outlives the others.
    closing: AtomicBool,
    zeal: Zeal,
}

impl Collecting {
    pub(crate) fn new(heap: &'static typhon_gc::Heap, config: &Config) -> Collecting {
        let collector = Collector::new(heap, config.gc);
        Collecting {
            collector,
            debug: AtomicU32::new(0),
            background: Background::default(),
            waiting: AtomicU32::new(0),
            closing: AtomicBool::new(false),
            zeal: Zeal::new(config.zeal),
        }
    }
}

/// Asks to be told when enough objects were born; called once at start.
pub fn start(rt: &Runtime) {
    if let Some(every) = rt.collecting.zeal.every() {
        rt.heap.set_publish_every(every);
    }
    rt.heap.set_publish_hook(births_published);
}

fn births_published(young: i64, own: OwnBirths) {
    let th = thread::current_ptr();
    if th.is_null() {
        return;
    }
    let rt = rt();
    if rt.collecting.zeal.births_published() || own_is_due(rt, own) || all_are_due(rt, young) {
        // SAFETY: the current thread is valid; raising a bit touches an atomic only.
        unsafe { (*th).sync.ctx.raise(breaker::GC) }
    }
}

/// Does the collector work beside the mutators, and do threads collect for themselves what is private to
/// them?
fn is_concurrent(rt: &Runtime) -> bool {
    matches!(rt.collecting.collector.strategy(), Strategy::Rendezvous | Strategy::Concurrent)
}

/// Do the births of this thread call for a collection of its own?
fn own_is_due(rt: &Runtime, own: OwnBirths) -> bool {
    is_concurrent(rt) && rt.collecting.collector.policy.is_own_due(own)
}

/// Do the young objects of all threads call for a collection? Where threads collect for themselves, each
/// may have its share of births before it does.
fn all_are_due(rt: &Runtime, young: i64) -> bool {
    let collector = &rt.collecting.collector;
    collector.is_due(young)
        && (!is_concurrent(rt) || collector.is_due(young / (1 + rt.threads.count() as i64)))
}

/// The type of an object.
///
/// # Safety
/// `object` is a live object, or a dead one that is not destroyed yet.
#[inline(always)]
unsafe fn type_of(object: &Header) -> &Type {
    // SAFETY: passed on.
    unsafe { type_and_shape(object) }.0
}

/// As [`type_of`], with the object's shape.
///
/// # Safety
/// As there.
#[inline(always)]
unsafe fn type_and_shape(object: &Header) -> (&Type, &'static Shape) {
    // ORDERING Relaxed: the world is stopped, or this thread holds the object.
    let shape = shape::get(object.shape.load(Ordering::Relaxed));
    // SAFETY: a class lives as long as its instances.
    (unsafe { &*shape.ty() }, shape)
}

/// Reads objects while the world is stopped, or beside the mutators.
#[derive(Clone, Copy)]
pub struct Tracer {
    beside: bool,
    /// Whoever holds the GIL is the only one who changes anything.
    all_confined: bool,
    /// Objects that words without a count point to are mortal if they lie below this address.
    mortal_below: usize,
    /// Also references to what is never tracked are wanted.
    untracked: bool,
}

impl Tracer {
    /// For use while the world is stopped.
    pub fn stopped() -> Tracer {
        let rt = rt();
        Tracer {
            beside: false,
            all_confined: rt.threads.mode().has_gil(),
            mortal_below: rt.heap.general_start(),
            untracked: false,
        }
    }

    /// As [`Tracer::stopped`]; shows every counted reference.
    pub fn of_all_counts() -> Tracer {
        Tracer { untracked: true, ..Tracer::stopped() }
    }

    /// As [`Tracer::stopped`]; shows immortal objects, too.
    pub fn of_everything() -> Tracer {
        Tracer { mortal_below: usize::MAX, ..Tracer::of_all_counts() }
    }
}

impl Trace for Tracer {
    type Slot = Slot;

    #[inline(always)]
    fn trace(&self, object: &Header, mut visit: impl FnMut(*const Header)) {
        // Words with bit 3 are of a deferred kind and own a count nevertheless, or immortal (OB-2); the
        // latter, most of all the names in code, are nobody's garbage.
        let mut word = |w: Word| {
            let mortal = w.is_counted() || w.is_ptr() && (w.ptr() as usize) < self.mortal_below;
            if mortal {
                visit(w.ptr())
            }
        };
        // SAFETY: the object is whole; the world is stopped, or the payload is read as its layout allows.
        unsafe {
            let (ty, shape) = type_and_shape(object);
            let layout = &ty.layout.0;
            match layout.references {
                References::Nowhere => {}
                References::Row(row, visit) => match row(object) {
                    Some(slots) => slots.as_ref().iter().for_each(|slot| word(slot.peek())),
                    None => self.visit(object, layout.beside, visit, &mut word),
                },
                References::Pairs(row, visit) => match row(object) {
                    Some(slots) if !self.untracked => {
                        slots.as_ref().chunks_exact(2).for_each(|pair| word(pair[1].peek()));
                    }
                    _ => self.visit(object, layout.beside, visit, &mut word),
                },
                References::Visited(visit) => self.visit(object, layout.beside, visit, &mut word),
            }
            for v in ty.values_by(object, shape) {
                word(v.peek());
            }
        }
    }

    fn is_confined(&self, object: &Header) -> bool {
        // SAFETY: a live object.
        self.all_confined || unsafe { type_of(object) }.layout.0.confined
    }

    fn has_finalizer(&self, object: &Header) -> bool {
        // SAFETY: a live object.
        unsafe { type_of(object) }.slots.finalize().is_some()
    }

    #[inline(always)]
    fn confined<'a>(&self, object: &'a Header) -> Option<Confined<'a, Slot>> {
        // SAFETY: as in `trace`; its owner, who asks, is the only one to change it.
        unsafe {
            let (ty, shape) = type_and_shape(object);
            let layout = &ty.layout.0;
            if !self.all_confined && !layout.confined {
                return None;
            }
            let row: Option<&'a [Slot]> = match layout.references {
                References::Nowhere => Some(&[]),
                References::Row(row, _) | References::Pairs(row, _) => {
                    row(object).map(|slots| slots.as_ref())
                }
                References::Visited(_) => None,
            };
            let rows = row.map(|row| [row, ty.values_by(object, shape)]);
            Some(Confined { has_finalizer: ty.slots.finalize().is_some(), rows })
        }
    }

    #[inline(always)]
    fn referent(slot: &Slot) -> Option<*const Header> {
        let w = slot.peek();
        // What has bit 3 is of a deferred kind, or immortal.
        w.is_counted().then(|| w.ptr().cast_const())
    }

    #[inline(always)]
    fn trace_uncounted(&self, object: &Header, mut visit: impl FnMut(*const Header)) {
        // SAFETY: as above.
        unsafe {
            let ty = type_of(object);
            visit(&ty.header);
            if let Some(trace_uncounted) = ty.layout.0.trace_uncounted {
                trace_uncounted(object, &mut |held| {
                    if is_deferred(&*held) {
                        visit(held)
                    }
                });
            }
        }
    }
}

impl Tracer {
    /// # Safety
    /// `beside` and `visit` are of the object's layout.
    unsafe fn visit(self, object: &Header, beside: Beside, visit: Visit, word: &mut dyn FnMut(Word)) {
        let beside = if self.beside { beside } else { Beside::Always };
        // SAFETY: the payload is read as its layout allows.
        unsafe {
            match beside {
                Beside::Always => visit(object, word),
                Beside::Locked if object.try_lock() => {
                    // Its destroyer passes through the lock after the last reference is gone, or it is condemned.
                    if object.refcount() > 0 && !object.is_condemned() {
                        visit(object, word);
                    }
                    object.unlock();
                }
                Beside::Locked | Beside::Never => {}
            }
        }
    }
}

/// The collecting thread.
struct VmHost {
    th: *mut Thread,
    /// This is the collector's own thread, which runs no destructors.
    is_collector: bool,
    /// Since when this thread has been reading beside the mutators without a breath.
    reading_since: Instant,
    stopped: Option<Stopped<'static>>,
    /// Dead classes, still pinned: they go last, since destroying an instance reads its class.
    classes: Vec<*mut Header>,
    saved: Vec<Owned>,
}

impl VmHost {
    fn new(th: &mut Thread) -> VmHost {
        let reading_since = Instant::now();
        VmHost {
            th,
            is_collector: false,
            reading_since,
            stopped: None,
            classes: Vec::new(),
            saved: Vec::new(),
        }
    }

    #[expect(clippy::mut_from_ref, reason = "the host is the only user of the thread while it collects")]
    fn th(&self) -> &mut Thread {
        // SAFETY: the thread outlives the collection that it runs.
        unsafe { &mut *self.th }
    }

    fn has_gil(&self) -> bool {
        rt().threads.mode().has_gil()
    }

    /// Drops the pins of dead classes, those of metaclasses last.
    fn unpin_classes(&mut self) {
        self.th().drain_drops();
        let mut classes = core::mem::take(&mut self.classes);
        // SAFETY: pinned.
        classes.sort_by_key(|&p| core::cmp::Reverse(unsafe { meta_depth(&*p) }));
        for p in classes {
            // SAFETY: the pin is ours.
            unsafe { thread::drop_count(p) };
            self.th().drain_drops();
        }
    }
}

/// How many metaclasses written in Python stand above a class.
fn meta_depth(class: &Header) -> usize {
    // SAFETY: the class is pinned, and its metaclass lives as long.
    let meta = unsafe { type_of(class) };
    if meta.has_flag(type_flags::HEAP) { 1 + meta_depth(&meta.header) } else { 0 }
}

/// Is the object of a deferred kind?
fn is_deferred(object: &Header) -> bool {
    // ORDERING Relaxed: fixed at birth; the collector takes it away from garbage only.
    object.gc.load(Ordering::Relaxed) & gc_bits::DEFERRED != 0
}

/// Is the object a class?
fn is_class(object: &Header) -> bool {
    Borrowed::from_header(object).downcast::<Type>().is_some()
}

impl Host for VmHost {
    type Tracer = Tracer;

    fn tracer(&self) -> Tracer {
        Tracer::stopped()
    }

    fn tracer_beside(&self) -> Tracer {
        Tracer { beside: !self.has_gil(), ..Tracer::stopped() }
    }

    fn me(&self) -> OwnerId {
        self.th().owner
    }

    fn begin_beside(&mut self) {
        if !self.has_gil() {
            quarantine::set_active(true);
            let asked = Instant::now();
            self.th().sync.ctx.handshake(|_| {});
            rt().collecting.collector.policy.pauses.handshakes.record(asked.elapsed());
            rt().threads.world.quarantine().begin();
        }
        self.reading_since = Instant::now();
    }

    fn breathe(&mut self) {
        if self.reading_since.elapsed() < QUANTUM {
            return;
        }
        let ctx = &self.th().sync.ctx;
        if self.has_gil() {
            self.rest(QUANTUM);
        } else {
            rt().threads.world.quarantine().end();
            if ctx.breaker() != 0 {
                ctx.safepoint(&crate::threads::VmHost);
                ctx.take(breaker::GC);
            }
            rt().threads.world.quarantine().begin();
        }
        background::hand_over_dead(self.th());
        self.reading_since = Instant::now();
    }

    fn next_breath(&self) -> Instant {
        self.reading_since + QUANTUM
    }

    fn running_mutators(&self) -> usize {
        // Whoever holds the GIL keeps the others waiting.
        if self.has_gil() {
            return 0;
        }
        let threads = rt().threads.world.registry().threads();
        threads.filter(|thread| thread.is_attached()).count().saturating_sub(1)
    }

    fn end_beside(&mut self) {
        if !self.has_gil() {
            rt().threads.world.quarantine().end();
            quarantine::set_active(false);
        }
    }

    fn can_watch(&self) -> bool {
        !self.has_gil()
    }

    fn disown(&mut self, object: &Header) {
        let dead = &mut self.th().pending_drops;
        rt().threads.world.disown(object, |object| dead.push(object.cast_mut()));
    }

    fn doubts_proofs(&self) -> bool {
        rt().collecting.zeal.every().is_some()
    }

    fn try_stop_world(&mut self, limit: Duration) -> bool {
        // SAFETY: the context lives as long as the thread; the stop ends before the collection does.
        let ctx: &'static ThreadCtx = unsafe { &*core::ptr::from_ref::<ThreadCtx>(&self.th().sync.ctx) };
        self.stopped = ctx.try_stop_the_world(limit);
        self.stopped.is_some()
    }

    fn rest(&mut self, time: Duration) {
        let ctx = &self.th().sync.ctx;
        ctx.detach(&crate::threads::VmHost);
        std::thread::sleep(time);
        ctx.attach();
        ctx.take(breaker::GC);
    }

    fn stop_world(&mut self) {
        self.th().drain_drops();
        // SAFETY: the context lives as long as the thread; the stop ends before the collection does.
        let ctx: &'static ThreadCtx = unsafe { &*core::ptr::from_ref::<ThreadCtx>(&self.th().sync.ctx) };
        let stopped = ctx.stop_the_world();
        let dead = &mut self.th().pending_drops;
        stopped.merge_all(|object| dead.push(object.cast_mut()));
        self.stopped = Some(stopped);
    }

    fn resume_world(&mut self) {
        self.stopped = None;
        if self.is_collector {
            background::hand_over_dead(self.th());
        } else {
            self.th().drain_drops();
        }
    }

    fn borrows(&self) -> bool {
        crate::reaper::is_in_use(rt())
    }

    fn stack_roots(&mut self, visit: &mut dyn FnMut(*const Header)) {
        // What is dead, but not destroyed, still needs its class; what has retired may even come back.
        let tracer = Tracer::stopped();
        for thread in rt().threads.all() {
            // SAFETY: the world is stopped, so no thread changes or goes away.
            let thread = unsafe { &*thread.0 };
            crate::interp::eval::stack_words(thread, &mut |word| {
                // SAFETY: stale words are there, too: heap memory is type-stable, and a freed slot has
                // no bits set.
                let object = unsafe { &*word };
                if is_deferred(object) || object.is_shared() {
                    visit(word)
                }
            });
            for &dead in thread.pending_drops.iter().chain(&thread.set_aside) {
                // SAFETY: dead, but not destroyed.
                tracer.trace_uncounted(unsafe { &*dead }, &mut *visit);
            }
        }
        background::for_each_dead(self.th(), |dead| tracer.trace_uncounted(dead, &mut *visit));
        rt().reaper.for_each_retired(|retired| tracer.trace_uncounted(retired, &mut *visit));
    }

    fn known_alive(&mut self, visit: &mut dyn FnMut(*const Header)) {
        if let Some(modules) = rt().modules.fixed().and_then(Borrowed::header) {
            visit(modules);
        }
    }

    fn finalize(&mut self, object: &Header) {
        crate::dealloc::run_finalizer(self.th(), Borrowed::from_header(object));
    }

    fn clear(&mut self, object: &Header) {
        // SAFETY: nobody can reach the object any more; each reference inside is dropped once.
        unsafe {
            let ty = type_of(object);
            let mut dropped = |w: Word| drop(crate::object::own_slot_word(w));
            (ty.layout.0.clear)(object as *const Header as *mut Header, &mut dropped);
            for v in ty.values(object) {
                drop(v.take_alone());
            }
        }
        self.th().drain_drops();
    }

    fn destroy_private(&mut self, members: &[*const Header]) {
        // SAFETY: the collector proved that nobody but this thread knows them, and pinned them.
        unsafe { crate::dealloc::destroy_private(self.th(), members) }
    }

    fn decref(&mut self, object: *const Header) {
        // SAFETY: the collector hands over one count.
        if is_class(unsafe { &*object }) {
            self.classes.push(object.cast_mut());
            return;
        }
        // SAFETY: as above.
        unsafe { thread::drop_count(object.cast_mut()) };
        self.th().drain_drops();
    }

    fn save(&mut self, object: &Header) {
        self.saved.push(Borrowed::from_header(object).to_owned());
    }

    fn weakref_has_callback(&self, weak: &Header) -> bool {
        crate::weakref::has_callback(weak)
    }

    fn empties_early(&self, object: &Header) -> bool {
        !is_class(object)
    }

    fn detach_weakref(&self, weak: &Header) {
        crate::weakref::detach(weak)
    }

    fn call_weakref(&mut self, weak: &Header) {
        crate::weakref::run_callback(self.th(), Borrowed::from_header(weak));
        self.th().drain_drops();
    }
}

/// Serves a request for a collection: takes garbage apart that was found in the background, and collects if
/// that is due. What is small is done in place; the rest, where the strategy has it so, in the background.
pub fn at_safepoint(th: &mut Thread) {
    background::at_safepoint(th);
    if th.rt.reaper.is_due() {
        crate::reaper::reap_at_safepoint(th);
    }
    zeal::at_safepoint(th);
    let collector = &rt().collecting.collector;
    let mut due = all_are_due(th.rt, th.rt.heap.young());
    if own_is_due(th.rt, th.heap.own_births()) && !th.collecting {
        let left = collect_own(th).left as i64;
        // What others have seen stays young. So much of it is worth a look at the young objects of all threads.
        due |= own_is_due(th.rt, OwnBirths { births: left, ..th.heap.own_births() });
        due |= collector.policy.choose() == Generation::Full;
    }
    if !due {
        return;
    }
    if background::is_busy(th.rt) {
        return background::give_way(th, collector.policy.due_at());
    }
    let generation = collector.policy.choose();
    let old = if generation == Generation::Full { collector.policy.live() } else { 0 };
    let in_place = old + th.rt.heap.young().max(0) as usize <= IN_PLACE;
    if in_place || !is_concurrent(th.rt) || !background::request(th, generation) {
        collect_within(th, generation, Duration::ZERO);
    }
}

/// Collects, with the callbacks of `gc.callbacks` before and after. The exception on its way stays. Waits for
/// collections of other threads, but not for ever: their finalisers may be waiting for us.
pub fn collect(th: &mut Thread, generation: Generation) -> Outcome {
    collect_within(th, generation, COLLECT_WAITS)
}

/// [`collect`], with the longest time to wait for others.
fn collect_within(th: &mut Thread, generation: Generation, patience: Duration) -> Outcome {
    let saved = th.take_exc();
    let outcome = collect_with_callbacks(th, generation, patience);
    if let Some(exc) = saved {
        let _ = th.set_exc(exc);
    }
    outcome
}

fn collect_with_callbacks(th: &mut Thread, generation: Generation, patience: Duration) -> Outcome {
    let collecting = &rt().collecting;
    let skipped = Outcome { skipped: true, ..Outcome::default() };
    if th.collecting || collecting.is_closed() {
        return skipped;
    }
    if collecting.collector.strategy() == Strategy::Off {
        crate::reaper::reap_all(th);
        return skipped;
    }
    let limit = Instant::now() + patience;
    // ORDERING Relaxed: a hint that is looked at again soon.
    let is_contended = collecting.waiting.load(Ordering::Relaxed) > 0;
    let at_once = if patience.is_zero() && is_contended { None } else { collecting.collector.try_begin() };
    let Some(turn) = at_once.or_else(|| wait_for_turn(th, limit, false)) else { return skipped };
    th.collecting = true;
    th.has_collectors_turn = true;
    let outcome = collect_in_turn(th, &turn, generation, limit);
    th.has_collectors_turn = false;
    th.collecting = false;
    outcome
}

/// Waits for the turn to collect, at the longest until `limit`.
/// `is_last`: there will be no other thread after this one.
fn wait_for_turn(th: &mut Thread, limit: Instant, is_last: bool) -> Option<Turn<'static>> {
    let collecting = &rt().collecting;
    // ORDERING Relaxed: as in the reader.
    collecting.waiting.fetch_add(1, Ordering::Relaxed);
    let mut turn = None;
    while turn.is_none() && Instant::now() < limit && (is_last || !collecting.is_closed()) {
        crate::threads::blocking(th, || std::thread::sleep(QUANTUM));
        turn = collecting.collector.try_begin();
    }
    // ORDERING Relaxed: as above.
    collecting.waiting.fetch_sub(1, Ordering::Relaxed);
    turn
}

fn collect_in_turn(th: &mut Thread, turn: &Turn<'_>, generation: Generation, limit: Instant) -> Outcome {
    let collecting = &rt().collecting;
    let _hold = hold(th);
    crate::quarantine::release(th, usize::MAX);
    crate::reaper::reap_all(th);
    // What this thread has retired, unless other threads may still be reading it.
    th.sync.ctx.reclaim();
    th.drain_drops();
    background::serve(th, true);
    background::wait_for_servers(th, limit);
    // ORDERING Relaxed: a plain setting.
    let debug = collecting.debug.load(Ordering::Relaxed);
    let start = Instant::now();
    if debug & debug::STATS != 0 {
        let [young, _, _] = collecting.collector.policy.counts(rt().heap);
        let old = collecting.collector.policy.live();
        let frozen = frozen_count(th);
        crate::report::write_stderr(
            th,
            &format!(
                "gc: collecting generation {}...\ngc: objects in each generation: {young} 0 {old}\n\
                 gc: objects in permanent generation: {frozen}\n",
                generation as usize
            ),
        );
    }
    tell_callbacks(th, "start", generation, &Outcome::default());
    let outcome = with_options(th, |host, options| turn.collect(host, generation, options));
    crate::reaper::reap_all(th);
    tell_callbacks(th, "stop", generation, &outcome);
    if debug & debug::STATS != 0 {
        crate::report::write_stderr(
            th,
            &format!(
                "gc: done, {} unreachable, {} uncollectable, {:.4}s elapsed\n",
                outcome.unreachable(),
                outcome.uncollectable,
                start.elapsed().as_secs_f64()
            ),
        );
    }
    outcome
}

/// Collects what is private to this thread.
fn collect_own(th: &mut Thread) -> Outcome {
    let saved = th.take_exc();
    tell_callbacks(th, "start", Generation::Young, &Outcome::default());
    let collector = &rt().collecting.collector;
    th.collecting = true;
    let outcome =
        with_options(th, |host, options| collector.collect_own(host, |host| &mut host.th().heap, options));
    th.collecting = false;
    tell_callbacks(th, "stop", Generation::Young, &outcome);
    if let Some(exc) = saved {
        let _ = th.set_exc(exc);
    }
    outcome
}

/// Takes portions of garbage apart that the background collector has found.
fn take_apart(th: &mut Thread, generation: Generation, next: impl FnMut() -> Option<Portion>) -> Outcome {
    let saved = th.take_exc();
    let collector = &rt().collecting.collector;
    let before = core::mem::replace(&mut th.collecting, true);
    let outcome = with_options(th, |host, options| collector.take_apart(host, generation, options, next));
    th.collecting = before;
    if let Some(exc) = saved {
        let _ = th.set_exc(exc);
    }
    outcome
}

/// Runs `work` on a host, under the options of `gc.set_debug`, and sees to what it leaves: dead classes,
/// and objects saved for inspection.
fn with_options(th: &mut Thread, work: impl FnOnce(&mut VmHost, Options) -> Outcome) -> Outcome {
    // ORDERING Relaxed: a plain setting.
    let debug = rt().collecting.debug.load(Ordering::Relaxed);
    let mut host = VmHost::new(th);
    let outcome = work(&mut host, Options { save_all: debug & debug::SAVEALL != 0 });
    host.unpin_classes();
    let saved = core::mem::take(&mut host.saved);
    if !saved.is_empty() {
        let garbage = garbage(th);
        for v in saved {
            if debug & debug::COLLECTABLE != 0 {
                let text =
                    format!("gc: collectable <{} {:#x}>\n", v.borrow().type_name(th), v.word().identity());
                crate::report::write_stderr(th, &text);
            }
            garbage.payload::<List>().push(v);
        }
    }
    outcome
}

/// The list `gc.callbacks`.
pub fn callbacks(th: &mut Thread) -> Owned {
    stored_list(th, "gc.callbacks")
}

/// The list `gc.garbage`.
pub fn garbage(th: &mut Thread) -> Owned {
    stored_list(th, "gc.garbage")
}

fn stored_list(th: &mut Thread, key: &'static str) -> Owned {
    match th.rt.stored(key) {
        Some(list) => list,
        None => {
            let list = th.new_list(Vec::new());
            drop(th.rt.store(key, list.clone()));
            list
        }
    }
}

fn tell_callbacks(th: &mut Thread, phase: &str, generation: Generation, outcome: &Outcome) {
    // Without their modules they would fail.
    if crate::sysmod::settings::is_finalizing() {
        return;
    }
    let Some(list) = th.rt.stored("gc.callbacks") else { return };
    let functions = list.payload::<List>().to_vec();
    if functions.is_empty() {
        return;
    }
    let info = th.new_dict();
    for (key, n) in [
        ("generation", generation as usize),
        ("collected", outcome.collected),
        ("uncollectable", outcome.uncollectable),
    ] {
        let key = th.intern(key);
        drop(info.payload::<Dict>().set_str(key.borrow(), Owned::from_const(Word::small_int(n as i64))));
    }
    let phase = th.intern(phase);
    for f in functions {
        if let Err(raised) = f.borrow().call(th, &[phase.borrow(), info.borrow()]) {
            let exc = th.catch(raised);
            crate::report::unraisable(
                th,
                exc,
                Some("Exception ignored while calling GC callback"),
                Some(f.borrow()),
            );
        }
    }
}

/// Runs `look` while all other threads are stopped. It must not touch Python code or allocate objects.
pub fn with_world_stopped<R>(th: &mut Thread, look: impl FnOnce() -> R) -> R {
    let mut host = VmHost::new(th);
    host.stop_world();
    let r = look();
    host.resume_world();
    r
}

/// Objects found by a walk over the heap, as values. The walk runs with the world stopped.
fn found(th: &mut Thread, walk: impl FnOnce() -> Vec<*const Header>) -> Vec<Owned> {
    let me = th.owner;
    with_world_stopped(th, || {
        let taken = walk().into_iter().filter(|&p| {
            // SAFETY: an object of the heap, and the world is stopped. A dying one refuses.
            unsafe { (*p).try_incref(me) }
        });
        // SAFETY: a count of each was just taken.
        taken.map(|p| unsafe { Owned::from_raw(Word::from_ptr(p)) }).collect()
    })
}

/// `gc.get_objects(generation)`
pub fn objects(th: &mut Thread, generation: Option<Generation>) -> Vec<Owned> {
    found(th, || typhon_gc::inspect::objects(rt().heap, generation))
}

/// `gc.get_referrers(*targets)`
pub fn referrers(th: &mut Thread, targets: &[Borrowed<'_>]) -> Vec<Owned> {
    let targets: Vec<*const Header> =
        targets.iter().filter_map(|t| t.header()).map(|h| h as *const Header).collect();
    found(th, || typhon_gc::inspect::referrers(rt().heap, &Tracer::of_everything(), &targets))
}

/// `gc.get_referents(*objects)`
pub fn referents(th: &mut Thread, objects: &[Borrowed<'_>]) -> Vec<Owned> {
    let objects: Vec<&Header> = objects.iter().filter_map(|o| o.header()).collect();
    // A built-in class is no reference that anybody made.
    let made = |o: &Header, r: &*const Header| {
        // SAFETY: alive, since the caller holds `o`.
        let ty = unsafe { type_of(o) };
        ty.flags() & type_flags::HEAP != 0 || !core::ptr::eq(*r, &ty.header)
    };
    found(th, || {
        let of = |o: &&Header| {
            typhon_gc::inspect::referents(&Tracer::of_everything(), o)
                .into_iter()
                .filter(|r| made(o, r))
                .collect()
        };
        objects.iter().flat_map(|o| -> Vec<*const Header> { of(o) }).collect()
    })
}

/// `gc.freeze`
pub fn freeze(th: &mut Thread) {
    with_world_stopped(th, || typhon_gc::cycles::freeze(rt().heap));
}

/// `gc.unfreeze`
pub fn unfreeze(th: &mut Thread) {
    with_world_stopped(th, || typhon_gc::cycles::unfreeze(rt().heap));
}

/// `gc.get_freeze_count`
pub fn frozen_count(th: &mut Thread) -> usize {
    with_world_stopped(th, || typhon_gc::cycles::frozen_count(rt().heap))
}

/// How many objects and references there are.
pub fn census(th: &mut Thread) -> typhon_gc::inspect::Census {
    with_world_stopped(th, || typhon_gc::inspect::census(rt().heap))
}

/// What the heap verifier finds wrong; empty is good. Costs half a full collection.
pub fn verify(th: &mut Thread) -> Vec<typhon_gc::verify::Finding> {
    let _hold = hold(th);
    with_world_stopped(th, || typhon_gc::verify::verify(rt().heap, &Tracer::of_all_counts()))
}
