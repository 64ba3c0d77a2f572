//! `set_iterator`.

use typhon_sync::header::OwnerId;
use typhon_sync::prim::{AtomicUsize, Ordering};

use super::Set;
use crate::builtins::sequence;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::sharing;
use crate::slots::Slots;
use crate::thread::{Thread, unborn};
use crate::typedef::{NativeDef, Shared, TypeDef};
use crate::word::Word;

/// Marks an iterator whose set changed its size: it raises for ever.
const BROKEN: usize = usize::MAX;

crate::payload! {
    /// Iterator of a set or frozenset.
    pub struct SetIterator: DEF {
        set: Slot,
        pos: AtomicUsize,
        /// Keys the set had at the beginning, or [`BROKEN`].
        used: AtomicUsize,
        /// Keys handed out.
        done: AtomicUsize,
    }
}

pub static DEF: TypeDef = TypeDef {
    slots: Slots { iter: Some(|_, o| Ok(o.to_owned())), next: Some(next), ..Slots::NONE },
    methods: &[
        NativeDef::new(
            "__length_hint__",
            "($self, /)",
            length_hint,
            "Private method returning an estimate of len(list(it)).",
        ),
        NativeDef::new("__reduce__", "($self, /)", reduce, "Return state information for pickling."),
    ],
    shared: Some(Shared::ITERATOR.note("Says so if the set has changed its size.")),
    ..TypeDef::of::<SetIterator>("set_iterator")
};

pub fn new(th: &mut Thread, set: Borrowed<'_>) -> Owned {
    let used = set.downcast::<Set>().map_or(0, Set::len);
    th.alloc(SetIterator {
        header: unborn(),
        set: Slot::new(set.to_owned()),
        pos: AtomicUsize::new(0),
        used: AtomicUsize::new(used),
        done: AtomicUsize::new(0),
    })
}

fn of<'a>(o: Borrowed<'a>) -> &'a SetIterator {
    o.downcast::<SetIterator>().expect("checked by the slot's type")
}

fn next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let it = of(o);
    sharing::enter(&it.header);
    let source = it.set.peek();
    // ORDERING Relaxed: a position.
    if !source.is_ptr() || it.pos.load(Ordering::Relaxed) == sharing::EXHAUSTED {
        return Ok(None);
    }
    // SAFETY: the slot holds sets only, and lets go of one no sooner than at a safepoint of every thread
    // that may be reading it.
    let set = unsafe { &*(source.ptr() as *const Set) };
    if !sharing::may_read(&set.header, th.owner) {
        let held = it.set.get(&it.header);
        sharing::enter(&set.header);
        drop(held);
    }
    // ORDERING Relaxed: positions; threads that share an iterator may see a key twice.
    if set.own_len() != it.used.load(Ordering::Relaxed) {
        it.used.store(BROKEN, Ordering::Relaxed);
        return Err(th.runtime_error("Set changed size during iteration"));
    }
    match set.next_unlocked(it.pos.load(Ordering::Relaxed)).or_else(|| it.next_held()) {
        Some((k, pos)) => {
            it.pos.store(pos, Ordering::Relaxed);
            it.done.store(it.done.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            Ok(Some(k))
        }
        None => {
            let _guard = crate::thread::lock_object(&it.header);
            if sharing::is_foreign(&it.header) {
                // ORDERING Relaxed: as above.
                it.pos.store(sharing::EXHAUSTED, Ordering::Relaxed);
            } else {
                drop(it.set.take());
            }
            Ok(None)
        }
    }
}

impl SetIterator {
    /// The next key as a word for the stack, or [`Word::ZERO`] when [`next`] must decide. Runs no code.
    #[inline(never)]
    pub(crate) fn next_for_stack(&self, me: OwnerId) -> Word {
        let source = self.set.peek();
        // ORDERING Relaxed: positions; threads that share an iterator may see a key twice.
        let (pos, used) = (self.pos.load(Ordering::Relaxed), self.used.load(Ordering::Relaxed));
        if !source.is_ptr() || pos == sharing::EXHAUSTED || !sharing::may_read(&self.header, me) {
            return Word::ZERO;
        }
        // SAFETY: as in `next`.
        let set = unsafe { &*(source.ptr() as *const Set) };
        if !sharing::may_read(&set.header, me) || set.own_len() != used {
            return Word::ZERO;
        }
        let (k, pos) = set.next_for_stack(me, pos);
        if k != Word::ZERO {
            self.pos.store(pos, Ordering::Relaxed);
            self.done.store(self.done.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        }
        k
    }

    /// The next key and the place behind it, where taking it may need the set's lock: the set is held meanwhile.
    #[cold]
    #[inline(never)]
    fn next_held(&self) -> Option<(Owned, usize)> {
        let held = self.set.get(&self.header)?;
        let set = held.borrow().downcast::<Set>()?;
        // ORDERING Relaxed: as in `next`.
        let mut pos = self.pos.load(Ordering::Relaxed);
        set.next_key(&mut pos).map(|(k, _)| (k, pos))
    }
}

fn length_hint(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = of(a[0]);
    let n = match it.set.get(&it.header) {
        Some(s) => {
            let len = s.borrow().downcast::<Set>().map_or(0, Set::len);
            // ORDERING Relaxed: as in `next`.
            if len == it.used.load(Ordering::Relaxed) {
                len - it.done.load(Ordering::Relaxed).min(len)
            } else {
                0
            }
        }
        None => 0,
    };
    Ok(th.new_int(n as i64))
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = of(a[0]);
    let mut rest = Vec::new();
    if let Some(s) = it.set.get(&it.header) {
        let set = s.borrow().downcast::<Set>().expect("an iterator of a set");
        // ORDERING Relaxed: as in `next`.
        let mut pos = it.pos.load(Ordering::Relaxed);
        while let Some((k, _)) = set.next_key(&mut pos) {
            rest.push(k);
        }
    }
    let list = th.new_list(rest);
    sequence::reduced(th, "iter", vec![list], None)
}
