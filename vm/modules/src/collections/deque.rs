//! `deque`.

use std::collections::VecDeque;

use typhon_core::builtins::exceptions as ex;
use typhon_core::builtins::sequence::{guarded_repr, push_repr, repeated_len};
use typhon_core::{
    Args, ArgsExt, Borrowed, CompareOp, GetSetDef, Locked, NativeDef, Owned, PyResult, Safety, Shared, Slots,
    Thread, TypeDef, equality, payload, signature, traced, type_flags, unborn,
};

use super::deque_iterator;
use crate::args::{made, this};

traced! {
    /// What a deque's lock protects.
    pub struct State {
        items: VecDeque<Owned>,
        /// Changes with every change of the length or order: iterators notice.
        version: u64,
        /// `usize::MAX` = no bound.
        max: usize,
    }
}

impl State {
    /// Adds an item at the right; drops one at the left of a full deque.
    #[inline]
    fn append(&mut self, v: Owned) {
        self.version += 1;
        self.items.push_back(v);
        if self.items.len() > self.max {
            self.items.pop_front();
        }
    }

    #[inline]
    fn append_left(&mut self, v: Owned) {
        self.version += 1;
        self.items.push_front(v);
        if self.items.len() > self.max {
            self.items.pop_back();
        }
    }

    fn rotate(&mut self, n: isize) {
        let len = self.items.len();
        if len > 1 {
            self.version += 1;
            let n = n.rem_euclid(len as isize) as usize;
            self.items.rotate_right(n);
        }
    }
}

payload! {
    /// `collections.deque`.
    pub struct Deque: DEQUE {
        state: Locked<State>,
    }
}

pub static DEQUE: TypeDef = TypeDef {
    module: "collections",
    flags: type_flags::BASE | type_flags::GC | type_flags::SEQUENCE | type_flags::WEAKREF,
    doc: "A list-like sequence optimized for data accesses near its endpoints.",
    slots: Slots {
        new: Some(|th, ty, _| {
            let state = State { items: VecDeque::new(), version: 0, max: usize::MAX };
            made(th, ty, Deque { header: unborn(), state: Locked::new(state) })
        }),
        init: Some(init),
        repr: Some(repr),
        compare: Some(compare),
        iter: Some(deque_iterator::forward),
        len: Some(|th, o| Ok(of(o).state_and_len(th).1)),
        getitem: Some(getitem),
        setitem: Some(setitem),
        contains: Some(|th, o, v| Ok(find(th, of(o), v, (0, usize::MAX), |_, _| ())?.is_some())),
        concat: Some(concat),
        repeat: Some(repeat),
        inplace_concat: Some(|th, o, other| extend(th, of(o), o, other, false).map(|()| o.to_owned())),
        inplace_repeat: Some(inplace_repeat),
        ..Slots::NONE
    },
    methods: &[
        NativeDef::new(
            "append",
            "($self, item, /)",
            append,
            "Add an element to the right side of the deque.",
        ),
        NativeDef::new(
            "appendleft",
            "($self, item, /)",
            append_left,
            "Add an element to the left side of the deque.",
        ),
        NativeDef::new("clear", "($self, /)", clear, "Remove all elements from the deque."),
        NativeDef::new("copy", "($self, /)", |th, a| copy(th, a[0]), "Return a shallow copy of a deque."),
        NativeDef::new("__copy__", "($self, /)", |th, a| copy(th, a[0]), "Return a shallow copy of a deque."),
        NativeDef::new("count", "($self, value, /)", count, "Return number of occurrences of value."),
        NativeDef::new(
            "extend",
            "($self, iterable, /)",
            |th, a| extend(th, of(a[0]), a[0], a[1], false).map(|()| Owned::none()),
            "Extend the right side of the deque with elements from the iterable.",
        ),
        NativeDef::new(
            "extendleft",
            "($self, iterable, /)",
            |th, a| extend(th, of(a[0]), a[0], a[1], true).map(|()| Owned::none()),
            "Extend the left side of the deque with elements from the iterable.",
        ),
        NativeDef::new(
            "index",
            "($self, value, start=0, stop=sys.maxsize, /)",
            index,
            "Return first index of value.\n\nRaises ValueError if the value is not present.",
        ),
        NativeDef::new("insert", "($self, index, value, /)", insert, "Insert value before index."),
        NativeDef::new("pop", "($self, /)", pop, "Remove and return the rightmost element."),
        NativeDef::new("popleft", "($self, /)", pop_left, "Remove and return the leftmost element."),
        NativeDef::new("remove", "($self, value, /)", remove, "Remove first occurrence of value."),
        NativeDef::new("reverse", "($self, /)", reverse, "Reverse *IN PLACE*."),
        NativeDef::new(
            "rotate",
            "($self, n=1, /)",
            rotate,
            "Rotate the deque n steps to the right.  If n is negative, rotates left.",
        ),
        NativeDef::new(
            "__reversed__",
            "($self, /)",
            |th, a| deque_iterator::reverse(th, a[0]),
            "Return a reverse iterator over the deque.",
        ),
        NativeDef::new("__reduce__", "($self, /)", reduce, "Return state information for pickling."),
        NativeDef::new(
            "__sizeof__",
            "($self, /)",
            sizeof,
            "Return the size of the deque in memory, in bytes.",
        ),
        typhon_core::builtins::generic_alias::CLASS_GETITEM,
    ],
    getset: &[GetSetDef {
        name: "maxlen",
        get: |th, o| Ok(max_object(th, of(o))),
        set: None,
        doc: "maximum size of a deque or None if unbounded",
    }],
    shared: Some(
        Shared::but(
            Safety::Locked,
            &[
                (Safety::Constant, "maxlen"),
                (Safety::Each, "__iter__ __reversed__"),
                (Safety::Moments, "__eq__ __ge__ __gt__ __le__ __lt__ __ne__"),
                (Safety::Steps, "__add__ __iadd__ __init__ __mul__ __reduce__ __repr__ __rmul__ extend extendleft"),
            ],
        )
        .note("A loop says so if the deque has changed; so do `index`, `count`, `remove` and `in` if comparing runs code."),
    ),
    ..TypeDef::of::<Deque>("deque")
};

