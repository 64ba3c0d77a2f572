//! Proving a batch beside the mutators, without stopping anybody: see [`typhon_sync::watch`].
//!
//! Only for objects whose every change is made under their lock ([`Trace::is_confined`], in free mode), and none
//! of a deferred kind. What is touched meanwhile is not decided on: it is a candidate again in the next search.

use typhon_sync::header::Header;

use super::candidates::Batch;
use super::graph::{BREATH, is_readable};
use super::{Collector, Host, Trace};

/// What a proof found.
pub(super) struct Watched {
    /// Objects that are garbage, and condemned.
    pub dead: Vec<*const Header>,
    /// Some object was touched, or could not be watched: it may be garbage for all that.
    pub undecided: bool,
}

/// Proves a batch. To be called between [`Host::begin_beside`] and [`Host::end_beside`], by one thread at a time.
pub(super) fn prove<H: Host>(collector: &Collector, host: &mut H, batch: &Batch) -> Watched {
    let objects = batch.objects();
    let mut watched = vec![false; objects.len()];
    each(host, objects, |place, object| {
        watched[place] = batch.is_suspect(object) && object.watch();
    });
    let found = look(host, batch, &watched).condemn(collector, objects);
    each(host, objects, |place, object| {
        if watched[place] {
            object.unwatch();
        }
    });
    found
}

/// Calls `f` with every object and its place; breathes in between.
fn each<H: Host>(host: &mut H, objects: &[*const Header], mut f: impl FnMut(usize, &Header)) {
    for (place, &object) in objects.iter().enumerate() {
        if place % BREATH as usize == 0 {
            host.breathe();
        }
        // SAFETY: the address of a slot, which is and stays a header (GC-H3).
        f(place, unsafe { &*object });
    }
}

/// What was read of the watched objects of a batch.
struct Look {
    counts: Vec<i64>,
    /// Which of them were read, and steady: nobody took their lock.
    steady: Vec<bool>,
    /// References between objects of the batch, by place; those of one object lie together.
    references: Vec<(usize, usize)>,
}

fn look<H: Host>(host: &mut H, batch: &Batch, watched: &[bool]) -> Look {
    let tracer = host.tracer_beside();
    let mut counts = vec![0; watched.len()];
    let mut steady = vec![false; watched.len()];
    let mut references = Vec::new();
    each(host, batch.objects(), |place, object| {
        if watched[place] && is_readable(object) {
            steady[place] = true;
            counts[place] = object.watched_count();
            tracer.trace(object, |child| {
                references.extend(batch.place_of(child).map(|to| (place, to)));
            });
        }
    });
    each(host, batch.objects(), |place, object| {
        steady[place] = steady[place] && object.is_unlocked_since_watch();
    });
    Look { counts, steady, references }
}

impl Look {
    /// Condemns what is explained by steady objects that are explained themselves.
    fn condemn(self, collector: &Collector, objects: &[*const Header]) -> Watched {
        let dead = self.explained();
        let mut undecided = self.steady.contains(&false);
        let mut condemned = Vec::new();
        let gate = collector.weakrefs.settle();
        for (place, _) in dead.iter().enumerate().filter(|(_, dead)| **dead) {
            // SAFETY: as in `each`.
            if !unsafe { &*objects[place] }.condemn(self.counts[place]) {
                for object in condemned.drain(..) {
                    // SAFETY: as above.
                    unsafe { &*(object as *const Header) }.spare();
                }
                undecided = true;
                break;
            }
            condemned.push(objects[place]);
        }
        drop(gate);
        Watched { dead: condemned, undecided }
    }

    fn explained(&self) -> Vec<bool> {
        let mut held = self.counts.clone();
        for &(from, to) in &self.references {
            held[to] -= i64::from(self.steady[from]);
        }
        let mut dead: Vec<bool> =
            held.iter().zip(&self.steady).map(|(held, steady)| *held == 0 && *steady).collect();
        let mut waiting: Vec<usize> = (0..dead.len()).filter(|&place| !dead[place]).collect();
        while let Some(place) = waiting.pop() {
            let first = self.references.partition_point(|&(from, _)| from < place);
            for &(_, to) in self.references[first..].iter().take_while(|&&(from, _)| from == place) {
                if std::mem::take(&mut dead[to]) {
                    waiting.push(to);
                }
            }
        }
        dead
    }
}
