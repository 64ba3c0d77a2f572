//! `list_iterator` and `list_reverseiterator`.

use typhon_sync::prim::{AtomicIsize, AtomicUsize, Ordering};

use typhon_sync::header::OwnerId;

use super::List;
use crate::builtins::{ids, sequence};
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::sharing;
use crate::slots::Slots;
use crate::thread::{self, Thread, unborn};
use crate::typedef::{NativeDef, Shared, TypeDef, TypeId};
use crate::word::Word;

crate::payload! {
    /// Iterator of a list; drops the list when it is exhausted.
    pub struct ListIterator: DEF {
        list: Slot,
        index: AtomicUsize,
    }
}

crate::payload! {
    /// Reverse iterator of a list.
    pub struct ListReverseIterator: REVERSE {
        list: Slot,
        /// Next index; below 0 = exhausted.
        index: AtomicIsize,
    }
}

const HINT: &str = "Private method returning an estimate of len(list(it)).";
const REDUCE: &str = "Return state information for pickling.";
const SETSTATE: &str = "Set state information for unpickling.";

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(ids::LIST_ITERATOR),
    slots: Slots { iter: Some(|_, o| Ok(o.to_owned())), next: Some(|_, o| Ok(of(o).next())), ..Slots::NONE },
    methods: &[
        NativeDef::new("__length_hint__", "($self, /)", length_hint, HINT),
        NativeDef::new("__reduce__", "($self, /)", reduce, REDUCE),
        NativeDef::new("__setstate__", "($self, state, /)", setstate, SETSTATE),
    ],
    shared: Some(Shared::ITERATOR),
    ..TypeDef::of::<ListIterator>("list_iterator")
};

pub static REVERSE: TypeDef = TypeDef {
    slots: Slots {
        iter: Some(|_, o| Ok(o.to_owned())),
        next: Some(|_, o| Ok(back(o).next())),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new("__length_hint__", "($self, /)", reverse_length_hint, HINT),
        NativeDef::new("__reduce__", "($self, /)", reverse_reduce, REDUCE),
        NativeDef::new("__setstate__", "($self, state, /)", reverse_setstate, SETSTATE),
    ],
    shared: Some(Shared::ITERATOR),
    ..TypeDef::of::<ListReverseIterator>("list_reverseiterator")
};

pub fn new(th: &mut Thread, list: Borrowed<'_>) -> PyResult {
    let list = Slot::new(list.to_owned());
    Ok(th.alloc(ListIterator { header: unborn(), list, index: AtomicUsize::new(0) }))
}

/// `reversed(list)`
pub fn reversed(th: &mut Thread, list: Borrowed<'_>) -> PyResult {
    let last = super::methods::of(list).len() as isize - 1;
    let list = Slot::new(list.to_owned());
    Ok(th.alloc(ListReverseIterator { header: unborn(), list, index: AtomicIsize::new(last) }))
}

fn of<'a>(o: Borrowed<'a>) -> &'a ListIterator {
    o.downcast::<ListIterator>().expect("checked by the slot's type")
}

fn back<'a>(o: Borrowed<'a>) -> &'a ListReverseIterator {
    o.downcast::<ListReverseIterator>().expect("checked by the slot's type")
}

impl ListIterator {
    fn at(&self) -> usize {
        // ORDERING Relaxed: a position; threads that share an iterator may see an item twice.
        self.index.load(Ordering::Relaxed)
    }

    fn set_at(&self, i: usize) {
        // ORDERING Relaxed: as in `at`.
        self.index.store(i, Ordering::Relaxed)
    }

    /// The next item as a word for the stack, or [`Word::ZERO`] when [`ListIterator::next`] must decide.
    #[inline(always)]
    pub fn next_for_stack(&self, me: OwnerId) -> Word {
        self.next_by(me, |list, i| list.load_for_stack(me, i))
    }