#[inline(always)]
fn of<'a>(o: Borrowed<'a>) -> &'a Deque {
    this(o)
}

impl Deque {
    /// Version and length.
    pub fn state_and_len(&self, th: &mut Thread) -> (u64, usize) {
        let s = self.state.lock(&self.header, th);
        (s.version, s.items.len())
    }

    /// The item at a distance from one end; `Some(None)` at the end, `None` if the deque has changed since
    /// `version`.
    #[inline]
    pub fn item_at(&self, th: &mut Thread, version: u64, i: usize, from_back: bool) -> Option<Option<Owned>> {
        let s = self.state.lock(&self.header, th);
        if s.version != version {
            return None;
        }
        if i >= s.items.len() {
            return Some(None);
        }
        let i = if from_back { s.items.len() - 1 - i } else { i };
        Some(s.items.get(i).cloned())
    }

    fn len(&self, th: &mut Thread) -> usize {
        self.state.lock(&self.header, th).items.len()
    }

    fn max(&self, th: &mut Thread) -> usize {
        self.state.lock(&self.header, th).max
    }

    fn snapshot(&self, th: &mut Thread) -> Vec<Owned> {
        self.state.lock(&self.header, th).items.iter().cloned().collect()
    }
}

fn max_object(th: &mut Thread, d: &Deque) -> Owned {
    match d.max(th) {
        usize::MAX => Owned::none(),
        n => th.new_int(n as i64),
    }
}

fn init(th: &mut Thread, o: Borrowed<'_>, args: Args<'_>) -> PyResult<()> {
    let a = signature::bind(th, "deque", "(iterable=(), maxlen=None)", args)?;
    let max = match a.some(1) {
        None => usize::MAX,
        Some(n) if n.as_int().is_none() => return Err(th.type_error("an integer is required")),
        Some(n) => match usize::try_from(n.to_isize(th)?) {
            Ok(n) => n,
            Err(_) => return Err(th.value_error("maxlen must be non-negative")),
        },
    };
    let d = of(o);
    let old = {
        let mut s = d.state.lock(&d.header, th);
        s.max = max;
        s.version += 1;
        core::mem::take(&mut s.items)
    };
    drop(old);
    match a.opt(0) {
        Some(source) => extend(th, d, o, source, false),
        None => Ok(()),
    }
}

