//! Iterators that belong to no container: over anything with `__getitem__`, over calls, and the
//! building blocks `enumerate`, `filter`, `map`, `reversed`, `zip`.

pub mod enumerate;
pub mod filter;
pub mod map;
pub mod reversed;
pub mod zip;

use typhon_sync::prim::{AtomicUsize, Ordering};

use crate::builtins::exceptions as ex;
use crate::builtins::sequence;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::Slots;
use crate::thread::{Thread, unborn};
use crate::typedef::{NativeDef, TypeDef};

crate::payload! {
    /// `iter()` of an object that only has `__getitem__`; drops the object at its end.
    pub struct SequenceIterator: SEQUENCE {
        seq: Slot,
        index: AtomicUsize,
    }
}

pub static SEQUENCE: TypeDef = TypeDef {
    slots: Slots { iter: Some(|_, o| Ok(o.to_owned())), next: Some(sequence_next), ..Slots::NONE },
    methods: &[
        NativeDef::new(
            "__length_hint__",
            "($self, /)",
            sequence_hint,
            "Private method returning an estimate of len(list(it)).",
        ),
        NativeDef::new("__reduce__", "($self, /)", sequence_reduce, "Return state information for pickling."),
        NativeDef::new(
            "__setstate__",
            "($self, state, /)",
            sequence_setstate,
            "Set state information for unpickling.",
        ),
    ],
    ..TypeDef::of::<SequenceIterator>("iterator")
};

/// `iter()` of an object that only has `__getitem__`.
pub fn sequence_iterator(th: &mut Thread, seq: Borrowed<'_>) -> Owned {
    let seq = Slot::new(seq.to_owned());
    th.alloc(SequenceIterator { header: unborn(), seq, index: AtomicUsize::new(0) })
}

fn seq_of<'a>(o: Borrowed<'a>) -> &'a SequenceIterator {
    o.downcast_exact::<SequenceIterator>().expect("checked by the slot's type")
}

fn sequence_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let it = seq_of(o);
    let Some(seq) = it.seq.get(&it.header) else { return Ok(None) };
    // ORDERING Relaxed: a position; threads that share an iterator may see an item twice.
    let i = it.index.load(Ordering::Relaxed);
    if i == isize::MAX as usize {
        return Err(th.overflow_error("iter index too large"));
    }
    let key = th.new_int(i as i64);
    match seq.borrow().getitem(th, key.borrow()) {
        Ok(v) => {
            it.index.store(i + 1, Ordering::Relaxed);
            Ok(Some(v))
        }
        Err(raised) if th.exc_is(&ex::INDEX_ERROR) || th.exc_is(&ex::STOP_ITERATION) => {
            drop(th.catch(raised));
            drop(it.seq.clear(&it.header));
            Ok(None)
        }
        Err(raised) => Err(raised),
    }
}

fn sequence_hint(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = seq_of(a[0]);
    let Some(seq) = it.seq.get(&it.header) else { return Ok(th.new_int(0)) };
    if seq.borrow().ty().slots.len().is_none() {
        return Ok(Owned::not_implemented());
    }
    let len = seq.borrow().len(th)?;
    // ORDERING Relaxed: as in `sequence_next`.
    Ok(th.new_int(len.saturating_sub(it.index.load(Ordering::Relaxed)) as i64))
}

fn sequence_reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = seq_of(a[0]);
    match it.seq.get(&it.header) {
        Some(seq) => {
            // ORDERING Relaxed: as in `sequence_next`.
            let state = th.new_int(it.index.load(Ordering::Relaxed) as i64);
            sequence::reduced(th, "iter", vec![seq], Some(state))
        }
        None => {
            let empty = th.new_tuple(vec![]);
            sequence::reduced(th, "iter", vec![empty], None)
        }
    }
}

fn sequence_setstate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let i = sequence::state_index(th, a[1])?;
    let it = seq_of(a[0]);
    if !it.seq.is_empty() {
        // ORDERING Relaxed: as in `sequence_next`.
        it.index.store(i, Ordering::Relaxed);
    }
    Ok(Owned::none())
}

crate::payload! {
    /// `iter(callable, sentinel)`; drops both at its end.
    pub struct CallableIterator: CALLABLE {
        callable: Slot,
        sentinel: Slot,
    }
}

pub static CALLABLE: TypeDef = TypeDef {
    slots: Slots { iter: Some(|_, o| Ok(o.to_owned())), next: Some(callable_next), ..Slots::NONE },
    methods: &[NativeDef::new(
        "__reduce__",
        "($self, /)",
        callable_reduce,
        "Return state information for pickling.",
    )],
    ..TypeDef::of::<CallableIterator>("callable_iterator")
};

/// `iter(callable, sentinel)`
pub fn callable_iterator(th: &mut Thread, callable: Borrowed<'_>, sentinel: Borrowed<'_>) -> Owned {
    let (callable, sentinel) = (Slot::new(callable.to_owned()), Slot::new(sentinel.to_owned()));
    th.alloc(CallableIterator { header: unborn(), callable, sentinel })
}

fn call_of<'a>(o: Borrowed<'a>) -> &'a CallableIterator {
    o.downcast_exact::<CallableIterator>().expect("checked by the slot's type")
}

impl CallableIterator {
    fn finish(&self) {
        drop(self.callable.clear(&self.header));
        drop(self.sentinel.clear(&self.header));
    }
}

fn callable_next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let it = call_of(o);
    let Some(f) = it.callable.get(&it.header) else { return Ok(None) };
    let r = f.borrow().call(th, &[]);
    let Some(v) = th.absorb(r, &ex::STOP_ITERATION)? else {
        it.finish();
        return Ok(None);
    };
    let Some(sentinel) = it.sentinel.get(&it.header) else { return Ok(None) };
    if sentinel.borrow().equals(th, v.borrow())? {
        it.finish();
        return Ok(None);
    }
    Ok(Some(v))
}

fn callable_reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let it = call_of(a[0]);
    match (it.callable.get(&it.header), it.sentinel.get(&it.header)) {
        (Some(f), Some(s)) => sequence::reduced(th, "iter", vec![f, s], None),
        _ => {
            let empty = th.new_tuple(vec![]);
            sequence::reduced(th, "iter", vec![empty], None)
        }
    }
}

/// The value of a `strict` keyword, the only one that the constructor `name` takes.
fn strict_keyword(th: &mut Thread, name: &str, args: crate::slots::Args<'_>) -> PyResult<bool> {
    let mut strict = false;
    for (k, v) in args.keywords() {
        let k = k.str_text(th)?;
        if k != "strict" {
            return Err(th.type_error(&format!("{name}() got an unexpected keyword argument '{k}'")));
        }
        strict = v.truth(th)?;
    }
    Ok(strict)
}