    /// `load` gives a word for an item, or [`Word::ZERO`], and so does this.
    #[inline(always)]
    fn next_by(&self, me: OwnerId, load: impl FnOnce(&List, usize) -> Word) -> Word {
        let source = self.list.peek();
        if !source.is_ptr() || !sharing::may_read(&self.header, me) {
            return Word::ZERO;
        }
        // SAFETY: the slot holds lists only, and lets go of one no sooner than at a safepoint of every
        // thread that may be reading it (`next_slow`).
        let list = unsafe { &*(source.ptr() as *const List) };
        let i = self.at();
        let w = load(list, i);
        if w != Word::ZERO {
            self.set_at(i + 1);
        }
        w
    }

    /// The next item; at the end the list is dropped.
    #[inline]
    pub fn next(&self) -> Option<Owned> {
        let w = self.next_by(thread::me(), |list, i| list.load_item(thread::me(), i));
        if w != Word::ZERO {
            // SAFETY: the count was taken.
            return Some(unsafe { Owned::from_raw(w) });
        }
        self.next_slow()
    }

    #[inline(never)]
    fn next_slow(&self) -> Option<Owned> {
        sharing::enter(&self.header);
        let list = self.list.get(&self.header)?;
        let i = self.at();
        if i == sharing::EXHAUSTED {
            return None;
        }
        if let Some(v) = list.payload::<List>().get(i) {
            self.set_at(i + 1);
            return Some(v);
        }
        let _guard = crate::thread::lock_object(&self.header);
        if sharing::is_foreign(&self.header) {
            self.set_at(sharing::EXHAUSTED);
        } else {
            drop(self.list.take());
        }
        None
    }
}

impl ListReverseIterator {
    #[inline]
    fn next(&self) -> Option<Owned> {
        let list = self.list.get(&self.header)?;
        // ORDERING Relaxed: as in `ListIterator::at`.
        let i = self.index.load(Ordering::Relaxed);
        if i >= 0
            && let Some(v) = list.payload::<List>().get(i as usize)
        {
            self.index.store(i - 1, Ordering::Relaxed);
            return Some(v);
        }
        self.index.store(-1, Ordering::Relaxed);
        drop(self.list.clear(&self.header));
        None
    }
}

fn length_hint(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = of(a[0]);
    let len = it.list.get(&it.header).map_or(0, |l| l.payload::<List>().len());
    Ok(th.new_int(len.saturating_sub(it.at()) as i64))
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = of(a[0]);
    match it.list.get(&it.header).filter(|_| it.at() != sharing::EXHAUSTED) {
        Some(l) => {
            let state = th.new_int(it.at() as i64);
            sequence::reduced(th, "iter", vec![l], Some(state))
        }
        None => {
            let empty = th.new_list(vec![]);
            sequence::reduced(th, "iter", vec![empty], None)
        }
    }
}

fn setstate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let i = sequence::state_index(th, a[1])?;
    let it = of(a[0]);
    if it.at() != sharing::EXHAUSTED {
        it.set_at(i);
    }
    Ok(Owned::none())
}

fn reverse_length_hint(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = back(a[0]);
    let len = it.list.get(&it.header).map_or(0, |l| l.payload::<List>().len() as isize);
    // ORDERING Relaxed: as in `ListIterator::at`.
    let left = it.index.load(Ordering::Relaxed) + 1;
    Ok(th.new_int(if left > len { 0 } else { left as i64 }))
}

fn reverse_reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = back(a[0]);
    match it.list.get(&it.header) {
        Some(l) => {
            // ORDERING Relaxed: as in `ListIterator::at`.
            let state = th.new_int(it.index.load(Ordering::Relaxed) as i64);
            sequence::reduced(th, "reversed", vec![l], Some(state))
        }
        None => {
            let empty = th.new_list(vec![]);
            sequence::reduced(th, "iter", vec![empty], None)
        }
    }
}

fn reverse_setstate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = back(a[0]);
    let i = a[1].to_isize(th)?;
    if let Some(l) = it.list.get(&it.header) {
        let last = l.payload::<List>().len() as isize - 1;
        // ORDERING Relaxed: as in `ListIterator::at`.
        it.index.store(i.clamp(-1, last), Ordering::Relaxed);
    }
    Ok(Owned::none())
}
