//! When to collect: thresholds, counts, statistics.
//!
//! There are two ages, young and old (bit OLD), presented as CPython's three generations: 0 is
//! young, 1 is always empty, 2 is old. A young collection is due when births exceed `threshold0`
//! *and* a quarter of what lived after the last collection, which keeps the work per birth constant
//! however large the heap is; a full one when the old generation has grown by a quarter as well, deaths
//! by count deducted. Collections that find nothing worth their work make the next ones rarer, up to
//! eight times; the first that pays brings the old rate back. So a program without cycles pays little,
//! and what garbage can pile up unseen is bounded. Counts are of objects, never of memory in use.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use typhon_sync::prim::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use crate::cycles::Outcome;
use crate::heap::{Heap, OwnBirths};
use crate::pauses::{Pause, Pauses, Watch};

/// What a collection covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Generation {
    /// Objects that no collection has seen.
    Young = 0,
    /// Empty between collections; collecting it is collecting the young.
    Middle = 1,
    /// Everything.
    Full = 2,
}

impl Generation {
    /// From the number that `gc.collect` takes.
    pub fn from_index(index: usize) -> Option<Generation> {
        [Generation::Young, Generation::Middle, Generation::Full].get(index).copied()
    }
}

/// What the collections of one generation did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GenerationStats {
    /// Collections run.
    pub collections: u64,
    /// Objects found unreachable and destroyed.
    pub collected: u64,
    /// Objects found unreachable and kept.
    pub uncollectable: u64,
    /// Objects looked at.
    pub candidates: u64,
    /// Time of all collections, finalisers included.
    pub duration: Duration,
    /// Time during which the world was stopped.
    pub stopped: Duration,
    /// Longest single stop.
    pub longest_stop: Duration,
}

impl GenerationStats {
    pub(crate) fn add_work(&mut self, outcome: &Outcome, duration: Duration) {
        self.collected += outcome.collected as u64;
        self.uncollectable += outcome.uncollectable as u64;
        self.candidates += outcome.candidates as u64;
        self.duration += duration;
    }
}

/// What a collection found, in objects.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Found {
    /// Births since the last collection, deaths of young objects deducted.
    pub births: usize,
    /// Of the objects covered, those that live on.
    pub survivors: usize,
    /// Of the objects covered, those that do not.
    pub unreachable: usize,
    /// Old objects that died by count since the last collection.
    pub old_deaths: usize,
}

/// Thresholds, switches and statistics. Every field may be read and set by any thread.
pub struct Policy {
    enabled: AtomicBool,
    thresholds: [AtomicU32; 3],
    /// Young collections since the last full one.
    since_full: AtomicU32,
    /// Tracked objects that survived the last collection of each kind, young ones added.
    live: AtomicUsize,
    /// `live` after the last full collection.
    live_at_full: AtomicUsize,
    /// How many times in a row collections found next to nothing, at most [`MOST_PATIENT`].
    patience: AtomicU32,
    /// Births after which a collection is due; kept up to date so that asking is one compare.
    due_at: AtomicU64,
    stats: Mutex<[GenerationStats; 3]>,
    /// How long mutators stood.
    pub pauses: Pauses,
}

/// Doublings of the number of births between collections that do not pay.
const MOST_PATIENT: u32 = 3;

/// The same for collections of a thread's own, which are slices: more births would make them longer than 0.25 ms.
const OWN_PATIENCE: u32 = 1;

/// Slots of old objects that a thread's own collection may pass over for each birth.
const LOOKS_PER_BIRTH: i64 = 16;

/// A collection pays if it destroys one object for so many births.
const PAYS_FROM: usize = 32;

/// CPython 3.14's.
pub const DEFAULT_THRESHOLDS: [u32; 3] = [2000, 10, 0];

impl Default for Policy {
    fn default() -> Self {
        Policy::new()
    }
}

// ORDERING Relaxed throughout: these are tuning values and statistics; none of them publishes
// anything, and the collector that acts on them stops the world first.
impl Policy {
    /// Enabled, with [`DEFAULT_THRESHOLDS`].
    pub fn new() -> Policy {
        Policy {
            enabled: AtomicBool::new(true),
            thresholds: DEFAULT_THRESHOLDS.map(AtomicU32::new),
            since_full: AtomicU32::new(0),
            live: AtomicUsize::new(0),
            live_at_full: AtomicUsize::new(0),
            patience: AtomicU32::new(0),
            due_at: AtomicU64::new(u64::from(DEFAULT_THRESHOLDS[0])),
            stats: Mutex::new([GenerationStats::default(); 3]),
            pauses: Pauses::default(),
        }
    }

