//! Iterators of dicts: keys, values and items, forwards and backwards.

use typhon_sync::header::OwnerId;
use typhon_sync::prim::{AtomicU64, AtomicUsize, Ordering};

use super::{Dict, Table};
use crate::builtins::sequence;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::sharing;
use crate::slots::Slots;
use crate::thread::{Thread, unborn};
use crate::typedef::{NativeDef, Shared, TypeDef};
use crate::word::Word;

/// Marks an iterator whose dict changed its size: it raises for ever.
const BROKEN: usize = usize::MAX;

/// Where an iterator stands.
#[derive(Clone, Copy)]
struct At {
    /// Next entry (forwards), or the one behind it (backwards); [`At::END`].
    pos: u32,
    /// Keys still to come.
    left: u32,
}

impl At {
    /// The position of an iterator that is exhausted and shared.
    const END: u32 = u32::MAX;
}

/// The state of an iterator. Any thread may step it: one that is shared hands out entries twice, or not at all, but
/// where it stands is one word, and so always a place where some thread was.
pub struct Place {
    at: AtomicU64,
    /// Keys the dict had at the beginning, or [`BROKEN`].
    used: AtomicUsize,
}

crate::holds_no_references!(Place);

impl Place {
    fn new(d: &Dict, backwards: bool) -> Place {
        let used = d.len();
        let pos = if backwards { d.table().n() } else { 0 };
        let place = Place { at: AtomicU64::new(0), used: AtomicUsize::new(used) };
        place.set_at(At { pos, left: used as u32 });
        place
    }

    fn at(&self) -> At {
        // ORDERING Relaxed: the word is all there is.
        let at = self.at.load(Ordering::Relaxed);
        At { pos: at as u32, left: (at >> 32) as u32 }
    }

    fn set_at(&self, at: At) {
        // ORDERING Relaxed: as above.
        self.at.store(u64::from(at.left) << 32 | u64::from(at.pos), Ordering::Relaxed);
    }

    fn used(&self) -> usize {
        // ORDERING Relaxed: a number.
        self.used.load(Ordering::Relaxed)
    }

    fn set_broken(&self) {
        // ORDERING Relaxed: as above.
        self.used.store(BROKEN, Ordering::Relaxed);
    }
}

/// What the six iterators have in common.
trait Step: crate::Payload {
    const BACKWARDS: bool;
    type Item;
    fn dict(&self) -> &Slot;
    fn place(&self) -> &Place;
    fn header(&self) -> &crate::Header;
    /// Takes entry `i` out of the dict, if it can without the lock (or has it: `pinned`).
    fn take(d: &Dict, t: &Table, i: u32, pinned: bool) -> Option<Self::Item>;
    fn value(&self, th: &mut Thread, item: Self::Item) -> Owned;
}

/// The next entry of an iterator. The dict is held by the iterator, which lets it go no sooner than at
/// a safepoint of every thread that may be reading it.
fn advance<S: Step>(it: &S, th: &mut Thread) -> PyResult<Option<S::Item>> {
    sharing::enter(it.header());
    let source = it.dict().peek();
    let place = it.place();
    // Looked at once: another thread may end the iteration meanwhile.
    let At { mut pos, left } = place.at();
    if !source.is_ptr() || pos == At::END {
        return Ok(None);
    }
    // SAFETY: the slot holds dicts only; alive as said above.
    let d = unsafe { &*(source.ptr() as *const Dict) };
    if !sharing::may_read(&d.header, th.owner) {
        let held = it.dict().get(it.header());
        sharing::enter(&d.header);
        drop(held);
    }
    let t = d.table();
    if t.live() != place.used() {
        place.set_broken();
        return Err(th.runtime_error("dictionary changed size during iteration"));
    }
    let found = loop {
        let at = if S::BACKWARDS {
            // The table may be another than that of the step before, with fewer entries: then this is the end.
            let Some(at) = pos.checked_sub(1).filter(|at| *at < t.n()) else { break None };
            pos = at;
            at
        } else {
            if pos >= t.n() {
                break None;
            }
            pos += 1;
            pos - 1
        };
        if t.key(at).peek() != Word::UNBOUND {
            break Some(at);
        }
        if S::BACKWARDS && pos == 0 {
            break None;
        }
    };
    let Some(i) = found else {
        finish(it);
        return Ok(None);
    };
    if left == 0 {
        finish(it);
        return Err(th.runtime_error("dictionary keys changed during iteration"));
    }
    let Some(item) = S::take(d, t, i, false).or_else(|| take_locked(it, i)) else {
        // Removed by another thread just now: the size has changed.
        place.set_broken();
        return Err(th.runtime_error("dictionary changed size during iteration"));
    };
    place.set_at(At { pos, left: left - 1 });
    Ok(Some(item))
}

