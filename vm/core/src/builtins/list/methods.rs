//! Operations and methods of `list`.

use typhon_sync::header::OwnerId;
use typhon_text::StrBuf;

use super::{DEF, Items, List};
use crate::builtins::exceptions as ex;
use crate::builtins::sequence::{self, clipped, in_range, push_repr, subscript};
use crate::builtins::slice::{Bounds, Slice};
use crate::builtins::tuple::Tuple;
use crate::equality;
use crate::object::{Borrowed, Owned, PyResult};
use crate::sharing;
use crate::slots::{Args, ArgsExt, CompareOp, Slots};
use crate::thread::Thread;
use crate::typedef::{NativeDef, Safety, Shared};
use crate::types::Type;

pub const SLOTS: Slots = Slots {
    repr: Some(repr),
    compare: Some(compare),
    iter: Some(super::iterator::new),
    new: Some(new),
    init: Some(init),
    len: Some(|_, o| Ok(of(o).len())),
    getitem: Some(getitem),
    setitem: Some(setitem),
    contains: Some(contains),
    concat: Some(concat),
    repeat: Some(repeat),
    inplace_concat: Some(inplace_concat),
    inplace_repeat: Some(inplace_repeat),
    ..Slots::NONE
};

pub const SHARED: Shared = Shared::but(
    Safety::Locked,
    &[
        (Safety::LockFree, "__getitem__ __len__"),
        (Safety::Each, "__contains__ __eq__ __ge__ __gt__ __iter__ __le__ __lt__ __ne__ __repr__ __reversed__ count index"),
        (Safety::Both, "__add__ __iadd__ extend"),
        (Safety::Steps, "__init__"),
    ],
)
.note(
    "`extend` and `+=` take dicts, sets and views of dicts as they are at one moment, too, and so do `list()`, `tuple()` and \
     `sorted()`. `sort` is atomic without a key function; to those who take no lock the list looks empty meanwhile, and \
     with a key function to all, and what they add is lost with a `ValueError`. The functions of `heapq` are atomic.",
);

pub const METHODS: &[NativeDef] = &[
    NativeDef::new("append", "($self, object, /)", append, "Append object to the end of the list."),
    NativeDef::new(
        "extend",
        "($self, iterable, /)",
        |th, a| extend(th, of(a[0]), a[1]).map(|()| Owned::none()),
        "Extend list by appending elements from the iterable.",
    ),
    NativeDef::new("insert", "($self, index, object, /)", insert, "Insert object before index."),
    NativeDef::new(
        "pop",
        "($self, index=-1, /)",
        pop,
        "Remove and return item at index (default last).\n\nRaises IndexError if list is empty or index is out of range.",
    ),
    NativeDef::new(
        "remove",
        "($self, value, /)",
        remove,
        "Remove first occurrence of value.\n\nRaises ValueError if the value is not present.",
    ),
    NativeDef::new("clear", "($self, /)", clear, "Remove all items from list."),
    NativeDef::new(
        "copy",
        "($self, /)",
        |th, a| match of(a[0]).repeated(1) {
            Some(copy) => Ok(th.alloc(copy)),
            None => no_memory(th),
        },
        "Return a shallow copy of the list.",
    ),
    NativeDef::new("count", "($self, value, /)", count, "Return number of occurrences of value."),
    NativeDef::new(
        "index",
        "($self, value, start=0, stop=sys.maxsize, /)",
        index,
        "Return first index of value.\n\nRaises ValueError if the value is not present.",
    ),
    NativeDef::new("reverse", "($self, /)", reverse, "Reverse *IN PLACE*."),
    NativeDef::new("sort", "($self, /, *, key=None, reverse=False)", super::sort::method, super::sort::DOC),
    NativeDef::new(
        "__reversed__",
        "($self, /)",
        |th, a| super::iterator::reversed(th, a[0]),
        "Return a reverse iterator over the list.",
    ),
    NativeDef::new("__sizeof__", "($self, /)", sizeof, "Return the size of the list in memory, in bytes."),
    crate::builtins::generic_alias::CLASS_GETITEM,
];

#[inline(always)]
pub(super) fn of<'a>(o: Borrowed<'a>) -> &'a List {
    o.downcast::<List>().expect("checked by the slot's type")
}

fn no_memory<T>(th: &mut Thread) -> PyResult<T> {
    Err(th.raise_empty(&ex::MEMORY_ERROR))
}

