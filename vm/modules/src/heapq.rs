//! `_heapq`: a list as a binary heap.
//!
//! An operation is done under the list's lock as long as its comparisons run no code ([`order::quick_less`]): on heaps
//! of numbers, strs and tuples of these it is atomic. At the first comparison that only the types can make, the lock
//! is given back, and the rest is done step by step ([`rise_slowly`], [`sink_slowly`]): two items are compared without
//! the lock and change places under it, if both are still where they were. So nothing is lost or doubled whatever
//! other threads or the comparisons do to the list, but the heap may end up out of order. All steps are exchanges, so
//! the list holds the same items at any time.

use typhon_core::builtins::list::List;
use typhon_core::{Borrowed, CompareOp, ModuleDef, NativeDef, Owned, PyResult, Slot, Thread, order};

const ONE: &str = "($module, heap, /)";
const TWO: &str = "($module, heap, item, /)";

pub static MODULE: ModuleDef = ModuleDef {
    name: "_heapq",
    doc: "Heap queue algorithm (a.k.a. priority queue).",
    functions: &[
        NativeDef::new(
            "heappush",
            TWO,
            |th, a| push(th, a, Order::Min),
            "Push item onto heap, maintaining the heap invariant.",
        ),
        NativeDef::new(
            "heappop",
            ONE,
            |th, a| pop(th, a, Order::Min),
            "Pop the smallest item off the heap, maintaining the heap invariant.",
        ),
        NativeDef::new(
            "heapreplace",
            TWO,
            |th, a| replace(th, a, Order::Min),
            "Pop and return the current smallest value, and add the new item.\n\nThis is more efficient than heappop() followed by heappush(), and can be\nmore appropriate when using a fixed-size heap.",
        ),
        NativeDef::new(
            "heappushpop",
            TWO,
            |th, a| push_pop(th, a, Order::Min),
            "Push item on the heap, then pop and return the smallest item from the heap.\n\nThe combined action runs more efficiently than heappush() followed by\na separate call to heappop().",
        ),
        NativeDef::new(
            "heapify",
            ONE,
            |th, a| heapify(th, a, Order::Min),
            "Transform list into a heap, in-place, in O(len(heap)) time.",
        ),
        NativeDef::new(
            "heappush_max",
            TWO,
            |th, a| push(th, a, Order::Max),
            "Push item onto max heap, maintaining the heap invariant.",
        ),
        NativeDef::new("heappop_max", ONE, |th, a| pop(th, a, Order::Max), "Maxheap variant of heappop."),
        NativeDef::new(
            "heapreplace_max",
            TWO,
            |th, a| replace(th, a, Order::Max),
            "Maxheap variant of heapreplace.",
        ),
        NativeDef::new(
            "heappushpop_max",
            TWO,
            |th, a| push_pop(th, a, Order::Max),
            "Maxheap variant of heappushpop.\n\nThe combined action runs more efficiently than heappush_max() followed by\na separate call to heappop_max().",
        ),
        NativeDef::new("heapify_max", ONE, |th, a| heapify(th, a, Order::Max), "Maxheap variant of heapify."),
    ],
    types: &[],
    setup: None,
};

#[derive(Clone, Copy)]
enum Order {
    Min,
    Max,
}

impl Order {
    /// Must `a` stand above `b`?
    #[inline]
    fn above(self, th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult<bool> {
        match self {
            Order::Min => a.compare_bool(th, b, CompareOp::Lt),
            Order::Max => b.compare_bool(th, a, CompareOp::Lt),
        }
    }

    /// As [`Order::above`]; `None`: that would run code.
    #[inline]
    fn quick_above(self, a: Borrowed<'_>, b: Borrowed<'_>) -> Option<bool> {
        match self {
            Order::Min => order::quick_less(a, b),
            Order::Max => order::quick_less(b, a),
        }
    }
}

/// Where a sift stopped, at the index of its item, because a comparison would run code.
enum Stuck {
    Rising(usize),
    Sinking(usize),
}

/// The item in a slot of the locked list.
#[inline]
fn item(slot: &Slot) -> Borrowed<'_> {
    // SAFETY: the lock keeps the item where it is, and so alive.
    unsafe { Borrowed::from_raw(slot.peek().uncounted()) }
}