impl KeyIterator {
    /// The next key as a word for the stack, or [`Word::ZERO`] when [`advance`] must decide. Runs no code.
    #[inline(never)]
    pub(crate) fn next_for_stack(&self, me: OwnerId) -> Word {
        let source = self.dict.peek();
        let At { pos, left } = self.place.at();
        if !source.is_ptr() || left == 0 || !sharing::may_read(&self.header, me) {
            return Word::ZERO;
        }
        // SAFETY: the slot holds dicts only; alive as `advance` says.
        let d = unsafe { &*(source.ptr() as *const Dict) };
        if !sharing::may_read(&d.header, me) {
            return Word::ZERO;
        }
        let t = d.table();
        if t.live() != self.place.used() || pos >= t.n() {
            return Word::ZERO;
        }
        let slot = t.key(pos);
        let w = slot.peek();
        if w == Word::UNBOUND {
            return Word::ZERO;
        }
        // SAFETY: read just now.
        let w = unsafe { sharing::own_for_stack(me, slot, w, || d.is_current(t)) };
        if w != Word::ZERO {
            self.place.set_at(At { pos: pos + 1, left: left - 1 });
        }
        w
    }
}

/// As [`advance`], as one object.
fn next_value<S: Step>(it: &S, th: &mut Thread) -> PyResult<Option<Owned>> {
    Ok(advance(it, th)?.map(|item| it.value(th, item)))
}

#[cold]
#[inline(never)]
fn take_locked<S: Step>(it: &S, i: u32) -> Option<S::Item> {
    let d = it.dict().get(it.header())?;
    let d = d.payload::<Dict>();
    let _guard = d.lock();
    let t = d.table();
    if i < t.n() && t.key(i).peek() != Word::UNBOUND { S::take(d, t, i, true) } else { None }
}

fn finish<S: Step>(it: &S) {
    let _guard = crate::thread::lock_object(it.header());
    if sharing::is_foreign(it.header()) {
        it.place().set_at(At { pos: At::END, left: 0 });
    } else {
        drop(it.dict().take());
    }
}

fn length_hint<S: Step>(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = a[0].downcast::<S>().expect("checked by the descriptor");
    let n = match it.dict().get(it.header()) {
        Some(d) if d.payload::<Dict>().len() == it.place().used() => it.place().at().left,
        _ => 0,
    };
    Ok(th.new_int(n.into()))
}

fn reduce<S: Step>(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = a[0].downcast::<S>().expect("checked by the descriptor");
    let mut rest = Vec::new();
    let before = it.place().at();
    let held = it.dict().get(it.header());
    while let Some(v) = next_value(it, th)? {
        rest.push(v);
    }
    // The iterator itself stays where it was.
    if let Some(d) = held {
        it.dict().set(it.header(), d);
    }
    it.place().set_at(before);
    let list = th.new_list(rest);
    sequence::reduced(th, "iter", vec![list], None)
}

