//! `_heapq`: a list as a binary heap.
//!
//! Comparisons may run Python code that changes the list: the length is looked at again after each.

use typhon_core::builtins::list::List;
use typhon_core::{Borrowed, CompareOp, ModuleDef, NativeDef, Owned, PyResult, Thread};

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

fn store(th: &mut Thread, l: &List, i: usize, v: Owned) -> PyResult<()> {
    match l.store_item(i, v) {
        Ok(old) => {
            drop(old);
            Ok(())
        }
        Err(_) => Err(changed(th)),
    }
}

/// Moves the item at `i` up, no higher than `top`.
fn rise(th: &mut Thread, l: &List, top: usize, mut i: usize, order: Order) -> PyResult<()> {
    let n = l.len();
    if i >= n {
        return Err(th.index_error("index out of range"));
    }
    let item = at(th, l, i)?;
    while i > top {
        let parent = (i - 1) / 2;
        let p = at(th, l, parent)?;
        let up = order.above(th, item.borrow(), p.borrow())?;
        if l.len() != n {
            return Err(changed(th));
        }
        if !up {
            break;
        }
        store(th, l, i, p)?;
        store(th, l, parent, item.clone())?;
        i = parent;
    }
    Ok(())
}

/// Moves the item at `i` down to a leaf along the better children, then up again: fewer comparisons than
/// stopping early, as items from the end mostly belong near the leaves.
fn sink(th: &mut Thread, l: &List, i: usize, order: Order) -> PyResult<()> {
    let n = l.len();
    let start = i;
    let mut i = i;
    while 2 * i + 1 < n {
        let mut child = 2 * i + 1;
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
        let item = at(th, l, i)?;
        store(th, l, child, item)?;
        store(th, l, i, c)?;
        i = child;
    }
    rise(th, l, start, i, order)
}

fn push(th: &mut Thread, a: &[Borrowed<'_>], order: Order) -> PyResult {
    let l = heap(th, a[0])?;
    l.push(a[1].to_owned());
    rise(th, l, 0, l.len().saturating_sub(1), order)?;
    Ok(Owned::none())
}

fn pop(th: &mut Thread, a: &[Borrowed<'_>], order: Order) -> PyResult {
    let l = heap(th, a[0])?;
    let Some(last) = l.pop() else { return Err(th.index_error("index out of range")) };
    if l.is_empty() {
        return Ok(last);
    }
    match l.store_item(0, last) {
        Ok(first) => {
            sink(th, l, 0, order)?;
            Ok(first)
        }
        Err(last) => Ok(last),
    }
}

fn replace(th: &mut Thread, a: &[Borrowed<'_>], order: Order) -> PyResult {
    let l = heap(th, a[0])?;
    match l.store_item(0, a[1].to_owned()) {
        Ok(first) => {
            sink(th, l, 0, order)?;
            Ok(first)
        }
        Err(_) => Err(th.index_error("index out of range")),
    }
}

fn push_pop(th: &mut Thread, a: &[Borrowed<'_>], order: Order) -> PyResult {
    let l = heap(th, a[0])?;
    let Some(first) = l.get(0) else { return Ok(a[1].to_owned()) };
    if !order.above(th, first.borrow(), a[1])? {
        return Ok(a[1].to_owned());
    }
    replace(th, a, order)
}

fn heapify(th: &mut Thread, a: &[Borrowed<'_>], order: Order) -> PyResult {
    let l = heap(th, a[0])?;
    for i in (0..l.len() / 2).rev() {
        sink(th, l, i, order)?;
    }
    Ok(Owned::none())
}
