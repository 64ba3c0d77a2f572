//! `groupby`.

use typhon_sync::prim::{AtomicU64, Ordering};

use typhon_core::{
    Args, ArgsExt, Borrowed, CompareOp, Owned, PyResult, Slot, Slots, Thread, Type, TypeDef, payload,
    type_flags, unborn,
};

use crate::args::{constructor, itself, made, this};

payload! {
    /// `itertools.groupby`.
    pub struct GroupBy: GROUPBY {
        source: Slot,
        /// Empty = the item itself is the key.
        key_function: Slot,
        /// Key of the group given out last.
        target: Slot,
        /// Key and item that were read last; the item is empty once a group took it.
        key: Slot,
        item: Slot,
        /// Number of the group given out last: older groups are at their end.
        group: AtomicU64,
    }
}

pub static GROUPBY: TypeDef = TypeDef {
    module: "itertools",
    flags: type_flags::BASE | type_flags::GC,
    doc: "make an iterator that returns consecutive keys and groups from the iterable\n\n  iterable\n    Elements to \
          divide into groups according to the key function.\n  key\n    A function for computing the group category \
          for each element.\n    If the key function is not specified or is None, the element itself\n    is used \
          for grouping.",
    slots: Slots { new: Some(new), iter: Some(itself), next: Some(next), ..Slots::NONE },
    ..TypeDef::of::<GroupBy>("groupby")
};

payload! {
    /// One group of a [`GroupBy`].
    pub struct Grouper: GROUPER {
        parent: Slot,
        target: Slot,
        number: u64,
    }
}

pub static GROUPER: TypeDef = TypeDef {
    module: "itertools",
    flags: type_flags::GC | type_flags::NO_NEW,
    slots: Slots { iter: Some(itself), next: Some(group_next), ..Slots::NONE },
    ..TypeDef::of::<Grouper>("_grouper")
};

fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    let a = constructor::<GroupBy>(th, ty, "(iterable, key=None)", args)?;
    let payload = GroupBy {
        header: unborn(),
        source: Slot::new(a[0].iter(th)?),
        key_function: Slot::from_option(a.some(1).map(Borrowed::to_owned)),
        target: Slot::empty(),
        key: Slot::empty(),
        item: Slot::empty(),
        group: AtomicU64::new(0),
    };
    made(th, ty, payload)
}

/// Reads the next item and its key. `false`: there is none.
fn step(th: &mut Thread, g: &GroupBy) -> PyResult<bool> {
    let source = g.source.fixed().unwrap_or(Borrowed::none());
    let Some(item) = source.next(th)? else { return Ok(false) };
    let key = match g.key_function.fixed() {
        Some(f) => f.call(th, &[item.borrow()])?,
        None => item.clone(),
    };
    g.item.set(&g.header, item);
    g.key.set(&g.header, key);
    Ok(true)
}

fn next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let g: &GroupBy = this(o);
    // ORDERING Relaxed: a position.
    let number = g.group.fetch_add(1, Ordering::Relaxed) + 1;
    // Skip what the last group left.
    loop {
        match (g.key.get(&g.header), g.target.get(&g.header)) {
            (None, _) => {}
            (Some(_), None) => break,
            (Some(key), Some(target)) => {
                if !target.borrow().is(key.word())
                    && !target.borrow().compare_bool(th, key.borrow(), CompareOp::Eq)?
                {
                    break;
                }
            }
        }
        if !step(th, g)? {
            return Ok(None);
        }
    }
    let key = g.key.get(&g.header).unwrap_or_else(Owned::none);
    g.target.set(&g.header, key.clone());
    let group =
        Grouper { header: unborn(), parent: Slot::new(o.to_owned()), target: Slot::new(key.clone()), number };
    let group = th.alloc(group);
    Ok(Some(th.new_pair(key, group)))
}

fn group_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let group: &Grouper = this(o);
    let g: &GroupBy = this(group.parent.fixed().unwrap_or(Borrowed::none()));
    // ORDERING Relaxed: a position.
    if g.group.load(Ordering::Relaxed) != group.number {
        return Ok(None);
    }
    if g.item.is_empty() && !step(th, g)? {
        return Ok(None);
    }
    let Some(key) = g.key.get(&g.header) else { return Ok(None) };
    let target = group.target.fixed().unwrap_or(Borrowed::none());
    if !target.is(key.word()) && !target.compare_bool(th, key.borrow(), CompareOp::Eq)? {
        return Ok(None);
    }
    Ok(g.item.clear(&g.header))
}
