//! `tuple_iterator`.

use typhon_sync::prim::{AtomicUsize, Ordering};

use typhon_sync::header::OwnerId;

use super::Tuple;
use crate::builtins::{ids, sequence};
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::sharing;
use crate::slots::Slots;
use crate::thread::{self, Thread, unborn};
use crate::typedef::{NativeDef, Shared, TypeDef, TypeId};
use crate::word::Word;

crate::payload! {
    /// Iterator of a tuple; drops the tuple when it is exhausted.
    pub struct TupleIterator: DEF {
        tuple: Slot,
        index: AtomicUsize,
    }
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(ids::TUPLE_ITERATOR),
    slots: Slots { iter: Some(|_, o| Ok(o.to_owned())), next: Some(|_, o| Ok(of(o).next())), ..Slots::NONE },
    methods: &[
        NativeDef::new(
            "__length_hint__",
            "($self, /)",
            length_hint,
            "Private method returning an estimate of len(list(it)).",
        ),
        NativeDef::new("__reduce__", "($self, /)", reduce, "Return state information for pickling."),
        NativeDef::new(
            "__setstate__",
            "($self, state, /)",
            setstate,
            "Set state information for unpickling.",
        ),
    ],
    shared: Some(Shared::ITERATOR),
    ..TypeDef::of::<TupleIterator>("tuple_iterator")
};

pub fn new(th: &mut Thread, tuple: Borrowed<'_>) -> PyResult {
    let tuple = Slot::new(tuple.to_owned());
    Ok(th.alloc(TupleIterator { header: unborn(), tuple, index: AtomicUsize::new(0) }))
}

fn of<'a>(o: Borrowed<'a>) -> &'a TupleIterator {
    o.downcast::<TupleIterator>().expect("checked by the slot's type")
}

impl TupleIterator {
    fn at(&self) -> usize {
        // ORDERING Relaxed: a position; threads that share an iterator may see an item twice.
        self.index.load(Ordering::Relaxed)
    }

    fn set_at(&self, i: usize) {
        // ORDERING Relaxed: as in `at`.
        self.index.store(i, Ordering::Relaxed)
    }

    /// The next item as a word for the stack, or [`Word::ZERO`] when [`TupleIterator::next`] must decide.
    #[inline(always)]
    pub fn next_for_stack(&self, me: OwnerId) -> Word {
        let w = self.next_word(me);
        if !w.is_ptr() || w == Word::ZERO {
            return w;
        }
        // SAFETY: items live as long as the tuple.
        let h = unsafe { &*w.ptr() };
        if h.is_owned_by(me) {
            h.incref(me);
            return w.owned_now();
        }
        // SAFETY: as above.
        unsafe { sharing::copy_for_stack(w) }
    }

    /// The word of the next item, which is alive as long as the tuple, or [`Word::ZERO`].
    #[inline(always)]
    fn next_word(&self, me: OwnerId) -> Word {
        let source = self.tuple.peek();
        if !source.is_ptr() || !sharing::may_read(&self.header, me) {
            return Word::ZERO;
        }
        // SAFETY: the slot holds tuples only, and lets go of one no sooner than at a safepoint of every
        // thread that may be reading it (`next`).
        let tuple = unsafe { &*(source.ptr() as *const Tuple) };
        let i = self.at();
        let Some(slot) = tuple.items().get(i) else { return Word::ZERO };
        self.set_at(i + 1);
        slot.peek()
    }

    /// The next item; at the end the tuple is dropped.
    #[inline]
    pub fn next(&self) -> Option<Owned> {
        let w = self.next_word(thread::me());
        if w != Word::ZERO {
            // SAFETY: the item is alive.
            return Some(unsafe { Borrowed::from_raw(w.uncounted()) }.to_owned());
        }
        self.next_slow()
    }

    #[inline(never)]
    fn next_slow(&self) -> Option<Owned> {
        sharing::enter(&self.header);
        let tuple = self.tuple.get(&self.header)?;
        let i = self.at();
        if let Some(v) = tuple.payload::<Tuple>().items().get(i).and_then(Slot::fixed) {
            self.set_at(i + 1);
            return Some(v.to_owned());
        }
        let _guard = crate::thread::lock_object(&self.header);
        if sharing::is_foreign(&self.header) {
            self.set_at(sharing::EXHAUSTED);
        } else {
            drop(self.tuple.take());
        }
        None
    }
}

fn length_hint(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = of(a[0]);
    let len = it.tuple.get(&it.header).map_or(0, |t| t.payload::<Tuple>().len());
    Ok(th.new_int(len.saturating_sub(it.at()) as i64))
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = of(a[0]);
    match it.tuple.get(&it.header).filter(|_| it.at() != sharing::EXHAUSTED) {
        Some(t) => {
            let state = th.new_int(it.at() as i64);
            sequence::reduced(th, "iter", vec![t], Some(state))
        }
        None => {
            let empty = th.new_tuple(vec![]);
            sequence::reduced(th, "iter", vec![empty], None)
        }
    }
}

fn setstate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let i = sequence::state_index(th, a[1])?;
    let it = of(a[0]);
    if let Some(t) = it.tuple.get(&it.header).filter(|_| it.at() != sharing::EXHAUSTED) {
        it.set_at(i.min(t.payload::<Tuple>().len()));
    }
    Ok(Owned::none())
}