    /// `gc.isenabled`.
    pub fn is_enabled(&self) -> bool {
        // ORDERING Relaxed: see the impl.
        self.enabled.load(Ordering::Relaxed)
    }

    /// `gc.enable`, `gc.disable`.
    pub fn set_enabled(&self, enabled: bool) {
        // ORDERING Relaxed: see the impl.
        self.enabled.store(enabled, Ordering::Relaxed);
    }

    /// `gc.get_threshold`.
    pub fn thresholds(&self) -> [u32; 3] {
        // ORDERING Relaxed: see the impl.
        [0, 1, 2].map(|i| self.thresholds[i].load(Ordering::Relaxed))
    }

    /// `gc.set_threshold`; a first threshold of 0 switches automatic collection off. Threads publish
    /// their births more often if the threshold is small.
    pub fn set_thresholds(&self, heap: &Heap, thresholds: [u32; 3]) {
        for (cell, value) in self.thresholds.iter().zip(thresholds) {
            // ORDERING Relaxed: see the impl.
            cell.store(value, Ordering::Relaxed);
        }
        // ORDERING Relaxed: see the impl.
        self.patience.store(0, Ordering::Relaxed);
        heap.set_publish_every(if thresholds[0] == 0 { 512 } else { (thresholds[0] / 4).clamp(1, 512) });
        self.update_due();
    }

    /// `gc.get_count`: births (as far as published), young collections since the last full one, 0.
    pub fn counts(&self, heap: &Heap) -> [i64; 3] {
        // ORDERING Relaxed: see the impl.
        [heap.young().max(0), i64::from(self.since_full.load(Ordering::Relaxed)), 0]
    }

    /// Whether `births` young objects call for a collection. One compare when they do not.
    #[inline]
    pub fn is_due(&self, births: i64) -> bool {
        // ORDERING Relaxed: see the impl.
        births > 0 && births as u64 > self.due_at.load(Ordering::Relaxed) && self.is_enabled()
    }

    /// Whether a thread should collect for itself. The work is for its births alone, so the size of the heap
    /// does not matter, except for slots of old objects that lie among the young ones.
    pub fn is_own_due(&self, own: OwnBirths) -> bool {
        let first = self.thresholds()[0];
        // ORDERING Relaxed: see the impl.
        let patience = self.patience.load(Ordering::Relaxed).min(OWN_PATIENCE);
        let due = i64::from(first).max(own.looked_at / LOOKS_PER_BIRTH) << patience;
        first != 0 && own.births > due && self.is_enabled()
    }

    /// Births after which a collection is due.
    pub fn due_at(&self) -> u64 {
        // ORDERING Relaxed: see the impl.
        self.due_at.load(Ordering::Relaxed)
    }

    /// What to collect when a collection is due.
    pub fn choose(&self) -> Generation {
        // ORDERING Relaxed: see the impl.
        let live = self.live.load(Ordering::Relaxed);
        // ORDERING Relaxed: see the impl.
        let at_full = self.live_at_full.load(Ordering::Relaxed);
        let first = self.thresholds()[0] as usize;
        if live > at_full + (at_full / 4).max(first) { Generation::Full } else { Generation::Young }
    }

    /// Tracked objects that the last collections left alive.
    pub fn live(&self) -> usize {
        // ORDERING Relaxed: see the impl.
        self.live.load(Ordering::Relaxed)
    }