macro_rules! dict_iterators {
    ($($(#[$doc:meta])* $name:ident, $def:ident, $text:literal, $make:ident, $back:literal, $item:ty,
        |$d:ident, $t:ident, $i:ident, $pinned:ident| $take:expr, |$it:ident, $th:ident, $v:ident| $value:expr);* $(;)?) => { $(
        crate::payload! {
            $(#[$doc])*
            pub struct $name: $def {
                dict: Slot,
                place: Place,
                /// The pair handed out last, to be used again.
                pair: Slot,
            }
        }
        impl Step for $name {
            const BACKWARDS: bool = $back;
            type Item = $item;
            #[inline(always)]
            fn dict(&self) -> &Slot { &self.dict }
            #[inline(always)]
            fn place(&self) -> &Place { &self.place }
            #[inline(always)]
            fn header(&self) -> &crate::Header { &self.header }
            #[inline(always)]
            fn take($d: &Dict, $t: &Table, $i: u32, $pinned: bool) -> Option<$item> { $take }
            #[inline(always)]
            fn value(&self, $th: &mut Thread, $v: $item) -> Owned { let $it = self; let _ = (&$it, &$th); $value }
        }
        impl $name {
            /// The next item. Errors: RuntimeError if the dict changed.
            #[inline]
            pub fn next(&self, th: &mut Thread) -> PyResult<Option<$item>> { advance(self, th) }
        }
        pub static $def: TypeDef = TypeDef {
            slots: Slots {
                iter: Some(|_, o| Ok(o.to_owned())),
                next: Some(|th, o| next_value(o.downcast_exact::<$name>().expect("checked by the slot's type"), th)),
                ..Slots::NONE
            },
            methods: &[
                NativeDef::new("__length_hint__", "($self, /)", length_hint::<$name>, "Private method returning an estimate of len(list(it))."),
                NativeDef::new("__reduce__", "($self, /)", reduce::<$name>, "Return state information for pickling."),
            ],
            shared: Some(Shared::ITERATOR.note("Says so if the dict has changed its size.")),
            ..TypeDef::of::<$name>($text)
        };
        /// An iterator of this sort over `dict`.
        pub fn $make(th: &mut Thread, dict: Borrowed<'_>) -> Owned {
            let place = Place::new(super::methods::of(dict), $back);
            th.alloc($name { header: unborn(), dict: Slot::new(dict.to_owned()), place, pair: Slot::empty() })
        }
    )* };
}

dict_iterators! {
    /// `dict_keyiterator`
    KeyIterator, KEYS, "dict_keyiterator", keys, false, Owned,
        |d, t, i, p| d.own_key(t, i, p), |it, th, v| v;
    /// `dict_valueiterator`
    ValueIterator, VALUES, "dict_valueiterator", values, false, Owned,
        |d, t, i, p| d.own_value(t, i, p), |it, th, v| v;
    /// `dict_itemiterator`
    ItemIterator, ITEMS, "dict_itemiterator", items, false, (Owned, Owned),
        |d, t, i, p| Some((d.own_key(t, i, p)?, d.own_value(t, i, p)?)),
        |it, th, v| th.reused_pair(&it.header, &it.pair, v.0, v.1);
    /// `dict_reversekeyiterator`
    ReverseKeyIterator, REVERSE_KEYS, "dict_reversekeyiterator", reversed_keys, true, Owned,
        |d, t, i, p| d.own_key(t, i, p), |it, th, v| v;
    /// `dict_reversevalueiterator`
    ReverseValueIterator, REVERSE_VALUES, "dict_reversevalueiterator", reversed_values, true, Owned,
        |d, t, i, p| d.own_value(t, i, p), |it, th, v| v;
    /// `dict_reverseitemiterator`
    ReverseItemIterator, REVERSE_ITEMS, "dict_reverseitemiterator", reversed_items, true, (Owned, Owned),
        |d, t, i, p| Some((d.own_key(t, i, p)?, d.own_value(t, i, p)?)),
        |it, th, v| th.reused_pair(&it.header, &it.pair, v.0, v.1);
}
