//! The iterator over an array, which may change meanwhile.

use typhon_sync::prim::{AtomicIsize, Ordering};

use typhon_core::builtins::sequence;
use typhon_core::{
    Borrowed, NativeDef, Owned, PyResult, Slot, Slots, Thread, TypeDef, payload, type_flags, unborn,
};

use super::Array;
use crate::args::{itself, this};

payload! {
    /// `array.arrayiterator`.
    pub struct ArrayIterator: ITERATOR {
        source: Slot,
        /// Next position; -1 = exhausted.
        next: AtomicIsize,
    }
}

pub static ITERATOR: TypeDef = TypeDef {
    module: "array",
    flags: type_flags::GC | type_flags::NO_NEW,
    slots: Slots { iter: Some(itself), next: Some(next), ..Slots::NONE },
    methods: &[
        NativeDef::new("__reduce__", "($self, /)", reduce, "Return state information for pickling."),
        NativeDef::new(
            "__setstate__",
            "($self, state, /)",
            setstate,
            "Set state information for unpickling.",
        ),
    ],
    ..TypeDef::of::<ArrayIterator>("arrayiterator")
};

pub fn iter(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let source = Slot::new(o.to_owned());
    Ok(th.alloc(ArrayIterator { header: unborn(), source, next: AtomicIsize::new(0) }))
}

fn parts(o: Borrowed<'_>) -> (&ArrayIterator, Borrowed<'_>) {
    let it: &ArrayIterator = this(o);
    (it, it.source.fixed().expect("an iterator keeps its array"))
}

fn next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let (it, source) = parts(o);
    // ORDERING Relaxed: a position; threads that share an iterator may see an item twice.
    let i = it.next.load(Ordering::Relaxed);
    let Ok(at) = usize::try_from(i) else { return Ok(None) };
    let v = this::<Array>(source).get(th, at);
    // ORDERING Relaxed: as above.
    it.next.store(if v.is_some() { i + 1 } else { -1 }, Ordering::Relaxed);
    Ok(v)
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let (it, source) = parts(a[0]);
    // ORDERING Relaxed: as in `next`.
    let i = it.next.load(Ordering::Relaxed);
    if i < 0 {
        let nothing = th.new_tuple(Vec::new());
        return sequence::reduced(th, "iter", vec![nothing], None);
    }
    let at = th.new_int(i as i64);
    sequence::reduced(th, "iter", vec![source.to_owned()], Some(at))
}

fn setstate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let i = sequence::state_index(th, a[1])?;
    let (it, _) = parts(a[0]);
    // ORDERING Relaxed: as in `next`.
    if it.next.load(Ordering::Relaxed) >= 0 {
        // ORDERING Relaxed: as in `next`.
        it.next.store(i as isize, Ordering::Relaxed);
    }
    Ok(Owned::none())
}
