//! `list`.

mod buffer;
pub mod iterator;
pub mod methods;
pub mod sort;
#[cfg(test)]
mod tests;

use typhon_sync::prim::{AtomicUsize, Ordering};

use typhon_sync::header::OwnerId;

pub use self::buffer::Items;
pub use self::methods::extend;
use crate::builtins::slice::Span;
use crate::object::{Borrowed, Owned, Slot, own_slot_word};
use crate::sharing;
use crate::thread::{self, ObjectGuard, Thread, unborn};
use crate::typedef::{Layout, TypeDef, TypeId, kind, type_flags};
use crate::types::Type;
use crate::word::{UNCOUNTED, Word};

crate::payload! {
    /// A list: a buffer of slots that carries its own capacity, published by one pointer.
    ///
    /// Writers hold the object's lock. Readers load `items`, `len` and `items` again ([`Items::is_still`]).
    /// At every moment `len` ≤ capacity of `items`, and slots from `len` on are empty.
    pub struct List: DEF {
        pub len: AtomicUsize,
        pub items: Items,
    }
}

unsafe fn row(o: *const crate::Header) -> Option<core::ptr::NonNull<[Slot]>> {
    // SAFETY: used for lists only.
    core::ptr::NonNull::new(unsafe { (*(o as *const List)).items.row() }.cast_mut())
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(super::ids::LIST),
    kind: kind::LIST,
    flags: type_flags::GC | type_flags::BASE | type_flags::SEQUENCE | type_flags::MATCH_SELF,
    doc: "Built-in mutable sequence.\n\nIf no argument is given, the constructor creates a new empty list.\nThe \
          argument must be an iterable if specified.",
    shared: Some(methods::SHARED),
    slots: methods::SLOTS,
    methods: methods::METHODS,
    layout: Layout::confined::<List>().in_a_row(row),
    ..TypeDef::of::<List>("list")
};

/// Exclusive access to a list's items: holds the object's lock (nothing in GIL mode). Python code
/// must not run while it exists.
pub struct Locked<'l> {
    list: &'l List,
    _guard: ObjectGuard<'l>,
}

impl List {
    /// A list payload with this buffer, for `alloc_as`.
    pub(crate) fn from_parts(len: usize, items: Items) -> List {
        List { header: unborn(), len: AtomicUsize::new(len), items }
    }

    #[inline(always)]
    pub fn len(&self) -> usize {
        // ORDERING Acquire: orders the loads of a reader that holds no lock.
        self.len.load(Ordering::Acquire)
    }

    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Item `i` as an owned word, or [`Word::ZERO`] when [`List::get`] must decide (out of range, or
    /// an object of another thread). A handful of loads and one increment.
    #[inline(always)]
    pub fn load_item(&self, me: OwnerId, i: usize) -> Word {
        self.load::<false>(me, i)
    }

    /// As [`List::load_item`], as a word for the stack: without a count if threads may borrow it.
    #[inline(always)]
    pub fn load_for_stack(&self, me: OwnerId, i: usize) -> Word {
        self.load::<true>(me, i)
    }

    #[inline(always)]
    fn load<const FOR_STACK: bool>(&self, me: OwnerId, i: usize) -> Word {
        let p = self.items.load();
        if i >= self.len() || !self.items.is_still(p) || !sharing::may_read(&self.header, me) {
            return Word::ZERO;
        }
        // SAFETY: the buffer was published while the length was `> i`, and is not freed before this
        // thread's next safepoint (SH-1, SH-2).
        let slot = unsafe { &*p.add(i) };
        let w = slot.peek();
        if !w.is_ptr() {
            return if w == Word::UNBOUND { Word::ZERO } else { w };
        }
        // SAFETY: type-stable memory (SH-3).
        let h = unsafe { &*w.ptr() };
        if h.try_inc_local(me) {
            return Word(w.ptr() as u64);
        }
        let still = || self.items.load() == p;
        if h.owner() == OwnerId::IMMORTAL && slot.peek() == w && still() {
            return Word(w.ptr() as u64 | UNCOUNTED);
        }
        // SAFETY: read since the last safepoint.
        if FOR_STACK { unsafe { sharing::borrow(slot, w, still) } } else { Word::ZERO }
    }

    /// Item `i` now, if there is one. No lock on the common path.
    #[inline(always)]
    pub fn get(&self, i: usize) -> Option<Owned> {
        let w = self.load_item(thread::me(), i);
        if w != Word::ZERO {
            // SAFETY: `load_item` took the count.
            return Some(unsafe { Owned::from_raw(w) });
        }
        self.get_slow(i)
    }

    #[cold]
    #[inline(never)]
    fn get_slow(&self, i: usize) -> Option<Owned> {
        sharing::enter(&self.header);
        for _ in 0..2 {
            let p = self.items.load();
            if i >= self.len() {
                return None;
            }
            if !self.items.is_still(p) {
                continue;
            }
            // SAFETY: as in `load_item`.
            let slot = unsafe { &*p.add(i) };
            let w = slot.peek();
            if w != Word::UNBOUND
                && let Some(v) = sharing::try_own(slot, w, || self.items.load() == p)
            {
                return Some(v);
            }
        }
        let items = self.lock();
        // SAFETY: the lock pins the item.
        items.slots().get(i).map(|s| unsafe { sharing::own_pinned(s.peek()) })
    }

    /// Locks the list; see [`Locked`].
    #[inline(always)]
    pub fn lock(&self) -> Locked<'_> {
        Locked { list: self, _guard: crate::thread::lock_object(&self.header) }
    }