fn extend(th: &mut Thread, d: &Deque, o: Borrowed<'_>, source: Borrowed<'_>, left: bool) -> PyResult<()> {
    if source.is(o.word()) {
        let mut s = d.state.lock(&d.header, th);
        let items: Vec<Owned> = s.items.iter().cloned().collect();
        for v in items {
            if left { s.append_left(v) } else { s.append(v) }
        }
        return Ok(());
    }
    let it = source.iter(th)?;
    while let Some(v) = it.borrow().next(th)? {
        {
            let mut s = d.state.lock(&d.header, th);
            if left { s.append_left(v) } else { s.append(v) }
        }
        th.drain_drops();
    }
    Ok(())
}

fn append(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let d = of(a[0]);
    let v = a[1].to_owned();
    d.state.lock(&d.header, th).append(v);
    Ok(Owned::none())
}

fn append_left(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let d = of(a[0]);
    let v = a[1].to_owned();
    d.state.lock(&d.header, th).append_left(v);
    Ok(Owned::none())
}

fn pop(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let d = of(a[0]);
    let v = {
        let mut s = d.state.lock(&d.header, th);
        s.version += 1;
        s.items.pop_back()
    };
    v.ok_or_else(|| th.index_error("pop from an empty deque"))
}

fn pop_left(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let d = of(a[0]);
    let v = {
        let mut s = d.state.lock(&d.header, th);
        s.version += 1;
        s.items.pop_front()
    };
    v.ok_or_else(|| th.index_error("pop from an empty deque"))
}

fn clear(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let d = of(a[0]);
    let old = {
        let mut s = d.state.lock(&d.header, th);
        s.version += 1;
        core::mem::take(&mut s.items)
    };
    drop(old);
    Ok(Owned::none())
}

/// A deque of the same class with the same bound.
fn copy(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let d = of(o);
    if core::ptr::eq(o.ty(), DEQUE.ty()) {
        let state = {
            let s = d.state.lock(&d.header, th);
            State { items: s.items.clone(), version: 0, max: s.max }
        };
        return Ok(th.alloc(Deque { header: unborn(), state: Locked::new(state) }));
    }
    let class = o.ty().as_value();
    let max = max_object(th, d);
    let new = if max.is_none() { class.call(th, &[o])? } else { class.call(th, &[o, max.borrow()])? };
    if new.downcast::<Deque>().is_none() {
        let msg = format!("{}() must return a deque, not {}", o.type_name(th), new.borrow().type_name(th));
        return Err(th.type_error(&msg));
    }
    Ok(new)
}

fn mutated<T>(th: &mut Thread) -> PyResult<T> {
    Err(th.runtime_error("deque mutated during iteration"))
}

/// What comparing items without running code led to.
enum Scan {
    /// The index of an equal one.
    Found(usize),
    End,
    /// This item must be compared by running code; the deque's version.
    Ask(usize, Owned, u64),
    /// The deque has changed since the last `Ask`.
    Mutated,
}

impl State {
    /// Compares the items in `start..stop` with `v`.
    fn scan(&self, v: Borrowed<'_>, start: usize, stop: usize, version: Option<u64>) -> Scan {
        if version.is_some_and(|version| version != self.version) {
            return Scan::Mutated;
        }
        for i in start..stop.min(self.items.len()) {
            match equality::quick(self.items[i].borrow(), v) {
                Some(true) => return Scan::Found(i),
                Some(false) => {}
                None => return Scan::Ask(i, self.items[i].clone(), self.version),
            }
        }
        Scan::End
    }
}

/// The index of the first item equal to `v` in `start..stop`, and what `at` does with it, still under the lock if
/// comparing ran no code. Errors: what `__eq__` raises; RuntimeError if the deque changed during a comparison.
fn find<R>(
    th: &mut Thread,
    d: &Deque,
    v: Borrowed<'_>,
    (mut start, stop): (usize, usize),
    at: impl Fn(&mut State, usize) -> R,
) -> PyResult<Option<R>> {
    let mut version = None;
    loop {
        let scan = {
            let mut s = d.state.lock(&d.header, th);
            match s.scan(v, start, stop, version) {
                Scan::Found(i) => return Ok(Some(at(&mut s, i))),
                scan => scan,
            }
        };
        let (i, item, seen) = match scan {
            Scan::Ask(i, item, seen) => (i, item, seen),
            Scan::Mutated => return mutated(th),
            _ => return Ok(None),
        };
        if item.borrow().equals(th, v)? {
            let found = {
                let mut s = d.state.lock(&d.header, th);
                if s.version == seen { Some(at(&mut s, i)) } else { None }
            };
            return if found.is_some() { Ok(found) } else { mutated(th) };
        }
        (start, version) = (i + 1, Some(seen));
    }
}