fn new(th: &mut Thread, ty: &Type, _: Args<'_>) -> PyResult {
    Ok(th.alloc_as(List::from_parts(0, Items::empty()), ty))
}

fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    let exact = core::ptr::eq(o.ty(), DEF.ty());
    let source = sequence::constructor_arg(th, "list", args, exact)?;
    let list = of(o);
    if !list.is_empty() {
        drop(list.lock().take_all());
    }
    match source {
        Some(source) => extend(th, list, source),
        None => Ok(()),
    }
}

/// `list.extend`. With another list: under the locks of both. With another container of a built-in type: its items of
/// one moment. Else item by item, as they come.
pub fn extend(th: &mut Thread, list: &List, source: Borrowed<'_>) -> PyResult<()> {
    if let Some(other) = source.downcast_exact::<List>() {
        return if list.extend_from(other) { Ok(()) } else { no_memory(th) };
    }
    if let Some(tuple) = source.downcast_exact::<Tuple>() {
        return if list.lock().push_copies(tuple.items()) { Ok(()) } else { no_memory(th) };
    }
    if let Some(items) = source.snapshot(th) {
        return match list.lock().extend(items) {
            Ok(()) => Ok(()),
            Err(_) => no_memory(th),
        };
    }
    let it = source.iter(th)?;
    let hint = source.length_hint(th, 0)?;
    if hint > 0 && !list.lock().reserve(hint.min(1 << 24)) {
        return no_memory(th);
    }
    while let Some(v) = it.borrow().next(th)? {
        list.push(v);
    }
    Ok(())
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let list = of(o);
    if list.is_empty() {
        return Ok(th.new_str("[]"));
    }
    sequence::guarded_repr(th, o, "[...]", |th| {
        let mut out = StrBuf::with_capacity(list.len() * 4 + 2);
        out.push_str("[");
        let mut i = 0;
        while let Some(v) = list.get(i) {
            if i > 0 {
                out.push_str(", ");
            }
            push_repr(th, &mut out, v.borrow())?;
            i += 1;
        }
        out.push_str("]");
        Ok(th.new_str_buf(out))
    })
}

fn compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast::<List>(), b.downcast::<List>()) else {
        return Ok(Owned::not_implemented());
    };
    sequence::compare(th, op, || (x.len(), y.len()), |i| Some((x.get(i)?, y.get(i)?)))
}

pub(crate) fn getitem(th: &mut Thread, o: Borrowed<'_>, key: Borrowed<'_>) -> PyResult {
    let list = of(o);
    if let Some(s) = key.downcast_exact::<Slice>() {
        let bounds = s.bounds(th)?;
        return Ok(sliced(th, list, bounds));
    }
    let i = subscript(th, key, "list")?;
    let at = if i < 0 { i.wrapping_add(list.len() as isize) } else { i };
    match list.get(at as usize) {
        Some(v) => Ok(v),
        None => Err(th.index_error("list index out of range")),
    }
}

/// A new list of the items within bounds.
pub(crate) fn sliced(th: &mut Thread, list: &List, bounds: Bounds) -> Owned {
    let items = list.lock();
    let span = bounds.adjust(items.len());
    let copies = if span.step == 1 {
        let slots = &items.slots()[span.range()];
        // SAFETY: the lock pins the items.
        Items::made_by(slots.len(), |i| unsafe { sharing::own_pinned(slots[i].peek()) })
    } else {
        let slots = items.slots();
        // SAFETY: as above.
        Items::made_by(span.n, |i| unsafe { sharing::own_pinned(slots[span.at(i)].peek()) })
    };
    drop(items);
    th.alloc(List::from_parts(span.n, copies))
}

fn setitem(th: &mut Thread, o: Borrowed<'_>, key: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let list = of(o);
    if let Some(s) = key.downcast_exact::<Slice>() {
        return match v {
            Some(v) => {
                let bounds = s.bounds(th)?;
                set_slice(th, list, bounds, v)
            }
            None => delete_slice(th, list, s),
        };
    }
    let i = subscript(th, key, "list")?;
    let v = v.map(Borrowed::to_owned);
    let old = {
        let items = list.lock();
        let at = if i < 0 { i.wrapping_add(items.len() as isize) } else { i } as usize;
        match v {
            Some(v) => items.replace(at, v).ok(),
            None => items.remove(at),
        }
    };
    match old {
        Some(_) => Ok(()),
        None => Err(th.index_error("list assignment index out of range")),
    }
}