    /// Replaces item `i` and returns the old one; gives `v` back if there is no such item.
    #[inline(always)]
    pub fn store_item(&self, i: usize, v: Owned) -> Result<Owned, Owned> {
        self.lock().replace(i, v)
    }

    /// `list.append`
    #[inline(always)]
    pub fn push(&self, v: Owned) {
        self.lock().push(v)
    }

    /// Adds the items of a list, which may be this one, at the end: under the locks of both. False: there is not so
    /// much memory.
    pub(crate) fn extend_from(&self, other: &List) -> bool {
        let _guards = thread::lock_both(&self.header, &other.header);
        let (items, more) = (self.locked_already(), other.locked_already());
        let n = more.len();
        // The slots are looked up afterwards: the other may be this one.
        items.reserve(n) && items.push_copies(more.slots())
    }

    /// The items of this list and of another as a buffer, with their number: under the locks of both.
    pub(crate) fn joined(&self, other: &List) -> (usize, Items) {
        let _guards = thread::lock_both(&self.header, &other.header);
        let (left, right) = (self.locked_already(), other.locked_already());
        let (left, right) = (left.slots(), right.slots());
        let n = left.len() + right.len();
        let slot = |i: usize| left.get(i).unwrap_or_else(|| &right[i - left.len()]);
        // SAFETY: the lock pins the items.
        (n, Items::made_by(n, |i| unsafe { sharing::own_pinned(slot(i).peek()) }))
    }

    /// The items `n` times over, as a payload: under the lock. `None`: there is not so much memory.
    pub(crate) fn repeated(&self, n: usize) -> Option<List> {
        let items = self.lock();
        let total = items.len().checked_mul(n)?;
        // SAFETY: the lock pins the items.
        let buffer =
            Items::repeated(items.len(), total, |i| unsafe { sharing::own_pinned(items.slots()[i].peek()) })?;
        Some(List::from_parts(total, buffer))
    }

    /// Access for a caller that holds the lock.
    fn locked_already(&self) -> Locked<'_> {
        Locked { list: self, _guard: ObjectGuard::unneeded() }
    }

    /// As [`List::push`] for a list that only this thread can reach yet (a comprehension's): no lock.
    #[inline(always)]
    pub fn push_unshared(&self, v: Owned) {
        Locked { list: self, _guard: ObjectGuard::unneeded() }.push(v)
    }

    /// `list.pop()`
    #[inline]
    pub fn pop(&self) -> Option<Owned> {
        self.lock().pop()
    }

    /// A snapshot of the items.
    pub fn to_vec(&self) -> Vec<Owned> {
        self.slice(0, usize::MAX)
    }

    /// A snapshot of the items from `start` to before `stop`, both clipped.
    pub fn slice(&self, start: usize, stop: usize) -> Vec<Owned> {
        let items = self.lock();
        let slots = items.slots();
        let stop = stop.min(slots.len());
        let start = start.min(stop);
        // SAFETY: the lock pins the items.
        slots[start..stop].iter().map(|s| unsafe { sharing::own_pinned(s.peek()) }).collect()
    }
}

/// Stores a value in a slot of a locked container; returns the old one.
#[inline(always)]
pub(crate) fn replace(slot: &Slot, v: Owned) -> Owned {
    let old = slot.peek();
    slot.store_raw(v.into_raw());
    // SAFETY: writers are serialised by the lock, so the slot's count is ours now.
    unsafe { own_slot_word(old) }.unwrap_or_else(Owned::none)
}

