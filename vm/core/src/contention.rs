//! `-X sync-stats`: what threads wait for and whose references they count, by type and source line.
//!
//! [`typhon_sync::events`] tells what happened to which header. Here it gets the type's name and the source
//! line of the calling thread, and is added to a table of that thread, so threads that are watched do not
//! meet over it more than before. Tables of threads that end are kept; [`snapshot`] adds all of them up.
//!
//! The line is that of the instruction that runs. Fast handlers do not store it anywhere, so while there are
//! statistics the linked code consists of other handlers, which note it and go on to the real ones
//! ([`crate::interp::opcodes::Op::noting_handler`]). Without statistics nothing of this exists.
//!
//! The mutexes are the standard library's: a thread that answers a stop while it goes to sleep on an object's lock
//! is inside `parking_lot` already.

use core::cell::Cell;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use typhon_sync::prim::{AtomicU64, AtomicUsize, Ordering};

use typhon_sync::OwnerId;
use typhon_sync::events::{self, Count, Observer, Wait};
use typhon_sync::header::Header;
use typhon_sync::prim::{Mutex, lock};

use crate::object::Borrowed;
use crate::runtime::Config;
use crate::thread::{self, Thread};

pub(crate) mod places;
mod report;
mod table;

pub use report::finish;
pub(crate) use report::mode_name;
pub use table::{Numbers, Row, Snapshot, What};

use places::Place;
use table::{Key, Table};

/// What a thread keeps for its statistics.
pub struct Recorder {
    id: OwnerId,
    /// The word behind the unit of the instruction that runs. Written by the thread.
    at: AtomicUsize,
    /// When a stop or a handshake was asked of the thread, in ns since the start; 0: it was not. Written by who
    /// asks, and taken by the thread.
    asked_ns: AtomicU64,
    /// `at` at that moment.
    asked_at: AtomicUsize,
    born: Instant,
    table: Mutex<Table>,
}

impl Recorder {
    /// Notes the instruction that runs.
    #[inline(always)]
    pub(crate) fn note(&self, pc: *const u64) {
        // ORDERING Relaxed: read by the thread itself, or by others as a sample.
        self.at.store(pc as usize, Ordering::Relaxed)
    }
}

struct Threads {
    live: Vec<Arc<Recorder>>,
    /// Sums of the threads that have ended, and of what happened outside of threads of the VM.
    ended: Table,
    /// Threads that ran Python code and ended, and how long they lived.
    n_ended: usize,
    lived: Duration,
}

static THREADS: Mutex<Option<Threads>> = Mutex::new(None);
static STARTED: OnceLock<Instant> = OnceLock::new();