fn exchange(slots: &[Slot], i: usize, j: usize) {
    let (a, b) = (slots[i].peek(), slots[j].peek());
    slots[i].store_raw(b);
    slots[j].store_raw(a);
}

/// Moves the item at `i` up, no higher than `top`. Under the lock.
fn rise(slots: &[Slot], top: usize, mut i: usize, order: Order) -> Result<(), Stuck> {
    while i > top {
        let parent = (i - 1) / 2;
        match order.quick_above(item(&slots[i]), item(&slots[parent])) {
            None => return Err(Stuck::Rising(i)),
            Some(false) => break,
            Some(true) => exchange(slots, i, parent),
        }
        i = parent;
    }
    Ok(())
}

/// Moves the item at `start` down to a leaf along the better children, then up again: fewer comparisons than
/// stopping early, as items from the end mostly belong near the leaves. Under the lock.
fn sink(slots: &[Slot], start: usize, order: Order) -> Result<(), Stuck> {
    let mut i = start;
    while 2 * i + 1 < slots.len() {
        let mut child = 2 * i + 1;
        if child + 1 < slots.len() {
            match order.quick_above(item(&slots[child]), item(&slots[child + 1])) {
                None => return Err(Stuck::Sinking(i)),
                Some(left) => child += usize::from(!left),
            }
        }
        exchange(slots, i, child);
        i = child;
    }
    rise(slots, start, i, order)
}

/// Does the rest of a sift that began at `start`, without the lock.
///
/// Errors: what comparisons raise; RuntimeError if the list changed its size.
fn finish(th: &mut Thread, l: &List, start: usize, done: Result<(), Stuck>, order: Order) -> PyResult<()> {
    match done {
        Ok(()) => Ok(()),
        Err(Stuck::Rising(i)) => rise_slowly(th, l, start, i, order),
        Err(Stuck::Sinking(i)) => sink_slowly(th, l, start, i, order),
    }
}

fn heap<'a>(th: &mut Thread, o: Borrowed<'a>) -> PyResult<&'a List> {
    match o.downcast::<List>() {
        Some(l) => Ok(l),
        None => {
            let msg = format!("heap argument must be a list, not {}", o.type_name(th));
            Err(th.type_error(&msg))
        }
    }
}

fn at(th: &mut Thread, l: &List, i: usize) -> PyResult {
    match l.get(i) {
        Some(v) => Ok(v),
        None => Err(changed(th)),
    }
}

#[cold]
fn changed(th: &mut Thread) -> typhon_core::Raised {
    th.runtime_error("list changed size during iteration")
}

/// Exchanges two items if they are still `a` and `b`.
fn exchange_slowly(l: &List, (i, a): (usize, &Owned), (j, b): (usize, &Owned)) -> bool {
    let items = l.lock();
    let slots = items.slots();
    let there = |i: usize, v: &Owned| slots.get(i).is_some_and(|slot| slot.peek().is(v.word()));
    let unchanged = there(i, a) && there(j, b);
    if unchanged {
        exchange(slots, i, j);
    }
    unchanged
}

fn rise_slowly(th: &mut Thread, l: &List, top: usize, mut i: usize, order: Order) -> PyResult<()> {
    let n = l.len();
    while i > top {
        let parent = (i - 1) / 2;
        let (v, p) = (at(th, l, i)?, at(th, l, parent)?);
        let up = order.above(th, v.borrow(), p.borrow())?;
        if l.len() != n {
            return Err(changed(th));
        }
        if !up {
            break;
        }
        if exchange_slowly(l, (i, &v), (parent, &p)) {
            i = parent;
        }
    }
    Ok(())
}