/// Replaces the items within bounds by those of an iterable.
///
/// Errors: TypeError if it is none, what it raises; ValueError if a step is given and their numbers differ.
pub(crate) fn set_slice(th: &mut Thread, list: &List, bounds: Bounds, v: Borrowed<'_>) -> PyResult<()> {
    let new = if v.ty().slots.iter().is_none() && v.ty().slots.getitem().is_none() {
        let msg = if bounds.step == 1 {
            "can only assign an iterable"
        } else {
            "must assign iterable to extended slice"
        };
        return Err(th.type_error(msg));
    } else {
        v.to_vec(th)?
    };
    let items = list.lock();
    let span = bounds.adjust(items.len());
    if span.step == 1 {
        let stop = span.start.max(span.stop);
        let done = items.splice(span.start as usize, stop as usize, new);
        drop(items);
        return match done {
            Ok(_) => Ok(()),
            Err(_) => no_memory(th),
        };
    }
    if new.len() != span.n {
        drop(items);
        let msg =
            format!("attempt to assign sequence of size {} to extended slice of size {}", new.len(), span.n);
        return Err(th.value_error(&msg));
    }
    let slots = items.slots();
    let old: Vec<Owned> = span.indices().zip(new).map(|(i, v)| super::replace(&slots[i], v)).collect();
    drop(items);
    drop(old);
    Ok(())
}

fn delete_slice(th: &mut Thread, list: &List, s: &Slice) -> PyResult<()> {
    let bounds = s.bounds(th)?;
    let items = list.lock();
    let span = bounds.adjust(items.len());
    let old = if span.n == 0 {
        Vec::new()
    } else if span.step == 1 {
        items.splice(span.start as usize, span.start as usize + span.n, Vec::new()).unwrap_or_default()
    } else {
        items.remove_span(span)
    };
    drop(items);
    drop(old);
    Ok(())
}

/// Looks between `i` and `stop` for an item that equals `v`, as far as comparing runs no code: the place to go on at,
/// and whether that is it. Only a list's own thread does so, under the lock: readers of a shared list shall not wait for
/// each other.
#[inline]
fn find_quick(me: OwnerId, list: &List, mut i: usize, stop: usize, v: Borrowed<'_>) -> (usize, bool) {
    if !list.header.is_owned_by(me) {
        return (i, false);
    }
    let items = list.lock();
    let slots = items.slots();
    while i < stop.min(slots.len()) {
        // SAFETY: the lock pins the item.
        match equality::quick(unsafe { Borrowed::from_raw(slots[i].peek().uncounted()) }, v) {
            Some(false) => i += 1,
            answer => return (i, answer == Some(true)),
        }
    }
    (i, false)
}

/// The place of the first item that equals `v`, between `i` and `stop`.
fn find(th: &mut Thread, list: &List, mut i: usize, stop: usize, v: Borrowed<'_>) -> PyResult<Option<usize>> {
    loop {
        let (at, is_there) = find_quick(th.owner, list, i, stop, v);
        if is_there {
            return Ok(Some(at));
        }
        let item = if at < stop { list.get(at) } else { None };
        let Some(item) = item else { return Ok(None) };
        if item.borrow().equals(th, v)? {
            return Ok(Some(at));
        }
        i = at + 1;
    }
}

fn contains(th: &mut Thread, o: Borrowed<'_>, v: Borrowed<'_>) -> PyResult<bool> {
    Ok(find(th, of(o), 0, usize::MAX, v)?.is_some())
}

fn concat(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    let Some(y) = b.downcast::<List>() else {
        let msg = format!("can only concatenate list (not \"{}\") to list", b.type_name(th));
        return Err(th.type_error(&msg));
    };
    let (n, both) = of(a).joined(y);
    Ok(th.alloc(List::from_parts(n, both)))
}

fn repeat(th: &mut Thread, o: Borrowed<'_>, n: isize) -> PyResult {
    let list = of(o);
    // Not under the lock: it may raise. The length may be another one then, and the buffer's memory decides.
    sequence::repeated_len(th, list.len(), n)?;
    match list.repeated(n.max(0) as usize) {
        Some(list) => Ok(th.alloc(list)),
        None => no_memory(th),
    }
}