thread_local! {
    /// The thread is recording: what it does meanwhile is not recorded.
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// Statistics are kept. False in the child of a fork.
#[inline(always)]
pub fn is_on() -> bool {
    events::on()
}

/// Starts keeping statistics, if the configuration asks for them; before the first thread enters.
pub(crate) fn start(config: &Config) {
    if config.sync_stats.is_none() || STARTED.set(Instant::now()).is_err() {
        return;
    }
    places::start(config);
    *lock(&THREADS) =
        Some(Threads { live: Vec::new(), ended: Table::default(), n_ended: 0, lived: Duration::ZERO });
    crate::interp::opcodes::note_instructions();
    events::start(&VmObserver);
}

/// In the child of a fork: statistics end here. The tables of the parent's threads may be half-way through a
/// change, so nobody looks at them again.
pub(crate) fn stop_after_fork() {
    events::stop();
}

/// The recorder of a thread that has just attached, if there are statistics.
pub(crate) fn enrol(id: OwnerId) -> Option<Arc<Recorder>> {
    if !is_on() {
        return None;
    }
    let recorder = Arc::new(Recorder {
        id,
        at: AtomicUsize::new(0),
        asked_ns: AtomicU64::new(0),
        asked_at: AtomicUsize::new(0),
        born: Instant::now(),
        table: Mutex::new(Table::default()),
    });
    lock(&THREADS).as_mut()?.live.push(recorder.clone());
    Some(recorder)
}

/// A thread that is still attached, and about to end, leaves what it recorded.
pub(crate) fn leave(recorder: Option<Arc<Recorder>>) {
    let Some(recorder) = recorder.filter(|_| is_on()) else { return };
    let mut threads = lock(&THREADS);
    let Some(threads) = threads.as_mut() else { return };
    threads.live.retain(|other| !Arc::ptr_eq(other, &recorder));
    threads.ended.add(&lock(&recorder.table));
    // ORDERING Relaxed: the thread's own.
    if recorder.at.load(Ordering::Relaxed) != 0 {
        threads.n_ended += 1;
        threads.lived += recorder.born.elapsed();
    }
}

/// When a wait begins, if there are statistics.
#[inline]
pub fn begin() -> Option<Instant> {
    events::begin()
}

/// Adds a wait of the calling thread, which has just ended, for something that Python programs wait for.
pub fn waited(what: What, object: Borrowed<'_>, begun: Option<Instant>) {
    if let Some(begun) = begun {
        let ns = begun.elapsed().as_nanos() as u64;
        record(what, object.header(), None, |numbers| {
            numbers.count += 1;
            numbers.add_wait(ns, true);
        });
    }
}

/// All that was recorded until now, by all threads. `None`: there are no statistics.
pub fn snapshot() -> Option<Snapshot> {
    if !is_on() {
        return None;
    }
    let started = STARTED.get()?;
    let mut sum = Table::default();
    let threads = lock(&THREADS);
    let threads = threads.as_ref()?;
    sum.add(&threads.ended);
    let (mut n_threads, mut lived) = (threads.n_ended, threads.lived);
    for recorder in &threads.live {
        sum.add(&lock(&recorder.table));
        // ORDERING Relaxed: whether the thread has run Python code.
        if recorder.at.load(Ordering::Relaxed) != 0 {
            n_threads += 1;
            lived += recorder.born.elapsed();
        }
    }
    Some(sum.snapshot(started.elapsed(), n_threads, lived))
}

/// What `typhon-sync` tells.
struct VmObserver;

impl Observer for VmObserver {
    fn counted(&self, what: Count, object: &Header) {
        let what = match what {
            Count::SharedCount => What::SharedCount,
            Count::LockTaken => What::ObjectLock,
            Count::Queued => What::Queued,
            Count::MergedByOwner => What::MergedByOwner,
            Count::MergedOnBehalf => What::MergedOnBehalf,
        };
        record(what, Some(object), None, |numbers| numbers.count += 1);
    }

    fn waited(&self, wait: Wait<'_>, begun: Instant) {
        let ns = begun.elapsed().as_nanos() as u64;
        match wait {
            // That it was taken is told apart.
            Wait::Lock { object, slept } => {
                record(What::ObjectLock, Some(object), None, |numbers| numbers.add_wait(ns, slept));
            }
            Wait::Gil => record(What::Gil, None, None, |numbers| {
                numbers.count += 1;
                numbers.add_wait(ns, true);
            }),
        }
    }

    fn asked(&self, thread: OwnerId, runs: bool) {
        let Some(started) = STARTED.get() else { return };
        let threads = lock(&THREADS);
        let live = threads.as_ref().map_or(&[][..], |threads| &threads.live);
        if let Some(recorder) = live.iter().find(|recorder| recorder.id == thread) {
            let now = if runs { started.elapsed().as_nanos() as u64 } else { 0 };
            // ORDERING Relaxed: a sample.
            recorder.asked_at.store(recorder.at.load(Ordering::Relaxed), Ordering::Relaxed);
            // ORDERING Release: who takes the question finds the sample.
            recorder.asked_ns.store(now, Ordering::Release);
        }
    }

    fn answers(&self) {
        let (Some(started), Some(recorder)) = (STARTED.get(), own()) else { return };
        // ORDERING Acquire: pairs with `asked`.
        let asked = recorder.asked_ns.swap(0, Ordering::Acquire);
        if asked != 0 {
            let ns = (started.elapsed().as_nanos() as u64).saturating_sub(asked);
            // ORDERING Relaxed: as above.
            let at = recorder.asked_at.load(Ordering::Relaxed);
            record(What::Safepoint, None, Some(at), |numbers| {
                numbers.count += 1;
                numbers.add_wait(ns, true);
            });
        }
    }
}

/// The calling thread's recorder.
fn own<'a>() -> Option<&'a Recorder> {
    let th = thread::current_ptr();
    if th.is_null() {
        return None;
    }
    // SAFETY: the calling thread's own; it lives as long as the thread, and only the thread replaces it, between
    // its enrolment and its end.
    unsafe { (*th).recorder.as_deref() }
}

/// Adds to the row of the calling thread's place. `at`: where it was, if that is not where it is.
fn record(what: What, object: Option<&Header>, at: Option<usize>, add: impl FnOnce(&mut Numbers)) {
    if BUSY.replace(true) {
        return;
    }
    match own() {
        Some(recorder) => {
            let mut table = lock(&recorder.table);
            // ORDERING Relaxed: the thread's own.
            let at = at.unwrap_or_else(|| recorder.at.load(Ordering::Relaxed));
            // SAFETY: a recorder is the current thread's.
            let th = unsafe { &*thread::current_ptr() };
            let (place, user) = place_of(&mut table, th, at);
            let type_name = object.map_or(0, |object| table.type_of(object));
            let what = if what == What::Lock && place.idle { What::Condition } else { what };
            add(table.row(Key { what, type_name, place: place.id, user: user.id }));
        }
        // A thread that is only just entering, or leaving.
        None => {
            if let Some(threads) = lock(&THREADS).as_mut() {
                let type_name = object.map_or(0, |object| threads.ended.type_of(object));
                add(threads.ended.row(Key { what, type_name, place: 0, user: 0 }));
            }
        }
    }
    BUSY.set(false);
}

/// Frames that are searched for one outside the library.
const DEPTH: usize = 32;

/// The source line of the instruction at `at`, and, if that is in the library, the line outside of it from which
/// it was called.
fn place_of(table: &mut Table, th: &Thread, at: usize) -> (Place, Place) {
    let saved = |n| crate::interp::eval::nth_record(th, n).map(|record| record.pc as usize);
    let mut place = table.place(at);
    if place.id == 0 {
        // Not an instruction of Python code: a native that called Python, which has returned. It saved where
        // it was called.
        place = saved(0).map_or(Place::NOWHERE, |pc| table.place(pc));
    }
    let mut user = Place::NOWHERE;
    if place.library {
        let outside = (0..DEPTH).map_while(saved).find_map(|pc| {
            let place = table.place(pc);
            (place.id != 0 && !place.library).then_some(place)
        });
        user = outside.unwrap_or(Place::NOWHERE);
    }
    (place, user)
}