fn sink_slowly(th: &mut Thread, l: &List, start: usize, mut i: usize, order: Order) -> PyResult<()> {
    let n = l.len();
    while 2 * i + 1 < n {
        let mut child = 2 * i + 1;
        let v = at(th, l, i)?;
        let mut c = at(th, l, child)?;
        if child + 1 < n {
            let r = at(th, l, child + 1)?;
            let left = order.above(th, c.borrow(), r.borrow())?;
            if l.len() != n {
                return Err(changed(th));
            }
            if !left {
                child += 1;
                c = r;
            }
        }
        if exchange_slowly(l, (i, &v), (child, &c)) {
            i = child;
        }
    }
    rise_slowly(th, l, start, i, order)
}

fn push(th: &mut Thread, a: &[Borrowed<'_>], order: Order) -> PyResult {
    let l = heap(th, a[0])?;
    let done = {
        let items = l.lock();
        items.push(a[1].to_owned());
        rise(items.slots(), 0, items.len() - 1, order)
    };
    finish(th, l, 0, done, order)?;
    Ok(Owned::none())
}

fn pop(th: &mut Thread, a: &[Borrowed<'_>], order: Order) -> PyResult {
    let l = heap(th, a[0])?;
    let taken = {
        let items = l.lock();
        items.pop().map(|last| match items.replace(0, last) {
            Ok(first) => (first, sink(items.slots(), 0, order)),
            Err(only) => (only, Ok(())),
        })
    };
    let Some((first, done)) = taken else { return Err(th.index_error("index out of range")) };
    finish(th, l, 0, done, order)?;
    Ok(first)
}

fn replace(th: &mut Thread, a: &[Borrowed<'_>], order: Order) -> PyResult {
    let l = heap(th, a[0])?;
    let replaced = {
        let items = l.lock();
        items.replace(0, a[1].to_owned()).map(|first| (first, sink(items.slots(), 0, order)))
    };
    let Ok((first, done)) = replaced else { return Err(th.index_error("index out of range")) };
    finish(th, l, 0, done, order)?;
    Ok(first)
}

fn push_pop(th: &mut Thread, a: &[Borrowed<'_>], order: Order) -> PyResult {
    let l = heap(th, a[0])?;
    // The first item if it had to be compared without the lock, and then stood above the new one.
    let mut known: Option<Owned> = None;
    loop {
        let (done, first) = {
            let items = l.lock();
            let Some(slot) = items.slots().first() else {
                if known.is_none() {
                    return Ok(a[1].to_owned());
                }
                drop(items);
                return Err(th.index_error("index out of range"));
            };
            let above = match &known {
                Some(v) if slot.peek().is(v.word()) => Some(true),
                _ => order.quick_above(item(slot), a[1]),
            };
            match above {
                Some(false) => return Ok(a[1].to_owned()),
                Some(true) => match items.replace(0, a[1].to_owned()) {
                    Ok(first) => (Some(sink(items.slots(), 0, order)), first),
                    Err(new) => return Ok(new),
                },
                None => (None, item(slot).to_owned()),
            }
        };
        if let Some(done) = done {
            finish(th, l, 0, done, order)?;
            return Ok(first);
        }
        if !order.above(th, first.borrow(), a[1])? {
            return Ok(a[1].to_owned());
        }
        known = Some(first);
    }
}

fn heapify(th: &mut Thread, a: &[Borrowed<'_>], order: Order) -> PyResult {
    let l = heap(th, a[0])?;
    let (n, stuck) = {
        let items = l.lock();
        let slots = items.slots();
        let stuck =
            (0..slots.len() / 2).rev().find_map(|i| sink(slots, i, order).err().map(|stuck| (i, stuck)));
        (slots.len(), stuck)
    };
    let Some((i, stuck)) = stuck else { return Ok(Owned::none()) };
    finish(th, l, i, Err(stuck), order)?;
    for i in (0..i).rev() {
        if l.len() != n {
            return Err(changed(th));
        }
        sink_slowly(th, l, i, i, order)?;
    }
    Ok(Owned::none())
}