    /// `gc.get_stats`, by generation.
    pub fn stats(&self) -> [GenerationStats; 3] {
        *self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called at the end of the stop.
    pub(crate) fn note(&self, generation: Generation, found: Found) {
        if generation == Generation::Full {
            // ORDERING Relaxed: see the impl.
            self.live.store(found.survivors, Ordering::Relaxed);
            // ORDERING Relaxed: see the impl.
            self.live_at_full.store(found.survivors, Ordering::Relaxed);
            // ORDERING Relaxed: see the impl.
            self.since_full.store(0, Ordering::Relaxed);
        } else {
            let live = self.live().saturating_sub(found.old_deaths) + found.survivors;
            // ORDERING Relaxed: see the impl.
            self.live.store(live, Ordering::Relaxed);
            // ORDERING Relaxed: see the impl.
            self.since_full.fetch_add(1, Ordering::Relaxed);
        }
        // ORDERING Relaxed: see the impl.
        let patience = self.patience.load(Ordering::Relaxed);
        let patience = if found.unreachable * PAYS_FROM >= found.births {
            0
        } else if found.births >= self.thresholds()[0] as usize {
            (patience + 1).min(MOST_PATIENT)
        } else {
            // Somebody called `gc.collect()` soon after the last one: that tells nothing.
            patience
        };
        // ORDERING Relaxed: see the impl.
        self.patience.store(patience, Ordering::Relaxed);
        self.update_due();
    }

    /// Notes a stop of the world in a collection of `generation`, which ends now.
    pub(crate) fn record_stop(&self, generation: Generation, watch: &Watch) {
        let stop = self.pauses.record(Pause::Stop, watch);
        self.record(generation, |stats| {
            stats.stopped += stop;
            stats.longest_stop = stats.longest_stop.max(stop);
        });
    }

    pub(crate) fn record(&self, generation: Generation, change: impl FnOnce(&mut GenerationStats)) {
        let mut stats = self.stats.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut stats[generation as usize]);
    }

    fn update_due(&self) {
        let first = self.thresholds()[0];
        let due = match first {
            0 => u64::MAX,
            // ORDERING Relaxed: see the impl.
            _ => u64::from(first).max(self.live() as u64 / 4) << self.patience.load(Ordering::Relaxed),
        };
        // ORDERING Relaxed: see the impl.
        self.due_at.store(due, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(births: usize, survivors: usize, unreachable: usize) -> Found {
        Found { births, survivors, unreachable, old_deaths: 0 }
    }

    #[test]
    fn work_per_birth_does_not_grow_with_the_heap() {
        let policy = Policy::new();
        assert!(!policy.is_due(2000) && policy.is_due(2001));
        policy.note(Generation::Full, found(0, 1_000_000, 1));
        assert!(!policy.is_due(250_000) && policy.is_due(250_001));
        assert_eq!(policy.choose(), Generation::Young);
        policy.note(Generation::Young, found(250_001, 250_001, 0));
        assert_eq!(policy.choose(), Generation::Full, "the old generation grew by more than a quarter");
        // Ten million objects, none of them garbage: the number of full collections is logarithmic.
        let (mut live, mut full) = (0usize, 0);
        let policy = Policy::new();
        while live < 10_000_000 {
            let births = (policy.live() / 4).max(2000) + 1;
            live += births;
            match policy.choose() {
                Generation::Full => {
                    full += 1;
                    policy.note(Generation::Full, found(births, live, 0));
                }
                _ => policy.note(Generation::Young, found(births, births, 0)),
            }
        }
        assert!(full < 60, "{full}");
    }

    #[test]
    fn collections_that_find_nothing_become_rare() {
        let policy = Policy::new();
        for expected in [4000, 8000, 16000, 16000] {
            policy.note(Generation::Young, found(2000, 0, 62));
            assert!(!policy.is_due(expected) && policy.is_due(expected + 1));
        }
        policy.note(Generation::Young, found(2000, 0, 63));
        assert!(policy.is_due(2001), "one that pays brings the rate back");
    }

    #[test]
    fn deaths_by_count_do_not_call_for_full_collections() {
        let policy = Policy::new();
        policy.note(Generation::Full, found(0, 10_000, 1));
        for _ in 0..10 {
            policy.note(Generation::Young, Found { old_deaths: 3000, ..found(3000, 3000, 100) });
            assert_eq!(policy.choose(), Generation::Young);
        }
        assert_eq!(policy.live(), 10_000);
    }

    #[test]
    fn switches() {
        let heap = Heap::with_reservation(16 << 20).unwrap();
        let policy = Policy::new();
        policy.set_enabled(false);
        assert!(!policy.is_due(1 << 40));
        policy.set_enabled(true);
        policy.set_thresholds(&heap, [0, 1, 2]);
        assert!(!policy.is_due(1 << 40));
        assert_eq!(policy.thresholds(), [0, 1, 2]);
        policy.set_thresholds(&heap, [1, 1, 1]);
        assert!(policy.is_due(2));
    }
}