fn inplace_concat(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>) -> PyResult {
    extend(th, of(a), b)?;
    Ok(a.to_owned())
}

fn inplace_repeat(th: &mut Thread, o: Borrowed<'_>, n: isize) -> PyResult {
    let list = of(o);
    if n <= 0 {
        drop(list.lock().take_all());
        return Ok(o.to_owned());
    }
    let (len, done) = {
        let items = list.lock();
        let len = items.len();
        let more = len.checked_mul(n as usize - 1);
        let done = more.is_some_and(|more| items.reserve(more));
        for i in 0..more.filter(|_| done).unwrap_or(0) {
            // SAFETY: the lock pins the items.
            items.push(unsafe { sharing::own_pinned(items.slots()[i].peek()) });
        }
        (len, done)
    };
    if !done {
        sequence::repeated_len(th, len, n)?;
        return no_memory(th);
    }
    Ok(o.to_owned())
}

pub(crate) fn append(_: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    of(a[0]).push(a[1].to_owned());
    Ok(Owned::none())
}

fn insert(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let i = a[1].to_isize(th)?;
    let items = of(a[0]).lock();
    items.insert(clipped(i, items.len()), a[2].to_owned());
    Ok(Owned::none())
}

pub(crate) fn pop(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let list = of(a[0]);
    let i = match a.opt(1) {
        Some(i) => i.to_isize(th)?,
        None => -1,
    };
    let taken = {
        let items = list.lock();
        let n = items.len();
        if n == 0 {
            Err("pop from empty list")
        } else {
            in_range(i, n).and_then(|at| items.remove(at)).ok_or("pop index out of range")
        }
    };
    taken.map_err(|msg| th.index_error(msg))
}

fn remove(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let list = of(a[0]);
    let mut i = 0;
    loop {
        // Under the lock as far as comparisons run no code.
        let (item, gone) = {
            let items = list.lock();
            loop {
                let Some(slot) = items.slots().get(i) else { break (None, None) };
                // SAFETY: the lock pins the item.
                let item = unsafe { Borrowed::from_raw(slot.peek().uncounted()) };
                match equality::quick(item, a[1]) {
                    Some(false) => i += 1,
                    Some(true) => break (None, items.remove(i)),
                    // SAFETY: as above.
                    None => break (Some(unsafe { sharing::own_pinned(slot.peek()) }), None),
                }
            }
        };
        let Some(item) = item else {
            return match gone {
                Some(_) => Ok(Owned::none()),
                None => Err(th.value_error("list.remove(x): x not in list")),
            };
        };
        if item.borrow().equals(th, a[1])? {
            let items = list.lock();
            // The list may have changed while the items were compared. If the item is no longer where it was, it goes
            // from where it is; if it is nowhere, what stands there goes, as in CPython.
            let is_it = |slot: &crate::Slot| slot.peek().is(item.borrow().word());
            let slots = items.slots();
            let at = if slots.get(i).is_some_and(is_it) { None } else { slots.iter().position(is_it) };
            let gone = items.remove(at.unwrap_or(i));
            drop(items);
            drop(gone);
            return Ok(Owned::none());
        }
        i += 1;
    }
}

fn clear(_: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let gone = of(a[0]).lock().take_all();
    drop(gone);
    Ok(Owned::none())
}

fn count(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let list = of(a[0]);
    let (mut i, mut n) = (0, 0);
    while let Some(at) = find(th, list, i, usize::MAX, a[1])? {
        n += 1;
        i = at + 1;
    }
    Ok(th.new_int(n))
}

fn index(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let list = of(a[0]);
    let (start, stop) = sequence::bounds(th, a.opt(2), a.opt(3))?;
    let (start, stop) = (clipped(start, list.len()), clipped(stop, list.len()));
    match find(th, list, start, stop, a[1])? {
        Some(at) => Ok(th.new_int(at as i64)),
        None => Err(th.value_error("list.index(x): x not in list")),
    }
}

fn reverse(_: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    of(a[0]).lock().reverse();
    Ok(Owned::none())
}

fn sizeof(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let list = of(a[0]);
    let slots = list.lock().list_capacity();
    let buffer = if slots == 0 { 0 } else { (slots + 1) * 8 };
    Ok(th.new_int((a[0].ty().basic_size() as usize + buffer) as i64))
}
