//! `reversed`.

use typhon_sync::prim::{AtomicIsize, Ordering};

use crate::builtins::exceptions as ex;
use crate::builtins::sequence;
use crate::object::{Borrowed, Owned, PyResult, Slot};
use crate::slots::{Args, Slots};
use crate::thread::{Thread, unborn};
use crate::typedef::{NativeDef, TypeDef, type_flags};
use crate::types::Type;

crate::payload! {
    /// `reversed(sequence)` for what has no `__reversed__`; drops the sequence at its end.
    pub struct Reversed: DEF {
        seq: Slot,
        /// Next index; below 0 = exhausted.
        index: AtomicIsize,
    }
}

pub static DEF: TypeDef = TypeDef {
    doc: "Return a reverse iterator over the values of the given sequence.",
    flags: type_flags::GC | type_flags::BASE,
    slots: Slots { new: Some(new), iter: Some(|_, o| Ok(o.to_owned())), next: Some(next), ..Slots::NONE },
    methods: &[
        NativeDef::new(
            "__length_hint__",
            "($self, /)",
            length_hint,
            "Private method returning an estimate of len(list(it)).",
        ),
        NativeDef::new("__reduce__", "($self, /)", reduce, "Return state information for pickling."),
        NativeDef::new(
            "__setstate__",
            "($self, state, /)",
            setstate,
            "Set state information for unpickling.",
        ),
    ],
    ..TypeDef::of::<Reversed>("reversed")
};

fn of<'a>(o: Borrowed<'a>) -> &'a Reversed {
    o.downcast::<Reversed>().expect("checked by the slot's type")
}

fn new(th: &mut Thread, ty: &Type, args: Args<'_>) -> PyResult {
    sequence::positional_only(th, "reversed", args, 1, 1)?;
    let seq = args.pos()[0];
    let name = th.rt.names.__reversed__.get();
    if let Some(method) = seq.special(th, name)? {
        if method.is_none() {
            return not_reversible(th, seq);
        }
        return method.borrow().call(th, &[]);
    }
    let slots = &seq.ty().slots;
    let is_dict = seq.downcast::<crate::builtins::dict::Dict>().is_some();
    if slots.getitem().is_none() || slots.len().is_none() || is_dict {
        return not_reversible(th, seq);
    }
    let n = seq.len(th)?;
    let payload = Reversed {
        header: unborn(),
        seq: Slot::new(seq.to_owned()),
        index: AtomicIsize::new(n as isize - 1),
    };
    Ok(th.alloc_as(payload, ty))
}

fn not_reversible(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
    let msg = format!("'{}' object is not reversible", o.type_name(th));
    Err(th.type_error(&msg))
}

fn next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
    let r = of(o);
    // ORDERING Relaxed: a position; threads that share an iterator may see an item twice.
    let i = r.index.load(Ordering::Relaxed);
    if i >= 0
        && let Some(seq) = r.seq.get(&r.header)
    {
        let key = th.new_int(i as i64);
        match seq.borrow().getitem(th, key.borrow()) {
            Ok(v) => {
                r.index.store(i - 1, Ordering::Relaxed);
                return Ok(Some(v));
            }
            Err(raised) if th.exc_is(&ex::INDEX_ERROR) || th.exc_is(&ex::STOP_ITERATION) => {
                drop(th.catch(raised));
            }
            Err(raised) => return Err(raised),
        }
    }
    r.index.store(-1, Ordering::Relaxed);
    drop(r.seq.clear(&r.header));
    Ok(None)
}

fn length_hint(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let r = of(a[0]);
    // ORDERING Relaxed: as in `next`.
    let left = r.index.load(Ordering::Relaxed) + 1;
    let n = match r.seq.get(&r.header) {
        Some(seq) if seq.borrow().len(th)? as isize >= left => left,
        _ => 0,
    };
    Ok(th.new_int(n as i64))
}

fn reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let r = of(a[0]);
    let ty = a[0].ty().as_value().to_owned();
    match r.seq.get(&r.header) {
        Some(seq) => {
            let args = th.new_tuple(vec![seq]);
            // ORDERING Relaxed: as in `next`.
            let state = th.new_int(r.index.load(Ordering::Relaxed) as i64);
            Ok(th.new_tuple(vec![ty, args, state]))
        }
        None => {
            let empty = th.new_tuple(vec![]);
            let args = th.new_tuple(vec![empty]);
            Ok(th.new_tuple(vec![ty, args]))
        }
    }
}

fn setstate(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let r = of(a[0]);
    let i = a[1].to_isize(th)?;
    if let Some(seq) = r.seq.get(&r.header) {
        let last = seq.borrow().len(th)? as isize - 1;
        // ORDERING Relaxed: as in `next`.
        r.index.store(i.clamp(-1, last), Ordering::Relaxed);
    }
    Ok(Owned::none())
}