fn count(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let d = of(a[0]);
    let (mut found, mut start, mut version) = (0, 0, None);
    loop {
        let scan = {
            let s = d.state.lock(&d.header, th);
            loop {
                match s.scan(a[1], start, usize::MAX, version) {
                    Scan::Found(i) => (found, start) = (found + 1, i + 1),
                    scan => break scan,
                }
            }
        };
        start = match scan {
            Scan::Ask(i, item, seen) => {
                version = Some(seen);
                found += i64::from(item.borrow().equals(th, a[1])?);
                i + 1
            }
            Scan::Mutated => return mutated(th),
            _ => return Ok(th.new_int(found)),
        };
    }
}

fn index(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let d = of(a[0]);
    let n = d.len(th) as isize;
    let mut bound = |v: Option<Borrowed<'_>>, default: isize| -> PyResult<usize> {
        let i = match v {
            Some(v) => v.to_isize_clipped(th)?,
            None => default,
        };
        let i = if i < 0 { (i + n).max(0) } else { i };
        Ok(i.min(n) as usize)
    };
    let (start, stop) = (bound(a.opt(2), 0)?, bound(a.opt(3), isize::MAX)?);
    match find(th, d, a[1], (start, stop), |_, i| i)? {
        Some(i) => Ok(th.new_int(i as i64)),
        None => {
            let msg = format!("{} is not in deque", a[1].repr_text(th)?);
            Err(th.value_error(&msg))
        }
    }
}

fn remove(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let d = of(a[0]);
    let (version, _) = d.state_and_len(th);
    let removed = find(th, d, a[1], (0, usize::MAX), |s, i| {
        s.version += 1;
        s.items.remove(i)
    });
    let removed = match removed {
        Err(_) if th.exc_is(&ex::RUNTIME_ERROR) && d.state_and_len(th).0 != version => {
            drop(th.take_exc());
            return Err(th.index_error("deque mutated during remove()."));
        }
        other => other?,
    };
    match removed {
        Some(_) => Ok(Owned::none()),
        None => {
            let msg = format!("{} is not in deque", a[1].repr_text(th)?);
            Err(th.value_error(&msg))
        }
    }
}

fn insert(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let d = of(a[0]);
    let at = a[1].to_isize(th)?;
    let v = a[2].to_owned();
    let full = {
        let mut s = d.state.lock(&d.header, th);
        let n = s.items.len();
        if n >= s.max {
            true
        } else {
            let at = if at < 0 { (at + n as isize).max(0) as usize } else { (at as usize).min(n) };
            s.version += 1;
            s.items.insert(at, v);
            false
        }
    };
    if full { Err(th.index_error("deque already at its maximum size")) } else { Ok(Owned::none()) }
}

fn reverse(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let d = of(a[0]);
    let mut s = d.state.lock(&d.header, th);
    s.items.make_contiguous().reverse();
    Ok(Owned::none())
}

fn rotate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = match a.opt(1) {
        Some(n) => n.to_isize(th)?,
        None => 1,
    };
    let d = of(a[0]);
    d.state.lock(&d.header, th).rotate(n);
    Ok(Owned::none())
}

/// The number that a subscript is.
fn subscript(th: &mut Thread, key: Borrowed<'_>) -> PyResult<isize> {
    if key.ty().slots.index().is_none() {
        let msg = format!("sequence index must be integer, not '{}'", key.type_name(th));
        return Err(th.type_error(&msg));
    }
    key.to_isize(th)
}

impl State {
    /// The place that a subscript means.
    fn place(&self, i: isize) -> Option<usize> {
        let n = self.items.len();
        let i = if i < 0 { i.checked_add_unsigned(n)? } else { i };
        usize::try_from(i).ok().filter(|i| *i < n)
    }
}

fn getitem(th: &mut Thread, o: Borrowed<'_>, key: Borrowed<'_>) -> PyResult {
    let d = of(o);
    let i = subscript(th, key)?;
    let item = {
        let s = d.state.lock(&d.header, th);
        s.place(i).and_then(|i| s.items.get(i).cloned())
    };
    item.ok_or_else(|| th.index_error("deque index out of range"))
}