impl<'l> Locked<'l> {
    #[inline(always)]
    pub fn len(&self) -> usize {
        // ORDERING Relaxed: the lock is held.
        self.list.len.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The items' slots. Readers without the lock may look at them at any time.
    #[inline(always)]
    pub fn slots(&self) -> &[Slot] {
        // SAFETY: `len` slots are in use; the lock keeps the buffer in place.
        unsafe { core::slice::from_raw_parts(self.list.items.load(), self.len()) }
    }

    /// Replaces item `i` and returns the old one; gives `v` back if there is no such item.
    #[inline(always)]
    pub fn replace(&self, i: usize, v: Owned) -> Result<Owned, Owned> {
        match self.slots().get(i) {
            Some(slot) => Ok(replace(slot, v)),
            None => Err(v),
        }
    }

    #[inline(always)]
    fn set_len(&self, n: usize) {
        // ORDERING Release: the items below `n` are visible to who sees the length.
        self.list.len.store(n, Ordering::Release)
    }

    /// Adds an item at the end. Amortised: a compare and two stores.
    #[inline(always)]
    pub fn push(&self, v: Owned) {
        let n = self.len();
        if n == self.list.items.capacity() {
            self.list.items.grow(&self.list.header, n, n + 1);
        }
        // SAFETY: n < capacity.
        unsafe { (*self.list.items.load().add(n)).store_raw(v.into_raw()) };
        self.set_len(n + 1);
    }

    /// Adds the items in slots that nobody changes meanwhile at the end, if there is room for them.
    pub fn push_copies(&self, slots: &[Slot]) -> bool {
        let n = self.len();
        if !self.reserve(slots.len()) {
            return false;
        }
        let end = self.list.items.load();
        for (i, slot) in slots.iter().enumerate() {
            // SAFETY: inside the capacity; the items are pinned.
            unsafe { (*end.add(n + i)).store_raw(sharing::own_pinned(slot.peek()).into_raw()) };
        }
        self.set_len(n + slots.len());
        true
    }

    /// Takes the last item off.
    #[inline(always)]
    pub fn pop(&self) -> Option<Owned> {
        let n = self.len().checked_sub(1)?;
        // SAFETY: n < len.
        let slot = unsafe { &*self.list.items.load().add(n) };
        self.set_len(n);
        let w = slot.peek();
        slot.store_raw(Word::UNBOUND);
        if n < self.list.items.capacity() / 4 {
            self.list.items.shrink(&self.list.header, n);
        }
        // SAFETY: out of the slot, so its count is ours.
        unsafe { own_slot_word(w) }
    }

    /// Makes room for `extra` more items. False: there is not so much memory.
    pub fn reserve(&self, extra: usize) -> bool {
        let n = self.len();
        match n.checked_add(extra) {
            Some(want) if want <= self.list.items.capacity() => true,
            Some(want) => self.list.items.try_grow(&self.list.header, n, want),
            None => false,
        }
    }

    /// Puts `v` in front of item `at` (≤ len).
    pub fn insert(&self, at: usize, v: Owned) {
        let n = self.len();
        debug_assert!(at <= n);
        if n == self.list.items.capacity() {
            self.list.items.grow(&self.list.header, n, n + 1);
        }
        let p = self.list.items.load();
        // SAFETY: at ≤ n < capacity.
        unsafe {
            buffer::shift(&self.list.header, p.add(at), p.add(at + 1), n - at);
            (*p.add(at)).store_raw(v.into_raw());
        }
        self.set_len(n + 1);
    }

    /// Takes item `at` out.
    pub fn remove(&self, at: usize) -> Option<Owned> {
        let n = self.len();
        if at >= n {
            return None;
        }
        if at + 1 == n {
            return self.pop();
        }
        let w = self.slots()[at].peek();
        self.close_gap(at, at + 1);
        // SAFETY: out of the buffer, so its count is ours.
        unsafe { own_slot_word(w) }
    }

    /// Moves the items from `to` on down to `from`; the words in between were taken by the caller.
    fn close_gap(&self, from: usize, to: usize) {
        let n = self.len();
        let p = self.list.items.load();
        let left = n - (to - from);
        // SAFETY: from ≤ to ≤ n.
        unsafe {
            self.set_len(left);
            buffer::shift(&self.list.header, p.add(to), p.add(from), n - to);
            for i in left..n {
                (*p.add(i)).store_raw(Word::UNBOUND);
            }
        }
        if left < self.list.items.capacity() / 4 {
            self.list.items.shrink(&self.list.header, left);
        }
    }

    /// Takes the items of an extended slice out.
    pub fn remove_span(&self, span: Span) -> Vec<Owned> {
        let n = self.len();
        let mut gone: Vec<usize> = span.indices().collect();
        gone.sort_unstable();
        let slots = self.slots();
        // SAFETY: the words leave the buffer below.
        let old = gone.iter().filter_map(|&i| unsafe { own_slot_word(slots[i].peek()) }).collect();
        let mut to = gone.first().copied().unwrap_or(n);
        let mut next = gone.iter().copied().peekable();
        let first = to;
        for from in first..n {
            if next.next_if_eq(&from).is_none() {
                slots[to].store_raw(slots[from].peek());
                to += 1;
            }
        }
        for slot in &slots[to..] {
            slot.store_raw(Word::UNBOUND);
        }
        self.set_len(to);
        old
    }

    /// Slots of the buffer.
    pub fn list_capacity(&self) -> usize {
        self.list.items.capacity()
    }

    /// Replaces the items from `start` to before `stop` (start ≤ stop ≤ len) by `new`; returns the
    /// old ones, or gives `new` back if there is not enough memory.
    pub fn splice(&self, start: usize, stop: usize, mut new: Vec<Owned>) -> Result<Vec<Owned>, Vec<Owned>> {
        if new.len() == stop - start {
            for (slot, value) in self.slots()[start..stop].iter().zip(&mut new) {
                *value = replace(slot, core::mem::replace(value, Owned::none()));
            }
            return Ok(new);
        }
        if new.len() > stop - start && !self.reserve(new.len() - (stop - start)) {
            return Err(new);
        }
        let n = self.len();
        // SAFETY: the words are taken out of the buffer below.
        let old = self.slots()[start..stop]
            .iter()
            .filter_map(|s| unsafe { own_slot_word(s.peek()) })
            .collect::<Vec<_>>();
        let k = new.len();
        if k > stop - start {
            let p = self.list.items.load();
            // SAFETY: the capacity was reserved.
            unsafe { buffer::shift(&self.list.header, p.add(stop), p.add(start + k), n - stop) };
        }
        let p = self.list.items.load();
        for (i, v) in new.into_iter().enumerate() {
            // SAFETY: inside the reserved capacity.
            unsafe { (*p.add(start + i)).store_raw(v.into_raw()) };
        }
        if k < stop - start {
            self.close_gap(start + k, stop);
        } else {
            self.set_len(n + k - (stop - start));
        }
        Ok(old)
    }

    /// Adds items at the end; gives them back if there is not enough memory.
    pub fn extend(&self, new: Vec<Owned>) -> Result<(), Vec<Owned>> {
        if !self.reserve(new.len()) {
            return Err(new);
        }
        let n = self.len();
        let p = self.list.items.load();
        let k = new.len();
        for (i, v) in new.into_iter().enumerate() {
            // SAFETY: the capacity was reserved.
            unsafe { (*p.add(n + i)).store_raw(v.into_raw()) };
        }
        self.set_len(n + k);
        Ok(())
    }

    /// Takes all items out, leaving the list empty.
    pub fn take_all(&self) -> Vec<Owned> {
        // SAFETY: the words are taken out of the buffer by `reset`.
        let all = self.slots().iter().filter_map(|s| unsafe { own_slot_word(s.peek()) }).collect();
        self.set_len(0);
        self.list.items.reset(&self.list.header);
        all
    }

    /// Reverses the order in place.
    pub fn reverse(&self) {
        let slots = self.slots();
        let n = slots.len();
        for i in 0..n / 2 {
            let (a, b) = (slots[i].peek(), slots[n - 1 - i].peek());
            slots[i].store_raw(b);
            slots[n - 1 - i].store_raw(a);
        }
    }
}

impl Thread {
    /// A list of these items.
    pub fn new_list(&mut self, items: Vec<Owned>) -> Owned {
        let list = List::from_parts(items.len(), Items::from_vec(items));
        self.alloc(list)
    }

    /// An instance of a list subclass.
    pub fn new_list_as(&mut self, ty: &Type, items: Vec<Owned>) -> Owned {
        let list = List::from_parts(items.len(), Items::from_vec(items));
        self.alloc_as(list, ty)
    }

    /// A list of `n` words that are moved out of `from`.
    ///
    /// # Safety
    /// Each word owns its count (OB-1) and is forgotten by the caller.
    pub unsafe fn new_list_from_words(&mut self, from: *const Word, n: usize) -> Owned {
        // SAFETY: passed on.
        let items = unsafe { Items::from_words(from, n) };
        self.alloc(List::from_parts(n, items))
    }

    /// A list of copies of `items`.
    pub fn new_list_of(&mut self, items: &[Borrowed<'_>]) -> Owned {
        self.new_list(items.iter().copied().map(Borrowed::to_owned).collect())
    }
}