fn setitem(th: &mut Thread, o: Borrowed<'_>, key: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let d = of(o);
    let i = subscript(th, key)?;
    let v = v.map(Borrowed::to_owned);
    let old = {
        let mut s = d.state.lock(&d.header, th);
        s.place(i).and_then(|i| match v {
            Some(v) => s.items.get_mut(i).map(|place| core::mem::replace(place, v)),
            None => {
                s.version += 1;
                s.items.remove(i)
            }
        })
    };
    match old {
        Some(_) => Ok(()),
        None => Err(th.index_error("deque index out of range")),
    }
}

fn concat(th: &mut Thread, o: Borrowed<'_>, other: Borrowed<'_>) -> PyResult {
    if other.downcast::<Deque>().is_none() {
        let msg = format!("can only concatenate deque (not \"{}\") to deque", other.type_name(th));
        return Err(th.type_error(&msg));
    }
    let new = copy(th, o)?;
    extend(th, new.payload::<Deque>(), new.borrow(), other, false)?;
    Ok(new)
}

fn repeat(th: &mut Thread, o: Borrowed<'_>, n: isize) -> PyResult {
    let new = copy(th, o)?;
    inplace_repeat(th, new.borrow(), n)
}

fn inplace_repeat(th: &mut Thread, o: Borrowed<'_>, n: isize) -> PyResult {
    let d = of(o);
    if n <= 0 {
        clear(th, &[o])?;
        return Ok(o.to_owned());
    }
    let (len, max) = (d.len(th), d.max(th));
    if max == usize::MAX {
        repeated_len(th, len, n)?;
    }
    let too_long = {
        let mut s = d.state.lock(&d.header, th);
        let (len, max) = (s.items.len(), s.max);
        // Another thread may have made it longer meanwhile.
        let fits = len.checked_mul(n as usize).is_some_and(|n| n < isize::MAX as usize / size_of::<Owned>());
        // Of a bounded deque only the last items stay: no more rounds than needed.
        let rounds = match max {
            usize::MAX => n as usize - 1,
            max => (n as usize - 1).min(max.div_ceil(len.max(1))),
        };
        if max == usize::MAX && !fits {
            Some(len)
        } else {
            let items: Vec<Owned> = if rounds == 0 { Vec::new() } else { s.items.iter().cloned().collect() };
            for v in (0..rounds).flat_map(|_| &items) {
                s.append(v.clone());
            }
            None
        }
    };
    match too_long {
        Some(len) => repeated_len(th, len, n).map(|_| o.to_owned()),
        None => Ok(o.to_owned()),
    }
}

fn compare(th: &mut Thread, a: Borrowed<'_>, b: Borrowed<'_>, op: CompareOp) -> PyResult {
    let (Some(x), Some(y)) = (a.downcast::<Deque>(), b.downcast::<Deque>()) else {
        return Ok(Owned::not_implemented());
    };
    let (p, q) = (x.snapshot(th), y.snapshot(th));
    typhon_core::builtins::sequence::compare(
        th,
        op,
        || (p.len(), q.len()),
        |i| Some((p.get(i)?.clone(), q.get(i)?.clone())),
    )
}

fn repr(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    guarded_repr(th, o, "[...]", |th| {
        let d = of(o);
        let mut out = typhon_text::StrBuf::with_capacity(64);
        out.push_str(&o.ty().short_name());
        out.push_str("([");
        for (i, v) in d.snapshot(th).iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            push_repr(th, &mut out, v.borrow())?;
        }
        match d.max(th) {
            usize::MAX => out.push_str("])"),
            n => out.push_str(&format!("], maxlen={n})")),
        }
        Ok(th.new_str_buf(out))
    })
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let o = a[0];
    let max = max_object(th, of(o));
    let state = o.call_method_str(th, "__getstate__", &[])?;
    let args = if max.is_none() {
        th.new_tuple(vec![])
    } else {
        let empty = th.new_tuple(vec![]);
        th.new_pair(empty, max)
    };
    let it = o.iter(th)?;
    let ty = o.ty().as_value().to_owned();
    Ok(th.new_tuple(vec![ty, args, state, it]))
}

fn sizeof(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let d = of(a[0]);
    let n = d.state.lock(&d.header, th).items.capacity();
    Ok(th.new_int((size_of::<Deque>() + n * 8) as i64))
}
